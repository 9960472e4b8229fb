//! Raw sockets in an event loop.

use std::fmt;
use std::io;
use std::net::ToSocketAddrs;
use std::ops::Deref;

use ipv6_sys::socket;

use super::event_loop::{EventLoop, Register, register};
use super::wait::Watches;
use crate::builder::Builder;
use crate::fd::{OwnedFd, lends_socket};

/// A raw IPv6 socket of one protocol, or an ICMPv6 socket without privilege, in an event loop.
///
/// It has the calls of [`aio::PacketConn`](super::PacketConn), and dereferences to
/// [`ipv6_std::RawConn`](crate::RawConn) for everything that does not wait.
#[cfg_attr(all(feature = "tokio", unix), doc = "```no_run")]
#[cfg_attr(not(all(feature = "tokio", unix)), doc = "```ignore")]
/// use ipv6_std::tokio::RawConn;
/// use ipv6_std::{Icmp6Filter, Icmp6Type, SendControl};
///
/// # async fn example() -> std::io::Result<()> {
/// let conn = RawConn::open(Icmp6Type::PROTOCOL)?; // needs root, or CAP_NET_RAW on Linux
/// let mut filter = Icmp6Filter::block_all();
/// conn.set_icmp6_filter(filter.pass(Icmp6Type::ECHO_REPLY))?;
///
/// let request = [128, 0, 0, 0, 0, 1, 0, 1, b'h', b'i'];
/// conn.send_to(&request, &SendControl::new(), "[::1]:0".parse().unwrap()).await?;
/// let mut reply = [0; 1500];
/// let got = conn.recv_from(&mut reply).await?;
/// assert_eq!((reply[0], got.len), (129, 10));
/// # Ok(())
/// # }
/// ```
pub struct RawConn<S> {
    conn: crate::RawConn<S>,
    watches: Watches,
}

impl<S: Register> RawConn<S> {
    /// Opens a raw socket for a protocol, as [`ipv6_std::RawConn::open`](crate::RawConn::open).
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of [`ipv6_std::RawConn::open`](crate::RawConn::open), and the loop's.
    ///
    /// # Panics
    ///
    /// With tokio, outside a runtime.
    #[doc(alias = "SOCK_RAW")]
    pub fn open(protocol: u8) -> io::Result<Self> {
        Self::from_std(crate::RawConn::open(protocol)?)
    }

    /// Opens an ICMPv6 socket without privilege, as
    /// [`ipv6_std::RawConn::open_icmp6_unprivileged`](crate::RawConn::open_icmp6_unprivileged).
    ///
    /// Systems: Linux, Android and Apple's systems.
    ///
    /// # Errors
    ///
    /// Those of [`open_icmp6_unprivileged`](crate::RawConn::open_icmp6_unprivileged) there, and the loop's.
    ///
    /// # Panics
    ///
    /// With tokio, outside a runtime.
    #[doc(alias = "IPPROTO_ICMPV6", alias = "SOCK_DGRAM")]
    pub fn open_icmp6_unprivileged() -> io::Result<Self> {
        Self::from_std(crate::RawConn::open_icmp6_unprivileged()?)
    }

    /// Opens a raw socket that is bound to an address, as [`ipv6_std::RawConn::bind`](crate::RawConn::bind).
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of [`ipv6_std::RawConn::bind`](crate::RawConn::bind), and the loop's.
    ///
    /// # Panics
    ///
    /// With tokio, outside a runtime.
    pub fn bind(protocol: u8, addr: impl ToSocketAddrs) -> io::Result<Self> {
        Self::from_std(crate::RawConn::bind(protocol, addr)?)
    }

    /// Returns a builder for a raw socket of a protocol, which is registered with the loop when it is bound or opened.
    pub fn builder(protocol: u8) -> Builder<Self> {
        Builder::new(protocol)
    }

    /// Registers an open socket with the loop, and makes it non-blocking. Its options stay.
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
    pub fn from_std<T: Into<OwnedFd>>(conn: crate::RawConn<T>) -> io::Result<Self> {
        Ok(Self { conn: conn.map(register)?, watches: Watches::default() })
    }
}

impl<S: EventLoop> RawConn<S> {
    /// Wraps a socket that is registered with its loop, and makes it non-blocking.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when it is neither a raw IPv6 socket nor an ICMPv6 socket without privilege.
    pub fn new(socket: S) -> io::Result<Self> {
        socket::set_nonblocking(socket.as_fd(), true)?;
        Ok(Self { conn: crate::RawConn::new(socket)?, watches: Watches::default() })
    }

    pub(super) fn packets(&self) -> &crate::PacketConn<S> {
        &self.conn
    }

    pub(super) fn watches(&self) -> &Watches {
        &self.watches
    }
}

impl<S> RawConn<S> {
    /// Returns the socket with its options as they are. It stays registered.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.conn.into_inner()
    }
}

/// Everything that does not wait.
impl<S> Deref for RawConn<S> {
    type Target = crate::RawConn<S>;

    fn deref(&self) -> &crate::RawConn<S> {
        &self.conn
    }
}

lends_socket!(RawConn: conn);

impl<S: fmt::Debug> fmt::Debug for RawConn<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("aio::RawConn").field("conn", &self.conn).finish_non_exhaustive()
    }
}
