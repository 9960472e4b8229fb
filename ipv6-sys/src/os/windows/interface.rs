//! Interfaces on Windows.

use core::ffi::{CStr, c_void};
use core::net::SocketAddrV6;
use core::{iter, ptr, slice};

use ipv6_core::{InterfaceIndex, sockaddr};
use windows_sys::Win32::Foundation::{
    ERROR_BUFFER_OVERFLOW, ERROR_NO_DATA, ERROR_NO_UNICODE_TRANSLATION, ERROR_NOT_ENOUGH_MEMORY,
    ERROR_NOT_FOUND, ERROR_SUCCESS,
};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_DNS_SERVER, GAA_FLAG_SKIP_MULTICAST, GetAdaptersAddresses,
    IF_TYPE_ETHERNET_CSMACD, IF_TYPE_IEEE80211, IF_TYPE_PPP, IF_TYPE_SOFTWARE_LOOPBACK,
    IP_ADAPTER_ADDRESSES_LH, IP_ADAPTER_NO_MULTICAST, IP_ADAPTER_UNICAST_ADDRESS_LH, if_indextoname,
    if_nametoindex,
};
use windows_sys::Win32::NetworkManagement::Ndis::IfOperStatusUp;
use windows_sys::Win32::Networking::WinSock::{AF_INET6, AF_UNSPEC};
use windows_sys::Win32::System::Memory::{GetProcessHeap, HEAP_NONE, HeapAlloc, HeapFree};

use crate::Host;
use crate::error::Errno;
use crate::interface::{Address, Flags, Name};

// Windows describes adapters by other means; these are the numbers of ws2ipdef.h, and one of ours.
pub(crate) const IFF_UP: u32 = 1;
pub(crate) const IFF_BROADCAST: u32 = 2;
pub(crate) const IFF_LOOPBACK: u32 = 4;
pub(crate) const IFF_POINTOPOINT: u32 = 8;
pub(crate) const IFF_MULTICAST: u32 = 16;
pub(crate) const IFF_RUNNING: u32 = 1 << 6;

/// Bytes of a name, without the zero at its end: `IF_NAMESIZE` is 257 (`NDIS_IF_MAX_STRING_SIZE` and one).
pub(crate) const NAME_MAX: usize = 256;

/// A name that is none's.
pub(crate) const NO_SUCH: Errno = Errno::from_raw(ERROR_NOT_FOUND.cast_signed());
/// A name that is not UTF-8.
pub(crate) const NOT_TEXT: Errno = Errno::from_raw(ERROR_NO_UNICODE_TRANSLATION.cast_signed());

pub(crate) fn index_of(name: &CStr) -> Result<InterfaceIndex, Errno> {
    // SAFETY: a C string that lives through the call.
    let index = unsafe { if_nametoindex(name.as_ptr().cast()) };
    // The call says no more than that.
    InterfaceIndex::new(index).map_err(|_| NO_SUCH)
}

pub(crate) fn name_of(index: InterfaceIndex, bytes: &mut [u8; NAME_MAX + 1]) -> Result<&CStr, Errno> {
    // SAFETY: the buffer has IF_NAMESIZE bytes, which is what the call may write.
    let found = unsafe { if_indextoname(index.get(), bytes.as_mut_ptr()) };
    if found.is_null() {
        return Err(NO_SUCH);
    }
    CStr::from_bytes_until_nul(bytes).map_err(|_| NOT_TEXT)
}

/// The system's list of its interfaces' addresses, as it was when asked for.
///
/// Its memory is of the process's heap.
#[derive(Debug)]
#[doc(alias = "GetAdaptersAddresses")]
pub struct Addresses {
    first: *mut c_void,
}

impl Addresses {
    /// Asks the system.
    pub fn new() -> Result<Self, Errno> {
        // What Microsoft recommends to begin with. The list may grow between two calls.
        let mut size = 15_000;
        for _ in 0..8 {
            let list = Self::with_room(size)?;
            let flags = GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER;
            // SAFETY: the memory is writable for `size` bytes, which the call takes as its limit, and `size` an
            // integer of ours.
            let answer = unsafe {
                GetAdaptersAddresses(AF_UNSPEC.into(), flags, ptr::null(), list.first.cast(), &mut size)
            };
            match answer {
                ERROR_SUCCESS => return Ok(list),
                // No interface, which is an empty list.
                ERROR_NO_DATA => return Ok(Self { first: ptr::null_mut() }),
                ERROR_BUFFER_OVERFLOW => {}
                error => return Err(Errno::from_raw(error.cast_signed())),
            }
        }
        Err(Errno::from_raw(ERROR_BUFFER_OVERFLOW.cast_signed()))
    }

    fn with_room(size: u32) -> Result<Self, Errno> {
        // SAFETY: the call has no arguments.
        let heap = unsafe { GetProcessHeap() };
        // SAFETY: the process's own heap.
        let first = unsafe { HeapAlloc(heap, HEAP_NONE, size as usize) };
        if first.is_null() {
            return Err(Errno::from_raw(ERROR_NOT_ENOUGH_MEMORY.cast_signed()));
        }
        Ok(Self { first })
    }

