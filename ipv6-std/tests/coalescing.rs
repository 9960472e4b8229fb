//! Coalescing in batches: the kernel splits what is sent and joins what is received. Programs see the same datagrams
//! with fewer system calls.

mod common;

use std::net::SocketAddrV6;

use common::*;
use ipv6_std::*;

ipv6_testnet::tests! {
    [Namespace] send_segments_sends_one_payload_as_datagrams;
    [Namespace] send_segments_remembers_a_refusal;
    [Namespace] send_segments_returns_the_bytes_sent_or_the_error;
    [Namespace] send_segments_without_kernel_support_sends_singly;
    [Namespace] messages_of_one_size_are_sent_and_received_as_one;
    [Namespace] a_receiver_without_coalescing_gets_each_datagram;
    [Namespace] a_receive_batch_splits_coalesced_datagrams;
    [Namespace] datagrams_that_did_not_fit_come_with_the_next_call;
    [Namespace] datagrams_left_in_a_batch_are_not_returned_for_another_socket;
    [Namespace] only_messages_with_equal_control_and_destination_are_coalesced;
    [Namespace] a_shorter_message_ends_the_coalesced_run;
    [Namespace] empty_datagrams_are_not_coalesced;
    [Namespace] more_segments_than_the_kernel_allows_are_split;
    [Namespace] a_batch_larger_than_its_storage_is_coalesced;
    [Namespace] an_unrelated_error_does_not_lower_the_segment_limit;
    [Namespace] a_coalesced_send_stays_within_the_maximum_packet_size;
    [Namespace] datagrams_above_the_mtu_are_sent_singly;
    [Namespace] an_error_that_is_no_refusal_is_returned;
    [Namespace] an_explicit_segment_size_is_sent;
    [Namespace] send_coalescing_can_be_disabled;
    [Namespace] a_single_receive_reports_the_segment_size;
    [Namespace] more_parts_than_the_kernel_allows_are_split;
    [Namespace] receive_coalescing_stays_enabled_while_datagrams_wait;
    [Namespace] raw_sockets_do_not_coalesce;
    [Namespace] a_socket_with_coalescing_enabled_is_recognized;
    [Namespace] segments_are_truncated_to_small_payload_buffers;
    [Namespace] messages_of_a_connected_socket_are_coalesced;
    [Namespace] messages_in_parts_are_coalesced;
    [Namespace] coalesced_datagrams_are_split_into_parts;
}

/// Two sockets on loopback; the second coalesces what it receives.
fn sockets() -> (PacketConn, PacketConn, SocketAddrV6) {
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_receive_coalescing(true).unwrap();
    assert!(receiver.receive_coalescing());
    let to = receiver.local_addr().unwrap();
    (sender, receiver, to)
}

fn send(conn: &PacketConn, messages: &[Outgoing<'_>]) {
    assert_eq!(conn.send_batch(&mut SendBatch::new(256), messages).unwrap(), messages.len());
}

/// Receives without a batch, and returns the sizes of the datagrams in each payload.
fn received_sizes(conn: &PacketConn, datagrams: usize) -> Vec<Vec<usize>> {
    let mut payload = vec![0; 65_535];
    let mut all = Vec::new();
    while all.iter().map(Vec::len).sum::<usize>() < datagrams {
        let got = conn.recv_from(&mut payload).unwrap();
        assert!(!got.truncated);
        all.push(Segments::new(&payload[..got.len], got.control.segment_size).map(<[u8]>::len).collect());
    }
    all
}

/// Receives this many datagrams in batches of at most `room`.
fn receive_all(conn: &PacketConn, datagrams: usize, room: usize) -> Vec<(Vec<u8>, Received)> {
    let (mut batch, mut payloads) = (RecvBatch::new(room), vec![vec![0; 2048]; room]);
    let mut all = Vec::new();
    while all.len() < datagrams {
        let count = conn.recv_batch(&mut batch, &mut payloads).unwrap();
        assert!((1..=room).contains(&count));
        assert_eq!((batch.len(), batch.iter().len()), (count, count));
        for (got, payload) in batch.iter().zip(&payloads) {
            let got = got.unwrap();
            all.push((payload[..got.len].to_vec(), got));
        }
    }
    assert_eq!(all.len(), datagrams);
    all
}

fn messages_of_one_size_are_sent_and_received_as_one() {
    let (sender, receiver, to) = sockets();
    let texts = texts(&[100; 8]);
    send(&sender, &outgoing(&texts, to));
    assert_eq!(received_sizes(&receiver, 8), [vec![100; 8]]);
    assert_eq!(sender.coalescing_refused(), 0);
}

fn a_receiver_without_coalescing_gets_each_datagram() {
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::all(), true).unwrap();
    let texts = texts(&[100; 32]);
    let control = SendControl::new().with_traffic_class(0x28).with_hop_limit(7);
    let to = Some(receiver.local_addr().unwrap());
    let messages: Vec<_> = texts.iter().map(|text| Outgoing::new(text, control, to)).collect();
    send(&sender, &messages);
    for (text, (payload, got)) in texts.iter().zip(receive_all(&receiver, 32, 32)) {
        assert_eq!(*text, payload);
        assert_eq!((got.control.traffic_class, got.control.hop_limit), (Some(0x28), Some(7)));
        assert_eq!(got.control.segment_size, None);
    }
}

