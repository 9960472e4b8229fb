//! A socket for one peer beside a listener, and the two fields of the traffic class.

mod common;

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use common::*;
use ipv6_std::*;

ipv6_testnet::tests! {
    [Namespace] the_connected_socket_receives_its_peer_and_the_listener_all_others;
    [Namespace] the_connected_socket_keeps_its_header_fields;
    [Namespace] datagrams_of_others_during_the_opening_are_not_received;
    [Namespace] a_listener_without_address_reuse_is_an_error;
    [Namespace] unsuitable_peers_and_unbound_sockets_are_refused;
    [Namespace] setting_ecn_keeps_the_dscp;
}

fn listener() -> PacketConn {
    let conn = PacketConn::bind_reusable("[::1]:0".parse().unwrap()).unwrap();
    conn.set_deadline(soon());
    conn
}

fn send(from: &PacketConn, text: &[u8], to: &PacketConn) {
    from.send_to(text, &SendControl::new(), to.local_addr().unwrap()).unwrap();
}

fn the_connected_socket_receives_its_peer_and_the_listener_all_others() {
    let (listener, peer, other) = (listener(), loopback(), loopback());
    send(&peer, b"first", &listener);
    let (_, first) = receive(&listener);
    let conn = listener.connected().to(first.source).unwrap();
    conn.set_deadline(soon());
    assert_eq!(conn.local_addr().unwrap(), listener.local_addr().unwrap());
    for text in [b"second", b"third "] {
        send(&peer, text, &listener);
        send(&other, b"stranger", &listener);
        assert_eq!(receive(&conn).0, text);
        let (stranger, got) = receive(&listener);
        assert_eq!((&stranger[..], got.source), (&b"stranger"[..], other.local_addr().unwrap()));
    }
    // After it is closed, the listener receives from every peer again.
    close(conn);
    send(&peer, b"fourth", &listener);
    assert_eq!(receive(&listener).0, b"fourth");
}

fn the_connected_socket_keeps_its_header_fields() {
    let (listener, peer) = (listener(), loopback());
    listener.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    peer.set_control_flags(ControlFlags::all(), true).unwrap();
    let to = peer.local_addr().unwrap();
    let conn = listener.connected().traffic_class(0xb8).hop_limit(7).to(to).unwrap();
    assert_eq!(conn.control_flags(), ControlFlags::HOP_LIMIT);
    conn.send(b"x", &SendControl::new()).unwrap();
    let (_, got) = receive(&peer);
    assert_eq!((got.control.traffic_class, got.control.hop_limit), (Some(0xb8), Some(7)));
    assert_eq!(got.source, listener.local_addr().unwrap());
    assert_eq!(conn.multicast_hop_limit().unwrap(), 7);
    // The header fields of the listener are unchanged.
    listener.send_to(b"x", &SendControl::new(), to).unwrap();
    assert_eq!(receive(&peer).1.control.traffic_class, Some(0));

    let bare = listener.connected().control_flags(ControlFlags::empty()).to(to).unwrap();
    assert_eq!(bare.control_flags(), ControlFlags::empty());
}

/// A datagram of another peer that arrives during the opening goes to the listener or is dropped. One that another
/// processor is delivering at that moment may still reach the socket: rarely, and far more rarely than without the
/// filter.
fn datagrams_of_others_during_the_opening_are_not_received() {
    const TIMES: usize = 1000;
    let (listener, peer, other) = (listener(), loopback(), loopback());
    let to = peer.local_addr().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Relaxed) {
                send(&other, b"stranger", &listener);
            }
        });
        let came = (0..TIMES).filter(|_| {
            let conn = listener.connected().to(to).unwrap();
            conn.get_ref().set_nonblocking(true).unwrap();
            conn.recv_from(&mut [0; 16]).is_ok()
        });
        let came = came.count();
        done.store(true, Relaxed);
        assert!(came <= TIMES / 100, "{came} of {TIMES} sockets received a datagram of another peer");
    });
    assert_eq!(receive(&listener).0, b"stranger");
}

fn a_listener_without_address_reuse_is_an_error() {
    let listener = loopback();
    let error = listener.connected().to(loopback().local_addr().unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert_eq!(cause(&error), Some(EADDRINUSE));
    assert!(error.to_string().contains("bind_reusable"), "{error}");
}

fn unsuitable_peers_and_unbound_sockets_are_refused() {
    let listener = listener();
    refused(listener.connected().to("[::ffff:192.0.2.1]:9".parse().unwrap()), "IPv4-mapped");
    let unbound = PacketConn::new(unbound_socket()).unwrap();
    refused(unbound.connected().to(loopback().local_addr().unwrap()), "not bound");
    assert!(format!("{:?}", listener.connected().hop_limit(3)).contains("hop_limit: Some(3)"));
}

/// A UDP socket without a local address.
fn unbound_socket() -> std::os::fd::OwnedFd {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
    socket(AddressFamily::Inet6, SockType::Datagram, SockFlag::empty(), None).unwrap()
}

// Scar 32 (quinn#2763): an ECN message replaced the DSCP of the socket.
fn setting_ecn_keeps_the_dscp() {
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::TRAFFIC_CLASS, true).unwrap();
    let to = receiver.local_addr().unwrap();
    let arrives = |control: &SendControl<'_>| {
        sender.send_to(b"x", control, to).unwrap();
        let (_, got) = receive(&receiver);
        (got.control.dscp().unwrap(), got.control.ecn().unwrap())
    };
    sender.set_dscp(46).unwrap();
    assert_eq!(arrives(&SendControl::new()), (46, Ecn::NotEct));
    // For one datagram: with the DSCP of the socket, then with that of the message.
    let marked = sender.control_with_ecn(SendControl::new(), Ecn::Ect0).unwrap();
    assert_eq!(arrives(&marked), (46, Ecn::Ect0));
    let own = SendControl::new().with_traffic_class(0x28);
    assert_eq!(arrives(&sender.control_with_ecn(own, Ecn::Ce).unwrap()), (10, Ecn::Ce));
    assert_eq!(arrives(&SendControl::new()), (46, Ecn::NotEct));
    // For all datagrams.
    sender.set_ecn(Ecn::Ect1).unwrap();
    assert_eq!((sender.dscp().unwrap(), sender.ecn().unwrap()), (46, Ecn::Ect1));
    assert_eq!(arrives(&SendControl::new()), (46, Ecn::Ect1));
    sender.set_dscp(8).unwrap();
    assert_eq!(arrives(&SendControl::new()), (8, Ecn::Ect1));
    refused(sender.set_dscp(64), "64");
}
