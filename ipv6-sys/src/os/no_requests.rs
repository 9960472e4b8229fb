//! `ioctl(2)` on a socket, elsewhere: no request is known.

use crate::error::Errno;
use crate::fd::BorrowedFd;

/// There is no such request.
///
/// # Safety
///
/// None is needed.
pub(crate) unsafe fn exchange_request(_: BorrowedFd<'_>, _: u32, _: &mut [u8]) -> Result<(), Errno> {
    Err(Errno::INVAL)
}

/// There is no such request.
///
/// # Safety
///
/// None is needed.
pub(crate) unsafe fn send_request(_: BorrowedFd<'_>, _: u32, _: &[u8]) -> Result<(), Errno> {
    Err(Errno::INVAL)
}

/// Whether the error means that there is no such request.
pub(crate) fn is_unknown_request(_: Errno) -> bool {
    true
}
