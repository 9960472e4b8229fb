//! Sending and receiving do not allocate memory.

mod common;

use allocation_counter::measure;
use common::*;
use ipv6_std::*;

ipv6_testnet::tests! {
    [] the_allocation_counter_works;
    [Namespace] single_messages_allocate_nothing;
    [Namespace] calls_without_a_deadline_allocate_nothing;
    [Namespace] batches_allocate_nothing;
    [Namespace] coalescing_allocates_in_the_first_call_only;
    [Namespace] coalescing_kept_together_allocates_nothing;
    [Namespace] a_refusal_of_coalescing_allocates_nothing;
    [Namespace] a_message_that_ends_a_batch_allocates_nothing;
    [Namespace] a_timeout_allocates_only_its_error;
    [Namespace] a_queued_error_allocates_nothing;
    [Namespace] deadlines_allocate_nothing;
    [Namespace] parts_and_segments_allocate_nothing;
    [Namespace] raw_sockets_and_streams_allocate_nothing;
}

/// The number of allocations of `work` on this thread.
fn allocations(work: impl FnOnce()) -> u64 {
    measure(work).count_total
}

fn the_allocation_counter_works() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1]))), 1);
}

fn control() -> SendControl<'static> {
    SendControl::new().with_traffic_class(0x28).with_hop_limit(3).with_source("::1".parse().unwrap())
}

fn single_messages_allocate_nothing() {
    use std::io::{IoSlice, IoSliceMut};
    let conn = loopback();
    conn.set_control_flags(ControlFlags::all(), true).unwrap();
    let to = conn.local_addr().unwrap();
    conn.get_ref().connect(to).unwrap();
    let (mut payload, mut space) = ([0; 64], [0; 256]);
    let count = allocations(|| {
        for deadline in [soon(), None].into_iter().cycle().take(10) {
            conn.set_deadline(deadline);
            conn.send_to(b"HELLO", &control(), to).unwrap();
            conn.recv_from(&mut payload).unwrap();
            conn.send(b"HELLO", &control()).unwrap();
            let message = conn.recv_message(&mut payload, &mut space).unwrap();
            assert_eq!(message.control().unwrap().hop_limit, Some(3));
            conn.send_vectored(&[IoSlice::new(b"HEL"), IoSlice::new(b"LO")], &control(), to).unwrap();
            conn.recv_vectored(&mut [IoSliceMut::new(&mut payload)]).unwrap();
        }
    });
    assert_eq!(count, 0);
}

/// The common path: no deadline, no error, with and without control messages.
fn calls_without_a_deadline_allocate_nothing() {
    for flags in [ControlFlags::empty(), ControlFlags::HOP_LIMIT, ControlFlags::all()] {
        let conn = loopback();
        conn.set_deadline(None);
        conn.set_control_flags(flags, true).unwrap();
        let to = conn.local_addr().unwrap();
        let (mut payload, mut small) = ([0; 64], [0; 3]);
        let count = allocations(|| {
            for _ in 0..10 {
                for control in [control(), SendControl::new()] {
                    conn.send_to(b"HELLO", &control, to).unwrap();
                    conn.send_to(b"HELLO", &control, to).unwrap();
                    let got = conn.recv_from(&mut payload).unwrap();
                    assert_eq!((got.len, got.truncated, got.source), (5, false, to));
                    let got = conn.recv_from(&mut small).unwrap();
                    assert_eq!((got.len, got.truncated, got.source), (3, true, to));
                    assert_eq!(got.control.hop_limit.is_some(), flags.contains(ControlFlags::HOP_LIMIT));
                }
            }
        });
        assert_eq!(count, 0, "{flags:?}");
    }
}

