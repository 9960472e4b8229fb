//! A TCP echo server that sets the traffic class and the hop limit of its packets, and a client that prints those that
//! it received.
//!
//! ```text
//! tcp_mark serve --listen [::1]:7007 --traffic-class 0xb8 --hop-limit 9
//! tcp_mark connect [::1]:7007 --text hello
//! ```

mod common;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, SocketAddrV6, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use common::{
    Outcome, Output, after, arguments, byte, end_on_interrupt, is_one_host, listen_address, not_sent, plain,
    printable, resolve_with_port, seconds,
};
use ipv6_std::{Conn, ControlFlags, RecvControl, mapped};
use serde_json::json;
use socket2::{Domain, Socket, Type};

const BELIEVES: &str = "\
The server believes nothing: it returns what it receives. No error of a client or of this host ends it. At the limit of \
descriptors or threads it reports that, and accepts again when some are free. If the reader of its output stops reading, it \
leaves lines out and prints how many.

The client believes the bytes of the server, which it escapes. It prints the traffic class and the hop limit of the last \
segment that arrived in order; any router can change both. Without an echo, and of an IPv4 server, they are unknown.";

#[derive(Parser)]
#[command(
    about = "A TCP echo server that sets traffic class and hop limit, and a client that prints them",
    after_help = BELIEVES
)]
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
    /// The address to listen on, as in [::]:7007 (also for IPv4) or [fe80::1%eth0]:7007; with port 0 the system chooses one
    #[arg(long, default_value = "[::1]:0", value_parser = listen_address)]
    listen: SocketAddrV6,
    /// The traffic class (DSCP and ECN), as in 0xb8; for TCP, Linux sets the ECN itself
    #[arg(long, value_parser = byte)]
    traffic_class: Option<u8>,
    /// The hop limit
    #[arg(long)]
    hop_limit: Option<u8>,
    /// Stop after this many connections; no limit without it
    #[arg(long)]
    count: Option<u64>,
    /// Close a connection after this many seconds without data; 0: never
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    idle: Duration,
}

#[derive(clap::Args)]
struct Connect {
    /// The server, as in host:7007, 192.0.2.1:7007, [2001:db8::1]:7007 or [fe80::1%eth0]:7007
    server: String,
    /// The text to send
    #[arg(long, default_value = "hello")]
    text: String,
    /// Give up after this many seconds; the look-up of a name has the limits of the system
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    timeout: Duration,
}

fn main() -> ExitCode {
    let Options { command, json } = arguments();
    Output::new("tcp_mark", json).run(|output| match command {
        Command::Serve(options) => serve(options, output),
        Command::Connect(options) => connect(&options, output),
    })
}

/// What ends the wait of the server.
enum Event {
    /// A connection was closed.
    Closed,
    Interrupt,
}

/// A server, shared by its threads.
struct Server {
    options: Serve,
    output: Output,
    connections: AtomicU64,
    bytes: AtomicU64,
}

fn serve(options: Serve, output: &Output) -> Outcome<bool> {
    let (count, at) = (options.count, options.listen);
    let listener = listen(at).map_err(|error| format!("{at}: {error}"))?;
    let at = listener.local_addr()?;
    let (events, received) = mpsc::channel();
    let interrupt = events.clone();
    end_on_interrupt(move || {
        let _ = interrupt.send(Event::Interrupt);
    })?;
    output.print(format_args!("listening on {at}"), json!({ "listening": at.to_string() }))?;
    let server = Arc::new(Server { options, output: *output, connections: 0.into(), bytes: 0.into() });
    let accepting = Arc::clone(&server);
    thread::Builder::new().spawn(move || accepting.accept(&listener, &events))?;
    let mut closed = 0;
    while count.is_none_or(|count| closed < count) {
        match received.recv()? {
            Event::Closed => closed += 1,
            Event::Interrupt => {
                let (connections, bytes) = (server.connections.load(Relaxed), server.bytes.load(Relaxed));
                output.print(
                    format_args!("{connections} connections, {bytes} bytes echoed"),
                    json!({"connections": connections, "bytes": bytes}),
                )?;
                return Ok(count.is_none());
            }
        }
    }
    Ok(true)
}

/// Listens for both families on `[::]`, whatever the system's default is.
fn listen(at: SocketAddrV6) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV6, Type::STREAM, None)?;
    if !cfg!(windows) {
        socket.set_reuse_address(true)?;
    }
    // OpenBSD has no dual-stack sockets.
    let _ = socket.set_only_v6(false);
    socket.bind(&at.into())?;
    socket.listen(128)?;
    Ok(socket.into())
}

impl Server {
    /// Accepts connections. One thread for each, so that a silent client does not block others.
    fn accept(self: Arc<Self>, listener: &TcpListener, events: &Sender<Event>) {
        /// The pause after a failure: a client that waits makes the next call fail at once.
        const PAUSE: Duration = Duration::from_millis(100);
        let mut reported = None;
        let mut accepted = 0;
        while self.options.count.is_none_or(|count| accepted < count) {
            let started =
                listener.accept().and_then(|(stream, from)| self.start(stream, plain(mapped(from)), events));
            match started {
                Ok(()) => {
                    accepted += 1;
                    if reported.take().is_some() {
                        self.output.warn("accepting connections again");
                    }
                }
                // The client closed the connection before it was accepted.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                // No error ends the server: at the limit of descriptors or threads, some are free again later; others
                // are about the network.
                Err(error) => {
                    let text = error.to_string();
                    if reported.as_ref() != Some(&text) {
                        self.output.warn(format_args!("cannot accept a connection: {text}; trying again"));
                        reported = Some(text);
                    }
                    thread::sleep(PAUSE);
                }
            }
        }
    }

