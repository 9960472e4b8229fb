//! The example `mroute`, between namespaces.

mod common;
mod multicast_line;
mod programs;

use std::net::Ipv6Addr;

use common::{at, index, receive};
use ipv6_std::{FlowLabel, Header, RawConn, SendControl};
use ipv6_testnet::Line;
use multicast_line::{GROUP, OTHER, ends, send};
use programs::*;
use serde_json::Value;

ipv6_testnet::tests! {
    [RawSocket] it_forwards_its_groups_and_prints_a_summary;
    [] it_explains_itself;
}

fn it_forwards_its_groups_and_prints_a_summary() {
    let line = Line::new().unwrap();
    let (sender, member) = ends(&line);
    let arguments = format!("--from left --to right --group {GROUP} --json");
    let mut running = Running::start(&line.router, example("mroute").typed(&arguments));
    running.line("\"from\"");
    send_without_source(&line);
    send(&sender, &member, OTHER, b"not this");
    send(&sender, &member, GROUP, b"this");
    assert_eq!(receive(&member).0, b"this");
    running.interrupt();
    let (status, lines) = running.end();
    assert!(status.success(), "{lines:?}");
    let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["group"] == GROUP.to_string()), "{lines:?}");
    // A 64-bit kernel has no counters for 32-bit programs, which say so.
    if !lines.iter().any(|line| line["warning"].is_string() && size_of::<usize>() == 4) {
        let counted = |line: &Value| line["group"] == GROUP.to_string() && line["packets"] == 1;
        assert!(lines.iter().any(counted), "{lines:?}");
        assert!(lines.iter().any(|line| line["interface"] == "right" && line["out"] == 1), "{lines:?}");
    }
    assert!(!lines.iter().any(|line| line["group"] == OTHER.to_string()), "{lines:?}");
    assert!(!lines.iter().any(|line| line["source"] == "::"), "{lines:?}");
}

/// A packet from the unspecified address, as any host can send it.
fn send_without_source(line: &Line) {
    let conn = line.a.run(|| RawConn::open(59)).unwrap();
    conn.set_header_included(true).unwrap();
    conn.set_multicast_interface(index(&line.a, "eth0")).unwrap();
    let header = Header {
        traffic_class: 0,
        flow_label: FlowLabel::ZERO,
        payload_len: 0,
        next_header: 59,
        hop_limit: 9,
        source: Ipv6Addr::UNSPECIFIED,
        destination: GROUP,
    };
    conn.send_to(&header.encode(), &SendControl::new(), at(GROUP, 0)).unwrap();
}

fn it_explains_itself() {
    helps("mroute", &["It believes", "--from", "--to", "--group", "Linux only", "IPv4"]);
}
