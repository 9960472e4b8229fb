//! Storage for batches: made once, used again and again.

use std::io;

use ipv6_core::{ControlFlags, Segments};
use ipv6_sys::batch::{self, BatchHeader, Part, RecvSlot, Room, SendSlot, SendStorage};
use ipv6_sys::message::Caller;

use crate::coalesce::Coalescing;
use crate::error;
use crate::fd::BorrowedFd;
use crate::received::Received;
use crate::space::{RECV_SPACE, SEND_SPACE};

/// Storage for receiving batches ([`PacketConn::recv_batch`](crate::PacketConn::recv_batch)). Making it
/// allocates; receiving with it does not, but for the first time on a socket that
/// [coalesces](crate::PacketConn::set_receive_coalescing).
#[derive(Debug)]
pub struct RecvBatch {
    headers: Vec<BatchHeader>,
    slots: Vec<RecvSlot<RECV_SPACE>>,
    /// How many messages the latest call received.
    count: usize,
    /// What was asked for when it did.
    wanted: ControlFlags,
    /// The socket that it received from.
    socket: usize,
    /// Where several datagrams come as one.
    coalesced: Option<Box<Coalesced>>,
    /// Whether the latest call received there.
    is_coalesced: bool,
}

/// Bytes of one payload at most.
const PAYLOAD: usize = 65_535;
/// Payloads in one system call at most, of which each holds up to 128 datagrams.
const PAYLOADS: usize = 16;

/// Datagrams that came as one, and are given out one by one.
#[derive(Debug)]
struct Coalesced {
    payloads: Vec<Box<[u8]>>,
    /// How many of the slots the latest system call filled.
    filled: usize,
    /// The first slot with something left, and where in its payload that starts.
    next: usize,
    offset: usize,
    /// What was given out: as many as the batch has room for.
    given: Vec<Given>,
}

/// One datagram that was given out.
#[derive(Clone, Copy, Debug)]
struct Given {
    slot: usize,
    len: usize,
    truncated: bool,
}

impl RecvBatch {
    /// Storage for as many messages; a call takes at most 1,024.
    pub fn new(capacity: usize) -> Self {
        let mut batch = Self {
            headers: Vec::new(),
            slots: Vec::new(),
            count: 0,
            wanted: ControlFlags::empty(),
            socket: 0,
            coalesced: None,
            is_coalesced: false,
        };
        batch.grow(capacity);
        batch
    }

    /// Makes room for as many messages, if there is less. What it holds stays.
    pub fn grow(&mut self, capacity: usize) {
        let capacity = capacity.max(self.capacity());
        self.headers.resize_with(capacity, BatchHeader::new);
        self.slots.resize_with(capacity, RecvSlot::new);
        if let Some(coalesced) = &mut self.coalesced {
            coalesced.grow(capacity);
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

    /// Whether there are datagrams that came together with the latest ones and had no room in the payload buffers of
    /// that call. The next call gives them out without asking the system, in which nobody sees them: to wait for more
    /// first, as with `poll` or an event loop, is to leave them waiting.
    pub fn has_more(&self) -> bool {
        self.coalesced.as_ref().is_some_and(|coalesced| coalesced.next < coalesced.filled)
    }

    /// Forgets what was received, also what was [left](Self::has_more) for the next call.
    pub fn clear(&mut self) {
        self.count = 0;
        if let Some(coalesced) = &mut self.coalesced {
            coalesced.filled = 0;
        }
        // Where there are no system calls for batches, it has the error that ended the latest.
        if let Some(first) = self.headers.first_mut() {
            *first = BatchHeader::new();
        }
    }

    /// What came with each message that the latest call received, in the order of its payload buffers.
    ///
    /// # Errors
    ///
    /// Each item is what [`recv_from`](crate::PacketConn::recv_from) would have returned: an error is that
    /// of one message, and the others stand.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = io::Result<Received>> {
        let coalesced = self.coalesced.as_deref().filter(|_| self.is_coalesced);
        // Datagrams that came as one have the same headers.
        let mut latest = None;
        (0..self.count).map(move |index| match coalesced {
            None => self.received(index),
            Some(coalesced) => self.given(coalesced.given[index], &mut latest),
        })
    }

    /// What came with the message in this slot.
    #[inline(always)]
    fn received(&self, slot: usize) -> io::Result<Received> {
        Received::new(self.slots[slot].arrival(), self.wanted)
    }

    /// What came with a datagram that was given out, of which `latest` may know it already.
    #[inline(never)]
    fn given(&self, given: Given, latest: &mut Option<(usize, Received)>) -> io::Result<Received> {
        let Given { slot, len, truncated } = given;
        let received = match latest {
            Some((of, received)) if *of == slot => received,
            latest => {
                let mut received = self.received(slot)?;
                received.control.segment_size = None;
                &mut latest.insert((slot, received)).1
            }
        };
        Ok(Received { len, truncated, ..*received })
    }

    /// Receives by `caller`: into `payloads`, or first of all as the system puts datagrams together.
    pub(crate) fn receive(
        &mut self,
        socket: BorrowedFd<'_>,
        caller: impl Caller<Error = io::Error>,
        wanted: ControlFlags,
        coalescing: &Coalescing,
        payloads: &mut [impl Room],
    ) -> io::Result<usize> {
        // Something may be left from before coalescing was switched off.
        let left = self.has_more();
        self.count = 0;
        if self.socket != coalescing.id() {
            if left {
                return Err(error::invalid("the batch still holds datagrams of another socket"));
            }
            self.clear();
            self.socket = coalescing.id();
        }
        self.is_coalesced = coalescing.receives() || left;
        if !self.is_coalesced {
            self.wanted = wanted;
            self.count = batch::receive(socket, &mut self.headers, &mut self.slots, payloads, caller)?;
            return Ok(self.count);
        }
        let Self { headers, slots, .. } = self;
        let coalesced = self.coalesced.get_or_insert_with(|| Box::new(Coalesced::new(slots.len())));
        if !left && !payloads.is_empty() {
            self.wanted = wanted;
            coalesced.filled = 0;
            coalesced.filled = batch::receive(socket, headers, slots, &mut coalesced.payloads, caller)?;
            (coalesced.next, coalesced.offset) = (0, 0);
        }
        coalesced.give(slots, payloads);
        self.count = coalesced.given.len();
        Ok(self.count)
    }
}

impl Coalesced {
    fn new(capacity: usize) -> Self {
        let mut coalesced = Self { payloads: Vec::new(), filled: 0, next: 0, offset: 0, given: Vec::new() };
        coalesced.grow(capacity);
        coalesced
    }

