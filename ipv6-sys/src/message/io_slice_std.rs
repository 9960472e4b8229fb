//! `IoSlice` and `IoSliceMut` of `std`.

pub use std::io::{IoSlice, IoSliceMut};
