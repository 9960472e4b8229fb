//! Batches, and coalescing.

use std::io;
use std::time::Duration;

use ipv6_sys::Errno;
use ipv6_sys::batch::{self, Outgoing, Room, SendError};
use ipv6_sys::message::MessageFlags;
use ipv6_sys::option;
use ipv6_sys::wait::{Ready, wait};

use super::PacketConn;
use crate::coalesce;
use crate::deadline::Until;
use crate::error::{self, Refused, Unsent};
use crate::fd::{AsFd, BorrowedFd};
use crate::recv_batch::RecvBatch;
use crate::send_batch::{SendAllError, SendBatch};

impl<S: AsFd> PacketConn<S> {
    /// Receives datagrams in one system call: waits for the first, then takes those that are already there, at most as
    /// many as `batch` has room for and there are `payloads`.
    ///
    /// Returns how many. The `i`-th is in `payloads[i]`; [`RecvBatch::iter`] and [`RecvBatch::messages`] return what came
    /// with each. A payload is anything that lends bytes (`AsMut<[u8]>`), or several buffers
    /// ([`Vectored`](crate::Vectored)).
    ///
    /// On a socket that [coalesces](Self::set_receive_coalescing), a call receives at most 16 payloads from the system,
    /// of up to 128 datagrams each. Datagrams [left over](RecvBatch::has_more) from the previous call are returned
    /// first, without a system call.
    ///
    /// Systems: all. One system call on Linux, Android, NetBSD and OpenBSD; elsewhere one for each datagram.
    ///
    /// # Errors
    ///
    /// Those of [`recv_from`](Self::recv_from), when no datagram was received. An error after the first datagram is
    /// returned by the next call (with the same `batch`, on systems without calls for batches). `InvalidInput` when
    /// `batch` holds datagrams [left over](RecvBatch::has_more) from another socket.
    ///
    /// ```
    /// use ipv6_std::{PacketConn, RecvBatch, SendControl};
    ///
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// for text in ["one", "two"] {
    ///     conn.send_to(text.as_bytes(), &SendControl::new(), conn.local_addr()?)?;
    /// }
    ///
    /// // Create once, use again and again.
    /// let mut batch = RecvBatch::new(32);
    /// let mut payloads = vec![[0; 1500]; 32];
    /// assert_eq!(conn.recv_batch(&mut batch, &mut payloads)?, 2);
    /// for (received, payload) in batch.iter().zip(&payloads) {
    ///     println!("{:?}", &payload[..received?.len]);
    /// }
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "recvmmsg", alias = "ReadBatch")]
    pub fn recv_batch(&self, batch: &mut RecvBatch, payloads: &mut [impl Room]) -> io::Result<usize> {
        let caller = self.read.on(self.as_fd()).with(MessageFlags::WAIT_FOR_ONE);
        batch.receive(self.as_fd(), caller, self.conn.control_flags(), &self.coalescing, payloads)
    }

    /// Sends messages in order until one fails, in as few system calls as `batch` has room for, and returns how many
    /// were sent.
    ///
    /// **A count below `messages.len()` is not an error.** It means that the message at that index failed. Send the rest
    /// to get its error, or use [`send_batch_all`](Self::send_batch_all), which does. As with `sendmmsg(2)`, an error
    /// that the network reported for an earlier datagram can be lost in between: to receive all of them,
    /// [queue errors](Self::set_queue_errors).
    ///
    /// Systems: all. One system call for each batch on Linux, Android, NetBSD and OpenBSD; elsewhere one for each
    /// message.
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](Self::send_to), for the first message.
    ///
    /// ```
    /// use ipv6_std::{Outgoing, PacketConn, SendBatch, SendControl};
    ///
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// let to = Some(conn.local_addr()?);
    /// let control = SendControl::new().with_traffic_class(0x28);
    /// let messages = [b"one", b"two"].map(|text| Outgoing::new(text, control, to));
    ///
    /// let mut batch = SendBatch::new(32); // create once, use again and again
    /// let mut rest = &messages[..];
    /// while !rest.is_empty() {
    ///     match conn.send_batch(&mut batch, rest) {
    ///         Ok(sent) => rest = &rest[sent..],
    ///         Err(error) => {
    ///             eprintln!("to {:?}: {error}", rest[0].to);
    ///             rest = &rest[1..]; // continue with the next one
    ///         }
    ///     }
    /// }
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "sendmmsg", alias = "WriteBatch")]
    pub fn send_batch(&self, batch: &mut SendBatch, messages: &[Outgoing<'_>]) -> io::Result<usize> {
        match self.send_until_error(batch, messages) {
            (0, Some(unsent)) => Err(unsent.into()),
            (sent, _) => Ok(sent),
        }
    }

    /// Sends all messages in order, or returns the index of the message that failed, and its error. The messages before
    /// it were sent, those after it were not.
    ///
    /// A message that fails is tried once more when others were sent before it in the same system call, which does not
    /// return the error.
    ///
    /// Systems: all, as [`send_batch`](Self::send_batch).
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](Self::send_to). [`SendAllError`] converts into an [`io::Error`] with `?`.
    ///
    /// ```
    /// use ipv6_std::{Outgoing, PacketConn, SendBatch, SendControl};
    ///
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// let to = Some(conn.local_addr()?);
    /// let too_long = [0; 65_528];
    /// let messages = [b"one".as_slice(), &too_long, b"three"];
    /// let messages = messages.map(|payload| Outgoing::new(payload, SendControl::new(), to));
    ///
    /// let mut batch = SendBatch::new(32);
    /// let error = conn.send_batch_all(&mut batch, &messages).unwrap_err();
    /// assert_eq!(error.index(), 1);
    /// conn.send_batch_all(&mut batch, &messages[error.index() + 1..])?;
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "sendmmsg", alias = "WriteBatch")]
    pub fn send_batch_all(
        &self,
        batch: &mut SendBatch,
        messages: &[Outgoing<'_>],
    ) -> Result<(), SendAllError> {
        match self.send_until_error(batch, messages) {
            (sent, Some(unsent)) => Err(SendAllError::new(sent, messages.len(), unsent.into())),
            (_, None) => Ok(()),
        }
    }

    /// Sends messages until one fails. Returns how many were sent, and why no more.
    fn send_until_error<'m>(
        &self,
        batch: &mut SendBatch,
        messages: &'m [Outgoing<'m>],
    ) -> (usize, Option<Unsent<'m>>) {
        let (mut sent, mut caller) = (0, self.write.on(self.as_fd()));
        while let Some(rest) = messages.get(sent..).filter(|rest| !rest.is_empty()) {
            match self.send_some(batch, rest, &mut caller) {
                Ok(count) => sent += count,
                Err(unsent) => return (sent, Some(unsent)),
            }
        }
        (sent, None)
    }

    /// Sends the first of `messages`, at least one, in one system call, or in more when the system or the device refuses
    /// to coalesce them.
    fn send_some<'m>(
        &self,
        batch: &mut SendBatch,
        messages: &'m [Outgoing<'m>],
        caller: &mut Until<'_>,
    ) -> Result<usize, Unsent<'m>> {
        // A message that is refused here ends the system call before it. As the first it is an error.
        let Some(first) = messages.first() else { return Ok(0) };
        self.check(&first.control, first.to.as_ref())?;
        let socket = self.as_fd();
        let (mut limits, mut refused) = (self.coalescing.limits(), false);
        loop {
            let accept = |message: &Outgoing<'_>| {
                self.check(&message.control, message.to.as_ref()).ok().map(|()| self.ports)
            };
            let answer = batch::send_if(socket, batch.storage(), messages, accept, limits, &mut *caller);
            let error = match answer {
                Ok(count) => {
                    if refused {
                        self.coalescing.learn(limits);
                    }
                    return Ok(count);
                }
                Err(SendError::Control(error)) => return Err(Refused::Control(error).into()),
                Err(SendError::Os(error)) => error,
            };
            match coalesce::fewer(limits, &error, batch.first_run(), first.payload.len()) {
                Some(fewer) => (limits, refused) = (fewer, true),
                None => return Err(Unsent::System(error)),
            }
        }
    }

    /// Sets whether [`send_batch`](Self::send_batch) coalesces messages: hands several to the system as one. The default
    /// is `true` where the system can.
    ///
    /// Consecutive messages with the same destination, the same control messages and the same size (the last may be
    /// shorter) go to the system as one, which splits them again (`UDP_SEGMENT`). The receiver gets separate datagrams.
    ///
    /// Enabling it, even if it is enabled, forgets what was [refused](Self::coalescing_refused): call it after the route
    /// has changed to another device.
    ///
    /// Systems: Linux and Android, UDP sockets. No effect elsewhere.
    #[doc(alias = "UDP_SEGMENT", alias = "GSO")]
    pub fn set_send_coalescing(&self, on: bool) {
        self.coalescing.set_send(on);
    }

    /// Returns whether [`send_batch`](Self::send_batch) coalesces messages.
    #[must_use]
    pub fn send_coalescing(&self) -> bool {
        self.coalescing.sends()
    }

    /// Returns how many messages [`send_batch`](Self::send_batch) coalesces at most. 1: the system cannot, or the device
    /// has refused.
    ///
    /// Starts at Linux's maximum, 128; lowered after a refusal. Kernels before 6.9 accept 64. A socket with
    /// `UDP_NO_CHECK6_TX` accepts 1. Coalesced messages have at most 65,487 bytes together, so large messages reach that
    /// limit first.
    #[doc(alias = "UDP_MAX_SEGMENTS")]
    #[must_use]
    pub fn max_segments(&self) -> usize {
        self.coalescing.max_segments().into()
    }

    /// Returns how many times a device or the system has refused coalesced messages. Those messages were sent again,
    /// alone or with fewer others, as are all messages after them.
    #[must_use]
    pub fn coalescing_refused(&self) -> u32 {
        self.coalescing.refused()
    }

    /// Sets whether the system coalesces received datagrams: consecutive ones of one sender with the same headers
    /// (`UDP_GRO`).
    ///
    /// [`recv_batch`](Self::recv_batch) splits them again, so that its results do not change. Every other receive
    /// returns several datagrams in one payload, with the size of each in [`RecvControl::segment_size`], and needs a
    /// buffer of 65,535 bytes: see [`Segments`](crate::Segments).
    ///
    /// Change it while no other thread receives: a call that already waits has a buffer for one datagram, or would lose
    /// the sizes. A wrapper reads the option when it is [created](Self::new): set it on each wrapper of a copy of the
    /// socket (`try_clone`).
    ///
    /// Systems: Linux and Android, UDP sockets.
    ///
    /// # Errors
    ///
    /// `Unsupported` where the system has no such option; the system's error for sockets other than UDP. `ResourceBusy`
    /// when disabling it while a datagram or an error waits on the socket; it then stays enabled. Linux would no longer
    /// report the sizes of datagrams that it has already coalesced.
    ///
    /// ```
    /// use ipv6_std::{Outgoing, PacketConn, RecvBatch, SendBatch, SendControl};
    ///
    /// let (sender, receiver) = (PacketConn::bind("[::1]:0")?, PacketConn::bind("[::1]:0")?);
    /// # if cfg!(target_os = "linux") {
    /// receiver.set_receive_coalescing(true)?;
    /// # }
    /// let to = Some(receiver.local_addr()?);
    /// let messages = [b"one", b"two"].map(|text| Outgoing::new(text, SendControl::new(), to));
    /// sender.send_batch_all(&mut SendBatch::new(8), &messages)?; // one message for the system
    ///
    /// let (mut batch, mut payloads) = (RecvBatch::new(8), vec![[0; 1500]; 8]);
    /// assert_eq!(receiver.recv_batch(&mut batch, &mut payloads)?, 2);
    /// assert_eq!(&payloads[1][..3], b"two");
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// [`RecvControl::segment_size`]: crate::RecvControl::segment_size
    #[doc(alias = "UDP_GRO")]
    pub fn set_receive_coalescing(&self, on: bool) -> io::Result<()> {
        let (socket, ends) = (self.as_fd(), self.coalescing.receives() && !on);
        let busy = "datagrams or errors wait on the socket: receive them before disabling coalescing";
        // First, because the system reports no sizes while the option is off.
        if ends && something_waits(socket)? {
            return Err(error::busy(busy));
        }
        option::COALESCE.set(socket, on)?;
        // Datagrams are separate from now on. Some may have arrived in between.
        if ends && something_waits(socket)? {
            option::COALESCE.set(socket, true)?;
            return Err(error::busy(busy));
        }
        self.coalescing.set_receive(on);
        Ok(())
    }

    /// Returns whether the system coalesces received datagrams
    /// ([`set_receive_coalescing`](Self::set_receive_coalescing)).
    #[must_use]
    pub fn receive_coalescing(&self) -> bool {
        self.coalescing.receives()
    }
}

/// Whether a datagram or an error waits on the socket.
fn something_waits(socket: BorrowedFd<'_>) -> io::Result<bool> {
    loop {
        match wait(socket, Ready::Receive, Some(Duration::ZERO)) {
            Err(Errno::INTR) => {}
            answer => return Ok(answer?),
        }
    }
}
