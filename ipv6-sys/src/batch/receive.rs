//! Receiving many messages.

use super::calls::{self, BatchHeader};
use super::payload::Room;
use super::slot::RecvSlot;
use crate::fd::AsFd;
use crate::message::Caller;

/// Receives as many messages as there are headers, slots and payload buffers (at most [`MAX`](super::MAX)): the
/// `i`-th into `payloads[i]`, with [`slots[i].arrival()`](RecvSlot::arrival) about it. Says how many
/// came.
///
/// With [`MessageFlags::WAIT_FOR_ONE`](crate::message::MessageFlags::WAIT_FOR_ONE) it waits for one and takes what else is there; without, it waits
/// for all.
///
/// # Errors
///
/// As with [`message::receive`](crate::message::receive), when not a single message came. What fails
/// after the first is reported by the next call. Where messages come one by one, the first of `headers` keeps it: new
/// headers forget it, as another socket's with the same number is to.
#[doc(alias = "recvmmsg")]
#[doc(alias = "ReadBatch")]
pub fn receive<const C: usize, K: Caller>(
    socket: impl AsFd,
    headers: &mut [BatchHeader],
    slots: &mut [RecvSlot<C>],
    payloads: &mut [impl Room],
    caller: K,
) -> Result<usize, K::Error> {
    calls::receive(socket.as_fd(), headers, slots, payloads, caller)
}

/// Storage for receiving up to `N` messages at once, without an allocator: each with `C` bytes of control messages.
#[derive(Debug)]
pub struct RecvArray<const N: usize, const C: usize> {
    headers: [BatchHeader; N],
    slots: [RecvSlot<C>; N],
}

impl<const N: usize, const C: usize> RecvArray<N, C> {
    /// Room without messages.
    pub const fn new() -> Self {
        Self { headers: [const { BatchHeader::new() }; N], slots: [const { RecvSlot::new() }; N] }
    }

    /// Receives as [`receive`] does, and gives the slots of the messages that came.
    ///
    /// # Errors
    ///
    /// Those of [`receive`].
    pub fn receive<K: Caller>(
        &mut self,
        socket: impl AsFd,
        payloads: &mut [impl Room],
        caller: K,
    ) -> Result<&[RecvSlot<C>], K::Error> {
        let count = receive(socket, &mut self.headers, &mut self.slots, payloads, caller)?;
        Ok(self.slots.get(..count).unwrap_or(&self.slots))
    }
}

impl<const N: usize, const C: usize> Default for RecvArray<N, C> {
    fn default() -> Self {
        Self::new()
    }
}
