//! Storage for sending batches, and the error of a batch that was not sent whole.

use std::error::Error;
use std::fmt;
use std::io;

use ipv6_sys::batch::{BatchHeader, Part, SendSlot, SendStorage};

use crate::packet::batch_order::Order;
use crate::space::BATCH_SEND_SPACE;

/// Storage for sending batches ([`PacketConn::send_batch`](crate::PacketConn::send_batch)).
///
/// Creating it allocates. Sending does not.
#[derive(Debug)]
#[doc(alias = "mmsghdr")]
pub struct SendBatch {
    headers: Vec<BatchHeader>,
    slots: Vec<SendSlot<BATCH_SEND_SPACE>>,
    parts: Vec<Part>,
    pub(crate) order: Order,
}

impl SendBatch {
    /// Creates storage for `capacity` messages in one system call, at least 1. No system call uses more than 1,024.
    ///
    /// # Panics
    ///
    /// If `capacity` messages take more than `isize::MAX` bytes, as `Vec`.
    #[inline]
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let mut batch =
            Self { headers: Vec::new(), slots: Vec::new(), parts: Vec::new(), order: Order::default() };
        batch.grow(capacity.max(1));
        batch
    }

    /// Grows the storage to `capacity` messages. Does nothing if it is larger.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    #[inline]
    pub fn grow(&mut self, capacity: usize) {
        let capacity = capacity.max(self.capacity());
        self.headers.resize_with(capacity, BatchHeader::new);
        self.slots.resize_with(capacity, SendSlot::new);
        self.parts.resize_with(capacity, Part::new);
        self.order.grow(capacity);
    }

    /// Returns how many messages one system call sends at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.parts.len()
    }

    /// Returns how many messages the latest [`send_batch_all`](crate::PacketConn::send_batch_all) with this storage has
    /// sent before the first that it has not sent: the [index](SendAllError::index) of its error. In an
    /// [event loop](crate::aio), also when its future was dropped.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.order.sent()
    }

    /// Returns whether the latest [`send_batch_all`](crate::PacketConn::send_batch_all) with this storage has sent the
    /// message with this index. In an [event loop](crate::aio), also when its future was dropped.
    ///
    /// `true` for all indices below [`sent`](Self::sent), and for those of messages to other destinations that were sent
    /// together with earlier ones. After a call that returned `Ok`, `false` for indices beyond the last message.
    #[must_use]
    pub fn is_sent(&self, index: usize) -> bool {
        self.order.is_sent(index)
    }

    pub(crate) fn storage(&mut self) -> SendStorage<'_, BATCH_SEND_SPACE> {
        SendStorage::new(&mut self.headers, &mut self.slots, &mut self.parts)
    }

    /// How many messages the last system call coalesced, or tried to, in its first.
    pub(crate) fn first_run(&self) -> usize {
        self.slots.first().map_or(0, SendSlot::messages)
    }
}

/// The error of [`PacketConn::send_batch_all`](crate::PacketConn::send_batch_all): which message was not sent, and why.
///
/// Converts into an [`io::Error`] of the same kind, whose text contains the index and whose
/// [source](std::error::Error::source) is the original error.
#[derive(Debug)]
pub struct SendAllError {
    index: usize,
    count: usize,
    error: io::Error,
}

impl SendAllError {
    pub(crate) fn new(index: usize, count: usize, error: io::Error) -> Self {
        Self { index, count, error }
    }

    /// Returns the index of the message that was not sent. All before it were sent. [`SendBatch::is_sent`] returns which
    /// of those after it were sent too.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Returns the error of that message: what [`send_to`](crate::PacketConn::send_to) would have returned.
    #[must_use]
    pub fn error(&self) -> &io::Error {
        &self.error
    }

    /// Returns the error of that message, without the index.
    #[must_use]
    pub fn into_error(self) -> io::Error {
        self.error
    }
}

impl fmt::Display for SendAllError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, count, error } = self;
        write!(f, "sending messages[{index}] of {count}: {error}")
    }
}

impl Error for SendAllError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

impl From<SendAllError> for io::Error {
    fn from(error: SendAllError) -> Self {
        Self::new(error.error.kind(), error)
    }
}
