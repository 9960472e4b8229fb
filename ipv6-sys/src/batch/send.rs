//! Sending many messages.

use super::calls::{self, BatchHeader};
use super::outgoing::{ByDestination, Coalesce, Outgoing, Policy, SendError};
use super::payload::Part;
use super::slot::SendSlot;
use crate::fd::AsFd;
use crate::message::Caller;

/// The storage of a batch to send.
#[doc(hidden)]
#[derive(Debug)]
#[non_exhaustive]
pub struct SendStorage<'s, const C: usize> {
    /// One for each message, or for several that are sent as one.
    pub headers: &'s mut [BatchHeader],
    /// One for each header.
    pub slots: &'s mut [SendSlot<C>],
    /// One for each buffer of messages that are sent as one. Their number limits how many messages are.
    pub parts: &'s mut [Part],
}

impl<'s, const C: usize> SendStorage<'s, C> {
    /// Storage of these parts.
    #[inline]
    pub fn new(headers: &'s mut [BatchHeader], slots: &'s mut [SendSlot<C>], parts: &'s mut [Part]) -> Self {
        Self { headers, slots, parts }
    }
}

/// Sends messages in order, at most as many as there is storage for and at most [`MAX`](super::MAX). Returns how many
/// were sent. The batch ends at a message that fails.
///
/// Sends consecutive messages as one where `coalesce` allows it and the system can. The control messages to an
/// IPv4-mapped destination are those of IPv4 ([`SendControl::encode_mapped`](ipv6_core::SendControl::encode_mapped)), those
/// to the peer of a connected socket are those of IPv6. `flags` are [`MessageFlags`](crate::message::MessageFlags).
///
/// # Errors
///
/// [`SendError`] if the first message fails. If fewer messages were sent than given, call again with the rest to get the
/// error. If several messages were sent as one ([`slots[0].messages()`](SendSlot::messages)), the device may have
/// refused that.
#[doc(hidden)]
#[doc(alias = "sendmmsg")]
#[doc(alias = "WriteBatch")]
pub fn send<'a, const C: usize, K: Caller>(
    socket: impl AsFd,
    storage: SendStorage<'_, C>,
    messages: &'a [Outgoing<'a>],
    coalesce: Coalesce,
    flags: K,
) -> Result<usize, SendError<K::Error>> {
    send_by(socket, storage, messages.iter(), &ByDestination, coalesce, flags)
}

/// Sends as [`send`] does, in the order of the iterator. `policy` decides how each message is sent.
///
/// # Errors
///
/// Those of [`send`].
#[doc(hidden)]
#[inline]
pub fn send_by<'a, const C: usize, K: Caller>(
    socket: impl AsFd,
    storage: SendStorage<'_, C>,
    messages: impl Iterator<Item = &'a Outgoing<'a>> + Clone,
    policy: &impl Policy,
    coalesce: Coalesce,
    flags: K,
) -> Result<usize, SendError<K::Error>> {
    let SendStorage { headers, slots, parts } = storage;
    calls::send(socket.as_fd(), (headers, slots, parts), messages, policy, coalesce, flags)
}

/// Storage to send up to `N` messages in one call, or up to `N` groups of messages that are sent as one, each with up to
/// `C` bytes of control messages. Needs no allocator.
#[derive(Debug)]
pub struct SendArray<const N: usize, const C: usize> {
    headers: [BatchHeader; N],
    slots: [SendSlot<C>; N],
    parts: [Part; N],
}

impl<const N: usize, const C: usize> SendArray<N, C> {
    /// Creates empty storage.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            headers: [const { BatchHeader::new() }; N],
            slots: [const { SendSlot::new() }; N],
            parts: [const { Part::new() }; N],
        }
    }

    /// Sends messages in order, at most as many as there is storage for and at most [`MAX`](super::MAX). Returns how
    /// many were sent. The batch ends at a message that fails.
    ///
    /// Sends consecutive messages as one where `coalesce` allows it and the system can. The control messages to an
    /// IPv4-mapped destination are those of IPv4
    /// ([`SendControl::encode_mapped`](ipv6_core::SendControl::encode_mapped)), those to the peer of a connected socket
    /// are those of IPv6. `flags` are [`MessageFlags`](crate::message::MessageFlags).
    ///
    /// ```
    /// use ipv6_core::SendControl;
    /// use ipv6_sys::batch::{Coalesce, Outgoing, SendArray};
    /// use ipv6_sys::{Host, message::MessageFlags, socket};
    ///
    /// let socket = socket::datagram()?;
    /// socket::bind(&socket, &"[::1]:0".parse().unwrap())?;
    /// let to = socket::local_address(&socket)?;
    /// let messages = [[1; 20], [2; 20], [3; 20]];
    /// let messages = messages.each_ref().map(|text| Outgoing::new(text, SendControl::new(), to));
    /// let mut batch = SendArray::<2, { SendControl::max_space::<Host>() }>::new();
    /// let mut rest = &messages[..];
    /// while !rest.is_empty() {
    ///     let sent = batch.send(&socket, rest, Coalesce::NONE, MessageFlags::empty()).unwrap();
    ///     rest = &rest[sent..];
    /// }
    /// # Ok::<(), ipv6_sys::Errno>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendError`] if the first message fails. If fewer messages were sent than given, call again with the rest to get
    /// the error.
    #[doc(alias = "sendmmsg", alias = "WriteBatch")]
    #[must_use = "the result is the number of messages that were sent"]
    pub fn send<'a, K: Caller>(
        &mut self,
        socket: impl AsFd,
        messages: &'a [Outgoing<'a>],
        coalesce: Coalesce,
        flags: K,
    ) -> Result<usize, SendError<K::Error>> {
        let Self { headers, slots, parts } = self;
        send(socket, SendStorage { headers, slots, parts }, messages, coalesce, flags)
    }
}

impl<const N: usize, const C: usize> Default for SendArray<N, C> {
    fn default() -> Self {
        Self::new()
    }
}
