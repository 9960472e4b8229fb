//! Opening sockets, and reading their type and protocol.

use core::mem::zeroed;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use core::ptr;

use rustix::fd::{AsFd, FromRawSocket};
use rustix::net::{self, Protocol, SocketAddrAny, SocketType};
use windows_sys::Win32::Networking::WinSock as winsock;

use super::calls::{check, last_error, raw, start};
use crate::error::Errno;
use crate::fd::{BorrowedFd, OwnedFd};

/// Windows does not report the mode.
pub(crate) fn is_nonblocking(_: BorrowedFd<'_>) -> Result<bool, Errno> {
    Ok(false)
}

/// Opens a blocking IPv6 socket that child processes do not inherit.
pub(crate) fn open(kind: SocketType, protocol: Option<Protocol>) -> Result<OwnedFd, Errno> {
    start()?;
    let protocol = protocol.map_or(0, |protocol| protocol.as_raw().get().cast_signed());
    // SAFETY: the arguments are numbers, and a null pointer for no template.
    let socket = unsafe {
        winsock::WSASocketW(
            winsock::AF_INET6.into(),
            kind.as_raw().cast_signed(),
            protocol,
            ptr::null(),
            0,
            winsock::WSA_FLAG_OVERLAPPED | winsock::WSA_FLAG_NO_HANDLE_INHERIT,
        )
    };
    if socket == winsock::INVALID_SOCKET {
        return Err(last_error());
    }
    // SAFETY: the socket has just been opened, and nothing else owns it.
    let socket = unsafe { OwnedFd::from_raw_socket(socket as _) };
    if kind == SocketType::DGRAM {
        // If the system cannot, a receive skips the reports.
        let _ = disable_report(socket.as_fd(), winsock::SIO_UDP_CONNRESET);
        let _ = disable_report(socket.as_fd(), winsock::SIO_UDP_NETRESET);
    }
    Ok(socket)
}

/// Disables one of the reports of ICMPv6 errors about earlier datagrams to any destination: `WSAECONNRESET` for
/// unreachable ports, `WSAENETRESET` for an exceeded hop limit. A receive would return them.
fn disable_report(socket: BorrowedFd<'_>, code: u32) -> Result<(), Errno> {
    let (off, mut len) = (windows_sys::core::BOOL::from(false), 0);
    // SAFETY: these control codes read a BOOL and write nothing. Without an OVERLAPPED structure, the call is complete
    // when it returns.
    let answer = unsafe {
        winsock::WSAIoctl(
            raw(socket),
            code,
            (&raw const off).cast(),
            size_of_val(&off) as u32,
            ptr::null_mut(),
            0,
            &mut len,
            ptr::null_mut(),
            None,
        )
    };
    check(answer)
}

/// Allows several sockets to be bound to one port; each receives what is sent to a group.
pub(crate) fn share_port(socket: BorrowedFd<'_>, on: bool) -> Result<(), Errno> {
    Ok(net::sockopt::set_socket_reuseaddr(socket, on)?)
}

/// `SO_PROTOCOL_INFO`.
fn protocol_info(socket: BorrowedFd<'_>) -> Result<winsock::WSAPROTOCOL_INFOW, Errno> {
    // SAFETY: a C structure of integers, for all of which zero is a valid value.
    let mut info: winsock::WSAPROTOCOL_INFOW = unsafe { zeroed() };
    let mut len = size_of::<winsock::WSAPROTOCOL_INFOW>() as i32;
    // SAFETY: the value of the option is this structure, and `len` is its size.
    let answer = unsafe {
        winsock::getsockopt(
            raw(socket),
            winsock::SOL_SOCKET,
            winsock::SO_PROTOCOL_INFOW,
            (&raw mut info).cast(),
            &mut len,
        )
    };
    check(answer)?;
    Ok(info)
}

/// The socket's protocol.
pub(crate) fn protocol(socket: BorrowedFd<'_>) -> Result<Option<u32>, Errno> {
    Ok(u32::try_from(protocol_info(socket)?.iProtocol).ok())
}

/// The address of a socket for which `getsockname` has none. Windows returns `WSAEINVAL` for a socket that is not
/// bound, where other systems return the unspecified address.
pub(crate) fn unbound_address(socket: BorrowedFd<'_>, error: Errno) -> Result<SocketAddrAny, Errno> {
    if error != Errno::INVAL {
        return Err(error);
    }
    match u16::try_from(protocol_info(socket)?.iAddressFamily) {
        Ok(winsock::AF_INET6) => Ok(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0).into()),
        Ok(winsock::AF_INET) => Ok(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0).into()),
        _ => Err(error),
    }
}

/// Always false: Windows reads every program's structures in that program's layout.
pub(crate) const fn kernel_reads_as_64() -> bool {
    false
}
