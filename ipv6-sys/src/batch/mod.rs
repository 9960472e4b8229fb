//! Many messages in one system call: `sendmmsg(2)` and `recvmmsg(2)`.
//!
//! Linux, NetBSD and OpenBSD have these calls. On other systems the messages are sent and received one by one, and
//! everything else here is the same.
//!
//! [`RecvArray`] and [`SendArray`] hold what the calls need besides the payloads. Make them once and use them for every
//! call. They need no allocator, and may be moved between calls.
//!
//! ```
//! use ipv6_core::{ControlFlags, SendControl};
//! use ipv6_sys::batch::{Coalesce, Outgoing, RecvArray, SendArray};
//! use ipv6_sys::{Host, message::MessageFlags, socket};
//!
//! const RECEIVED: usize = ControlFlags::all().space::<Host>();
//! const SENT: usize = SendControl::max_space::<Host>();
//!
//! let receiver = socket::datagram()?;
//! socket::bind(&receiver, &"[::1]:0".parse().unwrap())?;
//! let to = socket::local_address(&receiver)?.unwrap();
//!
//! let messages = [b"one", b"two"].map(|text| Outgoing::new(text, SendControl::new(), Some(to)));
//! let mut batch = SendArray::<8, SENT>::new();
//! let sent = batch.send(&receiver, &messages, Coalesce::NONE, MessageFlags::empty()).unwrap();
//! assert_eq!(sent, 2);
//!
//! let (mut batch, mut payloads) = (RecvArray::<8, RECEIVED>::new(), [[0; 16]; 8]);
//! // Waits for the first message. Usually, the second has arrived by then too.
//! let received = batch.receive(&receiver, &mut payloads, MessageFlags::WAIT_FOR_ONE)?;
//! for ((slot, payload), text) in received.iter().zip(&payloads).zip([b"one", b"two"]) {
//!     assert_eq!(&payload[..slot.arrival().len], text);
//! }
//! # Ok::<(), ipv6_sys::Error>(())
//! ```
//!
//! Manual pages: [sendmmsg(2)](https://man7.org/linux/man-pages/man2/sendmmsg.2.html),
//! [recvmmsg(2)](https://man7.org/linux/man-pages/man2/recvmmsg.2.html).

use core::fmt;

mod outgoing;
mod payload;
mod receive;
mod runs;
mod send;
mod slot;

// FreeBSD's calls are loops in its C library, which drops the error that ends a batch. `one_by_one` tests the other file
// on a system with the calls: scripts/test-one-by-one.
#[cfg(all(
    any(target_os = "linux", target_os = "android", target_os = "netbsd", target_os = "openbsd"),
    not(one_by_one)
))]
#[path = "mmsg.rs"]
mod calls;
#[cfg(not(all(
    any(target_os = "linux", target_os = "android", target_os = "netbsd", target_os = "openbsd"),
    not(one_by_one)
)))]
#[path = "single.rs"]
mod calls;

#[doc(hidden)]
pub use calls::BatchHeader;
pub use outgoing::{ByDestination, Coalesce, Outgoing, Policy, Ports, Route, SendError};
#[doc(hidden)]
pub use payload::kind;
pub use payload::{MAX, MAX_PARTS, Part, Payload, Room, Vectored, count, fill};
pub use receive::{RecvArray, receive};
pub use send::{SendArray, SendStorage, send, send_by};
pub use slot::{RecvSlot, SendSlot};

impl Default for BatchHeader {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for BatchHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchHeader").finish_non_exhaustive()
    }
}
