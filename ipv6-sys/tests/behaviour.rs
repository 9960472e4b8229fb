//! Asks this system where systems differ, and compares its answers with those recorded in behaviour.tsv. A difference on
//! another version of a system is worth a report.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6, UdpSocket};
use std::time::Duration;

use ipv6_core::abi::Platform;
use ipv6_core::{ControlFlags, InterfaceIndex, RecvControl, SendControl};
use ipv6_sys::fd::OwnedFd;
use ipv6_sys::interface::{Addresses, InterfaceFlags, index_of};
use ipv6_sys::message::{self, ControlBytes, ControlSpace, IoSlice, IoSliceMut, MessageFlags, Received};
use ipv6_sys::option::{self, Group, SocketOption, SourceGroup};
use ipv6_sys::wait::{Ready, wait};
use ipv6_sys::{Errno, Error, Host, socket};
use rustix::io::Errno as Known;

ipv6_testnet::tests! {
    [] every_row_has_a_probe;
    [Ipv4] this_system_answers_as_recorded;
}

const ANSWERS: &str = include_str!("behaviour.tsv");

/// The table: first the names of the columns, then the rows.
fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    ANSWERS.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

/// An answer; errors of the system and of this API become words.
type Answer = Result<&'static str, Error>;

macro_rules! probes {
    ($($probe:ident)*) => {
        const PROBES: &[(&str, fn() -> Answer)] = &[$((stringify!($probe), $probe),)*];
    };
}

probes! {
    join_again
    join_after_the_last_source
    leave_link_local_group_without_interface
    leave_global_group_without_interface
    next_hop_that_is_no_neighbour
    multicast_loopback_of_2
    send_9217_bytes
    mapped_source_on_the_wildcard
    mapped_source_without_a_port
    mapped_source_on_an_address
    mapped_source_when_connected
    unspecified_source_to_a_mapped_peer
    loopback_source_to_a_mapped_peer
    mapped_unspecified_source_with_interface
    link_local_group_without_scope_when_bound
    link_local_group_without_scope
    datagram_of_a_blocked_source
    truncation_between_two_messages
    control_messages_of_a_mapped_peer
}

