//! The error queue: errors about sent datagrams, with the node that reported each.

use std::io::{self, IoSliceMut};
use std::net::SocketAddrV6;
use std::time::Duration;

use ipv6_core::message::Timestamping;
use ipv6_core::{ControlMessage, IcmpExtensions, QueuedError};
use ipv6_sys::wait::{Events, Ready, wait};
use ipv6_sys::{Host, option, retry};

use super::{PacketConn, error_queue};
use crate::fd::AsFd;

/// An entry of the error queue ([`PacketConn::recv_error`]): an error about a sent datagram, or another report about
/// one, such as a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Reported {
    /// What the entry is. [`error`](Self::error) is an error only if this is [`ReportedKind::Error`].
    #[doc(alias = "ee_origin")]
    pub kind: ReportedKind,
    /// The error, with the node that reported it. Other entries have the number that the kernel wrote: 42 (`ENOMSG`) for
    /// timestamps, 0 for zero-copy notices.
    pub error: QueuedError,
    /// The destination of the datagram, IPv4-mapped if it was sent over IPv4; `[::]:0` for entries that have none, such as
    /// timestamps. The port is 0 in an error of this host about an IPv4 datagram, unless the socket is connected.
    pub destination: SocketAddrV6,
    /// Bytes in the buffer: the start of the datagram's payload. It ends where the report or the buffer ends. A timestamp
    /// quotes the whole packet with its headers, from the link layer on, or nothing (`SOF_TIMESTAMPING_OPT_TSONLY`).
    pub len: usize,
    /// Where the extensions of the report start in the buffer, if [`option::ERROR_EXTENSIONS`](crate::option) is on and there
    /// are any: [`extensions`](Self::extensions) reads them.
    pub(super) extensions: Option<u16>,
}

impl Reported {
    /// Returns the extensions of the report, such as MPLS labels (RFC 4884), from the payload that
    /// [`recv_error`](PacketConn::recv_error) filled. `None` if there are none, or the buffer was too small for them.
    ///
    /// The option [`ERROR_EXTENSIONS`](crate::option::ERROR_EXTENSIONS) enables them.
    ///
    /// Systems: Linux and Android, since 5.9.
    #[doc(alias = "IPV6_RECVERR_RFC4884", alias = "ee_rfc4884")]
    #[must_use]
    pub fn extensions<'p>(&self, payload: &'p [u8]) -> Option<IcmpExtensions<'p>> {
        IcmpExtensions::parse(payload.get(..self.len)?.get(usize::from(self.extensions?)..)?)
    }

    /// Returns whether the entry is an error, and not another report about a sent datagram.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.kind == ReportedKind::Error
    }
}

/// What an entry of the error queue is (Linux, `include/uapi/linux/errqueue.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReportedKind {
    /// An error about a sent datagram, reported by ICMPv6, by ICMP or by this host.
    #[doc(alias = "SO_EE_ORIGIN_ICMP6", alias = "SO_EE_ORIGIN_ICMP", alias = "SO_EE_ORIGIN_LOCAL")]
    Error,
    /// When a sent datagram passed a stage: the answer to the option `SO_TIMESTAMPING`.
    #[doc(alias = "SO_EE_ORIGIN_TIMESTAMPING", alias = "SCM_TIMESTAMPING")]
    #[non_exhaustive]
    Timestamp {
        /// The stage: 0 sent by the device (`SCM_TSTAMP_SND`), 1 entered the queue of the device (`SCM_TSTAMP_SCHED`).
        stage: u32,
        /// The number of the datagram, from 0, if the option asks for it (`SOF_TIMESTAMPING_OPT_ID`); else 0.
        id: u32,
        /// The data of the control message `SCM_TIMESTAMPING`, which [`times`](Self::times) decodes: three `struct
        /// timespec` as the kernel wrote them, the first of the software, the third of the device. The rest is zero
        /// where a `struct timespec` has 8 bytes. `None`: the option did not ask for it.
        data: Option<[u8; 48]>,
    },
    /// The buffers of sends with `MSG_ZEROCOPY` can be used again.
    #[doc(alias = "SO_EE_ORIGIN_ZEROCOPY", alias = "MSG_ZEROCOPY")]
    #[non_exhaustive]
    ZeroCopy {
        /// The number of the first send, from 0.
        first: u32,
        /// The number of the last send.
        last: u32,
        /// Whether the kernel copied the payload all the same (`SO_EE_CODE_ZEROCOPY_COPIED`).
        copied: bool,
    },
    /// Something else, as the kernel wrote it. All 0: the kernel's description did not fit beside the other control
    /// messages.
    #[non_exhaustive]
    Other {
        /// `ee_origin`, such as 6 for `SO_EE_ORIGIN_TXTIME`.
        origin: u8,
        /// `ee_type`.
        kind: u8,
        /// `ee_code`.
        code: u8,
        /// `ee_info`.
        info: u32,
        /// `ee_data`.
        data: u32,
    },
}

