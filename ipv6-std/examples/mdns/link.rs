//! The socket, and which messages the program accepts.

use std::net::{Ipv6Addr, SocketAddrV6};

use ipv6_std::tokio::PacketConn;
use ipv6_std::{ControlFlags, Interface, InterfaceIndex, Received, SendControl};
use simple_dns::{OPCODE, Packet, PacketFlag, RCODE};

use crate::common::Outcome;

pub const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
pub const PORT: u16 = 5353;

/// A socket for multicast DNS on any number of interfaces.
pub struct Link {
    pub conn: PacketConn,
}

impl Link {
    pub fn open(port: u16) -> Outcome<Self> {
        // Reusable: other programs of this host may use the port too.
        let conn = PacketConn::bind_reusable(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0))?;
        let flags = ControlFlags::DESTINATION | ControlFlags::INTERFACE | ControlFlags::HOP_LIMIT;
        conn.set_control_flags(flags, true)?;
        Ok(Self { conn })
    }

    /// Sends to the group on an interface.
    pub async fn multicast(&self, packet: &Packet<'_>, on: InterfaceIndex) -> Outcome<()> {
        let control = SendControl::new().with_interface(on);
        self.send(packet, &control, SocketAddrV6::new(GROUP, PORT, 0, 0)).await
    }

    /// Answers one querier, from the address that received the query.
    pub async fn reply(&self, packet: &Packet<'_>, got: &Received) -> Outcome<()> {
        self.send(packet, &got.control.reply(), got.source).await
    }

    /// Sends with hop limit 255, which unicast needs too (RFC 6762 section 11).
    async fn send(&self, packet: &Packet<'_>, control: &SendControl<'_>, to: SocketAddrV6) -> Outcome<()> {
        self.conn.send_to(&packet.build_bytes_vec_compressed()?, &control.with_hop_limit(255), to).await?;
        Ok(())
    }
}

/// Whether a message is a valid query or response from the link of `on`. `asks_unicast`: whether the program waits for
/// unicast responses.
pub fn is_acceptable(packet: &Packet<'_>, got: &Received, on: &Interface, asks_unicast: bool) -> bool {
    let source = *got.source.ip();
    let to_group = got.control.destination == Some(GROUP);
    let is_near =
        || source.is_unicast_link_local() || on.addresses().iter().any(|address| address.contains(source));
    // Sections 18.3 and 18.11.
    if packet.opcode() != OPCODE::StandardQuery || packet.rcode() != RCODE::NoError {
        return false;
    }
    if !packet.has_flags(PacketFlag::RESPONSE) {
        // A query to the group comes from this link, whatever its source. A unicast query may come from farther away
        // (section 11).
        return to_group || is_near();
    }
    // Responders send from the port of the protocol (section 6).
    got.source.port() == PORT
        && is_near()
        // A host ignores unicast responses for which it did not ask (sections 5.4 and 6.7). The group does not leave the
        // link; a unicast response comes from it if no router has forwarded it (section 11).
        && (to_group || (asks_unicast && got.control.hop_limit == Some(255)))
}
