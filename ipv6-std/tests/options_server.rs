//! Options and messages of servers, by their effect.

mod common;

use std::io::{self, ErrorKind};
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};

use common::*;
use ipv6_std::message::{Dropped, FirstDestinationOptions, Ipv4OriginalDestination, Mark, Priority};
use ipv6_std::option::{LocalPorts, SendTimes};
use ipv6_std::*;
use ipv6_testnet::{Host, Pair, link};
use rustix::thread::{CapabilitySet, CapabilitySets};
use socket2::{Domain, Socket, Type};

ipv6_testnet::tests! {
    [Namespace] options_without_the_privilege_name_it;
    [Namespace] messages_without_the_privilege_name_it;
    [Namespace] a_mark_selects_the_route;
    [Namespace] the_mark_of_a_packet_is_received;
    [Namespace] the_priority_of_a_packet_is_received;
    [] dropped_packets_are_counted;
    [] a_program_selects_the_socket_of_a_shared_port;
    [] a_locked_filter_stays;
    [Namespace] a_forced_buffer_exceeds_the_limit;
    [] an_error_in_the_queue_is_urgent_if_the_option_is_on;
    [] a_socket_describes_itself;
    [Namespace] a_socket_bound_to_a_device_receives_from_no_other;
    [] ports_are_chosen_from_the_range_of_the_socket;
    [] a_bind_leaves_the_port_open_until_the_connection;
    [] payloads_are_cut_into_segments;
    [Namespace] datagrams_without_checksum_are_received_if_the_option_is_on;
    [Namespace] datagrams_with_encapsulated_packets_are_not_delivered;
    [] a_port_is_shared_with_the_option_only;
    [] busy_polling_is_read_as_it_was_set;
    [Ipv4] the_original_destination_of_ipv4_packets_is_received;
}

/// Runs `work` on a thread without capabilities.
fn unprivileged(work: impl FnOnce() + Send) {
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            rustix::thread::set_capabilities(None, none).unwrap();
            work();
        });
        thread.join().unwrap();
    });
}

fn options_without_the_privilege_name_it() {
    let conn = loopback();
    let anycast = option::Group { group: "2001:db8::1".parse().unwrap(), on: InterfaceIndex::new(1).ok() };
    let bound = loopback();
    bound.set_option(&option::DEVICE_INDEX, InterfaceIndex::new(1).ok()).unwrap();
    unprivileged(|| {
        for (result, says) in [
            (conn.set_option(&option::MARK, 1), "SO_MARK needs CAP_NET_ADMIN or CAP_NET_RAW"),
            (conn.set_option(&option::PRIORITY, 7), "SO_PRIORITY needs CAP_NET_ADMIN or CAP_NET_RAW"),
            (
                conn.set_option(&option::TRANSPARENT, true),
                "IPV6_TRANSPARENT needs CAP_NET_ADMIN or CAP_NET_RAW",
            ),
            (conn.set_option(&option::PREFER_BUSY_POLL, true), "SO_PREFER_BUSY_POLL needs CAP_NET_ADMIN"),
            (conn.set_option(&option::BUSY_POLL_BUDGET, 9), "SO_BUSY_POLL_BUDGET needs CAP_NET_ADMIN"),
            (conn.set_option(&option::FORCED_RECEIVE_BUFFER, 1), "SO_RCVBUFFORCE needs CAP_NET_ADMIN"),
            (conn.set_option(&option::FORCED_SEND_BUFFER, 1), "SO_SNDBUFFORCE needs CAP_NET_ADMIN"),
            (conn.set_option(&option::JOIN_ANYCAST, anycast), "IPV6_JOIN_ANYCAST needs CAP_NET_ADMIN"),
            (
                conn.set_option(&option::SEND_TIMES, SendTimes::new(SendTimes::TAI)),
                "SO_TXTIME needs CAP_NET_ADMIN",
            ),
            // To change it; the first binding is free.
            (bound.set_option(&option::DEVICE_INDEX, None), "SO_BINDTOIFINDEX needs CAP_NET_RAW"),
            (RawConn::open(Icmp6Type::PROTOCOL).map(drop), "a raw socket needs CAP_NET_RAW"),
            (MulticastRouter::open().map(drop), "needs CAP_NET_RAW"),
        ] {
            let Err(error) = result else { panic!("{says}: no error") };
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{says}: {error}");
            assert!(error.to_string().contains(says), "{error}: does not contain {says:?}");
        }
        // Without privilege.
        conn.set_option(&option::PRIORITY, 6).unwrap();
        conn.set_option(&option::SEND_TIMES, SendTimes::new(SendTimes::MONOTONIC)).unwrap();
        conn.set_option(&option::RECEIVE_MARK, true).unwrap();
    });
}