impl ReportedKind {
    /// Returns the times of a [`Timestamp`](Self::Timestamp) entry; `None` for others, and if the kernel did not deliver them.
    /// The option [`TIMESTAMPING`](ipv6_sys::option::TIMESTAMPING) enables such entries.
    #[must_use]
    #[inline]
    pub fn times(&self) -> Option<Timestamping> {
        match self {
            Self::Timestamp { data: Some(data), .. } => {
                <Timestamping as ControlMessage<Host>>::decode(data).ok()
            }
            _ => None,
        }
    }
}

impl<S: AsFd> PacketConn<S> {
    /// Sets whether the system queues errors about sent datagrams for [`recv_error`](Self::recv_error), each with the
    /// node that reported it. This needs no privilege, unlike a raw socket that receives the ICMPv6 messages.
    ///
    /// The next call on the socket, connected or not, fails with such an error too: receive the queued errors, then repeat
    /// the call.
    ///
    /// **Queued errors take room in the receive buffer. When they fill it, no datagram is received any more**, without an
    /// error of a receive that already waits. About 250 errors fill the default buffer of Linux. Anybody who can send ICMPv6
    /// errors to this host can add some. So empty the queue after each error of a send or receive, with
    /// [`recv_error`](Self::recv_error) until it returns `None`, or with [`drain_errors`](Self::drain_errors);
    /// [`has_errors`](Self::has_errors) returns whether there are any, and the `TimedOut` error of a receive says so.
    ///
    /// Systems: Linux and Android. Windows has an option of the same name
    /// ([`option::QUEUE_ERRORS`](crate::option::QUEUE_ERRORS)) and no queue.
    ///
    /// # Errors
    ///
    /// `Unsupported` where the system has no error queue.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")]
    /// # fn main() -> std::io::Result<()> {
    /// use ipv6_std::{PacketConn, SendControl, is_about_peer};
    ///
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// conn.set_queue_errors(true)?;
    /// # let nobody = PacketConn::bind("[::1]:0")?.local_addr()?;
    /// # conn.send_to(b"x", &SendControl::new(), nobody)?;
    /// let mut payload = [0; 1500];
    /// loop {
    ///     match conn.recv_from(&mut payload) {
    ///         Ok(got) => println!("{} bytes from {}", got.len, got.source),
    ///         Err(error) if is_about_peer(&error) => {
    ///             conn.drain_errors(|reported, _| println!("{}: {}", reported.destination, reported.error))?;
    /// #           break Ok(());
    ///         }
    ///         Err(error) => return Err(error),
    ///     }
    /// }
    /// # }
    /// # #[cfg(not(target_os = "linux"))]
    /// # fn main() {}
    /// ```
    #[doc(alias = "IPV6_RECVERR")]
    pub fn set_queue_errors(&self, on: bool) -> io::Result<()> {
        error_queue::exists()?;
        let _changing = self.change();
        self.set_both(&option::QUEUE_ERRORS, on)
    }

