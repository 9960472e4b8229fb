//! Finds the path MTU to a host: sends packets of the MTU known so far, and reads the smaller MTUs that the kernel and
//! the routers report (RFC 8201).
//!
//! ```text
//! pmtu 2001:db8:2::b
//! ```

mod common;

use std::collections::HashSet;
use std::io;
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use common::icmp::Report;
use common::{
    Outcome, Output, SEND_LIMIT, after, arguments, end_on_interrupt, is_ending, is_one_host, not_sent,
    receive, resolve, seconds,
};
use ipv6_std::{ControlFlags, PacketConn, SendControl, is_about_peer, is_too_long};
use serde_json::json;

const BELIEVES: &str = "\
It believes the path MTU of the kernel, which takes it from Packet Too Big messages that quote a packet of its socket, \
and lowers it only (RFC 8201 section 4). It believes that the host was reached if the host itself answers or reports \
the port as unreachable.

It ignores, and prints with the sender: MTUs that are not smaller than the known one, and MTUs below 1,280, the minimum \
of IPv6; errors that others than the host report. Nobody can prove a smaller MTU: any node that sees or guesses the \
ports can lower it to 1,280.

It accepts no IPv4 address: RFC 8201 is about IPv6, where routers never fragment.";

#[derive(Parser)]
#[command(about = "Finds the path MTU to a host, and the routers that limit it", after_help = BELIEVES)]
struct Options {
    /// The destination: an address, as in fe80::1%eth0, or a name, which the system looks up within its own limits
    host: String,
    /// The UDP port to send to; no program should listen on it
    #[arg(long, default_value_t = 44_444, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Seconds to wait for the answer to a probe
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    wait: Duration,
    /// Give up after this many probes without an answer
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    tries: u32,
    /// Print JSON objects, one per line
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let options: Options = arguments();
    Output::new("pmtu", options.json).run(|output| find(&options, output))
}

/// Bytes of the headers of IPv6 and UDP.
const HEADERS: u32 = 40 + 8;
/// Every link carries packets of this size (RFC 8200 section 5).
const MINIMUM: u32 = 1280;

fn find(options: &Options, output: &Output) -> Outcome<bool> {
    let mut to = resolve(&options.host)?;
    to.set_port(options.port);
    let mut search = Search::open(to, output)?;
    search.say("this host")?;
    let mut silent = 0;
    while silent < options.tries && !is_ending() {
        match search.probe(options.wait)? {
            Answer::Host => {
                let (mtu, host) = (search.mtu, to.ip());
                output.print(
                    format_args!("path MTU {mtu}: reached {host}"),
                    json!({"mtu": mtu, "reached": true, "host": host}),
                )?;
                return Ok(true);
            }
            Answer::Lower => silent = 0,
            Answer::Nothing => silent += 1,
        }
    }
    let (mtu, host) = (search.mtu, to.ip());
    let why = if is_ending() { "interrupted before an answer" } else { "no answer" };
    output.print(
        format_args!("MTU {mtu}: {why} from {host}"),
        json!({"mtu": mtu, "reached": false, "host": host}),
    )?;
    Ok(false)
}

/// The answer to a probe.
enum Answer {
    /// It reached the host: the port is closed, or a program answered.
    Host,
    /// It was too long, and the MTU was lowered.
    Lower,
    Nothing,
}

struct Search<'o> {
    /// Connected to the host. Shared with the interrupt handler, which sets the deadline.
    conn: Arc<PacketConn>,
    to: SocketAddrV6,
    mtu: u32,
    /// Whether the system has an error queue, which names the node that reports an error. The kernel has matched each
    /// error with the socket.
    queues: bool,
    /// The number of reports so far.
    reports: usize,
    /// What was ignored, so that each is printed once.
    ignored: HashSet<(Ipv6Addr, String)>,
    output: &'o Output,
}

impl<'o> Search<'o> {
    /// The most reports that are kept, and the most ignored ones that are printed.
    const MOST: usize = 64;

    fn open(to: SocketAddrV6, output: &'o Output) -> Outcome<Self> {
        is_one_host(to)?;
        let socket = UdpSocket::bind("[::]:0")?;
        socket.connect(to).map_err(|error| not_sent(&error, *to.ip()))?;
        let conn = Arc::new(PacketConn::new(socket)?);
        // The kernel refuses packets above the MTU, and sends a control message when the MTU changes.
        conn.set_dont_fragment(true)?;
        conn.set_control_flags(ControlFlags::PATH_MTU, true)?;
        conn.set_write_timeout(Some(SEND_LIMIT))?;
        let queues = conn.set_queue_errors(true).is_ok();
        let waits = Arc::clone(&conn);
        end_on_interrupt(move || waits.set_read_deadline(Some(Instant::now())))?;
        let mut search = Self { conn, to, mtu: 0, queues, reports: 0, ignored: HashSet::new(), output };
        search.mtu = search.path_mtu()?;
        Ok(search)
    }

