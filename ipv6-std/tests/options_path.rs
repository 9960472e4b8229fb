//! Options of header, path and groups, by their effect.

mod common;

use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddrV6, TcpListener, TcpStream};

use common::*;
use ipv6_std::message::{DontFragment, FragmentSize, OriginalDestination};
use ipv6_std::option::{AddressPreferences, Group, PacketInfo, UnicastInterface};
use ipv6_std::*;
use ipv6_testnet::{Host, Line, Pair, link};
use socket2::{Domain, Socket, Type};

ipv6_testnet::tests! {
    [Namespace] each_mode_of_path_mtu_discovery_has_its_effect;
    [Namespace] dont_fragment_of_one_packet_leaves_the_others;
    [Namespace] an_mtu_limits_the_fragments_of_the_socket;
    [Namespace] the_flow_label_of_an_address_is_sent_if_the_option_is_on;
    [Namespace] a_flow_label_is_chosen_if_the_option_is_on;
    [Namespace] the_original_destination_has_the_port_too;
    [Namespace] the_interface_of_unicast_packets_is_chosen;
    [Namespace] groups_of_other_sockets_are_received_if_the_option_is_on;
    [Namespace] an_anycast_address_lasts_as_long_as_the_socket;
    [Namespace] the_interface_of_all_packets_is_chosen_and_the_source_is_not;
    [Namespace] a_temporary_address_is_preferred_if_it_is_asked_for;
    [RawSocket] packets_with_a_router_alert_are_delivered_to_the_router;
    [Namespace] flags_of_one_send_have_their_effect;
}

/// Sends `len` bytes to a socket on `b`. The size of the largest fragment that arrived, `None` for one packet, or the
/// number of the error.
fn fragments(
    sender: &PacketConn,
    receiver: &PacketConn,
    len: usize,
    control: &SendControl<'_>,
) -> Result<Option<u32>, i32> {
    receiver.set_option(&option::RECEIVE_FRAGMENT_SIZE, true).unwrap();
    let sent = sender.send_to(&vec![7; len], control, at(Pair::B, port(receiver)));
    sent.map_err(|error| error.raw_os_error().or_else(|| cause(&error)).unwrap())?;
    let (mut payload, mut control) = ([0; 4096], [0; 512]);
    let message = receiver.recv_message(&mut payload, &mut control).unwrap();
    assert_eq!(message.len, len);
    Ok(message.get::<FragmentSize>().unwrap().map(|size| size.0))
}

fn each_mode_of_path_mtu_discovery_has_its_effect() {
    use PathMtuDiscovery::*;
    // The link of `a` has an MTU of 1,500, and its route to `b` one of 1,300, as if a router had reported it.
    let pair = Pair::new().unwrap();
    pair.a.ip(&format!("-6 route add {}/128 dev eth0 mtu 1300", Pair::B)).unwrap();
    let (sender, receiver) = (on(&pair.a), on(&pair.b));
    assert_eq!(sender.path_mtu_discovery().unwrap(), Want);
    // 1,252 bytes fill a packet of 1,300; 1,452 one of 1,500.
    for (mode, path, link) in [
        (Off, true, true),
        (Want, true, true),
        (Require, false, false),
        (Probe, true, false),
        (Interface, true, false),
        (Omit, true, true),
    ] {
        sender.set_path_mtu_discovery(mode).unwrap();
        assert_eq!(sender.path_mtu_discovery().unwrap(), mode);
        let fits = |result: Result<Option<u32>, i32>| match result {
            Ok(_) => true,
            Err(EMSGSIZE) => false,
            Err(other) => panic!("{mode:?}: {other}"),
        };
        assert!(fits(fragments(&sender, &receiver, 1252, &SendControl::new())), "{mode:?}");
        let larger_than_path = fragments(&sender, &receiver, 1253, &SendControl::new());
        assert_eq!(fits(larger_than_path), path, "{mode:?}");
        // Modes that ignore the path send one packet.
        let ignores = matches!(mode, Probe | Interface | Omit);
        if path {
            assert_eq!(larger_than_path.unwrap().is_none(), ignores, "{mode:?}");
        }
        assert_eq!(fits(fragments(&sender, &receiver, 1453, &SendControl::new())), link, "{mode:?}");
    }
}

