//! For programs that are one task in tokio's event loop.

use std::future;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use ipv6_std::tokio::PacketConn;
use ipv6_std::{Received, is_about_peer};
use tokio::sync::Notify;

use super::{Outcome, PAUSE, end_on_interrupt, lacks_memory};

/// Runs a task in an event loop of one thread.
pub fn in_event_loop<T>(task: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(task);
    // Does not wait for look-ups of names, which nothing can interrupt.
    runtime.shutdown_background();
    result
}

/// Lets the program end cleanly on Ctrl-C: it is notified, and [`is_ending`](super::is_ending).
pub fn stop() -> Outcome<Arc<Notify>> {
    let stop = Arc::new(Notify::new());
    let notify = Arc::clone(&stop);
    end_on_interrupt(move || notify.notify_one())?;
    Ok(stop)
}

/// Waits until a time; `None` is never.
pub async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time.into()).await,
        None => future::pending().await,
    }
}

/// Receives one datagram, as [`receive_datagram`](super::receive_datagram).
pub async fn next_datagram(conn: &PacketConn, payload: &mut [u8]) -> io::Result<Received> {
    loop {
        match conn.recv_from(payload).await {
            Ok(got) if got.control.path_mtu.is_some() => {}
            Err(error) if is_about_peer(&error) => {}
            Err(error) if lacks_memory(&error) => tokio::time::sleep(PAUSE).await,
            got => return got,
        }
    }
}
