//! Waiting for the first of several sockets.

use core::time::Duration;

use super::changes::Changes;
use crate::error::Errno;
use crate::fd::{AsFd, BorrowedFd};
use crate::os::{self, Events};

/// The maximum number of sockets for which [`any`] waits.
pub const MAX_SOCKETS: usize = 64;

/// What does not go away by receiving or sending a message.
const TROUBLE: Events = Events::ERROR.union(Events::HANG_UP);

/// A socket, what to wait for, and what [`any`] reported last.
#[derive(Debug)]
#[doc(alias = "pollfd")]
pub struct Waiting<'s> {
    socket: BorrowedFd<'s>,
    wanted: Events,
    events: Events,
    /// Observes a socket whose error or hang-up was reported twice in a row.
    changes: Option<Changes>,
    /// In a call of [`any`]: the state of an observed socket at the start.
    now: Events,
    /// In a call of [`any`]: what will observe the socket if the call succeeds.
    next: Option<Changes>,
}

impl<'s> Waiting<'s> {
    /// Waits for `wanted`: a [`Ready`](super::Ready), or several [`Events`]. [`Events::ERROR`] and [`Events::HANG_UP`] are
    /// reported in any case; to wait for nothing else, pass [`Events::ERROR`].
    pub fn new(socket: &'s (impl AsFd + ?Sized), wanted: impl Into<Events>) -> Self {
        let (events, now) = (Events::empty(), Events::empty());
        Self { socket: socket.as_fd(), wanted: wanted.into(), events, changes: None, now, next: None }
    }

    /// Replaces what to wait for.
    pub fn set_wanted(&mut self, wanted: impl Into<Events>) {
        let wanted = wanted.into();
        if self.wanted != wanted {
            // It observes the previous events.
            self.changes = None;
            self.wanted = wanted;
        }
    }

    /// What to wait for.
    #[must_use]
    pub fn wanted(&self) -> Events {
        self.wanted
    }

    /// What the last [`any`] reported about this socket. Empty: nothing.
    #[must_use]
    #[doc(alias = "revents")]
    pub fn events(&self) -> Events {
        self.events
    }

    /// Returns whether the last [`any`] reported something about this socket.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.events.is_empty()
    }

    /// Whether the error or hang-up of an observed socket is still there, so that only changes of it are waited for.
    fn stays(&self) -> bool {
        self.changes.is_some() && self.now.intersects(TROUBLE)
    }

    /// What was reported last. Of an observed socket: what can end a wait now, because its error and its hang-up were
    /// reported before.
    fn before(&self) -> Events {
        let awaited = self.now.difference(TROUBLE);
        match self.changes {
            None => self.events,
            Some(_) if awaited.is_empty() => awaited,
            Some(_) => self.now,
        }
    }

    /// Prepares to observe the socket if its error or hang-up stays. `ended` is what ended the wait.
    fn prepare(&mut self, ended: Events) -> Result<(), Errno> {
        self.next = None;
        if !self.stays() && self.before().intersects(TROUBLE) && ended.intersects(TROUBLE) {
            self.next = match Changes::of_events(self.socket, self.wanted) {
                Err(errno) if errno == os::NO_EPOLL => None,
                changes => Some(changes?),
            };
        }
        Ok(())
    }

    /// Takes over what ended the wait.
    fn report(&mut self, ended: Events) {
        let before = self.before();
        match &self.changes {
            Some(changes) if self.now.intersects(TROUBLE) => {
                self.events = before;
                if !ended.is_empty() {
                    // It does not wait, so no signal interrupts it (fs/eventpoll.c: `ep_poll`).
                    self.events |= changes.wait(Some(Duration::ZERO)).unwrap_or(Events::ERROR);
                }
            }
            _ => (self.events, self.changes) = (ended, self.next.take()),
        }
    }
}

