//! Every call in tokio's event loop.

mod common;

use std::io::{ErrorKind, IoSlice, IoSliceMut};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

use common::{at, holds, loopback, nobody, texts};
use ipv6_std::message::HopLimit;
use ipv6_std::tokio::{PacketConn, RawConn};
use ipv6_std::*;
use ipv6_testnet::Pair;

ipv6_testnet::tests! {
    [Namespace] each_call_does_what_the_blocking_one_does;
    [Namespace] sockets_are_opened_in_each_way;
    [Namespace] raw_sockets_are_opened_in_each_way;
    [Namespace] the_builder_passes_every_option_on;
    [Namespace] errors_are_returned;
    [Namespace] a_send_outside_the_runtime_returns_from_its_poll;
    [Namespace] a_task_that_never_waits_lets_others_run;
}

fn run<T>(future: impl Future<Output = T>) -> T {
    ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn each_call_does_what_the_blocking_one_does() {
    run(async {
        let conn = PacketConn::bind("[::1]:0").unwrap();
        conn.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
        let (to, control) = (conn.local_addr().unwrap(), SendControl::new().with_hop_limit(9));
        conn.connect(to).unwrap();

        conn.send_to(b"one", &control, to).await.unwrap();
        let mut payload = [0; 8];
        let got = conn.recv_from(&mut payload).await.unwrap();
        assert_eq!((&payload[..got.len], got.control.hop_limit), (b"one".as_slice(), Some(9)));

        conn.send(b"two", &control).await.unwrap();
        let (mut first, mut second) = ([0; 1], [0; 8]);
        let mut parts = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(conn.recv_vectored(&mut parts).await.unwrap().len, 3);
        assert_eq!((first, &second[..2]), (*b"t", b"wo".as_slice()));

        conn.send_with_flags(b"peek", &control, to, SendFlags::empty()).await.unwrap();
        for _ in 0..2 {
            assert_eq!(conn.peek_from(&mut payload).await.unwrap().control.hop_limit, Some(9));
        }
        assert_eq!(conn.recv_from(&mut payload).await.unwrap().len, 4);

        conn.send_vectored(&[IoSlice::new(b"th"), IoSlice::new(b"ree")], &control, to).await.unwrap();
        // The messages need an aligned part of any buffer.
        let mut buffer = [0; 128];
        for offset in 0..8 {
            let message = conn.recv_message(&mut payload, &mut buffer[offset..]).await.unwrap();
            assert_eq!((message.len, message.get::<HopLimit>()), (5, Ok(Some(HopLimit(9)))));
            assert_eq!(message.control().unwrap().hop_limit, Some(9));
            assert_eq!(message.source, to);
            conn.send_to(b"three", &control, to).await.unwrap();
        }
        conn.recv_message(&mut payload, &mut []).await.unwrap();

        let typed = Messages::<64>::new().with(HopLimit(8)).unwrap();
        conn.send_messages(b"four", &typed, to).await.unwrap();
        assert_eq!(conn.recv_from(&mut payload).await.unwrap().control.hop_limit, Some(8));

        let messages = [b"a", b"b", b"c"].map(|text| Outgoing::new(text, control, Some(to)));
        let (mut out, mut batch) = (SendBatch::new(8), RecvBatch::new(8));
        assert_eq!(conn.send_batch(&mut out, &messages).await.unwrap(), 3);
        let mut payloads = [[0; 8]; 8];
        holds(&conn, 3);
        assert_eq!(conn.recv_batch(&mut batch, &mut payloads).await.unwrap(), 3);
        assert!(batch.iter().all(|got| got.unwrap().control.hop_limit == Some(9)));
        conn.send_batch_all(&mut out, &messages).await.unwrap();
        assert_eq!(out.sent(), 3);
        holds(&conn, 3);
        assert_eq!(conn.recv_batch(&mut batch, &mut payloads).await.unwrap(), 3);

        assert_eq!(conn.send_segments(b"abcde", 2, &control, to).await.unwrap(), 5);
        holds(&conn, 5);
        assert_eq!(conn.recv_batch(&mut batch, &mut payloads).await.unwrap(), 3);
        assert_eq!(payloads[2][0], b'e');

        // Returns at once, as the blocking form.
        assert_eq!(conn.recv_batch(&mut RecvBatch::new(0), &mut payloads).await.unwrap(), 0);
        assert_eq!(conn.recv_batch(&mut batch, &mut [[0; 8]; 0]).await.unwrap(), 0);
    });
}

fn sockets_are_opened_in_each_way() {
    run(async {
        let listener = PacketConn::bind_reusable("[ff02::]:0".parse().unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        let built = PacketConn::builder().reusable(true).bind(format!("[::]:{port}")).unwrap();
        assert_eq!(built.local_addr().unwrap().port(), port);
        let open = PacketConn::builder().only_v6(false).open().unwrap();
        assert!(!open.only_v6().unwrap());

        let blocking = loopback();
        // The system has one option for destination and interface.
        let flags = ControlFlags::HOP_LIMIT | ControlFlags::DESTINATION;
        blocking.set_control_flags(flags, true).unwrap();
        blocking.set_send_coalescing(false);
        let to = blocking.local_addr().unwrap();
        let conn = PacketConn::from_std(blocking).unwrap();
        assert_eq!((conn.control_flags(), conn.send_coalescing()), (flags, false));
        assert_eq!((conn.read_deadline(), conn.write_deadline()), (None, None));
        conn.send_to(b"x", &SendControl::new(), to).await.unwrap();
        assert!(conn.recv_from(&mut [0; 8]).await.unwrap().control.hop_limit.is_some());

        // A socket that the program has registered itself.
        let socket = ::tokio::net::UdpSocket::bind("[::1]:0").await.unwrap();
        let conn = aio::PacketConn::new(socket).unwrap();
        let to = conn.local_addr().unwrap();
        conn.send_to(b"x", &SendControl::new(), to).await.unwrap();
        assert_eq!(conn.recv_from(&mut [0; 8]).await.unwrap().len, 1);
        let socket = conn.into_inner();
        assert_eq!(socket.local_addr().unwrap(), std::net::SocketAddr::V6(to));
    });
}

fn raw_sockets_are_opened_in_each_way() {
    run(async {
        let to = at("::1".parse().unwrap(), 0);
        let conn = RawConn::open(Icmp6Type::PROTOCOL).unwrap();
        conn.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::ECHO_REPLY)).unwrap();
        let request = [128, 0, 0, 0, 0, 1, 0, 1, b'h', b'i'];
        conn.send_to(&request, &SendControl::new(), to).await.unwrap();
        let mut reply = [0; 64];
        let got = conn.recv_from(&mut reply).await.unwrap();
        assert_eq!((reply[0], got.len), (129, 10));
        for conn in [
            RawConn::bind(253, "[::1]:0").unwrap(),
            RawConn::builder(253).bind("[::1]:0").unwrap(),
            RawConn::builder(253).open().unwrap(),
            RawConn::from_std(ipv6_std::RawConn::open(253).unwrap()).unwrap(),
        ] {
            conn.send_to(b"own protocol", &SendControl::new(), to).await.unwrap();
            assert_eq!(conn.recv_from(&mut reply).await.unwrap().len, 12);
        }
    });
}

