//! Answers multicast DNS queries for a host name and a service, or sends such a query (RFC 6762).
//!
//! ```text
//! mdns respond --interface eth0 --name camera.local --address 2001:db8:1::2 \
//!     --service "Door Camera._rtsp._tcp.local" --port 554 --txt path=/live
//! mdns query camera.local --interface eth0
//! ```

#[path = "../common/mod.rs"]
mod common;
mod records;

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand, ValueEnum};
use common::{
    Outcome, Output, after, earlier, end_on_interrupt, interface, is_ending, printable, receive_datagram,
    run, seconds,
};
use ipv6_std::{ControlFlags, Interface, PacketConn, Received, SendControl};
use records::{Own, Record, data, in_order, records};
use serde_json::json;
use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, OPCODE, Packet, PacketFlag, QTYPE, Question, RCODE, ResourceRecord, TYPE};

const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
const PORT: u16 = 5353;
/// The time before the first repetition of an unanswered query. It doubles each time (RFC 6762 section 5.2).
const REPEAT: Duration = Duration::from_secs(1);
/// The time to wait for further answers after the first.
const OTHERS: Duration = Duration::from_millis(500);

#[derive(Parser)]
#[command(about = "Answers multicast DNS queries, or sends one")]
struct Options {
    #[command(subcommand)]
    command: Command,
    /// Print JSON objects, one per line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Answers queries for a name and, with --service, for a service
    Respond(Respond),
    /// Queries a name and prints the answers; the exit status is 1 if there are none
    Query(Query),
}

#[derive(clap::Args)]
struct Respond {
    /// The interface to answer on
    #[arg(long, value_name = "IF")]
    interface: String,
    /// The name to answer for, as in camera.local
    #[arg(long, value_parser = name)]
    name: Name<'static>,
    /// The address to answer with; may be repeated
    #[arg(long, required = true)]
    address: Vec<Ipv6Addr>,
    /// The service to answer for, as in "Door Camera._rtsp._tcp.local"
    #[arg(long, value_parser = service, requires = "port")]
    service: Option<Name<'static>>,
    /// The port of the service
    #[arg(long, requires = "service")]
    port: Option<u16>,
    /// An item of the service's TXT record, as in path=/live; may be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "service")]
    txt: Vec<String>,
    /// Send a goodbye and stop after this many seconds; Ctrl-C does the same
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
}

#[derive(clap::Args)]
struct Query {
    /// The name to query
    #[arg(value_parser = name)]
    name: Name<'static>,
    /// The interface to send the query on
    #[arg(long, value_name = "IF")]
    interface: String,
    /// The record type to query
    #[arg(long = "type", value_enum, default_value_t = Kind::Aaaa)]
    kind: Kind,
    /// The source port; with 5353, answers come by multicast
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Ask for a unicast answer
    #[arg(long)]
    unicast: bool,
    /// Seconds to wait for an answer; further answers are accepted for half a second more
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    timeout: Duration,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    A,
    Aaaa,
    Ptr,
    Srv,
    Txt,
    Any,
}

impl Kind {
    fn question(self) -> QTYPE {
        match self {
            Self::A => TYPE::A.into(),
            Self::Aaaa => TYPE::AAAA.into(),
            Self::Ptr => TYPE::PTR.into(),
            Self::Srv => TYPE::SRV.into(),
            Self::Txt => TYPE::TXT.into(),
            Self::Any => QTYPE::ANY,
        }
    }
}

/// Parses a name below `local`.
fn name(text: &str) -> Result<Name<'static>, String> {
    let name = Name::new(text).map_err(|error| error.to_string())?;
    if name.is_link_local() { Ok(name.into_owned()) } else { Err("does not end in .local".into()) }
}

