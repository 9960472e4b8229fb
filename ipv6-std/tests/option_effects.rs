//! Each option of this system has a test of its effect: a list of what the tests name, and the effects that no other test
//! has: options of IPv4 packets, redirected connections, pacing of TCP, and the processor of a shared port.

mod common;
mod dual;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::*;
use dual::*;
use ipv6_core::abi::Platform as _;
use ipv6_std::message::Ipv4FragmentSize;
use ipv6_std::option::{Ipv4Interface, Ipv4UnicastInterface, PacingRate};
use ipv6_std::*;
use ipv6_testnet::Pair;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use socket2::{Domain, Protocol, Socket, Type};

ipv6_testnet::tests! {
    [] each_option_has_a_test_of_its_effect;
    [Namespace] interfaces_of_ipv4_packets_are_chosen;
    [Namespace] ipv4_groups_of_other_sockets_are_received_if_the_option_is_on;
    [Namespace] the_size_of_ipv4_fragments_is_received;
    [Capture] extensions_of_icmp_errors_are_received_if_the_option_is_on;
    [Namespace, Program("nft")] the_destination_of_a_redirected_connection_is_read;
    [] a_tcp_connection_sends_at_its_pacing_rate;
    [] a_packet_goes_to_the_socket_of_its_processor;
}

/// The files with tests of options.
const TESTS: &[&str] = &[
    include_str!("builder.rs"),
    include_str!("coalescing.rs"),
    include_str!("dual_stack_options.rs"),
    include_str!("dual_stack_receive.rs"),
    include_str!("error_queue.rs"),
    include_str!("extension_headers.rs"),
    include_str!("flags.rs"),
    include_str!("icmp_extensions.rs"),
    include_str!("min_hop_limit.rs"),
    include_str!("multicast.rs"),
    include_str!("option_effects.rs"),
    include_str!("options_path.rs"),
    include_str!("options_server.rs"),
    include_str!("options_time.rs"),
    include_str!("path_mtu.rs"),
    include_str!("raw.rs"),
    include_str!("shared_port.rs"),
    include_str!("source_filters.rs"),
    include_str!("wire/fields.rs"),
];

/// Options that the tests set by a method: the constant, and the call in the tests.
const BY_METHOD: &[(&str, &str)] = &[
    ("RECEIVE_TRAFFIC_CLASS", "ControlFlags::TRAFFIC_CLASS"),
    ("RECEIVE_HOP_LIMIT", "ControlFlags::HOP_LIMIT"),
    ("RECEIVE_PACKET_INFO", "ControlFlags::DESTINATION"),
    ("RECEIVE_PATH_MTU", "ControlFlags::PATH_MTU"),
    ("REUSE_PORT", "sharing("),
    ("RECEIVE_FLOW_LABEL", "ControlFlags::FLOW_LABEL"),
    ("TRAFFIC_CLASS", ".set_traffic_class("),
    ("HOP_LIMIT", ".set_hop_limit("),
    ("MULTICAST_INTERFACE", ".set_multicast_interface("),
    ("MULTICAST_HOP_LIMIT", ".set_multicast_hop_limit("),
    ("MULTICAST_LOOPBACK", ".set_multicast_loopback("),
    ("IPV4_MULTICAST_LOOPBACK", ".set_multicast_loopback("),
    ("PATH_MTU", ".path_mtu("),
    ("MIN_HOP_LIMIT", ".set_min_hop_limit("),
    ("IPV4_MIN_TIME_TO_LIVE", "the_limit_applies_to_tcp_connections_of_ipv4_peers"),
    ("DONT_FRAGMENT", ".set_dont_fragment("),
    ("ONLY_V6", ".set_only_v6("),
    ("FREEBIND", ".freebind("),
    ("TRANSPARENT", ".transparent("),
    ("CHECKSUM", ".set_checksum_offset("),
    ("HEADER_INCLUDED", ".set_header_included("),
    ("ICMP6_TYPE_FILTER", ".set_icmp6_filter("),
    ("JOIN_GROUP", ".join_group("),
    ("LEAVE_GROUP", ".leave_group("),
    ("JOIN_SOURCE_GROUP", ".join_source_group("),
    ("LEAVE_SOURCE_GROUP", ".leave_source_group("),
    ("BLOCK_SOURCE", ".exclude_source("),
    ("UNBLOCK_SOURCE", ".include_source("),
    ("COALESCE", ".set_receive_coalescing("),
    ("QUEUE_ERRORS", ".set_queue_errors("),
    ("PATH_MTU_DISCOVERY", ".set_path_mtu_discovery("),
    ("IPV4_TIME_TO_LIVE", "header_options_are_sent_in_both_families"),
    ("IPV4_RECEIVE_TRAFFIC_CLASS", "every_type_of_service_and_time_to_live_is_received"),
    ("IPV4_RECEIVE_TIME_TO_LIVE", "every_type_of_service_and_time_to_live_is_received"),
    ("IPV4_PATH_MTU_DISCOVERY", "path_mtu_discovery_and_dont_fragment_share_one_option_of_ipv4"),
    ("IPV4_QUEUE_ERRORS", "errors_of_icmp_are_queued_with_type_code_and_reporter"),
    ("IPV4_MULTICAST_TIME_TO_LIVE", "multicast_options_are_sent_in_both_families"),
    ("IPV4_JOIN_GROUP", "ipv4_groups_are_joined_and_left"),
    ("IPV4_LEAVE_GROUP", "ipv4_groups_are_joined_and_left"),
    ("IPV4_JOIN_SOURCE_GROUP", "sources_of_ipv4_groups_are_filtered"),
    ("IPV4_LEAVE_SOURCE_GROUP", "sources_of_ipv4_groups_are_filtered"),
    ("IPV4_BLOCK_SOURCE", "sources_of_ipv4_groups_are_filtered"),
    ("IPV4_UNBLOCK_SOURCE", "sources_of_ipv4_groups_are_filtered"),
    ("DETACH_FILTER", ".detach_bpf("),
];

