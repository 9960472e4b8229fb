//! Option values of servers: memory, pacing, ports.

/// The memory of a socket in bytes (Linux, `SO_MEMINFO`), without [`drops`](Self::drops).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
#[doc(alias = "SO_MEMINFO")]
pub struct MemoryInfo {
    /// Received and not yet read.
    #[doc(alias = "SK_MEMINFO_RMEM_ALLOC")]
    pub received: u32,
    /// Size of the receive buffer.
    #[doc(alias = "SK_MEMINFO_RCVBUF")]
    pub receive_buffer: u32,
    /// Sent and not yet freed by the device.
    #[doc(alias = "SK_MEMINFO_WMEM_ALLOC")]
    pub sent: u32,
    /// Size of the send buffer.
    #[doc(alias = "SK_MEMINFO_SNDBUF")]
    pub send_buffer: u32,
    /// Reserved and not used.
    #[doc(alias = "SK_MEMINFO_FWD_ALLOC")]
    pub reserved: u32,
    /// Waiting to be sent (TCP).
    #[doc(alias = "SK_MEMINFO_WMEM_QUEUED")]
    pub send_queued: u32,
    /// Of options, memberships and filters.
    #[doc(alias = "SK_MEMINFO_OPTMEM")]
    pub options: u32,
    /// Waiting while another call holds the socket.
    #[doc(alias = "SK_MEMINFO_BACKLOG")]
    pub backlog: u32,
    /// How many received packets were dropped because the receive buffer was full, or by a filter or checksum.
    #[doc(alias = "SK_MEMINFO_DROPS")]
    pub drops: u32,
}

impl MemoryInfo {
    /// The value with these fields, in the order of the kernel.
    #[must_use]
    pub const fn from_words(words: [u32; 9]) -> Self {
        let [received, receive_buffer, sent, send_buffer, reserved, send_queued, options, backlog, drops] =
            words;
        Self { received, receive_buffer, sent, send_buffer, reserved, send_queued, options, backlog, drops }
    }
}

/// The rate at which a socket sends at most, in bytes per second (`SO_MAX_PACING_RATE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "SO_MAX_PACING_RATE")]
pub struct PacingRate(pub u64);

impl PacingRate {
    /// No limit: the default.
    pub const UNLIMITED: Self = Self(u64::MAX);
}

/// The ports from which the system chooses for this socket (Linux, `IP_LOCAL_PORT_RANGE`), within
/// `net.ipv4.ip_local_port_range`. 0: no own limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "IP_LOCAL_PORT_RANGE")]
pub struct LocalPorts {
    /// The lowest port.
    pub low: u16,
    /// The highest port.
    pub high: u16,
}

impl LocalPorts {
    /// The value of the option: the highest port in the upper half.
    #[must_use]
    pub const fn number(self) -> u32 {
        let ([a, b], [c, d]) = (self.high.to_be_bytes(), self.low.to_be_bytes());
        u32::from_be_bytes([a, b, c, d])
    }

    /// The range with this value.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        let [a, b, c, d] = number.to_be_bytes();
        Self { low: u16::from_be_bytes([c, d]), high: u16::from_be_bytes([a, b]) }
    }
}

/// The range from which the system chooses a port (the BSDs and Apple, `IPV6_PORTRANGE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "IPV6_PORTRANGE")]
pub enum PortRange {
    /// The usual range.
    #[doc(alias = "IPV6_PORTRANGE_DEFAULT")]
    Default,
    /// The high range: ports for short-lived use.
    #[doc(alias = "IPV6_PORTRANGE_HIGH")]
    High,
    /// Ports below 1,024, for the superuser: the effect of `rresvport_af` (RFC 3542 section 14).
    #[doc(alias = "IPV6_PORTRANGE_LOW", alias = "rresvport_af")]
    Low,
}

impl PortRange {
    /// Returns the number of the range.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Default => 0,
            Self::High => 1,
            Self::Low => 2,
        }
    }

    /// Returns the range with a number; `None` for a number without a range.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        [Self::Default, Self::High, Self::Low].into_iter().find(|range| range.number() == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for number in -1..4 {
            let range = PortRange::from_number(number);
            assert_eq!(range.map(PortRange::number), (0..3).contains(&number).then_some(number));
        }
        let ports = LocalPorts { low: 40_000, high: 40_100 };
        assert_eq!((ports.number(), LocalPorts::from_number(ports.number())), (0x9ca4_9c40, ports));
        let memory = MemoryInfo::from_words([1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!((memory.received, memory.backlog, memory.drops), (1, 8, 9));
    }
}
