//! Windows.
//!
//! The numbers are those of the Windows SDK's `ws2ipdef.h`. A control message's header is a `WSACMSGHDR`, whose
//! length is a `SIZE_T`; header and data are aligned as `WSA_CMSGHDR_ALIGN` and `WSA_CMSGDATA_ALIGN` in
//! `mswsock.h` do it. A `SOCKADDR_STORAGE` is aligned to eight in 32-bit programs too.

use super::{
    Abi, CmsgLayout, ControlNumbers, Endian, GroupReqLayout, IPPROTO_IPV6, OptionNumbers, Platform,
    SockaddrLayout, Width, message, option,
};

/// Windows with 64-bit programs: x86_64, aarch64.
#[derive(Clone, Copy, Debug)]
pub enum Windows64 {}

/// Windows with 32-bit programs: i686.
#[derive(Clone, Copy, Debug)]
pub enum Windows32 {}

impl Platform for Windows64 {
    const ABI: Abi = windows(Width::Eight);
}

impl Platform for Windows32 {
    const ABI: Abi = windows(Width::Four);
}

const fn windows(pointer: Width) -> Abi {
    Abi {
        endian: Endian::Little,
        cmsg: CmsgLayout { len: pointer, header_align: pointer.bytes(), data_align: pointer.bytes() },
        sockaddr: SockaddrLayout { af_inet6: 23, length_byte: false, size: 28 },
        control: ControlNumbers {
            traffic_class: message(39, 4),
            hop_limit: message(21, 4),
            packet_info: message(19, 20),
            next_hop: None,
            path_mtu: None,
            ecn: message(50, 4),
            segment_size: None,
            coalesced: None,
        },
        options: OptionNumbers {
            traffic_class: option(IPPROTO_IPV6, 39),
            unicast_hops: option(IPPROTO_IPV6, 4),
            multicast_interface: option(IPPROTO_IPV6, 9),
            multicast_hops: option(IPPROTO_IPV6, 10),
            multicast_loopback: option(IPPROTO_IPV6, 11),
            receive_traffic_class: option(IPPROTO_IPV6, 40),
            receive_hop_limit: option(IPPROTO_IPV6, 21),
            receive_packet_info: option(IPPROTO_IPV6, 19),
            receive_path_mtu: None,
            receive_ecn: option(IPPROTO_IPV6, 50),
            path_mtu: option(IPPROTO_IPV6, 72),
            dont_fragment: option(IPPROTO_IPV6, 14),
            v6_only: option(IPPROTO_IPV6, 27),
            checksum: option(IPPROTO_IPV6, 26),
            header_included: option(IPPROTO_IPV6, 2),
            icmp6_filter: None,
            stream_control: None,
            join_group: option(IPPROTO_IPV6, 12),
            leave_group: option(IPPROTO_IPV6, 13),
            join_source_group: option(IPPROTO_IPV6, 45),
            leave_source_group: option(IPPROTO_IPV6, 46),
            block_source: option(IPPROTO_IPV6, 43),
            unblock_source: option(IPPROTO_IPV6, 44),
            coalesce: None,
            queue_errors: None,
            attach_filter: None,
            detach_filter: None,
        },
        group_req: Some(GroupReqLayout { group: 8, source: 136, size: 264 }),
        icmp6_filter: None,
    }
}
