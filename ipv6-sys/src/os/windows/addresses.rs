//! The list of addresses on Windows.

use core::ffi::c_void;
use core::net::SocketAddrV6;
use core::{iter, ptr, slice};

use ipv6_core::{InterfaceIndex, sockaddr};
use windows_sys::Win32::Foundation::{
    ERROR_BUFFER_OVERFLOW, ERROR_NO_DATA, ERROR_NOT_ENOUGH_MEMORY, ERROR_SUCCESS,
};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_DNS_SERVER, GAA_FLAG_SKIP_MULTICAST, GetAdaptersAddresses,
    IF_TYPE_ETHERNET_CSMACD, IF_TYPE_IEEE80211, IF_TYPE_PPP, IF_TYPE_SOFTWARE_LOOPBACK,
    IP_ADAPTER_ADDRESSES_LH, IP_ADAPTER_NO_MULTICAST, IP_ADAPTER_UNICAST_ADDRESS_LH,
};
use windows_sys::Win32::NetworkManagement::Ndis::IfOperStatusUp;
use windows_sys::Win32::Networking::WinSock::{
    AF_INET6, AF_UNSPEC, IpDadStateDeprecated, IpDadStateDuplicate, IpDadStateTentative, IpPrefixOriginDhcp,
    IpPrefixOriginRouterAdvertisement, IpSuffixOriginRandom,
};
use windows_sys::Win32::System::Memory::{GetProcessHeap, HEAP_NONE, HeapAlloc, HeapFree};

use super::interface::*;
use crate::error::Errno;
use crate::host::Host;
use crate::os::entry::{self, AddressFlags};

type Name = heapless::String<NAME_MAX>;
type Entry = entry::Entry<NAME_MAX>;
type Listed = entry::Listed<NAME_MAX>;

/// The result of `GetAdaptersAddresses`, in memory of the process's heap.
#[derive(Debug)]
pub(crate) struct Addresses {
    first: *mut c_void,
}

impl Addresses {
    /// `GetAdaptersAddresses`.
    pub(crate) fn new() -> Result<Self, Errno> {
        // The size that Microsoft recommends to start with. The list may grow between two calls.
        let mut size = 15_000;
        for _ in 0..8 {
            let list = Self::with_room(size)?;
            let flags = GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER;
            // SAFETY: the memory is writable for `size` bytes, and the call writes no more. `size` is an integer of
            // ours.
            let answer = unsafe {
                GetAdaptersAddresses(AF_UNSPEC.into(), flags, ptr::null(), list.first.cast(), &mut size)
            };
            match answer {
                ERROR_SUCCESS => return Ok(list),
                // No interface: an empty list.
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
    pub(crate) fn iter(&self) -> impl Iterator<Item = Entry> {
        self.states().map(|(entry, _)| entry)
    }

    /// The entries, with the states of their addresses.
    fn states(&self) -> impl Iterator<Item = (Entry, AddressFlags)> {
        // SAFETY: null, or the first entry of the list, which lives as long as `self` and does not change.
        let adapter = unsafe { self.first.cast::<IP_ADAPTER_ADDRESSES_LH>().as_ref() };
        Iter { adapter, unicast: None, returned: false }
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        // SAFETY: the call has no arguments.
        let heap = unsafe { GetProcessHeap() };
        // SAFETY: null, or memory of this heap; nothing else frees it, and no borrow of it outlives `self`.
        unsafe { HeapFree(heap, HEAP_NONE, self.first) };
    }
}

/// Visits an interface and its IPv6 addresses, or all.
pub(crate) fn list(only: Option<InterfaceIndex>, visit: &mut dyn FnMut(Listed)) -> Result<(), Errno> {
    let mut found = false;
    for (entry, flags) in Addresses::new()?.states() {
        let Some(on) = entry.index.filter(|index| only.is_none_or(|only| only == *index)) else { continue };
        found = true;
        visit(match (entry.address, entry.prefix_len) {
            (Some(address), Some(prefix_len)) => {
                Listed::Address { on, address: *address.ip(), prefix_len, flags }
            }
            _ => Listed::Interface { index: on, name: entry.name, flags: entry.flags },
        });
    }
    if only.is_some() && !found { Err(NO_SUCH) } else { Ok(()) }
}

struct Iter<'a> {
    adapter: Option<&'a IP_ADAPTER_ADDRESSES_LH>,
    /// The next address to return.
    unicast: Option<&'a IP_ADAPTER_UNICAST_ADDRESS_LH>,
    /// Whether the entry without an address was returned.
    returned: bool,
}

impl Iterator for Iter<'_> {
    type Item = (Entry, AddressFlags);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let adapter = self.adapter?;
            let entry = Entry {
                name: name(adapter),
                index: index(adapter),
                flags: flags(adapter),
                address: None,
                prefix_len: None,
            };
            if !self.returned {
                self.returned = true;
                // SAFETY: null, or an entry of the list.
                self.unicast = unsafe { adapter.FirstUnicastAddress.as_ref() };
                return Some((entry, AddressFlags::empty()));
            }
            if let Some(unicast) = self.unicast {
                // SAFETY: null, or an entry of the list.
                self.unicast = unsafe { unicast.Next.as_ref() };
                let Some(address) = ipv6(unicast) else { continue };
                let prefix_len = Some(unicast.OnLinkPrefixLength);
                let entry = Entry { address: Some(address), prefix_len, ..entry };
                return Some((entry, address_flags(unicast)));
            }
            self.returned = false;
            // SAFETY: null, or an entry of the list.
            self.adapter = unsafe { adapter.Next.as_ref() };
        }
    }
}

