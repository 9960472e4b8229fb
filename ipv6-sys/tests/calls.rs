//! Options, messages, batches and interfaces, as programs without `std` use them.

use std::net::{Ipv6Addr, SocketAddrV6};
use std::os::fd::AsRawFd;

use ipv6_core::cmsg::{RawMessages, Writer};
use ipv6_core::{ControlFlags, EncodeError, InterfaceIndex, RecvControl, SendControl};
use ipv6_sys::batch::{
    self, BatchHeader, Coalesce, Outgoing, Part, Payload, RecvArray, RecvSlot, SendArray, SendError,
    SendSlot, SendStorage,
};
use ipv6_sys::fd::OwnedFd;
use ipv6_sys::interface::{self, Addresses, InterfaceFlags};
use ipv6_sys::message::{self, ControlBuffer, ControlSpace, Encoded, IoSlice, IoSliceMut, MessageFlags};
use ipv6_sys::option::{self, Group, SocketOption, SourceGroup};
use ipv6_sys::socket::{self, Kind};
use ipv6_sys::wait::{Events, Ready, wait};
use ipv6_sys::{Errno, Error, Host};

ipv6_testnet::tests! {
    [Namespace] every_option_can_be_set_and_read;
    [Namespace] booleans_are_ints_to_the_kernel;
    [Namespace] groups_can_be_joined_and_left;
    [Namespace] options_of_raw_sockets_fail_on_udp;
    [] options_that_safe_code_must_not_use_by_number_are_not_supported;
    [Namespace] after_a_failed_receive_there_is_no_control;
    [Namespace] a_peeked_message_stays_in_the_queue;
    [Namespace] truncation_is_reported_only_where_something_was_cut;
    [Namespace] flags_without_a_name_are_refused;
    [Namespace] raw_messages_have_every_control_message;
    [Namespace] padding_of_control_messages_is_zero_in_a_buffer_that_was_not;
    [Namespace] raw_bytes_of_control_messages_can_be_sent;
    [Namespace] a_receive_that_must_not_wait_returns_again;
    [Namespace] waiting_ends_at_the_timeout_or_when_ready;
    [Namespace] batches_send_and_receive_each_message;
    [Namespace] arrays_can_be_reused;
    [Namespace] arrays_coalesce_runs_of_messages;
    [Namespace] sockets_report_type_protocol_and_address;
    [Namespace] interfaces_are_found_by_name_and_index;
    [Namespace] a_stream_returns_the_control_of_its_latest_segment;
    [Namespace, Ipv4] control_flags_are_for_ipv4_too_on_a_dual_stack_socket;
    [RawSocket] control_flags_of_a_raw_socket_are_for_ipv6_only;
    [Namespace] a_socket_reports_whether_it_coalesces;
    [Namespace] only_an_option_that_the_socket_lacks_is_absent;
    [Namespace, Ipv4] requests_for_counters_reach_only_ipv6_sockets;
    [Namespace] names_up_to_the_longest_are_looked_up;
    [] pacing_rates_of_either_width_are_written;
    [] payloads_know_whether_they_are_empty;
    [] types_without_public_fields_have_a_debug_text;
    [] errors_have_a_text;
    [] errors_of_codecs_are_errors_of_calls;
}

const LOOPBACK: SocketAddrV6 = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0);

fn bound() -> (OwnedFd, SocketAddrV6) {
    let socket = socket::datagram().unwrap();
    socket::bind(&socket, &LOOPBACK).unwrap();
    let address = socket::local_address(&socket).unwrap().unwrap();
    (socket, address)
}

/// Waits until the datagrams that a UDP socket holds have at least this many bytes together.
fn holds(socket: &OwnedFd, bytes: usize) {
    // With the option, a receive that peeks skips as many bytes of the queue (socket(7)).
    const PEEK_OFFSET: SocketOption<i32> = SocketOption::custom(1, 42, "SO_PEEK_OFF");
    PEEK_OFFSET.set(socket, bytes as i32 - 1).unwrap();
    let mut control = ControlBuffer::<256>::new();
    let (mut payload, mut space) = ([0], ControlSpace::from(&mut control));
    message::receive(socket, &mut [IoSliceMut::new(&mut payload)], &mut space, MessageFlags::PEEK).unwrap();
    PEEK_OFFSET.set(socket, -1).unwrap();
}

