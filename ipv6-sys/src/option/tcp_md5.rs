//! Keys of TCP MD5 signatures (Linux).

use ipv6_core::TcpMd5Key;
use ipv6_core::abi::Platform;

use crate::error::Error;
use crate::fd::AsFd;
use crate::host::Host;
use crate::os;

use super::tcp_ao::of_call;

/// Sets or removes the key with which the segments of TCP connections to a peer are signed and checked.
///
/// # Errors
///
/// [`Error::Unsupported`] where the system has no such option: on Linux, a kernel without `CONFIG_TCP_MD5SIG`. On Linux `ENOENT`
/// when the key to remove does not exist, `EINVAL` for a prefix that is too long, and `ENOPROTOOPT` for a socket that is not
/// TCP.
#[doc(alias = "TCP_MD5SIG", alias = "TCP_MD5SIG_EXT")]
pub fn set_tcp_md5_key(socket: impl AsFd, key: &TcpMd5Key<'_>) -> Result<(), Error> {
    let (name, number) = if key.is_extended() {
        ("TCP_MD5SIG_EXT (Linux, a kernel with CONFIG_TCP_MD5SIG)", Host::ABI.options.tcp_md5_key_extended)
    } else {
        ("TCP_MD5SIG (Linux, a kernel with CONFIG_TCP_MD5SIG)", Host::ABI.options.tcp_md5_key)
    };
    let number = number.ok_or(Error::Unsupported(name))?;
    // SAFETY: no pointer is in the structure.
    unsafe { os::set_option(socket.as_fd(), number, &key.encode::<Host>()) }
        .map_err(|errno| of_call(socket.as_fd(), name, errno))
}
