//! The index of a network interface.

use core::fmt;
use core::num::NonZeroU32;

/// The number that a system gives one of its network interfaces. It is never 0: system calls read 0 as "no
/// interface in particular" (RFC 3493 section 4).
///
/// Where the choice may be left to the system, the API says so by name: `Option<InterfaceIndex>` in values, and
/// `AnyInterface` in the methods of `ipv6-std`.
///
/// ```
/// use ipv6_core::{InterfaceIndex, ZeroIndex};
/// assert_eq!(InterfaceIndex::new(3).map(InterfaceIndex::get), Ok(3));
/// assert_eq!(InterfaceIndex::new(0), Err(ZeroIndex));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceIndex(NonZeroU32);

impl InterfaceIndex {
    /// The interface with this number.
    ///
    /// # Errors
    ///
    /// [`ZeroIndex`] for 0, so that an index that was never set cannot turn into "any interface" by accident.
    pub const fn new(index: u32) -> Result<Self, ZeroIndex> {
        match NonZeroU32::new(index) {
            Some(index) => Ok(Self(index)),
            None => Err(ZeroIndex),
        }
    }

    /// The number, at least 1.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

/// The index 0, which is no interface's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ZeroIndex;

impl fmt::Display for ZeroIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0 is not the index of an interface")
    }
}

impl core::error::Error for ZeroIndex {}

impl TryFrom<u32> for InterfaceIndex {
    type Error = ZeroIndex;

    fn try_from(index: u32) -> Result<Self, ZeroIndex> {
        Self::new(index)
    }
}

impl From<NonZeroU32> for InterfaceIndex {
    fn from(index: NonZeroU32) -> Self {
        Self(index)
    }
}

impl fmt::Display for InterfaceIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<InterfaceIndex> for u32 {
    fn from(index: InterfaceIndex) -> Self {
        index.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_but_zero() {
        assert_eq!(InterfaceIndex::new(0), Err(ZeroIndex));
        assert_eq!(InterfaceIndex::try_from(0), Err(ZeroIndex));
        assert_eq!(ZeroIndex.to_string(), "0 is not the index of an interface");
        for index in [1, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
            let interface = InterfaceIndex::new(index).unwrap();
            assert_eq!((interface.get(), u32::from(interface)), (index, index));
            assert_eq!(InterfaceIndex::try_from(index), Ok(interface));
            assert_eq!(interface.to_string(), index.to_string());
        }
    }

    #[test]
    fn none_takes_no_room() {
        assert_eq!(size_of::<Option<InterfaceIndex>>(), size_of::<u32>());
    }
}
