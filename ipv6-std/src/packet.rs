//! Datagrams with their control messages, and multicast groups.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs, UdpSocket};
use std::ops::Deref;
use std::time::{Duration, Instant};

use ipv6_core::abi::Platform;
use ipv6_core::cmsg::RawMessages;
use ipv6_core::{
    BpfInstruction, Control, ControlFlags, DecodeError, Ecn, EncodeError, InterfaceIndex, RecvControl,
    SendControl,
};
use ipv6_sys::batch::{self, Outgoing, Ports, Room, SendError};
use ipv6_sys::message::{self, Arrival, ControlBuffer, ControlBytes, ControlSpace, MessageFlags, PeerName};
use ipv6_sys::option::{self, Group, SourceGroup};
use ipv6_sys::socket::{self, Kind};
use ipv6_sys::wait::{Ready, wait};
use ipv6_sys::{Errno, Host};

use crate::batch::{RecvBatch, SendBatch};
use crate::coalesce::{self, Coalescing};
use crate::conn::Conn;
use crate::connected::Connected;
use crate::deadline::Deadline;
use crate::error::{self, Refused, Unsent};
use crate::fd::{AsFd, BorrowedFd, lends_socket};

/// Bytes of control buffer for every message that can be switched on, and a margin for those that others
/// switched on: Linux writes timestamps, marks and counts first (net/core/sock.c: `__sock_recv_cmsgs`), and
/// would cut ours for them.
pub(crate) const RECV_SPACE: usize = RecvControl::max_space::<Host>() + 4 * Host::ABI.cmsg.space(4);

/// Bytes of control buffer for any [`SendControl`].
pub(crate) const SEND_SPACE: usize = SendControl::max_space::<Host>();

/// A socket that carries datagrams: UDP, or any other kind that keeps messages apart.
///
/// It sends and receives with control messages and joins multicast groups. Header options are those of
/// [`Conn`], to which it dereferences. All methods take `&self`, and any number of threads may call them
/// at once.
///
/// ```
/// use ipv6_std::{ControlFlags, PacketConn, SendControl};
///
/// let conn = PacketConn::bind("[::1]:0")?;
/// conn.set_control_flags(ControlFlags::DESTINATION, true)?;
/// conn.send_to(b"to myself", &SendControl::new(), conn.local_addr()?)?;
///
/// let mut payload = [0; 64];
/// let got = conn.recv_from(&mut payload)?;
/// assert_eq!(&payload[..got.len], b"to myself");
/// assert_eq!(got.control.destination, Some("::1".parse().unwrap()));
/// # std::io::Result::Ok(())
/// ```
pub struct PacketConn<S = UdpSocket> {
    conn: Conn<S>,
    /// What the port of a destination means to the socket.
    ports: Ports,
    /// Whether the socket was for IPv6 only when it was wrapped.
    v6_only: bool,
    /// Whether a receive without control messages says what was cut.
    tells_length: bool,
    coalescing: Coalescing,
    read: Deadline,
    write: Deadline,
}

/// What came with a datagram that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Bytes of payload in the buffer.
    pub len: usize,
    /// Who sent it. Of a raw socket the port is 0. A datagram that came over IPv4 has an IPv4-mapped
    /// address. With news of a path MTU it is the destination that the news is about.
    pub source: SocketAddrV6,
    /// The control messages that were asked for.
    pub control: RecvControl<'static>,
    /// Whether the payload was longer than the buffer; the rest of it is lost.
    pub truncated: bool,
    /// Whether there were more control messages than room for them; those that arrived whole are in
    /// `control`. Only options that were switched on behind this API's back can make it so.
    pub control_truncated: bool,
}

/// What came with a datagram that was received into a control buffer of the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'c> {
    /// Bytes of payload in the buffer.
    pub len: usize,
    /// Who sent it, as in [`Received::source`].
    pub source: SocketAddrV6,
    /// Whether the payload was longer than the buffer; the rest of it is lost.
    pub truncated: bool,
    /// Whether there were more control messages than room for them; the rest of them is lost.
    pub control_truncated: bool,
    control: &'c [u8],
}

impl<'c> Message<'c> {
    /// The control messages that have a field in [`RecvControl`], whether they were asked for by flags or
    /// otherwise.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when a message is not as this system has it. Of messages that were cut
    /// ([`control_truncated`](Self::control_truncated)) those that arrived whole are given, without error.
    pub fn control(&self) -> Result<RecvControl<'c>, DecodeError> {
        message::decode(self.control, self.control_truncated)
    }

    /// Every control message, also those that this crate has no field for.
    pub fn raw_messages(&self) -> RawMessages<'c, Host> {
        RawMessages::new(self.control)
    }

    /// The control messages as bytes, as the kernel wrote them.
    pub fn raw_control(&self) -> &'c [u8] {
        self.control
    }
}

