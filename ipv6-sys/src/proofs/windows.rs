//! Windows.

use core::mem::{offset_of, size_of};

use windows_sys::Win32::Networking::WinSock as winsock;

use super::{ABI, Gap, gap, messages_are, options_are};

options_are!({
    traffic_class: IPPROTO_IPV6 IPV6_TCLASS,
    hop_limit: IPPROTO_IPV6 IPV6_UNICAST_HOPS,
    multicast_interface: IPPROTO_IPV6 IPV6_MULTICAST_IF,
    multicast_hop_limit: IPPROTO_IPV6 IPV6_MULTICAST_HOPS,
    multicast_loopback: IPPROTO_IPV6 IPV6_MULTICAST_LOOP,
    receive_traffic_class: IPPROTO_IPV6 IPV6_RECVTCLASS,
    // Windows has one number for what is received, and for whether it is.
    receive_hop_limit: IPPROTO_IPV6 IPV6_HOPLIMIT,
    receive_packet_info: IPPROTO_IPV6 IPV6_PKTINFO,
    receive_ecn: IPPROTO_IPV6 IPV6_RECVECN,
    path_mtu: IPPROTO_IPV6 IPV6_MTU,
    dont_fragment: IPPROTO_IPV6 IPV6_DONTFRAG,
    only_v6: IPPROTO_IPV6 IPV6_V6ONLY,
    checksum: IPPROTO_IPV6 IPV6_CHECKSUM,
    header_included: IPPROTO_IPV6 IPV6_HDRINCL,
    join_group: IPPROTO_IPV6 IPV6_JOIN_GROUP,
    leave_group: IPPROTO_IPV6 IPV6_LEAVE_GROUP,
    join_source_group: IPPROTO_IPV6 MCAST_JOIN_SOURCE_GROUP,
    leave_source_group: IPPROTO_IPV6 MCAST_LEAVE_SOURCE_GROUP,
    block_source: IPPROTO_IPV6 MCAST_BLOCK_SOURCE,
    unblock_source: IPPROTO_IPV6 MCAST_UNBLOCK_SOURCE,
    queue_errors: IPPROTO_IPV6 IPV6_RECVERR,
    path_mtu_discovery: IPPROTO_IPV6 IPV6_MTU_DISCOVER,
    mtu: IPPROTO_IPV6 IPV6_MTU,
    unicast_interface: IPPROTO_IPV6 IPV6_UNICAST_IF,
    receive_routing_header: IPPROTO_IPV6 IPV6_RECVRTHDR,
    ipv4_traffic_class: IPPROTO_IP IP_TOS,
    ipv4_time_to_live: IPPROTO_IP IP_TTL,
    ipv4_receive_traffic_class: IPPROTO_IP IP_RECVTOS,
    ipv4_receive_ecn: IPPROTO_IP IP_RECVECN,
    ipv4_receive_time_to_live: IPPROTO_IP IP_RECVTTL,
    ipv4_receive_packet_info: IPPROTO_IP IP_PKTINFO,
    ipv4_path_mtu_discovery: IPPROTO_IP IP_MTU_DISCOVER,
    ipv4_dont_fragment: IPPROTO_IP IP_DONTFRAGMENT,
    ipv4_queue_errors: IPPROTO_IP IP_RECVERR,
    ipv4_multicast_time_to_live: IPPROTO_IP IP_MULTICAST_TTL,
    ipv4_multicast_interface: IPPROTO_IP IP_MULTICAST_IF,
    ipv4_multicast_loopback: IPPROTO_IP IP_MULTICAST_LOOP,
    hop_by_hop: IPPROTO_IPV6 IPV6_HOPOPTS,
    routing_header: IPPROTO_IPV6 IPV6_RTHDR,
    sent_segment_size: IPPROTO_UDP UDP_SEND_MSG_SIZE,
    max_coalesced_size: IPPROTO_UDP UDP_RECV_MAX_COALESCED_SIZE,
    protection_level: IPPROTO_IPV6 IPV6_PROTECTION_LEVEL,
    user_mtu: IPPROTO_IPV6 IPV6_USER_MTU,
    ipv4_unicast_interface: IPPROTO_IP IP_UNICAST_IF,
} gaps {
});

messages_are!({
    traffic_class: IPPROTO_IPV6 IPV6_TCLASS size_of::<i32>(),
    hop_limit: IPPROTO_IPV6 IPV6_HOPLIMIT size_of::<i32>(),
    packet_info: IPPROTO_IPV6 IPV6_PKTINFO size_of::<winsock::IN6_PKTINFO>(),
    ecn: IPPROTO_IPV6 IPV6_ECN size_of::<i32>(),
    type_of_service: IPPROTO_IP IP_TOS size_of::<i32>(),
    time_to_live: IPPROTO_IP IP_TTL size_of::<i32>(),
    ipv4_packet_info: IPPROTO_IP IP_PKTINFO size_of::<winsock::IN_PKTINFO>(),
    ipv4_ecn: IPPROTO_IP IP_ECN size_of::<i32>(),
    coalesced: IPPROTO_UDP UDP_COALESCED_INFO size_of::<u32>(),
    segment_size: IPPROTO_UDP UDP_SEND_MSG_SIZE size_of::<u32>(),
    hop_by_hop: IPPROTO_IPV6 IPV6_HOPOPTS 8,
    routing_header: IPPROTO_IPV6 IPV6_RTHDR 8,
} gaps {
});

