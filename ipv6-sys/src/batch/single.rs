//! Batches where the system has no calls for them: one message after another.

use super::outgoing::{Coalesce, Outgoing, Ports, SendError};
use super::payload::MAX;
use super::payload::{Part, Room};
use super::slot::{RecvSlot, SendSlot};
use crate::error::Errno;
use crate::fd::BorrowedFd;
use crate::message::{self, Caller, MessageFlags};
use crate::os;

/// What a system with calls for batches reads and writes of one message. This system has none, and in the first header
/// of a batch there is with what error, of which socket, the latest batch ended that was received: it is the next one's,
/// as Linux has it, for most are told once.
pub struct BatchHeader(Option<(i64, Errno)>);

impl BatchHeader {
    /// A header without anything.
    pub const fn new() -> Self {
        Self(None)
    }
}

/// Headers, slots, and parts for messages that are sent as one.
type Storage<'s, const C: usize> = (&'s mut [BatchHeader], &'s mut [SendSlot<C>], &'s mut [Part]);

pub(super) fn receive<const C: usize, K: Caller>(
    socket: BorrowedFd<'_>,
    headers: &mut [BatchHeader],
    slots: &mut [RecvSlot<C>],
    payloads: &mut [impl Room],
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
        // Again for each call: some systems write the lengths also when it fails.
        slot.fill(&mut header, payload);
        // SAFETY: the header was just set: each pointer is that of the slot or of the payload buffer, borrowed
        // mutably here, with its length.
        unsafe { os::receive(socket, &mut header, (now - MessageFlags::WAIT_FOR_ONE).bits()) }
    })?;
    // SAFETY: the kernel has just received into the header, filled by this slot.
    unsafe { slot.take(&header, len) };
    if flags.contains(MessageFlags::WAIT_FOR_ONE) {
        flags = (flags - MessageFlags::WAIT_FOR_ONE) | MessageFlags::DONT_WAIT;
    }
    let mut count = 1;
    for ((_, slot), payload) in storage {
        slot.fill(&mut header, payload);
        // SAFETY: as above.
        match unsafe { os::receive(socket, &mut header, flags.bits()) } {
            // SAFETY: as above.
            Ok(len) => unsafe { slot.take(&header, len) },
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
    (headers, slots, _): Storage<'_, C>,
    messages: &'a [Outgoing<'a>],
    mut accept: impl FnMut(&Outgoing<'a>) -> Option<Ports>,
    // These systems cannot cut.
    _: Coalesce,
    caller: K,
) -> Result<usize, SendError<K::Error>> {
    let mut header = os::header();
    let mut count = 0;
    // Who makes the first call; the others are made as that one was, once.
    let mut caller = Some(caller);
    let mut flags = MessageFlags::empty();
    for ((_, slot), outgoing) in headers.iter().zip(slots).zip(messages).take(MAX) {
        let Some(ports) = accept(outgoing) else { break };
        match slot.fill(&mut header, outgoing, ports) {
            Ok(()) => {}
            Err(error) if count == 0 => return Err(SendError::Control(error)),
            // It is the next call's first message, and an error there.
            Err(_) => break,
        }
        // SAFETY: the header was just set: each pointer is that of the slot, borrowed mutably here, or of the payload
        // or its parts, borrowed for 'a, with its length.
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
        count += 1;
    }
    Ok(count)
}
