//! Many messages in one system call: `sendmmsg(2)` and `recvmmsg(2)` over the caller's storage.
//!
//! Linux, NetBSD and OpenBSD have these calls. Elsewhere the messages go and come one by one, and everything else here is
//! the same.
//!
//! The storage is one [`BatchHeader`] and one [`RecvSlot`] or [`SendSlot`] for each message, in vectors that the
//! caller makes once and uses again, or in arrays of a fixed size ([`RecvArray`], [`SendArray`]). Each call writes all
//! that the kernel reads, so nothing that the kernel left in them matters, and they may move between calls. (What
//! [`receive`] says of errors is the exception.)
//!
//! ```
//! use ipv6_core::{ControlFlags, SendControl};
//! use ipv6_sys::batch::{Coalesce, Outgoing, RecvArray, SendArray};
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
//! let mut batch = SendArray::<8, SENT>::new(); // no allocator, and here on the stack
//! let sent = batch.send(&receiver, &messages, Coalesce::NONE, MessageFlags::empty()).unwrap();
//! assert_eq!(sent, 2);
//!
//! let (mut batch, mut payloads) = (RecvArray::<8, RECEIVED>::new(), [[0; 16]; 8]);
//! let received = batch.receive(&receiver, &mut payloads, MessageFlags::WAIT_FOR_ONE)?;
//! assert_eq!(received.len(), 2);
//! assert_eq!(&payloads[1][..received[1].arrival().len], b"two");
//! # Ok::<(), ipv6_sys::Error>(())
//! ```

use core::fmt;
use core::net::SocketAddrV6;

use ipv6_core::abi::Platform;
use ipv6_core::{EncodeError, SendControl, sockaddr};

use crate::error::Errno;
use crate::fd::AsFd;
use crate::host::Host;
use crate::message::{Arrival, Caller, ControlBuffer, ControlBytes, IoSlice, IoSliceMut, PeerName};
use crate::os;

/// Messages that one system call takes at most; of more, the first so many are meant.
pub const MAX: usize = 1024;

// The systems that have the calls; the file says which. (FreeBSD's are loops of its library, which loses what the system
// told it once. `one_by_one` is for testing the other file where batches can be tested: scripts/test-one-by-one.)
#[cfg(all(
    any(target_os = "linux", target_os = "android", target_os = "netbsd", target_os = "openbsd"),
    not(one_by_one)
))]
#[path = "mmsg.rs"]
mod calls;
#[cfg(not(all(
    any(target_os = "linux", target_os = "android", target_os = "netbsd", target_os = "openbsd"),
    not(one_by_one)
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
    name: PeerName,
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
            name: PeerName::new(),
            control: ControlBuffer::new(),
            part: Part::new(),
            len: 0,
            name_len: 0,
            control_len: 0,
            flags: 0,
        }
    }

    /// The message that the latest [`receive`] put here.
    #[inline]
    pub fn arrival(&self) -> Arrival<'_> {
        // SAFETY: `name_len` bytes were written by the kernel in the call that set it.
        let name = unsafe { self.name.written(self.name_len) };
        // SAFETY: `control_len` bytes were written by the kernel in the call that set it.
        let control = unsafe { self.control.written(self.control_len) };
        Arrival { len: self.len, flags: self.flags, name, control }
    }

    /// Makes `header` receive into this slot and this payload.
    fn fill(&mut self, header: &mut os::Header, payload: &mut impl Room) {
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

    /// To be sent: the system reads the bytes and writes nothing to them.
    fn set(&mut self, bytes: &[u8]) {
        self.0 = os::part(bytes.as_ptr().cast_mut(), bytes.len());
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
/// `i`-th into `payloads[i]`, with [`slots[i].arrival()`](RecvSlot::arrival) about it. Says how many
/// came.
///
/// With [`MessageFlags::WAIT_FOR_ONE`](crate::message::MessageFlags::WAIT_FOR_ONE) it waits for one and takes what else is there; without, it waits
/// for all.
///
/// # Errors
///
/// As with [`message::receive`](crate::message::receive), when not a single message came. What fails
/// after the first is reported by the next call. Where messages come one by one, the first of `headers` keeps it: new
/// headers forget it, as another socket's with the same number is to.
#[doc(alias = "recvmmsg")]
#[doc(alias = "ReadBatch")]
pub fn receive<const C: usize, K: Caller>(
    socket: impl AsFd,
    headers: &mut [BatchHeader],
    slots: &mut [RecvSlot<C>],
    payloads: &mut [impl Room],
    caller: K,
) -> Result<usize, K::Error> {
    calls::receive(socket.as_fd(), headers, slots, payloads, caller)
}

/// The payload of one message of a batch to send.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// As it is.
    Whole(&'a [u8]),
    /// Several buffers, one after another, at most 1,024.
    Parts(&'a [IoSlice<'a>]),
}

impl Payload<'_> {
    /// Its bytes.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::Parts(parts) => parts.iter().map(|part| part.len()).sum(),
        }
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Storage for receiving up to `N` messages at once, without an allocator: each with `C` bytes of control messages.
#[derive(Debug)]
pub struct RecvArray<const N: usize, const C: usize> {
    headers: [BatchHeader; N],
    slots: [RecvSlot<C>; N],
}

