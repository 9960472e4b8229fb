//! A buffer for the address of a peer.

use core::mem::MaybeUninit;
use core::slice;

use ipv6_core::sockaddr;

/// A buffer for the address of a peer, which the kernel writes.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct PeerName(MaybeUninit<[u8; sockaddr::MAX_SIZE]>);

impl PeerName {
    pub(crate) const SIZE: usize = sockaddr::MAX_SIZE;

    /// An empty buffer.
    #[inline]
    pub const fn new() -> Self {
        // Windows does not document that it writes as many bytes as it reports.
        Self(if cfg!(windows) { MaybeUninit::zeroed() } else { MaybeUninit::uninit() })
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
