//! Multicast: group membership, source filters, and options for sending to groups.

use std::io;
use std::net::Ipv6Addr;

use ipv6_core::InterfaceIndex;
use ipv6_sys::option;

use super::PacketConn;
use super::groups::{self, refused};
use crate::fd::AsFd;
use crate::on_interface::OnInterface;

/// Multicast.
///
/// A group is joined on one interface. `on` is an [`InterfaceIndex`], an [`Interface`](crate::Interface) by value or
/// by reference, or [`AnyInterface`](crate::AnyInterface) for the system's choice. Different interfaces, and different
/// sockets, have memberships of their own.
///
/// On a [dual-stack socket](crate::Conn#dual-stack-sockets), an IPv4-mapped group such as `::ffff:224.0.0.251` is the
/// IPv4 group, and its sources are mapped addresses too. Linux has all these calls for IPv4 groups; Apple's systems have
/// [`join_group`](Self::join_group) and [`leave_group`](Self::leave_group) (not run by us). Others return `Unsupported`. A
/// socket that carries IPv6 only returns `InvalidInput`.
///
/// # Interfaces that are recreated
///
/// When an interface disappears, the socket keeps its memberships on it, and they receive nothing, even when another
/// interface appears with the same index. On Linux, [`join_group`](Self::join_group) then fails with `EADDRINUSE`, and
/// [`leave_source_group`](Self::leave_source_group) with `NotFound` while there is no such interface. Call
/// [`leave_group`](Self::leave_group), which does not need the interface, then join again.
impl<S: AsFd> PacketConn<S> {
    /// Returns the hop limit of datagrams sent to groups (RFC 3493 section 5.2).
    ///
    /// Systems: all.
    #[doc(alias = "IPV6_MULTICAST_HOPS", alias = "MulticastHopLimit")]
    pub fn multicast_hop_limit(&self) -> io::Result<u8> {
        Ok(option::MULTICAST_HOP_LIMIT.get(self)?)
    }

    /// Sets the hop limit of datagrams sent to groups (RFC 3493 section 5.2). The default is 1.
    ///
    /// Systems: all.
    #[doc(alias = "IPV6_MULTICAST_HOPS", alias = "SetMulticastHopLimit")]
    pub fn set_multicast_hop_limit(&self, hop_limit: u8) -> io::Result<()> {
        let _changing = self.change();
        self.set_both(&option::MULTICAST_HOP_LIMIT, hop_limit)
    }

    /// Returns the interface that multicast datagrams are sent on (RFC 3493 section 5.2). `None`: the system chooses.
    ///
    /// Systems: all.
    #[doc(alias = "IPV6_MULTICAST_IF", alias = "MulticastInterface")]
    pub fn multicast_interface(&self) -> io::Result<Option<InterfaceIndex>> {
        Ok(option::MULTICAST_INTERFACE.get(self)?)
    }

    /// Sets the interface that multicast datagrams are sent on (RFC 3493 section 5.2).
    /// [`AnyInterface`](crate::AnyInterface), the default, lets the system choose.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `NotFound` when the interface does not exist, on Linux (the source of the error is `ENODEV`).
    #[doc(alias = "IPV6_MULTICAST_IF", alias = "SetMulticastInterface")]
    pub fn set_multicast_interface(&self, on: impl Into<OnInterface>) -> io::Result<()> {
        let (_changing, on) = (self.change(), on.into());
        self.set_both(&option::MULTICAST_INTERFACE, on.index()).map_err(|error| refused(error, on))
    }

    /// Returns whether members on this host receive the datagrams that this socket sends to groups (RFC 3493
    /// section 5.2).
    ///
    /// Systems: all.
    #[doc(alias = "IPV6_MULTICAST_LOOP", alias = "MulticastLoopback")]
    pub fn multicast_loopback(&self) -> io::Result<bool> {
        Ok(option::MULTICAST_LOOPBACK.get(self)?)
    }

    /// Sets whether members on this host receive the datagrams that this socket sends to groups (RFC 3493
    /// section 5.2). The default is `true`.
    ///
    /// Systems: all. On Windows the option of the receiving socket decides, not that of the sender.
    #[doc(alias = "IPV6_MULTICAST_LOOP", alias = "SetMulticastLoopback")]
    pub fn set_multicast_loopback(&self, on: bool) -> io::Result<()> {
        let _changing = self.change();
        self.set_both(&option::MULTICAST_LOOPBACK, on)
    }

    /// Joins a group on an interface, for any source (RFC 3678 section 5.1).
    ///
    /// The membership lasts until [`leave_group`](Self::leave_group), or until the last copy of the socket is closed.
    /// [`membership`](Self::membership) is the form that leaves on drop.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `group` is not a multicast address, and on Linux when the interface has no IPv6 (the source of
    /// the error is `EINVAL`). On Linux `EADDRINUSE` when the group is already joined on that interface, or was joined on
    /// an interface that is gone and had the same index ([what to do](#interfaces-that-are-recreated)); `NotFound` when the
    /// interface does not exist (the source is `ENODEV`); `ENOMEM` when the socket has more memberships than
    /// `net.core.optmem_max` allows.
    ///
    /// On FreeBSD (13, executed) `EINVAL` when the group is already joined on that interface, and also after
    /// [`leave_source_group`](Self::leave_source_group) of the last source, until [`leave_group`](Self::leave_group).
    /// `EADDRNOTAVAIL` for [`AnyInterface`](crate::AnyInterface) without a route for multicast.
    #[doc(alias = "MCAST_JOIN_GROUP", alias = "IPV6_JOIN_GROUP", alias = "IPV6_ADD_MEMBERSHIP")]
    #[doc(alias = "JoinGroup")]
    pub fn join_group(&self, group: Ipv6Addr, on: impl Into<OnInterface>) -> io::Result<()> {
        self.any_source(&groups::JOIN, group, on.into())
    }

