//! A sender and a member of two groups, with a multicast router between them.

use std::net::Ipv6Addr;

use ipv6_std::{PacketConn, SendControl};
use ipv6_testnet::Line;

use crate::common::{at, index, on, port};

/// A group of global scope, so that it is forwarded.
pub const GROUP: Ipv6Addr = Ipv6Addr::new(0xff3e, 0, 0, 0, 0, 0, 0x8000, 7);
pub const OTHER: Ipv6Addr = Ipv6Addr::new(0xff3e, 0, 0, 0, 0, 0, 0x8000, 8);

/// A member of both groups at the right end, and a sender at the left.
pub fn ends(line: &Line) -> (PacketConn, PacketConn) {
    let (sender, member) = (on(&line.a), on(&line.b));
    for group in [GROUP, OTHER] {
        member.join_group(group, index(&line.b, "eth0")).unwrap();
    }
    sender.set_multicast_interface(index(&line.a, "eth0")).unwrap();
    sender.set_multicast_hop_limit(9).unwrap();
    (sender, member)
}

/// Sends from the left to a group, at the port of the member.
pub fn send(sender: &PacketConn, member: &PacketConn, group: Ipv6Addr, text: &[u8]) {
    sender.send_to(text, &SendControl::new().with_source(Line::A), at(group, port(member))).unwrap();
}
