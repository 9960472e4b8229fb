//! Receiving many messages.

use super::calls::{self, BatchHeader};
use super::payload::Room;
use super::slot::RecvSlot;
use crate::fd::AsFd;
use crate::message::Caller;

/// Receives as many messages as there are headers, slots and payload buffers, at most [`MAX`](super::MAX): message `i`
/// into `payloads[i]`, with [`slots[i].arrival()`](RecvSlot::arrival) about it. Returns how many were received.
///
/// `flags` are [`MessageFlags`](crate::message::MessageFlags). With
/// [`WAIT_FOR_ONE`](crate::message::MessageFlags::WAIT_FOR_ONE) the call waits for the first message and also returns
/// those that are already there; without, it waits for all.
///
/// # Errors
///
/// As with [`message::receive`](crate::message::receive), if the first message fails. The next call returns an error of
/// a later message. Where messages are received one by one, the first header keeps that error until the next call with
/// the same descriptor; replace it by a new one before you use the headers with another socket.
#[doc(hidden)]
#[doc(alias = "recvmmsg")]
#[doc(alias = "ReadBatch")]
pub fn receive<const C: usize, R, K: Caller>(
    socket: impl AsFd,
    headers: &mut [BatchHeader],
    slots: &mut [RecvSlot<C>],
    payloads: &mut [impl Room<R>],
    flags: K,
) -> Result<usize, K::Error> {
    calls::receive(socket.as_fd(), headers, slots, payloads, flags)
}

/// Storage to receive up to `N` messages in one call, each with up to `C` bytes of control messages. Needs no allocator.
#[derive(Debug)]
pub struct RecvArray<const N: usize, const C: usize> {
    headers: [BatchHeader; N],
    slots: [RecvSlot<C>; N],
}

impl<const N: usize, const C: usize> RecvArray<N, C> {
    /// Creates empty storage.
    #[must_use]
    pub const fn new() -> Self {
        Self { headers: [const { BatchHeader::new() }; N], slots: [const { RecvSlot::new() }; N] }
    }

    /// Receives messages: at most `N`, at most [`MAX`](super::MAX), and at most as many as there are payload buffers.
    /// Returns their slots; slot `i` is about the message in `payloads[i]`.
    ///
    /// `flags` are [`MessageFlags`](crate::message::MessageFlags). With
    /// [`WAIT_FOR_ONE`](crate::message::MessageFlags::WAIT_FOR_ONE) the call waits for the first message and also
    /// returns those that are already there; without, it waits for all.
    ///
    /// # Errors
    ///
    /// As with [`message::receive`](crate::message::receive), if the first message fails. The next call returns an error
    /// of a later message. Where messages are received one by one, this value keeps that error until the next call with a
    /// socket of the same descriptor: create a new value for another socket.
    #[doc(alias = "recvmmsg", alias = "ReadBatch")]
    pub fn receive<R, K: Caller>(
        &mut self,
        socket: impl AsFd,
        payloads: &mut [impl Room<R>],
        flags: K,
    ) -> Result<&[RecvSlot<C>], K::Error> {
        let count = receive(socket, &mut self.headers, &mut self.slots, payloads, flags)?;
        Ok(self.slots.get(..count).unwrap_or(&self.slots))
    }
}

impl<const N: usize, const C: usize> Default for RecvArray<N, C> {
    fn default() -> Self {
        Self::new()
    }
}
