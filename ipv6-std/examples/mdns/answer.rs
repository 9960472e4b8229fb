//! Which records answer a query, and where the answer goes (RFC 6762 sections 5 to 7).

use std::time::{Duration, Instant};

use ipv6_std::Received;
use simple_dns::rdata::RData;
use simple_dns::{Packet, PacketFlag, Question};

use crate::link::{GROUP, PORT};
use crate::records::Own;

/// The destination of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the group, so that all hosts may cache it.
    Multicast,
    /// To the querier, which requested unicast.
    Unicast,
    /// To a querier that does not implement multicast DNS (section 6.7).
    Legacy,
}

impl Way {
    pub fn name(self) -> &'static str {
        match self {
            Self::Multicast => "multicast",
            Self::Unicast => "unicast",
            Self::Legacy => "legacy unicast",
        }
    }
}

pub struct Answer {
    pub packet: Packet<'static>,
    pub way: Way,
}

/// The answer to a query, if there is one.
pub fn answer(own: &mut [Own], query: &Packet<'_>, got: &Received) -> Option<Answer> {
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
