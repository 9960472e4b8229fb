//! The socket that quinn sends and receives with.

use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ipv6_std::tokio::PacketConn;
use ipv6_std::{ControlFlags, PathMtuDiscovery, RecvBatch, RecvControl, SendControl, is_about_peer, mapped};
use quinn::udp::{EcnCodepoint, RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};
use tokio::io::Interest;

/// How many datagrams one call sends or receives at most: Linux's limit until 6.9.
const SEGMENTS: usize = 64;
/// How many payloads one call receives, as many as quinn has buffers for.
const BATCH: usize = 32;
/// The pause after a receive that failed for lack of memory.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub struct Socket {
    conn: PacketConn,
    batch: Mutex<RecvBatch>,
    pub seen: Seen,
}

/// What the program prints about its packets.
#[derive(Debug, Default)]
pub struct Seen {
    pub sent: Way,
    pub received: Way,
    /// Received datagrams by the two bits of ECN (RFC 3168 section 5).
    pub ecn: [AtomicU64; 4],
}

#[derive(Debug, Default)]
pub struct Way {
    pub datagrams: AtomicU64,
    /// How many payloads were passed to or from the system: a payload is one or several datagrams.
    pub payloads: AtomicU64,
    /// The most datagrams in one payload.
    pub most: AtomicU64,
}

impl Way {
    fn add(&self, datagrams: usize) {
        let datagrams = datagrams as u64;
        self.datagrams.fetch_add(datagrams, Ordering::Relaxed);
        self.payloads.fetch_add(1, Ordering::Relaxed);
        // It grows a few times only; a load costs less than an atomic change.
        if self.most.load(Ordering::Relaxed) < datagrams {
            self.most.fetch_max(datagrams, Ordering::Relaxed);
        }
    }
}

impl Socket {
    /// Binds a dual-stack socket.
    pub fn bind(address: SocketAddrV6) -> io::Result<Self> {
        let conn = PacketConn::builder().only_v6(false).bind(address)?;
        conn.set_control_flags(ControlFlags::TRAFFIC_CLASS | ControlFlags::DESTINATION, true)?;
        conn.set_receive_coalescing(true)?;
        // QUIC probes the path itself, with packets that must not be fragmented (RFC 9000 section 14).
        conn.set_path_mtu_discovery(PathMtuDiscovery::Probe)?;
        let mut batch = RecvBatch::new(BATCH);
        batch.keep_together(true);
        Ok(Self { conn, batch: Mutex::new(batch), seen: Seen::default() })
    }

    fn meta(&self, source: SocketAddrV6, len: usize, control: &RecvControl) -> RecvMeta {
        let stride = control.segment_size.map_or(len, usize::from);
        let datagrams = len.div_ceil(stride.max(1)).max(1);
        self.seen.received.add(datagrams);
        let bits = control.traffic_class.unwrap_or(0) & 0b11;
        self.seen.ecn[usize::from(bits)].fetch_add(datagrams as u64, Ordering::Relaxed);
        RecvMeta {
            addr: source.into(),
            len,
            stride,
            ecn: EcnCodepoint::from_bits(bits),
            dst_ip: control.destination.map(IpAddr::V6),
        }
    }
}

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Poller { socket: self, waiting: None })
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let to = mapped(transmit.destination);
        let mut control = SendControl::new();
        control.traffic_class = transmit.ecn.map(|ecn| ecn as u8);
        control.source = transmit.src_ip.map(v6);
        let size = transmit.segment_size.unwrap_or(transmit.contents.len());
        let size = u16::try_from(size).map_err(|_| ErrorKind::InvalidInput)?;
        let mut rest = transmit.contents;
        while !rest.is_empty() {
            // Through the loop, which learns from `WouldBlock` that the socket is not writable.
            let send = || self.conn.try_send_segments(rest, size, &control, to);
            match self.conn.get_ref().try_io(Interest::WRITABLE, send) {
                Ok(len) => {
                    self.seen.sent.add(len.div_ceil(usize::from(size)));
                    rest = &rest[len..];
                }
                // The others count as lost: quinn sends them again.
                Err(error)
                    if error.kind() == ErrorKind::WouldBlock && rest.len() == transmit.contents.len() =>
                {
                    return Err(error);
                }
                // A probe that is larger than the path's MTU, or an error that ICMP reported: also a loss.
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        let most = buffers.len().min(meta.len());
        loop {
            // Not `poll_recv_batch`, which also wakes for errors: for this, the system calls a second observer for each
            // datagram. Here the call that finds an error ignores it.
            ready!(self.conn.get_ref().poll_recv_ready(cx))?;
            let receive = || self.conn.try_recv_batch(&mut batch, &mut buffers[..most]);
            match self.conn.get_ref().try_io(Interest::READABLE, receive) {
                Ok(_) => break,
                // Not readable any more: the loop waits for the next event.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // It concerns one peer, whose connection notices by itself.
                Err(error) if is_about_peer(&error) => {}
                // It passes. Returned to quinn, any error ends all connections.
                Err(error) if error.kind() == ErrorKind::OutOfMemory => {
                    let waker = cx.waker().clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(PAUSE).await;
                        waker.wake();
                    });
                    return Poll::Pending;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        for (received, meta) in batch.iter().zip(meta) {
            *meta = match received {
                Ok(got) => self.meta(got.source, got.len, &got.control),
                // One datagram that cannot be decoded. quinn ignores an empty one.
                Err(_) => RecvMeta::default(),
            };
        }
        Poll::Ready(Ok(batch.len()))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.conn.local_addr().map(SocketAddr::V6)
    }

    fn max_transmit_segments(&self) -> usize {
        SEGMENTS
    }

    fn max_receive_segments(&self) -> usize {
        SEGMENTS
    }

    fn may_fragment(&self) -> bool {
        false
    }
}

fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

/// Waits until the socket is writable. Each task of quinn has its own, because several may wait.
struct Poller {
    socket: Arc<Socket>,
    waiting: Option<Waiting>,
}

type Waiting = Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>;

impl UdpPoller for Poller {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // quinn asks before each call that sends, and the socket is nearly always writable. This makes no system call and
        // allocates nothing.
        let writable = || self.socket.conn.get_ref().try_io(Interest::WRITABLE, || Ok(()));
        if self.waiting.is_none() && writable().is_ok() {
            return Poll::Ready(Ok(()));
        }
        let socket = Arc::clone(&self.socket);
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(async move { socket.conn.get_ref().writable().await }));
        let result = ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        Poll::Ready(result)
    }
}

impl std::fmt::Debug for Poller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Poller").finish_non_exhaustive()
    }
}
