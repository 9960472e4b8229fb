//! The codecs of the IPv6 socket API: what a program and its kernel say to each other in bytes.
//!
//! This crate has no system calls, no allocator, no `unsafe` and no opinion on which system it is
//! compiled for. Each function takes the platform whose bytes it reads or writes as a type, so a
//! test, a fuzzer or an analyser on one machine can decode what a kernel of another wrote. Sockets
//! are in `ipv6-sys` (no_std) and `ipv6-std` (the facade most programs want).
//!
//! ```
//! use ipv6_core::abi::Linux64;
//! use ipv6_core::{Ecn, RecvControl, SendControl};
//!
//! // What a program asks for …
//! let ask = SendControl::new().with_traffic_class(0xe2).with_hop_limit(1);
//! let mut control = [0; 64];
//! let used = ask.encode::<Linux64>(&mut control)?;
//!
//! // … is what the kernel on the other side reports, in the same layout.
//! let got = RecvControl::decode::<Linux64>(&control[..used])?;
//! assert_eq!(got.traffic_class, Some(0xe2));
//! assert_eq!(got.hop_limit, Some(1));
//! assert_eq!(got.ecn(), Some(Ecn::Ect0));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Where things are
//!
//! | You want to | Look at |
//! |---|---|
//! | ask for, or read, traffic class, hop limit, addresses, path MTU of one datagram | [`SendControl`], [`RecvControl`], [`ControlFlags`] |
//! | see every control message, also those this crate has no field for | [`cmsg`] |
//! | choose which ICMPv6 messages a raw socket gets | [`Icmp6Filter`], [`Icmp6Type`] |
//! | take an IPv6 header apart | [`Header`] |
//! | know a number or a struct layout of some system | [`abi`] |
//!
//! # What this crate does not do
//!
//! It opens no socket, resolves no name and knows no protocol above ICMPv6's type byte. It does not
//! guess: bytes that do not fit the layout of the platform asked for are an error that says where.
//!
//! # Features
//!
//! `std`, off by default: the errors convert into `std::io::Error`, so that `?` works in functions that return
//! `std::io::Result`. The error is the source of the `io::Error`.
//!
//! `serde`: the values implement `Serialize` and `Deserialize`. An [`InterfaceIndex`], a [`FlowLabel`] and an
//! [`Icmp6Type`] are numbers; text formats write [`ControlFlags`] as `"TRAFFIC_CLASS | HOP_LIMIT"`; an [`Icmp6Filter`] is
//! the shorter of its two lists, as in `{"pass": [129]}`. Values that cannot exist, such as the interface index 0, are an
//! error. So is a [`SendControl`] with messages, because they are bytes for one platform.
//!
//! # No panics
//!
//! No input makes this crate panic, loop or read out of bounds. Indexing, unchecked arithmetic,
//! `unwrap` and `as` are denied by lint in the whole crate; every table and codec is fuzzed.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
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

// First: the lists are macros, which the modules after it use.
#[macro_use]
mod rows;

pub mod abi;
pub mod bpf;
pub mod cmsg;
pub mod control;
mod error;
mod flow_label;
pub mod group;
mod header;
mod icmp6;
mod icmp6_filter;
mod interface;
pub mod message;
pub mod option;
mod queued_error;
mod segments;
#[cfg(feature = "serde")]
mod serde_impls;
pub mod sockaddr;
#[cfg(feature = "std")]
mod std_impls;
mod traffic_class;
mod wire;

pub use abi::{Abi, Platform};
pub use bpf::BpfInstruction;
pub use control::{ControlFlags, RecvControl, SendControl};
pub use error::BufferTooSmall;
pub use flow_label::FlowLabel;
pub use header::{Header, HeaderError};
pub use icmp6::Icmp6Type;
pub use icmp6_filter::Icmp6Filter;
pub use interface::{InterfaceIndex, ZeroIndex};
pub use message::{
    Control, ControlMessage, DecodeError, EncodeError, Messages, PathMtu, SendMessage, space_of,
};
pub use queued_error::QueuedError;
pub use segments::Segments;
pub use traffic_class::{Ecn, dscp, traffic_class};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
