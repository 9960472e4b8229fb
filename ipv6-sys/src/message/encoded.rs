//! Control messages to send, as bytes.

use core::mem::MaybeUninit;
use core::ops::Deref;
use core::slice;

use ipv6_core::abi::Platform;
use ipv6_core::{EncodeError, SendControl};

use crate::host::Host;
use crate::os;

/// Encoded control messages to send.
///
/// Only encoders create them, and those write no message that safe code must not send. In particular, they write no file
/// descriptors (`SCM_RIGHTS`, [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)) and no pointers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Encoded<'a>(&'a [u8]);

impl<'a> Encoded<'a> {
    /// No control messages.
    pub const NONE: Self = Self(&[]);

    /// Returns the bytes, as the kernel reads them.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

impl Deref for Encoded<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0
    }
}

impl AsRef<[u8]> for Encoded<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0
    }
}

/// No control messages: `&[]`.
impl<'a> From<&'a [u8; 0]> for Encoded<'a> {
    #[inline]
    fn from(_: &'a [u8; 0]) -> Self {
        Self::NONE
    }
}

/// A buffer to encode `N` bytes of control messages to send, with the alignment of the system's headers.
///
/// [`SendControl::max_space`](ipv6_core::SendControl::max_space) is enough for all fields. Messages by type
/// ([`SendControl::with_messages`](ipv6_core::SendControl::with_messages)) take more.
///
/// ```
/// use ipv6_core::SendControl;
/// use ipv6_sys::{Host, message::ControlBytes};
/// let mut bytes = ControlBytes::<{ SendControl::max_space::<Host>() }>::new();
/// let control = bytes.encode(&SendControl::new().with_hop_limit(1)).unwrap();
/// assert!(!control.is_empty());
/// ```
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub struct ControlBytes<const N: usize> {
    bytes: [MaybeUninit<u8>; N],
}

const _: () = assert!(align_of::<os::ControlHeader>() <= align_of::<ControlBytes<0>>());

/// The length of packet info alone, with and without the padding after it.
const INFO: (usize, usize) = match Host::ABI.control.packet_info {
    Some(number) => (Host::ABI.cmsg.space(number.size), Host::ABI.cmsg.len(number.size)),
    None => (0, 0),
};

impl<const N: usize> ControlBytes<N> {
    /// Creates a buffer whose bytes are not initialised.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [const { MaybeUninit::uninit() }; N] }
    }

    /// Encodes the control messages of one message to send.
    ///
    /// # Errors
    ///
    /// Those of [`SendControl::encode`].
    #[inline(always)]
    pub fn encode(&mut self, control: &SendControl<'_>) -> Result<Encoded<'_>, EncodeError> {
        let used = control.encode_to::<Host, _>(&mut self.bytes)?;
        Ok(self.encoded(used))
    }

    /// Encodes the control messages of one message to an IPv4-mapped destination, or to the IPv4-mapped peer of a
    /// connected socket. The kernel ignores those of [`encode`](Self::encode) there.
    ///
    /// ```
    /// use ipv6_core::SendControl;
    /// use ipv6_sys::message::{self, ControlBytes, IoSlice, MessageFlags};
    /// use ipv6_sys::{option, socket};
    /// # #[cfg(not(target_os = "openbsd"))] // has no such sockets
    /// # fn main() -> Result<(), ipv6_sys::Error> {
    /// let socket = socket::datagram()?;
    /// option::ONLY_V6.set(&socket, false)?;
    /// socket::bind(&socket, &"[::ffff:127.0.0.1]:0".parse().unwrap())?;
    /// let to = socket::local_address(&socket)?;
    /// let mut bytes = ControlBytes::<64>::new();
    /// let control = bytes.encode_mapped(&SendControl::new().with_traffic_class(0xb8)).unwrap();
    /// message::send(&socket, &[IoSlice::new(b"x")], control, to.as_ref(), MessageFlags::empty())?;
    /// # Ok(())
    /// # }
    /// # #[cfg(target_os = "openbsd")]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`SendControl::encode_mapped`].
    #[cold]
    pub fn encode_mapped(&mut self, control: &SendControl<'_>) -> Result<Encoded<'_>, EncodeError> {
        let used = control.encode_mapped_to::<Host, _>(&mut self.bytes)?;
        Ok(self.encoded(used))
    }

    /// The first `used` bytes, which an encoder has written.
    #[inline(always)]
    fn encoded(&self, used: usize) -> Encoded<'_> {
        // SAFETY: within `bytes`; the encoder wrote the first `used`, padding included (ipv6_core::cmsg::Writer; Miri tests
        // it).
        let bytes: &[u8] = unsafe { slice::from_raw_parts(self.bytes.as_ptr().cast(), used.min(N)) };
        // At this length, Linux keeps the messages on its stack and does not allocate (`____sys_sendmsg` in
        // net/socket.c). It ignores the padding after the last message. Only padding is left out: an extension header of
        // 24 bytes takes the same space.
        let is_info = os::TAKES_NO_PADDING
            && used == INFO.0
            && bytes.first_chunk().is_some_and(|len| usize::from_ne_bytes(*len) == INFO.1);
        Encoded(if is_info { bytes.get(..INFO.1).unwrap_or(bytes) } else { bytes })
    }

    #[inline]
    pub(crate) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr().cast()
    }

    /// Encodes the three most common messages if there are no others. `None`: other messages; use
    /// [`encode`](Self::encode).
    ///
    /// # Errors
    ///
    /// Those of [`SendControl::encode_three`].
    #[doc(hidden)]
    #[inline(always)]
    pub fn encode_three(&mut self, control: &SendControl<'_>) -> Option<Result<Encoded<'_>, EncodeError>> {
        let used = match control.encode_three::<Host, _>(&mut self.bytes)? {
            Ok(used) => used,
            Err(error) => return Some(Err(error)),
        };
        // SAFETY: within `bytes`; the encoder wrote the first `used`, padding included (ipv6_core::cmsg::Writer; Miri tests
        // it).
        Some(Ok(Encoded(unsafe { slice::from_raw_parts(self.bytes.as_ptr().cast(), used.min(N)) })))
    }
}

impl<const N: usize> Default for ControlBytes<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use ipv6_core::Messages;
    use ipv6_core::ext::{OptionType, OptionsBuilder};

    use super::*;

    /// Options headers of 8 to 64 bytes, after other messages. Linux takes packet info without the padding after it; a
    /// message of another length must not lose data.
    #[test]
    fn messages_of_every_length_are_whole() {
        for len in 0..=58 {
            let header = OptionsBuilder::<64>::new().with(OptionType(0x1e), &[7; 58][..len]).unwrap();
            let messages = Messages::<Host, 128>::new().with(header.hop_by_hop()).unwrap();
            for control in [SendControl::new(), SendControl::new().with_hop_limit(1)] {
                let control = control.with_messages(&messages);
                let (mut expected, mut bytes) = ([0; 256], ControlBytes::<256>::new());
                let used = control.encode::<Host>(&mut expected).unwrap();
                let sent = bytes.encode(&control).unwrap();
                assert_eq!(sent.as_bytes(), &expected[..used], "{len} bytes of data");
            }
        }
    }
}