// Scar 38 (golang/go#26838, golang/go#54883): Go's ReadBatch allocates an address for each datagram.
fn batches_allocate_nothing() {
    let conn = loopback();
    conn.set_control_flags(ControlFlags::all(), true).unwrap();
    let to = Some(conn.local_addr().unwrap());
    let (mut send, mut batch, mut payloads) = (SendBatch::new(8), RecvBatch::new(8), vec![[0; 64]; 8]);
    let count = allocations(|| {
        for _ in 0..10 {
            let messages = [b"one", b"two"].map(|text| Outgoing::new(text, control(), to));
            assert_eq!(conn.send_batch(&mut send, &messages).unwrap(), 2);
            holds(&conn, 6);
            assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 2);
            for got in batch.iter() {
                assert_eq!(got.unwrap().control.hop_limit, Some(3));
            }
        }
    });
    assert_eq!(count, 0);
}

fn coalescing_allocates_in_the_first_call_only() {
    let conn = loopback();
    conn.set_receive_coalescing(true).unwrap();
    let to = Some(conn.local_addr().unwrap());
    let (mut send, mut batch, mut payloads) = (SendBatch::new(32), RecvBatch::new(32), vec![[0; 64]; 32]);
    let mut round = || {
        let messages = [Outgoing::new(b"HELLO", control(), to); 32];
        assert_eq!(conn.send_batch(&mut send, &messages).unwrap(), 32);
        holds(&conn, 32 * 5);
        assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 32);
        assert!(batch.iter().all(|got| got.unwrap().len == 5));
    };
    assert!(allocations(&mut round) > 0);
    assert_eq!(allocations(round), 0);
}

fn coalescing_kept_together_allocates_nothing() {
    use std::io::IoSliceMut;
    let conn = loopback();
    conn.set_receive_coalescing(true).unwrap();
    let to = Some(conn.local_addr().unwrap());
    let (mut send, mut batch, mut room) = (SendBatch::new(32), RecvBatch::new(2), vec![vec![0; 65_535]; 2]);
    batch.keep_together(true);
    let mut buffers: Vec<_> = room.iter_mut().map(|room| IoSliceMut::new(room)).collect();
    let count = allocations(|| {
        for _ in 0..10 {
            let messages = [Outgoing::new(b"HELLO", control(), to); 32];
            assert_eq!(conn.send_batch(&mut send, &messages).unwrap(), 32);
            assert_eq!(conn.recv_batch(&mut batch, &mut buffers).unwrap(), 1);
            assert!(batch.iter().all(|got| got.unwrap().control.segment_size == Some(5)));
        }
    });
    assert_eq!(count, 0);
}

fn a_refusal_of_coalescing_allocates_nothing() {
    let (_pair, sender, _receiver, to) = small_mtu_pair();
    // Above the MTU: sent in fragments, without coalescing.
    let messages = [Outgoing::new(&[7; 1400], SendControl::new(), Some(to)); 4];
    let mut batch = SendBatch::new(8);
    let count = allocations(|| assert_eq!(sender.send_batch(&mut batch, &messages).unwrap(), 4));
    assert_eq!((count, sender.coalescing_refused()), (0, 1));
}

fn a_message_that_ends_a_batch_allocates_nothing() {
    let conn = loopback();
    let to = conn.local_addr().unwrap();
    let good = Outgoing::new(b"good", control(), Some(to));
    let too_long = vec![0; 65_528];
    let bad = [
        Outgoing::new(&too_long, control(), Some(to)),
        Outgoing::new(b"bad", control().with_next_hop(to), Some(to)),
        Outgoing::new(b"bad", control().with_source("ff02::1".parse().unwrap()), Some(to)),
        Outgoing::new(b"bad", control().with_source("::ffff:127.0.0.1".parse().unwrap()), Some(to)),
        Outgoing::new(b"bad", control(), Some("[::ffff:127.0.0.1]:1".parse().unwrap())),
    ];
    let mut batch = SendBatch::new(8);
    for bad in bad {
        let count = allocations(|| assert_eq!(conn.send_batch(&mut batch, &[good, good, bad]).unwrap(), 2));
        assert_eq!(count, 0, "{:?} to {:?}", bad.control, bad.to);
    }
}

