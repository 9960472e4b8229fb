//! Control messages as bytes: iterate over those that a kernel wrote, and write those to send.
//!
//! [`abi::CmsgLayout`](crate::abi::CmsgLayout) shows the layout of one message. This module does not use the system's
//! `CMSG_` macros (cmsg(3), RFC 3542 section 20.3), which differ between libraries and need an aligned buffer of zeros.
//! Its arithmetic is checked for overflow; `ipv6-sys` proves at compile time that it equals the macros of the host.
//!
//! ```
//! use ipv6_core::abi::Linux64;
//! use ipv6_core::cmsg::{RawMessages, Writer};
//!
//! let mut buffer = [0xff; 64];
//! let mut writer = Writer::<Linux64>::new(&mut buffer);
//! writer.push(41, 67, &[0xe0, 0, 0, 0])?;
//! writer.push(1, 29, &[7; 16])?; // any other message
//! let used = writer.finish();
//!
//! let kinds: Vec<i32> =
//!     RawMessages::<Linux64>::new(&buffer[..used]).map(|m| m.map(|m| m.kind)).collect::<Result<_, _>>()?;
//! assert_eq!(kinds, [67, 29]);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use core::fmt;
use core::hash::{Hash, Hasher};
use core::iter::FusedIterator;
use core::marker::PhantomData;

use crate::abi::{ControlNumber, Platform, Width};
use crate::wire;

mod writer;

pub(crate) use writer::put;
pub use writer::{Byte, Writer};

/// One control message, of any level and type. Two messages are equal if level, type and data are, wherever they are.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "cmsghdr", alias = "SocketControlMessage")]
#[non_exhaustive]
pub struct RawMessage<'a> {
    /// `cmsg_level`: the protocol, such as 41 (`IPPROTO_IPV6`).
    #[doc(alias = "cmsg_level")]
    pub level: i32,
    /// `cmsg_type`: the message's number within the level.
    #[doc(alias = "cmsg_type")]
    pub kind: i32,
    /// The data, in the platform's byte order, without header and padding. It can have any alignment.
    #[doc(alias = "CMSG_DATA")]
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serde_impls::bytes"))]
    pub data: &'a [u8],
    #[cfg_attr(feature = "serde", serde(skip))]
    offset: usize,
}

impl<'a> RawMessage<'a> {
    /// Creates a message, at offset 0: for comparison with one that was read. [`Writer::push`] writes one.
    #[must_use]
    pub const fn new(level: i32, kind: i32, data: &'a [u8]) -> Self {
        Self { level, kind, data, offset: 0 }
    }

    /// Whether the message has this level and this type.
    #[inline]
    pub(crate) fn has(&self, number: Option<ControlNumber>) -> bool {
        number.is_some_and(|number| number.level == self.level && number.kind == self.kind)
    }

    /// Returns the offset of the message's header in the buffer that it was read from, in bytes.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

impl PartialEq for RawMessage<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.level, self.kind, self.data) == (other.level, other.kind, other.data)
    }
}

impl Eq for RawMessage<'_> {}

impl Hash for RawMessage<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.level, self.kind, self.data).hash(state);
    }
}

/// An iterator over the control messages in a buffer, in order, including unknown ones.
///
/// The buffer can have any alignment. Pass only the bytes that the kernel wrote (`msg_controllen`). If a message does not
/// fit into the buffer, the iterator returns one [`MalformedMessage`] and ends. It ignores bytes at the end that are
/// fewer than a header.
#[derive(Debug)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
#[doc(
    alias = "CMSG_FIRSTHDR",
    alias = "CMSG_NXTHDR",
    alias = "CMSG_DATA",
    alias = "ParseSocketControlMessage"
)]
pub struct RawMessages<'a, P> {
    control: &'a [u8],
    offset: usize,
    platform: PhantomData<fn() -> P>,
}

