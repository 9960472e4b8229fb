//! Sends OSPFv3 Hello packets (RFC 5340), and prints the routers whose Hellos it receives.
//!
//! ```text
//! ospf_hello --interface eth0 --router-id 10.0.0.1 --area 0
//! ```
//!
//! It has no routes and forms no adjacencies: other routers show it as a neighbour in state Two-Way.

mod common;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use common::{
    Outcome, Output, Watch, after, arguments, cannot_send, earlier, end_on_interrupt, interface, is_ending,
    lost, raw, receive_datagram, seconds,
};
use ipv6_std::{ControlFlags, Interface, Received, SendControl};
use serde_json::json;

const PROTOCOL: u8 = 89;
/// AllSPFRouters (RFC 5340 section 2.6).
const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 5);
/// Hop limit 1 (link scope), and the traffic class of internetwork control.
const CONTROL: SendControl<'_> = SendControl::new().with_hop_limit(1).with_traffic_class(0xc0);
/// The offset of the checksum in a packet (RFC 5340 section A.3.1).
const CHECKSUM_OFFSET: u16 = 12;

const BELIEVES: &str = "\
It believes Hellos of its area and instance with its intervals, from a link-local address, with the right checksum. They \
come from the link; OSPFv3 without authentication cannot prove which router sent one (RFC 7166). The first address of a \
router ID counts until its dead interval has passed.

It ignores, with the reason: Hellos with its own router ID or 0.0.0.0, with other intervals, from an area without external \
routes, and with a known router ID from a second address. It knows at most 301 neighbours, as many as a Hello of 1,280 \
bytes can list. If there are more, those of the address with the most router IDs make room, and those heard once. \
Malformed packets, and those of other areas, instances, versions and types, are ignored without a message.

It has no IPv4: OSPFv3 runs over IPv6, and OSPFv2 is another protocol.";

#[derive(Parser)]
#[command(after_help = BELIEVES, about = "Sends OSPFv3 Hello packets, and prints the routers whose Hellos it receives")]
struct Options {
    /// The interface to send and listen on
    #[arg(long, value_name = "NAME")]
    interface: String,
    /// The router ID, as in 10.0.0.1
    #[arg(long, value_name = "ID", value_parser = router_id)]
    router_id: Ipv4Addr,
    /// The area ID, as in 0 or 0.0.0.0
    #[arg(long, value_name = "ID", value_parser = area)]
    area: Ipv4Addr,
    /// Seconds between Hellos
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    hello_interval: u16,
    /// Seconds without a Hello after which a router counts as down
    #[arg(long, value_name = "SECONDS", default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..))]
    dead_interval: u16,
    /// The priority for becoming designated router; this program cannot be one: keep 0
    #[arg(long, default_value_t = 0)]
    priority: u8,
    /// The instance ID, if the link has several OSPF instances
    #[arg(long, default_value_t = 0)]
    instance: u8,
    /// Stop after this many seconds; no limit without it
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Print JSON objects, one per line
    #[arg(long)]
    json: bool,
}

/// Parses a router ID: 0.0.0.0 is reserved (RFC 5340 section C.1).
fn router_id(text: &str) -> Result<Ipv4Addr, String> {
    let id: Ipv4Addr = text.parse().map_err(|error| format!("{error}"))?;
    if id.is_unspecified() { Err("0.0.0.0 is not a valid router ID".into()) } else { Ok(id) }
}

/// Parses an area ID: a number or of the form 0.0.0.0.
fn area(text: &str) -> Result<Ipv4Addr, String> {
    let number = text.parse().map(Ipv4Addr::from_bits);
    number.or_else(|_| text.parse()).map_err(|_| "not a number and not of the form 0.0.0.0".into())
}

fn main() -> ExitCode {
    let options: Options = arguments();
    Output::new("ospf_hello", options.json).run(|output| exchange_hellos(&options, output))
}

