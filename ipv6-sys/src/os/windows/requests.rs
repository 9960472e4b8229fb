//! `WSAIoctl` on a socket.

use core::ptr;

use windows_sys::Win32::Networking::WinSock as winsock;

use super::system::{check, raw};
use crate::error::Errno;
use crate::fd::BorrowedFd;

/// A request whose argument is a structure that the system reads and writes.
///
/// # Safety
///
/// For this socket and this request, the system follows no pointer in `bytes`.
pub(crate) unsafe fn exchange_request(
    socket: BorrowedFd<'_>,
    request: u32,
    bytes: &mut [u8],
) -> Result<(), Errno> {
    let len = u32::try_from(bytes.len()).map_err(|_| Errno::INVAL)?;
    let start = bytes.as_mut_ptr();
    let mut written = 0;
    // SAFETY: `start` is that of a mutable slice of `len` bytes, of which the system reads and writes no more. The caller
    // vouches for pointers in it. Without an OVERLAPPED structure, the call is complete when it returns.
    let answer = unsafe {
        winsock::WSAIoctl(
            raw(socket),
            request,
            start.cast_const().cast(),
            len,
            start.cast(),
            len,
            &mut written,
            ptr::null_mut(),
            None,
        )
    };
    check(answer)
}

/// A request whose argument is a structure that the system only reads.
///
/// # Safety
///
/// For this socket and this request, the system follows no pointer in `bytes`.
pub(crate) unsafe fn send_request(socket: BorrowedFd<'_>, request: u32, bytes: &[u8]) -> Result<(), Errno> {
    let len = u32::try_from(bytes.len()).map_err(|_| Errno::INVAL)?;
    let mut written = 0;
    // SAFETY: the pointer is that of a slice of `len` bytes, of which the system reads no more; it has no room to write. The
    // caller vouches for pointers in it. Without an OVERLAPPED structure, the call is complete when it returns.
    let answer = unsafe {
        winsock::WSAIoctl(
            raw(socket),
            request,
            bytes.as_ptr().cast(),
            len,
            ptr::null_mut(),
            0,
            &mut written,
            ptr::null_mut(),
            None,
        )
    };
    check(answer)
}

/// Whether the error means that the system does not know the request.
pub(crate) fn is_unknown_request(errno: Errno) -> bool {
    errno.raw() == winsock::WSAEOPNOTSUPP
}
