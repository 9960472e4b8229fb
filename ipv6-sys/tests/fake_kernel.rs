//! The memory that messages, batches and options share with the kernel, over a kernel that touches it as Linux does
//! (`src/os/unix/fake_kernel.rs`). For Miri: scripts/miri.

#![cfg(fake_kernel)]

use std::net::SocketAddrV6;

use ipv6_core::abi::{CmsgLayout, ControlNumber, OptionNumber, Platform};
use ipv6_core::cmsg::Writer;
use ipv6_core::message::{HopLimit, TrafficClass};
use ipv6_core::{BpfInstruction, ControlFlags, InterfaceIndex, Messages, RecvControl, SendControl};
use ipv6_sys::batch::{Coalesce, Outgoing, RecvArray, SendArray, SendError, Vectored};
use ipv6_sys::fake_kernel::{Message, Socket};
use ipv6_sys::message::{
    self, Arrival, ControlBuffer, ControlBytes, ControlSpace, Encoded, IoSlice, IoSliceMut, MessageFlags,
    PeerName,
};
use ipv6_sys::option::{self, Group, SocketOption, SourceGroup};
use ipv6_sys::wait::{Events, Ready, wait};
use ipv6_sys::{Errno, Error, Host, filter, socket};

const LAYOUT: CmsgLayout = Host::ABI.cmsg;
const ONCE: MessageFlags = MessageFlags::empty();
const SENT: usize = SendControl::max_space::<Host>();
const EIO: i32 = 5;

fn peer() -> SocketAddrV6 {
    "[2001:db8::1%3]:5000".parse().unwrap()
}

fn number(number: Option<ControlNumber>) -> (i32, i32) {
    number.map(|number| (number.level, number.kind)).unwrap()
}

/// The data of packet info.
fn info() -> Vec<u8> {
    let mut data = peer().ip().octets().to_vec();
    data.extend(7_u32.to_ne_bytes());
    data
}

/// A message to receive with these control messages: `i`nfo, `h`op limit, traffic `c`lass, `s`ize of segments, or a digit: a
/// message of nobody's with as many bytes.
fn received(controls: &str) -> Message {
    let numbers = Host::ABI.control;
    controls.chars().fold(Message::new(b"hello", &peer()), |message, control| {
        let (number, data) = match control {
            'i' => (number(numbers.packet_info), info()),
            'h' => (number(numbers.hop_limit), 64_i32.to_ne_bytes().to_vec()),
            'c' => (number(numbers.traffic_class), 0x28_i32.to_ne_bytes().to_vec()),
            's' => (number(numbers.coalesced), 2_i32.to_ne_bytes().to_vec()),
            digit => ((99, 99), vec![0xdd; digit.to_digit(10).unwrap() as usize]),
        };
        message.with(number.0, number.1, &data)
    })
}

/// Under Miri, fails if a byte is not initialised.
fn read(bytes: &[u8]) {
    assert!(bytes == std::hint::black_box(bytes));
}

/// Its control messages with padding of zeros, as far as there is room for them.
fn expected(message: &Message) -> Vec<u8> {
    let mut bytes = [0; 512];
    let mut writer = Writer::<Host>::new(&mut bytes);
    for control in &message.control {
        writer.push(control.level, control.kind, &control.data).unwrap();
    }
    let used = writer.finish();
    bytes[..used].to_vec()
}

/// The usual shapes, in the order of Linux and in others; foreign ones; of every size of padding.
const SHAPES: [&str; 16] =
    ["", "i", "ihc", "sihc", "h", "c", "hc", "ci", "hci", "chi", "siihc", "1", "i7", "34i", "90", "8ihc5"];

