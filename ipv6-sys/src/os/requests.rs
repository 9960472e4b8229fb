//! `ioctl(2)` on a socket (Linux, illumos, Solaris).

use super::system::{last_error, raw};
use crate::error::Errno;
use crate::fd::BorrowedFd;

/// A request whose argument is a structure that the kernel reads and writes.
///
/// # Safety
///
/// For this socket and this request, the kernel writes no more than `bytes` holds, and follows no pointer in it.
pub(crate) unsafe fn exchange_request(
    socket: BorrowedFd<'_>,
    request: u32,
    bytes: &mut [u8],
) -> Result<(), Errno> {
    // SAFETY: the caller vouches for the structure; the pointer is that of a mutable slice.
    let answer = unsafe { libc::ioctl(raw(socket), request as _, bytes.as_mut_ptr()) };
    if answer < 0 { Err(last_error()) } else { Ok(()) }
}

/// A request whose argument is a structure that the kernel only reads.
///
/// # Safety
///
/// For this socket and this request, the kernel writes nothing, reads no more than `bytes` holds, and follows no pointer in
/// it.
pub(crate) unsafe fn send_request(socket: BorrowedFd<'_>, request: u32, bytes: &[u8]) -> Result<(), Errno> {
    // SAFETY: the caller vouches for the structure; the pointer is that of a slice, which the kernel only reads.
    let answer = unsafe { libc::ioctl(raw(socket), request as _, bytes.as_ptr()) };
    if answer < 0 { Err(last_error()) } else { Ok(()) }
}

/// Whether the error means that the kernel does not know the request for this socket and this kind of program.
pub(crate) fn is_unknown_request(errno: Errno) -> bool {
    errno.raw() == libc::ENOTTY
}
