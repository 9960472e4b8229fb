//! The option values that join and leave multicast groups: for any source (RFC 3493 section 5.2) and for a single
//! source (RFC 3678 section 5.1).
//!
//! ```text
//!  struct ipv6_mreq          struct group_source_req
//!  +---------+-----------+   +-----------+----+---------------------+---------------------+
//!  |  group  | interface |   | interface |    | group (128 bytes …) |       source        |
//!  +---------+-----------+   +-----------+----+---------------------+---------------------+
//!  0         16          20  0           4    group                 source                size
//! ```
//!
//! `struct ipv6_mreq` has the same layout on every system. In `struct group_source_req` each address is a
//! `struct sockaddr_in6` in the space of a `struct sockaddr_storage`. Their offsets depend on the platform:
//! [`GroupReqLayout`](crate::abi::GroupReqLayout).
//!
//! A dual-stack socket joins IPv4 groups with options of the level `IPPROTO_IP`: `struct ip_mreqn` for any source (ip(7)),
//! and `struct group_source_req` with two `struct sockaddr_in` for a single source.
//!
//! ```text
//!  struct ip_mreqn                       struct sockaddr_in
//!  +---------+-----------+-----------+   +--------+------+---------+---------+
//!  |  group  |  address  | interface |   | family | port | address |  zero   |
//!  +---------+-----------+-----------+   +--------+------+---------+---------+
//!  0         4           8           12  0        2      4         8         16
//! ```

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};

use crate::abi::{MulticastInterface, Platform};
use crate::error::BufferTooSmall;
use crate::interface::InterfaceIndex;
use crate::{sockaddr, wire};

/// The size of `struct ipv6_mreq` in bytes, on every system.
pub const MREQ_SIZE: usize = 20;

/// The size of `struct ip_mreqn` in bytes, on every system that has it.
pub const MREQN_SIZE: usize = 12;

/// Encodes a `struct ipv6_mreq`, the value of the options `IPV6_JOIN_GROUP` and `IPV6_LEAVE_GROUP`
/// (RFC 3493 section 5.2).
///
/// `on` is the interface. With `None` the field is 0, and the system chooses the interface. This function accepts any
/// `group`; the kernel refuses an address that is not multicast (`EINVAL`).
///
/// ```
/// use ipv6_core::{InterfaceIndex, abi::Linux64, group};
/// let bytes = group::encode_mreq::<Linux64>("ff02::114".parse().unwrap(), InterfaceIndex::new(3).ok());
/// assert_eq!(bytes[..2], [0xff, 0x02]);
/// assert_eq!(bytes[16..], [3, 0, 0, 0]);
/// ```
#[doc(alias = "ipv6_mreq", alias = "IPV6_JOIN_GROUP", alias = "IPV6_LEAVE_GROUP", alias = "JoinGroup")]
#[must_use]
pub fn encode_mreq<P: Platform>(group: Ipv6Addr, on: Option<InterfaceIndex>) -> [u8; MREQ_SIZE] {
    let mut bytes = [0; MREQ_SIZE];
    // Both fields are within the array: neither write fails.
    let _ = wire::put(&mut bytes, 0, group.octets());
    let _ = wire::put(&mut bytes, 16, wire::bytes_of_u32::<P>(on.map_or(0, InterfaceIndex::get)));
    bytes
}

/// The error of [`encode_group_source_req`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum GroupError {
    /// The platform has no memberships for single sources (RFC 3678). Join the group for any source, and compare the
    /// source of each datagram.
    Unsupported,
    /// The buffer is smaller than the structure.
    BufferTooSmall(BufferTooSmall),
}

