//! Options for the header fields of sent packets, and for their size.

use std::io;

use ipv6_core::{Ecn, dscp, traffic_class};
use ipv6_sys::option;

use crate::conn::Conn;
use crate::error;
use crate::fd::AsFd;

impl<S: AsFd> Conn<S> {
    /// Returns the traffic class of sent packets: DSCP and ECN together (RFC 3542 section 6.5).
    ///
    /// Systems: all.
    #[doc(alias = "IPV6_TCLASS", alias = "TrafficClass")]
    pub fn traffic_class(&self) -> io::Result<u8> {
        Ok(option::TRAFFIC_CLASS.get(self)?)
    }

    /// Sets the traffic class of sent packets: DSCP and ECN together (RFC 3542 section 6.5). On a TCP
    /// socket, Linux sets the DSCP and leaves the two ECN bits to TCP.
    ///
    /// Systems: all.
    #[doc(alias = "IPV6_TCLASS", alias = "SetTrafficClass")]
    pub fn set_traffic_class(&self, traffic_class: u8) -> io::Result<()> {
        let _changing = self.change();
        self.write_traffic_class(traffic_class)
    }

    /// Writes the option. The caller holds [`change`](Self::change).
    fn write_traffic_class(&self, traffic_class: u8) -> io::Result<()> {
        self.set_both(&option::TRAFFIC_CLASS, traffic_class)
    }

    /// Returns the differentiated services codepoint of sent packets, 0 to 63 (RFC 2474).
    ///
    /// Systems: all.
    #[doc(alias = "IPV6_TCLASS", alias = "DSCP")]
    pub fn dscp(&self) -> io::Result<u8> {
        self.traffic_class().map(dscp)
    }

    /// Sets the differentiated services codepoint of sent packets (RFC 2474). The ECN stays as it is.
    ///
    /// The two share one option, which this call reads and writes. Calls of other threads on this value wait
    /// for it. Calls on another value of the same socket ([`try_clone`](Self::try_clone)) do not: one of the
    /// two changes may be lost.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a value over 63.
    #[doc(alias = "IPV6_TCLASS", alias = "DSCP")]
    pub fn set_dscp(&self, dscp: u8) -> io::Result<()> {
        let _changing = self.change();
        let class = traffic_class(dscp, self.ecn()?);
        self.write_traffic_class(class.ok_or_else(|| {
            error::invalid(format!("DSCP {dscp} is over 63: set_traffic_class sets all eight bits"))
        })?)
    }

    /// Returns the congestion notification of sent packets (RFC 3168).
    ///
    /// Systems: all.
    #[doc(alias = "IPV6_TCLASS", alias = "ECN")]
    pub fn ecn(&self) -> io::Result<Ecn> {
        self.traffic_class().map(Ecn::from_traffic_class)
    }

    /// Sets the congestion notification of sent packets (RFC 3168). The DSCP stays as it is; about other threads,
    /// see [`set_dscp`](Self::set_dscp).
    ///
    /// Systems: all.
    #[doc(alias = "IPV6_TCLASS", alias = "ECN")]
    pub fn set_ecn(&self, ecn: Ecn) -> io::Result<()> {
        let _changing = self.change();
        self.write_traffic_class(ecn.mark(self.traffic_class()?))
    }

    /// Returns the hop limit of packets sent to unicast addresses (RFC 3493 section 5.1).
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where the system does not report its default: set a hop limit first.
    #[doc(alias = "IPV6_UNICAST_HOPS", alias = "HopLimit")]
    pub fn hop_limit(&self) -> io::Result<u8> {
        let hop_limit = option::HOP_LIMIT.get(self)?;
        hop_limit.ok_or_else(|| {
            error::invalid(
                "the hop limit is the system's default, which the system does not report: set one first",
            )
        })
    }

    /// Sets the hop limit of packets sent to unicast addresses; `None` selects the system's default
    /// (RFC 3493 section 5.1). Packets sent to groups have
    /// [their own hop limit](crate::PacketConn::set_multicast_hop_limit).
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for 0 on a [dual-stack socket](#dual-stack-sockets): IPv4 has no time to live of 0.
    ///
    /// ```
    /// use ipv6_std::PacketConn;
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// let default = conn.hop_limit()?;
    /// conn.set_hop_limit(1)?;
    /// conn.set_hop_limit(None)?;
    /// assert_eq!(conn.hop_limit()?, default);
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "IPV6_UNICAST_HOPS", alias = "SetHopLimit")]
    pub fn set_hop_limit(&self, hop_limit: impl Into<Option<u8>>) -> io::Result<()> {
        let _changing = self.change();
        self.set_both(&option::HOP_LIMIT, hop_limit.into())
    }

    /// Returns the path MTU to the peer of a connected socket: the size of the largest IPv6 packet that reaches it
    /// unfragmented, in bytes, header included (RFC 3542 section 11.4).
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `NotConnected` when the socket has no peer; on Linux also while it has no route: between a change of
    /// its traffic class and the next packet.
    #[doc(alias = "IPV6_PATHMTU", alias = "PathMTU")]
    pub fn path_mtu(&self) -> io::Result<u32> {
        Ok(option::PATH_MTU.get(self)?.0)
    }

    /// Returns whether packets are never fragmented on this host (RFC 3542 section 11.2).
    ///
    /// Systems: all.
    #[doc(alias = "IPV6_DONTFRAG")]
    pub fn dont_fragment(&self) -> io::Result<bool> {
        Ok(option::DONT_FRAGMENT.get(self)?)
    }

    /// Disables fragmentation on this host (RFC 3542 section 11.2). A packet larger than the path MTU is
    /// then refused, on Linux with `EMSGSIZE` ([`is_too_long`](crate::is_too_long)).
    ///
    /// Systems: all.
    #[doc(alias = "IPV6_DONTFRAG")]
    pub fn set_dont_fragment(&self, on: bool) -> io::Result<()> {
        let _changing = self.change();
        self.set_both(&option::DONT_FRAGMENT, on)
    }
}
