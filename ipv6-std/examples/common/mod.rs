//! Shared by the example programs: output, waiting, and parsers of command-line values.

#![allow(dead_code, reason = "each program uses some of it")]

pub mod icmp;

use std::error::Error;
use std::fmt::{self, Display};
use std::io::{self, ErrorKind, Write};
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ipv6_std::{AsFd, Interface, InterfaceFlags, PacketConn, RawConn, Received, is_about_peer};
use serde_json::Value;

pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// The reader of standard output has closed the pipe, as in `mcast recv | head`.
#[derive(Debug)]
struct OutputClosed;

impl Error for OutputClosed {}

impl Display for OutputClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("standard output is closed")
    }
}

/// Runs the work of a program. The exit status is 0 for `true`, 1 for `false` and 2 for an error.
pub fn run(program: &str, work: impl FnOnce() -> Outcome<bool>) -> ExitCode {
    match work() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if error.is::<OutputClosed>() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether Ctrl-C was pressed.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Lets the program end cleanly on Ctrl-C and on SIGTERM: `wake` ends the call that waits.
pub fn end_on_interrupt(wake: impl Fn() + Send + 'static) -> Outcome<()> {
    ctrlc::set_handler(move || {
        // The second signal ends the program at once.
        if ENDING.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        wake();
    })?;
    Ok(())
}

pub fn is_ending() -> bool {
    ENDING.load(Ordering::SeqCst)
}

/// Receives one message. Returns `None` at `end`, or when [`end_on_interrupt`] moves the deadline to now.
pub fn receive<S: AsFd>(
    conn: &PacketConn<S>,
    payload: &mut [u8],
    end: Option<Instant>,
) -> io::Result<Option<Received>> {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    // Always set a deadline: a later change reaches only calls that started with one.
    conn.set_read_deadline(end.or_else(|| after(YEAR)));
    // An interrupt may have set its deadline before the line above overwrote it.
    if is_ending() {
        return Ok(None);
    }
    match conn.recv_from(payload) {
        Err(error) if error.kind() == ErrorKind::TimedOut => Ok(None),
        got => got.map(Some),
    }
}

/// As [`receive`], for programs that serve: errors about peers and news about paths do not end them.
pub fn receive_datagram<S: AsFd>(
    conn: &PacketConn<S>,
    payload: &mut [u8],
    end: Option<Instant>,
) -> io::Result<Option<Received>> {
    loop {
        match receive(conn, payload, end) {
            Ok(Some(got)) if got.control.path_mtu.is_some() => {}
            Err(error) if is_about_peer(&error) => {}
            got => return got,
        }
    }
}

/// Prints lines for people, or objects for programs.
pub struct Output {
    pub json: bool,
}

impl Output {
    pub fn print(&self, text: impl Display, object: Value) -> Outcome<()> {
        let mut out = io::stdout().lock();
        let printed =
            if self.json { writeln!(out, "{}", printable_json(&object)) } else { writeln!(out, "{text}") };
        printed.map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => OutputClosed.into(),
            _ => error.into(),
        })
    }
}

/// Received text, with characters escaped that have no glyph, as in `\u{1b}`: control characters would control the
/// terminal, and format characters such as U+202E would reorder the text.
pub fn printable(text: &str) -> String {
    let mut safe = String::new();
    for character in text.chars() {
        if has_glyph(character) { safe.push(character) } else { safe.extend(character.escape_default()) }
    }
    safe
}

/// JSON, with the same characters escaped. They occur in strings only, and `serde_json` escapes only some of them.
fn printable_json(object: &Value) -> String {
    let mut safe = String::new();
    for character in object.to_string().chars() {
        if has_glyph(character) {
            safe.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            safe += &format!("\\u{unit:04x}");
        }
    }
    safe
}

fn has_glyph(character: char) -> bool {
    // The debug text of std escapes everything that is not printable; of the rest, only these three. A combining mark is
    // printable after another character.
    matches!(character, '"' | '\'' | '\\')
        || ['x', character].iter().collect::<String>().escape_debug().count() == 2
}

/// Finds an interface by name. It must be up and support multicast.
pub fn interface(name: &str) -> Outcome<Interface> {
    if name.is_empty() {
        return Err("the name of the interface is empty; use one such as eth0".into());
    }
    let interface = Interface::by_name(name)?;
    if !interface.flags().contains(InterfaceFlags::UP) {
        return Err(format!("interface {name} is down").into());
    }
    if !interface.flags().contains(InterfaceFlags::MULTICAST) {
        return Err(format!("interface {name} does not support multicast").into());
    }
    Ok(interface)
}

/// Opens a raw socket. The error names the privilege that it needs.
pub fn raw(protocol: u8) -> Outcome<RawConn> {
    RawConn::open(protocol).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => format!("a raw socket needs root or CAP_NET_RAW: {error}").into(),
        _ => error.into(),
    })
}

/// The time after `duration`; `None` if the clock cannot represent it.
pub fn after(duration: Duration) -> Option<Instant> {
    Instant::now().checked_add(duration)
}

/// Returns a clear error if `source` is not an address of this host; a send would fail with "invalid argument".
pub fn own_address(source: Option<Ipv6Addr>, on: Option<&Interface>) -> Outcome<()> {
    let Some(source) = source else { return Ok(()) };
    let scope = on.map_or(0, |on| on.index().get());
    match UdpSocket::bind(SocketAddrV6::new(source, 0, 0, scope)) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("cannot send from {source}: {error}").into()),
    }
}

/// Returns a clear error if `to` is link-local and neither its zone nor an option names the interface; a send would fail
/// with "invalid argument".
pub fn has_interface(to: SocketAddrV6, on: Option<&Interface>) -> Outcome<()> {
    if to.ip().is_unicast_link_local() && to.scope_id() == 0 && on.is_none() {
        let ip = to.ip();
        return Err(format!("{ip} is link-local: name its interface, as in {ip}%eth0").into());
    }
    Ok(())
}

/// Why an interface that the program uses cannot be used any more. `None`: it can.
pub fn lost(on: &Interface) -> Option<String> {
    match Interface::by_index(on.index()) {
        Err(error) if error.kind() == ErrorKind::NotFound => Some(format!("interface {on} has disappeared")),
        Ok(now) if !now.flags().contains(InterfaceFlags::UP) => Some(format!("interface {on} is down")),
        _ => None,
    }
}

/// The error of a send, with the cause that the system's text does not name.
pub fn not_sent(error: &io::Error, to: Ipv6Addr) -> String {
    match error.kind() {
        // EACCES for a route of the type `prohibit`, EPERM for a rule of a packet filter.
        ErrorKind::PermissionDenied => {
            format!("a route or a firewall of this host prohibits packets to {to}: {error}")
        }
        ErrorKind::NetworkUnreachable => format!("this host has no route to {to}: {error}"),
        _ => error.to_string(),
    }
}

/// The earlier of two times; `None` is never.
pub fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

/// Parses seconds, as in `1.5`.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// Parses a multicast address.
pub fn group(text: &str) -> Result<Ipv6Addr, String> {
    let address: Ipv6Addr = text.parse().map_err(|error| format!("{error}"))?;
    if address.is_multicast() { Ok(address) } else { Err("not a multicast address".into()) }
}

/// Parses a byte in decimal or as in `0xc0`.
pub fn byte(text: &str) -> Result<u8, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|error| error.to_string())
}
