//! Padding of received control messages.
//!
//! `msg_controllen` counts the padding of control messages, but a kernel need not write it. Linux copies header and data
//! of each message and skips the rest (`put_cmsg` in net/core/scm.c). Reading these bytes in a buffer that was never
//! initialised is undefined behaviour, so they are zeroed here.

use core::mem::MaybeUninit;
use core::slice;

use ipv6_core::abi::{CmsgLayout, Platform, Width};

use crate::host::Host;

const LAYOUT: CmsgLayout = Host::ABI.cmsg;

/// Bytes of `cmsg_len`, `cmsg_level` and `cmsg_type`. Padding may follow.
const HEADER: usize = LAYOUT.len.bytes() + 8;

/// The sizes of the messages in `RecvControl` that hold an `int`, and of packet info.
const INT: usize = 4;
const INFO: usize = match Host::ABI.control.packet_info {
    Some(number) => number.size,
    None => 0,
};

/// Bytes that they take in the buffer.
const INT_SPACE: usize = LAYOUT.space(INT);
const INFO_SPACE: usize = LAYOUT.space(INFO);

/// The lengths of control messages that most sockets receive: packet info alone; packet info, hop limit and traffic class
/// in the order in which Linux writes them (net/ipv6/datagram.c); the same after the size of coalesced segments
/// (net/ipv6/udp.c).
const ONE: usize = INFO_SPACE;
const THREE: usize = INFO_SPACE + 2 * INT_SPACE;
const FOUR: usize = INT_SPACE + THREE;

/// Does what [`initialise`] does if the control messages are packet info alone. `None`: others.
///
/// The compiler uses the compared lengths in the decoder that follows. The same holds for [`three`] and [`four`].
///
/// # Safety
///
/// That of [`initialise`].
#[inline(always)]
pub(crate) unsafe fn one(room: &mut [MaybeUninit<u8>], len: usize) -> Option<&[u8]> {
    let control = if len == ONE { room.get_mut(..ONE)? } else { return None };
    // SAFETY: the kernel counts at least one message, so it wrote the first header.
    let found = unsafe { message(control, 0, INFO) };
    if !found {
        return None;
    }
    // SAFETY: the kernel wrote the message, and its padding is initialised.
    Some(unsafe { assume_init(control, ONE) })
}

/// Does what [`initialise`] does if the control messages are packet info, hop limit and traffic class. `None`: others.
///
/// # Safety
///
/// That of [`initialise`].
#[inline(always)]
pub(crate) unsafe fn three(room: &mut [MaybeUninit<u8>], len: usize) -> Option<&[u8]> {
    let control = if len == THREE { room.get_mut(..THREE)? } else { return None };
    // SAFETY: the kernel counts at least one message, so it wrote the first header.
    let found = unsafe { three_from(control, 0) };
    if !found {
        return None;
    }
    // SAFETY: the kernel wrote the messages, and their padding is initialised.
    Some(unsafe { assume_init(control, THREE) })
}

/// Does what [`initialise`] does if the control messages are the size of segments, packet info, hop limit and traffic
/// class. `None`: others.
///
/// # Safety
///
/// That of [`initialise`].
#[inline(always)]
pub(crate) unsafe fn four(room: &mut [MaybeUninit<u8>], len: usize) -> Option<&[u8]> {
    let control = if len == FOUR { room.get_mut(..FOUR)? } else { return None };
    // SAFETY: the kernel counts at least one message, so it wrote the first header.
    let found = unsafe { message(control, 0, INT) };
    // SAFETY: the message before it ends here, and the kernel counts more bytes than that: those of another message.
    let found = found && unsafe { three_from(control, INT_SPACE) };
    if !found {
        return None;
    }
    // SAFETY: the kernel wrote the messages, and their padding is initialised.
    Some(unsafe { assume_init(control, FOUR) })
}

/// Zeroes the padding of three messages from `start` on, if they have the lengths of packet info and of two integers.
///
/// # Safety
///
/// The kernel wrote the header that starts at `start`, and messages up to the end of `control`.
#[inline(always)]
unsafe fn three_from(control: &mut [MaybeUninit<u8>], start: usize) -> bool {
    let (second, third) = (start + INFO_SPACE, start + INFO_SPACE + INT_SPACE);
    // SAFETY: as the caller promises.
    let found = unsafe { message(control, start, INFO) };
    // SAFETY: the message before it ends here, and the kernel counts more bytes than that: those of another message.
    let found = found && unsafe { message(control, second, INT) };
    // SAFETY: as above.
    found && unsafe { message(control, third, INT) }
}

