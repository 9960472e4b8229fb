//! Keys of the TCP authentication option (TCP-AO, RFC 5925; Linux, `struct tcp_ao_add` and `struct tcp_ao_del` in
//! `include/uapi/linux/tcp.h`).
//!
//! ```text
//!  struct tcp_ao_add
//!  +------------------+----------------+-----------+---------+---+--------+------+---------+-----+-------+--------+----------+
//!  | peer (128 bytes) | algorithm (64) | interface | current |   | prefix | send | receive | MAC | flags | length | key (80) |
//!  |                  |                |           | + next  |   |        | ID   | ID      | len |       |        |          |
//!  +------------------+----------------+-----------+---------+---+--------+------+---------+-----+-------+--------+----------+
//!  0                  128              192         196       200 202      203    204       205   206     207      208        288
//!
//!  struct tcp_ao_del
//!  +------------------+-----------+---------+---+--------+------+---------+---------+------+-------+
//!  | peer (128 bytes) | interface | current |   | prefix | send | receive | current | next | flags |
//!  |                  |           | + next  |   |        | ID   | ID      | key     | key  |       |
//!  +------------------+-----------+---------+---+--------+------+---------+---------+------+-------+
//!  0                  128         132       136 138      139    140       141       142    143     144
//! ```
//!
//! The flags are bit fields: the first is the lowest bit on little-endian systems, and the highest on big-endian ones.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};

use crate::abi::{Endian, Platform};
use crate::interface::InterfaceIndex;
use crate::{sockaddr, wire};

const ADD_SIZE: usize = 288;
const DELETE_SIZE: usize = 144;

/// `TCP_AO_KEYF_IFINDEX` and `TCP_AO_KEYF_EXCLUDE_OPT`.
const HAS_INTERFACE: u8 = 1;
const EXCLUDES_OPTIONS: u8 = 2;

/// Why a key of TCP-AO is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum TcpAoError {
    /// The key has this many bytes: it must have 1 to 80.
    KeyLength(usize),
    /// The prefix has this many bits: it must have 1 to 128, for an IPv4-mapped peer 1 to 32, and not be zero.
    Prefix(u8),
    /// The MAC has this many bytes: it must have 1 to 16, because more do not fit into the options of a SYN segment.
    MacLength(u8),
}

impl fmt::Display for TcpAoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyLength(bytes) => write!(f, "a key of {bytes} bytes: a key of TCP-AO has 1 to 80"),
            Self::Prefix(bits) => {
                write!(
                    f,
                    "a prefix of {bits} bits: use 1 to 128, for an IPv4-mapped peer 1 to 32, that are not all zero"
                )
            }
            Self::MacLength(bytes) => write!(f, "a MAC of {bytes} bytes: use 1 to 16, such as 12 (RFC 5926)"),
        }
    }
}

impl core::error::Error for TcpAoError {}

/// What identifies a key of TCP-AO on a socket: the peers that it is for, and its numbers (RFC 5925 section 3.1).
///
/// ```
/// use ipv6_core::TcpAoId;
/// let id = TcpAoId::new("2001:db8::1".parse().unwrap(), 100, 101);
/// assert_eq!(id.to_string(), "key 100/101 of 2001:db8::1/128");
/// assert_eq!(id.with_prefix(32)?.to_string(), "key 100/101 of 2001:db8::/32");
/// # Ok::<(), ipv6_core::TcpAoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "tcp_ao_del", alias = "MKT")]
pub struct TcpAoId {
    peer: Ipv6Addr,
    prefix: u8,
    send_id: u8,
    receive_id: u8,
    interface: Option<InterfaceIndex>,
}

impl TcpAoId {
    /// Creates the identifier of the key for a peer, which may be IPv4-mapped, with the numbers (`KeyID`) of the key in sent
    /// and in received segments. The peer's send number is this host's receive number, and the reverse. The unspecified address
    /// stands for all peers.
    #[must_use]
    pub const fn new(peer: Ipv6Addr, send_id: u8, receive_id: u8) -> Self {
        let prefix = match peer {
            Ipv6Addr::UNSPECIFIED => 0,
            _ if peer.to_ipv4_mapped().is_some() => 32,
            _ => 128,
        };
        Self { peer, prefix, send_id, receive_id, interface: None }
    }

