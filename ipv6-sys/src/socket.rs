//! Opening, binding and connecting sockets; their buffers, type and protocol.
//!
//! Manual pages: [socket(2)](https://man7.org/linux/man-pages/man2/socket.2.html),
//! [udp(7)](https://man7.org/linux/man-pages/man7/udp.7.html), [raw(7)](https://man7.org/linux/man-pages/man7/raw.7.html),
//! [icmp(7)](https://man7.org/linux/man-pages/man7/icmp.7.html).

use core::net::{Ipv6Addr, SocketAddrV6};

use ipv6_core::{Icmp6Type, InterfaceIndex};
use rustix::net::{Protocol, RawProtocol, SocketType, ipproto};

use crate::error::{Errno, Error};
use crate::fd::{AsFd, OwnedFd};
use crate::option::{
    BOUND_INTERFACE, COALESCE, ICMP6_TYPE_FILTER, MAX_COALESCED_SIZE, MULTICAST_INTERFACE, ONLY_V6,
    PACKET_INFO, PacketInfo, UNICAST_INTERFACE, UnicastInterface, is_absent,
};
use crate::os;

/// The type of a socket (`SO_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// `SOCK_STREAM`, such as TCP.
    Stream,
    /// `SOCK_DGRAM`, such as UDP.
    Datagram,
    /// `SOCK_RAW`: the payloads of IPv6 packets of one protocol.
    Raw,
    /// Any other type.
    Other,
}

/// Opens a UDP socket. It blocks, closes on exec, and is not bound.
///
/// # Errors
///
/// `EAFNOSUPPORT` if the system has no IPv6, `EMFILE` if the process has too many open files.
pub fn datagram() -> Result<OwnedFd, Errno> {
    os::open(SocketType::DGRAM, None)
}

/// Opens a raw socket for one protocol (RFC 3542 section 3). It blocks and closes on exec.
///
/// Most systems require a privilege: on Linux the capability `CAP_NET_RAW`, elsewhere the superuser.
///
/// # Errors
///
/// `EPERM` or `EACCES` without the privilege; [`Errno::INVAL`] for protocol 0.
pub fn raw(protocol: u8) -> Result<OwnedFd, Errno> {
    let protocol = RawProtocol::new(u32::from(protocol)).ok_or(Errno::INVAL)?;
    os::open(SocketType::RAW, Some(Protocol::from_raw(protocol)))
}

/// Opens an ICMPv6 socket that sends echo requests and receives their replies, without a privilege (Linux, Apple).
///
/// # Errors
///
/// `EACCES` if the system does not allow it to this user: on Linux, set `net.ipv4.ping_group_range` to a range with one
/// of the process's groups. `EPROTONOSUPPORT` where there are no such sockets.
pub fn icmp6_datagram() -> Result<OwnedFd, Errno> {
    os::open(SocketType::DGRAM, Some(ipproto::ICMPV6))
}

/// Allows several sockets of this host to be bound to one port, to receive multicast. Call it before [`bind`].
///
/// Sets `SO_REUSEADDR`; also `SO_REUSEPORT` except on Linux, illumos, Solaris and Windows.
///
/// # Errors
///
/// Those of [setsockopt(2)](https://man7.org/linux/man-pages/man2/setsockopt.2.html).
#[doc(alias = "SO_REUSEADDR", alias = "SO_REUSEPORT")]
pub fn set_reuse_address(socket: impl AsFd, on: bool) -> Result<(), Errno> {
    os::share_port(socket.as_fd(), on)
}

/// Restricts the socket to one interface: it sends and receives on no other. Call it before [`bind`].
///
/// Linux has `SO_BINDTODEVICE`, which takes a name; `SO_BINDTOIFINDEX` takes the index, but only since Linux 5.1. Apple's
/// systems, illumos and Solaris have [`BOUND_INTERFACE`].
///
/// # Errors
///
/// [`Error::Unsupported`] on the BSDs, AIX and Windows. `ENODEV` or `ENXIO` if there is no such interface. `EPERM` on Linux
/// before 5.7 without `CAP_NET_RAW`, and since then if the socket is already bound to a device.
#[doc(alias = "SO_BINDTODEVICE", alias = "SO_BINDTOIFINDEX", alias = "IPV6_BOUND_IF")]
pub fn set_device(socket: impl AsFd, device: InterfaceIndex) -> Result<(), Error> {
    if BOUND_INTERFACE.is_supported() {
        return BOUND_INTERFACE.set(socket, Some(device));
    }
    os::bind_to_device(socket.as_fd(), device)
}

/// Returns the size of the receive buffer in bytes. Linux counts its own overhead: twice what was
/// [requested](set_receive_buffer_size).
#[doc(alias = "SO_RCVBUF")]
pub fn receive_buffer_size(socket: impl AsFd) -> Result<usize, Errno> {
    os::receive_buffer_size(socket.as_fd())
}

