//! Linux and Android.

use core::mem::{align_of, offset_of, size_of};

use ipv6_core::abi::SourceFilterLayout;
use ipv6_core::{BpfInstruction, Icmp6Filter};

use super::{ABI, Gap, gap, kind, messages_are, name, newer_gap, options_are};

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
    receive_flow_label: IPPROTO_IPV6 IPV6_FLOWINFO,
    receive_fragment_size: IPPROTO_IPV6 IPV6_RECVFRAGSIZE,
    path_mtu: IPPROTO_IPV6 IPV6_PATHMTU,
    min_hop_limit: IPPROTO_IPV6 IPV6_MINHOPCOUNT,
    dont_fragment: IPPROTO_IPV6 IPV6_DONTFRAG,
    only_v6: IPPROTO_IPV6 IPV6_V6ONLY,
    freebind: IPPROTO_IPV6 IPV6_FREEBIND,
    transparent: IPPROTO_IPV6 IPV6_TRANSPARENT,
    checksum: SOL_RAW IPV6_CHECKSUM,
    header_included: IPPROTO_IPV6 IPV6_HDRINCL,
    stream_control: IPPROTO_IPV6 IPV6_2292PKTOPTIONS,
    ipv4_stream_control: IPPROTO_IP IP_PKTOPTIONS,
    join_group: IPPROTO_IPV6 IPV6_ADD_MEMBERSHIP,
    leave_group: IPPROTO_IPV6 IPV6_DROP_MEMBERSHIP,
    join_source_group: IPPROTO_IPV6 MCAST_JOIN_SOURCE_GROUP,
    leave_source_group: IPPROTO_IPV6 MCAST_LEAVE_SOURCE_GROUP,
    source_filter: IPPROTO_IPV6 MCAST_MSFILTER,
    block_source: IPPROTO_IPV6 MCAST_BLOCK_SOURCE,
    unblock_source: IPPROTO_IPV6 MCAST_UNBLOCK_SOURCE,
    coalesce: IPPROTO_UDP UDP_GRO,
    queue_errors: IPPROTO_IPV6 IPV6_RECVERR,
    ipv4_traffic_class: IPPROTO_IP IP_TOS,
    ipv4_time_to_live: IPPROTO_IP IP_TTL,
    ipv4_receive_traffic_class: IPPROTO_IP IP_RECVTOS,
    ipv4_receive_time_to_live: IPPROTO_IP IP_RECVTTL,
    ipv4_path_mtu_discovery: IPPROTO_IP IP_MTU_DISCOVER,
    ipv4_queue_errors: IPPROTO_IP IP_RECVERR,
    ipv4_min_time_to_live: IPPROTO_IP IP_MINTTL,
    ipv4_multicast_time_to_live: IPPROTO_IP IP_MULTICAST_TTL,
    ipv4_multicast_interface: IPPROTO_IP IP_MULTICAST_IF,
    ipv4_multicast_loopback: IPPROTO_IP IP_MULTICAST_LOOP,
    ipv4_multicast_all: IPPROTO_IP IP_MULTICAST_ALL,
    ipv4_join_group: IPPROTO_IP IP_ADD_MEMBERSHIP,
    ipv4_leave_group: IPPROTO_IP IP_DROP_MEMBERSHIP,
    ipv4_join_source_group: IPPROTO_IP MCAST_JOIN_SOURCE_GROUP,
    ipv4_leave_source_group: IPPROTO_IP MCAST_LEAVE_SOURCE_GROUP,
    ipv4_block_source: IPPROTO_IP MCAST_BLOCK_SOURCE,
    ipv4_unblock_source: IPPROTO_IP MCAST_UNBLOCK_SOURCE,
    attach_filter: SOL_SOCKET SO_ATTACH_FILTER,
    detach_filter: SOL_SOCKET SO_DETACH_FILTER,
    path_mtu_discovery: IPPROTO_IPV6 IPV6_MTU_DISCOVER,
    mtu: IPPROTO_IPV6 IPV6_MTU,
    send_flow_info: IPPROTO_IPV6 IPV6_FLOWINFO_SEND,
    auto_flow_label: IPPROTO_IPV6 IPV6_AUTOFLOWLABEL,
    receive_original_destination: IPPROTO_IPV6 IPV6_RECVORIGDSTADDR,
    unicast_interface: IPPROTO_IPV6 IPV6_UNICAST_IF,
    multicast_all: IPPROTO_IPV6 IPV6_MULTICAST_ALL,
    receive_hop_by_hop: IPPROTO_IPV6 IPV6_RECVHOPOPTS,
    receive_destination_options: IPPROTO_IPV6 IPV6_RECVDSTOPTS,
    receive_routing_header: IPPROTO_IPV6 IPV6_RECVRTHDR,
    router_alert: IPPROTO_IPV6 IPV6_ROUTER_ALERT,
    router_alert_isolate: IPPROTO_IPV6 IPV6_ROUTER_ALERT_ISOLATE,
    join_anycast: IPPROTO_IPV6 IPV6_JOIN_ANYCAST,
    leave_anycast: IPPROTO_IPV6 IPV6_LEAVE_ANYCAST,
    hop_by_hop: IPPROTO_IPV6 IPV6_HOPOPTS,
    destination_options: IPPROTO_IPV6 IPV6_DSTOPTS,
    first_destination_options: IPPROTO_IPV6 IPV6_RTHDRDSTOPTS,
    routing_header: IPPROTO_IPV6 IPV6_RTHDR,
    sticky_packet_info: IPPROTO_IPV6 IPV6_PKTINFO,
    address_preferences: IPPROTO_IPV6 IPV6_ADDR_PREFERENCES,
    original_destination: IPPROTO_IPV6 IP6T_SO_ORIGINAL_DST,
    send_times: SOL_SOCKET SO_TXTIME,
    max_pacing_rate: SOL_SOCKET SO_MAX_PACING_RATE,
    receive_dropped: SOL_SOCKET SO_RXQ_OVFL,
    memory: SOL_SOCKET SO_MEMINFO,
    mark: SOL_SOCKET SO_MARK,
    receive_mark: SOL_SOCKET SO_RCVMARK,
    priority: SOL_SOCKET SO_PRIORITY,
    device_index: SOL_SOCKET SO_BINDTOIFINDEX,
    bind_without_port: IPPROTO_IP IP_BIND_ADDRESS_NO_PORT,
    reuse_address: SOL_SOCKET SO_REUSEADDR,
    reuse_port: SOL_SOCKET SO_REUSEPORT,
    detach_port_selector: SOL_SOCKET SO_DETACH_REUSEPORT_BPF,
    lock_filter: SOL_SOCKET SO_LOCK_FILTER,
    incoming_cpu: SOL_SOCKET SO_INCOMING_CPU,
    incoming_napi_id: SOL_SOCKET SO_INCOMING_NAPI_ID,
    busy_poll: SOL_SOCKET SO_BUSY_POLL,
    prefer_busy_poll: SOL_SOCKET SO_PREFER_BUSY_POLL,
    busy_poll_budget: SOL_SOCKET SO_BUSY_POLL_BUDGET,
    select_error_queue: SOL_SOCKET SO_SELECT_ERR_QUEUE,
    zero_copy: SOL_SOCKET SO_ZEROCOPY,
    receive_buffer: SOL_SOCKET SO_RCVBUF,
    send_buffer: SOL_SOCKET SO_SNDBUF,
    forced_receive_buffer: SOL_SOCKET SO_RCVBUFFORCE,
    forced_send_buffer: SOL_SOCKET SO_SNDBUFFORCE,
    cookie: SOL_SOCKET SO_COOKIE,
    domain: SOL_SOCKET SO_DOMAIN,
    protocol: SOL_SOCKET SO_PROTOCOL,
    sent_segment_size: IPPROTO_UDP UDP_SEGMENT,
    send_without_checksum: IPPROTO_UDP UDP_NO_CHECK6_TX,
    receive_without_checksum: IPPROTO_UDP UDP_NO_CHECK6_RX,
    encapsulation: IPPROTO_UDP UDP_ENCAP,
    ipv4_receive_original_destination: IPPROTO_IP IP_RECVORIGDSTADDR,
    ipv4_receive_fragment_size: IPPROTO_IP IP_RECVFRAGSIZE,
    ipv4_unicast_interface: IPPROTO_IP IP_UNICAST_IF,
    device: SOL_SOCKET SO_BINDTODEVICE,
    attach_port_selector: SOL_SOCKET SO_ATTACH_REUSEPORT_CBPF,
    attach_ebpf_port_selector: SOL_SOCKET SO_ATTACH_REUSEPORT_EBPF,
    attach_ebpf_filter: SOL_SOCKET SO_ATTACH_BPF,
    tcp_md5_key: IPPROTO_TCP TCP_MD5SIG,
} gaps {
    icmp6_filter,
    error_extensions,
    receive_timestamp,
    receive_timestamp_ns,
    timestamping,
    receive_priority,
    local_ports,
    ipv4_error_extensions,
    flow_label_manager,
    tcp_md5_key_extended,
});

