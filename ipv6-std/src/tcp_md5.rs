//! Signed TCP segments.

use std::io;

use ipv6_core::TcpMd5Key;
use ipv6_sys::option;

use crate::conn::Conn;
use crate::fd::AsFd;

/// TCP MD5 signatures (RFC 2385), which BGP routers use. MD5 is weak: where both sides have TCP-AO (RFC 5925), use
/// [that](Self::add_tcp_ao_key).
impl<S: AsFd> Conn<S> {
    /// Sets the key with which the segments of TCP connections to a peer are signed and checked, or removes it
    /// ([`TcpMd5Key::none`]). Segments without the right signature are dropped.
    ///
    /// A client sets it before it connects. A server sets the keys of all peers on its listener; accepted connections inherit
    /// that of their peer.
    ///
    /// Systems: Linux and Android, a kernel with `CONFIG_TCP_MD5SIG`. Elsewhere, and on other kernels, `Unsupported`.
    ///
    /// # Errors
    ///
    /// `NotFound` when the key to remove does not exist; `InvalidInput` for a prefix of more than 128 bits; `ENOPROTOOPT` for
    /// a socket that is not TCP.
    ///
    /// ```no_run
    /// use std::net::TcpListener;
    /// use ipv6_std::{Conn, TcpMd5Key};
    ///
    /// let listener = TcpListener::bind("[::]:179")?;
    /// let key = TcpMd5Key::new("2001:db8::1".parse().unwrap(), b"secret").expect("a key has 1 to 80 bytes");
    /// Conn::new(&listener)?.set_tcp_md5_key(&key)?;
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "TCP_MD5SIG", alias = "TCP_MD5SIG_EXT")]
    pub fn set_tcp_md5_key(&self, key: &TcpMd5Key<'_>) -> io::Result<()> {
        Ok(option::set_tcp_md5_key(self.as_fd(), key)?)
    }
}
