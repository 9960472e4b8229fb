//! The lists of the crate, as macros: one row for each control message, socket option, set of flags and platform.
//!
//! A list is a macro that passes its rows to another macro. The other macro generates code from them: a structure with a
//! field for each row, a constant for each row, a test for each row. So each fact is in one row only, and the generated
//! code has all rows.

/// Passes on the control messages. A row is: the field in the platforms' tables, the function that sets it in a table
/// described outside this crate, and the message's type in [`message`](crate::message), with `<'a>` if its value borrows
/// from the buffer. If two messages have the same number, that which kernels deliver precedes that which programs send.
macro_rules! for_each_message {
    ($callback:ident) => {
        $callback! {
            packet_info with_packet_info: PacketInfo;
            hop_limit with_hop_limit: HopLimit;
            traffic_class with_traffic_class: TrafficClass;
            flow_label with_flow_label: FlowLabel;
            path_mtu with_path_mtu: PathMtu;
            queued_error with_queued_error: ExtendedError;
            fragment_size with_fragment_size: FragmentSize;
            next_hop with_next_hop: NextHop;
            ecn with_ecn: Ecn;
            coalesced with_coalesced: Coalesced;
            segment_size with_segment_size: SegmentSize;
            type_of_service with_type_of_service: TypeOfService;
            time_to_live with_time_to_live: TimeToLive;
            ipv4_packet_info with_ipv4_packet_info: Ipv4PacketInfo;
            ipv4_ecn with_ipv4_ecn: Ipv4Ecn;
            hop_by_hop with_hop_by_hop: HopByHop<'a>;
            destination_options with_destination_options: DestinationOptions<'a>;
            first_destination_options with_first_destination_options: FirstDestinationOptions<'a>;
            routing_header with_routing_header: RoutingHeader<'a>;
            dont_fragment with_dont_fragment: DontFragment;
            use_min_mtu with_use_min_mtu: MinMtu;
            original_destination with_original_destination: OriginalDestination;
            ipv4_original_destination with_ipv4_original_destination: Ipv4OriginalDestination;
            timestamp with_timestamp: Timestamp;
            timestamp_ns with_timestamp_ns: TimestampNs;
            timestamping with_timestamping: Timestamping;
            timestamp_packet_info with_timestamp_packet_info: TimestampPacketInfo;
            timestamp_request with_timestamp_request: TimestampRequest;
            timestamp_id with_timestamp_id: TimestampId;
            tx_time with_tx_time: TxTime;
            mark with_mark: Mark;
            priority with_priority: Priority;
            dropped with_dropped: Dropped;
            ipv4_fragment_size with_ipv4_fragment_size: Ipv4FragmentSize;
            destination_port with_destination_port: DestinationPort;
            mach_time with_mach_time: MachTime;
            binary_time with_binary_time: BinaryTime;
            uptime with_uptime: Uptime;
            flow_id with_flow_id: FlowId;
            flow_type with_flow_type: FlowType;
        }
    };
}

/// Passes on what options deliver as fields of `RecvControl`. A row is: the option, the flags that enable it, and the
/// messages that it delivers. A system has at most the number of one message in its table, or delivers all of them.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_delivery {
    ($callback:ident) => {
        $callback! {
            RECEIVE_TRAFFIC_CLASS: TRAFFIC_CLASS => TrafficClass, Ecn;
            RECEIVE_HOP_LIMIT: HOP_LIMIT => HopLimit;
            RECEIVE_PACKET_INFO: DESTINATION | INTERFACE => PacketInfo;
            RECEIVE_PATH_MTU: PATH_MTU => PathMtu;
            RECEIVE_FLOW_LABEL: FLOW_LABEL => FlowLabel;
        }
    };
}

