//! `IoSlice` and `IoSliceMut` for programs without `std`. With `std`, its types are used.

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::slice;

use crate::os;

/// Bytes to send, with the layout of the system's part of a payload (`struct iovec`, `WSABUF`).
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct IoSlice<'a> {
    part: os::Part,
    bytes: PhantomData<&'a [u8]>,
}

/// A buffer to receive into, with the layout of the system's part of a payload (`struct iovec`, `WSABUF`).
#[repr(transparent)]
pub struct IoSliceMut<'a> {
    part: os::Part,
    bytes: PhantomData<&'a mut [u8]>,
}

impl<'a> IoSlice<'a> {
    /// Wraps bytes to send.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        let part = os::part(bytes.as_ptr().cast_mut(), bytes.len());
        Self { part, bytes: PhantomData }
    }
}

impl<'a> IoSliceMut<'a> {
    /// Wraps a buffer to receive into.
    pub const fn new(bytes: &'a mut [u8]) -> Self {
        let part = os::part(bytes.as_mut_ptr(), bytes.len());
        Self { part, bytes: PhantomData }
    }
}

impl Deref for IoSlice<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: pointer and length come from the slice that `new` borrows for 'a.
        unsafe { slice::from_raw_parts(os::part_start(&self.part), os::part_len(&self.part)) }
    }
}

impl Deref for IoSliceMut<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: pointer and length come from the slice that `new` borrows for 'a.
        unsafe { slice::from_raw_parts(os::part_start(&self.part), os::part_len(&self.part)) }
    }
}

impl DerefMut for IoSliceMut<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: pointer and length come from the slice that `new` borrows mutably for 'a.
        unsafe { slice::from_raw_parts_mut(os::part_start(&self.part), os::part_len(&self.part)) }
    }
}

// SAFETY: it stands for a `&[u8]`, which is Send.
unsafe impl Send for IoSlice<'_> {}
// SAFETY: it stands for a `&[u8]`, which is Sync.
unsafe impl Sync for IoSlice<'_> {}
// SAFETY: it stands for a `&mut [u8]`, which is Send.
unsafe impl Send for IoSliceMut<'_> {}
// SAFETY: it stands for a `&mut [u8]`, which is Sync.
unsafe impl Sync for IoSliceMut<'_> {}

impl fmt::Debug for IoSlice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Debug for IoSliceMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
