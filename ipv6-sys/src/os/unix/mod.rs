//! Unix: the calls of the C library, and the structures they take.

use core::mem::zeroed;
use core::ptr;

use ipv6_core::abi::OptionNumber;
use rustix::net::{self, AddressFamily, Protocol, SocketType};

use crate::error::Errno;
use crate::fd::{BorrowedFd, OwnedFd};
use crate::message::PeerName;

pub(crate) mod interface;

#[cfg(not(target_os = "aix"))]
pub(crate) use libc::MSG_DONTWAIT;
#[cfg(target_os = "aix")]
pub(crate) use libc::MSG_NONBLOCK as MSG_DONTWAIT;
pub(crate) use libc::{EAGAIN, EINTR, EINVAL, EMSGSIZE, MSG_CTRUNC, MSG_PEEK, MSG_TRUNC};

/// Whether the padding after the last control message may be left out.
pub(crate) const TAKES_NO_PADDING: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Where a message's parts, address and control messages are: what `sendmsg` and `recvmsg` take.
pub(crate) type Header = libc::msghdr;
/// One part of a payload.
pub(crate) type Part = libc::iovec;
/// What control messages start with.
pub(crate) type ControlHeader = libc::cmsghdr;
/// The length of an address.
pub(crate) type NameLen = libc::socklen_t;

#[inline]
pub(crate) fn raw(fd: BorrowedFd<'_>) -> libc::c_int {
    rustix::fd::AsRawFd::as_raw_fd(&fd)
}

/// The error of the system call that has just failed on this thread.
#[inline]
pub(crate) fn last_error() -> Errno {
    Errno::from_raw(errno::errno().0)
}

/// What a call that answers -1 for "see errno" has answered.
#[inline]
fn check(answer: libc::c_int) -> Result<(), Errno> {
    if answer == -1 { Err(last_error()) } else { Ok(()) }
}

/// What a call that answers a count, or -1 for "see errno", has answered.
#[inline]
pub(crate) fn count<T: TryInto<usize>>(answer: T) -> Result<usize, Errno> {
    answer.try_into().map_err(|_| last_error())
}

/// Whether the error is that of a socket without the option that was asked for.
pub(crate) fn lacks_option(errno: Errno) -> bool {
    errno.raw() == libc::ENOPROTOOPT
}

/// `getsockopt(2)`: the bytes of `value` that the kernel wrote.
pub(crate) fn get_option(
    socket: BorrowedFd<'_>,
    number: OptionNumber,
    value: &mut [u8],
) -> Result<usize, Errno> {
    let mut len = libc::socklen_t::try_from(value.len()).unwrap_or(libc::socklen_t::MAX);
    // SAFETY: `value` is writable for at least `len` bytes, which the kernel takes as its limit; `len`
    // is a `socklen_t` of ours.
    let answer = unsafe {
        libc::getsockopt(raw(socket), number.level, number.name, value.as_mut_ptr().cast(), &mut len)
    };
    check(answer)?;
    Ok(value.len().min(len as usize))
}

/// `setsockopt(2)`.
///
/// # Safety
///
/// No pointer in `value` dangles that the kernel would follow for this option.
pub(crate) unsafe fn set_option(
    socket: BorrowedFd<'_>,
    number: OptionNumber,
    value: &[u8],
) -> Result<(), Errno> {
    let len = libc::socklen_t::try_from(value.len()).map_err(|_| Errno::INVAL)?;
    // SAFETY: `value` is readable for `len` bytes, and what it points to is as the caller promises.
    let answer =
        unsafe { libc::setsockopt(raw(socket), number.level, number.name, value.as_ptr().cast(), len) };
    check(answer)
}

/// Opens an IPv6 socket that closes on exec and blocks.
pub(crate) fn open(kind: SocketType, protocol: Option<Protocol>) -> Result<OwnedFd, Errno> {
    // Apple and AIX cannot do both in one call.
    #[cfg(not(any(target_vendor = "apple", target_os = "aix")))]
    let socket = net::socket_with(AddressFamily::INET6, kind, net::SocketFlags::CLOEXEC, protocol)?;
    #[cfg(any(target_vendor = "apple", target_os = "aix"))]
    let socket = {
        let socket = net::socket(AddressFamily::INET6, kind, protocol)?;
        rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
        socket
    };
    Ok(socket)
}

