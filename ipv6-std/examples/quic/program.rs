//! The server and the client.

use std::fs;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use ipv6_std::{PacketConn, mapped};
use quinn::rustls::RootCertStore;
use quinn::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use quinn::{
    ClientConfig, Connection, Endpoint, EndpointConfig, ServerConfig, TokioRuntime, TransportConfig,
};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::common::task::stop;
use crate::common::{
    Outcome, Output, arguments, is_ending, is_one_host, listen_address, not_sent, resolve_with_port, seconds,
};
use crate::socket::{Socket, Way};

/// The name in the certificate of the server.
const NAME: &str = "quic.example";

/// Shown at the end of `--help`.
const TRUST: &str = "\
What it believes: the client accepts only the server with the certificate in the file. The server accepts any client, and \
sends each as many bytes as it asks for, within the limit of --most.
What it ignores: errors of ICMP. QUIC notices losses and the MTU of the path itself.
If the reader of its output stops reading, the server leaves lines out and prints how many.
The exit status is 0, 1 if the bytes did not arrive, and 2 for an error.";

#[derive(Parser)]
#[command(about = "Serves bytes over QUIC, or fetches them", after_help = TRUST)]
struct Options {
    #[command(subcommand)]
    command: Command,
    /// Print JSON objects, one per line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server
    Serve(Serve),
    /// Fetches bytes from a server, and prints how they came
    Fetch(Fetch),
}

#[derive(clap::Args)]
struct Serve {
    /// The address to listen on; with port 0 the system chooses one. [::] accepts IPv4 too
    #[arg(long, default_value = "[::1]:0", value_parser = listen_address)]
    listen: SocketAddrV6,
    /// The file to write the certificate to, which clients need
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// The most bytes that a client gets
    #[arg(long, default_value_t = 1 << 30)]
    most: u64,
    /// Stop after this many connections; without it, there is no limit
    #[arg(long)]
    count: Option<u64>,
}

#[derive(clap::Args)]
struct Fetch {
    /// The server, as in [2001:db8::1]:4433, [fe80::1%eth0]:4433, 192.0.2.1:4433 or host:4433
    server: String,
    /// The file with the certificate of the server
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// How many bytes to fetch
    #[arg(long, default_value_t = 1_000_000)]
    bytes: u64,
    /// Seconds to wait for all of them
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    timeout: Duration,
}

pub fn main() -> ExitCode {
    let Options { command, json } = arguments();
    Output::new("quic", json).run(|output| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            match command {
                Command::Serve(options) => serve(&options, output).await,
                Command::Fetch(options) => fetch(&options, output).await,
            }
        })
    })
}

async fn serve(options: &Serve, output: &Output) -> Outcome<bool> {
    let stop = stop()?;
    let key = rcgen::generate_simple_self_signed([NAME.to_string()])?;
    let certificate = key.cert.der().clone();
    let private = PrivatePkcs8KeyDer::from(key.signing_key.serialize_der());
    let config = ServerConfig::with_single_cert(vec![certificate.clone()], private.into())?;
    let (endpoint, socket) = endpoint(options.listen, Some(config))?;
    // When the file exists, the server accepts connections.
    let file = &options.certificate;
    fs::write(file, &certificate).map_err(|error| format!("{}: {error}", file.display()))?;
    let at = endpoint.local_addr()?;
    output.print(format_args!("listening on {at}"), json!({"event": "listening", "port": at.port()}))?;
    let (mut served, mut tasks) = (0, JoinSet::new());
    while options.count.is_none_or(|count| served < count) {
        let incoming = tokio::select! {
            incoming = endpoint.accept() => incoming,
            () = stop.notified() => break,
        };
        // The endpoint ends only with its socket.
        let incoming = incoming.ok_or("the socket cannot receive any more")?;
        served += 1;
        let (output, most) = (*output, options.most);
        let one = async move {
            let from = incoming.remote_address();
            let result = match incoming.await {
                Ok(connection) => send(&connection, most).await.map(|bytes| (connection, bytes)),
                Err(error) => Err(error.into()),
            };
            match result {
                Ok((connection, bytes)) => {
                    let at = connection.local_ip();
                    let text = format!("{bytes} bytes to {from}");
                    let object = json!({"event": "served", "to": from.ip(), "bytes": bytes, "at": at});
                    // If standard output is closed, the server goes on.
                    let _ = output.log(text, object);
                }
                Err(error) => output.warn(format_args!("{from}: {error}")),
            }
        };
        // A client does not keep others waiting.
        tasks.spawn(one);
        // The tasks that have ended.
        while tasks.try_join_next().is_some() {}
    }
    if !is_ending() {
        tasks.join_all().await;
    }
    endpoint.close(0_u8.into(), b"");
    endpoint.wait_idle().await;
    summary(&socket, output)?;
    Ok(true)
}