/// Passes on the socket options. A row is: the documentation, the constant of the typed descriptor (in
/// `ipv6_sys::option`), the field in the platforms' tables, the function that sets it in a table described outside this
/// crate, the type of the value, and the name in C.
///
/// The rows in the second braces have no descriptor, because their values contain a pointer or have no fixed length: a
/// function of `ipv6_sys::option` reads or sets each.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_option {
    ($callback:ident) => {
        $callback! { {
            /// The traffic class of sent packets, 0 to 255 (RFC 3542 section 6.5). On a TCP socket of Linux the kernel
            /// keeps control of the two ECN bits.
            TRAFFIC_CLASS traffic_class with_traffic_class: u8 = "IPV6_TCLASS";
            /// The hop limit of sent unicast packets, 0 to 255 (RFC 3493 section 5.1); `None` is the system's default.
            #[doc(alias = "UNICAST_HOPS")]
            HOP_LIMIT hop_limit with_hop_limit: Option<u8> = "IPV6_UNICAST_HOPS";
            /// The interface on which multicast packets are sent; `None` is the system's choice (RFC 3493 section 5.2).
            MULTICAST_INTERFACE multicast_interface with_multicast_interface: Option<InterfaceIndex>
                = "IPV6_MULTICAST_IF";
            /// The hop limit of sent multicast packets, 0 to 255 (RFC 3493 section 5.2).
            #[doc(alias = "MULTICAST_HOPS")]
            MULTICAST_HOP_LIMIT multicast_hop_limit with_multicast_hop_limit: u8 = "IPV6_MULTICAST_HOPS";
            /// Whether sent multicast packets are delivered to listeners on this host too (RFC 3493 section 5.2).
            MULTICAST_LOOPBACK multicast_loopback with_multicast_loopback: bool = "IPV6_MULTICAST_LOOP";
            /// Delivers the traffic class of received packets (RFC 3542 section 6.5).
            RECEIVE_TRAFFIC_CLASS receive_traffic_class with_receive_traffic_class: bool = "IPV6_RECVTCLASS";
            /// Delivers the hop limit of received packets (RFC 3542 section 6.3).
            RECEIVE_HOP_LIMIT receive_hop_limit with_receive_hop_limit: bool = "IPV6_RECVHOPLIMIT";
            /// Delivers destination and interface of received packets (RFC 3542 section 6.1).
            RECEIVE_PACKET_INFO receive_packet_info with_receive_packet_info: bool = "IPV6_RECVPKTINFO";
            /// Delivers changes of the path MTU (RFC 3542 section 11.3). Not on Windows; OpenBSD accepts the option and never
            /// delivers the message.
            RECEIVE_PATH_MTU receive_path_mtu with_receive_path_mtu: bool = "IPV6_RECVPATHMTU";
            /// Delivers the flow label of received packets, unless traffic class and flow label are both 0 (Linux).
            RECEIVE_FLOW_LABEL receive_flow_label with_receive_flow_label: bool = "IPV6_FLOWINFO";
            /// Delivers the size of the largest fragment of datagrams that arrived in fragments, as
            /// `message::FragmentSize` (Linux, since 4.7).
            RECEIVE_FRAGMENT_SIZE receive_fragment_size with_receive_fragment_size: bool = "IPV6_RECVFRAGSIZE";
            /// Delivers the ECN bits of received packets (Windows).
            RECEIVE_ECN receive_ecn with_receive_ecn: bool = "IPV6_RECVECN";
            /// The path MTU of a connected socket (RFC 3542 section 11.4). Other sockets answer `ENOTCONN`; so does a
            /// connected one on Linux while it has no route, from a change of its traffic class to the next packet.
            PATH_MTU path_mtu with_path_mtu: Mtu = "IPV6_PATHMTU";
            /// The lowest hop limit that a received packet may have, 0 to 255; 0 accepts all (GTSM, RFC 5082). Linux checks
            /// it on TCP sockets only, OpenBSD on TCP and UDP sockets. `ipv6_std::Conn::set_min_hop_limit` works on each
            /// kind of socket on Linux.
            MIN_HOP_LIMIT min_hop_limit with_min_hop_limit: u8 = "IPV6_MINHOPCOUNT";
            /// Whether packets larger than the path MTU are refused instead of fragmented (RFC 3542 section 11.2).
            DONT_FRAGMENT dont_fragment with_dont_fragment: bool = "IPV6_DONTFRAG";
            /// Whether the socket carries IPv6 only, and not IPv4 with mapped addresses too (RFC 3493 section 5.3).
            ONLY_V6 only_v6 with_only_v6: bool = "IPV6_V6ONLY";
            /// Whether the socket can be bound to an address that the host does not have, or does not have yet. FreeBSD,
            /// NetBSD and OpenBSD have one option for this and for `TRANSPARENT`, which needs root. Set it before the
            /// bind.
            #[doc(alias = "IPV6_BINDANY", alias = "SO_BINDANY")]
            FREEBIND freebind with_freebind: bool = "IPV6_FREEBIND";
            /// Whether the socket can be bound to any address, and receives what is routed to it for that address. Linux
            /// requires `CAP_NET_ADMIN` or `CAP_NET_RAW`, other systems root. Set it before the bind.
            #[doc(alias = "IPV6_BINDANY", alias = "SO_BINDANY")]
            TRANSPARENT transparent with_transparent: bool = "IPV6_TRANSPARENT";
            /// The only interface by which the socket sends and receives; `None` for all of them (Apple, illumos,
            /// Solaris). On Linux, `ipv6_sys::socket::set_device` does the same with another option.
            BOUND_INTERFACE bound_interface with_bound_interface: Option<InterfaceIndex> = "IPV6_BOUND_IF";
            /// The offset of the checksum in the payload of a raw socket, even and counted from its start; `None` for
            /// no checksum (RFC 3542 section 3.1). The kernel writes and checks it. It is 2 on ICMPv6 sockets. Do not change it
            /// there: RFC 3542 forbids it, and Linux does not refuse it. (`ipv6_std::RawConn::set_checksum_offset` does.)
            CHECKSUM checksum with_checksum: Option<u16> = "IPV6_CHECKSUM";
            /// Whether the payloads that a raw socket sends start with the IPv6 header (Linux, Windows).
            HEADER_INCLUDED header_included with_header_included: bool = "IPV6_HDRINCL";
            /// The ICMPv6 types that a raw socket receives (RFC 3542 section 3.2). Not on Windows.
            #[doc(alias = "ICMPV6_FILTER")]
            ICMP6_TYPE_FILTER icmp6_filter with_icmp6_filter: Icmp6Filter = "ICMP6_FILTER";
            /// Joins a group for any source (RFC 3493 section 5.2).
            #[doc(alias = "IPV6_ADD_MEMBERSHIP", alias = "MCAST_JOIN_GROUP")]
            JOIN_GROUP join_group with_join_group: Group = "IPV6_JOIN_GROUP";
            /// Leaves a group, with all its sources (RFC 3493 section 5.2).
            #[doc(alias = "IPV6_DROP_MEMBERSHIP", alias = "MCAST_LEAVE_GROUP")]
            LEAVE_GROUP leave_group with_leave_group: Group = "IPV6_LEAVE_GROUP";
            /// Joins a group for one source (RFC 3678 section 5.1). Not on OpenBSD, NetBSD and DragonFly BSD.
            JOIN_SOURCE_GROUP join_source_group with_join_source_group: SourceGroup = "MCAST_JOIN_SOURCE_GROUP";
            /// Leaves a group for one source (RFC 3678 section 5.1). Not on OpenBSD, NetBSD and DragonFly BSD.
            LEAVE_SOURCE_GROUP leave_source_group with_leave_source_group: SourceGroup
                = "MCAST_LEAVE_SOURCE_GROUP";
            /// Blocks one source of a joined group (RFC 3678 section 5.1). Not on OpenBSD, NetBSD and DragonFly BSD. On FreeBSD
            /// and Apple, datagrams of the source are still received.
            BLOCK_SOURCE block_source with_block_source: SourceGroup = "MCAST_BLOCK_SOURCE";
            /// Unblocks a blocked source (RFC 3678 section 5.1). Not on OpenBSD, NetBSD and DragonFly BSD.
            UNBLOCK_SOURCE unblock_source with_unblock_source: SourceGroup = "MCAST_UNBLOCK_SOURCE";
            /// Whether consecutive datagrams of one sender with equal headers are received as one payload, with the
            /// segment size as a control message (Linux).
            COALESCE coalesce with_coalesce: bool = "UDP_GRO";
            /// Whether errors about sent datagrams are queued, to be received with the flag `ERROR_QUEUE` (Linux).
            /// Windows has an option of this name, and no queue.
            QUEUE_ERRORS queue_errors with_queue_errors: bool = "IPV6_RECVERR";
            /// How the kernel uses path MTU discovery for sent packets (Linux, ipv6(7); Windows).
            PATH_MTU_DISCOVERY path_mtu_discovery with_path_mtu_discovery: PathMtuDiscovery = "IPV6_MTU_DISCOVER";
            /// Set: the size of the largest fragment of packets that are larger than the path MTU, at least 1,280; 0
            /// for no limit. Smaller packets are not fragmented (Linux). Read: the path MTU of a connected socket, in
            /// bytes, IPv6 header included (Linux, Windows). Other sockets answer `ENOTCONN`.
            MTU mtu with_mtu: u32 = "IPV6_MTU";
            /// Whether the flow information of destination addresses is sent: traffic class and flow label. It is
            /// ignored otherwise. As in std, `flowinfo` of a `SocketAddrV6` is in network byte order: `label.to_be()`.
            /// A connected socket uses that of `connect`: the only way to give a TCP connection a flow label (Linux).
            SEND_FLOW_INFO send_flow_info with_send_flow_info: bool = "IPV6_FLOWINFO_SEND";
            /// Whether the kernel chooses a flow label for packets that have none, from a hash of addresses and
            /// ports (RFC 6438). Linux, where `net.ipv6.auto_flowlabels` is the default; FreeBSD, OpenBSD,
            /// DragonFly BSD, Apple.
            AUTO_FLOW_LABEL auto_flow_label with_auto_flow_label: bool = "IPV6_AUTOFLOWLABEL";
            /// Whether queued errors report where the extensions of the ICMPv6 message start in the returned packet
            /// (RFC 4884), such as MPLS labels (Linux, since 5.9).
            ERROR_EXTENSIONS error_extensions with_error_extensions: bool = "IPV6_RECVERR_RFC4884";
            /// Delivers the destination address and port that a packet had when it arrived: a transparent proxy
            /// receives packets for other hosts and ports (Linux, FreeBSD).
            #[doc(alias = "IPV6_ORIGDSTADDR")]
            RECEIVE_ORIGINAL_DESTINATION receive_original_destination with_receive_original_destination: bool
                = "IPV6_RECVORIGDSTADDR";
            /// The interface on which unicast packets are sent that have no other; the socket receives on all
            /// (Linux, Windows). Linux ignores it on TCP sockets.
            UNICAST_INTERFACE unicast_interface with_unicast_interface: UnicastInterface = "IPV6_UNICAST_IF";
            /// Whether the socket receives the groups that any socket of this host has joined (the default), or
            /// those that it has joined itself (Linux, since 4.20).
            MULTICAST_ALL multicast_all with_multicast_all: bool = "IPV6_MULTICAST_ALL";
            /// Delivers the hop-by-hop options header of received packets (RFC 3542 section 8). Not on Windows. The
            /// BSDs and Apple require the superuser.
            RECEIVE_HOP_BY_HOP receive_hop_by_hop with_receive_hop_by_hop: bool = "IPV6_RECVHOPOPTS";
            /// Delivers the destination options headers of received packets (RFC 3542 section 9). Not on Windows.
            /// The BSDs and Apple require the superuser.
            RECEIVE_DESTINATION_OPTIONS receive_destination_options with_receive_destination_options: bool
                = "IPV6_RECVDSTOPTS";
            /// Delivers the destination options header before a routing header (RFC 2292; FreeBSD, NetBSD, illumos,
            /// Solaris). Elsewhere, `RECEIVE_DESTINATION_OPTIONS` delivers it too.
            RECEIVE_FIRST_DESTINATION_OPTIONS receive_first_destination_options with_receive_first_destination_options: bool
                = "IPV6_RECVRTHDRDSTOPTS";
            /// Delivers the routing header of received packets (RFC 3542 section 7).
            RECEIVE_ROUTING_HEADER receive_routing_header with_receive_routing_header: bool = "IPV6_RECVRTHDR";
            /// Delivers forwarded packets that have the router alert option with this value to this raw socket of
            /// protocol 255, instead of forwarding them (RFC 2711); `None` delivers none (Linux). Other sockets
            /// answer `ENOPROTOOPT`.
            ///
            /// The value cannot be read back. Linux returns 0 on any socket that did not set the option, and on one that
            /// set it to 0; 1 after any other value, `None` too (`RTALERT` in `net/ipv6/ipv6_sockglue.c`). Older kernels
            /// answer `ENOPROTOOPT`.
            ROUTER_ALERT router_alert with_router_alert: Option<u16> = "IPV6_ROUTER_ALERT";
            /// Whether `ROUTER_ALERT` delivers packets of the network namespace of the socket only (Linux, since
            /// 5.1).
            ROUTER_ALERT_ISOLATE router_alert_isolate with_router_alert_isolate: bool = "IPV6_ROUTER_ALERT_ISOLATE";
            /// Gives this host an anycast address until the socket leaves it or is closed (Linux; requires
            /// `CAP_NET_ADMIN`). The `group` of the value is the address.
            JOIN_ANYCAST join_anycast with_join_anycast: Group = "IPV6_JOIN_ANYCAST";
            /// Removes an anycast address that the socket has joined (Linux).
            LEAVE_ANYCAST leave_anycast with_leave_anycast: Group = "IPV6_LEAVE_ANYCAST";
            /// Which packets are sent as if the path MTU were 1,280 (RFC 3542 section 11.1). The BSDs, Apple, illumos,
            /// Solaris, AIX. On Linux, a route with an MTU of 1,280 has this effect.
            USE_MIN_MTU use_min_mtu with_use_min_mtu: MinMtu = "IPV6_USE_MIN_MTU";
            /// `TRAFFIC_CLASS` of the IPv4 packets of a dual-stack socket (Linux, Windows). On Linux, it also sets the
            /// priority of the socket (`SO_PRIORITY`, ip(7)).
            IPV4_TRAFFIC_CLASS ipv4_traffic_class with_ipv4_traffic_class: u8 = "IP_TOS";
            /// `HOP_LIMIT` of the IPv4 packets of a dual-stack socket, 1 to 255; `None` is the system's default (Linux,
            /// Windows).
            IPV4_TIME_TO_LIVE ipv4_time_to_live with_ipv4_time_to_live: Option<u8> = "IP_TTL";
            /// Delivers the type of service of IPv4 packets (Linux, Windows). Elsewhere, `RECEIVE_TRAFFIC_CLASS` delivers it,
            /// if the system can.
            IPV4_RECEIVE_TRAFFIC_CLASS ipv4_receive_traffic_class with_ipv4_receive_traffic_class: bool
                = "IP_RECVTOS";
            /// Delivers the ECN bits of IPv4 packets (Windows).
            IPV4_RECEIVE_ECN ipv4_receive_ecn with_ipv4_receive_ecn: bool = "IP_RECVECN";
            /// Delivers the time to live of IPv4 packets (Linux, Windows). Elsewhere, `RECEIVE_HOP_LIMIT` delivers it, if the
            /// system can.
            IPV4_RECEIVE_TIME_TO_LIVE ipv4_receive_time_to_live with_ipv4_receive_time_to_live: bool = "IP_RECVTTL";
            /// Delivers destination and interface of IPv4 packets (Windows). Elsewhere, `RECEIVE_PACKET_INFO`
            /// delivers them, with mapped addresses.
            IPV4_RECEIVE_PACKET_INFO ipv4_receive_packet_info with_ipv4_receive_packet_info: bool = "IP_PKTINFO";
            /// `PATH_MTU_DISCOVERY` of IPv4 packets (Linux, ip(7); Windows).
            IPV4_PATH_MTU_DISCOVERY ipv4_path_mtu_discovery with_ipv4_path_mtu_discovery: PathMtuDiscovery
                = "IP_MTU_DISCOVER";
            /// `DONT_FRAGMENT` of IPv4 packets (Windows). On Linux, `IPV4_PATH_MTU_DISCOVERY` decides.
            #[doc(alias = "IP_DONTFRAGMENT")]
            IPV4_DONT_FRAGMENT ipv4_dont_fragment with_ipv4_dont_fragment: bool = "IP_DONTFRAG";
            /// `QUEUE_ERRORS` for IPv4 packets (Linux, Windows).
            IPV4_QUEUE_ERRORS ipv4_queue_errors with_ipv4_queue_errors: bool = "IP_RECVERR";
            /// `MIN_HOP_LIMIT` of IPv4 packets (Linux, on TCP sockets).
            IPV4_MIN_TIME_TO_LIVE ipv4_min_time_to_live with_ipv4_min_time_to_live: u8 = "IP_MINTTL";
            /// `MULTICAST_HOP_LIMIT` of IPv4 packets (Linux, Windows).
            IPV4_MULTICAST_TIME_TO_LIVE ipv4_multicast_time_to_live with_ipv4_multicast_time_to_live: u8
                = "IP_MULTICAST_TTL";
            /// `MULTICAST_INTERFACE` of IPv4 packets (Linux, Windows). It cannot be read: Linux returns the address and not the
            /// index.
            IPV4_MULTICAST_INTERFACE ipv4_multicast_interface with_ipv4_multicast_interface: Ipv4Interface
                = "IP_MULTICAST_IF";
            /// `MULTICAST_LOOPBACK` of IPv4 packets (Linux, Windows). On Linux, `MULTICAST_LOOPBACK` decides for both.
            IPV4_MULTICAST_LOOPBACK ipv4_multicast_loopback with_ipv4_multicast_loopback: bool = "IP_MULTICAST_LOOP";
            /// `MULTICAST_ALL` for IPv4 groups (Linux). On an IPv6 socket it is off by default.
            IPV4_MULTICAST_ALL ipv4_multicast_all with_ipv4_multicast_all: bool = "IP_MULTICAST_ALL";
            /// `ERROR_EXTENSIONS` for ICMP messages (Linux, since 5.9).
            IPV4_ERROR_EXTENSIONS ipv4_error_extensions with_ipv4_error_extensions: bool = "IP_RECVERR_RFC4884";
            /// Joins an IPv4 group for any source, on a dual-stack socket (Linux).
            IPV4_JOIN_GROUP ipv4_join_group with_ipv4_join_group: Ipv4Group = "IP_ADD_MEMBERSHIP";
            /// Leaves an IPv4 group, with all its sources (Linux).
            IPV4_LEAVE_GROUP ipv4_leave_group with_ipv4_leave_group: Ipv4Group = "IP_DROP_MEMBERSHIP";
            /// Joins an IPv4 group for one source, on a dual-stack socket (Linux).
            IPV4_JOIN_SOURCE_GROUP ipv4_join_source_group with_ipv4_join_source_group: Ipv4SourceGroup
                = "MCAST_JOIN_SOURCE_GROUP (IPPROTO_IP)";
            /// Leaves an IPv4 group for one source (Linux).
            IPV4_LEAVE_SOURCE_GROUP ipv4_leave_source_group with_ipv4_leave_source_group: Ipv4SourceGroup
                = "MCAST_LEAVE_SOURCE_GROUP (IPPROTO_IP)";
            /// Blocks one source of a joined IPv4 group (Linux).
            IPV4_BLOCK_SOURCE ipv4_block_source with_ipv4_block_source: Ipv4SourceGroup
                = "MCAST_BLOCK_SOURCE (IPPROTO_IP)";
            /// Unblocks a blocked source of an IPv4 group (Linux).
            IPV4_UNBLOCK_SOURCE ipv4_unblock_source with_ipv4_unblock_source: Ipv4SourceGroup
                = "MCAST_UNBLOCK_SOURCE (IPPROTO_IP)";
            /// The source address and the interface of sent packets that name none themselves (RFC 3542 section 6.7).
            /// The unspecified address and no interface remove it. Not on Windows. Linux uses the interface only, of
            /// UDP and ICMPv6 datagrams, and ignores the address: bind the socket to it instead. A raw socket ignores
            /// both. Linux does not return the option (`ENOPROTOOPT`).
            #[doc(alias = "in6_pktinfo")]
            PACKET_INFO sticky_packet_info with_sticky_packet_info: PacketInfo = "IPV6_PKTINFO";
            /// The next hop of sent packets that name none themselves (RFC 3542 section 6.7). The BSDs except
            /// OpenBSD, Apple, illumos, Solaris, AIX; for the superuser.
            NEXT_HOP sticky_next_hop with_sticky_next_hop: NextHop = "IPV6_NEXTHOP";
            /// Which source addresses the system prefers when it chooses one (RFC 5014): Linux, illumos, Solaris,
            /// AIX. FreeBSD, NetBSD, DragonFly BSD and Apple have the choice between temporary and public addresses
            /// only. Set it before `connect`.
            #[doc(alias = "IPV6_SRC_PREFERENCES", alias = "IPV6_PREFER_TEMPADDR")]
            ADDRESS_PREFERENCES address_preferences with_address_preferences: AddressPreferences
                = "IPV6_ADDR_PREFERENCES";
            /// The destination that a TCP connection had before netfilter redirected it to this host (Linux, target
            /// `REDIRECT`).
            #[doc(alias = "SO_ORIGINAL_DST")]
            ORIGINAL_DESTINATION original_destination with_original_destination: SocketAddrV6
                = "IP6T_SO_ORIGINAL_DST";
            /// Delivers the destination port of received packets as `message::DestinationPort` (OpenBSD), beside the
            /// address in the packet info: the original destination of packets that `pf` diverts.
            RECEIVE_DESTINATION_PORT receive_destination_port with_receive_destination_port: bool
                = "IPV6_RECVDSTPORT";
            /// Delivers the time at which a packet arrived, in microseconds, as `message::Timestamp`. Linux, the
            /// BSDs, Apple, illumos, Solaris. 32-bit programs on Linux need 5.1.
            ///
            /// Linux starts to take times a moment after the first socket of the whole system asks for them. A packet
            /// that arrived before gets the time at which the program receives it, which can be later than that of the
            /// next packet.
            #[doc(alias = "SCM_TIMESTAMP")]
            RECEIVE_TIMESTAMP receive_timestamp with_receive_timestamp: bool = "SO_TIMESTAMP";
            /// Delivers the time at which a packet arrived, in nanoseconds, as `message::TimestampNs` (Linux, AIX).
            /// FreeBSD delivers it with `RECEIVE_TIMESTAMP` and `TIMESTAMP_CLOCK`. 32-bit programs on Linux need
            /// 5.1. As with `RECEIVE_TIMESTAMP`, the first packets can have the time at which the program receives
            /// them.
            #[doc(alias = "SCM_TIMESTAMPNS")]
            RECEIVE_TIMESTAMP_NS receive_timestamp_ns with_receive_timestamp_ns: bool = "SO_TIMESTAMPNS";
            /// Which timestamps of received and sent packets are taken and delivered (Linux). 32-bit programs need
            /// 5.1. Linux starts to take times of arrival a moment after the first socket of the whole system asks for
            /// them. A packet that arrived before has none.
            #[doc(alias = "SCM_TIMESTAMPING")]
            TIMESTAMPING timestamping with_timestamping: TimestampingFlags = "SO_TIMESTAMPING";
            /// The clock and the message of `RECEIVE_TIMESTAMP` (FreeBSD).
            TIMESTAMP_CLOCK timestamp_clock with_timestamp_clock: TimestampClock = "SO_TS_CLOCK";
            /// Delivers the time at which a packet arrived as `message::MachTime` (Apple).
            RECEIVE_TIMESTAMP_MONOTONIC receive_timestamp_monotonic with_receive_timestamp_monotonic: bool
                = "SO_TIMESTAMP_MONOTONIC";
            /// Allows `message::TxTime`, the time at which a packet is sent, and names its clock (Linux, since
            /// 4.19; `CLOCK_MONOTONIC` without privilege since 5.8). The queueing discipline `fq` or `etf` sends
            /// at that time; without it, packets are sent at once.
            #[doc(alias = "sock_txtime")]
            SEND_TIMES send_times with_send_times: SendTimes = "SO_TXTIME";
            /// The maximum rate at which the socket sends. On Linux the queueing discipline `fq` limits UDP; TCP
            /// paces itself. FreeBSD and Apple: TCP only.
            MAX_PACING_RATE max_pacing_rate with_max_pacing_rate: PacingRate = "SO_MAX_PACING_RATE";
            /// Delivers how many packets the socket has dropped, as `message::Dropped`, once there are any (Linux).
            RECEIVE_DROPPED receive_dropped with_receive_dropped: bool = "SO_RXQ_OVFL";
            /// The memory that the socket uses, and how many packets it has dropped (Linux, since 4.12).
            MEMORY memory with_memory: MemoryInfo = "SO_MEMINFO";
            /// The mark of sent packets, for routing rules and filters (Linux; `CAP_NET_ADMIN` or `CAP_NET_RAW`).
            /// FreeBSD: the cookie that `ipfw` matches.
            #[doc(alias = "SO_USER_COOKIE")]
            MARK mark with_mark: u32 = "SO_MARK";
            /// Delivers the mark of received packets as `message::Mark` (Linux, since 5.19).
            RECEIVE_MARK receive_mark with_receive_mark: bool = "SO_RCVMARK";
            /// The priority of sent packets in the queues of this host, 0 to 6; more with `CAP_NET_ADMIN` or
            /// `CAP_NET_RAW` (Linux).
            PRIORITY priority with_priority: u32 = "SO_PRIORITY";
            /// Delivers the priority of received packets as `message::Priority` (Linux, since 6.14).
            RECEIVE_PRIORITY receive_priority with_receive_priority: bool = "SO_RCVPRIORITY";
            /// The kind of traffic, `NET_SERVICE_TYPE_BE` (0) and others of `sys/socket.h` (Apple).
            SERVICE_TYPE service_type with_service_type: i32 = "SO_NET_SERVICE_TYPE";
            /// The only interface by which the socket sends and receives; `None` for all of them (Linux, since 5.1;
            /// `CAP_NET_RAW` before 5.7, and to change it). `BOUND_INTERFACE` is that of other systems.
            DEVICE_INDEX device_index with_device_index: Option<InterfaceIndex> = "SO_BINDTOIFINDEX";
            /// The number of the routing table (FreeBSD). FreeBSD does not return it.
            FIB fib with_fib: u32 = "SO_SETFIB";
            /// The number of the routing table (OpenBSD). Another one than that of the process requires root.
            ROUTING_TABLE routing_table with_routing_table: u32 = "SO_RTABLE";
            /// The range from which the system chooses the local port (FreeBSD, NetBSD, OpenBSD, Apple).
            PORT_RANGE port_range with_port_range: PortRange = "IPV6_PORTRANGE";
            /// The ports from which the system chooses the local port (Linux, since 6.3). The option of IPv4 is
            /// that of IPv6 too.
            LOCAL_PORTS local_ports with_local_ports: LocalPorts = "IP_LOCAL_PORT_RANGE";
            /// Whether a bind to port 0 leaves the port open until `connect`, which can then share it between peers
            /// (Linux, since 4.2). The option of IPv4 is that of IPv6 too.
            BIND_WITHOUT_PORT bind_without_port with_bind_without_port: bool = "IP_BIND_ADDRESS_NO_PORT";
            /// Whether the address can be bound while others with this option are bound to it.
            /// `ipv6_std::Builder::reusable` sets what each system needs. Not on Windows.
            REUSE_ADDRESS reuse_address with_reuse_address: bool = "SO_REUSEADDR";
            /// Whether several sockets of one user can be bound to the same port. On Linux, each packet goes to one
            /// of them; on the BSDs and Apple, to the last, and those to groups to all. Set it before the bind. Not on illumos,
            /// Solaris and Windows.
            REUSE_PORT reuse_port with_reuse_port: bool = "SO_REUSEPORT";
            /// Whether several sockets are bound to the same port, and each packet goes to one of them (FreeBSD,
            /// since 12). On Linux, `REUSE_PORT`.
            BALANCE_PORT balance_port with_balance_port: bool = "SO_REUSEPORT_LB";
            /// Detaches the program that selects the socket of a shared port (Linux, since 5.3).
            DETACH_PORT_SELECTOR detach_port_selector with_detach_port_selector: () = "SO_DETACH_REUSEPORT_BPF";
            /// Whether the BPF filter can no longer be changed or detached; this cannot be undone (Linux).
            LOCK_FILTER lock_filter with_lock_filter: bool = "SO_LOCK_FILTER";
            /// The processor that handled the last received packet of a connected socket. Set: among sockets of a
            /// shared port, prefer this one for packets that this processor handles (Linux).
            INCOMING_CPU incoming_cpu with_incoming_cpu: Option<u16> = "SO_INCOMING_CPU";
            /// The number of the device queue of the last received packet; 0 if there is none (Linux).
            INCOMING_NAPI_ID incoming_napi_id with_incoming_napi_id: u32 = "SO_INCOMING_NAPI_ID";
            /// How long a receive polls the device before it sleeps, in microseconds (Linux). Older
            /// kernels require `CAP_NET_ADMIN` to raise it; 6.18 does not.
            BUSY_POLL busy_poll with_busy_poll: u32 = "SO_BUSY_POLL";
            /// Whether the kernel leaves the device to busy polling (Linux, since 5.11; `CAP_NET_ADMIN`).
            PREFER_BUSY_POLL prefer_busy_poll with_prefer_busy_poll: bool = "SO_PREFER_BUSY_POLL";
            /// How many packets one busy poll takes at most; `CAP_NET_ADMIN` to raise it (Linux, since 5.11, which does
            /// not return it).
            BUSY_POLL_BUDGET busy_poll_budget with_busy_poll_budget: u16 = "SO_BUSY_POLL_BUDGET";
            /// Whether `poll` and `epoll` report `POLLPRI` when the error queue is not empty, beside `POLLERR`
            /// (Linux).
            SELECT_ERROR_QUEUE select_error_queue with_select_error_queue: bool = "SO_SELECT_ERR_QUEUE";
            /// Whether sends with `MSG_ZEROCOPY` use the memory of the program, with a notice in the error queue
            /// when it is free again (Linux, UDP since 5.0). `ipv6_std::PacketConn::send_zero_copy` sends with that
            /// flag.
            #[doc(alias = "MSG_ZEROCOPY")]
            ZERO_COPY zero_copy with_zero_copy: bool = "SO_ZEROCOPY";
            /// The size of the receive buffer in bytes. Linux returns twice the requested size. Not on Windows:
            /// `ipv6_sys::socket::set_receive_buffer_size` works on all systems.
            RECEIVE_BUFFER receive_buffer with_receive_buffer: u32 = "SO_RCVBUF";
            /// The size of the send buffer in bytes. Linux returns twice the requested size. Not on Windows:
            /// `ipv6_sys::socket::set_send_buffer_size` works on all systems.
            SEND_BUFFER send_buffer with_send_buffer: u32 = "SO_SNDBUF";
            /// Sets the size of the receive buffer in bytes, also beyond `net.core.rmem_max` (Linux;
            /// `CAP_NET_ADMIN`). Read `RECEIVE_BUFFER`.
            FORCED_RECEIVE_BUFFER forced_receive_buffer with_forced_receive_buffer: u32 = "SO_RCVBUFFORCE";
            /// Sets the size of the send buffer in bytes, also beyond `net.core.wmem_max` (Linux; `CAP_NET_ADMIN`).
            /// Read `SEND_BUFFER`.
            FORCED_SEND_BUFFER forced_send_buffer with_forced_send_buffer: u32 = "SO_SNDBUFFORCE";
            /// A number that no other socket of this system has had since it started (Linux, since 4.12).
            COOKIE cookie with_cookie: u64 = "SO_COOKIE";
            /// The address family, such as `AF_INET6` (Linux, FreeBSD, OpenBSD, illumos, Solaris).
            DOMAIN domain with_domain: i32 = "SO_DOMAIN";
            /// The protocol: 6 is TCP, 17 UDP, 58 ICMPv6 (Linux, FreeBSD, OpenBSD).
            PROTOCOL protocol with_protocol: i32 = "SO_PROTOCOL";
            /// The size of the datagrams into which larger payloads are cut; 0 for no cutting (Linux, since 4.18;
            /// Windows, `UDP_SEND_MSG_SIZE`). `SendControl::segment_size` is that of one payload.
            #[doc(alias = "UDP_SEND_MSG_SIZE", alias = "WSASetUdpSendMessageSize")]
            SEGMENT_SIZE sent_segment_size with_sent_segment_size: u16 = "UDP_SEGMENT";
            /// The most bytes that consecutive datagrams of one sender have when they are received as one payload, with
            /// the segment size as a control message; 0 for no coalescing (Windows, since 10 2004). Linux has the
            /// switch `COALESCE`.
            #[doc(alias = "UDP_COALESCED_INFO", alias = "WSASetRecvMaxCoalescedSize")]
            MAX_COALESCED_SIZE max_coalesced_size with_max_coalesced_size: u32 = "UDP_RECV_MAX_COALESCED_SIZE";
            /// Whether UDP datagrams are sent with checksum 0, which only tunnels may do (RFC 6935; Linux).
            SEND_WITHOUT_CHECKSUM send_without_checksum with_send_without_checksum: bool = "UDP_NO_CHECK6_TX";
            /// Whether UDP datagrams with checksum 0 are received (RFC 6936; Linux). They are dropped otherwise.
            RECEIVE_WITHOUT_CHECKSUM receive_without_checksum with_receive_without_checksum: bool
                = "UDP_NO_CHECK6_RX";
            /// The protocol inside the received UDP datagrams, which the kernel then handles: 2 is ESP (RFC 3948),
            /// 3 L2TP (Linux).
            ENCAPSULATION encapsulation with_encapsulation: u32 = "UDP_ENCAP";
            /// Delivers a hash of addresses and ports of received packets, as `message::FlowId` and `message::FlowType`
            /// (FreeBSD).
            RECEIVE_FLOW_ID receive_flow_id with_receive_flow_id: bool = "IPV6_RECVFLOWID";
            /// From which networks the socket receives, a `PROTECTION_LEVEL_` of `ws2ipdef.h` (Windows).
            PROTECTION_LEVEL protection_level with_protection_level: i32 = "IPV6_PROTECTION_LEVEL";
            /// The largest path MTU that the socket uses, in bytes (Windows).
            USER_MTU user_mtu with_user_mtu: u32 = "IPV6_USER_MTU";
            /// As `RECEIVE_ORIGINAL_DESTINATION`, of IPv4 packets on a dual-stack socket, as
            /// `message::Ipv4OriginalDestination` (Linux).
            #[doc(alias = "IP_ORIGDSTADDR")]
            IPV4_RECEIVE_ORIGINAL_DESTINATION ipv4_receive_original_destination with_ipv4_receive_original_destination: bool
                = "IP_RECVORIGDSTADDR";
            /// As `RECEIVE_FRAGMENT_SIZE`, of IPv4 packets on a dual-stack socket, as `message::Ipv4FragmentSize` (Linux).
            IPV4_RECEIVE_FRAGMENT_SIZE ipv4_receive_fragment_size with_ipv4_receive_fragment_size: bool
                = "IP_RECVFRAGSIZE";
            /// As `UNICAST_INTERFACE`, of IPv4 packets on a dual-stack socket (Linux, Windows).
            IPV4_UNICAST_INTERFACE ipv4_unicast_interface with_ipv4_unicast_interface: Ipv4UnicastInterface
                = "IP_UNICAST_IF";
            /// Detaches the socket's BPF filter (Linux).
            DETACH_FILTER detach_filter with_detach_filter: () = "SO_DETACH_FILTER";
        } {
            /// A BPF filter: `struct sock_fprog`, which points to the program.
            attach_filter with_attach_filter = "SO_ATTACH_FILTER";
            /// The only device by which the socket sends and receives, by name (Linux): `ipv6_sys::socket::set_device`.
            device with_device = "SO_BINDTODEVICE";
            /// A BPF program that selects the socket of a shared port (Linux).
            attach_port_selector with_attach_port_selector = "SO_ATTACH_REUSEPORT_CBPF";
            /// The same, as an extended BPF program (Linux).
            attach_ebpf_port_selector with_attach_ebpf_port_selector = "SO_ATTACH_REUSEPORT_EBPF";
            /// A filter as an extended BPF program (Linux).
            attach_ebpf_filter with_attach_ebpf_filter = "SO_ATTACH_BPF";
            /// The control messages of the latest segment of a stream.
            #[doc(alias = "IPV6_PKTOPTIONS")]
            stream_control with_stream_control = "IPV6_2292PKTOPTIONS";
            /// The control messages of the handshake of a stream with an IPv4 peer (Linux).
            ipv4_stream_control with_ipv4_stream_control = "IP_PKTOPTIONS";
            /// The keys of TCP MD5 signatures: `struct tcp_md5sig` (Linux).
            tcp_md5_key with_tcp_md5_key = "TCP_MD5SIG";
            /// The same with a prefix or an interface (Linux).
            tcp_md5_key_extended with_tcp_md5_key_extended = "TCP_MD5SIG_EXT";
            /// The keys of TCP-AO: `struct tcp_ao_add` (Linux, since 6.7, a kernel with `CONFIG_TCP_AO`).
            tcp_ao_add_key with_tcp_ao_add_key = "TCP_AO_ADD_KEY";
            /// Deletes one: `struct tcp_ao_del`.
            tcp_ao_delete_key with_tcp_ao_delete_key = "TCP_AO_DEL_KEY";
            /// The keys that a connection uses: `struct tcp_ao_info_opt`.
            tcp_ao_info with_tcp_ao_info = "TCP_AO_INFO";
            /// The leases of flow labels: `struct in6_flowlabel_req`, in which the kernel writes a label that it chooses.
            flow_label_manager with_flow_label_manager = "IPV6_FLOWLABEL_MGR";
            /// Which sources are received from a group: `struct group_filter`, with any number of addresses. FreeBSD and
            /// Apple (`IPV6_MSFILTER`): `struct __msfilterreq`, with a pointer to them. illumos, Solaris and Windows have a
            /// request of `ioctl` (`SIOCSMSFILTER`).
            #[doc(alias = "IPV6_MSFILTER")]
            source_filter with_source_filter = "MCAST_MSFILTER";
            /// The same of an IPv4 group, on a dual-stack socket (Linux).
            ipv4_source_filter with_ipv4_source_filter = "MCAST_MSFILTER (IPPROTO_IP)";
            /// The hop-by-hop options of all sent packets (RFC 3542 section 8).
            hop_by_hop with_hop_by_hop = "IPV6_HOPOPTS";
            /// The destination options of all sent packets (RFC 3542 section 9).
            destination_options with_destination_options = "IPV6_DSTOPTS";
            /// The destination options before the routing header of all sent packets (RFC 3542 section 9).
            first_destination_options with_first_destination_options = "IPV6_RTHDRDSTOPTS";
            /// The routing header of all sent packets (RFC 3542 section 7).
            routing_header with_routing_header = "IPV6_RTHDR";
        } }
    };
}

