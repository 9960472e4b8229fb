//! `sendmsg(2)`, `recvmsg(2)` and their like, and socket options.

use core::ptr;

use ipv6_core::abi::OptionNumber;
#[cfg(any(target_os = "linux", target_os = "android"))]
use ipv6_core::abi::Platform;

use super::header::*;
use super::kernel;
use crate::error::Errno;
use crate::fd::BorrowedFd;
#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::host::Host;
use crate::os::peer::PeerName;

#[inline]
pub(crate) fn raw(fd: BorrowedFd<'_>) -> libc::c_int {
    rustix::fd::AsRawFd::as_raw_fd(&fd)
}

/// The error of the system call that has just failed on this thread.
#[inline]
pub(crate) fn last_error() -> Errno {
    match errno::errno().0 {
        ERESTARTSYS => Errno::INTR,
        number => Errno::from_raw(number),
    }
}

/// A signal, as Linux keeps it in the socket (include/linux/errno.h): `recvmmsg(2)` without `MSG_WAITFORONE` returns the
/// messages that it has received before the signal, and the next call on the socket fails with this number
/// (`do_recvmmsg` in net/socket.c). No C library has a name for it. Other systems have no such number.
const ERESTARTSYS: i32 = if cfg!(any(target_os = "linux", target_os = "android")) { 512 } else { i32::MIN };

/// The system's text for an error number; `None` if it has none that fits and is UTF-8.
#[cfg(feature = "error-text")]
pub(crate) fn error_text(errno: i32, buffer: &mut [u8; 128]) -> Option<&str> {
    // SAFETY: the call writes at most as many bytes to `buffer` as it has. (libc binds the function of POSIX.)
    unsafe { libc::strerror_r(errno, buffer.as_mut_ptr().cast(), buffer.len()) };
    // After an error there can be a text too, such as "Unknown error 999".
    let text = core::ffi::CStr::from_bytes_until_nul(buffer).ok()?;
    text.to_str().ok().filter(|text| !text.is_empty())
}

/// The result of a call that returns -1 and sets `errno` if it fails.
#[inline]
pub(super) fn check(answer: libc::c_int) -> Result<(), Errno> {
    if answer == -1 { Err(last_error()) } else { Ok(()) }
}

/// The result of a call that returns a count, or -1 and sets `errno` if it fails.
#[inline]
fn count<T: TryInto<usize>>(answer: T) -> Result<usize, Errno> {
    answer.try_into().map_err(|_| last_error())
}

/// Whether `IPV6_2292PKTOPTIONS` returns the control messages of the latest segment of a stream.
pub(crate) const HAS_STREAM_CONTROL: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// The level of the table's socket options. libc 0.2.191 has another one on 64-bit MIPS (see `proofs/mod.rs`).
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) const SOL_SOCKET: libc::c_int = match Host::ABI.options.attach_filter {
    Some(number) => number.level,
    None => libc::SOL_SOCKET,
};

/// Whether an option of an unknown name may have an `int` as its value.
///
/// Levels of the Internet protocols and of sockets only: packet sockets have an option for a descriptor (`PACKET_FANOUT_DATA`).
/// Among those of sockets, two have the number of a descriptor as their value. `SO_GET_FILTER`, which is
/// `SO_ATTACH_FILTER` in the other direction, counts its length in instructions: for a length of 4, the kernel writes up to
/// 32 bytes (net/core/filter.c: `sk_get_filter`).
///
/// The tables of netfilter are options of IPv4 and IPv6. Before 6.9, the kernel reads their whole structure, whatever the
/// length is, and writes to a pointer in it (`struct ipt_replace`; commit 0c83842df40f).
///
/// Sockets of ATM compare the length only if the level is the one in the number of the option. With another level, they
/// write 8 bytes or more, whatever the length is (net/atm/common.c: `vcc_getsockopt`). The level is in the upper half of the
/// number; numbers of the Internet protocols have 16 bits.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) const fn may_be_int(number: OptionNumber) -> bool {
    // libc 0.2.191 lacks it for Android (include/uapi/asm-generic/socket.h).
    #[cfg(target_os = "android")]
    const SO_ATTACH_BPF: libc::c_int = 50;
    #[cfg(target_os = "linux")]
    const SO_ATTACH_BPF: libc::c_int = libc::SO_ATTACH_BPF;
    // `IPT_SO_SET_REPLACE` (also of IPv6), `ARPT_SO_SET_REPLACE`, `EBT_SO_SET_ENTRIES`, and the counters of each.
    let is_table = match number.level {
        libc::IPPROTO_IP => matches!(number.name, 64 | 65 | 96 | 97 | 128 | 129),
        libc::IPPROTO_IPV6 => matches!(number.name, 64 | 65),
        _ => false,
    };
    if number.level != SOL_SOCKET {
        return 0 <= number.level && number.level <= 0xff && number.name >> 16 == 0 && !is_table;
    }
    !matches!(number.name, SO_ATTACH_BPF | libc::SO_ATTACH_REUSEPORT_EBPF | libc::SO_ATTACH_FILTER)
}