/// Initialises those of the first `len` bytes of `room` that the kernel counted and did not write: zeroes the padding of
/// headers and after data. Returns these bytes. `len` may exceed the room: NetBSD can report more.
///
/// Of a message whose length is shorter than its header or longer than the rest, only the header is kept: it is not known
/// how much data the kernel wrote. Such a message cannot be decoded either.
///
/// # Safety
///
/// The kernel received control messages into `room`, and reports that they have `len` bytes; or `room` is initialised. So it
/// wrote each header in them, and the data of each message that lies in them as a whole:
///
/// - Linux writes a header only if there is room for all of it. Of a message that was cut, `cmsg_len` is what was written
///   (net/core/scm.c: `put_cmsg`).
/// - The BSDs copy messages from memory in which each has its whole length. Of the last one, the end may be missing, also
///   that of its header; the rest of the room is then shorter than a header. Its `cmsg_len` exceeds the room.
/// - illumos copies all bytes that it reports (usr/src/uts/common/fs/sockfs/socksyscalls.c: `recvit`).
/// - On Windows, Solaris and AIX the room is initialised ([`os::STARTS_AS_ZEROS`](crate::os::STARTS_AS_ZEROS)).
#[inline(never)]
pub(crate) unsafe fn initialise(room: &mut [MaybeUninit<u8>], len: usize) -> &[u8] {
    let all = len.min(room.len());
    let Some(control) = room.get_mut(..all) else { return &[] };
    let mut start = 0;
    while all - start >= HEADER {
        // SAFETY: a whole header starts here, which the kernel wrote.
        let len = unsafe { len_at(control, start) };
        zero(control, start + HEADER, (start + LAYOUT.data_offset()).min(all));
        let Some(data) = len.checked_sub(LAYOUT.data_offset()).filter(|_| len <= all - start) else {
            start += HEADER;
            break;
        };
        let end = all.min(start + LAYOUT.space(data));
        zero(control, start + len, end);
        start = end;
    }
    zero(control, start, all);
    // SAFETY: the kernel wrote the messages, and all between and after them is zero now.
    unsafe { assume_init(control, all) }
}

/// Zeroes the padding of the message at `start`, if it holds `data` bytes. Returns false if not.
///
/// # Safety
///
/// The kernel wrote the header that starts at `start`.
#[inline(always)]
unsafe fn message(control: &mut [MaybeUninit<u8>], start: usize, data: usize) -> bool {
    // SAFETY: as the caller promises.
    let found = unsafe { len_at(control, start) } == LAYOUT.len(data);
    if found {
        zero(control, start + HEADER, start + LAYOUT.data_offset());
        zero(control, start + LAYOUT.len(data), start + LAYOUT.space(data));
    }
    found
}

/// Reads `cmsg_len`. Returns 0 if it does not lie in `control`.
///
/// # Safety
///
/// The kernel wrote the header that starts at `start`.
#[inline(always)]
unsafe fn len_at(control: &[MaybeUninit<u8>], start: usize) -> usize {
    let Some(bytes) = control.get(start..).and_then(|rest| rest.get(..LAYOUT.len.bytes())) else { return 0 };
    match LAYOUT.len {
        // SAFETY: there are four bytes, which the kernel wrote. The pointer need not be aligned.
        Width::Four => unsafe { bytes.as_ptr().cast::<u32>().read_unaligned() as usize },
        Width::Eight => {
            // SAFETY: there are eight bytes, which the kernel wrote. The pointer need not be aligned.
            let len = unsafe { bytes.as_ptr().cast::<u64>().read_unaligned() };
            usize::try_from(len).unwrap_or(usize::MAX)
        }
    }
}

/// The first `len` bytes of `room`, or all of it if `len` exceeds it.
///
/// # Safety
///
/// These bytes are initialised.
#[inline(always)]
pub(crate) unsafe fn assume_init(room: &[MaybeUninit<u8>], len: usize) -> &[u8] {
    // SAFETY: within `room`, and initialised, as the caller promises.
    unsafe { slice::from_raw_parts(room.as_ptr().cast(), len.min(room.len())) }
}

