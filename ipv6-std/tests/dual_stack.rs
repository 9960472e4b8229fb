//! The matrix of dual-stack sockets: for each way to send and to receive, each field, with an IPv6 and an IPv4-mapped peer.
//! The peers are sockets of one family on another host. Each cell is what the peer observes, or an error.

mod common;
mod dual;
mod programs;

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, TcpListener, TcpStream};

use common::*;
use dual::*;
use ipv6_std::abi::ControlNumber;
use ipv6_std::*;

ipv6_testnet::tests! {
    [Capture] what_is_sent;
    [Namespace] what_is_received;
    [RawSocket, Program("dumpcap"), Program("tshark")] tshark_sees_the_fields_that_are_sent;
    [Namespace] a_batch_mixes_families_and_coalesces_each;
    [Namespace] replies_leave_from_where_the_request_arrived;
    [Namespace] replies_to_groups_are_sent_by_unicast;
    [Namespace] a_peer_that_another_value_of_the_socket_connected_is_known;
    [Namespace] linux_treats_an_interface_beside_a_source_as_a_preference;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Datagram,
    Batch,
    CoalescedBatch,
    Connected,
    SocketOption,
    AcceptedTcp,
}

use Way::{AcceptedTcp, Batch, CoalescedBatch, Connected, Datagram, SocketOption};

const WAYS: [Way; 6] = [Datagram, Batch, CoalescedBatch, Connected, SocketOption, AcceptedTcp];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Class,
    HopLimit,
    Source,
    Interface,
    DontFragment,
    Error,
}

use Field::{Class, DontFragment, HopLimit, Source};

/// `IPV6_DONTFRAG` as a control message (RFC 3542 section 11.2).
struct DontFragmentMessage;

impl<P: Platform> ControlMessage<P> for DontFragmentMessage {
    type Value<'a> = ();
    const NAME: &'static str = "IPV6_DONTFRAG";
    const NUMBER: Option<ControlNumber> = Some(ControlNumber::new(41, 62, 4));

    fn decode(_: &[u8]) -> Result<(), DecodeError> {
        Ok(())
    }
}

impl<P: Platform> SendMessage<P> for DontFragmentMessage {
    fn encode(&self) -> impl AsRef<[u8]> {
        1_i32.to_ne_bytes()
    }
}

/// The differences from a packet without any control message or option, as text.
fn differences(net: &Net, family: Family, seen: &Seen) -> String {
    let mut text = String::new();
    if seen.class != 0 {
        write!(text, "class {:#x} ", seen.class).unwrap();
    }
    if seen.hop_limit != 64 {
        write!(text, "hop limit {} ", seen.hop_limit).unwrap();
    }
    if seen.source != family.a() {
        text += if seen.source == family.other() { "other source " } else { "wrong source " };
    }
    if seen.interface != net.b.index("eth0").unwrap() {
        text +=
            if seen.interface == net.b.index("eth1").unwrap() { "by eth1 " } else { "by a wrong interface " };
    }
    text.trim().to_string()
}

/// Sends a payload with control messages, and returns how each datagram arrives.
fn send(
    net: &Net,
    way: Way,
    conn: &PacketConn,
    payload: &[u8],
    control: &SendControl<'_>,
    observer: &Observer,
) -> io::Result<Vec<Seen>> {
    let to = observer.address();
    // A peer of the other family, between datagrams to this one.
    let other = Observer::new(&net.b, observer.family.remaining());
    let batch = |pattern: &str| {
        let outgoing = pattern.chars().map(|letter| match letter {
            'x' => Outgoing::new(payload, *control, Some(to)),
            _ => Outgoing::new(payload, SendControl::new(), Some(other.address())),
        });
        let outgoing: Vec<_> = outgoing.collect();
        let sent = conn.send_batch_all(&mut SendBatch::new(outgoing.len()), &outgoing);
        sent.map_err(|error| error.into_error())?;
        for _ in 0..pattern.matches('o').count() {
            assert_eq!(differences(net, other.family, &other.seen()), "");
        }
        Ok::<_, io::Error>(pattern.matches('x').count())
    };
    let count = match way {
        Batch => {
            conn.set_send_coalescing(false);
            batch("xox")?
        }
        CoalescedBatch => {
            let count = batch("xxxoooxxx")?;
            assert!(conn.send_coalescing());
            assert_eq!(conn.coalescing_refused(), 0);
            count
        }
        Connected => {
            conn.connect(to)?;
            conn.send(payload, control)?;
            1
        }
        _ => {
            conn.send_to(payload, control, to)?;
            1
        }
    };
    Ok((0..count).map(|_| observer.seen()).collect())
}