/// Waits until one of the sockets is ready, at most for `timeout`. `None` waits without a limit. Returns how many are
/// ready; 0 after the timeout. [`Waiting::events`] has the events of each.
///
/// An error that stays in the error queue, or a hang-up, ends two calls in a row. After that, only a change ends a call: a
/// new error, or an event that is waited for. So a loop pauses although nobody takes the errors. Keep each `Waiting` from
/// one call to the next: it has what was reported before. If you take errors, take all when [`Events::ERROR`] is
/// reported. Systems other than Linux and Android have no error queue; a hang-up ends every call there.
///
/// A socket that is shut down for receiving is readable, and so ends every call that waits to receive: leave it out.
///
/// At most [`MAX_SOCKETS`] sockets. No allocator is used. The wait may end early, and return 0, if another thread was
/// faster to receive a message. Any descriptor can be waited for, such as a timer or [`Changes`]; on Windows, any socket.
///
/// ```
/// use core::time::Duration;
/// use ipv6_sys::message::{self, IoSlice, MessageFlags};
/// use ipv6_sys::socket;
/// use ipv6_sys::wait::{Events, Ready, Waiting, any};
///
/// let (one, two) = (socket::datagram()?, socket::datagram()?);
/// socket::bind(&two, &"[::1]:0".parse().unwrap())?;
/// let mut waiting = [Waiting::new(&one, Ready::Receive), Waiting::new(&two, Ready::Receive)];
/// assert_eq!(any(&mut waiting, Some(Duration::from_millis(1)))?, 0);
///
/// let address = socket::local_address(&two)?;
/// message::send(&one, &[IoSlice::new(b"hello")], &[], address.as_ref(), MessageFlags::empty())?;
/// assert_eq!(any(&mut waiting, None)?, 1);
/// assert_eq!(waiting.each_ref().map(Waiting::events), [Events::empty(), Events::READABLE]);
/// # Ok::<(), ipv6_sys::Error>(())
/// ```
///
/// # Errors
///
/// [`Errno::INTR`] if a signal arrived first. [`Errno::INVAL`] for no socket, or more than [`MAX_SOCKETS`]. `EMFILE`, among
/// others, if an error or a hang-up stays and there is no descriptor left to observe changes. An error changes no
/// [`Waiting`]: it has the events of the call before, and the next call that succeeds reports what this one found.
#[doc(alias = "poll", alias = "select")]
#[must_use = "the result says how many sockets are ready"]
pub fn any(sockets: &mut [Waiting<'_>], mut timeout: Option<Duration>) -> Result<usize, Errno> {
    if sockets.is_empty() || sockets.len() > MAX_SOCKETS {
        return Err(Errno::INVAL);
    }
    if sockets.iter().any(|waiting| waiting.changes.is_some()) {
        // A change that was reported before can be there still, such as the second of two datagrams.
        let all = sockets.iter().map(|waiting| (waiting.socket, waiting.wanted));
        let states = os::poll_each::<MAX_SOCKETS>(all, Some(Duration::ZERO))?;
        for (waiting, state) in sockets.iter_mut().zip(states) {
            waiting.now = state;
            if waiting.changes.is_some() && !waiting.before().is_empty() {
                timeout = Some(Duration::ZERO);
            }
        }
    }
    let polled = sockets.iter().map(|waiting| match &waiting.changes {
        Some(changes) if waiting.stays() => (changes.descriptor(), Events::READABLE),
        _ => (waiting.socket, waiting.wanted),
    });
    let states = os::poll_each::<MAX_SOCKETS>(polled, timeout)?;
    // All that can fail is before the first report: an error must not take a change with it.
    let prepared = sockets.iter_mut().zip(states).try_for_each(|(waiting, state)| waiting.prepare(state));
    if let Err(errno) = prepared {
        // The process may need the descriptors.
        sockets.iter_mut().for_each(|waiting| waiting.next = None);
        return Err(errno);
    }
    for (waiting, state) in sockets.iter_mut().zip(states) {
        waiting.report(state);
    }
    Ok(sockets.iter().filter(|waiting| waiting.is_ready()).count())
}
