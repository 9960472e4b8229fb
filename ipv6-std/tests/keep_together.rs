//! `RecvBatch::keep_together`: coalesced payloads whole, in the caller's buffers; and buffers as event loops hand them over.

mod common;

use std::io::{ErrorKind, IoSliceMut};
use std::net::SocketAddrV6;
use std::time::Instant;

use common::*;
use ipv6_std::abi::ControlNumber;
use ipv6_std::*;

ipv6_testnet::tests! {
    [Namespace] payloads_stay_whole_several_in_one_call;
    [Namespace] every_field_and_message_comes_with_a_payload;
    [Namespace] single_and_empty_datagrams_have_no_segment_size;
    [Namespace] a_sender_on_another_host_is_coalesced;
    [Namespace] leftovers_come_first_and_one_by_one;
    [Namespace] leftovers_of_another_socket_are_refused;
    [Namespace] the_setting_can_change_between_calls;
    [Namespace] nothing_changes_without_coalescing;
    [Namespace] coalescing_of_another_wrapper_is_reported;
    [Namespace] a_payload_longer_than_its_buffer_is_reported;
    [Namespace] cut_control_messages_are_reported_beside_the_size;
    [Namespace] no_buffers_receive_nothing;
    [Namespace] a_deadline_ends_the_call;
    [Namespace] buffers_of_an_event_loop_need_no_list_of_their_own;
    [Namespace] buffers_of_an_event_loop_are_filled_when_payloads_are_split;
    [Namespace] one_payload_may_fill_several_slices;
    [Namespace] in_an_event_loop_payloads_stay_whole_too;
}

const LARGEST: usize = 65_535;

/// Two sockets on loopback, the second of which coalesces, and a batch that keeps payloads together.
fn sockets() -> (PacketConn, PacketConn, SocketAddrV6, RecvBatch) {
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::all(), true).unwrap();
    receiver.set_receive_coalescing(true).unwrap();
    let to = receiver.local_addr().unwrap();
    let mut batch = RecvBatch::new(8);
    batch.keep_together(true);
    (sender, receiver, to, batch)
}

fn send(conn: &PacketConn, sizes: &[usize], to: SocketAddrV6) -> Vec<Vec<u8>> {
    let texts = texts(sizes);
    conn.send_batch_all(&mut SendBatch::new(256), &outgoing(&texts, to)).unwrap();
    texts
}

/// The length and the segment size of each payload of the last call.
fn shapes(batch: &RecvBatch) -> Vec<(usize, Option<u16>)> {
    batch.iter().map(|got| got.unwrap()).map(|got| (got.len, got.control.segment_size)).collect()
}

/// The datagrams in the payloads of the last call.
fn datagrams<B: std::ops::Deref<Target = [u8]>>(batch: &RecvBatch, payloads: &[B]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (got, payload) in batch.iter().zip(payloads) {
        let got = got.unwrap();
        assert!(!got.truncated && !got.control_truncated);
        let segments = Segments::new(&payload[..got.len], got.control.segment_size);
        all.extend(segments.map(<[u8]>::to_vec));
    }
    all
}

fn payloads_stay_whole_several_in_one_call() {
    let (sender, receiver, to, mut batch) = sockets();
    let mut payloads = vec![vec![0; LARGEST]; 8];
    let mut sent = Vec::new();
    for size in [1200, 100, 15] {
        sent.extend(send(&sender, &[size; 32], to));
    }
    holds_all(&receiver, &sent);
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 3);
    assert_eq!((batch.len(), batch.iter().len(), batch.messages().len()), (3, 3, 3));
    assert_eq!(shapes(&batch), [(38_400, Some(1200)), (3_200, Some(100)), (480, Some(15))]);
    assert_eq!(datagrams(&batch, &payloads), sent);
    assert!(!batch.has_more());
}