messages_are!({
    traffic_class: IPPROTO_IPV6 IPV6_TCLASS size_of::<libc::c_int>(),
    hop_limit: IPPROTO_IPV6 IPV6_HOPLIMIT size_of::<libc::c_int>(),
    packet_info: IPPROTO_IPV6 IPV6_PKTINFO size_of::<libc::in6_pktinfo>(),
    flow_label: IPPROTO_IPV6 IPV6_FLOWINFO size_of::<u32>(),
    fragment_size: IPPROTO_IPV6 IPV6_RECVFRAGSIZE size_of::<libc::c_int>(),
    ipv4_fragment_size: IPPROTO_IP IP_RECVFRAGSIZE size_of::<libc::c_int>(),
    // libc has no `struct ip6_mtuinfo`; its size is one of the gaps.
    path_mtu: IPPROTO_IPV6 IPV6_PATHMTU ABI.sockaddr.size + 4,
    queued_error: IPPROTO_IPV6 IPV6_RECVERR size_of::<libc::sock_extended_err>() + ABI.sockaddr.size,
    segment_size: IPPROTO_UDP UDP_SEGMENT size_of::<u16>(),
    coalesced: IPPROTO_UDP UDP_GRO size_of::<libc::c_int>(),
    type_of_service: IPPROTO_IP IP_TOS size_of::<u8>(),
    time_to_live: IPPROTO_IP IP_TTL size_of::<libc::c_int>(),
    ipv4_packet_info: IPPROTO_IP IP_PKTINFO size_of::<libc::in_pktinfo>(),
    hop_by_hop: IPPROTO_IPV6 IPV6_HOPOPTS 8,
    destination_options: IPPROTO_IPV6 IPV6_DSTOPTS 8,
    first_destination_options: IPPROTO_IPV6 IPV6_RTHDRDSTOPTS 8,
    routing_header: IPPROTO_IPV6 IPV6_RTHDR 8,
    dont_fragment: IPPROTO_IPV6 IPV6_DONTFRAG size_of::<libc::c_int>(),
    original_destination: IPPROTO_IPV6 IPV6_ORIGDSTADDR ABI.sockaddr.size,
    ipv4_original_destination: IPPROTO_IP IP_ORIGDSTADDR size_of::<libc::sockaddr_in>(),
    timestamp_packet_info: SOL_SOCKET SCM_TIMESTAMPING_PKTINFO 16,
    tx_time: SOL_SOCKET SCM_TXTIME size_of::<u64>(),
    mark: SOL_SOCKET SO_MARK size_of::<u32>(),
    priority: SOL_SOCKET SO_PRIORITY size_of::<u32>(),
    dropped: SOL_SOCKET SO_RXQ_OVFL size_of::<u32>(),
} gaps {
    timestamp: 16,
    timestamp_ns: 16,
    timestamping: 48,
    timestamp_request: size_of::<u32>(),
    timestamp_id: size_of::<u32>(),
});