impl core::fmt::Display for GroupError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unsupported => f.write_str("the platform has no source filters (RFC 3678)"),
            Self::BufferTooSmall(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for GroupError {}

/// Writes a `struct group_source_req` at the start of `bytes` and returns its size, 260 to 2,584 bytes depending on the
/// platform ([`GroupReqLayout::size`](crate::abi::GroupReqLayout::size)). Bytes after it do not change.
///
/// It is the value of the options `MCAST_JOIN_SOURCE_GROUP`, `MCAST_LEAVE_SOURCE_GROUP`, `MCAST_BLOCK_SOURCE` and
/// `MCAST_UNBLOCK_SOURCE` (RFC 3678 section 5.1).
///
/// `on` is the interface. With `None` the field is 0, and the system chooses the interface.
///
/// # Errors
///
/// - [`GroupError::Unsupported`] if the platform has no such structure.
/// - [`GroupError::BufferTooSmall`] if `bytes` is smaller than the structure. `bytes` does not change.
#[doc(
    alias = "group_source_req",
    alias = "MCAST_JOIN_SOURCE_GROUP",
    alias = "MCAST_LEAVE_SOURCE_GROUP",
    alias = "MCAST_BLOCK_SOURCE",
    alias = "MCAST_UNBLOCK_SOURCE",
    alias = "JoinSourceSpecificGroup"
)]
pub fn encode_group_source_req<P: Platform>(
    group: Ipv6Addr,
    source: Ipv6Addr,
    on: Option<InterfaceIndex>,
    bytes: &mut [u8],
) -> Result<usize, GroupError> {
    let name = |address| sockaddr::encode::<P>(&SocketAddrV6::new(address, 0, 0, 0));
    put_group_source_req::<P, { sockaddr::MAX_SIZE }>(name(group), name(source), on, bytes)
}

/// As [`encode_group_source_req`], for an IPv4 group: the value of the same options at the level `IPPROTO_IP`.
///
/// # Errors
///
/// Those of [`encode_group_source_req`].
#[doc(alias = "group_source_req", alias = "JoinSourceSpecificGroup")]
pub fn encode_ipv4_group_source_req<P: Platform>(
    group: Ipv4Addr,
    source: Ipv4Addr,
    on: Option<InterfaceIndex>,
    bytes: &mut [u8],
) -> Result<usize, GroupError> {
    let name = |address| sockaddr::encode_ipv4::<P>(address);
    put_group_source_req::<P, { sockaddr::SIZE_IPV4 }>(name(group), name(source), on, bytes)
}

/// Encodes a `struct ip_mreqn`, the value of the options `IP_ADD_MEMBERSHIP` and `IP_DROP_MEMBERSHIP` (ip(7)).
///
/// `on` is the interface. With `None` the field is 0, and the system chooses the interface. The interface's address is
/// `0.0.0.0`, so that the index decides. This function accepts any `group`; the kernel refuses an address that is not
/// multicast (`EINVAL`).
///
/// ```
/// use ipv6_core::{InterfaceIndex, abi::Linux64, group};
/// let bytes = group::encode_mreqn::<Linux64>("224.0.0.251".parse().unwrap(), InterfaceIndex::new(3).ok());
/// assert_eq!(bytes, [224, 0, 0, 251, 0, 0, 0, 0, 3, 0, 0, 0]);
/// ```
#[doc(alias = "ip_mreqn", alias = "IP_ADD_MEMBERSHIP", alias = "IP_DROP_MEMBERSHIP", alias = "JoinGroup")]
#[must_use]
pub fn encode_mreqn<P: Platform>(group: Ipv4Addr, on: Option<InterfaceIndex>) -> [u8; MREQN_SIZE] {
    let mut bytes = [0; MREQN_SIZE];
    // Both fields are within the array: neither write fails.
    let _ = wire::put(&mut bytes, 0, group.octets());
    let _ = wire::put(&mut bytes, 8, wire::bytes_of_u32::<P>(on.map_or(0, InterfaceIndex::get)));
    bytes
}

