//! The coalescing state of one socket: what is enabled, and what the system and the paths accept.

use std::io;
use std::net::SocketAddrV6;
use std::sync::atomic::AtomicUsize;

use ipv6_sys::Errno;
use ipv6_sys::batch::Coalesce;

use crate::atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering};
use crate::error::{EIO, is_too_long};
use crate::paths::Paths;

/// Bytes of UDP payload that fit in one packet on every path (RFC 8200 section 5: 1,280 bytes, less two headers).
pub(crate) const SURE_SIZE: usize = 1280 - 40 - 8;
/// Most segments in Linux 6.9 and later (`UDP_MAX_SEGMENTS` in `include/linux/udp.h`).
const SEGMENTS: u16 = 128;
/// Most segments in earlier versions.
const OLD_SEGMENTS: u16 = 64;
/// Most bytes that Linux sends as one: 65,535 less the headers of IPv6 and UDP.
pub(crate) const MAX_BYTES: usize = 65_535 - 40 - 8;

const EINVAL: i32 = Errno::INVAL.raw();

/// Any thread may read and change it. A race sends at most a few messages singly.
#[derive(Debug)]
pub(crate) struct Coalescing {
    /// Whether the socket can send segments.
    able: bool,
    /// Whether sent batches are coalesced.
    send: AtomicBool,
    /// Whether the socket coalesces received datagrams.
    receive: AtomicBool,
    /// What the system accepts on this socket, to any destination.
    max_segments: AtomicU16,
    paths: Paths,
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
            max_segments: AtomicU16::new(if able { SEGMENTS } else { 1 }),
            paths: Paths::new(),
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
            self.max_segments.store(SEGMENTS, Ordering::Relaxed);
            self.paths.clear();
        }
        self.send.store(on && self.able, Ordering::Relaxed);
    }

    pub(crate) fn sends(&self) -> bool {
        self.send.load(Ordering::Relaxed)
    }

    pub(crate) fn set_receive(&self, on: bool) {
        self.receive.store(on, Ordering::Release);
    }

    pub(crate) fn receives(&self) -> bool {
        self.receive.load(Ordering::Acquire)
    }

    pub(crate) fn max_segments(&self) -> u16 {
        self.max_segments.load(Ordering::Relaxed)
    }

    pub(crate) fn refused(&self) -> u32 {
        self.refused.load(Ordering::Relaxed)
    }

    /// What a batch may coalesce, if the paths accept it.
    pub(crate) fn limits(&self) -> Coalesce {
        if self.sends() { Coalesce::new(self.max_segments().into(), usize::MAX) } else { Coalesce::NONE }
    }

    /// The size up to which messages to this destination may be coalesced. Counts `messages` of `size` bytes.
    #[inline(always)]
    pub(crate) fn max_size(&self, to: Option<&SocketAddrV6>, size: usize, messages: usize) -> usize {
        self.paths.max_size(to, size, messages)
    }

    /// Forgets what the path to the peer of a connected socket accepts: it has another peer now.
    pub(crate) fn forget_peer(&self) {
        self.paths.forget(None);
    }

    /// Remembers limits that worked for messages of `size` bytes after a refusal. `is_unable`: the socket cannot send
    /// segments to any destination.
    #[cold]
    pub(crate) fn learn(&self, limits: Coalesce, to: Option<&SocketAddrV6>, size: usize, is_unable: bool) {
        if is_unable {
            self.max_segments.fetch_min(1, Ordering::Relaxed);
        } else if size > limits.max_size {
            // Fewer segments were refused too, so their number was not the cause.
            self.paths.learn(to, limits.max_size);
        } else {
            let max_segments = limits.max_segments.try_into().unwrap_or(u16::MAX);
            self.max_segments.fetch_min(max_segments, Ordering::Relaxed);
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether the result of a call may not be about its own messages, or not about each of them by itself: `messages` were
/// sent as one.
///
/// - `EMSGSIZE` may be about an earlier datagram. Linux returns the network's report from the next call (`sk_err`).
/// - `EIO`: the device cannot split.
/// - `EINVAL`: more segments than the system accepts, segments above the path MTU (older Linux), a socket with
///   `UDP_NO_CHECK6_TX`, and other causes.
#[cold]
pub(crate) fn is_doubtful(error: &io::Error, messages: usize) -> bool {
    is_too_long(error) || (messages > 1 && matches!(error.raw_os_error(), Some(EIO | EINVAL)))
}

/// The limits to try after `messages` messages of `size` bytes were refused as one, twice. `None`: coalescing is not the
/// cause. The caller learns them only after they have worked, because the cause may be another one.
#[cold]
pub(crate) fn fewer(limits: Coalesce, error: &io::Error, messages: usize, size: usize) -> Option<Coalesce> {
    let old = usize::from(OLD_SEGMENTS);
    let max_size = match error.raw_os_error()? {
        _ if messages < 2 => return None,
        EINVAL if messages > old => return Some(Coalesce::new(old, limits.max_size)),
        // Shorter messages may fit into the packets of the path.
        EINVAL if size > SURE_SIZE => size - 1,
        EINVAL | EIO => 0,
        number if number == Errno::MSGSIZE.raw() => size - 1,
        _ => return None,
    };
    Some(Coalesce::new(limits.max_segments, max_size))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MSGSIZE: i32 = Errno::MSGSIZE.raw();

    #[test]
    fn each_refusal_lowers_the_limit_that_caused_it() {
        let all = Coalesce::new(128, usize::MAX);
        let after = |errno, messages, size| {
            fewer(all, &io::Error::from_raw_os_error(errno), messages, size)
                .map(|limits| (limits.max_segments, limits.max_size))
        };
        // Linux before 6.9.
        assert_eq!(after(EINVAL, 65, 100), Some((64, usize::MAX)));
        assert_eq!(after(EINVAL, 64, 1233), Some((128, 1232)));
        // The packets of every path hold these, so the path is not the cause.
        assert_eq!(after(EINVAL, 64, 1232), Some((128, 0)));
        assert_eq!(after(EIO, 2, 1400), Some((128, 0)));
        assert_eq!(after(MSGSIZE, 2, 1400), Some((128, 1399)));
        // A single message, and an error that has nothing to do with coalescing.
        assert_eq!(after(EINVAL, 1, 1400), None);
        assert_eq!(after(1, 2, 1400), None);
    }

    #[test]
    fn an_error_of_a_single_message_is_doubtful_only_if_it_is_too_long() {
        let is = |errno, messages| is_doubtful(&io::Error::from_raw_os_error(errno), messages);
        assert_eq!([EIO, EINVAL, MSGSIZE, 1].map(|errno| is(errno, 1)), [false, false, true, false]);
        assert_eq!([EIO, EINVAL, MSGSIZE, 1].map(|errno| is(errno, 2)), [true, true, true, false]);
    }

    #[test]
    fn limits_are_learned_for_the_destination_or_for_the_socket() {
        let state = Coalescing::new(Some(false));
        let to = "[2001:db8::1]:1".parse().unwrap();
        let known = |to: Option<&SocketAddrV6>| (state.max_segments(), state.max_size(to, 1400, 0));
        // As many messages of the longest size were accepted, so the system has a lower maximum.
        state.learn(Coalesce::new(64, 1400), Some(&to), 1400, false);
        assert_eq!(known(Some(&to)), (64, usize::MAX));
        state.learn(Coalesce::new(64, 1399), Some(&to), 1400, false);
        state.learn(Coalesce::new(64, 1398), None, 1400, false);
        assert_eq!((known(Some(&to)), known(None)), ((64, 1399), (64, 1398)));
        // The socket has another peer.
        state.forget_peer();
        assert_eq!((known(Some(&to)), known(None)), ((64, 1399), (64, usize::MAX)));
        state.learn(Coalesce::new(64, 0), None, 1400, true);
        assert_eq!((known(None), state.refused()), ((1, usize::MAX), 4));
        state.set_send(true);
        assert_eq!(known(Some(&to)), (128, usize::MAX));
    }
}