/// Passes on the options that have an IPv4 sibling: the option that a dual-stack socket has for the same field of its IPv4
/// packets, where the system has it. A row is the two constants.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_ipv4_sibling {
    ($callback:ident) => {
        $callback! {
            TRAFFIC_CLASS => IPV4_TRAFFIC_CLASS;
            HOP_LIMIT => IPV4_TIME_TO_LIVE;
            MIN_HOP_LIMIT => IPV4_MIN_TIME_TO_LIVE;
            PATH_MTU_DISCOVERY => IPV4_PATH_MTU_DISCOVERY;
            DONT_FRAGMENT => IPV4_DONT_FRAGMENT;
            QUEUE_ERRORS => IPV4_QUEUE_ERRORS;
            MULTICAST_HOP_LIMIT => IPV4_MULTICAST_TIME_TO_LIVE;
            MULTICAST_INTERFACE => IPV4_MULTICAST_INTERFACE;
            MULTICAST_LOOPBACK => IPV4_MULTICAST_LOOPBACK;
            MULTICAST_ALL => IPV4_MULTICAST_ALL;
            UNICAST_INTERFACE => IPV4_UNICAST_INTERFACE;
            ERROR_EXTENSIONS => IPV4_ERROR_EXTENSIONS;
            RECEIVE_ORIGINAL_DESTINATION => IPV4_RECEIVE_ORIGINAL_DESTINATION;
            RECEIVE_FRAGMENT_SIZE => IPV4_RECEIVE_FRAGMENT_SIZE;
            RECEIVE_TRAFFIC_CLASS => IPV4_RECEIVE_TRAFFIC_CLASS;
            RECEIVE_ECN => IPV4_RECEIVE_ECN;
            RECEIVE_HOP_LIMIT => IPV4_RECEIVE_TIME_TO_LIVE;
            RECEIVE_PACKET_INFO => IPV4_RECEIVE_PACKET_INFO;
        }
    };
}

