//! Sending and receiving with flags.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddrV6;

use ipv6_core::SendControl;
#[cfg(any(target_os = "linux", target_os = "android"))]
use ipv6_sys::message;
use ipv6_sys::message::MessageFlags;
use ipv6_sys::{Error, IS_LINUX};

use super::PacketConn;
#[cfg(any(target_os = "linux", target_os = "android"))]
use super::send_error::explain;
use crate::fd::AsFd;
use crate::received::Received;
#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::space::SEND_SPACE;

ipv6_core::flag_set! {
    /// Flags of a send call: [`PacketConn::send_with_flags`].
    ///
    /// # `MSG_ZEROCOPY`
    ///
    /// There is no flag for it, but a method: [`send_zero_copy`](PacketConn::send_zero_copy). The kernel reads the payload
    /// after the call has returned. Nothing may write or free it until then, so the method takes `'static` payloads only.
    #[doc(alias = "MSG_ZEROCOPY")]
    pub struct SendFlags: u32 {
        /// Report that the destination is reachable, because the program has received an answer: the kernel then does not send
        /// neighbour solicitations to verify it. Drafts of RFC 3542 had a message for this, `IPV6_REACHCONF`. Linux.
        #[doc(alias = "MSG_CONFIRM", alias = "IPV6_REACHCONF")]
        const CONFIRM = 1 << 0;
        /// Send to hosts on the link only. A destination behind a router is then unreachable. Not on Linux, which ignores the
        /// flag of IPv6 packets: `Unsupported`, except for an IPv4-mapped destination.
        #[doc(alias = "MSG_DONTROUTE")]
        const DONT_ROUTE = 1 << 1;
        /// Append the payload to the datagram that a later call without this flag completes and sends. Linux.
        #[doc(alias = "MSG_MORE")]
        const MORE = 1 << 2;
        /// Look up the route and check the size, and send nothing. Linux.
        #[doc(alias = "MSG_PROBE")]
        const PROBE = 1 << 3;
    }
}

/// The flags that Linux has and other systems do not: the flag of the system, and the name in C.
#[cfg(any(target_os = "linux", target_os = "android"))]
const LINUX: [(SendFlags, MessageFlags, &str); 3] = [
    (SendFlags::CONFIRM, MessageFlags::CONFIRM, "MSG_CONFIRM"),
    (SendFlags::MORE, MessageFlags::MORE, "MSG_MORE"),
    (SendFlags::PROBE, MessageFlags::PROBE, "MSG_PROBE"),
];
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const LINUX: [(SendFlags, MessageFlags, &str); 3] = [
    (SendFlags::CONFIRM, MessageFlags::empty(), "MSG_CONFIRM"),
    (SendFlags::MORE, MessageFlags::empty(), "MSG_MORE"),
    (SendFlags::PROBE, MessageFlags::empty(), "MSG_PROBE"),
];

impl SendFlags {
    fn of_system(self, is_mapped: bool) -> io::Result<MessageFlags> {
        let mut flags = MessageFlags::empty();
        // No file of net/ipv6 has MSG_DONTROUTE; net/ipv4/udp.c does.
        if self.contains(Self::DONT_ROUTE) && IS_LINUX && !is_mapped {
            return Err(Error::Unsupported("MSG_DONTROUTE").into());
        }
        flags.set(MessageFlags::DONT_ROUTE, self.contains(Self::DONT_ROUTE));
        for (flag, of_system, name) in LINUX {
            if self.contains(flag) {
                if of_system.is_empty() {
                    return Err(Error::Unsupported(name).into());
                }
                flags |= of_system;
            }
        }
        Ok(flags)
    }
}

