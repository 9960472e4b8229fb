//! The system below: its calls, and the structures that they take. Every system call of this crate is here.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

mod device;
pub(crate) mod entry;
mod filter;
mod peer;
mod portable;

pub(crate) use device::*;
pub(crate) use filter::*;
pub use peer::PeerName;
pub(crate) use portable::*;
#[cfg(unix)]
pub(crate) use unix::*;
#[cfg(windows)]
pub(crate) use windows::*;