fn every_row_has_a_probe() {
    let named: Vec<_> = rows().skip(1).map(|row| row[0]).collect();
    assert_eq!(named, PROBES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let columns = rows().next().unwrap().len();
    assert!(rows().all(|row| row.len() == columns));
}

fn this_system_answers_as_recorded() {
    let Some(column) = rows().next().unwrap().iter().position(|name| *name == std::env::consts::OS) else {
        return;
    };
    let mut differences = Vec::new();
    for (row, (name, probe)) in rows().skip(1).zip(PROBES) {
        let answer = word(probe());
        println!("{name}: {answer}");
        if row[column] != "-" && row[column] != answer {
            differences.push(format!("{name}: {answer}, recorded {}", row[column]));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// An answer as behaviour.tsv has it.
fn word(answer: Answer) -> String {
    const NAMES: &[(Known, &str)] = &[
        (Known::ACCESS, "EACCES"),
        (Known::ADDRINUSE, "EADDRINUSE"),
        (Known::ADDRNOTAVAIL, "EADDRNOTAVAIL"),
        (Known::HOSTUNREACH, "EHOSTUNREACH"),
        (Known::INVAL, "EINVAL"),
        (Known::MSGSIZE, "EMSGSIZE"),
        (Known::NETUNREACH, "ENETUNREACH"),
        (Known::NOPROTOOPT, "ENOPROTOOPT"),
    ];
    match answer {
        Ok(word) => word.into(),
        Err(Error::Unsupported(_)) => "Unsupported".into(),
        Err(Error::Os(errno)) => {
            let named = NAMES.iter().find(|(known, _)| Errno::from(*known) == errno);
            named.map_or_else(|| format!("{errno:?}"), |(_, name)| (*name).into())
        }
        Err(error) => error.to_string(),
    }
}

const LINK_LOCAL_GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x114);
const GLOBAL_GROUP: Ipv6Addr = Ipv6Addr::new(0xff0e, 0, 0, 0, 0, 0, 0, 0x114);
const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const MAPPED: Ipv6Addr = Ipv4Addr::LOCALHOST.to_ipv6_mapped();

fn at(address: Ipv6Addr, port: u16) -> SocketAddrV6 {
    SocketAddrV6::new(address, port, 0, 0)
}

/// The loopback interface.
fn loopback() -> InterfaceIndex {
    let addresses = Addresses::new().unwrap();
    let entry = addresses.iter().find(|entry| entry.flags.contains(InterfaceFlags::LOOPBACK)).unwrap();
    entry.index.unwrap_or_else(|| index_of(&entry.interface).unwrap())
}

/// A UDP socket that is bound to the address, and its port.
fn bound(address: Ipv6Addr) -> Result<(OwnedFd, u16), Error> {
    let socket = socket::datagram()?;
    socket::bind(&socket, &at(address, 0))?;
    let port = socket::local_address(&socket)?.unwrap().port();
    Ok((socket, port))
}

/// A UDP socket that carries IPv4 too.
fn dual_stack() -> Result<OwnedFd, Error> {
    let socket = socket::datagram()?;
    option::ONLY_V6.set(&socket, false)?;
    Ok(socket)
}

fn send(socket: &OwnedFd, payload: &[u8], control: &SendControl<'_>, to: Option<SocketAddrV6>) -> Answer {
    let mut bytes = ControlBytes::<{ SendControl::max_space::<Host>() }>::new();
    let Ok(control) = bytes.encode(control) else { return Err(Error::Unsupported("control message")) };
    let sent = message::send(socket, &[IoSlice::new(payload)], control, to.as_ref(), MessageFlags::empty())?;
    assert_eq!(sent, payload.len());
    Ok("ok")
}

/// Receives one datagram of loopback.
fn receive(socket: &OwnedFd, payload: &mut [u8], control: &mut ControlSpace<'_>) -> Result<Received, Error> {
    assert!(
        !wait(socket, Ready::Receive, Some(Duration::from_secs(10)))?.is_empty(),
        "the datagram does not arrive"
    );
    Ok(message::receive(socket, &mut [IoSliceMut::new(payload)], control, MessageFlags::empty())?)
}

/// Joins a group for any source on loopback twice.
fn join_again() -> Answer {
    let socket = socket::datagram()?;
    let group = Group { group: LINK_LOCAL_GROUP, on: Some(loopback()) };
    option::JOIN_GROUP.set(&socket, group)?;
    option::JOIN_GROUP.set(&socket, group)?;
    Ok("ok")
}

/// Joins a group for one source, leaves that source, and joins for any source.
fn join_after_the_last_source() -> Answer {
    let socket = socket::datagram()?;
    let on = Some(loopback());
    let source = SourceGroup { group: GLOBAL_GROUP, source: SOURCE, on };
    option::JOIN_SOURCE_GROUP.set(&socket, source)?;
    option::LEAVE_SOURCE_GROUP.set(&socket, source)?;
    option::JOIN_GROUP.set(&socket, Group { group: GLOBAL_GROUP, on })?;
    Ok("ok")
}

/// Joins a group and leaves it, without naming the interface.
fn leave_without_interface(group: Ipv6Addr) -> Answer {
    let socket = socket::datagram()?;
    if let Err(error) = option::JOIN_GROUP.set(&socket, Group { group, on: None }) {
        println!("joining {group} without an interface: {error}");
        return Ok("not joined");
    }
    option::LEAVE_GROUP.set(&socket, Group { group, on: None })?;
    Ok("ok")
}

fn leave_link_local_group_without_interface() -> Answer {
    leave_without_interface(LINK_LOCAL_GROUP)
}

fn leave_global_group_without_interface() -> Answer {
    leave_without_interface(GLOBAL_GROUP)
}

/// Sends to loopback with a next hop that does not exist. As the superuser: other users may get `EACCES`.
fn next_hop_that_is_no_neighbour() -> Answer {
    let (socket, port) = bound(Ipv6Addr::LOCALHOST)?;
    let control = SendControl::new().with_next_hop(at(SOURCE, 0));
    send(&socket, b"x", &control, Some(at(Ipv6Addr::LOCALHOST, port)))
}

/// Sets `IPV6_MULTICAST_LOOP`, a boolean, to 2.
fn multicast_loopback_of_2() -> Answer {
    let number = Host::ABI.options.multicast_loopback.ok_or(Error::Unsupported("IPV6_MULTICAST_LOOP"))?;
    let option = SocketOption::<i32>::custom(number.level, number.name, "IPV6_MULTICAST_LOOP");
    option.set(socket::datagram()?, 2)?;
    Ok("ok")
}

/// Sends one byte more than the default send buffer of FreeBSD.
fn send_9217_bytes() -> Answer {
    let (socket, port) = bound(Ipv6Addr::LOCALHOST)?;
    send(&socket, &[0; 9217], &SendControl::new(), Some(at(Ipv6Addr::LOCALHOST, port)))
}

/// Sends to an IPv4 peer with packet info, from a dual-stack socket that `prepare` binds or connects.
fn send_to_mapped(
    control: &SendControl<'_>,
    prepare: impl FnOnce(&OwnedFd, &SocketAddrV6) -> Result<bool, Error>,
) -> Answer {
    let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let to = at(MAPPED, peer.local_addr().unwrap().port());
    let socket = dual_stack()?;
    let connected = prepare(&socket, &to)?;
    send(&socket, b"x", control, if connected { None } else { Some(to) })
}

fn mapped_source() -> SendControl<'static> {
    SendControl::new().with_source(MAPPED)
}

/// Binds to a port of the wildcard address.
fn on_the_wildcard(socket: &OwnedFd, _: &SocketAddrV6) -> Result<bool, Error> {
    socket::bind(socket, &at(Ipv6Addr::UNSPECIFIED, 0))?;
    Ok(false)
}

fn mapped_source_on_the_wildcard() -> Answer {
    send_to_mapped(&mapped_source(), on_the_wildcard)
}

fn mapped_source_without_a_port() -> Answer {
    send_to_mapped(&mapped_source(), |_, _| Ok(false))
}

fn mapped_source_on_an_address() -> Answer {
    send_to_mapped(&mapped_source(), |socket, _| {
        socket::bind(socket, &at(MAPPED, 0))?;
        Ok(false)
    })
}

fn mapped_source_when_connected() -> Answer {
    send_to_mapped(&mapped_source(), |socket, to| {
        socket::connect(socket, to)?;
        Ok(true)
    })
}

fn unspecified_source_to_a_mapped_peer() -> Answer {
    let control = SendControl::new().with_source(Ipv6Addr::UNSPECIFIED);
    send_to_mapped(&control, on_the_wildcard)
}

fn loopback_source_to_a_mapped_peer() -> Answer {
    send_to_mapped(&SendControl::new().with_source(Ipv6Addr::LOCALHOST), on_the_wildcard)
}

fn mapped_unspecified_source_with_interface() -> Answer {
    let source = Ipv4Addr::UNSPECIFIED.to_ipv6_mapped();
    let control = SendControl::new().with_source(source).with_interface(loopback());
    send_to_mapped(&control, on_the_wildcard)
}

/// Sends to a group of link-local scope without a scope in the destination, by `IPV6_MULTICAST_IF`.
fn link_local_group_from(socket: &OwnedFd) -> Answer {
    option::MULTICAST_INTERFACE.set(socket, Some(loopback()))?;
    send(socket, b"x", &SendControl::new(), Some(at(LINK_LOCAL_GROUP, 9)))
}

fn link_local_group_without_scope_when_bound() -> Answer {
    link_local_group_from(&bound(Ipv6Addr::LOCALHOST)?.0)
}

fn link_local_group_without_scope() -> Answer {
    link_local_group_from(&socket::datagram()?)
}

/// Blocks a source of a group, and sends from it: whether the datagram is received.
fn datagram_of_a_blocked_source() -> Answer {
    let (receiver, port) = bound(Ipv6Addr::UNSPECIFIED)?;
    let (sender, _) = bound(Ipv6Addr::LOCALHOST)?;
    let (group, on) = (LINK_LOCAL_GROUP, Some(loopback()));
    option::JOIN_GROUP.set(&receiver, Group { group, on })?;
    option::BLOCK_SOURCE.set(&receiver, SourceGroup { group, source: Ipv6Addr::LOCALHOST, on })?;
    let to_group = SocketAddrV6::new(group, port, 0, loopback().get());
    send(&sender, b"group", &SendControl::new(), Some(to_group))?;
    // Arrives in any case, after the other one.
    send(&sender, b"end", &SendControl::new(), Some(at(Ipv6Addr::LOCALHOST, port)))?;
    let mut payload = [0; 8];
    let got = receive(&receiver, &mut payload, &mut ControlSpace::from(&mut [][..]))?;
    Ok(if &payload[..got.len] == b"group" { "received" } else { "dropped" })
}

/// Receives with room for one of two control messages: whether that is reported.
fn truncation_between_two_messages() -> Answer {
    let (socket, port) = bound(Ipv6Addr::LOCALHOST)?;
    let enabled = ControlFlags::HOP_LIMIT | ControlFlags::TRAFFIC_CLASS;
    option::set_control_flags(&socket, enabled)?;
    send(&socket, b"x", &SendControl::new(), Some(at(Ipv6Addr::LOCALHOST, port)))?;
    let mut buffer = [0; 128];
    // Both messages have an int.
    let (room, skipped) = (enabled.space::<Host>() / 2, buffer.as_ptr().align_offset(16));
    let mut space = ControlSpace::from(&mut buffer[skipped..skipped + room]);
    let got = receive(&socket, &mut [0; 8], &mut space)?;
    assert_eq!(space.raw_messages().filter(Result::is_ok).count(), 1);
    Ok(if got.control_truncated { "reported" } else { "silent" })
}

/// Receives a datagram over IPv4 with all control messages enabled: whether there are some.
fn control_messages_of_a_mapped_peer() -> Answer {
    let socket = dual_stack()?;
    socket::bind(&socket, &at(Ipv6Addr::UNSPECIFIED, 0))?;
    option::set_control_flags(&socket, ControlFlags::SUPPORTED)?;
    let port = socket::local_address(&socket)?.unwrap().port();
    let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    peer.send_to(b"x", (Ipv4Addr::LOCALHOST, port)).unwrap();
    let mut buffer = [0; 512];
    let mut space = ControlSpace::from(&mut buffer[..]);
    receive(&socket, &mut [0; 8], &mut space)?;
    Ok(if space.decode() == Ok(RecvControl::default()) { "none" } else { "some" })
}
