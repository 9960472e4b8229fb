//! Options, messages, batches and interfaces as programs without `std` use them.

use std::net::{Ipv6Addr, SocketAddrV6};

use ipv6_core::{ControlFlags, InterfaceIndex, RecvControl, SendControl};
use ipv6_sys::batch::{
    self, BatchHeader, Coalesce, Outgoing, Part, RecvArray, RecvSlot, SendArray, SendError, SendSlot,
    SendStorage,
};
use ipv6_sys::fd::OwnedFd;
use ipv6_sys::interface::{self, Addresses, InterfaceFlags};
use ipv6_sys::message::{self, ControlBuffer, ControlSpace, IoSlice, IoSliceMut, MessageFlags};
use ipv6_sys::option::{self, Group, SourceGroup};
use ipv6_sys::socket::{self, Kind};
use ipv6_sys::wait::{Ready, wait};
use ipv6_sys::{Errno, Error, Host};

ipv6_testnet::tests! {
    [Namespace] every_option_is_read_and_changed;
    [Namespace] scar_22_a_number_is_no_boolean;
    [Namespace] groups_are_joined_and_left;
    [Namespace] an_option_of_another_socket_is_refused;
    [Namespace] scar_5_a_failed_receive_leaves_no_control;
    [Namespace] peeking_leaves_the_message;
    [Namespace] not_waiting_says_so;
    [Namespace] waiting_ends;
    [Namespace] batches_over_arrays;
    [Namespace] arrays_are_used_again;
    [Namespace] arrays_put_runs_together;
    [Namespace] sockets_know_what_they_are;
    [Namespace] interfaces_are_found_and_named;
    [Namespace] a_segment_tells_its_control;
    [] errors_have_text;
}

const LOOPBACK: SocketAddrV6 = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0);

fn bound() -> (OwnedFd, SocketAddrV6) {
    let socket = socket::datagram().unwrap();
    socket::bind(&socket, &LOOPBACK).unwrap();
    let address = socket::local_address(&socket).unwrap().unwrap();
    (socket, address)
}

fn every_option_is_read_and_changed() {
    let (socket, _) = bound();
    for option in [&option::TRAFFIC_CLASS, &option::MULTICAST_HOP_LIMIT] {
        for value in [0, 1, 255] {
            option.set(&socket, value).unwrap();
            assert_eq!(option.get(&socket), Ok(value), "{}", option.name());
        }
    }
    for option in [
        &option::MULTICAST_LOOPBACK,
        &option::RECEIVE_TRAFFIC_CLASS,
        &option::RECEIVE_HOP_LIMIT,
        &option::RECEIVE_PACKET_INFO,
        &option::RECEIVE_PATH_MTU,
        &option::DONT_FRAGMENT,
    ] {
        for value in [true, false] {
            option.set(&socket, value).unwrap();
            assert_eq!(option.get(&socket), Ok(value), "{}", option.name());
        }
    }
    for value in [InterfaceIndex::new(1).ok(), None] {
        option::MULTICAST_INTERFACE.set(&socket, value).unwrap();
        assert_eq!(option::MULTICAST_INTERFACE.get(&socket), Ok(value));
    }
    let unbound = socket::datagram().unwrap();
    option::ONLY_V6.set(&unbound, true).unwrap();
    assert_eq!(option::ONLY_V6.get(&unbound), Ok(true));

    let raw = socket::raw(89).unwrap();
    for value in [Some(0), Some(12), None] {
        option::CHECKSUM.set(&raw, value).unwrap();
        assert_eq!(option::CHECKSUM.get(&raw), Ok(value));
    }
    option::HEADER_INCLUDED.set(&raw, true).unwrap();
    assert_eq!(option::HEADER_INCLUDED.get(&raw), Ok(true));
    assert_eq!(option::PATH_MTU.get(&socket), Err(Error::Os(Errno::from_raw(107))));
}

fn scar_22_a_number_is_no_boolean() {
    // The same option under both types: the kernel has an int of four bytes.
    let (socket, _) = bound();
    option::MULTICAST_HOP_LIMIT.set(&socket, 2).unwrap();
    assert_eq!(option::MULTICAST_HOP_LIMIT.get(&socket), Ok(2));
    option::MULTICAST_LOOPBACK.set(&socket, true).unwrap();
    assert_eq!(rustix::net::sockopt::ipv6_multicast_loop(&socket), Ok(true));
    assert_eq!(rustix::net::sockopt::ipv6_multicast_hops(&socket), Ok(2));
}

