//! One exchange of packets, and what its four times say.

use std::time::Instant;

/// A request, and what is known of it. Times are nanoseconds since 1970, of the kernel of each host.
pub struct Exchange {
    /// The identifier of the timestamp of the request. `None`: it was not sent.
    pub id: Option<u32>,
    /// When the wait for its answers ends.
    pub end: Option<Instant>,
    pub state: State,
    /// Whether an error about it was printed.
    pub is_reported: bool,
    /// 1: the request left this host.
    pub departed: Option<u64>,
    /// 2: the request arrived at the server.
    pub at_server: Option<u64>,
    /// 4: the reply arrived.
    pub back: Option<u64>,
    /// Names the reply to the server.
    pub ticket: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// For the reply.
    Waiting,
    /// For the server's answer about time 3.
    Replied,
    /// The exchange has ended with a reply.
    Done,
    Lost,
    /// Lost, and then replied to.
    Late,
}

impl State {
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Replied)
    }
}

/// The results of one exchange, in nanoseconds.
#[derive(Clone, Copy)]
pub struct Times {
    pub there: i64,
    pub back: i64,
    pub round_trip: i64,
    /// In the server, between the timestamps of its kernel.
    pub server: i64,
}

/// Why an exchange has no result.
#[derive(Clone, Copy)]
pub enum Flaw {
    /// A time is missing.
    Incomplete,
    /// The reply left the server before the request arrived, or the round trip is shorter than its part in the server.
    Contradictory,
}

impl Exchange {
    /// The results, with the time 3.
    pub fn times(&self, reply_departed: Option<u64>) -> Result<Times, Flaw> {
        let all = (self.departed, self.at_server, reply_departed, self.back);
        let (Some(one), Some(two), Some(three), Some(four)) = all else { return Err(Flaw::Incomplete) };
        // A server may send any number.
        let between = |from: u64, to: u64| {
            i64::try_from(i128::from(to) - i128::from(from)).map_err(|_| Flaw::Contradictory)
        };
        let (there, back) = (between(one, two)?, between(three, four)?);
        let (all, server) = (between(one, four)?, between(two, three)?);
        match all.checked_sub(server) {
            Some(round_trip @ 0..) if server >= 0 => Ok(Times { there, back, round_trip, server }),
            _ => Err(Flaw::Contradictory),
        }
    }
}
