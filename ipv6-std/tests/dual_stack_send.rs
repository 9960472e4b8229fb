//! Sending from a dual-stack socket, alone and in batches, to IPv6 and to IPv4-mapped destinations. The receiver over IPv4
//! is a plain IPv4 socket, read with `nix`.

mod common;

use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use common::*;
use ipv6_std::message::{HopLimit, PacketInfo, TimeToLive, TrafficClass, TypeOfService};
use ipv6_std::*;
use ipv6_testnet::{Host, Pair, acquaint, link};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt, sockopt};

ipv6_testnet::tests! {
    [Namespace] each_field_reaches_an_ipv4_peer;
    [Namespace] a_batch_mixes_families;
    [Namespace] segments_reach_an_ipv4_peer;
    [Namespace] a_connected_peer_decides_the_family;
    [Namespace] a_socket_that_became_dual_stack_finds_out_its_peer;
    [Namespace] a_socket_beside_the_listener_takes_an_ipv4_peer;
    [Namespace] a_reply_to_a_mapped_address_or_group_arrives;
    [Namespace] an_unspecified_destination_has_the_family_of_the_local_address;
    [Namespace] what_the_family_of_the_destination_lacks_is_an_error;
    [Namespace] a_listener_bound_to_an_address_takes_peers_of_its_family;
    [Namespace] a_source_of_ipv4_that_is_not_of_this_host_is_named;
    [Namespace] an_ipv6_only_socket_refuses_mapped_addresses;
    [] a_segment_size_of_0_is_refused;
}

/// The IPv4 addresses of the hosts, one on each of two links. The first host has two addresses on the first link.
const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const A_TOO: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 11);
const B: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const V4_GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);

/// Two hosts with two links; `eth0` has IPv4 and IPv6 addresses, and the route to groups of IPv4.
fn hosts() -> Pair {
    let pair = Pair::new().unwrap();
    link(&pair.a, "eth1", &pair.b, "eth1").unwrap();
    for command in [
        "addr add 192.0.2.1/24 dev eth0",
        "addr add 192.0.2.11/24 dev eth0",
        "addr add 198.51.100.1/24 dev eth1",
    ] {
        pair.a.ip(command).unwrap();
    }
    for command in ["addr add 192.0.2.2/24 dev eth0", "addr add 198.51.100.2/24 dev eth1"] {
        pair.b.ip(command).unwrap();
    }
    pair.a.ip("route add 224.0.0.0/4 dev eth0").unwrap();
    acquaint(&pair.a, &pair.b, at(B.to_ipv6_mapped(), 0)).unwrap();
    pair
}

/// A dual-stack socket on the first host.
fn sender(pair: &Pair) -> PacketConn {
    let conn = pair.a.run(|| PacketConn::builder().only_v6(false).bind("[::]:0")).unwrap();
    conn.set_deadline(soon());
    conn
}

/// What a plain IPv4 socket sees of a datagram.
#[derive(Debug, PartialEq)]
struct Seen {
    payload: Vec<u8>,
    from: Ipv4Addr,
    tos: u8,
    ttl: i32,
    /// The interface that received it.
    on: u32,
}

/// A plain IPv4 socket.
struct Observer(UdpSocket);

