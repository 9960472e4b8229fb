//! A tour of `ipv6-std` with real datagrams, in the order of its documentation.
//!
//! ```text
//! cargo run --release -p ipv6-std --example tour
//! ```
//!
//! It needs no root and uses no real network: it makes two hosts with two links between them, in network namespaces.
//! `--interface eth0` uses a real interface instead, where the program sends to itself.

mod report;
mod setup;

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Ipv6Addr, SocketAddrV6, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use ipv6_std::{
    Conn, ControlFlags, Icmp6Filter, Icmp6Type, InterfaceIndex, PacketConn, RawConn, Received, SendControl,
};

use report::{Outcome, Report};
use setup::{Setup, Side};

#[derive(Parser)]
#[command(
    about = "Shows the features of IPv6 sockets: sends datagrams, and prints what arrives",
    after_help = "It sends nothing over IPv4: each step is a feature of IPv6."
)]
struct Options {
    /// Use this interface of the host instead of two hosts in network namespaces
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// Print one JSON object for each step
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    // First: namespaces must be entered before the process starts threads.
    let setup = match Setup::new(options.interface.as_deref()) {
        Ok(setup) => setup,
        Err(error) => {
            eprintln!("tour: {error}");
            return ExitCode::from(2);
        }
    };
    let mut report = Report::new(options.json);
    report.note(&setup.description);

    report.section("Unicasting");
    report.step("a TCP server marks its connection AF11", || mark_a_stream(&setup));
    report.step("a datagram arrives with its header fields", || receive_header_fields(&setup));

    let step = |report: &mut Report, name: &str, step: fn(&Setup) -> Step| {
        if setup.multicast {
            report.step(name, || step(&setup));
        } else {
            report.left_out(name, "loopback does not support multicast");
        }
    };
    report.section("Multicasting");
    step(&mut report, "join a group, receive, and answer", join_and_answer);
    step(&mut report, "send with control messages on each interface", send_on_each_interface);

    report.section("More multicasting");
    step(&mut report, "several groups on one socket", several_groups);
    step(&mut report, "several listeners on one port", several_listeners);
    step(&mut report, "leave a group and join it again", leave_and_rejoin);

    report.section("Source-specific multicasting");
    step(&mut report, "include mode: only the source that was joined", include_mode);
    step(&mut report, "exclude mode: all sources but one", exclude_mode);

    report.section("ICMPv6");
    let name = "a raw socket that receives echo replies only";
    match setup.client.run(|| RawConn::open(Icmp6Type::PROTOCOL)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            report.left_out(name, &format!("raw sockets need privilege: {error}"));
        }
        conn => report.step(name, || echo(&setup, conn?)),
    }
    report.finish()
}

/// The result of a step: what was sent, what arrived, and whether that is as expected.
type Step = Result<Outcome, Box<dyn Error>>;

const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x114);
const OTHER_GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x115);
/// A group for source-specific multicast, of link scope (RFC 4607 section 1).
const SOURCE_GROUP: Ipv6Addr = Ipv6Addr::new(0xff32, 0, 0, 0, 0, 0, 0x8000, 0x114);

/// The deadline of every receive, so that the tour ends in any case.
fn soon() -> Option<Instant> {
    Some(Instant::now() + Duration::from_secs(3))
}

/// A socket on one side, with every control message enabled.
fn open(side: &Side, port: u16) -> io::Result<PacketConn> {
    let conn = side.run(|| PacketConn::bind((Ipv6Addr::UNSPECIFIED, port)))?;
    conn.set_control_flags(ControlFlags::all(), true)?;
    conn.set_deadline(soon());
    Ok(conn)
}

/// Receives one datagram: its text, its source and its control messages.
fn receive(conn: &PacketConn) -> io::Result<(String, Received)> {
    let mut payload = [0; 1500];
    let got = conn.recv_from(&mut payload)?;
    Ok((String::from_utf8_lossy(&payload[..got.len]).into_owned(), got))
}

fn port_of(conn: &PacketConn) -> io::Result<u16> {
    Ok(conn.local_addr()?.port())
}

/// A group as a destination on the first interface of a side.
fn to_group(group: Ipv6Addr, port: u16, from: &Side) -> SocketAddrV6 {
    SocketAddrV6::new(group, port, 0, from.interface().index().get())
}

