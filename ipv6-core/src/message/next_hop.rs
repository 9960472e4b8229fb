//! `IPV6_NEXTHOP`: the neighbour that a datagram is sent to first, a `struct sockaddr_in6` (RFC 3542 section 6.4). It is
//! sent only; no system delivers it. Linux and OpenBSD have its number, and refuse it. [`crate::sockaddr`] has the layout.

use core::net::SocketAddrV6;

use super::kind::{Control, ControlMessage, DecodeError, SendMessage};
use crate::abi::{ControlNumber, Platform};
use crate::sockaddr;

/// The neighbour that a datagram is sent to first (`IPV6_NEXTHOP`, RFC 3542 section 6.4). Sent only. Not on Linux, OpenBSD and
/// Windows; for the superuser on FreeBSD and Apple's systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "IPV6_NEXTHOP")]
pub struct NextHop(pub SocketAddrV6);

/// A `struct sockaddr_in6`, in an array that holds that of any platform.
struct Address {
    bytes: [u8; sockaddr::MAX_SIZE],
    size: usize,
}

impl AsRef<[u8]> for Address {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.size).unwrap_or(&self.bytes)
    }
}

impl<P: Platform> ControlMessage<P> for NextHop {
    type Value<'a> = Self;
    const NAME: &'static str = "IPV6_NEXTHOP";
    const NUMBER: Option<ControlNumber> = P::ABI.control.next_hop;

    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let (control, expected) = (Control::of::<Self, P>(), P::ABI.sockaddr.size);
        if data.len() != expected {
            return Err(DecodeError::Width { control, len: data.len(), expected });
        }
        let family = data.first_chunk().copied().unwrap_or_default();
        sockaddr::decode::<P>(data).map(Self).ok_or(DecodeError::Family { control, family })
    }
}

impl<P: Platform> SendMessage<P> for NextHop {
    #[inline]
    fn encode(&self) -> impl AsRef<[u8]> {
        Address { bytes: sockaddr::encode::<P>(&self.0), size: P::ABI.sockaddr.size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Apple, Linux64, SolarisSparc};
    use crate::cmsg::RawMessages;
    use crate::message::{EncodeError, Messages};

    //  len 40 = 12 + 28  level 41     type 48
    //  length 28, family 30, port 0, flow info 0
    //  fe80::1                                               scope 3
    const APPLE: [u8; 40] = [
        40, 0, 0, 0, 41, 0, 0, 0, 48, 0, 0, 0, //
        28, 30, 0, 0, 0, 0, 0, 0, //
        0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 0, 0, 0,
    ];

    //  len 44 = 12 + 32  level 41     type 13
    //  family 26, port 0, flow info 0
    //  fe80::1                                               scope 3     source id 0
    //  padding to 8
    const SPARC: [u8; 48] = [
        0, 0, 0, 44, 0, 0, 0, 41, 0, 0, 0, 13, //
        0, 26, 0, 0, 0, 0, 0, 0, //
        0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0, //
        0, 0, 0, 0,
    ];

    fn next_hop() -> NextHop {
        NextHop("[fe80::1%3]:0".parse().unwrap())
    }

    // Scar 35: x/net drops the next hop where the system refuses it.
    #[test]
    fn it_is_sent_where_the_system_takes_it_and_an_error_elsewhere() {
        assert_eq!(Messages::<Apple, 40>::new().with(next_hop()).unwrap().as_bytes(), APPLE);
        assert_eq!(Messages::<SolarisSparc, 48>::new().with(next_hop()).unwrap().as_bytes(), SPARC);
        let refused = Messages::<Linux64, 128>::new().with(next_hop()).unwrap_err();
        assert_eq!(refused, EncodeError::Unsupported(Control::NextHop));
    }

    #[test]
    fn what_was_sent_can_be_read() {
        assert_eq!(RawMessages::<Apple>::new(&APPLE).get::<NextHop>(), Ok(Some(next_hop())));
        assert_eq!(RawMessages::<SolarisSparc>::new(&SPARC).get::<NextHop>(), Ok(Some(next_hop())));
        let width = DecodeError::Width { control: Control::NextHop, len: 16, expected: 28 };
        assert_eq!(<NextHop as ControlMessage<Apple>>::decode(&[0; 16]), Err(width));
        let family = DecodeError::Family { control: Control::NextHop, family: [28, 2] };
        let mut data = [0; 28];
        data[..2].copy_from_slice(&[28, 2]);
        assert_eq!(<NextHop as ControlMessage<Apple>>::decode(&data), Err(family));
    }
}
