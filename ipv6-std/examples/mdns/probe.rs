//! Probes and conflicts: one host of a link has a unique name (RFC 6762 sections 8 and 9).

use std::net::SocketAddrV6;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Packet, QTYPE, Question, ResourceRecord};

use crate::common::printable;
use crate::records::{Own, Record, in_order};

/// The query that asks whether our unique names are taken (section 8.1).
pub fn probe(own: &[Own]) -> Packet<'static> {
    let mut query = Packet::new_query(0);
    for Own { record, .. } in own.iter().filter(|own| matches!(own.record.rdata, RData::NSEC(_))) {
        query.questions.push(Question::new(record.name.clone(), QTYPE::ANY, CLASS::IN.into(), true));
    }
    for own in own.iter().filter(|own| own.is_probed()) {
        query.name_servers.push(own.record.clone().with_cache_flush(false));
    }
    query
}

/// Whether a probe of another host is for one of our names and its records order after ours: then the name goes to that
/// host (section 8.2.1). Returns the name.
pub fn outranks(query: &Packet<'_>, own: &[Own]) -> Option<String> {
    let ours: Vec<&ResourceRecord<'_>> =
        own.iter().filter(|own| own.is_probed()).map(|own| &own.record).collect();
    let lost = ours.iter().find(|name| {
        let is_of_name = |record: &&ResourceRecord<'_>| record.name == name.name;
        let theirs = in_order(query.name_servers.iter().filter(is_of_name));
        theirs > in_order(ours.iter().copied().filter(is_of_name))
    })?;
    Some(printable(&lost.name.to_string()))
}

pub struct Conflict {
    pub name: String,
    /// The other host and its record.
    pub other: String,
}

/// The conflict, if another host answers for one of our unique names with records that exclude ours.
pub fn conflict(
    own: &[Own],
    packet: &Packet<'_>,
    from: SocketAddrV6,
    excludes: impl Fn(&ResourceRecord<'_>, &ResourceRecord<'_>) -> bool,
) -> Option<Conflict> {
    let is_conflict = |record: &&ResourceRecord<'_>| {
        let mut same_name = own.iter().filter(|own| own.is_probed() && own.record.name == record.name);
        record.ttl > 0
            && same_name.any(|own| excludes(&own.record, record))
            && !own.iter().any(|own| own.record == **record)
    };
    let record = packet.answers.iter().find(is_conflict)?;
    let name = printable(&record.name.to_string());
    Some(Conflict { name, other: format!("{from} has {}", Record(record)) })
}
