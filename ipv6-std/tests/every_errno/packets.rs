//! Sends and receives, of datagram sockets and of raw ones.

use std::cell::Cell;
use std::io::{IoSlice, IoSliceMut};
use std::net::Ipv6Addr;
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use ipv6_std::message::HopLimit;
use ipv6_std::*;

use super::child::{Case, Peer, in_order, main_thread_sleeps, read, unbounded};
use crate::common::soon;

/// A connection that is not a connection of an event loop.
pub enum Socket {
    Udp(PacketConn<OwnedFd>),
    Raw(RawConn),
}

impl Deref for Socket {
    type Target = PacketConn<OwnedFd>;

    fn deref(&self) -> &PacketConn<OwnedFd> {
        match self {
            Self::Udp(conn) => conn,
            Self::Raw(conn) => conn,
        }
    }
}

impl Socket {
    pub fn new(case: &Case<'_>) -> Self {
        match case.protocol {
            Some(protocol) => Self::Raw(RawConn::bind(protocol, "[::1]:0").unwrap()),
            None => Self::Udp(unbounded()),
        }
    }
}

pub fn run(case: &Case<'_>) -> bool {
    match case.call {
        "send_to"
        | "send_to with control messages"
        | "send_to with a deadline"
        | "send"
        | "send_vectored"
        | "send_with_flags"
        | "send_zero_copy"
        | "send_messages"
        | "send_batch"
        | "send_batch_all"
        | "send_segments"
        | "try_send_to"
        | "try_send_batch" => send(case),
        "send_segments, the second system call" => send_many_segments(case),
        "send_batch, the second system call" | "send_batch, the second system call, then another error" => {
            send_twice(case);
        }
        "recv_from"
        | "recv_from with control messages"
        | "recv_from with a deadline, a datagram waits"
        | "recv_vectored"
        | "recv_message"
        | "peek_from"
        | "recv_batch"
        | "try_recv_from"
        | "try_recv_batch" => receive(case),
        "recv_from with a deadline" => receive_later(case, false),
        "recv_from with a deadline, the error queue is not empty" => receive_later(case, true),
        "try_recv_error" | "drain_errors" | "has_errors" => errors(case),
        _ => return false,
    }
    true
}

fn send(case: &Case<'_>) {
    let (peer, conn) = (Peer::new(case), Socket::new(case));
    let (none, hops, to) = (SendControl::new(), SendControl::new().with_hop_limit(3), peer.address());
    match case.call {
        "send_to with a deadline" => conn.set_deadline(soon()),
        "send" => conn.connect(to).unwrap(),
        _ => {}
    }
    let mut batch = SendBatch::new(8);
    case.check(|| {
        let payload = peer.next();
        let messages = [Outgoing::new(&payload, none, Some(to)); 4];
        let len = match case.call {
            "send_to" | "send_to with a deadline" => conn.send_to(&payload, &none, to),
            "send_to with control messages" => conn.send_to(&payload, &hops, to),
            "send" => conn.send(&payload, &none),
            "send_vectored" => {
                conn.send_vectored(&[IoSlice::new(&payload[..3]), IoSlice::new(&payload[3..])], &none, to)
            }
            "send_with_flags" => conn.send_with_flags(&payload, &none, to, SendFlags::CONFIRM),
            "send_zero_copy" => conn.send_zero_copy(Box::leak(Box::new(payload)), &none, to),
            "send_messages" => {
                let messages = Messages::<64>::new().with(HopLimit(3)).unwrap();
                conn.send_messages(&payload, &messages, to)
            }
            "send_segments" => conn.send_segments(&payload.repeat(4), 8, &none, to),
            "try_send_to" => conn.try_send_to(&payload, &none, to),
            "try_send_batch" => conn.try_send_batch(&mut batch, &messages).map(|sent| sent * 8),
            "send_batch" => conn.send_batch(&mut batch, &messages).map(|sent| sent * 8),
            _ => match conn.send_batch_all(&mut batch, &messages) {
                Ok(()) => Ok(32),
                Err(error) => {
                    assert_eq!(error.index(), 0);
                    Err(error.into_error())
                }
            },
        }?;
        assert_eq!(len, if case.call.contains("batch") || case.call.contains("segments") { 32 } else { 8 });
        peer.takes(len / 8);
        Ok(Some(()))
    });
    peer.is_empty();
}

/// A batch of two system calls, of which the second fails once.
fn send_twice(case: &Case<'_>) {
    let (peer, conn) = (Peer::new(case), Socket::new(case));
    let (none, to, mut batch) = (SendControl::new(), peer.address(), SendBatch::new(2));
    // No address of this host: the system refuses the message.
    let refused = none.with_source("2001:db8::1".parse().unwrap());
    let mut is_refused = case.succeeds() && case.call.contains("another error");
    let mut left = 0;
    if !case.succeeds() {
        // The first system call is the only one that succeeds.
        let payload = peer.next();
        let messages = [none; 4].map(|control| Outgoing::new(&payload, control, Some(to)));
        assert_eq!(conn.send_batch(&mut batch, &messages[..2]).unwrap(), 2);
        peer.takes(2);
    }
    case.check(|| {
        // The second two are not combined with the first.
        let (payload, hops) = (peer.next(), none.with_hop_limit(3));
        let third = if std::mem::take(&mut is_refused) { refused } else { hops };
        let messages = [none, none, third, hops].map(|control| Outgoing::new(&payload, control, Some(to)));
        let sent = conn.send_batch(&mut batch, &messages[std::mem::take(&mut left)..])?;
        if sent == 2 && case.result == "partial" {
            left = 2;
        }
        peer.takes(sent);
        Ok(Some(()))
    });
    peer.is_empty();
}