impl Observer {
    fn on(host: &Host) -> Self {
        let socket = host.run(|| UdpSocket::bind("0.0.0.0:0")).unwrap();
        for index in ["eth0", "eth1"].map(|name| host.index(name).unwrap()) {
            let interface = socket2::InterfaceIndexOrAddress::Index(index);
            socket2::SockRef::from(&socket).join_multicast_v4_n(&V4_GROUP, &interface).unwrap();
        }
        setsockopt(&socket, sockopt::IpRecvTos, &true).unwrap();
        setsockopt(&socket, sockopt::Ipv4RecvTtl, &true).unwrap();
        setsockopt(&socket, sockopt::Ipv4PacketInfo, &true).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self(socket)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Its address on the link `eth0`, for a dual-stack socket.
    fn address(&self) -> SocketAddrV6 {
        mapped(SocketAddr::from((B, self.port())))
    }

    fn see(&self) -> Seen {
        let mut payload = [0; 2048];
        let mut parts = [IoSliceMut::new(&mut payload)];
        let mut control = nix::cmsg_space!([i32; 1], [u8; 1], [u8; 12]);
        let got =
            recvmsg::<SockaddrIn>(self.0.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::empty())
                .unwrap();
        let from = got.address.unwrap().ip();
        let mut seen = Seen { payload: Vec::new(), from, tos: 0, ttl: 0, on: 0 };
        for message in got.cmsgs().unwrap() {
            match message {
                ControlMessageOwned::Ipv4Tos(tos) => seen.tos = tos,
                ControlMessageOwned::Ipv4Ttl(ttl) => seen.ttl = ttl,
                ControlMessageOwned::Ipv4PacketInfo(info) => seen.on = info.ipi_ifindex.cast_unsigned(),
                other => panic!("{other:?}"),
            }
        }
        let len = got.bytes;
        seen.payload = payload[..len].to_vec();
        seen
    }
}

/// The bytes that every field of [`full`] has.
const CLASS: u8 = 0xb9;
const HOPS: u8 = 9;

/// Class, hop limit and source.
fn full() -> SendControl<'static> {
    SendControl::new().with_traffic_class(CLASS).with_hop_limit(HOPS).with_source(A_TOO.to_ipv6_mapped())
}

// Scar 56: an IPV6_TCLASS or IPV6_HOPLIMIT message has no effect for a mapped destination. Scar 57: nor does an interface
// without `::ffff:0.0.0.0`.
fn each_field_reaches_an_ipv4_peer() {
    let pair = hosts();
    let (conn, peer) = (sender(&pair), Observer::on(&pair.b));
    let to = peer.address();
    let [eth0, eth1] = ["eth0", "eth1"].map(|name| pair.b.index(name).unwrap());
    let expected = Seen { payload: b"x".to_vec(), from: A_TOO, tos: CLASS, ttl: HOPS.into(), on: eth0 };
    let plain = Seen { payload: b"x".to_vec(), from: A, tos: 0, ttl: 64, on: eth0 };
    for control in
        [full(), full().with_interface(index(&pair.a, "eth0")), full().with_messages(&Messages::<64>::new())]
    {
        conn.send_to(b"x", &control, to).unwrap();
        assert_eq!(peer.see(), expected, "{control}");
        conn.send_vectored(&[IoSlice::new(b"x")], &control, to).unwrap();
        assert_eq!(peer.see(), expected, "{control}");
        // Without a deadline, another path.
        conn.set_write_deadline(None);
        conn.send_to(b"x", &control, to).unwrap();
        assert_eq!(peer.see(), expected, "{control}");
        conn.set_write_deadline(soon());
    }

    // Each alone.
    let new = SendControl::new();
    let group = mapped(SocketAddr::from((V4_GROUP, peer.port())));
    for deadline in [None, soon()] {
        conn.set_write_deadline(deadline);
        for (control, seen) in [
            (new, Seen { ..clone(&plain) }),
            (new.with_traffic_class(1), Seen { tos: 1, ..clone(&plain) }),
            (new.with_traffic_class(0), Seen { tos: 0, ..clone(&plain) }),
            (new.with_hop_limit(255), Seen { ttl: 255, ..clone(&plain) }),
            (new.with_source(A_TOO.to_ipv6_mapped()), Seen { from: A_TOO, ..clone(&plain) }),
            // The unspecified address is the system's choice in both forms.
            (new.with_source(Ipv6Addr::UNSPECIFIED), Seen { ..clone(&plain) }),
            (new.with_source(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped()), Seen { ..clone(&plain) }),
            (new.with_interface(index(&pair.a, "eth0")), Seen { ..clone(&plain) }),
        ] {
            conn.send_to(b"x", &control, to).unwrap();
            assert_eq!(peer.see(), seen, "{control}");
        }
        // An interface without a source, against the route to the group.
        for (name, on, from) in [("eth0", eth0, A), ("eth1", eth1, Ipv4Addr::new(198, 51, 100, 1))] {
            let control = new.with_interface(index(&pair.a, name)).with_hop_limit(3);
            conn.send_to(b"x", &control, group).unwrap();
            assert_eq!(peer.see(), Seen { on, from, ttl: 3, ..clone(&plain) });
        }
    }

    // Messages of IPv4 by type, also IPV6_PKTINFO with a mapped source.
    let info = PacketInfo { address: A_TOO.to_ipv6_mapped(), interface: None };
    let messages = Messages::<256>::new().with(TypeOfService(CLASS)).unwrap();
    let messages = messages.with(TimeToLive(HOPS)).unwrap().with(info).unwrap();
    conn.send_messages(b"x", &messages, to).unwrap();
    assert_eq!(peer.see(), expected);
    conn.send_to(b"x", &new.with_messages(&messages), to).unwrap();
    assert_eq!(peer.see(), expected);

    // DSCP and ECN: the DSCP of the socket is kept.
    conn.set_dscp(10).unwrap();
    let control = conn.control_with_ecn(new, Ecn::Ect0).unwrap();
    conn.send_to(b"x", &control, to).unwrap();
    assert_eq!(peer.see().tos, 10 << 2 | 2);
}

