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
use common::{Outcome, Output, after, run, seconds};
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
    #[arg(long, default_value_t = 3)]
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
    let mut silent = 0;
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
            Heard::Lower if conn.path_mtu()? < mtu => {
                mtu = conn.path_mtu()?;
                say(mtu, &witness.router(mtu))?;
                silent = 0;
            }
            // News of the same is no answer to the probe.
            Heard::Lower | Heard::Nothing => {
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
    conn.set_read_deadline(after(wait));
    match conn.recv_from(&mut [0; 64]) {
        // The news has no payload, and says for which destination it is.
        Ok(got) if got.control.path_mtu.is_some() => Ok(Heard::Lower),
        Ok(_) => Ok(Heard::Host),
        Err(error) if is_too_long(&error) => Ok(Heard::Lower),
        Err(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => Ok(Heard::Host),
            io::ErrorKind::TimedOut => Ok(Heard::Nothing),
            _ => Err(error.into()),
        },
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
    fn router(&self, mtu: u32) -> String {
        let said = |report: &Report| {
            let Quoted::Udp { source, .. } = report.quoted else { return false };
            report.mtu() == Some(mtu) && report.destination == *self.to.ip() && source == self.port
        };
        let mut packet = [0; 2048];
        if let Some(icmp) = &self.icmp {
            // It comes with the news, or was never sent: this host may know of the MTU from before.
            icmp.set_read_deadline(after(Duration::from_millis(100)));
            while let Ok(got) = icmp.recv_from(&mut packet) {
                match Message::read(&packet[..got.len]) {
                    Message::Error(report) if said(&report) => return got.source.ip().to_string(),
                    _ => {}
                }
            }
            return "this host".into();
        }
        "a router, or this host".into()
    }
}
