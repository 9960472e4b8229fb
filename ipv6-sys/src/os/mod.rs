//! The system below: its calls, and the structures that they take. Every system call of this crate is here.

#[cfg_attr(unix, path = "unix/mod.rs")]
#[cfg_attr(windows, path = "windows/mod.rs")]
mod system;

mod device;
pub(crate) mod entry;
mod filter;
mod peer;
mod portable;

pub(crate) use device::*;
pub(crate) use filter::*;
pub use peer::PeerName;
pub(crate) use peer::decode_address;
pub(crate) use portable::*;
pub(crate) use system::*;
