//! Every method of Go's `golang.org/x/net/ipv6`, under its name here, on real sockets. Control messages,
//! groups and raw sockets have test programs of their own.

mod common;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::thread;

use common::*;
use ipv6_std::*;
use ipv6_testnet::Pair;

ipv6_testnet::tests! {
    [Namespace] traffic_class;
    [Namespace] hop_limit;
    [Namespace] traffic_class_and_hop_limit_arrive_from_the_sockets_options;
    [Namespace] path_mtu;
    [Namespace] multicast_hop_limit;
    [Namespace] multicast_interface;
    [Namespace] multicast_loopback;
    [Namespace] dont_fragment;
    [Namespace] tcp_through_conn;
    [Namespace] a_listener_hands_on_its_options;
    [Namespace] write_to_and_read_from;
    [Namespace] connected_send;
    [Namespace] vectored;
    [Namespace] closing_is_dropping;
    [Namespace] into_inner_gives_the_socket_back;
    [Namespace] one_socket_many_threads;
    [Namespace] bind_reusable_shares_a_port;
    [Namespace, Ipv4] what_is_bound_leaves_ipv4_alone;
    [Namespace] bind_resolves_names;
    [Namespace] interfaces;
    [Namespace] an_interface_as_it_is;
    [Namespace] set_bpf_and_detach;
    [] types_are_send_and_sync;
    [] control_message_to_string_and_sizes;
    [] icmp_type_names_and_protocol;
    [] parse_header;
}

fn traffic_class() {
    let conn = loopback();
    assert_eq!(conn.traffic_class().unwrap(), 0);
    for class in [0, 0x28, 0xe0, 0xff] {
        conn.set_traffic_class(class).unwrap();
        assert_eq!(conn.traffic_class().unwrap(), class);
    }
}

fn hop_limit() {
    let conn = loopback();
    assert_eq!(conn.hop_limit().unwrap(), 64);
    for hops in [0, 1, 255] {
        conn.set_hop_limit(hops).unwrap();
        assert_eq!(conn.hop_limit().unwrap(), hops);
    }
}

fn traffic_class_and_hop_limit_arrive_from_the_sockets_options() {
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::TRAFFIC_CLASS | ControlFlags::HOP_LIMIT, true).unwrap();
    sender.set_traffic_class(0xb8).unwrap();
    sender.set_hop_limit(7).unwrap();
    sender.send_to(b"x", &SendControl::new(), receiver.local_addr().unwrap()).unwrap();
    let (_, got) = receive(&receiver);
    assert_eq!((got.control.traffic_class, got.control.hop_limit), (Some(0xb8), Some(7)));
}

fn path_mtu() {
    let conn = loopback();
    assert_eq!(errno(conn.path_mtu()), Some(ENOTCONN));
    conn.get_ref().connect(conn.local_addr().unwrap()).unwrap();
    assert_eq!(conn.path_mtu().unwrap(), 65536);
}

fn multicast_hop_limit() {
    let conn = loopback();
    assert_eq!(conn.multicast_hop_limit().unwrap(), 1);
    for hops in [0, 32, 255] {
        conn.set_multicast_hop_limit(hops).unwrap();
        assert_eq!(conn.multicast_hop_limit().unwrap(), hops);
    }
}

fn multicast_interface() {
    let conn = PacketConn::bind("[::]:0").unwrap();
    assert_eq!(conn.multicast_interface().unwrap(), None);
    let lo = Interface::by_name("lo").unwrap();
    // Each way in which an interface can be named.
    conn.set_multicast_interface(&lo).unwrap();
    assert_eq!(conn.multicast_interface().unwrap(), Some(lo.index()));
    conn.set_multicast_interface(AnyInterface).unwrap();
    assert_eq!(conn.multicast_interface().unwrap(), None);
    conn.set_multicast_interface(lo.index()).unwrap();
    conn.set_multicast_interface(AnyInterface).unwrap();
    conn.set_multicast_interface(lo.clone()).unwrap();
    assert_eq!(conn.multicast_interface().unwrap(), Some(lo.index()));
}

fn multicast_loopback() {
    let conn = loopback();
    assert!(conn.multicast_loopback().unwrap());
    conn.set_multicast_loopback(false).unwrap();
    assert!(!conn.multicast_loopback().unwrap());
    conn.set_multicast_loopback(true).unwrap();
    assert!(conn.multicast_loopback().unwrap());
}