    /// Applies the key to all peers whose addresses have the same first `bits` bits as the peer's.
    ///
    /// # Errors
    ///
    /// [`TcpAoError::Prefix`] unless there are 1 to 128 bits, for an IPv4-mapped peer 1 to 32, and one of them is set: the
    /// kernel refuses prefixes of zeros.
    pub fn with_prefix(self, bits: u8) -> Result<Self, TcpAoError> {
        let most = if self.peer.to_ipv4_mapped().is_some() { 32 } else { 128 };
        // The kernel refuses an address with other bits.
        let rest = u32::from(u8::saturating_sub(most, bits));
        let peer = Ipv6Addr::from_bits(self.peer.to_bits() & u128::MAX.wrapping_shl(rest));
        let is_zero = peer.is_unspecified() || peer.to_ipv4_mapped() == Some(Ipv4Addr::UNSPECIFIED);
        if bits == 0 || bits > most || is_zero {
            return Err(TcpAoError::Prefix(bits));
        }
        Ok(Self { peer, prefix: bits, ..self })
    }

    /// Applies the key to peers behind this interface of a VRF.
    #[must_use]
    pub const fn with_interface(self, interface: InterfaceIndex) -> Self {
        Self { interface: Some(interface), ..self }
    }

    /// The address of the peer, or the prefix of those of several.
    #[must_use]
    pub const fn peer(&self) -> Ipv6Addr {
        self.peer
    }

    /// The bits of the prefix: 128 for one peer, 32 if it is IPv4-mapped, and 0 for all.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// The number of the key in sent segments.
    #[must_use]
    pub const fn send_id(&self) -> u8 {
        self.send_id
    }

    /// The number of the key in received segments.
    #[must_use]
    pub const fn receive_id(&self) -> u8 {
        self.receive_id
    }

    /// The interface of the VRF.
    #[must_use]
    pub const fn interface(&self) -> Option<InterfaceIndex> {
        self.interface
    }

    /// Writes the parts that both structures have: the peer, the interface, and from `prefix` on its bits and the numbers.
    /// Returns the flags.
    fn put<P: Platform>(&self, bytes: &mut [u8], interface: usize, prefix: usize) -> u8 {
        // Every field is within the structure: no write fails.
        let _ = wire::put(bytes, 0, sockaddr::encode::<P>(&SocketAddrV6::new(self.peer, 0, 0, 0)));
        let index = self.interface.map_or(0, InterfaceIndex::get);
        let _ = wire::put(bytes, interface, wire::bytes_of_u32::<P>(index));
        let _ = wire::put(bytes, prefix, [self.prefix, self.send_id, self.receive_id]);
        if self.interface.is_some() { HAS_INTERFACE } else { 0 }
    }

    /// Encodes the `struct tcp_ao_del` that deletes the key.
    #[must_use]
    pub fn encode<P: Platform>(&self) -> [u8; DELETE_SIZE] {
        let mut bytes = [0; DELETE_SIZE];
        let flags = self.put::<P>(&mut bytes, 128, 138);
        let _ = wire::put(&mut bytes, 143, [flags]);
        bytes
    }
}

impl fmt::Display for TcpAoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer, prefix, send_id, receive_id, interface } = self;
        write!(f, "key {send_id}/{receive_id} of {peer}/{prefix}")?;
        match interface {
            Some(interface) => write!(f, " on interface {interface}"),
            None => Ok(()),
        }
    }
}

/// An algorithm of TCP-AO: the MAC and the derivation of the keys of a connection (RFC 5926 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum TcpAoAlgorithm {
    /// HMAC-SHA-1-96 and KDF_HMAC_SHA1.
    HmacSha1,
    /// AES-128-CMAC-96 and KDF_AES_128_CMAC.
    CmacAes128,
}

impl TcpAoAlgorithm {
    /// The name in the kernel.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HmacSha1 => "hmac(sha1)",
            Self::CmacAes128 => "cmac(aes128)",
        }
    }
}

/// A key of TCP-AO, with which the segments of TCP connections to a peer are signed and checked (RFC 5925), as between BGP
/// routers.
///
/// `Debug` does not print the key.
///
/// ```
/// use ipv6_core::{TcpAoAlgorithm, TcpAoId, TcpAoKey};
/// let id = TcpAoId::new("2001:db8::1".parse().unwrap(), 100, 101);
/// let key = TcpAoKey::new(id, TcpAoAlgorithm::HmacSha1, b"secret")?;
/// assert!(!format!("{key:?}").contains("secret"));
/// # Ok::<(), ipv6_core::TcpAoError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[doc(alias = "tcp_ao_add", alias = "TCP_AO_ADD_KEY")]
pub struct TcpAoKey<'k> {
    id: TcpAoId,
    algorithm: TcpAoAlgorithm,
    mac_length: u8,
    excludes_options: bool,
    is_current: bool,
    is_next: bool,
    key: &'k [u8],
}

impl<'k> TcpAoKey<'k> {
    /// The longest key, in bytes (`TCP_AO_MAXKEYLEN`).
    #[doc(alias = "TCP_AO_MAXKEYLEN")]
    pub const MAX_LEN: usize = 80;