/// Passes on the platforms. A row is: the documentation, with the aliases that [`abi::with`](crate::abi::with) takes, the type
/// in [`abi`](crate::abi), and the expression of its table, in the scope of that module. With arguments, they precede the
/// rows.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_platform {
    ($callback:ident $($arguments:tt)*) => {
        $callback! {
            $($arguments)*
            /// Linux with 64-bit programs, little-endian: x86_64, aarch64, riscv64, loongarch64, powerpc64le.
            #[doc(alias = "linux", alias = "android")]
            Linux64 = linux::table(Endian::Little, Width::Eight, linux::Sockets::Generic);
            /// Linux with 64-bit programs, big-endian: s390x, powerpc64.
            Linux64Be = linux::table(Endian::Big, Width::Eight, linux::Sockets::Generic);
            /// Linux with 32-bit programs, little-endian: i686, armv7.
            Linux32 = linux::table(Endian::Little, Width::Four, linux::Sockets::Generic);
            /// Linux with 32-bit programs, big-endian: powerpc.
            Linux32Be = linux::table(Endian::Big, Width::Four, linux::Sockets::Generic);
            /// Linux on 64-bit MIPS, little-endian.
            LinuxMips64 = linux::table(Endian::Little, Width::Eight, linux::Sockets::Mips);
            /// Linux on 64-bit MIPS, big-endian.
            LinuxMips64Be = linux::table(Endian::Big, Width::Eight, linux::Sockets::Mips);
            /// Linux on 32-bit MIPS, little-endian.
            LinuxMips32 = linux::table(Endian::Little, Width::Four, linux::Sockets::Mips);
            /// Linux on 32-bit MIPS, big-endian.
            LinuxMips32Be = linux::table(Endian::Big, Width::Four, linux::Sockets::Mips);
            /// Linux on 64-bit SPARC.
            LinuxSparc64 = linux::table(Endian::Big, Width::Eight, linux::Sockets::Sparc);
            /// Linux on 32-bit SPARC.
            LinuxSparc32 = linux::table(Endian::Big, Width::Four, linux::Sockets::Sparc);
            /// macOS, iOS, tvOS, watchOS and visionOS, on x86_64 and arm64.
            #[doc(alias = "macos", alias = "darwin", alias = "ios", alias = "tvos", alias = "watchos", alias = "visionos")]
            Apple = apple::TABLE;
            /// FreeBSD with 64-bit programs, little-endian: amd64, arm64, riscv64, powerpc64le.
            #[doc(alias = "freebsd")]
            FreeBsd64 = freebsd::table(Endian::Little, 8, GroupReqLayout::ALIGNED_TO_8, 16, Width::Eight);
            /// FreeBSD with 64-bit programs, big-endian: powerpc64.
            FreeBsd64Be = freebsd::table(Endian::Big, 8, GroupReqLayout::ALIGNED_TO_8, 16, Width::Eight);
            /// FreeBSD on i386.
            FreeBsd32 = freebsd::table(Endian::Little, 4, GroupReqLayout::ALIGNED_TO_4, 8, Width::Four);
            /// FreeBSD with i386 programs on an amd64 kernel, which reads their group requests and source filters in its own
            /// layout.
            FreeBsd32On64 = freebsd::table(Endian::Little, 4, GroupReqLayout::ALIGNED_TO_8, 8, Width::Eight);
            /// FreeBSD with 32-bit ARM programs: armv6, armv7.
            FreeBsdArm = freebsd::table(Endian::Little, 4, GroupReqLayout::ALIGNED_TO_8, 16, Width::Four);
            /// DragonFly BSD on x86_64.
            DragonFly = dragonfly::TABLE;
            /// NetBSD on x86_64.
            #[doc(alias = "netbsd")]
            NetBsd64 = netbsd::table(8, 16);
            /// NetBSD on aarch64 and riscv64, where control messages are aligned to 16.
            NetBsdAarch64 = netbsd::table(16, 16);
            /// NetBSD on i386.
            NetBsd32 = netbsd::table(4, 12);
            /// NetBSD with 32-bit ARM programs, where control messages are aligned to 8.
            NetBsdArm = netbsd::table(8, 16);
            /// OpenBSD with 64-bit programs, little-endian: amd64, arm64, riscv64.
            #[doc(alias = "openbsd")]
            OpenBsd64 = openbsd::table(Endian::Little, 8, 16);
            /// OpenBSD with 64-bit programs, big-endian: powerpc64, mips64.
            OpenBsd64Be = openbsd::table(Endian::Big, 8, 16);
            /// OpenBSD on i386.
            OpenBsd32 = openbsd::table(Endian::Little, 4, 12);
            /// OpenBSD with 32-bit ARM programs, where control messages are aligned to 8.
            OpenBsdArm = openbsd::table(Endian::Little, 8, 16);
            /// illumos and Solaris on x86_64.
            #[doc(alias = "illumos", alias = "sunos")]
            Solaris = solaris::table(Endian::Little, 4, solaris::PACKED);
            /// Solaris on SPARC.
            SolarisSparc = solaris::table(Endian::Big, 8, solaris::NOT_PACKED);
            /// AIX with 64-bit programs, big-endian: powerpc64.
            Aix = aix::TABLE;
            /// Windows with 64-bit programs: x86_64, aarch64.
            #[doc(alias = "windows", alias = "win64")]
            Windows64 = windows::table(Width::Eight);
            /// Windows with 32-bit programs: i686.
            #[doc(alias = "win32")]
            Windows32 = windows::table(Width::Four);
        }
    };
}
