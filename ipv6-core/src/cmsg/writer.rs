//! Writes control messages.

use core::marker::PhantomData;
use core::mem::MaybeUninit;

use crate::abi::{Platform, Width};
use crate::error::BufferTooSmall;
use crate::wire;

/// Writes control messages one after another into a buffer of any alignment.
///
/// It writes every byte of the part that it uses, padding as zeros, and no byte after it. So the buffer does not need to
/// be cleared, and can be uninitialised (`[MaybeUninit<u8>]`).
#[derive(Debug)]
pub struct Writer<'a, P, B = u8> {
    buffer: &'a mut [B],
    used: usize,
    platform: PhantomData<fn() -> P>,
}

/// A byte of a buffer that a [`Writer`] writes to: `u8` or `MaybeUninit<u8>`.
#[doc(hidden)]
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
    /// Creates a writer that starts at the beginning of `buffer`.
    #[must_use]
    pub const fn new(buffer: &'a mut [B]) -> Self {
        Self { buffer, used: 0, platform: PhantomData }
    }

    /// Appends one message. Pass the data in the platform's byte order.
    ///
    /// # Errors
    ///
    /// [`BufferTooSmall`] if the message and its padding do not fit after those already written, with the size that
    /// the whole buffer would need. Nothing is written then, and a smaller message can still fit.
    #[inline(always)]
    pub fn push(&mut self, level: i32, kind: i32, data: &[u8]) -> Result<(), BufferTooSmall> {
        let space = P::ABI.cmsg.space(data.len());
        let available = self.buffer.len();
        let needed = self.used.saturating_add(space);
        self.push_at(level, kind, data, space).ok_or(BufferTooSmall { needed, available })?;
        self.used = needed;
        Ok(())
    }

    /// `None` if the message does not fit. Nothing is written then.
    #[inline(always)]
    fn push_at(&mut self, level: i32, kind: i32, data: &[u8], space: usize) -> Option<()> {
        let layout = const { P::ABI.cmsg };
        let message = self.buffer.get_mut(self.used..)?.get_mut(..space)?;
        let (header, rest) = message.split_at_mut_checked(layout.data_offset())?;
        // The padding is written together with the bytes that it pads: one store if their number is a constant.
        let (whole, end) = data.split_at_checked(data.len() & !7)?;
        let padded = match *end {
            [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])).to_le_bytes(),
            _ => {
                let mut padded = [0; 8];
                padded.iter_mut().zip(end).for_each(|(to, byte)| *to = *byte);
                padded
            }
        };

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
        if const { has_header_padding::<P>() } {
            header.iter_mut().skip(kind_at.saturating_add(4)).for_each(|byte| byte.put(0));
        }
        put(rest, 0, whole);
        put(rest, whole.len(), &padded);
        if const { has_more_padding::<P>() } {
            rest.iter_mut().skip(whole.len().saturating_add(padded.len())).for_each(|byte| byte.put(0));
        }
        Some(())
    }

    /// Returns the number of bytes written, the value for `msg_controllen`.
    #[must_use]
    pub const fn finish(self) -> usize {
        self.used
    }
}

/// Whether there is padding between a header and its data. Checked in advance, because the compiler does not always remove a
/// loop over no bytes, and links `memclr` for it.
const fn has_header_padding<P: Platform>() -> bool {
    let layout = P::ABI.cmsg;
    layout.data_offset() > layout.len.bytes().saturating_add(8)
}

/// Whether there can be padding beyond the eight bytes that start at the last multiple of eight of the data.
const fn has_more_padding<P: Platform>() -> bool {
    let layout = P::ABI.cmsg;
    layout.header_align > 8
        || !matches!(layout.data_offset().checked_rem(layout.header_align), None | Some(0))
}

/// Writes as many of `bytes` as fit at `offset`.
#[inline(always)]
pub(crate) fn put<B: Byte>(to: &mut [B], offset: usize, bytes: &[u8]) {
    to.iter_mut().skip(offset).zip(bytes).for_each(|(to, byte)| to.put(*byte));
}