fn every_option_can_be_set_and_read() {
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

fn booleans_are_ints_to_the_kernel() {
    // Scar 22: the kernel expects an int of four bytes for both.
    let (socket, _) = bound();
    option::MULTICAST_HOP_LIMIT.set(&socket, 2).unwrap();
    assert_eq!(option::MULTICAST_HOP_LIMIT.get(&socket), Ok(2));
    option::MULTICAST_LOOPBACK.set(&socket, true).unwrap();
    assert_eq!(rustix::net::sockopt::ipv6_multicast_loop(&socket), Ok(true));
    assert_eq!(rustix::net::sockopt::ipv6_multicast_hops(&socket), Ok(2));
}

fn groups_can_be_joined_and_left() {
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

fn options_of_raw_sockets_fail_on_udp() {
    let (socket, _) = bound();
    // ENOPROTOOPT.
    assert_eq!(option::CHECKSUM.set(&socket, Some(2)), Err(Error::Os(Errno::from_raw(92))));
    assert!(option::ICMP6_TYPE_FILTER.get(&socket).is_err());
}

fn options_that_safe_code_must_not_use_by_number_are_not_supported() {
    let is_supported = |level, name| SocketOption::<i32>::custom(level, name, "ANY").is_supported();
    // Descriptors: PACKET_FANOUT_DATA. Pointers: XDP_UMEM_REG.
    assert!(!is_supported(263, 22) && !is_supported(283, 4));
    // IP6T_SO_SET_REPLACE, IPT_SO_SET_REPLACE, ARPT_SO_SET_REPLACE and EBT_SO_SET_ENTRIES. For a value of 4 bytes, kernels
    // before 6.9 read the rest of the structure behind it, and write to a pointer there.
    for (level, name) in [(41, 64), (0, 64), (0, 96), (0, 128)] {
        assert!(!is_supported(level, name) && !is_supported(level, name + 1), "{level} {name}");
    }
    // SO_SETCLP and SO_ATMQOS: with these levels, a socket of ATM writes 8 bytes or more for a value of 4 bytes.
    assert!(!is_supported(0, 0x4200_0004) && !is_supported(41, 0x4202_0058));
    // IPV6_MULTICAST_ALL, IPV6_RECVTCLASS, IP_MINTTL, UDP_NO_CHECK6_TX.
    assert!([(41, 29), (41, 66), (0, 21), (17, 101)].iter().all(|&(level, name)| is_supported(level, name)));
}

fn after_a_failed_receive_there_is_no_control() {
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

fn a_peeked_message_stays_in_the_queue() {
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

fn truncation_is_reported_only_where_something_was_cut() {
    /// A header (a `size_t` and two integers), and half of the hop limit.
    const PART: usize = size_of::<usize>() + 8 + 2;
    let (socket, address) = bound();
    option::RECEIVE_HOP_LIMIT.set(&socket, true).unwrap();
    let (hello, once) = ([IoSlice::new(b"hello")], MessageFlags::empty());
    let send = || message::send(&socket, &hello, &[], Some(&address), once).unwrap();
    for (room, cut) in [(4, true), (5, false), (6, false)] {
        let mut payload = vec![0; room];
        send();
        let got = message::receive_from(&socket, &mut payload, once).unwrap();
        assert_eq!((got.len, got.truncated, got.control_truncated), (room.min(5), cut, false));
        let (mut none, mut part) = (ControlBuffer::<0>::new(), ControlBuffer::<PART>::new());
        let mut enough = ControlBuffer::<128>::new();
        for (mut control, control_cut) in [
            (ControlSpace::from(&mut none), true),
            (ControlSpace::from(&mut part), true),
            (ControlSpace::from(&mut enough), false),
        ] {
            send();
            let mut parts = [IoSliceMut::new(&mut payload)];
            let got = message::receive(&socket, &mut parts, &mut control, once).unwrap();
            assert_eq!((got.len, got.truncated, got.control_truncated), (room.min(5), cut, control_cut));
            let hop_limit = (!control_cut).then_some(64);
            assert_eq!(control.decode().map(|control| control.hop_limit), Ok(hop_limit));
        }
    }
}

fn flags_without_a_name_are_refused() {
    // Scar 69: with MSG_TRUNC the kernel returns a length beyond the buffer.
    let (socket, address) = bound();
    message::send(&socket, &[IoSlice::new(b"long")], &[], Some(&address), MessageFlags::empty()).unwrap();
    let mut none = ControlBuffer::<0>::new();
    let (mut control, mut payload) = (ControlSpace::from(&mut none), [0; 1]);
    let mut parts = [IoSliceMut::new(&mut payload)];
    let truncate = MessageFlags::from_bits_retain(0x20);
    assert_eq!(message::receive(&socket, &mut parts, &mut control, truncate), Err(Errno::INVAL));
    // A caller that a program defines cannot pass them either.
    struct Any(MessageFlags);
    impl message::Caller for Any {
        type Error = Errno;

        fn at_once(&self) -> Option<MessageFlags> {
            None
        }

        fn next(&mut self, failed: Option<Errno>) -> Result<MessageFlags, Errno> {
            failed.map_or(Ok(self.0), Err)
        }
    }
    let peek = Any(truncate | MessageFlags::PEEK);
    assert_eq!(message::receive(&socket, &mut parts, &mut control, peek).map(|received| received.len), Ok(1));
    let received = message::receive(&socket, &mut parts, &mut control, MessageFlags::empty()).unwrap();
    assert_eq!((received.len, received.truncated), (1, true));
}

fn raw_messages_have_every_control_message() {
    let (socket, to) = bound();
    option::RECEIVE_HOP_LIMIT.set(&socket, true).unwrap();
    enable_timestamps(&socket);
    let once = MessageFlags::empty();
    for _ in 0..2 {
        message::send(&socket, &[IoSlice::new(b"x")], Encoded::NONE, Some(&to), once).unwrap();
    }
    let kinds = |messages: RawMessages<'_, Host>| -> Vec<_> {
        let kinds = messages.map(|message| message.unwrap()).map(|message| (message.level, message.kind));
        // In 32-bit programs, `recvmsg` of musl appends the timestamp once more, with 64-bit seconds.
        kinds.filter(|&kind| kind != (1, 64)).collect()
    };
    let mut buffer = ControlBuffer::<256>::new();
    let (mut control, mut payload) = (ControlSpace::from(&mut buffer), [0; 4]);
    message::receive(&socket, &mut [IoSliceMut::new(&mut payload)], &mut control, once).unwrap();
    let expected = kinds(control.raw_messages());
    assert!(expected.len() == 2 && expected.contains(&(41, 52)), "{expected:?}");

    let mut batch = RecvArray::<1, 256>::new();
    let slots = batch.receive(&socket, &mut [[0; 4]], once).unwrap();
    assert_eq!(kinds(slots[0].arrival().raw_messages()), expected);
    assert_eq!(slots[0].arrival().decode().unwrap().hop_limit, Some(64));
}

/// Enables a control message that the library does not decode: `SO_TIMESTAMPNS`.
fn enable_timestamps(socket: &OwnedFd) {
    let (fd, on, len) = (socket.as_raw_fd(), 1_i32, size_of::<i32>() as libc::socklen_t);
    // SAFETY: `on` is readable for `len` bytes.
    let answer =
        unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, (&raw const on).cast(), len) };
    assert_eq!(answer, 0);
}

fn padding_of_control_messages_is_zero_in_a_buffer_that_was_not() {
    // Scar 64: the kernel does not write padding. Here the test looks at the bytes; under Miri, others do.
    let (socket, to) = bound();
    option::RECEIVE_HOP_LIMIT.set(&socket, true).unwrap();
    option::RECEIVE_TRAFFIC_CLASS.set(&socket, true).unwrap();
    let once = MessageFlags::empty();
    message::send(&socket, &[IoSlice::new(b"x")], &[], Some(&to), once).unwrap();
    let mut buffer = ControlBuffer::<256>::new();
    let (mut control, mut payload) = (ControlSpace::from(&mut buffer), [0; 4]);
    message::receive(&socket, &mut [IoSliceMut::new(&mut payload)], &mut control, once).unwrap();
    let mut padded = [0; 256];
    let mut writer = Writer::<Host>::new(&mut padded);
    for message in control.raw_messages() {
        let message = message.unwrap();
        writer.push(message.level, message.kind, message.data).unwrap();
    }
    // The writer pads with zeros.
    let used = writer.finish();
    assert_eq!(control.written(), &padded[..used]);
}

fn raw_bytes_of_control_messages_can_be_sent() {
    let (socket, to) = bound();
    option::RECEIVE_HOP_LIMIT.set(&socket, true).unwrap();
    let mut bytes = [0; 64];
    let mut writer = Writer::<Host>::new(&mut bytes);
    writer.push(41, 52, &7_i32.to_ne_bytes()).unwrap();
    let (used, once) = (writer.finish(), MessageFlags::empty());
    let parts = [IoSlice::new(b"x")];
    // SAFETY: the bytes hold a hop limit, and no file descriptor.
    unsafe { message::send_raw(&socket, &parts, &bytes[..used], Some(&to), once) }.unwrap();
    let mut buffer = ControlBuffer::<64>::new();
    let mut control = ControlSpace::from(&mut buffer);
    message::receive(&socket, &mut [], &mut control, once).unwrap();
    assert_eq!(control.decode().unwrap().hop_limit, Some(7));
}

fn a_receive_that_must_not_wait_returns_again() {
    let (socket, _) = bound();
    let mut none = ControlBuffer::<0>::new();
    let mut control = ControlSpace::from(&mut none);
    let answer = message::receive(&socket, &mut [], &mut control, MessageFlags::DONT_WAIT);
    assert_eq!(answer, Err(Errno::AGAIN));
    let answer = message::receive(&socket, &mut [], &mut control, MessageFlags::ERROR_QUEUE);
    assert_eq!(answer, Err(Errno::AGAIN));
}

fn waiting_ends_at_the_timeout_or_when_ready() {
    let (socket, address) = bound();
    let moment = core::time::Duration::from_millis(5);
    assert_eq!(wait(&socket, Ready::Receive, Some(moment)), Ok(Events::empty()));
    assert_eq!(wait(&socket, Ready::Send, None), Ok(Events::WRITABLE));
    message::send(&socket, &[IoSlice::new(b"x")], &[], Some(&address), MessageFlags::empty()).unwrap();
    assert_eq!(wait(&socket, Ready::Receive, Some(core::time::Duration::MAX)), Ok(Events::READABLE));
}

const SENT: usize = SendControl::max_space::<Host>();
const RECEIVED: usize = ControlFlags::all().space::<Host>();

fn batches_send_and_receive_each_message() {
    let (socket, address) = bound();
    option::RECEIVE_TRAFFIC_CLASS.set(&socket, true).unwrap();
    let mut headers = [const { BatchHeader::new() }; 4];
    let mut slots = [const { SendSlot::<SENT>::new() }; 4];
    let mut parts = [const { Part::new() }; 4];
    let messages = [4, 8, 12]
        .map(|class| Outgoing::new(b"x", SendControl::new().with_traffic_class(class), Some(address)));
    let once = MessageFlags::empty();
    let storage = SendStorage::new(&mut headers, &mut slots, &mut parts);
    assert_eq!(batch::send(&socket, storage, &messages, Coalesce::NONE, once), Ok(3));
    holds(&socket, 3);

    let mut slots = [const { RecvSlot::<RECEIVED>::new() }; 4];
    let mut payloads = [[0; 4]; 4];
    let flags = MessageFlags::WAIT_FOR_ONE;
    assert_eq!(batch::receive(&socket, &mut headers, &mut slots, &mut payloads, flags), Ok(3));
    for (slot, class) in slots.iter().zip([4, 8, 12]) {
        assert_eq!((slot.arrival().len, slot.arrival().source()), (1, Some(address)));
        assert_eq!(RecvControl::decode::<Host>(slot.arrival().control).unwrap().traffic_class, Some(class));
    }
    // An unused slot is empty.
    assert_eq!((slots[3].arrival().source(), slots[3].arrival().control), (None, [].as_slice()));
    // Control messages of an earlier message do not remain (scar 8).
    option::RECEIVE_TRAFFIC_CLASS.set(&socket, false).unwrap();
    message::send(&socket, &[IoSlice::new(b"y")], &[], Some(&address), MessageFlags::empty()).unwrap();
    assert_eq!(batch::receive(&socket, &mut headers, &mut slots, &mut payloads, flags), Ok(1));
    assert_eq!((slots[0].arrival().len, slots[0].arrival().control), (1, [].as_slice()));

    // Control messages that do not fit are an error of the first message; another message ends the batch.
    let mut small = [const { SendSlot::<8>::new() }; 4];
    let plain = Outgoing::new(b"x", SendControl::new(), Some(address));
    let storage = SendStorage::new(&mut headers, &mut small, &mut parts);
    let answer = batch::send(&socket, storage, &messages, Coalesce::NONE, once);
    assert!(matches!(answer, Err(SendError::Control(_))));
    let storage = SendStorage::new(&mut headers, &mut small, &mut parts);
    let answer = batch::send(&socket, storage, &[plain, messages[0]], Coalesce::NONE, once);
    assert_eq!(answer, Ok(1));
    // Without storage there is no call.
    let storage = SendStorage::new(&mut [], &mut small, &mut parts);
    assert_eq!(batch::send(&socket, storage, &[plain], Coalesce::NONE, once), Ok(0));
    assert_eq!(batch::receive(&socket, &mut [], &mut slots, &mut payloads, flags), Ok(0));
}

fn arrays_can_be_reused() {
    let ((sender, from), (receiver, to)) = (bound(), bound());
    let (mut outgoing, mut incoming) = (SendArray::<4, SENT>::new(), RecvArray::<3, RECEIVED>::default());
    let texts: [_; 6] = core::array::from_fn(|number| [number as u8; 20]);
    // More and fewer messages than slots, with and without control messages, whole and truncated.
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
        holds(&receiver, texts[..messages.len()].concat().len());

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

fn arrays_coalesce_runs_of_messages() {
    let ((sender, _), (receiver, to)) = (bound(), bound());
    option::COALESCE.set(&receiver, true).unwrap();
    let (mut outgoing, mut incoming) = (SendArray::<8, SENT>::default(), RecvArray::<8, RECEIVED>::new());
    let texts: [_; 8] = core::array::from_fn(|number| [number as u8; 10]);
    let messages = texts.each_ref().map(|text| Outgoing::new(text, SendControl::new(), Some(to)));
    for (coalesce, expected) in [
        (Coalesce::new(64, 10), &[(80, Some(10))][..]),
        (Coalesce::new(3, 1000), &[(30, Some(10)), (30, Some(10)), (20, Some(10))]),
        (Coalesce::new(64, 9), &[(10, None); 8]),
        (Coalesce::NONE, &[(10, None); 8]),
    ] {
        assert_eq!(outgoing.send(&sender, &messages, coalesce, MessageFlags::empty()), Ok(8));
        holds(&receiver, texts.concat().len());
        let mut payloads = [[0; 100]; 8];
        let slots = incoming.receive(&receiver, &mut payloads, MessageFlags::WAIT_FOR_ONE).unwrap();
        let reported = slots.iter().map(|slot| slot.arrival());
        let reported: Vec<_> =
            reported.map(|arrival| (arrival.len, arrival.decode().unwrap().segment_size)).collect();
        assert_eq!(reported, expected);
        let whole: Vec<_> =
            payloads.iter().zip(reported).flat_map(|(payload, (len, _))| &payload[..len]).collect();
        assert!(whole.into_iter().eq(texts.iter().flatten()));
    }
}

fn sockets_report_type_protocol_and_address() {
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

fn interfaces_are_found_by_name_and_index() {
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

fn a_stream_returns_the_control_of_its_latest_segment() {
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

/// Whether the options for IPv4 are on.
fn ipv4_deliveries(socket: &impl ipv6_sys::fd::AsFd) -> [Result<bool, Error>; 2] {
    [&option::IPV4_RECEIVE_TRAFFIC_CLASS, &option::IPV4_RECEIVE_TIME_TO_LIVE].map(|option| option.get(socket))
}

fn control_flags_are_for_ipv4_too_on_a_dual_stack_socket() {
    let dual = std::net::UdpSocket::bind("[::]:0").unwrap();
    let port = dual.local_addr().unwrap().port();
    let ipv4 = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    ipv4.set_ttl(9).unwrap();
    for flags in [ControlFlags::SUPPORTED, ControlFlags::empty(), ControlFlags::HOP_LIMIT] {
        option::set_control_flags(&dual, flags).unwrap();
        let expected =
            [ControlFlags::TRAFFIC_CLASS, ControlFlags::HOP_LIMIT].map(|flag| Ok(flags.contains(flag)));
        assert_eq!(ipv4_deliveries(&dual), expected);

        ipv4.send_to(b"x", ("127.0.0.1", port)).unwrap();
        let mut buffer = ControlBuffer::<256>::new();
        let mut control = ControlSpace::from(&mut buffer);
        message::receive(&dual, &mut [], &mut control, MessageFlags::empty()).unwrap();
        let got = control.decode().unwrap();
        assert_eq!(got.hop_limit, flags.contains(ControlFlags::HOP_LIMIT).then_some(9));
        assert_eq!(got.destination.is_some(), flags.contains(ControlFlags::DESTINATION));
    }
    // One that carries IPv6 only.
    let (only_v6, _) = bound();
    option::ONLY_V6.set(&only_v6, true).unwrap_err();
    let only_v6 = socket::datagram().unwrap();
    option::ONLY_V6.set(&only_v6, true).unwrap();
    option::set_control_flags(&only_v6, ControlFlags::SUPPORTED).unwrap();
    assert_eq!(ipv4_deliveries(&only_v6), [Ok(false); 2]);
}

fn control_flags_of_a_raw_socket_are_for_ipv6_only() {
    let raw = socket::raw(58).unwrap();
    option::set_control_flags(&raw, ControlFlags::SUPPORTED).unwrap();
    assert!(option::control_flags(&raw).unwrap().contains(ControlFlags::TRAFFIC_CLASS));
    assert!(ipv4_deliveries(&raw).iter().all(|answer| *answer != Ok(true)));
}

fn a_socket_reports_whether_it_coalesces() {
    let (datagram, _) = bound();
    assert_eq!(socket::coalesces(&datagram), Some(false));
    option::COALESCE.set(&datagram, true).unwrap();
    assert_eq!(socket::coalesces(&datagram), Some(true));
    let stream = std::net::TcpListener::bind("[::1]:0").unwrap();
    assert_eq!(socket::coalesces(&stream), None);
    assert_eq!(socket::coalescing(&stream), Ok(None));
}

fn only_an_option_that_the_socket_lacks_is_absent() {
    let file = std::fs::File::open("/dev/null").unwrap();
    let not_a_socket = Errno::from_raw(rustix::io::Errno::NOTSOCK.raw_os_error());
    let error = Error::Os(not_a_socket);
    assert_eq!(option::control_flags(&file), Err(error));
    for flags in [ControlFlags::empty(), ControlFlags::HOP_LIMIT] {
        assert_eq!(option::set_control_flags(&file, flags), Err(error));
    }
    assert_eq!(option::set_both(&file, &option::HOP_LIMIT, Some(1)), Err(error));
    assert_eq!(option::update_siblings(&file), Err(error));
    assert_eq!(option::update_sibling(&file, &option::HOP_LIMIT), Err(error));
    assert_eq!(socket::coalescing(&file), Err(error));
    assert_eq!(socket::set_coalesces(&file, true), Err(error));
    assert_eq!(socket::reports_length(&file), Err(not_a_socket));
    // This socket has none of the options.
    let unix = std::os::unix::net::UnixDatagram::unbound().unwrap();
    assert_eq!(option::control_flags(&unix), Ok(ControlFlags::empty()));
    assert_eq!(option::set_control_flags(&unix, ControlFlags::empty()), Ok(()));
    let refused = option::set_control_flags(&unix, ControlFlags::HOP_LIMIT).unwrap_err();
    assert!(option::is_absent(refused), "{refused}");
    assert_eq!(option::update_siblings(&unix), Ok(()));
}

/// For another family, the number of a request may stand for one with a larger structure.
fn requests_for_counters_reach_only_ipv6_sockets() {
    use ipv6_sys::multicast_router::{interface_counters, route_counters};
    let (mif, any) = (ipv6_core::Mif::new(0).unwrap(), Ipv6Addr::LOCALHOST);
    let ipv4 = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let unix = std::os::unix::net::UnixDatagram::unbound().unwrap();
    for error in [
        interface_counters(&ipv4, mif).unwrap_err(),
        interface_counters(&unix, mif).unwrap_err(),
        route_counters(&ipv4, any, any).unwrap_err(),
        route_counters(&unix, any, any).unwrap_err(),
    ] {
        assert_eq!(error, Error::Os(Errno::INVAL));
    }
    // The kernel does not know the request for this socket.
    let (datagram, _) = bound();
    let unknown = interface_counters(&datagram, mif).unwrap_err();
    assert_eq!(unknown, Error::Unsupported("SIOCGETMIFCNT_IN6"));
}

fn names_up_to_the_longest_are_looked_up() {
    let missing = Err(Errno::from_raw(rustix::io::Errno::NODEV.raw_os_error()));
    for len in [15, 16, 127, 128, 129, 1000] {
        assert_eq!(interface::index_of(&"n".repeat(len)), missing, "{len}");
    }
}

fn pacing_rates_of_either_width_are_written() {
    use ipv6_core::option::PacingRate;
    const PACING_RATE: SocketOption<PacingRate> = option::MAX_PACING_RATE;
    let (socket, _) = bound();
    let wide = if size_of::<usize>() == 8 { Ok(()) } else { Err(Error::Unsupported(PACING_RATE.name())) };
    for (rate, expected) in [
        (0, Ok(())),
        (0xffff_fffe, Ok(())),
        // As an `unsigned int`, it would be no limit.
        (0xffff_ffff, wide),
        (1 << 32, wide),
        (u64::MAX, Ok(())),
    ] {
        assert_eq!(PACING_RATE.set(&socket, PacingRate(rate)), expected, "{rate}");
        if expected.is_ok() {
            assert_eq!(PACING_RATE.get(&socket), Ok(PacingRate(rate)));
        }
    }
}

fn payloads_know_whether_they_are_empty() {
    let (none, some) = ([IoSlice::new(b""), IoSlice::new(b"")], [IoSlice::new(b""), IoSlice::new(b"x")]);
    let payloads = [Payload::Whole(b""), Payload::Whole(b"x"), Payload::Parts(&none), Payload::Parts(&some)];
    assert_eq!(payloads.map(|payload| payload.is_empty()), [true, false, true, false]);
    assert_eq!(payloads.map(|payload| payload.len()), [0, 1, 0, 1]);
}

fn types_without_public_fields_have_a_debug_text() {
    assert_eq!(format!("{:?}", BatchHeader::new()), "BatchHeader { .. }");
    assert_eq!(format!("{:?}", Part::new()), "Part { .. }");
    assert!(format!("{:?}", RecvSlot::<64>::new()).starts_with("RecvSlot {"));
    assert_eq!(format!("{:?}", Errno::INTR), "Errno { code: 4, description: \"Interrupted system call\" }");
    let errors = [
        SendError::Os(Errno::INTR),
        SendError::Control(EncodeError::BufferTooSmall { needed: 9, available: 7 }),
    ];
    let texts = errors.map(|error| error.to_string());
    assert!(texts[0].contains("nterrupted") && texts[1].contains('9'), "{texts:?}");
}

fn errors_have_a_text() {
    assert!(Errno::INVAL.to_string().contains("nvalid argument"));
    let unsupported = Error::Unsupported("IPV6_NEXTHOP");
    assert_eq!(unsupported.to_string(), "this system has no IPV6_NEXTHOP");
    let error = std::io::Error::from(unsupported);
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    assert_eq!(std::io::Error::from(Errno::MSGSIZE).raw_os_error(), Some(90));
}

fn errors_of_codecs_are_errors_of_calls() {
    fn encode() -> Result<(), Error> {
        Err(EncodeError::BufferTooSmall { needed: 40, available: 24 })?
    }
    fn decode() -> Result<RecvControl<'static>, Error> {
        Ok(RecvControl::decode::<Host>(&[1; 24])?)
    }
    let (encode, decode) = (encode().unwrap_err(), decode().unwrap_err());
    assert!(matches!(encode, Error::Encode(_)) && matches!(decode, Error::Decode(_)));
    let kinds = [encode, decode].map(|error| {
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), error.to_string());
        std::io::Error::from(error).kind()
    });
    assert_eq!(kinds, [std::io::ErrorKind::InvalidInput, std::io::ErrorKind::InvalidData]);
}