impl<'a, P: Platform> RawMessages<'a, P> {
    /// Creates an iterator over the messages in `control`.
    pub const fn new(control: &'a [u8]) -> Self {
        Self { control, offset: 0, platform: PhantomData }
    }

    /// Returns the offset of the next message in the buffer, in bytes. It exceeds the length of a buffer that lacks the
    /// padding after the last message.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Creates an iterator over `rest`, the end of a buffer of `len` bytes. Offsets in errors count from its start.
    pub(crate) const fn ending(rest: &'a [u8], len: usize) -> Self {
        Self { control: rest, offset: len.saturating_sub(rest.len()), platform: PhantomData }
    }
}

impl<'a, P: Platform> Iterator for RawMessages<'a, P> {
    type Item = Result<RawMessage<'a>, MalformedMessage>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let layout = const { P::ABI.cmsg };
        let level_at = layout.len.bytes();
        let message = self.control;

        // Fewer bytes than a header are padding.
        let len = match layout.len {
            Width::Four => u64::from(wire::read_u32::<P>(message, 0)?),
            Width::Eight => wire::read_u64::<P>(message, 0)?,
        };
        let level = wire::read_i32::<P>(message, level_at)?;
        let kind = wire::read_i32::<P>(message, level_at.saturating_add(4))?;

        // A length above usize (a 64-bit platform on a 32-bit host) exceeds the buffer too.
        let data = usize::try_from(len).ok().and_then(|len| message.get(layout.data_offset()..len));
        let Some(data) = data else {
            let error = MalformedMessage { offset: self.offset, len, available: message.len() };
            self.control = &[];
            return Some(Err(error));
        };

        // `data` is within `message`, so `next` is at most the buffer's length, rounded up.
        let next = layout.next(layout.len(data.len()));
        self.control = message.get(next..).unwrap_or(&[]);
        let offset = self.offset;
        self.offset = offset.saturating_add(next);
        Some(Ok(RawMessage { level, kind, data, offset }))
    }
}

// Not derived: that would ask the platform to be `Clone`.
impl<P> Clone for RawMessages<'_, P> {
    fn clone(&self) -> Self {
        Self { control: self.control, offset: self.offset, platform: PhantomData }
    }
}

impl<P: Platform> FusedIterator for RawMessages<'_, P> {}

/// Level and type of a message as adjacent bytes of its header, so that one comparison checks both.
pub(crate) type Key = [u8; 8];

/// Returns the key of the message with these numbers.
#[inline(always)]
pub(crate) fn key<P: Platform>(number: ControlNumber) -> Key {
    let [l0, l1, l2, l3] = wire::bytes_of_u32::<P>(number.level.cast_unsigned());
    let [k0, k1, k2, k3] = wire::bytes_of_u32::<P>(number.kind.cast_unsigned());
    [l0, l1, l2, l3, k0, k1, k2, k3]
}

/// Reads the message at the start of `control`: its key, its data and the bytes that follow. `None` unless it has exactly
/// `N` bytes of data and all of its padding.
#[inline(always)]
pub(crate) fn first<P: Platform, const N: usize>(control: &[u8]) -> Option<(Key, &[u8; N], &[u8])> {
    let layout = const { P::ABI.cmsg };
    let (message, rest) = control.split_at_checked(layout.space(N))?;
    let len = match layout.len {
        Width::Four => wire::read_u32::<P>(message, 0)? == u32::try_from(layout.len(N)).ok()?,
        Width::Eight => wire::read_u64::<P>(message, 0)? == u64::try_from(layout.len(N)).ok()?,
    };
    if !len {
        return None;
    }
    let key = wire::chunk(message, layout.len.bytes())?;
    let data = message.get(layout.data_offset()..)?.first_chunk()?;
    Some((key, data, rest))
}

