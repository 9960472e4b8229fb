//! Windows.
//!
//! The numbers are those of the Windows SDK's `ws2ipdef.h`. The header of a control message is a `WSACMSGHDR`, whose
//! length is a `SIZE_T`; `WSA_CMSGHDR_ALIGN` and `WSA_CMSGDATA_ALIGN` in `mswsock.h` align header and data. A
//! `SOCKADDR_STORAGE` is aligned to eight in 32-bit programs too.
//!
//! Windows has one number for a control message and for the option that delivers it.

use super::number::{IPPROTO_IP, IPPROTO_UDP, message, message_at, option, option_at};
use super::{
    Abi, CmsgLayout, ControlNumbers, Endian, GroupReqLayout, Mapped, MulticastInterface, OptionNumbers,
    PacketInfoMessage, SockaddrLayout, SourceFilterLayout, Width,
};

const CONTROL: ControlNumbers = ControlNumbers {
    packet_info: message(19, 20),
    hop_limit: message(21, 4),
    traffic_class: message(39, 4),
    ecn: message(50, 4),
    type_of_service: message_at(IPPROTO_IP, 3, 4),
    time_to_live: message_at(IPPROTO_IP, 4, 4),
    ipv4_packet_info: message_at(IPPROTO_IP, 19, 8),
    ipv4_ecn: message_at(IPPROTO_IP, 50, 4),
    // UDP_COALESCED_INFO has the number of UDP_RECV_MAX_COALESCED_SIZE. A DWORD, as UDP_SEND_MSG_SIZE.
    coalesced: message_at(IPPROTO_UDP, 3, 4),
    segment_size: message_at(IPPROTO_UDP, 2, 4),
    hop_by_hop: message(1, 8),
    routing_header: message(32, 8),
    ..ControlNumbers::NONE
};

const OPTIONS: OptionNumbers = OptionNumbers {
    traffic_class: option(39),
    hop_limit: option(4),
    multicast_interface: option(9),
    multicast_hop_limit: option(10),
    multicast_loopback: option(11),
    receive_traffic_class: option(40),
    receive_hop_limit: option(21),
    receive_packet_info: option(19),
    receive_ecn: option(50),
    // IPV6_MTU, an integer.
    path_mtu: option(72),
    dont_fragment: option(14),
    only_v6: option(27),
    checksum: option(26),
    header_included: option(2),
    join_group: option(12),
    leave_group: option(13),
    join_source_group: option(45),
    leave_source_group: option(46),
    block_source: option(43),
    unblock_source: option(44),
    queue_errors: option(75),
    path_mtu_discovery: option(71),
    mtu: option(72),
    unicast_interface: option(31),
    receive_routing_header: option(38),
    // Not the memberships of IPv4: whether a dual-stack socket has them is not known.
    ipv4_traffic_class: option_at(IPPROTO_IP, 3),
    ipv4_time_to_live: option_at(IPPROTO_IP, 4),
    ipv4_receive_traffic_class: option_at(IPPROTO_IP, 40),
    ipv4_receive_ecn: option_at(IPPROTO_IP, 50),
    ipv4_receive_time_to_live: option_at(IPPROTO_IP, 21),
    ipv4_receive_packet_info: option_at(IPPROTO_IP, 19),
    ipv4_path_mtu_discovery: option_at(IPPROTO_IP, 71),
    ipv4_dont_fragment: option_at(IPPROTO_IP, 14),
    ipv4_queue_errors: option_at(IPPROTO_IP, 75),
    ipv4_multicast_time_to_live: option_at(IPPROTO_IP, 10),
    ipv4_multicast_interface: option_at(IPPROTO_IP, 9),
    ipv4_multicast_loopback: option_at(IPPROTO_IP, 11),
    hop_by_hop: option(1),
    routing_header: option(32),
    sent_segment_size: option_at(IPPROTO_UDP, 2),
    max_coalesced_size: option_at(IPPROTO_UDP, 3),
    protection_level: option(23),
    user_mtu: option(76),
    ipv4_unicast_interface: option_at(IPPROTO_IP, 31),
    ..OptionNumbers::NONE
};

// `_IOW('t', 127, ULONG)` and `_IOW('t', 126, ULONG)` of ws2ipdef.h.
const SIOCGMSFILTER: u32 = 0x8004_747f;
const SIOCSMSFILTER: u32 = 0x8004_747e;

#[inline]
pub(super) const fn table(pointer: Width) -> Abi {
    let align = pointer.bytes();
    Abi::new(Endian::Little, CmsgLayout::new(pointer, align, align), SockaddrLayout::new(23, false, 28))
        .with_control(CONTROL)
        .with_options(OPTIONS)
        .with_mapped(Mapped {
            receive: PacketInfoMessage::Ipv4,
            send: PacketInfoMessage::Ipv4,
            send_interface_alone: true,
            multicast_interface: MulticastInterface::NetworkOrder,
            join_by_ipv6_option: false,
            send_both: true,
        })
        .with_group_req(GroupReqLayout::ALIGNED_TO_8)
        // MCAST_INCLUDE is 0 (MULTICAST_MODE_TYPE in ws2ipdef.h).
        .with_source_filter(
            SourceFilterLayout::group_filter(GroupReqLayout::ALIGNED_TO_8, (0, 1))
                .with_requests(SIOCGMSFILTER, SIOCSMSFILTER),
        )
}
