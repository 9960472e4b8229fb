//! What the programs share: their output, and values on their command lines.

#![allow(dead_code, reason = "each program uses a part")]

pub mod icmp;

use std::error::Error;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::net::Ipv6Addr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ipv6_std::{Interface, InterfaceFlags, RawConn};
use serde_json::Value;

pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// Does the work of a program. Its exit status is 0, or 1 when the work says `false`, or 2 for an error.
pub fn run(program: &str, work: impl FnOnce() -> Outcome<bool>) -> ExitCode {
    match work() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => match error.downcast_ref::<io::Error>().map(io::Error::kind) {
            // As in `mcast recv | head`: who reads it has had enough.
            Some(ErrorKind::BrokenPipe) => ExitCode::SUCCESS,
            _ => {
                eprintln!("{program}: {error}");
                ExitCode::from(2)
            }
        },
    }
}

/// Prints lines for people, or objects for programs.
pub struct Output {
    pub json: bool,
}

impl Output {
    pub fn print(&self, text: impl Display, object: Value) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json { writeln!(out, "{object}") } else { writeln!(out, "{text}") }
    }
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

/// Whether a call ended because its deadline had passed.
pub fn is_timeout(error: &io::Error) -> bool {
    error.kind() == ErrorKind::TimedOut
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