fn groups_are_joined_and_left() {
    let (socket, _) = bound();
    let on = InterfaceIndex::new(1).ok();
    let any = Group { group: "ff02::114".parse().unwrap(), on };
    let (group, source) = ("ff3e::8000:1".parse().unwrap(), "2001:db8::1".parse().unwrap());
    let one = SourceGroup { group, source, on };
    option::JOIN_GROUP.set(&socket, any).unwrap();
    option::LEAVE_GROUP.set(&socket, any).unwrap();
    option::JOIN_SOURCE_GROUP.set(&socket, one).unwrap();
    option::LEAVE_SOURCE_GROUP.set(&socket, one).unwrap();
    option::JOIN_GROUP.set(&socket, Group { group, on }).unwrap();
    option::BLOCK_SOURCE.set(&socket, one).unwrap();
    option::UNBLOCK_SOURCE.set(&socket, one).unwrap();
    assert!(option::UNBLOCK_SOURCE.set(&socket, one).is_err());
}

fn an_option_of_another_socket_is_refused() {
    let (socket, _) = bound();
    // What a UDP socket answers to a raw socket's option.
    assert_eq!(option::CHECKSUM.set(&socket, Some(2)), Err(Error::Os(Errno::from_raw(92))));
    assert!(option::ICMP6_TYPE_FILTER.get(&socket).is_err());
}

fn scar_5_a_failed_receive_leaves_no_control() {
    let (socket, address) = bound();
    option::RECEIVE_HOP_LIMIT.set(&socket, true).unwrap();
    let mut buffer = ControlBuffer::<128>::new();
    let mut control = ControlSpace::from(&mut buffer);
    message::send(&socket, &[IoSlice::new(b"x")], &[], Some(&address), MessageFlags::empty()).unwrap();
    let mut payload = [0; 4];
    let mut parts = [IoSliceMut::new(&mut payload)];
    message::receive(&socket, &mut parts, &mut control, MessageFlags::empty()).unwrap();
    assert_eq!(RecvControl::decode::<Host>(control.written()).unwrap().hop_limit, Some(64));
    let again = message::receive(&socket, &mut parts, &mut control, MessageFlags::DONT_WAIT);
    assert_eq!(again, Err(Errno::AGAIN));
    assert!(control.written().is_empty());
}

fn peeking_leaves_the_message() {
    let (socket, address) = bound();
    message::send(&socket, &[IoSlice::new(b"x")], &[], Some(&address), MessageFlags::empty()).unwrap();
    let mut payload = [0; 4];
    for flags in [MessageFlags::PEEK, MessageFlags::PEEK, MessageFlags::empty()] {
        let mut none = ControlBuffer::<0>::new();
        let mut parts = [IoSliceMut::new(&mut payload)];
        let got = message::receive(&socket, &mut parts, &mut ControlSpace::from(&mut none), flags).unwrap();
        assert_eq!((got.len, got.source), (1, Some(address)));
    }
}

fn not_waiting_says_so() {
    let (socket, _) = bound();
    let mut none = ControlBuffer::<0>::new();
    let mut control = ControlSpace::from(&mut none);
    let answer = message::receive(&socket, &mut [], &mut control, MessageFlags::DONT_WAIT);
    assert_eq!(answer, Err(Errno::AGAIN));
    let answer = message::receive(&socket, &mut [], &mut control, MessageFlags::ERROR_QUEUE);
    assert_eq!(answer, Err(Errno::AGAIN));
}

fn waiting_ends() {
    let (socket, address) = bound();
    let moment = core::time::Duration::from_millis(5);
    assert_eq!(wait(&socket, Ready::Receive, Some(moment)), Ok(false));
    assert_eq!(wait(&socket, Ready::Send, None), Ok(true));
    message::send(&socket, &[IoSlice::new(b"x")], &[], Some(&address), MessageFlags::empty()).unwrap();
    assert_eq!(wait(&socket, Ready::Receive, Some(core::time::Duration::MAX)), Ok(true));
}

const SENT: usize = SendControl::max_space::<Host>();
const RECEIVED: usize = ControlFlags::all().space::<Host>();

