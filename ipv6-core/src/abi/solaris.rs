//! illumos and Solaris.
//!
//! The numbers are those of `sys/netinet/in.h` and `netinet/icmp6.h`. An address ends in `__sin6_src_id`, which
//! makes it 32 bytes. In a control buffer headers are aligned to four, on SPARC to eight, and data always to
//! four (`_CMSG_HDR_ALIGNMENT` and `_CMSG_DATA_ALIGNMENT` in `sys/socket.h`); group requests are packed to four.

use super::{
    Abi, CmsgLayout, ControlNumbers, Endian, FilterPolarity, GroupReqLayout, IPPROTO_ICMPV6, IPPROTO_IPV6,
    OptionNumbers, Platform, SockaddrLayout, Width, message, option,
};

/// illumos and Solaris on x86_64.
#[derive(Clone, Copy, Debug)]
pub enum Solaris {}

/// Solaris on SPARC.
#[derive(Clone, Copy, Debug)]
pub enum SolarisSparc {}

impl Platform for Solaris {
    const ABI: Abi = solaris(Endian::Little, 4);
}

impl Platform for SolarisSparc {
    const ABI: Abi = solaris(Endian::Big, 8);
}

const fn solaris(endian: Endian, header_align: usize) -> Abi {
    Abi {
        endian,
        cmsg: CmsgLayout { len: Width::Four, header_align, data_align: 4 },
        sockaddr: SockaddrLayout { af_inet6: 26, length_byte: false, size: 32 },
        control: ControlNumbers {
            traffic_class: message(38, 4),
            hop_limit: message(12, 4),
            packet_info: message(11, 20),
            next_hop: message(13, 32),
            path_mtu: message(37, 36),
            ecn: None,
            segment_size: None,
            coalesced: None,
        },
        options: OptionNumbers {
            traffic_class: option(IPPROTO_IPV6, 38),
            unicast_hops: option(IPPROTO_IPV6, 5),
            multicast_interface: option(IPPROTO_IPV6, 6),
            multicast_hops: option(IPPROTO_IPV6, 7),
            multicast_loopback: option(IPPROTO_IPV6, 8),
            receive_traffic_class: option(IPPROTO_IPV6, 25),
            receive_hop_limit: option(IPPROTO_IPV6, 19),
            receive_packet_info: option(IPPROTO_IPV6, 18),
            receive_path_mtu: option(IPPROTO_IPV6, 36),
            receive_ecn: None,
            path_mtu: option(IPPROTO_IPV6, 37),
            dont_fragment: option(IPPROTO_IPV6, 33),
            v6_only: option(IPPROTO_IPV6, 39),
            checksum: option(IPPROTO_IPV6, 24),
            header_included: None,
            icmp6_filter: option(IPPROTO_ICMPV6, 1),
            stream_control: None,
            join_group: option(IPPROTO_IPV6, 9),
            leave_group: option(IPPROTO_IPV6, 10),
            join_source_group: option(IPPROTO_IPV6, 45),
            leave_source_group: option(IPPROTO_IPV6, 46),
            block_source: option(IPPROTO_IPV6, 43),
            unblock_source: option(IPPROTO_IPV6, 44),
            coalesce: None,
            queue_errors: None,
            attach_filter: None,
            detach_filter: None,
        },
        group_req: Some(GroupReqLayout { group: 4, source: 260, size: 516 }),
        icmp6_filter: Some(FilterPolarity::SetPasses),
    }
}
