//! Programs that do the same checked work.

use std::io;
use std::net::{SocketAddr, SocketAddrV6, UdpSocket};

use ipv6_std::{ControlFlags, PacketConn};

use crate::work::{self, PAYLOAD, Work};

pub mod by_hand;
mod by_nix;
mod by_quinn;
mod by_socket2;
mod floor;
mod go;
pub mod ours;

/// One program.
pub trait Peer {
    /// What the tables call it.
    fn name(&self) -> &'static str;

    /// Whether it has a way to do this.
    fn can(&self, work: Work) -> bool;

    /// Does it once.
    fn run(&mut self, work: Work);

    /// Nanoseconds of one piece of work, of so many.
    fn time(&mut self, work: Work, count: usize) -> f64 {
        work::time(count, || self.run(work))
    }
}

/// All of them, the first the one that the others are measured by.
pub fn all() -> io::Result<Vec<Box<dyn Peer>>> {
    let mut all: Vec<Box<dyn Peer>> = vec![
        Box::new(by_hand::ByHand::new()?),
        Box::new(ours::Ours::new("ipv6-std, each by itself", false, false)?),
        Box::new(ours::Ours::new("ipv6-std", true, false)?),
        Box::new(ours::Ours::new("ipv6-std, coalescing receiver", true, true)?),
        Box::new(by_nix::Nix::new()?),
        Box::new(by_quinn::Quinn::new()?),
        Box::new(by_socket2::Socket2::new()?),
        Box::new(floor::Floor::new()?),
    ];
    match go::Go::new() {
        Ok(go) => all.push(Box::new(go)),
        Err(why) => eprintln!("Go's x/net/ipv6 is left out: {why}"),
    }
    Ok(all)
}

/// The payload with this number: all have the same size, and no two that are sent together the same bytes.
fn payload(number: usize) -> [u8; PAYLOAD.len()] {
    let mut payload = *PAYLOAD;
    payload[0] = number as u8;
    payload
}

/// Several datagrams of one size, one after another.
fn segments(count: usize, size: usize) -> Vec<u8> {
    (0..count).flat_map(|number| vec![number as u8; size]).collect()
}

/// A socket on loopback that tells the three.
fn socket() -> io::Result<UdpSocket> {
    let conn = PacketConn::bind("[::1]:0")?;
    conn.set_control_flags(ControlFlags::all() - ControlFlags::PATH_MTU, true)?;
    Ok(conn.into_inner())
}

/// One of which the peer is the socket itself, with header fields that stay.
fn connected() -> io::Result<UdpSocket> {
    let conn = PacketConn::new(socket()?)?;
    conn.set_traffic_class(work::CLASS)?;
    conn.set_hop_limit(work::HOPS)?;
    let socket = conn.into_inner();
    socket.connect(socket.local_addr()?)?;
    Ok(socket)
}

fn address(socket: &UdpSocket) -> SocketAddrV6 {
    match socket.local_addr() {
        Ok(SocketAddr::V6(address)) => address,
        other => panic!("bound to ::1, and not to {other:?}"),
    }
}
