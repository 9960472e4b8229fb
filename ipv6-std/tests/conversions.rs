//! Connections from sockets and back, clones, and what every connection can do.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};

use common::*;
use ipv6_std::*;

ipv6_testnet::tests! {
    [Namespace] std_sockets_become_connections_and_come_back;
    [Namespace] descriptors_become_connections_and_come_back;
    [Namespace] the_wrong_kind_of_socket_is_refused;
    [Namespace] a_clone_shares_the_socket_and_starts_with_the_flags;
    [Namespace] streams_and_listeners_are_cloned;
    [RawSocket] raw_sockets_are_cloned;
    [Namespace] connect_sets_and_replaces_the_peer;
    [Namespace, Ipv4] a_dual_stack_socket_connects_to_an_ipv4_peer;
    [Namespace] set_hop_limit_none_restores_the_default;
    [Namespace] nonblocking_mode_can_be_set_and_reset;
    [Namespace] buffer_sizes_are_doubled_and_limited_by_linux;
    [Namespace] a_larger_receive_buffer_holds_more;
    [Namespace, Ipv4] only_v6_can_be_changed_until_the_socket_is_bound;
    [Namespace] debug_output_shows_flags_and_options;
    [Namespace] a_bpf_program_works_on_a_listener;
    [Namespace, Ipv4] the_error_for_an_ipv4_socket_names_its_family;
}

fn std_sockets_become_connections_and_come_back() {
    let udp = UdpSocket::bind("[::1]:0").unwrap();
    let address = udp.local_addr().unwrap();
    let conn = Conn::try_from(udp).unwrap();
    let packets = PacketConn::try_from(UdpSocket::from(conn)).unwrap();
    assert_eq!(UdpSocket::from(packets).local_addr().unwrap(), address);

    let listener = TcpListener::bind("[::1]:0").unwrap();
    let address = listener.local_addr().unwrap();
    let listener = TcpListener::from(Conn::try_from(listener).unwrap());
    let stream = Conn::try_from(TcpStream::connect(address).unwrap()).unwrap();
    let (mut served, _) = listener.accept().unwrap();
    TcpStream::from(stream).write_all(b"x").unwrap();
    served.read_exact(&mut [0]).unwrap();
}

fn descriptors_become_connections_and_come_back() {
    let mut conn: PacketConn = loopback();
    let (fd, address) = (conn.as_raw_fd(), conn.local_addr().unwrap());
    conn.get_mut().set_broadcast(true).unwrap();
    assert_eq!(conn.get_ref().as_raw_fd(), fd);
    let owned = OwnedFd::from(conn);
    assert_eq!(owned.as_raw_fd(), fd);
    // As a plain descriptor, then as a socket type.
    let conn = PacketConn::<OwnedFd>::try_from(owned).unwrap();
    let conn: PacketConn = OwnedFd::from(conn).try_into().unwrap();
    assert_eq!(conn.local_addr().unwrap(), address);
    let conn: Conn<UdpSocket> = OwnedFd::from(conn).try_into().unwrap();
    let raw = conn.into_raw_fd();
    assert_eq!(raw, fd);
    // The descriptor is still open: nothing else closes it.
    nix::unistd::close(raw).unwrap();
}

fn the_wrong_kind_of_socket_is_refused() {
    let listener = || TcpListener::bind("[::1]:0").unwrap();
    refused(PacketConn::<OwnedFd>::try_from(OwnedFd::from(listener())), "stream");
    refused(RawConn::<OwnedFd>::try_from(OwnedFd::from(listener())), "stream");
    refused(RawConn::try_from(UdpSocket::bind("[::1]:0").unwrap()), "not a raw socket");
}

fn a_clone_shares_the_socket_and_starts_with_the_flags() {
    let conn = loopback();
    // Linux has one option for destination and interface; the clone knows which of them is enabled.
    conn.set_control_flags(ControlFlags::DESTINATION, true).unwrap();
    let clone = conn.try_clone().unwrap();
    assert_ne!(clone.as_raw_fd(), conn.as_raw_fd());
    assert_eq!(clone.control_flags(), ControlFlags::DESTINATION);
    assert_eq!(clone.local_addr().unwrap(), conn.local_addr().unwrap());
    conn.set_hop_limit(9).unwrap();
    assert_eq!(clone.hop_limit().unwrap(), 9);
    conn.send_to(b"x", &SendControl::new(), clone.local_addr().unwrap()).unwrap();
    clone.set_deadline(soon());
    let (_, got) = receive(&clone);
    assert_eq!((got.control.destination, got.control.interface), (Some("::1".parse().unwrap()), None));
    drop(conn);
    clone.send_to(b"y", &SendControl::new(), clone.local_addr().unwrap()).unwrap();
    assert_eq!(receive(&clone).0, b"y");
}

