//! Room for control messages: aligned for the kernel, and not cleared before it writes.

use core::mem::MaybeUninit;
use core::slice;

use ipv6_core::abi::Platform;
use ipv6_core::{DecodeError, EncodeError, RecvControl, SendControl};

use crate::host::Host;
use crate::os;

/// Room for `N` bytes of control messages, aligned as the system's headers are.
///
/// [`ControlFlags::space`](ipv6_core::ControlFlags::space) says how many bytes a socket's messages take.
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
    /// A buffer whose bytes are not set.
    pub const fn new() -> Self {
        Self { bytes: [const { MaybeUninit::uninit() }; N] }
    }

    /// Bytes from `start` on that the kernel wrote.
    ///
    /// # Safety
    ///
    /// The first `len` bytes are initialised, or all of them when there are fewer.
    pub(crate) unsafe fn written(&self, len: usize) -> &[u8] {
        // SAFETY: within `bytes`, and initialised, as the caller promises.
        unsafe { slice::from_raw_parts(self.bytes.as_ptr().cast(), len.min(N)) }
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr().cast()
    }
}

impl<const N: usize> Default for ControlBuffer<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Room in which to encode `N` bytes of control messages to send, aligned as the system's headers are.
///
/// [`SendControl::max_space`](ipv6_core::SendControl::max_space) is enough for any.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub struct ControlBytes<const N: usize> {
    bytes: [MaybeUninit<u8>; N],
}

const _: () = assert!(align_of::<os::ControlHeader>() <= align_of::<ControlBytes<0>>());

/// Bytes of a packet info alone, with the padding after it and without.
const INFO: (usize, usize) = match Host::ABI.control.packet_info {
    Some(number) => (Host::ABI.cmsg.space(number.size), Host::ABI.cmsg.len(number.size)),
    None => (0, 0),
};

impl<const N: usize> ControlBytes<N> {
    /// Room whose bytes are not set.
    pub const fn new() -> Self {
        Self { bytes: [const { MaybeUninit::uninit() }; N] }
    }

    /// Encodes the control messages of one message to send, and gives their bytes.
    ///
    /// # Errors
    ///
    /// Those of [`SendControl::encode`].
    #[inline(always)]
    pub fn encode(&mut self, control: &SendControl<'_>) -> Result<&[u8], EncodeError> {
        let mut used = control.encode_to::<Host, _>(&mut self.bytes)?;
        // So short, Linux keeps it on its stack (net/socket.c: `____sys_sendmsg`); the padding after the last
        // message means nothing to it.
        if os::TAKES_NO_PADDING && used == INFO.0 {
            used = INFO.1;
        }
        // SAFETY: within `bytes`, whose first `used` were just written.
        Ok(unsafe { slice::from_raw_parts(self.bytes.as_ptr().cast(), used.min(N)) })
    }
}

impl<const N: usize> ControlBytes<N> {
    pub(crate) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr().cast()
    }

    /// What [`encode`](Self::encode) gives where the three most common messages are there and no others; `None` says
    /// nothing of others: [`SendControl::encode_three`].
    ///
    /// # Errors
    ///
    /// Those of [`SendControl::encode_three`].
    #[inline(always)]
    pub fn encode_three(&mut self, control: &SendControl<'_>) -> Option<Result<&[u8], EncodeError>> {
        let used = match control.encode_three::<Host, _>(&mut self.bytes)? {
            Ok(used) => used,
            Err(error) => return Some(Err(error)),
        };
        // SAFETY: within `bytes`, whose first `used` were just written.
        Some(Ok(unsafe { slice::from_raw_parts(self.bytes.as_ptr().cast(), used.min(N)) }))
    }
}

impl<const N: usize> Default for ControlBytes<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Where the kernel is to write control messages: a [`ControlBuffer`], or any bytes of the caller's.
///
/// Of bytes that do not start aligned to the system's headers, the few before the first aligned one are
/// not used; that makes room for as many fewer.
///
/// ```
/// use ipv6_sys::message::{ControlBuffer, ControlSpace};
/// let mut buffer = ControlBuffer::<64>::new();
/// let space = ControlSpace::from(&mut buffer);
/// assert!(space.written().is_empty()); // nothing was received yet
/// ```
#[derive(Debug)]
pub struct ControlSpace<'c> {
    /// Bytes are written here and never un-written: what was initialised stays so.
    bytes: &'c mut [MaybeUninit<u8>],
    /// So many from the start are initialised.
    written: usize,
    /// Whether there were more messages than room.
    truncated: bool,
}

/// Reads the control messages of this host: strictly, or where they were `truncated`, those that arrived
/// whole.
///
/// # Errors
///
/// Those of [`RecvControl::decode`].
#[inline]
pub fn decode(control: &[u8], truncated: bool) -> Result<RecvControl<'_>, DecodeError> {
    if truncated {
        return Ok(RecvControl::decode_truncated::<Host>(control));
    }
    RecvControl::decode::<Host>(control)
}

impl<'c> ControlSpace<'c> {
    /// The control messages that came with the latest message, as bytes; none after an error.
    pub fn written(&self) -> &[u8] {
        // SAFETY: within `bytes`, and initialised: `set_written` has seen to that.
        unsafe { slice::from_raw_parts(self.bytes.as_ptr().cast(), self.written) }
    }

    /// The same, for as long as the buffer is borrowed.
    pub fn into_written(self) -> &'c [u8] {
        // SAFETY: within `bytes`, which are borrowed for 'c, and initialised: `set_written` has seen to
        // that.
        unsafe { slice::from_raw_parts(self.bytes.as_ptr().cast(), self.written) }
    }

    /// The control messages that came with the latest message.
    ///
    /// # Errors
    ///
    /// Those of [`RecvControl::decode`]. Where there was less room than messages, those that arrived whole
    /// are given, without error.
    #[inline]
    pub fn decode(&self) -> Result<RecvControl<'_>, DecodeError> {
        decode(self.written(), self.truncated)
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr().cast()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn clear(&mut self) {
        self.written = 0;
        self.truncated = false;
    }

    /// Says how many bytes the kernel wrote, and whether it had more.
    ///
    /// # Safety
    ///
    /// The first `len` bytes are initialised, or all of them when there are fewer.
    pub(crate) unsafe fn set_written(&mut self, len: usize, truncated: bool) {
        self.written = len.min(self.bytes.len());
        self.truncated = truncated;
    }
}

impl<'c, const N: usize> From<&'c mut ControlBuffer<N>> for ControlSpace<'c> {
    fn from(buffer: &'c mut ControlBuffer<N>) -> Self {
        Self { bytes: &mut buffer.bytes, written: 0, truncated: false }
    }
}

impl<'c> From<&'c mut [u8]> for ControlSpace<'c> {
    fn from(bytes: &'c mut [u8]) -> Self {
        let skipped = bytes.as_ptr().align_offset(align_of::<os::ControlHeader>());
        let bytes = bytes.get_mut(skipped..).unwrap_or_default();
        // SAFETY: the same bytes with the same lifetime, as a type of the same layout. Through it they
        // are only handed to the kernel, which initialises what it writes: they stay initialised.
        let bytes = unsafe { slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), bytes.len()) };
        Self { bytes, written: 0, truncated: false }
    }
}
