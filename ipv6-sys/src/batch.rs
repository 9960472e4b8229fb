//! Many messages in one system call: `sendmmsg(2)` and `recvmmsg(2)` over the caller's storage.
//!
//! The storage is one [`BatchHeader`] and one [`RecvSlot`] or [`SendSlot`] for each message, in arrays or
//! vectors that the caller makes once and uses again. Each call writes all that the kernel reads, so
//! nothing that the kernel left in them matters, and they may move between calls.
//!
//! ```
//! use ipv6_core::{ControlFlags, SendControl};
//! use ipv6_sys::batch::{self, BatchHeader, Outgoing, RecvSlot, SendSlot};
//! use ipv6_sys::{Host, message::MessageFlags, socket};
//!
//! const RECEIVED: usize = ControlFlags::all().space::<Host>();
//! const SENT: usize = SendControl::max_space::<Host>();
//!
//! let receiver = socket::datagram()?;
//! socket::bind(&receiver, &"[::1]:0".parse().unwrap())?;
//! let to = socket::local_address(&receiver)?.unwrap();
//!
//! let messages = [b"one", b"two"].map(|text| Outgoing::new(text, SendControl::new(), Some(to)));
//! let mut headers = [const { BatchHeader::new() }; 8];
//! let mut slots = [const { SendSlot::<SENT>::new() }; 8];
//! let flags = MessageFlags::empty();
//! let sent = batch::send(&receiver, &mut headers, &mut slots, messages, flags).unwrap();
//! assert_eq!(sent, 2);
//!
//! let mut slots = [const { RecvSlot::<RECEIVED>::new() }; 8];
//! let mut payloads = [[0; 16]; 8];
//! let count = batch::receive(&receiver, &mut headers, &mut slots, &mut payloads, MessageFlags::WAIT_FOR_ONE)?;
//! assert_eq!(count, 2);
//! assert_eq!(&payloads[1][..slots[1].received().len], b"two");
//! # Ok::<(), ipv6_sys::Error>(())
//! ```

use core::fmt;
use core::mem::zeroed;
use core::net::SocketAddrV6;

use ipv6_core::abi::Platform;
use ipv6_core::{DecodeError, EncodeError, RecvControl, SendControl, sockaddr};

use crate::error::Errno;
use crate::fd::AsFd;
use crate::host::Host;
use crate::message::{self, ControlBuffer, ControlBytes, MessageFlags, Name, Received};
use crate::option::raw;

/// Messages that one system call takes at most; of more, the first so many are meant.
pub const MAX: usize = 1024;

/// What the kernel reads and writes of one message of a batch. Its content matters to no one between
/// calls.
#[repr(transparent)]
pub struct BatchHeader(libc::mmsghdr);

impl BatchHeader {
    /// A header without anything.
    pub const fn new() -> Self {
        // SAFETY: a C structure of integers and pointers, for all of which zero is a value.
        Self(unsafe { zeroed() })
    }
}

// SAFETY: the pointers in it are written and used within one call of `send` or `receive`, through a
// `&mut`; to another thread they are bytes without a meaning.
unsafe impl Send for BatchHeader {}
// SAFETY: nothing can be read through a `&BatchHeader`.
unsafe impl Sync for BatchHeader {}

impl Default for BatchHeader {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for BatchHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchHeader").finish_non_exhaustive()
    }
}

/// Room for what is received beside one message's payload: who sent it, and `C` bytes of control
/// messages.
#[derive(Debug)]
pub struct RecvSlot<const C: usize> {
    name: Name,
    control: ControlBuffer<C>,
    part: Part,
    /// What the kernel wrote. The lengths are those of initialised bytes, always.
    len: usize,
    name_len: libc::socklen_t,
    control_len: usize,
    flags: libc::c_int,
}

impl<const C: usize> RecvSlot<C> {
    /// Room without a message.
    pub const fn new() -> Self {
        Self {
            name: Name::uninit(),
            control: ControlBuffer::new(),
            part: Part::EMPTY,
            len: 0,
            name_len: 0,
            control_len: 0,
            flags: 0,
        }
    }

