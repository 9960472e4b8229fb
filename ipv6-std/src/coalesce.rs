//! The coalescing state of one socket: what is enabled, and what the system and the device accept.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicUsize, Ordering};

use ipv6_sys::batch::Coalesce;

use crate::error::is_too_long;

/// Bytes of UDP payload that fit in one packet on every path (RFC 8200 section 5: 1,280 bytes, less two headers).
const SURE_SIZE: usize = 1280 - 40 - 8;
/// Most segments in Linux 6.9 and later (`UDP_MAX_SEGMENTS` in `include/linux/udp.h`), and in earlier versions.
const SEGMENTS: [u16; 2] = [128, 64];

/// Longest message to coalesce before any refusal: any.
const ANY_SIZE: u16 = u16::MAX;

/// Any thread may read and change it. A race sends at most a few messages singly.
#[derive(Debug)]
pub(crate) struct Coalescing {
    /// Whether the socket can send segments.
    able: bool,
    /// Whether sent batches are coalesced.
    send: AtomicBool,
    /// Whether the socket coalesces received datagrams.
    receive: AtomicBool,
    max_segments: AtomicU16,
    /// Longest message to coalesce, in bytes.
    max_size: AtomicU16,
    refused: AtomicU32,
    /// Identifies the wrapper within this program.
    id: usize,
}

static NEXT_ID: AtomicUsize = AtomicUsize::new(1);

impl Coalescing {
    /// The state of a socket that has receive coalescing enabled or not; `None`: it cannot coalesce.
    pub(crate) fn new(receives: Option<bool>) -> Self {
        let able = receives.is_some();
        Self {
            able,
            send: AtomicBool::new(able),
            receive: AtomicBool::new(receives.unwrap_or(false)),
            max_segments: AtomicU16::new(if able { SEGMENTS[0] } else { 1 }),
            max_size: AtomicU16::new(ANY_SIZE),
            refused: AtomicU32::new(0),
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
        }
    }

    pub(crate) fn id(&self) -> usize {
        self.id
    }

    pub(crate) fn is_able(&self) -> bool {
        self.able
    }

    /// Enables or disables it for sent batches. Enabling forgets refusals.
    pub(crate) fn set_send(&self, on: bool) {
        if on && self.able {
            self.max_segments.store(SEGMENTS[0], Ordering::Relaxed);
            self.max_size.store(ANY_SIZE, Ordering::Relaxed);
        }
        self.send.store(on && self.able, Ordering::Relaxed);
    }

    pub(crate) fn sends(&self) -> bool {
        self.send.load(Ordering::Relaxed)
    }

    pub(crate) fn set_receive(&self, on: bool) {
        self.receive.store(on, Ordering::Relaxed);
    }

    pub(crate) fn receives(&self) -> bool {
        self.receive.load(Ordering::Relaxed)
    }

    pub(crate) fn max_segments(&self) -> u16 {
        self.max_segments.load(Ordering::Relaxed)
    }

    pub(crate) fn refused(&self) -> u32 {
        self.refused.load(Ordering::Relaxed)
    }

    /// What a batch may coalesce.
    pub(crate) fn limits(&self) -> Coalesce {
        if self.sends() { self.accepted() } else { Coalesce::NONE }
    }

    /// What the system and the device accept, as far as known.
    pub(crate) fn accepted(&self) -> Coalesce {
        Coalesce::new(self.max_segments().into(), self.max_size.load(Ordering::Relaxed).into())
    }

    /// Lowers the limits to these, which worked after a refusal.
    #[cold]
    pub(crate) fn learn(&self, limits: Coalesce) {
        let narrow = |limit: usize| u16::try_from(limit).unwrap_or(u16::MAX);
        self.max_segments.fetch_min(narrow(limits.max_segments), Ordering::Relaxed);
        self.max_size.fetch_min(narrow(limits.max_size), Ordering::Relaxed);
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

/// The limits to try after `messages` messages of `size` bytes failed as one. `None`: coalescing did not cause the error.
/// The caller stores them only after they have worked, because the cause may be another one.
#[cold]
pub(crate) fn fewer(limits: Coalesce, error: &io::Error, messages: usize, size: usize) -> Option<Coalesce> {
    const EIO: i32 = 5;
    const EINVAL: i32 = 22;
    let (number, is_too_long) = (error.raw_os_error(), is_too_long(error));
    if messages < 2 || !(is_too_long || matches!(number, Some(EIO | EINVAL))) {
        return None;
    }
    // `EIO`: the device cannot split at all. Neither the number nor the size is the cause.
    if number != Some(EIO) {
        let mut known = SEGMENTS.into_iter().map(usize::from);
        if let Some(max_segments) = known.find(|fewer| *fewer < messages) {
            return Some(Coalesce::new(max_segments, limits.max_size));
        }
        // They may exceed the MTU of the device. Assume so once for an error that does not say it.
        let is_first = limits.max_size == usize::from(ANY_SIZE);
        if size > SURE_SIZE && (is_too_long || is_first) {
            return Some(Coalesce::new(limits.max_segments, size - 1));
        }
    }
    Some(Coalesce::new(1, limits.max_size))
}
