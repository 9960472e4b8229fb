//! Systems without `epoll`.

use core::convert::Infallible;
use core::time::Duration;

use super::events::{Events, Ready};
use crate::error::Errno;
use crate::fd::BorrowedFd;

#[derive(Debug)]
pub(crate) struct Epoll(Infallible);

impl Epoll {
    pub(crate) fn new(_: BorrowedFd<'_>, _: Option<Ready>) -> Result<Self, Errno> {
        Err(rustix::io::Errno::OPNOTSUPP.into())
    }

    #[cfg(unix)]
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        match self.0 {}
    }

    pub(crate) fn wait(&self, _: Option<Duration>) -> Result<Events, Errno> {
        match self.0 {}
    }
}
