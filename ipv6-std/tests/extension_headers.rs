//! Extension headers, as messages and as sticky options: what Linux sends and delivers.

mod common;
mod programs;

use std::io::ErrorKind;
use std::net::Ipv6Addr;

use common::*;
use ipv6_std::ext::*;
use ipv6_std::message::FirstDestinationOptions;
use ipv6_std::*;
use ipv6_testnet::Pair;
use programs::Capture;

ipv6_testnet::tests! {
    [RawSocket] headers_sent_as_messages_are_received;
    [RawSocket] headers_of_every_length_are_sent;
    [RawSocket] several_headers_of_a_kind_are_received_in_order;
    [RawSocket] sticky_headers_are_sent_until_they_are_removed;
    [RawSocket] a_header_as_a_message_replaces_all_sticky_ones;
    [RawSocket] options_before_a_routing_header_are_sent_only_with_one;
    [Namespace] a_segment_routing_header_is_sent_as_a_sticky_header_only;
    [Namespace] a_segment_routing_header_of_a_route_is_parsed;
    [RawSocket] the_router_alert_of_mld_reports_is_received;
    [Namespace] the_privilege_that_is_missing_is_named;
    [Namespace] headers_that_the_kernel_refuses_are_an_error;
    [] packets_of_another_library_are_parsed;
    [RawSocket, Program("dumpcap"), Program("tshark")] tshark_parses_the_headers_that_were_built;
}

/// An option that nodes skip (RFC 4727).
const SKIPPED: OptionType = OptionType(0x1e);

fn options(data: &[u8]) -> OptionsBuilder<64> {
    OptionsBuilder::new().with(SKIPPED, data).unwrap()
}

/// The data of the options of this type in received headers.
fn data<'a>(options: Options<'a>) -> Vec<&'a [u8]> {
    options.map(Result::unwrap).filter(|option| option.kind == SKIPPED).map(|option| option.data).collect()
}

/// Two hosts, and a socket on each; the second delivers extension headers.
fn hosts() -> (Pair, PacketConn, PacketConn) {
    let pair = Pair::new().unwrap();
    let (sender, receiver) = (on(&pair.a), on(&pair.b));
    for option in
        [option::RECEIVE_HOP_BY_HOP, option::RECEIVE_DESTINATION_OPTIONS, option::RECEIVE_ROUTING_HEADER]
    {
        receiver.set_option(&option, true).unwrap();
    }
    (pair, sender, receiver)
}

/// What one datagram had: hop-by-hop options, destination options, and the segments left of a routing header.
#[derive(Debug, Default, PartialEq)]
struct Headers {
    hop_by_hop: Vec<Vec<u8>>,
    destination: Vec<Vec<u8>>,
    segments_left: Vec<u8>,
}

impl Headers {
    fn receive(conn: &PacketConn) -> Self {
        let (mut payload, mut control) = ([0; 64], [0; 4096]);
        let message = conn.recv_message(&mut payload, &mut control).unwrap();
        assert!(!message.control_truncated);
        let mut headers = Self::default();
        for header in message.each::<HopByHop>() {
            headers.hop_by_hop.extend(data(header.unwrap().options()).into_iter().map(<[u8]>::to_vec));
        }
        for header in message.each::<DestinationOptions>() {
            headers.destination.extend(data(header.unwrap().options()).into_iter().map(<[u8]>::to_vec));
        }
        headers
            .segments_left
            .extend(message.each::<RoutingHeader>().map(|header| header.unwrap().segments_left()));
        headers
    }
}