/// Lets several sockets be bound to one port, each of which gets what is sent to a group.
pub(crate) fn share_port(socket: BorrowedFd<'_>, on: bool) -> Result<(), Errno> {
    net::sockopt::set_socket_reuseaddr(socket, on)?;
    // Where this is BSD's, the other one is not enough for sockets without an address.
    #[cfg(not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "illumos",
        target_os = "solaris"
    )))]
    net::sockopt::set_socket_reuseport(socket, on)?;
    Ok(())
}

/// The protocol of the socket, where the system tells.
pub(crate) fn protocol(socket: BorrowedFd<'_>) -> Result<Option<u32>, Errno> {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_os = "openbsd"))]
    let protocol = {
        let protocol = net::sockopt::socket_protocol(socket)?;
        Some(protocol.map_or(0, |protocol| protocol.as_raw().get()))
    };
    #[cfg(not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "freebsd",
        target_os = "openbsd"
    )))]
    let protocol = {
        let _ = socket;
        None
    };
    Ok(protocol)
}

/// Whether a 64-bit kernel below this 32-bit program reads its group requests as those of a 64-bit one: a FreeBSD
/// that also runs amd64 programs does. Asked for once.
#[cfg(all(target_os = "freebsd", target_arch = "x86"))]
pub(crate) fn kernel_reads_as_64() -> bool {
    use core::sync::atomic::{AtomicU8, Ordering};
    const UNKNOWN: u8 = 2;
    static ANSWER: AtomicU8 = AtomicU8::new(UNKNOWN);
    let known = ANSWER.load(Ordering::Relaxed);
    if known != UNKNOWN {
        return known == 1;
    }
    let mut text = [0_u8; 64];
    let mut len = text.len();
    // SAFETY: the name is a C string; the kernel writes at most `len` bytes to `text`, and their count to `len`.
    // Nothing is set.
    let answer = unsafe {
        libc::sysctlbyname(
            c"kern.supported_archs".as_ptr(),
            text.as_mut_ptr().cast(),
            &mut len,
            ptr::null_mut(),
            0,
        )
    };
    let supported = text.get(..len).filter(|_| answer == 0).unwrap_or_default();
    let is_64 = supported.split(|byte| *byte == b' ' || *byte == 0).any(|arch| arch == b"amd64");
    ANSWER.store(is_64.into(), Ordering::Relaxed);
    is_64
}

/// Nothing that depends on the kernel: it reads the structures of every program as they are.
#[cfg(not(all(target_os = "freebsd", target_arch = "x86")))]
pub(crate) const fn kernel_reads_as_64() -> bool {
    false
}

/// A header without anything. Some libraries have padding in it that must be zero.
#[inline]
pub(crate) fn header() -> Header {
    // SAFETY: a C structure of integers and pointers, for all of which zero is a value.
    unsafe { zeroed() }
}

#[inline]
pub(crate) const fn part(bytes: *mut u8, len: usize) -> Part {
    Part { iov_base: bytes.cast(), iov_len: len }
}

#[cfg(not(feature = "std"))]
pub(crate) fn part_start(part: &Part) -> *mut u8 {
    part.iov_base.cast()
}

#[cfg(not(feature = "std"))]
pub(crate) fn part_len(part: &Part) -> usize {
    part.iov_len
}

#[inline]
pub(crate) fn set_name(message: &mut Header, name: *mut u8, len: usize) {
    message.msg_name = if len == 0 { ptr::null_mut() } else { name.cast() };
    message.msg_namelen = len as libc::socklen_t;
}

/// Bytes of the name that the kernel wrote.
#[inline]
pub(crate) fn name_len(message: &Header) -> NameLen {
    message.msg_namelen
}

#[inline]
pub(crate) fn set_payload(message: &mut Header, parts: *mut Part, count: usize) {
    message.msg_iov = parts;
    // The kernel refuses more than 1,024 parts (EMSGSIZE); the field is an int in some libraries, in
    // which a greater number must not come out smaller.
    message.msg_iovlen = count.min(libc::c_int::MAX as usize) as _;
}

#[inline]
pub(crate) fn set_control(message: &mut Header, control: *mut u8, len: usize) {
    // Null when empty: some systems look at the pointer first.
    message.msg_control = if len == 0 { ptr::null_mut() } else { control.cast() };
    // The field is 32 bits wide in some libraries, in which more must not come out as less.
    message.msg_controllen = len.min(libc::c_int::MAX as usize) as _;
}

