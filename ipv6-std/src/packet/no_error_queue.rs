//! Systems without an error queue.

use std::io::{self, IoSliceMut};

use ipv6_sys::option;

use super::errors::Reported;
use crate::fd::AsFd;

pub(super) fn receive(socket: impl AsFd, _: &mut [IoSliceMut<'_>]) -> io::Result<Option<Reported>> {
    // Returns `Unsupported`, with the name of the option.
    option::QUEUE_ERRORS.get(socket)?;
    Ok(None)
}
