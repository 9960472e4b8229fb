//! Proofs that the host's table is what the C library has, made by the compiler: `cargo check --target T`
//! fails when a number or a layout is wrong for `T`.
//!
//! What libc has no word for stands in [`GAPS`], with the header it was taken from; a test compiles those
//! headers with a C compiler and compares.

use core::mem::{offset_of, size_of};

use ipv6_core::BpfInstruction;
use ipv6_core::abi::{
    Abi, CmsgLayout, ControlNumber, ControlNumbers, Endian, GroupReqLayout, OptionNumber, OptionNumbers,
    Platform, SockaddrLayout,
};

use crate::host::Host;

const ABI: Abi = Host::ABI;

/// Each option of the table, by name, is what libc says; those in [`GAPS`] are left out by name, and
/// nothing else is: the pattern has no `..`.
macro_rules! options_are {
    ({ $($field:ident: $level:ident $name:ident,)* } except { $($gap:ident,)* }) => {
        const _: () = {
            const fn is_option(number: Option<OptionNumber>, level: libc::c_int, name: libc::c_int) -> bool {
                matches!(number, Some(number) if number.level == level && number.name == name)
            }
            let OptionNumbers { $($field,)* $($gap: _,)* } = ABI.options;
            $(assert!(is_option($field, libc::$level, libc::$name), stringify!($name));)*
        };
    };
}

options_are!({
    traffic_class: IPPROTO_IPV6 IPV6_TCLASS,
    unicast_hops: IPPROTO_IPV6 IPV6_UNICAST_HOPS,
    multicast_interface: IPPROTO_IPV6 IPV6_MULTICAST_IF,
    multicast_hops: IPPROTO_IPV6 IPV6_MULTICAST_HOPS,
    multicast_loopback: IPPROTO_IPV6 IPV6_MULTICAST_LOOP,
    receive_traffic_class: IPPROTO_IPV6 IPV6_RECVTCLASS,
    receive_hop_limit: IPPROTO_IPV6 IPV6_RECVHOPLIMIT,
    receive_packet_info: IPPROTO_IPV6 IPV6_RECVPKTINFO,
    receive_path_mtu: IPPROTO_IPV6 IPV6_RECVPATHMTU,
    path_mtu: IPPROTO_IPV6 IPV6_PATHMTU,
    dont_fragment: IPPROTO_IPV6 IPV6_DONTFRAG,
    v6_only: IPPROTO_IPV6 IPV6_V6ONLY,
    checksum: SOL_RAW IPV6_CHECKSUM,
    header_included: IPPROTO_IPV6 IPV6_HDRINCL,
    stream_control: IPPROTO_IPV6 IPV6_2292PKTOPTIONS,
    join_group: IPPROTO_IPV6 MCAST_JOIN_GROUP,
    leave_group: IPPROTO_IPV6 MCAST_LEAVE_GROUP,
    join_source_group: IPPROTO_IPV6 MCAST_JOIN_SOURCE_GROUP,
    leave_source_group: IPPROTO_IPV6 MCAST_LEAVE_SOURCE_GROUP,
    block_source: IPPROTO_IPV6 MCAST_BLOCK_SOURCE,
    unblock_source: IPPROTO_IPV6 MCAST_UNBLOCK_SOURCE,
    attach_filter: SOL_SOCKET SO_ATTACH_FILTER,
    detach_filter: SOL_SOCKET SO_DETACH_FILTER,
} except {
    icmp6_filter,
});

/// Control messages, likewise. The width is that of the C type that carries them.
const _: () = {
    const fn is_message(number: Option<ControlNumber>, kind: libc::c_int, size: usize) -> bool {
        matches!(number, Some(number)
            if number.level == libc::IPPROTO_IPV6 && number.kind == kind && number.size == size)
    }
    let ControlNumbers { traffic_class, hop_limit, packet_info, next_hop, path_mtu } = ABI.control;
    let int = size_of::<libc::c_int>();
    assert!(is_message(traffic_class, libc::IPV6_TCLASS, int));
    assert!(is_message(hop_limit, libc::IPV6_HOPLIMIT, int));
    assert!(is_message(packet_info, libc::IPV6_PKTINFO, size_of::<libc::in6_pktinfo>()));
    // Linux has a number and does not take the message: PLATFORM.md.
    assert!(next_hop.is_none());
    // libc has no `struct ip6_mtuinfo`; its size is one of the gaps.
    assert!(is_message(path_mtu, libc::IPV6_PATHMTU, size_of::<libc::sockaddr_in6>() + 4));
};

