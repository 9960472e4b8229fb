//! `IoSlice` and `IoSliceMut` for programs without `std`, which has the originals.

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::slice;

use crate::os;

/// Bytes to send, laid out as the system's own part of a payload.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct IoSlice<'a> {
    part: os::Part,
    bytes: PhantomData<&'a [u8]>,
}

/// Room for bytes to receive, laid out as the system's own part of a payload.
#[repr(transparent)]
pub struct IoSliceMut<'a> {
    part: os::Part,
    bytes: PhantomData<&'a mut [u8]>,
}

impl<'a> IoSlice<'a> {
    /// These bytes.
    pub const fn new(bytes: &'a [u8]) -> Self {
        let part = os::part(bytes.as_ptr().cast_mut(), bytes.len());
        Self { part, bytes: PhantomData }
    }
}

impl<'a> IoSliceMut<'a> {
    /// This room.
    pub const fn new(bytes: &'a mut [u8]) -> Self {
        let part = os::part(bytes.as_mut_ptr(), bytes.len());
        Self { part, bytes: PhantomData }
    }
}

impl Deref for IoSlice<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: pointer and length are those of the slice borrowed in `new`.
        unsafe { slice::from_raw_parts(os::part_start(&self.part), os::part_len(&self.part)) }
    }
}

impl Deref for IoSliceMut<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: pointer and length are those of the slice borrowed in `new`.
        unsafe { slice::from_raw_parts(os::part_start(&self.part), os::part_len(&self.part)) }
    }
}

impl DerefMut for IoSliceMut<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: pointer and length are those of the slice borrowed mutably in `new`.
        unsafe { slice::from_raw_parts_mut(os::part_start(&self.part), os::part_len(&self.part)) }
    }
}

// SAFETY: as Send as the `&[u8]` that it stands for.
unsafe impl Send for IoSlice<'_> {}
// SAFETY: as Sync as the `&[u8]` that it stands for.
unsafe impl Sync for IoSlice<'_> {}
// SAFETY: as Send as the `&mut [u8]` that it stands for.
unsafe impl Send for IoSliceMut<'_> {}
// SAFETY: as Sync as the `&mut [u8]` that it stands for.
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
