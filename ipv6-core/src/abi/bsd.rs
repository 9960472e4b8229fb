//! What the systems with the KAME stack share: FreeBSD, DragonFly BSD, NetBSD, OpenBSD, and Apple's with more
//! differences. Each of their tables starts from these and names what differs.
//!
//! The numbers are those of `netinet6/in6.h` and `netinet/icmp6.h`.

use super::number::{IPPROTO_ICMPV6, SOL_SOCKET, message, option, option_at};
use super::{Abi, CmsgLayout, ControlNumbers, Endian, FilterPolarity, OptionNumbers, SockaddrLayout, Width};

/// The control messages.
pub(super) const CONTROL: ControlNumbers = ControlNumbers {
    packet_info: message(46, 20),
    hop_limit: message(47, 4),
    traffic_class: message(61, 4),
    path_mtu: message(44, 32),
    next_hop: message(48, 28),
    hop_by_hop: message(49, 8),
    destination_options: message(50, 8),
    first_destination_options: message(35, 8),
    routing_header: message(51, 8),
    dont_fragment: message(62, 4),
    use_min_mtu: message(42, 4),
    ..ControlNumbers::NONE
};

/// The socket options. Source filters are not among them: NetBSD, OpenBSD and DragonFly BSD have none.
pub(super) const OPTIONS: OptionNumbers = OptionNumbers {
    traffic_class: option(61),
    hop_limit: option(4),
    multicast_interface: option(9),
    multicast_hop_limit: option(10),
    multicast_loopback: option(11),
    receive_traffic_class: option(57),
    receive_hop_limit: option(37),
    receive_packet_info: option(36),
    receive_path_mtu: option(43),
    path_mtu: option(44),
    dont_fragment: option(62),
    only_v6: option(27),
    checksum: option(26),
    icmp6_filter: option_at(IPPROTO_ICMPV6, 18),
    join_group: option(12),
    leave_group: option(13),
    receive_hop_by_hop: option(39),
    receive_destination_options: option(40),
    receive_routing_header: option(38),
    use_min_mtu: option(42),
    hop_by_hop: option(49),
    destination_options: option(50),
    first_destination_options: option(35),
    routing_header: option(51),
    sticky_packet_info: option(46),
    reuse_address: option_at(SOL_SOCKET, 4),
    reuse_port: option_at(SOL_SOCKET, 512),
    receive_buffer: option_at(SOL_SOCKET, 4098),
    send_buffer: option_at(SOL_SOCKET, 4097),
    ..OptionNumbers::NONE
};

/// The options of source filters, where there are any.
pub(super) const OPTIONS_WITH_SOURCES: OptionNumbers = OptionNumbers {
    join_source_group: option(82),
    leave_source_group: option(83),
    block_source: option(84),
    unblock_source: option(85),
    ..OPTIONS
};

/// A system with these messages and options and the number of its `AF_INET6`. Control messages have a length of four
/// bytes; `align` aligns their headers and their data.
#[inline]
pub(super) const fn table(endian: Endian, af_inet6: u8, align: usize) -> Abi {
    Abi::new(endian, CmsgLayout::new(Width::Four, align, align), SockaddrLayout::new(af_inet6, true, 28))
        .with_control(CONTROL)
        .with_options(OPTIONS)
        .with_icmp6_filter(FilterPolarity::SetPasses)
}
