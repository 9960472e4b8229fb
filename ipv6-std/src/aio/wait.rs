//! How calls wait: in the event loop, and what is done where the loop alone would lose an event or never pause.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::mem;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ipv6_sys::retry;
use ipv6_sys::wait::{Changes, Events, Ready, wait};

use super::event_loop::{EventLoop, PollEventLoop, Watch};
use crate::error;
use crate::fd::AsFd;

/// How many times a send may return `WouldBlock` before the loop counts as waking for a state that has passed.
const IN_VAIN: u8 = 4;

pub(super) fn would_block<T>(result: &io::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// The attempts of one call.
struct Attempts {
    ready: Ready,
    /// How many returned `WouldBlock`.
    vain: u8,
    /// Whether there is another way to wait.
    can_watch: bool,
}

impl Attempts {
    fn new(ready: Ready) -> Self {
        Self { ready, vain: 0, can_watch: true }
    }

    /// Makes the call. `None`: the loop wakes for a state that stays and that the call does not take away; wait for
    /// changes instead, or let other tasks run if this is not possible.
    #[inline(always)]
    fn make<R>(
        &mut self,
        socket: &impl AsFd,
        mut call: impl FnMut() -> io::Result<R>,
    ) -> io::Result<Option<R>> {
        call().map(Some).or_else(|error| self.after(socket, error, call))
    }

    /// Decides what follows an error.
    #[cold]
    fn after<R>(
        &mut self,
        socket: &impl AsFd,
        error: io::Error,
        call: impl FnMut() -> io::Result<R>,
    ) -> io::Result<Option<R>> {
        if error.kind() == ErrorKind::WouldBlock { self.failed(socket, error, call) } else { Err(error) }
    }

    /// The first `WouldBlock` is normal. After another one, the state of the socket shows why the loop has woken the task.
    #[cold]
    fn failed<R>(
        &mut self,
        socket: &impl AsFd,
        error: io::Error,
        mut call: impl FnMut() -> io::Result<R>,
    ) -> io::Result<Option<R>> {
        self.vain = self.vain.saturating_add(1);
        if self.vain == 1 {
            return Err(error);
        }
        let events = retry(|| wait(socket.as_fd(), self.ready, Some(Duration::ZERO)))?;
        // Linux answers `EAGAIN` to a non-blocking receive after a shutdown.
        if self.ready == Ready::Receive && events.contains(Events::HANG_UP) {
            // Made after the hang-up was seen: a datagram may have arrived before it.
            let result = call();
            return if would_block(&result) { Err(error::shut_down()) } else { result.map(Some) };
        }
        let stays = !events.is_empty() && !events.contains(self.ready.event());
        // tokio takes an error for the end of the write side, and remembers it. A receive that finds nothing again and again
        // has faster neighbours.
        let is_remembered = self.ready == Ready::Send && self.vain >= IN_VAIN;
        if !self.can_watch && is_remembered {
            self.vain = 1;
            return Ok(None);
        }
        if self.can_watch && (stays || is_remembered) { Ok(None) } else { Err(error) }
    }
}

/// Makes a call in the event loop until it does not return `WouldBlock`.
#[inline]
pub(super) async fn io<S: EventLoop, R: Send>(
    socket: &S,
    ready: Ready,
    mut call: impl FnMut() -> io::Result<R> + Send,
) -> io::Result<R> {
    let (mut attempts, mut received) = (Attempts::new(ready), None);
    loop {
        // The value does not pass through the futures of the loop, which would copy it several times.
        let make = || match call() {
            Ok(value) => {
                received = Some(value);
                Ok(())
            }
            Err(error) => {
                received = attempts.after(socket, error, &mut call)?;
                Ok(())
            }
        };
        socket.io(ready, make).await?;
        if let Some(value) = received {
            return Ok(value);
        }
        if !attempts.can_watch {
            let_others_run().await;
        } else if let Some(watch) = watch(socket, Some(ready))? {
            return watched(socket, attempts, &*watch, call).await;
        }
        attempts.can_watch = false;
    }
}

/// Is pending once. A loop that never waits for a state that it remembers would not return from the poll.
async fn let_others_run() {
    let mut is_first = true;
    poll_fn(|cx| {
        if !mem::take(&mut is_first) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Makes a call after each change of the socket.
async fn watched<S: EventLoop, R: Send>(
    socket: &S,
    mut attempts: Attempts,
    watch: &dyn Watch,
    mut call: impl FnMut() -> io::Result<R> + Send,
) -> io::Result<R> {
    attempts.can_watch = false;
    loop {
        match attempts.make(socket, &mut call) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Ok(None) => {}
            Ok(Some(result)) => return Ok(result),
            Err(error) => return Err(error),
        }
        poll_fn(|cx| watch.poll_changed(cx)).await?;
    }
}

/// Takes an entry of the error queue: waits for errors only, because a wait for datagrams would end for each of them.
pub(super) async fn queued<S: EventLoop, R: Send>(
    socket: &S,
    watches: &Watches,
    mut take: impl FnMut() -> io::Result<R> + Send,
) -> io::Result<R> {
    let result = take();
    if !would_block(&result) {
        return result;
    }
    let idle = lock(&watches.idle).take();
    let watch = if idle.is_some() { idle } else { watch(socket, None)? };
    if watch.is_none() {
        return socket.io(Ready::Receive, take).await;
    }
    let mut lent = Lent { idle: &watches.idle, watch };
    loop {
        // Before the wait: an entry may have come before the watch was created.
        let result = take();
        if !would_block(&result) {
            return result;
        }
        let changed =
            poll_fn(|cx| lent.watch.as_ref().map_or(Poll::Ready(Ok(())), |watch| watch.poll_changed(cx)));
        if let Err(error) = changed.await {
            // Its runtime may have ended. The next call creates another.
            lent.watch = None;
            return Err(error);
        }
    }
}

/// The watch of a future. Dropped with it, it goes back: a program that waits for datagrams and errors with `select!` drops
/// a future for each datagram.
struct Lent<'w> {
    idle: &'w Idle,
    watch: Option<Box<dyn Watch>>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.take() {
            lock(self.idle).get_or_insert(watch);
        }
    }
}

/// A watch that no future uses.
type Idle = Mutex<Option<Box<dyn Watch>>>;

fn lock(idle: &Idle) -> MutexGuard<'_, Option<Box<dyn Watch>>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Observes the socket for changes from now on; `None` where this is not possible. `ready` `None`: errors only.
#[cold]
fn watch(socket: &impl EventLoop, ready: Option<Ready>) -> io::Result<Option<Box<dyn Watch>>> {
    let changes = match ready {
        Some(ready) => Changes::of(socket.as_fd(), ready),
        None => Changes::of_errors(socket.as_fd()),
    };
    let changes = match changes {
        // A system without `epoll`.
        Err(_) if !HAS_CHANGES => return Ok(None),
        changes => changes?,
    };
    match socket.watch(changes) {
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
        watch => watch.map(Some),
    }
}

const HAS_CHANGES: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// After how many polls that found nothing the state of the socket is examined.
const POLLS_IN_VAIN: u8 = 3;

/// What calls observe beside the socket itself. Created when it is first needed.
#[derive(Default)]
pub(super) struct Watches {
    receive: Direction,
    send: Direction,
    /// The error queue, for `poll_` calls.
    queue: Slot,
    /// The error queue, for [`queued`].
    idle: Idle,
}

/// For one direction.
#[derive(Default)]
struct Direction {
    /// Errors, where the loop does not wake for them.
    errors: Slot,
    /// All changes, once the loop has woken for a state that stays.
    all: Slot,
    /// All changes, for [`poll_ready`].
    ready: Slot,
    /// How many polls in a row found nothing.
    vain: AtomicU8,
}

/// `None` inside: not possible.
type Slot = OnceLock<Option<Box<dyn Watch>>>;

impl Watches {
    fn of(&self, ready: Ready) -> &Direction {
        if ready == Ready::Send { &self.send } else { &self.receive }
    }
}

/// Returns what is in the slot, and whether it was created now.
fn fill<'w>(
    slot: &'w Slot,
    socket: &impl EventLoop,
    ready: Option<Ready>,
) -> io::Result<(Option<&'w dyn Watch>, bool)> {
    let is_new = slot.get().is_none();
    if is_new {
        // Another thread may be faster.
        let _ = slot.set(watch(socket, ready)?);
    }
    Ok((slot.get().and_then(Option::as_deref), is_new))
}

