//! Flags of a send or receive call.

use crate::os;

bitflags::bitflags! {
    /// Flags of `sendmsg(2)` and `recvmsg(2)`.
    ///
    /// Calls with bits that have no name here fail with [`Errno::INVAL`](crate::Errno::INVAL).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct MessageFlags: i32 {
        /// Fail with [`Errno::AGAIN`](crate::Errno::AGAIN) instead of waiting.
        #[doc(alias = "MSG_DONTWAIT")]
        const DONT_WAIT = os::MSG_DONTWAIT;
        /// Leave the message in the queue, so that the next receive returns it again.
        #[doc(alias = "MSG_PEEK")]
        const PEEK = os::MSG_PEEK;
        /// Receive from the socket's error queue (Linux).
        #[cfg(any(target_os = "linux", target_os = "android"))]
        #[doc(alias = "MSG_ERRQUEUE")]
        const ERROR_QUEUE = libc::MSG_ERRQUEUE;
        /// Wait for the first message only. For [batches](crate::batch).
        #[doc(alias = "MSG_WAITFORONE")]
        const WAIT_FOR_ONE = os::MSG_WAITFORONE;
    }
}
