//! The state of TCP-AO on a connection (RFC 5925; Linux, `struct tcp_ao_info_opt` in `include/uapi/linux/tcp.h`).
//!
//! ```text
//!  struct tcp_ao_info_opt
//!  +---------+---+---------+------+------+-----+---------------+-------------+---------+
//!  | flags   |   | current | next | good | bad | key not found | no TCP-AO   | dropped |
//!  +---------+---+---------+------+------+-----+---------------+-------------+---------+
//!  0         4   6         7      8      16    24              32            40        48
//! ```
//!
//! The flags are bit fields: whether there is a current key, and a next one; whether TCP-AO is required; whether counters are
//! set; whether ICMP is accepted.

use crate::abi::Platform;
use crate::tcp_ao::{bit_fields, flag};
use crate::wire;

const INFO_SIZE: usize = 48;

/// The keys that a connection uses, and its counters of segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
#[doc(alias = "tcp_ao_info_opt", alias = "TCP_AO_INFO")]
pub struct TcpAoInfo {
    /// The send identifier of the key that signs sent segments (`Current_key`).
    pub current: Option<u8>,
    /// The receive identifier of the key that the peer is asked to use (`RNext_key`).
    pub next: Option<u8>,
    /// Whether segments without TCP-AO are dropped, also those of peers without a key.
    pub is_required: bool,
    /// Whether ICMP and ICMPv6 errors are accepted (RFC 5925 section 7.8).
    pub accepts_icmp: bool,
    /// Received segments with the right MAC.
    pub good: u64,
    /// Received segments with a wrong MAC.
    pub bad: u64,
    /// Received segments with a number that no key has.
    pub key_not_found: u64,
    /// Received segments without TCP-AO that should have had it.
    pub without: u64,
    /// ICMP and ICMPv6 errors that were dropped.
    pub dropped_icmp: u64,
}

impl TcpAoInfo {
    /// Encodes the `struct tcp_ao_info_opt` that sets the two switches, and `current` and `next` where they are `Some`. The
    /// counters are not sent.
    #[must_use]
    pub fn encode<P: Platform>(&self) -> [u8; INFO_SIZE] {
        let Self { current, next, is_required, accepts_icmp, .. } = *self;
        let mut bytes = [0; INFO_SIZE];
        let flags = [current.is_some(), next.is_some(), is_required, false, accepts_icmp];
        // Every field is within the structure: no write fails.
        let _ = wire::put(&mut bytes, 0, bit_fields::<P>(&flags));
        let _ = wire::put(&mut bytes, 6, [current.unwrap_or_default(), next.unwrap_or_default()]);
        bytes
    }

    /// Decodes the `struct tcp_ao_info_opt` that the kernel wrote; `None` for fewer than 48 bytes.
    #[must_use]
    pub fn decode<P: Platform>(bytes: &[u8]) -> Option<Self> {
        let flags = wire::read_u32::<P>(bytes, 0)?;
        let has = |field| flags & flag::<P>(field) != 0;
        let [current, next] = wire::chunk(bytes, 6)?;
        let counter = |offset| wire::read_u64::<P>(bytes, offset);
        Some(Self {
            current: has(0).then_some(current),
            next: has(1).then_some(next),
            is_required: has(2),
            accepts_icmp: has(4),
            good: counter(8)?,
            bad: counter(16)?,
            key_not_found: counter(24)?,
            without: counter(32)?,
            dropped_icmp: counter(40)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux64, Linux64Be};

    /// All bytes, by hand: offsets and fields; the others are zero.
    fn is(bytes: [u8; 48], parts: &[(usize, &[u8])]) {
        let mut expected = [0; 48];
        for (offset, part) in parts {
            expected[*offset..offset + part.len()].copy_from_slice(part);
        }
        assert_eq!(bytes, expected);
    }

    #[test]
    fn info() {
        let wanted =
            TcpAoInfo { current: Some(5), next: Some(6), accepts_icmp: true, ..TcpAoInfo::default() };
        is(wanted.encode::<Linux64>(), &[(0, &[0b1_0011]), (6, &[5, 6])]);
        is(wanted.encode::<Linux64Be>(), &[(0, &[0b1100_1000]), (6, &[5, 6])]);
        is(TcpAoInfo { is_required: true, ..TcpAoInfo::default() }.encode::<Linux64>(), &[(0, &[0b100])]);
        let mut bytes = wanted.encode::<Linux64>();
        for (offset, count) in [(8, 1), (16, 2), (24, 3), (32, 4), (40, 5)] {
            bytes[offset] = count;
        }
        let counted = TcpAoInfo { good: 1, bad: 2, key_not_found: 3, without: 4, dropped_icmp: 5, ..wanted };
        assert_eq!(TcpAoInfo::decode::<Linux64>(&bytes), Some(counted));
        assert_eq!(TcpAoInfo::decode::<Linux64>(&bytes[..47]), None);
        assert_eq!(TcpAoInfo::decode::<Linux64Be>(&wanted.encode::<Linux64Be>()), Some(wanted));
    }
}
