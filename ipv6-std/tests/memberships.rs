//! Memberships that end on drop, also when the interface is gone.

mod common;

use std::net::Ipv6Addr;

use common::*;
use ipv6_std::*;
use ipv6_testnet::{Host, Pair};

ipv6_testnet::tests! {
    [Namespace] a_membership_ends_on_drop;
    [Namespace] leave_returns_the_error_of_the_system;
    [Namespace] a_source_membership_ends_on_drop;
    [Namespace] any_interface_leaves_the_choice_to_the_system;
    [Namespace] leaving_repairs_a_membership_of_a_recreated_interface;
    [Namespace] leaving_a_source_works_after_its_interface_was_removed;
}

/// Whether the host's filter of the group on `eth0` includes this source (RFC 3810 section 4.2).
fn includes(host: &Host, group: Ipv6Addr, source: Ipv6Addr) -> bool {
    filters_on(host, "eth0", group)
        .iter()
        .any(|(address, included, _)| *address == digits(source) && *included > 0)
}

fn a_membership_ends_on_drop() {
    let Pair { a, b } = Pair::new().unwrap();
    let (sender, listener) = (on(&a), on(&b));
    let eth0 = index(&b, "eth0");
    let to = std::net::SocketAddrV6::new(GROUP, port(&listener), 0, a.index("eth0").unwrap());
    {
        let membership = listener.membership(GROUP, eth0).unwrap();
        assert_eq!((membership.group(), membership.source()), (GROUP, None));
        assert_eq!(membership.interface(), eth0.into());
        sender.send_to(b"member", &SendControl::new(), to).unwrap();
        assert_eq!(receive(&listener).0, b"member");
    }
    assert_eq!(members(&b, GROUP), [""; 0]);
    sender.send_to(b"left", &SendControl::new(), to).unwrap();
    sender.send_to(b"end", &SendControl::new(), at(Pair::B, port(&listener))).unwrap();
    assert_eq!(receive(&listener).0, b"end");
    // A borrowed socket works as well.
    let borrowed = PacketConn::new(listener.get_ref()).unwrap();
    let membership = borrowed.membership(GROUP, eth0).unwrap();
    assert!(format!("{membership:?}").contains(&GROUP.to_string()));
    membership.leave().unwrap();
}

fn leave_returns_the_error_of_the_system() {
    let Pair { a: _a, b } = Pair::new().unwrap();
    let listener = on(&b);
    let eth0 = index(&b, "eth0");
    let membership = listener.membership(GROUP, eth0).unwrap();
    assert_eq!(errno(listener.membership(GROUP, eth0)), Some(EADDRINUSE));
    assert_eq!(members(&b, GROUP), ["eth0"]);
    membership.leave().unwrap();
    assert_eq!(members(&b, GROUP), [""; 0]);
    let membership = listener.membership(GROUP, eth0).unwrap();
    listener.leave_group(GROUP, eth0).unwrap();
    assert_eq!(errno(membership.leave()), Some(EADDRNOTAVAIL));
    // A refused membership creates no value that leaves the group.
    refused(listener.membership(Pair::A, eth0), &Pair::A.to_string());
}

fn a_source_membership_ends_on_drop() {
    let Pair { a: _a, b } = Pair::new().unwrap();
    let listener = on(&b);
    let eth0 = index(&b, "eth0");
    let other: Ipv6Addr = "fd00::77".parse().unwrap();
    let first = listener.source_membership(SOURCE_GROUP, Pair::A, eth0).unwrap();
    let second = listener.source_membership(SOURCE_GROUP, other, eth0).unwrap();
    assert_eq!(second.source(), Some(other));
    assert!(includes(&b, SOURCE_GROUP, Pair::A) && includes(&b, SOURCE_GROUP, other));
    drop(first);
    assert!(!includes(&b, SOURCE_GROUP, Pair::A) && includes(&b, SOURCE_GROUP, other));
    second.leave().unwrap();
    assert_eq!(members(&b, SOURCE_GROUP), [""; 0]);
}

fn any_interface_leaves_the_choice_to_the_system() {
    let Pair { a: _a, b } = Pair::new().unwrap();
    let listener = on(&b);
    let membership = b.run(|| listener.membership(GROUP, AnyInterface)).unwrap();
    assert_eq!(members(&b, GROUP), ["eth0"]);
    assert_eq!(membership.interface().index(), None);
    drop(membership);
    assert_eq!(members(&b, GROUP), [""; 0]);
}

/// Adds a link whose near end has this index.
fn add_link(host: &Host, number: u32) {
    host.ip(&format!("link add near index {number} type veth peer name far")).unwrap();
    host.ip("link set near up").unwrap();
    host.ip("link set far up").unwrap();
}

// Scar 61 (reflector-cpp#71): the old membership receives nothing, and joining again fails with EADDRINUSE.
fn leaving_repairs_a_membership_of_a_recreated_interface() {
    let Pair { a: _a, b } = Pair::new().unwrap();
    let listener = on(&b);
    add_link(&b, 77);
    let near = index(&b, "near");
    let membership = listener.membership(GROUP, near).unwrap();
    b.ip("link del near").unwrap();
    add_link(&b, 77);
    assert_eq!(index(&b, "near"), near);
    // The socket still holds the membership of the old interface.
    assert_eq!(members(&b, GROUP), [""; 0]);
    assert_eq!(errno(listener.membership(GROUP, near)), Some(EADDRINUSE));
    membership.leave().unwrap();
    let _again = listener.membership(GROUP, near).unwrap();
    assert_eq!(members(&b, GROUP), ["near"]);
}

// Scar 61 (reflector-cpp#71): leaving the source of a removed interface fails with ENODEV.
fn leaving_a_source_works_after_its_interface_was_removed() {
    let Pair { a: _a, b } = Pair::new().unwrap();
    let listener = on(&b);
    add_link(&b, 77);
    let near = index(&b, "near");
    let membership = listener.source_membership(SOURCE_GROUP, Pair::A, near).unwrap();
    b.ip("link del near").unwrap();
    let error = listener.leave_source_group(SOURCE_GROUP, Pair::A, near).unwrap_err();
    assert_eq!(cause(&error), Some(ENODEV), "{error}");
    membership.leave().unwrap();
    add_link(&b, 77);
    let _again = listener.source_membership(SOURCE_GROUP, Pair::A, near).unwrap();
    assert_eq!(members(&b, SOURCE_GROUP), ["near"]);
}
