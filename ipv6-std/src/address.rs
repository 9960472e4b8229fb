//! Addresses: IPv4 in IPv6, and text with an interface.

use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};

use ipv6_core::InterfaceIndex;

use crate::error;
use crate::interface::{self, Interface};

/// Converts `address` for an IPv6 socket: an IPv4 address becomes IPv4-mapped (RFC 4291 section 2.5.5.2), an IPv6
/// address does not change.
///
/// ```
/// use ipv6_std::mapped;
/// assert_eq!(mapped("192.0.2.1:53".parse().unwrap()).to_string(), "[::ffff:192.0.2.1]:53");
/// assert_eq!(mapped("[fe80::1%2]:53".parse().unwrap()).to_string(), "[fe80::1%2]:53");
/// ```
#[must_use]
#[doc(alias = "to_ipv6_mapped", alias = "IN6_IS_ADDR_V4MAPPED", alias = "AI_V4MAPPED")]
pub fn mapped(address: SocketAddr) -> SocketAddrV6 {
    match address {
        SocketAddr::V4(v4) => SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0),
        SocketAddr::V6(v6) => v6,
    }
}

/// Mixes the bits of an address and of what belongs to it. The upper bits of the result are mixed best.
pub(crate) fn hash(address: &Ipv6Addr, rest: u64) -> u64 {
    // Of the golden ratio (Knuth, volume 3, section 6.4).
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let bits = address.to_bits();
    [(bits >> 64) as u64, bits as u64, rest]
        .into_iter()
        .fold(0, |mixed: u64, part| (mixed ^ part).wrapping_mul(MULTIPLIER))
}

/// Parses an IPv6 address, with the interface after `%` as its scope (RFC 4007 section 11). The interface is a name, or a
/// number if no interface has this name. `std` parses numbers only.
///
/// | Text | Result |
/// |---|---|
/// | `fe80::1%eth0`, `[fe80::1%eth0]` | the address with the scope, port 0 |
/// | `[fe80::1%eth0]:53`, `[fe80::1%2]:53` | with a port |
/// | `fe80::1`, `2001:db8::1`, `[2001:db8::1]:53` | without a scope |
///
/// Systems: all.
///
/// # Errors
///
/// `NotFound`, with its name, when there is no such interface. `InvalidInput`, with the text, when it is not one
/// of these forms, when the interface is 0, and for an interface after an address that takes none: one that is neither
/// link-local nor a group of link-local or interface-local scope.
///
/// ```
/// use ipv6_std::{Interface, parse_scoped};
/// let lo = Interface::by_name("lo")?;
/// let address = parse_scoped("[fe80::1%lo]:53")?;
/// assert_eq!((address.scope_id(), address.port()), (lo.index().get(), 53));
///
/// let error = parse_scoped("fe80::1%eth99").unwrap_err();
/// assert_eq!(error.to_string(), "fe80::1%eth99: no interface eth99");
/// # std::io::Result::Ok(())
/// ```
#[doc(alias = "getaddrinfo", alias = "inet_pton", alias = "ResolveUDPAddr", alias = "sin6_scope_id")]
pub fn parse_scoped(text: &str) -> io::Result<SocketAddrV6> {
    let invalid = |why: &str| error::invalid(format!("{text}: {why}"));
    let (inner, port) = match text.strip_prefix('[') {
        None => (text, 0),
        Some(rest) => {
            let (inner, end) = rest.split_once(']').ok_or_else(|| invalid("no ] after the address"))?;
            (inner, port(end).ok_or_else(|| invalid("no port from 0 to 65535, as in [::1]:53, after the ]"))?)
        }
    };
    let (address, zone) = match inner.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (inner, None),
    };
    let no_address = "not an IPv6 address (with a port, write it in brackets: [::1]:53)";
    let ip: Ipv6Addr = address.parse().map_err(|_| invalid(no_address))?;
    let scope = match zone {
        None => 0,
        Some(_) if !takes_interface(&ip) => {
            return Err(invalid(
                "only link-local addresses and groups of link-local or interface-local scope take an interface",
            ));
        }
        Some(zone) => index(zone).map_err(|error| match error.raw_os_error() {
            Some(_) => {
                error::explained(error.kind(), error, format!("the interface of {text} was not looked up"))
            }
            None => io::Error::new(error.kind(), format!("{text}: {error}")),
        })?,
    };
    Ok(SocketAddrV6::new(ip, port, 0, scope))
}

/// The port after the bracket: 0 without one.
fn port(end: &str) -> Option<u16> {
    match end.strip_prefix(':') {
        None => end.is_empty().then_some(0),
        // `u16` also parses "+1".
        Some(digits) => digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit())),
    }
}

/// Whether the system reads the scope of such an address: it is unique on one link only, or a group of the
/// scopes 1 and 2 (RFC 4291 section 2.7).
fn takes_interface(ip: &Ipv6Addr) -> bool {
    let [first, second, ..] = ip.octets();
    ip.is_unicast_link_local() || (first == 0xff && matches!(second & 0xf, 1 | 2))
}

/// The index of an interface that is given as its name or its number.
fn index(zone: &str) -> io::Result<u32> {
    if zone.is_empty() {
        return Err(error::invalid("no interface after the %"));
    }
    let by_name = interface::index_of(zone);
    let number = zone.parse::<u32>().ok().filter(|_| zone.bytes().all(|byte| byte.is_ascii_digit()));
    match (by_name, number) {
        (Err(error), Some(number)) if error.kind() == io::ErrorKind::NotFound => {
            let index = InterfaceIndex::new(number)
                .map_err(|_| error::invalid("there is no interface 0: omit % to let the system choose"))?;
            Interface::name_of(index)?;
            Ok(number)
        }
        (by_name, _) => Ok(by_name?.get()),
    }
}
