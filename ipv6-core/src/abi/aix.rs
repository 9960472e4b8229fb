//! AIX.
//!
//! The numbers are those of `netinet/in.h` and `netinet/icmp6.h`. Control messages follow one another without padding
//! (`CMSG_SPACE` is `CMSG_LEN` in `sys/socket.h`). A `struct sockaddr_storage` has 1,288 bytes.

use super::number::{IPPROTO_ICMPV6, SOL_SOCKET, message, option, option_at};
use super::{
    Abi, CmsgLayout, ControlNumbers, Endian, FilterPolarity, GroupReqLayout, OptionNumbers, SockaddrLayout,
    Width,
};

const CONTROL: ControlNumbers = ControlNumbers {
    packet_info: message(33, 20),
    hop_limit: message(40, 4),
    traffic_class: message(43, 4),
    path_mtu: message(46, 32),
    next_hop: message(48, 28),
    hop_by_hop: message(52, 8),
    destination_options: message(54, 8),
    first_destination_options: message(55, 8),
    routing_header: message(50, 8),
    dont_fragment: message(45, 4),
    use_min_mtu: message(44, 4),
    ..ControlNumbers::NONE
};

const OPTIONS: OptionNumbers = OptionNumbers {
    traffic_class: option(43),
    hop_limit: option(4),
    multicast_interface: option(9),
    multicast_hop_limit: option(10),
    multicast_loopback: option(11),
    receive_traffic_class: option(42),
    receive_hop_limit: option(41),
    receive_packet_info: option(35),
    receive_path_mtu: option(47),
    path_mtu: option(46),
    dont_fragment: option(45),
    only_v6: option(37),
    checksum: option(39),
    icmp6_filter: option_at(IPPROTO_ICMPV6, 38),
    join_group: option(12),
    leave_group: option(13),
    join_source_group: option(66),
    leave_source_group: option(67),
    block_source: option(64),
    unblock_source: option(65),
    receive_hop_by_hop: option(53),
    receive_destination_options: option(56),
    receive_routing_header: option(51),
    use_min_mtu: option(44),
    hop_by_hop: option(52),
    destination_options: option(54),
    first_destination_options: option(55),
    routing_header: option(50),
    sticky_packet_info: option(33),
    sticky_next_hop: option(48),
    address_preferences: option(74),
    receive_timestamp_ns: option_at(SOL_SOCKET, 4106),
    reuse_address: option_at(SOL_SOCKET, 4),
    reuse_port: option_at(SOL_SOCKET, 512),
    receive_buffer: option_at(SOL_SOCKET, 4098),
    send_buffer: option_at(SOL_SOCKET, 4097),
    ..OptionNumbers::NONE
};

pub(super) const TABLE: Abi =
    Abi::new(Endian::Big, CmsgLayout::new(Width::Four, 1, 1), SockaddrLayout::new(24, true, 28))
        .with_control(CONTROL)
        .with_options(OPTIONS)
        .with_group_req(GroupReqLayout::new(8, 1296, 2584))
        .with_icmp6_filter(FilterPolarity::SetPasses);
