//! Payloads of messages to send, and buffers for payloads to receive.

use core::fmt;

use crate::message::{IoSlice, IoSliceMut};
use crate::os;

/// The most messages of one system call. Of a longer list, a call uses the first messages only.
pub const MAX: usize = 1024;

/// The most buffers of one payload (`UIO_MAXIOV`).
#[doc(hidden)]
pub const MAX_PARTS: usize = 1024;

/// The address and length of a payload, for the kernel. Each call sets it before it is used.
#[doc(hidden)]
#[repr(transparent)]
pub struct Part(pub(super) os::Part);

impl Part {
    /// Creates an empty payload.
    #[must_use]
    pub const fn new() -> Self {
        Self(os::part(core::ptr::null_mut(), 0))
    }

    /// Sets a payload to send. The kernel only reads it.
    pub(super) fn set(&mut self, bytes: &[u8]) {
        self.0 = os::part(bytes.as_ptr().cast_mut(), bytes.len());
    }
}

impl Default for Part {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").finish_non_exhaustive()
    }
}

// SAFETY: the pointer is set and used within one call, which borrows what it points to.
unsafe impl Send for Part {}
// SAFETY: a `&Part` gives access to nothing.
unsafe impl Sync for Part {}

/// The payload of one message of a batch to send.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Payload<'a> {
    /// One buffer.
    Whole(&'a [u8]),
    /// Several buffers, one after another. The system takes at most 1,024.
    Parts(&'a [IoSlice<'a>]),
}

impl Payload<'_> {
    /// Returns the length in bytes. Saturates.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::Parts(parts) => parts.iter().fold(0, |len: usize, part| len.saturating_add(part.len())),
        }
    }

    /// Returns whether the length is 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> From<&'a [u8]> for Payload<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Whole(bytes)
    }
}

impl<'a> From<&'a [IoSlice<'a>]> for Payload<'a> {
    fn from(parts: &'a [IoSlice<'a>]) -> Self {
        Self::Parts(parts)
    }
}

/// A buffer for the payload of one received message: anything that is `AsMut<[u8]>`, an [`IoSliceMut`], or several
/// buffers, filled in order (`&mut [IoSliceMut]`, [`Vectored`]).
///
/// The compiler infers `K`. It distinguishes the implementations: `std` may make `IoSliceMut` an `AsMut<[u8]>` one day.
pub trait Room<K = kind::Bytes>: sealed::Room<K> {}

impl<T: AsMut<[u8]>> Room for T {}
impl Room for Vectored<'_, '_> {}
impl Room<kind::Slice> for IoSliceMut<'_> {}
impl Room<kind::Slices> for &mut [IoSliceMut<'_>] {}

/// The parameters of [`Room`].
#[doc(hidden)]
pub mod kind {
    /// Anything that is `AsMut<[u8]>`, and `Vectored`.
    #[derive(Debug)]
    pub enum Bytes {}
    /// `IoSliceMut`.
    #[derive(Debug)]
    pub enum Slice {}
    /// `&mut [IoSliceMut]`.
    #[derive(Debug)]
    pub enum Slices {}
}

/// Several buffers for one received payload, filled one after another.
#[derive(Debug)]
pub struct Vectored<'a, 'b>(&'a mut [IoSliceMut<'b>]);

impl<'a, 'b> Vectored<'a, 'b> {
    /// Wraps buffers. The system takes at most 1,024.
    pub const fn new(parts: &'a mut [IoSliceMut<'b>]) -> Self {
        Self(parts)
    }
}

mod sealed {
    use super::{IoSliceMut, Part, Vectored, kind};
    use crate::os;

    pub trait Room<K = kind::Bytes> {
        /// A pointer to the parts, and their number. `own` can hold one part.
        fn parts(&mut self, own: &mut Part) -> (*mut os::Part, usize);

        /// Copies as much of `payload` as fits. Returns how many bytes.
        fn fill(&mut self, payload: &[u8]) -> usize;

        /// The number of parts.
        fn count(&self) -> usize {
            1
        }
    }

    impl<T: AsMut<[u8]>> Room for T {
        #[inline(always)]
        fn parts(&mut self, own: &mut Part) -> (*mut os::Part, usize) {
            let payload = self.as_mut();
            own.0 = os::part(payload.as_mut_ptr(), payload.len());
            (&raw mut own.0, 1)
        }

        #[inline]
        fn fill(&mut self, payload: &[u8]) -> usize {
            copy(self.as_mut(), payload)
        }
    }

    impl Room<kind::Slice> for IoSliceMut<'_> {
        #[inline(always)]
        fn parts(&mut self, _: &mut Part) -> (*mut os::Part, usize) {
            // `IoSliceMut` has the layout of `Part`, as its documentation says.
            (core::ptr::from_mut(self).cast(), 1)
        }

        #[inline]
        fn fill(&mut self, payload: &[u8]) -> usize {
            copy(self, payload)
        }
    }

    impl Room<kind::Slices> for &mut [IoSliceMut<'_>] {
        fn parts(&mut self, _: &mut Part) -> (*mut os::Part, usize) {
            // `IoSliceMut` has the layout of `Part`, as its documentation says.
            (self.as_mut_ptr().cast(), self.len())
        }

        fn fill(&mut self, payload: &[u8]) -> usize {
            let mut rest = payload;
            for part in self.iter_mut() {
                let used = copy(part, rest);
                rest = rest.get(used..).unwrap_or_default();
            }
            payload.len() - rest.len()
        }

        fn count(&self) -> usize {
            self.len()
        }
    }

    impl Room for Vectored<'_, '_> {
        fn parts(&mut self, own: &mut Part) -> (*mut os::Part, usize) {
            self.0.parts(own)
        }

        fn fill(&mut self, payload: &[u8]) -> usize {
            Room::fill(&mut self.0, payload)
        }

        fn count(&self) -> usize {
            Room::count(&self.0)
        }
    }

    /// Copies as much as fits. Returns how many bytes.
    #[inline]
    fn copy(to: &mut [u8], from: &[u8]) -> usize {
        let len = to.len().min(from.len());
        if let (Some(to), Some(from)) = (to.get_mut(..len), from.get(..len)) {
            to.copy_from_slice(from);
        }
        len
    }
}

/// Copies as much of `payload` as fits into `room`. Returns how many bytes.
#[doc(hidden)]
#[inline]
pub fn fill<R>(room: &mut impl Room<R>, payload: &[u8]) -> usize {
    room.fill(payload)
}

/// Returns the number of buffers of `room`.
#[doc(hidden)]
pub fn count<R>(room: &impl Room<R>) -> usize {
    room.count()
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::vec;

    use super::*;

    #[test]
    fn the_length_of_many_parts_saturates() {
        // 2^32 bytes: more than 32 bits hold.
        let bytes = vec![0; 1 << 24];
        let parts = vec![IoSlice::new(&bytes); 256];
        assert_eq!(Payload::Parts(&parts).len(), usize::try_from(1_u64 << 32).unwrap_or(usize::MAX));
    }
}
