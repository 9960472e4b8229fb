//! The options of the builder, each tested by its effect.

mod common;

use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddr, UdpSocket};

use common::*;
use ipv6_std::*;
use ipv6_testnet::Pair;
use rustix::thread::{CapabilitySet, CapabilitySets};

ipv6_testnet::tests! {
    [Namespace] a_socket_is_for_ipv6_only_by_default;
    [Namespace, Ipv4] only_v6_false_makes_a_dual_stack_socket;
    [Namespace] reusable_sockets_share_a_port;
    [Namespace] a_socket_bound_to_a_group_receives_only_that_group;
    [Namespace] a_device_limits_sending_and_receiving;
    [Namespace] a_missing_device_is_an_error;
    [Namespace] freebind_binds_to_a_foreign_address;
    [Namespace] transparent_binds_to_a_foreign_address;
    [Namespace] errors_name_the_missing_privilege;
    [Namespace] buffer_sizes_and_nonblocking_mode_are_set;
    [Namespace] binding_a_link_local_address_needs_an_interface;
    [Namespace] an_unbound_socket_gets_a_port_when_it_sends;
    [RawSocket] a_raw_socket_is_bound_to_an_address;
    [RawSocket] raw_sockets_accept_the_options_of_the_builder;
    [Namespace] invalid_raw_sockets_are_refused;
}

fn a_socket_is_for_ipv6_only_by_default() {
    assert!(PacketConn::builder().bind("[::]:0").unwrap().only_v6().unwrap());
    assert!(PacketConn::builder().only_v6(true).open().unwrap().only_v6().unwrap());
    refused(PacketConn::builder().bind("127.0.0.1:0"), "127.0.0.1:0");
    refused(PacketConn::builder().bind("127.0.0.1:0"), "only_v6(false)");
    refused(PacketConn::builder().bind("[::ffff:127.0.0.1]:0"), "::ffff:127.0.0.1");
    refused(PacketConn::builder().bind(&[] as &[SocketAddr]), "no IPv6 address");
}

fn only_v6_false_makes_a_dual_stack_socket() {
    let both = PacketConn::builder().only_v6(false);
    let conn = both.bind("[::]:0").unwrap();
    conn.set_deadline(soon());
    let port = port(&conn);
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"IPv4", ("127.0.0.1", port)).unwrap();
    let (payload, got) = receive(&conn);
    assert_eq!(
        (payload.as_slice(), got.source.ip().to_ipv4_mapped()),
        (&b"IPv4"[..], Some([127, 0, 0, 1].into()))
    );
    loopback().send_to(b"IPv6", &SendControl::new(), at(Ipv6Addr::LOCALHOST, port)).unwrap();
    assert_eq!(receive(&conn).0, b"IPv6");
    // An IPv4 address is bound as IPv4-mapped; IPv6 addresses are tried first.
    let mapped = both.bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(mapped.ip().to_ipv4_mapped(), Some([127, 0, 0, 1].into()));
    let addresses: [SocketAddr; 2] = ["127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()];
    assert_eq!(both.bind(&addresses[..]).unwrap().local_addr().unwrap().ip(), &Ipv6Addr::LOCALHOST);
}

fn reusable_sockets_share_a_port() {
    let shared = PacketConn::builder().reusable(true);
    let first = shared.bind("[::]:0").unwrap();
    let again = at(Ipv6Addr::UNSPECIFIED, port(&first));
    shared.bind(again).unwrap();
    assert_eq!(shared.reusable(false).bind(again).unwrap_err().kind(), ErrorKind::AddrInUse);
}

fn a_socket_bound_to_a_group_receives_only_that_group() {
    let Pair { a, b } = Pair::new().unwrap();
    let to = parse(&b, "ff02::114%eth0", 0);
    let conn = b.run(|| PacketConn::builder().reusable(true).bind(to)).unwrap();
    conn.set_deadline(soon());
    b.run(|| conn.join_group(*to.ip(), index(&b, "eth0"))).unwrap();
    let sender = on(&a);
    // Unicast to the port does not arrive.
    sender.send_to(b"no", &SendControl::new(), at(Pair::B, port(&conn))).unwrap();
    sender.send_to(b"yes", &SendControl::new(), parse(&a, "ff02::114%eth0", port(&conn))).unwrap();
    assert_eq!(receive(&conn).0, b"yes");
}