fn clone(seen: &Seen) -> Seen {
    let Seen { payload, from, tos, ttl, on } = seen;
    Seen { payload: payload.clone(), from: *from, tos: *tos, ttl: *ttl, on: *on }
}

/// Receives on an IPv6 socket: payload, class and hop limit.
fn see_v6(conn: &PacketConn) -> (Vec<u8>, Option<u8>, Option<u8>) {
    let (payload, got) = receive(conn);
    (payload, got.control.traffic_class, got.control.hop_limit)
}

fn a_batch_mixes_families() {
    let pair = hosts();
    let (conn, v4, v6) = (sender(&pair), Observer::on(&pair.b), on(&pair.b));
    let (to4, to6) = (v4.address(), at(Pair::B, port(&v6)));
    let control = |class| SendControl::new().with_traffic_class(class).with_hop_limit(HOPS);
    for coalescing in [false, true] {
        conn.set_send_coalescing(coalescing);
        // Runs of equal messages, whose neighbours differ only in the destination's family.
        let texts: Vec<Vec<u8>> = (0..24).map(|number| vec![number; 100]).collect();
        let is_v4 = |number: usize| (number / 4).is_multiple_of(2);
        let messages = texts.iter().enumerate().map(|(number, text)| {
            Outgoing::new(text, control(CLASS), Some(if is_v4(number) { to4 } else { to6 }))
        });
        let messages: Vec<_> = messages.collect();
        assert_eq!(conn.send_batch(&mut SendBatch::new(32), &messages).unwrap(), 24);
        for (number, text) in texts.iter().enumerate() {
            if is_v4(number) {
                let seen = v4.see();
                assert_eq!((&seen.payload, seen.tos, seen.ttl), (text, CLASS, HOPS.into()), "{number}");
            } else {
                assert_eq!(see_v6(&v6), (text.clone(), Some(CLASS), Some(HOPS)), "{number}");
            }
        }
        assert_eq!(conn.coalescing_refused(), 0);

        // Each message has its own fields, and any of them.
        let source = SendControl::new().with_source(A_TOO.to_ipv6_mapped());
        let messages = [
            Outgoing::new(b"a", control(1), Some(to4)),
            Outgoing::new(b"b", control(2), Some(to6)),
            Outgoing::new(b"c", full().with_interface(index(&pair.a, "eth0")), Some(to4)),
            Outgoing::new(b"d", SendControl::new(), Some(to4)),
            Outgoing::new(b"e", source, Some(to4)),
        ];
        conn.send_batch_all(&mut SendBatch::new(2), &messages).unwrap();
        let seen = [0; 4].map(|_| v4.see());
        assert_eq!(seen.each_ref().map(|seen| seen.payload[0]), [b'a', b'c', b'd', b'e']);
        assert_eq!(seen.each_ref().map(|seen| seen.tos), [1, CLASS, 0, 0]);
        assert_eq!(seen.each_ref().map(|seen| seen.ttl), [9, 9, 64, 64]);
        assert_eq!(seen.each_ref().map(|seen| seen.from), [A, A_TOO, A, A_TOO]);
        assert_eq!(see_v6(&v6), (b"b".to_vec(), Some(2), Some(HOPS)));
    }
}