/// `struct sock_filter` and `struct sock_fprog`.
const _: () = {
    assert!(size_of::<BpfInstruction>() == size_of::<libc::sock_filter>());
    assert!(align_of::<BpfInstruction>() == align_of::<libc::sock_filter>());
    assert!(offset_of!(BpfInstruction, code) == offset_of!(libc::sock_filter, code));
    assert!(offset_of!(BpfInstruction, jt) == offset_of!(libc::sock_filter, jt));
    assert!(offset_of!(BpfInstruction, jf) == offset_of!(libc::sock_filter, jf));
    assert!(offset_of!(BpfInstruction, k) == offset_of!(libc::sock_filter, k));
    assert!(size_of::<libc::sock_fprog>() == 2 * size_of::<usize>());
    assert!(offset_of!(libc::sock_fprog, len) == 0);
    assert!(offset_of!(libc::sock_fprog, filter) == size_of::<usize>());
};

const ICMP6_FILTER_LEVEL: i32 = match ABI.options.icmp6_filter {
    Some(number) => number.level,
    None => panic!(),
};

const _: () = assert!(ICMP6_FILTER_LEVEL == libc::IPPROTO_ICMPV6);

const FILTER: SourceFilterLayout = match ABI.source_filter {
    Some(layout) => layout,
    None => panic!("the table has no layout of source filters"),
};
const _: () = assert!(FILTER.storage == size_of::<libc::sockaddr_storage>());

