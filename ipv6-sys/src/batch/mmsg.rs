//! Batches where the system has calls for them.

use core::borrow::Borrow;
use core::mem::{self, zeroed};

use ipv6_core::EncodeError;

use super::{Coalesce, MAX, Outgoing, Part, RecvSlot, SendError, SendStorage};
use crate::fd::BorrowedFd;
use crate::message::Caller;
use crate::os;

pub(crate) const MSG_WAITFORONE: i32 = libc::MSG_WAITFORONE;

/// What the kernel reads and writes of one message of a batch. Its content matters to no one between
/// calls.
#[repr(transparent)]
pub struct BatchHeader(libc::mmsghdr);

impl BatchHeader {
    /// A header without anything.
    pub const fn new() -> Self {
        // SAFETY: a C structure of integers and pointers, for all of which zero is a value.
        Self(unsafe { zeroed() })
    }
}

// SAFETY: the pointers in it are written and used within one call of `send` or `receive`, through a
// `&mut`; to another thread they are bytes without a meaning.
unsafe impl Send for BatchHeader {}
// SAFETY: nothing can be read through a `&BatchHeader`.
unsafe impl Sync for BatchHeader {}

pub(super) fn receive<const C: usize, K: Caller>(
    socket: BorrowedFd<'_>,
    headers: &mut [BatchHeader],
    slots: &mut [RecvSlot<C>],
    payloads: &mut [impl AsMut<[u8]>],
    caller: K,
) -> Result<usize, K::Error> {
    let mut ready = 0_usize;
    for ((BatchHeader(header), slot), payload) in headers.iter_mut().zip(&mut *slots).zip(payloads).take(MAX)
    {
        header.msg_len = 0;
        slot.fill(&mut header.msg_hdr, payload.as_mut());
        ready += 1;
    }
    if ready == 0 {
        return Ok(0);
    }
    let (start, no_timeout) = (headers.as_mut_ptr().cast(), core::ptr::null_mut());
    let count = caller.call(|flags| {
        // SAFETY: the first `ready` headers were just set: each pointer is that of a slot or a payload buffer
        // borrowed mutably here, of which each is used once, with its length. The kernel writes bytes to
        // them, within their lengths, and their lengths to the headers; a call that fails writes none. There
        // is no timeout.
        let answer =
            unsafe { libc::recvmmsg(os::raw(socket), start, ready as _, flags.bits() as _, no_timeout) };
        os::count(answer)
    })?;
    for (BatchHeader(header), slot) in headers.iter().zip(slots).take(count) {
        // SAFETY: the kernel has just received into the first `count` headers, each filled by its slot.
        unsafe { slot.take(&header.msg_hdr, header.msg_len as usize) };
    }
    Ok(count)
}

pub(super) fn send<'a, const C: usize, K: Caller, M: Borrow<Outgoing<'a>>>(
    socket: BorrowedFd<'_>,
    storage: SendStorage<'_, C>,
    messages: impl IntoIterator<Item = M>,
    coalesce: Coalesce,
    caller: K,
) -> Result<usize, SendError<K::Error>> {
    let SendStorage { headers, slots, parts } = storage;
    let mut room = headers.iter_mut().zip(&mut *slots).take(MAX);
    // Headers that are filled; of these and of the run that is being put together, the messages.
    let (mut ready, mut taken) = (0_usize, 0_usize);
    let mut run: Option<Run<M>> = None;
    // Fills a header; `None` ends the batch before it.
    let mut close = |run: &Run<M>, ready: &mut usize| -> Result<Option<()>, EncodeError> {
        let Some((BatchHeader(header), slot)) = room.next() else { return Ok(None) };
        header.msg_len = 0;
        match slot.fill(&mut header.msg_hdr, run.first.borrow(), run.messages) {
            Ok(()) => *ready += 1,
            Err(error) if *ready == 0 => return Err(error),
            // It is the next call's first message, and an error there.
            Err(_) => return Ok(None),
        }
        Ok(Some(()))
    };
    for (message, Part(part)) in messages.into_iter().zip(&mut *parts) {
        // The kernel reads the payload and writes nothing to it.
        let payload = message.borrow().payload;
        *part = os::part(payload.as_ptr().cast_mut(), payload.len());
        if let Some(open) = &mut run {
            if !open.takes(message.borrow(), coalesce) {
                if close(open, &mut ready).map_err(SendError::Control)?.is_none() {
                    run = None;
                    break;
                }
                *open = Run::new(message);
            }
        } else {
            run = Some(Run::new(message));
        }
        taken += 1;
    }
    if let Some(run) = &run {
        close(run, &mut ready).map_err(SendError::Control)?;
    }
    if ready == 0 {
        return Ok(0);
    }
    // The parts stay where they are from here on.
    let mut rest = parts.get_mut(..taken).unwrap_or_default();
    for (BatchHeader(header), slot) in headers.iter_mut().zip(&*slots).take(ready) {
        let (own, others) = mem::take(&mut rest).split_at_mut(slot.messages);
        os::set_payload(&mut header.msg_hdr, own.as_mut_ptr().cast(), own.len());
        rest = others;
    }
    let start = headers.as_mut_ptr().cast();
    let sent = caller.call(|flags| {
        // SAFETY: the first `ready` headers were just set: each pointer is that of a slot or of parts borrowed
        // mutably here, with their number, and each part's is that of a payload borrowed for 'a, with its length;
        // `Part` is a transparent `iovec`. The kernel reads them, and writes only the headers' `msg_len`.
        let answer = unsafe { libc::sendmmsg(os::raw(socket), start, ready as _, flags.bits() as _) };
        os::count(answer)
    });
    let sent = sent.map_err(SendError::Os)?;
    Ok(slots.iter().take(sent).map(|slot| slot.messages).sum())
}

/// Messages that the system can take as one and cut: of one destination, with the same control messages and the
/// same size, the last perhaps shorter.
struct Run<M> {
    first: M,
    messages: usize,
    /// Bytes of all payloads.
    len: usize,
    /// Whether the latest one was as long as the first.
    open: bool,
}

/// Bytes of payload that one packet has room for (RFC 8200 section 3), with the IPv6 header, as Linux counts, and
/// that of UDP.
const MAX_RUN: usize = u16::MAX as usize - 40 - 8;

impl<'a, M: Borrow<Outgoing<'a>>> Run<M> {
    fn new(first: M) -> Self {
        // One that is empty could not be told from the end of the run, and one that asks for segments is a run.
        let Outgoing { payload, control, .. } = first.borrow();
        let open = !payload.is_empty() && control.segment_size.is_none();
        Self { len: payload.len(), first, messages: 1, open }
    }

    /// Takes a message in, if it fits.
    fn takes(&mut self, next: &Outgoing<'_>, limits: Coalesce) -> bool {
        let first = self.first.borrow();
        let (size, len) = (first.payload.len(), next.payload.len());
        let fits = self.open
            && self.messages < limits.max_segments
            && size <= limits.max_size
            && (1..=size).contains(&len)
            && self.len + len <= MAX_RUN
            && first.to == next.to
            && first.control == next.control;
        if fits {
            self.messages += 1;
            self.len += len;
            self.open = len == size;
        }
        fits
    }
}