/// Options whose effect these tests cannot observe, and the reason. Their values are set and read.
const NOT_OBSERVED: &[(&str, &str)] = &[
    ("BUSY_POLL", "no device of the tests has queues that can be polled"),
    ("PREFER_BUSY_POLL", "no device of the tests has queues that can be polled"),
    ("BUSY_POLL_BUDGET", "no device of the tests has queues that can be polled"),
    ("INCOMING_NAPI_ID", "no device of the tests has queues with a number"),
];

/// The constants of the options that this system has.
macro_rules! constants {
    (
        { $($(#[$doc:meta])* $CONSTANT:ident $field:ident $with:ident: $value:ty = $name:literal;)* }
        { $($numbers:tt)* }
    ) => {
        fn constants() -> Vec<&'static str> {
            let numbers = Host::ABI.options;
            [$((stringify!($CONSTANT), numbers.$field)),*]
                .into_iter().filter_map(|(name, number)| number.map(|_| name)).collect()
        }
    };
}

ipv6_core::for_each_option!(constants);

fn each_option_has_a_test_of_its_effect() {
    let in_tests = |text: &str| {
        TESTS.iter().any(|tests| {
            tests.match_indices(text).any(|(at, _)| match tests[at + text.len()..].chars().next() {
                // In the lists above.
                Some('"') => false,
                // Within a longer name.
                Some(next) if next.is_alphanumeric() || next == '_' => text.ends_with('('),
                _ => true,
            })
        })
    };
    for constant in constants() {
        let method = BY_METHOD.iter().find(|(name, _)| *name == constant);
        let is_tested = method.is_some_and(|(_, call)| in_tests(call))
            || in_tests(&format!("option::{constant}"))
            || NOT_OBSERVED.iter().any(|(name, _)| *name == constant);
        assert!(is_tested, "{constant} has no test of its effect: add one, or the reason to NOT_OBSERVED");
    }
    let listed = BY_METHOD.iter().map(|(name, _)| name).chain(NOT_OBSERVED.iter().map(|(name, _)| name));
    for name in listed {
        assert!(constants().contains(name), "{name} is no option of this system");
    }
}

fn interfaces_of_ipv4_packets_are_chosen() {
    let net = Net::new();
    let conn = net.conn();
    let arrives_on = |family: Family, to: Ipv6Addr| {
        let observer = Observer::new(&net.b, family);
        if to == family.group() {
            let listener = &observer.socket;
            for number in [1, 2]
                .map(|last| Ipv4Addr::new([192, 198][last - 1], [0, 51][last - 1], [2, 100][last - 1], 2))
            {
                listener.join_multicast_v4(&Ipv4Addr::new(239, 1, 2, 3), &number).unwrap();
            }
        }
        conn.send_to(b"x", &SendControl::new(), at(to, observer.port())).unwrap();
        let seen = observer.seen();
        ["eth0", "eth1"].into_iter().find(|name| net.b.index(name).unwrap() == seen.interface).unwrap()
    };
    // IPv4 only: the option of IPv6 stays.
    let eth1 = Some(net.interface("eth1"));
    conn.set_option(&option::IPV4_UNICAST_INTERFACE, Ipv4UnicastInterface(eth1)).unwrap();
    assert_eq!(conn.option(&option::IPV4_UNICAST_INTERFACE).unwrap(), Ipv4UnicastInterface(eth1));
    assert_eq!((arrives_on(Mapped, Mapped.b()), arrives_on(Ipv6, Ipv6.b())), ("eth1", "eth0"));
    conn.set_option(&option::IPV4_UNICAST_INTERFACE, Ipv4UnicastInterface(None)).unwrap();
    assert_eq!(arrives_on(Mapped, Mapped.b()), "eth0");
    for name in ["eth1", "eth0"] {
        let interface = Ipv4Interface(Some(net.interface(name)));
        conn.set_option(&option::IPV4_MULTICAST_INTERFACE, interface).unwrap();
        assert_eq!(arrives_on(Mapped, Mapped.group()), name);
    }
}

fn ipv4_groups_of_other_sockets_are_received_if_the_option_is_on() {
    let net = Net::new();
    let (member, other) = (net.conn(), net.conn());
    member.join_group(Mapped.group(), net.interface("eth0")).unwrap();
    let sender = net.b.run(|| UdpSocket::bind("192.0.2.2:0")).unwrap();
    socket2::SockRef::from(&sender).set_multicast_if_v4(&Ipv4Addr::new(192, 0, 2, 2)).unwrap();
    let send = |text: &[u8], to: [u8; 4]| {
        sender.send_to(text, SocketAddr::from((to, port(&other)))).unwrap();
    };
    // Unlike the option of IPv6, and that of an IPv4 socket, it is off by default.
    assert!(!other.option(&option::IPV4_MULTICAST_ALL).unwrap());
    for on in [false, true, false] {
        other.set_option(&option::IPV4_MULTICAST_ALL, on).unwrap();
        send(b"all", [239, 1, 2, 3]);
        // This is sent to it alone.
        send(b"next", [192, 0, 2, 1]);
        if on {
            assert_eq!(receive(&other).0, b"all");
        }
        assert_eq!(receive(&other).0, b"next");
    }
}

fn the_size_of_ipv4_fragments_is_received() {
    let net = Net::new();
    let conn = net.conn();
    let sender = Observer::new(&net.b, Mapped);
    let size = |len: usize| {
        sender.send(&vec![7; len], 0, 64, None, at(Mapped.a(), port(&conn)));
        let (mut payload, mut control) = ([0; 4096], [0; 512]);
        let message = conn.recv_message(&mut payload, &mut control).unwrap();
        assert_eq!(message.len, len);
        message.get::<Ipv4FragmentSize>().unwrap()
    };
    assert_eq!(size(2000), None);
    conn.set_option(&option::IPV4_RECEIVE_FRAGMENT_SIZE, true).unwrap();
    assert_eq!(size(2000), Some(Ipv4FragmentSize(1500)));
    assert_eq!(size(100), None);
}

/// The checksum of IPv4 and ICMP (RFC 1071).
fn internet_checksum(bytes: &[u8]) -> [u8; 2] {
    let mut sum: u32 = bytes.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1])).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!u16::try_from(sum).unwrap()).to_be_bytes()
}

