//! The values of socket options that are more than an integer.
//!
//! `ipv6_sys::option` has a typed descriptor of each option, with its documentation and the type of its value.

mod modes;
mod preferences;
mod server;
mod time;

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};

use crate::icmp6_filter::Icmp6Filter;
use crate::interface::InterfaceIndex;
use crate::message::{NextHop, PacketInfo};

pub use crate::message::MinMtu;
pub use crate::timestamping::TimestampingFlags;
pub use modes::PathMtuDiscovery;
pub use preferences::AddressPreferences;
pub use server::{LocalPorts, MemoryInfo, PacingRate, PortRange};
pub use time::{SendTimes, TimestampClock};

/// A path MTU: the size of an IPv6 packet in bytes, header included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "ip6_mtuinfo")]
pub struct Mtu(pub u32);

/// A multicast group on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "ipv6_mreq", alias = "group_req")]
pub struct Group {
    /// The group's address.
    #[doc(alias = "ipv6mr_multiaddr", alias = "gr_group")]
    pub group: Ipv6Addr,
    /// The interface; `None` is the system's choice.
    #[doc(alias = "ipv6mr_interface", alias = "gr_interface")]
    pub on: Option<InterfaceIndex>,
}

/// A source of a multicast group on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "group_source_req")]
pub struct SourceGroup {
    /// The group's address.
    #[doc(alias = "gsr_group")]
    pub group: Ipv6Addr,
    /// The sender's address.
    #[doc(alias = "gsr_source")]
    pub source: Ipv6Addr,
    /// The interface; `None` is the system's choice.
    #[doc(alias = "gsr_interface")]
    pub on: Option<InterfaceIndex>,
}

/// The interface for unicast packets (`IPV6_UNICAST_IF`); `None` is the system's choice. On Linux the option has the index in
/// network byte order, unlike other options; on Windows in that of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct UnicastInterface(pub Option<InterfaceIndex>);

/// The interface for IPv4 unicast packets (`IP_UNICAST_IF`); `None` is the system's choice. The option has the index in network
/// byte order on all systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Ipv4UnicastInterface(pub Option<InterfaceIndex>);

/// An IPv4 multicast group on an interface, of a dual-stack socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "ip_mreqn")]
pub struct Ipv4Group {
    /// The group's address.
    #[doc(alias = "imr_multiaddr")]
    pub group: Ipv4Addr,
    /// The interface; `None` is the system's choice.
    #[doc(alias = "imr_ifindex")]
    pub on: Option<InterfaceIndex>,
}

/// A source of an IPv4 multicast group on an interface, of a dual-stack socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "group_source_req")]
pub struct Ipv4SourceGroup {
    /// The group's address.
    #[doc(alias = "gsr_group")]
    pub group: Ipv4Addr,
    /// The sender's address.
    #[doc(alias = "gsr_source")]
    pub source: Ipv4Addr,
    /// The interface; `None` is the system's choice.
    #[doc(alias = "gsr_interface")]
    pub on: Option<InterfaceIndex>,
}

/// The interface of `IP_MULTICAST_IF`; `None` is the system's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "ip_mreqn")]
pub struct Ipv4Interface(pub Option<InterfaceIndex>);

/// Fails to compile here if a row has a type that does not exist, instead of in `ipv6-sys`.
macro_rules! check_types {
    (
        { $($(#[$doc:meta])* $CONSTANT:ident $field:ident $with:ident: $value:ty = $name:literal;)* }
        { $($numbers:tt)* }
    ) => {
        const _: &[usize] = &[$(size_of::<$value>()),*];
    };
}

for_each_option!(check_types);
