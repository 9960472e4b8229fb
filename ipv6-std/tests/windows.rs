//! Windows on loopback. Probes find out what Wine lacks; the tests that need it are ignored there, with Wine's error as
//! the reason. On Windows itself they run.

#[cfg(not(windows))]
ipv6_testnet::tests! {}

#[cfg(windows)]
use on_windows::*;

#[cfg(windows)]
ipv6_testnet::tests! {
    [] every_enabled_control_message_is_received;
    [] each_flag_can_be_enabled_and_disabled_alone;
    [] a_source_address_can_be_sent;
    [] a_source_and_an_interface_can_be_sent;
    [] options_read_back_as_set;
    [] options_of_a_dual_stack_socket_are_set_for_ipv4_too;
    [] ipv4_groups_are_unsupported;
    [] streams_have_header_options;
    [] groups_are_joined_and_left;
    [] port_unreachable_is_not_an_error_of_a_receive;
    [] a_payload_that_does_not_fit_is_reported_as_truncated;
    [] a_batch_is_sent_and_received_message_by_message;
    [] receiving_a_batch_waits_for_one_message_only;
    [] truncation_is_reported_for_each_message;
    [] deadlines_end_calls;
    [] interfaces_have_names_and_addresses;
    [] an_unsupported_option_is_an_error_that_names_it;
    [] an_option_that_the_system_does_not_know_is_unsupported;
    [] sockets_of_another_family_are_refused;
    [] an_unbound_socket_can_be_opened;
    [] segments_are_separate_datagrams;
    [] without_the_options_nothing_is_coalesced_and_a_segment_size_is_refused;
    [] the_builder_sets_options;
    [] connections_are_cloned_and_converted;
    [] an_ipv4_datagram_has_its_destination_and_interface;
    [] an_ipv4_datagram_has_its_fields;
    [] a_dual_stack_socket_sends_over_ipv4;
    [Probed(SENT_SOURCE)] a_source_of_another_host_is_refused;
    [Probed(SENT_HOP_LIMIT)] a_hop_limit_can_be_sent;
    [Probed(SENT_TRAFFIC_CLASS)] a_traffic_class_can_be_sent;
    [Probed(TRAFFIC_CLASS)] the_traffic_class_reads_back_as_set;
    [Probed(SOURCE_GROUPS)] sources_are_joined_and_left;
    [Probed(SOURCE_GROUPS)] sources_are_excluded_and_included;
    [Probed(SOURCE_FILTERS)] a_filter_is_set_and_read;
    [] a_system_without_source_filters_says_so;
    [Probed(COALESCING)] the_system_splits_segments_and_coalesces_datagrams;
    [Probed(PATH_MTU)] a_connected_socket_has_a_path_mtu;
    [Probed(RAW_ICMPV6)] an_echo_is_answered;
}

#[cfg(windows)]
mod on_windows {
    use std::io::{self, ErrorKind};
    use std::net::{Ipv6Addr, SocketAddrV6, TcpListener, TcpStream, UdpSocket};
    use std::time::{Duration, Instant};

    use ipv6_std::*;
    use ipv6_testnet::Probe;

