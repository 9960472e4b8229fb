//! Calls after an event of mio.

use std::cell::Cell;

use ::mio::{Events, Interest, Poll, Token};
use ipv6_std::{Outgoing, RecvBatch, SendBatch, SendControl};
use ipv6_sys::socket::is_nonblocking;

use super::child::{Answer, Case, Peer, in_order};
use super::packets::Socket;

fn register(poll: &Poll, socket: &mut Socket, interest: Interest) -> std::io::Result<()> {
    let (registry, token) = (poll.registry(), Token(7));
    match socket {
        Socket::Udp(conn) => registry.register(conn, token, interest),
        Socket::Raw(conn) => registry.register(conn, token, interest),
    }
}

fn deregister(poll: &Poll, socket: &mut Socket) {
    let registry = poll.registry();
    match socket {
        Socket::Udp(conn) => registry.deregister(conn),
        Socket::Raw(conn) => registry.deregister(conn),
    }
    .unwrap();
}

pub fn run(case: &Case<'_>) -> bool {
    let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(8));
    let (peer, mut conn) = (Peer::new(case), Socket::new(case));
    if case.call == "register" {
        case.check(|| {
            assert!(!is_nonblocking(&*conn).unwrap());
            let answer = register(&poll, &mut conn, Interest::READABLE);
            if answer.is_err() {
                assert!(!is_nonblocking(&*conn).unwrap(), "an error has made the socket non-blocking");
            } else {
                deregister(&poll, &mut conn);
                conn.set_nonblocking(false).unwrap();
            }
            answer.map(Some)
        });
        return true;
    }
    let is_send = case.call.contains("send");
    let interest = if is_send { Interest::WRITABLE } else { Interest::READABLE };
    let each = if case.call.contains("batch") { 2 } else { 1 };
    let (to, local, next) = (peer.address(), conn.local_addr().unwrap(), Cell::new(0));
    for number in (0..3).flat_map(|number| [number].repeat(each)) {
        match case.call {
            "try_recv_error" => drop(case.queue_error(&conn)),
            _ if is_send => {}
            _ => peer.send(number, local),
        }
    }
    case.delivered();
    register(&poll, &mut conn, interest).unwrap();
    poll.poll(&mut events, None).unwrap();
    assert!(events.iter().any(|event| event.token() == Token(7)));
    let (mut send_batch, mut recv_batch) = (SendBatch::new(8), RecvBatch::new(2));
    let (none, mut payload, mut payloads) = (SendControl::new(), [0; 8], [[0; 8]; 2]);
    let mut call = || -> Answer {
        let text = peer.next();
        let messages = [Outgoing::new(&text, none, Some(to)); 4];
        let sent = match case.call {
            "try_recv_from" => conn.try_recv_from(&mut payload).map(|_| 0)?,
            "try_recv_batch" => {
                assert_eq!(conn.try_recv_batch(&mut recv_batch, &mut payloads)?, 2);
                payload = payloads[1];
                0
            }
            "try_recv_error" => {
                let reported = conn.try_recv_error(&mut payload)?;
                return Ok(reported.map(|reported| assert!(reported.is_error())));
            }
            "try_send_to" => conn.try_send_to(&text, &none, to)? / 8,
            "try_send_batch" => conn.try_send_batch(&mut send_batch, &messages)?,
            call => panic!("{call}"),
        };
        if sent == 0 {
            return in_order(&next, payload);
        }
        peer.takes(sent);
        Ok(Some(()))
    };
    case.check(&mut call);
    if is_send {
        peer.is_empty();
    }
    true
}
