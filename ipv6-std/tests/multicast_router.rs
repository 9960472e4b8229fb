//! Multicast routing between namespaces.

mod common;
mod multicast_line;
mod programs;

use common::*;
use ipv6_std::*;
use ipv6_testnet::Line;
use multicast_line::{GROUP, OTHER, ends, send};

ipv6_testnet::tests! {
    [RawSocket] packets_are_forwarded_once_there_is_a_route;
    [RawSocket] packets_are_counted;
    [RawSocket] packets_that_arrive_on_another_interface_are_not_forwarded;
    [RawSocket] a_route_for_any_source_forwards_all;
    [RawSocket] interfaces_and_routes_that_do_not_exist_are_errors;
    [RawSocket] there_is_one_router;
    [RawSocket] routing_ends_with_the_router_although_the_socket_has_a_copy;
    [RawSocket] a_table_is_1_to_99_999_999;
}

/// The router of the line, with its interfaces.
fn router(line: &Line) -> (MulticastRouter, Mif, Mif) {
    let router = line.router.run(MulticastRouter::open).unwrap();
    router.conn().set_deadline(soon());
    let left = router.add_interface(index(&line.router, "left")).unwrap();
    let right = router.add_interface(index(&line.router, "right")).unwrap();
    (router, left, right)
}

/// What the kernel has counted. `None`: a 64-bit kernel does not tell 32-bit programs.
fn counted<T>(counters: std::io::Result<T>) -> Option<T> {
    match counters {
        Err(error) if error.kind() == std::io::ErrorKind::Unsupported => {
            assert_eq!(size_of::<usize>(), 4, "{error}");
            None
        }
        counters => Some(counters.unwrap()),
    }
}

/// The next report about one of our groups. (The hosts send MLD reports to groups too.)
fn upcall(router: &MulticastRouter) -> MulticastUpcall {
    loop {
        let upcall = router.recv_upcall().unwrap();
        if [GROUP, OTHER].contains(&upcall.group) {
            return upcall;
        }
    }
}

fn packets_are_forwarded_once_there_is_a_route() {
    let line = Line::new().unwrap();
    let (router, left, right) = router(&line);
    let (sender, member) = ends(&line);
    send(&sender, &member, GROUP, b"first");
    let upcall = upcall(&router);
    assert_eq!((upcall.kind, upcall.mif), (UpcallKind::NoRoute, left));
    assert_eq!((upcall.source, upcall.group), (Line::A, GROUP));
    let outgoing = MifSet::EMPTY.with(right);
    let route = MulticastRoute { source: Some(Line::A), group: GROUP, incoming: left, outgoing };
    router.add_route(&route).unwrap();
    // The packet that was kept, and the next one.
    send(&sender, &member, GROUP, b"second");
    for text in [&b"first"[..], b"second"] {
        let (got, received) = receive(&member);
        assert_eq!((got.as_slice(), *received.source.ip()), (text, Line::A));
        assert_eq!(received.control.hop_limit, Some(8));
    }
    router.remove_route(&route).unwrap();
    // As before the route: a report.
    send(&sender, &member, GROUP, b"third");
    assert_eq!(self::upcall(&router).kind, UpcallKind::NoRoute);
}

fn packets_are_counted() {
    let line = Line::new().unwrap();
    let (router, left, right) = router(&line);
    let (sender, member) = ends(&line);
    let outgoing = MifSet::EMPTY.with(right);
    let route = MulticastRoute { source: Some(Line::A), group: GROUP, incoming: left, outgoing };
    router.add_route(&route).unwrap();
    for text in [b"first", b"other"] {
        send(&sender, &member, GROUP, text);
        assert_eq!(receive(&member).0, text);
    }
    let Some(counters) = counted(router.route_counters(Line::A, GROUP)) else { return };
    assert_eq!((counters.packets, counters.wrong_interface), (2, 0));
    assert!(counters.bytes > 80);
    assert_eq!(router.interface_counters(right).unwrap().packets_out, 2);
    assert_eq!(router.interface_counters(left).unwrap().packets_in, 2);
    router.remove_route(&route).unwrap();
    assert_eq!(errno(router.route_counters(Line::A, GROUP)), Some(EADDRNOTAVAIL));
}

