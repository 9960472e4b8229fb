//! What is received beside the payload of a datagram.

use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};

use ipv6_core::cmsg::RawMessages;
use ipv6_core::{ControlMessage, DecodeError, RecvControl};
use ipv6_sys::Host;
use ipv6_sys::batch::RecvSlot;
use ipv6_sys::message;

use crate::error;
use crate::space::RECV_SPACE;

/// A received datagram without its payload, which is in the caller's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "msghdr")]
#[non_exhaustive]
pub struct Received {
    /// Bytes of payload in the buffer.
    pub len: usize,
    /// The sender. A raw socket reports port 0. A datagram received over IPv4 has an IPv4-mapped address;
    /// [`peer`](Self::peer) returns the plain one. With [`RecvControl::path_mtu`] it is the destination that the path
    /// MTU is about.
    #[doc(alias = "msg_name", alias = "FlagSrc", alias = "Src")]
    pub source: SocketAddrV6,
    /// The control messages that are enabled ([`set_control_flags`](crate::Conn::set_control_flags)).
    pub control: RecvControl<'static>,
    /// Whether the payload was longer than the buffer. The rest of the datagram is lost.
    #[doc(alias = "MSG_TRUNC")]
    pub truncated: bool,
    /// Whether the control messages did not all fit. `control` has those that did. Only messages that are enabled by
    /// options, not by flags, can cause this: use [`recv_message`](crate::PacketConn::recv_message) with a larger
    /// buffer. NetBSD does not report it if the room ends between two messages (7.99, executed).
    #[doc(alias = "MSG_CTRUNC")]
    pub control_truncated: bool,
}

impl Received {
    /// Returns the sender. A sender over IPv4 has its IPv4 address, instead of the IPv4-mapped address that
    /// [`source`](Self::source) has (RFC 4291 section 2.5.5.2).
    ///
    /// ```
    /// use std::net::UdpSocket;
    /// use ipv6_std::PacketConn;
    ///
    /// # #[cfg(not(target_os = "openbsd"))] // has no such sockets
    /// # fn main() -> std::io::Result<()> {
    /// let conn = PacketConn::new(UdpSocket::bind("[::]:0")?)?; // IPv4 as well
    /// let ipv4 = UdpSocket::bind("127.0.0.1:0")?;
    /// ipv4.send_to(b"hello", ("127.0.0.1", conn.local_addr()?.port()))?;
    /// let got = conn.recv_from(&mut [0; 16])?;
    /// assert_eq!(got.peer(), ipv4.local_addr()?);
    /// assert_eq!(got.source.ip().to_string(), "::ffff:127.0.0.1");
    /// # Ok(())
    /// # }
    /// # #[cfg(target_os = "openbsd")]
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        unmapped(self.source)
    }
}

/// A received datagram with all its control messages, without its payload, which is in the caller's buffer.
///
/// [`PacketConn::recv_message`](crate::PacketConn::recv_message) and
/// [`RecvBatch::messages`](crate::RecvBatch::messages) return it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Message<'c> {
    /// Bytes of payload in the buffer.
    pub len: usize,
    /// The sender, as [`Received::source`].
    pub source: SocketAddrV6,
    /// Whether the payload was longer than the buffer. The rest of the datagram is lost.
    #[doc(alias = "MSG_TRUNC")]
    pub truncated: bool,
    /// Whether the control messages did not all fit. The rest of them is lost.
    #[doc(alias = "MSG_CTRUNC")]
    pub control_truncated: bool,
    control: &'c [u8],
}

impl<'c> Message<'c> {
    pub(crate) fn new(received: message::Received, control: &'c [u8]) -> Self {
        let message::Received { len, source, truncated, control_truncated, .. } = received;
        Self { len, source: source.unwrap_or(NOBODY), truncated, control_truncated, control }
    }

