//! Batches where the system has no calls for them: one message after another.

use core::borrow::Borrow;

use ipv6_core::EncodeError;

use super::{Coalesce, MAX, Outgoing, Part, RecvSlot, SendError, SendSlot, SendStorage};
use crate::fd::BorrowedFd;
use crate::message::{Caller, MessageFlags};
use crate::os;

/// A bit that no system call sees.
pub(crate) const MSG_WAITFORONE: i32 = 1 << 30;

/// What a system with calls for batches reads and writes of one message; this system has none.
pub struct BatchHeader(());

impl BatchHeader {
    /// A header without anything.
    pub const fn new() -> Self {
        Self(())
    }
}

pub(super) fn receive<const C: usize, K: Caller>(
    socket: BorrowedFd<'_>,
    headers: &mut [BatchHeader],
    slots: &mut [RecvSlot<C>],
    payloads: &mut [impl AsMut<[u8]>],
    caller: K,
) -> Result<usize, K::Error> {
    let mut header = os::header();
    let mut storage = headers.iter().zip(slots).zip(payloads).take(MAX);
    let Some(((_, slot), payload)) = storage.next() else { return Ok(0) };
    slot.fill(&mut header, payload.as_mut());
    let mut flags = MessageFlags::empty();
    let len = caller.call(|now| {
        flags = now;
        // SAFETY: the header was just set: each pointer is that of the slot or of the payload buffer, borrowed
        // mutably here, with its length.
        unsafe { os::receive(socket, &mut header, (now - MessageFlags::WAIT_FOR_ONE).bits()) }
    })?;
    // SAFETY: the kernel has just received into the header, filled by this slot.
    unsafe { slot.take(&header, len) };
    if flags.contains(MessageFlags::WAIT_FOR_ONE) {
        flags = flags - MessageFlags::WAIT_FOR_ONE | MessageFlags::DONT_WAIT;
    }
    let mut count = 1;
    for ((_, slot), payload) in storage {
        slot.fill(&mut header, payload.as_mut());
        // SAFETY: as above.
        match unsafe { os::receive(socket, &mut header, flags.bits()) } {
            // SAFETY: as above.
            Ok(len) => unsafe { slot.take(&header, len) },
            // It stays for the next call.
            Err(_) => break,
        }
        count += 1;
    }
    Ok(count)
}

pub(super) fn send<'a, const C: usize, K: Caller, M: Borrow<Outgoing<'a>>>(
    socket: BorrowedFd<'_>,
    storage: SendStorage<'_, C>,
    messages: impl IntoIterator<Item = M>,
    // These systems cannot cut.
    _: Coalesce,
    caller: K,
) -> Result<usize, SendError<K::Error>> {
    let SendStorage { headers, slots, parts } = storage;
    let mut header = os::header();
    let mut storage = headers.iter().zip(slots).zip(parts).zip(messages).take(MAX);
    let mut fill =
        |(((_, slot), Part(part)), message): Filling<'_, M, C>| -> Result<os::Header, EncodeError> {
            let message = message.borrow();
            slot.fill(&mut header, message, 1)?;
            // The system reads the payload and writes nothing to it.
            *part = os::part(message.payload.as_ptr().cast_mut(), message.payload.len());
            os::set_payload(&mut header, part, 1);
            Ok(header)
        };
    let Some(first) = storage.next() else { return Ok(0) };
    let header = fill(first).map_err(SendError::Control)?;
    let mut flags = MessageFlags::empty();
    let sent = caller.call(|now| {
        flags = now;
        // SAFETY: the header was just set: each pointer is that of the slot or the part, borrowed mutably here, or of
        // the payload, borrowed for 'a, with its length.
        unsafe { os::send(socket, &header, now.bits()) }
    });
    sent.map_err(SendError::Os)?;
    let mut count = 1;
    for next in storage {
        // What fails is the next call's first message, and an error there.
        let Ok(header) = fill(next) else { break };
        // SAFETY: as above.
        if unsafe { os::send(socket, &header, flags.bits()) }.is_err() {
            break;
        }
        count += 1;
    }
    Ok(count)
}

/// What one message is filled into, and the message.
type Filling<'s, M, const C: usize> = (((&'s BatchHeader, &'s mut SendSlot<C>), &'s mut Part), M);
