//! Options and groups of dual-stack sockets: each call acts on the packets of both families. Observed by sockets of
//! `AF_INET` and `AF_INET6` on another host.

mod common;
mod dual;

use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddrV6};

use common::*;
use dual::*;
use ipv6_std::*;

ipv6_testnet::tests! {
    [Namespace] header_options_are_sent_in_both_families;
    [Namespace] dscp_and_ecn_are_sent_in_both_families;
    [Namespace] set_option_sets_the_sibling;
    [Namespace] a_socket_that_becomes_dual_stack_keeps_its_options;
    [Namespace] defaults_stay_defaults_when_a_socket_becomes_dual_stack;
    [Namespace] a_socket_that_cannot_become_dual_stack_stays_ipv6_only;
    [Namespace] large_datagrams_are_refused_in_both_families;
    [Namespace] path_mtu_discovery_and_dont_fragment_share_one_option_of_ipv4;
    [Namespace] multicast_options_are_sent_in_both_families;
    [Namespace] multicast_loopback_is_one_option_for_both_families;
    [Namespace] ipv4_groups_are_joined_and_left;
    [Namespace] sources_of_ipv4_groups_are_filtered;
    [Namespace] filters_of_ipv4_groups_are_set_and_read;
    [Namespace] memberships_of_ipv4_groups_end_on_drop;
    [Namespace] groups_that_a_socket_cannot_join_are_errors;
    [Namespace] ipv6_only_sockets_do_not_set_options_of_ipv4;
}

fn send(conn: &PacketConn, observer: &Observer) -> Seen {
    conn.send_to(b"x", &SendControl::new(), observer.address()).unwrap();
    observer.seen()
}

fn header_options_are_sent_in_both_families() {
    let net = Net::new();
    let conn = net.conn();
    conn.set_traffic_class(0xb9).unwrap();
    conn.set_hop_limit(9).unwrap();
    for family in FAMILIES {
        let seen = send(&conn, &Observer::new(&net.b, family));
        assert_eq!((seen.class, seen.hop_limit), (0xb9, 9), "{family:?}");
    }
    assert_eq!((conn.traffic_class().unwrap(), conn.hop_limit().unwrap()), (0xb9, 9));
    conn.set_hop_limit(None).unwrap();
    // The default of IPv4 is a setting of its own.
    net.a.set("net/ipv4/ip_default_ttl", "33").unwrap();
    for (family, default) in [(Ipv6, 64), (Mapped, 33)] {
        assert_eq!(send(&conn, &Observer::new(&net.b, family)).hop_limit, default, "{family:?}");
    }
    // IPv4 has no time to live of 0.
    refused(conn.set_hop_limit(0), "hop limit 0");
    refused(conn.set_option(&option::HOP_LIMIT, Some(0)), "hop limit 0");
    assert_eq!(conn.hop_limit().unwrap(), 64);
}

fn dscp_and_ecn_are_sent_in_both_families() {
    let net = Net::new();
    let conn = net.conn();
    conn.set_dscp(46).unwrap();
    conn.set_ecn(Ecn::Ect0).unwrap();
    for family in FAMILIES {
        assert_eq!(send(&conn, &Observer::new(&net.b, family)).class, 0xba, "{family:?}");
    }
}

fn set_option_sets_the_sibling() {
    let net = Net::new();
    let conn = net.conn();
    conn.set_option(&option::TRAFFIC_CLASS, 0x28).unwrap();
    conn.set_option(&option::HOP_LIMIT, Some(7)).unwrap();
    conn.set_option(&option::MULTICAST_HOP_LIMIT, 3).unwrap();
    conn.set_option(&option::QUEUE_ERRORS, true).unwrap();
    for family in FAMILIES {
        let seen = send(&conn, &Observer::new(&net.b, family));
        assert_eq!((seen.class, seen.hop_limit), (0x28, 7), "{family:?}");
    }
    assert_eq!(conn.option(&option::IPV4_MULTICAST_TIME_TO_LIVE).unwrap(), 3);
    assert!(conn.option(&option::IPV4_QUEUE_ERRORS).unwrap());
    // The options of IPv4 are options of their own, too.
    conn.set_option(&option::IPV4_TRAFFIC_CLASS, 0x14).unwrap();
    assert_eq!(send(&conn, &Observer::new(&net.b, Mapped)).class, 0x14);
    assert_eq!(send(&conn, &Observer::new(&net.b, Ipv6)).class, 0x28);
}

