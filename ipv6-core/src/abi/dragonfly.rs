//! DragonFly BSD.
//!
//! The numbers are those of `sys/netinet6/in6.h`, `sys/netinet/in.h` and `sys/netinet/icmp6.h`. Memberships have no
//! source filters.

use super::number::option;
use super::{Abi, Endian, OptionNumbers, bsd};

pub(super) const TABLE: Abi = bsd::table(Endian::Little, 28, 8)
    .with_options(OptionNumbers { auto_flow_label: option(59), ..bsd::OPTIONS });
