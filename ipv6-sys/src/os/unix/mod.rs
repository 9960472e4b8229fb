//! Unix: the calls of the C library, and the structures that they take.

// AIX has no getifaddrs(3).
#[cfg_attr(target_os = "aix", path = "no_addresses.rs")]
pub(crate) mod addresses;
mod calls;
mod header;
pub(crate) mod interface;
// Tests under Miri run over a kernel of their own: scripts/miri.
#[cfg(fake_kernel)]
#[path = "fake_kernel.rs"]
pub mod kernel;
#[cfg(not(fake_kernel))]
pub(crate) mod kernel;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
mod socket;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use addresses::list;
pub(crate) use calls::*;
pub(crate) use header::*;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use interface::{index_of, name_of};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::{index_of, list, name_of};
pub(crate) use socket::*;