    /// Returns the next entry of the error queue, and copies the part of the datagram that it quotes into `payload`. `None`:
    /// the queue is empty. Does not wait.
    ///
    /// The queue carries more than errors on a socket with options such as `SO_TIMESTAMPING`: see
    /// [`Reported::kind`].
    ///
    /// Systems: Linux and Android.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")]
    /// # fn main() -> std::io::Result<()> {
    /// use ipv6_std::{Icmp6Type, PacketConn, SendControl};
    ///
    /// let (conn, nobody) = (PacketConn::bind("[::1]:0")?, PacketConn::bind("[::1]:0")?.local_addr()?);
    /// conn.set_queue_errors(true)?;
    /// conn.send_to(b"anyone?", &SendControl::new(), nobody)?;
    ///
    /// let failed = conn.recv_from(&mut []).unwrap_err();
    /// assert_eq!(failed.kind(), std::io::ErrorKind::ConnectionRefused);
    /// let mut payload = [0; 64];
    /// let reported = conn.recv_error(&mut payload)?.unwrap();
    /// assert!(reported.is_error());
    /// assert_eq!(&payload[..reported.len], b"anyone?");
    /// assert_eq!(reported.destination, nobody);
    /// assert_eq!(reported.error.icmp6, Some((Icmp6Type::DESTINATION_UNREACHABLE, 4)));
    /// assert_eq!(reported.error.reporter, Some(*nobody.ip()));
    /// assert_eq!(conn.try_recv_error(&mut payload)?, None);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(target_os = "linux"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// `Unsupported` where the system has no error queue.
    #[doc(alias = "MSG_ERRQUEUE")]
    pub fn recv_error(&self, payload: &mut [u8]) -> io::Result<Option<Reported>> {
        self.try_recv_error(payload)
    }

    /// The same as [`recv_error`](Self::recv_error), which does not wait either.
    ///
    /// Systems: Linux and Android.
    ///
    /// # Errors
    ///
    /// Those of [`recv_error`](Self::recv_error).
    #[doc(alias = "MSG_ERRQUEUE")]
    pub fn try_recv_error(&self, payload: &mut [u8]) -> io::Result<Option<Reported>> {
        error_queue::receive(self, &mut [IoSliceMut::new(payload)])
    }

    /// Empties the error queue, and calls `each` with every entry and what it quotes of the datagram, at most 1,280 bytes.
    /// Returns how many there were. Does not wait.
    ///
    /// The pending error of the socket that belongs to a queued one goes with it: a later call does not fail with it.
    /// Exception: the system queues an error a moment before it makes it pending (net/ipv6/udp.c: `__udp6_lib_err`). If this
    /// call takes it in between, one later call fails with it.
    ///
    /// Ends after 65,536 entries, so that a host that sends errors without a pause cannot keep it running.
    ///
    /// Systems: Linux and Android.
    ///
    /// # Errors
    ///
    /// Those of [`recv_error`](Self::recv_error).
    #[doc(alias = "MSG_ERRQUEUE")]
    pub fn drain_errors(&self, mut each: impl FnMut(Reported, &[u8])) -> io::Result<usize> {
        let mut payload = [0; 1280];
        for count in 0..MOST_DRAINED {
            let Some(reported) = self.try_recv_error(&mut payload)? else { return Ok(count) };
            each(reported, payload.get(..reported.len).unwrap_or(&payload));
        }
        Ok(MOST_DRAINED)
    }

    /// Returns whether the error queue has an entry, or an error is pending that the next call on the socket returns. Asks
    /// the system, and takes nothing from the queue.
    ///
    /// Systems: Linux and Android.
    ///
    /// # Errors
    ///
    /// `Unsupported` where the system has no error queue.
    #[doc(alias = "POLLERR")]
    pub fn has_errors(&self) -> io::Result<bool> {
        error_queue::exists()?;
        let events = retry(|| wait(self, Ready::Receive, Some(Duration::ZERO)))?;
        Ok(events.contains(Events::ERROR))
    }
}

/// Most entries that one [`PacketConn::drain_errors`] takes.
const MOST_DRAINED: usize = 1 << 16;
