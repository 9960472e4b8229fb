//! The calls that read or write memory of ours, and those that ask what a socket is. All other `unsafe` code of this crate
//! builds the arguments of these calls or reads what they wrote. So tests can replace this file by a kernel of their own
//! (`fake_kernel.rs`).

pub(crate) use libc::{getsockopt, recvfrom, recvmsg, sendmsg, sendto, setsockopt};
#[cfg(any(target_os = "linux", target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
pub(crate) use libc::{recvmmsg, sendmmsg};
pub(crate) use rustix::event::poll;
pub(crate) use rustix::net::getsockname;
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_os = "openbsd"))]
pub(crate) use rustix::net::sockopt::socket_protocol;
pub(crate) use rustix::net::sockopt::socket_type;
