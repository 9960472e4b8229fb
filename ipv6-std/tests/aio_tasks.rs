//! Several tasks on one socket, futures that are dropped, and a loop that no call blocks. With each loop.

mod common;
mod loops;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::io::{IoSlice, IoSliceMut};
use std::net::SocketAddrV6;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use common::{at, loopback, texts};
use ipv6_std::aio::PacketConn;
use ipv6_std::message::HopLimit;
use ipv6_std::{AsFd, Messages, Outgoing, RecvBatch, SendBatch, SendControl, SendFlags};
use ipv6_testnet::{Host, Pair};
use loops::{Loop, for_a_while, once, sleep};

fn main() {
    ipv6_testnet::main(&with_each_loop! {
        [Namespace] ten_thousand_datagrams_of_four_senders_reach_four_receivers;
        [Namespace] ten_thousand_datagrams_of_four_threads_reach_four_threads;
        [Namespace] a_dropped_receive_loses_nothing;
        [Namespace] a_dropped_receive_of_a_batch_loses_no_leftovers;
        [Namespace] a_dropped_receive_of_an_error_loses_nothing;
        [Namespace] a_dropped_send_sends_nothing;
        [Namespace] a_dropped_send_batch_all_tells_how_many_it_sent;
        [Namespace] send_batch_all_waits_for_room;
        [Namespace] no_call_blocks_the_loop;
    })
}

type Conn<L> = PacketConn<<L as Loop>::Socket>;
type Boxed<'f> = Pin<Box<dyn Future<Output = ()> + Send + 'f>>;

fn local<L: Loop>() -> Conn<L> {
    Conn::<L>::bind("[::1]:0").unwrap()
}

/// Wakes one of several tasks.
struct Woken(AtomicBool, Mutex<Option<Waker>>);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
        if let Some(waker) = self.1.lock().unwrap().as_ref() {
            waker.wake_by_ref();
        }
    }
}

