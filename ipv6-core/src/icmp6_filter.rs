//! The ICMPv6 type filter of a raw socket (RFC 3542 section 3.2).
//!
//! ```text
//!  struct icmp6_filter { uint32_t icmp6_filt[8]; }     256 bits, one per type
//!
//!  type t is bit (t % 32) of word (t / 32), words in the host's byte order
//! ```
//!
//! The meaning of a set bit depends on the system: see [`FilterPolarity`].

use core::fmt;

use crate::abi::{FilterPolarity, Platform};
use crate::icmp6::Icmp6Type;
use crate::wire;

/// The set of ICMPv6 types that a raw ICMPv6 socket receives (RFC 3542 section 3.2). It does not affect sending.
///
/// ```
/// use ipv6_core::{Icmp6Filter, Icmp6Type};
///
/// let mut filter = Icmp6Filter::block_all();
/// filter.pass(Icmp6Type::ECHO_REPLY);
/// assert!(filter.passes(Icmp6Type::ECHO_REPLY));
/// assert!(filter.blocks(Icmp6Type::ECHO_REQUEST));
/// assert_eq!(filter.to_string(), "pass echo reply");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[doc(alias = "ICMP6_FILTER", alias = "ICMPV6_FILTER", alias = "icmp6_filter", alias = "ICMPFilter")]
pub struct Icmp6Filter {
    /// Bit `t % 32` of word `t / 32` is 1 if type `t` is blocked.
    blocked: [u32; 8],
}

impl Icmp6Filter {
    /// Creates a filter that passes every type. This is the filter of a new socket.
    #[doc(alias = "ICMP6_FILTER_SETPASSALL", alias = "SetAll")]
    #[must_use]
    pub const fn pass_all() -> Self {
        Self { blocked: [0; 8] }
    }

    /// Creates a filter that blocks every type.
    #[doc(alias = "ICMP6_FILTER_SETBLOCKALL", alias = "SetAll")]
    #[must_use]
    pub const fn block_all() -> Self {
        Self { blocked: [u32::MAX; 8] }
    }

    /// Passes one type. The other types stay as they are.
    #[doc(alias = "ICMP6_FILTER_SETPASS", alias = "Accept")]
    pub fn pass(&mut self, kind: Icmp6Type) -> &mut Self {
        self.set(kind, false)
    }

    /// Blocks one type. The other types stay as they are.
    #[doc(alias = "ICMP6_FILTER_SETBLOCK", alias = "Block")]
    pub fn block(&mut self, kind: Icmp6Type) -> &mut Self {
        self.set(kind, true)
    }

    /// Returns whether the socket receives messages of this type. The opposite of [`blocks`](Self::blocks).
    #[doc(alias = "ICMP6_FILTER_WILLPASS")]
    #[must_use]
    pub fn passes(&self, kind: Icmp6Type) -> bool {
        !self.blocks(kind)
    }

    /// Returns whether the kernel drops messages of this type. The opposite of [`passes`](Self::passes).
    #[doc(alias = "ICMP6_FILTER_WILLBLOCK", alias = "WillBlock")]
    #[must_use]
    pub fn blocks(&self, kind: Icmp6Type) -> bool {
        let (word, bit) = position(kind);
        self.blocked.get(word).is_some_and(|word| word & bit != 0)
    }

    fn set(&mut self, kind: Icmp6Type, blocked: bool) -> &mut Self {
        let (word, bit) = position(kind);
        if let Some(word) = self.blocked.get_mut(word) {
            *word = if blocked { *word | bit } else { *word & !bit };
        }
        self
    }

    /// Encodes the filter as a `struct icmp6_filter`, the value of the option `ICMP6_FILTER` (`ICMPV6_FILTER` on Linux).
    /// `None` if the platform has no such filter.
    #[must_use]
    pub fn encode<P: Platform>(&self) -> Option<[u8; 32]> {
        let polarity = P::ABI.icmp6_filter?;
        let mut bytes = [0; 32];
        for (offset, word) in (0..).step_by(4).zip(self.blocked) {
            wire::put(&mut bytes, offset, wire::bytes_of_u32::<P>(oriented(word, polarity)))?;
        }
        Some(bytes)
    }

