//! Systems without an error queue.

use std::io::{self, IoSliceMut};

use ipv6_sys::{Error, option};

use super::errors::Reported;
use crate::fd::AsFd;

/// Windows has an option of this name, and no queue.
pub(super) fn exists() -> io::Result<()> {
    Err(Error::Unsupported(option::QUEUE_ERRORS.name()).into())
}

pub(super) fn receive(_: impl AsFd, _: &mut [IoSliceMut<'_>]) -> io::Result<Option<Reported>> {
    exists()?;
    Ok(None)
}
