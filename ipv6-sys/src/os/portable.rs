//! Calls that `rustix` wraps in the same way for every system.

use core::net::SocketAddrV6;
use core::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{self, AddressFamily, SocketAddrAny, SocketType};

use super::events::{Events, Ready};
use super::system::kernel;
use crate::error::Errno;
use crate::fd::BorrowedFd;

/// `bind(2)`.
pub(crate) fn bind(socket: BorrowedFd<'_>, address: &SocketAddrV6) -> Result<(), Errno> {
    Ok(net::bind(socket, address)?)
}

/// `connect(2)`.
pub(crate) fn connect(socket: BorrowedFd<'_>, peer: &SocketAddrV6) -> Result<(), Errno> {
    Ok(net::connect(socket, peer)?)
}

/// `getsockname(2)`, also for a socket that is not bound.
fn name(socket: BorrowedFd<'_>) -> Result<SocketAddrAny, Errno> {
    kernel::getsockname(socket).or_else(|errno| super::system::unbound_address(socket, errno.into()))
}

/// `getsockname(2)`; `None` for another address family.
pub(crate) fn local_address(socket: BorrowedFd<'_>) -> Result<Option<SocketAddrV6>, Errno> {
    Ok(SocketAddrV6::try_from(name(socket)?).ok())
}

/// `getpeername(2)`; `None` for another address family.
pub(crate) fn peer_address(socket: BorrowedFd<'_>) -> Result<Option<SocketAddrV6>, Errno> {
    let peer = net::getpeername(socket)?;
    Ok(peer.and_then(|peer| SocketAddrV6::try_from(peer).ok()))
}

/// Whether `getsockname(2)` returns an address of IPv4.
pub(crate) fn is_ipv4(socket: BorrowedFd<'_>) -> Result<bool, Errno> {
    Ok(name(socket)?.address_family() == AddressFamily::INET)
}

/// `SO_RCVBUF`.
pub(crate) fn receive_buffer_size(socket: BorrowedFd<'_>) -> Result<usize, Errno> {
    Ok(net::sockopt::socket_recv_buffer_size(socket)?)
}

/// `SO_RCVBUF`.
pub(crate) fn set_receive_buffer_size(socket: BorrowedFd<'_>, bytes: usize) -> Result<(), Errno> {
    Ok(net::sockopt::set_socket_recv_buffer_size(socket, bytes)?)
}

/// `SO_SNDBUF`.
pub(crate) fn send_buffer_size(socket: BorrowedFd<'_>) -> Result<usize, Errno> {
    Ok(net::sockopt::socket_send_buffer_size(socket)?)
}

/// `SO_SNDBUF`.
pub(crate) fn set_send_buffer_size(socket: BorrowedFd<'_>, bytes: usize) -> Result<(), Errno> {
    Ok(net::sockopt::set_socket_send_buffer_size(socket, bytes)?)
}

/// `FIONBIO`.
pub(crate) fn set_nonblocking(socket: BorrowedFd<'_>, on: bool) -> Result<(), Errno> {
    Ok(rustix::io::ioctl_fionbio(socket, on)?)
}

/// `SO_TYPE`.
pub(crate) fn socket_type(socket: BorrowedFd<'_>) -> Result<SocketType, Errno> {
    Ok(kernel::socket_type(socket)?)
}

/// The event of a socket that is shut down for receiving. Linux reports it only if asked for.
#[cfg(any(target_os = "linux", target_os = "android"))]
const SHUT: PollFlags = PollFlags::RDHUP;
/// Other systems have no such event, or none for datagram sockets.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SHUT: PollFlags = PollFlags::empty();

/// `poll(2)` for one socket. Returns the events that woke it; none after `timeout`, which may be `None` for no limit.
pub(crate) fn poll(socket: BorrowedFd<'_>, ready: Ready, timeout: Option<Duration>) -> Result<Events, Errno> {
    let mut sockets = [poll_fd(socket, ready.event())];
    poll_for(&mut sockets, timeout)?;
    let [socket] = sockets;
    Ok(reported(&socket))
}

/// `poll(2)` for the first `N` sockets, each with the events to wait for. Returns the events of each.
pub(crate) fn poll_each<'s, const N: usize>(
    sockets: impl Iterator<Item = (BorrowedFd<'s>, Events)>,
    timeout: Option<Duration>,
) -> Result<[Events; N], Errno> {
    let mut polled = heapless::Vec::<PollFd<'s>, N>::new();
    for (socket, wanted) in sockets {
        // Only what is after the first `N` does not fit.
        let _ = polled.push(poll_fd(socket, wanted));
    }
    poll_for(&mut polled, timeout)?;
    let mut events = [Events::empty(); N];
    events.iter_mut().zip(&polled).for_each(|(events, socket)| *events = reported(socket));
    Ok(events)
}

/// Errors and hang-ups are reported without being asked for.
fn poll_fd(socket: BorrowedFd<'_>, wanted: Events) -> PollFd<'_> {
    let mut asked = PollFlags::empty();
    if wanted.contains(Events::READABLE) {
        asked |= PollFlags::IN.union(SHUT);
    }
    if wanted.contains(Events::WRITABLE) {
        asked |= PollFlags::OUT;
    }
    PollFd::from_borrowed_fd(socket, asked)
}

fn poll_for(sockets: &mut [PollFd<'_>], timeout: Option<Duration>) -> Result<(), Errno> {
    // A timeout of more seconds than the type holds never passes.
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    kernel::poll(sockets, timeout.as_ref())?;
    Ok(())
}

fn reported(socket: &PollFd<'_>) -> Events {
    let pairs = [
        (PollFlags::IN, Events::READABLE),
        (PollFlags::OUT, Events::WRITABLE),
        (PollFlags::ERR, Events::ERROR),
        (PollFlags::HUP.union(SHUT), Events::HANG_UP),
    ];
    let reported = pairs.into_iter().filter(|(flags, _)| socket.revents().intersects(*flags));
    reported.map(|(_, event)| event).collect()
}
