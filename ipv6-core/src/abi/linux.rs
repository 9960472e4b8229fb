//! Linux and Android.
//!
//! The numbers are those of the kernel's `include/uapi/linux/in6.h`, `in.h`, `ipv6.h`, `icmpv6.h`, `udp.h` and
//! `include/uapi/asm-generic/socket.h`; only `SOL_SOCKET` differs, on MIPS and SPARC. The width of a long decides the layout of
//! `struct cmsghdr` (`cmsg_len` is a `__kernel_size_t`) and of the group requests (a
//! `struct sockaddr_storage` is aligned to a long).

use super::{
    Abi, CmsgLayout, ControlNumber, ControlNumbers, Endian, FilterPolarity, GroupReqLayout, IPPROTO_ICMPV6,
    IPPROTO_IPV6, IPPROTO_UDP, OptionNumbers, Platform, SockaddrLayout, Width, message, option,
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

/// Linux on 64-bit MIPS, little-endian.
#[derive(Clone, Copy, Debug)]
pub enum LinuxMips64 {}

/// Linux on 64-bit MIPS, big-endian, and on 64-bit SPARC.
#[derive(Clone, Copy, Debug)]
pub enum LinuxMips64Be {}

/// Linux on 32-bit MIPS, little-endian.
#[derive(Clone, Copy, Debug)]
pub enum LinuxMips32 {}

/// Linux on 32-bit MIPS, big-endian.
#[derive(Clone, Copy, Debug)]
pub enum LinuxMips32Be {}

impl Platform for Linux64 {
    const ABI: Abi = linux(Endian::Little, Width::Eight, 1);
}

impl Platform for Linux64Be {
    const ABI: Abi = linux(Endian::Big, Width::Eight, 1);
}

impl Platform for Linux32 {
    const ABI: Abi = linux(Endian::Little, Width::Four, 1);
}

impl Platform for Linux32Be {
    const ABI: Abi = linux(Endian::Big, Width::Four, 1);
}

impl Platform for LinuxMips64 {
    const ABI: Abi = linux(Endian::Little, Width::Eight, 0xffff);
}

impl Platform for LinuxMips64Be {
    const ABI: Abi = linux(Endian::Big, Width::Eight, 0xffff);
}

impl Platform for LinuxMips32 {
    const ABI: Abi = linux(Endian::Little, Width::Four, 0xffff);
}

impl Platform for LinuxMips32Be {
    const ABI: Abi = linux(Endian::Big, Width::Four, 0xffff);
}

const SOL_RAW: i32 = 255;

const fn linux(endian: Endian, long: Width, sol_socket: i32) -> Abi {
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
            ecn: None,
            segment_size: Some(ControlNumber { level: IPPROTO_UDP, kind: 103, size: 2 }),
            coalesced: Some(ControlNumber { level: IPPROTO_UDP, kind: 104, size: 4 }),
        },
        options: OptionNumbers {
            traffic_class: option(IPPROTO_IPV6, 67),
            unicast_hops: option(IPPROTO_IPV6, 16),
            multicast_interface: option(IPPROTO_IPV6, 17),
            multicast_hops: option(IPPROTO_IPV6, 18),
            multicast_loopback: option(IPPROTO_IPV6, 19),
            receive_traffic_class: option(IPPROTO_IPV6, 66),
            receive_hop_limit: option(IPPROTO_IPV6, 51),
            receive_packet_info: option(IPPROTO_IPV6, 49),
            receive_path_mtu: option(IPPROTO_IPV6, 60),
            receive_ecn: None,
            path_mtu: option(IPPROTO_IPV6, 61),
            dont_fragment: option(IPPROTO_IPV6, 62),
            v6_only: option(IPPROTO_IPV6, 26),
            // RFC 3542 section 3.1 has it at IPPROTO_IPV6; net/ipv6/raw.c takes it there too, but
            // libc documents SOL_RAW, as raw(7) does.
            checksum: option(SOL_RAW, 7),
            header_included: option(IPPROTO_IPV6, 36),
            icmp6_filter: option(IPPROTO_ICMPV6, 1),
            stream_control: option(IPPROTO_IPV6, 6),
            join_group: option(IPPROTO_IPV6, 20),
            leave_group: option(IPPROTO_IPV6, 21),
            join_source_group: option(IPPROTO_IPV6, 46),
            leave_source_group: option(IPPROTO_IPV6, 47),
            block_source: option(IPPROTO_IPV6, 43),
            unblock_source: option(IPPROTO_IPV6, 44),
            coalesce: option(IPPROTO_UDP, 104),
            queue_errors: option(IPPROTO_IPV6, 25),
            attach_filter: option(sol_socket, 26),
            detach_filter: option(sol_socket, 27),
        },
        group_req: Some(match long {
            Width::Four => GroupReqLayout { group: 4, source: 132, size: 260 },
            Width::Eight => GroupReqLayout { group: 8, source: 136, size: 264 },
        }),
        icmp6_filter: Some(FilterPolarity::SetBlocks),
    }
}
