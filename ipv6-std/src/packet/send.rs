//! Sending one datagram.

use std::io::{self, IoSlice};
use std::net::SocketAddrV6;

use ipv6_core::{Ecn, Messages, SendControl};
use ipv6_sys::Host;
use ipv6_sys::message::MessageFlags;

use super::PacketConn;
use super::send_error::explain_in;
use crate::fd::AsFd;

impl<S: AsFd> PacketConn<S> {
    /// Sends one datagram with its control messages. Returns the bytes of payload that were sent: all of them.
    ///
    /// The scope of a link-local destination selects the interface. A raw socket ignores the port.
    ///
    /// To an IPv4-mapped destination, a [dual-stack socket](crate::Conn#dual-stack-sockets) sends the fields as messages of
    /// IPv4 ([`SendControl::encode_mapped`]). The source is then an IPv4-mapped address too ([`mapped`](crate::mapped)).
    ///
    /// Systems: all. [`SendControl`] lists the systems of each control message.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` for a multicast source, for an IPv4-mapped source or destination on an IPv6-only socket, for a
    ///   source of another family than the destination, for hop limit 0 to an IPv4-mapped destination, and for a segment
    ///   size of 0.
    /// - `Unsupported` for what the destination's family does not have: a flow label, a next hop or a message of IPv6 by
    ///   type to an IPv4-mapped destination, a message of IPv4 to an IPv6 one. The text has the name in C.
    /// - `EINVAL`, `ENODEV`, `EADDRNOTAVAIL` or (over IPv4) `ENETUNREACH` for a source or an interface that this host does
    ///   not have. The error names both; its [source](std::error::Error::source) is the system's.
    /// - `Unsupported` for a control message that the system does not have, or a segment size on a socket that cannot
    ///   send segments: see [`send_segments`](Self::send_segments).
    /// - `EINVAL` on Linux for a message whose option is not set, for a flow label that must be
    ///   [leased](crate::Conn::lease_flow_label), and for a routing header that Linux does not send as a message. The text
    ///   has the remedy; the source is the system's error.
    /// - `EMSGSIZE` ([`is_too_long`](crate::is_too_long)) for a payload above the protocol's maximum (65,527 bytes for
    ///   UDP), above the path MTU on a socket that [does not fragment](crate::Conn::set_dont_fragment), or above the send
    ///   buffer (9,216 bytes by default on FreeBSD).
    /// - `EHOSTUNREACH` on FreeBSD for a group of link-local scope without a scope in `to`, from a socket that is bound to
    ///   an address. Packet info and [`set_multicast_interface`](Self::set_multicast_interface) do not help (FreeBSD 13,
    ///   executed).
    /// - `TimedOut` after the [deadline](Self::set_write_deadline) or the [timeout](Self::set_write_timeout);
    ///   `WouldBlock` on a non-blocking socket, which never waits; on Windows it waits if there is a deadline or a timeout.
    /// - The error that the network reported for an earlier datagram (`ConnectionRefused`, for example).
    ///
    /// The system can return the report that an earlier datagram was too long for its path from any call, also as
    /// `EMSGSIZE`. A send call that fails with `EMSGSIZE` is therefore repeated once. If it then succeeds, the next send call
    /// returns the report, as an error whose text says so and for which `is_too_long` is `false`.
    #[doc(alias = "sendmsg", alias = "sendto", alias = "WriteTo")]
    #[inline(always)]
    pub fn send_to(&self, payload: &[u8], control: &SendControl<'_>, to: SocketAddrV6) -> io::Result<usize> {
        self.send_parts(&[IoSlice::new(payload)], control, Some(&to), MessageFlags::empty())
    }

