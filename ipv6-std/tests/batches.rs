//! Batches: order, control messages of each message, reuse of storage, partial success.

mod common;

use common::*;
use ipv6_std::*;

ipv6_testnet::tests! {
    [Namespace] a_batch_arrives_in_order_with_its_source_and_control;
    [Namespace] each_message_is_sent_with_its_own_control;
    [Namespace] only_enabled_fields_are_set;
    [Namespace] storage_can_be_reused;
    [Namespace] receiving_returns_as_many_messages_as_there_are;
    [Namespace] receiving_a_batch_waits_for_one_message_only;
    [Namespace] control_of_an_earlier_batch_is_not_reported_again;
    [Namespace] a_slot_that_received_no_control_can_receive_control_later;
    [Namespace] truncation_is_reported_for_each_message;
    [Namespace] a_message_that_fails_ends_the_batch_before_it;
    [Namespace] a_batch_larger_than_its_storage_is_sent_completely;
    [Namespace] a_batch_may_exceed_the_kernels_limit_of_1024_messages;
    [Namespace] each_message_goes_to_its_own_destination;
    [Namespace] payload_buffers_may_be_arrays_vectors_or_slices;
    [Namespace] messages_may_consist_of_parts;
    [Namespace] growing_the_storage_raises_its_capacity;
}

fn texts(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|number| format!("message {number}").into_bytes()).collect()
}

fn outgoing<'a>(texts: &'a [Vec<u8>], conn: &PacketConn) -> Vec<Outgoing<'a>> {
    common::outgoing(texts, conn.local_addr().unwrap())
}

fn a_batch_arrives_in_order_with_its_source_and_control() {
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::all(), true).unwrap();
    let texts = texts(8);
    assert_eq!(sender.send_batch(&mut SendBatch::new(8), &outgoing(&texts, &receiver)).unwrap(), 8);
    delivered();
    let (mut batch, mut payloads) = (RecvBatch::new(8), vec![[0; 64]; 8]);
    assert!(batch.is_empty());
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 8);
    assert_eq!((batch.len(), batch.capacity(), batch.iter().len()), (8, 8, 8));
    for ((got, payload), text) in batch.iter().zip(&payloads).zip(&texts) {
        let got = got.unwrap();
        assert_eq!(&payload[..got.len], text);
        assert_eq!(got.source, sender.local_addr().unwrap());
        assert_eq!(got.control.destination, Some("::1".parse().unwrap()));
        assert!(!got.truncated && !got.control_truncated);
    }
}

// Scar 39 (nix#1954): `sendmmsg` used one control block for the whole batch.
fn each_message_is_sent_with_its_own_control() {
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::TRAFFIC_CLASS | ControlFlags::HOP_LIMIT, true).unwrap();
    let to = Some(receiver.local_addr().unwrap());
    let messages: Vec<_> = (1..=16)
        .map(|n| Outgoing::new(b"x", SendControl::new().with_traffic_class(n * 4).with_hop_limit(n), to))
        .collect();
    assert_eq!(sender.send_batch(&mut SendBatch::new(16), &messages).unwrap(), 16);
    delivered();
    let (mut batch, mut payloads) = (RecvBatch::new(16), vec![[0; 8]; 16]);
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 16);
    for (n, got) in (1..).zip(batch.iter()) {
        let control = got.unwrap().control;
        assert_eq!((control.traffic_class, control.hop_limit), (Some(n * 4), Some(n)));
    }
}

fn only_enabled_fields_are_set() {
    let conn = loopback();
    let texts = texts(2);
    let (here, on) = (Some("::1".parse().unwrap()), InterfaceIndex::new(1).ok());
    // Destination and interface arrive in one message of the kernel.
    let cases = [
        (ControlFlags::DESTINATION, here, None),
        (ControlFlags::INTERFACE, None, on),
        (ControlFlags::DESTINATION | ControlFlags::INTERFACE, here, on),
    ];
    let (mut batch, mut payloads) = (RecvBatch::new(2), [[0; 64]; 2]);
    for (flags, destination, interface) in cases {
        conn.set_control_flags(ControlFlags::all(), false).unwrap();
        conn.set_control_flags(flags, true).unwrap();
        conn.send_batch(&mut SendBatch::new(2), &outgoing(&texts, &conn)).unwrap();
        holds_all(&conn, &texts);
        assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 2);
        let mut expected = RecvControl::default();
        (expected.destination, expected.interface) = (destination, interface);
        for got in batch.iter() {
            assert_eq!(got.unwrap().control, expected);
        }
    }
}