    /// Decodes a `struct icmp6_filter`. `None` if the platform has no such filter.
    #[must_use]
    pub fn decode<P: Platform>(bytes: &[u8; 32]) -> Option<Self> {
        let polarity = P::ABI.icmp6_filter?;
        let mut blocked = [0; 8];
        for (offset, word) in (0..).step_by(4).zip(&mut blocked) {
            *word = oriented(wire::read_u32::<P>(bytes, offset)?, polarity);
        }
        Some(Self { blocked })
    }
}

/// Converts between "a set bit blocks" and the platform's polarity. It is its own inverse.
const fn oriented(word: u32, polarity: FilterPolarity) -> u32 {
    match polarity {
        FilterPolarity::SetBlocks => word,
        FilterPolarity::SetPasses => !word,
    }
}

/// Returns the index of the word and the bit within it that represent a type.
fn position(Icmp6Type(kind): Icmp6Type) -> (usize, u32) {
    (usize::from(kind >> 5), 1_u32.wrapping_shl(u32::from(kind & 31)))
}

impl Default for Icmp6Filter {
    /// The filter of a new socket, [`pass_all`](Self::pass_all).
    fn default() -> Self {
        Self::pass_all()
    }
}

impl Icmp6Filter {
    /// The types that are blocked (or not), in ascending order.
    fn types(&self, blocked: bool) -> impl Iterator<Item = Icmp6Type> {
        (0..=u8::MAX).map(Icmp6Type).filter(move |kind| self.blocks(*kind) == blocked)
    }

    /// Whether the list of blocked types is shorter than the list of those that pass.
    fn blocks_fewer(&self) -> bool {
        self.types(true).count() < self.types(false).count()
    }
}

impl fmt::Debug for Icmp6Filter {
    /// The numbers of the types that pass or of those that are blocked, whichever are fewer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blocked = self.blocks_fewer();
        f.write_str(if blocked { "Icmp6Filter blocking " } else { "Icmp6Filter passing " })?;
        f.debug_set().entries(self.types(blocked).map(|Icmp6Type(kind)| kind)).finish()
    }
}

