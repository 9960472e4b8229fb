//! `IPV6_ORIGDSTADDR` and `IP_ORIGDSTADDR`: destination address and port of a received packet, a `struct sockaddr_in6` or
//! `struct sockaddr_in` (Linux: `ip6_datagram_recv_specific_ctl` in `net/ipv6/datagram.c`).

use core::net::{Ipv4Addr, SocketAddrV4, SocketAddrV6};

use super::kind::{Control, ControlMessage, DecodeError};
use crate::abi::{ControlNumber, Platform};
use crate::{sockaddr, wire};

/// The destination address and port that a packet had when it arrived (`IPV6_ORIGDSTADDR`, Linux and FreeBSD). On a
/// transparent proxy, it is that of another host. The option `RECEIVE_ORIGINAL_DESTINATION` enables it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "IPV6_ORIGDSTADDR", alias = "IPV6_RECVORIGDSTADDR")]
pub struct OriginalDestination(pub SocketAddrV6);

impl<P: Platform> ControlMessage<P> for OriginalDestination {
    type Value<'a> = Self;
    const NAME: &'static str = "IPV6_ORIGDSTADDR";
    const NUMBER: Option<ControlNumber> = P::ABI.control.original_destination;

    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let (control, expected) = (Control::of::<Self, P>(), P::ABI.sockaddr.size);
        if data.len() != expected {
            return Err(DecodeError::Width { control, len: data.len(), expected });
        }
        let family = wire::chunk(data, 0).unwrap_or_default();
        sockaddr::decode::<P>(data).map(Self).ok_or(DecodeError::Family { control, family })
    }
}

/// The same for an IPv4 packet on a dual-stack socket (`IP_ORIGDSTADDR`, Linux). The option
/// `IPV4_RECEIVE_ORIGINAL_DESTINATION` enables it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "IP_ORIGDSTADDR", alias = "IP_RECVORIGDSTADDR")]
pub struct Ipv4OriginalDestination(pub SocketAddrV4);

/// Bytes of a `struct sockaddr_in`: family, port, address, padding.
const SIZE: usize = 16;
/// `AF_INET`, on every system.
const AF_INET: u16 = 2;

impl<P: Platform> ControlMessage<P> for Ipv4OriginalDestination {
    type Value<'a> = Self;
    const NAME: &'static str = "IP_ORIGDSTADDR";
    const NUMBER: Option<ControlNumber> = P::ABI.control.ipv4_original_destination;

    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let control = Control::of::<Self, P>();
        let width = DecodeError::Width { control, len: data.len(), expected: SIZE };
        let data: &[u8; SIZE] = data.try_into().map_err(|_| width)?;
        let family = wire::chunk(data, 0).ok_or(width)?;
        if wire::read_u16::<P>(&family) != Some(AF_INET) {
            return Err(DecodeError::Family { control, family });
        }
        let port = u16::from_be_bytes(wire::chunk(data, 2).ok_or(width)?);
        let address = Ipv4Addr::from(wire::chunk::<4>(data, 4).ok_or(width)?);
        Ok(Self(SocketAddrV4::new(address, port)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{FreeBsd64, Linux64, Linux64Be};

    #[test]
    fn addresses_are_read() {
        let mut data = [0; 28];
        data[..4].copy_from_slice(&[10, 0, 0x1f, 0x90]);
        data[8..10].copy_from_slice(&[0x20, 1]);
        data[23] = 1;
        let expected = OriginalDestination("[2001::1]:8080".parse().unwrap());
        assert_eq!(<OriginalDestination as ControlMessage<Linux64>>::decode(&data), Ok(expected));
        data[..2].copy_from_slice(&[28, 28]);
        assert_eq!(<OriginalDestination as ControlMessage<FreeBsd64>>::decode(&data), Ok(expected));
        let family = DecodeError::Family { control: Control::OriginalDestination, family: [28, 28] };
        assert_eq!(<OriginalDestination as ControlMessage<Linux64>>::decode(&data), Err(family));
        let width = DecodeError::Width { control: Control::OriginalDestination, len: 27, expected: 28 };
        assert_eq!(<OriginalDestination as ControlMessage<Linux64>>::decode(&data[..27]), Err(width));

        let data = [0, 2, 0x1f, 0x90, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        let decode = <Ipv4OriginalDestination as ControlMessage<Linux64Be>>::decode;
        assert_eq!(decode(&data), Ok(Ipv4OriginalDestination("192.0.2.1:8080".parse().unwrap())));
        let control = Control::Ipv4OriginalDestination;
        let decode = <Ipv4OriginalDestination as ControlMessage<Linux64>>::decode;
        assert_eq!(decode(&data), Err(DecodeError::Family { control, family: [0, 2] }));
        assert_eq!(decode(&data[..8]), Err(DecodeError::Width { control, len: 8, expected: 16 }));
    }
}
