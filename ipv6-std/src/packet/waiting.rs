//! How long calls wait: deadlines and timeouts.

use std::io;
use std::time::{Duration, Instant};

use super::PacketConn;

/// Deadlines and timeouts.
///
/// A deadline is a point in time, for all calls until it is moved. A timeout applies to each call, from its start. If
/// both are set, the one that ends first applies. The error is `TimedOut`, and its text names the limit that has
/// passed.
///
/// A call on a non-blocking socket never waits: it returns `WouldBlock`, also with a limit that has not passed. Windows
/// does not report the mode of a socket; there, a call with a limit waits. `SO_RCVTIMEO` and `SO_SNDTIMEO` are not
/// used, so that the system's own timeouts of the socket stay as they are.
///
/// Systems: all.
impl<S> PacketConn<S> {
    /// Sets the time after which receive and send calls fail with `TimedOut`; `None`: no deadline.
    ///
    /// A call that already waits follows the change within 100 ms if it started with a deadline or a timeout (250 ms while
    /// an error is in the [error queue](Self::set_queue_errors)). A call that started with neither waits until a datagram
    /// arrives: to be able to end calls, set a deadline before them, however distant.
    ///
    /// Systems: all.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// let conn = ipv6_std::PacketConn::bind("[::1]:0")?;
    /// conn.set_deadline(Some(Instant::now() + Duration::from_millis(10)));
    /// let error = conn.recv_from(&mut [0; 16]).unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    /// assert_eq!(error.to_string(), "the read deadline has passed");
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "SetDeadline")]
    pub fn set_deadline(&self, deadline: Option<Instant>) {
        self.set_read_deadline(deadline);
        self.set_write_deadline(deadline);
    }

    /// Sets the deadline of receive calls, as [`set_deadline`](Self::set_deadline).
    ///
    /// Systems: all.
    #[doc(alias = "SetReadDeadline")]
    pub fn set_read_deadline(&self, deadline: Option<Instant>) {
        self.read.set_deadline(deadline);
    }

    /// Returns the deadline of receive calls. A deadline before the creation of this value is returned as the time of its
    /// creation.
    ///
    /// Systems: all.
    #[must_use]
    pub fn read_deadline(&self) -> Option<Instant> {
        self.read.deadline()
    }

    /// Sets the deadline of send calls, as [`set_deadline`](Self::set_deadline).
    ///
    /// Systems: all.
    #[doc(alias = "SetWriteDeadline")]
    pub fn set_write_deadline(&self, deadline: Option<Instant>) {
        self.write.set_deadline(deadline);
    }

    /// Returns the deadline of send calls, as [`read_deadline`](Self::read_deadline).
    ///
    /// Systems: all.
    #[must_use]
    pub fn write_deadline(&self) -> Option<Instant> {
        self.write.deadline()
    }

    /// Sets how long each receive call waits for a datagram before it fails with `TimedOut`; `None`: without limit.
    ///
    /// A datagram that is already there is received, however short the timeout.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a timeout of zero.
    ///
    /// ```
    /// use std::time::Duration;
    /// let conn = ipv6_std::PacketConn::bind("[::1]:0")?;
    /// conn.set_read_timeout(Some(Duration::from_millis(10)))?;
    /// let error = conn.recv_from(&mut [0; 16]).unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    /// assert_eq!(error.to_string(), "no datagram within 10ms");
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "SO_RCVTIMEO")]
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.read.set_timeout(timeout)
    }

    /// Returns how long each receive call waits at most; `None`: without limit.
    ///
    /// Systems: all.
    #[doc(alias = "SO_RCVTIMEO")]
    #[must_use]
    pub fn read_timeout(&self) -> Option<Duration> {
        self.read.timeout()
    }

    /// Sets how long each send call waits for room in the send buffer before it fails with `TimedOut`; `None`: without
    /// limit. For a batch, the time counts from the start of the call.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a timeout of zero.
    #[doc(alias = "SO_SNDTIMEO")]
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.write.set_timeout(timeout)
    }

    /// Returns how long each send call waits at most; `None`: without limit.
    ///
    /// Systems: all.
    #[doc(alias = "SO_SNDTIMEO")]
    #[must_use]
    pub fn write_timeout(&self) -> Option<Duration> {
        self.write.timeout()
    }
}
