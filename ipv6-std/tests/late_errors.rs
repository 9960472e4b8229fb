//! Errors about an earlier datagram, and refusals that concern one path: neither limits the whole socket.

mod common;

use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use ipv6_std::*;
use ipv6_testnet::{Host, Line};

ipv6_testnet::tests! {
    [Namespace] a_report_about_a_probe_is_returned_once_and_not_taken_for_a_refusal;
    [Namespace, RawSocket] a_forged_report_does_not_disable_coalescing;
    [Namespace] a_report_about_another_peer_does_not_disable_coalescing;
    [Namespace] an_error_left_by_a_receive_does_not_disable_coalescing;
    [Namespace] a_single_send_returns_the_report_about_an_earlier_datagram_once;
    [Namespace] a_receive_returns_the_report_about_an_earlier_datagram_once;
    [] a_report_in_the_middle_of_a_batch_is_returned_by_the_next_call;
    [] a_report_in_the_middle_of_segments_is_returned_by_the_next_call;
    [Namespace] a_message_that_fails_in_the_middle_of_a_batch_ends_it;
    [Namespace] a_message_that_is_too_long_itself_is_too_long;
    [Namespace] a_path_with_a_small_mtu_limits_only_its_own_destination;
    [Namespace] another_peer_of_a_connected_socket_is_not_limited;
    [Namespace] what_a_path_refused_is_tried_again;
    [Namespace] segments_to_one_destination_do_not_limit_another;
    [Namespace] a_socket_without_checksums_sends_singly;
    [Namespace] receives_never_take_coalesced_datagrams_for_one;
    [Namespace, RawSocket] raw_sockets_see_a_coalesced_batch_as_one_datagram;
}

const LOW: u32 = 1280;

/// A line whose second half has a small MTU, and a socket on each host: on `a`, on the router's near side, and on `b`.
/// The last two coalesce what they receive.
fn line() -> (Line, PacketConn, PacketConn, PacketConn) {
    let line = Line::new().unwrap();
    line.router.ip(&format!("link set right mtu {LOW}")).unwrap();
    let (a, near, far) = (on(&line.a), on(&line.router), on(&line.b));
    for receiver in [&near, &far] {
        receiver.set_control_flags(ControlFlags::all(), false).unwrap();
        receiver.set_receive_coalescing(true).unwrap();
    }
    a.set_control_flags(ControlFlags::all(), false).unwrap();
    (line, a, near, far)
}

/// Waits until a host knows the small MTU of the path to `b`.
fn wait_for_report(host: &Host) {
    let other = on(host);
    let deadline = soon().unwrap();
    loop {
        other.get_ref().connect(at(Line::B, 9)).unwrap();
        if other.path_mtu().unwrap() == LOW {
            return;
        }
        assert!(Instant::now() < deadline, "the router's report did not arrive");
        thread::yield_now();
    }
}

/// Sends a datagram that is too long for the path to `b`, and waits until the router has reported it.
fn probe(line: &Line, conn: &PacketConn, to: SocketAddrV6) {
    conn.set_dont_fragment(true).unwrap();
    assert_eq!(conn.send_to(&[0; 1400], &SendControl::new(), to).unwrap(), 1400);
    wait_for_report(&line.a);
}

/// Receives without a batch, and returns the sizes of the datagrams in each payload.
fn received_sizes(conn: &PacketConn, datagrams: usize) -> Vec<Vec<usize>> {
    let mut payload = vec![0; 65_535];
    let mut all = Vec::new();
    while all.iter().map(Vec::len).sum::<usize>() < datagrams {
        let got = conn.recv_from(&mut payload).unwrap();
        all.push(Segments::new(&payload[..got.len], got.control.segment_size).map(<[u8]>::len).collect());
    }
    all
}

/// Sends a batch of 32 messages of this size.
fn send_32(conn: &PacketConn, size: usize, to: impl Into<Option<SocketAddrV6>>) -> io::Result<usize> {
    let (text, to) = (vec![7; size], to.into());
    conn.send_batch(&mut SendBatch::new(32), &[Outgoing::new(&text, SendControl::new(), to); 32])
}