/// The `poll_` form of [`io`].
pub(super) fn poll_io<S: PollEventLoop, R>(
    socket: &S,
    watches: &Watches,
    ready: Ready,
    cx: &mut Context<'_>,
    mut call: impl FnMut() -> io::Result<R>,
) -> Poll<io::Result<R>> {
    let slots = watches.of(ready);
    let mut attempts = Attempts::new(ready);
    // Some loops wake for a state that stays once for each poll.
    if slots.vain.load(Ordering::Relaxed) >= POLLS_IN_VAIN {
        attempts.vain = 1;
    }
    let result = poll_attempts(socket, slots, &mut attempts, cx, &mut call);
    match result.is_pending() {
        true if attempts.vain > 0 => {
            let vain = slots.vain.load(Ordering::Relaxed).saturating_add(1);
            slots.vain.store(vain, Ordering::Relaxed);
        }
        true => {}
        false => slots.vain.store(0, Ordering::Relaxed),
    }
    result
}

fn poll_attempts<S: PollEventLoop, R>(
    socket: &S,
    slots: &Direction,
    attempts: &mut Attempts,
    cx: &mut Context<'_>,
    mut call: impl FnMut() -> io::Result<R>,
) -> Poll<io::Result<R>> {
    let ready = attempts.ready;
    loop {
        if let Some(Some(watch)) = slots.all.get() {
            attempts.can_watch = false;
            match attempts.make(socket, &mut call) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(None) => {}
                Ok(Some(result)) => return Poll::Ready(Ok(result)),
                Err(error) => return Poll::Ready(Err(error)),
            }
            ready!(watch.poll_changed(cx))?;
            continue;
        }
        match socket.poll_io(ready, cx, || attempts.make(socket, &mut call)) {
            Poll::Ready(Ok(None)) if attempts.can_watch => {
                attempts.can_watch = fill(&slots.all, socket, Some(ready))?.0.is_some();
                continue;
            }
            Poll::Ready(Ok(None)) => {
                // As `let_others_run`.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(Ok(Some(result))) => return Poll::Ready(Ok(result)),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending if S::WAKES_FOR_ERRORS => return Poll::Pending,
            Poll::Pending => {}
        }
        let (Some(watch), is_new) = fill(&slots.errors, socket, None)? else { return Poll::Pending };
        if !is_new {
            ready!(watch.poll_changed(cx))?;
        }
        let result = call();
        if !would_block(&result) {
            return Poll::Ready(result);
        }
    }
}

