//! Raw sockets: ICMPv6 and its filter, checksums, protocols without ports.

mod common;

use std::net::{Ipv6Addr, SocketAddrV6};

use common::*;
use ipv6_std::*;
use ipv6_testnet::Pair;

ipv6_testnet::tests! {
    [Namespace] the_checksum_offset_can_be_set_except_for_icmpv6;
    [Namespace] the_icmpv6_filter_reads_back_as_set;
    [Namespace] only_types_that_pass_the_filter_arrive;
    [Namespace] the_filter_covers_the_types_0_and_255;
    [Namespace] the_kernel_writes_and_checks_the_checksum;
    [Namespace] control_messages_work_for_ospf_and_gre;
    [Namespace] a_raw_socket_gets_no_ipv6_header;
    [Namespace] the_port_is_ignored;
    [Namespace] a_raw_socket_receives_from_a_group;
    [Namespace] the_program_may_write_the_ipv6_header;
    [PingSocket] an_unprivileged_socket_sends_and_receives_echo;
    [PingSocket] options_of_raw_sockets_fail_on_unprivileged_ones;
    [PingSocket] truncation_is_reported_with_and_without_control;
    [Namespace] raw_sockets_send_and_receive_batches;
}

fn icmp6() -> RawConn {
    let conn = RawConn::open(Icmp6Type::PROTOCOL).unwrap();
    conn.set_deadline(soon());
    conn
}

/// An echo request with this sequence number. The kernel writes the checksum.
fn request(sequence: u8) -> [u8; 8] {
    [Icmp6Type::ECHO_REQUEST.0, 0, 0, 0, 0x12, 0x34, 0, sequence]
}

const LOOPBACK: Ipv6Addr = Ipv6Addr::LOCALHOST;

fn the_checksum_offset_can_be_set_except_for_icmpv6() {
    assert_eq!(icmp6().checksum_offset().unwrap(), Some(2));
    for refused in [Some(2), Some(4), None] {
        assert_eq!(
            icmp6().set_checksum_offset(refused).unwrap_err().kind(),
            std::io::ErrorKind::InvalidInput
        );
    }
    let ospf = RawConn::open(89).unwrap();
    assert_eq!(ospf.checksum_offset().unwrap(), None);
    ospf.set_checksum_offset(Some(12)).unwrap();
    assert_eq!(ospf.checksum_offset().unwrap(), Some(12));
    refused(ospf.set_checksum_offset(Some(13)), "13");
    assert_eq!(ospf.checksum_offset().unwrap(), Some(12));
    ospf.set_checksum_offset(None).unwrap();
    assert_eq!(ospf.checksum_offset().unwrap(), None);
    // The refused call has changed nothing.
    ospf.set_deadline(soon());
    ospf.send_to(b"still here", &SendControl::new(), at(LOOPBACK, 0)).unwrap();
    assert_eq!(receive(&ospf).0, b"still here");
}

fn the_icmpv6_filter_reads_back_as_set() {
    let conn = icmp6();
    assert_eq!(conn.icmp6_filter().unwrap(), Icmp6Filter::pass_all());
    let mut filter = Icmp6Filter::block_all();
    filter.pass(Icmp6Type::ECHO_REPLY).pass(Icmp6Type::PACKET_TOO_BIG);
    conn.set_icmp6_filter(&filter).unwrap();
    assert_eq!(conn.icmp6_filter().unwrap(), filter);
    assert!(conn.icmp6_filter().unwrap().blocks(Icmp6Type::ECHO_REQUEST));
    // Sockets of other protocols have no ICMPv6 filter.
    assert_eq!(errno(RawConn::open(89).unwrap().set_icmp6_filter(&filter)), Some(EOPNOTSUPP));
}

fn only_types_that_pass_the_filter_arrive() {
    let conn = icmp6();
    conn.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::ECHO_REPLY)).unwrap();
    let all = icmp6();
    for sequence in 0..3 {
        conn.send_to(&request(sequence), &SendControl::new(), at(LOOPBACK, 0)).unwrap();
        let (packet, _) = receive(&conn);
        assert_eq!((Icmp6Type(packet[0]), packet[7]), (Icmp6Type::ECHO_REPLY, sequence));
        // Without a filter, both request and reply arrive.
        assert_eq!(Icmp6Type(receive(&all).0[0]), Icmp6Type::ECHO_REQUEST);
        assert_eq!(Icmp6Type(receive(&all).0[0]), Icmp6Type::ECHO_REPLY);
    }
    conn.set_icmp6_filter(Icmp6Filter::pass_all().block(Icmp6Type::ECHO_REPLY)).unwrap();
    conn.send_to(&request(9), &SendControl::new(), at(LOOPBACK, 0)).unwrap();
    assert_eq!(Icmp6Type(receive(&conn).0[0]), Icmp6Type::ECHO_REQUEST);
}

