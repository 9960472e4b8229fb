//! Reception of IPv4 datagrams on dual-stack sockets: control messages, batches, and queued errors. The peer is a plain
//! `AF_INET` socket on another host. `SCARS.md` in this folder explains the numbers.

mod common;

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};

use common::*;
use ipv6_std::message::{HopLimit, Ipv4PacketInfo, PacketInfo, TimeToLive, TrafficClass, TypeOfService};
use ipv6_std::option::SocketOption;
use ipv6_std::*;
use ipv6_testnet::{Host, Line, Pair, acquaint};
use socket2::SockRef;

ipv6_testnet::tests! {
    [Namespace, Ipv4] every_combination_of_flags_delivers_its_fields;
    [Namespace, Ipv4] every_type_of_service_and_time_to_live_is_received;
    [Namespace, Ipv4] messages_by_type_are_those_of_the_family;
    [Namespace, Ipv4] a_batch_has_the_fields_of_both_families;
    [Namespace, Ipv4] coalesced_datagrams_have_the_fields_of_ipv4;
    [Namespace, Ipv4] both_packet_infos_may_arrive;
    [Namespace, Ipv4] truncated_control_data_has_the_messages_that_arrived_whole;
    [Namespace, Ipv4] a_broadcast_is_a_mapped_destination;
    [Namespace, Ipv4] flags_are_enabled_for_ipv4_when_a_socket_becomes_a_dual_stack_socket;
    [Namespace, Ipv4] flags_that_were_enabled_for_ipv6_are_enabled_for_both_when_the_socket_is_wrapped;
    [Namespace, Ipv4] an_ipv6_only_socket_has_no_option_of_ipv4;
    [Namespace, Ipv4] errors_of_icmp_are_queued_with_type_code_and_reporter;
    [Namespace, Ipv4] an_error_of_this_host_about_ipv4_has_the_mtu;
    [Namespace, Ipv4] routers_report_an_expired_hop_limit_and_a_small_mtu;
    [Namespace, Ipv4] timestamps_and_zero_copy_notices_of_ipv4_datagrams_are_no_errors;
}

const A4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const B4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// The flags of the fields that an IPv4 datagram has.
const FIELDS: [ControlFlags; 4] = [
    ControlFlags::TRAFFIC_CLASS,
    ControlFlags::HOP_LIMIT,
    ControlFlags::DESTINATION,
    ControlFlags::INTERFACE,
];

/// Two hosts that have IPv4 addresses too.
fn pair() -> Pair {
    let pair = Pair::new().unwrap();
    pair.a.ip(&format!("addr add {A4}/24 brd + dev eth0")).unwrap();
    pair.b.ip(&format!("addr add {B4}/24 brd + dev eth0")).unwrap();
    acquaint(&pair.b, &pair.a, mapped_at(A4, 0)).unwrap();
    pair
}

/// A dual-stack socket on a host.
fn dual(host: &Host) -> PacketConn {
    let conn = host.run(|| PacketConn::builder().only_v6(false).bind("[::]:0")).unwrap();
    conn.set_deadline(soon());
    conn
}

/// An IPv4 socket on a host, which sends with this type of service and time to live.
fn ipv4(host: &Host, tos: u32, ttl: u32) -> UdpSocket {
    let socket = host.run(|| UdpSocket::bind("0.0.0.0:0")).unwrap();
    SockRef::from(&socket).set_tos_v4(tos).unwrap();
    socket.set_ttl(ttl).unwrap();
    socket
}

/// The IPv4 address of the first host with the port of a socket there.
fn to_a(conn: &PacketConn) -> SocketAddrV4 {
    SocketAddrV4::new(A4, port(conn))
}

fn mapped_at(address: Ipv4Addr, port: u16) -> SocketAddrV6 {
    at(address.to_ipv6_mapped(), port)
}

/// What a datagram to the first host has, with this type of service and time to live.
fn assert_fields(control: &RecvControl<'_>, class: u8, hops: u8, destination: Ipv6Addr, pair: &Pair) {
    assert_eq!((control.traffic_class, control.hop_limit), (Some(class), Some(hops)));
    assert_eq!(control.destination, Some(destination));
    assert_eq!(control.interface, Some(index(&pair.a, "eth0")));
    assert_eq!((control.path_mtu, control.segment_size), (None, None));
}

