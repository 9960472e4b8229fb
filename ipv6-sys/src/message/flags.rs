//! Flags of a send or receive call.

use crate::os;

ipv6_core::flag_set! {
    /// Flags of `sendmsg(2)` and `recvmsg(2)`.
    ///
    /// Calls with bits that have no name here fail with [`Errno::INVAL`](crate::Errno::INVAL).
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
        /// Send to hosts on the link only: not by a router. Linux ignores it for IPv6 packets.
        #[doc(alias = "MSG_DONTROUTE")]
        const DONT_ROUTE = os::MSG_DONTROUTE;
        /// Report that the destination is reachable, as if it had answered a neighbour solicitation (Linux).
        #[cfg(any(target_os = "linux", target_os = "android"))]
        #[doc(alias = "MSG_CONFIRM")]
        const CONFIRM = libc::MSG_CONFIRM;
        /// Append the payload to the datagram that a later call without this flag completes (Linux).
        #[cfg(any(target_os = "linux", target_os = "android"))]
        #[doc(alias = "MSG_MORE")]
        const MORE = libc::MSG_MORE;
        /// Look up the route and check the size, and send nothing (Linux).
        // libc lacks it; include/linux/socket.h of the kernel has it.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        #[doc(alias = "MSG_PROBE")]
        const PROBE = 0x10;
        /// Wait for the first message only. For [batches](crate::batch).
        #[doc(alias = "MSG_WAITFORONE")]
        const WAIT_FOR_ONE = os::MSG_WAITFORONE;
    }
}
