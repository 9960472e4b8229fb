//! The methods of Go's `golang.org/x/net/ipv6`, under their names in this crate, on real sockets. Control messages,
//! groups and raw sockets have their own test programs.

mod common;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::thread;

use common::*;
use ipv6_std::*;
use ipv6_testnet::Pair;

ipv6_testnet::tests! {
    [Namespace] the_traffic_class_reads_back_as_set;
    [Namespace] the_hop_limit_reads_back_as_set;
    [Namespace] the_sockets_traffic_class_and_hop_limit_are_sent;
    [Namespace] the_path_mtu_requires_a_connected_socket;
    [Namespace] the_multicast_hop_limit_reads_back_as_set;
    [Namespace] the_multicast_interface_reads_back_as_set;
    [Namespace] multicast_loopback_reads_back_as_set;
    [Namespace] dont_fragment_reads_back_as_set;
    [Namespace] a_stream_reports_the_header_fields_that_it_received;
    [Namespace] accepted_streams_inherit_the_options_of_the_listener;
    [Namespace] every_control_message_arrives_with_its_datagram;
    [Namespace] a_connected_socket_sends_control_messages;
    [Namespace] payloads_may_consist_of_parts;
    [Namespace] dropping_a_socket_closes_it;
    [Namespace] into_inner_returns_the_socket;
    [Namespace] several_threads_may_use_one_socket;
    [Namespace] bind_reusable_shares_a_port;
    [Namespace, Ipv4] bound_sockets_leave_the_ipv4_port_free;
    [Namespace] bind_takes_the_first_ipv6_address_that_works;
    [Namespace] the_loopback_interface_is_found_by_name_index_and_list;
    [Namespace] an_interface_has_its_index_flags_and_addresses;
    [Namespace] a_bpf_program_filters_until_it_is_detached;
    [] types_are_send_and_sync;
    [] control_messages_have_a_text_and_a_size;
    [] icmpv6_types_have_a_name_and_a_protocol;
    [] a_header_decodes_to_what_was_encoded;
}

fn the_traffic_class_reads_back_as_set() {
    let conn = loopback();
    assert_eq!(conn.traffic_class().unwrap(), 0);
    for class in [0, 0x28, 0xe0, 0xff] {
        conn.set_traffic_class(class).unwrap();
        assert_eq!(conn.traffic_class().unwrap(), class);
    }
}

fn the_hop_limit_reads_back_as_set() {
    let conn = loopback();
    assert_eq!(conn.hop_limit().unwrap(), 64);
    for hops in [0, 1, 255] {
        conn.set_hop_limit(hops).unwrap();
        assert_eq!(conn.hop_limit().unwrap(), hops);
    }
}

fn the_sockets_traffic_class_and_hop_limit_are_sent() {
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::TRAFFIC_CLASS | ControlFlags::HOP_LIMIT, true).unwrap();
    sender.set_traffic_class(0xb8).unwrap();
    sender.set_hop_limit(7).unwrap();
    sender.send_to(b"x", &SendControl::new(), receiver.local_addr().unwrap()).unwrap();
    let (_, got) = receive(&receiver);
    assert_eq!((got.control.traffic_class, got.control.hop_limit), (Some(0xb8), Some(7)));
}

fn the_path_mtu_requires_a_connected_socket() {
    let conn = loopback();
    assert_eq!(errno(conn.path_mtu()), Some(ENOTCONN));
    conn.get_ref().connect(conn.local_addr().unwrap()).unwrap();
    assert_eq!(conn.path_mtu().unwrap(), 65536);
}

fn the_multicast_hop_limit_reads_back_as_set() {
    let conn = loopback();
    assert_eq!(conn.multicast_hop_limit().unwrap(), 1);
    for hops in [0, 32, 255] {
        conn.set_multicast_hop_limit(hops).unwrap();
        assert_eq!(conn.multicast_hop_limit().unwrap(), hops);
    }
}

fn the_multicast_interface_reads_back_as_set() {
    let conn = PacketConn::bind("[::]:0").unwrap();
    assert_eq!(conn.multicast_interface().unwrap(), None);
    let lo = Interface::by_name("lo").unwrap();
    // Each type that converts into an interface.
    conn.set_multicast_interface(&lo).unwrap();
    assert_eq!(conn.multicast_interface().unwrap(), Some(lo.index()));
    conn.set_multicast_interface(AnyInterface).unwrap();
    assert_eq!(conn.multicast_interface().unwrap(), None);
    conn.set_multicast_interface(lo.index()).unwrap();
    conn.set_multicast_interface(AnyInterface).unwrap();
    conn.set_multicast_interface(lo.clone()).unwrap();
    assert_eq!(conn.multicast_interface().unwrap(), Some(lo.index()));
}

