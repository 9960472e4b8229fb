//! Windows: the calls of Winsock, and the structures they take.

use core::mem::{transmute, zeroed};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use ipv6_core::abi::OptionNumber;
use rustix::fd::FromRawSocket;
use rustix::net::{self, Protocol, SocketType};
use windows_sys::Win32::Networking::WinSock as winsock;
use windows_sys::core::GUID;

use crate::error::Errno;
use crate::fd::{BorrowedFd, OwnedFd};
use crate::message::PeerName;

pub(crate) mod interface;

pub(crate) const EINTR: i32 = winsock::WSAEINTR;
pub(crate) const EAGAIN: i32 = winsock::WSAEWOULDBLOCK;
pub(crate) const EINVAL: i32 = winsock::WSAEINVAL;
pub(crate) const EMSGSIZE: i32 = winsock::WSAEMSGSIZE;

pub(crate) const MSG_PEEK: i32 = winsock::MSG_PEEK;
pub(crate) const MSG_TRUNC: i32 = winsock::MSG_TRUNC.cast_signed();
pub(crate) const MSG_CTRUNC: i32 = winsock::MSG_CTRUNC.cast_signed();
/// Winsock has no such flag: this one is ours, and [`is_ready`] is asked before the call.
pub(crate) const MSG_DONTWAIT: i32 = 1 << 29;

/// Whether the padding after the last control message may be left out.
pub(crate) const TAKES_NO_PADDING: bool = false;

/// Where a message's parts, address and control messages are: what `WSASendMsg` and `WSARecvMsg` take.
pub(crate) type Header = winsock::WSAMSG;
/// One part of a payload.
pub(crate) type Part = winsock::WSABUF;
/// What control messages start with.
pub(crate) type ControlHeader = winsock::CMSGHDR;
/// The length of an address.
pub(crate) type NameLen = i32;

pub(crate) fn raw(fd: BorrowedFd<'_>) -> winsock::SOCKET {
    rustix::fd::AsRawSocket::as_raw_socket(&fd) as winsock::SOCKET
}

/// The error of the call that has just failed on this thread.
pub(crate) fn last_error() -> Errno {
    // SAFETY: the call has no arguments, and reads what belongs to this thread.
    Errno::from_raw(unsafe { winsock::WSAGetLastError() })
}

/// What a call that answers `SOCKET_ERROR` for "see the last error" has answered.
fn check(answer: i32) -> Result<(), Errno> {
    if answer == winsock::SOCKET_ERROR { Err(last_error()) } else { Ok(()) }
}

/// Whether the error is that of a socket without the option that was asked for; of a stream it is `WSAEINVAL`.
pub(crate) fn lacks_option(errno: Errno) -> bool {
    matches!(errno.raw(), winsock::WSAENOPROTOOPT | winsock::WSAEINVAL)
}

/// `getsockopt`: the bytes of `value` that the system wrote.
pub(crate) fn get_option(
    socket: BorrowedFd<'_>,
    number: OptionNumber,
    value: &mut [u8],
) -> Result<usize, Errno> {
    let mut len = i32::try_from(value.len()).unwrap_or(i32::MAX);
    // SAFETY: `value` is writable for at least `len` bytes, which the system takes as its limit; `len` is an
    // `int` of ours.
    let answer =
        unsafe { winsock::getsockopt(raw(socket), number.level, number.name, value.as_mut_ptr(), &mut len) };
    check(answer)?;
    Ok(value.len().min(usize::try_from(len).unwrap_or(0)))
}

/// `setsockopt`.
///
/// # Safety
///
/// No pointer in `value` dangles that the system would follow for this option.
pub(crate) unsafe fn set_option(
    socket: BorrowedFd<'_>,
    number: OptionNumber,
    value: &[u8],
) -> Result<(), Errno> {
    let len = i32::try_from(value.len()).map_err(|_| Errno::INVAL)?;
    // SAFETY: `value` is readable for `len` bytes, and what it points to is as the caller promises.
    let answer = unsafe { winsock::setsockopt(raw(socket), number.level, number.name, value.as_ptr(), len) };
    check(answer)
}

/// Winsock is there once somebody has asked for it; `std` asks for its own sockets only. Asked for once, and
/// never given back: sockets may outlive anything here.
fn start() -> Result<(), Errno> {
    static STARTED: AtomicBool = AtomicBool::new(false);
    if !STARTED.load(Ordering::Acquire) {
        net::wsa_startup()?;
        STARTED.store(true, Ordering::Release);
    }
    Ok(())
}

