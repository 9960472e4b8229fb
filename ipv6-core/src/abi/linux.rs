//! Linux and Android.
//!
//! The numbers are those of the kernel's `include/uapi/linux/in6.h`, `in.h`, `ipv6.h`, `icmpv6.h` and
//! `include/uapi/asm-generic/socket.h`; they are the same on every architecture for which `SOL_SOCKET`
//! is 1 (all that Rust supports but MIPS and SPARC). The width of a long decides the layout of
//! `struct cmsghdr` (`cmsg_len` is a `__kernel_size_t`) and of the group requests (a
//! `struct sockaddr_storage` is aligned to a long).

use super::{
    Abi, CmsgLayout, ControlNumber, ControlNumbers, Endian, FilterPolarity, GroupReqLayout, OptionNumber,
    OptionNumbers, Platform, SockaddrLayout, Width,
};

/// Linux with 64-bit programs, little-endian: x86_64, aarch64, riscv64, loongarch64, powerpc64le.
#[derive(Clone, Copy, Debug)]
pub enum Linux64 {}

/// Linux with 64-bit programs, big-endian: s390x, powerpc64.
#[derive(Clone, Copy, Debug)]
pub enum Linux64Be {}

/// Linux with 32-bit programs, little-endian: i686, armv7.
#[derive(Clone, Copy, Debug)]
pub enum Linux32 {}

/// Linux with 32-bit programs, big-endian: powerpc.
#[derive(Clone, Copy, Debug)]
pub enum Linux32Be {}

impl Platform for Linux64 {
    const ABI: Abi = linux(Endian::Little, Width::Eight);
}

impl Platform for Linux64Be {
    const ABI: Abi = linux(Endian::Big, Width::Eight);
}

impl Platform for Linux32 {
    const ABI: Abi = linux(Endian::Little, Width::Four);
}

impl Platform for Linux32Be {
    const ABI: Abi = linux(Endian::Big, Width::Four);
}

const SOL_SOCKET: i32 = 1;
const SOL_IPV6: i32 = 41;
const SOL_ICMPV6: i32 = 58;
const SOL_RAW: i32 = 255;

const fn message(kind: i32, size: usize) -> Option<ControlNumber> {
    Some(ControlNumber { level: SOL_IPV6, kind, size })
}

const fn option(level: i32, name: i32) -> Option<OptionNumber> {
    Some(OptionNumber { level, name })
}

const fn linux(endian: Endian, long: Width) -> Abi {
    Abi {
        endian,
        cmsg: CmsgLayout { len: long, header_align: long.bytes(), data_align: long.bytes() },
        sockaddr: SockaddrLayout { af_inet6: 10, length_byte: false, size: 28 },
        control: ControlNumbers {
            traffic_class: message(67, 4),
            hop_limit: message(52, 4),
            packet_info: message(50, 20),
            // IPV6_NEXTHOP (9) has a number and nothing behind it: ip6_datagram_send_ctl() in
            // net/ipv6/datagram.c answers EINVAL.
            next_hop: None,
            path_mtu: message(61, 32),
        },
        options: OptionNumbers {
            traffic_class: option(SOL_IPV6, 67),
            unicast_hops: option(SOL_IPV6, 16),
            multicast_interface: option(SOL_IPV6, 17),
            multicast_hops: option(SOL_IPV6, 18),
            multicast_loopback: option(SOL_IPV6, 19),
            receive_traffic_class: option(SOL_IPV6, 66),
            receive_hop_limit: option(SOL_IPV6, 51),
            receive_packet_info: option(SOL_IPV6, 49),
            receive_path_mtu: option(SOL_IPV6, 60),
            path_mtu: option(SOL_IPV6, 61),
            dont_fragment: option(SOL_IPV6, 62),
            v6_only: option(SOL_IPV6, 26),
            // RFC 3542 section 3.1 has it at IPPROTO_IPV6; net/ipv6/raw.c takes it there too, but
            // libc documents SOL_RAW, as raw(7) does.
            checksum: option(SOL_RAW, 7),
            header_included: option(SOL_IPV6, 36),
            icmp6_filter: option(SOL_ICMPV6, 1),
            stream_control: option(SOL_IPV6, 6),
            join_group: option(SOL_IPV6, 42),
            leave_group: option(SOL_IPV6, 45),
            join_source_group: option(SOL_IPV6, 46),
            leave_source_group: option(SOL_IPV6, 47),
            block_source: option(SOL_IPV6, 43),
            unblock_source: option(SOL_IPV6, 44),
            attach_filter: option(SOL_SOCKET, 26),
            detach_filter: option(SOL_SOCKET, 27),
        },
        group_req: Some(match long {
            Width::Four => GroupReqLayout { group: 4, source: 132, size: 260 },
            Width::Eight => GroupReqLayout { group: 8, source: 136, size: 264 },
        }),
        icmp6_filter: Some(FilterPolarity::SetBlocks),
    }
}
