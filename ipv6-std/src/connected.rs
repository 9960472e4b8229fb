//! A socket for one peer beside one for all.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddrV6, UdpSocket};

use ipv6_core::{BpfInstruction, ControlFlags};
use ipv6_sys::{option, socket};

use crate::error;
use crate::fd::AsFd;
use crate::packet::PacketConn;

/// Makes a socket for one peer beside a listener, on the same port, with header fields that stay: what a server or a
/// QUIC endpoint sends to a busy peer by the shortest way through the system. There the kernel looks up no route, and
/// builds no header from control messages: measured on Linux over loopback, a datagram takes a fifth less time.
///
/// The listener has to share its port ([`PacketConn::bind_reusable`]). From then on the system hands what comes from
/// the peer to the new socket, and everything else to the listener.
///
/// # Limits
///
/// - What the listener received from the peer before, and did not read yet, stays there.
/// - Between its binding and its connecting, a moment, the system may take the new socket for a second listener. On
///   Linux, what it is handed then is dropped, and what the peer sends until the socket is ready too; elsewhere it is
///   received, whoever sent it. On Linux as well, another processor may be held up with a datagram for so long that it
///   comes too late to be dropped: everywhere, look at the source of the first datagrams.
/// - Whoever else shares the port may take datagrams away: on Linux, any program of this host that asks for it as the
///   listener did (`SO_REUSEADDR`).
/// - Each peer costs a descriptor. Linux finds the socket in a table by local port: with thousands of sockets of one
///   port, each receive pays for the search.
///
/// ```
/// use ipv6_std::{ControlFlags, PacketConn, SendControl};
///
/// let listener = PacketConn::bind_reusable("[::1]:0".parse().unwrap())?;
/// let peer = PacketConn::bind("[::1]:0")?;
/// peer.send_to(b"hello", &SendControl::new(), listener.local_addr()?)?;
///
/// let mut payload = [0; 1500];
/// let first = listener.recv_from(&mut payload)?;
/// let conn = listener.connected().traffic_class(0xb8).hop_limit(64).to(first.source)?;
/// conn.send(b"at once", &SendControl::new())?; // no control message, no address
///
/// let got = peer.recv_from(&mut payload)?;
/// assert_eq!(got.source, listener.local_addr()?);
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Copy)]
#[must_use]
pub struct Connected<'l, S> {
    listener: &'l PacketConn<S>,
    traffic_class: Option<u8>,
    hop_limit: Option<u8>,
    flags: ControlFlags,
}

impl<'l, S: AsFd> Connected<'l, S> {
    pub(crate) fn new(listener: &'l PacketConn<S>) -> Self {
        Self { listener, traffic_class: None, hop_limit: None, flags: listener.control_flags() }
    }

    /// With this traffic class; without, that of new sockets.
    pub fn traffic_class(self, traffic_class: u8) -> Self {
        Self { traffic_class: Some(traffic_class), ..self }
    }

    /// With this hop limit; without, that of new sockets. It also goes for a peer that is a group.
    pub fn hop_limit(self, hop_limit: u8) -> Self {
        Self { hop_limit: Some(hop_limit), ..self }
    }

    /// With these control messages received, in place of the listener's. Without any, a receive is cheaper.
    pub fn control_flags(self, flags: ControlFlags) -> Self {
        Self { flags, ..self }
    }

    /// Opens the socket, for this peer.
    ///
    /// # Errors
    ///
    /// `AddrInUse` when the listener does not share its port; `InvalidInput` for a peer that is IPv4-mapped, or a
    /// listener without a port; the system's error when it has no way to the peer.
    pub fn to(self, peer: SocketAddrV6) -> io::Result<PacketConn<UdpSocket>> {
        let peer = error::not_mapped_socket(peer)?;
        let local = self.listener.local_addr()?;
        if local.port() == 0 {
            return Err(error::invalid("the listener is not bound to a port that could be shared"));
        }
        let socket = socket::datagram()?;
        option::V6_ONLY.set(&socket, true)?;
        socket::set_reuse_address(&socket, true)?;
        // Nothing passes until the peer is known. Where there are no such filters, see the limits.
        let shut = option::attach_filter(&socket, &[NOTHING]).is_ok();
        socket::bind(&socket, &local).map_err(|errno| in_use(errno.into()))?;
        socket::connect(&socket, &peer)?;
        let conn = PacketConn::new(UdpSocket::from(socket))?;
        if let Some(traffic_class) = self.traffic_class {
            conn.set_traffic_class(traffic_class)?;
        }
        if let Some(hop_limit) = self.hop_limit {
            conn.set_hop_limit(hop_limit)?;
            conn.set_multicast_hop_limit(hop_limit)?;
        }
        conn.set_control_flags(self.flags, true)?;
        // Last, so that what the system was still handing to it meets the filter.
        if shut {
            option::DETACH_FILTER.set(&conn, ())?;
        }
        Ok(conn)
    }
}

/// "ret #0": no datagram is received.
const NOTHING: BpfInstruction = BpfInstruction::new(0x06, 0, 0, 0);

/// The error of a port that is taken, with what is to be done.
fn in_use(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::AddrInUse => io::Error::new(
            ErrorKind::AddrInUse,
            format!("{error}: the listener has to share its port, as one from bind_reusable does"),
        ),
        _ => error,
    }
}

impl<S> fmt::Debug for Connected<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { listener: _, traffic_class, hop_limit, flags } = self;
        f.debug_struct("Connected")
            .field("traffic_class", traffic_class)
            .field("hop_limit", hop_limit)
            .field("control_flags", flags)
            .finish_non_exhaustive()
    }
}

impl<S: AsFd> PacketConn<S> {
    /// Prepares a socket of the same port for one peer of this one: see [`Connected`].
    #[doc(alias = "connect", alias = "Dial")]
    pub fn connected(&self) -> Connected<'_, S> {
        Connected::new(self)
    }
}