/// Parses the name of a service's instance (RFC 6763 section 4.1).
fn service(text: &str) -> Result<Name<'static>, String> {
    let name = name(text)?;
    let labels: Vec<String> = name.get_labels().iter().map(|label| label.to_string()).collect();
    match &labels[..] {
        [_, kind, protocol, _] if kind.starts_with('_') && ["_tcp", "_udp"].contains(&&**protocol) => {
            Ok(name)
        }
        _ => Err("not of the form NAME._KIND._tcp.local or NAME._KIND._udp.local".into()),
    }
}

fn main() -> ExitCode {
    let Options { command, json } = Options::parse();
    let output = Output { json };
    run("mdns", || match command {
        Command::Respond(options) => respond(&options, &output),
        Command::Query(options) => query(&options, &output),
    })
}

/// A socket for multicast DNS on one interface.
struct Link {
    /// Shared with the interrupt handler, which sets the deadline.
    conn: Arc<PacketConn>,
    interface: Interface,
}

impl Link {
    fn open(name: &str, port: u16) -> Outcome<Self> {
        let interface = interface(name)?;
        // Reusable: other programs of this host may use the port too.
        let conn = PacketConn::bind_reusable(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0))?;
        let flags = ControlFlags::DESTINATION | ControlFlags::INTERFACE | ControlFlags::HOP_LIMIT;
        conn.set_control_flags(flags, true)?;
        if port == PORT {
            conn.join_group(GROUP, &interface)?;
        }
        Ok(Self { conn: Arc::new(conn), interface })
    }

    /// Sends to the group.
    fn multicast(&self, packet: &Packet<'_>) -> Outcome<()> {
        let control = SendControl::new().with_interface(self.interface.index());
        self.send(packet, &control, SocketAddrV6::new(GROUP, PORT, 0, 0))
    }

    /// Answers one querier, from the address that received the query.
    fn reply(&self, packet: &Packet<'_>, got: &Received) -> Outcome<()> {
        self.send(packet, &got.control.reply(), got.source)
    }

    /// Sends with hop limit 255, which unicast needs too (RFC 6762 section 11).
    fn send(&self, packet: &Packet<'_>, control: &SendControl<'_>, to: SocketAddrV6) -> Outcome<()> {
        self.conn.send_to(&packet.build_bytes_vec_compressed()?, &control.with_hop_limit(255), to)?;
        Ok(())
    }

    /// Receives one message for this program, with its control messages. Returns `None` at `end`.
    fn receive<'p>(
        &self,
        payload: &'p mut [u8],
        end: Option<Instant>,
    ) -> Outcome<Option<(Packet<'p>, Received)>> {
        let got = loop {
            match receive_datagram(&self.conn, payload, end)? {
                None => return Ok(None),
                Some(got) if self.is_for_us(&payload[..got.len], &got) => break got,
                Some(_) => {}
            }
        };
        Ok(Some((Packet::parse(&payload[..got.len])?, got)))
    }

    /// Whether a message can be decoded, comes from this link, and is a valid query or response.
    fn is_for_us(&self, message: &[u8], got: &Received) -> bool {
        let Ok(packet) = Packet::parse(message) else { return false };
        // A message to the group comes from this link, whatever its source. A unicast message may come from farther
        // away (section 11).
        let is_near = got.control.destination == Some(GROUP)
            || Interface::by_index(self.interface.index())
                .is_ok_and(|now| now.addresses().iter().any(|ours| ours.contains(*got.source.ip())));
        is_near
            && got.control.interface == Some(self.interface.index())
            // Sections 18.3 and 18.11, and for responses section 6.
            && packet.opcode() == OPCODE::StandardQuery
            && packet.rcode() == RCODE::NoError
            && (got.source.port() == PORT || !packet.has_flags(PacketFlag::RESPONSE))
    }
}