fn mark_a_stream(setup: &Setup) -> Step {
    const AF11: u8 = 0x28;
    let listener = setup.server.run(|| TcpListener::bind("[::]:0"))?;
    let address = setup.to_server(listener.local_addr()?.port());
    let mut client = setup.client.run(|| TcpStream::connect(address))?;
    let receiver = Conn::new(client.try_clone()?)?;
    receiver.set_control_flags(ControlFlags::TRAFFIC_CLASS, true)?;

    let (mut server, _) = listener.accept()?;
    Conn::new(&server)?.set_traffic_class(AF11)?;
    server.write_all(b"HELLO-R-U-THERE")?;

    client.set_read_timeout(Some(Duration::from_secs(3)))?;
    let mut text = [0; 15];
    client.read_exact(&mut text)?;
    let control = receiver.stream_control()?;
    Ok(Outcome {
        sent: format!("{:?} over TCP, traffic class {AF11:#04x}", "HELLO-R-U-THERE"),
        arrived: format!("{:?}, {control}", String::from_utf8_lossy(&text)),
        ok: control.traffic_class == Some(AF11),
    })
}

fn receive_header_fields(setup: &Setup) -> Step {
    let (server, client) = (open(&setup.server, 0)?, open(&setup.client, 0)?);
    let control = SendControl::new().with_traffic_class(0xe2).with_hop_limit(42);
    client.send_to(b"HELLO", &control, setup.to_server(port_of(&server)?))?;
    let (text, got) = receive(&server)?;
    let fields = got.control;
    Ok(Outcome {
        sent: format!("\"HELLO\", {control}"),
        arrived: format!("{text:?} from {}, {fields}", got.source),
        ok: (fields.traffic_class, fields.hop_limit) == (Some(0xe2), Some(42))
            && fields.destination == Some(*setup.to_server(0).ip())
            && fields.interface.is_some(),
    })
}

fn join_and_answer(setup: &Setup) -> Step {
    let (server, client) = (open(&setup.server, setup.port)?, open(&setup.client, 0)?);
    server.join_group(GROUP, setup.server.interface())?;
    let to = to_group(GROUP, port_of(&server)?, &setup.client);
    client.send_to(b"HELLO-R-U-THERE", &SendControl::new(), to)?;

    let (question, asked) = receive(&server)?;
    server.send_to(b"HELLO-I-AM-HERE", &asked.control.reply(), asked.source)?;
    let (answer, answered) = receive(&client)?;
    Ok(Outcome {
        sent: format!("\"HELLO-R-U-THERE\" to {to}"),
        arrived: format!("{question:?}, {}; the answer {answer:?} from {}", asked.control, answered.source),
        ok: asked.control.destination == Some(GROUP)
            && asked.control.interface == Some(setup.server.interface().index())
            && asked.control.hop_limit == Some(1)
            && answer == "HELLO-I-AM-HERE"
            && answered.control.destination == Some(*asked.source.ip()),
    })
}

fn send_on_each_interface(setup: &Setup) -> Step {
    let (server, client) = (open(&setup.server, 0)?, open(&setup.client, 0)?);
    let control = SendControl::new().with_traffic_class(0xe0).with_hop_limit(1);
    let mut arrived = Vec::new();
    let mut ok = true;
    for (from, on) in setup.server.interfaces.iter().zip(&setup.client.interfaces) {
        client.join_group(GROUP, on)?;
        let to = SocketAddrV6::new(GROUP, port_of(&client)?, 0, 0);
        server.send_to(b"HELLO", &control.with_interface(from.index()), to)?;
        let (_, got) = receive(&client)?;
        ok &= got.control.traffic_class == Some(0xe0)
            && got.control.hop_limit == Some(1)
            && got.control.interface == Some(on.index());
        arrived.push(format!("on {on}: {}", got.control));
    }
    let names: Vec<&str> = setup.server.interfaces.iter().map(|interface| interface.name()).collect();
    Ok(Outcome {
        sent: format!("\"HELLO\" on {}, {control}", names.join(" and ")),
        arrived: arrived.join("; "),
        ok,
    })
}

