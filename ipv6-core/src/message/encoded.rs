//! Messages to send that are encoded already, for any platform.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::net::Ipv6Addr;

use super::kind::{Control, EncodeError};
use crate::abi::{CmsgLayout, ControlNumber, Endian, PacketInfoMessage, Platform};
use crate::cmsg::{self, Byte};
use crate::wire;

/// Encoded messages: those of a [`Messages`](super::Messages), or a part of a buffer that was read.
#[derive(Clone, Copy)]
pub(crate) struct Encoded<'a> {
    bytes: &'a [u8],
    about: &'a About,
}

/// What must be known of encoded messages to send them.
#[derive(Clone, Copy)]
pub(crate) struct About {
    dialect: Dialect,
    /// The first message that an IPv6 destination cannot have, and the first that an IPv4-mapped one cannot have: kernels
    /// ignore messages of the other family.
    ipv4_only: Option<Control>,
    ipv6_only: Option<Control>,
    content: &'static Content,
}

/// Which of the bytes are to be sent. Pointers, so that a program contains only the functions for what it sends.
pub(crate) struct Content {
    /// Returns the bytes that the messages take.
    pub(crate) len: fn(&[u8]) -> usize,
    /// Writes the messages, if the destination can have them, and returns how many bytes of the buffer are used then.
    pub(crate) append: fn(&Encoded<'_>, To<'_>) -> Result<usize, EncodeError>,
    /// Returns the first part to send at or after an offset.
    pub(crate) part: fn(&[u8], usize) -> Option<Part>,
}

/// A part of the bytes that is sent as it is, and then padding of zeros.
pub(crate) struct Part {
    pub(crate) start: usize,
    pub(crate) len: usize,
    pub(crate) padding: usize,
}

/// All bytes.
static WHOLE: Content = Content {
    len: |bytes| bytes.len(),
    append: append_whole,
    part: |bytes, from| (from < bytes.len()).then_some(Part { start: 0, len: bytes.len(), padding: 0 }),
};

/// The buffer to write to.
pub(crate) struct To<'t> {
    dialect: &'static Dialect,
    used: usize,
    available: usize,
    pub(crate) destination: Family,
    /// Writes bytes at an offset.
    pub(crate) put: &'t mut dyn FnMut(usize, &[u8]),
}

/// The family of a destination.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Ipv6,
    /// An IPv4-mapped address.
    Ipv4,
}

impl About {
    /// No messages for platform `P` yet.
    pub(crate) const fn whole<P: Platform>() -> Self {
        Self::new::<P>(&WHOLE)
    }

    /// Messages of platform `P`.
    pub(crate) const fn new<P: Platform>(content: &'static Content) -> Self {
        Self { dialect: const { Dialect::of::<P>() }, ipv4_only: None, ipv6_only: None, content }
    }

    /// Notes the family of a message.
    pub(crate) fn add<P: Platform>(&mut self, control: Control, number: ControlNumber, data: &[u8]) {
        match family::<P>(number, data) {
            Some(Family::Ipv4) => self.ipv4_only.get_or_insert(control),
            Some(Family::Ipv6) => self.ipv6_only.get_or_insert(control),
            None => return,
        };
    }
}

fn append_whole(encoded: &Encoded<'_>, to: To<'_>) -> Result<usize, EncodeError> {
    match (to.destination, encoded.about.ipv4_only, encoded.about.ipv6_only) {
        (Family::Ipv6, Some(control), _) => return Err(EncodeError::Ipv4Only(control)),
        (Family::Ipv4, _, Some(control)) => return Err(EncodeError::Ipv6Only(control)),
        _ => {}
    }
    let (start, end) = encoded.place(&to)?;
    (to.put)(start, encoded.bytes);
    Ok(end)
}

/// The family of the destinations that a message can be sent to; `None` for both.
pub(crate) fn family<P: Platform>(number: ControlNumber, data: &[u8]) -> Option<Family> {
    match number.level {
        IPPROTO_IP => Some(Family::Ipv4),
        IPPROTO_IPV6 if is_mapped_info::<P>(number, data) => Some(Family::Ipv4),
        IPPROTO_IPV6 => Some(Family::Ipv6),
        _ => None,
    }
}

/// The levels of the messages of each family, on every system.
const IPPROTO_IP: i32 = 0;
const IPPROTO_IPV6: i32 = 41;

/// Whether safe code may send the message. The levels of the Internet protocols are their protocol numbers. Other
/// protocol families have messages that hold pointers (`RDS_CMSG_RDMA_ARGS`), and `SCM_RIGHTS` passes descriptors by
/// their numbers. `SOL_SOCKET` is 1 or 0xffff. `SCM_RIGHTS` is 1; on Solaris and illumos 0x1010 (sys/socket.h).
pub(crate) const fn may_be_sent(number: ControlNumber) -> bool {
    const SOL_SOCKET: i32 = 0xffff;
    const SCM_RIGHTS: [i32; 2] = [1, 0x1010];
    match number.level {
        1 | SOL_SOCKET => number.kind != SCM_RIGHTS[0] && number.kind != SCM_RIGHTS[1],
        level => 0 <= level && level <= 0xff,
    }
}

