//! Programs that do the same checked work.

use std::io;
use std::net::{SocketAddr, SocketAddrV6, UdpSocket};

use ipv6_std::{ControlFlags, PacketConn};

use crate::PAYLOAD;

mod by_hand;
mod by_nix;
mod floor;
mod ours;

/// One program. Whatever it does, it checks payload, source and, but for [`plain`](Self::plain), traffic class, hop
/// limit and destination of what arrives.
pub trait Peer {
    /// What the tables call it.
    fn name(&self) -> &'static str;
    /// Sends and receives one datagram with three control messages each way.
    fn one(&mut self);
    /// One without control messages.
    fn plain(&mut self);
    /// So many in one call, each with another payload and three control messages.
    fn batch(&mut self, count: usize);
}

/// All of them, the first the one that the others are measured by.
pub fn all() -> io::Result<Vec<Box<dyn Peer>>> {
    Ok(vec![
        Box::new(by_hand::ByHand::new()?),
        Box::new(ours::Ours::new("ipv6-std, each by itself", false, false)?),
        Box::new(ours::Ours::new("ipv6-std", true, false)?),
        Box::new(ours::Ours::new("ipv6-std, coalescing receiver", true, true)?),
        Box::new(by_nix::Nix::new()?),
        Box::new(floor::Floor::new()?),
    ])
}

/// The payload with this number: all have the same size, and no two the same bytes.
fn payload(number: usize) -> [u8; PAYLOAD.len()] {
    let mut payload = *PAYLOAD;
    payload[0] = number as u8;
    payload
}

/// A socket on loopback that tells the three.
fn socket() -> io::Result<UdpSocket> {
    let conn = PacketConn::bind("[::1]:0")?;
    conn.set_control_flags(ControlFlags::all() - ControlFlags::PATH_MTU, true)?;
    Ok(conn.into_inner())
}

fn address(socket: &UdpSocket) -> SocketAddrV6 {
    match socket.local_addr() {
        Ok(SocketAddr::V6(address)) => address,
        other => panic!("bound to ::1, and not to {other:?}"),
    }
}