    /// Starts the thread of a connection.
    fn start(
        self: &Arc<Self>,
        stream: TcpStream,
        from: SocketAddr,
        events: &Sender<Event>,
    ) -> io::Result<()> {
        let (server, events) = (Arc::clone(self), events.clone());
        thread::Builder::new().spawn(move || {
            server.connections.fetch_add(1, Relaxed);
            // An error ends this connection only.
            if let Err(error) = server.echo(stream, from) {
                server.output.warn(format_args!("{from}: {error}"));
            }
            let _ = events.send(Event::Closed);
        })?;
        Ok(())
    }

    fn echo(&self, mut stream: TcpStream, from: SocketAddr) -> Outcome<()> {
        let Serve { traffic_class, hop_limit, idle, .. } = self.options;
        let limit = Some(idle).filter(|idle| !idle.is_zero());
        stream.set_read_timeout(limit)?;
        stream.set_write_timeout(limit)?;
        let conn = Conn::new(&stream)?;
        // First: after a change of the traffic class, Linux has no route (and no path MTU) until the next packet.
        let mtu = conn.path_mtu()?;
        if let Some(traffic_class) = traffic_class {
            conn.set_traffic_class(traffic_class)?;
        }
        if let Some(hop_limit) = hop_limit {
            conn.set_hop_limit(hop_limit)?;
        }
        let (class, hops) = (conn.traffic_class()?, conn.hop_limit()?);
        let printed = self.output.log(
            format_args!("{from}: traffic class {class:#04x}, hop limit {hops}, path MTU {mtu}"),
            json!({"from": from.to_string(), "traffic_class": class, "hop_limit": hops, "path_mtu": mtu}),
        );
        // The client gets its echo even if nobody reads the output.
        drop(printed);
        let mut bytes = [0; 4096];
        let mut echo = || -> io::Result<usize> {
            let len = stream.read(&mut bytes)?;
            stream.write_all(&bytes[..len])?;
            Ok(len)
        };
        loop {
            match echo() {
                Ok(0) => return Ok(()),
                Ok(len) => self.bytes.fetch_add(len as u64, Relaxed),
                Err(error) if is_timeout(&error) => {
                    return Err(format!("closed after {} s without data", idle.as_secs_f64()).into());
                }
                Err(error) => return Err(error.into()),
            };
        }
    }
}

/// Whether a time limit has passed. Windows reports `TimedOut`, other systems `WouldBlock`.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn connect(options: &Connect, output: &Output) -> Outcome<bool> {
    let server = resolve_with_port(&options.server)?;
    is_one_host(server)?;
    let (reports, to) = (*output, server);
    let server = plain(to);
    end_on_interrupt(move || {
        reports.warn(format_args!("interrupted before the echo of {server}"));
        std::process::exit(130);
    })?;
    // A zero is no limit for std.
    let limit = options.timeout.max(Duration::from_millis(1));
    let end = after(limit);
    let late = || format!("{server}: no answer within {} s", limit.as_secs_f64());
    let stream = TcpStream::connect_timeout(&to.into(), limit).map_err(|error| {
        if is_timeout(&error) { late() } else { format!("{server}: {}", not_sent(&error, *to.ip())) }
    })?;
    let conn = Conn::new(stream.try_clone()?)?;
    conn.set_control_flags(ControlFlags::TRAFFIC_CLASS | ControlFlags::HOP_LIMIT, true)?;
    let echo = exchange(&stream, options.text.as_bytes(), end).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected => "the server closed the connection".into(),
        _ if is_timeout(&error) => late(),
        _ => error.to_string(),
    })?;
    // The header fields of the last segment. Those of an IPv4 server are unknown. An empty text has no echo: what Linux
    // records then is a confirmation that its kernel sent, perhaps before the server set any field.
    let control = match conn.stream_control() {
        _ if echo.is_empty() => RecvControl::default(),
        Err(_) if server.is_ipv4() => RecvControl::default(),
        control => control?,
    };
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

/// Sends a text, and receives as many bytes before `end`.
fn exchange(mut stream: &TcpStream, text: &[u8], end: Option<Instant>) -> io::Result<Vec<u8>> {
    // Each call gets the time that is left: a server that sends one byte after the other does not extend it.
    let limit = || -> io::Result<()> {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(left)?;
        stream.set_write_timeout(left)
    };
    let mut unsent = text;
    while !unsent.is_empty() {
        limit()?;
        match stream.write(unsent) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(sent) => unsent = &unsent[sent..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    stream.shutdown(Shutdown::Write)?;
    let mut echo = Vec::new();
    let mut room = [0; 4096];
    while echo.len() < text.len() {
        limit()?;
        let most = room.len().min(text.len() - echo.len());
        match stream.read(&mut room[..most]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(len) => echo.extend(&room[..len]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(echo)
}