    const GROUP: Ipv6Addr = Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 0x114);
    const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

    /// A socket on loopback, with a deadline: a datagram that has not arrived by then was lost.
    fn loopback() -> PacketConn {
        let conn = PacketConn::bind("[::1]:0").unwrap();
        conn.set_deadline(Some(Instant::now() + Duration::from_secs(10)));
        conn
    }

    /// The result of a probe: an error if the system lacks the option.
    fn lacking<T>(result: io::Result<T>) -> Result<(), String> {
        match result {
            Err(error) if error.kind() == ErrorKind::Unsupported => Err(error.to_string()),
            // Another error is a fault: the test runs and fails.
            _ => Ok(()),
        }
    }

    const WSAEPROTONOSUPPORT: i32 = 10043;

    fn dual_stack() -> io::Result<PacketConn> {
        let conn = PacketConn::builder().only_v6(false).bind("[::]:0")?;
        conn.set_deadline(Some(Instant::now() + Duration::from_secs(10)));
        Ok(conn)
    }

    /// What a dual-stack socket receives with an IPv4 datagram of type of service 0xb8 and time to live 9.
    fn from_ipv4(flags: ControlFlags) -> io::Result<Received> {
        let conn = dual_stack()?;
        conn.set_control_flags(flags, true)?;
        let ipv4 = UdpSocket::bind("127.0.0.1:0")?;
        ipv4.set_ttl(9)?;
        socket2::SockRef::from(&ipv4).set_tos_v4(0xb8)?;
        ipv4.send_to(b"4", ("127.0.0.1", conn.local_addr()?.port()))?;
        let got = conn.recv_from(&mut [0; 8])?;
        assert_eq!(got.peer(), ipv4.local_addr()?);
        Ok(got)
    }

    /// The flags of the fields that an IPv4 datagram has.
    fn ipv4_fields() -> ControlFlags {
        ControlFlags::SUPPORTED.as_supported_by::<Host>()
    }

    pub fn an_ipv4_datagram_has_its_destination_and_interface() {
        let got = from_ipv4(ControlFlags::DESTINATION | ControlFlags::INTERFACE).unwrap();
        assert_eq!(got.control.destination, "::ffff:127.0.0.1".parse().ok());
        assert!(got.control.interface.is_some());
        assert_eq!((got.control.traffic_class, got.control.hop_limit), (None, None));
    }

    /// By the option: Wine does not send the time to live as a control message.
    pub fn a_dual_stack_socket_sends_over_ipv4() {
        let (sender, receiver) = (dual_stack().unwrap(), dual_stack().unwrap());
        receiver.set_control_flags(ipv4_fields(), true).unwrap();
        sender.set_hop_limit(9).unwrap();
        let source = "::ffff:127.0.0.1".parse().unwrap();
        let to = SocketAddrV6::new(source, receiver.local_addr().unwrap().port(), 0, 0);
        for control in [SendControl::new(), SendControl::new().with_source(source)] {
            sender.send_to(b"4", &control, to).unwrap();
            let got = receiver.recv_from(&mut [0; 8]).unwrap();
            assert_eq!((got.source.ip(), got.control.hop_limit), (&source, Some(9)));
        }
    }

    pub fn an_ipv4_datagram_has_its_fields() {
        let got = from_ipv4(ipv4_fields()).unwrap();
        assert_eq!((got.control.dscp(), got.control.hop_limit), (Some(46), Some(9)));
        assert_eq!(got.control.destination, "::ffff:127.0.0.1".parse().ok());
        assert!(!got.control_truncated);
    }

    pub const SENT_HOP_LIMIT: Probe = Probe {
        name: "sending of the hop limit as a control message",
        run: || match echo(&SendControl::new().with_hop_limit(7)).control.hop_limit {
            Some(7) => Ok(()),
            hop_limit => Err(format!("sent 7, received {hop_limit:?}")),
        },
    };

    pub const SENT_SOURCE: Probe = Probe {
        name: "check of the source address",
        run: || match from_nobody() {
            Ok(_) => Err(format!("sent a datagram from {SOURCE}")),
            Err(_) => Ok(()),
        },
    };

    pub const SENT_TRAFFIC_CLASS: Probe = Probe {
        name: "sending of the traffic class as a control message",
        run: || match echo(&SendControl::new().with_traffic_class(0x28)).control.traffic_class {
            Some(0x28) => Ok(()),
            traffic_class => Err(format!("sent 0x28, received {traffic_class:?}")),
        },
    };

    pub const TRAFFIC_CLASS: Probe =
        Probe { name: "IPV6_TCLASS", run: || lacking(loopback().set_traffic_class(0x28)) };

    pub const SOURCE_GROUPS: Probe = Probe {
        name: "MCAST_JOIN_SOURCE_GROUP",
        run: || lacking(loopback().join_source_group(GROUP, SOURCE, lo())),
    };

    pub const SOURCE_FILTERS: Probe = Probe {
        name: "SIOCSMSFILTER",
        run: || lacking(a_filter(&SourceFilter::exclude(&[SOURCE]).unwrap())),
    };

    /// Sets the filter of a membership, and reads it.
    fn a_filter(filter: &SourceFilter<2>) -> io::Result<SourceFilter<2>> {
        let conn = loopback();
        conn.join_group(GROUP, lo())?;
        conn.set_source_filter(GROUP, lo(), filter)?;
        conn.source_filter(GROUP, lo())
    }

    pub const COALESCING: Probe = Probe {
        name: "UDP_RECV_MAX_COALESCED_SIZE",
        run: || lacking(loopback().set_receive_coalescing(true)),
    };

    pub const PATH_MTU: Probe = Probe { name: "IPV6_MTU", run: || lacking(connected().path_mtu()) };

    pub const RAW_ICMPV6: Probe = Probe {
        name: "raw ICMPv6 sockets",
        run: || match RawConn::open(Icmp6Type::PROTOCOL) {
            Err(error) if error.raw_os_error() == Some(WSAEPROTONOSUPPORT) => Err(error.to_string()),
            _ => Ok(()),
        },
    };

    fn lo() -> InterfaceIndex {
        let all = Interface::all().unwrap();
        let loopback = all.iter().find(|interface| interface.flags().contains(InterfaceFlags::LOOPBACK));
        loopback.expect("a loopback interface").index()
    }

    fn connected() -> PacketConn {
        let socket = UdpSocket::bind("[::1]:0").unwrap();
        socket.connect(socket.local_addr().unwrap()).unwrap();
        PacketConn::new(socket).unwrap()
    }

    const RECEIVABLE: ControlFlags =
        ControlFlags::all().difference(ControlFlags::PATH_MTU.union(ControlFlags::FLOW_LABEL));

    /// Sends a datagram to a socket on loopback with every control message enabled, and returns what it received.
    fn echo(control: &SendControl<'_>) -> Received {
        let (sender, receiver) = (loopback(), loopback());
        receiver.set_control_flags(RECEIVABLE, true).unwrap();
        assert_eq!(sender.send_to(b"hello", control, receiver.local_addr().unwrap()).unwrap(), 5);
        let mut payload = [0; 8];
        let got = receiver.recv_from(&mut payload).unwrap();
        assert_eq!((&payload[..got.len], got.source), (&b"hello"[..], sender.local_addr().unwrap()));
        assert!(!got.truncated && !got.control_truncated);
        got
    }

    pub fn every_enabled_control_message_is_received() {
        let got = echo(&SendControl::new()).control;
        assert_eq!((got.destination, got.interface), (Some(Ipv6Addr::LOCALHOST), Some(lo())));
        // The default of the system: 64 on Wine, 128 on Windows.
        assert!(matches!(got.hop_limit, Some(64 | 128)), "{got}");
        assert_eq!(got.traffic_class, Some(0));
    }

    pub fn each_flag_can_be_enabled_and_disabled_alone() {
        for flag in RECEIVABLE.iter() {
            let (sender, receiver) = (loopback(), loopback());
            receiver.set_control_flags(flag, true).unwrap();
            assert_eq!(receiver.control_flags(), flag);
            sender.send_to(b"x", &SendControl::new(), receiver.local_addr().unwrap()).unwrap();
            let got = receiver.recv_from(&mut [0; 8]).unwrap().control;
            assert_eq!(got.filter(flag), got);
            assert_ne!(got, RecvControl::default(), "{flag:?}");
            receiver.set_control_flags(flag, false).unwrap();
            sender.send_to(b"x", &SendControl::new(), receiver.local_addr().unwrap()).unwrap();
            assert_eq!(receiver.recv_from(&mut [0; 8]).unwrap().control, RecvControl::default());
        }
    }

    pub fn a_source_address_can_be_sent() {
        echo(&SendControl::new().with_source(Ipv6Addr::LOCALHOST));
    }

    pub fn a_source_of_another_host_is_refused() {
        assert!(from_nobody().is_err());
    }

    /// Sends from an address that this host does not have.
    fn from_nobody() -> io::Result<usize> {
        let conn = PacketConn::bind("[::]:0").unwrap();
        conn.send_to(b"x", &SendControl::new().with_source(SOURCE), loopback().local_addr().unwrap())
    }

    pub fn a_source_and_an_interface_can_be_sent() {
        let got = echo(&SendControl::new().with_source(Ipv6Addr::LOCALHOST).with_interface(lo()));
        assert_eq!(got.control.interface, Some(lo()));
        assert_eq!(got.control.reply(), SendControl::new().with_source(Ipv6Addr::LOCALHOST));
    }

    pub fn options_read_back_as_set() {
        let conn = loopback();
        for hops in [1, 64, 255] {
            conn.set_hop_limit(hops).unwrap();
            conn.set_multicast_hop_limit(hops).unwrap();
            assert_eq!((conn.hop_limit().unwrap(), conn.multicast_hop_limit().unwrap()), (hops, hops));
        }
        for on in [false, true] {
            conn.set_multicast_loopback(on).unwrap();
            conn.set_dont_fragment(on).unwrap();
            assert_eq!((conn.multicast_loopback().unwrap(), conn.dont_fragment().unwrap()), (on, on));
        }
        for on in [OnInterface::from(lo()), AnyInterface.into()] {
            conn.set_multicast_interface(on).unwrap();
            assert_eq!(conn.multicast_interface().unwrap(), on.index());
        }
        assert!(conn.only_v6().unwrap());
    }

    // Scar 56: the options of IPv6 have no effect on IPv4 packets. Wine lacks `IP_MULTICAST_IF` with an index.
    pub fn options_of_a_dual_stack_socket_are_set_for_ipv4_too() {
        let conn = PacketConn::builder().only_v6(false).bind("[::]:0").unwrap();
        conn.set_hop_limit(9).unwrap();
        assert_eq!(conn.option(&option::IPV4_TIME_TO_LIVE).unwrap(), Some(9));
        conn.set_multicast_hop_limit(3).unwrap();
        assert_eq!(conn.option(&option::IPV4_MULTICAST_TIME_TO_LIVE).unwrap(), 3);
        for on in [false, true] {
            conn.set_multicast_loopback(on).unwrap();
            conn.set_dont_fragment(on).unwrap();
            assert_eq!(conn.option(&option::IPV4_MULTICAST_LOOPBACK).unwrap(), on);
            assert_eq!(conn.option(&option::IPV4_DONT_FRAGMENT).unwrap(), on);
        }
    }

    pub fn ipv4_groups_are_unsupported() {
        let group = "::ffff:239.1.2.3".parse().unwrap();
        let conn = PacketConn::builder().only_v6(false).bind("[::]:0").unwrap();
        let error = conn.join_group(group, lo()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("IP_ADD_MEMBERSHIP"), "{error}");
        let error = loopback().join_group(group, lo()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }

    pub fn streams_have_header_options() {
        let listener = TcpListener::bind("[::1]:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let conn = Conn::new(&client).unwrap();
        conn.set_hop_limit(9).unwrap();
        assert_eq!(conn.hop_limit().unwrap(), 9);
        assert_eq!(PacketConn::new(&client).unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    pub fn groups_are_joined_and_left() {
        let conn = loopback();
        conn.join_group(GROUP, lo()).unwrap();
        assert!(conn.join_group(GROUP, lo()).is_err(), "joined twice");
        conn.leave_group(GROUP, lo()).unwrap();
        assert!(conn.leave_group(GROUP, lo()).is_err(), "left twice");
        let error = conn.join_group(SOURCE, lo()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    // Scar 40 (tokio#2017): Windows returns WSAECONNRESET from a receive after a port unreachable message.
    pub fn port_unreachable_is_not_an_error_of_a_receive() {
        let (conn, other) = (loopback(), loopback());
        // The port of a socket that is already closed.
        let nobody = loopback().local_addr().unwrap();
        for _ in 0..3 {
            conn.send_to(b"anybody there?", &SendControl::new(), nobody).unwrap();
        }
        conn.set_read_deadline(Some(Instant::now() + Duration::from_millis(200)));
        assert_eq!(conn.recv_from(&mut [0; 8]).unwrap_err().kind(), ErrorKind::TimedOut);
        conn.set_read_deadline(None);
        other.send_to(b"yes", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
        assert_eq!(conn.recv_from(&mut [0; 8]).unwrap().source, other.local_addr().unwrap());
    }

    pub fn a_payload_that_does_not_fit_is_reported_as_truncated() {
        let (sender, receiver) = (loopback(), loopback());
        receiver.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
        let to = receiver.local_addr().unwrap();
        for _ in 0..2 {
            sender.send_to(b"0123456789", &SendControl::new(), to).unwrap();
        }
        sender.send_to(b"next", &SendControl::new(), to).unwrap();
        let mut payload = [0; 4];
        let got = receiver.recv_from(&mut payload).unwrap();
        assert_eq!((got.len, got.truncated, &payload), (4, true, b"0123"));
        let (mut start, mut end) = ([0; 3], [0; 4]);
        let mut parts = [io::IoSliceMut::new(&mut start), io::IoSliceMut::new(&mut end)];
        let got = receiver.recv_vectored(&mut parts).unwrap();
        assert_eq!((got.len, got.truncated, &start, &end), (7, true, b"012", b"3456"));
        // The rest was discarded; the next message is complete.
        let got = receiver.recv_from(&mut payload).unwrap();
        assert_eq!((got.len, got.truncated, &payload), (4, false, b"next"));
    }

    pub fn a_batch_is_sent_and_received_message_by_message() {
        let (sender, receiver) = (loopback(), loopback());
        receiver.set_control_flags(ControlFlags::DESTINATION, true).unwrap();
        let to = Some(receiver.local_addr().unwrap());
        let texts: Vec<_> = (0..8).map(|number| format!("message {number}")).collect();
        let messages: Vec<_> =
            texts.iter().map(|text| Outgoing::new(text.as_bytes(), SendControl::new(), to)).collect();
        assert_eq!(sender.send_batch(&mut SendBatch::new(4), &messages).unwrap(), 8);
        let (mut batch, mut payloads) = (RecvBatch::new(16), vec![[0; 32]; 16]);
        let mut seen = 0;
        while seen < 8 {
            seen += receiver.recv_batch(&mut batch, &mut payloads).unwrap();
            for (got, payload) in batch.iter().zip(&payloads) {
                let got = got.unwrap();
                assert!(texts.iter().any(|text| text.as_bytes() == &payload[..got.len]));
                assert_eq!(got.control.destination, Some(Ipv6Addr::LOCALHOST));
            }
        }
        assert_eq!(seen, 8);
    }

    pub fn receiving_a_batch_waits_for_one_message_only() {
        let conn = loopback();
        conn.send_to(b"alone", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
        let (mut batch, mut payloads) = (RecvBatch::new(4), vec![[0; 32]; 4]);
        assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 1);
        assert_eq!(&payloads[0][..5], b"alone");
    }

    pub fn truncation_is_reported_for_each_message() {
        let conn = loopback();
        for text in [&b"0123456789"[..], b"abc"] {
            conn.send_to(text, &SendControl::new(), conn.local_addr().unwrap()).unwrap();
        }
        let (mut batch, mut payloads) = (RecvBatch::new(4), vec![[0; 4]; 4]);
        let mut cut = Vec::new();
        while cut.len() < 2 {
            conn.recv_batch(&mut batch, &mut payloads).unwrap();
            cut.extend(batch.iter().map(|got| got.unwrap()).map(|got| (got.len, got.truncated)));
        }
        assert_eq!(cut, [(4, true), (3, false)]);
    }

    pub fn deadlines_end_calls() {
        let conn = loopback();
        let deadline = Instant::now() + Duration::from_millis(50);
        conn.set_deadline(Some(deadline));
        assert_eq!(conn.recv_from(&mut [0; 8]).unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(Instant::now() >= deadline);
        let error = conn.send_to(b"x", &SendControl::new(), conn.local_addr().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        conn.set_deadline(None);
        conn.send_to(b"x", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
        conn.set_deadline(Some(Instant::now() + Duration::from_secs(10)));
        assert_eq!(conn.recv_from(&mut [0; 8]).unwrap().len, 1);
    }

    pub fn interfaces_have_names_and_addresses() {
        let lo = Interface::by_index(lo()).unwrap();
        assert!(lo.flags().contains(InterfaceFlags::UP | InterfaceFlags::LOOPBACK));
        let localhost = InterfaceAddress::new(Ipv6Addr::LOCALHOST, 128);
        assert!(lo.addresses().contains(&localhost), "{lo:?}");
        assert_eq!(Interface::by_name(lo.name()).unwrap(), lo);
        assert_eq!(Interface::by_name("no such interface").unwrap_err().kind(), ErrorKind::NotFound);
    }

    pub fn an_unsupported_option_is_an_error_that_names_it() {
        let conn = loopback();
        let pass = BpfInstruction::new(6, 0, 0, u32::MAX);
        let next_hop = SendControl::new().with_next_hop(conn.local_addr().unwrap());
        let errors = [
            (conn.set_control_flags(ControlFlags::PATH_MTU, true), "IPV6_RECVPATHMTU"),
            (conn.set_bpf(&[pass]), "SO_ATTACH_FILTER"),
            (conn.detach_bpf(), "SO_DETACH_FILTER"),
            (conn.stream_control().map(drop), "IPV6_2292PKTOPTIONS"),
            (conn.send_to(b"x", &next_hop, conn.local_addr().unwrap()).map(drop), "IPV6_NEXTHOP"),
            // Windows has an option of this name, and no queue.
            (conn.set_queue_errors(true), "IPV6_RECVERR"),
            (conn.recv_error(&mut []).map(drop), "IPV6_RECVERR"),
            (conn.drain_errors(|_, _| ()).map(drop), "IPV6_RECVERR"),
            (conn.has_errors().map(drop), "IPV6_RECVERR"),
        ];
        for (result, name) in errors {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    // Scar 82: Windows and Wine answer 10042 (WSAENOPROTOOPT).
    pub fn an_option_that_the_system_does_not_know_is_unsupported() {
        let (conn, unknown) = (loopback(), option::SocketOption::<i32>::custom(41, 9999, "IPV6_UNKNOWN"));
        for result in [conn.option(&unknown).map(drop), conn.set_option(&unknown, 1)] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains("IPV6_UNKNOWN"), "{error}");
        }
    }

    pub fn an_unbound_socket_can_be_opened() {
        let conn = PacketConn::builder().open().unwrap();
        assert_eq!(conn.local_addr().unwrap(), "[::]:0".parse().unwrap());
        let peer = loopback();
        conn.send_to(b"x", &SendControl::new(), peer.local_addr().unwrap()).unwrap();
        let got = peer.recv_from(&mut [0; 8]).unwrap();
        assert_eq!(got.source.port(), conn.local_addr().unwrap().port());
    }

    /// Receives datagrams until they have this many bytes. Returns their sizes.
    fn sizes(conn: &PacketConn, bytes: usize) -> Vec<usize> {
        let (mut batch, mut payloads) = (RecvBatch::new(16), vec![[0; 2048]; 16]);
        let mut sizes = Vec::new();
        while sizes.iter().sum::<usize>() < bytes {
            conn.recv_batch(&mut batch, &mut payloads).unwrap();
            sizes.extend(batch.iter().map(|got| got.unwrap().len));
        }
        sizes
    }

    pub fn segments_are_separate_datagrams() {
        let (sender, receiver) = (loopback(), loopback());
        let to = receiver.local_addr().unwrap();
        assert_eq!(sender.send_segments(&[7; 2500], 1000, &SendControl::new(), to).unwrap(), 2500);
        assert_eq!(sizes(&receiver, 2500), [1000, 1000, 500]);
        let payload = [7; 1000];
        let messages = [&payload[..], &payload, &payload[..200]];
        let messages = messages.map(|payload| Outgoing::new(payload, SendControl::new(), Some(to)));
        sender.send_batch_all(&mut SendBatch::new(8), &messages).unwrap();
        assert_eq!(sizes(&receiver, 2200), [1000, 1000, 200]);
    }

    /// As an old kernel of Linux. Wine lacks the options; so does Windows before 10 2004.
    pub fn without_the_options_nothing_is_coalesced_and_a_segment_size_is_refused() {
        let (sender, receiver) = (loopback(), loopback());
        let Err(error) = receiver.set_receive_coalescing(true) else { return };
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("UDP_RECV_MAX_COALESCED_SIZE"), "{error}");
        assert!(!receiver.receive_coalescing());
        assert!(!sender.send_coalescing());
        sender.set_send_coalescing(true);
        assert_eq!((sender.send_coalescing(), sender.max_segments()), (false, 1));
        let control = SendControl::new().with_segment_size(1000);
        let error = sender.send_to(&[7; 2500], &control, receiver.local_addr().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("segment size 1000"), "{error}");
    }

    pub fn the_system_splits_segments_and_coalesces_datagrams() {
        let (sender, receiver) = (loopback(), loopback());
        let to = receiver.local_addr().unwrap();
        assert!(sender.send_coalescing() && sender.max_segments() > 1);
        let control = SendControl::new().with_segment_size(1000);
        sender.send_to(&[7; 2500], &control, to).unwrap();
        assert_eq!(sizes(&receiver, 2500), [1000, 1000, 500]);
        receiver.set_receive_coalescing(true).unwrap();
        assert!(receiver.receive_coalescing());
        assert_eq!(receiver.option(&option::MAX_COALESCED_SIZE).unwrap(), 65_535);
        sender.send_to(&[7; 2500], &control, to).unwrap();
        // Whether loopback coalesces is the system's choice; the datagrams are the same.
        assert_eq!(sizes(&receiver, 2500), [1000, 1000, 500]);
        receiver.set_receive_coalescing(false).unwrap();
        assert_eq!(receiver.option(&option::MAX_COALESCED_SIZE).unwrap(), 0);
    }

    pub fn the_builder_sets_options() {
        let builder = PacketConn::builder().receive_buffer(20_000).send_buffer(30_000).nonblocking(true);
        let conn = builder.only_v6(false).bind("[::]:0").unwrap();
        assert_eq!((conn.receive_buffer_size().unwrap(), conn.send_buffer_size().unwrap()), (20_000, 30_000));
        assert_eq!(conn.recv_from(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(!conn.only_v6().unwrap());
        for (result, name) in [
            (builder.device(lo()).open(), "SO_BINDTODEVICE"),
            (builder.freebind(true).open(), "IPV6_FREEBIND"),
            (builder.transparent(true).open(), "IPV6_TRANSPARENT"),
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}");
            assert!(error.to_string().contains(name), "{error}");
        }
        let error = conn.set_min_hop_limit(255).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("IPV6_MINHOPCOUNT"), "{error}");
    }

    pub fn connections_are_cloned_and_converted() {
        let conn = loopback();
        conn.set_control_flags(ControlFlags::DESTINATION, true).unwrap();
        let clone = conn.try_clone().unwrap();
        assert_eq!(clone.control_flags(), ControlFlags::DESTINATION);
        let socket = UdpSocket::from(clone);
        assert_eq!(socket.local_addr().unwrap(), conn.local_addr().unwrap().into());
        let again = PacketConn::try_from(socket).unwrap();
        again.connect(conn.local_addr().unwrap()).unwrap();
        assert_eq!(again.peer_addr().unwrap(), conn.local_addr().unwrap());
        let socket = std::os::windows::io::OwnedSocket::from(again);
        Conn::<UdpSocket>::try_from(socket).unwrap();
    }

    pub fn sockets_of_another_family_are_refused() {
        let error = PacketConn::new(UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    pub fn a_hop_limit_can_be_sent() {
        for hop_limit in [1, 255] {
            let got = echo(&SendControl::new().with_hop_limit(hop_limit));
            assert_eq!(got.control.hop_limit, Some(hop_limit));
        }
    }

    pub fn a_traffic_class_can_be_sent() {
        for traffic_class in [0xe0, 0xff, 0] {
            let got = echo(&SendControl::new().with_traffic_class(traffic_class));
            assert_eq!(got.control.traffic_class, Some(traffic_class));
        }
    }

    pub fn the_traffic_class_reads_back_as_set() {
        let conn = loopback();
        for traffic_class in [0x28, 0xff, 0] {
            conn.set_traffic_class(traffic_class).unwrap();
            assert_eq!(conn.traffic_class().unwrap(), traffic_class);
        }
    }

    pub fn sources_are_joined_and_left() {
        let conn = loopback();
        conn.join_source_group(GROUP, SOURCE, lo()).unwrap();
        assert!(conn.join_source_group(GROUP, SOURCE, lo()).is_err(), "joined twice");
        conn.leave_source_group(GROUP, SOURCE, lo()).unwrap();
        assert!(conn.leave_source_group(GROUP, SOURCE, lo()).is_err(), "left twice");
    }

    pub fn sources_are_excluded_and_included() {
        let conn = loopback();
        conn.join_group(GROUP, lo()).unwrap();
        conn.exclude_source(GROUP, SOURCE, lo()).unwrap();
        assert!(conn.exclude_source(GROUP, SOURCE, lo()).is_err(), "excluded twice");
        conn.include_source(GROUP, SOURCE, lo()).unwrap();
        conn.leave_group(GROUP, lo()).unwrap();
    }

    pub fn a_filter_is_set_and_read() {
        for filter in
            [SourceFilter::exclude(&[SOURCE]), SourceFilter::include(&[SOURCE]), SourceFilter::exclude(&[])]
        {
            let filter = filter.unwrap();
            assert_eq!(a_filter(&filter).unwrap(), filter);
        }
    }

    /// Wine.
    pub fn a_system_without_source_filters_says_so() {
        let Err(error) = a_filter(&SourceFilter::exclude(&[SOURCE]).unwrap()) else { return };
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("SIOCSMSFILTER"), "{error}");
    }

    pub fn a_connected_socket_has_a_path_mtu() {
        assert!(connected().path_mtu().unwrap() >= 1280);
    }

    pub fn an_echo_is_answered() {
        let conn = RawConn::open(Icmp6Type::PROTOCOL).unwrap();
        conn.set_deadline(Some(Instant::now() + Duration::from_secs(10)));
        let request = [128, 0, 0, 0, 0x12, 0x34, 0, 1, b'h', b'i'];
        conn.send_to(&request, &SendControl::new(), "[::1]:0".parse().unwrap()).unwrap();
        loop {
            let mut payload = [0; 64];
            let len = conn.recv_from(&mut payload).unwrap().len;
            if payload[0] == 129 {
                assert_eq!(payload[4..len], request[4..]);
                return;
            }
        }
    }
}
