//! Fast path: from a received message to [`Received`].
//!
//! A plain `RecvControl::decode` and `filter` would do. Every datagram takes this path, so it tries the shapes in the
//! order of their frequency: all three common messages in the kernel's order; any subset in that order; any messages.

use std::io;

use ipv6_core::{ControlFlags, RecvControl};
use ipv6_sys::Host;
use ipv6_sys::message::{self, Arrival};

use crate::error;
use crate::received::{NOBODY, Received};

impl Received {
    /// The result of a receive, with the control messages in `wanted`.
    #[inline(always)]
    pub(crate) fn new(arrival: Arrival<'_>, wanted: ControlFlags) -> io::Result<Self> {
        const FIELDS: ControlFlags =
            ControlFlags::TRAFFIC_CLASS.union(ControlFlags::HOP_LIMIT).union(ControlFlags::DESTINATION);
        // The most frequent shape, inlined as a whole, so that values stay in registers.
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
        let Arrival { len, flags, name, control, .. } = arrival;
        Self::in_order(len, flags, name, control, wanted)
    }

    /// Decodes a subset of the messages in the kernel's order. Takes the parts of the arrival by value: passing the
    /// arrival by reference would force it into memory on the path above too.
    #[inline(never)]
    fn in_order(
        len: usize,
        flags: i32,
        name: &[u8],
        control: &[u8],
        wanted: ControlFlags,
    ) -> io::Result<Self> {
        let arrival = Arrival { len, flags, name, control };
        match RecvControl::decode_in_order::<Host>(control) {
            Some(got) if !arrival.control_truncated() => Ok(Self::with(arrival, got, wanted)),
            _ => Self::any(len, flags, name, control, wanted),
        }
    }

    /// Decodes any messages, in any order, truncated or not.
    #[cold]
    #[inline(never)]
    fn any(len: usize, flags: i32, name: &[u8], control: &[u8], wanted: ControlFlags) -> io::Result<Self> {
        let arrival = Arrival { len, flags, name, control };
        Ok(Self::with(arrival, arrival.decode().map_err(error::decode)?, wanted))
    }

    /// The result with these control messages, without those that are not wanted.
    #[inline(always)]
    fn with(arrival: Arrival<'_>, control: RecvControl<'_>, wanted: ControlFlags) -> Self {
        Self { control: control.filter(wanted).detach(), ..Self::plain(arrival.received()) }
    }

    /// The result without control messages.
    #[inline(always)]
    pub(crate) fn plain(received: message::Received) -> Self {
        let message::Received { len, source, truncated, control_truncated, .. } = received;
        let control = RecvControl::default();
        Self { len, source: source.unwrap_or(NOBODY), control, truncated, control_truncated }
    }
}