fn a_receive_batch_splits_coalesced_datagrams() {
    let (sender, receiver, to) = sockets();
    receiver.set_control_flags(ControlFlags::all(), true).unwrap();
    let texts = texts(&[1200; 40]);
    let control = SendControl::new().with_traffic_class(0xb8).with_hop_limit(3);
    let messages: Vec<_> = texts.iter().map(|text| Outgoing::new(text, control, Some(to))).collect();
    send(&sender, &messages);
    for (text, (payload, got)) in texts.iter().zip(receive_all(&receiver, 40, 64)) {
        assert_eq!(*text, payload);
        assert_eq!((got.source, got.len, got.truncated), (sender.local_addr().unwrap(), 1200, false));
        assert_eq!((got.control.traffic_class, got.control.hop_limit), (Some(0xb8), Some(3)));
        assert_eq!((got.control.destination, got.control.segment_size), (Some(*to.ip()), None));
    }
}

fn datagrams_that_did_not_fit_come_with_the_next_call() {
    let (sender, receiver, to) = sockets();
    let texts = texts(&[10; 25]);
    send(&sender, &outgoing(&texts, to));
    let (mut batch, mut payloads) = (RecvBatch::new(10), vec![[0; 64]; 10]);
    for (expected, room) in texts.chunks(10).zip([10, 10, 5]) {
        assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), room);
        for ((text, payload), got) in expected.iter().zip(&payloads).zip(batch.iter()) {
            assert_eq!(*text, payload[..got.unwrap().len]);
        }
    }
    // Also after coalescing was disabled.
    send(&sender, &outgoing(&texts, to));
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 10);
    receiver.set_receive_coalescing(false).unwrap();
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 10);
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 5);
    sender.send_to(b"alone", &SendControl::new(), to).unwrap();
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 1);
    assert_eq!(batch.iter().next().unwrap().unwrap().len, 5);
}

fn datagrams_left_in_a_batch_are_not_returned_for_another_socket() {
    let (sender, receiver, to) = sockets();
    receiver.set_receive_coalescing(true).unwrap();
    let texts = texts(&[5; 6]);
    send(&sender, &outgoing(&texts, to));
    let (mut batch, mut room) = (RecvBatch::new(8), vec![[0; 16]; 4]);
    assert!(!batch.has_more());
    assert_eq!(receiver.recv_batch(&mut batch, &mut room).unwrap(), 4);
    assert!(batch.has_more());

    // The datagrams left from `receiver` are not returned for `other`, whether it coalesces or not.
    let other = loopback();
    sender.send_to(b"other", &SendControl::new(), other.local_addr().unwrap()).unwrap();
    for coalesces in [false, true] {
        other.set_receive_coalescing(coalesces).unwrap();
        let error = other.recv_batch(&mut batch, &mut room).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{error}");
        assert!(batch.is_empty() && batch.has_more());
    }
    // They are still returned for `receiver`.
    assert_eq!(receiver.recv_batch(&mut batch, &mut room).unwrap(), 2);
    assert_eq!(room[1][..5], texts[5]);
    assert!(!batch.has_more());
    assert_eq!(other.recv_batch(&mut batch, &mut room).unwrap(), 1);

    // `clear` discards them.
    send(&sender, &outgoing(&texts, to));
    assert_eq!(receiver.recv_batch(&mut batch, &mut room).unwrap(), 4);
    batch.clear();
    assert!(batch.is_empty() && !batch.has_more() && batch.iter().next().is_none());
    sender.send_to(b"other", &SendControl::new(), other.local_addr().unwrap()).unwrap();
    assert_eq!(other.recv_batch(&mut batch, &mut room).unwrap(), 1);
}

