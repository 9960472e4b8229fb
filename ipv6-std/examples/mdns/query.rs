//! Queries a name and prints the answers.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use serde_json::json;
use simple_dns::{CLASS, Packet, PacketFlag, Question, ResourceRecord};

use crate::common::{Outcome, Output, after, earlier};
use crate::link::{GROUP, Link, PORT};
use crate::options::Query;
use crate::records::{Record, data};

/// The time before the first repetition of an unanswered query. It doubles each time (RFC 6762 section 5.2).
const REPEAT: Duration = Duration::from_secs(1);
/// The time to wait for further answers after the first.
const OTHERS: Duration = Duration::from_millis(500);

pub fn query(options: &Query, output: &Output) -> Outcome<bool> {
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