fn multicast_loopback_reads_back_as_set() {
    let conn = loopback();
    assert!(conn.multicast_loopback().unwrap());
    conn.set_multicast_loopback(false).unwrap();
    assert!(!conn.multicast_loopback().unwrap());
    conn.set_multicast_loopback(true).unwrap();
    assert!(conn.multicast_loopback().unwrap());
}

fn dont_fragment_reads_back_as_set() {
    let conn = loopback();
    assert!(!conn.dont_fragment().unwrap());
    conn.set_dont_fragment(true).unwrap();
    assert!(conn.dont_fragment().unwrap());
}

fn a_stream_reports_the_header_fields_that_it_received() {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();

    let receiver = Conn::new(client.try_clone().unwrap()).unwrap();
    receiver.set_control_flags(ControlFlags::all() - ControlFlags::PATH_MTU, true).unwrap();
    let server = Conn::new(server).unwrap();
    server.set_traffic_class(0x28).unwrap();
    server.set_hop_limit(9).unwrap();
    assert_eq!((server.traffic_class().unwrap(), server.hop_limit().unwrap()), (0x28, 9));
    server.get_ref().write_all(b"marked").unwrap();
    assert_eq!(server.path_mtu().unwrap(), 65536);
    client.read_exact(&mut [0; 6]).unwrap();

    let control = receiver.stream_control().unwrap();
    assert_eq!((control.traffic_class, control.hop_limit), (Some(0x28), Some(9)));
    assert_eq!(control.destination, Some("::1".parse().unwrap()));
    // A disabled field is `None`, although the kernel sends it in the same message as an enabled one.
    receiver.set_control_flags(ControlFlags::DESTINATION, false).unwrap();
    let control = receiver.stream_control().unwrap();
    assert_eq!(control.destination, None);
    assert_eq!(control.interface, InterfaceIndex::new(1).ok());
}

fn accepted_streams_inherit_the_options_of_the_listener() {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let conn = Conn::new(&listener).unwrap();
    conn.set_traffic_class(0x20).unwrap();
    conn.set_hop_limit(3).unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let accepted = Conn::new(listener.accept().unwrap().0).unwrap();
    assert_eq!((accepted.traffic_class().unwrap(), accepted.hop_limit().unwrap()), (0x20, 3));
}

fn every_control_message_arrives_with_its_datagram() {
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

fn a_connected_socket_sends_control_messages() {
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    sender.get_ref().connect(receiver.local_addr().unwrap()).unwrap();
    sender.send(b"x", &SendControl::new().with_hop_limit(2)).unwrap();
    assert_eq!(receive(&receiver).1.control.hop_limit, Some(2));
}

fn payloads_may_consist_of_parts() {
    use std::io::{IoSlice, IoSliceMut};
    let (sender, receiver) = (loopback(), loopback());
    let parts = [IoSlice::new(b"HEL"), IoSlice::new(b""), IoSlice::new(b"LO")];
    let to = receiver.local_addr().unwrap();
    assert_eq!(sender.send_vectored(&parts, &SendControl::new(), to).unwrap(), 5);
    let (mut head, mut tail) = ([0; 2], [0; 8]);
    let got = receiver.recv_vectored(&mut [IoSliceMut::new(&mut head), IoSliceMut::new(&mut tail)]).unwrap();
    assert_eq!((got.len, &head, &tail[..3]), (5, b"HE", b"LLO".as_slice()));
}

fn dropping_a_socket_closes_it() {
    let conn = loopback();
    let address = conn.local_addr().unwrap();
    assert_eq!(errno(PacketConn::bind(address)), Some(EADDRINUSE));
    close(conn);
    PacketConn::bind(address).unwrap();
}

fn into_inner_returns_the_socket() {
    let socket = UdpSocket::bind("[::1]:0").unwrap();
    let address = socket.local_addr().unwrap();
    // First borrowed, then owned.
    PacketConn::new(&socket).unwrap().set_traffic_class(1).unwrap();
    let conn = PacketConn::new(socket).unwrap();
    assert_eq!(conn.traffic_class().unwrap(), 1);
    assert_eq!(conn.into_inner().local_addr().unwrap(), address);
}

fn several_threads_may_use_one_socket() {
    // Few enough for the receive buffer, so that none is dropped.
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
                    // Each payload arrives with its own control messages, in any thread.
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
    // After the last round, one flag is off, and the other and the option that they share are on.
    assert_eq!(peer.control_flags(), ControlFlags::TRAFFIC_CLASS | ControlFlags::INTERFACE);
}

fn bind_reusable_shares_a_port() {
    let first = PacketConn::bind_reusable("[ff02::]:0".parse().unwrap()).unwrap();
    let port = port(&first);
    assert!(first.local_addr().unwrap().ip().is_unspecified());
    PacketConn::bind_reusable(format!("[ff02::]:{port}").parse().unwrap()).unwrap();
    // A socket without address reuse finds the port taken.
    assert_eq!(errno(PacketConn::bind(("::", port))), Some(EADDRINUSE));
    // A unicast address is bound unchanged.
    let third = PacketConn::bind_reusable("[::1]:0".parse().unwrap()).unwrap();
    assert!(third.local_addr().unwrap().ip().is_loopback());
}

fn bound_sockets_leave_the_ipv4_port_free() {
    let (plain, reusable) = ("[::]:0", "[ff02::]:0");
    let conns =
        [PacketConn::bind(plain).unwrap(), PacketConn::bind_reusable(reusable.parse().unwrap()).unwrap()];
    for conn in conns {
        assert!(conn.only_v6().unwrap());
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port(&conn))).unwrap();
    }
    // A dual-stack socket occupies the port of both protocols.
    let both = PacketConn::new(UdpSocket::bind("[::]:0").unwrap()).unwrap();
    assert!(!both.only_v6().unwrap());
    let port = both.local_addr().unwrap().port();
    assert_eq!(errno(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))), Some(EADDRINUSE));
}