fn messages_without_the_privilege_name_it() {
    let conn = loopback();
    let to = conn.local_addr().unwrap();
    let header = ext::OptionsBuilder::<8>::new().with(ext::OptionType(0x1e), &[1]).unwrap();
    let new = Messages::<64>::new;
    let (hop_by_hop, destination) = (header.hop_by_hop(), header.destination_options());
    for (messages, says) in [
        (new().with(Mark(1)), "SO_MARK needs CAP_NET_ADMIN or CAP_NET_RAW"),
        (new().with(Priority(7)), "SO_PRIORITY needs CAP_NET_ADMIN or CAP_NET_RAW"),
        (new().with(hop_by_hop), "IPV6_HOPOPTS needs CAP_NET_RAW"),
        (new().with(destination), "IPV6_DSTOPTS needs CAP_NET_RAW"),
        (new().with(FirstDestinationOptions(destination)), "IPV6_RTHDRDSTOPTS needs CAP_NET_RAW"),
    ] {
        let messages = messages.unwrap();
        unprivileged(|| {
            let control = SendControl::new().with_hop_limit(9).with_messages(&messages);
            let batch = [Outgoing::new(b"x", control, Some(to))];
            for error in [
                conn.send_to(b"x", &control, to).unwrap_err(),
                conn.send_messages(b"x", &messages, to).unwrap_err(),
                conn.send_batch(&mut SendBatch::new(1), &batch).unwrap_err(),
            ] {
                // Before Linux 6.14 there is no message of the priority.
                if says.starts_with("SO_PRIORITY") && error.kind() == ErrorKind::InvalidInput {
                    continue;
                }
                assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{says}: {error}");
                assert!(error.to_string().contains(says), "{error}: does not contain {says:?}");
            }
        });
    }
}

fn a_mark_selects_the_route() {
    let pair = Pair::new().unwrap();
    pair.a.ip("-6 rule add fwmark 7 prohibit").unwrap();
    let (sender, receiver) = (on(&pair.a), on(&pair.b));
    let to = at(Pair::B, port(&receiver));
    let prohibited =
        |result: io::Result<usize>| result.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    sender.send_to(b"x", &SendControl::new(), to).unwrap();
    // The mark of one packet.
    let messages = Messages::<64>::new().with(Mark(7)).unwrap();
    let marked = SendControl::new().with_messages(&messages);
    assert!(prohibited(sender.send_to(b"x", &marked, to)));
    sender.send_to(b"x", &SendControl::new(), to).unwrap();
    // The mark of the socket.
    sender.set_option(&option::MARK, 7).unwrap();
    assert_eq!(sender.option(&option::MARK).unwrap(), 7);
    assert!(prohibited(sender.send_to(b"x", &SendControl::new(), to)));
    let messages = Messages::<64>::new().with(Mark(0)).unwrap();
    sender.send_to(b"x", &SendControl::new().with_messages(&messages), to).unwrap();
}

