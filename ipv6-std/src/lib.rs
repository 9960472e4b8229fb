//! IPv6 sockets with everything that RFC 3493, RFC 3542 and RFC 3678 define, around the sockets that a program
//! already has.
//!
//! - [`PacketConn`] sends and receives datagrams with control messages (traffic class, hop limit, flow label, source
//!   or destination address, interface, path MTU) and joins multicast groups.
//! - [`RawConn`] does the same for a protocol without ports, such as ICMPv6.
//! - [`Conn`] has the header options of any socket, TCP included.
//!
//! They wrap any socket that implements [`AsFd`] (`AsSocket` on Windows), owned or borrowed: those of `std`,
//! `socket2`, `mio` and `tokio`. All methods take `&self`; many threads can use one connection.
//!
//! # Finding your way
//!
//! | You know | Read |
//! |---|---|
//! | none of these | this page: it teaches the API in the order in which a program needs it |
//! | C | [every name of the RFCs](_documentation::from_c), and its name here |
//! | Go | [every name of `golang.org/x/net/ipv6`](_documentation::from_go), and its name here |
//! | `socket2`, `nix`, `rustix`, `quinn-udp` | [their names](_documentation::from_crates), and a [comparison](_documentation::comparison) |
//!
//! | You write | Read |
//! |---|---|
//! | a program for tokio, async-io, mio or another event loop | [In an event loop](_documentation::event_loop) |
//! | a program without `std` or without an allocator | [`ipv6_sys`] |
//! | an analyser, a fuzzer or firmware: the bytes of any system, without sockets | [`ipv6_core`] |
//!
//! Other pages: [what each system supports](_documentation::platforms), [what each call does with each
//! error](_documentation::errors), and [the design](_documentation::design). The search field above finds options and messages
//! by their C names and Go names.
//!
//! Some types come from the crate `ipv6_core`, and their examples import from it. This crate exports each of them under
//! the same path: write `ipv6_std` for `ipv6_core`.
//!
//! # Header fields of a stream
//!
//! Mark the packets of a TCP connection, here with AF11 (RFC 2597):
//!
//! ```
//! use std::net::{TcpListener, TcpStream};
//! use ipv6_std::Conn;
//!
//! let listener = TcpListener::bind("[::1]:0")?;
//! let client = TcpStream::connect(listener.local_addr()?)?;
//! let (server, _) = listener.accept()?;
//!
//! let server = Conn::new(server)?;
//! server.set_traffic_class(0x28)?;
//! assert_eq!(server.traffic_class()?, 0x28);
//! # drop(client);
//! # std::io::Result::Ok(())
//! ```
//!
//! # Datagrams and their control messages
//!
//! Enable the control messages to receive with [`ControlFlags`]; attach those to send with [`SendControl`]:
//!
//! ```
//! use ipv6_std::{ControlFlags, PacketConn, SendControl};
//!
//! let receiver = PacketConn::bind("[::1]:0")?;
//! receiver.set_control_flags(ControlFlags::TRAFFIC_CLASS | ControlFlags::HOP_LIMIT, true)?;
//!
//! let sender = PacketConn::bind("[::1]:0")?;
//! let control = SendControl::new().with_traffic_class(0xe0).with_hop_limit(1);
//! sender.send_to(b"hello", &control, receiver.local_addr()?)?;
//!
//! let mut payload = [0; 1500];
//! let got = receiver.recv_from(&mut payload)?;
//! assert_eq!(&payload[..got.len], b"hello");
//! assert_eq!(got.source, sender.local_addr()?);
//! assert_eq!(got.control.to_string(), "traffic class 0xe0, hop limit 1");
//! # std::io::Result::Ok(())
//! ```
//!
//! # Multicast
//!
//! Join a group on an interface. [`RecvControl::reply`] makes the control messages that send an answer back through
//! the interface on which a datagram arrived:
//!
//! ```no_run
//! use ipv6_std::{ControlFlags, Interface, PacketConn};
//!
//! let conn = PacketConn::bind("[::]:1024")?;
//! let group = "ff02::114".parse().unwrap();
//! conn.join_group(group, &Interface::by_name("eth0")?)?;
//! conn.set_control_flags(ControlFlags::DESTINATION | ControlFlags::INTERFACE, true)?;
//!
//! let mut payload = [0; 1500];
//! loop {
//!     let got = conn.recv_from(&mut payload)?;
//!     if got.control.destination == Some(group) {
//!         conn.send_to(b"hello, group member", &got.control.reply(), got.source)?;
//!     }
//! }
//! # #[allow(unreachable_code)]
//! # std::io::Result::Ok(())
//! ```
//!
//! [`AnyInterface`] leaves the choice of the interface to the system. [`PacketConn::leave_group`] ends a membership;
//! a [`Membership`] ends when it is dropped. One socket can join many groups on many interfaces.
//! [`PacketConn::bind_reusable`] lets several sockets listen on one port. [`PacketConn::builder`] sets this and other
//! options before the bind.
//!
//! # Source-specific multicast
//!
//! A membership can be limited to some sources ([`PacketConn::join_source_group`], RFC 4607). A membership for any source can
//! exclude some ([`PacketConn::exclude_source`]). Both need a system with MLDv2.
//!
//! ```no_run
//! use ipv6_std::{Interface, PacketConn};
//!
//! let conn = PacketConn::bind("[::]:1024")?;
//! let on = Interface::by_name("eth0")?;
//! let (group, source) = ("ff3e::8000:1".parse().unwrap(), "2001:db8::1".parse().unwrap());
//! conn.join_source_group(group, source, &on)?;
//! conn.leave_source_group(group, source, &on)?;
//! # std::io::Result::Ok(())
//! ```
//!
//! # ICMPv6 and other protocols
//!
//! A raw socket receives and sends payloads of one protocol, without the IPv6 header. An ICMPv6 socket has a filter
//! of types:
//!
//! ```no_run
//! use ipv6_std::{Icmp6Filter, Icmp6Type, RawConn};
//!
//! let conn = RawConn::open(Icmp6Type::PROTOCOL)?; // needs root, or CAP_NET_RAW on Linux
//! let mut filter = Icmp6Filter::block_all();
//! filter.pass(Icmp6Type::ECHO_REPLY);
//! conn.set_icmp6_filter(&filter)?;
//! # std::io::Result::Ok(())
//! ```
//!
//! The example of [`RawConn`] sends an echo request and receives the reply. [`RawConn::open_icmp6_unprivileged`] opens a socket
//! for echo messages without root (Linux, Apple's systems). The example program `ping6` uses both.
//!
//! # Trusting a neighbour
//!
//! A packet that arrives with hop limit 255 was sent on this link: no router has forwarded it.
//! [`Conn::set_min_hop_limit`] drops all others (RFC 5082).
//!
//! # Many datagrams in one call
//!
//! [`PacketConn::recv_batch`] and [`PacketConn::send_batch`] use one system call for many datagrams, with storage that
//! the program allocates once ([`RecvBatch`], [`SendBatch`]). [`PacketConn::send_batch_all`] sends all of them, or
//! returns the index of the one that failed, and its error. On Linux and Windows, a sending batch also combines consecutive
//! datagrams of the same size, destination and control messages into one for the kernel
//! ([`PacketConn::set_send_coalescing`]), and a receiver can let the kernel combine datagrams that arrive
//! ([`PacketConn::set_receive_coalescing`]). A receive batch splits combined datagrams again, or returns them whole, without a
//! copy ([`RecvBatch::keep_together`]). Systems without such calls (all except Linux, Android, NetBSD and OpenBSD) send and
//! receive a batch one by one.
//!
//! # Options without a method
//!
//! [`option`] has a descriptor for each option, and [`Conn::option`] and [`Conn::set_option`] take any of them. For an
//! option without a descriptor whose value is a C `int`, create one:
//!
//! ```
//! # #[cfg(target_os = "linux")] {
//! use ipv6_std::Conn;
//! use ipv6_std::option::SocketOption;
//! use std::net::TcpListener;
//!
//! // TCP_USER_TIMEOUT (tcp(7)): how many milliseconds sent data may remain unacknowledged.
//! const USER_TIMEOUT: SocketOption<u32> = SocketOption::<u32>::custom(6, 18, "TCP_USER_TIMEOUT");
//!
//! // Accepted connections inherit it.
//! let listener = Conn::new(TcpListener::bind("[::1]:0")?)?;
//! listener.set_option(&USER_TIMEOUT, 30_000)?;
//! assert_eq!(listener.option(&USER_TIMEOUT)?, 30_000);
//! # }
//! # std::io::Result::Ok(())
//! ```
//!
//! [`socket2`](_documentation::comparison#use-them-together) has many other options.
//!
//! # Control messages by type
//!
//! Each control message is a type in [`message`], also those without a field in [`RecvControl`] and [`SendControl`]. Read
//! one with [`Message::get`], from the result of [`PacketConn::recv_message`] or of a batch ([`RecvBatch::messages`]). Put
//! those to send into [`Messages`], and pass them with [`SendControl::with_messages`] or [`PacketConn::send_messages`]. An
//! option enables each message to receive:
//!
//! ```
//! # #[cfg(target_os = "linux")] {
//! use ipv6_std::message::TimestampNs;
//! use ipv6_std::{PacketConn, SendControl, option};
//! use std::time::UNIX_EPOCH;
//!
//! let conn = PacketConn::bind("[::1]:0")?;
//! conn.set_option(&option::RECEIVE_TIMESTAMP_NS, true)?;
//! conn.send_to(b"x", &SendControl::new(), conn.local_addr()?)?;
//!
//! let (mut payload, mut control) = ([0; 16], [0; 256]);
//! let message = conn.recv_message(&mut payload, &mut control)?;
//! let arrived = message.get::<TimestampNs>()?.and_then(TimestampNs::since_epoch);
//! assert!(arrived.is_some_and(|arrived| UNIX_EPOCH + arrived > UNIX_EPOCH));
//! # }
//! # std::io::Result::Ok(())
//! ```
//!
//! If a message is missing, define its type:
//!
//! ```
//! # #[cfg(target_os = "linux")] {
//! use ipv6_std::abi::ControlNumber;
//! use ipv6_std::option::SocketOption;
//! use ipv6_std::{Control, ControlMessage, DecodeError, Host, PacketConn, SendControl};
//!
//! /// Whether the peer acknowledged a frame of a wireless link (`SO_WIFI_STATUS` of Linux).
//! struct Acknowledged(bool);
//!
//! impl ControlMessage<Host> for Acknowledged {
//!     type Value<'a> = Self;
//!     const NAME: &'static str = "SO_WIFI_STATUS";
//!     const NUMBER: Option<ControlNumber> = Some(ControlNumber::new(1, 41, 4));
//!
//!     fn decode(data: &[u8]) -> Result<Self, DecodeError> {
//!         let control = Control::of::<Self, Host>();
//!         let width = DecodeError::Width { control, len: data.len(), expected: 4 };
//!         Ok(Self(i32::from_ne_bytes(data.try_into().map_err(|_| width)?) != 0))
//!     }
//! }
//!
//! let conn = PacketConn::bind("[::1]:0")?;
//! conn.set_option(&SocketOption::<bool>::custom(1, 41, "SO_WIFI_STATUS"), true)?;
//! conn.send_to(b"x", &SendControl::new(), conn.local_addr()?)?;
//!
//! let (mut payload, mut control) = ([0; 16], [0; 256]);
//! let message = conn.recv_message(&mut payload, &mut control)?;
//! assert!(message.get::<Acknowledged>()?.is_none(), "loopback is not wireless");
//! # }
//! # std::io::Result::Ok(())
//! ```
//!
//! # Errors
//!
//! Methods return [`std::io::Error`].
//!
//! - A meaningless argument (a group that is not multicast, an IPv4-mapped address on an IPv6-only socket) returns
//!   `InvalidInput` before any system call. The text contains the value.
//! - An option or a message that the system lacks returns `Unsupported`. The text contains its name in C.
//! - The error of a codec is the [source](std::error::Error::source) of the `io::Error`. Errors that functions without
//!   a system call return, such as [`EncodeError`] and [`ZeroIndex`], convert into an `io::Error` with `?`.
//! - A call that a signal interrupts is repeated; `Interrupted` is never returned.
//! - A server continues after errors that peers and the network cause: [`is_about_peer`].
//!
//! Errors that a method does not list are the system's own. [A table](_documentation::errors) has the errors of each call.
//!
//! # Event loops
//!
//! [`aio`] has connections whose waiting calls are `async`, for any event loop. The features `tokio` and `async-io` have
//! aliases for these loops; the feature `mio` makes the blocking types event sources. [A chapter](_documentation::event_loop)
//! has whole programs.
//!
//! # Features
//!
//! `headers`, on by default: [`Header`]. Only this needs derive macros, which lengthen the build; omit it with
//! `default-features = false`.
//!
//! The others are off by default. `tokio`, `async-io` and `mio`: see above.
//!
//! `serde`: the values of `ipv6-core`, such as [`RecvControl`], [`SendControl`] and [`ControlFlags`], implement `Serialize`
//! and `Deserialize`.
//!
//! # Limits
//!
//! - There is no API for sockets of `AF_INET`. [Dual-stack sockets](Conn#dual-stack-sockets) carry IPv4 too; their IPv4 peers
//!   have IPv4-mapped addresses ([`mapped`], [`Received::peer`]).
//! - ICMPv6 messages have their types only ([`Icmp6Type`]); their bodies are bytes of the payload. There is no other protocol,
//!   and no unicast routing table. [`MulticastRouter`] sets multicast routes (Linux).
//! - Sending and receiving make one system call for a datagram or a batch. A call with a deadline or timeout also calls
//!   `poll` when it has to wait.