fn segments_reach_an_ipv4_peer() {
    let pair = hosts();
    let (conn, peer) = (sender(&pair), Observer::on(&pair.b));
    let payload: Vec<u8> = (0..10).flat_map(|number| [number; 100]).collect();
    for deadline in [None, soon()] {
        conn.set_write_deadline(deadline);
        let sent = [
            conn.send_segments(&payload, 100, &full(), peer.address()),
            conn.send_to(&payload, &full().with_segment_size(100), peer.address()),
        ];
        assert_eq!(sent.map(Result::unwrap), [1000; 2]);
        for number in (0..10).chain(0..10) {
            let seen = peer.see();
            assert_eq!((seen.payload, seen.from), (vec![number; 100], A_TOO));
            assert_eq!((seen.tos, seen.ttl), (CLASS, HOPS.into()));
        }
    }
    assert_eq!(conn.coalescing_refused(), 0);
}

/// Sends in each way to the peer, and checks what it sees.
fn send_in_each_way(conn: &PacketConn, peer: &Observer) {
    let expected = |seen: Seen| assert_eq!((seen.tos, seen.ttl, seen.from), (CLASS, HOPS.into(), A_TOO));
    let message = Outgoing::new(b"x", full(), None);
    for deadline in [None, soon()] {
        conn.set_write_deadline(deadline);
        conn.send(b"x", &full()).unwrap();
        expected(peer.see());
        conn.send_segments(b"xx", 1, &full(), None).unwrap();
        expected(peer.see());
        expected(peer.see());
        for coalescing in [false, true] {
            conn.set_send_coalescing(coalescing);
            assert_eq!(conn.send_batch(&mut SendBatch::new(4), &[message; 3]).unwrap(), 3);
            (0..3).for_each(|_| expected(peer.see()));
            // By destination, on the same socket.
            let named = [message, Outgoing::new(b"x", full(), Some(peer.address())), message];
            conn.send_batch_all(&mut SendBatch::new(2), &named).unwrap();
            (0..3).for_each(|_| expected(peer.see()));
        }
        // What IPv4 lacks.
        let label = SendControl::new().with_flow_label(FlowLabel::new(5).unwrap());
        unsupported(conn.send(b"x", &label), "IPV6_FLOWINFO");
        unsupported(
            conn.send_batch(&mut SendBatch::new(1), &[Outgoing::new(b"x", label, None)]),
            "IPV6_FLOWINFO",
        );
        refused(conn.send(b"x", &full().with_source(Pair::A)), "not an IPv4-mapped address");
        let messages = Messages::<64>::new().with(TrafficClass(1)).unwrap();
        unsupported(conn.send_messages(b"x", &messages, None), "IPV6_TCLASS");
    }
}

fn a_connected_peer_decides_the_family() {
    let pair = hosts();
    let (peer, v6) = (Observer::on(&pair.b), on(&pair.b));
    let conn = sender(&pair);
    conn.connect(at(Pair::B, port(&v6))).unwrap();
    for deadline in [None, soon()] {
        conn.set_write_deadline(deadline);
        let control = SendControl::new().with_traffic_class(5).with_hop_limit(7).with_source(Pair::A);
        conn.send(b"x", &control).unwrap();
        assert_eq!(see_v6(&v6), (b"x".to_vec(), Some(5), Some(7)));
        let message = Outgoing::new(b"x", control, None);
        conn.send_batch_all(&mut SendBatch::new(2), &[message; 2]).unwrap();
        for _ in 0..2 {
            assert_eq!(see_v6(&v6), (b"x".to_vec(), Some(5), Some(7)));
        }
        refused(conn.send(b"x", &full()), "192.0.2.11 is an IPv4-mapped address");
        let messages = Messages::<64>::new().with(TimeToLive(1)).unwrap();
        unsupported(conn.send_messages(b"x", &messages, None), "IP_TTL");
    }

    // Another peer. (Linux does not take an IPv6 peer after an IPv4-mapped one: EAFNOSUPPORT.)
    conn.connect(peer.address()).unwrap();
    send_in_each_way(&conn, &peer);
    // The copy and a wrapper of the socket read it from the socket.
    send_in_each_way(&conn.try_clone().unwrap(), &peer);
    let conn = PacketConn::try_from(conn.into_inner()).unwrap();
    send_in_each_way(&conn, &peer);
}