fn respond(options: &Respond, output: &Output) -> Outcome<bool> {
    let link = Link::open(&options.interface, PORT)?;
    let mut own = records(options)?;
    let waits = Arc::clone(&link.conn);
    end_on_interrupt(move || waits.set_read_deadline(Some(Instant::now())))?;
    let end = options.timeout.and_then(after);
    let mut payload = vec![0; 9000];

    probe(&link, &own, &mut payload)?;
    if is_ending() {
        return Ok(true);
    }
    announce(&link, &mut own)?;
    output.print(
        format_args!("announced {} on {}", options.name, link.interface),
        json!({"event": "announced"}),
    )?;
    // Announce twice (section 8.3).
    let mut again = after(Duration::from_secs(1));
    while !is_ending() && end.is_none_or(|end| Instant::now() < end) {
        let Some((packet, got)) = link.receive(&mut payload, earlier(end, again))? else {
            if again.take_if(|again| *again <= Instant::now()).is_some() {
                announce(&link, &mut own)?;
            }
            continue;
        };
        if packet.has_flags(PacketFlag::RESPONSE) {
            conflict(&own, &packet, &got, |own, other| own.rdata.type_code() == other.rdata.type_code())?;
        } else if let Some(answer) = answer(&mut own, &packet, &got) {
            // An error concerns this querier only.
            if let Err(error) = send_answer(&link, &answer, &got) {
                eprintln!("mdns: {}: {error}", got.source);
                continue;
            }
            let answers = answer.packet.answers.iter().map(Record);
            let list: Vec<String> = answers.map(|record| record.to_string()).collect();
            let way = answer.way.name();
            output.print(
                format_args!("query from {}, answered by {way}: {}", got.source, list.join("; ")),
                json!({"event": "answer", "asked": got.source.ip(), "port": got.source.port(), "way": way, "answers": list}),
            )?;
        }
    }
    goodbye(&link, &own)?;
    Ok(true)
}

/// Sends an answer to the group or to the querier.
fn send_answer(link: &Link, answer: &Answer, got: &Received) -> Outcome<()> {
    if answer.way != Way::Multicast {
        return link.reply(&answer.packet, got);
    }
    if answer.packet.answers.iter().any(|record| !record.cache_flush) {
        // Other hosts may answer at the same time (section 6).
        thread::sleep(random(20..120));
    }
    link.multicast(&answer.packet)
}

/// The destination of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// To the group, so that all hosts may cache it.
    Multicast,
    /// To the querier, which requested unicast.
    Unicast,
    /// To a querier that does not implement multicast DNS (section 6.7).
    Legacy,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Multicast => "multicast",
            Self::Unicast => "unicast",
            Self::Legacy => "legacy unicast",
        }
    }
}

struct Answer {
    packet: Packet<'static>,
    way: Way,
}

