//! No list of addresses.

use core::iter;

use crate::error::Errno;
use crate::interface::Address;

/// The system's list of its interfaces' addresses, which this system does not give.
#[derive(Debug)]
pub struct Addresses(());

impl Addresses {
    /// Answers `ENOTSUP`.
    pub fn new() -> Result<Self, Errno> {
        Err(Errno::from_raw(libc::ENOTSUP))
    }

    /// No entries.
    pub fn iter(&self) -> impl Iterator<Item = Address> {
        iter::empty()
    }
}