fn only_messages_with_equal_control_and_destination_are_coalesced() {
    let (sender, receiver, to) = sockets();
    let texts = texts(&[50; 9]);
    let mut messages = outgoing(&texts, to);
    for message in &mut messages[3..6] {
        message.control = SendControl::new().with_hop_limit(9);
    }
    send(&sender, &messages);
    assert_eq!(received_sizes(&receiver, 9), vec![vec![50; 3]; 3]);
    // A message to another destination in between.
    let other = loopback();
    let mut messages = outgoing(&texts, to);
    messages[4].to = Some(other.local_addr().unwrap());
    send(&sender, &messages);
    assert_eq!(received_sizes(&receiver, 8).concat(), vec![50; 8]);
    assert_eq!(receive(&other).0, texts[4]);
}

fn a_shorter_message_ends_the_coalesced_run() {
    let (sender, receiver, to) = sockets();
    send(&sender, &outgoing(&texts(&[50, 50, 20, 20, 50]), to));
    assert_eq!(received_sizes(&receiver, 5), [vec![50, 50, 20], vec![20], vec![50]]);
}

fn empty_datagrams_are_not_coalesced() {
    let (sender, receiver, to) = sockets();
    send(&sender, &outgoing(&texts(&[0, 0, 5, 5, 0]), to));
    let sizes: Vec<_> = receive_all(&receiver, 5, 8).into_iter().map(|(payload, _)| payload.len()).collect();
    assert_eq!(sizes, [0, 0, 5, 5, 0]);
}

fn more_segments_than_the_kernel_allows_are_split() {
    let (sender, receiver, to) = sockets();
    let texts = texts(&[15; 200]);
    send(&sender, &outgoing(&texts, to));
    let got: Vec<_> = receive_all(&receiver, 200, 256).into_iter().map(|(payload, _)| payload).collect();
    assert_eq!(got, texts);
    // Linux takes 128 since 6.9. Older kernels take 64; one refusal lowers the limit.
    match sender.max_segments() {
        128 => assert_eq!(sender.coalescing_refused(), 0),
        64 => assert_eq!(sender.coalescing_refused(), 1),
        other => panic!("{other} segments"),
    }
}

fn a_batch_larger_than_its_storage_is_coalesced() {
    let (sender, receiver, to) = sockets();
    let texts = texts(&[15; 96]);
    assert_eq!(sender.send_batch(&mut SendBatch::new(32), &outgoing(&texts, to)).unwrap(), 96);
    assert_eq!(received_sizes(&receiver, 96).iter().map(Vec::len).collect::<Vec<_>>(), [32, 32, 32]);
}

fn an_unrelated_error_does_not_lower_the_segment_limit() {
    let (sender, _receiver, mut to) = sockets();
    let most = sender.max_segments();
    // Port 0 is refused with EINVAL, with and without coalescing.
    to.set_port(0);
    let texts = texts(&[15; 8]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    sender.send_batch(&mut SendBatch::new(8), &outgoing(&texts, to)).unwrap_err();
                }
            });
        }
    });
    assert_eq!((sender.max_segments(), sender.coalescing_refused()), (most, 0));
}