fn dont_fragment_of_one_packet_leaves_the_others() {
    let (_pair, sender, receiver, _) = small_mtu_pair();
    let messages = Messages::<64>::new().with(DontFragment(true)).unwrap();
    let control = SendControl::new().with_messages(&messages);
    assert_eq!(fragments(&sender, &receiver, 1253, &control), Err(EMSGSIZE));
    assert_eq!(fragments(&sender, &receiver, 1252, &control), Ok(None));
    assert!(fragments(&sender, &receiver, 1253, &SendControl::new()).unwrap().is_some());
    // The other direction: one packet may be fragmented.
    sender.set_dont_fragment(true).unwrap();
    let messages = Messages::<64>::new().with(DontFragment(false)).unwrap();
    let control = SendControl::new().with_messages(&messages);
    assert_eq!(fragments(&sender, &receiver, 1253, &SendControl::new()), Err(EMSGSIZE));
    assert!(fragments(&sender, &receiver, 1253, &control).unwrap().is_some());
}

fn an_mtu_limits_the_fragments_of_the_socket() {
    let pair = Pair::new().unwrap();
    let (sender, receiver) = (on(&pair.a), on(&pair.b));
    assert_eq!(fragments(&sender, &receiver, 1400, &SendControl::new()), Ok(None));
    assert_eq!(errno(sender.set_option(&option::MTU, 1279)), Some(EINVAL));
    sender.set_option(&option::MTU, 1280).unwrap();
    // A packet that fits the path is not fragmented. (Scar 70: setting the option looks like a limit of all packets.)
    assert_eq!(fragments(&sender, &receiver, 1400, &SendControl::new()), Ok(None));
    let limited = fragments(&sender, &receiver, 1500, &SendControl::new()).unwrap().unwrap();
    assert!((1200..=1280).contains(&limited), "{limited}");
    sender.set_option(&option::MTU, 0).unwrap();
    assert!(fragments(&sender, &receiver, 1500, &SendControl::new()).unwrap().unwrap() > 1400);
    assert_eq!(errno(sender.option(&option::MTU)), Some(ENOTCONN));
    sender.connect(at(Pair::B, 9)).unwrap();
    assert_eq!(sender.option(&option::MTU).unwrap(), 1500);
}

/// The flow label that arrives with one datagram.
fn label(sender: &PacketConn, receiver: &PacketConn, flow: u32) -> Option<u32> {
    let to = SocketAddrV6::new(Pair::B, port(receiver), flow.to_be(), 0);
    sender.send_to(b"x", &SendControl::new(), to).unwrap();
    receive(receiver).1.control.flow_label.map(FlowLabel::get)
}

fn the_flow_label_of_an_address_is_sent_if_the_option_is_on() {
    let pair = Pair::new().unwrap();
    let (sender, receiver) = (on(&pair.a), on(&pair.b));
    sender.set_option(&option::AUTO_FLOW_LABEL, false).unwrap();
    assert_eq!(label(&sender, &receiver, 0x12345), None);
    sender.set_option(&option::SEND_FLOW_INFO, true).unwrap();
    assert_eq!(label(&sender, &receiver, 0x12345), Some(0x12345));
    sender.set_option(&option::SEND_FLOW_INFO, false).unwrap();
    assert_eq!(label(&sender, &receiver, 0x12345), None);

    // The only way to give a TCP connection a label.
    let listener = pair.b.run(|| TcpListener::bind("[::]:0")).unwrap();
    Conn::new(&listener).unwrap().set_control_flags(ControlFlags::FLOW_LABEL, true).unwrap();
    let to = SocketAddrV6::new(Pair::B, listener.local_addr().unwrap().port(), 0x54321_u32.to_be(), 0);
    let client = pair.a.run(|| Socket::new(Domain::IPV6, Type::STREAM, None)).unwrap();
    Conn::new(&client).unwrap().set_option(&option::SEND_FLOW_INFO, true).unwrap();
    client.connect(&to.into()).unwrap();
    let _client = TcpStream::from(client);
    let (server, _) = listener.accept().unwrap();
    let got = Conn::new(&server).unwrap().stream_control().unwrap();
    assert_eq!(got.flow_label.map(FlowLabel::get), Some(0x54321));
}

fn a_flow_label_is_chosen_if_the_option_is_on() {
    let pair = Pair::new().unwrap();
    let (sender, receiver) = (on(&pair.a), on(&pair.b));
    for on in [true, false, true] {
        sender.set_option(&option::AUTO_FLOW_LABEL, on).unwrap();
        assert_eq!(label(&sender, &receiver, 0).is_some(), on);
    }
}

