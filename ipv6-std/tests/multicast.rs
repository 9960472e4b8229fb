//! Groups and sources between hosts: what is delivered, and what the kernel's tables in `/proc` say.

mod common;

use std::net::Ipv6Addr;

use common::*;
use ipv6_std::*;
use ipv6_testnet::{Host, Pair};

ipv6_testnet::tests! {
    [Namespace] a_group_is_received_from_join_to_leave;
    [Namespace] two_groups_are_received_on_two_interfaces;
    [Namespace] a_membership_holds_on_one_interface_only;
    [Namespace] the_scope_of_a_destination_chooses_the_link;
    [Namespace] two_listeners_of_one_port_both_receive;
    [Namespace] source_memberships_appear_in_the_kernels_filter;
    [Namespace] excluded_sources_appear_in_the_kernels_filter;
    [Namespace] only_permitted_sources_are_received;
    [Namespace] the_multicast_interface_chooses_the_link;
    [Namespace] the_multicast_hop_limit_is_sent;
    [Namespace] multicast_loopback_can_be_disabled;
    [Namespace] joining_twice_and_too_many_sources_are_errors;
}

fn filters(host: &Host, group: Ipv6Addr) -> Vec<(String, u32, u32)> {
    filters_on(host, "eth0", group)
}

fn a_group_is_received_from_join_to_leave() {
    let Pair { a, b } = Pair::new().unwrap();
    let (sender, listener) = (on(&a), on(&b));
    let eth0 = index(&b, "eth0");
    let to = std::net::SocketAddrV6::new(GROUP, port(&listener), 0, a.index("eth0").unwrap());

    assert!(!is_member(&b, GROUP));
    listener.join_group(GROUP, eth0).unwrap();
    assert!(is_member(&b, GROUP));
    sender.send_to(b"joined", &SendControl::new(), to).unwrap();
    let (text, got) = receive(&listener);
    assert_eq!(text, b"joined");
    assert_eq!(got.control.destination, Some(GROUP));
    assert_eq!(got.control.interface, Some(eth0));
    assert_eq!(got.control.hop_limit, Some(1));
    assert_eq!(*got.source.ip(), a.link_local("eth0").unwrap());
    assert_eq!(got.source.scope_id(), eth0.get());
    // The reply reaches the sender; its source is an address of the same link.
    listener.send_to(b"answer", &got.control.reply(), got.source).unwrap();
    let (text, answer) = receive(&sender);
    assert_eq!((text.as_slice(), *answer.source.ip()), (b"answer".as_slice(), b.link_local("eth0").unwrap()));

    listener.leave_group(GROUP, eth0).unwrap();
    assert!(!is_member(&b, GROUP));
    sender.send_to(b"left", &SendControl::new(), to).unwrap();
    sender.send_to(b"end", &SendControl::new(), at(Pair::B, port(&listener))).unwrap();
    assert_eq!(receive(&listener).0, b"end");
}

fn two_groups_are_received_on_two_interfaces() {
    let Pair { a, b } = Pair::new().unwrap();
    ipv6_testnet::link(&a, "eth1", &b, "eth1").unwrap();
    let (sender, listener) = (on(&a), on(&b));
    let other: Ipv6Addr = "ff02::115".parse().unwrap();
    for (group, interface) in [(GROUP, "eth0"), (other, "eth1")] {
        listener.join_group(group, index(&b, interface)).unwrap();
        let control = SendControl::new().with_interface(index(&a, interface));
        sender.send_to(b"x", &control, at(group, port(&listener))).unwrap();
        let (_, got) = receive(&listener);
        assert_eq!(got.control.destination, Some(group));
        assert_eq!(got.control.interface, Some(index(&b, interface)));
    }
}

