//! AIX has no `getifaddrs(3)`.

use core::iter;

use ipv6_core::InterfaceIndex;

use crate::error::Errno;
use crate::os::entry;

type Entry = entry::Entry<{ super::interface::NAME_MAX }>;
type Listed = entry::Listed<{ super::interface::NAME_MAX }>;

/// Fails with `ENOTSUP`.
pub(crate) fn list(_: Option<InterfaceIndex>, _: &mut dyn FnMut(Listed)) -> Result<(), Errno> {
    Err(Errno::from_raw(libc::ENOTSUP))
}

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
