//! OpenBSD.
//!
//! The numbers are those of `sys/netinet6/in6.h`, `sys/netinet/in.h` and `sys/netinet/icmp6.h`. The processor's `_ALIGN`
//! aligns control messages (`sys/arch/*/include/_types.h`). Memberships have no source filters.

use super::number::option;
use super::{Abi, Endian, OptionNumbers, bsd};

pub(super) const fn table(endian: Endian, align: usize) -> Abi {
    bsd::table(endian, 24, align).with_options(OptionNumbers { min_hop_limit: option(65), ..bsd::OPTIONS })
}
