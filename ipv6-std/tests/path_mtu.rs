//! Two hosts and a router: what the router changes in a packet, and how its MTU is reported.

mod common;

use common::*;
use ipv6_std::*;
use ipv6_testnet::{Line, Pair};

ipv6_testnet::tests! {
    [Namespace] control_messages_arrive_in_both_directions;
    [Namespace] a_router_lowers_the_hop_limit_by_one;
    [Namespace] a_hop_limit_of_one_expires_at_the_router;
    [Namespace] a_smaller_mtu_at_a_router_is_reported;
    [Namespace] the_path_mtu_starts_as_that_of_the_link;
    [Namespace] the_path_mtu_message_has_the_layout_of_rfc_3542;
}

fn control_messages_arrive_in_both_directions() {
    let Pair { a, b } = Pair::new().unwrap();
    let (left, right) = (on(&a), on(&b));
    let ways = [(&left, Pair::A, &right, Pair::B, &b), (&right, Pair::B, &left, Pair::A, &a)];
    for (from, source, to, destination, host) in ways {
        let control =
            SendControl::new().with_traffic_class(0x2e << 2).with_hop_limit(200).with_source(source);
        from.send_to(b"HELLO", &control, at(destination, port(to))).unwrap();
        let (text, got) = receive(to);
        assert_eq!((text.as_slice(), got.source), (b"HELLO".as_slice(), at(source, port(from))));
        assert_eq!((got.control.dscp(), got.control.hop_limit), (Some(46), Some(200)));
        assert_eq!(got.control.destination, Some(destination));
        assert_eq!(got.control.interface, Some(index(host, "eth0")));
    }
}

fn a_router_lowers_the_hop_limit_by_one() {
    let line = Line::new().unwrap();
    let (a, b) = (on(&line.a), on(&line.b));
    a.send_to(b"x", &SendControl::new().with_hop_limit(64), at(Line::B, port(&b))).unwrap();
    assert_eq!(receive(&b).1.control.hop_limit, Some(63));
    b.send_to(b"x", &SendControl::new().with_hop_limit(2).with_traffic_class(4), at(Line::A, port(&a)))
        .unwrap();
    let (_, got) = receive(&a);
    assert_eq!((got.control.hop_limit, got.control.traffic_class), (Some(1), Some(4)));
}

fn a_hop_limit_of_one_expires_at_the_router() {
    let line = Line::new().unwrap();
    let (a, b) = (on(&line.a), on(&line.b));
    let errors = line.a.run(|| RawConn::open(Icmp6Type::PROTOCOL)).unwrap();
    errors.set_deadline(soon());
    errors.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::TIME_EXCEEDED)).unwrap();
    a.send_to(b"x", &SendControl::new().with_hop_limit(1), at(Line::B, port(&b))).unwrap();
    let (packet, got) = receive(&errors);
    assert_eq!((Icmp6Type(packet[0]), *got.source.ip()), (Icmp6Type::TIME_EXCEEDED, Line::LEFT));
    // The error quotes the packet, starting with its IPv6 header.
    let (header, _) = Header::parse(&packet[8..]).unwrap();
    assert_eq!((header.source, header.destination, header.hop_limit), (Line::A, Line::B, 1));
}

fn a_smaller_mtu_at_a_router_is_reported() {
    const LOW: usize = 1300;
    let line = Line::new().unwrap();
    let (a, b) = (on(&line.a), on(&line.b));
    line.router.ip(&format!("link set right mtu {LOW}")).unwrap();
    a.get_ref().connect(at(Line::B, port(&b))).unwrap();
    a.set_dont_fragment(true).unwrap();
    assert_eq!(a.path_mtu().unwrap(), 1500);

    // The first packet that is too large is dropped, and the router reports its MTU.
    a.send(&[0; 1400], &SendControl::new()).unwrap();
    let deadline = soon().unwrap();
    while a.path_mtu().unwrap() != LOW as u32 {
        assert!(std::time::Instant::now() < deadline, "the router's report did not arrive");
        std::thread::yield_now();
    }
    // From then on the kernel refuses such packets.
    assert_eq!(errno(a.send(&[0; 1400], &SendControl::new())), Some(EMSGSIZE));
    // The path MTU message: an empty payload, with the destination as its source.
    let (payload, got) = receive(&a);
    assert!(payload.is_empty());
    let news = got.control.path_mtu.unwrap();
    assert_eq!((news.destination, news.mtu), (Line::B, LOW as u32));
    assert_eq!(*got.source.ip(), Line::B);

    // The router's report is also a pending error of the connected socket.
    assert_eq!(a.get_ref().take_error().unwrap().unwrap().raw_os_error(), Some(EMSGSIZE));

    // A packet of exactly the MTU is sent: 40 bytes of IPv6 header, 8 of UDP header.
    a.send(&[0; LOW - 48], &SendControl::new()).unwrap();
    assert_eq!(receive(&b).1.len, LOW - 48);
    assert_eq!(errno(a.send(&[0; LOW - 47], &SendControl::new())), Some(EMSGSIZE));
    // With fragmentation, longer ones are sent too.
    a.set_dont_fragment(false).unwrap();
    a.send(&[0; 1400], &SendControl::new()).unwrap();
    assert_eq!(receive(&b).1.len, 1400);
}

fn the_path_mtu_starts_as_that_of_the_link() {
    let Pair { a, b } = Pair::new().unwrap();
    let (left, right) = (on(&a), on(&b));
    left.get_ref().connect(at(Pair::B, port(&right))).unwrap();
    assert_eq!(left.path_mtu().unwrap(), 1500);
    a.ip("link set eth0 mtu 1280").unwrap();
    left.get_ref().connect(at(Pair::B, port(&right))).unwrap();
    assert_eq!(left.path_mtu().unwrap(), 1280);
}

fn the_path_mtu_message_has_the_layout_of_rfc_3542() {
    const IPV6_PATHMTU: i32 = 61;
    let Pair { a, b } = Pair::new().unwrap();
    let (conn, peer) = (on(&a), on(&b));
    conn.set_dont_fragment(true).unwrap();
    let to = at(Pair::B, port(&peer));
    assert_eq!(errno(conn.send_to(&[0; 1500], &SendControl::new(), to)), Some(EMSGSIZE));
    let mut space = [0; 256];
    let message = conn.recv_message(&mut [0; 8], &mut space).unwrap();
    let mut all = message.raw_messages().map(Result::unwrap);
    let raw = all.find(|raw| (raw.level, raw.kind) == (41, IPV6_PATHMTU)).unwrap();
    // struct ip6_mtuinfo (RFC 3542 section 11.3): the destination as a sockaddr_in6, with port, flow information
    // and scope 0, and the MTU.
    const AF_INET6: u16 = 10;
    let parts: [&[u8]; 6] =
        [&AF_INET6.to_ne_bytes(), &[0; 2], &[0; 4], &Pair::B.octets(), &[0; 4], &1500_u32.to_ne_bytes()];
    assert_eq!(raw.data, parts.concat());
    assert_eq!(all.next(), None);
    let news = message.control().unwrap().path_mtu.unwrap();
    assert_eq!((news.destination, news.interface, news.mtu), (Pair::B, None, 1500));
}
