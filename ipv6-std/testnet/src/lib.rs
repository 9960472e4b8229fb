//! Hosts and links for tests: network namespaces joined by veth pairs. The program that uses them makes them, and they
//! end with it. It needs no privilege if the system allows unprivileged user namespaces.
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
//! A test program (`harness = false` in Cargo.toml) is a table made by [`tests!`] and one function for each test.
//! Namespaces need Linux. On other systems everything compiles, and [`enter`] returns an error.

#![forbid(unsafe_code)]

mod harness;
mod host;

pub use harness::{Need, Probe, Test, cc, constrained, main, program};
pub use host::{Forbidden, Host, Line, Pair, acquaint, enter, link};