/// As the result of a call: nothing yet.
fn again() -> io::Error {
    ErrorKind::WouldBlock.into()
}

/// Polls until a call may find something. An error alone ends it once for each change: it may be one that stays in the
/// error queue, and one that the next call returns.
pub(super) fn poll_ready<S: PollEventLoop>(
    socket: &S,
    watches: &Watches,
    ready: Ready,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    let events = || retry(|| wait(socket.as_fd(), ready, Some(Duration::ZERO)));
    let is_ready = |now: Events| now.contains(ready.event()) || now.contains(Events::HANG_UP);
    // Through the loop, for the budget of the task.
    match socket.poll_io(ready, cx, || Ok(events()?))? {
        Poll::Ready(now) if is_ready(now) => return Poll::Ready(Ok(())),
        _ => {}
    }
    match fill(&watches.of(ready).ready, socket, Some(ready))? {
        // What came before it is no change.
        (Some(_), true) if !events()?.is_empty() => Poll::Ready(Ok(())),
        (Some(watch), _) => watch.poll_changed(cx),
        (None, _) => {
            poll_io(socket, watches, ready, cx, || if is_ready(events()?) { Ok(()) } else { Err(again()) })
        }
    }
}

/// The `poll_` form of [`queued`].
pub(super) fn poll_queued<S: PollEventLoop, R>(
    socket: &S,
    watches: &Watches,
    cx: &mut Context<'_>,
    mut take: impl FnMut() -> io::Result<R>,
) -> Poll<io::Result<R>> {
    loop {
        let result = take();
        if !would_block(&result) {
            return Poll::Ready(result);
        }
        match fill(&watches.queue, socket, None)? {
            (None, _) => return socket.poll_io(Ready::Receive, cx, take),
            // An entry may have come before.
            (Some(_), true) => {}
            (Some(watch), false) => ready!(watch.poll_changed(cx))?,
        }
    }
}