/// A scoped address of this host with a port.
fn parse(host: &ipv6_testnet::Host, text: &str, port: u16) -> std::net::SocketAddrV6 {
    let mut address = host.run(|| parse_scoped(text)).unwrap();
    address.set_port(port);
    address
}

fn a_device_limits_sending_and_receiving() {
    let Pair { a, b } = Pair::new().unwrap();
    let receiver = on(&b);
    a.run(|| {
        let by_eth0 = Interface::by_name("eth0").unwrap();
        let builder = PacketConn::builder();
        // By reference, by value, by index.
        for builder in [builder.device(&by_eth0), builder.device(by_eth0.index()), builder.device(by_eth0)] {
            let conn = builder.bind("[::]:0").unwrap();
            conn.set_deadline(soon());
            conn.send_to(b"out", &SendControl::new(), at(Pair::B, port(&receiver))).unwrap();
            assert_eq!(receive(&receiver).0, b"out");
            // A datagram on another interface does not arrive.
            loopback()
                .send_to(b"loopback", &SendControl::new(), at(Ipv6Addr::LOCALHOST, port(&conn)))
                .unwrap();
            receiver.send_to(b"in", &SendControl::new(), at(Pair::A, port(&conn))).unwrap();
            assert_eq!(receive(&conn).0, b"in");
        }
        let lo = PacketConn::builder().device(Interface::by_name("lo").unwrap()).bind("[::]:0").unwrap();
        let error = lo.send_to(b"x", &SendControl::new(), at(Pair::B, port(&receiver))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NetworkUnreachable, "{error}");
    });
}

fn a_missing_device_is_an_error() {
    let error = PacketConn::builder().device(InterfaceIndex::new(77).unwrap()).open().unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::NotFound, "no interface 77"));
}

const FOREIGN: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf, 0, 0, 0, 0, 1);

fn freebind_binds_to_a_foreign_address() {
    assert_eq!(errno(PacketConn::bind((FOREIGN, 0))), Some(EADDRNOTAVAIL));
    let Pair { a, b } = Pair::new().unwrap();
    let conn = b.run(|| PacketConn::builder().freebind(true).bind((FOREIGN, 0))).unwrap();
    conn.set_deadline(soon());
    assert_eq!(conn.local_addr().unwrap().ip(), &FOREIGN);
    // The socket receives once the host has the address.
    b.ip(&format!("addr add {FOREIGN}/128 dev eth0")).unwrap();
    a.ip(&format!("route add {FOREIGN} via {}", Pair::B)).unwrap();
    on(&a).send_to(b"late", &SendControl::new(), at(FOREIGN, port(&conn))).unwrap();
    assert_eq!(receive(&conn).0, b"late");
}

fn transparent_binds_to_a_foreign_address() {
    let Pair { a, b } = Pair::new().unwrap();
    let conn = b.run(|| PacketConn::builder().transparent(true).bind((FOREIGN, 0))).unwrap();
    conn.set_deadline(soon());
    // Datagrams to a foreign address arrive if a route marks that address as local.
    b.ip(&format!("-6 route add local {FOREIGN} dev lo")).unwrap();
    a.ip(&format!("route add {FOREIGN} via {}", Pair::B)).unwrap();
    let sender = on(&a);
    sender.send_to(b"there", &SendControl::new(), at(FOREIGN, port(&conn))).unwrap();
    let (payload, got) = receive(&conn);
    assert_eq!(payload, b"there");
    // The reply has the foreign source.
    conn.send_to(b"back", &SendControl::new(), got.source).unwrap();
    assert_eq!(receive(&sender).1.source.ip(), &FOREIGN);
}

/// Runs `work` on a thread without capabilities.
fn unprivileged(work: impl FnOnce() + Send) {
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    let unprivileged = || {
        rustix::thread::set_capabilities(None, none).unwrap();
        work();
    };
    std::thread::scope(|scope| scope.spawn(unprivileged).join()).unwrap();
}

