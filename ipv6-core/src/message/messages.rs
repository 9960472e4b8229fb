//! Control messages to send, encoded in a buffer of fixed size.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::net::Ipv6Addr;

use super::kind::{Control, EncodeError, SendMessage};
use crate::abi::{CmsgLayout, ControlNumber, Endian, PacketInfoMessage, Platform};
use crate::cmsg::{self, Byte, RawMessages, Writer};
use crate::wire;

/// Control messages to send, encoded for platform `P` in `N` bytes of its own memory.
///
/// Fields of the IPv6 header and addresses are fields of [`SendControl`](crate::SendControl); all other messages are
/// sent this way, with [`SendControl::with_messages`](crate::SendControl::with_messages).
///
/// ```
/// use ipv6_core::abi::Linux64;
/// use ipv6_core::message::{HopLimit, Messages, TrafficClass};
///
/// let messages = Messages::<Linux64, 64>::new().with(HopLimit(1))?.with(TrafficClass(0xe0))?;
/// assert_eq!(messages.as_bytes().len(), 48);
/// # Ok::<(), ipv6_core::EncodeError>(())
/// ```
pub struct Messages<P, const N: usize> {
    encoded: Encoded<[u8; N]>,
    platform: PhantomData<fn() -> P>,
}

/// Encoded messages of any platform.
#[derive(Clone)]
pub(crate) struct Encoded<B: ?Sized = [u8]> {
    dialect: Dialect,
    used: usize,
    /// The first message that an IPv6 destination cannot have, and the first that an IPv4-mapped one cannot have: kernels
    /// ignore messages of the other family.
    ipv4_only: Option<Control>,
    ipv6_only: Option<Control>,
    bytes: B,
}

impl<P: Platform, const N: usize> Messages<P, N> {
    /// Creates a value without messages.
    #[must_use]
    pub const fn new() -> Self {
        let dialect = Dialect::of::<P>();
        let encoded = Encoded { dialect, used: 0, ipv4_only: None, ipv6_only: None, bytes: [0; N] };
        Self { encoded, platform: PhantomData }
    }

    /// Appends a message.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Unsupported`] when the platform has no such message, [`EncodeError::BufferTooSmall`] when it does
    /// not fit after the others, and [`EncodeError::Forbidden`] for `SCM_RIGHTS`, and for a message whose level is neither
    /// an Internet protocol nor `SOL_SOCKET`. The messages appended before stay.
    pub fn push<M: SendMessage<P>>(&mut self, message: &M) -> Result<(), EncodeError> {
        self.append(const { Control::of::<M, P>() }, const { M::NUMBER }, message.encode().as_ref())
    }

    /// The same for a message of any type.
    fn append(
        &mut self,
        control: Control,
        number: Option<ControlNumber>,
        data: &[u8],
    ) -> Result<(), EncodeError> {
        if number.is_some_and(|number| !may_be_sent(number)) {
            return Err(EncodeError::Forbidden(control));
        }
        let used = self.encoded.used;
        let mut writer = Writer::<P>::new(self.encoded.bytes.get_mut(used..).unwrap_or_default());
        writer.push_data(control, number, data).map_err(|error| match error {
            EncodeError::BufferTooSmall { needed, .. } => {
                EncodeError::BufferTooSmall { needed: used.saturating_add(needed), available: N }
            }
            other => other,
        })?;
        self.encoded.used = used.saturating_add(writer.finish());
        match number.map(|number| number.level) {
            Some(IPPROTO_IP) => self.encoded.ipv4_only.get_or_insert(control),
            Some(IPPROTO_IPV6) if is_mapped_info::<P>(number, data) => {
                self.encoded.ipv4_only.get_or_insert(control)
            }
            Some(IPPROTO_IPV6) => self.encoded.ipv6_only.get_or_insert(control),
            _ => return Ok(()),
        };
        Ok(())
    }

    /// Returns these messages and one more.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn with(mut self, message: impl SendMessage<P>) -> Result<Self, EncodeError> {
        self.push(&message)?;
        Ok(self)
    }

    /// Removes all messages.
    pub fn clear(&mut self) {
        let encoded = &mut self.encoded;
        (encoded.used, encoded.ipv4_only, encoded.ipv6_only) = (0, None, None);
    }

    /// Returns whether there is no message.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.encoded.used == 0
    }

    /// Returns the encoded messages.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.encoded().bytes()
    }

    pub(crate) const fn encoded(&self) -> &Encoded {
        &self.encoded
    }
}

