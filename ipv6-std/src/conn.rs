//! What every IPv6 socket has: header fields of what it sends, control messages of what it receives.

use std::fmt;
use std::io;
use std::net::SocketAddrV6;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use ipv6_core::{ControlFlags, Ecn, RecvControl, dscp, traffic_class};
use ipv6_sys::{option, socket};

use crate::error;
use crate::fd::{AsFd, lends_socket};

/// A connected or listening stream, or any IPv6 socket: the fields of the headers that it sends, and the
/// path MTU.
///
/// `S` is any socket, owned or borrowed. [`PacketConn`](crate::PacketConn) and
/// [`RawConn`](crate::RawConn) dereference to this.
///
/// ```
/// use std::net::TcpListener;
/// use ipv6_std::Conn;
///
/// let listener = TcpListener::bind("[::1]:0")?;
/// // Connections that are accepted inherit it.
/// Conn::new(&listener)?.set_hop_limit(255)?;
/// # std::io::Result::Ok(())
/// ```
pub struct Conn<S> {
    socket: S,
    /// The bits of the `ControlFlags` that are on.
    flags: AtomicU32,
    /// Held while flags change: two of them share an option of the socket.
    changing: Mutex<()>,
}

impl<S: AsFd> Conn<S> {
    /// Wraps a socket. What it tells of received messages stays as it is.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when it is not an IPv6 socket.
    #[doc(alias = "NewConn")]
    pub fn new(socket: S) -> io::Result<Self> {
        if socket::local_address(socket.as_fd())?.is_none() {
            return Err(error::invalid("not an IPv6 socket: its address family is another than AF_INET6"));
        }
        let flags = option::control_flags(socket.as_fd())?;
        Ok(Self { socket, flags: AtomicU32::new(flags.bits()), changing: Mutex::new(()) })
    }

    /// The traffic class of what is sent: DSCP and ECN together (RFC 3542 section 6.5).
    #[doc(alias = "IPV6_TCLASS", alias = "TrafficClass")]
    pub fn traffic_class(&self) -> io::Result<u8> {
        Ok(option::TRAFFIC_CLASS.get(self.socket.as_fd())?)
    }

    /// Sets the traffic class of what is sent: DSCP and ECN together (RFC 3542 section 6.5). Of a TCP
    /// socket, Linux sets the DSCP and leaves the two ECN bits to TCP.
    #[doc(alias = "IPV6_TCLASS", alias = "SetTrafficClass")]
    pub fn set_traffic_class(&self, traffic_class: u8) -> io::Result<()> {
        Ok(option::TRAFFIC_CLASS.set(self.socket.as_fd(), traffic_class)?)
    }

    /// The differentiated services codepoint of what is sent, 0 to 63 (RFC 2474).
    #[doc(alias = "IPV6_TCLASS", alias = "DSCP")]
    pub fn dscp(&self) -> io::Result<u8> {
        self.traffic_class().map(dscp)
    }

    /// Sets the differentiated services codepoint of what is sent (RFC 2474), and leaves the ECN.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for one over 63.
    #[doc(alias = "IPV6_TCLASS", alias = "DSCP")]
    pub fn set_dscp(&self, dscp: u8) -> io::Result<()> {
        let class = traffic_class(dscp, self.ecn()?);
        self.set_traffic_class(class.ok_or_else(|| error::invalid(format!("DSCP {dscp} is over 63")))?)
    }

    /// The congestion notification of what is sent (RFC 3168).
    #[doc(alias = "IPV6_TCLASS", alias = "ECN")]
    pub fn ecn(&self) -> io::Result<Ecn> {
        self.traffic_class().map(Ecn::from_traffic_class)
    }

    /// Sets the congestion notification of what is sent (RFC 3168), and leaves the DSCP.
    #[doc(alias = "IPV6_TCLASS", alias = "ECN")]
    pub fn set_ecn(&self, ecn: Ecn) -> io::Result<()> {
        self.set_traffic_class(ecn.mark(self.traffic_class()?))
    }

    /// The hop limit of what is sent to one address (RFC 3493 section 5.1).
    #[doc(alias = "IPV6_UNICAST_HOPS", alias = "HopLimit")]
    pub fn hop_limit(&self) -> io::Result<u8> {
        Ok(option::UNICAST_HOPS.get(self.socket.as_fd())?)
    }

    /// Sets the hop limit of what is sent to one address (RFC 3493 section 5.1). What is sent to groups
    /// has [a hop limit of its own](crate::PacketConn::set_multicast_hop_limit).
    #[doc(alias = "IPV6_UNICAST_HOPS", alias = "SetHopLimit")]
    pub fn set_hop_limit(&self, hop_limit: u8) -> io::Result<()> {
        Ok(option::UNICAST_HOPS.set(self.socket.as_fd(), hop_limit)?)
    }

