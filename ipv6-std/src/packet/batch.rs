//! Many datagrams in one call, and datagrams that the system puts together.

use std::io;
use std::time::Duration;

use ipv6_sys::Errno;
use ipv6_sys::batch::{self, Outgoing, Room, SendError};
use ipv6_sys::message::MessageFlags;
use ipv6_sys::option;
use ipv6_sys::wait::{Ready, wait};

use super::PacketConn;
use crate::batch::{RecvBatch, SendBatch};
use crate::coalesce;
use crate::deadline::Until;
use crate::error::{self, Refused, Unsent};
use crate::fd::{AsFd, BorrowedFd};

impl<S: AsFd> PacketConn<S> {
    /// Receives as many datagrams as are there, in one system call: at least one, for which it waits, and
    /// at most as many as `batch` has room for and there are `payloads`. Says how many came; the `i`-th
    /// is in `payloads[i]`, and [`RecvBatch::iter`] tells about each. A payload is anything that lends bytes, or
    /// several buffers ([`Vectored`](crate::Vectored)).
    ///
    /// On a socket that [coalesces](Self::set_receive_coalescing) a call takes what the system has put together at most
    /// 16 times: as many datagrams, or up to 128 times as many. It gives out first what is [left](RecvBatch::has_more)
    /// from the call before.
    ///
    /// # Errors
    ///
    /// Those of [`recv_from`](Self::recv_from), when not a single one came; an error after the first
    /// surfaces in the next call (with the same `batch`, where the system has no calls for batches). `InvalidInput` when
    /// `batch` [still holds](RecvBatch::has_more) datagrams of another socket.
    ///
    /// ```
    /// use ipv6_std::{PacketConn, RecvBatch, SendControl};
    ///
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// for text in ["one", "two"] {
    ///     conn.send_to(text.as_bytes(), &SendControl::new(), conn.local_addr()?)?;
    /// }
    ///
    /// // Made once, used again and again.
    /// let mut batch = RecvBatch::new(32);
    /// let mut payloads = vec![[0; 1500]; 32];
    /// assert_eq!(conn.recv_batch(&mut batch, &mut payloads)?, 2);
    /// for (received, payload) in batch.iter().zip(&payloads) {
    ///     println!("{:?}", &payload[..received?.len]);
    /// }
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "recvmmsg", alias = "ReadBatch")]
    pub fn recv_batch(&self, batch: &mut RecvBatch, payloads: &mut [impl Room]) -> io::Result<usize> {
        let socket = self.as_fd();
        let caller = self.read.on(socket).with(MessageFlags::WAIT_FOR_ONE);
        batch.receive(socket, caller, self.conn.control_flags(), &self.coalescing, payloads)
    }

    /// Sends datagrams in order, with as few system calls as `batch` has room for. Says how many went:
    /// fewer than there are when one failed after the first; sending from that one on tells why. As with
    /// `sendmmsg(2)` the error itself is not kept: what the network reports of an earlier datagram, and tells once, may
    /// then pass unheard. Who wants to hear it [queues errors](Self::set_queue_errors).
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](Self::send_to), for the first datagram.
    ///
    /// ```
    /// use ipv6_std::{Outgoing, PacketConn, SendBatch, SendControl};
    ///
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// let to = Some(conn.local_addr()?);
    /// let control = SendControl::new().with_traffic_class(0x28);
    /// let messages = [b"one", b"two"].map(|text| Outgoing::new(text, control, to));
    ///
    /// let mut batch = SendBatch::new(32); // made once, used again and again
    /// assert_eq!(conn.send_batch(&mut batch, &messages)?, 2);
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "sendmmsg", alias = "WriteBatch")]
    pub fn send_batch(&self, batch: &mut SendBatch, messages: &[Outgoing<'_>]) -> io::Result<usize> {
        let (mut sent, mut caller) = (0, self.write.on(self.as_fd()));
        while let Some(rest) = messages.get(sent..).filter(|rest| !rest.is_empty()) {
            match self.send_some(batch, rest, &mut caller) {
                Ok(count) => sent += count,
                Err(unsent) if sent == 0 => return Err(unsent.into()),
                Err(_) => break,
            }
        }
        Ok(sent)
    }

    /// Sends the first of `messages`, at least one, in one system call; in another when the device refuses several
    /// at once.
    fn send_some<'m>(
        &self,
        batch: &mut SendBatch,
        messages: &'m [Outgoing<'m>],
        caller: &mut Until<'_>,
    ) -> Result<usize, Unsent<'m>> {
        // One that cannot be sent ends the call before it, and is an error when it is the first.
        let Some(first) = messages.first() else { return Ok(0) };
        self.check(&first.control, first.to.as_ref())?;
        let socket = self.as_fd();
        let (mut limits, mut refused) = (self.coalescing.limits(), false);
        loop {
            let accept = |message: &Outgoing<'_>| {
                self.check(&message.control, message.to.as_ref()).ok().map(|()| self.ports)
            };
            let answer = batch::send_if(socket, batch.storage(), messages, accept, limits, &mut *caller);
            let error = match answer {
                Ok(count) => {
                    if refused {
                        self.coalescing.learn(limits);
                    }
                    return Ok(count);
                }
                Err(SendError::Control(error)) => return Err(Refused::Control(error).into()),
                Err(SendError::Os(error)) => error,
            };
            match coalesce::fewer(limits, &error, batch.first_run(), first.payload.len()) {
                Some(fewer) => (limits, refused) = (fewer, true),
                None => return Err(Unsent::System(error)),
            }
        }
    }

    /// Makes [`send_batch`](Self::send_batch) put messages together that the system can take as one, or send each by
    /// itself. It is on from the start where the system has such a thing: on Linux, for UDP sockets.
    ///
    /// Messages that follow one another with the same destination, the same control messages and the same size (the
    /// last may be shorter) go as one and are cut again on their way (`UDP_SEGMENT`). Who receives them cannot tell.
    ///
    /// Switching it on, also where it is on, forgets what was [refused](Self::coalescing_refused): for a socket that
    /// has come to another device since.
    #[doc(alias = "UDP_SEGMENT", alias = "GSO")]
    pub fn set_send_coalescing(&self, on: bool) {
        self.coalescing.set_send(on);
    }

    /// Whether [`send_batch`](Self::send_batch) puts messages together.
    pub fn send_coalescing(&self) -> bool {
        self.coalescing.sends()
    }

    /// How many messages [`send_batch`](Self::send_batch) puts together at most: what is known of this socket so far.
    /// 1 where the system has no such thing, or the device has refused it.
    ///
    /// It is learnt from batches alone, and is Linux's most, 128, until one is refused: a kernel before 6.9 takes 64,
    /// and a socket that could, but must not (`UDP_NO_CHECK6_TX`), none. What goes together has no more than 65,487
    /// bytes, however few that are.
    #[doc(alias = "UDP_MAX_SEGMENTS")]
    pub fn max_segments(&self) -> usize {
        self.coalescing.max_segments().into()
    }

    /// How often a device or the system has refused messages that went as one. They were sent again by themselves
    /// or with fewer others, and so is what comes after them.
    pub fn coalescing_refused(&self) -> u32 {
        self.coalescing.refused()
    }

    /// Lets the system put datagrams together that come one after another, from one sender with the same headers
    /// (`UDP_GRO`, Linux). [`recv_batch`](Self::recv_batch) takes them apart again, so that nothing else changes for
    /// who uses that. Any other receive gets several at once, with the size of each in
    /// [`RecvControl::segment_size`](crate::RecvControl::segment_size), and wants room for 65,535 bytes: see [`Segments`](crate::Segments).
    ///
    /// Switch it while nobody receives: a call that waits already, in another thread, has room for one datagram, or
    /// knows no sizes any more. A wrapper looks for the option when it is [made](Self::new), and no more: where a copy of
    /// the socket (`try_clone`) is wrapped by itself, switch it there too.
    ///
    /// # Errors
    ///
    /// `Unsupported` where the system has no such thing; the system's error for sockets that are not UDP's.
    /// `ResourceBusy`, and it stays on, when it is to be switched off while something waits on the socket, a datagram or an
    /// error: Linux would not tell any more how long each of those is that it has put together already.
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
    /// sender.send_batch(&mut SendBatch::new(8), &messages)?; // one message for the system
    ///
    /// let (mut batch, mut payloads) = (RecvBatch::new(8), vec![[0; 1500]; 8]);
    /// assert_eq!(receiver.recv_batch(&mut batch, &mut payloads)?, 2);
    /// assert_eq!(&payloads[1][..3], b"two");
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "UDP_GRO")]
    pub fn set_receive_coalescing(&self, on: bool) -> io::Result<()> {
        let (socket, ends) = (self.as_fd(), self.coalescing.receives() && !on);
        let busy = "what waits on the socket may have come together: receive it, or its error, first";
        // First of all, for while it is off nobody is told of sizes.
        if ends && something_waits(socket)? {
            return Err(error::busy(busy));
        }
        option::COALESCE.set(socket, on)?;
        // What comes from now on comes by itself. Something may have come in between.
        if ends && something_waits(socket)? {
            option::COALESCE.set(socket, true)?;
            return Err(error::busy(busy));
        }
        self.coalescing.set_receive(on);
        Ok(())
    }

    /// Whether the system puts together what is received, by [`set_receive_coalescing`](Self::set_receive_coalescing).
    pub fn receive_coalescing(&self) -> bool {
        self.coalescing.receives()
    }
}

/// Whether there is something to receive, or an error to fetch.
fn something_waits(socket: BorrowedFd<'_>) -> io::Result<bool> {
    loop {
        match wait(socket, Ready::Receive, Some(Duration::ZERO)) {
            Err(Errno::INTR) => {}
            answer => return Ok(answer?),
        }
    }
}