fn a_socket_that_becomes_dual_stack_keeps_its_options() {
    let net = Net::new();
    let conn = net.a.run(|| PacketConn::builder().open()).unwrap();
    conn.set_traffic_class(0x28).unwrap();
    conn.set_hop_limit(7).unwrap();
    conn.set_multicast_hop_limit(3).unwrap();
    conn.set_multicast_interface(net.interface("eth1")).unwrap();
    conn.set_dont_fragment(true).unwrap();
    conn.set_queue_errors(true).unwrap();
    conn.set_control_flags(ControlFlags::TRAFFIC_CLASS | ControlFlags::HOP_LIMIT, true).unwrap();
    assert_eq!(conn.option(&option::IPV4_TRAFFIC_CLASS).unwrap(), 0);
    conn.set_only_v6(false).unwrap();
    conn.set_deadline(soon());
    let seen = send(&conn, &Observer::new(&net.b, Mapped));
    assert_eq!((seen.class, seen.hop_limit), (0x28, 7));
    assert_eq!(conn.option(&option::IPV4_MULTICAST_TIME_TO_LIVE).unwrap(), 3);
    assert_eq!(conn.option(&option::IPV4_PATH_MTU_DISCOVERY).unwrap(), PathMtuDiscovery::Require);
    assert!(conn.option(&option::IPV4_QUEUE_ERRORS).unwrap());
    assert_eq!(group_interface(&net, &conn, Mapped), "eth1");
    let to = SocketAddrV6::new(Mapped.a(), port(&conn), 0, 0);
    Observer::new(&net.b, Mapped).send(b"x", 0xb9, 9, None, to);
    let (_, got) = receive(&conn);
    assert_eq!((got.control.traffic_class, got.control.hop_limit), (Some(0xb9), Some(9)));
}

fn defaults_stay_defaults_when_a_socket_becomes_dual_stack() {
    let net = Net::new();
    net.a.set("net/ipv4/ip_default_ttl", "33").unwrap();
    net.a.set("net/ipv4/ip_no_pmtu_disc", "1").unwrap();
    let conn = net.a.run(|| PacketConn::builder().open()).unwrap();
    conn.set_only_v6(false).unwrap();
    let seen = send(&conn, &Observer::new(&net.b, Mapped));
    assert_eq!((seen.class, seen.hop_limit), (0, 33));
    assert_eq!(conn.option(&option::IPV4_PATH_MTU_DISCOVERY).unwrap(), PathMtuDiscovery::Off);
    assert_eq!(send(&conn, &Observer::new(&net.b, Ipv6)).hop_limit, 64);
    // Later changes of the system's defaults still apply.
    net.a.set("net/ipv4/ip_default_ttl", "34").unwrap();
    net.a.ip(&format!("-6 route replace {} dev eth0 metric 1 hoplimit 65", Ipv6.b())).unwrap();
    assert_eq!(send(&conn, &Observer::new(&net.b, Mapped)).hop_limit, 34);
    assert_eq!(send(&conn, &Observer::new(&net.b, Ipv6)).hop_limit, 65);
}