fn every_field_and_message_comes_with_a_payload() {
    let (sender, receiver, to, mut batch) = sockets();
    let control = SendControl::new().with_traffic_class(0xb8).with_hop_limit(3);
    let text = [7; 50];
    sender.send_batch_all(&mut SendBatch::new(8), &[Outgoing::new(&text, control, Some(to)); 4]).unwrap();
    let mut payloads = vec![vec![0; LARGEST]; 2];
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 1);
    let got = batch.iter().next().unwrap().unwrap();
    assert_eq!((got.source, got.len), (sender.local_addr().unwrap(), 200));
    assert_eq!((got.control.traffic_class, got.control.hop_limit), (Some(0xb8), Some(3)));
    assert_eq!(got.control.destination, Some(*to.ip()));
    let message = batch.message(0).unwrap();
    assert_eq!((message.len, message.source), (got.len, got.source));
    assert_eq!(message.control().unwrap().segment_size, Some(50));
    assert!(batch.message(1).is_none());
}

fn single_and_empty_datagrams_have_no_segment_size() {
    let (sender, receiver, to, mut batch) = sockets();
    let mut payloads = vec![vec![0; LARGEST]; 8];
    // The last datagram of a payload may be shorter.
    let sent = send(&sender, &[30, 30, 20, 0, 40, 10, 10], to);
    holds_all(&receiver, &sent);
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 4);
    assert_eq!(shapes(&batch), [(80, Some(30)), (0, None), (50, Some(40)), (10, None)]);
    assert_eq!(datagrams(&batch, &payloads), sent);
}

fn a_sender_on_another_host_is_coalesced() {
    let pair = ipv6_testnet::Pair::new().unwrap();
    let (sender, receiver) = (on(&pair.a), on(&pair.b));
    receiver.set_receive_coalescing(true).unwrap();
    let to = at(ipv6_testnet::Pair::B, port(&receiver));
    let (mut batch, mut payloads) = (RecvBatch::new(4), vec![vec![0; LARGEST]; 4]);
    batch.keep_together(true);
    let sent = send(&sender, &[1200; 32], to);
    let mut got = Vec::new();
    while got.len() < 32 {
        receiver.recv_batch(&mut batch, &mut payloads).unwrap();
        got.extend(datagrams(&batch, &payloads));
        assert!(batch.iter().all(|got| got.unwrap().source.ip() == &ipv6_testnet::Pair::A));
    }
    assert_eq!(got, sent);
}

fn leftovers_come_first_and_one_by_one() {
    let (sender, receiver, to, mut batch) = sockets();
    let mut payloads = vec![vec![0; LARGEST]; 8];
    let mut sent = send(&sender, &[10; 6], to);
    holds_all(&receiver, &sent);
    batch.keep_together(false);
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads[..2]).unwrap(), 2);
    assert!(batch.has_more());
    sent.extend(send(&sender, &[20; 6], to));

    batch.keep_together(true);
    assert!(batch.has_more());
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 4);
    assert_eq!(shapes(&batch), [(10, None); 4]);
    assert_eq!(datagrams(&batch, &payloads), sent[2..6]);
    assert!(!batch.has_more());
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 1);
    assert_eq!(shapes(&batch), [(120, Some(20))]);
    assert_eq!(datagrams(&batch, &payloads), sent[6..]);
    assert!(!batch.has_more());
}

fn leftovers_of_another_socket_are_refused() {
    let (sender, receiver, to, mut batch) = sockets();
    let (other, mut payloads) = (loopback(), vec![vec![0; LARGEST]; 8]);
    holds_all(&receiver, &send(&sender, &[10; 6], to));
    batch.keep_together(false);
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads[..2]).unwrap(), 2);
    batch.keep_together(true);
    refused(other.recv_batch(&mut batch, &mut payloads), "left over from another socket");
    batch.clear();
    // With nothing left over, any socket may use the batch.
    for conn in [&other, &receiver, &other] {
        holds_all(conn, &send(&sender, &[10; 6], conn.local_addr().unwrap()));
        let payloads_of_six = if conn.receive_coalescing() { 1 } else { 6 };
        assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), payloads_of_six);
    }
}

