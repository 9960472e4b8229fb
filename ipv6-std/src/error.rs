//! Errors as `io::Error`: the value and the remedy in the text, the error of the system or the codec as the source.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{Ipv6Addr, SocketAddrV6};

use ipv6_core::{Control, DecodeError, EncodeError};
use ipv6_sys::Errno;
use ipv6_sys::batch::MAX_PARTS;

/// Returns whether a call failed because a datagram is too long: for its protocol, for the device, for the path of a
/// socket that [does not fragment](crate::Conn::set_dont_fragment), or for the send buffer. [`std::io::ErrorKind`] has
/// no kind for it.
///
/// The send buffer of a UDP socket has 9,216 bytes by default on FreeBSD (13, executed):
/// [`set_send_buffer_size`](crate::Conn::set_send_buffer_size) allows longer datagrams.
///
/// `false` for the network's report that an earlier datagram was too long, which the system returns from the next call
/// on the socket, whatever that sends. Calls return it as an error of its own kind, whose
/// [source](std::error::Error::source) is the system's error `EMSGSIZE`. Repeat the call.
///
/// ```
/// use ipv6_std::{PacketConn, SendControl, is_too_long};
/// let conn = PacketConn::bind("[::1]:0")?;
/// let error = conn.send_to(&[0; 65_528], &SendControl::new(), conn.local_addr()?).unwrap_err();
/// assert!(is_too_long(&error));
/// # std::io::Result::Ok(())
/// ```
#[doc(alias = "EMSGSIZE", alias = "WSAEMSGSIZE")]
#[must_use]
pub fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::MSGSIZE.raw())
}

/// Returns whether a receive failed because of the network or a peer. The next receive can succeed: a server continues.
///
/// - An ICMPv6 error about a datagram that the socket sent before (`ConnectionRefused`, `HostUnreachable`,
///   `NetworkUnreachable`, `PermissionDenied`, too long, and others). Linux reports it to the next call of a socket that is
///   connected or [queues errors](crate::PacketConn::set_queue_errors), other systems to connected sockets; Windows
///   reports `ConnectionReset`.
/// - Control messages that cannot be decoded (`InvalidData`). The datagram is lost. Control messages that were cut are no
///   error: [`Received::control_truncated`](crate::Received::control_truncated).
///
/// Everything else is about the socket or the program, such as `TimedOut`, `BrokenPipe` or `OutOfMemory`.
///
/// ```no_run
/// use ipv6_std::{ControlFlags, PacketConn, is_about_peer};
///
/// let conn = PacketConn::bind("[::]:7")?;
/// conn.set_control_flags(ControlFlags::DESTINATION | ControlFlags::INTERFACE, true)?;
/// let mut payload = [0; 1500];
/// loop {
///     let got = match conn.recv_from(&mut payload) {
///         // A path MTU message is no datagram. It is received only with `ControlFlags::PATH_MTU`.
///         Ok(got) if got.control.path_mtu.is_none() => got,
///         Ok(_) => continue,
///         Err(error) if is_about_peer(&error) => continue,
///         Err(error) => return Err(error),
///     };
///     // A reply that cannot be sent must not end the server either.
///     let _ = conn.send_to(&payload[..got.len], &got.control.reply(), got.source);
/// }
/// # #[allow(unreachable_code)]
/// # std::io::Result::Ok(())
/// ```
#[doc(alias = "ECONNREFUSED", alias = "EHOSTUNREACH", alias = "WSAECONNRESET")]
#[must_use]
pub fn is_about_peer(error: &io::Error) -> bool {
    match number(error) {
        Some(errno) => Errno::from_raw(errno).is_from_network(),
        None => std::error::Error::source(error).is_some_and(|source| source.is::<DecodeError>()),
    }
}

/// The system's number of an error, or of the one that it explains.
pub(crate) fn number(error: &io::Error) -> Option<i32> {
    let source = std::error::Error::source(error);
    let cause = source.and_then(|source| source.downcast_ref::<io::Error>());
    error.raw_os_error().or(cause.and_then(io::Error::raw_os_error))
}

/// The same number on all Unix systems. [`std::io::ErrorKind`] has no kind for it.
pub(crate) const EIO: i32 = 5;

/// The same number on all Unix systems. Its [`std::io::ErrorKind`] is also that of `EPERM`.
pub(crate) const EACCES: i32 = 13;

/// Control messages that do not fit in the buffer of a single send.
#[derive(Debug)]
struct DoNotFit {
    source: EncodeError,
}

impl fmt::Display for DoNotFit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "writing control messages: {}; send_messages takes a larger buffer", self.source)
    }
}

