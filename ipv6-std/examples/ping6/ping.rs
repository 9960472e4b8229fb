//! Sends the requests, and handles the replies and the errors.

use std::io;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipv6_std::{Received, Reported};
use serde_json::json;

use crate::common::icmp::{Message, Quoted, Report, nonce, resolve};
use crate::common::{Outcome, Output, after, earlier, end_on_interrupt, is_ending, receive};
use crate::echo::Echo;
use crate::interface_name;
use crate::options::Options;
use crate::tally::Tally;

pub fn ping(host: &str, options: &Options, output: &Output) -> Outcome<bool> {
    let echo = Echo::open(resolve(host)?, options)?;
    let waits = Arc::clone(&echo.conn);
    end_on_interrupt(move || waits.set_read_deadline(Some(Instant::now())))?;
    let count = match options.count {
        Some(0) => u64::MAX,
        count => count.unwrap_or(5),
    };
    let wait = options.timeout.unwrap_or(Duration::from_secs(1));
    let at_once = options.interval.is_zero();
    let pause =
        if at_once { Duration::from_millis(10) } else { options.interval.max(Duration::from_millis(1)) };
    let nonce = nonce();
    let data = (0..options.size).map(|at| *nonce.get(usize::from(at)).unwrap_or(&(at as u8))).collect();

    let mut ping =
        Ping { echo, data, requests: Vec::new(), tally: Tally::default(), is_error_known: false, output };
    let (mut next, mut end) = (Some(Instant::now()), None);
    let mut packet = vec![0; 65_536];
    while !is_ending() {
        if next.is_some_and(|next| next <= Instant::now()) {
            ping.send()?;
            next = after(pause);
            if ping.tally.sent == count {
                (next, end) = (None, after(wait));
            }
        }
        if ping.tally.sent == count && !ping.is_waiting() {
            break;
        }
        let is_news = match receive(&ping.echo.conn, &mut packet, earlier(end, next)) {
            Ok(Some(got)) => ping.hear(&packet[..got.len], &got)?,
            Ok(None) if ping.tally.sent == count => break,
            Ok(None) => false,
            Err(error) => ping.hear_errors(error)?,
        };
        if is_news && at_once && next.is_some() {
            next = Some(Instant::now());
        }
    }
    ping.tally.print(output)?;
    Ok(ping.tally.received > 0)
}

/// The requests and their results.
struct Ping<'o> {
    echo: Echo,
    /// The data of each request.
    data: Vec<u8>,
    /// Indexed by sequence number, which wraps after 65,535.
    requests: Vec<Request>,
    tally: Tally,
    /// Whether the next call may fail with an error that was already read from the queue.
    is_error_known: bool,
    output: &'o Output,
}

/// A request and the time when it was sent.
struct Request {
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
    fn send(&mut self) -> Outcome<()> {
        let number = self.tally.sent as u16;
        self.tally.sent += 1;
        let request = Request { sent: Instant::now(), state: State::Waiting };
        match self.requests.get_mut(usize::from(number)) {
            Some(before) => *before = request,
            None => self.requests.push(request),
        }
        let mut sent = self.echo.send(number, &self.data);
        while let Err(error) = sent {
            // The send may fail with the error of an earlier request. Read the queue and send again.
            sent = match self.hear_errors(error) {
                Ok(_) => self.echo.send(number, &self.data),
                Err(error) => return self.not_sent(number, error.as_ref()),
            };
        }
        Ok(())
    }

    fn not_sent(&mut self, number: u16, error: &dyn std::error::Error) -> Outcome<()> {
        self.requests[usize::from(number)].state = State::Failed;
        self.output
            .print(format_args!("not sent: {error}"), json!({"error": error.to_string(), "sequence": number}))
    }

    /// Whether another reply may arrive. A group may have any number of members.
    fn is_waiting(&self) -> bool {
        self.echo.to.ip().is_multicast() || self.requests.iter().any(|of| of.state == State::Waiting)
    }

    /// Handles a received message. Returns whether it concerns a request of this program.
    fn hear(&mut self, message: &[u8], got: &Received) -> Outcome<bool> {
        match Message::read(message) {
            Message::Reply { id, seq, data } if self.echo.is_ours(id) && data == self.data => {
                let Some(request) = self.requests.get_mut(usize::from(seq)) else { return Ok(false) };
                let again = request.state == State::Answered;
                let time = request.sent.elapsed();
                request.state = State::Answered;
                self.tally.add(time, again);
                reply(seq, message.len(), got, time, again, self.output)?;
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
        let Quoted::Echo { id, seq } = report.quoted else { return Ok(false) };
        match self.requests.get_mut(usize::from(seq)) {
            Some(request)
                if report.destination == *self.echo.to.ip()
                    && self.echo.is_ours(id)
                    && request.state == State::Waiting =>
            {
                request.state = State::Failed;
            }
            _ => return Ok(false),
        }
        self.output.print(
            format_args!("number {seq}: {report}, reported by {from}"),
            json!({"error": report.to_string(), "from": from, "sequence": seq, "mtu": report.mtu()}),
        )?;
        Ok(true)
    }
}

fn reply(
    seq: u16,
    bytes: usize,
    got: &Received,
    time: Duration,
    again: bool,
    output: &Output,
) -> Outcome<()> {
    let from = got.source.ip();
    let name = interface_name(got);
    let milliseconds = time.as_secs_f64() * 1e3;
    output.print(
        format_args!(
            "number {seq}: {bytes} bytes from {from}: hop limit {}, traffic class {}, by {}, {milliseconds:.3} ms{}",
            known(got.control.hop_limit),
            got.control.traffic_class.map_or("?".to_string(), |class| format!("{class:#04x}")),
            known(name.as_deref()),
            if again { ", again" } else { "" },
        ),
        json!({
            "sequence": seq, "bytes": bytes, "from": from, "hop_limit": got.control.hop_limit,
            "traffic_class": got.control.traffic_class, "interface": name, "ms": milliseconds, "again": again,
        }),
    )?;
    Ok(())
}

fn known(value: Option<impl ToString>) -> String {
    value.map_or("?".to_string(), |value| value.to_string())
}
