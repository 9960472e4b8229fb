//! Measures the cost of a datagram while one quantity grows, for this library and for hand-written libc code. What both have
//! in common is the kernel's cost.

use std::io;
use std::iter;
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use ipv6_benches::ends::Ends;
use ipv6_benches::peers::{Program, by_hand};
use ipv6_benches::work::{SIZE, Work};
use ipv6_std::{BpfInstruction, Conn, InterfaceIndex, PacketConn, option};
use ipv6_testnet::Pair;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::record::Table;
use crate::timer::{self, Effort, Runner};

pub const CONTROL: &str = "growth-control";
pub const BATCH: &str = "growth-batch";
pub const PAYLOAD: &str = "growth-payload";
pub const THREADS: &str = "growth-threads";
pub const CORES: &str = "growth-cores";
pub const RECEIVERS: &str = "growth-receivers";
pub const GROUPS: &str = "growth-groups";
pub const JOINS: &str = "growth-joins";

/// The name, in the table of batches, of one payload that the system splits.
pub const SEGMENTS: &str = "ipv6-std, segments asked for";

/// A table whose first column is the growing quantity.
struct Growth {
    effort: Effort,
    table: Table,
}

impl Growth {
    fn new(effort: Effort, name: &'static str, axis: &str, of_what: &str) -> Self {
        let head = [axis, "program", of_what, "to hand-written", "more than hand-written"];
        Self { effort: effort.of_many(), table: Table::new(name, &head) }
    }

    /// Measures all programs at one point, with `each` datagrams in one piece of work.
    fn point(&mut self, at: usize, each: usize, programs: Vec<(&'static str, Runner<'_>)>) -> io::Result<()> {
        let (programs, mut runners): (Vec<_>, Vec<_>) = programs.into_iter().unzip();
        let figures = timer::interleave(self.effort, &mut runners)?;
        let Some(by_hand) = figures.first().map(|figure| figure.nanoseconds) else { return Ok(()) };
        for (program, figure) in programs.iter().zip(figures) {
            let each = each as f64;
            self.table.push(vec![
                at.to_string(),
                (*program).into(),
                format!("{:.1}", figure.nanoseconds / each),
                format!("{:.3}", figure.ratio),
                format!("{:.1}", by_hand * (figure.ratio - 1.0) / each),
            ]);
        }
        Ok(())
    }

    /// Adds a row that states why the rest is missing.
    fn skip(&mut self, at: usize, why: &str) {
        self.table.push(vec![
            at.to_string(),
            format!("skipped: {why}"),
            String::new(),
            String::new(),
            String::new(),
        ]);
    }

    fn save(self) -> io::Result<()> {
        println!();
        self.table.save()
    }
}

const SINGLE: [Program; 3] = [Program::ByHand, Program::Again, Program::Ours];
const BATCHING: [Program; 5] =
    [Program::ByHand, Program::Again, Program::EachByItself, Program::Ours, Program::Coalescing];

/// Prepares these programs for this work, each with its own sockets.
fn programs(programs: &[Program], work: Work) -> io::Result<Vec<(&'static str, Runner<'static>)>> {
    let mut runners = Vec::new();
    for &program in programs {
        if let Some(mut peer) = program.peer(work)? {
            runners.push((program.name(), timer::repeat(move || peer.work())));
        }
    }
    Ok(runners)
}

/// Measures everything that does not need a separate network.
pub fn run(effort: Effort) -> io::Result<()> {
    control(effort)?;
    batch(effort)?;
    payload(effort)?;
    threads(effort)?;
    cores(effort)?;
    receivers(effort)
}

/// The number of enabled control flags. Source and interface are one message, and the kernel reports a path MTU only when it
/// changes.
fn control(effort: Effort) -> io::Result<()> {
    let mut growth = Growth::new(effort, CONTROL, "control flags", "ns a datagram");
    for (count, flags) in Work::MORE.into_iter().enumerate() {
        growth.point(count, 1, programs(&SINGLE, Work::single(flags, SIZE))?)?;
    }
    growth.save()
}

