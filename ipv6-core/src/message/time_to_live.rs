//! `IP_TTL`: the time to live of an IPv4 packet, an `int` (RFC 791 section 3.1).
//!
//! ```text
//!  0               4
//!  +---------------+
//!  | time to live  |   int, host order
//!  +---------------+
//! ```

use super::int;
use super::kind::{Control, ControlMessage, DecodeError, SendMessage};
use crate::abi::{ControlNumber, Platform};

/// The time to live of an IPv4 packet on a dual-stack socket (`IP_TTL`). Received: 0 to 255. To send: 1 to 255; Linux
/// answers `EINVAL` to 0.
///
/// Linux and Windows. FreeBSD delivers it as [`HopLimit`](super::HopLimit), and takes no such message to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "IP_TTL")]
pub struct TimeToLive(pub u8);

impl<P: Platform> ControlMessage<P> for TimeToLive {
    type Value<'a> = Self;
    const NAME: &'static str = "IP_TTL";
    const NUMBER: Option<ControlNumber> = P::ABI.control.time_to_live;

    #[inline]
    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        int::decode::<u8, P>(Control::of::<Self, P>(), data).map(Self)
    }
}

impl<P: Platform> SendMessage<P> for TimeToLive {
    #[inline]
    fn encode(&self) -> impl AsRef<[u8]> {
        int::encode::<P>(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux64, Linux64Be, Windows64};
    use crate::cmsg::RawMessages;
    use crate::message::Messages;

    #[test]
    fn it_is_an_int_in_the_byte_order_of_the_platform() {
        //  len 20 = 16 + 4             level 0      type 2       64           padding
        let little = [20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Messages::<Linux64, 24>::new().with(TimeToLive(64)).unwrap().as_bytes(), little);
        assert_eq!(RawMessages::<Linux64>::new(&little).get::<TimeToLive>(), Ok(Some(TimeToLive(64))));
        let big = [0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 64, 0, 0, 0, 0];
        assert_eq!(Messages::<Linux64Be, 24>::new().with(TimeToLive(64)).unwrap().as_bytes(), big);
        //  type 4
        let windows = [20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(RawMessages::<Windows64>::new(&windows).get::<TimeToLive>(), Ok(Some(TimeToLive(64))));
    }

    #[test]
    fn data_of_another_size_is_an_error() {
        for len in [0, 1, 2, 3, 5, 8] {
            let error = DecodeError::Width { control: Control::TimeToLive, len, expected: 4 };
            assert_eq!(<TimeToLive as ControlMessage<Linux64>>::decode(&[0; 8][..len]), Err(error));
        }
    }
}