/// The same for all datagrams.
fn all_alike(net: &Net, family: Family, seen: &[Seen], payload: &[u8]) -> String {
    let texts: Vec<String> = seen.iter().map(|seen| differences(net, family, seen)).collect();
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    assert!(seen.iter().all(|seen| seen.payload == payload));
    texts[0].clone()
}

/// Reports of datagrams to a port at which nobody listens.
fn errors(net: &Net, way: Way, family: Family) -> String {
    let (conn, observer) = (net.conn(), Observer::new(&net.b, family));
    let to = observer.address();
    if way == SocketOption {
        conn.set_option(&option::QUEUE_ERRORS, true).unwrap();
    } else {
        conn.set_queue_errors(true).unwrap();
    }
    drop(observer);
    let count = match way {
        Batch | CoalescedBatch => {
            conn.set_send_coalescing(way == CoalescedBatch);
            let messages = [Outgoing::new(b"x", SendControl::new(), Some(to)); 3];
            conn.send_batch(&mut SendBatch::new(3), &messages).unwrap()
        }
        Connected => {
            conn.connect(to).unwrap();
            conn.send(b"x", &SendControl::new()).unwrap();
            1
        }
        _ => {
            conn.send_to(b"x", &SendControl::new(), to).unwrap();
            1
        }
    };
    let (mut texts, mut bytes) = (Vec::new(), 0);
    // One report is about all datagrams that were sent as one.
    while bytes < count {
        let reported = reported(&conn, &mut [0; 16]);
        assert_eq!((reported.error.reporter, reported.destination), (Some(family.b()), to));
        bytes += reported.len;
        texts.push(match reported.error.origin() {
            ErrorOrigin::Icmp6(Icmp6Type::DESTINATION_UNREACHABLE, 4) => "ICMPv6 port unreachable",
            ErrorOrigin::Icmp(IcmpType::DESTINATION_UNREACHABLE, 3) => "ICMP port unreachable",
            other => panic!("{other:?}"),
        });
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    texts[0].to_string()
}

fn datagrams(net: &Net, way: Way, field: Field, family: Family) -> String {
    let observer = Observer::new(&net.b, family);
    let mut conn = net.conn();
    let mut control = SendControl::new();
    let messages = Messages::<64>::new().with(DontFragmentMessage).unwrap();
    let mut payload = vec![7; 100];
    match (way, field) {
        (_, Field::Error) => return errors(net, way, family),
        (SocketOption, Class) => conn.set_traffic_class(0xb9).unwrap(),
        (SocketOption, HopLimit) => conn.set_hop_limit(9).unwrap(),
        (SocketOption, Source) => conn = net.conn_at(&format!("[{}]:0", family.other())),
        (SocketOption, Field::Interface) => {
            let eth1 = option::UnicastInterface(Some(net.interface("eth1")));
            conn.set_option(&option::UNICAST_INTERFACE, eth1).unwrap();
        }
        (SocketOption, DontFragment) => conn.set_dont_fragment(true).unwrap(),
        (_, Class) => control = control.with_traffic_class(0xb9),
        (_, HopLimit) => control = control.with_hop_limit(9),
        (_, Source) => control = control.with_source(family.other()),
        (_, Field::Interface) => control = control.with_interface(net.interface("eth1")),
        (_, DontFragment) => control = control.with_messages(&messages),
    }
    if field == DontFragment {
        payload.resize(2000, 7);
    }
    match send(net, way, &conn, &payload, &control, &observer) {
        Ok(seen) => all_alike(net, family, &seen, &payload),
        Err(error) if is_too_long(&error) => "too long".into(),
        Err(error) => format!("{:?}: {error}", error.kind()),
    }
}

/// A connection from `b` to a listener for both families on `a`: the accepted end, and the other.
fn connection(net: &Net, to: Ipv6Addr) -> (TcpStream, TcpStream) {
    let listener = net.a.run(|| TcpListener::bind("[::]:0")).unwrap();
    let to = SocketAddr::new(to.to_canonical(), listener.local_addr().unwrap().port());
    let client = net.b.run(|| TcpStream::connect(to)).unwrap();
    (listener.accept().unwrap().0, client)
}

fn accepted(net: &Net, field: Field, family: Family) -> String {
    let to = if field == Source { family.other() } else { family.a() };
    let (mut server, mut client) = connection(net, to);
    let conn = Conn::new(server.try_clone().unwrap()).unwrap();
    assert!(!conn.only_v6().unwrap());
    match field {
        Class => conn.set_traffic_class(0xb8).unwrap(),
        HopLimit => conn.set_hop_limit(9).unwrap(),
        Source => {}
        Field::Interface => {
            // The option of all families. The answers of the peer are lost: they arrive on the other link.
            let eth1 = net.interface("eth1");
            net.a.run(|| ipv6_sys::socket::set_device(&server, eth1)).unwrap();
        }
        DontFragment => {
            // The default of TCP over IPv4 is that packets have the bit.
            conn.set_path_mtu_discovery(PathMtuDiscovery::Off).unwrap();
            let packet = observed(net, &mut server, &mut client);
            assert_eq!(packet.dont_fragment, family == Ipv6);
            conn.set_dont_fragment(true).unwrap();
        }
        Field::Error => {
            // A connection that is closed while data is unread is reset.
            server.write_all(b"unread").unwrap();
            client.peek(&mut [0; 1]).unwrap();
            drop(client);
            return format!("{:?}", server.read(&mut [0; 8]).unwrap_err().kind());
        }
    }
    let packet = observed(net, &mut server, &mut client);
    let seen = Seen {
        payload: Vec::new(),
        class: packet.class,
        hop_limit: packet.hop_limit,
        source: packet.source,
        destination: packet.destination,
        interface: packet.interface,
    };
    if field == DontFragment {
        return if packet.dont_fragment { "DF" } else { "no DF" }.into();
    }
    differences(net, family, &seen)
}

/// The packet with which `b` receives a byte of a connection.
fn observed(net: &Net, server: &mut TcpStream, client: &mut TcpStream) -> Packet {
    const TCP: u8 = 6;
    let sniffer = Sniffer::new(&net.b);
    server.write_all(b"marked byte").unwrap();
    client.read_exact(&mut [0; 11]).unwrap();
    sniffer.packet(|packet| packet.protocol == TCP && packet.body.ends_with(b"marked byte"))
}

/// Fills the matrix: a row for each way and family, a column for each field.
fn matrix(fields: &[Field], cell: impl Fn(Way, Field, Family) -> String) -> String {
    let mut rows = String::new();
    for (way, family) in WAYS.into_iter().flat_map(|way| FAMILIES.map(|family| (way, family))) {
        let cells: Vec<String> = fields.iter().map(|field| cell(way, *field, family)).collect();
        writeln!(rows, "{way:?}, {family:?}: {}", cells.join(" | ")).unwrap();
    }
    rows
}

/// Class, hop limit, source, interface, don't-fragment, error.
///
/// A message that IPv4 does not have is an error (NO_DF). Two cells are what Linux does in both families or in IPv6 alone:
/// a connected IPv6 socket has a source, and then the interface decides only between routes of the same metric
/// (`ip6_route_output_flags_noref` in net/ipv6/route.c: `RT6_LOOKUP_F_IFACE`).
const SENT: &str = "\
Datagram, Ipv6: class 0xb9 | hop limit 9 | other source | by eth1 | too long | ICMPv6 port unreachable
Datagram, Mapped: class 0xb9 | hop limit 9 | other source | by eth1 | NO_DF | ICMP port unreachable
Batch, Ipv6: class 0xb9 | hop limit 9 | other source | by eth1 | too long | ICMPv6 port unreachable
Batch, Mapped: class 0xb9 | hop limit 9 | other source | by eth1 | NO_DF | ICMP port unreachable
CoalescedBatch, Ipv6: class 0xb9 | hop limit 9 | other source | by eth1 | too long | ICMPv6 port unreachable
CoalescedBatch, Mapped: class 0xb9 | hop limit 9 | other source | by eth1 | NO_DF | ICMP port unreachable
Connected, Ipv6: class 0xb9 | hop limit 9 | other source |  | too long | ICMPv6 port unreachable
Connected, Mapped: class 0xb9 | hop limit 9 | other source | by eth1 | NO_DF | ICMP port unreachable
SocketOption, Ipv6: class 0xb9 | hop limit 9 | other source | by eth1 | too long | ICMPv6 port unreachable
SocketOption, Mapped: class 0xb9 | hop limit 9 | other source | by eth1 | too long | ICMP port unreachable
AcceptedTcp, Ipv6: class 0xb8 | hop limit 9 | other source | by eth1 | DF | ConnectionReset
AcceptedTcp, Mapped: class 0xb8 | hop limit 9 | other source | by eth1 | DF | ConnectionReset
";

const NO_DF: &str = "Unsupported: writing control messages: IPV6_DONTFRAG cannot be sent to an IPv4-mapped destination: \
                     traffic class, hop limit, source and interface can, as fields of SendControl";

/// Class, hop limit, destination, interface. Only the field of the column is enabled.
const RECEIVED: &str = "\
Datagram, Ipv6: class 0xb9 | hop limit 9 | to the other address | on eth0
Datagram, Mapped: class 0xb9 | hop limit 9 | to the other address | on eth0
Batch, Ipv6: class 0xb9 | hop limit 9 | to the other address | on eth0
Batch, Mapped: class 0xb9 | hop limit 9 | to the other address | on eth0
CoalescedBatch, Ipv6: class 0xb9 | hop limit 9 | to the other address | on eth0
CoalescedBatch, Mapped: class 0xb9 | hop limit 9 | to the other address | on eth0
Connected, Ipv6: class 0xb9 | hop limit 9 | to the other address | on eth0
Connected, Mapped: class 0xb9 | hop limit 9 | to the other address | on eth0
SocketOption, Ipv6: class 0xb9 | hop limit 9 | to the other address | on eth0
SocketOption, Mapped: class 0xb9 | hop limit 9 | to the other address | on eth0
AcceptedTcp, Ipv6: class 0xb8 | hop limit 9 | to the other address | on eth0
AcceptedTcp, Mapped: class 0xb8 | hop limit 9 | to the other address | on eth0
";

fn what_is_sent() {
    let net = Net::new();
    let found = matrix(
        &[Class, HopLimit, Source, Field::Interface, DontFragment, Field::Error],
        |way, field, family| {
            let cell = match way {
                AcceptedTcp => accepted(&net, field, family),
                _ => datagrams(&net, way, field, family),
            };
            if cell == NO_DF { "NO_DF".into() } else { cell }
        },
    );
    assert!(found == SENT, "found:\n{found}expected:\n{SENT}");
}

/// A field of a received datagram that is enabled alone.
fn flag(field: Field) -> ControlFlags {
    match field {
        Class => ControlFlags::TRAFFIC_CLASS,
        HopLimit => ControlFlags::HOP_LIMIT,
        Source => ControlFlags::DESTINATION,
        _ => ControlFlags::INTERFACE,
    }
}

/// What was received, as text. The destination is the source of the reply.
fn text_of(net: &Net, family: Family, control: &RecvControl<'_>) -> String {
    let mut text = String::new();
    if let Some(class) = control.traffic_class {
        write!(text, "class {class:#x} ").unwrap();
    }
    if let Some(hop_limit) = control.hop_limit {
        write!(text, "hop limit {hop_limit} ").unwrap();
    }
    if let Some(destination) = control.destination {
        text += if destination == family.other() { "to the other address " } else { "to a wrong address " };
    }
    if let Some(interface) = control.interface {
        text += if interface == net.interface("eth0") { "on eth0 " } else { "on a wrong interface " };
    }
    text.trim().to_string()
}

fn received(net: &Net, way: Way, field: Field, family: Family) -> String {
    let observer = Observer::new(&net.b, family);
    let conn = match way {
        // The peer that it connects to decides the local address otherwise.
        Connected => net.conn_at(&format!("[{}]:0", family.other())),
        _ => net.conn(),
    };
    let peer = SocketAddrV6::new(family.b(), observer.port(), 0, 0);
    let to = SocketAddrV6::new(family.other(), port(&conn), 0, 0);
    let is_peer = |got: &Received| {
        assert_eq!(got.source, peer);
        assert_eq!(got.peer(), SocketAddr::new(family.b().to_canonical(), peer.port()));
        assert!(!got.control_truncated);
    };
    match way {
        SocketOption => {
            let options = match field {
                Class => &option::RECEIVE_TRAFFIC_CLASS,
                HopLimit => &option::RECEIVE_HOP_LIMIT,
                _ => &option::RECEIVE_PACKET_INFO,
            };
            conn.set_option(options, true).unwrap();
            observer.send(b"x", 0xb9, 9, None, to);
            let (mut payload, mut control) = ([0; 8], [0; 256]);
            let message = conn.recv_message(&mut payload, &mut control).unwrap();
            assert_eq!(message.peer(), SocketAddr::new(family.b().to_canonical(), peer.port()));
            let mut control = message.control().unwrap();
            // One message has both.
            match field {
                Source => control.interface = None,
                Field::Interface => control.destination = None,
                _ => {}
            }
            return text_of(net, family, &control);
        }
        Connected => conn.connect(peer).unwrap(),
        CoalescedBatch => conn.set_receive_coalescing(true).unwrap(),
        _ => {}
    }
    conn.set_control_flags(flag(field), true).unwrap();
    let (mut batch, mut payloads) = (RecvBatch::new(4), vec![[0; 4096]; 4]);
    match way {
        Batch => {
            for _ in 0..2 {
                observer.send(b"x", 0xb9, 9, None, to);
            }
        }
        CoalescedBatch => observer.send(&[7; 3000], 0xb9, 9, Some(1000), to),
        _ => observer.send(b"x", 0xb9, 9, None, to),
    }
    match way {
        Batch | CoalescedBatch => {
            let mut texts = Vec::new();
            while texts.len() < if way == Batch { 2 } else { 3 } {
                conn.recv_batch(&mut batch, &mut payloads).unwrap();
                for got in batch.iter() {
                    let got = got.unwrap();
                    is_peer(&got);
                    assert_eq!(got.len, if way == Batch { 1 } else { 1000 });
                    texts.push(text_of(net, family, &got.control));
                }
            }
            assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
            texts.remove(0)
        }
        _ => {
            let (_, got) = receive(&conn);
            is_peer(&got);
            text_of(net, family, &got.control)
        }
    }
}

/// The control messages of an accepted connection whose peer sends with traffic class 0xb8 and hop limit 9.
fn received_by_tcp(net: &Net, field: Field, family: Family) -> String {
    use socket2::{Domain, Socket, Type};
    let listener = net.a.run(|| TcpListener::bind("[::]:0")).unwrap();
    let conn = Conn::new(&listener).unwrap();
    conn.set_control_flags(flag(field), true).unwrap();
    let to = SocketAddr::new(family.other().to_canonical(), listener.local_addr().unwrap().port());
    let domain = if family == Ipv6 { Domain::IPV6 } else { Domain::IPV4 };
    let client = net.b.run(|| Socket::new(domain, Type::STREAM, None)).unwrap();
    match family {
        Ipv6 => {
            client.set_tclass_v6(0xb8).unwrap();
            client.set_unicast_hops_v6(9).unwrap();
        }
        Mapped => {
            client.set_tos_v4(0xb8).unwrap();
            client.set_ttl_v4(9).unwrap();
        }
    }
    client.connect(&to.into()).unwrap();
    let (mut accepted, _) = listener.accept().unwrap();
    (&client).write_all(b"x").unwrap();
    accepted.read_exact(&mut [0; 1]).unwrap();
    let conn = Conn::new(&accepted).unwrap();
    conn.set_control_flags(flag(field), true).unwrap();
    match conn.stream_control() {
        Ok(control) => text_of(net, family, &control.filter(flag(field))),
        Err(error) => format!("{:?}: {error}", error.kind()),
    }
}

// A cell of each kind for IPv4, with an observer that others wrote.
fn tshark_sees_the_fields_that_are_sent() {
    let net = Net::new();
    let capture = programs::Capture::start(&net.b, "eth0");
    let control = SendControl::new().with_traffic_class(0xb9).with_hop_limit(9).with_source(Mapped.other());
    let mut expected = Vec::new();
    for way in [Datagram, Batch, CoalescedBatch, Connected] {
        let observer = Observer::new(&net.b, Mapped);
        let count = send(&net, way, &net.conn(), b"x", &control, &observer).unwrap().len();
        // A run of three datagrams passes the link as one.
        let (count, bytes) = if way == CoalescedBatch { (count / 3, "11") } else { (count, "9") };
        for _ in 0..count {
            expected.push(["192.0.2.3", "0xb9", "9", "True", bytes].map(String::from));
        }
    }
    let observer = Observer::new(&net.b, Mapped);
    let conn = net.conn();
    conn.set_traffic_class(0x28).unwrap();
    conn.set_hop_limit(7).unwrap();
    for mode in [PathMtuDiscovery::Off, PathMtuDiscovery::Require] {
        conn.set_path_mtu_discovery(mode).unwrap();
        send(&net, SocketOption, &conn, b"x", &SendControl::new(), &observer).unwrap();
        let df = if mode == PathMtuDiscovery::Off { "False" } else { "True" };
        expected.push(["192.0.2.1", "0x28", "7", df, "9"].map(String::from));
    }
    let (mut server, mut client) = connection(&net, Mapped.a());
    let conn = Conn::new(server.try_clone().unwrap()).unwrap();
    conn.set_traffic_class(0x48).unwrap();
    conn.set_hop_limit(5).unwrap();
    server.write_all(b"marked byte").unwrap();
    client.read_exact(&mut [0; 11]).unwrap();
    let captured = capture.end();
    // tshark prints a flag as a word, or as 1 and 0 before version 4.
    let word = |field: String| match field.as_str() {
        "1" => "True".to_string(),
        "0" => "False".to_string(),
        _ => field,
    };
    let rows = |filter, length| -> Vec<[String; 5]> {
        let rows = captured.fields(filter, ["ip.src", "ip.dsfield", "ip.ttl", "ip.flags.df", length]);
        rows.into_iter()
            .map(|[source, class, ttl, df, length]| [source, class, ttl, word(df), length])
            .collect()
    };
    // Those of the batches to the other peers have no control messages.
    assert_eq!(rows("udp and ip.dst == 192.0.2.2 and ip.dsfield != 0", "udp.length"), expected);
    let segment = ["192.0.2.1", "0x48", "5", "True", "11"].map(String::from);
    assert_eq!(rows("tcp.len == 11", "tcp.len"), [segment]);
}

fn what_is_received() {
    let net = Net::new();
    let found = matrix(&[Class, HopLimit, Source, Field::Interface], |way, field, family| match way {
        AcceptedTcp => received_by_tcp(&net, field, family),
        _ => received(&net, way, field, family),
    });
    assert!(found == RECEIVED, "found:\n{found}expected:\n{RECEIVED}");
}

fn a_batch_mixes_families_and_coalesces_each() {
    let net = Net::new();
    let conn = net.conn();
    let observers = FAMILIES.map(|family| Observer::new(&net.b, family));
    // Two runs of each family, with a class for each run.
    let texts: Vec<Vec<u8>> = (0..12).map(|number| vec![number; 500]).collect();
    let messages: Vec<Outgoing<'_>> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| {
            let run = number / 3;
            let control = SendControl::new().with_traffic_class(u8::try_from(run).unwrap() * 4 + 4);
            Outgoing::new(text, control, Some(observers[run % 2].address()))
        })
        .collect();
    conn.send_batch_all(&mut SendBatch::new(12), &messages).unwrap();
    for (run, observer) in observers.iter().chain(&observers).enumerate() {
        for number in 0..3 {
            let seen = observer.seen();
            assert_eq!(seen.payload, texts[run * 3 + number]);
            assert_eq!(usize::from(seen.class), run * 4 + 4);
        }
    }
    assert_eq!(conn.coalescing_refused(), 0);
}

