//! Announces records and answers queries for them, on several interfaces.

use std::time::{Duration, Instant};

use ipv6_std::{InterfaceIndex, Received};
use serde_json::json;
use simple_dns::{Packet, PacketFlag};
use tokio::sync::Notify;

use crate::answer::{Answer, Way};
use crate::common::task::{at, next_datagram, stop};
use crate::common::{Outcome, Output, after, earlier, is_ending};
use crate::link::{Link, PORT, is_acceptable};
use crate::options::Respond;
use crate::probe::Conflict;
use crate::records::{Record, records};
use crate::responder::Act;
use crate::served::Served;
use crate::watcher::Watcher;

/// How long the program probes at least, even if its time is over.
const PROBES: Duration = Duration::from_secs(2);

pub async fn respond(options: &Respond, output: &Output) -> Outcome<bool> {
    let stop = stop()?;
    let mut program = Program {
        served: Served::new(&options.interface, records(options)?)?,
        link: Link::open(PORT)?,
        name: options.name.to_string(),
        count: Count::default(),
        output,
    };
    program.run(options, &stop).await
}

struct Program<'o> {
    link: Link,
    served: Served,
    name: String,
    count: Count,
    output: &'o Output,
}

/// What the summary contains.
#[derive(Default)]
struct Count {
    answered: u64,
    conflicts: u64,
    ignored: u64,
}

impl Program<'_> {
    async fn run(&mut self, options: &Respond, stop: &Notify) -> Outcome<bool> {
        let end = options.timeout.and_then(after);
        let mut payload = vec![0; 9000];
        // Before the first look, so that no change is missed.
        let watcher = Watcher::new()?;
        self.served.refresh(&self.link, self.output, true)?;
        if self.served.iter().next().is_none() {
            return Err(self.served.why().into());
        }
        while !is_ending() && !self.is_over(end) {
            let timer = self.served.iter().filter_map(|of| of.responder.next()).min();
            let end = end.filter(|end| *end > Instant::now());
            let again = self.served.next();
            tokio::select! {
                got = next_datagram(&self.link.conn, &mut payload) => {
                    let got = got?;
                    self.hear(&payload[..got.len], &got).await?;
                }
                () = watcher.changed() => self.served.refresh(&self.link, self.output, false)?,
                () = at(again) => self.served.refresh(&self.link, self.output, false)?,
                () = at(earlier(end, timer)) => {}
                () = stop.notified() => {}
            }
            self.on_time().await?;
        }
        self.end().await
    }

    /// Whether the time of the option has passed. The probes are completed, unless another host delays them.
    fn is_over(&mut self, end: Option<Instant>) -> bool {
        let Some(past) = end.and_then(|end| Instant::now().checked_duration_since(end)) else { return false };
        past > PROBES || self.served.iter().all(|of| of.responder.was_announced())
    }

    /// Does what is due on all interfaces.
    async fn on_time(&mut self) -> Outcome<()> {
        let now = Instant::now();
        let due = self.served.iter().map(|of| (of.interface.index(), of.responder.on_time(now)));
        for (on, acts) in due.collect::<Vec<_>>() {
            for act in acts {
                self.act(act, on, None).await?;
            }
        }
        Ok(())
    }

    /// Handles a received message.
    async fn hear(&mut self, message: &[u8], got: &Received) -> Outcome<()> {
        let Some(current) = self.served.get(got.control.interface) else { return Ok(()) };
        let on = current.interface.index();
        let responder = &mut current.responder;
        let act = match Packet::parse(message) {
            Ok(packet) if is_acceptable(&packet, got, &current.interface, responder.asks_unicast()) => {
                match packet.has_flags(PacketFlag::RESPONSE) {
                    true => responder.on_response(&packet, got.source),
                    false => responder.on_query(&packet, got),
                }
            }
            _ => {
                self.count.ignored += 1;
                None
            }
        };
        match act {
            Some(act) => self.act(act, on, Some(got)).await,
            None => Ok(()),
        }
    }

    async fn act(&mut self, act: Act, on: InterfaceIndex, got: Option<&Received>) -> Outcome<()> {
        let Some(current) = self.served.get(Some(on)) else { return Ok(()) };
        let interface = current.interface.name().to_string();
        match act {
            Act::Multicast(packet) => {
                if let Err(error) = self.link.multicast(&packet, on).await {
                    let why = format!("interface {interface}: cannot send: {error}");
                    self.served.failed(on, &why, &self.link, self.output)?;
                }
                Ok(())
            }
            Act::Answer { answer, is_delayed } => match got {
                Some(got) => self.answer(&answer, is_delayed, on, &interface, got).await,
                None => Ok(()),
            },
            Act::Announced => self.output.log(
                format_args!("announced {} on {interface}", self.name),
                json!({"event": "announced", "interface": interface}),
            ),
            Act::Conflict(Conflict { name, other }) => {
                self.count.conflicts += 1;
                self.output.log(
                    format_args!("conflict about {name} on {interface}: {other}; probing again"),
                    json!({"event": "conflict", "interface": interface, "name": name, "other": other}),
                )
            }
            Act::Deferred { name, to } => self.output.log(
                format_args!("{to} probes for {name} on {interface} too, and goes first; probing again"),
                json!({"event": "deferred", "interface": interface, "name": name, "other": to.ip()}),
            ),
            Act::Taken(Conflict { name, other }) => {
                self.count.conflicts += 1;
                let mut all = self.served.iter();
                if all.all(|of| of.responder.is_taken()) {
                    return Err(format!("{name} is taken: {other}").into());
                }
                self.output.log(
                    format_args!("{name} is taken on {interface}: {other}; probing again"),
                    json!({"event": "taken", "interface": interface, "name": name, "other": other}),
                )
            }
        }
    }

    async fn answer(
        &mut self,
        answer: &Answer,
        is_delayed: bool,
        on: InterfaceIndex,
        interface: &str,
        got: &Received,
    ) -> Outcome<()> {
        let sent = match answer.way {
            Way::Multicast if is_delayed => Ok(()),
            Way::Multicast => self.link.multicast(&answer.packet, on).await,
            Way::Unicast | Way::Legacy => self.link.reply(&answer.packet, got).await,
        };
        // An error concerns this querier only.
        if let Err(error) = sent {
            self.output.warn(format_args!("{}: {error}", got.source));
            return Ok(());
        }
        self.count.answered += 1;
        let answers = answer.packet.answers.iter().map(Record);
        let list: Vec<String> = answers.map(|record| record.to_string()).collect();
        let way = answer.way.name();
        self.output.log(
            format_args!("query from {}, answered by {way}: {}", got.source, list.join("; ")),
            json!({
                "event": "answer", "interface": interface, "asked": got.source.ip(),
                "port": got.source.port(), "way": way, "answers": list,
            }),
        )
    }

    /// Sends goodbyes and prints the summary.
    async fn end(&mut self) -> Outcome<bool> {
        let goodbyes = self.served.iter().map(|of| (of.interface.index(), of.responder.goodbye()));
        for (on, goodbye) in goodbyes.collect::<Vec<_>>() {
            if let Some(goodbye) = goodbye {
                // The interface may have disappeared.
                let _ = self.link.multicast(&goodbye, on).await;
            }
        }
        let Count { answered, conflicts, ignored } = self.count;
        self.output.print(
            format_args!("{answered} queries answered, {conflicts} conflicts, {ignored} messages ignored"),
            json!({"answered": answered, "conflicts": conflicts, "ignored": ignored}),
        )?;
        Ok(true)
    }
}
