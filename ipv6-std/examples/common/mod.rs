//! What the programs share: their output, and values on their command lines.

#![allow(dead_code, reason = "each program uses a part")]

pub mod icmp;

use std::error::Error;
use std::fmt::{self, Display};
use std::io::{self, ErrorKind, Write};
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ipv6_std::{AsFd, Interface, InterfaceFlags, PacketConn, RawConn, Received};
use serde_json::Value;

pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// As in `mcast recv | head`: who reads what is printed has had enough.
#[derive(Debug)]
struct NobodyReads;

impl Error for NobodyReads {}

impl Display for NobodyReads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads what is printed")
    }
}

/// Does the work of a program. Its exit status is 0, or 1 when the work says `false`, or 2 for an error.
pub fn run(program: &str, work: impl FnOnce() -> Outcome<bool>) -> ExitCode {
    match work() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if error.is::<NobodyReads>() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether Ctrl-C was pressed.
static ENDING: AtomicBool = AtomicBool::new(false);

/// On Ctrl-C, or when it is told to end, a program ends as by itself: `wake` ends what it waits for.
pub fn end_on_interrupt(wake: impl Fn() + Send + 'static) -> Outcome<()> {
    ctrlc::set_handler(move || {
        // Who has asked twice is not to wait.
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

/// Receives until `end`, or until [`end_on_interrupt`] moves the deadline to now; then gives `None`.
pub fn receive<S: AsFd>(
    conn: &PacketConn<S>,
    payload: &mut [u8],
    end: Option<Instant>,
) -> io::Result<Option<Received>> {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    // A call that started with a deadline, however far, follows when it is moved.
    conn.set_read_deadline(end.or_else(|| after(YEAR)));
    // Not to overwrite the deadline that an interrupt has just set.
    if is_ending() {
        return Ok(None);
    }
    match conn.recv_from(payload) {
        Err(error) if error.kind() == ErrorKind::TimedOut => Ok(None),
        got => got.map(Some),
    }
}

/// Prints lines for people, or objects for programs.
pub struct Output {
    pub json: bool,
}

impl Output {
    pub fn print(&self, text: impl Display, object: Value) -> Outcome<()> {
        let mut out = io::stdout().lock();
        let printed = if self.json { writeln!(out, "{object}") } else { writeln!(out, "{text}") };
        printed.map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => NobodyReads.into(),
            _ => error.into(),
        })
    }
}

/// Text that others sent, which is not to drive the terminal: control characters as in `\u{1b}`.
pub fn printable(text: &str) -> String {
    let mut safe = String::new();
    for character in text.chars() {
        if character.is_control() { safe.extend(character.escape_default()) } else { safe.push(character) }
    }
    safe
}

/// An interface that is up and carries multicast.
pub fn interface(name: &str) -> Outcome<Interface> {
    let interface = Interface::by_name(name)?;
    if !interface.flags().contains(InterfaceFlags::UP) {
        return Err(format!("interface {name} is down").into());
    }
    if !interface.flags().contains(InterfaceFlags::MULTICAST) {
        return Err(format!("interface {name} carries no multicast").into());
    }
    Ok(interface)
}

/// A raw socket, which needs privilege.
pub fn raw(protocol: u8) -> Outcome<RawConn> {
    RawConn::open(protocol).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => format!("a raw socket needs root or CAP_NET_RAW: {error}").into(),
        _ => error.into(),
    })
}

/// The time after `duration`; none if that is beyond what the clock can tell.
pub fn after(duration: Duration) -> Option<Instant> {
    Instant::now().checked_add(duration)
}

/// Refuses a source that is no address of this host, which the system would call an invalid argument.
pub fn own_address(source: Option<Ipv6Addr>, on: Option<&Interface>) -> Outcome<()> {
    let Some(source) = source else { return Ok(()) };
    let scope = on.map_or(0, |on| on.index().get());
    match UdpSocket::bind(SocketAddrV6::new(source, 0, 0, scope)) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("cannot send from {source}: {error}").into()),
    }
}

/// The earlier of two points in time, of which either may never come.
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

/// Parses a byte, decimal or as in `0xc0`.
pub fn byte(text: &str) -> Result<u8, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|error| error.to_string())
}
