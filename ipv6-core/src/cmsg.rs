//! Control messages as bytes: walking through those a kernel wrote, and writing those it is to read.
//!
//! [`abi::CmsgLayout`](crate::abi::CmsgLayout) draws one message. Nothing here follows the system's
//! `CMSG_` macros, which differ between libraries and need a zeroed, aligned buffer; the arithmetic is
//! our own, checked, and proven equal to the host's macros where `ipv6-sys` is compiled.
//!
//! ```
//! use ipv6_core::abi::Linux64;
//! use ipv6_core::cmsg::{RawMessages, Writer};
//!
//! let mut buffer = [0xff; 64];
//! let mut writer = Writer::<Linux64>::new(&mut buffer);
//! writer.push(41, 67, &[0xe0, 0, 0, 0])?;
//! writer.push(1, 29, &[7; 16])?; // a message this crate has no field for
//! let used = writer.finish();
//!
//! let kinds: Vec<i32> =
//!     RawMessages::<Linux64>::new(&buffer[..used]).map(|m| m.map(|m| m.kind)).collect::<Result<_, _>>()?;
//! assert_eq!(kinds, [67, 29]);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use core::fmt;
use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

use crate::abi::{ControlNumber, Platform, Width};
use crate::error::BufferTooSmall;
use crate::wire;

/// One control message, of any level and type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "cmsghdr")]
pub struct RawMessage<'a> {
    /// `cmsg_level`: the protocol, such as 41 for IPv6.
    pub level: i32,
    /// `cmsg_type`: what it is within the level.
    pub kind: i32,
    /// The data, without header and padding, at any alignment.
    pub data: &'a [u8],
}

/// The control messages in a buffer, in order, unknown ones included.
///
/// The buffer may have any alignment and should be as long as the kernel said it wrote
/// (`msg_controllen`). A message that does not fit ends the iteration with one
/// [`MalformedMessage`]. Fewer bytes at the end than a header takes are padding.
#[derive(Clone, Debug)]
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
    /// Walks through `control`.
    pub const fn new(control: &'a [u8]) -> Self {
        Self { control, offset: 0, platform: PhantomData }
    }

    /// Walks through `rest`, the end of `len` bytes: offsets are those within all of them.
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

        // A header that is not all there is padding, or the rest of nothing.
        let len = match layout.len {
            Width::Four => u64::from(wire::read_u32::<P>(message, 0)?),
            Width::Eight => wire::read_u64::<P>(message, 0)?,
        };
        let level = wire::read_i32::<P>(message, level_at)?;
        let kind = wire::read_i32::<P>(message, level_at.saturating_add(4))?;

        // A table of a 64-bit system on a 32-bit host: what exceeds usize exceeds the buffer as well.
        let data = usize::try_from(len).ok().and_then(|len| message.get(layout.data_offset()..len));
        let Some(data) = data else {
            let error = MalformedMessage { offset: self.offset, len, available: message.len() };
            self.control = &[];
            return Some(Err(error));
        };

        // `data` is a part of `message`, so this is at most the buffer's length, rounded up.
        let next = layout.next(layout.len(data.len()));
        self.control = message.get(next..).unwrap_or(&[]);
        self.offset = self.offset.saturating_add(next);
        Some(Ok(RawMessage { level, kind, data }))
    }
}

impl<P: Platform> FusedIterator for RawMessages<'_, P> {}

/// Level and type of a message, side by side as its header has them: one comparison for both.
pub(crate) type Key = [u8; 8];

/// The key of the message with these numbers.
#[inline(always)]
pub(crate) fn key<P: Platform>(number: ControlNumber) -> Key {
    let [l0, l1, l2, l3] = wire::bytes_of_u32::<P>(number.level.cast_unsigned());
    let [k0, k1, k2, k3] = wire::bytes_of_u32::<P>(number.kind.cast_unsigned());
    [l0, l1, l2, l3, k0, k1, k2, k3]
}

/// The message that `control` starts with, and what follows it, where it has `N` bytes of data and is there with its
/// padding.
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