fn a_timeout_allocates_only_its_error() {
    let conn = loopback();
    conn.set_control_flags(ControlFlags::all(), true).unwrap();
    let (mut batch, mut payload) = (RecvBatch::new(1), [0; 8]);
    conn.set_deadline(Some(std::time::Instant::now()));
    let count = allocations(|| {
        assert_eq!(conn.recv_from(&mut payload).unwrap_err().kind(), std::io::ErrorKind::TimedOut);
        conn.recv_batch(&mut batch, &mut [&mut payload]).unwrap_err();
    });
    // `std::io::Error` allocates twice for an error with a custom text.
    assert_eq!(count, 4);
}

fn a_queued_error_allocates_nothing() {
    let (conn, closed) = (loopback(), loopback());
    let to = closed.local_addr().unwrap();
    close(closed);
    conn.set_queue_errors(true).unwrap();
    let mut payload = [0; 16];
    let count = allocations(|| {
        for _ in 0..10 {
            conn.send_to(b"anyone?", &control(), to).unwrap();
            conn.recv_from(&mut payload).unwrap_err();
            assert_eq!(conn.recv_error(&mut payload).unwrap().unwrap().len, 7);
        }
    });
    assert_eq!(count, 0);
}

fn deadlines_allocate_nothing() {
    let conn = loopback();
    let to = conn.local_addr().unwrap();
    let count = allocations(|| {
        for _ in 0..10 {
            conn.set_deadline(soon());
            conn.send_to(b"x", &control(), to).unwrap();
            conn.recv_from(&mut [0; 8]).unwrap();
        }
    });
    assert_eq!(count, 0);
}

fn parts_and_segments_allocate_nothing() {
    use std::io::{IoSlice, IoSliceMut};
    let conn = loopback();
    conn.set_control_flags(ControlFlags::all(), true).unwrap();
    let to = conn.local_addr().unwrap();
    let (mut send, mut batch) = (SendBatch::new(8), RecvBatch::new(8));
    let (mut room, mut large) = ([[0; 32]; 2], [0; 2048]);
    let count = allocations(|| {
        for _ in 0..10 {
            let parts = [IoSlice::new(b"HEL"), IoSlice::new(b"LO")];
            let messages = [Outgoing::vectored(&parts, control(), Some(to)); 2];
            assert_eq!(conn.send_batch(&mut send, &messages).unwrap(), 2);
            holds(&conn, 2 * 5);
            let mut lists = room.each_mut().map(|room| [IoSliceMut::new(room)]);
            let mut payloads = lists.each_mut().map(|list| Vectored::new(list));
            assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 2);
            assert!(batch.iter().all(|got| got.unwrap().len == 5));

            let marked = conn.control_with_ecn(control(), Ecn::Ect0).unwrap();
            conn.send_to(&[7; 1000], &marked.with_segment_size(100), to).unwrap();
            for _ in 0..10 {
                let got = conn.recv_from(&mut large).unwrap();
                assert_eq!(Segments::new(&large[..got.len], got.control.segment_size).count(), 1);
                std::hint::black_box(got.control.reply());
            }
        }
    });
    assert_eq!(count, 0);
}

fn raw_sockets_and_streams_allocate_nothing() {
    // A protocol number for experiments: 253 and 254 (RFC 3692).
    let raw = RawConn::open(253).unwrap();
    raw.set_control_flags(ControlFlags::all(), true).unwrap();
    raw.set_deadline(soon());
    let listener = std::net::TcpListener::bind("[::1]:0").unwrap();
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let conn = Conn::new(&client).unwrap();
    conn.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    let mut payload = [0; 64];
    let count = allocations(|| {
        for _ in 0..10 {
            raw.send_to(b"HELLO", &control(), "[::1]:0".parse().unwrap()).unwrap();
            assert_eq!(raw.recv_from(&mut payload).unwrap().len, 5);
            conn.stream_control().unwrap();
        }
    });
    assert_eq!(count, 0);
}
