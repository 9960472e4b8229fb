//! Waiting: for datagrams, for a time, and for Ctrl-C.

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ipv6_std::{AsFd, Message, PacketConn, Received, is_about_peer};

use super::Outcome;

/// Whether Ctrl-C was pressed.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Lets the program end cleanly on Ctrl-C and on SIGTERM: `wake` ends the call that waits.
pub fn end_on_interrupt(wake: impl Fn() + Send + 'static) -> Outcome<()> {
    ctrlc::set_handler(move || {
        // The second signal ends the program at once.
        if ENDING.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        wake();
    })?;
    Ok(())
}

pub fn is_ending() -> bool {
    ENDING.load(Ordering::SeqCst)
}

/// Receives one message. Returns `None` at `end`, or when [`end_on_interrupt`] moves the deadline to now. A lack of memory
/// is no error: it passes.
pub fn receive<S: AsFd>(
    conn: &PacketConn<S>,
    payload: &mut [u8],
    end: Option<Instant>,
) -> io::Result<Option<Received>> {
    loop {
        match received(conn, end, || conn.recv_from(payload)) {
            Err(error) if lacks_memory(&error) => thread::sleep(PAUSE),
            got => return got,
        }
    }
}

/// Makes one call that receives, with the deadline `end`. Returns `None` as [`receive`] does.
fn received<S: AsFd, T>(
    conn: &PacketConn<S>,
    end: Option<Instant>,
    receive: impl FnOnce() -> io::Result<T>,
) -> io::Result<Option<T>> {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    // Always set a deadline: a later change reaches only calls that started with one.
    conn.set_read_deadline(end.or_else(|| after(YEAR)));
    // An interrupt may have set its deadline before the line above overwrote it.
    if is_ending() {
        return Ok(None);
    }
    match receive() {
        Err(error) if error.kind() == ErrorKind::TimedOut => Ok(None),
        got => got.map(Some),
    }
}

/// As [`receive`], for programs that serve: errors about peers and news about paths do not end them.
pub fn receive_datagram<S: AsFd>(
    conn: &PacketConn<S>,
    payload: &mut [u8],
    end: Option<Instant>,
) -> io::Result<Option<Received>> {
    loop {
        match receive(conn, payload, end) {
            Ok(Some(got)) if got.control.path_mtu.is_some() => {}
            Err(error) if is_about_peer(&error) => {}
            got => return got,
        }
    }
}

/// As [`receive_datagram`], with all control messages. Also returns `None` after an error about a peer.
pub fn receive_message<'c, S: AsFd>(
    conn: &PacketConn<S>,
    payload: &mut [u8],
    control: &'c mut [u8],
    end: Option<Instant>,
) -> io::Result<Option<Message<'c>>> {
    match received(conn, end, || conn.recv_message(payload, control)) {
        Err(error) if lacks_memory(&error) => {
            thread::sleep(PAUSE);
            Ok(None)
        }
        Err(error) if is_about_peer(&error) => Ok(None),
        got => got,
    }
}

/// The pause before a call is repeated that failed for lack of memory.
pub const PAUSE: Duration = Duration::from_millis(100);

/// Whether a receive failed because this host lacks memory. The same call can succeed after a [`PAUSE`].
pub fn lacks_memory(error: &io::Error) -> bool {
    error.kind() == ErrorKind::OutOfMemory
}

/// The time after `duration`; `None` if the clock cannot represent it.
pub fn after(duration: Duration) -> Option<Instant> {
    Instant::now().checked_add(duration)
}

/// The earlier of two times; `None` is never.
pub fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}