    /// What the kernel said of the message that the latest [`receive`] put here.
    pub fn received(&self) -> Received {
        // SAFETY: `name_len` bytes were written by the kernel in the call that set it.
        let source = unsafe { message::source(&self.name, self.name_len) };
        Received::new(self.len, source, self.flags)
    }

    /// The control messages that came with it, as bytes.
    pub fn control(&self) -> &[u8] {
        // SAFETY: `control_len` bytes were written by the kernel in the call that set it.
        unsafe { self.control.written(self.control_len) }
    }

    /// The control messages that came with it.
    ///
    /// # Errors
    ///
    /// As [`ControlSpace::decode`](message::ControlSpace::decode).
    #[inline]
    pub fn decode(&self) -> Result<RecvControl<'_>, DecodeError> {
        message::decode(self.control(), self.flags & libc::MSG_CTRUNC != 0)
    }
}

impl<const C: usize> Default for RecvSlot<C> {
    fn default() -> Self {
        Self::new()
    }
}

/// One part of a payload, between the call that sets it and the kernel.
#[derive(Debug)]
#[repr(transparent)]
struct Part(libc::iovec);

impl Part {
    const EMPTY: Self = Self(libc::iovec { iov_base: core::ptr::null_mut(), iov_len: 0 });
}

// SAFETY: as with `BatchHeader`: the pointer is written and used within one call.
unsafe impl Send for Part {}
// SAFETY: nothing can be read through a `&Part`.
unsafe impl Sync for Part {}

/// Receives as many messages as there are headers, slots and payload buffers (at most [`MAX`]): the
/// `i`-th into `payloads[i]`, with [`slots[i].received()`](RecvSlot::received) about it. Says how many
/// came.
///
/// With [`MessageFlags::WAIT_FOR_ONE`] it waits for one and takes what else is there; without, it waits
/// for all.
///
/// # Errors
///
/// As with [`message::receive`], when not a single message came. What fails
/// after the first is reported by the next call.
#[doc(alias = "recvmmsg")]
#[doc(alias = "ReadBatch")]
pub fn receive<const C: usize>(
    socket: impl AsFd,
    headers: &mut [BatchHeader],
    slots: &mut [RecvSlot<C>],
    payloads: &mut [impl AsMut<[u8]>],
    flags: MessageFlags,
) -> Result<usize, Errno> {
    let mut ready = 0;
    for ((BatchHeader(header), slot), payload) in headers.iter_mut().zip(&mut *slots).zip(payloads).take(MAX)
    {
        let payload = payload.as_mut();
        slot.part = Part(libc::iovec { iov_base: payload.as_mut_ptr().cast(), iov_len: payload.len() });
        header.msg_len = 0;
        header.msg_hdr = message::header();
        message::set_name(&mut header.msg_hdr, slot.name.as_mut_ptr().cast(), size_of::<Name>());
        message::set_payload(&mut header.msg_hdr, &raw mut slot.part.0, 1);
        message::set_control(&mut header.msg_hdr, slot.control.as_mut_ptr(), C);
        ready += 1;
    }
    if ready == 0 {
        return Ok(0);
    }
    // SAFETY: the first `ready` headers were just set: each pointer is that of a slot or a payload buffer
    // borrowed mutably here, of which each is used once, with its length. The kernel writes bytes to
    // them, within their lengths, and their lengths to the headers. There is no timeout.
    let answer = unsafe {
        libc::recvmmsg(
            raw(socket.as_fd()),
            headers.as_mut_ptr().cast(),
            ready as libc::c_uint,
            flags.bits() as _,
            core::ptr::null_mut(),
        )
    };
    let count = Errno::count(answer)?;
    for (BatchHeader(header), slot) in headers.iter().zip(slots).take(count) {
        slot.len = header.msg_len as usize;
        slot.name_len = header.msg_hdr.msg_namelen;
        slot.control_len = message::control_len(&header.msg_hdr);
        slot.flags = header.msg_hdr.msg_flags;
    }
    Ok(count)
}

