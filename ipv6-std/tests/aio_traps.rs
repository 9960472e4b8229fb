//! The traps of event loops: errors that wake nobody, states that wake for ever, calls that block, datagrams that no event
//! announces. With each loop; the calls are counted.

mod common;
mod loops;

use std::io::ErrorKind;
use std::net::Shutdown;
use std::pin::pin;
use std::time::{Duration, Instant};

use common::{at, delivered_to, loopback, nobody, texts};
use ipv6_std::aio::{self, PacketConn};
use ipv6_std::option::SocketOption;
use ipv6_std::{AsFd, Outgoing, Received, RecvBatch, SendBatch, SendControl};
use ipv6_testnet::{Line, Pair};
use loops::{Loop, for_a_while, once, queue_error, waits};
use socket2::SockRef;

fn main() {
    ipv6_testnet::main(&with_each_loop! {
        [Namespace] a_blocking_socket_is_made_non_blocking;
        [Namespace] an_error_wakes_a_receive;
        [Namespace] an_error_wakes_a_receive_of_a_batch;
        [Namespace] an_error_wakes_a_send;
        [Namespace] a_receive_with_a_queued_error_waits;
        [Namespace] a_receive_with_a_queued_timestamp_waits;
        [Namespace] recv_error_waits_without_calls;
        [Namespace] recv_error_is_not_woken_by_datagrams;
        [Namespace] recv_error_takes_each_entry;
        [Namespace] recv_error_keeps_its_descriptor;
        [Namespace] several_tasks_receive_errors;
        [Namespace] a_receive_does_not_hide_an_error_from_recv_error;
        [Namespace] recv_error_does_not_hide_an_error_from_a_receive;
        [Namespace] a_send_with_a_queued_error_waits;
        [Namespace] a_send_after_an_error_waits;
        [Namespace] a_limit_blocks_no_task;
        [Namespace] leftovers_of_a_batch_are_returned_first;
        [Namespace] leftovers_are_returned_while_another_task_drains_the_socket;
        [Namespace] news_about_the_path_mtu_comes_through_the_error_queue;
        [Namespace] a_receive_after_a_shutdown_ends;
        [Namespace] a_shutdown_ends_a_receive_that_waits;
    })
}

type Conn<L> = PacketConn<<L as Loop>::Socket>;

fn local<L: Loop>() -> Conn<L> {
    Conn::<L>::bind("[::1]:0").unwrap()
}

/// Sends a datagram to a socket, from another one.
fn send_to<S: AsFd>(conn: &ipv6_std::PacketConn<S>, text: &[u8]) {
    loopback().send_to(text, &SendControl::new(), conn.local_addr().unwrap()).unwrap();
}

fn len(result: std::io::Result<Received>) -> usize {
    result.unwrap().len
}

fn a_blocking_socket_is_made_non_blocking<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        // As a program that has registered a blocking socket.
        conn.set_nonblocking(false).unwrap();
        let conn = aio::PacketConn::new(conn.into_inner()).unwrap();
        assert!(ipv6_sys::socket::is_nonblocking(&conn).unwrap());
        waits("recv_from", conn.recv_from(&mut [0; 8])).await;
    });
}

// Scar 52: read interest alone does not wake for errors.
fn an_error_wakes_a_receive<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        conn.connect(nobody()).unwrap();
        for _ in 0..3 {
            let mut payload = [0; 8];
            let mut receive = pin!(conn.recv_from(&mut payload));
            assert!(once(receive.as_mut()).await.is_none());
            conn.try_send(b"x", &SendControl::new()).unwrap();
            assert_eq!(receive.await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        }
    });
}

fn an_error_wakes_a_receive_of_a_batch<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        conn.connect(nobody()).unwrap();
        let (mut batch, mut payloads) = (RecvBatch::new(4), [[0; 8]; 4]);
        let mut receive = pin!(conn.recv_batch(&mut batch, &mut payloads));
        assert!(once(receive.as_mut()).await.is_none());
        conn.try_send(b"x", &SendControl::new()).unwrap();
        assert_eq!(receive.await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    });
}

/// A socket whose send buffer is full: the queue of a neighbour that does not answer fills it. Its errors are queued.
fn full<L: Loop>(pair: &Pair, before: impl FnOnce(&Conn<L>)) -> (Conn<L>, std::net::SocketAddrV6) {
    pair.a.set("net/ipv6/neigh/eth0/unres_qlen_bytes", "100000000").unwrap();
    // The neighbour counts as unreachable after many tries only.
    pair.a.set("net/ipv6/neigh/eth0/mcast_solicit", "1000").unwrap();
    let conn = pair.a.run(|| Conn::<L>::bind("[::]:0")).unwrap();
    before(&conn);
    let nobody = at("2001:db8:1::dead".parse().unwrap(), 9);
    while conn.try_send_to(&[0; 1400], &SendControl::new(), nobody).is_ok() {}
    (conn, nobody)
}

