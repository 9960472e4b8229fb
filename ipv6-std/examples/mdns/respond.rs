//! Announces records and answers queries for them.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ipv6_std::Received;
use serde_json::json;
use simple_dns::{Packet, PacketFlag, ResourceRecord};

use crate::answer::{Answer, Way, answer};
use crate::common::{Outcome, Output, after, earlier, end_on_interrupt, is_ending};
use crate::link::{Link, PORT};
use crate::options::Respond;
use crate::probe::{conflict, probe};
use crate::records::{Own, Record, records};

pub fn respond(options: &Respond, output: &Output) -> Outcome<bool> {
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
                output.warn(format_args!("{}: {error}", got.source));
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

pub fn random(milliseconds: std::ops::Range<u64>) -> Duration {
    let random = RandomState::new().hash_one(0);
    Duration::from_millis(milliseconds.start + random % (milliseconds.end - milliseconds.start))
}
