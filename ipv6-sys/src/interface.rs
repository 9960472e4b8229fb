//! The host's network interfaces.
//!
//! Manual pages: [if_nametoindex(3)](https://man7.org/linux/man-pages/man3/if_nametoindex.3.html),
//! [getifaddrs(3)](https://man7.org/linux/man-pages/man3/getifaddrs.3.html),
//! [netdevice(7)](https://man7.org/linux/man-pages/man7/netdevice.7.html).

use core::ffi::CStr;
use core::net::{Ipv6Addr, SocketAddrV6};

use ipv6_core::InterfaceIndex;

use crate::error::Errno;
use crate::os;
use crate::os::entry::Listed;

pub use crate::os::entry::AddressFlags;
#[doc(no_inline)]
pub use crate::socket::local_address_towards;

/// The name of an interface, with room for the system's longest name.
pub type Name = heapless::String<{ os::interface::NAME_MAX }>;

ipv6_core::flag_set! {
    /// Properties and state of an interface. Bits of the system that have no name here are kept.
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

/// Returns the index of the interface with this name. On Linux, the name may be an alternative one (`ip link property add
/// dev eth0 altname uplink`); those of more than 15 bytes or with a colon need netlink. On Windows, it is a name of
/// `if_nametoindex` (`ethernet_32769`) or a friendly name (`Ethernet`).
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
/// than the system allows, contains a NUL, or is the label of an IPv4 address on Linux, such as `eth0:1`. Any other error
/// (`EMFILE`, among others) does not mean that there is no such interface.
#[doc(alias = "if_nametoindex")]
pub fn index_of(name: &str) -> Result<InterfaceIndex, Errno> {
    let mut bytes = [0_u8; os::interface::LOOKUP_MAX + 1];
    if name.len() > os::interface::LOOKUP_MAX || name.bytes().any(|byte| byte == 0) {
        return Err(os::interface::NO_SUCH);
    }
    // What follows the name stays NUL.
    bytes.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    let with_nul = bytes.get(..=name.len()).unwrap_or_default();
    // SAFETY: the last byte is NUL, and the name before it has none. (A second search for it needs 200 bytes of code.)
    os::index_of(unsafe { CStr::from_bytes_with_nul_unchecked(with_nul) })
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
    let name = os::name_of(index, &mut bytes)?.to_str().ok();
    name.and_then(|name| Name::try_from(name).ok()).ok_or(os::interface::NOT_TEXT)
}

/// Returns whether an error means that there is no such interface.
#[must_use]
pub fn is_missing(errno: Errno) -> bool {
    os::interface::is_missing(errno)
}

/// An interface, or one of its addresses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "names are long on Windows, and there is no heap")]
pub enum Entry {
    /// An interface. It precedes its addresses.
    #[non_exhaustive]
    Interface {
        /// Its index.
        index: InterfaceIndex,
        /// The system's own name. What is not UTF-8 is replaced by U+FFFD. On Windows, the friendly name.
        name: Name,
        /// Properties and state.
        flags: InterfaceFlags,
    },
    /// An IPv6 address.
    #[non_exhaustive]
    Address {
        /// The interface.
        on: InterfaceIndex,
        /// The address.
        address: Ipv6Addr,
        /// The length of the network prefix in bits, 0 to 128.
        prefix_len: u8,
        /// The state of the address.
        flags: AddressFlags,
    },
}

impl From<Listed<{ os::interface::NAME_MAX }>> for Entry {
    fn from(listed: Listed<{ os::interface::NAME_MAX }>) -> Self {
        match listed {
            Listed::Interface { index, name, flags } => {
                Self::Interface { index, name, flags: InterfaceFlags::from_bits_retain(flags) }
            }
            Listed::Address { on, address, prefix_len, flags } => {
                Self::Address { on, address, prefix_len, flags }
            }
        }
    }
}

/// Visits all interfaces, also those without addresses, and their IPv6 addresses. Systems: all except AIX.
///
/// An interface may be visited more than once. No allocator is used on Linux and Android; on other systems, that of the
/// system.
///
/// On Linux and Android the source is netlink. If the program may not use netlink (a seccomp filter, Android's rule for
/// applications), the source is `/proc/thread-self/net`. If the program may not read that either, only interfaces with an
/// IPv6 address are listed, as by Android's own `getifaddrs(3)`, or the error of netlink is returned.
///
/// ```
/// use ipv6_sys::interface::{self, Entry, InterfaceFlags};
/// use ipv6_sys::retry;
///
/// let mut loopback = None;
/// retry(|| {
///     interface::for_each(|entry| match entry {
///         Entry::Interface { index, flags, .. } if flags.contains(InterfaceFlags::LOOPBACK) => {
///             loopback = Some(index);
///         }
///         _ => {}
///     })
/// })?;
/// assert!(loopback.is_some());
/// # Ok::<(), ipv6_sys::Errno>(())
/// ```
///
/// # Errors
///
/// `EINTR` if the list changed meanwhile: forget what was visited, and call again. `EMFILE` and `ENOMEM`, among others.
/// `ENOTSUP` on AIX.
#[doc(alias = "getifaddrs", alias = "if_nameindex", alias = "RTM_GETLINK", alias = "RTM_GETADDR")]
pub fn for_each(mut visit: impl FnMut(Entry)) -> Result<(), Errno> {
    os::list(None, &mut |listed| visit(listed.into()))
}

/// Visits one interface, and then its IPv6 addresses. Systems: all except AIX.
///
/// On Linux, the request is for this interface only; other systems list all. If a program on Linux may not use netlink,
/// the flags are the lower 16 bits, and the addresses are those of `/proc/thread-self/net/if_inet6`, or none if the
/// program may not read it.
///
/// # Errors
///
/// As for [`for_each`]; [`is_missing`] is true for the error if there is no such interface.
pub fn for_one(index: InterfaceIndex, mut visit: impl FnMut(Entry)) -> Result<(), Errno> {
    os::list(Some(index), &mut |listed| visit(listed.into()))
}

/// One entry of the list: an interface and one of its addresses. Each interface has at least one entry. Entries without
/// an IPv6 address are those of the link layer or of another protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Address {
    /// The name of the interface. What is not UTF-8 is replaced by U+FFFD. On Windows, the friendly name.
    pub interface: Name,
    /// The index of the interface, if the list has it (Windows; on the BSDs and Apple, in entries of the link layer).
    /// Elsewhere, call [`index_of`].
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
/// The memory belongs to the system: that of the C library, on Windows the process's heap. This type is the only one of
/// this crate that allocates on Linux; a static program grows by 10 kB. [`for_each`] allocates nothing on Linux, has
/// one entry for each interface there (this list has the labels of IPv4 addresses as names), and has the state of
/// addresses.
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

    /// Returns the entries, in the system's order.
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