/// The data of the message that `control` starts with, and what follows it, where this is the message with
/// these numbers and this width: a kernel's messages have an order of their own, in which looking for each
/// takes the least.
#[inline(always)]
pub(crate) fn expect<P: Platform, const N: usize>(
    control: &[u8],
    number: Option<ControlNumber>,
) -> Option<(&[u8; N], &[u8])> {
    let expected = key::<P>(number?);
    let (key, data, rest) = first::<P, N>(control)?;
    if key == expected { Some((data, rest)) } else { None }
}

/// A control message whose length is below that of its header or past the end of the buffer.
///
/// Kernels do not write such messages, but for one case: some leave the full length on a message
/// that they cut to the buffer (`MSG_CTRUNC`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedMessage {
    /// Where in the buffer the message starts.
    pub offset: usize,
    /// Its length as its header has it.
    pub len: u64,
    /// Bytes from its start to the end of the buffer.
    pub available: usize,
}

impl fmt::Display for MalformedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, len, available } = self;
        write!(f, "control message at offset {offset} says {len} bytes, with {available} there")
    }
}

impl core::error::Error for MalformedMessage {}

/// Writes control messages one after another into a buffer of any alignment.
///
/// It writes every byte of the part it uses, padding as zero, and none beyond: the buffer need not
/// be cleared before, and may be one of bytes that have never been written (`MaybeUninit<u8>`).
#[derive(Debug)]
pub struct Writer<'a, P, B = u8> {
    buffer: &'a mut [B],
    used: usize,
    platform: PhantomData<fn() -> P>,
}

/// A byte of a buffer to write to: `u8`, or `MaybeUninit<u8>`.
pub trait Byte: Sized + sealed::Byte {}

impl Byte for u8 {}
impl Byte for MaybeUninit<u8> {}

mod sealed {
    use core::mem::MaybeUninit;

    pub trait Byte {
        fn put(&mut self, byte: u8);
    }

    impl Byte for u8 {
        #[inline(always)]
        fn put(&mut self, byte: u8) {
            *self = byte;
        }
    }

    impl Byte for MaybeUninit<u8> {
        #[inline(always)]
        fn put(&mut self, byte: u8) {
            self.write(byte);
        }
    }
}

impl<'a, P: Platform, B: Byte> Writer<'a, P, B> {
    /// Starts at the beginning of `buffer`.
    pub const fn new(buffer: &'a mut [B]) -> Self {
        Self { buffer, used: 0, platform: PhantomData }
    }

    /// Appends one message. The data is taken as it is, in the platform's byte order.
    ///
    /// # Errors
    ///
    /// [`BufferTooSmall`] when the message and its padding do not fit behind those already there;
    /// these stay, and a smaller message may still fit.
    #[inline(always)]
    pub fn push(&mut self, level: i32, kind: i32, data: &[u8]) -> Result<(), BufferTooSmall> {
        let space = P::ABI.cmsg.space(data.len());
        let available = self.buffer.len();
        let needed = self.used.saturating_add(space);
        self.push_at(level, kind, data, space).ok_or(BufferTooSmall { needed, available })?;
        self.used = needed;
        Ok(())
    }