fn an_error_wakes_a_send<L: Loop>() {
    let pair = Pair::new().unwrap();
    L::run(async {
        // A datagram to the port of a host that has no such socket, just before the buffer is full.
        let (conn, nobody) = full::<L>(&pair, |conn| conn.set_queue_errors(true).unwrap());
        let control = SendControl::new();
        let mut send = pin!(conn.send_to(&[0; 1400], &control, nobody));
        assert!(once(send.as_mut()).await.is_none());
        // The neighbour has now failed: each queued datagram is an error.
        pair.a.ip("-6 neigh replace 2001:db8:1::dead dev eth0 nud failed").unwrap();
        let _ = send.await;
    });
}

// Scar 52, with an entry in the queue, which Linux reports as long as it is there.
fn a_receive_with_a_queued_error_waits<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        queue_error(&conn);
        for _ in 0..2 {
            waits("recv_from", conn.recv_from(&mut [0; 8])).await;
            waits("recv_message", conn.recv_message(&mut [0; 8], &mut [0; 64])).await;
            let (mut batch, mut payloads) = (RecvBatch::new(4), [[0; 8]; 4]);
            waits("recv_batch", conn.recv_batch(&mut batch, &mut payloads)).await;
        }
        // A datagram ends the wait.
        let mut payload = [0; 8];
        let mut receive = pin!(conn.recv_from(&mut payload));
        assert!(for_a_while(Duration::from_millis(50), receive.as_mut()).await.is_none());
        send_to(&conn, b"here");
        assert_eq!(len(receive.await), 4);
        // The entry was not lost.
        assert_eq!(conn.recv_error(&mut [0; 8]).await.unwrap().len, 1);
    });
}

fn a_receive_with_a_queued_timestamp_waits<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        // SOF_TIMESTAMPING_TX_SOFTWARE, _SOFTWARE, _OPT_ID and _OPT_TSONLY.
        let timestamping = SocketOption::<i32>::custom(1, 37, "SO_TIMESTAMPING");
        conn.set_option(&timestamping, 1 << 1 | 1 << 4 | 1 << 7 | 1 << 11).unwrap();
        let other = loopback();
        let mut payload = [0; 8];
        let mut receive = pin!(conn.recv_from(&mut payload));
        assert!(once(receive.as_mut()).await.is_none());
        conn.try_send_to(b"x", &SendControl::new(), other.local_addr().unwrap()).unwrap();
        waits("recv_from", receive.as_mut()).await;
        assert!(!conn.recv_error(&mut [0; 8]).await.unwrap().is_error());
        waits("recv_from", receive).await;
    });
}

// Scar 52: "nothing there" as a success made the wait end at once.
fn recv_error_waits_without_calls<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        conn.set_queue_errors(true).unwrap();
        waits("recv_error", conn.recv_error(&mut [0; 8])).await;
        queue_error(&conn);
        assert_eq!(conn.recv_error(&mut [0; 8]).await.unwrap().len, 1);
        waits("recv_error", conn.recv_error(&mut [0; 8])).await;
    });
}

fn recv_error_is_not_woken_by_datagrams<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        send_to(&conn, b"here");
        let mut payload = [0; 8];
        let mut error = pin!(conn.recv_error(&mut payload));
        waits("recv_error", error.as_mut()).await;
        // It does not take the readiness for datagrams away either.
        assert_eq!(len(conn.recv_from(&mut [0; 8]).await), 4);
        let mut payload = [0; 8];
        let mut receive = pin!(conn.recv_from(&mut payload));
        assert!(once(receive.as_mut()).await.is_none());
        send_to(&conn, b"more");
        waits("recv_error", error).await;
        assert_eq!(len(receive.await), 4);
    });
}

fn recv_error_takes_each_entry<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        let mut payload = [0; 8];
        for _ in 0..3 {
            let mut error = pin!(conn.recv_error(&mut payload));
            assert!(once(error.as_mut()).await.is_none());
            queue_error(&conn);
            queue_error(&conn);
            assert!(error.await.unwrap().is_error());
            assert!(conn.recv_error(&mut [0; 8]).await.unwrap().is_error());
        }
    });
}