fn headers_sent_as_messages_are_received() {
    let (_pair, sender, receiver) = hosts();
    let (hop, destination) = (options(&[1, 2, 3]), options(&[4]));
    let messages = Messages::<256>::new().with(hop.hop_by_hop()).unwrap();
    let messages = messages.with(destination.destination_options()).unwrap();
    sender.send_messages(b"x", &messages, at(Pair::B, port(&receiver))).unwrap();
    let expected =
        Headers { hop_by_hop: vec![vec![1, 2, 3]], destination: vec![vec![4]], ..Headers::default() };
    assert_eq!(Headers::receive(&receiver), expected);
    // Beside fields, in a batch.
    let control = SendControl::new().with_hop_limit(9).with_messages(&messages);
    let batch = [Outgoing::new(b"y", control, Some(at(Pair::B, port(&receiver))))];
    sender.send_batch_all(&mut SendBatch::new(4), &batch).unwrap();
    assert_eq!(Headers::receive(&receiver), expected);
}

// A message of 24 bytes takes the space of packet info, whose padding is not sent.
fn headers_of_every_length_are_sent() {
    let (_pair, sender, receiver) = hosts();
    let to = at(Pair::B, port(&receiver));
    for len in 0..=58 {
        let built = options(&vec![7; len]);
        let messages = Messages::<128>::new().with(built.destination_options()).unwrap();
        let expected = Headers { destination: vec![vec![7; len]], ..Headers::default() };
        sender.send_messages(b"x", &messages, to).unwrap();
        assert_eq!(Headers::receive(&receiver), expected, "{len} bytes of data");
        let control = SendControl::new().with_messages(&messages);
        let batch = [Outgoing::new(b"x", control, Some(to))];
        assert_eq!(sender.send_batch(&mut SendBatch::new(1), &batch).unwrap(), 1);
        assert_eq!(Headers::receive(&receiver), expected, "{len} bytes of data, in a batch");
    }
}

fn several_headers_of_a_kind_are_received_in_order() {
    let (pair, _, receiver) = hosts();
    // A raw packet: two destination options headers, then UDP.
    let (first, second) = (options(&[1]).with_next_header(60), options(&[2; 9]).with_next_header(17));
    let port = port(&receiver);
    let mut udp = [0, 9, 0, 0, 0, 9, 0, 0, b'x'];
    udp[2..4].copy_from_slice(&port.to_be_bytes());
    let sum = udp_checksum(Pair::A, Pair::B, &[&udp]);
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
    let packet = [first.as_bytes(), second.as_bytes(), &udp].concat();
    let raw = pair.a.run(|| RawConn::open(60)).unwrap();
    raw.send_to(&packet, &SendControl::new().with_source(Pair::A), at(Pair::B, 0)).unwrap();
    let expected = Headers { destination: vec![vec![1], vec![2; 9]], ..Headers::default() };
    assert_eq!(Headers::receive(&receiver), expected);
}

fn sticky_headers_are_sent_until_they_are_removed() {
    let (_pair, sender, receiver) = hosts();
    let to = at(Pair::B, port(&receiver));
    let (hop, destination) = (options(&[1]), options(&[2]));
    sender.set_hop_by_hop_options(hop.hop_by_hop()).unwrap();
    sender.set_destination_options(destination.destination_options()).unwrap();
    let mut buffer = [0; MAX_LEN];
    assert_eq!(sender.hop_by_hop_options(&mut buffer).unwrap(), Some(hop.hop_by_hop()));
    assert_eq!(sender.destination_options(&mut buffer).unwrap(), Some(destination.destination_options()));
    assert_eq!(sender.routing_header(&mut buffer).unwrap(), None);
    // A buffer that is too short is an error, not a shorter header.
    assert_eq!(sender.hop_by_hop_options(&mut [0; 7]).unwrap_err().kind(), ErrorKind::InvalidData);

    sender.send_to(b"x", &SendControl::new(), to).unwrap();
    let both = Headers { hop_by_hop: vec![vec![1]], destination: vec![vec![2]], ..Headers::default() };
    assert_eq!(Headers::receive(&receiver), both);
    sender.set_hop_by_hop_options(None).unwrap();
    assert_eq!(sender.hop_by_hop_options(&mut buffer).unwrap(), None);
    sender.send_to(b"x", &SendControl::new(), to).unwrap();
    assert_eq!(Headers::receive(&receiver), Headers { hop_by_hop: vec![], ..both });
}

