//! Event loops for tests that are the same with each, and an executor that counts.

#![allow(dead_code, reason = "each test program uses some of the helpers")]

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use ::async_io::Async;
use ::tokio::io::unix::AsyncFd;
use ipv6_std::aio::{Changes, EventLoop, PollEventLoop, Ready, Register, Watch};
use ipv6_std::{PacketConn, SendControl};

/// An event loop.
pub trait Loop {
    type Socket: Register + PollEventLoop + Send + 'static;

    /// Runs a future, in the loop's own executor.
    fn run<T>(future: impl Future<Output = T>) -> T;

    /// Runs a future in an executor written by hand, on this thread. Returns how often it was polled.
    fn by_hand<T>(future: impl Future<Output = T>) -> (T, usize);
}

/// tokio, with its own socket.
pub enum Tokio {}
/// tokio, with any descriptor.
pub enum TokioFd {}
/// async-io.
pub enum AsyncIo {}

impl Loop for Tokio {
    type Socket = Counted<::tokio::net::UdpSocket>;

    fn run<T>(future: impl Future<Output = T>) -> T {
        ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    fn by_hand<T>(future: impl Future<Output = T>) -> (T, usize) {
        // Its worker runs the event loop.
        let runtime =
            ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let _entered = runtime.enter();
        execute(future)
    }
}

impl Loop for TokioFd {
    type Socket = Counted<AsyncFd<OwnedFd>>;

    fn run<T>(future: impl Future<Output = T>) -> T {
        Tokio::run(future)
    }

    fn by_hand<T>(future: impl Future<Output = T>) -> (T, usize) {
        Tokio::by_hand(future)
    }
}

impl Loop for AsyncIo {
    type Socket = Counted<Async<OwnedFd>>;

    fn run<T>(future: impl Future<Output = T>) -> T {
        ::async_io::block_on(future)
    }

    fn by_hand<T>(future: impl Future<Output = T>) -> (T, usize) {
        execute(future)
    }
}

/// A table of tests, each with every loop.
#[macro_export]
macro_rules! with_each_loop {
    ($([$($need:ident),*] $name:ident;)*) => {
        [$(
            ipv6_testnet::Test {
                name: concat!(stringify!($name), "_tokio"),
                needs: &[$(ipv6_testnet::Need::$need),*],
                run: $name::<loops::Tokio>,
            },
            ipv6_testnet::Test {
                name: concat!(stringify!($name), "_async_fd"),
                needs: &[$(ipv6_testnet::Need::$need),*],
                run: $name::<loops::TokioFd>,
            },
            ipv6_testnet::Test {
                name: concat!(stringify!($name), "_async_io"),
                needs: &[$(ipv6_testnet::Need::$need),*],
                run: $name::<loops::AsyncIo>,
            },
        )*]
    };
}

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static WATCHES: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    CALLS.set(CALLS.get() + 1);
}

/// How many calls the loops have made on this thread since the last time.
pub fn calls() -> usize {
    CALLS.take()
}

/// How many descriptors the calls have registered on this thread since the last time.
pub fn watches() -> usize {
    WATCHES.take()
}

/// A socket of a loop that counts the calls.
#[derive(Debug)]
pub struct Counted<S>(pub S);

impl<S: AsFd> AsFd for Counted<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl<S: EventLoop> EventLoop for Counted<S> {
    fn io<R: Send>(
        &self,
        ready: Ready,
        mut call: impl FnMut() -> io::Result<R> + Send,
    ) -> impl Future<Output = io::Result<R>> + Send {
        self.0.io(ready, move || {
            count();
            call()
        })
    }

    fn watch(&self, changes: Changes) -> io::Result<Box<dyn Watch>> {
        WATCHES.set(WATCHES.get() + 1);
        Ok(Box::new(CountedWatch(self.0.watch(changes)?)))
    }
}

impl<S: Register> Register for Counted<S> {
    fn register(socket: OwnedFd) -> io::Result<Self> {
        S::register(socket).map(Self)
    }
}

impl<S: PollEventLoop> PollEventLoop for Counted<S> {
    const WAKES_FOR_ERRORS: bool = S::WAKES_FOR_ERRORS;

    fn poll_io<R>(
        &self,
        ready: Ready,
        cx: &mut Context<'_>,
        mut call: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.0.poll_io(ready, cx, || {
            count();
            call()
        })
    }
}

struct CountedWatch(Box<dyn Watch>);

impl Watch for CountedWatch {
    fn poll_changed(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        count();
        self.0.poll_changed(cx)
    }
}

/// Wakes a thread.
struct Unpark(Thread, AtomicBool);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.1.store(true, Ordering::SeqCst);
        self.0.unpark();
    }
}

/// Runs a future on this thread. Returns how often it was polled.
pub fn execute<T>(future: impl Future<Output = T>) -> (T, usize) {
    let mut future = pin!(future);
    let unpark = Arc::new(Unpark(thread::current(), AtomicBool::new(true)));
    let waker = Waker::from(unpark.clone());
    let mut polls = 0;
    loop {
        if unpark.1.swap(false, Ordering::SeqCst) {
            polls += 1;
            if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return (result, polls);
            }
        } else {
            thread::park();
        }
    }
}

/// Polls once. `None`: pending.
pub async fn once<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Ends after this time, without a loop.
pub async fn sleep(time: Duration) {
    let over = Arc::new(AtomicBool::new(false));
    let mut started = false;
    poll_fn(|cx| {
        if over.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        if !std::mem::replace(&mut started, true) {
            let (over, waker) = (over.clone(), cx.waker().clone());
            thread::spawn(move || {
                thread::sleep(time);
                over.store(true, Ordering::SeqCst);
                waker.wake();
            });
        }
        Poll::Pending
    })
    .await;
}

/// Runs a future for a while. `None`: it is pending.
pub async fn for_a_while<F: Future>(time: Duration, mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut over = pin!(sleep(time));
    poll_fn(|cx| {
        if let Poll::Ready(result) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(result));
        }
        over.as_mut().poll(cx).map(|()| None)
    })
    .await
}

/// Runs a future that must wait for half a second, with few calls.
pub async fn waits<F: Future<Output: std::fmt::Debug>>(what: &str, future: F) {
    let mut future = pin!(future);
    calls();
    let result = for_a_while(Duration::from_millis(500), future.as_mut()).await;
    let calls = calls();
    assert!(result.is_none(), "{what} did not wait: {result:?}");
    assert!(calls <= 12, "{what}: {calls} calls");
}

/// Puts an entry into the error queue of a socket, without a pending error.
pub fn queue_error<S: AsFd>(conn: &PacketConn<S>) {
    conn.set_queue_errors(true).unwrap();
    let nobody = crate::common::nobody();
    conn.try_send_to(b"x", &SendControl::new(), nobody).unwrap();
    let error = crate::common::delivered_to(|| conn.try_recv_from(&mut [0; 8])).unwrap_err();
    assert!(error.kind() == io::ErrorKind::ConnectionRefused, "{error}");
    assert!(conn.has_errors().unwrap());
}

/// A number for each call.
pub fn next() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