/// Reads the message at the start of `control`: its data and the bytes that follow. `None` unless it has these numbers and
/// `N` bytes of data. Each kernel writes its messages in a fixed order, so expecting them in that order is fastest.
#[inline(always)]
pub(crate) fn expect<P: Platform, const N: usize>(
    control: &[u8],
    number: Option<ControlNumber>,
) -> Option<(&[u8; N], &[u8])> {
    let expected = key::<P>(number?);
    let (key, data, rest) = first::<P, N>(control)?;
    if key == expected { Some((data, rest)) } else { None }
}

/// The error for a control message whose length is less than its header or extends past the end of the buffer.
///
/// Kernels write such messages in one case only: when they truncate a message to fit the buffer (`MSG_CTRUNC`), some do
/// not adjust its length. Pass a larger buffer, or use
/// [`RecvControl::decode_truncated`](crate::RecvControl::decode_truncated). For bytes from elsewhere,
/// [`RecvControl::decode_lenient`](crate::RecvControl::decode_lenient) returns what precedes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MalformedMessage {
    /// The offset of the message in the buffer, in bytes.
    pub offset: usize,
    /// The length in the message's header (`cmsg_len`), in bytes.
    pub len: u64,
    /// The number of bytes from the start of the message to the end of the buffer.
    pub available: usize,
}

impl fmt::Display for MalformedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, len, available } = self;
        write!(f, "control message at offset {offset} has the length {len}, which is ")?;
        let too_long = usize::try_from(*len).map_or(true, |len| len > *available);
        if too_long {
            write!(f, "more than the {available} bytes that are left")
        } else {
            f.write_str("less than its header")
        }
    }
}

