//! The list of addresses from the C library.

use core::ffi::CStr;
use core::marker::PhantomData;
use core::net::SocketAddrV6;
use core::ptr;

use ipv6_core::abi::Platform;

use crate::Host;
use crate::error::Errno;
use crate::interface::{Address, Flags, Name};

/// The system's list of its interfaces' addresses, as it was when asked for.
///
/// It is the C library that holds the list's memory.
#[derive(Debug)]
#[doc(alias = "getifaddrs")]
pub struct Addresses {
    first: *mut libc::ifaddrs,
}

impl Addresses {
    /// Asks the system.
    pub fn new() -> Result<Self, Errno> {
        let mut first = ptr::null_mut();
        // SAFETY: the call writes one pointer, to a place of ours.
        let answer = unsafe { libc::getifaddrs(&mut first) };
        super::super::check(answer)?;
        Ok(Self { first })
    }

    /// The entries, in the system's order.
    pub fn iter(&self) -> impl Iterator<Item = Address> {
        Iter { next: self.first, list: PhantomData }
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        // SAFETY: the list came from `getifaddrs`, is not freed elsewhere, and every borrow of it ends
        // with `self`.
        unsafe { libc::freeifaddrs(self.first) }
    }
}

struct Iter<'a> {
    next: *const libc::ifaddrs,
    list: PhantomData<&'a Addresses>,
}

impl Iterator for Iter<'_> {
    type Item = Address;

    fn next(&mut self) -> Option<Address> {
        // SAFETY: null, or an entry of the list, which is not changed and lives for 'a.
        let entry = unsafe { self.next.as_ref() }?;
        self.next = entry.ifa_next;
        // SAFETY: getifaddrs(3) gives every entry a name, a C string that lives as long as the list.
        let interface = unsafe { CStr::from_ptr(entry.ifa_name) };
        let address = ipv6(entry.ifa_addr).map(without_embedded_scope);
        let prefix_len = address.and(ipv6(entry.ifa_netmask)).map(|mask| {
            let ones = mask.ip().to_bits().leading_ones();
            u8::try_from(ones).unwrap_or(128)
        });
        #[allow(
            clippy::unnecessary_cast,
            reason = "64 bits on illumos, of which the upper half has no names here"
        )]
        let flags = Flags::from_bits_retain(entry.ifa_flags as u32);
        Some(Address { interface: name(interface), index: None, flags, address, prefix_len })
    }
}

fn name(bytes: &CStr) -> Name {
    let mut name = Name::new();
    for chunk in bytes.to_bytes().utf8_chunks() {
        let replaced = if chunk.invalid().is_empty() { None } else { Some(char::REPLACEMENT_CHARACTER) };
        for character in chunk.valid().chars().chain(replaced) {
            // A name fits, but for one that is made longer by what replaces a part of it.
            let _ = name.push(character);
        }
    }
    name
}

/// Kernels with code of KAME keep the scope of a link-local address in its second half word, and some let it
/// show there.
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

/// The address that a `struct sockaddr` of the list holds, if it is one of IPv6.
fn ipv6(address: *const libc::sockaddr) -> Option<SocketAddrV6> {
    // SAFETY: null, or an address of the list, which holds the family at least.
    let family = unsafe { address.as_ref() }?.sa_family;
    if libc::c_int::from(family) != libc::AF_INET6 {
        return None;
    }
    let bytes = address.cast::<[u8; size_of::<libc::sockaddr_in6>()]>();
    // SAFETY: an address of family AF_INET6 is a `struct sockaddr_in6`, and bytes have no alignment.
    let bytes = unsafe { bytes.as_ref() }?;
    ipv6_core::sockaddr::decode::<Host>(bytes)
}
