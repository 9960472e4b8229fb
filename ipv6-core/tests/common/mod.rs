//! Every platform, and one from outside the crate, made as a user would make it: one literal. The fuzz targets
//! include this file as well.

use ipv6_core::abi::{
    Abi, CmsgLayout, ControlNumber, ControlNumbers, Endian, OptionNumbers, Platform, SockaddrLayout, Width,
};

/// Calls a function for every platform, those of the crate and the one here.
#[allow(unused_macros, reason = "not every crate that includes this file uses it")]
macro_rules! on_every_platform {
    ($function:ident($($argument:expr),*)) => {
        $function::<ipv6_core::abi::Aix>($($argument),*);
        $function::<ipv6_core::abi::Apple>($($argument),*);
        $function::<ipv6_core::abi::DragonFly>($($argument),*);
        $function::<ipv6_core::abi::FreeBsd32>($($argument),*);
        $function::<ipv6_core::abi::FreeBsd32On64>($($argument),*);
        $function::<ipv6_core::abi::FreeBsd64>($($argument),*);
        $function::<ipv6_core::abi::FreeBsd64Be>($($argument),*);
        $function::<ipv6_core::abi::FreeBsdArm>($($argument),*);
        $function::<ipv6_core::abi::Linux32>($($argument),*);
        $function::<ipv6_core::abi::Linux32Be>($($argument),*);
        $function::<ipv6_core::abi::Linux64>($($argument),*);
        $function::<ipv6_core::abi::Linux64Be>($($argument),*);
        $function::<ipv6_core::abi::LinuxMips32>($($argument),*);
        $function::<ipv6_core::abi::LinuxMips32Be>($($argument),*);
        $function::<ipv6_core::abi::LinuxMips64>($($argument),*);
        $function::<ipv6_core::abi::LinuxMips64Be>($($argument),*);
        $function::<ipv6_core::abi::NetBsd32>($($argument),*);
        $function::<ipv6_core::abi::NetBsd64>($($argument),*);
        $function::<ipv6_core::abi::NetBsdAarch64>($($argument),*);
        $function::<ipv6_core::abi::NetBsdArm>($($argument),*);
        $function::<ipv6_core::abi::OpenBsd32>($($argument),*);
        $function::<ipv6_core::abi::OpenBsd64>($($argument),*);
        $function::<ipv6_core::abi::OpenBsd64Be>($($argument),*);
        $function::<ipv6_core::abi::OpenBsdArm>($($argument),*);
        $function::<ipv6_core::abi::Solaris>($($argument),*);
        $function::<ipv6_core::abi::SolarisSparc>($($argument),*);
        $function::<ipv6_core::abi::Windows32>($($argument),*);
        $function::<ipv6_core::abi::Windows64>($($argument),*);
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
    receive_ecn: None,
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
    coalesce: None,
    queue_errors: None,
    attach_filter: None,
    detach_filter: None,
};

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
            ecn: None,
            segment_size: None,
            coalesced: None,
        },
        options: NO_OPTIONS,
        group_req: None,
        icmp6_filter: None,
    };
}
