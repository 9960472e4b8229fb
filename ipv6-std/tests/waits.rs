//! Waits that something else than a datagram ends: queued errors, timestamps of sent datagrams, a shutdown, a missing
//! port. `strace` counts the system calls of a child process, which is this program again.

mod common;

use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddrV6, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use common::*;
use ipv6_std::option::SocketOption;
use ipv6_std::*;
use ipv6_sys::batch::RecvArray;
use ipv6_sys::message::MessageFlags;
use ipv6_testnet::{Host, Need, Pair, Test};
use socket2::SockRef;

const CHILD: &str = "IPV6_WAITS_CHILD";

/// How long a child waits, and how many system calls it may make meanwhile. A wait needs about 13. A loop that spins makes
/// thousands. The rest is for a busy machine, where a wait of the kernel may end a millisecond early, and for the C
/// library, which maps memory.
const SECOND: Duration = Duration::from_secs(1);
const CALLS_PER_SECOND: usize = 40;

fn main() {
    if let Ok(part) = env::var(CHILD) {
        return child(&part);
    }
    macro_rules! tests {
        ($([$($need:ident),*] $name:ident;)*) => {
            [$(Test { name: stringify!($name), needs: &[$(Need::$need),*], run: $name }),*]
        };
    }
    ipv6_testnet::main(&tests! {
        [Namespace, Strace] a_wait_makes_few_system_calls;
        [Namespace, Strace] a_receive_with_a_queued_error_waits;
        [PingSocket, Strace] a_ping_socket_with_a_queued_error_waits;
        [Namespace, Strace] a_receive_with_a_queued_timestamp_waits;
        [Namespace, Strace] a_send_with_a_queued_error_waits;
        [Namespace, Strace] a_receive_after_a_shutdown_ends_at_once;
        [Namespace, Strace] a_send_without_a_free_port_ends_at_once;
        [Namespace, Strace] a_datagram_ends_a_wait_with_a_queued_error;
        [Namespace, Strace] a_wait_without_a_descriptor_is_in_slices;
        [Namespace] a_receive_after_a_shutdown_is_an_error;
        [Namespace] a_shutdown_ends_waiting_receives;
        [Namespace] a_send_without_a_free_port_is_an_error;
        [Namespace] a_limit_that_passes_reports_queued_errors;
        [Namespace, Strace] a_signal_during_a_batch_that_waits_for_all_is_no_error;
    })
}

/// A socket with an error in its queue, and no pending error.
fn with_queued_error() -> PacketConn {
    let conn = loopback();
    queue_error(&conn);
    conn
}

