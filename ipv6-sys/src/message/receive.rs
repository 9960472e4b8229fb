//! Receiving one message.

use core::mem::MaybeUninit;
use core::net::SocketAddrV6;

use ipv6_core::cmsg::RawMessages;
use ipv6_core::{DecodeError, RecvControl};

use super::caller::{Caller, call};
use super::control::{ControlBuffer, ControlSpace, decode};
use super::io_slice::IoSliceMut;
use super::padding;
use crate::fd::{AsFd, BorrowedFd};
use crate::host::Host;
use crate::os::{self, PeerName};

/// What the kernel reports about a received message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Received {
    /// Bytes of payload in the buffers.
    pub len: usize,
    /// The sender; `None` if the system reports no IPv6 address, as on a stream.
    pub source: Option<SocketAddrV6>,
    /// Whether the payload was longer than the buffers. The rest is lost.
    #[doc(alias = "MSG_TRUNC")]
    pub truncated: bool,
    /// Whether the control messages were longer than the space. The rest is lost. NetBSD does not report it if the space
    /// ends where a message ends.
    #[doc(alias = "MSG_CTRUNC")]
    pub control_truncated: bool,
}

/// Receives one message: its payload into the parts of `payload` one after another, its control messages into `control`.
///
/// `flags` are [`MessageFlags`](super::MessageFlags).
///
/// # Errors
///
/// Those of [recvmsg(2)](https://man7.org/linux/man-pages/man2/recvmsg.2.html), among them
/// [`Errno::AGAIN`](crate::Errno::AGAIN) if the call would wait and must not, and the network's error about an
/// earlier message. After an error, `control` is empty.
#[doc(alias = "recvmsg")]
#[inline]
pub fn receive<C: Caller>(
    socket: impl AsFd,
    payload: &mut [IoSliceMut<'_>],
    control: &mut ControlSpace<'_>,
    flags: C,
) -> Result<Received, C::Error> {
    let mut peer = PeerName::new();
    let reported = call_receive(socket.as_fd(), payload, &mut peer, control.room(), flags)?;
    let Reported { len, flags, name_len, control_len } = reported;
    // SAFETY: the kernel has just received into the room of `control`, and reports this length.
    unsafe { control.set_written(control_len, flags & os::MSG_CTRUNC != 0) };
    // SAFETY: the kernel has just received into `peer`, and reports this length.
    let name = unsafe { peer.written(name_len) };
    Ok(Arrival::new(len, flags, name, &[]).received())
}

/// What the kernel reports besides the bytes that it writes to buffers.
struct Reported {
    len: usize,
    flags: i32,
    name_len: usize,
    control_len: usize,
}

/// Makes the call.
#[inline(always)]
fn call_receive<C: Caller>(
    socket: BorrowedFd<'_>,
    payload: &mut [IoSliceMut<'_>],
    peer: &mut PeerName,
    control: &mut [MaybeUninit<u8>],
    flags: C,
) -> Result<Reported, C::Error> {
    let mut message = os::header();
    os::set_payload(&mut message, payload.as_mut_ptr().cast(), payload.len());
    let (lent, name) = (&mut message, peer.as_mut_ptr());
    let (start, room) = (control.as_mut_ptr().cast(), control.len());
    // The closure takes everything by value, so that the common path does not spill registers for a repeated call.
    let len = call(flags, move |flags| {
        // Before each call: some systems change the lengths even if the call fails.
        os::set_name(lent, name, PeerName::SIZE);
        os::set_control(lent, start, room);
        // SAFETY: each pointer in `message` comes from a slice or an array that is borrowed mutably here and outlives
        // the call, with its length. `IoSliceMut` has the layout of `Part`, as its documentation says.
        unsafe { os::receive(socket, lent, flags.bits()) }
    })?;
    let (name_len, control_len) = (os::name_len(&message), os::control_len(&message));
    Ok(Reported { len, flags: os::flags(&message), name_len, control_len })
}

/// Receives as [`receive`] does, and leaves decoding to the caller.
///
/// # Errors
///
/// Those of [`receive`].
#[doc(hidden)]
#[inline(always)]
pub fn receive_fresh<'m, const N: usize, C: Caller>(
    socket: impl AsFd,
    payload: &mut [IoSliceMut<'_>],
    peer: &'m mut PeerName,
    control: &'m mut ControlBuffer<N>,
    flags: C,
) -> Result<Fresh<'m>, C::Error> {
    let room = control.room();
    let reported = call_receive(socket.as_fd(), payload, peer, room, flags)?;
    Ok(Fresh { reported, peer, room })
}

/// A message that [`receive_fresh`] received. The padding of its control messages is not initialised yet: initialising it
/// costs less once it is known which messages there are.
///
/// A receive that uses only [`finish`](Self::finish) takes 110 (packet info alone), 150 (three messages) or 210 (four messages)
/// instructions more than one with the method for these messages.
#[doc(hidden)]
pub struct Fresh<'m> {
    reported: Reported,
    /// The kernel has just received an address into it, of the reported length.
    peer: &'m PeerName,
    /// The kernel has just received control messages into it, of the reported length.
    room: &'m mut [MaybeUninit<u8>],
}

