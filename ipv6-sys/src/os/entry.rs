//! One entry of a list of interfaces' addresses.

use core::net::SocketAddrV6;

use ipv6_core::InterfaceIndex;

/// One entry of a list of interfaces' addresses. `N` is the longest name in bytes.
pub(crate) struct Entry<const N: usize> {
    pub(crate) name: heapless::String<N>,
    pub(crate) index: Option<InterfaceIndex>,
    pub(crate) flags: u32,
    pub(crate) address: Option<SocketAddrV6>,
    pub(crate) prefix_len: Option<u8>,
}
