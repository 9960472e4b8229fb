//! Coalesced payloads, split into their datagrams.

use std::io;

use ipv6_core::{RecvControl, Segments};
use ipv6_sys::Host;
use ipv6_sys::batch::{self, BatchHeader, RecvSlot, Room};
use ipv6_sys::message::Caller;

use crate::fd::BorrowedFd;
use crate::received::datagrams;
use crate::space::RECV_SPACE;

/// Bytes of the largest payload.
const PAYLOAD: usize = 65_535;
/// Most payloads of one system call. Each holds up to 128 datagrams.
const PAYLOADS: usize = 16;

/// Storage for coalesced payloads, and the position of the first datagram that was not returned yet.
#[derive(Debug)]
pub(crate) struct Coalesced {
    payloads: Vec<Box<[u8]>>,
    /// How many slots the last system call filled.
    filled: usize,
    /// The first slot that is not finished, and the offset in its payload.
    next: usize,
    offset: usize,
    /// The datagrams that the last call returned. Never more than the batch has slots.
    given: Vec<Given>,
}

/// One datagram that was returned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    pub(crate) slot: usize,
    pub(crate) len: usize,
    pub(crate) truncated: bool,
}

impl Coalesced {
    pub(crate) fn new(capacity: usize) -> Self {
        let mut coalesced = Self { payloads: Vec::new(), filled: 0, next: 0, offset: 0, given: Vec::new() };
        coalesced.grow(capacity);
        coalesced
    }

    /// Grows the storage to `capacity` datagrams.
    pub(crate) fn grow(&mut self, capacity: usize) {
        self.payloads.resize_with(capacity.min(PAYLOADS), || vec![0; PAYLOAD].into_boxed_slice());
        self.given.reserve(capacity.saturating_sub(self.given.len()));
    }

    /// Whether there are datagrams that were not returned yet.
    pub(crate) fn has_more(&self) -> bool {
        self.next < self.filled
    }

    /// Discards all datagrams.
    pub(crate) fn clear(&mut self) {
        self.filled = 0;
    }

    /// A datagram that the last call returned.
    pub(crate) fn given(&self, index: usize) -> Option<Given> {
        self.given.get(index).copied()
    }

    /// Receives payloads from the system.
    pub(crate) fn receive(
        &mut self,
        socket: BorrowedFd<'_>,
        headers: &mut [BatchHeader],
        slots: &mut [RecvSlot<RECV_SPACE>],
        caller: impl Caller<Error = io::Error>,
    ) -> io::Result<()> {
        self.filled = 0;
        let count = batch::receive(socket, headers, slots, &mut self.payloads, caller)?;
        self.filled = datagrams(slots, count)?;
        (self.next, self.offset) = (0, 0);
        Ok(())
    }

    /// Copies the next datagrams into `payloads`, as many as fit, and returns how many.
    pub(crate) fn give<R>(&mut self, slots: &[RecvSlot<RECV_SPACE>], payloads: &mut [impl Room<R>]) -> usize {
        self.given.clear();
        let mut room = payloads.iter_mut().take(slots.len());
        while let Some((slot, payload)) =
            slots[..self.filled].get(self.next).zip(self.payloads.get(self.next))
        {
            let arrival = slot.arrival();
            let rest = payload.get(self.offset..arrival.len).unwrap_or_default();
            // `iter` reports an error in the control messages. The payload then is one datagram.
            // Most messages have the kernel's order, which is the fastest to decode.
            let in_order = RecvControl::decode_in_order::<Host>(arrival.control);
            let size = in_order.or_else(|| arrival.decode().ok()).and_then(|control| control.segment_size);
            let mut datagrams = Segments::new(rest, size);
            let mut left = datagrams.len();
            for (datagram, payload) in datagrams.by_ref().zip(&mut room) {
                let len = batch::fill(payload, datagram);
                left -= 1;
                // What the system cut off is missing at the end.
                let truncated = len < datagram.len() || (arrival.truncated() && left == 0);
                self.given.push(Given { slot: self.next, len, truncated });
                self.offset += datagram.len();
            }
            if left > 0 {
                break;
            }
            (self.next, self.offset) = (self.next + 1, 0);
        }
        self.given.len()
    }
}
