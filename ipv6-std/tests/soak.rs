//! Many datagrams in every way at once: threads and tasks, blocking and in an event loop, single calls, batches, segments,
//! coalescing, to IPv6 and to IPv4-mapped peers, while errors are forged and flags, deadlines and error queues are toggled.
//! Every datagram that a call has sent arrives once, in the order of its flow, with all its bytes, or the system counts it
//! as dropped. CI sends a few. `scripts/soak` sends many, and also checks that memory and descriptors do not grow.

mod soak {
    pub mod flow;
}

use std::io::{ErrorKind, IoSlice};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, io, iter, thread};

use ipv6_std::{
    ControlFlags, Outgoing, PacketConn, RawConn, RecvBatch, Segments, SendBatch, SendControl, is_too_long,
    option, tokio as aio,
};
use ipv6_testnet::{Need, Test};
use soak::flow::{Flow, HEAD, LONGEST, Random, read, write};

fn main() {
    let account = Test {
        name: "a_receiver_that_waits_for_a_processor_has_lost_nothing",
        needs: &[],
        run: a_receiver_that_waits_for_a_processor_has_lost_nothing,
    };
    let soak = Test {
        name: "every_datagram_arrives_once_or_is_counted",
        needs: &[Need::RawSocket, Need::Ipv4],
        run: every_datagram_arrives_once_or_is_counted,
    };
    ipv6_testnet::main(&[account, soak])
}

/// The account of this test: a thread takes a datagram late, and the other one has taken thousands meanwhile.
fn a_receiver_that_waits_for_a_processor_has_lost_nothing() {
    let flow = Flow::new(false, true);
    (1..=10_000).for_each(|number| flow.arrived(0, number));
    flow.arrived(0, 0);
    assert_eq!(flow.count(), 10_001);
}

/// How many datagrams, unless `IPV6_SOAK` says so.
const FEW: u64 = 60_000;

/// How a receiver receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Receive {
    One,
    Message,
    Batch,
    Coalesced,
    /// Two threads on one socket.
    Shared,
    /// From senders that do not wait for it.
    Flooded,
    Task,
    TaskBatch,
}

const RECEIVERS: [Receive; 8] = [
    Receive::One,
    Receive::Message,
    Receive::Batch,
    Receive::Coalesced,
    Receive::Shared,
    Receive::Flooded,
    Receive::Task,
    Receive::TaskBatch,
];

/// Two threads and two tasks send, each pair from one socket, and a thread from a socket of its own.
const SENDERS: usize = 5;

/// What all threads share.
struct Soak {
    flows: Vec<Flow>,
    to: Vec<SocketAddrV6>,
    sent: AtomicU64,
    /// How many sends failed. Their datagrams were sent again.
    failed: AtomicU64,
    limit: u64,
    is_over: AtomicBool,
}

impl Soak {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Whether the senders have ended, or will.
    fn is_sent(&self) -> bool {
        self.sent.load(Ordering::Relaxed) >= self.limit
    }

    fn arrived(&self, receiver: usize, datagram: &[u8]) {
        let (flow, number) = read(datagram);
        assert_eq!(flow % RECEIVERS.len(), receiver, "a datagram of flow {flow} at receiver {receiver}");
        self.flows[flow].arrived(flow, number);
    }
}

fn bind(receive_buffer: usize) -> io::Result<PacketConn> {
    PacketConn::builder().only_v6(false).receive_buffer(receive_buffer).send_buffer(1 << 20).bind("[::]:0")
}

