//! Sends the requests, and handles the replies and the errors.

use std::io;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipv6_std::{Received, Reported};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::common::icmp::{Message, Quoted, Report, nonce};
use crate::common::task::{at, stop};
use crate::common::{Outcome, Output, PAUSE, after, earlier, is_ending, lacks_memory, printable};
use crate::echo::Echo;
use crate::interface_name;
use crate::options::Options;
use crate::target::{Target, names};

/// The minimum MTU of a link (RFC 8200 section 5).
const LEAST_MTU: u32 = 1280;

pub async fn ping(options: &Arc<Options>, output: &Output) -> Outcome<bool> {
    let stop = stop()?;
    // A terminal or a pipe may keep it waiting.
    let read = Arc::clone(options);
    let read = tokio::task::spawn_blocking(move || names(&read).map_err(|error| error.to_string()));
    let names = tokio::select! {
        names = read => names??,
        () = stop.notified() => return Ok(false),
    };
    let (mut targets, mut unknown) = (Vec::new(), 0);
    tokio::select! {
        found = find(&names, options, output, &mut targets) => unknown += found?,
        () = stop.notified() => return Ok(false),
    }
    let mut ping = Ping {
        echo: Echo::open(options)?,
        data: data(options.size),
        requests: Vec::new(),
        sent: 0,
        is_error_known: false,
        is_one: names.len() == 1,
        targets,
        output,
    };
    ping.run(options, &stop).await?;
    ping.summarize(unknown)
}

