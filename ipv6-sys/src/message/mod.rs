//! One message and its control messages: `sendmsg(2)` and `recvmsg(2)` over the caller's buffers.
//!
//! The payload is a list of parts. Control messages to send are bytes that [`ControlBytes::encode`] wrote;
//! of those received, [`ControlSpace::decode`] makes values, and
//! [`RawMessages`](ipv6_core::cmsg::RawMessages) walks through all of them.

use core::mem::MaybeUninit;
use core::net::SocketAddrV6;

use ipv6_core::abi::Platform;
use ipv6_core::{DecodeError, RecvControl, sockaddr};

use crate::error::Errno;
use crate::fd::AsFd;
use crate::host::Host;
use crate::os;

mod control;
#[cfg(not(feature = "std"))]
mod io_slice;

pub use control::{ControlBuffer, ControlBytes, ControlSpace, decode};
#[cfg(not(feature = "std"))]
pub use io_slice::{IoSlice, IoSliceMut};
#[cfg(feature = "std")]
pub use std::io::{IoSlice, IoSliceMut};

bitflags::bitflags! {
    /// How to send or receive.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct MessageFlags: i32 {
        /// Answer [`Errno::AGAIN`] instead of waiting.
        #[doc(alias = "MSG_DONTWAIT")]
        const DONT_WAIT = os::MSG_DONTWAIT;
        /// Leave the message where it is, to be received again.
        #[doc(alias = "MSG_PEEK")]
        const PEEK = os::MSG_PEEK;
        /// Receive what the socket's error queue has (Linux).
        #[cfg(any(target_os = "linux", target_os = "android"))]
        #[doc(alias = "MSG_ERRQUEUE")]
        const ERROR_QUEUE = libc::MSG_ERRQUEUE;
        /// In a batch: wait for the first message only.
        #[doc(alias = "MSG_WAITFORONE")]
        const WAIT_FOR_ONE = crate::batch::MSG_WAITFORONE;
    }
}

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

/// How a system call is made: with which flags, and whether it is made again when it has failed. What goes with the
/// message is made ready once.
///
/// [`MessageFlags`] make it once, and hand on what it answers. A caller of one's own may wait in
/// [`next`](Self::next), or just go on after a signal.
pub trait Caller {
    /// What the caller makes of an [`Errno`].
    type Error;

    /// The flags of the first call where there is nothing to do before it; without them [`next`](Self::next) is
    /// asked.
    fn at_once(&self) -> Option<MessageFlags>;

    /// The flags of the next call: of the first, or of one more after one that has `failed`.
    ///
    /// # Errors
    ///
    /// There is to be no call, or none again: this is what the sender or receiver answers.
    fn next(&mut self, failed: Option<Errno>) -> Result<MessageFlags, Self::Error>;
}

impl Caller for MessageFlags {
    type Error = Errno;

    #[inline(always)]
    fn at_once(&self) -> Option<MessageFlags> {
        Some(*self)
    }

    #[inline(always)]
    fn next(&mut self, failed: Option<Errno>) -> Result<MessageFlags, Errno> {
        match failed {
            Some(errno) => Err(errno),
            None => Ok(*self),
        }
    }
}

/// Makes a system call until its caller is content with what it answers.
#[inline(always)]
pub(crate) fn call<T, C: Caller>(
    caller: C,
    mut make: impl FnMut(MessageFlags) -> Result<T, Errno>,
) -> Result<T, C::Error> {
    let failed = match caller.at_once().map(&mut make) {
        Some(Ok(answer)) => return Ok(answer),
        Some(Err(errno)) => Some(errno),
        None => None,
    };
    call_again(caller, make, failed)
}

/// What [`call`] does when the first call is not all. It takes everything by value: what is lent would have to be in
/// memory before the first call, for nothing.
#[cold]
#[inline(never)]
fn call_again<T, C: Caller>(
    mut caller: C,
    mut make: impl FnMut(MessageFlags) -> Result<T, Errno>,
    mut failed: Option<Errno>,
) -> Result<T, C::Error> {
    loop {
        match make(caller.next(failed)?) {
            Ok(answer) => return Ok(answer),
            Err(errno) => failed = Some(errno),
        }
    }
}

/// Sends one message: `payload`'s parts one after another, with `control` as its control messages, to
/// `to` or, when the socket is connected, to its peer. Says how many bytes of payload went.
///
/// One part without control messages goes by `sendto(2)`, which costs the kernel less.
///
/// # Errors
///
/// Those of [sendmsg(2)](https://man7.org/linux/man-pages/man2/sendmsg.2.html): [`Errno::MSGSIZE`] for a
/// payload that is too large or has more than 1,024 parts, [`Errno::INVAL`] for control messages that the
/// system does not take, [`Errno::AGAIN`] where it would have to wait and is not to.
#[doc(alias = "sendmsg", alias = "sendto")]
#[inline(always)]
pub fn send<C: Caller>(
    socket: impl AsFd,
    payload: &[IoSlice<'_>],
    control: &[u8],
    to: Option<&SocketAddrV6>,
    caller: C,
) -> Result<usize, C::Error> {
    let socket = socket.as_fd();
    let encoded;
    let name = match to {
        Some(to) => {
            encoded = sockaddr::encode::<Host>(to);
            encoded.get(..Host::ABI.sockaddr.size).unwrap_or_default()
        }
        None => &[],
    };
    if let ([part], []) = (payload, control) {
        return call(caller, move |flags| os::send_to(socket, part, name, flags.bits()));
    }
    let mut message = os::header();
    os::set_name(&mut message, name.as_ptr().cast_mut(), name.len());
    os::set_payload(&mut message, payload.as_ptr().cast::<os::Part>().cast_mut(), payload.len());
    os::set_control(&mut message, control.as_ptr().cast_mut(), control.len());
    let message = &message;
    // SAFETY: every pointer in `message` is that of a slice or an array that is borrowed here and so
    // outlives the calls, with its length; `IoSlice` has the layout of `Part`, as its documentation
    // promises.
    call(caller, move |flags| unsafe { os::send(socket, message, flags.bits()) })
}

/// Receives one message into `payload`'s parts, and its control messages into `control`, where
/// [`written`](ControlSpace::written) has them then.
///
/// # Errors
///
/// Those of [recvmsg(2)](https://man7.org/linux/man-pages/man2/recvmsg.2.html): [`Errno::AGAIN`] where it
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
    // SAFETY: the kernel has just written so many bytes of the name, or all of it.
    let name = unsafe { peer.written(os::name_len(&message)) };
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
    // SAFETY: the kernel has just written so many bytes of the name, or all of it.
    let source = sockaddr::decode::<Host>(unsafe { peer.written(told.name_len) });
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

/// Room for the address of a peer, which the kernel writes.
#[derive(Clone, Copy, Debug)]
pub struct PeerName(MaybeUninit<[u8; sockaddr::MAX_SIZE]>);

impl PeerName {
    pub(crate) const SIZE: usize = sockaddr::MAX_SIZE;

    /// Room without an address.
    pub const fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }

    /// What the kernel wrote.
    ///
    /// # Safety
    ///
    /// The first `len` bytes are initialised, or all of them when there are fewer.
    #[inline]
    pub(crate) unsafe fn written(&self, len: os::NameLen) -> &[u8] {
        // SAFETY: within the array, and initialised, as the caller promises.
        unsafe { core::slice::from_raw_parts(self.0.as_ptr().cast(), (len as usize).min(Self::SIZE)) }
    }
}

impl Default for PeerName {
    fn default() -> Self {
        Self::new()
    }
}
