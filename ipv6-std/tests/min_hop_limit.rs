//! The minimum hop limit of received packets (RFC 5082), with packets below, at and above it.

mod common;

use std::io::ErrorKind;
use std::net::{SocketAddr, SocketAddrV6, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};

use common::*;
use ipv6_std::*;
use ipv6_testnet::Pair;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, connect, socket};

ipv6_testnet::tests! {
    [Namespace] udp_datagrams_below_the_limit_are_dropped;
    [Namespace] tcp_connections_below_the_limit_are_not_made;
    [Namespace, Ipv4] the_limit_applies_to_tcp_connections_of_ipv4_peers;
    [Namespace] accepted_connections_inherit_the_limit;
    [RawSocket] raw_packets_below_the_limit_are_dropped;
    [PingSocket] echo_replies_below_the_limit_are_dropped;
    [Namespace, Ipv4] the_limit_applies_to_the_ttl_of_ipv4_peers;
    [Namespace] the_limit_applies_to_multicast_and_batches;
    [Namespace] the_limit_is_combined_with_a_bpf_program;
    [Namespace] clones_and_borrowed_sockets_see_the_same_limit;
    [Namespace] bpf_programs_that_are_too_long_for_the_limit_are_refused;
    [Namespace] reading_a_bpf_program_respects_the_room_for_it;
}

/// Sends one datagram with each of these hop limits, and asserts that only `arrive` are received.
fn assert_arrive<S: AsFd, R: AsFd>(
    sender: &PacketConn<S>,
    receiver: &PacketConn<R>,
    to: SocketAddrV6,
    arrive: &[u8],
) {
    const SENT: [u8; 6] = [1, 63, 64, 253, 254, 255];
    const END: u8 = 0;
    let send = |text, hop_limit| {
        sender.set_hop_limit(hop_limit).unwrap();
        sender.send_to(&[89, text, 0, 0, 0, 0, 0, 0], &SendControl::new(), to).unwrap();
    };
    for hop_limit in SENT {
        send(hop_limit, hop_limit);
    }
    // Every limit lets 255 pass, and the link keeps the order: a datagram that has not arrived by then was dropped.
    send(END, 255);
    receiver.set_deadline(soon());
    let texts = std::iter::from_fn(|| Some(receive(receiver).0[1]));
    assert_eq!(texts.take_while(|text| *text != END).collect::<Vec<_>>(), arrive);
}

/// The limits to try, with the hop limits that pass them.
const LIMITS: [(u8, &[u8]); 7] = [
    (255, &[255]),
    (254, &[254, 255]),
    (64, &[64, 253, 254, 255]),
    (1, &[1, 63, 64, 253, 254, 255]),
    (0, &[1, 63, 64, 253, 254, 255]),
    (255, &[255]),
    (0, &[1, 63, 64, 253, 254, 255]),
];

// Scar 70: Linux stores IPV6_MINHOPCOUNT on such a socket, and drops nothing.
fn udp_datagrams_below_the_limit_are_dropped() {
    let Pair { a, b } = Pair::new().unwrap();
    let sender = on(&a);
    for open in [PacketConn::builder(), PacketConn::builder().only_v6(false)] {
        let receiver = b.run(|| open.bind("[::]:0")).unwrap();
        assert_eq!(receiver.min_hop_limit().unwrap(), 0);
        for (least, arrive) in LIMITS {
            receiver.set_min_hop_limit(least).unwrap();
            assert_eq!(receiver.min_hop_limit().unwrap(), least);
            assert_arrive(&sender, &receiver, at(Pair::B, port(&receiver)), arrive);
        }
        // No BPF program is left.
        assert_eq!(receiver.detach_bpf().unwrap_err().kind(), ErrorKind::NotFound);
    }
}

// Scar 70.
fn raw_packets_below_the_limit_are_dropped() {
    let Pair { a, b } = Pair::new().unwrap();
    let (sender, receiver) = (a.run(|| RawConn::open(89)).unwrap(), b.run(|| RawConn::open(89)).unwrap());
    for (least, arrive) in LIMITS {
        receiver.set_min_hop_limit(least).unwrap();
        assert_arrive(&sender, &receiver, at(Pair::B, 0), arrive);
    }
}

