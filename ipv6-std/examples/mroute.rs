//! A static multicast router: forwards packets to some groups from one interface to others.
//!
//! ```text
//! mroute --from eth0 --to eth1 --to eth2 --group ff3e::8000:1
//! ```

mod common;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::SocketAddrV6;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use common::{
    Outcome, Output, after, arguments, end_on_interrupt, group, interface, is_ending, receive, seconds,
};
use ipv6_std::{Host, Mif, MifSet, MulticastRoute, MulticastRouter, MulticastUpcall, UpcallKind};
use serde_json::json;

const BELIEVES: &str = "\
It believes the kernel: which packets have no route, and from where they came. It does not believe hosts: it reads no MLD \
reports, and forwards the groups of the options whether anybody listens or not. At most 1,000 sources have a route at a time; \
those above replace the route that was added first.

It forwards IPv6 only: multicast routing of IPv4 has its own sockets. Forwarding must be enabled \
(sysctl net.ipv6.conf.all.forwarding=1). It needs CAP_NET_ADMIN and CAP_NET_RAW. Linux only.";

#[derive(Parser)]
#[command(after_help = BELIEVES, about = "Forwards packets to multicast groups from one interface to others")]
struct Options {
    /// The interface on which packets arrive
    #[arg(long, value_name = "NAME")]
    from: String,
    /// An interface on which packets are sent; repeat it for several
    #[arg(long, value_name = "NAME", required = true)]
    to: Vec<String>,
    /// A group to forward; repeat it for several. Without it, all groups
    #[arg(long, value_name = "ADDRESS", value_parser = group)]
    group: Vec<SocketAddrV6>,
    /// Stop after this many seconds. No limit without it
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Print JSON objects, one per line
    #[arg(long)]
    json: bool,
}

/// Sources with a route at a time: forged ones do not fill the memory.
const ROUTES: usize = 1000;

fn main() -> ExitCode {
    let options: Options = arguments();
    Output::new("mroute", options.json).run(|output| route(&options, output))
}

fn route(options: &Options, output: &Output) -> Outcome<bool> {
    let from = interface(&options.from)?;
    let router = Arc::new(MulticastRouter::open()?);
    let incoming = router.add_interface(&from)?;
    let mut outgoing = MifSet::EMPTY;
    let mut interfaces = vec![(options.from.as_str(), incoming)];
    for name in &options.to {
        let mif = router.add_interface(interface(name)?)?;
        outgoing = outgoing.with(mif);
        interfaces.push((name, mif));
    }
    let wake = Arc::clone(&router);
    end_on_interrupt(move || wake.conn().set_read_deadline(Some(Instant::now())))?;
    let to = options.to.join(", ");
    output.print(
        format_args!("forwarding from {} to {to}", options.from),
        json!({"from": options.from, "to": options.to}),
    )?;

    let end = options.timeout.and_then(after);
    let mut routes = Routes::default();
    let mut payload = [0; MulticastUpcall::LEN];
    while !is_ending() && end.is_none_or(|end| Instant::now() < end) {
        let Some(got) = receive(router.conn(), &mut payload, end)? else { continue };
        let Some(upcall) = MulticastUpcall::decode::<Host>(&payload[..got.len]) else { continue };
        let is_ours =
            options.group.is_empty() || options.group.iter().any(|group| *group.ip() == upcall.group);
        // Packets without a source address are not forwarded (RFC 4291 section 2.5.2).
        if upcall.kind != UpcallKind::NoRoute || upcall.mif != incoming || upcall.source.is_unspecified() {
            continue;
        }
        // Other groups get a route without an interface, so that the kernel does not report each of their packets.
        let outgoing = if is_ours { outgoing } else { MifSet::EMPTY };
        let route = MulticastRoute { source: Some(upcall.source), group: upcall.group, incoming, outgoing };
        if let Some(oldest) = routes.add(route) {
            let _ = router.remove_route(&oldest);
        }
        router.add_route(&route)?;
        if is_ours {
            let object = json!({"source": upcall.source, "group": upcall.group});
            output.print(format_args!("new route: {route}"), object)?;
        }
    }
    summary(&router, &routes, &interfaces, output)?;
    Ok(true)
}

/// The routes, in the order in which they were added.
#[derive(Default)]
struct Routes {
    next: u64,
    by_age: BTreeMap<u64, MulticastRoute>,
}

impl Routes {
    /// Adds a route. Returns the oldest if there are too many.
    fn add(&mut self, route: MulticastRoute) -> Option<MulticastRoute> {
        self.by_age.insert(self.next, route);
        self.next += 1;
        if self.by_age.len() > ROUTES { self.by_age.pop_first().map(|(_, oldest)| oldest) } else { None }
    }
}

fn summary(
    router: &MulticastRouter,
    routes: &Routes,
    interfaces: &[(&str, Mif)],
    output: &Output,
) -> Outcome<()> {
    for route in routes.by_age.values().filter(|route| route.outgoing != MifSet::EMPTY) {
        let (Some(source), group) = (route.source, route.group) else { continue };
        // The route of an interface that has disappeared is gone. A 64-bit kernel has no counters for 32-bit programs.
        let Ok(counters) = router.route_counters(source, group) else { continue };
        let (packets, bytes) = (counters.packets, counters.bytes);
        output.print(
            format_args!("{route}: {packets} packets, {bytes} bytes"),
            json!({"source": source, "group": group, "packets": packets, "bytes": bytes}),
        )?;
    }
    for (name, mif) in interfaces {
        let counters = match router.interface_counters(*mif) {
            Ok(counters) => counters,
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                output.warn(error);
                return Ok(());
            }
            Err(_) => {
                output.warn(format_args!("interface {name} has disappeared"));
                continue;
            }
        };
        let (packets_in, packets_out) = (counters.packets_in, counters.packets_out);
        output.print(
            format_args!("{name}: {packets_in} packets in, {packets_out} out"),
            json!({"interface": name, "in": packets_in, "out": packets_out}),
        )?;
    }
    Ok(())
}
