//! Sending one message.

use core::net::SocketAddrV6;

use ipv6_core::abi::Platform;
use ipv6_core::sockaddr;

use super::caller::{Caller, call};
use super::encoded::Encoded;
use super::io_slice::IoSlice;
use crate::fd::AsFd;
use crate::host::Host;
use crate::os;

/// Sends one message: the parts of `payload` one after another, with the control messages `control`. Returns how many
/// bytes of payload were sent.
///
/// `to` is the destination; `None` is the peer of a connected socket. `flags` are
/// [`MessageFlags`](super::MessageFlags).
///
/// One part without control messages is sent with `sendto(2)`, which costs the kernel less than `sendmsg(2)`.
///
/// ```
/// use ipv6_sys::message::{self, Encoded, IoSlice, MessageFlags};
/// use ipv6_sys::socket;
/// let socket = socket::datagram()?;
/// socket::bind(&socket, &"[::1]:0".parse().unwrap())?;
/// let to = socket::local_address(&socket)?;
/// let parts = [IoSlice::new(b"hel"), IoSlice::new(b"lo")];
/// assert_eq!(message::send(&socket, &parts, Encoded::NONE, to.as_ref(), MessageFlags::empty())?, 5);
/// # Ok::<(), ipv6_sys::Errno>(())
/// ```
///
/// Passing bytes as control messages does not compile, because they can hold file descriptors. Use [`send_raw`]:
///
/// ```compile_fail
/// use ipv6_sys::message::{self, MessageFlags};
/// let (sender, receiver) = std::os::unix::net::UnixDatagram::pair()?;
/// let control = [0; 24];
/// message::send(&sender, &[], &control[..], None, MessageFlags::empty())?;
/// # std::io::Result::Ok(())
/// ```
///
/// # Errors
///
/// Those of [sendmsg(2)](https://man7.org/linux/man-pages/man2/sendmsg.2.html), among them
/// [`Errno::MSGSIZE`](crate::Errno::MSGSIZE) for a payload that is too long or has more than 1,024 parts,
/// [`Errno::INVAL`](crate::Errno::INVAL) for control messages that the system does not accept, and
/// [`Errno::AGAIN`](crate::Errno::AGAIN) if the call would wait and must not. The network's error about an earlier
/// message can be returned too.
#[doc(alias = "sendmsg", alias = "sendto")]
#[inline(always)]
pub fn send<'c, C: Caller>(
    socket: impl AsFd,
    payload: &[IoSlice<'_>],
    control: impl Into<Encoded<'c>>,
    to: Option<&SocketAddrV6>,
    flags: C,
) -> Result<usize, C::Error> {
    // SAFETY: the output of an encoder holds no file descriptors and no pointers.
    unsafe { send_raw(socket, payload, control.into().as_bytes(), to, flags) }
}

/// Sends one message, as [`send`] does, with control messages of any kind as bytes.
///
/// The bytes have the layout of this system; [`Writer`](ipv6_core::cmsg::Writer) writes it. They should be aligned as a
/// [`ControlBytes`](super::ControlBytes) is: some systems require it.
///
/// # Errors
///
/// Those of [`send`].
///
/// # Safety
///
/// `control` holds no file descriptor that the program may not use. On a socket of family `AF_UNIX`, a message
/// `SCM_RIGHTS` sends the descriptors whose numbers are in it: the receiver gets them, even if the number belongs to
/// something that owns its descriptor alone ([I/O safety](https://doc.rust-lang.org/std/io/index.html#io-safety)).
///
/// It holds no pointer either, unless it is valid for as long as the kernel uses it: messages of other families have some, such
/// as `RDS_CMSG_RDMA_ARGS` on a socket of family `AF_RDS`.
#[doc(alias = "sendmsg")]
#[inline(always)]
pub unsafe fn send_raw<C: Caller>(
    socket: impl AsFd,
    payload: &[IoSlice<'_>],
    control: &[u8],
    to: Option<&SocketAddrV6>,
    flags: C,
) -> Result<usize, C::Error> {
    // SAFETY: the caller vouches for descriptors and pointers in `control`. There are no more flags.
    unsafe { send_with_bits(socket, payload, control, to, flags, 0) }
}

/// Sends one message whose payload the kernel reads after the call has returned (`MSG_ZEROCOPY`), until a notice is in the
/// error queue (Linux). Nothing can write or free a `'static` payload meanwhile.
///
/// Without the option [`ZERO_COPY`](crate::option::ZERO_COPY), and where the device cannot send from the memory of the
/// program, the kernel copies the payload.
///
/// # Errors
///
/// Those of [`send`]. `ENOBUFS` when more notices wait than `net.core.optmem_max` allows.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[doc(alias = "MSG_ZEROCOPY")]
pub fn send_zero_copy<'c, C: Caller>(
    socket: impl AsFd,
    payload: &'static [u8],
    control: impl Into<Encoded<'c>>,
    to: Option<&SocketAddrV6>,
    flags: C,
) -> Result<usize, C::Error> {
    // libc lacks it for Android; include/linux/socket.h of the kernel has it.
    const MSG_ZEROCOPY: i32 = 0x0400_0000;
    let payload = [IoSlice::new(payload)];
    // SAFETY: the output of an encoder holds no descriptors and no pointers. The kernel may read the payload for ever: it is
    // borrowed for `'static`, and `u8` has no interior mutability.
    unsafe { send_with_bits(socket, &payload, control.into().as_bytes(), to, flags, MSG_ZEROCOPY) }
}

/// Sends one message with flags of `caller` and other ones.
///
/// # Safety
///
/// As [`send_raw`]. With `MSG_ZEROCOPY` in `bits`, nothing writes or frees the payload until its notice.
#[inline(always)]
unsafe fn send_with_bits<C: Caller>(
    socket: impl AsFd,
    payload: &[IoSlice<'_>],
    control: &[u8],
    to: Option<&SocketAddrV6>,
    caller: C,
    bits: i32,
) -> Result<usize, C::Error> {
    let socket = socket.as_fd();
    let encoded;
    let name = match to {
        Some(to) => {
            encoded = sockaddr::encode::<Host>(to);
            encoded.get(..Host::ABI.sockaddr.size).unwrap_or_default()
        }
        None => &[],
    };
    if let ([part], []) = (payload, control) {
        // SAFETY: the caller vouches for the payload after the call if `bits` has `MSG_ZEROCOPY`.
        return call(caller, move |flags| unsafe { os::send_to(socket, part, name, flags.bits() | bits) });
    }
    let mut message = os::header();
    os::set_name(&mut message, name.as_ptr().cast_mut(), name.len());
    os::set_payload(&mut message, payload.as_ptr().cast::<os::Part>().cast_mut(), payload.len());
    os::set_control(&mut message, control.as_ptr().cast_mut(), control.len());
    let message = &message;
    // SAFETY: each pointer in `message` comes from a slice or an array that is borrowed here and outlives the calls,
    // with its length. `IoSlice` has the layout of `Part`, as its documentation says. The caller vouches for descriptors
    // and pointers in `control`, and for the payload after the call if `bits` has `MSG_ZEROCOPY`.
    call(caller, move |flags| unsafe { os::send(socket, message, flags.bits() | bits) })
}
