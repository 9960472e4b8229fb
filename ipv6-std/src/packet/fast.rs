//! Fast paths: sending and receiving one datagram.
//!
//! `receive_until` and `send_any` would do for every call. Each datagram takes these paths, so the common cases are
//! inlined without what only others need (`benches/guard.csv` counts their instructions; the limit is 3 % more):
//!
//! - Without a deadline or timeout, one system call that waits in the kernel, and no state for a repetition. The `try_`
//!   methods pass [`MessageFlags::DONT_WAIT`]: the same call, which never waits, whatever the limits are.
//! - Without control messages to receive, `recvfrom(2)`, which costs the kernel less than `recvmsg(2)`.
//! - Traffic class, hop limit and packet info are encoded in registers; other messages in a function that is not inlined.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddrV6;

use ipv6_core::SendControl;
use ipv6_sys::Errno;
use ipv6_sys::message::{self, Caller, ControlBuffer, ControlBytes, Encoded, MessageFlags, PeerName};

use super::PacketConn;
use super::send_error::explain;
use crate::error::{self, Refused};
use crate::fd::AsFd;
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
    fn receive_until(
        &self,
        payload: &mut [IoSliceMut<'_>],
        flags: MessageFlags,
        failed: Option<Errno>,
    ) -> io::Result<Received> {
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
        if self.write.is_set() {
            return self.send_until(payload, control, to, flags, None);
        }
        let mut bytes = ControlBytes::<SEND_SPACE>::new();
        let sent = match bytes.encode_three(control) {
            Some(Ok(encoded)) => self.send_once(payload, control, encoded, to, flags)?,
            None if control.is_empty() => {
                self.send_once(payload, &SendControl::new(), Encoded::NONE, to, flags)?
            }
            _ => return self.send_any(payload, control, to, flags),
        };
        sent.or_else(|errno| self.send_until(payload, control, to, flags, Some(errno)))
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
        let encoded = bytes.encode(control).map_err(error::encode)?;
        let sent = self.send_once(payload, control, encoded, to, flags)?;
        sent.or_else(|errno| self.send_until(payload, control, to, flags, Some(errno)))
    }

    /// Makes one system call, without a limit. The outer error is about a message that must not reach the kernel.
    #[inline(always)]
    fn send_once(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        encoded: Encoded<'_>,
        to: Option<&SocketAddrV6>,
        flags: MessageFlags,
    ) -> io::Result<Result<usize, Errno>> {
        self.check(control, to)?;
        let to = to.map(|to| self.ports.of(to));
        Ok(message::send(self.as_fd(), payload, encoded, to.as_ref(), flags))
    }

    /// Sends in all other cases: with a limit, with a report to return, or after a call that has failed.
    #[cold]
    #[inline(never)]
    fn send_until(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        to: Option<&SocketAddrV6>,
        flags: MessageFlags,
        failed: Option<Errno>,
    ) -> io::Result<usize> {
        let mut caller = self.write.on(self.as_fd()).with(flags).after(failed);
        self.send_confirmed(|| self.send_with(payload, control, to, &mut caller))
            .map_err(|error| explain(error, control))
    }

    /// Sends with any control messages.
    #[inline(always)]
    pub(super) fn send_with(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        to: Option<&SocketAddrV6>,
        caller: impl Caller<Error = io::Error>,
    ) -> io::Result<usize> {
        let mut bytes = ControlBytes::<SEND_SPACE>::new();
        let encoded = bytes.encode(control).map_err(error::encode)?;
        self.send_encoded(payload, control, encoded, to, caller)
    }

    #[inline(always)]
    pub(super) fn send_encoded(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        encoded: Encoded<'_>,
        to: Option<&SocketAddrV6>,
        caller: impl Caller<Error = io::Error>,
    ) -> io::Result<usize> {
        self.check(control, to)?;
        let to = to.map(|to| self.ports.of(to));
        message::send(self.as_fd(), payload, encoded, to.as_ref(), caller)
    }

    /// Returns an error for what must not reach the kernel.
    #[inline(always)]
    pub(super) fn check<'a>(
        &self,
        control: &'a SendControl<'_>,
        to: Option<&'a SocketAddrV6>,
    ) -> Result<(), Refused<'a>> {
        if let Some(size) = control.segment_size.filter(|_| !self.coalescing.is_able()) {
            return Err(Refused::Segments(size));
        }
        if let Some(source) = &control.source {
            if source.is_multicast() {
                return Err(Refused::MulticastSource(source));
            }
            if error::is_mapped(source) && self.conn.carries_only_v6() {
                return Err(Refused::MappedSource(source));
            }
        }
        match to {
            Some(to) if error::is_mapped(to.ip()) && self.conn.carries_only_v6() => {
                Err(Refused::MappedDestination(to))
            }
            _ => Ok(()),
        }
    }
}
