//! Datagrams and batches over a kernel that touches memory as Linux does (`fake_kernel.rs` of `ipv6-sys`). For Miri:
//! scripts/miri.

#![cfg(fake_kernel)]

use std::io::{ErrorKind, IoSlice, IoSliceMut};
use std::net::SocketAddrV6;

use ipv6_std::abi::ControlNumber;
use ipv6_std::message::{HopLimit, TrafficClass};
use ipv6_std::*;
use ipv6_sys::fake_kernel::{Message as Datagram, Socket};

const EIO: i32 = 5;
const EINVAL: i32 = 22;
const EMSGSIZE: i32 = 90;

fn peer() -> SocketAddrV6 {
    "[2001:db8::1]:5000".parse().unwrap()
}

/// A socket, with what it receives and has sent, and a connection of it.
fn pair(socket: &Socket) -> PacketConn<&Socket> {
    let conn = PacketConn::new(socket).unwrap();
    assert_eq!(conn.control_flags(), ControlFlags::empty());
    conn
}

fn number(number: Option<ControlNumber>) -> (i32, i32) {
    number.map(|number| (number.level, number.kind)).unwrap()
}

/// A datagram with these control messages: `i`nfo, `h`op limit, traffic `c`lass, `s`ize of segments, or a digit: a message
/// of nobody's with as many bytes.
fn datagram(payload: &[u8], controls: &str) -> Datagram {
    let numbers = Host::ABI.control;
    controls.chars().fold(Datagram::new(payload, &peer()), |datagram, control| {
        let (number, data) = match control {
            'i' => (number(numbers.packet_info), [&peer().ip().octets()[..], &7_u32.to_ne_bytes()].concat()),
            'h' => (number(numbers.hop_limit), 64_i32.to_ne_bytes().to_vec()),
            'c' => (number(numbers.traffic_class), 0x28_i32.to_ne_bytes().to_vec()),
            's' => (number(numbers.coalesced), 2_i32.to_ne_bytes().to_vec()),
            digit => ((99, 99), vec![0xdd; digit.to_digit(10).unwrap() as usize]),
        };
        datagram.with(number.0, number.1, &data)
    })
}

/// Under Miri, fails if a byte is not initialised.
fn read(bytes: &[u8]) {
    assert!(bytes == std::hint::black_box(bytes));
}

/// What is received of these control messages with these flags.
fn expected(controls: &str, wanted: ControlFlags) -> RecvControl<'static> {
    let has = |control| controls.contains(control);
    let mut all = RecvControl::default();
    all.hop_limit = has('h').then_some(64);
    all.traffic_class = has('c').then_some(0x28);
    all.destination = has('i').then_some(*peer().ip());
    all.interface = has('i').then(|| InterfaceIndex::new(7).unwrap());
    all.segment_size = has('s').then_some(2);
    all.filter(wanted)
}

/// The three usual messages in the order of Linux, some of them, with others, in another order.
const SHAPES: [&str; 9] = ["", "i", "ihc", "sihc", "hc", "chi", "1", "8ihc5", "i3"];

/// Finds: control messages that are read beyond what the kernel has written, in each of the paths to a result.
#[test]
fn every_shape_is_received_in_every_way() {
    let socket = Socket::new();
    let conn = pair(&socket);
    let mut batch = RecvBatch::new(1);
    for wanted in [ControlFlags::SUPPORTED, ControlFlags::HOP_LIMIT, ControlFlags::empty()] {
        conn.set_control_flags(ControlFlags::SUPPORTED, false).unwrap();
        conn.set_control_flags(wanted, true).unwrap();
        let wanted = conn.control_flags();
        for shape in SHAPES {
            for _ in 0..5 {
                socket.receives(Ok(datagram(b"hello", shape)));
            }
            let mut payload = [0; 16];
            let check = |got: Received| {
                assert_eq!((got.len, got.source, got.truncated), (5, peer(), false));
                // Without flags, `recv_from` calls `recvfrom(2)`, which returns no size of segments.
                let size =
                    expected(shape, wanted).segment_size.filter(|_| got.control.segment_size.is_some());
                let mut expected = expected(shape, wanted);
                expected.segment_size = size;
                assert!(got.control == expected && (size.is_none() || shape.contains('s')), "{shape}");
            };
            check(conn.recv_from(&mut payload).unwrap());
            assert_eq!(&payload[..5], b"hello");
            let (left, right) = payload.split_at_mut(2);
            check(conn.recv_vectored(&mut [IoSliceMut::new(left), IoSliceMut::new(right)]).unwrap());
            conn.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
            check(conn.recv_from(&mut payload).unwrap());
            conn.set_read_timeout(None).unwrap();

            let mut control = [0; 300];
            let message = conn.recv_message(&mut payload, &mut control[1..]).unwrap();
            read(message.raw_control());
            assert_eq!(message.raw_messages().count(), shape.len());
            let hops = message.get::<HopLimit>().unwrap().map(|HopLimit(hops)| hops);
            assert_eq!(hops, shape.contains('h').then_some(64));

            assert_eq!(conn.recv_batch(&mut batch, &mut [[0; 16]]).unwrap(), 1);
            check(batch.iter().next().unwrap().unwrap());
            read(batch.message(0).unwrap().raw_control());
        }
    }
    // Room for some of the messages only.
    conn.set_control_flags(ControlFlags::SUPPORTED, true).unwrap();
    let mut long = datagram(b"hello", "ihc");
    (long.name, long.control[0].data) = (Vec::new(), vec![0xdd; 600]);
    for _ in 0..2 {
        socket.receives(Ok(Datagram { name: datagram(b"", "").name, ..long.clone() }));
    }
    let got = conn.recv_from(&mut [0; 2]).unwrap();
    assert!(got.truncated && got.control_truncated && got.control == RecvControl::default());
    assert_eq!(conn.recv_batch(&mut batch, &mut [[0; 16]]).unwrap(), 1);
    read(batch.message(0).unwrap().raw_control());
    assert!(batch.message(0).unwrap().control_truncated);
}

