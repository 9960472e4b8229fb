//! The calls that send, receive, and exchange options, and those that ask what a socket is. Most other `unsafe` code of this
//! crate builds the arguments of these calls or reads what they wrote. So tests can replace this file by a kernel of their
//! own (`fake_kernel.rs`). Not here, and not tested in this way: `ioctl`, netlink, files, lists of the C library, and the texts
//! of errors.

pub(crate) use libc::{getsockopt, recvfrom, recvmsg, sendmsg, sendto, setsockopt};
#[cfg(any(target_os = "linux", target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
pub(crate) use libc::{recvmmsg, sendmmsg};
pub(crate) use rustix::event::poll;
pub(crate) use rustix::net::getsockname;
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_os = "openbsd"))]
pub(crate) use rustix::net::sockopt::socket_protocol;
pub(crate) use rustix::net::sockopt::socket_type;