// Scar 56.
fn every_combination_of_flags_delivers_its_fields() {
    let pair = pair();
    let conn = dual(&pair.a);
    let (peer, peer6) = (ipv4(&pair.b, 0xb9, 9), on(&pair.b));
    for bits in 0..1 << FIELDS.len() {
        let flags: ControlFlags = FIELDS
            .into_iter()
            .enumerate()
            .filter(|(at, _)| bits & 1 << at != 0)
            .map(|(_, flag)| flag)
            .collect();
        conn.set_control_flags(flags, true).unwrap();
        conn.set_control_flags(!flags, false).unwrap();
        peer.send_to(b"4", to_a(&conn)).unwrap();
        let (payload, got) = receive(&conn);
        assert_eq!((&payload[..], got.truncated, got.control_truncated), (&b"4"[..], false, false));
        assert_eq!(*got.source.ip(), B4.to_ipv6_mapped());
        assert_eq!(got.peer(), SocketAddr::from((B4, peer.local_addr().unwrap().port())));
        let mut all = RecvControl::default();
        (all.traffic_class, all.hop_limit) = (Some(0xb9), Some(9));
        (all.destination, all.interface) = (Some(A4.to_ipv6_mapped()), Some(index(&pair.a, "eth0")));
        assert_eq!(got.control, all.filter(flags), "{flags:?}");

        let control = SendControl::new().with_traffic_class(0x29).with_hop_limit(8);
        peer6.send_to(b"6", &control, at(Pair::A, port(&conn))).unwrap();
        let (_, got) = receive(&conn);
        (all.traffic_class, all.hop_limit, all.destination) = (Some(0x29), Some(8), Some(Pair::A));
        assert_eq!(got.control, all.filter(flags), "{flags:?}");
    }
}

// Scar 20: the type of service has one byte.
fn every_type_of_service_and_time_to_live_is_received() {
    let pair = pair();
    let conn = dual(&pair.a);
    conn.set_control_flags(ControlFlags::SUPPORTED, true).unwrap();
    for value in 0..=255_u8 {
        let peer = ipv4(&pair.b, u32::from(value), u32::from(value.max(1)));
        peer.send_to(b"x", to_a(&conn)).unwrap();
        let (_, got) = receive(&conn);
        assert_fields(&got.control, value, value.max(1), A4.to_ipv6_mapped(), &pair);
        assert_eq!(got.control.ecn(), Some(Ecn::from_traffic_class(value)));
        assert_eq!(got.control.flow_label, None);
    }
}

fn messages_by_type_are_those_of_the_family() {
    let pair = pair();
    let conn = dual(&pair.a);
    conn.set_control_flags(ControlFlags::SUPPORTED, true).unwrap();
    let (mut payload, mut control) = ([0; 16], [0; 256]);
    ipv4(&pair.b, 0xb8, 9).send_to(b"4", to_a(&conn)).unwrap();
    let message = conn.recv_message(&mut payload, &mut control).unwrap();
    assert_eq!(message.get::<TypeOfService>(), Ok(Some(TypeOfService(0xb8))));
    assert_eq!(message.get::<TimeToLive>(), Ok(Some(TimeToLive(9))));
    let info = PacketInfo { address: A4.to_ipv6_mapped(), interface: Some(index(&pair.a, "eth0")) };
    assert_eq!(message.get::<PacketInfo>(), Ok(Some(info)));
    assert_eq!((message.get::<TrafficClass>(), message.get::<HopLimit>()), (Ok(None), Ok(None)));
    assert_eq!(message.peer().ip(), B4);
    assert_fields(&message.control().unwrap(), 0xb8, 9, A4.to_ipv6_mapped(), &pair);

    on(&pair.b).send_to(b"6", &SendControl::new().with_traffic_class(4), at(Pair::A, port(&conn))).unwrap();
    let message = conn.recv_message(&mut payload, &mut control).unwrap();
    assert_eq!((message.get::<TypeOfService>(), message.get::<TimeToLive>()), (Ok(None), Ok(None)));
    assert_eq!(message.get::<TrafficClass>(), Ok(Some(TrafficClass(4))));
}

