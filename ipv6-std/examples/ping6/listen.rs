//! Prints the echo requests that arrive.

use ipv6_std::{ControlFlags, Icmp6Filter, Icmp6Type};
use serde_json::json;

use crate::common::icmp::Message;
use crate::common::{Outcome, Output, after, interface, raw, receive};
use crate::interface_name;
use crate::options::Options;

pub fn listen(options: &Options, output: &Output) -> Outcome<bool> {
    let conn = raw(Icmp6Type::PROTOCOL)?;
    conn.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::ECHO_REQUEST))?;
    conn.set_control_flags(ControlFlags::all() - ControlFlags::PATH_MTU, true)?;
    let on = match &options.interface {
        Some(name) => Some(interface(name)?.index()),
        None => None,
    };
    let end = options.timeout.and_then(after);
    let mut seen = 0;
    let mut packet = vec![0; 65_536];
    while options.count.is_none_or(|count| seen < count) {
        let Some(got) = receive(&conn, &mut packet, end)? else { break };
        let Message::Request { id, seq, bytes } = Message::read(&packet[..got.len]) else { continue };
        if on.is_some() && got.control.interface != on {
            continue;
        }
        seen += 1;
        let (from, control) = (got.source.ip(), got.control);
        output.print(
            format_args!("number {seq} of {id:#06x}: {bytes} bytes from {from}: {control}"),
            json!({
                "sequence": seq, "id": id, "bytes": bytes, "from": from,
                "hop_limit": control.hop_limit, "traffic_class": control.traffic_class,
                "destination": control.destination, "interface": interface_name(&got),
            }),
        )?;
    }
    Ok(options.count.is_none_or(|count| seen >= count))
}