impl fmt::Display for Icmp6Filter {
    /// The names of the types that pass or of those that are blocked, whichever are fewer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blocked = self.blocks_fewer();
        let mut types = self.types(blocked);
        match types.next() {
            None => return f.write_str(if blocked { "pass all" } else { "block all" }),
            Some(first) => write!(f, "{} {first}", if blocked { "block" } else { "pass" })?,
        }
        types.try_for_each(|kind| write!(f, ", {kind}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Abi, Linux64, Linux64Be};

    /// A set bit passes, as on every system except Linux.
    enum Passes {}

    impl Platform for Passes {
        const ABI: Abi = Abi { icmp6_filter: Some(FilterPolarity::SetPasses), ..Linux64::ABI };
    }

    enum PassesBe {}

    impl Platform for PassesBe {
        const ABI: Abi = Abi { icmp6_filter: Some(FilterPolarity::SetPasses), ..Linux64Be::ABI };
    }

    /// A system without the filter.
    enum Without {}

    impl Platform for Without {
        const ABI: Abi = Abi { icmp6_filter: None, ..Linux64::ABI };
    }

    #[test]
    fn golden() {
        // Type 129 is bit 1 of word 4; a set bit blocks.
        let mut filter = Icmp6Filter::block_all();
        filter.pass(Icmp6Type::ECHO_REPLY);
        let mut little = [0xff; 32];
        little[16] = 0b1111_1101;
        let mut big = [0xff; 32];
        big[19] = 0b1111_1101;
        assert_eq!(filter.encode::<Linux64>(), Some(little));
        assert_eq!(filter.encode::<Linux64Be>(), Some(big));
        assert_eq!(Icmp6Filter::decode::<Linux64>(&little), Some(filter));
        assert_eq!(Icmp6Filter::decode::<Linux64Be>(&big), Some(filter));
        assert_eq!(Icmp6Filter::pass_all().encode::<Linux64>(), Some([0; 32]));
    }

    #[test]
    fn golden_if_a_set_bit_passes() {
        // Type 129 is bit 1 of word 4. It is the only bit that is set.
        let mut filter = Icmp6Filter::block_all();
        filter.pass(Icmp6Type::ECHO_REPLY);
        let mut little = [0; 32];
        little[16] = 0b10;
        let mut big = [0; 32];
        big[19] = 0b10;
        assert_eq!(filter.encode::<Passes>(), Some(little));
        assert_eq!(filter.encode::<PassesBe>(), Some(big));
        assert_eq!(Icmp6Filter::decode::<Passes>(&little), Some(filter));
        assert_eq!(Icmp6Filter::decode::<PassesBe>(&big), Some(filter));
        assert_eq!(Icmp6Filter::pass_all().encode::<Passes>(), Some([0xff; 32]));
    }

    #[test]
    fn a_platform_without_the_filter_returns_none() {
        assert_eq!(Icmp6Filter::pass_all().encode::<Without>(), None);
        assert_eq!(Icmp6Filter::decode::<Without>(&[0; 32]), None);
    }

    // Scar 33: Go's ICMPFilter panics for the types 256 and -1. Here a type is a byte.
    #[test]
    fn the_lowest_and_the_highest_type() {
        let mut filter = Icmp6Filter::pass_all();
        filter.block(Icmp6Type(0)).block(Icmp6Type(255));
        let mut bytes = [0; 32];
        (bytes[0], bytes[31]) = (0b1, 0x80);
        assert_eq!(filter.encode::<Linux64>(), Some(bytes));
    }

    #[test]
    fn a_change_affects_one_type_only() {
        // Miri is slow: it tests every 33rd type.
        for kind in (0..=u8::MAX).step_by(if cfg!(miri) { 33 } else { 1 }).map(Icmp6Type) {
            let (mut one, mut but_one) = (Icmp6Filter::block_all(), Icmp6Filter::pass_all());
            one.pass(kind);
            but_one.block(kind);
            for other in (0..=u8::MAX).map(Icmp6Type) {
                assert_eq!((one.blocks(other), one.passes(other)), (other != kind, other == kind));
                assert_eq!((but_one.blocks(other), but_one.passes(other)), (other == kind, other != kind));
            }
            assert_eq!(*one.block(kind), Icmp6Filter::block_all());
            assert_eq!(*but_one.pass(kind), Icmp6Filter::pass_all());
        }
    }

    #[test]
    fn text_lists_the_shorter_side() {
        let mut filter = Icmp6Filter::block_all();
        filter.pass(Icmp6Type(1)).pass(Icmp6Type(255));
        assert_eq!(format!("{filter:?}"), "Icmp6Filter passing {1, 255}");
        assert_eq!(
            filter.to_string(),
            "pass destination unreachable, reserved for expansion of informational messages"
        );
        let mut filter = Icmp6Filter::pass_all();
        filter.block(Icmp6Type(7));
        assert_eq!(format!("{filter:?}"), "Icmp6Filter blocking {7}");
        assert_eq!(filter.to_string(), "block type 7");
        assert_eq!(Icmp6Filter::pass_all().to_string(), "pass all");
        assert_eq!(Icmp6Filter::block_all().to_string(), "block all");
        assert_eq!(Icmp6Filter::default(), Icmp6Filter::pass_all());
    }

    #[test]
    fn a_type_can_be_blocked_twice() {
        let mut filter = Icmp6Filter::pass_all();
        filter.block(Icmp6Type(128)).block(Icmp6Type(128));
        assert!(filter.blocks(Icmp6Type(128)));
        filter.pass(Icmp6Type(128)).pass(Icmp6Type(128));
        assert!(filter.passes(Icmp6Type(128)));
    }

    #[test]
    fn text_lists_the_types_that_pass_if_both_sides_are_equal() {
        let mut filter = Icmp6Filter::pass_all();
        for kind in 0..128 {
            filter.block(Icmp6Type(kind));
        }
        assert!(format!("{filter:?}").starts_with("Icmp6Filter passing {128, 129"));
    }
}