fn replies_leave_from_where_the_request_arrived() {
    let net = Net::new();
    let conn = net.conn();
    conn.set_control_flags(ControlFlags::DESTINATION | ControlFlags::INTERFACE, true).unwrap();
    for family in FAMILIES {
        let observer = Observer::new(&net.b, family);
        observer.send(b"request", 0, 64, None, SocketAddrV6::new(family.other(), port(&conn), 0, 0));
        let (_, got) = receive(&conn);
        conn.send_to(b"reply", &got.control.reply(), got.source).unwrap();
        assert_eq!(differences(&net, family, &observer.seen()), "other source", "{family:?}");
    }
}

fn replies_to_groups_are_sent_by_unicast() {
    let net = Net::new();
    let conn = net.conn();
    conn.set_control_flags(ControlFlags::DESTINATION | ControlFlags::INTERFACE, true).unwrap();
    for family in FAMILIES {
        conn.join_group(family.group(), net.interface("eth0")).unwrap();
        let observer = Observer::new(&net.b, family);
        net.b.ip("route replace 224.0.0.0/4 dev eth0").unwrap();
        let index = net.b.index("eth0").unwrap();
        let to = SocketAddrV6::new(family.group(), port(&conn), 0, if family == Ipv6 { index } else { 0 });
        observer.send(b"request", 0, 64, None, to);
        let (_, got) = receive(&conn);
        assert_eq!(got.control.destination, Some(family.group()));
        conn.send_to(b"reply", &got.control.reply(), got.source).unwrap();
        assert_eq!(differences(&net, family, &observer.seen()), "", "{family:?}");
    }
}

