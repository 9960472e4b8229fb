//! Our records on one interface: the state of their names, and what to send when. Sends and waits for nothing itself.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddrV6;
use std::time::{Duration, Instant};

use ipv6_std::Received;
use simple_dns::{Packet, PacketFlag, ResourceRecord};

use crate::answer::{Answer, Way, answer};
use crate::probe::{Conflict, conflict, outranks, probe};
use crate::records::Own;

/// The time between probes (RFC 6762 section 8.1).
const PROBE: Duration = Duration::from_millis(250);
/// The pause before the next probe when another host has the name (section 8.1).
const PAUSE: Duration = Duration::from_secs(5);

pub struct Responder {
    own: Vec<Own>,
    state: State,
    /// Whether the records were announced at least once.
    was_announced: bool,
    /// Whether another host had a name before this one used it.
    is_taken: bool,
    /// Whether it was printed that another host probes for a name too.
    was_deferred: bool,
    /// Answers that wait, so that they do not collide with those of other hosts.
    delayed: Vec<(Instant, Packet<'static>)>,
}

#[derive(PartialEq, Eq)]
enum State {
    /// Asks whether the names are taken. `sent` probes were sent; the next step is due at `next`.
    Probing { sent: u32, next: Instant },
    /// Answers queries. The second announcement is due at `again`.
    Announced { again: Option<Instant> },
}

/// What the program must do.
pub enum Act {
    /// Send to the group.
    Multicast(Packet<'static>),
    /// Send an answer to a query, and print it. `is_delayed`: another act will send it.
    Answer { answer: Answer, is_delayed: bool },
    /// Print that the records were announced for the first time, or again after a conflict.
    Announced,
    /// Print that another host has a name, and that the program probes again.
    Conflict(Conflict),
    /// Another host had a name before this one used it.
    Taken(Conflict),
    /// Print that another host probes for a name at the same time, and that the program probes again.
    Deferred { name: String, to: SocketAddrV6 },
}

impl Responder {
    pub fn new(own: Vec<Own>) -> Self {
        let state = State::Probing { sent: 0, next: Instant::now() + random(0..250) };
        Self { own, state, was_announced: false, is_taken: false, was_deferred: false, delayed: Vec::new() }
    }

    /// When [`on_time`](Self::on_time) has something to do.
    pub fn next(&self) -> Option<Instant> {
        let of_state = match self.state {
            State::Probing { next, .. } => Some(next),
            State::Announced { again } => again,
        };
        self.delayed.iter().map(|(when, _)| *when).chain(of_state).min()
    }

    /// Whether unicast responses are expected: probes ask for them.
    pub fn asks_unicast(&self) -> bool {
        matches!(self.state, State::Probing { sent: 1.., .. })
    }

    pub fn was_announced(&self) -> bool {
        self.was_announced
    }

    pub fn is_taken(&self) -> bool {
        self.is_taken
    }

    pub fn on_time(&mut self, now: Instant) -> Vec<Act> {
        let due = self.delayed.extract_if(.., |(when, _)| *when <= now);
        let mut acts: Vec<Act> = due.map(|(_, packet)| Act::Multicast(packet)).collect();
        match &mut self.state {
            State::Probing { sent: sent @ 0..3, next } if *next <= now => {
                (*sent, *next) = (*sent + 1, now + PROBE);
                acts.push(Act::Multicast(probe(&self.own)));
            }
            State::Probing { next, .. } if *next <= now => {
                // Announce twice (section 8.3).
                self.state = State::Announced { again: Some(now + Duration::from_secs(1)) };
                (self.was_announced, self.is_taken, self.was_deferred) = (true, false, false);
                acts.extend([Act::Multicast(self.announcement()), Act::Announced]);
            }
            State::Announced { again } if again.is_some_and(|again| again <= now) => {
                *again = None;
                acts.push(Act::Multicast(self.announcement()));
            }
            _ => {}
        }
        acts
    }

