//! Prints the routers on the path to a host: sends probes with increasing hop limits (RFC 4443 section 3.3). Routers may
//! add MPLS labels and interfaces to their answers (RFC 4884, RFC 4950, RFC 5837).
//!
//! ```text
//! traceroute6 2001:db8:2::b --max-hops 5 --queries 2
//! ```

mod common;

use std::io;
use std::net::{Ipv6Addr, SocketAddrV6};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use common::icmp::{Message, Quoted, echo_request, nonce};
use common::{
    Outcome, Output, SEND_LIMIT, after, arguments, end_on_interrupt, is_ending, is_one_host, not_sent, raw,
    receive, resolve, seconds,
};
use ipv6_std::{
    Icmp6Filter, Icmp6Type, IcmpExtensions, IcmpInterface, IcmpObject, InterfaceIndex, InterfaceRole,
    MplsLabel, PacketConn, RawConn, Received, SendControl,
};
use serde_json::{Value, json};

const BELIEVES: &str = "\
It believes errors that quote one of its probes: the address of the host, the port or identifier, and the random data, if \
it is quoted. A time exceeded, with any code, is a hop. A destination unreachable or a parameter problem ends the path. \
The host was reached if an echo reply has the data of the probe, or the host itself reports the destination as \
unreachable.

It ignores all else, and prints what it ignored about a probe: a packet too big, because every link carries probes of 80 \
bytes, and errors of unknown types. Nobody can prove the address of a hop: any node that sees or guesses the ports can \
forge one. The same is true of the extensions of an error (RFC 4884), which it prints: MPLS labels, interfaces and \
objects of other classes, at most 8 objects and 16 labels of each. It ignores extensions with a wrong checksum or version.

It accepts no IPv4 address: the hops of IPv4 report errors by another protocol, ICMP.";

#[derive(Parser)]
#[command(about = "Prints the routers on the path to a host", after_help = BELIEVES)]
struct Options {
    /// The destination: an address, as in fe80::1%eth0, or a name, which the system looks up within its own limits
    host: String,
    /// The largest hop limit to try
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u8).range(1..))]
    max_hops: u8,
    /// Probes per hop
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=10))]
    queries: u8,
    /// Seconds to wait for the answers of a hop
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    wait: Duration,
    /// Send echo requests instead of UDP to closed ports
    #[arg(long)]
    icmp: bool,
    /// Print JSON objects, one per line
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let options: Options = arguments();
    Output::new("traceroute6", options.json).run(|output| trace(&options, output))
}

fn trace(options: &Options, output: &Output) -> Outcome<bool> {
    let to = resolve(&options.host)?;
    is_one_host(to)?;
    let mut prober = Prober::open(to, options.icmp)?;
    let waits = Arc::clone(&prober.icmp);
    end_on_interrupt(move || waits.set_read_deadline(Some(Instant::now())))?;
    output.print(
        format_args!("to {} ({}), {} hops at most", options.host, to.ip(), options.max_hops),
        json!({"host": options.host, "address": to.ip(), "max_hops": options.max_hops}),
    )?;
    for hop in 1..=options.max_hops {
        let (answers, ignored) = prober.probe(hop, options.queries, options.wait)?;
        print(hop, &answers, &ignored, output)?;
        let mut answers = answers.iter().flatten();
        if answers.clone().any(|answer| answer.is_end) {
            return Ok(answers.any(|answer| answer.is_host));
        }
        if is_ending() {
            let ip = to.ip();
            output.print(
                format_args!("interrupted at hop {hop}: {ip} was not reached"),
                json!({"interrupted": true, "hop": hop, "reached": false}),
            )?;
            return Ok(false);
        }
    }
    Ok(false)
}

/// The answer to a probe.
struct Answer {
    from: Ipv6Addr,
    time: Duration,
    what: String,
    extensions: Vec<Extension>,
    /// Type and code of the message.
    numbers: (u8, u8),
    /// Whether the destination sent it.
    is_host: bool,
    /// Whether later hops cannot answer: it came from the destination, or the path ends there.
    is_end: bool,
}

/// An error about a probe that says nothing about its path.
#[derive(PartialEq)]
struct Ignored {
    from: Ipv6Addr,
    what: String,
}

/// What a message says about a probe.
enum Heard {
    /// The answer to the probe of this number.
    Answer(u16, Answer),
    Ignored(Ignored),
    /// About another program's probe.
    Nothing,
}

struct Prober {
    to: SocketAddrV6,
    /// Receives the answers. Shared with the interrupt handler, which sets the deadline.
    icmp: Arc<RawConn>,
    /// Sends UDP probes.
    udp: Option<PacketConn>,
    /// Identifies the probes of this program: the identifier of echo requests, or the source port of UDP.
    own: u16,
    /// The number of the next probe: the sequence number of an echo request, or the offset of the UDP port.
    next: u16,
    /// The data of every probe, unique to this process.
    data: [u8; 32],
}

