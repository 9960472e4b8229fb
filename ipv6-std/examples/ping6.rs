//! Sends echo requests and prints the replies, or prints the echo requests that arrive (RFC 4443 section 4).
//!
//! ```text
//! ping6 2001:db8::1 --count 3 --hop-limit 5 --traffic-class 0x28
//! ping6 --listen --interface eth0
//! ```
//!
//! Without the privilege for a raw socket it uses an unprivileged ICMPv6 socket, which reports errors in a queue.

mod common;

use std::io;
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use common::icmp::{Message, Quoted, Report, echo_request, nonce, not_allowed, resolve};
use common::{
    Outcome, Output, after, byte, earlier, end_on_interrupt, interface, is_ending, own_address, raw, receive,
    run, seconds,
};
use ipv6_std::{
    ControlFlags, FlowLabel, Header, Icmp6Filter, Icmp6Type, Interface, RawConn, Received, Reported,
    SendControl,
};
use serde_json::json;

#[derive(Parser)]
#[command(about = "Sends echo requests and prints the replies, or prints the echo requests that arrive")]
struct Options {
    /// The destination: a name, or an address such as fe80::1%eth0
    #[arg(required_unless_present = "listen", conflicts_with = "listen")]
    host: Option<String>,
    /// Print the echo requests that arrive; the system answers them
    #[arg(long)]
    listen: bool,
    /// Requests to send, 0 for no limit; with --listen, requests to wait for
    #[arg(long)]
    count: Option<u64>,
    /// Seconds between requests; with 0, send at once after a reply, or after 10 ms
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    interval: Duration,
    /// Seconds to wait after the last request; with --listen, for all requests
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Bytes of data in each request
    #[arg(long, default_value_t = 56, value_parser = clap::value_parser!(u16).range(..=65_487))]
    size: u16,
    /// The hop limit of requests
    #[arg(long)]
    hop_limit: Option<u8>,
    /// The traffic class (DSCP and ECN), as in 0x28
    #[arg(long, value_parser = byte)]
    traffic_class: Option<u8>,
    /// The flow label (20 bits), as in 0x12345; needs a raw socket (Linux)
    #[arg(long, value_parser = flow_label)]
    flow_label: Option<FlowLabel>,
    /// The interface to send or listen on
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// The source address, which must be one of this host
    #[arg(long)]
    source: Option<Ipv6Addr>,
    /// Print JSON objects, one per line
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let output = Output { json: options.json };
    run("ping6", || match &options.host {
        Some(host) => ping(host, &options, &output),
        None => listen(&options, &output),
    })
}

fn flow_label(text: &str) -> Result<FlowLabel, String> {
    let label = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    FlowLabel::new(label.map_err(|error| error.to_string())?).ok_or_else(|| "longer than 20 bits".to_string())
}

