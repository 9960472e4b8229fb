//! Finds the path MTU to a host: sends packets of the MTU known so far, and reads the smaller MTUs that the kernel and
//! the routers report (RFC 8201).
//!
//! ```text
//! pmtu 2001:db8:2::b
//! ```

mod common;

use std::error::Error;
use std::io;
use std::net::{SocketAddrV6, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use common::icmp::{Message, Quoted, Report};
use common::{Outcome, Output, after, arguments, receive, resolve, seconds};
use ipv6_std::{ControlFlags, Icmp6Filter, Icmp6Type, PacketConn, RawConn, SendControl, is_too_long};
use serde_json::json;

#[derive(Parser)]
#[command(about = "Finds the path MTU to a host, and the routers that limit it")]
struct Options {
    /// The destination: a name or an address
    host: String,
    /// The UDP port to send to; no program should listen on it
    #[arg(long, default_value_t = 44_444)]
    port: u16,
    /// Seconds to wait for the answer to a probe
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    wait: Duration,
    /// Give up after this many probes without an answer
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    tries: u32,
    /// Print JSON objects, one per line
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let options: Options = arguments();
    Output::new("pmtu", options.json).run(|output| find(&options, output))
}

/// Bytes of the headers of IPv6 and UDP.
const HEADERS: u32 = 40 + 8;

fn find(options: &Options, output: &Output) -> Outcome<bool> {
    let mut to = resolve(&options.host)?;
    to.set_port(options.port);
    let socket = UdpSocket::bind("[::]:0")?;
    socket.connect(to)?;
    let conn = PacketConn::new(socket)?;
    // The kernel refuses packets above the MTU, and sends a control message when the MTU changes.
    conn.set_dont_fragment(true)?;
    conn.set_control_flags(ControlFlags::PATH_MTU, true)?;
    let reports = Reports::open(to, conn.local_addr()?.port());

    let mut mtu = conn.path_mtu()?;
    let say = |mtu: u32, who: &str| {
        output.print(format_args!("MTU {mtu}, reported by {who}"), json!({"mtu": mtu, "from": who}))
    };
    say(mtu, "this host")?;
    let payload = vec![0; 65_535];
    let (mut silent, mut stale) = (0, 0);
    loop {
        let len = (mtu.saturating_sub(HEADERS) as usize).min(65_527);
        // If the kernel already knows a smaller MTU, the send fails at once.
        let sent = conn.send(&payload[..len], &SendControl::new());
        let answer = match sent {
            Ok(_) => listen(&conn, options.wait)?,
            Err(error) if is_too_long(&error) || was_too_long(&error) => Answer::Lower,
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Answer::Host,
            Err(error) => return Err(error.into()),
        };
        match answer {
            Answer::Host => {
                output.print(
                    format_args!("path MTU {mtu}: reached {}", to.ip()),
                    json!({"mtu": mtu, "reached": true, "host": to.ip()}),
                )?;
                return Ok(true);
            }
            Answer::Lower => {
                let lower = conn.path_mtu()?;
                if lower >= mtu {
                    // Another report of the same MTU; wait for the answer to the probe. The limit prevents a loop.
                    stale += 1;
                    if stale > 8 {
                        return Err(format!(
                            "packets of {mtu} bytes are too long, but no smaller MTU is reported"
                        )
                        .into());
                    }
                    continue;
                }
                mtu = lower;
                say(mtu, &reports.router(mtu)?)?;
                (silent, stale) = (0, 0);
            }
            Answer::Nothing => {
                silent += 1;
                if silent == options.tries {
                    output.print(
                        format_args!("MTU {mtu}: no answer from {}", to.ip()),
                        json!({"mtu": mtu, "reached": false, "host": to.ip()}),
                    )?;
                    return Ok(false);
                }
            }
        }
    }
}

/// The answer to a probe.
enum Answer {
    /// It reached the host: the port is closed, or a program answered.
    Host,
    /// It was too long, and the MTU was lowered.
    Lower,
    Nothing,
}

fn listen(conn: &PacketConn, wait: Duration) -> Outcome<Answer> {
    match receive(conn, &mut [0; 64], after(wait)) {
        // The path MTU message has no payload, and concerns the destination of the connected socket.
        Ok(Some(got)) if got.control.path_mtu.is_some() => Ok(Answer::Lower),
        Ok(Some(_)) => Ok(Answer::Host),
        Ok(None) => Ok(Answer::Nothing),
        Err(error) if was_too_long(&error) => Ok(Answer::Lower),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(Answer::Host),
        Err(error) => Err(error.into()),
    }
}

/// Whether a call returned the report that an earlier datagram was too long.
fn was_too_long(error: &io::Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(is_too_long)
}

/// Receives the "packet too big" messages of routers, if the program may open a raw socket.
struct Reports {
    icmp: Option<RawConn>,
    to: SocketAddrV6,
    port: u16,
}

impl Reports {
    fn open(to: SocketAddrV6, port: u16) -> Self {
        let open = || -> io::Result<RawConn> {
            let icmp = RawConn::open(Icmp6Type::PROTOCOL)?;
            icmp.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::PACKET_TOO_BIG))?;
            Ok(icmp)
        };
        Self { icmp: open().ok(), to, port }
    }

    /// The router that reported this MTU.
    fn router(&self, mtu: u32) -> Outcome<String> {
        let is_ours = |report: &Report| {
            let Quoted::Udp { source, .. } = report.quoted else { return false };
            report.mtu() == Some(mtu) && report.destination == *self.to.ip() && source == self.port
        };
        let mut packet = [0; 2048];
        let Some(icmp) = &self.icmp else { return Ok("a router, or this host".into()) };
        // The message has arrived by now, or does not exist: this host may know the MTU from earlier.
        let end = after(Duration::from_millis(100));
        while let Some(got) = receive(icmp, &mut packet, end)? {
            match Message::read(&packet[..got.len]) {
                Message::Error(report) if is_ours(&report) => return Ok(got.source.ip().to_string()),
                _ => {}
            }
        }
        Ok("this host".into())
    }
}
