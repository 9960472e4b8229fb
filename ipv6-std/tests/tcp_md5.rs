//! Signed TCP segments, between two hosts and with FRR's bgpd.

mod common;
mod programs;

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use common::*;
use ipv6_std::*;
use ipv6_testnet::{Host, Pair};
use programs::{Capture, Folder, frr_daemon, until};
use socket2::{Domain, Socket, Type};

ipv6_testnet::tests! {
    [Namespace] a_connection_needs_the_same_key_on_both_sides;
    [Namespace] a_key_of_a_prefix_is_that_of_its_peers;
    [Namespace] a_removed_key_is_no_longer_needed;
    [Namespace] keys_that_cannot_be_set_are_errors;
    [RawSocket, Program("dumpcap"), Program("tshark")] segments_have_the_option_of_rfc_2385;
    [RawSocket, Program("bgpd")] bgpd_of_frr_accepts_a_session_with_its_password;
}

fn key(peer: Ipv6Addr, key: &[u8]) -> TcpMd5Key<'_> {
    TcpMd5Key::new(peer, key).unwrap()
}

/// A listener on the second host, with this key.
fn listener(pair: &Pair, key: &TcpMd5Key<'_>) -> TcpListener {
    let listener = pair.b.run(|| TcpListener::bind("[::]:0")).unwrap();
    Conn::new(&listener).unwrap().set_tcp_md5_key(key).unwrap();
    listener
}

/// Connects from the first host, with this key; an error after a second.
fn connect(host: &Host, to: SocketAddr, key: Option<&TcpMd5Key<'_>>) -> std::io::Result<TcpStream> {
    let socket = host.run(|| Socket::new(Domain::IPV6, Type::STREAM, None)).unwrap();
    if let Some(key) = key {
        Conn::new(&socket).unwrap().set_tcp_md5_key(key).unwrap();
    }
    socket.connect_timeout(&to.into(), Duration::from_secs(1))?;
    Ok(socket.into())
}

fn address(listener: &TcpListener) -> SocketAddr {
    at(Pair::B, listener.local_addr().unwrap().port()).into()
}

/// Sends some bytes over a connection.
fn exchange(mut client: TcpStream, listener: &TcpListener) {
    let (mut server, _) = listener.accept().unwrap();
    client.write_all(b"signed").unwrap();
    let mut text = [0; 6];
    server.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"signed");
}

fn a_connection_needs_the_same_key_on_both_sides() {
    let pair = Pair::new().unwrap();
    let listener = listener(&pair, &key(Pair::A, b"secret"));
    let to = address(&listener);
    exchange(connect(&pair.a, to, Some(&key(Pair::B, b"secret"))).unwrap(), &listener);
    for wrong in [None, Some(key(Pair::B, b"other"))] {
        let refused = connect(&pair.a, to, wrong.as_ref()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TimedOut, "{wrong:?}");
    }
}

fn a_key_of_a_prefix_is_that_of_its_peers() {
    let pair = Pair::new().unwrap();
    let listener = listener(&pair, &key(Pair::A, b"secret").with_prefix(64));
    exchange(connect(&pair.a, address(&listener), Some(&key(Pair::B, b"secret"))).unwrap(), &listener);
    assert!(connect(&pair.a, address(&listener), None).is_err());
}

fn a_removed_key_is_no_longer_needed() {
    let pair = Pair::new().unwrap();
    let listener = listener(&pair, &key(Pair::A, b"secret"));
    let conn = Conn::new(&listener).unwrap();
    conn.set_tcp_md5_key(&TcpMd5Key::none(Pair::A)).unwrap();
    exchange(connect(&pair.a, address(&listener), None).unwrap(), &listener);
    let missing = conn.set_tcp_md5_key(&TcpMd5Key::none(Pair::A)).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

fn keys_that_cannot_be_set_are_errors() {
    assert_eq!(errno(loopback().set_tcp_md5_key(&key(Pair::A, b"x"))), Some(ENOPROTOOPT));
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let conn = Conn::new(&listener).unwrap();
    let too_long = key(Pair::A, b"x").with_prefix(129);
    assert_eq!(conn.set_tcp_md5_key(&too_long).unwrap_err().kind(), ErrorKind::InvalidInput);
}

fn segments_have_the_option_of_rfc_2385() {
    let pair = Pair::new().unwrap();
    let listener = listener(&pair, &key(Pair::A, b"secret"));
    let capture = Capture::start(&pair.b, "eth0");
    exchange(connect(&pair.a, address(&listener), Some(&key(Pair::B, b"secret"))).unwrap(), &listener);
    let kinds = capture.fields("tcp && tcp.len > 0", ["tcp.option_kind"]);
    assert!(
        !kinds.is_empty() && kinds.iter().all(|[kinds]| kinds.split(',').any(|kind| kind == "19")),
        "{kinds:?}"
    );
}

/// A BGP message of a type (RFC 4271 section 4.1).
fn bgp(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(19 + body.len()).unwrap();
    [&[0xff; 16][..], &len.to_be_bytes(), &[kind], body].concat()
}

fn bgpd_of_frr_accepts_a_session_with_its_password() {
    let pair = Pair::new().unwrap();
    let folder = Folder::new(&format!("bgpd-{}", pair.b.index("eth0").unwrap()));
    let config = format!(
        "router bgp 65001\n bgp router-id 10.0.0.2\n no bgp ebgp-requires-policy\n \
         neighbor {peer} remote-as 65002\n neighbor {peer} password secret\n neighbor {peer} passive\n!\n",
        peer = Pair::A
    );
    folder.write("bgpd.conf", &config);
    let _bgpd = frr_daemon(&pair.b, &folder, "bgpd");
    let to = at(Pair::B, 179).into();
    // Until bgpd listens and has the password, SYN segments are refused or dropped.
    let mut session = None;
    until("a session with bgpd", || {
        session = connect(&pair.a, to, Some(&key(Pair::B, b"secret"))).ok();
        session.is_some()
    });
    let mut session = session.unwrap();
    session.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // Version 4, AS 65002, hold time 180 s, identifier 10.0.0.1, no parameters.
    session.write_all(&bgp(1, &[4, 0xfd, 0xea, 0, 180, 10, 0, 0, 1, 0])).unwrap();
    let mut header = [0; 19];
    session.read_exact(&mut header).unwrap();
    // An OPEN message: bgpd knows us.
    assert_eq!((header[..16].to_vec(), header[18]), (vec![0xff; 16], 1));
    // Without the password there is no session.
    assert!(connect(&pair.a, to, None).is_err());
}
