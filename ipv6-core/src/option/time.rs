//! Option values about time.

/// The clock of received timestamps, and the message that has them (FreeBSD, `SO_TS_CLOCK`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "SO_TS_CLOCK")]
pub enum TimestampClock {
    /// The time of day in microseconds, as `message::Timestamp`: the default.
    #[doc(alias = "SO_TS_REALTIME_MICRO")]
    Microseconds,
    /// The time of day in units of 2⁻⁶⁴ seconds, as `message::BinaryTime`.
    #[doc(alias = "SO_TS_BINTIME")]
    Binary,
    /// The time of day in nanoseconds, as `message::TimestampNs`.
    #[doc(alias = "SO_TS_REALTIME")]
    Nanoseconds,
    /// The time since the system started, in nanoseconds, as `message::Uptime`.
    #[doc(alias = "SO_TS_MONOTONIC")]
    Monotonic,
}

impl TimestampClock {
    const ALL: [Self; 4] = [Self::Microseconds, Self::Binary, Self::Nanoseconds, Self::Monotonic];

    /// Returns the number of the clock.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Microseconds => 0,
            Self::Binary => 1,
            Self::Nanoseconds => 2,
            Self::Monotonic => 3,
        }
    }

    /// Returns the clock with a number; `None` for a number without a clock.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|clock| clock.number() == number)
    }
}

/// Enables send times (Linux, `SO_TXTIME`): the clock of `message::TxTime`, and what the queueing discipline does.
///
/// ```text
///  0               4               8
///  +---------------+---------------+
///  |     clock     |     flags     |   ints, host order
///  +---------------+---------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "sock_txtime", alias = "SO_TXTIME")]
pub struct SendTimes {
    /// The number of the clock: [`MONOTONIC`](Self::MONOTONIC), or [`TAI`](Self::TAI), which requires `CAP_NET_ADMIN`.
    #[doc(alias = "clockid")]
    pub clock: i32,
    /// Whether the time is a deadline: the packet may be sent before it.
    #[doc(alias = "SOF_TXTIME_DEADLINE_MODE")]
    pub deadline: bool,
    /// Whether packets that are not sent in time are reported in the error queue.
    #[doc(alias = "SOF_TXTIME_REPORT_ERRORS")]
    pub report_errors: bool,
}

impl SendTimes {
    /// The clock for the queueing discipline `fq`.
    #[doc(alias = "CLOCK_MONOTONIC")]
    pub const MONOTONIC: i32 = 1;
    /// The clock for the queueing discipline `etf`.
    #[doc(alias = "CLOCK_TAI")]
    pub const TAI: i32 = 11;

    const DEADLINE: u32 = 1;
    const REPORT_ERRORS: u32 = 2;

    /// Times of this clock. Packets are not sent before their time, and errors are not reported.
    #[must_use]
    pub const fn new(clock: i32) -> Self {
        Self { clock, deadline: false, report_errors: false }
    }

    /// Returns the flags of the structure.
    #[must_use]
    pub const fn flags(self) -> u32 {
        (if self.deadline { Self::DEADLINE } else { 0 })
            | (if self.report_errors { Self::REPORT_ERRORS } else { 0 })
    }

    /// Returns the value with these fields of the structure.
    #[must_use]
    pub const fn from_flags(clock: i32, flags: u32) -> Self {
        Self { clock, deadline: flags & Self::DEADLINE != 0, report_errors: flags & Self::REPORT_ERRORS != 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_flags_are_read_as_they_are_written() {
        for number in -1..5 {
            let clock = TimestampClock::from_number(number);
            assert_eq!(clock.map(TimestampClock::number), (0..4).contains(&number).then_some(number));
        }
        for flags in 0..4 {
            let times = SendTimes::from_flags(SendTimes::TAI, flags);
            assert_eq!((times.clock, times.flags()), (11, flags));
        }
        assert_eq!(SendTimes::new(SendTimes::MONOTONIC).flags(), 0);
    }
}