fn packets_that_arrive_on_another_interface_are_not_forwarded() {
    let line = Line::new().unwrap();
    let (router, left, right) = router(&line);
    let (sender, member) = ends(&line);
    // The route expects packets from the right.
    let outgoing = MifSet::EMPTY.with(left);
    let route = MulticastRoute { source: Some(Line::A), group: GROUP, incoming: right, outgoing };
    router.add_route(&route).unwrap();
    send(&sender, &member, GROUP, b"x");
    if counted(router.route_counters(Line::A, GROUP)).is_none() {
        return;
    }
    programs::until("a packet on the wrong interface", || {
        router.route_counters(Line::A, GROUP).unwrap().wrong_interface == 1
    });
    assert_eq!(router.interface_counters(left).unwrap().packets_out, 0);
    assert_eq!(router.interface_counters(right).unwrap().packets_out, 0);
}

fn a_route_for_any_source_forwards_all() {
    let line = Line::new().unwrap();
    let (router, left, right) = router(&line);
    let (sender, member) = ends(&line);
    // The incoming interface of such a route is also one of the outgoing.
    let outgoing = MifSet::EMPTY.with(left).with(right);
    let route = MulticastRoute { source: None, group: GROUP, incoming: left, outgoing };
    router.add_route(&route).unwrap();
    send(&sender, &member, GROUP, b"any");
    assert_eq!(receive(&member).0, b"any");
    router.remove_route(&route).unwrap();
}

fn interfaces_and_routes_that_do_not_exist_are_errors() {
    let line = Line::new().unwrap();
    let (router, left, right) = router(&line);
    let missing = InterfaceIndex::new(9999).unwrap();
    assert_eq!(errno(router.add_interface(missing)), Some(EADDRNOTAVAIL));
    let route =
        MulticastRoute { source: Some(Line::A), group: GROUP, incoming: left, outgoing: MifSet::EMPTY };
    assert_eq!(router.remove_route(&route).unwrap_err().kind(), std::io::ErrorKind::NotFound);
    refused(router.add_route(&MulticastRoute { group: Line::B, ..route }), "is not a multicast address");
    for source in ["::", "ff02::1"].map(|text| text.parse().unwrap()) {
        refused(router.add_route(&MulticastRoute { source: Some(source), ..route }), &source.to_string());
    }
    refused(router.add_interface(InterfaceIndex::new(65536).unwrap()), "interface index 65536");
    assert_eq!(errno(router.add_interface(InterfaceIndex::new(65535).unwrap())), Some(EADDRNOTAVAIL));
    refused(router.add_interface(InterfaceIndex::new(u32::MAX).unwrap()), "interface index 4294967295");
    // Without a source, the unspecified address is every group.
    let every = MulticastRoute { source: None, group: std::net::Ipv6Addr::UNSPECIFIED, ..route };
    router.add_route(&MulticastRoute { outgoing: MifSet::EMPTY.with(left), ..every }).unwrap();
    let group = std::net::Ipv6Addr::UNSPECIFIED;
    refused(router.add_route(&MulticastRoute { group, ..route }), ":: is not a multicast address");
    assert!(format!("{router:?}").starts_with("MulticastRouter {"));
    router.remove_interface(right).unwrap();
    // EINVAL: its number was the last.
    let counters = router.interface_counters(right);
    if counters.as_ref().is_err_and(|error| error.kind() != std::io::ErrorKind::Unsupported) {
        assert_eq!(errno(counters), Some(EINVAL));
    }
    assert_eq!(errno(router.remove_interface(right)), Some(EADDRNOTAVAIL));
    // Its number is free again.
    assert_eq!(router.add_interface(index(&line.router, "right")).unwrap(), right);
}

fn there_is_one_router() {
    let line = Line::new().unwrap();
    let (first, ..) = router(&line);
    let second = line.router.run(MulticastRouter::open);
    assert_eq!(second.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    let other_table = line.router.run(|| MulticastRouter::open_table(7)).unwrap();
    drop((first, other_table));
    // The kernel has forgotten the interfaces.
    let (_again, left, _) = router(&line);
    assert_eq!(left.get(), 0);
}

fn routing_ends_with_the_router_although_the_socket_has_a_copy() {
    let line = Line::new().unwrap();
    let (first, ..) = router(&line);
    let _copy = first.conn().try_clone().unwrap();
    drop(first);
    line.router.run(MulticastRouter::open).unwrap();
}

fn a_table_is_1_to_99_999_999() {
    let line = Line::new().unwrap();
    for table in [0, 100_000_000, u32::MAX] {
        let router = line.router.run(|| MulticastRouter::open_table(table));
        refused(router.map(|_| ()), &format!("table {table} of MRT6_TABLE"));
    }
    line.router.run(|| MulticastRouter::open_table(99_999_999)).unwrap();
    let _default = line.router.run(|| MulticastRouter::open_table(254)).unwrap();
    let second = line.router.run(MulticastRouter::open);
    assert_eq!(second.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
}