impl std::error::Error for DoNotFit {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// An error of the system, with what would help.
#[derive(Debug)]
struct Explained {
    source: io::Error,
    text: String,
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.text)
    }
}

impl std::error::Error for Explained {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// `EMSGSIZE` that is not about the datagram of the call that returns it. It has no number, so that [`is_too_long`] is
/// `false`.
#[derive(Debug)]
struct Earlier {
    source: io::Error,
    about: &'static str,
}

impl fmt::Display for Earlier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, about } = self;
        write!(f, "{source}: {about}")
    }
}

impl std::error::Error for Earlier {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// The number of an error that the network, or the host of a peer, causes.
#[cold]
pub(crate) fn from_network(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw).filter(|errno| errno.is_from_network())
}

/// The error of a send call that returns the network's report about an earlier datagram.
#[cold]
pub(crate) fn earlier(errno: Errno) -> io::Error {
    if errno != Errno::MSGSIZE {
        return errno.into();
    }
    let about = "an earlier datagram was too long for its path; this one was not sent: repeat the call";
    io::Error::other(Earlier { source: errno.into(), about })
}

/// Refuses more buffers for one received payload than the system takes. Its error, `EMSGSIZE`, is also that of a report that
/// an earlier datagram was too long, after which a program goes on.
pub(crate) fn check_buffers(count: usize) -> io::Result<()> {
    if count > MAX_PARTS {
        return Err(invalid(format!(
            "one payload is received into at most {MAX_PARTS} buffers, not {count}"
        )));
    }
    Ok(())
}

/// The error of a receive call. What it receives is never too long: the system cuts it off.
#[cold]
pub(crate) fn received(source: io::Error) -> io::Error {
    if is_too_long(&source) {
        let about = "an earlier datagram was too long for its path";
        return io::Error::other(Earlier { source, about });
    }
    source
}

/// `source` with more text; the error stays its source.
#[cold]
pub(crate) fn explained(kind: ErrorKind, source: io::Error, text: impl Into<String>) -> io::Error {
    io::Error::new(kind, Explained { source, text: text.into() })
}

/// `source`. If it is an error of privilege, its text also contains what the program needs.
pub(crate) fn privileged(source: io::Error, needs: impl fmt::Display) -> io::Error {
    match source.kind() {
        ErrorKind::PermissionDenied => explained(ErrorKind::PermissionDenied, source, needs.to_string()),
        _ => source,
    }
}

#[cold]
pub(crate) fn encode(source: EncodeError) -> io::Error {
    match source {
        EncodeError::BufferTooSmall { .. } => io::Error::new(ErrorKind::InvalidInput, DoNotFit { source }),
        _ => source.into(),
    }
}

#[cold]
pub(crate) fn invalid(text: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, text.into())
}

#[cold]
pub(crate) fn busy(text: &'static str) -> io::Error {
    io::Error::new(ErrorKind::ResourceBusy, text)
}

/// The error of a receive after the socket was shut down for receiving. Linux returns an empty datagram without a sender.
#[cold]
pub(crate) fn shut_down() -> io::Error {
    io::Error::new(ErrorKind::BrokenPipe, "the socket is shut down for receiving, and no datagram is left")
}

/// The error of a send on a socket that is not bound, when the system has no free port for it.
#[cold]
pub(crate) fn no_port(source: io::Error) -> io::Error {
    let range =
        "no local port is free: bind the socket, or widen net.ipv4.ip_local_port_range, which IPv6 uses too";
    explained(ErrorKind::AddrInUse, source, range)
}

/// Why a datagram is refused before the system call. An `io::Error` has its text on the heap, so it is made only when
/// the caller gets it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refused<'a> {
    Control(EncodeError),
    Segments(u16),
    MulticastSource(&'a Ipv6Addr),
    MappedSource(&'a Ipv6Addr),
    /// On a dual-stack socket, for an IPv6 destination.
    SourceOfIpv4(&'a Ipv6Addr),
    MappedDestination(&'a SocketAddrV6),
    /// The kernel would leave out this message.
    LeftOut(&'static str),
}

impl From<Refused<'_>> for io::Error {
    #[cold]
    fn from(refused: Refused<'_>) -> Self {
        match refused {
            Refused::Control(error) => encode(error),
            Refused::Segments(0) => no_segment(),
            Refused::Segments(size) => io::Error::new(ErrorKind::Unsupported, NoSegments { size }),
            Refused::MulticastSource(source) => no_source(source),
            Refused::MappedSource(source) => mapped(source),
            Refused::SourceOfIpv4(source) => invalid(format!(
                "{source} is an IPv4-mapped address, which cannot be the source for an IPv6 destination: use an IPv6 \
                 source, or none"
            )),
            Refused::MappedDestination(to) => mapped(to),
            Refused::LeftOut(name) => left_out(name),
        }
    }
}

/// The error of a message or an option that the kernel would leave out of what the socket sends.
#[cold]
pub(crate) fn left_out(name: &str) -> io::Error {
    let on = "on an ICMPv6 socket without privilege";
    let text = match name {
        "IPV6_PKTINFO" => format!("Linux takes no source in {name} {on}: bind the socket to it"),
        _ => format!("Linux sends no {name} {on}: use a raw socket"),
    };
    io::Error::new(ErrorKind::Unsupported, text)
}

/// The error of a segment size of 0.
#[cold]
pub(crate) fn no_segment() -> io::Error {
    invalid("segment size 0: it must be at least 1")
}

/// A socket that cannot send segments.
#[derive(Debug)]
struct NoSegments {
    size: u16,
}

impl fmt::Display for NoSegments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size } = self;
        write!(
            f,
            "segment size {size}: this socket has no UDP_SEGMENT (Windows: UDP_SEND_MSG_SIZE); send_segments sends \
             segments one by one"
        )
    }
}