fn streams_and_listeners_are_cloned() {
    let listener = Conn::new(TcpListener::bind("[::1]:0").unwrap()).unwrap();
    let clone = listener.try_clone().unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (served, _) = clone.get_ref().accept().unwrap();
    let served = Conn::new(served).unwrap();
    let mut second = served.try_clone().unwrap();
    assert_eq!(second.peer_addr().unwrap(), served.peer_addr().unwrap());
    second.get_mut().write_all(b"x").unwrap();
    client.read_exact(&mut [0]).unwrap();
    let owned = Conn::new(OwnedFd::from(client)).unwrap();
    assert_eq!(owned.try_clone().unwrap().local_addr().unwrap(), served.peer_addr().unwrap());
}

fn raw_sockets_are_cloned() {
    let conn = RawConn::open(89).unwrap();
    conn.set_checksum_offset(Some(12)).unwrap();
    conn.set_control_flags(ControlFlags::INTERFACE, true).unwrap();
    let mut clone: RawConn = conn.try_clone().unwrap();
    assert_eq!(clone.checksum_offset().unwrap(), Some(12));
    assert_eq!(clone.control_flags(), ControlFlags::INTERFACE);
    assert_eq!(clone.get_mut().as_raw_fd(), clone.as_raw_fd());
    let fd = OwnedFd::from(clone);
    assert_eq!(RawConn::<OwnedFd>::try_from(fd).unwrap().checksum_offset().unwrap(), Some(12));
}