fn the_original_destination_has_the_port_too() {
    let pair = Pair::new().unwrap();
    let (sender, receiver) = (on(&pair.a), on(&pair.b));
    let to = at(Pair::B, port(&receiver));
    let received = || {
        sender.send_to(b"x", &SendControl::new(), to).unwrap();
        let (mut payload, mut control) = ([0; 16], [0; 512]);
        let message = receiver.recv_message(&mut payload, &mut control).unwrap();
        message.get::<OriginalDestination>().unwrap()
    };
    assert_eq!(received(), None);
    receiver.set_option(&option::RECEIVE_ORIGINAL_DESTINATION, true).unwrap();
    assert_eq!(received(), Some(OriginalDestination(to)));
}

/// A host with two links, and sockets of two hosts with the same address, one on each link.
fn two_links() -> (Host, [PacketConn; 2]) {
    let [a, b, c] = ["a", "b", "c"].map(|name| Host::new(name).unwrap());
    link(&a, "left", &b, "eth0").unwrap();
    link(&a, "right", &c, "eth0").unwrap();
    for (host, interface, address) in
        [(&a, "left", Pair::A), (&a, "right", Pair::A), (&b, "eth0", Pair::B), (&c, "eth0", Pair::B)]
    {
        host.add_address(address, interface).unwrap();
    }
    let receivers = [&b, &c].map(|host| host.run(|| PacketConn::bind("[::]:7000")).unwrap());
    for receiver in &receivers {
        receiver.set_deadline(soon());
    }
    (a, receivers)
}

fn the_interface_of_unicast_packets_is_chosen() {
    let (a, receivers) = two_links();
    let sender = on(&a);
    for (interface, receiver) in [("right", 1), ("left", 0), ("right", 1)] {
        let wanted = UnicastInterface(Some(index(&a, interface)));
        sender.set_option(&option::UNICAST_INTERFACE, wanted).unwrap();
        assert_eq!(sender.option(&option::UNICAST_INTERFACE).unwrap(), wanted);
        sender.send_to(interface.as_bytes(), &SendControl::new(), at(Pair::B, 7000)).unwrap();
        assert_eq!(receive(&receivers[receiver]).0, interface.as_bytes());
    }
    sender.set_option(&option::UNICAST_INTERFACE, UnicastInterface(None)).unwrap();
    assert_eq!(sender.option(&option::UNICAST_INTERFACE).unwrap(), UnicastInterface(None));
}

fn groups_of_other_sockets_are_received_if_the_option_is_on() {
    let pair = Pair::new().unwrap();
    let (sender, member, other) = (on(&pair.a), on(&pair.b), on(&pair.b));
    member.join_group(GROUP, index(&pair.b, "eth0")).unwrap();
    sender.set_multicast_interface(index(&pair.a, "eth0")).unwrap();
    let to = |conn: &PacketConn| at(GROUP, port(conn));
    assert!(other.option(&option::MULTICAST_ALL).unwrap());
    sender.send_to(b"all", &SendControl::new(), to(&other)).unwrap();
    assert_eq!(receive(&other).0, b"all");
    other.set_option(&option::MULTICAST_ALL, false).unwrap();
    sender.send_to(b"own", &SendControl::new(), to(&other)).unwrap();
    // What is sent to it alone arrives next.
    sender.send_to(b"next", &SendControl::new(), at(Pair::B, port(&other))).unwrap();
    assert_eq!(receive(&other).0, b"next");
}

fn an_anycast_address_lasts_as_long_as_the_socket() {
    let pair = Pair::new().unwrap();
    let anycast: Ipv6Addr = "2001:db8:1::77".parse().unwrap();
    let (sender, receiver) = (on(&pair.a), on(&pair.b));
    let request = Group { group: anycast, on: Some(index(&pair.b, "eth0")) };
    let listed = || pair.b.proc_net("anycast6").unwrap().contains(&digits(anycast));
    assert!(!listed());
    receiver.set_option(&option::JOIN_ANYCAST, request).unwrap();
    assert!(listed());
    sender.send_to(b"any", &SendControl::new(), at(anycast, port(&receiver))).unwrap();
    let (text, got) = receive(&receiver);
    assert_eq!((text.as_slice(), got.control.destination), (b"any".as_slice(), Some(anycast)));
    receiver.set_option(&option::LEAVE_ANYCAST, request).unwrap();
    assert!(!listed());
    receiver.set_option(&option::JOIN_ANYCAST, request).unwrap();
    drop(receiver);
    // A test that forks at this moment keeps the socket until its `exec`.
    while listed() {
        std::thread::yield_now();
    }
}

