//! Systems without `epoll`.

use core::convert::Infallible;
use core::time::Duration;

use super::events::Events;
use crate::error::Errno;
use crate::fd::BorrowedFd;

/// The error of a system without `epoll`.
pub(crate) const NO_EPOLL: Errno = Errno::from_raw(rustix::io::Errno::OPNOTSUPP.raw_os_error());

#[derive(Debug)]
pub(crate) struct Epoll(Infallible);

impl Epoll {
    pub(crate) fn new(_: BorrowedFd<'_>, _: Events) -> Result<Self, Errno> {
        Err(NO_EPOLL)
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        match self.0 {}
    }

    pub(crate) fn wait(&self, _: Option<Duration>) -> Result<Events, Errno> {
        match self.0 {}
    }
}
