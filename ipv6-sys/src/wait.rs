//! Waiting until a socket can be read or written.

use core::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::error::Errno;
use crate::fd::AsFd;

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ready {
    /// Something to receive, or an error to fetch.
    Receive,
    /// Room to send, or an error to fetch.
    Send,
}

/// Waits until the socket is ready, for at most `timeout`; `None` waits for as long as it takes. Says
/// whether it is ready.
///
/// # Errors
///
/// [`Errno::INTR`] when a signal came first.
#[doc(alias = "poll")]
pub fn wait(socket: impl AsFd, ready: Ready, timeout: Option<Duration>) -> Result<bool, Errno> {
    let events = match ready {
        Ready::Receive => PollFlags::IN,
        Ready::Send => PollFlags::OUT,
    };
    // More seconds than the type holds are as good as for ever.
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    let socket = socket.as_fd();
    Ok(poll(&mut [PollFd::from_borrowed_fd(socket, events)], timeout.as_ref())? != 0)
}
