//! How a dual-stack socket, whose `IPV6_V6ONLY` is off, treats IPv4-mapped peers.
//!
//! The tables of messages and options have the numbers of level `IPPROTO_IP` that an `AF_INET6` socket takes or delivers.
//! This description has what those numbers do not say.

/// A control message with an address and an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketInfoMessage {
    /// `IPV6_PKTINFO`, with an IPv4-mapped address.
    Ipv6,
    /// `IP_PKTINFO`.
    Ipv4,
}

/// How a dual-stack socket exchanges datagrams with IPv4-mapped peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Mapped {
    /// The message with destination and interface of a received IPv4 datagram.
    pub receive: PacketInfoMessage,
    /// The message with source and interface of a datagram to a mapped destination.
    pub send: PacketInfoMessage,
    /// Whether that message can have an interface without a source: in `IPV6_PKTINFO`, the address is then
    /// `::ffff:0.0.0.0`.
    pub send_interface_alone: bool,
}

impl Mapped {
    /// `IPV6_PKTINFO` in both directions, with a source if it is sent.
    pub const IPV6_PACKET_INFO: Self =
        Self { receive: PacketInfoMessage::Ipv6, send: PacketInfoMessage::Ipv6, send_interface_alone: false };

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
}