fn every_datagram_arrives_once_or_is_counted() {
    let limit = env::var("IPV6_SOAK").map_or(FEW, |text| text.parse().expect("IPV6_SOAK: a number"));
    let at_start = Resources::now();
    let receivers = RECEIVERS.map(|how| {
        let buffer = if how == Receive::Flooded { 1 << 13 } else { 1 << 20 };
        Arc::new(bind(buffer).unwrap())
    });
    let receivers = Vec::from(receivers);
    let senders: Vec<_> = iter::repeat_with(|| Arc::new(bind(1 << 20).unwrap())).take(3).collect();
    let to = receivers.iter().enumerate().map(|(index, conn)| {
        // Half of the receivers are reached over IPv4.
        let address = if index % 2 == 0 { Ipv6Addr::LOCALHOST } else { Ipv4Addr::LOCALHOST.to_ipv6_mapped() };
        SocketAddrV6::new(address, conn.local_addr().unwrap().port(), 0, 0)
    });
    let soak = Arc::new(Soak {
        flows: (0..SENDERS * RECEIVERS.len())
            .map(|flow| {
                let receive = RECEIVERS[flow % RECEIVERS.len()];
                Flow::new(receive == Receive::Flooded, receive == Receive::Shared)
            })
            .collect(),
        to: to.collect(),
        sent: AtomicU64::new(0),
        failed: AtomicU64::new(0),
        limit,
        is_over: AtomicBool::new(false),
    });

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let copy = |conn: &PacketConn| {
        let _inside = runtime.enter();
        aio::PacketConn::from_std(conn.try_clone().unwrap()).unwrap()
    };
    let mut receiving = Vec::new();
    let mut tasks = Vec::new();
    for (receiver, conn) in receivers.iter().enumerate() {
        let soak = Arc::clone(&soak);
        match RECEIVERS[receiver] {
            Receive::Task | Receive::TaskBatch => {
                let conn = copy(conn);
                tasks.push(runtime.spawn(async move { receive_in_task(&soak, receiver, &conn).await }));
            }
            how => {
                for part in 0..if how == Receive::Shared { 2 } else { 1 } {
                    let (soak, conn) = (Arc::clone(&soak), Arc::clone(conn));
                    receiving.push(thread::spawn(move || receive(&soak, receiver, part, &conn)));
                }
            }
        }
    }
    let disturbing: Vec<_> = [disturb, forge]
        .map(|work| {
            let (soak, receivers, senders) = (Arc::clone(&soak), receivers.clone(), senders.clone());
            thread::spawn(move || work(&soak, &receivers, &senders))
        })
        .into();

    let mut sending = Vec::new();
    let mut sending_tasks = Vec::new();
    for sender in 0..SENDERS {
        let soak = Arc::clone(&soak);
        if sender < 2 {
            let conn = copy(&senders[0]);
            sending_tasks.push(runtime.spawn(async move { send_in_task(&soak, sender, &conn).await }));
        } else {
            let conn = Arc::clone(&senders[if sender < 4 { 1 } else { 2 }]);
            sending.push(thread::spawn(move || send(&soak, sender, &conn)));
        }
    }

    let mut settled = None;
    while sending.iter().any(|thread| !thread.is_finished())
        || sending_tasks.iter().any(|task| !task.is_finished())
    {
        thread::sleep(Duration::from_millis(20));
        // The buffers of all threads have their size after the first fifth.
        if settled.is_none() && soak.sent.load(Ordering::Relaxed) > limit / 5 {
            settled = Some(Resources::now());
        }
    }
    sending.into_iter().for_each(|thread| thread.join().unwrap());
    sending_tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
    disturbing.into_iter().for_each(|thread| thread.join().unwrap());
    // Until what was sent is received, or nothing more comes.
    let received = || soak.flows.iter().map(Flow::count).sum::<u64>();
    let (mut before, mut since) = (received(), Instant::now());
    while before < soak.sent.load(Ordering::Relaxed) && since.elapsed() < Duration::from_secs(2) {
        thread::sleep(Duration::from_millis(20));
        let now = received();
        if now > before {
            (before, since) = (now, Instant::now());
        }
    }
    let ended = Resources::now();
    soak.is_over.store(true, Ordering::Relaxed);
    receiving.into_iter().for_each(|thread| thread.join().unwrap());
    tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());

    let mut dropped = 0;
    for (receiver, conn) in receivers.iter().enumerate() {
        let flows = || (0..SENDERS).map(|sender| &soak.flows[sender * RECEIVERS.len() + receiver]);
        let sent: u64 = flows().map(|flow| flow.sent.load(Ordering::Relaxed)).sum();
        let received: u64 = flows().map(Flow::count).sum();
        let drops = u64::from(conn.option(&option::MEMORY).unwrap().drops);
        let how = RECEIVERS[receiver];
        println!("{how:?}: {sent} sent, {received} received, {drops} dropped");
        if how == Receive::Coalesced || how == Receive::TaskBatch {
            // The system counts several that it has coalesced as one.
            assert!(sent >= received + drops, "{how:?}: {sent} sent, {received} received, {drops} dropped");
            assert!(drops > 0 || sent == received, "{how:?}: {sent} sent, {received} received, none dropped");
        } else {
            assert_eq!(sent, received + drops, "{how:?}: {received} received and {drops} dropped");
        }
        assert!(received > 0, "{how:?}");
        assert!(drops > 0 || how != Receive::Flooded, "the flood has filled no receive buffer");
        dropped += drops;
    }
    let failed = soak.failed.load(Ordering::Relaxed);
    println!(
        "{} sent, {dropped} dropped, {failed} sends failed and were repeated",
        soak.sent.load(Ordering::Relaxed)
    );
    assert!(failed > 0, "no forged error reached a send");
    let settled = settled.unwrap();
    drop((runtime, receivers, senders));
    println!("at the start: {at_start:?}, at a fifth: {settled:?}, at the end: {ended:?}");
    assert_eq!(at_start.descriptors, Resources::now().descriptors);
    // A wait with queued errors has a descriptor of its own.
    assert!(ended.descriptors <= settled.descriptors + 16, "descriptors leak: {settled:?}, {ended:?}");
    if limit > FEW {
        assert!(ended.kibibytes <= settled.kibibytes + 4096, "memory grows: {settled:?}, {ended:?}");
    }
}

