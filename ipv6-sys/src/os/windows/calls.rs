//! The calls of Winsock.

use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use ipv6_core::abi::OptionNumber;
use windows_sys::Win32::Networking::WinSock as winsock;
use windows_sys::core::GUID;

use super::header::*;
use crate::error::Errno;
use crate::fd::BorrowedFd;
use crate::os::peer::PeerName;

/// Starts Winsock, which `std` does for its own sockets only. Starts it once and never stops it: sockets may outlive
/// everything here.
pub(super) fn start() -> Result<(), Errno> {
    static STARTED: AtomicBool = AtomicBool::new(false);
    if !STARTED.load(Ordering::Acquire) {
        rustix::net::wsa_startup()?;
        STARTED.store(true, Ordering::Release);
    }
    Ok(())
}

pub(crate) fn raw(fd: BorrowedFd<'_>) -> winsock::SOCKET {
    rustix::fd::AsRawSocket::as_raw_socket(&fd) as winsock::SOCKET
}

/// The error of the call that has just failed on this thread.
pub(crate) fn last_error() -> Errno {
    // SAFETY: the call has no arguments, and reads a value of this thread.
    Errno::from_raw(unsafe { winsock::WSAGetLastError() })
}

/// The result of a call that returns `SOCKET_ERROR` if it fails.
pub(crate) fn check(answer: i32) -> Result<(), Errno> {
    if answer == winsock::SOCKET_ERROR { Err(last_error()) } else { Ok(()) }
}

/// Whether `IPV6_2292PKTOPTIONS` returns the control messages of the latest segment of a stream.
pub(crate) const HAS_STREAM_CONTROL: bool = false;

/// Whether an option of an unknown name may have an `int` as its value. Not `SO_UPDATE_ACCEPT_CONTEXT`: its value is the
/// number of a socket, which has 4 bytes in a 32-bit program.
pub(crate) const fn may_be_int(number: OptionNumber) -> bool {
    !(number.level == winsock::SOL_SOCKET && number.name == winsock::SO_UPDATE_ACCEPT_CONTEXT)
}

/// Whether the error means that the socket does not have the option. For a stream it is `WSAEINVAL`.
pub(crate) fn lacks_option(errno: Errno) -> bool {
    matches!(errno.raw(), winsock::WSAENOPROTOOPT | winsock::WSAEOPNOTSUPP | winsock::WSAEINVAL)
}

/// Whether the error means that the system does not have the option: an older version of Windows, or Wine.
pub(crate) const fn is_unknown_option(errno: Errno) -> bool {
    errno.raw() == winsock::WSAENOPROTOOPT
}

/// `getsockopt`. Returns how many bytes of `value` the system wrote.
pub(crate) fn get_option(
    socket: BorrowedFd<'_>,
    number: OptionNumber,
    value: &mut [u8],
) -> Result<usize, Errno> {
    let mut len = i32::try_from(value.len()).unwrap_or(i32::MAX);
    // SAFETY: `value` is writable for `len` bytes, and the system writes no more. `len` is an `int` of ours.
    let answer =
        unsafe { winsock::getsockopt(raw(socket), number.level, number.name, value.as_mut_ptr(), &mut len) };
    check(answer)?;
    Ok(value.len().min(usize::try_from(len).unwrap_or(0)))
}

/// `setsockopt`.
///
/// # Safety
///
/// If the system follows a pointer in `value` for this option, the pointer is valid.
pub(crate) unsafe fn set_option(
    socket: BorrowedFd<'_>,
    number: OptionNumber,
    value: &[u8],
) -> Result<(), Errno> {
    let len = i32::try_from(value.len()).map_err(|_| Errno::INVAL)?;
    // SAFETY: `value` is readable for `len` bytes; the caller vouches for pointers in it.
    let answer = unsafe { winsock::setsockopt(raw(socket), number.level, number.name, value.as_ptr(), len) };
    check(answer)
}

