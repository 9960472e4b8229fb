//! `advertisements INTERFACE [COUNT]`: prints the router advertisements of a link that are valid (RFC 4861 section 6.1.2).
//! Without `std`, without an allocator. Needs `CAP_NET_RAW`.

#![no_std]
#![no_main]

use core::ffi::{c_char, c_int};
use core::num::NonZeroU16;

use ipv6_constrained::{Context, Failure, parse, print, status, words};
use ipv6_core::message::{HopLimit, PacketInfo, space_of};
use ipv6_core::{Icmp6Filter, Icmp6Type};
use ipv6_sys::fd::AsFd;
use ipv6_sys::message::{self, ControlBuffer, ControlSpace, IoSliceMut, MessageFlags};
use ipv6_sys::{Host, interface, option, retry, socket};

const USAGE: &str = "\
usage: advertisements INTERFACE [COUNT]

Prints \"listening\", and each router advertisement on INTERFACE, or why it is
not valid. Ends after COUNT valid ones, if COUNT is given.

example: advertisements eth0 1";

const SPACE: usize = space_of::<HopLimit, Host>() + space_of::<PacketInfo, Host>();

// The C library's start code calls a function of this name.
#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: the C library called this `main` with both.
    let words = unsafe { words(argc, argv) };
    status(words.and_then(|words| run(&words)), USAGE)
}

fn run(words: &[&str]) -> Result<(), Failure> {
    let (name, count) = match *words {
        [name] => (name, None),
        [name, count] => (name, Some(parse(count, "a number of advertisements, 1 to 65535")?)),
        _ => return Err(Failure::arguments(format_args!("one or two arguments are needed"))),
    };
    let on = interface::index_of(name).context(format_args!("looking for interface {name}"))?;
    // The kernel verifies the checksum. Every node is a member of ff02::1, so there is no group to join.
    let socket = socket::raw(Icmp6Type::PROTOCOL).context(format_args!("opening a raw socket"))?;
    let mut filter = Icmp6Filter::block_all();
    filter.pass(Icmp6Type::ROUTER_ADVERTISEMENT);
    option::ICMP6_TYPE_FILTER.set(&socket, filter).context(format_args!("setting the filter"))?;
    for option in [option::RECEIVE_HOP_LIMIT, option::RECEIVE_PACKET_INFO] {
        option.set(&socket, true).context(format_args!("setting {}", option.name()))?;
    }
    print(format_args!("listening"))?;
    let mut left = count.map(NonZeroU16::get);
    while left != Some(0) {
        if receive(&socket, on.get())? {
            left = left.map(|left| left.saturating_sub(1));
        }
    }
    Ok(())
}

/// Receives an advertisement and prints it. Returns whether it is a valid one on interface `on`.
fn receive(socket: impl AsFd, on: u32) -> Result<bool, Failure> {
    let mut payload = [0; 1280];
    let mut buffer = ControlBuffer::<SPACE>::new();
    let mut control = ControlSpace::from(&mut buffer);
    let mut parts = [IoSliceMut::new(&mut payload)];
    let received = retry(|| message::receive(&socket, &mut parts, &mut control, MessageFlags::empty()))
        .context(format_args!("receiving"))?;
    let (mut hop_limit, mut interface) = (None, None);
    for message in control.raw_messages().flatten() {
        if let Ok(Some(HopLimit(found))) = message.get::<HopLimit, Host>() {
            hop_limit = Some(found);
        } else if let Ok(Some(found)) = message.get::<PacketInfo, Host>() {
            interface = found.interface;
        }
    }
    let Some(source) = received.source.filter(|_| interface.is_some_and(|interface| interface.get() == on))
    else {
        return Ok(false);
    };
    let from = source.ip();
    let payload = payload.get(..received.len).unwrap_or_default();
    // Routers decrement the hop limit, so 255 proves that a neighbour sent it (RFC 5082).
    if hop_limit != Some(255) {
        let hop_limit = hop_limit.unwrap_or_default();
        print(format_args!("ignored: hop limit {hop_limit} instead of 255, from {from}"))?;
        return Ok(false);
    }
    let &[_, 0, _, _, current, flags, high, low, _, _, _, _, _, _, _, _, ref options @ ..] = payload else {
        print(format_args!("ignored: malformed, from {from}"))?;
        return Ok(false);
    };
    if !from.is_unicast_link_local() || !are_options(options) {
        print(format_args!("ignored: source or options, from {from}"))?;
        return Ok(false);
    }
    let lifetime = u16::from_be_bytes([high, low]);
    let (managed, other) = (flags & 0x80 != 0, flags & 0x40 != 0);
    print(format_args!(
        "router {from}: lifetime {lifetime} s, hop limit {current}, managed {managed}, other {other}"
    ))?;
    Ok(true)
}

/// Whether each option has a length in units of eight bytes that is not zero, and ends within the message.
fn are_options(mut bytes: &[u8]) -> bool {
    while let Some(&len) = bytes.get(1) {
        match bytes.get(usize::from(len) * 8..) {
            Some(rest) if len > 0 => bytes = rest,
            _ => return false,
        }
    }
    bytes.is_empty()
}
