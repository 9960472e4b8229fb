//! Every error at every call: injects each error of the table in `docs/errors.md`, and checks the result that the table
//! promises. `strace` injects; a child process, which is this program again, makes the call.

mod common;

use std::cell::Cell;
use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::net::{SocketAddrV6, UdpSocket};
use std::process::{self, Command};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{env, fs, thread};

use common::*;
use ipv6_std::*;
use ipv6_testnet::{Need, Test};

const CHILD: &str = "IPV6_EVERY_ERRNO_CHILD";
const PAGE: &str = include_str!("../docs/errors.md");

fn main() {
    if let Ok(part) = env::var(CHILD) {
        return child(&part);
    }
    let needs = &[Need::Namespace, Need::Strace];
    let table = Test { name: "the_table_has_every_result", needs: &[], run: the_table_has_every_result };
    let injected = Test {
        name: "each_error_has_the_documented_result",
        needs,
        run: each_error_has_the_documented_result,
    };
    // The table names the system calls that the C library of x86-64 makes. Others use `poll`, or `socketcall`.
    let count = if cfg!(target_arch = "x86_64") { 2 } else { 1 };
    ipv6_testnet::main(&[table, injected][..count])
}

/// One row of the table.
#[derive(Debug)]
struct Row<'a> {
    call: String,
    system_call: &'a str,
    errors: Vec<&'a str>,
    result: &'a str,
}

fn rows() -> Vec<Row<'static>> {
    let table = PAGE.lines().skip_while(|line| !line.starts_with("| Call |")).skip(2);
    table
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [call, system_call, errors, result] = cells[..] else { panic!("{line}") };
            Row {
                call: call.replace('`', ""),
                system_call: system_call.trim_matches('`'),
                errors: errors.split_whitespace().map(|error| error.trim_matches('`')).collect(),
                result: result.trim_matches('*'),
            }
        })
        .collect()
}

fn the_table_has_every_result() {
    let rows = rows();
    assert!(rows.len() > 50);
    for row in &rows {
        for name in &row.errors {
            number_of(name);
        }
        // Each error of one system call of one call has one result.
        for other in rows.iter().filter(|other| other.result != row.result) {
            let same = (&other.call, other.system_call) == (&row.call, row.system_call);
            let twice = row.errors.iter().find(|error| same && other.errors.contains(error));
            assert!(twice.is_none(), "{}: {twice:?} has two results", row.call);
        }
        let explained = format!("| **{}** |", row.result);
        assert!(PAGE.contains(&format!("\n{explained}")), "{explained} is not explained");
    }
}

fn number_of(name: &str) -> i32 {
    let named = |number: &i32| format!("{:?}", nix::errno::Errno::from_raw(*number)) == name;
    (1..200).find(named).unwrap_or_else(|| panic!("no error is named {name}"))
}