fn errors_are_returned() {
    run(async {
        let conn = PacketConn::bind("[::1]:0").unwrap();
        let nobody = nobody();
        conn.connect(nobody).unwrap();
        conn.send(b"x", &SendControl::new()).await.unwrap();
        let error = conn.recv_from(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);

        let own = conn.local_addr().unwrap();
        let mut texts = texts(&[10, 10, 10]);
        texts[1] = vec![0; 65_528];
        let messages: Vec<_> =
            texts.iter().map(|text| Outgoing::new(text, SendControl::new(), Some(own))).collect();
        let mut batch = SendBatch::new(8);
        let error = conn.send_batch_all(&mut batch, &messages).await.unwrap_err();
        assert_eq!((error.index(), batch.sent()), (1, 1));
        assert!(is_too_long(error.error()));
        common::refused(conn.send_segments(b"x", 0, &SendControl::new(), own).await, "segment size 0");
    });
}

/// Each call takes part of the task's budget, 128 calls, although it finds the socket ready.
/// tokio remembers an error as the end of the write side, and outside a runtime nothing else can be observed.
fn a_send_outside_the_runtime_returns_from_its_poll() {
    let pair = Pair::new().unwrap();
    pair.a.set("net/ipv6/neigh/eth0/unres_qlen_bytes", "100000000").unwrap();
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (to, control) = (at("2001:db8:1::dead".parse().unwrap(), 9), SendControl::new());
    let conn = runtime.block_on(async {
        let conn = pair.a.run(|| PacketConn::bind("[::]:0")).unwrap();
        conn.connect(pair.a.run(nobody)).unwrap();
        conn.try_send(b"x", &control).unwrap();
        let error = conn.recv_from(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        conn
    });
    conn.connect(to).unwrap();
    let payload = [0; 1000];
    while conn.try_send(&payload, &control).is_ok() {}
    let mut cx = Context::from_waker(Waker::noop());
    let mut send = pin!(conn.send_to(&payload, &control, to));
    for _ in 0..3 {
        assert!(send.as_mut().poll(&mut cx).is_pending());
        assert!(conn.poll_send_to(&mut cx, &payload, &control, to).is_pending());
    }
}

fn a_task_that_never_waits_lets_others_run() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    run(async {
        let other = ::tokio::spawn(async {
            loop {
                RUNS.fetch_add(1, Ordering::Relaxed);
                ::tokio::task::yield_now().await;
            }
        });
        let conn = PacketConn::bind("[::1]:0").unwrap();
        let (to, control, mut payload) = (conn.local_addr().unwrap(), SendControl::new(), [0; 8]);
        for _ in 0..1000 {
            conn.send_to(b"x", &control, to).await.unwrap();
            assert_eq!(conn.recv_from(&mut payload).await.unwrap().len, 1);
        }
        other.abort();
    });
    let runs = RUNS.load(Ordering::Relaxed);
    assert!(runs >= 2000 / 128, "{runs} runs");
}

