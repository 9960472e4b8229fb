//! File descriptors: those of `std` with the feature `std`, the same types of our own backend without.

pub use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