/// Opens an IPv6 socket that child processes do not inherit, and that blocks.
pub(crate) fn open(kind: SocketType, protocol: Option<Protocol>) -> Result<OwnedFd, Errno> {
    start()?;
    let protocol = protocol.map_or(0, |protocol| protocol.as_raw().get().cast_signed());
    // SAFETY: numbers, and no template to copy.
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
    // SAFETY: a socket that has just been opened, of which nobody else knows.
    Ok(unsafe { OwnedFd::from_raw_socket(socket as _) })
}

/// Lets several sockets be bound to one port, each of which gets what is sent to a group.
pub(crate) fn share_port(socket: BorrowedFd<'_>, on: bool) -> Result<(), Errno> {
    Ok(net::sockopt::set_socket_reuseaddr(socket, on)?)
}

/// The protocol of the socket.
pub(crate) fn protocol(socket: BorrowedFd<'_>) -> Result<Option<u32>, Errno> {
    // SAFETY: a C structure of integers, for all of which zero is a value.
    let mut info: winsock::WSAPROTOCOL_INFOW = unsafe { zeroed() };
    let mut len = size_of::<winsock::WSAPROTOCOL_INFOW>() as i32;
    // SAFETY: the option has this structure as its value, and `len` is its size.
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
    Ok(u32::try_from(info.iProtocol).ok())
}

/// The program is as wide as the system that reads its structures.
pub(crate) const fn kernel_reads_as_64() -> bool {
    false
}

/// A header without anything.
pub(crate) fn header() -> Header {
    // SAFETY: a C structure of integers and pointers, for all of which zero is a value.
    unsafe { zeroed() }
}

pub(crate) const fn part(bytes: *mut u8, len: usize) -> Part {
    // The field has 32 bits: more must not come out as less.
    let len = if len > u32::MAX as usize { u32::MAX } else { len as u32 };
    Part { len, buf: bytes }
}

#[cfg(not(feature = "std"))]
pub(crate) fn part_start(part: &Part) -> *mut u8 {
    part.buf
}

#[cfg(not(feature = "std"))]
pub(crate) fn part_len(part: &Part) -> usize {
    part.len as usize
}

pub(crate) fn set_name(message: &mut Header, name: *mut u8, len: usize) {
    message.name = if len == 0 { ptr::null_mut() } else { name.cast() };
    message.namelen = len as NameLen;
}

/// Bytes of the name that the system wrote.
pub(crate) fn name_len(message: &Header) -> NameLen {
    message.namelen
}

pub(crate) fn set_payload(message: &mut Header, parts: *mut Part, count: usize) {
    message.lpBuffers = parts;
    message.dwBufferCount = u32::try_from(count).unwrap_or(u32::MAX);
}

pub(crate) fn set_control(message: &mut Header, control: *mut u8, len: usize) {
    message.Control = if len == 0 { part(ptr::null_mut(), 0) } else { part(control, len) };
}

/// Bytes of control messages that the system wrote.
pub(crate) fn control_len(message: &Header) -> usize {
    message.Control.len as usize
}

/// The flags that the system gave a message that was received.
pub(crate) fn flags(message: &Header) -> i32 {
    message.dwFlags.cast_signed()
}

/// `WSASendMsg`.
///
/// # Safety
///
/// Every pointer in `message`, with its length, is that of something that may be read.
pub(crate) unsafe fn send(socket: BorrowedFd<'_>, message: &Header, flags: i32) -> Result<usize, Errno> {
    if flags & MSG_DONTWAIT != 0 && !is_ready(socket, winsock::POLLOUT)? {
        return Err(Errno::AGAIN);
    }
    static CALL: Extension = Extension::new(winsock::WSAID_WSASENDMSG);
    let call = CALL.get(socket)?;
    // SAFETY: what the identifier stands for is a function of this type.
    let call = unsafe { transmute::<*mut (), winsock::LPFN_WSASENDMSG>(call) }.ok_or(Errno::INVAL)?;
    let mut sent = 0;
    let flags = (flags & !MSG_DONTWAIT).cast_unsigned();
    // SAFETY: what `message` points to is as the caller promises, and the system only reads it. Without an
    // OVERLAPPED the call is over when it returns.
    let answer = unsafe { call(raw(socket), message, flags, &mut sent, ptr::null_mut(), None) };
    check(answer)?;
    Ok(sent as usize)
}

/// `sendto`, by the call that is there for messages.
pub(crate) fn send_to(
    socket: BorrowedFd<'_>,
    payload: &[u8],
    name: &[u8],
    flags: i32,
) -> Result<usize, Errno> {
    let mut message = header();
    let mut part = part(payload.as_ptr().cast_mut(), payload.len());
    set_name(&mut message, name.as_ptr().cast_mut(), name.len());
    set_payload(&mut message, &mut part, 1);
    // SAFETY: every pointer in `message` is that of something that is borrowed here, with its length.
    unsafe { send(socket, &message, flags) }
}

