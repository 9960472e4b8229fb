//! Batches on systems with `sendmmsg(2)` and `recvmmsg(2)`.

use ipv6_core::EncodeError;

use super::outgoing::{Coalesce, Outgoing, Policy, Route, SendError};
use super::payload::{MAX, Part, Room};
use super::runs::fill_next;
use super::slot::{RecvSlot, SendSlot};
use crate::fd::BorrowedFd;
use crate::message::{self, Caller};
use crate::os;

/// The header of one message of a batch, for the kernel. Each call sets it before it is used.
#[repr(transparent)]
pub struct BatchHeader(os::ManyHeader);

impl BatchHeader {
    /// Creates an empty header.
    #[must_use]
    pub const fn new() -> Self {
        Self(os::many_header())
    }
}

// SAFETY: the pointers in it are set and used within one call, which borrows what they point to.
unsafe impl Send for BatchHeader {}
// SAFETY: a `&BatchHeader` gives access to nothing.
unsafe impl Sync for BatchHeader {}

/// Headers, slots, and parts for messages that are sent as one.
type Storage<'s, const C: usize> = (&'s mut [BatchHeader], &'s mut [SendSlot<C>], &'s mut [Part]);

pub(super) fn receive<const C: usize, R, K: Caller>(
    socket: BorrowedFd<'_>,
    headers: &mut [BatchHeader],
    slots: &mut [RecvSlot<C>],
    payloads: &mut [impl Room<R>],
    caller: K,
) -> Result<usize, K::Error> {
    let mut ready = 0_usize;
    let (headers, _) = headers.split_at_mut(headers.len().min(MAX));
    for ((BatchHeader(header), slot), payload) in headers.iter_mut().zip(&mut *slots).zip(payloads) {
        slot.fill(&mut header.msg_hdr, payload);
        ready += 1;
    }
    if ready == 0 {
        return Ok(0);
    }
    let start = headers.as_mut_ptr().cast();
    let count = message::call(caller, |flags| {
        // SAFETY: the first `ready` headers were set above. Each pointer comes from a slot or a payload buffer that is
        // borrowed mutably here and used once, with its length. No method of a buffer is called while the pointers are
        // used. A call that fails leaves the headers as they are: the kernels write a header after they have received its
        // message (Linux: `____sys_recvmsg` in net/socket.c), and return an error only if the first one fails.
        unsafe { os::receive_many(socket, start, ready, flags.bits()) }
    })?;
    for (BatchHeader(header), slot) in headers.get(..count).unwrap_or_default().iter().zip(slots) {
        slot.take(&header.msg_hdr, header.msg_len as usize);
    }
    Ok(count)
}

#[inline]
pub(super) fn send<'a, const C: usize, K: Caller>(
    socket: BorrowedFd<'_>,
    (headers, slots, parts): Storage<'_, C>,
    messages: impl Iterator<Item = &'a Outgoing<'a>> + Clone,
    policy: &impl Policy,
    coalesce: Coalesce,
    caller: K,
) -> Result<usize, SendError<K::Error>> {
    let ready = if coalesce.max_segments > 1 {
        fill_with_runs(headers, slots, parts, messages, policy, coalesce)
    } else {
        fill(headers, slots, messages, policy)
    };
    let ready = ready.map_err(SendError::Control)?;
    if ready == 0 {
        return Ok(0);
    }
    let start = headers.as_mut_ptr().cast();
    let sent = message::call(caller, |flags| {
        // SAFETY: the first `ready` headers were set above. Each pointer comes from a slot or from parts that are borrowed
        // mutably here, or from a payload that is borrowed for 'a, with its length or number. `Part` has the layout of
        // `iovec`. The control messages are those of an encoder, which holds no descriptors.
        unsafe { os::send_many(socket, start, ready, flags.bits()) }
    });
    let sent = sent.map_err(SendError::Os)?;
    Ok(slots.iter().take(sent).map(|slot| slot.messages).sum())
}

/// Fills headers for messages that are sent one by one, up to the first that is not accepted or cannot be encoded.
/// Returns how many.
///
/// # Errors
///
/// If the first cannot be encoded.
#[inline(always)]
fn fill<'a, const C: usize>(
    headers: &mut [BatchHeader],
    slots: &mut [SendSlot<C>],
    messages: impl Iterator<Item = &'a Outgoing<'a>>,
    policy: &impl Policy,
) -> Result<usize, EncodeError> {
    let mut ready = 0;
    let (headers, _) = headers.split_at_mut(headers.len().min(MAX));
    for ((BatchHeader(header), slot), message) in headers.iter_mut().zip(slots).zip(messages) {
        let filled = match policy.route(message) {
            Some(Route::Ipv6(ports)) => slot.fill(&mut header.msg_hdr, message, ports),
            Some(Route::Ipv4) => slot.fill_mapped(&mut header.msg_hdr, message),
            None => break,
        };
        match filled {
            Ok(()) => ready += 1,
            Err(error) if ready == 0 => return Err(error),
            // The next call, which starts with this message, returns the error.
            Err(_) => break,
        }
    }
    Ok(ready)
}

/// The same, with runs of messages that are sent as one.
#[inline(always)]
fn fill_with_runs<'a, const C: usize>(
    headers: &mut [BatchHeader],
    slots: &mut [SendSlot<C>],
    mut parts: &mut [Part],
    mut rest: impl Iterator<Item = &'a Outgoing<'a>> + Clone,
    policy: &impl Policy,
    coalesce: Coalesce,
) -> Result<usize, EncodeError> {
    // The number of filled headers.
    let mut ready = 0;
    let all = parts.len();
    for (BatchHeader(header), slot) in headers.iter_mut().zip(slots).take(MAX) {
        match fill_next(&mut header.msg_hdr, slot, (&mut parts, all), &mut rest, policy, coalesce) {
            Some(Ok(_)) => ready += 1,
            Some(Err(error)) if ready == 0 => return Err(error),
            // The next call, which starts with this message, returns the error.
            _ => break,
        }
    }
    Ok(ready)
}
