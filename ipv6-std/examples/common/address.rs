//! Destinations: names, addresses with an interface, and what to do when nothing can be sent to one.

use std::io::{self, ErrorKind};
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};

use ipv6_std::{Interface, mapped, parse_scoped};

use super::Outcome;

/// Resolves a host name, or an address such as `fe80::1%eth0`, to the first IPv6 address.
pub fn resolve(host: &str) -> Outcome<SocketAddrV6> {
    // The system's resolver knows zones too, but does not say which interface is missing.
    let is_written = host.contains([':', '%', '[']);
    let address = if is_written { parse_scoped(host)? } else { mapped(lookup(host)?) };
    match address.ip().to_ipv4_mapped() {
        None => Ok(address),
        Some(v4) if is_written => {
            Err(format!("{host} is the IPv4 address {v4}; an IPv6 address is needed").into())
        }
        Some(_) => Err(format!("{host} has no IPv6 address").into()),
    }
}

/// The first IPv6 address of a host, or else its first IPv4 address.
fn lookup(host: &str) -> Outcome<SocketAddr> {
    if host.is_empty() {
        return Err("the name of the host is empty".into());
    }
    let addresses = (host, 0).to_socket_addrs().map_err(|error| format!("{host}: {error}"))?;
    let first = addresses.min_by_key(SocketAddr::is_ipv4);
    first.ok_or_else(|| format!("{host} has no address").into())
}

/// Resolves a host with a port, as in `host:7007`, `[2001:db8::1]:7007` or `[fe80::1%eth0]:7007`. The result for a host
/// with IPv4 addresses only, as in `192.0.2.1:7007`, is mapped.
pub fn resolve_with_port(server: &str) -> Outcome<SocketAddrV6> {
    if server.is_empty() {
        return Err("the server is empty; use one such as [::1]:7007".into());
    }
    let split = server.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
    let (host, port) = split.ok_or_else(|| format!("{server} has no port"))?;
    if host.contains(':') && !host.starts_with('[') {
        return Err(format!("{server}: with a port, write the address in brackets: [{host}]:{port}").into());
    }
    let mut server = if host.starts_with('[') { parse_scoped(host)? } else { mapped(lookup(host)?) };
    server.set_port(port.parse().map_err(|error| format!("port {port}: {error}"))?);
    Ok(server)
}

/// Returns a clear error if `to` exists once on every link (RFC 4007 section 6), and neither its zone nor an option names
/// the interface; a send would fail with "invalid argument".
pub fn has_interface(to: SocketAddrV6, on: Option<&Interface>) -> Outcome<()> {
    let ip = to.ip();
    let [first, second, ..] = ip.octets();
    let is_on_link = ip.is_unicast_link_local() || (first == 0xff && matches!(second & 0xf, 1 | 2));
    if is_on_link && to.scope_id() == 0 && on.is_none() {
        return Err(format!("{ip} is link-local: name its interface, as in {ip}%eth0").into());
    }
    Ok(())
}

/// Returns a clear error if `to` cannot be the address of one host, or needs an interface.
pub fn is_one_host(to: SocketAddrV6) -> Outcome<()> {
    let ip = to.ip().to_canonical();
    if ip.is_multicast() {
        return Err(format!("{ip} is a group; a path has one host at its end").into());
    }
    if ip.is_unspecified() {
        // Linux sends to `::1` instead, and reports name that address.
        return Err(format!("{ip} is no address of a host; ::1 is this host").into());
    }
    has_interface(to, None)
}

/// An address as people write it: without the form of a mapped IPv4 address.
pub fn plain(address: SocketAddrV6) -> SocketAddr {
    match address.ip().to_ipv4_mapped() {
        Some(v4) => SocketAddr::new(v4.into(), address.port()),
        None => address.into(),
    }
}

/// The error of a send or a connect, with the cause that the system's text does not name.
pub fn not_sent(error: &io::Error, to: Ipv6Addr) -> String {
    let to = to.to_canonical();
    match error.kind() {
        // EACCES for a route of the type `prohibit`, EPERM for a rule of a packet filter.
        ErrorKind::PermissionDenied => {
            format!("a route or a firewall of this host prohibits packets to {to}: {error}")
        }
        ErrorKind::NetworkUnreachable => format!("this host has no route to {to}: {error}"),
        ErrorKind::HostUnreachable => {
            format!("no host answers for {to} on the link, or a route rejects it: {error}")
        }
        ErrorKind::AddrNotAvailable => format!("this host has no address that can send to {to}: {error}"),
        // Linux: a route of the type `blackhole`. An error of the library names its own cause.
        ErrorKind::InvalidInput if error.raw_os_error().is_some() => {
            format!("a blackhole route of this host may discard packets to {to}: {error}")
        }
        _ => error.to_string(),
    }
}