fn batch(effort: Effort) -> io::Result<()> {
    let mut growth = Growth::new(effort, BATCH, "datagrams in a batch", "ns a datagram");
    for count in iter::successors(Some(1), |count| Some(count * 2)).take_while(|count| *count <= 1_024) {
        let work = Work::batch(count);
        if !Ends::new(work)?.has_room(work)? {
            growth.skip(count, "the receive buffer is too small (net.core.rmem_max)");
            break;
        }
        let mut runners = programs(&BATCHING, work)?;
        // The numbers of segments that the kernel accepts in one payload.
        if (2..=Ends::new(work)?.sender.max_segments()).contains(&count)
            && let Some(mut peer) = Program::Ours.peer(Work::segments(count, SIZE))?
        {
            runners.push((SEGMENTS, timer::repeat(move || peer.work())));
        }
        growth.point(count, count, runners)?;
    }
    growth.save()
}

fn payload(effort: Effort) -> io::Result<()> {
    let mut growth = Growth::new(effort, PAYLOAD, "bytes of payload", "ns a datagram");
    for size in [0, 15, 256, 1_232, 4_096, 16_384, 32_768, 65_000] {
        growth.point(size, 1, programs(&SINGLE, Work::single(Work::THREE, size))?)?;
    }
    growth.save()
}