/// Looks all names up at once. Returns how many are not known.
async fn find(
    names: &[String],
    options: &Arc<Options>,
    output: &Output,
    targets: &mut Vec<Target>,
) -> Outcome<usize> {
    let find = |name: &String| {
        let (name, options) = (name.clone(), Arc::clone(options));
        tokio::task::spawn_blocking(move || Target::new(&name, &options).map_err(|error| error.to_string()))
    };
    let all: Vec<_> = names.iter().map(find).collect();
    let mut unknown = 0;
    for (name, found) in names.iter().zip(all) {
        match found.await? {
            Ok(target) => targets.push(target),
            // The other hosts may be in order.
            Err(error) if names.len() > 1 => {
                unknown += 1;
                output.print(
                    format_args!("{}: {error}", printable(name)),
                    json!({"host": name, "error": error}),
                )?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(unknown)
}

/// The data of each request: random bytes that distinguish them from those of other programs, and a pattern.
fn data(size: u16) -> Vec<u8> {
    let nonce = nonce();
    (0..size).map(|at| *nonce.get(usize::from(at)).unwrap_or(&(at as u8))).collect()
}

/// The requests and their results.
struct Ping<'o> {
    echo: Echo,
    targets: Vec<Target>,
    /// Whether the user named one host only. Then the lines do not name it.
    is_one: bool,
    /// The data of each request.
    data: Vec<u8>,
    /// Indexed by sequence number, which wraps after 65,535.
    requests: Vec<Request>,
    /// The number of requests to all hosts.
    sent: u64,
    /// Whether the next call may fail with an error that was already read from the queue.
    is_error_known: bool,
    output: &'o Output,
}

/// A request and the time when it was sent.
struct Request {
    /// Index of the host.
    target: usize,
    /// The number of this request among those to the host.
    number: u64,
    sent: Instant,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    Waiting,
    Answered,
    /// An error of this host or of a router was reported.
    Failed,
}

impl Ping<'_> {
    /// Sends the requests one at a time, spread over the interval, so that the replies of many hosts do not overflow the
    /// receive buffer.
    async fn run(&mut self, options: &Options, stop: &Notify) -> Outcome<()> {
        let hosts = self.targets.len() as u64;
        let total = match options.count {
            Some(0) => u64::MAX,
            count => count.unwrap_or(5).saturating_mul(hosts),
        };
        let wait = options.timeout.unwrap_or(Duration::from_secs(1));
        let at_once = options.interval.is_zero();
        let pause =
            if at_once { Duration::from_millis(10) } else { options.interval.max(Duration::from_millis(1)) };
        let pause = pause / u32::try_from(hosts.max(1))?;

        let (mut next, mut end) = (Some(Instant::now()), None);
        let mut packet = vec![0; 65_536];
        while !is_ending() {
            if self.sent < total && next.is_some_and(|next| next <= Instant::now()) {
                self.send().await?;
                next = after(pause);
                if self.sent == total {
                    (next, end) = (None, after(wait));
                }
            }
            if self.sent >= total && !self.is_waiting() {
                break;
            }
            let got = tokio::select! {
                got = self.echo.conn.recv_from(&mut packet) => got.map(Some),
                () = at(earlier(end, next)) => Ok(None),
                () = stop.notified() => break,
            };
            let is_news = match got {
                Ok(Some(got)) => self.hear(&packet[..got.len], &got)?,
                Ok(None) if self.sent >= total => break,
                Ok(None) => false,
                Err(error) if lacks_memory(&error) => {
                    tokio::time::sleep(PAUSE).await;
                    false
                }
                Err(error) => self.hear_errors(error)?,
            };
            if is_news && at_once && next.is_some() {
                next = Some(Instant::now());
            }
        }
        Ok(())
    }

    /// Sends a request to the next host.
    async fn send(&mut self) -> Outcome<()> {
        let sequence = self.sent as u16;
        let target = (self.sent % self.targets.len() as u64) as usize;
        let Target { to, tally, .. } = &mut self.targets[target];
        let (to, number) = (*to, tally.sent);
        tally.sent += 1;
        self.sent += 1;
        let request = Request { target, number, sent: Instant::now(), state: State::Waiting };
        match self.requests.get_mut(usize::from(sequence)) {
            Some(before) => *before = request,
            None => self.requests.push(request),
        }
        let mut sent = self.echo.send(sequence, &self.data, to).await;
        while let Err(error) = sent {
            // The send may fail with the error of an earlier request. Read the queue and send again.
            sent = match self.hear_errors(error) {
                Ok(_) => self.echo.send(sequence, &self.data, to).await,
                Err(error) => return self.not_sent(sequence, error.as_ref()),
            };
        }
        Ok(())
    }

    fn not_sent(&mut self, sequence: u16, error: &(dyn std::error::Error + 'static)) -> Outcome<()> {
        let request = &mut self.requests[usize::from(sequence)];
        request.state = State::Failed;
        let (index, number) = (request.target, request.number);
        let target = &self.targets[index];
        let why = error.downcast_ref().map_or_else(|| error.to_string(), |error| target.why(error));
        self.print(index, format_args!("not sent: {why}"), json!({"error": why, "sequence": number}))
    }

    /// Prints a line about a host.
    fn print(&self, target: usize, text: impl std::fmt::Display, mut object: Value) -> Outcome<()> {
        let name = &self.targets[target].name;
        object["host"] = name.as_str().into();
        match self.is_one {
            true => self.output.print(text, object),
            false => self.output.print(format_args!("{}: {text}", printable(name)), object),
        }
    }

    /// Whether another reply may arrive. A group may have any number of members.
    fn is_waiting(&self) -> bool {
        self.targets.iter().any(|target| target.to.ip().is_multicast())
            || self.requests.iter().any(|of| of.state == State::Waiting)
    }

    /// Handles a received message. Returns whether it concerns a request of this program.
    fn hear(&mut self, message: &[u8], got: &Received) -> Outcome<bool> {
        match Message::read(message) {
            Message::Reply { id, seq, data } if self.echo.is_ours(id) && data == self.data => {
                let Some(request) = self.requests.get_mut(usize::from(seq)) else { return Ok(false) };
                let again = request.state == State::Answered;
                let time = request.sent.elapsed();
                request.state = State::Answered;
                let (target, number) = (request.target, request.number);
                self.targets[target].tally.add(time, again);
                let (text, object) = reply(number, message.len(), got, time, again);
                self.print(target, text, object)?;
                Ok(true)
            }
            Message::Error(report) => self.fail(&report, *got.source.ip()),
            _ => Ok(false),
        }
    }

    /// Reads the error queue of an unprivileged socket. Returns `error` if that does not come from the queue.
    fn hear_errors(&mut self, error: io::Error) -> Outcome<bool> {
        let mut is_news = false;
        let mut quoted = [0; 64];
        while let Some(reported) = self.echo.queued(&mut quoted)? {
            let Reported { error, destination, len, .. } = reported;
            if let Some(report) = Report::queued(&error, *destination.ip(), &quoted[..len]) {
                is_news |= self.fail(&report, error.reporter.unwrap_or(*destination.ip()))?;
            }
            self.is_error_known = true;
        }
        // The kernel queues an error, and then fails the next call with it.
        if is_news || std::mem::take(&mut self.is_error_known) { Ok(is_news) } else { Err(error.into()) }
    }

    /// Marks the request of this program that an error is about.
    fn fail(&mut self, report: &Report, from: Ipv6Addr) -> Outcome<bool> {
        let Quoted::Echo { id, seq, data } = report.quoted else { return Ok(false) };
        // Another host does not know these bytes, unless it is on the path.
        let is_our_data =
            data.is_none_or(|data| self.data.starts_with(&data) || self.data.len() < data.len());
        let Some(request) = self.requests.get_mut(usize::from(seq)) else { return Ok(false) };
        let (index, number) = (request.target, request.number);
        let target = &mut self.targets[index];
        if report.destination != *target.to.ip()
            || !self.echo.is_ours(id)
            || !is_our_data
            || request.state != State::Waiting
        {
            return Ok(false);
        }
        // A link with a smaller MTU carries no IPv6, and a packet that fits is not too big (RFC 8201 section 4).
        let len = self.data.len() as u32 + 48;
        if report.mtu().is_some_and(|mtu| !(LEAST_MTU..len).contains(&mtu)) {
            target.tally.ignored += 1;
            return Ok(false);
        }
        request.state = State::Failed;
        self.print(
            index,
            format_args!("number {number}: {report}, reported by {from}"),
            json!({"error": report.to_string(), "from": from, "sequence": number, "mtu": report.mtu()}),
        )?;
        Ok(true)
    }

    /// Prints the results. Returns whether all hosts replied.
    fn summarize(&self, unknown: usize) -> Outcome<bool> {
        for (index, target) in self.targets.iter().enumerate() {
            let (text, object) = target.tally.summary(&target.name);
            self.print(index, text, object)?;
        }
        let replied = self.targets.iter().filter(|target| target.tally.received > 0).count();
        let hosts = self.targets.len() + unknown;
        if !self.is_one {
            self.output.print(
                format_args!("{hosts} hosts, {replied} replied"),
                json!({"hosts": hosts, "replied": replied}),
            )?;
        }
        Ok(replied == hosts)
    }
}

/// A reply, as text and as an object.
fn reply(number: u64, bytes: usize, got: &Received, time: Duration, again: bool) -> (String, Value) {
    let from = got.source.ip();
    let name = interface_name(got);
    let milliseconds = time.as_secs_f64() * 1e3;
    (
        format!(
            "number {number}: {bytes} bytes from {from}: hop limit {}, traffic class {}, by {}, {milliseconds:.3} ms{}",
            known(got.control.hop_limit),
            got.control.traffic_class.map_or("?".to_string(), |class| format!("{class:#04x}")),
            known(name.as_deref()),
            if again { ", again" } else { "" },
        ),
        json!({
            "sequence": number, "bytes": bytes, "from": from, "hop_limit": got.control.hop_limit,
            "traffic_class": got.control.traffic_class, "interface": name, "ms": milliseconds, "again": again,
        }),
    )
}

fn known(value: Option<impl ToString>) -> String {
    value.map_or("?".to_string(), |value| value.to_string())
}