/// Asserts that a call returned the report about an earlier datagram.
fn late<T: std::fmt::Debug>(result: io::Result<T>) {
    let error = result.unwrap_err();
    assert!(!is_too_long(&error), "{error}");
    assert_eq!((error.raw_os_error(), cause(&error)), (None, Some(EMSGSIZE)), "{error}");
    assert!(error.to_string().contains("earlier datagram"), "{error}");
}

/// After a report is pending: 32 messages are still sent as one, the report is returned once, and nothing was learnt.
fn is_not_taken_for_a_refusal(conn: &PacketConn, receiver: &PacketConn, to: Option<SocketAddrV6>) {
    let most = conn.max_segments();
    assert_eq!(send_32(conn, 1000, to).unwrap(), 32);
    assert_eq!(received_sizes(receiver, 32), [vec![1000; 32]]);
    late(send_32(conn, 1000, to));
    assert_eq!(send_32(conn, 1000, to).unwrap(), 32);
    assert_eq!(received_sizes(receiver, 32), [vec![1000; 32]]);
    assert_eq!((conn.max_segments(), conn.coalescing_refused()), (most, 0));
    assert_eq!(conn.max_segments_to(to, 1000), 65);
}

// Scar 47 (quinn#2736, curl#18505).
fn a_report_about_a_probe_is_returned_once_and_not_taken_for_a_refusal() {
    let (line, a, _near, far) = line();
    a.get_ref().connect(at(Line::B, port(&far))).unwrap();
    assert_eq!(send_32(&a, 1000, None).unwrap(), 32);
    assert_eq!(received_sizes(&far, 32), [vec![1000; 32]]);
    a.set_dont_fragment(true).unwrap();
    a.send(&[0; 1400], &SendControl::new()).unwrap();
    wait_for_report(&line.a);
    is_not_taken_for_a_refusal(&a, &far, None);
}

/// Packet Too Big (RFC 4443 section 3.2) about a UDP datagram between these addresses. The kernel adds the checksum.
fn forged(from: SocketAddrV6, to: SocketAddrV6) -> Vec<u8> {
    let mut packet = vec![2, 0, 0, 0];
    packet.extend(1300_u32.to_be_bytes());
    packet.extend([0x60, 0, 0, 0, 5, 0x78, 17, 64]); // 1,400 bytes
    packet.extend(from.ip().octets());
    packet.extend(to.ip().octets());
    packet.extend([from.port(), to.port(), 1400, 0].map(u16::to_be_bytes).concat());
    packet
}

// Scar 47: one forged report suffices.
fn a_forged_report_does_not_disable_coalescing() {
    let (line, a, near, _far) = line();
    a.get_ref().connect(at(Line::LEFT, port(&near))).unwrap();
    let forger = line.router.run(|| RawConn::open(Icmp6Type::PROTOCOL)).unwrap();
    let (from, to) = (at(Line::A, port(&a)), at(Line::LEFT, port(&near)));
    let report = forged(from, to);
    forger.send_to(&report, &SendControl::new().with_source(Line::LEFT), at(Line::A, 0)).unwrap();
    let deadline = soon().unwrap();
    while a.path_mtu().unwrap() != 1300 {
        assert!(Instant::now() < deadline, "the report did not arrive");
        thread::yield_now();
    }
    is_not_taken_for_a_refusal(&a, &near, None);
}

// Scar 47, on a socket without a peer.
fn a_report_about_another_peer_does_not_disable_coalescing() {
    let (line, a, near, _far) = line();
    a.set_queue_errors(true).unwrap();
    probe(&line, &a, at(Line::B, 9));
    is_not_taken_for_a_refusal(&a, &near, Some(at(Line::LEFT, port(&near))));
    // The report itself is in the queue.
    assert_eq!(a.recv_error(&mut []).unwrap().unwrap().error.mtu, Some(LOW));
}

// Scar 47: Linux keeps the error that ended a batch for the next call, of whatever kind (recvmmsg(2)).
fn an_error_left_by_a_receive_does_not_disable_coalescing() {
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_receive_coalescing(true).unwrap();
    for _ in 0..2 {
        receiver.send_to(b"x", &SendControl::new(), sender.local_addr().unwrap()).unwrap();
    }
    let mut bytes = [[0; 1]; 1026];
    let mut parts: Vec<_> = bytes.iter_mut().map(|byte| IoSliceMut::new(byte)).collect();
    let (one, many) = parts.split_at_mut(1);
    let mut payloads = [Vectored::new(one), Vectored::new(many)];
    assert_eq!(sender.recv_batch(&mut RecvBatch::new(2), &mut payloads).unwrap(), 1);
    is_not_taken_for_a_refusal(&sender, &receiver, Some(receiver.local_addr().unwrap()));
}

