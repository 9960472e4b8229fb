//! TCP-AO. Most kernels are built without it (`CONFIG_TCP_AO`), Debian's among them: there, only the first two tests show
//! something.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use common::*;
use ipv6_std::*;
use ipv6_testnet::Pair;
use socket2::{Domain, Socket, Type};

ipv6_testnet::tests! {
    [] a_kernel_without_it_is_unsupported_and_the_error_names_its_setting;
    [] another_socket_than_one_of_tcp_has_no_such_option;
    [Namespace] a_connection_needs_the_same_key_on_both_sides;
    [Namespace] keys_are_changed_and_deleted;
}

fn key(peer: Ipv6Addr, send_id: u8, receive_id: u8, key: &[u8]) -> TcpAoKey<'_> {
    TcpAoKey::new(TcpAoId::new(peer, send_id, receive_id), TcpAoAlgorithm::HmacSha1, key).unwrap()
}

/// Whether the kernel has TCP-AO: its answer to a key.
fn has_tcp_ao() -> bool {
    let listener = TcpListener::bind("[::]:0").unwrap();
    match Conn::new(&listener).unwrap().add_tcp_ao_key(&key(Ipv6Addr::LOCALHOST, 1, 2, b"secret")) {
        Err(error) if error.kind() == ErrorKind::Unsupported => false,
        answer => {
            answer.unwrap();
            true
        }
    }
}

fn a_kernel_without_it_is_unsupported_and_the_error_names_its_setting() {
    if has_tcp_ao() {
        return;
    }
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let conn = Conn::new(&listener).unwrap();
    let key = key(Ipv6Addr::LOCALHOST, 1, 2, b"secret");
    for (answer, name) in [
        (conn.add_tcp_ao_key(&key), "TCP_AO_ADD_KEY"),
        (conn.delete_tcp_ao_key(&key.id()), "TCP_AO_DEL_KEY"),
        (conn.use_tcp_ao_keys(Some(1), None), "TCP_AO_INFO"),
        (conn.set_tcp_ao_info(&TcpAoInfo::default()), "TCP_AO_INFO"),
        (conn.tcp_ao_info().map(drop), "TCP_AO_INFO"),
    ] {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        let text = error.to_string();
        assert!(text.contains(name) && text.contains("CONFIG_TCP_AO"), "{text}");
    }
}

fn another_socket_than_one_of_tcp_has_no_such_option() {
    let key = key(Ipv6Addr::LOCALHOST, 1, 2, b"secret");
    assert_eq!(errno(loopback().add_tcp_ao_key(&key)), Some(ENOPROTOOPT));
    assert_eq!(errno(loopback().tcp_ao_info()), Some(ENOPROTOOPT));
}

/// A listener on the second host with this key.
fn listener(pair: &Pair, key: &TcpAoKey<'_>) -> (TcpListener, SocketAddr) {
    let listener = pair.b.run(|| TcpListener::bind("[::]:0")).unwrap();
    Conn::new(&listener).unwrap().add_tcp_ao_key(key).unwrap();
    let to = at(Pair::B, listener.local_addr().unwrap().port()).into();
    (listener, to)
}

/// Connects from the first host, with this key; an error after a second.
fn connect(pair: &Pair, to: SocketAddr, key: Option<&TcpAoKey<'_>>) -> std::io::Result<TcpStream> {
    let socket = pair.a.run(|| Socket::new(Domain::IPV6, Type::STREAM, None)).unwrap();
    if let Some(key) = key {
        Conn::new(&socket).unwrap().add_tcp_ao_key(key).unwrap();
    }
    socket.connect_timeout(&to.into(), Duration::from_secs(1))?;
    Ok(socket.into())
}

/// Sends some bytes over a connection.
fn exchange(mut client: &TcpStream, mut server: &TcpStream) {
    client.write_all(b"signed").unwrap();
    let mut text = [0; 6];
    server.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"signed");
}

fn a_connection_needs_the_same_key_on_both_sides() {
    if !has_tcp_ao() {
        return;
    }
    let pair = Pair::new().unwrap();
    let (listener, to) = listener(&pair, &key(Pair::A, 101, 100, b"secret"));
    let client = connect(&pair, to, Some(&key(Pair::B, 100, 101, b"secret"))).unwrap();
    exchange(&client, &listener.accept().unwrap().0);
    for wrong in [None, Some(key(Pair::B, 100, 101, b"other")), Some(key(Pair::B, 1, 2, b"secret"))] {
        let refused = connect(&pair, to, wrong.as_ref()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TimedOut, "{wrong:?}");
    }
}

fn keys_are_changed_and_deleted() {
    if !has_tcp_ao() {
        return;
    }
    let pair = Pair::new().unwrap();
    let (old, new) = (key(Pair::B, 100, 101, b"secret"), key(Pair::B, 200, 201, b"another"));
    let (listener, to) = listener(&pair, &key(Pair::A, 101, 100, b"secret"));
    Conn::new(&listener).unwrap().add_tcp_ao_key(&key(Pair::A, 201, 200, b"another")).unwrap();
    let client = connect(&pair, to, Some(&old)).unwrap();
    let (server, _) = listener.accept().unwrap();
    exchange(&client, &server);

    let conn = Conn::new(&client).unwrap();
    assert_eq!(conn.tcp_ao_info().unwrap().current, Some(100));
    conn.add_tcp_ao_key(&new).unwrap();
    conn.use_tcp_ao_keys(Some(200), Some(201)).unwrap();
    let info = conn.tcp_ao_info().unwrap();
    assert_eq!((info.current, info.next, info.bad), (Some(200), Some(201), 0));
    exchange(&client, &server);
    conn.delete_tcp_ao_key(&old.id()).unwrap();
    exchange(&client, &server);
    let missing = conn.delete_tcp_ao_key(&old.id()).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}