fn queue_error(conn: &PacketConn) {
    conn.set_queue_errors(true).unwrap();
    conn.send_to(b"x", &SendControl::new(), nobody()).unwrap();
    assert_eq!(conn.recv_from(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

/// Requests a timestamp of each sent datagram: SOF_TIMESTAMPING_TX_SOFTWARE, _SOFTWARE, _OPT_ID and _OPT_TSONLY.
fn request_timestamps(conn: &PacketConn<impl AsFd>) {
    let timestamping = SocketOption::<i32>::custom(1, 37, "SO_TIMESTAMPING");
    conn.set_option(&timestamping, 1 << 1 | 1 << 4 | 1 << 7 | 1 << 11).unwrap();
}

/// Makes the system calls of one wait visible: those between two calls with these names.
fn marked<R>(wait: impl FnOnce() -> R) -> R {
    // The first call of a program is special.
    fs::metadata("/").unwrap();
    let _ = fs::metadata("/ipv6-wait-begins");
    let result = wait();
    let _ = fs::metadata("/ipv6-wait-ends");
    result
}

/// Runs a part of [`child`] under `strace`, and returns the system calls of its wait, one a line.
fn trace(part: &str, options: &[&str]) -> Vec<String> {
    let log = env::temp_dir().join(format!("ipv6-waits-{}-{}", process::id(), part.replace(' ', "-")));
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", log.to_str().unwrap()]).args(options);
    let output = command
        .arg(env::current_exe().unwrap())
        .env(CHILD, part)
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let traced = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    assert!(output.status.success(), "{part}: {}\n{traced}", String::from_utf8_lossy(&output.stderr));
    let lines = traced.lines().skip_while(|line| !line.contains("/ipv6-wait-begins")).skip(1);
    lines.take_while(|line| !line.contains("/ipv6-wait-ends")).map(str::to_string).collect()
}

/// Runs a part that waits for a second, and counts its system calls.
fn waits(part: &str, options: &[&str]) {
    let calls = trace(part, options);
    assert!(calls.len() <= CALLS_PER_SECOND, "{part}: {} calls:\n{}", calls.len(), calls.join("\n"));
}

/// The work of a child process, by name.
fn child(part: &str) {
    let receive = |conn: &PacketConn| {
        conn.set_read_deadline(Some(Instant::now() + SECOND));
        conn.recv_from(&mut [0; 8]).map(|got| got.len)
    };
    let receive_batch = |conn: &PacketConn| {
        let (mut batch, mut payloads) = (RecvBatch::new(4), [[0; 8]; 4]);
        conn.set_read_deadline(None);
        conn.set_read_timeout(Some(SECOND)).unwrap();
        conn.recv_batch(&mut batch, &mut payloads)
    };
    let receive_message = |conn: &PacketConn| {
        conn.set_read_deadline(Some(Instant::now() + SECOND));
        conn.recv_message(&mut [0; 8], &mut [0; 64]).map(|got| got.len)
    };
    let ended = match part {
        "receive" => {
            let conn = loopback();
            marked(|| receive(&conn))
        }
        "receive, error" => {
            let conn = with_queued_error();
            marked(|| receive(&conn))
        }
        "receive batch, error" => {
            let conn = with_queued_error();
            marked(|| receive_batch(&conn))
        }
        "receive message, error" => {
            let conn = with_queued_error();
            marked(|| receive_message(&conn))
        }
        "receive, timestamp" => {
            let conn = loopback();
            request_timestamps(&conn);
            let other = loopback();
            conn.send_to(b"x", &SendControl::new(), other.local_addr().unwrap()).unwrap();
            marked(|| receive(&conn))
        }
        "ping, error" => {
            let conn = RawConn::open_icmp6_unprivileged().unwrap();
            conn.set_queue_errors(true).unwrap();
            conn.set_deadline(soon());
            // The router has no route to it.
            let request = [128, 0, 0, 0, 0, 0, 0, 1];
            conn.send_to(&request, &SendControl::new(), at("2001:db8:ff::1".parse().unwrap(), 0)).unwrap();
            assert_eq!(conn.recv_from(&mut [0; 8]).unwrap_err().kind(), ErrorKind::NetworkUnreachable);
            conn.set_read_deadline(Some(Instant::now() + SECOND));
            marked(|| conn.recv_from(&mut [0; 8]).map(|got| got.len))
        }
        "send, error" | "send batch, error" => {
            let conn = PacketConn::bind("[::]:0").unwrap();
            conn.set_deadline(soon());
            queue_error(&conn);
            // The queue of a neighbour that does not answer fills the send buffer.
            let nobody = at("2001:db8:1::dead".parse().unwrap(), 9);
            let payload = [0; 1400];
            let message = [Outgoing::new(&payload, SendControl::new(), Some(nobody))];
            let mut batch = SendBatch::new(1);
            conn.set_deadline(None);
            conn.get_ref().set_nonblocking(true).unwrap();
            while conn.send_to(&payload, &SendControl::new(), nobody).is_ok() {}
            conn.get_ref().set_nonblocking(false).unwrap();
            conn.set_write_deadline(Some(Instant::now() + SECOND));
            match part {
                "send, error" => marked(|| conn.send_to(&payload, &SendControl::new(), nobody)),
                _ => marked(|| conn.send_batch(&mut batch, &message)),
            }
        }
        "shutdown, receive" | "shutdown, batch" | "shutdown, message" | "read side, receive"
        | "read side, batch" | "read side, message" => {
            let conn = loopback();
            conn.get_ref().connect(loopback().local_addr().unwrap()).unwrap();
            let how = if part.starts_with("read side") { Shutdown::Read } else { Shutdown::Both };
            SockRef::from(conn.get_ref()).shutdown(how).unwrap();
            let ended = match part {
                "shutdown, receive" | "read side, receive" => marked(|| receive(&conn)),
                "shutdown, batch" | "read side, batch" => marked(|| receive_batch(&conn)),
                _ => marked(|| receive_message(&conn)),
            };
            assert_eq!(ended.unwrap_err().kind(), ErrorKind::BrokenPipe);
            return;
        }
        "write side" => {
            let conn = with_queued_error();
            conn.get_ref().connect(loopback().local_addr().unwrap()).unwrap();
            SockRef::from(conn.get_ref()).shutdown(Shutdown::Write).unwrap();
            marked(|| receive(&conn))
        }
        "no port" => {
            let (conn, to) = without_free_port();
            conn.set_write_deadline(Some(Instant::now() + SECOND));
            let error = marked(|| conn.send_to(b"x", &SendControl::new(), to)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AddrInUse);
            return;
        }
        "datagram, error" => {
            let conn = with_queued_error();
            let waits = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    while !waits.load(Ordering::SeqCst) {
                        thread::yield_now();
                    }
                    // The receiver probably waits by now; the result is the same if it does not. A wait that ends without
                    // an event does so after 250 ms, and so not now.
                    thread::sleep(Duration::from_millis(375));
                    let sender = UdpSocket::bind("[::1]:0").unwrap();
                    sender.send_to(b"x", conn.local_addr().unwrap()).unwrap();
                });
                waits.store(true, Ordering::SeqCst);
                conn.set_read_deadline(soon());
                assert_eq!(marked(|| receive_text(&conn)), b"x");
            });
            return;
        }
        "interrupted batch" => return interrupted_batch(),
        _ => panic!("{part}"),
    };
    let error = ended.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
}