    /// The entries, in the system's order.
    pub fn iter(&self) -> impl Iterator<Item = Address> {
        // SAFETY: null, or the first entry of the list, which is not changed and lives as long as `self`.
        let adapter = unsafe { self.first.cast::<IP_ADAPTER_ADDRESSES_LH>().as_ref() };
        Iter { adapter, unicast: None, shown: false }
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        // SAFETY: the call has no arguments.
        let heap = unsafe { GetProcessHeap() };
        // SAFETY: null, or memory of this heap that is not freed elsewhere; every borrow of it ends with `self`.
        unsafe { HeapFree(heap, HEAP_NONE, self.first) };
    }
}

struct Iter<'a> {
    adapter: Option<&'a IP_ADAPTER_ADDRESSES_LH>,
    /// The address after the latest one shown.
    unicast: Option<&'a IP_ADAPTER_UNICAST_ADDRESS_LH>,
    /// Whether the adapter was shown without an address.
    shown: bool,
}

impl Iterator for Iter<'_> {
    type Item = Address;

    fn next(&mut self) -> Option<Address> {
        loop {
            let adapter = self.adapter?;
            let entry = Address {
                interface: name(adapter),
                index: index(adapter),
                flags: flags(adapter),
                address: None,
                prefix_len: None,
            };
            if !self.shown {
                self.shown = true;
                // SAFETY: null, or an entry of the list.
                self.unicast = unsafe { adapter.FirstUnicastAddress.as_ref() };
                return Some(entry);
            }
            if let Some(unicast) = self.unicast {
                // SAFETY: null, or an entry of the list.
                self.unicast = unsafe { unicast.Next.as_ref() };
                let Some(address) = ipv6(unicast) else { continue };
                let prefix_len = Some(unicast.OnLinkPrefixLength);
                return Some(Address { address: Some(address), prefix_len, ..entry });
            }
            self.shown = false;
            // SAFETY: null, or an entry of the list.
            self.adapter = unsafe { adapter.Next.as_ref() };
        }
    }
}

/// Windows has one number for IPv4 and IPv6, in two places; Wine fills one of them.
fn index(adapter: &IP_ADAPTER_ADDRESSES_LH) -> Option<InterfaceIndex> {
    // SAFETY: the bits of either half of the union are integers.
    let parts = unsafe { adapter.Anonymous1.Anonymous };
    InterfaceIndex::new(adapter.Ipv6IfIndex).ok().or(InterfaceIndex::new(parts.IfIndex).ok())
}

/// The name that people know it by, such as `Ethernet`.
fn name(adapter: &IP_ADAPTER_ADDRESSES_LH) -> Name {
    let mut next = adapter.FriendlyName.cast_const();
    let units = iter::from_fn(|| {
        // SAFETY: null, or within a string of 16-bit units that ends in a zero; nothing after that is looked at.
        let unit = *unsafe { next.as_ref() }?;
        next = next.wrapping_add(1);
        Some(unit).filter(|unit| *unit != 0)
    });
    let mut name = Name::new();
    for character in char::decode_utf16(units.fuse()) {
        // What does not fit is cut off: names have 256 units at most, nearly all of one byte.
        let _ = name.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    name
}

fn flags(adapter: &IP_ADAPTER_ADDRESSES_LH) -> Flags {
    let mut flags = Flags::empty();
    flags.set(Flags::UP | Flags::RUNNING, adapter.OperStatus == IfOperStatusUp);
    flags.set(Flags::LOOPBACK, adapter.IfType == IF_TYPE_SOFTWARE_LOOPBACK);
    flags.set(Flags::POINT_TO_POINT, adapter.IfType == IF_TYPE_PPP);
    flags.set(Flags::BROADCAST, [IF_TYPE_ETHERNET_CSMACD, IF_TYPE_IEEE80211].contains(&adapter.IfType));
    // SAFETY: the bits of either half of the union are an integer.
    let bits = unsafe { adapter.Anonymous2.Flags };
    flags.set(Flags::MULTICAST, bits & IP_ADAPTER_NO_MULTICAST == 0);
    flags
}

fn ipv6(unicast: &IP_ADAPTER_UNICAST_ADDRESS_LH) -> Option<SocketAddrV6> {
    let address = unicast.Address.lpSockaddr;
    // SAFETY: null, or an address of the list, which holds the family at least.
    let family = unsafe { address.as_ref() }?.sa_family;
    let len = usize::try_from(unicast.Address.iSockaddrLength).ok()?;
    if family != AF_INET6 {
        return None;
    }
    // SAFETY: the address has so many bytes, as the list says.
    let bytes = unsafe { slice::from_raw_parts(address.cast::<u8>(), len) };
    sockaddr::decode::<Host>(bytes)
}
