//! Sends to a multicast group, or prints the datagrams that a group receives, from any source or from chosen ones.
//!
//! ```text
//! mcast recv --group ff3e::8000:1 --source 2001:db8:1::1 --interface eth0 --port 7000
//! mcast send --group ff3e::8000:1 --interface eth0 --port 7000 --hop-limit 4 --count 10
//! ```

mod common;

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use common::{
    Outcome, Output, after, arguments, byte, earlier, end_on_interrupt, group, interface, is_ending,
    own_address, receive_datagram, seconds,
};
use ipv6_std::{ControlFlags, PacketConn, Received, SendControl};
use serde_json::json;

#[derive(Parser)]
#[command(about = "Sends to a multicast group, or prints the datagrams that it receives")]
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
    /// The group to join
    #[arg(long, value_parser = |text: &str| group(text).map(|group| *group.ip()))]
    group: Ipv6Addr,
    /// Receive from this source only; may be repeated
    #[arg(long)]
    source: Vec<Ipv6Addr>,
    /// Receive from any source but this one; may be repeated
    #[arg(long, conflicts_with = "source")]
    exclude: Vec<Ipv6Addr>,
    /// The interface to join the group on
    #[arg(long, value_name = "NAME")]
    interface: String,
    /// The UDP port
    #[arg(long)]
    port: u16,
    /// Stop after this many datagrams
    #[arg(long)]
    count: Option<u64>,
    /// Stop after this many seconds; with fewer datagrams than --count, the exit status is 1
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
}

#[derive(clap::Args)]
struct Send {
    /// The group to send to
    #[arg(long, value_parser = |text: &str| group(text).map(|group| *group.ip()))]
    group: Ipv6Addr,
    /// The interface to send on
    #[arg(long, value_name = "NAME")]
    interface: String,
    /// The UDP port
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// The source address, which must be one of this host
    #[arg(long)]
    source: Option<Ipv6Addr>,
    /// The hop limit: 1 stays on the link
    #[arg(long, default_value_t = 1)]
    hop_limit: u8,
    /// The traffic class (DSCP and ECN), as in 0xe0
    #[arg(long, default_value = "0", value_parser = byte)]
    traffic_class: u8,
    /// Also deliver to listeners on this host
    #[arg(long = "loop")]
    loopback: bool,
    /// Stop after this many datagrams
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
    let Recv { group, port, count, .. } = *options;
    let interface = interface(&options.interface)?;
    let conn = PacketConn::bind_reusable(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0))
        .map_err(|error| format!("port {port}: {error}"))?;
    conn.set_control_flags(ControlFlags::all(), true)?;
    if options.source.is_empty() {
        conn.join_group(group, &interface)?;
    }
    for source in &options.source {
        conn.join_source_group(group, *source, &interface)
            .map_err(|error| format!("source {source}: {error}"))?;
    }
    for source in &options.exclude {
        conn.exclude_source(group, *source, &interface)
            .map_err(|error| format!("source {source}: {error}"))?;
    }

    let conn = Arc::new(conn);
    let waits = Arc::clone(&conn);
    end_on_interrupt(move || waits.set_read_deadline(Some(Instant::now())))?;
    let end = options.timeout.and_then(after);
    let mut tally = Tally::default();
    let mut progress = Progress::new();
    let mut payload = vec![0; 65_536];
    while count.is_none_or(|count| tally.received < count) {
        let Some(got) = receive_datagram(&conn, &mut payload, earlier(end, progress.next))? else {
            if is_ending() || end.is_some_and(|end| end <= Instant::now()) {
                break;
            }
            progress.show(tally.received, &tally.to_string())?;
            continue;
        };
        // The port also receives unicast, and groups that another program has joined.
        let Received { len, source, control, .. } = got;
        if control.destination != Some(group) || control.interface != Some(interface.index()) {
            continue;
        }
        let sequence = sequence(&payload[..len]);
        tally.add(source, sequence);
        if progress.beside_output {
            progress.clear()?;
        }
        let number = sequence.map_or(String::new(), |number| format!("number {number}, "));
        output.print(
            format_args!("{number}{len} bytes from {source}: {control}"),
            json!({
                "bytes": len, "source": source.ip(), "port": source.port(), "sequence": sequence,
                "traffic_class": control.traffic_class, "hop_limit": control.hop_limit,
                "destination": control.destination, "interface": interface.name(),
            }),
        )?;
    }
    progress.clear()?;
    output.print(&tally, json!({"received": tally.received, "lost": tally.lost()}))?;
    Ok(count.is_none_or(|count| tally.received >= count))
}

fn send(options: &Send, output: &Output) -> Outcome<bool> {
    let interface = interface(&options.interface)?;
    let conn = PacketConn::bind("[::]:0")?;
    own_address(options.source, Some(&interface))?;
    conn.set_multicast_loopback(options.loopback)?;
    let mut control = SendControl::new()
        .with_interface(interface.index())
        .with_hop_limit(options.hop_limit)
        .with_traffic_class(options.traffic_class);
    control.source = options.source;

    let to = SocketAddrV6::new(options.group, options.port, 0, 0);
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
        conn.send_to(&payload, &control, to)?;
        sent += 1;
        if progress.next.is_some_and(|next| next <= Instant::now()) {
            progress.show(sent, &format!("{sent} sent"))?;
        }
    }
    progress.clear()?;
    output.print(format_args!("{sent} sent to {to} on {interface}, {control}"), json!({ "sent": sent }))?;
    Ok(true)
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
    senders: HashMap<SocketAddrV6, Sender>,
}

/// The numbers received from one sender.
struct Sender {
    first: u64,
    last: u64,
    count: u64,
}

impl Tally {
    fn add(&mut self, source: SocketAddrV6, sequence: Option<u64>) {
        self.received += 1;
        let Some(number) = sequence else { return };
        let sender = self.senders.entry(source).or_insert(Sender { first: number, last: number, count: 0 });
        sender.first = sender.first.min(number);
        sender.last = sender.last.max(number);
        sender.count += 1;
    }

    fn lost(&self) -> u64 {
        let lost = |sender: &Sender| (sender.last - sender.first).saturating_sub(sender.count - 1);
        self.senders.values().map(lost).fold(0, u64::saturating_add)
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} received, {} lost", self.received, self.lost())
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

    fn show(&mut self, count: u64, text: &str) -> io::Result<()> {
        let (time, before) = self.since;
        let rate = (count - before) as f64 / time.elapsed().as_secs_f64();
        (self.next, self.since) = (after(Self::PERIOD), (Instant::now(), count));
        write!(io::stderr(), "\r\x1b[K{text}, {rate:.0} per second")
    }

    /// Erases the line, so that the next output does not follow it.
    fn clear(&self) -> io::Result<()> {
        if self.next.is_some() { write!(io::stderr(), "\r\x1b[K") } else { Ok(()) }
    }
}
