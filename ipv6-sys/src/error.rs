//! What system calls answer when they fail.

use core::fmt;

use crate::os;

/// The number by which the system names an error (`errno`).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(i32);

impl Errno {
    /// A signal interrupted the call; it may be made again.
    pub const INTR: Self = Self(os::EINTR);
    /// The call would have had to wait, and was asked not to.
    pub const AGAIN: Self = Self(os::EAGAIN);
    /// An argument has no meaning for the socket.
    pub const INVAL: Self = Self(os::EINVAL);
    /// The message is larger than the protocol, or the path, takes.
    pub const MSGSIZE: Self = Self(os::EMSGSIZE);

    /// The error with this number.
    pub const fn from_raw(errno: i32) -> Self {
        Self(errno)
    }

    /// The number, as `errno` had it.
    pub const fn raw(self) -> i32 {
        self.0
    }
}

/// Makes a call, again for as long as signals interrupt it.
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
        fmt::Debug::fmt(&errno::Errno(self.0), f)
    }
}

impl fmt::Display for Errno {
    /// The system's own text for the error.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        errno::Errno(self.0).fmt(f)
    }
}

impl core::error::Error for Errno {}

impl From<rustix::io::Errno> for Errno {
    fn from(errno: rustix::io::Errno) -> Self {
        Self(errno.raw_os_error())
    }
}

/// Why an option could not be read or changed, or a socket not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The system refused.
    Os(Errno),
    /// The system has no such option; this is its name in C.
    Unsupported(&'static str),
    /// The system gave the option a value that the option cannot have.
    Value {
        /// The option's name in C.
        option: &'static str,
        /// Bytes of the value.
        len: usize,
    },
}

impl From<Errno> for Error {
    fn from(errno: Errno) -> Self {
        Self::Os(errno)
    }
}

impl From<rustix::io::Errno> for Error {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::Os(errno.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Os(errno) => errno.fmt(f),
            Self::Unsupported(option) => write!(f, "this system has no {option}"),
            Self::Value { option, len } => {
                write!(f, "the system gave {option} a value of {len} bytes that it cannot have")
            }
        }
    }
}

impl core::error::Error for Error {}

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
            Error::Value { .. } => Self::new(std::io::ErrorKind::InvalidData, error),
        }
    }
}
