//! Calls that never wait.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddrV6;

use ipv6_core::{Messages, SendControl};
use ipv6_sys::Host;
use ipv6_sys::batch::{Outgoing, Room};
use ipv6_sys::message::MessageFlags;

use super::PacketConn;
use super::flags::SendFlags;
use crate::fd::AsFd;
use crate::received::{Message, Received};
use crate::recv_batch::RecvBatch;
use crate::send_batch::{SendAllError, SendBatch};

const NEVER: MessageFlags = MessageFlags::DONT_WAIT;

/// Calls that never wait, on a blocking socket too: they return `WouldBlock` instead. Deadlines and timeouts do not apply.
/// An event loop calls them when it has reported that the socket is ready.
///
/// Each does the same as the method without `try_`, and returns its other errors. After a shutdown for receiving, a
/// receive returns `WouldBlock` on Linux. [`try_recv_error`](Self::try_recv_error) is the form for the error queue.
///
/// Systems: all.
///
/// ```
/// use std::io::ErrorKind;
/// use ipv6_std::{PacketConn, SendControl};
///
/// let conn = PacketConn::bind("[::1]:0")?; // blocking
/// assert_eq!(conn.try_recv_from(&mut [0; 16]).unwrap_err().kind(), ErrorKind::WouldBlock);
/// conn.try_send_to(b"x", &SendControl::new(), conn.local_addr()?)?;
/// let received = loop {
///     match conn.try_recv_from(&mut [0; 16]) {
///         // A busy system delivers it later.
///         Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
///         answer => break answer?,
///     }
/// };
/// assert_eq!(received.len, 1);
/// # std::io::Result::Ok(())
/// ```
impl<S: AsFd> PacketConn<S> {
    /// Receives as [`recv_from`](Self::recv_from), without waiting.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is no datagram; the other errors of [`recv_from`](Self::recv_from).
    #[doc(alias = "MSG_DONTWAIT")]
    #[inline(always)]
    pub fn try_recv_from(&self, payload: &mut [u8]) -> io::Result<Received> {
        self.receive_one(payload, NEVER)
    }

    /// Receives as [`recv_vectored`](Self::recv_vectored), without waiting.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is no datagram; the other errors of [`recv_vectored`](Self::recv_vectored).
    pub fn try_recv_vectored(&self, payload: &mut [IoSliceMut<'_>]) -> io::Result<Received> {
        self.receive(payload, NEVER)
    }

    /// Receives as [`recv_message`](Self::recv_message), without waiting.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is no datagram; the other errors of [`recv_message`](Self::recv_message).
    pub fn try_recv_message<'c>(&self, payload: &mut [u8], control: &'c mut [u8]) -> io::Result<Message<'c>> {
        self.receive_message(payload, control, NEVER)
    }

    /// Receives as [`peek_from`](Self::peek_from), without waiting.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is no datagram; the other errors of [`peek_from`](Self::peek_from).
    pub fn try_peek_from(&self, payload: &mut [u8]) -> io::Result<Received> {
        self.peek(payload, NEVER)
    }

    /// Receives a batch as [`recv_batch`](Self::recv_batch), without waiting. Datagrams
    /// [left over](RecvBatch::has_more) from the previous call are returned first.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is no datagram; the other errors of [`recv_batch`](Self::recv_batch).
    pub fn try_recv_batch<R>(
        &self,
        batch: &mut RecvBatch,
        payloads: &mut [impl Room<R>],
    ) -> io::Result<usize> {
        self.receive_batch(batch, payloads, NEVER)
    }

    /// Sends as [`send_to`](Self::send_to), without waiting.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the send buffer is full; the other errors of [`send_to`](Self::send_to).
    #[inline(always)]
    pub fn try_send_to(
        &self,
        payload: &[u8],
        control: &SendControl<'_>,
        to: SocketAddrV6,
    ) -> io::Result<usize> {
        self.send_parts(&[IoSlice::new(payload)], control, Some(&to), NEVER)
    }

    /// Sends as [`send`](Self::send), without waiting.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the send buffer is full; the other errors of [`send`](Self::send).
    pub fn try_send(&self, payload: &[u8], control: &SendControl<'_>) -> io::Result<usize> {
        self.send_parts(&[IoSlice::new(payload)], control, None, NEVER)
    }

    /// Sends as [`send_vectored`](Self::send_vectored), without waiting.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the send buffer is full; the other errors of [`send_vectored`](Self::send_vectored).
    pub fn try_send_vectored(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        to: SocketAddrV6,
    ) -> io::Result<usize> {
        self.send_parts(payload, control, Some(&to), NEVER)
    }

    /// Sends as [`send_with_flags`](Self::send_with_flags), without waiting.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the send buffer is full; the other errors of [`send_with_flags`](Self::send_with_flags).
    pub fn try_send_with_flags(
        &self,
        payload: &[u8],
        control: &SendControl<'_>,
        to: impl Into<Option<SocketAddrV6>>,
        flags: SendFlags,
    ) -> io::Result<usize> {
        self.send_flagged(payload, control, to.into(), flags, NEVER)
    }

    /// Sends as [`send_zero_copy`](Self::send_zero_copy), without waiting.
    ///
    /// Systems: Linux and Android.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the send buffer is full; the other errors of [`send_zero_copy`](Self::send_zero_copy).
    pub fn try_send_zero_copy(
        &self,
        payload: &'static [u8],
        control: &SendControl<'_>,
        to: impl Into<Option<SocketAddrV6>>,
    ) -> io::Result<usize> {
        self.send_static(payload, control, to.into(), NEVER)
    }

    /// Sends as [`send_messages`](Self::send_messages), without waiting.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the send buffer is full; the other errors of [`send_messages`](Self::send_messages).
    pub fn try_send_messages<const N: usize>(
        &self,
        payload: &[u8],
        messages: &Messages<Host, N>,
        to: impl Into<Option<SocketAddrV6>>,
    ) -> io::Result<usize> {
        self.send_messages_by(payload, messages, to.into(), NEVER)
    }

    /// Sends a batch as [`send_batch`](Self::send_batch), without waiting. A count below `messages.len()` also means that
    /// the send buffer is full; the next call then returns `WouldBlock`.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the send buffer has no room for the first message; the other errors of
    /// [`send_batch`](Self::send_batch).
    pub fn try_send_batch(&self, batch: &mut SendBatch, messages: &[Outgoing<'_>]) -> io::Result<usize> {
        self.send_batch_by(batch, messages, NEVER)
    }

    /// Sends all messages as [`send_batch_all`](Self::send_batch_all), without waiting.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// An error of kind `WouldBlock`, with the index of the first message for which the send buffer has no room; the other
    /// errors of [`send_batch_all`](Self::send_batch_all).
    pub fn try_send_batch_all(
        &self,
        batch: &mut SendBatch,
        messages: &[Outgoing<'_>],
    ) -> Result<(), SendAllError> {
        self.send_all_by(batch, messages, NEVER)
    }

    /// Sends segments as [`send_segments`](Self::send_segments), without waiting. A count below `payload.len()` also means
    /// that the send buffer is full; the next call then returns `WouldBlock`.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the send buffer has no room for the first datagram; the other errors of
    /// [`send_segments`](Self::send_segments).
    pub fn try_send_segments(
        &self,
        payload: &[u8],
        size: u16,
        control: &SendControl<'_>,
        to: impl Into<Option<SocketAddrV6>>,
    ) -> io::Result<usize> {
        self.send_segments_by(payload, size, control, to.into(), NEVER)
    }
}