fn dont_fragment() {
    let conn = loopback();
    assert!(!conn.dont_fragment().unwrap());
    conn.set_dont_fragment(true).unwrap();
    assert!(conn.dont_fragment().unwrap());
}

fn tcp_through_conn() {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();

    let told = Conn::new(client.try_clone().unwrap()).unwrap();
    told.set_control_flags(ControlFlags::all() - ControlFlags::PATH_MTU, true).unwrap();
    let server = Conn::new(server).unwrap();
    server.set_traffic_class(0x28).unwrap();
    server.set_hop_limit(9).unwrap();
    assert_eq!((server.traffic_class().unwrap(), server.hop_limit().unwrap()), (0x28, 9));
    server.get_ref().write_all(b"marked").unwrap();
    assert_eq!(server.path_mtu().unwrap(), 65536);
    client.read_exact(&mut [0; 6]).unwrap();

    let control = told.stream_control().unwrap();
    assert_eq!((control.traffic_class, control.hop_limit), (Some(0x28), Some(9)));
    assert_eq!(control.destination, Some("::1".parse().unwrap()));
    // What is not asked for is not there, although it comes in the message of its sibling.
    told.set_control_flags(ControlFlags::DESTINATION, false).unwrap();
    let control = told.stream_control().unwrap();
    assert_eq!(control.destination, None);
    assert_eq!(control.interface, InterfaceIndex::new(1).ok());
}

fn a_listener_hands_on_its_options() {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let conn = Conn::new(&listener).unwrap();
    conn.set_traffic_class(0x20).unwrap();
    conn.set_hop_limit(3).unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let accepted = Conn::new(listener.accept().unwrap().0).unwrap();
    assert_eq!((accepted.traffic_class().unwrap(), accepted.hop_limit().unwrap()), (0x20, 3));
}

fn write_to_and_read_from() {
    let (sender, receiver) = (loopback(), loopback());
    assert_eq!(receiver.control_flags(), ControlFlags::empty());
    receiver.set_control_flags(ControlFlags::all(), true).unwrap();
    assert_eq!(receiver.control_flags(), ControlFlags::all());
    let control = SendControl::new()
        .with_traffic_class(0x45)
        .with_hop_limit(33)
        .with_source("::1".parse().unwrap())
        .with_interface(InterfaceIndex::new(1).unwrap());
    assert_eq!(sender.send_to(b"HELLO", &control, receiver.local_addr().unwrap()).unwrap(), 5);
    let (payload, got) = receive(&receiver);
    assert_eq!(payload, b"HELLO");
    assert_eq!(got.source, sender.local_addr().unwrap());
    assert!(!got.truncated && !got.control_truncated);
    assert_eq!(got.control.traffic_class, Some(0x45));
    assert_eq!((got.control.dscp(), got.control.ecn()), (Some(17), Some(Ecn::Ect1)));
    assert_eq!(got.control.hop_limit, Some(33));
    assert_eq!(got.control.destination, Some("::1".parse().unwrap()));
    assert_eq!(got.control.interface, InterfaceIndex::new(1).ok());
    assert_eq!(got.control.path_mtu, None);
}

fn connected_send() {
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    sender.get_ref().connect(receiver.local_addr().unwrap()).unwrap();
    sender.send(b"x", &SendControl::new().with_hop_limit(2)).unwrap();
    assert_eq!(receive(&receiver).1.control.hop_limit, Some(2));
}

fn vectored() {
    use std::io::{IoSlice, IoSliceMut};
    let (sender, receiver) = (loopback(), loopback());
    let parts = [IoSlice::new(b"HEL"), IoSlice::new(b""), IoSlice::new(b"LO")];
    let to = receiver.local_addr().unwrap();
    assert_eq!(sender.send_vectored(&parts, &SendControl::new(), to).unwrap(), 5);
    let (mut head, mut tail) = ([0; 2], [0; 8]);
    let got = receiver.recv_vectored(&mut [IoSliceMut::new(&mut head), IoSliceMut::new(&mut tail)]).unwrap();
    assert_eq!((got.len, &head, &tail[..3]), (5, b"HE", b"LLO".as_slice()));
}

