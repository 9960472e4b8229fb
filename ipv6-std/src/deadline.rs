//! Deadlines: points in time after which a call gives up.

use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ipv6_sys::message::MessageFlags;
use ipv6_sys::wait::{Ready, wait};
use ipv6_sys::{Errno, retry};

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

    fn get(&self) -> Option<Instant> {
        let nanoseconds = self.nanoseconds.load(Ordering::Relaxed).checked_sub(1)?;
        // A clock that cannot count as far has no such time to reach.
        self.epoch.checked_add(Duration::from_nanos(nanoseconds))
    }

    /// Makes a system call on `socket`, again when a signal interrupts it, and until the deadline when
    /// there is one.
    ///
    /// Without a deadline it is one call, which waits where the socket does. With one, the call does not
    /// wait; what waits is `poll`, only after the call has found nothing, and with an eye on the deadline,
    /// which may be moved or taken away meanwhile.
    #[inline]
    pub(crate) fn call<T>(
        &self,
        socket: impl AsFd,
        ready: Ready,
        mut call: impl FnMut(MessageFlags) -> Result<T, Errno>,
    ) -> io::Result<T> {
        if self.get().is_none() {
            return Ok(retry(|| call(MessageFlags::empty()))?);
        }
        loop {
            let left = self.get().map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let left = left.unwrap_or(LOOK_AGAIN);
            if left.is_zero() {
                return Err(io::Error::new(ErrorKind::TimedOut, "the deadline has passed"));
            }
            match call(MessageFlags::DONT_WAIT) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => match wait(&socket, ready, Some(left.min(LOOK_AGAIN))) {
                    // Ready, or time to look, which the next round does; or a signal.
                    Ok(_) | Err(Errno::INTR) => {}
                    Err(errno) => return Err(errno.into()),
                },
                answer => return Ok(answer?),
            }
        }
    }
}
