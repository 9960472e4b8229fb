//! DragonFly BSD.
//!
//! The numbers are those of `sys/netinet6/in6.h`, `sys/netinet/in.h` and `sys/netinet/icmp6.h`. Memberships
//! have no source filters.

use super::{
    Abi, CmsgLayout, ControlNumbers, Endian, FilterPolarity, IPPROTO_ICMPV6, IPPROTO_IPV6, OptionNumbers,
    Platform, SockaddrLayout, Width, message, option,
};

/// DragonFly BSD on x86_64.
#[derive(Clone, Copy, Debug)]
pub enum DragonFly {}

impl Platform for DragonFly {
    const ABI: Abi = Abi {
        endian: Endian::Little,
        cmsg: CmsgLayout { len: Width::Four, header_align: 8, data_align: 8 },
        sockaddr: SockaddrLayout { af_inet6: 28, length_byte: true, size: 28 },
        control: ControlNumbers {
            traffic_class: message(61, 4),
            hop_limit: message(47, 4),
            packet_info: message(46, 20),
            next_hop: message(48, 28),
            path_mtu: message(44, 32),
            ecn: None,
            segment_size: None,
            coalesced: None,
        },
        options: OptionNumbers {
            traffic_class: option(IPPROTO_IPV6, 61),
            unicast_hops: option(IPPROTO_IPV6, 4),
            multicast_interface: option(IPPROTO_IPV6, 9),
            multicast_hops: option(IPPROTO_IPV6, 10),
            multicast_loopback: option(IPPROTO_IPV6, 11),
            receive_traffic_class: option(IPPROTO_IPV6, 57),
            receive_hop_limit: option(IPPROTO_IPV6, 37),
            receive_packet_info: option(IPPROTO_IPV6, 36),
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
            join_source_group: None,
            leave_source_group: None,
            block_source: None,
            unblock_source: None,
            coalesce: None,
            queue_errors: None,
            attach_filter: None,
            detach_filter: None,
        },
        group_req: None,
        icmp6_filter: Some(FilterPolarity::SetPasses),
    };
}
