//! The IPv6 socket API (RFC 3493, RFC 3542, RFC 3678) as bytes and numbers: encodes and decodes control messages, ICMPv6
//! filters, group requests, socket addresses and IPv6 headers.
//!
//! This crate has no system calls, no allocator, no `unsafe` and no `cfg` on an operating system. Functions take the
//! platform whose bytes they read or write as a type parameter. So a test, a fuzzer or an analyser can decode what the
//! kernel of another system wrote. Sockets are in `ipv6-sys` (no_std) and `ipv6-std` (for most programs).
//!
//! ```
//! use ipv6_core::abi::Linux64;
//! use ipv6_core::{Ecn, RecvControl, SendControl};
//!
//! // Encode the control messages to send with a datagram on 64-bit Linux.
//! let sent = SendControl::new().with_traffic_class(0xe2).with_hop_limit(1);
//! let mut control = [0; 64];
//! let used = sent.encode::<Linux64>(&mut control)?;
//!
//! // The kernel of the receiver writes received messages in the same layout.
//! let got = RecvControl::decode::<Linux64>(&control[..used])?;
//! assert_eq!(got.traffic_class, Some(0xe2));
//! assert_eq!(got.hop_limit, Some(1));
//! assert_eq!(got.ecn(), Some(Ecn::Ect0));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Contents
//!
//! | To | see |
//! |---|---|
//! | encode or decode the header fields, addresses, interface and path MTU of a datagram | [`SendControl`], [`RecvControl`], [`ControlFlags`] |
//! | encode or decode any control message by type | [`message`] |
//! | read what a program sent | [`SendControl::decode`] |
//! | read every control message of a buffer, in order | [`cmsg::RawMessages::decoded`], [`message::Decoded`] |
//! | iterate over control messages as level, type and data | [`cmsg`] |
//! | encode or decode the ICMPv6 filter of a raw socket | [`Icmp6Filter`], [`Icmp6Type`] |
//! | encode requests to join groups, and socket addresses | [`group`], [`sockaddr`] |
//! | parse or encode an IPv6 header | [`Header`] |
//! | parse or build extension headers, find the upper-layer protocol | [`ext`] |
//! | read the MPLS labels and interfaces of an ICMPv6 error | [`IcmpExtensions`] |
//! | compute the checksum of an upper-layer packet | [`checksum`](checksum()) |
//! | split a coalesced payload into datagrams | [`Segments`] |
//! | look up a number or a structure's layout on a system, choose a system by name, describe another one | [`abi`] |
//!
//! This crate opens no socket, resolves no name, and has no protocol above ICMPv6's type byte. Bytes that do not have the
//! layout of the platform are an error, which names the message and what is wrong.
//!
//! # Without an operating system
//!
//! Firmware with a network stack of its own uses what does not depend on a system: [`Header`], [`ext::Walk`] up to the
//! upper-layer protocol, [`checksum`](checksum()), [`Icmp6Type`], and the builders of extension headers. All of it works with
//! `default-features = false`, except [`Header`] (the feature `headers`). The bodies of ICMPv6, neighbour discovery and MLD
//! messages are not here: [`smoltcp::wire`](https://docs.rs/smoltcp/latest/smoltcp/wire/) and
//! [`etherparse`](https://docs.rs/etherparse) have views of them, also without `std` and without an allocator. This crate is
//! for the socket API's side of a packet: control messages, options, filters and headers as systems pass them.
//!
//! # Analyse the bytes of another system
//!
//! [`abi::with`] chooses the platform by name, [`cmsg::RawMessages::decoded`] reads every message in order, and
//! [`DecodeError::offset`] returns where the wrong message is. [`SendControl::decode`] and
//! [`cmsg::RawMessages::decoded_sent`] read what a program sent; [`RecvControl::decode_lenient`] skips what it cannot
//! read. The module [`abi`] shows how to describe a system that this crate does not know. The example `cmsg` does this
//! for bytes in hexadecimal: `cargo run -p ipv6-core --example cmsg -- --platform all HEX`.
//!
//! # Features
//!
//! `headers`, on by default: [`Header`]. Only this needs derive macros (`zerocopy`), which lengthen the build: omit it with
//! `default-features = false`. Extension headers ([`ext`]) do not need it.
//!
//! `std`, off by default: the errors convert into `std::io::Error`, so that `?` works in functions that return
//! `std::io::Result`. The error is the source of the `io::Error`.
//!
//! `serde`: the values and errors implement `Serialize` and `Deserialize`. An [`InterfaceIndex`], a [`FlowLabel`] and an
//! [`Icmp6Type`] are numbers; text formats write [`ControlFlags`] as `"TRAFFIC_CLASS | HOP_LIMIT"`; a [`Control`] is its name
//! in C; an [`Icmp6Filter`] is the shorter of its two lists, as in `{"pass": [129]}`. Values that borrow bytes, such as an
//! extension header, are read back from formats whose input has those bytes as they are. Values that cannot exist, such as
//! the interface index 0, are an error. So is a [`SendControl`] with messages, because they are bytes for one platform. A
//! [`TcpMd5Key`] and a [`TcpAoKey`] are secrets and implement neither, nor does a [`TcpAoId`].
//!
//! `arbitrary`: the values implement `arbitrary::Arbitrary`, for fuzzers and property tests. Only valid values arise:
//! the tables of a real system, a time with fewer than 10⁹ nanoseconds, an extension header of the length in it. The
//! crate `arbitrary` needs std.
//!
//! # No panics
//!
//! No input makes this crate panic, loop without end or read out of bounds. Lints deny indexing, unchecked arithmetic,
//! `unwrap` and `as` in the whole crate, and fuzz targets cover every table and codec.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::must_use_candidate)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::as_conversions
    )
)]

