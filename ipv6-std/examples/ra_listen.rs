//! Prints the router advertisements on a link. For those that hosts must reject (RFC 4861 section 6.1.2, RFC 6980) it
//! prints the broken rules, and for options that hosts must ignore the reason.
//!
//! ```text
//! ra_listen --interface eth0 --solicit
//! ```

mod common;

use std::net::{Ipv6Addr, SocketAddrV6};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use common::{
    ALL_NODES, Outcome, Output, Watch, after, arguments, cannot_send, earlier, end_on_interrupt, interface,
    is_ending, raw, receive_message, seconds,
};
use etherparse::icmpv6::{
    NdpOptionSlice, NdpOptionsIterator, RouterAdvertisementHeader, RouterAdvertisementPayloadSlice,
};
use ipv6_std::message::FragmentSize;
use ipv6_std::{ControlFlags, Icmp6Filter, Icmp6Type, Interface, Message, SendControl, option};
use serde_json::{Value, json};

const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

const BELIEVES: &str = "\
It believes advertisements that hosts accept: from a link-local address, with hop limit 255, code 0, the right checksum \
and well-formed options (RFC 4861 section 6.1.2), and not in fragments (RFC 6980). They come from the link; which node of \
it sent one, nobody can prove.

It rejects all others, with the broken rules. Of a valid advertisement it ignores, with the reason, the options that hosts \
ignore: prefixes that are longer than 128 bits, multicast or link-local; MTUs below 1,280 or above 65,535; DNS servers that \
are no unicast addresses. Larger MTUs than that of the link are printed: hosts ignore them.

On systems other than Linux it cannot see whether an advertisement came in fragments. It has no IPv4: router \
advertisements are messages of ICMPv6.";

#[derive(Parser)]
#[command(after_help = BELIEVES, about = "Prints router advertisements, and the rules that invalid ones break")]
struct Options {
    /// The interface to listen on
    #[arg(long, value_name = "NAME")]
    interface: String,
    /// Send a router solicitation first
    #[arg(long)]
    solicit: bool,
    /// End with an error when the interface disappears, instead of waiting for it
    #[arg(long)]
    once: bool,
    /// Stop after this many valid advertisements
    #[arg(long)]
    count: Option<u64>,
    /// Stop after this many seconds; with fewer advertisements than --count, the exit status is 1. No limit without it
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
    let conn = Arc::new(raw(Icmp6Type::PROTOCOL)?);
    let mut watch = Watch::new(interface(&options.interface)?, options.once, ALL_NODES);
    // The kernel drops messages with a wrong checksum and, with the filter, all other types.
    conn.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::ROUTER_ADVERTISEMENT))?;
    conn.set_control_flags(ControlFlags::HOP_LIMIT | ControlFlags::INTERFACE, true)?;
    if option::RECEIVE_FRAGMENT_SIZE.is_supported() {
        conn.set_option(&option::RECEIVE_FRAGMENT_SIZE, true)?;
    }
    conn.join_group(ALL_NODES, watch.interface())?;
    let waits = Arc::clone(&conn);
    end_on_interrupt(move || waits.set_read_deadline(Some(Instant::now())))?;
    let solicit = |on: &Interface| {
        // Type, code, checksum (written by the kernel), and four reserved bytes (RFC 4861 section 4.1).
        let solicitation = [Icmp6Type::ROUTER_SOLICITATION.0, 0, 0, 0, 0, 0, 0, 0];
        let control = SendControl::new().with_hop_limit(255).with_interface(on.index());
        conn.send_to(&solicitation, &control, SocketAddrV6::new(ALL_ROUTERS, 0, 0, 0))
    };
    if options.solicit {
        solicit(watch.interface()).map_err(|error| cannot_send(watch.interface(), ALL_ROUTERS, error))?;
    }

    let end = options.timeout.and_then(after);
    let (mut valid, mut rejected) = (0, 0);
    let mut packet = vec![0; 65_536];
    while options.count.is_none_or(|count| valid < count) && !is_ending() {
        watch.look(output, |before, now| {
            // An interface with its old index has memberships of its own.
            let _ = conn.leave_group(ALL_NODES, before);
            conn.join_group(ALL_NODES, now)?;
            if options.solicit {
                solicit(now)?;
            }
            Ok(())
        })?;
        let mut control = [0; 256];
        let received = receive_message(&conn, &mut packet, &mut control, earlier(end, watch.next()))?;
        let Some(message) = received else {
            if end.is_some_and(|end| end <= Instant::now()) {
                break;
            }
            continue;
        };
        let (interface, Ok(control)) = (watch.interface(), message.control()) else { continue };
        if control.interface != Some(interface.index()) {
            continue;
        }
        let (packet, source) = (&packet[..message.len], message.source.ip());
        let broken = broken_rules(packet, &message, control.hop_limit);
        if broken.is_empty() {
            valid += 1;
            let (lines, object) = describe(packet)?;
            let all = json!({"source": source, "interface": interface.name(), "advertisement": object});
            output.print(format_args!("{source} on {interface}: {}", lines.join("\n    ")), all)?;
        } else {
            rejected += 1;
            let all = json!({"source": source, "interface": interface.name(), "rejected": broken});
            output.print(format_args!("{source} on {interface}: rejected: {}", broken.join("; ")), all)?;
        }
    }
    if is_ending() {
        output.print(
            format_args!("{valid} valid advertisements, {rejected} rejected"),
            json!({"valid": valid, "rejected": rejected}),
        )?;
    }
    Ok(options.count.is_none_or(|count| valid >= count))
}

