//! Storage for what goes with one message's payload.

use core::net::SocketAddrV6;

use ipv6_core::abi::Platform;
use ipv6_core::{EncodeError, SendControl, sockaddr};

use super::outgoing::{Outgoing, Ports};
use super::payload::{Part, Payload, Room};
use crate::host::Host;
use crate::message::{Arrival, ControlBuffer, ControlBytes, PeerName};
use crate::os;

/// Room for what is received beside one message's payload: who sent it, and `C` bytes of control
/// messages.
#[derive(Debug)]
pub struct RecvSlot<const C: usize> {
    name: PeerName,
    control: ControlBuffer<C>,
    part: Part,
    /// What the kernel wrote. The lengths are those of initialised bytes, always.
    len: usize,
    name_len: usize,
    control_len: usize,
    flags: i32,
}

impl<const C: usize> RecvSlot<C> {
    /// Room without a message.
    pub const fn new() -> Self {
        Self {
            name: PeerName::new(),
            control: ControlBuffer::new(),
            part: Part::new(),
            len: 0,
            name_len: 0,
            control_len: 0,
            flags: 0,
        }
    }

    /// The message that the latest [`receive`](super::receive) put here.
    #[inline]
    pub fn arrival(&self) -> Arrival<'_> {
        let name = self.name.written(self.name_len);
        // SAFETY: `control_len` bytes were written by the kernel in the call that set it.
        let control = unsafe { self.control.written(self.control_len) };
        Arrival { len: self.len, flags: self.flags, name, control }
    }

    /// Makes `header` receive into this slot and this payload.
    pub(super) fn fill(&mut self, header: &mut os::Header, payload: &mut impl Room) {
        // All that the kernel reads; the rest of a header stays zero.
        let (parts, count) = payload.parts(&mut self.part);
        os::set_name(header, self.name.as_mut_ptr(), PeerName::SIZE);
        os::set_payload(header, parts, count);
        os::set_control(header, self.control.as_mut_ptr(), C);
    }

    /// Takes over what the kernel said of the message.
    ///
    /// # Safety
    ///
    /// The kernel has just received into `header`, which this slot [filled](Self::fill).
    pub(super) unsafe fn take(&mut self, header: &os::Header, len: usize) {
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

/// Room for what is sent beside the payload of one message, or of several that go as one: destination and `C`
/// bytes of control messages. [`SendControl::max_space`] is enough for any.
#[derive(Debug)]
pub struct SendSlot<const C: usize> {
    name: [u8; sockaddr::MAX_SIZE],
    control: ControlBytes<C>,
    part: Part,
    /// How many messages the latest call put together here.
    pub(super) messages: usize,
}

impl<const C: usize> SendSlot<C> {
    /// Room without a message.
    pub const fn new() -> Self {
        Self { name: [0; sockaddr::MAX_SIZE], control: ControlBytes::new(), part: Part::new(), messages: 0 }
    }

    /// How many messages the latest call put together here.
    pub fn messages(&self) -> usize {
        self.messages
    }

    /// Makes `header` send this message.
    #[inline]
    pub(super) fn fill(
        &mut self,
        header: &mut os::Header,
        message: &Outgoing<'_>,
        ports: Ports,
    ) -> Result<(), EncodeError> {
        let control = match self.control.encode_three(&message.control) {
            Some(control) => control?.len(),
            None => self.encode_any(&message.control)?,
        };
        os::set_control(header, self.control.as_mut_ptr(), control);
        // All that the kernel reads; the rest of a header stays zero.
        let name_len = match &message.to {
            None => 0,
            Some(to) => self.set_name(&ports.of(to)),
        };
        os::set_name(header, self.name.as_mut_ptr(), name_len);
        match message.payload {
            Payload::Whole(bytes) => {
                self.part.set(bytes);
                os::set_payload(header, &raw mut self.part.0, 1);
            }
            // `IoSlice` has the layout of `Part`, as its documentation promises, and is read only.
            Payload::Parts(parts) => {
                os::set_payload(header, parts.as_ptr().cast::<os::Part>().cast_mut(), parts.len());
            }
        }
        self.messages = 1;
        Ok(())
    }

    /// Encodes control messages of any kind, out of the way of the most common.
    #[inline(never)]
    fn encode_any(&mut self, control: &SendControl<'_>) -> Result<usize, EncodeError> {
        Ok(self.control.encode(control)?.len())
    }

    #[inline]
    fn set_name(&mut self, to: &SocketAddrV6) -> usize {
        self.name = sockaddr::encode::<Host>(to);
        Host::ABI.sockaddr.size
    }
}

impl<const C: usize> Default for SendSlot<C> {
    fn default() -> Self {
        Self::new()
    }
}
