//! Answers of sockets: what they return is what the kernel did, with several threads, streams, interfaces of one host,
//! and sockets that lack options. `SCARS.md` in this folder explains the numbers.

mod common;

use std::io::{Read, Write};
use std::net::{Ipv6Addr, SocketAddrV6, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use ipv6_std::*;
use ipv6_testnet::{Need, Pair, Probe, Test};
use socket2::{Domain, Protocol, Socket, Type};

const CHILD: &str = "IPV6_ANSWERS_CHILD";

macro_rules! tests {
    ($([$($need:expr),*] $name:ident;)*) => {
        &[$(Test { name: stringify!($name), needs: &[$($need),*], run: $name }),*]
    };
}

fn main() {
    if std::env::var_os(CHILD).is_some() {
        return wrap_a_socket_whose_options_fail();
    }
    use Need::*;
    ipv6_testnet::main(tests! {
        [Namespace] dscp_and_ecn_are_set_by_two_threads_at_once;
        [Namespace] a_stream_returns_no_field_before_a_segment;
        [Namespace] a_stream_returns_the_fields_of_its_segments;
        [Namespace] an_accepted_stream_returns_the_fields_of_the_handshake;
        [Namespace] fields_of_a_stream_that_are_enabled_later_are_those_of_a_segment;
        [Namespace] options_of_a_stream_enabled_elsewhere_return_no_default;
        [Namespace, Ipv4] a_stream_of_an_ipv4_peer_returns_the_handshake_or_an_error;
        [Namespace] a_reply_reaches_a_client_on_this_host_with_an_address_of_another_interface;
        [Namespace] a_reply_comes_from_the_address_that_was_asked;
        [Namespace, Probed(MPTCP)] an_mptcp_socket_can_be_wrapped;
        [Namespace, Strace] a_socket_whose_options_fail_can_be_wrapped;
        [Namespace] a_socket_that_shares_the_port_takes_unicast_datagrams;
    })
}

// Scar 68: both share one option. Each thread is the only one that changes its field, so it must read what it set.
fn dscp_and_ecn_are_set_by_two_threads_at_once() {
    let conn = loopback();
    let end = Instant::now() + Duration::from_millis(500);
    thread::scope(|scope| {
        scope.spawn(|| {
            for dscp in (0..64).cycle().take_while(|_| Instant::now() < end) {
                conn.set_dscp(dscp).unwrap();
                assert_eq!(conn.dscp().unwrap(), dscp);
            }
        });
        for ecn in [Ecn::NotEct, Ecn::Ect0, Ecn::Ect1, Ecn::Ce].into_iter().cycle() {
            conn.set_ecn(ecn).unwrap();
            assert_eq!(conn.ecn().unwrap(), ecn);
            if Instant::now() > end {
                break;
            }
        }
    });
}

/// What a segment can have.
fn fields() -> ControlFlags {
    ControlFlags::SUPPORTED - ControlFlags::PATH_MTU
}

/// A connection from the first host to the second, and the interface of the first. Automatic flow labels are off.
fn connection(pair: &Pair) -> (Conn<TcpStream>, Conn<TcpStream>, InterfaceIndex) {
    for host in [&pair.a, &pair.b] {
        host.set("net/ipv6/auto_flowlabels", "0").unwrap();
    }
    let listener = pair.b.run(|| TcpListener::bind((Pair::B, 0))).unwrap();
    let client = pair.a.run(|| TcpStream::connect(listener.local_addr().unwrap())).unwrap();
    let (server, _) = listener.accept().unwrap();
    (Conn::new(client).unwrap(), Conn::new(server).unwrap(), index(&pair.a, "eth0"))
}

/// Sends one byte from one stream to the other.
fn transfer(from: &Conn<TcpStream>, to: &Conn<TcpStream>) {
    from.get_ref().write_all(b"x").unwrap();
    to.get_ref().read_exact(&mut [0]).unwrap();
}

// Scar 73: hop limit 1, traffic class 0 and destination `::` are the socket's own.
fn a_stream_returns_no_field_before_a_segment() {
    let pair = Pair::new().unwrap();
    let (client, _server, _) = connection(&pair);
    client.set_control_flags(fields(), true).unwrap();
    assert_eq!(client.stream_control().unwrap(), RecvControl::default());

    let unconnected = Conn::new(Socket::new(Domain::IPV6, Type::STREAM, None).unwrap()).unwrap();
    unconnected.set_control_flags(fields(), true).unwrap();
    assert_eq!(unconnected.stream_control().unwrap(), RecvControl::default());
}

// Scar 73: a segment may have the values that a socket starts with.
fn a_stream_returns_the_fields_of_its_segments() {
    let pair = Pair::new().unwrap();
    for flags in [fields(), ControlFlags::HOP_LIMIT, ControlFlags::TRAFFIC_CLASS, ControlFlags::DESTINATION] {
        let (client, server, interface) = connection(&pair);
        client.set_control_flags(flags, true).unwrap();
        for (hop_limit, traffic_class) in [(1, 0), (9, 0x28), (1, 0)] {
            server.set_hop_limit(hop_limit).unwrap();
            server.set_traffic_class(traffic_class).unwrap();
            transfer(&server, &client);
            let control = client.stream_control().unwrap();
            let has = |flag, value| Some(value).filter(|_| flags.contains(flag));
            assert_eq!(control.hop_limit, has(ControlFlags::HOP_LIMIT, hop_limit));
            assert_eq!(control.traffic_class, has(ControlFlags::TRAFFIC_CLASS, traffic_class));
            // The client's own address. The kernel returns the peer's.
            assert_eq!(
                control.destination,
                Some(Pair::A).filter(|_| flags.contains(ControlFlags::DESTINATION))
            );
            assert_eq!(
                control.interface,
                Some(interface).filter(|_| flags.contains(ControlFlags::INTERFACE))
            );
        }
    }
}

// Scar 73.
fn an_accepted_stream_returns_the_fields_of_the_handshake() {
    let pair = Pair::new().unwrap();
    let (_client, server, _) = connection(&pair);
    server.set_control_flags(fields(), true).unwrap();
    let control = server.stream_control().unwrap();
    assert_eq!((control.hop_limit, control.traffic_class), (Some(64), Some(0)));
    assert_eq!((control.destination, control.interface), (Some(Pair::B), Some(index(&pair.b, "eth0"))));
}

// Scar 73: each value is recorded only while its option is on.
fn fields_of_a_stream_that_are_enabled_later_are_those_of_a_segment() {
    let pair = Pair::new().unwrap();
    for first in [ControlFlags::INTERFACE, ControlFlags::HOP_LIMIT, ControlFlags::TRAFFIC_CLASS] {
        let (client, server, _) = connection(&pair);
        client.set_control_flags(first, true).unwrap();
        server.set_hop_limit(9).unwrap();
        server.set_traffic_class(0x28).unwrap();
        transfer(&server, &client);
        client.set_control_flags(fields(), true).unwrap();
        let control = client.stream_control().unwrap();
        assert_eq!((control.hop_limit, control.traffic_class), (Some(9), Some(0x28)));
        assert_eq!(control.destination, Some(Pair::A));
    }
}

// Scar 73: without the option of the packet info, the values of no segment cannot be told from equal ones of a segment.
fn options_of_a_stream_enabled_elsewhere_return_no_default() {
    let pair = Pair::new().unwrap();
    let (client, server, _) = connection(&pair);
    client.set_option(&option::RECEIVE_HOP_LIMIT, true).unwrap();
    client.set_option(&option::RECEIVE_TRAFFIC_CLASS, true).unwrap();
    let wrapped = Conn::new(client.get_ref()).unwrap();
    assert_eq!(wrapped.control_flags(), ControlFlags::HOP_LIMIT | ControlFlags::TRAFFIC_CLASS);
    for (hop_limit, traffic_class, seen) in [(1, 0, (None, None)), (2, 4, (Some(2), Some(4)))] {
        assert_eq!(wrapped.stream_control().unwrap(), RecvControl::default());
        server.set_hop_limit(hop_limit).unwrap();
        server.set_traffic_class(traffic_class).unwrap();
        transfer(&server, &client);
        let control = wrapped.stream_control().unwrap();
        assert_eq!((control.hop_limit, control.traffic_class), seen);
    }
}

// Scars 56 and 73: of an IPv4 peer the kernel records the handshake of accepted connections only.
fn a_stream_of_an_ipv4_peer_returns_the_handshake_or_an_error() {
    let listener = TcpListener::bind("[::]:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
    client.set_tos_v4(0xb8).unwrap();
    client.set_ttl_v4(9).unwrap();
    let to: SocketAddrV6 = format!("[::ffff:127.0.0.1]:{port}").parse().unwrap();
    client.connect(&to.into()).unwrap();
    let client = Conn::new(TcpStream::from(client)).unwrap();
    let server = Conn::new(listener.accept().unwrap().0).unwrap();
    let expected = |control: &RecvControl<'_>| {
        assert_eq!((control.traffic_class, control.hop_limit), (Some(0xb8), Some(9)));
        assert_eq!(control.destination, "::ffff:127.0.0.1".parse().ok());
        assert_eq!(control.interface, InterfaceIndex::new(1).ok());
        assert_eq!((control.flow_label, control.path_mtu), (None, None));
    };
    for conn in [&client, &server] {
        conn.set_control_flags(fields(), true).unwrap();
    }
    expected(&server.stream_control().unwrap());
    transfer(&client, &server);
    transfer(&server, &client);
    expected(&server.stream_control().unwrap());
    // IPv4 has no flow label.
    for flag in [
        ControlFlags::TRAFFIC_CLASS,
        ControlFlags::HOP_LIMIT,
        ControlFlags::DESTINATION,
        ControlFlags::INTERFACE,
    ] {
        server.set_control_flags(fields(), false).unwrap();
        server.set_control_flags(flag, true).unwrap();
        let control = server.stream_control().unwrap();
        assert_eq!(control.filter(flag), control);
        assert_ne!(control, RecvControl::default(), "{flag:?}");
    }
    server.set_control_flags(fields(), true).unwrap();
    // Nothing was recorded, and the values that the socket starts with are not returned.
    let error = client.stream_control().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    assert!(error.to_string().contains("IP_PKTOPTIONS"), "{error}");
    // Reset: then the server has no peer, and still has its address.
    Socket::from(OwnedFd::from(client.into_inner())).set_linger(Some(Duration::ZERO)).unwrap();
    while server.peer_addr().is_ok() {
        thread::yield_now();
    }
    expected(&server.stream_control().unwrap());
}

// Scar 74 (unbound#1390): the interface that has the server's address is not the one that has the client's.
fn a_reply_reaches_a_client_on_this_host_with_an_address_of_another_interface() {
    let pair = Pair::new().unwrap();
    let other: Ipv6Addr = "2001:db8:7::2".parse().unwrap();
    ipv6_testnet::link(&pair.b, "other", &pair.a, "far").unwrap();
    pair.b.add_address(other, "other").unwrap();
    let (all, server) = (ControlFlags::SUPPORTED, on(&pair.b));
    for flags in [all, ControlFlags::INTERFACE, ControlFlags::DESTINATION] {
        server.set_control_flags(all, false).unwrap();
        server.set_control_flags(flags, true).unwrap();
        for address in [other, Ipv6Addr::LOCALHOST, Pair::B] {
            let client = pair.b.run(|| PacketConn::bind((address, 0))).unwrap();
            client.set_deadline(soon());
            client.send_to(b"?", &SendControl::new(), at(Pair::B, port(&server))).unwrap();
            let (_, asked) = receive(&server);
            server.send_to(b"!", &asked.control.reply(), asked.source).unwrap();
            let source = *receive(&client).1.source.ip();
            // Without the destination, the system chooses the source.
            assert!(source == Pair::B || flags == ControlFlags::INTERFACE, "{source}");
        }
    }
}

// Scar 74: without an interface, the source is still the address that was asked, and the peer is on its link.
fn a_reply_comes_from_the_address_that_was_asked() {
    let pair = Pair::new().unwrap();
    let second: Ipv6Addr = "2001:db8:1::22".parse().unwrap();
    pair.b.add_address(second, "eth0").unwrap();
    let (client, server) = (on(&pair.a), on(&pair.b));
    let scope = pair.a.index("eth0").unwrap();
    let near = pair.b.link_local("eth0").unwrap();
    for (to, scope) in [(Pair::B, 0), (second, 0), (near, scope)] {
        client.send_to(b"?", &SendControl::new(), SocketAddrV6::new(to, port(&server), 0, scope)).unwrap();
        let (_, asked) = receive(&server);
        server.send_to(b"!", &asked.control.reply(), asked.source).unwrap();
        assert_eq!(*receive(&client).1.source.ip(), to);
    }
    // A link-local client of an address of global scope: the interface is the scope of its address.
    let source = SendControl::new().with_source(pair.a.link_local("eth0").unwrap());
    let source = source.with_interface(index(&pair.a, "eth0"));
    client.send_to(b"?", &source, at(second, port(&server))).unwrap();
    let (_, asked) = receive(&server);
    server.send_to(b"!", &asked.control.reply(), asked.source).unwrap();
    assert_eq!(*receive(&client).1.source.ip(), second);
}

/// `IPPROTO_MPTCP`.
fn mptcp() -> std::io::Result<Socket> {
    Socket::new(Domain::IPV6, Type::STREAM, Some(Protocol::from(262)))
}

const MPTCP: Probe =
    Probe { name: "MPTCP", run: || mptcp().map(drop).map_err(|error| format!("there is no MPTCP: {error}")) };

// Scar 76 (mptcp_net-next#550, mio#1618): an MPTCP socket answers EOPNOTSUPP for the options of control messages.
fn an_mptcp_socket_can_be_wrapped() {
    let conn = Conn::new(mptcp().unwrap()).unwrap();
    assert_eq!(conn.control_flags(), ControlFlags::empty());
    assert!(conn.local_addr().unwrap().ip().is_unspecified());
    // Enabling what the socket lacks is an error. Disabling it is not one in `ipv6-sys`, which disables all others.
    let error = conn.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap_err();
    // The standard library of Rust 1.87 has no kind for it.
    assert_eq!(error.raw_os_error(), Some(EOPNOTSUPP));
    assert_eq!(conn.control_flags(), ControlFlags::empty());
    ipv6_sys::option::set_control_flags(&conn, ControlFlags::empty()).unwrap();
    assert_eq!(errno(conn.stream_control()), Some(EOPNOTSUPP));
}

// Scar 76: other systems answer EINVAL.
fn a_socket_whose_options_fail_can_be_wrapped() {
    for error in ["EOPNOTSUPP", "EINVAL", "ENOPROTOOPT"] {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=getsockopt", "-e"]);
        strace.arg(format!("inject=getsockopt:error={error}"));
        let output = strace.arg(std::env::current_exe().unwrap()).env(CHILD, error).output().unwrap();
        assert!(output.status.success(), "{error}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The work of the child process.
fn wrap_a_socket_whose_options_fail() {
    let socket = UdpSocket::bind("[::1]:0").unwrap();
    assert_eq!(socket2::SockRef::from(&socket).only_v6().map_err(|error| error.kind()).ok(), None);
    let conn = Conn::new(socket.as_fd()).unwrap();
    assert_eq!(conn.control_flags(), ControlFlags::empty());
}

// What the documentation of `bind_reusable` warns of, here with one user.
fn a_socket_that_shares_the_port_takes_unicast_datagrams() {
    let first = PacketConn::bind_reusable("[::1]:0".parse().unwrap()).unwrap();
    let last = PacketConn::bind_reusable(first.local_addr().unwrap()).unwrap();
    last.set_deadline(soon());
    loopback().send_to(b"x", &SendControl::new(), first.local_addr().unwrap()).unwrap();
    assert_eq!(receive(&last).0, b"x");
}
