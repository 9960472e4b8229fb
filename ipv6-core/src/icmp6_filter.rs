//! The ICMPv6 type filter of a raw socket (RFC 3542 section 3.2).
//!
//! ```text
//!  struct icmp6_filter { uint32_t icmp6_filt[8]; }     256 bits, one for each type
//!
//!  type t is bit (t % 32) of word (t / 32), words in the host's byte order
//! ```
//!
//! What a set bit means depends on the system: see [`FilterPolarity`].

use core::fmt;

use crate::abi::{FilterPolarity, Platform};
use crate::icmp6::Icmp6Type;
use crate::wire;

/// Which ICMPv6 messages a raw ICMPv6 socket receives.
///
/// ```
/// use ipv6_core::{Icmp6Filter, Icmp6Type};
///
/// let mut filter = Icmp6Filter::block_all();
/// filter.pass(Icmp6Type::ECHO_REPLY);
/// assert!(!filter.blocks(Icmp6Type::ECHO_REPLY));
/// assert!(filter.blocks(Icmp6Type::ECHO_REQUEST));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[doc(alias = "ICMP6_FILTER", alias = "ICMPV6_FILTER", alias = "icmp6_filter", alias = "ICMPFilter")]
pub struct Icmp6Filter {
    /// Bit `t % 32` of word `t / 32` is 1 where type `t` is blocked.
    blocked: [u32; 8],
}

impl Icmp6Filter {
    /// A filter that lets every type through: what a new socket has.
    #[doc(alias = "ICMP6_FILTER_SETPASSALL", alias = "SetAll")]
    pub const fn pass_all() -> Self {
        Self { blocked: [0; 8] }
    }

    /// A filter that lets no type through.
    #[doc(alias = "ICMP6_FILTER_SETBLOCKALL", alias = "SetAll")]
    pub const fn block_all() -> Self {
        Self { blocked: [u32::MAX; 8] }
    }

    /// Lets one type through.
    #[doc(alias = "ICMP6_FILTER_SETPASS", alias = "Accept")]
    pub fn pass(&mut self, kind: Icmp6Type) -> &mut Self {
        self.set(kind, false)
    }

    /// Blocks one type.
    #[doc(alias = "ICMP6_FILTER_SETBLOCK", alias = "Block")]
    pub fn block(&mut self, kind: Icmp6Type) -> &mut Self {
        self.set(kind, true)
    }

    /// Whether messages of this type are kept from the socket.
    #[doc(alias = "ICMP6_FILTER_WILLBLOCK", alias = "ICMP6_FILTER_WILLPASS", alias = "WillBlock")]
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

    /// The bytes of `struct icmp6_filter`; `None` where the platform has no such filter.
    pub fn encode<P: Platform>(&self) -> Option<[u8; 32]> {
        let polarity = P::ABI.icmp6_filter?;
        let mut bytes = [0; 32];
        for (offset, word) in (0..).step_by(4).zip(self.blocked) {
            wire::put(&mut bytes, offset, wire::bytes_of_u32::<P>(oriented(word, polarity)))?;
        }
        Some(bytes)
    }

    /// The filter in the bytes of `struct icmp6_filter`; `None` where the platform has no such filter.
    pub fn decode<P: Platform>(bytes: &[u8; 32]) -> Option<Self> {
        let polarity = P::ABI.icmp6_filter?;
        let mut blocked = [0; 8];
        for (offset, word) in (0..).step_by(4).zip(&mut blocked) {
            *word = oriented(wire::read_u32::<P>(bytes, offset)?, polarity);
        }
        Some(Self { blocked })
    }
}

/// Between "a set bit blocks" and what the system has; its own inverse.
const fn oriented(word: u32, polarity: FilterPolarity) -> u32 {
    match polarity {
        FilterPolarity::SetBlocks => word,
        FilterPolarity::SetPasses => !word,
    }
}

/// The word and the bit within it that stand for a type.
fn position(Icmp6Type(kind): Icmp6Type) -> (usize, u32) {
    (usize::from(kind >> 5), 1_u32.wrapping_shl(u32::from(kind & 31)))
}

impl Default for Icmp6Filter {
    /// The filter of a new socket: everything passes.
    fn default() -> Self {
        Self::pass_all()
    }
}

impl fmt::Debug for Icmp6Filter {
    /// The types that pass, or those that are blocked where these are fewer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |blocked| (0..=u8::MAX).filter(move |kind| self.blocks(Icmp6Type(*kind)) == blocked);
        let fewer_blocked = of(true).count() < of(false).count();
        f.write_str(if fewer_blocked { "Icmp6Filter blocking " } else { "Icmp6Filter passing " })?;
        f.debug_set().entries(of(fewer_blocked)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Abi, Linux64, Linux64Be};

    /// A set bit passes, as on every system but Linux.
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
    fn where_a_set_bit_passes() {
        // Type 129 is bit 1 of word 4, and the only one set.
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
    fn where_there_is_none() {
        assert_eq!(Icmp6Filter::pass_all().encode::<Without>(), None);
        assert_eq!(Icmp6Filter::decode::<Without>(&[0; 32]), None);
    }

    #[test]
    fn scar_33_the_ends_of_the_range() {
        // Go's filter panics for 256 and -1; here neither can be written.
        let mut filter = Icmp6Filter::pass_all();
        filter.block(Icmp6Type(0)).block(Icmp6Type(255));
        let mut bytes = [0; 32];
        (bytes[0], bytes[31]) = (0b1, 0x80);
        assert_eq!(filter.encode::<Linux64>(), Some(bytes));
    }

    #[test]
    fn every_type_is_apart() {
        // Under Miri, which is slow, one in so many.
        for kind in (0..=u8::MAX).step_by(if cfg!(miri) { 33 } else { 1 }).map(Icmp6Type) {
            let (mut one, mut but_one) = (Icmp6Filter::block_all(), Icmp6Filter::pass_all());
            one.pass(kind);
            but_one.block(kind);
            for other in (0..=u8::MAX).map(Icmp6Type) {
                assert_eq!(one.blocks(other), other != kind);
                assert_eq!(but_one.blocks(other), other == kind);
            }
            assert_eq!(*one.block(kind), Icmp6Filter::block_all());
            assert_eq!(*but_one.pass(kind), Icmp6Filter::pass_all());
        }
    }

    #[test]
    fn text_names_what_passes() {
        let mut filter = Icmp6Filter::block_all();
        filter.pass(Icmp6Type(1)).pass(Icmp6Type(255));
        assert_eq!(format!("{filter:?}"), "Icmp6Filter passing {1, 255}");
        let mut filter = Icmp6Filter::pass_all();
        filter.block(Icmp6Type(7));
        assert_eq!(format!("{filter:?}"), "Icmp6Filter blocking {7}");
        assert_eq!(Icmp6Filter::default(), Icmp6Filter::pass_all());
    }
}
