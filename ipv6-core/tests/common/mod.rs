//! Platforms that are not in the crate: each is one literal, as a system is added. They are made of parts
//! that real systems have, to reach what no Linux table does. The fuzz targets include this file as well.

use ipv6_core::abi::{
    Abi, CmsgLayout, ControlNumber, ControlNumbers, Endian, FilterPolarity, GroupReqLayout, OptionNumbers,
    Platform, SockaddrLayout, Width,
};

/// Calls a function for every platform, those of the crate and those here.
#[allow(unused_macros, reason = "not every crate that includes this file uses it")]
macro_rules! on_every_platform {
    ($function:ident($($argument:expr),*)) => {
        $function::<ipv6_core::abi::Linux64>($($argument),*);
        $function::<ipv6_core::abi::Linux64Be>($($argument),*);
        $function::<ipv6_core::abi::Linux32>($($argument),*);
        $function::<ipv6_core::abi::Linux32Be>($($argument),*);
        $function::<$crate::common::BsdLike>($($argument),*);
        $function::<$crate::common::AppleLike>($($argument),*);
        $function::<$crate::common::NetBsdArmLike>($($argument),*);
        $function::<$crate::common::SystemVLike>($($argument),*);
        $function::<$crate::common::Bare>($($argument),*);
    };
}

/// The lowest `width` bytes of an integer, in the platform's byte order.
pub fn integer<P: Platform>(value: u64, width: usize) -> Vec<u8> {
    match P::ABI.endian {
        Endian::Little => value.to_le_bytes()[..width].to_vec(),
        Endian::Big => value.to_be_bytes()[8 - width..].to_vec(),
    }
}

const fn message(kind: i32, size: usize) -> Option<ControlNumber> {
    Some(ControlNumber { level: 41, kind, size })
}

const NO_OPTIONS: OptionNumbers = OptionNumbers {
    traffic_class: None,
    unicast_hops: None,
    multicast_interface: None,
    multicast_hops: None,
    multicast_loopback: None,
    receive_traffic_class: None,
    receive_hop_limit: None,
    receive_packet_info: None,
    receive_path_mtu: None,
    path_mtu: None,
    dont_fragment: None,
    v6_only: None,
    checksum: None,
    header_included: None,
    icmp6_filter: None,
    stream_control: None,
    join_group: None,
    leave_group: None,
    join_source_group: None,
    leave_source_group: None,
    block_source: None,
    unblock_source: None,
    attach_filter: None,
    detach_filter: None,
};

/// As 4.4BSD: a length byte in addresses, four bytes of `cmsg_len`, everything at multiples of eight.
pub enum BsdLike {}

impl Platform for BsdLike {
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
        },
        options: NO_OPTIONS,
        group_req: Some(GroupReqLayout { group: 8, source: 136, size: 264 }),
        icmp6_filter: Some(FilterPolarity::SetPasses),
    };
}

/// As macOS: everything at multiples of four, also in the group requests of 64-bit programs.
pub enum AppleLike {}

impl Platform for AppleLike {
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
        },
        options: NO_OPTIONS,
        group_req: Some(GroupReqLayout { group: 4, source: 132, size: 260 }),
        icmp6_filter: Some(FilterPolarity::SetPasses),
    };
}

/// As NetBSD on aarch64: a header of twelve bytes, data at sixteen, and no group requests.
pub enum NetBsdArmLike {}

impl Platform for NetBsdArmLike {
    const ABI: Abi = Abi {
        endian: Endian::Little,
        cmsg: CmsgLayout { len: Width::Four, header_align: 16, data_align: 16 },
        sockaddr: SockaddrLayout { af_inet6: 24, length_byte: true, size: 28 },
        control: ControlNumbers {
            traffic_class: message(61, 4),
            hop_limit: message(47, 4),
            packet_info: message(46, 20),
            next_hop: message(48, 28),
            path_mtu: message(44, 32),
        },
        options: NO_OPTIONS,
        group_req: None,
        icmp6_filter: Some(FilterPolarity::SetPasses),
    };
}

/// As System V on SPARC: big-endian, addresses of 32 bytes, headers at multiples of eight and data of four,
/// group requests packed to four.
pub enum SystemVLike {}

impl Platform for SystemVLike {
    const ABI: Abi = Abi {
        endian: Endian::Big,
        cmsg: CmsgLayout { len: Width::Four, header_align: 8, data_align: 4 },
        sockaddr: SockaddrLayout { af_inet6: 26, length_byte: false, size: 32 },
        control: ControlNumbers {
            traffic_class: message(38, 4),
            hop_limit: message(12, 4),
            packet_info: message(11, 20),
            next_hop: message(13, 32),
            path_mtu: message(37, 36),
        },
        options: NO_OPTIONS,
        group_req: Some(GroupReqLayout { group: 4, source: 260, size: 516 }),
        icmp6_filter: Some(FilterPolarity::SetPasses),
    };
}

/// A system that has next to nothing, and packs what it has.
pub enum Bare {}

impl Platform for Bare {
    const ABI: Abi = Abi {
        endian: Endian::Big,
        cmsg: CmsgLayout { len: Width::Four, header_align: 1, data_align: 1 },
        sockaddr: SockaddrLayout { af_inet6: 24, length_byte: true, size: 28 },
        control: ControlNumbers {
            traffic_class: None,
            hop_limit: message(40, 4),
            packet_info: None,
            next_hop: None,
            path_mtu: None,
        },
        options: NO_OPTIONS,
        group_req: None,
        icmp6_filter: None,
    };
}