fn a_coalesced_send_stays_within_the_maximum_packet_size() {
    let (sender, receiver, to) = sockets();
    // 49 datagrams of 1,310 bytes are 64,190 bytes. 50 are 65,500, which does not fit with both headers.
    let texts = texts(&[1310; 60]);
    send(&sender, &outgoing(&texts, to));
    assert_eq!(received_sizes(&receiver, 60), [vec![1310; 49], vec![1310; 11]]);
    assert_eq!(sender.coalescing_refused(), 0);
    send(&sender, &outgoing(&texts, to));
    let got: Vec<_> = receive_all(&receiver, 60, 64).into_iter().map(|(payload, _)| payload).collect();
    assert_eq!(got, texts);
}

// Scar 31 (quinn#2718, quinn#2202): a device refuses segmentation. Send singly, remember it, report it.
fn datagrams_above_the_mtu_are_sent_singly() {
    let (_pair, sender, receiver, to) = small_mtu_pair();
    // Above the MTU: sent singly, in fragments.
    let long = texts(&[1400; 4]);
    send(&sender, &outgoing(&long, to));
    let mut got: Vec<_> = receive_all(&receiver, 4, 8).into_iter().map(|(payload, _)| payload).collect();
    // Several processors may reassemble the fragments, in any order.
    got.sort();
    assert!(got == long);
    assert_eq!((sender.coalescing_refused(), sender.max_segments() > 1), (1, true));
    // The refusal is remembered, and shorter datagrams are still coalesced.
    send(&sender, &outgoing(&long, to));
    receive_all(&receiver, 4, 8);
    assert_eq!(sender.coalescing_refused(), 1);
    // Slightly shorter datagrams may also exceed the MTU.
    send(&sender, &outgoing(&texts(&[1350; 4]), to));
    receive_all(&receiver, 4, 8);
    assert_eq!((sender.coalescing_refused(), sender.max_segments() > 1), (2, true));
    receiver.set_receive_coalescing(true).unwrap();
    send(&sender, &outgoing(&texts(&[1000; 4]), to));
    assert_eq!(received_sizes(&receiver, 4).concat(), [1000; 4]);
    assert_eq!(sender.coalescing_refused(), 2);
}

fn an_error_that_is_no_refusal_is_returned() {
    let (sender, receiver, to) = sockets();
    let texts = texts(&[20; 4]);
    let mut messages = outgoing(&texts, to);
    // The host does not have this address: EINVAL, with and without coalescing.
    for message in &mut messages {
        message.control = SendControl::new().with_source("2001:db8::1".parse().unwrap());
    }
    let error = sender.send_batch(&mut SendBatch::new(8), &messages).unwrap_err();
    assert_eq!(cause(&error), Some(EINVAL));
    assert!(error.to_string().starts_with("sending from 2001:db8::1: Invalid argument"), "{error}");
    // Coalescing stays enabled.
    assert_eq!((sender.coalescing_refused(), sender.max_segments() > 1), (0, true));
    send(&sender, &outgoing(&texts, to));
    assert_eq!(received_sizes(&receiver, 4), [vec![20; 4]]);
}

fn an_explicit_segment_size_is_sent() {
    let (sender, receiver, to) = sockets();
    for (len, size, expected) in [(100, 30, vec![30, 30, 30, 10]), (60, 30, vec![30, 30]), (30, 30, vec![30])]
    {
        let control = SendControl::new().with_segment_size(size);
        assert_eq!(sender.send_to(&vec![1; len], &control, to).unwrap(), len);
        assert_eq!(received_sizes(&receiver, expected.len()), [expected]);
    }
    // In a batch, such messages are not coalesced with others.
    let control = SendControl::new().with_segment_size(10);
    let text = [7; 30];
    send(&sender, &[Outgoing::new(&text, control, Some(to)); 2]);
    assert_eq!(received_sizes(&receiver, 6).concat(), [10; 6]);
}

