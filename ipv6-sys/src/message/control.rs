//! Buffers for received control messages: aligned for the kernel, and not cleared before it writes.

use core::mem::MaybeUninit;
use core::slice;

use ipv6_core::cmsg::RawMessages;
use ipv6_core::{DecodeError, RecvControl};

use super::padding::{self, assume_init};
use crate::host::Host;
use crate::os;

/// A buffer for `N` bytes of received control messages, with the alignment of the system's headers.
///
/// [`ControlFlags::space`](ipv6_core::ControlFlags::space) returns how many bytes the messages of a socket need.
///
/// ```
/// use ipv6_core::ControlFlags;
/// use ipv6_sys::{Host, message::ControlBuffer};
/// let buffer = ControlBuffer::<{ ControlFlags::all().space::<Host>() }>::new();
/// # let _ = buffer;
/// ```
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub struct ControlBuffer<const N: usize> {
    bytes: [MaybeUninit<u8>; N],
}

const _: () = assert!(align_of::<os::ControlHeader>() <= align_of::<ControlBuffer<0>>());

impl<const N: usize> ControlBuffer<N> {
    /// Creates a buffer whose bytes are not initialised; on Windows, Solaris and AIX they are zero.
    #[must_use]
    pub const fn new() -> Self {
        const BYTE: MaybeUninit<u8> =
            if os::STARTS_AS_ZEROS { MaybeUninit::new(0) } else { MaybeUninit::uninit() };
        Self { bytes: [BYTE; N] }
    }

    #[inline]
    pub(crate) fn room(&mut self) -> &mut [MaybeUninit<u8>] {
        &mut self.bytes
    }
}

impl<const N: usize> Default for ControlBuffer<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Where the kernel writes received control messages: a [`ControlBuffer`], or a slice of bytes.
///
/// If a slice does not start at an address that is aligned to the system's headers, the bytes before the first aligned
/// address are not used.
///
/// ```
/// use ipv6_sys::message::{ControlBuffer, ControlSpace};
/// let mut buffer = ControlBuffer::<64>::new();
/// let space = ControlSpace::from(&mut buffer);
/// assert!(space.written().is_empty()); // nothing was received yet
/// ```
#[derive(Debug)]
pub struct ControlSpace<'c> {
    /// Initialised bytes in it are never made uninitialised again.
    bytes: &'c mut [MaybeUninit<u8>],
    /// How many bytes are initialised, from the start. At most `bytes.len()`.
    initialised: usize,
    /// The length of the control messages of the latest message. At most `initialised`.
    written: usize,
    /// Whether there were more messages than room.
    truncated: bool,
}

/// Decodes the control messages of this system; if they were `truncated`, those that arrived as a whole.
///
/// # Errors
///
/// Those of [`RecvControl::decode`]; none if `truncated`.
#[doc(hidden)]
#[inline]
pub fn decode(control: &[u8], truncated: bool) -> Result<RecvControl<'_>, DecodeError> {
    if truncated {
        return Ok(RecvControl::decode_truncated::<Host>(control));
    }
    RecvControl::decode::<Host>(control)
}

impl<'c> ControlSpace<'c> {
    /// Returns the bytes of the control messages of the latest message. None after an error. Padding that the kernel
    /// did not write is zero, or left from an earlier message.
    #[inline]
    #[must_use]
    pub fn written(&self) -> &[u8] {
        // SAFETY: initialised: `written` is at most `initialised`.
        unsafe { assume_init(self.bytes, self.written) }
    }

    /// Returns the same, with the lifetime of the buffer.
    #[must_use]
    pub fn into_written(self) -> &'c [u8] {
        // SAFETY: initialised: `written` is at most `initialised`.
        unsafe { assume_init(self.bytes, self.written) }
    }

    /// Decodes the control messages of the latest message.
    ///
    /// # Errors
    ///
    /// Those of [`RecvControl::decode`]. If the control messages were truncated, there is no error: those that arrived
    /// as a whole are decoded.
    #[inline]
    pub fn decode(&self) -> Result<RecvControl<'_>, DecodeError> {
        decode(self.written(), self.truncated)
    }

    /// Returns an iterator over all control messages of the latest message, as level, type and data.
    #[must_use = "iterators are lazy"]
    #[doc(alias = "CMSG_FIRSTHDR", alias = "CMSG_NXTHDR")]
    pub fn raw_messages(&self) -> RawMessages<'_, Host> {
        RawMessages::new(self.written())
    }

    /// The room for the next message. There are no control messages until [`set_written`](Self::set_written).
    #[inline]
    pub(crate) fn room(&mut self) -> &mut [MaybeUninit<u8>] {
        self.written = 0;
        self.truncated = false;
        self.bytes
    }

    /// Records what the kernel reports: the length of the control messages, and whether it truncated them.
    ///
    /// Limits the length to the room. NetBSD counts the padding after a message for which there was no room: a room of 20
    /// bytes returns 24 on amd64 and 32 on aarch64 (7.99, executed).
    ///
    /// # Safety
    ///
    /// The kernel has just received control messages into [`room`](Self::room), and reports this length.
    #[inline(always)]
    pub(crate) unsafe fn set_written(&mut self, len: usize, truncated: bool) {
        if self.initialised < self.bytes.len() {
            // SAFETY: as the caller promises.
            unsafe { padding::initialise(self.bytes, len) };
        }
        let len = len.min(self.bytes.len());
        self.initialised = self.initialised.max(len);
        self.written = len;
        self.truncated = truncated;
    }
}

impl<'c, const N: usize> From<&'c mut ControlBuffer<N>> for ControlSpace<'c> {
    #[inline]
    fn from(buffer: &'c mut ControlBuffer<N>) -> Self {
        Self { bytes: &mut buffer.bytes, initialised: 0, written: 0, truncated: false }
    }
}

impl<'c> From<&'c mut [u8]> for ControlSpace<'c> {
    #[inline]
    fn from(bytes: &'c mut [u8]) -> Self {
        let skipped = bytes.as_ptr().align_offset(align_of::<os::ControlHeader>());
        let bytes = bytes.get_mut(skipped..).unwrap_or_default();
        let initialised = bytes.len();
        // SAFETY: the same bytes with the same lifetime, as a type of the same layout. They stay initialised: only the
        // kernel and `padding` write to them, and both write initialised bytes.
        let bytes = unsafe { slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), initialised) };
        Self { bytes, initialised, written: 0, truncated: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_that_exceeds_the_room_is_limited_to_it() {
        // The room, and the length that NetBSD reports for it.
        for (room, reported) in [(20, 24), (23, 24), (20, 32), (0, 24), (20, usize::MAX)] {
            let mut bytes = [0; 64];
            let mut space = ControlSpace::from(&mut bytes[..room]);
            let room = space.room().len();
            // SAFETY: the bytes are initialised, which is all that a kernel could have done.
            unsafe { space.set_written(reported, true) };
            assert_eq!(space.written().len(), room);
            assert_eq!(space.decode(), Ok(RecvControl::default()));
        }

        let mut buffer = ControlBuffer::<20>::new();
        let mut space = ControlSpace::from(&mut buffer);
        space.room().fill(MaybeUninit::new(0));
        // SAFETY: all bytes of the room are written.
        unsafe { space.set_written(24, true) };
        assert_eq!(space.written(), [0; 20]);
    }
}