impl core::error::Error for MalformedMessage {}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

    use super::*;
    use crate::abi::{Linux32, Linux64, Linux64Be};
    use crate::error::BufferTooSmall;

    //                  cmsg_len, 17 = 16 + 1     level 41    type 67     data, then 7 of padding
    const ONE_BYTE: [u8; 24] = [17, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 67, 0, 0, 0, 0xe0, 0, 0, 0, 0, 0, 0, 0];

    fn walk<P: Platform>(control: &[u8]) -> Vec<Result<RawMessage<'_>, MalformedMessage>> {
        let mut messages = RawMessages::<P>::new(control);
        // The limit exceeds the messages of any buffer: an iterator that does not end fails here.
        let seen: Vec<_> = messages.by_ref().take(control.len() + 1).collect();
        assert_eq!(messages.next(), None);
        seen
    }

    /// A header with this length, without data.
    fn header(len: u64) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&len.to_le_bytes());
        bytes
    }

    #[test]
    fn one_message() {
        let message = RawMessage::new(41, 67, &[0xe0]);
        assert_eq!(walk::<Linux64>(&ONE_BYTE), [Ok(message)]);
        // The kernel may omit the padding after the last message.
        assert_eq!(walk::<Linux64>(&ONE_BYTE[..17]), [Ok(message)]);
    }

    #[test]
    fn the_iterator_reads_what_the_writer_wrote() {
        let mut buffer = [0xff; 30];
        let mut writer = Writer::<Linux64>::new(&mut buffer);
        writer.push(41, 67, &[0xe0]).unwrap();
        assert_eq!(writer.finish(), 24);
        assert_eq!(buffer[..24], ONE_BYTE);
        assert_eq!(buffer[24..], [0xff; 6]);
    }

    #[test]
    fn headers_of_32_bits_and_of_big_endian_platforms() {
        //               len 16 = 12 + 4  level 41    type 52     hop limit 64
        let short = [16, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0, 64, 0, 0, 0];
        assert_eq!(walk::<Linux32>(&short), [Ok(RawMessage::new(41, 52, &short[12..]))]);
        let big = [0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 41, 0, 0, 0, 67, 0xe0];
        assert_eq!(walk::<Linux64Be>(&big), [Ok(RawMessage::new(41, 67, &[0xe0]))]);
    }

    #[test]
    fn a_message_that_does_not_fit_does_not_change_earlier_ones() {
        let mut buffer = [0; 47];
        let mut writer = Writer::<Linux64>::new(&mut buffer);
        writer.push(41, 67, &[1]).unwrap();
        assert_eq!(writer.push(41, 52, &[2]), Err(BufferTooSmall { needed: 48, available: 47 }));
        assert_eq!(writer.finish(), 24);
        assert_eq!(walk::<Linux64>(&buffer[..24]).len(), 1);
    }

    // Scar 1 (rustix#1683): macOS leaves the full length on a truncated message.
    #[test]
    fn a_length_past_the_buffer_ends_the_walk_with_one_error() {
        for len in [18, 25, 1 << 20, u64::from(u32::MAX), u64::MAX - 7, u64::MAX] {
            let mut control = ONE_BYTE.to_vec();
            control.extend(header(len));
            let error = MalformedMessage { offset: 24, len, available: 16 };
            assert_eq!(walk::<Linux64>(&control)[1..], [Err(error)]);
        }
    }

    // Scar 2: rustix 1.1.6 resumed a partly consumed iterator at a wrong offset.
    #[test]
    fn a_partly_consumed_iterator_resumes_at_the_next_message() {
        let control = [ONE_BYTE, ONE_BYTE, ONE_BYTE].concat();
        let mut messages = RawMessages::<Linux64>::new(&control);
        assert_eq!(messages.by_ref().take(1).count(), 1);
        assert_eq!(messages.clone().count(), 2);
        assert!(messages.by_ref().all(|message| message.is_ok_and(|message| message.data == [0xe0])));
        assert_eq!(messages.next(), None);
    }

    // Scar 13 (noq#774): a panic on musl for data with a larger alignment than the header.
    #[test]
    fn data_of_any_alignment_is_written() {
        #[repr(align(64))]
        struct Aligned([u8; 8]);
        let data = Aligned([7; 8]);
        let mut storage = [0; 32];
        for start in 0..8 {
            let mut writer = Writer::<Linux64>::new(&mut storage[start..start + 24]);
            writer.push(1, 2, &data.0).unwrap();
            let message = RawMessage::new(1, 2, &[7; 8]);
            assert_eq!(walk::<Linux64>(&storage[start..start + 24]), [Ok(message)]);
        }
    }

    // Scar 11 (quinn#2154, rust#83374): a message shorter than its header repeated for ever.
    // Scar 9 (libc#4903): CMSG_NXTHDR wrapped and read past the buffer.
    #[test]
    fn a_length_below_the_header_ends_the_walk_with_one_error() {
        for len in 0..16 {
            let error = MalformedMessage { offset: 0, len, available: 16 };
            assert_eq!(walk::<Linux64>(&header(len)), [Err(error)]);
        }
        assert_eq!(walk::<Linux64>(&header(16)), [Ok(RawMessage::new(0, 0, &[]))]);
    }

    // Scar 12 (nix#1040, rust#139861, compio#449): control buffers without alignment.
    #[test]
    fn buffers_of_any_alignment() {
        let mut storage = [0; 64];
        for start in 0..16 {
            let mut writer = Writer::<Linux64>::new(&mut storage[start..start + 48]);
            writer.push(41, 67, &[0xe0, 0, 0, 0]).unwrap();
            writer.push(41, 52, &[64, 0, 0, 0]).unwrap();
            let class = RawMessage::new(41, 67, &[0xe0, 0, 0, 0]);
            let hops = RawMessage::new(41, 52, &[64, 0, 0, 0]);
            assert_eq!(walk::<Linux64>(&storage[start..start + 48]), [Ok(class), Ok(hops)]);
        }
    }

    // Scar 16 (nix#874): several messages were encoded wrongly, with padding past the buffer.
    #[test]
    fn several_messages_and_no_padding_past_the_buffer() {
        //  len 18 = 16 + 2             level 1       type 29        data, then 6 of padding
        let two_bytes = [18, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 29, 0, 0, 0, 7, 8, 0, 0, 0, 0, 0, 0];
        let mut buffer = [0xff; 72];
        // The padding of the last message needs space too: without it, nothing of the message is written.
        for available in [71, 72] {
            let mut writer = Writer::<Linux64>::new(&mut buffer[..available]);
            writer.push(41, 67, &[0xe0]).unwrap();
            writer.push(1, 29, &[7, 8]).unwrap();
            let third = writer.push(41, 67, &[0xe0]);
            if available == 72 {
                assert_eq!((third, writer.finish()), (Ok(()), 72));
                assert_eq!(buffer[..], [ONE_BYTE, two_bytes, ONE_BYTE].concat());
            } else {
                assert_eq!(third, Err(BufferTooSmall { needed: 72, available: 71 }));
                assert_eq!(writer.finish(), 48);
                assert_eq!(buffer[48..], [0xff; 24]);
            }
        }
    }

    #[test]
    fn levels_and_types_are_signed() {
        let mut buffer = [0; 16];
        let mut writer = Writer::<Linux64Be>::new(&mut buffer);
        writer.push(-1, i32::MIN, &[]).unwrap();
        //                    len 16                 level -1                type i32::MIN
        assert_eq!(buffer, [0, 0, 0, 0, 0, 0, 0, 16, 255, 255, 255, 255, 128, 0, 0, 0]);
        assert_eq!(walk::<Linux64Be>(&buffer), [Ok(RawMessage::new(-1, i32::MIN, &[]))]);
    }

    #[test]
    fn text() {
        let text = |len| MalformedMessage { offset: 24, len, available: 16 }.to_string();
        let start = "control message at offset 24 has the length";
        assert_eq!(text(25), format!("{start} 25, which is more than the 16 bytes that are left"));
        assert_eq!(text(11), format!("{start} 11, which is less than its header"));
    }

    // Scar 17 (nix#623): buffers of length 0.
    #[test]
    fn an_empty_buffer_and_one_shorter_than_a_header_have_no_messages() {
        assert_eq!(walk::<Linux64>(&[]), []);
        for len in 0..16 {
            assert_eq!(walk::<Linux64>(&ONE_BYTE[..len]), []);
        }
        assert_eq!(Writer::<Linux64>::new(&mut []).finish(), 0);
        assert_eq!(
            Writer::<Linux64>::new(&mut []).push(0, 0, &[]),
            Err(BufferTooSmall { needed: 16, available: 0 })
        );
    }

    #[test]
    fn messages_are_equal_with_the_same_numbers_and_data() {
        let hash =
            |message: &RawMessage<'_>| BuildHasherDefault::<DefaultHasher>::default().hash_one(message);
        let message = RawMessage::new(41, 67, &[0xe0]);
        for other in
            [RawMessage::new(0, 67, &[0xe0]), RawMessage::new(41, 52, &[0xe0]), RawMessage::new(41, 67, &[])]
        {
            assert_ne!(message, other);
            assert_ne!(hash(&message), hash(&other));
        }
    }

    #[test]
    fn a_length_of_all_that_is_left_is_less_than_a_header() {
        let error = MalformedMessage { offset: 0, len: 10, available: 10 };
        assert!(error.to_string().ends_with("which is less than its header"));
        let error = MalformedMessage { len: 11, ..error };
        assert!(error.to_string().ends_with("which is more than the 10 bytes that are left"));
    }

    #[test]
    fn the_first_message_is_read_only_with_the_size_asked_for() {
        let mut short = [16, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0, 64, 0, 0, 0];
        assert_eq!(first::<Linux32, 4>(&short).map(|(_, data, _)| *data), Some([64, 0, 0, 0]));
        for len in [0, 13, 15, 17] {
            short[0] = len;
            assert_eq!(first::<Linux32, 4>(&short), None);
        }
    }
}
