//! The host's network interfaces.

use core::ffi::CStr;
use core::net::SocketAddrV6;

use ipv6_core::InterfaceIndex;

use crate::error::Errno;
use crate::os;

pub use crate::os::interface::Addresses;

/// The name of an interface: no system has one longer than this.
pub type Name = heapless::String<{ os::interface::NAME_MAX }>;

bitflags::bitflags! {
    /// What an interface is, and the state it is in. Bits of the system's without a name here are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Flags: u32 {
        /// Switched on.
        #[doc(alias = "IFF_UP")]
        const UP = os::interface::IFF_UP;
        /// Has a broadcast address (of its link layer, or of IPv4).
        #[doc(alias = "IFF_BROADCAST")]
        const BROADCAST = os::interface::IFF_BROADCAST;
        /// Leads back to this host.
        #[doc(alias = "IFF_LOOPBACK")]
        const LOOPBACK = os::interface::IFF_LOOPBACK;
        /// Has one peer.
        #[doc(alias = "IFF_POINTOPOINT")]
        const POINT_TO_POINT = os::interface::IFF_POINTOPOINT;
        /// Ready to send.
        #[doc(alias = "IFF_RUNNING")]
        const RUNNING = os::interface::IFF_RUNNING;
        /// Carries multicast.
        #[doc(alias = "IFF_MULTICAST")]
        const MULTICAST = os::interface::IFF_MULTICAST;
        const _ = !0;
    }
}

/// The interface with this name.
///
/// # Errors
///
/// `ENODEV` or `ENXIO` (Windows: `ERROR_NOT_FOUND`) when there is none, as for a name that none can have.
#[doc(alias = "if_nametoindex")]
pub fn index_of(name: &str) -> Result<InterfaceIndex, Errno> {
    let mut bytes = [0_u8; os::interface::NAME_MAX + 1];
    // One byte stays for the end of the string.
    let room = bytes[..os::interface::NAME_MAX].get_mut(..name.len());
    room.ok_or(os::interface::NO_SUCH)?.copy_from_slice(name.as_bytes());
    let name = CStr::from_bytes_until_nul(&bytes).map_err(|_| os::interface::NO_SUCH)?;
    os::interface::index_of(name)
}

/// The name of an interface.
///
/// # Errors
///
/// `ENXIO` or `ENODEV` (Windows: `ERROR_NOT_FOUND`) when there is no such interface.
#[doc(alias = "if_indextoname")]
pub fn name_of(index: InterfaceIndex) -> Result<Name, Errno> {
    let mut bytes = [0_u8; os::interface::NAME_MAX + 1];
    let name = os::interface::name_of(index, &mut bytes)?.to_str().ok();
    name.and_then(|name| Name::try_from(name).ok()).ok_or(os::interface::NOT_TEXT)
}

/// One entry of the list: an interface and one of its addresses. Each interface has at least one entry;
/// the entries without an IPv6 address name its link layer or another protocol.
#[derive(Clone, Debug)]
pub struct Address {
    /// The interface's name: that of the system's commands. What of it is not UTF-8 is replaced.
    pub interface: Name,
    /// Its index, where the list has it (Windows); [`index_of`] knows it elsewhere.
    pub index: Option<InterfaceIndex>,
    /// What it is, and its state.
    pub flags: Flags,
    /// The address, with the interface as its scope where it needs one.
    pub address: Option<SocketAddrV6>,
    /// How many bits of the address are the network's.
    pub prefix_len: Option<u8>,
}
