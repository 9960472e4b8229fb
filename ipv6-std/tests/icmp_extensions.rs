//! Extensions of ICMPv6 errors, from the error queue and from raw sockets, with a forged router.

mod common;

use common::*;
use ipv6_std::*;
use ipv6_testnet::Pair;

ipv6_testnet::tests! {
    [RawSocket] labels_of_a_report_are_read_from_the_error_queue;
    [RawSocket] a_report_without_extensions_has_none;
    [RawSocket] extensions_that_are_not_valid_are_left_out;
    [RawSocket] labels_of_a_report_are_read_from_a_raw_socket;
}

/// A stack of two labels: 100 and 16.
const LABELS: [u8; 8] = [0, 6, 0x40, 255, 0, 1, 1, 1];

/// Extensions with the object of these labels, with or without a valid checksum.
fn extensions(is_valid: bool) -> Vec<u8> {
    let mut bytes = [&[0x20, 0, 0, 0, 0, 12, 1, 1][..], &LABELS].concat();
    // Version and checksum, the length, class and type, and the labels, in words of 16 bits.
    let mut sum: u32 = bytes.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1])).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let sum = !u16::try_from(sum).unwrap() ^ u16::from(!is_valid);
    bytes[2..4].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// A socket that has sent a datagram to the other host, which answers it with time exceeded and these extensions.
fn reported(extensions: &[u8]) -> (Pair, PacketConn) {
    let pair = Pair::new().unwrap();
    let conn = on(&pair.a);
    conn.set_queue_errors(true).unwrap();
    conn.set_option(&option::ERROR_EXTENSIONS, true).unwrap();
    let receiver = on(&pair.b);
    let payload = [7; 40];
    conn.send_to(&payload, &SendControl::new().with_source(Pair::A), at(Pair::B, port(&receiver))).unwrap();
    receive(&receiver);

    // The quoted packet: IPv6 header, UDP header, payload, and zeros up to 128 bytes.
    let len = 8 + u16::try_from(payload.len()).unwrap();
    let mut quoted = vec![0x60, 0, 0, 0];
    quoted.extend(len.to_be_bytes());
    quoted.extend([17, 1]);
    quoted.extend(Pair::A.octets());
    quoted.extend(Pair::B.octets());
    for field in [port(&conn), port(&receiver), len, 0] {
        quoted.extend(field.to_be_bytes());
    }
    quoted.extend(payload);
    quoted.resize(128, 0);
    // Time exceeded; the length of the quoted packet is 16 times 8 bytes.
    let message = [&[3, 0, 0, 0, 16, 0, 0, 0][..], &quoted, extensions].concat();
    let forger = pair.b.run(|| RawConn::open(Icmp6Type::PROTOCOL)).unwrap();
    forger.send_to(&message, &SendControl::new().with_source(Pair::B), at(Pair::A, 0)).unwrap();
    (pair, conn)
}

/// The error that arrives in the queue, and its payload.
fn next_error(conn: &PacketConn) -> (Reported, Vec<u8>) {
    let mut payload = [0; 1500];
    let reported = common::reported(conn, &mut payload);
    (reported, payload[..reported.len].to_vec())
}

fn labels(extensions: IcmpExtensions<'_>) -> Vec<u32> {
    extensions.flat_map(|object| object.mpls()).map(|entry| entry.label).collect()
}

fn labels_of_a_report_are_read_from_the_error_queue() {
    let (_pair, conn) = reported(&extensions(true));
    let (reported, payload) = next_error(&conn);
    assert_eq!(reported.error.icmp6, Some((Icmp6Type::TIME_EXCEEDED, 0)));
    assert_eq!(reported.error.reporter, Some(Pair::B));
    assert_eq!(labels(reported.extensions(&payload).expect("the report has extensions")), [100, 16]);
    // Too little of the payload.
    assert!(reported.extensions(&payload[..50]).is_none());
}

fn a_report_without_extensions_has_none() {
    let (_pair, conn) = reported(&[]);
    let (reported, payload) = next_error(&conn);
    assert!(reported.extensions(&payload).is_none());
}

fn extensions_that_are_not_valid_are_left_out() {
    let (_pair, conn) = reported(&extensions(false));
    let (reported, payload) = next_error(&conn);
    assert_eq!(reported.error.icmp6, Some((Icmp6Type::TIME_EXCEEDED, 0)));
    assert!(reported.extensions(&payload).is_none());
}

fn labels_of_a_report_are_read_from_a_raw_socket() {
    let pair = Pair::new().unwrap();
    let raw = pair.a.run(|| RawConn::open(Icmp6Type::PROTOCOL)).unwrap();
    raw.set_deadline(soon());
    raw.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::TIME_EXCEEDED)).unwrap();
    let forger = pair.b.run(|| RawConn::open(Icmp6Type::PROTOCOL)).unwrap();
    let message = [&[3, 0, 0, 0, 16, 0, 0, 0][..], &[0; 128], &extensions(true)].concat();
    forger.send_to(&message, &SendControl::new(), at(Pair::A, 0)).unwrap();
    let (message, _) = receive(&raw);
    assert_eq!(labels(IcmpExtensions::of_icmp6(&message).unwrap()), [100, 16]);
}
