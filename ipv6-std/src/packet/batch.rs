//! Batches: many datagrams in one system call.

use std::io;

use ipv6_sys::batch::{self, Coalesce, Outgoing, Policy, Room, Route, SendError};
use ipv6_sys::message::MessageFlags;

use super::PacketConn;
use super::fast::Other;
use super::send_error::explain;
use crate::coalesce;
use crate::deadline::Until;
use crate::error::{self, Refused, Unsent, from_network};
use crate::fd::AsFd;
use crate::recv_batch::RecvBatch;
use crate::send_batch::SendBatch;
use crate::space::BATCH_SEND_SPACE;

impl<S: AsFd> PacketConn<S> {
    /// Receives datagrams in one system call: waits for the first, then takes those that are already there, at most as
    /// many as `batch` has room for and there are `payloads`.
    ///
    /// Returns how many. The `i`-th is in `payloads[i]`; [`RecvBatch::iter`] and [`RecvBatch::messages`] return what came
    /// with each. A payload buffer is anything that lends bytes (`AsMut<[u8]>`), an [`IoSliceMut`](std::io::IoSliceMut), or
    /// several buffers (`&mut [IoSliceMut]`, [`Vectored`](crate::Vectored)).
    ///
    /// On a socket that [coalesces](Self::set_receive_coalescing), a call receives at most 16 payloads from the system,
    /// of up to 128 datagrams each, and splits them. Datagrams [left over](RecvBatch::has_more) from the previous call are
    /// returned first, without a system call. [`RecvBatch::keep_together`] returns whole payloads instead, without a copy.
    ///
    /// Systems: all. One system call on Linux, Android, NetBSD and OpenBSD; elsewhere one for each datagram.
    ///
    /// # Errors
    ///
    /// Those of [`recv_from`](Self::recv_from), when no datagram was received. An error after the first datagram is
    /// returned by the next call (with the same `batch`, on systems without calls for batches). `InvalidInput` when
    /// `batch` holds datagrams [left over](RecvBatch::has_more) from another socket, or a payload has more than 1,024
    /// buffers.
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
    /// // Waits for the first datagram. Usually, the second has arrived by then too.
    /// assert!(conn.recv_batch(&mut batch, &mut payloads)? >= 1);
    /// for (received, payload) in batch.iter().zip(&payloads) {
    ///     println!("{:?}", &payload[..received?.len]);
    /// }
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "recvmmsg", alias = "ReadBatch")]
    pub fn recv_batch<R>(&self, batch: &mut RecvBatch, payloads: &mut [impl Room<R>]) -> io::Result<usize> {
        self.receive_batch(batch, payloads, MessageFlags::empty())
    }

    pub(super) fn receive_batch<R>(
        &self,
        batch: &mut RecvBatch,
        payloads: &mut [impl Room<R>],
        flags: MessageFlags,
    ) -> io::Result<usize> {
        let caller = self.read.on(self.as_fd()).with(flags | MessageFlags::WAIT_FOR_ONE);
        let answer =
            batch.receive(self.as_fd(), caller, self.conn.control_flags(), &self.coalescing, payloads);
        answer.or_else(|error| {
            // The system checks the number of buffers before it returns a report.
            payloads.iter().try_for_each(|room| error::check_buffers(batch::count(room)))?;
            Err(error::received(error))
        })
    }

    /// Sends messages in order until one fails, in as few system calls as `batch` has room for, and returns how many
    /// were sent.
    ///
    /// **A count below `messages.len()` is not an error.** It means that the message at that index failed. Send the rest
    /// to get its error, or use [`send_batch_all`](Self::send_batch_all), which does. If this call gets an error that the
    /// network reported for one of its earlier messages, it sends on, and the next send call returns the error. The
    /// system itself (`sendmmsg(2)`) loses such an error in the middle of a system call: to receive all of them,
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
        self.send_batch_by(batch, messages, MessageFlags::empty())
    }

    pub(super) fn send_batch_by(
        &self,
        batch: &mut SendBatch,
        messages: &[Outgoing<'_>],
        flags: MessageFlags,
    ) -> io::Result<usize> {
        match self.send_until_error(batch, messages.iter(), flags) {
            (0, Some(unsent)) => Err(failed(unsent, messages.first())),
            (sent, Some(Unsent::System(error))) => Ok(self.send_on(batch, messages, sent, error, flags)),
            (sent, _) => Ok(sent),
        }
    }

    /// Continues a batch that failed with `error` after `sent` messages, which the number of sent messages cannot show.
    ///
    /// If the network caused the error, it may be about a message before. Then it does not come again, and the next send
    /// call returns it.
    #[cold]
    #[inline(never)]
    fn send_on(
        &self,
        batch: &mut SendBatch,
        messages: &[Outgoing<'_>],
        mut sent: usize,
        mut error: io::Error,
        flags: MessageFlags,
    ) -> usize {
        let mut late = None;
        while let Some(errno) = from_network(&error) {
            let rest = messages.get(sent..).unwrap_or_default();
            let (count, unsent) = self.send_more(batch, rest.iter(), flags);
            if count == 0 {
                // An error that comes again is returned by the next call. Otherwise only the second one may come again.
                if !matches!(&unsent, Some(Unsent::System(again)) if again.raw_os_error() == error.raw_os_error())
                {
                    late = Some(errno);
                }
                break;
            }
            (sent, late) = (sent + count, Some(errno));
            match unsent {
                Some(Unsent::System(next)) => error = next,
                _ => break,
            }
        }
        if let Some(errno) = late {
            self.write.keep_late(errno);
        }
        sent
    }

    /// Sends messages until one fails. Returns how many were sent, and why no more. Returns an error that an earlier call left.
    pub(super) fn send_until_error<'m>(
        &self,
        batch: &mut SendBatch,
        messages: impl Sequence<'m>,
        flags: MessageFlags,
    ) -> (usize, Option<Unsent<'m>>) {
        match self.late() {
            Err(error) => (0, Some(Unsent::System(error))),
            Ok(()) => self.send_more(batch, messages, flags),
        }
    }

    /// The same for more messages of one call: an error that its first messages left is for the next call.
    pub(super) fn send_more<'m>(
        &self,
        batch: &mut SendBatch,
        messages: impl Sequence<'m>,
        flags: MessageFlags,
    ) -> (usize, Option<Unsent<'m>>) {
        if !self.write.is_set_for_peer() {
            return self.send_all::<false>(batch, messages, flags);
        }
        if self.write.peer_is_unknown() && self.conn.carries_only_v6() {
            // It may have a port by now: then the next batches do not come here.
            self.note_peer();
        }
        if self.write.leaves_out() {
            self.send_without_left_out(batch, messages, flags)
        } else if messages.clone().any(to_peer) && self.peer_is_mapped() {
            self.send_all::<true>(batch, messages, flags)
        } else {
            self.send_all::<false>(batch, messages, flags)
        }
    }

    /// The same on a socket whose kernel leaves out messages. Sends those before the first with such a message.
    #[cold]
    fn send_without_left_out<'m>(
        &self,
        batch: &mut SendBatch,
        messages: impl Sequence<'m>,
        flags: MessageFlags,
    ) -> (usize, Option<Unsent<'m>>) {
        let mut refusals =
            messages.clone().map(|message| self.left_out::<BATCH_SEND_SPACE>(&message.control)).enumerate();
        match refusals.find_map(|(index, refused)| Some(index).zip(refused)) {
            Some((index, refused)) => {
                let (sent, unsent) = self.send_all::<false>(batch, messages.take(index), flags);
                (sent, unsent.or(Some(refused.into())))
            }
            None => self.send_all::<false>(batch, messages, flags),
        }
    }

    /// The same. `TO_MAPPED`: a message without a destination is for an IPv4-mapped peer, and one to `::` is sent over IPv4.
    fn send_all<'m, const TO_MAPPED: bool>(
        &self,
        batch: &mut SendBatch,
        mut messages: impl Sequence<'m>,
        flags: MessageFlags,
    ) -> (usize, Option<Unsent<'m>>) {
        let (mut sent, mut caller) = (0, self.write.on(self.as_fd()).with(flags));
        while let Some(first) = messages.clone().next() {
            match self.send_some::<TO_MAPPED>(batch, first, messages.clone(), &mut caller) {
                Ok(0) => {}
                Ok(count) => {
                    sent += count;
                    messages.nth(count - 1);
                }
                Err(unsent) => return (sent, Some(unsent)),
            }
        }
        (sent, None)
    }

    /// Sends the first of `messages`, at least one, in one system call, or in more when the system or the device refuses
    /// to coalesce them.
    fn send_some<'m, const TO_MAPPED: bool>(
        &self,
        batch: &mut SendBatch,
        first: &'m Outgoing<'m>,
        messages: impl Sequence<'m>,
        caller: &mut Until<'_>,
    ) -> Result<usize, Unsent<'m>> {
        // A message that is refused here ends the system call before it. As the first it is an error.
        if let Err(Other::Refused) = self.check(&first.control, first.to.as_ref()) {
            return Err(self.refusal(&first.control, first.to.as_ref()).into());
        }
        let limits = self.coalescing.limits();
        match self.send_with_limits::<TO_MAPPED>(batch, messages.clone(), limits, caller) {
            Err(Unsent::System(error)) if coalesce::is_doubtful(&error, batch.first_run()) => {
                self.send_again::<TO_MAPPED>(batch, first, messages, limits, error, caller)
            }
            answer => answer,
        }
    }

    fn send_with_limits<'m, const TO_MAPPED: bool>(
        &self,
        batch: &mut SendBatch,
        messages: impl Sequence<'m>,
        limits: Coalesce,
        caller: &mut Until<'_>,
    ) -> Result<usize, Unsent<'m>> {
        let socket = self.as_fd();
        let policy = ToPeer::<_, TO_MAPPED>(self);
        match batch::send_by(socket, batch.storage(), messages, &policy, limits, caller) {
            Ok(count) => Ok(count),
            Err(SendError::Control(error)) => Err(Refused::Control(error).into()),
            Err(SendError::Os(error)) => Err(Unsent::System(error)),
        }
    }

    /// Sends after a first call that failed with an error that may not be about its own messages. Coalesces fewer if the
    /// error is about this.
    #[cold]
    #[inline(never)]
    fn send_again<'m, const TO_MAPPED: bool>(
        &self,
        batch: &mut SendBatch,
        first: &'m Outgoing<'m>,
        messages: impl Sequence<'m>,
        limits: Coalesce,
        error: io::Error,
        caller: &mut Until<'_>,
    ) -> Result<usize, Unsent<'m>> {
        let (to, size) = (first.to.as_ref(), first.payload.len());
        let (mut most, mut limits) = (usize::MAX, limits);
        let (mut first_answer, mut refused) = (Some(Err(Unsent::System(error))), None);
        loop {
            let run = batch.first_run();
            let mut send =
                || self.send_with_limits::<TO_MAPPED>(batch, messages.clone().take(most), limits, caller);
            let answer = first_answer.take().unwrap_or_else(&mut send);
            let error = match (self.confirm(answer, (run, size), send), refused) {
                (Err(Unsent::System(error)), _) => error,
                (Ok(count), Some(error)) => {
                    self.learn(limits, to, size, &error);
                    return Ok(count);
                }
                (answer, _) => return answer,
            };
            // Only those that were refused: the others may be accepted.
            let run = batch.first_run();
            let Some(fewer) = coalesce::fewer(limits, &error, run, size) else {
                return Err(Unsent::System(error));
            };
            (most, limits, refused) = (run, fewer, Some(error));
        }
    }
}

