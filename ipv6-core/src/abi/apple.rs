//! macOS, iOS and their siblings.
//!
//! The numbers are those of xnu's `bsd/netinet6/in6.h`, `bsd/netinet/in.h` and `bsd/netinet/icmp6.h`, for a program that
//! asks for RFC 3542 (`__APPLE_USE_RFC_3542`). In a control buffer everything is aligned to four (`__DARWIN_ALIGN32`),
//! and group requests are packed to four, in 64-bit programs too.

use super::number::{IPPROTO_IP, SOL_SOCKET, message, message_at, option, option_at};
use super::{
    Abi, ControlNumbers, Endian, GroupReqLayout, Mapped, OptionNumbers, PacketInfoMessage,
    SourceFilterLayout, Width, bsd,
};

pub(super) const TABLE: Abi = bsd::table(Endian::Little, 30, 4)
    .with_control(ControlNumbers {
        traffic_class: message(36, 4),
        // To send: so_tos_from_control() in bsd/kern/uipc_socket.c takes exactly an int.
        type_of_service: message_at(IPPROTO_IP, 3, 4),
        ipv4_packet_info: message_at(IPPROTO_IP, 26, 12),
        first_destination_options: message(57, 8),
        timestamp: message_at(SOL_SOCKET, 2, 16),
        mach_time: message_at(SOL_SOCKET, 4, 8),
        ..bsd::CONTROL
    })
    .with_options(OptionNumbers {
        traffic_class: option(36),
        receive_traffic_class: option(35),
        receive_packet_info: option(61),
        bound_interface: option(125),
        auto_flow_label: option(59),
        first_destination_options: option(57),
        sticky_next_hop: option(48),
        address_preferences: option(63),
        receive_timestamp: option_at(SOL_SOCKET, 1024),
        receive_timestamp_monotonic: option_at(SOL_SOCKET, 2048),
        max_pacing_rate: option_at(SOL_SOCKET, 4406),
        service_type: option_at(SOL_SOCKET, 4374),
        port_range: option(14),
        // IPV6_MSFILTER.
        source_filter: option(74),
        ..bsd::OPTIONS_WITH_SOURCES
    })
    .with_group_req(GroupReqLayout::ALIGNED_TO_4)
    // Packed to four too, but `__msfr_align` precedes the group.
    .with_source_filter(SourceFilterLayout::msfilterreq(8, Width::Eight))
    .with_mapped(Mapped {
        send: PacketInfoMessage::Ipv4,
        send_interface_alone: true,
        join_by_ipv6_option: true,
        send_both: false,
        ..Mapped::IPV6_PACKET_INFO
    });