// Scar 47: `is_too_long` was true for 4 bytes.
fn a_single_send_returns_the_report_about_an_earlier_datagram_once() {
    let (line, a, near, far) = line();
    let (connected, other) = (on(&line.a), at(Line::LEFT, port(&near)));
    connected.get_ref().connect(at(Line::B, port(&far))).unwrap();
    connected.set_dont_fragment(true).unwrap();
    a.set_queue_errors(true).unwrap();
    for deadline in [None, soon()] {
        connected.set_write_deadline(deadline);
        a.set_write_deadline(deadline);
        line.a.ip("-6 route flush cache").unwrap();
        connected.get_ref().connect(at(Line::B, port(&far))).unwrap();
        connected.send(&[0; 1400], &SendControl::new()).unwrap();
        wait_for_report(&line.a);
        assert_eq!(connected.send(b"four", &SendControl::new()).unwrap(), 4);
        late(connected.send(b"four", &SendControl::new().with_hop_limit(9)));
        assert_eq!(connected.send(b"four", &SendControl::new().with_hop_limit(9)).unwrap(), 4);

        line.a.ip("-6 route flush cache").unwrap();
        probe(&line, &a, at(Line::B, 9));
        assert_eq!(a.send_segments(&[7; 12], 4, &SendControl::new(), other).unwrap(), 12);
        late(a.send_messages(b"four", &Messages::<64>::new(), other));
        assert_eq!(a.send_messages(b"four", &Messages::<64>::new(), other).unwrap(), 4);
        assert!(a.recv_error(&mut []).unwrap().is_some());
    }
    assert_eq!(received_sizes(&far, 4).concat(), [4; 4]);
    assert_eq!(received_sizes(&near, 8).concat(), [4; 8]);
}

fn a_receive_returns_the_report_about_an_earlier_datagram_once() {
    type Receive = fn(&PacketConn) -> io::Result<usize>;
    let ways: [(ControlFlags, Receive); 4] = [
        (ControlFlags::empty(), |conn| conn.recv_from(&mut [0; 8]).map(|got| got.len)),
        (ControlFlags::HOP_LIMIT, |conn| conn.recv_from(&mut [0; 8]).map(|got| got.len)),
        (ControlFlags::empty(), |conn| conn.recv_message(&mut [0; 8], &mut [0; 64]).map(|got| got.len)),
        (ControlFlags::empty(), |conn| conn.recv_batch(&mut RecvBatch::new(1), &mut [[0; 8]])),
    ];
    let (line, _a, _near, far) = line();
    for (flags, receive) in ways {
        let a = on(&line.a);
        a.set_control_flags(ControlFlags::all(), false).unwrap();
        a.set_control_flags(flags, true).unwrap();
        a.set_dont_fragment(true).unwrap();
        line.a.ip("-6 route flush cache").unwrap();
        a.get_ref().connect(at(Line::B, port(&far))).unwrap();
        a.send(&[0; 1400], &SendControl::new()).unwrap();
        wait_for_report(&line.a);
        far.send_to(b"x", &SendControl::new(), at(Line::A, port(&a))).unwrap();
        late(receive(&a));
        assert_eq!(receive(&a).unwrap(), 1);
    }
}

fn a_report_in_the_middle_of_a_batch_is_returned_by_the_next_call() {
    let message = Outgoing::new(b"x", SendControl::new(), None);
    // One system call for each message: the second gets the report about the first.
    the_next_call_is_refused(|conn| {
        assert_eq!(conn.send_batch(&mut SendBatch::new(1), &[message; 2]).unwrap(), 2);
    });

    let conn = connected_to_nobody();
    let early =
        until_reported_early(&conn, || conn.send_batch_all(&mut SendBatch::new(1), &[message; 2]).err());
    let Some(error) = early else { return };
    assert_eq!((error.index(), io::Error::from(error).kind()), (1, ErrorKind::ConnectionRefused));
}

