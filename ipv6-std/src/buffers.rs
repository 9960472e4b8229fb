//! The sizes of a socket's buffers.

use std::io;

use ipv6_sys::socket;

use crate::conn::Conn;
use crate::fd::AsFd;

impl<S: AsFd> Conn<S> {
    /// Returns the size of the receive buffer in bytes. Linux counts its own overhead: the value is twice the
    /// [requested](Self::set_receive_buffer_size) one.
    ///
    /// Systems: all.
    #[doc(alias = "SO_RCVBUF")]
    pub fn receive_buffer_size(&self) -> io::Result<usize> {
        Ok(socket::receive_buffer_size(self)?)
    }

    /// Requests a size of the receive buffer in bytes. Linux grants at most `net.core.rmem_max`, without an
    /// error: [`receive_buffer_size`](Self::receive_buffer_size) returns what was granted.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `ENOBUFS` on the BSDs and Apple's systems for more than `kern.ipc.maxsockbuf`.
    #[doc(alias = "SO_RCVBUF", alias = "SetReadBuffer")]
    pub fn set_receive_buffer_size(&self, bytes: usize) -> io::Result<()> {
        Ok(socket::set_receive_buffer_size(self, bytes)?)
    }

    /// Returns the size of the send buffer in bytes. Linux counts its own overhead: the value is twice the
    /// [requested](Self::set_send_buffer_size) one.
    ///
    /// Systems: all.
    #[doc(alias = "SO_SNDBUF")]
    pub fn send_buffer_size(&self) -> io::Result<usize> {
        Ok(socket::send_buffer_size(self)?)
    }

    /// Requests a size of the send buffer in bytes. Linux grants at most `net.core.wmem_max`, without an
    /// error: [`send_buffer_size`](Self::send_buffer_size) returns what was granted.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `ENOBUFS` on the BSDs and Apple's systems for more than `kern.ipc.maxsockbuf`.
    #[doc(alias = "SO_SNDBUF", alias = "SetWriteBuffer")]
    pub fn set_send_buffer_size(&self, bytes: usize) -> io::Result<()> {
        Ok(socket::set_send_buffer_size(self, bytes)?)
    }
}