/// The first destination port of traceroute programs. Each probe uses the next port, which should be closed.
const PORT: u16 = 33_434;

impl Prober {
    fn open(to: SocketAddrV6, by_echo: bool) -> Outcome<Self> {
        let icmp = raw(Icmp6Type::PROTOCOL)?;
        let mut filter = Icmp6Filter::block_all();
        filter
            .pass(Icmp6Type::TIME_EXCEEDED)
            .pass(Icmp6Type::DESTINATION_UNREACHABLE)
            .pass(Icmp6Type::PACKET_TOO_BIG)
            .pass(Icmp6Type::PARAMETER_PROBLEM)
            .pass(Icmp6Type::ECHO_REPLY);
        icmp.set_icmp6_filter(&filter)?;
        let udp = if by_echo { None } else { Some(PacketConn::bind("[::]:0")?) };
        if let Some(udp) = &udp {
            udp.set_write_timeout(Some(SEND_LIMIT))?;
        }
        let nonce = nonce();
        let own = match &udp {
            Some(udp) => udp.local_addr()?.port(),
            None => u16::from_be_bytes([nonce[0], nonce[1]]),
        };
        let mut data = [0; 32];
        data[..nonce.len()].copy_from_slice(&nonce);
        let icmp = Arc::new(icmp);
        Ok(Self { to, icmp, udp, own, next: 0, data })
    }

    /// Sends probes with this hop limit. Returns the answer to each, and what was ignored.
    fn probe(
        &mut self,
        hops: u8,
        queries: u8,
        wait: Duration,
    ) -> Outcome<(Vec<Option<Answer>>, Vec<Ignored>)> {
        /// The most ignored errors that are printed for a hop.
        const MOST: usize = 8;
        let first = self.next;
        let mut sent = Vec::new();
        for _ in 0..queries {
            sent.push(Instant::now());
            self.send(hops).map_err(|error| not_sent(&error, *self.to.ip()))?;
            self.next = self.next.wrapping_add(1);
        }
        let mut answers: Vec<Option<Answer>> = sent.iter().map(|_| None).collect();
        let mut ignored = Vec::new();
        let end = after(wait);
        let mut packet = [0; 2048];
        while answers.iter().any(Option::is_none) {
            let Some(got) = receive(&self.icmp, &mut packet, end)? else { break };
            let (number, answer) = match self.answer(&packet[..got.len], &got) {
                Heard::Answer(number, answer) => (number, answer),
                Heard::Ignored(new) => {
                    if ignored.len() < MOST && !ignored.contains(&new) {
                        ignored.push(new);
                    }
                    continue;
                }
                Heard::Nothing => continue,
            };
            // An answer to an earlier hop may arrive late.
            let query = usize::from(number.wrapping_sub(first));
            if let (Some(place @ None), Some(sent)) = (answers.get_mut(query), sent.get(query)) {
                *place = Some(Answer { time: sent.elapsed(), ..answer });
            }
        }
        Ok((answers, ignored))
    }

    fn send(&self, hops: u8) -> io::Result<usize> {
        let control = SendControl::new().with_hop_limit(hops);
        match &self.udp {
            None => self.icmp.send_to(&echo_request(self.own, self.next, &self.data), &control, self.to),
            Some(udp) => {
                let mut to = self.to;
                to.set_port(PORT.wrapping_add(self.next));
                udp.send_to(&self.data, &control, to)
            }
        }
    }

    /// What a message says about the probes of this program.
    fn answer(&self, message: &[u8], got: &Received) -> Heard {
        let from = *got.source.ip();
        let (number, what, numbers, is_host, is_end) = match Message::read(message) {
            Message::Reply { id, seq, data } if self.udp.is_none() && id == self.own && data == self.data => {
                (seq, "echo reply".into(), (Icmp6Type::ECHO_REPLY.0, 0), true, true)
            }
            Message::Error(report) if report.destination == *self.to.ip() => {
                let (number, quoted) = match report.quoted {
                    Quoted::Echo { id, seq, data } if self.udp.is_none() && id == self.own => (seq, data),
                    Quoted::Udp { source, destination, data } if self.udp.is_some() && source == self.own => {
                        (destination.wrapping_sub(PORT), data)
                    }
                    _ => return Heard::Nothing,
                };
                // Routers that translate IPv4 errors may have no data to quote.
                if quoted.is_some_and(|quoted| !self.data.starts_with(&quoted)) {
                    return Heard::Nothing;
                }
                let what = report.to_string();
                let is_host = report.is_unreachable() && from == *self.to.ip();
                let is_end = report.is_unreachable() || report.is_parameter_problem();
                if !is_end && !report.is_time_exceeded() {
                    return Heard::Ignored(Ignored { from, what });
                }
                (number, what, report.type_and_code(), is_host, is_end)
            }
            _ => return Heard::Nothing,
        };
        let (time, extensions) = (Duration::ZERO, extensions(message));
        Heard::Answer(number, Answer { from, time, what, extensions, numbers, is_host, is_end })
    }
}