    /// The path MTU of the kernel, but not less than the minimum (RFC 8201 section 4).
    fn path_mtu(&self) -> Outcome<u32> {
        Ok(self.conn.path_mtu()?.max(MINIMUM))
    }

    fn say(&self, who: &str) -> Outcome<()> {
        let mtu = self.mtu;
        self.output.print(format_args!("MTU {mtu}, reported by {who}"), json!({"mtu": mtu, "from": who}))
    }

    /// Sends a packet of the MTU, and waits for an answer.
    fn probe(&mut self, wait: Duration) -> Outcome<Answer> {
        let end = after(wait);
        let payload = vec![0; (self.mtu.saturating_sub(HEADERS) as usize).min(65_527)];
        let reports = self.reports;
        // The call may return the report about an earlier packet, and reports may arrive faster than packets can be
        // sent. Or the packet is too long for the MTU that the kernel knows by now.
        while let Err(error) = self.conn.send(&payload, &SendControl::new()) {
            if !is_about_peer(&error) {
                return Err(not_sent(&error, *self.to.ip()).into());
            }
            if let Some(answer) = self.reported(&error)? {
                return Ok(answer);
            }
            if end.is_some_and(|end| end <= Instant::now()) || is_ending() {
                return match self.reports == reports {
                    _ if is_ending() => Ok(Answer::Nothing),
                    true if is_too_long(&error) => {
                        let mtu = self.mtu;
                        Err(format!("packets of {mtu} bytes are too long, but no smaller MTU is reported")
                            .into())
                    }
                    true => Err(not_sent(&error, *self.to.ip()).into()),
                    false => Ok(Answer::Nothing),
                };
            }
            thread::sleep(Duration::from_millis(10));
        }
        loop {
            let answer = match receive(&self.conn, &mut [0; 64], end) {
                Ok(None) => Some(Answer::Nothing),
                // The path MTU message has no payload.
                Ok(Some(got)) if got.control.path_mtu.is_some() => self.news(false)?,
                Ok(Some(_)) => Some(Answer::Host),
                Err(error) if is_about_peer(&error) => self.reported(&error)?,
                Err(error) => return Err(error.into()),
            };
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
    }

    /// Handles an error of a call that a report caused.
    fn reported(&mut self, error: &io::Error) -> Outcome<Option<Answer>> {
        // Without a queue, nobody can tell whether the host reports this.
        self.news(!self.queues && error.kind() == io::ErrorKind::ConnectionRefused)
    }

    /// Reads what was reported. `None`: nothing to believe.
    fn news(&mut self, mut is_host: bool) -> Outcome<Option<Answer>> {
        let (mtu, host) = (self.path_mtu()?, *self.to.ip());
        let is_lower = mtu < self.mtu;
        self.mtu = mtu.min(self.mtu);
        let mut from = (!self.queues).then_some("a router, or this host".to_string());
        for (report, reporter) in self.queue()? {
            match report.mtu() {
                Some(reported) if is_lower && reported == mtu => {
                    from.get_or_insert(reporter.to_string());
                }
                None if report.is_unreachable() && reporter == host => is_host = true,
                _ => self.ignore(&report, reporter)?,
            }
        }
        if is_lower {
            self.say(&from.unwrap_or("this host".into()))?;
            return Ok(Some(Answer::Lower));
        }
        Ok(is_host.then_some(Answer::Host))
    }

    /// The queued errors of ICMPv6, with the node that reported each. Those of this host repeat the path MTU.
    fn queue(&mut self) -> Outcome<Vec<(Report, Ipv6Addr)>> {
        let mut all = Vec::new();
        if !self.queues {
            return Ok(all);
        }
        self.conn.drain_errors(|reported, _| {
            let report = Report::queued(&reported.error, *reported.destination.ip(), &[]);
            // The rest of a flood is dropped.
            if all.len() < Self::MOST {
                all.extend(report.zip(reported.error.reporter));
            }
        })?;
        self.reports += all.len();
        Ok(all)
    }

    /// Prints a report that is not believed, once.
    fn ignore(&mut self, report: &Report, from: Ipv6Addr) -> Outcome<()> {
        let (text, known) = (report.to_string(), self.mtu);
        if self.ignored.len() == Self::MOST || !self.ignored.insert((from, text.clone())) {
            return Ok(());
        }
        let why = match report.mtu() {
            Some(mtu) if mtu < MINIMUM => format!("less than {MINIMUM}, the minimum"),
            Some(_) => format!("not less than {known}"),
            None => "not from the host".into(),
        };
        self.output.print(
            format_args!("ignored: {text}, reported by {from}: {why}"),
            json!({"ignored": text, "mtu": report.mtu(), "from": from, "reason": why}),
        )
    }
}
