//! Sends to a multicast group, or prints the datagrams that a group receives, from any source or from chosen ones.
//!
//! ```text
//! mcast recv --group ff3e::8000:1 --source 2001:db8:1::1 --interface eth0 --port 7000
//! mcast send --group ff3e::8000:1 --interface eth0 --port 7000 --hop-limit 4 --count 10
//! ```

mod common;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, IsTerminal, Write};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use common::{
    Outcome, Output, SEND_LIMIT, Watch, address_of_both, after, arguments, byte, cannot_send, earlier,
    end_on_interrupt, group, interface, is_ending, own_address, plain, receive_datagram, seconds,
};
use ipv6_std::{ControlFlags, Interface, InterfaceIndex, PacketConn, Received, SendControl};
use serde_json::json;

const BELIEVES: &str = "\
recv believes the source address and the number of a datagram: nobody signs them. It prints datagrams to the group, on the \
interface, and with --source and --exclude the kernel drops the others. A number that is more than 1,000 after the last \
one, or more than 127 before it, counts when the next number follows; until then, and when it is more than 1,000,000 \
ahead, nothing counts as lost. It counts for 1,024 senders; if there are more, the oldest that sent one datagram is forgotten.

send receives nothing.";

#[derive(Parser)]
#[command(after_help = BELIEVES, about = "Sends to a multicast group, or prints the datagrams that it receives")]
struct Options {
    #[command(subcommand)]
    command: Command,
    /// Print JSON objects, one per line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Prints every datagram that a group receives, with its control messages
    Recv(Recv),
    /// Sends numbered datagrams to a group
    Send(Send),
}

#[derive(clap::Args)]
struct Recv {
    /// The group to join, as in ff02::114, ff02::114%eth0 or, of IPv4, 239.1.2.3
    #[arg(long, value_parser = group)]
    group: SocketAddrV6,
    /// Receive from this source only; may be repeated
    #[arg(long, value_parser = address_of_both)]
    source: Vec<SocketAddrV6>,
    /// Receive from any source but this one; may be repeated
    #[arg(long, conflicts_with = "source", value_parser = address_of_both)]
    exclude: Vec<SocketAddrV6>,
    /// The interface to join the group on; needed unless the group has one
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// End with an error when the interface disappears, instead of waiting for it
    #[arg(long)]
    once: bool,
    /// The UDP port
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Stop after this many datagrams
    #[arg(long)]
    count: Option<u64>,
    /// Stop after this many seconds; with fewer datagrams than --count, the exit status is 1. No limit without it
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
}

#[derive(clap::Args)]
struct Send {
    /// The group to send to, as in ff02::114, ff02::114%eth0 or, of IPv4, 239.1.2.3
    #[arg(long, value_parser = group)]
    group: SocketAddrV6,
    /// The interface to send on; needed unless the group has one
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// The UDP port
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// The source address, which must be one of this host
    #[arg(long, value_parser = address_of_both)]
    source: Option<SocketAddrV6>,
    /// The hop limit: 1 stays on the link
    #[arg(long, default_value_t = 1)]
    hop_limit: u8,
    /// The traffic class (DSCP and ECN), as in 0xe0
    #[arg(long, default_value = "0", value_parser = byte)]
    traffic_class: u8,
    /// Also deliver to listeners on this host
    #[arg(long = "loop")]
    loopback: bool,
    /// Stop after this many datagrams; no limit without it
    #[arg(long)]
    count: Option<u64>,
    /// Seconds between datagrams
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    interval: Duration,
    /// Bytes of payload
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(32..=65527))]
    size: u16,
}

fn main() -> ExitCode {
    let Options { command, json } = arguments();
    Output::new("mcast", json).run(|output| match command {
        Command::Recv(options) => recv(&options, output),
        Command::Send(options) => send(&options, output),
    })
}

