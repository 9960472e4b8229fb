//! Wrong use: each gives the error that is documented, or works, and leaves the socket usable.

mod common;

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;

use common::*;
use ipv6_std::*;

ipv6_testnet::tests! {
    [Namespace, Ipv4] scar_27_sockets_of_another_family;
    [Namespace] sockets_of_another_kind;
    [] files_are_no_sockets;
    [Namespace] groups_that_are_none;
    [Namespace] sources_that_are_none;
    [Namespace] ipv4_mapped_addresses;
    [Namespace] sources_that_cannot_be_sent_from;
    [Namespace, Ipv4] ipv4_mapped_sources_where_ipv4_is_carried;
    [Namespace] interfaces_that_do_not_exist;
    [Namespace] payloads_of_any_size;
    [Namespace] buffers_of_any_size;
    [Namespace] control_buffers_of_any_size_and_alignment;
    [Namespace] scar_33_empty_things;
    [Namespace] bpf_that_is_not_valid;
    [Namespace] raw_sockets_of_no_protocol;
    [Namespace] sends_without_a_destination;
    [Namespace] controls_that_the_system_refuses;
    [Namespace] too_many_parts;
}

/// Asserts that a socket still sends and receives.
fn is_usable(conn: &PacketConn) {
    conn.set_deadline(soon());
    conn.send_to(b"still here", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
    assert_eq!(receive(conn).0, b"still here");
}

fn scar_27_sockets_of_another_family() {
    let ipv4 = UdpSocket::bind("127.0.0.1:0").unwrap();
    refused(PacketConn::new(&ipv4), "not an IPv6 socket");
    refused(Conn::new(&ipv4), "AF_INET6");
    refused(RawConn::new(&ipv4), "not an IPv6 socket");
    refused(Conn::new(&TcpListener::bind("127.0.0.1:0").unwrap()), "not an IPv6 socket");
    refused(PacketConn::new(UnixDatagram::unbound().unwrap()), "not an IPv6 socket");
    refused(PacketConn::bind("127.0.0.1:0"), "no IPv6 address");
}

fn sockets_of_another_kind() {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    refused(PacketConn::new(&listener), "stream");
    refused(RawConn::new(&listener), "stream");
    refused(RawConn::new(UdpSocket::bind("[::1]:0").unwrap()), "not a raw socket");
    // A stream is good for what Conn does.
    Conn::new(&listener).unwrap().set_hop_limit(4).unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    refused(PacketConn::new(stream), "stream");
    // A datagram socket has no segment that came last.
    assert!(loopback().stream_control().is_err());
}

fn files_are_no_sockets() {
    const ENOTSOCK: i32 = 88;
    assert_eq!(errno(Conn::new(std::fs::File::open("/dev/null").unwrap())), Some(ENOTSOCK));
}

fn groups_that_are_none() {
    let conn = loopback();
    let source = "2001:db8::1".parse().unwrap();
    for group in ["::1", "fe80::1", "2001:db8::1", "::", "::ffff:224.0.0.1"] {
        let address = group.parse().unwrap();
        refused(conn.join_group(address, AnyInterface), group);
        refused(conn.leave_group(address, AnyInterface), group);
        refused(conn.join_source_group(address, source, AnyInterface), group);
        refused(conn.leave_source_group(address, source, AnyInterface), group);
        refused(conn.exclude_source(address, source, AnyInterface), group);
        refused(conn.include_source(address, source, AnyInterface), group);
    }
    is_usable(&conn);
}

fn sources_that_are_none() {
    let conn = loopback();
    for source in ["ff02::1", "::", "::ffff:192.0.2.1"] {
        let address = source.parse().unwrap();
        refused(conn.join_source_group(SOURCE_GROUP, address, AnyInterface), source);
        refused(conn.leave_source_group(SOURCE_GROUP, address, AnyInterface), source);
        refused(conn.exclude_source(SOURCE_GROUP, address, AnyInterface), source);
        refused(conn.include_source(SOURCE_GROUP, address, AnyInterface), source);
    }
    is_usable(&conn);
}

fn ipv4_mapped_addresses() {
    let mapped = "[::ffff:127.0.0.1]:0";
    refused(PacketConn::bind(mapped), "::ffff:127.0.0.1");
    refused(PacketConn::bind_reusable(mapped.parse().unwrap()), "::ffff:127.0.0.1");
    let conn = loopback();
    let to = "[::ffff:127.0.0.1]:9".parse().unwrap();
    refused(conn.send_to(b"x", &SendControl::new(), to), "[::ffff:127.0.0.1]:9");
    let messages = [Outgoing::new(b"x", SendControl::new(), Some(to))];
    refused(conn.send_batch(&mut SendBatch::new(1), &messages), "[::ffff:127.0.0.1]:9");
    // As a message of a batch that is not the first, it ends the batch before it.
    let good = Outgoing::new(b"x", SendControl::new(), Some(conn.local_addr().unwrap()));
    assert_eq!(conn.send_batch(&mut SendBatch::new(4), &[good, messages[0], good]).unwrap(), 1);
    assert_eq!(receive(&conn).0, b"x");
    is_usable(&conn);
}

/// Sends in each of the ways that there are, with `control`, to `to` and to the same peer when connected.
fn sends(
    conn: &PacketConn,
    control: &SendControl<'_>,
    to: std::net::SocketAddrV6,
) -> [std::io::Result<usize>; 5] {
    let connected = loopback();
    connected.get_ref().connect(to).unwrap();
    let parts = [std::io::IoSlice::new(b"x")];
    let batch =
        |conn: &PacketConn, to| conn.send_batch(&mut SendBatch::new(1), &[Outgoing::new(b"x", *control, to)]);
    let sent = [
        conn.send_to(b"x", control, to),
        conn.send_vectored(&parts, control, to),
        batch(conn, Some(to)),
        connected.send(b"x", control),
        batch(&connected, None),
    ];
    connected.send(b"still here", &SendControl::new()).unwrap();
    sent
}

fn sources_that_cannot_be_sent_from() {
    let (conn, peer) = (loopback(), loopback());
    let to = peer.local_addr().unwrap();
    for source in ["ff02::1", "::ffff:127.0.0.1"] {
        let control = SendControl::new().with_source(source.parse().unwrap());
        for sent in sends(&conn, &control, to) {
            refused(sent, source);
            is_usable(&conn);
        }
        // Nothing went but what was sent afterwards.
        assert_eq!(receive(&peer).0, b"still here");
        // As a message of a batch that is not the first, it ends the batch before it.
        let (good, bad) =
            (Outgoing::new(b"x", SendControl::new(), Some(to)), Outgoing::new(b"x", control, Some(to)));
        assert_eq!(conn.send_batch(&mut SendBatch::new(4), &[good, bad, good]).unwrap(), 1);
        assert_eq!(receive(&peer).0, b"x");
        is_usable(&conn);
    }
    let raw = RawConn::open(59).unwrap();
    for source in ["ff02::1", "::ffff:127.0.0.1"] {
        let control = SendControl::new().with_source(source.parse().unwrap());
        refused(raw.send_to(b"x", &control, at(Ipv6Addr::LOCALHOST, 0)), source);
        raw.send_to(b"x", &SendControl::new(), at(Ipv6Addr::LOCALHOST, 0)).unwrap();
    }
    // The unspecified address is no choice, and leaves it to the system.
    for sent in sends(&conn, &SendControl::new().with_source(Ipv6Addr::UNSPECIFIED), to) {
        assert_eq!(sent.unwrap(), 1);
    }
}

fn ipv4_mapped_sources_where_ipv4_is_carried() {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
    let to = at(mapped, peer.local_addr().unwrap().port());
    let conn = PacketConn::new(UdpSocket::bind("[::]:0").unwrap()).unwrap();
    let control = SendControl::new().with_source(mapped);
    assert_eq!(conn.send_to(b"single", &control, to).unwrap(), 6);
    let batch = [Outgoing::new(b"batch", control, Some(to))];
    assert_eq!(conn.send_batch(&mut SendBatch::new(1), &batch).unwrap(), 1);
    for text in [b"single".as_slice(), b"batch"] {
        let mut payload = [0; 8];
        let (len, source) = peer.recv_from(&mut payload).unwrap();
        assert_eq!((&payload[..len], source.ip()), (text, Ipv4Addr::LOCALHOST.into()));
    }
    // A group is the source of nothing, here neither.
    refused(conn.send_to(b"x", &SendControl::new().with_source(GROUP), to), "ff02::114");
}

fn interfaces_that_do_not_exist() {
    assert_eq!(InterfaceIndex::new(0), Err(ZeroIndex));
    let none = InterfaceIndex::new(0x7fff_ffff).unwrap();
    let conn = PacketConn::bind("[::1]:0").unwrap();
    assert_eq!(errno(conn.join_group(GROUP, none)), Some(ENODEV));
    assert_eq!(errno(conn.set_multicast_interface(none)), Some(ENODEV));
    assert_eq!(conn.multicast_interface().unwrap(), None);
    let error = conn.send_to(b"x", &SendControl::new().with_interface(none), conn.local_addr().unwrap());
    assert_eq!(errno(error), Some(ENODEV));
    for index in [0x7fff_ffff, 0x8000_0000, u32::MAX] {
        let error = Interface::by_index(InterfaceIndex::new(index).unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains(&index.to_string()), "{error}");
    }
    for name in ["", "nosuch0", "a\0b", "a-name-that-is-longer-than-any-interface-has", "lo "] {
        assert_eq!(Interface::by_name(name).unwrap_err().kind(), ErrorKind::NotFound, "{name}");
    }
    is_usable(&conn);
}

fn payloads_of_any_size() {
    // 65,535 of an IPv6 payload, less 8 of the UDP header.
    const MOST: usize = 65_527;
    let conn = loopback();
    let to = conn.local_addr().unwrap();
    let payload = vec![7; MOST + 1];
    for len in [0, 1, 1232, 1500, MOST] {
        assert_eq!(conn.send_to(&payload[..len], &SendControl::new(), to).unwrap(), len);
        let mut buffer = vec![0; MOST + 1];
        let got = conn.recv_from(&mut buffer).unwrap();
        assert_eq!((got.len, got.truncated), (len, false));
        assert_eq!(buffer[..len], payload[..len]);
    }
    assert_eq!(errno(conn.send_to(&payload, &SendControl::new(), to)), Some(EMSGSIZE));
    is_usable(&conn);
}

fn buffers_of_any_size() {
    let conn = loopback();
    conn.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    for room in 0..=6 {
        conn.send_to(b"HELLO", &SendControl::new().with_hop_limit(8), conn.local_addr().unwrap()).unwrap();
        let mut buffer = vec![0; room];
        let got = conn.recv_from(&mut buffer).unwrap();
        assert_eq!((got.len, got.truncated), (room.min(5), room < 5));
        assert_eq!(got.control.hop_limit, Some(8));
        assert_eq!(buffer[..got.len], b"HELLO"[..got.len]);
    }
    is_usable(&conn);
}

fn control_buffers_of_any_size_and_alignment() {
    let conn = loopback();
    conn.set_control_flags(ControlFlags::all(), true).unwrap();
    let wanted = ControlFlags::all() - ControlFlags::PATH_MTU;
    let enough = wanted.space::<Host>();
    let align = align_of::<nix::libc::cmsghdr>();
    let mut storage = [0xa5_u8; 512];
    for start in 0..16 {
        for len in 0..=enough + 16 {
            let control = SendControl::new().with_hop_limit(8).with_traffic_class(0x28);
            conn.send_to(b"x", &control, conn.local_addr().unwrap()).unwrap();
            storage.fill(0xa5);
            let message = conn.recv_message(&mut [0; 8], &mut storage[start..start + len]).unwrap();
            // What arrived whole is right; what did not is not there, and said to be cut.
            let got = message.control().unwrap();
            assert!(got.hop_limit.is_none_or(|hops| hops == 8), "{start} {len}");
            assert!(got.traffic_class.is_none_or(|class| class == 0x28), "{start} {len}");
            assert!(got.destination.is_none_or(|address| address.is_loopback()), "{start} {len}");
            let complete =
                got.hop_limit.is_some() && got.traffic_class.is_some() && got.destination.is_some();
            assert_eq!(message.control_truncated, !complete, "{start} {len}");
            assert!(complete || len < enough + 8, "{start} {len}");
            // The kernel, and whoever reads with C's macros, gets what is aligned to a header.
            if !message.raw_control().is_empty() {
                assert_eq!(message.raw_control().as_ptr().addr() % align, 0, "{start} {len}");
            }
            if !complete {
                continue;
            }
            assert_eq!(message.raw_messages().filter(Result::is_ok).count(), 3);
            // Nothing was written outside of what was lent.
            assert!(storage[..start].iter().chain(&storage[start + len..]).all(|byte| *byte == 0xa5));
        }
    }
    is_usable(&conn);
}

fn scar_33_empty_things() {
    let conn = loopback();
    refused(conn.set_bpf(&[]), "empty");
    let no_payloads: &mut [[u8; 8]] = &mut [];
    assert_eq!(conn.recv_batch(&mut RecvBatch::new(4), no_payloads).unwrap(), 0);
    assert_eq!(conn.recv_batch(&mut RecvBatch::new(0), &mut [[0; 8]; 4]).unwrap(), 0);
    assert_eq!(conn.send_batch(&mut SendBatch::new(4), &[]).unwrap(), 0);
    let one = [Outgoing::new(b"x", SendControl::new(), Some(conn.local_addr().unwrap()))];
    assert_eq!(conn.send_batch(&mut SendBatch::new(0), &one).unwrap(), 1);
    assert_eq!(receive(&conn).0, b"x");
    is_usable(&conn);
}

fn bpf_that_is_not_valid() {
    let conn = loopback();
    // A jump past the end, an unknown opcode, a program without a return, and one that is too long.
    let pass = BpfInstruction::new(0x06, 0, 0, 0xffff);
    let jump = [BpfInstruction::new(0x15, 9, 9, 0), pass];
    let unknown = [BpfInstruction::new(0xffff, 0, 0, 0), pass];
    let endless = [BpfInstruction::new(0x30, 0, 0, 0)];
    let long = [pass; 4097];
    let longer = vec![pass; 65_536 + 1];
    for program in [&jump[..], &unknown, &endless, &long, &longer] {
        assert_eq!(conn.set_bpf(program).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    // One that is not too long, if net.core.optmem_max has room: Linux 6.1 comes with 20 KiB, and it takes 32.
    if let Err(error) = conn.set_bpf(&long[..4096]) {
        assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    }
    conn.set_bpf(&long[..1024]).unwrap();
    is_usable(&conn);
}

fn raw_sockets_of_no_protocol() {
    refused(RawConn::open(0), "protocol 0");
    RawConn::open(255).unwrap();
}

fn sends_without_a_destination() {
    const EDESTADDRREQ: i32 = 89;
    let conn = loopback();
    assert_eq!(errno(conn.send(b"x", &SendControl::new())), Some(EDESTADDRREQ));
    let messages = [Outgoing::new(b"x", SendControl::new(), None)];
    assert_eq!(errno(conn.send_batch(&mut SendBatch::new(1), &messages)), Some(EDESTADDRREQ));
    assert_eq!(errno(conn.send_to(b"x", &SendControl::new(), at(Ipv6Addr::LOCALHOST, 0))), Some(EINVAL));
    is_usable(&conn);
}

fn controls_that_the_system_refuses() {
    let conn = loopback();
    let to = conn.local_addr().unwrap();
    // An address that is not ours.
    let foreign = SendControl::new().with_source("2001:db8::77".parse().unwrap());
    assert!(conn.send_to(b"x", &foreign, to).is_err());
    is_usable(&conn);
}

fn too_many_parts() {
    let conn = loopback();
    let to = conn.local_addr().unwrap();
    let parts = vec![std::io::IoSlice::new(b"x"); 1025];
    assert_eq!(conn.send_vectored(&parts[..1024], &SendControl::new(), to).unwrap(), 1024);
    assert_eq!(receive(&conn).0, [b'x'; 1024]);
    assert_eq!(errno(conn.send_vectored(&parts, &SendControl::new(), to)), Some(EMSGSIZE));
    is_usable(&conn);
}