/// What the socket receives with a datagram to itself.
fn to_itself<M: for<'a> ControlMessage<ipv6_std::Host, Value<'a> = M>>(
    conn: &PacketConn,
    control: &SendControl<'_>,
) -> Option<M> {
    conn.send_to(b"x", control, conn.local_addr().unwrap()).unwrap();
    let (mut payload, mut bytes) = ([0; 16], [0; 512]);
    conn.recv_message(&mut payload, &mut bytes).unwrap().get::<M>().unwrap()
}

fn the_mark_of_a_packet_is_received() {
    let conn = loopback();
    let messages = Messages::<64>::new().with(Mark(5)).unwrap();
    let marked = SendControl::new().with_messages(&messages);
    assert_eq!(to_itself::<Mark>(&conn, &marked), None);
    match conn.set_option(&option::RECEIVE_MARK, true) {
        Err(error) if error.kind() == ErrorKind::Unsupported || error.raw_os_error() == Some(ENOPROTOOPT) => {
            return eprintln!("before Linux 5.19");
        }
        set => set.unwrap(),
    }
    assert_eq!(to_itself(&conn, &marked), Some(Mark(5)));
    conn.set_option(&option::MARK, 6).unwrap();
    assert_eq!(to_itself(&conn, &SendControl::new()), Some(Mark(6)));
}

fn the_priority_of_a_packet_is_received() {
    let conn = loopback();
    if let Err(error) = conn.set_option(&option::RECEIVE_PRIORITY, true) {
        return eprintln!("before Linux 6.14: {error}");
    }
    let messages = Messages::<64>::new().with(Priority(5)).unwrap();
    assert_eq!(to_itself(&conn, &SendControl::new().with_messages(&messages)), Some(Priority(5)));
    conn.set_option(&option::PRIORITY, 3).unwrap();
    assert_eq!(to_itself(&conn, &SendControl::new()), Some(Priority(3)));
}

fn dropped_packets_are_counted() {
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_option(&option::RECEIVE_DROPPED, true).unwrap();
    receiver.set_option(&option::RECEIVE_BUFFER, 1).unwrap();
    let size = receiver.option(&option::RECEIVE_BUFFER).unwrap();
    let to = receiver.local_addr().unwrap();
    for _ in 0..100 {
        sender.send_to(&[0; 1000], &SendControl::new(), to).unwrap();
    }
    delivered();
    let memory = receiver.option(&option::MEMORY).unwrap();
    assert!(memory.drops > 0 && memory.received > 0, "{memory:?}");
    assert_eq!(memory.receive_buffer, size);
    receiver.set_nonblocking(true).unwrap();
    while receiver.recv_from(&mut []).is_ok() {}
    receiver.set_nonblocking(false).unwrap();
    sender.send_to(b"x", &SendControl::new(), to).unwrap();
    let (mut payload, mut bytes) = ([0; 16], [0; 512]);
    let message = receiver.recv_message(&mut payload, &mut bytes).unwrap();
    assert_eq!(message.get::<Dropped>().unwrap(), Some(Dropped(memory.drops)));
}

/// A program that returns a number.
fn returns(number: u32) -> [BpfInstruction; 1] {
    [BpfInstruction { code: 0x06, jt: 0, jf: 0, k: number }]
}

fn a_program_selects_the_socket_of_a_shared_port() {
    let first = sharing(at(Ipv6Addr::LOCALHOST, 0));
    let to = first.local_addr().unwrap();
    let sockets = [first, sharing(to), sharing(to)];
    // From many ports, so that a hash would select each of the sockets.
    let send = |text: &[u8]| {
        for _ in 0..16 {
            loopback().send_to(text, &SendControl::new(), to).unwrap();
        }
    };
    for (index, socket) in sockets.iter().enumerate() {
        option::attach_port_selector(&sockets[0], &returns(index as u32)).unwrap();
        send(b"selected");
        for _ in 0..16 {
            assert_eq!(receive(socket).0, b"selected");
        }
    }
    sockets[0].set_option(&option::DETACH_PORT_SELECTOR, ()).unwrap();
    send(b"hashed");
    delivered();
    let received = sockets.iter().filter(|socket| {
        socket.set_nonblocking(true).unwrap();
        socket.recv_from(&mut [0; 16]).is_ok()
    });
    assert!(received.count() > 1);
    assert_eq!(errno(sockets[0].set_option(&option::DETACH_PORT_SELECTOR, ())), Some(2));
    assert!(option::attach_port_selector(&sockets[0], &[]).is_err());
    let alone = loopback();
    assert!(option::attach_ebpf_port_selector(&alone, &alone).is_err());
    assert!(option::attach_ebpf_filter(&alone, &alone).is_err());
}

