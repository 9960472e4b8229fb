//! AIX.

use core::mem::size_of;

use super::{ABI, Gap, gap, kind, messages_are, name, options_are};

options_are!({
    traffic_class: IPPROTO_IPV6 IPV6_TCLASS,
    hop_limit: IPPROTO_IPV6 IPV6_UNICAST_HOPS,
    multicast_interface: IPPROTO_IPV6 IPV6_MULTICAST_IF,
    multicast_hop_limit: IPPROTO_IPV6 IPV6_MULTICAST_HOPS,
    multicast_loopback: IPPROTO_IPV6 IPV6_MULTICAST_LOOP,
    receive_traffic_class: IPPROTO_IPV6 IPV6_RECVTCLASS,
    receive_hop_limit: IPPROTO_IPV6 IPV6_RECVHOPLIMIT,
    receive_packet_info: IPPROTO_IPV6 IPV6_RECVPKTINFO,
    receive_path_mtu: IPPROTO_IPV6 IPV6_RECVPATHMTU,
    path_mtu: IPPROTO_IPV6 IPV6_PATHMTU,
    dont_fragment: IPPROTO_IPV6 IPV6_DONTFRAG,
    only_v6: IPPROTO_IPV6 IPV6_V6ONLY,
    checksum: IPPROTO_IPV6 IPV6_CHECKSUM,
    join_group: IPPROTO_IPV6 IPV6_JOIN_GROUP,
    leave_group: IPPROTO_IPV6 IPV6_LEAVE_GROUP,
    join_source_group: IPPROTO_IPV6 MCAST_JOIN_SOURCE_GROUP,
    leave_source_group: IPPROTO_IPV6 MCAST_LEAVE_SOURCE_GROUP,
    block_source: IPPROTO_IPV6 MCAST_BLOCK_SOURCE,
    unblock_source: IPPROTO_IPV6 MCAST_UNBLOCK_SOURCE,
    receive_hop_by_hop: IPPROTO_IPV6 IPV6_RECVHOPOPTS,
    receive_destination_options: IPPROTO_IPV6 IPV6_RECVDSTOPTS,
    receive_routing_header: IPPROTO_IPV6 IPV6_RECVRTHDR,
    hop_by_hop: IPPROTO_IPV6 IPV6_HOPOPTS,
    destination_options: IPPROTO_IPV6 IPV6_DSTOPTS,
    first_destination_options: IPPROTO_IPV6 IPV6_RTHDRDSTOPTS,
    routing_header: IPPROTO_IPV6 IPV6_RTHDR,
    sticky_packet_info: IPPROTO_IPV6 IPV6_PKTINFO,
    sticky_next_hop: IPPROTO_IPV6 IPV6_NEXTHOP,
    address_preferences: IPPROTO_IPV6 IPV6_ADDR_PREFERENCES,
    receive_timestamp_ns: SOL_SOCKET SO_TIMESTAMPNS,
    reuse_address: SOL_SOCKET SO_REUSEADDR,
    reuse_port: SOL_SOCKET SO_REUSEPORT,
    receive_buffer: SOL_SOCKET SO_RCVBUF,
    send_buffer: SOL_SOCKET SO_SNDBUF,
} gaps {
    icmp6_filter,
    use_min_mtu,
});

messages_are!({
    traffic_class: IPPROTO_IPV6 IPV6_TCLASS size_of::<libc::c_int>(),
    hop_limit: IPPROTO_IPV6 IPV6_HOPLIMIT size_of::<libc::c_int>(),
    packet_info: IPPROTO_IPV6 IPV6_PKTINFO 20,
    next_hop: IPPROTO_IPV6 IPV6_NEXTHOP ABI.sockaddr.size,
    path_mtu: IPPROTO_IPV6 IPV6_PATHMTU ABI.sockaddr.size + 4,
    hop_by_hop: IPPROTO_IPV6 IPV6_HOPOPTS 8,
    destination_options: IPPROTO_IPV6 IPV6_DSTOPTS 8,
    first_destination_options: IPPROTO_IPV6 IPV6_RTHDRDSTOPTS 8,
    routing_header: IPPROTO_IPV6 IPV6_RTHDR 8,
    dont_fragment: IPPROTO_IPV6 IPV6_DONTFRAG size_of::<libc::c_int>(),
} gaps {
    use_min_mtu: size_of::<libc::c_int>(),
});

/// What libc has no word for, each with the header it was taken from.
pub const GAPS: &[Gap] = &[
    gap("ICMP6_FILTER", &["netinet/in.h", "netinet/icmp6.h"], name(ABI.options.icmp6_filter)),
    gap("sizeof(struct icmp6_filter)", &["netinet/in.h", "netinet/icmp6.h"], 32),
    gap("sizeof(struct ip6_mtuinfo)", &["netinet/in.h"], ABI.sockaddr.size as i64 + 4),
    gap("IPV6_USE_MIN_MTU", &["netinet/in.h"], name(ABI.options.use_min_mtu)),
    gap("IPV6_USE_MIN_MTU", &["netinet/in.h"], kind(ABI.control.use_min_mtu)),
];
