//! Sockets as each family of systems borrows them: `AsFd` on Unix, `AsSocket` on Windows, which this crate also
//! calls `AsFd`.

pub(crate) use ipv6_sys::fd::{AsFd, BorrowedFd, OwnedFd};

/// Implements the traits that lend the wrapped socket, or give it away as a number.
macro_rules! lends_socket {
    ($connection:ident: $field:ident) => {
        #[cfg(unix)]
        impl<S: $crate::fd::AsFd> std::os::fd::AsFd for $connection<S> {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                self.$field.as_fd()
            }
        }

        #[cfg(unix)]
        impl<S: std::os::fd::AsRawFd> std::os::fd::AsRawFd for $connection<S> {
            fn as_raw_fd(&self) -> std::os::fd::RawFd {
                self.$field.as_raw_fd()
            }
        }

        #[cfg(unix)]
        impl<S: std::os::fd::IntoRawFd> std::os::fd::IntoRawFd for $connection<S> {
            fn into_raw_fd(self) -> std::os::fd::RawFd {
                self.into_inner().into_raw_fd()
            }
        }

        #[cfg(windows)]
        impl<S: $crate::fd::AsFd> std::os::windows::io::AsSocket for $connection<S> {
            fn as_socket(&self) -> std::os::windows::io::BorrowedSocket<'_> {
                $crate::fd::AsFd::as_fd(&self.$field)
            }
        }

        #[cfg(windows)]
        impl<S: std::os::windows::io::AsRawSocket> std::os::windows::io::AsRawSocket for $connection<S> {
            fn as_raw_socket(&self) -> std::os::windows::io::RawSocket {
                self.$field.as_raw_socket()
            }
        }

        #[cfg(windows)]
        impl<S: std::os::windows::io::IntoRawSocket> std::os::windows::io::IntoRawSocket for $connection<S> {
            fn into_raw_socket(self) -> std::os::windows::io::RawSocket {
                self.into_inner().into_raw_socket()
            }
        }
    };
}

pub(crate) use lends_socket;
