//! `listen GROUP PORT INTERFACE [COUNT]`: joins a multicast group on one interface and prints each datagram that arrives,
//! with fields of its IPv6 header. Without `std`, without an allocator.

#![no_std]
#![no_main]

use core::ffi::{c_char, c_int};
use core::fmt::{self, Write};
use core::net::{Ipv6Addr, SocketAddrV6};
use core::num::NonZeroU16;

use ipv6_constrained::{Context, Failure, MAX_PAYLOAD, parse, print, status, words};
use ipv6_core::InterfaceIndex;
use ipv6_core::cmsg::RawMessage;
use ipv6_core::message::{ControlMessage, HopLimit, PacketInfo, TrafficClass, space_of};
use ipv6_sys::fd::AsFd;
use ipv6_sys::message::{self, ControlBuffer, ControlSpace, IoSliceMut, MessageFlags, Received};
use ipv6_sys::option::{self, Group, SocketOption};
use ipv6_sys::{Host, interface, retry, socket};

const USAGE: &str = if cfg!(feature = "error-text") {
    "\
usage: listen GROUP PORT INTERFACE [COUNT]

Joins the multicast group GROUP on INTERFACE, prints \"listening\", and prints
each datagram for PORT with its hop limit, traffic class, destination and
interface. Ends after COUNT datagrams, if COUNT is given.

example: listen ff02::114 5000 eth0 1"
} else {
    "usage: listen GROUP PORT INTERFACE [COUNT]"
};

/// The options that deliver fields of each datagram's header. `option::set_control_flags` sets them by name, for IPv4
/// too: this program receives IPv6 only, and one option at a time needs less code.
const DELIVERED: [SocketOption<bool>; 3] =
    [option::RECEIVE_TRAFFIC_CLASS, option::RECEIVE_HOP_LIMIT, option::RECEIVE_PACKET_INFO];

/// Exactly the space of their control messages on this platform, computed at compile time. The kernel truncates none.
const SPACE: usize =
    space_of::<TrafficClass, Host>() + space_of::<HopLimit, Host>() + space_of::<PacketInfo, Host>();

// The C library's start code calls a function of this name.
#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: the C library called this `main` with both.
    let words = unsafe { words(argc, argv) };
    status(words.and_then(|words| run(&words)), USAGE)
}

fn run(words: &[&str]) -> Result<(), Failure> {
    let (group, port, name, count) = match *words {
        [group, port, name] => (group, port, name, None),
        [group, port, name, count] => {
            (group, port, name, Some(parse(count, "a number of datagrams, 1 to 65535")?))
        }
        _ => return Err(Failure::arguments(format_args!("three or four arguments are needed"))),
    };
    let group: Ipv6Addr = parse(group, "an IPv6 address")?;
    if !group.is_multicast() {
        return Err(Failure::arguments(format_args!("{group} is not a multicast address")));
    }
    let port: NonZeroU16 = parse(port, "a port, 1 to 65535")?;
    // A group is joined on one interface. A machine with two links has two interfaces.
    let interface = interface::index_of(name).context(format_args!("looking for interface {name}"))?;

    let socket = socket::datagram().context(format_args!("opening a socket"))?;
    // Several programs can listen to one group. Each of them receives a copy of each datagram.
    socket::set_reuse_address(&socket, true).context(format_args!("sharing the port"))?;
    // IPv4 datagrams would arrive without these control messages.
    option::ONLY_V6.set(&socket, true).context(format_args!("excluding IPv4"))?;
    // Set the options before `bind`: datagrams can arrive as soon as the socket has a port, and those that arrive
    // before the option is set have no control messages.
    for option in &DELIVERED {
        option.set(&socket, true).context(format_args!("setting {}", option.name()))?;
    }
    // The unspecified address matches the group and all addresses of this machine, so the socket also receives
    // datagrams for those. The destination in the packet info distinguishes them.
    let local = SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port.get(), 0, 0);
    socket::bind(&socket, &local).context(format_args!("binding to port {port}"))?;
    option::JOIN_GROUP
        .set(&socket, Group { group, on: Some(interface) })
        .context(format_args!("joining {group} on {name}"))?;
    // A script can wait for this line before it sends.
    print(format_args!("listening"))?;

    let mut left = count.map(NonZeroU16::get);
    while left != Some(0) {
        receive(&socket)?;
        left = left.map(|left| left.saturating_sub(1));
    }
    Ok(())
}

/// Receives a datagram and prints it.
fn receive(socket: impl AsFd) -> Result<(), Failure> {
    let mut payload = [0; MAX_PAYLOAD];
    let mut buffer = ControlBuffer::<SPACE>::new();
    let mut control = ControlSpace::from(&mut buffer);
    let mut parts = [IoSliceMut::new(&mut payload)];
    // `retry` repeats the call if a signal interrupts it.
    let received = retry(|| message::receive(&socket, &mut parts, &mut control, MessageFlags::empty()))
        .context(format_args!("receiving"))?;
    let payload = payload.get(..received.len).unwrap_or_default();
    print(format_args!("{}", Datagram { received, control: &control, payload }))
}

/// A datagram as a line of text.
struct Datagram<'a> {
    received: Received,
    control: &'a ControlSpace<'a>,
    payload: &'a [u8],
}

impl fmt::Display for Datagram<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { received, control, payload } = self;
        match received.source {
            // Not `SocketAddrV6`'s own text, which has the same form and needs 400 bytes more.
            Some(source) => {
                write!(f, "from [{}", source.ip())?;
                if source.scope_id() != 0 {
                    write!(f, "%{}", source.scope_id())?;
                }
                write!(f, "]:{}", source.port())?;
            }
            None => f.write_str("from an unknown sender")?,
        }
        write!(f, ": {} bytes", received.len)?;
        // Decodes the messages in the layout of this platform. By type, so that the program has no code for others.
        for message in control.raw_messages().flatten() {
            if let Some(TrafficClass(traffic_class)) = value::<TrafficClass>(&message) {
                write!(f, ", traffic class {traffic_class:#04x}")?;
            } else if let Some(HopLimit(hop_limit)) = value::<HopLimit>(&message) {
                write!(f, ", hop limit {hop_limit}")?;
            } else if let Some(PacketInfo { address, interface }) = value::<PacketInfo>(&message) {
                let interface = interface.map_or(0, InterfaceIndex::get);
                write!(f, ", destination {address}, interface {interface}")?;
            }
        }
        if received.truncated {
            f.write_str(", payload truncated")?;
        }
        if received.control_truncated {
            f.write_str(", control messages truncated")?;
        }
        // Received bytes must not control the terminal: print visible ASCII only.
        if !payload.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return f.write_str(", not text");
        }
        f.write_str(", text \"")?;
        payload.iter().try_for_each(|byte| f.write_char(char::from(*byte)))?;
        f.write_char('"')
    }
}

/// The value of a message of this type. `RawMessage::get` also has the error of a value that is not valid.
fn value<'a, M: ControlMessage<Host>>(message: &RawMessage<'a>) -> Option<M::Value<'a>> {
    let number = M::NUMBER?;
    if (number.level, number.kind) != (message.level, message.kind) {
        return None;
    }
    M::decode(message.data).ok()
}
