//! Sending one message.

use core::net::SocketAddrV6;

use ipv6_core::abi::Platform;
use ipv6_core::sockaddr;

use super::IoSlice;
use super::caller::{Caller, call};
use crate::fd::AsFd;
use crate::host::Host;
use crate::os;

/// Sends one message: `payload`'s parts one after another, with `control` as its control messages, to
/// `to` or, when the socket is connected, to its peer. Says how many bytes of payload went.
///
/// One part without control messages goes by `sendto(2)`, which costs the kernel less.
///
/// # Errors
///
/// Those of [sendmsg(2)](https://man7.org/linux/man-pages/man2/sendmsg.2.html): [`Errno::MSGSIZE`](crate::Errno::MSGSIZE) for a
/// payload that is too large or has more than 1,024 parts, [`Errno::INVAL`](crate::Errno::INVAL) for control messages that the
/// system does not take, [`Errno::AGAIN`](crate::Errno::AGAIN) where it would have to wait and is not to.
#[doc(alias = "sendmsg", alias = "sendto")]
#[inline(always)]
pub fn send<C: Caller>(
    socket: impl AsFd,
    payload: &[IoSlice<'_>],
    control: &[u8],
    to: Option<&SocketAddrV6>,
    caller: C,
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
        return call(caller, move |flags| os::send_to(socket, part, name, flags.bits()));
    }
    let mut message = os::header();
    os::set_name(&mut message, name.as_ptr().cast_mut(), name.len());
    os::set_payload(&mut message, payload.as_ptr().cast::<os::Part>().cast_mut(), payload.len());
    os::set_control(&mut message, control.as_ptr().cast_mut(), control.len());
    let message = &message;
    // SAFETY: every pointer in `message` is that of a slice or an array that is borrowed here and so
    // outlives the calls, with its length; `IoSlice` has the layout of `Part`, as its documentation
    // promises.
    call(caller, move |flags| unsafe { os::send(socket, message, flags.bits()) })
}