fn bind_takes_the_first_ipv6_address_that_works() {
    let conn = PacketConn::bind(("::1", 0)).unwrap();
    assert!(conn.only_v6().unwrap());
    // The first IPv6 address that can be bound.
    let several = ["127.0.0.1:0", "[2001:db8::77]:0", "[::1]:0"].map(|text| text.parse().unwrap());
    assert!(PacketConn::bind(&several[..]).unwrap().local_addr().unwrap().ip().is_loopback());
    assert_eq!(errno(PacketConn::bind(&several[..2])), Some(EADDRNOTAVAIL));
}

fn the_loopback_interface_is_found_by_name_index_and_list() {
    let all = Interface::all().unwrap();
    let lo = all.iter().find(|interface| interface.name() == "lo").unwrap();
    assert_eq!(lo.index(), InterfaceIndex::new(1).unwrap());
    assert!(lo.flags().contains(InterfaceFlags::UP | InterfaceFlags::LOOPBACK));
    assert_eq!(lo.addresses(), [InterfaceAddress::new("::1".parse().unwrap(), 128)]);
    assert_eq!(&Interface::by_index(lo.index()).unwrap(), lo);
    assert_eq!(&Interface::by_name("lo").unwrap(), lo);
}

fn an_interface_has_its_index_flags_and_addresses() {
    use InterfaceFlags as Flags;
    let Pair { a, b: _b } = Pair::new().unwrap();
    let find = |name| a.run(|| Interface::by_name(name)).unwrap();
    // The system has more flags, which have no name here.
    let named = |interface: &Interface| {
        let known = Flags::UP | Flags::BROADCAST | Flags::LOOPBACK | Flags::POINT_TO_POINT;
        interface.flags() & (known | Flags::RUNNING | Flags::MULTICAST)
    };
    let eth0 = find("eth0");
    assert_eq!(eth0.index(), index(&a, "eth0"));
    assert_eq!(named(&eth0), Flags::UP | Flags::BROADCAST | Flags::RUNNING | Flags::MULTICAST);
    let link_local = a.link_local("eth0").unwrap();
    let addresses = [Pair::A, link_local].map(|address| InterfaceAddress::new(address, 64));
    assert_eq!(eth0.addresses(), addresses);
    assert_eq!(named(&find("lo")), Flags::UP | Flags::LOOPBACK | Flags::RUNNING);
    a.ip("link set eth0 down").unwrap();
    assert_eq!(named(&find("eth0")), Flags::BROADCAST | Flags::MULTICAST);
    // An `Interface` is a snapshot: it does not change.
    assert!(eth0.flags().contains(Flags::UP));
}

fn a_bpf_program_filters_until_it_is_detached() {
    let (sender, receiver) = (loopback(), loopback());
    let to = receiver.local_addr().unwrap();
    // Load the byte after the UDP header of 8 bytes; accept the datagram if it is 'y'.
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

fn control_messages_have_a_text_and_a_size() {
    let control = SendControl::new().with_hop_limit(1).with_source("fe80::1".parse().unwrap());
    assert_eq!(control.to_string(), "hop limit 1, source fe80::1");
    assert_eq!(SendControl::new().to_string(), "no control messages");
    let mut bytes = [0; 128];
    assert_eq!(control.encode::<Host>(&mut bytes), Ok(control.space::<Host>()));
    assert!(ControlFlags::all().space::<Host>() > ControlFlags::HOP_LIMIT.space::<Host>());
    assert_eq!(ControlFlags::empty().space::<Host>(), 0);
}

fn icmpv6_types_have_a_name_and_a_protocol() {
    assert_eq!(Icmp6Type::ECHO_REPLY.to_string(), "echo reply");
    assert_eq!(Icmp6Type::ECHO_REPLY.protocol(), 58);
}

fn a_header_decodes_to_what_was_encoded() {
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
