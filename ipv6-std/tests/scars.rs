//! Bugs that others shipped, where two sockets of the system are needed to show that we have not. Those of
//! one codec, of batches and of wrong use stand with their tests, under names that start the same way.

mod common;

use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::os::fd::OwnedFd;
use std::process::Command;

use common::*;
use ipv6_std::*;
use ipv6_testnet::{Pair, program};
use nix::sys::socket::{TimestampingFlag, setsockopt, sockopt};

ipv6_testnet::tests! {
    [Namespace] scar_18_two_timestamps_are_two_messages;
    [Namespace, Ipv4] scar_23_both_packet_infos_of_an_ipv4_datagram;
    [Namespace, Ipv4] scar_24_and_25_an_ipv4_peer_is_answered;
    [Namespace, Ipv4] scar_26_a_message_may_be_absent;
    [Namespace] scar_28_a_link_local_source_needs_its_interface;
    [Namespace] scar_29_no_interface_is_the_systems_choice;
    [Namespace] scar_30_coalesced_datagrams_are_not_cut_in_silence;
    [Namespace] scar_41_messages_of_others_take_no_room_of_ours;
    [Namespace, Program("perl")] scar_41_what_is_cut_is_told;
    [Namespace, Program("perl")] scar_44_flow_information_is_no_traffic_class;
}

fn scar_18_two_timestamps_are_two_messages() {
    // 32-bit musl adds a message of its own to the kernel's, of another width.
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

/// A socket that takes IPv4 as well, as only the user can make it.
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

fn scar_23_both_packet_infos_of_an_ipv4_datagram() {
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

fn scar_24_and_25_an_ipv4_peer_is_answered() {
    let (conn, port) = dual_stack();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    client.send_to(b"x", ("127.0.0.1", port)).unwrap();
    let (_, got) = receive(&conn);
    assert_eq!(*got.source.ip(), MAPPED);
    // With packet info, from the address that was asked, and without.
    for control in [got.control.reply(), SendControl::new()] {
        conn.send_to(b"answer", &control, got.source).unwrap();
        let mut payload = [0; 8];
        assert_eq!(client.recv(&mut payload).unwrap(), 6);
    }
}

fn scar_26_a_message_may_be_absent() {
    let (conn, port) = dual_stack();
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"x", ("127.0.0.1", port)).unwrap();
    let (_, got) = receive(&conn);
    // IPv4 has a type of service and a time to live, which are other messages.
    assert_eq!((got.control.traffic_class, got.control.hop_limit), (None, None));
    assert_eq!((got.control.dscp(), got.control.ecn()), (None, None));
    assert!(!got.control_truncated);
}

fn scar_28_a_link_local_source_needs_its_interface() {
    let Pair { a, b } = Pair::new().unwrap();
    let (client, server) = (on(&a), on(&b));
    let (here, there) = (a.link_local("eth0").unwrap(), b.link_local("eth0").unwrap());
    let to = SocketAddrV6::new(there, port(&server), 0, a.index("eth0").unwrap());
    let source = SendControl::new().with_source(here);
    client.send_to(b"?", &source.with_interface(index(&a, "eth0")), to).unwrap();
    let (_, asked) = receive(&server);
    assert_eq!((*asked.source.ip(), asked.control.destination), (here, Some(there)));
    // A reply has both, and so arrives.
    let reply = asked.control.reply();
    assert_eq!((reply.source, reply.interface), (Some(there), Some(index(&b, "eth0"))));
    server.send_to(b"!", &reply, asked.source).unwrap();
    assert_eq!(*receive(&client).1.source.ip(), there);
}

fn scar_29_no_interface_is_the_systems_choice() {
    let Pair { a, b } = Pair::new().unwrap();
    let (sender, listener) = (on(&a), on(&b));
    b.run(|| listener.join_group(GROUP, None)).unwrap();
    let to = SocketAddrV6::new(GROUP, port(&listener), 0, a.index("eth0").unwrap());
    sender.send_to(b"x", &SendControl::new(), to).unwrap();
    assert_eq!(receive(&listener).1.control.interface, Some(index(&b, "eth0")));
    listener.leave_group(GROUP, None).unwrap();
}

fn scar_30_coalesced_datagrams_are_not_cut_in_silence() {
    const EACH: usize = 100;
    const ALL: usize = 10 * EACH;
    const UDP_GRO: (i32, i32) = (17, 104);
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::all(), true).unwrap();
    // The sender's system cuts, and the receiver's puts together what it is told it may.
    setsockopt(&sender, sockopt::UdpGsoSegment, &(EACH as i32)).unwrap();
    setsockopt(&receiver, sockopt::UdpGroSegment, &true).unwrap();
    let payload: Vec<u8> = (0..ALL).map(|n| (n / EACH) as u8).collect();
    let send = || sender.send_to(&payload, &CLASS_3, receiver.local_addr().unwrap()).unwrap();
    let mut buffer = [0xff; 2 * ALL];

    // Room for one of them: that the others are lost is said.
    send();
    let got = receiver.recv_from(&mut buffer[..EACH]).unwrap();
    assert_eq!((got.len, got.truncated), (EACH, true));
    send();
    send();
    let (mut batch, mut buffers) = (RecvBatch::new(2), [[0; EACH], [0; EACH]]);
    assert_eq!(receiver.recv_batch(&mut batch, &mut buffers).unwrap(), 2);
    for got in batch.iter() {
        let got = got.unwrap();
        assert_eq!((got.len, got.truncated, got.control_truncated), (EACH, true, false));
        is_complete(&got.control);
    }
    // Room for all of them.
    send();
    let got = receiver.recv_from(&mut buffer).unwrap();
    assert_eq!((got.len, got.truncated, got.control_truncated), (ALL, false, false));
    assert_eq!(buffer[..ALL], payload);
    is_complete(&got.control);
    // How long each is comes as a message of the system's.
    send();
    let mut space = [0; 512];
    let message = receiver.recv_message(&mut buffer, &mut space).unwrap();
    let mut all = message.raw_messages().map(Result::unwrap);
    let size = all.find(|raw| (raw.level, raw.kind) == UDP_GRO).unwrap();
    assert_eq!(size.data, (EACH as i32).to_ne_bytes());
}

