//! Counts user-space instructions with callgrind. The counts repeat exactly. `src/instructions.rs` finds the functions and
//! cases by their names.

use std::hint::black_box;
use std::net::Ipv6Addr;

use gungraun::prelude::*;
use ipv6_benches::peers::by_hand::{self, Three};
use ipv6_benches::peers::{Peer, Program};
use ipv6_benches::work::{CLASS, HOPS, SIZE, Work};
use ipv6_std::{Host, RecvControl, SendControl};

type Peers = Box<dyn Peer>;

/// Prepares a program and runs it a few times, because the dynamic linker resolves a function at its first call.
fn ready(program: Program, work: Work) -> Peers {
    let mut peer = program.peer(work).unwrap().unwrap();
    (0..3).for_each(|_| peer.work());
    peer
}

fn one_of(program: Program) -> Peers {
    ready(program, Work::single(Work::THREE, SIZE))
}

fn info_of(program: Program) -> Peers {
    ready(program, Work::single(Work::INFO, SIZE))
}

fn plain_of(program: Program) -> Peers {
    ready(program, Work::single(Work::NONE, SIZE))
}

fn connected_of(program: Program) -> Peers {
    ready(program, Work::connected())
}

fn batch_of(program: Program) -> Peers {
    ready(program, Work::batch(32))
}

fn segments_of(program: Program) -> Peers {
    ready(program, Work::segments(32, SIZE))
}

fn together_of(program: Program) -> Peers {
    let mut peer = ready(program, Work::together(128, 1_200));
    peer.send();
    peer
}

#[library_benchmark(setup = one_of)]
#[bench::by_hand(Program::ByHand)]
#[bench::ours(Program::Ours)]
#[bench::nix(Program::Nix)]
#[bench::quinn(Program::Quinn)]
#[bench::socket2(Program::Socket2)]
#[bench::std(Program::Std)]
fn one(mut peer: Peers) -> Peers {
    peer.work();
    peer
}

#[library_benchmark(setup = info_of)]
#[bench::by_hand(Program::ByHand)]
#[bench::ours(Program::Ours)]
#[bench::nix(Program::Nix)]
#[bench::quinn(Program::Quinn)]
fn info(mut peer: Peers) -> Peers {
    peer.work();
    peer
}

#[library_benchmark(setup = plain_of)]
#[bench::by_hand(Program::ByHand)]
#[bench::ours(Program::Ours)]
#[bench::nix(Program::Nix)]
#[bench::quinn(Program::Quinn)]
#[bench::socket2(Program::Socket2)]
#[bench::std(Program::Std)]
fn plain(mut peer: Peers) -> Peers {
    peer.work();
    peer
}

#[library_benchmark(setup = connected_of)]
#[bench::by_hand(Program::ByHand)]
#[bench::ours(Program::Ours)]
#[bench::nix(Program::Nix)]
fn connected(mut peer: Peers) -> Peers {
    peer.work();
    peer
}

#[library_benchmark(setup = batch_of)]
#[bench::by_hand(Program::ByHand)]
#[bench::each_by_itself(Program::EachByItself)]
#[bench::ours(Program::Ours)]
#[bench::coalescing(Program::Coalescing)]
#[bench::nix(Program::Nix)]
#[bench::quinn(Program::Quinn)]
fn batch(mut peer: Peers) -> Peers {
    peer.work();
    peer
}

#[library_benchmark(setup = segments_of)]
#[bench::by_hand(Program::ByHand)]
#[bench::ours(Program::Ours)]
#[bench::quinn(Program::Quinn)]
fn segments(mut peer: Peers) -> Peers {
    peer.work();
    peer
}

// Receiving only.
#[library_benchmark(setup = together_of)]
#[bench::by_hand(Program::ByHand)]
#[bench::together(Program::Together)]
#[bench::coalescing(Program::Coalescing)]
#[bench::quinn(Program::Quinn)]
fn together(mut peer: Peers) -> Peers {
    peer.receive();
    peer
}

const ADDRESS: Ipv6Addr = Ipv6Addr::LOCALHOST;
const THREE: Three = (CLASS, HOPS, ADDRESS.octets());

/// Leaks an array.
fn bytes<const N: usize>(bytes: [u8; N]) -> &'static mut [u8; N] {
    Box::leak(Box::new(bytes))
}

/// Three messages in the kernel's order.
fn in_order() -> &'static [u8] {
    let room = bytes([0; 88]);
    by_hand::encode(room, THREE);
    room
}

/// Three messages in the opposite order.
fn reversed() -> &'static [u8] {
    let (bytes, in_order) = (bytes([0; 88]), in_order());
    bytes[..24].copy_from_slice(&in_order[64..]);
    bytes[24..48].copy_from_slice(&in_order[40..64]);
    bytes[48..].copy_from_slice(&in_order[..40]);
    bytes
}

#[library_benchmark]
#[bench::case(bytes([0; 88]), THREE)]
fn encode_by_hand(room: &'static mut [u8; 88], three: Three) {
    by_hand::encode(room, three);
}

fn to_send() -> &'static SendControl<'static> {
    let control = SendControl::new().with_traffic_class(CLASS).with_hop_limit(HOPS).with_source(ADDRESS);
    Box::leak(Box::new(control))
}

// As in the hand-written program, the compiler knows which messages are encoded.
#[library_benchmark]
#[bench::case(bytes([0; 88]), THREE)]
fn encode_ours(room: &'static mut [u8; 88], (class, hops, source): Three) -> usize {
    let control = SendControl::new().with_traffic_class(class).with_hop_limit(hops);
    control.with_source(source.into()).encode::<Host>(room).unwrap()
}

#[library_benchmark]
#[bench::case(bytes([0; 256]), to_send())]
fn encode_any(room: &'static mut [u8; 256], control: &'static SendControl<'static>) -> usize {
    control.encode::<Host>(room).unwrap()
}

#[library_benchmark]
#[bench::in_order(in_order())]
fn parse_by_hand(control: &'static [u8]) -> Three {
    by_hand::parse(control).unwrap()
}

#[library_benchmark]
#[bench::in_order(in_order())]
#[bench::reversed(reversed())]
fn parse_with_macros(control: &'static [u8]) -> Three {
    by_hand::walk(control).unwrap()
}

#[library_benchmark]
#[bench::in_order(in_order())]
#[bench::reversed(reversed())]
fn parse_ours(control: &'static [u8]) -> Three {
    let control = RecvControl::decode::<Host>(control).unwrap();
    (control.traffic_class.unwrap(), control.hop_limit.unwrap(), control.destination.unwrap().octets())
}

// The cost of the harness.
#[library_benchmark]
#[bench::case(in_order())]
fn nothing(control: &'static [u8]) -> Three {
    black_box(control);
    THREE
}

library_benchmark_group!(
    name = facade,
    benchmarks = [one, info, plain, connected, batch, segments, together]
);
library_benchmark_group!(
    name = codec,
    benchmarks =
        [encode_by_hand, encode_ours, encode_any, parse_by_hand, parse_with_macros, parse_ours, nothing]
);
main!(library_benchmark_groups = facade, codec);
