//! Socket options: one typed descriptor for each.
//!
//! A descriptor has the option's numbers on this system and the type of its value. [`get`](SocketOption::get) reads an
//! option, [`set`](SocketOption::set) changes it. A descriptor of an option that cannot be read has no `get`; one of an
//! option that cannot be changed has no `set`.
//!
//! ```
//! use ipv6_sys::{option, socket};
//! let socket = socket::datagram()?;
//! option::TRAFFIC_CLASS.set(&socket, 0x28)?;
//! assert_eq!(option::TRAFFIC_CLASS.get(&socket)?, 0x28);
//! assert_eq!(option::MULTICAST_INTERFACE.get(&socket)?, None);
//! # Ok::<(), ipv6_sys::Error>(())
//! ```
//!
//! [`SocketOption::custom`] creates a descriptor for an option without one here.
//!
//! Manual pages: [ipv6(7)](https://man7.org/linux/man-pages/man7/ipv6.7.html),
//! [raw(7)](https://man7.org/linux/man-pages/man7/raw.7.html),
//! [setsockopt(2)](https://man7.org/linux/man-pages/man2/setsockopt.2.html).

use core::net::SocketAddrV6;

use ipv6_core::abi::Platform;
use ipv6_core::{ControlFlags, Icmp6Filter, InterfaceIndex};
use rustix::net::SocketType;

use crate::error::{Errno, Error};
use crate::fd::{AsFd, BorrowedFd};
use crate::host::Host;
use crate::os;

mod descriptor;
mod flow_label;
mod programs;
mod sibling;
mod source_filter;
mod sticky;
mod stream;
mod structures;
mod tcp_ao;
mod tcp_md5;
mod value;

pub use descriptor::SocketOption;
pub use flow_label::{lease_flow_label, release_flow_label, renew_flow_label};
pub use ipv6_core::message::{NextHop, PacketInfo};
pub use ipv6_core::option::{
    AddressPreferences, Group, Ipv4Group, Ipv4Interface, Ipv4SourceGroup, Ipv4UnicastInterface, LocalPorts,
    MemoryInfo, MinMtu, Mtu, PacingRate, PathMtuDiscovery, PortRange, SendTimes, SourceGroup, TimestampClock,
    TimestampingFlags, UnicastInterface,
};
#[cfg(unix)]
pub use programs::{attach_ebpf_filter, attach_ebpf_port_selector};
pub use programs::{attach_filter, attach_port_selector};
pub use sibling::{set_both, update_sibling, update_siblings};
pub use source_filter::{set_source_filter, source_filter};
pub use sticky::{
    destination_options, first_destination_options, hop_by_hop, routing_header, set_destination_options,
    set_first_destination_options, set_hop_by_hop, set_routing_header,
};
pub use stream::stream_control;
pub use tcp_ao::{add_tcp_ao_key, delete_tcp_ao_key, set_tcp_ao_info, tcp_ao_info};
pub use tcp_md5::set_tcp_md5_key;
pub use value::{Integer, Readable, Writable};

