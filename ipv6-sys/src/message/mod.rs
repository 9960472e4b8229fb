//! One message and its control messages: `sendmsg(2)` and `recvmsg(2)` over the caller's buffers.
//!
//! The payload is a list of parts. Control messages to send are bytes that [`ControlBytes::encode`] wrote;
//! of those received, [`ControlSpace::decode`] makes values, and
//! [`RawMessages`](ipv6_core::cmsg::RawMessages) walks through all of them.

mod caller;
mod control;
mod flags;
#[cfg(not(feature = "std"))]
mod io_slice;
mod receive;
mod send;

pub use caller::Caller;
pub(crate) use caller::call;
pub use control::{ControlBuffer, ControlBytes, ControlSpace, decode};
pub use flags::MessageFlags;
#[cfg(not(feature = "std"))]
pub use io_slice::{IoSlice, IoSliceMut};
pub use receive::{Arrival, Received, receive, receive_from, receive_raw};
pub use send::send;
#[cfg(feature = "std")]
pub use std::io::{IoSlice, IoSliceMut};

pub use crate::peer::PeerName;
