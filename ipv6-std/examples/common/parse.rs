//! Parsers of command-line values.

use std::net::{Ipv4Addr, SocketAddrV6};
use std::time::Duration;

use ipv6_std::parse_scoped;

/// Parses seconds, as in `1.5`.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// Parses an address without a port, as in `2001:db8::1` or `fe80::1%eth0`.
pub fn address(text: &str) -> Result<SocketAddrV6, String> {
    let address = parse_scoped(text).map_err(|error| error.to_string())?;
    if address.port() == 0 { Ok(address) } else { Err("an address without a port is needed".into()) }
}

/// Parses an IPv6 address as [`address`] does, or an IPv4 address as a mapped one.
pub fn address_of_both(text: &str) -> Result<SocketAddrV6, String> {
    match text.parse::<Ipv4Addr>() {
        Ok(v4) => Ok(SocketAddrV6::new(v4.to_ipv6_mapped(), 0, 0, 0)),
        Err(_) => address(text),
    }
}

/// Parses an address with a port, as in `[::1]:7007` or `[fe80::1%eth0]:7007`.
pub fn listen_address(text: &str) -> Result<SocketAddrV6, String> {
    if !text.starts_with('[') || text.ends_with(']') {
        return Err("not of the form [address]:port, as in [::1]:7007 or [fe80::1%eth0]:7007".into());
    }
    let address = parse_scoped(text).map_err(|error| error.to_string())?;
    super::has_interface(address, None).map_err(|error| error.to_string())?;
    if address.ip().to_canonical().is_multicast() {
        return Err("a group; a server needs an address of this host".into());
    }
    Ok(address)
}

/// Parses a multicast address, with or without an interface, as in `ff02::114%eth0`, or one of IPv4 as a mapped one.
pub fn group(text: &str) -> Result<SocketAddrV6, String> {
    let group = address_of_both(text)?;
    if group.ip().to_canonical().is_multicast() { Ok(group) } else { Err("not a multicast address".into()) }
}

/// Parses a byte in decimal or as in `0xc0`.
pub fn byte(text: &str) -> Result<u8, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|error| error.to_string())
}