/// Runs several tasks. Each is polled only when it was woken.
async fn together(tasks: Vec<Boxed<'_>>) {
    let woken = |task| (Some(task), Arc::new(Woken(AtomicBool::new(true), Mutex::new(None))));
    let mut tasks: Vec<_> = tasks.into_iter().map(woken).collect();
    poll_fn(|cx| {
        for (task, woken) in &mut tasks {
            *woken.1.lock().unwrap() = Some(cx.waker().clone());
            let Some(future) = task.as_mut().filter(|_| woken.0.swap(false, Ordering::SeqCst)) else {
                continue;
            };
            let waker = Waker::from(woken.clone());
            if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                *task = None;
            }
        }
        if tasks.iter().all(|(task, _)| task.is_none()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Lets the other tasks run.
async fn turn() {
    let mut done = false;
    thread::yield_now();
    poll_fn(|cx| {
        if std::mem::replace(&mut done, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// More than this many datagrams at once may not fit in the receive buffer.
const AT_ONCE: u32 = 64;
const DATAGRAMS: u32 = 10_000;
const TASKS: usize = 4;

fn ten_thousand_datagrams_of_four_senders_reach_four_receivers<L: Loop>() {
    L::run(async {
        let (sender, receiver) = (local::<L>(), local::<L>());
        exchange::<L>(&sender, &receiver, |tasks| Box::pin(together(tasks))).await;
    });
}

fn ten_thousand_datagrams_of_four_threads_reach_four_threads<L: Loop>() {
    // The loop runs in a thread of its own.
    L::by_hand(async {
        let (sender, receiver) = (local::<L>(), local::<L>());
        exchange::<L>(&sender, &receiver, |tasks| {
            thread::scope(|scope| {
                for task in tasks {
                    scope.spawn(|| loops::execute(task));
                }
            });
            Box::pin(async {})
        })
        .await;
    });
}

async fn exchange<L: Loop>(
    sender: &Conn<L>,
    receiver: &Conn<L>,
    run: impl for<'f> FnOnce(Vec<Boxed<'f>>) -> Pin<Box<dyn Future<Output = ()> + 'f>>,
) {
    let to = receiver.local_addr().unwrap();
    let (sent, got) = (AtomicU32::new(0), AtomicU32::new(0));
    let numbers = Mutex::new(BTreeSet::new());
    let (sent, got, numbers) = (&sent, &got, &numbers);
    let send = |_| -> Boxed<'_> {
        Box::pin(async move {
            loop {
                let number = sent.fetch_add(1, Ordering::SeqCst);
                if number >= DATAGRAMS {
                    break;
                }
                while number >= got.load(Ordering::SeqCst) + AT_ONCE {
                    turn().await;
                }
                let text = u64::from(number).to_be_bytes();
                sender.send_to(&text, &SendControl::new(), to).await.unwrap();
            }
        })
    };
    let receive = |task| -> Boxed<'_> {
        Box::pin(async move {
            let (mut batch, mut payloads) = (RecvBatch::new(8), [[0; 8]; 8]);
            loop {
                // Half of the tasks receive in batches.
                let count = match task % 2 {
                    0 => receiver.recv_batch(&mut batch, &mut payloads).await.unwrap(),
                    _ => receiver.recv_from(&mut payloads[0]).await.map(|_| 1).unwrap(),
                };
                let texts = payloads[..count].iter().map(|text| u64::from_be_bytes(*text));
                let ends = texts.clone().filter(|number| *number == u64::MAX).count();
                for number in texts.filter(|number| *number != u64::MAX) {
                    assert!(numbers.lock().unwrap().insert(number), "{number} was received twice");
                    got.fetch_add(1, Ordering::SeqCst);
                }
                if ends > 0 {
                    // A batch may hold the end of another task too.
                    for _ in 1..ends {
                        sender.send_to(&[0xff; 8], &SendControl::new(), to).await.unwrap();
                    }
                    break;
                }
            }
        })
    };
    let end: Boxed<'_> = Box::pin(async move {
        while got.load(Ordering::SeqCst) < DATAGRAMS {
            turn().await;
        }
        for _ in 0..TASKS {
            sender.send_to(&[0xff; 8], &SendControl::new(), to).await.unwrap();
        }
    });
    let tasks = (0..TASKS).map(send).chain((0..TASKS).map(receive)).chain([end]);
    run(tasks.collect()).await;
    assert!(numbers.lock().unwrap().iter().copied().eq(0..u64::from(DATAGRAMS)));
}

/// Drops the future while it waits; again, when it was woken; then receives with the same call.
async fn drop_receive<S: AsFd, F: Future<Output: Debug>>(
    conn: &ipv6_std::PacketConn<S>,
    receive: impl Fn() -> F,
) {
    let send = || {
        loopback().send_to(b"here", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
    };
    {
        let mut waiting = pin!(receive());
        assert!(once(waiting.as_mut()).await.is_none());
    }
    {
        let mut waiting = pin!(receive());
        assert!(once(waiting.as_mut()).await.is_none());
        send();
        // The loop wakes the task now.
        sleep(Duration::from_millis(20)).await;
    }
    receive().await;
    assert!(conn.try_recv_from(&mut [0; 8]).is_err());
    send();
    receive().await;
}

fn a_dropped_receive_loses_nothing<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        let conn = &conn;
        drop_receive(conn, || async move {
            assert_eq!(conn.recv_from(&mut [0; 8]).await.unwrap().len, 4);
        })
        .await;
        drop_receive(conn, || async move {
            assert_eq!(conn.recv_vectored(&mut [IoSliceMut::new(&mut [0; 8])]).await.unwrap().len, 4);
        })
        .await;
        drop_receive(conn, || async move {
            assert_eq!(conn.recv_message(&mut [0; 8], &mut [0; 64]).await.unwrap().len, 4);
        })
        .await;
        drop_receive(conn, || async move {
            assert_eq!(conn.recv_batch(&mut RecvBatch::new(4), &mut [[0; 8]; 4]).await.unwrap(), 1);
        })
        .await;
    });
}

fn a_dropped_receive_of_a_batch_loses_no_leftovers<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        conn.set_receive_coalescing(true).unwrap();
        let texts = texts(&[100; 6]);
        let messages = common::outgoing(&texts, conn.local_addr().unwrap());
        let (mut batch, mut payloads) = (RecvBatch::new(4), [[0; 100]; 4]);
        {
            let mut waiting = pin!(conn.recv_batch(&mut batch, &mut payloads));
            assert!(once(waiting.as_mut()).await.is_none());
            loopback().send_batch_all(&mut SendBatch::new(6), &messages).unwrap();
            sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(conn.recv_batch(&mut batch, &mut payloads).await.unwrap(), 4);
        // Never polled.
        drop(conn.recv_batch(&mut batch, &mut payloads));
        assert_eq!(conn.recv_batch(&mut batch, &mut payloads).await.unwrap(), 2);
        assert_eq!((payloads[0][0], payloads[1][0]), (4, 5));
    });
}