fn send_coalescing_can_be_disabled() {
    let (sender, receiver, to) = sockets();
    sender.set_send_coalescing(false);
    assert!(!sender.send_coalescing());
    let texts = texts(&[10; 4]);
    send(&sender, &outgoing(&texts, to));
    assert_eq!(received_sizes(&receiver, 4), vec![vec![10]; 4]);
    sender.set_send_coalescing(true);
    send(&sender, &outgoing(&texts, to));
    assert_eq!(received_sizes(&receiver, 4), [vec![10; 4]]);
}

fn a_single_receive_reports_the_segment_size() {
    for flags in [ControlFlags::empty(), ControlFlags::DESTINATION, ControlFlags::all()] {
        let (sender, receiver, to) = sockets();
        receiver.set_deadline(None);
        receiver.set_control_flags(flags, true).unwrap();
        send(&sender, &outgoing(&texts(&[10; 4]), to));
        let got = receiver.recv_from(&mut [0; 100]).unwrap();
        assert_eq!((got.len, got.control.segment_size), (40, Some(10)), "{flags:?}");
    }
}

fn more_parts_than_the_kernel_allows_are_split() {
    use std::io::IoSlice;
    let (sender, receiver, to) = sockets();
    let byte = [7];
    let parts = [IoSlice::new(&byte); 20];
    let messages = vec![Outgoing::vectored(&parts, SendControl::new(), Some(to)); 100];
    // The kernel takes at most 1,024 parts in a message (`UIO_MAXIOV`).
    assert_eq!(sender.send_batch(&mut SendBatch::new(2048), &messages).unwrap(), 100);
    assert_eq!(received_sizes(&receiver, 100), [vec![20; 51], vec![20; 49]]);
    assert_eq!(sender.coalescing_refused(), 0);
}

fn receive_coalescing_stays_enabled_while_datagrams_wait() {
    let (sender, receiver, to) = sockets();
    let texts = texts(&[10; 4]);
    send(&sender, &outgoing(&texts, to));
    // Wait until the datagrams have arrived.
    receiver.get_ref().peek(&mut [0; 1]).unwrap();
    let error = receiver.set_receive_coalescing(false).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ResourceBusy, "{error}");
    assert!(receiver.receive_coalescing());
    send(&sender, &outgoing(&texts, to));
    let got: Vec<_> = receive_all(&receiver, 8, 8).into_iter().map(|(payload, _)| payload).collect();
    assert_eq!(got, [texts.clone(), texts.clone()].concat());
    receiver.set_receive_coalescing(false).unwrap();
    assert!(!receiver.receive_coalescing());
    send(&sender, &outgoing(&texts, to));
    // Without coalescing, waiting datagrams do not matter.
    receiver.set_receive_coalescing(false).unwrap();
    assert_eq!(received_sizes(&receiver, 4), vec![vec![10]; 4]);
}

fn raw_sockets_do_not_coalesce() {
    let raw = RawConn::open(Icmp6Type::PROTOCOL).unwrap();
    raw.set_send_coalescing(true);
    assert_eq!((raw.send_coalescing(), raw.max_segments(), raw.coalescing_refused()), (false, 1, 0));
    assert_eq!(errno(raw.set_receive_coalescing(true)), Some(ENOPROTOOPT));
    assert!(!raw.receive_coalescing());
    // Some kernels would send one large datagram instead of refusing it.
    let to = SocketAddrV6::new(std::net::Ipv6Addr::LOCALHOST, 0, 0, 0);
    let error = raw.send_to(&[128, 0, 0, 0], &SendControl::new().with_segment_size(2), to).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    assert!(error.to_string().contains("UDP_SEGMENT"), "{error}");
}

fn a_socket_with_coalescing_enabled_is_recognized() {
    let (sender, receiver, to) = sockets();
    let again = PacketConn::new(receiver.into_inner()).unwrap();
    assert!(again.receive_coalescing());
    again.set_deadline(soon());
    send(&sender, &outgoing(&texts(&[9; 3]), to));
    assert_eq!(receive_all(&again, 3, 8).len(), 3);
}

