//! The flow label.

use core::fmt;
use core::num::NonZeroU32;

/// A flow label: 20 bits, 0 to [`MAX`](Self::MAX) (RFC 6437). As a control message (`IPV6_FLOWINFO`): Linux.
///
/// ```
/// use ipv6_core::FlowLabel;
/// assert_eq!(FlowLabel::new(0xbeef).map(FlowLabel::get), Some(0xbeef));
/// assert_eq!(FlowLabel::new(0x10_0000), None);
/// ```
#[doc(alias = "IPV6_FLOWINFO_FLOWLABEL", alias = "flowinfo")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
// With a bit above the label that is always set, so that `Option<FlowLabel>` has four bytes.
pub struct FlowLabel(NonZeroU32);

/// The bit that is always set.
const SET: u32 = 1 << 20;

impl FlowLabel {
    /// The label 0: the packet is not part of a labelled flow (RFC 6437 section 2).
    pub const ZERO: Self = Self::from_low_bits(0);

    /// The greatest value, `0xfffff`.
    pub const MAX: u32 = 0xf_ffff;

    /// Creates a label from its value in host byte order. `None` if it exceeds [`MAX`](Self::MAX).
    #[must_use]
    pub const fn new(label: u32) -> Option<Self> {
        if label <= Self::MAX { Some(Self::from_low_bits(label)) } else { None }
    }

    /// Creates a label from the low 20 bits of a word.
    pub(crate) const fn from_low_bits(word: u32) -> Self {
        match NonZeroU32::new(SET | (word & Self::MAX)) {
            Some(label) => Self(label),
            // Not reached: one bit is set.
            None => Self(NonZeroU32::MAX),
        }
    }

    /// A number that is not 0, for every label.
    #[inline(always)]
    pub(crate) const fn non_zero(self) -> u32 {
        self.0.get()
    }

    /// Returns the value in host byte order, at most [`MAX`](Self::MAX).
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get() & Self::MAX
    }
}

impl Default for FlowLabel {
    fn default() -> Self {
        Self::ZERO
    }
}

impl fmt::Debug for FlowLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FlowLabel").field(&self.get()).finish()
    }
}

impl fmt::Display for FlowLabel {
    /// Five hexadecimal digits, such as `0x0beef`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#07x}", self.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_20_bits() {
        for label in [0, 1, 0xbeef, FlowLabel::MAX] {
            assert_eq!(FlowLabel::new(label).map(FlowLabel::get), Some(label));
        }
        assert_eq!((FlowLabel::new(FlowLabel::MAX + 1), FlowLabel::new(u32::MAX)), (None, None));
        assert_eq!((FlowLabel::from_low_bits(u32::MAX).get(), FlowLabel::ZERO.get()), (FlowLabel::MAX, 0));
        assert!(FlowLabel::ZERO < FlowLabel::from_low_bits(1));
        assert_eq!(FlowLabel::default(), FlowLabel::ZERO);
    }

    #[test]
    fn text_is_the_value() {
        let label = FlowLabel::from_low_bits(0xbeef);
        assert_eq!(
            (format!("{label}"), format!("{label:?}")),
            ("0x0beef".to_string(), "FlowLabel(48879)".to_string())
        );
    }

    #[test]
    fn none_takes_no_room() {
        assert_eq!(size_of::<Option<FlowLabel>>(), size_of::<u32>());
    }
}