fn batches_over_arrays() {
    let (socket, address) = bound();
    option::RECEIVE_TRAFFIC_CLASS.set(&socket, true).unwrap();
    let mut headers = [const { BatchHeader::new() }; 4];
    let mut slots = [const { SendSlot::<SENT>::new() }; 4];
    let mut parts = [const { Part::new() }; 4];
    let messages = [4, 8, 12]
        .map(|class| Outgoing::new(b"x", SendControl::new().with_traffic_class(class), Some(address)));
    let once = MessageFlags::empty();
    let storage = SendStorage { headers: &mut headers, slots: &mut slots, parts: &mut parts };
    assert_eq!(batch::send(&socket, storage, &messages, Coalesce::NONE, once), Ok(3));

    let mut slots = [const { RecvSlot::<RECEIVED>::new() }; 4];
    let mut payloads = [[0; 4]; 4];
    let flags = MessageFlags::WAIT_FOR_ONE;
    assert_eq!(batch::receive(&socket, &mut headers, &mut slots, &mut payloads, flags), Ok(3));
    for (slot, class) in slots.iter().zip([4, 8, 12]) {
        assert_eq!((slot.arrival().len, slot.arrival().source()), (1, Some(address)));
        assert_eq!(RecvControl::decode::<Host>(slot.arrival().control).unwrap().traffic_class, Some(class));
    }
    // A slot that nothing was received into has nothing.
    assert_eq!((slots[3].arrival().source(), slots[3].arrival().control), (None, [].as_slice()));
    // Nor has one that held control messages (scar 8), once a message comes without.
    option::RECEIVE_TRAFFIC_CLASS.set(&socket, false).unwrap();
    message::send(&socket, &[IoSlice::new(b"y")], &[], Some(&address), MessageFlags::empty()).unwrap();
    assert_eq!(batch::receive(&socket, &mut headers, &mut slots, &mut payloads, flags), Ok(1));
    assert_eq!((slots[0].arrival().len, slots[0].arrival().control), (1, [].as_slice()));

    // Control that does not fit into the slot is an error of the first message, and an end otherwise.
    let mut small = [const { SendSlot::<8>::new() }; 4];
    let plain = Outgoing::new(b"x", SendControl::new(), Some(address));
    let storage = SendStorage { headers: &mut headers, slots: &mut small, parts: &mut parts };
    let answer = batch::send(&socket, storage, &messages, Coalesce::NONE, once);
    assert!(matches!(answer, Err(SendError::Control(_))));
    let storage = SendStorage { headers: &mut headers, slots: &mut small, parts: &mut parts };
    let answer = batch::send(&socket, storage, &[plain, messages[0]], Coalesce::NONE, once);
    assert_eq!(answer, Ok(1));
    // Nothing to send or no room is no call.
    let storage = SendStorage { headers: &mut [], slots: &mut small, parts: &mut parts };
    assert_eq!(batch::send(&socket, storage, &[plain], Coalesce::NONE, once), Ok(0));
    assert_eq!(batch::receive(&socket, &mut [], &mut slots, &mut payloads, flags), Ok(0));
}

fn arrays_are_used_again() {
    let ((sender, from), (receiver, to)) = (bound(), bound());
    let (mut outgoing, mut incoming) = (SendArray::<4, SENT>::new(), RecvArray::<3, RECEIVED>::default());
    let texts: [_; 6] = core::array::from_fn(|number| [number as u8; 20]);
    // More and fewer than there is room for, with control messages and without, whole and cut.
    for (count, traffic_class, room) in
        [(6, true, 20), (1, false, 20), (3, true, 7), (2, false, 7), (6, true, 20)]
    {
        option::RECEIVE_TRAFFIC_CLASS.set(&receiver, traffic_class).unwrap();
        let messages: Vec<_> = (1..=count)
            .zip(&texts)
            .map(|(class, text)| {
                Outgoing::new(text, SendControl::new().with_traffic_class(class * 4), Some(to))
            })
            .collect();
        let mut sent = Vec::new();
        while sent.iter().sum::<usize>() < messages.len() {
            let rest = &messages[sent.iter().sum()..];
            sent.push(outgoing.send(&sender, rest, Coalesce::NONE, MessageFlags::empty()).unwrap());
        }
        assert!(sent[..sent.len() - 1].iter().all(|sent| *sent == 4), "{sent:?}");

        let mut received = 0;
        while received < messages.len() {
            let mut payloads = vec![vec![0; room]; 5];
            let slots = incoming.receive(&receiver, &mut payloads, MessageFlags::WAIT_FOR_ONE).unwrap();
            assert_eq!(slots.len(), (messages.len() - received).min(3));
            for (slot, payload) in slots.iter().zip(&payloads) {
                let arrival = slot.arrival();
                let class = traffic_class.then_some((received + 1) as u8 * 4);
                assert_eq!(arrival.source(), Some(from));
                assert_eq!((arrival.len, arrival.truncated()), (room, room < 20));
                assert_eq!(payload[..], texts[received][..room]);
                assert_eq!(arrival.decode().unwrap().traffic_class, class);
                received += 1;
            }
        }
    }
}