/// Windows has the same index for IPv4 and IPv6, in two fields. Wine fills one of them.
fn index(adapter: &IP_ADAPTER_ADDRESSES_LH) -> Option<InterfaceIndex> {
    // SAFETY: both variants of the union hold integers.
    let parts = unsafe { adapter.Anonymous1.Anonymous };
    InterfaceIndex::new(adapter.Ipv6IfIndex).ok().or(InterfaceIndex::new(parts.IfIndex).ok())
}

/// The friendly name, such as `Ethernet`.
fn name(adapter: &IP_ADAPTER_ADDRESSES_LH) -> Name {
    let mut next = adapter.FriendlyName.cast_const();
    let units = iter::from_fn(|| {
        // SAFETY: null, or within a string of 16-bit units that ends in a zero; the iterator stops there.
        let unit = *unsafe { next.as_ref() }?;
        next = next.wrapping_add(1);
        Some(unit).filter(|unit| *unit != 0)
    });
    let mut name = Name::new();
    for character in char::decode_utf16(units.fuse()) {
        // Cuts what does not fit: a name has at most 256 units, nearly all of one byte.
        let _ = name.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    name
}

fn flags(adapter: &IP_ADAPTER_ADDRESSES_LH) -> u32 {
    // SAFETY: both variants of the union hold an integer.
    let bits = unsafe { adapter.Anonymous2.Flags };
    let flags = [
        (IFF_UP | IFF_RUNNING, adapter.OperStatus == IfOperStatusUp),
        (IFF_LOOPBACK, adapter.IfType == IF_TYPE_SOFTWARE_LOOPBACK),
        (IFF_POINTOPOINT, adapter.IfType == IF_TYPE_PPP),
        (IFF_BROADCAST, [IF_TYPE_ETHERNET_CSMACD, IF_TYPE_IEEE80211].contains(&adapter.IfType)),
        (IFF_MULTICAST, bits & IP_ADAPTER_NO_MULTICAST == 0),
    ];
    flags.into_iter().filter(|(_, set)| *set).fold(0, |flags, (flag, _)| flags | flag)
}

/// The state of an address. `IpDadStateInvalid` has no name: such an address is about to be removed.
fn address_flags(unicast: &IP_ADAPTER_UNICAST_ADDRESS_LH) -> AddressFlags {
    // Not by the lifetime: Wine 8 reports a finite one for ::1.
    let origin = unicast.PrefixOrigin;
    let flags = [
        (AddressFlags::TENTATIVE, unicast.DadState == IpDadStateTentative),
        (AddressFlags::DUPLICATED, unicast.DadState == IpDadStateDuplicate),
        (AddressFlags::DEPRECATED, unicast.DadState == IpDadStateDeprecated),
        (AddressFlags::TEMPORARY, unicast.SuffixOrigin == IpSuffixOriginRandom),
        (AddressFlags::DYNAMIC, [IpPrefixOriginRouterAdvertisement, IpPrefixOriginDhcp].contains(&origin)),
    ];
    flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag).collect()
}

fn ipv6(unicast: &IP_ADAPTER_UNICAST_ADDRESS_LH) -> Option<SocketAddrV6> {
    let address = unicast.Address.lpSockaddr;
    // SAFETY: null, or an address of the list: a SOCKADDR_IN or a SOCKADDR_IN6, which is at least as large as a SOCKADDR.
    let family = unsafe { address.as_ref() }?.sa_family;
    let len = usize::try_from(unicast.Address.iSockaddrLength).ok()?;
    if family != AF_INET6 {
        return None;
    }
    // SAFETY: the list says that the address has this many bytes.
    let bytes = unsafe { slice::from_raw_parts(address.cast::<u8>(), len) };
    sockaddr::decode::<Host>(bytes)
}