fn closing_is_dropping() {
    let conn = loopback();
    let address = conn.local_addr().unwrap();
    assert_eq!(errno(PacketConn::bind(address)), Some(EADDRINUSE));
    close(conn);
    PacketConn::bind(address).unwrap();
}

fn into_inner_gives_the_socket_back() {
    let socket = UdpSocket::bind("[::1]:0").unwrap();
    let address = socket.local_addr().unwrap();
    // Borrowed, then owned.
    PacketConn::new(&socket).unwrap().set_traffic_class(1).unwrap();
    let conn = PacketConn::new(socket).unwrap();
    assert_eq!(conn.traffic_class().unwrap(), 1);
    assert_eq!(conn.into_inner().local_addr().unwrap(), address);
}

fn one_socket_many_threads() {
    // All of them fit into the socket's buffer, so that none is dropped.
    const SENDERS: u8 = 4;
    const EACH: usize = 50;
    let (conn, peer) = (loopback(), loopback());
    let to = peer.local_addr().unwrap();
    peer.set_control_flags(ControlFlags::TRAFFIC_CLASS, true).unwrap();
    thread::scope(|scope| {
        for class in 0..SENDERS {
            let conn = &conn;
            scope.spawn(move || {
                for _ in 0..EACH {
                    conn.send_to(&[class], &SendControl::new().with_traffic_class(class), to).unwrap();
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..usize::from(SENDERS) * EACH / 2 {
                    let (payload, got) = receive(&peer);
                    // The control belongs to the payload, whichever thread received it.
                    assert_eq!(payload, [got.control.traffic_class.unwrap()]);
                    assert!(!got.control_truncated);
                }
            });
        }
        scope.spawn(|| {
            for on in [true, false].into_iter().cycle().take(100) {
                peer.set_control_flags(ControlFlags::DESTINATION, on).unwrap();
                peer.set_control_flags(ControlFlags::INTERFACE, !on).unwrap();
            }
        });
    });
    // The last round left the one off and the other on, and with it the option that they share.
    assert_eq!(peer.control_flags(), ControlFlags::TRAFFIC_CLASS | ControlFlags::INTERFACE);
}

fn bind_reusable_shares_a_port() {
    let first = PacketConn::bind_reusable("[ff02::]:0".parse().unwrap()).unwrap();
    let port = port(&first);
    assert!(first.local_addr().unwrap().ip().is_unspecified());
    PacketConn::bind_reusable(format!("[ff02::]:{port}").parse().unwrap()).unwrap();
    // One that does not share finds the port taken.
    assert_eq!(errno(PacketConn::bind(("::", port))), Some(EADDRINUSE));
    // An address that is not multicast is bound as it is.
    let third = PacketConn::bind_reusable("[::1]:0".parse().unwrap()).unwrap();
    assert!(third.local_addr().unwrap().ip().is_loopback());
}

fn what_is_bound_leaves_ipv4_alone() {
    let (plain, reusable) = ("[::]:0", "[ff02::]:0");
    let conns =
        [PacketConn::bind(plain).unwrap(), PacketConn::bind_reusable(reusable.parse().unwrap()).unwrap()];
    for conn in conns {
        assert!(conn.only_v6().unwrap());
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port(&conn))).unwrap();
    }
    // One that carries both takes the port of both.
    let both = PacketConn::new(UdpSocket::bind("[::]:0").unwrap()).unwrap();
    assert!(!both.only_v6().unwrap());
    let port = both.local_addr().unwrap().port();
    assert_eq!(errno(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))), Some(EADDRINUSE));
}

fn bind_resolves_names() {
    let conn = PacketConn::bind(("::1", 0)).unwrap();
    assert!(conn.only_v6().unwrap());
    // The first that can be bound, of those that are IPv6.
    let several = ["127.0.0.1:0", "[2001:db8::77]:0", "[::1]:0"].map(|text| text.parse().unwrap());
    assert!(PacketConn::bind(&several[..]).unwrap().local_addr().unwrap().ip().is_loopback());
    assert_eq!(errno(PacketConn::bind(&several[..2])), Some(EADDRNOTAVAIL));
}

