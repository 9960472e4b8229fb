//! Says Hello as an OSPFv3 router does (RFC 5340), and prints the routers that it hears.
//!
//! ```text
//! ospf_hello --interface eth0 --router-id 10.0.0.1 --area 0
//! ```
//!
//! It knows no routes and wants no adjacency: other routers show it as a neighbour in state Two-Way.

mod common;

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use common::{Outcome, Output, after, earlier, interface, raw, receive, run, seconds};
use ipv6_std::{ControlFlags, Received, SendControl};
use serde_json::json;

const PROTOCOL: u8 = 89;
/// AllSPFRouters (RFC 5340 section 2.6).
const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 5);
/// Of link scope, and as internetwork control traffic.
const CONTROL: SendControl<'_> = SendControl::new().with_hop_limit(1).with_traffic_class(0xc0);
/// Where a packet has its checksum (RFC 5340 section A.3.1).
const CHECKSUM_OFFSET: u16 = 12;

#[derive(Parser)]
#[command(about = "Says Hello as an OSPFv3 router does, and prints the routers that it hears")]
struct Options {
    /// The interface to speak on
    #[arg(long, value_name = "NAME")]
    interface: String,
    /// Who to be, as in 10.0.0.1
    #[arg(long, value_name = "ID", value_parser = router_id)]
    router_id: Ipv4Addr,
    /// The area, as in 0 or 0.0.0.0
    #[arg(long, value_name = "ID", value_parser = area)]
    area: Ipv4Addr,
    /// From one Hello to the next
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    hello_interval: u16,
    /// After so long without a Hello a router is gone
    #[arg(long, value_name = "SECONDS", default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..))]
    dead_interval: u16,
    /// To become the designated router, which this program cannot be: 0 is never
    #[arg(long, default_value_t = 0)]
    priority: u8,
    /// Which OSPF of several on one link
    #[arg(long, default_value_t = 0)]
    instance: u8,
    /// Stop after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Print JSON objects, one a line
    #[arg(long)]
    json: bool,
}

/// Parses the identity of a router: 0.0.0.0 is none (RFC 5340 section C.1).
fn router_id(text: &str) -> Result<Ipv4Addr, String> {
    let id: Ipv4Addr = text.parse().map_err(|error| format!("{error}"))?;
    if id.is_unspecified() { Err("stands for no router".into()) } else { Ok(id) }
}

/// Parses an area, which may be a plain number.
fn area(text: &str) -> Result<Ipv4Addr, String> {
    let number = text.parse().map(Ipv4Addr::from_bits);
    number.or_else(|_| text.parse()).map_err(|_| "neither a number nor of the form 0.0.0.0".into())
}

fn main() -> ExitCode {
    let options = Options::parse();
    run("ospf_hello", || speak(&options))
}

fn speak(options: &Options) -> Outcome<bool> {
    let output = Output { json: options.json };
    let interface = interface(&options.interface)?;
    let conn = raw(PROTOCOL)?;
    // The kernel writes the checksum, and drops what comes with a wrong one.
    conn.set_checksum_offset(Some(CHECKSUM_OFFSET))?;
    conn.set_control_flags(ControlFlags::INTERFACE, true)?;
    conn.set_multicast_interface(&interface)?;
    conn.set_multicast_loopback(false)?;
    conn.join_group(GROUP, &interface)?;

    let end = options.timeout.and_then(after);
    let mut neighbours = Neighbours { heard: HashMap::new(), ignored: HashSet::new(), output };
    let mut hello_due = Instant::now();
    let mut payload = [0; 1500];
    while end.is_none_or(|end| Instant::now() < end) {
        neighbours.forget()?;
        if hello_due <= Instant::now() {
            let hello =
                Hello { neighbours: neighbours.heard.keys().copied().collect(), ..Hello::new(options) };
            let bytes = hello.encode(options, interface.index().get());
            conn.send_to(&bytes, &CONTROL, SocketAddrV6::new(GROUP, 0, 0, 0))?;
            hello_due = Instant::now() + Duration::from_secs(options.hello_interval.into());
        }
        let until = earlier(end, earlier(Some(hello_due), neighbours.next_death()));
        let Some(got) = receive(&conn, &mut payload, until)? else { continue };
        let is_here = got.control.interface == Some(interface.index());
        if !is_here || !got.source.ip().is_unicast_link_local() {
            continue;
        }
        if let Some(hello) = Hello::decode(&payload[..got.len], options) {
            neighbours.hear(&hello, &got, options)?;
        }
    }
    Ok(true)
}

/// What a Hello says (RFC 5340 section A.3.2), with the sender's identity from the header before it.
struct Hello {
    router_id: Ipv4Addr,
    priority: u8,
    /// Whether external routes come into its area: bit E.
    external: bool,
    hello_interval: u16,
    dead_interval: u16,
    designated: Ipv4Addr,
    backup: Ipv4Addr,
    neighbours: Vec<Ipv4Addr>,
}

impl Hello {
    const VERSION: u8 = 3;
    const TYPE: u8 = 1;
    /// The area takes external routes, and the router is one for IPv6: bits E, R and V6.
    const OPTIONS: [u8; 3] = [0, 0, 0x13];
    /// Bytes before the list of neighbours.
    const FIXED: usize = 36;
    /// Neighbours that fit into a packet on every link, of 1280 bytes with the IPv6 header.
    const MOST: usize = (1280 - 40 - Self::FIXED) / 4;

