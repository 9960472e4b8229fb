//! What the paths to single destinations refuse.

use std::array;
use std::net::SocketAddrV6;

use crate::address;
use crate::atomic::{AtomicBool, AtomicU64, Ordering};

/// How many messages above its limit a destination gets, before they are sent as one again: the path may have changed.
/// A refusal costs two system calls, which is little beside that many.
pub(crate) const RETRY: u16 = 8192;
/// The most destinations that are remembered.
const SLOTS: usize = 16;

/// The limits of some destinations. They expire. Any thread may read and change them.
///
/// A destination takes the place of another one with the same slot. That one is refused once more.
#[derive(Debug)]
pub(crate) struct Paths {
    /// Whether a destination was ever remembered.
    any: AtomicBool,
    slots: [AtomicU64; SLOTS],
}

/// One slot. All zero: free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Path {
    /// A hash of the destination. Two destinations can share it: that costs time only.
    key: u32,
    /// The longest message that is sent as one with others.
    max_size: u16,
    /// How many longer ones are sent before the limit expires.
    left: u16,
}

impl Path {
    fn unpack(word: u64) -> Self {
        let [a, b, c, d, size @ .., e, f] = word.to_ne_bytes();
        let (key, left) = (u32::from_ne_bytes([a, b, c, d]), u16::from_ne_bytes([e, f]));
        Self { key, max_size: u16::from_ne_bytes(size), left }
    }

    fn pack(self) -> u64 {
        let ([a, b, c, d], [e, f], [g, h]) =
            (self.key.to_ne_bytes(), self.max_size.to_ne_bytes(), self.left.to_ne_bytes());
        u64::from_ne_bytes([a, b, c, d, e, f, g, h])
    }

    /// The key of a destination. `None`: the peer of a connected socket.
    fn key(to: Option<&SocketAddrV6>) -> u32 {
        // The port does not change the path.
        to.map_or(0, |to| (address::hash(to.ip(), to.scope_id().into()) >> 32) as u32)
    }
}

impl Paths {
    pub(crate) fn new() -> Self {
        Self { any: AtomicBool::new(false), slots: array::from_fn(|_| AtomicU64::new(0)) }
    }

    /// The size up to which messages to this destination may be sent as one. Counts `messages` of `size` bytes.
    #[inline(always)]
    pub(crate) fn max_size(&self, to: Option<&SocketAddrV6>, size: usize, messages: usize) -> usize {
        if self.any.load(Ordering::Relaxed) { self.look_up(to, size, messages) } else { usize::MAX }
    }

    #[inline(never)]
    fn look_up(&self, to: Option<&SocketAddrV6>, size: usize, messages: usize) -> usize {
        let key = Path::key(to);
        let Some(slot) = self.slots.get(key as usize % SLOTS) else { return usize::MAX };
        let word = slot.load(Ordering::Relaxed);
        let path = Path::unpack(word);
        if path.key != key || path.left == 0 {
            return usize::MAX;
        }
        let max_size = path.max_size.into();
        if size > max_size {
            let left = path.left.saturating_sub(messages.try_into().unwrap_or(u16::MAX));
            // If another thread has changed it, that thread counts.
            let new = Path { left, ..path }.pack();
            let _ = slot.compare_exchange(word, new, Ordering::Relaxed, Ordering::Relaxed);
        }
        max_size
    }

    /// Remembers a limit, until [`RETRY`] longer messages were sent.
    #[cold]
    pub(crate) fn learn(&self, to: Option<&SocketAddrV6>, max_size: usize) {
        let (key, max_size) = (Path::key(to), max_size.try_into().unwrap_or(u16::MAX));
        if let Some(slot) = self.slots.get(key as usize % SLOTS) {
            slot.swap(Path { key, max_size, left: RETRY }.pack(), Ordering::Relaxed);
            self.any.store(true, Ordering::Relaxed);
        }
    }

    /// Forgets the limit of one destination.
    pub(crate) fn forget(&self, to: Option<&SocketAddrV6>) {
        let key = Path::key(to);
        if let Some(slot) = self.slots.get(key as usize % SLOTS) {
            // Also if another thread counts meanwhile.
            let forget = |word| (Path::unpack(word).key == key).then_some(0);
            let _ = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, forget);
        }
    }

    /// Forgets all limits.
    pub(crate) fn clear(&self) {
        self.any.store(false, Ordering::Relaxed);
        for slot in &self.slots {
            slot.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(text: &str) -> SocketAddrV6 {
        text.parse().unwrap()
    }

    #[test]
    fn a_limit_concerns_one_destination_until_it_expires() {
        let (paths, a, b) = (Paths::new(), to("[2001:db8::1]:1"), to("[2001:db8::2]:1"));
        assert_eq!(paths.max_size(Some(&a), 1400, 1), usize::MAX);
        paths.learn(Some(&a), 1399);
        assert_eq!(paths.max_size(Some(&b), 1400, 1), usize::MAX);
        assert_eq!(paths.max_size(None, 1400, 1), usize::MAX);
        // Another port has the same path. Another scope has not.
        assert_eq!(paths.max_size(Some(&to("[2001:db8::1]:2")), 0, 1), 1399);
        assert_eq!(paths.max_size(Some(&to("[2001:db8::1%3]:1")), 0, 1), usize::MAX);
        // Messages within the limit do not count.
        for _ in 0..3 {
            assert_eq!(paths.max_size(Some(&a), 1399, usize::from(RETRY)), 1399);
        }
        for _ in 0..RETRY / 2 {
            assert_eq!(paths.max_size(Some(&a), 1400, 2), 1399);
        }
        assert_eq!(paths.max_size(Some(&a), 1400, 2), usize::MAX);
    }

    #[test]
    fn a_slot_keeps_the_latest_destination() {
        let paths = Paths::new();
        let many: Vec<_> = (1..200).map(|n| to(&format!("[2001:db8::{n:x}]:1"))).collect();
        for to in &many {
            paths.learn(Some(to), 1000);
            assert_eq!(paths.max_size(Some(to), 0, 1), 1000);
        }
        let known = many.iter().filter(|to| paths.max_size(Some(to), 0, 1) == 1000).count();
        // Consecutive addresses use all slots.
        assert_eq!(known, SLOTS);
        paths.clear();
        assert!(many.iter().all(|to| paths.max_size(Some(to), 0, 1) == usize::MAX));
    }

    #[test]
    fn one_destination_is_forgotten() {
        let (paths, a, b) = (Paths::new(), to("[2001:db8::1]:1"), to("[2001:db8::2]:1"));
        paths.learn(Some(&a), 1000);
        paths.learn(Some(&b), 1001);
        paths.learn(None, 1002);
        let known = || [Some(&a), Some(&b), None].map(|to| paths.max_size(to, 0, 1));
        assert_eq!(known(), [1000, 1001, 1002]);
        paths.forget(Some(&a));
        assert_eq!(known(), [usize::MAX, 1001, 1002]);
        // Of an unknown destination with the same slot, nothing.
        paths.forget(Some(&a));
        paths.forget(None);
        assert_eq!(known(), [usize::MAX, 1001, usize::MAX]);
    }
}