fn the_filter_covers_the_types_0_and_255() {
    let (conn, sender) = (icmp6(), icmp6());
    for kind in [Icmp6Type(0), Icmp6Type(255)] {
        conn.set_icmp6_filter(Icmp6Filter::block_all().pass(kind)).unwrap();
        for sent in [Icmp6Type(0), Icmp6Type(1), Icmp6Type(254), Icmp6Type(255)] {
            sender.send_to(&[sent.0, 0, 0, 0, 0, 0, 0, 0], &SendControl::new(), at(LOOPBACK, 0)).unwrap();
        }
        delivered();
        assert_eq!(Icmp6Type(receive(&conn).0[0]), kind);
    }
    // `pass_all` removes the filter.
    conn.set_icmp6_filter(&Icmp6Filter::pass_all()).unwrap();
    conn.send_to(&request(7), &SendControl::new(), at(LOOPBACK, 0)).unwrap();
    for kind in [Icmp6Type::ECHO_REQUEST, Icmp6Type::ECHO_REPLY] {
        let (packet, _) = receive(&conn);
        assert_eq!((Icmp6Type(packet[0]), packet[7]), (kind, 7));
    }
}

/// The Internet checksum over the pseudo-header and a payload that contains its checksum: 0 if that is right
/// (RFC 8200 section 8.1).
fn sum(source: Ipv6Addr, destination: Ipv6Addr, protocol: u8, payload: &[u8]) -> u16 {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let parts = [&source.octets(), &destination.octets(), length.as_slice(), &[0, 0, 0, protocol], payload];
    let bytes = parts.concat();
    let words = bytes.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn the_kernel_writes_and_checks_the_checksum() {
    let Pair { a, b } = Pair::new().unwrap();
    let open = |host: &ipv6_testnet::Host| {
        let conn = host.run(|| RawConn::open(89)).unwrap();
        conn.set_deadline(soon());
        conn
    };
    let (writes, plain, checks) = (open(&a), open(&a), open(&b));
    writes.set_checksum_offset(Some(12)).unwrap();
    checks.set_checksum_offset(Some(12)).unwrap();
    let payload = [0x11; 12].into_iter().chain([0, 0]).chain([0x22; 6]).collect::<Vec<u8>>();
    // Without a valid checksum a packet is dropped.
    plain.send_to(&payload, &SendControl::new(), at(Pair::B, 0)).unwrap();
    writes.send_to(&payload, &SendControl::new(), at(Pair::B, 0)).unwrap();
    let (got, _) = receive(&checks);
    assert_eq!((&got[..12], &got[14..]), (&payload[..12], &payload[14..]));
    assert_eq!(sum(Pair::A, Pair::B, 89, &got), 0);
    // A payload that ends before its checksum field is refused.
    assert_eq!(errno(writes.send_to(&payload[..13], &SendControl::new(), at(Pair::B, 0))), Some(EINVAL));
}

fn control_messages_work_for_ospf_and_gre() {
    let Pair { a, b } = Pair::new().unwrap();
    for protocol in [89, 47] {
        let sender = a.run(|| RawConn::open(protocol)).unwrap();
        let receiver = b.run(|| RawConn::open(protocol)).unwrap();
        receiver.set_deadline(soon());
        receiver.set_control_flags(ControlFlags::all(), true).unwrap();
        let control = SendControl::new().with_traffic_class(0xc0).with_hop_limit(1);
        sender.send_to(b"hello", &control, at(Pair::B, 0)).unwrap();
        let (payload, got) = receive(&receiver);
        assert_eq!(payload, b"hello");
        assert_eq!(got.source, at(Pair::A, 0));
        assert_eq!((got.control.traffic_class, got.control.hop_limit), (Some(0xc0), Some(1)));
        assert_eq!(got.control.destination, Some(Pair::B));
        assert_eq!(got.control.interface, Some(index(&b, "eth0")));
    }
}

fn a_raw_socket_gets_no_ipv6_header() {
    let conn = icmp6();
    conn.send_to(&request(1), &SendControl::new(), at(LOOPBACK, 0)).unwrap();
    let (packet, _) = receive(&conn);
    assert_eq!((packet.len(), Icmp6Type(packet[0])), (8, Icmp6Type::ECHO_REQUEST));
    assert_eq!(sum(LOOPBACK, LOOPBACK, 58, &packet), 0);
}

fn the_port_is_ignored() {
    let conn = icmp6();
    conn.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::ECHO_REPLY)).unwrap();
    // The kernel would read the port as a protocol number and refuse it (net/ipv6/raw.c: rawv6_sendmsg).
    for port in [0, 7, 65535] {
        conn.send_to(&request(1), &SendControl::new(), at(LOOPBACK, port)).unwrap();
        assert_eq!(receive(&conn).1.source, at(LOOPBACK, 0));
    }
}