#[cfg(feature = "std")]
extern crate std;

// First: its macros are used by the modules that follow.
#[macro_use]
mod rows;
#[macro_use]
mod flags;

pub mod abi;
#[cfg(feature = "arbitrary")]
mod arbitrary_impls;
pub mod bpf;
mod checksum;
pub mod cmsg;
pub mod control;
mod error;
pub mod ext;
mod extended_error;
mod flow_label;
mod flow_label_request;
pub mod group;
#[cfg(feature = "headers")]
mod header;
mod icmp;
mod icmp6;
mod icmp6_filter;
mod icmp_extensions;
mod interface;
pub mod message;
#[doc(hidden)]
pub mod multicast_route;
pub mod option;
mod queued_error;
mod segments;
#[cfg(feature = "serde")]
mod serde_impls;
pub mod sockaddr;
mod source_filter;
#[cfg(feature = "std")]
mod std_impls;
mod tcp_ao;
mod tcp_ao_info;
mod tcp_md5;
mod timestamping;
mod traffic_class;
mod wire;

pub use abi::{Abi, Platform};
pub use bpf::BpfInstruction;
pub use checksum::{checksum, udp_checksum};
pub use control::{ControlFlags, RecvControl, SendControl};
pub use error::BufferTooSmall;
pub use extended_error::ExtendedError;
#[doc(hidden)]
pub use flags::fmt_flags;
pub use flow_label::FlowLabel;
pub use flow_label_request::{FlowLabelRequest, FlowLabelShare};
pub use group::GroupError;
#[cfg(feature = "headers")]
#[cfg_attr(docsrs, doc(cfg(feature = "headers")))]
pub use header::{Header, HeaderError};
pub use icmp::IcmpType;
pub use icmp_extensions::{IcmpExtensions, IcmpInterface, IcmpObject, InterfaceRole, MplsLabel};
pub use icmp6::Icmp6Type;
pub use icmp6_filter::Icmp6Filter;
pub use interface::{InterfaceIndex, ZeroIndex};
pub use message::{
    Control, ControlMessage, DecodeError, EncodeError, Messages, PathMtu, SendMessage, space_of,
};
pub use multicast_route::{
    Mif, MifCounters, MifSet, MulticastRoute, MulticastUpcall, RouteCounters, UpcallKind,
};
pub use queued_error::{ErrorOrigin, QueuedError};
pub use segments::Segments;
pub use source_filter::{FilterMode, SourceFilter};
pub use tcp_ao::{TcpAoAlgorithm, TcpAoError, TcpAoId, TcpAoKey};
pub use tcp_ao_info::TcpAoInfo;
pub use tcp_md5::TcpMd5Key;
pub use traffic_class::{Ecn, dscp, traffic_class};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
