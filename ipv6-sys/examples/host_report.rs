//! Prints which options this system supports and which control messages it delivers, with their widths. Paste the report
//! into an issue. `scripts/test-on-this-host` runs this program after the tests.

use std::fmt::Debug;
use std::net::{Ipv6Addr, SocketAddrV6};
use std::time::Duration;

use ipv6_core::{ControlFlags, Icmp6Filter, Icmp6Type, InterfaceIndex, SendControl};
use ipv6_sys::fd::OwnedFd;
use ipv6_sys::interface::{Addresses, InterfaceFlags, index_of};
use ipv6_sys::message::{self, ControlBytes, ControlSpace, IoSlice, IoSliceMut, MessageFlags};
use ipv6_sys::option::{self, Group, Readable, SocketOption, SourceGroup, Writable};
use ipv6_sys::wait::{Ready, wait};
use ipv6_sys::{Error, Host, socket};

const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x114);
const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

fn main() {
    println!("## Host report");
    println!();
    let version = env!("CARGO_PKG_VERSION");
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    println!("ipv6-sys {version} on {os}, {arch}: `{}`", std::any::type_name::<Host>());
    println!();
    let datagram = socket::datagram().expect("a UDP socket");
    println!("| Option | UDP socket |");
    println!("|---|---|");
    both(&option::TRAFFIC_CLASS, &datagram, 0x28);
    both(&option::HOP_LIMIT, &datagram, Some(9));
    both(&option::MULTICAST_INTERFACE, &datagram, loopback());
    both(&option::MULTICAST_HOP_LIMIT, &datagram, 9);
    both(&option::MULTICAST_LOOPBACK, &datagram, false);
    both(&option::ONLY_V6, &datagram, true);
    both(&option::DONT_FRAGMENT, &datagram, true);
    for (switch, _) in option::CONTROL {
        both(switch, &datagram, true);
    }
    read(&option::PATH_MTU, &datagram);
    let any_source = Group { group: GROUP, on: loopback() };
    let one_source = SourceGroup { group: GROUP, source: SOURCE, on: loopback() };
    write(&option::JOIN_GROUP, &datagram, any_source);
    write(&option::BLOCK_SOURCE, &datagram, one_source);
    write(&option::UNBLOCK_SOURCE, &datagram, one_source);
    write(&option::LEAVE_GROUP, &datagram, any_source);
    write(&option::JOIN_SOURCE_GROUP, &datagram, one_source);
    write(&option::LEAVE_SOURCE_GROUP, &datagram, one_source);
    write(&option::DETACH_FILTER, &datagram, ());
    println!();

    match socket::raw(Icmp6Type::PROTOCOL) {
        Ok(raw) => {
            println!("| Option | raw ICMPv6 socket |");
            println!("|---|---|");
            let mut filter = Icmp6Filter::block_all();
            filter.pass(Icmp6Type::ECHO_REPLY);
            both(&option::ICMP6_TYPE_FILTER, &raw, filter);
            read(&option::CHECKSUM, &raw);
            both(&option::HEADER_INCLUDED, &raw, true);
        }
        Err(error) => println!("No raw ICMPv6 socket: {error}"),
    }
    println!();
    let ping = socket::icmp6_datagram().map(drop);
    println!(
        "ICMPv6 socket without privilege: {}",
        ping.map_or_else(|error| format!("no ({error})"), |()| "yes".into())
    );
    println!();

    println!("| Sent | Received (level, type: bytes) | Decoded |");
    println!("|---|---|---|");
    let here = SendControl::new().with_source(Ipv6Addr::LOCALHOST);
    for control in [
        SendControl::new(),
        SendControl::new().with_hop_limit(7),
        SendControl::new().with_traffic_class(0x28),
        here,
        loopback().map_or(here, |index| here.with_interface(index)),
    ] {
        exchange(&control);
    }
}

fn loopback() -> Option<InterfaceIndex> {
    let addresses = Addresses::new().ok()?;
    let entry = addresses.iter().find(|entry| entry.flags.contains(InterfaceFlags::LOOPBACK))?;
    entry.index.or_else(|| index_of(&entry.interface).ok())
}

fn line(name: &str, result: &str) {
    println!("| {name} | {result} |");
}

fn text<T: Debug>(result: Result<T, Error>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(Error::Os(errno)) => format!("{errno} ({})", errno.raw()),
        Err(error) => error.to_string(),
    }
}

fn outcome(result: Result<(), Error>) -> String {
    if result.is_ok() { "accepted".into() } else { text(result) }
}

/// Gets an option, sets it, and gets it again.
fn both<T: Readable + Writable + Debug + Copy + PartialEq>(
    option: &SocketOption<T>,
    socket: &OwnedFd,
    value: T,
) {
    let before = text(option.get(socket));
    let set = outcome(option.set(socket, value));
    let after = text(option.get(socket));
    line(option.name(), &format!("was {before}; set to {value:?}: {set}; is {after}"));
}

fn read<T: Readable + Debug>(option: &SocketOption<T>, socket: &OwnedFd) {
    line(option.name(), &text(option.get(socket)));
}

fn write<T: Writable + Debug + Copy>(option: &SocketOption<T>, socket: &OwnedFd, value: T) {
    line(option.name(), &outcome(option.set(socket, value)));
}

/// Sends a datagram on loopback to a socket with all control messages enabled, and prints those that it receives.
fn exchange(control: &SendControl<'_>) {
    let result = (|| {
        let receiver = socket::datagram()?;
        for (switch, _) in option::CONTROL {
            // The table above lists the options that the system lacks.
            let _ = switch.set(&receiver, true);
        }
        socket::bind(&receiver, &SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0))?;
        let to = socket::local_address(&receiver)?;
        let mut bytes = ControlBytes::<{ SendControl::max_space::<Host>() }>::new();
        let encoded = match bytes.encode(control) {
            Ok(encoded) => encoded,
            Err(error) => return Ok((error.to_string(), String::new())),
        };
        let sender = socket::datagram()?;
        message::send(&sender, &[IoSlice::new(b"x")], encoded, to.as_ref(), MessageFlags::empty())?;
        if wait(&receiver, Ready::Receive, Some(Duration::from_secs(2)))?.is_empty() {
            return Ok(("no datagram within 2 s".into(), String::new()));
        }
        let mut buffer = [0; 2 * ControlFlags::all().space::<Host>()];
        let mut space = ControlSpace::from(&mut buffer[..]);
        let mut payload = [0; 8];
        message::receive(&receiver, &mut [IoSliceMut::new(&mut payload)], &mut space, MessageFlags::empty())?;
        let raw: Vec<_> = space
            .raw_messages()
            .map(|message| match message {
                Ok(message) => format!("{}, {}: {:?}", message.level, message.kind, message.data),
                Err(error) => error.to_string(),
            })
            .collect();
        let decoded = space.decode().map_or_else(|error| error.to_string(), |control| control.to_string());
        Ok::<_, Error>((raw.join("; "), decoded))
    })();
    let (raw, decoded) = result.unwrap_or_else(|error| (text::<()>(Err(error)), String::new()));
    println!("| {control} | {raw} | {decoded} |");
}