fn a_report_in_the_middle_of_segments_is_returned_by_the_next_call() {
    // Two system calls, and many: one can send 128 at most. Reports that arrive late may come twice in a row, and so end the
    // call.
    for len in if packets_are_late() { &[200][..] } else { &[200, 1000] } {
        the_next_call_is_refused(|conn| {
            assert_eq!(conn.send_segments(&vec![0; *len], 1, &SendControl::new(), None).unwrap(), *len);
        });
    }
}

fn a_message_that_fails_in_the_middle_of_a_batch_ends_it() {
    let line = Line::new().unwrap();
    line.a.ip("route add unreachable 2001:db8:dead::1").unwrap();
    let (conn, router) = (on(&line.a), on(&line.router));
    let away = at("2001:db8:dead::1".parse().unwrap(), 9);
    let near = at(Line::LEFT, port(&router));
    let messages = [near, away, near].map(|to| Outgoing::new(b"x", SendControl::new(), Some(to)));
    let own = conn.send_to(b"x", &SendControl::new(), away).unwrap_err();
    assert!(is_about_peer(&own), "{own}");

    let mut batch = SendBatch::new(1);
    assert_eq!(conn.send_batch(&mut batch, &messages).unwrap(), 1);
    // It is this message's own: the next call to another peer does not get it.
    assert_eq!(conn.send_batch(&mut batch, &messages[2..]).unwrap(), 1);
    let error = conn.send_batch(&mut batch, &messages[1..]).unwrap_err();
    assert_eq!(error.raw_os_error(), own.raw_os_error());
}

/// A socket whose peer's port nobody has.
fn connected_to_nobody() -> PacketConn {
    let conn = PacketConn::bind("[::1]:0").unwrap();
    conn.get_ref().connect(nobody()).unwrap();
    conn.set_send_coalescing(false);
    conn
}

/// Takes what the system keeps after its last report, about the last datagram.
fn take_kept(conn: &PacketConn) -> Option<io::Error> {
    delivered();
    conn.get_ref().take_error().unwrap()
}

/// Repeats calls that send two datagrams until the report about the first arrives before the second is sent. A busy kernel
/// may deliver both reports later. `sends` returns what shows an early report. `None` if packets always arrive late.
fn until_reported_early<T>(conn: &PacketConn, mut sends: impl FnMut() -> Option<T>) -> Option<T> {
    for _ in 0..20 {
        if let Some(early) = sends() {
            return Some(early);
        }
        let _ = take_kept(conn);
    }
    assert!(packets_are_late(), "no report arrived early");
    None
}

/// Whether this program runs so that packets always arrive late (CONTRIBUTING.md).
fn packets_are_late() -> bool {
    std::env::var_os("IPV6_DELIVER_LATE").is_some()
}

/// After a call that sends several datagrams, the next one returns the report about one of them, and sends nothing.
fn the_next_call_is_refused(sends: impl Fn(&PacketConn)) {
    let conn = connected_to_nobody();
    let early = until_reported_early(&conn, || {
        sends(&conn);
        assert_eq!(take_kept(&conn).unwrap().kind(), ErrorKind::ConnectionRefused);
        conn.send(b"x", &SendControl::new()).err()
    });
    let Some(error) = early else { return };
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(conn.send(b"x", &SendControl::new()).unwrap(), 1);
}

fn a_message_that_is_too_long_itself_is_too_long() {
    let (line, a, _near, far) = line();
    let to = at(Line::B, port(&far));
    probe(&line, &a, to);
    for _ in 0..2 {
        let error = a.send_to(&[0; 1400], &SendControl::new(), to).unwrap_err();
        assert!(is_too_long(&error), "{error}");
        let error = a.send_segments(&[0; 2800], 1400, &SendControl::new(), to).unwrap_err();
        assert!(is_too_long(&error), "{error}");
        for count in [1, 32] {
            let messages = vec![Outgoing::new(&[0; 1400], SendControl::new(), Some(to)); count];
            let error = a.send_batch(&mut SendBatch::new(32), &messages).unwrap_err();
            assert!(is_too_long(&error), "{error}");
        }
    }
    // Not even one message was sent by itself: coalescing is not the cause.
    assert_eq!((a.max_segments_to(to, 1400), a.coalescing_refused()), (46, 0));
    a.send_to(b"x", &SendControl::new(), to).unwrap();
    assert_eq!(received_sizes(&far, 1), [[1]]);
}

