//! Waiting until a socket is ready.
//!
//! Manual page: [poll(2)](https://man7.org/linux/man-pages/man2/poll.2.html).

use core::time::Duration;

use rustix::event::PollFlags;

use crate::error::Errno;
use crate::fd::AsFd;
use crate::os;

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ready {
    /// A message can be received, or an error is pending.
    #[doc(alias = "POLLIN")]
    Receive,
    /// A message can be sent, or an error is pending.
    #[doc(alias = "POLLOUT")]
    Send,
}

/// Waits until the socket is ready, at most for `timeout`. `None` waits without a limit. Returns whether the socket is
/// ready.
///
/// ```
/// use core::time::Duration;
/// use ipv6_sys::wait::{Ready, wait};
/// let socket = ipv6_sys::socket::datagram()?;
/// assert!(wait(&socket, Ready::Send, None)?);
/// assert!(!wait(&socket, Ready::Receive, Some(Duration::from_millis(1)))?);
/// # Ok::<(), ipv6_sys::Errno>(())
/// ```
///
/// # Errors
///
/// [`Errno::INTR`] if a signal arrived first.
#[doc(alias = "poll")]
#[must_use = "the result says whether the socket is ready"]
pub fn wait(socket: impl AsFd, ready: Ready, timeout: Option<Duration>) -> Result<bool, Errno> {
    let events = match ready {
        Ready::Receive => PollFlags::IN,
        Ready::Send => PollFlags::OUT,
    };
    Ok(!os::poll(socket.as_fd(), events, timeout)?.is_empty())
}
