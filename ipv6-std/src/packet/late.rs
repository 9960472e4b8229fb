//! Errors that may be about an earlier datagram than the one that a call sends.

use std::io;

use ipv6_sys::Errno;

use super::PacketConn;
use crate::coalesce::is_doubtful;
use crate::error::{Unsent, is_too_long};

/// The most times that a call is repeated. Two are enough unless reports arrive between the calls.
const ATTEMPTS: usize = 8;

impl<S> PacketConn<S> {
    /// Returns an error that an earlier call left for this one.
    #[inline]
    pub(super) fn late(&self) -> io::Result<()> {
        if self.write.is_set() { self.write.take_late() } else { Ok(()) }
    }

    /// Makes a call that sends one datagram, and [confirms](Self::confirm) its error.
    #[inline(always)]
    pub(super) fn send_confirmed(&self, mut send: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
        self.late()?;
        let mut send = || send().map_err(Unsent::System);
        let answer = send();
        Ok(self.confirm(answer, 1, send)?)
    }

    /// Repeats a call that sends `messages` messages as one, until it succeeds or fails twice in a row with the same
    /// error: that error is about its own messages. `answer` is the result of the first call.
    ///
    /// An `EMSGSIZE` that does not come again is about an earlier datagram: the next send call returns it. An `EINVAL` or
    /// `EIO` that does not come again had a cause that has passed, and nothing was lost.
    #[cold]
    #[inline(never)]
    pub(super) fn confirm<'m, T>(
        &self,
        mut answer: Result<T, Unsent<'m>>,
        messages: usize,
        mut again: impl FnMut() -> Result<T, Unsent<'m>>,
    ) -> Result<T, Unsent<'m>> {
        for _ in 0..ATTEMPTS {
            let error = match answer {
                Err(Unsent::System(error)) if is_doubtful(&error, messages) => error,
                answer => return answer,
            };
            answer = again();
            match &answer {
                Err(Unsent::System(again)) if again.raw_os_error() == error.raw_os_error() => return answer,
                _ if is_too_long(&error) => self.write.keep_late(Errno::MSGSIZE),
                _ => {}
            }
        }
        answer
    }
}
