//! The interfaces that the program serves. They may appear and disappear.

use std::time::{Duration, Instant};

use ipv6_std::{Interface, InterfaceFlags, InterfaceIndex};
use serde_json::json;

use crate::common::{Outcome, Output, interface, receives};
use crate::link::{GROUP, Link};
use crate::records::Own;
use crate::responder::Responder;

/// The pause before the program uses an interface again on which it could not send.
const PAUSE: Duration = Duration::from_secs(1);

pub struct Served {
    all: Vec<One>,
    /// Whether to serve interfaces that nobody named.
    every: bool,
    own: Vec<Own>,
}

/// An interface that is named or was found.
struct One {
    name: String,
    current: Option<Current>,
    was_served: bool,
    /// Why it is not served, as last reported.
    why: Option<String>,
    /// When the program may use it again.
    not_before: Instant,
}

/// An interface that is served.
pub struct Current {
    pub interface: Interface,
    pub responder: Responder,
}

impl Served {
    /// Serves the interfaces with these names, or all.
    pub fn new(names: &[String], own: Vec<Own>) -> Outcome<Self> {
        let mut all: Vec<One> = Vec::new();
        for name in names {
            if name.is_empty() {
                // The error says what to do.
                interface(name)?;
            }
            // An alternative name stands for the name, which an interface may get later.
            let name = Interface::by_name(name).map_or(name.clone(), |found| found.name().into());
            if !all.iter().any(|one| one.name == name) {
                all.push(One::new(&name));
            }
        }
        Ok(Self { all, every: names.is_empty(), own })
    }

    pub fn get(&mut self, index: Option<InterfaceIndex>) -> Option<&mut Current> {
        let index = index?;
        self.iter().find(|current| current.interface.index() == index)
    }

    pub fn iter(&mut self) -> impl Iterator<Item = &mut Current> {
        self.all.iter_mut().filter_map(|one| one.current.as_mut())
    }

    /// When to look again at an interface on which the program could not send. Changes of others are noticed.
    pub fn next(&self) -> Option<Instant> {
        let now = Instant::now();
        let waiting = self.all.iter().filter(|one| one.current.is_none() && one.not_before > now);
        waiting.map(|one| one.not_before).min()
    }

    /// Why no interface is served.
    pub fn why(&self) -> String {
        let mut reasons = self.all.iter().filter_map(|one| one.why.as_deref());
        reasons.next().unwrap_or("no interface is up and supports multicast").to_string()
    }

    /// Compares what is served with the interfaces of the host. Joins the group on those that appeared.
    pub fn refresh(&mut self, link: &Link, output: &Output, is_start: bool) -> Outcome<()> {
        let now = Interface::all()?;
        if self.every {
            for interface in &now {
                let is_loopback = interface.flags().contains(InterfaceFlags::LOOPBACK);
                if !is_loopback && !self.all.iter().any(|one| one.name == interface.name()) {
                    self.all.push(One::new(interface.name()));
                }
            }
        }
        for one in &mut self.all {
            let found = now.iter().find(|interface| interface.name() == one.name);
            let usable = usable(found, one);
            match (&mut one.current, found) {
                (Some(current), Some(found))
                    if usable.is_ok()
                        && current.interface.index() == found.index()
                        // Scar 61: replaced, with its old index.
                        && receives(found, GROUP) != Some(false) =>
                {
                    current.interface = found.clone();
                    continue;
                }
                (Some(_), _) => {
                    let why = usable.as_ref().err().cloned();
                    one.lose(
                        link,
                        why.unwrap_or_else(|| format!("interface {} was replaced", one.name)),
                        output,
                    )?;
                }
                (None, _) => {}
            }
            match (usable, found) {
                (Ok(()), Some(found)) if one.not_before <= Instant::now() => {
                    if let Err(error) = link.conn.join_group(GROUP, found) {
                        one.report(format!("interface {found}: {error}"), output)?;
                        continue;
                    }
                    one.current = Some(Current {
                        interface: found.clone(),
                        responder: Responder::new(self.own.clone()),
                    });
                    one.why = None;
                    let (text, event) = match std::mem::replace(&mut one.was_served, true) {
                        true => ("is back", "interface back"),
                        false => ("is up", "interface up"),
                    };
                    if !is_start {
                        output.log(
                            format_args!("interface {found} {text}"),
                            json!({"event": event, "interface": found.name()}),
                        )?;
                    }
                }
                // At the start, interfaces that nobody named and that are not usable are no news.
                (Err(why), _) if !self.every => one.report(why, output)?,
                _ => {}
            }
        }
        if self.every {
            // Forget what disappeared.
            self.all.retain(|one| one.current.is_some() || now.iter().any(|now| now.name() == one.name));
        }
        Ok(())
    }

    /// Stops serving an interface on which the program cannot send.
    pub fn failed(&mut self, index: InterfaceIndex, why: &str, link: &Link, output: &Output) -> Outcome<()> {
        let is_it =
            |one: &&mut One| one.current.as_ref().is_some_and(|current| current.interface.index() == index);
        let Some(one) = self.all.iter_mut().find(is_it) else { return Ok(()) };
        one.not_before = Instant::now() + PAUSE;
        one.lose(link, why.to_string(), output)
    }
}

impl One {
    fn new(name: &str) -> Self {
        Self { name: name.into(), current: None, was_served: false, why: None, not_before: Instant::now() }
    }

    /// Stops serving it.
    fn lose(&mut self, link: &Link, why: String, output: &Output) -> Outcome<()> {
        if let Some(current) = self.current.take() {
            // The interface may be gone, and the membership with it.
            let _ = link.conn.leave_group(GROUP, &current.interface);
        }
        self.report(why, output)
    }

    /// Prints why it is not served, once.
    fn report(&mut self, why: String, output: &Output) -> Outcome<()> {
        if self.why.as_ref() == Some(&why) {
            return Ok(());
        }
        output.log(
            format_args!("{why}; waiting for it"),
            json!({"event": "interface lost", "interface": self.name, "error": why}),
        )?;
        self.why = Some(why);
        Ok(())
    }
}

/// Whether an interface can be served now, or why not.
fn usable(found: Option<&Interface>, one: &One) -> Result<(), String> {
    let name = &one.name;
    let Some(found) = found else {
        return Err(match one.was_served {
            true => format!("interface {name} has disappeared"),
            false => format!("no interface {name}"),
        });
    };
    if !found.flags().contains(InterfaceFlags::UP) {
        return Err(format!("interface {name} is down"));
    }
    if !found.flags().contains(InterfaceFlags::MULTICAST) {
        return Err(format!("interface {name} does not support multicast"));
    }
    if found.addresses().iter().all(|address| address.is_tentative()) {
        return Err(format!("interface {name} has no IPv6 address yet"));
    }
    Ok(())
}