impl std::error::Error for NoSegments {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(const { &EncodeError::Unsupported(Control::SegmentSize) })
    }
}

/// Why a datagram was not sent.
#[derive(Debug)]
pub(crate) enum Unsent<'a> {
    Refused(Refused<'a>),
    System(io::Error),
}

impl<'a> From<Refused<'a>> for Unsent<'a> {
    fn from(refused: Refused<'a>) -> Self {
        Self::Refused(refused)
    }
}

impl From<Unsent<'_>> for io::Error {
    #[cold]
    fn from(unsent: Unsent<'_>) -> Self {
        match unsent {
            Unsent::Refused(refused) => refused.into(),
            Unsent::System(error) => error,
        }
    }
}

/// `group`, if it is a multicast address.
pub(crate) fn multicast(group: Ipv6Addr) -> io::Result<Ipv6Addr> {
    if group.is_multicast() { Ok(group) } else { Err(invalid(format!("{group} is not a multicast address"))) }
}

/// `source`, if it can be the source of a packet: one host's own IPv6 address.
pub(crate) fn unicast(source: Ipv6Addr) -> io::Result<Ipv6Addr> {
    if source.is_unspecified() {
        Err(invalid(format!("{source} is the unspecified address, which cannot be the source of a packet")))
    } else {
        not_mapped(not_multicast(source)?)
    }
}

/// `source`, if it is not a multicast address.
pub(crate) fn not_multicast(source: Ipv6Addr) -> io::Result<Ipv6Addr> {
    if source.is_multicast() { Err(no_source(&source)) } else { Ok(source) }
}

/// The error of a multicast address as a source.
fn no_source(group: &Ipv6Addr) -> io::Error {
    invalid(format!("{group} is a multicast address, which cannot be the source of a packet"))
}

/// `address`, if it is not IPv4-mapped (RFC 4291 section 2.5.5.2).
pub(crate) fn not_mapped(address: Ipv6Addr) -> io::Result<Ipv6Addr> {
    if is_mapped(&address) {
        Err(invalid(format!(
            "{address} is an IPv4-mapped address, which cannot be the source of an IPv6 group"
        )))
    } else {
        Ok(address)
    }
}

/// `address`, if it is not IPv4-mapped, for a socket that carries IPv6 only.
pub(crate) fn not_mapped_socket(address: SocketAddrV6) -> io::Result<SocketAddrV6> {
    if is_mapped(address.ip()) { Err(mapped(address)) } else { Ok(address) }
}

/// As `to_ipv4_mapped().is_some()`, in fewer instructions: every send calls it.
#[inline]
pub(crate) fn is_mapped(address: &Ipv6Addr) -> bool {
    // The first eight are seldom zero: one comparison, and another one for the next four.
    let octets = address.octets();
    octets.starts_with(&[0; 8]) && octets.split_at(8).1.starts_with(&[0, 0, 0xff, 0xff])
}

/// The error of hop limit 0 for a dual-stack socket.
#[cold]
pub(crate) fn no_hop_limit_of_ipv4() -> io::Error {
    invalid(
        "hop limit 0: this socket carries IPv4 too, which has no time to live of 0; SendControl::with_hop_limit sets \
         that of single IPv6 datagrams",
    )
}

#[cold]
pub(crate) fn mapped(address: impl fmt::Display) -> io::Error {
    invalid(format!(
        "{address} is an IPv4-mapped address, and this socket carries IPv6 only: open it with \
         PacketConn::builder().only_v6(false), and bind it to [::] or to an IPv4 address"
    ))
}
