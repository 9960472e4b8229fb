//! `responder PORT INTERFACE [REQUESTS]`: answers CoAP requests (RFC 7252) to the group of all CoAP nodes, ff02::fd, and to
//! the addresses of this machine. Two sockets and a timer, without `std` and without an allocator.
//!
//! A response to a request for the group is delayed (RFC 7252 section 8.2), and leaves through the interface on which the
//! request arrived.

#![no_std]
#![no_main]

use core::ffi::{c_char, c_int};
use core::net::{Ipv6Addr, SocketAddrV6};
use core::num::NonZeroU16;

use ipv6_constrained::{Context, Failure, parse, print, status, words};
use ipv6_core::message::{PacketInfo, space_of};
use ipv6_core::{InterfaceIndex, SendControl};
use ipv6_sys::fd::{AsFd, OwnedFd};
use ipv6_sys::message::{self, ControlBuffer, ControlBytes, ControlSpace, IoSlice, IoSliceMut, MessageFlags};
use ipv6_sys::option::{self, Group};
use ipv6_sys::wait::{Events, Ready, Waiting, any};
use ipv6_sys::{Host, interface, retry, socket};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};

const USAGE: &str = "\
usage: responder PORT INTERFACE [REQUESTS]

Answers CoAP requests to ff02::fd on INTERFACE, and to this machine's addresses.
Prints \"listening\", and each request. Ends after REQUESTS responses.

example: responder 5683 eth0";

/// All CoAP nodes of a link (RFC 7252 section 12.8).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfd);

/// The delay of a response to a request for the group. All nodes receive it at once; a real node selects a random delay.
const LEISURE: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

// The C library's start code calls a function of this name.
#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: the C library called this `main` with both.
    let words = unsafe { words(argc, argv) };
    status(words.and_then(|words| run(&words)), USAGE)
}

fn run(words: &[&str]) -> Result<(), Failure> {
    let (port, name, count) = match *words {
        [port, name] => (port, name, None),
        [port, name, count] => (port, name, Some(parse(count, "a number of requests, 1 to 65535")?)),
        _ => return Err(Failure::arguments(format_args!("two or three arguments are needed"))),
    };
    let port: NonZeroU16 = parse(port, "a port, 1 to 65535")?;
    let on = interface::index_of(name).context(format_args!("looking for interface {name}"))?;

    // Bound to the group, so that it receives nothing else.
    let group = open(&SocketAddrV6::new(ALL_NODES, port.get(), 0, on.get()))?;
    option::JOIN_GROUP
        .set(&group, Group { group: ALL_NODES, on: Some(on) })
        .context(format_args!("joining {ALL_NODES} on {name}"))?;
    let unicast = open(&SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port.get(), 0, 0))?;
    // Otherwise it receives what is for the group too, because another socket has joined it.
    option::MULTICAST_ALL.set(&unicast, false).context(format_args!("excluding groups"))?;
    let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)
        .context(format_args!("making a timer"))?;
    print(format_args!("listening"))?;

    // The request for the group that is not answered yet. A request that arrives meanwhile is dropped: its sender repeats
    // it.
    let mut delayed = None;
    let mut left = count.map(NonZeroU16::get);
    let mut waiting = [&group, &unicast, &timer].map(|descriptor| Waiting::new(descriptor, Ready::Receive));
    while left != Some(0) {
        retry(|| any(&mut waiting, None)).context(format_args!("waiting"))?;
        let [for_group, for_us, timeout] = waiting.each_ref().map(Waiting::events);
        let mut answered = 0;
        // A receive returns an error that is pending, which is about a response that could not be delivered.
        if !for_us.is_empty() {
            if let Some(request) = receive(&unicast)? {
                answered += answer(&unicast, &request)?;
            }
        }
        if !for_group.is_empty() {
            if let (Some(request), None) = (receive(&group)?, &delayed) {
                delayed = Some(request);
                let once = Itimerspec { it_interval: Timespec::default(), it_value: LEISURE };
                rustix::time::timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once)
                    .context(format_args!("starting the timer"))?;
            }
        }
        if timeout.contains(Events::READABLE) {
            // How often it expired.
            rustix::io::read(&timer, &mut [0; 8]).context(format_args!("reading the timer"))?;
            if let Some(request) = delayed.take() {
                answered += answer(&unicast, &request)?;
            }
        }
        left = left.map(|left| left.saturating_sub(answered));
    }
    Ok(())
}