// Scar 71: so does Linux.
fn a_header_as_a_message_replaces_all_sticky_ones() {
    let (_pair, sender, receiver) = hosts();
    let to = at(Pair::B, port(&receiver));
    sender.set_hop_by_hop_options(options(&[1]).hop_by_hop()).unwrap();
    let message = options(&[2]);
    let messages = Messages::<64>::new().with(message.destination_options()).unwrap();
    sender.send_to(b"x", &SendControl::new().with_messages(&messages), to).unwrap();
    let only = Headers { destination: vec![vec![2]], ..Headers::default() };
    assert_eq!(Headers::receive(&receiver), only);
    // Another message leaves the sticky headers.
    sender.send_to(b"x", &SendControl::new().with_hop_limit(9), to).unwrap();
    let sticky = Headers { hop_by_hop: vec![vec![1]], ..Headers::default() };
    assert_eq!(Headers::receive(&receiver), sticky);
}

// Scar 71.
fn options_before_a_routing_header_are_sent_only_with_one() {
    let (pair, sender, receiver) = hosts();
    let second = route_segments_at(&pair);
    let to = at(Pair::B, port(&receiver));
    let before = options(&[3]);
    let messages = Messages::<64>::new().with(FirstDestinationOptions(before.destination_options())).unwrap();
    sender.send_to(b"x", &SendControl::new().with_messages(&messages), to).unwrap();
    assert_eq!(Headers::receive(&receiver), Headers::default());

    sender.set_first_destination_options(before.destination_options()).unwrap();
    let mut buffer = [0; MAX_LEN];
    assert_eq!(sender.first_destination_options(&mut buffer).unwrap(), Some(before.destination_options()));
    sender.send_to(b"x", &SendControl::new(), to).unwrap();
    assert_eq!(Headers::receive(&receiver), Headers::default());
    let path = SegmentRoutingBuilder::<40>::new(&[second, Pair::B]).unwrap();
    sender.set_routing_header(path.header().header()).unwrap();
    sender.send_to(b"x", &SendControl::new(), to).unwrap();
    let with = Headers { destination: vec![vec![3]], segments_left: vec![0], ..Headers::default() };
    assert_eq!(Headers::receive(&receiver), with);
}

/// Makes the second host process segment routing headers, and returns another address of it.
fn route_segments_at(pair: &Pair) -> Ipv6Addr {
    for interface in ["all", "eth0"] {
        pair.b.set(&format!("net/ipv6/conf/{interface}/seg6_enabled"), "1").unwrap();
    }
    let second = "2001:db8:1::22".parse().unwrap();
    pair.b.add_address(second, "eth0").unwrap();
    second
}

// Scar 71.
fn a_segment_routing_header_is_sent_as_a_sticky_header_only() {
    let (pair, sender, receiver) = hosts();
    let second = route_segments_at(&pair);
    let to = at(Pair::B, port(&receiver));
    // The kernel replaces the last segment by the destination.
    let path = SegmentRoutingBuilder::<40>::new(&[second, Ipv6Addr::UNSPECIFIED]).unwrap().with_tag(7);
    let header = path.header().header();
    let messages = Messages::<64>::new().with(header).unwrap();
    let refused = sender.send_to(b"x", &SendControl::new().with_messages(&messages), to);
    let refused = refused.unwrap_err();
    assert_eq!((refused.kind(), cause(&refused)), (ErrorKind::InvalidInput, Some(EINVAL)));
    assert!(
        refused.to_string().contains("set a segment routing header with set_routing_header"),
        "{refused}"
    );

    sender.set_routing_header(header).unwrap();
    let mut buffer = [0; MAX_LEN];
    assert_eq!(sender.routing_header(&mut buffer).unwrap(), Some(header));
    sender.send_to(b"x", &SendControl::new(), to).unwrap();
    let (mut payload, mut control) = ([0; 64], [0; 4096]);
    let message = receiver.recv_message(&mut payload, &mut control).unwrap();
    let got = message.get::<RoutingHeader>().unwrap().expect("the datagram has a routing header");
    let got = got.segment_routing().unwrap();
    assert_eq!((got.segments_left(), got.tag()), (0, 7));
    assert!(got.segments().eq([second, Pair::B]));
    sender.set_routing_header(None).unwrap();
    sender.send_to(b"x", &SendControl::new(), to).unwrap();
    assert_eq!(Headers::receive(&receiver), Headers::default());
}

