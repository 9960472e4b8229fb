//! FreeBSD.
//!
//! The numbers are those of `sys/netinet6/in6.h`, `sys/netinet/in.h` and `sys/netinet/icmp6.h`. The processor's `_ALIGN`
//! aligns control messages (`sys/*/include/_align.h` and `_types.h`). `struct sockaddr_storage`, whose padding is an
//! `int64_t`, aligns group requests: to eight, on i386 to four.

use super::number::option;
use super::{Abi, Endian, GroupReqLayout, OptionNumbers, bsd};

const IPV6_BINDANY: i32 = 64;

pub(super) const fn table(endian: Endian, align: usize, group_req: GroupReqLayout) -> Abi {
    bsd::table(endian, 28, align)
        .with_options(OptionNumbers {
            stream_control: option(25),
            freebind: option(IPV6_BINDANY),
            transparent: option(IPV6_BINDANY),
            ..bsd::OPTIONS_WITH_SOURCES
        })
        .with_group_req(group_req)
}