fn each_error_has_the_documented_result() {
    // Each case takes seconds in CI's emulated machines of other architectures: one error of each row there.
    let most = if cfg!(any(target_arch = "x86_64", target_arch = "x86")) { usize::MAX } else { 1 };
    // The error comes once, or always.
    let mut cases = Vec::new();
    for row in rows() {
        for error in row.errors.into_iter().take(most) {
            cases.push((row.call.clone(), row.system_call, error, row.result, "1"));
            if matches!(row.result, "returned" | "next send") {
                cases.push((row.call.clone(), row.system_call, error, "always", "1+"));
            }
        }
    }
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from).min(8) {
            scope.spawn(|| {
                while let Some((call, system_call, error, result, when)) =
                    cases.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    if let Err(text) = inject(call, system_call, error, result, when) {
                        failures.lock().unwrap().push(text);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

/// Runs a call in a child process with an error injected into these invocations of the system call.
fn inject(call: &str, system_call: &str, error: &str, result: &str, when: &str) -> Result<(), String> {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let log = env::temp_dir().join(format!("ipv6-errno-{}-{run}", process::id()));
    // Some architectures have other names: poll, socketcall.
    let filter = match system_call {
        "ppoll" => "/^p?poll",
        // Segments and batches are then sent one by one.
        "sendmsg" | "sendmmsg" if result == "always" => "/^send(to|m?msg)$",
        _ => &format!("/^{system_call}(_time64)?$"),
    };
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", log.to_str().unwrap()]);
    strace.args([
        "-e",
        &format!("trace={filter}"),
        "-e",
        &format!("inject={filter}:error={error}:when={when}"),
    ]);
    strace.arg(env::current_exe().unwrap()).env("RUST_BACKTRACE", "0");
    let output = strace.env(CHILD, format!("{call}|{error}|{result}")).output().unwrap();
    let traced = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    let case = format!("{call}, {system_call}, {error}, {result}");
    if !output.status.success() {
        return Err(format!("{case}: {}\n{traced}", String::from_utf8_lossy(&output.stderr)));
    }
    if !traced.contains("(INJECTED)") {
        return Err(format!("{case}: nothing was injected:\n{traced}"));
    }
    Ok(())
}

/// The number of the system in an error or in one of its sources.
fn number(error: &io::Error) -> Option<i32> {
    let mut next = error.get_ref().map(|error| error as &dyn Error);
    let mut found = error.raw_os_error();
    while let (None, Some(error)) = (found, next) {
        let io = error.downcast_ref::<io::Error>().and_then(number);
        found = io.or_else(|| error.downcast_ref::<ipv6_sys::Errno>().map(|errno| errno.raw()));
        next = error.source();
    }
    found
}

/// What a call returned: `None` if it has a result for "there is nothing".
type Answer = io::Result<Option<()>>;

/// Makes the call as often as the result requires, and checks each answer.
fn check(errno: i32, result: &str, mut call: impl FnMut() -> Answer) {
    let failed = |answer: Answer| {
        let error = answer.unwrap_err();
        assert_eq!(number(&error), Some(errno), "{error}");
    };
    let succeeded = |answer: Answer| assert_eq!(answer.unwrap(), Some(()));
    match result {
        "always" => {
            failed(call());
            return failed(call());
        }
        "returned" => failed(call()),
        "repeated" | "otherwise" | "waits" => {}
        "next send" => {
            succeeded(call());
            failed(call());
        }
        "none" => assert_eq!(call().unwrap(), None),
        "not found" => assert_eq!(call().unwrap_err().kind(), io::ErrorKind::NotFound),
        _ => panic!("{result}"),
    }
    succeeded(call());
    succeeded(call());
}

/// A receiver that counts: each datagram is the number of the call that sent it.
struct Counter {
    socket: UdpSocket,
    received: Cell<u8>,
}

impl Counter {
    fn new() -> Self {
        let socket = UdpSocket::bind("[::1]:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { socket, received: Cell::new(0) }
    }

    fn address(&self) -> SocketAddrV6 {
        address(&self.socket)
    }

    /// The payload of the next datagram.
    fn next(&self) -> [u8; 8] {
        [self.received.get(); 8]
    }

    /// Receives what one call has sent.
    fn takes(&self, count: usize) {
        for _ in 0..count {
            let mut payload = [0; 16];
            // Not `recvfrom` or `recvmsg`, into which errors are injected.
            let len = io::Read::read(&mut fs::File::from(self.own()), &mut payload).unwrap();
            assert_eq!(payload[..len], self.next());
        }
        self.received.set(self.received.get() + 1);
    }

    fn own(&self) -> std::os::fd::OwnedFd {
        self.socket.try_clone().unwrap().into()
    }

    /// Nothing more has arrived.
    fn is_empty(&self) {
        self.socket.set_nonblocking(true).unwrap();
        let error = io::Read::read(&mut fs::File::from(self.own()), &mut [0; 16]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}

fn address(socket: &UdpSocket) -> SocketAddrV6 {
    match socket.local_addr().unwrap() {
        std::net::SocketAddr::V6(address) => address,
        other => panic!("{other}"),
    }
}

fn unbounded() -> PacketConn {
    PacketConn::new(UdpSocket::bind("[::1]:0").unwrap()).unwrap()
}

/// The same, with the datagrams 0, 1 and 2 in its queue, each `count` times.
fn with_datagrams(count: usize) -> PacketConn {
    let conn = unbounded();
    let sender = UdpSocket::bind("[::1]:0").unwrap();
    for number in 0..3 {
        for _ in 0..count {
            sender.send_to(&[number; 8], conn.local_addr().unwrap()).unwrap();
        }
    }
    conn
}

/// Checks the number of each received datagram.
fn in_order(next: &Cell<u8>, payload: [u8; 8]) -> Answer {
    assert_eq!(payload, [next.get(); 8]);
    next.set(next.get() + 1);
    Ok(Some(()))
}

/// A connection in tokio, made by `bind`.
fn on_tokio(run: impl AsyncFnOnce()) {
    ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run());
}

/// Enables a control message: the calls are then those with control messages.
fn with_flags(conn: PacketConn) -> PacketConn {
    conn.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    conn
}

fn child(part: &str) {
    let [call, error, result] = part.split('|').collect::<Vec<_>>()[..] else { panic!("{part}") };
    let errno = number_of(error);
    // A call that never ends is a failure of its case.
    thread::spawn(|| {
        thread::sleep(Duration::from_secs(60));
        eprintln!("the call does not end");
        process::exit(1);
    });
    let (none, hops) = (SendControl::new(), SendControl::new().with_hop_limit(3));
    let next = Cell::new(0);
    let mut payload = [0; 8];
    match call {
        "send_to"
        | "send_to with control messages"
        | "send_to with a deadline"
        | "send"
        | "send_batch"
        | "send_batch_all"
        | "send_segments" => {
            let (counter, conn) = (Counter::new(), unbounded());
            let to = counter.address();
            if call == "send_to with a deadline" {
                conn.set_deadline(soon());
            }
            if call == "send" {
                conn.connect(to).unwrap();
            }
            let mut batch = SendBatch::new(8);
            check(errno, result, || {
                let payload = counter.next();
                let messages = [Outgoing::new(&payload, none, Some(to)); 4];
                let sent = match call {
                    "send_to" | "send_to with a deadline" => {
                        conn.send_to(&payload, &none, to).map(|len| len / 8)
                    }
                    "send_to with control messages" => conn.send_to(&payload, &hops, to).map(|len| len / 8),
                    "send" => conn.send(&payload, &none).map(|len| len / 8),
                    "send_batch" => conn.send_batch(&mut batch, &messages),
                    "send_batch_all" => match conn.send_batch_all(&mut batch, &messages) {
                        Ok(()) => Ok(4),
                        Err(error) => {
                            assert_eq!(error.index(), 0);
                            Err(error.into_error())
                        }
                    },
                    _ => conn.send_segments(&payload.repeat(4), 8, &none, to).map(|len| len / 8),
                }?;
                assert_eq!(sent, if call.contains("batch") || call.contains("segments") { 4 } else { 1 });
                counter.takes(sent);
                Ok(Some(()))
            });
            counter.is_empty();
        }
        "recv_from" | "recv_from with a deadline, a datagram waits" => {
            let conn = with_datagrams(1);
            if call != "recv_from" {
                conn.set_deadline(soon());
            }
            check(errno, result, || conn.recv_from(&mut payload).and_then(|_| in_order(&next, payload)));
        }
        "recv_from with control messages" => {
            let conn = with_flags(unbounded());
            let sender = UdpSocket::bind("[::1]:0").unwrap();
            for number in 0..3 {
                sender.send_to(&[number; 8], conn.local_addr().unwrap()).unwrap();
            }
            check(errno, result, || {
                let got = conn.recv_from(&mut payload)?;
                assert!(got.control.hop_limit.is_some());
                in_order(&next, payload)
            });
        }
        "recv_message" => {
            let conn = with_datagrams(1);
            let mut control = [0; 128];
            check(errno, result, || {
                conn.recv_message(&mut payload, &mut control)?;
                in_order(&next, payload)
            });
        }
        "recv_batch" => {
            let conn = with_datagrams(2);
            let (mut batch, mut payloads) = (RecvBatch::new(2), [[0; 8]; 2]);
            check(errno, result, || {
                assert_eq!(conn.recv_batch(&mut batch, &mut payloads)?, 2);
                assert_eq!(payloads[0], payloads[1]);
                in_order(&next, payloads[0])
            });
        }
        "recv_from with a deadline" => {
            let (conn, sender) = (unbounded(), UdpSocket::bind("[::1]:0").unwrap());
            conn.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            let to = conn.local_addr().unwrap();
            let send = |number| sender.send_to(&[number; 8], to).unwrap();
            check(errno, result, || {
                thread::scope(|scope| {
                    let number = next.get();
                    // The receiver waits by then. The injected error is the only one that it gets before.
                    scope.spawn(move || {
                        thread::sleep(Duration::from_millis(200));
                        send(number);
                    });
                    let answer = conn.recv_from(&mut payload).and_then(|_| in_order(&next, payload));
                    if answer.is_err() {
                        // That datagram too is still to come.
                        conn.set_read_timeout(None).unwrap();
                        conn.recv_from(&mut payload).unwrap();
                        conn.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
                    }
                    answer
                })
            });
        }
        "try_recv_error" => {
            let (conn, to) = (unbounded(), nobody());
            conn.set_queue_errors(true).unwrap();
            for _ in 0..3 {
                conn.send_to(b"x", &none, to).unwrap();
                while conn.get_ref().take_error().unwrap().is_none() {
                    thread::yield_now();
                }
            }
            check(errno, result, || {
                let reported = conn.try_recv_error(&mut payload)?;
                Ok(reported.map(|reported| assert_eq!(reported.destination, to)))
            });
        }
        "set_option" => {
            let conn = unbounded();
            check(errno, result, || conn.set_option(&option::TRAFFIC_CLASS, 4).map(Some));
            assert_eq!(conn.traffic_class().unwrap() == 4, result != "always");
        }
        "set_hop_limit" => {
            let conn = unbounded();
            check(errno, result, || conn.set_hop_limit(7).map(Some));
            assert_eq!(conn.hop_limit().unwrap() == 7, result != "always");
        }
        "hop_limit" => {
            let socket = UdpSocket::bind("[::1]:0").unwrap();
            // strace counts the calls of each thread. The first of this one fails here.
            socket.take_error().unwrap_err();
            if result == "always" {
                return;
            }
            let conn = PacketConn::new(socket).unwrap();
            thread::scope(|scope| {
                scope.spawn(|| {
                    check(errno, result, || {
                        conn.hop_limit().map(|limit| {
                            assert_eq!(limit, 64);
                            Some(())
                        })
                    })
                });
            });
        }
        "set_control_flags" => {
            let conn = unbounded();
            check(errno, result, || {
                assert!(conn.control_flags().is_empty());
                conn.set_control_flags(ControlFlags::HOP_LIMIT, true)?;
                assert_eq!(conn.control_flags(), ControlFlags::HOP_LIMIT);
                conn.set_control_flags(ControlFlags::HOP_LIMIT, false).map(Some)
            });
        }
        "join_group" => {
            let conn = unbounded();
            // Loopback. A lookup by name sets an option too.
            let on = InterfaceIndex::new(1).unwrap();
            check(errno, result, || {
                conn.join_group(GROUP, on)?;
                conn.leave_group(GROUP, on).map(Some)
            });
        }
        "local_addr" => {
            let socket = UdpSocket::bind("[::1]:0").unwrap();
            socket.local_addr().unwrap_err();
            if result == "always" {
                return;
            }
            let conn = PacketConn::new(socket).unwrap();
            thread::scope(|scope| {
                let call = || {
                    conn.local_addr().map(|address| {
                        assert_ne!(address.port(), 0);
                        Some(())
                    })
                };
                scope.spawn(move || check(errno, result, call));
            });
        }
        "connect" => {
            let (conn, peer) = (unbounded(), UdpSocket::bind("[::1]:0").unwrap());
            check(errno, result, || conn.connect(address(&peer)).map(Some));
            assert_eq!(conn.peer_addr().is_ok(), result != "always");
        }
        "bind" => {
            let open = || fs::read_dir("/proc/self/fd").unwrap().count();
            let before = open();
            check(errno, result, || PacketConn::bind("[::1]:0").map(|_| Some(())));
            assert_eq!(open(), before);
        }
        "Interface::all" => check(errno, result, || {
            let all = Interface::all()?;
            let names: Vec<_> = all.iter().map(Interface::name).collect();
            assert!(names.contains(&"lo"), "{names:?}");
            Ok(Some(()))
        }),
        "Interface::by_name" => {
            check(errno, result, || {
                Interface::by_name("lo").map(|lo| {
                    assert_eq!(lo.name(), "lo");
                    Some(())
                })
            });
        }
        _ => on_tokio(async || child_on_tokio(call, errno, result).await),
    }
}

/// The same in tokio's event loop.
async fn child_on_tokio(call: &str, errno: i32, result: &str) {
    let conn = ipv6_std::tokio::PacketConn::bind("[::1]:0").unwrap();
    conn.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    let counter = Counter::new();
    let (to, next) = (counter.address(), Cell::new(0));
    let (mut send_batch, mut recv_batch) = (SendBatch::new(8), RecvBatch::new(2));
    // How many datagrams one receive takes.
    let each = match call {
        "tokio recv_from" => 1,
        "tokio recv_batch" => 2,
        _ => 0,
    };
    let sender = UdpSocket::bind("[::1]:0").unwrap();
    for number in (0..3).flat_map(|number| [number].repeat(each)) {
        sender.send_to(&[number; 8], conn.local_addr().unwrap()).unwrap();
    }
    if call == "tokio recv_error" {
        let nobody = nobody();
        conn.set_queue_errors(true).unwrap();
        for _ in 0..3 {
            conn.send_to(b"x", &SendControl::new(), nobody).await.unwrap();
            while conn.get_ref().take_error().unwrap().is_none() {
                thread::yield_now();
            }
        }
    }
    if result == "waits" {
        // The event that ends the wait.
        let to = conn.local_addr().unwrap();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(200));
            sender.send_to(&[3; 8], to).unwrap();
        });
    }
    let mut answers = Vec::new();
    let attempts = match result {
        "always" | "repeated" | "waits" => 2,
        _ => 4,
    };
    for _ in 0..attempts {
        let (mut payload, text) = ([0; 8], counter.next());
        let sent = match call {
            "tokio recv_from" => conn.recv_from(&mut payload).await.map(|_| 0),
            "tokio recv_batch" => {
                let mut payloads = [[0; 8]; 2];
                let received = conn.recv_batch(&mut recv_batch, &mut payloads).await;
                payload = payloads[0];
                received.map(|count| assert_eq!(count, 2)).map(|()| 0)
            }
            "tokio send_to" => {
                conn.send_to(&text, &SendControl::new().with_hop_limit(3), to).await.map(|len| len / 8)
            }
            "tokio send_batch" => {
                let messages = [Outgoing::new(&text, SendControl::new(), Some(to)); 4];
                conn.send_batch(&mut send_batch, &messages).await
            }
            "tokio send_batch_all" => {
                let messages = [Outgoing::new(&text, SendControl::new(), Some(to)); 4];
                let sent = conn.send_batch_all(&mut send_batch, &messages).await;
                sent.map(|()| 4).map_err(SendAllError::into_error)
            }
            "tokio send_segments" => {
                let sent = conn.send_segments(&text.repeat(4), 8, &SendControl::new(), to).await;
                sent.map(|len| len / 8)
            }
            "tokio recv_error" => {
                payload = [next.get(); 8];
                conn.recv_error(&mut [0; 8]).await.map(|_| 0)
            }
            _ => panic!("{call}"),
        };
        answers.push(match sent {
            Ok(0) => in_order(&next, payload),
            Ok(sent) => {
                counter.takes(sent);
                Ok(Some(()))
            }
            Err(error) => Err(error),
        });
        // Three datagrams were sent.
        if next.get() == 3 {
            break;
        }
    }
    let mut answers = answers.into_iter();
    check(errno, result, || answers.next().expect("another answer"));
    counter.is_empty();
}