/// Finds: an error of the queue that is decoded from bytes that were not written.
#[test]
fn a_queued_error_is_received_with_its_padding() {
    let socket = Socket::new();
    let conn = pair(&socket);
    let mut error = 111_u32.to_ne_bytes().to_vec();
    error.extend([3, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    error.extend(datagram(b"", "").name);
    let option = Host::ABI.options.queue_errors.unwrap();
    socket.receives(Ok(datagram(b"hello", "5").with(option.level, option.name, &error)));
    let reported = conn.try_recv_error(&mut [0; 16]).unwrap().unwrap();
    assert_eq!((reported.error.errno, reported.destination, reported.len), (111, peer(), 5));
}

fn by_type() -> Messages<64> {
    Messages::new().with(TrafficClass(1)).unwrap().with(HopLimit(2)).unwrap()
}

/// None, the fast ones, others, by type.
fn controls(messages: &Messages<64>) -> [SendControl<'_>; 4] {
    let three = SendControl::new().with_traffic_class(0x28).with_hop_limit(9).with_source(*peer().ip());
    [SendControl::new(), three, SendControl::new().with_source(*peer().ip()), three.with_messages(messages)]
}

/// Finds: pointers that are not valid when the call is made or repeated.
#[test]
fn a_datagram_is_sent_from_memory_that_is_valid() {
    let (socket, typed) = (Socket::new(), by_type());
    let conn = pair(&socket);
    for control in controls(&typed) {
        // An error of an earlier datagram: the call is repeated.
        socket.refuses(Some(EMSGSIZE));
        assert_eq!(conn.send_to(b"hello", &control, peer()).unwrap(), 5);
        let parts = [IoSlice::new(b"hel"), IoSlice::new(b"lo")];
        // The next call returns it.
        assert!(!is_too_long(&conn.send(b"hello", &control).unwrap_err()));
        assert_eq!(conn.send(b"hello", &control).unwrap(), 5);
        assert_eq!(conn.send_vectored(&parts, &control, peer()).unwrap(), 5);
        let sent = socket.sent();
        assert_eq!(sent.iter().map(Datagram::to).collect::<Vec<_>>(), [Some(peer()), None, Some(peer())]);
        for sent in &sent {
            assert_eq!((&sent.payload[..], &sent.control_bytes), (&b"hello"[..], &socket_bytes(&control)));
        }
    }
    assert_eq!(conn.send_messages(b"hello", &typed, peer()).unwrap(), 5);
    assert_eq!(socket.sent()[0].control_bytes, typed.as_bytes());
    socket.refuses(Some(EIO));
    assert_eq!(conn.send(b"x", &SendControl::new()).unwrap_err().raw_os_error(), Some(EIO));
}

/// The bytes of these control messages.
fn socket_bytes(control: &SendControl<'_>) -> Vec<u8> {
    let mut bytes = ipv6_sys::message::ControlBytes::<256>::new();
    bytes.encode(control).unwrap().to_vec()
}

/// Finds: pointers of an earlier call or of an earlier place (Stacked Borrows), and bytes of a longer message.
#[test]
fn a_batch_to_send_may_move_grow_and_be_used_again() {
    let (socket, typed) = (Socket::new(), by_type());
    let conn = pair(&socket);
    let parts = [IoSlice::new(b"a"), IoSlice::new(b"b")];
    for coalescing in [false, true] {
        conn.set_send_coalescing(coalescing);
        let mut batch = SendBatch::new(2);
        for control in controls(&typed) {
            for to in [Some(peer()), None] {
                let new = |payload| Outgoing::new(payload, control, to);
                let messages = [
                    new(b"ab"),
                    Outgoing::vectored(&parts, control, to),
                    new(b"c"),
                    new(b"longer"),
                    new(b""),
                ];
                conn.send_batch_all(&mut batch, &messages).unwrap();
                let sent: Vec<u8> = socket.sent().into_iter().flat_map(|sent| sent.payload).collect();
                assert_eq!(sent, b"ababclonger");
                let mut moved = Box::new(batch);
                moved.grow(moved.capacity() + 1);
                // Refused as one: again alone.
                for errno in [EIO, EIO, EINVAL, EINVAL] {
                    socket.refuses(Some(errno));
                }
                let _ = conn.send_batch_all(&mut moved, &messages);
                conn.set_send_coalescing(coalescing);
                socket.sent();
                // The rest of the refusals.
                let mut rest = 0;
                while conn.send(b"x", &SendControl::new()).is_err() {
                    rest += 1;
                }
                assert!(rest < 4);
                assert_eq!(
                    conn.send_batch(&mut moved, &[Outgoing::new(b"x", SendControl::new(), None)]).unwrap(),
                    1
                );
                let last = socket.sent().pop().unwrap();
                assert_eq!(
                    (&last.payload[..], &last.name[..], &last.control_bytes[..]),
                    (&b"x"[..], &[][..], &[][..])
                );
                batch = *moved;
            }
        }
    }
    // Segments of one payload.
    assert_eq!(conn.send_segments(b"aabbc", 2, &SendControl::new(), peer()).unwrap(), 5);
    socket.refuses(Some(EIO));
    socket.refuses(Some(EIO));
    assert_eq!(conn.send_segments(b"aabbc", 2, &SendControl::new(), peer()).unwrap(), 5);
}

/// Finds: pointers of an earlier call or of an earlier place, and results of an earlier message in the same slot.
#[test]
fn a_batch_to_receive_may_move_grow_and_be_used_again() {
    let socket = Socket::new();
    let conn = pair(&socket);
    conn.set_control_flags(ControlFlags::SUPPORTED, true).unwrap();
    let mut batch = RecvBatch::new(2);
    for shapes in [&["ihc", "8ihc5"][..], &["1"], &["i", "hc", "sihc"]] {
        for shape in shapes {
            socket.receives(Ok(datagram(b"hello", shape)));
        }
        socket.receives(Err(EIO));
        let mut payloads = [[0; 16]; 4];
        let mut moved = Box::new(batch);
        moved.grow(shapes.len());
        assert_eq!(conn.recv_batch(&mut moved, &mut payloads).unwrap(), shapes.len());
        for (got, shape) in moved.iter().zip(shapes) {
            assert_eq!(got.unwrap().control, expected(shape, conn.control_flags()));
        }
        for (message, shape) in moved.messages().zip(shapes) {
            read(message.raw_control());
            assert_eq!(message.raw_messages().count(), shape.len());
        }
        assert_eq!(conn.recv_batch(&mut moved, &mut payloads).unwrap_err().raw_os_error(), Some(EIO));
        assert!(moved.is_empty());
        batch = *moved;
    }
    let (mut left, mut right) = ([0; 2], [0; 8]);
    socket.receives(Ok(datagram(b"hello", "ihc")));
    let mut parts = [IoSliceMut::new(&mut left), IoSliceMut::new(&mut right)];
    assert_eq!(conn.recv_batch(&mut batch, &mut [Vectored::new(&mut parts)]).unwrap(), 1);
    assert_eq!((left, &right[..3]), (*b"he", &b"llo"[..]));
}

/// Finds: the same, for payloads that are split into datagrams, some of them by a later call.
#[test]
fn datagrams_left_over_are_valid_in_a_batch_that_moved_and_grew() {
    let socket = Socket::new();
    let conn = pair(&socket);
    conn.set_control_flags(ControlFlags::SUPPORTED, true).unwrap();
    conn.set_receive_coalescing(true).unwrap();
    let mut batch = RecvBatch::new(2);
    socket.receives(Ok(datagram(b"aabbccd", "sihc")));
    socket.receives(Ok(datagram(b"one", "ihc")));
    let (mut payloads, mut all) = ([[0; 4]; 2], Vec::new());
    loop {
        let count = conn.recv_batch(&mut batch, &mut payloads).unwrap();
        for ((got, message), payload) in batch.iter().zip(batch.messages()).zip(&payloads) {
            let got = got.unwrap();
            assert_eq!(got.control, expected("ihc", conn.control_flags()));
            assert_eq!(got.len, message.len);
            read(message.raw_control());
            all.push(payload[..got.len].to_vec());
        }
        assert!(count > 0);
        if !batch.has_more() {
            break;
        }
        let mut moved = Box::new(batch);
        moved.grow(3);
        batch = *moved;
    }
    assert_eq!(all, [&b"aa"[..], b"bb", b"cc", b"d", b"one"]);
    // The results of a batch whose last call failed, and those of another socket.
    assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(batch.iter().count(), 0);
    let other = Socket::new();
    other.receives(Ok(datagram(b"x", "")));
    assert_eq!(pair(&other).recv_batch(&mut batch, &mut payloads).unwrap(), 1);
    conn.set_receive_coalescing(false).unwrap();
}
