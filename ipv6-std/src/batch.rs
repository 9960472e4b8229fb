//! Storage for batches: made once, used again and again.

use std::io;

use ipv6_core::ControlFlags;
use ipv6_sys::batch::{BatchHeader, RecvSlot, SendSlot};

use crate::packet::{RECV_SPACE, Received, SEND_SPACE};

/// Storage for receiving batches ([`PacketConn::recv_batch`](crate::PacketConn::recv_batch)). Making it
/// allocates; receiving with it does not.
#[derive(Debug)]
pub struct RecvBatch {
    headers: Box<[BatchHeader]>,
    slots: Box<[RecvSlot<RECV_SPACE>]>,
    /// How many of the slots the latest call filled.
    count: usize,
    /// What was asked for when it did.
    wanted: ControlFlags,
}

impl RecvBatch {
    /// Storage for as many messages; a call takes at most 1,024.
    pub fn new(capacity: usize) -> Self {
        Self {
            headers: (0..capacity).map(|_| BatchHeader::new()).collect(),
            slots: (0..capacity).map(|_| RecvSlot::new()).collect(),
            count: 0,
            wanted: ControlFlags::empty(),
        }
    }

    /// How many messages there is room for.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// How many messages the latest call received.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether the latest call received none, as before the first call.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What came with each message that the latest call received, in the order of its payload buffers.
    ///
    /// # Errors
    ///
    /// Each item is what [`recv_from`](crate::PacketConn::recv_from) would have returned: an error is that
    /// of one message, and the others stand.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = io::Result<Received>> {
        let received = self.slots.iter().take(self.count);
        received.map(|slot| Received::new(slot.received(), slot.control(), self.wanted))
    }

    /// Fills the slots with `call`, which says how many.
    pub(crate) fn receive(
        &mut self,
        wanted: ControlFlags,
        call: impl FnOnce(&mut [BatchHeader], &mut [RecvSlot<RECV_SPACE>]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.count = 0;
        self.wanted = wanted;
        self.count = call(&mut self.headers, &mut self.slots)?;
        Ok(self.count)
    }
}

/// Storage for sending batches ([`PacketConn::send_batch`](crate::PacketConn::send_batch)). Making it
/// allocates; sending with it does not.
#[derive(Debug)]
pub struct SendBatch {
    headers: Box<[BatchHeader]>,
    slots: Box<[SendSlot<SEND_SPACE>]>,
}

impl SendBatch {
    /// Storage for as many messages in one system call, at least 1; more than 1,024 are never used.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self {
            headers: (0..capacity).map(|_| BatchHeader::new()).collect(),
            slots: (0..capacity).map(|_| SendSlot::new()).collect(),
        }
    }

    /// How many messages go in one system call.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn parts(&mut self) -> (&mut [BatchHeader], &mut [SendSlot<SEND_SPACE>]) {
        (&mut self.headers, &mut self.slots)
    }
}
