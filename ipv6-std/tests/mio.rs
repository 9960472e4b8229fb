//! Connections as event sources of mio.

mod common;

use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use ::mio::{Events, Interest, Poll, Token};
use common::{at, loopback, nobody};
use ipv6_std::{Conn, ControlFlags, Icmp6Type, PacketConn, RawConn, SendControl};

ipv6_testnet::tests! {
    [Namespace] datagrams_are_events;
    [Namespace] errors_are_events;
    [Namespace] a_registration_makes_the_socket_non_blocking;
    [Namespace] a_registration_that_fails_leaves_the_socket_as_it_was;
    [Namespace] a_registration_changes_and_ends;
    [Namespace] sockets_of_mio_work_too;
    [RawSocket] raw_sockets_are_sources;
    [Namespace] streams_are_sources;
}

/// Waits for the next events; `false`: none within the time.
fn next(poll: &mut Poll, events: &mut Events) -> bool {
    poll.poll(events, Some(Duration::from_secs(60))).unwrap();
    !events.is_empty()
}

fn quiet(poll: &mut Poll, events: &mut Events) -> bool {
    poll.poll(events, Some(Duration::from_millis(50))).unwrap();
    events.is_empty()
}

fn datagrams_are_events() {
    let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(8));
    let mut conn = PacketConn::bind("[::1]:0").unwrap();
    conn.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    poll.registry().register(&mut conn, Token(7), Interest::READABLE).unwrap();
    for _ in 0..3 {
        assert!(quiet(&mut poll, &mut events));
        loopback().send_to(b"x", &SendControl::new().with_hop_limit(9), conn.local_addr().unwrap()).unwrap();
        assert!(next(&mut poll, &mut events));
        let event = events.iter().next().unwrap();
        assert!(event.token() == Token(7) && event.is_readable());
        assert_eq!(conn.try_recv_from(&mut [0; 8]).unwrap().control.hop_limit, Some(9));
    }
}

fn errors_are_events() {
    let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(8));
    let mut conn = PacketConn::bind("[::1]:0").unwrap();
    conn.set_queue_errors(true).unwrap();
    poll.registry().register(&mut conn, Token(7), Interest::READABLE).unwrap();
    let nobody = nobody();
    conn.try_send_to(b"x", &SendControl::new(), nobody).unwrap();
    assert!(next(&mut poll, &mut events));
    assert!(events.iter().next().unwrap().is_error());
    conn.try_recv_from(&mut [0; 8]).unwrap_err();
    assert!(conn.try_recv_error(&mut [0; 8]).unwrap().unwrap().is_error());
    assert_eq!(conn.try_recv_error(&mut [0; 8]).unwrap(), None);
    assert!(quiet(&mut poll, &mut events));
}

fn a_registration_makes_the_socket_non_blocking() {
    let poll = Poll::new().unwrap();
    let mut conn = PacketConn::bind("[::1]:0").unwrap();
    poll.registry().register(&mut conn, Token(7), Interest::READABLE).unwrap();
    assert!(ipv6_sys::socket::is_nonblocking(&conn).unwrap());
    assert_eq!(conn.recv_from(&mut [0; 8]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

fn a_registration_that_fails_leaves_the_socket_as_it_was() {
    let poll = Poll::new().unwrap();
    let mut conn = PacketConn::bind("[::1]:0").unwrap();
    poll.registry().register(&mut conn, Token(7), Interest::READABLE).unwrap();
    conn.set_nonblocking(false).unwrap();
    let error = poll.registry().register(&mut conn, Token(8), Interest::READABLE).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert!(!ipv6_sys::socket::is_nonblocking(&conn).unwrap());
}

fn a_registration_changes_and_ends() {
    let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(8));
    let mut conn = PacketConn::bind("[::1]:0").unwrap();
    poll.registry().register(&mut conn, Token(7), Interest::READABLE).unwrap();
    assert!(quiet(&mut poll, &mut events));
    poll.registry().reregister(&mut conn, Token(8), Interest::WRITABLE).unwrap();
    assert!(next(&mut poll, &mut events));
    let event = events.iter().next().unwrap();
    assert!(event.token() == Token(8) && event.is_writable());
    poll.registry().deregister(&mut conn).unwrap();
    loopback().send_to(b"x", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
    assert!(quiet(&mut poll, &mut events));
}

fn sockets_of_mio_work_too() {
    let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(8));
    let blocking = loopback();
    blocking.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    for mut conn in [ipv6_std::mio::bind("[::1]:0").unwrap(), ipv6_std::mio::from_std(blocking).unwrap()] {
        assert!(ipv6_sys::socket::is_nonblocking(&conn).unwrap());
        poll.registry().register(&mut conn, Token(7), Interest::READABLE).unwrap();
        conn.try_send_to(b"x", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
        assert!(next(&mut poll, &mut events));
        let got = conn.try_recv_from(&mut [0; 8]).unwrap();
        let flags = conn.control_flags();
        assert_eq!(got.control.hop_limit.is_some(), flags.contains(ControlFlags::HOP_LIMIT));
    }
}

fn raw_sockets_are_sources() {
    let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(8));
    let mut conn: RawConn<OwnedFd> = RawConn::open(Icmp6Type::PROTOCOL).unwrap();
    poll.registry().register(&mut conn, Token(7), Interest::READABLE).unwrap();
    let request = [128, 0, 0, 0, 0, 7, 0, 1];
    conn.try_send_to(&request, &SendControl::new(), at("::1".parse().unwrap(), 0)).unwrap();
    assert!(next(&mut poll, &mut events));
    assert_eq!(conn.try_recv_from(&mut [0; 64]).unwrap().len, 8);
}

fn streams_are_sources() {
    let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(8));
    let mut listener = Conn::new(TcpListener::bind("[::1]:0").unwrap()).unwrap();
    poll.registry().register(&mut listener, Token(7), Interest::READABLE).unwrap();
    assert!(quiet(&mut poll, &mut events));
    let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    assert!(next(&mut poll, &mut events));
    listener.get_ref().accept().unwrap();
}
