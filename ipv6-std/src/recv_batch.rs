//! Storage for receiving batches.

use std::fmt;
use std::io;
use std::iter::FusedIterator;
use std::ops::Range;

use ipv6_core::ControlFlags;
use ipv6_sys::batch::{self, BatchHeader, RecvSlot, Room};
use ipv6_sys::message::Caller;

use crate::coalesce::Coalescing;
use crate::coalesced::{Coalesced, Given};
use crate::error;
use crate::fd::BorrowedFd;
use crate::received::{Message, Received, datagrams};
use crate::space::RECV_SPACE;

/// Storage for receiving batches ([`PacketConn::recv_batch`](crate::PacketConn::recv_batch)).
///
/// Creating it allocates. Receiving does not, except the first time on a socket that
/// [coalesces](crate::PacketConn::set_receive_coalescing), if the batch splits the payloads.
#[derive(Debug)]
#[doc(alias = "mmsghdr", alias = "Message")]
pub struct RecvBatch {
    headers: Vec<BatchHeader>,
    slots: Vec<RecvSlot<RECV_SPACE>>,
    /// How many datagrams the last call received.
    count: usize,
    /// The flags at that call.
    wanted: ControlFlags,
    /// The socket of that call.
    socket: usize,
    /// Storage for coalesced payloads, once they are used.
    coalesced: Option<Box<Coalesced>>,
    /// Whether the last call used it.
    is_coalesced: bool,
    /// Whether coalesced payloads are returned whole.
    together: bool,
}