// Not derived: that would ask the platform to be `Clone`.
impl<P, const N: usize> Clone for Messages<P, N> {
    fn clone(&self) -> Self {
        Self { encoded: self.encoded.clone(), platform: PhantomData }
    }
}

impl<P: Platform, const N: usize> PartialEq for Messages<P, N> {
    fn eq(&self, other: &Self) -> bool {
        self.encoded() == other.encoded()
    }
}

impl<P: Platform, const N: usize> Eq for Messages<P, N> {}

impl<P: Platform, const N: usize> Hash for Messages<P, N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.encoded().hash(state);
    }
}

impl<P: Platform, const N: usize> Default for Messages<P, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Platform, const N: usize> fmt::Debug for Messages<P, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(RawMessages::<P>::new(self.as_bytes()).map_while(Result::ok)).finish()
    }
}

/// The levels of the messages of each family, on every system.
const IPPROTO_IP: i32 = 0;
const IPPROTO_IPV6: i32 = 41;

/// Whether safe code may send the message. The levels of the Internet protocols are their protocol numbers. Other
/// protocol families have messages that hold pointers (`RDS_CMSG_RDMA_ARGS`), and `SCM_RIGHTS` passes descriptors by
/// their numbers. `SOL_SOCKET` is 1 or 0xffff. `SCM_RIGHTS` is 1; on Solaris and illumos 0x1010 (sys/socket.h).
const fn may_be_sent(number: ControlNumber) -> bool {
    const SOL_SOCKET: i32 = 0xffff;
    const SCM_RIGHTS: [i32; 2] = [1, 0x1010];
    match number.level {
        1 | SOL_SOCKET => number.kind != SCM_RIGHTS[0] && number.kind != SCM_RIGHTS[1],
        level => 0 <= level && level <= 0xff,
    }
}

/// Whether this is `IPV6_PKTINFO` with an IPv4-mapped source, on a system that takes it for IPv4-mapped destinations.
fn is_mapped_info<P: Platform>(number: Option<ControlNumber>, data: &[u8]) -> bool {
    let is_taken = const { matches!(P::ABI.mapped_or_usual().send, PacketInfoMessage::Ipv6) };
    let address = wire::chunk::<16>(data, 0).map(Ipv6Addr::from);
    is_taken
        && number == const { P::ABI.control.packet_info }
        && address.and_then(|address| address.to_ipv4_mapped()).is_some()
}

/// What the bytes of encoded messages depend on.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Dialect {
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

impl Encoded {
    /// The encoded messages.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.used).unwrap_or_default()
    }

    /// Writes the messages to `to`, behind the first `used` bytes of it, and returns how many bytes are used then. They are
    /// for an IPv6 destination.
    #[cold]
    #[inline(never)]
    pub(crate) fn append<P: Platform, B: Byte>(
        &self,
        to: &mut [B],
        used: usize,
    ) -> Result<usize, EncodeError> {
        match self.ipv4_only {
            Some(control) => Err(EncodeError::Ipv4Only(control)),
            None => self.append_any::<P, B>(to, used),
        }
    }

    /// The same for an IPv4-mapped destination.
    pub(crate) fn append_mapped<P: Platform, B: Byte>(
        &self,
        to: &mut [B],
        used: usize,
    ) -> Result<usize, EncodeError> {
        match self.ipv6_only {
            Some(control) => Err(EncodeError::Ipv6Only(control)),
            None => self.append_any::<P, B>(to, used),
        }
    }

    fn append_any<P: Platform, B: Byte>(&self, to: &mut [B], used: usize) -> Result<usize, EncodeError> {
        if self.dialect != const { Dialect::of::<P>() } {
            return Err(EncodeError::Platform);
        }
        let (bytes, available) = (self.bytes(), to.len());
        let needed = used.saturating_add(bytes.len());
        let room = to.get_mut(used..needed).ok_or(EncodeError::BufferTooSmall { needed, available })?;
        cmsg::put(room, 0, bytes);
        Ok(needed)
    }
}

impl PartialEq for Encoded {
    fn eq(&self, other: &Self) -> bool {
        self.dialect == other.dialect && self.bytes() == other.bytes()
    }
}

impl Eq for Encoded {}