/// Starts to connect a stream of either family with this hop limit, and does not wait for the answer.
fn connecting(to: SocketAddr, hop_limit: u8) -> TcpStream {
    let (family, address): (_, SockaddrStorage) = match to {
        SocketAddr::V4(to) => (AddressFamily::Inet, to.into()),
        SocketAddr::V6(to) => (AddressFamily::Inet6, to.into()),
    };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let stream = TcpStream::from(socket(family, SockType::Stream, flags, None).unwrap());
    match to {
        SocketAddr::V4(_) => stream.set_ttl(hop_limit.into()).unwrap(),
        SocketAddr::V6(_) => Conn::new(&stream).unwrap().set_hop_limit(hop_limit).unwrap(),
    }
    assert!(
        connect(stream.as_raw_fd(), &address).is_err_and(|errno| errno == nix::errno::Errno::EINPROGRESS)
    );
    stream
}

/// Connects with these hop limits, and asserts that only the connections with the hop limits `accepted` are made.
fn assert_accepted(listener: &TcpListener, connect: impl Fn(u8) -> TcpStream, accepted: &[u8]) {
    let streams = [1, 63, 64, 253, 254, 255].map(|hop_limit| (hop_limit, connect(hop_limit)));
    listener.set_nonblocking(true).unwrap();
    for expected in accepted {
        // A connection may take a moment, but none with a lower hop limit comes first.
        let peer = loop {
            match listener.accept() {
                Ok((_, peer)) => break peer.port(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        };
        let of = streams.iter().find(|(_, stream)| stream.local_addr().unwrap().port() == peer).unwrap().0;
        assert_eq!(of, *expected);
    }
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

fn tcp_connections_below_the_limit_are_not_made() {
    let Pair { a, b } = Pair::new().unwrap();
    for (least, accepted) in LIMITS {
        let listener = b.run(|| TcpListener::bind("[::]:0")).unwrap();
        let conn = Conn::new(&listener).unwrap();
        conn.set_min_hop_limit(least).unwrap();
        assert_eq!(conn.min_hop_limit().unwrap(), least);
        let to = at(Pair::B, listener.local_addr().unwrap().port()).into();
        assert_accepted(&listener, |hop_limit| a.run(|| connecting(to, hop_limit)), accepted);
    }
}

fn the_limit_applies_to_tcp_connections_of_ipv4_peers() {
    for (least, accepted) in LIMITS {
        // `std` opens listeners for both families.
        let listener = TcpListener::bind("[::]:0").unwrap();
        Conn::new(&listener).unwrap().set_min_hop_limit(least).unwrap();
        let to = ([127, 0, 0, 1], listener.local_addr().unwrap().port()).into();
        assert_accepted(&listener, |ttl| connecting(to, ttl), accepted);
    }
}

fn accepted_connections_inherit_the_limit() {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    Conn::new(&listener).unwrap().set_min_hop_limit(60).unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let accepted = Conn::new(listener.accept().unwrap().0).unwrap();
    assert_eq!(accepted.min_hop_limit().unwrap(), 60);
    accepted.set_min_hop_limit(0).unwrap();
    assert_eq!(accepted.min_hop_limit().unwrap(), 0);
}

fn echo_replies_below_the_limit_are_dropped() {
    let Pair { a, b } = Pair::new().unwrap();
    let conn = a.run(RawConn::open_icmp6_unprivileged).unwrap();
    conn.set_deadline(soon());
    let request = |sequence| [128, 0, 0, 0, 0, 0, 0, sequence];
    b.set("net/ipv6/conf/all/hop_limit", "64").unwrap();
    // A later reply to a socket without a limit shows that the first reply was handled before the limit is lowered.
    let witness = a.run(|| RawConn::open(Icmp6Type::PROTOCOL)).unwrap();
    witness.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::ECHO_REPLY)).unwrap();
    witness.set_deadline(soon());
    conn.set_min_hop_limit(65).unwrap();
    conn.send_to(&request(1), &SendControl::new(), at(Pair::B, 0)).unwrap();
    witness.send_to(&request(9), &SendControl::new(), at(Pair::B, 0)).unwrap();
    while receive(&witness).0[7] != 9 {}
    conn.set_min_hop_limit(64).unwrap();
    conn.send_to(&request(2), &SendControl::new(), at(Pair::B, 0)).unwrap();
    let (reply, _) = receive(&conn);
    assert_eq!(reply[7], 2);
}

fn the_limit_applies_to_the_ttl_of_ipv4_peers() {
    let both = PacketConn::builder().only_v6(false);
    let receiver = both.bind("[::]:0").unwrap();
    receiver.set_nonblocking(true).unwrap();
    receiver.set_min_hop_limit(254).unwrap();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    for ttl in [1, 253, 254, 255] {
        sender.set_ttl(ttl).unwrap();
        sender.send_to(&[ttl as u8], ("127.0.0.1", port(&receiver))).unwrap();
    }
    let mut got = [0; 1];
    for ttl in [254, 255] {
        assert!(
            delivered_to(|| receiver.recv_from(&mut got)).unwrap().source.ip().to_ipv4_mapped().is_some()
        );
        assert_eq!(got, [ttl]);
    }
    assert_eq!(receiver.recv_from(&mut got).unwrap_err().kind(), ErrorKind::WouldBlock);
}

fn the_limit_applies_to_multicast_and_batches() {
    let Pair { a, b } = Pair::new().unwrap();
    let (sender, receiver) = (on(&a), on(&b));
    receiver.set_min_hop_limit(255).unwrap();
    receiver.join_group(GROUP, index(&b, "eth0")).unwrap();
    let to = SocketAddrV6::new(GROUP, port(&receiver), 0, a.index("eth0").unwrap());
    let messages = [254, 255, 1, 255]
        .map(|hop_limit| Outgoing::new(b"0123456", SendControl::new().with_hop_limit(hop_limit), Some(to)));
    assert_eq!(sender.send_batch(&mut SendBatch::new(4), &messages).unwrap(), 4);
    for _ in 0..2 {
        assert_eq!(receive(&receiver).1.control.hop_limit, Some(255));
    }
    receiver.set_nonblocking(true).unwrap();
    receiver.set_deadline(None);
    assert_eq!(receiver.recv_from(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// Passes payloads with this first byte: byte 8, counted from the UDP header. It assumes that registers start as 0.
fn first_byte_is(byte: u8) -> [BpfInstruction; 5] {
    [
        BpfInstruction::new(0x04, 0, 0, 8),           // add #8
        BpfInstruction::new(0x07, 0, 0, 0),           // tax
        BpfInstruction::new(0x50, 0, 0, 0),           // ldb [x + 0]
        BpfInstruction::new(0x15, 1, 0, byte.into()), // jeq #byte, +1, +0
        BpfInstruction::new(0x06, 0, 0, 0),           // ret #0
    ]
}

fn the_limit_is_combined_with_a_bpf_program() {
    let receiver = PacketConn::builder().nonblocking(true).bind("[::1]:0").unwrap();
    let sender = loopback();
    let to = receiver.local_addr().unwrap();
    let arrive = || {
        for (byte, hop_limit) in [(b'x', 254), (b'y', 255), (b'x', 255), (b'y', 254)] {
            sender.send_to(&[byte], &SendControl::new().with_hop_limit(hop_limit), to).unwrap();
        }
        delivered();
        let mut payload = [0; 1];
        let mut got = Vec::new();
        while receiver.recv_from(&mut payload).is_ok() {
            got.push(payload[0]);
        }
        String::from_utf8(got).unwrap()
    };
    let only = |byte| [&first_byte_is(byte)[..], &[BpfInstruction::new(0x06, 0, 0, u32::MAX)]].concat();
    assert_eq!(arrive(), "xyxy");
    // The program first, then the limit.
    receiver.set_bpf(&only(b'x')).unwrap();
    assert_eq!((arrive().as_str(), receiver.min_hop_limit().unwrap()), ("xx", 0));
    receiver.set_min_hop_limit(255).unwrap();
    assert_eq!((arrive().as_str(), receiver.min_hop_limit().unwrap()), ("x", 255));
    // Replace the program, then the limit; remove the program, then the limit.
    receiver.set_bpf(&only(b'y')).unwrap();
    assert_eq!((arrive().as_str(), receiver.min_hop_limit().unwrap()), ("y", 255));
    receiver.set_min_hop_limit(254).unwrap();
    assert_eq!(arrive(), "yy");
    receiver.detach_bpf().unwrap();
    assert_eq!((arrive().as_str(), receiver.min_hop_limit().unwrap()), ("xyxy", 254));
    assert_eq!(receiver.detach_bpf().unwrap_err().kind(), ErrorKind::NotFound);
    receiver.set_min_hop_limit(255).unwrap();
    receiver.set_bpf(&only(b'x')).unwrap();
    receiver.set_min_hop_limit(0).unwrap();
    assert_eq!(arrive(), "xx");
    receiver.set_min_hop_limit(0).unwrap();
    receiver.detach_bpf().unwrap();
    assert_eq!(arrive(), "xyxy");
}

fn clones_and_borrowed_sockets_see_the_same_limit() {
    let conn = loopback();
    conn.set_min_hop_limit(255).unwrap();
    let clone = conn.try_clone().unwrap();
    assert_eq!(clone.min_hop_limit().unwrap(), 255);
    Conn::new(&conn).unwrap().set_bpf(&[BpfInstruction::new(0x06, 0, 0, 0xffff)]).unwrap();
    clone.set_min_hop_limit(3).unwrap();
    assert_eq!(conn.min_hop_limit().unwrap(), 3);
    conn.detach_bpf().unwrap();
    assert_eq!(clone.min_hop_limit().unwrap(), 3);
}

fn bpf_programs_that_are_too_long_for_the_limit_are_refused() {
    let conn = loopback();
    let pass = |len| vec![BpfInstruction::new(0x06, 0, 0, u32::MAX); len];
    refused(conn.set_bpf(&pass(4097)), "4097");
    conn.set_min_hop_limit(255).unwrap();
    refused(conn.set_bpf(&pass(4088)), "4087");
    // Linux before 6.7 has 20,480 bytes for the programs of a socket (net.core.optmem_max), and while one replaces another,
    // both count.
    conn.set_bpf(&pass(400)).unwrap();
    conn.set_min_hop_limit(254).unwrap();
    assert_eq!(conn.min_hop_limit().unwrap(), 254);
    conn.set_min_hop_limit(0).unwrap();
    conn.detach_bpf().unwrap();
}

fn reading_a_bpf_program_respects_the_room_for_it() {
    let conn = loopback();
    let nothing = BpfInstruction::new(0xffff, 0, 0, 0);
    let mut room = [nothing; 8];
    assert_eq!(ipv6_sys::filter::attached(&conn, &mut room), Ok(0));
    let program = first_byte_is(b'x').map(|_| BpfInstruction::new(0x06, 0, 0, 7));
    conn.set_bpf(&program).unwrap();
    assert_eq!(ipv6_sys::filter::attached(&conn, &mut []), Ok(5));
    // The length counts instructions: room for one less is too small, and stays as it is.
    let too_small = ipv6_sys::filter::attached(&conn, &mut room[..4]);
    assert_eq!(too_small, Err(ipv6_sys::Errno::INVAL.into()));
    assert_eq!(room, [nothing; 8]);
    assert_eq!(ipv6_sys::filter::attached(&conn, &mut room), Ok(5));
    assert_eq!((&room[..5], &room[5..]), (&program[..], &[nothing; 3][..]));
}