#![forbid(unsafe_code)]
#![warn(clippy::must_use_candidate)]
#![cfg_attr(docsrs, feature(doc_cfg))]
// Pages link to what the features have.
#![cfg_attr(
    not(all(feature = "tokio", feature = "async-io", feature = "mio")),
    allow(rustdoc::broken_intra_doc_links)
)]

pub mod _documentation;
mod address;
pub mod aio;
#[cfg(feature = "async-io")]
#[cfg_attr(docsrs, doc(cfg(feature = "async-io")))]
pub mod async_io;
mod atomic;
mod buffers;
mod builder;
mod coalesce;
mod coalesced;
mod conn;
mod connected;
mod convert;
mod deadline;
mod error;
mod fast;
mod fd;
mod flow_labels;
mod header;
mod interface;
#[cfg(all(test, ipv6_loom))]
mod interleavings;
mod membership;
mod min_hop_limit;
#[cfg(feature = "mio")]
#[cfg_attr(docsrs, doc(cfg(feature = "mio")))]
pub mod mio;
mod multicast_router;
mod on_interface;
mod packet;
mod path_mtu_discovery;
mod paths;
mod privilege;
mod raw;
mod received;
mod recv_batch;
mod send_batch;
mod space;
mod sticky;
mod tcp_ao;
mod tcp_md5;
#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
pub mod tokio;

