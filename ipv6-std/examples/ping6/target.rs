//! The hosts that the program sends to.

use std::io::{self, Read};
use std::net::SocketAddrV6;

use ipv6_std::{Interface, InterfaceFlags};

use crate::common::{Outcome, has_interface, interface, lost, not_sent, resolve};
use crate::options::Options;
use crate::tally::Tally;

pub struct Target {
    /// The name or the address as the user wrote it.
    pub name: String,
    pub to: SocketAddrV6,
    /// The interface of the option or of the address's zone.
    on: Option<Interface>,
    pub tally: Tally,
}

impl Target {
    /// Returns a clear error if no packet can leave for this host.
    pub fn new(name: &str, options: &Options) -> Outcome<Self> {
        let to = resolve(name)?;
        let zone = to.scope_id().try_into().ok().map(Interface::by_index).transpose()?;
        let on = match (options.on()?, zone) {
            (Some(on), Some(zone)) if on.index() != zone.index() => {
                return Err(format!("{name} is on another interface than {on}").into());
            }
            (on, zone) => on.or(zone),
        };
        if let Some(on) = on.as_ref().filter(|_| to.ip().is_multicast()) {
            interface(on.name())?;
        }
        if let Some(on) = on.as_ref().filter(|on| !on.flags().contains(InterfaceFlags::UP)) {
            return Err(format!("interface {on} is down").into());
        }
        has_interface(to, on.as_ref())?;
        Ok(Self { name: name.into(), to, on, tally: Tally::default() })
    }

    /// Why a send to it failed.
    pub fn why(&self, error: &io::Error) -> String {
        self.on.as_ref().and_then(lost).unwrap_or_else(|| not_sent(error, *self.to.ip()))
    }
}

/// The destinations of the command line and of the file.
pub fn names(options: &Options) -> Outcome<Vec<String>> {
    let mut names = options.hosts.clone();
    let Some(file) = &options.file else { return Ok(names) };
    let mut text = String::new();
    let read = match file.to_str() {
        Some("-") => io::stdin().read_to_string(&mut text),
        _ => std::fs::File::open(file).and_then(|mut file| file.read_to_string(&mut text)),
    };
    read.map_err(|error| format!("{}: {error}", file.display()))?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    names.extend(lines.filter(|line| !line.is_empty()).map(String::from));
    if names.is_empty() {
        return Err(format!("{} names no host", file.display()).into());
    }
    Ok(names)
}
