//! Bugs that other libraries shipped, shown absent here on real sockets. `SCARS.md` in this folder explains the
//! numbers. The scars of the codec, of batches and of wrong use are tested beside the other tests of those.

mod common;

use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::os::fd::OwnedFd;
use std::process::Command;

use common::*;
use ipv6_std::*;
use ipv6_testnet::{Pair, program};
use nix::sys::socket::{TimestampingFlag, setsockopt, sockopt};

ipv6_testnet::tests! {
    [Namespace] other_timestamp_messages_do_not_disturb_ours;
    [Namespace, Ipv4] ipv4_packet_info_does_not_replace_the_ipv6_packet_info;
    [Namespace, Ipv4] a_reply_reaches_an_ipv4_peer_of_a_dual_stack_socket;
    [Namespace, Ipv4] fields_are_none_when_the_kernel_sends_no_message_for_them;
    [Namespace] a_reply_from_a_link_local_address_names_its_interface;
    [Namespace] joining_without_an_interface_leaves_the_choice_to_the_system;
    [Namespace] coalesced_datagrams_that_do_not_fit_are_reported_as_truncated;
    [Namespace] messages_enabled_elsewhere_leave_room_for_ours;
    [Namespace, Program("perl")] many_messages_enabled_elsewhere_leave_room_for_ours;
    [Namespace, Program("perl")] flow_information_does_not_set_the_traffic_class;
}

// Scar 18 (nix#2698) and scar 81: 32-bit musl adds a timestamp message of its own, of another width, after the kernel's.
fn other_timestamp_messages_do_not_disturb_ours() {
    let conn = loopback();
    setsockopt(&conn, sockopt::ReceiveTimestamp, &true).unwrap();
    conn.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    conn.send_to(b"x", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
    let (mut payload, mut control) = ([0; 8], [0; 512]);
    let message = conn.recv_message(&mut payload, &mut control).unwrap();
    assert!(!message.control_truncated);
    assert_eq!(message.control().unwrap().hop_limit, Some(64));
    let others = message.raw_messages().map(Result::unwrap).filter(|raw| raw.level != 41);
    assert!(matches!(others.count(), 1 | 2));
}

/// A dual-stack socket, opened by the standard library.
fn dual_stack() -> (PacketConn, u16) {
    let socket = UdpSocket::bind("[::]:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let conn = PacketConn::new(socket).unwrap();
    assert!(!conn.only_v6().unwrap());
    conn.set_deadline(soon());
    conn.set_control_flags(ControlFlags::all(), true).unwrap();
    (conn, port)
}

const MAPPED: Ipv6Addr = Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0x7f00, 1);

// Scar 23 (gvisor#7144, s2n-quic#1819, srt#2630): an IPv6 socket delivers both kinds of packet info for one IPv4
// datagram.
fn ipv4_packet_info_does_not_replace_the_ipv6_packet_info() {
    let (conn, port) = dual_stack();
    setsockopt(&conn, sockopt::Ipv4PacketInfo, &true).unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.send_to(b"x", ("127.0.0.1", port)).unwrap();
    let (mut payload, mut control) = ([0; 8], [0; 512]);
    let message = conn.recv_message(&mut payload, &mut control).unwrap();
    let levels: Vec<_> = message.raw_messages().map(|raw| raw.unwrap().level).collect();
    assert!(levels.contains(&0) && levels.contains(&41), "{levels:?}");
    let got = message.control().unwrap();
    assert_eq!((got.destination, got.interface), (Some(MAPPED), InterfaceIndex::new(1).ok()));
}

// Scar 24 (quic-go#4105): FreeBSD answers EINVAL to IPv6 packet info with an IPv4-mapped source, unless the socket has a
// port and is bound to the wildcard address, as here.
// Scar 25 (gosrt#149, envoy#46506): Darwin refuses an AF_INET address on an AF_INET6 socket.
fn a_reply_reaches_an_ipv4_peer_of_a_dual_stack_socket() {
    let (conn, port) = dual_stack();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    client.send_to(b"x", ("127.0.0.1", port)).unwrap();
    let (_, got) = receive(&conn);
    assert_eq!(*got.source.ip(), MAPPED);
    // With packet info (the source is the address that the client used) and without.
    for control in [got.control.reply(), SendControl::new()] {
        conn.send_to(b"answer", &control, got.source).unwrap();
        let mut payload = [0; 8];
        assert_eq!(client.recv(&mut payload).unwrap(), 6);
    }
}

// Scar 26 (msquic#515, aiocoap#209): an enabled message is absent for an IPv4 datagram.
fn fields_are_none_when_the_kernel_sends_no_message_for_them() {
    let (conn, port) = dual_stack();
    // As on systems that lack the messages of IPv4.
    conn.set_option(&option::IPV4_RECEIVE_TRAFFIC_CLASS, false).unwrap();
    conn.set_option(&option::IPV4_RECEIVE_TIME_TO_LIVE, false).unwrap();
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"x", ("127.0.0.1", port)).unwrap();
    let (_, got) = receive(&conn);
    assert_eq!((got.control.traffic_class, got.control.hop_limit), (None, None));
    assert_eq!((got.control.flow_label, got.control.path_mtu), (None, None));
    assert!(got.control.destination.is_some());
    assert_eq!((got.control.dscp(), got.control.ecn()), (None, None));
    assert!(!got.control_truncated);
}

