//! What is done, and how it is timed.

use std::fmt;
use std::time::Instant;

use crate::peers::Peer;

pub const PAYLOAD: &[u8; 15] = b"HELLO-R-U-THERE";
pub const CLASS: u8 = 0x28;
pub const HOPS: u8 = 42;
/// Datagrams of the largest batch.
pub const MOST: usize = 256;

/// One piece of work. But for the plain one, traffic class, hop limit and destination are received and checked, with
/// payload and source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// One datagram with three control messages each way.
    One,
    /// One without control messages.
    Plain,
    /// One that is sent with its source alone.
    Source,
    /// One on a connected socket with header fields that stay: nothing goes with it.
    Connected,
    /// So many in one call, each with bytes of its own, all of one size.
    Batch(usize),
    /// So many datagrams of this size in one payload (`UDP_SEGMENT`), received as one (`UDP_GRO`).
    Segments(usize, usize),
}

/// What is compared, in the order of the tables.
pub const ALL: [Work; 13] = [
    Work::One,
    Work::Plain,
    Work::Source,
    Work::Connected,
    Work::Batch(8),
    Work::Batch(32),
    Work::Batch(64),
    Work::Segments(10, 15),
    Work::Segments(32, 15),
    Work::Segments(64, 15),
    Work::Segments(10, 1200),
    Work::Segments(32, 1200),
    Work::Segments(52, 1200),
];

impl Work {
    /// Datagrams that it sends and receives.
    pub fn datagrams(self) -> usize {
        match self {
            Self::One | Self::Plain | Self::Source | Self::Connected => 1,
            Self::Batch(count) | Self::Segments(count, _) => count,
        }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One => f.write_str("one datagram"),
            Self::Plain => f.write_str("one datagram without control messages"),
            Self::Source => f.write_str("one datagram with its source alone"),
            Self::Connected => f.write_str("one datagram on a connected socket"),
            Self::Batch(count) => write!(f, "batches of {count}"),
            Self::Segments(count, size) => write!(f, "{count} segments of {size} bytes"),
        }
    }
}

/// Medians of the nanoseconds that each peer takes for a datagram; `None` for those that do no such work. The peers'
/// rounds alternate: on a busy machine the times wander, and their ratios do not.
pub fn compare(peers: &mut [Box<dyn Peer>], work: Work, rounds: usize, datagrams: usize) -> Vec<Option<f64>> {
    let count = (datagrams / work.datagrams()).max(1);
    let mut times = vec![Vec::new(); peers.len()];
    // One round more, which warms up and does not count.
    for round in 0..=rounds {
        for (peer, times) in peers.iter_mut().zip(&mut times) {
            if peer.can(work) {
                let time = peer.time(work, count) / work.datagrams() as f64;
                if round > 0 {
                    times.push(time);
                }
            }
        }
    }
    times.into_iter().map(median).collect()
}

/// Nanoseconds of one piece of work, of so many.
pub fn time(count: usize, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..count).for_each(|_| work());
    start.elapsed().as_nanos() as f64 / count as f64
}

pub fn median(mut times: Vec<f64>) -> Option<f64> {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}