/// The answer to a query, if there is one.
fn answer(own: &mut [Own], query: &Packet<'_>, got: &Received) -> Option<Answer> {
    let is_asked = |own: &Own, question: &Question<'_>| {
        let record = &own.record;
        record.name == question.qname
            && record.match_qclass(question.qclass)
            && record.match_qtype(question.qtype)
    };
    // An NSEC record answers a query for a type that the name does not have (section 6.1).
    let is_missing = |of: &Own, question: &Question<'_>| {
        matches!(of.record.rdata, RData::NSEC(_))
            && of.record.name == question.qname
            && !own.iter().any(|own| is_asked(own, question))
    };
    // The querier knows the record, for at least half of its lifetime (section 7.1).
    let is_known =
        |own: &Own| query.answers.iter().any(|known| *known == own.record && known.ttl >= own.record.ttl / 2);
    let wanted = |own: &Own| {
        query.questions.iter().any(|question| is_asked(own, question) || is_missing(own, question))
            && !is_known(own)
    };
    let mut chosen: Vec<usize> = (0..own.len()).filter(|index| wanted(&own[*index])).collect();

    let way = if got.source.port() != PORT {
        Way::Legacy
    } else {
        // Multicast from time to time, even if the querier requests unicast (section 5.4).
        let is_fresh = |own: &Own| own.sent_within(Duration::from_secs(u64::from(own.record.ttl / 4)));
        let wants_unicast = got.control.destination != Some(GROUP)
            || query.questions.iter().all(|question| question.unicast_response);
        match wants_unicast && chosen.iter().all(|index| is_fresh(&own[*index])) {
            true => Way::Unicast,
            false => Way::Multicast,
        }
    };
    if way == Way::Multicast {
        // Do not repeat a recent multicast, except to a host that probes for the name (section 6).
        let pause = Duration::from_millis(if query.name_servers.is_empty() { 1000 } else { 250 });
        chosen.retain(|index| !own[*index].sent_within(pause));
    }
    if chosen.is_empty() {
        return None;
    }

    let mut packet = Packet::new_reply(if way == Way::Multicast { 0 } else { query.id() });
    packet.set_flags(PacketFlag::AUTHORITATIVE_ANSWER);
    // A querier that finds the service needs its other records next.
    let leads_on = |index: &usize| matches!(own[*index].record.rdata, RData::PTR(_) | RData::SRV(_));
    let rest = chosen.iter().any(leads_on);
    for (index, own) in own.iter_mut().enumerate() {
        let mut record = own.record.clone();
        if way == Way::Multicast && chosen.contains(&index) {
            own.multicast = Some(Instant::now());
        }
        if way == Way::Legacy {
            // A short lifetime, and no cache-flush bit, which a plain resolver does not know.
            record = record.with_cache_flush(false);
            record.ttl = record.ttl.min(10);
        }
        if chosen.contains(&index) {
            packet.answers.push(record);
        } else if rest && own.is_unique() {
            packet.additional_records.push(record);
        }
    }
    if way == Way::Legacy {
        packet.questions = query.questions.iter().map(|question| question.clone().into_owned()).collect();
        for question in &mut packet.questions {
            question.unicast_response = false;
        }
    }
    Some(Answer { packet, way })
}

/// Probes three times whether a name is taken (section 8.1), and defers to a host that probes at the same time.
fn probe(link: &Link, own: &[Own], payload: &mut [u8]) -> Outcome<()> {
    let mut query = Packet::new_query(0);
    for Own { record, .. } in own.iter().filter(|own| matches!(own.record.rdata, RData::NSEC(_))) {
        query.questions.push(Question::new(record.name.clone(), QTYPE::ANY, CLASS::IN.into(), true));
    }
    for own in own.iter().filter(|own| own.is_probed()) {
        query.name_servers.push(own.record.clone().with_cache_flush(false));
    }
    thread::sleep(random(0..250));
    let mut asked = 0;
    while asked < 3 && !is_ending() {
        link.multicast(&query)?;
        asked += 1;
        let mut end = after(Duration::from_millis(250));
        while let Some((packet, got)) = link.receive(payload, end)? {
            if packet.has_flags(PacketFlag::RESPONSE) {
                conflict(own, &packet, &got, |_, _| true)?;
            } else if outranks(&packet, own) {
                // Another host may take the name. If it does, it will answer the next probe (section 8.2).
                (asked, end) = (0, after(Duration::from_secs(1)));
            }
        }
    }
    Ok(())
}

/// Whether a probe of another host is for one of our names and its records order after ours: then the name goes to that
/// host (section 8.2.1).
fn outranks(query: &Packet<'_>, own: &[Own]) -> bool {
    let ours: Vec<&ResourceRecord<'_>> =
        own.iter().filter(|own| own.is_probed()).map(|own| &own.record).collect();
    ours.iter().any(|name| {
        let is_of_name = |record: &&ResourceRecord<'_>| record.name == name.name;
        let theirs = in_order(query.name_servers.iter().filter(is_of_name));
        theirs > in_order(ours.iter().copied().filter(is_of_name))
    })
}