    /// `None` when the message does not fit; then nothing was written.
    #[inline(always)]
    fn push_at(&mut self, level: i32, kind: i32, data: &[u8], space: usize) -> Option<()> {
        let layout = const { P::ABI.cmsg };
        let message = self.buffer.get_mut(self.used..)?.get_mut(..space)?;
        let (header, rest) = message.split_at_mut_checked(layout.data_offset())?;
        // Padding goes with the bytes that it pads, in one piece where the compiler knows how many they are.
        let (whole, end) = data.split_at_checked(data.len() & !7)?;
        let mut padded = [0; 8];
        padded.iter_mut().zip(end).for_each(|(to, byte)| *to = *byte);

        let level_at = layout.len.bytes();
        let kind_at = level_at.saturating_add(4);
        match layout.len {
            Width::Four => {
                let len = u32::try_from(layout.len(data.len())).ok()?;
                put(header, 0, &wire::bytes_of_u32::<P>(len));
            }
            Width::Eight => {
                let len = u64::try_from(layout.len(data.len())).ok()?;
                put(header, 0, &wire::bytes_of_u64::<P>(len));
            }
        }
        put(header, level_at, &wire::bytes_of_u32::<P>(level.cast_unsigned()));
        put(header, kind_at, &wire::bytes_of_u32::<P>(kind.cast_unsigned()));
        header.iter_mut().skip(kind_at.saturating_add(4)).for_each(|byte| byte.put(0));
        put(rest, 0, whole);
        put(rest, whole.len(), &padded);
        if const { has_more_padding::<P>() } {
            rest.iter_mut().skip(whole.len().saturating_add(padded.len())).for_each(|byte| byte.put(0));
        }
        Some(())
    }

    /// The bytes written: what `msg_controllen` is to say.
    pub const fn finish(self) -> usize {
        self.used
    }
}

/// Whether there may be padding behind the eighth byte from the last whole eight of a message's data on.
const fn has_more_padding<P: Platform>() -> bool {
    let layout = P::ABI.cmsg;
    layout.header_align > 8
        || !matches!(layout.data_offset().checked_rem(layout.header_align), None | Some(0))
}

