//! How long calls wait: deadlines (points in time) and timeouts (per call).

use std::fmt;
use std::io::{self, ErrorKind};
use std::thread;
use std::time::{Duration, Instant};

use ipv6_sys::message::{Caller, MessageFlags};
use ipv6_sys::socket;
use ipv6_sys::wait::{Changes, Events, Ready, wait};
use ipv6_sys::{Errno, IS_LINUX};

use crate::atomic::{AtomicI32, AtomicU8, AtomicU64, Ordering};
use crate::error;
use crate::fd::BorrowedFd;

/// How long a call waits at most before it checks whether its limit has changed, and after how many such waits the system
/// call is repeated: a path MTU message wakes nobody. This is at most twelve system calls per second.
const BY_STATE: (Duration, usize) = (Duration::from_millis(100), 5);
/// The same for [`By::Changes`], which needs some calls to start.
const BY_CHANGES: (Duration, usize) = (Duration::from_millis(250), 2);
/// How often the awaited event may wake a call in vain, because another thread was faster. After that, only changes do.
const IN_VAIN: u8 = 3;

/// Bits of [`Limit::set`].
const DEADLINE: u8 = 1;
const TIMEOUT: u8 = 2;
/// Not a limit: a call was repeated, and its first error, in `late`, is still to be reported.
const LATE: u8 = 4;
/// Not a limit: the peer of the connected socket is IPv4-mapped, so what is sent to it leaves the fast path.
const MAPPED_PEER: u8 = 8;
/// Not a limit: a dual-stack socket without a peer, or an IPv6-only socket without a port, which can still become a
/// dual-stack socket. Another value of the socket may have connected it since then, so a send without a destination reads
/// the peer. Single sends with a destination ignore this bit.
const UNKNOWN_PEER: u8 = 16;
/// Not a limit: the kernel leaves out messages of what the socket sends, which are refused instead. What is sent leaves
/// the fast path.
const LEAVES_OUT: u8 = 32;

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
    /// A number of the system. Zero: no error, or another call takes it.
    late: AtomicI32,
}

impl Limit {
    /// No limit for calls that wait for this.
    pub(crate) fn none(ready: Ready) -> Self {
        Self {
            ready,
            set: AtomicU8::new(0),
            epoch: Instant::now(),
            deadline: AtomicU64::new(0),
            timeout: AtomicU64::new(0),
            late: AtomicI32::new(0),
        }
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

    /// Sets whether the peer of the socket is IPv4-mapped; `None`: not known yet.
    pub(crate) fn set_mapped_peer(&self, is_mapped: Option<bool>) {
        let bits = match is_mapped {
            None => UNKNOWN_PEER,
            Some(true) => MAPPED_PEER,
            Some(false) => 0,
        };
        // In one step: between two steps, another thread could clear the bit that the first has set.
        let with_bits = |set: u8| Some(set & !(MAPPED_PEER | UNKNOWN_PEER) | bits);
        let _ = self.set.fetch_update(Ordering::Relaxed, Ordering::Relaxed, with_bits);
    }

    /// Whether the peer of the socket must be read before what is sent to it.
    pub(crate) fn peer_is_unknown(&self) -> bool {
        self.set.load(Ordering::Relaxed) & UNKNOWN_PEER != 0
    }

    /// Sets that the kernel leaves out messages: see `packet/left_out.rs`.
    pub(crate) fn set_leaves_out(&self) {
        self.set.fetch_or(LEAVES_OUT, Ordering::Relaxed);
    }

    /// Whether the kernel leaves out messages.
    pub(crate) fn leaves_out(&self) -> bool {
        self.set.load(Ordering::Relaxed) & LEAVES_OUT != 0
    }

    /// Whether the peer of the socket is IPv4-mapped.
    pub(crate) fn peer_is_mapped(&self) -> bool {
        self.set.load(Ordering::Relaxed) & MAPPED_PEER != 0
    }

    /// Whether a call must look at this: a limit is set, an error waits, or the peer is IPv4-mapped.
    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        self.set.load(Ordering::Relaxed) & !UNKNOWN_PEER != 0
    }

