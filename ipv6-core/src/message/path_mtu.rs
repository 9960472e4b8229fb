//! `IPV6_PATHMTU`: `struct ip6_mtuinfo`, the path MTU to a destination (RFC 3542 section 11.3 and section 11.4). As a
//! message it is received only. The socket option of the same name reads the same structure for a connected socket.
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

use super::kind::{Control, ControlMessage, DecodeError};
use crate::abi::{ControlNumber, Platform};
use crate::interface::InterfaceIndex;
use crate::{sockaddr, wire};

/// The path MTU to one destination: the size of the largest IPv6 packet, header included, that reaches it without
/// fragmentation (RFC 8200 section 5, RFC 8201). As a control message it is received only, and not on Windows; OpenBSD never
/// delivers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "ip6_mtuinfo", alias = "IPV6_PATHMTU")]
pub struct PathMtu {
    /// The destination of the packets.
    #[doc(alias = "ip6m_addr")]
    pub destination: Ipv6Addr,
    /// The interface on which they are sent; `None` when the system does not report it.
    pub interface: Option<InterfaceIndex>,
    /// The path MTU in bytes, IPv6 header included.
    #[doc(alias = "ip6m_mtu")]
    pub mtu: u32,
}

impl PathMtu {
    /// Reads a `struct ip6_mtuinfo`, the data of the control message.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Width`] when the data does not have the size of the structure, and [`DecodeError::Family`] when the
    /// address in it is not IPv6.
    pub fn decode<P: Platform>(data: &[u8]) -> Result<Self, DecodeError> {
        let mtu = Self::decode_mtu::<P>(data)?;
        let (control, family) = (Control::of::<Self, P>(), wire::chunk(data, 0).unwrap_or_default());
        let address = sockaddr::decode::<P>(data).ok_or(DecodeError::Family { control, family })?;
        Ok(Self { destination: *address.ip(), interface: InterfaceIndex::new(address.scope_id()).ok(), mtu })
    }

    /// Reads only the MTU of a `struct ip6_mtuinfo`. Use it for the value of the socket option `IPV6_PATHMTU` (RFC 3542
    /// section 11.4): Linux, FreeBSD, NetBSD, OpenBSD and Apple's systems leave the address in it empty, for which
    /// [`decode`](Self::decode) returns [`DecodeError::Family`].
    ///
    /// # Errors
    ///
    /// [`DecodeError::Width`] when the data does not have the size of the structure.
    pub fn decode_mtu<P: Platform>(data: &[u8]) -> Result<u32, DecodeError> {
        let mtu_at = P::ABI.sockaddr.size;
        let expected = mtu_at.saturating_add(4);
        let width = DecodeError::Width { control: Control::of::<Self, P>(), len: data.len(), expected };
        let structure = Some(data).filter(|data| data.len() == expected).ok_or(width)?;
        wire::read_u32::<P>(structure, mtu_at).ok_or(width)
    }
}

impl<P: Platform> ControlMessage<P> for PathMtu {
    type Value<'a> = Self;
    const NAME: &'static str = "IPV6_PATHMTU";
    const NUMBER: Option<ControlNumber> = P::ABI.control.path_mtu;

    #[inline]
    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        Self::decode::<P>(data)
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
    use crate::cmsg::RawMessages;

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
    fn what_the_kernel_writes_is_read() {
        let news = RawMessages::<Linux64>::new(&NEWS).get::<PathMtu>().unwrap().unwrap();
        let expected = PathMtu { destination: "2001:db8::b".parse().unwrap(), interface: None, mtu: 1300 };
        assert_eq!((news, news.to_string()), (expected, "1300 bytes to 2001:db8::b".to_string()));

        let news = RawMessages::<Linux32Be>::new(&NEWS_32BE).get::<PathMtu>().unwrap().unwrap();
        let destination = "fe80::b".parse().unwrap();
        let expected = PathMtu { destination, interface: InterfaceIndex::new(3).ok(), mtu: 1300 };
        assert_eq!((news, news.to_string()), (expected, "1300 bytes to fe80::b on interface 3".to_string()));
    }

    #[test]
    fn other_sizes_and_families_are_errors() {
        for len in [0, 28, 31, 33] {
            let error = DecodeError::Width { control: Control::PathMtu, len, expected: 32 };
            assert_eq!(PathMtu::decode::<Linux64>(&[0; 40][..len]), Err(error));
        }
        let mut structure = NEWS[16..].to_vec();
        structure[0] = 0;
        let error = DecodeError::Family { control: Control::PathMtu, family: [0, 0] };
        assert_eq!(PathMtu::decode::<Linux64>(&structure), Err(error));
        // The socket option has the MTU without the address, on Linux and on other systems.
        assert_eq!(PathMtu::decode_mtu::<Linux64>(&structure), Ok(1300));
    }
}
