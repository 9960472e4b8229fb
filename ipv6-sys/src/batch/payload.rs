//! Payloads: those of messages to send, and room for those of messages to receive.

use core::fmt;

use crate::message::{IoSlice, IoSliceMut};
use crate::os;

/// Messages that one system call takes at most; of more, the first so many are meant.
pub const MAX: usize = 1024;

/// Where one message's payload is, between the call that sets it and the kernel. Its content matters to no one
/// between calls.
#[repr(transparent)]
pub struct Part(pub(super) os::Part);

impl Part {
    /// No payload.
    pub const fn new() -> Self {
        Self(os::part(core::ptr::null_mut(), 0))
    }

    /// To be sent: the system reads the bytes and writes nothing to them.
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

// SAFETY: as with `BatchHeader`: the pointer is written and used within one call.
unsafe impl Send for Part {}
// SAFETY: nothing can be read through a `&Part`.
unsafe impl Sync for Part {}

/// The payload of one message of a batch to send.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// As it is.
    Whole(&'a [u8]),
    /// Several buffers, one after another, at most 1,024.
    Parts(&'a [IoSlice<'a>]),
}

impl Payload<'_> {
    /// Its bytes.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::Parts(parts) => parts.iter().map(|part| part.len()).sum(),
        }
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Room for the payload of one message that is received: a buffer, or several ([`Vectored`]).
pub trait Room: sealed::Room {}

impl<T: AsMut<[u8]>> Room for T {}
impl Room for Vectored<'_, '_> {}

/// Several buffers for one payload, filled one after another.
#[derive(Debug)]
pub struct Vectored<'a, 'b>(&'a mut [IoSliceMut<'b>]);

impl<'a, 'b> Vectored<'a, 'b> {
    /// These buffers; the system takes 1,024 at most.
    pub const fn new(parts: &'a mut [IoSliceMut<'b>]) -> Self {
        Self(parts)
    }
}

mod sealed {
    use super::{Part, Vectored};
    use crate::os;

    pub trait Room {
        /// Where the parts are and how many: `own` is one of this message's own.
        fn parts(&mut self, own: &mut Part) -> (*mut os::Part, usize);

        /// Fills it from a payload, as far as there is room, and says how far.
        fn fill(&mut self, payload: &[u8]) -> usize;
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

    impl Room for Vectored<'_, '_> {
        fn parts(&mut self, _: &mut Part) -> (*mut os::Part, usize) {
            // `IoSliceMut` has the layout of `Part`, as its documentation promises.
            (self.0.as_mut_ptr().cast(), self.0.len())
        }

        fn fill(&mut self, payload: &[u8]) -> usize {
            let mut rest = payload;
            for part in self.0.iter_mut() {
                let used = copy(part, rest);
                rest = rest.get(used..).unwrap_or_default();
            }
            payload.len() - rest.len()
        }
    }

    /// Copies as much as there is room for, and says how much.
    #[inline]
    fn copy(to: &mut [u8], from: &[u8]) -> usize {
        let len = to.len().min(from.len());
        if let (Some(to), Some(from)) = (to.get_mut(..len), from.get(..len)) {
            to.copy_from_slice(from);
        }
        len
    }
}

/// Fills a room from a payload that came with others, as far as there is room, and says how far.
#[inline]
pub fn fill(room: &mut impl Room, payload: &[u8]) -> usize {
    room.fill(payload)
}