impl<const N: usize, const C: usize> RecvArray<N, C> {
    /// Room without messages.
    pub const fn new() -> Self {
        Self { headers: [const { BatchHeader::new() }; N], slots: [const { RecvSlot::new() }; N] }
    }

    /// Receives as [`receive`] does, and gives the slots of the messages that came.
    ///
    /// # Errors
    ///
    /// Those of [`receive`].
    pub fn receive<K: Caller>(
        &mut self,
        socket: impl AsFd,
        payloads: &mut [impl Room],
        caller: K,
    ) -> Result<&[RecvSlot<C>], K::Error> {
        let count = receive(socket, &mut self.headers, &mut self.slots, payloads, caller)?;
        Ok(self.slots.get(..count).unwrap_or(&self.slots))
    }
}

impl<const N: usize, const C: usize> Default for RecvArray<N, C> {
    fn default() -> Self {
        Self::new()
    }
}

/// Storage for sending up to `N` messages at once, or `N` runs of messages that go as one, without an allocator: each
/// with `C` bytes of control messages.
#[derive(Debug)]
pub struct SendArray<const N: usize, const C: usize> {
    headers: [BatchHeader; N],
    slots: [SendSlot<C>; N],
    parts: [Part; N],
}

impl<const N: usize, const C: usize> SendArray<N, C> {
    /// Room without messages.
    pub const fn new() -> Self {
        Self {
            headers: [const { BatchHeader::new() }; N],
            slots: [const { SendSlot::new() }; N],
            parts: [const { Part::new() }; N],
        }
    }

    /// Sends as [`send`] does.
    ///
    /// # Errors
    ///
    /// Those of [`send`].
    pub fn send<'a, K: Caller>(
        &mut self,
        socket: impl AsFd,
        messages: &'a [Outgoing<'a>],
        coalesce: Coalesce,
        caller: K,
    ) -> Result<usize, SendError<K::Error>> {
        let Self { headers, slots, parts } = self;
        send(socket, SendStorage { headers, slots, parts }, messages, coalesce, caller)
    }
}

impl<const N: usize, const C: usize> Default for SendArray<N, C> {
    fn default() -> Self {
        Self::new()
    }
}

/// Room for the payload of one message that is received: a buffer, or several ([`Vectored`]).
pub trait Room: sealed::Room {}

impl<T: AsMut<[u8]>> Room for T {}
impl Room for Vectored<'_, '_> {}

/// Several buffers for one payload, filled one after another.
#[derive(Debug)]
pub struct Vectored<'a, 'b>(&'a mut [IoSliceMut<'b>]);

impl<'a, 'b> Vectored<'a, 'b> {
    /// These buffers; the system takes 1,024 at most.
    pub const fn new(parts: &'a mut [IoSliceMut<'b>]) -> Self {
        Self(parts)
    }
}

mod sealed {
    use super::{Part, Vectored};
    use crate::os;

    pub trait Room {
        /// Where the parts are and how many: `own` is one of this message's own.
        fn parts(&mut self, own: &mut Part) -> (*mut os::Part, usize);

