//! Sends requests to a server, and handles its answers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipv6_std::{PacketConn, SendControl, is_about_peer};
use serde_json::json;

use crate::common::icmp::{Report, nonce};
use crate::common::{
    Outcome, Output, after, earlier, end_on_interrupt, is_ending, is_one_host, not_sent, plain,
    receive_message, resolve_with_port,
};
use crate::exchange::{Exchange, Flaw, State};
use crate::options::Options;
use crate::packet::{Kind, LEN, Packet};
use crate::report::{Results, microseconds};
use crate::stamped::{Stamped, arrived};

pub fn measure(server: &str, options: &Options, output: &Output) -> Outcome<bool> {
    let to = resolve_with_port(server)?;
    is_one_host(to)?;
    if to.port() == 0 {
        return Err("port 0 is no port of a server".into());
    }
    let conn = PacketConn::builder().only_v6(false).bind("[::]:0")?;
    conn.connect(to).map_err(|error| not_sent(&error, *to.ip()))?;
    let socket = Stamped::new(conn, true)?;
    let waits = Arc::clone(&socket.conn);
    end_on_interrupt(move || waits.set_read_deadline(Some(Instant::now())))?;
    output.print(
        format_args!("to {server} ({}): one-way times compare the clocks of both hosts", plain(to)),
        json!({"server": server, "address": plain(to).to_string()}),
    )?;
    let results = Results::default();
    let mut client = Client {
        socket,
        to: plain(to).ip(),
        session: nonce(),
        base: 0,
        exchanges: VecDeque::new(),
        first_open: 0,
        results,
        output,
    };
    client.run(options)?;
    let open = client.exchanges.iter().filter(|exchange| exchange.state == State::Waiting).count();
    client.results.print(open, output)?;
    Ok(client.results.measured > 0)
}

struct Client<'o> {
    socket: Stamped,
    to: std::net::IpAddr,
    session: [u8; 8],
    /// The number of the first exchange in the list.
    base: u64,
    /// The last requests, by number.
    exchanges: VecDeque<Exchange>,
    /// The number of the first exchange that is open.
    first_open: u64,
    results: Results,
    output: &'o Output,
}