impl Received {
    /// What the kernel said, with the control messages that are wanted.
    #[inline(always)]
    pub(crate) fn new(arrival: Arrival<'_>, wanted: ControlFlags) -> io::Result<Self> {
        const FIELDS: ControlFlags =
            ControlFlags::TRAFFIC_CLASS.union(ControlFlags::HOP_LIMIT).union(ControlFlags::DESTINATION);
        // Everything as it most often is, in one piece, of which nothing goes through memory.
        if wanted.contains(FIELDS) && !arrival.control_truncated() {
            if let Some(control) = RecvControl::decode_three::<Host>(arrival.control) {
                if let Some(source) = arrival.source() {
                    let mut control = control.detach();
                    if !wanted.contains(ControlFlags::INTERFACE) {
                        control.interface = None;
                    }
                    let (len, truncated) = (arrival.len, arrival.truncated());
                    return Ok(Self { len, source, control, truncated, control_truncated: false });
                }
            }
        }
        let Arrival { len, flags, name, control } = arrival;
        Self::some(len, flags, name, control, wanted)
    }

    /// The same where some of them may be missing, or datagrams came together. It is given the parts of the arrival: to
    /// hand on the whole, it would have to be in memory, also where it is not handed on.
    #[inline(never)]
    fn some(len: usize, flags: i32, name: &[u8], control: &[u8], wanted: ControlFlags) -> io::Result<Self> {
        let arrival = Arrival { len, flags, name, control };
        match RecvControl::decode_in_order::<Host>(control) {
            Some(got) if !arrival.control_truncated() => Ok(Self::with(arrival, got, wanted)),
            _ => Self::any(len, flags, name, control, wanted),
        }
    }

    /// The same with control messages of any kind, in any order, whole or not.
    #[cold]
    #[inline(never)]
    fn any(len: usize, flags: i32, name: &[u8], control: &[u8], wanted: ControlFlags) -> io::Result<Self> {
        let arrival = Arrival { len, flags, name, control };
        Ok(Self::with(arrival, arrival.decode().map_err(error::decode)?, wanted))
    }

    /// What the kernel said, with these control messages, as far as they are wanted.
    #[inline(always)]
    fn with(arrival: Arrival<'_>, control: RecvControl<'_>, wanted: ControlFlags) -> Self {
        Self { control: control.filter(wanted).detach(), ..Self::plain(arrival.received()) }
    }

    /// What the kernel said of a message without control messages.
    #[inline(always)]
    fn plain(received: message::Received) -> Self {
        let message::Received { len, source, truncated, control_truncated } = received;
        let control = RecvControl::default();
        Self { len, source: source.unwrap_or(NOBODY), control, truncated, control_truncated }
    }
}

/// The source of a message of which the system tells none.
pub(crate) const NOBODY: SocketAddrV6 = SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0);

impl PacketConn<UdpSocket> {
    /// Opens a UDP socket for IPv6 only, bound to the first IPv6 address of `addr` that it can be bound
    /// to.
    ///
    /// A socket that also carries IPv4 is made by other means, as with
    /// [`UdpSocket::bind`], and given to [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `addr` has no IPv6 address, or an IPv4-mapped one; the system's error when
    /// none can be bound.
    #[doc(alias = "ListenPacket", alias = "IPV6_V6ONLY")]
    pub fn bind(addr: impl ToSocketAddrs) -> io::Result<Self> {
        let mut failure = error::invalid("no IPv6 address to bind to");
        for address in addr.to_socket_addrs()? {
            let SocketAddr::V6(address) = address else { continue };
            match open(error::not_mapped_socket(address)?, false) {
                Ok(socket) => return Self::new(socket),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Opens a UDP socket for IPv6 only that shares its port with others that were opened this way, as
    /// listeners of multicast groups do: each of them gets every multicast datagram.
    ///
    /// A multicast address, whole or as a prefix such as `[ff02::]:1024`, stands for the wildcard: the
    /// groups to hear are those that are [joined](Self::join_group).
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an IPv4-mapped address; the system's error when it cannot be bound, as when
    /// the port is taken by a socket that does not share.
    ///
    /// ```
    /// use ipv6_std::PacketConn;
    /// let first = PacketConn::bind_reusable("[ff02::]:0".parse().unwrap())?;
    /// let port = first.local_addr()?.port();
    /// let second = PacketConn::bind_reusable(format!("[ff02::]:{port}").parse().unwrap())?;
    /// assert!(second.local_addr()?.ip().is_unspecified());
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "SO_REUSEADDR", alias = "SO_REUSEPORT", alias = "ListenPacket")]
    pub fn bind_reusable(addr: SocketAddrV6) -> io::Result<Self> {
        let mut addr = error::not_mapped_socket(addr)?;
        if addr.ip().is_multicast() {
            addr.set_ip(Ipv6Addr::UNSPECIFIED);
            addr.set_scope_id(0);
        }
        Self::new(open(addr, true)?)
    }
}

impl<S: AsFd> PacketConn<S> {
    /// Prepares a socket of the same port for one peer of this one: see [`Connected`].
    #[doc(alias = "connect", alias = "Dial")]
    pub fn connected(&self) -> Connected<'_, S> {
        Connected::new(self)
    }
}

