//! IPv6 sockets: everything that RFC 3493, RFC 3542 and RFC 3678 give a program, on top of the sockets
//! that it has already.
//!
//! [`PacketConn`] sends and receives datagrams with their control messages (traffic class, hop limit,
//! source or destination, interface, path MTU) and joins multicast groups; [`RawConn`] does the same for
//! a protocol without ports, ICMPv6 first; [`Conn`] has the header options of any socket, TCP included.
//! They wrap any socket that implements `AsFd`, owned or borrowed: those of `std`, `socket2`, `mio`,
//! `tokio`. Every method takes `&self`; one socket serves many threads.
//!
//! What follows teaches the API in the order in which a program comes to need it.
//!
//! # Unicasting
//!
//! A stream's packets can be marked, as with AF11 (RFC 2597):
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
//! A socket tells what is asked of it, and sends what it is given:
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
//! # Multicasting
//!
//! A group is joined on an interface. The answer goes back the way the datagram came:
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
//! # More multicasting
//!
//! A socket may join several groups, on several interfaces, and several sockets may listen on one port:
//! [`PacketConn::bind_reusable`]. [`PacketConn::leave_group`] takes a membership back.
//!
//! # Source-specific multicasting
//!
//! On a system with MLDv2 a membership may name the sources it wants ([`PacketConn::join_source_group`])
//! or, of a group joined for all, those it does not ([`PacketConn::exclude_source`]):
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
//! ```no_run
//! use ipv6_std::{Icmp6Filter, Icmp6Type, RawConn};
//!
//! let conn = RawConn::open(Icmp6Type::PROTOCOL)?; // needs privilege
//! let mut filter = Icmp6Filter::block_all();
//! filter.pass(Icmp6Type::ECHO_REPLY);
//! conn.set_icmp6_filter(&filter)?;
//! # std::io::Result::Ok(())
//! ```
//!
//! # Errors
//!
//! Methods return [`std::io::Error`]. Arguments that can have no meaning (a group that is not multicast,
//! an IPv4-mapped address) are `InvalidInput` before any system call, with the value in the text. What
//! the system lacks is `Unsupported`, with the name of the option. An error of the codecs is the
//! [source](std::error::Error::source) of the `io::Error`. A signal never surfaces: interrupted calls are
//! made again.
//!
//! # Coming from Go
//!
//! Every method of `golang.org/x/net/ipv6`, and its name here:
//!
//! | Go | Here |
//! |---|---|
//! | `NewConn`, `NewPacketConn` | [`Conn::new`], [`PacketConn::new`]; [`PacketConn::bind`] opens a socket as well |
//! | `net.ListenPacket("ip6:58", …)` | [`RawConn::open`] |
//! | `TrafficClass`, `SetTrafficClass` | [`Conn::traffic_class`], [`Conn::set_traffic_class`] |
//! | `HopLimit`, `SetHopLimit` | [`Conn::hop_limit`], [`Conn::set_hop_limit`] |
//! | `PathMTU` | [`Conn::path_mtu`] |
//! | `SetControlMessage`, `FlagTrafficClass` … | [`Conn::set_control_flags`], [`ControlFlags`] |
//! | `ReadFrom` | [`PacketConn::recv_from`], [`PacketConn::recv_message`] for every control message |
//! | `WriteTo` | [`PacketConn::send_to`], [`PacketConn::send`] when connected |
//! | `ReadBatch`, `WriteBatch` | [`PacketConn::recv_batch`], [`PacketConn::send_batch`] |
//! | `SetDeadline`, `SetReadDeadline`, `SetWriteDeadline` | [`PacketConn::set_deadline`] and its siblings; they reach a call that waits already if it started with a deadline |
//! | `Close` | dropping it |
//! | `MulticastHopLimit`, `SetMulticastHopLimit` | [`PacketConn::multicast_hop_limit`], [`PacketConn::set_multicast_hop_limit`] |
//! | `MulticastInterface`, `SetMulticastInterface` | [`PacketConn::multicast_interface`], [`PacketConn::set_multicast_interface`] |
//! | `MulticastLoopback`, `SetMulticastLoopback` | [`PacketConn::multicast_loopback`], [`PacketConn::set_multicast_loopback`] |
//! | `JoinGroup`, `LeaveGroup` | [`PacketConn::join_group`], [`PacketConn::leave_group`] |
//! | `JoinSourceSpecificGroup`, `LeaveSourceSpecificGroup` | [`PacketConn::join_source_group`], [`PacketConn::leave_source_group`] |
//! | `ExcludeSourceSpecificGroup`, `IncludeSourceSpecificGroup` | [`PacketConn::exclude_source`], [`PacketConn::include_source`] |
//! | `Checksum`, `SetChecksum` | [`RawConn::checksum_offset`], [`RawConn::set_checksum_offset`] |
//! | `ICMPFilter`, `SetICMPFilter` | [`RawConn::icmp6_filter`], [`RawConn::set_icmp6_filter`] |
//! | `ICMPFilter.Accept`, `Block`, `SetAll`, `WillBlock` | [`Icmp6Filter::pass`], [`block`](Icmp6Filter::block), [`pass_all`](Icmp6Filter::pass_all) and [`block_all`](Icmp6Filter::block_all), [`blocks`](Icmp6Filter::blocks) |
//! | `SetBPF` | [`PacketConn::set_bpf`], [`PacketConn::detach_bpf`] |
//! | `ControlMessage` | [`RecvControl`] when received, [`SendControl`] when sent |
//! | `ControlMessage.Marshal`, `Parse`, `String` | [`SendControl::encode`], [`RecvControl::decode`], `Display` |
//! | `NewControlMessage` | [`ControlFlags::space`], [`SendControl::space`] |
//! | `Header`, `ParseHeader` | [`Header`], [`Header::parse`] |
//! | `ICMPType`, `Protocol` | [`Icmp6Type`], [`Icmp6Type::protocol`] |
//! | `Message.Buffers`, `OOB`, `N`, `NN`, `Flags` | [`Outgoing::vectored`], [`Vectored`], [`Received`] |
//!
//! `set_control_flags` and the header fields are [`Conn`]'s, and [`PacketConn`] and [`RawConn`] have them too.
//!
//! # What this crate does not do
//!
//! No IPv4 API (IPv6 sockets that also carry IPv4 work, with IPv4-mapped addresses), no protocols, no
//! routing tables, no event loop. It never adds a system call to the one that is asked for, but where a
//! deadline needs to wait.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod coalesce;
mod conn;
mod connected;
mod deadline;
mod error;
mod fd;
mod interface;
mod membership;
mod on_interface;
mod packet;
mod raw;
mod received;
mod space;

