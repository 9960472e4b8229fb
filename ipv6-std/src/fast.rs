//! Fast path: from a received message to [`Received`].
//!
//! A plain `RecvControl::decode` and `filter` would do. Every datagram takes this path, so it tries the shapes in the
//! order of their frequency: all three common messages in the kernel's order; any subset in that order; any messages.

use std::io;

use ipv6_core::{ControlFlags, RecvControl};
use ipv6_sys::Host;
use ipv6_sys::message::{self, Arrival, Fresh};

use crate::received::{Received, sender};

/// The flags of the three usual messages.
const FIELDS: ControlFlags =
    ControlFlags::TRAFFIC_CLASS.union(ControlFlags::HOP_LIMIT).union(ControlFlags::DESTINATION);

/// Packet info holds destination and interface; either may not be wanted.
#[inline(always)]
fn without_interface(mut control: RecvControl<'static>, wanted: ControlFlags) -> RecvControl<'static> {
    if !wanted.contains(ControlFlags::INTERFACE) {
        control.interface = None;
    }
    control
}

impl Received {
    /// The result of a receive, with the control messages in `wanted`.
    #[inline(always)]
    pub(crate) fn fresh(mut fresh: Fresh<'_>, wanted: ControlFlags) -> io::Result<Self> {
        // The most frequent shape, inlined as a whole, so that values stay in registers.
        let arrival = fresh.without_control();
        if let Some(control) = fresh.decode_three() {
            if wanted.contains(FIELDS) && !arrival.control_truncated() {
                if let Some(source) = arrival.source() {
                    let control = without_interface(control.detach(), wanted);
                    let (len, truncated) = (arrival.len, arrival.truncated());
                    return Ok(Self { len, source, control, truncated, control_truncated: false });
                }
            }
        }
        Self::fresh_in_order(fresh, wanted)
    }

    /// Decodes what is not that frequent. The two shapes that are left of the usual ones are inlined, so that the compiler
    /// knows their lengths.
    #[inline(never)]
    fn fresh_in_order(mut fresh: Fresh<'_>, wanted: ControlFlags) -> io::Result<Self> {
        if let Some(arrival) = fresh.with_four() {
            return Self::in_order(arrival, wanted);
        }
        if let Some(arrival) = fresh.with_packet_info() {
            return Self::in_order(arrival, wanted);
        }
        let Arrival { len, flags, name, control, .. } = fresh.finish();
        Self::parts_in_order(len, flags, name, control, wanted)
    }

    /// The result for one message of a batch, with the control messages in `wanted`.
    #[inline(always)]
    pub(crate) fn new(arrival: Arrival<'_>, wanted: ControlFlags) -> io::Result<Self> {
        if wanted.contains(FIELDS) && !arrival.control_truncated() {
            if let Some(control) = RecvControl::decode_three::<Host>(arrival.control) {
                if let Some(source) = arrival.source() {
                    let control = without_interface(control.detach(), wanted);
                    let (len, truncated) = (arrival.len, arrival.truncated());
                    return Ok(Self { len, source, control, truncated, control_truncated: false });
                }
            }
        }
        let Arrival { len, flags, name, control, .. } = arrival;
        Self::parts_in_order(len, flags, name, control, wanted)
    }

    /// Decodes a subset of the messages in the kernel's order.
    #[inline(always)]
    fn in_order(arrival: Arrival<'_>, wanted: ControlFlags) -> io::Result<Self> {
        let Arrival { len, flags, name, control, .. } = arrival;
        match RecvControl::decode_in_order::<Host>(control) {
            Some(got) if !arrival.control_truncated() => Self::with(arrival, got, wanted),
            _ => Self::any(len, flags, name, control, wanted),
        }
    }

    /// The same, not inlined. Takes the parts of the arrival by value: passing the arrival by reference would force it
    /// into memory on the path of `new` too.
    #[inline(never)]
    fn parts_in_order(
        len: usize,
        flags: i32,
        name: &[u8],
        control: &[u8],
        wanted: ControlFlags,
    ) -> io::Result<Self> {
        Self::in_order(Arrival::new(len, flags, name, control), wanted)
    }

    /// Decodes any messages, in any order, truncated or not.
    #[cold]
    #[inline(never)]
    fn any(len: usize, flags: i32, name: &[u8], control: &[u8], wanted: ControlFlags) -> io::Result<Self> {
        let arrival = Arrival::new(len, flags, name, control);
        Self::with(arrival, arrival.decode()?, wanted)
    }

    /// The result with these control messages, without those that are not wanted.
    #[inline(always)]
    fn with(arrival: Arrival<'_>, control: RecvControl<'_>, wanted: ControlFlags) -> io::Result<Self> {
        let plain = Self::plain(arrival.received())?;
        Ok(Self { control: control.filter(wanted).detach(), ..plain })
    }

    /// The result without control messages.
    #[inline(always)]
    pub(crate) fn plain(received: message::Received) -> io::Result<Self> {
        let message::Received { len, truncated, control_truncated, .. } = received;
        let (source, control) = (sender(&received)?, RecvControl::default());
        Ok(Self { len, source, control, truncated, control_truncated })
    }
}
