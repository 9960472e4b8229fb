//! Group requests: the structures that join and leave multicast groups (RFC 3678 section 5.1).
//!
//! ```text
//!  struct group_req                           struct group_source_req
//!  +-----------+----+---------------------+   +-----------+----+---------+---------------------+
//!  | interface |    | group (128 bytes …) |   | interface |    |  group  |       source        |
//!  +-----------+----+---------------------+   +-----------+----+---------+---------------------+
//!  0           4    group                 source                         source                size
//! ```
//!
//! The addresses are a `struct sockaddr_in6` each in the room of a `struct sockaddr_storage`. What
//! lies where is the platform's [`GroupReqLayout`](crate::abi::GroupReqLayout).

use core::net::{Ipv6Addr, SocketAddrV6};

use crate::abi::Platform;
use crate::error::BufferTooSmall;
use crate::interface::InterfaceIndex;
use crate::{sockaddr, wire};

/// Why a group request could not be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupError {
    /// The platform has no group requests.
    Unsupported,
    /// The buffer is smaller than the structure.
    BufferTooSmall(BufferTooSmall),
}

impl core::fmt::Display for GroupError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unsupported => f.write_str("the platform has no group requests (RFC 3678)"),
            Self::BufferTooSmall(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for GroupError {}

/// Writes a `struct group_req`, and says how many bytes it has. `on: None` lets the system choose the
/// interface.
///
/// # Errors
///
/// [`GroupError`] when the platform has no such structure or the buffer is smaller than it.
///
/// ```
/// use ipv6_core::{InterfaceIndex, abi::Linux64, group};
/// let mut bytes = [0; 136];
/// let group = "ff02::114".parse().unwrap();
/// assert_eq!(group::encode_group_req::<Linux64>(group, InterfaceIndex::new(3), &mut bytes), Ok(136));
/// assert_eq!(bytes[..4], [3, 0, 0, 0]);
/// assert_eq!(bytes[16..18], [0xff, 0x02]);
/// ```
#[doc(alias = "group_req")]
pub fn encode_group_req<P: Platform>(
    group: Ipv6Addr,
    on: Option<InterfaceIndex>,
    bytes: &mut [u8],
) -> Result<usize, GroupError> {
    let layout = P::ABI.group_req.ok_or(GroupError::Unsupported)?;
    encode::<P>(on, &[(layout.group, group)], layout.source, bytes)
}

/// Writes a `struct group_source_req`, and says how many bytes it has. `on: None` lets the system
/// choose the interface.
///
/// # Errors
///
/// [`GroupError`] when the platform has no such structure or the buffer is smaller than it.
#[doc(alias = "group_source_req")]
pub fn encode_group_source_req<P: Platform>(
    group: Ipv6Addr,
    source: Ipv6Addr,
    on: Option<InterfaceIndex>,
    bytes: &mut [u8],
) -> Result<usize, GroupError> {
    let layout = P::ABI.group_req.ok_or(GroupError::Unsupported)?;
    encode::<P>(on, &[(layout.group, group), (layout.source, source)], layout.size, bytes)
}

fn encode<P: Platform>(
    on: Option<InterfaceIndex>,
    addresses: &[(usize, Ipv6Addr)],
    size: usize,
    bytes: &mut [u8],
) -> Result<usize, GroupError> {
    let too_small = BufferTooSmall { needed: size, available: bytes.len() };
    let request = bytes.get_mut(..size).ok_or(GroupError::BufferTooSmall(too_small))?;
    request.fill(0);
    let index = on.map_or(0, InterfaceIndex::get);
    // The layouts are the platform's own structures: every field lies within `size`.
    let _ = wire::put(request, 0, wire::bytes_of_u32::<P>(index));
    for &(offset, address) in addresses {
        let name = sockaddr::encode::<P>(&SocketAddrV6::new(address, 0, 0, 0));
        let _ = wire::put(request, offset, name);
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Abi, Linux32, Linux32Be, Linux64};

    /// A system that has no group requests, such as OpenBSD.
    enum Without {}

    impl Platform for Without {
        const ABI: Abi = Abi { group_req: None, ..Linux64::ABI };
    }

    const GROUP: Ipv6Addr = Ipv6Addr::new(0xff3e, 0, 0, 0, 0, 0, 0x8000, 1);
    const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

    #[test]
    fn group_and_source_lie_where_the_platform_has_them() {
        let on = InterfaceIndex::new(3);
        let mut bytes = [0xff; 264];
        // interface at 0, group's sockaddr at 8, source's at 136
        assert_eq!(encode_group_source_req::<Linux64>(GROUP, SOURCE, on, &mut bytes), Ok(264));
        assert_eq!(bytes[..16], [3, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[16..32], GROUP.octets());
        assert_eq!(bytes[32..136], [0; 104]);
        assert_eq!(bytes[136..144], [10, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[144..160], SOURCE.octets());
        assert_eq!(bytes[160..], [0; 104]);
        // 4 and 132 where a long has four bytes
        assert_eq!(encode_group_source_req::<Linux32>(GROUP, SOURCE, on, &mut bytes), Ok(260));
        assert_eq!((&bytes[12..28], &bytes[140..156]), (&GROUP.octets()[..], &SOURCE.octets()[..]));
        assert_eq!(encode_group_req::<Linux32Be>(GROUP, on, &mut bytes), Ok(132));
        assert_eq!(bytes[..6], [0, 0, 0, 3, 0, 10]);
    }

    #[test]
    fn no_interface_is_zero() {
        let mut bytes = [0xff; 136];
        encode_group_req::<Linux64>(GROUP, None, &mut bytes).unwrap();
        assert_eq!(bytes[..8], [0; 8]);
    }

    #[test]
    fn a_buffer_that_is_too_small() {
        for available in 0..136 {
            let error = GroupError::BufferTooSmall(BufferTooSmall { needed: 136, available });
            assert_eq!(encode_group_req::<Linux64>(GROUP, None, &mut [0; 136][..available]), Err(error));
        }
        for available in [0, 136, 263] {
            let error = GroupError::BufferTooSmall(BufferTooSmall { needed: 264, available });
            let mut bytes = [0xff; 264];
            let answer = encode_group_source_req::<Linux64>(GROUP, SOURCE, None, &mut bytes[..available]);
            assert_eq!((answer, bytes), (Err(error), [0xff; 264]));
        }
    }

    #[test]
    fn where_there_are_none() {
        let mut bytes = [0; 264];
        assert_eq!(encode_group_req::<Without>(GROUP, None, &mut bytes), Err(GroupError::Unsupported));
        let answer = encode_group_source_req::<Without>(GROUP, SOURCE, None, &mut bytes);
        assert_eq!(answer, Err(GroupError::Unsupported));
        let text = "the platform has no group requests (RFC 3678)";
        assert_eq!(GroupError::Unsupported.to_string(), text);
    }
}
