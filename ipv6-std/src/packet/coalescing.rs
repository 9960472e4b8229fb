//! Coalescing: several datagrams as one message of the system.

use std::io::{self, IoSlice};
use std::mem;
use std::net::SocketAddrV6;
use std::time::Duration;

use ipv6_core::SendControl;
use ipv6_sys::Errno;
use ipv6_sys::option;
use ipv6_sys::wait::{Ready, wait};

use super::PacketConn;
use super::send_error::explain;
use crate::coalesce;
use crate::error;
use crate::fd::{AsFd, BorrowedFd};

/// Most bytes that Linux coalesces: 65,535 less the headers of IPv6 and UDP.
const MAX_BYTES: usize = 65_535 - 40 - 8;

impl<S: AsFd> PacketConn<S> {
    /// Sets whether [`send_batch`](Self::send_batch) coalesces messages: hands several to the system as one. The default
    /// is `true` where the system can.
    ///
    /// Consecutive messages with the same destination, the same control messages and the same size (the last may be
    /// shorter) go to the system as one, which splits them again (`UDP_SEGMENT`). The receiver gets separate datagrams.
    ///
    /// Enabling it, even if it is enabled, forgets what was [refused](Self::coalescing_refused): call it after the route
    /// has changed to another device.
    ///
    /// Systems: Linux and Android, UDP sockets. No effect elsewhere.
    #[doc(alias = "UDP_SEGMENT", alias = "GSO")]
    pub fn set_send_coalescing(&self, on: bool) {
        self.coalescing.set_send(on);
    }

    /// Returns whether [`send_batch`](Self::send_batch) coalesces messages.
    #[must_use]
    pub fn send_coalescing(&self) -> bool {
        self.coalescing.sends()
    }

    /// Returns how many messages [`send_batch`](Self::send_batch) coalesces at most. 1: the system cannot, or the device
    /// has refused.
    ///
    /// Starts at Linux's maximum, 128; lowered after a refusal. Kernels before 6.9 accept 64. A socket with
    /// `UDP_NO_CHECK6_TX` accepts 1. Coalesced messages have at most 65,487 bytes together, so large messages reach that
    /// limit first.
    #[doc(alias = "UDP_MAX_SEGMENTS")]
    #[must_use]
    pub fn max_segments(&self) -> usize {
        self.coalescing.max_segments().into()
    }

    /// Returns how many times a device or the system has refused coalesced messages. Those messages were sent again,
    /// alone or with fewer others, as are all messages after them.
    #[must_use]
    pub fn coalescing_refused(&self) -> u32 {
        self.coalescing.refused()
    }

    /// Sets whether the system coalesces received datagrams: consecutive ones of one sender with the same headers
    /// (`UDP_GRO`).
    ///
    /// [`recv_batch`](Self::recv_batch) splits them again, so that its results do not change. Every other receive
    /// returns several datagrams in one payload, with the size of each in [`RecvControl::segment_size`], and needs a
    /// buffer of 65,535 bytes: see [`Segments`](crate::Segments).
    ///
    /// Change it while no other thread receives: a call that already waits has a buffer for one datagram, or would lose
    /// the sizes. A wrapper reads the option when it is [created](Self::new): set it on each wrapper of a copy of the
    /// socket (`try_clone`).
    ///
    /// Systems: Linux and Android, UDP sockets.
    ///
    /// # Errors
    ///
    /// `Unsupported` where the system has no such option; the system's error for sockets other than UDP. `ResourceBusy`
    /// when disabling it while a datagram or an error waits on the socket; it then stays enabled. Linux would no longer
    /// report the sizes of datagrams that it has already coalesced.
    ///
    /// ```
    /// use ipv6_std::{Outgoing, PacketConn, RecvBatch, SendBatch, SendControl};
    ///
    /// let (sender, receiver) = (PacketConn::bind("[::1]:0")?, PacketConn::bind("[::1]:0")?);
    /// # if cfg!(target_os = "linux") {
    /// receiver.set_receive_coalescing(true)?;
    /// # }
    /// let to = Some(receiver.local_addr()?);
    /// let messages = [b"one", b"two"].map(|text| Outgoing::new(text, SendControl::new(), to));
    /// sender.send_batch_all(&mut SendBatch::new(8), &messages)?; // one message for the system
    ///
    /// let (mut batch, mut payloads) = (RecvBatch::new(8), vec![[0; 1500]; 8]);
    /// assert_eq!(receiver.recv_batch(&mut batch, &mut payloads)?, 2);
    /// assert_eq!(&payloads[1][..3], b"two");
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// [`RecvControl::segment_size`]: crate::RecvControl::segment_size
    #[doc(alias = "UDP_GRO")]
    pub fn set_receive_coalescing(&self, on: bool) -> io::Result<()> {
        let (socket, ends) = (self.as_fd(), self.coalescing.receives() && !on);
        let busy = "datagrams or errors wait on the socket: receive them before disabling coalescing";
        // First, because the system reports no sizes while the option is off.
        if ends && something_waits(socket)? {
            return Err(error::busy(busy));
        }
        option::COALESCE.set(socket, on)?;
        // Datagrams are separate from now on. Some may have arrived in between.
        if ends && something_waits(socket)? {
            option::COALESCE.set(socket, true)?;
            return Err(error::busy(busy));
        }
        self.coalescing.set_receive(on);
        Ok(())
    }

