//! Storage for what goes with the payload of one message.

use core::fmt;

use ipv6_core::abi::Platform;
use ipv6_core::{EncodeError, SendControl, sockaddr};

use super::outgoing::{Outgoing, Ports};
use super::payload::{Part, Payload, Room};
use crate::host::Host;
use crate::message::{Arrival, ControlBytes};
use crate::os::{self, PeerName};

/// Storage for one received message without its payload: the sender, and `C` bytes of control messages.
pub struct RecvSlot<const C: usize> {
    name: PeerName,
    control: Control<C>,
    part: Part,
    // What the kernel reports of the latest message.
    len: usize,
    name_len: usize,
    control_len: usize,
    flags: i32,
}

/// Initialised once, when the slot is made: the kernel does not write padding.
#[repr(C, align(8))]
struct Control<const C: usize>([u8; C]);

const _: () = assert!(align_of::<os::ControlHeader>() <= align_of::<Control<0>>());

impl<const C: usize> RecvSlot<C> {
    /// Creates an empty slot.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            name: PeerName::new(),
            control: Control([0; C]),
            part: Part::new(),
            len: 0,
            name_len: 0,
            control_len: 0,
            flags: 0,
        }
    }

    /// Returns the message that the latest [`RecvArray::receive`](super::RecvArray::receive) put here.
    #[must_use]
    #[inline]
    pub fn arrival(&self) -> Arrival<'_> {
        // NetBSD can report more control messages than there was room for.
        let control = self.control.0.get(..self.control_len).unwrap_or(&self.control.0);
        // SAFETY: the kernel reported this length with the latest message in this slot; 0 before the first.
        let name = unsafe { self.name.written(self.name_len) };
        Arrival::new(self.len, self.flags, name, control)
    }

    /// Makes `header` receive into this slot and this payload. Sets all that the kernel reads; the rest of a header stays
    /// zero.
    pub(super) fn fill<R>(&mut self, header: &mut os::Header, payload: &mut impl Room<R>) {
        let (parts, count) = payload.parts(&mut self.part);
        os::set_payload(header, parts, count);
        os::set_name(header, self.name.as_mut_ptr(), PeerName::SIZE);
        os::set_control(header, self.control.0.as_mut_ptr(), C);
    }

    /// Records what the kernel reports of a message that it received into this slot.
    pub(super) fn take(&mut self, header: &os::Header, len: usize) {
        self.len = len;
        self.name_len = os::name_len(header);
        self.control_len = os::control_len(header);
        self.flags = os::flags(header);
    }
}

impl<const C: usize> Default for RecvSlot<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const C: usize> fmt::Debug for RecvSlot<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvSlot").field("arrival", &self.arrival()).finish_non_exhaustive()
    }
}

/// Storage for one message to send, or for several that are sent as one, without the payload: the destination, and `C`
/// bytes of control messages. [`SendControl::max_space`] is enough for all fields; messages by type take more.
#[doc(hidden)]
#[derive(Debug)]
pub struct SendSlot<const C: usize> {
    name: [u8; sockaddr::MAX_SIZE],
    control: ControlBytes<C>,
    part: Part,
    pub(super) messages: usize,
}

impl<const C: usize> SendSlot<C> {
    /// Creates an empty slot.
    #[must_use]
    pub const fn new() -> Self {
        Self { name: [0; sockaddr::MAX_SIZE], control: ControlBytes::new(), part: Part::new(), messages: 0 }
    }

    /// Returns how many messages the latest call sent, or tried to send, as one from this slot.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.messages
    }

    /// Makes `header` send this message. Sets all that the kernel reads; the rest of a header stays zero.
    #[inline(always)]
    pub(super) fn fill(
        &mut self,
        header: &mut os::Header,
        message: &Outgoing<'_>,
        ports: Ports,
    ) -> Result<(), EncodeError> {
        let control = match self.control.encode_three(&message.control) {
            Some(control) => control?.len(),
            None => encode_any(&mut self.control, &message.control)?,
        };
        self.set(header, message, ports, control);
        Ok(())
    }

    /// The same for a message to an IPv4-mapped destination, or to the IPv4-mapped peer of a connected socket. Not inlined,
    /// to keep the path of the other messages short.
    #[cold]
    #[inline(never)]
    pub(super) fn fill_mapped(
        &mut self,
        header: &mut os::Header,
        message: &Outgoing<'_>,
    ) -> Result<(), EncodeError> {
        let control = self.control.encode_mapped(&message.control)?.len();
        self.set(header, message, Ports::Sent, control);
        Ok(())
    }

    /// Makes `header` send this message with the first `control` bytes of the encoded control messages.
    #[inline(always)]
    fn set(&mut self, header: &mut os::Header, message: &Outgoing<'_>, ports: Ports, control: usize) {
        // Each pointer is taken from its own field, and no method takes `&mut self` after that: a mutable reference to
        // the slot would invalidate the pointers (scar 66).
        os::set_control(header, self.control.as_mut_ptr(), control);
        let name_len = match &message.to {
            None => 0,
            Some(to) => {
                self.name = sockaddr::encode::<Host>(&ports.of(to));
                Host::ABI.sockaddr.size
            }
        };
        os::set_name(header, self.name.as_mut_ptr(), name_len);
        match message.payload {
            Payload::Whole(bytes) => {
                self.part.set(bytes);
                os::set_payload(header, &raw mut self.part.0, 1);
            }
            // `IoSlice` has the layout of `Part`, as its documentation says. The kernel only reads it.
            Payload::Parts(parts) => {
                os::set_payload(header, parts.as_ptr().cast::<os::Part>().cast_mut(), parts.len());
            }
        }
        self.messages = 1;
    }
}

