//! Batches where the system has calls for them.

use core::mem::zeroed;
use core::net::SocketAddrV6;

use super::{Coalesce, MAX, Outgoing, Part, RecvSlot, SendError, SendStorage};
use crate::fd::BorrowedFd;
use crate::message::{self, Caller};
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
    let count = message::call(caller, |flags| {
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

#[inline]
pub(super) fn send<'a, const C: usize, K: Caller>(
    socket: BorrowedFd<'_>,
    storage: SendStorage<'_, C>,
    messages: &'a [Outgoing<'a>],
    mut destination: impl FnMut(&Outgoing<'a>) -> Option<Option<SocketAddrV6>>,
    coalesce: Coalesce,
    caller: K,
) -> Result<usize, SendError<K::Error>> {
    let SendStorage { headers, slots, parts } = storage;
    // Headers that are filled, and the messages that these take.
    let (mut ready, mut taken) = (0_usize, 0_usize);
    for (BatchHeader(header), slot) in headers.iter_mut().zip(&mut *slots).take(MAX) {
        let (Some(rest), Some(parts)) = (messages.get(taken..), parts.get_mut(taken..)) else { break };
        let Some((run, to)) = Run::first_of(rest, parts.len(), &mut destination, coalesce) else { break };
        let (Some(first), Some(parts)) = (run.first(), parts.get_mut(..run.len())) else { break };
        header.msg_len = 0;
        match slot.fill(&mut header.msg_hdr, first, to.as_ref(), run.len()) {
            Ok(()) => {}
            Err(error) if ready == 0 => return Err(SendError::Control(error)),
            // It is the next call's first message, and an error there.
            Err(_) => break,
        }
        for (Part(part), message) in parts.iter_mut().zip(run) {
            // The kernel reads the payload and writes nothing to it.
            *part = os::part(message.payload.as_ptr().cast_mut(), message.payload.len());
        }
        os::set_payload(&mut header.msg_hdr, parts.as_mut_ptr().cast(), parts.len());
        ready += 1;
        taken += run.len();
    }
    if ready == 0 {
        return Ok(0);
    }
    let start = headers.as_mut_ptr().cast();
    let sent = message::call(caller, |flags| {
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
enum Run {}

/// Bytes of payload that one packet has room for (RFC 8200 section 3), with the IPv6 header, as Linux counts, and
/// that of UDP.
const MAX_RUN: usize = u16::MAX as usize - 40 - 8;

impl Run {
    /// The first of `messages`, with all behind it, at most `room`, that may go with it; and where they go.
    #[inline]
    fn first_of<'a>(
        messages: &'a [Outgoing<'a>],
        room: usize,
        destination: &mut impl FnMut(&Outgoing<'a>) -> Option<Option<SocketAddrV6>>,
        limits: Coalesce,
    ) -> Option<(&'a [Outgoing<'a>], Option<SocketAddrV6>)> {
        let (first, rest) = messages.split_first().filter(|_| room > 0)?;
        let to = destination(first)?;
        let size = first.payload.len();
        let mut more = 0;
        // An empty one could not be told from the end of the run, and one that asks for segments is a run.
        if limits.max_segments > 1
            && (1..=limits.max_size).contains(&size)
            && first.control.segment_size.is_none()
        {
            // As many as there may be, and as fit.
            let most = limits.max_segments.min(MAX_RUN / size).min(room);
            for next in rest.iter().take(most.saturating_sub(1)) {
                let len = next.payload.len();
                if !(1..=size).contains(&len) || first.to != next.to || first.control != next.control {
                    break;
                }
                more += 1;
                if len < size {
                    break;
                }
            }
        }
        Some((messages.get(..=more)?, to))
    }
}