fn receive_text(conn: &PacketConn) -> Vec<u8> {
    receive(conn).0
}

/// An unbound socket in a namespace without a free port, and a bound one to send to.
fn without_free_port() -> (PacketConn, SocketAddrV6) {
    fs::write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40001").unwrap();
    let taken = [40_000, 40_001].map(|port| UdpSocket::bind(format!("[::]:{port}")).unwrap());
    let conn = PacketConn::new(UdpSocket::from(ipv6_sys::socket::datagram().unwrap())).unwrap();
    // They stay open until the process ends.
    std::mem::forget(taken);
    (conn, "[::1]:40000".parse().unwrap())
}

fn a_wait_makes_few_system_calls() {
    waits("receive", &[]);
}

// Scar 45: an error in the queue made each `poll` return at once.
fn a_receive_with_a_queued_error_waits() {
    waits("receive, error", &[]);
    waits("receive batch, error", &[]);
    waits("receive message, error", &[]);
}

// Scar 45, on an ICMPv6 socket without privilege.
fn a_ping_socket_with_a_queued_error_waits() {
    let Pair { a, b } = Pair::new().unwrap();
    a.ip(&format!("-6 route add default via {}", Pair::B)).unwrap();
    b.set("net/ipv6/conf/all/forwarding", "1").unwrap();
    a.run(|| waits("ping, error", &[]));
}

// Scar 45, with a timestamp that the program has not received.
fn a_receive_with_a_queued_timestamp_waits() {
    waits("receive, timestamp", &[]);
}

// Scar 45, with a full send buffer.
fn a_send_with_a_queued_error_waits() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    a.set("net/ipv6/neigh/eth0/unres_qlen_bytes", "100000000").unwrap();
    // The kernel gives up after three solicitations. On a slow machine, that is while the program fills the buffer.
    a.set("net/ipv6/neigh/eth0/retrans_time_ms", "60000").unwrap();
    a.run(|| waits("send, error", &[]));
    a.run(|| waits("send batch, error", &[]));
}

// Scars 45 and 50: `poll` reports a socket that is shut down as readable.
fn a_receive_after_a_shutdown_ends_at_once() {
    waits("shutdown, receive", &[]);
    waits("shutdown, batch", &[]);
    waits("shutdown, message", &[]);
    for part in ["read side, receive", "read side, batch", "read side, message"] {
        waits(part, &[]);
    }
    waits("write side", &[]);
}

// Scar 45: `poll` reports a socket that gets no port as writable.
fn a_send_without_a_free_port_ends_at_once() {
    Host::new("ports").unwrap().run(|| waits("no port", &[]));
}

// Scar 45: a wait that ignores the queue must not ignore datagrams.
fn a_datagram_ends_a_wait_with_a_queued_error() {
    // A wait may also end because its time is over, at the moment at which the datagram arrives.
    let mut last = String::new();
    let is_ended_by_event = (0..5).any(|_| {
        let calls = trace("datagram, error", &[]);
        let is_wait = |call: &&String| call.contains("epoll_pwait") || call.contains("epoll_wait");
        let wait = calls.iter().rfind(is_wait).expect("a call that waits for changes");
        last = calls.join("\n");
        wait.trim_end().ends_with("= 1")
    });
    assert!(is_ended_by_event, "no event ended the last wait:\n{last}");
}

// Scar 45, when the process has no descriptor left to wait for changes.
fn a_wait_without_a_descriptor_is_in_slices() {
    let inject = ["-e", "inject=/^epoll_create1?$:error=EMFILE"];
    waits("receive, error", &inject);
    trace("datagram, error", &inject);
}

fn shut_down<T: std::fmt::Debug>(result: io::Result<T>) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{error}");
    assert!(error.to_string().contains("shut down"), "{error}");
}

