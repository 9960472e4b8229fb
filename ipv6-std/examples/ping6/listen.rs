//! Prints the echo requests that arrive.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ipv6_std::{ControlFlags, Icmp6Filter, Icmp6Type};
use serde_json::json;

use crate::common::icmp::Message;
use crate::common::{
    Outcome, Output, after, earlier, end_on_interrupt, interface, is_ending, lost, raw, receive,
};
use crate::interface_name;
use crate::options::Options;

/// How often the program checks that its interface exists.
const CHECK: Duration = Duration::from_secs(1);

pub fn listen(options: &Options, output: &Output) -> Outcome<bool> {
    let mut on = options.interface.as_deref().map(interface).transpose()?;
    let conn = Arc::new(raw(Icmp6Type::PROTOCOL)?);
    conn.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::ECHO_REQUEST))?;
    conn.set_control_flags(ControlFlags::all() - ControlFlags::PATH_MTU, true)?;
    let waits = Arc::clone(&conn);
    end_on_interrupt(move || waits.set_read_deadline(Some(Instant::now())))?;
    let end = options.timeout.and_then(after);
    let (mut seen, mut is_lost) = (0, false);
    let mut packet = vec![0; 65_536];
    while options.count.is_none_or(|count| seen < count) && !is_ending() {
        let check = on.as_ref().and_then(|_| after(CHECK));
        let Some(got) = receive(&conn, &mut packet, earlier(end, check))? else {
            if end.is_some_and(|end| end <= Instant::now()) {
                break;
            }
            let Some(was) = &mut on else { continue };
            match (lost(was), interface(was.name())) {
                // The interface may return, with another index.
                (_, Ok(now)) if is_lost => {
                    output
                        .print(format_args!("interface {now} is back"), json!({"event": "interface back"}))?;
                    (*was, is_lost) = (now, false);
                }
                (Some(why), _) if !is_lost => {
                    output.print(
                        format_args!("{why}; waiting for it"),
                        json!({"event": "interface lost", "error": why}),
                    )?;
                    is_lost = true;
                }
                _ => {}
            }
            continue;
        };
        let Message::Request { id, seq, bytes } = Message::read(&packet[..got.len]) else { continue };
        if on.as_ref().is_some_and(|on| got.control.interface != Some(on.index())) {
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
    if is_ending() {
        output.print(format_args!("{seen} requests received"), json!({"received": seen}))?;
        return Ok(true);
    }
    Ok(options.count.is_none_or(|count| seen >= count))
}