/// Receives a message as `ipv6-std` does.
fn receive_fresh<const N: usize>(socket: &Socket, check: impl FnOnce(Arrival<'_>)) {
    let (mut name, mut buffer, mut payload) = (PeerName::new(), ControlBuffer::<N>::new(), [0; 16]);
    let mut parts = [IoSliceMut::new(&mut payload)];
    let mut fresh = message::receive_fresh(socket, &mut parts, &mut name, &mut buffer, ONCE).unwrap();
    let plain = fresh.without_control();
    assert_eq!(plain.source(), Some(peer()));
    let three = fresh.decode_three().map(RecvControl::detach);
    if let Some(arrival) = fresh.with_packet_info() {
        return check(arrival);
    }
    if let Some(arrival) = fresh.with_four() {
        return check(arrival);
    }
    let arrival = fresh.finish();
    // A name that outlives the control messages.
    assert_eq!(plain.name, arrival.name);
    assert!(three.is_none_or(|three| three == arrival.decode().unwrap()));
    check(arrival);
}

/// Finds: padding that is not zeroed in any of the shapes, a name or a length that is not the reported one.
#[test]
fn every_byte_of_received_control_messages_is_initialised() {
    let socket = Socket::new();
    for shape in SHAPES {
        let message = received(shape);
        for _ in 0..3 {
            socket.receives(Ok(message.clone()));
        }
        receive_fresh::<256>(&socket, |arrival| assert_eq!(arrival.control, expected(&message), "{shape}"));

        let (mut buffer, mut bytes, mut payload) = (ControlBuffer::<256>::new(), [0x55; 260], [0; 16]);
        let mut control = ControlSpace::from(&mut buffer);
        let mut parts = [IoSliceMut::new(&mut payload)];
        let received = message::receive(&socket, &mut parts, &mut control, ONCE).unwrap();
        assert_eq!((received.len, received.source, received.truncated), (5, Some(peer()), false));
        assert_eq!(control.written(), expected(&message), "{shape}");
        assert_eq!(control.into_written(), expected(&message), "{shape}");

        // A slice at an address that is not aligned, and initialised: padding stays as it was.
        let mut control = ControlSpace::from(&mut bytes[1..]);
        message::receive(&socket, &mut parts, &mut control, ONCE).unwrap();
        assert_eq!(control.written().len(), expected(&message).len());
        assert_eq!(control.raw_messages().count(), shape.len());
    }
}

/// Finds: bytes of a longer message that are taken for those of a shorter one, and the opposite.
#[test]
fn a_space_is_used_again_for_longer_and_shorter_messages() {
    let socket = Socket::new();
    let (mut buffer, mut payload) = (ControlBuffer::<256>::new(), [0; 16]);
    let mut control = ControlSpace::from(&mut buffer);
    let mut parts = [IoSliceMut::new(&mut payload)];
    for shape in ["h", "ihc", "1", "", "8ihc5", "i"] {
        socket.receives(Ok(received(shape)));
        message::receive(&socket, &mut parts, &mut control, ONCE).unwrap();
        // Padding from an earlier message may remain.
        read(control.written());
        assert_eq!(control.written().len(), expected(&received(shape)).len(), "{shape}");
        socket.receives(Err(EIO));
        let failed = message::receive(&socket, &mut parts, &mut control, ONCE);
        assert_eq!((failed, control.written()), (Err(Errno::from_raw(EIO)), [].as_slice()));
    }
}

/// Receives a message into this much room, every way, and reads all that there is.
fn into_room<const N: usize>(message: &Message) {
    let socket = Socket::new();
    for _ in 0..3 {
        socket.receives(Ok(message.clone()));
    }
    let whole = expected(message).len();
    let has_wrong = message.control.iter().any(|control| control.len.is_some());
    let is_prefix = |control: &[u8], truncated: bool| {
        read(control);
        assert!(control.len() <= N && (truncated || has_wrong || control.len() >= whole.min(N)));
    };
    receive_fresh_any::<N>(&socket, is_prefix);

    let (mut buffer, mut payload) = (ControlBuffer::<N>::new(), [0; 2]);
    let mut control = ControlSpace::from(&mut buffer);
    let got = message::receive(&socket, &mut [IoSliceMut::new(&mut payload)], &mut control, ONCE).unwrap();
    assert_eq!((got.len, got.truncated), (2, true));
    is_prefix(control.written(), got.control_truncated);
    let _ = (control.decode(), control.raw_messages().count());

    let mut batch = RecvArray::<1, N>::new();
    let slots = batch.receive(&socket, &mut [[0; 16]], ONCE).unwrap();
    is_prefix(slots[0].arrival().control, slots[0].arrival().control_truncated());
    let _ = (slots[0].arrival().decode(), slots[0].arrival().raw_messages().count());
}

fn receive_fresh_any<const N: usize>(socket: &Socket, check: impl Fn(&[u8], bool)) {
    receive_fresh::<N>(socket, |arrival| {
        check(arrival.control, arrival.control_truncated());
        let _ = (arrival.decode(), arrival.raw_messages().count());
    });
}

macro_rules! into_rooms {
    ($message:expr; $($room:literal)*) => { $(into_room::<$room>($message);)* };
}

/// Finds: the data of a message that was cut, taken for whole; a length beyond the room.
#[test]
fn truncated_control_messages_are_initialised() {
    for shape in ["ihc", "1i"] {
        into_rooms!(&received(shape);
            0 4 11 12 15 16 17 20 23 24 36 40 44 60 64 87 88);
    }
}

/// Finds: data of a message that the kernel did not write, because the length in its header is wrong. The kernel does not
/// do that, and messages of a later system may look so.
#[test]
fn control_messages_with_a_wrong_length_are_initialised() {
    for shape in ["h", "ihc"] {
        for wrong in [0, LAYOUT.len(0) - 1, LAYOUT.len(0), u32::MAX as usize] {
            for index in [0, shape.len() - 1] {
                let mut message = received(shape);
                message.control[index].len = Some(wrong);
                into_rooms!(&message; 256);
            }
        }
    }
}

/// Finds: `msg_controllen` that is used without a limit. NetBSD rounds it up to the alignment of its headers, also beyond the
/// room: for a message of 20 bytes, amd64 reports 24 for room of 20 or 23 (kernel `copyout_msg_control`), and aarch64, which
/// aligns to 16, reports 32.
#[test]
fn a_reported_length_beyond_the_room_is_limited_to_it() {
    for (shape, reported) in [("h", 24), ("h", 32), ("ihc", 1 << 20), ("i", usize::MAX >> 1)] {
        let message = Message { control_len: Some(reported), ..received(shape) };
        into_rooms!(&message; 0 12 16 20 23);
    }
}

/// Finds: a name that is read beyond the buffer or beyond what was written.
#[test]
fn names_of_any_length_are_initialised() {
    for len in [0, 1, 2, 16, 27, 28, 31, 32, 33, 110] {
        let socket = Socket::new();
        let mut message = received("ihc");
        message.name.resize(len, 0xdd);
        for _ in 0..4 {
            socket.receives(Ok(message.clone()));
        }
        let source = (len >= 28).then(peer);
        let (mut buffer, mut payload) = (ControlBuffer::<96>::new(), [0; 16]);
        let mut parts = [IoSliceMut::new(&mut payload)];
        let mut control = ControlSpace::from(&mut buffer);
        assert_eq!(
            message::receive(&socket, &mut parts, &mut control, ONCE).unwrap().source,
            source,
            "{len}"
        );
        let mut name = PeerName::new();
        let mut buffer = ControlBuffer::<96>::new();
        let fresh = message::receive_fresh(&socket, &mut parts, &mut name, &mut buffer, ONCE).unwrap();
        let arrival = fresh.finish();
        assert_eq!((arrival.name, arrival.source()), (&message.name[..len.min(32)], source));
        assert_eq!(message::receive_from(&socket, &mut [0; 16], ONCE).unwrap().source, source);
        let mut batch = RecvArray::<1, 96>::new();
        assert_eq!(batch.receive(&socket, &mut [[0; 16]], ONCE).unwrap()[0].arrival().source(), source);
    }
}

/// Finds: `MSG_TRUNC`'s length taken for that of the bytes.
#[test]
fn receiving_without_control_messages_reports_what_was_cut() {
    let socket = Socket::new();
    for (room, len, truncated) in [(16, 5, false), (5, 5, false), (2, 2, true), (0, 0, true)] {
        socket.receives(Ok(received("")));
        let mut payload = [0; 16];
        let got = message::receive_from(&socket, &mut payload[..room], ONCE).unwrap();
        assert_eq!((got.len, got.truncated, got.source), (len, truncated, Some(peer())));
        assert_eq!(payload[..len], b"hello"[..len]);
    }
    assert_eq!(message::receive_from(&socket, &mut [], ONCE), Err(Errno::AGAIN));
}

/// Messages to send, with every kind of control messages: the fast ones, others, by type, none.
fn controls(messages: &Messages<Host, 64>) -> [SendControl<'_>; 6] {
    let three = SendControl::new().with_traffic_class(0x28).with_hop_limit(9).with_source(*peer().ip());
    [
        SendControl::new(),
        three,
        three.with_segment_size(2),
        SendControl::new().with_source(*peer().ip()).with_interface(InterfaceIndex::new(3).unwrap()),
        SendControl::new().with_messages(messages),
        three.with_messages(messages),
    ]
}

fn by_type() -> Messages<Host, 64> {
    Messages::new().with(TrafficClass(1)).unwrap().with(HopLimit(2)).unwrap()
}

/// Finds: padding of an encoder that is not initialised, and pointers that are not valid when the call is made.
#[test]
fn every_byte_of_a_message_to_send_is_initialised() {
    let (socket, typed) = (Socket::new(), by_type());
    for control in controls(&typed) {
        for to in [Some(peer()), None] {
            for parts in [&[][..], &[IoSlice::new(b"hello")], &[IoSlice::new(b"hel"), IoSlice::new(b"lo")]] {
                let mut bytes = ControlBytes::<{ SENT + 64 }>::new();
                let encoded = bytes.encode(&control).unwrap();
                let len = message::send(&socket, parts, encoded, to.as_ref(), ONCE).unwrap();
                let [sent] = <[Message; 1]>::try_from(socket.sent()).unwrap();
                assert_eq!((sent.payload.len(), &sent.payload[..]), (len, &b"hello"[..len]));
                assert_eq!((sent.to(), &sent.control_bytes[..]), (to, encoded.as_bytes()));
            }
        }
    }
    // SAFETY: no descriptors.
    unsafe { message::send_raw(&socket, &[], &[0xdd; 20], None, ONCE) }.unwrap();
    assert_eq!(socket.sent()[0].control_bytes, [0xdd; 20]);
    socket.refuses(Some(EIO));
    let refused = message::send(&socket, &[], Encoded::NONE, None, ONCE);
    assert_eq!(refused, Err(Errno::from_raw(EIO)));
}

/// Finds: pointers of an earlier call or of an earlier place (Stacked Borrows), and bytes of a longer message.
#[test]
fn an_array_to_send_may_move_and_be_used_again() {
    let (socket, typed) = (Socket::new(), by_type());
    let parts = [IoSlice::new(b"hel"), IoSlice::new(b"lo")];
    let mut batch = SendArray::<4, { SENT + 64 }>::new();
    for round in 0..3 {
        let messages = controls(&typed).map(|control| {
            let to = (round != 1).then(peer);
            if round == 2 {
                Outgoing::vectored(&parts, control, to)
            } else {
                Outgoing::new(b"hello", control, to)
            }
        });
        // The first two of a batch of four, then an error, then again.
        socket.refuses(None);
        socket.refuses(None);
        socket.refuses(Some(EIO));
        socket.refuses(Some(EIO));
        assert_eq!(batch.send(&socket, &messages, Coalesce::NONE, ONCE), Ok(2));
        let refused = batch.send(&socket, &messages[2..], Coalesce::NONE, ONCE);
        assert_eq!(refused, Err(SendError::Os(Errno::from_raw(EIO))));
        let mut moved = Box::new(batch);
        assert_eq!(moved.send(&socket, &messages[2..], Coalesce::NONE, ONCE), Ok(4));
        // Shorter messages in the same slots.
        let short = Outgoing::new(b"x", SendControl::new(), None);
        assert_eq!(moved.send(&socket, &[short; 3], Coalesce::NONE, ONCE), Ok(3));
        batch = *moved;
        let sent = socket.sent();
        for (sent, message) in sent.iter().zip(&messages) {
            let mut bytes = ControlBytes::<{ SENT + 64 }>::new();
            let expected = bytes.encode(&message.control).unwrap();
            // The fast path keeps the padding after the last message.
            assert_eq!(sent.control_bytes[..expected.len()], *expected);
            assert_eq!((sent.to(), &sent.payload[..]), (message.to, b"hello".as_slice()));
        }
        for sent in &sent[6..] {
            assert_eq!(
                (&sent.control_bytes[..], &sent.name[..], &sent.payload[..]),
                (&[][..], &[][..], &b"x"[..])
            );
        }
    }
}

/// Finds: parts of a run that are used twice or not set, and its control messages.
#[test]
fn runs_of_messages_are_sent_from_parts_that_are_set() {
    let (socket, typed) = (Socket::new(), by_type());
    let mut batch = SendArray::<8, { SENT + 64 }>::new();
    let parts = [IoSlice::new(b"c"), IoSlice::new(b"d")];
    for control in controls(&typed).into_iter().filter(|control| control.segment_size.is_none()) {
        let new = |payload| Outgoing::new(payload, control, Some(peer()));
        let run = [
            new(b"ab"),
            Outgoing::vectored(&parts, control, Some(peer())),
            new(b"e"),
            new(b"alone"),
            new(b""),
        ];
        assert_eq!(batch.send(&socket, &run, Coalesce::new(64, 1500), ONCE), Ok(5));
        let sent = socket.sent();
        assert_eq!(
            sent.iter().map(|sent| &sent.payload[..]).collect::<Vec<_>>(),
            [&b"abcde"[..], b"alone", b""]
        );
        let segments = number(Host::ABI.control.segment_size);
        let has_size = |sent: &Message| {
            let mut messages =
                ipv6_core::cmsg::RawMessages::<Host>::new(&sent.control_bytes).map(Result::unwrap);
            messages.any(|message| (message.level, message.kind) == segments)
        };
        assert_eq!(sent.iter().map(has_size).collect::<Vec<_>>(), [true, false, false]);
        // Fewer parts in the same storage.
        assert_eq!(batch.send(&socket, &run[3..], Coalesce::new(64, 1500), ONCE), Ok(2));
        socket.sent();
    }
}

/// Finds: pointers of an earlier call or of an earlier place, results of an earlier message in the same slot, and padding.
#[test]
fn an_array_to_receive_may_move_and_be_used_again() {
    let socket = Socket::new();
    let mut batch = RecvArray::<4, 256>::new();
    // Slots that were not used are empty.
    assert!(format!("{batch:?}").contains("control: []"));
    for shapes in [&["ihc", "8ihc5", "i"][..], &["", "1"], &["h", "sihc", "i7", "c"], &["hci"]] {
        for shape in shapes {
            socket.receives(Ok(received(shape)));
        }
        socket.receives(Err(EIO));
        let (mut first, mut second) = ([0; 2], [0; 16]);
        let mut payloads = [[0; 16]; 4];
        let slots = if shapes.len() == 1 {
            let mut parts = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
            batch.receive(&socket, &mut [Vectored::new(&mut parts)], MessageFlags::WAIT_FOR_ONE).unwrap()
        } else {
            batch.receive(&socket, &mut payloads, MessageFlags::WAIT_FOR_ONE).unwrap()
        };
        assert_eq!(slots.len(), shapes.len());
        for (slot, shape) in slots.iter().zip(shapes) {
            let (arrival, message) = (slot.arrival(), received(shape));
            assert_eq!((arrival.len, arrival.source(), arrival.flags), (5, Some(peer()), 0));
            assert_eq!(arrival.control.len(), expected(&message).len(), "{shape}");
            assert_eq!(arrival.raw_messages().count(), shape.len());
            for (raw, control) in arrival.raw_messages().zip(&message.control) {
                assert_eq!(raw.unwrap().data, control.data);
            }
            read(arrival.control);
        }
        if shapes.len() == 1 {
            assert_eq!((first, &second[..3]), (*b"he", &b"llo"[..]));
        }
        let mut moved = Box::new(batch);
        let failed = moved.receive(&socket, &mut payloads, MessageFlags::WAIT_FOR_ONE).map(<[_]>::len);
        assert_eq!(failed, Err(Errno::from_raw(EIO)));
        assert_eq!(moved.receive(&socket, &mut payloads, ONCE).map(<[_]>::len), Err(Errno::AGAIN));
        // After an error, the results of the latest batch are still there.
        assert!(format!("{moved:?}").contains("len: 5"));
        batch = *moved;
    }
}

fn key(number: Option<OptionNumber>) -> (i32, i32) {
    number.map(|number| (number.level, number.name)).unwrap()
}

/// Finds: bytes of an answer that the kernel did not write, and a length that exceeds the value.
#[test]
fn answers_of_any_length_are_values_or_errors() {
    let (socket, numbers) = (Socket::new(), Host::ABI.options);
    let class = key(numbers.traffic_class);
    let value = |len| Err(Error::Value { option: "IPV6_TCLASS", len });
    for (answer, len, expected) in [
        (&0x28_i32.to_ne_bytes()[..], None, Ok(0x28)),
        // Some systems write one byte.
        (&[0x28], None, Ok(0x28)),
        (&[], None, value(0)),
        (&[0x28, 0], None, value(2)),
        (&256_i32.to_ne_bytes(), None, value(4)),
        // A longer answer is cut, and may be reported with its whole length.
        (&[0; 40], None, Ok(0)),
        (&[0; 40], Some(40), Ok(0)),
        (&[0; 4], Some(u32::MAX as usize), Ok(0)),
    ] {
        socket.answers(class, answer, len);
        assert_eq!(option::TRAFFIC_CLASS.get(&socket), expected, "{answer:?}");
    }
    for len in [0, 1, 3, 4, 31, 32, 33, 100] {
        socket.answers(key(numbers.path_mtu), &vec![0; len], Some(len));
        assert_eq!(option::PATH_MTU.get(&socket).is_ok(), len == 4 || len >= 32, "{len}");
        socket.answers(key(numbers.icmp6_filter), &vec![0; len], None);
        assert_eq!(option::ICMP6_TYPE_FILTER.get(&socket).is_ok(), len >= 32, "{len}");
        socket.answers(key(numbers.stream_control), &vec![0; len], Some(len));
        let _ = option::stream_control(&socket);
    }
    socket.answers(key(numbers.stream_control), &expected(&received("ihc")), None);
    assert_eq!(option::stream_control(&socket).unwrap().hop_limit, Some(64));
}

/// Finds: bytes of a value that are not initialised, a pointer in a value that the kernel may not follow, and an option
/// whose answer exceeds its buffer.
#[test]
fn values_are_read_by_the_kernel_as_a_whole() {
    let socket = Socket::new();
    option::HOP_LIMIT.set(&socket, Some(9)).unwrap();
    assert_eq!(option::HOP_LIMIT.get(&socket), Ok(Some(9)));
    let (group, on) = ("ff02::114".parse().unwrap(), InterfaceIndex::new(3).ok());
    option::JOIN_GROUP.set(&socket, Group { group, on }).unwrap();
    option::JOIN_SOURCE_GROUP.set(&socket, SourceGroup { group, source: *peer().ip(), on }).unwrap();
    option::set_control_flags(&socket, ControlFlags::SUPPORTED).unwrap();
    assert!(option::control_flags(&socket).unwrap().contains(ControlFlags::HOP_LIMIT));
    assert_eq!(socket::kind(&socket), Ok(socket::Kind::Datagram));
    assert_eq!(wait(&socket, Ready::Receive, None), Ok(Events::empty()));

    let program = [BpfInstruction::new(0x30, 0, 0, 1), BpfInstruction::new(6, 0, 0, u32::MAX)];
    option::attach_filter(&socket, &program).unwrap();
    let mut room = [BpfInstruction::new(0, 0, 0, 0); 3];
    assert_eq!(filter::attached(&socket, &mut []), Ok(2));
    assert_eq!(filter::attached(&socket, &mut room[..1]), Err(Error::Os(Errno::INVAL)));
    assert_eq!(filter::attached(&socket, &mut room), Ok(2));
    assert_eq!(room[..2], program);
    // `SO_GET_FILTER` as an `int`: the kernel would take its 4 bytes for room of 4 instructions, and write all.
    let number = key(Host::ABI.options.attach_filter);
    let as_int = SocketOption::<i32>::custom(number.0, number.1, "SO_GET_FILTER");
    assert_eq!(as_int.get(&socket), Err(Error::Unsupported("SO_GET_FILTER")));
    // The descriptor of a program, by its number.
    let fanout = SocketOption::<i32>::custom(263, 22, "PACKET_FANOUT_DATA");
    assert_eq!(fanout.set(&socket, 0), Err(Error::Unsupported("PACKET_FANOUT_DATA")));
}
