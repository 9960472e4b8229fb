//! OpenBSD.
//!
//! The numbers are those of `sys/netinet6/in6.h`, `sys/netinet/in.h`, `sys/netinet/icmp6.h` and `sys/sys/socket.h`. The
//! processor's `_ALIGN` aligns control messages (`sys/arch/*/include/_types.h`). Memberships have no source filters.

use super::number::{SOL_SOCKET, message, message_at, option, option_at};
use super::{Abi, ControlNumbers, Endian, OptionNumbers, bsd};

const SO_BINDANY: i32 = 0x1000;

/// `timeval` is the size of `struct timeval`.
#[inline]
pub(super) const fn table(endian: Endian, align: usize, timeval: usize) -> Abi {
    bsd::table(endian, 24, align)
        // IPV6_NEXTHOP is in the headers; ip6_setpktopt() in sys/netinet6/ip6_output.c answers ENOPROTOOPT.
        .with_control(ControlNumbers {
            next_hop: None,
            timestamp: message_at(SOL_SOCKET, 4, timeval),
            destination_port: message(64, 2),
            ..bsd::CONTROL
        })
        .with_options(OptionNumbers {
            min_hop_limit: option(65),
            freebind: option_at(SOL_SOCKET, SO_BINDANY),
            transparent: option_at(SOL_SOCKET, SO_BINDANY),
            auto_flow_label: option(59),
            receive_destination_port: option(64),
            receive_timestamp: option_at(SOL_SOCKET, 2048),
            routing_table: option_at(SOL_SOCKET, 4129),
            port_range: option(14),
            domain: option_at(SOL_SOCKET, 4132),
            protocol: option_at(SOL_SOCKET, 4133),
            ..bsd::OPTIONS
        })
}
