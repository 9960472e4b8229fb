//! FreeBSD.
//!
//! The numbers are those of `sys/netinet6/in6.h`, `sys/netinet/in.h` and `sys/netinet/icmp6.h`. Control
//! messages are aligned by the processor's `_ALIGN` (`sys/*/include/_align.h` and `_types.h`), group requests
//! by the alignment of `struct sockaddr_storage`, whose padding is an `int64_t`: eight, but on i386 four.

use super::{
    Abi, CmsgLayout, ControlNumbers, Endian, FilterPolarity, GroupReqLayout, IPPROTO_ICMPV6, IPPROTO_IPV6,
    OptionNumbers, Platform, SockaddrLayout, Width, message, option,
};

/// FreeBSD with 64-bit programs, little-endian: amd64, arm64, riscv64, powerpc64le.
#[derive(Clone, Copy, Debug)]
pub enum FreeBsd64 {}

/// FreeBSD with 64-bit programs, big-endian: powerpc64.
#[derive(Clone, Copy, Debug)]
pub enum FreeBsd64Be {}

/// FreeBSD on i386.
#[derive(Clone, Copy, Debug)]
pub enum FreeBsd32 {}

/// FreeBSD with i386 programs on an amd64 kernel, which reads their group requests as those of its own.
#[derive(Clone, Copy, Debug)]
pub enum FreeBsd32On64 {}

/// FreeBSD with 32-bit ARM programs: armv6, armv7.
#[derive(Clone, Copy, Debug)]
pub enum FreeBsdArm {}

impl Platform for FreeBsd64 {
    const ABI: Abi = freebsd(Endian::Little, 8, EIGHT);
}

impl Platform for FreeBsd64Be {
    const ABI: Abi = freebsd(Endian::Big, 8, EIGHT);
}

impl Platform for FreeBsd32 {
    const ABI: Abi = freebsd(Endian::Little, 4, FOUR);
}

impl Platform for FreeBsd32On64 {
    const ABI: Abi = freebsd(Endian::Little, 4, EIGHT);
}

impl Platform for FreeBsdArm {
    const ABI: Abi = freebsd(Endian::Little, 4, EIGHT);
}

const FOUR: GroupReqLayout = GroupReqLayout { group: 4, source: 132, size: 260 };
const EIGHT: GroupReqLayout = GroupReqLayout { group: 8, source: 136, size: 264 };

const fn freebsd(endian: Endian, align: usize, group_req: GroupReqLayout) -> Abi {
    Abi {
        endian,
        cmsg: CmsgLayout { len: Width::Four, header_align: align, data_align: align },
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
            join_source_group: option(IPPROTO_IPV6, 82),
            leave_source_group: option(IPPROTO_IPV6, 83),
            block_source: option(IPPROTO_IPV6, 84),
            unblock_source: option(IPPROTO_IPV6, 85),
            coalesce: None,
            queue_errors: None,
            attach_filter: None,
            detach_filter: None,
        },
        group_req: Some(group_req),
        icmp6_filter: Some(FilterPolarity::SetPasses),
    }
}