/// What the process uses.
#[derive(Clone, Copy, Debug)]
struct Resources {
    descriptors: usize,
    kibibytes: u64,
}

impl Resources {
    fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        Self {
            descriptors: fs::read_dir("/proc/self/fd").unwrap().filter(is_no_pipe).count(),
            kibibytes: resident.trim().trim_end_matches(" kB").parse().unwrap(),
        }
    }
}

/// The library has no pipes. ThreadSanitizer has two, to the program that translates addresses into lines.
fn is_no_pipe(descriptor: &io::Result<fs::DirEntry>) -> bool {
    let file = fs::read_link(descriptor.as_ref().unwrap().path());
    !file.is_ok_and(|file| file.to_string_lossy().starts_with("pipe:"))
}

/// Whether this result of a receive call means that there is nothing yet.
fn is_nothing(error: &io::Error) -> bool {
    // On receivers no error is queued.
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

fn receive(soak: &Soak, receiver: usize, part: usize, conn: &PacketConn) {
    let how = match RECEIVERS[receiver] {
        Receive::Shared if part == 0 => Receive::One,
        Receive::Shared | Receive::Flooded => Receive::Batch,
        how => how,
    };
    let is_together = how == Receive::Coalesced;
    conn.set_receive_coalescing(is_together).unwrap();
    let mut batch = RecvBatch::new(32);
    let mut payloads = vec![vec![0; 65_535]; 16];
    let (mut random, mut control) = (Random(receiver as u64 + 1), [0; 256]);
    while !soak.is_over() {
        if RECEIVERS[receiver] == Receive::Flooded && random.below(16) == 0 {
            // Until its receive buffer is full.
            thread::sleep(Duration::from_millis(5));
        }
        conn.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let result = match how {
            Receive::Message => conn.recv_message(&mut payloads[0], &mut control).map(|got| got.len),
            Receive::Batch | Receive::Coalesced => {
                // What is left over comes split, as it was.
                if !batch.has_more() {
                    batch.keep_together(is_together && random.flip());
                }
                conn.recv_batch(&mut batch, &mut payloads).inspect(|count| {
                    assert_eq!(*count, batch.len());
                    take_batch(soak, receiver, &batch, &payloads);
                })
            }
            _ => conn.recv_from(&mut payloads[0]).map(|got| got.len),
        };
        match result {
            Ok(len) if !matches!(how, Receive::Batch | Receive::Coalesced) => {
                soak.arrived(receiver, &payloads[0][..len]);
            }
            Ok(_) => {}
            Err(error) => assert!(is_nothing(&error), "{how:?}: {error}"),
        }
    }
}

fn take_batch(soak: &Soak, receiver: usize, batch: &RecvBatch, payloads: &[Vec<u8>]) {
    for (received, payload) in batch.iter().zip(payloads) {
        let received = received.unwrap();
        assert!(!received.truncated);
        for datagram in Segments::new(&payload[..received.len], received.control.segment_size) {
            soak.arrived(receiver, datagram);
        }
    }
}

/// Each wait is a future that a limit drops.
async fn receive_in_task(soak: &Soak, receiver: usize, conn: &aio::PacketConn) {
    let is_batch = RECEIVERS[receiver] == Receive::TaskBatch;
    conn.set_receive_coalescing(is_batch).unwrap();
    let mut batch = RecvBatch::new(32);
    let mut payloads = vec![vec![0; 65_535]; 16];
    while !soak.is_over() {
        let limit = Duration::from_millis(2);
        if is_batch {
            let result = tokio::time::timeout(limit, conn.recv_batch(&mut batch, &mut payloads)).await;
            if let Ok(result) = result {
                result.unwrap();
                take_batch(soak, receiver, &batch, &payloads);
            }
        } else if let Ok(result) = tokio::time::timeout(limit, conn.recv_from(&mut payloads[0])).await {
            soak.arrived(receiver, &payloads[0][..result.unwrap().len]);
        }
    }
}

/// The next datagrams of a flow, in one buffer.
struct Burst {
    bytes: Vec<u8>,
    lengths: Vec<usize>,
}

impl Burst {
    /// Writes up to `count` datagrams. `is_equal`: of one length, except the last, which may be shorter.
    fn write(&mut self, flow: usize, first: u64, count: usize, is_equal: bool, random: &mut Random) {
        let mut length = |limit: usize| HEAD + random.below((limit - HEAD + 1) as u64) as usize;
        let size = length(LONGEST);
        self.bytes.clear();
        self.lengths.clear();
        for (index, number) in (first..).take(count).enumerate() {
            let length = match is_equal {
                true if index + 1 == count => length(size),
                true => size,
                false => length(LONGEST),
            };
            let start = self.bytes.len();
            self.bytes.resize(start + length, 0);
            write(&mut self.bytes[start..], flow, number);
            self.lengths.push(length);
        }
    }

    fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.bytes[..];
        self.lengths.iter().map(move |length| rest.split_off(..*length).unwrap())
    }
}