    /// Returns whether the system coalesces received datagrams
    /// ([`set_receive_coalescing`](Self::set_receive_coalescing)).
    #[must_use]
    pub fn receive_coalescing(&self) -> bool {
        self.coalescing.receives()
    }

    /// Sends a payload as datagrams of `size` bytes each; the last may be shorter. Returns how many bytes were sent.
    ///
    /// Hands as much to the system in one call as it and the device accept (`UDP_SEGMENT`). Learns from a refusal as
    /// [`send_batch`](Self::send_batch) does ([`max_segments`](Self::max_segments)), and sends fewer segments in each
    /// call, or one by one. [`set_send_coalescing`](Self::set_send_coalescing) does not affect it. `size` replaces
    /// [`segment_size`](crate::SendControl::segment_size) in `control`. `to` is a `SocketAddrV6`, or `None` for the peer
    /// of a connected socket. An empty payload is one empty datagram.
    ///
    /// **A count below `payload.len()` is not an error.** It is a multiple of `size`, and means that the datagram at that
    /// offset failed. Send the rest to get its error.
    ///
    /// Systems: all. Segmentation on Linux and Android, UDP sockets; elsewhere one system call for each datagram.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a size of 0; those of [`send_to`](Self::send_to), for the first datagram.
    ///
    /// ```
    /// use ipv6_std::{PacketConn, SendControl};
    ///
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// let sent = conn.send_segments(&[7; 2500], 1000, &SendControl::new(), conn.local_addr()?)?;
    /// assert_eq!(sent, 2500);
    /// let mut payload = [0; 1500];
    /// for len in [1000, 1000, 500] {
    ///     assert_eq!(conn.recv_from(&mut payload)?.len, len);
    /// }
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "UDP_SEGMENT", alias = "UDP_SEND_MSG_SIZE", alias = "GSO")]
    pub fn send_segments(
        &self,
        payload: &[u8],
        size: u16,
        control: &SendControl<'_>,
        to: impl Into<Option<SocketAddrV6>>,
    ) -> io::Result<usize> {
        let each = usize::from(size);
        if each == 0 {
            return Err(error::invalid("segment size 0: it must be at least 1"));
        }
        let (to, mut caller) = (to.into(), self.write.on(self.as_fd()));
        let (mut limits, mut refused, mut sent) = (self.coalescing.accepted(), false, 0);
        loop {
            let rest = payload.get(sent..).unwrap_or_default();
            let together =
                if each > limits.max_size { 1 } else { limits.max_segments.min(MAX_BYTES / each).max(1) };
            let part = rest.get(..together * each).unwrap_or(rest);
            let mut control = *control;
            control.segment_size = Some(size).filter(|_| part.len() > each);
            match self.send_with(&[IoSlice::new(part)], &control, to.as_ref(), &mut caller) {
                Ok(_) => {
                    if mem::take(&mut refused) {
                        self.coalescing.learn(limits);
                    }
                    sent += part.len();
                }
                Err(error) => match coalesce::fewer(limits, &error, part.len().div_ceil(each), each) {
                    Some(fewer) => (limits, refused) = (fewer, true),
                    None if sent == 0 => return Err(explain(error, &control)),
                    None => return Ok(sent),
                },
            }
            if sent == payload.len() {
                return Ok(sent);
            }
        }
    }
}

/// Whether a datagram or an error waits on the socket.
fn something_waits(socket: BorrowedFd<'_>) -> io::Result<bool> {
    loop {
        match wait(socket, Ready::Receive, Some(Duration::ZERO)) {
            Err(Errno::INTR) => {}
            answer => return Ok(answer?),
        }
    }
}
