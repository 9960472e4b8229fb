//! Wrong use: each call returns the documented error, or works, and the socket stays usable.

mod common;

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;

use common::*;
use ipv6_std::*;

ipv6_testnet::tests! {
    [Namespace, Ipv4] sockets_of_another_family_are_refused;
    [Namespace] sockets_of_the_wrong_type_are_refused;
    [] a_file_that_is_no_socket_is_refused;
    [Namespace] groups_must_be_multicast_addresses;
    [Namespace] sources_of_a_group_must_be_unicast_ipv6_addresses;
    [Namespace] ipv4_mapped_addresses_are_refused_by_ipv6_only_sockets;
    [Namespace] multicast_and_ipv4_mapped_sources_are_refused;
    [Namespace, Ipv4] a_dual_stack_socket_accepts_an_ipv4_mapped_source;
    [Namespace, Ipv4] each_refused_source_names_its_cause;
    [Namespace, Ipv4] errors_of_the_codec_are_the_source_of_the_error;
    [Namespace] interfaces_that_do_not_exist_are_errors;
    [Namespace] payloads_up_to_the_maximum_size_are_sent;
    [Namespace] a_payload_that_does_not_fit_is_reported_as_truncated;
    [Namespace] control_buffers_may_have_any_size_and_alignment;
    [Namespace] empty_programs_and_batches_do_not_panic;
    [Namespace] invalid_bpf_programs_are_refused;
    [Namespace] a_raw_socket_needs_a_protocol;
    [Namespace] sending_without_a_destination_is_an_error;
    [Namespace] a_source_of_another_host_is_refused;
    [Namespace] more_than_1024_parts_are_refused;
}

