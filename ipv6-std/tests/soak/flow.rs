//! Flows of numbered datagrams, and the account of what arrived.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bytes before the filling: the flow, the number, the length of the datagram.
pub const HEAD: usize = 4 + 8 + 2;
/// Fits in one packet on every path (RFC 8200 section 5), so that no forged report of a path MTU makes fragments.
pub const LONGEST: usize = 1200;

/// How many datagrams of a flow may be on the way: those of all senders fit in a receive buffer.
const WINDOW: u64 = 16;
/// A flow that was not received for so long has lost its last datagrams, and goes on.
const STALLED: Duration = Duration::from_millis(200);

/// What one sender sends to one receiver.
#[derive(Default)]
pub struct Flow {
    pub sent: AtomicU64,
    /// One above the highest number that arrived.
    reached: AtomicU64,
    arrived: Mutex<Arrived>,
    /// Sends faster than the receiver receives.
    is_unlimited: bool,
    /// Several threads receive it, so the order in which they take their account is not that of the datagrams.
    is_shared: bool,
}

#[derive(Default)]
struct Arrived {
    count: u64,
    next: u64,
    /// Those above `next`, of a shared flow.
    ahead: BTreeSet<u64>,
}

impl Flow {
    pub fn new(is_unlimited: bool, is_shared: bool) -> Self {
        Self { is_unlimited, is_shared, ..Self::default() }
    }

    /// How many datagrams a sender that waits since then may send now; `None`: it waits for the receiver.
    pub fn room(&self, since: Instant) -> Option<usize> {
        let on_the_way =
            self.sent.load(Ordering::Relaxed).saturating_sub(self.reached.load(Ordering::Relaxed));
        match WINDOW.checked_sub(on_the_way) {
            Some(room) if room > 0 => Some(room as usize),
            _ => (self.is_unlimited || since.elapsed() > STALLED).then_some(WINDOW as usize),
        }
    }

    /// Takes account of a datagram. Panics if it came before, or out of order.
    pub fn arrived(&self, flow: usize, number: u64) {
        let mut arrived = self.arrived.lock().unwrap();
        arrived.count += 1;
        if self.is_shared {
            assert!(
                number >= arrived.next && arrived.ahead.insert(number),
                "flow {flow}: {number} came twice"
            );
            // What is missing for so long was lost. A thread that has received a datagram may wait long for a processor before it
            // comes here, and the flow goes on meanwhile.
            while arrived.ahead.len() > 16_384 {
                arrived.next = arrived.ahead.first().copied().unwrap_or_default();
                arrived.advance();
            }
            arrived.advance();
        } else {
            let next = arrived.next;
            assert!(number >= next, "flow {flow}: {number} came after {}", next.saturating_sub(1));
            arrived.next = number + 1;
        }
        self.reached.fetch_max(number + 1, Ordering::Relaxed);
    }

    pub fn count(&self) -> u64 {
        self.arrived.lock().unwrap().count
    }
}

impl Arrived {
    fn advance(&mut self) {
        while self.ahead.remove(&self.next) {
            self.next += 1;
        }
    }
}

/// Writes a datagram, and returns its length, which is at least [`HEAD`].
pub fn write(datagram: &mut [u8], flow: usize, number: u64) {
    let length = datagram.len() as u16;
    datagram[..4].copy_from_slice(&(flow as u32).to_be_bytes());
    datagram[4..12].copy_from_slice(&number.to_be_bytes());
    datagram[12..14].copy_from_slice(&length.to_be_bytes());
    let filling = filling(number);
    datagram[HEAD..].fill(filling);
}

/// Reads a datagram. Panics unless it is whole.
pub fn read(datagram: &[u8]) -> (usize, u64) {
    assert!(datagram.len() >= HEAD, "{} bytes: {datagram:?}", datagram.len());
    let flow = u32::from_be_bytes(datagram[..4].try_into().unwrap()) as usize;
    let number = u64::from_be_bytes(datagram[4..12].try_into().unwrap());
    let length = u16::from_be_bytes(datagram[12..14].try_into().unwrap());
    assert_eq!(usize::from(length), datagram.len(), "flow {flow}: {number} has another length");
    let filling = filling(number);
    assert!(datagram[HEAD..].iter().all(|byte| *byte == filling), "flow {flow}: {number} has other bytes");
    (flow, number)
}

fn filling(number: u64) -> u8 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0]
}

/// Pseudorandom numbers: xorshift (Marsaglia, Journal of Statistical Software 8, 2003).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    pub fn flip(&mut self) -> bool {
        self.below(2) == 0
    }
}
