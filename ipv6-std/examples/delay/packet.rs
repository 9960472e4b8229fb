//! The packets of client and server. All have one size, so that nobody can use the server to amplify traffic, and both
//! directions take the same time on a slow link.
//!
//! ```text
//!  0               4               8                              16
//!  +---------------+---------------+-------------------------------+
//!  |   "IPv6"      |   kind        |   session                     |
//!  +---------------+---------------+-------------------------------+
//!  |   number                      |   time in nanoseconds         |   big-endian; time 0: not known
//!  +---------------+---------------+-------------------------------+
//!  |   ticket      |   zeros                                       |
//!  +---------------+-----------------------------------------------+
//! ```

/// Bytes of a packet.
pub const LEN: usize = 48;
const MARK: [u8; 4] = *b"IPv6";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Client: measure.
    Request = 1,
    /// Server: the time at which the request arrived, and a ticket for the time of this reply.
    Reply,
    /// Client: when did the reply with this ticket leave?
    Question,
    /// Server: that time.
    Answer,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    pub kind: Kind,
    /// Random, chosen by the client.
    pub session: [u8; 8],
    pub number: u64,
    /// Nanoseconds since 1970.
    pub time: Option<u64>,
    pub ticket: u32,
}

impl Packet {
    /// Reads a packet. `None`: another size or format.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; LEN] = bytes.try_into().ok()?;
        let kind = match u32::from_be_bytes(part(bytes, 4)) {
            1 => Kind::Request,
            2 => Kind::Reply,
            3 => Kind::Question,
            4 => Kind::Answer,
            _ => return None,
        };
        let time = u64::from_be_bytes(part(bytes, 24));
        let packet = Self {
            kind,
            session: part(bytes, 8),
            number: u64::from_be_bytes(part(bytes, 16)),
            time: Some(time).filter(|time| *time != 0),
            ticket: u32::from_be_bytes(part(bytes, 32)),
        };
        // Also compares the mark and the zeros.
        (packet.write() == *bytes).then_some(packet)
    }

    pub fn write(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[..4].copy_from_slice(&MARK);
        bytes[4..8].copy_from_slice(&(self.kind as u32).to_be_bytes());
        bytes[8..16].copy_from_slice(&self.session);
        bytes[16..24].copy_from_slice(&self.number.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.time.unwrap_or(0).to_be_bytes());
        bytes[32..36].copy_from_slice(&self.ticket.to_be_bytes());
        bytes
    }
}

fn part<const N: usize>(bytes: &[u8; LEN], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}