/// The same with an option for which the system writes to `value` too. Windows has none.
///
/// # Safety
///
/// That of [`set_option`].
pub(crate) unsafe fn exchange_option(
    socket: BorrowedFd<'_>,
    number: OptionNumber,
    value: &mut [u8],
) -> Result<(), Errno> {
    // SAFETY: the caller vouches for pointers in `value`.
    unsafe { set_option(socket, number, value) }
}

/// `WSASendMsg`.
///
/// # Safety
///
/// Each pointer in `message` is valid for reads of its length.
pub(crate) unsafe fn send(socket: BorrowedFd<'_>, message: &Header, flags: i32) -> Result<usize, Errno> {
    if flags & MSG_DONTWAIT != 0 && !is_ready(socket, winsock::POLLOUT)? {
        return Err(Errno::AGAIN);
    }
    static CALL: Extension = Extension::new(winsock::WSAID_WSASENDMSG);
    let call = CALL.get(socket)?;
    // SAFETY: the identifier names a function of this type.
    let call = unsafe { transmute::<*mut (), winsock::LPFN_WSASENDMSG>(call) }.ok_or(Errno::INVAL)?;
    let mut sent = 0;
    let flags = (flags & !OURS).cast_unsigned();
    // SAFETY: the caller vouches for the pointers, and the system only reads. Without an OVERLAPPED structure, the call
    // is complete when it returns.
    let answer = unsafe { call(raw(socket), message, flags, &mut sent, ptr::null_mut(), None) };
    check(answer)?;
    Ok(sent as usize)
}

/// `sendto`, implemented by `WSASendMsg`.
///
/// # Safety
///
/// None is needed: no flag of Windows makes the system read the payload after the call.
pub(crate) unsafe fn send_to(
    socket: BorrowedFd<'_>,
    payload: &[u8],
    name: &[u8],
    flags: i32,
) -> Result<usize, Errno> {
    let mut message = header();
    let mut part = part(payload.as_ptr().cast_mut(), payload.len());
    set_name(&mut message, name.as_ptr().cast_mut(), name.len());
    set_payload(&mut message, &mut part, 1);
    // SAFETY: each pointer in `message` comes from something that is borrowed here, with its length.
    unsafe { send(socket, &message, flags) }
}

/// What a receive reports beside its count.
#[derive(Default)]
pub(crate) struct Reported {
    pub(crate) name_len: usize,
    pub(crate) truncated: bool,
}

/// Whether a receive reports the length of a datagram that it cut.
pub(crate) const REPORTS_LENGTH: bool = false;

/// `recvfrom`, implemented by `WSARecvMsg`, which reports that it cut the datagram.
pub(crate) fn receive_from(
    socket: BorrowedFd<'_>,
    payload: &mut [u8],
    name: &mut PeerName,
    reported: &mut Reported,
    flags: i32,
) -> Result<usize, Errno> {
    let mut message = header();
    let mut part = part(payload.as_mut_ptr(), payload.len());
    set_name(&mut message, name.as_mut_ptr(), PeerName::SIZE);
    set_payload(&mut message, &mut part, 1);
    // SAFETY: each pointer in `message` comes from something that is borrowed mutably here, with its length.
    let received = unsafe { receive(socket, &mut message, flags) }?;
    *reported = Reported { name_len: name_len(&message), truncated: self::flags(&message) & MSG_TRUNC != 0 };
    Ok(received)
}