fn connect_sets_and_replaces_the_peer() {
    let (conn, peer, other) = (loopback(), loopback(), loopback());
    assert_eq!(conn.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
    conn.connect(peer.local_addr().unwrap()).unwrap();
    assert_eq!(conn.peer_addr().unwrap(), peer.local_addr().unwrap());
    conn.send(b"to the peer", &SendControl::new()).unwrap();
    assert_eq!(receive(&peer).0, b"to the peer");
    other.send_to(b"dropped", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
    peer.send_to(b"back", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
    assert_eq!(receive(&conn).0, b"back");
    // A second peer replaces the first.
    conn.connect(other.local_addr().unwrap()).unwrap();
    conn.send(b"to the other", &SendControl::new()).unwrap();
    assert_eq!(receive(&other).0, b"to the other");
    refused(conn.connect("[::ffff:127.0.0.1]:9".parse().unwrap()), "::ffff:127.0.0.1");
    assert_eq!(conn.peer_addr().unwrap(), other.local_addr().unwrap());
}

fn a_dual_stack_socket_connects_to_an_ipv4_peer() {
    let ipv4 = UdpSocket::bind("127.0.0.1:0").unwrap();
    let conn = PacketConn::builder().only_v6(false).open().unwrap();
    conn.connect(mapped(ipv4.local_addr().unwrap())).unwrap();
    conn.send(b"x", &SendControl::new()).unwrap();
    assert_eq!(ipv4.recv(&mut [0; 2]).unwrap(), 1);
    assert_eq!(conn.peer_addr().unwrap(), mapped(ipv4.local_addr().unwrap()));
}

fn set_hop_limit_none_restores_the_default() {
    let (conn, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    let default = conn.hop_limit().unwrap();
    for (set, arrives) in [(Some(7), 7), (None, default), (Some(0), 0), (None, default)] {
        conn.set_hop_limit(set).unwrap();
        assert_eq!(conn.hop_limit().unwrap(), arrives);
        // Loopback delivers hop limit 0 too.
        conn.send_to(b"x", &SendControl::new(), receiver.local_addr().unwrap()).unwrap();
        assert_eq!(receive(&receiver).1.control.hop_limit, Some(arrives));
    }
}

fn nonblocking_mode_can_be_set_and_reset() {
    let conn = PacketConn::bind("[::1]:0").unwrap();
    conn.set_nonblocking(true).unwrap();
    assert_eq!(conn.recv_from(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
    conn.set_nonblocking(false).unwrap();
    let status = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", conn.as_raw_fd())).unwrap();
    let flags = status.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
    const O_NONBLOCK: u32 = 0o4000;
    assert_eq!(u32::from_str_radix(flags.trim(), 8).unwrap() & O_NONBLOCK, 0);
}

fn buffer_sizes_are_doubled_and_limited_by_linux() {
    let listener = Conn::new(TcpListener::bind("[::1]:0").unwrap()).unwrap();
    listener.set_receive_buffer_size(20_000).unwrap();
    listener.set_send_buffer_size(30_000).unwrap();
    // Linux doubles the sizes (socket(7)).
    assert_eq!(
        (listener.receive_buffer_size().unwrap(), listener.send_buffer_size().unwrap()),
        (40_000, 60_000)
    );
    // Too large a size is reduced to the limit, and does not wrap around.
    // (Older kernels do not show the limit, net.core.rmem_max, in a network namespace.)
    listener.set_receive_buffer_size(1 << 30).unwrap();
    let limit = listener.receive_buffer_size().unwrap();
    assert!(limit > 40_000, "{limit}");
    listener.set_receive_buffer_size(usize::MAX).unwrap();
    assert_eq!(listener.receive_buffer_size().unwrap(), limit);
}

fn a_larger_receive_buffer_holds_more() {
    let holds = |bytes| {
        let conn = PacketConn::builder().receive_buffer(bytes).nonblocking(true).bind("[::1]:0").unwrap();
        let sender = loopback();
        for _ in 0..100 {
            sender.send_to(&[0; 1000], &SendControl::new(), conn.local_addr().unwrap()).unwrap();
        }
        delivered();
        (0..100).take_while(|_| conn.recv_from(&mut [0; 1000]).is_ok()).count()
    };
    let (few, many) = (holds(4_000), holds(40_000));
    assert!(few < many, "{few} of 100 datagrams, then {many}");
}

fn only_v6_can_be_changed_until_the_socket_is_bound() {
    let conn = PacketConn::builder().open().unwrap();
    let to = mapped(UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    refused(conn.send_to(b"x", &SendControl::new(), to), "::ffff:127.0.0.1");
    conn.set_only_v6(false).unwrap();
    assert!(!conn.only_v6().unwrap());
    conn.send_to(b"x", &SendControl::new(), to).unwrap();
    // The send has bound the socket.
    refused(conn.set_only_v6(true), "IPV6_V6ONLY to true");
    conn.send_to(b"x", &SendControl::new(), to).unwrap();
}

fn debug_output_shows_flags_and_options() {
    let conn = loopback();
    conn.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    let text = format!("{conn:?}");
    for part in ["PacketConn", "Conn", "UdpSocket", "control_flags", "HOP_LIMIT", "only_v6"] {
        assert!(text.contains(part), "{text}");
    }
    let text = format!("{:?}", PacketConn::builder().freebind(true));
    assert!(text.contains("freebind: true"), "{text}");
}

fn a_bpf_program_works_on_a_listener() {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let conn = Conn::new(&listener).unwrap();
    // The program drops every packet, so no connection is made.
    conn.set_bpf(&[BpfInstruction::new(0x06, 0, 0, 0)]).unwrap();
    let address: std::net::SocketAddr = listener.local_addr().unwrap();
    let timeout = std::time::Duration::from_millis(50);
    assert_eq!(TcpStream::connect_timeout(&address, timeout).unwrap_err().kind(), ErrorKind::TimedOut);
    conn.detach_bpf().unwrap();
    TcpStream::connect(address).unwrap();
    assert_eq!(conn.detach_bpf().unwrap_err().kind(), ErrorKind::NotFound);
}

fn the_error_for_an_ipv4_socket_names_its_family() {
    refused(Conn::new(&UdpSocket::bind("127.0.0.1:0").unwrap()), "IPv4 socket (AF_INET)");
    refused(Conn::new(&std::os::unix::net::UnixDatagram::unbound().unwrap()), "another address family");
}