// Scar 6 (nix#2813, nix#2506): lengths that the kernel wrote were not restored before the next call.
fn storage_can_be_reused() {
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::all(), true).unwrap();
    let (mut send, mut batch, mut payloads) = (SendBatch::new(4), RecvBatch::new(4), vec![[0; 64]; 4]);
    let texts = texts(4);
    for round in 0..5 {
        let count = round % 4 + 1;
        let messages = outgoing(&texts[..count], &receiver);
        assert_eq!(sender.send_batch(&mut send, &messages).unwrap(), count);
        holds_all(&receiver, &texts[..count]);
        assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), count);
        for ((got, payload), text) in batch.iter().zip(&payloads).zip(&texts) {
            let got = got.unwrap();
            assert_eq!(&payload[..got.len], text);
            assert_eq!(got.source, sender.local_addr().unwrap());
            assert_eq!(got.control.hop_limit, Some(64));
            assert!(!got.control_truncated);
        }
    }
}

// Scar 7 (nix#1325): `recvmmsg` returned fewer messages than were requested.
fn receiving_returns_as_many_messages_as_there_are() {
    let conn = loopback();
    let texts = texts(3);
    conn.send_batch(&mut SendBatch::new(3), &outgoing(&texts, &conn)).unwrap();
    holds_all(&conn, &texts);
    let (mut batch, mut payloads) = (RecvBatch::new(32), vec![[0; 64]; 32]);
    assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 3);
    assert_eq!(batch.iter().count(), 3);
    // The smaller of storage and payload buffers is the limit.
    conn.send_batch(&mut SendBatch::new(3), &outgoing(&texts, &conn)).unwrap();
    holds_all(&conn, &texts);
    assert_eq!(conn.recv_batch(&mut batch, &mut payloads[..2]).unwrap(), 2);
    assert_eq!(conn.recv_batch(&mut RecvBatch::new(1), &mut payloads).unwrap(), 1);
}

fn receiving_a_batch_waits_for_one_message_only() {
    let conn = loopback();
    conn.set_deadline(None);
    let texts = texts(4);
    let messages = outgoing(&texts, &conn);
    conn.send_batch(&mut SendBatch::new(1), &messages[..1]).unwrap();
    let (done, waiting) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let (conn, messages) = (&conn, &messages);
        // If the call waits for more messages, it gets them after five seconds, and the count is wrong.
        scope.spawn(move || {
            if waiting.recv_timeout(std::time::Duration::from_secs(5))
                == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                conn.send_batch(&mut SendBatch::new(3), &messages[1..]).unwrap();
            }
        });
        assert_eq!(conn.recv_batch(&mut RecvBatch::new(4), &mut [[0; 64]; 4]).unwrap(), 1);
        drop(done);
    });
}

// Scar 8 (quinn#2214): a batch receive left old control bytes in place.
fn control_of_an_earlier_batch_is_not_reported_again() {
    let conn = loopback();
    let texts = texts(4);
    let (mut batch, mut payloads) = (RecvBatch::new(4), vec![[0; 64]; 4]);
    for (flags, expected) in [(ControlFlags::all(), true), (ControlFlags::empty(), false)] {
        conn.set_control_flags(ControlFlags::all(), false).unwrap();
        conn.set_control_flags(flags, true).unwrap();
        conn.send_batch(&mut SendBatch::new(4), &outgoing(&texts, &conn)).unwrap();
        holds_all(&conn, &texts);
        assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 4);
        for got in batch.iter() {
            let control = got.unwrap().control;
            assert_eq!(control.hop_limit.is_some(), expected);
            assert_eq!(control == RecvControl::default(), !expected);
        }
    }
    // After an error the batch is empty.
    conn.set_deadline(Some(std::time::Instant::now()));
    conn.recv_batch(&mut batch, &mut payloads).unwrap_err();
    assert_eq!(batch.iter().count(), 0);
}

// Scar 42: nix's `recvmmsg` did not restore the control length: a slot without a message failed with ENOBUFS later.
fn a_slot_that_received_no_control_can_receive_control_later() {
    let conn = loopback();
    let texts = texts(4);
    let (mut batch, mut payloads) = (RecvBatch::new(4), vec![[0; 64]; 4]);
    for (on, count) in [(false, 4), (true, 1), (true, 4)] {
        conn.set_control_flags(ControlFlags::all(), on).unwrap();
        conn.send_batch(&mut SendBatch::new(4), &outgoing(&texts[..count], &conn)).unwrap();
        holds_all(&conn, &texts[..count]);
        assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), count);
        for got in batch.iter() {
            let got = got.unwrap();
            assert_eq!((got.control.traffic_class.is_some(), got.control_truncated), (on, false));
            assert_eq!(got.source, conn.local_addr().unwrap());
        }
    }
}

