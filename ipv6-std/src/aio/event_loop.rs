//! What an event loop provides.

use std::io::{self, ErrorKind};
use std::task::{Context, Poll};

pub use ipv6_sys::wait::{Changes, Ready};

use ipv6_sys::socket;

use crate::fd::{AsFd, OwnedFd};

/// A non-blocking socket that is registered with an event loop.
///
/// Implemented for `tokio::net::UdpSocket` and `tokio::io::unix::AsyncFd` (feature `tokio`), and for `async_io::Async`
/// (feature `async-io`). For another loop, implement [`io`](Self::io); [`PacketConn::new`](super::PacketConn::new) and
/// all calls that wait then work. [`watch`](Self::watch), [`Register`] and [`PollEventLoop`] are optional.
///
/// ```
/// use std::future::{self, Future};
/// use std::io::{self, ErrorKind};
/// use std::net::UdpSocket;
/// use std::os::fd::{AsFd, BorrowedFd};
/// use std::task::{Poll, Waker};
/// use std::sync::Mutex;
/// use ipv6_std::aio::{EventLoop, PacketConn, Ready};
///
/// /// The tasks that wait. The loop wakes all of them when `poll(2)` has reported something.
/// static WAITING: Mutex<Vec<Waker>> = Mutex::new(Vec::new());
///
/// struct Registered(UdpSocket);
///
/// impl AsFd for Registered {
///     fn as_fd(&self) -> BorrowedFd<'_> {
///         self.0.as_fd()
///     }
/// }
///
/// impl EventLoop for Registered {
///     fn io<R: Send>(
///         &self,
///         _ready: Ready, // what to pass to poll(2)
///         mut call: impl FnMut() -> io::Result<R> + Send,
///     ) -> impl Future<Output = io::Result<R>> + Send {
///         future::poll_fn(move |cx| {
///             // First, so that no event between this call and the wait is lost.
///             WAITING.lock().unwrap().push(cx.waker().clone());
///             match call() {
///                 Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
///                 result => Poll::Ready(result),
///             }
///         })
///     }
/// }
///
/// let conn = PacketConn::new(Registered(UdpSocket::bind("[::1]:0")?))?;
/// # let _ = conn;
/// # io::Result::Ok(())
/// ```
pub trait EventLoop: AsFd + Sync {
    /// Calls `call`, again whenever the socket may have become ready, until it returns something else than `WouldBlock`.
    ///
    /// - Readiness includes errors (`EPOLLERR`) and hang-ups (`EPOLLHUP`, `EPOLLRDHUP`), for both values of `ready`. A
    ///   hang-up lasts: do not wait for another event after one.
    /// - Between a `WouldBlock` and the wait, no event may be lost.
    /// - `call` is made by the future itself, so that nothing is received by a future that was dropped.
    fn io<R: Send>(
        &self,
        ready: Ready,
        call: impl FnMut() -> io::Result<R> + Send,
    ) -> impl Future<Output = io::Result<R>> + Send;

    /// Registers a second descriptor, which reports changes of this socket.
    ///
    /// The calls use it where the socket itself cannot be waited for: [`recv_error`](super::PacketConn::recv_error), and
    /// all calls while an entry that nobody takes is in the error queue (Linux reports an error as long as it is there,
    /// and a level-triggered loop would call without a pause).
    ///
    /// The provided method returns `Unsupported`. Then a level-triggered loop is busy while an entry is in the error
    /// queue, and `recv_error` waits as for a datagram. Systems other than Linux and Android have no error queue; this method
    /// is never called there.
    ///
    /// # Errors
    ///
    /// `Unsupported` when the loop cannot; the loop's error when the registration fails.
    fn watch(&self, changes: Changes) -> io::Result<Box<dyn Watch>> {
        let _ = changes;
        Err(ErrorKind::Unsupported.into())
    }
}

/// [`Changes`] that are registered with an event loop, readable as any descriptor.
pub trait Watch: Send + Sync {
    /// Returns `Ready` once for each change, after [`Changes::wait`] has returned it. If it is pending, the task of the
    /// latest call is woken.
    ///
    /// # Errors
    ///
    /// Those of the loop.
    fn poll_changed(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// An event loop with which a new socket can be registered: for `bind`, `open` and `from_std`.
pub trait Register: EventLoop + Sized {
    /// Registers a non-blocking socket with the loop of the caller.
    ///
    /// # Errors
    ///
    /// Those of the loop.
    ///
    /// # Panics
    ///
    /// An implementation may panic outside its loop, as that of tokio does.
    fn register(socket: OwnedFd) -> io::Result<Self>;
}

/// Makes a socket non-blocking, and registers it with the loop of the caller.
pub(super) fn register<S: Register>(socket: impl Into<OwnedFd>) -> io::Result<S> {
    let socket = socket.into();
    socket::set_nonblocking(&socket, true)?;
    S::register(socket)
}

/// An event loop with a `poll_` form of [`io`](EventLoop::io), for futures that are written by hand.
pub trait PollEventLoop: EventLoop {
    /// Whether [`poll_io`](Self::poll_io) wakes the task for errors too. If not, the calls observe errors with
    /// [`watch`](EventLoop::watch).
    const WAKES_FOR_ERRORS: bool;

    /// Calls `call` if the socket may be ready, and again until it returns something else than `WouldBlock`, or the socket
    /// is not ready. In the latter case the task of the latest call for this `ready` is woken when it becomes ready.
    fn poll_io<R>(
        &self,
        ready: Ready,
        cx: &mut Context<'_>,
        call: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>>;
}
