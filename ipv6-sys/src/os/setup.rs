//! The numbers of options that are not options of IPv6, where this system has them.

use ipv6_core::abi::OptionNumber;

use crate::error::Error;
use crate::fd::AsFd;

pub(crate) use host::{DEVICE, FREEBIND, TRANSPARENT};

/// An option that some systems have: its name in C, and its number where this system has it.
pub(crate) struct Switch(pub(crate) &'static str, pub(crate) Option<OptionNumber>);

impl Switch {
    pub(crate) fn set(&self, socket: impl AsFd, value: &[u8]) -> Result<(), Error> {
        let Self(name, number) = self;
        let number = number.ok_or(Error::Unsupported(name))?;
        // SAFETY: the value of these options is an integer or a text, without a pointer.
        unsafe { super::set_option(socket.as_fd(), number, value) }?;
        Ok(())
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod host {
    use super::{OptionNumber, Switch};

    pub(crate) const DEVICE: Switch = Switch(
        "SO_BINDTODEVICE",
        Some(OptionNumber { level: libc::SOL_SOCKET, name: libc::SO_BINDTODEVICE }),
    );
    pub(crate) const FREEBIND: Switch =
        Switch("IPV6_FREEBIND", Some(OptionNumber { level: libc::IPPROTO_IPV6, name: libc::IPV6_FREEBIND }));
    pub(crate) const TRANSPARENT: Switch = Switch(
        "IPV6_TRANSPARENT",
        Some(OptionNumber { level: libc::IPPROTO_IPV6, name: libc::IPV6_TRANSPARENT }),
    );
}

#[cfg(any(target_vendor = "apple", target_os = "solaris", target_os = "illumos"))]
mod host {
    use super::{OptionNumber, Switch};

    pub(crate) const DEVICE: Switch =
        Switch("IPV6_BOUND_IF", Some(OptionNumber { level: libc::IPPROTO_IPV6, name: libc::IPV6_BOUND_IF }));
    pub(crate) const FREEBIND: Switch = Switch("IPV6_FREEBIND", None);
    pub(crate) const TRANSPARENT: Switch = Switch("IPV6_TRANSPARENT", None);
}

#[cfg(any(target_os = "freebsd", target_os = "netbsd", target_os = "openbsd"))]
mod host {
    use super::{OptionNumber, Switch};

    // One option is both.
    #[cfg(target_os = "openbsd")]
    const BIND_ANY: Switch =
        Switch("SO_BINDANY", Some(OptionNumber { level: libc::SOL_SOCKET, name: libc::SO_BINDANY }));
    // netinet6/in6.h of both systems: IPV6_BINDANY is 64. The libc crate has it for FreeBSD only.
    #[cfg(not(target_os = "openbsd"))]
    const BIND_ANY: Switch =
        Switch("IPV6_BINDANY", Some(OptionNumber { level: libc::IPPROTO_IPV6, name: 64 }));

    pub(crate) const DEVICE: Switch = Switch("SO_BINDTODEVICE", None);
    pub(crate) const FREEBIND: Switch = BIND_ANY;
    pub(crate) const TRANSPARENT: Switch = BIND_ANY;
}

#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    target_os = "solaris",
    target_os = "illumos",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd"
)))]
mod host {
    use super::Switch;

    pub(crate) const DEVICE: Switch = Switch("SO_BINDTODEVICE", None);
    pub(crate) const FREEBIND: Switch = Switch("IPV6_FREEBIND", None);
    pub(crate) const TRANSPARENT: Switch = Switch("IPV6_TRANSPARENT", None);
}