/// The kernel ignores messages of IPv6 for an IPv4-mapped peer, without an error.
fn a_socket_that_became_dual_stack_finds_out_its_peer() {
    let pair = hosts();
    let peer = Observer::on(&pair.b);
    let conn = pair.a.run(|| PacketConn::builder().open()).unwrap();
    conn.set_only_v6(false).unwrap();
    // Not through `PacketConn::connect`, which reads the peer.
    conn.get_ref().connect(SocketAddr::from(peer.address())).unwrap();
    send_in_each_way(&conn, &peer);

    // An IPv6-only socket that gets its port later has a peer of IPv6.
    let conn = pair.a.run(|| PacketConn::builder().open()).unwrap();
    conn.set_deadline(soon());
    conn.set_control_flags(ControlFlags::TRAFFIC_CLASS | ControlFlags::HOP_LIMIT, true).unwrap();
    pair.a.run(|| conn.get_ref().connect("[::1]:9")).unwrap();
    let own = conn.local_addr().unwrap();
    conn.connect(own).unwrap();
    let control = SendControl::new().with_traffic_class(0xb9).with_hop_limit(9);
    conn.send(b"x", &control).unwrap();
    let batch = [Outgoing::new(b"x", control, None)];
    assert_eq!(conn.send_batch(&mut SendBatch::new(1), &batch).unwrap(), 1);
    for _ in 0..2 {
        assert_eq!(see_v6(&conn), (b"x".to_vec(), Some(0xb9), Some(9)));
    }
}

fn a_socket_beside_the_listener_takes_an_ipv4_peer() {
    let pair = hosts();
    let peer = Observer::on(&pair.b);
    let builder = PacketConn::builder().only_v6(false).reusable(true);
    let listener = pair.a.run(|| builder.bind("[::]:0")).unwrap();
    listener.set_deadline(soon());
    peer.0.send_to(b"hello", (A, port(&listener))).unwrap();
    let (_, first) = receive(&listener);
    assert_eq!(first.peer(), SocketAddr::from((B, peer.port())));

    let conn = pair.a.run(|| listener.connected().to(first.source)).unwrap();
    conn.set_deadline(soon());
    assert!(!conn.only_v6().unwrap());
    assert_eq!(conn.peer_addr().unwrap(), peer.address());
    conn.send(b"x", &full()).unwrap();
    let seen = peer.see();
    assert_eq!((seen.tos, seen.ttl, seen.from), (CLASS, HOPS.into(), A_TOO));
    peer.0.send_to(b"for the new socket", (A, port(&listener))).unwrap();
    assert_eq!(receive(&conn).0, b"for the new socket");

    // The socket for a peer over IPv6 carries IPv6 only.
    let v6 = on(&pair.b);
    let conn = pair.a.run(|| listener.connected().to(at(Pair::B, port(&v6)))).unwrap();
    assert!(conn.only_v6().unwrap());
    conn.send(b"x", &SendControl::new().with_traffic_class(5)).unwrap();
    assert_eq!(see_v6(&v6).1, Some(5));

    let only_v6 = pair.a.run(|| PacketConn::bind_reusable("[::]:0".parse().unwrap())).unwrap();
    refused(only_v6.connected().to(peer.address()), "only_v6(false)");
}

// Scar 57: `reply()` took a mapped group for an address of this host.
fn a_reply_to_a_mapped_address_or_group_arrives() {
    let pair = hosts();
    let (conn, peer) = (sender(&pair), Observer::on(&pair.b));
    conn.set_control_flags(ControlFlags::DESTINATION | ControlFlags::INTERFACE, true).unwrap();
    let joins = socket2::SockRef::from(conn.get_ref());
    for name in ["eth0", "eth1"] {
        let interface = socket2::InterfaceIndexOrAddress::Index(pair.a.index(name).unwrap());
        joins.join_multicast_v4_n(&V4_GROUP, &interface).unwrap();
    }
    peer.0.set_broadcast(true).unwrap();
    let observer = socket2::SockRef::from(&peer.0);
    let send_on = |name, to: Ipv4Addr| {
        observer.bind_device(Some(str::as_bytes(name))).unwrap();
        peer.0.send_to(b"x", (to, port(&conn))).unwrap();
        observer.bind_device(None).unwrap();
    };
    for (to, name, from) in [
        (A, "eth0", A),
        (A_TOO, "eth0", A_TOO),
        (V4_GROUP, "eth0", A),
        (V4_GROUP, "eth1", Ipv4Addr::new(198, 51, 100, 1)),
        (Ipv4Addr::BROADCAST, "eth1", Ipv4Addr::new(198, 51, 100, 1)),
    ] {
        send_on(name, to);
        let (_, got) = receive(&conn);
        assert_eq!(got.control.destination, Some(to.to_ipv6_mapped()));
        // Without a deadline and with one, in a datagram and in a batch.
        conn.send_to(b"1", &got.control.reply(), got.source).unwrap();
        let message = Outgoing::new(b"2", got.control.reply(), Some(got.source));
        conn.send_batch_all(&mut SendBatch::new(1), &[message]).unwrap();
        for payload in [b"1", b"2"] {
            let seen = peer.see();
            assert_eq!((&seen.payload[..], seen.from), (&payload[..], from), "{to}");
            assert_eq!(seen.on, pair.b.index(name).unwrap(), "{to}");
        }
    }
}

