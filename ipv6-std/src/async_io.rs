//! The event loop of async-io, which smol uses (feature `async-io`).
//!
//! Systems: all that async-io supports. On Windows there is no error queue.

use std::io;
use std::net::UdpSocket;
use std::task::{Context, Poll, ready};

use ::async_io::Async;

use crate::aio::{self, EventLoop, OwnedFd, PollEventLoop, Ready, Register};
#[cfg(unix)]
use crate::aio::{Changes, Watch};
use crate::fd::AsFd;

/// A datagram socket in async-io's event loop.
pub type PacketConn = aio::PacketConn<Async<UdpSocket>>;

/// A raw socket in async-io's event loop.
pub type RawConn = aio::RawConn<Async<OwnedFd>>;

impl<T: Send + Sync> EventLoop for Async<T>
where
    Self: AsFd,
{
    async fn io<R: Send>(
        &self,
        ready: Ready,
        mut call: impl FnMut() -> io::Result<R> + Send,
    ) -> io::Result<R> {
        match ready {
            Ready::Send => self.write_with(|_| call()).await,
            _ => self.read_with(|_| call()).await,
        }
    }

    #[cfg(unix)]
    fn watch(&self, changes: Changes) -> io::Result<Box<dyn Watch>> {
        Ok(Box::new(Async::new_nonblocking(changes)?))
    }
}

#[cfg(unix)]
impl<T: std::os::fd::AsFd + From<OwnedFd> + Send + Sync> Register for Async<T> {
    fn register(socket: OwnedFd) -> io::Result<Self> {
        Self::new_nonblocking(T::from(socket))
    }
}

#[cfg(windows)]
impl<T: std::os::windows::io::AsSocket + From<OwnedFd> + Send + Sync> Register for Async<T> {
    fn register(socket: OwnedFd) -> io::Result<Self> {
        Self::new_nonblocking(T::from(socket))
    }
}

impl<T: Send + Sync> PollEventLoop for Async<T>
where
    Self: AsFd,
{
    const WAKES_FOR_ERRORS: bool = true;

    fn poll_io<R>(
        &self,
        ready: Ready,
        cx: &mut Context<'_>,
        mut call: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            match call() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
            match ready {
                Ready::Send => ready!(self.poll_writable(cx))?,
                _ => ready!(self.poll_readable(cx))?,
            }
        }
    }
}

#[cfg(unix)]
impl Watch for Async<Changes> {
    fn poll_changed(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if aio::take(self.get_ref())? {
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_readable(cx))?;
        }
    }
}