    /// The path MTU to the peer of a connected socket: the greatest IPv6 packet that goes there whole, in
    /// bytes, header included (RFC 3542 section 11.4).
    ///
    /// # Errors
    ///
    /// `NotConnected` when the socket has no peer; on Linux also while it has no route, between a change of
    /// its traffic class and the next packet.
    #[doc(alias = "IPV6_PATHMTU", alias = "PathMTU")]
    pub fn path_mtu(&self) -> io::Result<u32> {
        Ok(option::PATH_MTU.get(self.socket.as_fd())?.0)
    }

    /// Whether packets are sent whole or refused, never in fragments (RFC 3542 section 11.2).
    #[doc(alias = "IPV6_DONTFRAG")]
    pub fn dont_fragment(&self) -> io::Result<bool> {
        Ok(option::DONT_FRAGMENT.get(self.socket.as_fd())?)
    }

    /// Sends packets whole or not at all: one that is larger than the path takes is refused (`EMSGSIZE`
    /// on Linux) instead of going in fragments (RFC 3542 section 11.2).
    #[doc(alias = "IPV6_DONTFRAG")]
    pub fn set_dont_fragment(&self, on: bool) -> io::Result<()> {
        Ok(option::DONT_FRAGMENT.set(self.socket.as_fd(), on)?)
    }

    /// Whether the socket leaves IPv4 alone (RFC 3493 section 5.3).
    #[doc(alias = "IPV6_V6ONLY")]
    pub fn only_v6(&self) -> io::Result<bool> {
        Ok(option::V6_ONLY.get(self.socket.as_fd())?)
    }

    /// Switches the delivery of control messages on or off for the flags given, and leaves the others.
    ///
    /// Destination and interface come in one message of the system's; here each has its own flag, and
    /// [`Received`](crate::Received) has what was asked for.
    ///
    /// # Errors
    ///
    /// `Unsupported`, with the option's name, where the system cannot tell; flags before it have changed
    /// then.
    #[doc(alias = "SetControlMessage", alias = "IPV6_RECVTCLASS", alias = "IPV6_RECVHOPLIMIT")]
    #[doc(alias = "IPV6_RECVPKTINFO", alias = "IPV6_RECVPATHMTU")]
    pub fn set_control_flags(&self, flags: ControlFlags, on: bool) -> io::Result<()> {
        // A thread that panicked here left flags and options in step: there is nothing to mend.
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut now = self.control_flags();
        for (option, of) in option::CONTROL {
            if flags.intersects(of) {
                now.set(flags & of, on);
                option::switch(self.socket.as_fd(), option, now.intersects(of))?;
                self.flags.store(now.bits(), Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// The control messages that are switched on, by this value or, before it was made, on the socket.
    pub fn control_flags(&self) -> ControlFlags {
        ControlFlags::from_bits_truncate(self.flags.load(Ordering::Relaxed))
    }

    /// The control messages of the segment that a stream received last, of those that are
    /// [switched on](Self::set_control_flags). A stream has no message boundaries, so this is a sample,
    /// not an account of every segment.
    ///
    /// Linux only; `Unsupported` elsewhere.
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use std::net::{TcpListener, TcpStream};
    /// use ipv6_std::{Conn, ControlFlags};
    ///
    /// let listener = TcpListener::bind("[::1]:0")?;
    /// let mut client = TcpStream::connect(listener.local_addr()?)?;
    /// let client_conn = Conn::new(client.try_clone()?)?;
    /// client_conn.set_control_flags(ControlFlags::TRAFFIC_CLASS, true)?;
    ///
    /// let (mut server, _) = listener.accept()?;
    /// Conn::new(&server)?.set_traffic_class(0x28)?;
    /// server.write_all(b"marked")?;
    /// client.read_exact(&mut [0; 6])?;
    /// assert_eq!(client_conn.stream_control()?.dscp(), Some(10)); // AF11
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "IPV6_2292PKTOPTIONS", alias = "IPV6_PKTOPTIONS")]
    pub fn stream_control(&self) -> io::Result<RecvControl<'static>> {
        Ok(option::stream_control(self.socket.as_fd())?.filter(self.control_flags()))
    }

    /// The local address; `[::]:0` before the socket has one.
    #[doc(alias = "getsockname", alias = "LocalAddr")]
    pub fn local_addr(&self) -> io::Result<SocketAddrV6> {
        let address = socket::local_address(self.socket.as_fd())?;
        address.ok_or_else(|| error::invalid("not an IPv6 socket any more"))
    }
}

impl<S> Conn<S> {
    /// The socket.
    pub fn get_ref(&self) -> &S {
        &self.socket
    }

    /// Gives the socket back, as it is.
    pub fn into_inner(self) -> S {
        self.socket
    }
}

lends_socket!(Conn: socket);

impl<S: fmt::Debug> fmt::Debug for Conn<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = ControlFlags::from_bits_truncate(self.flags.load(Ordering::Relaxed));
        f.debug_struct("Conn").field("socket", &self.socket).field("control_flags", &flags).finish()
    }
}