/// Generates a descriptor from each row.
macro_rules! descriptors {
    (
        { $($(#[$doc:meta])* $CONSTANT:ident $field:ident $with:ident: $value:ty = $name:literal;)* }
        { $($numbers:tt)* }
    ) => {
        $(
            $(#[$doc])*
            #[doc(alias = $name)]
            pub const $CONSTANT: SocketOption<$value> = SocketOption::new($name, Host::ABI.options.$field);
        )*
    };
}

ipv6_core::for_each_option!(descriptors);

/// The former name of [`HOP_LIMIT`], with a value that is never the system's default.
#[doc(hidden)]
#[deprecated(note = "use HOP_LIMIT")]
pub const UNICAST_HOPS: SocketOption<u8> = SocketOption::new(HOP_LIMIT.name(), Host::ABI.options.hop_limit);

/// The former name of [`MULTICAST_HOP_LIMIT`].
#[doc(hidden)]
#[deprecated(note = "use MULTICAST_HOP_LIMIT")]
pub const MULTICAST_HOPS: SocketOption<u8> = MULTICAST_HOP_LIMIT;

/// The former name of [`ONLY_V6`].
#[doc(hidden)]
#[deprecated(note = "use ONLY_V6")]
pub const V6_ONLY: SocketOption<bool> = ONLY_V6;

/// The former name of [`ICMP6_TYPE_FILTER`].
#[doc(hidden)]
#[deprecated(note = "use ICMP6_TYPE_FILTER")]
pub const ICMPV6_FILTER: SocketOption<Icmp6Filter> = ICMP6_TYPE_FILTER;

/// Generates [`CONTROL`] from the rows.
macro_rules! deliveries {
    ($($OPTION:ident: $($FLAG:ident)|+ => $($Message:ident),+;)*) => {
        /// The options that deliver control messages, each with the flags that it is for.
        #[doc(hidden)]
        pub const CONTROL: [(&SocketOption<bool>, ControlFlags); [$(stringify!($OPTION)),*].len()] =
            [$((&$OPTION, ControlFlags::empty()$(.union(ControlFlags::$FLAG))+),)*];
    };
}

ipv6_core::for_each_delivery!(deliveries);

/// An option that delivers control messages, the flags of those messages, and the flags that need the option.
#[doc(hidden)]
pub type Delivery = (&'static SocketOption<bool>, ControlFlags, ControlFlags);

/// The options that deliver control messages, for this socket. On a stream of Linux, a field of the header needs the
/// options of all of them (`stream.rs`); the packet info comes last.
#[doc(hidden)]
pub fn deliveries(socket: impl AsFd) -> Result<[Delivery; CONTROL.len()], Errno> {
    let is_recorded = stream::is_recorded(socket.as_fd())?;
    Ok(CONTROL.map(|(option, of)| (option, of, if is_recorded { stream::needed_by(of) } else { of })))
}

/// Enables or disables one of the options that deliver control messages, on a dual-stack socket with its sibling for IPv4. A
/// system that lacks `IPV6_RECVTCLASS` and has `IPV6_RECVECN` (older versions of Windows) delivers the ECN bits in place of
/// the traffic class.
#[doc(hidden)]
pub fn switch(
    socket: impl AsFd,
    option: &SocketOption<bool>,
    on: bool,
    is_dual_stack: bool,
) -> Result<(), Error> {
    let socket = socket.as_fd();
    let set = |option: &SocketOption<bool>| match is_dual_stack {
        true => set_both(socket, option, on),
        false => option.set(socket, on),
    };
    match set(option) {
        Err(error)
            if is_absent(error)
                && RECEIVE_ECN.is_supported()
                && option.name() == RECEIVE_TRAFFIC_CLASS.name() =>
        {
            set(&RECEIVE_ECN)
        }
        answer => answer,
    }
}

/// Makes the socket deliver the control messages of these flags, and none of the other flags.
/// [`ControlFlags::SUPPORTED`] stands for the flags that this system has.
///
/// On a dual-stack socket, whose [`ONLY_V6`] is off, the messages of IPv4 are enabled too. On a stream of Linux, the flags of
/// the header's fields are enabled together: see [`stream_control`].
///
/// # Errors
///
/// Those of [`SocketOption::set`], for the first option that fails. An option that the system or the socket lacks is no
/// error unless one of its flags is given.
pub fn set_control_flags(socket: impl AsFd, flags: ControlFlags) -> Result<(), Error> {
    let (socket, flags) = (socket.as_fd(), flags.as_supported_by::<Host>());
    let is_dual_stack = is_dual_stack(socket)?;
    for (option, _, needed_by) in deliveries(socket)? {
        let on = flags.intersects(needed_by);
        match switch(socket, option, on, is_dual_stack) {
            Err(error) if on || !is_absent(error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Whether the socket carries IPv4 too. A raw socket carries IPv6 only, with any value of the option.
fn is_dual_stack(socket: BorrowedFd<'_>) -> Result<bool, Error> {
    match ONLY_V6.get(socket) {
        Ok(only_v6) => Ok(!only_v6 && os::socket_type(socket)? != SocketType::RAW),
        Err(error) if is_absent(error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the system has no such option, or not for this kind of socket.
#[doc(hidden)]
#[must_use]
pub fn is_absent(error: Error) -> bool {
    match error {
        Error::Unsupported(_) => true,
        Error::Os(errno) => os::lacks_option(errno),
        _ => false,
    }
}

/// Returns the flags whose control messages the socket delivers. One option delivers destination and interface, so both
/// are set or neither. A flag whose option the socket lacks is not set.
pub fn control_flags(socket: impl AsFd) -> Result<ControlFlags, Error> {
    let socket = socket.as_fd();
    let mut flags = ControlFlags::empty();
    for (option, of) in CONTROL {
        match option.get(socket) {
            Ok(true) => flags |= of,
            Err(error) if !is_absent(error) => return Err(error),
            _ => {}
        }
    }
    Ok(flags)
}