fn a_membership_holds_on_one_interface_only() {
    let Pair { a, b } = Pair::new().unwrap();
    ipv6_testnet::link(&a, "eth1", &b, "eth1").unwrap();
    let (sender, listener) = (on(&a), on(&b));
    let (eth0, eth1) = (index(&b, "eth0"), index(&b, "eth1"));
    // Sends from one source on both links, and returns the interfaces on which it was received.
    let received = || {
        let by = |name| SendControl::new().with_interface(index(&a, name));
        for name in ["eth0", "eth1"] {
            let control = by(name).with_source(Pair::A);
            sender.send_to(name.as_bytes(), &control, at(SOURCE_GROUP, port(&listener))).unwrap();
            // A datagram that arrives on this link arrives before the "end".
            let to = at(b.link_local(name).unwrap(), port(&listener));
            sender.send_to(b"end", &by(name), to).unwrap();
        }
        let (mut received, mut ends) = (Vec::new(), 0);
        while ends < 2 {
            let (text, got) = receive(&listener);
            match text.as_slice() {
                b"end" => ends += 1,
                text => {
                    let interface = got.control.interface.unwrap();
                    assert_eq!(text, if interface == eth0 { b"eth0" } else { b"eth1" });
                    received.push(interface);
                }
            }
        }
        received
    };
    let (source, none) = (digits(Pair::A), Vec::new());

    // Join eth0 last: of two memberships of a socket in one group, Linux applies the filter of the latest,
    // whichever interface the datagram arrived on (net/ipv6/mcast.c: inet6_mc_check). Datagrams on eth1 are
    // filtered by the filter of the interface.
    listener.join_group(SOURCE_GROUP, eth1).unwrap();
    assert_eq!(members(&b, SOURCE_GROUP), ["eth1"]);
    assert_eq!(received(), [eth1]);
    listener.join_group(SOURCE_GROUP, eth0).unwrap();
    assert_eq!(members(&b, SOURCE_GROUP), ["eth0", "eth1"]);
    assert_eq!(received(), [eth0, eth1]);
    listener.exclude_source(SOURCE_GROUP, Pair::A, eth1).unwrap();
    assert_eq!(filters_on(&b, "eth1", SOURCE_GROUP), [(source.clone(), 0, 1)]);
    assert_eq!(filters_on(&b, "eth0", SOURCE_GROUP), none);
    assert_eq!(received(), [eth0]);
    listener.include_source(SOURCE_GROUP, Pair::A, eth1).unwrap();
    assert_eq!(filters_on(&b, "eth1", SOURCE_GROUP), none);
    assert_eq!(received(), [eth0, eth1]);
    listener.leave_group(SOURCE_GROUP, eth1).unwrap();
    assert_eq!(members(&b, SOURCE_GROUP), ["eth0"]);
    assert_eq!(received(), [eth0]);
    listener.leave_group(SOURCE_GROUP, eth0).unwrap();
    assert_eq!(members(&b, SOURCE_GROUP), Vec::<String>::new());

    for interface in [eth1, eth0] {
        listener.join_source_group(SOURCE_GROUP, Pair::A, interface).unwrap();
    }
    for name in ["eth0", "eth1"] {
        assert_eq!(filters_on(&b, name, SOURCE_GROUP), [(source.clone(), 1, 0)]);
    }
    assert_eq!(received(), [eth0, eth1]);
    listener.leave_source_group(SOURCE_GROUP, Pair::A, eth1).unwrap();
    assert_eq!(filters_on(&b, "eth1", SOURCE_GROUP), none);
    assert_eq!(filters_on(&b, "eth0", SOURCE_GROUP), [(source, 1, 0)]);
    assert_eq!(members(&b, SOURCE_GROUP), ["eth0"]);
    assert_eq!(received(), [eth0]);
}

fn the_scope_of_a_destination_chooses_the_link() {
    let Pair { a, b } = Pair::new().unwrap();
    ipv6_testnet::link(&a, "eth1", &b, "eth1").unwrap();
    let (sender, listener) = (on(&a), on(&b));
    let mut batch = SendBatch::new(2);
    for name in ["eth1", "eth0"] {
        listener.join_group(GROUP, index(&b, name)).unwrap();
        let scope = a.index(name).unwrap();
        let to = [GROUP, b.link_local(name).unwrap()]
            .map(|address| std::net::SocketAddrV6::new(address, port(&listener), 0, scope));
        for to in to {
            sender.send_to(b"x", &SendControl::new(), to).unwrap();
        }
        let messages = to.map(|to| Outgoing::new(b"x", SendControl::new(), Some(to)));
        assert_eq!(sender.send_batch(&mut batch, &messages).unwrap(), 2);
        for to in to.iter().chain(&to) {
            let (_, got) = receive(&listener);
            assert_eq!(got.control.destination, Some(*to.ip()));
            assert_eq!(got.control.interface, Some(index(&b, name)));
            assert_eq!(*got.source.ip(), a.link_local(name).unwrap());
        }
    }
}

