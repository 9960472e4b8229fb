//! Waiting until a socket is ready.
//!
//! | To wait for | see |
//! |---|---|
//! | one socket | [`wait`](wait()) |
//! | the first of several sockets | [`any`](any()) |
//! | a change, although an error stays in the error queue | [`Changes`] |
//!
//! # With rustix
//!
//! The sockets of this crate are those of `rustix` (the same types, also without `std`), which has more of the system
//! without `unsafe`: [`rustix::event`](https://docs.rs/rustix/1/rustix/event/) (`poll`, `epoll`, `eventfd`, `kqueue`),
//! [`rustix::time`](https://docs.rs/rustix/1/rustix/time/) (clocks and timers) and
//! [`rustix::net`](https://docs.rs/rustix/1/rustix/net/) (sockets of other address families). Its times have 64 bits, also
//! on 32-bit musl.
//!
//! This program waits for datagrams until a point in time, which a timer represents as a descriptor:
//!
//! ```
//! # #[cfg(any(target_os = "linux", target_os = "android"))] {
//! use ipv6_sys::wait::{Ready, Waiting, any};
//! use ipv6_sys::{retry, socket};
//! use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
//!
//! let socket = socket::datagram()?;
//! let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
//! let after = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
//! let once = Itimerspec { it_interval: Timespec::default(), it_value: after };
//! rustix::time::timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once)?;
//!
//! let mut waiting = [Waiting::new(&socket, Ready::Receive), Waiting::new(&timer, Ready::Receive)];
//! assert_eq!(retry(|| any(&mut waiting, None))?, 1);
//! let [datagram, timer] = waiting.each_ref().map(Waiting::is_ready);
//! assert!(timer && !datagram);
//! # }
//! # Ok::<(), ipv6_sys::Error>(())
//! ```
//!
//! Manual pages: [poll(2)](https://man7.org/linux/man-pages/man2/poll.2.html),
//! [epoll(7)](https://man7.org/linux/man-pages/man7/epoll.7.html).

use core::time::Duration;

mod any;
mod changes;

pub use any::{MAX_SOCKETS, Waiting, any};
pub use changes::Changes;

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
