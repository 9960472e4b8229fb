//! `set_control_flags`: each flag on and off, alone and beside the others, and what each delivers.

mod common;

use std::net::UdpSocket;

use common::*;
use ipv6_std::*;

ipv6_testnet::tests! {
    [Namespace] every_combination_delivers_what_it_names;
    [Namespace] one_flag_off_leaves_the_others;
    [Namespace] scar_37_a_flag_off_leaves_its_sibling;
    [Namespace] flags_of_a_socket_are_found;
    [Namespace] scar_3_all_flags_fit_in_the_buffer;
    [Namespace] some_zero_is_sent_as_zero;
    [Namespace] a_reply_comes_from_the_address_asked;
    [Namespace] scar_35_next_hop_is_unsupported_by_name;
}

/// What a datagram that is sent now tells.
fn told(conn: &PacketConn) -> RecvControl<'static> {
    let control = SendControl::new().with_traffic_class(0xe0).with_hop_limit(9);
    conn.send_to(b"x", &control, conn.local_addr().unwrap()).unwrap();
    let (_, got) = receive(conn);
    assert!(!got.control_truncated);
    got.control
}

fn names(control: &RecvControl<'_>) -> ControlFlags {
    let mut flags = ControlFlags::empty();
    flags.set(ControlFlags::TRAFFIC_CLASS, control.traffic_class.is_some());
    flags.set(ControlFlags::HOP_LIMIT, control.hop_limit.is_some());
    flags.set(ControlFlags::DESTINATION, control.destination.is_some());
    flags.set(ControlFlags::INTERFACE, control.interface.is_some());
    flags.set(ControlFlags::PATH_MTU, control.path_mtu.is_some());
    flags
}

fn every_combination_delivers_what_it_names() {
    let conn = loopback();
    for bits in 0..=ControlFlags::all().bits() {
        let flags = ControlFlags::from_bits(bits).unwrap();
        conn.set_control_flags(flags, true).unwrap();
        conn.set_control_flags(!flags, false).unwrap();
        assert_eq!(conn.control_flags(), flags);
        // News of a path MTU comes by itself, or not.
        assert_eq!(names(&told(&conn)), flags - ControlFlags::PATH_MTU);
    }
}

fn one_flag_off_leaves_the_others() {
    let conn = loopback();
    for flag in ControlFlags::all().iter() {
        conn.set_control_flags(ControlFlags::all(), true).unwrap();
        conn.set_control_flags(flag, false).unwrap();
        assert_eq!(conn.control_flags(), ControlFlags::all() - flag);
        assert_eq!(names(&told(&conn)), ControlFlags::all() - flag - ControlFlags::PATH_MTU);
    }
}

fn scar_37_a_flag_off_leaves_its_sibling() {
    let conn = loopback();
    let (destination, interface) = (ControlFlags::DESTINATION, ControlFlags::INTERFACE);
    for (one, other) in [(destination, interface), (interface, destination)] {
        conn.set_control_flags(destination | interface, true).unwrap();
        conn.set_control_flags(one, false).unwrap();
        assert_eq!(names(&told(&conn)), other);
        conn.set_control_flags(other, false).unwrap();
        assert_eq!(names(&told(&conn)), ControlFlags::empty());
    }
}

fn flags_of_a_socket_are_found() {
    let socket = UdpSocket::bind("[::1]:0").unwrap();
    PacketConn::new(&socket).unwrap().set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    let conn = PacketConn::new(&socket).unwrap();
    assert_eq!(conn.control_flags(), ControlFlags::HOP_LIMIT);
    conn.set_control_flags(ControlFlags::INTERFACE, true).unwrap();
    let both = ControlFlags::DESTINATION | ControlFlags::INTERFACE;
    assert_eq!(PacketConn::new(&socket).unwrap().control_flags(), both | ControlFlags::HOP_LIMIT);
}

fn scar_3_all_flags_fit_in_the_buffer() {
    let conn = loopback();
    conn.set_control_flags(ControlFlags::all(), true).unwrap();
    assert_eq!(names(&told(&conn)), ControlFlags::all() - ControlFlags::PATH_MTU);
}

fn some_zero_is_sent_as_zero() {
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::TRAFFIC_CLASS | ControlFlags::HOP_LIMIT, true).unwrap();
    sender.set_traffic_class(0xe0).unwrap();
    let to = receiver.local_addr().unwrap();
    sender.send_to(b"x", &SendControl::new().with_traffic_class(0).with_hop_limit(0), to).unwrap();
    let (_, got) = receive(&receiver);
    assert_eq!((got.control.traffic_class, got.control.hop_limit), (Some(0), Some(0)));
}

fn a_reply_comes_from_the_address_asked() {
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

fn scar_35_next_hop_is_unsupported_by_name() {
    let conn = loopback();
    let control = SendControl::new().with_next_hop("[fe80::1%1]:0".parse().unwrap());
    let error = conn.send_to(b"x", &control, conn.local_addr().unwrap()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    assert!(error.to_string().contains("IPV6_NEXTHOP"), "{error}");
    // The core's own error is the source.
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<EncodeError>());
    assert_eq!(source, Some(&EncodeError::Unsupported(Control::NextHop)));
}