// A `select!` drops a future for each datagram.
fn recv_error_keeps_its_descriptor<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        let mut payload = [0; 8];
        loops::watches();
        for _ in 0..3 {
            {
                let mut error = pin!(conn.recv_error(&mut payload));
                assert!(once(error.as_mut()).await.is_none());
            }
            // It comes while nobody waits, and the other while somebody does.
            queue_error(&conn);
            assert!(conn.recv_error(&mut payload).await.unwrap().is_error());
            let mut error = pin!(conn.recv_error(&mut payload));
            assert!(once(error.as_mut()).await.is_none());
            queue_error(&conn);
            assert!(error.await.unwrap().is_error());
        }
        assert_eq!(loops::watches(), 1);
    });
}

fn several_tasks_receive_errors<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        let (mut one, mut two) = ([0; 8], [0; 8]);
        let (mut one, mut two) = (pin!(conn.recv_error(&mut one)), pin!(conn.recv_error(&mut two)));
        assert!(once(one.as_mut()).await.is_none());
        assert!(once(two.as_mut()).await.is_none());
        queue_error(&conn);
        queue_error(&conn);
        one.await.unwrap();
        two.await.unwrap();
    });
}

fn a_receive_does_not_hide_an_error_from_recv_error<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        let (mut payload, mut other) = ([0; 8], [0; 8]);
        let mut error = pin!(conn.recv_error(&mut payload));
        let mut receive = pin!(conn.recv_from(&mut other));
        assert!(once(error.as_mut()).await.is_none());
        assert!(once(receive.as_mut()).await.is_none());
        queue_error(&conn);
        // The receive is called first, and finds nothing.
        assert!(for_a_while(Duration::from_millis(50), receive.as_mut()).await.is_none());
        assert!(error.await.unwrap().is_error());
        // The same for a wait that starts afterwards.
        queue_error(&conn);
        assert!(for_a_while(Duration::from_millis(50), receive.as_mut()).await.is_none());
        assert!(conn.recv_error(&mut [0; 8]).await.unwrap().is_error());
    });
}

fn recv_error_does_not_hide_an_error_from_a_receive<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        conn.connect(nobody()).unwrap();
        let mut payload = [0; 8];
        let mut error = pin!(conn.recv_error(&mut payload));
        assert!(once(error.as_mut()).await.is_none());
        // A pending error, without an entry in the queue.
        conn.try_send(b"x", &SendControl::new()).unwrap();
        waits("recv_error", error).await;
        let failed = conn.recv_from(&mut [0; 8]).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::ConnectionRefused);
    });
}

fn a_send_with_a_queued_error_waits<L: Loop>() {
    let pair = Pair::new().unwrap();
    L::run(async {
        let (conn, nobody) = full::<L>(&pair, |conn| pair.a.run(|| queue_error(conn)));
        let (payload, control) = ([0; 1400], SendControl::new());
        waits("send_to", conn.send_to(&payload, &control, nobody)).await;
        let messages = [Outgoing::new(&payload, control, Some(nobody))];
        waits("send_batch", conn.send_batch(&mut SendBatch::new(4), &messages)).await;
        waits("send_segments", conn.send_segments(&payload, 700, &control, nobody)).await;
        assert!(conn.recv_error(&mut [0; 8]).await.unwrap().is_error());
    });
}

/// mio reports an error as the end of the write side, which tokio never forgets.
fn a_send_after_an_error_waits<L: Loop>() {
    let pair = Pair::new().unwrap();
    L::run(async {
        let (conn, nobody) = full::<L>(&pair, |conn| pair.a.run(|| queue_error(conn)));
        // The loop sees the error.
        waits("recv_from", conn.recv_from(&mut [0; 8])).await;
        assert!(conn.recv_error(&mut [0; 8]).await.unwrap().is_error());
        waits("send_to", conn.send_to(&[0; 1400], &SendControl::new(), nobody)).await;
    });
}

// Scar 51: a deadline made the socket block, and with it the loop.
fn a_limit_blocks_no_task<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        conn.set_deadline(Some(Instant::now() + Duration::from_secs(3600)));
        conn.set_read_timeout(Some(Duration::from_secs(3600))).unwrap();
        waits("recv_from", conn.recv_from(&mut [0; 8])).await;
        // One that has passed has no effect either.
        conn.set_deadline(Some(Instant::now()));
        waits("recv_from", conn.recv_from(&mut [0; 8])).await;
        let to = conn.local_addr().unwrap();
        conn.send_to(b"x", &SendControl::new(), to).await.unwrap();
        assert_eq!(len(conn.recv_from(&mut [0; 8]).await), 1);
    });
}