/// What libc has no word for, each with the header it was taken from.
pub const GAPS: &[Gap] = &[
    gap("ICMPV6_FILTER", &["linux/icmpv6.h"], name(ABI.options.icmp6_filter)),
    gap("sizeof(struct icmp6_filter)", &["netinet/in.h", "netinet/icmp6.h"], size_of::<Icmp6Filter>() as i64),
    gap("sizeof(struct ip6_mtuinfo)", &["netinet/in.h"], ABI.sockaddr.size as i64 + 4),
    gap("offsetof(struct ip6_mtuinfo, ip6m_addr)", &["stddef.h", "netinet/in.h"], 0),
    gap("offsetof(struct ip6_mtuinfo, ip6m_mtu)", &["stddef.h", "netinet/in.h"], ABI.sockaddr.size as i64),
    gap("MCAST_INCLUDE", &["netinet/in.h"], FILTER.include as i64),
    gap("MCAST_EXCLUDE", &["netinet/in.h"], FILTER.exclude as i64),
    gap("offsetof(struct group_filter, gf_group)", &["stddef.h", "netinet/in.h"], FILTER.group as i64),
    gap("offsetof(struct group_filter, gf_fmode)", &["stddef.h", "netinet/in.h"], FILTER.mode as i64),
    gap("offsetof(struct group_filter, gf_numsrc)", &["stddef.h", "netinet/in.h"], FILTER.number as i64),
    gap("offsetof(struct group_filter, gf_slist)", &["stddef.h", "netinet/in.h"], FILTER.list as i64),
    gap("TCP_MD5SIG_EXT", &["linux/tcp.h"], name(ABI.options.tcp_md5_key_extended)),
    gap("IPV6_FLOWLABEL_MGR", &["linux/in6.h"], name(ABI.options.flow_label_manager)),
    gap("IPV6_RECVERR_RFC4884", &["linux/in6.h"], name(ABI.options.error_extensions)),
    gap(
        if cfg!(target_pointer_width = "64") { "SO_TIMESTAMP_OLD" } else { "SO_TIMESTAMP_NEW" },
        &["asm/socket.h"],
        name(ABI.options.receive_timestamp),
    ),
    gap(
        if cfg!(target_pointer_width = "64") { "SO_TIMESTAMPNS_OLD" } else { "SO_TIMESTAMPNS_NEW" },
        &["asm/socket.h"],
        name(ABI.options.receive_timestamp_ns),
    ),
    gap(
        if cfg!(target_pointer_width = "64") { "SO_TIMESTAMPING_OLD" } else { "SO_TIMESTAMPING_NEW" },
        &["asm/socket.h"],
        name(ABI.options.timestamping),
    ),
    newer_gap("SO_RCVPRIORITY", &["asm/socket.h"], name(ABI.options.receive_priority)),
    gap("IP_LOCAL_PORT_RANGE", &["linux/in.h"], name(ABI.options.local_ports)),
    gap("IP_RECVERR_RFC4884", &["linux/in.h"], name(ABI.options.ipv4_error_extensions)),
    gap(
        if cfg!(target_pointer_width = "64") { "SO_TIMESTAMP_OLD" } else { "SO_TIMESTAMP_NEW" },
        &["asm/socket.h"],
        kind(ABI.control.timestamp),
    ),
    gap(
        if cfg!(target_pointer_width = "64") { "SO_TIMESTAMPNS_OLD" } else { "SO_TIMESTAMPNS_NEW" },
        &["asm/socket.h"],
        kind(ABI.control.timestamp_ns),
    ),
    gap(
        if cfg!(target_pointer_width = "64") { "SO_TIMESTAMPING_OLD" } else { "SO_TIMESTAMPING_NEW" },
        &["asm/socket.h"],
        kind(ABI.control.timestamping),
    ),
    gap("SO_TIMESTAMPING_OLD", &["asm/socket.h"], kind(ABI.control.timestamp_request)),
    newer_gap("SCM_TS_OPT_ID", &["asm/socket.h"], kind(ABI.control.timestamp_id)),
];
