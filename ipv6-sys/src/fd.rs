//! File descriptors (sockets on Windows): the types of `std` with the feature `std`, those of
//! [`rustix`](https://docs.rs/rustix/1/rustix/fd/) without.
//!
//! ```
//! use ipv6_sys::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
//! let socket = ipv6_sys::socket::datagram()?;
//! let number: RawFd = socket.into_raw_fd();
//! // SAFETY: nothing else owns the descriptor.
//! let socket = unsafe { OwnedFd::from_raw_fd(number) };
//! assert_eq!(socket.as_raw_fd(), number);
//! # Ok::<(), ipv6_sys::Errno>(())
//! ```

pub use rustix::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
