//! The results of batches: each message received, and all messages sent or the one that failed.

mod common;

use std::io::ErrorKind;
use std::net::{SocketAddrV6, UdpSocket};

use common::*;
use ipv6_std::*;
use ipv6_testnet::Pair;

ipv6_testnet::tests! {
    [Namespace] send_batch_all_reports_the_message_that_failed;
    [Namespace] send_batch_all_sends_batches_of_any_length;
    [Namespace] send_batch_all_continues_after_the_message_that_failed;
    [Namespace] each_message_of_a_batch_has_its_control_messages;
    [Namespace] each_datagram_of_a_coalesced_batch_has_its_control_messages;
    [Namespace] a_batch_can_be_iterated_by_reference;
    [Namespace] peer_is_an_ipv4_address_for_an_ipv4_peer;
}

const EHOSTUNREACH: i32 = 113;

/// Two hosts, a socket on each, the address of the second, and an address that the first has no route to.
fn unreachable() -> (Pair, PacketConn, PacketConn, SocketAddrV6, SocketAddrV6) {
    let pair = Pair::new().unwrap();
    pair.a.ip("-6 route add unreachable 2001:db8:dead::/48").unwrap();
    let (sender, receiver) = (on(&pair.a), on(&pair.b));
    let to = at(Pair::B, port(&receiver));
    (pair, sender, receiver, to, at("2001:db8:dead::1".parse().unwrap(), 9))
}

fn message(payload: &[u8], to: SocketAddrV6) -> Outgoing<'_> {
    Outgoing::new(payload, SendControl::new(), Some(to))
}

// Scar 54: `send_batch` returned a count that programs ignored, and the rest of the batch was lost.
fn send_batch_all_reports_the_message_that_failed() {
    let (_pair, sender, receiver, to, nowhere) = unreachable();
    for coalescing in [false, true] {
        sender.set_send_coalescing(coalescing);
        let mut messages = vec![message(b"x", to); 1000];
        messages[1] = message(b"x", nowhere);
        let error = sender.send_batch_all(&mut SendBatch::new(64), &messages).unwrap_err();
        assert_eq!((error.index(), error.error().raw_os_error()), (1, Some(EHOSTUNREACH)));
        let error = std::io::Error::from(error);
        assert_eq!(error.kind(), ErrorKind::HostUnreachable);
        assert!(error.to_string().starts_with("sending messages[1] of 1000: "), "{error}");
        assert!(std::error::Error::source(&error).is_some());
        // Only the message before it was sent.
        sender.send_to(b"end", &SendControl::new(), to).unwrap();
        assert_eq!([receive(&receiver).0, receive(&receiver).0], [b"x".to_vec(), b"end".to_vec()]);
    }
}

fn send_batch_all_sends_batches_of_any_length() {
    let (_pair, sender, receiver, to, _) = unreachable();
    // More messages than one system call takes, of which some cannot be coalesced.
    let sizes: Vec<usize> = (0..100).map(|number| 1 + number / 7 % 3).collect();
    let texts = texts(&sizes);
    sender.send_batch_all(&mut SendBatch::new(8), &outgoing(&texts, to)).unwrap();
    for text in &texts {
        assert_eq!(receive(&receiver).0, *text);
    }
    sender.send_batch_all(&mut SendBatch::new(8), &[]).unwrap();
}

fn send_batch_all_continues_after_the_message_that_failed() {
    let (_pair, sender, receiver, to, nowhere) = unreachable();
    let mapped = "[::ffff:192.0.2.1]:9".parse().unwrap();
    let messages = [
        message(b"0", to),
        message(b"1", nowhere),
        message(b"2", mapped),
        message(b"3", to),
        message(b"4", to),
        message(b"5", nowhere),
    ];
    let (mut failed, mut from) = (Vec::new(), 0);
    let mut batch = SendBatch::new(8);
    while let Err(error) = sender.send_batch_all(&mut batch, &messages[from..]) {
        failed.push((from + error.index(), error.error().kind()));
        from += error.index() + 1;
    }
    let expected =
        [(1, ErrorKind::HostUnreachable), (2, ErrorKind::InvalidInput), (5, ErrorKind::HostUnreachable)];
    assert_eq!(failed, expected);
    for text in [b"0", b"3", b"4"] {
        assert_eq!(receive(&receiver).0, text);
    }
}

