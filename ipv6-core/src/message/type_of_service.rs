//! `IP_TOS`: the type of service of an IPv4 packet, which is its DSCP and its ECN bits (RFC 2474, RFC 3168).
//!
//! ```text
//!  0               1              0                              4
//!  +---------------+              +------------------------------+
//!  |type of service|              |       type of service        |   int, host order
//!  +---------------+              +------------------------------+
//!   Linux and FreeBSD              Apple and Windows
//! ```

use super::int;
use super::kind::{Control, ControlMessage, DecodeError, SendMessage};
use crate::abi::{ControlNumber, Platform};

/// The type of service of an IPv4 packet on a dual-stack socket: DSCP and ECN (`IP_TOS`).
///
/// Linux and Windows, received and to send. FreeBSD and Apple's systems take it to send, and deliver
/// [`TrafficClass`](super::TrafficClass) for IPv4 too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "IP_TOS")]
pub struct TypeOfService(pub u8);

impl<P: Platform> ControlMessage<P> for TypeOfService {
    type Value<'a> = Self;
    const NAME: &'static str = "IP_TOS";
    const NUMBER: Option<ControlNumber> = P::ABI.control.type_of_service;

    #[inline]
    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        match data {
            [byte] => Ok(Self(*byte)),
            _ => int::decode::<u8, P>(Control::of::<Self, P>(), data).map(Self),
        }
    }
}

/// One byte or an `int`.
struct Data {
    bytes: [u8; 4],
    len: usize,
}

impl AsRef<[u8]> for Data {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl<P: Platform> SendMessage<P> for TypeOfService {
    #[inline]
    fn encode(&self) -> impl AsRef<[u8]> {
        match const { <Self as ControlMessage<P>>::NUMBER } {
            Some(ControlNumber { size: 1, .. }) => Data { bytes: [self.0, 0, 0, 0], len: 1 },
            _ => Data { bytes: int::encode::<P>(self.0), len: 4 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Apple, FreeBsd64, Linux64, Linux64Be, Windows64};
    use crate::cmsg::RawMessages;
    use crate::message::Messages;

    // Scar 20 (quic-go#4106, quic-go#4396): FreeBSD takes exactly one byte; Linux delivers one.
    #[test]
    fn linux_and_freebsd_have_one_byte() {
        //  len 17 = 16 + 1             level 0      type 1      0xb9  padding
        let linux = [17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0xb9, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Messages::<Linux64, 24>::new().with(TypeOfService(0xb9)).unwrap().as_bytes(), linux);
        assert_eq!(RawMessages::<Linux64>::new(&linux).get::<TypeOfService>(), Ok(Some(TypeOfService(0xb9))));
        let big = [0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0, 1, 0xb9, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Messages::<Linux64Be, 24>::new().with(TypeOfService(0xb9)).unwrap().as_bytes(), big);
        //  len 17 = 16 + 1 level 0     type 3      padding     0xb9  padding
        let freebsd = [17, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0xb9, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Messages::<FreeBsd64, 24>::new().with(TypeOfService(0xb9)).unwrap().as_bytes(), freebsd);
    }

    #[test]
    fn apple_and_windows_have_an_int() {
        //  len 16 = 12 + 4 level 0     type 3      0xb9
        let apple = [16, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0xb9, 0, 0, 0];
        assert_eq!(Messages::<Apple, 16>::new().with(TypeOfService(0xb9)).unwrap().as_bytes(), apple);
        //  len 20 = 16 + 4             level 0      type 3      0xb9           padding
        let windows = [20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0xb9, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Messages::<Windows64, 24>::new().with(TypeOfService(0xb9)).unwrap().as_bytes(), windows);
        let got = RawMessages::<Windows64>::new(&windows).get::<TypeOfService>();
        assert_eq!(got, Ok(Some(TypeOfService(0xb9))));
    }

    #[test]
    fn one_byte_and_an_int_are_read_and_any_other_size_is_an_error() {
        for class in [0, 1, 0xe0, 0xff] {
            let read = Ok(TypeOfService(class));
            assert_eq!(<TypeOfService as ControlMessage<Linux64Be>>::decode(&[class]), read);
            assert_eq!(<TypeOfService as ControlMessage<Linux64Be>>::decode(&[0, 0, 0, class]), read);
        }
        for len in [0, 2, 3, 5, 8] {
            let error = DecodeError::Width { control: Control::TypeOfService, len, expected: 4 };
            assert_eq!(<TypeOfService as ControlMessage<Linux64>>::decode(&[0; 8][..len]), Err(error));
        }
    }
}
