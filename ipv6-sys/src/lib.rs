//! The IPv6 socket API of this system: socket options, control messages, batches and interfaces, without `std` and
//! without an allocator.
//!
//! Most programs use `ipv6-std`, which builds connections on this crate. Use this crate where there is a kernel with
//! sockets, but no `std` or no allocator; use `ipv6-core` where there is neither. All `unsafe` code of the three crates is
//! here.
//!
//! The feature `std` (on by default) takes the types of file descriptors and I/O slices from `std`, and converts errors
//! into `std::io::Error`. With `default-features = false`, neither this crate nor a dependency needs `std`. The
//! feature `error-text` (on by default) displays errors of the system as texts; without it, as numbers. The features `headers`
//! (on by default) and `serde` enable those of `ipv6-core`.
//!
//! | To | see |
//! |---|---|
//! | read or set an option of a socket | [`option`] |
//! | join a multicast group, or filter its sources | [`option::JOIN_GROUP`], [`option::JOIN_SOURCE_GROUP`], [`option::set_source_filter`] |
//! | send and receive ICMPv6 | [`socket::raw`], [`option::ICMP6_TYPE_FILTER`]; echo messages without privilege: [`socket::icmp6_datagram`] |
//! | send or receive one message with its control messages | [`message`] |
//! | send or receive many messages in one system call | [`batch`] |
//! | open a socket, set its device and buffers, or ask what a socket is | [`socket`] |
//! | read the attached BPF program | [`filter`] |
//! | find an interface | [`interface`] |
//! | wait until a socket is ready, or one of several | [`wait`](wait::wait), [`wait::any`] |
//! | list interfaces and addresses without an allocator | [`interface::for_each`] |
//! | find the source address for a destination | [`socket::local_address_towards`] |
//! | forward multicast packets between interfaces (Linux) | [`multicast_router`] |
//! | use timers, `epoll` and other address families without `unsafe` | [`rustix`](wait#with-rustix) |
//!
//! ```
//! use ipv6_core::{ControlFlags, SendControl};
//! use ipv6_sys::message::{self, ControlBuffer, ControlBytes, ControlSpace, IoSlice, IoSliceMut, MessageFlags};
//! use ipv6_sys::{Host, option, socket};
//!
//! // A socket that receives the traffic class and the hop limit of each datagram.
//! const WANTED: ControlFlags = ControlFlags::TRAFFIC_CLASS.union(ControlFlags::HOP_LIMIT);
//! let receiver = socket::datagram()?;
//! socket::bind(&receiver, &"[::1]:0".parse().unwrap())?;
//! option::set_control_flags(&receiver, WANTED)?;
//! let address = socket::local_address(&receiver)?.unwrap();
//!
//! // Send a datagram with a traffic class of its own.
//! let mut bytes = ControlBytes::<{ SendControl::max_space::<Host>() }>::new();
//! let control = bytes.encode(&SendControl::new().with_traffic_class(0xe0)).unwrap();
//! let sender = socket::datagram()?;
//! message::send(&sender, &[IoSlice::new(b"hello")], control, Some(&address), MessageFlags::empty())?;
//!
//! // Receive it into buffers on the stack, and decode its control messages.
//! let mut payload = [0; 16];
//! let mut buffer = ControlBuffer::<{ WANTED.space::<Host>() }>::new();
//! let mut control = ControlSpace::from(&mut buffer);
//! let mut parts = [IoSliceMut::new(&mut payload)];
//! let received = message::receive(&receiver, &mut parts, &mut control, MessageFlags::empty())?;
//! assert_eq!((received.len, received.truncated), (5, false));
//! assert_eq!(control.decode().unwrap().traffic_class, Some(0xe0));
//! # Ok::<(), ipv6_sys::Error>(())
//! ```
//!
//! # Signals
//!
//! A call that a signal interrupts returns [`Errno::INTR`]. [`retry`] calls again, as `ipv6-std` always does.
//!
//! # Programs without `std`
//!
//! `std` makes the linker look for the C library. A `#![no_std]` program does it itself, once:
//!
//! ```
//! #[link(name = "c")]
//! unsafe extern "C" {}
//! ```
//!
//! The directory `ipv6-sys/examples/constrained` of the repository has four whole programs. Build them there with
//! `cargo build --release --target x86_64-unknown-linux-musl`. [`how_small`] has their sizes, and the flags for the smallest
//! ones. [`wait`](wait#with-rustix) names the parts of `rustix` that go with this crate.
//!
//! On Linux, only [`interface::Addresses`] allocates. No panic is reachable from this crate and `ipv6-core`; two checks of
//! `rustix` never fail ([`how_small`](how_small#panics)).

#![no_std]
#![warn(clippy::must_use_candidate)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "std", fake_kernel))]
extern crate std;

pub mod batch;
mod error;
pub mod fd;
pub mod filter;
mod host;
#[cfg(doc)]
pub mod how_small {
    #![doc = include_str!("how_small.md")]
}
pub mod interface;
pub mod message;
pub mod multicast_router;
pub mod option;
mod os;
#[doc(hidden)]
pub mod proofs;
pub mod socket;
pub mod wait;

pub use error::{Errno, Error, retry};
pub use host::Host;
#[doc(hidden)]
pub use host::IS_LINUX;
/// The kernel of the tests under Miri.
#[cfg(fake_kernel)]
#[doc(hidden)]
pub use os::fake_kernel;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
