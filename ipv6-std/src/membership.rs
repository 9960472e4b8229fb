//! Multicast memberships that end on drop.

use std::fmt;
use std::io;
use std::mem::ManuallyDrop;
use std::net::{Ipv6Addr, UdpSocket};

use crate::fd::AsFd;
use crate::interface;
use crate::on_interface::OnInterface;
use crate::packet::PacketConn;

/// A multicast membership that leaves the group on drop.
///
/// [`PacketConn::membership`] joins for any source, [`PacketConn::source_membership`] for one. [`leave`](Self::leave)
/// returns the error that a drop ignores.
///
/// # Interfaces that are recreated
///
/// When the interface disappears, the membership receives nothing, even when another interface appears with the same
/// index. On Linux, joining again fails with `EADDRINUSE` while this value exists. Drop it, then join again. If the
/// interface is gone, dropping a membership for one source leaves the group for all its sources, because the system
/// refuses to leave it for one. None of them receives then.
///
/// ```
/// use ipv6_std::{Interface, PacketConn};
///
/// let conn = PacketConn::bind("[::]:0")?;
/// # #[cfg(not(windows))]
/// # {
/// let on = Interface::by_name("lo")?;
/// let membership = conn.membership("ff01::114".parse().unwrap(), &on)?;
/// // … receive …
/// membership.leave()?;
/// # }
/// # std::io::Result::Ok(())
/// ```
#[must_use = "the socket leaves the group when this value is dropped"]
pub struct Membership<'c, S: AsFd = UdpSocket> {
    conn: &'c PacketConn<S>,
    group: Ipv6Addr,
    source: Option<Ipv6Addr>,
    on: OnInterface,
}

impl<S: AsFd> PacketConn<S> {
    /// Joins a group on an interface, for any source, until the returned value is dropped.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of [`join_group`](Self::join_group).
    #[doc(alias = "MCAST_JOIN_GROUP", alias = "IPV6_JOIN_GROUP", alias = "JoinGroup")]
    pub fn membership(&self, group: Ipv6Addr, on: impl Into<OnInterface>) -> io::Result<Membership<'_, S>> {
        let on = on.into();
        self.join_group(group, on)?;
        Ok(Membership { conn: self, group, source: None, on })
    }

    /// Joins a group on an interface, for one source, until the returned value is dropped. Several such values may
    /// name the same group.
    ///
    /// Systems: those of [`join_source_group`](Self::join_source_group).
    ///
    /// # Errors
    ///
    /// Those of [`join_source_group`](Self::join_source_group).
    #[doc(alias = "MCAST_JOIN_SOURCE_GROUP", alias = "JoinSourceSpecificGroup")]
    pub fn source_membership(
        &self,
        group: Ipv6Addr,
        source: Ipv6Addr,
        on: impl Into<OnInterface>,
    ) -> io::Result<Membership<'_, S>> {
        let on = on.into();
        self.join_source_group(group, source, on)?;
        Ok(Membership { conn: self, group, source: Some(source), on })
    }
}

impl<S: AsFd> Membership<'_, S> {
    /// Returns the group.
    #[must_use]
    pub fn group(&self) -> Ipv6Addr {
        self.group
    }

    /// Returns the source; `None`: any source.
    #[must_use]
    pub fn source(&self) -> Option<Ipv6Addr> {
        self.source
    }

    /// Returns the interface that was passed to the constructor.
    #[must_use]
    pub fn interface(&self) -> OnInterface {
        self.on
    }

    /// Leaves the group now, and returns the system's error.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of [`PacketConn::leave_group`] and [`PacketConn::leave_source_group`]: `EADDRNOTAVAIL` when another call has
    /// already left the group. The membership ends after an error too.
    pub fn leave(self) -> io::Result<()> {
        ManuallyDrop::new(self).leave_now()
    }

    fn leave_now(&self) -> io::Result<()> {
        let Some(source) = self.source else { return self.conn.leave_group(self.group, self.on) };
        match self.conn.leave_source_group(self.group, source, self.on) {
            Err(error) if interface::is_missing(&error) => self.conn.leave_group(self.group, self.on),
            result => result,
        }
    }
}

impl<S: AsFd> Drop for Membership<'_, S> {
    fn drop(&mut self) {
        // Nobody can handle an error here; `leave` returns it.
        let _ = self.leave_now();
    }
}

impl<S: AsFd> fmt::Debug for Membership<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { conn: _, group, source, on } = self;
        f.debug_struct("Membership")
            .field("group", group)
            .field("source", source)
            .field("interface", &on.index())
            .finish_non_exhaustive()
    }
}