fn interfaces() {
    let all = Interface::all().unwrap();
    let lo = all.iter().find(|interface| interface.name() == "lo").unwrap();
    assert_eq!(lo.index(), InterfaceIndex::new(1).unwrap());
    assert!(lo.flags().contains(InterfaceFlags::UP | InterfaceFlags::LOOPBACK));
    assert_eq!(lo.addresses(), [InterfaceAddress { address: "::1".parse().unwrap(), prefix_len: 128 }]);
    assert_eq!(&Interface::by_index(lo.index()).unwrap(), lo);
    assert_eq!(&Interface::by_name("lo").unwrap(), lo);
}

fn an_interface_as_it_is() {
    use InterfaceFlags as Flags;
    let Pair { a, b: _b } = Pair::new().unwrap();
    let find = |name| a.run(|| Interface::by_name(name)).unwrap();
    // The system has more, without a name here.
    let named = |interface: &Interface| {
        let known = Flags::UP | Flags::BROADCAST | Flags::LOOPBACK | Flags::POINT_TO_POINT;
        interface.flags() & (known | Flags::RUNNING | Flags::MULTICAST)
    };
    let eth0 = find("eth0");
    assert_eq!(eth0.index(), index(&a, "eth0"));
    assert_eq!(named(&eth0), Flags::UP | Flags::BROADCAST | Flags::RUNNING | Flags::MULTICAST);
    let link_local = a.link_local("eth0").unwrap();
    let addresses = [Pair::A, link_local].map(|address| InterfaceAddress { address, prefix_len: 64 });
    assert_eq!(eth0.addresses(), addresses);
    assert_eq!(named(&find("lo")), Flags::UP | Flags::LOOPBACK | Flags::RUNNING);
    a.ip("link set eth0 down").unwrap();
    assert_eq!(named(&find("eth0")), Flags::BROADCAST | Flags::MULTICAST);
    // It is what it was when it was looked up.
    assert!(eth0.flags().contains(Flags::UP));
}

fn set_bpf_and_detach() {
    let (sender, receiver) = (loopback(), loopback());
    let to = receiver.local_addr().unwrap();
    // Load the byte behind the 8 of the UDP header; accept if it is 'y'.
    let only_y = [
        BpfInstruction::new(0x30, 0, 0, 8),
        BpfInstruction::new(0x15, 0, 1, u32::from(b'y')),
        BpfInstruction::new(0x06, 0, 0, 0xffff),
        BpfInstruction::new(0x06, 0, 0, 0),
    ];
    receiver.set_bpf(&only_y).unwrap();
    for text in [b"x", b"y"] {
        sender.send_to(text, &SendControl::new(), to).unwrap();
    }
    assert_eq!(receive(&receiver).0, b"y");
    receiver.detach_bpf().unwrap();
    sender.send_to(b"x", &SendControl::new(), to).unwrap();
    assert_eq!(receive(&receiver).0, b"x");
    assert_eq!(receiver.detach_bpf().unwrap_err().kind(), std::io::ErrorKind::NotFound);
}

fn types_are_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<Conn<TcpStream>>();
    check::<PacketConn>();
    check::<RawConn>();
    check::<RecvBatch>();
    check::<SendBatch>();
    check::<Interface>();
}

fn control_message_to_string_and_sizes() {
    let control = SendControl::new().with_hop_limit(1).with_source("fe80::1".parse().unwrap());
    assert_eq!(control.to_string(), "hop limit 1, source fe80::1");
    assert_eq!(SendControl::new().to_string(), "no control messages");
    let mut bytes = [0; 128];
    assert_eq!(control.encode::<Host>(&mut bytes), Ok(control.space::<Host>()));
    assert!(ControlFlags::all().space::<Host>() > ControlFlags::HOP_LIMIT.space::<Host>());
    assert_eq!(ControlFlags::empty().space::<Host>(), 0);
}

fn icmp_type_names_and_protocol() {
    assert_eq!(Icmp6Type::ECHO_REPLY.to_string(), "echo reply");
    assert_eq!(Icmp6Type::ECHO_REPLY.protocol(), 58);
}

fn parse_header() {
    let header = Header {
        traffic_class: 0x28,
        flow_label: FlowLabel::new(0xbeef).unwrap(),
        payload_len: 0,
        next_header: 59,
        hop_limit: 1,
        source: "fe80::1".parse().unwrap(),
        destination: "ff02::1".parse().unwrap(),
    };
    assert_eq!(Header::parse(&header.encode()), Ok((header, [].as_slice())));
}
