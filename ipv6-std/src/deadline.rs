//! How long calls wait: deadlines (points in time) and timeouts (per call).

use std::fmt;
use std::io::{self, ErrorKind};
#[cfg(target_has_atomic = "64")]
use std::sync::atomic::AtomicU64;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use ipv6_sys::Errno;
use ipv6_sys::message::{Caller, MessageFlags};
use ipv6_sys::wait::{Ready, wait};
// 32-bit MIPS and PowerPC have no 64-bit atomic instructions.
#[cfg(not(target_has_atomic = "64"))]
use portable_atomic::AtomicU64;

use crate::error;
use crate::fd::BorrowedFd;

/// Longest single wait: a call checks at least this often whether its limit has changed.
const RECHECK: Duration = Duration::from_millis(100);

/// Bits of [`Limit::set`].
const DEADLINE: u8 = 1;
const TIMEOUT: u8 = 2;
/// Not a limit: a call was repeated, and its first error is still to be reported.
const LATE: u8 = 4;

/// How long the calls of one direction wait. Any thread may read and change it.
#[derive(Debug)]
pub(crate) struct Limit {
    ready: Ready,
    /// Which limits are set: one load tells the fast path that there are none.
    set: AtomicU8,
    epoch: Instant,
    /// Nanoseconds from `epoch`. Valid while `DEADLINE` is set.
    deadline: AtomicU64,
    /// Nanoseconds. Valid while `TIMEOUT` is set.
    timeout: AtomicU64,
}

impl Limit {
    /// No limit for calls that wait for this.
    pub(crate) fn none(ready: Ready) -> Self {
        let set = AtomicU8::new(0);
        Self { ready, set, epoch: Instant::now(), deadline: AtomicU64::new(0), timeout: AtomicU64::new(0) }
    }

    pub(crate) fn set_deadline(&self, deadline: Option<Instant>) {
        let after = deadline.map(|deadline| deadline.saturating_duration_since(self.epoch));
        self.store(DEADLINE, &self.deadline, after);
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        // `None` when the clock cannot represent it: then it is never reached.
        self.epoch.checked_add(self.load(DEADLINE, &self.deadline)?)
    }

    pub(crate) fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        if timeout == Some(Duration::ZERO) {
            return Err(error::invalid("a timeout of 0s: pass None to wait without limit"));
        }
        self.store(TIMEOUT, &self.timeout, timeout);
        Ok(())
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.load(TIMEOUT, &self.timeout)
    }

    fn store(&self, bit: u8, to: &AtomicU64, value: Option<Duration>) {
        match value {
            Some(value) => {
                // Saturates after 584 years.
                let nanoseconds = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
                to.store(nanoseconds, Ordering::Relaxed);
                self.set.fetch_or(bit, Ordering::Release);
            }
            None => {
                self.set.fetch_and(!bit, Ordering::Release);
            }
        }
    }

    fn load(&self, bit: u8, from: &AtomicU64) -> Option<Duration> {
        let is_set = self.set.load(Ordering::Acquire) & bit != 0;
        is_set.then(|| Duration::from_nanos(from.load(Ordering::Relaxed)))
    }

    /// Whether a call must look at this: a limit is set, or an error waits.
    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        self.set.load(Ordering::Relaxed) != 0
    }

    /// Whether there is a limit.
    fn limits(&self) -> bool {
        self.set.load(Ordering::Relaxed) & (DEADLINE | TIMEOUT) != 0
    }

    /// Keeps the news of an `EMSGSIZE` about an earlier datagram for the next call.
    #[cold]
    pub(crate) fn keep_late(&self) {
        self.set.fetch_or(LATE, Ordering::Relaxed);
    }

    /// Takes what [`keep_late`](Self::keep_late) kept, as an error. One call gets it.
    #[cold]
    pub(crate) fn take_late(&self) -> io::Result<()> {
        let kept = self.set.load(Ordering::Relaxed) & LATE != 0
            && self.set.fetch_and(!LATE, Ordering::Relaxed) & LATE != 0;
        if kept { Err(error::earlier()) } else { Ok(()) }
    }

    /// How long a call that started then may still wait, and the error once it is zero.
    fn left(&self, started: Instant, now: Instant) -> Option<(Duration, Passed)> {
        let deadline = self.deadline().map(|deadline| {
            let left = deadline.saturating_duration_since(now);
            (left, Passed { ready: self.ready, timeout: None })
        });
        let timeout = self.timeout().map(|timeout| {
            let left = timeout.saturating_sub(now.saturating_duration_since(started));
            (left, Passed { ready: self.ready, timeout: Some(timeout) })
        });
        match (deadline, timeout) {
            (Some(deadline), Some(timeout)) if timeout.0 < deadline.0 => Some(timeout),
            (deadline, timeout) => deadline.or(timeout),
        }
    }

    /// Makes the system calls of one method call on `socket`, within this limit.
    #[inline]
    pub(crate) fn on<'a>(&'a self, socket: BorrowedFd<'a>) -> Until<'a> {
        Until { limit: self, socket, flags: MessageFlags::empty(), failed: None, started: None }
    }
}

