//! DragonFly BSD.
//!
//! The numbers are those of `sys/netinet6/in6.h`, `sys/netinet/in.h` and `sys/netinet/icmp6.h`. Memberships have no
//! source filters.

use super::number::{SOL_SOCKET, message_at, option, option_at};
use super::{Abi, ControlNumbers, Endian, OptionNumbers, bsd};

pub(super) const TABLE: Abi = bsd::table(Endian::Little, 28, 8)
    .with_control(ControlNumbers { timestamp: message_at(SOL_SOCKET, 2, 16), ..bsd::CONTROL })
    .with_options(OptionNumbers {
        auto_flow_label: option(59),
        sticky_next_hop: option(48),
        address_preferences: option(63),
        receive_timestamp: option_at(SOL_SOCKET, 1024),
        ..bsd::OPTIONS
    });
