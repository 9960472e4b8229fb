//! Batches where the system has no calls for them: one message after another.

use super::{MAX, Outgoing, RecvSlot, SendError, SendSlot};
use crate::error::Errno;
use crate::fd::BorrowedFd;
use crate::message::MessageFlags;
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

pub(super) fn receive<const C: usize>(
    socket: BorrowedFd<'_>,
    headers: &mut [BatchHeader],
    slots: &mut [RecvSlot<C>],
    payloads: &mut [impl AsMut<[u8]>],
    flags: MessageFlags,
) -> Result<usize, Errno> {
    let mut header = os::header();
    let mut now = flags - MessageFlags::WAIT_FOR_ONE;
    let mut count = 0;
    for ((_, slot), payload) in headers.iter().zip(slots).zip(payloads).take(MAX) {
        slot.fill(&mut header, payload.as_mut());
        // SAFETY: the header was just set: each pointer is that of the slot or of the payload buffer, borrowed
        // mutably here, with its length.
        match unsafe { os::receive(socket, &mut header, now.bits()) } {
            // SAFETY: the kernel has just received into the header, filled by this slot.
            Ok(len) => unsafe { slot.take(&header, len) },
            Err(errno) if count == 0 => return Err(errno),
            // It stays for the next call.
            Err(_) => break,
        }
        count += 1;
        if flags.contains(MessageFlags::WAIT_FOR_ONE) {
            now |= MessageFlags::DONT_WAIT;
        }
    }
    Ok(count)
}

pub(super) fn send<'a, const C: usize>(
    socket: BorrowedFd<'_>,
    headers: &mut [BatchHeader],
    slots: &mut [SendSlot<C>],
    messages: impl IntoIterator<Item = Outgoing<'a>>,
    flags: MessageFlags,
) -> Result<usize, SendError> {
    let mut header = os::header();
    let mut count = 0;
    for ((_, slot), message) in headers.iter().zip(slots).zip(messages).take(MAX) {
        let sent = slot.fill(&mut header, &message).map_err(SendError::Control).and_then(|()| {
            // SAFETY: the header was just set: each pointer is that of the slot, borrowed mutably here, or of the
            // payload, borrowed for 'a, with its length.
            unsafe { os::send(socket, &header, flags.bits()) }.map_err(SendError::Os)
        });
        match sent {
            Ok(_) => count += 1,
            Err(error) if count == 0 => return Err(error),
            // It is the next call's first message, and an error there.
            Err(_) => break,
        }
    }
    Ok(count)
}
