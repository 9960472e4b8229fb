//! The index of a network interface.

use core::fmt;
use core::num::NonZeroU32;

/// The number by which a system knows one of its network interfaces: never 0, which means "any".
///
/// Where "any" or "none" is possible, the API has `Option<InterfaceIndex>`.
/// RFC 3493 section 4 describes interface indexes.
///
/// ```
/// use ipv6_core::InterfaceIndex;
/// assert_eq!(InterfaceIndex::new(3).map(InterfaceIndex::get), Some(3));
/// assert_eq!(InterfaceIndex::new(0), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceIndex(NonZeroU32);

impl InterfaceIndex {
    /// The interface with this number; `None` for 0.
    pub const fn new(index: u32) -> Option<Self> {
        match NonZeroU32::new(index) {
            Some(index) => Some(Self(index)),
            None => None,
        }
    }

    /// The number, at least 1.
    pub const fn get(self) -> u32 {
        self.0.get()
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
        assert_eq!(InterfaceIndex::new(0), None);
        for index in [1, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
            let interface = InterfaceIndex::new(index).unwrap();
            assert_eq!((interface.get(), u32::from(interface)), (index, index));
            assert_eq!(interface.to_string(), index.to_string());
        }
    }

    #[test]
    fn none_takes_no_room() {
        assert_eq!(size_of::<Option<InterfaceIndex>>(), size_of::<u32>());
    }
}
