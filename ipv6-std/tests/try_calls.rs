//! The `try_` methods: they never wait, on blocking sockets with and without limits.

mod common;

use std::fmt::Debug;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::time::{Duration, Instant};

use common::*;
use ipv6_std::message::HopLimit;
use ipv6_std::*;
use ipv6_testnet::Pair;

ipv6_testnet::tests! {
    [Namespace] receives_do_not_wait;
    [Namespace] receives_return_what_is_there;
    [Namespace] sends_do_not_wait;
    [Namespace] sends_send;
    [Namespace] limits_do_not_apply;
    [Namespace] errors_are_returned;
    [Namespace] leftovers_of_a_batch_are_returned;
}

/// Later than the harness ends a test that hangs.
const FAR: Duration = Duration::from_secs(3600);

fn would_block<T: Debug>(result: io::Result<T>) {
    assert_eq!(result.unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// The limits of a socket: none, a deadline, a timeout.
fn each_limit(conn: &PacketConn, mut check: impl FnMut()) {
    conn.set_deadline(None);
    check();
    conn.set_deadline(Some(Instant::now() + FAR));
    check();
    conn.set_deadline(None);
    conn.set_read_timeout(Some(FAR)).unwrap();
    conn.set_write_timeout(Some(FAR)).unwrap();
    check();
    conn.set_read_timeout(None).unwrap();
    conn.set_write_timeout(None).unwrap();
}

fn receives_do_not_wait() {
    for flags in [ControlFlags::empty(), ControlFlags::HOP_LIMIT] {
        let conn = loopback();
        conn.set_control_flags(flags, true).unwrap();
        each_limit(&conn, || {
            would_block(conn.try_recv_from(&mut [0; 8]));
            would_block(conn.try_recv_vectored(&mut [IoSliceMut::new(&mut [0; 8])]));
            would_block(conn.try_recv_message(&mut [0; 8], &mut [0; 64]));
            would_block(conn.try_peek_from(&mut [0; 8]));
            would_block(conn.try_recv_batch(&mut RecvBatch::new(4), &mut [[0; 8]; 4]));
        });
    }
}

fn receives_return_what_is_there() {
    for flags in [ControlFlags::empty(), ControlFlags::HOP_LIMIT] {
        let conn = loopback();
        conn.set_control_flags(flags, true).unwrap();
        let to = conn.local_addr().unwrap();
        let send = || conn.send_to(b"here", &SendControl::new().with_hop_limit(7), to).unwrap();
        let expected = flags.contains(ControlFlags::HOP_LIMIT).then_some(7);
        each_limit(&conn, || {
            send();
            let got = delivered_to(|| conn.try_peek_from(&mut [0; 8])).unwrap();
            assert_eq!((got.len, got.control.hop_limit), (4, expected));
            let got = conn.try_recv_from(&mut [0; 8]).unwrap();
            assert_eq!((got.len, got.control.hop_limit), (4, expected));
            send();
            holds(&conn, 4);
            let got = conn.try_recv_vectored(&mut [IoSliceMut::new(&mut [0; 8])]).unwrap();
            assert_eq!((got.len, got.control.hop_limit), (4, expected));
            send();
            holds(&conn, 4);
            let mut control = [0; 64];
            let got = conn.try_recv_message(&mut [0; 8], &mut control).unwrap();
            assert_eq!((got.len, got.control().unwrap().hop_limit), (4, expected));
            send();
            send();
            holds(&conn, 8);
            let mut batch = RecvBatch::new(4);
            assert_eq!(conn.try_recv_batch(&mut batch, &mut [[0; 8]; 4]).unwrap(), 2);
            assert!(batch.iter().all(|got| got.unwrap().control.hop_limit == expected));
        });
    }
}

fn sends_do_not_wait() {
    // The queue of a neighbour that does not answer fills the send buffer.
    let Pair { a, b: _b } = Pair::new().unwrap();
    a.set("net/ipv6/neigh/eth0/unres_qlen_bytes", "100000000").unwrap();
    let (conn, nobody) = (on(&a), at("2001:db8:1::dead".parse().unwrap(), 9));
    conn.connect(nobody).unwrap();
    let (payload, control) = ([0; 1400], SendControl::new());
    let messages = [Outgoing::new(&payload, control, Some(nobody)); 1000];
    let mut batch = SendBatch::new(1000);

    // It sends what fits.
    let error = conn.try_send_batch_all(&mut batch, &messages).unwrap_err();
    assert!(error.index() > 0, "{error}");
    assert_eq!(error.error().kind(), ErrorKind::WouldBlock);
    each_limit(&conn, || {
        would_block(conn.try_send_to(&payload, &control, nobody));
        would_block(conn.try_send(&payload, &control));
        would_block(conn.try_send(&payload, &control.with_hop_limit(9)));
        would_block(conn.try_send_vectored(&[IoSlice::new(&payload)], &control, nobody));
        would_block(conn.try_send_with_flags(&payload, &control, nobody, SendFlags::empty()));
        would_block(conn.try_send_messages(&payload, &Messages::<64>::new(), nobody));
        would_block(conn.try_send_batch(&mut batch, &messages));
        would_block(conn.try_send_segments(&payload, 100, &control, nobody));
        assert_eq!(conn.try_send_batch_all(&mut batch, &messages).unwrap_err().index(), 0);
    });
}

fn sends_send() {
    let conn = loopback();
    conn.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    let (to, control) = (conn.local_addr().unwrap(), SendControl::new().with_hop_limit(9));
    conn.connect(to).unwrap();
    let hop_limit = || delivered_to(|| conn.try_recv_from(&mut [0; 8])).unwrap().control.hop_limit;
    let messages = [Outgoing::new(b"x", control, Some(to)); 2];
    let mut batch = SendBatch::new(2);
    each_limit(&conn, || {
        conn.try_send_to(b"x", &control, to).unwrap();
        assert_eq!(hop_limit(), Some(9));
        conn.try_send(b"x", &control).unwrap();
        assert_eq!(hop_limit(), Some(9));
        conn.try_send_vectored(&[IoSlice::new(b"x")], &control, to).unwrap();
        assert_eq!(hop_limit(), Some(9));
        conn.try_send_with_flags(b"x", &control, to, SendFlags::empty()).unwrap();
        assert_eq!(hop_limit(), Some(9));
        let typed = Messages::<64>::new().with(HopLimit(8)).unwrap();
        conn.try_send_messages(b"x", &typed, to).unwrap();
        assert_eq!(hop_limit(), Some(8));
        assert_eq!(conn.try_send_batch(&mut batch, &messages).unwrap(), 2);
        assert_eq!((hop_limit(), hop_limit()), (Some(9), Some(9)));
        conn.try_send_batch_all(&mut batch, &messages).unwrap();
        assert_eq!((hop_limit(), hop_limit()), (Some(9), Some(9)));
        assert_eq!(conn.try_send_segments(b"xy", 1, &control, to).unwrap(), 2);
        assert_eq!((hop_limit(), hop_limit()), (Some(9), Some(9)));
    });
}

fn limits_do_not_apply() {
    let conn = loopback();
    // A deadline that has passed.
    conn.set_deadline(Some(Instant::now()));
    conn.try_send_to(b"x", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
    assert_eq!(delivered_to(|| conn.try_recv_from(&mut [0; 8])).unwrap().len, 1);
    would_block(conn.try_recv_from(&mut [0; 8]));
}

fn errors_are_returned() {
    let (conn, nobody) = (loopback(), nobody());
    conn.connect(nobody).unwrap();
    let refused = |result: io::Result<usize>| {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    };
    conn.try_send(b"x", &SendControl::new()).unwrap();
    has_failed(&conn);
    refused(conn.try_recv_from(&mut [0; 8]).map(|got| got.len));
    conn.try_send(b"x", &SendControl::new()).unwrap();
    has_failed(&conn);
    refused(conn.try_send(b"x", &SendControl::new()));
    conn.try_send(b"x", &SendControl::new()).unwrap();
    has_failed(&conn);
    refused(conn.try_recv_batch(&mut RecvBatch::new(4), &mut [[0; 8]; 4]));
}

fn leftovers_of_a_batch_are_returned() {
    let (sender, conn) = (loopback(), loopback());
    conn.set_receive_coalescing(true).unwrap();
    let texts = texts(&[100; 6]);
    sender.send_batch_all(&mut SendBatch::new(6), &outgoing(&texts, conn.local_addr().unwrap())).unwrap();
    holds(&conn, 600);
    let (mut batch, mut payloads) = (RecvBatch::new(4), [[0; 100]; 4]);
    assert_eq!(conn.try_recv_batch(&mut batch, &mut payloads).unwrap(), 4);
    assert!(batch.has_more());
    assert_eq!(conn.try_recv_batch(&mut batch, &mut payloads).unwrap(), 2);
    assert_eq!((payloads[0][0], payloads[1][0]), (4, 5));
    would_block(conn.try_recv_batch(&mut batch, &mut payloads));
}