    /// Leaves a group on an interface, for all sources (RFC 3678 section 5.1).
    ///
    /// With [`AnyInterface`](crate::AnyInterface), Linux leaves one membership of the group, on whichever interface:
    /// name the interface when the socket has joined the group on several. Of an IPv4 group, it leaves that on the interface
    /// of the route to the group.
    ///
    /// The interface may be gone: on Linux this removes what is left of a membership, and the group can be joined again on
    /// a new interface with the same index ([why](#interfaces-that-are-recreated)).
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `group` is not a multicast address; `EADDRNOTAVAIL` when it is not joined on that interface. On
    /// NetBSD (7.99, executed) also for [`AnyInterface`](crate::AnyInterface) and a group of interface-local or link-local
    /// scope, even if it was joined that way: name the interface.
    #[doc(alias = "MCAST_LEAVE_GROUP", alias = "IPV6_LEAVE_GROUP", alias = "IPV6_DROP_MEMBERSHIP")]
    #[doc(alias = "LeaveGroup")]
    pub fn leave_group(&self, group: Ipv6Addr, on: impl Into<OnInterface>) -> io::Result<()> {
        self.any_source(&groups::LEAVE, group, on.into())
    }

    /// Joins a group on an interface, for one source (RFC 3678 section 5.1, RFC 4607). Call it again to add sources.
    ///
    /// On Linux, a membership for any source that excludes none becomes one for this source.
    ///
    /// [`source_membership`](Self::source_membership) is the form that leaves on drop.
    ///
    /// Systems: Linux, Android, Apple, FreeBSD, AIX, Solaris, illumos, Windows. `Unsupported` on OpenBSD, NetBSD and
    /// DragonFly BSD.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `group` is not a multicast address, or `source` is not a unicast IPv6 address, and on Linux when
    /// the interface has no IPv6 (the source of the error is `EINVAL`). On Linux `EINVAL` when the group is joined for any
    /// source with some excluded, `EADDRNOTAVAIL` when this source is already joined, `ENOBUFS` for more sources than
    /// `net.ipv6.mld_max_msf` (64).
    #[doc(alias = "MCAST_JOIN_SOURCE_GROUP", alias = "JoinSourceSpecificGroup")]
    pub fn join_source_group(
        &self,
        group: Ipv6Addr,
        source: Ipv6Addr,
        on: impl Into<OnInterface>,
    ) -> io::Result<()> {
        self.one_source(&groups::JOIN_SOURCE, group, source, on.into())
    }

    /// Leaves a group on an interface, for one source (RFC 3678 section 5.1). Leaving the last source ends the
    /// membership. On FreeBSD (13, executed) the group cannot be joined for any source before
    /// [`leave_group`](Self::leave_group).
    ///
    /// Systems: Linux, Android, Apple, FreeBSD, AIX, Solaris, illumos, Windows. `Unsupported` on OpenBSD, NetBSD and
    /// DragonFly BSD.
    ///
    /// # Errors
    ///
    /// `InvalidInput` as for [`join_source_group`](Self::join_source_group); `EADDRNOTAVAIL` when the source is not
    /// joined; `NotFound` on Linux when the interface no longer exists (the source is `ENODEV`).
    #[doc(alias = "MCAST_LEAVE_SOURCE_GROUP", alias = "LeaveSourceSpecificGroup")]
    pub fn leave_source_group(
        &self,
        group: Ipv6Addr,
        source: Ipv6Addr,
        on: impl Into<OnInterface>,
    ) -> io::Result<()> {
        self.one_source(&groups::LEAVE_SOURCE, group, source, on.into())
    }

    /// Blocks one source of a group that is joined for any source (RFC 3678 section 5.1).
    ///
    /// Systems: Linux, Android, Apple, FreeBSD, AIX, Solaris, illumos, Windows. `Unsupported` on OpenBSD, NetBSD and
    /// DragonFly BSD. On FreeBSD the call succeeds and datagrams of the source are still received (FreeBSD 13, executed);
    /// Apple's systems have the same code. Compare [`Received::source`](crate::Received::source) there.
    ///
    /// # Errors
    ///
    /// `InvalidInput` as for [`join_source_group`](Self::join_source_group); `EINVAL` or `EADDRNOTAVAIL` when the group
    /// is not joined for any source, or the source is already blocked.
    #[doc(alias = "MCAST_BLOCK_SOURCE", alias = "ExcludeSourceSpecificGroup")]
    pub fn exclude_source(
        &self,
        group: Ipv6Addr,
        source: Ipv6Addr,
        on: impl Into<OnInterface>,
    ) -> io::Result<()> {
        self.one_source(&groups::BLOCK, group, source, on.into())
    }

    /// Unblocks a source that [`exclude_source`](Self::exclude_source) has blocked (RFC 3678 section 5.1).
    ///
    /// Systems: Linux, Android, Apple, FreeBSD, AIX, Solaris, illumos, Windows. `Unsupported` on OpenBSD, NetBSD and
    /// DragonFly BSD.
    ///
    /// # Errors
    ///
    /// As for [`exclude_source`](Self::exclude_source); `EADDRNOTAVAIL` when the source is not blocked.
    #[doc(alias = "MCAST_UNBLOCK_SOURCE", alias = "IncludeSourceSpecificGroup")]
    pub fn include_source(
        &self,
        group: Ipv6Addr,
        source: Ipv6Addr,
        on: impl Into<OnInterface>,
    ) -> io::Result<()> {
        self.one_source(&groups::UNBLOCK, group, source, on.into())
    }
}