fn a_batch_has_the_fields_of_both_families() {
    let pair = pair();
    let conn = dual(&pair.a);
    conn.set_control_flags(ControlFlags::SUPPORTED, true).unwrap();
    let peer6 = on(&pair.b);
    for number in 0..20_u8 {
        if number % 3 == 0 {
            let control = SendControl::new().with_traffic_class(number).with_hop_limit(number + 1);
            peer6.send_to(&[number], &control, at(Pair::A, port(&conn))).unwrap();
        } else {
            let peer = ipv4(&pair.b, number.into(), u32::from(number) + 1);
            peer.send_to(&[number], to_a(&conn)).unwrap();
        }
    }
    let (mut batch, mut payloads) = (RecvBatch::new(32), vec![vec![0; 16]; 32]);
    let mut number = 0;
    while number < 20 {
        conn.recv_batch(&mut batch, &mut payloads).unwrap();
        for ((got, message), payload) in batch.iter().zip(batch.messages()).zip(&payloads) {
            let got = got.unwrap();
            assert_eq!(payload[..got.len], [number]);
            let destination = if number % 3 == 0 { Pair::A } else { A4.to_ipv6_mapped() };
            assert_fields(&got.control, number, number + 1, destination, &pair);
            let tos = (number % 3 != 0).then_some(TypeOfService(number));
            assert_eq!(message.get::<TypeOfService>(), Ok(tos));
            number += 1;
        }
    }
}

fn coalesced_datagrams_have_the_fields_of_ipv4() {
    let pair = pair();
    let conn = dual(&pair.a);
    conn.set_receive_coalescing(true).unwrap();
    conn.set_control_flags(ControlFlags::SUPPORTED, true).unwrap();
    // On one host, the kernel hands over the payload as it was sent.
    let peer = ipv4(&pair.a, 0xb9, 9);
    nix::sys::socket::setsockopt(&peer, nix::sys::socket::sockopt::UdpGsoSegment, &100).unwrap();
    // Of a packet that stays on the host, the kernel reports the interface that has the address.
    let eth0 = index(&pair.a, "eth0");
    let (mut batch, mut payloads) = (RecvBatch::new(8), vec![vec![0; 2048]; 8]);
    for together in [false, true] {
        batch.keep_together(together);
        peer.send_to(&[7; 250], to_a(&conn)).unwrap();
        let mut sizes = Vec::new();
        while sizes.iter().sum::<usize>() < 250 {
            conn.recv_batch(&mut batch, &mut payloads).unwrap();
            for got in batch.iter() {
                let got = got.unwrap();
                assert_eq!((got.control.traffic_class, got.control.hop_limit), (Some(0xb9), Some(9)));
                assert_eq!(got.control.destination, Some(A4.to_ipv6_mapped()));
                assert_eq!(got.control.interface, Some(eth0));
                assert_eq!(got.control.segment_size, together.then_some(100));
                sizes.push(got.len);
            }
        }
        assert_eq!(sizes, if together { vec![250] } else { vec![100, 100, 50] });
    }
    // By itself, without a batch.
    peer.send_to(&[7; 250], to_a(&conn)).unwrap();
    let (payload, got) = receive(&conn);
    assert_eq!((payload.len(), got.control.segment_size), (250, Some(100)));
    assert_eq!((got.control.traffic_class, got.control.hop_limit), (Some(0xb9), Some(9)));
}