/// What a receive told beside its count.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) name_len: NameLen,
    pub(crate) truncated: bool,
}

pub(crate) const TELLS_LENGTH: bool = false;

/// `recvfrom`, by the call that says what was cut.
pub(crate) fn receive_from(
    socket: BorrowedFd<'_>,
    payload: &mut [u8],
    name: &mut PeerName,
    told: &mut Told,
    flags: i32,
) -> Result<usize, Errno> {
    let mut message = header();
    let mut part = part(payload.as_mut_ptr(), payload.len());
    set_name(&mut message, name.as_mut_ptr(), PeerName::SIZE);
    set_payload(&mut message, &mut part, 1);
    // SAFETY: every pointer in `message` is that of something that is borrowed mutably here, with its length.
    let received = unsafe { receive(socket, &mut message, flags) }?;
    *told = Told { name_len: message.namelen, truncated: self::flags(&message) & MSG_TRUNC != 0 };
    Ok(received)
}

/// `WSARecvMsg`. The header says how many bytes of name and control messages the system wrote, from their
/// starts.
///
/// # Safety
///
/// Every pointer in `message`, with its length, is that of something that may be written with any bytes.
pub(crate) unsafe fn receive(
    socket: BorrowedFd<'_>,
    message: &mut Header,
    flags: i32,
) -> Result<usize, Errno> {
    static CALL: Extension = Extension::new(winsock::WSAID_WSARECVMSG);
    let call = CALL.get(socket)?;
    // SAFETY: what the identifier stands for is a function of this type.
    let call = unsafe { transmute::<*mut (), winsock::LPFN_WSARECVMSG>(call) }.ok_or(Errno::INVAL)?;
    let (name_len, control_len) = (message.namelen, message.Control.len);
    loop {
        if flags & MSG_DONTWAIT != 0 && !is_ready(socket, winsock::POLLIN)? {
            return Err(Errno::AGAIN);
        }
        // Each call says in them how much it wrote.
        message.namelen = name_len;
        message.Control.len = control_len;
        message.dwFlags = (flags & !MSG_DONTWAIT).cast_unsigned();
        let mut received = 0;
        // SAFETY: what `message` points to is as the caller promises; the system keeps to the lengths. Without
        // an OVERLAPPED the call is over when it returns.
        let answer = unsafe { call(raw(socket), message, &mut received, ptr::null_mut(), None) };
        match check(answer).map_err(Errno::raw) {
            Ok(()) => return Ok(received as usize),
            // An ICMPv6 error for something that was sent earlier, to anybody: not about what is received.
            Err(winsock::WSAECONNRESET | winsock::WSAENETRESET) => {}
            // There was more than room, and what fits is there.
            Err(winsock::WSAEMSGSIZE) => {
                let cut = winsock::MSG_TRUNC | winsock::MSG_CTRUNC;
                if message.dwFlags & cut == 0 {
                    message.dwFlags |= winsock::MSG_TRUNC;
                }
                // SAFETY: the caller's parts, of the count given.
                let len = unsafe { room(message) };
                let whole = message.dwFlags & winsock::MSG_TRUNC == 0;
                return Ok(if whole || received != 0 { len.min(received as usize) } else { len });
            }
            Err(errno) => return Err(Errno::from_raw(errno)),
        }
    }
}

/// Bytes that fit into the parts of a message.
///
/// # Safety
///
/// The header's parts are there, as many as it says.
unsafe fn room(message: &Header) -> usize {
    if message.dwBufferCount == 0 {
        return 0;
    }
    // SAFETY: the parts are there, as the caller promises; no reference to them is alive.
    let parts = unsafe { core::slice::from_raw_parts(message.lpBuffers, message.dwBufferCount as usize) };
    parts.iter().map(|part| part.len as usize).sum()
}

/// Whether a call would not have to wait. Another thread may make the same call in between, which then waits.
fn is_ready(socket: BorrowedFd<'_>, events: i16) -> Result<bool, Errno> {
    let mut poll = winsock::WSAPOLLFD { fd: raw(socket), events, revents: 0 };
    // SAFETY: one entry, and a count of one.
    let answer = unsafe { winsock::WSAPoll(&mut poll, 1, 0) };
    check(answer)?;
    Ok(answer != 0)
}

/// A function that Winsock gives by an identifier (`SIO_GET_EXTENSION_FUNCTION_POINTER`). Asked for once: one
/// provider serves all IPv6 sockets.
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
        let mut found: *mut () = ptr::null_mut();
        let mut len = 0;
        // SAFETY: the control code takes an identifier, and writes a pointer; the sizes are theirs.
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
