//! Many messages in one system call: `sendmmsg(2)` and `recvmmsg(2)` over the caller's storage.
//!
//! Linux, FreeBSD, NetBSD and OpenBSD have these calls. Elsewhere the messages go and come one by one, and
//! everything else here is the same.
//!
//! The storage is one [`BatchHeader`] and one [`RecvSlot`] or [`SendSlot`] for each message, in arrays or
//! vectors that the caller makes once and uses again. Each call writes all that the kernel reads, so
//! nothing that the kernel left in them matters, and they may move between calls.
//!
//! ```
//! use ipv6_core::{ControlFlags, SendControl};
//! use ipv6_sys::batch::{self, BatchHeader, Coalesce, Outgoing, Part, RecvSlot, SendSlot, SendStorage};
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
//! let mut parts = [const { Part::new() }; 8];
//! let storage = SendStorage { headers: &mut headers, slots: &mut slots, parts: &mut parts };
//! let sent = batch::send(&receiver, storage, &messages, Coalesce::NONE, MessageFlags::empty()).unwrap();
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
use core::net::SocketAddrV6;

use ipv6_core::abi::Platform;
use ipv6_core::{DecodeError, EncodeError, RecvControl, SendControl, sockaddr};

use crate::error::Errno;
use crate::fd::AsFd;
use crate::host::Host;
use crate::message::{self, Caller, ControlBuffer, ControlBytes, Name, Received};
use crate::os;

/// Messages that one system call takes at most; of more, the first so many are meant.
pub const MAX: usize = 1024;

// The systems whose libraries have the calls; the file says which.
#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd"
))]
#[path = "mmsg.rs"]
mod calls;
#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd"
)))]
#[path = "single.rs"]
mod calls;

pub use calls::BatchHeader;
pub(crate) use calls::MSG_WAITFORONE;

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
    name_len: os::NameLen,
    control_len: usize,
    flags: i32,
}