impl Client<'_> {
    /// Requests that are remembered.
    const MOST: usize = 16_384;

    fn run(&mut self, options: &Options) -> Outcome<()> {
        let total = if options.count == 0 { u64::MAX } else { options.count };
        let interval = Duration::from_millis(options.interval);
        let mut next = Some(Instant::now());
        let (mut payload, mut control) = ([0; LEN + 1], [0; 512]);
        while !is_ending() {
            if self.next_number() < total && next.is_some_and(|next| next <= Instant::now()) {
                self.request(options.wait)?;
                // Not faster later, if this host was too slow.
                next = next.and_then(|next| next.checked_add(interval));
                if next.is_some_and(|next| next < Instant::now()) {
                    next = after(interval);
                }
            }
            self.settle(Instant::now())?;
            let is_all = self.next_number() == total;
            if is_all && self.first_open == self.next_number() {
                break;
            }
            let end = self.exchange(self.first_open).and_then(|exchange| exchange.end);
            let until = if is_all { end } else { earlier(next, end) };
            let got = receive_message(&self.socket.conn, &mut payload, &mut control, until)?;
            let got = got.map(|got| (got.len, arrived(&got)));
            self.news()?;
            if let Some((len, time)) = got {
                self.hear(&payload[..len.min(payload.len())], time)?;
            }
        }
        Ok(())
    }

    fn next_number(&self) -> u64 {
        self.base + self.exchanges.len() as u64
    }

    fn exchange(&mut self, number: u64) -> Option<&mut Exchange> {
        let index = number.checked_sub(self.base)?;
        self.exchanges.get_mut(usize::try_from(index).ok()?)
    }

    fn request(&mut self, wait: Duration) -> Outcome<()> {
        if self.exchanges.len() == Self::MOST {
            // Its wait ends early.
            if self.first_open == self.base {
                self.end(self.base, None)?;
                self.first_open += 1;
            }
            self.exchanges.pop_front();
            self.base += 1;
        }
        let number = self.next_number();
        let packet = Packet { kind: Kind::Request, session: self.session, number, time: None, ticket: 0 };
        self.results.sent += 1;
        let mut exchange = Exchange {
            id: None,
            end: after(wait),
            state: State::Waiting,
            is_reported: false,
            departed: None,
            at_server: None,
            back: None,
            ticket: 0,
        };
        let mut sent = self.socket.send(&packet.write(), SendControl::new(), None);
        if matches!(&sent, Err(error) if is_about_peer(error)) {
            // The error of an earlier request. It is queued.
            self.news()?;
            sent = self.socket.send(&packet.write(), SendControl::new(), None);
        }
        match sent {
            Ok(id) => exchange.id = Some(id),
            Err(error) => {
                let why = match self.to {
                    std::net::IpAddr::V4(to) => not_sent(&error, to.to_ipv6_mapped()),
                    std::net::IpAddr::V6(to) => not_sent(&error, to),
                };
                self.output.print(
                    format_args!("number {number}: not sent: {why}"),
                    json!({"number": number, "error": why}),
                )?;
                exchange.is_reported = true;
            }
        }
        self.exchanges.push_back(exchange);
        self.news()
    }

    /// Ends the exchanges whose wait is over.
    fn settle(&mut self, now: Instant) -> Outcome<()> {
        while let Some(exchange) = self.exchange(self.first_open) {
            if exchange.state.is_open() && exchange.end.is_none_or(|end| end > now) {
                break;
            }
            self.end(self.first_open, None)?;
            self.first_open += 1;
        }
        Ok(())
    }

    /// Empties the error queue: times of requests, and errors about them.
    fn news(&mut self) -> Outcome<()> {
        let Self { socket, exchanges, base, session, results, output, .. } = self;
        let mut failed = Vec::new();
        let departed = |id: u32, time: u64| {
            // The time arrives soon after the request.
            let exchange = exchanges.iter_mut().rev().find(|exchange| exchange.id == Some(id));
            if let Some(exchange) = exchange {
                exchange.departed = Some(time);
            }
        };
        socket.reported(departed, |reported, payload| {
            // A router may quote zeros after the packet.
            let quoted =
                payload.get(..LEN).and_then(Packet::read).filter(|packet| packet.session == *session);
            match quoted.map(|packet| (packet.kind, packet.number)) {
                // At most as many as requests wait.
                Some((Kind::Request, number)) if failed.len() < Self::MOST => {
                    let from = reported.error.reporter.map(|from| from.to_canonical());
                    let what = match (Report::queued(&reported.error, *reported.destination.ip(), &[]), from)
                    {
                        (Some(what), Some(from)) => format!("{what}, reported by {from}"),
                        // Of IPv4, or of this host.
                        _ => reported.error.to_string(),
                    };
                    failed.push((number, from, what));
                }
                // About a question: its exchange will be incomplete.
                Some(_) => {}
                None => results.ignored += 1,
            }
        })?;
        for (number, from, what) in failed {
            let index = number.checked_sub(*base).and_then(|index| usize::try_from(index).ok());
            let exchange = index.and_then(|index| exchanges.get_mut(index));
            let is_new = |exchange: &&mut Exchange| exchange.state.is_open() && !exchange.is_reported;
            let Some(exchange) = exchange.filter(is_new) else {
                results.ignored += 1;
                continue;
            };
            exchange.is_reported = true;
            output.print(
                format_args!("number {number}: {what}"),
                json!({"number": number, "error": what, "from": from}),
            )?;
        }
        Ok(())
    }

    /// Handles a packet that arrived at this time.
    fn hear(&mut self, bytes: &[u8], time: Option<u64>) -> Outcome<()> {
        let packet = Packet::read(bytes).filter(|packet| packet.session == self.session);
        let Some(packet) = packet.filter(|packet| packet.number < self.next_number()) else {
            self.results.ignored += 1;
            return Ok(());
        };
        let number = packet.number;
        let Some(exchange) = self.exchange(number) else {
            // Too old to be known.
            self.results.late += u64::from(packet.kind == Kind::Reply);
            return Ok(());
        };
        match (packet.kind, exchange.state) {
            (Kind::Reply, State::Waiting) => {
                (exchange.at_server, exchange.back, exchange.ticket) = (packet.time, time, packet.ticket);
                exchange.state = State::Replied;
                self.results.answered += 1;
                let question = Packet { kind: Kind::Question, time: None, ..packet };
                // If it cannot be sent, the exchange will be incomplete.
                let _ = self.socket.conn.send(&question.write(), &SendControl::new());
            }
            (Kind::Answer, State::Replied) if exchange.ticket == packet.ticket => {
                self.end(number, packet.time)?;
            }
            (Kind::Reply, State::Lost) => {
                exchange.state = State::Late;
                self.results.late += 1;
            }
            (Kind::Reply, _) | (Kind::Answer, State::Done) => self.results.duplicates += 1,
            _ => self.results.ignored += 1,
        }
        Ok(())
    }

    /// Ends an exchange, unless it has ended, and prints its result.
    fn end(&mut self, number: u64, reply_departed: Option<u64>) -> Outcome<()> {
        let Some(exchange) = self.exchange(number).filter(|exchange| exchange.state.is_open()) else {
            return Ok(());
        };
        if exchange.state == State::Waiting {
            exchange.state = State::Lost;
            let is_reported = exchange.is_reported;
            self.results.lost += 1;
            return match is_reported {
                true => Ok(()),
                false => self
                    .output
                    .print(format_args!("number {number}: lost"), json!({"number": number, "lost": true})),
            };
        }
        exchange.state = State::Done;
        let stamps = json!({
            "request_sent": exchange.departed, "request_received": exchange.at_server,
            "reply_sent": reply_departed, "reply_received": exchange.back,
        });
        match exchange.times(reply_departed) {
            Ok(times) => {
                self.results.add(times);
                let [there, back, round_trip, server] =
                    [times.there, times.back, times.round_trip, times.server].map(microseconds);
                self.output.print(
                    format_args!(
                        "number {number}: {there} us there, {back} us back, {round_trip} us round trip, \
                         {server} us in the server"
                    ),
                    json!({
                        "number": number, "there_ns": times.there, "back_ns": times.back,
                        "round_trip_ns": times.round_trip, "server_ns": times.server, "stamps_ns": stamps,
                    }),
                )
            }
            Err(flaw) => {
                let why = match flaw {
                    Flaw::Incomplete => "a timestamp is missing",
                    Flaw::Contradictory => "the timestamps contradict each other",
                };
                self.results.flawed(flaw);
                self.output.print(
                    format_args!("number {number}: answered, but {why}"),
                    json!({"number": number, "error": why, "stamps_ns": stamps}),
                )
            }
        }
    }
}