impl<'m> Fresh<'m> {
    /// Decodes the control messages if they are packet info, hop limit and traffic class. `None`: others; use
    /// [`finish`](Self::finish).
    #[inline(always)]
    pub fn decode_three(&mut self) -> Option<RecvControl<'_>> {
        // SAFETY: the kernel has just received control messages into the room, and reports this length.
        let control = unsafe { padding::three(self.room, self.reported.control_len) };
        RecvControl::decode_three::<Host>(control?)
    }

    /// Returns the message without its control messages.
    #[inline(always)]
    #[must_use]
    pub fn without_control(&self) -> Arrival<'m> {
        let Reported { len, flags, name_len, .. } = self.reported;
        // SAFETY: the kernel has just received into `peer`, and reports this length.
        Arrival { len, flags, name: unsafe { self.peer.written(name_len) }, control: &[] }
    }

    /// Returns the message, if its control messages are packet info alone. `None`: others; use
    /// [`finish`](Self::finish).
    #[inline(always)]
    pub fn with_packet_info(&mut self) -> Option<Arrival<'_>> {
        let arrival = self.without_control();
        // SAFETY: the kernel has just received control messages into the room, and reports this length.
        let control = unsafe { padding::one(self.room, self.reported.control_len) };
        Some(Arrival { control: control?, ..arrival })
    }

    /// Returns the message, if its control messages are the size of segments, packet info, hop limit and traffic class.
    /// `None`: others; use [`finish`](Self::finish).
    #[inline(always)]
    pub fn with_four(&mut self) -> Option<Arrival<'_>> {
        let arrival = self.without_control();
        // SAFETY: the kernel has just received control messages into the room, and reports this length.
        let control = unsafe { padding::four(self.room, self.reported.control_len) };
        Some(Arrival { control: control?, ..arrival })
    }

    /// Returns the message with any control messages.
    #[inline(always)]
    #[must_use]
    pub fn finish(self) -> Arrival<'m> {
        let arrival = self.without_control();
        // SAFETY: the kernel has just received control messages into the room, and reports this length.
        let control = unsafe { padding::initialise(self.room, self.reported.control_len) };
        Arrival { control, ..arrival }
    }
}

/// Receives one message without control messages from a UDP or raw socket. On Linux it uses `recvfrom(2)`, which costs
/// the kernel less than `recvmsg(2)`. [`reports_length`](crate::socket::reports_length) must be true for the socket.
///
/// # Errors
///
/// Those of [`receive`].
#[doc(hidden)]
#[inline(always)]
pub fn receive_from<C: Caller>(
    socket: impl AsFd,
    payload: &mut [u8],
    flags: C,
) -> Result<Received, C::Error> {
    let socket = socket.as_fd();
    let mut peer = PeerName::new();
    let mut reported = os::Reported::default();
    let room = payload.len();
    let (name, report) = (&mut peer, &mut reported);
    // The closure takes everything by value, as in `call_receive`.
    let len = call(flags, move |flags| os::receive_from(socket, payload, name, report, flags.bits()))?;
    // SAFETY: the kernel has just received into `peer`, and reports this length.
    let source = os::decode_address(unsafe { peer.written(reported.name_len) });
    Ok(Received { len: len.min(room), source, truncated: reported.truncated, control_truncated: false })
}

/// A received message without its payload, as the system reports it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Arrival<'m> {
    /// Bytes of payload in the buffers.
    pub len: usize,
    /// `msg_flags`.
    #[doc(hidden)]
    pub flags: i32,
    /// The peer's `struct sockaddr`; empty if there is none, as on a stream.
    #[doc(hidden)]
    pub name: &'m [u8],
    /// The bytes of the control messages.
    pub control: &'m [u8],
}

impl<'m> Arrival<'m> {
    /// A message of these parts.
    #[doc(hidden)]
    #[inline(always)]
    #[must_use]
    pub const fn new(len: usize, flags: i32, name: &'m [u8], control: &'m [u8]) -> Self {
        Self { len, flags, name, control }
    }

    /// Returns the sender, as in [`Received::source`].
    #[must_use]
    #[inline(always)]
    pub fn source(&self) -> Option<SocketAddrV6> {
        os::decode_address(self.name)
    }

    /// Returns whether the payload was truncated, as in [`Received::truncated`].
    #[must_use]
    #[inline]
    pub fn truncated(&self) -> bool {
        self.flags & os::MSG_TRUNC != 0
    }

    /// Returns whether the control messages were truncated, as in [`Received::control_truncated`].
    #[must_use]
    #[inline]
    pub fn control_truncated(&self) -> bool {
        self.flags & os::MSG_CTRUNC != 0
    }

    /// Decodes the control messages.
    ///
    /// # Errors
    ///
    /// As [`ControlSpace::decode`].
    #[inline]
    pub fn decode(&self) -> Result<RecvControl<'m>, DecodeError> {
        decode(self.control, self.control_truncated())
    }

    /// Returns an iterator over all control messages, as level, type and data.
    #[must_use = "iterators are lazy"]
    #[doc(alias = "CMSG_FIRSTHDR", alias = "CMSG_NXTHDR")]
    pub fn raw_messages(&self) -> RawMessages<'m, Host> {
        RawMessages::new(self.control)
    }

    /// Returns the message without its control messages.
    #[must_use]
    #[inline]
    pub fn received(&self) -> Received {
        Received {
            len: self.len,
            source: self.source(),
            truncated: self.truncated(),
            control_truncated: self.control_truncated(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_that_repeat_those_of_the_call_are_not_truncation() {
        // NetBSD returns MSG_DONTWAIT in msg_flags (7.99, executed).
        let arrival = Arrival::new(1, os::MSG_DONTWAIT, &[], &[]);
        assert!(!arrival.truncated() && !arrival.control_truncated());
        let truncated = Arrival::new(1, os::MSG_DONTWAIT | os::MSG_CTRUNC, &[], &[]);
        assert!(!truncated.truncated() && truncated.control_truncated());
    }
}
