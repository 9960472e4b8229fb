//! Event loops on Windows: tokio, async-io and mio, on loopback.

#[cfg(not(windows))]
ipv6_testnet::tests! {}

#[cfg(windows)]
use on_windows::*;

#[cfg(windows)]
ipv6_testnet::tests! {
    [] tokio_receives_and_sends;
    [] tokio_receives_after_a_wait;
    [] tokio_has_poll_forms;
    [] tokio_wraps_an_open_socket;
    [] async_io_receives_and_sends;
    [] async_io_receives_after_a_wait;
    [] mio_reports_datagrams;
    [] mio_takes_an_open_socket;
    [] calls_with_try_do_not_wait;
}

#[cfg(windows)]
mod on_windows {
    use std::future::{Future, poll_fn};
    use std::io::ErrorKind;
    use std::pin::pin;
    use std::task::Poll;
    use std::time::{Duration, Instant};

    use ipv6_std::aio::{self, EventLoop, PollEventLoop, Register};
    use ipv6_std::{ControlFlags, Outgoing, PacketConn, RecvBatch, SendBatch, SendControl};

    fn tokio<T>(future: impl Future<Output = T>) -> T {
        ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    /// Each call that Windows has.
    async fn exchange<S: Register>() {
        let conn = aio::PacketConn::<S>::builder().bind("[::1]:0").unwrap();
        conn.set_control_flags(ControlFlags::DESTINATION, true).unwrap();
        let (to, control) = (conn.local_addr().unwrap(), SendControl::new());
        let mut payload = [0; 16];
        for text in [b"one".as_slice(), b"three"] {
            conn.send_to(text, &control, to).await.unwrap();
            let got = conn.recv_from(&mut payload).await.unwrap();
            assert_eq!((&payload[..got.len], got.source), (text, to));
            assert_eq!(got.control.destination, Some(*to.ip()));
        }
        conn.send_to(b"message", &control, to).await.unwrap();
        let mut space = [0; 256];
        let message = conn.recv_message(&mut payload, &mut space).await.unwrap();
        assert_eq!(message.control().unwrap().destination, Some(*to.ip()));

        let messages = [b"a", b"b", b"c"].map(|text| Outgoing::new(text, control, Some(to)));
        conn.send_batch_all(&mut SendBatch::new(4), &messages).await.unwrap();
        let (mut batch, mut payloads, mut count) = (RecvBatch::new(4), [[0; 8]; 4], 0);
        while count < 3 {
            count += conn.recv_batch(&mut batch, &mut payloads).await.unwrap();
        }
        let error = conn.recv_error(&mut payload).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }

    /// A receive that waits is woken by a datagram.
    async fn waiting<S: EventLoop>(conn: aio::PacketConn<S>) {
        let to = conn.local_addr().unwrap();
        for _ in 0..3 {
            let mut payload = [0; 16];
            let mut receive = pin!(conn.recv_from(&mut payload));
            poll_fn(|cx| {
                assert!(receive.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            let sender = PacketConn::bind("[::1]:0").unwrap();
            sender.send_to(b"here", &SendControl::new(), to).unwrap();
            assert_eq!(receive.await.unwrap().len, 4);
        }
    }

    async fn polls<S: PollEventLoop>(conn: aio::PacketConn<S>) {
        let (to, mut payload) = (conn.local_addr().unwrap(), [0; 16]);
        poll_fn(|cx| {
            assert!(conn.poll_recv_from(cx, &mut payload).is_pending());
            Poll::Ready(())
        })
        .await;
        let sent = poll_fn(|cx| conn.poll_send_to(cx, b"x", &SendControl::new(), to)).await.unwrap();
        let got = poll_fn(|cx| conn.poll_recv_from(cx, &mut payload)).await.unwrap();
        assert_eq!((sent, got.len), (1, 1));
    }

    pub fn tokio_receives_and_sends() {
        tokio(exchange::<::tokio::net::UdpSocket>());
    }

    pub fn tokio_receives_after_a_wait() {
        tokio(async { waiting(ipv6_std::tokio::PacketConn::bind("[::1]:0").unwrap()).await });
    }

    pub fn tokio_has_poll_forms() {
        tokio(async { polls(ipv6_std::tokio::PacketConn::bind("[::1]:0").unwrap()).await });
    }

    pub fn tokio_wraps_an_open_socket() {
        tokio(async {
            let blocking = PacketConn::bind("[::1]:0").unwrap();
            waiting(ipv6_std::tokio::PacketConn::from_std(blocking).unwrap()).await;
            let registered = ::tokio::net::UdpSocket::bind("[::1]:0").await.unwrap();
            waiting(aio::PacketConn::new(registered).unwrap()).await;
        });
    }

    pub fn async_io_receives_and_sends() {
        ::async_io::block_on(exchange::<::async_io::Async<std::net::UdpSocket>>());
    }

    pub fn async_io_receives_after_a_wait() {
        ::async_io::block_on(async {
            waiting(ipv6_std::async_io::PacketConn::bind("[::1]:0").unwrap()).await;
            polls(ipv6_std::async_io::PacketConn::bind("[::1]:0").unwrap()).await;
        });
    }

    /// Receives three datagrams, each after its event.
    fn events(mut conn: PacketConn<::mio::net::UdpSocket>) {
        let (mut poll, mut events) = (::mio::Poll::new().unwrap(), ::mio::Events::with_capacity(8));
        poll.registry().register(&mut conn, ::mio::Token(7), ::mio::Interest::READABLE).unwrap();
        for _ in 0..3 {
            // mio reports the next event only after it has seen `WouldBlock`.
            let receive = || conn.get_ref().try_io(|| conn.try_recv_from(&mut [0; 8]));
            assert_eq!(receive().unwrap_err().kind(), ErrorKind::WouldBlock);
            let sender = PacketConn::bind("[::1]:0").unwrap();
            sender.send_to(b"here", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
            poll.poll(&mut events, Some(Duration::from_secs(60))).unwrap();
            assert!(events.iter().any(|event| event.token() == ::mio::Token(7) && event.is_readable()));
            assert_eq!(receive().unwrap().len, 4);
        }
        poll.registry().deregister(&mut conn).unwrap();
    }

    pub fn mio_reports_datagrams() {
        events(ipv6_std::mio::bind("[::1]:0").unwrap());
    }

    pub fn mio_takes_an_open_socket() {
        let conn = PacketConn::bind("[::1]:0").unwrap();
        conn.set_control_flags(ControlFlags::DESTINATION, true).unwrap();
        let conn = ipv6_std::mio::from_std(conn).unwrap();
        assert_eq!(conn.control_flags(), ControlFlags::DESTINATION);
        events(conn);
    }

    pub fn calls_with_try_do_not_wait() {
        let conn = PacketConn::bind("[::1]:0").unwrap();
        conn.set_deadline(Some(Instant::now() + Duration::from_secs(3600)));
        assert_eq!(conn.try_recv_from(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
        let (mut batch, mut payloads) = (RecvBatch::new(4), [[0; 8]; 4]);
        assert_eq!(conn.try_recv_batch(&mut batch, &mut payloads).unwrap_err().kind(), ErrorKind::WouldBlock);
        conn.try_send_to(b"x", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while conn.try_recv_from(&mut [0; 8]).is_err() {
            assert!(Instant::now() < deadline);
        }
    }
}
