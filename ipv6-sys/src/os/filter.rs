//! The BPF program of a socket.

use ipv6_core::BpfInstruction;

use crate::error::Error;
use crate::fd::BorrowedFd;

const NAME: &str = "SO_GET_FILTER";

/// `SO_GET_FILTER`, whose lengths count instructions.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn attached_filter(socket: BorrowedFd<'_>, room: &mut [BpfInstruction]) -> Result<usize, Error> {
    use crate::host::Host;
    use ipv6_core::abi::Platform;

    // The number of SO_ATTACH_FILTER (asm-generic/socket.h), for the other direction.
    let number = Host::ABI.options.attach_filter.ok_or(Error::Unsupported(NAME))?;
    let mut count = libc::socklen_t::try_from(room.len()).unwrap_or(libc::socklen_t::MAX);
    // SAFETY: the kernel writes nothing when `count` is 0, and otherwise at most `count` instructions
    // (net/core/filter.c: `sk_get_filter`), for which `room` is writable. They are laid out as
    // `BpfInstruction` (proven in proofs.rs), for which any bytes are a value. `count` is a `socklen_t` of ours.
    let answer = unsafe {
        super::system::kernel::getsockopt(
            super::system::raw(socket),
            number.level,
            number.name,
            room.as_mut_ptr().cast(),
            &mut count,
        )
    };
    if answer == -1 { Err(super::system::last_error().into()) } else { Ok(count as usize) }
}

/// Only Linux returns the program of a socket.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn attached_filter(_: BorrowedFd<'_>, _: &mut [BpfInstruction]) -> Result<usize, Error> {
    Err(Error::Unsupported(NAME))
}