/// Whether an option of an unknown name may have an `int` as its value. Not `SO_SPLICE`: OpenBSD takes an `int` for the
/// number of a descriptor (sys/kern/uipc_socket.c: `sosetopt`). FreeBSD requires a structure with it, which is longer.
#[cfg(any(target_os = "openbsd", target_os = "freebsd"))]
pub(crate) const fn may_be_int(number: OptionNumber) -> bool {
    !(number.level == libc::SOL_SOCKET && number.name == libc::SO_SPLICE)
}

/// Whether an option of an unknown name may have an `int` as its value. No option is known here
/// that takes a descriptor, or that counts its length in another unit than bytes.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "openbsd", target_os = "freebsd")))]
pub(crate) const fn may_be_int(_: OptionNumber) -> bool {
    true
}

/// Whether the error means that the socket does not have the option. MPTCP sockets answer `EOPNOTSUPP`
/// (net/mptcp/sockopt.c), some systems `EINVAL`.
pub(crate) fn lacks_option(errno: Errno) -> bool {
    matches!(errno.raw(), libc::ENOPROTOOPT | libc::EOPNOTSUPP | libc::EINVAL)
}

/// Whether the error means that the system does not have the option. Here it can be the kind of socket that lacks it.
pub(crate) const fn is_unknown_option(_: Errno) -> bool {
    false
}

/// `getsockopt(2)`. Returns how many bytes of `value` the kernel wrote. `number` is that of an option whose length counts
/// bytes: not `SO_GET_FILTER`. `MCAST_MSFILTER` and `IPV6_MSFILTER` are for `source_filter.rs` only: their values say how
/// much the kernel writes, and where.
pub(crate) fn get_option(
    socket: BorrowedFd<'_>,
    number: OptionNumber,
    value: &mut [u8],
) -> Result<usize, Errno> {
    let mut len = libc::socklen_t::try_from(value.len()).unwrap_or(libc::socklen_t::MAX);
    // SAFETY: `value` is writable for `len` bytes, and the kernel writes no more: no option in the tables counts its length
    // in another unit, except the one that `attached_filter` reads; `may_be_int` excludes it elsewhere. The value of a
    // source filter has room for the sources that it names, or points to such room. `len` is a `socklen_t` of ours.
    let answer = unsafe {
        kernel::getsockopt(raw(socket), number.level, number.name, value.as_mut_ptr().cast(), &mut len)
    };
    check(answer)?;
    Ok(value.len().min(len as usize))
}

/// `setsockopt(2)`.
///
/// # Safety
///
/// If the kernel follows a pointer in `value` for this option, the pointer is valid.
pub(crate) unsafe fn set_option(
    socket: BorrowedFd<'_>,
    number: OptionNumber,
    value: &[u8],
) -> Result<(), Errno> {
    let len = libc::socklen_t::try_from(value.len()).map_err(|_| Errno::INVAL)?;
    // SAFETY: `value` is readable for `len` bytes; the caller vouches for pointers in it.
    let answer =
        unsafe { kernel::setsockopt(raw(socket), number.level, number.name, value.as_ptr().cast(), len) };
    check(answer)
}

/// `setsockopt(2)` with an option for which the kernel writes to `value` too.
///
/// # Safety
///
/// If the kernel follows a pointer in `value` for this option, the pointer is valid.
pub(crate) unsafe fn exchange_option(
    socket: BorrowedFd<'_>,
    number: OptionNumber,
    value: &mut [u8],
) -> Result<(), Errno> {
    let len = libc::socklen_t::try_from(value.len()).map_err(|_| Errno::INVAL)?;
    let start = value.as_mut_ptr().cast_const().cast();
    // SAFETY: `value` is readable and writable for `len` bytes, through a pointer that was made from the mutable reference;
    // the caller vouches for pointers in it.
    let answer = unsafe { kernel::setsockopt(raw(socket), number.level, number.name, start, len) };
    check(answer)
}

/// `sendmsg(2)`.
///
/// # Safety
///
/// Each pointer in `message` is valid for reads of its length, and the control messages hold no file descriptor that
/// the program may not send, and no pointer that is not valid.
#[inline]
pub(crate) unsafe fn send(socket: BorrowedFd<'_>, message: &Header, flags: i32) -> Result<usize, Errno> {
    // SAFETY: the caller vouches for the pointers. The kernel only reads.
    let answer = unsafe { kernel::sendmsg(raw(socket), message, flags & !OURS) };
    count(answer)
}