/// Bytes before the options.
const FIXED: usize = 16;

/// The rules of RFC 4861 section 6.1.2 and of RFC 6980 that an advertisement breaks.
fn broken_rules(packet: &[u8], got: &Message<'_>, hop_limit: Option<u8>) -> Vec<String> {
    let mut broken = Vec::new();
    if !got.source.ip().is_unicast_link_local() {
        broken.push("the source is not link-local".to_string());
    }
    match hop_limit {
        Some(255) => {}
        Some(hop_limit) => broken.push(format!("the hop limit is {hop_limit}, not 255")),
        None => broken.push("the hop limit is not known".to_string()),
    }
    // RFC 6980 section 5. The kernel reports a fragment header also if the packet was whole (RFC 6946).
    if let Ok(Some(FragmentSize(size))) = got.get::<FragmentSize>() {
        broken.push(format!("it came in fragments of up to {size} bytes"));
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
    let mut ignored = Vec::new();
    for option in options(&packet[FIXED..]) {
        let option = option?;
        // Other options, and these options with a wrong size, are listed by type and length.
        match NdpOptionsIterator::from_slice(option).next() {
            Some(Ok(NdpOptionSlice::PrefixInformation(prefix))) => {
                let text = format!("{}/{}", Ipv6Addr::from(prefix.prefix()), prefix.prefix_length());
                let (on_link, autonomous) = (prefix.on_link(), prefix.autonomous_address_configuration());
                let (valid, preferred) = (prefix.valid_lifetime(), prefix.preferred_lifetime());
                if let Some(why) = bad_prefix(prefix.prefix().into(), prefix.prefix_length()) {
                    ignored.push(format!("prefix {text}: {why}"));
                    continue;
                }
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
            // RFC 4861 section 6.3.4. No packet without the jumbo payload option is longer.
            Some(Ok(NdpOptionSlice::Mtu(option))) if !(1280..=65_535).contains(&option.mtu()) => {
                ignored.push(format!("MTU {}: not from 1280 to 65535", option.mtu()));
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
                        if server.is_multicast() || server.is_unspecified() || server.is_loopback() {
                            ignored.push(format!("DNS server {server}: not the unicast address of a host"));
                            continue;
                        }
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
    lines.extend(ignored.iter().map(|ignored| format!("ignored: {ignored}")));
    let mut object = json!({
        "lifetime": lifetime, "preference": preference, "hop_limit": hop_limit, "managed": managed,
        "other": other, "reachable_ms": reachable, "retransmit_ms": retransmit, "mtu": mtu,
        "link_address": link_address, "prefixes": prefixes, "dns_servers": dns, "other_options": others,
    });
    if !ignored.is_empty() {
        object["ignored"] = json!(ignored);
    }
    Ok((lines, object))
}

/// Why hosts ignore a prefix (RFC 4861 sections 4.6.2 and 6.3.4).
fn bad_prefix(prefix: Ipv6Addr, length: u8) -> Option<&'static str> {
    if length > 128 {
        Some("longer than 128 bits")
    } else if prefix.is_multicast() {
        Some("multicast")
    } else if prefix.is_unicast_link_local() {
        Some("link-local")
    } else {
        None
    }
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