// After an error, a second call set no sibling, and returned `Ok`.
fn a_socket_that_cannot_become_dual_stack_stays_ipv6_only() {
    let net = Net::new();
    let conn = net.a.run(|| PacketConn::builder().open()).unwrap();
    conn.set_hop_limit(0).unwrap();
    conn.set_multicast_interface(net.interface("eth1")).unwrap();
    conn.set_queue_errors(true).unwrap();
    conn.set_multicast_loopback(false).unwrap();
    refused(conn.set_only_v6(false), "hop limit 0");
    assert!(conn.only_v6().unwrap());
    conn.set_hop_limit(9).unwrap();
    net.a.ip("link del eth1").unwrap();
    conn.set_only_v6(false).unwrap_err();
    assert!(conn.only_v6().unwrap());
    let to = SocketAddrV6::new(Mapped.b(), 9, 0, 0);
    refused(conn.send_to(b"x", &SendControl::new(), to), "only_v6(false)");
    conn.set_multicast_interface(AnyInterface).unwrap();
    conn.set_only_v6(false).unwrap();
    assert_eq!(conn.option(&option::IPV4_TIME_TO_LIVE).unwrap(), Some(9));
    assert!(conn.option(&option::IPV4_QUEUE_ERRORS).unwrap());
    assert!(!conn.option(&option::IPV4_MULTICAST_LOOPBACK).unwrap());
}

fn large_datagrams_are_refused_in_both_families() {
    let net = Net::new();
    let conn = net.conn();
    for family in FAMILIES {
        let observer = Observer::new(&net.b, family);
        let send = |size| conn.send_to(&vec![7; size], &SendControl::new(), observer.address());
        send(2000).unwrap();
        assert_eq!(observer.seen().payload.len(), 2000, "fragmented");
        conn.set_dont_fragment(true).unwrap();
        assert!(is_too_long(&send(2000).unwrap_err()), "{family:?}");
        send(1400).unwrap();
        assert_eq!(observer.seen().payload.len(), 1400);
        conn.set_dont_fragment(false).unwrap();
        send(2000).unwrap();
        assert_eq!(observer.seen().payload.len(), 2000, "fragmented again");
        conn.set_path_mtu_discovery(PathMtuDiscovery::Probe).unwrap();
        assert!(is_too_long(&send(2000).unwrap_err()), "{family:?}");
        conn.set_path_mtu_discovery(PathMtuDiscovery::Want).unwrap();
        send(2000).unwrap();
        assert_eq!(observer.seen().payload.len(), 2000, "fragmented again");
    }
}

fn path_mtu_discovery_and_dont_fragment_share_one_option_of_ipv4() {
    use PathMtuDiscovery::{Interface, Off, Omit, Probe, Require, Want};
    let net = Net::new();
    let conn = net.conn();
    let ipv4 = || conn.option(&option::IPV4_PATH_MTU_DISCOVERY).unwrap();
    for (mode, with_dont_fragment) in [
        (Off, Require),
        (Want, Require),
        (Require, Require),
        (Probe, Probe),
        (Interface, Interface),
        (Omit, Require),
    ] {
        conn.set_path_mtu_discovery(mode).unwrap();
        assert_eq!(ipv4(), mode);
        conn.set_dont_fragment(true).unwrap();
        assert_eq!(ipv4(), with_dont_fragment, "{mode:?}");
        // In either order.
        conn.set_path_mtu_discovery(mode).unwrap();
        assert_eq!(ipv4(), with_dont_fragment, "{mode:?}");
        conn.set_dont_fragment(false).unwrap();
        assert_eq!((ipv4(), conn.path_mtu_discovery().unwrap()), (mode, mode));
    }
}

/// The name of the interface on which the other host receives what this socket sends to a group.
fn group_interface(net: &Net, conn: &PacketConn, family: Family) -> &'static str {
    let observer = Observer::new(&net.b, family);
    let listener = net.b.run(|| PacketConn::builder().only_v6(false).open()).unwrap();
    for name in ["eth0", "eth1"] {
        listener
            .join_group(family.group(), net.b.run(|| ipv6_std::Interface::by_name(name)).unwrap())
            .unwrap();
    }
    conn.send_to(b"x", &SendControl::new(), at(family.group(), observer.port())).unwrap();
    let seen = observer.seen();
    ["eth0", "eth1"].into_iter().find(|name| net.b.index(name).unwrap() == seen.interface).unwrap()
}