/// One message of a batch to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The payload.
    pub payload: &'a [u8],
    /// What is to go with it.
    pub control: SendControl<'a>,
    /// Where to; `None` for the peer of a connected socket.
    pub to: Option<SocketAddrV6>,
}

impl<'a> Outgoing<'a> {
    /// A message.
    pub const fn new(payload: &'a [u8], control: SendControl<'a>, to: Option<SocketAddrV6>) -> Self {
        Self { payload, control, to }
    }
}

/// Room for what is sent beside one message's payload: its destination and `C` bytes of control
/// messages. [`SendControl::max_space`] is enough for any.
#[derive(Debug)]
pub struct SendSlot<const C: usize> {
    name: [u8; sockaddr::MAX_SIZE],
    control: ControlBytes<C>,
    part: Part,
}

impl<const C: usize> SendSlot<C> {
    /// Room without a message.
    pub const fn new() -> Self {
        Self { name: [0; sockaddr::MAX_SIZE], control: ControlBytes::new(), part: Part::EMPTY }
    }
}

impl<const C: usize> Default for SendSlot<C> {
    fn default() -> Self {
        Self::new()
    }
}

/// Why not a single message of a batch was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The first message's control cannot be encoded.
    Control(EncodeError),
    /// The system refused the first message.
    Os(Errno),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Control(error) => error.fmt(f),
            Self::Os(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SendError {}

/// Sends the messages in order, as many as there are headers and slots for (at most [`MAX`]), and says
/// how many went. A message that fails ends the batch: those before it are sent, and counted.
///
/// # Errors
///
/// [`SendError`] when the first message fails: sending the rest again after a count below the number
/// of messages tells what was wrong.
#[doc(alias = "sendmmsg")]
#[doc(alias = "WriteBatch")]
pub fn send<'a, const C: usize>(
    socket: impl AsFd,
    headers: &mut [BatchHeader],
    slots: &mut [SendSlot<C>],
    messages: impl IntoIterator<Item = Outgoing<'a>>,
    flags: MessageFlags,
) -> Result<usize, SendError> {
    let mut ready = 0;
    for ((BatchHeader(header), slot), outgoing) in headers.iter_mut().zip(slots).zip(messages).take(MAX) {
        let used = match slot.control.encode(&outgoing.control) {
            Ok(control) => control.len(),
            Err(error) if ready == 0 => return Err(SendError::Control(error)),
            // It is the next call's first message, and an error there.
            Err(_) => break,
        };
        header.msg_len = 0;
        header.msg_hdr = message::header();
        if let Some(to) = outgoing.to {
            slot.name = sockaddr::encode::<Host>(&to);
            message::set_name(&mut header.msg_hdr, slot.name.as_mut_ptr(), Host::ABI.sockaddr.size);
        }
        // The kernel reads the payload and writes nothing to it.
        let payload = outgoing.payload;
        slot.part =
            Part(libc::iovec { iov_base: payload.as_ptr().cast_mut().cast(), iov_len: payload.len() });
        message::set_payload(&mut header.msg_hdr, &raw mut slot.part.0, 1);
        message::set_control(&mut header.msg_hdr, slot.control.as_mut_ptr(), used);
        ready += 1;
    }
    if ready == 0 {
        return Ok(0);
    }
    // SAFETY: the first `ready` headers were just set: each pointer is that of a slot borrowed mutably
    // here or of a payload borrowed for 'a, with its length. The kernel reads them, and writes only the
    // headers' `msg_len`.
    let answer = unsafe {
        libc::sendmmsg(
            raw(socket.as_fd()),
            headers.as_mut_ptr().cast(),
            ready as libc::c_uint,
            flags.bits() as _,
        )
    };
    Errno::count(answer).map_err(SendError::Os)
}