    fn new(options: &Options) -> Self {
        Self {
            router_id: options.router_id,
            priority: options.priority,
            external: true,
            hello_interval: options.hello_interval,
            dead_interval: options.dead_interval,
            designated: Ipv4Addr::UNSPECIFIED,
            backup: Ipv4Addr::UNSPECIFIED,
            neighbours: Vec::new(),
        }
    }

    fn encode(&self, options: &Options, interface: u32) -> Vec<u8> {
        let length = Self::FIXED + 4 * self.neighbours.len();
        let mut bytes = vec![Self::VERSION, Self::TYPE];
        bytes.extend((length as u16).to_be_bytes());
        bytes.extend(self.router_id.octets());
        bytes.extend(options.area.octets());
        bytes.extend([0, 0, options.instance, 0]); // the checksum is the kernel's
        bytes.extend(interface.to_be_bytes());
        bytes.push(self.priority);
        bytes.extend(Self::OPTIONS);
        bytes.extend(self.hello_interval.to_be_bytes());
        bytes.extend(self.dead_interval.to_be_bytes());
        for id in [self.designated, self.backup].iter().chain(&self.neighbours) {
            bytes.extend(id.octets());
        }
        bytes
    }

    /// Reads a Hello of our area and instance.
    fn decode(packet: &[u8], options: &Options) -> Option<Self> {
        let length = usize::from(u16::from_be_bytes([*packet.get(2)?, *packet.get(3)?]));
        let packet = packet.get(..length)?;
        let (fixed, neighbours) = packet.split_first_chunk::<{ Self::FIXED }>()?;
        let short = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
        let id = |at: usize| Ipv4Addr::new(fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]);
        let is_hello = fixed[..2] == [Self::VERSION, Self::TYPE];
        let is_ours = id(8) == options.area && fixed[14] == options.instance;
        (is_hello && is_ours).then(|| Self {
            router_id: id(4),
            priority: fixed[20],
            external: fixed[23] & 0x02 != 0,
            hello_interval: short(24),
            dead_interval: short(26),
            designated: id(28),
            backup: id(32),
            neighbours: neighbours
                .chunks_exact(4)
                .map(|id| Ipv4Addr::new(id[0], id[1], id[2], id[3]))
                .collect(),
        })
    }
}

/// The routers that were heard, by their identities.
struct Neighbours {
    heard: HashMap<Ipv4Addr, Neighbour>,
    ignored: HashSet<Ipv4Addr>,
    output: Output,
}

struct Neighbour {
    address: Ipv6Addr,
    /// Whether it has heard us, too.
    two_way: bool,
    /// When it is gone, unless it is heard before.
    death: Instant,
}

impl Neighbours {
    fn hear(&mut self, hello: &Hello, got: &Received, options: &Options) -> Outcome<()> {
        let Hello { router_id, priority, designated, backup, .. } = *hello;
        let (theirs, ours) =
            ((hello.hello_interval, hello.dead_interval), (options.hello_interval, options.dead_interval));
        // Who is set up otherwise is no neighbour (RFC 2328 section 10.5).
        let reason = if router_id == options.router_id {
            Some("it has our identity".to_string())
        } else if theirs != ours {
            Some(format!("Hello and dead intervals {theirs:?}, not {ours:?}"))
        } else if !hello.external {
            Some("its area takes no external routes".to_string())
        } else {
            None
        };
        if let Some(reason) = reason {
            if self.ignored.len() < Hello::MOST && self.ignored.insert(router_id) {
                let address = got.source.ip();
                let object = json!({
                    "router_id": router_id, "state": "Ignored", "address": address, "reason": reason,
                });
                self.output.print(format_args!("{router_id} at {address} is ignored: {reason}"), object)?;
            }
            return Ok(());
        }
        // More than anyone could answer are no routers.
        if self.heard.len() == Hello::MOST && !self.heard.contains_key(&router_id) {
            return Ok(());
        }
        let address = *got.source.ip();
        let two_way = hello.neighbours.contains(&options.router_id);
        let death = Instant::now() + Duration::from_secs(options.dead_interval.into());
        let now = Neighbour { address, two_way, death };
        let before = self.heard.insert(router_id, now).map(|before| before.two_way);
        if before != Some(two_way) {
            let interface = &options.interface;
            let state = if two_way { "Two-Way" } else { "Init" };
            self.output.print(
                format_args!(
                    "{router_id} is {state}: {address} on {interface}, priority {priority}, designated router {designated}, backup {backup}"
                ),
                json!({
                    "router_id": router_id, "state": state, "address": address, "priority": priority,
                    "designated": designated, "backup": backup, "interface": interface,
                }),
            )?;
        }
        Ok(())
    }

    /// Forgets those who have been silent for too long.
    fn forget(&mut self) -> Outcome<()> {
        let now = Instant::now();
        for (router_id, Neighbour { address, .. }) in self.heard.iter().filter(|(_, of)| of.death <= now) {
            let object = json!({"router_id": router_id, "state": "Down", "address": address});
            self.output.print(format_args!("{router_id} is Down: {address} is silent"), object)?;
        }
        self.heard.retain(|_, of| of.death > now);
        Ok(())
    }

    fn next_death(&self) -> Option<Instant> {
        self.heard.values().map(|neighbour| neighbour.death).min()
    }
}
