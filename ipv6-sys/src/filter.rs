//! Reading the BPF program of a socket. [`attach_filter`](crate::option::attach_filter) attaches one.

use ipv6_core::BpfInstruction;

use crate::error::Error;
use crate::fd::AsFd;
use crate::os;

/// Returns the number of instructions of the classic BPF program that is attached to the socket, 0 without one, and
/// writes them to the start of `room`. With an empty `room`, it returns the number only.
///
/// # Errors
///
/// [`Error::Unsupported`] on systems other than Linux. `EINVAL` if `room` is not empty and too small, `EACCES` if the
/// program is not a classic one (`SO_ATTACH_BPF`), `ENOPROTOOPT` before Linux 3.8.
#[doc(alias = "SO_GET_FILTER")]
pub fn attached(socket: impl AsFd, room: &mut [BpfInstruction]) -> Result<usize, Error> {
    os::attached_filter(socket.as_fd(), room)
}