fn several_groups(setup: &Setup) -> Step {
    let (server, client) = (open(&setup.server, 0)?, open(&setup.client, 0)?);
    let mut destinations = Vec::new();
    for group in [GROUP, OTHER_GROUP] {
        server.join_group(group, setup.server.interface())?;
    }
    for group in [GROUP, OTHER_GROUP] {
        client.send_to(b"HELLO", &SendControl::new(), to_group(group, port_of(&server)?, &setup.client))?;
        destinations.extend(receive(&server)?.1.control.destination);
    }
    Ok(Outcome {
        sent: format!("one datagram each to {GROUP} and {OTHER_GROUP}"),
        arrived: format!("destinations {destinations:?} on one socket"),
        ok: destinations == [GROUP, OTHER_GROUP],
    })
}

fn several_listeners(setup: &Setup) -> Step {
    let prefix = |port| SocketAddrV6::new(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0), port, 0, 0);
    let listen = |port| -> io::Result<PacketConn> {
        let conn = setup.server.run(|| PacketConn::bind_reusable(prefix(port)))?;
        conn.join_group(GROUP, setup.server.interface())?;
        conn.set_deadline(soon());
        Ok(conn)
    };
    let first = listen(setup.port)?;
    let second = listen(port_of(&first)?)?;
    let client = open(&setup.client, 0)?;
    client.send_to(b"HELLO", &SendControl::new(), to_group(GROUP, port_of(&first)?, &setup.client))?;
    let (one, two) = (receive(&first)?.0, receive(&second)?.0);
    Ok(Outcome {
        sent: format!("one datagram to {GROUP}, for two sockets on port {}", port_of(&first)?),
        arrived: format!("{one:?} at the first, {two:?} at the second"),
        ok: (one.as_str(), two.as_str()) == ("HELLO", "HELLO"),
    })
}

