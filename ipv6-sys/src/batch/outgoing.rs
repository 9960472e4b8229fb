//! A message to send in a batch.

use core::fmt;
use core::net::SocketAddrV6;

use ipv6_core::{EncodeError, SendControl};

use super::payload::Payload;
use crate::error::Errno;
use crate::message::IoSlice;

/// One message of a batch to send.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Outgoing<'a> {
    /// The payload.
    pub payload: Payload<'a>,
    /// The control messages.
    pub control: SendControl<'a>,
    /// The destination; `None` is the peer of a connected socket.
    pub to: Option<SocketAddrV6>,
}

impl<'a> Outgoing<'a> {
    /// Creates a message with one buffer as its payload.
    // Inlined, so that programs that make messages for each call write each once.
    #[must_use]
    #[inline(always)]
    pub const fn new(payload: &'a [u8], control: SendControl<'a>, to: Option<SocketAddrV6>) -> Self {
        Self { payload: Payload::Whole(payload), control, to }
    }

    /// Creates a message with several buffers as its payload, one after another. The system takes at most 1,024.
    #[must_use]
    #[inline(always)]
    pub const fn vectored(
        payload: &'a [IoSlice<'a>],
        control: SendControl<'a>,
        to: Option<SocketAddrV6>,
    ) -> Self {
        Self { payload: Payload::Parts(payload), control, to }
    }
}

/// What to do with the port of a destination.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Use it.
    Sent,
    /// Replace it by 0. Raw sockets accept no other (raw(7)).
    Zero,
}

impl Ports {
    /// Returns the destination with the port that the system accepts.
    #[inline(always)]
    #[must_use]
    pub fn of(self, to: &SocketAddrV6) -> SocketAddrV6 {
        let port = match self {
            Self::Sent => to.port(),
            Self::Zero => 0,
        };
        SocketAddrV6::new(*to.ip(), port, to.flowinfo(), to.scope_id())
    }
}

/// How a message of a batch is sent.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Over IPv6.
    Ipv6(Ports),
    /// Over IPv4: the destination is IPv4-mapped.
    Ipv4,
}

/// Decides about the messages of a batch.
#[doc(hidden)]
pub trait Policy {
    /// Returns how a message is sent; `None` ends the batch before it. Called for each message that is sent by itself, and
    /// for the first of those that are sent as one, which have the same destination and control messages.
    // Not a closure: the attribute `inline` of this function takes effect.
    fn route(&self, message: &Outgoing<'_>) -> Option<Route>;

    /// Returns the size up to which a message may be the first of those that are sent as one. Called only where
    /// [`Coalesce`] allows them.
    fn max_size(&self, message: &Outgoing<'_>) -> usize;
}

/// Sends each message over the family of its destination; those to the peer of a connected socket over IPv6.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct ByDestination;

impl Policy for ByDestination {
    fn route(&self, message: &Outgoing<'_>) -> Option<Route> {
        Some(match message.to {
            Some(to) if to.ip().to_ipv4_mapped().is_some() => Route::Ipv4,
            _ => Route::Ipv6(Ports::Sent),
        })
    }

    fn max_size(&self, _: &Outgoing<'_>) -> usize {
        usize::MAX
    }
}

/// Which messages of a batch may be sent as one, which the kernel or the device segments (Linux `UDP_SEGMENT`, Windows
/// `UDP_SEND_MSG_SIZE`): up to `max_segments` messages of up to `max_size` bytes each, to one destination and with the
/// same control messages.
///
/// Elsewhere it has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Coalesce {
    /// The most messages that are sent as one. Linux takes 64, since 6.9 128 (`UDP_MAX_SEGMENTS`).
    pub max_segments: usize,
    /// The most bytes of payload of each. They must fit into one packet of the path.
    pub max_size: usize,
}

impl Coalesce {
    /// Each message is sent by itself.
    pub const NONE: Self = Self { max_segments: 1, max_size: 0 };

    /// Up to `max_segments` messages of up to `max_size` bytes each are sent as one.
    #[must_use]
    pub const fn new(max_segments: usize, max_size: usize) -> Self {
        Self { max_segments, max_size }
    }
}

/// Why the first message of a batch was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError<E = Errno> {
    /// Its control messages cannot be encoded.
    Control(EncodeError),
    /// The system call failed.
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
