//! The path of every datagram.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddrV6;

use ipv6_core::{Control, EncodeError, SendControl};
use ipv6_sys::Errno;
use ipv6_sys::message::{self, ControlBuffer, ControlBytes, ControlSpace, MessageFlags, PeerName};

use super::PacketConn;
use crate::error::{self, Refused};
use crate::fd::AsFd;
use crate::received::Received;
use crate::space::{RECV_SPACE, SEND_SPACE};

impl<S: AsFd> PacketConn<S> {
    #[inline(always)]
    pub(super) fn receive(&self, payload: &mut [IoSliceMut<'_>]) -> io::Result<Received> {
        if self.read.is_set() {
            return self.receive_until(payload, None);
        }
        let (mut peer, mut buffer) = (PeerName::new(), ControlBuffer::<RECV_SPACE>::new());
        let mut control = ControlSpace::from(&mut buffer);
        let once = MessageFlags::empty();
        match message::receive_raw(self.as_fd(), payload, &mut peer, &mut control, once) {
            Ok(arrival) => Received::new(arrival, self.conn.control_flags()),
            Err(errno) => self.receive_until(payload, Some(errno)),
        }
    }

    /// Receives where no control messages are wanted.
    #[inline(always)]
    pub(super) fn receive_plain(&self, payload: &mut [u8]) -> io::Result<Received> {
        if !self.tells_length || self.coalescing.receives() || self.read.is_set() {
            return self.receive_until(&mut [IoSliceMut::new(payload)], None);
        }
        match message::receive_from(self.as_fd(), payload, MessageFlags::empty()) {
            Ok(received) => Ok(Received::plain(received)),
            Err(errno) => self.receive_until(&mut [IoSliceMut::new(payload)], Some(errno)),
        }
    }

    /// Receives with a deadline, or after a call that has failed, or what a shorter way cannot: out of the way of what
    /// needs none of it.
    #[cold]
    #[inline(never)]
    pub(super) fn receive_until(
        &self,
        payload: &mut [IoSliceMut<'_>],
        failed: Option<Errno>,
    ) -> io::Result<Received> {
        let (mut peer, mut buffer) = (PeerName::new(), ControlBuffer::<RECV_SPACE>::new());
        let mut control = ControlSpace::from(&mut buffer);
        let caller = self.read.on(self.as_fd()).after(failed);
        let arrival = message::receive_raw(self.as_fd(), payload, &mut peer, &mut control, caller)?;
        Received::new(arrival, self.conn.control_flags())
    }

    #[inline(always)]
    pub(super) fn send_parts(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        to: Option<&SocketAddrV6>,
    ) -> io::Result<usize> {
        let mut bytes = ControlBytes::<SEND_SPACE>::new();
        match bytes.encode_three(control) {
            Some(encoded) => self.send_encoded(payload, control, encoded.map_err(error::encode)?, to),
            None if control.is_empty() => self.send_encoded(payload, &SendControl::new(), &[], to),
            None => self.send_any(payload, control, to),
        }
    }

    /// Sends with control messages of any kind.
    #[inline(never)]
    pub(super) fn send_any(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        to: Option<&SocketAddrV6>,
    ) -> io::Result<usize> {
        let mut bytes = ControlBytes::<SEND_SPACE>::new();
        let encoded = bytes.encode(control).map_err(error::encode)?;
        self.send_encoded(payload, control, encoded, to)
    }

    #[inline(always)]
    pub(super) fn send_encoded(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        encoded: &[u8],
        to: Option<&SocketAddrV6>,
    ) -> io::Result<usize> {
        self.check(control, to)?;
        let to = to.map(|to| self.ports.of(to));
        let socket = self.as_fd();
        message::send(socket, payload, encoded, to.as_ref(), self.write.on(socket))
    }

    /// Says whether the kernel may see this.
    #[inline(always)]
    pub(super) fn check<'a>(
        &self,
        control: &'a SendControl<'_>,
        to: Option<&'a SocketAddrV6>,
    ) -> Result<(), Refused<'a>> {
        if control.segment_size.is_some() && !self.coalescing.is_able() {
            return Err(Refused::Control(EncodeError::Unsupported(Control::SegmentSize)));
        }
        if let Some(source) = &control.source {
            if source.is_multicast() {
                return Err(Refused::MulticastSource(source));
            }
            if error::is_mapped(source) && self.v6_only {
                return Err(Refused::MappedSource(source));
            }
        }
        match to {
            Some(to) if error::is_mapped(to.ip()) && self.v6_only => Err(Refused::MappedDestination(to)),
            _ => Ok(()),
        }
    }
}
