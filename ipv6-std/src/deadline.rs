//! Deadlines: points in time after which a call gives up.

use std::io::{self, ErrorKind};
#[cfg(target_has_atomic = "64")]
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ipv6_sys::Errno;
use ipv6_sys::message::{Caller, MessageFlags};
use ipv6_sys::wait::{Ready, wait};
// MIPS and PowerPC with 32 bits have no such instructions.
#[cfg(not(target_has_atomic = "64"))]
use portable_atomic::AtomicU64;

use crate::fd::BorrowedFd;

/// How long a call waits before it looks whether the deadline was moved.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A deadline that any thread may read and change.
///
/// It is kept in nanoseconds from `epoch`, plus one: 0 is none.
#[derive(Debug)]
pub(crate) struct Deadline {
    epoch: Instant,
    nanoseconds: AtomicU64,
}

impl Deadline {
    pub(crate) fn none() -> Self {
        Self { epoch: Instant::now(), nanoseconds: AtomicU64::new(0) }
    }

    pub(crate) fn set(&self, deadline: Option<Instant>) {
        let nanoseconds = deadline.map_or(0, |deadline| {
            let after = deadline.saturating_duration_since(self.epoch).as_nanos();
            // Five centuries ahead is as good as any time after.
            u64::try_from(after).unwrap_or(u64::MAX - 1).saturating_add(1)
        });
        self.nanoseconds.store(nanoseconds, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        self.nanoseconds.load(Ordering::Relaxed) != 0
    }

    /// How long it is until then; `None` without a deadline.
    fn left(&self) -> Option<Duration> {
        let nanoseconds = self.nanoseconds.load(Ordering::Relaxed).checked_sub(1)?;
        // A clock that cannot count as far has no such time to reach.
        let deadline = self.epoch.checked_add(Duration::from_nanos(nanoseconds))?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// Who makes system calls on `socket` until then.
    #[inline]
    pub(crate) fn on<'a>(&'a self, socket: BorrowedFd<'a>, ready: Ready) -> Until<'a> {
        Until { deadline: self, socket, ready, flags: MessageFlags::empty(), failed: None, limited: false }
    }
}

/// Makes a system call, again when a signal interrupts it, and until the deadline when there is one.
///
/// Without a deadline it is one call, which waits where the socket does. With one, the call does not
/// wait; what waits is `poll`, only after the call has found nothing, and with an eye on the deadline,
/// which may be moved or taken away meanwhile.
pub(crate) struct Until<'a> {
    deadline: &'a Deadline,
    socket: BorrowedFd<'a>,
    ready: Ready,
    flags: MessageFlags,
    /// How a call has failed that was made before.
    failed: Option<Errno>,
    /// Whether there has been a deadline. The call goes on looking for one then, which a wait in the kernel could not.
    limited: bool,
}

impl Until<'_> {
    /// With these flags, too.
    #[inline]
    pub(crate) fn with(self, flags: MessageFlags) -> Self {
        Self { flags, ..self }
    }

    /// Goes on after a call that has failed, if there was one.
    pub(crate) fn after(self, failed: Option<Errno>) -> Self {
        Self { failed, ..self }
    }

    /// Waits after an error until the call can be made again; it stays an error if that is no use.
    fn wait_after(&self, errno: Errno) -> io::Result<()> {
        match errno {
            Errno::INTR => Ok(()),
            Errno::AGAIN if self.limited => {
                let left = self.deadline.left().unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN);
                match wait(self.socket, self.ready, Some(left)) {
                    // Ready, or time to look, which the next round does; or a signal.
                    Ok(_) | Err(Errno::INTR) => Ok(()),
                    Err(errno) => Err(errno.into()),
                }
            }
            errno => Err(errno.into()),
        }
    }
}

impl Caller for Until<'_> {
    type Error = io::Error;

    #[inline(always)]
    fn at_once(&self) -> Option<MessageFlags> {
        if self.failed.is_some() || self.deadline.is_set() { None } else { Some(self.flags) }
    }

    /// The deadline is read for each call, for it may have been moved or taken away.
    fn next(&mut self, failed: Option<Errno>) -> io::Result<MessageFlags> {
        if let Some(errno) = self.failed.take().or(failed) {
            self.wait_after(errno)?;
        }
        self.limited |= self.deadline.is_set();
        if !self.limited {
            return Ok(self.flags);
        }
        match self.deadline.left() {
            Some(Duration::ZERO) => Err(ErrorKind::TimedOut.into()),
            _ => Ok(self.flags | MessageFlags::DONT_WAIT),
        }
    }
}
