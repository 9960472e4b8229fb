//! The error queue: errors, timestamps and zero-copy notices, and the room that they take from datagrams.

mod common;

use std::io::ErrorKind;
use std::time::Instant;

use common::*;
use ipv6_std::option::SocketOption;
use ipv6_std::*;
use ipv6_testnet::Pair;

ipv6_testnet::tests! {
    [Namespace] datagrams_arrive_after_the_errors_are_drained;
    [Namespace] errors_that_nobody_takes_are_noticed;
    [Namespace] drained_errors_are_complete_and_leave_no_pending_error;
    [Namespace] timestamps_of_sent_datagrams_are_no_errors;
    [Namespace] timestamps_and_errors_are_told_apart;
    [Namespace] zero_copy_notices_are_no_errors;
    [Namespace] a_server_continues_after_errors_about_peers;
    [Namespace] errors_about_the_socket_are_not_about_peers;
}

/// A port of loopback at which nobody listens.
fn queueing() -> PacketConn {
    let conn = loopback();
    conn.set_queue_errors(true).unwrap();
    conn
}

/// Sends until `count` datagrams were refused: a send that returns the error of an earlier one sends nothing. Waits for the
/// report about each, unless an earlier one is in the queue.
fn send_refused(conn: &PacketConn, count: usize, mut after: impl FnMut(&std::io::Error)) {
    let nobody = nobody();
    let mut sent = 0;
    while sent < count {
        match conn.send_to(b"refused", &SendControl::new(), nobody) {
            Ok(_) => {
                sent += 1;
                has_failed(conn);
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
                after(&error);
            }
        }
    }
}

/// Sends datagrams to a socket, and returns how many it receives.
fn received_of(conn: &PacketConn, count: usize) -> usize {
    let (sender, to) = (loopback(), conn.local_addr().unwrap());
    for _ in 0..count {
        sender.send_to(b"x", &SendControl::new(), to).unwrap();
    }
    delivered();
    conn.set_read_deadline(None);
    conn.get_ref().set_nonblocking(true).unwrap();
    let receives = || loop {
        match conn.recv_from(&mut [0; 8]) {
            Err(error) if is_about_peer(&error) => {}
            got => return got,
        }
    };
    let got = std::iter::from_fn(|| receives().ok()).count();
    conn.get_ref().set_nonblocking(false).unwrap();
    got
}

// Scar 46: errors that the program does not take filled the receive buffer, and no datagram arrived.
fn datagrams_arrive_after_the_errors_are_drained() {
    let conn = queueing();
    let mut errors = 0;
    send_refused(&conn, 2000, |_| errors += conn.drain_errors(|_, _| {}).unwrap());
    errors += conn.drain_errors(|_, _| {}).unwrap();
    // The limit of ICMPv6 errors per second is per peer, and does not concern loopback.
    assert_eq!(errors, 2000);
    assert_eq!(received_of(&conn, 100), 100);
    // Without the helper almost none; otherwise the test shows nothing. One call repairs it.
    send_refused(&conn, 2000, |_| {});
    assert!(received_of(&conn, 100) < 10);
    assert!(conn.drain_errors(|_, _| {}).unwrap() > 100);
    assert_eq!(received_of(&conn, 100), 100);
}

// Scar 46: nothing said that there were errors in the queue.
fn errors_that_nobody_takes_are_noticed() {
    let conn = queueing();
    assert!(!conn.has_errors().unwrap());
    send_refused(&conn, 1, |_| {});
    assert!(conn.has_errors().unwrap());
    // The pending error is returned once, the queue stays.
    assert_eq!(conn.recv_from(&mut []).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert!(conn.has_errors().unwrap());
    conn.set_read_deadline(Some(Instant::now() + std::time::Duration::from_millis(10)));
    let error = conn.recv_from(&mut []).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.to_string().contains("drain_errors"), "{error}");
    assert_eq!(conn.drain_errors(|_, _| {}).unwrap(), 1);
    assert!(!conn.has_errors().unwrap());
    conn.set_read_deadline(Some(Instant::now() + std::time::Duration::from_millis(10)));
    assert_eq!(conn.recv_from(&mut []).unwrap_err().to_string(), "the read deadline has passed");
}

