//! Receiving one datagram.

use std::io::{self, IoSliceMut};

use ipv6_sys::message::{self, ControlSpace, MessageFlags};

use super::PacketConn;
use crate::error;
use crate::fd::AsFd;
use crate::received::{Message, Received, sender};

impl<S: AsFd> PacketConn<S> {
    /// Receives one datagram into `payload`, with the control messages that
    /// [`set_control_flags`](crate::Conn::set_control_flags) enables.
    ///
    /// The part of the datagram that does not fit is lost: see [`Received::truncated`]. For control messages that options
    /// enable, use [`recv_message`](Self::recv_message).
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// - `TimedOut` after the [deadline](Self::set_read_deadline) or the [timeout](Self::set_read_timeout); `WouldBlock`
    ///   on a non-blocking socket, which never waits; on Windows it waits if there is a deadline or a timeout.
    /// - The error that the network reported for an earlier datagram (`ConnectionRefused`, for example; the report that it
    ///   was too long for its path has the [source](std::error::Error::source) `EMSGSIZE`), and `InvalidData` for control
    ///   messages that cannot be decoded. A server continues after both: [`is_about_peer`](crate::is_about_peer).
    /// - `BrokenPipe` when the socket is shut down for receiving and no datagram is left. On Linux, a non-blocking
    ///   socket returns `WouldBlock` then.
    #[doc(alias = "recvmsg", alias = "recvfrom", alias = "ReadFrom")]
    // Inlined, so that the result stays in registers.
    #[inline(always)]
    pub fn recv_from(&self, payload: &mut [u8]) -> io::Result<Received> {
        self.receive_one(payload, MessageFlags::empty())
    }

    #[inline(always)]
    pub(super) fn receive_one(&self, payload: &mut [u8], flags: MessageFlags) -> io::Result<Received> {
        if self.conn.control_flags().is_empty() {
            return self.receive_plain(payload, flags);
        }
        self.receive(&mut [IoSliceMut::new(payload)], flags)
    }

    /// Receives one datagram into several buffers, which are filled in order.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of [`recv_from`](Self::recv_from); `InvalidInput` for more than 1,024 buffers.
    #[doc(alias = "recvmsg", alias = "readv")]
    pub fn recv_vectored(&self, payload: &mut [IoSliceMut<'_>]) -> io::Result<Received> {
        self.receive(payload, MessageFlags::empty())
    }

    /// Receives one datagram into `payload`, and all its control messages into `control`. The returned [`Message`] borrows
    /// them.
    ///
    /// `control` can have any alignment; if it is not aligned to 8 bytes, up to 7 bytes stay unused.
    /// [`ControlFlags::space`](crate::ControlFlags::space) returns how many bytes the messages of flags need.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of [`recv_from`](Self::recv_from).
    ///
    /// ```
    /// use ipv6_std::{ControlFlags, PacketConn, SendControl};
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// conn.set_control_flags(ControlFlags::HOP_LIMIT, true)?;
    /// conn.send_to(b"x", &SendControl::new().with_hop_limit(9), conn.local_addr()?)?;
    ///
    /// let (mut payload, mut control) = ([0; 16], [0; 256]);
    /// let message = conn.recv_message(&mut payload, &mut control)?;
    /// for raw in message.raw_messages() {
    ///     println!("{:?}", raw?);
    /// }
    /// assert_eq!(message.control()?.hop_limit, Some(9));
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "recvmsg")]
    pub fn recv_message<'c>(&self, payload: &mut [u8], control: &'c mut [u8]) -> io::Result<Message<'c>> {
        self.receive_message(payload, control, MessageFlags::empty())
    }

    pub(super) fn receive_message<'c>(
        &self,
        payload: &mut [u8],
        control: &'c mut [u8],
        flags: MessageFlags,
    ) -> io::Result<Message<'c>> {
        let mut control = ControlSpace::from(control);
        let caller = self.read.on(self.as_fd()).with(flags);
        let received = message::receive(self.as_fd(), &mut [IoSliceMut::new(payload)], &mut control, caller)
            .map_err(error::received)?;
        sender(&received)?;
        Ok(Message::new(received, control.into_written()))
    }
}
