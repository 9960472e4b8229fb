//! How to send or receive.

use crate::os;

bitflags::bitflags! {
    /// How to send or receive.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct MessageFlags: i32 {
        /// Answer [`Errno::AGAIN`] instead of waiting.
        #[doc(alias = "MSG_DONTWAIT")]
        const DONT_WAIT = os::MSG_DONTWAIT;
        /// Leave the message where it is, to be received again.
        #[doc(alias = "MSG_PEEK")]
        const PEEK = os::MSG_PEEK;
        /// Receive what the socket's error queue has (Linux).
        #[cfg(any(target_os = "linux", target_os = "android"))]
        #[doc(alias = "MSG_ERRQUEUE")]
        const ERROR_QUEUE = libc::MSG_ERRQUEUE;
        /// In a batch: wait for the first message only.
        #[doc(alias = "MSG_WAITFORONE")]
        const WAIT_FOR_ONE = crate::batch::MSG_WAITFORONE;
    }
}
