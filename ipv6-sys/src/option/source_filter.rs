//! The filter of a membership, whole (RFC 3678 section 5.2).
//!
//! Linux has an option for it, FreeBSD and Apple's systems an option whose value points to the sources, and illumos, Solaris
//! and Windows a request of `ioctl`.

use core::net::Ipv6Addr;

use ipv6_core::abi::{OptionNumber, Platform, SourceFilterLayout, SourcePointer};
use ipv6_core::{GroupError, InterfaceIndex, SourceFilter};

use crate::error::{Errno, Error};
use crate::fd::{AsFd, BorrowedFd};
use crate::host::{Host, HostOn64};
use crate::os;

const NAME: &str = "MCAST_MSFILTER";
const IPV4_NAME: &str = "MCAST_MSFILTER (IPPROTO_IP)";
/// Where it is a request.
const REQUEST: &str = "SIOCSMSFILTER";

/// Sets from which sources the socket receives the datagrams of a group that it has joined. An IPv4-mapped group is the IPv4
/// group of a dual-stack socket (Linux); its sources are mapped addresses too.
///
/// `buffer` is for the call only: [`SourceFilter::space`] returns how many bytes it needs.
///
/// # Errors
///
/// [`Error::Unsupported`] where the system has no such call, or none for IPv4 groups. When the group is not joined on the
/// interface, `EINVAL` on Linux, and `EADDRNOTAVAIL` on FreeBSD and Apple's systems, and on Linux for a filter that includes
/// no source; `ENOBUFS` for more sources than the system allows (Linux: `net.ipv6.mld_max_msf`, for IPv4 groups
/// `net.ipv4.igmp_max_msf`; FreeBSD: `net.inet6.ip6.mcast.maxsocksrc`). `EINVAL` when the buffer is too small.
#[doc(alias = "MCAST_MSFILTER", alias = "IPV6_MSFILTER", alias = "SIOCSMSFILTER", alias = "setsourcefilter")]
pub fn set_source_filter<const N: usize>(
    socket: impl AsFd,
    group: Ipv6Addr,
    on: Option<InterfaceIndex>,
    filter: &SourceFilter<N>,
    buffer: &mut [u8],
) -> Result<(), Error> {
    let socket = socket.as_fd();
    if os::kernel_reads_as_64() {
        let used = filter.encode::<HostOn64>(group, on, buffer).map_err(refused)?;
        return set::<HostOn64>(socket, group, buffer.get_mut(..used).unwrap_or_default());
    }
    let used = filter.encode::<Host>(group, on, buffer).map_err(refused)?;
    set::<Host>(socket, group, buffer.get_mut(..used).unwrap_or_default())
}

/// Returns from which sources the socket receives the datagrams of a group, and how many sources the filter has. If it has more
/// than `N`, the result has the first `N`. An IPv4-mapped group is the IPv4 group of a dual-stack socket (Linux).
///
/// `buffer` is for the call only: [`SourceFilter::space`] of `N` returns how many bytes it needs.
///
/// # Errors
///
/// [`Error::Unsupported`] where the system has no such call, or none for IPv4 groups. `EADDRNOTAVAIL` when the group is not
/// joined on the interface (Linux, FreeBSD, Apple), and `EINVAL` when the buffer is too small.
#[doc(alias = "MCAST_MSFILTER", alias = "IPV6_MSFILTER", alias = "SIOCGMSFILTER", alias = "getsourcefilter")]
pub fn source_filter<const N: usize>(
    socket: impl AsFd,
    group: Ipv6Addr,
    on: Option<InterfaceIndex>,
    buffer: &mut [u8],
) -> Result<(SourceFilter<N>, usize), Error> {
    let socket = socket.as_fd();
    if os::kernel_reads_as_64() {
        return get_by::<HostOn64, N>(socket, group, on, buffer);
    }
    get_by::<Host, N>(socket, group, on, buffer)
}

fn get_by<P: Platform, const N: usize>(
    socket: BorrowedFd<'_>,
    group: Ipv6Addr,
    on: Option<InterfaceIndex>,
    buffer: &mut [u8],
) -> Result<(SourceFilter<N>, usize), Error> {
    let used = SourceFilter::<N>::encode_request::<P>(group, on, buffer).map_err(refused)?;
    let bytes = buffer.get_mut(..used).unwrap_or_default();
    let len = get::<P>(socket, group, bytes)?;
    let written = bytes.get(..len).unwrap_or_default();
    SourceFilter::decode::<P>(written).ok_or(Error::Value { option: NAME, len })
}

/// Passes an encoded filter to the system.
fn set<P: Platform>(socket: BorrowedFd<'_>, group: Ipv6Addr, bytes: &mut [u8]) -> Result<(), Error> {
    let layout = layout::<P>(group)?;
    if let Some(requests) = layout.requests {
        os::must_be_ipv6(socket)?;
        // SAFETY: the socket is of the family `AF_INET6`, in which the system reads a `struct group_filter`, which `bytes`
        // is, with as many sources as it names, and writes nothing. No pointer is in it.
        return unsafe { os::send_request(socket, requests.set, bytes) }
            .map_err(|errno| Error::of_request(REQUEST, errno));
    }
    let number = number::<P>(group)?;
    let Some(pointer) = layout.pointer else {
        // SAFETY: the kernel reads `bytes`, a `struct group_filter` with as many sources as it names. No pointer is in it.
        return Ok(unsafe { os::set_option(socket, number, bytes) }?);
    };
    let value = point(&layout, pointer, bytes);
    // SAFETY: the kernel reads `value`, a `struct __msfilterreq` or nothing, and as many addresses at the pointer in it as it
    // names: the rest of `bytes`, which is borrowed until after the call, holds that many.
    Ok(unsafe { os::set_option(socket, number, value) }?)
}

