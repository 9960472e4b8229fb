//! A TCP echo server that sets the traffic class and the hop limit of its packets, and a client that prints those that
//! it received.
//!
//! ```text
//! tcp_mark serve --listen [::1]:7007 --traffic-class 0xb8 --hop-limit 9
//! tcp_mark connect [::1]:7007 --text hello
//! ```

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddrV6, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;

use clap::{Parser, Subcommand};
use common::{Outcome, Output, arguments, byte, printable, resolve_with_port};
use ipv6_std::{Conn, ControlFlags, RecvControl};
use serde_json::json;

#[derive(Parser)]
#[command(about = "A TCP echo server that sets traffic class and hop limit, and a client that prints them")]
struct Options {
    #[command(subcommand)]
    command: Command,
    /// Print JSON objects, one per line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the echo server
    Serve(Serve),
    /// Sends a text, and prints the echo with its traffic class and hop limit (Linux)
    Connect(Connect),
}

#[derive(clap::Args)]
struct Serve {
    /// The address to listen on; with port 0 the system chooses one
    #[arg(long, default_value = "[::1]:0")]
    listen: SocketAddrV6,
    /// The traffic class (DSCP and ECN), as in 0xb8; for TCP, Linux sets the ECN itself
    #[arg(long, value_parser = byte)]
    traffic_class: Option<u8>,
    /// The hop limit
    #[arg(long)]
    hop_limit: Option<u8>,
    /// Stop after this many connections
    #[arg(long)]
    count: Option<u64>,
}

#[derive(clap::Args)]
struct Connect {
    /// The server, as in host:7007, [2001:db8::1]:7007 or [fe80::1%eth0]:7007
    server: String,
    /// The text to send
    #[arg(long, default_value = "hello")]
    text: String,
}

fn main() -> ExitCode {
    let Options { command, json } = arguments();
    Output::new("tcp_mark", json).run(|output| match command {
        Command::Serve(options) => serve(&options, output),
        Command::Connect(options) => connect(&options, output),
    })
}

fn serve(options: &Serve, output: &Output) -> Outcome<bool> {
    let listener = TcpListener::bind(options.listen)?;
    let at = listener.local_addr()?;
    output.print(format_args!("listening on {at}"), json!({ "listening": at.to_string() }))?;
    // One thread per connection, so that a silent client does not block others.
    thread::scope(|scope| {
        let mut accepted = 0;
        while options.count.is_none_or(|count| accepted < count) {
            let (stream, from) = match listener.accept() {
                // The client closed the connection before it was accepted.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                got => got?,
            };
            accepted += 1;
            scope.spawn(move || {
                // An error ends this connection only.
                if let Err(error) = echo(stream, options, output, &from.to_string()) {
                    output.warn(format_args!("{from}: {error}"));
                }
            });
        }
        Ok(true)
    })
}

fn echo(mut stream: TcpStream, options: &Serve, output: &Output, from: &str) -> Outcome<()> {
    let conn = Conn::new(&stream)?;
    // First: after a change of the traffic class, Linux has no route (and no path MTU) until the next packet.
    let mtu = conn.path_mtu()?;
    if let Some(traffic_class) = options.traffic_class {
        conn.set_traffic_class(traffic_class)?;
    }
    if let Some(hop_limit) = options.hop_limit {
        conn.set_hop_limit(hop_limit)?;
    }
    let (class, hops) = (conn.traffic_class()?, conn.hop_limit()?);
    output.print(
        format_args!("{from}: traffic class {class:#04x}, hop limit {hops}, path MTU {mtu}"),
        json!({"from": from, "traffic_class": class, "hop_limit": hops, "path_mtu": mtu}),
    )?;
    let mut bytes = [0; 4096];
    loop {
        let len = stream.read(&mut bytes)?;
        if len == 0 {
            return Ok(());
        }
        stream.write_all(&bytes[..len])?;
    }
}

fn connect(options: &Connect, output: &Output) -> Outcome<bool> {
    let server = resolve_with_port(&options.server)?;
    let mut stream = TcpStream::connect(server).map_err(|error| format!("{server}: {error}"))?;
    let conn = Conn::new(stream.try_clone()?)?;
    conn.set_control_flags(ControlFlags::TRAFFIC_CLASS | ControlFlags::HOP_LIMIT, true)?;
    let mut echo = vec![0; options.text.len()];
    exchange(&mut stream, options.text.as_bytes(), &mut echo).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected => "the server closed the connection".into(),
        _ => Box::<dyn std::error::Error>::from(error),
    })?;
    // The header fields of the last segment. Those of an IPv4 server are unknown.
    let control = conn.stream_control()?;
    let fields =
        if control == RecvControl::default() { "header fields unknown".into() } else { control.to_string() };
    let text = String::from_utf8_lossy(&echo);
    output.print(
        format_args!("{} from {server}: {fields}", printable(&text)),
        json!({
            "text": text, "from": server.to_string(), "traffic_class": control.traffic_class,
            "hop_limit": control.hop_limit,
        }),
    )?;
    Ok(echo == options.text.as_bytes())
}

fn exchange(stream: &mut TcpStream, text: &[u8], echo: &mut [u8]) -> std::io::Result<()> {
    stream.write_all(text)?;
    stream.shutdown(Shutdown::Write)?;
    stream.read_exact(echo)
}
