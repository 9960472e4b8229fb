//! Finds the path MTU to a host: sends the largest packet that is believed to fit, and reads what the system and the
//! routers say of it (RFC 8201).
//!
//! ```text
//! pmtu 2001:db8:2::b
//! ```

mod common;

use std::io;
use std::net::{SocketAddrV6, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use common::icmp::{Message, Quoted, Report, resolve};
use common::{Outcome, Output, after, receive, run, seconds};
use ipv6_std::{ControlFlags, Icmp6Filter, Icmp6Type, PacketConn, RawConn, SendControl, is_too_long};
use serde_json::json;

#[derive(Parser)]
#[command(about = "Finds the path MTU to a host, and who lowers it")]
struct Options {
    /// Where to: a name or an address
    host: String,
    /// The UDP port to send to; nobody should listen there
    #[arg(long, default_value_t = 44_444)]
    port: u16,
    /// How long to wait for an answer to a probe
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    wait: Duration,
    /// Probes without an answer after which to give up
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    tries: u32,
    /// Print JSON objects, one a line
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    run("pmtu", || find(&options))
}

/// Bytes of the headers of IPv6 and UDP.
const HEADERS: u32 = 40 + 8;

fn find(options: &Options) -> Outcome<bool> {
    let output = Output { json: options.json };
    let mut to = resolve(&options.host)?;
    to.set_port(options.port);
    let socket = UdpSocket::bind("[::]:0")?;
    socket.connect(to)?;
    let conn = PacketConn::new(socket)?;
    // What does not fit is refused, and the news of it comes by itself.
    conn.set_dont_fragment(true)?;
    conn.set_control_flags(ControlFlags::PATH_MTU, true)?;
    let witness = Witness::open(to, conn.local_addr()?.port());

    let mut mtu = conn.path_mtu()?;
    let say = |mtu: u32, who: &str| {
        output.print(format_args!("{mtu} bytes, says {who}"), json!({"mtu": mtu, "from": who}))
    };
    say(mtu, "this host")?;
    let payload = vec![0; 65_535];
    let (mut silent, mut stale) = (0, 0);
    loop {
        let len = (mtu.saturating_sub(HEADERS) as usize).min(65_527);
        // Where the system knows better already, it says so at once.
        let sent = conn.send(&payload[..len], &SendControl::new());
        let heard = match sent {
            Ok(_) => listen(&conn, options.wait)?,
            Err(error) if is_too_long(&error) => Heard::Lower,
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Heard::Host,
            Err(error) => return Err(error.into()),
        };
        match heard {
            Heard::Host => {
                output.print(
                    format_args!("{mtu} bytes reach {}", to.ip()),
                    json!({"mtu": mtu, "reached": true, "host": to.ip()}),
                )?;
                return Ok(true);
            }
            Heard::Lower => {
                let lower = conn.path_mtu()?;
                if lower >= mtu {
                    // News of the same; the probe itself is still to be answered. It comes twice, not for ever.
                    stale += 1;
                    if stale > 8 {
                        return Err(format!("{mtu} bytes are too long, and nobody says what is not").into());
                    }
                    continue;
                }
                mtu = lower;
                say(mtu, &witness.router(mtu)?)?;
                (silent, stale) = (0, 0);
            }
            Heard::Nothing => {
                silent += 1;
                if silent == options.tries {
                    output.print(
                        format_args!("{mtu} bytes at most: {} answers nothing", to.ip()),
                        json!({"mtu": mtu, "reached": false, "host": to.ip()}),
                    )?;
                    return Ok(false);
                }
            }
        }
    }
}

/// What came of a probe.
enum Heard {
    /// It arrived: nobody listens there, or somebody answered.
    Host,
    /// It did not fit.
    Lower,
    Nothing,
}

fn listen(conn: &PacketConn, wait: Duration) -> Outcome<Heard> {
    match receive(conn, &mut [0; 64], after(wait)) {
        // The news has no payload, and is of the one destination that the socket is connected to.
        Ok(Some(got)) if got.control.path_mtu.is_some() => Ok(Heard::Lower),
        Ok(Some(_)) => Ok(Heard::Host),
        Ok(None) => Ok(Heard::Nothing),
        Err(error) if is_too_long(&error) => Ok(Heard::Lower),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(Heard::Host),
        Err(error) => Err(error.into()),
    }
}

/// Hears which router lowers the MTU, where it may: that is for privileged programs.
struct Witness {
    icmp: Option<RawConn>,
    to: SocketAddrV6,
    port: u16,
}

impl Witness {
    fn open(to: SocketAddrV6, port: u16) -> Self {
        let open = || -> io::Result<RawConn> {
            let icmp = RawConn::open(Icmp6Type::PROTOCOL)?;
            icmp.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::PACKET_TOO_BIG))?;
            Ok(icmp)
        };
        Self { icmp: open().ok(), to, port }
    }

    /// Who said that this is the MTU.
    fn router(&self, mtu: u32) -> Outcome<String> {
        let said = |report: &Report| {
            let Quoted::Udp { source, .. } = report.quoted else { return false };
            report.mtu() == Some(mtu) && report.destination == *self.to.ip() && source == self.port
        };
        let mut packet = [0; 2048];
        let Some(icmp) = &self.icmp else { return Ok("a router, or this host".into()) };
        // It comes with the news, or was never sent: this host may know of the MTU from before.
        let end = after(Duration::from_millis(100));
        while let Some(got) = receive(icmp, &mut packet, end)? {
            match Message::read(&packet[..got.len]) {
                Message::Error(report) if said(&report) => return Ok(got.source.ip().to_string()),
                _ => {}
            }
        }
        Ok("this host".into())
    }
}
