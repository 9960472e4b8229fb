//! The command line.

use std::net::SocketAddrV6;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::common::{listen_address, seconds};

/// Shown at the end of `--help`.
const BELIEVES: &str = "\
Four times belong to an exchange: the request leaves this host (1) and arrives at the server (2), the reply leaves the \
server (3) and arrives here (4). The kernels take them, in software, in nanoseconds; the times that the programs need do \
not count. The client asks for time 3 with a second pair of packets.

The times there (2 - 1) and back (4 - 3) compare the clocks of two hosts: they are as exact as these clocks agree, and can be \
negative. On one machine they are exact. The round trip without the server's processing time, (4 - 1) - (3 - 2), does not \
depend on the difference of the clocks; a clock that is set during an exchange distorts it. Percentiles are at most 1/16 \
too high.

It believes the times of the server, in packets from its address with the random session number and the number of a \
request that waits: the server can report any time, and nodes on the path can delay packets. A report of ICMPv6 that quotes a \
request is printed, and a reply still counts.

It counts and ignores packets of another size, format or session; duplicates; late replies, which arrive after --wait and \
stay lost; and times that contradict each other. It knows the last 16,384 requests. serve believes nothing, answers no \
packet with a larger one, ignores groups, and remembers the last 4,096 replies.

It also works over IPv4: the timestamps are those of the socket. It has no limit for serve without --count, and for \
--count 0, except Ctrl-C, which prints the summary. Linux only.";

#[derive(Parser)]
#[command(
    about = "Measures one-way and round-trip times between two hosts, from timestamps of their kernels",
    after_help = BELIEVES,
    subcommand_negates_reqs = true
)]
pub struct Options {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The server, as in host:7007, 192.0.2.1:7007, [2001:db8::1]:7007 or [fe80::1%eth0]:7007; the look-up of a name has the
    /// limits of the system
    #[arg(value_name = "HOST:PORT", required = true)]
    pub server: Option<String>,
    /// Requests to send, 0 for no limit
    #[arg(long, default_value_t = 10)]
    pub count: u64,
    /// Milliseconds between requests
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    pub interval: u64,
    /// Seconds to wait for the answers to a request
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub wait: Duration,
    /// Print JSON objects, one per line; times are in nanoseconds
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Subcommand)]
pub enum Command {
    /// Answers the requests of clients
    Serve(Serve),
}

#[derive(clap::Args)]
pub struct Serve {
    /// The address, as in [::]:7007 (also for IPv4) or [fe80::1%eth0]:7007; with port 0 the system chooses one
    #[arg(value_name = "ADDRESS", value_parser = listen_address)]
    pub listen: SocketAddrV6,
    /// Stop after this many exchanges; no limit without it
    #[arg(long)]
    pub count: Option<u64>,
}