/// Whether this is `IPV6_PKTINFO` with an IPv4-mapped source, on a system that takes it for IPv4-mapped destinations.
fn is_mapped_info<P: Platform>(number: ControlNumber, data: &[u8]) -> bool {
    let is_taken = const { matches!(P::ABI.mapped_or_usual().send, PacketInfoMessage::Ipv6) };
    let address = wire::chunk::<16>(data, 0).map(Ipv6Addr::from);
    is_taken
        && Some(number) == const { P::ABI.control.packet_info }
        && address.and_then(|address| address.to_ipv4_mapped()).is_some()
}

/// What the bytes of encoded messages depend on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    endian: Endian,
    cmsg: CmsgLayout,
    /// A hash of the numbers of all messages. The fields above are compared exactly, because another layout could make
    /// bytes of a message's data a message of their own; another number only makes it another message.
    numbers: u32,
}

impl Dialect {
    const fn of<P: Platform>() -> Self {
        let mut numbers = 0x811c_9dc5_u32;
        let mut rows: &[_] = &P::ABI.control.rows();
        while let [(_, number), rest @ ..] = rows {
            let (level, kind) = match number {
                Some(ControlNumber { level, kind, .. }) => (level.cast_unsigned(), kind.cast_unsigned()),
                None => (u32::MAX, u32::MAX),
            };
            // FNV-1a, by words.
            numbers = (numbers ^ level).wrapping_mul(0x0100_0193);
            numbers = (numbers ^ kind).wrapping_mul(0x0100_0193);
            rows = rest;
        }
        Self { endian: P::ABI.endian, cmsg: P::ABI.cmsg, numbers }
    }
}

impl<'a> Encoded<'a> {
    pub(crate) const fn new(bytes: &'a [u8], about: &'a About) -> Self {
        Self { bytes, about }
    }

    /// Returns whether one of the messages has one of these numbers.
    #[cold]
    #[inline(never)]
    pub(crate) fn contains<P: Platform>(&self, numbers: &[Option<ControlNumber>]) -> bool {
        let is_one = |message: cmsg::RawMessage<'_>| numbers.iter().any(|number| message.has(*number));
        cmsg::RawMessages::<P>::new(self.bytes).map_while(Result::ok).any(is_one)
    }

    /// An address that is not 0.
    #[inline(always)]
    pub(crate) fn addr(&self) -> usize {
        self.bytes.as_ptr().addr()
    }

    pub(crate) const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The bytes that are sent.
    fn sent(&self) -> impl Iterator<Item = u8> + use<'a> {
        let (bytes, part, mut from) = (self.bytes, self.about.content.part, 0);
        core::iter::from_fn(move || {
            let Part { start, len, padding } = part(bytes, from)?;
            let end = start.saturating_add(len);
            from = end.saturating_add(padding);
            let sent = bytes.get(start..end).unwrap_or_default();
            Some(sent.iter().copied().chain(core::iter::repeat_n(0, padding)))
        })
        .flatten()
    }

    /// Bytes that the messages take on their platform.
    pub(crate) fn len(&self) -> usize {
        (self.about.content.len)(self.bytes)
    }

    /// Where the messages are written: the start and the end.
    pub(crate) fn place(&self, to: &To<'_>) -> Result<(usize, usize), EncodeError> {
        if self.about.dialect != *to.dialect {
            return Err(EncodeError::Platform);
        }
        let (needed, available) = (to.used.saturating_add(self.len()), to.available);
        if needed > available {
            return Err(EncodeError::BufferTooSmall { needed, available });
        }
        Ok((to.used, needed))
    }

    /// Writes the messages to `to`, behind the first `used` bytes of it, and returns how many bytes are used then.
    #[cold]
    #[inline(never)]
    pub(crate) fn append<P: Platform, B: Byte>(
        &self,
        to: &mut [B],
        used: usize,
        destination: Family,
    ) -> Result<usize, EncodeError> {
        let dialect = const { &Dialect::of::<P>() };
        let available = to.len();
        let put = &mut |at: usize, bytes: &[u8]| cmsg::put(to, at, bytes);
        (self.about.content.append)(self, To { dialect, used, available, destination, put })
    }
}

/// Compares the bytes that are sent: read messages are equal to those of a `Messages` that encodes them.
impl PartialEq for Encoded<'_> {
    fn eq(&self, other: &Self) -> bool {
        let (mut ours, mut others) = (self.sent(), other.sent());
        self.about.dialect == other.about.dialect
            && loop {
                match (ours.next(), others.next()) {
                    (None, None) => break true,
                    (ours, others) if ours != others => break false,
                    _ => {}
                }
            }
    }
}

impl Eq for Encoded<'_> {}

/// Hashes the bytes that are sent only: those of equal messages are equal.
impl Hash for Encoded<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.sent().for_each(|byte| state.write_u8(byte));
        state.write_usize(self.len());
    }
}

impl fmt::Debug for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes.fmt(f)
    }
}
