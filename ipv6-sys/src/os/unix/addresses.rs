//! The list of addresses from the C library.

use core::ffi::CStr;
use core::marker::PhantomData;
use core::net::SocketAddrV6;
use core::{ptr, slice};

use ipv6_core::abi::Platform;

use super::calls::check;
use super::interface::NAME_MAX;
use crate::error::Errno;
use crate::host::Host;
use crate::os::entry;

type Name = heapless::String<NAME_MAX>;
type Entry = entry::Entry<NAME_MAX>;

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
        let address = ipv6(entry.ifa_addr).map(without_embedded_scope);
        let prefix_len = address.and(ipv6(entry.ifa_netmask)).map(|mask| {
            let ones = mask.ip().to_bits().leading_ones();
            u8::try_from(ones).unwrap_or(128)
        });
        #[allow(
            clippy::unnecessary_cast,
            reason = "64 bits on illumos; no flag that we name is in the upper half"
        )]
        let flags = entry.ifa_flags as u32;
        Some(Entry { name: text(name), index: None, flags, address, prefix_len })
    }
}

/// A name as text. Replaces what is not UTF-8.
fn text(bytes: &CStr) -> Name {
    let mut name = Name::new();
    for chunk in bytes.to_bytes().utf8_chunks() {
        let replaced = if chunk.invalid().is_empty() { None } else { Some(char::REPLACEMENT_CHARACTER) };
        for character in chunk.valid().chars().chain(replaced) {
            // Every name fits, unless replacements make it longer.
            let _ = name.push(character);
        }
    }
    name
}

/// Removes an embedded scope. Kernels derived from KAME keep the scope of a link-local address in its second 16 bits, and
/// some report it there.
fn without_embedded_scope(address: SocketAddrV6) -> SocketAddrV6 {
    let bsd = Host::ABI.sockaddr.length_byte;
    let embedded = address.ip().segments()[1];
    if !(bsd && address.ip().is_unicast_link_local() && embedded != 0) {
        return address;
    }
    let mut segments = address.ip().segments();
    segments[1] = 0;
    let scope = if address.scope_id() == 0 { embedded.into() } else { address.scope_id() };
    SocketAddrV6::new(segments.into(), address.port(), address.flowinfo(), scope)
}

/// The address in a `struct sockaddr` of the list, if it is an IPv6 address.
fn ipv6(address: *const libc::sockaddr) -> Option<SocketAddrV6> {
    // SAFETY: null, or an address of the list, which holds at least the family.
    let start = unsafe { address.as_ref() }?;
    if libc::c_int::from(start.sa_family) != libc::AF_INET6 {
        return None;
    }
    let mut bytes = [0; size_of::<libc::sockaddr_in6>()];
    let len = sockaddr_len(start).min(bytes.len());
    // SAFETY: an address of family AF_INET6 is a `struct sockaddr_in6`, unless its own length says that it is shorter.
    let written = unsafe { slice::from_raw_parts(address.cast::<u8>(), len) };
    bytes.iter_mut().zip(written).for_each(|(to, from)| *to = *from);
    ipv6_core::sockaddr::decode::<Host>(&bytes)
}

/// The length of an address in bytes. The BSDs have it in the address, and may leave out zeros at the end of a netmask.
fn sockaddr_len(start: &libc::sockaddr) -> usize {
    #[cfg(any(
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "dragonfly",
        target_os = "netbsd",
        target_os = "openbsd"
    ))]
    return start.sa_len.into();
    #[cfg(not(any(
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "dragonfly",
        target_os = "netbsd",
        target_os = "openbsd"
    )))]
    {
        let _ = start;
        size_of::<libc::sockaddr_in6>()
    }
}
