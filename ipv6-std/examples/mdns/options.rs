//! The command line.

use std::net::Ipv6Addr;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use simple_dns::{Name, QTYPE, TYPE};

use crate::common::seconds;

/// Shown at the end of `--help`.
const TRUST: &str = "\
What it believes (RFC 6762): queries to the group; unicast queries and all responses from link-local addresses and \
from the prefixes of the interface; unicast responses with hop limit 255 to its own queries and probes. Any host of the \
link can send these.
What it ignores: other operation or response codes than 0, responses from other ports than 5353, and everything on other \
interfaces. In responses to its query: goodbyes (lifetime 0), and names to which no answer refers.
A probe of another host for its name, with records that order later, makes it wait a second and probe again, as often as \
it comes. A response with another address for its name makes it probe again; it ends only if another host has the name \
before it was first announced.
If the reader of its output stops reading, `respond` leaves lines out and prints how many.
It does not use IPv4: a link with IPv6 needs one of the two groups of multicast DNS only. It prints A records all the same.
The exit status is 0, 1 for a query without an answer, and 2 for an error. Ctrl-C prints a summary.";

#[derive(Parser)]
#[command(about = "Answers multicast DNS queries, or sends one", after_help = TRUST)]
pub struct Options {
    #[command(subcommand)]
    pub command: Command,
    /// Print JSON objects, one per line
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Subcommand)]
pub enum Command {
    /// Answers queries for a name and, with --service, for a service
    Respond(Respond),
    /// Queries a name and prints the answers; the exit status is 1 if there are none
    Query(Query),
}

#[derive(clap::Args)]
pub struct Respond {
    /// The interface to answer on; may be repeated. By default all that support multicast, also those that appear later
    #[arg(long, value_name = "IF")]
    pub interface: Vec<String>,
    /// The name to answer for, as in camera.local
    #[arg(long, value_parser = name)]
    pub name: Name<'static>,
    /// The address to answer with; may be repeated
    #[arg(long, required = true, value_parser = host_address)]
    pub address: Vec<Ipv6Addr>,
    /// The service to answer for, as in "Door Camera._rtsp._tcp.local"
    #[arg(long, value_parser = service, requires = "port")]
    pub service: Option<Name<'static>>,
    /// The port of the service
    #[arg(long, requires = "service")]
    pub port: Option<u16>,
    /// An item of the service's TXT record, as in path=/live; may be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "service")]
    pub txt: Vec<String>,
    /// Send a goodbye and stop after this many seconds, by default never; Ctrl-C does the same
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
}

#[derive(clap::Args)]
pub struct Query {
    /// The name to query
    #[arg(value_parser = name)]
    pub name: Name<'static>,
    /// The interface to send the query on
    #[arg(long, value_name = "IF")]
    pub interface: String,
    /// The record type to query
    #[arg(long = "type", value_enum, default_value_t = Kind::Aaaa)]
    pub kind: Kind,
    /// The source port; with 5353, answers come by multicast
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Ask for a unicast answer
    #[arg(long)]
    pub unicast: bool,
    /// Seconds to wait for an answer; further answers are accepted for half a second more
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    pub timeout: Duration,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Kind {
    A,
    Aaaa,
    Ptr,
    Srv,
    Txt,
    Any,
}

impl Kind {
    pub fn question(self) -> QTYPE {
        match self {
            Self::A => TYPE::A.into(),
            Self::Aaaa => TYPE::AAAA.into(),
            Self::Ptr => TYPE::PTR.into(),
            Self::Srv => TYPE::SRV.into(),
            Self::Txt => TYPE::TXT.into(),
            Self::Any => QTYPE::ANY,
        }
    }
}

/// Parses a name below `local`.
pub fn name(text: &str) -> Result<Name<'static>, String> {
    let name = Name::new(text).map_err(|error| error.to_string())?;
    // `Name` leaves empty labels out. A dot at the end is the root.
    let dots = text.strip_suffix('.').unwrap_or(text).matches('.').count();
    if !name.is_link_local() || dots == 0 {
        return Err("does not end in .local".into());
    }
    if dots + 1 != name.get_labels().len() {
        return Err("has an empty label".into());
    }
    Ok(name.into_owned())
}

/// Parses the address of a host.
fn host_address(text: &str) -> Result<Ipv6Addr, String> {
    let address: Ipv6Addr = text.parse().map_err(|error| format!("{error}"))?;
    match address.is_multicast() || address.is_unspecified() {
        true => Err("not the address of a host".into()),
        false => Ok(address),
    }
}

/// Parses the name of a service's instance (RFC 6763 section 4.1).
pub fn service(text: &str) -> Result<Name<'static>, String> {
    let name = name(text)?;
    let labels: Vec<String> = name.get_labels().iter().map(|label| label.to_string()).collect();
    match &labels[..] {
        [_, kind, protocol, _] if kind.starts_with('_') && ["_tcp", "_udp"].contains(&&**protocol) => {
            Ok(name)
        }
        _ => Err("not of the form NAME._KIND._tcp.local or NAME._KIND._udp.local".into()),
    }
}
