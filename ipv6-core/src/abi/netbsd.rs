//! NetBSD.
//!
//! The numbers are those of `sys/netinet6/in6.h`, `sys/netinet/in.h` and `sys/netinet/icmp6.h`. The processor's
//! `__ALIGNBYTES` aligns control messages (`sys/arch/*/include`). Memberships have no source filters.

use super::number::{SOL_SOCKET, message_at, option, option_at};
use super::{Abi, ControlNumbers, Endian, OptionNumbers, bsd};

const IPV6_BINDANY: i32 = 64;

/// `timeval` is the size of `struct timeval`.
#[inline]
pub(super) const fn table(align: usize, timeval: usize) -> Abi {
    bsd::table(Endian::Little, 24, align)
        .with_control(ControlNumbers { timestamp: message_at(SOL_SOCKET, 8, timeval), ..bsd::CONTROL })
        .with_options(OptionNumbers {
            stream_control: option(25),
            freebind: option(IPV6_BINDANY),
            transparent: option(IPV6_BINDANY),
            receive_first_destination_options: option(41),
            sticky_next_hop: option(48),
            address_preferences: option(63),
            receive_timestamp: option_at(SOL_SOCKET, 8192),
            port_range: option(14),
            ..bsd::OPTIONS
        })
}