fn drained_errors_are_complete_and_leave_no_pending_error() {
    let conn = queueing();
    // With the messages of all flags beside the errors.
    conn.set_control_flags(ControlFlags::all(), true).unwrap();
    let peers = [nobody(), nobody(), nobody()];
    for peer in peers {
        while conn.send_to(&peer.port().to_be_bytes(), &SendControl::new(), peer).is_err() {}
    }
    delivered();
    let mut got = Vec::new();
    let count = conn.drain_errors(|reported, payload| got.push((reported, payload.to_vec()))).unwrap();
    assert_eq!(count, 3);
    for ((reported, payload), peer) in got.iter().zip(peers) {
        assert_eq!((reported.kind, reported.destination), (ReportedKind::Error, peer));
        assert!(reported.is_error());
        assert_eq!(reported.error.icmp6, Some((Icmp6Type::DESTINATION_UNREACHABLE, 4)));
        assert_eq!(*payload, peer.port().to_be_bytes());
    }
    conn.send_to(b"x", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
    assert_eq!(receive(&conn).0, b"x");
}

/// Enables SOF_TIMESTAMPING_TX_SCHED, _TX_SOFTWARE, _SOFTWARE and _OPT_ID, and more.
fn request_timestamps(conn: &PacketConn, more: i32) {
    let timestamping = SocketOption::<i32>::custom(1, 37, "SO_TIMESTAMPING");
    conn.set_option(&timestamping, 1 << 8 | 1 << 1 | 1 << 4 | 1 << 7 | more).unwrap();
}

const TSONLY: i32 = 1 << 11;

/// All entries of the queue, with what they quote.
fn entries(conn: &PacketConn) -> Vec<(Reported, Vec<u8>)> {
    let mut entries = Vec::new();
    conn.drain_errors(|reported, payload| entries.push((reported, payload.to_vec()))).unwrap();
    entries
}

fn is_time(data: Option<[u8; 48]>) -> bool {
    data.is_some_and(|data| data[..16] != [0; 16])
}

// Scars 49 and 78: a timestamp was an error without content, or error 42.
fn timestamps_of_sent_datagrams_are_no_errors() {
    let (conn, peer) = (loopback(), loopback());
    let to = peer.local_addr().unwrap();
    for flags in [ControlFlags::empty(), ControlFlags::all()] {
        conn.set_control_flags(flags, true).unwrap();
        request_timestamps(&conn, TSONLY);
        for _ in 0..2 {
            conn.send_to(b"x", &SendControl::new(), to).unwrap();
        }
        let mut seen = Vec::new();
        for (reported, quoted) in entries(&conn) {
            assert!(!reported.is_error() && quoted.is_empty());
            let ReportedKind::Timestamp { stage, id, data, .. } = reported.kind else {
                panic!("{reported:?}")
            };
            assert!(is_time(data), "{data:?}");
            seen.push((stage, id));
        }
        seen.sort_unstable();
        seen.dedup();
        // Each datagram was sent (0) and scheduled (1).
        let first = seen[0].1;
        assert_eq!(seen, [(0, first), (0, first + 1), (1, first), (1, first + 1)]);
    }
    // With the packet: it ends with the payload.
    let timestamping = SocketOption::<i32>::custom(1, 37, "SO_TIMESTAMPING");
    conn.set_option(&timestamping, 1 << 1 | 1 << 4).unwrap();
    conn.send_to(b"stamped", &SendControl::new(), to).unwrap();
    let entries = entries(&conn);
    let [(Reported { kind: ReportedKind::Timestamp { stage: 0, data, .. }, len, .. }, quoted)] = &entries[..]
    else {
        panic!("{entries:?}")
    };
    assert!(is_time(*data) && *len == quoted.len() && quoted.ends_with(b"stamped"), "{quoted:?}");
}

// Scar 78, with both in one queue.
fn timestamps_and_errors_are_told_apart() {
    let Pair { a, b } = Pair::new().unwrap();
    let (conn, peer) = (on(&a), on(&b));
    conn.set_queue_errors(true).unwrap();
    conn.set_dont_fragment(true).unwrap();
    request_timestamps(&conn, TSONLY);
    let to = at(Pair::B, port(&peer));
    conn.send_to(b"x", &SendControl::new(), to).unwrap();
    receive(&peer);
    assert_eq!(errno(conn.send_to(&[0; 1500], &SendControl::new(), to)), Some(EMSGSIZE));
    let entries = entries(&conn);
    let errors: Vec<_> = entries.iter().filter(|(reported, _)| reported.is_error()).collect();
    // The report of this host, for each time that the send was tried.
    assert!(
        !errors.is_empty() && errors.iter().all(|(reported, _)| reported.error.mtu == Some(1500)),
        "{entries:?}"
    );
    let is_timestamp = |reported: &Reported| matches!(reported.kind, ReportedKind::Timestamp { .. });
    assert!(entries.iter().any(|(reported, _)| is_timestamp(reported)), "{entries:?}");
    assert!(entries.iter().all(|(reported, _)| reported.is_error() || is_timestamp(reported)));
}

// Scar 78: a zero-copy notice was error 0.
fn zero_copy_notices_are_no_errors() {
    static PAYLOAD: [u8; 1000] = [7; 1000];
    let (conn, peer) = (loopback(), loopback());
    conn.set_option(&option::ZERO_COPY, true).unwrap();
    peer.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    let to = peer.local_addr().unwrap();
    for control in [SendControl::new(), SendControl::new().with_hop_limit(3), SendControl::new()] {
        assert_eq!(conn.send_zero_copy(&PAYLOAD, &control, to).unwrap(), PAYLOAD.len());
        let (payload, received) = receive(&peer);
        assert_eq!(payload, PAYLOAD);
        assert_eq!(received.control.hop_limit, control.hop_limit.or(Some(64)));
    }
    let mut sends = 0;
    for (reported, _) in entries(&conn) {
        let ReportedKind::ZeroCopy { first, last, copied, .. } = reported.kind else {
            panic!("{reported:?}")
        };
        // Loopback delivers a copy.
        assert!(!reported.is_error() && copied);
        assert_eq!(first, sends);
        sends = last + 1;
    }
    assert_eq!(sends, 3);
}

fn a_server_continues_after_errors_about_peers() {
    let conn = queueing();
    let client = loopback();
    // The server answers a client that is gone.
    send_refused(&conn, 1, |_| {});
    client.send_to(b"?", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
    let error = conn.recv_from(&mut [0; 8]).unwrap_err();
    assert!(is_about_peer(&error), "{error}");
    assert_eq!(receive(&conn).0, b"?");

    // A datagram was too long for a path.
    let (pair, sender, _, _) = small_mtu_pair();
    sender.set_queue_errors(true).unwrap();
    sender.set_dont_fragment(true).unwrap();
    sender.send_to(&[0; 1400], &SendControl::new(), at(Pair::B, 9)).unwrap_err();
    let _ = sender.drain_errors(|_, _| {}).unwrap();
    // News about the path is no error, and no datagram.
    let got = sender.recv_from(&mut [0; 8]).unwrap();
    assert_eq!((got.len, got.control.path_mtu.unwrap().mtu), (0, 1300));
    drop(pair);
}

fn errors_about_the_socket_are_not_about_peers() {
    let conn = loopback();
    conn.set_read_deadline(Some(Instant::now()));
    assert!(!is_about_peer(&conn.recv_from(&mut []).unwrap_err()));
    conn.set_read_deadline(None);
    conn.get_ref().set_nonblocking(true).unwrap();
    assert!(!is_about_peer(&conn.recv_from(&mut []).unwrap_err()));
    // The errors that Linux makes of ICMPv6 and ICMP messages (net/ipv6/icmp.c, net/ipv4/icmp.c).
    let number = |errno| is_about_peer(&std::io::Error::from_raw_os_error(errno));
    assert!([13, 64, 71, 90, 92, 95, 101, 111, 112, 113].into_iter().all(number));
    // EINTR, EBADF, EAGAIN, ENOMEM, EINVAL, EPIPE, ENOTCONN.
    assert!(![4, 9, 11, 12, 22, 32, 107].into_iter().any(number));
}
