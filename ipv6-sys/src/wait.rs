//! Waiting until a socket is ready.
//!
//! Manual pages: [poll(2)](https://man7.org/linux/man-pages/man2/poll.2.html),
//! [epoll(7)](https://man7.org/linux/man-pages/man7/epoll.7.html).

use core::time::Duration;

#[cfg(unix)]
use rustix::fd::{AsRawFd, BorrowedFd, RawFd};

use crate::error::Errno;
use crate::fd::AsFd;
use crate::os;
pub use crate::os::{Events, Ready};

/// Waits until the socket is ready, at most for `timeout`. `None` waits without a limit. Returns what ended the wait.
///
/// [`Events::ERROR`] and [`Events::HANG_UP`] end every wait, and the next one at once, as long as their cause lasts. A
/// loop that only waits for a message would then run without a pause: wait with [`Changes`] instead.
///
/// ```
/// use core::time::Duration;
/// use ipv6_sys::wait::{Events, Ready, wait};
/// let socket = ipv6_sys::socket::datagram()?;
/// assert_eq!(wait(&socket, Ready::Send, None)?, Events::WRITABLE);
/// assert!(wait(&socket, Ready::Receive, Some(Duration::from_millis(1)))?.is_empty());
/// # Ok::<(), ipv6_sys::Errno>(())
/// ```
///
/// # Errors
///
/// [`Errno::INTR`] if a signal arrived first.
#[doc(alias = "poll")]
#[must_use = "the result says what ended the wait"]
pub fn wait(socket: impl AsFd, ready: Ready, timeout: Option<Duration>) -> Result<Events, Errno> {
    os::poll(socket.as_fd(), ready, timeout)
}

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
        Self::new(socket, Some(ready))
    }

    /// Starts to observe errors: those that are pending, and those that enter the error queue. A hang-up is a change too.
    ///
    /// # Errors
    ///
    /// Those of [`of`](Self::of).
    #[doc(alias = "EPOLLERR")]
    pub fn of_errors(socket: impl AsFd) -> Result<Self, Errno> {
        Self::new(socket, None)
    }

    fn new(socket: impl AsFd, ready: Option<Ready>) -> Result<Self, Errno> {
        let changes = Self(os::Epoll::new(socket.as_fd(), ready)?);
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

#[cfg(unix)]
impl rustix::fd::AsFd for Changes {
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
