//! `set_control_flags`: each flag enabled and disabled, alone and with others, and the messages that it delivers.

mod common;

use std::net::UdpSocket;

use common::*;
use ipv6_std::option::SocketOption;
use ipv6_std::*;

ipv6_testnet::tests! {
    [Namespace] every_combination_of_flags_delivers_its_messages;
    [Namespace] disabling_one_flag_keeps_the_others;
    [Namespace] disabling_destination_keeps_interface_and_vice_versa;
    [Namespace] flags_that_are_already_enabled_are_read_from_the_socket;
    [Namespace] the_messages_of_all_flags_fit_into_the_control_buffer;
    [Namespace] the_supported_flags_are_enabled_without_an_error;
    [Namespace] a_flow_label_of_0_is_absent_unless_there_is_a_traffic_class;
    [Namespace] zero_is_sent_as_zero;
    [Namespace] a_reply_comes_from_the_address_that_received_the_request;
    [Namespace] an_unsupported_next_hop_is_an_error_that_names_the_option;
}

/// The control messages of a datagram sent now.
fn received_control(conn: &PacketConn) -> RecvControl<'static> {
    let label = FlowLabel::new(0x12345).unwrap();
    let control = SendControl::new().with_traffic_class(0xe0).with_hop_limit(9).with_flow_label(label);
    conn.send_to(b"x", &control, conn.local_addr().unwrap()).unwrap();
    let (_, got) = receive(conn);
    assert!(!got.control_truncated);
    assert!(got.control.flow_label.is_none_or(|received| received == label));
    got.control
}

/// The flags of the fields that are set.
fn flags_of(control: &RecvControl<'_>) -> ControlFlags {
    let mut flags = ControlFlags::empty();
    flags.set(ControlFlags::TRAFFIC_CLASS, control.traffic_class.is_some());
    flags.set(ControlFlags::HOP_LIMIT, control.hop_limit.is_some());
    flags.set(ControlFlags::DESTINATION, control.destination.is_some());
    flags.set(ControlFlags::INTERFACE, control.interface.is_some());
    flags.set(ControlFlags::PATH_MTU, control.path_mtu.is_some());
    flags.set(ControlFlags::FLOW_LABEL, control.flow_label.is_some());
    flags
}

fn every_combination_of_flags_delivers_its_messages() {
    let conn = loopback();
    for bits in 0..=ControlFlags::all().bits() {
        let flags = ControlFlags::from_bits(bits).unwrap();
        conn.set_control_flags(flags, true).unwrap();
        conn.set_control_flags(!flags, false).unwrap();
        assert_eq!(conn.control_flags(), flags);
        // A path MTU message comes by itself, when the path MTU changes.
        assert_eq!(flags_of(&received_control(&conn)), flags - ControlFlags::PATH_MTU);
    }
}

fn disabling_one_flag_keeps_the_others() {
    let conn = loopback();
    for flag in ControlFlags::all().iter() {
        conn.set_control_flags(ControlFlags::all(), true).unwrap();
        conn.set_control_flags(flag, false).unwrap();
        assert_eq!(conn.control_flags(), ControlFlags::all() - flag);
        assert_eq!(flags_of(&received_control(&conn)), ControlFlags::all() - flag - ControlFlags::PATH_MTU);
    }
}

// Scar 37: in Go, turning FlagDst off turns FlagInterface off.
fn disabling_destination_keeps_interface_and_vice_versa() {
    let conn = loopback();
    let (destination, interface) = (ControlFlags::DESTINATION, ControlFlags::INTERFACE);
    for (one, other) in [(destination, interface), (interface, destination)] {
        conn.set_control_flags(destination | interface, true).unwrap();
        conn.set_control_flags(one, false).unwrap();
        assert_eq!(flags_of(&received_control(&conn)), other);
        conn.set_control_flags(other, false).unwrap();
        assert_eq!(flags_of(&received_control(&conn)), ControlFlags::empty());
    }
}

