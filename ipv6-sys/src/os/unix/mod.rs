//! Unix: the calls of the C library, and the structures that they take.

// AIX has no getifaddrs(3).
#[cfg_attr(target_os = "aix", path = "no_addresses.rs")]
pub(crate) mod addresses;
mod calls;
mod header;
pub(crate) mod interface;
mod kernel;
mod socket;

pub(crate) use calls::*;
pub(crate) use header::*;
pub(crate) use socket::*;