fn multicast_options_are_sent_in_both_families() {
    let net = Net::new();
    let conn = net.conn();
    for (family, name) in FAMILIES.into_iter().flat_map(|family| ["eth1", "eth0"].map(|name| (family, name)))
    {
        conn.set_multicast_interface(net.interface(name)).unwrap();
        assert_eq!(group_interface(&net, &conn, family), name, "{family:?}");
        assert_eq!(conn.multicast_interface().unwrap(), Some(net.interface(name)));
    }
    conn.set_multicast_hop_limit(5).unwrap();
    let sniffer = Sniffer::new(&net.b);
    for family in FAMILIES {
        conn.send_to(b"x", &SendControl::new(), at(family.group(), 9)).unwrap();
        assert_eq!(sniffer.packet(|packet| packet.destination == family.group()).hop_limit, 5, "{family:?}");
    }
}

// Linux has one bit for both families, which IPV6_MULTICAST_LOOP changes.
fn multicast_loopback_is_one_option_for_both_families() {
    let net = Net::new();
    let conn = net.conn();
    conn.set_multicast_interface(net.interface("eth0")).unwrap();
    for family in FAMILIES {
        conn.join_group(family.group(), net.interface("eth0")).unwrap();
        let to = at(family.group(), port(&conn));
        for (on, expected) in [(true, vec![1, 2]), (false, vec![2]), (true, vec![1, 2])] {
            conn.set_multicast_loopback(on).unwrap();
            conn.send_to(&[1], &SendControl::new(), to).unwrap();
            conn.send_to(&[2], &SendControl::new(), at(family.a(), port(&conn))).unwrap();
            let got: Vec<u8> = expected.iter().map(|_| receive(&conn).0[0]).collect();
            assert_eq!(got, expected, "{family:?} {on}");
        }
    }
}

/// The interfaces on which the host is a member of an IPv4 group.
fn ipv4_members(host: &ipv6_testnet::Host, group: Ipv6Addr) -> Vec<String> {
    // In /proc/net/igmp, an interface precedes its groups, which are in host order.
    let group = format!("{:08X}", u32::from_ne_bytes(group.to_ipv4_mapped().unwrap().octets()));
    let (mut interface, mut members) = (String::new(), Vec::new());
    for line in host.proc_net("igmp").unwrap().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [_, name, ":", ..] => interface = (*name).to_string(),
            [word, ..] if *word == group => members.push(interface.clone()),
            _ => {}
        }
    }
    members
}

fn ipv4_groups_are_joined_and_left() {
    let net = Net::new();
    let group = Mapped.group();
    let conn = net.conn();
    conn.set_control_flags(ControlFlags::all(), true).unwrap();
    let sender = net.b.run(|| PacketConn::builder().only_v6(false).bind("[::]:0")).unwrap();
    sender.set_multicast_interface(net.b.run(|| Interface::by_name("eth1")).unwrap()).unwrap();

    conn.join_group(group, net.interface("eth1")).unwrap();
    assert_eq!(ipv4_members(&net.a, group), ["eth1"]);
    sender.send_to(b"joined", &SendControl::new(), at(group, port(&conn))).unwrap();
    let (text, got) = receive(&conn);
    assert_eq!((text.as_slice(), got.control.destination), (&b"joined"[..], Some(group)));
    assert_eq!(got.control.interface, Some(net.interface("eth1")));
    assert_eq!(errno(conn.join_group(group, net.interface("eth1"))), Some(EADDRINUSE));
    conn.join_group(group, net.interface("eth0")).unwrap();
    conn.leave_group(group, net.interface("eth1")).unwrap();
    assert_eq!(ipv4_members(&net.a, group), ["eth0"]);
    // For IPv4, the system's choice is the interface of the route to the group.
    let error = conn.leave_group(group, AnyInterface).unwrap_err();
    assert_eq!((error.kind(), cause(&error)), (ErrorKind::NotFound, Some(ENODEV)), "{error}");
    net.a.ip("route add 224.0.0.0/4 dev eth0").unwrap();
    conn.leave_group(group, AnyInterface).unwrap();
    assert_eq!(ipv4_members(&net.a, group), Vec::<String>::new());
    assert_eq!(errno(conn.leave_group(group, AnyInterface)), Some(EADDRNOTAVAIL));

    // An interface that is gone.
    conn.join_group(group, net.interface("eth1")).unwrap();
    let gone = net.interface("eth1");
    net.a.ip("link del eth1").unwrap();
    conn.leave_group(group, gone).unwrap();
    let error = conn.join_group(group, gone).unwrap_err();
    assert_eq!((error.kind(), cause(&error)), (ErrorKind::NotFound, Some(ENODEV)), "{error}");
    assert!(error.to_string().contains(&format!("no interface {gone}")), "{error}");
}