    /// The same for a send to the peer of the socket, which may also be unknown.
    #[inline]
    pub(crate) fn is_set_for_peer(&self) -> bool {
        self.set.load(Ordering::Relaxed) != 0
    }

    /// Whether there is a limit.
    fn limits(&self) -> bool {
        self.set.load(Ordering::Relaxed) & (DEADLINE | TIMEOUT) != 0
    }

    /// Keeps an error about an earlier datagram for the next call. Of several, the last is kept.
    #[cold]
    pub(crate) fn keep_late(&self, error: Errno) {
        self.late.store(error.raw(), Ordering::Relaxed);
        self.set.fetch_or(LATE, Ordering::Release);
    }

    /// Takes what [`keep_late`](Self::keep_late) kept, as an error. One call gets it.
    #[cold]
    pub(crate) fn take_late(&self) -> io::Result<()> {
        if self.set.load(Ordering::Relaxed) & LATE == 0 {
            return Ok(());
        }
        self.set.fetch_and(!LATE, Ordering::Acquire);
        match self.late.swap(0, Ordering::Relaxed) {
            // Another call has taken it since.
            0 => Ok(()),
            late => Err(error::earlier(Errno::from_raw(late))),
        }
    }

    /// How long a call that started then may still wait, and the error once it is zero.
    fn left(&self, started: Instant, now: Instant) -> Option<(Duration, Passed)> {
        let deadline = self.deadline().map(|deadline| {
            let left = deadline.saturating_duration_since(now);
            (left, Passed { ready: self.ready, timeout: None, has_errors: false })
        });
        let timeout = self.timeout().map(|timeout| {
            let left = timeout.saturating_sub(now.saturating_duration_since(started));
            (left, Passed { ready: self.ready, timeout: Some(timeout), has_errors: false })
        });
        match (deadline, timeout) {
            (Some(deadline), Some(timeout)) if timeout.0 < deadline.0 => Some(timeout),
            (deadline, timeout) => deadline.or(timeout),
        }
    }

    /// Makes the system calls of one method call on `socket`, within this limit.
    #[inline]
    pub(crate) fn on<'a>(&'a self, socket: BorrowedFd<'a>) -> Until<'a> {
        let (flags, by) = (MessageFlags::empty(), By::State { in_vain: 0 });
        Until {
            limit: self,
            socket,
            flags,
            failed: None,
            started: None,
            by,
            seen: Events::empty(),
            may_wait: false,
        }
    }
}

/// The error of a limit that has passed.
#[derive(Debug)]
struct Passed {
    ready: Ready,
    /// The timeout; `None`: the deadline.
    timeout: Option<Duration>,
    /// Whether an error waited in the error queue meanwhile.
    has_errors: bool,
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.ready, self.timeout) {
            (Ready::Receive, None) => f.write_str("the read deadline has passed"),
            (_, None) => f.write_str("the write deadline has passed"),
            (Ready::Receive, Some(timeout)) => write!(f, "no datagram within {timeout:?}"),
            (_, Some(timeout)) => write!(f, "no room in the send buffer within {timeout:?}"),
        }?;
        if self.has_errors {
            f.write_str("; the error queue is not empty, and takes room from datagrams: see drain_errors")?;
        }
        Ok(())
    }
}

impl std::error::Error for Passed {}

/// How a call waits.
enum By {
    /// For the awaited event, in `poll`, which also ends at once for an error in the error queue.
    State { in_vain: u8 },
    /// For changes: something ended the wait in `poll` that a repeated call did not take away.
    Changes(Changes),
    /// In slices, where the system cannot report changes.
    Clock,
}

