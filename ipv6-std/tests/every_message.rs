//! Sockets with every control message at once, queued errors among them, and limits that change while a call waits.

mod common;

use std::io::{Error, ErrorKind};
use std::net::Ipv6Addr;
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use ipv6_std::abi::ControlNumber;
use ipv6_std::option::SocketOption;
use ipv6_std::*;
use nix::sys::socket::{setsockopt, sockopt};

ipv6_testnet::tests! {
    [Namespace] all_control_messages_are_sent_with_segments;
    [Namespace] a_queued_error_is_found_among_all_control_messages;
    [Namespace] disabling_send_coalescing_keeps_what_was_learnt;
    [Namespace] a_deadline_that_is_removed_and_set_again_ends_a_waiting_call;
    [Namespace] a_limit_beyond_the_clock_is_not_near;
}

/// `IPV6_DSTOPTS`: a destination options header of this many bytes, with one option that nodes skip.
struct DestinationOptions(u8);

impl<P: Platform> ControlMessage<P> for DestinationOptions {
    type Value<'a> = &'a [u8];
    const NAME: &'static str = "IPV6_DSTOPTS";
    const NUMBER: Option<ControlNumber> = Some(ControlNumber::new(41, 59, 8));

    fn decode(data: &[u8]) -> Result<&[u8], DecodeError> {
        Ok(data)
    }
}

impl<P: Platform> SendMessage<P> for DestinationOptions {
    fn encode(&self) -> impl AsRef<[u8]> {
        // Next header, length in units of 8 bytes less one, option type 0x1e (RFC 4727), length of its data.
        let mut header = vec![0, self.0 / 8 - 1, 0x1e, self.0 - 4];
        header.resize(self.0.into(), 0);
        header
    }
}

/// Control messages in all fields that Linux sends, except the segment size.
fn all_fields() -> SendControl<'static> {
    SendControl::new()
        .with_traffic_class(0x28)
        .with_hop_limit(9)
        .with_source(Ipv6Addr::LOCALHOST)
        .with_interface(InterfaceIndex::new(1).unwrap())
        .with_flow_label(FlowLabel::new(5).unwrap())
}

/// Asserts that a datagram arrives with this payload and all fields.
fn arrives(receiver: &PacketConn, payload: &[u8]) {
    let (text, got) = receive(receiver);
    assert_eq!(text, payload);
    assert_eq!((got.control.traffic_class, got.control.hop_limit), (Some(0x28), Some(9)));
    assert_eq!(got.control.flow_label, FlowLabel::new(5));
    assert_eq!(got.control.destination, Some(Ipv6Addr::LOCALHOST));
}

// The room of the buffers is 256 bytes of messages by type beside all fields in a single send, 128 in a batch. On 64 bits,
// these messages take all of it.
fn all_control_messages_are_sent_with_segments() {
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::SUPPORTED, true).unwrap();
    let to = receiver.local_addr().unwrap();

    let messages = Messages::<256>::new().with(DestinationOptions(240)).unwrap();
    let control = all_fields().with_messages(&messages);
    // Linux 6.1 refuses segments with extension headers (EIO). `send_segments` then sends singly.
    let able = match sender.send_to(&[7; 250], &control.with_segment_size(100), to) {
        Err(error) if cause(&error) == Some(5) => false,
        sent => sent.unwrap() == 250,
    };
    assert_eq!(sender.send_segments(&[7; 250], 100, &control, to).unwrap(), 250);
    for _ in 0..1 + u8::from(able) {
        for len in [100, 100, 50] {
            arrives(&receiver, &[7; 100][..len]);
        }
    }

    let messages = Messages::<128>::new().with(DestinationOptions(112)).unwrap();
    let one = Outgoing::new(b"batch", all_fields().with_messages(&messages), Some(to));
    sender.send_batch_all(&mut SendBatch::new(4), &[one; 4]).unwrap();
    for _ in 0..4 {
        arrives(&receiver, b"batch");
    }
    assert_eq!(sender.coalescing_refused() == 0, able);
}