    /// The message without its control messages, which [`with_control`](Self::with_control) adds again.
    pub(crate) fn without_control(self) -> Message<'static> {
        let Self { len, source, truncated, control_truncated, .. } = self;
        Message { len, source, truncated, control_truncated, control: &[] }
    }

    pub(crate) fn with_control(self, control: &'c [u8]) -> Self {
        Self { control, ..self }
    }

    /// Returns the sender, as [`Received::peer`].
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        unmapped(self.source)
    }

    /// Decodes the control messages that have a field in [`RecvControl`], however they were enabled.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when a message does not have the layout of this system. Messages that did not fit
    /// ([`control_truncated`](Self::control_truncated)) are no error; the others are decoded.
    pub fn control(&self) -> Result<RecvControl<'c>, DecodeError> {
        message::decode(self.control, self.control_truncated)
    }

    /// Returns the value of the first control message of type `M`; `None`: there is none.
    ///
    /// The types are in [`message`](crate::message); a program can define others ([`ControlMessage`]). An option enables
    /// each.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the message, or one before it, does not have the layout of this system. Messages that did not
    /// fit ([`control_truncated`](Self::control_truncated)) are no error; they are missing.
    ///
    /// ```
    /// use ipv6_std::message::{HopLimit, TrafficClass};
    /// use ipv6_std::{ControlFlags, PacketConn, SendControl};
    ///
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// conn.set_control_flags(ControlFlags::HOP_LIMIT, true)?;
    /// conn.send_to(b"x", &SendControl::new().with_hop_limit(9), conn.local_addr()?)?;
    ///
    /// let (mut payload, mut control) = ([0; 16], [0; 256]);
    /// let message = conn.recv_message(&mut payload, &mut control)?;
    /// assert_eq!(message.get::<HopLimit>(), Ok(Some(HopLimit(9))));
    /// assert_eq!(message.get::<TrafficClass>(), Ok(None));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn get<M: ControlMessage<Host>>(&self) -> Result<Option<M::Value<'c>>, DecodeError> {
        self.each::<M>().next().transpose()
    }

    /// Returns an iterator over the values of all control messages of type `M`, in the order of the kernel.
    ///
    /// Each item is a [`DecodeError`] in the cases of [`get`](Self::get).
    pub fn each<M: ControlMessage<Host>>(
        &self,
    ) -> impl Iterator<Item = Result<M::Value<'c>, DecodeError>> + use<'c, M> {
        let truncated = self.control_truncated;
        self.raw_messages().each::<M>().take_while(move |message| message.is_ok() || !truncated)
    }

    /// Returns an iterator over all control messages, as level, type and data.
    #[must_use = "iterators are lazy"]
    pub fn raw_messages(&self) -> RawMessages<'c, Host> {
        RawMessages::new(self.control)
    }

    /// Returns the bytes of all control messages, as the kernel wrote them.
    #[must_use]
    pub fn raw_control(&self) -> &'c [u8] {
        self.control
    }
}

/// The address, as IPv4 if it is IPv4-mapped. Port and scope stay.
fn unmapped(address: SocketAddrV6) -> SocketAddr {
    match address.ip().to_ipv4_mapped() {
        Some(ipv4) => SocketAddr::from((ipv4, address.port())),
        None => SocketAddr::V6(address),
    }
}

/// The sender of a received datagram.
///
/// An error if the socket is shut down for receiving. The system then returns no bytes and no sender. An empty datagram
/// and a path MTU message have no bytes either, but an address.
#[inline(always)]
pub(crate) fn sender(received: &message::Received) -> io::Result<SocketAddrV6> {
    match received.source {
        Some(source) => Ok(source),
        None if received.len == 0 => Err(error::shut_down()),
        None => Ok(NOBODY),
    }
}

/// How many of the first `count` slots of a batch hold a datagram. An error if the socket is shut down for receiving, as in
/// [`sender`]; a system without calls for batches returns that once for each slot that is left.
#[inline]
pub(crate) fn datagrams(slots: &[RecvSlot<RECV_SPACE>], count: usize) -> io::Result<usize> {
    let is_datagram = |slot: &RecvSlot<RECV_SPACE>| {
        let arrival = slot.arrival();
        arrival.len > 0 || !arrival.name.is_empty()
    };
    match slots.iter().take(count).rposition(is_datagram) {
        Some(last) => Ok(last + 1),
        None if count == 0 => Ok(0),
        None => Err(error::shut_down()),
    }
}

/// The source of a datagram for which the system reports none.
pub(crate) const NOBODY: SocketAddrV6 = SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0);
