//! `IPV6_TCLASS`: the traffic class, an `int` from 0 to 255 (RFC 3542 section 6.5).
//!
//! ```text
//!  0               4
//!  +---------------+
//!  | traffic class |   int, host order; some versions of macOS deliver a single byte
//!  +---------------+
//! ```

use super::int;
use super::kind::{Control, ControlMessage, DecodeError, SendMessage};
use crate::abi::{ControlNumber, Platform};

/// The traffic class of a packet: DSCP and ECN (`IPV6_TCLASS`, RFC 3542 section 6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "IPV6_TCLASS")]
pub struct TrafficClass(pub u8);

impl<P: Platform> ControlMessage<P> for TrafficClass {
    type Value<'a> = Self;
    const NAME: &'static str = "IPV6_TCLASS";
    const NUMBER: Option<ControlNumber> = P::ABI.control.traffic_class;

    #[inline]
    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        match data {
            [byte] => Ok(Self(*byte)),
            _ => int::decode::<u8, P>(Control::of::<Self, P>(), data).map(Self),
        }
    }
    /// -1 leaves the choice to the system.
    fn decode_sent(data: &[u8]) -> Result<Option<Self>, DecodeError> {
        int::decode_unless_default::<P>(Control::of::<Self, P>(), data).map(|value| value.map(Self))
    }
}

impl<P: Platform> SendMessage<P> for TrafficClass {
    #[inline(always)]
    fn encode(&self) -> impl AsRef<[u8]> {
        int::encode::<P>(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux32, Linux64, Linux64Be};
    use crate::cmsg::RawMessages;
    use crate::message::Messages;

    //  len 20 = 16 + 4             level 41      type 67        0xe0          padding
    const CLASS: [u8; 24] = [20, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 67, 0, 0, 0, 0xe0, 0, 0, 0, 0, 0, 0, 0];
    //  len 16 = 12 + 4  level 41      type 67      0xe0: no padding
    const CLASS_32: [u8; 16] = [16, 0, 0, 0, 41, 0, 0, 0, 67, 0, 0, 0, 0xe0, 0, 0, 0];

    // Scar 21 (libquic#27): a traffic class of one byte is EINVAL on Linux.
    #[test]
    fn it_is_sent_as_an_int() {
        assert_eq!(Messages::<Linux64, 24>::new().with(TrafficClass(0xe0)).unwrap().as_bytes(), CLASS);
        assert_eq!(RawMessages::<Linux64>::new(&CLASS).get::<TrafficClass>(), Ok(Some(TrafficClass(0xe0))));
        assert_eq!(Messages::<Linux32, 16>::new().with(TrafficClass(0xe0)).unwrap().as_bytes(), CLASS_32);
        assert_eq!(
            RawMessages::<Linux32>::new(&CLASS_32).get::<TrafficClass>(),
            Ok(Some(TrafficClass(0xe0)))
        );
    }

    // Scars 19 and 20: macOS delivered one byte, which x/net drops; a byte read as an int is wrong on big-endian
    // (quic-go#5105).
    #[test]
    fn one_byte_is_read_and_any_other_size_is_an_error() {
        for class in [0, 1, 0xe0, 0xff] {
            let read = Ok(TrafficClass(class));
            assert_eq!(<TrafficClass as ControlMessage<Linux64>>::decode(&[class]), read);
            assert_eq!(<TrafficClass as ControlMessage<Linux64Be>>::decode(&[class]), read);
        }
        for len in [0, 2, 3, 5, 8] {
            let error = DecodeError::Width { control: Control::TrafficClass, len, expected: 4 };
            assert_eq!(<TrafficClass as ControlMessage<Linux64>>::decode(&[0; 8][..len]), Err(error));
        }
    }
}