impl RecvBatch {
    /// Creates storage for `capacity` datagrams. One call receives at most 1,024. With capacity 0, each call returns 0 at once.
    ///
    /// # Panics
    ///
    /// If `capacity` datagrams take more than `isize::MAX` bytes, as `Vec`.
    #[inline]
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let mut batch = Self {
            headers: Vec::new(),
            slots: Vec::new(),
            count: 0,
            wanted: ControlFlags::empty(),
            socket: 0,
            coalesced: None,
            is_coalesced: false,
            together: false,
        };
        batch.grow(capacity);
        batch
    }

    /// Grows the storage to `capacity` datagrams. Does nothing if it is larger. The content stays.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    #[inline]
    pub fn grow(&mut self, capacity: usize) {
        let capacity = capacity.max(self.capacity());
        self.headers.resize_with(capacity, BatchHeader::new);
        self.slots.resize_with(capacity, RecvSlot::new);
        if let Some(coalesced) = &mut self.coalesced {
            coalesced.grow(capacity);
        }
    }

    /// Sets whether coalesced payloads are returned whole. The default is `false`: their datagrams are returned one by one.
    ///
    /// With `true`, the system receives directly into the payload buffers of the caller, up to the capacity in one call.
    /// Nothing is copied, stored or left over. Each item of [`iter`](Self::iter) and [`messages`](Self::messages) is one
    /// payload: [`RecvControl::segment_size`] is the size of its datagrams, and [`Segments`](crate::Segments) splits it.
    /// `None`: the payload is one datagram. [`len`](Self::len) counts payloads.
    ///
    /// **Each buffer needs 65,535 bytes on a socket that
    /// [coalesces](crate::PacketConn::set_receive_coalescing).** The system cuts a payload that is longer than its buffer,
    /// which can be several datagrams of it: [`Received::truncated`] reports it.
    ///
    /// The next call uses the new value. Datagrams [left over](Self::has_more) from before are still returned one by one,
    /// before others. Sockets that do not coalesce return the same as without.
    ///
    /// ```
    /// use ipv6_std::{Outgoing, PacketConn, RecvBatch, Segments, SendBatch, SendControl};
    ///
    /// let (sender, receiver) = (PacketConn::bind("[::1]:0")?, PacketConn::bind("[::1]:0")?);
    /// # if cfg!(target_os = "linux") {
    /// receiver.set_receive_coalescing(true)?;
    /// # }
    /// let to = Some(receiver.local_addr()?);
    /// let messages = [b"one", b"two"].map(|text| Outgoing::new(text, SendControl::new(), to));
    /// sender.send_batch_all(&mut SendBatch::new(8), &messages)?;
    ///
    /// let mut batch = RecvBatch::new(8);
    /// batch.keep_together(true);
    /// let mut payloads = vec![vec![0; 65_535]; 8];
    /// let mut datagrams = Vec::new();
    /// while datagrams.len() < 2 {
    ///     receiver.recv_batch(&mut batch, &mut payloads)?;
    ///     for (received, payload) in batch.iter().zip(&payloads) {
    ///         let received = received?;
    ///         let segments = Segments::new(&payload[..received.len], received.control.segment_size);
    ///         datagrams.extend(segments.map(<[u8]>::to_vec));
    ///     }
    /// }
    /// assert_eq!(datagrams, [b"one", b"two"]);
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// [`RecvControl::segment_size`]: crate::RecvControl::segment_size
    #[doc(alias = "UDP_GRO")]
    pub fn keep_together(&mut self, on: bool) -> &mut Self {
        self.together = on;
        self
    }

    /// Returns how many datagrams fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// Returns how many datagrams the last call received. [Kept together](Self::keep_together), several count as one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns whether the last call received no datagram. `true` before the first call.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns whether datagrams are left over: they came coalesced with those of the last call, and had no payload
    /// buffer there.
    ///
    /// The next call returns them without a system call. They are not in the system any more, so `poll` and event loops
    /// do not report them: receive them before waiting.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.coalesced.as_ref().is_some_and(|coalesced| coalesced.has_more())
    }

    /// Discards what was received, including datagrams [left over](Self::has_more) for the next call.
    pub fn clear(&mut self) {
        self.count = 0;
        if let Some(coalesced) = &mut self.coalesced {
            coalesced.clear();
        }
        // On systems without calls for batches, it stores the error that ended the last one.
        if let Some(first) = self.headers.first_mut() {
            *first = BatchHeader::new();
        }
    }

    /// Returns an iterator over the results of the last call, in the order of its payload buffers.
    ///
    /// Each item is what [`recv_from`](crate::PacketConn::recv_from) would have returned. An error concerns one
    /// datagram; the others are valid.
    #[must_use = "iterators are lazy"]
    pub fn iter(&self) -> RecvBatchIter<'_> {
        RecvBatchIter { batch: self, coalesced: self.last_coalesced(), rest: 0..self.count, latest: None }
    }

    /// Returns an iterator over the datagrams of the last call with all their control messages, in the order of its
    /// payload buffers.
    ///
    /// Use it for messages without a field in [`RecvControl`](crate::RecvControl).
    ///
    /// ```
    /// use ipv6_std::{ControlFlags, PacketConn, RecvBatch, SendControl};
    ///
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// conn.set_control_flags(ControlFlags::HOP_LIMIT, true)?;
    /// conn.send_to(b"one", &SendControl::new().with_hop_limit(9), conn.local_addr()?)?;
    ///
    /// let (mut batch, mut payloads) = (RecvBatch::new(8), [[0; 1500]; 8]);
    /// conn.recv_batch(&mut batch, &mut payloads)?;
    /// for message in batch.messages() {
    ///     for raw in message.raw_messages() {
    ///         println!("{:?}", raw?);
    ///     }
    ///     assert_eq!(message.control()?.hop_limit, Some(9));
    /// }
    /// # std::io::Result::Ok(())
    /// ```
    #[must_use = "iterators are lazy"]
    pub fn messages(&self) -> RecvBatchMessages<'_> {
        RecvBatchMessages { batch: self, rest: 0..self.count }
    }

    /// Returns the datagram in `payloads[index]` of the last call with all its control messages; `None`: the call
    /// received fewer.
    ///
    /// Datagrams that came [coalesced](crate::PacketConn::set_receive_coalescing) have the control messages of the whole
    /// payload, including its segment size, whether they are split or [kept together](Self::keep_together).
    #[must_use]
    pub fn message(&self, index: usize) -> Option<Message<'_>> {
        if index >= self.count {
            return None;
        }
        let given = self.last_coalesced().and_then(|coalesced| coalesced.given(index));
        let slot = self.slots.get(given.map_or(index, |given| given.slot))?;
        let arrival = slot.arrival();
        let mut message = Message::new(arrival.received(), arrival.control);
        if let Some(Given { slot: _, len, truncated }) = given {
            (message.len, message.truncated) = (len, truncated);
        }
        Some(message)
    }

    /// The storage for coalesced payloads, if the last call used it.
    fn last_coalesced(&self) -> Option<&Coalesced> {
        self.coalesced.as_deref().filter(|_| self.is_coalesced)
    }

    /// The result in this slot.
    #[inline(always)]
    fn received(&self, slot: usize) -> io::Result<Received> {
        Received::new(self.slots[slot].arrival(), self.wanted)
    }

    /// The result of one datagram of a coalesced payload. `latest` caches that of the payload: all its datagrams have
    /// the same headers.
    #[inline(always)]
    fn given(&self, given: Given, latest: &mut Option<(usize, Received)>) -> io::Result<Received> {
        let Given { slot, len, truncated } = given;
        if !matches!(latest, Some((of, _)) if *of == slot) {
            *latest = Some((slot, self.given_first(slot)?));
        }
        match latest {
            Some((_, received)) => Ok(Received { len, truncated, ..*received }),
            None => self.received(slot),
        }
    }

    /// The result of a coalesced payload. Not inlined, to keep the path of its other datagrams short.
    #[inline(never)]
    fn given_first(&self, slot: usize) -> io::Result<Received> {
        let mut received = self.received(slot)?;
        received.control.segment_size = None;
        Ok(received)
    }

    /// Receives into `payloads`, or first into storage for coalesced payloads.
    pub(crate) fn receive<R>(
        &mut self,
        socket: BorrowedFd<'_>,
        caller: impl Caller<Error = io::Error>,
        wanted: ControlFlags,
        coalescing: &Coalescing,
        payloads: &mut [impl Room<R>],
    ) -> io::Result<usize> {
        // Datagrams may be left over from before coalescing was disabled.
        let left = self.has_more();
        self.count = 0;
        if self.socket != coalescing.id() {
            if left {
                return Err(error::invalid(
                    "the batch holds datagrams left over from another socket: receive them there, or clear() it",
                ));
            }
            self.clear();
            self.socket = coalescing.id();
        }
        self.is_coalesced = left || (coalescing.receives() && !self.together);
        if !self.is_coalesced {
            self.wanted = wanted;
            let count = batch::receive(socket, &mut self.headers, &mut self.slots, payloads, caller)?;
            self.count = datagrams(&self.slots, count)?;
            return Ok(self.count);
        }
        let Self { headers, slots, .. } = self;
        let coalesced = self.coalesced.get_or_insert_with(|| Box::new(Coalesced::new(slots.len())));
        if !left && !payloads.is_empty() {
            self.wanted = wanted;
            coalesced.receive(socket, headers, slots, caller)?;
        }
        self.count = coalesced.give(slots, payloads);
        Ok(self.count)
    }
}

