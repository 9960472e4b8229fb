//! Hosts and links for tests: network namespaces joined by veth pairs, made by the program that uses them
//! and gone with it. No privilege is needed where the system lets a user have namespaces of his own.
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

#![forbid(unsafe_code)]

mod harness;
mod host;

pub use harness::{Need, Test, cc, constrained, main};
pub use host::{Forbidden, Host, Line, Pair, enter, link};