// Scar 23 (gvisor#7144).
fn both_packet_infos_may_arrive() {
    let pair = pair();
    let conn = dual(&pair.a);
    conn.set_option(&SocketOption::<bool>::custom(0, 8, "IP_PKTINFO"), true).unwrap();
    let peer = ipv4(&pair.b, 0, 64);
    let (mut payload, mut control) = ([0; 16], [0; 256]);
    for flags in [ControlFlags::empty(), ControlFlags::DESTINATION | ControlFlags::INTERFACE] {
        conn.set_control_flags(flags, true).unwrap();
        peer.send_to(b"x", to_a(&conn)).unwrap();
        let message = conn.recv_message(&mut payload, &mut control).unwrap();
        let interface = Some(index(&pair.a, "eth0"));
        assert_eq!(message.get::<Ipv4PacketInfo>(), Ok(Some(Ipv4PacketInfo { address: A4, interface })));
        assert_eq!(message.get::<PacketInfo>().unwrap().is_some(), !flags.is_empty());
        let got = message.control().unwrap();
        assert_eq!((got.destination, got.interface), (Some(A4.to_ipv6_mapped()), interface));
    }
}

// Scar 4.
fn truncated_control_data_has_the_messages_that_arrived_whole() {
    let pair = pair();
    let conn = dual(&pair.a);
    conn.set_control_flags(ControlFlags::SUPPORTED, true).unwrap();
    let peer = ipv4(&pair.b, 0xb8, 9);
    // The room is a part of an aligned array.
    let mut control = [0_u64; 32].map(u64::to_ne_bytes).concat();
    let start = control.as_ptr().align_offset(8);
    let mut whole = None;
    for room in [200, 88, 80, 64, 40, 16, 0] {
        peer.send_to(b"x", to_a(&conn)).unwrap();
        let message = conn.recv_message(&mut [0; 8], &mut control[start..start + room]).unwrap();
        let got = message.control().unwrap();
        let space = message.raw_control().len();
        if room == 200 {
            assert!(!message.control_truncated);
            assert_fields(&got, 0xb8, 9, A4.to_ipv6_mapped(), &pair);
            whole = Some(space);
        }
        assert_eq!(message.control_truncated, Some(room) < whole, "{room}");
        let fields = [got.destination.is_some(), got.hop_limit.is_some(), got.traffic_class.is_some()];
        let order = fields.windows(2).all(|pair| pair[0] || !pair[1]);
        assert!(order && got.traffic_class.is_none_or(|class| class == 0xb8), "{got}");
        assert!(got.hop_limit.is_none_or(|ttl| ttl == 9));
        assert_eq!(fields[2], !message.control_truncated || room >= 64 + 17, "{room}: {got}");
    }
}

fn a_broadcast_is_a_mapped_destination() {
    let pair = pair();
    let conn = dual(&pair.a);
    conn.set_control_flags(ControlFlags::SUPPORTED, true).unwrap();
    let peer = ipv4(&pair.b, 0, 1);
    peer.set_broadcast(true).unwrap();
    for to in [Ipv4Addr::new(192, 0, 2, 255), Ipv4Addr::BROADCAST] {
        SockRef::from(&peer).bind_device(Some(b"eth0")).unwrap();
        peer.send_to(b"x", (to, port(&conn))).unwrap();
        let (_, got) = receive(&conn);
        assert_fields(&got.control, 0, 1, to.to_ipv6_mapped(), &pair);
        assert_eq!(got.peer().ip(), B4);
    }
}

fn flags_are_enabled_for_ipv4_when_a_socket_becomes_a_dual_stack_socket() {
    let pair = pair();
    let socket =
        pair.a.run(|| socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::DGRAM, None)).unwrap();
    socket.set_only_v6(true).unwrap();
    let conn = PacketConn::new(UdpSocket::from(socket)).unwrap();
    conn.set_deadline(soon());
    conn.set_control_flags(ControlFlags::SUPPORTED, true).unwrap();
    conn.set_only_v6(false).unwrap();
    SockRef::from(conn.get_ref()).bind(&"[::]:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    ipv4(&pair.b, 0xb9, 9).send_to(b"x", to_a(&conn)).unwrap();
    assert_fields(&receive(&conn).1.control, 0xb9, 9, A4.to_ipv6_mapped(), &pair);
}