/// Encodes any control messages. Not inlined, to keep the path of the most common ones short.
#[inline(never)]
fn encode_any<const C: usize>(
    bytes: &mut ControlBytes<C>,
    control: &SendControl<'_>,
) -> Result<usize, EncodeError> {
    Ok(bytes.encode(control)?.len())
}

impl<const C: usize> Default for SendSlot<C> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use core::slice;

    use super::*;

    const SPACE: usize = SendControl::max_space::<Host>();

    #[test]
    fn pointers_of_a_header_to_send_stay_valid() {
        let to = "[2001:db8::1]:5000".parse().unwrap();
        let message = Outgoing::new(b"hello", SendControl::new().with_traffic_class(0x28), Some(to));
        let (mut slot, mut header) = (SendSlot::<SPACE>::new(), os::header());
        slot.fill(&mut header, &message, Ports::Sent).unwrap();

        // What a kernel does. Miri fails if a pointer is not valid (scar 66).
        let bytes = |start: *const u8, len| {
            // SAFETY: this is what is tested.
            unsafe { slice::from_raw_parts(start, len) }
        };
        let name = bytes(header.msg_name.cast(), os::name_len(&header));
        assert_eq!(sockaddr::decode::<Host>(name), Some(to));
        let mut expected = ControlBytes::<SPACE>::new();
        let control = bytes(header.msg_control.cast(), os::control_len(&header));
        assert_eq!(control, expected.encode(&message.control).unwrap().as_bytes());
        // SAFETY: this is what is tested.
        let part = unsafe { &*header.msg_iov };
        assert_eq!(bytes(part.iov_base.cast(), part.iov_len), b"hello");
    }

    #[test]
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn a_message_to_a_mapped_destination_has_the_messages_of_ipv4() {
        let to = "[::ffff:192.0.2.1]:5000".parse().unwrap();
        let message = Outgoing::new(b"hello", SendControl::new().with_traffic_class(0x28), Some(to));
        let (mut slot, mut header) = (SendSlot::<SPACE>::new(), os::header());
        slot.fill_mapped(&mut header, &message).unwrap();
        // What a kernel does. Miri fails if a pointer is not valid.
        let bytes = |start: *const u8, len| {
            // SAFETY: this is what is tested.
            unsafe { slice::from_raw_parts(start, len) }
        };
        let name = bytes(header.msg_name.cast(), os::name_len(&header));
        assert_eq!(sockaddr::decode::<Host>(name), Some(to));
        let mut expected = ControlBytes::<SPACE>::new();
        let control = bytes(header.msg_control.cast(), os::control_len(&header));
        assert_eq!(control, expected.encode_mapped(&message.control).unwrap().as_bytes());
        assert_ne!(control, ControlBytes::<SPACE>::new().encode(&message.control).unwrap().as_bytes());
    }

    #[test]
    fn pointers_of_a_header_to_receive_stay_valid() {
        let (mut slot, mut header, mut payload) = (RecvSlot::<64>::new(), os::header(), [0; 8]);
        slot.fill(&mut header, &mut payload);
        // What a kernel does. Miri fails if a pointer is not valid.
        for (start, len) in [(header.msg_name, os::name_len(&header)), (header.msg_control, 64)] {
            // SAFETY: this is what is tested.
            unsafe { start.cast::<u8>().write_bytes(7, len) };
        }
        // SAFETY: this is what is tested.
        let part = unsafe { &*header.msg_iov };
        // SAFETY: this is what is tested.
        unsafe { part.iov_base.cast::<u8>().write_bytes(7, part.iov_len) };

        // A length beyond the room, as NetBSD reports it, is limited to the room.
        os::set_control(&mut header, core::ptr::null_mut(), 0);
        header.msg_controllen = 72;
        slot.take(&header, 8);
        assert_eq!((slot.arrival().len, slot.arrival().control), (8, [7; 64].as_slice()));
        assert_eq!(payload, [7; 8]);
    }
}
