//! Many messages in one system call: `sendmmsg(2)` and `recvmmsg(2)` over the caller's storage.
//!
//! Linux, NetBSD and OpenBSD have these calls. Elsewhere the messages go and come one by one, and everything else here is
//! the same.
//!
//! The storage is one [`BatchHeader`] and one [`RecvSlot`] or [`SendSlot`] for each message, in vectors that the
//! caller makes once and uses again, or in arrays of a fixed size ([`RecvArray`], [`SendArray`]). Each call writes all
//! that the kernel reads, so nothing that the kernel left in them matters, and they may move between calls. (What
//! [`receive`] says of errors is the exception.)
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
//! let mut batch = SendArray::<8, SENT>::new(); // no allocator, and here on the stack
//! let sent = batch.send(&receiver, &messages, Coalesce::NONE, MessageFlags::empty()).unwrap();
//! assert_eq!(sent, 2);
//!
//! let (mut batch, mut payloads) = (RecvArray::<8, RECEIVED>::new(), [[0; 16]; 8]);
//! let received = batch.receive(&receiver, &mut payloads, MessageFlags::WAIT_FOR_ONE)?;
//! assert_eq!(received.len(), 2);
//! assert_eq!(&payloads[1][..received[1].arrival().len], b"two");
//! # Ok::<(), ipv6_sys::Error>(())
//! ```

use core::fmt;

mod outgoing;
mod payload;
mod receive;
mod send;
mod slot;

// The systems that have the calls; the file says which. (FreeBSD's are loops of its library, which loses what the system
// told it once. `one_by_one` is for testing the other file where batches can be tested: scripts/test-one-by-one.)
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

pub use calls::BatchHeader;
pub use outgoing::{Coalesce, Outgoing, Ports, SendError};
pub use payload::{MAX, Part, Payload, Room, Vectored, fill};
pub use receive::{RecvArray, receive};
pub use send::{SendArray, SendStorage, send, send_if};
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