fn truncation_is_reported_for_each_message() {
    let conn = loopback();
    let texts = [b"a".to_vec(), b"much too long".to_vec(), b"b".to_vec()];
    conn.send_batch(&mut SendBatch::new(3), &outgoing(&texts, &conn)).unwrap();
    holds_all(&conn, &texts);
    let (mut batch, mut payloads) = (RecvBatch::new(3), vec![[0; 4]; 3]);
    conn.recv_batch(&mut batch, &mut payloads).unwrap();
    let cut: Vec<_> = batch.iter().map(|got| got.unwrap()).map(|got| (got.len, got.truncated)).collect();
    assert_eq!(cut, [(1, false), (4, true), (1, false)]);
}

fn a_message_that_fails_ends_the_batch_before_it() {
    let conn = loopback();
    let to = Some(conn.local_addr().unwrap());
    let good = Outgoing::new(b"good", SendControl::new(), to);
    let too_long = vec![0; 65_528];
    let next_hop = SendControl::new().with_next_hop("[::1]:0".parse().unwrap());
    // Refused by the kernel, and refused by the codec.
    let bad = [
        (Outgoing::new(&too_long, SendControl::new(), to), Some(EMSGSIZE)),
        (Outgoing::new(b"bad", next_hop, to), None),
    ];
    for (bad, number) in bad {
        let messages = [good, good, bad, good];
        let mut batch = SendBatch::new(4);
        assert_eq!(conn.send_batch(&mut batch, &messages).unwrap(), 2);
        assert_eq!(conn.send_batch(&mut batch, &messages[2..]).unwrap_err().raw_os_error(), number);
        assert_eq!(conn.send_batch(&mut batch, &messages[3..]).unwrap(), 1);
        for _ in 0..3 {
            assert_eq!(receive(&conn).0, b"good");
        }
    }
}

fn a_batch_larger_than_its_storage_is_sent_completely() {
    let conn = loopback();
    let texts = texts(10);
    assert_eq!(conn.send_batch(&mut SendBatch::new(3), &outgoing(&texts, &conn)).unwrap(), 10);
    let (mut batch, mut payloads) = (RecvBatch::new(4), vec![[0; 64]; 4]);
    let mut received = Vec::new();
    while received.len() < 10 {
        conn.recv_batch(&mut batch, &mut payloads).unwrap();
        for (got, payload) in batch.iter().zip(&payloads) {
            received.push(payload[..got.unwrap().len].to_vec());
        }
    }
    assert_eq!(received, texts);
}

fn a_batch_may_exceed_the_kernels_limit_of_1024_messages() {
    let sender = loopback();
    // Without coalescing: one kernel message for each datagram.
    sender.set_send_coalescing(false);
    // A socket's buffer holds a few hundred of them.
    let receivers: [_; 8] = std::array::from_fn(|_| loopback());
    let texts = texts(1500);
    let mut messages = outgoing(&texts, &receivers[0]);
    for (message, receiver) in messages.iter_mut().zip(receivers.iter().cycle()) {
        message.to = Some(receiver.local_addr().unwrap());
    }
    let (mut batch, mut payloads) = (RecvBatch::new(2000), vec![[0; 64]; 2000]);
    let arrive = || {
        assert_eq!(sender.send_batch(&mut SendBatch::new(2000), &messages).unwrap(), 1500);
        delivered();
        receivers.iter().enumerate().all(|(number, receiver)| {
            receiver.recv_batch(&mut batch, &mut payloads).unwrap();
            let mut expected = texts.iter().skip(number).step_by(8);
            let count = expected.len();
            for (got, payload) in batch.iter().zip(&payloads) {
                let text = &payload[..got.unwrap().len];
                assert!(expected.any(|expected| expected == text), "out of order");
            }
            batch.len() == count
        })
    };
    // A busy processor drops packets: at most 1,000 wait for it (net.core.netdev_max_backlog).
    assert!(std::iter::repeat_with(arrive).take(20).any(|whole| whole));
}