pub use batch::{RecvBatch, SendBatch};
pub use conn::Conn;
pub use connected::Connected;
pub use error::is_too_long;
pub use interface::{Interface, InterfaceAddress};
pub use membership::Membership;
pub use on_interface::{AnyInterface, OnInterface};
pub use packet::PacketConn;
pub use packet::errors::Reported;
pub use raw::RawConn;
pub use received::{Message, Received};

pub use ipv6_core::{
    BpfInstruction, BufferTooSmall, Control, ControlFlags, DecodeError, Ecn, EncodeError, FlowLabel, Header,
    HeaderError, Icmp6Filter, Icmp6Type, InterfaceIndex, PathMtu, Platform, QueuedError, RecvControl,
    Segments, SendControl, ZeroIndex, abi, cmsg, dscp, traffic_class,
};
pub use ipv6_sys::Host;
pub use ipv6_sys::batch::{Outgoing, Payload, Room, Vectored};
/// What a socket is to lend its descriptor: `AsFd`, and on Windows `AsSocket` by that name, for functions that take a
/// connection of any socket.
///
/// ```
/// fn describe<S: ipv6_std::AsFd>(conn: &ipv6_std::PacketConn<S>) -> std::io::Result<String> {
///     Ok(format!("{} with hop limit {}", conn.local_addr()?, conn.hop_limit()?))
/// }
/// # describe(&ipv6_std::PacketConn::bind("[::1]:0")?)?;
/// # std::io::Result::Ok(())
/// ```
pub use ipv6_sys::fd::AsFd;
pub use ipv6_sys::interface::Flags as InterfaceFlags;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