    /// The longest MAC, in bytes: with its header of four bytes, it fits into a SYN segment beside the options that Linux
    /// sends there (`tcp_ao_parse_crypto` in net/ipv4/tcp_ao.c).
    pub const MAX_MAC_LENGTH: u8 = 16;

    /// Creates a key, with a MAC of 12 bytes (RFC 5926).
    ///
    /// # Errors
    ///
    /// [`TcpAoError::KeyLength`] unless the key has 1 to 80 bytes.
    pub const fn new(id: TcpAoId, algorithm: TcpAoAlgorithm, key: &'k [u8]) -> Result<Self, TcpAoError> {
        if key.is_empty() || key.len() > Self::MAX_LEN {
            return Err(TcpAoError::KeyLength(key.len()));
        }
        let (excludes_options, is_current, is_next) = (false, false, false);
        Ok(Self { id, algorithm, mac_length: 12, excludes_options, is_current, is_next, key })
    }

    /// Sets the length of the MAC in bytes.
    ///
    /// # Errors
    ///
    /// [`TcpAoError::MacLength`] unless it has 1 to 16 bytes.
    pub const fn with_mac_length(self, bytes: u8) -> Result<Self, TcpAoError> {
        if bytes == 0 || bytes > Self::MAX_MAC_LENGTH {
            return Err(TcpAoError::MacLength(bytes));
        }
        Ok(Self { mac_length: bytes, ..self })
    }

    /// Leaves the other TCP options out of the MAC, for paths that change them (RFC 5925 section 3.1).
    #[doc(alias = "TCP_AO_KEYF_EXCLUDE_OPT")]
    #[must_use]
    pub const fn without_options(self) -> Self {
        Self { excludes_options: true, ..self }
    }

    /// Signs sent segments with this key from now on (`Current_key`, RFC 5925 section 7.3). Not for listeners.
    #[must_use]
    pub const fn as_current(self) -> Self {
        Self { is_current: true, ..self }
    }

    /// Asks the peer to use this key (`RNext_key`, RFC 5925 section 7.3). Not for listeners.
    #[must_use]
    pub const fn as_next(self) -> Self {
        Self { is_next: true, ..self }
    }

    /// Returns what identifies the key.
    #[must_use]
    pub const fn id(&self) -> TcpAoId {
        self.id
    }

    /// Encodes the `struct tcp_ao_add`.
    #[must_use]
    pub fn encode<P: Platform>(&self) -> [u8; ADD_SIZE] {
        let mut bytes = [0; ADD_SIZE];
        let flags = self.id.put::<P>(&mut bytes, 192, 202);
        let flags = flags | if self.excludes_options { EXCLUDES_OPTIONS } else { 0 };
        let name = self.algorithm.name().as_bytes();
        let length = u8::try_from(self.key.len()).unwrap_or_default();
        // Every field is within the structure: no write fails. The name has less than 64 bytes, the key at most 80.
        let _ = wire::put(&mut bytes, 196, bit_fields::<P>(&[self.is_current, self.is_next]));
        let _ = wire::put(&mut bytes, 205, [self.mac_length, flags, length]);
        for (offset, field) in [(128, name), (208, self.key)] {
            if let Some(place) = bytes.get_mut(offset..).and_then(|rest| rest.get_mut(..field.len())) {
                place.copy_from_slice(field);
            }
        }
        bytes
    }
}

impl fmt::Debug for TcpAoKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpAoKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .field("mac_length", &self.mac_length)
            .finish_non_exhaustive()
    }
}

/// The value of a bit field of one bit, the `number`th of an `unsigned int`.
pub(crate) const fn flag<P: Platform>(number: u32) -> u32 {
    match P::ABI.endian {
        Endian::Little => 1_u32.wrapping_shl(number),
        Endian::Big => 0x8000_0000_u32.wrapping_shr(number),
    }
}

