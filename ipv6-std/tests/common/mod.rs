//! Helpers shared by several test programs.

#![allow(dead_code, reason = "each test program uses some of the helpers")]

use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use ipv6_std::message::Timestamping;
use ipv6_std::option::{self, SocketOption, TimestampingFlags};
use ipv6_std::{Conn, ControlFlags, InterfaceIndex, Outgoing, PacketConn, Received, Reported, SendControl};
use ipv6_testnet::{Host, Pair};
use socket2::{Domain, Socket, Type};

/// A group of link scope.
pub const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x114);
/// A group for source-specific multicast, of global scope (RFC 4607).
pub const SOURCE_GROUP: Ipv6Addr = Ipv6Addr::new(0xff3e, 0, 0, 0, 0, 0, 0x8000, 1);

/// Repeats a call that does not wait until the kernel has delivered what was sent: on a busy machine, that is after the call
/// that sends it.
pub fn delivered_to<T>(mut receive: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let started = Instant::now();
    loop {
        let answer = receive();
        let is_nothing = matches!(&answer, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        if !is_nothing || started.elapsed() > Duration::from_secs(5) {
            return answer;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until the kernel has probably delivered what was sent.
pub fn delivered() {
    thread::sleep(Duration::from_millis(200));
}

/// Waits until the datagrams that a UDP socket holds have at least this many bytes together.
pub fn holds<S: AsFd>(conn: &PacketConn<S>, bytes: usize) {
    // With the option, a receive that peeks skips as many bytes of the queue (socket(7)).
    let peek_offset = SocketOption::<i32>::custom(1, 42, "SO_PEEK_OFF");
    conn.set_option(&peek_offset, bytes as i32 - 1).unwrap();
    let peeked = delivered_to(|| conn.try_peek_from(&mut [0]));
    conn.set_option(&peek_offset, -1).unwrap();
    peeked.unwrap();
}

/// Waits until a UDP socket holds these datagrams.
pub fn holds_all<S: AsFd>(conn: &PacketConn<S>, texts: &[Vec<u8>]) {
    holds(conn, texts.iter().map(Vec::len).sum());
}

/// Waits until an error is pending, or the error queue has an entry.
pub fn has_failed<S: AsFd>(conn: &PacketConn<S>) {
    delivered_to(|| if conn.has_errors()? { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }).unwrap();
}

/// Waits for an entry of the error queue, and takes it.
pub fn reported<S: AsFd>(conn: &PacketConn<S>, payload: &mut [u8]) -> Reported {
    delivered_to(|| conn.recv_error(payload)?.ok_or_else(|| io::ErrorKind::WouldBlock.into())).unwrap()
}

/// A socket whose datagrams have the time of their arrival. While it is open, those of others have it too, if they ask.
///
/// The kernel starts to take times a moment after the first socket of the system asks (net_enable_timestamp() in
/// net/core/dev.c). It delivers the time of the receive call for datagrams that arrived before, or none.
#[must_use = "the kernel stops taking times when no socket asks"]
pub fn takes_times() -> PacketConn {
    let conn = loopback();
    let flags = TimestampingFlags::RX_SOFTWARE | TimestampingFlags::SOFTWARE;
    conn.set_option(&option::TIMESTAMPING, flags).unwrap();
    loop {
        conn.send_to(b"x", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
        let (mut payload, mut control) = ([0], [0; 512]);
        let message = conn.recv_message(&mut payload, &mut control).unwrap();
        if message.get::<Timestamping>().unwrap().is_some() {
            return conn;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The deadline of every receive in a test: a datagram that has not arrived by then was lost. It is generous because
/// emulated machines are slow; the harness ends a test that hangs.
pub fn soon() -> Option<Instant> {
    Some(Instant::now() + Duration::from_secs(60))
}

/// A UDP socket that shares its port.
pub fn sharing(address: SocketAddrV6) -> PacketConn {
    let socket = Socket::new(Domain::IPV6, Type::DGRAM, None).unwrap();
    Conn::new(&socket).unwrap().set_option(&option::REUSE_PORT, true).unwrap();
    socket.bind(&address.into()).unwrap();
    let conn = PacketConn::new(UdpSocket::from(socket)).unwrap();
    conn.set_deadline(soon());
    conn
}

/// A socket on loopback.
pub fn loopback() -> PacketConn {
    let conn = PacketConn::bind("[::1]:0").unwrap();
    conn.set_deadline(soon());
    conn
}

/// An address on loopback whose port refuses datagrams (port unreachable) until the end of this process.
///
/// A socket that was closed is not enough: another test may get its port, and a child that is forked at that moment keeps a
/// copy of it until its `exec`. The socket here is connected to itself, so that it takes datagrams of nobody else.
pub fn nobody() -> SocketAddrV6 {
    let holder = loopback();
    let address = holder.local_addr().unwrap();
    holder.connect(address).unwrap();
    std::mem::forget(holder);
    address
}

/// A socket on a host, with every control message enabled.
pub fn on(host: &Host) -> PacketConn {
    let conn = host.run(|| PacketConn::bind("[::]:0")).unwrap();
    conn.set_control_flags(ControlFlags::all(), true).unwrap();
    conn.set_deadline(soon());
    conn
}

pub fn index(host: &Host, interface: &str) -> InterfaceIndex {
    InterfaceIndex::new(host.index(interface).unwrap()).unwrap()
}

pub fn port(conn: &PacketConn) -> u16 {
    conn.local_addr().unwrap().port()
}

/// An address with a port, without scope.
pub fn at(address: Ipv6Addr, port: u16) -> SocketAddrV6 {
    SocketAddrV6::new(address, port, 0, 0)
}

/// Two hosts on a link with an MTU of 1,300 bytes, a socket on each, and the address at which the first host reaches
/// the second socket.
pub fn small_mtu_pair() -> (Pair, PacketConn, PacketConn, SocketAddrV6) {
    let pair = Pair::new().unwrap();
    for host in [&pair.a, &pair.b] {
        host.ip("link set eth0 mtu 1300").unwrap();
    }
    let (sender, receiver) = (on(&pair.a), on(&pair.b));
    let address = pair.b.link_local("eth0").unwrap();
    let to = SocketAddrV6::new(address, port(&receiver), 0, pair.a.index("eth0").unwrap());
    (pair, sender, receiver, to)
}

/// Payloads of these sizes, each filled with its number.
pub fn texts(sizes: &[usize]) -> Vec<Vec<u8>> {
    sizes.iter().enumerate().map(|(number, size)| vec![number as u8; *size]).collect()
}

/// A batch that sends these payloads to one address.
pub fn outgoing(texts: &[Vec<u8>], to: SocketAddrV6) -> Vec<Outgoing<'_>> {
    texts.iter().map(|text| Outgoing::new(text, SendControl::new(), Some(to))).collect()
}

/// An address as in `/proc/net`: 32 hexadecimal digits.
pub fn digits(address: Ipv6Addr) -> String {
    format!("{:032x}", address.to_bits())
}

/// The interfaces on which the host is a member of a group, in the order of their indexes.
pub fn members(host: &Host, group: Ipv6Addr) -> Vec<String> {
    let igmp6 = host.proc_net("igmp6").unwrap();
    let lines = igmp6.lines().filter(|line| line.contains(&digits(group)));
    lines.map(|line| line.split_whitespace().nth(1).unwrap().to_string()).collect()
}

/// Whether the host is a member of a group on `eth0`.
pub fn is_member(host: &Host, group: Ipv6Addr) -> bool {
    members(host, group).contains(&"eth0".to_string())
}

/// The host's filter of a group on an interface: source, number of includes, number of excludes.
pub fn filters_on(host: &Host, interface: &str, group: Ipv6Addr) -> Vec<(String, u32, u32)> {
    let mcfilter6 = host.proc_net("mcfilter6").unwrap();
    let lines = mcfilter6.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines
        .filter(|words| words[1] == interface && words[2] == digits(group))
        .map(|words| (words[3].to_string(), words[4].parse().unwrap(), words[5].parse().unwrap()))
        .collect()
}

/// Receives one datagram: its payload, its source and its control messages.
pub fn receive<S: AsFd>(conn: &PacketConn<S>) -> (Vec<u8>, Received) {
    let mut payload = [0; 2048];
    let got = conn.recv_from(&mut payload).unwrap();
    (payload[..got.len].to_vec(), got)
}

/// Drops a socket and waits until the kernel has closed it. If another test of this process forks at that moment, the
/// child keeps a copy of the descriptor, and so the socket, until its `exec`.
pub fn close<S: AsFd>(conn: PacketConn<S>) {
    let inode =
        |socket: BorrowedFd<'_>| fs::metadata(format!("/proc/self/fd/{}", socket.as_raw_fd())).unwrap().ino();
    let inode = inode(conn.get_ref().as_fd()).to_string();
    let is_open = || {
        let sockets = fs::read_to_string("/proc/thread-self/net/udp6").unwrap();
        sockets.lines().any(|line| line.split_whitespace().nth(9) == Some(&inode))
    };
    assert!(is_open());
    drop(conn);
    while is_open() {
        thread::yield_now();
    }
}

/// The system's number of an error.
pub fn errno<T: std::fmt::Debug>(result: io::Result<T>) -> Option<i32> {
    result.unwrap_err().raw_os_error()
}

/// The system's number of the error that is the source of this one.
pub fn cause(error: &io::Error) -> Option<i32> {
    let source = std::error::Error::source(error)?;
    source.downcast_ref::<io::Error>()?.raw_os_error()
}

/// Asserts that a call failed with `InvalidInput` before any system call, and that the error contains `text`.
pub fn refused<T: std::fmt::Debug>(result: io::Result<T>, text: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
    assert_eq!(error.raw_os_error(), None, "{error}: this error came from the system");
    assert!(error.to_string().contains(text), "{error}: does not contain {text:?}");
}

pub const ENODEV: i32 = 19;
pub const EINVAL: i32 = 22;
pub const EMSGSIZE: i32 = 90;
pub const ENOPROTOOPT: i32 = 92;
pub const EOPNOTSUPP: i32 = 95;
pub const EADDRINUSE: i32 = 98;
pub const EADDRNOTAVAIL: i32 = 99;
pub const ENOBUFS: i32 = 105;
pub const ENOTCONN: i32 = 107;