fn exchange_hellos(options: &Options, output: &Output) -> Outcome<bool> {
    let interface = interface(&options.interface)?;
    let conn = Arc::new(raw(PROTOCOL)?);
    // The kernel writes the checksum, and drops packets with a wrong one.
    conn.set_checksum_offset(Some(CHECKSUM_OFFSET))?;
    conn.set_control_flags(ControlFlags::INTERFACE, true)?;
    conn.set_multicast_interface(&interface)?;
    conn.set_multicast_loopback(false)?;
    conn.join_group(GROUP, &interface)?;
    let waits = Arc::clone(&conn);
    end_on_interrupt(move || waits.set_read_deadline(Some(Instant::now())))?;
    // Without the interface there is nothing to do: end with the reason.
    let mut watch = Watch::new(interface, true, GROUP);

    let end = options.timeout.and_then(after);
    let mut neighbours =
        Neighbours { known: HashMap::new(), ignored: VecDeque::new(), unsent: None, output: *output };
    let mut hello_due = Instant::now();
    let mut payload = vec![0; 65_536];
    while end.is_none_or(|end| Instant::now() < end) && !is_ending() {
        watch.look(output, |_, _| Ok(()))?;
        let interface = watch.interface();
        neighbours.remove_expired()?;
        if hello_due <= Instant::now() {
            let hello =
                Hello { neighbours: neighbours.known.keys().copied().collect(), ..Hello::new(options) };
            let bytes = hello.encode(options, interface.index().get());
            neighbours.sent(conn.send_to(&bytes, &CONTROL, SocketAddrV6::new(GROUP, 0, 0, 0)), interface)?;
            hello_due = Instant::now() + Duration::from_secs(options.hello_interval.into());
        }
        let until = [Some(hello_due), neighbours.next_expiry(), watch.next()].into_iter().fold(end, earlier);
        let Some(got) = receive_datagram(&conn, &mut payload, until)? else { continue };
        let is_here = got.control.interface == Some(interface.index());
        if !is_here || !got.source.ip().is_unicast_link_local() {
            continue;
        }
        if let Some(hello) = Hello::decode(&payload[..got.len], options) {
            neighbours.receive_hello(&hello, &got, options)?;
        }
    }
    if is_ending() {
        let (all, two_way) = (neighbours.known.len(), neighbours.two_way());
        output.print(
            format_args!("{all} neighbours, {two_way} of them Two-Way"),
            json!({"neighbours": all, "two_way": two_way}),
        )?;
    }
    Ok(true)
}

/// A Hello (RFC 5340 section A.3.2), with the router ID of the header before it.
struct Hello {
    router_id: Ipv4Addr,
    priority: u8,
    /// Whether its area accepts external routes: bit E.
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
    /// Bits E (the area accepts external routes), R (an active router) and V6.
    const OPTIONS: [u8; 3] = [0, 0, 0x13];
    /// Bytes before the list of neighbours.
    const FIXED: usize = 36;
    /// The neighbours that fit into a packet of 1280 bytes, the minimum MTU.
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

