//! Room for the address of a peer.

use core::mem::MaybeUninit;

use ipv6_core::sockaddr;

use crate::os;

/// Room for the address of a peer, which the kernel writes.
#[derive(Clone, Copy, Debug)]
pub struct PeerName(MaybeUninit<[u8; sockaddr::MAX_SIZE]>);

impl PeerName {
    pub(crate) const SIZE: usize = sockaddr::MAX_SIZE;

    /// Room without an address.
    pub const fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }

    /// What the kernel wrote.
    ///
    /// # Safety
    ///
    /// The first `len` bytes are initialised, or all of them when there are fewer.
    #[inline]
    pub(crate) unsafe fn written(&self, len: os::NameLen) -> &[u8] {
        // SAFETY: within the array, and initialised, as the caller promises.
        unsafe { core::slice::from_raw_parts(self.0.as_ptr().cast(), (len as usize).min(Self::SIZE)) }
    }
}

impl Default for PeerName {
    fn default() -> Self {
        Self::new()
    }
}
