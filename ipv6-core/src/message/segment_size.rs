//! `UDP_SEGMENT` and `UDP_GRO`: several datagrams in one payload, with the size of each (Linux: `net/ipv4/udp.c`; Windows:
//! `UDP_SEND_MSG_SIZE` and `UDP_COALESCED_INFO` of `ws2ipdef.h`).
//!
//! ```text
//!  sent, UDP_SEGMENT              received, UDP_GRO or UDP_COALESCED_INFO; sent, UDP_SEND_MSG_SIZE
//!  0               2              0                              4
//!  +---------------+              +------------------------------+
//!  | segment size  |  __u16       |         segment size         |  int, DWORD
//!  +---------------+              +------------------------------+
//! ```

use super::int;
use super::kind::{Control, ControlMessage, DecodeError, SendMessage};
use crate::abi::{ControlNumber, Platform};
use crate::wire;

/// The size in bytes of the datagrams that the system coalesced into a received payload (Linux `UDP_GRO`, Windows
/// `UDP_COALESCED_INFO`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "UDP_GRO", alias = "UDP_COALESCED_INFO", alias = "UDP_RECV_MAX_COALESCED_SIZE")]
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

/// The size in bytes of the datagrams into which the system splits a payload to send (Linux `UDP_SEGMENT`, Windows
/// `UDP_SEND_MSG_SIZE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "UDP_SEGMENT", alias = "UDP_SEND_MSG_SIZE")]
pub struct SegmentSize(pub u16);

impl<P: Platform> ControlMessage<P> for SegmentSize {
    type Value<'a> = Self;
    const NAME: &'static str = "UDP_SEGMENT";
    const NUMBER: Option<ControlNumber> = P::ABI.control.segment_size;

    #[inline]
    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let control = Control::of::<Self, P>();
        if const { is_int::<P>() } {
            return int::decode::<u16, P>(control, data).map(Self);
        }
        wire::read_u16::<P>(data).map(Self).ok_or(DecodeError::Width {
            control,
            len: data.len(),
            expected: 2,
        })
    }
}

/// Whether the size to send has four bytes.
const fn is_int<P: Platform>() -> bool {
    matches!(P::ABI.control.segment_size, Some(ControlNumber { size: 4, .. }))
}

/// Two bytes or four.
enum Data {
    Short([u8; 2]),
    Int([u8; 4]),
}

impl AsRef<[u8]> for Data {
    #[inline(always)]
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Short(bytes) => bytes,
            Self::Int(bytes) => bytes,
        }
    }
}

impl<P: Platform> SendMessage<P> for SegmentSize {
    #[inline(always)]
    fn encode(&self) -> impl AsRef<[u8]> {
        if const { is_int::<P>() } {
            Data::Int(wire::bytes_of_u32::<P>(u32::from(self.0)))
        } else {
            Data::Short(wire::bytes_of_u16::<P>(self.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux64, Linux64Be, Windows64};
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
    fn windows_has_four_bytes_in_both_directions() {
        let value = |control: &[u8]| RawMessages::<Windows64>::new(control).get::<SegmentSize>();
        //  len 20 = 16 + 4                 level 17      type 2       1200        padding
        let mut control = [20, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 2, 0, 0, 0, 0xb0, 4, 0, 0, 0, 0, 0, 0];
        assert_eq!(Messages::<Windows64, 24>::new().with(SegmentSize(1200)).unwrap().as_bytes(), control);
        assert_eq!(value(&control), Ok(Some(SegmentSize(1200))));
        control[18] = 1;
        assert_eq!(
            value(&control),
            Err(DecodeError::Value { control: Control::SegmentSize, value: 0x1_04b0 })
        );
        control[0] = 18;
        let width = DecodeError::Width { control: Control::SegmentSize, len: 2, expected: 4 };
        assert_eq!(value(&control), Err(width));
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