/// Requests a size of the receive buffer in bytes. Linux reduces it to `net.core.rmem_max` without an error.
///
/// # Errors
///
/// `ENOBUFS` on the BSDs and Apple's systems for more than `kern.ipc.maxsockbuf`.
#[doc(alias = "SO_RCVBUF")]
pub fn set_receive_buffer_size(socket: impl AsFd, bytes: usize) -> Result<(), Errno> {
    os::set_receive_buffer_size(socket.as_fd(), int(bytes))
}

/// Returns the size of the send buffer in bytes. Linux counts its own overhead: twice what was
/// [requested](set_send_buffer_size).
#[doc(alias = "SO_SNDBUF")]
pub fn send_buffer_size(socket: impl AsFd) -> Result<usize, Errno> {
    os::send_buffer_size(socket.as_fd())
}

/// Requests a size of the send buffer in bytes. Linux reduces it to `net.core.wmem_max` without an error.
///
/// # Errors
///
/// `ENOBUFS` on the BSDs and Apple's systems for more than `kern.ipc.maxsockbuf`.
#[doc(alias = "SO_SNDBUF")]
pub fn set_send_buffer_size(socket: impl AsFd, bytes: usize) -> Result<(), Errno> {
    os::set_send_buffer_size(socket.as_fd(), int(bytes))
}

/// The options are an `int`. A size that it cannot hold is more than any system grants.
fn int(bytes: usize) -> usize {
    bytes.min(i32::MAX as usize)
}

/// Sets whether calls return `EAGAIN` instead of waiting.
#[doc(alias = "FIONBIO", alias = "O_NONBLOCK")]
pub fn set_nonblocking(socket: impl AsFd, on: bool) -> Result<(), Errno> {
    os::set_nonblocking(socket.as_fd(), on)
}

/// Returns whether the socket is in non-blocking mode. `false` on Windows, which does not report the mode.
///
/// # Errors
///
/// Those of [fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html).
#[doc(alias = "F_GETFL", alias = "O_NONBLOCK")]
pub fn is_nonblocking(socket: impl AsFd) -> Result<bool, Errno> {
    os::is_nonblocking(socket.as_fd())
}

/// Binds the socket to a local address. Port 0 lets the system choose one.
///
/// # Errors
///
/// Those of [bind(2)](https://man7.org/linux/man-pages/man2/bind.2.html): `EADDRINUSE`, `EADDRNOTAVAIL`, among others.
pub fn bind(socket: impl AsFd, address: &SocketAddrV6) -> Result<(), Errno> {
    os::bind(socket.as_fd(), address)
}

/// Sets the peer of the socket. From then on it receives only from this peer.
///
/// # Errors
///
/// Those of [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html): `ENETUNREACH`, among others.
pub fn connect(socket: impl AsFd, peer: &SocketAddrV6) -> Result<(), Errno> {
    os::connect(socket.as_fd(), peer)
}

/// Returns the local address of an IPv6 socket, `[::]:0` if it is not bound; `None` for a socket of another address
/// family.
///
/// # Errors
///
/// Those of [getsockname(2)](https://man7.org/linux/man-pages/man2/getsockname.2.html).
pub fn local_address(socket: impl AsFd) -> Result<Option<SocketAddrV6>, Errno> {
    os::local_address(socket.as_fd())
}

/// Returns the source address that the system selects for datagrams to `address` through interface `on`, or through that
/// of the routing table. Sends nothing.
///
/// It connects a socket of its own, so rules for other protocols or ports do not apply. An IPv4-mapped address has an
/// IPv4-mapped source, if the system allows it.
///
/// ```
/// use core::net::Ipv6Addr;
/// use ipv6_sys::{interface, socket};
/// assert_eq!(socket::local_address_towards(Ipv6Addr::LOCALHOST, None)?, Ipv6Addr::LOCALHOST);
/// let loopback = interface::index_of("lo")?;
/// assert_eq!(socket::local_address_towards(Ipv6Addr::LOCALHOST, loopback)?, Ipv6Addr::LOCALHOST);
/// # Ok::<(), ipv6_sys::Error>(())
/// ```
///
/// # Errors
///
/// `ENETUNREACH` or `EHOSTUNREACH` if there is no route, `EADDRNOTAVAIL` if the interface has no address to send from,
/// `ENODEV` or `ENXIO` if there is no such interface, among others. [`Errno::INVAL`] for a link-local address or group without
/// an interface, and for an IPv4-mapped address with one.
pub fn local_address_towards(
    address: Ipv6Addr,
    on: impl Into<Option<InterfaceIndex>>,
) -> Result<Ipv6Addr, Error> {
    // Windows refuses port 0.
    const DISCARD: u16 = 9;
    let on = on.into();
    let socket = datagram()?;
    let mapped = address.to_ipv4_mapped().is_some();
    if let Some(on) = on {
        if mapped {
            return Err(Errno::INVAL.into());
        }
        if PACKET_INFO.is_supported() {
            PACKET_INFO.set(&socket, PacketInfo { address: Ipv6Addr::UNSPECIFIED, interface: Some(on) })?;
        } else if address.is_multicast() {
            MULTICAST_INTERFACE.set(&socket, Some(on))?;
        } else {
            UNICAST_INTERFACE.set(&socket, UnicastInterface(Some(on)))?;
        }
    }
    if mapped {
        // On by default on Windows and OpenBSD.
        ONLY_V6.set(&socket, false)?;
    }
    // The scope of a link-local address. Systems ignore that of another one.
    connect(&socket, &SocketAddrV6::new(address, DISCARD, 0, on.map_or(0, InterfaceIndex::get)))?;
    let local = local_address(&socket)?;
    Ok(*local.ok_or(Errno::INVAL)?.ip())
}