fn a_locked_filter_stays() {
    let conn = loopback();
    let to = conn.local_addr().unwrap();
    // Receives the first five bytes of each datagram: eight of the header of UDP, and five.
    conn.set_bpf(&returns(13)).unwrap();
    conn.set_option(&option::LOCK_FILTER, true).unwrap();
    assert!(conn.detach_bpf().is_err());
    assert!(conn.set_bpf(&returns(0)).is_err());
    assert_eq!(conn.set_option(&option::LOCK_FILTER, false).unwrap_err().kind(), ErrorKind::PermissionDenied);
    conn.send_to(b"first five", &SendControl::new(), to).unwrap();
    assert_eq!(receive(&conn).0, b"first");
}

fn a_forced_buffer_exceeds_the_limit() {
    let conn = loopback();
    for (forced, buffer) in [
        (&option::FORCED_RECEIVE_BUFFER, &option::RECEIVE_BUFFER),
        (&option::FORCED_SEND_BUFFER, &option::SEND_BUFFER),
    ] {
        // The limit, net.core.rmem_max or wmem_max, is what a huge request is granted. (Older kernels hide the settings in
        // network namespaces.)
        conn.set_option(buffer, 1 << 29).unwrap();
        let limit = conn.option(buffer).unwrap() / 2;
        let wanted = limit + 100_000;
        conn.set_option(buffer, wanted).unwrap();
        assert_eq!(conn.option(buffer).unwrap(), 2 * limit);
        match conn.set_option(forced, wanted) {
            // The privilege of the original user namespace is necessary.
            Err(error) => assert!(error.to_string().contains("CAP_NET_ADMIN"), "{error}"),
            Ok(()) => assert_eq!(conn.option(buffer).unwrap(), 2 * wanted),
        }
    }
}

fn an_error_in_the_queue_is_urgent_if_the_option_is_on() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let urgent = |on: bool| {
        let conn = loopback();
        conn.set_queue_errors(true).unwrap();
        conn.set_option(&option::SELECT_ERROR_QUEUE, on).unwrap();
        conn.send_to(b"x", &SendControl::new(), nobody()).unwrap();
        let mut sockets = [PollFd::new(&conn, PollFlags::PRI)];
        poll(&mut sockets, Some(&Timespec { tv_sec: 60, tv_nsec: 0 })).unwrap();
        let events = sockets[0].revents();
        assert!(events.contains(PollFlags::ERR));
        events.contains(PollFlags::PRI)
    };
    assert!(!urgent(false));
    assert!(urgent(true));
}