fn errors_name_the_missing_privilege() {
    unprivileged(|| {
        for (result, says) in [
            (PacketConn::builder().transparent(true).open().map(drop), "CAP_NET_ADMIN or CAP_NET_RAW"),
            (RawConn::open(58).map(drop), "CAP_NET_RAW"),
            (RawConn::builder(89).bind("[::1]:0").map(drop), "CAP_NET_RAW"),
            (PacketConn::bind("[::1]:7").map(drop), "port 7 needs CAP_NET_BIND_SERVICE"),
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
            assert!(error.to_string().contains(says), "{error}: does not contain {says:?}");
            // The system's error is the source.
            let source = std::error::Error::source(error.get_ref().unwrap()).unwrap();
            assert!(source.downcast_ref::<std::io::Error>().unwrap().raw_os_error().is_some());
        }
        PacketConn::builder().freebind(true).bind((FOREIGN, 0)).unwrap();
    });
}

fn buffer_sizes_and_nonblocking_mode_are_set() {
    let builder = PacketConn::builder().receive_buffer(20_000).send_buffer(30_000).nonblocking(true);
    for conn in [builder.bind("[::1]:0").unwrap(), builder.open().unwrap()] {
        assert_eq!((conn.receive_buffer_size().unwrap(), conn.send_buffer_size().unwrap()), (40_000, 60_000));
        assert_eq!(conn.recv_from(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
}

fn binding_a_link_local_address_needs_an_interface() {
    let error = PacketConn::bind("[fe80::1]:0").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("fe80::1%eth0"), "{error}");
}

fn an_unbound_socket_gets_a_port_when_it_sends() {
    let conn = PacketConn::builder().open().unwrap();
    assert_eq!(conn.local_addr().unwrap().port(), 0);
    let peer = loopback();
    conn.send_to(b"x", &SendControl::new(), peer.local_addr().unwrap()).unwrap();
    assert_eq!(receive(&peer).1.source.port(), port(&conn));
}

fn a_raw_socket_is_bound_to_an_address() {
    let Pair { a, b } = Pair::new().unwrap();
    let other = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x22);
    b.add_address(other, "eth0").unwrap();
    let sender = a.run(|| RawConn::open(89)).unwrap();
    let open: [fn(Ipv6Addr) -> std::io::Result<RawConn>; 2] =
        [|to| RawConn::bind(89, (to, 0)), |to| RawConn::builder(89).bind((to, 0))];
    for open in open {
        let conn = b.run(|| open(other)).unwrap();
        conn.set_deadline(soon());
        assert_eq!(conn.local_addr().unwrap().ip(), &other);
        sender.send_to(b"elsewhere", &SendControl::new(), at(Pair::B, 0)).unwrap();
        sender.send_to(b"here", &SendControl::new(), at(other, 0)).unwrap();
        let (payload, got) = receive(&conn);
        assert_eq!(payload, b"here");
        // It also sends from the address.
        let replies = a.run(|| RawConn::open(89)).unwrap();
        replies.set_deadline(soon());
        conn.send_to(b"reply", &SendControl::new(), got.source).unwrap();
        assert_eq!(receive(&replies).1.source.ip(), &other);
    }
    assert_eq!(errno(b.run(|| RawConn::bind(89, (FOREIGN, 0)))), Some(EADDRNOTAVAIL));
    b.run(|| RawConn::builder(89).freebind(true).bind((FOREIGN, 0))).unwrap();
}

fn raw_sockets_accept_the_options_of_the_builder() {
    let lo = Interface::by_name("lo").unwrap();
    let conn = RawConn::builder(89).device(&lo).receive_buffer(20_000).nonblocking(true).open().unwrap();
    assert_eq!(conn.receive_buffer_size().unwrap(), 40_000);
    assert_eq!(conn.recv_from(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
    conn.send_to(b"x", &SendControl::new(), at(Ipv6Addr::LOCALHOST, 0)).unwrap();
    assert_eq!(delivered_to(|| conn.recv_from(&mut [0; 8])).unwrap().len, 1);
    refused(RawConn::builder(89).only_v6(false).open(), "only_v6(false)");
    refused(conn.set_only_v6(false), "IPV6_V6ONLY to false");
}

fn invalid_raw_sockets_are_refused() {
    refused(RawConn::builder(0).open(), "protocol 0");
    refused(RawConn::bind(0, "[::1]:0"), "protocol 0");
    refused(RawConn::builder(89).bind("127.0.0.1:0"), "127.0.0.1:0");
    refused(RawConn::builder(89).bind("[::ffff:127.0.0.1]:0"), "::ffff:127.0.0.1");
}
