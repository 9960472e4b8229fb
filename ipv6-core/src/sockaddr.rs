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
//! This module does not swap the bytes of the flow information, like the sockets of `std`: a program that sets it
//! passes it in network order (`u32::to_be`).

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};

use crate::abi::Platform;
use crate::wire;

/// The size of the largest `struct sockaddr_in6` of any system, in bytes.
pub const MAX_SIZE: usize = 32;

const PORT: usize = 2;
const FLOW_INFO: usize = 4;
const ADDRESS: usize = 8;
const SCOPE: usize = 24;

/// `sizeof(struct sockaddr_in)`, on every system.
pub(crate) const SIZE_IPV4: usize = 16;
/// The number of `AF_INET`, on every system.
const AF_INET: u8 = 2;
const ADDRESS_IPV4: usize = 4;

/// Encodes a `struct sockaddr_in6`.
///
/// The structure is the first [`SockaddrLayout::size`](crate::abi::SockaddrLayout::size) bytes of the result, 28 or 32.
/// The rest is zero.
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
    // Each field is within MAX_SIZE: no write fails.
    let _ = wire::put(&mut bytes, 0, family::<P>(layout.size, layout.af_inet6));
    let _ = wire::put(&mut bytes, PORT, address.port().to_be_bytes());
    let _ = wire::put(&mut bytes, FLOW_INFO, wire::bytes_of_u32::<P>(address.flowinfo()));
    let _ = wire::put(&mut bytes, ADDRESS, address.ip().octets());
    let _ = wire::put(&mut bytes, SCOPE, wire::bytes_of_u32::<P>(address.scope_id()));
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
/// `None` if there are fewer than 28 bytes or the address family is not `AF_INET6`. The length byte of the BSDs
/// (`sin6_len`) is ignored.
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
    let flow_info = wire::read_u32::<P>(bytes, FLOW_INFO)?;
    let address = Ipv6Addr::from(wire::chunk::<16>(bytes, ADDRESS)?);
    let scope = wire::read_u32::<P>(bytes, SCOPE)?;
    Some(SocketAddrV6::new(address, port, flow_info, scope))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Abi, Linux64, Linux64Be, SockaddrLayout};

    /// FreeBSD: the length before the family.
    enum Bsd {}

    impl Platform for Bsd {
        const ABI: Abi =
            Abi { sockaddr: SockaddrLayout { af_inet6: 28, length_byte: true, size: 28 }, ..Linux64::ABI };
    }

    /// illumos on SPARC: four more bytes at the end (`__sin6_src_id`).
    enum Illumos {}

    impl Platform for Illumos {
        const ABI: Abi =
            Abi { sockaddr: SockaddrLayout { af_inet6: 26, length_byte: false, size: 32 }, ..Linux64Be::ABI };
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
}
