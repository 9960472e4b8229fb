//! Deadlines and timeouts, also of non-blocking sockets.

mod common;

use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use ipv6_std::*;

ipv6_testnet::tests! {
    [Namespace] a_timeout_ends_each_call;
    [Namespace] a_timeout_of_zero_is_refused;
    [Namespace] the_earlier_of_deadline_and_timeout_applies;
    [Namespace] a_write_timeout_ends_a_send;
    [Namespace] a_timeout_applies_to_a_call_that_already_waits;
    [Namespace] a_read_deadline_ends_a_receive;
    [Namespace] a_passed_deadline_ends_each_call_at_once;
    [Namespace] removing_the_deadline_makes_calls_wait_again;
    [Namespace] a_datagram_before_the_deadline_is_received;
    [Namespace] read_and_write_deadlines_are_independent;
    [Namespace] a_write_deadline_ends_a_send;
    [Namespace] an_earlier_deadline_ends_waiting_calls;
    [Namespace] a_later_or_removed_deadline_extends_waiting_calls;
    [Namespace] deadlines_apply_to_batches;
    [Namespace] a_non_blocking_socket_does_not_wait_for_a_limit;
    [Namespace] distant_deadlines_do_not_overflow;
    [Namespace] each_limit_can_be_read;
}

fn timed_out<T: std::fmt::Debug>(result: std::io::Result<T>) {
    assert_eq!(result.unwrap_err().kind(), ErrorKind::TimedOut);
}

fn a_read_deadline_ends_a_receive() {
    let conn = loopback();
    let deadline = Instant::now() + Duration::from_millis(20);
    conn.set_read_deadline(Some(deadline));
    timed_out(conn.recv_from(&mut [0; 8]));
    assert!(Instant::now() >= deadline);
    timed_out(conn.recv_message(&mut [0; 8], &mut [0; 64]));
}

fn a_passed_deadline_ends_each_call_at_once() {
    let conn = loopback();
    let to = conn.local_addr().unwrap();
    conn.send_to(b"x", &SendControl::new(), to).unwrap();
    let past = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
    conn.set_deadline(Some(past));
    // Even though a datagram is waiting and there is room to send.
    timed_out(conn.recv_from(&mut [0; 8]));
    timed_out(conn.send_to(b"x", &SendControl::new(), to));
    // The datagram is still there.
    conn.set_deadline(soon());
    assert_eq!(receive(&conn).0, b"x");
}