/// A socket on which others have switched on what Linux tells before our messages: a timestamp, and how many
/// datagrams were dropped, once some were.
fn with_messages_of_others() -> PacketConn {
    let conn = loopback();
    conn.set_control_flags(ControlFlags::all(), true).unwrap();
    setsockopt(&conn, sockopt::ReceiveTimestampns, &true).unwrap();
    setsockopt(&conn, sockopt::RxqOvfl, &1).unwrap();
    setsockopt(&conn, sockopt::RcvBuf, &4096).unwrap();
    let to = conn.local_addr().unwrap();
    for _ in 0..100 {
        conn.send_to(&[0; 1000], &SendControl::new(), to).unwrap();
    }
    conn.set_deadline(None);
    conn.get_ref().set_nonblocking(true).unwrap();
    while conn.recv_from(&mut [0; 1000]).is_ok() {}
    conn.get_ref().set_nonblocking(false).unwrap();
    conn.set_deadline(soon());
    conn
}

const CLASS_3: SendControl<'_> = SendControl::new().with_traffic_class(0x28).with_hop_limit(3);

/// Asserts that all that was asked for is there.
fn is_complete(control: &RecvControl<'_>) {
    assert_eq!((control.traffic_class, control.hop_limit), (Some(0x28), Some(3)));
    assert_eq!(
        (control.destination, control.interface),
        (Some(Ipv6Addr::LOCALHOST), InterfaceIndex::new(1).ok())
    );
}

/// Receives the same datagram one by one, in a batch, and into 512 bytes of control buffer, of which it gives
/// the number of messages.
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

fn scar_41_messages_of_others_take_no_room_of_ours() {
    let (single, in_batch, count) = three_ways(&with_messages_of_others());
    // Ours, and the two: the test is one only if they came. (32-bit musl adds a timestamp.)
    assert!(count >= 5, "{count}");
    for got in [single, in_batch] {
        assert!(!got.control_truncated, "{got:?}");
        is_complete(&got.control);
    }
}

fn scar_41_what_is_cut_is_told() {
    let conn = with_messages_of_others();
    // More before ours, and two behind them, of which the last does not fit any more.
    let software =
        TimestampingFlag::SOF_TIMESTAMPING_SOFTWARE | TimestampingFlag::SOF_TIMESTAMPING_RX_SOFTWARE;
    setsockopt(&conn, sockopt::Timestamping, &software).unwrap();
    setsockopt(&conn, sockopt::Ipv6OrigDstAddr, &true).unwrap();
    switch_on(&conn, 41, 8); // IPV6_2292HOPLIMIT
    let (single, in_batch, count) = three_ways(&conn);
    assert!(count >= 8, "{count}");
    for got in [single, in_batch] {
        assert!(got.control_truncated, "{got:?}");
        // What arrived whole is there.
        is_complete(&got.control);
    }
}

/// Switches on an option that no crate here knows: a program gets the socket as its standard input.
fn switch_on(conn: &PacketConn, level: u8, name: u8) {
    let script = "open(S, '+<&=', 0) && setsockopt(S, $ARGV[0], $ARGV[1], pack('i', 1)) or die $!";
    let mut perl = Command::new(program("perl").unwrap());
    perl.args(["-e", script, &level.to_string(), &name.to_string()]);
    let socket = conn.get_ref().try_clone().unwrap();
    assert!(perl.stdin(OwnedFd::from(socket)).status().unwrap().success());
}

fn scar_44_flow_information_is_no_traffic_class() {
    const IPV6_FLOWINFO: i32 = 11;
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_control_flags(ControlFlags::TRAFFIC_CLASS, true).unwrap();
    switch_on(&receiver, 41, IPV6_FLOWINFO as u8);
    // IPV6_FLOWINFO_SEND: otherwise Linux does not look at it at all.
    switch_on(&sender, 41, 33);
    // Traffic class 0xff and flow label 0xbeef: the second is sent, the first is not.
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
