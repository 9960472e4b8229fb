//! Datagram sockets in an event loop.

use std::fmt;
use std::io;
use std::net::{SocketAddrV6, ToSocketAddrs};
use std::ops::Deref;

use ipv6_sys::socket;

use super::event_loop::{EventLoop, Register, register};
use super::wait::Watches;
use crate::builder::Builder;
use crate::fd::{OwnedFd, lends_socket};

/// An IPv6 datagram socket in an event loop.
///
/// Calls that wait are `async`. Everything else is that of [`ipv6_std::PacketConn`](crate::PacketConn), to which it
/// dereferences: options, groups, and the `try_` methods, which never wait. Deadlines and timeouts have no effect: use
/// those of the loop, such as `tokio::time::timeout`.
///
/// `S` is a socket that is registered with the loop. [`ipv6_std::tokio`](crate::tokio) and
/// [`ipv6_std::async_io`](crate::async_io) have aliases for those of these loops.
///
/// All methods take `&self`. Any number of tasks can call the `async` methods at the same time.
#[cfg_attr(feature = "tokio", doc = "```")]
#[cfg_attr(not(feature = "tokio"), doc = "```ignore")]
/// use ipv6_std::tokio::PacketConn;
/// use ipv6_std::{ControlFlags, SendControl};
///
/// # tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
/// let conn = PacketConn::bind("[::1]:0")?;
/// conn.set_control_flags(ControlFlags::HOP_LIMIT, true)?;
/// conn.send_to(b"to myself", &SendControl::new().with_hop_limit(9), conn.local_addr()?).await?;
///
/// let mut payload = [0; 64];
/// let got = conn.recv_from(&mut payload).await?;
/// assert_eq!(&payload[..got.len], b"to myself");
/// assert_eq!(got.control.hop_limit, Some(9));
/// # std::io::Result::Ok(()) })?;
/// # std::io::Result::Ok(())
/// ```
pub struct PacketConn<S> {
    conn: crate::PacketConn<S>,
    watches: Watches,
}

impl<S: Register> PacketConn<S> {
    /// Opens an IPv6-only UDP socket, bound to the first IPv6 address of `addr` for which bind succeeds, as
    /// [`ipv6_std::PacketConn::bind`](crate::PacketConn::bind). Not `async`: a name in `addr` is resolved by the calling
    /// thread.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of [`ipv6_std::PacketConn::bind`](crate::PacketConn::bind), and the loop's.
    ///
    /// # Panics
    ///
    /// With tokio, outside a runtime.
    #[doc(alias = "ListenPacket")]
    pub fn bind(addr: impl ToSocketAddrs) -> io::Result<Self> {
        Self::from_std(crate::PacketConn::bind(addr)?)
    }

    /// Opens an IPv6-only UDP socket that shares its port, as
    /// [`ipv6_std::PacketConn::bind_reusable`](crate::PacketConn::bind_reusable).
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of [`ipv6_std::PacketConn::bind_reusable`](crate::PacketConn::bind_reusable), and the loop's.
    ///
    /// # Panics
    ///
    /// With tokio, outside a runtime.
    #[doc(alias = "SO_REUSEADDR", alias = "SO_REUSEPORT")]
    pub fn bind_reusable(addr: SocketAddrV6) -> io::Result<Self> {
        Self::from_std(crate::PacketConn::bind_reusable(addr)?)
    }

    /// Returns a builder for a UDP socket, which is registered with the loop when it is bound or opened.
    #[doc(alias = "ListenConfig")]
    pub fn builder() -> Builder<Self> {
        Builder::new(0)
    }

    /// Registers an open socket with the loop, and makes it non-blocking. Its options, control flags and what it has
    /// learnt about paths stay; deadlines and timeouts do not.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// The loop's.
    ///
    /// # Panics
    ///
    /// With tokio, outside a runtime.
    pub fn from_std<T: Into<OwnedFd>>(conn: crate::PacketConn<T>) -> io::Result<Self> {
        Ok(Self { conn: conn.map(register)?, watches: Watches::default() })
    }
}

impl<S: EventLoop> PacketConn<S> {
    /// Wraps a socket that is registered with its loop, and makes it non-blocking. Control-message options already enabled
    /// stay enabled.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when it is not an IPv6 socket, or is a stream socket.
    pub fn new(socket: S) -> io::Result<Self> {
        socket::set_nonblocking(socket.as_fd(), true)?;
        Ok(Self { conn: crate::PacketConn::new(socket)?, watches: Watches::default() })
    }

    pub(super) fn packets(&self) -> &crate::PacketConn<S> {
        &self.conn
    }

    pub(super) fn watches(&self) -> &Watches {
        &self.watches
    }
}

impl<S> PacketConn<S> {
    /// Returns the socket with its options as they are. It stays registered.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.conn.into_inner()
    }
}

/// Everything that does not wait.
impl<S> Deref for PacketConn<S> {
    type Target = crate::PacketConn<S>;

    fn deref(&self) -> &crate::PacketConn<S> {
        &self.conn
    }
}

lends_socket!(PacketConn: conn);

impl<S: fmt::Debug> fmt::Debug for PacketConn<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("aio::PacketConn").field("conn", &self.conn).finish_non_exhaustive()
    }
}
