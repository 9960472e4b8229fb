//! macOS, iOS and their siblings.
//!
//! The numbers are those of xnu's `bsd/netinet6/in6.h`, `bsd/netinet/in.h` and `bsd/netinet/icmp6.h`, as a
//! program gets them that asks for RFC 3542 (`__APPLE_USE_RFC_3542`). Everything in a control buffer lies at
//! multiples of four (`__DARWIN_ALIGN32`), and group requests are packed to four, in 64-bit programs too.

use super::{
    Abi, CmsgLayout, ControlNumbers, Endian, FilterPolarity, GroupReqLayout, IPPROTO_ICMPV6, IPPROTO_IPV6,
    OptionNumbers, Platform, SockaddrLayout, Width, message, option,
};

/// macOS, iOS, tvOS, watchOS and visionOS, on x86_64 and arm64.
#[derive(Clone, Copy, Debug)]
pub enum Apple {}

impl Platform for Apple {
    const ABI: Abi = Abi {
        endian: Endian::Little,
        cmsg: CmsgLayout { len: Width::Four, header_align: 4, data_align: 4 },
        sockaddr: SockaddrLayout { af_inet6: 30, length_byte: true, size: 28 },
        control: ControlNumbers {
            traffic_class: message(36, 4),
            hop_limit: message(47, 4),
            packet_info: message(46, 20),
            next_hop: message(48, 28),
            path_mtu: message(44, 32),
            ecn: None,
            segment_size: None,
            coalesced: None,
        },
        options: OptionNumbers {
            traffic_class: option(IPPROTO_IPV6, 36),
            unicast_hops: option(IPPROTO_IPV6, 4),
            multicast_interface: option(IPPROTO_IPV6, 9),
            multicast_hops: option(IPPROTO_IPV6, 10),
            multicast_loopback: option(IPPROTO_IPV6, 11),
            receive_traffic_class: option(IPPROTO_IPV6, 35),
            receive_hop_limit: option(IPPROTO_IPV6, 37),
            receive_packet_info: option(IPPROTO_IPV6, 61),
            receive_path_mtu: option(IPPROTO_IPV6, 43),
            receive_ecn: None,
            path_mtu: option(IPPROTO_IPV6, 44),
            dont_fragment: option(IPPROTO_IPV6, 62),
            v6_only: option(IPPROTO_IPV6, 27),
            checksum: option(IPPROTO_IPV6, 26),
            header_included: None,
            icmp6_filter: option(IPPROTO_ICMPV6, 18),
            stream_control: None,
            join_group: option(IPPROTO_IPV6, 12),
            leave_group: option(IPPROTO_IPV6, 13),
            join_source_group: option(IPPROTO_IPV6, 82),
            leave_source_group: option(IPPROTO_IPV6, 83),
            block_source: option(IPPROTO_IPV6, 84),
            unblock_source: option(IPPROTO_IPV6, 85),
            coalesce: None,
            queue_errors: None,
            attach_filter: None,
            detach_filter: None,
        },
        group_req: Some(GroupReqLayout { group: 4, source: 132, size: 260 }),
        icmp6_filter: Some(FilterPolarity::SetPasses),
    };
}
