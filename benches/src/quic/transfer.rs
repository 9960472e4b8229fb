//! One connection of quinn on loopback, which moves bytes from the server to the client.

use std::error::Error;
use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use ipv6_benches::peers::Program;
use nix::time::{ClockId, clock_gettime};
use quinn::rustls::RootCertStore;
use quinn::rustls::pki_types::PrivatePkcs8KeyDer;
use quinn::{
    AsyncUdpSocket, ClientConfig, Connection, Endpoint, EndpointConfig, Runtime, ServerConfig, TokioRuntime,
};
use tokio::time::timeout;

use super::{AGAIN, QUINN, WORK};
use crate::growth;
use crate::record::Table;
use crate::timer::{self, Effort, Runner};

/// The adapter of the example `quic`.
#[path = "../../../ipv6-std/examples/quic/socket.rs"]
mod socket;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The name in the certificate of the server.
const NAME: &str = "quic.example";
/// The time limit of each wait for the other thread.
const TIMEOUT: Duration = Duration::from_secs(10);
const MEGABYTE: usize = 1_000_000;

/// The sockets of both endpoints.
#[derive(Clone, Copy, Debug)]
enum Sockets {
    /// quinn's own, on quinn-udp.
    Quinn,
    /// This library's.
    Ours,
}

const PROGRAMS: [(&str, Sockets); 3] =
    [(QUINN, Sockets::Quinn), (AGAIN, Sockets::Quinn), (Program::Ours.name(), Sockets::Ours)];

/// Measures all programs in turns.
pub fn measure(effort: Effort, table: &mut Table) -> io::Result<()> {
    let (first, Some(second)) = growth::processors()? else {
        super::skip(table, "only one processor is available");
        return Ok(());
    };
    let identity = Identity::new()?;
    let mut runners = PROGRAMS.map(|(_, sockets)| -> Runner<'_> {
        let identity = &identity;
        Box::new(move |megabytes| {
            let time = run(sockets, identity, (first, second), megabytes)?;
            Ok(time.as_nanos() as f64 / megabytes as f64)
        })
    });
    let figures = timer::interleave(effort, &mut runners)?;
    for ((program, _), figure) in PROGRAMS.iter().zip(figures) {
        table.push(vec![
            WORK.into(),
            (*program).into(),
            format!("{:.1}", figure.nanoseconds / 1_000.0),
            format!("{:.3}", figure.ratio),
        ]);
    }
    Ok(())
}

pub fn alone(program: &str, megabytes: usize) -> io::Result<Option<()>> {
    let Some((_, sockets)) = PROGRAMS.iter().find(|(name, _)| *name == program) else { return Ok(None) };
    let (first, second) = growth::processors()?;
    run(*sockets, &Identity::new()?, (first, second.unwrap_or(first)), megabytes)?;
    Ok(Some(()))
}

impl Sockets {
    /// Binds a dual-stack socket. Must be called in tokio's event loop.
    fn bind(self) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let any_port = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0);
        match self {
            Self::Ours => Ok(Arc::new(socket::Socket::bind(any_port)?)),
            Self::Quinn => {
                let socket = socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::DGRAM, None)?;
                socket.set_only_v6(false)?;
                socket.bind(&any_port.into())?;
                TokioRuntime.wrap_udp_socket(UdpSocket::from(socket))
            }
        }
    }

    fn endpoint(self, server: Option<ServerConfig>) -> io::Result<Endpoint> {
        let runtime = Arc::new(TokioRuntime);
        Endpoint::new_with_abstract_socket(EndpointConfig::default(), server, self.bind()?, runtime)
    }
}

/// The server's certificate and key, and the client's trust in it. quinn's other parameters are its defaults.
#[derive(Debug)]
struct Identity {
    server: ServerConfig,
    client: ClientConfig,
}

impl Identity {
    fn new() -> io::Result<Self> {
        Self::generate().map_err(io::Error::other)
    }

    fn generate() -> Outcome<Self> {
        let key = rcgen::generate_simple_self_signed([NAME.to_string()])?;
        let certificate = key.cert.der().clone();
        let private = PrivatePkcs8KeyDer::from(key.signing_key.serialize_der());
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone())?;
        Ok(Self {
            server: ServerConfig::with_single_cert(vec![certificate], private.into())?,
            client: ClientConfig::with_root_certificates(Arc::new(roots))?,
        })
    }
}

/// Moves this many megabytes. Returns the CPU time of server and client, without the handshake. Each is one thread, on a
/// processor of its own, with an event loop of its own.
fn run(
    sockets: Sockets,
    identity: &Identity,
    cpus: (usize, usize),
    megabytes: usize,
) -> io::Result<Duration> {
    let bytes = megabytes * MEGABYTE;
    let (address, server_address) = mpsc::channel();
    let times = thread::scope(|scope| {
        let threads = [
            scope.spawn(move || on(cpus.0, serve(sockets, &identity.server, address, bytes))),
            scope.spawn(move || {
                let server = server_address.recv_timeout(TIMEOUT)?;
                on(cpus.1, fetch(sockets, &identity.client, server, bytes))
            }),
        ];
        threads.map(|thread| thread.join().unwrap_or_else(|_| Err("a thread panicked".into())))
    });
    let [server, client] = times;
    Ok(server.map_err(io::Error::other)? + client.map_err(io::Error::other)?)
}

/// Runs the future in an event loop of this thread.
fn on<T>(cpu: usize, future: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    growth::pin(cpu);
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

/// Returns the CPU time of this thread, user and system.
fn cpu_time() -> io::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

async fn serve(
    sockets: Sockets,
    config: &ServerConfig,
    address: mpsc::Sender<SocketAddr>,
    bytes: usize,
) -> Outcome<Duration> {
    let endpoint = sockets.endpoint(Some(config.clone()))?;
    address.send(endpoint.local_addr()?)?;
    let incoming = timeout(TIMEOUT, endpoint.accept()).await?.ok_or("the endpoint is closed")?;
    let connection = incoming.await?;
    let start = cpu_time()?;
    let mut send = connection.open_uni().await?;
    let chunk = [0x5a; 1 << 16];
    let mut left = bytes;
    while left > 0 {
        let len = chunk.len().min(left);
        send.write_all(&chunk[..len]).await?;
        left -= len;
    }
    send.finish()?;
    // The client closes the connection when it has everything.
    connection.closed().await;
    let time = cpu_time()? - start;
    endpoint.wait_idle().await;
    Ok(time)
}

async fn fetch(
    sockets: Sockets,
    config: &ClientConfig,
    server: SocketAddr,
    bytes: usize,
) -> Outcome<Duration> {
    let endpoint = sockets.endpoint(None)?;
    let connection = endpoint.connect_with(config.clone(), server, NAME)?.await?;
    let start = cpu_time()?;
    let received = receive(&connection).await?;
    connection.close(0_u8.into(), b"");
    let time = cpu_time()? - start;
    endpoint.wait_idle().await;
    if received != bytes {
        return Err(format!("{received} bytes of {bytes} arrived").into());
    }
    Ok(time)
}

/// Receives everything, and returns the number of bytes.
async fn receive(connection: &Connection) -> Outcome<usize> {
    let mut receive = connection.accept_uni().await?;
    let mut received = 0;
    while let Some(chunk) = receive.read_chunk(usize::MAX, true).await? {
        received += chunk.bytes.len();
    }
    Ok(received)
}
