//! Opening sockets, and finding out what a socket is.

use core::net::SocketAddrV6;

use ipv6_core::Icmp6Type;
use rustix::net::{self, Protocol, SocketType};

use crate::error::Errno;
use crate::fd::{AsFd, OwnedFd};
use crate::option::{COALESCE, ICMPV6_FILTER};
use crate::os;

/// What kind of messages a socket carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// `SOCK_STREAM`: TCP and its like.
    Stream,
    /// `SOCK_DGRAM`: UDP and its like.
    Datagram,
    /// `SOCK_RAW`: the payload of IPv6 packets of one protocol.
    Raw,
    /// Any other.
    Other,
}

/// A UDP socket, not bound yet. It closes on exec and blocks.
pub fn datagram() -> Result<OwnedFd, Errno> {
    os::open(SocketType::DGRAM, None)
}

/// A raw socket for one protocol (RFC 3542 section 3). Most systems allow it to privileged programs only.
///
/// # Errors
///
/// `EPERM` or `EACCES` without the privilege; `EPROTONOSUPPORT` or `EINVAL` for protocol 0.
pub fn raw(protocol: u8) -> Result<OwnedFd, Errno> {
    let protocol = rustix::net::RawProtocol::new(u32::from(protocol)).ok_or(Errno::INVAL)?;
    os::open(SocketType::RAW, Some(Protocol::from_raw(protocol)))
}

/// An ICMPv6 socket that sends and receives echo messages without privilege, where the system lets it
/// (Linux: the group range in `net.ipv4.ping_group_range`).
pub fn icmp6_datagram() -> Result<OwnedFd, Errno> {
    os::open(SocketType::DGRAM, Some(net::ipproto::ICMPV6))
}

/// Lets several sockets on this host listen on one port, for multicast. To be set before [`bind`].
#[doc(alias = "SO_REUSEADDR", alias = "SO_REUSEPORT")]
pub fn set_reuse_address(socket: impl AsFd, on: bool) -> Result<(), Errno> {
    os::share_port(socket.as_fd(), on)
}

/// Gives the socket its local address.
pub fn bind(socket: impl AsFd, address: &SocketAddrV6) -> Result<(), Errno> {
    Ok(net::bind(socket, address)?)
}

/// Gives the socket its peer, from which alone it receives then.
pub fn connect(socket: impl AsFd, peer: &SocketAddrV6) -> Result<(), Errno> {
    Ok(net::connect(socket, peer)?)
}

/// The local address of an IPv6 socket (`[::]:0` when it has none yet); `None` when the socket is of
/// another address family.
pub fn local_address(socket: impl AsFd) -> Result<Option<SocketAddrV6>, Errno> {
    Ok(SocketAddrV6::try_from(net::getsockname(socket)?).ok())
}

/// What kind of messages the socket carries.
pub fn kind(socket: impl AsFd) -> Result<Kind, Errno> {
    Ok(match net::sockopt::socket_type(socket)? {
        SocketType::STREAM => Kind::Stream,
        SocketType::DGRAM => Kind::Datagram,
        SocketType::RAW => Kind::Raw,
        _ => Kind::Other,
    })
}

/// Whether a receive without control messages can be told how long a message was that did not fit: on Linux, by
/// UDP and raw sockets ([`receive_from`](crate::message::receive_from)).
pub fn tells_length(socket: impl AsFd) -> Result<bool, Errno> {
    let socket = socket.as_fd();
    Ok(os::TELLS_LENGTH && (kind(socket)? == Kind::Raw || os::protocol(socket)? == Some(UDP)))
}

/// Whether the socket can send and receive several datagrams as one payload, and whether it
/// [receives](COALESCE) them so: `None` where it cannot. On Linux, UDP's can (since 5.0; an earlier one would take a
/// segment size, ignore it, and send one large datagram).
pub fn coalesces(socket: impl AsFd) -> Option<bool> {
    COALESCE.get(socket).ok()
}

const UDP: u32 = 17;

/// Whether the socket is one of ICMPv6, raw or not.
#[doc(alias = "SO_PROTOCOL")]
pub fn is_icmp6(socket: impl AsFd) -> Result<bool, Errno> {
    let socket = socket.as_fd();
    let protocol = os::protocol(socket)?;
    // Where the system does not tell, no other socket has the filter.
    Ok(protocol.map_or_else(|| ICMPV6_FILTER.get(socket).is_ok(), |protocol| protocol == ICMPV6))
}

const ICMPV6: u32 = Icmp6Type::PROTOCOL as u32;
