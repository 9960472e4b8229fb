//! Fast paths: sending and receiving one datagram.
//!
//! `receive_until` and `send_any` would do for every call. Each datagram takes these paths, so the common cases are
//! inlined without what only others need (`benches/guard.csv` counts their instructions; the limit is 5 % more):
//!
//! - Without a deadline or timeout, one system call that waits in the kernel, and no state for a repetition. The `try_`
//!   methods pass [`MessageFlags::DONT_WAIT`]: the same call, which never waits, whatever the limits are.
//! - Without control messages to receive, `recvfrom(2)`, which costs the kernel less than `recvmsg(2)`.
//! - Traffic class, hop limit and packet info are encoded in registers; other messages in a function that is not inlined.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv6Addr, SocketAddrV6};

use ipv6_core::SendControl;
use ipv6_sys::batch::Payload;
use ipv6_sys::message::{self, Caller, ControlBuffer, ControlBytes, Encoded, MessageFlags, PeerName};
use ipv6_sys::{Errno, IS_LINUX};

use super::PacketConn;
use super::send_error::explain;
use crate::error::{self, Refused};
use crate::fd::{AsFd, BorrowedFd};
use crate::received::Received;
use crate::space::{RECV_SPACE, SEND_SPACE};

impl<S: AsFd> PacketConn<S> {
    /// Receives with control messages.
    #[inline(always)]
    pub(super) fn receive(
        &self,
        payload: &mut [IoSliceMut<'_>],
        flags: MessageFlags,
    ) -> io::Result<Received> {
        if self.read.is_set() && flags.is_empty() {
            return self.receive_until(payload, flags, None);
        }
        let (mut peer, mut buffer) = (PeerName::new(), ControlBuffer::<RECV_SPACE>::new());
        match message::receive_fresh(self.as_fd(), payload, &mut peer, &mut buffer, flags) {
            Ok(fresh) => Received::fresh(fresh, self.conn.control_flags()),
            Err(errno) => self.receive_until(payload, flags, Some(errno)),
        }
    }

    /// Receives without control messages.
    #[inline(always)]
    pub(super) fn receive_plain(&self, payload: &mut [u8], flags: MessageFlags) -> io::Result<Received> {
        if !self.reports_length || self.coalescing.receives() || (self.read.is_set() && flags.is_empty()) {
            return self.receive_until(&mut [IoSliceMut::new(payload)], flags, None);
        }
        match message::receive_from(self.as_fd(), payload, flags) {
            Ok(received) => Received::plain(received),
            Err(errno) => self.receive_until(&mut [IoSliceMut::new(payload)], flags, Some(errno)),
        }
    }

    /// Receives in all other cases: with a limit, after a call that has failed, or on a socket that needs `recvmsg(2)`.
    #[cold]
    #[inline(never)]
    pub(super) fn receive_until(
        &self,
        payload: &mut [IoSliceMut<'_>],
        flags: MessageFlags,
        failed: Option<Errno>,
    ) -> io::Result<Received> {
        error::check_buffers(payload.len())?;
        let (mut peer, mut buffer) = (PeerName::new(), ControlBuffer::<RECV_SPACE>::new());
        let caller = self.read.on(self.as_fd()).with(flags).after(failed);
        let fresh = message::receive_fresh(self.as_fd(), payload, &mut peer, &mut buffer, caller);
        let fresh = fresh.map_err(error::received)?;
        Received::fresh(fresh, self.conn.control_flags())
    }

    /// Sends one datagram.
    #[inline(always)]
    pub(super) fn send_parts(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        to: Option<&SocketAddrV6>,
        flags: MessageFlags,
    ) -> io::Result<usize> {
        let is_set = if to.is_none() { self.write.is_set_for_peer() } else { self.write.is_set() };
        if is_set {
            return self.send_until(payload, control, to, flags, None);
        }
        let mut bytes = ControlBytes::<SEND_SPACE>::new();
        match bytes.encode_three(control) {
            Some(Ok(encoded)) => {
                self.send_once(payload, control, encoded, to, flags, self.check(control, to))
            }
            None if control.is_empty() => {
                let check = self.check(&SendControl::new(), to);
                self.send_once(payload, control, Encoded::NONE, to, flags, check)
            }
            _ => self.send_any(payload, control, to, flags),
        }
    }

    /// Sends with any control messages. Not inlined, to keep the path of the most common ones short.
    #[inline(never)]
    fn send_any(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        to: Option<&SocketAddrV6>,
        flags: MessageFlags,
    ) -> io::Result<usize> {
        let mut bytes = ControlBytes::<SEND_SPACE>::new();
        match bytes.encode(control) {
            Ok(encoded) => self.send_once(payload, control, encoded, to, flags, self.check(control, to)),
            // It may be a message of IPv4.
            Err(_) => self.send_until(payload, control, to, flags, None),
        }
    }

    /// Makes one system call, without a limit, if the message is sent over IPv6.
    #[inline(always)]
    fn send_once(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        encoded: Encoded<'_>,
        to: Option<&SocketAddrV6>,
        flags: MessageFlags,
        check: Result<(), Other>,
    ) -> io::Result<usize> {
        if check.is_err() {
            return self.send_until(payload, control, to, flags, None);
        }
        let name = to.map(|to| self.ports.of(to));
        let sent = message::send(self.as_fd(), payload, encoded, name.as_ref(), flags);
        sent.or_else(|errno| self.send_until(payload, control, to, flags, Some(errno)))
    }

    /// Sends in all other cases: with a limit, with a report to return, after a call that has failed, or over IPv4. Returns
    /// the error of a message that must not reach the kernel.
    #[cold]
    #[inline(never)]
    pub(super) fn send_until(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        to: Option<&SocketAddrV6>,
        flags: MessageFlags,
        failed: Option<Errno>,
    ) -> io::Result<usize> {
        if failed.is_none() {
            // Otherwise the call would return that error instead of its own.
            self.late()?;
        }
        let mut caller = self.write.on(self.as_fd()).with(flags).after(failed);
        let size = Payload::from(payload).len();
        self.send_confirmed(size, || self.send_with::<SEND_SPACE>(payload, control, to, &mut caller))
            .map_err(|error| explain(error, control, to))
    }

    /// Sends with any control messages, which take at most `N` bytes.
    pub(super) fn send_with<const N: usize>(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        to: Option<&SocketAddrV6>,
        caller: impl Caller<Error = io::Error>,
    ) -> io::Result<usize> {
        self.send_encoded::<N>(control, to, |socket, encoded, to| {
            message::send(socket, payload, encoded, to, caller)
        })
    }

    /// Encodes any control messages, which take at most `N` bytes, and sends them with `send`.
    #[inline(always)]
    pub(super) fn send_encoded<const N: usize>(
        &self,
        control: &SendControl<'_>,
        to: Option<&SocketAddrV6>,
        send: impl FnOnce(BorrowedFd<'_>, Encoded<'_>, Option<&SocketAddrV6>) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let is_mapped = match self.check(control, to) {
            Ok(()) => self.is_mapped(to),
            Err(Other::Mapped) => true,
            Err(Other::Refused) => return Err(self.refusal(control, to).into()),
        };
        if let Some(refused) = self.left_out::<N>(control) {
            return Err(refused.into());
        }
        let mut bytes = ControlBytes::<N>::new();
        let encoded = if is_mapped { bytes.encode_mapped(control) } else { bytes.encode(control) };
        let encoded = encoded.map_err(error::encode)?;
        let to = to.map(|to| self.ports.of(to));
        send(self.as_fd(), encoded, to.as_ref())
    }

    /// Returns an error for a message that is not sent over IPv6. A message without `to` is for the peer of the socket: if
    /// that is IPv4-mapped, `write.is_set_for_peer()`.
    #[inline(always)]
    pub(super) fn check(&self, control: &SendControl<'_>, to: Option<&SocketAddrV6>) -> Result<(), Other> {
        if control.segment_size.is_some_and(|size| size == 0 || !self.coalescing.is_able()) {
            return Err(Other::Refused);
        }
        if let Some(source) = &control.source {
            if source.is_multicast() {
                return Err(Other::Refused);
            }
            if error::is_mapped(source) {
                return Err(self.check_mapped_source(source, to));
            }
        }
        match to {
            Some(to) if error::is_mapped(to.ip()) => {
                Err(if self.conn.carries_only_v6() { Other::Refused } else { Other::Mapped })
            }
            _ => Ok(()),
        }
    }

    /// The rest of [`check`](Self::check) for an IPv4-mapped source.
    #[cold]
    #[inline(never)]
    fn check_mapped_source(&self, source: &Ipv6Addr, to: Option<&SocketAddrV6>) -> Other {
        let is_refused = self.conn.carries_only_v6() || is_mapped_group(source) || !self.is_mapped(to);
        if is_refused { Other::Refused } else { Other::Mapped }
    }

    /// Whether a destination is IPv4-mapped, or the peer of the socket. Linux replaces `::` by `::ffff:127.0.0.1` if the
    /// local address is mapped (net/ipv6/udp.c: `udpv6_sendmsg`).
    pub(super) fn is_mapped(&self, to: Option<&SocketAddrV6>) -> bool {
        match to {
            Some(to) if IS_LINUX && to.ip().is_unspecified() => self.write.peer_is_mapped(),
            Some(to) => error::is_mapped(to.ip()),
            None => self.peer_is_mapped(),
        }
    }

    /// Returns why [`check`](Self::check) refuses a message.
    #[cold]
    #[inline(never)]
    pub(super) fn refusal<'a>(
        &self,
        control: &'a SendControl<'_>,
        to: Option<&'a SocketAddrV6>,
    ) -> Refused<'a> {
        let only_v6 = self.conn.carries_only_v6();
        match (&control.source, to) {
            (Some(source), _) if source.is_multicast() || (is_mapped_group(source) && !only_v6) => {
                Refused::MulticastSource(source)
            }
            (Some(source), _) if error::is_mapped(source) && only_v6 => Refused::MappedSource(source),
            (Some(source), _) if error::is_mapped(source) && !self.is_mapped(to) => {
                Refused::SourceOfIpv4(source)
            }
            (_, Some(to)) if error::is_mapped(to.ip()) && only_v6 => Refused::MappedDestination(to),
            _ => Refused::Segments(control.segment_size.unwrap_or_default()),
        }
    }
}

/// Whether an IPv4-mapped address is one of a group, or 255.255.255.255.
fn is_mapped_group(address: &Ipv6Addr) -> bool {
    address.to_ipv4_mapped().is_some_and(|address| address.is_multicast() || address.is_broadcast())
}

/// A message that is not sent over IPv6.
#[derive(Clone, Copy, Debug)]
pub(super) enum Other {
    /// The destination is IPv4-mapped, and the socket carries IPv4 too.
    Mapped,
    /// It must not reach the kernel: see [`PacketConn::refusal`].
    Refused,
}
