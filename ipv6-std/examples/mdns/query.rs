//! Queries a name and prints the answers.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use ipv6_std::Received;
use serde_json::json;
use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, Question, ResourceRecord};

use crate::common::task::{at, next_datagram, stop};
use crate::common::{Outcome, Output, after, earlier, interface, is_ending, lost};
use crate::link::{GROUP, Link, PORT, is_acceptable};
use crate::options::Query;
use crate::records::{Record, data};

/// The time before the first repetition of an unanswered query. It doubles each time (RFC 6762 section 5.2).
const REPEAT: Duration = Duration::from_secs(1);
/// The time to wait for further answers after the first.
const OTHERS: Duration = Duration::from_millis(500);

pub async fn query(options: &Query, output: &Output) -> Outcome<bool> {
    let on = interface(&options.interface)?;
    let link = Link::open(options.port)?;
    if options.port == PORT {
        link.conn.join_group(GROUP, &on)?;
    }
    let stop = stop()?;
    let id = if options.port == PORT { 0 } else { RandomState::new().hash_one(0) as u16 };
    let mut query = Packet::new_query(id);
    let (name, kind) = (options.name.clone(), options.kind.question());
    query.questions.push(Question::new(name, kind, CLASS::IN.into(), options.unicast));
    let send = async || {
        let sent = link.multicast(&query, on.index()).await;
        sent.map_err(|error| lost(&on).unwrap_or_else(|| format!("cannot send on interface {on}: {error}")))
    };
    send().await?;

    let mut end = after(options.timeout);
    let mut payload = vec![0; 9000];
    let mut answers = 0;
    // A socket with another port receives unicast only.
    let asks_unicast = options.unicast || options.port != PORT;
    // Repeat an unanswered query: multicast may be lost, and a responder does not repeat an answer within a second
    // (sections 5.2 and 6).
    let (mut pause, mut again) = (REPEAT, after(REPEAT));
    while !is_ending() {
        let got = tokio::select! {
            got = next_datagram(&link.conn, &mut payload) => got?,
            () = at(end) => break,
            () = stop.notified() => break,
            () = at(again) => {
                send().await?;
                pause *= 2;
                again = after(pause);
                continue;
            }
        };
        let Ok(packet) = Packet::parse(&payload[..got.len]) else { continue };
        let is_ours = packet.has_flags(PacketFlag::RESPONSE) && (options.port == PORT || packet.id() == id);
        if !is_ours
            || got.control.interface != Some(on.index())
            || !is_acceptable(&packet, &got, &on, asks_unicast)
        {
            continue;
        }
        let records = related(&packet, &options.name, kind);
        if records.is_empty() {
            continue;
        }
        if answers == 0 {
            again = None;
            end = earlier(end, after(OTHERS));
        }
        answers += records.len();
        for record in records {
            print(record, &got, output)?;
        }
    }
    if is_ending() {
        output.print(format_args!("interrupted after {answers} records"), json!({"records": answers}))?;
    }
    Ok(answers > 0)
}

/// The records of a response that answer the question, and those of the names to which they refer. None, if no record
/// answers it. A lifetime of 0 is a goodbye, which asks to forget a record (section 10.1).
fn related<'p>(packet: &'p Packet<'p>, asked: &Name<'p>, kind: QTYPE) -> Vec<&'p ResourceRecord<'p>> {
    let is_alive = |record: &&ResourceRecord<'_>| record.ttl > 0 && record.class == CLASS::IN;
    let records: Vec<&ResourceRecord<'_>> =
        packet.answers.iter().chain(&packet.additional_records).filter(is_alive).collect();
    let is_answer = |record: &ResourceRecord<'_>| record.name == *asked && record.match_qtype(kind);
    if !packet.answers.iter().filter(is_alive).any(is_answer) {
        return Vec::new();
    }
    let mut names = vec![asked];
    let mut at = 0;
    while at < names.len() {
        let name = names[at];
        for record in records.iter().filter(|record| record.name == *name) {
            let target = match &record.rdata {
                RData::PTR(name) => &name.0,
                RData::CNAME(name) => &name.0,
                RData::SRV(data) => &data.target,
                _ => continue,
            };
            if !names.contains(&target) {
                names.push(target);
            }
        }
        at += 1;
    }
    records.into_iter().filter(|record| names.contains(&&record.name)).collect()
}

fn print(record: &ResourceRecord<'_>, got: &Received, output: &Output) -> Outcome<()> {
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
    )
}