/// Messages in the order of sending.
pub(super) trait Sequence<'m>: Iterator<Item = &'m Outgoing<'m>> + Clone {}

impl<'m, T: Iterator<Item = &'m Outgoing<'m>> + Clone> Sequence<'m> for T {}

/// Whether the peer of the socket decides over which family the message is sent.
fn to_peer(message: &Outgoing<'_>) -> bool {
    message.to.is_none_or(|to| to.ip().is_unspecified())
}

/// How the messages of a batch are sent on a socket. `TO_MAPPED`: a message without a destination is for an IPv4-mapped
/// peer, and one to `::` is sent over IPv4.
struct ToPeer<'c, S, const TO_MAPPED: bool>(&'c PacketConn<S>);

impl<S: AsFd, const TO_MAPPED: bool> Policy for ToPeer<'_, S, TO_MAPPED> {
    #[inline(always)]
    fn route(&self, message: &Outgoing<'_>) -> Option<Route> {
        let Self(conn) = self;
        match conn.check(&message.control, message.to.as_ref()) {
            Ok(()) if TO_MAPPED && conn.is_mapped(message.to.as_ref()) => Some(Route::Ipv4),
            Ok(()) => Some(Route::Ipv6(conn.ports)),
            Err(Other::Mapped) => Some(Route::Ipv4),
            Err(Other::Refused) => None,
        }
    }

    #[inline(always)]
    fn max_size(&self, message: &Outgoing<'_>) -> usize {
        self.0.coalescing.max_size(message.to.as_ref(), message.payload.len(), 1)
    }
}

/// The error of a message that was not sent.
#[cold]
pub(super) fn failed(unsent: Unsent<'_>, message: Option<&Outgoing<'_>>) -> io::Error {
    match (unsent, message) {
        (Unsent::System(error), Some(message)) => explain(error, &message.control, message.to.as_ref()),
        (unsent, _) => unsent.into(),
    }
}
