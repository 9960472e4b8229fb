//! `UDP_SEGMENT` and `UDP_GRO`: several datagrams in one payload, with the size of each (Linux: `net/ipv4/udp.c`).
//!
//! ```text
//!  sent, UDP_SEGMENT              received, UDP_GRO
//!  0               2              0                              4
//!  +---------------+              +------------------------------+
//!  | segment size  |  __u16       |         segment size         |  int
//!  +---------------+              +------------------------------+
//! ```

use super::int;
use super::kind::{Control, ControlMessage, DecodeError, SendMessage};
use crate::abi::{ControlNumber, Platform};
use crate::wire;

/// The size in bytes of the datagrams that the system coalesced into a received payload (`UDP_GRO`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "UDP_GRO")]
pub struct Coalesced(pub u16);

impl<P: Platform> ControlMessage<P> for Coalesced {
    type Value<'a> = Self;
    const NAME: &'static str = "UDP_GRO";
    const NUMBER: Option<ControlNumber> = P::ABI.control.coalesced;

    #[inline]
    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        int::decode::<u16, P>(Control::of::<Self, P>(), data).map(Self)
    }
}

/// The size in bytes of the datagrams into which the system splits a payload to send (`UDP_SEGMENT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "UDP_SEGMENT")]
pub struct SegmentSize(pub u16);

impl<P: Platform> ControlMessage<P> for SegmentSize {
    type Value<'a> = Self;
    const NAME: &'static str = "UDP_SEGMENT";
    const NUMBER: Option<ControlNumber> = P::ABI.control.segment_size;

    #[inline]
    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let control = Control::of::<Self, P>();
        wire::read_u16::<P>(data).map(Self).ok_or(DecodeError::Width {
            control,
            len: data.len(),
            expected: 2,
        })
    }
}

impl<P: Platform> SendMessage<P> for SegmentSize {
    #[inline(always)]
    fn encode(&self) -> impl AsRef<[u8]> {
        wire::bytes_of_u16::<P>(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux64, Linux64Be};
    use crate::cmsg::RawMessages;
    use crate::message::Messages;

    #[test]
    fn a_segment_size_is_sent_in_two_bytes() {
        //  len 18 = 16 + 2             level 17      type 103      1200        padding
        let expected = [18, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 103, 0, 0, 0, 0xb0, 4, 0, 0, 0, 0, 0, 0];
        assert_eq!(Messages::<Linux64, 24>::new().with(SegmentSize(1200)).unwrap().as_bytes(), expected);
        assert_eq!(RawMessages::<Linux64>::new(&expected).get::<SegmentSize>(), Ok(Some(SegmentSize(1200))));
        let big = Messages::<Linux64Be, 24>::new().with(SegmentSize(1200)).unwrap();
        assert_eq!(big.as_bytes()[16..18], [4, 0xb0]);
    }

    #[test]
    fn a_segment_size_is_received_in_four_bytes() {
        //  len 20 = 16 + 4             level 17      type 104      1200
        let mut control = [20, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 104, 0, 0, 0, 0xb0, 4, 0, 0, 0, 0, 0, 0];
        assert_eq!(RawMessages::<Linux64>::new(&control).get::<Coalesced>(), Ok(Some(Coalesced(1200))));
        control[18] = 1;
        let error = DecodeError::Value { control: Control::Coalesced, value: 0x1_04b0 };
        assert_eq!(RawMessages::<Linux64>::new(&control).get::<Coalesced>(), Err(error));
    }
}