fn recv(options: &Recv, output: &Output) -> Outcome<bool> {
    let Recv { port, count, .. } = *options;
    let group = *options.group.ip();
    let interface = on_interface(options.interface.as_deref(), options.group)?;
    for source in options.source.iter().chain(&options.exclude) {
        is_on(source, &interface)?;
    }
    let builder = PacketConn::builder().reusable(true).only_v6(!is_ipv4(group));
    let conn = builder
        .bind(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0))
        .map_err(|error| format!("port {port}: {error}"))?;
    conn.set_control_flags(ControlFlags::SUPPORTED, true)?;
    join(&conn, options, &interface)?;
    let mut watch = Watch::new(interface, options.once, group);

    let conn = Arc::new(conn);
    let waits = Arc::clone(&conn);
    end_on_interrupt(move || waits.set_read_deadline(Some(Instant::now())))?;
    let end = options.timeout.and_then(after);
    let mut tally = Tally::default();
    let mut progress = Progress::new();
    let mut payload = vec![0; 65_536];
    while count.is_none_or(|count| tally.received < count) {
        watch.look(output, |before, now| {
            // An interface with its old index has memberships of its own.
            let _ = conn.leave_group(group, before);
            join(&conn, options, now)
        })?;
        let until = [progress.next, watch.next()].into_iter().fold(end, earlier);
        let Some(got) = receive_datagram(&conn, &mut payload, until)? else {
            if is_ending() || end.is_some_and(|end| end <= Instant::now()) {
                break;
            }
            progress.show(tally.received, &tally.to_string());
            continue;
        };
        let interface = watch.interface();
        // The port also receives unicast, and groups that another program has joined.
        let Received { len, source, control, .. } = got;
        if control.destination != Some(group) || control.interface != Some(interface.index()) {
            continue;
        }
        let sequence = sequence(&payload[..len]);
        tally.add(source, sequence);
        if progress.beside_output {
            progress.clear();
        }
        let number = sequence.map_or(String::new(), |number| format!("number {number}, "));
        output.print(
            format_args!("{number}{len} bytes from {}: {control}", plain(source)),
            json!({
                "bytes": len, "source": source.ip().to_canonical(), "port": source.port(), "sequence": sequence,
                "traffic_class": control.traffic_class, "hop_limit": control.hop_limit,
                "destination": group.to_canonical(), "interface": interface.name(),
            }),
        )?;
    }
    progress.clear();
    output.print(&tally, json!({"received": tally.received, "lost": tally.lost}))?;
    Ok(count.is_none_or(|count| tally.received >= count))
}

fn send(options: &Send, output: &Output) -> Outcome<bool> {
    let interface = on_interface(options.interface.as_deref(), options.group)?;
    let source = options.source.as_ref().map(|source| is_on(source, &interface)).transpose()?;
    let conn = PacketConn::builder().only_v6(!is_ipv4(*options.group.ip())).bind("[::]:0")?;
    if let Some(source) = source.filter(|source| is_ipv4(*source) != is_ipv4(*options.group.ip())) {
        let (source, group) = (source.to_canonical(), options.group.ip().to_canonical());
        return Err(format!("the source {source} and the group {group} are not of one family").into());
    }
    own_address(source, Some(&interface))?;
    conn.set_write_timeout(Some(SEND_LIMIT))?;
    conn.set_multicast_loopback(options.loopback)?;
    let mut control = SendControl::new()
        .with_interface(interface.index())
        .with_hop_limit(options.hop_limit)
        .with_traffic_class(options.traffic_class);
    control.source = source;

    let group = *options.group.ip();
    let to = SocketAddrV6::new(group, options.port, 0, 0);
    let this = thread::current();
    end_on_interrupt(move || this.unpark())?;
    let mut progress = Progress::new();
    let mut sent = 0;
    while options.count.is_none_or(|count| sent < count) {
        if sent > 0 {
            pause(options.interval);
        }
        if is_ending() {
            break;
        }
        let mut payload = format!("{MARK}{sent} ").into_bytes();
        payload.resize(usize::from(options.size) - 1, b'.');
        payload.push(b'\n');
        conn.send_to(&payload, &control, to).map_err(|error| cannot_send(&interface, group, error))?;
        sent += 1;
        progress.show(sent, &format!("{sent} sent"));
    }
    progress.clear();
    let to = plain(to);
    output.print(format_args!("{sent} sent to {to} on {interface}, {control}"), json!({ "sent": sent }))?;
    // Interrupted before `count`: status 130.
    Ok(options.count.is_none_or(|count| sent >= count))
}

