//! `struct sockaddr_in6` in the layout of each system (RFC 3493 section 3.3).
//!
//! ```text
//!  0       2       4               8                              24              28      32
//!  +-------+-------+---------------+------------------------------+---------------+-------+
//!  |family | port  |   flow info   |           address            |   scope id    | (any) |
//!  +-------+-------+---------------+------------------------------+---------------+-------+
//!   (len,fam) network   unchanged          network order             host order
//! ```
//!
//! This is the layout of every system in [`abi`](crate::abi). A system described outside can have other fields
//! ([`SockaddrLayout`](crate::abi::SockaddrLayout)): what it lacks is not written, and read as 0.
//!
//! This module does not swap the bytes of the flow information, like the sockets of `std`: a program that sets it
//! passes it in network order (`u32::to_be`).

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};

use crate::abi::Platform;
use crate::wire;

/// The size of the largest `struct sockaddr_in6` of any system, in bytes.
pub const MAX_SIZE: usize = 32;

const PORT: usize = 2;

/// `sizeof(struct sockaddr_in)`, on every system.
pub(crate) const SIZE_IPV4: usize = 16;
/// The number of `AF_INET`, on every system.
const AF_INET: u8 = 2;
const ADDRESS_IPV4: usize = 4;

/// Encodes a `struct sockaddr_in6`.
///
/// The structure is the first [`SockaddrLayout::size`](crate::abi::SockaddrLayout::size) bytes of the result: 28 or 32
/// on the systems in [`abi`](crate::abi). The rest is zero. On a system whose scope has fewer than four bytes, a scope
/// that does not fit is written as 0, none.
///
/// ```
/// use ipv6_core::{abi::Linux64, sockaddr};
/// let bytes = sockaddr::encode::<Linux64>(&"[fe80::1%3]:53".parse().unwrap());
/// assert_eq!(bytes[..4], [10, 0, 0, 53]);
/// assert_eq!(bytes[24..28], [3, 0, 0, 0]);
/// ```
#[doc(alias = "sockaddr_in6", alias = "sin6_family", alias = "sin6_len", alias = "SIN6_LEN")]
#[must_use]
pub fn encode<P: Platform>(address: &SocketAddrV6) -> [u8; MAX_SIZE] {
    let layout = P::ABI.sockaddr;
    let mut bytes = [0; MAX_SIZE];
    // Each field is within MAX_SIZE: no write fails. A field that a table places beyond it is not written.
    let _ = wire::put(&mut bytes, 0, family::<P>(layout.size, layout.af_inet6));
    let _ = wire::put(&mut bytes, PORT, address.port().to_be_bytes());
    let _ = wire::put(&mut bytes, layout.address, address.ip().octets());
    if let Some(at) = layout.flow_info {
        let _ = wire::put(&mut bytes, at, wire::bytes_of_u32::<P>(address.flowinfo()));
    }
    if let Some(at) = layout.scope {
        let scope = address.scope_id();
        let _ = match layout.scope_size {
            1 => wire::put(&mut bytes, at, [u8::try_from(scope).unwrap_or(0)]),
            2 => wire::put(&mut bytes, at, wire::bytes_of_u16::<P>(u16::try_from(scope).unwrap_or(0))),
            _ => wire::put(&mut bytes, at, wire::bytes_of_u32::<P>(scope)),
        };
    }
    bytes
}

/// Encodes a `struct sockaddr_in` with port 0, for the requests of IPv4 groups.
pub(crate) fn encode_ipv4<P: Platform>(address: Ipv4Addr) -> [u8; SIZE_IPV4] {
    let mut bytes = [0; SIZE_IPV4];
    // Both fields are within the array: no write fails.
    let _ = wire::put(&mut bytes, 0, family::<P>(SIZE_IPV4, AF_INET));
    let _ = wire::put(&mut bytes, ADDRESS_IPV4, address.octets());
    bytes
}

/// Encodes a group, or a source of it: an IPv4-mapped address of an IPv4-mapped group as `struct sockaddr_in`. The rest is
/// zero. The group decides: Linux reads the sources of an IPv6 group as those of IPv6, whatever their family is.
pub(crate) fn encode_of_group<P: Platform>(address: Ipv6Addr, group: Ipv6Addr) -> [u8; MAX_SIZE] {
    let Some(ipv4) = group.to_ipv4_mapped().and_then(|_| address.to_ipv4_mapped()) else {
        return encode::<P>(&SocketAddrV6::new(address, 0, 0, 0));
    };
    let mut bytes = [0; MAX_SIZE];
    // Within the array: the write does not fail.
    let _ = wire::put(&mut bytes, 0, encode_ipv4::<P>(ipv4));
    bytes
}