fn a_dropped_receive_of_an_error_loses_nothing<L: Loop>() {
    L::run(async {
        let conn = local::<L>();
        for _ in 0..2 {
            {
                let mut payload = [0; 8];
                let mut waiting = pin!(conn.recv_error(&mut payload));
                assert!(once(waiting.as_mut()).await.is_none());
                loops::queue_error(&conn);
                sleep(Duration::from_millis(20)).await;
            }
            assert!(conn.recv_error(&mut [0; 8]).await.unwrap().is_error());
            assert!(!conn.has_errors().unwrap());
        }
    });
}

/// Two hosts, a socket on the first with a full send buffer, and a host that does not answer yet.
fn full<L: Loop>(pair: &Pair) -> (Conn<L>, SocketAddrV6, usize) {
    pair.a.set("net/ipv6/neigh/eth0/unres_qlen_bytes", "100000000").unwrap();
    pair.a.set("net/ipv6/neigh/eth0/mcast_solicit", "1000").unwrap();
    let conn = pair.a.run(|| Conn::<L>::bind("[::]:0")).unwrap();
    let nobody = at("2001:db8:1::dead".parse().unwrap(), 9);
    conn.connect(nobody).unwrap();
    let mut sent = 0;
    while conn.try_send(&[0; 1000], &SendControl::new()).is_ok() {
        sent += 1;
    }
    (conn, nobody, sent)
}

/// Lets the host appear, and counts what reaches it.
async fn arrived<L: Loop>(pair: &Pair, at_least: usize) -> usize {
    let receiver =
        pair.b.run(|| PacketConn::<L::Socket>::builder().receive_buffer(10_000_000).bind("[::]:9"));
    let receiver = receiver.unwrap();
    pair.b.add_address("2001:db8:1::dead".parse().unwrap(), "eth0").unwrap();
    let (mut count, mut payload) = (0, [0; 2000]);
    while count + dropped(&pair.b) < at_least {
        let receive = pin!(receiver.recv_from(&mut payload));
        if let Some(received) = for_a_while(Duration::from_millis(100), receive).await {
            received.unwrap();
            count += 1;
        }
    }
    let more = for_a_while(Duration::from_millis(200), pin!(receiver.recv_from(&mut payload))).await;
    assert!(more.is_none(), "more than {at_least} datagrams arrived");
    count + dropped(&pair.b)
}

/// How many datagrams reached the host and did not fit in a receive buffer, whose limit is that of the system.
fn dropped(host: &Host) -> usize {
    let counters = host.proc_net("snmp6").unwrap();
    let line = counters.lines().find_map(|line| line.strip_prefix("Udp6RcvbufErrors"));
    line.expect("the kernel counts errors of receive buffers").trim().parse().unwrap()
}

fn a_dropped_send_sends_nothing<L: Loop>() {
    let pair = Pair::new().unwrap();
    L::run(async {
        let (conn, to, sent) = full::<L>(&pair);
        let (payload, control) = ([0; 1000], SendControl::new());
        let messages = [Outgoing::new(&payload, control, Some(to)); 3];
        let typed = Messages::<64>::new().with(HopLimit(9)).unwrap();
        let (mut one, mut all, parts) = (SendBatch::new(3), SendBatch::new(3), [IoSlice::new(&payload)]);
        {
            let mut waiting: Vec<Pin<Box<dyn Future<Output = ()>>>> = vec![
                Box::pin(async { drop(conn.send_to(&payload, &control, to).await) }),
                Box::pin(async { drop(conn.send(&payload, &control).await) }),
                Box::pin(async { drop(conn.send_vectored(&parts, &control, to).await) }),
                Box::pin(async { drop(conn.send_messages(&payload, &typed, to).await) }),
                Box::pin(async { drop(conn.send_batch(&mut one, &messages).await) }),
                Box::pin(async { drop(conn.send_batch_all(&mut all, &messages).await) }),
                Box::pin(async { drop(conn.send_segments(&payload, 500, &control, to).await) }),
            ];
            for future in &mut waiting {
                assert!(once(future.as_mut()).await.is_none());
            }
        }
        assert_eq!(all.sent(), 0);
        assert_eq!(arrived::<L>(&pair, sent).await, sent);
        conn.send(&payload, &control).await.unwrap();
    });
}