fn two_listeners_of_one_port_both_receive() {
    let Pair { a, b } = Pair::new().unwrap();
    let listen = |port: u16| {
        let conn = b.run(|| PacketConn::bind_reusable(at("ff02::".parse().unwrap(), port))).unwrap();
        conn.set_deadline(soon());
        conn.join_group(GROUP, index(&b, "eth0")).unwrap();
        conn
    };
    let first = listen(0);
    let second = listen(port(&first));
    let control = SendControl::new().with_interface(index(&a, "eth0"));
    on(&a).send_to(b"both", &control, at(GROUP, port(&first))).unwrap();
    assert_eq!((receive(&first).0, receive(&second).0), (b"both".to_vec(), b"both".to_vec()));
}

fn source_memberships_appear_in_the_kernels_filter() {
    let Pair { a: _a, b } = Pair::new().unwrap();
    let (listener, eth0) = (on(&b), index(&b, "eth0"));
    let (first, second) = (Pair::A, "2001:db8:1::aa".parse().unwrap());
    listener.join_source_group(SOURCE_GROUP, first, eth0).unwrap();
    assert!(is_member(&b, SOURCE_GROUP));
    assert_eq!(filters(&b, SOURCE_GROUP), [(digits(first), 1, 0)]);
    listener.join_source_group(SOURCE_GROUP, second, eth0).unwrap();
    assert_eq!(filters(&b, SOURCE_GROUP).len(), 2);
    // Joining twice and leaving a source that was not joined are errors.
    assert_eq!(errno(listener.join_source_group(SOURCE_GROUP, first, eth0)), Some(EADDRNOTAVAIL));
    listener.leave_source_group(SOURCE_GROUP, first, eth0).unwrap();
    assert_eq!(filters(&b, SOURCE_GROUP), [(digits(second), 1, 0)]);
    assert_eq!(errno(listener.leave_source_group(SOURCE_GROUP, first, eth0)), Some(EADDRNOTAVAIL));
    listener.leave_source_group(SOURCE_GROUP, second, eth0).unwrap();
    assert!(!is_member(&b, SOURCE_GROUP));
}

fn excluded_sources_appear_in_the_kernels_filter() {
    let Pair { a: _a, b } = Pair::new().unwrap();
    let (listener, eth0) = (on(&b), index(&b, "eth0"));
    // Excluding a source requires a membership of the group.
    assert_eq!(errno(listener.exclude_source(SOURCE_GROUP, Pair::A, eth0)), Some(EINVAL));
    listener.join_group(SOURCE_GROUP, eth0).unwrap();
    listener.exclude_source(SOURCE_GROUP, Pair::A, eth0).unwrap();
    assert_eq!(filters(&b, SOURCE_GROUP), [(digits(Pair::A), 0, 1)]);
    assert_eq!(errno(listener.exclude_source(SOURCE_GROUP, Pair::A, eth0)), Some(EADDRNOTAVAIL));
    listener.include_source(SOURCE_GROUP, Pair::A, eth0).unwrap();
    assert_eq!(filters(&b, SOURCE_GROUP), []);
    assert_eq!(errno(listener.include_source(SOURCE_GROUP, Pair::A, eth0)), Some(EADDRNOTAVAIL));
    // A membership for all sources cannot become one for a single source.
    assert_eq!(errno(listener.join_source_group(SOURCE_GROUP, Pair::A, eth0)), Some(EINVAL));
    listener.leave_group(SOURCE_GROUP, eth0).unwrap();
    assert!(!is_member(&b, SOURCE_GROUP));
}

/// Sends a text to the group from each source, then "end" to the listener's own address, and returns the texts that
/// arrived before it. Both take the same link, so a text that has not arrived by then was filtered.
fn received(sender: &PacketConn, listener: &PacketConn, from: &[(&str, Ipv6Addr)]) -> Vec<String> {
    for (text, source) in from {
        let control = SendControl::new().with_source(*source);
        sender.send_to(text.as_bytes(), &control, at(SOURCE_GROUP, port(listener))).unwrap();
    }
    sender.send_to(b"end", &SendControl::new(), at(Pair::B, port(listener))).unwrap();
    let texts = std::iter::from_fn(|| Some(String::from_utf8(receive(listener).0).unwrap()));
    texts.take_while(|text| text != "end").collect()
}

