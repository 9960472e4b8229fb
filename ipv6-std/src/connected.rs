//! Connected sockets next to a listener.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddrV6, UdpSocket};

use ipv6_core::{BpfInstruction, ControlFlags};
use ipv6_sys::{option, retry, socket};

use crate::error;
use crate::fd::AsFd;
use crate::packet::PacketConn;

/// A builder for a socket of one peer next to a listener, on the same port, with fixed header fields
/// ([`PacketConn::connected`]): the fastest way to send to a busy peer of a server or a QUIC endpoint.
///
/// For such a socket the kernel looks up no route and decodes no control messages: measured on Linux over loopback, a
/// datagram takes a fifth less time. The new socket receives the datagrams of the peer, the listener all others. The
/// listener must share its port ([`PacketConn::bind_reusable`]). Beside a dual-stack listener, a peer can be IPv4-mapped; the
/// socket of any other peer carries IPv6 only.
///
/// Systems: all. See the limits.
///
/// # Limits
///
/// - Datagrams of the peer that the listener has already received stay there.
/// - Between bind and connect, the system can deliver datagrams of any sender to the new socket. On Linux, a filter drops
///   what arrives in that time, including datagrams of the peer; other systems have no filter. A datagram that another
///   processor delivers late can pass the filter. Check the source of the first datagrams on all systems.
/// - Any other socket that shares the port can receive datagrams of the peer: on Linux, any program on this host can open
///   one, with `SO_REUSEADDR`.
/// - Each peer needs a descriptor. Linux finds the socket in a hash table by local port: with thousands of sockets on one
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

    /// Sets the traffic class of sent datagrams. The default is that of new sockets.
    pub fn traffic_class(self, traffic_class: u8) -> Self {
        Self { traffic_class: Some(traffic_class), ..self }
    }

    /// Sets the hop limit of sent datagrams, for a multicast peer too. The default is that of new sockets.
    pub fn hop_limit(self, hop_limit: u8) -> Self {
        Self { hop_limit: Some(hop_limit), ..self }
    }

    /// Sets the control messages to receive. The default is those of the listener. Receiving is cheaper without any.
    pub fn control_flags(self, flags: ControlFlags) -> Self {
        Self { flags, ..self }
    }

    /// Opens the socket and connects it to `peer`.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `AddrInUse` when the listener does not share its port; `InvalidInput` for a listener without a port, and for an
    /// IPv4-mapped peer of a listener that carries IPv6 only, and for an IPv6 peer of one that is bound to an IPv4-mapped
    /// address; the system's error when there is no route to the peer.
    pub fn to(self, peer: SocketAddrV6) -> io::Result<PacketConn<UdpSocket>> {
        let is_mapped = error::is_mapped(peer.ip());
        if is_mapped && self.listener.carries_only_v6() {
            return Err(error::mapped(peer));
        }
        let local = self.listener.local_addr()?;
        if local.port() == 0 {
            return Err(error::invalid("the listener is not bound to a port: use PacketConn::bind_reusable"));
        }
        if !is_mapped && error::is_mapped(local.ip()) {
            return Err(error::invalid(format!(
                "{peer} is an IPv6 address, and the listener is bound to {local}, an address of IPv4: bind it to [::]"
            )));
        }
        let socket = socket::datagram()?;
        option::ONLY_V6.set(&socket, !is_mapped)?;
        socket::set_reuse_address(&socket, true)?;
        // Drops everything until the peer is set. For systems without filters, see the limits.
        let shut = match option::attach_filter(&socket, &[NOTHING]) {
            Err(error) if option::is_absent(error) => false,
            answer => answer.map(|()| true)?,
        };
        socket::bind(&socket, &local).map_err(|errno| in_use(errno.into()))?;
        retry(|| socket::connect(&socket, &peer))?;
        let conn = PacketConn::new(UdpSocket::from(socket))?;
        if let Some(traffic_class) = self.traffic_class {
            conn.set_traffic_class(traffic_class)?;
        }
        if let Some(hop_limit) = self.hop_limit {
            conn.set_hop_limit(hop_limit)?;
            conn.set_multicast_hop_limit(hop_limit)?;
        }
        conn.set_control_flags(self.flags, true)?;
        // Last, so that the filter drops what the system was still delivering.
        if shut {
            option::DETACH_FILTER.set(&conn, ())?;
        }
        Ok(conn)
    }
}

/// "ret #0": drops every datagram.
const NOTHING: BpfInstruction = BpfInstruction::new(0x06, 0, 0, 0);

/// Adds the remedy to the error of a port in use.
fn in_use(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::AddrInUse => error::explained(
            ErrorKind::AddrInUse,
            error,
            "the listener must share its port: open it with PacketConn::bind_reusable",
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
    /// Returns a builder for a socket of one peer on the port of this one: see [`Connected`].
    #[doc(alias = "connect", alias = "Dial")]
    pub fn connected(&self) -> Connected<'_, S> {
        Connected::new(self)
    }
}
