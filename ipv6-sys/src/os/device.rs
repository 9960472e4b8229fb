//! The device of a socket.

use ipv6_core::InterfaceIndex;

use crate::error::Error;
use crate::fd::BorrowedFd;

/// `SO_BINDTODEVICE`. It has no descriptor in `option`, because its value is a name.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn bind_to_device(socket: BorrowedFd<'_>, device: InterfaceIndex) -> Result<(), Error> {
    use crate::host::Host;
    use ipv6_core::abi::Platform;

    let number = Host::ABI.options.device.ok_or(Error::Unsupported("SO_BINDTODEVICE"))?;
    let mut bytes = [0; super::system::interface::NAME_MAX + 1];
    let name = super::system::name_of(device, &mut bytes)?;
    // SAFETY: the value is text, without a pointer.
    unsafe { super::system::set_option(socket, number, name.to_bytes()) }?;
    Ok(())
}

/// No other system has `SO_BINDTODEVICE`.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn bind_to_device(_: BorrowedFd<'_>, _: InterfaceIndex) -> Result<(), Error> {
    Err(Error::Unsupported("SO_BINDTODEVICE"))
}
