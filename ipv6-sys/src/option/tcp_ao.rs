//! Keys of TCP-AO (Linux).

use ipv6_core::abi::{OptionNumber, Platform};
use ipv6_core::{TcpAoId, TcpAoInfo, TcpAoKey};
use rustix::net::SocketType;

use crate::error::{Errno, Error};
use crate::fd::{AsFd, BorrowedFd};
use crate::host::Host;
use crate::os;

const ADD: &str = "TCP_AO_ADD_KEY (Linux since 6.7, a kernel with CONFIG_TCP_AO)";
const DELETE: &str = "TCP_AO_DEL_KEY (Linux since 6.7, a kernel with CONFIG_TCP_AO)";
const INFO: &str = "TCP_AO_INFO (Linux since 6.7, a kernel with CONFIG_TCP_AO)";

/// Adds a key with which the segments of TCP connections to its peers are signed and checked.
///
/// # Errors
///
/// [`Error::Unsupported`] where the system has no such option: on Linux, a kernel without `CONFIG_TCP_AO`. On Linux `EEXIST`
/// when another key has one of the identifiers, `EKEYREJECTED` when the socket has an MD5 key for the peer, `EISCONN` when the
/// first key is added to a connection, and `ENOPROTOOPT` for a socket that is not TCP.
#[doc(alias = "TCP_AO_ADD_KEY")]
pub fn add_tcp_ao_key(socket: impl AsFd, key: &TcpAoKey<'_>) -> Result<(), Error> {
    set(socket.as_fd(), ADD, Host::ABI.options.tcp_ao_add_key, &key.encode::<Host>())
}

/// Deletes a key.
///
/// # Errors
///
/// Those of [`add_tcp_ao_key`]; `ENOENT` when there is no such key, `EBUSY` while the connection uses it.
#[doc(alias = "TCP_AO_DEL_KEY")]
pub fn delete_tcp_ao_key(socket: impl AsFd, id: &TcpAoId) -> Result<(), Error> {
    set(socket.as_fd(), DELETE, Host::ABI.options.tcp_ao_delete_key, &id.encode::<Host>())
}

/// Sets the keys that a connection uses, and the switches of TCP-AO.
///
/// # Errors
///
/// Those of [`add_tcp_ao_key`]; `ENOENT` for a number that no key has.
#[doc(alias = "TCP_AO_INFO")]
pub fn set_tcp_ao_info(socket: impl AsFd, info: &TcpAoInfo) -> Result<(), Error> {
    set(socket.as_fd(), INFO, Host::ABI.options.tcp_ao_info, &info.encode::<Host>())
}

/// Returns the keys that a connection uses, and its counters.
///
/// # Errors
///
/// Those of [`add_tcp_ao_key`]; `ENOENT` on a socket without keys.
#[doc(alias = "TCP_AO_INFO")]
pub fn tcp_ao_info(socket: impl AsFd) -> Result<TcpAoInfo, Error> {
    let (socket, number) = (socket.as_fd(), Host::ABI.options.tcp_ao_info.ok_or(Error::Unsupported(INFO))?);
    // Without flags, the kernel returns the state of the connection.
    let mut bytes = TcpAoInfo::default().encode::<Host>();
    let len = os::get_option(socket, number, &mut bytes).map_err(|errno| of_call(socket, INFO, errno))?;
    let written = bytes.get(..len).unwrap_or_default();
    TcpAoInfo::decode::<Host>(written).ok_or(Error::Value { option: INFO, len })
}

fn set(
    socket: BorrowedFd<'_>,
    name: &'static str,
    number: Option<OptionNumber>,
    value: &[u8],
) -> Result<(), Error> {
    let number = number.ok_or(Error::Unsupported(name))?;
    // SAFETY: no pointer is in the structure.
    unsafe { os::set_option(socket, number, value) }.map_err(|errno| of_call(socket, name, errno))
}

/// The error of a call. A socket of TCP that does not have the option is one of a kernel without it.
pub(super) fn of_call(socket: BorrowedFd<'_>, name: &'static str, errno: Errno) -> Error {
    let is_unknown = errno.raw() == rustix::io::Errno::NOPROTOOPT.raw_os_error();
    if is_unknown && os::socket_type(socket) == Ok(SocketType::STREAM) {
        return Error::Unsupported(name);
    }
    Error::Os(errno)
}