fn sources_of_ipv4_groups_are_filtered() {
    let net = Net::new();
    let group = Mapped.group();
    let conn = net.conn();
    let eth0 = net.interface("eth0");
    let (good, bad) = (Mapped.b(), "::ffff:192.0.2.9".parse().unwrap());
    net.b.ip("addr add 192.0.2.9/24 dev eth0").unwrap();
    let sender = net.b.run(|| PacketConn::builder().only_v6(false).bind("[::]:0")).unwrap();
    let received = || {
        for source in [bad, good] {
            let control = SendControl::new().with_source(source);
            sender.send_to(&[1], &control, at(group, port(&conn))).unwrap();
        }
        sender.send_to(&[2], &SendControl::new(), at(Mapped.a(), port(&conn))).unwrap();
        let mut sources = Vec::new();
        loop {
            match receive(&conn) {
                (text, got) if text == [1] => sources.push(*got.source.ip()),
                _ => return sources,
            }
        }
    };
    sender.set_multicast_interface(net.b.run(|| Interface::by_name("eth0")).unwrap()).unwrap();
    conn.join_source_group(group, good, eth0).unwrap();
    assert_eq!(received(), [good]);
    assert_eq!(errno(conn.join_source_group(group, good, eth0)), Some(EADDRNOTAVAIL));
    conn.leave_source_group(group, good, eth0).unwrap();
    assert_eq!(received(), Vec::<Ipv6Addr>::new());
    conn.join_group(group, eth0).unwrap();
    assert_eq!(received(), [bad, good]);
    conn.exclude_source(group, bad, eth0).unwrap();
    assert_eq!(received(), [good]);
    conn.include_source(group, bad, eth0).unwrap();
    assert_eq!(received(), [bad, good]);
}

fn filters_of_ipv4_groups_are_set_and_read() {
    let net = Net::new();
    let (group, eth0) = (Mapped.group(), net.interface("eth0"));
    net.b.ip("addr add 192.0.2.9/24 dev eth0").unwrap();
    let sender = net.b.run(|| PacketConn::builder().only_v6(false).bind("[::]:0")).unwrap();
    sender.set_multicast_interface(net.b.run(|| Interface::by_name("eth0")).unwrap()).unwrap();
    let (first, second) = (Mapped.b(), "::ffff:192.0.2.9".parse().unwrap());
    let conn = net.conn();
    let not_joined = conn.source_filter::<2>(group, eth0).unwrap_err();
    assert_eq!(not_joined.kind(), ErrorKind::AddrNotAvailable, "{not_joined}");
    let filter = SourceFilter::<2>::exclude(&[first]).unwrap();
    let not_joined = conn.set_source_filter(group, eth0, &filter).unwrap_err();
    assert!(not_joined.to_string().contains("join_group first"), "{not_joined}");
    conn.join_group(group, eth0).unwrap();
    assert_eq!(conn.source_filter::<2>(group, eth0).unwrap(), SourceFilter::exclude(&[]).unwrap());
    for (filter, passing, blocked) in [
        (SourceFilter::<2>::include(&[second]).unwrap(), second, first),
        (SourceFilter::exclude(&[second]).unwrap(), first, second),
        (SourceFilter::include(&[first]).unwrap(), first, second),
    ] {
        conn.set_source_filter(group, eth0, &filter).unwrap();
        assert_eq!(conn.source_filter::<2>(group, eth0).unwrap(), filter);
        for source in [blocked, passing] {
            sender.send_to(b"x", &SendControl::new().with_source(source), at(group, port(&conn))).unwrap();
        }
        assert_eq!(*receive(&conn).1.source.ip(), passing, "{filter}");
    }
    let both = SourceFilter::<2>::include(&[first, second]).unwrap();
    conn.set_source_filter(group, eth0, &both).unwrap();
    refused(conn.source_filter::<1>(group, eth0), "has 2 sources: SourceFilter<1>");
    // Both are of one family, and unicast.
    for (group, source, text) in [
        (group, Ipv6.b(), "is not an IPv4-mapped address"),
        (group, group, "is not a unicast address"),
        (Ipv6.group(), first, "cannot be the source of an IPv6 group"),
    ] {
        let filter = SourceFilter::<1>::include(&[source]).unwrap();
        refused(conn.set_source_filter(group, eth0, &filter), text);
    }
    // A filter that includes nothing ends the membership.
    conn.set_source_filter(group, eth0, &SourceFilter::<1>::include(&[]).unwrap()).unwrap();
    conn.source_filter::<1>(group, eth0).unwrap_err();
    conn.join_group(group, eth0).unwrap();
}

