//! Sockets, as each family of systems borrows them: `AsFd` on Unix, `AsSocket` on Windows, where the former is here
//! as another name for the latter.

pub(crate) use ipv6_sys::fd::{AsFd, BorrowedFd, OwnedFd};

/// A connection lends the socket that it wraps.
macro_rules! lends_socket {
    ($connection:ident: $field:ident) => {
        #[cfg(unix)]
        impl<S: $crate::fd::AsFd> std::os::fd::AsFd for $connection<S> {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                self.$field.as_fd()
            }
        }

        #[cfg(windows)]
        impl<S: $crate::fd::AsFd> std::os::windows::io::AsSocket for $connection<S> {
            fn as_socket(&self) -> std::os::windows::io::BorrowedSocket<'_> {
                $crate::fd::AsFd::as_fd(&self.$field)
            }
        }
    };
}

pub(crate) use lends_socket;