// Scar 28 (ndp#20): macOS finds no route for a link-local source without an interface.
fn a_reply_from_a_link_local_address_names_its_interface() {
    let Pair { a, b } = Pair::new().unwrap();
    let (client, server) = (on(&a), on(&b));
    let (here, there) = (a.link_local("eth0").unwrap(), b.link_local("eth0").unwrap());
    let to = SocketAddrV6::new(there, port(&server), 0, a.index("eth0").unwrap());
    let source = SendControl::new().with_source(here);
    client.send_to(b"?", &source.with_interface(index(&a, "eth0")), to).unwrap();
    let (_, asked) = receive(&server);
    assert_eq!((*asked.source.ip(), asked.control.destination), (here, Some(there)));
    // `reply` sets both.
    let reply = asked.control.reply();
    assert_eq!((reply.source, reply.interface), (Some(there), Some(index(&b, "eth0"))));
    server.send_to(b"!", &reply, asked.source).unwrap();
    assert_eq!(*receive(&client).1.source.ip(), there);
}

// Scar 29 (liblsl#36): joining with interface 0 fails with EADDRNOTAVAIL on macOS.
fn joining_without_an_interface_leaves_the_choice_to_the_system() {
    let Pair { a, b } = Pair::new().unwrap();
    let (sender, listener) = (on(&a), on(&b));
    b.run(|| listener.join_group(GROUP, AnyInterface)).unwrap();
    let to = SocketAddrV6::new(GROUP, port(&listener), 0, a.index("eth0").unwrap());
    sender.send_to(b"x", &SendControl::new(), to).unwrap();
    assert_eq!(receive(&listener).1.control.interface, Some(index(&b, "eth0")));
    listener.leave_group(GROUP, AnyInterface).unwrap();
}