impl<'b> IntoIterator for &'b RecvBatch {
    type Item = io::Result<Received>;
    type IntoIter = RecvBatchIter<'b>;

    fn into_iter(self) -> RecvBatchIter<'b> {
        self.iter()
    }
}

/// An iterator over the results of a batch ([`RecvBatch::iter`]).
#[derive(Clone)]
#[must_use = "iterators are lazy"]
pub struct RecvBatchIter<'b> {
    batch: &'b RecvBatch,
    coalesced: Option<&'b Coalesced>,
    rest: Range<usize>,
    latest: Option<(usize, Received)>,
}

impl Iterator for RecvBatchIter<'_> {
    type Item = io::Result<Received>;

    #[inline(always)]
    fn next(&mut self) -> Option<io::Result<Received>> {
        let index = self.rest.next()?;
        match self.coalesced {
            None => Some(self.batch.received(index)),
            Some(coalesced) => Some(self.batch.given(coalesced.given(index)?, &mut self.latest)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rest.size_hint()
    }
}

impl ExactSizeIterator for RecvBatchIter<'_> {}
impl FusedIterator for RecvBatchIter<'_> {}

impl fmt::Debug for RecvBatchIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// An iterator over the datagrams of a batch with all their control messages ([`RecvBatch::messages`]).
#[derive(Clone)]
#[must_use = "iterators are lazy"]
pub struct RecvBatchMessages<'b> {
    batch: &'b RecvBatch,
    rest: Range<usize>,
}

impl<'b> Iterator for RecvBatchMessages<'b> {
    type Item = Message<'b>;

    fn next(&mut self) -> Option<Message<'b>> {
        self.batch.message(self.rest.next()?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rest.size_hint()
    }
}

impl ExactSizeIterator for RecvBatchMessages<'_> {}
impl FusedIterator for RecvBatchMessages<'_> {}

impl fmt::Debug for RecvBatchMessages<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