// Linux sends to 127.0.0.1 what a socket with an IPv4-mapped local address sends to `::` (net/ipv6/udp.c), and ignores the
// messages of IPv6 then.
fn an_unspecified_destination_has_the_family_of_the_local_address() {
    let pair = hosts();
    let control = SendControl::new().with_traffic_class(0xb9).with_hop_limit(9);
    for is_connected in [false, true] {
        let (builder, peer) = (PacketConn::builder().only_v6(false), Observer::on(&pair.a));
        let local = if is_connected { "[::]:0" } else { "[::ffff:192.0.2.1]:0" };
        let conn = pair.a.run(|| builder.bind(local)).unwrap();
        if is_connected {
            conn.connect(at(B.to_ipv6_mapped(), 9)).unwrap();
        }
        let to = at(Ipv6Addr::UNSPECIFIED, peer.port());
        conn.send_to(b"1", &control, to).unwrap();
        conn.send_batch_all(&mut SendBatch::new(1), &[Outgoing::new(b"2", control, Some(to))]).unwrap();
        conn.send_segments(b"3", 9, &control, to).unwrap();
        conn.send_with_flags(b"4", &control, to, SendFlags::DONT_ROUTE).unwrap();
        conn.send_to(b"5", &control.with_source(A_TOO.to_ipv6_mapped()), to).unwrap();
        for payload in [b"1", b"2", b"3", b"4", b"5"] {
            let seen = peer.see();
            assert_eq!((&seen.payload[..], seen.tos, seen.ttl), (&payload[..], 0xb9, 9));
            assert_eq!(seen.from, if payload == b"5" { A_TOO } else { A });
        }
    }
    // Any other socket sends to `::1`.
    let (conn, peer) = (sender(&pair), on(&pair.a));
    conn.send_to(b"x", &control, at(Ipv6Addr::UNSPECIFIED, port(&peer))).unwrap();
    assert_eq!(see_v6(&peer), (b"x".to_vec(), Some(0xb9), Some(9)));
}

fn a_listener_bound_to_an_address_takes_peers_of_its_family() {
    let pair = hosts();
    let open = |local: SocketAddrV6| {
        pair.a.run(|| PacketConn::builder().only_v6(false).reusable(true).bind(local)).unwrap()
    };
    let (of_v4, of_v6) = (open(at(A.to_ipv6_mapped(), 0)), open(at(Pair::A, 0)));
    let (to4, to6) = (at(B.to_ipv6_mapped(), 9), at(Pair::B, 9));
    pair.a.run(|| {
        of_v4.connected().to(to4).unwrap();
        of_v6.connected().to(to6).unwrap();
        refused(of_v4.connected().to(to6), "bind it to [::]");
        // Linux makes it an IPv6-only socket when it is bound.
        refused(of_v6.connected().to(to4), "bind it to [::]");
        refused(of_v6.send_to(b"x", &SendControl::new(), to4), "bind it to [::]");
    });
}

