//! The command line.

use std::net::SocketAddrV6;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use ipv6_std::{FlowLabel, Interface};

use crate::common::{Outcome, address, byte, interface, seconds};

/// Shown at the end of `--help`.
const TRUST: &str = "\
What it believes: a reply with the identifier, a number and all the data of a request, which contain 8 random bytes \
(fewer with a smaller --size). An ICMPv6 error that quotes the destination, the identifier, the number and these bytes \
of a request that waits. After an error, a reply to the same request still counts.
What it ignores: everything else; and a Packet Too Big whose MTU is below 1280 (RFC 8201 section 4) or not below the \
size of the packet. The summary counts these as ignored reports.
Without root or CAP_NET_RAW it uses an unprivileged ICMPv6 socket, and the system filters the replies.
It accepts no IPv4 address: the echo requests of IPv4 are messages of another protocol, ICMP.
The exit status is 0 if all hosts replied, 1 if not, and 2 for an error. Ctrl-C prints the summary.";

#[derive(Parser)]
#[command(
    about = "Sends echo requests and prints the replies, or prints the echo requests that arrive",
    after_help = TRUST
)]
pub struct Options {
    /// The destinations: names, or addresses such as fe80::1%eth0
    #[arg(value_name = "HOST", required_unless_present_any = ["listen", "file"], conflicts_with = "listen")]
    pub hosts: Vec<String>,
    /// Read further destinations from a file, one a line; `-` is standard input, and # starts a comment
    #[arg(short, long, conflicts_with = "listen")]
    pub file: Option<PathBuf>,
    /// Print the echo requests that arrive; the system answers them
    #[arg(long)]
    pub listen: bool,
    /// Requests to send to each host, 5 by default, 0 for no limit; with --listen, requests to wait for
    #[arg(long)]
    pub count: Option<u64>,
    /// Seconds between the requests to a host; with 0, send at once after a reply, or after 10 ms
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub interval: Duration,
    /// Seconds to wait after the last request, 1 by default; with --listen, for all requests, by default without a limit
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// Bytes of data in each request
    #[arg(long, default_value_t = 56, value_parser = clap::value_parser!(u16).range(..=65_487))]
    pub size: u16,
    /// The hop limit of requests
    #[arg(long)]
    pub hop_limit: Option<u8>,
    /// The traffic class (DSCP and ECN), as in 0x28
    #[arg(long, value_parser = byte)]
    pub traffic_class: Option<u8>,
    /// The flow label (20 bits), as in 0x12345 (Linux)
    #[arg(long, value_parser = flow_label)]
    pub flow_label: Option<FlowLabel>,
    /// The interface to send or listen on
    #[arg(long, value_name = "NAME")]
    pub interface: Option<String>,
    /// The source address, which must be one of this host, as in 2001:db8::1 or fe80::1%eth0
    #[arg(long, value_parser = source)]
    pub source: Option<SocketAddrV6>,
    /// Print JSON objects, one per line
    #[arg(long)]
    pub json: bool,
}

impl Options {
    /// The interface of the option, or the one in the source address.
    pub fn on(&self) -> Outcome<Option<Interface>> {
        let of_source = self.source.and_then(|source| source.scope_id().try_into().ok());
        let of_source = of_source.map(Interface::by_index).transpose()?;
        let Some(name) = &self.interface else { return Ok(of_source) };
        let named = if name.is_empty() { interface(name) } else { Ok(Interface::by_name(name)?) }?;
        match of_source {
            Some(other) if other.index() != named.index() => {
                Err(format!("the source address is on {other}, another interface than {named}").into())
            }
            _ => Ok(Some(named)),
        }
    }
}

fn source(text: &str) -> Result<SocketAddrV6, String> {
    let source = address(text)?;
    match source.ip().to_ipv4_mapped() {
        Some(v4) => Err(format!("the IPv4 address {v4}; an IPv6 address is needed")),
        None => Ok(source),
    }
}

fn flow_label(text: &str) -> Result<FlowLabel, String> {
    let label = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    FlowLabel::new(label.map_err(|error| error.to_string())?).ok_or_else(|| "longer than 20 bits".to_string())
}
