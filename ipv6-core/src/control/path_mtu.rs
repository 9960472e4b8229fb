//! `IPV6_PATHMTU`: `struct ip6_mtuinfo`, what fits through to a destination without fragments
//! (RFC 3542 section 11.3 and section 11.4). As a message it is received only; the socket option of
//! the same name reads the same structure for a connected socket.
//!
//! ```text
//!  0                                    sizeof(struct sockaddr_in6)    + 4
//!  +-------------------------------------------+---------------+
//!  |   destination: struct sockaddr_in6        |      mtu      |
//!  +-------------------------------------------+---------------+
//!                                                 host order
//! ```

use core::fmt;
use core::net::Ipv6Addr;

use super::{Control, DecodeError};
use crate::abi::Platform;
use crate::interface::InterfaceIndex;
use crate::{sockaddr, wire};

/// The path MTU to one destination: the greatest IPv6 packet, header included, that goes there
/// without fragments (RFC 8200 section 5, RFC 8201).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "ip6_mtuinfo", alias = "IPV6_PATHMTU")]
pub struct PathMtu {
    /// Where packets were going.
    pub destination: Ipv6Addr,
    /// The interface they leave by, where the system says.
    pub interface: Option<InterfaceIndex>,
    /// Bytes, IPv6 header included.
    pub mtu: u32,
}

impl PathMtu {
    /// Reads a `struct ip6_mtuinfo`, as the control message has it.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Width`] when the bytes are not as many as the structure has, and
    /// [`DecodeError::Family`] when its address is not one of IPv6.
    pub fn decode<P: Platform>(data: &[u8]) -> Result<Self, DecodeError> {
        let mtu = Self::decode_mtu::<P>(data)?;
        let family = wire::chunk::<2>(data, 0).unwrap_or_default();
        let address =
            sockaddr::decode::<P>(data).ok_or(DecodeError::Family { control: Control::PathMtu, family })?;
        Ok(Self { destination: *address.ip(), interface: InterfaceIndex::new(address.scope_id()).ok(), mtu })
    }

    /// Reads the MTU alone of a `struct ip6_mtuinfo`: all that means something in the value of the socket
    /// option `IPV6_PATHMTU`, where Linux leaves the address empty (RFC 3542 section 11.4).
    ///
    /// # Errors
    ///
    /// [`DecodeError::Width`] when the bytes are not as many as the structure has.
    pub fn decode_mtu<P: Platform>(data: &[u8]) -> Result<u32, DecodeError> {
        let mtu_at = P::ABI.sockaddr.size;
        let expected = mtu_at.saturating_add(4);
        let width = DecodeError::Width { control: Control::PathMtu, len: data.len(), expected };
        let structure = Some(data).filter(|data| data.len() == expected).ok_or(width)?;
        wire::read_u32::<P>(structure, mtu_at).ok_or(width)
    }
}

impl fmt::Display for PathMtu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes to {}", self.mtu, self.destination)?;
        self.interface.map_or(Ok(()), |index| write!(f, " on interface {index}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux32Be, Linux64};
    use crate::cmsg::Writer;
    use crate::control::RecvControl;

    //  len 48 = 16 + 32            level 41      type 61
    //  family 10, port, flow info
    //  2001:db8::b                                           scope 0       mtu 1300 = 0x514
    const NEWS: [u8; 48] = [
        48, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 61, 0, 0, 0, //
        10, 0, 0, 0, 0, 0, 0, 0, //
        0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xb, 0, 0, 0, 0, 0x14, 5, 0, 0,
    ];

    //  len 44 = 12 + 32  level 41     type 61
    //  family 10, port, flow info
    //  fe80::b                                               scope 3     mtu 1300
    const NEWS_32BE: [u8; 44] = [
        0, 0, 0, 44, 0, 0, 0, 41, 0, 0, 0, 61, //
        0, 10, 0, 0, 0, 0, 0, 0, //
        0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xb, 0, 0, 0, 3, 0, 0, 5, 0x14,
    ];

    #[test]
    fn a_big_endian_machine_of_32_bits() {
        let news = RecvControl::decode::<Linux32Be>(&NEWS_32BE).unwrap().path_mtu.unwrap();
        let destination = "fe80::b".parse().unwrap();
        assert_eq!(news, PathMtu { destination, interface: InterfaceIndex::new(3).ok(), mtu: 1300 });
        assert_eq!(news.to_string(), "1300 bytes to fe80::b on interface 3");
    }

    #[test]
    fn what_the_kernel_writes() {
        let news = RecvControl::decode::<Linux64>(&NEWS).unwrap().path_mtu.unwrap();
        let expected = PathMtu { destination: "2001:db8::b".parse().unwrap(), interface: None, mtu: 1300 };
        assert_eq!(news, expected);
        assert_eq!(news.to_string(), "1300 bytes to 2001:db8::b");
    }

    #[test]
    fn scar_37_it_is_apart_from_destination_and_interface() {
        let got = RecvControl::decode::<Linux64>(&NEWS).unwrap();
        assert_eq!((got.destination, got.interface), (None, None));
        // The same beside a packet info, in either order: ::1 and interface 7.
        let info = [&[0; 15][..], &[1], &[7, 0, 0, 0]].concat();
        for info_first in [true, false] {
            let mut bytes = [0; 88];
            let mut writer = Writer::<Linux64>::new(&mut bytes);
            let mut messages = [(50, &info[..]), (61, &NEWS[16..])];
            if !info_first {
                messages.reverse();
            }
            for (kind, data) in messages {
                writer.push(41, kind, data).unwrap();
            }
            let both = RecvControl::decode::<Linux64>(&bytes).unwrap();
            assert_eq!(both.path_mtu, got.path_mtu);
            assert_eq!((both.destination, both.interface), ("::1".parse().ok(), InterfaceIndex::new(7).ok()));
        }
    }

    #[test]
    fn other_widths_and_families() {
        for len in [0, 28, 31, 33] {
            let error = DecodeError::Width { control: Control::PathMtu, len, expected: 32 };
            assert_eq!(PathMtu::decode::<Linux64>(&[0; 40][..len]), Err(error));
        }
        let mut structure = NEWS[16..].to_vec();
        structure[0] = 0;
        let error = DecodeError::Family { control: Control::PathMtu, family: [0, 0] };
        assert_eq!(PathMtu::decode::<Linux64>(&structure), Err(error));
        // The option has no address, and an MTU all the same.
        assert_eq!(PathMtu::decode_mtu::<Linux64>(&structure), Ok(1300));
    }
}
