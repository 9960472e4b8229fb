//! The host's network interfaces.

use core::ffi::{CStr, c_char, c_uint};
use core::marker::PhantomData;
use core::net::SocketAddrV6;
use core::ptr;

use ipv6_core::InterfaceIndex;

use crate::error::Errno;

/// The name of an interface: no system has one longer than this.
pub type Name = heapless::String<31>;

bitflags::bitflags! {
    /// What an interface is, and the state it is in. Bits of the system's without a name here are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Flags: u32 {
        /// Switched on.
        #[doc(alias = "IFF_UP")]
        const UP = libc::IFF_UP.cast_unsigned();
        /// Has a broadcast address (of its link layer, or of IPv4).
        #[doc(alias = "IFF_BROADCAST")]
        const BROADCAST = libc::IFF_BROADCAST.cast_unsigned();
        /// Leads back to this host.
        #[doc(alias = "IFF_LOOPBACK")]
        const LOOPBACK = libc::IFF_LOOPBACK.cast_unsigned();
        /// Has one peer.
        #[doc(alias = "IFF_POINTOPOINT")]
        const POINT_TO_POINT = libc::IFF_POINTOPOINT.cast_unsigned();
        /// Ready to send.
        #[doc(alias = "IFF_RUNNING")]
        const RUNNING = libc::IFF_RUNNING.cast_unsigned();
        /// Carries multicast.
        #[doc(alias = "IFF_MULTICAST")]
        const MULTICAST = libc::IFF_MULTICAST.cast_unsigned();
        const _ = !0;
    }
}

/// The interface with this name.
///
/// # Errors
///
/// `ENODEV` or `ENXIO` when there is none, as for a name that none can have.
#[doc(alias = "if_nametoindex")]
pub fn index_of(name: &str) -> Result<InterfaceIndex, Errno> {
    let mut bytes = [0_u8; 32];
    let no_such = Errno::from_raw(libc::ENODEV);
    // One byte stays for the end of the string.
    bytes[..31].get_mut(..name.len()).ok_or(no_such)?.copy_from_slice(name.as_bytes());
    let name = CStr::from_bytes_until_nul(&bytes).map_err(|_| no_such)?;
    // SAFETY: a C string that lives through the call.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    InterfaceIndex::new(index).ok_or_else(Errno::last)
}

/// The name of an interface.
///
/// # Errors
///
/// `ENXIO` or `ENODEV` when there is no such interface.
#[doc(alias = "if_indextoname")]
pub fn name_of(index: InterfaceIndex) -> Result<Name, Errno> {
    let mut bytes = [0_u8; 64];
    const { assert!(libc::IF_NAMESIZE <= 64) };
    // SAFETY: the buffer has IF_NAMESIZE bytes at least, which is what the call may write.
    let found = unsafe { libc::if_indextoname(index.get() as c_uint, bytes.as_mut_ptr().cast::<c_char>()) };
    if found.is_null() {
        return Err(Errno::last());
    }
    let name = CStr::from_bytes_until_nul(&bytes).ok().and_then(|name| name.to_str().ok());
    name.and_then(|name| Name::try_from(name).ok()).ok_or(Errno::from_raw(libc::EILSEQ))
}

/// The system's list of its interfaces' addresses, as it was when asked for.
///
/// It is the C library that holds the list's memory.
#[derive(Debug)]
#[doc(alias = "getifaddrs")]
pub struct Addresses {
    first: *mut libc::ifaddrs,
}

/// One entry of the list: an interface and one of its addresses. Each interface has at least one entry;
/// the entries without an IPv6 address name its link layer or another protocol.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    /// The interface's name.
    pub interface: &'a CStr,
    /// What it is, and its state.
    pub flags: Flags,
    /// The address, with the interface as its scope where it needs one.
    pub address: Option<SocketAddrV6>,
    /// How many bits of the address are the network's.
    pub prefix_len: Option<u8>,
}

impl Addresses {
    /// Asks the system.
    pub fn new() -> Result<Self, Errno> {
        let mut first = ptr::null_mut();
        // SAFETY: the call writes one pointer, to a place of ours.
        let answer = unsafe { libc::getifaddrs(&mut first) };
        Errno::check(answer)?;
        Ok(Self { first })
    }

    /// The entries, in the system's order.
    pub fn iter(&self) -> impl Iterator<Item = Address<'_>> {
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

impl<'a> Iterator for Iter<'a> {
    type Item = Address<'a>;

    fn next(&mut self) -> Option<Address<'a>> {
        // SAFETY: null, or an entry of the list, which is not changed and lives for 'a.
        let entry = unsafe { self.next.as_ref() }?;
        self.next = entry.ifa_next;
        // SAFETY: getifaddrs(3) gives every entry a name, a C string that lives as long as the list.
        let interface = unsafe { CStr::from_ptr(entry.ifa_name) };
        let address = ipv6(entry.ifa_addr);
        let prefix_len = address.and(ipv6(entry.ifa_netmask)).map(|mask| {
            let ones = mask.ip().to_bits().leading_ones();
            u8::try_from(ones).unwrap_or(128)
        });
        Some(Address { interface, flags: Flags::from_bits_retain(entry.ifa_flags), address, prefix_len })
    }
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
    ipv6_core::sockaddr::decode::<crate::Host>(bytes)
}