fn a_segment_routing_header_of_a_route_is_parsed() {
    let (pair, sender, receiver) = hosts();
    let second = route_segments_at(&pair);
    pair.a
        .ip(&format!("-6 route add {}/128 encap seg6 mode inline segs {second} dev eth0", Pair::B))
        .unwrap();
    sender.send_to(b"x", &SendControl::new(), at(Pair::B, port(&receiver))).unwrap();
    let (mut payload, mut control) = ([0; 64], [0; 4096]);
    let message = receiver.recv_message(&mut payload, &mut control).unwrap();
    let got = message.get::<RoutingHeader>().unwrap().expect("the route adds a routing header");
    let got = got.segment_routing().unwrap();
    assert_eq!(got.segments_left(), 0);
    assert!(got.segments().eq([second, Pair::B]));
}

fn the_router_alert_of_mld_reports_is_received() {
    let pair = Pair::new().unwrap();
    let raw = pair.b.run(|| RawConn::open(Icmp6Type::PROTOCOL)).unwrap();
    raw.set_deadline(soon());
    raw.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type(143))).unwrap();
    raw.set_option(&option::RECEIVE_HOP_BY_HOP, true).unwrap();
    // All MLDv2-capable routers (RFC 3810 section 5.2.14).
    raw.join_group("ff02::16".parse().unwrap(), index(&pair.b, "eth0")).unwrap();
    let member = on(&pair.a);
    member.join_group(GROUP, index(&pair.a, "eth0")).unwrap();
    let (mut payload, mut control) = ([0; 1500], [0; 512]);
    let message = raw.recv_message(&mut payload, &mut control).unwrap();
    let header = message.get::<HopByHop>().unwrap().expect("MLD messages have a router alert");
    let alert = header.options().find(OptionType::ROUTER_ALERT).unwrap().unwrap();
    assert_eq!((alert.data, header.next_header()), (&[0, 0][..], 58));
}

fn the_privilege_that_is_missing_is_named() {
    let conn = loopback();
    let header = options(&[1]);
    // A thread without capabilities: those of the other threads stay.
    let error = std::thread::scope(|scope| {
        let tried = scope.spawn(|| {
            let none = rustix::thread::CapabilitySet::empty();
            let sets = rustix::thread::CapabilitySets { effective: none, permitted: none, inheritable: none };
            rustix::thread::set_capabilities(None, sets).unwrap();
            let routing = SegmentRoutingBuilder::<40>::new(&[Pair::A, Pair::B]).unwrap();
            conn.set_routing_header(routing.header().header()).unwrap();
            [
                conn.set_hop_by_hop_options(header.hop_by_hop()).unwrap_err(),
                conn.set_destination_options(header.destination_options()).unwrap_err(),
                conn.set_first_destination_options(None).unwrap_err(),
            ]
        });
        tried.join().unwrap()
    });
    for (error, name) in error.iter().zip(["IPV6_HOPOPTS", "IPV6_DSTOPTS", "IPV6_RTHDRDSTOPTS"]) {
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.to_string().contains(&format!("{name} needs CAP_NET_RAW")), "{error}");
    }
}

fn headers_that_the_kernel_refuses_are_an_error() {
    let conn = loopback();
    let old = RoutingBuilder::<24>::new(RoutingType::SOURCE_ROUTE).with(Pair::A).unwrap();
    assert_eq!(errno(conn.set_routing_header(old.header())), Some(EINVAL));
    let messages = Messages::<64>::new().with(old.header()).unwrap();
    let to = conn.local_addr().unwrap();
    let refused = conn.send_to(b"x", &SendControl::new().with_messages(&messages), to).unwrap_err();
    assert_eq!((refused.kind(), cause(&refused)), (ErrorKind::InvalidInput, Some(EINVAL)));
    assert!(refused.to_string().contains("sends only type 2"), "{refused}");
}