impl<const C: usize> RecvSlot<C> {
    /// Room without a message.
    pub const fn new() -> Self {
        Self {
            name: Name::uninit(),
            control: ControlBuffer::new(),
            part: Part::new(),
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
        message::decode(self.control(), self.flags & os::MSG_CTRUNC != 0)
    }

    /// Makes `header` receive into this slot and this payload.
    fn fill(&mut self, header: &mut os::Header, payload: &mut [u8]) {
        *header = os::header();
        self.part = Part(os::part(payload.as_mut_ptr(), payload.len()));
        os::set_name(header, self.name.as_mut_ptr().cast(), size_of::<Name>());
        os::set_payload(header, &raw mut self.part.0, 1);
        os::set_control(header, self.control.as_mut_ptr(), C);
    }

    /// Takes over what the kernel said of the message.
    ///
    /// # Safety
    ///
    /// The kernel has just received into `header`, which this slot [filled](Self::fill).
    unsafe fn take(&mut self, header: &os::Header, len: usize) {
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

/// Where one message's payload is, between the call that sets it and the kernel. Its content matters to no one
/// between calls.
#[repr(transparent)]
pub struct Part(os::Part);

impl Part {
    /// No payload.
    pub const fn new() -> Self {
        Self(os::part(core::ptr::null_mut(), 0))
    }
}

impl Default for Part {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").finish_non_exhaustive()
    }
}

// SAFETY: as with `BatchHeader`: the pointer is written and used within one call.
unsafe impl Send for Part {}
// SAFETY: nothing can be read through a `&Part`.
unsafe impl Sync for Part {}

/// Receives as many messages as there are headers, slots and payload buffers (at most [`MAX`]): the
/// `i`-th into `payloads[i]`, with [`slots[i].received()`](RecvSlot::received) about it. Says how many
/// came.
///
/// With [`MessageFlags::WAIT_FOR_ONE`](message::MessageFlags::WAIT_FOR_ONE) it waits for one and takes what else is there; without, it waits
/// for all.
///
/// # Errors
///
/// As with [`message::receive`], when not a single message came. What fails
/// after the first is reported by the next call.
#[doc(alias = "recvmmsg")]
#[doc(alias = "ReadBatch")]
pub fn receive<const C: usize, K: Caller>(
    socket: impl AsFd,
    headers: &mut [BatchHeader],
    slots: &mut [RecvSlot<C>],
    payloads: &mut [impl AsMut<[u8]>],
    caller: K,
) -> Result<usize, K::Error> {
    calls::receive(socket.as_fd(), headers, slots, payloads, caller)
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

/// Room for what is sent beside the payload of one message, or of several that go as one: destination and `C`
/// bytes of control messages. [`SendControl::max_space`] is enough for any.
#[derive(Debug)]
pub struct SendSlot<const C: usize> {
    name: [u8; sockaddr::MAX_SIZE],
    control: ControlBytes<C>,
    /// How many messages the latest call put together here.
    messages: usize,
}

impl<const C: usize> SendSlot<C> {
    /// Room without a message.
    pub const fn new() -> Self {
        Self { name: [0; sockaddr::MAX_SIZE], control: ControlBytes::new(), messages: 0 }
    }

    /// How many messages the latest call put together here.
    pub fn messages(&self) -> usize {
        self.messages
    }

    /// Makes `header` send so many messages like `first` to `to`. Their payloads are set later.
    fn fill(
        &mut self,
        header: &mut os::Header,
        first: &Outgoing<'_>,
        to: Option<&SocketAddrV6>,
        messages: usize,
    ) -> Result<(), EncodeError> {
        let mut control = first.control;
        if messages > 1 {
            control.segment_size = u16::try_from(first.payload.len()).ok();
        }
        let used = self.control.encode(&control)?.len();
        *header = os::header();
        if let Some(to) = to {
            self.name = sockaddr::encode::<Host>(to);
            os::set_name(header, self.name.as_mut_ptr(), Host::ABI.sockaddr.size);
        }
        os::set_control(header, self.control.as_mut_ptr(), used);
        self.messages = messages;
        Ok(())
    }
}

/// What a batch may put together: messages of at most `max_size` bytes each, and at most `max_segments` of them.
/// [`Coalesce::NONE`] leaves every message alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coalesce {
    /// How many messages may go as one: Linux takes 64, since 6.9 (`UDP_MAX_SEGMENTS`) 128.
    pub max_segments: usize,
    /// Bytes of the longest that may: what a packet of the device carries.
    pub max_size: usize,
}

impl Coalesce {
    /// Nothing goes together.
    pub const NONE: Self = Self { max_segments: 1, max_size: 0 };
}

/// The storage of a batch to send: at most as many messages as `parts` go, in as many calls' worth of `headers` and
/// `slots` as they need.
#[derive(Debug)]
pub struct SendStorage<'s, const C: usize> {
    /// One for each message, or several that go as one.
    pub headers: &'s mut [BatchHeader],
    /// Likewise.
    pub slots: &'s mut [SendSlot<C>],
    /// One for each message.
    pub parts: &'s mut [Part],
}

impl<const C: usize> Default for SendSlot<C> {
    fn default() -> Self {
        Self::new()
    }
}

/// Why not a single message of a batch was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError<E = Errno> {
    /// The first message's control cannot be encoded.
    Control(EncodeError),
    /// The system refused the first message: what the caller made of that.
    Os(E),
}

impl<E: fmt::Display> fmt::Display for SendError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Control(error) => error.fmt(f),
            Self::Os(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for SendError<E> {}

/// Sends the messages in order, as many as there is storage for (at most [`MAX`]), and says how many went. A
/// message that fails ends the batch: those before it are sent, and counted.
///
/// Runs of messages that the system can take as one go as one, as far as `coalesce` allows.
///
/// # Errors
///
/// [`SendError`] when the first message fails: sending the rest again after a count below the number
/// of messages tells what was wrong. When several went as one ([`slots[0].messages()`](SendSlot::messages)), it may
/// be that the device refuses that.
#[doc(alias = "sendmmsg")]
#[doc(alias = "WriteBatch")]
pub fn send<'a, const C: usize, K: Caller>(
    socket: impl AsFd,
    storage: SendStorage<'_, C>,
    messages: &'a [Outgoing<'a>],
    coalesce: Coalesce,
    caller: K,
) -> Result<usize, SendError<K::Error>> {
    send_to(socket, storage, messages, |message| Some(message.to), coalesce, caller)
}

/// As [`send`], to where `destination` says; with `None` it ends the batch before a message. It is asked of messages
/// that go alone, and of the first of those that go as one, which have the same destination and control.
///
/// # Errors
///
/// Those of [`send`].
#[inline]
pub fn send_to<'a, const C: usize, K: Caller>(
    socket: impl AsFd,
    storage: SendStorage<'_, C>,
    messages: &'a [Outgoing<'a>],
    destination: impl FnMut(&Outgoing<'a>) -> Option<Option<SocketAddrV6>>,
    coalesce: Coalesce,
    caller: K,
) -> Result<usize, SendError<K::Error>> {
    calls::send(socket.as_fd(), storage, messages, destination, coalesce, caller)
}
