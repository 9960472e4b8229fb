//! What to wait for, and what ended the wait.

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ready {
    /// A message can be received.
    #[doc(alias = "POLLIN")]
    Receive,
    /// A message can be sent.
    #[doc(alias = "POLLOUT")]
    Send,
}

impl Ready {
    /// The event that reports it.
    #[must_use]
    pub const fn event(self) -> Events {
        match self {
            Self::Receive => Events::READABLE,
            Self::Send => Events::WRITABLE,
        }
    }
}

ipv6_core::flag_set! {
    /// What ended a wait. None: the timeout passed.
    pub struct Events: u8 {
        /// A message can be received, or the socket is shut down for receiving.
        #[doc(alias = "POLLIN")]
        const READABLE = 1;
        /// A message can be sent.
        #[doc(alias = "POLLOUT")]
        const WRITABLE = 1 << 1;
        /// An error is pending, or the error queue is not empty. Both are reported without being asked for. A call on
        /// the socket returns a pending error; only a receive from the queue
        /// ([`ERROR_QUEUE`](crate::message::MessageFlags)) empties the queue.
        #[doc(alias = "POLLERR")]
        const ERROR = 1 << 2;
        /// The socket is shut down for receiving (Linux, Android), or in both directions.
        #[doc(alias = "POLLHUP", alias = "POLLRDHUP")]
        const HANG_UP = 1 << 3;
    }
}

impl From<Ready> for Events {
    fn from(ready: Ready) -> Self {
        ready.event()
    }
}
