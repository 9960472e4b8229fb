//! Coalescing: several datagrams as one message of the system.

use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddrV6;
use std::time::Duration;

use ipv6_core::SendControl;
use ipv6_sys::Errno;
use ipv6_sys::batch::Coalesce;
use ipv6_sys::message::MessageFlags;
use ipv6_sys::option::SocketOption;
use ipv6_sys::socket;
use ipv6_sys::wait::{Ready, wait};

use super::PacketConn;
use super::send_error::explain;
use crate::coalesce::{self, MAX_BYTES};
use crate::error::{self, Unsent, from_network};
use crate::fd::{AsFd, BorrowedFd};
use crate::space::SEND_SPACE;

impl<S: AsFd> PacketConn<S> {
    /// Sets whether [`send_batch`](Self::send_batch) coalesces messages: passes several to the system as one. The default
    /// is `true` on systems that support it.
    ///
    /// Consecutive messages with the same destination, the same control messages and the same size (the last may be
    /// shorter) go to the system as one, which splits them again (Linux `UDP_SEGMENT`, Windows `UDP_SEND_MSG_SIZE`).
    /// UDP sockets receive separate datagrams. Raw and packet sockets of this host can see one large datagram instead:
    /// Linux passes a packet to them before it splits it.
    ///
    /// Messages that are coalesced get one transmit timestamp with one identifier. Those with a
    /// [`TimestampRequest`](crate::message::TimestampRequest) are not coalesced. Where the option
    /// [`TIMESTAMPING`](crate::option::TIMESTAMPING) asks for the times of all datagrams, set this to `false`.
    ///
    /// If the system, the device or the path refuses coalesced messages, they are sent in smaller groups or singly, and
    /// the limit is remembered: for one destination, until 8,192 messages were sent singly to it
    /// ([`max_segments_to`](Self::max_segments_to)); for the socket, if the system has a lower maximum or cannot coalesce
    /// ([`max_segments`](Self::max_segments)). Calling this with `true` forgets both limits.
    ///
    /// Systems: Linux, Android and Windows (since 10 2004), UDP sockets. No effect elsewhere.
    #[doc(alias = "UDP_SEGMENT", alias = "UDP_SEND_MSG_SIZE", alias = "GSO")]
    pub fn set_send_coalescing(&self, on: bool) {
        self.coalescing.set_send(on);
    }

    /// Returns whether [`send_batch`](Self::send_batch) coalesces messages.
    #[must_use]
    pub fn send_coalescing(&self) -> bool {
        self.coalescing.sends()
    }

    /// Returns the most messages that the system accepts as one on this socket, to any destination. 1: it cannot coalesce.
    ///
    /// Starts at Linux's maximum, 128; lowered after a refusal: kernels before 6.9 accept 64, a socket with
    /// `UDP_NO_CHECK6_TX` accepts 1. [`max_segments_to`](Self::max_segments_to) is the limit for one destination and size.
    #[doc(alias = "UDP_MAX_SEGMENTS")]
    #[must_use]
    pub fn max_segments(&self) -> usize {
        self.coalescing.max_segments().into()
    }

    /// Returns the most messages of `size` bytes to this destination that are coalesced. 1: the path or its device refused
    /// more, or `size` is 0 or more than half of 65,487, the most bytes that coalesced messages have together.
    ///
    /// `to` is a `SocketAddrV6`, or `None` for the peer of a connected socket; the port does not matter. Refusals are
    /// remembered for up to 16 destinations. They expire: after 8,192 messages that were sent singly,
    /// [`send_batch`](Self::send_batch) tries again, because the path may have changed.
    #[must_use]
    pub fn max_segments_to(&self, to: impl Into<Option<SocketAddrV6>>, size: u16) -> usize {
        let (to, size) = (to.into(), size.into());
        // Counts no message.
        let max_size = self.coalescing.max_size(to.as_ref(), size, 0);
        if size == 0 { 1 } else { most(Coalesce::new(self.max_segments(), max_size), size) }
    }

    /// Returns how many times a device, a path or the system has refused coalesced messages, which were then sent in
    /// smaller groups or singly. A call counts as refused if it fails twice in a row with the same error, and the smaller
    /// groups are sent.
    #[must_use]
    pub fn coalescing_refused(&self) -> u32 {
        self.coalescing.refused()
    }

