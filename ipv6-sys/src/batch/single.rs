//! Batches on systems without calls for them: one message after another.

use super::outgoing::{Coalesce, Outgoing, Policy, SendError};
use super::payload::{MAX, Part, Room};
use super::runs::fill_next;
use super::slot::{RecvSlot, SendSlot};
use crate::error::Errno;
use crate::fd::BorrowedFd;
use crate::message::{self, Caller, MessageFlags};
use crate::os;

/// On systems with calls for batches, the header of one message. Here, the first header of a batch to receive keeps the
/// error that ended the previous batch, with the number of its socket. The next call returns the error, as Linux does:
/// the kernel reports most errors only once.
pub struct BatchHeader(Option<(i64, Errno)>);

impl BatchHeader {
    /// Creates an empty header.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }
}

/// Headers, slots, and parts for messages that are sent as one.
type Storage<'s, const C: usize> = (&'s mut [BatchHeader], &'s mut [SendSlot<C>], &'s mut [Part]);

pub(super) fn receive<const C: usize, R, K: Caller>(
    socket: BorrowedFd<'_>,
    headers: &mut [BatchHeader],
    slots: &mut [RecvSlot<C>],
    payloads: &mut [impl Room<R>],
    caller: K,
) -> Result<usize, K::Error> {
    let mut header = os::header();
    let number = os::raw(socket) as i64;
    let mut storage = headers.iter_mut().zip(slots).zip(payloads).take(MAX);
    let Some(((BatchHeader(latest), slot), payload)) = storage.next() else { return Ok(0) };
    let mut flags = MessageFlags::empty();
    let len = message::call(caller, |now| {
        flags = now;
        match latest.take() {
            Some((of, errno)) if of == number => return Err(errno),
            _ => {}
        }
        // Before each call: some systems change the lengths even if the call fails.
        slot.fill(&mut header, payload);
        // SAFETY: the header was set above. Each pointer comes from the slot or the payload buffer, which are borrowed
        // mutably here, with its length.
        unsafe { os::receive(socket, &mut header, (now - MessageFlags::WAIT_FOR_ONE).bits()) }
    })?;
    slot.take(&header, len);
    if flags.contains(MessageFlags::WAIT_FOR_ONE) {
        flags = (flags - MessageFlags::WAIT_FOR_ONE) | MessageFlags::DONT_WAIT;
    }
    let mut count = 1;
    for ((_, slot), payload) in storage {
        slot.fill(&mut header, payload);
        // SAFETY: as above.
        match unsafe { os::receive(socket, &mut header, flags.bits()) } {
            Ok(len) => slot.take(&header, len),
            Err(Errno::AGAIN | Errno::INTR) => break,
            Err(errno) => {
                *latest = Some((number, errno));
                break;
            }
        }
        count += 1;
    }
    Ok(count)
}

pub(super) fn send<'a, const C: usize, K: Caller>(
    socket: BorrowedFd<'_>,
    (headers, slots, parts): Storage<'_, C>,
    mut rest: impl Iterator<Item = &'a Outgoing<'a>> + Clone,
    policy: &impl Policy,
    coalesce: Coalesce,
    caller: K,
) -> Result<usize, SendError<K::Error>> {
    let mut header = os::header();
    // The number of sent messages.
    let mut count = 0;
    // The caller makes the first call. Each other call is made once, with the same flags.
    let mut caller = Some(caller);
    let mut flags = MessageFlags::empty();
    let all = parts.len();
    for (_, slot) in headers.iter().zip(slots).take(MAX) {
        let run = match fill_next(&mut header, slot, (&mut &mut *parts, all), &mut rest, policy, coalesce) {
            Some(Ok(run)) => run,
            Some(Err(error)) if count == 0 => return Err(SendError::Control(error)),
            // The next call, which starts with this message, returns the error.
            _ => break,
        };
        // SAFETY: the header was set above. Each pointer comes from the slot or the parts, which are borrowed mutably here,
        // or from a payload, which is borrowed for 'a, with its length or number. `Part` has the layout of `os::Part`. The
        // control messages are those of an encoder, which holds no descriptors.
        let make = |now: MessageFlags| unsafe { os::send(socket, &header, now.bits()) };
        if let Some(caller) = caller.take() {
            let first = |now| {
                flags = now;
                make(now)
            };
            message::call(caller, first).map_err(SendError::Os)?;
        } else if make(flags).is_err() {
            break;
        }
        count += run;
    }
    Ok(count)
}