fn packets_of_another_library_are_parsed() {
    use etherparse::{IpFragOffset, IpNumber, Ipv6Extensions, Ipv6FragmentHeader, Ipv6RawExtHeader};

    // Two options: router alert, and one that nodes skip.
    let hop_by_hop = Ipv6RawExtHeader::new_raw(IpNumber(0), &[5, 2, 0, 0, 0x1e, 0]).unwrap();
    let destination =
        Ipv6RawExtHeader::new_raw(IpNumber(0), &[0x1e, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    let fragment =
        Ipv6FragmentHeader::new(IpNumber(0), IpFragOffset::try_new(185).unwrap(), true, 0xdead_beef);
    let mut built = Ipv6Extensions {
        hop_by_hop_options: Some(hop_by_hop),
        destination_options: Some(destination.unwrap()),
        fragment: Some(fragment),
        ..Ipv6Extensions::default()
    };
    let first = built.set_next_headers(IpNumber::UDP);
    let mut bytes = Vec::new();
    built.write(&mut bytes, first).unwrap();
    bytes.extend_from_slice(b"rest");

    let headers: Vec<_> = Walk::new(first.0, &bytes).map(Result::unwrap).collect();
    let [
        ExtensionHeader::HopByHop(hop),
        ExtensionHeader::DestinationOptions(destination),
        ExtensionHeader::Fragment(fragment),
    ] = headers[..]
    else {
        panic!("{headers:?}");
    };
    assert_eq!(hop.to_string(), "hop-by-hop options: router alert [0, 0], 0x1e []");
    assert_eq!(data(destination.options()), [(1..=12).collect::<Vec<u8>>()]);
    assert_eq!((fragment.offset, fragment.more, fragment.identification), (185 * 8, true, 0xdead_beef));
    let upper = Walk::new(first.0, &bytes).upper().unwrap();
    assert_eq!((upper.protocol, upper.payload), (17, b"rest".as_slice()));
}

fn tshark_parses_the_headers_that_were_built() {
    let (pair, sender, receiver) = hosts();
    let second = route_segments_at(&pair);
    let capture = Capture::start(&pair.b, "eth0");
    let hop = OptionsBuilder::<16>::new().with(OptionType::ROUTER_ALERT, &[0, 1]).unwrap();
    let hop = hop.with(SKIPPED, &[9, 8, 7]).unwrap();
    let path = SegmentRoutingBuilder::<40>::new(&[second, Pair::B]).unwrap().with_tag(0x1234);
    sender.set_hop_by_hop_options(hop.hop_by_hop()).unwrap();
    sender.set_destination_options(options(&[4, 5]).destination_options()).unwrap();
    sender.set_routing_header(path.header().header()).unwrap();
    sender.send_to(b"x", &SendControl::new(), at(Pair::B, port(&receiver))).unwrap();
    Headers::receive(&receiver);

    let captured = capture.end();
    let filter = "udp && ipv6.routing";
    let fields = [
        "ipv6.hopopts.len_oct",
        "ipv6.opt.router_alert",
        "ipv6.routing.type",
        "ipv6.routing.segleft",
        "ipv6.routing.srh.last_entry",
        "ipv6.routing.srh.tag",
        "ipv6.routing.srh.addr",
        "ipv6.dstopts.len_oct",
    ];
    let [row] = captured.fields(filter, fields).try_into().unwrap_or_else(|rows| panic!("{rows:?}"));
    let expected = ["16", "1", "4", "1", "1", "1234", &format!("{},{second}", Pair::B), "8"];
    assert_eq!(row.each_ref().map(String::as_str), expected);
    let text = captured.described(filter, "ipv6");
    assert!(text.contains("090807"), "{text}");
    assert!(!text.contains("Malformed"), "{text}");
}
