//! `struct msghdr` and what it points to.

use core::mem::zeroed;
use core::ptr;

#[cfg(not(target_os = "aix"))]
pub(crate) use libc::MSG_DONTWAIT;
#[cfg(target_os = "aix")]
pub(crate) use libc::MSG_NONBLOCK as MSG_DONTWAIT;
#[cfg(any(target_os = "linux", target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
pub(crate) use libc::MSG_WAITFORONE;
pub(crate) use libc::{MSG_CTRUNC, MSG_DONTROUTE, MSG_PEEK, MSG_TRUNC};

/// A bit of our own, which no system call sees: batches are loops here.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "netbsd", target_os = "openbsd")))]
pub(crate) const MSG_WAITFORONE: i32 = 1 << 30;

/// The flags that calls for one message remove: bits of our own.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "netbsd", target_os = "openbsd")))]
pub(super) const OURS: i32 = MSG_WAITFORONE;
/// All flags are those of the system.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
pub(super) const OURS: i32 = 0;

/// Whether the kernel accepts control messages without the padding after the last one.
pub(crate) const TAKES_NO_PADDING: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// The argument of `sendmsg(2)` and `recvmsg(2)`: where the parts of the payload, the address and the control
/// messages are.
pub(crate) type Header = libc::msghdr;
/// The same for one message of `sendmmsg(2)` and `recvmmsg(2)`.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
pub(crate) type ManyHeader = libc::mmsghdr;
/// One part of a payload.
pub(crate) type Part = libc::iovec;
/// The header of a control message.
pub(crate) type ControlHeader = libc::cmsghdr;

/// An empty header. It must be all zero: musl has fields for padding, which the kernel reads as part of the lengths
/// (scar 15).
#[inline]
pub(crate) const fn header() -> Header {
    // SAFETY: a C structure of integers and pointers, for all of which zero is a valid value.
    unsafe { zeroed() }
}

/// An empty header of a batch.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
#[cfg_attr(one_by_one, expect(dead_code, reason = "batches are loops"))]
pub(crate) const fn many_header() -> ManyHeader {
    // SAFETY: a C structure of integers and pointers, for all of which zero is a valid value.
    unsafe { zeroed() }
}

#[inline]
pub(crate) const fn part(bytes: *mut u8, len: usize) -> Part {
    Part { iov_base: bytes.cast(), iov_len: len }
}

#[cfg(not(feature = "std"))]
pub(crate) const fn part_start(part: &Part) -> *mut u8 {
    part.iov_base.cast()
}

#[cfg(not(feature = "std"))]
pub(crate) const fn part_len(part: &Part) -> usize {
    part.iov_len
}

#[inline]
pub(crate) fn set_name(message: &mut Header, name: *mut u8, len: usize) {
    message.msg_name = if len == 0 { ptr::null_mut() } else { name.cast() };
    message.msg_namelen = len as libc::socklen_t;
}

/// The length of the address that the kernel wrote. Linux reports the whole length even if it wrote less.
#[inline]
pub(crate) fn name_len(message: &Header) -> usize {
    message.msg_namelen as usize
}

#[inline]
pub(crate) fn set_payload(message: &mut Header, parts: *mut Part, count: usize) {
    message.msg_iov = parts;
    // The kernel refuses more than 1,024 parts (EMSGSIZE). The field is an `int` in some libraries; a larger count
    // must not wrap around to a small one.
    message.msg_iovlen = count.min(libc::c_int::MAX as usize) as _;
}

#[inline]
pub(crate) fn set_control(message: &mut Header, control: *mut u8, len: usize) {
    // Null when empty: some systems check the pointer before the length.
    message.msg_control = if len == 0 { ptr::null_mut() } else { control.cast() };
    // The field is 32 bits wide in some libraries; a larger length must not wrap around to a small one.
    message.msg_controllen = len.min(libc::c_int::MAX as usize) as _;
}

/// The length of the control messages that the kernel reports. NetBSD can report more than there was room for.
#[allow(clippy::unnecessary_cast, reason = "a socklen_t in some libraries, a size_t in others")]
#[inline]
pub(crate) fn control_len(message: &Header) -> usize {
    message.msg_controllen as usize
}

/// The flags of a received message.
#[inline]
pub(crate) fn flags(message: &Header) -> i32 {
    message.msg_flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_control_buffer_is_a_null_pointer() {
        // Scar 17.
        let mut message = header();
        let mut byte = 0;
        set_control(&mut message, &mut byte, 1);
        assert!(!message.msg_control.is_null());
        set_control(&mut message, &mut byte, 0);
        assert!(message.msg_control.is_null());
        assert_eq!(control_len(&message), 0);
    }
}