/// An object of the extensions of an error, for people and for programs.
#[derive(PartialEq)]
struct Extension {
    text: String,
    object: Value,
}

/// The most objects of an answer, and the most labels of an object, that are printed.
const MOST_OBJECTS: usize = 8;
const MOST_LABELS: usize = 16;

/// The extensions of an error (RFC 4884).
fn extensions(message: &[u8]) -> Vec<Extension> {
    let Some(objects) = IcmpExtensions::of_icmp6(message) else {
        return match message {
            // The message has the length of the quoted packet, and bytes after it.
            [1 | 3, _, _, _, units @ 16..=255, ..] if message.len() > 8 + 8 * usize::from(*units) => {
                vec![Extension { text: "invalid extensions".into(), object: json!({"invalid": true}) }]
            }
            _ => Vec::new(),
        };
    };
    let mut all: Vec<Extension> =
        objects.clone().take(MOST_OBJECTS).map(|object| described(&object)).collect();
    let omitted = objects.skip(MOST_OBJECTS).count();
    if omitted > 0 {
        all.push(Extension { text: format!("{omitted} more"), object: json!({"omitted": omitted}) });
    }
    all
}

fn described(object: &IcmpObject) -> Extension {
    let IcmpObject { class, kind, data, .. } = *object;
    if object.mpls().next().is_some() {
        let label = |entry: MplsLabel| {
            let MplsLabel { label, traffic_class, is_bottom, ttl, .. } = entry;
            let object =
                json!({"label": label, "traffic_class": traffic_class, "bottom": is_bottom, "ttl": ttl});
            (format!("label {label}, class {traffic_class}, TTL {ttl}"), object)
        };
        let (mut texts, objects): (Vec<_>, Vec<_>) = object.mpls().take(MOST_LABELS).map(label).unzip();
        let omitted = object.mpls().skip(MOST_LABELS).count();
        let mut object = json!({"mpls": objects});
        if omitted > 0 {
            texts.push(format!("{omitted} more"));
            object["omitted"] = omitted.into();
        }
        return Extension { text: format!("MPLS {}", texts.join("; ")), object };
    }
    let Some(interface) = object.interface() else {
        let bytes = data.len();
        return Extension {
            text: format!("class {class}, type {kind}, {bytes} bytes"),
            object: json!({"class": class, "type": kind, "bytes": bytes}),
        };
    };
    let IcmpInterface { role, index, address, name, mtu, .. } = interface;
    let role = match role {
        InterfaceRole::Incoming => "incoming interface",
        InterfaceRole::SubInterface => "incoming sub-interface",
        InterfaceRole::Outgoing => "outgoing interface",
        InterfaceRole::NextHop => "next hop",
    };
    let index = index.map(InterfaceIndex::get);
    // The debug form of a name has quotes, and escapes them and all characters without a glyph.
    let fields = [
        name.map(|name| format!(" {name:?}")),
        index.map(|index| format!(" index {index}")),
        address.map(|address| format!(" address {address}")),
        mtu.map(|mtu| format!(" MTU {mtu}")),
    ];
    let text = format!("{role}{}", fields.into_iter().flatten().collect::<Vec<_>>().join(","));
    let object = json!({"interface": role, "name": name, "index": index, "address": address, "mtu": mtu});
    Extension { text, object }
}

/// Prints one line for a hop: the routers that answered, their answers, and the times.
fn print(hop: u8, answers: &[Option<Answer>], ignored: &[Ignored], output: &Output) -> Outcome<()> {
    let mut line = format!("{hop:2}");
    let mut before = None;
    for answer in answers {
        let Some(Answer { from, time, what, extensions, .. }) = answer else {
            line += "  *";
            continue;
        };
        if before != Some((from, what, extensions)) {
            let extensions_text: String = extensions.iter().map(|one| format!(" [{}]", one.text)).collect();
            line += &format!("  {from}, {what}{extensions_text}:");
            before = Some((from, what, extensions));
        }
        line += &format!("  {:.3} ms", time.as_secs_f64() * 1e3);
    }
    let list = answers.iter().map(|answer| match answer {
        Some(Answer { from, time, what, extensions, numbers: (kind, code), .. }) => {
            let mut answer =
                json!({"from": from, "ms": time.as_secs_f64() * 1e3, "what": what, "type": kind, "code": code});
            if !extensions.is_empty() {
                answer["extensions"] = extensions.iter().map(|one| one.object.clone()).collect();
            }
            answer
        }
        None => json!(null),
    });
    let mut object = json!({"hop": hop, "answers": list.collect::<Vec<_>>()});
    for Ignored { from, what } in ignored {
        line += &format!("  (ignored: {from}, {what})");
    }
    if !ignored.is_empty() {
        let list = ignored.iter().map(|Ignored { from, what }| json!({"from": from, "what": what}));
        object["ignored"] = list.collect();
    }
    output.print(line, object)
}