// Scar 30 (quinn#1354): a buffer smaller than the coalesced datagrams truncated them without an indication.
fn coalesced_datagrams_that_do_not_fit_are_reported_as_truncated() {
    const EACH: usize = 100;
    const ALL: usize = 10 * EACH;
    const UDP_GRO: (i32, i32) = (17, 104);
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::all(), true).unwrap();
    // The sender's kernel splits the payload; the receiver's kernel coalesces it again.
    setsockopt(&sender, sockopt::UdpGsoSegment, &(EACH as i32)).unwrap();
    setsockopt(&receiver, sockopt::UdpGroSegment, &true).unwrap();
    let payload: Vec<u8> = (0..ALL).map(|n| (n / EACH) as u8).collect();
    let send = || sender.send_to(&payload, &CLASS_3, receiver.local_addr().unwrap()).unwrap();
    let mut buffer = [0xff; 2 * ALL];

    // Room for one datagram: the loss of the others is reported.
    send();
    let got = receiver.recv_from(&mut buffer[..EACH]).unwrap();
    assert_eq!((got.len, got.truncated), (EACH, true));
    send();
    send();
    holds(&receiver, 2 * ALL);
    let (mut batch, mut buffers) = (RecvBatch::new(2), [[0; EACH], [0; EACH]]);
    assert_eq!(receiver.recv_batch(&mut batch, &mut buffers).unwrap(), 2);
    for got in batch.iter() {
        let got = got.unwrap();
        assert_eq!((got.len, got.truncated, got.control_truncated), (EACH, true, false));
        is_complete(&got.control);
    }
    // Room for all datagrams.
    send();
    let got = receiver.recv_from(&mut buffer).unwrap();
    assert_eq!((got.len, got.truncated, got.control_truncated), (ALL, false, false));
    assert_eq!(buffer[..ALL], payload);
    is_complete(&got.control);
    // The kernel sends the size of each datagram as a control message.
    send();
    let mut space = [0; 512];
    let message = receiver.recv_message(&mut buffer, &mut space).unwrap();
    let mut all = message.raw_messages().map(Result::unwrap);
    let size = all.find(|raw| (raw.level, raw.kind) == UDP_GRO).unwrap();
    assert_eq!(size.data, (EACH as i32).to_ne_bytes());
}

/// A socket with two more messages enabled, which Linux writes before ours: a timestamp, and the number of dropped
/// datagrams, which Linux sends once it has dropped some.
fn with_foreign_messages() -> PacketConn {
    let conn = loopback();
    conn.set_control_flags(ControlFlags::all(), true).unwrap();
    setsockopt(&conn, sockopt::ReceiveTimestampns, &true).unwrap();
    setsockopt(&conn, sockopt::RxqOvfl, &1).unwrap();
    setsockopt(&conn, sockopt::RcvBuf, &4096).unwrap();
    let to = conn.local_addr().unwrap();
    for _ in 0..100 {
        conn.send_to(&[0; 1000], &SendControl::new(), to).unwrap();
    }
    delivered();
    conn.set_deadline(None);
    conn.get_ref().set_nonblocking(true).unwrap();
    while conn.recv_from(&mut [0; 1000]).is_ok() {}
    conn.get_ref().set_nonblocking(false).unwrap();
    conn.set_deadline(soon());
    conn
}

const CLASS_3: SendControl<'_> = SendControl::new().with_traffic_class(0x28).with_hop_limit(3);

/// Asserts that every enabled message has arrived.
fn is_complete(control: &RecvControl<'_>) {
    assert_eq!((control.traffic_class, control.hop_limit), (Some(0x28), Some(3)));
    assert_eq!(
        (control.destination, control.interface),
        (Some(Ipv6Addr::LOCALHOST), InterfaceIndex::new(1).ok())
    );
}

/// Receives the same datagram by `recv_from`, in a batch, and with 512 bytes of control buffer. Returns the first two
/// results and the number of messages in the third.
fn three_ways(conn: &PacketConn) -> (Received, Received, usize) {
    let to = conn.local_addr().unwrap();
    for _ in 0..3 {
        conn.send_to(b"x", &CLASS_3, to).unwrap();
    }
    let (_, single) = receive(conn);
    let mut batch = RecvBatch::new(1);
    assert_eq!(conn.recv_batch(&mut batch, &mut [[0; 8]]).unwrap(), 1);
    let in_batch = batch.iter().next().unwrap().unwrap();
    let (mut payload, mut space) = ([0; 8], [0; 512]);
    let message = conn.recv_message(&mut payload, &mut space).unwrap();
    assert!(!message.control_truncated);
    is_complete(&message.control().unwrap());
    (single, in_batch, message.raw_messages().map(Result::unwrap).count())
}