fn memberships_of_ipv4_groups_end_on_drop() {
    let net = Net::new();
    let (conn, group, eth0) = (net.conn(), Mapped.group(), net.interface("eth0"));
    let membership = conn.membership(group, eth0).unwrap();
    assert_eq!(ipv4_members(&net.a, group), ["eth0"]);
    drop(membership);
    assert_eq!(ipv4_members(&net.a, group), Vec::<String>::new());
    let membership = conn.source_membership(group, Mapped.b(), eth0).unwrap();
    assert_eq!(ipv4_members(&net.a, group), ["eth0"]);
    membership.leave().unwrap();
    assert_eq!(ipv4_members(&net.a, group), Vec::<String>::new());
}

fn groups_that_a_socket_cannot_join_are_errors() {
    let net = Net::new();
    let (conn, eth0) = (net.conn(), net.interface("eth0"));
    let only_v6 = net.a.run(|| PacketConn::bind("[::]:0")).unwrap();
    let group = Mapped.group();
    let text = "only_v6(false)";
    refused(only_v6.join_group(group, eth0), text);
    refused(only_v6.leave_group(group, eth0), text);
    refused(only_v6.join_source_group(group, Mapped.b(), eth0), text);
    refused(only_v6.exclude_source(group, Mapped.b(), eth0), text);
    refused(conn.join_group(Mapped.b(), eth0), "::ffff:192.0.2.2 is not a multicast address");
    refused(conn.join_source_group(group, Ipv6.b(), eth0), "2001:db8:1::2 is not an IPv4-mapped address");
    refused(conn.join_source_group(Ipv6.group(), Mapped.b(), eth0), "IPv4-mapped");
    for source in ["::ffff:0.0.0.0", "::ffff:224.0.0.1", "::ffff:255.255.255.255"] {
        refused(conn.join_source_group(group, source.parse().unwrap(), eth0), "not a unicast address");
    }
}

fn ipv6_only_sockets_do_not_set_options_of_ipv4() {
    let net = Net::new();
    let conn = net.a.run(|| PacketConn::bind("[::]:0")).unwrap();
    conn.set_traffic_class(0x28).unwrap();
    conn.set_hop_limit(0).unwrap();
    conn.set_dont_fragment(true).unwrap();
    assert_eq!(conn.option(&option::IPV4_TRAFFIC_CLASS).unwrap(), 0);
    assert_eq!(conn.option(&option::IPV4_PATH_MTU_DISCOVERY).unwrap(), PathMtuDiscovery::Want);
    let _: SocketAddrV6 = conn.local_addr().unwrap();
}
