//! What is done.

use std::fmt;

use ipv6_std::ControlFlags;

/// Traffic class of what is sent: AF11 (RFC 2597).
pub const CLASS: u8 = 0x28;
/// Hop limit of what is sent.
pub const HOPS: u8 = 42;
/// Bytes of payload where the size does not matter.
pub const SIZE: usize = 15;

/// How datagrams go and come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Each in a call of its own.
    Single,
    /// The same, on a connected socket that has the header fields as options: nothing goes with the datagram.
    Connected,
    /// Many in one call, each with a payload of its own.
    Batch,
    /// Many as one payload, cut by the system and put together again.
    Segments,
}

/// One piece of work: so many datagrams are sent and received, and payload, source and all control messages are
/// checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    pub way: Way,
    /// The control messages that go with each and are told of each. Source and interface are one message.
    pub control: ControlFlags,
    /// How many datagrams at once.
    pub count: usize,
    /// Bytes of payload in each.
    pub size: usize,
}

impl Work {
    pub const NONE: ControlFlags = ControlFlags::empty();
    pub const INFO: ControlFlags = ControlFlags::DESTINATION;
    /// Traffic class, hop limit and packet info.
    pub const THREE: ControlFlags =
        ControlFlags::TRAFFIC_CLASS.union(ControlFlags::HOP_LIMIT).union(ControlFlags::DESTINATION);

    /// More and more of them, from none on.
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
        Self { way: Way::Single, control, count: 1, size }
    }

    /// One datagram that goes without control messages and arrives with three.
    pub const fn connected() -> Self {
        Self { way: Way::Connected, control: Self::THREE, count: 1, size: SIZE }
    }

    /// Many, each with three control messages.
    pub const fn batch(count: usize) -> Self {
        Self { way: Way::Batch, control: Self::THREE, count, size: SIZE }
    }

    /// Many in one payload, with three control messages.
    pub const fn segments(count: usize, size: usize) -> Self {
        Self { way: Way::Segments, control: Self::THREE, count, size }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { way, control, count, size } = self;
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
            Way::Segments => write!(f, "{count} segments")?,
        }
        if *way == Way::Segments || *size != SIZE { write!(f, " of {size} bytes") } else { Ok(()) }
    }
}

/// The payload with this number: all of a size, and no two of a batch with the same bytes.
pub fn payload(number: usize, size: usize) -> Vec<u8> {
    let mut payload: Vec<u8> = b"HELLO-R-U-THERE".iter().copied().cycle().take(size).collect();
    for (byte, digit) in payload.iter_mut().zip(number.to_le_bytes().into_iter().take(2)) {
        *byte = digit;
    }
    payload
}

/// The same bytes at the start of a page, for as long as the program runs: where long ones lie shows in what it takes to
/// copy and to compare them, by a few percent, and is to be no program's merit.
pub fn on_a_page(bytes: Vec<u8>) -> &'static mut [u8] {
    const PAGE: usize = 4096;
    let room = vec![0; bytes.len() + PAGE].leak();
    let start = room.as_ptr().align_offset(PAGE);
    let room = &mut room[start..][..bytes.len()];
    room.copy_from_slice(&bytes);
    room
}

/// Asserts that what came is what was sent. Those of the usual size are compared without a call.
#[inline(always)]
pub fn check_payload(got: &[u8], sent: &[u8]) {
    match (<&[u8; SIZE]>::try_from(got), <&[u8; SIZE]>::try_from(sent)) {
        (Ok(got), Ok(sent)) => assert_eq!(got, sent),
        _ => assert_eq!(got, sent),
    }
}
