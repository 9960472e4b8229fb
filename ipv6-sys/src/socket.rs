//! Opening sockets, and finding out what a socket is.

use core::net::SocketAddrV6;

use rustix::net::{self, AddressFamily, Protocol, SocketFlags, SocketType};

use crate::error::{Errno, Error};
use crate::fd::{AsFd, OwnedFd};

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

fn open(kind: SocketType, protocol: Option<Protocol>) -> Result<OwnedFd, Errno> {
    Ok(net::socket_with(AddressFamily::INET6, kind, SocketFlags::CLOEXEC, protocol)?)
}

/// A UDP socket, not bound yet. It closes on exec and blocks.
pub fn datagram() -> Result<OwnedFd, Errno> {
    open(SocketType::DGRAM, None)
}

/// A raw socket for one protocol (RFC 3542 section 3). Most systems allow it to privileged programs only.
///
/// # Errors
///
/// `EPERM` or `EACCES` without the privilege; `EPROTONOSUPPORT` or `EINVAL` for protocol 0.
pub fn raw(protocol: u8) -> Result<OwnedFd, Errno> {
    let protocol = rustix::net::RawProtocol::new(u32::from(protocol)).ok_or(Errno::INVAL)?;
    open(SocketType::RAW, Some(Protocol::from_raw(protocol)))
}

/// An ICMPv6 socket that sends and receives echo messages without privilege, where the system lets it
/// (Linux: the group range in `net.ipv4.ping_group_range`).
pub fn icmp6_datagram() -> Result<OwnedFd, Errno> {
    open(SocketType::DGRAM, Some(net::ipproto::ICMPV6))
}

/// Lets several sockets on this host listen on one port, for multicast. To be set before [`bind`].
#[doc(alias = "SO_REUSEADDR")]
pub fn set_reuse_address(socket: impl AsFd, on: bool) -> Result<(), Errno> {
    Ok(net::sockopt::set_socket_reuseaddr(socket, on)?)
}

/// Gives the socket its local address.
pub fn bind(socket: impl AsFd, address: &SocketAddrV6) -> Result<(), Errno> {
    Ok(net::bind(socket, address)?)
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

/// The protocol number of the socket: 17 is UDP, 58 is ICMPv6.
#[doc(alias = "SO_PROTOCOL")]
pub fn protocol(socket: impl AsFd) -> Result<u32, Error> {
    Ok(net::sockopt::socket_protocol(socket)?.map_or(0, |protocol| protocol.as_raw().get()))
}