/// Sends datagrams with hop limits 1 to 8 in order.
fn send_hop_limits(sender: &PacketConn, to: SocketAddrV6) {
    for hop_limit in 1..=8 {
        sender.send_to(&[hop_limit], &SendControl::new().with_hop_limit(hop_limit), to).unwrap();
    }
}

fn each_message_of_a_batch_has_its_control_messages() {
    let (_pair, sender, receiver, to, _) = unreachable();
    send_hop_limits(&sender, to);
    let (mut batch, mut payloads) = (RecvBatch::new(8), [[0; 1]; 8]);
    let mut got = 0;
    while got < 8 {
        let count = receiver.recv_batch(&mut batch, &mut payloads).unwrap();
        assert_eq!((batch.messages().len(), batch.messages().count()), (count, count));
        assert!(batch.message(count).is_none());
        for (index, message) in batch.messages().enumerate() {
            assert_eq!(batch.message(index), Some(message));
            let received = batch.iter().nth(index).unwrap().unwrap();
            assert_eq!((message.len, message.truncated), (1, false));
            assert_eq!(message.source, received.source);
            let control = message.control().unwrap();
            assert_eq!(control.hop_limit, Some(payloads[index][0]));
            assert_eq!(control, received.control);
            assert!(message.raw_messages().count() >= 3);
        }
        got += count;
    }
    batch.clear();
    assert!(batch.message(0).is_none());
}

fn each_datagram_of_a_coalesced_batch_has_its_control_messages() {
    let (_pair, sender, receiver, to, _) = unreachable();
    receiver.set_receive_coalescing(true).unwrap();
    let texts = texts(&[100, 100, 100, 50]);
    sender.send_batch_all(&mut SendBatch::new(8), &outgoing(&texts, to)).unwrap();
    holds_all(&receiver, &texts);
    // Short buffers: the last one is left over, the others are truncated.
    let (mut batch, mut payloads) = (RecvBatch::new(8), [[0; 70]; 3]);
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 3);
    for (index, message) in batch.messages().enumerate() {
        assert_eq!((message.len, message.truncated), (70, true));
        assert_eq!(payloads[index], [index as u8; 70]);
        assert_eq!(message.control().unwrap().destination, Some(Pair::B));
    }
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 1);
    let message = batch.message(0).unwrap();
    assert_eq!((message.len, message.truncated, payloads[0][0]), (50, false, 3));
    assert_eq!(message.source, sender.local_addr().map(|addr| at(Pair::A, addr.port())).unwrap());
}

fn a_batch_can_be_iterated_by_reference() {
    let (_pair, sender, receiver, to, _) = unreachable();
    send_hop_limits(&sender, to);
    let (mut batch, mut payloads) = (RecvBatch::new(8), [[0; 1]; 8]);
    let mut got = 0;
    while got < 8 {
        receiver.recv_batch(&mut batch, &mut payloads).unwrap();
        for (received, payload) in (&batch).into_iter().zip(&payloads) {
            got += 1;
            assert_eq!((received.unwrap().control.hop_limit, payload[0]), (Some(got), got));
        }
        assert_eq!(batch.iter().len(), batch.len());
        assert_eq!(format!("{:?}", batch.iter()).matches("Received").count(), batch.len());
    }
}

fn peer_is_an_ipv4_address_for_an_ipv4_peer() {
    let conn = PacketConn::new(UdpSocket::bind("[::]:0").unwrap()).unwrap();
    conn.set_deadline(soon());
    let port = conn.local_addr().unwrap().port();
    for host in ["127.0.0.1", "::1"] {
        let sender = UdpSocket::bind((host, 0)).unwrap();
        sender.send_to(b"x", (host, port)).unwrap();
        let (mut payload, mut control) = ([0; 8], [0; 64]);
        assert_eq!(
            conn.recv_message(&mut payload, &mut control).unwrap().peer(),
            sender.local_addr().unwrap()
        );
        sender.send_to(b"x", (host, port)).unwrap();
        let got = conn.recv_from(&mut payload).unwrap();
        assert_eq!(got.peer(), sender.local_addr().unwrap());
        assert!(got.source.ip().to_string().ends_with(host));
    }
}
