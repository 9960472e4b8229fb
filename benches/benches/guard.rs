//! Counts the instructions of this library's hot paths, for CI: `scripts/instructions` compares them with the counts in
//! `benches/guard.csv`. The counts of the group `sockets` are for [`TIMES`] calls, and include the C library's share and the
//! caller's checks.

use std::net::{Ipv6Addr, SocketAddrV6};

use gungraun::{library_benchmark, library_benchmark_group, main};
use ipv6_core::abi::Linux64;
use ipv6_std::{
    ControlFlags, Outgoing, PacketConn, RecvBatch, RecvControl, Segments, SendBatch, SendControl,
};

const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const PAYLOAD: &[u8] = b"HELLO-R-U-THERE";
/// The calls per measurement.
const TIMES: usize = 100;

const CONTROL: SendControl<'static> =
    SendControl::new().with_traffic_class(0x28).with_hop_limit(42).with_source(SOURCE);

// Buffers are leaked, so that the measurement does not include freeing them.

fn buffer() -> &'static mut [u8] {
    vec![0xff; 128].leak()
}

/// Control messages in the kernel's order: packet info, hop limit, traffic class.
fn in_order() -> &'static [u8] {
    let bytes = buffer();
    let used = CONTROL.encode::<Linux64>(bytes).unwrap();
    &bytes[..used]
}

/// The same in the opposite order.
fn in_another_order() -> &'static [u8] {
    let bytes = in_order();
    [&bytes[64..], &bytes[40..64], &bytes[..40]].concat().leak()
}

#[library_benchmark]
#[bench::three(0x28, 42, SOURCE, buffer())]
fn encode_known(class: u8, hops: u8, source: Ipv6Addr, bytes: &mut [u8]) -> usize {
    // The compiler knows which messages are encoded, as in most programs, but not their values.
    let control = SendControl::new().with_traffic_class(class).with_hop_limit(hops).with_source(source);
    control.encode::<Linux64>(bytes).unwrap_or(0)
}

#[library_benchmark]
#[bench::three(&CONTROL, buffer())]
fn encode_any(control: &SendControl<'static>, bytes: &mut [u8]) -> usize {
    control.encode::<Linux64>(bytes).unwrap_or(0)
}

fn decoded() -> &'static RecvControl<'static> {
    Box::leak(Box::new(RecvControl::decode::<Linux64>(in_order()).unwrap()))
}

fn is(control: &RecvControl<'_>, class: u8, hops: u8, destination: Ipv6Addr) -> bool {
    control.traffic_class == Some(class)
        && control.hop_limit == Some(hops)
        && control.destination == Some(destination)
}

#[library_benchmark]
#[bench::in_order(in_order(), 0x28, 42, SOURCE)]
#[bench::in_another_order(in_another_order(), 0x28, 42, SOURCE)]
fn decode_and_compare(bytes: &[u8], class: u8, hops: u8, destination: Ipv6Addr) -> bool {
    RecvControl::decode::<Linux64>(bytes).is_ok_and(|control| is(&control, class, hops, destination))
}

// The part of `decode_and_compare` that is not decoding.
#[library_benchmark]
#[bench::what_was_decoded(decoded(), 0x28, 42, SOURCE)]
fn compare(control: &RecvControl<'_>, class: u8, hops: u8, destination: Ipv6Addr) -> bool {
    is(control, class, hops, destination)
}

/// A socket that sends to itself, with its values and buffers.
struct Loop {
    conn: PacketConn,
    to: SocketAddrV6,
    control: SendControl<'static>,
    send: SendBatch,
    receive: RecvBatch,
    payloads: Vec<[u8; 64]>,
}

/// Prepares a socket and uses it once, because the dynamic linker resolves a function at its first call.
fn socket(flags: ControlFlags, coalescing: bool) -> Loop {
    let conn = PacketConn::bind("[::1]:0").unwrap();
    conn.set_control_flags(flags, true).unwrap();
    conn.set_send_coalescing(coalescing);
    conn.set_receive_coalescing(coalescing).unwrap();
    let to = conn.local_addr().unwrap();
    let control = match flags {
        ControlFlags::DESTINATION => SendControl::new().with_source(*to.ip()),
        THREE => CONTROL.with_source(*to.ip()),
        _ => SendControl::new(),
    };
    let (send, receive) = (SendBatch::new(32), RecvBatch::new(32));
    let mut socket = Loop { conn, to, control, send, receive, payloads: vec![[0; 64]; 32] };
    one(&mut socket);
    batch(&mut socket);
    socket
}