fn extensions_of_icmp_errors_are_received_if_the_option_is_on() {
    let net = Net::new();
    let conn = net.conn_at("[::ffff:192.0.2.1]:0");
    conn.set_queue_errors(true).unwrap();
    let observer = Observer::new(&net.b, Mapped);
    let forger = net.b.run(|| Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))).unwrap();
    // A stack of one label: 100. Version 2 of the extensions, and an object of 8 bytes, class 1, type 1.
    let mut extensions = [0x20, 0, 0, 0, 0, 8, 1, 1, 0, 6, 0x41, 255];
    let sum = internet_checksum(&extensions);
    extensions[2..4].copy_from_slice(&sum);
    let labels = |on: bool| {
        conn.set_option(&option::IPV4_ERROR_EXTENSIONS, on).unwrap();
        // The error of the report before is pending if that was taken before the kernel noted it.
        while conn.send_to(&[7; 40], &SendControl::new(), observer.address()).is_err() {}
        observer.seen();
        // The quoted packet: IPv4 header, UDP header, payload, and zeros up to 128 bytes.
        let mut quoted = vec![0x45, 0, 0, 68, 0, 0, 0x40, 0, 1, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
        for field in [port(&conn), observer.port(), 48, 0] {
            quoted.extend(field.to_be_bytes());
        }
        quoted.extend([7; 40]);
        quoted.resize(128, 0);
        // Time exceeded; the length of the quoted packet is 32 times 4 bytes (RFC 4884 section 4.2).
        let mut message = [&[11, 0, 0, 0, 0, 32, 0, 0][..], &quoted, &extensions].concat();
        let sum = internet_checksum(&message);
        message[2..4].copy_from_slice(&sum);
        forger.send_to(&message, &SocketAddr::from(([192, 0, 2, 1], 0)).into()).unwrap();
        let mut payload = [0; 1500];
        let reported = reported(&conn, &mut payload);
        assert_eq!(reported.error.origin(), ErrorOrigin::Icmp(IcmpType::TIME_EXCEEDED, 0));
        let found = reported.extensions(&payload[..reported.len]);
        found.map(|found| found.flat_map(|object| object.mpls()).map(|entry| entry.label).collect::<Vec<_>>())
    };
    assert_eq!(labels(false), None);
    assert_eq!(labels(true), Some(vec![100]));
}