fn removing_the_deadline_makes_calls_wait_again() {
    let conn = loopback();
    conn.set_deadline(Some(Instant::now()));
    timed_out(conn.recv_from(&mut [0; 8]));
    conn.set_deadline(None);
    thread::scope(|scope| {
        let receiver = scope.spawn(|| receive(&conn).0);
        conn.send_to(b"late", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
        assert_eq!(receiver.join().unwrap(), b"late");
    });
}

fn a_datagram_before_the_deadline_is_received() {
    let (conn, sender) = (loopback(), loopback());
    thread::scope(|scope| {
        let receiver = scope.spawn(|| receive(&conn).0);
        // The receiver probably waits by now; the result is the same if it does not.
        thread::sleep(Duration::from_millis(10));
        sender.send_to(b"in time", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
        assert_eq!(receiver.join().unwrap(), b"in time");
    });
}

fn read_and_write_deadlines_are_independent() {
    let conn = loopback();
    let to = conn.local_addr().unwrap();
    conn.set_read_deadline(Some(Instant::now()));
    conn.set_write_deadline(soon());
    conn.send_to(b"x", &SendControl::new(), to).unwrap();
    timed_out(conn.recv_from(&mut [0; 8]));
    conn.set_write_deadline(Some(Instant::now()));
    conn.set_read_deadline(soon());
    timed_out(conn.send_to(b"x", &SendControl::new(), to));
    assert_eq!(receive(&conn).0, b"x");
}

fn a_write_deadline_ends_a_send() {
    // Packets to a neighbour that does not answer stay in the send buffer and fill it.
    let ipv6_testnet::Pair { a, b: _b } = ipv6_testnet::Pair::new().unwrap();
    a.set("net/ipv6/neigh/eth0/unres_qlen_bytes", "100000000").unwrap();
    let conn = on(&a);
    let nobody = at("2001:db8:1::dead".parse().unwrap(), 9);
    conn.set_write_deadline(Some(Instant::now() + Duration::from_millis(200)));
    let error = loop {
        match conn.send_to(&[0; 1400], &SendControl::new(), nobody) {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
}

fn an_earlier_deadline_ends_waiting_calls() {
    let conns = [loopback(), loopback(), loopback()];
    let far = Instant::now() + Duration::from_secs(60);
    let waits: [fn(&PacketConn) -> std::io::Result<usize>; 3] = [
        |conn| conn.recv_from(&mut [0; 8]).map(|got| got.len),
        |conn| conn.recv_message(&mut [0; 8], &mut [0; 64]).map(|got| got.len),
        |conn| conn.recv_batch(&mut RecvBatch::new(4), &mut [[0; 8]; 4]),
    ];
    for conn in &conns {
        conn.set_deadline(Some(far));
    }
    thread::scope(|scope| {
        let waiting: Vec<_> =
            conns.iter().zip(waits).map(|(conn, wait)| scope.spawn(move || wait(conn))).collect();
        // The calls probably wait by now; the result is the same if they do not.
        thread::sleep(Duration::from_millis(50));
        for conn in &conns {
            conn.set_deadline(Some(Instant::now()));
        }
        for thread in waiting {
            timed_out(thread.join().unwrap());
        }
    });
    assert!(Instant::now() < far, "the calls ignored the new deadline");
}

fn a_later_or_removed_deadline_extends_waiting_calls() {
    let conns = [loopback(), loopback()];
    // Near, but late enough to be moved in time on a slow machine.
    let near = Instant::now() + Duration::from_secs(2);
    for conn in &conns {
        conn.set_deadline(Some(near));
    }
    thread::scope(|scope| {
        let waiting: Vec<_> = conns.iter().map(|conn| scope.spawn(|| receive(conn).0)).collect();
        thread::sleep(Duration::from_millis(50));
        conns[0].set_deadline(Some(near + Duration::from_secs(60)));
        conns[1].set_deadline(None);
        thread::sleep((near + Duration::from_millis(200)).saturating_duration_since(Instant::now()));
        for (conn, thread) in conns.iter().zip(waiting) {
            conn.send_to(b"late", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
            assert_eq!(thread.join().unwrap(), b"late");
        }
    });
}

fn deadlines_apply_to_batches() {
    let conn = loopback();
    conn.set_deadline(Some(Instant::now() + Duration::from_millis(10)));
    timed_out(conn.recv_batch(&mut RecvBatch::new(4), &mut [[0; 8]; 4]));
    let one = [Outgoing::new(b"x", SendControl::new(), Some(conn.local_addr().unwrap()))];
    timed_out(conn.send_batch(&mut SendBatch::new(4), &one));
}

// Scar 51: a limit made a non-blocking socket block.
fn a_non_blocking_socket_does_not_wait_for_a_limit() {
    // The queue of a neighbour that does not answer fills the send buffer.
    let ipv6_testnet::Pair { a, b: _b } = ipv6_testnet::Pair::new().unwrap();
    a.set("net/ipv6/neigh/eth0/unres_qlen_bytes", "100000000").unwrap();
    let nobody = at("2001:db8:1::dead".parse().unwrap(), 9);
    let one = [Outgoing::new(&[0; 1400], SendControl::new(), Some(nobody))];
    let conn = on(&a);
    conn.get_ref().set_nonblocking(true).unwrap();
    let would_block = |result: std::io::Result<usize>| {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::WouldBlock);
    };
    while conn.try_send_to(&[0; 1400], &SendControl::new(), nobody).is_ok() {}
    // Later than the harness ends a test that hangs.
    let far = Duration::from_secs(3600);
    for (deadline, timeout) in [(None, None), (Some(Instant::now() + far), None), (None, Some(far))] {
        conn.set_deadline(deadline);
        conn.set_read_timeout(timeout).unwrap();
        conn.set_write_timeout(timeout).unwrap();
        would_block(conn.recv_from(&mut [0; 8]).map(|got| got.len));
        would_block(conn.recv_message(&mut [0; 8], &mut [0; 64]).map(|got| got.len));
        would_block(conn.recv_batch(&mut RecvBatch::new(4), &mut [[0; 8]; 4]));
        would_block(conn.send_to(&[0; 1400], &SendControl::new(), nobody));
        would_block(conn.send_batch(&mut SendBatch::new(4), &one));
    }
    // A limit that has passed ends each call.
    conn.set_deadline(Some(Instant::now()));
    timed_out(conn.recv_from(&mut [0; 8]));
}

fn distant_deadlines_do_not_overflow() {
    let conn = loopback();
    for years in [1, 100, 1000] {
        let seconds = Duration::from_secs(years * 365 * 24 * 3600);
        let Some(deadline) = Instant::now().checked_add(seconds) else { continue };
        conn.set_deadline(Some(deadline));
        conn.send_to(b"x", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
        assert_eq!(receive(&conn).0, b"x");
    }
}

fn a_timeout_ends_each_call() {
    let conn = loopback();
    conn.set_deadline(None);
    let timeout = Duration::from_millis(20);
    conn.set_read_timeout(Some(timeout)).unwrap();
    assert_eq!((conn.read_timeout(), conn.write_timeout()), (Some(timeout), None));
    let calls: [fn(&PacketConn) -> std::io::Result<usize>; 4] = [
        |conn| conn.recv_from(&mut [0; 8]).map(|got| got.len),
        |conn| conn.recv_message(&mut [0; 8], &mut [0; 64]).map(|got| got.len),
        |conn| conn.recv_batch(&mut RecvBatch::new(4), &mut [[0; 8]; 4]),
        |conn| conn.recv_from(&mut [0; 8]).map(|got| got.len),
    ];
    for call in calls {
        let started = Instant::now();
        let error = call(&conn).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::TimedOut, "no datagram within 20ms".into())
        );
        assert!(started.elapsed() >= timeout);
    }
    // A waiting datagram is received with any timeout.
    conn.send_to(b"x", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
    holds(&conn, 1);
    conn.set_read_timeout(Some(Duration::from_nanos(1))).unwrap();
    assert_eq!(receive(&conn).0, b"x");
}

fn a_timeout_of_zero_is_refused() {
    let conn = loopback();
    conn.set_read_timeout(Some(Duration::MAX)).unwrap();
    refused(conn.set_read_timeout(Some(Duration::ZERO)), "0s");
    refused(conn.set_write_timeout(Some(Duration::ZERO)), "0s");
    // The previous timeout stays. The maximum is 64 bits of nanoseconds.
    assert_eq!(conn.read_timeout(), Some(Duration::from_nanos(u64::MAX)));
    conn.set_read_timeout(None).unwrap();
    assert_eq!(conn.read_timeout(), None);
}

// Scar 51: the error did not say which limit had passed.
fn the_earlier_of_deadline_and_timeout_applies() {
    let conn = loopback();
    let text = || conn.recv_from(&mut [0; 8]).unwrap_err().to_string();
    conn.set_deadline(Some(Instant::now() + Duration::from_millis(10)));
    conn.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    assert_eq!(text(), "the read deadline has passed");
    conn.set_read_deadline(soon());
    conn.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    assert_eq!(text(), "no datagram within 10ms");
    // Removing one leaves the other.
    conn.set_deadline(None);
    assert_eq!(text(), "no datagram within 10ms");
    conn.set_read_timeout(None).unwrap();
    let past = Instant::now();
    conn.set_read_deadline(Some(past));
    assert_eq!(text(), "the read deadline has passed");
    assert_eq!((conn.read_deadline(), conn.write_deadline()), (Some(past), None));
    conn.set_write_deadline(Some(past));
    let error = conn.send_to(b"x", &SendControl::new(), conn.local_addr().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "the write deadline has passed");
}

fn a_write_timeout_ends_a_send() {
    let ipv6_testnet::Pair { a, b: _b } = ipv6_testnet::Pair::new().unwrap();
    // The queue of a neighbour that does not answer fills the send buffer.
    a.set("net/ipv6/neigh/eth0/unres_qlen_bytes", "100000000").unwrap();
    let conn = on(&a);
    conn.set_deadline(None);
    conn.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
    let payload = [0; 1400];
    let nobody = Some(at("2001:db8:1::dead".parse().unwrap(), 9));
    let messages = [Outgoing::new(&payload, SendControl::new(), nobody); 1000];
    let mut batch = SendBatch::new(1000);
    // The first call returns the number of messages that fit; the next call returns the error.
    let error = loop {
        match conn.send_batch(&mut batch, &messages) {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(error.to_string(), "no room in the send buffer within 50ms");
}

fn a_timeout_applies_to_a_call_that_already_waits() {
    let conn = loopback();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| conn.recv_from(&mut [0; 8]).unwrap_err().to_string());
        thread::sleep(Duration::from_millis(50));
        conn.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        assert_eq!(waiting.join().unwrap(), "no datagram within 1ms");
    });
}

fn each_limit_can_be_read() {
    let conn = loopback();
    let limits = |conn: &PacketConn| {
        (conn.read_deadline(), conn.write_deadline(), conn.read_timeout(), conn.write_timeout())
    };
    let [one, two] = [10, 20].map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let [three, four] = [30, 40].map(Duration::from_secs);
    conn.set_deadline(None);
    assert_eq!(limits(&conn), (None, None, None, None));
    conn.set_read_deadline(Some(one));
    conn.set_write_timeout(Some(four)).unwrap();
    assert_eq!(limits(&conn), (Some(one), None, None, Some(four)));
    conn.set_write_deadline(Some(two));
    conn.set_read_timeout(Some(three)).unwrap();
    assert_eq!(limits(&conn), (Some(one), Some(two), Some(three), Some(four)));
    conn.set_deadline(Some(two));
    assert_eq!(limits(&conn), (Some(two), Some(two), Some(three), Some(four)));
}
