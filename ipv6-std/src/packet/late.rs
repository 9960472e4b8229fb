//! Errors that may be about an earlier datagram than the one that a call sends.

use std::io;

use ipv6_sys::Errno;

use super::PacketConn;
use crate::coalesce::{SURE_SIZE, is_doubtful};
use crate::error::{Unsent, is_too_long};

/// The most times that a call is repeated. Two are enough unless reports arrive between the calls.
const ATTEMPTS: usize = 8;
/// The same after `EMSGSIZE` about a datagram that fits every path, which is its own error only if the socket adds long
/// extension headers and does not fragment. Usually somebody forges reports as fast as calls are made.
const SURE_ATTEMPTS: usize = 128;

impl<S> PacketConn<S> {
    /// Returns an error that an earlier call left for this one.
    #[inline]
    pub(super) fn late(&self) -> io::Result<()> {
        if self.write.is_set() { self.write.take_late() } else { Ok(()) }
    }

    /// Makes a call that sends one datagram of `size` bytes, and [confirms](Self::confirm) its error.
    #[inline(always)]
    pub(super) fn send_confirmed(
        &self,
        size: usize,
        mut send: impl FnMut() -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut send = || send().map_err(Unsent::System);
        let answer = send();
        Ok(self.confirm(answer, (1, size), send)?)
    }

    /// Repeats a call that sends `messages` messages of `size` bytes as one, until it succeeds or fails twice in a row with
    /// the same error: that error is about its own messages. `answer` is the result of the first call.
    ///
    /// Exception: `EMSGSIZE` about messages that fit every path. Twice in a row, it is about earlier datagrams still: reports
    /// arrive between the calls.
    ///
    /// An `EMSGSIZE` that does not come again is about an earlier datagram: the next send call returns it. An `EINVAL` or
    /// `EIO` that does not come again had a cause that has passed, and nothing was lost.
    #[cold]
    #[inline(never)]
    pub(super) fn confirm<'m, T>(
        &self,
        mut answer: Result<T, Unsent<'m>>,
        (messages, size): (usize, usize),
        mut again: impl FnMut() -> Result<T, Unsent<'m>>,
    ) -> Result<T, Unsent<'m>> {
        let is_sure = size <= SURE_SIZE;
        for _ in 0..if is_sure { SURE_ATTEMPTS } else { ATTEMPTS } {
            let error = match answer {
                Err(Unsent::System(error)) if is_doubtful(&error, messages) => error,
                answer => return answer,
            };
            answer = again();
            let is_too_long = is_too_long(&error);
            let number = error.raw_os_error();
            if matches!(&answer, Err(Unsent::System(again)) if again.raw_os_error() == number) {
                if !is_too_long || !is_sure {
                    return answer;
                }
            } else if is_too_long {
                self.write.keep_late(Errno::MSGSIZE);
            }
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, IoSlice};

    use ipv6_core::SendControl;
    use ipv6_sys::message::MessageFlags;

    use super::*;

    #[test]
    fn a_report_does_not_replace_the_error_of_a_call() {
        // The host may have no interface that is up: nothing needs to arrive.
        let conn = PacketConn::bind("[::]:0").unwrap();
        let (control, to) = (SendControl::new(), "[::1]:9".parse().unwrap());
        // Another thread leaves the report after this call has failed.
        conn.write.keep_late(Errno::MSGSIZE);
        let (payload, failed) = ([IoSlice::new(b"x")], Some(Errno::INVAL));
        let error =
            conn.send_until(&payload, &control, Some(&to), MessageFlags::empty(), failed).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let next = || conn.send_to(b"x", &control, to).map_err(|error| error.kind());
        assert_eq!(next(), Err(ErrorKind::Other));
        assert_ne!(next(), Err(ErrorKind::Other));
    }
}
