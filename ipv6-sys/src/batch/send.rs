//! Sending many messages.

use super::calls::{self, BatchHeader};
use super::outgoing::{Coalesce, Outgoing, Ports, SendError};
use super::payload::Part;
use super::slot::SendSlot;
use crate::fd::AsFd;
use crate::message::Caller;

/// The storage of a batch to send.
#[derive(Debug)]
pub struct SendStorage<'s, const C: usize> {
    /// One for each message, or several that go as one.
    pub headers: &'s mut [BatchHeader],
    /// Likewise.
    pub slots: &'s mut [SendSlot<C>],
    /// One for each buffer of messages that go as one: so many do at most.
    pub parts: &'s mut [Part],
}

/// Sends the messages in order, as many as there is storage for (at most [`MAX`](super::MAX)), and says how many went. A
/// message that fails ends the batch: those before it are sent, and counted.
///
/// Runs of messages that the system can take as one go as one, as far as `coalesce` allows.
///
/// # Errors
///
/// [`SendError`] when the first message fails: sending the rest again after a count below the number
/// of messages tells what was wrong. When several went as one ([`slots[0].messages()`](SendSlot::messages)), it may
/// be that the device refuses that.
#[doc(alias = "sendmmsg")]
#[doc(alias = "WriteBatch")]
pub fn send<'a, const C: usize, K: Caller>(
    socket: impl AsFd,
    storage: SendStorage<'_, C>,
    messages: &'a [Outgoing<'a>],
    coalesce: Coalesce,
    caller: K,
) -> Result<usize, SendError<K::Error>> {
    send_if(socket, storage, messages, |_| Some(Ports::Sent), coalesce, caller)
}

/// As [`send`], where `accept` says what a message's port means; with `None` it ends the batch before the message. It
/// is asked of messages that go alone, and of the first of those that go as one, which have the same destination and
/// control.
///
/// # Errors
///
/// Those of [`send`].
#[inline]
pub fn send_if<'a, const C: usize, K: Caller>(
    socket: impl AsFd,
    storage: SendStorage<'_, C>,
    messages: &'a [Outgoing<'a>],
    accept: impl FnMut(&Outgoing<'a>) -> Option<Ports>,
    coalesce: Coalesce,
    caller: K,
) -> Result<usize, SendError<K::Error>> {
    let SendStorage { headers, slots, parts } = storage;
    calls::send(socket.as_fd(), (headers, slots, parts), messages, accept, coalesce, caller)
}

/// Storage for sending up to `N` messages at once, or `N` runs of messages that go as one, without an allocator: each
/// with `C` bytes of control messages.
#[derive(Debug)]
pub struct SendArray<const N: usize, const C: usize> {
    headers: [BatchHeader; N],
    slots: [SendSlot<C>; N],
    parts: [Part; N],
}

impl<const N: usize, const C: usize> SendArray<N, C> {
    /// Room without messages.
    pub const fn new() -> Self {
        Self {
            headers: [const { BatchHeader::new() }; N],
            slots: [const { SendSlot::new() }; N],
            parts: [const { Part::new() }; N],
        }
    }

    /// Sends as [`send`] does.
    ///
    /// # Errors
    ///
    /// Those of [`send`].
    pub fn send<'a, K: Caller>(
        &mut self,
        socket: impl AsFd,
        messages: &'a [Outgoing<'a>],
        coalesce: Coalesce,
        caller: K,
    ) -> Result<usize, SendError<K::Error>> {
        let Self { headers, slots, parts } = self;
        send(socket, SendStorage { headers, slots, parts }, messages, coalesce, caller)
    }
}

impl<const N: usize, const C: usize> Default for SendArray<N, C> {
    fn default() -> Self {
        Self::new()
    }
}