// Linux: with a source, the interface decides between routes of the same metric only, for IPv6 (net/ipv6/route.c:
// RT6_LOOKUP_F_IFACE is for packets without a source). The documentation of `SendControl::interface` says so.
fn linux_treats_an_interface_beside_a_source_as_a_preference() {
    let net = Net::new();
    let control =
        |family: Family| SendControl::new().with_source(family.other()).with_interface(net.interface("eth1"));
    for (family, expected) in [(Ipv6, "other source"), (Mapped, "other source by eth1")] {
        let (conn, observer) = (net.conn(), Observer::new(&net.b, family));
        conn.send_to(b"x", &control(family), observer.address()).unwrap();
        assert_eq!(differences(&net, family, &observer.seen()), expected, "{family:?}");
    }
}

fn a_peer_that_another_value_of_the_socket_connected_is_known() {
    let net = Net::new();
    let control = SendControl::new().with_traffic_class(0xb9).with_hop_limit(9);
    for family in FAMILIES {
        for is_batch in [false, true] {
            for is_clone in [false, true] {
                let (conn, observer) = (net.conn(), Observer::new(&net.b, family));
                // Not yet connected: sends with a destination work, others are errors of the system.
                conn.send_to(b"x", &control, observer.address()).unwrap();
                assert_eq!(differences(&net, family, &observer.seen()), "class 0xb9 hop limit 9");
                conn.send(b"x", &control).unwrap_err();
                let clone = conn.try_clone().unwrap();
                if is_clone {
                    clone.connect(observer.address()).unwrap();
                } else {
                    conn.get_ref().connect(SocketAddr::from(observer.address())).unwrap();
                }
                for _ in 0..2 {
                    if is_batch {
                        let message = [Outgoing::new(b"x", control, None)];
                        assert_eq!(conn.send_batch(&mut SendBatch::new(1), &message).unwrap(), 1);
                    } else {
                        conn.send(b"x", &control).unwrap();
                    }
                    let text = differences(&net, family, &observer.seen());
                    assert_eq!(text, "class 0xb9 hop limit 9", "{family:?} {is_batch} {is_clone}");
                }
            }
        }
    }
}