pub(crate) fn open(address: SocketAddrV6, reusable: bool) -> io::Result<UdpSocket> {
    let socket = socket::datagram()?;
    option::V6_ONLY.set(&socket, true)?;
    if reusable {
        socket::set_reuse_address(&socket, true)?;
    }
    socket::bind(&socket, &address)?;
    Ok(UdpSocket::from(socket))
}

/// Whether there is something to receive, or an error to fetch.
fn something_waits(socket: BorrowedFd<'_>) -> io::Result<bool> {
    loop {
        match wait(socket, Ready::Receive, Some(Duration::ZERO)) {
            Err(Errno::INTR) => {}
            answer => return Ok(answer?),
        }
    }
}

impl<S: AsFd> PacketConn<S> {
    /// Wraps a socket that keeps messages apart: UDP, ICMPv6, raw. What it tells of received messages
    /// stays as it is.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when it is not an IPv6 socket, or a stream.
    #[doc(alias = "NewPacketConn")]
    pub fn new(socket: S) -> io::Result<Self> {
        let conn = Conn::new(socket)?;
        let ports = match socket::kind(&conn)? {
            Kind::Raw => Ports::Zero,
            Kind::Stream => return Err(error::invalid("a stream socket has no datagrams: use Conn")),
            _ => Ports::Sent,
        };
        let v6_only = ports == Ports::Zero || option::V6_ONLY.get(&conn)?;
        let tells_length = socket::tells_length(&conn)?;
        let coalescing = Coalescing::new(socket::coalesces(&conn));
        let (read, write) = (Deadline::none(), Deadline::none());
        Ok(Self { conn, ports, v6_only, tells_length, coalescing, read, write })
    }

    /// Receives one datagram into `payload`, with its control messages.
    ///
    /// What does not fit into `payload` is lost, and [`Received::truncated`] says so.
    ///
    /// # Errors
    ///
    /// `TimedOut` after the [deadline](Self::set_read_deadline), `WouldBlock` on a socket that does not
    /// wait, and what the network reported for an earlier datagram (`ConnectionRefused`, for one).
    #[doc(alias = "recvmsg", alias = "ReadFrom")]
    // The caller gets the result in registers, not in memory.
    #[inline(always)]
    pub fn recv_from(&self, payload: &mut [u8]) -> io::Result<Received> {
        if self.conn.control_flags().is_empty() {
            return self.receive_plain(payload);
        }
        self.receive(&mut [IoSliceMut::new(payload)])
    }