    /// Decodes a Hello of our area and instance.
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

/// The known routers, by router ID.
struct Neighbours {
    known: HashMap<Ipv4Addr, Neighbour>,
    /// The last ignored Hellos, so that each is printed once.
    ignored: VecDeque<(Ipv4Addr, Ipv6Addr, String)>,
    /// Why the last Hello could not be sent.
    unsent: Option<String>,
    output: Output,
}

struct Neighbour {
    address: Ipv6Addr,
    /// Whether its Hellos list this router.
    two_way: bool,
    /// The end of its dead interval.
    expiry: Instant,
    /// The time of its first Hello.
    since: Instant,
    /// Whether it sent more than one Hello.
    is_lasting: bool,
}

impl Neighbours {
    fn receive_hello(&mut self, hello: &Hello, got: &Received, options: &Options) -> Outcome<()> {
        let Hello { router_id, priority, designated, backup, .. } = *hello;
        let (theirs, ours) =
            ((hello.hello_interval, hello.dead_interval), (options.hello_interval, options.dead_interval));
        // Hellos with other parameters are dropped (RFC 2328 section 10.5).
        let address = *got.source.ip();
        let known = self.known.get(&router_id);
        let reason = if router_id == options.router_id {
            Some("it has our router ID".to_string())
        } else if router_id.is_unspecified() {
            // RFC 5340 section C.1.
            Some("0.0.0.0 is not a valid router ID".to_string())
        } else if theirs != ours {
            Some(format!("Hello and dead intervals {theirs:?}, not {ours:?}"))
        } else if !hello.external {
            Some("its area accepts no external routes".to_string())
        } else {
            // A router that moves to another address is accepted when the old one is Down.
            let other = known.filter(|known| known.address != address);
            other.map(|known| format!("the router ID belongs to {}, which is not Down", known.address))
        };
        if let Some(reason) = reason {
            return self.ignore(router_id, address, reason);
        }
        if self.known.len() == Hello::MOST && known.is_none() && !self.make_room(router_id, address)? {
            let reason = format!("{} neighbours are known, more than a Hello can list", self.known.len());
            return self.ignore(router_id, address, reason);
        }
        let two_way = hello.neighbours.contains(&options.router_id);
        let expiry = Instant::now() + Duration::from_secs(options.dead_interval.into());
        let since = self.known.get(&router_id).map(|known| known.since);
        let (is_lasting, since) = (since.is_some(), since.unwrap_or_else(Instant::now));
        let now = Neighbour { address, two_way, expiry, since, is_lasting };
        let before = self.known.insert(router_id, now).map(|before| before.two_way);
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

    /// Prints that a Hello is ignored, unless that was printed before.
    fn ignore(&mut self, router_id: Ipv4Addr, address: Ipv6Addr, reason: String) -> Outcome<()> {
        let new = (router_id, address, reason);
        if self.ignored.contains(&new) {
            return Ok(());
        }
        let (_, _, reason) = &new;
        self.output.print(
            format_args!("{router_id} at {address} is ignored: {reason}"),
            json!({"router_id": router_id, "state": "Ignored", "address": address, "reason": reason}),
        )?;
        self.ignored.push_back(new);
        if self.ignored.len() > Hello::MOST {
            self.ignored.pop_front();
        }
        Ok(())
    }

    /// Removes a neighbour that made itself suspect, for a new one: of the address with the most router IDs, because a
    /// router has one; and one that sent a single Hello, the oldest first. `false`: there is none.
    fn make_room(&mut self, for_router: Ipv4Addr, at: Ipv6Addr) -> Outcome<bool> {
        let mut crowd = HashMap::new();
        for of in self.known.values() {
            *crowd.entry(of.address).or_insert(0) += 1;
        }
        let most = crowd.values().copied().max().unwrap_or(0);
        let is_suspect =
            |of: &Neighbour| !of.is_lasting || (crowd[&of.address] == most && most > 1 && of.address != at);
        // Of those that stay, the first one is most likely real.
        let suspect = self.known.iter().filter(|(_, of)| is_suspect(of)).max_by(|(_, one), (_, other)| {
            let by_age =
                if one.is_lasting { one.since.cmp(&other.since) } else { other.since.cmp(&one.since) };
            crowd[&one.address]
                .cmp(&crowd[&other.address])
                .then(other.is_lasting.cmp(&one.is_lasting))
                .then(by_age)
        });
        let Some((&router_id, of)) = suspect else { return Ok(false) };
        let address = of.address;
        self.output.print(
            format_args!("{router_id} is Down: {for_router} takes its place"),
            json!({"router_id": router_id, "state": "Down", "address": address, "displaced_by": for_router}),
        )?;
        self.known.remove(&router_id);
        Ok(true)
    }

    /// Handles the result of sending a Hello. A lack of buffers or a firewall does not end the program.
    fn sent(&mut self, sent: io::Result<usize>, on: &Interface) -> Outcome<()> {
        let Err(error) = sent else {
            self.unsent = None;
            return Ok(());
        };
        if let Some(why) = lost(on) {
            return Err(format!("{why}: {error}").into());
        }
        let text = cannot_send(on, GROUP, error).to_string();
        if self.unsent.as_ref() != Some(&text) {
            self.output.warn(format_args!("no Hello sent: {text}"));
            self.unsent = Some(text);
        }
        Ok(())
    }

    fn two_way(&self) -> usize {
        self.known.values().filter(|of| of.two_way).count()
    }

    /// Removes the routers whose dead interval has passed.
    fn remove_expired(&mut self) -> Outcome<()> {
        let now = Instant::now();
        for (router_id, Neighbour { address, .. }) in self.known.iter().filter(|(_, of)| of.expiry <= now) {
            let object = json!({"router_id": router_id, "state": "Down", "address": address});
            self.output.print(format_args!("{router_id} is Down: no Hello from {address}"), object)?;
        }
        self.known.retain(|_, of| of.expiry > now);
        Ok(())
    }

    fn next_expiry(&self) -> Option<Instant> {
        self.known.values().map(|neighbour| neighbour.expiry).min()
    }
}