fn flags_that_are_already_enabled_are_read_from_the_socket() {
    let socket = UdpSocket::bind("[::1]:0").unwrap();
    PacketConn::new(&socket).unwrap().set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    let conn = PacketConn::new(&socket).unwrap();
    assert_eq!(conn.control_flags(), ControlFlags::HOP_LIMIT);
    conn.set_control_flags(ControlFlags::INTERFACE, true).unwrap();
    let both = ControlFlags::DESTINATION | ControlFlags::INTERFACE;
    assert_eq!(PacketConn::new(&socket).unwrap().control_flags(), both | ControlFlags::HOP_LIMIT);
}

// Scar 3 (noq#778): four IPv6 messages need 120 bytes, and the buffer had 96.
fn the_messages_of_all_flags_fit_into_the_control_buffer() {
    let conn = loopback();
    conn.set_control_flags(ControlFlags::all(), true).unwrap();
    assert_eq!(flags_of(&received_control(&conn)), ControlFlags::all() - ControlFlags::PATH_MTU);
}

fn the_supported_flags_are_enabled_without_an_error() {
    let conn = loopback();
    conn.set_control_flags(ControlFlags::SUPPORTED, true).unwrap();
    assert_eq!(conn.control_flags(), ControlFlags::supported_by::<Host>());
    assert_eq!(
        flags_of(&received_control(&conn)),
        ControlFlags::SUPPORTED.as_supported_by::<Host>() - ControlFlags::PATH_MTU
    );
    conn.set_control_flags(ControlFlags::SUPPORTED, false).unwrap();
    assert_eq!(conn.control_flags(), ControlFlags::empty());
}

fn a_flow_label_of_0_is_absent_unless_there_is_a_traffic_class() {
    let conn = loopback();
    conn.set_control_flags(ControlFlags::FLOW_LABEL, true).unwrap();
    // Otherwise the kernel chooses a label in place of 0.
    conn.set_option(&SocketOption::<bool>::custom(41, 70, "IPV6_AUTOFLOWLABEL"), false).unwrap();
    for (class, label) in [(0, None), (0x28, Some(FlowLabel::ZERO))] {
        let control = SendControl::new().with_traffic_class(class).with_flow_label(FlowLabel::ZERO);
        conn.send_to(b"x", &control, conn.local_addr().unwrap()).unwrap();
        assert_eq!(receive(&conn).1.control.flow_label, label);
    }
}

fn zero_is_sent_as_zero() {
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::TRAFFIC_CLASS | ControlFlags::HOP_LIMIT, true).unwrap();
    sender.set_traffic_class(0xe0).unwrap();
    let to = receiver.local_addr().unwrap();
    sender.send_to(b"x", &SendControl::new().with_traffic_class(0).with_hop_limit(0), to).unwrap();
    let (_, got) = receive(&receiver);
    assert_eq!((got.control.traffic_class, got.control.hop_limit), (Some(0), Some(0)));
}

fn a_reply_comes_from_the_address_that_received_the_request() {
    let server = PacketConn::bind("[::]:0").unwrap();
    server.set_deadline(soon());
    server.set_control_flags(ControlFlags::DESTINATION | ControlFlags::INTERFACE, true).unwrap();
    let client = loopback();
    client.send_to(b"?", &SendControl::new(), at("::1".parse().unwrap(), port(&server))).unwrap();
    let (_, asked) = receive(&server);
    let reply = asked.control.reply();
    assert_eq!(reply.source, Some("::1".parse().unwrap()));
    server.send_to(b"!", &reply, asked.source).unwrap();
    assert_eq!(*receive(&client).1.source.ip(), "::1".parse::<std::net::Ipv6Addr>().unwrap());
}

// Scar 35: Go drops NextHop without an error on Linux.
fn an_unsupported_next_hop_is_an_error_that_names_the_option() {
    let conn = loopback();
    let control = SendControl::new().with_next_hop("[fe80::1%1]:0".parse().unwrap());
    let error = conn.send_to(b"x", &control, conn.local_addr().unwrap()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    assert!(error.to_string().contains("IPV6_NEXTHOP"), "{error}");
    // The source of the error is the error of `ipv6-core`.
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<EncodeError>());
    assert_eq!(source, Some(&EncodeError::Unsupported(Control::NextHop)));
}
