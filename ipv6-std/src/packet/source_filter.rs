//! The filter of a membership, whole.

use std::io::{self, ErrorKind};
use std::net::Ipv6Addr;

use ipv6_core::SourceFilter;
use ipv6_sys::{Error, Host, option};

use super::{PacketConn, groups};
use crate::error;
use crate::fd::AsFd;
use crate::on_interface::OnInterface;

/// Source filters (RFC 3678 section 5.2).
///
/// On a [dual-stack socket](crate::Conn#dual-stack-sockets), an IPv4-mapped group is the IPv4 group, and its sources are mapped
/// addresses too. Linux has these calls for IPv4 groups; others return `Unsupported`.
impl<S: AsFd> PacketConn<S> {
    /// Returns from which sources this socket receives the datagrams of a group that it has joined on an interface: a filter of
    /// at most `N` sources.
    ///
    /// Systems: Linux, Android, FreeBSD, Apple, illumos, Solaris, Windows. Linux, Android, FreeBSD and Apple need an
    /// interface. Elsewhere `Unsupported`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `group` is not a multicast address, or an IPv4-mapped one on a socket that carries IPv6 only, and
    /// when the filter has more than `N` sources: the error names their number. `AddrNotAvailable` when the group is not
    /// joined on that interface (the source of the error is `EADDRNOTAVAIL`).
    #[doc(
        alias = "MCAST_MSFILTER",
        alias = "IPV6_MSFILTER",
        alias = "getsourcefilter",
        alias = "SIOCGMSFILTER",
        alias = "group_filter"
    )]
    pub fn source_filter<const N: usize>(
        &self,
        group: Ipv6Addr,
        on: impl Into<OnInterface>,
    ) -> io::Result<SourceFilter<N>> {
        let mut buffer = buffer::<N>(N)?;
        let on = on.into();
        let (filter, number) =
            option::source_filter::<N>(self.as_fd(), self.joined(group)?, on.index(), &mut buffer)
                .map_err(|error| refused(error.into(), group, on))?;
        if number > filter.sources.len() {
            return Err(error::invalid(format!(
                "the filter of {group} has {number} sources: SourceFilter<{N}> has room for {N}"
            )));
        }
        Ok(filter)
    }

    /// Sets from which sources this socket receives the datagrams of a group that it has joined on an interface. The system
    /// replaces the filter in one step. With single [joins](Self::join_source_group) and [leaves](Self::leave_source_group),
    /// datagrams can be lost, or received by mistake, between two calls.
    ///
    /// A filter that includes no source ends the membership.
    ///
    /// Systems: Linux, Android, FreeBSD, Apple, illumos, Solaris, Windows. Linux, Android, FreeBSD and Apple need an
    /// interface (on Linux, IPv4 groups do not). Elsewhere `Unsupported`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for the groups that [`source_filter`](Self::source_filter) refuses, for a source that is not unicast or
    /// is of another family than the group, and when the group is not joined on that interface (`AddrNotAvailable` on FreeBSD
    /// and Apple, and on Linux for a filter that includes no source); the text says which, and the source of the latter is the
    /// system's error. On Linux `NotFound` when the interface does not exist (the source is `ENODEV`), and `ENOBUFS` for more
    /// sources than `net.ipv6.mld_max_msf` (64), or of an IPv4 group than `net.ipv4.igmp_max_msf` (10).
    ///
    /// ```
    /// use ipv6_std::{PacketConn, SourceFilter};
    /// # #[cfg(target_os = "linux")]
    /// # {
    /// # let Ok(on) = ipv6_std::Interface::by_name("lo") else { return Ok(()) };
    /// let conn = PacketConn::bind("[::]:0")?;
    /// let group = "ff3e::8000:1".parse().unwrap();
    /// conn.join_group(group, &on)?;
    /// let filter = SourceFilter::<8>::include(&["2001:db8::1".parse().unwrap()])?;
    /// conn.set_source_filter(group, &on, &filter)?;
    /// assert_eq!(conn.source_filter::<8>(group, &on)?, filter);
    /// # }
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(
        alias = "MCAST_MSFILTER",
        alias = "IPV6_MSFILTER",
        alias = "setsourcefilter",
        alias = "SIOCSMSFILTER",
        alias = "group_filter"
    )]
    pub fn set_source_filter<const N: usize>(
        &self,
        group: Ipv6Addr,
        on: impl Into<OnInterface>,
        filter: &SourceFilter<N>,
    ) -> io::Result<()> {
        let (group, on) = (self.joined(group)?, on.into());
        for source in &filter.sources {
            match group.to_ipv4_mapped() {
                Some(_) => groups::ipv4_source(group, *source).map(drop)?,
                None => error::unicast(*source).map(drop)?,
            }
        }
        let mut buffer = buffer::<N>(filter.sources.len())?;
        option::set_source_filter(self.as_fd(), group, on.index(), filter, &mut buffer)
            .map_err(|error| refused(error.into(), group, on))
    }

    /// Returns the group, unless this socket cannot have joined it.
    fn joined(&self, group: Ipv6Addr) -> io::Result<Ipv6Addr> {
        self.ipv4_group(group).map(|_| group)
    }
}

/// The error of the system, with what to do. `EINVAL`, or `EADDRNOTAVAIL`, is that of a group that is not joined: all other
/// arguments are checked before, and the buffer is long enough (net/ipv6/mcast.c: `ip6_mc_msfilter`, `ip6_mc_msfget`;
/// net/ipv4/igmp.c: `ip_mc_msfilter`, `ip_mc_gsfget`; FreeBSD and Apple: `in6p_set_source_filters` in
/// netinet6/in6_mcast.c). Linux compares the interface with that of the membership, and no membership has index 0.
#[cold]
fn refused(error: io::Error, group: Ipv6Addr, on: OnInterface) -> io::Error {
    match (error.raw_os_error().map(|_| error.kind()), on.index()) {
        (Some(kind @ (ErrorKind::InvalidInput | ErrorKind::AddrNotAvailable)), on) => {
            let text = match on {
                Some(index) => {
                    format!("the socket has not joined {group} on interface {index}: join_group first")
                }
                None => format!(
                    "a filter of {group} needs the interface of the membership: name it instead of AnyInterface"
                ),
            };
            error::explained(kind, error, text)
        }
        _ => groups::refused(error, on),
    }
}

/// A buffer for a filter with this many sources.
fn buffer<const N: usize>(sources: usize) -> io::Result<Vec<u8>> {
    let space = SourceFilter::<N>::space::<Host>(sources).ok_or(Error::Unsupported("MCAST_MSFILTER"))?;
    Ok(vec![0; space])
}
