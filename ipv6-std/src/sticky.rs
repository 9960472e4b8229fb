//! Extension headers that a socket adds to each packet.

use std::io;

use ipv6_core::ext::{DestinationOptions, HopByHop, RoutingHeader};
use ipv6_sys::{Error, option};

use crate::conn::Conn;
use crate::error;
use crate::fd::AsFd;
use crate::packet::left_out::leaves_out;
use crate::privilege;

/// Sticky extension headers: the system adds them to each packet that the socket sends (RFC 3542 sections 7 to 9).
///
/// [`ext`](crate::ext) builds and parses headers. To send a header with one datagram, send it as a message:
/// [`PacketConn::send_messages`](crate::PacketConn::send_messages).
///
/// # Linux
///
/// - **A datagram that is sent with an extension header as a message has none of the sticky headers**, also none of another
///   kind (executed; `ip6_datagram_send_ctl` and `fl6_merge_options` in the kernel).
/// - Hop-by-hop and destination options need `CAP_NET_RAW`, also to remove them. A routing header needs no privilege.
/// - A segment routing header works only as a sticky header: as a message it is `EINVAL`. Its last segment is replaced by the
///   destination of each packet. Receivers process it if `net.ipv6.conf.*.seg6_enabled` is 1, and others drop the packet.
/// - Routing headers of type 0 are refused (`EINVAL`); those of type 2 need a kernel with mobile IPv6.
/// - Destination options before the routing header are sent only if there is a routing header. Without one they are left
///   out, without an error.
/// - An ICMPv6 socket without privilege sends no extension headers (`ping_v6_sendmsg`): setting one there is `Unsupported`,
///   and so is sending one as a message.
/// - IPv4 packets of a [dual-stack socket](Conn#dual-stack-sockets) have none of these headers.
/// - Segments ([`send_segments`](crate::PacketConn::send_segments)) with extension headers fail on older kernels (`EIO`, 6.1).
///
/// Systems: Linux, Android, Apple, the BSDs, illumos, Solaris, AIX; of these, only Linux was run by us. Windows has the numbers
/// of hop-by-hop options and of the routing header only, not run by us.
impl<S: AsFd> Conn<S> {
    /// Sets the hop-by-hop options of all packets that the socket sends; `None` removes them (RFC 3542 section 8).
    ///
    /// Systems: Linux, Android, Apple, the BSDs, illumos, Solaris, AIX.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` without the privilege: `CAP_NET_RAW` on Linux, root elsewhere; `InvalidInput` for a header that the
    /// system does not accept; `Unsupported` on an ICMPv6 socket without privilege of Linux.
    ///
    /// ```no_run
    /// use ipv6_std::ext::{OptionType, OptionsBuilder};
    /// use ipv6_std::RawConn;
    /// // MLD messages have a router alert (RFC 3810 section 5).
    /// let conn = RawConn::open(58)?;
    /// let alert = OptionsBuilder::<8>::new().with(OptionType::ROUTER_ALERT, &[0, 0])?;
    /// conn.set_hop_by_hop_options(alert.hop_by_hop())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "IPV6_HOPOPTS")]
    pub fn set_hop_by_hop_options<'h>(&self, header: impl Into<Option<HopByHop<'h>>>) -> io::Result<()> {
        self.set_header("IPV6_HOPOPTS", header.into(), |conn, header| option::set_hop_by_hop(conn, header))
    }

    /// Returns the hop-by-hop options that [`set_hop_by_hop_options`](Self::set_hop_by_hop_options) has set, in `buffer`:
    /// [`ext::MAX_LEN`](crate::ext::MAX_LEN) bytes are enough for any. `None`: none are set.
    ///
    /// Systems: Linux, Android, Apple, the BSDs, illumos, Solaris, AIX.
    ///
    /// # Errors
    ///
    /// `InvalidData` when the header does not fit in `buffer`.
    #[doc(alias = "IPV6_HOPOPTS")]
    pub fn hop_by_hop_options<'b>(&self, buffer: &'b mut [u8]) -> io::Result<Option<HopByHop<'b>>> {
        Ok(option::hop_by_hop(self.as_fd(), buffer)?)
    }

    /// Sets the destination options of all packets that the socket sends; `None` removes them (RFC 3542 section 9).
    ///
    /// Systems: Linux, Android, Apple, the BSDs, illumos, Solaris, AIX.
    ///
    /// # Errors
    ///
    /// Those of [`set_hop_by_hop_options`](Self::set_hop_by_hop_options).
    #[doc(alias = "IPV6_DSTOPTS")]
    pub fn set_destination_options<'h>(
        &self,
        header: impl Into<Option<DestinationOptions<'h>>>,
    ) -> io::Result<()> {
        self.set_header("IPV6_DSTOPTS", header.into(), |conn, header| {
            option::set_destination_options(conn, header)
        })
    }

    /// Returns the destination options that are set, as [`hop_by_hop_options`](Self::hop_by_hop_options) does.
    #[doc(alias = "IPV6_DSTOPTS")]
    pub fn destination_options<'b>(
        &self,
        buffer: &'b mut [u8],
    ) -> io::Result<Option<DestinationOptions<'b>>> {
        Ok(option::destination_options(self.as_fd(), buffer)?)
    }

    /// Sets the destination options before the routing header, which each node of the route examines; `None` removes them
    /// (RFC 3542 section 9).
    ///
    /// Systems: Linux, Android, Apple, the BSDs, illumos, Solaris, AIX.
    ///
    /// # Errors
    ///
    /// Those of [`set_hop_by_hop_options`](Self::set_hop_by_hop_options).
    #[doc(alias = "IPV6_RTHDRDSTOPTS")]
    pub fn set_first_destination_options<'h>(
        &self,
        header: impl Into<Option<DestinationOptions<'h>>>,
    ) -> io::Result<()> {
        self.set_header("IPV6_RTHDRDSTOPTS", header.into(), |conn, header| {
            option::set_first_destination_options(conn, header)
        })
    }

    /// Returns the destination options before the routing header that are set, as
    /// [`hop_by_hop_options`](Self::hop_by_hop_options) does.
    #[doc(alias = "IPV6_RTHDRDSTOPTS")]
    pub fn first_destination_options<'b>(
        &self,
        buffer: &'b mut [u8],
    ) -> io::Result<Option<DestinationOptions<'b>>> {
        Ok(option::first_destination_options(self.as_fd(), buffer)?)
    }

    /// Sets the routing header of all packets that the socket sends; `None` removes it (RFC 3542 section 7, RFC 8754).
    ///
    /// Systems: Linux, Android, Apple, the BSDs, illumos, Solaris, AIX.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a header that the system does not accept: see [above](#linux).
    ///
    /// ```
    /// use ipv6_std::ext::SegmentRoutingBuilder;
    /// use ipv6_std::PacketConn;
    /// # #[cfg(target_os = "linux")]
    /// # {
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// // Through 2001:db8::a. The system replaces the last segment by the destination.
    /// let path = ["2001:db8::a", "::"].map(|segment| segment.parse().unwrap());
    /// let segments = SegmentRoutingBuilder::<40>::new(&path)?;
    /// conn.set_routing_header(segments.header().header())?;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "IPV6_RTHDR")]
    pub fn set_routing_header<'h>(&self, header: impl Into<Option<RoutingHeader<'h>>>) -> io::Result<()> {
        self.set_header("IPV6_RTHDR", header.into(), |conn, header| option::set_routing_header(conn, header))
    }

    /// Returns the routing header that is set, as [`hop_by_hop_options`](Self::hop_by_hop_options) does.
    #[doc(alias = "IPV6_RTHDR")]
    pub fn routing_header<'b>(&self, buffer: &'b mut [u8]) -> io::Result<Option<RoutingHeader<'b>>> {
        Ok(option::routing_header(self.as_fd(), buffer)?)
    }
}

impl<S: AsFd> Conn<S> {
    /// Sets a header. Adds the privilege that is missing to the error.
    fn set_header<H>(
        &self,
        name: &str,
        header: Option<H>,
        set: impl FnOnce(&Self, Option<H>) -> Result<(), Error>,
    ) -> io::Result<()> {
        // The kernel would keep it, and send nothing of it.
        if header.is_some() && leaves_out(self.as_fd())? {
            return Err(error::left_out(name));
        }
        set(self, header).map_err(|error| privilege::named(error.into(), name))
    }
}
