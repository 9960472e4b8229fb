//! The multicast routing of the host (Linux, `net/ipv6/ip6mr.c`), over a raw ICMPv6 socket.
//!
//! One socket of a network namespace, or of a table, is the router. When it is closed, the kernel removes the router's
//! interfaces and routes.

use core::net::Ipv6Addr;

use ipv6_core::abi::OptionNumber;
use ipv6_core::{InterfaceIndex, Mif, MifCounters, MulticastRoute, RouteCounters, multicast_route};

use crate::error::{Errno, Error};
use crate::fd::AsFd;
use crate::host::{Host, IS_LINUX};
use crate::os;

/// The options of `linux/mroute6.h`: name, and number.
const INIT: (&str, i32) = ("MRT6_INIT", 200);
const DONE: (&str, i32) = ("MRT6_DONE", 201);
const ADD_MIF: (&str, i32) = ("MRT6_ADD_MIF", 202);
const DEL_MIF: (&str, i32) = ("MRT6_DEL_MIF", 203);
const ADD_MFC: (&str, i32) = ("MRT6_ADD_MFC", 204);
const DEL_MFC: (&str, i32) = ("MRT6_DEL_MFC", 205);
const TABLE: (&str, i32) = ("MRT6_TABLE", 209);
const ADD_MFC_PROXY: (&str, i32) = ("MRT6_ADD_MFC_PROXY", 210);
const DEL_MFC_PROXY: (&str, i32) = ("MRT6_DEL_MFC_PROXY", 211);

/// `SIOCPROTOPRIVATE` and the number after it.
const COUNTERS_OF_MIF: u32 = 0x89e0;
const COUNTERS_OF_ROUTE: u32 = 0x89e1;

/// Sets one of the options.
fn set(socket: impl AsFd, (name, number): (&'static str, i32), value: &[u8]) -> Result<(), Error> {
    if !IS_LINUX {
        return Err(Error::Unsupported(name));
    }
    let number = OptionNumber::new(41, number);
    // SAFETY: no pointer is in the values of these options: ints, and the structures of `multicast_route`.
    unsafe { os::set_option(socket.as_fd(), number, value) }?;
    Ok(())
}

/// Makes a raw ICMPv6 socket the multicast router, of this table if it is not the default one.
///
/// # Errors
///
/// [`Error::Unsupported`] on other systems than Linux. `EPERM` without `CAP_NET_ADMIN`, `EADDRINUSE` when there is a router
/// already, and `EOPNOTSUPP` for another kind of socket.
#[doc(alias = "MRT6_INIT", alias = "MRT6_TABLE")]
pub fn start(socket: impl AsFd, table: Option<u32>) -> Result<(), Error> {
    let socket = socket.as_fd();
    if let Some(table) = table {
        set(socket, TABLE, &table.to_ne_bytes())?;
    }
    set(socket, INIT, &1_i32.to_ne_bytes())
}

/// Ends the routing of a socket: the kernel removes the router's interfaces and routes. Closing the last descriptor of the
/// socket does the same.
///
/// # Errors
///
/// `EACCES` when the socket is not the multicast router.
#[doc(alias = "MRT6_DONE")]
pub fn stop(socket: impl AsFd) -> Result<(), Error> {
    set(socket, DONE, &0_i32.to_ne_bytes())
}

/// Adds a network interface to the router, with this number.
///
/// # Errors
///
/// `EADDRINUSE` when the number is in use, `EADDRNOTAVAIL` when there is no such interface, and `EINVAL` for an index over
/// 65,535.
#[doc(alias = "MRT6_ADD_MIF")]
pub fn add_interface(socket: impl AsFd, mif: Mif, on: InterfaceIndex) -> Result<(), Error> {
    let value = multicast_route::encode_mif::<Host>(mif, on).ok_or(Errno::INVAL)?;
    set(socket, ADD_MIF, &value)
}

/// Removes an interface from the router.
///
/// # Errors
///
/// `EADDRNOTAVAIL` when the router does not have it.
#[doc(alias = "MRT6_DEL_MIF")]
pub fn remove_interface(socket: impl AsFd, mif: Mif) -> Result<(), Error> {
    set(socket, DEL_MIF, &u16::from(mif.get()).to_ne_bytes())
}

/// Adds a route, or replaces that of the same source and group.
///
/// # Errors
///
/// `EINVAL` for a group that is not multicast.
#[doc(alias = "MRT6_ADD_MFC", alias = "MRT6_ADD_MFC_PROXY")]
pub fn add_route(socket: impl AsFd, route: &MulticastRoute) -> Result<(), Error> {
    let option = if route.source.is_some() { ADD_MFC } else { ADD_MFC_PROXY };
    set(socket, option, &route.encode::<Host>())
}

/// Removes the route with the source and the group of this one.
///
/// # Errors
///
/// `ENOENT` when there is none.
#[doc(alias = "MRT6_DEL_MFC", alias = "MRT6_DEL_MFC_PROXY")]
pub fn remove_route(socket: impl AsFd, route: &MulticastRoute) -> Result<(), Error> {
    let option = if route.source.is_some() { DEL_MFC } else { DEL_MFC_PROXY };
    set(socket, option, &route.encode::<Host>())
}

/// Asks for counters, in place. A 64-bit kernel does not answer 32-bit programs (`ENOTTY`: `inet6_compat_ioctl` in
/// net/ipv6/af_inet6.c).
fn counters(socket: impl AsFd, name: &'static str, request: u32, bytes: &mut [u8]) -> Result<(), Error> {
    if !IS_LINUX {
        return Err(Error::Unsupported(name));
    }
    let socket = socket.as_fd();
    os::must_be_ipv6(socket)?;
    // SAFETY: the socket is of the family `AF_INET6`, in which only multicast routing has these requests
    // (net/ipv6/ip6mr.c, `ip6mr_ioctl`): the kernel reads and writes one structure, which `bytes` holds, without a pointer.
    unsafe { os::exchange_request(socket, request, bytes) }.map_err(|errno| Error::of_request(name, errno))
}

/// Returns the counters of a route.
///
/// # Errors
///
/// `EADDRNOTAVAIL` when there is no route for this source and group; [`Error::Unsupported`] in a 32-bit program on a 64-bit
/// kernel.
#[doc(alias = "SIOCGETSGCNT_IN6")]
pub fn route_counters(socket: impl AsFd, source: Ipv6Addr, group: Ipv6Addr) -> Result<RouteCounters, Error> {
    const NAME: &str = "SIOCGETSGCNT_IN6";
    let mut bytes = RouteCounters::request::<Host>(source, group);
    counters(socket, NAME, COUNTERS_OF_ROUTE, &mut bytes)?;
    RouteCounters::decode::<Host>(&bytes).ok_or(Error::Value { option: NAME, len: bytes.len() })
}

/// Returns the counters of an interface of the router.
///
/// # Errors
///
/// `EADDRNOTAVAIL` or `EINVAL` when the router does not have it; [`Error::Unsupported`] in a 32-bit program on a 64-bit kernel.
#[doc(alias = "SIOCGETMIFCNT_IN6")]
pub fn interface_counters(socket: impl AsFd, mif: Mif) -> Result<MifCounters, Error> {
    const NAME: &str = "SIOCGETMIFCNT_IN6";
    let mut bytes = MifCounters::request::<Host>(mif);
    counters(socket, NAME, COUNTERS_OF_MIF, &mut bytes)?;
    MifCounters::decode::<Host>(&bytes).ok_or(Error::Value { option: NAME, len: bytes.len() })
}