fn the_interface_of_all_packets_is_chosen_and_the_source_is_not() {
    let (a, receivers) = two_links();
    let sender = on(&a);
    let second: Ipv6Addr = "2001:db8:1::99".parse().unwrap();
    a.add_address(second, "left").unwrap();
    for (interface, receiver) in [("right", 1), ("left", 0), ("right", 1)] {
        let info = PacketInfo { address: Pair::A, interface: Some(index(&a, interface)) };
        sender.set_option(&option::PACKET_INFO, info).unwrap();
        sender.send_to(interface.as_bytes(), &SendControl::new(), at(Pair::B, 7000)).unwrap();
        let (text, got) = receive(&receivers[receiver]);
        assert_eq!(text, interface.as_bytes());
        // Scar 70: Linux takes the address and does not use it. The newest address of the interface is its choice.
        assert_eq!(*got.source.ip(), if interface == "left" { second } else { Pair::A });
    }
    let none = PacketInfo { address: Ipv6Addr::UNSPECIFIED, interface: None };
    sender.set_option(&option::PACKET_INFO, none).unwrap();
}

fn a_temporary_address_is_preferred_if_it_is_asked_for() {
    let pair = Pair::new().unwrap();
    // The kernel makes a temporary address of this public one.
    pair.a.set("net/ipv6/conf/eth0/use_tempaddr", "1").unwrap();
    let public: Ipv6Addr = "2001:db8:1::5054:ff:fe00:1".parse().unwrap();
    let lifetime = "valid_lft 86400 preferred_lft 43200";
    pair.a.ip(&format!("-6 addr del {}/64 dev eth0", Pair::A)).unwrap();
    pair.a.ip(&format!("-6 addr add {public}/64 dev eth0 mngtmpaddr {lifetime}")).unwrap();
    let temporary = pair.a.ip("-6 addr show dev eth0 temporary").unwrap();
    let temporary = temporary.split_whitespace().skip_while(|word| *word != "inet6").nth(1);
    let temporary: Ipv6Addr = temporary.unwrap().split('/').next().unwrap().parse().unwrap();
    for (preference, source) in [
        (AddressPreferences::TEMPORARY, temporary),
        (AddressPreferences::PUBLIC, public),
        (AddressPreferences::TEMPORARY, temporary),
    ] {
        let conn = on(&pair.a);
        conn.set_option(&option::ADDRESS_PREFERENCES, preference).unwrap();
        assert!(conn.option(&option::ADDRESS_PREFERENCES).unwrap().contains(preference));
        conn.connect(at(Pair::B, 9)).unwrap();
        assert_eq!(*conn.local_addr().unwrap().ip(), source, "{preference:?}");
    }
    let both = AddressPreferences::TEMPORARY | AddressPreferences::PUBLIC;
    assert_eq!(errno(on(&pair.a).set_option(&option::ADDRESS_PREFERENCES, both)), Some(EINVAL));
    // The kernel takes these and forgets them.
    for nothing in
        [AddressPreferences::CGA, AddressPreferences::NON_CGA, AddressPreferences::from_bits_retain(1 << 20)]
    {
        let error = on(&pair.a).set_option(&option::ADDRESS_PREFERENCES, nothing).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::Unsupported, "{nothing:?}");
        assert!(error.to_string().contains("IPV6_ADDR_PREFERENCES"), "{error}");
    }
}