fn segments_are_truncated_to_small_payload_buffers() {
    let (sender, receiver, to) = sockets();
    send(&sender, &outgoing(&texts(&[30, 30, 20]), to));
    let (mut batch, mut payloads) = (RecvBatch::new(8), vec![[0; 20]; 8]);
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 3);
    let cut: Vec<_> = batch.iter().map(|got| got.unwrap()).map(|got| (got.len, got.truncated)).collect();
    assert_eq!(cut, [(20, true), (20, true), (20, false)]);
    for (number, payload) in payloads.iter().take(3).enumerate() {
        assert_eq!(*payload, [number as u8; 20]);
    }
}

fn messages_of_a_connected_socket_are_coalesced() {
    let (sender, receiver, to) = sockets();
    sender.get_ref().connect(to).unwrap();
    let texts = texts(&[40; 6]);
    let messages: Vec<_> = texts.iter().map(|text| Outgoing::new(text, SendControl::new(), None)).collect();
    send(&sender, &messages);
    assert_eq!(received_sizes(&receiver, 6), [vec![40; 6]]);
}

fn messages_in_parts_are_coalesced() {
    use std::io::IoSlice;
    let (sender, receiver, to) = sockets();
    let texts: Vec<_> = (0..6_u8).map(|n| [vec![n; 10], vec![n + 100; 20]]).collect();
    let parts: Vec<_> = texts.iter().map(|[head, body]| [IoSlice::new(head), IoSlice::new(body)]).collect();
    let mut messages: Vec<_> =
        parts.iter().map(|parts| Outgoing::vectored(parts, SendControl::new(), Some(to))).collect();
    // A message in one piece may be coalesced with them.
    let whole = [9; 30];
    messages[3] = Outgoing::new(&whole, SendControl::new(), Some(to));
    send(&sender, &messages);
    assert_eq!(received_sizes(&receiver, 6), [vec![30; 6]]);
    // Room for five parts: two messages of two parts each, and not half of a third.
    assert_eq!(sender.send_batch(&mut SendBatch::new(5), &messages).unwrap(), 6);
    let received = receive_all(&receiver, 6, 8);
    for (number, (payload, _)) in received.iter().enumerate() {
        let expected = if number == 3 { whole.to_vec() } else { texts[number].concat() };
        assert_eq!(*payload, expected);
    }
}

fn coalesced_datagrams_are_split_into_parts() {
    use std::io::IoSliceMut;
    let (sender, receiver, to) = sockets();
    let texts = texts(&[10; 4]);
    send(&sender, &outgoing(&texts, to));
    let mut room = [[[0xff; 4]; 2]; 4];
    let mut lists = room.each_mut().map(|room| room.each_mut().map(|part| IoSliceMut::new(part)));
    let mut payloads = lists.each_mut().map(|list| Vectored::new(list));
    let mut batch = RecvBatch::new(4);
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 4);
    for (number, (got, room)) in batch.iter().zip(&room).enumerate() {
        let got = got.unwrap();
        assert_eq!((got.len, got.truncated), (8, true));
        assert_eq!(room.concat(), [number as u8; 8]);
    }
}

fn send_segments_sends_one_payload_as_datagrams() {
    let (sender, receiver, to) = sockets();
    receiver.set_control_flags(ControlFlags::all(), true).unwrap();
    let control = SendControl::new().with_hop_limit(7).with_segment_size(3);
    // (payload, size, datagrams of each call)
    let most = sender.max_segments();
    let many = most + 2;
    let cases = [
        (100, 30, vec![vec![30, 30, 30, 10]]),
        (60, 30, vec![vec![30, 30]]),
        (30, 30, vec![vec![30]]),
        (10, 30, vec![vec![10]]),
        (0, 30, vec![vec![0]]),
        (many * 10, 10, vec![vec![10; most], vec![10; 2]]),
        (65_500 * 2, 65_500, vec![vec![65_500], vec![65_500]]),
        (40_000 * 2, 40_000, vec![vec![40_000], vec![40_000]]),
    ];
    for (len, size, expected) in cases {
        let payload: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        assert_eq!(sender.send_segments(&payload, size, &control, to).unwrap(), len);
        let (mut got, mut buffer) = (Vec::new(), vec![0; 65_535]);
        for expected in expected {
            let received = receiver.recv_from(&mut buffer).unwrap();
            assert_eq!(received.control.hop_limit, Some(7));
            let segments = Segments::new(&buffer[..received.len], received.control.segment_size);
            assert_eq!(segments.map(<[u8]>::len).collect::<Vec<_>>(), expected);
            got.extend_from_slice(&buffer[..received.len]);
        }
        assert!(got == payload);
    }
    assert_eq!(sender.coalescing_refused(), 0);
    // The setting for batches does not affect `send_segments`. A connected socket needs no destination.
    sender.set_send_coalescing(false);
    sender.get_ref().connect(to).unwrap();
    assert_eq!(sender.send_segments(&[7; 40], 10, &SendControl::new(), None).unwrap(), 40);
    assert_eq!(received_sizes(&receiver, 4), [vec![10; 4]]);
    refused(sender.send_segments(b"x", 0, &SendControl::new(), to), "segment size 0");
}