    /// Sets whether the system coalesces received datagrams: consecutive ones of one sender with the same headers
    /// (Linux `UDP_GRO`, Windows `UDP_RECV_MAX_COALESCED_SIZE`).
    ///
    /// [`recv_batch`](Self::recv_batch) splits them again, so that its results do not change
    /// ([`RecvBatch::keep_together`](crate::RecvBatch::keep_together) returns them whole). Every other receive returns
    /// several datagrams in one payload, with the size of each in [`RecvControl::segment_size`], and needs a buffer of
    /// 65,535 bytes: see [`Segments`](crate::Segments).
    ///
    /// It applies to calls that start after this one, in every thread. Change it while no other thread waits in a receive:
    /// a call that already waits has a buffer for one datagram, or would lose the sizes. A wrapper reads the option when it
    /// is [created](Self::new): set it on each wrapper of a copy of the socket (`try_clone`).
    ///
    /// Systems: Linux, Android and Windows (since 10 2004), UDP sockets. Windows on ARM64 was reported to coalesce without
    /// the sizes: datagrams then cannot be told apart.
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
    #[doc(alias = "UDP_GRO", alias = "UDP_RECV_MAX_COALESCED_SIZE", alias = "URO")]
    pub fn set_receive_coalescing(&self, on: bool) -> io::Result<()> {
        let (fd, ends) = (self.as_fd(), self.coalescing.receives() && !on);
        let busy = "datagrams or errors wait on the socket: receive them before disabling coalescing";
        // First, because the system reports no sizes while the option is off.
        if ends && something_waits(fd)? {
            return Err(error::busy(busy));
        }
        // The flag first: a receive of another thread must not take coalesced datagrams for one.
        if on {
            let before = self.coalescing.receives();
            self.coalescing.set_receive(true);
            return socket::set_coalesces(fd, true).map_err(|error| {
                self.coalescing.set_receive(before);
                error.into()
            });
        }
        socket::set_coalesces(fd, false)?;
        // Datagrams are separate from now on. Some may have arrived in between.
        if ends && something_waits(fd)? {
            socket::set_coalesces(fd, true)?;
            return Err(error::busy(busy));
        }
        self.coalescing.set_receive(false);
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
    /// Passes as many datagrams to the system in one call as it, the device and the path accept (`UDP_SEGMENT`). After
    /// a refusal, remembers the limit as [`send_batch`](Self::send_batch) does
    /// ([`max_segments_to`](Self::max_segments_to)), and sends fewer segments in each call, or one by one.
    /// ([`send_to`](Self::send_to) with a segment size returns the refusal.)
    /// [`set_send_coalescing`](Self::set_send_coalescing) does not affect it. `size` replaces
    /// [`segment_size`](crate::SendControl::segment_size) in `control`. `to` is a `SocketAddrV6`, or `None` for the
    /// peer of a connected socket. An empty payload is one empty datagram.
    ///
    /// **A count below `payload.len()` is not an error.** It is a multiple of `size`, and means that the datagram at that
    /// offset failed. Send the rest to get its error. If this call gets an error that the network reported for one of its
    /// earlier datagrams, it sends on, and the next send call returns the error.
    ///
    /// Systems: all. Segmentation on Linux, Android and Windows, UDP sockets; elsewhere one system call for each datagram.
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
        self.send_segments_by(payload, size, control, to.into(), MessageFlags::empty())
    }

    pub(super) fn send_segments_by(
        &self,
        payload: &[u8],
        size: u16,
        control: &SendControl<'_>,
        to: Option<SocketAddrV6>,
        flags: MessageFlags,
    ) -> io::Result<usize> {
        let each = usize::from(size);
        if each == 0 {
            return Err(error::no_segment());
        }
        self.late()?;
        let mut caller = self.write.on(self.as_fd()).with(flags);
        let to = to.as_ref();
        let max_size = self.coalescing.max_size(to, each, payload.len().div_ceil(each));
        let mut limits = Coalesce::new(self.max_segments(), max_size);
        let (mut refused, mut doubtful, mut sent) = (None, None, 0);
        loop {
            let rest = payload.get(sent..).unwrap_or_default();
            let part = rest.get(..most(limits, each) * each).unwrap_or(rest);
            let messages = part.len().div_ceil(each);
            let mut control = *control;
            control.segment_size = Some(size).filter(|_| messages > 1);
            let mut send = || {
                let sent = self.send_with::<SEND_SPACE>(&[IoSlice::new(part)], &control, to, &mut caller);
                sent.map_err(Unsent::System)
            };
            let answer = send();
            match self.confirm(answer, (messages, part.len().min(each)), send) {
                Ok(_) => {
                    if let Some(error) = refused.take() {
                        self.learn(limits, to, each, &error);
                    }
                    if let Some(errno) = doubtful.take() {
                        self.write.keep_late(errno);
                    }
                    sent += part.len();
                }
                Err(unsent) => {
                    let error = unsent.into();
                    match coalesce::fewer(limits, &error, messages, each) {
                        Some(fewer) => (limits, refused) = (fewer, Some(error)),
                        None if sent == 0 => return Err(explain(error, &control, to)),
                        None => match from_network(&error) {
                            // It may be about a datagram before. Then it does not come again.
                            Some(errno) if doubtful.is_none() => doubtful = Some(errno),
                            _ => {
                                // As in a batch: an error that comes again is returned by the next call.
                                let is_other = |first: &Errno| error.raw_os_error() != Some(first.raw());
                                if let Some(first) = doubtful.filter(is_other) {
                                    self.write.keep_late(first);
                                }
                                return Ok(sent);
                            }
                        },
                    }
                }
            }
            if sent == payload.len() {
                return Ok(sent);
            }
        }
    }

    /// Forgets what the path to the peer accepts, after the socket was connected to another one.
    pub(crate) fn forget_peer(&self) {
        self.coalescing.forget_peer();
    }

    /// Remembers limits that worked after this error of messages of `size` bytes.
    #[cold]
    pub(super) fn learn(&self, limits: Coalesce, to: Option<&SocketAddrV6>, size: usize, error: &io::Error) {
        // Linux: net/ipv6/udp.c, `udp_v6_send_skb`.
        const NO_CHECKSUMS: SocketOption<i32> = SocketOption::custom(17, 101, "UDP_NO_CHECK6_TX");
        let is_unable = error.kind() == ErrorKind::InvalidInput
            && size > limits.max_size
            && NO_CHECKSUMS.get(self.as_fd()).is_ok_and(|value| value != 0);
        self.coalescing.learn(limits, to, size, is_unable);
    }
}

/// How many messages of `size` bytes are sent as one at most, at least 1.
fn most(limits: Coalesce, size: usize) -> usize {
    if size > limits.max_size {
        return 1;
    }
    limits.max_segments.min(MAX_BYTES.checked_div(size).unwrap_or(1)).max(1)
}

/// Whether a datagram or an error waits on the socket.
fn something_waits(socket: BorrowedFd<'_>) -> io::Result<bool> {
    loop {
        match wait(socket, Ready::Receive, Some(Duration::ZERO)) {
            Err(Errno::INTR) => {}
            answer => return Ok(!answer?.is_empty()),
        }
    }
}
