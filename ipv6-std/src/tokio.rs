//! The event loop of tokio (feature `tokio`).
//!
//! Open sockets inside a runtime, as tokio's own. Poll their futures inside it too: on a thread that has not entered a
//! runtime, a call is busy while an entry that nobody takes is in the error queue, or while a send waits for room after an
//! error, and [`recv_error`](crate::aio::PacketConn::recv_error) also takes the events of datagrams.
//!
//! Systems: all that tokio supports. On Windows there is no error queue, and a [`RawConn`] has another type of socket.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::task::{Context, Poll, ready};

use ::tokio::io::Interest;
#[cfg(unix)]
use ::tokio::io::unix::AsyncFd;
use ::tokio::net::UdpSocket;
use ::tokio::task::coop::poll_proceed;

use crate::aio::{self, EventLoop, OwnedFd, PollEventLoop, Ready, Register};
#[cfg(unix)]
use crate::aio::{Changes, Watch};

/// A datagram socket in tokio's event loop.
pub type PacketConn = aio::PacketConn<UdpSocket>;

/// A raw socket in tokio's event loop.
#[cfg(unix)]
pub type RawConn = aio::RawConn<AsyncFd<OwnedFd>>;
/// A raw socket in tokio's event loop.
#[cfg(windows)]
pub type RawConn = aio::RawConn<UdpSocket>;

/// For `try_io`, which takes no combined interest.
fn alone(ready: Ready) -> Interest {
    match ready {
        Ready::Send => Interest::WRITABLE,
        _ => Interest::READABLE,
    }
}

/// Readable interest alone does not wake for errors.
fn interest(ready: Ready) -> Interest {
    alone(ready).add(Interest::ERROR)
}

/// Makes a call that does not wait, as part of the task's budget: a task that always finds something to do must let others
/// run, also those of the loop that detect events.
///
/// `async_io` does the same, but first makes the future one of those that wait for the socket, which takes as long as all
/// that a call adds to the kernel's time.
fn at_once<R>(mut call: impl FnMut() -> io::Result<R>) -> impl Future<Output = io::Result<R>> {
    poll_fn(move |cx| {
        let budget = ready!(poll_proceed(cx));
        let result = call();
        if !matches!(&result, Err(error) if error.kind() == ErrorKind::WouldBlock) {
            budget.made_progress();
        }
        Poll::Ready(result)
    })
}

impl EventLoop for UdpSocket {
    #[inline]
    async fn io<R: Send>(
        &self,
        ready: Ready,
        mut call: impl FnMut() -> io::Result<R> + Send,
    ) -> io::Result<R> {
        match at_once(|| self.try_io(alone(ready), &mut call)).await {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            result => return result,
        }
        self.async_io(interest(ready), call).await
    }

    #[cfg(unix)]
    fn watch(&self, changes: Changes) -> io::Result<Box<dyn Watch>> {
        watch(changes)
    }
}

impl Register for UdpSocket {
    fn register(socket: OwnedFd) -> io::Result<Self> {
        Self::from_std(socket.into())
    }
}

impl PollEventLoop for UdpSocket {
    const WAKES_FOR_ERRORS: bool = cfg!(windows);

    fn poll_io<R>(
        &self,
        ready: Ready,
        cx: &mut Context<'_>,
        mut call: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            let interest = match ready {
                Ready::Send => {
                    ready!(self.poll_send_ready(cx))?;
                    Interest::WRITABLE
                }
                _ => {
                    ready!(self.poll_recv_ready(cx))?;
                    Interest::READABLE
                }
            };
            match self.try_io(interest, &mut call) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::os::fd::{AsFd, AsRawFd};

    use ::tokio::runtime::Handle;

    use super::*;

    impl<T: AsFd + AsRawFd + Send + Sync> EventLoop for AsyncFd<T> {
        #[inline]
        async fn io<R: Send>(
            &self,
            ready: Ready,
            mut call: impl FnMut() -> io::Result<R> + Send,
        ) -> io::Result<R> {
            match at_once(|| self.try_io(alone(ready), |_| call())).await {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return result,
            }
            self.async_io(interest(ready), |_| call()).await
        }

        fn watch(&self, changes: Changes) -> io::Result<Box<dyn Watch>> {
            watch(changes)
        }
    }

    impl<T: AsFd + AsRawFd + From<OwnedFd> + Send + Sync> Register for AsyncFd<T> {
        fn register(socket: OwnedFd) -> io::Result<Self> {
            new(T::from(socket), Interest::READABLE.add(Interest::WRITABLE))
        }
    }

    impl<T: AsFd + AsRawFd + Send + Sync> PollEventLoop for AsyncFd<T> {
        const WAKES_FOR_ERRORS: bool = false;

        fn poll_io<R>(
            &self,
            ready: Ready,
            cx: &mut Context<'_>,
            mut call: impl FnMut() -> io::Result<R>,
        ) -> Poll<io::Result<R>> {
            loop {
                let mut guard = match ready {
                    Ready::Send => ready!(self.poll_write_ready(cx))?,
                    _ => ready!(self.poll_read_ready(cx))?,
                };
                if let Ok(result) = guard.try_io(|_| call()) {
                    return Poll::Ready(result);
                }
            }
        }
    }

    /// Registers a descriptor. Newer versions of tokio have an `unsafe` function for this, because a type could close its
    /// descriptor while it is registered, and deprecate the safe one. The types here keep theirs until they are dropped.
    #[allow(deprecated)]
    fn new<T: AsRawFd>(inner: T, interest: Interest) -> io::Result<AsyncFd<T>> {
        AsyncFd::with_interest(inner, interest)
    }

    pub(super) fn watch(changes: Changes) -> io::Result<Box<dyn Watch>> {
        // Another executor may poll the future, on a thread that has not entered the runtime.
        if Handle::try_current().is_err() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(Box::new(new(changes, Interest::READABLE)?))
    }

    impl Watch for AsyncFd<Changes> {
        fn poll_changed(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            loop {
                // Before the change is taken: one that comes between makes it ready again.
                ready!(self.poll_read_ready(cx))?.clear_ready();
                if !aio::take(self.get_ref())? {
                    continue;
                }
                return Poll::Ready(Ok(()));
            }
        }
    }
}
#[cfg(unix)]
use unix::watch;
