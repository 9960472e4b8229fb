//! TCP-AO.

use std::io;

use ipv6_core::{TcpAoId, TcpAoInfo, TcpAoKey};
use ipv6_sys::option;

use crate::conn::Conn;
use crate::fd::AsFd;

/// TCP-AO (RFC 5925): signed segments, with keys that can change while the connection lasts.
///
/// Systems: Linux since 6.7, a kernel with `CONFIG_TCP_AO`. Elsewhere, and on other kernels, `Unsupported`.
impl<S: AsFd> Conn<S> {
    /// Adds a key with which the segments of TCP connections to its peers are signed and checked. Segments without the right
    /// MAC are dropped.
    ///
    /// A client adds its keys before it connects. A server adds the keys of all peers to its listener; accepted connections
    /// inherit those of their peer. To a connection that has keys, more can be added.
    ///
    /// Systems: Linux and Android, since 6.7 (a kernel with `CONFIG_TCP_AO`).
    ///
    /// # Errors
    ///
    /// `Unsupported` without TCP-AO; `AlreadyExists` when another key has one of the identifiers; `EISCONN` for a connection
    /// without keys; `EKEYREJECTED` when the socket has an [MD5 key](Self::set_tcp_md5_key) for the peer; `ENOPROTOOPT` for a
    /// socket that is not TCP.
    ///
    /// ```no_run
    /// use std::net::TcpListener;
    /// use ipv6_std::{Conn, TcpAoAlgorithm, TcpAoId, TcpAoKey};
    ///
    /// let listener = TcpListener::bind("[::]:179")?;
    /// let id = TcpAoId::new("2001:db8::1".parse().unwrap(), 100, 101);
    /// let key = TcpAoKey::new(id, TcpAoAlgorithm::HmacSha1, b"secret")?;
    /// Conn::new(&listener)?.add_tcp_ao_key(&key)?;
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "TCP_AO_ADD_KEY", alias = "tcp_ao_add")]
    pub fn add_tcp_ao_key(&self, key: &TcpAoKey<'_>) -> io::Result<()> {
        Ok(option::add_tcp_ao_key(self.as_fd(), key)?)
    }

    /// Deletes a key.
    ///
    /// Systems: Linux and Android, since 6.7 (a kernel with `CONFIG_TCP_AO`).
    ///
    /// # Errors
    ///
    /// Those of [`add_tcp_ao_key`](Self::add_tcp_ao_key); `NotFound` when there is no such key; `ResourceBusy` while the
    /// connection uses it.
    #[doc(alias = "TCP_AO_DEL_KEY", alias = "tcp_ao_del")]
    pub fn delete_tcp_ao_key(&self, id: &TcpAoId) -> io::Result<()> {
        Ok(option::delete_tcp_ao_key(self.as_fd(), id)?)
    }

    /// Sets the current key, which signs sent segments, by its send identifier, and the next key, which the peer is asked to
    /// use, by its receive identifier (RFC 5925 section 7.3). `None` leaves one unchanged. The other switches of [`TcpAoInfo`]
    /// stay as they are.
    ///
    /// Systems: Linux and Android, since 6.7 (a kernel with `CONFIG_TCP_AO`).
    ///
    /// # Errors
    ///
    /// Those of [`add_tcp_ao_key`](Self::add_tcp_ao_key); `NotFound` for a number that no key has, and on a socket
    /// without keys.
    #[doc(alias = "TCP_AO_INFO")]
    pub fn use_tcp_ao_keys(&self, current: Option<u8>, next: Option<u8>) -> io::Result<()> {
        let mut info = option::tcp_ao_info(self.as_fd())?;
        (info.current, info.next) = (current, next);
        self.set_tcp_ao_info(&info)
    }

    /// Sets the two switches of [`TcpAoInfo`], and the keys that the connection uses where they are `Some`. The counters are
    /// ignored.
    ///
    /// Systems: Linux and Android, since 6.7 (a kernel with `CONFIG_TCP_AO`).
    ///
    /// # Errors
    ///
    /// Those of [`use_tcp_ao_keys`](Self::use_tcp_ao_keys).
    #[doc(alias = "TCP_AO_INFO")]
    pub fn set_tcp_ao_info(&self, info: &TcpAoInfo) -> io::Result<()> {
        Ok(option::set_tcp_ao_info(self.as_fd(), info)?)
    }

    /// Returns the keys that the connection uses, and its counters of segments.
    ///
    /// Systems: Linux and Android, since 6.7 (a kernel with `CONFIG_TCP_AO`).
    ///
    /// # Errors
    ///
    /// Those of [`add_tcp_ao_key`](Self::add_tcp_ao_key); `NotFound` on a socket without keys.
    #[doc(alias = "TCP_AO_INFO", alias = "tcp_ao_info_opt")]
    pub fn tcp_ao_info(&self) -> io::Result<TcpAoInfo> {
        Ok(option::tcp_ao_info(self.as_fd())?)
    }
}
