//! The IPv6 socket API, bound to system calls: no std, no allocator, and the only `unsafe` of the
//! workspace.
//!
//! Most programs want `ipv6-std`, which builds connections on this. This crate is for programs that
//! have a kernel with sockets and no allocator; `ipv6-core` is for those that have neither. With
//! `default-features = false` nothing here, and nothing it depends on, needs `std`. The feature `std`
//! (on by default) makes file descriptors and I/O slices those of `std` and lets errors convert into
//! `std::io::Error`.
//!
//! | You want to | Look at |
//! |---|---|
//! | read or change an option of a socket | [`option`] |
//! | send or receive one message with its control messages | [`message`] |
//! | send or receive many in one system call | [`batch`] |
//! | open a socket, set its device and buffers, or find out what one is | [`socket`] |
//! | find an interface | [`interface`] |
//! | wait until a socket is ready | [`wait`] |
//!
//! ```
//! use ipv6_core::{ControlFlags, SendControl};
//! use ipv6_sys::message::{self, ControlBuffer, ControlBytes, ControlSpace, IoSlice, IoSliceMut, MessageFlags};
//! use ipv6_sys::{Host, option, socket};
//!
//! // A socket that tells the traffic class and hop limit of what arrives.
//! const WANTED: ControlFlags = ControlFlags::TRAFFIC_CLASS.union(ControlFlags::HOP_LIMIT);
//! let receiver = socket::datagram()?;
//! socket::bind(&receiver, &"[::1]:0".parse().unwrap())?;
//! option::set_control_flags(&receiver, WANTED)?;
//! let address = socket::local_address(&receiver)?.unwrap();
//!
//! // Encode what is to go with the datagram, and send both.
//! let mut bytes = ControlBytes::<{ SendControl::max_space::<Host>() }>::new();
//! let control = bytes.encode(&SendControl::new().with_traffic_class(0xe0)).unwrap();
//! let sender = socket::datagram()?;
//! message::send(&sender, &[IoSlice::new(b"hello")], control, Some(&address), MessageFlags::empty())?;
//!
//! // Receive into buffers of our own, and decode what the kernel wrote.
//! let mut payload = [0; 16];
//! let mut buffer = ControlBuffer::<{ WANTED.space::<Host>() }>::new();
//! let mut control = ControlSpace::from(&mut buffer);
//! let mut parts = [IoSliceMut::new(&mut payload)];
//! let got = message::receive(&receiver, &mut parts, &mut control, MessageFlags::empty())?;
//! assert_eq!((got.len, got.truncated), (5, false));
//! assert_eq!(control.decode().unwrap().traffic_class, Some(0xe0));
//! # Ok::<(), ipv6_sys::Error>(())
//! ```
//!
//! # Signals
//!
//! A call that a signal interrupts returns [`Errno::INTR`]; [`retry`] makes it again. (`ipv6-std` always
//! does.)
//!
//! # Programs without `std`
//!
//! It is `std` that asks the linker for the C library. A `#![no_std]` program does so itself, once:
//!
//! ```
//! #[link(name = "c")]
//! unsafe extern "C" {}
//! ```
//!
//! Two whole programs are in `examples/constrained`.

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "std")]
extern crate std;

pub mod batch;
mod error;
pub mod fd;
pub mod filter;
mod host;
pub mod interface;
pub mod message;
pub mod option;
mod os;
#[doc(hidden)]
pub mod proofs;
pub mod socket;
pub mod wait;

pub use error::{Errno, Error, retry};
pub use host::Host;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
