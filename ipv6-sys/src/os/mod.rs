//! The operating system: its calls, and the structures that they take. Every system call of this crate is here.

// Not `cfg_attr`: cargo-mutants (scripts/mutants) would not find the files.
#[cfg(unix)]
#[path = "unix/mod.rs"]
mod system;
#[cfg(windows)]
#[path = "windows/mod.rs"]
mod system;

#[cfg(fake_kernel)]
pub use system::kernel as fake_kernel;

/// Whether buffers for what the system writes start as zeros. The sources of these systems are not public, and they do not
/// document which bytes they write, in particular of messages that were cut.
pub(crate) const STARTS_AS_ZEROS: bool = cfg!(any(windows, target_os = "aix", target_os = "solaris"));

mod device;
pub(crate) mod entry;
#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "epoll.rs")]
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "no_epoll.rs")]
mod epoll;
mod events;
mod filter;
mod peer;
mod portable;
#[cfg_attr(
    any(target_os = "linux", target_os = "android", target_os = "illumos", target_os = "solaris"),
    path = "requests.rs"
)]
#[cfg_attr(windows, path = "windows/requests.rs")]
#[cfg_attr(
    not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "illumos",
        target_os = "solaris",
        windows
    )),
    path = "no_requests.rs"
)]
mod requests;

pub(crate) use device::*;
pub(crate) use epoll::*;
pub use events::{Events, Ready};
pub(crate) use filter::*;
pub use peer::PeerName;
pub(crate) use peer::decode_address;
pub(crate) use portable::*;
pub(crate) use requests::{exchange_request, is_unknown_request, send_request};
pub(crate) use system::*;