// The queue delivers the messages of flags and options before the error. One of 16 bytes or more could be taken for it.
fn a_queued_error_is_found_among_all_control_messages() {
    let conn = loopback();
    let nobody = nobody();
    conn.set_queue_errors(true).unwrap();
    conn.set_control_flags(ControlFlags::SUPPORTED, true).unwrap();
    setsockopt(&conn, sockopt::ReceiveTimestampns, &true).unwrap();
    setsockopt(&conn, sockopt::Ipv6OrigDstAddr, &true).unwrap();
    conn.send_to(b"anyone?", &SendControl::new(), nobody).unwrap();
    assert_eq!(conn.recv_from(&mut []).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    let mut payload = [0; 16];
    let reported = conn.recv_error(&mut payload).unwrap().unwrap();
    let errno = reported.error.errno;
    assert_eq!(Error::from_raw_os_error(errno).kind(), ErrorKind::ConnectionRefused);
    let unreachable = QueuedError::new(errno).with_icmp6(Icmp6Type::DESTINATION_UNREACHABLE, 4);
    assert_eq!(reported.error, unreachable.with_reporter(Ipv6Addr::LOCALHOST));
    assert_eq!((reported.destination, &payload[..reported.len]), (nobody, &b"anyone?"[..]));
    assert_eq!(conn.recv_error(&mut payload).unwrap(), None);
}

fn disabling_send_coalescing_keeps_what_was_learnt() {
    let (sender, receiver) = (loopback(), loopback());
    let fresh = sender.max_segments();
    // Such a socket cannot send segments.
    sender.set_option(&SocketOption::<i32>::custom(17, 101, "UDP_NO_CHECK6_TX"), 1).unwrap();
    let batch = [Outgoing::new(b"x", SendControl::new(), receiver.local_addr().ok()); 4];
    sender.send_batch_all(&mut SendBatch::new(4), &batch).unwrap();
    assert_eq!(sender.max_segments(), 1);
    sender.set_send_coalescing(false);
    assert_eq!(sender.max_segments(), 1);
    sender.set_send_coalescing(true);
    assert_eq!(sender.max_segments(), fresh);
}

fn a_deadline_that_is_removed_and_set_again_ends_a_waiting_call() {
    // Waiting calls read their limit ten times a second. A call that starts after the removal waits for a datagram, which
    // is no fault: on a slow machine, another attempt shows it.
    let ends = || {
        let (conn, sender) = (loopback(), loopback());
        conn.set_read_deadline(soon());
        thread::scope(|scope| {
            let receiver = scope.spawn(|| conn.recv_from(&mut [0; 8]).map_err(|error| error.kind()));
            thread::sleep(Duration::from_millis(50));
            conn.set_read_deadline(None);
            thread::sleep(Duration::from_millis(300));
            conn.set_read_deadline(Some(Instant::now()));
            let patience = Instant::now() + Duration::from_secs(1);
            while !receiver.is_finished() && Instant::now() < patience {
                thread::sleep(Duration::from_millis(10));
            }
            sender.send_to(b"x", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
            receiver.join().unwrap().err() == Some(ErrorKind::TimedOut)
        })
    };
    assert!((0..5).any(|_| ends()));
}

fn a_limit_beyond_the_clock_is_not_near() {
    const CENTURIES: Duration = Duration::from_secs(500 * 365 * 24 * 3600);
    let conn = loopback();
    let now = Instant::now();
    // Nanoseconds are counted in 64 bits. This number of them wraps around to 0 or little more.
    let wrapped = Duration::from_nanos(u64::MAX) + Duration::from_nanos(1);
    if let Some(deadline) = now.checked_add(wrapped) {
        conn.set_read_deadline(Some(deadline));
        assert!(conn.read_deadline().is_none_or(|deadline| deadline > now + CENTURIES));
    }
    for timeout in [wrapped, wrapped + Duration::from_millis(1), Duration::MAX] {
        conn.set_read_timeout(Some(timeout)).unwrap();
        assert!(conn.read_timeout().unwrap() > CENTURIES);
    }
}
