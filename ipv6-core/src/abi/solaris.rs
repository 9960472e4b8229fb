//! illumos and Solaris.
//!
//! The numbers are those of `sys/netinet/in.h` and `netinet/icmp6.h`. An address ends with `__sin6_src_id`, which makes
//! it 32 bytes. In a control buffer headers are aligned to four, on SPARC to eight, and data always to four
//! (`_CMSG_HDR_ALIGNMENT` and `_CMSG_DATA_ALIGNMENT` in `sys/socket.h`). `netinet/in.h` packs group requests to four
//! on x86, where 32-bit programs align a `long long` to four. On SPARC it is aligned to eight in all programs, and group
//! requests are not packed (calculated, not compiled). A `struct sockaddr_storage` has 256 bytes.

use super::number::{IPPROTO_ICMPV6, SOL_SOCKET, message, message_at, option, option_at};
use super::{
    Abi, CmsgLayout, ControlNumbers, Endian, FilterPolarity, GroupReqLayout, OptionNumbers, SockaddrLayout,
    SourceFilterLayout, Width,
};

const CONTROL: ControlNumbers = ControlNumbers {
    packet_info: message(11, 20),
    hop_limit: message(12, 4),
    traffic_class: message(38, 4),
    path_mtu: message(37, 36),
    next_hop: message(13, 32),
    hop_by_hop: message(14, 8),
    destination_options: message(15, 8),
    first_destination_options: message(17, 8),
    routing_header: message(16, 8),
    dont_fragment: message(33, 4),
    use_min_mtu: message(32, 4),
    timestamp: message_at(SOL_SOCKET, 4115, 16),
    ..ControlNumbers::NONE
};

const OPTIONS: OptionNumbers = OptionNumbers {
    traffic_class: option(38),
    hop_limit: option(5),
    multicast_interface: option(6),
    multicast_hop_limit: option(7),
    multicast_loopback: option(8),
    receive_traffic_class: option(25),
    receive_hop_limit: option(19),
    receive_packet_info: option(18),
    receive_path_mtu: option(36),
    path_mtu: option(37),
    dont_fragment: option(33),
    only_v6: option(39),
    bound_interface: option(65),
    checksum: option(24),
    icmp6_filter: option_at(IPPROTO_ICMPV6, 1),
    join_group: option(9),
    leave_group: option(10),
    join_source_group: option(45),
    leave_source_group: option(46),
    block_source: option(43),
    unblock_source: option(44),
    receive_hop_by_hop: option(20),
    receive_destination_options: option(40),
    receive_first_destination_options: option(23),
    receive_routing_header: option(22),
    use_min_mtu: option(32),
    hop_by_hop: option(14),
    destination_options: option(15),
    first_destination_options: option(17),
    routing_header: option(16),
    sticky_packet_info: option(11),
    sticky_next_hop: option(13),
    address_preferences: option(35),
    receive_timestamp: option_at(SOL_SOCKET, 4115),
    reuse_address: option_at(SOL_SOCKET, 4),
    receive_buffer: option_at(SOL_SOCKET, 4098),
    send_buffer: option_at(SOL_SOCKET, 4097),
    domain: option_at(SOL_SOCKET, 4108),
    ..OptionNumbers::NONE
};

// `_IOWR('i', 178, 0)` and `_IOW('i', 179, 0)` of sys/sockio.h: the size is that of an int.
const SIOCGMSFILTER: u32 = 0xc004_69b2;
const SIOCSMSFILTER: u32 = 0x8004_69b3;

/// Group requests that are packed to four.
pub(super) const PACKED: GroupReqLayout = GroupReqLayout::new(4, 260, 516);
/// Group requests that are not packed.
pub(super) const NOT_PACKED: GroupReqLayout = GroupReqLayout::new(8, 264, 520);

#[inline]
pub(super) const fn table(endian: Endian, header_align: usize, group_req: GroupReqLayout) -> Abi {
    Abi::new(endian, CmsgLayout::new(Width::Four, header_align, 4), SockaddrLayout::new(26, false, 32))
        .with_control(CONTROL)
        .with_options(OPTIONS)
        .with_group_req(group_req)
        .with_source_filter(
            SourceFilterLayout::group_filter(group_req, (1, 2)).with_requests(SIOCGMSFILTER, SIOCSMSFILTER),
        )
        .with_icmp6_filter(FilterPolarity::SetPasses)
}