    /// Returns `control` with this ECN codepoint. The DSCP is that of `control` if it has a traffic class, otherwise that
    /// of the socket: DSCP and ECN share one byte, so a message that sets one sets both.
    ///
    /// Reads an option of the socket. Keep the result for several datagrams.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of [`Conn::traffic_class`](crate::Conn::traffic_class).
    ///
    /// ```
    /// use ipv6_std::{Ecn, PacketConn, SendControl};
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// conn.set_dscp(10)?; // AF11
    /// let capable = conn.control_with_ecn(SendControl::new(), Ecn::Ect0)?;
    /// assert_eq!((capable.dscp(), capable.ecn()), (Some(10), Some(Ecn::Ect0)));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn control_with_ecn<'c>(&self, control: SendControl<'c>, ecn: Ecn) -> io::Result<SendControl<'c>> {
        let traffic_class = match control.traffic_class {
            Some(traffic_class) => traffic_class,
            None => self.conn.traffic_class()?,
        };
        Ok(control.with_traffic_class(ecn.mark(traffic_class)))
    }

    /// Sends one datagram with its control messages to the peer of a connected socket. An IPv4-mapped peer is a destination
    /// of IPv4, as in [`send_to`](Self::send_to). This value reads the peer once, and in each [`connect`](Self::connect). If
    /// another value of the socket, such as a clone or [`get_ref`](crate::Conn::get_ref), then connects it to a peer of the
    /// other family, wrap the socket again ([`new`](Self::new)): Linux ignores fields of the wrong family without an error.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](Self::send_to); `EDESTADDRREQ` when the socket has no peer.
    #[doc(alias = "sendmsg")]
    pub fn send(&self, payload: &[u8], control: &SendControl<'_>) -> io::Result<usize> {
        self.send_parts(&[IoSlice::new(payload)], control, None, MessageFlags::empty())
    }

    /// Sends one datagram with control messages by type, from a buffer of any size: for messages that are larger than
    /// [`SendControl::with_messages`] allows, such as extension headers.
    ///
    /// `to` is a `SocketAddrV6`, or `None` for the peer of a connected socket. The fields of [`SendControl`] are messages
    /// too ([`message`](crate::message)): push those to send with the others. To an IPv4-mapped destination, push those of
    /// IPv4, such as [`TypeOfService`](crate::message::TypeOfService).
    ///
    /// | | fields | messages by type |
    /// |---|---|---|
    /// | [`send_to`](Self::send_to), [`send`](Self::send), [`send_vectored`](Self::send_vectored), [`send_segments`](Self::send_segments) | all | 256 bytes |
    /// | [`send_batch`](Self::send_batch), [`send_batch_all`](Self::send_batch_all) | all | 128 bytes for each datagram |
    /// | `send_messages` | none | any size; Linux limits them to `net.core.optmem_max` |
    ///
    /// Systems: all. [`message`](crate::message) lists the systems of each.
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](Self::send_to). `EPERM` on Linux for hop-by-hop and destination options without
    /// `CAP_NET_RAW`.
    ///
    /// ```
    /// use ipv6_std::message::{HopLimit, TrafficClass};
    /// use ipv6_std::{ControlFlags, Messages, PacketConn};
    ///
    /// # #[cfg(not(windows))]
    /// # {
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// conn.set_control_flags(ControlFlags::HOP_LIMIT | ControlFlags::TRAFFIC_CLASS, true)?;
    /// let messages = Messages::<64>::new().with(HopLimit(3))?.with(TrafficClass(0xb8))?;
    /// conn.send_messages(b"x", &messages, conn.local_addr()?)?;
    /// let got = conn.recv_from(&mut [0; 16])?;
    /// assert_eq!((got.control.hop_limit, got.control.traffic_class), (Some(3), Some(0xb8)));
    /// # }
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "sendmsg")]
    pub fn send_messages<const N: usize>(
        &self,
        payload: &[u8],
        messages: &Messages<Host, N>,
        to: impl Into<Option<SocketAddrV6>>,
    ) -> io::Result<usize> {
        self.send_messages_by(payload, messages, to.into(), MessageFlags::empty())
    }

    pub(super) fn send_messages_by<const N: usize>(
        &self,
        payload: &[u8],
        messages: &Messages<Host, N>,
        to: Option<SocketAddrV6>,
        flags: MessageFlags,
    ) -> io::Result<usize> {
        let control = SendControl::new().with_messages(messages);
        let mut caller = self.write.on(self.as_fd()).with(flags);
        let (size, payload) = (payload.len(), [IoSlice::new(payload)]);
        self.late()?;
        self.send_confirmed(size, || self.send_with::<N>(&payload, &control, to.as_ref(), &mut caller))
            .map_err(|error| explain_in::<N>(error, &control, to.as_ref()))
    }

    /// Sends one datagram whose payload is the concatenation of several buffers.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](Self::send_to); `EMSGSIZE` for more than 1,024 buffers.
    #[doc(alias = "sendmsg", alias = "writev")]
    pub fn send_vectored(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        to: SocketAddrV6,
    ) -> io::Result<usize> {
        self.send_parts(payload, control, Some(&to), MessageFlags::empty())
    }
}