/// Opens a socket with this local address, which receives packet info.
fn open(local: &SocketAddrV6) -> Result<OwnedFd, Failure> {
    let socket = socket::datagram().context(format_args!("opening a socket"))?;
    // Both sockets have the same port.
    socket::set_reuse_address(&socket, true).context(format_args!("sharing the port"))?;
    option::ONLY_V6.set(&socket, true).context(format_args!("excluding IPv4"))?;
    option::RECEIVE_PACKET_INFO.set(&socket, true).context(format_args!("enabling packet info"))?;
    // A datagram that `poll` reported can be dropped, because of its checksum: then do not wait for the next one.
    socket::set_nonblocking(&socket, true).context(format_args!("leaving blocking mode"))?;
    socket::bind(&socket, local).context(format_args!("binding to port {}", local.port()))?;
    Ok(socket)
}

/// What of a request is needed for the response.
struct Request {
    from: SocketAddrV6,
    /// The address of this machine to which it was sent; `None` if that is the group.
    to: Option<Ipv6Addr>,
    on: InterfaceIndex,
    confirmable: bool,
    id: [u8; 2],
    token: heapless::Vec<u8, 8>,
}

/// Receives a request; `None` for anything else.
fn receive(socket: impl AsFd) -> Result<Option<Request>, Failure> {
    let mut payload = [0; 128];
    let mut buffer = ControlBuffer::<{ space_of::<PacketInfo, Host>() }>::new();
    let mut control = ControlSpace::from(&mut buffer);
    let mut parts = [IoSliceMut::new(&mut payload)];
    let received = retry(|| message::receive(&socket, &mut parts, &mut control, MessageFlags::empty()));
    let received = match received {
        Ok(received) => received,
        Err(errno) if errno == ipv6_sys::Errno::AGAIN || errno.is_from_network() => return Ok(None),
        Err(errno) => return Err(errno).context(format_args!("receiving")),
    };
    let mut info = None;
    for message in control.raw_messages().flatten() {
        if let Ok(Some(found)) = message.get::<PacketInfo, Host>() {
            info = Some(found);
        }
    }
    let payload = payload.get(..received.len).unwrap_or_default();
    Ok(received.source.zip(info).and_then(|(from, info)| request(payload, from, info)))
}

/// Parses a request.
///
/// ```text
/// version 2 bits, type 2, length of the token 4; code 8; message id 16; token (RFC 7252 section 3)
/// ```
fn request(payload: &[u8], from: SocketAddrV6, info: PacketInfo) -> Option<Request> {
    let &[first, code, high, low, ref rest @ ..] = payload else { return None };
    // Version 1, and a type that requests have: confirmable or not. Codes 0.01 to 0.31 are requests.
    let is_request = matches!(first >> 4, 4 | 5) && matches!(code, 1..=31);
    let token = rest.get(..usize::from(first & 15))?;
    let to = if info.address.is_multicast() { None } else { Some(info.address) };
    // A group's request is never confirmable (RFC 7252 section 8.1).
    let confirmable = first >> 4 == 4;
    if !is_request || (confirmable && to.is_none()) {
        return None;
    }
    Some(Request {
        from,
        to,
        on: info.interface?,
        confirmable,
        id: [high, low],
        token: heapless::Vec::from_slice(token).ok()?,
    })
}

/// Sends the response, and returns how many were sent.
fn answer(socket: impl AsFd, request: &Request) -> Result<u16, Failure> {
    let Request { from, to, on, confirmable, id, token } = request;
    // Type: acknowledgement, or not confirmable. Code 2.05: content. The payload is after the marker.
    let kind = if *confirmable { 0x60 } else { 0x50 };
    let header = [kind | token.len() as u8, 0x45, id[0], id[1]];
    let parts = [&header[..], token, b"\xffhello"].map(IoSlice::new);
    // From the address that the request was sent to, through the interface on which it arrived.
    let mut control = SendControl::new().with_interface(*on);
    if let Some(to) = to {
        control = control.with_source(*to);
    }
    let mut bytes = ControlBytes::<{ SendControl::max_space::<Host>() }>::new();
    let bytes = bytes.encode(&control).context(format_args!("encoding the control messages"))?;
    let sent = retry(|| message::send(&socket, &parts, bytes, Some(from), MessageFlags::empty()));
    let to = if to.is_some() { "unicast" } else { "group" };
    match sent {
        Ok(_) => print(format_args!("answered {} on interface {on} ({to})", from.ip())).map(|()| 1),
        // The sender is not reachable any more, or the queue is full: it repeats its request.
        Err(_) => print(format_args!("no answer to {} on interface {on} ({to})", from.ip())).map(|()| 0),
    }
}
