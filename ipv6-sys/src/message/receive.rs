//! Receiving one message.

use core::net::SocketAddrV6;

use ipv6_core::{DecodeError, RecvControl, sockaddr};

use super::IoSliceMut;
use super::caller::{Caller, call};
use super::control::{ControlSpace, decode};
use crate::fd::AsFd;
use crate::host::Host;
use crate::os;
use crate::peer::PeerName;

/// What the kernel said of a message that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Bytes of payload that were written.
    pub len: usize,
    /// Who sent it; `None` where there is no IPv6 address to tell, as on a stream.
    pub source: Option<SocketAddrV6>,
    /// Whether there was more payload than room (`MSG_TRUNC`). What was over is lost.
    pub truncated: bool,
    /// Whether there were more control messages than room (`MSG_CTRUNC`). What was over is lost.
    pub control_truncated: bool,
}

/// Receives one message into `payload`'s parts, and its control messages into `control`, where
/// [`written`](ControlSpace::written) has them then.
///
/// # Errors
///
/// Those of [recvmsg(2)](https://man7.org/linux/man-pages/man2/recvmsg.2.html): [`Errno::AGAIN`](crate::Errno::AGAIN) where it
/// would have to wait and is not to, and what the network reported for an earlier message. There are no
/// control messages then.
#[doc(alias = "recvmsg")]
#[inline]
pub fn receive<C: Caller>(
    socket: impl AsFd,
    payload: &mut [IoSliceMut<'_>],
    control: &mut ControlSpace<'_>,
    caller: C,
) -> Result<Received, C::Error> {
    Ok(receive_raw(socket, payload, &mut PeerName::new(), control, caller)?.received())
}

/// The same, with what the system wrote left as it is, for callers that look at it piece by piece.
///
/// # Errors
///
/// Those of [`receive`].
#[doc(alias = "recvmsg")]
#[inline(always)]
pub fn receive_raw<'m, C: Caller>(
    socket: impl AsFd,
    payload: &mut [IoSliceMut<'_>],
    peer: &'m mut PeerName,
    control: &'m mut ControlSpace<'_>,
    caller: C,
) -> Result<Arrival<'m>, C::Error> {
    let socket = socket.as_fd();
    control.clear();
    let mut message = os::header();
    os::set_payload(&mut message, payload.as_mut_ptr().cast(), payload.len());
    let (lent, name) = (&mut message, peer.as_mut_ptr());
    let (start, room) = (control.as_mut_ptr(), control.capacity());
    // Everything is moved into it, so that nothing has to be in memory for a call that does not come.
    let len = call(caller, move |flags| {
        // Again for each call: some systems write the lengths also when it fails.
        os::set_name(lent, name, PeerName::SIZE);
        os::set_control(lent, start, room);
        // SAFETY: every pointer in `message` is that of a slice or an array that is borrowed mutably here
        // and so outlives the call, with its length; `IoSliceMut` has the layout of `Part`, as its
        // documentation promises.
        unsafe { os::receive(socket, lent, flags.bits()) }
    })?;
    let flags = os::flags(&message);
    // SAFETY: the kernel has just written as many bytes from the start of `control` on.
    unsafe { control.set_written(os::control_len(&message), flags & os::MSG_CTRUNC != 0) };
    let name = peer.written(os::name_len(&message));
    Ok(Arrival { len, flags, name, control: control.written() })
}

/// Receives one message without control messages, of a UDP or a raw socket
/// ([`tells_length`](crate::socket::tells_length)): on Linux by `recvfrom(2)`, which costs the kernel less.
///
/// # Errors
///
/// Those of [`receive`].
#[doc(alias = "recvfrom")]
#[inline(always)]
pub fn receive_from<C: Caller>(
    socket: impl AsFd,
    payload: &mut [u8],
    caller: C,
) -> Result<Received, C::Error> {
    let socket = socket.as_fd();
    let mut peer = PeerName::new();
    let mut told = os::Told::default();
    let len = call(caller, |flags| os::receive_from(socket, payload, &mut peer, &mut told, flags.bits()))?;
    let source = sockaddr::decode::<Host>(peer.written(told.name_len));
    Ok(Received { len: len.min(payload.len()), source, truncated: told.truncated, control_truncated: false })
}

/// A message that was received, as the system told of it.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'m> {
    /// Bytes of payload that were written.
    pub len: usize,
    /// `msg_flags`.
    pub flags: i32,
    /// The peer's `struct sockaddr`; nothing where there is none, as on a stream.
    pub name: &'m [u8],
    /// The control messages.
    pub control: &'m [u8],
}

impl<'m> Arrival<'m> {
    /// Who sent it, as in [`Received::source`].
    #[inline(always)]
    pub fn source(&self) -> Option<SocketAddrV6> {
        sockaddr::decode::<Host>(self.name)
    }

    /// Whether there was more payload than room, as in [`Received::truncated`].
    #[inline]
    pub fn truncated(&self) -> bool {
        self.flags & os::MSG_TRUNC != 0
    }

    /// Whether there were more control messages than room, as in [`Received::control_truncated`].
    #[inline]
    pub fn control_truncated(&self) -> bool {
        self.flags & os::MSG_CTRUNC != 0
    }

    /// Its control messages, as values.
    ///
    /// # Errors
    ///
    /// As [`ControlSpace::decode`].
    #[inline]
    pub fn decode(&self) -> Result<RecvControl<'m>, DecodeError> {
        decode(self.control, self.control_truncated())
    }

    /// All but its control messages, as values.
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