/// Sends messages as one over the path to `b`, which drops them and reports its MTU.
fn learn_path(line: &Line, conn: &PacketConn, to: SocketAddrV6) {
    assert_eq!(send_32(conn, 1400, to).unwrap(), 32);
    wait_for_report(&line.a);
}

// Scar 48 (tailscale#21113).
fn a_path_with_a_small_mtu_limits_only_its_own_destination() {
    let (line, a, near, far) = line();
    let (near_to, far_to) = (at(Line::LEFT, port(&near)), at(Line::B, port(&far)));
    let most = a.max_segments();
    learn_path(&line, &a, far_to);
    for _ in 0..2 {
        assert_eq!(send_32(&a, 1400, far_to).unwrap(), 32);
        assert_eq!(received_sizes(&far, 32), vec![[1400]; 32]);
        assert_eq!((a.max_segments(), a.coalescing_refused()), (most, 1));
        assert_eq!([1400, 1200].map(|size| a.max_segments_to(far_to, size)), [1, 54]);
        assert_eq!(a.max_segments_to(near_to, 1400), 46);
        assert_eq!(send_32(&a, 1400, near_to).unwrap(), 32);
        assert_eq!(received_sizes(&near, 32), [[1400; 32]]);
        assert_eq!(send_32(&a, 1200, far_to).unwrap(), 32);
        assert_eq!(received_sizes(&far, 32), [[1200; 32]]);
    }
    // Both in one batch: each is sent as its own path allows.
    let text = [7; 1400];
    let message = |to| Outgoing::new(&text, SendControl::new(), Some(to));
    for known in [true, false] {
        let messages = [[message(near_to); 8], [message(far_to); 8], [message(near_to); 8]].concat();
        assert_eq!(a.send_batch(&mut SendBatch::new(32), &messages).unwrap(), 24);
        assert_eq!(received_sizes(&near, 16), [[1400; 8]; 2]);
        assert_eq!(received_sizes(&far, 8), [[1400]; 8]);
        assert_eq!(a.coalescing_refused(), if known { 1 } else { 2 });
        // Forgets it.
        a.set_send_coalescing(true);
    }
}

// Scar 48: what was learnt concerns the path to the peer, and not the next peer of the same socket.
fn another_peer_of_a_connected_socket_is_not_limited() {
    let (line, a, near, far) = line();
    a.connect(at(Line::B, port(&far))).unwrap();
    assert_eq!(send_32(&a, 1400, None).unwrap(), 32);
    wait_for_report(&line.a);
    // The report may be pending: it is returned once.
    let _ = send_32(&a, 1400, None);
    assert_eq!(send_32(&a, 1400, None).unwrap(), 32);
    assert_eq!(a.max_segments_to(None, 1400), 1);
    a.connect(at(Line::LEFT, port(&near))).unwrap();
    assert_eq!(a.max_segments_to(None, 1400), 46);
    assert_eq!(send_32(&a, 1400, None).unwrap(), 32);
    assert_eq!(received_sizes(&near, 32), [[1400; 32]]);
}

// Scar 48: the limit never rose again.
fn what_a_path_refused_is_tried_again() {
    let (line, a, _near, far) = line();
    let to = at(Line::B, port(&far));
    learn_path(&line, &a, to);
    assert_eq!(send_32(&a, 1400, to).unwrap(), 32);
    assert_eq!(received_sizes(&far, 32), vec![[1400]; 32]);
    // The path is repaired.
    line.router.ip("link set right mtu 1500").unwrap();
    line.a.ip("-6 route flush cache").unwrap();
    let mut batches = 0;
    loop {
        assert_eq!(send_32(&a, 1400, to).unwrap(), 32);
        batches += 1;
        match received_sizes(&far, 32)[..] {
            [_] => break,
            _ => assert!(batches <= 8192 / 32),
        }
    }
    assert_eq!(batches, 8192 / 32 + 1);
    assert_eq!((a.max_segments_to(to, 1400), a.coalescing_refused()), (46, 1));
}

