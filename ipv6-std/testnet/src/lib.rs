//! Hosts and links for tests: network namespaces joined by veth pairs, made by the program that uses them
//! and gone with it. No privilege is needed where the system lets users have namespaces of their own.
//!
//! ```no_run
//! use ipv6_testnet::{Pair, enter};
//! use std::net::UdpSocket;
//!
//! enter().expect("namespaces"); // first thing in main, before there are threads
//! let Pair { a, b } = Pair::new()?;
//! let receiver = b.run(|| UdpSocket::bind("[::]:7000"))?;
//! let sender = a.run(|| UdpSocket::bind("[::]:0"))?;
//! sender.send_to(b"hello", (Pair::B, 7000))?;
//! # std::io::Result::Ok(())
//! ```
//!
//! A test program (`harness = false` in Cargo.toml) is a table made by [`tests!`] and one function for each
//! test. Linux only so far: elsewhere everything compiles, and [`enter`] says that there are no namespaces.

#![forbid(unsafe_code)]

mod harness;
mod host;

pub use harness::{Need, Probe, Test, cc, constrained, main, program};
pub use host::{Forbidden, Host, Line, Pair, enter, link};