fn the_destination_of_a_redirected_connection_is_read() {
    let pair = Pair::new().unwrap();
    let listener = pair.b.run(|| TcpListener::bind("[::]:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    let rules = format!(
        "add table ip6 nat\n\
         add chain ip6 nat in {{ type nat hook prerouting priority -100; }}\n\
         add rule ip6 nat in tcp dport 80 redirect to :{port}\n"
    );
    let mut nft = Command::new(ipv6_testnet::program("nft").unwrap());
    nft.args(["-f", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pair.b.spawn(&mut nft).unwrap();
    child.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    if error.contains("Could not process rule") {
        return eprintln!("this kernel does not redirect IPv6: {error}");
    }
    assert!(output.status.success(), "{error}");
    let to = at(Pair::B, 80);
    let _client = pair.a.run(|| TcpStream::connect(to)).unwrap();
    let server = Conn::new(listener.accept().unwrap().0).unwrap();
    assert_eq!(server.local_addr().unwrap().port(), port);
    assert_eq!(server.option(&option::ORIGINAL_DESTINATION).unwrap(), to);
}

// TCP paces by itself: no queueing discipline is necessary.
fn a_tcp_connection_sends_at_its_pacing_rate() {
    const LEN: usize = 300_000;
    let listener = TcpListener::bind("[::1]:0").unwrap();
    // The first ten segments are sent at once. With the MTU of loopback, these would be everything.
    let segment_size = option::SocketOption::<i32>::custom(6, 2, "TCP_MAXSEG");
    Conn::new(&listener).unwrap().set_option(&segment_size, 1000).unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    Conn::new(&client).unwrap().set_option(&option::MAX_PACING_RATE, PacingRate(400_000)).unwrap();
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(move || client.write_all(&vec![7; LEN]).unwrap());
        server.read_exact(&mut vec![0; LEN]).unwrap();
    });
    // 750 ms. A busy machine takes longer.
    assert!(start.elapsed() >= Duration::from_millis(500), "{:?}", start.elapsed());
}

fn a_packet_goes_to_the_socket_of_its_processor() {
    // Before Linux 6.2, the hash decides (`reuseport_select_sock_by_hash` in net/core/sock_reuseport.c).
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let numbers: Vec<u32> = release.split(['.', '-']).take(2).map(|number| number.parse().unwrap()).collect();
    if numbers < vec![6, 2] {
        return eprintln!("before Linux 6.2: {release}");
    }
    let allowed = sched_getaffinity(None).unwrap();
    let mut only = CpuSet::new();
    only.set((0..CpuSet::MAX_CPU).find(|cpu| allowed.is_set(*cpu)).unwrap());
    let sharing = |address: SocketAddrV6| {
        let socket = Socket::new(Domain::IPV6, Type::DGRAM, None).unwrap();
        socket.set_reuse_port(true).unwrap();
        socket.bind(&address.into()).unwrap();
        let conn = PacketConn::new(UdpSocket::from(socket)).unwrap();
        conn.set_deadline(soon());
        conn
    };
    let first = sharing(at(Ipv6Addr::LOCALHOST, 0));
    let to = first.local_addr().unwrap();
    let sockets = [first, sharing(to), sharing(to)];
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            sched_setaffinity(None, &only).unwrap();
            // The processor that delivers what this one sends on loopback: usually itself.
            let own = loopback();
            own.connect(own.local_addr().unwrap()).unwrap();
            own.send(b"x", &SendControl::new()).unwrap();
            receive(&own);
            let here = own.option(&option::INCOMING_CPU).unwrap().unwrap();
            for wanted in &sockets {
                for socket in &sockets {
                    socket.set_option(&option::INCOMING_CPU, Some(here + 1)).unwrap();
                }
                wanted.set_option(&option::INCOMING_CPU, Some(here)).unwrap();
                // From many ports: a hash would select each of the sockets.
                for _ in 0..16 {
                    loopback().send_to(b"x", &SendControl::new(), to).unwrap();
                    receive(wanted);
                }
            }
        });
        sender.join().unwrap();
    });
}
