//! The child process: makes one call as often as its result requires, and checks each answer.

use std::cell::Cell;
use std::error::Error;
use std::net::{SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;
use std::{fs, io, process, thread};

use ipv6_std::PacketConn;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::{interfaces, mio, on_loop, options, packets, raw};
use crate::common::nobody;

/// Printed if nothing failed: the call made fewer system calls than that which was to fail.
pub const NOTHING_FAILED: &str = "nothing failed";

/// Ends the child: all further system calls are those of checks.
fn nothing_failed() -> ! {
    println!("{NOTHING_FAILED}");
    process::exit(0)
}

/// What a child does.
pub struct Case<'a> {
    /// The event loop; empty: none.
    pub event_loop: &'a str,
    pub call: &'a str,
    /// For the calls of a raw socket: its protocol.
    pub protocol: Option<u8>,
    /// The error that is injected.
    pub errno: i32,
    pub result: &'a str,
}

/// The number of an error.
pub fn number_of(name: &str) -> i32 {
    let named = |number: &i32| format!("{:?}", nix::errno::Errno::from_raw(*number)) == name;
    (1..200).find(named).unwrap_or_else(|| panic!("no error is named {name}"))
}

/// Runs one case.
pub fn run(part: &str) {
    let [call, error, result, number] = part.split('|').collect::<Vec<_>>()[..] else { panic!("{part}") };
    let (event_loop, call) = call.split_once(": ").unwrap_or(("", call));
    // Children run at the same time, and a raw socket receives all packets of its protocol. 143 to 252 are not assigned.
    let protocol = 143 + (number.parse::<usize>().unwrap() % 110) as u8;
    let (call, protocol) = match call.strip_prefix("RawConn::") {
        Some(call) => (call, Some(protocol)),
        None => (call, None),
    };
    let case = Case { event_loop, call, protocol, errno: number_of(error), result };
    // A call that never ends is a failure of its case.
    thread::spawn(|| {
        thread::sleep(Duration::from_secs(60));
        eprintln!("the call does not end");
        process::exit(1);
    });
    let is_known = match event_loop {
        "" => packets::run(&case) || options::run(&case) || interfaces::run(&case) || raw::run(&case),
        "mio" => mio::run(&case),
        _ => on_loop::run(&case),
    };
    assert!(is_known, "{part}: no such call");
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
pub type Answer = io::Result<Option<()>>;

impl Case<'_> {
    /// Waits until the kernel has probably delivered what was sent, if the call does not wait, or not for all datagrams.
    pub fn delivered(&self) {
        if self.call.contains("try_") || self.call.contains("batch") {
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Makes the call as often as the result requires, and checks each answer.
    pub fn check(&self, mut call: impl FnMut() -> Answer) {
        let failed = |answer: Answer| {
            let error = answer.unwrap_err();
            assert_eq!(number(&error), Some(self.errno), "{error}");
        };
        let succeeded = |answer: Answer| assert_eq!(answer.unwrap(), Some(()));
        let of_kind = |answer: Answer, kind| assert_eq!(answer.unwrap_err().kind(), kind);
        match self.result {
            "always" => {
                failed(call());
                return failed(call());
            }
            "returned" => failed(call()),
            "each" => match call() {
                Ok(answer) => {
                    assert_eq!(answer, Some(()));
                    nothing_failed();
                }
                answer => failed(answer),
            },
            "repeated" | "otherwise" | "waits" | "partial" => {}
            "next send" => {
                succeeded(call());
                failed(call());
            }
            "none" => assert_eq!(call().unwrap(), None),
            "not found" => of_kind(call(), io::ErrorKind::NotFound),
            "unsupported" => of_kind(call(), io::ErrorKind::Unsupported),
            "explained" => of_kind(call(), io::ErrorKind::InvalidInput),
            result => panic!("{result}"),
        }
        succeeded(call());
        succeeded(call());
    }

    /// Makes a call whose result cannot be made twice, and must stay until the child ends. If it fails, once more.
    pub fn check_once<T>(&self, call: impl Fn() -> io::Result<T>) {
        let value = match call() {
            Err(error) => {
                assert_eq!(number(&error), Some(self.errno), "{error}");
                if !self.succeeds() {
                    return;
                }
                call().unwrap()
            }
            Ok(_) => nothing_failed(),
        };
        std::mem::forget(value);
    }

    /// Whether the call has succeeded in the end.
    pub fn succeeds(&self) -> bool {
        self.result != "always"
    }

    fn socket(&self) -> Socket {
        let (kind, protocol) = match self.protocol {
            Some(protocol) => (Type::RAW, Some(Protocol::from(i32::from(protocol)))),
            None => (Type::DGRAM, None),
        };
        let socket = Socket::new(Domain::IPV6, kind, protocol).unwrap();
        socket.bind(&"[::1]:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        socket
    }

    /// Puts an entry into the error queue of the connection, without a pending error. Returns its destination.
    pub fn queue_error<S: AsFd>(&self, conn: &PacketConn<S>) -> SocketAddrV6 {
        let socket = SockRef::from(conn);
        conn.set_queue_errors(true).unwrap();
        if self.protocol.is_some() {
            // Too long for the device: the kernel reports it in the queue, and makes no error pending.
            let to: SocketAddrV6 = "[::1]:0".parse().unwrap();
            socket.send_to(&[0; 70_000], &to.into()).unwrap_err();
            return to;
        }
        let to = nobody();
        socket.send_to(b"x", &to.into()).unwrap();
        while socket.take_error().unwrap().is_none() {
            thread::yield_now();
        }
        to
    }
}

/// The other end, which counts: each datagram is the number of the call that sent it.
pub struct Peer {
    socket: Socket,
    received: Cell<u8>,
}

impl Peer {
    pub fn new(case: &Case<'_>) -> Self {
        let socket = case.socket();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { socket, received: Cell::new(0) }
    }

    pub fn address(&self) -> SocketAddrV6 {
        self.socket.local_addr().unwrap().as_socket_ipv6().unwrap()
    }

    /// Sends the datagram with this number.
    pub fn send(&self, number: u8, to: SocketAddrV6) {
        self.socket.send_to(&[number; 8], &to.into()).unwrap();
    }

    /// The payload of the next datagram.
    pub fn next(&self) -> [u8; 8] {
        [self.received.get(); 8]
    }

    /// Another handle, for another thread.
    pub fn sender(&self) -> Self {
        Self { socket: self.socket.try_clone().unwrap(), received: Cell::new(0) }
    }

    /// Receives what one call has sent.
    pub fn takes(&self, count: usize) {
        for _ in 0..count {
            let mut payload = [0; 16];
            let len = read(&self.socket, &mut payload).unwrap();
            assert_eq!(payload[..len], self.next());
        }
        self.received.set(self.received.get() + 1);
    }

    /// Nothing more has arrived.
    pub fn is_empty(&self) {
        self.socket.set_nonblocking(true).unwrap();
        assert_eq!(read(&self.socket, &mut [0; 16]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}

/// Receives with `read`: not with `recvfrom` or `recvmsg`, into which errors are injected.
pub fn read(socket: impl AsFd, payload: &mut [u8]) -> io::Result<usize> {
    io::Read::read(&mut fs::File::from(socket.as_fd().try_clone_to_owned()?), payload)
}

/// Checks the number of each received datagram.
pub fn in_order(next: &Cell<u8>, payload: [u8; 8]) -> Answer {
    assert_eq!(payload, [next.get(); 8]);
    next.set(next.get() + 1);
    Ok(Some(()))
}

/// A UDP socket. The standard library sets no options.
pub fn unbounded() -> PacketConn<OwnedFd> {
    PacketConn::new(UdpSocket::bind("[::1]:0").unwrap().into()).unwrap()
}

/// Waits until the main thread sleeps: in a system call that waits.
pub fn main_thread_sleeps() {
    // The name, which may contain spaces, is in parentheses; the state follows.
    while !fs::read_to_string("/proc/self/stat").unwrap().contains(") S ") {
        thread::sleep(Duration::from_millis(1));
    }
}

/// How many descriptors are open.
pub fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}