/// Makes a system call; repeats it after a signal, and until the limit passes if there is one.
///
/// Without a limit this is one call, which waits if the socket is blocking. With a limit, the system call does not
/// wait. `poll` waits instead, only after the call has found nothing, and rechecks the limit, which may change
/// meanwhile. On a non-blocking socket it never waits: an event loop must not stop because of a limit.
pub(crate) struct Until<'a> {
    limit: &'a Limit,
    socket: BorrowedFd<'a>,
    flags: MessageFlags,
    /// The error of a call made before.
    failed: Option<Errno>,
    /// When the first call with a limit started. From then on calls do not wait in the kernel, even if the limit is
    /// removed: a limit that is set again must reach them.
    started: Option<Instant>,
    by: By,
    /// What ended the latest wait.
    seen: Events,
    /// Whether the socket was found to be blocking: a call on a non-blocking one must not wait.
    may_wait: bool,
}

impl Until<'_> {
    /// Adds flags to every call. With [`MessageFlags::DONT_WAIT`] it never waits, whatever the limit is.
    #[inline]
    pub(crate) fn with(self, flags: MessageFlags) -> Self {
        Self { flags, ..self }
    }

    #[inline]
    fn never_waits(&self) -> bool {
        self.flags.contains(MessageFlags::DONT_WAIT)
    }

    /// Continues after a call that has failed, if there was one.
    pub(crate) fn after(self, failed: Option<Errno>) -> Self {
        Self { failed, ..self }
    }

    /// Waits after an error until the call can be repeated. Returns the error if waiting does not help.
    fn wait_after(&mut self, errno: Errno) -> io::Result<()> {
        match (errno, self.started) {
            (Errno::INTR, _) => Ok(()),
            (Errno::AGAIN, _) if self.lacks_port() => Err(error::no_port(errno.into())),
            (Errno::AGAIN, Some(started)) => {
                // Seen before the call that has failed: there are no datagrams left.
                if self.limit.ready == Ready::Receive && self.seen.contains(Events::HANG_UP) {
                    return Err(error::shut_down());
                }
                if !self.may_wait && socket::is_nonblocking(self.socket)? {
                    return Err(errno.into());
                }
                self.may_wait = true;
                self.wait(started)
            }
            (errno, _) => Err(errno.into()),
        }
    }

    /// Whether a send failed because the system has no free port for the socket: Linux answers `EAGAIN` then, and `poll`
    /// reports that it can send (`inet_autobind` in net/ipv4/af_inet.c).
    fn lacks_port(&self) -> bool {
        let may = IS_LINUX && self.limit.ready == Ready::Send;
        let is_full = self.started.is_some() && !self.seen.contains(Events::WRITABLE);
        let address = || socket::local_address(self.socket).ok().flatten();
        may && !is_full && address().is_some_and(|address| address.port() == 0)
    }

    /// Waits until repeating the call may help.
    fn wait(&mut self, started: Instant) -> io::Result<()> {
        let (longest, waits) = match self.by {
            By::State { .. } => BY_STATE,
            By::Changes(_) | By::Clock => BY_CHANGES,
        };
        for _ in 0..waits {
            let left =
                self.limit.left(started, Instant::now()).map_or(longest, |(left, _)| left.min(longest));
            let ended = match &self.by {
                By::State { .. } => wait(self.socket, self.limit.ready, Some(left)),
                By::Changes(changes) => changes.wait(Some(left)),
                By::Clock => {
                    thread::sleep(left);
                    return Ok(());
                }
            };
            match ended {
                // Time to recheck, which `next` does once the limit may have passed.
                Ok(events) if events.is_empty() && left == longest => {}
                Ok(events) => return self.note(events),
                Err(Errno::INTR) => return Ok(()),
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// Decides how the next wait is made. A state that ends a wait and stays would end all others at once.
    fn note(&mut self, events: Events) -> io::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        self.seen = events;
        let By::State { in_vain } = &mut self.by else { return Ok(()) };
        *in_vain += 1;
        if *in_vain >= IN_VAIN || !events.contains(self.limit.ready.event()) {
            self.by = Changes::of(self.socket, self.limit.ready).map_or(By::Clock, By::Changes);
        }
        Ok(())
    }
}

impl Caller for Until<'_> {
    type Error = io::Error;

    #[inline(always)]
    fn at_once(&self) -> Option<MessageFlags> {
        if self.failed.is_some() || self.started.is_some() || (self.limit.is_set() && !self.never_waits()) {
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
        if self.never_waits() || (self.started.is_none() && !self.limit.limits()) {
            return Ok(self.flags);
        }
        let now = Instant::now();
        let started = *self.started.get_or_insert(now);
        match self.limit.left(started, now) {
            Some((Duration::ZERO, passed)) => {
                let passed = Passed { has_errors: self.seen.contains(Events::ERROR), ..passed };
                Err(io::Error::new(ErrorKind::TimedOut, passed))
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A change, and what [`is_set`] returns after it.
    type Change = (fn(&Limit), [bool; 3]);

    /// Whether a call must look at the limit, a send to the peer must, and there is a limit.
    fn is_set(limit: &Limit) -> [bool; 3] {
        [limit.is_set(), limit.is_set_for_peer(), limit.limits()]
    }

    #[test]
    fn each_bit_is_set_by_itself() {
        let fresh = || Limit::none(Ready::Send);
        assert_eq!(is_set(&fresh()), [false; 3]);
        let changes: [Change; 6] = [
            (|limit| limit.set_deadline(Some(Instant::now())), [true; 3]),
            (|limit| limit.set_timeout(Some(SECOND)).unwrap(), [true; 3]),
            (|limit| limit.keep_late(Errno::MSGSIZE), [true, true, false]),
            (|limit| limit.set_mapped_peer(Some(true)), [true, true, false]),
            (|limit| limit.set_mapped_peer(None), [false, true, false]),
            (|limit| limit.set_leaves_out(), [true, true, false]),
        ];
        for (at, (change, expected)) in changes.into_iter().enumerate() {
            let limit = fresh();
            change(&limit);
            assert_eq!(is_set(&limit), expected, "{at}");
            let others = [
                limit.deadline().is_some(),
                limit.timeout().is_some(),
                limit.take_late().is_err(),
                limit.peer_is_mapped(),
                limit.peer_is_unknown(),
                limit.leaves_out(),
            ];
            assert_eq!(others, std::array::from_fn(|other| other == at), "{at}");
        }
    }

    #[test]
    fn a_change_of_one_bit_keeps_the_others() {
        let limit = Limit::none(Ready::Send);
        limit.set_timeout(Some(SECOND)).unwrap();
        limit.set_leaves_out();
        for (is_mapped, mapped, unknown) in
            [(None, false, true), (Some(true), true, false), (Some(false), false, false)]
        {
            for before in [None, Some(true), Some(false), is_mapped] {
                limit.set_mapped_peer(before);
                limit.set_mapped_peer(is_mapped);
                assert_eq!((limit.peer_is_mapped(), limit.peer_is_unknown()), (mapped, unknown));
                assert_eq!((limit.timeout(), limit.leaves_out()), (Some(SECOND), true));
            }
        }
        limit.set_mapped_peer(None);
        limit.keep_late(Errno::MSGSIZE);
        limit.take_late().unwrap_err();
        limit.take_late().unwrap();
        limit.set_timeout(None).unwrap();
        assert!(limit.peer_is_unknown() && limit.leaves_out());
        assert_eq!(is_set(&limit), [true, true, false]);
    }

    #[test]
    fn the_earlier_limit_passes_and_the_deadline_before_an_equal_timeout() {
        let limit = Limit::none(Ready::Send);
        let started = limit.epoch;
        limit.set_timeout(Some(SECOND)).unwrap();
        for (deadline, left, timeout) in [(1, 1, None), (2, 1, Some(SECOND)), (0, 0, None)] {
            limit.set_deadline(started.checked_add(SECOND * deadline));
            let passes = limit.left(started, started).map(|(left, passed)| (left, passed.timeout));
            assert_eq!(passes, Some((SECOND * left, timeout)));
        }
    }
}