/// Whether a group is one of IPv4: a dual-stack socket can join it.
fn is_ipv4(group: Ipv6Addr) -> bool {
    group.to_ipv4_mapped().is_some()
}

/// The interface with this name, or that of the group.
fn on_interface(name: Option<&str>, group: SocketAddrV6) -> Outcome<Interface> {
    let ip = group.ip();
    let interface = match (name, InterfaceIndex::new(group.scope_id())) {
        (Some(name), _) => interface(name)?,
        (None, Ok(index)) => interface(&Interface::name_of(index)?)?,
        (None, Err(_)) => {
            let zone = if is_ipv4(*ip) { String::new() } else { format!(" or {ip}%eth0") };
            let ip = ip.to_canonical();
            return Err(format!("{ip} needs an interface, as in --interface eth0{zone}").into());
        }
    };
    is_on(&group, &interface)?;
    Ok(interface)
}

/// The address without its zone, which must not be another interface.
fn is_on(address: &SocketAddrV6, interface: &Interface) -> Outcome<Ipv6Addr> {
    match address.scope_id() {
        0 => {}
        scope if scope == interface.index().get() => {}
        scope => {
            let ip = address.ip();
            return Err(format!("{ip}%{scope} is on another interface than {interface}").into());
        }
    }
    Ok(*address.ip())
}

/// Joins the group, from any source or from the chosen ones.
fn join(conn: &PacketConn, options: &Recv, on: &Interface) -> io::Result<()> {
    let group = *options.group.ip();
    let named = |source: &SocketAddrV6, joined: io::Result<()>| {
        joined.map_err(|error| {
            io::Error::new(error.kind(), format!("source {}: {error}", source.ip().to_canonical()))
        })
    };
    if options.source.is_empty() {
        conn.join_group(group, on)?;
    }
    for source in &options.source {
        named(source, conn.join_source_group(group, *source.ip(), on))?;
    }
    for source in &options.exclude {
        named(source, conn.exclude_source(group, *source.ip(), on))?;
    }
    Ok(())
}

/// Sleeps for `interval`, or until the program is to end.
fn pause(interval: Duration) {
    let start = Instant::now();
    while let Some(left) =
        interval.checked_sub(start.elapsed()).filter(|left| !left.is_zero() && !is_ending())
    {
        thread::park_timeout(left);
    }
}

/// The start of a datagram of `mcast send`. The number follows.
const MARK: &str = "mcast ";

/// The number in a datagram of `mcast send`.
fn sequence(payload: &[u8]) -> Option<u64> {
    let (number, _) = payload.strip_prefix(MARK.as_bytes())?.split_at_checked(20)?;
    str::from_utf8(number).ok()?.split(' ').next()?.parse().ok()
}

/// Counts the received datagrams, and by their numbers the lost ones.
#[derive(Default)]
struct Tally {
    received: u64,
    lost: u64,
    senders: HashMap<SocketAddrV6, Sender>,
}

impl Tally {
    /// The most senders whose numbers are known.
    const MOST: usize = 1024;

    fn add(&mut self, source: SocketAddrV6, sequence: Option<u64>) {
        self.received += 1;
        let Some(number) = sequence else { return };
        if self.senders.len() == Self::MOST && !self.senders.contains_key(&source) {
            // Forged sources send once; those that send more stay.
            let oldest = self.senders.iter().min_by_key(|(_, sender)| (sender.is_lasting, sender.heard));
            let oldest = oldest.map(|(source, _)| *source);
            oldest.and_then(|oldest| self.senders.remove(&oldest));
        }
        match self.senders.entry(source) {
            Entry::Vacant(new) => {
                new.insert(Sender::new(number, self.received));
            }
            Entry::Occupied(mut known) => {
                let sender = known.get_mut();
                (sender.is_lasting, sender.heard) = (true, self.received);
                self.lost = self.lost.saturating_add_signed(sender.receive(number));
            }
        }
    }
}