/// The offset of a field that the system has.
const fn offset(field: Option<usize>) -> usize {
    match field {
        Some(offset) => offset,
        None => usize::MAX,
    }
}

/// `SOCKADDR_IN6`.
const _: () = {
    let ipv6_core::abi::SockaddrLayout {
        af_inet6,
        length_byte,
        size,
        address,
        flow_info,
        scope,
        scope_size,
        ..
    } = ABI.sockaddr;
    assert!(af_inet6 as winsock::ADDRESS_FAMILY == winsock::AF_INET6);
    assert!(!length_byte);
    assert!(size == size_of::<winsock::SOCKADDR_IN6>());
    assert!(offset_of!(winsock::SOCKADDR_IN6, sin6_family) == 0);
    assert!(offset_of!(winsock::SOCKADDR_IN6, sin6_port) == 2);
    assert!(offset_of!(winsock::SOCKADDR_IN6, sin6_flowinfo) == offset(flow_info));
    assert!(offset_of!(winsock::SOCKADDR_IN6, sin6_addr) == address);
    assert!(offset_of!(winsock::SOCKADDR_IN6, Anonymous) == offset(scope) && scope_size == 4);
};

/// `IPV6_MREQ`, `IN6_PKTINFO` and `GROUP_SOURCE_REQ`.
const _: () = {
    assert!(offset_of!(winsock::IPV6_MREQ, ipv6mr_multiaddr) == 0);
    assert!(offset_of!(winsock::IPV6_MREQ, ipv6mr_interface) == 16);
    assert!(size_of::<winsock::IPV6_MREQ>() == ipv6_core::group::MREQ_SIZE);
    assert!(offset_of!(winsock::IN6_PKTINFO, ipi6_addr) == 0);
    assert!(offset_of!(winsock::IN6_PKTINFO, ipi6_ifindex) == 16);
    let Some(ipv6_core::abi::GroupReqLayout { group, source, size, .. }) = ABI.group_req else { panic!() };
    assert!(offset_of!(winsock::GROUP_SOURCE_REQ, gsr_interface) == 0);
    assert!(offset_of!(winsock::GROUP_SOURCE_REQ, gsr_group) == group);
    assert!(offset_of!(winsock::GROUP_SOURCE_REQ, gsr_source) == source);
    assert!(size_of::<winsock::GROUP_SOURCE_REQ>() == size);
};

/// `GROUP_FILTER`, and the requests of `ws2ipdef.h`, for which windows-sys has no word.
const _: () = {
    let Some(layout) = ABI.source_filter else { panic!() };
    assert!(offset_of!(winsock::GROUP_FILTER, gf_interface) == 0);
    assert!(offset_of!(winsock::GROUP_FILTER, gf_group) == layout.group);
    assert!(offset_of!(winsock::GROUP_FILTER, gf_fmode) == layout.mode);
    assert!(offset_of!(winsock::GROUP_FILTER, gf_numsrc) == layout.number);
    assert!(offset_of!(winsock::GROUP_FILTER, gf_slist) == layout.list);
    assert!(size_of::<winsock::SOCKADDR_STORAGE>() == layout.storage);
    assert!(winsock::MCAST_INCLUDE as u32 == layout.include);
    assert!(winsock::MCAST_EXCLUDE as u32 == layout.exclude);
    let Some(requests) = layout.requests else { panic!() };
    // `_IOW('t', 127 | IOC_IN, ULONG)` and `_IOW('t', 126, ULONG)`.
    let iow = winsock::IOC_IN | (size_of::<u32>() as u32 & winsock::IOCPARM_MASK) << 16 | (b't' as u32) << 8;
    assert!(requests.get == iow | 127);
    assert!(requests.set == iow | 126);
};

/// `WSACMSGHDR`. The data follows it, and the next one the data, each aligned as it is.
const _: () = {
    let ipv6_core::abi::CmsgLayout { len, header_align, data_align, .. } = ABI.cmsg;
    assert!(len.bytes() == size_of::<usize>());
    assert!(offset_of!(winsock::CMSGHDR, cmsg_level) == len.bytes());
    assert!(offset_of!(winsock::CMSGHDR, cmsg_type) == len.bytes() + 4);
    assert!(header_align == align_of::<winsock::CMSGHDR>());
    assert!(data_align == align_of::<usize>());
};

/// What windows-sys has no word for: macros of `mswsock.h`.
pub const GAPS: &[Gap] = &[
    gap("WSA_CMSG_LEN(1)", &["winsock2.h", "ws2tcpip.h", "mswsock.h"], ABI.cmsg.len(1) as i64),
    gap("WSA_CMSG_SPACE(1)", &["winsock2.h", "ws2tcpip.h", "mswsock.h"], ABI.cmsg.space(1) as i64),
    gap("WSA_CMSG_SPACE(20)", &["winsock2.h", "ws2tcpip.h", "mswsock.h"], ABI.cmsg.space(20) as i64),
];
