//! The example `mroute`, between namespaces.

mod common;
mod programs;

use std::net::Ipv6Addr;

use common::{at, index, on, port, receive};
use ipv6_std::{PacketConn, SendControl};
use ipv6_testnet::Line;
use programs::*;
use serde_json::Value;

ipv6_testnet::tests! {
    [RawSocket] it_forwards_its_groups_and_prints_a_summary;
    [] it_explains_itself;
}

/// A group of global scope, so that it is forwarded.
const GROUP: Ipv6Addr = Ipv6Addr::new(0xff3e, 0, 0, 0, 0, 0, 0x8000, 7);
const OTHER: Ipv6Addr = Ipv6Addr::new(0xff3e, 0, 0, 0, 0, 0, 0x8000, 8);

/// A member of both groups at the right end, and a sender at the left.
fn ends(line: &Line) -> (PacketConn, PacketConn) {
    let (sender, member) = (on(&line.a), on(&line.b));
    for group in [GROUP, OTHER] {
        member.join_group(group, index(&line.b, "eth0")).unwrap();
    }
    sender.set_multicast_interface(index(&line.a, "eth0")).unwrap();
    sender.set_multicast_hop_limit(9).unwrap();
    (sender, member)
}

fn send(sender: &PacketConn, member: &PacketConn, group: Ipv6Addr, text: &[u8]) {
    sender.send_to(text, &SendControl::new().with_source(Line::A), at(group, port(member))).unwrap();
}

fn it_forwards_its_groups_and_prints_a_summary() {
    let line = Line::new().unwrap();
    let (sender, member) = ends(&line);
    let arguments = format!("--from left --to right --group {GROUP} --json");
    let mut running = Running::start(&line.router, example("mroute").typed(&arguments));
    running.line("\"from\"");
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
}

fn it_explains_itself() {
    helps("mroute", &["It believes", "--from", "--to", "--group", "Linux only", "IPv4"]);
}