/// `WSARecvMsg`. Afterwards the header has the lengths of the address and of the control messages.
///
/// # Safety
///
/// Each pointer in `message` is valid for writes of its length, and what it points to may hold any bytes.
pub(crate) unsafe fn receive(
    socket: BorrowedFd<'_>,
    message: &mut Header,
    flags: i32,
) -> Result<usize, Errno> {
    static CALL: Extension = Extension::new(winsock::WSAID_WSARECVMSG);
    let call = CALL.get(socket)?;
    // SAFETY: the identifier names a function of this type.
    let call = unsafe { transmute::<*mut (), winsock::LPFN_WSARECVMSG>(call) }.ok_or(Errno::INVAL)?;
    if flags & MSG_DONTWAIT != 0 && !is_ready(socket, winsock::POLLIN)? {
        return Err(Errno::AGAIN);
    }
    message.dwFlags = (flags & !OURS).cast_unsigned();
    let (lens, mut received) = ((message.namelen, message.Control.len), 0);
    // SAFETY: the caller vouches for the pointers; the system keeps to the lengths. Without an OVERLAPPED structure, the
    // call is complete when it returns.
    let answer = unsafe { call(raw(socket), message, &mut received, ptr::null_mut(), None) };
    match check(answer).map_err(Errno::raw) {
        Ok(()) => Ok(received as usize),
        // An ICMPv6 error about an earlier datagram to any destination, not about this receive. The caller repeats the
        // call, as after a signal: it may have a limit, and any number of these errors can arrive.
        Err(winsock::WSAECONNRESET | winsock::WSAENETRESET) => {
            // The call may have replaced the lengths.
            (message.namelen, message.Control.len) = lens;
            Err(Errno::INTR)
        }
        // The message was cut; what fits was written.
        Err(winsock::WSAEMSGSIZE) => {
            let cut = winsock::MSG_TRUNC | winsock::MSG_CTRUNC;
            if message.dwFlags & cut == 0 {
                message.dwFlags |= winsock::MSG_TRUNC;
            }
            // SAFETY: the caller vouches for the parts and their count.
            let len = unsafe { room(message) };
            let whole = message.dwFlags & winsock::MSG_TRUNC == 0;
            Ok(if whole || received != 0 { len.min(received as usize) } else { len })
        }
        Err(errno) => Err(Errno::from_raw(errno)),
    }
}

/// The total length of the parts of a message.
///
/// # Safety
///
/// The header's pointer is valid for as many parts as it says.
unsafe fn room(message: &Header) -> usize {
    if message.dwBufferCount == 0 {
        return 0;
    }
    // SAFETY: the caller vouches for the pointer and the count. No mutable reference to the parts is alive.
    let parts = unsafe { core::slice::from_raw_parts(message.lpBuffers, message.dwBufferCount as usize) };
    parts.iter().map(|part| part.len as usize).sum()
}

/// Whether a call would not wait. If another thread makes the same call in between, the call waits after all.
fn is_ready(socket: BorrowedFd<'_>, events: i16) -> Result<bool, Errno> {
    let mut poll = winsock::WSAPOLLFD { fd: raw(socket), events, revents: 0 };
    // SAFETY: one entry, and a count of one.
    let answer = unsafe { winsock::WSAPoll(&mut poll, 1, 0) };
    check(answer)?;
    Ok(answer != 0)
}

/// An extension function, looked up by its identifier (`SIO_GET_EXTENSION_FUNCTION_POINTER`). Looked up once: one
/// provider serves all IPv6 sockets. It stays loaded, because Winsock is never stopped once a function was looked up.
struct Extension {
    id: GUID,
    found: AtomicPtr<()>,
}

impl Extension {
    const fn new(id: GUID) -> Self {
        Self { id, found: AtomicPtr::new(ptr::null_mut()) }
    }

    fn get(&self, socket: BorrowedFd<'_>) -> Result<*mut (), Errno> {
        let known = self.found.load(Ordering::Relaxed);
        if !known.is_null() {
            return Ok(known);
        }
        // Others may have started Winsock for this socket, and may stop it, which unloads the provider.
        start()?;
        let mut found: *mut () = ptr::null_mut();
        let mut len = 0;
        // SAFETY: the control code reads an identifier and writes a pointer; the sizes are theirs.
        let answer = unsafe {
            winsock::WSAIoctl(
                raw(socket),
                winsock::SIO_GET_EXTENSION_FUNCTION_POINTER,
                (&raw const self.id).cast(),
                size_of::<GUID>() as u32,
                (&raw mut found).cast(),
                size_of::<*mut ()>() as u32,
                &mut len,
                ptr::null_mut(),
                None,
            )
        };
        check(answer)?;
        self.found.store(found, Ordering::Relaxed);
        Ok(found)
    }
}