// The broadcast address of a network, as `reply()` returns it, for example.
fn a_source_of_ipv4_that_is_not_of_this_host_is_named() {
    let pair = hosts();
    let (conn, to) = (sender(&pair), at(B.to_ipv6_mapped(), 9));
    let source = Ipv4Addr::new(192, 0, 2, 255).to_ipv6_mapped();
    let control = SendControl::new().with_source(source);
    let message = Outgoing::new(b"x", control, Some(to));
    for error in [
        conn.send_to(b"x", &control, to).unwrap_err(),
        conn.send_batch(&mut SendBatch::new(1), &[message]).unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(
            text.contains("::ffff:192.0.2.255") && text.contains("unicast address of this host"),
            "{text}"
        );
    }
}

/// Asserts that a call failed with `Unsupported` before any system call, and that the error contains `text`.
fn unsupported<T: std::fmt::Debug>(result: io::Result<T>, text: &str) {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::Unsupported, None), "{error}");
    assert!(error.to_string().contains(text), "{error}: does not contain {text:?}");
    assert!(std::error::Error::source(&error).is_some_and(|source| source.is::<EncodeError>()), "{error:?}");
}

fn what_the_family_of_the_destination_lacks_is_an_error() {
    let pair = hosts();
    let (conn, v4, v6) = (sender(&pair), Observer::on(&pair.b), on(&pair.b));
    let (to4, to6) = (v4.address(), at(Pair::B, port(&v6)));
    let new = SendControl::new();
    let of_v6 = Messages::<64>::new().with(HopLimit(1)).unwrap();
    let info = PacketInfo { address: Pair::A, interface: None };
    let info_of_v6 = Messages::<64>::new().with(info).unwrap();
    let of_v4 = Messages::<64>::new().with(TypeOfService(1)).unwrap();
    let info = PacketInfo { address: A.to_ipv6_mapped(), interface: None };
    let info_of_v4 = Messages::<64>::new().with(info).unwrap();
    // With all usual fields too: those take another path.
    for (to, control, kind, text) in [
        (to4, new.with_flow_label(FlowLabel::new(5).unwrap()), ErrorKind::Unsupported, "IPV6_FLOWINFO"),
        (to4, full().with_flow_label(FlowLabel::new(5).unwrap()), ErrorKind::Unsupported, "IPV6_FLOWINFO"),
        (to4, new.with_flow_label(FlowLabel::ZERO), ErrorKind::Unsupported, "IPV6_FLOWINFO"),
        (to4, new.with_next_hop(to6), ErrorKind::Unsupported, "IPV6_NEXTHOP"),
        (to4, new.with_source(Pair::A), ErrorKind::InvalidInput, "2001:db8:1::1 is not an IPv4-mapped"),
        (to4, full().with_source(Pair::A), ErrorKind::InvalidInput, "2001:db8:1::1 is not an IPv4-mapped"),
        (to4, new.with_hop_limit(0), ErrorKind::InvalidInput, "IP_TTL message with the value 0"),
        (to4, new.with_source(V4_GROUP.to_ipv6_mapped()), ErrorKind::InvalidInput, "239.1.2.3"),
        (to4, new.with_messages(&of_v6), ErrorKind::Unsupported, "IPV6_HOPLIMIT"),
        (to4, full().with_messages(&of_v6), ErrorKind::Unsupported, "IPV6_HOPLIMIT"),
        (to4, new.with_messages(&info_of_v6), ErrorKind::Unsupported, "IPV6_PKTINFO"),
        (to6, new.with_source(A.to_ipv6_mapped()), ErrorKind::InvalidInput, "192.0.2.1 is an IPv4-mapped"),
        (to6, full(), ErrorKind::InvalidInput, "192.0.2.11 is an IPv4-mapped"),
        (to6, new.with_messages(&of_v4), ErrorKind::Unsupported, "IP_TOS"),
        (to6, new.with_hop_limit(1).with_messages(&of_v4), ErrorKind::Unsupported, "IP_TOS"),
        (to6, new.with_messages(&info_of_v4), ErrorKind::Unsupported, "IPV6_PKTINFO"),
    ] {
        let is_error = |result: io::Result<usize>| {
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.raw_os_error()), (kind, None), "{control} to {to}: {error}");
            assert!(error.to_string().contains(text), "{control} to {to}: {error}");
        };
        for deadline in [None, soon()] {
            conn.set_write_deadline(deadline);
            is_error(conn.send_to(b"x", &control, to));
            is_error(conn.send_vectored(&[IoSlice::new(b"x")], &control, to));
            is_error(conn.send_segments(b"xy", 1, &control, to));
            // In a batch, after messages that can be sent.
            for coalescing in [false, true] {
                conn.set_send_coalescing(coalescing);
                let messages = [
                    Outgoing::new(b"good", new.with_traffic_class(1), Some(to4)),
                    Outgoing::new(b"good", new.with_traffic_class(1), Some(to6)),
                    Outgoing::new(b"bad", control, Some(to)),
                    Outgoing::new(b"bad", control, Some(to)),
                ];
                let mut batch = SendBatch::new(4);
                assert_eq!(conn.send_batch(&mut batch, &messages).unwrap(), 2);
                is_error(conn.send_batch(&mut batch, &messages[2..]));
                let error = conn.send_batch_all(&mut batch, &messages).unwrap_err();
                assert_eq!(error.index(), 2);
                is_error(Err(error.into_error()));
                for _ in 0..2 {
                    assert_eq!((v4.see().payload, see_v6(&v6).0), (b"good".to_vec(), b"good".to_vec()));
                }
            }
        }
    }
    for (messages, to, text) in [(&of_v6, to4, "IPV6_HOPLIMIT"), (&of_v4, to6, "IP_TOS")] {
        unsupported(conn.send_messages(b"x", messages, to), text);
    }
    // What the other family takes is sent.
    conn.send_messages(b"x", &of_v4, to4).unwrap();
    conn.send_messages(b"x", &of_v6, to6).unwrap();
    assert_eq!((v4.see().tos, see_v6(&v6).2), (1, Some(1)));
    // After `clear`, a list is for any destination.
    let mut list = of_v4;
    list.clear();
    list.push(&HopLimit(3)).unwrap();
    conn.send_messages(b"x", &list, to6).unwrap();
    assert_eq!(see_v6(&v6).2, Some(3));
}