/// Exchanges an encoded request for the filter. Returns how many of the bytes the system wrote or left.
fn get<P: Platform>(socket: BorrowedFd<'_>, group: Ipv6Addr, bytes: &mut [u8]) -> Result<usize, Error> {
    let (layout, len) = (layout::<P>(group)?, bytes.len());
    if let Some(requests) = layout.requests {
        os::must_be_ipv6(socket)?;
        // SAFETY: the socket is of the family `AF_INET6`, in which the system reads a `struct group_filter`, which `bytes`
        // is, and writes one with no more sources than it names, for which `bytes` has room. No pointer is in it.
        unsafe { os::exchange_request(socket, requests.get, bytes) }
            .map_err(|errno| Error::of_request(REQUEST, errno))?;
        return Ok(len);
    }
    let number = number::<P>(group)?;
    // Linux writes as many sources as the structure names, whatever the length is (net/ipv6/mcast.c: `ip6_mc_msfget`,
    // net/ipv4/igmp.c: `ip_mc_gsfget`). `encode_request` has named as many as `bytes` has room for.
    let Some(pointer) = layout.pointer else { return Ok(os::get_option(socket, number, bytes)?) };
    let value = point(&layout, pointer, bytes);
    // The kernel writes the structure to `value`, and to the pointer in it no more addresses than it names
    // (in6p_get_source_filters() in sys/netinet6/in6_mcast.c): the rest of `bytes`, which is borrowed mutably
    // until after the call, has room for that many. The bytes that it does not write are zero.
    let written = os::get_option(socket, number, value)?;
    Ok(if written == pointer.size { len } else { written })
}

/// Makes the structure at the start of encoded bytes point to the sources after it, and returns the structure. The result
/// borrows all bytes. The sources have no reference of their own: it would invalidate the pointer.
fn point<'a>(layout: &SourceFilterLayout, pointer: SourcePointer, bytes: &'a mut [u8]) -> &'a mut [u8] {
    let Some((head, sources)) = bytes.split_at_mut_checked(layout.list) else { return Default::default() };
    // In the layout of a 64-bit kernel, the upper half of the pointer of a little-endian 32-bit program stays zero.
    let address = sources.as_mut_ptr().expose_provenance().to_ne_bytes();
    let value = head.get_mut(..pointer.size).unwrap_or_default();
    if let Some(place) = value.get_mut(pointer.offset..).and_then(|rest| rest.first_chunk_mut()) {
        *place = address;
    }
    value
}

fn layout<P: Platform>(group: Ipv6Addr) -> Result<SourceFilterLayout, Error> {
    if group.to_ipv4_mapped().is_some() {
        // A system without this number has no call for IPv4 groups, also where the call is a request.
        number::<P>(group)?;
    }
    P::ABI.source_filter.ok_or(Error::Unsupported(NAME))
}

fn number<P: Platform>(group: Ipv6Addr) -> Result<OptionNumber, Error> {
    match group.to_ipv4_mapped() {
        None => P::ABI.options.source_filter.ok_or(Error::Unsupported(NAME)),
        Some(_) => P::ABI.options.ipv4_source_filter.ok_or(Error::Unsupported(IPV4_NAME)),
    }
}

fn refused(error: GroupError) -> Error {
    match error {
        GroupError::Unsupported => Error::Unsupported(NAME),
        _ => Error::Os(Errno::INVAL),
    }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use core::slice;

    use ipv6_core::abi::FreeBsd64;

    use super::*;

    const GROUP: Ipv6Addr = Ipv6Addr::new(0xff3e, 0, 0, 0, 0, 0, 0x8000, 1);

    #[test]
    fn the_pointer_of_a_filter_leads_to_its_sources() {
        let filter = SourceFilter::<2>::include(&[Ipv6Addr::LOCALHOST, GROUP]).unwrap();
        let mut buffer = [0xff; 512];
        let used = filter.encode::<FreeBsd64>(GROUP, None, &mut buffer).unwrap();
        let (encoded, layout) = (buffer, FreeBsd64::ABI.source_filter.unwrap());
        let value = point(&layout, layout.pointer.unwrap(), &mut buffer[..used]);
        assert_eq!((value.len(), used), (152, 152 + 256));
        let address = usize::from_ne_bytes(*value[144..].first_chunk().unwrap());
        // What a kernel does. Miri fails if the pointer is not valid.
        // SAFETY: this is what is tested.
        let read = unsafe { slice::from_raw_parts(core::ptr::with_exposed_provenance::<u8>(address), 256) };
        assert_eq!(read, &encoded[152..used]);
        assert_eq!(value[..144], encoded[..144]);
    }

    #[test]
    fn bytes_without_room_for_the_structure_are_not_passed_on() {
        let (layout, mut short) = (FreeBsd64::ABI.source_filter.unwrap(), [0; 151]);
        assert!(point(&layout, layout.pointer.unwrap(), &mut short).is_empty());
    }
}
