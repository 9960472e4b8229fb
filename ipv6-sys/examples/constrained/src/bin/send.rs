//! `send GROUP PORT INTERFACE TEXT [HOP_LIMIT] [TRAFFIC_CLASS]`: sends one datagram through one interface, with a hop limit
//! and a traffic class for this datagram only. Without `std`, without an allocator.

#![no_std]
#![no_main]

use core::ffi::{c_char, c_int};
use core::net::{Ipv6Addr, SocketAddrV6};
use core::num::NonZeroU16;

use ipv6_constrained::{Context, Failure, MAX_PAYLOAD, parse, print, status, words};
use ipv6_core::SendControl;
use ipv6_sys::message::{self, ControlBytes, IoSlice, MessageFlags};
use ipv6_sys::{Host, interface, retry, socket};

const USAGE: &str = "\
usage: send GROUP PORT INTERFACE TEXT [HOP_LIMIT] [TRAFFIC_CLASS]

Sends TEXT to PORT of GROUP through INTERFACE. Without HOP_LIMIT (0 to 255) or
TRAFFIC_CLASS (0 to 255, or 0x00 to 0xff), the system's default is used.

example: send ff02::114 5000 eth0 hello 1 0xe0";

// The C library's start code calls a function of this name.
#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: the C library called this `main` with both.
    let words = unsafe { words(argc, argv) };
    status(words.and_then(|words| run(&words)), USAGE)
}

fn run(words: &[&str]) -> Result<(), Failure> {
    let (group, port, name, text, more) = match *words {
        [group, port, name, text, ref more @ ..] if more.len() <= 2 => (group, port, name, text, more),
        _ => return Err(Failure::arguments(format_args!("four to six arguments are needed"))),
    };
    let group: Ipv6Addr = parse(group, "an IPv6 address")?;
    let port: NonZeroU16 = parse(port, "a port, 1 to 65535")?;
    if text.len() > MAX_PAYLOAD {
        let len = text.len();
        return Err(Failure::arguments(format_args!("TEXT has {len} bytes, more than {MAX_PAYLOAD}")));
    }
    let interface = interface::index_of(name).context(format_args!("looking for interface {name}"))?;

    // Fields that are not set here have the values of the socket's options. The default hop limit of multicast is 1, so
    // that the datagram does not leave the link.
    let mut control = SendControl::new().with_interface(interface);
    if let Some(word) = more.first() {
        control = control.with_hop_limit(parse(word, "a hop limit, 0 to 255")?);
    }
    if let Some(word) = more.get(1) {
        control = control.with_traffic_class(traffic_class(word)?);
    }

    let socket = socket::datagram().context(format_args!("opening a socket"))?;
    // A link-local address or group exists on each link, so the scope id selects the link. For addresses of wider scope
    // the control message selects it, instead of the routing table.
    let to = SocketAddrV6::new(group, port.get(), 0, interface.get());
    // Space for every message that can be sent on this platform.
    let mut bytes = ControlBytes::<{ SendControl::max_space::<Host>() }>::new();
    let bytes = bytes.encode(&control).context(format_args!("encoding the control messages"))?;
    let parts = [IoSlice::new(text.as_bytes())];
    // `retry` repeats the call if a signal interrupts it.
    let sent = retry(|| message::send(&socket, &parts, bytes, Some(&to), MessageFlags::empty()))
        .context(format_args!("sending to {to}"))?;
    print(format_args!("sent {sent} bytes to {to}: {control}"))
}

/// Parses a traffic class in base 10, or in base 16 with the prefix `0x`, which shows the fields DSCP and ECN better.
fn traffic_class(word: &str) -> Result<u8, Failure> {
    match word.strip_prefix("0x").map(|digits| u8::from_str_radix(digits, 16)) {
        Some(Ok(class)) => Ok(class),
        _ => parse(word, "a traffic class, 0 to 255 or 0x00 to 0xff"),
    }
}