fn flags_that_were_enabled_for_ipv6_are_enabled_for_both_when_the_socket_is_wrapped() {
    let pair = pair();
    let socket = pair.a.run(|| UdpSocket::bind("[::]:0")).unwrap();
    SockRef::from(&socket).set_recv_tclass_v6(true).unwrap();
    let conn = PacketConn::new(socket).unwrap();
    conn.set_deadline(soon());
    assert_eq!(conn.control_flags(), ControlFlags::TRAFFIC_CLASS);
    ipv4(&pair.b, 0xb9, 9).send_to(b"x", to_a(&conn)).unwrap();
    let control = receive(&conn).1.control;
    assert_eq!((control.traffic_class, control.hop_limit), (Some(0xb9), None));
}

fn an_ipv6_only_socket_has_no_option_of_ipv4() {
    let conn = loopback();
    conn.set_only_v6(true).unwrap_err();
    let conn = PacketConn::builder().only_v6(true).bind("[::]:0").unwrap();
    for on in [true, false] {
        conn.set_control_flags(ControlFlags::SUPPORTED, on).unwrap();
        for option in [option::IPV4_RECEIVE_TRAFFIC_CLASS, option::IPV4_RECEIVE_TIME_TO_LIVE] {
            assert!(!conn.option(&option).unwrap());
        }
    }
}

/// The entries of the error queue that are errors, once there is one.
fn errors(conn: &PacketConn) -> Vec<(Reported, Vec<u8>)> {
    let mut errors = Vec::new();
    while errors.is_empty() {
        // Waits: an error ends the receive.
        let _ = conn.recv_from(&mut [0; 8]).map_err(|error| assert!(is_about_peer(&error), "{error}"));
        conn.drain_errors(|reported, payload| errors.push((reported, payload.to_vec()))).unwrap();
    }
    errors
}

// Scar 56.
fn errors_of_icmp_are_queued_with_type_code_and_reporter() {
    let pair = pair();
    let conn = dual(&pair.a);
    conn.set_queue_errors(true).unwrap();
    // The messages of all flags come with the error.
    conn.set_control_flags(ControlFlags::SUPPORTED, true).unwrap();
    // The port of a socket that was closed could still be open in a child that is forked at that moment, until its `exec`.
    let nobody = 9;
    let to = mapped_at(B4, nobody);
    conn.send_to(b"anyone?", &SendControl::new(), to).unwrap();
    let [(reported, payload)] = &errors(&conn)[..] else { panic!() };
    assert!(reported.is_error());
    assert_eq!((reported.destination, &payload[..]), (to, &b"anyone?"[..]));
    let error = reported.error;
    assert_eq!(error.origin(), ErrorOrigin::Icmp(IcmpType::DESTINATION_UNREACHABLE, 3));
    assert_eq!(std::io::Error::from_raw_os_error(error.errno).kind(), ErrorKind::ConnectionRefused);
    assert_eq!((error.icmp6, error.mtu), (None, None));
    assert_eq!(error.reporter, Some(B4.to_ipv6_mapped()));
    assert_eq!(error.to_string(), "ICMP destination unreachable, code 3, reported by 192.0.2.2");

    // The same socket, over IPv6.
    let to = at(Pair::B, nobody);
    conn.send_to(b"anyone?", &SendControl::new(), to).unwrap();
    let [(reported, _)] = &errors(&conn)[..] else { panic!() };
    assert_eq!(reported.error.origin(), ErrorOrigin::Icmp6(Icmp6Type::DESTINATION_UNREACHABLE, 4));
    assert_eq!((reported.error.reporter, reported.destination), (Some(Pair::B), to));
}

fn an_error_of_this_host_about_ipv4_has_the_mtu() {
    let pair = pair();
    let conn = dual(&pair.a);
    conn.set_queue_errors(true).unwrap();
    conn.set_dont_fragment(true).unwrap();
    let to = mapped_at(B4, 9);
    let error = conn.send_to(&[0; 1500], &SendControl::new(), to).unwrap_err();
    assert!(is_too_long(&error), "{error}");
    let mut reported = Vec::new();
    conn.drain_errors(|entry, _| reported.push(entry)).unwrap();
    assert!(!reported.is_empty());
    for Reported { error, destination, .. } in reported {
        assert_eq!((error.origin(), error.errno, error.mtu), (ErrorOrigin::Host, EMSGSIZE, Some(1500)));
        // The kernel writes the port of a connected socket only (net/ipv4/ip_output.c: `ip_local_error`).
        assert_eq!(destination, mapped_at(B4, 0));
    }
}

