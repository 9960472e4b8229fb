//! Errors of system calls.

use core::fmt;

use ipv6_core::{DecodeError, EncodeError};
use rustix::io;

/// An error number of the system (`errno`).
///
/// It displays as the system's text, such as `Invalid argument`. Without the feature `error-text` it displays as the number,
/// `error 22`: the texts take about 3 kB of a static program.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[doc(alias = "errno")]
pub struct Errno(i32);

impl Errno {
    /// A signal interrupted the call, or a receive on Windows had an ICMPv6 error about an earlier datagram. Call again,
    /// as [`retry`] does.
    #[doc(alias = "EINTR")]
    pub const INTR: Self = Self(io::Errno::INTR.raw_os_error());
    /// The call would wait, which a non-blocking socket or
    /// [`MessageFlags::DONT_WAIT`](crate::message::MessageFlags::DONT_WAIT) does not allow.
    #[doc(alias = "EAGAIN", alias = "EWOULDBLOCK")]
    pub const AGAIN: Self = Self(io::Errno::AGAIN.raw_os_error());
    /// The socket does not accept an argument.
    #[doc(alias = "EINVAL")]
    pub const INVAL: Self = Self(io::Errno::INVAL.raw_os_error());
    /// The message is too long for the protocol, the path or the send buffer.
    #[doc(alias = "EMSGSIZE")]
    pub const MSGSIZE: Self = Self(io::Errno::MSGSIZE.raw_os_error());

    /// Returns whether the network, or the host of a peer, causes this error of a receive: it is about a datagram that
    /// the socket sent before, and the next receive can succeed.
    ///
    /// These are the errors that a kernel makes of ICMPv6 and ICMP messages (Linux: `tab_unreach` and
    /// `icmpv6_err_convert` in net/ipv6/icmp.c, `icmp_err_convert` in net/ipv4/icmp.c).
    #[must_use]
    pub fn is_from_network(self) -> bool {
        use io::Errno;
        #[cfg(not(windows))]
        const MORE: [Errno; 2] = [Errno::PROTO, Errno::HOSTDOWN];
        #[cfg(windows)]
        const MORE: [Errno; 2] = [Errno::NETRESET, Errno::HOSTDOWN];
        #[cfg(any(target_os = "linux", target_os = "android"))]
        const LINUX: [Errno; 1] = [Errno::NONET];
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        const LINUX: [Errno; 0] = [];
        const ALL: [Errno; 8] = [
            Errno::CONNREFUSED,
            Errno::CONNRESET,
            Errno::HOSTUNREACH,
            Errno::NETUNREACH,
            Errno::ACCESS,
            Errno::MSGSIZE,
            Errno::NOPROTOOPT,
            Errno::OPNOTSUPP,
        ];
        // Not `Errno::from_raw_os_error`, which panics for numbers that Linux does not have.
        let is_this = |errno: &Errno| errno.raw_os_error() == self.0;
        ALL.iter().any(is_this) || MORE.iter().any(is_this) || LINUX.iter().any(is_this)
    }

    /// Creates the error with this number.
    #[must_use]
    pub const fn from_raw(errno: i32) -> Self {
        Self(errno)
    }

    /// Returns the number: `errno`, on Windows the result of `WSAGetLastError`.
    #[must_use]
    pub const fn raw(self) -> i32 {
        self.0
    }
}

/// Calls `call`, and repeats it while it fails with [`Errno::INTR`].
///
/// ```
/// use ipv6_sys::{Errno, retry};
/// let mut signals = 2;
/// let answer = retry(|| {
///     signals -= 1;
///     if signals >= 0 { Err(Errno::INTR) } else { Ok("done") }
/// });
/// assert_eq!(answer, Ok("done"));
/// ```
///
/// # Errors
///
/// The first other error of `call`.
#[inline]
pub fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            answer => return answer,
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut errno = f.debug_struct("Errno");
        errno.field("code", &self.0);
        #[cfg(feature = "error-text")]
        errno.field("description", &format_args!("\"{self}\""));
        errno.finish()
    }
}

impl fmt::Display for Errno {
    /// The system's text for the error; without the feature `error-text`, its number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(all(feature = "error-text", windows))]
        return errno::Errno(self.0).fmt(f);
        #[cfg(all(feature = "error-text", not(windows)))]
        if let Some(text) = crate::os::error_text(self.0, &mut [0; 128]) {
            return f.write_str(text);
        }
        #[cfg(not(all(feature = "error-text", windows)))]
        return write!(f, "error {}", self.0);
    }
}

impl core::error::Error for Errno {}

impl From<io::Errno> for Errno {
    fn from(errno: io::Errno) -> Self {
        Self(errno.raw_os_error())
    }
}

/// Why an option could not be read or set, or a message not sent or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// The system call failed.
    Os(Errno),
    /// This system does not have the option with this C name.
    Unsupported(&'static str),
    /// The kernel returned a value that is not valid for the option.
    Value {
        /// The option's C name.
        option: &'static str,
        /// The length of the value in bytes.
        len: usize,
    },
    /// Control messages could not be written.
    Encode(EncodeError),
    /// A received control message could not be read.
    Decode(DecodeError),
}

impl Error {
    /// The error of a request of `ioctl`. One that the system does not know is unsupported.
    pub(crate) fn of_request(name: &'static str, errno: Errno) -> Self {
        if crate::os::is_unknown_request(errno) { Self::Unsupported(name) } else { Self::Os(errno) }
    }
}

impl From<Errno> for Error {
    fn from(errno: Errno) -> Self {
        Self::Os(errno)
    }
}

impl From<io::Errno> for Error {
    fn from(errno: io::Errno) -> Self {
        Self::Os(errno.into())
    }
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Os(errno) => errno.fmt(f),
            Self::Unsupported(option) => write!(f, "this system has no {option}"),
            Self::Value { option, len } => {
                write!(f, "the kernel returned {len} bytes for {option} that are not a valid value")
            }
            #[cfg(feature = "error-text")]
            Self::Encode(error) => error.fmt(f),
            #[cfg(feature = "error-text")]
            Self::Decode(error) => error.fmt(f),
            #[cfg(not(feature = "error-text"))]
            Self::Encode(_) => f.write_str("encoding failed"),
            #[cfg(not(feature = "error-text"))]
            Self::Decode(_) => f.write_str("decoding failed"),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Encode(error) => Some(error),
            Self::Decode(error) => Some(error),
            Self::Os(_) | Self::Unsupported(_) | Self::Value { .. } => None,
        }
    }
}

#[cfg(feature = "std")]
impl From<Errno> for std::io::Error {
    fn from(errno: Errno) -> Self {
        Self::from_raw_os_error(errno.raw())
    }
}

#[cfg(feature = "std")]
impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Os(errno) => errno.into(),
            Error::Unsupported(_) => Self::new(std::io::ErrorKind::Unsupported, error),
            Error::Encode(EncodeError::Unsupported(_)) => Self::new(std::io::ErrorKind::Unsupported, error),
            Error::Encode(_) => Self::new(std::io::ErrorKind::InvalidInput, error),
            Error::Value { .. } | Error::Decode(_) => Self::new(std::io::ErrorKind::InvalidData, error),
        }
    }
}