/// Sends texts to groups, then "end" to the server's own address, and returns the texts that arrived before it. All
/// take the same link, so a text that has not arrived by then was filtered.
fn received(
    setup: &Setup,
    server: &PacketConn,
    client: &PacketConn,
    texts: &[(&str, SendControl<'_>, Ipv6Addr)],
) -> io::Result<Vec<String>> {
    let port = port_of(server)?;
    for (text, control, group) in texts {
        client.send_to(text.as_bytes(), control, to_group(*group, port, &setup.client))?;
    }
    client.send_to(b"end", &SendControl::new(), setup.to_server(port))?;
    let mut received = Vec::new();
    loop {
        match receive(server)?.0 {
            end if end == "end" => return Ok(received),
            text => received.push(text),
        }
    }
}

fn leave_and_rejoin(setup: &Setup) -> Step {
    let (server, client) = (open(&setup.server, 0)?, open(&setup.client, 0)?);
    let on = setup.server.interface();
    let mut all = Vec::new();
    let mut say = |text| -> io::Result<()> {
        all.extend(received(setup, &server, &client, &[(text, SendControl::new(), GROUP)])?);
        Ok(())
    };
    server.join_group(GROUP, on)?;
    say("joined")?;
    server.leave_group(GROUP, on)?;
    say("left")?;
    server.join_group(GROUP, on)?;
    say("rejoined")?;
    Ok(Outcome {
        sent: "one datagram each: joined, left, rejoined".into(),
        arrived: format!("{all:?}"),
        ok: all == ["joined", "rejoined"],
    })
}

/// Control messages that send from one of the client's addresses.
fn from_address(setup: &Setup, source: Ipv6Addr) -> SendControl<'static> {
    SendControl::new().with_source(source).with_interface(setup.client.interface().index())
}

fn include_mode(setup: &Setup) -> Step {
    let (server, client) = (open(&setup.server, 0)?, open(&setup.client, 0)?);
    let on: InterfaceIndex = setup.server.interface().into();
    let (source, others) = setup.client_sources()?;
    server.join_source_group(SOURCE_GROUP, source, on)?;
    let mut texts = vec![("wanted", from_address(setup, source), SOURCE_GROUP)];
    texts.extend(others.iter().map(|other| ("unwanted", from_address(setup, *other), SOURCE_GROUP)));
    let mut all = received(setup, &server, &client, &texts)?;
    server.leave_source_group(SOURCE_GROUP, source, on)?;
    all.extend(received(setup, &server, &client, &[("left", from_address(setup, source), SOURCE_GROUP)])?);
    Ok(Outcome {
        sent: format!(
            "from {source}, from {} other address(es), and from {source} after it was left",
            others.len()
        ),
        arrived: format!("{all:?}"),
        ok: all == ["wanted"],
    })
}

fn exclude_mode(setup: &Setup) -> Step {
    let (server, client) = (open(&setup.server, 0)?, open(&setup.client, 0)?);
    let on: InterfaceIndex = setup.server.interface().into();
    let (source, _) = setup.client_sources()?;
    let mut all = Vec::new();
    let mut say = |text| -> io::Result<()> {
        all.extend(received(setup, &server, &client, &[(text, from_address(setup, source), SOURCE_GROUP)])?);
        Ok(())
    };
    server.join_group(SOURCE_GROUP, on)?;
    say("joined")?;
    server.exclude_source(SOURCE_GROUP, source, on)?;
    say("excluded")?;
    server.include_source(SOURCE_GROUP, source, on)?;
    say("included")?;
    server.leave_group(SOURCE_GROUP, on)?;
    say("left")?;
    Ok(Outcome {
        sent: format!("one datagram each from {source}: joined, excluded, included, left"),
        arrived: format!("{all:?}"),
        ok: all == ["joined", "included"],
    })
}

fn echo(setup: &Setup, conn: RawConn) -> Step {
    let mut filter = Icmp6Filter::block_all();
    conn.set_icmp6_filter(filter.pass(Icmp6Type::ECHO_REPLY))?;
    conn.set_control_flags(ControlFlags::all(), true)?;
    // A second socket without a filter receives what the first one filters out.
    let witness = setup.client.run(|| RawConn::open(Icmp6Type::PROTOCOL))?;
    for conn in [&conn, &witness] {
        conn.set_deadline(soon());
    }

    // Type, code, checksum (written by the kernel), identifier, sequence number, data.
    let request = [Icmp6Type::ECHO_REQUEST.0, 0, 0, 0, 0x12, 0x34, 0, 1, b'H', b'E', b'L', b'L', b'O'];
    // Also to this host itself: that request arrives here, and the filter must drop it.
    let to_client = setup.to_client();
    for to in [to_client, setup.to_server(0)] {
        conn.send_to(&request, &SendControl::new().with_hop_limit(64), to)?;
    }
    let mut packet = [0; 1500];
    let mut types = Vec::new();
    let mut last = String::new();
    let mut checked = true;
    for _ in 0..2 {
        let got = conn.recv_from(&mut packet)?;
        types.push(Icmp6Type(packet[0]));
        let destination = got.control.destination.ok_or("the destination is missing")?;
        checked &= checksum_is_right(*got.source.ip(), destination, &packet[..got.len]);
        last = format!("{} bytes from {}, {}", got.len, got.source, got.control);
    }
    let mut unfiltered = Vec::new();
    while !unfiltered.contains(&Icmp6Type::ECHO_REQUEST) {
        witness.recv_from(&mut packet)?;
        unfiltered.push(Icmp6Type(packet[0]));
    }
    let checksums = if checked { "right" } else { "wrong" };
    Ok(Outcome {
        sent: format!("two echo requests, to {} and {}", to_client.ip(), setup.to_server(0).ip()),
        arrived: format!(
            "{}, checksums {checksums}; {last}; without the filter also an {}",
            types.iter().map(Icmp6Type::to_string).collect::<Vec<_>>().join(", "),
            Icmp6Type::ECHO_REQUEST,
        ),
        ok: types == [Icmp6Type::ECHO_REPLY; 2] && checked,
    })
}

/// Whether the checksum of an ICMPv6 message is right: then the ones' complement sum of the pseudo-header and the
/// message is all ones (RFC 8200 section 8.1).
fn checksum_is_right(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> bool {
    // Length and next header are 32-bit fields of the pseudo-header; both values fit into the lower 16 bits.
    let rest = [message.len() as u16, u16::from(Icmp6Type::PROTOCOL)];
    let words = message.chunks(2).map(|bytes| u16::from_be_bytes([bytes[0], *bytes.get(1).unwrap_or(&0)]));
    let all = source.segments().into_iter().chain(destination.segments()).chain(rest).chain(words);
    let sum: u32 = all.map(u32::from).sum();
    // Add the carries back; the second addition produces at most one.
    let folded = (sum & 0xffff) + (sum >> 16);
    (folded & 0xffff) + (folded >> 16) == 0xffff
}
