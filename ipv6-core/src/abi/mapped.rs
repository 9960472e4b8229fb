//! How a dual-stack socket, whose `IPV6_V6ONLY` is off, treats IPv4-mapped peers.
//!
//! The tables of messages and options have the numbers of level `IPPROTO_IP` that an `AF_INET6` socket takes or delivers.
//! This description has what those numbers do not say.

/// A control message with an address and an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum PacketInfoMessage {
    /// `IPV6_PKTINFO`, with an IPv4-mapped address.
    Ipv6,
    /// `IP_PKTINFO`.
    Ipv4,
}

/// The value of the option `IP_MULTICAST_IF` that has an interface index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum MulticastInterface {
    /// `struct ip_mreqn` (ip(7)).
    Mreqn,
    /// The index in network byte order (Windows).
    NetworkOrder,
}

/// How a dual-stack socket exchanges datagrams with IPv4-mapped peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Mapped {
    /// The message with destination and interface of a received IPv4 datagram.
    pub receive: PacketInfoMessage,
    /// The message with source and interface of a datagram to a mapped destination.
    pub send: PacketInfoMessage,
    /// Whether that message can have an interface without a source: in `IPV6_PKTINFO`, the address is then
    /// `::ffff:0.0.0.0`.
    pub send_interface_alone: bool,
    /// Whether that message can have both. Apple's systems ignore the source then (`udp_check_pktinfo` in
    /// bsd/netinet/udp_usrreq.c).
    pub send_both: bool,
    /// The value of `IP_MULTICAST_IF`, where the table has it.
    pub multicast_interface: MulticastInterface,
    /// Whether `IPV6_JOIN_GROUP` joins an IPv4 group, as a mapped address (Apple). Elsewhere, the options in the table
    /// join it.
    pub join_by_ipv6_option: bool,
}

impl Mapped {
    /// `IPV6_PKTINFO` in both directions, with a source if it is sent.
    pub const IPV6_PACKET_INFO: Self = Self {
        receive: PacketInfoMessage::Ipv6,
        send: PacketInfoMessage::Ipv6,
        send_interface_alone: false,
        multicast_interface: MulticastInterface::Mreqn,
        join_by_ipv6_option: false,
        send_both: true,
    };

    /// Returns the description with this message for received datagrams.
    #[must_use]
    pub const fn with_receive(mut self, receive: PacketInfoMessage) -> Self {
        self.receive = receive;
        self
    }

    /// Returns the description with this message for datagrams to send, which has an interface without a source or not.
    #[must_use]
    pub const fn with_send(mut self, send: PacketInfoMessage, interface_alone: bool) -> Self {
        (self.send, self.send_interface_alone) = (send, interface_alone);
        self
    }

    /// Returns the description with this value of `IP_MULTICAST_IF`.
    #[must_use]
    pub const fn with_multicast_interface(mut self, multicast_interface: MulticastInterface) -> Self {
        self.multicast_interface = multicast_interface;
        self
    }

    /// Returns the description of a system whose `IPV6_JOIN_GROUP` joins IPv4 groups, or does not.
    #[must_use]
    pub const fn with_join_by_ipv6_option(mut self, on: bool) -> Self {
        self.join_by_ipv6_option = on;
        self
    }

    /// Returns the description with a message to send that has a source or an interface, not both.
    #[must_use]
    pub const fn without_both(mut self) -> Self {
        self.send_both = false;
        self
    }
}