pub use address::{mapped, parse_scoped};
pub use builder::Builder;
pub use conn::Conn;
pub use connected::Connected;
pub use error::{is_about_peer, is_too_long};
pub use interface::{Interface, InterfaceAddress};
pub use membership::Membership;
pub use multicast_router::MulticastRouter;
pub use on_interface::{AnyInterface, OnInterface};
pub use packet::PacketConn;
pub use packet::errors::{Reported, ReportedKind};
pub use packet::flags::SendFlags;
pub use raw::RawConn;
pub use received::{Message, Received};
pub use recv_batch::{RecvBatch, RecvBatchIter, RecvBatchMessages};
pub use send_batch::{SendAllError, SendBatch};

pub use ipv6_core::option::PathMtuDiscovery;
pub use ipv6_core::{
    BpfInstruction, BufferTooSmall, Control, ControlFlags, ControlMessage, DecodeError, Ecn, EncodeError,
    ErrorOrigin, FilterMode, FlowLabel, FlowLabelRequest, FlowLabelShare, Icmp6Filter, Icmp6Type,
    IcmpExtensions, IcmpInterface, IcmpObject, IcmpType, InterfaceIndex, InterfaceRole, Mif, MifCounters,
    MifSet, MplsLabel, MulticastRoute, MulticastUpcall, PathMtu, Platform, QueuedError, RecvControl,
    RouteCounters, Segments, SendControl, SendMessage, SourceFilter, TcpAoAlgorithm, TcpAoError, TcpAoId,
    TcpAoInfo, TcpAoKey, TcpMd5Key, UpcallKind, ZeroIndex, abi, checksum, cmsg, dscp, ext, message,
    traffic_class, udp_checksum,
};
#[cfg(feature = "headers")]
#[cfg_attr(docsrs, doc(cfg(feature = "headers")))]
pub use ipv6_core::{Header, HeaderError};
pub use ipv6_sys::{Host, option};