/// The error of a limit that has passed.
#[derive(Debug)]
struct Passed {
    ready: Ready,
    /// The timeout; `None`: the deadline.
    timeout: Option<Duration>,
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.ready, self.timeout) {
            (Ready::Receive, None) => f.write_str("the read deadline has passed"),
            (_, None) => f.write_str("the write deadline has passed"),
            (Ready::Receive, Some(timeout)) => write!(f, "no datagram within {timeout:?}"),
            (_, Some(timeout)) => write!(f, "no room in the send buffer within {timeout:?}"),
        }
    }
}

impl std::error::Error for Passed {}

/// Makes a system call; repeats it after a signal, and until the limit passes if there is one.
///
/// Without a limit this is one call, which waits if the socket is blocking. With a limit, the system call does not
/// wait. `poll` waits instead, only after the call has found nothing, and rechecks the limit, which may change
/// meanwhile.
pub(crate) struct Until<'a> {
    limit: &'a Limit,
    socket: BorrowedFd<'a>,
    flags: MessageFlags,
    /// The error of a call made before.
    failed: Option<Errno>,
    /// When the first call with a limit started. From then on calls do not wait in the kernel, even if the limit is
    /// removed: a limit that is set again must reach them.
    started: Option<Instant>,
}

impl Until<'_> {
    /// Adds flags to every call.
    #[inline]
    pub(crate) fn with(self, flags: MessageFlags) -> Self {
        Self { flags, ..self }
    }

    /// Continues after a call that has failed, if there was one.
    pub(crate) fn after(self, failed: Option<Errno>) -> Self {
        Self { failed, ..self }
    }

    /// Waits after an error until the call can be repeated. Returns the error if waiting does not help.
    fn wait_after(&self, errno: Errno) -> io::Result<()> {
        match (errno, self.started) {
            (Errno::INTR, _) => Ok(()),
            (Errno::AGAIN, Some(started)) => {
                let left = self.limit.left(started, Instant::now()).map_or(RECHECK, |(left, _)| left);
                match wait(self.socket, self.limit.ready, Some(left.min(RECHECK))) {
                    // Ready, or time to recheck: `next` does. Or a signal.
                    Ok(_) | Err(Errno::INTR) => Ok(()),
                    Err(errno) => Err(errno.into()),
                }
            }
            (errno, _) => Err(errno.into()),
        }
    }
}

impl Caller for Until<'_> {
    type Error = io::Error;

    #[inline(always)]
    fn at_once(&self) -> Option<MessageFlags> {
        if self.failed.is_some() || self.started.is_some() || self.limit.is_set() {
            None
        } else {
            Some(self.flags)
        }
    }

    /// Reads the limit for each call, because it may have changed.
    fn next(&mut self, failed: Option<Errno>) -> io::Result<MessageFlags> {
        if let Some(errno) = self.failed.take().or(failed) {
            self.wait_after(errno)?;
        }
        if self.started.is_none() && !self.limit.limits() {
            return Ok(self.flags);
        }
        let now = Instant::now();
        let started = *self.started.get_or_insert(now);
        match self.limit.left(started, now) {
            Some((Duration::ZERO, passed)) => Err(io::Error::new(ErrorKind::TimedOut, passed)),
            _ => Ok(self.flags | MessageFlags::DONT_WAIT),
        }
    }
}

/// One limit for several calls that belong together: the timeout counts from the first.
impl Caller for &mut Until<'_> {
    type Error = io::Error;

    #[inline(always)]
    fn at_once(&self) -> Option<MessageFlags> {
        (**self).at_once()
    }

    fn next(&mut self, failed: Option<Errno>) -> io::Result<MessageFlags> {
        (**self).next(failed)
    }
}