/// How a burst is sent.
#[derive(Clone, Copy)]
enum Send {
    One,
    Vectored,
    Batch,
    All,
    Segments,
}

/// The next burst of a sender: to which receiver, how, with what.
struct Next {
    random: Random,
    burst: Burst,
    flow: usize,
    how: Send,
    control: SendControl<'static>,
}

impl Next {
    fn new(sender: usize) -> Self {
        let burst = Burst { bytes: Vec::new(), lengths: Vec::new() };
        let random = Random(0x1234_5678 + sender as u64);
        Self { random, burst, flow: sender * RECEIVERS.len(), how: Send::One, control: SendControl::new() }
    }

    /// Prepares it, `room` datagrams at most. Returns whether there is one.
    fn prepare<'s>(&mut self, soak: &'s Soak, sender: usize) -> Option<&'s Flow> {
        if soak.is_sent() {
            return None;
        }
        self.flow = sender * RECEIVERS.len() + self.random.below(RECEIVERS.len() as u64) as usize;
        self.how = [Send::One, Send::Vectored, Send::Batch, Send::All, Send::Segments]
            [self.random.below(5) as usize];
        let flow = &soak.flows[self.flow];
        self.control = SendControl::new();
        if self.random.flip() {
            self.control = self.control.with_hop_limit(1 + self.random.below(64) as u8);
        }
        if self.random.flip() {
            self.control = self.control.with_traffic_class(self.random.below(256) as u8);
        }
        Some(flow)
    }

    fn fill(&mut self, flow: &Flow, room: usize) {
        let count = match self.how {
            Send::One | Send::Vectored => 1,
            _ => 1 + self.random.below(room as u64) as usize,
        };
        let is_equal = matches!(self.how, Send::Segments) || self.random.flip();
        self.burst.write(self.flow, flow.sent.load(Ordering::Relaxed), count, is_equal, &mut self.random);
    }

    /// Takes account of what was sent: datagrams, or bytes of segments.
    fn note(&self, soak: &Soak, result: io::Result<usize>) {
        let datagrams = match result {
            Ok(bytes) if matches!(self.how, Send::Segments) => bytes.div_ceil(self.burst.lengths[0]),
            Ok(_) if matches!(self.how, Send::One | Send::Vectored) => 1,
            Ok(datagrams) => datagrams,
            Err(error) => {
                // A send is repeated once after `EMSGSIZE`. Two reports in a row get through.
                let is_known = is_too_long(&error)
                    || matches!(
                        error.kind(),
                        ErrorKind::ConnectionRefused
                            | ErrorKind::TimedOut
                            | ErrorKind::WouldBlock
                            | ErrorKind::HostUnreachable
                            | ErrorKind::NetworkUnreachable
                            | ErrorKind::PermissionDenied
                    )
                    || error.to_string().contains("earlier datagram");
                assert!(is_known, "{:?}: {error}", error.kind());
                soak.failed.fetch_add(1, Ordering::Relaxed);
                return;
            }
        };
        soak.flows[self.flow].sent.fetch_add(datagrams as u64, Ordering::Relaxed);
        soak.sent.fetch_add(datagrams as u64, Ordering::Relaxed);
    }

    fn to(&self, soak: &Soak) -> SocketAddrV6 {
        soak.to[self.flow % RECEIVERS.len()]
    }

    fn outgoing(&self, to: SocketAddrV6) -> Vec<Outgoing<'_>> {
        self.burst.datagrams().map(|datagram| Outgoing::new(datagram, self.control, Some(to))).collect()
    }

    fn halves(&self) -> [IoSlice<'_>; 2] {
        let (head, tail) = self.burst.bytes.split_at(HEAD / 2);
        [IoSlice::new(head), IoSlice::new(tail)]
    }

    fn size(&self) -> u16 {
        self.burst.lengths[0] as u16
    }
}

