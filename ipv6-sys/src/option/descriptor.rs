//! One socket option with the type of its value.

use core::marker::PhantomData;

use ipv6_core::abi::OptionNumber;

use super::value::{Integer, Readable, Writable};
use crate::error::{Errno, Error};
use crate::fd::AsFd;
use crate::os;

/// A socket option whose value is a `T`.
#[derive(Debug)]
pub struct SocketOption<T> {
    name: &'static str,
    number: Option<OptionNumber>,
    value: PhantomData<fn(T) -> T>,
}

impl<T: Integer> SocketOption<T> {
    /// Describes an option without a row in this module, by its level, its number and its name in C. Its value is a C
    /// `int`.
    ///
    /// On Linux, some options are [not supported](Self::is_supported) this way, because safe code must not use them:
    ///
    /// - Those that take a descriptor by its number (`SO_ATTACH_BPF`, `SO_ATTACH_REUSEPORT_EBPF`).
    /// - `SO_GET_FILTER`, whose length is a number of instructions: use [`filter::attached`](crate::filter::attached).
    /// - The tables of netfilter (`IP6T_SO_SET_REPLACE` and its like), which hold pointers. Kernels before 6.9 read them
    ///   beyond the length of the value.
    /// - Those of other levels than `SOL_SOCKET` and the Internet protocols (0 to 255), and those of these protocols with a
    ///   number of more than 16 bits: sockets of ATM write more than an `int` for them.
    ///
    /// For the same reason, `SO_SPLICE` is not supported on OpenBSD and FreeBSD, and `SO_UPDATE_ACCEPT_CONTEXT` not on
    /// Windows: their values hold the number of a descriptor or a socket.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")]
    /// # fn main() -> Result<(), ipv6_sys::Error> {
    /// use ipv6_sys::option::SocketOption;
    /// // SO_DONTROUTE (socket(7)): whether packets are sent to hosts on the link only; on Linux, IPv4 packets.
    /// const DONT_ROUTE: SocketOption<bool> = SocketOption::<bool>::custom(1, 5, "SO_DONTROUTE");
    /// let socket = ipv6_sys::socket::datagram()?;
    /// DONT_ROUTE.set(&socket, true)?;
    /// assert_eq!(DONT_ROUTE.get(&socket)?, true);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(target_os = "linux"))]
    /// # fn main() {}
    /// ```
    #[must_use]
    pub const fn custom(level: i32, name: i32, c: &'static str) -> Self {
        let number = OptionNumber { level, name };
        Self::new(c, if os::may_be_int(number) { Some(number) } else { None })
    }
}

impl<T> SocketOption<T> {
    pub(super) const fn new(name: &'static str, number: Option<OptionNumber>) -> Self {
        Self { name, number, value: PhantomData }
    }

    /// Returns the name in C.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns whether this system has the option. A socket of another kind may still refuse it.
    #[must_use]
    pub const fn is_supported(&self) -> bool {
        self.number.is_some()
    }

    pub(super) const fn table_number(&self) -> Option<OptionNumber> {
        self.number
    }

    fn number(&self) -> Result<OptionNumber, Error> {
        self.number.ok_or(Error::Unsupported(self.name))
    }

    /// The error of a system call with this option.
    fn error(&self, errno: Errno) -> Error {
        if os::is_unknown_option(errno) { Error::Unsupported(self.name) } else { Error::Os(errno) }
    }

    /// Reads the option.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] when the system has no such option (on Windows also `WSAENOPROTOOPT`), [`Error::Os`] when
    /// the socket has no such option, and [`Error::Value`] when the system returns a value that the option cannot have.
    #[doc(alias = "getsockopt")]
    pub fn get(&self, socket: impl AsFd) -> Result<T, Error>
    where
        T: Readable,
    {
        let mut bytes = T::Bytes::default();
        let bytes = bytes.as_mut();
        let got = os::get_option(socket.as_fd(), self.number()?, bytes);
        let len = got.map_err(|errno| self.error(errno))?;
        bytes.get(..len).and_then(T::read).ok_or(Error::Value { option: self.name, len })
    }

    /// Changes the option.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] when the system has no such option (on Windows also `WSAENOPROTOOPT`), and [`Error::Os`]
    /// when the socket has no such option or the system refuses the value.
    #[doc(alias = "setsockopt")]
    pub fn set(&self, socket: impl AsFd, value: T) -> Result<(), Error>
    where
        T: Writable,
    {
        let mut bytes = T::Bytes::default();
        let number = self.number()?;
        let len = value.write(bytes.as_mut()).ok_or(Error::Unsupported(self.name))?;
        let bytes = bytes.as_ref().get(..len).unwrap_or_default();
        // SAFETY: the kernel reads `bytes`, and finds no pointer in them: the values are those of `Writable`, which is
        // sealed, and none of them holds one. Options of 4 bytes that are not in the tables (`custom`) have no room for a
        // structure with a pointer in it: the kernels refuse a length that is too short. `may_be_int` excludes the options
        // for which older kernels do not, and the numbers of descriptors.
        let set = unsafe { os::set_option(socket.as_fd(), number, bytes) };
        set.map_err(|errno| self.error(errno))
    }
}
