//! `IPV6_DONTFRAG`: whether one packet may be fragmented by this host, an `int` (RFC 3542 section 11.2).

use super::int;
use super::kind::{Control, ControlMessage, DecodeError, SendMessage};
use crate::abi::{ControlNumber, Platform};

/// Whether a sent packet larger than the path MTU is refused instead of fragmented (`IPV6_DONTFRAG`). Sent only: a program
/// probes the path with one packet, and the socket's own setting stays. Linux ignores it for IPv4-mapped destinations. Not on
/// Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "IPV6_DONTFRAG")]
pub struct DontFragment(pub bool);

impl<P: Platform> ControlMessage<P> for DontFragment {
    type Value<'a> = Self;
    const NAME: &'static str = "IPV6_DONTFRAG";
    const NUMBER: Option<ControlNumber> = P::ABI.control.dont_fragment;

    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        int::decode::<i32, P>(Control::of::<Self, P>(), data).map(|value| Self(value != 0))
    }
}

impl<P: Platform> SendMessage<P> for DontFragment {
    fn encode(&self) -> impl AsRef<[u8]> {
        // Linux takes an int only, although the option of the same name takes one byte too.
        int::encode::<P>(self.0.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{FreeBsd64, Linux64, Linux64Be};
    use crate::message::Messages;

    #[test]
    fn it_is_an_int() {
        //  len 20 = 16 + 4                            level 41      type 62       1            padding
        let bytes = [0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 41, 0, 0, 0, 62, 0, 0, 0, 1, 0, 0, 0, 0];
        assert_eq!(Messages::<Linux64Be, 24>::new().with(DontFragment(true)).unwrap().as_bytes(), bytes);
        let messages = Messages::<FreeBsd64, 24>::new().with(DontFragment(false)).unwrap();
        assert_eq!(
            messages.as_bytes()[..20],
            [20, 0, 0, 0, 41, 0, 0, 0, 62, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        );
        let decode = <DontFragment as ControlMessage<Linux64>>::decode;
        assert_eq!(decode(&[1, 0, 0, 0]), Ok(DontFragment(true)));
        let error = DecodeError::Width { control: Control::DontFragment, len: 1, expected: 4 };
        assert_eq!(decode(&[1]), Err(error));
    }
}
