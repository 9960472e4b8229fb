//! The calls of the C library that read or write memory of ours. Everything else in this crate that is `unsafe`
//! builds their arguments or looks at what they wrote, so tests can replace this file by a kernel of their own.

pub(super) use libc::{getsockopt, recvfrom, recvmsg, sendmsg, sendto, setsockopt};
#[cfg(any(target_os = "linux", target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
pub(super) use libc::{recvmmsg, sendmmsg};
