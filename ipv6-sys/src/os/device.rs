//! The device of a socket.

use ipv6_core::InterfaceIndex;

use crate::error::Error;
use crate::fd::BorrowedFd;

/// `SO_BINDTODEVICE`. It has no descriptor in `option`: its value is a name, and its number differs on SPARC.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn bind_to_device(socket: BorrowedFd<'_>, device: InterfaceIndex) -> Result<(), Error> {
    use ipv6_core::abi::OptionNumber;

    const NUMBER: OptionNumber =
        OptionNumber { level: super::system::SOL_SOCKET, name: libc::SO_BINDTODEVICE };
    let mut bytes = [0; super::system::interface::NAME_MAX + 1];
    let name = super::system::name_of(device, &mut bytes)?;
    // SAFETY: the value is text, without a pointer.
    unsafe { super::system::set_option(socket, NUMBER, name.to_bytes()) }?;
    Ok(())
}

/// No other system has `SO_BINDTODEVICE`.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn bind_to_device(_: BorrowedFd<'_>, _: InterfaceIndex) -> Result<(), Error> {
    Err(Error::Unsupported("SO_BINDTODEVICE"))
}