/// Serves one client: it sends the number of bytes that it wants.
async fn send(connection: &Connection, most: u64) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
    let (mut send, mut receive) = connection.accept_bi().await?;
    let mut wanted = [0; 8];
    receive.read_exact(&mut wanted).await?;
    let wanted = u64::from_be_bytes(wanted).min(most);
    let chunk = vec![0x5a; 1 << 16];
    let mut left = wanted;
    while left > 0 {
        let len = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        send.write_all(&chunk[..len]).await?;
        left -= len as u64;
    }
    send.finish()?;
    // The client closes the connection when it has everything.
    connection.closed().await;
    Ok(wanted)
}

async fn fetch(options: &Fetch, output: &Output) -> Outcome<bool> {
    let stop = stop()?;
    let server = match options.server.parse() {
        Ok(v4 @ SocketAddr::V4(_)) => mapped(v4),
        _ => resolve_with_port(&options.server)?,
    };
    is_one_host(server)?;
    let file = &options.certificate;
    let certificate = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(certificate))?;
    let mut config = ClientConfig::with_root_certificates(Arc::new(roots))?;
    config.transport_config(transport());
    let (endpoint, socket) = endpoint(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0), None)?;
    // QUIC takes a packet that cannot be sent for a lost one, and waits. A socket of its own: its peer stays the only one.
    let route = PacketConn::builder().only_v6(false).bind("[::]:0")?.connect(server);
    route.map_err(|error| not_sent(&error, *server.ip()))?;

    let start = Instant::now();
    let work = async {
        let connection = endpoint.connect_with(config, server.into(), NAME)?.await?;
        let (mut send, mut receive) = connection.open_bi().await?;
        send.write_all(&options.bytes.to_be_bytes()).await?;
        send.finish()?;
        let mut bytes = 0;
        while let Some(chunk) = receive.read_chunk(usize::MAX, true).await? {
            bytes += chunk.bytes.len() as u64;
        }
        Outcome::Ok((connection, bytes))
    };
    let (connection, bytes) = tokio::select! {
        done = timeout(options.timeout, work) => {
            done.map_err(|_| format!("not complete after {} s", options.timeout.as_secs_f64()))??
        }
        () = stop.notified() => {
            summary(&socket, output)?;
            return Ok(false);
        }
    };
    let time = start.elapsed();
    let mtu = connection.stats().path.current_mtu;
    connection.close(0_u8.into(), b"");
    endpoint.wait_idle().await;
    output.print(
        format_args!("{bytes} bytes from {server} in {:.3} s, {mtu} bytes in a packet", time.as_secs_f64()),
        json!({
            "event": "fetched", "bytes": bytes, "from": server.ip(), "seconds": time.as_secs_f64(), "mtu": mtu,
        }),
    )?;
    summary(&socket, output)?;
    Ok(bytes == options.bytes)
}

fn endpoint(at: SocketAddrV6, server: Option<ServerConfig>) -> Outcome<(Endpoint, Arc<Socket>)> {
    let socket = Arc::new(Socket::bind(at).map_err(|error| format!("{at}: {error}"))?);
    let server = server.map(|mut server| {
        server.transport_config(transport());
        server
    });
    let runtime = Arc::new(TokioRuntime);
    let endpoint =
        Endpoint::new_with_abstract_socket(EndpointConfig::default(), server, socket.clone(), runtime)?;
    Ok((endpoint, socket))
}

/// Unanswered connections end after ten seconds.
fn transport() -> Arc<TransportConfig> {
    let mut config = TransportConfig::default();
    config.max_idle_timeout(Some(quinn::VarInt::from_u32(10_000).into()));
    Arc::new(config)
}

/// Prints how the packets were sent and received.
fn summary(socket: &Socket, output: &Output) -> Outcome<()> {
    let seen = &socket.seen;
    let [sent, received] = [&seen.sent, &seen.received].map(|way| {
        let Way { datagrams, payloads, most } = way;
        [datagrams, payloads, most].map(|count| count.load(Ordering::Relaxed))
    });
    let [not_capable, ect1, ect0, ce] = seen.ecn.each_ref().map(|count| count.load(Ordering::Relaxed));
    output.print(
        format_args!(
            "sent {} datagrams with {} calls, at most {} with one; received {} in {} payloads, at most {} in one; \
             ECN {ect0} ECT(0), {ect1} ECT(1), {ce} CE, {not_capable} not capable",
            sent[0], sent[1], sent[2], received[0], received[1], received[2],
        ),
        json!({
            "sent": {"datagrams": sent[0], "payloads": sent[1], "most": sent[2]},
            "received": {"datagrams": received[0], "payloads": received[1], "most": received[2]},
            "ecn": {"not_capable": not_capable, "ect1": ect1, "ect0": ect0, "ce": ce},
            "interrupted": is_ending(),
        }),
    )
}