fn packets_with_a_router_alert_are_delivered_to_the_router() {
    use ipv6_std::ext::OptionsBuilder;
    let line = Line::new().unwrap();
    let (sender, receiver) = (on(&line.a), on(&line.b));
    let router = line.router.run(|| RawConn::open(255)).unwrap();
    // In another namespace: it receives the same packets, unless the option forbids it.
    let elsewhere = line.a.run(|| RawConn::open(255)).unwrap();
    for conn in [&router, &elsewhere] {
        conn.set_deadline(soon());
    }
    let header = OptionsBuilder::<16>::new().with(ext::OptionType::ROUTER_ALERT, &[0, 0]).unwrap();
    let messages = Messages::<64>::new().with(header.hop_by_hop()).unwrap();
    let send = |text: &[u8]| {
        let control = SendControl::new().with_messages(&messages);
        sender.send_to(text, &control, at(Line::B, port(&receiver))).unwrap();
    };
    send(b"forwarded");
    assert_eq!(receive(&receiver).0, b"forwarded");

    let delivered = |conn: &RawConn, text: &[u8]| {
        let (packet, _) = receive(conn);
        assert!(packet.ends_with(text), "{packet:?}");
    };
    elsewhere.set_option(&option::ROUTER_ALERT, Some(0)).unwrap();
    send(b"first");
    delivered(&elsewhere, b"first");
    elsewhere.set_option(&option::ROUTER_ALERT_ISOLATE, true).unwrap();
    router.set_option(&option::ROUTER_ALERT, Some(0)).unwrap();
    send(b"second");
    delivered(&router, b"second");
    elsewhere.set_option(&option::ROUTER_ALERT_ISOLATE, false).unwrap();
    send(b"third");
    delivered(&router, b"third");
    delivered(&elsewhere, b"third");
    for conn in [&router, &elsewhere] {
        conn.set_option(&option::ROUTER_ALERT, None).unwrap();
    }
    // Those that were delivered were not forwarded.
    send(b"again");
    assert_eq!(receive(&receiver).0, b"again");
    assert_eq!(errno(sender.set_option(&option::ROUTER_ALERT, Some(0))), Some(ENOPROTOOPT));
}

fn flags_of_one_send_have_their_effect() {
    let line = Line::new().unwrap();
    let (sender, receiver) = (on(&line.a), on(&line.b));
    let (to, control) = (at(Line::B, port(&receiver)), SendControl::new());
    // MSG_DONTROUTE: Linux would send to a destination behind a router (scar 70).
    let refused = sender.send_with_flags(b"x", &control, to, SendFlags::DONT_ROUTE).unwrap_err();
    assert_eq!((refused.kind(), refused.raw_os_error()), (ErrorKind::Unsupported, None));
    assert!(refused.to_string().contains("MSG_DONTROUTE"), "{refused}");
    // MSG_MORE: three calls, one datagram.
    sender.send_with_flags(b"one ", &control, to, SendFlags::MORE).unwrap();
    sender.send_with_flags(b"two ", &control, to, SendFlags::MORE).unwrap();
    sender.send_with_flags(b"three", &control, to, SendFlags::empty()).unwrap();
    assert_eq!(receive(&receiver).0, b"one two three");
    // MSG_PROBE: nothing is sent.
    sender.send_with_flags(b"probe", &control, to, SendFlags::PROBE).unwrap();
    sender.send_to(b"after", &control, to).unwrap();
    // MSG_PEEK: the datagram stays.
    let mut payload = [0; 16];
    for _ in 0..2 {
        let got = receiver.peek_from(&mut payload).unwrap();
        assert_eq!((&payload[..got.len], *got.source.ip()), (b"after".as_slice(), Line::A));
        assert!(got.control.hop_limit.is_some());
    }
    assert_eq!(receive(&receiver).0, b"after");
    // MSG_CONFIRM: the neighbour stays reachable without a solicitation.
    let neighbour = || line.a.ip(&format!("-6 neigh show {} dev eth0", Line::LEFT)).unwrap();
    let solicitations = || {
        let counters = line.a.proc_net("snmp6").unwrap();
        counters.lines().find(|line| line.starts_with("Icmp6OutNeighborSolicits")).unwrap().to_string()
    };
    line.a.set("net/ipv6/neigh/eth0/delay_first_probe_time", "1").unwrap();
    let mac = neighbour().split_whitespace().skip_while(|word| *word != "lladdr").nth(1).unwrap().to_string();
    line.a.ip(&format!("-6 neigh replace {} lladdr {mac} dev eth0 nud stale", Line::LEFT)).unwrap();
    let before = solicitations();
    sender.send_to(b"x", &control, to).unwrap();
    assert!(neighbour().contains("DELAY"), "{}", neighbour());
    let mut sent = 1;
    while !neighbour().contains("REACHABLE") {
        assert_eq!(solicitations(), before);
        sender.send_with_flags(b"x", &control, to, SendFlags::CONFIRM).unwrap();
        sent += 1;
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(solicitations(), before);
    // A deadline limits these calls too.
    for _ in 0..sent {
        receive(&receiver);
    }
    receiver.set_read_deadline(Some(std::time::Instant::now()));
    assert_eq!(receiver.peek_from(&mut payload).unwrap_err().kind(), ErrorKind::TimedOut);
}