fn a_dropped_send_batch_all_tells_how_many_it_sent<L: Loop>() {
    let pair = Pair::new().unwrap();
    L::run(async {
        let (conn, to, sent) = full::<L>(&pair);
        // Room for some of them.
        conn.set_send_buffer_size(2 * conn.send_buffer_size().unwrap()).unwrap();
        let payload = [0; 1000];
        // Messages to two destinations, of which one is received.
        let message =
            |index: u16| Outgoing::new(&payload, SendControl::new(), Some(at(*to.ip(), 9 + index % 2)));
        let messages: Vec<_> = (0..10_000).map(message).collect();
        let mut batch = SendBatch::new(16);
        {
            let mut waiting = pin!(conn.send_batch_all(&mut batch, &messages));
            assert!(for_a_while(Duration::from_millis(50), waiting.as_mut()).await.is_none());
        }
        assert!(batch.sent() < messages.len());
        assert!((0..batch.sent()).all(|index| batch.is_sent(index)));
        let more = (0..messages.len()).step_by(2).filter(|index| batch.is_sent(*index)).count();
        assert_eq!(arrived::<L>(&pair, sent + more).await, sent + more);
    });
}

fn send_batch_all_waits_for_room<L: Loop>() {
    let pair = Pair::new().unwrap();
    L::run(async {
        let (conn, to, sent) = full::<L>(&pair);
        let texts = texts(&[900; 400]);
        let mut messages = common::outgoing(&texts, to);
        // To two destinations, of which one is received.
        messages.iter_mut().step_by(2).for_each(|message| message.to = Some(at(*to.ip(), 10)));
        let mut batch = SendBatch::new(16);
        {
            let (send, host) =
                (conn.send_batch_all(&mut batch, &messages), arrived::<L>(&pair, sent + messages.len() / 2));
            let (mut send, mut host) = (pin!(send), pin!(host));
            let mut is_sent = false;
            poll_fn(|cx| {
                if !is_sent {
                    is_sent = send.as_mut().poll(cx).map(Result::unwrap).is_ready();
                }
                host.as_mut().poll(cx).map(drop)
            })
            .await;
            assert!(is_sent);
        }
        assert_eq!(batch.sent(), messages.len());
    });
}

/// Waits until another task of the same thread has run ten times.
async fn ticks<F: Future<Output: Debug>>(what: &str, future: F) {
    let mut future = pin!(future);
    let mut ticks = pin!(async {
        for _ in 0..10 {
            sleep(Duration::from_millis(1)).await;
        }
    });
    poll_fn(|cx| {
        if let Poll::Ready(result) = future.as_mut().poll(cx) {
            panic!("{what} ended: {result:?}");
        }
        ticks.as_mut().poll(cx)
    })
    .await;
}

fn no_call_blocks_the_loop<L: Loop>() {
    let pair = Pair::new().unwrap();
    L::run(async {
        let (conn, to, _) = full::<L>(&pair);
        let (payload, control) = ([0; 1000], SendControl::new());
        let messages = [Outgoing::new(&payload, control, Some(to)); 3];
        let typed = Messages::<64>::new().with(HopLimit(9)).unwrap();
        let (mut space, mut out) = ([0; 64], SendBatch::new(3));
        let (mut batch, mut payloads) = (RecvBatch::new(4), [[0; 8]; 4]);
        for limit in [None, Some(Duration::from_secs(3600))] {
            conn.set_read_timeout(limit).unwrap();
            conn.set_write_timeout(limit).unwrap();
            ticks("recv_from", conn.recv_from(&mut space)).await;
            ticks("recv_vectored", conn.recv_vectored(&mut [IoSliceMut::new(&mut space)])).await;
            ticks("peek_from", conn.peek_from(&mut space)).await;
            ticks("recv_message", conn.recv_message(&mut [0; 8], &mut space)).await;
            ticks("recv_batch", conn.recv_batch(&mut batch, &mut payloads)).await;
            ticks("recv_error", conn.recv_error(&mut space)).await;
            ticks("send_to", conn.send_to(&payload, &control, to)).await;
            ticks("send", conn.send(&payload, &control)).await;
            ticks("send_vectored", conn.send_vectored(&[IoSlice::new(&payload)], &control, to)).await;
            let flagged = conn.send_with_flags(&payload, &control, to, SendFlags::empty());
            ticks("send_with_flags", flagged).await;
            let still = conn.send_zero_copy(&[0; 1000], &control, to);
            ticks("send_zero_copy", still).await;
            ticks("send_messages", conn.send_messages(&payload, &typed, to)).await;
            ticks("send_batch", conn.send_batch(&mut out, &messages)).await;
            ticks("send_batch_all", conn.send_batch_all(&mut out, &messages)).await;
            ticks("send_segments", conn.send_segments(&payload, 500, &control, to)).await;
        }
    });
}