/// Encodes the value of the option `IP_MULTICAST_IF` at the start of the result, and returns its size; `None` if the
/// platform has no dual-stack sockets.
#[doc(alias = "IP_MULTICAST_IF")]
#[must_use]
pub fn encode_ipv4_interface<P: Platform>(on: Option<InterfaceIndex>) -> Option<([u8; MREQN_SIZE], usize)> {
    match P::ABI.mapped?.multicast_interface {
        MulticastInterface::Mreqn => Some((encode_mreqn::<P>(Ipv4Addr::UNSPECIFIED, on), MREQN_SIZE)),
        MulticastInterface::NetworkOrder => {
            let mut bytes = [0; MREQN_SIZE];
            wire::put(&mut bytes, 0, on.map_or(0, InterfaceIndex::get).to_be_bytes())?;
            Some((bytes, 4))
        }
    }
}

/// Writes a `struct group_source_req` with these socket addresses.
fn put_group_source_req<P: Platform, const N: usize>(
    group: [u8; N],
    source: [u8; N],
    on: Option<InterfaceIndex>,
    bytes: &mut [u8],
) -> Result<usize, GroupError> {
    let layout = P::ABI.group_req.ok_or(GroupError::Unsupported)?;
    let request = put_request::<P, N>(on, (layout.group, group), layout.size, bytes)?;
    // The layout is that of the platform's structure: the field is within `layout.size`, so the write does not fail.
    let _ = wire::put(request, layout.source, source);
    Ok(layout.size)
}

