//! The `poll_` forms, in an executor that is written by hand and counts polls; and loops that implement only
//! `EventLoop::io`.

mod common;
mod loops;

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use common::{at, holds, loopback, nobody, texts};
use ipv6_std::aio::{EventLoop, PacketConn, Ready};
use ipv6_std::{Outgoing, RecvBatch, SendBatch, SendControl};
use ipv6_sys::wait;
use ipv6_testnet::{Need, Pair, Test};
use loops::{Loop, for_a_while, once, queue_error, sleep};
use socket2::SockRef;

fn main() {
    let mut tests = with_each_loop! {
        [Namespace] the_async_forms_work_in_another_executor;
        [Namespace] a_datagram_wakes_a_poll;
        [Namespace] an_error_wakes_a_poll;
        [Namespace] a_poll_with_a_queued_error_waits;
        [Namespace] a_poll_of_the_error_queue_waits;
        [Namespace] leftovers_are_returned_by_a_poll;
        [Namespace] a_poll_to_send_waits_for_room;
        [Namespace] a_poll_after_a_shutdown_ends;
        [Namespace] readiness_is_that_of_the_system;
        [Namespace] an_error_is_readiness;
        [Namespace] a_queued_error_is_readiness_once;
    }
    .to_vec();
    tests.push(Test {
        name: "a_loop_with_only_io_is_enough",
        needs: &[Need::Namespace],
        run: a_loop_with_only_io_is_enough,
    });
    ipv6_testnet::main(&tests);
}

type Conn<L> = PacketConn<<L as Loop>::Socket>;

fn local<L: Loop>() -> Conn<L> {
    Conn::<L>::bind("[::1]:0").unwrap()
}

