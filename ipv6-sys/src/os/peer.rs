//! A buffer for the address of a peer.

use core::mem::MaybeUninit;
use core::net::SocketAddrV6;
use core::slice;

use ipv6_core::abi::Platform;
use ipv6_core::sockaddr;

use crate::host::Host;

/// A buffer for the address of a peer, which the kernel writes.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct PeerName(MaybeUninit<[u8; sockaddr::MAX_SIZE]>);

impl PeerName {
    pub(crate) const SIZE: usize = sockaddr::MAX_SIZE;

    /// An empty buffer.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self(if super::STARTS_AS_ZEROS { MaybeUninit::zeroed() } else { MaybeUninit::uninit() })
    }

    #[inline]
    pub(crate) const fn as_mut_ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }

    /// The first `len` bytes; all of them if the kernel reports a longer address than it had room for.
    ///
    /// # Safety
    ///
    /// `len` is 0, or a kernel received an address into this buffer and reports this length.
    #[inline]
    pub(crate) unsafe fn written(&self, len: usize) -> &[u8] {
        let len = if len < Self::SIZE { len } else { Self::SIZE };
        // SAFETY: within the buffer. The kernel wrote these bytes (recvmsg(2): the address is truncated to the buffer, and
        // the length is that of the address), or they are zero.
        unsafe { slice::from_raw_parts(self.0.as_ptr().cast(), len) }
    }
}

impl Default for PeerName {
    fn default() -> Self {
        Self::new()
    }
}

/// Decodes an address that the kernel wrote; `None` for another address family.
#[inline(always)]
pub(crate) fn decode_address(name: &[u8]) -> Option<SocketAddrV6> {
    let address = sockaddr::decode::<Host>(name);
    // Only kernels derived from KAME embed scopes.
    if Host::ABI.sockaddr.length_byte { address.map(without_embedded_scope) } else { address }
}

/// Moves an embedded scope to the scope. Kernels derived from KAME keep the scope of a link-local address in its second 16
/// bits, and some report it there: in the list of interfaces, and NetBSD in the source of a path MTU message (7.99,
/// executed).
fn without_embedded_scope(address: SocketAddrV6) -> SocketAddrV6 {
    let embedded = address.ip().segments()[1];
    if !(address.ip().is_unicast_link_local() && embedded != 0) {
        return address;
    }
    let mut segments = address.ip().segments();
    segments[1] = 0;
    let scope = if address.scope_id() == 0 { embedded.into() } else { address.scope_id() };
    SocketAddrV6::new(segments.into(), address.port(), address.flowinfo(), scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_embedded_scope_of_a_link_local_address_becomes_its_scope() {
        for (received, expected) in [
            // NetBSD, executed: the source of a path MTU message.
            ("[fe80:2::77]:9", "[fe80::77%2]:9"),
            ("[fe80:2::77%2]:9", "[fe80::77%2]:9"),
            ("[fe80::77%2]:9", "[fe80::77%2]:9"),
            ("[fe80::77]:9", "[fe80::77]:9"),
            ("[2001:2::77]:9", "[2001:2::77]:9"),
            ("[ff02:2::77]:9", "[ff02:2::77]:9"),
        ] {
            assert_eq!(
                without_embedded_scope(received.parse().unwrap()),
                expected.parse().unwrap(),
                "{received}"
            );
        }
    }
}