/// `struct sockaddr_in6` and `struct in6_pktinfo`.
const _: () = {
    let SockaddrLayout { af_inet6, length_byte, size } = ABI.sockaddr;
    assert!(af_inet6 as libc::c_int == libc::AF_INET6);
    assert!(!length_byte);
    assert!(size == size_of::<libc::sockaddr_in6>());
    assert!(offset_of!(libc::sockaddr_in6, sin6_family) == 0);
    assert!(offset_of!(libc::sockaddr_in6, sin6_port) == 2);
    assert!(offset_of!(libc::sockaddr_in6, sin6_flowinfo) == 4);
    assert!(offset_of!(libc::sockaddr_in6, sin6_addr) == 8);
    assert!(offset_of!(libc::sockaddr_in6, sin6_scope_id) == 24);
    assert!(size <= ipv6_core::sockaddr::MAX_SIZE);
    assert!(offset_of!(libc::in6_pktinfo, ipi6_addr) == 0);
    assert!(offset_of!(libc::in6_pktinfo, ipi6_ifindex) == 16);
};

/// `struct group_req` and `struct group_source_req`.
const _: () = {
    let Some(GroupReqLayout { group, source, size }) = ABI.group_req else { panic!() };
    assert!(offset_of!(libc::group_req, gr_interface) == 0);
    assert!(offset_of!(libc::group_req, gr_group) == group);
    assert!(size_of::<libc::group_req>() == source);
    assert!(offset_of!(libc::group_source_req, gsr_interface) == 0);
    assert!(offset_of!(libc::group_source_req, gsr_group) == group);
    assert!(offset_of!(libc::group_source_req, gsr_source) == source);
    assert!(size_of::<libc::group_source_req>() == size);
};

/// `struct cmsghdr` and the arithmetic of the `CMSG_` macros, for payloads of 0 to 64 bytes.
const _: () = {
    let CmsgLayout { len, header_align: _, data_align: _ } = ABI.cmsg;
    // musl writes eight bytes as four and padding, in which the kernel sees one integer.
    assert!(offset_of!(libc::cmsghdr, cmsg_level) == len.bytes());
    assert!(offset_of!(libc::cmsghdr, cmsg_type) == len.bytes() + 4);
    let mut data = 0;
    while data <= 64 {
        // SAFETY: arithmetic on its argument.
        let c_len = unsafe { libc::CMSG_LEN(data) };
        // SAFETY: arithmetic on its argument.
        let c_space = unsafe { libc::CMSG_SPACE(data) };
        assert!(ABI.cmsg.len(data as usize) == c_len as usize);
        assert!(ABI.cmsg.space(data as usize) == c_space as usize);
        data += 1;
    }
};

/// `struct sock_filter`.
const _: () = {
    assert!(size_of::<BpfInstruction>() == size_of::<libc::sock_filter>());
    assert!(align_of::<BpfInstruction>() == align_of::<libc::sock_filter>());
    assert!(offset_of!(BpfInstruction, code) == offset_of!(libc::sock_filter, code));
    assert!(offset_of!(BpfInstruction, jt) == offset_of!(libc::sock_filter, jt));
    assert!(offset_of!(BpfInstruction, jf) == offset_of!(libc::sock_filter, jf));
    assert!(offset_of!(BpfInstruction, k) == offset_of!(libc::sock_filter, k));
};

/// Byte order.
const _: () = {
    let big = matches!(ABI.endian, Endian::Big);
    assert!(big == cfg!(target_endian = "big"));
};

/// Something that libc has no word for.
#[derive(Debug)]
pub struct Gap {
    /// A C expression for it.
    pub c: &'static str,
    /// The headers that the expression needs.
    pub headers: &'static [&'static str],
    /// What our table says.
    pub ours: i64,
}

const fn gap(c: &'static str, headers: &'static [&'static str], ours: i64) -> Gap {
    Gap { c, headers, ours }
}

const ICMP6_FILTER: OptionNumber = match ABI.options.icmp6_filter {
    Some(number) => number,
    None => panic!(),
};

/// What the compiler cannot prove, each with the header it was taken from.
pub const GAPS: &[Gap] = &[
    gap("ICMPV6_FILTER", &["linux/icmpv6.h"], ICMP6_FILTER.name as i64),
    gap("IPPROTO_ICMPV6", &["netinet/in.h"], ICMP6_FILTER.level as i64),
    gap("sizeof(struct icmp6_filter)", &["netinet/in.h", "netinet/icmp6.h"], 32),
    gap("sizeof(struct ip6_mtuinfo)", &["netinet/in.h"], ABI.sockaddr.size as i64 + 4),
    gap("offsetof(struct ip6_mtuinfo, ip6m_addr)", &["stddef.h", "netinet/in.h"], 0),
    gap("offsetof(struct ip6_mtuinfo, ip6m_mtu)", &["stddef.h", "netinet/in.h"], ABI.sockaddr.size as i64),
];