/// Starts a request of `size` bytes about a group: the interface, and the group's address at its offset; the rest is zero.
pub(crate) fn put_request<P: Platform, const N: usize>(
    on: Option<InterfaceIndex>,
    (offset, group): (usize, [u8; N]),
    size: usize,
    bytes: &mut [u8],
) -> Result<&mut [u8], GroupError> {
    let too_small = BufferTooSmall { needed: size, available: bytes.len() };
    let request = bytes.get_mut(..size).ok_or(GroupError::BufferTooSmall(too_small))?;
    request.fill(0);
    // The layout is that of the platform's structure: both fields are within `size`, so no write fails.
    let _ = wire::put(request, 0, wire::bytes_of_u32::<P>(on.map_or(0, InterfaceIndex::get)));
    let _ = wire::put(request, offset, group);
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{FreeBsd64, Linux32, Linux32Be, Linux64, OpenBsd64, Solaris, Windows64};

    const GROUP: Ipv6Addr = Ipv6Addr::new(0xff3e, 0, 0, 0, 0, 0, 0x8000, 1);
    const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

    #[test]
    fn mreq() {
        let on = InterfaceIndex::new(3).ok();
        let mut expected = [0; 20];
        expected[..16].copy_from_slice(&GROUP.octets());
        assert_eq!(encode_mreq::<Linux64>(GROUP, None), expected);
        expected[16] = 3;
        assert_eq!(encode_mreq::<Linux64>(GROUP, on), expected);
        expected[16..].copy_from_slice(&[0, 0, 0, 3]);
        assert_eq!(encode_mreq::<Linux32Be>(GROUP, on), expected);
    }

    #[test]
    fn group_and_source_are_at_the_platforms_offsets() {
        let on = InterfaceIndex::new(3).ok();
        let mut bytes = [0xff; 516];
        // interface at 0, group's sockaddr at 8, source's at 136
        assert_eq!(encode_group_source_req::<Linux64>(GROUP, SOURCE, on, &mut bytes), Ok(264));
        assert_eq!(bytes[..16], [3, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[16..32], GROUP.octets());
        assert_eq!(bytes[32..136], [0; 104]);
        assert_eq!(bytes[136..144], [10, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[144..160], SOURCE.octets());
        assert_eq!(bytes[160..264], [0; 104]);
        assert_eq!(bytes[264..], [0xff; 252]);
        // 4 and 132 if `long` has four bytes
        assert_eq!(encode_group_source_req::<Linux32>(GROUP, SOURCE, on, &mut bytes), Ok(260));
        assert_eq!((&bytes[12..28], &bytes[140..156]), (&GROUP.octets()[..], &SOURCE.octets()[..]));
        // 4 and 260 if sockaddr_storage has 256 bytes
        assert_eq!(encode_group_source_req::<Solaris>(GROUP, SOURCE, on, &mut bytes), Ok(516));
        assert_eq!((&bytes[12..28], &bytes[268..284]), (&GROUP.octets()[..], &SOURCE.octets()[..]));
        assert_eq!(encode_group_source_req::<Linux32Be>(GROUP, SOURCE, on, &mut bytes), Ok(260));
        assert_eq!(bytes[..6], [0, 0, 0, 3, 0, 10]);
    }

    #[test]
    fn ipv4_groups() {
        let (group, source) = (Ipv4Addr::new(239, 1, 2, 3), Ipv4Addr::new(192, 0, 2, 1));
        let on = InterfaceIndex::new(3).ok();
        assert_eq!(encode_mreqn::<Linux64>(group, None), [239, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(encode_mreqn::<Linux32Be>(group, on), [239, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 3]);
        let mut bytes = [0xff; 264];
        assert_eq!(encode_ipv4_group_source_req::<Linux64>(group, source, on, &mut bytes), Ok(264));
        assert_eq!(bytes[..16], [3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 239, 1, 2, 3]);
        assert_eq!(bytes[16..136], [0; 120]);
        assert_eq!(bytes[136..144], [2, 0, 0, 0, 192, 0, 2, 1]);
        assert_eq!(bytes[144..], [0; 120]);
        assert_eq!(encode_ipv4_group_source_req::<Linux32Be>(group, source, on, &mut bytes), Ok(260));
        assert_eq!(bytes[..12], [0, 0, 0, 3, 0, 2, 0, 0, 239, 1, 2, 3]);
        // With sin_len.
        assert_eq!(encode_ipv4_group_source_req::<FreeBsd64>(group, source, on, &mut bytes), Ok(264));
        assert_eq!(bytes[8..16], [16, 2, 0, 0, 239, 1, 2, 3]);
        let answer = encode_ipv4_group_source_req::<OpenBsd64>(group, source, on, &mut bytes);
        assert_eq!(answer, Err(GroupError::Unsupported));
    }

    #[test]
    fn the_interface_of_ipv4_multicast() {
        let on = InterfaceIndex::new(0x0102_0304).ok();
        let linux = [0, 0, 0, 0, 0, 0, 0, 0, 4, 3, 2, 1];
        assert_eq!(encode_ipv4_interface::<Linux64>(on), Some((linux, 12)));
        let windows = [1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(encode_ipv4_interface::<Windows64>(on), Some((windows, 4)));
        assert_eq!(encode_ipv4_interface::<Linux64>(None), Some(([0; 12], 12)));
        assert_eq!(encode_ipv4_interface::<OpenBsd64>(on), None);
    }

    #[test]
    fn without_an_interface_the_index_is_zero() {
        let mut bytes = [0xff; 264];
        encode_group_source_req::<Linux64>(GROUP, SOURCE, None, &mut bytes).unwrap();
        assert_eq!(bytes[..8], [0; 8]);
    }

    #[test]
    fn a_buffer_that_is_too_small_is_not_changed() {
        for available in 0..264 {
            let error = GroupError::BufferTooSmall(BufferTooSmall { needed: 264, available });
            let mut bytes = [0xff; 264];
            let answer = encode_group_source_req::<Linux64>(GROUP, SOURCE, None, &mut bytes[..available]);
            assert_eq!((answer, bytes), (Err(error), [0xff; 264]));
        }
    }

    #[test]
    fn a_platform_without_source_filters_is_an_error() {
        let answer = encode_group_source_req::<OpenBsd64>(GROUP, SOURCE, None, &mut [0; 264]);
        assert_eq!(answer, Err(GroupError::Unsupported));
        let text = "the platform has no source filters (RFC 3678)";
        assert_eq!(GroupError::Unsupported.to_string(), text);
    }
}