const THREE: ControlFlags = ControlFlags::TRAFFIC_CLASS
    .union(ControlFlags::HOP_LIMIT)
    .union(ControlFlags::DESTINATION)
    .union(ControlFlags::INTERFACE);

fn one(socket: &mut Loop) {
    socket.conn.send_to(PAYLOAD, &socket.control, socket.to).unwrap();
    let got = socket.conn.recv_from(&mut socket.payloads[0]).unwrap();
    assert_eq!((got.len, got.source.port()), (PAYLOAD.len(), socket.to.port()));
    assert_eq!(got.control.traffic_class, socket.control.traffic_class);
}

fn batch(socket: &mut Loop) {
    let messages = [Outgoing::new(PAYLOAD, socket.control, Some(socket.to)); 32];
    assert_eq!(socket.conn.send_batch(&mut socket.send, &messages).unwrap(), 32);
    let mut seen = 0;
    while seen < 32 {
        seen += socket.conn.recv_batch(&mut socket.receive, &mut socket.payloads).unwrap();
        for got in socket.receive.iter() {
            let got = got.unwrap();
            assert_eq!((got.len, got.source.port()), (PAYLOAD.len(), socket.to.port()));
            assert_eq!(got.control.traffic_class, socket.control.traffic_class);
        }
    }
}

/// Sends to the peer of a connected socket, and receives with the bytes of the control messages (`recv_message`).
fn to_the_peer(socket: &mut Loop) {
    socket.conn.send(PAYLOAD, &socket.control).unwrap();
    let mut control = [0; 256];
    let message = socket.conn.recv_message(&mut socket.payloads[0], &mut control).unwrap();
    assert_eq!((message.len, message.source.port()), (PAYLOAD.len(), socket.to.port()));
    assert_eq!(message.control().unwrap().traffic_class, socket.control.traffic_class);
}

/// Sends one payload that the system splits and combines again.
fn cut(socket: &mut Loop) {
    let payload = [7; 32 * 15];
    socket.conn.send_to(&payload, &socket.control.with_segment_size(15), socket.to).unwrap();
    let room = socket.payloads.as_flattened_mut();
    let got = socket.conn.recv_from(room).unwrap();
    assert_eq!(Segments::new(&room[..got.len], got.control.segment_size).len(), 32);
    assert_eq!(got.control.traffic_class, socket.control.traffic_class);
}

#[library_benchmark]
#[bench::with_three_messages(socket(THREE, false))]
#[bench::with_packet_info(socket(ControlFlags::DESTINATION, false))]
#[bench::without(socket(ControlFlags::empty(), false))]
fn one_at_a_time(mut socket: Loop) -> Loop {
    (0..TIMES).for_each(|_| one(&mut socket));
    socket
}

fn connected() -> Loop {
    let mut socket = socket(THREE, false);
    socket.conn.get_ref().connect(socket.to).unwrap();
    to_the_peer(&mut socket);
    socket
}

#[library_benchmark]
#[bench::with_three_messages(connected())]
fn one_to_the_peer(mut socket: Loop) -> Loop {
    (0..TIMES).for_each(|_| to_the_peer(&mut socket));
    socket
}

fn coalescing() -> Loop {
    let mut socket = socket(THREE, true);
    cut(&mut socket);
    socket
}

#[library_benchmark]
#[bench::with_three_messages(coalescing())]
fn one_cut_in_32(mut socket: Loop) -> Loop {
    (0..TIMES).for_each(|_| cut(&mut socket));
    socket
}

#[library_benchmark]
#[bench::each_by_itself(socket(THREE, false))]
#[bench::coalescing(socket(THREE, true))]
fn batches_of_32(mut socket: Loop) -> Loop {
    (0..TIMES).for_each(|_| batch(&mut socket));
    socket
}

library_benchmark_group!(name = codec, benchmarks = [encode_known, encode_any, decode_and_compare, compare]);
library_benchmark_group!(
    name = sockets,
    benchmarks = [one_at_a_time, one_to_the_peer, one_cut_in_32, batches_of_32]
);
main!(library_benchmark_groups = [codec, sockets]);