    pub fn on_query(&mut self, query: &Packet<'_>, got: &Received) -> Option<Act> {
        if let State::Probing { sent, next } = &mut self.state {
            let name = if *sent > 0 { outranks(query, &self.own) } else { None }?;
            // Another host may take the name. If it does, it will answer the next probe (section 8.2).
            (*sent, *next) = (0, Instant::now() + Duration::from_secs(1));
            // Probes that never end would keep the program silent.
            let is_new = !std::mem::replace(&mut self.was_deferred, true);
            return is_new.then_some(Act::Deferred { name, to: got.source });
        }
        let answer = answer(&mut self.own, query, got)?;
        let is_delayed =
            answer.way == Way::Multicast && answer.packet.answers.iter().any(|record| !record.cache_flush);
        if is_delayed {
            // Other hosts may answer at the same time (section 6).
            self.delayed.push((Instant::now() + random(20..120), answer.packet.clone()));
        }
        Some(Act::Answer { answer, is_delayed })
    }

    pub fn on_response(&mut self, packet: &Packet<'_>, from: SocketAddrV6) -> Option<Act> {
        let now = Instant::now();
        match &mut self.state {
            // Not yet asked.
            State::Probing { sent: 0, .. } => None,
            State::Probing { sent, next } => {
                let why = conflict(&self.own, packet, from, |_, _| true)?;
                // A person must choose another name; meanwhile that host may leave.
                (*sent, *next) = (0, now + PAUSE);
                self.is_taken = !self.was_announced;
                Some(if self.is_taken { Act::Taken(why) } else { Act::Conflict(why) })
            }
            State::Announced { .. } => {
                let same_type = |own: &ResourceRecord<'_>, other: &ResourceRecord<'_>| {
                    own.rdata.type_code() == other.rdata.type_code()
                };
                if let Some(why) = conflict(&self.own, packet, from, same_type) {
                    // Probe again: if the other host has the name, it will answer (section 9). Three probes take so long
                    // that fifteen conflicts cannot occur in ten seconds, after which a host must wait (section 8.1).
                    self.state = State::Probing { sent: 0, next: now + random(0..250) };
                    return Some(Act::Conflict(why));
                }
                self.correction(packet).map(Act::Multicast)
            }
        }
    }

    /// Sends our records again after a response that shortens their lifetime, such as a goodbye (section 6.6).
    fn correction(&mut self, packet: &Packet<'_>) -> Option<Packet<'static>> {
        let is_short = |own: &Own| {
            let mut same = packet.answers.iter().filter(|record| **record == own.record);
            same.any(|record| record.ttl < own.record.ttl / 2) && !own.sent_within(Duration::from_secs(1))
        };
        let mut right = reply();
        for own in self.own.iter_mut().filter(|own| is_short(own)) {
            own.multicast = Some(Instant::now());
            right.answers.push(own.record.clone());
        }
        (!right.answers.is_empty()).then_some(right)
    }

    /// All records, for the group.
    fn announcement(&mut self) -> Packet<'static> {
        let mut packet = reply();
        for own in &mut self.own {
            own.multicast = Some(Instant::now());
            packet.answers.push(own.record.clone());
        }
        packet
    }

    /// Asks the group to remove our records from caches (section 10.1). `None`: they were not announced.
    pub fn goodbye(&self) -> Option<Packet<'static>> {
        let State::Announced { .. } = self.state else { return None };
        let mut packet = reply();
        packet.answers.extend(self.own.iter().map(|own| ResourceRecord { ttl: 0, ..own.record.clone() }));
        Some(packet)
    }
}

fn reply() -> Packet<'static> {
    let mut packet = Packet::new_reply(0);
    packet.set_flags(PacketFlag::AUTHORITATIVE_ANSWER);
    packet
}

fn random(milliseconds: std::ops::Range<u64>) -> Duration {
    let random = RandomState::new().hash_one(0);
    Duration::from_millis(milliseconds.start + random % (milliseconds.end - milliseconds.start))
}