fn ping(host: &str, options: &Options, output: &Output) -> Outcome<bool> {
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

/// A socket that sends echo requests and receives the replies.
struct Echo {
    /// Shared with the interrupt handler, which sets the deadline.
    conn: Arc<RawConn>,
    to: SocketAddrV6,
    control: SendControl<'static>,
    /// The identifier of the requests. `None`: the system chooses it and filters the replies.
    id: Option<u16>,
    /// Whether errors come from the error queue instead of as messages.
    queues: bool,
    /// The IPv6 header of every packet, if the program writes it.
    header: Option<Header>,
}

impl Echo {
    fn open(to: SocketAddrV6, options: &Options) -> Outcome<Self> {
        let mut control = SendControl::new();
        (control.hop_limit, control.traffic_class) = (options.hop_limit, options.traffic_class);
        control.source = options.source;
        let interface = options.interface.as_deref().map(Interface::by_name).transpose()?;
        control.interface = interface.as_ref().map(Interface::index);
        own_address(options.source, interface.as_ref())?;
        let [high, low, ..] = nonce();
        let (mut id, mut queues) = (Some(u16::from_be_bytes([high, low])), false);
        let conn = match RawConn::open(Icmp6Type::PROTOCOL) {
            Ok(conn) => {
                // The kernel drops all other types, so they do not wake the program.
                let mut filter = Icmp6Filter::block_all();
                filter
                    .pass(Icmp6Type::ECHO_REPLY)
                    .pass(Icmp6Type::DESTINATION_UNREACHABLE)
                    .pass(Icmp6Type::PACKET_TOO_BIG)
                    .pass(Icmp6Type::TIME_EXCEEDED)
                    .pass(Icmp6Type::PARAMETER_PROBLEM);
                conn.set_icmp6_filter(&filter)?;
                conn
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                id = None;
                let conn = RawConn::open_icmp6_unprivileged().map_err(not_allowed)?;
                // Not every system has an error queue. Without one, a missing reply has no reason.
                queues = conn.set_queue_errors(true).is_ok();
                conn
            }
            Err(error) => return Err(error.into()),
        };
        conn.set_control_flags(ControlFlags::all() - ControlFlags::PATH_MTU, true)?;
        let header = match options.flow_label {
            Some(label) if id.is_some() => Some(header(&conn, to, label, options)?),
            Some(_) => return Err("a flow label needs a raw socket: root or CAP_NET_RAW".into()),
            None => None,
        };
        Ok(Self { conn: Arc::new(conn), to, control, id, queues, header })
    }

    fn is_ours(&self, id: u16) -> bool {
        self.id.is_none_or(|ours| ours == id)
    }

    fn queued(&self, quoted: &mut [u8]) -> io::Result<Option<Reported>> {
        if !self.queues {
            return Ok(None);
        }
        // Other entries, such as timestamps, are no reasons for a missing reply.
        loop {
            match self.conn.recv_error(quoted)? {
                Some(reported) if !reported.is_error() => {}
                reported => return Ok(reported),
            }
        }
    }

    fn send(&self, number: u16, data: &[u8]) -> io::Result<usize> {
        let mut message = echo_request(self.id.unwrap_or(0), number, data);
        let Some(mut header) = self.header else {
            return self.conn.send_to(&message, &self.control, self.to);
        };
        // With its own header, the program must write the checksum.
        let checksum = etherparse::Icmpv6Type::EchoRequest(etherparse::IcmpEchoHeader {
            id: self.id.unwrap_or(0),
            seq: number,
        })
        .calc_checksum(header.source.octets(), header.destination.octets(), data)
        .map_err(io::Error::other)?;
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
        header.payload_len = message.len() as u16;
        let packet = [&header.encode()[..], &message].concat();
        let mut control = self.control;
        (control.hop_limit, control.traffic_class) = (None, None);
        self.conn.send_to(&packet, &control, self.to)
    }
}

/// The header of requests with a flow label: no socket option sets the label for one packet.
fn header(conn: &RawConn, to: SocketAddrV6, flow_label: FlowLabel, options: &Options) -> Outcome<Header> {
    conn.set_header_included(true)?;
    let source = match options.source {
        Some(source) => source,
        None => {
            let probe = UdpSocket::bind("[::]:0")?;
            probe.connect(SocketAddrV6::new(*to.ip(), 9, 0, to.scope_id()))?;
            match probe.local_addr()? {
                std::net::SocketAddr::V6(address) => *address.ip(),
                std::net::SocketAddr::V4(_) => return Err("no IPv6 address to send from".into()),
            }
        }
    };
    Ok(Header {
        traffic_class: options.traffic_class.unwrap_or(0),
        flow_label,
        payload_len: 0,
        next_header: Icmp6Type::PROTOCOL,
        hop_limit: options.hop_limit.unwrap_or(64),
        source,
        destination: *to.ip(),
    })
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

fn interface_name(got: &Received) -> Option<String> {
    Interface::name_of(got.control.interface?).ok()
}

/// The results of all requests.
#[derive(Default)]
struct Tally {
    sent: u64,
    received: u64,
    /// Further replies to a request, by other members of a group or because the network duplicated a packet.
    again: u64,
    least: Option<Duration>,
    most: Option<Duration>,
    sum: Duration,
}

impl Tally {
    fn add(&mut self, time: Duration, again: bool) {
        if again {
            self.again += 1;
            return;
        }
        self.received += 1;
        self.least = Some(self.least.map_or(time, |least| least.min(time)));
        self.most = Some(self.most.map_or(time, |most| most.max(time)));
        self.sum += time;
    }

    fn print(&self, output: &Output) -> Outcome<()> {
        let Self { sent, received, again, .. } = *self;
        let lost = sent.saturating_sub(received) as f64 / sent.max(1) as f64 * 100.0;
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let (least, most) = (self.least.map(ms), self.most.map(ms));
        let mean = (received > 0).then(|| ms(self.sum) / received as f64);
        let of_others = if again > 0 { format!(", {again} again") } else { String::new() };
        let of_times = match (least, mean, most) {
            (Some(least), Some(mean), Some(most)) => {
                format!("; min/avg/max {least:.3}/{mean:.3}/{most:.3} ms")
            }
            _ => String::new(),
        };
        output.print(
            format_args!("{sent} sent, {received} received{of_others}, {lost:.0} % lost{of_times}"),
            json!({
                "sent": sent, "received": received, "again": again, "lost_percent": lost, "min_ms": least,
                "avg_ms": mean, "max_ms": most,
            }),
        )
    }
}

fn listen(options: &Options, output: &Output) -> Outcome<bool> {
    let conn = raw(Icmp6Type::PROTOCOL)?;
    conn.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::ECHO_REQUEST))?;
    conn.set_control_flags(ControlFlags::all() - ControlFlags::PATH_MTU, true)?;
    let on = match &options.interface {
        Some(name) => Some(interface(name)?.index()),
        None => None,
    };
    let end = options.timeout.and_then(after);
    let mut seen = 0;
    let mut packet = vec![0; 65_536];
    while options.count.is_none_or(|count| seen < count) {
        let Some(got) = receive(&conn, &mut packet, end)? else { break };
        let Message::Request { id, seq, bytes } = Message::read(&packet[..got.len]) else { continue };
        if on.is_some() && got.control.interface != on {
            continue;
        }
        seen += 1;
        let (from, control) = (got.source.ip(), got.control);
        output.print(
            format_args!("number {seq} of {id:#06x}: {bytes} bytes from {from}: {control}"),
            json!({
                "sequence": seq, "id": id, "bytes": bytes, "from": from,
                "hop_limit": control.hop_limit, "traffic_class": control.traffic_class,
                "destination": control.destination, "interface": interface_name(&got),
            }),
        )?;
    }
    Ok(options.count.is_none_or(|count| seen >= count))
}
