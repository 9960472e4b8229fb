//! Waiting for changes.

use core::time::Duration;

use crate::error::Errno;
use crate::fd::{AsFd, BorrowedFd};
#[cfg(unix)]
use crate::fd::{AsRawFd, RawFd};
use crate::os::{self, Events, Ready};

/// Waits for changes of a socket. An error that stays in the error queue ends one wait; `poll` would return at once for
/// as long as it is there.
///
/// It has a descriptor of its own, which an event loop can observe: it is readable after a change, until
/// [`wait`](Self::wait) returns the change.
///
/// Systems: Linux and Android (an edge-triggered `epoll`, which is one more descriptor).
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use core::time::Duration;
/// use ipv6_sys::wait::{Changes, Events, Ready};
/// let socket = ipv6_sys::socket::datagram()?;
/// // It can be sent to, but that is no change.
/// let changes = Changes::of(&socket, Ready::Send)?;
/// assert!(changes.wait(Some(Duration::from_millis(1)))?.is_empty());
/// # }
/// # Ok::<(), ipv6_sys::Errno>(())
/// ```
#[doc(alias = "epoll", alias = "EPOLLET")]
#[derive(Debug)]
pub struct Changes(os::Epoll);

impl Changes {
    /// Starts to observe the socket. Every change from now on ends a wait; what there was before does not. So call the
    /// socket once more before the first wait.
    ///
    /// # Errors
    ///
    /// The system's error when there is no descriptor left; `EOPNOTSUPP` on other systems.
    pub fn of(socket: impl AsFd, ready: Ready) -> Result<Self, Errno> {
        Self::of_events(socket.as_fd(), ready.event())
    }

    /// Starts to observe errors: those that are pending, and those that enter the error queue. A hang-up is a change too.
    ///
    /// # Errors
    ///
    /// Those of [`of`](Self::of).
    #[doc(alias = "EPOLLERR")]
    pub fn of_errors(socket: impl AsFd) -> Result<Self, Errno> {
        Self::of_events(socket.as_fd(), Events::empty())
    }

    /// Starts to observe these events, besides errors and hang-ups.
    pub(super) fn of_events(socket: BorrowedFd<'_>, events: Events) -> Result<Self, Errno> {
        let changes = Self(os::Epoll::new(socket, events)?);
        // The state at the start counts as a change.
        let _: Result<Events, Errno> = changes.wait(Some(Duration::ZERO));
        Ok(changes)
    }

    /// Waits until the socket has changed since the last wait, at most for `timeout`, rounded up to milliseconds. Returns
    /// the state of the socket; nothing after the timeout.
    ///
    /// # Errors
    ///
    /// [`Errno::INTR`] if a signal arrived first.
    #[must_use = "the result says what ended the wait"]
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Events, Errno> {
        self.0.wait(timeout)
    }
}

impl Changes {
    /// The descriptor that is readable after a change.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.descriptor()
    }
}

#[cfg(unix)]
impl AsFd for Changes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.descriptor()
    }
}

#[cfg(unix)]
impl AsRawFd for Changes {
    fn as_raw_fd(&self) -> RawFd {
        self.0.descriptor().as_raw_fd()
    }
}