/// Hashes the bytes only: equal messages have equal bytes.
impl Hash for Encoded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{FreeBsd32, FreeBsd32On64, Linux32, Linux64, Linux64Be};
    use crate::message::{ControlMessage, DecodeError, HopLimit, TrafficClass};

    /// A message with any number and any data, as a program can define it.
    struct Any<const LEVEL: i32, const KIND: i32>(Vec<u8>);

    impl<P: Platform, const LEVEL: i32, const KIND: i32> ControlMessage<P> for Any<LEVEL, KIND> {
        type Value<'a> = Self;
        const NAME: &'static str = "ANY";
        const NUMBER: Option<ControlNumber> = Some(ControlNumber { level: LEVEL, kind: KIND, size: 4 });

        fn decode(data: &[u8]) -> Result<Self, DecodeError> {
            Ok(Self(data.to_vec()))
        }
    }

    impl<P: Platform, const LEVEL: i32, const KIND: i32> SendMessage<P> for Any<LEVEL, KIND> {
        fn encode(&self) -> impl AsRef<[u8]> {
            &self.0
        }
    }

    type List = Messages<Linux64, 64>;

    #[test]
    fn messages_stand_one_after_another() {
        let messages = List::new().with(HopLimit(7)).unwrap().with(Any::<17, 200>(vec![1])).unwrap();
        let read = RawMessages::<Linux64>::new(messages.as_bytes());
        assert_eq!(read.get::<HopLimit>(), Ok(Some(HopLimit(7))));
        assert_eq!(read.get::<Any<17, 200>>().unwrap().unwrap().0, [1]);
        assert_eq!(messages.as_bytes().len(), 48);
        assert!(format!("{messages:?}").contains("level: 17, kind: 200"));
        let mut empty = messages;
        empty.clear();
        assert!(empty.is_empty() && empty.as_bytes().is_empty());
    }

    #[test]
    fn a_message_that_does_not_fit_leaves_the_others() {
        let mut messages = List::new().with(HopLimit(7)).unwrap();
        let error = EncodeError::BufferTooSmall { needed: 80, available: 64 };
        assert_eq!(messages.push(&Any::<41, 200>(vec![0; 40])), Err(error));
        assert_eq!(messages.as_bytes().len(), 24);
        assert_eq!(messages.push(&TrafficClass(1)), Ok(()));
    }

    // Scar 65: SCM_RIGHTS on a socket of AF_UNIX makes a descriptor of its number.
    #[test]
    fn descriptors_and_messages_of_other_families_are_refused() {
        let control = Control::of::<Any<1, 1>, Linux64>();
        let forbidden = EncodeError::Forbidden(control);
        assert_eq!(List::new().push(&Any::<1, 1>(vec![0; 4])), Err(forbidden));
        assert_eq!(List::new().push(&Any::<0xffff, 1>(vec![0; 4])), Err(forbidden));
        // Solaris and illumos.
        assert_eq!(List::new().push(&Any::<0xffff, 0x1010>(vec![0; 4])), Err(forbidden));
        // RDS_CMSG_RDMA_ARGS and ALG_SET_KEY.
        assert_eq!(List::new().push(&Any::<276, 1>(vec![0; 4])), Err(forbidden));
        assert_eq!(List::new().push(&Any::<279, 1>(vec![0; 4])), Err(forbidden));
        assert_eq!(List::new().push(&Any::<-1, 1>(vec![0; 4])), Err(forbidden));
        // SCM_TXTIME, a message of UDP, one of IPv4.
        assert_eq!(List::new().push(&Any::<1, 61>(vec![0; 8])), Ok(()));
        assert_eq!(List::new().push(&Any::<17, 103>(vec![0; 2])), Ok(()));
        assert_eq!(List::new().push(&Any::<0, 1>(vec![0; 4])), Ok(()));
        assert!(forbidden.to_string().contains("unsafe"));
    }

    #[test]
    fn messages_of_another_platform_are_an_error() {
        let messages = List::new().with(HopLimit(7)).unwrap();
        let mut room = [0_u8; 64];
        assert_eq!(messages.encoded().append::<Linux64, _>(&mut room, 8), Ok(32));
        assert_eq!(room[8..32], *messages.as_bytes());
        assert_eq!(messages.encoded().append::<Linux64Be, _>(&mut room, 0), Err(EncodeError::Platform));
        assert_eq!(messages.encoded().append::<Linux32, _>(&mut room, 0), Err(EncodeError::Platform));
        // The same control messages with the same layout: only group requests differ.
        let alike = Messages::<FreeBsd32, 64>::new().with(HopLimit(7)).unwrap();
        assert_eq!(alike.encoded().append::<FreeBsd32On64, _>(&mut room, 0), Ok(16));
        let too_small = EncodeError::BufferTooSmall { needed: 32, available: 31 };
        assert_eq!(messages.encoded().append::<Linux64, _>(&mut room[..31], 8), Err(too_small));
    }
}
