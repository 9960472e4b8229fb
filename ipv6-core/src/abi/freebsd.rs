//! FreeBSD.
//!
//! The numbers are those of `sys/netinet6/in6.h`, `sys/netinet/in.h` and `sys/netinet/icmp6.h`. The processor's `_ALIGN`
//! aligns control messages (`sys/*/include/_align.h` and `_types.h`). `struct sockaddr_storage`, whose padding is an
//! `int64_t`, aligns group requests and source filters: to eight, on i386 to four.

use super::number::{IPPROTO_IP, SOL_SOCKET, message, message_at, option, option_at};
use super::{
    Abi, ControlNumbers, Endian, GroupReqLayout, Mapped, OptionNumbers, SourceFilterLayout, Width, bsd,
};

const IPV6_BINDANY: i32 = 64;

/// `timeval` is the size of `struct timeval` and of `struct timespec`, `pointer` that of the kernel's pointer in a source
/// filter.
#[inline]
pub(super) const fn table(
    endian: Endian,
    align: usize,
    group_req: GroupReqLayout,
    timeval: usize,
    pointer: Width,
) -> Abi {
    bsd::table(endian, 28, align)
        // Received IPv4 packets have the messages of IPv6. Of those to send, ip6_output() skips the IPv6 class, takes
        // IP_TOS in exactly one byte, and answers ENOPROTOOPT to IP_TTL.
        .with_control(ControlNumbers {
            type_of_service: message_at(IPPROTO_IP, 3, 1),
            original_destination: message(72, 28),
            timestamp: message_at(SOL_SOCKET, 2, timeval),
            // SCM_REALTIME.
            timestamp_ns: message_at(SOL_SOCKET, 5, timeval),
            // struct bintime: seconds and 64 bits, which i386 aligns to four.
            binary_time: message_at(SOL_SOCKET, 4, if timeval == 8 { 12 } else { 16 }),
            uptime: message_at(SOL_SOCKET, 6, timeval),
            flow_id: message(67, 4),
            flow_type: message(68, 4),
            ..bsd::CONTROL
        })
        .with_options(OptionNumbers {
            stream_control: option(25),
            freebind: option(IPV6_BINDANY),
            transparent: option(IPV6_BINDANY),
            auto_flow_label: option(59),
            receive_original_destination: option(72),
            receive_first_destination_options: option(41),
            sticky_next_hop: option(48),
            address_preferences: option(63),
            receive_timestamp: option_at(SOL_SOCKET, 1024),
            timestamp_clock: option_at(SOL_SOCKET, 4119),
            max_pacing_rate: option_at(SOL_SOCKET, 4120),
            mark: option_at(SOL_SOCKET, 4117),
            fib: option_at(SOL_SOCKET, 4116),
            port_range: option(14),
            balance_port: option_at(SOL_SOCKET, 65536),
            domain: option_at(SOL_SOCKET, 4121),
            protocol: option_at(SOL_SOCKET, 4118),
            receive_flow_id: option(70),
            // IPV6_MSFILTER.
            source_filter: option(74),
            ..bsd::OPTIONS_WITH_SOURCES
        })
        .with_group_req(group_req)
        .with_source_filter(SourceFilterLayout::msfilterreq(group_req.group, pointer))
        .with_mapped(Mapped::IPV6_PACKET_INFO)
}