fn the_setting_can_change_between_calls() {
    let (sender, receiver, to, mut batch) = sockets();
    let mut payloads = vec![vec![0; LARGEST]; 8];
    for together in [true, false, true, true, false, false] {
        // So can the flags.
        receiver.set_control_flags(ControlFlags::all(), together).unwrap();
        let sent = send(&sender, &[10; 6], to);
        holds_all(&receiver, &sent);
        batch.keep_together(together);
        assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), if together { 1 } else { 6 });
        assert_eq!(datagrams(&batch, &payloads), sent);
        assert!(batch.iter().all(|got| got.unwrap().control.hop_limit.is_some() == together));
    }
}

fn nothing_changes_without_coalescing() {
    let (sender, receiver, to, mut batch) = sockets();
    let mut payloads = vec![vec![0; LARGEST]; 8];
    receiver.set_receive_coalescing(false).unwrap();
    let sent = send(&sender, &[10; 6], to);
    holds_all(&receiver, &sent);
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 6);
    assert_eq!(shapes(&batch), [(10, None); 6]);
    assert_eq!(datagrams(&batch, &payloads), sent);
    // Enabled again.
    receiver.set_receive_coalescing(true).unwrap();
    send(&sender, &[10; 6], to);
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 1);
    assert_eq!(shapes(&batch), [(60, Some(10))]);
}

/// A wrapper reads the option once. A batch that keeps payloads together does not depend on that.
fn coalescing_of_another_wrapper_is_reported() {
    let (sender, first) = (loopback(), loopback());
    let second = PacketConn::new(first.get_ref().try_clone().unwrap()).unwrap();
    second.set_deadline(soon());
    first.set_receive_coalescing(true).unwrap();
    assert!(!second.receive_coalescing());
    let (mut batch, mut payloads) = (RecvBatch::new(2), vec![vec![0; LARGEST]; 2]);
    batch.keep_together(true);
    send(&sender, &[10; 6], first.local_addr().unwrap());
    assert_eq!(second.recv_batch(&mut batch, &mut payloads).unwrap(), 1);
    assert_eq!(shapes(&batch), [(60, Some(10))]);
}

// Scar 30 (quinn#1354): a buffer for coalesced datagrams is too small and cuts them.
fn a_payload_longer_than_its_buffer_is_reported() {
    let (sender, receiver, to, mut batch) = sockets();
    for sizes in [&[30; 4][..], &[30], &[20; 2]] {
        send(&sender, sizes, to);
    }
    holds(&receiver, 4 * 30 + 30 + 2 * 20);
    let mut payloads = vec![[0xff; 50]; 8];
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 3);
    let cut: Vec<_> = batch.iter().map(|got| got.unwrap()).map(|got| (got.len, got.truncated)).collect();
    assert_eq!(cut, [(50, true), (30, false), (40, false)]);
    assert!(batch.messages().zip(&cut).all(|(message, cut)| (message.len, message.truncated) == *cut));
    // The first datagram is whole, the second is cut, and the others are lost.
    let got = batch.iter().next().unwrap().unwrap();
    let segments = Segments::new(&payloads[0][..got.len], got.control.segment_size);
    assert_eq!(segments.map(<[u8]>::to_vec).collect::<Vec<_>>(), [vec![0; 30], vec![1; 20]]);
    assert!(!batch.has_more());
}

/// A destination options header of 512 bytes (RFC 8200 section 4.6), which no batch has room for.
struct Long;

impl<P: Platform> ControlMessage<P> for Long {
    type Value<'a> = Self;
    const NAME: &'static str = "IPV6_DSTOPTS";
    const NUMBER: Option<ControlNumber> = Some(ControlNumber::new(41, 59, 8));

