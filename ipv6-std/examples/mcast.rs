//! Sends to a multicast group, or prints what a group receives, from any source or from those chosen.
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
    Outcome, Output, after, byte, earlier, end_on_interrupt, group, interface, is_ending, own_address,
    receive, run, seconds,
};
use ipv6_std::{ControlFlags, PacketConn, Received, SendControl};
use serde_json::json;

#[derive(Parser)]
#[command(about = "Sends to a multicast group, or prints what a group receives")]
struct Options {
    #[command(subcommand)]
    command: Command,
    /// Print JSON objects, one a line
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
    #[arg(long, value_parser = group)]
    group: Ipv6Addr,
    /// Hear this source only; may be given several times
    #[arg(long)]
    source: Vec<Ipv6Addr>,
    /// Hear any source but this one; may be given several times
    #[arg(long, conflicts_with = "source")]
    exclude: Vec<Ipv6Addr>,
    /// The interface to join it on
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
    #[arg(long, value_parser = group)]
    group: Ipv6Addr,
    /// The interface to send by
    #[arg(long, value_name = "NAME")]
    interface: String,
    /// The UDP port
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// The address to send from, one of this host's
    #[arg(long)]
    source: Option<Ipv6Addr>,
    /// How many routers may forward it, plus one
    #[arg(long, default_value_t = 1)]
    hop_limit: u8,
    /// DSCP and ECN together, as in 0xe0
    #[arg(long, default_value = "0", value_parser = byte)]
    traffic_class: u8,
    /// Let listeners on this host hear it, too
    #[arg(long = "loop")]
    loopback: bool,
    /// Stop after this many datagrams
    #[arg(long)]
    count: Option<u64>,
    /// From one datagram to the next
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    interval: Duration,
    /// Bytes of payload
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(32..=65527))]
    size: u16,
}

fn main() -> ExitCode {
    let Options { command, json } = Options::parse();
    let output = Output { json };
    run("mcast", || match command {
        Command::Recv(options) => recv(&options, &output),
        Command::Send(options) => send(&options, &output),
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
        let Some(got) = receive(&conn, &mut payload, earlier(end, progress.next))? else {
            if is_ending() || end.is_some_and(|end| end <= Instant::now()) {
                break;
            }
            progress.show(tally.received, &tally.to_string())?;
            continue;
        };
        // The port also gets what is sent to this host alone, or to a group that another program joined.
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
    output.print(format_args!("{sent} sent to {to} by {interface}, {control}"), json!({ "sent": sent }))?;
    Ok(true)
}

/// Sleeps for so long, or until the program is to end.
fn pause(interval: Duration) {
    let start = Instant::now();
    while let Some(left) =
        interval.checked_sub(start.elapsed()).filter(|left| !left.is_zero() && !is_ending())
    {
        thread::park_timeout(left);
    }
}

/// What a datagram of `mcast send` starts with, before its number.
const MARK: &str = "mcast ";

/// The number of a datagram that `mcast send` sent.
fn sequence(payload: &[u8]) -> Option<u64> {
    let (number, _) = payload.strip_prefix(MARK.as_bytes())?.split_at_checked(20)?;
    str::from_utf8(number).ok()?.split(' ').next()?.parse().ok()
}

/// Counts what came, and by the numbers what did not.
#[derive(Default)]
struct Tally {
    received: u64,
    senders: HashMap<SocketAddrV6, Sender>,
}

/// The numbers that came from one sender.
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

/// A line on standard error that is written anew every second, if a person is looking.
struct Progress {
    /// When it is due; never if nobody is looking.
    next: Option<Instant>,
    /// Whether the same person sees what is printed.
    beside_output: bool,
    /// Since when it counts, and from where.
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
        write!(io::stderr(), "\r\x1b[K{text}, {rate:.0} a second")
    }

    /// Takes the line away, so that what is printed next is not beside it.
    fn clear(&self) -> io::Result<()> {
        if self.next.is_some() { write!(io::stderr(), "\r\x1b[K") } else { Ok(()) }
    }
}