/// Returns an error if another host answers for one of our unique names with records that exclude ours.
fn conflict(
    own: &[Own],
    packet: &Packet<'_>,
    got: &Received,
    excludes: impl Fn(&ResourceRecord<'_>, &ResourceRecord<'_>) -> bool,
) -> Outcome<()> {
    for record in packet.answers.iter().filter(|record| record.ttl > 0) {
        let mut same_name = own.iter().filter(|own| own.is_probed() && own.record.name == record.name);
        if same_name.any(|own| excludes(&own.record, record)) && !own.iter().any(|own| own.record == *record)
        {
            let name = printable(&record.name.to_string());
            return Err(format!("{name} is taken: {} has {}", got.source, Record(record)).into());
        }
    }
    Ok(())
}

/// Announces our records to the group (section 8.3).
fn announce(link: &Link, own: &mut [Own]) -> Outcome<()> {
    let mut packet = Packet::new_reply(0);
    packet.set_flags(PacketFlag::AUTHORITATIVE_ANSWER);
    packet.answers.extend(own.iter().map(|own| own.record.clone()));
    link.multicast(&packet)?;
    for own in own {
        own.multicast = Some(Instant::now());
    }
    Ok(())
}

/// Asks the group to remove our records from caches (section 10.1).
fn goodbye(link: &Link, own: &[Own]) -> Outcome<()> {
    let mut packet = Packet::new_reply(0);
    packet.set_flags(PacketFlag::AUTHORITATIVE_ANSWER);
    packet.answers.extend(own.iter().map(|own| ResourceRecord { ttl: 0, ..own.record.clone() }));
    link.multicast(&packet)
}

fn random(milliseconds: std::ops::Range<u64>) -> Duration {
    let random = RandomState::new().hash_one(0);
    Duration::from_millis(milliseconds.start + random % (milliseconds.end - milliseconds.start))
}

fn query(options: &Query, output: &Output) -> Outcome<bool> {
    let link = Link::open(&options.interface, options.port)?;
    let id = if options.port == PORT { 0 } else { RandomState::new().hash_one(0) as u16 };
    let mut query = Packet::new_query(id);
    let (name, kind) = (options.name.clone(), options.kind.question());
    query.questions.push(Question::new(name, kind, CLASS::IN.into(), options.unicast));
    link.multicast(&query)?;

    let mut end = after(options.timeout);
    let mut payload = vec![0; 9000];
    let mut answered = false;
    // Repeat an unanswered query: multicast may be lost, and a responder does not repeat an answer within a second
    // (sections 5.2 and 6).
    let (mut pause, mut again) = (REPEAT, after(REPEAT));
    loop {
        let Some((packet, got)) = link.receive(&mut payload, earlier(end, again))? else {
            if end.is_some_and(|end| end <= Instant::now()) {
                break;
            }
            link.multicast(&query)?;
            pause *= 2;
            again = after(pause);
            continue;
        };
        let is_answer = |record: &ResourceRecord<'_>| record.name == options.name && record.match_qtype(kind);
        let is_ours = packet.has_flags(PacketFlag::RESPONSE) && (options.port == PORT || packet.id() == id);
        if !is_ours || !packet.answers.iter().any(is_answer) {
            continue;
        }
        if !answered {
            (answered, again) = (true, None);
            end = earlier(end, after(OTHERS));
        }
        for record in packet.answers.iter().chain(&packet.additional_records) {
            let way = if got.control.destination == Some(GROUP) { "multicast" } else { "unicast" };
            let (source, hop_limit) = (got.source, got.control.hop_limit);
            let (kind, data) = data(record);
            output.print(
                format_args!("{}, {} s, by {way} from {source}, {}", Record(record), record.ttl, got.control),
                json!({
                    "name": record.name.to_string(), "type": kind, "data": data, "ttl": record.ttl,
                    "cache_flush": record.cache_flush, "way": way, "source": source.ip(),
                    "port": source.port(), "hop_limit": hop_limit,
                }),
            )?;
        }
    }
    Ok(answered)
}