/// Returns the peer of a connected IPv6 socket; `None` for a socket of another address family.
///
/// # Errors
///
/// `ENOTCONN` if the socket is not connected.
#[doc(alias = "getpeername")]
pub fn peer_address(socket: impl AsFd) -> Result<Option<SocketAddrV6>, Errno> {
    os::peer_address(socket.as_fd())
}

/// Returns whether the address family of the socket is IPv4 (`AF_INET`).
///
/// # Errors
///
/// Those of [getsockname(2)](https://man7.org/linux/man-pages/man2/getsockname.2.html).
pub fn is_ipv4(socket: impl AsFd) -> Result<bool, Errno> {
    os::is_ipv4(socket.as_fd())
}

/// Returns the type of the socket.
///
/// # Errors
///
/// Those of [getsockopt(2)](https://man7.org/linux/man-pages/man2/getsockopt.2.html).
#[doc(alias = "SO_TYPE")]
pub fn kind(socket: impl AsFd) -> Result<Kind, Errno> {
    Ok(match os::socket_type(socket.as_fd())? {
        SocketType::STREAM => Kind::Stream,
        SocketType::DGRAM => Kind::Datagram,
        SocketType::RAW => Kind::Raw,
        _ => Kind::Other,
    })
}

/// Whether `recvfrom(2)` reports the length of a datagram that it cut: on Linux, for UDP and raw sockets.
#[doc(hidden)]
pub fn reports_length(socket: impl AsFd) -> Result<bool, Errno> {
    let socket = socket.as_fd();
    Ok(os::REPORTS_LENGTH && (kind(socket)? == Kind::Raw || os::protocol(socket)? == Some(UDP)))
}

/// Returns whether the socket [receives](COALESCE) several datagrams as one payload; `None` if it can neither send nor
/// receive them so. On Linux, UDP sockets can since 5.0. An earlier kernel accepts a segment size, ignores it, and
/// sends one large datagram. On Windows, since 10 2004.
#[doc(alias = "UDP_GRO", alias = "UDP_RECV_MAX_COALESCED_SIZE")]
pub fn coalesces(socket: impl AsFd) -> Option<bool> {
    coalescing(socket).ok().flatten()
}

/// As [`coalesces`], with the error of a system that has the option.
#[doc(hidden)]
pub fn coalescing(socket: impl AsFd) -> Result<Option<bool>, Error> {
    let answer = if MAX_COALESCED_SIZE.is_supported() {
        MAX_COALESCED_SIZE.get(socket).map(|size| size != 0)
    } else {
        COALESCE.get(socket)
    };
    match answer {
        Err(error) if is_absent(error) => Ok(None),
        answer => answer.map(Some),
    }
}

/// Sets whether the socket receives several datagrams as one payload, with the size of each as a control message: on
/// Linux the option [`COALESCE`], on Windows [`MAX_COALESCED_SIZE`] with the largest payload.
///
/// # Errors
///
/// Those of [`SocketOption::set`](crate::option::SocketOption::set).
#[doc(alias = "UDP_GRO", alias = "UDP_RECV_MAX_COALESCED_SIZE")]
pub fn set_coalesces(socket: impl AsFd, on: bool) -> Result<(), Error> {
    if MAX_COALESCED_SIZE.is_supported() {
        let size = if on { u32::from(u16::MAX) } else { 0 };
        return MAX_COALESCED_SIZE.set(socket, size).map_err(|error| match error {
            // Wine answers WSAEINVAL to options of a level that it does not know.
            Error::Os(errno) if os::lacks_option(errno) => Error::Unsupported(MAX_COALESCED_SIZE.name()),
            error => error,
        });
    }
    COALESCE.set(socket, on)
}

const UDP: u32 = 17;

/// Returns whether the protocol of the socket is ICMPv6.
///
/// # Errors
///
/// Those of [getsockopt(2)](https://man7.org/linux/man-pages/man2/getsockopt.2.html).
#[doc(alias = "SO_PROTOCOL")]
pub fn is_icmp6(socket: impl AsFd) -> Result<bool, Errno> {
    let socket = socket.as_fd();
    let protocol = os::protocol(socket)?;
    // On systems that do not report the protocol: only ICMPv6 sockets have the filter.
    Ok(protocol.map_or_else(|| ICMP6_TYPE_FILTER.get(socket).is_ok(), |protocol| protocol == ICMPV6))
}

const ICMPV6: u32 = Icmp6Type::PROTOCOL as u32;
