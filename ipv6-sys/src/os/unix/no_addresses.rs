//! AIX has no `getifaddrs(3)`.

use core::iter;

use crate::error::Errno;
use crate::os::entry;

type Entry = entry::Entry<{ super::interface::NAME_MAX }>;

#[derive(Debug)]
pub(crate) struct Addresses(());

impl Addresses {
    /// Fails with `ENOTSUP`.
    pub(crate) fn new() -> Result<Self, Errno> {
        Err(Errno::from_raw(libc::ENOTSUP))
    }

    /// No entries.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Entry> {
        iter::empty()
    }
}
