//! AIX.
//!
//! The numbers are those of `netinet/in.h` and `netinet/icmp6.h`. Control messages follow one another without
//! padding (`CMSG_SPACE` is `CMSG_LEN` in `sys/socket.h`). A `struct sockaddr_storage` has 1,288 bytes.

use super::{
    Abi, CmsgLayout, ControlNumbers, Endian, FilterPolarity, GroupReqLayout, IPPROTO_ICMPV6, IPPROTO_IPV6,
    OptionNumbers, Platform, SockaddrLayout, Width, message, option,
};

/// AIX with 64-bit programs, big-endian: powerpc64.
#[derive(Clone, Copy, Debug)]
pub enum Aix {}

impl Platform for Aix {
    const ABI: Abi = Abi {
        endian: Endian::Big,
        cmsg: CmsgLayout { len: Width::Four, header_align: 1, data_align: 1 },
        sockaddr: SockaddrLayout { af_inet6: 24, length_byte: true, size: 28 },
        control: ControlNumbers {
            traffic_class: message(43, 4),
            hop_limit: message(40, 4),
            packet_info: message(33, 20),
            next_hop: message(48, 28),
            path_mtu: message(46, 32),
            ecn: None,
            segment_size: None,
            coalesced: None,
        },
        options: OptionNumbers {
            traffic_class: option(IPPROTO_IPV6, 43),
            unicast_hops: option(IPPROTO_IPV6, 4),
            multicast_interface: option(IPPROTO_IPV6, 9),
            multicast_hops: option(IPPROTO_IPV6, 10),
            multicast_loopback: option(IPPROTO_IPV6, 11),
            receive_traffic_class: option(IPPROTO_IPV6, 42),
            receive_hop_limit: option(IPPROTO_IPV6, 41),
            receive_packet_info: option(IPPROTO_IPV6, 35),
            receive_path_mtu: option(IPPROTO_IPV6, 47),
            receive_ecn: None,
            path_mtu: option(IPPROTO_IPV6, 46),
            dont_fragment: option(IPPROTO_IPV6, 45),
            v6_only: option(IPPROTO_IPV6, 37),
            checksum: option(IPPROTO_IPV6, 39),
            header_included: None,
            icmp6_filter: option(IPPROTO_ICMPV6, 38),
            stream_control: None,
            join_group: option(IPPROTO_IPV6, 12),
            leave_group: option(IPPROTO_IPV6, 13),
            join_source_group: option(IPPROTO_IPV6, 66),
            leave_source_group: option(IPPROTO_IPV6, 67),
            block_source: option(IPPROTO_IPV6, 64),
            unblock_source: option(IPPROTO_IPV6, 65),
            coalesce: None,
            queue_errors: None,
            attach_filter: None,
            detach_filter: None,
        },
        group_req: Some(GroupReqLayout { group: 8, source: 1296, size: 2584 }),
        icmp6_filter: Some(FilterPolarity::SetPasses),
    };
}