fn send_to<L: Loop>(conn: &Conn<L>) {
    loopback().send_to(b"here", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
}

/// Runs a future that must stay pending, with few calls.
async fn pends<F: Future>(what: &str, future: F) {
    loops::calls();
    let mut future = pin!(future);
    assert!(for_a_while(Duration::from_millis(500), future.as_mut()).await.is_none(), "{what} ended");
    let calls = loops::calls();
    assert!(calls <= 20, "{what}: {calls} calls");
}

fn the_async_forms_work_in_another_executor<L: Loop>() {
    let ((), polls) = L::by_hand(async {
        let conn = local::<L>();
        let mut payload = [0; 8];
        let mut receive = pin!(conn.recv_from(&mut payload));
        assert!(for_a_while(Duration::from_millis(100), receive.as_mut()).await.is_none());
        send_to::<L>(&conn);
        assert_eq!(receive.await.unwrap().len, 4);
        let to = conn.local_addr().unwrap();
        conn.send_to(b"x", &SendControl::new(), to).await.unwrap();
        assert_eq!(conn.recv_from(&mut [0; 8]).await.unwrap().len, 1);
    });
    assert!(polls <= 12, "{polls} polls");
}

fn a_datagram_wakes_a_poll<L: Loop>() {
    let ((), polls) = L::by_hand(async {
        let conn = local::<L>();
        for _ in 0..3 {
            let mut payload = [0; 8];
            let mut receive = pin!(poll_fn(|cx| conn.poll_recv_from(cx, &mut payload)));
            assert!(for_a_while(Duration::from_millis(50), receive.as_mut()).await.is_none());
            send_to::<L>(&conn);
            assert_eq!(receive.await.unwrap().len, 4);
        }
        let (mut batch, mut payloads) = (RecvBatch::new(4), [[0; 8]; 4]);
        let mut receive = pin!(poll_fn(|cx| conn.poll_recv_batch(cx, &mut batch, &mut payloads)));
        assert!(for_a_while(Duration::from_millis(50), receive.as_mut()).await.is_none());
        send_to::<L>(&conn);
        assert_eq!(receive.await.unwrap(), 1);
    });
    assert!(polls <= 30, "{polls} polls");
}

// Scar 52: tokio's `poll_` functions do not wake for errors.
fn an_error_wakes_a_poll<L: Loop>() {
    L::by_hand(async {
        let conn = local::<L>();
        conn.connect(nobody()).unwrap();
        for _ in 0..3 {
            let mut payload = [0; 8];
            let mut receive = pin!(poll_fn(|cx| conn.poll_recv_from(cx, &mut payload)));
            assert!(for_a_while(Duration::from_millis(50), receive.as_mut()).await.is_none());
            conn.try_send(b"x", &SendControl::new()).unwrap();
            assert_eq!(receive.await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        }
    });
}

fn a_poll_with_a_queued_error_waits<L: Loop>() {
    L::by_hand(async {
        let conn = local::<L>();
        queue_error(&conn);
        let mut payload = [0; 8];
        for _ in 0..2 {
            pends("poll_recv_from", poll_fn(|cx| conn.poll_recv_from(cx, &mut payload))).await;
        }
        let mut receive = pin!(poll_fn(|cx| conn.poll_recv_from(cx, &mut payload)));
        assert!(once(receive.as_mut()).await.is_none());
        send_to::<L>(&conn);
        assert_eq!(receive.await.unwrap().len, 4);
        assert!(poll_fn(|cx| conn.poll_recv_error(cx, &mut payload)).await.unwrap().is_error());
    });
}

fn a_poll_of_the_error_queue_waits<L: Loop>() {
    L::by_hand(async {
        let conn = local::<L>();
        let mut payload = [0; 8];
        for _ in 0..2 {
            pends("poll_recv_error", poll_fn(|cx| conn.poll_recv_error(cx, &mut payload))).await;
            let mut error = pin!(poll_fn(|cx| conn.poll_recv_error(cx, &mut payload)));
            assert!(once(error.as_mut()).await.is_none());
            queue_error(&conn);
            assert!(error.await.unwrap().is_error());
        }
    });
}

fn leftovers_are_returned_by_a_poll<L: Loop>() {
    L::by_hand(async {
        let conn = local::<L>();
        conn.set_receive_coalescing(true).unwrap();
        let texts = texts(&[100; 6]);
        let messages = common::outgoing(&texts, conn.local_addr().unwrap());
        loopback().send_batch_all(&mut SendBatch::new(6), &messages).unwrap();
        let (mut batch, mut payloads) = (RecvBatch::new(4), [[0; 100]; 4]);
        for count in [4, 2] {
            let received = poll_fn(|cx| conn.poll_recv_batch(cx, &mut batch, &mut payloads)).await;
            assert_eq!(received.unwrap(), count);
        }
        assert_eq!((payloads[0][0], payloads[1][0]), (4, 5));
    });
}

fn a_poll_to_send_waits_for_room<L: Loop>() {
    let pair = Pair::new().unwrap();
    pair.a.set("net/ipv6/neigh/eth0/unres_qlen_bytes", "100000000").unwrap();
    pair.a.set("net/ipv6/neigh/eth0/mcast_solicit", "1000").unwrap();
    L::by_hand(async {
        let conn = pair.a.run(|| Conn::<L>::bind("[::]:0")).unwrap();
        let to = at("2001:db8:1::dead".parse().unwrap(), 9);
        let (payload, control) = ([0; 1000], SendControl::new());
        // An error that was taken: mio reports it as the end of the write side.
        pair.a.run(|| queue_error(&conn));
        conn.connect(to).unwrap();
        sleep(Duration::from_millis(20)).await;
        conn.drain_errors(|_, _| {}).unwrap();
        conn.set_queue_errors(false).unwrap();
        while conn.try_send(&payload, &control).is_ok() {}
        let messages = [Outgoing::new(&payload, control, Some(to)); 3];
        let mut batch = SendBatch::new(3);
        for _ in 0..2 {
            pends("poll_send_to", poll_fn(|cx| conn.poll_send_to(cx, &payload, &control, to))).await;
            pends("poll_send", poll_fn(|cx| conn.poll_send(cx, &payload, &control))).await;
            pends("poll_send_batch", poll_fn(|cx| conn.poll_send_batch(cx, &mut batch, &messages))).await;
            pends("segments", poll_fn(|cx| conn.poll_send_segments(cx, &payload, 500, &control, to))).await;
            pends("poll_send_ready", poll_fn(|cx| conn.poll_send_ready(cx))).await;
        }
        let mut send = pin!(poll_fn(|cx| conn.poll_send_to(cx, &payload, &control, to)));
        assert!(once(send.as_mut()).await.is_none());
        // The host appears, and what is queued is sent.
        let _receiver = pair.b.run(|| UdpSocket::bind("[::]:9")).unwrap();
        pair.b.add_address("2001:db8:1::dead".parse().unwrap(), "eth0").unwrap();
        assert_eq!(send.await.unwrap(), payload.len());
        poll_fn(|cx| conn.poll_send_ready(cx)).await.unwrap();
    });
}

fn a_poll_after_a_shutdown_ends<L: Loop>() {
    L::by_hand(async {
        let conn = local::<L>();
        conn.connect(nobody()).unwrap();
        let mut payload = [0; 8];
        let mut receive = pin!(poll_fn(|cx| conn.poll_recv_from(cx, &mut payload)));
        assert!(for_a_while(Duration::from_millis(50), receive.as_mut()).await.is_none());
        SockRef::from(&conn.as_fd()).shutdown(std::net::Shutdown::Read).unwrap();
        assert_eq!(receive.await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

fn readiness_is_that_of_the_system<L: Loop>() {
    L::by_hand(async {
        let conn = local::<L>();
        poll_fn(|cx| conn.poll_send_ready(cx)).await.unwrap();
        for _ in 0..2 {
            pends("poll_recv_ready", poll_fn(|cx| conn.poll_recv_ready(cx))).await;
            send_to::<L>(&conn);
            poll_fn(|cx| conn.poll_recv_ready(cx)).await.unwrap();
            // It is still ready.
            poll_fn(|cx| conn.poll_recv_ready(cx)).await.unwrap();
            conn.try_recv_from(&mut [0; 8]).unwrap();
        }
    });
}

fn an_error_is_readiness<L: Loop>() {
    L::by_hand(async {
        let conn = local::<L>();
        conn.connect(nobody()).unwrap();
        let refused = || conn.try_recv_from(&mut [0; 8]).unwrap_err().kind() == ErrorKind::ConnectionRefused;
        // One that came before the first poll, and those that come while a task waits.
        conn.try_send(b"x", &SendControl::new()).unwrap();
        poll_fn(|cx| conn.poll_recv_ready(cx)).await.unwrap();
        assert!(refused());
        for _ in 0..3 {
            let mut ready = pin!(poll_fn(|cx| conn.poll_recv_ready(cx)));
            assert!(for_a_while(Duration::from_millis(50), ready.as_mut()).await.is_none());
            conn.try_send(b"x", &SendControl::new()).unwrap();
            ready.await.unwrap();
            assert!(refused());
        }
    });
}

// A queued error ends at most one poll, and hides no datagram.
fn a_queued_error_is_readiness_once<L: Loop>() {
    L::by_hand(async {
        let conn = local::<L>();
        queue_error(&conn);
        poll_fn(|cx| conn.poll_recv_ready(cx)).await.unwrap();
        pends("poll_recv_ready", poll_fn(|cx| conn.poll_recv_ready(cx))).await;
        let mut ready = pin!(poll_fn(|cx| conn.poll_recv_ready(cx)));
        assert!(once(ready.as_mut()).await.is_none());
        send_to::<L>(&conn);
        ready.await.unwrap();
        assert_eq!(conn.try_recv_from(&mut [0; 8]).unwrap().len, 4);
    });
}

/// A loop with a thread for each wait.
struct Threads(UdpSocket);

impl AsFd for Threads {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl EventLoop for Threads {
    fn io<R: Send>(
        &self,
        ready: Ready,
        mut call: impl FnMut() -> io::Result<R> + Send,
    ) -> impl Future<Output = io::Result<R>> + Send {
        poll_fn(move |cx| match call() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let (waker, socket) = (cx.waker().clone(), self.0.try_clone().unwrap());
                std::thread::spawn(move || {
                    let _ = wait::wait(&socket, ready, Some(Duration::from_secs(60)));
                    waker.wake();
                });
                Poll::Pending
            }
            result => Poll::Ready(result),
        })
    }
}

fn a_loop_with_only_io_is_enough() {
    /// Any loop will do, and its futures are `Send`.
    #[allow(clippy::manual_async_fn, reason = "an `async fn` does not promise `Send`")]
    fn receive<S: EventLoop>(conn: &PacketConn<S>) -> impl Future<Output = io::Result<usize>> + Send {
        async { conn.recv_from(&mut [0; 8]).await.map(|got| got.len) }
    }
    loops::execute(async {
        let conn = PacketConn::new(Threads(UdpSocket::bind("[::1]:0").unwrap())).unwrap();
        let to = conn.local_addr().unwrap();
        let mut waiting = pin!(receive(&conn));
        assert!(for_a_while(Duration::from_millis(50), waiting.as_mut()).await.is_none());
        conn.send_to(b"here", &SendControl::new(), to).await.unwrap();
        assert_eq!(waiting.await.unwrap(), 4);

        let (mut batch, mut payloads) = (RecvBatch::new(4), [[0; 8]; 4]);
        let messages = [Outgoing::new(b"x", SendControl::new(), Some(to)); 2];
        conn.send_batch_all(&mut SendBatch::new(2), &messages).await.unwrap();
        holds(&conn, 2);
        assert_eq!(conn.recv_batch(&mut batch, &mut payloads).await.unwrap(), 2);

        conn.set_queue_errors(true).unwrap();
        let nobody = nobody();
        let mut payload = [0; 8];
        let mut error = pin!(conn.recv_error(&mut payload));
        assert!(once(error.as_mut()).await.is_none());
        conn.send_to(b"x", &SendControl::new(), nobody).await.unwrap();
        assert!(error.await.unwrap().is_error());
        conn.connect(to).unwrap();
        SockRef::from(&conn.as_fd()).shutdown(std::net::Shutdown::Read).unwrap();
        assert_eq!(receive(&conn).await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}
