//! The index of a network interface.

use core::fmt;
use core::num::NonZeroU32;

/// The index of a network interface, 1 to 4,294,967,295 (RFC 3493 section 4). The system assigns it.
///
/// It is never 0, because the kernel reads index 0 as "no interface specified" and then chooses one. To let the system
/// choose, use `None` in values of type `Option<InterfaceIndex>`, and `AnyInterface` in the methods of `ipv6-std`.
///
/// ```
/// use ipv6_core::{InterfaceIndex, ZeroIndex};
/// assert_eq!(InterfaceIndex::new(3).map(InterfaceIndex::get), Ok(3));
/// assert_eq!(InterfaceIndex::new(0), Err(ZeroIndex));
/// ```
#[doc(alias = "if_nametoindex", alias = "ipi6_ifindex", alias = "ipv6mr_interface", alias = "IfIndex")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct InterfaceIndex(NonZeroU32);

impl InterfaceIndex {
    /// Creates an index from its number.
    ///
    /// # Errors
    ///
    /// [`ZeroIndex`] for 0, so that an uninitialised index cannot become "any interface" by accident.
    pub const fn new(index: u32) -> Result<Self, ZeroIndex> {
        match NonZeroU32::new(index) {
            Some(index) => Ok(Self(index)),
            None => Err(ZeroIndex),
        }
    }

    /// Returns the number, at least 1.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

/// The error of [`InterfaceIndex::new`]: no interface has the index 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ZeroIndex;

impl fmt::Display for ZeroIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interface index 0: indexes start at 1; look the interface up by its name")
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

    // Scar 59: a join with an index that is still 0 joins on an interface of the system's choice.
    #[test]
    fn zero_is_an_error_and_every_other_number_is_valid() {
        assert_eq!(InterfaceIndex::new(0), Err(ZeroIndex));
        assert_eq!(InterfaceIndex::try_from(0), Err(ZeroIndex));
        let text = "interface index 0: indexes start at 1; look the interface up by its name";
        assert_eq!(ZeroIndex.to_string(), text);
        for index in [1, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
            let interface = InterfaceIndex::new(index).unwrap();
            assert_eq!((interface.get(), u32::from(interface)), (index, index));
            assert_eq!(InterfaceIndex::try_from(index), Ok(interface));
            assert_eq!(interface.to_string(), index.to_string());
        }
    }

    #[test]
    fn an_option_is_as_small_as_the_number() {
        assert_eq!(size_of::<Option<InterfaceIndex>>(), size_of::<u32>());
    }
}