// Scar 41: a timestamp and a segment size filled quinn-udp's control buffer, and the traffic class was cut off.
fn messages_enabled_elsewhere_leave_room_for_ours() {
    let (single, in_batch, count) = three_ways(&with_foreign_messages());
    // Our three and the two others; without those the test shows nothing. (32-bit musl adds a timestamp.)
    assert!(count >= 5, "{count}");
    for got in [single, in_batch] {
        assert!(!got.control_truncated, "{got:?}");
        is_complete(&got.control);
    }
}

// Scar 41: the same with more messages before ours and two after them. (`messages.rs` tests those that do not fit.)
fn many_messages_enabled_elsewhere_leave_room_for_ours() {
    let conn = with_foreign_messages();
    let _times = takes_times();
    let software =
        TimestampingFlag::SOF_TIMESTAMPING_SOFTWARE | TimestampingFlag::SOF_TIMESTAMPING_RX_SOFTWARE;
    setsockopt(&conn, sockopt::Timestamping, &software).unwrap();
    setsockopt(&conn, sockopt::Ipv6OrigDstAddr, &true).unwrap();
    set_option_with_perl(&conn, 41, 8); // IPV6_2292HOPLIMIT
    let (single, in_batch, count) = three_ways(&conn);
    assert!(count >= 8, "{count}");
    for got in [single, in_batch] {
        assert!(!got.control_truncated, "{got:?}");
        is_complete(&got.control);
    }
}

/// Enables an option that no Rust crate used here has: a Perl script gets the socket as its standard input.
fn set_option_with_perl(conn: &PacketConn, level: u8, name: u8) {
    let script = "open(S, '+<&=', 0) && setsockopt(S, $ARGV[0], $ARGV[1], pack('i', 1)) or die $!";
    let mut perl = Command::new(program("perl").unwrap());
    perl.args(["-e", script, &level.to_string(), &name.to_string()]);
    let socket = conn.get_ref().try_clone().unwrap();
    assert!(perl.stdin(OwnedFd::from(socket)).status().unwrap().success());
}

// Scar 44: the traffic class bits of IPV6_FLOWINFO on send are ignored by Linux; the receiver sees 0.
fn flow_information_does_not_set_the_traffic_class() {
    const IPV6_FLOWINFO: i32 = 11;
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::TRAFFIC_CLASS, true).unwrap();
    set_option_with_perl(&receiver, 41, IPV6_FLOWINFO as u8);
    // IPV6_FLOWINFO_SEND: without it Linux ignores the flow information of the address.
    set_option_with_perl(&sender, 41, 33);
    // Traffic class 0xff and flow label 0xbeef: Linux sends the flow label only.
    let mut to = receiver.local_addr().unwrap();
    to.set_flowinfo(0x0ff0_beef_u32.to_be());
    for class in [None, Some(0), Some(0x28)] {
        let mut control = SendControl::new();
        control.traffic_class = class;
        sender.send_to(b"x", &control, to).unwrap();
        let batch = [Outgoing::new(b"x", control, Some(to))];
        assert_eq!(sender.send_batch(&mut SendBatch::new(1), &batch).unwrap(), 1);
        for _ in 0..2 {
            let (mut payload, mut space) = ([0; 8], [0; 256]);
            let message = receiver.recv_message(&mut payload, &mut space).unwrap();
            let class = class.unwrap_or(0);
            assert_eq!(message.control().unwrap().traffic_class, Some(class));
            let mut all = message.raw_messages().map(Result::unwrap);
            let flow = all.find(|raw| (raw.level, raw.kind) == (41, IPV6_FLOWINFO)).unwrap();
            assert_eq!(flow.data, (u32::from(class) << 20 | 0xbeef).to_be_bytes());
        }
    }
}
