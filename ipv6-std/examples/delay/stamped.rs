//! A socket whose datagrams have timestamps of the kernel.

use std::io::{self, ErrorKind};
use std::net::SocketAddrV6;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ipv6_std::message::{TimestampId, TimestampNs, TimestampRequest, Timestamping};
use ipv6_std::option::{self, TimestampingFlags};
use ipv6_std::{Message, Messages, PacketConn, Reported, ReportedKind, SendControl};

use crate::common::{Outcome, SEND_LIMIT};

pub struct Stamped {
    /// Shared with the interrupt handler, which sets the deadline.
    pub conn: Arc<PacketConn>,
    /// The identifier of the next datagram with a timestamp.
    next: u32,
    /// Whether the kernel takes identifiers with each datagram (Linux 6.13). Without, it counts them itself.
    names: bool,
}

impl Stamped {
    /// `queues`: the error queue also has errors about sent datagrams.
    pub fn new(conn: PacketConn, queues: bool) -> Outcome<Self> {
        conn.set_write_timeout(Some(SEND_LIMIT))?;
        enable(&conn)?;
        conn.set_queue_errors(queues)?;
        wait_for_times();
        Ok(Self { conn: Arc::new(conn), next: 0, names: true })
    }

    /// The identifier that the next [`send`](Self::send) returns if it succeeds.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// Sends a datagram whose time of departure [`reported`](Self::reported) will return with an identifier. Without `to`,
    /// to the connected peer.
    pub fn send(
        &mut self,
        payload: &[u8],
        control: SendControl<'_>,
        to: Option<SocketAddrV6>,
    ) -> io::Result<u32> {
        let id = self.next;
        let request = Messages::<64>::new().with(TimestampRequest(TimestampingFlags::TX_SOFTWARE))?;
        let mut sent = Err(ErrorKind::InvalidInput.into());
        if self.names {
            let messages = request.clone().with(TimestampId(id))?;
            sent = send(&self.conn, payload, control.with_messages(&messages), to);
        }
        // Also the error of a message that the kernel does not know.
        if matches!(&sent, Err(error) if error.kind() == ErrorKind::InvalidInput) {
            sent = send(&self.conn, payload, control.with_messages(&request), to);
            // The kernel has counted none so far.
            self.names &= sent.is_err() || id != 0;
        }
        sent?;
        self.next = self.next.wrapping_add(1);
        Ok(id)
    }

    /// Empties the error queue. `departed` gets the identifier of each datagram that has left, and when; `failed` gets each
    /// error, and what it quotes of the payload.
    pub fn reported(
        &self,
        mut departed: impl FnMut(u32, u64),
        mut failed: impl FnMut(&Reported, &[u8]),
    ) -> io::Result<()> {
        self.conn.drain_errors(|reported, payload| match reported.kind {
            ReportedKind::Timestamp { id, .. } => {
                let times = reported.kind.times();
                if let Some(time) = times.and_then(|times| times.software).and_then(nanoseconds) {
                    departed(id, time);
                }
            }
            _ if reported.is_error() => failed(&reported, payload),
            _ => {}
        })?;
        Ok(())
    }
}

fn send(
    conn: &PacketConn,
    payload: &[u8],
    control: SendControl<'_>,
    to: Option<SocketAddrV6>,
) -> io::Result<usize> {
    match to {
        Some(to) => conn.send_to(payload, &control, to),
        None => conn.send(payload, &control),
    }
}

/// When a datagram arrived, in nanoseconds since 1970.
pub fn arrived(message: &Message<'_>) -> Option<u64> {
    nanoseconds(message.get::<Timestamping>().ok()??.software?)
}

fn nanoseconds(time: TimestampNs) -> Option<u64> {
    time.since_epoch().and_then(|time| u64::try_from(time.as_nanos()).ok())
}

/// Timestamps of all received datagrams, and of those sent datagrams that ask for one, which come without the packet.
fn enable(conn: &PacketConn) -> io::Result<()> {
    let flags = TimestampingFlags::RX_SOFTWARE
        | TimestampingFlags::SOFTWARE
        | TimestampingFlags::OPT_ID
        | TimestampingFlags::OPT_TSONLY;
    conn.set_option(&option::TIMESTAMPING, flags)
}

/// Waits until the kernel takes times of received datagrams. It starts for all sockets of the system, a moment after the
/// first one has the option (`net_enable_timestamp` in net/core/dev.c).
fn wait_for_times() {
    const LIMIT: Duration = Duration::from_secs(1);
    let start = Instant::now();
    let probe = || -> io::Result<bool> {
        let conn = PacketConn::bind("[::1]:0")?;
        conn.set_read_timeout(Some(LIMIT))?;
        enable(&conn)?;
        conn.send_to(b"now?", &SendControl::new(), conn.local_addr()?)?;
        Ok(arrived(&conn.recv_message(&mut [0; 8], &mut [0; 512])?).is_some())
    };
    // Without a loopback interface nothing is to be found out: the limit is long enough in practice.
    while start.elapsed() < LIMIT && !probe().unwrap_or(false) {
        thread::sleep(Duration::from_millis(10));
    }
}
