//! The list of addresses from the C library.

use core::ffi::CStr;
use core::marker::PhantomData;
use core::mem::offset_of;
use core::net::SocketAddrV6;
use core::{ptr, slice};

use ipv6_core::InterfaceIndex;

use super::calls::check;
use super::interface::{NAME_MAX, text};
#[cfg(any(test, not(any(target_os = "linux", target_os = "android"))))]
use super::interface::{NO_SUCH, is_missing};
use crate::error::Errno;
use crate::os::entry;
#[cfg(any(test, not(any(target_os = "linux", target_os = "android"))))]
use crate::os::entry::AddressFlags;
use crate::os::peer::decode_address;

type Entry = entry::Entry<NAME_MAX>;
#[cfg(any(test, not(any(target_os = "linux", target_os = "android"))))]
type Listed = entry::Listed<NAME_MAX>;

/// The result of `getifaddrs(3)`, in memory of the C library.
#[derive(Debug)]
pub(crate) struct Addresses {
    first: *mut libc::ifaddrs,
}

impl Addresses {
    /// `getifaddrs(3)`.
    pub(crate) fn new() -> Result<Self, Errno> {
        let mut first = ptr::null_mut();
        // SAFETY: the call writes one pointer, to a variable of ours.
        let answer = unsafe { libc::getifaddrs(&mut first) };
        check(answer)?;
        Ok(Self { first })
    }

    /// The entries, in the system's order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Entry> {
        Iter { next: self.first, list: PhantomData }
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        // SAFETY: the list came from `getifaddrs`, nothing else frees it, and no borrow of it outlives `self`.
        unsafe { libc::freeifaddrs(self.first) }
    }
}

struct Iter<'a> {
    next: *const libc::ifaddrs,
    list: PhantomData<&'a Addresses>,
}

impl Iterator for Iter<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        // SAFETY: null, or an entry of the list, which lives for 'a and does not change.
        let entry = unsafe { self.next.as_ref() }?;
        self.next = entry.ifa_next;
        // SAFETY: every entry has a name (getifaddrs(3)), a C string that lives as long as the list.
        let name = unsafe { CStr::from_ptr(entry.ifa_name) };
        let bytes = bytes(entry.ifa_addr);
        let address = ipv6(bytes);
        let masked = address.filter(|_| !entry.ifa_netmask.is_null());
        let prefix_len = masked.map(|_| prefix_len(self::bytes(entry.ifa_netmask)));
        #[allow(
            clippy::unnecessary_cast,
            reason = "64 bits on illumos; no flag that we name is in the upper half"
        )]
        let flags = entry.ifa_flags as u32;
        Some(Entry { name: text(name.to_bytes()), index: link_index(bytes), flags, address, prefix_len })
    }
}

/// Visits an interface and its IPv6 addresses, or all interfaces and then their addresses. Linux has a list of its own.
#[cfg(any(test, not(any(target_os = "linux", target_os = "android"))))]
pub(crate) fn list(only: Option<InterfaceIndex>, visit: &mut dyn FnMut(Listed)) -> Result<(), Errno> {
    let list = Addresses::new()?;
    let mut found = false;
    indexed(&list, |index, entry| {
        if only.is_none_or(|only| only == index) {
            found = true;
            visit(Listed::Interface { index, name: entry.name, flags: entry.flags });
        }
    })?;
    indexed(&list, |on, entry| {
        let Some(address) = entry.address.filter(|_| only.is_none_or(|only| only == on)) else { return };
        let (address, prefix_len) = (*address.ip(), entry.prefix_len.unwrap_or(128));
        visit(Listed::Address { on, address, prefix_len, flags: AddressFlags::empty() });
    })?;
    if only.is_some() && !found { Err(NO_SUCH) } else { Ok(()) }
}

/// Visits the entries with the index of their interface, which is looked up once for entries in a row. Leaves out those of
/// an interface that was removed since.
#[cfg(any(test, not(any(target_os = "linux", target_os = "android"))))]
fn indexed(list: &Addresses, mut visit: impl FnMut(InterfaceIndex, Entry)) -> Result<(), Errno> {
    let mut last: Option<(heapless::String<NAME_MAX>, Option<InterfaceIndex>)> = None;
    for mut entry in list.iter() {
        // The label of a logical interface on Solaris and illumos, of an IPv4 address on Linux.
        let len = entry.name.find(':').unwrap_or(entry.name.len());
        entry.name.truncate(len);
        let known = last.take().filter(|(name, _)| *name == entry.name);
        let index = match (known, entry.index) {
            (Some((_, known)), _) => known,
            (None, Some(index)) => Some(index),
            (None, None) => match index_of_text(&entry.name) {
                Err(errno) if is_missing(errno) => None,
                found => Some(found?),
            },
        };
        last = Some((entry.name.clone(), index));
        if let Some(index) = index {
            visit(index, entry);
        }
    }
    Ok(())
}

