//! Sending one datagram.

use std::io::{self, IoSlice};
use std::net::SocketAddrV6;

use ipv6_core::{Ecn, SendControl};

use super::PacketConn;
use crate::fd::AsFd;

impl<S: AsFd> PacketConn<S> {
    /// Sends one datagram with its control messages. Returns the bytes of payload that were sent: all of them.
    ///
    /// The scope of a link-local destination selects the interface. A raw socket ignores the port.
    ///
    /// Systems: all. [`SendControl`] lists the systems of each control message.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` for a multicast source, and for an IPv4-mapped source or destination on an IPv6-only socket.
    /// - `EINVAL`, `ENODEV` or `EADDRNOTAVAIL` for a source or an interface that this host does not have. The error names
    ///   both; its [source](std::error::Error::source) is the system's.
    /// - `Unsupported` for a control message that the system does not have, or a segment size on a socket that cannot
    ///   send segments: see [`send_segments`](Self::send_segments).
    /// - `EMSGSIZE` ([`is_too_long`](crate::is_too_long)) for a payload above the protocol's maximum (65,527 bytes for
    ///   UDP), or above the path MTU on a socket that [does not fragment](crate::Conn::set_dont_fragment).
    /// - `TimedOut` after the [deadline](Self::set_write_deadline) or the [timeout](Self::set_write_timeout).
    /// - The error that the network reported for an earlier datagram (`ConnectionRefused`, for example).
    #[doc(alias = "sendmsg", alias = "WriteTo")]
    #[inline(always)]
    pub fn send_to(&self, payload: &[u8], control: &SendControl<'_>, to: SocketAddrV6) -> io::Result<usize> {
        self.send_parts(&[IoSlice::new(payload)], control, Some(&to))
    }

    /// Returns `control` with this ECN codepoint. The DSCP is that of `control` if it has a traffic class, otherwise that
    /// of the socket: DSCP and ECN share one byte, so a message that sets one sets both.
    ///
    /// Reads an option of the socket. Keep the result for several datagrams.
    ///
    /// Systems: all.
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

    /// Sends one datagram with its control messages to the peer of a connected socket.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](Self::send_to); `EDESTADDRREQ` when the socket has no peer.
    #[doc(alias = "sendmsg")]
    pub fn send(&self, payload: &[u8], control: &SendControl<'_>) -> io::Result<usize> {
        self.send_parts(&[IoSlice::new(payload)], control, None)
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
        self.send_parts(payload, control, Some(&to))
    }
}