fn a_raw_socket_receives_from_a_group() {
    let Pair { a, b } = Pair::new().unwrap();
    let all_spf_routers: Ipv6Addr = "ff02::5".parse().unwrap();
    let sender = a.run(|| RawConn::open(89)).unwrap();
    let receiver = b.run(|| RawConn::open(89)).unwrap();
    receiver.set_deadline(soon());
    receiver.set_control_flags(ControlFlags::all(), true).unwrap();
    receiver.join_group(all_spf_routers, index(&b, "eth0")).unwrap();
    let control = SendControl::new().with_interface(index(&a, "eth0")).with_hop_limit(1);
    sender.send_to(b"hello", &control, at(all_spf_routers, 0)).unwrap();
    assert_eq!(receive(&receiver).1.control.destination, Some(all_spf_routers));
}

fn the_program_may_write_the_ipv6_header() {
    let conn = RawConn::open(59).unwrap();
    assert!(!conn.header_included().unwrap());
    conn.set_header_included(true).unwrap();
    assert!(conn.header_included().unwrap());
    let receiver = RawConn::open(59).unwrap();
    receiver.set_deadline(soon());
    receiver.set_control_flags(ControlFlags::TRAFFIC_CLASS | ControlFlags::HOP_LIMIT, true).unwrap();
    let header = Header {
        traffic_class: 0x2e,
        flow_label: FlowLabel::ZERO,
        payload_len: 4,
        next_header: 59,
        hop_limit: 77,
        source: LOOPBACK,
        destination: LOOPBACK,
    };
    let packet = [header.encode().as_slice(), b"data"].concat();
    conn.send_to(&packet, &SendControl::new(), at(LOOPBACK, 0)).unwrap();
    let (payload, got) = receive(&receiver);
    assert_eq!(payload, b"data");
    assert_eq!((got.control.traffic_class, got.control.hop_limit), (Some(0x2e), Some(77)));
}

fn an_unprivileged_socket_sends_and_receives_echo() {
    let conn = RawConn::open_icmp6_unprivileged().unwrap();
    conn.set_deadline(soon());
    conn.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    conn.send_to(&request(5), &SendControl::new(), at(LOOPBACK, 0)).unwrap();
    let (packet, got) = receive(&conn);
    assert_eq!((Icmp6Type(packet[0]), packet[7]), (Icmp6Type::ECHO_REPLY, 5));
    assert_eq!(got.control.hop_limit, Some(64));
}

fn options_of_raw_sockets_fail_on_unprivileged_ones() {
    let conn = RawConn::open_icmp6_unprivileged().unwrap();
    conn.set_deadline(soon());
    assert_eq!(errno(conn.icmp6_filter()), Some(ENOPROTOOPT));
    assert_eq!(errno(conn.set_icmp6_filter(&Icmp6Filter::block_all())), Some(ENOPROTOOPT));
    assert_eq!(errno(conn.checksum_offset()), Some(ENOPROTOOPT));
    for offset in [Some(2), None] {
        refused(conn.set_checksum_offset(offset), "ICMPv6");
    }
    conn.send_to(&request(6), &SendControl::new(), at(LOOPBACK, 0)).unwrap();
    assert_eq!(receive(&conn).0[7], 6);
}

fn raw_sockets_send_and_receive_batches() {
    let conn = icmp6();
    conn.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::ECHO_REPLY)).unwrap();
    let requests = [request(1), request(2)];
    let to = Some(at(LOOPBACK, 9));
    let messages = requests.each_ref().map(|request| Outgoing::new(request, SendControl::new(), to));
    assert_eq!(conn.send_batch(&mut SendBatch::new(4), &messages).unwrap(), 2);
    delivered();
    let (mut batch, mut payloads) = (RecvBatch::new(4), [[0; 64]; 4]);
    assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 2);
    assert_eq!((payloads[0][7], payloads[1][7]), (1, 2));
}

/// Without control messages a receive may use another system call, which may report truncation differently.
fn truncation_is_reported_with_and_without_control() {
    let mut filter = Icmp6Filter::block_all();
    let raw = icmp6();
    raw.set_icmp6_filter(filter.pass(Icmp6Type::ECHO_REPLY)).unwrap();
    let ping = RawConn::open_icmp6_unprivileged().unwrap();
    ping.set_deadline(soon());
    let long = [&request(1)[..], &[7; 100]].concat();
    for conn in [&raw, &ping] {
        for flags in [ControlFlags::empty(), ControlFlags::HOP_LIMIT] {
            conn.set_control_flags(ControlFlags::all(), false).unwrap();
            conn.set_control_flags(flags, true).unwrap();
            for (room, cut) in [(16, true), (108, false)] {
                conn.send_to(&long, &SendControl::new(), SocketAddrV6::new(LOOPBACK, 0, 0, 0)).unwrap();
                let mut payload = vec![0; room];
                let got = conn.recv_from(&mut payload).unwrap();
                assert_eq!((got.len, got.truncated), (room, cut), "{flags:?}");
                assert_eq!(payload[8..], long[8..room]);
                assert_eq!(got.control.hop_limit.is_some(), !flags.is_empty());
            }
        }
        // The raw socket also receives the replies to the other socket.
        let _ = raw.set_icmp6_filter(&Icmp6Filter::block_all());
    }
}
