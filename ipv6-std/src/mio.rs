//! Event sources of mio (feature `mio`).
//!
//! [`Conn`], [`PacketConn`] and [`RawConn`] can be registered with `mio::Poll`: on Unix over any socket, on Windows over
//! those of mio. A registration makes the socket non-blocking. Call the `try_` methods until they return `WouldBlock`
//! after each event, also after one that reports only an error (`Event::is_error`).
//!
//! An entry of the error queue stays until [`try_recv_error`](PacketConn::try_recv_error) takes it. mio reports it once.
//!
//! On Windows, mio reports the next event only after it has seen `WouldBlock`: make each call through mio's socket, as in
//! `conn.get_ref().try_io(|| conn.try_recv_from(&mut payload))`. This works on Unix too.
//!
//! ```
//! use ipv6_std::SendControl;
//! use mio::{Events, Interest, Poll, Token};
//!
//! let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(8));
//! let mut conn = ipv6_std::mio::bind("[::1]:0")?;
//! poll.registry().register(&mut conn, Token(0), Interest::READABLE)?;
//!
//! conn.try_send_to(b"to myself", &SendControl::new(), conn.local_addr()?)?;
//! poll.poll(&mut events, None)?;
//! assert_eq!(conn.try_recv_from(&mut [0; 64])?.len, 9);
//! # std::io::Result::Ok(())
//! ```

use std::io;
use std::net::ToSocketAddrs;

use ::mio::event::Source;
use ::mio::net::UdpSocket;
use ::mio::{Interest, Registry, Token};

use crate::conn::Conn;
use crate::packet::PacketConn;
use crate::raw::RawConn;

/// Opens an IPv6-only UDP socket of mio, as [`PacketConn::bind`], in non-blocking mode. For programs that also run on
/// Windows, where a socket of `std` cannot be registered.
///
/// Systems: all that mio supports.
///
/// # Errors
///
/// Those of [`PacketConn::bind`].
pub fn bind(addr: impl ToSocketAddrs) -> io::Result<PacketConn<UdpSocket>> {
    from_std(PacketConn::bind(addr)?)
}

/// Converts a connection over a socket of `std` into one over a socket of mio, in non-blocking mode. Its options stay.
///
/// Systems: all that mio supports.
///
/// # Errors
///
/// The system's.
pub fn from_std(conn: PacketConn) -> io::Result<PacketConn<UdpSocket>> {
    conn.set_nonblocking(true)?;
    conn.map(|socket| Ok(UdpSocket::from_std(socket)))
}

/// Lets a connection be registered.
macro_rules! sources {
    ($($connection:ident)*) => {
        $(
            #[cfg(unix)]
            impl<S: std::os::fd::AsFd> Source for $connection<S> {
                fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
                    // After the registration, which may fail: the socket then stays as it was.
                    unix::source(self, |source| source.register(registry, token, interests))?;
                    self.set_nonblocking(true).inspect_err(|_| {
                        let _ = unix::source(self, |source| source.deregister(registry));
                    })
                }

                fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
                    unix::source(self, |source| source.reregister(registry, token, interests))
                }

                fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
                    unix::source(self, |source| source.deregister(registry))
                }
            }

            #[cfg(windows)]
            impl<S: std::os::windows::io::AsSocket + Source> Source for $connection<S> {
                fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
                    self.set_nonblocking(true)?;
                    self.get_mut().register(registry, token, interests)
                }

                fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
                    self.get_mut().reregister(registry, token, interests)
                }

                fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
                    self.get_mut().deregister(registry)
                }
            }
        )*
    };
}

sources!(Conn PacketConn RawConn);

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::fd::{AsFd, AsRawFd};

    use ::mio::unix::SourceFd;

    pub(super) fn source(
        socket: &impl AsFd,
        call: impl FnOnce(&mut SourceFd<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        call(&mut SourceFd(&socket.as_fd().as_raw_fd()))
    }
}
