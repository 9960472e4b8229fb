//! Sending one datagram.

use std::io::{self, IoSlice};
use std::net::SocketAddrV6;

use ipv6_core::{Ecn, SendControl};

use super::PacketConn;
use crate::fd::AsFd;

impl<S: AsFd> PacketConn<S> {
    /// Sends one datagram with its control messages. Says how many bytes of payload went: all of them.
    ///
    /// The scope of a link-local destination is honoured; a raw socket ignores the port.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a source that is multicast, and for an IPv4-mapped source or destination on a
    /// socket for IPv6 only; `Unsupported` for a control message that the system does not take; `EMSGSIZE`
    /// for a payload over what the protocol carries (65,527 bytes for UDP), or over the path MTU on a
    /// socket that does not fragment; `TimedOut` after the [deadline](Self::set_write_deadline); what the
    /// network reported for an earlier datagram.
    #[doc(alias = "sendmsg", alias = "WriteTo")]
    #[inline(always)]
    pub fn send_to(&self, payload: &[u8], control: &SendControl<'_>, to: SocketAddrV6) -> io::Result<usize> {
        self.send_parts(&[IoSlice::new(payload)], control, Some(&to))
    }

    /// The same control messages with this congestion notification, and the DSCP that they have or, without a
    /// traffic class of their own, the socket's. DSCP and ECN share one byte: who sends the one sends the other.
    ///
    /// This asks the socket: what it gives is good for as many datagrams as are sent this way.
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

    /// Sends one datagram to the peer of a connected socket, with its control messages.
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](Self::send_to); `EDESTADDRREQ` when the socket has no peer.
    #[doc(alias = "sendmsg")]
    pub fn send(&self, payload: &[u8], control: &SendControl<'_>) -> io::Result<usize> {
        self.send_parts(&[IoSlice::new(payload)], control, None)
    }

    /// Sends one datagram made of several buffers, one after another.
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
