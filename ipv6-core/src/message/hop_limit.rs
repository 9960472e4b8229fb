//! `IPV6_HOPLIMIT`: the hop limit, an `int` from 0 to 255 (RFC 3542 section 6.3).
//!
//! ```text
//!  0               4
//!  +---------------+
//!  |   hop limit   |   int, host order
//!  +---------------+
//! ```

use super::int;
use super::kind::{Control, ControlMessage, DecodeError, SendMessage};
use crate::abi::{ControlNumber, Platform};

/// The hop limit of a packet (`IPV6_HOPLIMIT`, RFC 3542 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "IPV6_HOPLIMIT")]
pub struct HopLimit(pub u8);

impl<P: Platform> ControlMessage<P> for HopLimit {
    type Value<'a> = Self;
    const NAME: &'static str = "IPV6_HOPLIMIT";
    const NUMBER: Option<ControlNumber> = P::ABI.control.hop_limit;

    #[inline]
    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        int::decode::<u8, P>(Control::of::<Self, P>(), data).map(Self)
    }
    /// -1 leaves the choice to the system.
    fn decode_sent(data: &[u8]) -> Result<Option<Self>, DecodeError> {
        int::decode_unless_default::<P>(Control::of::<Self, P>(), data).map(|value| value.map(Self))
    }
}

impl<P: Platform> SendMessage<P> for HopLimit {
    #[inline(always)]
    fn encode(&self) -> impl AsRef<[u8]> {
        int::encode::<P>(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux32Be, Linux64, Linux64Be};
    use crate::cmsg::RawMessages;
    use crate::message::Messages;

    //  len 20 = 16 + 4 level 41      type 52       255      padding
    const BIG: [u8; 24] = [0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0, 255, 0, 0, 0, 0];
    //  len 16 = 12 + 4 level 41      type 52       255: no padding
    const BIG_32: [u8; 16] = [0, 0, 0, 16, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0, 255];

    #[test]
    fn it_is_an_int_in_the_byte_order_of_the_platform() {
        assert_eq!(Messages::<Linux64Be, 24>::new().with(HopLimit(255)).unwrap().as_bytes(), BIG);
        assert_eq!(RawMessages::<Linux64Be>::new(&BIG).get::<HopLimit>(), Ok(Some(HopLimit(255))));
        assert_eq!(Messages::<Linux32Be, 16>::new().with(HopLimit(255)).unwrap().as_bytes(), BIG_32);
        assert_eq!(RawMessages::<Linux32Be>::new(&BIG_32).get::<HopLimit>(), Ok(Some(HopLimit(255))));
    }

    #[test]
    fn data_of_another_size_is_an_error() {
        for len in [0, 1, 2, 3, 5, 8] {
            let error = DecodeError::Width { control: Control::HopLimit, len, expected: 4 };
            assert_eq!(<HopLimit as ControlMessage<Linux64>>::decode(&[0; 8][..len]), Err(error));
        }
    }
}