/// Decodes a source: an IPv4-mapped one from a `struct sockaddr_in`.
pub(crate) fn decode_source<P: Platform>(bytes: &[u8]) -> Option<Ipv6Addr> {
    if let Some(address) = decode::<P>(bytes) {
        return Some(*address.ip());
    }
    let head: [u8; 2] = wire::chunk(bytes, 0)?;
    let is_ipv4 = if P::ABI.sockaddr.length_byte {
        head[1] == AF_INET
    } else {
        head == wire::bytes_of_u16::<P>(u16::from(AF_INET))
    };
    let address = Ipv4Addr::from(wire::chunk::<4>(bytes, ADDRESS_IPV4)?);
    is_ipv4.then(|| address.to_ipv6_mapped())
}

/// The first two bytes of an address of this size and family.
fn family<P: Platform>(size: usize, family: u8) -> [u8; 2] {
    if P::ABI.sockaddr.length_byte {
        [u8::try_from(size).unwrap_or(u8::MAX), family]
    } else {
        wire::bytes_of_u16::<P>(u16::from(family))
    }
}

/// Decodes the `struct sockaddr_in6` at the start of `bytes`.
///
/// `None` if there are fewer bytes than the fields take (28 on the systems in [`abi`](crate::abi)), or the address
/// family is not `AF_INET6`. The length byte of the BSDs (`sin6_len`) is ignored.
///
/// ```
/// use ipv6_core::{abi::Linux64, sockaddr};
/// let address = "[fe80::1%3]:53".parse().unwrap();
/// assert_eq!(sockaddr::decode::<Linux64>(&sockaddr::encode::<Linux64>(&address)), Some(address));
/// assert_eq!(sockaddr::decode::<Linux64>(&[2; 28]), None);
/// ```
#[doc(alias = "sockaddr_in6")]
#[must_use]
pub fn decode<P: Platform>(bytes: &[u8]) -> Option<SocketAddrV6> {
    let layout = P::ABI.sockaddr;
    let head: [u8; 2] = wire::chunk(bytes, 0)?;
    let of_ipv6 = if layout.length_byte {
        head[1] == layout.af_inet6
    } else {
        head == wire::bytes_of_u16::<P>(u16::from(layout.af_inet6))
    };
    if !of_ipv6 {
        return None;
    }
    let port = u16::from_be_bytes(wire::chunk(bytes, PORT)?);
    let address = Ipv6Addr::from(wire::chunk::<16>(bytes, layout.address)?);
    let flow_info = match layout.flow_info {
        Some(at) => wire::read_u32::<P>(bytes, at)?,
        None => 0,
    };
    let scope = match (layout.scope, layout.scope_size) {
        (None, _) => 0,
        (Some(at), 1) => u32::from(*bytes.get(at)?),
        (Some(at), 2) => u32::from(wire::read_u16::<P>(&wire::chunk::<2>(bytes, at)?)?),
        (Some(at), _) => wire::read_u32::<P>(bytes, at)?,
    };
    Some(SocketAddrV6::new(address, port, flow_info, scope))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Abi, Linux64, Linux64Be, SockaddrLayout};

    /// FreeBSD: the length before the family.
    enum Bsd {}

    impl Platform for Bsd {
        const ABI: Abi = Abi { sockaddr: SockaddrLayout::new(28, true, 28), ..Linux64::ABI };
    }

    /// illumos on SPARC: four more bytes at the end (`__sin6_src_id`).
    enum Illumos {}

    impl Platform for Illumos {
        const ABI: Abi = Abi { sockaddr: SockaddrLayout::new(26, false, 32), ..Linux64Be::ABI };
    }

    //  family 10   port 1024 = 0x400   flow info      fe80::1, scope 3
    const LITTLE: [u8; 28] =
        [10, 0, 4, 0, 4, 3, 2, 1, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 0, 0, 0];
    const BIG: [u8; 28] =
        [0, 10, 4, 0, 1, 2, 3, 4, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3];

    #[test]
    fn golden() {
        let address = SocketAddrV6::new("fe80::1".parse().unwrap(), 1024, 0x0102_0304, 3);
        assert_eq!(encode::<Linux64>(&address)[..28], LITTLE);
        assert_eq!(encode::<Linux64Be>(&address)[..28], BIG);
        assert_eq!(decode::<Linux64>(&LITTLE), Some(address));
        assert_eq!(decode::<Linux64Be>(&BIG), Some(address));
    }

    #[test]
    fn other_systems() {
        let address = SocketAddrV6::new("fe80::1".parse().unwrap(), 1024, 0x0102_0304, 3);
        // Only the first two bytes and the bytes after the scope differ between systems.
        let bsd = [&[28, 28], &LITTLE[2..], &[0; 4]].concat();
        assert_eq!(encode::<Bsd>(&address)[..], bsd);
        assert_eq!(decode::<Bsd>(&bsd[..28]), Some(address));
        let illumos = [&[0, 26], &BIG[2..], &[0; 4]].concat();
        assert_eq!(encode::<Illumos>(&address)[..], illumos);
        assert_eq!(decode::<Illumos>(&illumos), Some(address));
    }

    #[test]
    fn the_length_byte_is_ignored() {
        // Some programs do not set sin6_len, and the kernel accepts that.
        let mut bytes = LITTLE;
        for length in [0, 16, 28, 255] {
            bytes[..2].copy_from_slice(&[length, 28]);
            assert!(decode::<Bsd>(&bytes).is_some());
        }
        bytes[1] = 2;
        assert_eq!(decode::<Bsd>(&bytes), None);
    }

    #[test]
    fn too_few_bytes_and_other_families_are_none() {
        for len in 0..28 {
            assert_eq!(decode::<Linux64>(&LITTLE[..len]), None);
        }
        let mut inet = LITTLE;
        inet[0] = 2;
        assert_eq!(decode::<Linux64>(&inet), None);
        assert_eq!(decode::<Linux64>(&BIG), None);
    }
    /// Zephyr (include/zephyr/net/net_ip.h): no flow information, and a scope of one byte.
    enum Zephyr {}

    impl Platform for Zephyr {
        const ABI: Abi = Abi {
            sockaddr: SockaddrLayout::new(2, false, 24)
                .with_address(4)
                .with_flow_info(None)
                .with_scope(Some(20), 1),
            ..Linux64::ABI
        };
    }

    /// A scope of two bytes before the address.
    enum Short {}

    impl Platform for Short {
        const ABI: Abi = Abi {
            sockaddr: SockaddrLayout::new(9, false, 22)
                .with_flow_info(None)
                .with_address(6)
                .with_scope(Some(4), 2),
            ..Linux64Be::ABI
        };
    }

    /// An address alone.
    enum Bare {}

    impl Platform for Bare {
        const ABI: Abi = Abi {
            sockaddr: SockaddrLayout::new(9, true, 20)
                .with_flow_info(None)
                .with_address(4)
                .with_scope(None, 0),
            ..Linux64::ABI
        };
    }

    #[test]
    fn structures_with_other_fields() {
        let address = SocketAddrV6::new("fe80::1".parse().unwrap(), 1024, 0x0102_0304, 3);
        let (no_flow, no_scope) =
            (SocketAddrV6::new(*address.ip(), 1024, 0, 3), SocketAddrV6::new(*address.ip(), 1024, 0, 0));
        let octets = address.ip().octets();

        let zephyr = [&[2, 0, 4, 0], &octets[..], &[3, 0, 0, 0], &[0; 8]].concat();
        assert_eq!(encode::<Zephyr>(&address)[..], zephyr);
        assert_eq!(decode::<Zephyr>(&zephyr[..24]), Some(no_flow));
        // Only the fields must be there.
        assert_eq!((decode::<Zephyr>(&zephyr[..21]), decode::<Zephyr>(&zephyr[..20])), (Some(no_flow), None));
        assert_eq!(decode::<Zephyr>(&LITTLE), None);
        // A scope that does not fit.
        let far = SocketAddrV6::new(*address.ip(), 1024, 0, 256);
        assert_eq!(decode::<Zephyr>(&encode::<Zephyr>(&far)), Some(no_scope));

        let short = [&[0, 9, 4, 0, 0, 3], &octets[..], &[0; 10]].concat();
        assert_eq!(encode::<Short>(&address)[..], short);
        assert_eq!((decode::<Short>(&short[..22]), decode::<Short>(&short[..21])), (Some(no_flow), None));
        assert_eq!(decode::<Short>(&encode::<Short>(&far)), Some(far));

        let bare = [&[20, 9, 4, 0], &octets[..], &[0; 12]].concat();
        assert_eq!(encode::<Bare>(&address)[..], bare);
        assert_eq!((decode::<Bare>(&bare[..20]), decode::<Bare>(&bare[..19])), (Some(no_scope), None));
    }

    #[test]
    fn a_scope_has_one_two_or_four_bytes() {
        /// A stack whose scope is a byte.
        enum Byte {}
        impl Platform for Byte {
            const ABI: Abi = Abi {
                sockaddr: SockaddrLayout::new(10, false, 28).with_scope(Some(24), 1),
                ..Linux64Be::ABI
            };
        }
        /// A stack whose scope has two bytes.
        enum Short {}
        impl Platform for Short {
            const ABI: Abi = Abi {
                sockaddr: SockaddrLayout::new(10, false, 28).with_scope(Some(24), 2),
                ..Linux64Be::ABI
            };
        }

        let address = SocketAddrV6::new("fe80::1".parse().unwrap(), 1024, 0, 3);
        assert_eq!(encode::<Byte>(&address)[24..28], [3, 0, 0, 0]);
        assert_eq!(encode::<Short>(&address)[24..28], [0, 3, 0, 0]);
        assert_eq!(encode::<Linux64Be>(&address)[24..28], [0, 0, 0, 3]);
        assert_eq!(decode::<Byte>(&encode::<Byte>(&address)), Some(address));
        assert_eq!(decode::<Short>(&encode::<Short>(&address)), Some(address));
    }
}
