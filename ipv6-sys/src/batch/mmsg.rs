//! Batches where the system has calls for them.

use core::mem::zeroed;

use super::{MAX, Outgoing, RecvSlot, SendError, SendSlot};
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

pub(super) fn send<'a, const C: usize, K: Caller>(
    socket: BorrowedFd<'_>,
    headers: &mut [BatchHeader],
    slots: &mut [SendSlot<C>],
    messages: impl IntoIterator<Item = Outgoing<'a>>,
    caller: K,
) -> Result<usize, SendError<K::Error>> {
    let mut ready = 0_usize;
    for ((BatchHeader(header), slot), message) in headers.iter_mut().zip(slots).zip(messages).take(MAX) {
        header.msg_len = 0;
        match slot.fill(&mut header.msg_hdr, &message) {
            Ok(()) => ready += 1,
            Err(error) if ready == 0 => return Err(SendError::Control(error)),
            // It is the next call's first message, and an error there.
            Err(_) => break,
        }
    }
    if ready == 0 {
        return Ok(0);
    }
    let start = headers.as_mut_ptr().cast();
    let sent = caller.call(|flags| {
        // SAFETY: the first `ready` headers were just set: each pointer is that of a slot borrowed mutably
        // here or of a payload borrowed for 'a, with its length. The kernel reads them, and writes only the
        // headers' `msg_len`.
        let answer = unsafe { libc::sendmmsg(os::raw(socket), start, ready as _, flags.bits() as _) };
        os::count(answer)
    });
    sent.map_err(SendError::Os)
}
