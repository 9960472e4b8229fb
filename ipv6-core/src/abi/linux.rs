//! Linux and Android.
//!
//! The numbers are those of the kernel's `include/uapi/linux/in6.h`, `in.h`, `ipv6.h`, `icmpv6.h`, `udp.h` and
//! `include/uapi/asm-generic/socket.h`. MIPS and SPARC have numbers of their own at level `SOL_SOCKET`
//! (`arch/*/include/uapi/asm/socket.h`). The size of a long decides the
//! layout of `struct cmsghdr` (`cmsg_len` is a `__kernel_size_t`) and of group requests (a `struct sockaddr_storage` is
//! aligned to a long).

use super::number::{
    IPPROTO_ICMPV6, IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP, message, message_at, option, option_at,
};
use super::{
    Abi, CmsgLayout, ControlNumber, ControlNumbers, Endian, FilterPolarity, GroupReqLayout, Mapped,
    OptionNumber, OptionNumbers, SockaddrLayout, SourceFilterLayout, Width,
};

const SOL_RAW: i32 = 255;

/// Whose numbers an architecture has at level `SOL_SOCKET`.
#[derive(Clone, Copy)]
pub(super) enum Sockets {
    Generic,
    Mips,
    Sparc,
}

/// Numbers of one fact at level `SOL_SOCKET`: of most architectures, MIPS and SPARC.
#[derive(Clone, Copy)]
struct At(i32, i32, i32);

impl At {
    const fn on(self, sockets: Sockets) -> i32 {
        match sockets {
            Sockets::Generic => self.0,
            Sockets::Mips => self.1,
            Sockets::Sparc => self.2,
        }
    }
}

const SOL_SOCKET: At = At(1, 0xffff, 0xffff);

/// An option of level `SOL_SOCKET`.
const fn socket_option(sockets: Sockets, name: At) -> Option<OptionNumber> {
    option_at(SOL_SOCKET.on(sockets), name.on(sockets))
}

/// Of an option or a message with times: 64-bit programs use the number that every kernel has. In 32-bit programs, it has
/// times of 32 bits, which end in 2038; they use the other one, with times of 64 bits, of Linux 5.1.
const fn time(long: Width, old: At, new: At) -> At {
    match long {
        Width::Eight => old,
        Width::Four => new,
    }
}

/// A message of level `SOL_SOCKET`.
const fn socket_message(sockets: Sockets, kind: At, size: usize) -> Option<ControlNumber> {
    message_at(SOL_SOCKET.on(sockets), kind.on(sockets), size)
}

#[inline]
const fn control(long: Width, sockets: Sockets) -> ControlNumbers {
    ControlNumbers {
        packet_info: message(50, 20),
        hop_limit: message(52, 4),
        traffic_class: message(67, 4),
        flow_label: message(11, 4),
        path_mtu: message(61, 32),
        // struct sock_extended_err and struct sockaddr_in6.
        queued_error: message(25, 44),
        fragment_size: message(77, 4),
        ipv4_fragment_size: message_at(IPPROTO_IP, 25, 4),
        coalesced: message_at(IPPROTO_UDP, 104, 4),
        segment_size: message_at(IPPROTO_UDP, 103, 2),
        // Received in one byte; taken in one byte or as an int (ip_cmsg_send() in net/ipv4/ip_sockglue.c).
        type_of_service: message_at(IPPROTO_IP, 1, 1),
        time_to_live: message_at(IPPROTO_IP, 2, 4),
        ipv4_packet_info: message_at(IPPROTO_IP, 8, 12),
        // Not next_hop: IPV6_NEXTHOP is 9 in the headers, and ip6_datagram_send_ctl() in net/ipv6/datagram.c answers EINVAL.
        hop_by_hop: message(54, 8),
        destination_options: message(59, 8),
        first_destination_options: message(55, 8),
        routing_header: message(57, 8),
        dont_fragment: message(62, 4),
        original_destination: message(74, 28),
        ipv4_original_destination: message_at(IPPROTO_IP, 20, 16),
        timestamp: socket_message(sockets, time(long, At(29, 29, 29), At(63, 63, 70)), 16),
        timestamp_ns: socket_message(sockets, time(long, At(35, 35, 33), At(64, 64, 66)), 16),
        timestamping: socket_message(sockets, time(long, At(37, 37, 35), At(65, 65, 67)), 48),
        timestamp_packet_info: socket_message(sockets, At(58, 58, 60), 16),
        // Only since 6.9 does the kernel take the other number to send (__sock_cmsg_send() in net/core/sock.c).
        timestamp_request: socket_message(sockets, At(37, 37, 35), 4),
        timestamp_id: socket_message(sockets, At(81, 81, 90), 4),
        tx_time: socket_message(sockets, At(61, 61, 63), 8),
        mark: socket_message(sockets, At(36, 36, 34), 4),
        priority: socket_message(sockets, At(12, 12, 12), 4),
        dropped: socket_message(sockets, At(40, 40, 36), 4),
        ..ControlNumbers::NONE
    }
}

