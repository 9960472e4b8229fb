//! The control messages of a reply to a received datagram.

use super::{RecvControl, SendControl};

impl RecvControl<'_> {
    /// Returns the control messages of a reply: its source is the address that the datagram was sent to, unless that is
    /// a group. If that address is link-local or a group, the reply is sent on the interface that received the
    /// datagram. Both need [`ControlFlags::DESTINATION`](crate::ControlFlags::DESTINATION). The same holds for
    /// IPv4-mapped addresses; 255.255.255.255 counts as a group. (The broadcast address of a network is not recognized:
    /// remove the source. Linux answers `ENETUNREACH` to it, or `EINVAL`.)
    ///
    /// In all other cases the system chooses the interface. It can be another one: a client on this host that uses the
    /// address of a second interface is not reachable through the first (Linux: `ENETUNREACH`). If the peer's address is
    /// link-local, its scope is the interface.
    ///
    /// If that address is IPv4-mapped, FreeBSD takes the reply only from a socket that is bound to a port and to the
    /// wildcard address. It answers `EINVAL` if the socket is bound to an address or connected (FreeBSD 13, executed).
    /// Apple's systems do not take the reply from 169.254.0.0/16 ([`EncodeError::SourceOrInterface`]): remove one of the
    /// two.
    ///
    /// [`EncodeError::SourceOrInterface`]: crate::EncodeError::SourceOrInterface
    ///
    /// ```
    /// use ipv6_core::{RecvControl, SendControl, InterfaceIndex};
    /// let eth0 = InterfaceIndex::new(2)?;
    /// let mut got = RecvControl::default();
    /// got.interface = Some(eth0);
    ///
    /// got.destination = Some("ff02::fb".parse().unwrap());
    /// assert_eq!(got.reply(), SendControl::new().with_interface(eth0));
    ///
    /// let address = "2001:db8::1".parse().unwrap();
    /// got.destination = Some(address);
    /// assert_eq!(got.reply(), SendControl::new().with_source(address));
    /// # Ok::<(), ipv6_core::ZeroIndex>(())
    /// ```
    #[must_use]
    pub fn reply(&self) -> SendControl<'static> {
        let mut reply = SendControl::new();
        let Some(to) = self.destination else { return reply };
        let (is_group, is_link_local) = match to.to_ipv4_mapped() {
            Some(to) => (to.is_multicast() || to.is_broadcast(), to.is_link_local()),
            None => (to.is_multicast(), to.is_unicast_link_local()),
        };
        reply.source = Some(to).filter(|_| !is_group);
        reply.interface = self.interface.filter(|_| is_group || is_link_local);
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Linux64;
    use crate::control::samples::{encoded, full};
    use crate::interface::InterfaceIndex;

    // Scar 74 (unbound#1390): an interface of a reply to an address of global scope can make the peer unreachable.
    #[test]
    fn a_reply_names_the_interface_for_link_local_and_multicast_destinations_only() {
        let interface = InterfaceIndex::new(7).ok();
        for (destination, is_source, has_interface) in [
            (Some("2001:db8::1"), true, false),
            (Some("fd00::1"), true, false),
            (Some("::1"), true, false),
            (Some("fe80::1"), true, true),
            (Some("ff02::1"), false, true),
            (Some("ff0e::1"), false, true),
            // Scar 57: a group as the source of a reply is EINVAL on Linux.
            (Some("::ffff:192.0.2.1"), true, false),
            (Some("::ffff:127.0.0.1"), true, false),
            (Some("::ffff:169.254.0.1"), true, true),
            (Some("::ffff:224.0.0.251"), false, true),
            (Some("::ffff:239.1.2.3"), false, true),
            (Some("::ffff:255.255.255.255"), false, true),
            (None, false, false),
        ] {
            let destination = destination.map(|address| address.parse().unwrap());
            let got = RecvControl { destination, interface, ..RecvControl::default() };
            let (source, on) = (destination.filter(|_| is_source), interface.filter(|_| has_interface));
            assert_eq!((got.reply().source, got.reply().interface), (source, on), "{destination:?}");
        }
    }

    #[test]
    fn a_reply_has_no_traffic_class_and_no_hop_limit() {
        let bytes = encoded(&full());
        let reply = RecvControl::decode::<Linux64>(&bytes).unwrap().reply();
        assert_eq!(reply, SendControl::new().with_source("2001:db8::1".parse().unwrap()));
    }
}