/// Six datagrams of 100 bytes as one message of the system.
fn send_six<L: Loop>(conn: &Conn<L>) {
    let texts = texts(&[100; 6]);
    let messages = common::outgoing(&texts, conn.local_addr().unwrap());
    loopback().send_batch_all(&mut SendBatch::new(6), &messages).unwrap();
}

// Scar 52: no event announces what the batch holds.
fn leftovers_of_a_batch_are_returned_first<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        conn.set_receive_coalescing(true).unwrap();
        let (mut batch, mut payloads) = (RecvBatch::new(4), [[0; 100]; 4]);
        for _ in 0..3 {
            send_six::<L>(&conn);
            assert_eq!(conn.recv_batch(&mut batch, &mut payloads).await.unwrap(), 4);
            assert!(batch.has_more());
            assert_eq!(conn.recv_batch(&mut batch, &mut payloads).await.unwrap(), 2);
            assert_eq!((payloads[0][0], payloads[1][0]), (4, 5));
            waits("recv_batch", conn.recv_batch(&mut batch, &mut payloads)).await;
        }
    });
}

fn leftovers_are_returned_while_another_task_drains_the_socket<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        conn.set_receive_coalescing(true).unwrap();
        let (mut batch, mut payloads) = (RecvBatch::new(4), [[0; 100]; 4]);
        send_six::<L>(&conn);
        assert_eq!(conn.recv_batch(&mut batch, &mut payloads).await.unwrap(), 4);
        // Another task takes all that is in the system, and the loop's readiness with it.
        let (mut other, mut space) = (RecvBatch::new(64), vec![[0; 100]; 64]);
        send_six::<L>(&conn);
        assert_eq!(conn.recv_batch(&mut other, &mut space).await.unwrap(), 6);
        let mut drains = pin!(conn.recv_batch(&mut other, &mut space));
        assert!(for_a_while(Duration::from_millis(50), drains.as_mut()).await.is_none());
        assert_eq!(conn.recv_batch(&mut batch, &mut payloads).await.unwrap(), 2);
        send_six::<L>(&conn);
        assert_eq!(drains.await.unwrap(), 6);
    });
}

fn news_about_the_path_mtu_comes_through_the_error_queue<L: Loop>() {
    let Line { a, router, b } = Line::new().unwrap();
    router.ip("link set right mtu 1300").unwrap();
    b.ip("link set eth0 mtu 1300").unwrap();
    L::run(async {
        let conn = a.run(|| Conn::<L>::bind("[::]:0")).unwrap();
        conn.set_dont_fragment(true).unwrap();
        conn.set_queue_errors(true).unwrap();
        let mut payload = [0; 1500];
        let mut error = pin!(conn.recv_error(&mut payload));
        assert!(once(error.as_mut()).await.is_none());
        conn.try_send_to(&[0; 1400], &SendControl::new(), at(Line::B, 9)).unwrap();
        let reported = error.await.unwrap();
        assert_eq!(reported.error.mtu, Some(1300));
    });
}

fn a_receive_after_a_shutdown_ends<L: Loop>() {
    for how in [Shutdown::Read, Shutdown::Both] {
        L::run(async {
            let conn = local::<L>();
            conn.connect(nobody()).unwrap();
            SockRef::from(&conn.as_fd()).shutdown(how).unwrap();
            let (mut batch, mut payloads) = (RecvBatch::new(4), [[0; 8]; 4]);
            for _ in 0..2 {
                let error = conn.recv_from(&mut [0; 8]).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{error}");
                let error = conn.recv_message(&mut [0; 8], &mut [0; 64]).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{error}");
                let error = conn.recv_batch(&mut batch, &mut payloads).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{error}");
            }
        });
    }
}

fn a_shutdown_ends_a_receive_that_waits<L: Loop>() {
    for (how, queued) in [(Shutdown::Read, false), (Shutdown::Both, false), (Shutdown::Read, true)] {
        L::run(async {
            let conn = local::<L>();
            let peer = loopback();
            conn.connect(peer.local_addr().unwrap()).unwrap();
            if queued {
                conn.set_queue_errors(true).unwrap();
                drop(peer);
                conn.try_send(b"x", &SendControl::new()).unwrap();
                delivered_to(|| conn.try_recv_from(&mut [0; 8])).unwrap_err();
            }
            let mut payload = [0; 8];
            let mut receive = pin!(conn.recv_from(&mut payload));
            assert!(for_a_while(Duration::from_millis(50), receive.as_mut()).await.is_none());
            SockRef::from(&conn.as_fd()).shutdown(how).unwrap();
            assert_eq!(receive.await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        });
    }
}
