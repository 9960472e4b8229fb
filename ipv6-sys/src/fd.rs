//! File descriptors (sockets on Windows): the types of `std` with the feature `std`, equivalent ones without.

pub use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
