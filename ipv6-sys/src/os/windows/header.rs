//! `WSAMSG` and what it points to.

use core::mem::zeroed;
use core::ptr;

use windows_sys::Win32::Networking::WinSock as winsock;

pub(crate) const MSG_PEEK: i32 = winsock::MSG_PEEK;
pub(crate) const MSG_DONTROUTE: i32 = winsock::MSG_DONTROUTE;
pub(crate) const MSG_TRUNC: i32 = winsock::MSG_TRUNC.cast_signed();
pub(crate) const MSG_CTRUNC: i32 = winsock::MSG_CTRUNC.cast_signed();
/// Winsock has no such flag. This bit is our own: before the call, the socket is polled.
pub(crate) const MSG_DONTWAIT: i32 = 1 << 29;
/// A bit of our own, which no system call sees: batches are loops here.
pub(crate) const MSG_WAITFORONE: i32 = 1 << 30;
/// The flags that calls remove: bits of our own.
pub(super) const OURS: i32 = MSG_DONTWAIT | MSG_WAITFORONE;

/// Whether the system accepts control messages without the padding after the last one.
pub(crate) const TAKES_NO_PADDING: bool = false;

/// The argument of `WSASendMsg` and `WSARecvMsg`: where the parts of the payload, the address and the control messages
/// are.
pub(crate) type Header = winsock::WSAMSG;
/// One part of a payload.
pub(crate) type Part = winsock::WSABUF;
/// The header of a control message.
pub(crate) type ControlHeader = winsock::CMSGHDR;

/// An empty header.
pub(crate) const fn header() -> Header {
    // SAFETY: a C structure of integers and pointers, for all of which zero is a valid value.
    unsafe { zeroed() }
}

pub(crate) const fn part(bytes: *mut u8, len: usize) -> Part {
    // The field has 32 bits; a larger length must not wrap around to a small one.
    let len = if len > u32::MAX as usize { u32::MAX } else { len as u32 };
    Part { len, buf: bytes }
}

#[cfg(not(feature = "std"))]
pub(crate) const fn part_start(part: &Part) -> *mut u8 {
    part.buf
}

#[cfg(not(feature = "std"))]
pub(crate) const fn part_len(part: &Part) -> usize {
    part.len as usize
}

pub(crate) fn set_name(message: &mut Header, name: *mut u8, len: usize) {
    message.name = if len == 0 { ptr::null_mut() } else { name.cast() };
    message.namelen = len as i32;
}

/// The length of the address that the system wrote.
pub(crate) fn name_len(message: &Header) -> usize {
    usize::try_from(message.namelen).unwrap_or(0)
}

pub(crate) fn set_payload(message: &mut Header, parts: *mut Part, count: usize) {
    message.lpBuffers = parts;
    message.dwBufferCount = u32::try_from(count).unwrap_or(u32::MAX);
}

pub(crate) fn set_control(message: &mut Header, control: *mut u8, len: usize) {
    message.Control = if len == 0 { part(ptr::null_mut(), 0) } else { part(control, len) };
}

/// The length of the control messages that the system reports.
pub(crate) fn control_len(message: &Header) -> usize {
    message.Control.len as usize
}

/// The flags of a received message.
pub(crate) fn flags(message: &Header) -> i32 {
    message.dwFlags.cast_signed()
}