// Scar 50: a receive returned an empty datagram from `::`, for ever.
fn a_receive_after_a_shutdown_is_an_error() {
    for deadline in [None, soon()] {
        let (conn, peer) = (loopback(), loopback());
        conn.set_deadline(deadline);
        conn.get_ref().connect(peer.local_addr().unwrap()).unwrap();
        let to = conn.local_addr().unwrap();
        for text in [b"one".as_slice(), b"", b"two", b""] {
            peer.send_to(text, &SendControl::new(), to).unwrap();
        }
        delivered();
        SockRef::from(conn.get_ref()).shutdown(Shutdown::Both).unwrap();
        // What has arrived before is received, empty datagrams too.
        for text in [b"one".as_slice(), b""] {
            let (got, received) = receive(&conn);
            assert_eq!((got.as_slice(), received.source), (text, peer.local_addr().unwrap()));
        }
        let (mut batch, mut payloads) = (RecvBatch::new(8), [[0; 8]; 8]);
        assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 2);
        let lens: Vec<_> = batch.iter().map(|got| got.unwrap().len).collect();
        assert_eq!(lens, [3, 0]);
        for flags in [ControlFlags::empty(), ControlFlags::all()] {
            conn.set_control_flags(flags, true).unwrap();
            for _ in 0..2 {
                shut_down(conn.recv_from(&mut [0; 8]));
                shut_down(conn.recv_vectored(&mut []));
                shut_down(conn.recv_message(&mut [0; 8], &mut [0; 64]).map(|got| got.len));
                shut_down(conn.recv_batch(&mut batch, &mut payloads));
                assert!(batch.is_empty());
            }
        }
        conn.set_receive_coalescing(true).unwrap();
        shut_down(conn.recv_batch(&mut batch, &mut payloads));
        assert!(batch.is_empty() && !batch.has_more());
        // A send fails by itself.
        assert_eq!(conn.send(b"x", &SendControl::new()).unwrap_err().kind(), ErrorKind::BrokenPipe);
    }
}

fn a_shutdown_ends_waiting_receives() {
    let conns = [loopback(), loopback(), with_queued_error()];
    conns[0].set_deadline(None);
    thread::scope(|scope| {
        let waiting: Vec<_> =
            conns.iter().map(|conn| scope.spawn(|| shut_down(conn.recv_from(&mut [0; 8])))).collect();
        // The calls probably wait by now; the result is the same if they do not.
        thread::sleep(Duration::from_millis(50));
        for conn in &conns {
            // Linux shuts down a socket without a peer too, and returns ENOTCONN.
            let _ = SockRef::from(conn.get_ref()).shutdown(Shutdown::Both);
        }
        for thread in waiting {
            thread.join().unwrap();
        }
    });
}

fn a_send_without_a_free_port_is_an_error() {
    Host::new("ports").unwrap().run(|| {
        let (conn, to) = without_free_port();
        let messages = [Outgoing::new(b"x", SendControl::new(), Some(to))];
        for deadline in [None, soon()] {
            conn.set_deadline(deadline);
            for error in [
                conn.send_to(b"x", &SendControl::new(), to).unwrap_err(),
                conn.send_batch(&mut SendBatch::new(1), &messages).unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::AddrInUse, "{error}");
                assert!(error.to_string().contains("ip_local_port_range"), "{error}");
            }
        }
    });
}

// Scar 46: nothing said that there were errors in the queue.
fn a_limit_that_passes_reports_queued_errors() {
    let conn = with_queued_error();
    conn.set_read_deadline(Some(Instant::now() + Duration::from_millis(10)));
    let error = conn.recv_from(&mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.to_string().contains("error queue is not empty"), "{error}");
}

// Scar 53: the next call on the socket failed with errno 512 (ERESTARTSYS), which no C header has.
fn a_signal_during_a_batch_that_waits_for_all_is_no_error() {
    trace("interrupted batch", &[]);
}

fn interrupted_batch() {
    ctrlc::set_handler(|| {}).unwrap();
    let conn = loopback();
    let to = conn.local_addr().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            conn.send_to(b"one", &SendControl::new(), to).unwrap();
            // The receiver probably waits by now; the test shows nothing if it does not.
            thread::sleep(Duration::from_millis(500));
            let kill = Command::new("sh").args(["-c", &format!("kill -INT {}", process::id())]).status();
            assert!(kill.unwrap().success());
        });
        let mut batch = RecvArray::<2, 64>::new();
        let got = batch.receive(&conn, &mut [[0; 8]; 2], MessageFlags::empty()).unwrap();
        assert_eq!(got.len(), 1, "the signal ended the batch after one datagram");
    });
    // A call that does not repeat itself reports a signal.
    conn.send_to(b"two", &SendControl::new(), to).unwrap();
    conn.set_deadline(None);
    assert_eq!(receive(&conn).0, b"two");
}
