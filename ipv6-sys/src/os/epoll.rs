//! `epoll(7)`, edge-triggered, for one socket.

use core::time::Duration;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

use super::events::Events;
use super::portable::in_steps;
use crate::error::Errno;
use crate::fd::{AsFd, BorrowedFd, OwnedFd};

#[derive(Debug)]
pub(crate) struct Epoll(OwnedFd);

impl Epoll {
    /// Observes these events, and always errors and hang-ups.
    pub(crate) fn new(socket: BorrowedFd<'_>, wanted: Events) -> Result<Self, Errno> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        // EPOLLERR and EPOLLHUP are always reported.
        let mut flags = EventFlags::ET;
        if wanted.contains(Events::READABLE) {
            flags |= EventFlags::IN | EventFlags::RDHUP;
        }
        if wanted.contains(Events::WRITABLE) {
            flags |= EventFlags::OUT;
        }
        epoll::add(&epoll, socket, EventData::new_u64(0), flags)?;
        Ok(Self(epoll))
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Result<Events, Errno> {
        // Whole milliseconds, rounded up: kernels before 5.11 have no other timeout.
        let whole = |timeout: Duration| {
            let milliseconds = timeout.as_nanos().div_ceil(1_000_000);
            u64::try_from(milliseconds).map_or(Duration::MAX, Duration::from_millis)
        };
        let mut events = [Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }];
        let count = in_steps(timeout.map(whole), |timeout| epoll::wait(&self.0, &mut events, timeout))?;
        let reported = events.iter().take(count).fold(EventFlags::empty(), |all, event| all | event.flags);
        let pairs = [
            (EventFlags::IN, Events::READABLE),
            (EventFlags::OUT, Events::WRITABLE),
            (EventFlags::ERR, Events::ERROR),
            (EventFlags::HUP, Events::HANG_UP),
            (EventFlags::RDHUP, Events::HANG_UP),
        ];
        let mut all = Events::empty();
        for (flag, event) in pairs {
            if reported.contains(flag) {
                all |= event;
            }
        }
        Ok(all)
    }
}