// Scars 48 and 55.
fn segments_to_one_destination_do_not_limit_another() {
    let (line, a, near, far) = line();
    let (near_to, far_to) = (at(Line::LEFT, port(&near)), at(Line::B, port(&far)));
    learn_path(&line, &a, far_to);
    let payload = [7; 1400 * 8];
    for _ in 0..2 {
        assert_eq!(a.send_segments(&payload, 1400, &SendControl::new(), far_to).unwrap(), payload.len());
        assert_eq!(received_sizes(&far, 8), [[1400]; 8]);
        assert_eq!(a.send_segments(&payload, 1400, &SendControl::new(), near_to).unwrap(), payload.len());
        assert_eq!(received_sizes(&near, 8), [[1400; 8]]);
        assert_eq!(a.coalescing_refused(), 1);
    }
    // Batches know what segments learnt.
    assert_eq!(send_32(&a, 1400, far_to).unwrap(), 32);
    assert_eq!((received_sizes(&far, 32), a.coalescing_refused()), (vec![vec![1400]; 32], 1));
}

/// Linux: net/ipv6/udp.c. Such a socket cannot send segments to any destination.
fn a_socket_without_checksums_sends_singly() {
    const NO_CHECKSUMS: option::SocketOption<i32> = option::SocketOption::custom(17, 101, "UDP_NO_CHECK6_TX");
    let (sender, receiver) = (loopback(), loopback());
    sender.set_option(&NO_CHECKSUMS, 1).unwrap();
    receiver.set_option(&option::SocketOption::<i32>::custom(17, 102, "UDP_NO_CHECK6_RX"), 1).unwrap();
    let to = receiver.local_addr().unwrap();
    for _ in 0..2 {
        assert_eq!(send_32(&sender, 100, to).unwrap(), 32);
        assert_eq!(received_sizes(&receiver, 32), vec![[100]; 32]);
        assert_eq!((sender.max_segments(), sender.coalescing_refused()), (1, 1));
        assert_eq!(sender.max_segments_to(at(Ipv6Addr::LOCALHOST, 9), 10), 1);
    }
}

// Scar 67: the option was set before the flag, and a receive in between took several datagrams for one.
fn receives_never_take_coalesced_datagrams_for_one() {
    const COALESCES: option::SocketOption<i32> = option::SocketOption::custom(17, 104, "UDP_GRO");
    let (sender, receiver) = (loopback(), loopback());
    let to = receiver.local_addr().unwrap();
    let text = [7; 10];
    let messages = [Outgoing::new(&text, SendControl::new(), Some(to)); 4];
    let (enable, ends) = (AtomicBool::new(false), Instant::now() + Duration::from_secs(1));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut batch = SendBatch::new(4);
            while Instant::now() < ends || enable.load(Ordering::Acquire) {
                if enable.swap(false, Ordering::AcqRel) {
                    receiver.set_receive_coalescing(true).unwrap();
                    assert_eq!(sender.send_batch(&mut batch, &messages).unwrap(), 4);
                }
            }
        });
        let (mut batch, mut payloads) = (RecvBatch::new(8), [[0; 64]; 8]);
        while Instant::now() < ends {
            enable.store(true, Ordering::Release);
            while receiver.option(&COALESCES).unwrap() == 0 {}
            // The kernel coalesces from now on. A receive that starts now must know it.
            let count = receiver.recv_batch(&mut batch, &mut payloads).unwrap();
            let lens: Vec<_> = batch.iter().map(|got| got.unwrap().len).collect();
            assert_eq!((count, lens), (4, vec![10; 4]));
            receiver.set_receive_coalescing(false).unwrap();
        }
    });
}

// Scar 79: Linux delivers a coalesced batch on loopback to raw sockets before it is split.
fn raw_sockets_see_a_coalesced_batch_as_one_datagram() {
    const UDP: u8 = 17;
    let (sender, receiver) = (loopback(), loopback());
    let raw = RawConn::open(UDP).unwrap();
    raw.set_deadline(soon());
    let text = [7; 100];
    let messages = [Outgoing::new(&text, SendControl::new(), Some(receiver.local_addr().unwrap())); 4];
    assert_eq!(sender.send_batch(&mut SendBatch::new(4), &messages).unwrap(), 4);
    assert_eq!(raw.recv_from(&mut [0; 2048]).unwrap().len, 8 + 4 * 100);
    sender.set_send_coalescing(false);
    assert_eq!(sender.send_batch(&mut SendBatch::new(4), &messages).unwrap(), 4);
    assert_eq!(raw.recv_from(&mut [0; 2048]).unwrap().len, 8 + 100);
    assert_eq!(received_sizes(&receiver, 8).concat(), [100; 8]);
}