/// Bytes of control messages that the kernel wrote.
#[allow(clippy::unnecessary_cast, reason = "a socklen_t on some libraries, a size_t on others")]
#[inline]
pub(crate) fn control_len(message: &Header) -> usize {
    message.msg_controllen as usize
}

/// The flags that the kernel gave a message that was received.
#[inline]
pub(crate) fn flags(message: &Header) -> i32 {
    message.msg_flags
}

/// `sendmsg(2)`.
///
/// # Safety
///
/// Every pointer in `message`, with its length, is that of something that may be read.
#[inline]
pub(crate) unsafe fn send(socket: BorrowedFd<'_>, message: &Header, flags: i32) -> Result<usize, Errno> {
    // SAFETY: what `message` points to is as the caller promises, and the kernel only reads it.
    let answer = unsafe { libc::sendmsg(raw(socket), message, flags) };
    count(answer)
}

/// `sendto(2)`.
#[inline]
pub(crate) fn send_to(
    socket: BorrowedFd<'_>,
    payload: &[u8],
    name: &[u8],
    flags: i32,
) -> Result<usize, Errno> {
    let (start, len) = (payload.as_ptr().cast(), payload.len());
    // No name is no pointer, for a connected socket.
    let to = if name.is_empty() { ptr::null() } else { name.as_ptr().cast() };
    // SAFETY: both pointers are those of slices that are borrowed here, with their lengths; the kernel only
    // reads.
    let answer = unsafe { libc::sendto(raw(socket), start, len, flags, to, name.len() as libc::socklen_t) };
    count(answer)
}

/// What a receive told beside its count.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) name_len: NameLen,
    pub(crate) truncated: bool,
}

/// Whether `recvfrom(2)` can be asked how long a message was that it cut, by `MSG_TRUNC`.
pub(crate) const TELLS_LENGTH: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// `recvfrom(2)`, or `recvmsg(2)` where it does not say what was cut.
#[inline]
pub(crate) fn receive_from(
    socket: BorrowedFd<'_>,
    payload: &mut [u8],
    name: &mut PeerName,
    told: &mut Told,
    flags: i32,
) -> Result<usize, Errno> {
    let (start, len) = (payload.as_mut_ptr(), payload.len());
    if TELLS_LENGTH {
        told.name_len = PeerName::SIZE as NameLen;
        // SAFETY: both pointers are those of what is borrowed mutably here, with their lengths, to which the
        // kernel keeps; what it writes may be any bytes. `name_len` is a `socklen_t` of ours.
        let answer = unsafe {
            libc::recvfrom(
                raw(socket),
                start.cast(),
                len,
                flags | MSG_TRUNC,
                name.as_mut_ptr().cast(),
                &mut told.name_len,
            )
        };
        let received = count(answer)?;
        told.truncated = received > len;
        return Ok(received);
    }
    let mut message = header();
    let mut part = part(start, len);
    set_name(&mut message, name.as_mut_ptr(), PeerName::SIZE);
    set_payload(&mut message, &mut part, 1);
    // SAFETY: every pointer in `message` is that of something that is borrowed mutably here, with its length.
    let received = unsafe { receive(socket, &mut message, flags) }?;
    *told = Told { name_len: message.msg_namelen, truncated: message.msg_flags & MSG_TRUNC != 0 };
    Ok(received)
}

/// `recvmsg(2)`. The header says how many bytes of name and control messages the kernel wrote, from their
/// starts.
///
/// # Safety
///
/// Every pointer in `message`, with its length, is that of something that may be written with any bytes.
#[inline]
pub(crate) unsafe fn receive(
    socket: BorrowedFd<'_>,
    message: &mut Header,
    flags: i32,
) -> Result<usize, Errno> {
    // SAFETY: what `message` points to is as the caller promises; the kernel keeps to the lengths.
    let answer = unsafe { libc::recvmsg(raw(socket), message, flags) };
    count(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scar_15_no_byte_of_a_header_is_undefined() {
        let message = header();
        // SAFETY: `header` sets every byte, which is the claim: under Miri an undefined one would show.
        let bytes =
            unsafe { core::slice::from_raw_parts((&raw const message).cast::<u8>(), size_of::<Header>()) };
        assert!(bytes.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn scar_17_no_control_is_a_null_pointer() {
        let mut message = header();
        let mut byte = 0;
        set_control(&mut message, &mut byte, 1);
        assert!(!message.msg_control.is_null());
        set_control(&mut message, &mut byte, 0);
        assert!(message.msg_control.is_null());
        assert_eq!(control_len(&message), 0);
    }
}
