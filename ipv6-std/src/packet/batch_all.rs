//! Batches that are sent whole.

use std::io::{self, ErrorKind};
use std::mem;

use ipv6_sys::Host;
use ipv6_sys::batch::Outgoing;
use ipv6_sys::message::MessageFlags;

use super::PacketConn;
use super::batch::{Sequence, failed};
use super::batch_order::Order;
use super::fast::Other;
use crate::error::Unsent;
use crate::fd::AsFd;
use crate::send_batch::{SendAllError, SendBatch};

impl<S: AsFd> PacketConn<S> {
    /// Sends all messages, or returns the index of a message that failed, and its error.
    ///
    /// Messages to one destination are sent in order. Where messages are [coalesced](Self::set_send_coalescing), those to
    /// one destination are sent together, before messages to other destinations that precede them; this takes a fraction
    /// of the time. Otherwise all are sent in the given order, and so are those with a
    /// [`TimestampRequest`](crate::message::TimestampRequest), because the system numbers timestamps in the order of sending.
    ///
    /// **After an error**, all messages before [`index`](SendAllError::index) were sent. [`SendBatch::is_sent`] returns
    /// which of those after it were sent. None of them has the destination of the message that failed. If no earlier message
    /// to that destination was sent since the latest error, none of them was sent. So after an unreachable destination,
    /// continue with the messages after the index; after a full send buffer or another error that may come at any time,
    /// leave out those that were sent (the example does, for all errors).
    ///
    /// A report that an earlier datagram was too long for its path does not end the call: the next send call returns it.
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
    /// let mut messages = messages.map(|payload| Outgoing::new(payload, SendControl::new(), to)).to_vec();
    ///
    /// let mut batch = SendBatch::new(32);
    /// let error = conn.send_batch_all(&mut batch, &messages).unwrap_err();
    /// assert_eq!(error.index(), 1);
    ///
    /// // Continue with the others.
    /// let mut index = 0..;
    /// messages.retain(|_| index.next().is_some_and(|index| index != error.index() && !batch.is_sent(index)));
    /// assert_eq!(messages.len(), 1);
    /// conn.send_batch_all(&mut batch, &messages)?;
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "sendmmsg", alias = "WriteBatch")]
    pub fn send_batch_all(
        &self,
        batch: &mut SendBatch,
        messages: &[Outgoing<'_>],
    ) -> Result<(), SendAllError> {
        self.send_all_by(batch, messages, MessageFlags::empty())
    }

    pub(super) fn send_all_by(
        &self,
        batch: &mut SendBatch,
        messages: &[Outgoing<'_>],
        flags: MessageFlags,
    ) -> Result<(), SendAllError> {
        self.start_batch(batch);
        self.send_rest(batch, messages, flags)
    }

    /// Notes that nothing was sent.
    pub(crate) fn start_batch(&self, batch: &mut SendBatch) {
        batch.order.restart(self.coalescing.id());
    }

    /// Sends those of `messages` that were not sent since [`start_batch`](Self::start_batch), without waiting.
    pub(crate) fn try_send_rest(
        &self,
        batch: &mut SendBatch,
        messages: &[Outgoing<'_>],
    ) -> Result<(), SendAllError> {
        self.send_rest(batch, messages, MessageFlags::DONT_WAIT)
    }

    /// Sends those of `messages` that were not sent since [`start_batch`](Self::start_batch).
    fn send_rest(
        &self,
        batch: &mut SendBatch,
        messages: &[Outgoing<'_>],
        flags: MessageFlags,
    ) -> Result<(), SendAllError> {
        let mut order = mem::take(&mut batch.order);
        let is_ordered = self.coalescing.limits().max_segments > 1 && has_more_destinations(messages);
        let result = if is_ordered || order.has_gaps() {
            self.send_ordered(batch, &mut order, messages, flags)
        } else {
            let rest = messages.get(order.start()..).unwrap_or_default();
            let (sent, unsent) = self.send_next(batch, &order, rest.iter(), flags);
            order.advance(sent);
            match unsent {
                Some(unsent) => Err((order.start(), failed(unsent, rest.get(sent)))),
                None => Ok(()),
            }
        };
        batch.order = order;
        result.map_err(|(index, error)| SendAllError::new(index, messages.len(), error))
    }

    /// Sends messages until one fails. Only the first of a call return an error that an earlier call left.
    fn send_next<'m>(
        &self,
        batch: &mut SendBatch,
        order: &Order,
        messages: impl Sequence<'m>,
        flags: MessageFlags,
    ) -> (usize, Option<Unsent<'m>>) {
        if order.start() == 0 && !order.has_gaps() {
            self.send_until_error(batch, messages, flags)
        } else {
            self.send_more(batch, messages, flags)
        }
    }

    /// Sends windows of messages in another order. Returns the index of the message that failed, with its error.
    fn send_ordered(
        &self,
        batch: &mut SendBatch,
        order: &mut Order,
        messages: &[Outgoing<'_>],
        flags: MessageFlags,
    ) -> Result<(), (usize, io::Error)> {
        while let Some(rest) = messages.get(order.start()..).filter(|rest| !rest.is_empty()) {
            // Messages that fail whatever their destination is: all before them are sent, none after them. Requested
            // timestamps too: the system numbers them in the order of sending.
            let stays = |message: &Outgoing<'_>| {
                message.payload.len() > MAX_PAYLOAD
                    || message.control.is_for_one::<Host>()
                    || matches!(self.check(&message.control, message.to.as_ref()), Err(Other::Refused))
            };
            order.plan(rest, stays);
            let (sent, unsent) = self.send_next(batch, order, order.sequence(rest), flags);
            let Some(unsent) = unsent else {
                order.finish(rest.len());
                continue;
            };
            let mut index = order.stop(sent);
            let mut error = failed(unsent, rest.get(index));
            let is_full = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
            order.forget(is_full);
            if is_full {
                return Err((order.sent(), error));
            }
            if order.plan_before(index) {
                let (sent, unsent) = self.send_more(batch, order.sequence(rest), flags);
                let first = order.stop(sent);
                if let Some(unsent) = unsent {
                    index = first;
                    error = failed(unsent, rest.get(index));
                }
            }
            return Err((order.start() + index, error));
        }
        Ok(())
    }
}

/// The most bytes of a UDP payload. The system refuses more.
const MAX_PAYLOAD: usize = 65_535 - 8;

/// Whether not all messages have the same destination.
fn has_more_destinations(messages: &[Outgoing<'_>]) -> bool {
    messages.first().is_some_and(|first| messages.iter().any(|message| message.to != first.to))
}