/// An `unsigned int` of bit fields of one bit.
pub(crate) fn bit_fields<P: Platform>(fields: &[bool]) -> [u8; 4] {
    let set = (0..).zip(fields).filter(|(_, is_set)| **is_set);
    wire::bytes_of_u32::<P>(set.fold(0, |word, (number, _)| word | flag::<P>(number)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux32, Linux64, Linux64Be};

    const PEER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

    /// All bytes, by hand: offsets and fields; the others are zero.
    fn is<const N: usize>(bytes: [u8; N], parts: &[(usize, &[u8])]) {
        let mut expected = [0; N];
        for (offset, part) in parts {
            expected[*offset..offset + part.len()].copy_from_slice(part);
        }
        assert_eq!(bytes, expected);
    }

    #[test]
    fn a_key_to_add() {
        let key = TcpAoKey::new(TcpAoId::new(PEER, 100, 101), TcpAoAlgorithm::HmacSha1, b"secret").unwrap();
        let peer = PEER.octets();
        let numbers = [128, 100, 101, 12, 0, 6];
        let parts: [(usize, &[u8]); 5] =
            [(0, &[10]), (8, &peer), (128, b"hmac(sha1)"), (202, &numbers), (208, b"secret")];
        is(key.encode::<Linux64>(), &parts);
        is(key.encode::<Linux32>(), &parts);

        let id = TcpAoId::new(PEER, 4, 2).with_prefix(32).unwrap();
        let id = id.with_interface(InterfaceIndex::new(3).unwrap());
        let fields = (id.prefix(), id.send_id(), id.receive_id(), id.interface());
        assert_eq!(fields, (32, 4, 2, InterfaceIndex::new(3).ok()));
        let key = TcpAoKey::new(id, TcpAoAlgorithm::CmacAes128, &[7; 80]).unwrap();
        let key = key.with_mac_length(16).unwrap().without_options().as_current().as_next();
        // The family and the interface in big-endian order, and bit fields from the highest bit on.
        is(
            key.encode::<Linux64Be>(),
            &[
                (1, &[10]),
                (8, &[0x20, 1, 0x0d, 0xb8]),
                (128, b"cmac(aes128)"),
                (195, &[3]),
                (196, &[0xc0]),
                (202, &[32, 4, 2, 16, 3, 80]),
                (208, &[7; 80]),
            ],
        );
        assert_eq!(key.encode::<Linux64>()[192..200], [3, 0, 0, 0, 3, 0, 0, 0]);
        let next = TcpAoKey { is_current: false, ..key };
        assert_eq!(next.encode::<Linux64>()[196..200], [2, 0, 0, 0]);
        assert_eq!(next.encode::<Linux64Be>()[196..200], [0x40, 0, 0, 0]);
    }

    #[test]
    fn a_key_to_delete() {
        let id = TcpAoId::new(PEER, 100, 101);
        let peer = PEER.octets();
        is(id.encode::<Linux64>(), &[(0, &[10]), (8, &peer), (138, &[128, 100, 101])]);
        let id = id.with_interface(InterfaceIndex::new(3).unwrap());
        is(
            id.encode::<Linux64Be>(),
            &[(1, &[10]), (8, &peer), (131, &[3]), (138, &[128, 100, 101]), (143, &[1])],
        );
    }

    #[test]
    fn ranges_are_checked() {
        let id = TcpAoId::new(PEER, 1, 2);
        for (len, is_key) in [(0, false), (1, true), (80, true), (81, false)] {
            let key = TcpAoKey::new(id, TcpAoAlgorithm::HmacSha1, &[7; 81][..len]);
            assert_eq!(key.err(), (!is_key).then_some(TcpAoError::KeyLength(len)));
        }
        let key = TcpAoKey::new(id, TcpAoAlgorithm::HmacSha1, b"x").unwrap();
        for (bytes, is_valid) in [(0, false), (1, true), (16, true), (17, false)] {
            let key = key.with_mac_length(bytes);
            assert_eq!(key.err(), (!is_valid).then_some(TcpAoError::MacLength(bytes)));
        }
        for (bits, is_valid) in [(0, false), (3, true), (128, true), (129, false)] {
            assert_eq!(id.with_prefix(bits).err(), (!is_valid).then_some(TcpAoError::Prefix(bits)));
        }
        let mapped = TcpAoId::new("::ffff:192.0.2.129".parse().unwrap(), 1, 2);
        assert_eq!(mapped.prefix(), 32);
        assert_eq!(mapped.with_prefix(33), Err(TcpAoError::Prefix(33)));
        assert_eq!(mapped.with_prefix(24).unwrap().to_string(), "key 1/2 of ::ffff:192.0.2.0/24");
        assert_eq!(TcpAoId::new(Ipv6Addr::UNSPECIFIED, 1, 2).prefix(), 0);
        // The first bits of 2001:db8::1 are 001.
        assert_eq!(id.with_prefix(2), Err(TcpAoError::Prefix(2)));
        assert_eq!(id.with_prefix(3).unwrap().peer(), Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0));
        let text = TcpAoError::KeyLength(81).to_string();
        assert_eq!(text, "a key of 81 bytes: a key of TCP-AO has 1 to 80");
    }

    #[test]
    fn debug_does_not_print_the_key() {
        let key = TcpAoKey::new(TcpAoId::new(PEER, 1, 2), TcpAoAlgorithm::CmacAes128, b"secret").unwrap();
        let text = format!("{key:?}");
        assert!(!text.contains("secret") && !text.contains("115") && text.contains("CmacAes128"), "{text}");
    }
}
