//! Prints the echo requests that arrive.

use std::sync::Arc;
use std::time::Instant;

use ipv6_std::{ControlFlags, Icmp6Filter, Icmp6Type};
use serde_json::json;

use crate::common::icmp::Message;
use crate::common::{
    ALL_NODES, Outcome, Output, Watch, after, earlier, end_on_interrupt, interface, is_ending, raw, receive,
};
use crate::interface_name;
use crate::options::Options;

pub fn listen(options: &Options, output: &Output) -> Outcome<bool> {
    let on = options.interface.as_deref().map(interface).transpose()?;
    let mut watch = on.map(|on| Watch::new(on, false, ALL_NODES));
    let conn = Arc::new(raw(Icmp6Type::PROTOCOL)?);
    conn.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::ECHO_REQUEST))?;
    conn.set_control_flags(ControlFlags::all() - ControlFlags::PATH_MTU, true)?;
    let waits = Arc::clone(&conn);
    end_on_interrupt(move || waits.set_read_deadline(Some(Instant::now())))?;
    let end = options.timeout.and_then(after);
    let mut seen = 0;
    let mut packet = vec![0; 65_536];
    while options.count.is_none_or(|count| seen < count) && !is_ending() {
        let check = watch.as_ref().and_then(Watch::next);
        let got = receive(&conn, &mut packet, earlier(end, check))?;
        if let Some(watch) = &mut watch {
            // There is no group to join again.
            watch.look(output, |_, _| Ok(()))?;
        }
        let Some(got) = got else {
            if end.is_some_and(|end| end <= Instant::now()) {
                break;
            }
            continue;
        };
        let Message::Request { id, seq, bytes } = Message::read(&packet[..got.len]) else { continue };
        if watch.as_ref().is_some_and(|watch| got.control.interface != Some(watch.interface().index())) {
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
