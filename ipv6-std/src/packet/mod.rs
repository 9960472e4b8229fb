//! Datagram sockets.

use std::fmt;
use std::io;
use std::net::{Ipv6Addr, SocketAddrV6, ToSocketAddrs, UdpSocket};
use std::ops::Deref;

use ipv6_sys::batch::Ports;
use ipv6_sys::socket::{self, Kind};
use ipv6_sys::wait::Ready;

use crate::coalesce::Coalescing;
use crate::conn::Conn;
use crate::deadline::Limit;
use crate::error;
use crate::fd::{AsFd, lends_socket};

mod at_once;
mod batch;
mod batch_all;
pub(crate) mod batch_order;
mod coalescing;
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "no_error_queue.rs")]
mod error_queue;
pub(crate) mod errors;
mod fast;
pub(crate) mod flags;
mod groups;
mod late;
pub(crate) mod left_out;
mod multicast;
mod receive;
mod send;
mod send_error;
mod source_filter;
mod waiting;

/// An IPv6 datagram socket: UDP, ICMPv6 or raw.
///
/// Sends and receives datagrams with their control messages, alone and in batches, and joins multicast groups. It
/// dereferences to [`Conn`], which has the header options. All methods take `&self`; any number of threads can call them
/// at the same time. A call that a signal interrupts is repeated.
///
/// ```
/// use ipv6_std::{ControlFlags, PacketConn, SendControl};
///
/// let conn = PacketConn::bind("[::1]:0")?;
/// conn.set_control_flags(ControlFlags::DESTINATION, true)?;
/// conn.send_to(b"to myself", &SendControl::new(), conn.local_addr()?)?;
///
/// let mut payload = [0; 64];
/// let got = conn.recv_from(&mut payload)?;
/// assert_eq!(&payload[..got.len], b"to myself");
/// assert_eq!(got.control.destination, Some("::1".parse().unwrap()));
/// # std::io::Result::Ok(())
/// ```
pub struct PacketConn<S = UdpSocket> {
    conn: Conn<S>,
    /// How the port of a destination is passed to the system.
    ports: Ports,
    /// Whether a receive without control messages reports truncation.
    reports_length: bool,
    coalescing: Coalescing,
    read: Limit,
    write: Limit,
}

impl PacketConn<UdpSocket> {
    /// Opens an IPv6-only UDP socket, bound to the first IPv6 address of `addr` for which bind succeeds.
    /// [`builder`](Self::builder) opens sockets with other options, such as dual-stack sockets.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `addr` has no IPv6 address or has an IPv4-mapped one; the system's error when bind fails for
    /// all addresses.
    #[doc(alias = "ListenPacket", alias = "IPV6_V6ONLY")]
    pub fn bind(addr: impl ToSocketAddrs) -> io::Result<Self> {
        Self::builder().bind(addr)
    }

    /// Opens an IPv6-only UDP socket that shares its port with other sockets opened this way, as multicast listeners do:
    /// each of them receives every multicast datagram.
    ///
    /// A multicast address, complete or as a prefix such as `[ff02::]:1024`, stands for the wildcard address: the socket
    /// receives from the groups that it [joins](Self::join_group).
    ///
    /// **On Linux, a socket of another user can share the port and take unicast datagrams**: the kernel delivers them to
    /// the socket that was bound last, and `SO_REUSEADDR` does not compare users. Use this for multicast; receive
    /// unicast on a socket of its own ([`bind`](Self::bind)).
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an IPv4-mapped address; the system's error when bind fails, such as `AddrInUse` when a socket
    /// that does not share has the port.
    ///
    /// ```
    /// use ipv6_std::PacketConn;
    /// let first = PacketConn::bind_reusable("[ff02::]:0".parse().unwrap())?;
    /// let port = first.local_addr()?.port();
    /// let second = PacketConn::bind_reusable(format!("[ff02::]:{port}").parse().unwrap())?;
    /// assert!(second.local_addr()?.ip().is_unspecified());
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "SO_REUSEADDR", alias = "SO_REUSEPORT", alias = "ListenPacket")]
    #[inline]
    pub fn bind_reusable(mut addr: SocketAddrV6) -> io::Result<Self> {
        if addr.ip().is_multicast() {
            addr.set_ip(Ipv6Addr::UNSPECIFIED);
            addr.set_scope_id(0);
        }
        Self::builder().reusable(true).bind(addr)
    }
}