/// Asserts that a socket still sends and receives.
fn is_usable(conn: &PacketConn) {
    conn.set_deadline(soon());
    conn.send_to(b"still here", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
    assert_eq!(receive(conn).0, b"still here");
}

// Scar 27 (unbound#945): IPv6 options on an AF_INET socket fail with EINVAL. Our error says that it is not IPv6.
fn sockets_of_another_family_are_refused() {
    let ipv4 = UdpSocket::bind("127.0.0.1:0").unwrap();
    refused(PacketConn::new(&ipv4), "not an IPv6 socket");
    refused(Conn::new(&ipv4), "AF_INET6");
    refused(RawConn::new(&ipv4), "not an IPv6 socket");
    refused(Conn::new(&TcpListener::bind("127.0.0.1:0").unwrap()), "not an IPv6 socket");
    refused(PacketConn::new(UnixDatagram::unbound().unwrap()), "not an IPv6 socket");
    refused(PacketConn::bind("127.0.0.1:0"), "no IPv6 address");
}

fn sockets_of_the_wrong_type_are_refused() {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    refused(PacketConn::new(&listener), "stream");
    refused(RawConn::new(&listener), "stream");
    refused(RawConn::new(UdpSocket::bind("[::1]:0").unwrap()), "not a raw socket");
    // `Conn` accepts a stream socket.
    Conn::new(&listener).unwrap().set_hop_limit(4).unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    refused(PacketConn::new(stream), "stream");
    // A datagram socket has no last segment.
    assert_eq!(errno(loopback().stream_control()), Some(ENOPROTOOPT));
}

fn a_file_that_is_no_socket_is_refused() {
    const ENOTSOCK: i32 = 88;
    assert_eq!(errno(Conn::new(std::fs::File::open("/dev/null").unwrap())), Some(ENOTSOCK));
}

fn groups_must_be_multicast_addresses() {
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

fn sources_of_a_group_must_be_unicast_ipv6_addresses() {
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

fn ipv4_mapped_addresses_are_refused_by_ipv6_only_sockets() {
    let mapped = "[::ffff:127.0.0.1]:0";
    refused(PacketConn::bind(mapped), "::ffff:127.0.0.1");
    refused(PacketConn::bind_reusable(mapped.parse().unwrap()), "::ffff:127.0.0.1");
    let conn = loopback();
    let to = "[::ffff:127.0.0.1]:9".parse().unwrap();
    refused(conn.send_to(b"x", &SendControl::new(), to), "[::ffff:127.0.0.1]:9");
    let messages = [Outgoing::new(b"x", SendControl::new(), Some(to))];
    refused(conn.send_batch(&mut SendBatch::new(1), &messages), "[::ffff:127.0.0.1]:9");
    // A later message of a batch ends the batch before it.
    let good = Outgoing::new(b"x", SendControl::new(), Some(conn.local_addr().unwrap()));
    assert_eq!(conn.send_batch(&mut SendBatch::new(4), &[good, messages[0], good]).unwrap(), 1);
    assert_eq!(receive(&conn).0, b"x");
    is_usable(&conn);
}

/// Sends `control` in each possible way: to `to`, and to the same peer on a connected socket.
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

fn multicast_and_ipv4_mapped_sources_are_refused() {
    let (conn, peer) = (loopback(), loopback());
    let to = peer.local_addr().unwrap();
    for source in ["ff02::1", "::ffff:127.0.0.1"] {
        let control = SendControl::new().with_source(source.parse().unwrap());
        for sent in sends(&conn, &control, to) {
            refused(sent, source);
            is_usable(&conn);
        }
        // Only the datagram sent afterwards arrives.
        assert_eq!(receive(&peer).0, b"still here");
        // A later message of a batch ends the batch before it.
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
    // The unspecified address leaves the choice to the system.
    for sent in sends(&conn, &SendControl::new().with_source(Ipv6Addr::UNSPECIFIED), to) {
        assert_eq!(sent.unwrap(), 1);
    }
}

fn a_dual_stack_socket_accepts_an_ipv4_mapped_source() {
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
    // A multicast source is refused here too.
    refused(conn.send_to(b"x", &SendControl::new().with_source(GROUP), to), "ff02::114");
}

fn each_refused_source_names_its_cause() {
    let only_v6 = loopback();
    let dual = PacketConn::builder().only_v6(false).bind("[::]:0").unwrap();
    let (ipv6, ipv4) = (at(Ipv6Addr::LOCALHOST, 9), at(Ipv4Addr::LOCALHOST.to_ipv6_mapped(), 9));
    let from = |source: &str| SendControl::new().with_source(source.parse().unwrap());
    let (local, groups) = ("::ffff:127.0.0.1", ["::ffff:224.0.0.1", "::ffff:255.255.255.255"]);
    for source in groups.into_iter().chain([local]) {
        let sent = only_v6.send_to(b"x", &from(source), ipv6);
        refused(sent, &format!("{source} is an IPv4-mapped address, and this socket carries IPv6 only"));
    }
    for source in groups.into_iter().chain(["ff02::1"]) {
        for to in [ipv6, ipv4] {
            let sent = dual.send_to(b"x", &from(source), to);
            refused(sent, &format!("{source} is a multicast address, which cannot be the source"));
        }
    }
    let sent = dual.send_to(b"x", &from(local), ipv6);
    refused(
        sent,
        "::ffff:127.0.0.1 is an IPv4-mapped address, which cannot be the source for an IPv6 destination",
    );
    refused(only_v6.send_to(b"x", &SendControl::new(), ipv4), "[::ffff:127.0.0.1]:9");
    // The source is no mistake here; the segment size is.
    for (source, to) in [(local, ipv4), ("::1", ipv6)] {
        refused(dual.send_to(b"x", &from(source).with_segment_size(0), to), "segment size 0");
    }
}

fn errors_of_the_codec_are_the_source_of_the_error() {
    let source = |error: &std::io::Error| {
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<EncodeError>()).copied()
    };
    let raw = RawConn::open(59).unwrap();
    let control = SendControl::new().with_segment_size(8);
    let error = raw.send_to(b"x", &control, at(Ipv6Addr::LOCALHOST, 0)).unwrap_err();
    assert_eq!(source(&error), Some(EncodeError::Unsupported(Control::SegmentSize)), "{error}");
    // More than a single send has room for.
    let mut messages = Messages::<1024>::new();
    for _ in 0..30 {
        messages = messages.with(ipv6_std::message::HopLimit(3)).unwrap();
    }
    let (conn, control) = (loopback(), SendControl::new().with_messages(&messages));
    let error = conn.send_to(b"x", &control, conn.local_addr().unwrap()).unwrap_err();
    assert!(matches!(source(&error), Some(EncodeError::BufferTooSmall { .. })), "{error}");
    assert!(error.to_string().contains("send_messages takes a larger buffer"), "{error}");
}

fn interfaces_that_do_not_exist_are_errors() {
    assert_eq!(InterfaceIndex::new(0), Err(ZeroIndex));
    let none = InterfaceIndex::new(0x7fff_ffff).unwrap();
    let conn = PacketConn::bind("[::1]:0").unwrap();
    for error in [
        conn.join_group(GROUP, none).unwrap_err(),
        conn.join_source_group(SOURCE_GROUP, ipv6_testnet::Pair::A, none).unwrap_err(),
        conn.leave_source_group(SOURCE_GROUP, ipv6_testnet::Pair::A, none).unwrap_err(),
        conn.set_multicast_interface(none).unwrap_err(),
    ] {
        assert_eq!((error.kind(), cause(&error)), (ErrorKind::NotFound, Some(ENODEV)), "{error}");
        assert!(error.to_string().contains("no interface 2147483647: Interface::all()"), "{error}");
    }
    assert_eq!(conn.multicast_interface().unwrap(), None);
    let control = SendControl::new().with_interface(none);
    let error = conn.send_to(b"x", &control, conn.local_addr().unwrap()).unwrap_err();
    assert_eq!(cause(&error), Some(ENODEV));
    assert!(error.to_string().contains("2147483647"), "{error}");
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

fn payloads_up_to_the_maximum_size_are_sent() {
    // The maximum IPv6 payload, 65,535 bytes, less 8 for the UDP header.
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

fn a_payload_that_does_not_fit_is_reported_as_truncated() {
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

fn control_buffers_may_have_any_size_and_alignment() {
    let conn = loopback();
    let wanted = ControlFlags::all() - ControlFlags::PATH_MTU - ControlFlags::FLOW_LABEL;
    conn.set_control_flags(wanted, true).unwrap();
    let enough = wanted.space::<Host>();
    let align = align_of::<nix::libc::cmsghdr>();
    let mut storage = [0xa5_u8; 512];
    for start in 0..16 {
        for len in 0..=enough + 16 {
            let control = SendControl::new().with_hop_limit(8).with_traffic_class(0x28);
            conn.send_to(b"x", &control, conn.local_addr().unwrap()).unwrap();
            storage.fill(0xa5);
            let message = conn.recv_message(&mut [0; 8], &mut storage[start..start + len]).unwrap();
            // A message that arrived whole is right; one that was cut is absent and reported as truncated.
            let got = message.control().unwrap();
            assert!(got.hop_limit.is_none_or(|hops| hops == 8), "{start} {len}");
            assert!(got.traffic_class.is_none_or(|class| class == 0x28), "{start} {len}");
            assert!(got.destination.is_none_or(|address| address.is_loopback()), "{start} {len}");
            let complete =
                got.hop_limit.is_some() && got.traffic_class.is_some() && got.destination.is_some();
            assert_eq!(message.control_truncated, !complete, "{start} {len}");
            assert!(complete || len < enough + 8, "{start} {len}");
            // The bytes are aligned for a `cmsghdr`, for the kernel and for readers that use C's macros.
            if !message.raw_control().is_empty() {
                assert_eq!(message.raw_control().as_ptr().addr() % align, 0, "{start} {len}");
            }
            if !complete {
                continue;
            }
            assert_eq!(message.raw_messages().filter(Result::is_ok).count(), 3);
            // No byte outside of the given slice was written.
            assert!(storage[..start].iter().chain(&storage[start + len..]).all(|byte| *byte == 0xa5));
        }
    }
    is_usable(&conn);
}

// Scar 33: Go's SetBPF and ReadBatch panic on an empty slice.
fn empty_programs_and_batches_do_not_panic() {
    let conn = loopback();
    refused(conn.set_bpf(&[]), "empty");
    let no_payloads: &mut [[u8; 8]] = &mut [];
    assert_eq!(conn.recv_batch(&mut RecvBatch::new(4), no_payloads).unwrap(), 0);
    assert_eq!(conn.recv_batch(&mut RecvBatch::new(0), &mut [[0; 8]; 4]).unwrap(), 0);
    assert_eq!(conn.send_batch(&mut SendBatch::new(4), &[]).unwrap(), 0);
    let one = [Outgoing::new(b"x", SendControl::new(), Some(conn.local_addr().unwrap()))];
    assert_eq!(conn.send_batch(&mut SendBatch::new(0), &one).unwrap(), 1);
    let (mut batch, mut send) = (RecvBatch::new(4), SendBatch::new(4));
    assert_eq!((batch.is_empty(), batch.len()), (true, 0));
    assert_eq!(conn.recv_batch(&mut batch, &mut [[0; 8]; 4]).unwrap(), 1);
    assert_eq!((batch.is_empty(), batch.len()), (false, 1));
    assert_eq!((batch.capacity(), send.capacity()), (4, 4));
    send.grow(7);
    send.grow(2);
    assert_eq!(send.capacity(), 7);
    is_usable(&conn);
}

fn invalid_bpf_programs_are_refused() {
    let conn = loopback();
    // A jump past the end, an unknown opcode, no return at the end, too long, and longer than its length field.
    let pass = BpfInstruction::new(0x06, 0, 0, 0xffff);
    let jump = [BpfInstruction::new(0x15, 9, 9, 0), pass];
    let unknown = [BpfInstruction::new(0xffff, 0, 0, 0), pass];
    let endless = [BpfInstruction::new(0x30, 0, 0, 0)];
    let long = [pass; 4097];
    let longer = vec![pass; 65_536 + 1];
    for program in [&jump[..], &unknown, &endless, &long, &longer] {
        assert_eq!(conn.set_bpf(program).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    // The maximum length needs 32 KiB of net.core.optmem_max, whose default in Linux 6.1 is 20 KiB.
    if let Err(error) = conn.set_bpf(&long[..4096]) {
        assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    }
    conn.set_bpf(&long[..1024]).unwrap();
    is_usable(&conn);
}

fn a_raw_socket_needs_a_protocol() {
    refused(RawConn::open(0), "protocol 0");
    RawConn::open(255).unwrap();
}

fn sending_without_a_destination_is_an_error() {
    const EDESTADDRREQ: i32 = 89;
    let conn = loopback();
    assert_eq!(errno(conn.send(b"x", &SendControl::new())), Some(EDESTADDRREQ));
    let messages = [Outgoing::new(b"x", SendControl::new(), None)];
    assert_eq!(errno(conn.send_batch(&mut SendBatch::new(1), &messages)), Some(EDESTADDRREQ));
    assert_eq!(errno(conn.send_to(b"x", &SendControl::new(), at(Ipv6Addr::LOCALHOST, 0))), Some(EINVAL));
    is_usable(&conn);
}

fn a_source_of_another_host_is_refused() {
    let conn = loopback();
    let to = conn.local_addr().unwrap();
    // An address that this host does not have.
    let foreign = SendControl::new().with_source("2001:db8::77".parse().unwrap());
    assert_eq!(cause(&conn.send_to(b"x", &foreign, to).unwrap_err()), Some(EINVAL));
    is_usable(&conn);
}

fn more_than_1024_parts_are_refused() {
    let conn = loopback();
    let to = conn.local_addr().unwrap();
    let parts = vec![std::io::IoSlice::new(b"x"); 1025];
    assert_eq!(conn.send_vectored(&parts[..1024], &SendControl::new(), to).unwrap(), 1024);
    assert_eq!(receive(&conn).0, [b'x'; 1024]);
    assert_eq!(errno(conn.send_vectored(&parts, &SendControl::new(), to)), Some(EMSGSIZE));

    // The system's error for a receive would be that of a report about an earlier datagram: a server would go on for ever.
    let mut bytes = vec![[0; 1]; 1025];
    let mut buffers: Vec<_> = bytes.iter_mut().map(|byte| std::io::IoSliceMut::new(byte)).collect();
    let mut batch = RecvBatch::new(2);
    for flags in [ControlFlags::empty(), ControlFlags::HOP_LIMIT] {
        conn.set_control_flags(flags, true).unwrap();
        for deadline in [None, soon()] {
            conn.set_deadline(deadline);
            let errors = [
                conn.recv_vectored(&mut buffers).unwrap_err(),
                conn.try_recv_vectored(&mut buffers).unwrap_err(),
                conn.recv_batch(&mut batch, &mut [&mut buffers[..]]).unwrap_err(),
                conn.recv_batch(&mut batch, &mut [Vectored::new(&mut buffers)]).unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
                assert!(error.to_string().contains("1024 buffers, not 1025"), "{error}");
                assert!(!is_about_peer(&error));
            }
        }
    }
    conn.send_to(&[b'x'; 1024], &SendControl::new(), to).unwrap();
    assert_eq!(conn.recv_vectored(&mut buffers[..1024]).unwrap().len, 1024);
    is_usable(&conn);
}
