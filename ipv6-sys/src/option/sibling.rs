//! The IPv4 siblings of options, for dual-stack sockets.
//!
//! Each family has its own option for a field of the header, and the kernel ignores that of the other family without an
//! error. The list of pairs is in `ipv6-core/src/rows.rs`. All of these options are an `int`, except `IP_MULTICAST_IF`.

use ipv6_core::InterfaceIndex;
use ipv6_core::abi::OptionNumber;

use super::descriptor::SocketOption;
use super::value::Writable;
use super::{
    DONT_FRAGMENT, HOP_LIMIT, IPV4_DONT_FRAGMENT, IPV4_MULTICAST_INTERFACE, IPV4_PATH_MTU_DISCOVERY,
    Ipv4Interface, PATH_MTU_DISCOVERY, PathMtuDiscovery, UNICAST_INTERFACE, is_absent,
};
use crate::error::{Errno, Error};
use crate::fd::{AsFd, BorrowedFd};

/// An option of IPv6, and the one of IPv4 for the same field.
#[derive(Clone, Copy)]
struct Pair {
    ipv6: (&'static str, Option<OptionNumber>),
    ipv4: (&'static str, Option<OptionNumber>),
}

/// Generates [`PAIRS`] from the rows.
macro_rules! pairs {
    ($($IPV6:ident => $IPV4:ident;)*) => {
        const PAIRS: [Pair; [$(stringify!($IPV6)),*].len()] = [
            $(Pair {
                ipv6: (super::$IPV6.name(), super::$IPV6.table_number()),
                ipv4: (super::$IPV4.name(), super::$IPV4.table_number()),
            },)*
        ];
    };
}

ipv6_core::for_each_ipv4_sibling!(pairs);

/// Whether one option of IPv4 is the sibling of both `DONT_FRAGMENT` and `PATH_MTU_DISCOVERY` (Linux).
const ONE_FOR_BOTH: bool = !IPV4_DONT_FRAGMENT.is_supported() && IPV4_PATH_MTU_DISCOVERY.is_supported();

impl Pair {
    fn is(&self, name: &str) -> bool {
        self.ipv6.0 == name
    }

    fn of_fragments(&self) -> bool {
        ONE_FOR_BOTH && (self.is(DONT_FRAGMENT.name()) || self.is(PATH_MTU_DISCOVERY.name()))
    }

    /// Whether this system has the sibling.
    fn is_supported(&self) -> bool {
        self.ipv4.1.is_some() || self.of_fragments()
    }

    fn ipv6(&self) -> SocketOption<i32> {
        SocketOption::new(self.ipv6.0, self.ipv6.1)
    }

    fn ipv4(&self) -> SocketOption<i32> {
        SocketOption::new(self.ipv4.0, self.ipv4.1)
    }

    /// Sets the sibling, after the option of IPv6.
    fn set(&self, socket: BorrowedFd<'_>, value: i32) -> Result<(), Error> {
        if self.of_fragments() {
            return set_discovery(socket);
        }
        if self.ipv4.0 == IPV4_MULTICAST_INTERFACE.name() {
            let index = InterfaceIndex::new(value.cast_unsigned()).ok();
            return IPV4_MULTICAST_INTERFACE.set(socket, Ipv4Interface(index));
        }
        self.ipv4().set(socket, self.for_ipv4(value))
    }

    /// The value of the sibling for this value of the option of IPv6.
    fn for_ipv4(&self, value: i32) -> i32 {
        // IP_UNICAST_IF has the index in network byte order. On Linux, so has IPV6_UNICAST_IF.
        if cfg!(windows) && self.is(UNICAST_INTERFACE.name()) { value.to_be() } else { value }
    }

    /// Sets the sibling to the value that the option of IPv6 has, unless both are the system's default.
    fn update(&self, socket: BorrowedFd<'_>) -> Result<(), Error> {
        let value = match self.ipv6().get(socket) {
            // Of this kind of socket, or in this version of the system.
            Err(error) if is_absent(error) => return Ok(()),
            value => value?,
        };
        let is_default = if self.of_fragments() {
            discovery(socket)? == PathMtuDiscovery::Want
        } else if self.ipv4.0 == IPV4_MULTICAST_INTERFACE.name() {
            value == 0
        } else {
            let is_same = match self.ipv4().get(socket) {
                // The sibling that is set next is an error, if there is a value for it.
                Err(error) if is_absent(error) => value == 0,
                sibling => sibling? == self.for_ipv4(value),
            };
            is_same || (self.is(HOP_LIMIT.name()) && is_default_hop_limit(socket, value)?)
        };
        if is_default { Ok(()) } else { self.set(socket, value) }
    }
}

/// Whether this hop limit of the socket is the system's default, which the system returns in the place of -1. The default
/// of IPv4 may differ.
fn is_default_hop_limit(socket: BorrowedFd<'_>, hop_limit: i32) -> Result<bool, Error> {
    let Some(explicit) = u8::try_from(hop_limit).ok() else { return Ok(true) };
    HOP_LIMIT.set(socket, None)?;
    let is_default = HOP_LIMIT.get(socket)? == Some(explicit);
    if !is_default {
        HOP_LIMIT.set(socket, Some(explicit))?;
    }
    Ok(is_default)
}

/// How IPv4 packets use path MTU discovery, so that they are treated as those of IPv6 are. Linux has `IP_MTU_DISCOVER`
/// and no option to refuse large packets: its modes other than these three refuse them (net/ipv4/ip_output.c:
/// `ip_sk_ignore_df`).
fn discovery(socket: BorrowedFd<'_>) -> Result<PathMtuDiscovery, Error> {
    use PathMtuDiscovery::{Off, Omit, Require, Want};
    let mode = PATH_MTU_DISCOVERY.get(socket)?;
    Ok(if matches!(mode, Off | Want | Omit) && DONT_FRAGMENT.get(socket)? { Require } else { mode })
}

fn set_discovery(socket: BorrowedFd<'_>) -> Result<(), Error> {
    IPV4_PATH_MTU_DISCOVERY.set(socket, discovery(socket)?)
}

fn pair(number: Option<OptionNumber>) -> Option<Pair> {
    let number = number?;
    PAIRS.into_iter().find(|pair| pair.ipv6.1 == Some(number) && pair.is_supported())
}

/// Sets an option and, where the system has one, its sibling for the IPv4 packets of a dual-stack socket: `IP_TOS` with
/// `IPV6_TCLASS`, for example. Options without a sibling are set as by [`SocketOption::set`].
///
/// The siblings on Linux: those of [`TRAFFIC_CLASS`](super::TRAFFIC_CLASS), [`HOP_LIMIT`],
/// [`MIN_HOP_LIMIT`](super::MIN_HOP_LIMIT), [`PATH_MTU_DISCOVERY`] and [`DONT_FRAGMENT`] (both `IP_MTU_DISCOVER`),
/// [`QUEUE_ERRORS`](super::QUEUE_ERRORS), [`ERROR_EXTENSIONS`](super::ERROR_EXTENSIONS),
/// [`UNICAST_INTERFACE`](super::UNICAST_INTERFACE), `MULTICAST_HOP_LIMIT`, `MULTICAST_INTERFACE`, `MULTICAST_LOOPBACK`,
/// `MULTICAST_ALL`, [`RECEIVE_TRAFFIC_CLASS`](super::RECEIVE_TRAFFIC_CLASS), [`RECEIVE_HOP_LIMIT`](super::RECEIVE_HOP_LIMIT),
/// `RECEIVE_ORIGINAL_DESTINATION` and `RECEIVE_FRAGMENT_SIZE`. Windows lacks those of `MIN_HOP_LIMIT`, `ERROR_EXTENSIONS`,
/// `MULTICAST_ALL`, `RECEIVE_ORIGINAL_DESTINATION` and `RECEIVE_FRAGMENT_SIZE`, and has those of
/// [`RECEIVE_PACKET_INFO`](super::RECEIVE_PACKET_INFO) and [`RECEIVE_ECN`](super::RECEIVE_ECN). On other systems, sockets of
/// `AF_INET6` have none.
///
/// # Errors
///
/// Those of [`SocketOption::set`], for the option and for the sibling; after the latter, the option is set. `EINVAL` for
/// hop limit 0, which IPv4 does not have; then neither is set.
///
/// ```
/// use ipv6_sys::{option, socket};
/// let socket = socket::datagram()?;
/// # if cfg!(target_os = "linux") {
/// option::ONLY_V6.set(&socket, false)?;
/// option::set_both(&socket, &option::HOP_LIMIT, Some(9))?;
/// assert_eq!(option::HOP_LIMIT.get(&socket)?, Some(9));
/// assert_eq!(option::IPV4_TIME_TO_LIVE.get(&socket)?, Some(9));
/// # }
/// # Ok::<(), ipv6_sys::Error>(())
/// ```
pub fn set_both<T: Writable>(socket: impl AsFd, option: &SocketOption<T>, value: T) -> Result<(), Error> {
    let socket = socket.as_fd();
    let Some(pair) = pair(option.table_number()) else { return option.set(socket, value) };
    let mut bytes = T::Bytes::default();
    let len = value.write(bytes.as_mut()).ok_or(Error::Unsupported(option.name()))?;
    let value = bytes.as_ref().get(..len).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    let value = value.ok_or(Error::Value { option: option.name(), len })?;
    if value == 0 && pair.is(HOP_LIMIT.name()) {
        return Err(Error::Os(Errno::INVAL));
    }
    pair.ipv6().set(socket, value)?;
    pair.set(socket, value)
}

/// Sets the siblings of all options to the values that the options of IPv6 have, for a socket that becomes a dual-stack
/// socket. A sibling does not change while both have the system's default.
///
/// # Errors
///
/// The first error of an option that fails.
pub fn update_siblings(socket: impl AsFd) -> Result<(), Error> {
    let socket = socket.as_fd();
    PAIRS.iter().filter(|pair| pair.is_supported()).try_for_each(|pair| pair.update(socket))
}

/// The same for one option.
///
/// # Errors
///
/// Those of [`SocketOption::set`].
#[doc(hidden)]
pub fn update_sibling<T>(socket: impl AsFd, option: &SocketOption<T>) -> Result<(), Error> {
    pair(option.table_number()).map_or(Ok(()), |pair| pair.update(socket.as_fd()))
}
