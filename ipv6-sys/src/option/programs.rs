//! BPF programs: filters, and selectors of the socket of a shared port.

use ipv6_core::BpfInstruction;
use ipv6_core::abi::{OptionNumber, Platform};

use crate::error::{Errno, Error};
use crate::fd::{AsFd, BorrowedFd};
use crate::host::Host;
use crate::os;

/// Attaches a classic BPF program. The socket does not receive a datagram for which the program returns 0, and receives
/// only the start of one for which it returns less than the length. Linux only.
///
/// # Errors
///
/// `EINVAL` when the program is empty, longer than 4,096 instructions, or not valid.
#[doc(alias = "SO_ATTACH_FILTER", alias = "sock_fprog")]
pub fn attach_filter(socket: impl AsFd, program: &[BpfInstruction]) -> Result<(), Error> {
    let number = Host::ABI.options.attach_filter.ok_or(Error::Unsupported("SO_ATTACH_FILTER"))?;
    attach(socket.as_fd(), number, program)
}

/// Attaches a classic BPF program to the sockets that share a port ([`REUSE_PORT`](super::REUSE_PORT)). For each datagram or
/// connection, it returns the index of the socket that receives it, in the order in which they were bound, starting with 0.
/// For an index that no socket has, the kernel selects one. The program sees the datagram from its UDP payload on. Linux only,
/// since 4.5 (TCP: 4.6).
///
/// # Errors
///
/// `EINVAL` when the program is empty, longer than 4,096 instructions, or not valid, and when the socket does not share its
/// port.
#[doc(alias = "SO_ATTACH_REUSEPORT_CBPF")]
pub fn attach_port_selector(socket: impl AsFd, program: &[BpfInstruction]) -> Result<(), Error> {
    let number = Host::ABI.options.attach_port_selector;
    attach(socket.as_fd(), number.ok_or(Error::Unsupported("SO_ATTACH_REUSEPORT_CBPF"))?, program)
}

fn attach(socket: BorrowedFd<'_>, number: OptionNumber, program: &[BpfInstruction]) -> Result<(), Error> {
    // `struct sock_fprog`: a count of two bytes, and a pointer to the instructions (proven in proofs/linux.rs).
    let len = u16::try_from(program.len()).map_err(|_| Errno::INVAL)?;
    let mut bytes = [0; 2 * size_of::<usize>()];
    let (count, start) = bytes.split_at_mut(size_of::<usize>());
    count[..2].copy_from_slice(&len.to_ne_bytes());
    start.copy_from_slice(&program.as_ptr().expose_provenance().to_ne_bytes());
    // SAFETY: the pointer in the bytes is that of `program`, which is borrowed until the call returns, and the count is
    // its length; its elements have the layout of `struct sock_filter` (proven in proofs/linux.rs). The kernel copies
    // the program. `number` is that of an option with this structure: both callers have it from the table.
    unsafe { os::set_option(socket, number, &bytes) }?;
    Ok(())
}

/// Attaches an extended BPF program of type `BPF_PROG_TYPE_SOCKET_FILTER`, which another library has loaded: as
/// [`attach_filter`]. Linux only.
///
/// # Errors
///
/// `EINVAL` when `program` is not such a program.
#[cfg(unix)]
#[doc(alias = "SO_ATTACH_BPF")]
pub fn attach_ebpf_filter(socket: impl AsFd, program: impl AsFd) -> Result<(), Error> {
    let number = Host::ABI.options.attach_ebpf_filter.ok_or(Error::Unsupported("SO_ATTACH_BPF"))?;
    attach_ebpf(socket.as_fd(), number, program.as_fd())
}

/// Attaches an extended BPF program of type `BPF_PROG_TYPE_SK_REUSEPORT` or `BPF_PROG_TYPE_SOCKET_FILTER`, which another
/// library has loaded: as [`attach_port_selector`]. Linux only.
///
/// # Errors
///
/// `EINVAL` when `program` is not such a program, and when the socket does not share its port.
#[cfg(unix)]
#[doc(alias = "SO_ATTACH_REUSEPORT_EBPF")]
pub fn attach_ebpf_port_selector(socket: impl AsFd, program: impl AsFd) -> Result<(), Error> {
    let number = Host::ABI.options.attach_ebpf_port_selector;
    attach_ebpf(
        socket.as_fd(),
        number.ok_or(Error::Unsupported("SO_ATTACH_REUSEPORT_EBPF"))?,
        program.as_fd(),
    )
}

#[cfg(unix)]
fn attach_ebpf(socket: BorrowedFd<'_>, number: OptionNumber, program: BorrowedFd<'_>) -> Result<(), Error> {
    use rustix::fd::AsRawFd;
    // SAFETY: the value is an int without a pointer: the number of a descriptor that is open until the call returns. The
    // kernel takes a reference of its own to the program.
    unsafe { os::set_option(socket, number, &program.as_raw_fd().to_ne_bytes()) }?;
    Ok(())
}