        /// Fills it from a payload, as far as there is room, and says how far.
        fn fill(&mut self, payload: &[u8]) -> usize;
    }

    impl<T: AsMut<[u8]>> Room for T {
        #[inline(always)]
        fn parts(&mut self, own: &mut Part) -> (*mut os::Part, usize) {
            let payload = self.as_mut();
            own.0 = os::part(payload.as_mut_ptr(), payload.len());
            (&raw mut own.0, 1)
        }

        #[inline]
        fn fill(&mut self, payload: &[u8]) -> usize {
            copy(self.as_mut(), payload)
        }
    }

    impl Room for Vectored<'_, '_> {
        fn parts(&mut self, _: &mut Part) -> (*mut os::Part, usize) {
            // `IoSliceMut` has the layout of `Part`, as its documentation promises.
            (self.0.as_mut_ptr().cast(), self.0.len())
        }

        fn fill(&mut self, payload: &[u8]) -> usize {
            let mut rest = payload;
            for part in self.0.iter_mut() {
                let used = copy(part, rest);
                rest = rest.get(used..).unwrap_or_default();
            }
            payload.len() - rest.len()
        }
    }

    /// Copies as much as there is room for, and says how much.
    #[inline]
    fn copy(to: &mut [u8], from: &[u8]) -> usize {
        let len = to.len().min(from.len());
        if let (Some(to), Some(from)) = (to.get_mut(..len), from.get(..len)) {
            to.copy_from_slice(from);
        }
        len
    }
}

/// Fills a room from a payload that came with others, as far as there is room, and says how far.
#[inline]
pub fn fill(room: &mut impl Room, payload: &[u8]) -> usize {
    room.fill(payload)
}

/// One message of a batch to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The payload.
    pub payload: Payload<'a>,
    /// What is to go with it.
    pub control: SendControl<'a>,
    /// Where to; `None` for the peer of a connected socket.
    pub to: Option<SocketAddrV6>,
}

impl<'a> Outgoing<'a> {
    /// A message.
    pub const fn new(payload: &'a [u8], control: SendControl<'a>, to: Option<SocketAddrV6>) -> Self {
        Self { payload: Payload::Whole(payload), control, to }
    }

    /// A message made of several buffers, one after another.
    pub const fn vectored(
        payload: &'a [IoSlice<'a>],
        control: SendControl<'a>,
        to: Option<SocketAddrV6>,
    ) -> Self {
        Self { payload: Payload::Parts(payload), control, to }
    }
}

/// What becomes of the port of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// It is sent.
    Sent,
    /// It is 0 for the system, which wants to see no other on raw sockets.
    Zero,
}

impl Ports {
    /// The destination as the system wants to see it.
    #[inline(always)]
    pub fn of(self, to: &SocketAddrV6) -> SocketAddrV6 {
        let port = match self {
            Self::Sent => to.port(),
            Self::Zero => 0,
        };
        SocketAddrV6::new(*to.ip(), port, to.flowinfo(), to.scope_id())
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
    messages: usize,
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
    fn fill(
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

/// The storage of a batch to send.
#[derive(Debug)]
pub struct SendStorage<'s, const C: usize> {
    /// One for each message, or several that go as one.
    pub headers: &'s mut [BatchHeader],
    /// Likewise.
    pub slots: &'s mut [SendSlot<C>],
    /// One for each buffer of messages that go as one: so many do at most.
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
    send_if(socket, storage, messages, |_| Some(Ports::Sent), coalesce, caller)
}

/// As [`send`], where `accept` says what a message's port means; with `None` it ends the batch before the message. It
/// is asked of messages that go alone, and of the first of those that go as one, which have the same destination and
/// control.
///
/// # Errors
///
/// Those of [`send`].
#[inline]
pub fn send_if<'a, const C: usize, K: Caller>(
    socket: impl AsFd,
    storage: SendStorage<'_, C>,
    messages: &'a [Outgoing<'a>],
    accept: impl FnMut(&Outgoing<'a>) -> Option<Ports>,
    coalesce: Coalesce,
    caller: K,
) -> Result<usize, SendError<K::Error>> {
    calls::send(socket.as_fd(), storage, messages, accept, coalesce, caller)
}
