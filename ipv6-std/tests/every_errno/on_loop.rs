//! Calls in the event loops of tokio and async-io.

use std::cell::Cell;
use std::future::poll_fn;
use std::{io, thread};

use ipv6_std::{ControlFlags, Outgoing, RecvBatch, SendAllError, SendBatch, SendControl, aio};

use super::child::{Case, Peer, descriptors, in_order, main_thread_sleeps, read};
use crate::loops::{AsyncIo, Loop, Tokio, TokioFd};

pub fn run(case: &Case<'_>) -> bool {
    match (case.event_loop, case.protocol) {
        ("tokio", None) => packet::<Tokio>(case),
        // The type of `ipv6_std::tokio::RawConn`.
        ("tokio", Some(_)) => raw::<TokioFd>(case),
        ("async-io", None) => packet::<AsyncIo>(case),
        ("async-io", Some(_)) => raw::<AsyncIo>(case),
        _ => return false,
    }
    true
}

/// What both types do.
macro_rules! calls {
    ($name:ident, $connection:ident, $open:expr) => {
        fn $name<L: Loop>(case: &Case<'_>) {
            let open = |case: &Case<'_>| -> io::Result<aio::$connection<L::Socket>> { $open(case) };
            L::run(async {
                if case.call == "bind" {
                    return bind(case, open);
                }
                let (conn, peer) = (open(case).unwrap(), Peer::new(case));
                let (to, next) = (peer.address(), Cell::new(0));
                let local = conn.local_addr().unwrap();
                conn.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
                let (mut send_batch, mut recv_batch) = (SendBatch::new(8), RecvBatch::new(2));
                // How many datagrams one receive takes.
                let each = match case.call {
                    call if !call.contains("recv") || call.contains("error") => 0,
                    call if call.contains("batch") => 2,
                    _ => 1,
                };
                for number in (0..3).flat_map(|number| [number].repeat(each)) {
                    peer.send(number, local);
                }
                case.delivered();
                let is_about_errors = case.call.contains("recv_error");
                for _ in 0..if case.call.ends_with("recv_error") { 3 } else { 0 } {
                    case.queue_error(&conn);
                }
                // The event that ends the wait of a receive: tokio has seen that of the datagrams before.
                if case.result == "waits" && each > 0 {
                    let sender = peer.sender();
                    thread::spawn(move || {
                        main_thread_sleeps();
                        sender.send(3, local);
                    });
                }
                let (none, hops) = (SendControl::new(), SendControl::new().with_hop_limit(3));
                let mut answers = Vec::new();
                let attempts = match case.result {
                    "always" | "repeated" | "waits" => 2,
                    _ => 4,
                };
                for _ in 0..attempts {
                    let (mut payload, text) = ([0; 8], peer.next());
                    let messages = [Outgoing::new(&text, none, Some(to)); 4];
                    let must_fail = answers.is_empty() || case.result == "always";
                    if is_about_errors && !must_fail && !conn.has_errors().unwrap() {
                        case.queue_error(&conn);
                    }
                    let sent = match case.call {
                        "recv_from" => conn.recv_from(&mut payload).await.map(|_| 0),
                        "poll_recv_from" => {
                            poll_fn(|cx| conn.poll_recv_from(cx, &mut payload)).await.map(|_| 0)
                        }
                        "poll_recv_ready" => poll_fn(|cx| conn.poll_recv_ready(cx))
                            .await
                            .map(|()| assert_eq!(read(&conn, &mut payload).unwrap(), 8))
                            .map(|()| 0),
                        "recv_batch" => {
                            let mut payloads = [[0; 8]; 2];
                            let received = conn.recv_batch(&mut recv_batch, &mut payloads).await;
                            payload = payloads[0];
                            received.map(|count| assert_eq!(count, 2)).map(|()| 0)
                        }
                        "send_to" => conn.send_to(&text, &hops, to).await,
                        "poll_send_to" => poll_fn(|cx| conn.poll_send_to(cx, &text, &hops, to)).await,
                        "send_batch" => {
                            conn.send_batch(&mut send_batch, &messages).await.map(|sent| sent * 8)
                        }
                        "send_batch_all" => {
                            let sent = conn.send_batch_all(&mut send_batch, &messages).await;
                            sent.map(|()| 32).map_err(SendAllError::into_error)
                        }
                        "send_segments" => conn.send_segments(&text.repeat(4), 8, &none, to).await,
                        "recv_error" | "recv_error, the queue is empty" => {
                            payload = [next.get(); 8];
                            conn.recv_error(&mut [0; 8]).await.map(|_| 0)
                        }
                        "poll_recv_error" | "poll_recv_error, the queue is empty" => {
                            payload = [next.get(); 8];
                            poll_fn(|cx| conn.poll_recv_error(cx, &mut [0; 8])).await.map(|_| 0)
                        }
                        call => panic!("{call}"),
                    };
                    answers.push(match sent {
                        Ok(0) => in_order(&next, payload),
                        Ok(len) => {
                            peer.takes(len / 8);
                            Ok(Some(()))
                        }
                        Err(error) => Err(error),
                    });
                    // Three datagrams were sent.
                    if next.get() == 3 {
                        break;
                    }
                }
                let mut answers = answers.into_iter();
                case.check(|| answers.next().expect("another answer"));
                if each == 0 {
                    peer.is_empty();
                }
            });
        }
    };
}

calls!(packet, PacketConn, |_: &Case<'_>| aio::PacketConn::bind("[::1]:0"));
calls!(raw, RawConn, |case: &Case<'_>| aio::RawConn::bind(case.protocol.unwrap(), "[::1]:0"));

/// Registers a socket. None stays open after an error.
fn bind<C>(case: &Case<'_>, open: impl Fn(&Case<'_>) -> io::Result<C>) {
    // Starts the loop, which opens descriptors.
    drop(open(case).unwrap());
    let before = descriptors();
    case.check(|| open(case).map(|_| Some(())));
    assert_eq!(descriptors(), before);
}