    /// Makes room for as many messages.
    fn grow(&mut self, capacity: usize) {
        self.payloads.resize_with(capacity.min(PAYLOADS), || vec![0; PAYLOAD].into_boxed_slice());
        self.given.reserve(capacity.saturating_sub(self.given.len()));
    }

    /// Gives out as many datagrams as there is room for.
    fn give(&mut self, slots: &[RecvSlot<RECV_SPACE>], payloads: &mut [impl Room]) {
        self.given.clear();
        let mut room = payloads.iter_mut().take(slots.len());
        while let Some((slot, payload)) =
            slots[..self.filled].get(self.next).zip(self.payloads.get(self.next))
        {
            let arrival = slot.arrival();
            let rest = payload.get(self.offset..arrival.len).unwrap_or_default();
            // An error in the control messages is told by `iter`; the payload is then one.
            let size = arrival.decode().ok().and_then(|control| control.segment_size);
            let mut datagrams = Segments::new(rest, size);
            let mut left = datagrams.len();
            for (datagram, payload) in datagrams.by_ref().zip(&mut room) {
                let len = batch::fill(payload, datagram);
                left -= 1;
                // What the system cut is missing at the end.
                let truncated = len < datagram.len() || (arrival.truncated() && left == 0);
                self.given.push(Given { slot: self.next, len, truncated });
                self.offset += datagram.len();
            }
            if left > 0 {
                return;
            }
            (self.next, self.offset) = (self.next + 1, 0);
        }
    }
}

/// Storage for sending batches ([`PacketConn::send_batch`](crate::PacketConn::send_batch)). Making it
/// allocates; sending with it does not.
#[derive(Debug)]
pub struct SendBatch {
    headers: Vec<BatchHeader>,
    slots: Vec<SendSlot<SEND_SPACE>>,
    parts: Vec<Part>,
}

impl SendBatch {
    /// Storage for as many messages in one system call, at least 1; more than 1,024 are never used.
    pub fn new(capacity: usize) -> Self {
        let mut batch = Self { headers: Vec::new(), slots: Vec::new(), parts: Vec::new() };
        batch.grow(capacity.max(1));
        batch
    }

    /// Makes room for as many messages, if there is less.
    pub fn grow(&mut self, capacity: usize) {
        let capacity = capacity.max(self.capacity());
        self.headers.resize_with(capacity, BatchHeader::new);
        self.slots.resize_with(capacity, SendSlot::new);
        self.parts.resize_with(capacity, Part::new);
    }

    /// How many messages go in one system call.
    pub fn capacity(&self) -> usize {
        self.parts.len()
    }

    pub(crate) fn storage(&mut self) -> SendStorage<'_, SEND_SPACE> {
        SendStorage { headers: &mut self.headers, slots: &mut self.slots, parts: &mut self.parts }
    }

    /// How many messages went, or were to go, as the first one of the system's.
    pub(crate) fn first_run(&self) -> usize {
        self.slots.first().map_or(0, SendSlot::messages)
    }
}
