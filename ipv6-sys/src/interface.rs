//! The host's network interfaces.
//!
//! Manual pages: [if_nametoindex(3)](https://man7.org/linux/man-pages/man3/if_nametoindex.3.html),
//! [getifaddrs(3)](https://man7.org/linux/man-pages/man3/getifaddrs.3.html), [netdevice(7)](https://man7.org/linux/man-pages/man7/netdevice.7.html).

use core::ffi::CStr;
use core::net::SocketAddrV6;

use ipv6_core::InterfaceIndex;

use crate::error::Errno;
use crate::os;

/// The name of an interface, with room for the system's longest name.
pub type Name = heapless::String<{ os::interface::NAME_MAX }>;

bitflags::bitflags! {
    /// Properties and state of an interface. Bits of the system that have no name here are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct InterfaceFlags: u32 {
        /// The interface is enabled.
        #[doc(alias = "IFF_UP")]
        const UP = os::interface::IFF_UP;
        /// The interface has a broadcast address, of the link layer or of IPv4.
        #[doc(alias = "IFF_BROADCAST")]
        const BROADCAST = os::interface::IFF_BROADCAST;
        /// A loopback interface.
        #[doc(alias = "IFF_LOOPBACK")]
        const LOOPBACK = os::interface::IFF_LOOPBACK;
        /// A point-to-point link.
        #[doc(alias = "IFF_POINTOPOINT")]
        const POINT_TO_POINT = os::interface::IFF_POINTOPOINT;
        /// The interface is operational.
        #[doc(alias = "IFF_RUNNING")]
        const RUNNING = os::interface::IFF_RUNNING;
        /// The interface supports multicast.
        #[doc(alias = "IFF_MULTICAST")]
        const MULTICAST = os::interface::IFF_MULTICAST;
        const _ = !0;
    }
}

#[doc(hidden)]
#[deprecated(note = "renamed to `InterfaceFlags`")]
pub type Flags = InterfaceFlags;

/// Returns the index of the interface with this name.
///
/// ```
/// use ipv6_sys::interface;
/// let loopback = interface::index_of("lo")?;
/// assert_eq!(interface::name_of(loopback)?.as_str(), "lo");
/// assert!(interface::index_of("lo\0eth0").is_err());
/// # Ok::<(), ipv6_sys::Errno>(())
/// ```
///
/// # Errors
///
/// `ENODEV` or `ENXIO` (Windows: `ERROR_NOT_FOUND`) if no interface has the name. The same for a name that is longer
/// than the system allows or contains a NUL.
#[doc(alias = "if_nametoindex")]
pub fn index_of(name: &str) -> Result<InterfaceIndex, Errno> {
    let mut bytes = [0_u8; os::interface::NAME_MAX + 1];
    // The last byte stays NUL.
    let room = bytes[..os::interface::NAME_MAX].get_mut(..name.len());
    room.ok_or(os::interface::NO_SUCH)?.copy_from_slice(name.as_bytes());
    // Fails if the name contains a NUL itself.
    let name = bytes.get(..=name.len()).and_then(|bytes| CStr::from_bytes_with_nul(bytes).ok());
    os::interface::index_of(name.ok_or(os::interface::NO_SUCH)?)
}

/// Returns the name of an interface.
///
/// # Errors
///
/// `ENXIO` or `ENODEV` (Windows: `ERROR_NOT_FOUND`) if there is no such interface. `EILSEQ` (Windows:
/// `ERROR_NO_UNICODE_TRANSLATION`) if the name is not UTF-8.
#[doc(alias = "if_indextoname")]
pub fn name_of(index: InterfaceIndex) -> Result<Name, Errno> {
    let mut bytes = [0_u8; os::interface::NAME_MAX + 1];
    let name = os::interface::name_of(index, &mut bytes)?.to_str().ok();
    name.and_then(|name| Name::try_from(name).ok()).ok_or(os::interface::NOT_TEXT)
}

/// Whether an error means that there is no such interface.
pub fn is_missing(errno: Errno) -> bool {
    os::interface::is_missing(errno)
}

/// One entry of the list: an interface and one of its addresses. Each interface has at least one entry. Entries without
/// an IPv6 address are those of the link layer or of another protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Address {
    /// The name of the interface. What is not UTF-8 is replaced by U+FFFD. On Windows, the friendly name.
    pub interface: Name,
    /// The index of the interface, if the list has it (Windows). Elsewhere, call [`index_of`].
    pub index: Option<InterfaceIndex>,
    /// Properties and state of the interface.
    pub flags: InterfaceFlags,
    /// The IPv6 address. A link-local address has the interface as its scope.
    pub address: Option<SocketAddrV6>,
    /// The length of the network prefix in bits, 0 to 128.
    pub prefix_len: Option<u8>,
}

/// The addresses of all interfaces, as they were when the list was made.
///
/// The memory belongs to the system: that of the C library, on Windows the process's heap.
///
/// ```
/// use ipv6_sys::interface::{Addresses, InterfaceFlags};
/// let list = Addresses::new()?;
/// let loopback = list.iter().find(|entry| entry.flags.contains(InterfaceFlags::LOOPBACK));
/// assert!(loopback.is_some());
/// # Ok::<(), ipv6_sys::Errno>(())
/// ```
#[derive(Debug)]
#[doc(alias = "getifaddrs", alias = "GetAdaptersAddresses")]
pub struct Addresses(os::addresses::Addresses);

impl Addresses {
    /// Makes a list.
    ///
    /// # Errors
    ///
    /// Those of [getifaddrs(3)](https://man7.org/linux/man-pages/man3/getifaddrs.3.html): `EMFILE` and `ENOMEM`, among
    /// others. `ENOTSUP` on AIX, which has no such call.
    pub fn new() -> Result<Self, Errno> {
        Ok(Self(os::addresses::Addresses::new()?))
    }

    /// The entries, in the system's order.
    pub fn iter(&self) -> impl Iterator<Item = Address> {
        self.0.iter().map(|entry| Address {
            interface: entry.name,
            index: entry.index,
            flags: InterfaceFlags::from_bits_retain(entry.flags),
            address: entry.address,
            prefix_len: entry.prefix_len,
        })
    }
}
