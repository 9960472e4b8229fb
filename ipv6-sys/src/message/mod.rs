//! One message and its control messages: `sendmsg(2)` and `recvmsg(2)` over the caller's buffers.
//!
//! The payload is a list of parts. Control messages to send are bytes that [`ControlBytes::encode`] wrote;
//! of those received, [`ControlSpace::decode`] makes values, and
//! [`RawMessages`](ipv6_core::cmsg::RawMessages) walks through all of them.

use core::mem::MaybeUninit;
use core::net::SocketAddrV6;

use ipv6_core::abi::Platform;
use ipv6_core::sockaddr;

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
/// [`again`](Self::again), or just go on after a signal.
pub trait Caller {
    /// What the caller makes of an [`Errno`].
    type Error;

    /// The flags of the first call.
    fn first(&mut self) -> Result<MessageFlags, Self::Error>;

    /// The flags with which to make the call again, after it has failed.
    fn again(&mut self, failed: Errno) -> Result<MessageFlags, Self::Error>;
}

impl Caller for MessageFlags {
    type Error = Errno;

    #[inline(always)]
    fn first(&mut self) -> Result<MessageFlags, Errno> {
        Ok(*self)
    }

    #[inline(always)]
    fn again(&mut self, failed: Errno) -> Result<MessageFlags, Errno> {
        Err(failed)
    }
}

/// Makes a system call until its caller is content with what it answers.
#[inline(always)]
pub(crate) fn call<T, C: Caller>(
    mut caller: C,
    mut make: impl FnMut(MessageFlags) -> Result<T, Errno>,
) -> Result<T, C::Error> {
    // The first call apart from the others: what those need then stays out of its way.
    let mut failed = match make(caller.first()?) {
        Ok(answer) => return Ok(answer),
        Err(errno) => errno,
    };
    loop {
        match make(caller.again(failed)?) {
            Ok(answer) => return Ok(answer),
            Err(errno) => failed = errno,
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
    let name = to.map(sockaddr::encode::<Host>);
    let name = name.as_ref().and_then(|name| name.get(..Host::ABI.sockaddr.size)).unwrap_or_default();
    if let ([part], []) = (payload, control) {
        return call(caller, |flags| os::send_to(socket, part, name, flags.bits()));
    }
    let mut message = os::header();
    os::set_name(&mut message, name.as_ptr().cast_mut(), name.len());
    os::set_payload(&mut message, payload.as_ptr().cast::<os::Part>().cast_mut(), payload.len());
    os::set_control(&mut message, control.as_ptr().cast_mut(), control.len());
    // SAFETY: every pointer in `message` is that of a slice or an array that is borrowed here and so
    // outlives the calls, with its length; `IoSlice` has the layout of `Part`, as its documentation
    // promises.
    call(caller, |flags| unsafe { os::send(socket, &message, flags.bits()) })
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
#[inline(always)]
pub fn receive<C: Caller>(
    socket: impl AsFd,
    payload: &mut [IoSliceMut<'_>],
    control: &mut ControlSpace<'_>,
    caller: C,
) -> Result<Received, C::Error> {
    let socket = socket.as_fd();
    control.clear();
    let mut name = Name::uninit();
    let mut message = os::header();
    os::set_payload(&mut message, payload.as_mut_ptr().cast(), payload.len());
    let len = call(caller, |flags| {
        // Again for each call: some systems write the lengths also when it fails.
        os::set_name(&mut message, name.as_mut_ptr().cast(), size_of::<Name>());
        os::set_control(&mut message, control.as_mut_ptr(), control.capacity());
        // SAFETY: every pointer in `message` is that of a slice or an array that is borrowed mutably here
        // and so outlives the call, with its length; `IoSliceMut` has the layout of `Part`, as its
        // documentation promises.
        unsafe { os::receive(socket, &mut message, flags.bits()) }
    })?;
    // SAFETY: the kernel has just written so many bytes of the name, or all of it.
    let source = unsafe { source(&name, os::name_len(&message)) };
    let received = Received::new(len, source, os::flags(&message));
    // SAFETY: the kernel has just written as many bytes from the start of `control` on.
    unsafe { control.set_written(os::control_len(&message), received.control_truncated) };
    Ok(received)
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
    let mut name = Name::uninit();
    let mut told = os::Told::default();
    let len = call(caller, |flags| os::receive_from(socket, payload, &mut name, &mut told, flags.bits()))?;
    // SAFETY: the kernel has just written so many bytes of the name, or all of it.
    let source = unsafe { source(&name, told.name_len) };
    Ok(Received { len: len.min(payload.len()), source, truncated: told.truncated, control_truncated: false })
}

impl Received {
    #[inline]
    pub(crate) fn new(len: usize, source: Option<SocketAddrV6>, flags: i32) -> Self {
        let truncated = flags & os::MSG_TRUNC != 0;
        let control_truncated = flags & os::MSG_CTRUNC != 0;
        Self { len, source, truncated, control_truncated }
    }
}

/// Room for the address of a peer, which the kernel writes.
pub(crate) type Name = MaybeUninit<[u8; sockaddr::MAX_SIZE]>;

/// The address in a name that the kernel wrote.
///
/// # Safety
///
/// The first `len` bytes of `name` are initialised, or all of them when it has fewer.
#[inline]
pub(crate) unsafe fn source(name: &Name, len: os::NameLen) -> Option<SocketAddrV6> {
    let len = (len as usize).min(size_of::<Name>());
    // SAFETY: within `name`, and initialised, as the caller promises.
    let bytes = unsafe { core::slice::from_raw_parts(name.as_ptr().cast::<u8>(), len) };
    sockaddr::decode::<Host>(bytes)
}