fn an_ipv6_only_socket_refuses_mapped_addresses() {
    let conn = loopback();
    let to4 = "[::ffff:127.0.0.1]:9".parse().unwrap();
    let to6 = conn.local_addr().unwrap();
    let from4 = SendControl::new().with_source(Ipv4Addr::LOCALHOST.to_ipv6_mapped());
    for deadline in [None, soon()] {
        conn.set_write_deadline(deadline);
        refused(conn.send_to(b"x", &SendControl::new(), to4), "only_v6(false)");
        refused(conn.send_to(b"x", &from4, to6), "only_v6(false)");
        refused(conn.connect(to4), "only_v6(false)");
        let error = conn.send_segments(b"xx", 1, &SendControl::new(), to4).unwrap_err();
        assert!(!error.to_string().contains("segments"), "{error}: the segments are not the cause");
        let message = Outgoing::new(b"x", SendControl::new(), Some(to4));
        refused(conn.send_batch(&mut SendBatch::new(1), &[message]), "only_v6(false)");
        // Messages of IPv4 have no effect there either.
        let messages = Messages::<64>::new().with(TypeOfService(1)).unwrap();
        unsupported(conn.send_messages(b"x", &messages, to6), "IP_TOS");
    }
    assert_eq!(to4.ip().to_canonical(), IpAddr::from(Ipv4Addr::LOCALHOST));
}

fn a_segment_size_of_0_is_refused() {
    let conn = loopback();
    let to = conn.local_addr().unwrap();
    let control = SendControl::new().with_segment_size(0);
    for deadline in [None, soon()] {
        conn.set_write_deadline(deadline);
        refused(conn.send_to(b"x", &control, to), "segment size 0");
        refused(conn.send_vectored(&[IoSlice::new(b"x")], &control, to), "segment size 0");
        refused(conn.send_segments(b"x", 0, &SendControl::new(), to), "segment size 0");
        for coalescing in [false, true] {
            conn.set_send_coalescing(coalescing);
            let messages =
                [Outgoing::new(b"x", SendControl::new(), Some(to)), Outgoing::new(b"x", control, Some(to))];
            let mut batch = SendBatch::new(4);
            assert_eq!(conn.send_batch(&mut batch, &messages).unwrap(), 1);
            refused(conn.send_batch(&mut batch, &messages[1..]), "segment size 0");
        }
    }
    conn.connect(to).unwrap();
    refused(conn.send(b"x", &control), "segment size 0");
}