fn each_message_goes_to_its_own_destination() {
    let (sender, one, two) = (loopback(), loopback(), loopback());
    let messages = [&one, &two, &one]
        .map(|conn| Outgoing::new(b"x", SendControl::new(), Some(conn.local_addr().unwrap())));
    assert_eq!(sender.send_batch(&mut SendBatch::new(3), &messages).unwrap(), 3);
    receive(&one);
    receive(&one);
    receive(&two);
    // `None`: the peer of a connected socket.
    sender.get_ref().connect(two.local_addr().unwrap()).unwrap();
    let connected = [Outgoing::new(b"y", SendControl::new(), None)];
    assert_eq!(sender.send_batch(&mut SendBatch::new(1), &connected).unwrap(), 1);
    assert_eq!(receive(&two).0, b"y");
}

fn payload_buffers_may_be_arrays_vectors_or_slices() {
    let conn = loopback();
    let texts = texts(2);
    let mut batch = RecvBatch::new(2);
    let messages = outgoing(&texts, &conn);
    let mut send = SendBatch::new(2);
    conn.send_batch(&mut send, &messages).unwrap();
    holds_all(&conn, &texts);
    assert_eq!(conn.recv_batch(&mut batch, &mut [[0; 16]; 2]).unwrap(), 2);
    conn.send_batch(&mut send, &messages).unwrap();
    holds_all(&conn, &texts);
    assert_eq!(conn.recv_batch(&mut batch, &mut [vec![0; 9], vec![0; 1500]]).unwrap(), 2);
    conn.send_batch(&mut send, &messages).unwrap();
    holds_all(&conn, &texts);
    let (mut one, mut two) = ([0; 16], [0; 32]);
    let mut borrowed: [&mut [u8]; 2] = [&mut one, &mut two];
    assert_eq!(conn.recv_batch(&mut batch, &mut borrowed).unwrap(), 2);
    assert_eq!(&two[..9], b"message 1");
}

fn messages_may_consist_of_parts() {
    use std::io::{IoSlice, IoSliceMut};
    let (sender, receiver) = (loopback(), loopback());
    let to = Some(receiver.local_addr().unwrap());
    let parts = [IoSlice::new(b"head"), IoSlice::new(b""), IoSlice::new(b" and body")];
    let messages = [
        Outgoing::vectored(&parts, SendControl::new(), to),
        Outgoing::new(b"whole", SendControl::new(), to),
        Outgoing::vectored(&[], SendControl::new(), to),
    ];
    // Storage for one message has room for all of its parts.
    for capacity in [1, 8] {
        assert_eq!(sender.send_batch(&mut SendBatch::new(capacity), &messages).unwrap(), 3);
        let mut room = [[[0; 2]; 8]; 3];
        let mut lists = room.each_mut().map(|room| room.each_mut().map(|part| IoSliceMut::new(part)));
        let mut payloads = lists.each_mut().map(|list| Vectored::new(list));
        let mut batch = RecvBatch::new(8);
        let mut seen = 0;
        while seen < 3 {
            seen += receiver.recv_batch(&mut batch, &mut payloads[seen..]).unwrap();
        }
        let filled = room.map(|parts| parts.concat());
        assert_eq!(filled[0], b"head and body\0\0\0");
        assert_eq!(filled[1], b"whole\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(filled[2], [0; 16]);
    }
}

fn growing_the_storage_raises_its_capacity() {
    let conn = loopback();
    let texts = texts(6);
    let (mut send, mut batch, mut payloads) = (SendBatch::new(2), RecvBatch::new(2), vec![[0; 64]; 6]);
    let mut receive = |batch: &mut RecvBatch| {
        assert_eq!(conn.send_batch(&mut send, &outgoing(&texts, &conn)).unwrap(), 6);
        holds_all(&conn, &texts);
        send.grow(6);
        let (mut sizes, mut received) = (Vec::new(), Vec::new());
        while received.len() < 6 {
            sizes.push(conn.recv_batch(batch, &mut payloads).unwrap());
            for (got, payload) in batch.iter().zip(&payloads) {
                let got = got.unwrap();
                assert_eq!(got.source, conn.local_addr().unwrap());
                received.push(payload[..got.len].to_vec());
            }
        }
        assert_eq!(received, texts);
        sizes
    };
    assert_eq!(receive(&mut batch), [2, 2, 2]);
    batch.grow(4);
    assert_eq!((batch.capacity(), batch.len()), (4, 2));
    assert_eq!(receive(&mut batch), [4, 2]);
    batch.grow(1);
    assert_eq!(batch.capacity(), 4);
    conn.set_receive_coalescing(true).unwrap();
    assert_eq!(receive(&mut batch), [4, 2]);
    batch.grow(6);
    assert_eq!(receive(&mut batch), [6]);
}