/// Writes `bytes` at `offset`, as far as there is room.
#[inline(always)]
fn put<B: Byte>(to: &mut [B], offset: usize, bytes: &[u8]) {
    to.iter_mut().skip(offset).zip(bytes).for_each(|(to, byte)| to.put(*byte));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux32, Linux64, Linux64Be};

    //                  cmsg_len, 17 = 16 + 1     level 41    type 67     data, then 7 of padding
    const ONE_BYTE: [u8; 24] = [17, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 67, 0, 0, 0, 0xe0, 0, 0, 0, 0, 0, 0, 0];

    fn walk<P: Platform>(control: &[u8]) -> Vec<Result<RawMessage<'_>, MalformedMessage>> {
        let mut messages = RawMessages::<P>::new(control);
        // More steps than any buffer has messages: an iterator that does not end fails here.
        let seen: Vec<_> = messages.by_ref().take(control.len() + 1).collect();
        assert_eq!(messages.next(), None);
        seen
    }

    /// A header with this length, and nothing behind it.
    fn header(len: u64) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&len.to_le_bytes());
        bytes
    }

    #[test]
    fn one_message() {
        let message = RawMessage { level: 41, kind: 67, data: &[0xe0] };
        assert_eq!(walk::<Linux64>(&ONE_BYTE), [Ok(message)]);
        // The kernel may leave the padding after the last message out.
        assert_eq!(walk::<Linux64>(&ONE_BYTE[..17]), [Ok(message)]);
    }

    #[test]
    fn the_writer_writes_what_the_iterator_reads() {
        let mut buffer = [0xff; 30];
        let mut writer = Writer::<Linux64>::new(&mut buffer);
        writer.push(41, 67, &[0xe0]).unwrap();
        assert_eq!(writer.finish(), 24);
        assert_eq!(buffer[..24], ONE_BYTE);
        assert_eq!(buffer[24..], [0xff; 6]);
    }

    #[test]
    fn headers_of_32_bits_and_of_the_other_byte_order() {
        //               len 16 = 12 + 4  level 41    type 52     hop limit 64
        let short = [16, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0, 64, 0, 0, 0];
        assert_eq!(walk::<Linux32>(&short), [Ok(RawMessage { level: 41, kind: 52, data: &short[12..] })]);
        let big = [0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 41, 0, 0, 0, 67, 0xe0];
        assert_eq!(walk::<Linux64Be>(&big), [Ok(RawMessage { level: 41, kind: 67, data: &[0xe0] })]);
    }

    #[test]
    fn a_message_that_does_not_fit_leaves_those_before_it() {
        let mut buffer = [0; 47];
        let mut writer = Writer::<Linux64>::new(&mut buffer);
        writer.push(41, 67, &[1]).unwrap();
        assert_eq!(writer.push(41, 52, &[2]), Err(BufferTooSmall { needed: 48, available: 47 }));
        assert_eq!(writer.finish(), 24);
        assert_eq!(walk::<Linux64>(&buffer[..24]).len(), 1);
    }

    #[test]
    fn scar_1_a_length_past_the_buffer_is_one_error() {
        for len in [18, 25, 1 << 20, u64::from(u32::MAX), u64::MAX - 7, u64::MAX] {
            let mut control = ONE_BYTE.to_vec();
            control.extend(header(len));
            let error = MalformedMessage { offset: 24, len, available: 16 };
            assert_eq!(walk::<Linux64>(&control)[1..], [Err(error)]);
        }
    }

    #[test]
    fn scar_2_a_walk_that_was_left_goes_on_where_it_was() {
        let control = [ONE_BYTE, ONE_BYTE, ONE_BYTE].concat();
        let mut messages = RawMessages::<Linux64>::new(&control);
        assert_eq!(messages.by_ref().take(1).count(), 1);
        assert_eq!(messages.clone().count(), 2);
        assert!(messages.by_ref().all(|message| message.is_ok_and(|message| message.data == [0xe0])));
        assert_eq!(messages.next(), None);
    }

    #[test]
    fn scar_13_data_of_any_alignment() {
        #[repr(align(64))]
        struct Aligned([u8; 8]);
        let data = Aligned([7; 8]);
        let mut storage = [0; 32];
        for start in 0..8 {
            let mut writer = Writer::<Linux64>::new(&mut storage[start..start + 24]);
            writer.push(1, 2, &data.0).unwrap();
            let message = RawMessage { level: 1, kind: 2, data: &[7; 8] };
            assert_eq!(walk::<Linux64>(&storage[start..start + 24]), [Ok(message)]);
        }
    }

    #[test]
    fn scar_9_and_11_a_length_below_the_header_is_one_error() {
        for len in 0..16 {
            let error = MalformedMessage { offset: 0, len, available: 16 };
            assert_eq!(walk::<Linux64>(&header(len)), [Err(error)]);
        }
        assert_eq!(walk::<Linux64>(&header(16)), [Ok(RawMessage { level: 0, kind: 0, data: &[] })]);
    }

    #[test]
    fn scar_12_any_alignment_of_the_buffer() {
        let mut storage = [0; 64];
        for start in 0..16 {
            let mut writer = Writer::<Linux64>::new(&mut storage[start..start + 48]);
            writer.push(41, 67, &[0xe0, 0, 0, 0]).unwrap();
            writer.push(41, 52, &[64, 0, 0, 0]).unwrap();
            let class = RawMessage { level: 41, kind: 67, data: &[0xe0, 0, 0, 0] };
            let hops = RawMessage { level: 41, kind: 52, data: &[64, 0, 0, 0] };
            assert_eq!(walk::<Linux64>(&storage[start..start + 48]), [Ok(class), Ok(hops)]);
        }
    }

    #[test]
    fn scar_16_several_messages_and_no_padding_past_the_buffer() {
        //  len 18 = 16 + 2             level 1       type 29        data, then 6 of padding
        let two_bytes = [18, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 29, 0, 0, 0, 7, 8, 0, 0, 0, 0, 0, 0];
        let mut buffer = [0xff; 72];
        // The last message's padding counts: without room for it, the message is not begun.
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
        assert_eq!(walk::<Linux64Be>(&buffer), [Ok(RawMessage { level: -1, kind: i32::MIN, data: &[] })]);
    }

    #[test]
    fn errors_say_where() {
        let error = MalformedMessage { offset: 24, len: 25, available: 16 };
        assert_eq!(error.to_string(), "control message at offset 24 says 25 bytes, with 16 there");
    }

    #[test]
    fn scar_17_no_messages_and_bytes_that_are_too_few() {
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
}