impl<S: AsFd> PacketConn<S> {
    /// Wraps an IPv6 datagram socket: UDP, ICMPv6 or raw. Control-message options already enabled stay enabled.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when it is not an IPv6 socket, or is a stream socket.
    #[doc(alias = "NewPacketConn")]
    pub fn new(socket: S) -> io::Result<Self> {
        let conn = Conn::new(socket)?;
        let ports = match socket::kind(&conn)? {
            Kind::Raw => Ports::Zero,
            Kind::Stream => return Err(error::invalid("a stream socket has no datagrams: use Conn")),
            _ => Ports::Sent,
        };
        let reports_length = socket::reports_length(&conn)?;
        let coalescing = Coalescing::new(socket::coalescing(&conn)?);
        let (read, write) = (Limit::none(Ready::Receive), Limit::none(Ready::Send));
        let conn = Self { conn, ports, reports_length, coalescing, read, write };
        conn.note_peer();
        if left_out::leaves_out(&conn.conn)? {
            conn.write.set_leaves_out();
        }
        Ok(conn)
    }

    /// Reads whether the peer of a connected dual-stack socket is IPv4-mapped. That of a socket which is bound to an
    /// IPv4-mapped address can be no other. An IPv6-only socket can become a dual-stack socket until it has a port,
    /// so its peer is unknown until then.
    pub(crate) fn note_peer(&self) {
        let local = self.conn.local_addr().ok();
        if self.conn.carries_only_v6() {
            let has_port = self.ports == Ports::Zero || local.is_none_or(|local| local.port() != 0);
            return self.write.set_mapped_peer(has_port.then_some(false));
        }
        let is_mapped = |address: SocketAddrV6| error::is_mapped(address.ip());
        let peer = self.conn.peer_addr().ok().map(is_mapped);
        let by_local = || local.map(is_mapped).filter(|is_mapped| *is_mapped);
        self.write.set_mapped_peer(peer.or_else(by_local));
    }

    /// Whether the peer of the socket is IPv4-mapped. Reads it, if it is unknown.
    pub(crate) fn peer_is_mapped(&self) -> bool {
        if self.write.peer_is_unknown() {
            self.note_peer();
        }
        self.write.peer_is_mapped()
    }
}

impl<S> PacketConn<S> {
    /// The same connection over another value that owns the socket, without deadlines and timeouts.
    pub(crate) fn map<T>(self, convert: impl FnOnce(S) -> io::Result<T>) -> io::Result<PacketConn<T>> {
        let Self { conn, ports, reports_length, coalescing, read, write } = self;
        for limit in [&read, &write] {
            limit.set_deadline(None);
            limit.set_timeout(None)?;
        }
        Ok(PacketConn { conn: conn.map(convert)?, ports, reports_length, coalescing, read, write })
    }

    /// Returns the socket. Do not replace it with another socket: this value caches options of this one.
    #[must_use]
    pub fn get_mut(&mut self) -> &mut S {
        self.conn.get_mut()
    }

    /// Returns the socket with its options as they are.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.conn.into_inner()
    }
}

/// All methods of [`Conn`].
impl<S> Deref for PacketConn<S> {
    type Target = Conn<S>;

    fn deref(&self) -> &Conn<S> {
        &self.conn
    }
}

lends_socket!(PacketConn: conn);

impl<S: fmt::Debug> fmt::Debug for PacketConn<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketConn")
            .field("conn", &self.conn)
            .field("ports", &self.ports)
            .finish_non_exhaustive()
    }
}
