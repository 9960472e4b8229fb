//! Apple.

use core::mem::size_of;

use ipv6_core::abi::{SourceFilterLayout, SourcePointer};

use super::{ABI, Gap, gap, kind, messages_are, name, options_are, present};

options_are!({
    traffic_class: IPPROTO_IPV6 IPV6_TCLASS,
    hop_limit: IPPROTO_IPV6 IPV6_UNICAST_HOPS,
    multicast_interface: IPPROTO_IPV6 IPV6_MULTICAST_IF,
    multicast_hop_limit: IPPROTO_IPV6 IPV6_MULTICAST_HOPS,
    multicast_loopback: IPPROTO_IPV6 IPV6_MULTICAST_LOOP,
    receive_traffic_class: IPPROTO_IPV6 IPV6_RECVTCLASS,
    receive_packet_info: IPPROTO_IPV6 IPV6_RECVPKTINFO,
    dont_fragment: IPPROTO_IPV6 IPV6_DONTFRAG,
    only_v6: IPPROTO_IPV6 IPV6_V6ONLY,
    bound_interface: IPPROTO_IPV6 IPV6_BOUND_IF,
    checksum: IPPROTO_IPV6 IPV6_CHECKSUM,
    join_group: IPPROTO_IPV6 IPV6_JOIN_GROUP,
    leave_group: IPPROTO_IPV6 IPV6_LEAVE_GROUP,
    join_source_group: IPPROTO_IPV6 MCAST_JOIN_SOURCE_GROUP,
    leave_source_group: IPPROTO_IPV6 MCAST_LEAVE_SOURCE_GROUP,
    block_source: IPPROTO_IPV6 MCAST_BLOCK_SOURCE,
    unblock_source: IPPROTO_IPV6 MCAST_UNBLOCK_SOURCE,
    sticky_packet_info: IPPROTO_IPV6 IPV6_PKTINFO,
    receive_timestamp: SOL_SOCKET SO_TIMESTAMP,
    receive_timestamp_monotonic: SOL_SOCKET SO_TIMESTAMP_MONOTONIC,
    reuse_address: SOL_SOCKET SO_REUSEADDR,
    reuse_port: SOL_SOCKET SO_REUSEPORT,
    receive_buffer: SOL_SOCKET SO_RCVBUF,
    send_buffer: SOL_SOCKET SO_SNDBUF,
} gaps {
    source_filter,
    receive_hop_limit,
    receive_path_mtu,
    path_mtu,
    icmp6_filter,
    auto_flow_label,
    receive_hop_by_hop,
    receive_destination_options,
    receive_routing_header,
    use_min_mtu,
    hop_by_hop,
    destination_options,
    first_destination_options,
    routing_header,
    sticky_next_hop,
    address_preferences,
    max_pacing_rate,
    service_type,
    port_range,
});

messages_are!({
    traffic_class: IPPROTO_IPV6 IPV6_TCLASS size_of::<libc::c_int>(),
    hop_limit: IPPROTO_IPV6 IPV6_HOPLIMIT size_of::<libc::c_int>(),
    packet_info: IPPROTO_IPV6 IPV6_PKTINFO size_of::<libc::in6_pktinfo>(),
    type_of_service: IPPROTO_IP IP_TOS size_of::<libc::c_int>(),
    ipv4_packet_info: IPPROTO_IP IP_PKTINFO size_of::<libc::in_pktinfo>(),
    dont_fragment: IPPROTO_IPV6 IPV6_DONTFRAG size_of::<libc::c_int>(),
    timestamp: SOL_SOCKET SCM_TIMESTAMP size_of::<libc::timeval>(),
} gaps {
    next_hop: ABI.sockaddr.size,
    path_mtu: ABI.sockaddr.size + 4,
    hop_by_hop: 8,
    destination_options: 8,
    first_destination_options: 8,
    routing_header: 8,
    use_min_mtu: size_of::<libc::c_int>(),
    mach_time: size_of::<u64>(),
});

const OFFSET: &[&str] = &["stddef.h", "sys/socket.h", "netinet/in.h"];
const FILTER: SourceFilterLayout = present(ABI.source_filter);
const POINTER: SourcePointer = present(FILTER.pointer);

