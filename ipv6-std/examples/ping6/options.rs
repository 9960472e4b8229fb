//! The command line.

use std::net::Ipv6Addr;
use std::time::Duration;

use clap::Parser;
use ipv6_std::FlowLabel;

use crate::common::{byte, seconds};

#[derive(Parser)]
#[command(about = "Sends echo requests and prints the replies, or prints the echo requests that arrive")]
pub struct Options {
    /// The destination: a name, or an address such as fe80::1%eth0
    #[arg(required_unless_present = "listen", conflicts_with = "listen")]
    pub host: Option<String>,
    /// Print the echo requests that arrive; the system answers them
    #[arg(long)]
    pub listen: bool,
    /// Requests to send, 0 for no limit; with --listen, requests to wait for
    #[arg(long)]
    pub count: Option<u64>,
    /// Seconds between requests; with 0, send at once after a reply, or after 10 ms
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub interval: Duration,
    /// Seconds to wait after the last request; with --listen, for all requests
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
    /// The flow label (20 bits), as in 0x12345; needs a raw socket (Linux)
    #[arg(long, value_parser = flow_label)]
    pub flow_label: Option<FlowLabel>,
    /// The interface to send or listen on
    #[arg(long, value_name = "NAME")]
    pub interface: Option<String>,
    /// The source address, which must be one of this host
    #[arg(long)]
    pub source: Option<Ipv6Addr>,
    /// Print JSON objects, one per line
    #[arg(long)]
    pub json: bool,
}

fn flow_label(text: &str) -> Result<FlowLabel, String> {
    let label = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    FlowLabel::new(label.map_err(|error| error.to_string())?).ok_or_else(|| "longer than 20 bits".to_string())
}
