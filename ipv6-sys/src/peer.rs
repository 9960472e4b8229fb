//! A buffer for the address of a peer.

use ipv6_core::sockaddr;

/// A buffer for the address of a peer, which the kernel writes.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct PeerName([u8; sockaddr::MAX_SIZE]);

impl PeerName {
    pub(crate) const SIZE: usize = sockaddr::MAX_SIZE;

    /// An empty buffer.
    #[inline]
    pub const fn new() -> Self {
        Self([0; Self::SIZE])
    }

    #[inline]
    pub(crate) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr()
    }

    /// The first `len` bytes; all of them if the kernel reports a longer address than it had room for.
    #[inline]
    pub(crate) fn written(&self, len: usize) -> &[u8] {
        self.0.get(..len).unwrap_or(&self.0)
    }
}

impl Default for PeerName {
    fn default() -> Self {
        Self::new()
    }
}
