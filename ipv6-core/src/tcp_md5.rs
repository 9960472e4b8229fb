//! Keys of TCP MD5 signatures (RFC 2385; Linux, `struct tcp_md5sig` in `include/uapi/linux/tcp.h`).
//!
//! ```text
//!  +------------------+-------+--------+--------+-----------+----------+
//!  | peer (128 bytes) | flags | prefix | length | interface | key (80) |
//!  +------------------+-------+--------+--------+-----------+----------+
//!  0                  128     129      130      132         136        216
//! ```

use core::fmt;
use core::net::{Ipv6Addr, SocketAddrV6};

use crate::abi::Platform;
use crate::interface::InterfaceIndex;
use crate::{sockaddr, wire};

const SIZE: usize = 216;
const FLAGS: usize = 128;
const PREFIX: usize = 129;
const LENGTH: usize = 130;
const INTERFACE: usize = 132;
const KEY: usize = 136;

const HAS_PREFIX: u8 = 1;
const HAS_INTERFACE: u8 = 2;

/// The key with which the segments of TCP connections to a peer are signed and checked (RFC 2385), as between BGP routers.
///
/// `Debug` does not print the key.
///
/// ```
/// use ipv6_core::TcpMd5Key;
/// let key = TcpMd5Key::new("2001:db8::1".parse().unwrap(), b"secret").expect("a key has 1 to 80 bytes");
/// assert_eq!(format!("{key:?}"), "TcpMd5Key { peer: 2001:db8::1, prefix: None, interface: None, .. }");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[doc(alias = "tcp_md5sig", alias = "TCP_MD5SIG", alias = "TCP_MD5SIG_EXT")]
pub struct TcpMd5Key<'k> {
    peer: Ipv6Addr,
    prefix: Option<u8>,
    interface: Option<InterfaceIndex>,
    key: &'k [u8],
}

impl<'k> TcpMd5Key<'k> {
    /// The longest key, in bytes (`TCP_MD5SIG_MAXKEYLEN`).
    #[doc(alias = "TCP_MD5SIG_MAXKEYLEN")]
    pub const MAX_LEN: usize = 80;

    /// Creates the key for a peer, which may be IPv4-mapped. `None` unless the key has 1 to 80 bytes.
    #[must_use]
    pub const fn new(peer: Ipv6Addr, key: &'k [u8]) -> Option<Self> {
        if key.is_empty() || key.len() > Self::MAX_LEN {
            return None;
        }
        Some(Self { peer, prefix: None, interface: None, key })
    }

    /// Returns a value without a key, which removes that of the peer.
    #[must_use]
    pub const fn none(peer: Ipv6Addr) -> TcpMd5Key<'static> {
        TcpMd5Key { peer, prefix: None, interface: None, key: &[] }
    }

    /// Applies the key to all peers whose addresses have the same first `bits` bits as the peer's: 0 to 128, for an IPv4-mapped
    /// peer 0 to 32 (Linux since 4.13).
    #[must_use]
    pub const fn with_prefix(self, bits: u8) -> Self {
        Self { prefix: Some(bits), ..self }
    }

    /// Applies the key to peers behind this interface of a VRF (Linux since 5.6).
    #[must_use]
    pub const fn with_interface(self, interface: InterfaceIndex) -> Self {
        Self { interface: Some(interface), ..self }
    }

    /// Returns whether the option needs its extended form, `TCP_MD5SIG_EXT`.
    #[must_use]
    pub const fn is_extended(&self) -> bool {
        self.prefix.is_some() || self.interface.is_some()
    }

    /// Encodes the `struct tcp_md5sig`.
    #[must_use]
    pub fn encode<P: Platform>(&self) -> [u8; SIZE] {
        let Self { peer, prefix, interface, key } = *self;
        let flags = if prefix.is_some() { HAS_PREFIX } else { 0 }
            | if interface.is_some() { HAS_INTERFACE } else { 0 };
        let mut bytes = [0; SIZE];
        // Every field is within the array: no write fails. The key has at most 80 bytes.
        let _ = wire::put(&mut bytes, 0, sockaddr::encode::<P>(&SocketAddrV6::new(peer, 0, 0, 0)));
        let _ = wire::put(&mut bytes, FLAGS, [flags]);
        let _ = wire::put(&mut bytes, PREFIX, [prefix.unwrap_or_default()]);
        let length = u16::try_from(key.len()).unwrap_or_default();
        let _ = wire::put(&mut bytes, LENGTH, wire::bytes_of_u16::<P>(length));
        let index = interface.map_or(0, InterfaceIndex::get);
        let _ = wire::put(&mut bytes, INTERFACE, wire::bytes_of_u32::<P>(index));
        if let Some(place) = bytes.get_mut(KEY..).and_then(|rest| rest.get_mut(..key.len())) {
            place.copy_from_slice(key);
        }
        bytes
    }
}

impl fmt::Debug for TcpMd5Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpMd5Key")
            .field("peer", &self.peer)
            .field("prefix", &self.prefix)
            .field("interface", &self.interface)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux64, Linux64Be};

    #[test]
    fn golden() {
        let peer = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
        let key = TcpMd5Key::new(peer, b"secret").unwrap();
        let bytes = key.encode::<Linux64>();
        assert_eq!((&bytes[..2], &bytes[8..24]), (&[10, 0][..], &peer.octets()[..]));
        assert_eq!(bytes[128..142], *b"\0\0\x06\0\0\0\0\0secret");
        assert!(bytes[142..].iter().all(|byte| *byte == 0) && !key.is_extended());

        let key = key.with_prefix(64).with_interface(InterfaceIndex::new(3).unwrap());
        assert!(key.is_extended());
        assert_eq!(key.encode::<Linux64Be>()[128..136], [3, 64, 0, 6, 0, 0, 0, 3]);
        assert_eq!(TcpMd5Key::none(peer).encode::<Linux64>()[128..], [0; 88]);
        assert!(TcpMd5Key::none(peer).with_prefix(64).is_extended());
        assert!(TcpMd5Key::none(peer).with_interface(InterfaceIndex::new(3).unwrap()).is_extended());
    }

    #[test]
    fn a_key_has_1_to_80_bytes() {
        for (len, is_key) in [(0, false), (1, true), (80, true), (81, false)] {
            assert_eq!(TcpMd5Key::new(Ipv6Addr::LOCALHOST, &[7; 81][..len]).is_some(), is_key);
        }
        let longest = TcpMd5Key::new(Ipv6Addr::LOCALHOST, &[7; 80]).unwrap();
        assert_eq!(longest.encode::<Linux64>()[136..], [7; 80]);
    }

    #[test]
    fn text_does_not_show_the_key() {
        let text = format!("{:?}", TcpMd5Key::new(Ipv6Addr::LOCALHOST, b"secret").unwrap());
        assert_eq!(text, "TcpMd5Key { peer: ::1, prefix: None, interface: None, .. }");
    }
}
