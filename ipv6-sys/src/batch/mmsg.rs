//! Batches where the system has calls for them.

use ipv6_core::EncodeError;

use super::outgoing::{Coalesce, Outgoing, Ports, SendError};
use super::payload::MAX;
use super::payload::{Part, Payload, Room};
use super::slot::{RecvSlot, SendSlot};
use crate::fd::BorrowedFd;
use crate::message::{self, Caller};
use crate::os;

/// What the kernel reads and writes of one message of a batch. Its content matters to no one between
/// calls.
#[repr(transparent)]
pub struct BatchHeader(os::ManyHeader);

impl BatchHeader {
    /// A header without anything.
    pub const fn new() -> Self {
        Self(os::many_header())
    }
}

// SAFETY: the pointers in it are written and used within one call of `send` or `receive`, through a
// `&mut`; to another thread they are bytes without a meaning.
unsafe impl Send for BatchHeader {}
// SAFETY: nothing can be read through a `&BatchHeader`.
unsafe impl Sync for BatchHeader {}

/// Headers, slots, and parts for messages that are sent as one.
type Storage<'s, const C: usize> = (&'s mut [BatchHeader], &'s mut [SendSlot<C>], &'s mut [Part]);

pub(super) fn receive<const C: usize, K: Caller>(
    socket: BorrowedFd<'_>,
    headers: &mut [BatchHeader],
    slots: &mut [RecvSlot<C>],
    payloads: &mut [impl Room],
    caller: K,
) -> Result<usize, K::Error> {
    let mut ready = 0_usize;
    for ((BatchHeader(header), slot), payload) in headers.iter_mut().zip(&mut *slots).zip(payloads).take(MAX)
    {
        slot.fill(&mut header.msg_hdr, payload);
        ready += 1;
    }
    if ready == 0 {
        return Ok(0);
    }
    let start = headers.as_mut_ptr().cast();
    let count = message::call(caller, |flags| {
        // SAFETY: the first `ready` headers were just set: each pointer is that of a slot or a payload buffer
        // borrowed mutably here, of which each is used once, with its length. The kernel writes bytes to
        // them, within their lengths, and their lengths to the headers; a call that fails writes none. There
        // is no timeout.
        unsafe { os::receive_many(socket, start, ready, flags.bits()) }
    })?;
    for (BatchHeader(header), slot) in headers.iter().zip(slots).take(count) {
        // SAFETY: the kernel has just received into the first `count` headers, each filled by its slot.
        unsafe { slot.take(&header.msg_hdr, header.msg_len as usize) };
    }
    Ok(count)
}

#[inline]
pub(super) fn send<'a, const C: usize, K: Caller>(
    socket: BorrowedFd<'_>,
    (headers, slots, parts): Storage<'_, C>,
    messages: &'a [Outgoing<'a>],
    accept: impl FnMut(&Outgoing<'a>) -> Option<Ports>,
    coalesce: Coalesce,
    caller: K,
) -> Result<usize, SendError<K::Error>> {
    let ready = if coalesce.max_segments > 1 {
        fill_with_runs(headers, slots, parts, messages, accept, coalesce)
    } else {
        fill(headers, slots, messages, accept)
    };
    let ready = ready.map_err(SendError::Control)?;
    if ready == 0 {
        return Ok(0);
    }
    let start = headers.as_mut_ptr().cast();
    let sent = message::call(caller, |flags| {
        // SAFETY: the first `ready` headers were just set: each pointer is that of a slot or of parts borrowed
        // mutably here, with their number, or of parts or a payload borrowed for 'a, with its length; `Part` is a
        // transparent `iovec`. The kernel reads them, and writes only the headers' `msg_len`.
        unsafe { os::send_many(socket, start, ready, flags.bits()) }
    });
    let sent = sent.map_err(SendError::Os)?;
    Ok(slots.iter().take(sent).map(|slot| slot.messages).sum())
}

/// Fills headers for messages of which each goes by itself, and says how many: as far as they are accepted and can be
/// encoded. The first that cannot is an error.
#[inline(always)]
fn fill<'a, const C: usize>(
    headers: &mut [BatchHeader],
    slots: &mut [SendSlot<C>],
    messages: &'a [Outgoing<'a>],
    mut accept: impl FnMut(&Outgoing<'a>) -> Option<Ports>,
) -> Result<usize, EncodeError> {
    let mut ready = 0;
    for ((BatchHeader(header), slot), message) in headers.iter_mut().zip(slots).zip(messages).take(MAX) {
        let Some(ports) = accept(message) else { break };
        match slot.fill(&mut header.msg_hdr, message, ports) {
            Ok(()) => ready += 1,
            Err(error) if ready == 0 => return Err(error),
            // It is the next call's first message, and an error there.
            Err(_) => break,
        }
    }
    Ok(ready)
}

