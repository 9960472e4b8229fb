//! Prints the router advertisements on a link. For those that hosts must reject (RFC 4861 section 6.1.2) it prints the
//! broken rules.
//!
//! ```text
//! ra_listen --interface eth0 --solicit
//! ```

mod common;

use std::net::{Ipv6Addr, SocketAddrV6};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use common::{Outcome, Output, after, arguments, interface, raw, receive_datagram, seconds};
use etherparse::icmpv6::{
    NdpOptionSlice, NdpOptionsIterator, RouterAdvertisementHeader, RouterAdvertisementPayloadSlice,
};
use ipv6_std::{ControlFlags, Icmp6Filter, Icmp6Type, Received, SendControl};
use serde_json::{Value, json};

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

#[derive(Parser)]
#[command(about = "Prints router advertisements, and the rules that invalid ones break")]
struct Options {
    /// The interface to listen on
    #[arg(long, value_name = "NAME")]
    interface: String,
    /// Send a router solicitation first
    #[arg(long)]
    solicit: bool,
    /// Stop after this many valid advertisements
    #[arg(long)]
    count: Option<u64>,
    /// Stop after this many seconds; with fewer advertisements than --count, the exit status is 1
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Print JSON objects, one per line
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let options: Options = arguments();
    Output::new("ra_listen", options.json).run(|output| listen(&options, output))
}

fn listen(options: &Options, output: &Output) -> Outcome<bool> {
    let interface = interface(&options.interface)?;
    let conn = raw(Icmp6Type::PROTOCOL)?;
    // The kernel drops messages with a wrong checksum and, with the filter, all other types.
    conn.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::ROUTER_ADVERTISEMENT))?;
    conn.set_control_flags(ControlFlags::HOP_LIMIT | ControlFlags::INTERFACE, true)?;
    conn.join_group(ALL_NODES, &interface)?;
    let end = options.timeout.and_then(after);
    if options.solicit {
        // Type, code, checksum (written by the kernel), and four reserved bytes (RFC 4861 section 4.1).
        let solicitation = [Icmp6Type::ROUTER_SOLICITATION.0, 0, 0, 0, 0, 0, 0, 0];
        let control = SendControl::new().with_hop_limit(255).with_interface(interface.index());
        conn.send_to(&solicitation, &control, SocketAddrV6::new(ALL_ROUTERS, 0, 0, 0))?;
    }

    let mut valid = 0;
    let mut packet = vec![0; 65_536];
    while options.count.is_none_or(|count| valid < count) {
        let Some(got) = receive_datagram(&conn, &mut packet, end)? else { break };
        if got.control.interface != Some(interface.index()) {
            continue;
        }
        let (packet, source) = (&packet[..got.len], got.source.ip());
        let broken = broken_rules(packet, &got);
        if broken.is_empty() {
            valid += 1;
            let (lines, object) = describe(packet)?;
            let all = json!({"source": source, "interface": interface.name(), "advertisement": object});
            output.print(format_args!("{source} on {interface}: {}", lines.join("\n    ")), all)?;
        } else {
            let all = json!({"source": source, "interface": interface.name(), "rejected": broken});
            output.print(format_args!("{source} on {interface}: rejected: {}", broken.join("; ")), all)?;
        }
    }
    Ok(options.count.is_none_or(|count| valid >= count))
}

/// Bytes before the options.
const FIXED: usize = 16;

/// The rules of RFC 4861 section 6.1.2 that an advertisement breaks.
fn broken_rules(packet: &[u8], got: &Received) -> Vec<String> {
    let mut broken = Vec::new();
    if !got.source.ip().is_unicast_link_local() {
        broken.push("the source is not link-local".to_string());
    }
    match got.control.hop_limit {
        Some(255) => {}
        Some(hop_limit) => broken.push(format!("the hop limit is {hop_limit}, not 255")),
        None => broken.push("the hop limit is not known".to_string()),
    }
    if let Some(code) = packet.get(1).filter(|code| **code != 0) {
        broken.push(format!("the code is {code}, not 0"));
    }
    match packet.get(FIXED..) {
        None => broken.push(format!("the length is {}, less than {FIXED}", packet.len())),
        Some(rest) => broken.extend(options(rest).find_map(Result::err)),
    }
    broken
}

/// The options one after another, each starting with its type and length (RFC 4861 section 4.6). The first malformed
/// option is an error and ends the iteration.
fn options(mut rest: &[u8]) -> impl Iterator<Item = Result<&[u8], String>> {
    std::iter::from_fn(move || {
        let next = match rest {
            [] => return None,
            [_] => Err("an option has no length".to_string()),
            [kind, 0, ..] => Err(format!("an option (type {kind}) has the length 0")),
            [kind, units, ..] => rest
                .split_at_checked(8 * usize::from(*units))
                .ok_or_else(|| format!("an option (type {kind}) is longer than the rest of the message")),
        };
        rest = next.as_ref().map_or(&[], |(_, after)| after);
        Some(next.map(|(option, _)| option))
    })
}