/// The numbers received from one sender.
struct Sender {
    first: u64,
    last: u64,
    /// Which of the numbers up to `last` were received: `last` is the lowest bit.
    window: u128,
    /// The number after one that is far from the others: forged, or the start of a new sequence if this one follows.
    after_jump: Option<u64>,
    /// Whether more than one datagram came.
    is_lasting: bool,
    /// How many datagrams of all senders had come at the last one.
    heard: u64,
}

impl Sender {
    /// The most numbers that count as lost between two datagrams.
    const NEAR: u64 = 1000;
    /// The same, when the number after confirms the second one.
    const FAR: u64 = 1_000_000;

    fn new(number: u64, heard: u64) -> Self {
        Self { first: number, last: number, window: 1, after_jump: None, is_lasting: false, heard }
    }

    /// Adds a number. Returns how many more are lost than before.
    fn receive(&mut self, number: u64) -> i64 {
        if let Some(ahead) = number.checked_sub(self.last).filter(|ahead| (1..=Self::NEAR).contains(ahead)) {
            self.advance(ahead);
            return ahead as i64 - 1;
        }
        if let Some(behind) = self.last.checked_sub(number).filter(|behind| *behind < 128) {
            return self.fill(number, 1 << behind);
        }
        if self.after_jump != Some(number) {
            self.after_jump = number.checked_add(1);
            return 0;
        }
        // `number` and the one before it were received.
        if let Some(ahead) = number.checked_sub(self.last).filter(|ahead| *ahead <= Self::FAR) {
            self.advance(ahead);
            self.window |= 2;
            return ahead as i64 - 2;
        }
        // The sender has started again.
        (self.first, self.last, self.window, self.after_jump) = (number - 1, number, 3, None);
        0
    }

    fn advance(&mut self, by: u64) {
        self.last += by;
        self.window = u32::try_from(by).ok().and_then(|by| self.window.checked_shl(by)).unwrap_or(0) | 1;
        self.after_jump = None;
    }

    /// Adds a number that is late, or came before.
    fn fill(&mut self, number: u64, bit: u128) -> i64 {
        let is_known = self.window & bit != 0;
        self.window |= bit;
        match self.first.checked_sub(number) {
            _ if is_known => 0,
            None | Some(0) => -1,
            Some(before) => {
                self.first = number;
                before as i64 - 1
            }
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} received, {} lost", self.received, self.lost)
    }
}

/// A line on standard error, rewritten every second, if that is a terminal.
struct Progress {
    /// When to write it next; `None` if standard error is no terminal.
    next: Option<Instant>,
    /// Whether standard output is a terminal too.
    beside_output: bool,
    /// Time and count of the last line.
    since: (Instant, u64),
}

impl Progress {
    const PERIOD: Duration = Duration::from_secs(1);

    fn new() -> Self {
        let next = io::stderr().is_terminal().then(|| after(Self::PERIOD)).flatten();
        Self { next, beside_output: io::stdout().is_terminal(), since: (Instant::now(), 0) }
    }

    /// Shows the line if it is time.
    fn show(&mut self, count: u64, text: &str) {
        if self.next.is_none_or(|next| next > Instant::now()) {
            return;
        }
        let (time, before) = self.since;
        let rate = (count - before) as f64 / time.elapsed().as_secs_f64();
        (self.next, self.since) = (after(Self::PERIOD), (Instant::now(), count));
        // Not an error: the terminal may be gone.
        let _ = write!(io::stderr(), "\r\x1b[K{text}, {rate:.0} per second");
    }

    /// Erases the line, so that the next output does not follow it.
    fn clear(&self) {
        if self.next.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