/// What libc has no word for, each with the header it was taken from.
pub const GAPS: &[Gap] = &[
    gap("IPV6_MSFILTER", &["netinet/in.h"], name(ABI.options.source_filter)),
    gap("MCAST_INCLUDE", &["netinet/in.h"], FILTER.include as i64),
    gap("MCAST_EXCLUDE", &["netinet/in.h"], FILTER.exclude as i64),
    gap("offsetof(struct __msfilterreq, msfr_fmode)", OFFSET, FILTER.mode as i64),
    gap("offsetof(struct __msfilterreq, msfr_nsrcs)", OFFSET, FILTER.number as i64),
    gap("offsetof(struct __msfilterreq, msfr_group)", OFFSET, FILTER.group as i64),
    gap("offsetof(struct __msfilterreq, msfr_srcs)", OFFSET, POINTER.offset as i64),
    gap("sizeof(struct __msfilterreq)", OFFSET, POINTER.size as i64),
    gap("IPV6_RECVHOPLIMIT", &["netinet/in.h"], name(ABI.options.receive_hop_limit)),
    gap("IPV6_RECVPATHMTU", &["netinet/in.h"], name(ABI.options.receive_path_mtu)),
    gap("IPV6_PATHMTU", &["netinet/in.h"], name(ABI.options.path_mtu)),
    gap("ICMP6_FILTER", &["netinet/in.h", "netinet/icmp6.h"], name(ABI.options.icmp6_filter)),
    gap("IPV6_NEXTHOP", &["netinet/in.h"], kind(ABI.control.next_hop)),
    gap("IPV6_PATHMTU", &["netinet/in.h"], kind(ABI.control.path_mtu)),
    gap("sizeof(struct icmp6_filter)", &["netinet/in.h", "netinet/icmp6.h"], 32),
    gap("sizeof(struct ip6_mtuinfo)", &["netinet/in.h"], ABI.sockaddr.size as i64 + 4),
    gap("IPV6_AUTOFLOWLABEL", &["netinet/in.h"], name(ABI.options.auto_flow_label)),
    gap("IPV6_RECVHOPOPTS", &["netinet/in.h"], name(ABI.options.receive_hop_by_hop)),
    gap("IPV6_RECVDSTOPTS", &["netinet/in.h"], name(ABI.options.receive_destination_options)),
    gap("IPV6_RECVRTHDR", &["netinet/in.h"], name(ABI.options.receive_routing_header)),
    gap("IPV6_USE_MIN_MTU", &["netinet/in.h"], name(ABI.options.use_min_mtu)),
    gap("IPV6_HOPOPTS", &["netinet/in.h"], name(ABI.options.hop_by_hop)),
    gap("IPV6_HOPOPTS", &["netinet/in.h"], kind(ABI.control.hop_by_hop)),
    gap("IPV6_DSTOPTS", &["netinet/in.h"], name(ABI.options.destination_options)),
    gap("IPV6_DSTOPTS", &["netinet/in.h"], kind(ABI.control.destination_options)),
    gap("IPV6_RTHDRDSTOPTS", &["netinet/in.h"], name(ABI.options.first_destination_options)),
    gap("IPV6_RTHDRDSTOPTS", &["netinet/in.h"], kind(ABI.control.first_destination_options)),
    gap("IPV6_RTHDR", &["netinet/in.h"], name(ABI.options.routing_header)),
    gap("IPV6_RTHDR", &["netinet/in.h"], kind(ABI.control.routing_header)),
    gap("IPV6_NEXTHOP", &["netinet/in.h"], name(ABI.options.sticky_next_hop)),
    gap("IPV6_PREFER_TEMPADDR", &["netinet/in.h"], name(ABI.options.address_preferences)),
    gap("SO_MAX_PACING_RATE", &["sys/socket.h"], name(ABI.options.max_pacing_rate)),
    gap("SO_NET_SERVICE_TYPE", &["sys/socket.h"], name(ABI.options.service_type)),
    gap("IPV6_PORTRANGE", &["netinet/in.h"], name(ABI.options.port_range)),
    gap("IPV6_USE_MIN_MTU", &["netinet/in.h"], kind(ABI.control.use_min_mtu)),
    gap("SCM_TIMESTAMP_MONOTONIC", &["sys/socket.h"], kind(ABI.control.mach_time)),
];
