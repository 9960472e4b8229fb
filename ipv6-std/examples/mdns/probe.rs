//! Probes and conflicts: one host of a link has a unique name (RFC 6762 sections 8 and 9).

use std::thread;
use std::time::Duration;

use ipv6_std::Received;
use simple_dns::rdata::RData;
use simple_dns::{CLASS, Packet, PacketFlag, QTYPE, Question, ResourceRecord};

use crate::common::{Outcome, after, is_ending, printable};
use crate::link::Link;
use crate::records::{Own, Record, in_order};
use crate::respond::random;

/// Probes three times whether a name is taken (section 8.1), and defers to a host that probes at the same time.
pub fn probe(link: &Link, own: &[Own], payload: &mut [u8]) -> Outcome<()> {
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
pub fn conflict(
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