    /// Receives one datagram into several buffers, filled one after another.
    ///
    /// # Errors
    ///
    /// Those of [`recv_from`](Self::recv_from); `EMSGSIZE` for more than 1,024 buffers.
    #[doc(alias = "recvmsg", alias = "readv")]
    pub fn recv_vectored(&self, payload: &mut [IoSliceMut<'_>]) -> io::Result<Received> {
        self.receive(payload)
    }

    #[inline(always)]
    fn receive(&self, payload: &mut [IoSliceMut<'_>]) -> io::Result<Received> {
        if self.read.is_set() {
            return self.receive_until(payload, None);
        }
        let (mut peer, mut buffer) = (PeerName::new(), ControlBuffer::<RECV_SPACE>::new());
        let mut control = ControlSpace::from(&mut buffer);
        let once = MessageFlags::empty();
        match message::receive_raw(self.as_fd(), payload, &mut peer, &mut control, once) {
            Ok(arrival) => Received::new(arrival, self.conn.control_flags()),
            Err(errno) => self.receive_until(payload, Some(errno)),
        }
    }

    /// Receives where no control messages are wanted.
    #[inline(always)]
    fn receive_plain(&self, payload: &mut [u8]) -> io::Result<Received> {
        if !self.tells_length || self.coalescing.receives() || self.read.is_set() {
            return self.receive_until(&mut [IoSliceMut::new(payload)], None);
        }
        match message::receive_from(self.as_fd(), payload, MessageFlags::empty()) {
            Ok(received) => Ok(Received::plain(received)),
            Err(errno) => self.receive_until(&mut [IoSliceMut::new(payload)], Some(errno)),
        }
    }

    /// Receives with a deadline, or after a call that has failed, or what a shorter way cannot: out of the way of what
    /// needs none of it.
    #[cold]
    #[inline(never)]
    fn receive_until(&self, payload: &mut [IoSliceMut<'_>], failed: Option<Errno>) -> io::Result<Received> {
        let (mut peer, mut buffer) = (PeerName::new(), ControlBuffer::<RECV_SPACE>::new());
        let mut control = ControlSpace::from(&mut buffer);
        let caller = self.read.on(self.as_fd(), Ready::Receive).after(failed);
        let arrival = message::receive_raw(self.as_fd(), payload, &mut peer, &mut control, caller)?;
        Received::new(arrival, self.conn.control_flags())
    }

    /// Receives one datagram into `payload`, and all its control messages into `control`, from which
    /// [`Message`] borrows them.
    ///
    /// `control` may have any alignment; of one that is not aligned to 8, up to 7 bytes are not used.
    /// [`ControlFlags::space`] says how many bytes the messages of this crate take.
    ///
    /// # Errors
    ///
    /// Those of [`recv_from`](Self::recv_from).
    ///
    /// ```
    /// use ipv6_std::{ControlFlags, PacketConn, SendControl};
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// conn.set_control_flags(ControlFlags::HOP_LIMIT, true)?;
    /// conn.send_to(b"x", &SendControl::new().with_hop_limit(9), conn.local_addr()?)?;
    ///
    /// let (mut payload, mut control) = ([0; 16], [0; 256]);
    /// let message = conn.recv_message(&mut payload, &mut control)?;
    /// for raw in message.raw_messages() {
    ///     println!("{:?}", raw.unwrap());
    /// }
    /// assert_eq!(message.control().unwrap().hop_limit, Some(9));
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "recvmsg")]
    pub fn recv_message<'c>(&self, payload: &mut [u8], control: &'c mut [u8]) -> io::Result<Message<'c>> {
        let mut control = ControlSpace::from(control);
        let caller = self.read.on(self.as_fd(), Ready::Receive);
        let message::Received { len, source, truncated, control_truncated } =
            message::receive(self.as_fd(), &mut [IoSliceMut::new(payload)], &mut control, caller)?;
        let (source, control) = (source.unwrap_or(NOBODY), control.into_written());
        Ok(Message { len, source, truncated, control_truncated, control })
    }

    /// Sends one datagram with its control messages. Says how many bytes of payload went: all of them.
    ///
    /// The scope of a link-local destination is honoured; a raw socket ignores the port.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a source that is multicast, and for an IPv4-mapped source or destination on a
    /// socket for IPv6 only; `Unsupported` for a control message that the system does not take; `EMSGSIZE`
    /// for a payload over what the protocol carries (65,527 bytes for UDP), or over the path MTU on a
    /// socket that does not fragment; `TimedOut` after the [deadline](Self::set_write_deadline); what the
    /// network reported for an earlier datagram.
    #[doc(alias = "sendmsg", alias = "WriteTo")]
    #[inline(always)]
    pub fn send_to(&self, payload: &[u8], control: &SendControl<'_>, to: SocketAddrV6) -> io::Result<usize> {
        self.send_parts(&[IoSlice::new(payload)], control, Some(&to))
    }

    /// The same control messages with this congestion notification, and the DSCP that they have or, without a
    /// traffic class of their own, the socket's. DSCP and ECN share one byte: who sends the one sends the other.
    ///
    /// This asks the socket: what it gives is good for as many datagrams as are sent this way.
    ///
    /// ```
    /// use ipv6_std::{Ecn, PacketConn, SendControl};
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// conn.set_dscp(10)?; // AF11
    /// let capable = conn.control_with_ecn(SendControl::new(), Ecn::Ect0)?;
    /// assert_eq!((capable.dscp(), capable.ecn()), (Some(10), Some(Ecn::Ect0)));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn control_with_ecn<'c>(&self, control: SendControl<'c>, ecn: Ecn) -> io::Result<SendControl<'c>> {
        let traffic_class = match control.traffic_class {
            Some(traffic_class) => traffic_class,
            None => self.conn.traffic_class()?,
        };
        Ok(control.with_traffic_class(ecn.mark(traffic_class)))
    }

    /// Sends one datagram to the peer of a connected socket, with its control messages.
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](Self::send_to); `EDESTADDRREQ` when the socket has no peer.
    #[doc(alias = "sendmsg")]
    pub fn send(&self, payload: &[u8], control: &SendControl<'_>) -> io::Result<usize> {
        self.send_parts(&[IoSlice::new(payload)], control, None)
    }

    /// Sends one datagram made of several buffers, one after another.
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](Self::send_to); `EMSGSIZE` for more than 1,024 buffers.
    #[doc(alias = "sendmsg", alias = "writev")]
    pub fn send_vectored(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        to: SocketAddrV6,
    ) -> io::Result<usize> {
        self.send_parts(payload, control, Some(&to))
    }

    #[inline(always)]
    fn send_parts(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        to: Option<&SocketAddrV6>,
    ) -> io::Result<usize> {
        let mut bytes = ControlBytes::<SEND_SPACE>::new();
        match bytes.encode_three(control) {
            Some(encoded) => self.send_encoded(payload, control, encoded.map_err(error::encode)?, to),
            None if control.is_empty() => self.send_encoded(payload, &SendControl::new(), &[], to),
            None => self.send_any(payload, control, to),
        }
    }

    /// Sends with control messages of any kind.
    #[inline(never)]
    fn send_any(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        to: Option<&SocketAddrV6>,
    ) -> io::Result<usize> {
        let mut bytes = ControlBytes::<SEND_SPACE>::new();
        let encoded = bytes.encode(control).map_err(error::encode)?;
        self.send_encoded(payload, control, encoded, to)
    }

    #[inline(always)]
    fn send_encoded(
        &self,
        payload: &[IoSlice<'_>],
        control: &SendControl<'_>,
        encoded: &[u8],
        to: Option<&SocketAddrV6>,
    ) -> io::Result<usize> {
        self.check(control, to)?;
        let to = to.map(|to| self.ports.of(to));
        let socket = self.as_fd();
        message::send(socket, payload, encoded, to.as_ref(), self.write.on(socket, Ready::Send))
    }

    /// Says whether the kernel may see this.
    #[inline(always)]
    fn check<'a>(
        &self,
        control: &'a SendControl<'_>,
        to: Option<&'a SocketAddrV6>,
    ) -> Result<(), Refused<'a>> {
        if control.segment_size.is_some() && !self.coalescing.is_able() {
            return Err(Refused::Control(EncodeError::Unsupported(Control::SegmentSize)));
        }
        if let Some(source) = &control.source {
            if source.is_multicast() {
                return Err(Refused::MulticastSource(source));
            }
            if error::is_mapped(source) && self.v6_only {
                return Err(Refused::MappedSource(source));
            }
        }
        match to {
            Some(to) if error::is_mapped(to.ip()) && self.v6_only => Err(Refused::MappedDestination(to)),
            _ => Ok(()),
        }
    }

    /// Receives as many datagrams as are there, in one system call: at least one, for which it waits, and
    /// at most as many as `batch` has room for and there are `payloads`. Says how many came; the `i`-th
    /// is in `payloads[i]`, and [`RecvBatch::iter`] tells about each. A payload is anything that lends bytes, or
    /// several buffers ([`Vectored`](crate::Vectored)).
    ///
    /// On a socket that [coalesces](Self::set_receive_coalescing) a call takes what the system has put together at most
    /// 16 times: as many datagrams, or up to 128 times as many. It gives out first what is [left](RecvBatch::has_more)
    /// from the call before.
    ///
    /// # Errors
    ///
    /// Those of [`recv_from`](Self::recv_from), when not a single one came; an error after the first
    /// surfaces in the next call (with the same `batch`, where the system has no calls for batches). `InvalidInput` when
    /// `batch` [still holds](RecvBatch::has_more) datagrams of another socket.
    ///
    /// ```
    /// use ipv6_std::{PacketConn, RecvBatch, SendControl};
    ///
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// for text in ["one", "two"] {
    ///     conn.send_to(text.as_bytes(), &SendControl::new(), conn.local_addr()?)?;
    /// }
    ///
    /// // Made once, used again and again.
    /// let mut batch = RecvBatch::new(32);
    /// let mut payloads = vec![[0; 1500]; 32];
    /// assert_eq!(conn.recv_batch(&mut batch, &mut payloads)?, 2);
    /// for (received, payload) in batch.iter().zip(&payloads) {
    ///     println!("{:?}", &payload[..received?.len]);
    /// }
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "recvmmsg", alias = "ReadBatch")]
    pub fn recv_batch(&self, batch: &mut RecvBatch, payloads: &mut [impl Room]) -> io::Result<usize> {
        let socket = self.as_fd();
        let caller = self.read.on(socket, Ready::Receive).with(MessageFlags::WAIT_FOR_ONE);
        batch.receive(socket, caller, self.conn.control_flags(), &self.coalescing, payloads)
    }

    /// Sends datagrams in order, with as few system calls as `batch` has room for. Says how many went:
    /// fewer than there are when one failed after the first; sending from that one on tells why. As with
    /// `sendmmsg(2)` the error itself is not kept: what the network reports of an earlier datagram, and tells once, may
    /// then pass unheard. Who wants to hear it [queues errors](Self::set_queue_errors).
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](Self::send_to), for the first datagram.
    ///
    /// ```
    /// use ipv6_std::{Outgoing, PacketConn, SendBatch, SendControl};
    ///
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// let to = Some(conn.local_addr()?);
    /// let control = SendControl::new().with_traffic_class(0x28);
    /// let messages = [b"one", b"two"].map(|text| Outgoing::new(text, control, to));
    ///
    /// let mut batch = SendBatch::new(32); // made once, used again and again
    /// assert_eq!(conn.send_batch(&mut batch, &messages)?, 2);
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "sendmmsg", alias = "WriteBatch")]
    pub fn send_batch(&self, batch: &mut SendBatch, messages: &[Outgoing<'_>]) -> io::Result<usize> {
        let mut sent = 0;
        while let Some(rest) = messages.get(sent..).filter(|rest| !rest.is_empty()) {
            match self.send_some(batch, rest) {
                Ok(count) => sent += count,
                Err(unsent) if sent == 0 => return Err(unsent.into()),
                Err(_) => break,
            }
        }
        Ok(sent)
    }

    /// Sends the first of `messages`, at least one, in one system call; in another when the device refuses several
    /// at once.
    fn send_some<'m>(
        &self,
        batch: &mut SendBatch,
        messages: &'m [Outgoing<'m>],
    ) -> Result<usize, Unsent<'m>> {
        // One that cannot be sent ends the call before it, and is an error when it is the first.
        let Some(first) = messages.first() else { return Ok(0) };
        self.check(&first.control, first.to.as_ref())?;
        let socket = self.as_fd();
        let (mut limits, mut refused) = (self.coalescing.limits(), false);
        loop {
            let caller = self.write.on(socket, Ready::Send);
            let accept = |message: &Outgoing<'_>| {
                self.check(&message.control, message.to.as_ref()).ok().map(|()| self.ports)
            };
            let answer = batch::send_if(socket, batch.storage(), messages, accept, limits, caller);
            let error = match answer {
                Ok(count) => {
                    if refused {
                        self.coalescing.learn(limits);
                    }
                    return Ok(count);
                }
                Err(SendError::Control(error)) => return Err(Refused::Control(error).into()),
                Err(SendError::Os(error)) => error,
            };
            match coalesce::fewer(limits, &error, batch.first_run(), first.payload.len()) {
                Some(fewer) => (limits, refused) = (fewer, true),
                None => return Err(Unsent::System(error)),
            }
        }
    }

    /// Makes [`send_batch`](Self::send_batch) put messages together that the system can take as one, or send each by
    /// itself. It is on from the start where the system has such a thing: on Linux, for UDP sockets.
    ///
    /// Messages that follow one another with the same destination, the same control messages and the same size (the
    /// last may be shorter) go as one and are cut again on their way (`UDP_SEGMENT`). Who receives them cannot tell.
    ///
    /// Switching it on, also where it is on, forgets what was [refused](Self::coalescing_refused): for a socket that
    /// has come to another device since.
    #[doc(alias = "UDP_SEGMENT", alias = "GSO")]
    pub fn set_send_coalescing(&self, on: bool) {
        self.coalescing.set_send(on);
    }

    /// Whether [`send_batch`](Self::send_batch) puts messages together.
    pub fn send_coalescing(&self) -> bool {
        self.coalescing.sends()
    }

    /// How many messages [`send_batch`](Self::send_batch) puts together at most: what is known of this socket so far.
    /// 1 where the system has no such thing, or the device has refused it.
    ///
    /// It is learnt from batches alone, and is Linux's most, 128, until one is refused: a kernel before 6.9 takes 64,
    /// and a socket that could, but must not (`UDP_NO_CHECK6_TX`), none. What goes together has no more than 65,487
    /// bytes, however few that are.
    #[doc(alias = "UDP_MAX_SEGMENTS")]
    pub fn max_segments(&self) -> usize {
        self.coalescing.max_segments().into()
    }

    /// How often a device or the system has refused messages that went as one. They were sent again by themselves
    /// or with fewer others, and so is what comes after them.
    pub fn coalescing_refused(&self) -> u32 {
        self.coalescing.refused()
    }

    /// Lets the system put datagrams together that come one after another, from one sender with the same headers
    /// (`UDP_GRO`, Linux). [`recv_batch`](Self::recv_batch) takes them apart again, so that nothing else changes for
    /// who uses that. Any other receive gets several at once, with the size of each in
    /// [`RecvControl::segment_size`], and wants room for 65,535 bytes: see [`Segments`](crate::Segments).
    ///
    /// Switch it while nobody receives: a call that waits already, in another thread, has room for one datagram, or
    /// knows no sizes any more. A wrapper looks for the option when it is [made](Self::new), and no more: where a copy of
    /// the socket (`try_clone`) is wrapped by itself, switch it there too.
    ///
    /// # Errors
    ///
    /// `Unsupported` where the system has no such thing; the system's error for sockets that are not UDP's.
    /// `ResourceBusy`, and it stays on, when it is to be switched off while something waits on the socket, a datagram or an
    /// error: Linux would not tell any more how long each of those is that it has put together already.
    ///
    /// ```
    /// use ipv6_std::{Outgoing, PacketConn, RecvBatch, SendBatch, SendControl};
    ///
    /// let (sender, receiver) = (PacketConn::bind("[::1]:0")?, PacketConn::bind("[::1]:0")?);
    /// # if cfg!(target_os = "linux") {
    /// receiver.set_receive_coalescing(true)?;
    /// # }
    /// let to = Some(receiver.local_addr()?);
    /// let messages = [b"one", b"two"].map(|text| Outgoing::new(text, SendControl::new(), to));
    /// sender.send_batch(&mut SendBatch::new(8), &messages)?; // one message for the system
    ///
    /// let (mut batch, mut payloads) = (RecvBatch::new(8), vec![[0; 1500]; 8]);
    /// assert_eq!(receiver.recv_batch(&mut batch, &mut payloads)?, 2);
    /// assert_eq!(&payloads[1][..3], b"two");
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "UDP_GRO")]
    pub fn set_receive_coalescing(&self, on: bool) -> io::Result<()> {
        let (socket, ends) = (self.as_fd(), self.coalescing.receives() && !on);
        let busy = "what waits on the socket may have come together: receive it, or its error, first";
        // First of all, for while it is off nobody is told of sizes.
        if ends && something_waits(socket)? {
            return Err(error::busy(busy));
        }
        option::COALESCE.set(socket, on)?;
        // What comes from now on comes by itself. Something may have come in between.
        if ends && something_waits(socket)? {
            option::COALESCE.set(socket, true)?;
            return Err(error::busy(busy));
        }
        self.coalescing.set_receive(on);
        Ok(())
    }

    /// Whether the system puts together what is received, by [`set_receive_coalescing`](Self::set_receive_coalescing).
    pub fn receive_coalescing(&self) -> bool {
        self.coalescing.receives()
    }

    /// Makes receive and send calls fail with `TimedOut` from this time on; `None` lets them wait.
    ///
    /// A call that is waiting already follows the change within a tenth of a second, if it started with a
    /// deadline. One that started without waits for as long as it takes: to be able to end calls, set a
    /// deadline before them, however far.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// let conn = ipv6_std::PacketConn::bind("[::1]:0")?;
    /// conn.set_deadline(Some(Instant::now() + Duration::from_millis(10)));
    /// let error = conn.recv_from(&mut [0; 16]).unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "SetDeadline")]
    pub fn set_deadline(&self, deadline: Option<Instant>) {
        self.set_read_deadline(deadline);
        self.set_write_deadline(deadline);
    }

    /// Makes receive calls fail with `TimedOut` from this time on, as [`set_deadline`](Self::set_deadline).
    #[doc(alias = "SetReadDeadline", alias = "SO_RCVTIMEO")]
    pub fn set_read_deadline(&self, deadline: Option<Instant>) {
        self.read.set(deadline);
    }

    /// Makes send calls fail with `TimedOut` from this time on, as [`set_deadline`](Self::set_deadline).
    #[doc(alias = "SetWriteDeadline", alias = "SO_SNDTIMEO")]
    pub fn set_write_deadline(&self, deadline: Option<Instant>) {
        self.write.set(deadline);
    }

    /// The hop limit of what is sent to groups (RFC 3493 section 5.2).
    #[doc(alias = "IPV6_MULTICAST_HOPS", alias = "MulticastHopLimit")]
    pub fn multicast_hop_limit(&self) -> io::Result<u8> {
        Ok(option::MULTICAST_HOPS.get(self)?)
    }

    /// Sets the hop limit of what is sent to groups (RFC 3493 section 5.2). A new socket has 1.
    #[doc(alias = "IPV6_MULTICAST_HOPS", alias = "SetMulticastHopLimit")]
    pub fn set_multicast_hop_limit(&self, hop_limit: u8) -> io::Result<()> {
        Ok(option::MULTICAST_HOPS.set(self, hop_limit)?)
    }

    /// The interface by which multicast leaves; `None` is the system's choice (RFC 3493 section 5.2).
    #[doc(alias = "IPV6_MULTICAST_IF", alias = "MulticastInterface")]
    pub fn multicast_interface(&self) -> io::Result<Option<InterfaceIndex>> {
        Ok(option::MULTICAST_INTERFACE.get(self)?)
    }

    /// Sets the interface by which multicast leaves (RFC 3493 section 5.2): an [`InterfaceIndex`], an
    /// [`Interface`](crate::Interface) by reference, or `None` for the system's choice.
    ///
    /// # Errors
    ///
    /// `ENODEV` on Linux when there is no such interface.
    #[doc(alias = "IPV6_MULTICAST_IF", alias = "SetMulticastInterface")]
    pub fn set_multicast_interface(&self, on: impl Into<Option<InterfaceIndex>>) -> io::Result<()> {
        Ok(option::MULTICAST_INTERFACE.set(self, on.into())?)
    }

    /// Whether listeners on this host hear what is sent to groups from here (RFC 3493 section 5.2).
    #[doc(alias = "IPV6_MULTICAST_LOOP", alias = "MulticastLoopback")]
    pub fn multicast_loopback(&self) -> io::Result<bool> {
        Ok(option::MULTICAST_LOOPBACK.get(self)?)
    }

    /// Sets whether listeners on this host hear what is sent to groups from here (RFC 3493 section 5.2). A
    /// new socket has it on.
    #[doc(alias = "IPV6_MULTICAST_LOOP", alias = "SetMulticastLoopback")]
    pub fn set_multicast_loopback(&self, on: bool) -> io::Result<()> {
        Ok(option::MULTICAST_LOOPBACK.set(self, on)?)
    }

    /// Joins a group on an interface, from any source (RFC 3678 section 5.1): an [`InterfaceIndex`], an
    /// [`Interface`](crate::Interface) by reference, or `None` for the system's choice.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `group` is not multicast; on Linux `EADDRINUSE` when it is joined already,
    /// `ENODEV` when there is no such interface, `ENOMEM` when the socket's memberships are more than
    /// `net.core.optmem_max` has room for.
    #[doc(alias = "MCAST_JOIN_GROUP", alias = "IPV6_JOIN_GROUP", alias = "IPV6_ADD_MEMBERSHIP")]
    #[doc(alias = "JoinGroup")]
    pub fn join_group(&self, group: Ipv6Addr, on: impl Into<Option<InterfaceIndex>>) -> io::Result<()> {
        Ok(option::JOIN_GROUP.set(self, any_source(group, on.into())?)?)
    }

    /// Leaves a group on an interface, with all its sources (RFC 3678 section 5.1).
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `group` is not multicast; `EADDRNOTAVAIL` when it is not joined there.
    #[doc(alias = "MCAST_LEAVE_GROUP", alias = "IPV6_LEAVE_GROUP", alias = "IPV6_DROP_MEMBERSHIP")]
    #[doc(alias = "LeaveGroup")]
    pub fn leave_group(&self, group: Ipv6Addr, on: impl Into<Option<InterfaceIndex>>) -> io::Result<()> {
        Ok(option::LEAVE_GROUP.set(self, any_source(group, on.into())?)?)
    }

    /// Joins a group on an interface for one source (RFC 3678 section 5.1, RFC 4607); more sources may be
    /// joined after it.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `group` is not multicast or `source` not one host's IPv6 address; on Linux
    /// `EINVAL` when the group is joined for any source, `EADDRNOTAVAIL` when this source is joined
    /// already, `ENOBUFS` over `net.ipv6.mld_max_msf` sources (64).
    #[doc(alias = "MCAST_JOIN_SOURCE_GROUP", alias = "JoinSourceSpecificGroup")]
    pub fn join_source_group(
        &self,
        group: Ipv6Addr,
        source: Ipv6Addr,
        on: impl Into<Option<InterfaceIndex>>,
    ) -> io::Result<()> {
        Ok(option::JOIN_SOURCE_GROUP.set(self, one_source(group, source, on.into())?)?)
    }

    /// Leaves a group on an interface for one source; with the last source goes the membership
    /// (RFC 3678 section 5.1).
    ///
    /// # Errors
    ///
    /// As [`join_source_group`](Self::join_source_group); `EADDRNOTAVAIL` when it is not joined.
    #[doc(alias = "MCAST_LEAVE_SOURCE_GROUP", alias = "LeaveSourceSpecificGroup")]
    pub fn leave_source_group(
        &self,
        group: Ipv6Addr,
        source: Ipv6Addr,
        on: impl Into<Option<InterfaceIndex>>,
    ) -> io::Result<()> {
        Ok(option::LEAVE_SOURCE_GROUP.set(self, one_source(group, source, on.into())?)?)
    }

    /// Stops hearing one source of a group that is joined for any (RFC 3678 section 5.1).
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `group` is not multicast or `source` not one host's IPv6 address; `EINVAL` or
    /// `EADDRNOTAVAIL` when the group is not joined for any source, or the source excluded already.
    #[doc(alias = "MCAST_BLOCK_SOURCE", alias = "ExcludeSourceSpecificGroup")]
    pub fn exclude_source(
        &self,
        group: Ipv6Addr,
        source: Ipv6Addr,
        on: impl Into<Option<InterfaceIndex>>,
    ) -> io::Result<()> {
        Ok(option::BLOCK_SOURCE.set(self, one_source(group, source, on.into())?)?)
    }

    /// Hears a source again that was [excluded](Self::exclude_source) (RFC 3678 section 5.1).
    ///
    /// # Errors
    ///
    /// As [`exclude_source`](Self::exclude_source); `EADDRNOTAVAIL` when it is not excluded.
    #[doc(alias = "MCAST_UNBLOCK_SOURCE", alias = "IncludeSourceSpecificGroup")]
    pub fn include_source(
        &self,
        group: Ipv6Addr,
        source: Ipv6Addr,
        on: impl Into<Option<InterfaceIndex>>,
    ) -> io::Result<()> {
        Ok(option::UNBLOCK_SOURCE.set(self, one_source(group, source, on.into())?)?)
    }

    /// Attaches a classic BPF program, in place of any before it: datagrams for which it returns 0 are
    /// not received. It sees the payload from the UDP header on, or the ICMPv6 header.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when the program is empty, longer than 4,096 instructions, or not valid.
    #[doc(alias = "SO_ATTACH_FILTER", alias = "SetBPF")]
    pub fn set_bpf(&self, program: &[BpfInstruction]) -> io::Result<()> {
        if program.is_empty() {
            return Err(error::invalid("an empty BPF program"));
        }
        Ok(option::attach_filter(self, program)?)
    }

    /// Takes the BPF program away.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none.
    #[doc(alias = "SO_DETACH_FILTER")]
    pub fn detach_bpf(&self) -> io::Result<()> {
        Ok(option::DETACH_FILTER.set(self, ())?)
    }
}

fn any_source(group: Ipv6Addr, on: Option<InterfaceIndex>) -> io::Result<Group> {
    Ok(Group { group: error::multicast(group)?, on })
}

fn one_source(group: Ipv6Addr, source: Ipv6Addr, on: Option<InterfaceIndex>) -> io::Result<SourceGroup> {
    Ok(SourceGroup { group: error::multicast(group)?, source: error::unicast(source)?, on })
}

impl<S> PacketConn<S> {
    /// Gives the socket back, as it is.
    pub fn into_inner(self) -> S {
        self.conn.into_inner()
    }
}

/// Everything that [`Conn`] has.
impl<S> Deref for PacketConn<S> {
    type Target = Conn<S>;

    fn deref(&self) -> &Conn<S> {
        &self.conn
    }
}

lends_socket!(PacketConn: conn);

impl<S: fmt::Debug> fmt::Debug for PacketConn<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketConn")
            .field("conn", &self.conn)
            .field("ports", &self.ports)
            .finish_non_exhaustive()
    }
}