/// The same where messages go together if they can.
#[inline(always)]
fn fill_with_runs<'a, const C: usize>(
    headers: &mut [BatchHeader],
    slots: &mut [SendSlot<C>],
    mut parts: &mut [Part],
    messages: &'a [Outgoing<'a>],
    mut accept: impl FnMut(&Outgoing<'a>) -> Option<Ports>,
    coalesce: Coalesce,
) -> Result<usize, EncodeError> {
    // Headers that are filled, and the messages that are left.
    let (mut ready, mut rest) = (0, messages);
    let all = parts.len();
    for (BatchHeader(header), slot) in headers.iter_mut().zip(slots).take(MAX) {
        let Some(first) = rest.first() else { break };
        let Some(ports) = accept(first) else { break };
        let room = parts.len();
        let most = run(rest, all, coalesce);
        let run = if room < all { run(rest, room, coalesce) } else { most };
        if run < most {
            // With all parts more go together: in the next call, which has them.
            break;
        }
        let filled = if run > 1 {
            slot.fill_for_run(&mut header.msg_hdr, first, ports, run)
        } else {
            slot.fill(&mut header.msg_hdr, first, ports)
        };
        match filled {
            Ok(()) => {}
            Err(error) if ready == 0 => return Err(error),
            // It is the next call's first message, and an error there.
            Err(_) => break,
        }
        if run > 1 {
            let used = gather(rest, run, parts);
            let (of_run, others) = core::mem::take(&mut parts).split_at_mut(used);
            os::set_payload(&mut header.msg_hdr, of_run.as_mut_ptr().cast(), of_run.len());
            parts = others;
        }
        ready += 1;
        rest = rest.get(run..).unwrap_or_default();
    }
    Ok(ready)
}

impl<const C: usize> SendSlot<C> {
    /// Makes `header` send so many messages like this one. The payloads are not set.
    #[inline(never)]
    fn fill_for_run(
        &mut self,
        header: &mut os::Header,
        first: &Outgoing<'_>,
        ports: Ports,
        messages: usize,
    ) -> Result<(), EncodeError> {
        let segment_size = u16::try_from(first.payload.len()).ok();
        let mut control = first.control;
        control.segment_size = segment_size;
        self.fill(header, &Outgoing { control, ..*first }, ports)?;
        self.messages = messages;
        Ok(())
    }
}

/// Bytes of payload that one packet has room for (RFC 8200 section 3), with the IPv6 header, as Linux counts, and
/// that of UDP.
const MAX_RUN: usize = u16::MAX as usize - 40 - 8;

/// How many of `messages`, at least 1, the system can take as one and cut, in at most `room` parts: those of one
/// destination, with the same control messages and the same size, the last perhaps shorter.
fn run(messages: &[Outgoing<'_>], room: usize, limits: Coalesce) -> usize {
    let Some((first, others)) = messages.split_first() else { return 1 };
    let size = first.payload.len();
    // An empty one could not be told from the end of the run, and one that asks for segments is a run.
    if !(1..=limits.max_size).contains(&size) || first.control.segment_size.is_some() {
        return 1;
    }
    let most = limits.max_segments.min(MAX_RUN / size);
    let Some(mut room) = room.min(MAX).checked_sub(first.payload.parts()) else { return 1 };
    let mut run = 1;
    for next in others.iter().take(most.saturating_sub(1)) {
        let (len, parts) = (next.payload.len(), next.payload.parts());
        if !(1..=size).contains(&len) || parts > room || first.to != next.to || first.control != next.control
        {
            break;
        }
        room -= parts;
        run += 1;
        if len < size {
            break;
        }
    }
    run
}

impl Payload<'_> {
    /// How many buffers it has.
    #[inline]
    fn parts(&self) -> usize {
        match self {
            Self::Whole(_) => 1,
            Self::Parts(parts) => parts.len(),
        }
    }
}

/// Writes the payloads of a run into the first of `parts`, and says into how many.
fn gather(messages: &[Outgoing<'_>], run: usize, parts: &mut [Part]) -> usize {
    let mut to = parts.iter_mut();
    let room = to.len();
    for message in messages.iter().take(run) {
        match message.payload {
            Payload::Whole(bytes) => to.by_ref().zip([bytes]).for_each(|(part, bytes)| part.set(bytes)),
            Payload::Parts(list) => to.by_ref().zip(list).for_each(|(part, bytes)| part.set(bytes)),
        }
    }
    room - to.len()
}