fn arrays_put_runs_together() {
    let ((sender, _), (receiver, to)) = (bound(), bound());
    option::COALESCE.set(&receiver, true).unwrap();
    let (mut outgoing, mut incoming) = (SendArray::<8, SENT>::default(), RecvArray::<8, RECEIVED>::new());
    let texts: [_; 8] = core::array::from_fn(|number| [number as u8; 10]);
    let messages = texts.each_ref().map(|text| Outgoing::new(text, SendControl::new(), Some(to)));
    for (coalesce, expected) in [
        (Coalesce { max_segments: 64, max_size: 10 }, &[(80, Some(10))][..]),
        (Coalesce { max_segments: 3, max_size: 1000 }, &[(30, Some(10)), (30, Some(10)), (20, Some(10))]),
        (Coalesce { max_segments: 64, max_size: 9 }, &[(10, None); 8]),
        (Coalesce::NONE, &[(10, None); 8]),
    ] {
        assert_eq!(outgoing.send(&sender, &messages, coalesce, MessageFlags::empty()), Ok(8));
        let mut payloads = [[0; 100]; 8];
        let slots = incoming.receive(&receiver, &mut payloads, MessageFlags::WAIT_FOR_ONE).unwrap();
        let told = slots.iter().map(|slot| slot.arrival());
        let told: Vec<_> =
            told.map(|arrival| (arrival.len, arrival.decode().unwrap().segment_size)).collect();
        assert_eq!(told, expected);
        let whole: Vec<_> =
            payloads.iter().zip(told).flat_map(|(payload, (len, _))| &payload[..len]).collect();
        assert!(whole.into_iter().eq(texts.iter().flatten()));
    }
}

fn sockets_know_what_they_are() {
    let (datagram, raw) = (socket::datagram().unwrap(), socket::raw(58).unwrap());
    let ping = socket::icmp6_datagram().unwrap();
    let stream = std::net::TcpListener::bind("[::1]:0").unwrap();
    assert_eq!(socket::kind(&datagram), Ok(Kind::Datagram));
    assert_eq!(socket::kind(&raw), Ok(Kind::Raw));
    assert_eq!(socket::kind(&ping), Ok(Kind::Datagram));
    assert_eq!(socket::kind(&stream), Ok(Kind::Stream));
    let icmp6 = [&datagram, &raw, &ping].map(|socket| socket::is_icmp6(socket).unwrap());
    assert_eq!(icmp6, [false, true, true]);
    assert_eq!(socket::local_address(&datagram).unwrap().map(|address| address.port()), Some(0));
    let unix = std::os::unix::net::UnixDatagram::unbound().unwrap();
    assert_eq!(socket::local_address(&unix), Ok(None));
    assert_eq!(socket::raw(0).map(drop), Err(Errno::INVAL));
}

fn interfaces_are_found_and_named() {
    let lo = interface::index_of("lo").unwrap();
    assert_eq!(lo.get(), 1);
    assert_eq!(interface::name_of(lo).unwrap().as_str(), "lo");
    for name in
        ["", "nosuch", "l\0o", "lo\0", "lo\0junk", "\0", "a-name-that-is-much-longer-than-any-interface-has"]
    {
        assert!(interface::index_of(name).is_err(), "{name:?}");
    }
    assert!(interface::name_of(InterfaceIndex::new(u32::MAX).unwrap()).is_err());
    let addresses = Addresses::new().unwrap();
    let found = addresses.iter().find(|entry| entry.address.is_some()).unwrap();
    assert_eq!((found.interface.as_str(), found.prefix_len), ("lo", Some(128)));
    assert!(found.flags.contains(InterfaceFlags::LOOPBACK | InterfaceFlags::UP));
}

fn a_segment_tells_its_control() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("[::1]:0").unwrap();
    let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    option::RECEIVE_TRAFFIC_CLASS.set(&client, true).unwrap();
    option::TRAFFIC_CLASS.set(&server, 0x28).unwrap();
    server.write_all(b"x").unwrap();
    client.read_exact(&mut [0; 1]).unwrap();
    let control = option::stream_control(&client).unwrap();
    assert_eq!((control.traffic_class, control.hop_limit), (Some(0x28), None));
}

fn errors_have_text() {
    assert!(Errno::INVAL.to_string().contains("nvalid argument"));
    let unsupported = Error::Unsupported("IPV6_NEXTHOP");
    assert_eq!(unsupported.to_string(), "this system has no IPV6_NEXTHOP");
    let error = std::io::Error::from(unsupported);
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    assert_eq!(std::io::Error::from(Errno::MSGSIZE).raw_os_error(), Some(90));
}