fn only_permitted_sources_are_received() {
    let Pair { a, b } = Pair::new().unwrap();
    let second: Ipv6Addr = "2001:db8:1::aa".parse().unwrap();
    a.add_address(second, "eth0").unwrap();
    let (sender, listener) = (on(&a), on(&b));
    sender.set_multicast_interface(index(&a, "eth0")).unwrap();
    let eth0 = index(&b, "eth0");
    let both = [("first", Pair::A), ("second", second)];

    assert_eq!(received(&sender, &listener, &both), Vec::<String>::new());
    // Include mode.
    listener.join_source_group(SOURCE_GROUP, Pair::A, eth0).unwrap();
    assert_eq!(received(&sender, &listener, &both), ["first"]);
    listener.join_source_group(SOURCE_GROUP, second, eth0).unwrap();
    assert_eq!(received(&sender, &listener, &both), ["first", "second"]);
    listener.leave_source_group(SOURCE_GROUP, Pair::A, eth0).unwrap();
    assert_eq!(received(&sender, &listener, &both), ["second"]);
    // `leave_group` also ends source memberships.
    listener.leave_group(SOURCE_GROUP, eth0).unwrap();
    assert_eq!(received(&sender, &listener, &both), Vec::<String>::new());
    // Exclude mode.
    listener.join_group(SOURCE_GROUP, eth0).unwrap();
    assert_eq!(received(&sender, &listener, &both), ["first", "second"]);
    listener.exclude_source(SOURCE_GROUP, second, eth0).unwrap();
    assert_eq!(received(&sender, &listener, &both), ["first"]);
    listener.include_source(SOURCE_GROUP, second, eth0).unwrap();
    assert_eq!(received(&sender, &listener, &both), ["first", "second"]);
}

fn the_multicast_interface_chooses_the_link() {
    let Pair { a, b } = Pair::new().unwrap();
    ipv6_testnet::link(&a, "eth1", &b, "eth1").unwrap();
    let (sender, listener) = (on(&a), on(&b));
    for name in ["eth1", "eth0"] {
        listener.join_group(GROUP, index(&b, name)).unwrap();
        sender.set_multicast_interface(index(&a, name)).unwrap();
        sender.send_to(b"x", &SendControl::new(), at(GROUP, port(&listener))).unwrap();
        assert_eq!(receive(&listener).1.control.interface, Some(index(&b, name)));
    }
}

fn the_multicast_hop_limit_is_sent() {
    let Pair { a, b } = Pair::new().unwrap();
    let (sender, listener) = (on(&a), on(&b));
    listener.join_group(SOURCE_GROUP, index(&b, "eth0")).unwrap();
    sender.set_multicast_interface(index(&a, "eth0")).unwrap();
    sender.set_multicast_hop_limit(17).unwrap();
    // The unicast hop limit does not change the multicast one.
    sender.set_hop_limit(99).unwrap();
    let to = at(SOURCE_GROUP, port(&listener));
    sender.send_to(b"x", &SendControl::new(), to).unwrap();
    assert_eq!(receive(&listener).1.control.hop_limit, Some(17));
    sender.send_to(b"x", &SendControl::new().with_hop_limit(5), to).unwrap();
    assert_eq!(receive(&listener).1.control.hop_limit, Some(5));
}

fn multicast_loopback_can_be_disabled() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    let (sender, listener) = (on(&a), on(&a));
    listener.join_group(GROUP, index(&a, "eth0")).unwrap();
    let control = SendControl::new().with_interface(index(&a, "eth0"));
    for (on, text) in [(true, b"one"), (false, b"two"), (true, b"six")] {
        sender.set_multicast_loopback(on).unwrap();
        sender.send_to(text, &control, at(GROUP, port(&listener))).unwrap();
    }
    assert_eq!((receive(&listener).0, receive(&listener).0), (b"one".to_vec(), b"six".to_vec()));
}

fn joining_twice_and_too_many_sources_are_errors() {
    let Pair { a: _a, b } = Pair::new().unwrap();
    let (listener, eth0) = (on(&b), index(&b, "eth0"));
    listener.join_group(GROUP, eth0).unwrap();
    assert_eq!(errno(listener.join_group(GROUP, eth0)), Some(EADDRINUSE));
    listener.leave_group(GROUP, eth0).unwrap();
    assert_eq!(errno(listener.leave_group(GROUP, eth0)), Some(EADDRNOTAVAIL));
    // The limit is net.ipv6.mld_max_msf, 64.
    for last in 1..=64 {
        let source = Ipv6Addr::new(0x2001, 0xdb8, 9, 0, 0, 0, 0, last);
        listener.join_source_group(SOURCE_GROUP, source, eth0).unwrap();
    }
    let one_more = Ipv6Addr::new(0x2001, 0xdb8, 9, 0, 0, 0, 0, 65);
    assert_eq!(errno(listener.join_source_group(SOURCE_GROUP, one_more, eth0)), Some(ENOBUFS));
    assert_eq!(filters(&b, SOURCE_GROUP).len(), 64);
}
