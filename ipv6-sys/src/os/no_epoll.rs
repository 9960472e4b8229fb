//! Systems without `epoll`.

use core::convert::Infallible;
use core::time::Duration;

use super::events::Events;
use super::portable::NO_EPOLL;
use crate::error::Errno;
use crate::fd::BorrowedFd;

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