fn send(soak: &Soak, sender: usize, conn: &PacketConn) {
    let (mut next, mut batch) = (Next::new(sender), SendBatch::new(8));
    while let Some(flow) = next.prepare(soak, sender) {
        let since = Instant::now();
        let room = loop {
            match flow.room(since) {
                Some(room) => break room,
                None => thread::sleep(Duration::from_micros(50)),
            }
        };
        next.fill(flow, room);
        let (control, to) = (&next.control, next.to(soak));
        let result = match next.how {
            Send::One => conn.send_to(&next.burst.bytes, control, to),
            Send::Vectored => conn.send_vectored(&next.halves(), control, to),
            Send::Batch => conn.send_batch(&mut batch, &next.outgoing(to)),
            Send::All => {
                all(&next, conn.send_batch_all(&mut batch, &next.outgoing(to)).map_err(|e| e.index()))
            }
            Send::Segments => conn.send_segments(&next.burst.bytes, next.size(), control, to),
        };
        next.note(soak, result);
    }
}

async fn send_in_task(soak: &Soak, sender: usize, conn: &aio::PacketConn) {
    let (mut next, mut batch) = (Next::new(sender), SendBatch::new(8));
    while let Some(flow) = next.prepare(soak, sender) {
        let since = Instant::now();
        let room = loop {
            match flow.room(since) {
                Some(room) => break room,
                None => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        };
        next.fill(flow, room);
        let (control, to) = (&next.control, next.to(soak));
        let result = match next.how {
            Send::One => conn.send_to(&next.burst.bytes, control, to).await,
            Send::Vectored => conn.send_vectored(&next.halves(), control, to).await,
            Send::Batch => conn.send_batch(&mut batch, &next.outgoing(to)).await,
            Send::All => {
                all(&next, conn.send_batch_all(&mut batch, &next.outgoing(to)).await.map_err(|e| e.index()))
            }
            Send::Segments => conn.send_segments(&next.burst.bytes, next.size(), control, to).await,
        };
        next.note(soak, result);
    }
}

/// How many messages of one destination were sent: all, or those before the one that failed.
fn all(next: &Next, result: Result<(), usize>) -> io::Result<usize> {
    Ok(result.map_or_else(|index| index, |()| next.burst.lengths.len()))
}

/// Toggles flags, deadlines and error queues.
fn disturb(soak: &Soak, receivers: &[Arc<PacketConn>], senders: &[Arc<PacketConn>]) {
    let mut random = Random(99);
    let flags = [
        ControlFlags::TRAFFIC_CLASS,
        ControlFlags::HOP_LIMIT,
        ControlFlags::DESTINATION,
        ControlFlags::INTERFACE,
        ControlFlags::PATH_MTU,
    ];
    while !soak.is_sent() {
        thread::sleep(Duration::from_micros(500));
        let soon = Some(Instant::now() + Duration::from_micros(random.below(3000)));
        let receiver = &receivers[random.below(receivers.len() as u64) as usize];
        let sender = &senders[random.below(senders.len() as u64) as usize];
        match random.below(6) {
            0 => receiver.set_control_flags(flags[random.below(5) as usize], random.flip()).unwrap(),
            1 => {
                receiver.set_read_deadline(soon);
                thread::sleep(Duration::from_millis(2));
                receiver.set_read_deadline(None);
            }
            2 => {
                sender.set_write_deadline(soon);
                thread::sleep(Duration::from_millis(2));
                sender.set_write_deadline(None);
            }
            3 => sender.set_queue_errors(random.flip()).unwrap(),
            4 => sender.set_send_coalescing(random.flip()),
            _ => _ = sender.drain_errors(|_, _| {}).unwrap(),
        }
    }
}

/// Forges reports about datagrams of the senders, and sends to ports where nobody is.
fn forge(soak: &Soak, receivers: &[Arc<PacketConn>], senders: &[Arc<PacketConn>]) {
    let raw = RawConn::open(58).unwrap();
    let nobody = {
        // Freed at once: no other socket of this namespace is bound to a port of the system's choice meanwhile.
        let port = UdpSocket::bind("[::]:0").unwrap().local_addr().unwrap().port();
        [Ipv6Addr::LOCALHOST, Ipv4Addr::LOCALHOST.to_ipv6_mapped()]
            .map(|address| SocketAddrV6::new(address, port, 0, 0))
    };
    let to = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0);
    let mut random = Random(7);
    while !soak.is_sent() {
        thread::sleep(Duration::from_micros(700));
        let sender = &senders[random.below(senders.len() as u64) as usize];
        let receiver = &receivers[random.below(receivers.len() as u64) as usize];
        let ports = [sender, receiver].map(|conn| conn.local_addr().unwrap().port());
        // Destination unreachable (RFC 4443 section 3.1), or Packet Too Big (section 3.2) with an MTU.
        let mut report = match random.below(3) {
            0 => vec![2, 0, 0, 0, 0, 0, 5, 0x78],
            _ => vec![1, random.below(7) as u8, 0, 0, 0, 0, 0, 0],
        };
        // The datagram: an IPv6 header (RFC 8200 section 3), and one of UDP.
        report.extend([0x60, 0, 0, 0, 0, 8, 17, 64]);
        report.extend(Ipv6Addr::LOCALHOST.octets());
        report.extend(Ipv6Addr::LOCALHOST.octets());
        report.extend(ports[0].to_be_bytes());
        report.extend(ports[1].to_be_bytes());
        report.extend([0, 8, 0, 0]);
        // The kernel writes the checksum. A report about the raw socket itself is no failure.
        let _ = raw.send_to(&report, &SendControl::new(), to);
        if random.below(8) == 0 {
            let _ = sender.send_to(b"x", &SendControl::new(), nobody[random.below(2) as usize]);
        }
    }
}