/// More segments than one system call takes, which is 128 at most. The second one fails once.
fn send_many_segments(case: &Case<'_>) {
    let (peer, conn, mut left) = (Peer::new(case), Socket::new(case), 0);
    let (none, to) = (SendControl::new(), peer.address());
    let most = 8 * conn.max_segments();
    if !case.succeeds() {
        // The first system call is the only one that succeeds.
        conn.send_segments(&peer.next().repeat(2), 8, &none, to).unwrap();
        peer.takes(2);
    }
    case.check(|| {
        let segments = peer.next().repeat(140);
        let sent = conn.send_segments(&segments[std::mem::take(&mut left)..], 8, &none, to)?;
        if sent == most && case.result == "partial" {
            left = most;
        }
        peer.takes(sent / 8);
        Ok(Some(()))
    });
    peer.is_empty();
}

fn receive(case: &Case<'_>) {
    let (peer, conn, next) = (Peer::new(case), Socket::new(case), Cell::new(0));
    let each = if case.call.contains("batch") { 2 } else { 1 };
    match case.call {
        "recv_from with control messages" => conn.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap(),
        "recv_from with a deadline, a datagram waits" => conn.set_deadline(soon()),
        _ => {}
    }
    for number in (0..3).flat_map(|number| [number].repeat(each)) {
        peer.send(number, conn.local_addr().unwrap());
    }
    case.delivered();
    let (mut payload, mut payloads, mut control) = ([0; 8], [[0; 8]; 2], [0; 128]);
    let mut batch = RecvBatch::new(2);
    case.check(|| {
        let count = match case.call {
            "recv_vectored" => {
                let (start, end) = payload.split_at_mut(3);
                conn.recv_vectored(&mut [IoSliceMut::new(start), IoSliceMut::new(end)]).map(|_| 1)
            }
            "recv_message" => conn.recv_message(&mut payload, &mut control).map(|_| 1),
            "peek_from" => conn.peek_from(&mut payload).map(|_| {
                assert_eq!(read(&*conn, &mut [0; 8]).unwrap(), 8);
                1
            }),
            "recv_batch" => conn.recv_batch(&mut batch, &mut payloads),
            "try_recv_batch" => conn.try_recv_batch(&mut batch, &mut payloads),
            "try_recv_from" => conn.try_recv_from(&mut payload).map(|_| 1),
            call => conn.recv_from(&mut payload).map(|got| {
                assert_eq!(got.control.hop_limit.is_some(), call.contains("control messages"));
                1
            }),
        }?;
        assert_eq!(count, each);
        if each == 2 {
            assert_eq!(payloads[0], payloads[1]);
            payload = payloads[0];
        }
        in_order(&next, payload)
    });
}

/// The datagram comes while the call waits.
fn receive_later(case: &Case<'_>, has_queued: bool) {
    let (peer, conn, next) = (Peer::new(case), Socket::new(case), Cell::new(0));
    if has_queued {
        case.queue_error(&conn);
    }
    conn.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let (to, mut payload) = (conn.local_addr().unwrap(), [0; 8]);
    case.check(|| {
        thread::scope(|scope| {
            // The receiver waits by then. The injected error is the only one that it gets before.
            let (number, sender) = (next.get(), peer.sender());
            scope.spawn(move || {
                main_thread_sleeps();
                sender.send(number, to);
            });
            let answer = conn.recv_from(&mut payload).and_then(|_| in_order(&next, payload));
            if answer.is_err() {
                // That datagram too is still to come.
                conn.set_read_timeout(None).unwrap();
                conn.recv_from(&mut payload).unwrap();
                conn.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            }
            answer
        })
    });
}

fn errors(case: &Case<'_>) {
    let (conn, mut payload) = (Socket::new(case), [0; 8]);
    let mut ip = Ipv6Addr::UNSPECIFIED;
    for _ in 0..if case.call == "try_recv_error" { 3 } else { 1 } {
        ip = *case.queue_error(&conn).ip();
    }
    let mut drained = 0;
    case.check(|| match case.call {
        "has_errors" => conn.has_errors().map(|has_errors| {
            assert!(has_errors);
            Some(())
        }),
        "drain_errors" => {
            conn.drain_errors(|reported, _| {
                assert_eq!(*reported.destination.ip(), ip);
                drained += 1;
            })?;
            // A call that failed may have returned it.
            assert_eq!(drained, 1);
            drained = 0;
            case.queue_error(&conn);
            Ok(Some(()))
        }
        _ => {
            let reported = conn.try_recv_error(&mut payload)?;
            Ok(reported.map(|reported| assert_eq!(*reported.destination.ip(), ip)))
        }
    });
}
