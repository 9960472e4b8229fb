//! Sending and receiving allocate nothing.

mod common;

use allocation_counter::measure;
use common::*;
use ipv6_std::*;

ipv6_testnet::tests! {
    [] the_counter_counts;
    [Namespace] one_message_allocates_nothing;
    [Namespace] scar_38_batches_allocate_nothing;
    [Namespace] coalescing_allocates_nothing_after_the_first_time;
    [Namespace] deadlines_allocate_nothing;
}

/// How often `work` allocates on this thread.
fn allocations(work: impl FnOnce()) -> u64 {
    measure(work).count_total
}

fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1]))), 1);
}

fn control() -> SendControl<'static> {
    SendControl::new().with_traffic_class(0x28).with_hop_limit(3).with_source("::1".parse().unwrap())
}

fn one_message_allocates_nothing() {
    use std::io::{IoSlice, IoSliceMut};
    let conn = loopback();
    conn.set_control_flags(ControlFlags::all(), true).unwrap();
    let to = conn.local_addr().unwrap();
    conn.get_ref().connect(to).unwrap();
    let (mut payload, mut space) = ([0; 64], [0; 256]);
    let count = allocations(|| {
        for _ in 0..10 {
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

fn scar_38_batches_allocate_nothing() {
    let conn = loopback();
    conn.set_control_flags(ControlFlags::all(), true).unwrap();
    let to = Some(conn.local_addr().unwrap());
    let (mut send, mut batch, mut payloads) = (SendBatch::new(8), RecvBatch::new(8), vec![[0; 64]; 8]);
    let count = allocations(|| {
        for _ in 0..10 {
            let messages = [b"one", b"two"].map(|text| Outgoing::new(text, control(), to));
            assert_eq!(conn.send_batch(&mut send, &messages).unwrap(), 2);
            assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 2);
            for got in batch.iter() {
                assert_eq!(got.unwrap().control.hop_limit, Some(3));
            }
        }
    });
    assert_eq!(count, 0);
}

fn coalescing_allocates_nothing_after_the_first_time() {
    let conn = loopback();
    conn.set_receive_coalescing(true).unwrap();
    let to = Some(conn.local_addr().unwrap());
    let (mut send, mut batch, mut payloads) = (SendBatch::new(32), RecvBatch::new(32), vec![[0; 64]; 32]);
    let mut round = || {
        let messages = [Outgoing::new(b"HELLO", control(), to); 32];
        assert_eq!(conn.send_batch(&mut send, &messages).unwrap(), 32);
        assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 32);
        assert!(batch.iter().all(|got| got.unwrap().len == 5));
    };
    assert!(allocations(&mut round) > 0);
    assert_eq!(allocations(round), 0);
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