/// Several threads that send to and receive from one socket.
fn threads(effort: Effort) -> io::Result<()> {
    let mut growth = Growth::new(effort, THREADS, "threads on one socket", "ns a datagram");
    let work = Work::single(Work::THREE, SIZE);
    for count in [1, 2, 4] {
        let mut runners = Vec::<(&'static str, Runner)>::new();
        for program in SINGLE {
            let ends = Ends::one(work)?;
            runners
                .push((program.name(), Box::new(move |times| together(program, work, &ends, count, times))));
        }
        growth.point(count, 1, runners)?;
    }
    growth.save()
}

/// Returns the nanoseconds per piece of work if this many threads share `times` pieces.
fn together(program: Program, work: Work, ends: &Ends, threads: usize, times: usize) -> io::Result<f64> {
    let each = times.div_ceil(threads);
    let barrier = Barrier::new(threads);
    let one = || {
        let peer = program.between(work, ends.clone());
        barrier.wait();
        let start = Instant::now();
        let mut peer = peer.unwrap();
        (0..each).for_each(|_| peer.work());
        (start, Instant::now())
    };
    let spans = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    Ok(nanoseconds(spans) / (each * threads) as f64)
}

/// Returns the time from the first start to the last end.
fn nanoseconds(spans: Vec<(Instant, Instant)>) -> f64 {
    let (starts, ends): (Vec<_>, Vec<_>) = spans.into_iter().unzip();
    match (starts.into_iter().min(), ends.into_iter().max()) {
        (Some(start), Some(end)) => (end - start).as_nanos() as f64,
        _ => f64::NAN,
    }
}

/// Sender and receiver on one processor, and on two.
fn cores(effort: Effort) -> io::Result<()> {
    let mut growth = Growth::new(effort, CORES, "processors", "ns a datagram");
    let (first, second) = processors()?;
    let work = Work::batch(32);
    for (count, other) in [(1, Some(first)), (2, second)] {
        let Some(other) = other else {
            growth.skip(count, "only one processor is available");
            continue;
        };
        let mut runners = Vec::<(&'static str, Runner)>::new();
        for program in BATCHING {
            let ends = Ends::new(work)?;
            runners.push((
                program.name(),
                Box::new(move |times| apart(program, work, &ends, (first, other), times)),
            ));
        }
        growth.point(count, work.count, runners)?;
    }
    growth.save()
}

/// One receiver, and two that share a port (`SO_REUSEPORT`), each with a flow, a thread and a processor of its own. A BPF
/// program selects the receiver by the flow's source port.
fn receivers(effort: Effort) -> io::Result<()> {
    let mut growth = Growth::new(effort, RECEIVERS, "receivers", "ns a datagram of each");
    let (first, second) = processors()?;
    let work = Work::single(Work::THREE, SIZE);
    for cpus in [vec![Some(first)], vec![Some(first), second]] {
        let Some(cpus) = cpus.iter().copied().collect::<Option<Vec<_>>>() else {
            growth.skip(cpus.len(), "only one processor is available");
            continue;
        };
        let mut runners = Vec::<(&'static str, Runner)>::new();
        for program in SINGLE {
            let (ends, cpus) = (sharing(work, cpus.len())?, cpus.clone());
            runners.push((
                program.name(),
                Box::new(move |times| side_by_side(program, work, &ends, &cpus, times)),
            ));
        }
        growth.point(cpus.len(), 1, runners)?;
    }
    growth.save()
}

/// Returns senders and receivers. The receivers share a port.
fn sharing(work: Work, count: usize) -> io::Result<Vec<Ends>> {
    let lo = ipv6_std::Interface::by_name("lo")?.index();
    let (mut all, mut to) = (Vec::new(), SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0));
    for number in 0..count {
        let socket = socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::DGRAM, None)?;
        Conn::new(&socket)?.set_option(&option::REUSE_PORT, true)?;
        socket.bind(&to.into())?;
        let receiver = PacketConn::new(UdpSocket::from(socket))?;
        to = receiver.local_addr()?;
        // A source port with this remainder. Others stay open, so that their ports are not offered again.
        let mut senders = Vec::new();
        let (sender, from) = loop {
            let sender = PacketConn::bind("[::1]:0")?;
            let from = sender.local_addr()?;
            if usize::from(from.port()) % count == number {
                break (sender, from);
            }
            senders.push(sender);
        };
        all.push(Ends::with(sender, receiver, from, to, lo, work.control)?);
    }
    // Loads the source port: the UDP header follows the IPv6 header (`SKF_NET_OFF` in linux/filter.h). Divides by the
    // number of receivers, and returns the remainder.
    let (port, count) = ((-0x100_000_i32 + 40) as u32, count as u32);
    let program =
        [(0x28, port), (0x94, count), (0x16, 0)].map(|(code, k)| BpfInstruction::new(code, 0, 0, k));
    option::attach_port_selector(&all[0].receiver, &program).map_err(io::Error::from)?;
    Ok(all)
}

/// Returns the nanoseconds per piece of work of each thread, if each has its own ends and processor.
fn side_by_side(
    program: Program,
    work: Work,
    ends: &[Ends],
    cpus: &[usize],
    times: usize,
) -> io::Result<f64> {
    let barrier = Barrier::new(ends.len());
    let one = |ends: &Ends, cpu| {
        pin(cpu);
        let peer = program.between(work, ends.clone());
        barrier.wait();
        let start = Instant::now();
        let mut peer = peer.unwrap();
        (0..times).for_each(|_| peer.work());
        (start, Instant::now())
    };
    let one = &one;
    let spans = thread::scope(|scope| {
        let threads: Vec<_> =
            ends.iter().zip(cpus).map(|(ends, cpu)| scope.spawn(move || one(ends, *cpu))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    Ok(nanoseconds(spans) / times as f64)
}

/// Returns two processors on which this process may run. `None`: there is only one.
pub fn processors() -> io::Result<(usize, Option<usize>)> {
    let allowed = sched_getaffinity(Pid::from_raw(0))?;
    let mut free = (0..CpuSet::count()).filter(|&cpu| allowed.is_set(cpu) == Ok(true));
    Ok((free.next().unwrap_or(0), free.next()))
}

/// Returns the nanoseconds per piece of work if one thread sends and another receives.
fn apart(program: Program, work: Work, ends: &Ends, cpus: (usize, usize), times: usize) -> io::Result<f64> {
    // The receive buffer holds at least this many pieces of work, so no datagram is lost.
    const IN_FLIGHT: usize = 2;
    let (barrier, arrived) = (Barrier::new(2), AtomicUsize::new(0));
    let send = || {
        pin(cpus.0);
        let peer = program.between(work, ends.clone());
        barrier.wait();
        let start = Instant::now();
        let mut peer = peer.unwrap();
        for sent in 0..times {
            while sent.saturating_sub(arrived.load(Ordering::Acquire)) >= IN_FLIGHT {
                // On one processor, let the receiver run.
                if cpus.0 == cpus.1 { thread::yield_now() } else { std::hint::spin_loop() }
            }
            peer.send();
        }
        (start, Instant::now())
    };
    let receive = || {
        pin(cpus.1);
        let peer = program.between(work, ends.clone());
        barrier.wait();
        let start = Instant::now();
        // If this thread panics, the sender must not wait for ever.
        let _release = Release(&arrived);
        let mut peer = peer.unwrap();
        for _ in 0..times {
            peer.receive();
            arrived.fetch_add(1, Ordering::Release);
        }
        (start, Instant::now())
    };
    let spans = thread::scope(|scope| {
        let threads = [scope.spawn(send), scope.spawn(receive)];
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    Ok(nanoseconds(spans) / times as f64)
}

/// Marks everything as arrived when it is dropped.
struct Release<'a>(&'a AtomicUsize);

impl Drop for Release<'_> {
    fn drop(&mut self) {
        self.0.store(usize::MAX, Ordering::Release);
    }
}

/// Binds this thread to one processor. If this is not permitted, it runs on any processor.
pub fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    let _ = set.set(cpu).and_then(|()| sched_setaffinity(Pid::from_raw(0), &set));
}

/// Measures with joined groups, between two hosts in namespaces, because loopback has no multicast. It moves the process
/// into namespaces, so it must run in a separate process.
pub fn groups(effort: Effort) -> io::Result<()> {
    let mut receive = Growth::new(effort, GROUPS, "groups joined", "ns a datagram");
    let mut join = Growth::new(effort, JOINS, "groups joined", "ns for a group joined and left");
    let hosts = ipv6_testnet::enter().map_err(|forbidden| forbidden.to_string());
    match hosts.and_then(|()| Pair::new().map_err(|error| error.to_string())) {
        Ok(hosts) => groups_between(&hosts, &mut receive, &mut join)?,
        Err(why) => [&mut receive, &mut join].map(|growth| growth.skip(1, &why)).into_iter().collect(),
    }
    receive.save()?;
    join.save()
}

fn groups_between(hosts: &Pair, receive: &mut Growth, join: &mut Growth) -> io::Result<()> {
    // The kernel charges memberships to this limit. The default is sufficient on recent systems.
    let _ = hosts.b.set("net/core/optmem_max", "1048576");
    let work = Work::single(Work::THREE, SIZE);
    let interface = |index| InterfaceIndex::new(index).map_err(io::Error::other);
    let (near, far) = (interface(hosts.a.index("eth0")?)?, interface(hosts.b.index("eth0")?)?);
    let mut ends = Vec::new();
    for _ in SINGLE {
        let sender = hosts.a.run(|| PacketConn::bind((Pair::A, 0)))?;
        let receiver = hosts.b.run(|| PacketConn::bind("[::]:0"))?;
        sender.set_multicast_interface(near)?;
        let (from, mut to) = (sender.local_addr()?, receiver.local_addr()?);
        // The kernel searches the latest group first, so the first group takes the longest.
        to.set_ip(group(0));
        ends.push(Ends::with(sender, receiver, from, to, far, work.control)?);
    }
    let mut joined = 0;
    for count in [1, 10, 100, 1_000] {
        for number in joined..count {
            for ends in &ends {
                if let Err(error) = ends.receiver.join_group(group(number), far) {
                    let why = format!("group {number}: {error}");
                    receive.skip(count, &why);
                    join.skip(count, &why);
                    return Ok(());
                }
            }
        }
        joined = count;
        let (mut receivers, mut members, more) = (Vec::new(), Vec::new(), group(count));
        for (program, ends) in SINGLE.into_iter().zip(&ends) {
            let mut peer = program.between(work, ends.clone())?;
            receivers.push((program.name(), timer::repeat(move || peer.work())));
            let member = match program {
                Program::Ours => timer::repeat(move || {
                    ends.receiver.join_group(more, far).unwrap();
                    ends.receiver.leave_group(more, far).unwrap();
                }),
                _ => timer::repeat(move || {
                    by_hand::set_member(ends, more, true);
                    by_hand::set_member(ends, more, false);
                }),
            };
            members.push((program.name(), member));
        }
        receive.point(count, 1, receivers)?;
        join.point(count, 1, members)?;
    }
    Ok(())
}

/// Returns a group that no protocol uses (RFC 4291 section 2.7: transient, site-local).
fn group(number: usize) -> Ipv6Addr {
    Ipv6Addr::new(0xff15, 0, 0, 0, 0, 0, 0x1234, number as u16)
}