#[inline(always)]
fn zero(control: &mut [MaybeUninit<u8>], start: usize, end: usize) {
    if let Some(padding) = control.get_mut(start..end) {
        padding.fill(MaybeUninit::new(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOT_WRITTEN: MaybeUninit<u8> = MaybeUninit::uninit();

    /// Room with messages as a kernel writes them: header and data, no padding.
    fn received<const N: usize>(messages: &[(usize, usize)]) -> [MaybeUninit<u8>; N] {
        let mut room = [NOT_WRITTEN; N];
        let mut start = 0;
        for (len, written) in messages {
            let len = match LAYOUT.len {
                Width::Four => (*len as u32).to_ne_bytes().to_vec(),
                Width::Eight => (*len as u64).to_ne_bytes().to_vec(),
            };
            let header = len.into_iter().chain([0xaa; 8]);
            room[start..].iter_mut().zip(header).for_each(|(to, byte)| _ = to.write(byte));
            let data = start + LAYOUT.data_offset();
            room[data..].iter_mut().take(*written).for_each(|to| _ = to.write(0xdd));
            start += LAYOUT.space(*written);
        }
        room
    }

    /// Initialises `room`, and returns its bytes. Under Miri, reading one that is not initialised fails.
    fn initialised<const N: usize>(mut room: [MaybeUninit<u8>; N]) -> [u8; N] {
        let mut known = room;
        // SAFETY: `received` wrote the messages as a kernel does.
        let bytes = unsafe { initialise(&mut room, N) };
        // SAFETY: as above.
        assert!(unsafe { one(&mut known, N) }.is_none_or(|usual| usual == bytes));
        // SAFETY: as above.
        assert!(unsafe { three(&mut known, N) }.is_none_or(|usual| usual == bytes));
        // SAFETY: as above.
        assert!(unsafe { four(&mut known, N) }.is_none_or(|usual| usual == bytes));
        bytes.try_into().unwrap()
    }

    /// The number of data bytes and of zeros after the headers of one message.
    fn counts(message: &[u8]) -> (usize, usize) {
        let rest = &message[HEADER..];
        let count = |byte| rest.iter().filter(|other| **other == byte).count();
        (count(0xdd), count(0))
    }

    const fn space(data: usize) -> usize {
        LAYOUT.space(data)
    }
    const fn len(data: usize) -> usize {
        LAYOUT.len(data)
    }

    #[test]
    fn padding_of_usual_messages_is_zero() {
        let three = initialised::<{ space(INFO) + 2 * space(4) }>(received(&[
            (len(INFO), INFO),
            (len(4), 4),
            (len(4), 4),
        ]));
        assert_eq!(counts(&three[..space(INFO)]), (INFO, space(INFO) - HEADER - INFO));
        assert_eq!(counts(&three[space(INFO)..][..space(4)]), (4, space(4) - HEADER - 4));
        assert_eq!(counts(&three[space(INFO) + space(4)..]), (4, space(4) - HEADER - 4));
        let info = initialised::<{ space(INFO) }>(received(&[(len(INFO), INFO)]));
        assert_eq!(counts(&info), (INFO, space(INFO) - HEADER - INFO));
    }

    #[test]
    fn padding_of_other_messages_is_zero() {
        let two = initialised::<{ space(1) + space(7) }>(received(&[(len(1), 1), (len(7), 7)]));
        assert_eq!(counts(&two[..space(1)]), (1, space(1) - HEADER - 1));
        assert_eq!(counts(&two[space(1)..]), (7, space(7) - HEADER - 7));
        // The same total as three usual messages, other sizes.
        let other = initialised::<{ space(INFO) + 2 * space(4) }>(received(&[
            (len(4), 4),
            (len(4), 4),
            (len(INFO), INFO),
        ]));
        assert_eq!(counts(&other[2 * space(4)..]), (INFO, space(INFO) - HEADER - INFO));
    }

    #[test]
    fn messages_without_padding_after_the_last() {
        let one = initialised::<{ len(4) }>(received(&[(len(4), 4)]));
        assert_eq!(counts(&one), (4, len(0) - HEADER));
    }

    #[test]
    fn messages_of_wrong_length_keep_their_header_only() {
        for wrong in [0, 1, len(0) - 1, len(9), 1 << 20, u32::MAX as usize] {
            let bytes = initialised::<{ space(4) + len(8) }>(received(&[(len(4), 4), (wrong, 8)]));
            assert_eq!(counts(&bytes[..space(4)]), (4, space(4) - HEADER - 4));
            assert_eq!(counts(&bytes[space(4)..]), (0, len(8) - HEADER), "{wrong}");
        }
    }

    #[test]
    fn a_tail_too_short_for_a_header_is_zero() {
        // NetBSD reports a length rounded up, which can end within the padding or a few bytes after it.
        let bytes = initialised::<{ space(4) + HEADER - 1 }>(received(&[(len(4), 4)]));
        assert_eq!(bytes[space(4)..], [0; HEADER - 1]);
        assert_eq!(initialised::<{ HEADER - 1 }>([NOT_WRITTEN; HEADER - 1]), [0; HEADER - 1]);
        assert_eq!(initialised::<0>([]), []);
    }
}