/// The contents of a valid advertisement as lines of text, the first about the router, and as an object.
fn describe(packet: &[u8]) -> Outcome<(Vec<String>, Value)> {
    let (header, rest) = packet.split_at(8);
    let flags = header[5];
    let router = RouterAdvertisementHeader::from_bytes([header[4], flags, header[6], header[7]]);
    let payload = RouterAdvertisementPayloadSlice::from_slice(rest)?;
    // RFC 4191 section 2.2. The reserved value 0b10 counts as medium.
    let preference = match (flags >> 3) & 0b11 {
        0b01 => "high",
        0b11 => "low",
        _ => "medium",
    };
    let (lifetime, hop_limit) = (router.router_lifetime, router.cur_hop_limit);
    let (managed, other) = (router.managed_address_config, router.other_config);
    let (reachable, retransmit) = (payload.reachable_time(), payload.retrans_timer());
    let mut lines = vec![format!(
        "router for {lifetime} s, preference {preference}, hop limit {hop_limit}{}{}",
        if managed { ", managed addresses" } else { "" },
        if other { ", other configuration" } else { "" },
    )];
    let (mut prefixes, mut dns, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let mut mtu = None;
    let mut link_address = None;
    for option in options(&packet[FIXED..]) {
        let option = option?;
        // Other options, and these options with a wrong size, are listed by type and length.
        match NdpOptionsIterator::from_slice(option).next() {
            Some(Ok(NdpOptionSlice::PrefixInformation(prefix))) => {
                let text = format!("{}/{}", Ipv6Addr::from(prefix.prefix()), prefix.prefix_length());
                let (on_link, autonomous) = (prefix.on_link(), prefix.autonomous_address_configuration());
                let (valid, preferred) = (prefix.valid_lifetime(), prefix.preferred_lifetime());
                lines.push(format!(
                    "prefix {text}{}{}, valid for {}, preferred for {}",
                    if on_link { ", on-link" } else { "" },
                    if autonomous { ", autonomous" } else { "" },
                    Lifetime(valid),
                    Lifetime(preferred),
                ));
                prefixes.push(json!({
                    "prefix": text, "on_link": on_link, "autonomous": autonomous, "valid": valid,
                    "preferred": preferred,
                }));
            }
            Some(Ok(NdpOptionSlice::Mtu(option))) => {
                lines.push(format!("MTU {}", option.mtu()));
                mtu = Some(option.mtu());
            }
            Some(Ok(NdpOptionSlice::SourceLinkLayerAddress(option))) => {
                let bytes = option.link_layer_address().iter().map(|byte| format!("{byte:02x}"));
                let text = bytes.collect::<Vec<_>>().join(":");
                lines.push(format!("link-layer address {text}"));
                link_address = Some(text);
            }
            _ => match dns_servers(option) {
                Some((lifetime, servers)) => {
                    for server in servers {
                        lines.push(format!("DNS server {server} for {}", Lifetime(lifetime)));
                        dns.push(json!({"address": server, "lifetime": lifetime}));
                    }
                }
                None => {
                    let (kind, bytes) = (option[0], option.len());
                    lines.push(format!("option of type {kind}, {bytes} bytes"));
                    others.push(json!({"type": kind, "bytes": bytes}));
                }
            },
        }
    }
    let object = json!({
        "lifetime": lifetime, "preference": preference, "hop_limit": hop_limit, "managed": managed,
        "other": other, "reachable_ms": reachable, "retransmit_ms": retransmit, "mtu": mtu,
        "link_address": link_address, "prefixes": prefixes, "dns_servers": dns, "other_options": others,
    });
    Ok((lines, object))
}

/// The lifetime in seconds and the DNS servers of an RDNSS option (RFC 8106 section 5.1).
fn dns_servers(option: &[u8]) -> Option<(u32, Vec<Ipv6Addr>)> {
    const RDNSS: u8 = 25;
    let (head, rest) = option.split_first_chunk::<8>()?;
    let servers = rest.chunks(16).map(|server| Some(Ipv6Addr::from(<[u8; 16]>::try_from(server).ok()?)));
    let servers: Vec<Ipv6Addr> = servers.collect::<Option<_>>()?;
    let lifetime = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
    (head[0] == RDNSS && !servers.is_empty()).then_some((lifetime, servers))
}

/// A lifetime in seconds; all ones is infinity (RFC 4861 section 4.6.2).
struct Lifetime(u32);

impl std::fmt::Display for Lifetime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == u32::MAX { f.write_str("ever") } else { write!(f, "{} s", self.0) }
    }
}
