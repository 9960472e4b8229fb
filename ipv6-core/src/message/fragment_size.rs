//! `IPV6_RECVFRAGSIZE`: the size of the largest fragment that a datagram arrived in, an `int` (Linux:
//! `ip6_datagram_recv_common_ctl` in `net/ipv6/datagram.c`). The option has the same name and number. `IP_RECVFRAGSIZE` is its
//! sibling for IPv4 (`ip_cmsg_recv_fragsize` in `net/ipv4/ip_sockglue.c`).
//!
//! ```text
//!  0               4
//!  +---------------+
//!  | fragment size |   int, host order
//!  +---------------+
//! ```

use super::kind::{Control, ControlMessage, DecodeError};
use crate::abi::{ControlNumber, Platform};
use crate::wire;

/// The size of the largest fragment of a received datagram: of its IPv6 packet in bytes, header included. A datagram that
/// arrived in one packet has no such message.
///
/// Linux only, since 4.7; [`ipv6_sys::option::RECEIVE_FRAGMENT_SIZE`](https://docs.rs/ipv6-sys) enables it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "IPV6_RECVFRAGSIZE")]
pub struct FragmentSize(pub u32);

/// The same for an IPv4 packet on a dual-stack socket (`IP_RECVFRAGSIZE`, Linux). The option `IPV4_RECEIVE_FRAGMENT_SIZE`
/// enables it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "IP_RECVFRAGSIZE")]
pub struct Ipv4FragmentSize(pub u32);

impl<P: Platform> ControlMessage<P> for FragmentSize {
    type Value<'a> = Self;
    const NAME: &'static str = "IPV6_RECVFRAGSIZE";
    const NUMBER: Option<ControlNumber> = P::ABI.control.fragment_size;

    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        read::<P>(Control::of::<Self, P>(), data).map(Self)
    }
}

impl<P: Platform> ControlMessage<P> for Ipv4FragmentSize {
    type Value<'a> = Self;
    const NAME: &'static str = "IP_RECVFRAGSIZE";
    const NUMBER: Option<ControlNumber> = P::ABI.control.ipv4_fragment_size;

    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        read::<P>(Control::of::<Self, P>(), data).map(Self)
    }
}

fn read<P: Platform>(control: Control, data: &[u8]) -> Result<u32, DecodeError> {
    let width = DecodeError::Width { control, len: data.len(), expected: 4 };
    let [_, _, _, _] = data else { return Err(width) };
    wire::read_u32::<P>(data, 0).ok_or(width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux32Be, Linux64};
    use crate::cmsg::RawMessages;

    //  len 20 = 16 + 4             level 41      type 77      1280
    const SIZE: [u8; 24] = [20, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 77, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0];
    //  len 16 = 12 + 4 level 41      type 77      1280, big-endian
    const SIZE_32BE: [u8; 16] = [0, 0, 0, 16, 0, 0, 0, 41, 0, 0, 0, 77, 0, 0, 5, 0];

    #[test]
    fn what_the_kernel_writes_is_read() {
        let read = Ok(Some(FragmentSize(1280)));
        assert_eq!(RawMessages::<Linux64>::new(&SIZE).get::<FragmentSize>(), read);
        assert_eq!(RawMessages::<Linux32Be>::new(&SIZE_32BE).get::<FragmentSize>(), read);
        //  level 0, type 25
        let mut ipv4 = SIZE;
        (ipv4[8], ipv4[12]) = (0, 25);
        let messages = RawMessages::<Linux64>::new(&ipv4);
        assert_eq!(messages.get::<Ipv4FragmentSize>(), Ok(Some(Ipv4FragmentSize(1280))));
        assert_eq!(messages.get::<FragmentSize>(), Ok(None));
    }

    #[test]
    fn data_of_another_size_is_an_error() {
        for len in [0, 1, 3, 5, 8] {
            let error = DecodeError::Width { control: Control::FragmentSize, len, expected: 4 };
            assert_eq!(<FragmentSize as ControlMessage<Linux64>>::decode(&[0; 8][..len]), Err(error));
            let error = DecodeError::Width { control: Control::Ipv4FragmentSize, len, expected: 4 };
            assert_eq!(<Ipv4FragmentSize as ControlMessage<Linux64>>::decode(&[0; 8][..len]), Err(error));
        }
    }
}
