//! The pieces of work that every program does.

use std::fmt;

use ipv6_std::ControlFlags;

/// The traffic class of every datagram: AF11 (RFC 2597 section 6).
pub const CLASS: u8 = 0x28;
/// The hop limit of every datagram.
pub const HOPS: u8 = 42;
/// The payload size in bytes, unless a piece of work varies it.
pub const SIZE: usize = 15;
/// The largest payload, in bytes: the size of buffers for payloads that the system combines.
pub const LARGEST: usize = 65_535;
/// The number of such buffers of one receive call: as many as a batch that splits payloads has.
pub const ROOMS: usize = 16;
/// The number of datagrams in one payload of [`Way::Together`].
pub const SEGMENTS: usize = 32;

/// How datagrams are sent and received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// One datagram per call.
    Single,
    /// One datagram per call, on a connected socket whose options set the header fields. The call has no address and no
    /// control messages.
    Connected,
    /// Many datagrams per call, each with its own payload.
    Batch,
    /// The same. This library makes the list of messages anew for each call; the hand-written program has all prepared.
    Built,
    /// The same to this many destinations in turn, each with a receiver of its own. Only sending is measured; all programs
    /// receive in the same way.
    Mixed(usize),
    /// One payload that the system splits into many datagrams and combines again (segmentation offload).
    Segments,
    /// Such payloads, received many per call. Only receiving is measured; all programs send in the same way.
    Together,
}

/// One piece of work: send and receive `count` datagrams, and check the payload, the source and every control message of
/// each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    pub way: Way,
    /// The control messages that are sent and received with each datagram. Source and interface are one message.
    pub control: ControlFlags,
    /// The number of datagrams per call.
    pub count: usize,
    /// The payload size of each datagram, in bytes.
    pub size: usize,
    /// Whether the sockets are in tokio's event loop.
    pub on_tokio: bool,
}

impl Work {
    pub const NONE: ControlFlags = ControlFlags::empty();
    pub const INFO: ControlFlags = ControlFlags::DESTINATION;
    /// Traffic class, hop limit and packet info.
    pub const THREE: ControlFlags =
        ControlFlags::TRAFFIC_CLASS.union(ControlFlags::HOP_LIMIT).union(ControlFlags::DESTINATION);

    /// Sets of control flags in ascending order, from none to all.
    pub const MORE: [ControlFlags; 6] = [
        Self::NONE,
        ControlFlags::TRAFFIC_CLASS,
        ControlFlags::TRAFFIC_CLASS.union(ControlFlags::HOP_LIMIT),
        Self::THREE,
        Self::THREE.union(ControlFlags::INTERFACE),
        Self::THREE.union(ControlFlags::INTERFACE).union(ControlFlags::PATH_MTU),
    ];

    /// One datagram with these control messages.
    pub const fn single(control: ControlFlags, size: usize) -> Self {
        Self { way: Way::Single, control, count: 1, size, on_tokio: false }
    }

    /// One datagram, sent without control messages and received with three.
    pub const fn connected() -> Self {
        Self { way: Way::Connected, ..Self::single(Self::THREE, SIZE) }
    }

    /// A batch of datagrams, each with three control messages.
    pub const fn batch(count: usize) -> Self {
        Self { way: Way::Batch, count, ..Self::single(Self::THREE, SIZE) }
    }

    /// A batch of datagrams whose messages are made for each call.
    pub const fn built(count: usize, size: usize) -> Self {
        Self { way: Way::Built, size, ..Self::batch(count) }
    }

    /// A batch of datagrams to several destinations in turn.
    pub const fn mixed(count: usize, size: usize, destinations: usize) -> Self {
        Self { way: Way::Mixed(destinations), size, ..Self::batch(count) }
    }

    /// One payload of many datagrams, with three control messages.
    pub const fn segments(count: usize, size: usize) -> Self {
        Self { way: Way::Segments, count, ..Self::single(Self::THREE, size) }
    }

    /// Payloads of 32 datagrams, with three control messages, received many per call.
    pub const fn together(count: usize, size: usize) -> Self {
        Self { way: Way::Together, count, ..Self::single(Self::THREE, size) }
    }

    /// The same work in tokio's event loop.
    pub const fn on_tokio(self) -> Self {
        Self { on_tokio: true, ..self }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { way, control, count, size, on_tokio } = self;
        match way {
            Way::Single => {
                f.write_str("one")?;
                match *control {
                    Self::THREE => f.write_str(", three control messages")?,
                    Self::INFO => f.write_str(", packet info alone")?,
                    Self::NONE => f.write_str(", no control messages")?,
                    control => write!(f, ", {} control flags", control.iter().count())?,
                }
            }
            Way::Connected => f.write_str("one, connected with options")?,
            Way::Batch => write!(f, "batch of {count}")?,
            Way::Built => write!(f, "batch of {count}, built for each call")?,
            Way::Mixed(destinations) => write!(f, "batch of {count}, to {destinations} destinations")?,
            Way::Segments => write!(f, "{count} segments")?,
            Way::Together => write!(f, "receiving {count} combined datagrams")?,
        }
        if matches!(way, Way::Segments | Way::Together) || *size != SIZE {
            let of = if matches!(way, Way::Built | Way::Mixed(_)) { ", of" } else { " of" };
            write!(f, "{of} {size} bytes")?;
        }
        if *on_tokio { f.write_str(", on tokio") } else { Ok(()) }
    }
}

/// Returns the payload with this number. No two payloads of a batch are equal (if the size is at least 2).
pub fn payload(number: usize, size: usize) -> Vec<u8> {
    let mut payload: Vec<u8> = b"HELLO-R-U-THERE".iter().copied().cycle().take(size).collect();
    for (byte, digit) in payload.iter_mut().zip(number.to_le_bytes().into_iter().take(2)) {
        *byte = digit;
    }
    payload
}

/// Copies the bytes to the start of a page and leaks them. The alignment of a long payload changes the time of copying and
/// comparing it by a few percent, so all programs use the same.
pub fn on_a_page(bytes: Vec<u8>) -> &'static mut [u8] {
    const PAGE: usize = 4096;
    let pages = vec![0; bytes.len() + PAGE].leak();
    let start = pages.as_ptr().align_offset(PAGE);
    let copy = &mut pages[start..][..bytes.len()];
    copy.copy_from_slice(&bytes);
    copy
}

/// Asserts that the received payload equals the sent one. Payloads of the usual size are compared without a call.
#[inline(always)]
pub fn check_payload(got: &[u8], sent: &[u8]) {
    match (<&[u8; SIZE]>::try_from(got), <&[u8; SIZE]>::try_from(sent)) {
        (Ok(got), Ok(sent)) => assert_eq!(got, sent),
        _ => assert_eq!(got, sent),
    }
}