    fn decode(_: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

impl<P: Platform> SendMessage<P> for Long {
    fn encode(&self) -> impl AsRef<[u8]> {
        // Two options that nodes skip (type 0x1e, RFC 4727) fill the header.
        let mut header = [0; 512];
        (header[1], header[2], header[3]) = (63, 0x1e, 253);
        (header[257], header[258]) = (0x1e, 253);
        header
    }
}

fn cut_control_messages_are_reported_beside_the_size() {
    let (sender, receiver, to, mut batch) = sockets();
    const RECEIVE: option::SocketOption<i32> = option::SocketOption::custom(41, 58, "IPV6_RECVDSTOPTS");
    receiver.set_option(&RECEIVE, 1).unwrap();
    send(&sender, &[10; 3], to);
    let messages = Messages::<600>::new().with(Long).unwrap();
    sender.send_messages(b"x", &messages, to).unwrap();
    send(&sender, &[20; 3], to);
    holds(&receiver, 3 * 10 + 1 + 3 * 20);
    let mut payloads = vec![vec![0; LARGEST]; 8];
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 3);
    assert_eq!(shapes(&batch), [(30, Some(10)), (1, None), (60, Some(20))]);
    let cut: Vec<_> = batch.iter().map(|got| got.unwrap().control_truncated).collect();
    assert_eq!(cut, [false, true, false]);
}

fn no_buffers_receive_nothing() {
    let (sender, receiver, to, mut batch) = sockets();
    send(&sender, &[10; 4], to);
    assert_eq!(receiver.recv_batch(&mut batch, &mut [[0; 0]; 0]).unwrap(), 0);
    assert!(batch.is_empty() && !batch.has_more() && batch.iter().next().is_none());
    let mut none = RecvBatch::new(0);
    assert_eq!(receiver.recv_batch(none.keep_together(true), &mut [[0; 64]]).unwrap(), 0);
    // An empty buffer receives nothing of a payload, and reports the loss.
    assert_eq!(receiver.recv_batch(&mut batch, &mut [[0; 0]]).unwrap(), 1);
    let got = batch.iter().next().unwrap().unwrap();
    assert_eq!((got.len, got.truncated), (0, true));
}

fn a_deadline_ends_the_call() {
    let (sender, receiver, to, mut batch) = sockets();
    let mut payloads = vec![vec![0; LARGEST]; 2];
    receiver.set_read_deadline(Some(Instant::now()));
    let error = receiver.recv_batch(&mut batch, &mut payloads).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(batch.is_empty());
    receiver.set_deadline(soon());
    send(&sender, &[10; 4], to);
    assert_eq!(receiver.recv_batch(&mut batch, &mut payloads).unwrap(), 1);
    receiver.set_deadline(None);
    receiver.set_nonblocking(true).unwrap();
    let error = receiver.recv_batch(&mut batch, &mut payloads).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

/// What a QUIC stack asks of a socket: quinn's `AsyncUdpSocket::poll_recv` has these arguments.
fn poll_recv(
    conn: &PacketConn,
    batch: &mut RecvBatch,
    buffers: &mut [IoSliceMut<'_>],
    meta: &mut [(SocketAddrV6, usize, usize)],
) -> usize {
    let most = buffers.len().min(meta.len());
    let count = conn.recv_batch(batch, &mut buffers[..most]).unwrap();
    for (got, meta) in batch.iter().zip(meta) {
        let got = got.unwrap();
        *meta = (got.source, got.len, got.control.segment_size.map_or(got.len, usize::from));
    }
    count
}

fn buffers_of_an_event_loop_need_no_list_of_their_own() {
    let (sender, receiver, to, mut batch) = sockets();
    let from = sender.local_addr().unwrap();
    let mut room = vec![vec![0; LARGEST]; 4];
    let mut buffers: Vec<_> = room.iter_mut().map(|room| IoSliceMut::new(room)).collect();
    let mut meta = [(from, 0, 0); 4];
    for _ in 0..3 {
        let (mut sent, mut got) = (Vec::new(), Vec::new());
        for size in [100, 30, 1200, 7, 9] {
            sent.extend(send(&sender, &[size; 5], to));
        }
        holds_all(&receiver, &sent);
        for (count, expected) in [(4, &[(500, 100), (150, 30), (6000, 1200), (35, 7)][..]), (1, &[(45, 9)])] {
            assert_eq!(poll_recv(&receiver, &mut batch, &mut buffers, &mut meta), count);
            for (buffer, ((source, len, each), expected)) in buffers.iter().zip(meta.iter().zip(expected)) {
                assert_eq!((*source, (*len, *each)), (from, *expected));
                got.extend(buffer[..*len].chunks(*each).map(<[u8]>::to_vec));
            }
        }
        assert_eq!(got, sent);
    }
}

fn buffers_of_an_event_loop_are_filled_when_payloads_are_split() {
    let (sender, receiver, to, mut batch) = sockets();
    batch.keep_together(false);
    let sent = send(&sender, &[10; 6], to);
    let (mut room, mut got) = ([[0; 8]; 4], Vec::new());
    while got.len() < 6 {
        let mut buffers = room.each_mut().map(|room| IoSliceMut::new(room));
        receiver.recv_batch(&mut batch, &mut buffers).unwrap();
        for (received, buffer) in batch.iter().zip(&buffers) {
            let received = received.unwrap();
            assert_eq!((received.len, received.truncated), (8, true));
            got.push(buffer[..8].to_vec());
        }
    }
    assert!(got.iter().zip(&sent).all(|(got, sent)| got == &sent[..8]));
}

fn one_payload_may_fill_several_slices() {
    let (sender, receiver, to, mut batch) = sockets();
    for together in [true, false] {
        batch.keep_together(together);
        holds_all(&receiver, &send(&sender, &[10; 2], to));
        let mut room = [[[0xff; 8]; 3]; 2];
        let mut lists = room.each_mut().map(|room| room.each_mut().map(|part| IoSliceMut::new(part)));
        let mut payloads = lists.each_mut().map(|list| &mut list[..]);
        let count = receiver.recv_batch(&mut batch, &mut payloads).unwrap();
        let [first, second] = room.map(|parts| parts.concat());
        if together {
            assert_eq!((count, shapes(&batch)), (1, vec![(20, Some(10))]));
            assert_eq!(first, [&[0; 10][..], &[1; 10], &[0xff; 4]].concat());
        } else {
            assert_eq!((count, shapes(&batch)), (2, vec![(10, None); 2]));
            assert_eq!(first, [&[0; 10][..], &[0xff; 14]].concat());
            assert_eq!(second, [&[1; 10][..], &[0xff; 14]].concat());
        }
    }
}

fn in_an_event_loop_payloads_stay_whole_too() {
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let (sender, receiver, to, mut batch) = sockets();
        let receiver = ipv6_std::tokio::PacketConn::from_std(receiver).unwrap();
        let mut room = vec![vec![0; LARGEST]; 4];
        let mut buffers: Vec<_> = room.iter_mut().map(|room| IoSliceMut::new(room)).collect();
        for _ in 0..3 {
            let mut sent = send(&sender, &[100; 5], to);
            sent.extend(send(&sender, &[30; 5], to));
            holds_all(&receiver, &sent);
            assert_eq!(receiver.recv_batch(&mut batch, &mut buffers).await.unwrap(), 2);
            assert_eq!(datagrams(&batch, &buffers), sent);

            let sent = send(&sender, &[1200; 32], to);
            let polled = std::future::poll_fn(|cx| receiver.poll_recv_batch(cx, &mut batch, &mut buffers));
            assert_eq!(polled.await.unwrap(), 1);
            assert_eq!(shapes(&batch), [(38_400, Some(1200))]);
            assert_eq!(datagrams(&batch, &buffers), sent);
        }
    });
}
