//! Control messages as values: those to enable, those received, and those to send.
//!
//! [`ControlFlags`] selects the control messages that a socket delivers, [`RecvControl`] has those received with a
//! datagram, and [`SendControl`] those to send with one. They have the fields of the IPv6 header and the addresses; all other
//! control messages are types of their own in [`message`](crate::message).

mod fast;
mod flags;
mod mapped;
mod recv;
mod reply;
mod send;
mod sent;
mod take;

pub use flags::ControlFlags;
pub use recv::RecvControl;
pub use send::SendControl;

use core::fmt;

/// A comma-separated list of the fields that are set.
struct List<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    empty: bool,
}

impl<'a, 'f> List<'a, 'f> {
    fn new(f: &'a mut fmt::Formatter<'f>) -> Self {
        Self { f, empty: true }
    }

    fn item(&mut self, text: fmt::Arguments<'_>) -> fmt::Result {
        if !self.empty {
            self.f.write_str(", ")?;
        }
        self.empty = false;
        self.f.write_fmt(text)
    }

    fn finish(self) -> fmt::Result {
        if self.empty { self.f.write_str("no control messages") } else { Ok(()) }
    }
}

/// Values for tests.
#[cfg(test)]
pub(crate) mod samples {
    use super::SendControl;
    use crate::abi::{Linux64, Platform};
    use crate::cmsg::Writer;
    use crate::interface::InterfaceIndex;

    /// Traffic class, hop limit, source and interface.
    pub(super) fn full() -> SendControl<'static> {
        SendControl::new()
            .with_traffic_class(0xe0)
            .with_hop_limit(1)
            .with_source("2001:db8::1".parse().unwrap())
            .with_interface(InterfaceIndex::new(7).unwrap())
    }

    /// The bytes of a control on 64-bit Linux.
    pub(super) fn encoded(control: &SendControl<'_>) -> Vec<u8> {
        let mut bytes = vec![0xff; 256];
        let used = control.encode::<Linux64>(&mut bytes).unwrap();
        bytes.truncate(used);
        bytes
    }

    /// These messages, one after another.
    pub(crate) fn written<P: Platform>(messages: &[(i32, i32, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0xff; 512];
        let mut writer = Writer::<P>::new(&mut bytes);
        for (level, kind, data) in messages {
            writer.push(*level, *kind, data).unwrap();
        }
        let used = writer.finish();
        bytes.truncate(used);
        bytes
    }
}