fn a_socket_describes_itself() {
    let (conn, other) = (loopback(), loopback());
    assert_eq!(conn.option(&option::DOMAIN).unwrap(), 10);
    assert_eq!(conn.option(&option::PROTOCOL).unwrap(), 17);
    let cookie = conn.option(&option::COOKIE).unwrap();
    assert_eq!(conn.try_clone().unwrap().option(&option::COOKIE).unwrap(), cookie);
    assert_ne!(other.option(&option::COOKIE).unwrap(), cookie);
    // The queues of loopback have no number.
    assert_eq!(conn.option(&option::INCOMING_NAPI_ID).unwrap(), 0);
    // Only a connected socket has the processor.
    assert_eq!(conn.option(&option::INCOMING_CPU).unwrap(), None);
    conn.connect(other.local_addr().unwrap()).unwrap();
    other.send_to(b"x", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
    receive(&conn);
    assert!(conn.option(&option::INCOMING_CPU).unwrap().is_some());
    conn.set_option(&option::INCOMING_CPU, Some(0)).unwrap();
    assert_eq!(conn.option(&option::INCOMING_CPU).unwrap(), Some(0));
}

fn a_socket_bound_to_a_device_receives_from_no_other() {
    let [a, b, c] = ["a", "b", "c"].map(|name| Host::new(name).unwrap());
    link(&a, "left", &b, "eth0").unwrap();
    link(&a, "right", &c, "eth0").unwrap();
    let conn = on(&a);
    let senders = [&b, &c].map(on);
    let send = |number: usize, text: &[u8]| {
        let host = [&b, &c][number];
        let interface = ["left", "right"][number];
        let address = a.link_local(interface).unwrap();
        let to = SocketAddrV6::new(address, port(&conn), 0, host.index("eth0").unwrap());
        senders[number].send_to(text, &SendControl::new(), to).unwrap();
    };
    for (interface, number) in [("right", 1), ("left", 0)] {
        conn.set_option(&option::DEVICE_INDEX, Some(index(&a, interface))).unwrap();
        assert_eq!(conn.option(&option::DEVICE_INDEX).unwrap(), Some(index(&a, interface)));
        send(1 - number, b"other");
        send(number, b"own");
        assert_eq!(receive(&conn).0, b"own");
    }
    conn.set_option(&option::DEVICE_INDEX, None).unwrap();
    send(1, b"any");
    assert_eq!(receive(&conn).0, b"any");
}

/// A socket that is not bound yet.
fn unbound() -> Socket {
    Socket::new(Domain::IPV6, Type::DGRAM, None).unwrap()
}

fn ports_are_chosen_from_the_range_of_the_socket() {
    let ports = LocalPorts { low: 40_000, high: 40_100 };
    for _ in 0..8 {
        let socket = unbound();
        let conn = Conn::new(&socket).unwrap();
        if let Err(error) = conn.set_option(&option::LOCAL_PORTS, ports) {
            return eprintln!("before Linux 6.3: {error}");
        }
        assert_eq!(conn.option(&option::LOCAL_PORTS).unwrap(), ports);
        socket.bind(&at(Ipv6Addr::LOCALHOST, 0).into()).unwrap();
        let port = conn.local_addr().unwrap().port();
        assert!((40_000..=40_100).contains(&port), "{port}");
    }
}

fn a_bind_leaves_the_port_open_until_the_connection() {
    for leaves in [true, false] {
        let socket = unbound();
        let conn = Conn::new(&socket).unwrap();
        conn.set_option(&option::BIND_WITHOUT_PORT, leaves).unwrap();
        socket.bind(&at(Ipv6Addr::LOCALHOST, 0).into()).unwrap();
        assert_eq!(conn.local_addr().unwrap().port() == 0, leaves);
        socket.connect(&loopback().local_addr().unwrap().into()).unwrap();
        assert_ne!(conn.local_addr().unwrap().port(), 0);
    }
}

fn payloads_are_cut_into_segments() {
    let (sender, receiver) = (loopback(), loopback());
    let to = receiver.local_addr().unwrap();
    sender.set_option(&option::SEGMENT_SIZE, 100).unwrap();
    assert_eq!(sender.option(&option::SEGMENT_SIZE).unwrap(), 100);
    sender.send_to(&[7; 250], &SendControl::new(), to).unwrap();
    for len in [100, 100, 50] {
        assert_eq!(receive(&receiver).0.len(), len);
    }
    // The size of one payload replaces it.
    sender.send_to(&[7; 250], &SendControl::new().with_segment_size(200), to).unwrap();
    for len in [200, 50] {
        assert_eq!(receive(&receiver).0.len(), len);
    }
    sender.set_option(&option::SEGMENT_SIZE, 0).unwrap();
    sender.send_to(&[7; 250], &SendControl::new(), to).unwrap();
    assert_eq!(receive(&receiver).0.len(), 250);
}

fn datagrams_without_checksum_are_received_if_the_option_is_on() {
    let pair = Pair::new().unwrap();
    let (sender, receiver) = (on(&pair.a), on(&pair.b));
    let to = at(Pair::B, port(&receiver));
    let send = |text: &[u8], without: bool| {
        sender.set_option(&option::SEND_WITHOUT_CHECKSUM, without).unwrap();
        sender.send_to(text, &SendControl::new(), to).unwrap();
    };
    send(b"lost", true);
    send(b"with", false);
    assert_eq!(receive(&receiver).0, b"with");
    receiver.set_option(&option::RECEIVE_WITHOUT_CHECKSUM, true).unwrap();
    send(b"without", true);
    assert_eq!(receive(&receiver).0, b"without");
}

fn datagrams_with_encapsulated_packets_are_not_delivered() {
    let (sender, receiver) = (loopback(), loopback());
    let to = receiver.local_addr().unwrap();
    let esp = [1; 40];
    sender.send_to(&esp, &SendControl::new(), to).unwrap();
    assert_eq!(receive(&receiver).0, esp);
    if let Err(error) = receiver.set_option(&option::ENCAPSULATION, 2) {
        return eprintln!("this kernel has no ESP in UDP over IPv6: {error}");
    }
    assert_eq!(receiver.option(&option::ENCAPSULATION).unwrap(), 2);
    // RFC 3948 section 2.2: packets of IKE start with four bytes of zero, others are ESP.
    sender.send_to(&esp, &SendControl::new(), to).unwrap();
    sender.send_to(b"\0\0\0\0IKE", &SendControl::new(), to).unwrap();
    assert_eq!(receive(&receiver).0, b"\0\0\0\0IKE");
}

fn a_port_is_shared_with_the_option_only() {
    for (first, second, shared) in [(true, true, true), (true, false, false), (false, true, false)] {
        let sockets = [unbound(), unbound()];
        Conn::new(&sockets[0]).unwrap().set_option(&option::REUSE_ADDRESS, first).unwrap();
        Conn::new(&sockets[1]).unwrap().set_option(&option::REUSE_ADDRESS, second).unwrap();
        sockets[0].bind(&at(Ipv6Addr::LOCALHOST, 0).into()).unwrap();
        let address = sockets[0].local_addr().unwrap();
        assert_eq!(sockets[1].bind(&address).is_ok(), shared);
    }
}

// No device of these tests has queues that can be polled: only the values are observed.
fn busy_polling_is_read_as_it_was_set() {
    let conn = loopback();
    // Older kernels require a privilege to raise it.
    for wanted in [0, 50] {
        if conn.set_option(&option::BUSY_POLL, wanted).is_ok() {
            assert_eq!(conn.option(&option::BUSY_POLL).unwrap(), wanted);
        }
    }
    assert!(!conn.option(&option::PREFER_BUSY_POLL).unwrap());
    conn.set_option(&option::BUSY_POLL_BUDGET, 0).unwrap();
    assert_eq!(errno(conn.option(&option::BUSY_POLL_BUDGET)), Some(ENOPROTOOPT));
    conn.set_option(&option::ZERO_COPY, true).unwrap();
    assert!(conn.option(&option::ZERO_COPY).unwrap());
}

fn the_original_destination_of_ipv4_packets_is_received() {
    let conn = PacketConn::builder().only_v6(false).bind("[::ffff:127.0.0.1]:0").unwrap();
    conn.set_deadline(soon());
    conn.set_option(&option::IPV4_RECEIVE_ORIGINAL_DESTINATION, true).unwrap();
    let to = std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, port(&conn));
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"x", to).unwrap();
    let (mut payload, mut bytes) = ([0; 16], [0; 512]);
    let message = conn.recv_message(&mut payload, &mut bytes).unwrap();
    assert_eq!(message.get::<Ipv4OriginalDestination>().unwrap(), Some(Ipv4OriginalDestination(to)));
}
