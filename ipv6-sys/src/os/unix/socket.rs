//! Opening sockets, and reading their type and protocol.

use rustix::net::{self, AddressFamily, Protocol, SocketType};

use crate::error::Errno;
use crate::fd::{BorrowedFd, OwnedFd};

/// Opens a blocking IPv6 socket that closes on exec.
pub(crate) fn open(kind: SocketType, protocol: Option<Protocol>) -> Result<OwnedFd, Errno> {
    // Apple and AIX need two calls.
    #[cfg(not(any(target_vendor = "apple", target_os = "aix")))]
    let socket = net::socket_with(AddressFamily::INET6, kind, net::SocketFlags::CLOEXEC, protocol)?;
    #[cfg(any(target_vendor = "apple", target_os = "aix"))]
    let socket = {
        let socket = net::socket(AddressFamily::INET6, kind, protocol)?;
        rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
        socket
    };
    Ok(socket)
}

/// `getsockname(2)` has an address for every socket: an error is one.
pub(crate) fn unbound_address(_: BorrowedFd<'_>, error: Errno) -> Result<net::SocketAddrAny, Errno> {
    Err(error)
}

/// Allows several sockets to be bound to one port; each receives what is sent to a group.
pub(crate) fn share_port(socket: BorrowedFd<'_>, on: bool) -> Result<(), Errno> {
    net::sockopt::set_socket_reuseaddr(socket, on)?;
    // On the BSDs, SO_REUSEADDR is not enough for sockets that are bound to the unspecified address.
    #[cfg(not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "illumos",
        target_os = "solaris"
    )))]
    net::sockopt::set_socket_reuseport(socket, on)?;
    Ok(())
}

/// Whether `O_NONBLOCK` is set.
pub(crate) fn is_nonblocking(socket: BorrowedFd<'_>) -> Result<bool, Errno> {
    // SAFETY: the descriptor is borrowed, hence open. `F_GETFL` takes no argument and writes no memory.
    let flags = unsafe { libc::fcntl(super::calls::raw(socket), libc::F_GETFL) };
    super::calls::check(flags)?;
    Ok(flags & libc::O_NONBLOCK != 0)
}

/// The socket's protocol; `None` on systems that do not report it.
pub(crate) fn protocol(socket: BorrowedFd<'_>) -> Result<Option<u32>, Errno> {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_os = "openbsd"))]
    let protocol = {
        let protocol = super::kernel::socket_protocol(socket)?;
        Some(protocol.map_or(0, |protocol| protocol.as_raw().get()))
    };
    #[cfg(not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "freebsd",
        target_os = "openbsd"
    )))]
    let protocol = {
        let _ = socket;
        None
    };
    Ok(protocol)
}

/// Whether a 64-bit kernel reads this 32-bit program's group requests as those of a 64-bit program. A FreeBSD kernel
/// that also runs amd64 programs does. Asks the kernel once.
#[cfg(all(target_os = "freebsd", target_arch = "x86"))]
pub(crate) fn kernel_reads_as_64() -> bool {
    use core::ptr;
    use core::sync::atomic::{AtomicU8, Ordering};
    const UNKNOWN: u8 = 2;
    static ANSWER: AtomicU8 = AtomicU8::new(UNKNOWN);
    let known = ANSWER.load(Ordering::Relaxed);
    if known != UNKNOWN {
        return known == 1;
    }
    let mut text = [0_u8; 64];
    let mut len = text.len();
    // SAFETY: the name is a C string; the kernel writes at most `len` bytes to `text`, and their count to `len`.
    // Nothing is set.
    let answer = unsafe {
        libc::sysctlbyname(
            c"kern.supported_archs".as_ptr(),
            text.as_mut_ptr().cast(),
            &mut len,
            ptr::null_mut(),
            0,
        )
    };
    let supported = text.get(..len).filter(|_| answer == 0).unwrap_or_default();
    let is_64 = supported.split(|byte| *byte == b' ' || *byte == 0).any(|arch| arch == b"amd64");
    ANSWER.store(is_64.into(), Ordering::Relaxed);
    is_64
}

/// Always false: on this system the kernel reads every program's structures in that program's layout.
#[cfg(not(all(target_os = "freebsd", target_arch = "x86")))]
pub(crate) const fn kernel_reads_as_64() -> bool {
    false
}
