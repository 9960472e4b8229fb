//! A message to send in a batch.

use core::fmt;
use core::net::SocketAddrV6;

use ipv6_core::{EncodeError, SendControl};

use super::payload::Payload;
use crate::error::Errno;
use crate::message::IoSlice;

/// One message of a batch to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The payload.
    pub payload: Payload<'a>,
    /// What is to go with it.
    pub control: SendControl<'a>,
    /// Where to; `None` for the peer of a connected socket.
    pub to: Option<SocketAddrV6>,
}

impl<'a> Outgoing<'a> {
    /// A message.
    pub const fn new(payload: &'a [u8], control: SendControl<'a>, to: Option<SocketAddrV6>) -> Self {
        Self { payload: Payload::Whole(payload), control, to }
    }

    /// A message made of several buffers, one after another.
    pub const fn vectored(
        payload: &'a [IoSlice<'a>],
        control: SendControl<'a>,
        to: Option<SocketAddrV6>,
    ) -> Self {
        Self { payload: Payload::Parts(payload), control, to }
    }
}

/// What becomes of the port of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// It is sent.
    Sent,
    /// It is 0 for the system, which wants to see no other on raw sockets.
    Zero,
}

impl Ports {
    /// The destination as the system wants to see it.
    #[inline(always)]
    pub fn of(self, to: &SocketAddrV6) -> SocketAddrV6 {
        let port = match self {
            Self::Sent => to.port(),
            Self::Zero => 0,
        };
        SocketAddrV6::new(*to.ip(), port, to.flowinfo(), to.scope_id())
    }
}

/// What a batch may put together: messages of at most `max_size` bytes each, and at most `max_segments` of them.
/// [`Coalesce::NONE`] leaves every message alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coalesce {
    /// How many messages may go as one: Linux takes 64, since 6.9 (`UDP_MAX_SEGMENTS`) 128.
    pub max_segments: usize,
    /// Bytes of the longest that may: what a packet of the device carries.
    pub max_size: usize,
}

impl Coalesce {
    /// Nothing goes together.
    pub const NONE: Self = Self { max_segments: 1, max_size: 0 };
}

/// Why not a single message of a batch was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError<E = Errno> {
    /// The first message's control cannot be encoded.
    Control(EncodeError),
    /// The system refused the first message: what the caller made of that.
    Os(E),
}

impl<E: fmt::Display> fmt::Display for SendError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Control(error) => error.fmt(f),
            Self::Os(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for SendError<E> {}
