//! Control messages to send, encoded in a buffer of fixed size.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

use super::encoded::{About, Encoded, may_be_sent};
use super::kind::{Control, EncodeError, SendMessage};
use crate::abi::{ControlNumber, Platform};
use crate::cmsg::{RawMessages, Writer};

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
    about: About,
    used: usize,
    bytes: [u8; N],
    platform: PhantomData<fn() -> P>,
}

impl<P: Platform, const N: usize> Messages<P, N> {
    /// Creates a value without messages.
    #[must_use]
    pub const fn new() -> Self {
        Self { about: About::whole::<P>(), used: 0, bytes: [0; N], platform: PhantomData }
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
        let used = self.used;
        let mut writer = Writer::<P>::new(self.bytes.get_mut(used..).unwrap_or_default());
        writer.push_data(control, number, data).map_err(|error| match error {
            EncodeError::BufferTooSmall { needed, .. } => {
                EncodeError::BufferTooSmall { needed: used.saturating_add(needed), available: N }
            }
            other => other,
        })?;
        self.used = used.saturating_add(writer.finish());
        if let Some(number) = number {
            self.about.add::<P>(control, number, data);
        }
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
        (self.used, self.about) = (0, About::whole::<P>());
    }

    /// Returns whether there is no message.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Returns the encoded messages.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self.bytes.split_at_checked(self.used) {
            Some((bytes, _)) => bytes,
            None => &[],
        }
    }

    pub(crate) const fn encoded(&self) -> Encoded<'_> {
        Encoded::new(self.as_bytes(), &self.about)
    }
}

// Not derived: that would ask the platform to be `Clone`.
impl<P, const N: usize> Clone for Messages<P, N> {
    fn clone(&self) -> Self {
        Self { about: self.about, used: self.used, bytes: self.bytes, platform: PhantomData }
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

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

    use super::*;
    use crate::abi::{FreeBsd32, FreeBsd32On64, Linux32, Linux64, Linux64Be};
    use crate::message::encoded::Family;
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
        assert_eq!(messages.encoded().append::<Linux64, _>(&mut room, 8, Family::Ipv6), Ok(32));
        assert_eq!(room[8..32], *messages.as_bytes());
        assert_eq!(
            messages.encoded().append::<Linux64Be, _>(&mut room, 0, Family::Ipv6),
            Err(EncodeError::Platform)
        );
        assert_eq!(
            messages.encoded().append::<Linux32, _>(&mut room, 0, Family::Ipv6),
            Err(EncodeError::Platform)
        );
        // The same control messages with the same layout: only group requests differ.
        let alike = Messages::<FreeBsd32, 64>::new().with(HopLimit(7)).unwrap();
        assert_eq!(alike.encoded().append::<FreeBsd32On64, _>(&mut room, 0, Family::Ipv6), Ok(16));
        let too_small = EncodeError::BufferTooSmall { needed: 32, available: 31 };
        assert_eq!(messages.encoded().append::<Linux64, _>(&mut room[..31], 8, Family::Ipv6), Err(too_small));
    }

    #[test]
    fn messages_are_compared_by_what_they_send() {
        let hash = |messages: &List| BuildHasherDefault::<DefaultHasher>::default().hash_one(messages);
        let one = List::new().with(HopLimit(7)).unwrap();
        assert!(!one.is_empty());
        let mut same = List::new().with(HopLimit(8)).unwrap();
        assert!(one != same && hash(&one) != hash(&same));
        same.clear();
        same.push(&HopLimit(7)).unwrap();
        assert!(one == same && hash(&one) == hash(&same));
    }
}