fn the_builder_passes_every_option_on() {
    run(async {
        let (lo, foreign) = (InterfaceIndex::new(1).unwrap(), "[2001:db8:f::1]:0");
        let builder = PacketConn::builder().device(lo).receive_buffer(20_000).send_buffer(30_000);
        let conn = builder.freebind(true).bind(foreign).unwrap();
        assert_eq!((conn.receive_buffer_size().unwrap(), conn.send_buffer_size().unwrap()), (40_000, 60_000));
        assert_eq!(conn.option(&option::DEVICE_INDEX).unwrap(), Some(lo));
        assert!(conn.option(&option::FREEBIND).unwrap());
        let conn = PacketConn::builder().transparent(true).bind(foreign).unwrap();
        assert!(conn.option(&option::TRANSPARENT).unwrap());
        let conn = PacketConn::builder().only_v6(false).reusable(true).bind("[::]:0").unwrap();
        assert!(!conn.only_v6().unwrap());
        PacketConn::builder().reusable(true).bind(conn.local_addr().unwrap()).unwrap();
        for (text, name) in [
            (format!("{conn:?}"), "aio::PacketConn"),
            (format!("{:?}", RawConn::builder(89).open().unwrap()), "aio::RawConn"),
        ] {
            assert!(text.starts_with(&format!("{name} {{ conn: ")), "{text}");
        }
    });
}
