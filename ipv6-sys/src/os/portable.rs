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
#[inline]
pub(crate) fn bind(socket: BorrowedFd<'_>, address: &SocketAddrV6) -> Result<(), Errno> {
    Ok(net::bind(socket, address)?)
}

/// `connect(2)`.
#[inline]
pub(crate) fn connect(socket: BorrowedFd<'_>, peer: &SocketAddrV6) -> Result<(), Errno> {
    Ok(net::connect(socket, peer)?)
}

/// `getsockname(2)`, also for a socket that is not bound.
fn name(socket: BorrowedFd<'_>) -> Result<SocketAddrAny, Errno> {
    kernel::getsockname(socket).or_else(|errno| super::system::unbound_address(socket, errno.into()))
}

/// `getsockname(2)`; `None` for another address family.
#[inline]
pub(crate) fn local_address(socket: BorrowedFd<'_>) -> Result<Option<SocketAddrV6>, Errno> {
    Ok(SocketAddrV6::try_from(name(socket)?).ok())
}

/// Fails with `EINVAL` if the descriptor is not that of an IPv6 socket: for other families and devices, the number of a
/// request can stand for another one, with a larger structure.
#[inline]
pub(crate) fn must_be_ipv6(socket: BorrowedFd<'_>) -> Result<(), Errno> {
    local_address(socket)?.map(|_| ()).ok_or(Errno::INVAL)
}

/// `getpeername(2)`; `None` for another address family.
#[inline]
pub(crate) fn peer_address(socket: BorrowedFd<'_>) -> Result<Option<SocketAddrV6>, Errno> {
    let peer = net::getpeername(socket)?;
    Ok(peer.and_then(|peer| SocketAddrV6::try_from(peer).ok()))
}

/// Whether `getsockname(2)` returns an address of IPv4.
#[inline]
pub(crate) fn is_ipv4(socket: BorrowedFd<'_>) -> Result<bool, Errno> {
    Ok(name(socket)?.address_family() == AddressFamily::INET)
}

/// `SO_RCVBUF`.
#[inline]
pub(crate) fn receive_buffer_size(socket: BorrowedFd<'_>) -> Result<usize, Errno> {
    Ok(net::sockopt::socket_recv_buffer_size(socket)?)
}

/// `SO_RCVBUF`.
#[inline]
pub(crate) fn set_receive_buffer_size(socket: BorrowedFd<'_>, bytes: usize) -> Result<(), Errno> {
    Ok(net::sockopt::set_socket_recv_buffer_size(socket, bytes)?)
}

/// `SO_SNDBUF`.
#[inline]
pub(crate) fn send_buffer_size(socket: BorrowedFd<'_>) -> Result<usize, Errno> {
    Ok(net::sockopt::socket_send_buffer_size(socket)?)
}

/// `SO_SNDBUF`.
#[inline]
pub(crate) fn set_send_buffer_size(socket: BorrowedFd<'_>, bytes: usize) -> Result<(), Errno> {
    Ok(net::sockopt::set_socket_send_buffer_size(socket, bytes)?)
}

/// `FIONBIO`.
#[inline]
pub(crate) fn set_nonblocking(socket: BorrowedFd<'_>, on: bool) -> Result<(), Errno> {
    Ok(rustix::io::ioctl_fionbio(socket, on)?)
}

/// `SO_TYPE`.
#[inline]
pub(crate) fn socket_type(socket: BorrowedFd<'_>) -> Result<SocketType, Errno> {
    Ok(kernel::socket_type(socket)?)
}

/// The error of a system without `epoll`.
pub(crate) const NO_EPOLL: Errno = Errno::from_raw(rustix::io::Errno::OPNOTSUPP.raw_os_error());

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
    in_steps(timeout, |timeout| kernel::poll(sockets, timeout))?;
    Ok(())
}

/// The longest timeout that every system takes: most count milliseconds in a C `int`, and refuse more with `EINVAL`. It is
/// 24 days.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

/// Waits at most for `timeout`, in steps of at most [`LONGEST`]. `wait` returns how many are ready, 0 after its timeout.
pub(super) fn in_steps(
    timeout: Option<Duration>,
    mut wait: impl FnMut(Option<&Timespec>) -> rustix::io::Result<usize>,
) -> rustix::io::Result<usize> {
    let Some(mut left) = timeout else {
        return wait(None);
    };
    loop {
        let step = left.min(LONGEST);
        // A step fits in every type: the conversion does not fail.
        let ready = wait(Timespec::try_from(step).ok().as_ref())?;
        left = left.saturating_sub(step);
        if ready > 0 || left.is_zero() {
            return Ok(ready);
        }
    }
}

fn reported(socket: &PollFd<'_>) -> Events {
    let pairs = [
        (PollFlags::IN, Events::READABLE),
        (PollFlags::OUT, Events::WRITABLE),
        (PollFlags::ERR, Events::ERROR),
        (PollFlags::HUP.union(SHUT), Events::HANG_UP),
    ];
    let mut events = Events::empty();
    for (flags, event) in pairs {
        events.set(event, socket.revents().intersects(flags));
    }
    events
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    /// The steps of a wait that ends after `ready_after` of them, and its result.
    fn steps(timeout: Option<Duration>, ready_after: usize) -> (Vec<Option<Duration>>, usize) {
        let mut steps = Vec::new();
        let ready = in_steps(timeout, |step| {
            steps.push(step.map(|step| Duration::try_from(*step).unwrap()));
            Ok(usize::from(steps.len() == ready_after))
        });
        (steps, ready.unwrap())
    }

    #[test]
    fn a_timeout_that_systems_refuse_is_waited_for_in_steps() {
        let moment = Duration::from_nanos(1);
        assert_eq!(steps(None, 0), (Vec::from([None]), 0));
        for short in [Duration::ZERO, moment, LONGEST] {
            assert_eq!(steps(Some(short), 0), (Vec::from([Some(short)]), 0));
        }
        let whole = Some(LONGEST);
        assert_eq!(steps(Some(LONGEST * 2 + moment), 0), (Vec::from([whole, whole, Some(moment)]), 0));
        assert_eq!(steps(Some(LONGEST * 2 + moment), 2), (Vec::from([whole, whole]), 1));
        assert_eq!(steps(Some(Duration::MAX), 3), (Vec::from([whole; 3]), 1));
    }
}