fn send_segments_remembers_a_refusal() {
    let (_pair, sender, receiver, to) = small_mtu_pair();
    let payload: Vec<u8> = (0..5600).map(|at| (at % 251) as u8).collect();
    for _ in 0..2 {
        // Above the MTU: sent singly, in fragments.
        assert_eq!(sender.send_segments(&payload, 1400, &SendControl::new(), to).unwrap(), 5600);
        let got = receive_all(&receiver, 4, 8);
        assert!(got.iter().all(|(datagram, _)| datagram.len() == 1400));
        assert_eq!((sender.coalescing_refused(), sender.max_segments() > 1), (1, true));
    }
    receiver.set_receive_coalescing(true).unwrap();
    sender.send_segments(&payload[..4000], 1000, &SendControl::new(), to).unwrap();
    assert_eq!(received_sizes(&receiver, 4).concat(), [1000; 4]);
}

fn send_segments_returns_the_bytes_sent_or_the_error() {
    let (sender, receiver, to) = sockets();
    let control = SendControl::new().with_source("2001:db8::1".parse().unwrap());
    let error = sender.send_segments(&[7; 40], 10, &control, to).unwrap_err();
    assert_eq!(cause(&error), Some(EINVAL));
    assert!(error.to_string().contains("2001:db8::1"), "{error}");
    assert_eq!((sender.coalescing_refused(), sender.max_segments() > 1), (0, true));
    // Datagrams near the maximum are sent; one above it is an error.
    sender.set_dont_fragment(true).unwrap();
    let payload = vec![7; 65_000 * 2 + 10];
    assert_eq!(sender.send_segments(&payload, 65_000, &SendControl::new(), to).unwrap(), payload.len());
    assert_eq!(received_sizes(&receiver, 3).concat(), [65_000, 65_000, 10]);
    let error = sender.send_segments(&payload, 65_535, &SendControl::new(), to).unwrap_err();
    assert!(is_too_long(&error), "{error}");
}

fn send_segments_without_kernel_support_sends_singly() {
    const ECHO_REPLY: u8 = 129;
    let raw = RawConn::open(Icmp6Type::PROTOCOL).unwrap();
    raw.set_deadline(soon());
    let mut filter = Icmp6Filter::block_all();
    raw.set_icmp6_filter(filter.pass(Icmp6Type::ECHO_REPLY)).unwrap();
    let payload = [[ECHO_REPLY, 0, 0, 0, 1, 2, 3, 4], [ECHO_REPLY, 0, 0, 0, 5, 6, 7, 8]].concat();
    let to = SocketAddrV6::new(std::net::Ipv6Addr::LOCALHOST, 0, 0, 0);
    assert_eq!(raw.send_segments(&payload, 8, &SendControl::new(), to).unwrap(), 16);
    for first in [1, 5] {
        let (got, _) = receive(&raw);
        assert_eq!((got.len(), got[4]), (8, first));
    }
    let error = raw.send_to(&payload, &SendControl::new().with_segment_size(8), to).unwrap_err();
    assert!(error.to_string().contains("segment size 8") && error.to_string().contains("send_segments"));
}