#[cfg(any(test, not(any(target_os = "linux", target_os = "android"))))]
fn index_of_text(name: &str) -> Result<InterfaceIndex, Errno> {
    let mut bytes = [0; NAME_MAX + 1];
    bytes.iter_mut().zip(name.bytes().take(NAME_MAX)).for_each(|(to, from)| *to = from);
    super::index_of(CStr::from_bytes_until_nul(&bytes).map_err(|_| NO_SUCH)?)
}

/// The bytes of an address of the list; none if there is no address.
///
/// The BSDs have the length in the first byte. They cut zeros off the end of a netmask, which may then be shorter than a
/// `struct sockaddr`.
#[cfg(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
    target_os = "openbsd"
))]
fn bytes<'a>(address: *const libc::sockaddr) -> &'a [u8] {
    // SAFETY: null, or an address of the list, which has at least the byte of the length.
    let Some(len) = (unsafe { address.cast::<u8>().as_ref() }) else { return &[] };
    // SAFETY: the address has as many bytes as it says.
    unsafe { slice::from_raw_parts(address.cast(), (*len).into()) }
}

/// The bytes of an address of the list, if it is one of IPv6; none otherwise.
#[cfg(not(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
    target_os = "openbsd"
)))]
fn bytes<'a>(address: *const libc::sockaddr) -> &'a [u8] {
    // SAFETY: null, or an address of the list, which begins with its family.
    let family = unsafe { address.cast::<libc::sa_family_t>().as_ref() };
    if family.is_none_or(|family| libc::c_int::from(*family) != libc::AF_INET6) {
        return &[];
    }
    // SAFETY: an address of family AF_INET6 is a `struct sockaddr_in6`.
    unsafe { slice::from_raw_parts(address.cast(), size_of::<libc::sockaddr_in6>()) }
}

/// The address in these bytes, if it is one of IPv6.
fn ipv6(bytes: &[u8]) -> Option<SocketAddrV6> {
    let mut whole = [0; size_of::<libc::sockaddr_in6>()];
    whole.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    decode_address(&whole)
}

/// The length of a prefix whose netmask has these bytes. What a BSD left out at the end is zero. A netmask's family may
/// be missing (FreeBSD: sys/net/radix.c compares only the rest).
fn prefix_len(mask: &[u8]) -> u8 {
    let mut bits = [0; 16];
    let address = mask.get(offset_of!(libc::sockaddr_in6, sin6_addr)..).unwrap_or_default();
    bits.iter_mut().zip(address).for_each(|(to, from)| *to = *from);
    // At most 128.
    u128::from_be_bytes(bits).leading_ones() as u8
}

/// The index in these bytes, if they are an address of the link layer.
#[cfg(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
    target_os = "openbsd"
))]
fn link_index(bytes: &[u8]) -> Option<InterfaceIndex> {
    let family = bytes.get(offset_of!(libc::sockaddr_dl, sdl_family))?;
    let index = bytes.get(offset_of!(libc::sockaddr_dl, sdl_index)..)?.first_chunk()?;
    let index = InterfaceIndex::new(u16::from_ne_bytes(*index).into()).ok();
    index.filter(|_| libc::c_int::from(*family) == libc::AF_LINK)
}

/// Nothing: an address of another family has no bytes here.
#[cfg(not(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
    target_os = "openbsd"
)))]
fn link_index(_: &[u8]) -> Option<InterfaceIndex> {
    None
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;

    /// A netmask of this many bytes, with ones at the start of the address. The BSDs write its length first.
    fn mask(len: usize, ones: &[u8]) -> Vec<u8> {
        let mut bytes = vec![u8::try_from(len).unwrap(), 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(ones);
        bytes.resize(len, 0);
        bytes
    }

    #[test]
    fn a_netmask_may_be_cut_at_any_byte() {
        assert_eq!(prefix_len(&mask(28, &[0xff; 16])), 128);
        assert_eq!(prefix_len(&mask(28, &[0xff; 8])), 64);
        // FreeBSD writes 16 bytes for 64 bits, and 8 for none.
        assert_eq!(prefix_len(&mask(16, &[0xff; 8])), 64);
        assert_eq!(prefix_len(&mask(9, &[0xfe])), 7);
        for len in 0..=8 {
            assert_eq!(prefix_len(&[0; 8][..len]), 0);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "calls the system")]
    fn the_list_of_the_c_library_has_loopback() {
        let mut found = Vec::new();
        list(None, &mut |listed| found.push(listed)).unwrap();
        let Listed::Interface { index: loopback, .. } = found[0].clone() else { panic!("{found:?}") };
        let mut of_loopback = Vec::new();
        list(Some(loopback), &mut |listed| of_loopback.push(listed)).unwrap();
        assert!(of_loopback.iter().all(|listed| found.contains(listed)) && of_loopback.len() <= found.len());
        assert_eq!(list(Some(InterfaceIndex::new(0xffff_ff00).unwrap()), &mut |_| {}), Err(NO_SUCH));
    }
}
