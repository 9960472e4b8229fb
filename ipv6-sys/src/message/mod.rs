//! One message with its control messages: `sendmsg(2)` and `recvmsg(2)` on the caller's buffers.
//!
//! The payload is a list of parts. [`ControlBytes::encode`] encodes control messages to send.
//! [`ControlSpace::decode`] decodes received ones; [`ControlSpace::raw_messages`] iterates over all of them.
//!
//! The functions take any socket, and are for those of `AF_INET6`. Do not receive from a socket of `AF_UNIX` with them: the system
//! opens the descriptors that the peer sends (`SCM_RIGHTS`), their numbers are in the control messages, and nothing closes them.
//!
//! Manual pages: [sendmsg(2)](https://man7.org/linux/man-pages/man2/sendmsg.2.html),
//! [recvmsg(2)](https://man7.org/linux/man-pages/man2/recvmsg.2.html),
//! [cmsg(3)](https://man7.org/linux/man-pages/man3/cmsg.3.html). On Windows: `WSASendMsg` and `WSARecvMsg`.

mod caller;
mod control;
mod encoded;
mod flags;
#[cfg_attr(feature = "std", path = "io_slice_std.rs")]
mod io_slice;
mod padding;
mod receive;
mod send;

pub use caller::Caller;
pub(crate) use caller::call;
pub use control::{ControlBuffer, ControlSpace, decode};
pub use encoded::{ControlBytes, Encoded};
pub use flags::MessageFlags;
pub use io_slice::{IoSlice, IoSliceMut};
pub use receive::{Arrival, Fresh, Received, receive, receive_fresh, receive_from};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use send::send_zero_copy;
pub use send::{send, send_raw};

#[doc(hidden)]
pub use crate::os::PeerName;
