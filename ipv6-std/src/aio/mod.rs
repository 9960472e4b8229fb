//! Sockets in an event loop: calls that wait are `async`.
//!
//! - [`PacketConn`] and [`RawConn`] own a non-blocking socket that is registered with a loop.
//! - [`EventLoop`] is what they need of the loop. The features `tokio` and `async-io` implement it.
//!
//! The chapter [In an event loop](crate::_documentation::event_loop) has whole programs, and lists what a loop cannot
//! observe.

mod calls;
mod event_loop;
mod packet;
mod poll;
mod raw;
mod wait;

pub use event_loop::{Changes, EventLoop, PollEventLoop, Ready, Register, Watch};
pub use packet::PacketConn;
pub use raw::RawConn;

pub use ipv6_sys::fd::OwnedFd;

/// Takes a change that a loop has reported. `false`: there was none.
#[cfg(all(unix, any(feature = "tokio", feature = "async-io")))]
pub(crate) fn take(changes: &Changes) -> std::io::Result<bool> {
    let events = ipv6_sys::retry(|| changes.wait(Some(std::time::Duration::ZERO)))?;
    Ok(!events.is_empty())
}
