//! Options of a socket that are not options of IPv6: the device, foreign addresses, buffers, blocking.
//!
//! Most of them are set before the socket is bound.
//!
//! | Function | Linux | Elsewhere |
//! |---|---|---|
//! | [`set_device`] | `SO_BINDTODEVICE` | `IPV6_BOUND_IF` (Apple, Solaris, illumos) |
//! | [`set_freebind`] | `IPV6_FREEBIND` (since 4.15) | `IPV6_BINDANY` (FreeBSD, NetBSD), `SO_BINDANY` (OpenBSD) |
//! | [`set_transparent`] | `IPV6_TRANSPARENT` (since 2.6.37) | as `set_freebind` |
//! | the buffers' sizes | `SO_RCVBUF`, `SO_SNDBUF` | the same |
//! | [`set_nonblocking`] | `FIONBIO` | the same |

use ipv6_core::InterfaceIndex;

use crate::error::{Errno, Error};
use crate::fd::AsFd;
use crate::os;

/// Restricts the socket to one interface: it sends and receives on no other.
///
/// # Errors
///
/// [`Error::Unsupported`] on the BSDs, AIX and Windows. `ENODEV` or `ENXIO` when there is no such interface;
/// `EPERM` on Linux before 5.7 without `CAP_NET_RAW`, and later when the socket has a device already.
#[doc(alias = "SO_BINDTODEVICE", alias = "SO_BINDTOIFINDEX", alias = "IPV6_BOUND_IF")]
pub fn set_device(socket: impl AsFd, device: InterfaceIndex) -> Result<(), Error> {
    // SO_BINDTOIFINDEX takes the index, and is not in Linux before 5.1.
    if cfg!(any(target_os = "linux", target_os = "android")) {
        os::setup::DEVICE.set(socket, crate::interface::name_of(device)?.as_bytes())
    } else {
        os::setup::DEVICE.set(socket, &device.get().to_ne_bytes())
    }
}

/// Lets the socket be bound to an address that the host does not have, or does not have yet.
///
/// # Errors
///
/// [`Error::Unsupported`] on Apple's systems, Solaris, illumos, DragonFly, AIX and Windows. `EPERM` on the BSDs
/// without the privilege of root.
#[doc(alias = "IPV6_FREEBIND", alias = "IPV6_BINDANY", alias = "SO_BINDANY")]
pub fn set_freebind(socket: impl AsFd, on: bool) -> Result<(), Error> {
    os::setup::FREEBIND.set(socket, &i32::from(on).to_ne_bytes())
}

/// Lets the socket be bound to any address, and receive what is routed to it for such an address, as
/// transparent proxies do.
///
/// # Errors
///
/// As [`set_freebind`]; `EPERM` on Linux without `CAP_NET_ADMIN` or `CAP_NET_RAW`.
#[doc(alias = "IPV6_TRANSPARENT", alias = "IPV6_BINDANY", alias = "SO_BINDANY")]
pub fn set_transparent(socket: impl AsFd, on: bool) -> Result<(), Error> {
    os::setup::TRANSPARENT.set(socket, &i32::from(on).to_ne_bytes())
}

/// The size of the receive buffer in bytes. Linux counts its own overhead: twice what was
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

/// The size of the send buffer in bytes. Linux counts its own overhead: twice what was
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

/// Makes calls return `EAGAIN` where they would have to wait, or wait again.
#[doc(alias = "FIONBIO", alias = "O_NONBLOCK")]
pub fn set_nonblocking(socket: impl AsFd, on: bool) -> Result<(), Errno> {
    os::set_nonblocking(socket.as_fd(), on)
}
