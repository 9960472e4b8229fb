//! Multicast routing.

use std::fmt;
use std::io;
use std::net::Ipv6Addr;
use std::sync::{Mutex, PoisonError};

use ipv6_core::{
    Icmp6Filter, Icmp6Type, InterfaceIndex, Mif, MifCounters, MifSet, MulticastRoute, MulticastUpcall,
    RouteCounters,
};
use ipv6_sys::{Host, multicast_router};

use crate::error;
use crate::fd::OwnedFd;
use crate::raw::RawConn;

/// The last table: its number is in the name of an interface, `pim6reg` and up to 8 digits (net/ipv6/ip6mr.c).
const LAST_TABLE: u32 = 99_999_999;

/// The multicast router of this host: it forwards packets to groups from one interface to others (`MRT6_INIT`).
///
/// The program adds routes, and the kernel forwards packets along them. The kernel reports packets without a route
/// ([`recv_upcall`](Self::recv_upcall)), so that the program can add one. There is one router in a network namespace, or one in
/// each table. Forwarding must be enabled (`net.ipv6.conf.all.forwarding`); the kernel sets `mc_forwarding` of the interfaces.
/// When the value is dropped, the kernel removes its interfaces and routes.
///
/// The example `mroute` is a static multicast router.
///
/// Systems: Linux, Android; `Unsupported` elsewhere. It needs `CAP_NET_ADMIN` and `CAP_NET_RAW`.
///
/// ```no_run
/// use ipv6_std::{Interface, MifSet, MulticastRoute, MulticastRouter, UpcallKind};
///
/// let router = MulticastRouter::open()?;
/// let inside = router.add_interface(Interface::by_name("eth0")?)?;
/// let outside = router.add_interface(Interface::by_name("eth1")?)?;
/// loop {
///     let upcall = router.recv_upcall()?;
///     if upcall.kind == UpcallKind::NoRoute && upcall.mif == inside {
///         let outgoing = MifSet::EMPTY.with(outside);
///         let (source, group) = (Some(upcall.source), upcall.group);
///         router.add_route(&MulticastRoute { source, group, incoming: inside, outgoing })?;
///     }
/// }
/// # #[allow(unreachable_code)]
/// # std::io::Result::Ok(())
/// ```
#[doc(alias = "MRT6_INIT", alias = "MRT6_DONE")]
pub struct MulticastRouter {
    conn: RawConn,
    used: Mutex<MifSet>,
}

// Inlined, so that only programs with a router compile it, and the connection that it needs.
impl MulticastRouter {
    /// Starts multicast routing.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` without the privilege; `AddrInUse` when the host has a multicast router; `Unsupported` on other
    /// systems; `EOPNOTSUPP` when the kernel has no multicast routing.
    #[doc(alias = "MRT6_INIT")]
    #[inline]
    pub fn open() -> io::Result<Self> {
        Self::of_table(None)
    }

    /// Starts multicast routing with a routing table of its own, 1 to 99,999,999. Rules (ip-mrule(8)) select the table. 254 is
    /// the default table, that of [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open); `InvalidInput` for another number.
    #[doc(alias = "MRT6_TABLE")]
    #[inline]
    pub fn open_table(table: u32) -> io::Result<Self> {
        // The kernel takes 0, and then uses the default table (net/ipv6/ip6mr.c, `ip6_mroute_setsockopt`).
        if !(1..=LAST_TABLE).contains(&table) {
            return Err(error::invalid(format!(
                "table {table} of MRT6_TABLE: use 1 to {LAST_TABLE}, or MulticastRouter::open for the default table"
            )));
        }
        Self::of_table(Some(table))
    }

    #[inline]
    fn of_table(table: Option<u32>) -> io::Result<Self> {
        let conn = RawConn::open(Icmp6Type::PROTOCOL)?;
        // The filter is not for upcalls.
        conn.set_icmp6_filter(&Icmp6Filter::block_all())?;
        multicast_router::start(&conn, table)
            .map_err(|error| error::privileged(error.into(), "multicast routing needs CAP_NET_ADMIN"))?;
        Ok(Self { conn, used: Mutex::default() })
    }

