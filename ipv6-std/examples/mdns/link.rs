//! The socket of one interface, and which messages it accepts.

use std::net::{Ipv6Addr, SocketAddrV6};
use std::sync::Arc;
use std::time::Instant;

use ipv6_std::{ControlFlags, Interface, PacketConn, Received, SendControl};
use simple_dns::{OPCODE, Packet, PacketFlag, RCODE};

use crate::common::{Outcome, interface, receive_datagram};

pub const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
pub const PORT: u16 = 5353;

/// A socket for multicast DNS on one interface.
pub struct Link {
    /// Shared with the interrupt handler, which sets the deadline.
    pub conn: Arc<PacketConn>,
    pub interface: Interface,
}

impl Link {
    pub fn open(name: &str, port: u16) -> Outcome<Self> {
        let interface = interface(name)?;
        // Reusable: other programs of this host may use the port too.
        let conn = PacketConn::bind_reusable(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0))?;
        let flags = ControlFlags::DESTINATION | ControlFlags::INTERFACE | ControlFlags::HOP_LIMIT;
        conn.set_control_flags(flags, true)?;
        if port == PORT {
            conn.join_group(GROUP, &interface)?;
        }
        Ok(Self { conn: Arc::new(conn), interface })
    }

    /// Sends to the group.
    pub fn multicast(&self, packet: &Packet<'_>) -> Outcome<()> {
        let control = SendControl::new().with_interface(self.interface.index());
        self.send(packet, &control, SocketAddrV6::new(GROUP, PORT, 0, 0))
    }

    /// Answers one querier, from the address that received the query.
    pub fn reply(&self, packet: &Packet<'_>, got: &Received) -> Outcome<()> {
        self.send(packet, &got.control.reply(), got.source)
    }

    /// Sends with hop limit 255, which unicast needs too (RFC 6762 section 11).
    fn send(&self, packet: &Packet<'_>, control: &SendControl<'_>, to: SocketAddrV6) -> Outcome<()> {
        self.conn.send_to(&packet.build_bytes_vec_compressed()?, &control.with_hop_limit(255), to)?;
        Ok(())
    }

    /// Receives one message for this program, with its control messages. Returns `None` at `end`.
    pub fn receive<'p>(
        &self,
        payload: &'p mut [u8],
        end: Option<Instant>,
    ) -> Outcome<Option<(Packet<'p>, Received)>> {
        let got = loop {
            match receive_datagram(&self.conn, payload, end)? {
                None => return Ok(None),
                Some(got) if self.is_for_us(&payload[..got.len], &got) => break got,
                Some(_) => {}
            }
        };
        Ok(Some((Packet::parse(&payload[..got.len])?, got)))
    }

    /// Whether a message can be decoded, comes from this link, and is a valid query or response.
    fn is_for_us(&self, message: &[u8], got: &Received) -> bool {
        let Ok(packet) = Packet::parse(message) else { return false };
        // A message to the group comes from this link, whatever its source. A unicast message may come from farther
        // away (section 11).
        let is_near = got.control.destination == Some(GROUP)
            || Interface::by_index(self.interface.index())
                .is_ok_and(|now| now.addresses().iter().any(|ours| ours.contains(*got.source.ip())));
        is_near
            && got.control.interface == Some(self.interface.index())
            // Sections 18.3 and 18.11, and for responses section 6.
            && packet.opcode() == OPCODE::StandardQuery
            && packet.rcode() == RCODE::NoError
            && (got.source.port() == PORT || !packet.has_flags(PacketFlag::RESPONSE))
    }
}