fn routers_report_an_expired_hop_limit_and_a_small_mtu() {
    let Line { a, router, b } = Line::new().unwrap();
    router.set("net/ipv4/ip_forward", "1").unwrap();
    for (host, interface, address) in [
        (&a, "eth0", "192.0.2.10"),
        (&router, "left", "192.0.2.1"),
        (&router, "right", "198.51.100.1"),
        (&b, "eth0", "198.51.100.11"),
    ] {
        host.ip(&format!("addr add {address}/24 dev {interface}")).unwrap();
    }
    a.ip("route add default via 192.0.2.1").unwrap();
    b.ip("route add default via 198.51.100.1").unwrap();
    router.ip("link set right mtu 1300").unwrap();
    let left = Some(Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped());
    let conn = dual(&a);
    conn.set_queue_errors(true).unwrap();
    let to = mapped_at(Ipv4Addr::new(198, 51, 100, 11), 9);

    conn.set_hop_limit(1).unwrap();
    conn.send_to(b"expires", &SendControl::new(), to).unwrap();
    let [(reported, payload)] = &errors(&conn)[..] else { panic!() };
    assert_eq!(reported.error.origin(), ErrorOrigin::Icmp(IcmpType::TIME_EXCEEDED, 0));
    assert_eq!((reported.error.reporter, reported.destination), (left, to));
    assert_eq!((reported.error.mtu, &payload[..]), (None, &b"expires"[..]));

    conn.set_hop_limit(None).unwrap();
    conn.set_dont_fragment(true).unwrap();
    conn.send_to(&[7; 1400], &SendControl::new(), to).unwrap();
    let [(reported, payload)] = &errors(&conn)[..] else { panic!() };
    assert_eq!(reported.error.origin(), ErrorOrigin::Icmp(IcmpType::DESTINATION_UNREACHABLE, 4));
    assert_eq!((reported.error.reporter, reported.error.mtu), (left, Some(1300)));
    assert!(payload.iter().all(|byte| *byte == 7));
}

// Scars 49 and 78.
fn timestamps_and_zero_copy_notices_of_ipv4_datagrams_are_no_errors() {
    let pair = pair();
    let conn = dual(&pair.a);
    conn.set_queue_errors(true).unwrap();
    conn.set_control_flags(ControlFlags::SUPPORTED, true).unwrap();
    let peer = ipv4(&pair.b, 0, 64);
    let to = mapped_at(B4, peer.local_addr().unwrap().port());
    // SOF_TIMESTAMPING_TX_SOFTWARE, _SOFTWARE and _OPT_TSONLY.
    conn.set_option(&SocketOption::<i32>::custom(1, 37, "SO_TIMESTAMPING"), 1 << 1 | 1 << 4 | 1 << 11)
        .unwrap();
    conn.send_to(b"x", &SendControl::new(), to).unwrap();
    peer.recv(&mut [0; 8]).unwrap();
    let mut entries = Vec::new();
    conn.drain_errors(|reported, _| entries.push(reported)).unwrap();
    let [Reported { kind: ReportedKind::Timestamp { stage: 0, data: Some(_), .. }, .. }] = entries[..] else {
        panic!("{entries:?}")
    };
    assert!(!entries[0].is_error());

    conn.set_option(&SocketOption::<i32>::custom(1, 37, "SO_TIMESTAMPING"), 0).unwrap();
    conn.set_option(&option::ZERO_COPY, true).unwrap();
    conn.send_zero_copy(&[7; 1000], &SendControl::new(), to).unwrap();
    peer.recv(&mut [0; 2000]).unwrap();
    entries.clear();
    while entries.is_empty() {
        conn.drain_errors(|reported, _| entries.push(reported)).unwrap();
    }
    let [Reported { kind: ReportedKind::ZeroCopy { first: 0, last: 0, .. }, .. }] = entries[..] else {
        panic!("{entries:?}")
    };
}