/// `sendto(2)`, without an address if `name` is empty.
///
/// # Safety
///
/// With `MSG_ZEROCOPY` in `flags`, nothing writes or frees the payload until its notice.
#[inline]
pub(crate) unsafe fn send_to(
    socket: BorrowedFd<'_>,
    payload: &[u8],
    name: &[u8],
    flags: i32,
) -> Result<usize, Errno> {
    let (start, len, flags) = (payload.as_ptr().cast(), payload.len(), flags & !OURS);
    // A connected socket takes a null pointer.
    let to = if name.is_empty() { ptr::null() } else { name.as_ptr().cast() };
    // SAFETY: both pointers come from slices that are borrowed here, with their lengths. The kernel only reads. The caller
    // vouches for the payload after the call.
    let answer = unsafe { kernel::sendto(raw(socket), start, len, flags, to, name.len() as libc::socklen_t) };
    count(answer)
}

/// `sendmmsg(2)`. Returns how many messages were sent.
///
/// # Safety
///
/// As with [`send`], for each of the `count` headers at `start`, which are writable.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
#[cfg_attr(one_by_one, expect(dead_code, reason = "batches are loops"))]
#[inline]
pub(crate) unsafe fn send_many(
    socket: BorrowedFd<'_>,
    start: *mut ManyHeader,
    len: usize,
    flags: i32,
) -> Result<usize, Errno> {
    // SAFETY: the caller vouches for the pointers. The kernel reads what they point to, and writes only `msg_len`.
    let answer = unsafe { kernel::sendmmsg(raw(socket), start, len as _, flags as _) };
    count(answer)
}

/// What a receive reports beside its count.
#[derive(Default)]
pub(crate) struct Reported {
    pub(crate) name_len: usize,
    pub(crate) truncated: bool,
}

/// Whether `recvfrom(2)` with `MSG_TRUNC` reports the length of a datagram that it cut.
pub(crate) const REPORTS_LENGTH: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// `recvfrom(2)`, or `recvmsg(2)` where `recvfrom` does not report that it cut the datagram.
#[inline]
pub(crate) fn receive_from(
    socket: BorrowedFd<'_>,
    payload: &mut [u8],
    name: &mut PeerName,
    reported: &mut Reported,
    flags: i32,
) -> Result<usize, Errno> {
    let (start, len) = (payload.as_mut_ptr(), payload.len());
    if REPORTS_LENGTH {
        let mut name_len = PeerName::SIZE as libc::socklen_t;
        // SAFETY: both buffers are borrowed mutably here and may hold any bytes; the kernel keeps to the lengths.
        // `name_len` is a `socklen_t` of ours.
        let answer = unsafe {
            kernel::recvfrom(
                raw(socket),
                start.cast(),
                len,
                flags | MSG_TRUNC,
                name.as_mut_ptr().cast(),
                &mut name_len,
            )
        };
        let received = count(answer)?;
        *reported = Reported { name_len: name_len as usize, truncated: received > len };
        return Ok(received);
    }
    let mut message = header();
    let mut part = part(start, len);
    set_name(&mut message, name.as_mut_ptr(), PeerName::SIZE);
    set_payload(&mut message, &mut part, 1);
    // SAFETY: each pointer in `message` comes from something that is borrowed mutably here, with its length.
    let received = unsafe { receive(socket, &mut message, flags) }?;
    *reported = Reported { name_len: name_len(&message), truncated: self::flags(&message) & MSG_TRUNC != 0 };
    Ok(received)
}

/// `recvmsg(2)`. Afterwards the header has the lengths of the address and of the control messages.
///
/// # Safety
///
/// Each pointer in `message` is valid for writes of its length, and what it points to may hold any bytes.
#[inline]
pub(crate) unsafe fn receive(
    socket: BorrowedFd<'_>,
    message: &mut Header,
    flags: i32,
) -> Result<usize, Errno> {
    // SAFETY: the caller vouches for the pointers; the kernel keeps to the lengths.
    let answer = unsafe { kernel::recvmsg(raw(socket), message, flags & !OURS) };
    count(answer)
}

/// `recvmmsg(2)`, without a timeout. Returns how many messages were received.
///
/// # Safety
///
/// As with [`receive`], for each of the `count` headers at `start`, which are writable.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
#[cfg_attr(one_by_one, expect(dead_code, reason = "batches are loops"))]
#[inline]
pub(crate) unsafe fn receive_many(
    socket: BorrowedFd<'_>,
    start: *mut ManyHeader,
    len: usize,
    flags: i32,
) -> Result<usize, Errno> {
    // SAFETY: the caller vouches for the pointers; the kernel keeps to the lengths.
    let answer = unsafe { kernel::recvmmsg(raw(socket), start, len as _, flags as _, ptr::null_mut()) };
    count(answer)
}