/// Control messages to send, encoded for this system in `N` bytes of its own memory: [`ipv6_core::Messages`].
///
/// ```
/// use ipv6_std::message::{HopLimit, TrafficClass};
/// use ipv6_std::{ControlFlags, Messages, PacketConn, SendControl};
///
/// # fn main() -> std::io::Result<()> {
/// let messages = Messages::<64>::new().with(HopLimit(3))?.with(TrafficClass(0xb8))?;
/// let conn = PacketConn::bind("[::1]:0")?;
/// conn.set_control_flags(ControlFlags::HOP_LIMIT, true)?;
/// conn.send_to(b"x", &SendControl::new().with_messages(&messages), conn.local_addr()?)?;
/// assert_eq!(conn.recv_from(&mut [0; 16])?.control.hop_limit, Some(3));
/// # Ok(())
/// # }
/// ```
pub type Messages<const N: usize> = ipv6_core::Messages<Host, N>;

pub use ipv6_sys::batch::{Outgoing, Payload, Room, Vectored};
/// A socket that lends its descriptor: an alias of `std::os::fd::AsFd`, on Windows of `std::os::windows::io::AsSocket`.
/// For functions that take a connection over any socket.
///
/// ```
/// fn describe<S: ipv6_std::AsFd>(conn: &ipv6_std::PacketConn<S>) -> std::io::Result<String> {
///     Ok(format!("{} with hop limit {}", conn.local_addr()?, conn.hop_limit()?))
/// }
/// # describe(&ipv6_std::PacketConn::bind("[::1]:0")?)?;
/// # std::io::Result::Ok(())
/// ```
pub use ipv6_sys::fd::AsFd;
pub use ipv6_sys::interface::{AddressFlags, InterfaceFlags};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