impl<S: AsFd> PacketConn<S> {
    /// Sends one datagram with its control messages, as [`send_to`](Self::send_to), with flags of the call. `to` is a
    /// `SocketAddrV6`, or `None` for the peer of a connected socket.
    ///
    /// Systems: all; each flag lists those that have it.
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](Self::send_to), and `Unsupported`, with the name of the flag, for one that the system lacks.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// use ipv6_std::{PacketConn, SendControl, SendFlags};
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// let to = conn.local_addr()?;
    /// // One datagram of two parts.
    /// conn.send_with_flags(b"head ", &SendControl::new(), to, SendFlags::MORE)?;
    /// conn.send_to(b"tail", &SendControl::new(), to)?;
    /// let mut payload = [0; 16];
    /// let got = conn.recv_from(&mut payload)?;
    /// assert_eq!(&payload[..got.len], b"head tail");
    /// # }
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(
        alias = "sendmsg",
        alias = "MSG_CONFIRM",
        alias = "MSG_DONTROUTE",
        alias = "MSG_MORE",
        alias = "MSG_PROBE"
    )]
    pub fn send_with_flags(
        &self,
        payload: &[u8],
        control: &SendControl<'_>,
        to: impl Into<Option<SocketAddrV6>>,
        flags: SendFlags,
    ) -> io::Result<usize> {
        self.send_flagged(payload, control, to.into(), flags, MessageFlags::empty())
    }

    pub(super) fn send_flagged(
        &self,
        payload: &[u8],
        control: &SendControl<'_>,
        to: Option<SocketAddrV6>,
        flags: SendFlags,
        waits: MessageFlags,
    ) -> io::Result<usize> {
        let flags = flags.of_system(self.is_mapped(to.as_ref()))? | waits;
        self.send_until(&[IoSlice::new(payload)], control, to.as_ref(), flags, None)
    }

    /// Sends one datagram with its control messages, as [`send_to`](Self::send_to), from the memory of the program: the kernel
    /// does not copy the payload (`MSG_ZEROCOPY`). `to` is a `SocketAddrV6`, or `None` for the peer of a connected socket.
    ///
    /// Set [`option::ZERO_COPY`](crate::option::ZERO_COPY) before; otherwise the kernel copies. The kernel reads the
    /// payload after the call has returned, so the payload is `'static`: a constant, a `static`, or leaked memory
    /// ([`Vec::leak`]). When the kernel no longer needs the payload, it adds a notice to the error queue
    /// ([`ReportedKind::ZeroCopy`](crate::ReportedKind::ZeroCopy)): call [`recv_error`](Self::recv_error) to take it.
    /// The notice also reports whether the kernel copied the payload after all: if the receiver is on this host, or if
    /// the device cannot gather a packet from several places. Zero copy is faster for payloads of more than about 10 kB
    /// (`Documentation/networking/msg_zerocopy.rst` of Linux).
    ///
    /// Systems: Linux and Android; UDP sockets since Linux 5.0.
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](Self::send_to); `ENOBUFS` when the notices in the error queue exceed `net.core.optmem_max`,
    /// or the locked memory exceeds `RLIMIT_MEMLOCK`; `Unsupported` elsewhere.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// use ipv6_std::{PacketConn, ReportedKind, SendControl, option};
    ///
    /// static MANUAL: [u8; 1000] = [b'x'; 1000];
    ///
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// conn.set_option(&option::ZERO_COPY, true)?;
    /// conn.send_zero_copy(&MANUAL, &SendControl::new(), conn.local_addr()?)?;
    /// assert_eq!(conn.recv_from(&mut [0; 1500])?.len, 1000);
    /// let notice = conn.recv_error(&mut [])?.expect("loopback has delivered a copy");
    /// assert!(matches!(notice.kind, ReportedKind::ZeroCopy { first: 0, last: 0, copied: true, .. }));
    /// # }
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "MSG_ZEROCOPY")]
    pub fn send_zero_copy(
        &self,
        payload: &'static [u8],
        control: &SendControl<'_>,
        to: impl Into<Option<SocketAddrV6>>,
    ) -> io::Result<usize> {
        self.send_static(payload, control, to.into(), MessageFlags::empty())
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn send_static(
        &self,
        payload: &'static [u8],
        control: &SendControl<'_>,
        to: Option<SocketAddrV6>,
        flags: MessageFlags,
    ) -> io::Result<usize> {
        let mut caller = self.write.on(self.as_fd()).with(flags);
        let send = || {
            self.send_encoded::<SEND_SPACE>(control, to.as_ref(), |socket, encoded, to| {
                message::send_zero_copy(socket, payload, encoded, to, &mut caller)
            })
        };
        self.late()?;
        self.send_confirmed(payload.len(), send).map_err(|error| explain(error, control, to.as_ref()))
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn send_static(
        &self,
        _: &'static [u8],
        _: &SendControl<'_>,
        _: Option<SocketAddrV6>,
        _: MessageFlags,
    ) -> io::Result<usize> {
        Err(Error::Unsupported("MSG_ZEROCOPY").into())
    }

    /// Receives the next datagram, as [`recv_from`](Self::recv_from), and leaves it in the queue: the next receive returns it
    /// again.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of [`recv_from`](Self::recv_from). An error that the network reported is returned once: it does not stay.
    ///
    /// ```
    /// use ipv6_std::{PacketConn, SendControl};
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// conn.send_to(b"twice", &SendControl::new(), conn.local_addr()?)?;
    /// assert_eq!(conn.peek_from(&mut [0; 16])?.len, 5);
    /// assert_eq!(conn.recv_from(&mut [0; 16])?.len, 5);
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "recvmsg", alias = "MSG_PEEK")]
    pub fn peek_from(&self, payload: &mut [u8]) -> io::Result<Received> {
        self.peek(payload, MessageFlags::empty())
    }

    pub(super) fn peek(&self, payload: &mut [u8], waits: MessageFlags) -> io::Result<Received> {
        self.receive_until(&mut [IoSliceMut::new(payload)], MessageFlags::PEEK | waits, None)
    }
}
