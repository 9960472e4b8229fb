//! Entries of lists of interfaces and their addresses.

use core::net::{Ipv6Addr, SocketAddrV6};

use ipv6_core::InterfaceIndex;

ipv6_core::flag_set! {
    /// The state of an interface's address. Empty: an address without a lifetime that is ready for use, or the system
    /// reports no states.
    ///
    /// | | Linux, Android | Windows |
    /// |---|---|---|
    /// | `TENTATIVE` | `IFA_F_TENTATIVE` | `IpDadStateTentative` |
    /// | `DUPLICATED` | `IFA_F_DADFAILED` | `IpDadStateDuplicate` |
    /// | `DEPRECATED` | `IFA_F_DEPRECATED` | `IpDadStateDeprecated` |
    /// | `TEMPORARY` | `IFA_F_TEMPORARY` | `IpSuffixOriginRandom` |
    /// | `OPTIMISTIC` | `IFA_F_OPTIMISTIC` | |
    /// | `DYNAMIC` | no `IFA_F_PERMANENT` | `IpPrefixOriginRouterAdvertisement`, `IpPrefixOriginDhcp` |
    ///
    /// Other systems: not reported, always empty.
    pub struct AddressFlags: u8 {
        /// Duplicate address detection has not finished (RFC 4862 section 5.4). Until then `bind` fails with
        /// `EADDRNOTAVAIL` on Linux, unless the address is optimistic too.
        #[doc(alias = "IFA_F_TENTATIVE", alias = "IN6_IFF_TENTATIVE")]
        const TENTATIVE = 1;
        /// Another node on the link has the address (RFC 4862 section 5.4.5).
        #[doc(alias = "IFA_F_DADFAILED", alias = "IN6_IFF_DUPLICATED")]
        const DUPLICATED = 1 << 1;
        /// The preferred lifetime is over: use another address for new communication (RFC 4862 section 5.5.4).
        #[doc(alias = "IFA_F_DEPRECATED", alias = "IN6_IFF_DEPRECATED")]
        const DEPRECATED = 1 << 2;
        /// A temporary address with a random interface identifier, for privacy (RFC 8981).
        #[doc(alias = "IFA_F_TEMPORARY", alias = "IFA_F_SECONDARY", alias = "IN6_IFF_TEMPORARY")]
        const TEMPORARY = 1 << 3;
        /// Usable although duplicate address detection has not finished (RFC 4429).
        #[doc(alias = "IFA_F_OPTIMISTIC")]
        const OPTIMISTIC = 1 << 4;
        /// The address has a lifetime, as from a router advertisement or DHCPv6.
        #[doc(alias = "IFA_F_PERMANENT")]
        const DYNAMIC = 1 << 5;
    }
}

/// One entry of the C library's list of addresses. `N` is the longest name in bytes.
pub(crate) struct Entry<const N: usize> {
    pub(crate) name: heapless::String<N>,
    pub(crate) index: Option<InterfaceIndex>,
    pub(crate) flags: u32,
    pub(crate) address: Option<SocketAddrV6>,
    pub(crate) prefix_len: Option<u8>,
}

/// An interface, or an address of an interface that was listed before. `N` is the longest name in bytes.
#[cfg_attr(target_os = "aix", expect(dead_code, reason = "AIX has no list"))]
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "names are long on Windows, and there is no heap")]
pub(crate) enum Listed<const N: usize> {
    Interface { index: InterfaceIndex, name: heapless::String<N>, flags: u32 },
    Address { on: InterfaceIndex, address: Ipv6Addr, prefix_len: u8, flags: AddressFlags },
}