    /// Adds a network interface, an [`Interface`](crate::Interface) or its index, to the router. Returns its number in the
    /// router, which routes use.
    ///
    /// # Errors
    ///
    /// `EADDRNOTAVAIL` when there is no such interface; `InvalidInput` when the router has 32, and for an index over 65,535.
    #[doc(alias = "MRT6_ADD_MIF", alias = "mif6ctl")]
    pub fn add_interface(&self, on: impl Into<InterfaceIndex>) -> io::Result<Mif> {
        let on = on.into();
        if on.get() > u16::MAX.into() {
            return Err(error::invalid(format!(
                "interface index {on}: MRT6_ADD_MIF has room for 1 to 65,535"
            )));
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let free = (0..Mif::COUNT).filter_map(Mif::new).find(|mif| !used.contains(*mif));
        let mif =
            free.ok_or_else(|| error::invalid("the router has 32 interfaces, the most there can be"))?;
        multicast_router::add_interface(&self.conn, mif, on)?;
        *used = used.with(mif);
        Ok(mif)
    }

    /// Removes an interface from the router. The kernel does the same when the interface disappears.
    ///
    /// # Errors
    ///
    /// `EADDRNOTAVAIL` when the router does not have it, also because it has disappeared; its number can be used again then.
    #[doc(alias = "MRT6_DEL_MIF")]
    #[inline]
    pub fn remove_interface(&self, mif: Mif) -> io::Result<()> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let removed = multicast_router::remove_interface(&self.conn, mif).map_err(io::Error::from);
        // After another error the router still has it.
        if removed.as_ref().err().is_none_or(|error| error.kind() == io::ErrorKind::AddrNotAvailable) {
            *used = used.without(mif);
        }
        removed
    }

    /// Adds a route, or replaces that of the same source and group. Packets that the kernel keeps for it are forwarded.
    ///
    /// Packets of link-local scope, and those with a hop limit of 1, are not forwarded.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a group that is not multicast, and for a source that is multicast or unspecified: `None` is
    /// any source. A packet can have an unspecified source; it must not be forwarded (RFC 4291 section 2.5.2).
    #[doc(alias = "MRT6_ADD_MFC", alias = "mf6cctl", alias = "MRT6_ADD_MFC_PROXY")]
    #[inline]
    pub fn add_route(&self, route: &MulticastRoute) -> io::Result<()> {
        if !(route.group.is_multicast() || (route.source.is_none() && route.group.is_unspecified())) {
            error::multicast(route.group)?;
        }
        match route.source {
            // In the kernel this is a route for any source (net/ipv6/ip6mr.c, `ip6mr_cache_find_any`).
            Some(Ipv6Addr::UNSPECIFIED) => {
                return Err(error::invalid("source :: of MRT6_ADD_MFC: use None for any source"));
            }
            // The kernel adds such a route too. No packet matches it.
            Some(source) => error::not_multicast(source).map(drop)?,
            None => {}
        }
        Ok(multicast_router::add_route(&self.conn, route)?)
    }

    /// Removes the route with the source and the group of this one.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none.
    #[doc(alias = "MRT6_DEL_MFC", alias = "MRT6_DEL_MFC_PROXY")]
    #[inline]
    pub fn remove_route(&self, route: &MulticastRoute) -> io::Result<()> {
        Ok(multicast_router::remove_route(&self.conn, route)?)
    }

    /// Waits for the next report of a packet that the kernel cannot forward. [`conn`](Self::conn) has deadlines and timeouts.
    ///
    /// # Errors
    ///
    /// Those of [`PacketConn::recv_from`](crate::PacketConn::recv_from).
    #[doc(alias = "mrt6msg")]
    #[inline]
    pub fn recv_upcall(&self) -> io::Result<MulticastUpcall> {
        let mut payload = [0; MulticastUpcall::LEN];
        loop {
            let got = self.conn.recv_from(&mut payload)?;
            if let Some(upcall) = payload.get(..got.len).and_then(MulticastUpcall::decode::<Host>) {
                return Ok(upcall);
            }
        }
    }

    /// Returns how many packets arrived for a route.
    ///
    /// # Errors
    ///
    /// `EADDRNOTAVAIL` when there is no route for this source and group; `Unsupported` in a 32-bit program on a 64-bit kernel.
    #[doc(alias = "SIOCGETSGCNT_IN6", alias = "sioc_sg_req6")]
    #[inline]
    pub fn route_counters(&self, source: Ipv6Addr, group: Ipv6Addr) -> io::Result<RouteCounters> {
        Ok(multicast_router::route_counters(&self.conn, source, group)?)
    }

    /// Returns how many packets arrived on an interface of the router for a route, and how many were sent.
    ///
    /// # Errors
    ///
    /// `EADDRNOTAVAIL` or `EINVAL` when the router does not have the interface; `Unsupported` in a 32-bit program on a 64-bit
    /// kernel.
    #[doc(alias = "SIOCGETMIFCNT_IN6", alias = "sioc_mif_req6")]
    #[inline]
    pub fn interface_counters(&self, mif: Mif) -> io::Result<MifCounters> {
        Ok(multicast_router::interface_counters(&self.conn, mif)?)
    }

    /// Returns the socket, for deadlines, timeouts and event loops.
    #[must_use]
    pub fn conn(&self) -> &RawConn<OwnedFd> {
        &self.conn
    }
}

impl Drop for MulticastRouter {
    /// Ends the routing, also if the socket has other descriptors.
    #[inline]
    fn drop(&mut self) {
        // Nobody can handle an error here.
        let _ = multicast_router::stop(&self.conn);
    }
}

impl fmt::Debug for MulticastRouter {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MulticastRouter").field("conn", &self.conn).finish_non_exhaustive()
    }
}
