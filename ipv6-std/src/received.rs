//! What comes with a datagram.

use std::io;
use std::net::{Ipv6Addr, SocketAddrV6};

use ipv6_core::cmsg::RawMessages;
use ipv6_core::{ControlFlags, DecodeError, RecvControl};
use ipv6_sys::Host;
use ipv6_sys::message::{self, Arrival};

use crate::error;

/// What came with a datagram that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Bytes of payload in the buffer.
    pub len: usize,
    /// Who sent it. Of a raw socket the port is 0. A datagram that came over IPv4 has an IPv4-mapped
    /// address. With news of a path MTU it is the destination that the news is about.
    pub source: SocketAddrV6,
    /// The control messages that were asked for.
    pub control: RecvControl<'static>,
    /// Whether the payload was longer than the buffer; the rest of it is lost.
    pub truncated: bool,
    /// Whether there were more control messages than room for them; those that arrived whole are in
    /// `control`. Only options that were switched on behind this API's back can make it so.
    pub control_truncated: bool,
}

/// What came with a datagram that was received into a control buffer of the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'c> {
    /// Bytes of payload in the buffer.
    pub len: usize,
    /// Who sent it, as in [`Received::source`].
    pub source: SocketAddrV6,
    /// Whether the payload was longer than the buffer; the rest of it is lost.
    pub truncated: bool,
    /// Whether there were more control messages than room for them; the rest of them is lost.
    pub control_truncated: bool,
    pub(crate) control: &'c [u8],
}

impl<'c> Message<'c> {
    /// The control messages that have a field in [`RecvControl`], whether they were asked for by flags or
    /// otherwise.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when a message is not as this system has it. Of messages that were cut
    /// ([`control_truncated`](Self::control_truncated)) those that arrived whole are given, without error.
    pub fn control(&self) -> Result<RecvControl<'c>, DecodeError> {
        message::decode(self.control, self.control_truncated)
    }

    /// Every control message, also those that this crate has no field for.
    pub fn raw_messages(&self) -> RawMessages<'c, Host> {
        RawMessages::new(self.control)
    }

    /// The control messages as bytes, as the kernel wrote them.
    pub fn raw_control(&self) -> &'c [u8] {
        self.control
    }
}

impl Received {
    /// What the kernel said, with the control messages that are wanted.
    #[inline(always)]
    pub(crate) fn new(arrival: Arrival<'_>, wanted: ControlFlags) -> io::Result<Self> {
        const FIELDS: ControlFlags =
            ControlFlags::TRAFFIC_CLASS.union(ControlFlags::HOP_LIMIT).union(ControlFlags::DESTINATION);
        // Everything as it most often is, in one piece, of which nothing goes through memory.
        if wanted.contains(FIELDS) && !arrival.control_truncated() {
            if let Some(control) = RecvControl::decode_three::<Host>(arrival.control) {
                if let Some(source) = arrival.source() {
                    let mut control = control.detach();
                    if !wanted.contains(ControlFlags::INTERFACE) {
                        control.interface = None;
                    }
                    let (len, truncated) = (arrival.len, arrival.truncated());
                    return Ok(Self { len, source, control, truncated, control_truncated: false });
                }
            }
        }
        let Arrival { len, flags, name, control } = arrival;
        Self::some(len, flags, name, control, wanted)
    }

    /// The same where some of them may be missing, or datagrams came together. It is given the parts of the arrival: to
    /// hand on the whole, it would have to be in memory, also where it is not handed on.
    #[inline(never)]
    fn some(len: usize, flags: i32, name: &[u8], control: &[u8], wanted: ControlFlags) -> io::Result<Self> {
        let arrival = Arrival { len, flags, name, control };
        match RecvControl::decode_in_order::<Host>(control) {
            Some(got) if !arrival.control_truncated() => Ok(Self::with(arrival, got, wanted)),
            _ => Self::any(len, flags, name, control, wanted),
        }
    }

    /// The same with control messages of any kind, in any order, whole or not.
    #[cold]
    #[inline(never)]
    fn any(len: usize, flags: i32, name: &[u8], control: &[u8], wanted: ControlFlags) -> io::Result<Self> {
        let arrival = Arrival { len, flags, name, control };
        Ok(Self::with(arrival, arrival.decode().map_err(error::decode)?, wanted))
    }

    /// What the kernel said, with these control messages, as far as they are wanted.
    #[inline(always)]
    fn with(arrival: Arrival<'_>, control: RecvControl<'_>, wanted: ControlFlags) -> Self {
        Self { control: control.filter(wanted).detach(), ..Self::plain(arrival.received()) }
    }

    /// What the kernel said of a message without control messages.
    #[inline(always)]
    pub(crate) fn plain(received: message::Received) -> Self {
        let message::Received { len, source, truncated, control_truncated } = received;
        let control = RecvControl::default();
        Self { len, source: source.unwrap_or(NOBODY), control, truncated, control_truncated }
    }
}

/// The source of a message of which the system tells none.
pub(crate) const NOBODY: SocketAddrV6 = SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0);