#[inline]
const fn options(long: Width, sockets: Sockets) -> OptionNumbers {
    OptionNumbers {
        traffic_class: option(67),
        hop_limit: option(16),
        multicast_interface: option(17),
        multicast_hop_limit: option(18),
        multicast_loopback: option(19),
        receive_traffic_class: option(66),
        receive_hop_limit: option(51),
        receive_packet_info: option(49),
        receive_path_mtu: option(60),
        receive_flow_label: option(11),
        receive_fragment_size: option(77),
        path_mtu: option(61),
        min_hop_limit: option(73),
        dont_fragment: option(62),
        only_v6: option(26),
        freebind: option(78),
        transparent: option(75),
        // RFC 3542 section 3.1 has this option at IPPROTO_IPV6, and net/ipv6/raw.c takes it there too; raw(7) and libc
        // document SOL_RAW.
        checksum: option_at(SOL_RAW, 7),
        header_included: option(36),
        icmp6_filter: option_at(IPPROTO_ICMPV6, 1),
        stream_control: option(6),
        ipv4_stream_control: option_at(IPPROTO_IP, 9),
        join_group: option(20),
        leave_group: option(21),
        join_source_group: option(46),
        leave_source_group: option(47),
        flow_label_manager: option(32),
        tcp_md5_key: option_at(IPPROTO_TCP, 14),
        tcp_md5_key_extended: option_at(IPPROTO_TCP, 32),
        tcp_ao_add_key: option_at(IPPROTO_TCP, 38),
        tcp_ao_delete_key: option_at(IPPROTO_TCP, 39),
        tcp_ao_info: option_at(IPPROTO_TCP, 40),
        source_filter: option(48),
        block_source: option(43),
        unblock_source: option(44),
        coalesce: option_at(IPPROTO_UDP, 104),
        queue_errors: option(25),
        ipv4_traffic_class: option_at(IPPROTO_IP, 1),
        ipv4_time_to_live: option_at(IPPROTO_IP, 2),
        ipv4_receive_traffic_class: option_at(IPPROTO_IP, 13),
        ipv4_receive_time_to_live: option_at(IPPROTO_IP, 12),
        ipv4_path_mtu_discovery: option_at(IPPROTO_IP, 10),
        ipv4_queue_errors: option_at(IPPROTO_IP, 11),
        ipv4_min_time_to_live: option_at(IPPROTO_IP, 21),
        ipv4_multicast_time_to_live: option_at(IPPROTO_IP, 33),
        ipv4_multicast_interface: option_at(IPPROTO_IP, 32),
        ipv4_multicast_loopback: option_at(IPPROTO_IP, 34),
        ipv4_multicast_all: option_at(IPPROTO_IP, 49),
        ipv4_error_extensions: option_at(IPPROTO_IP, 26),
        ipv4_join_group: option_at(IPPROTO_IP, 35),
        ipv4_leave_group: option_at(IPPROTO_IP, 36),
        ipv4_join_source_group: option_at(IPPROTO_IP, 46),
        ipv4_leave_source_group: option_at(IPPROTO_IP, 47),
        ipv4_block_source: option_at(IPPROTO_IP, 43),
        ipv4_unblock_source: option_at(IPPROTO_IP, 44),
        ipv4_source_filter: option_at(IPPROTO_IP, 48),
        attach_filter: socket_option(sockets, At(26, 26, 26)),
        detach_filter: socket_option(sockets, At(27, 27, 27)),
        path_mtu_discovery: option(23),
        mtu: option(24),
        send_flow_info: option(33),
        auto_flow_label: option(70),
        error_extensions: option(31),
        receive_original_destination: option(74),
        unicast_interface: option(76),
        multicast_all: option(29),
        receive_hop_by_hop: option(53),
        receive_destination_options: option(58),
        receive_routing_header: option(56),
        router_alert: option(22),
        router_alert_isolate: option(30),
        join_anycast: option(27),
        leave_anycast: option(28),
        hop_by_hop: option(54),
        destination_options: option(59),
        first_destination_options: option(55),
        routing_header: option(57),
        sticky_packet_info: option(50),
        address_preferences: option(72),
        original_destination: option(80),
        receive_timestamp: socket_option(sockets, time(long, At(29, 29, 29), At(63, 63, 70))),
        receive_timestamp_ns: socket_option(sockets, time(long, At(35, 35, 33), At(64, 64, 66))),
        timestamping: socket_option(sockets, time(long, At(37, 37, 35), At(65, 65, 67))),
        send_times: socket_option(sockets, At(61, 61, 63)),
        max_pacing_rate: socket_option(sockets, At(47, 47, 49)),
        receive_dropped: socket_option(sockets, At(40, 40, 36)),
        memory: socket_option(sockets, At(55, 55, 57)),
        mark: socket_option(sockets, At(36, 36, 34)),
        receive_mark: socket_option(sockets, At(75, 75, 84)),
        priority: socket_option(sockets, At(12, 12, 12)),
        receive_priority: socket_option(sockets, At(82, 82, 91)),
        device_index: socket_option(sockets, At(62, 62, 65)),
        local_ports: option_at(IPPROTO_IP, 51),
        bind_without_port: option_at(IPPROTO_IP, 24),
        reuse_address: socket_option(sockets, At(2, 4, 4)),
        reuse_port: socket_option(sockets, At(15, 512, 512)),
        detach_port_selector: socket_option(sockets, At(68, 68, 71)),
        lock_filter: socket_option(sockets, At(44, 44, 40)),
        incoming_cpu: socket_option(sockets, At(49, 49, 51)),
        incoming_napi_id: socket_option(sockets, At(56, 56, 58)),
        busy_poll: socket_option(sockets, At(46, 46, 48)),
        prefer_busy_poll: socket_option(sockets, At(69, 69, 72)),
        busy_poll_budget: socket_option(sockets, At(70, 70, 73)),
        select_error_queue: socket_option(sockets, At(45, 45, 41)),
        zero_copy: socket_option(sockets, At(60, 60, 62)),
        receive_buffer: socket_option(sockets, At(8, 4098, 4098)),
        send_buffer: socket_option(sockets, At(7, 4097, 4097)),
        forced_receive_buffer: socket_option(sockets, At(33, 33, 4107)),
        forced_send_buffer: socket_option(sockets, At(32, 31, 4106)),
        cookie: socket_option(sockets, At(57, 57, 59)),
        domain: socket_option(sockets, At(39, 4137, 4137)),
        protocol: socket_option(sockets, At(38, 4136, 4136)),
        sent_segment_size: option_at(IPPROTO_UDP, 103),
        send_without_checksum: option_at(IPPROTO_UDP, 101),
        receive_without_checksum: option_at(IPPROTO_UDP, 102),
        encapsulation: option_at(IPPROTO_UDP, 100),
        ipv4_receive_original_destination: option_at(IPPROTO_IP, 20),
        ipv4_receive_fragment_size: option_at(IPPROTO_IP, 25),
        ipv4_unicast_interface: option_at(IPPROTO_IP, 50),
        device: socket_option(sockets, At(25, 25, 13)),
        attach_port_selector: socket_option(sockets, At(51, 51, 53)),
        attach_ebpf_port_selector: socket_option(sockets, At(52, 52, 54)),
        attach_ebpf_filter: socket_option(sockets, At(50, 50, 52)),
        ..OptionNumbers::NONE
    }
}

#[inline]
pub(super) const fn table(endian: Endian, long: Width, sockets: Sockets) -> Abi {
    let align = long.bytes();
    let group_req = match long {
        Width::Four => GroupReqLayout::ALIGNED_TO_4,
        Width::Eight => GroupReqLayout::ALIGNED_TO_8,
    };
    Abi::new(endian, CmsgLayout::new(long, align, align), SockaddrLayout::new(10, false, 28))
        .with_control(control(long, sockets))
        .with_options(options(long, sockets))
        .with_group_req(group_req)
        // MCAST_EXCLUDE is 0 (include/uapi/linux/in.h).
        .with_source_filter(SourceFilterLayout::group_filter(group_req, (1, 0)))
        .with_icmp6_filter(FilterPolarity::SetBlocks)
        .with_mapped(Mapped { send_interface_alone: true, ..Mapped::IPV6_PACKET_INFO })
}
