//! Multicast groups, and what is sent to them.

use std::io;
use std::net::Ipv6Addr;

use ipv6_core::InterfaceIndex;
use ipv6_sys::option::{self, Group, SourceGroup};

use super::PacketConn;
use crate::error;
use crate::fd::AsFd;

impl<S: AsFd> PacketConn<S> {
    /// The hop limit of what is sent to groups (RFC 3493 section 5.2).
    #[doc(alias = "IPV6_MULTICAST_HOPS", alias = "MulticastHopLimit")]
    pub fn multicast_hop_limit(&self) -> io::Result<u8> {
        Ok(option::MULTICAST_HOPS.get(self)?)
    }

    /// Sets the hop limit of what is sent to groups (RFC 3493 section 5.2). A new socket has 1.
    #[doc(alias = "IPV6_MULTICAST_HOPS", alias = "SetMulticastHopLimit")]
    pub fn set_multicast_hop_limit(&self, hop_limit: u8) -> io::Result<()> {
        Ok(option::MULTICAST_HOPS.set(self, hop_limit)?)
    }

    /// The interface by which multicast leaves; `None` is the system's choice (RFC 3493 section 5.2).
    #[doc(alias = "IPV6_MULTICAST_IF", alias = "MulticastInterface")]
    pub fn multicast_interface(&self) -> io::Result<Option<InterfaceIndex>> {
        Ok(option::MULTICAST_INTERFACE.get(self)?)
    }

    /// Sets the interface by which multicast leaves (RFC 3493 section 5.2): an [`InterfaceIndex`], an
    /// [`Interface`](crate::Interface) by reference, or `None` for the system's choice.
    ///
    /// # Errors
    ///
    /// `ENODEV` on Linux when there is no such interface.
    #[doc(alias = "IPV6_MULTICAST_IF", alias = "SetMulticastInterface")]
    pub fn set_multicast_interface(&self, on: impl Into<Option<InterfaceIndex>>) -> io::Result<()> {
        Ok(option::MULTICAST_INTERFACE.set(self, on.into())?)
    }

    /// Whether listeners on this host hear what is sent to groups from here (RFC 3493 section 5.2).
    #[doc(alias = "IPV6_MULTICAST_LOOP", alias = "MulticastLoopback")]
    pub fn multicast_loopback(&self) -> io::Result<bool> {
        Ok(option::MULTICAST_LOOPBACK.get(self)?)
    }

    /// Sets whether listeners on this host hear what is sent to groups from here (RFC 3493 section 5.2). A
    /// new socket has it on.
    #[doc(alias = "IPV6_MULTICAST_LOOP", alias = "SetMulticastLoopback")]
    pub fn set_multicast_loopback(&self, on: bool) -> io::Result<()> {
        Ok(option::MULTICAST_LOOPBACK.set(self, on)?)
    }

    /// Joins a group on an interface, from any source (RFC 3678 section 5.1): an [`InterfaceIndex`], an
    /// [`Interface`](crate::Interface) by reference, or `None` for the system's choice.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `group` is not multicast; on Linux `EADDRINUSE` when it is joined already,
    /// `ENODEV` when there is no such interface, `ENOMEM` when the socket's memberships are more than
    /// `net.core.optmem_max` has room for.
    #[doc(alias = "MCAST_JOIN_GROUP", alias = "IPV6_JOIN_GROUP", alias = "IPV6_ADD_MEMBERSHIP")]
    #[doc(alias = "JoinGroup")]
    pub fn join_group(&self, group: Ipv6Addr, on: impl Into<Option<InterfaceIndex>>) -> io::Result<()> {
        Ok(option::JOIN_GROUP.set(self, any_source(group, on.into())?)?)
    }

    /// Leaves a group on an interface, with all its sources (RFC 3678 section 5.1).
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `group` is not multicast; `EADDRNOTAVAIL` when it is not joined there.
    #[doc(alias = "MCAST_LEAVE_GROUP", alias = "IPV6_LEAVE_GROUP", alias = "IPV6_DROP_MEMBERSHIP")]
    #[doc(alias = "LeaveGroup")]
    pub fn leave_group(&self, group: Ipv6Addr, on: impl Into<Option<InterfaceIndex>>) -> io::Result<()> {
        Ok(option::LEAVE_GROUP.set(self, any_source(group, on.into())?)?)
    }

    /// Joins a group on an interface for one source (RFC 3678 section 5.1, RFC 4607); more sources may be
    /// joined after it.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `group` is not multicast or `source` not one host's IPv6 address; on Linux
    /// `EINVAL` when the group is joined for any source, `EADDRNOTAVAIL` when this source is joined
    /// already, `ENOBUFS` over `net.ipv6.mld_max_msf` sources (64).
    #[doc(alias = "MCAST_JOIN_SOURCE_GROUP", alias = "JoinSourceSpecificGroup")]
    pub fn join_source_group(
        &self,
        group: Ipv6Addr,
        source: Ipv6Addr,
        on: impl Into<Option<InterfaceIndex>>,
    ) -> io::Result<()> {
        Ok(option::JOIN_SOURCE_GROUP.set(self, one_source(group, source, on.into())?)?)
    }

    /// Leaves a group on an interface for one source; with the last source goes the membership
    /// (RFC 3678 section 5.1).
    ///
    /// # Errors
    ///
    /// As [`join_source_group`](Self::join_source_group); `EADDRNOTAVAIL` when it is not joined.
    #[doc(alias = "MCAST_LEAVE_SOURCE_GROUP", alias = "LeaveSourceSpecificGroup")]
    pub fn leave_source_group(
        &self,
        group: Ipv6Addr,
        source: Ipv6Addr,
        on: impl Into<Option<InterfaceIndex>>,
    ) -> io::Result<()> {
        Ok(option::LEAVE_SOURCE_GROUP.set(self, one_source(group, source, on.into())?)?)
    }

    /// Stops hearing one source of a group that is joined for any (RFC 3678 section 5.1).
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `group` is not multicast or `source` not one host's IPv6 address; `EINVAL` or
    /// `EADDRNOTAVAIL` when the group is not joined for any source, or the source excluded already.
    #[doc(alias = "MCAST_BLOCK_SOURCE", alias = "ExcludeSourceSpecificGroup")]
    pub fn exclude_source(
        &self,
        group: Ipv6Addr,
        source: Ipv6Addr,
        on: impl Into<Option<InterfaceIndex>>,
    ) -> io::Result<()> {
        Ok(option::BLOCK_SOURCE.set(self, one_source(group, source, on.into())?)?)
    }

    /// Hears a source again that was [excluded](Self::exclude_source) (RFC 3678 section 5.1).
    ///
    /// # Errors
    ///
    /// As [`exclude_source`](Self::exclude_source); `EADDRNOTAVAIL` when it is not excluded.
    #[doc(alias = "MCAST_UNBLOCK_SOURCE", alias = "IncludeSourceSpecificGroup")]
    pub fn include_source(
        &self,
        group: Ipv6Addr,
        source: Ipv6Addr,
        on: impl Into<Option<InterfaceIndex>>,
    ) -> io::Result<()> {
        Ok(option::UNBLOCK_SOURCE.set(self, one_source(group, source, on.into())?)?)
    }
}

fn any_source(group: Ipv6Addr, on: Option<InterfaceIndex>) -> io::Result<Group> {
    Ok(Group { group: error::multicast(group)?, on })
}

fn one_source(group: Ipv6Addr, source: Ipv6Addr, on: Option<InterfaceIndex>) -> io::Result<SourceGroup> {
    Ok(SourceGroup { group: error::multicast(group)?, source: error::unicast(source)?, on })
}
