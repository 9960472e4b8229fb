//! The two sockets between which datagrams go.

use std::io;
use std::net::{SocketAddrV6, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use ipv6_std::{ControlFlags, InterfaceIndex, PacketConn};
use nix::sys::socket::sockopt::RcvBufForce;

use crate::work::{CLASS, HOPS, Way, Work};

/// Where datagrams start and end. Every program gets two sockets of its own with the same options.
#[derive(Clone, Debug)]
pub struct Ends {
    pub sender: Arc<PacketConn>,
    pub receiver: Arc<PacketConn>,
    /// The sender's address, as the receiver sees it.
    pub from: SocketAddrV6,
    /// Where the sender sends to.
    pub to: SocketAddrV6,
    /// Where that arrives.
    pub interface: InterfaceIndex,
}

/// Bytes of receive buffer.
const BUFFER: usize = 1 << 20;
/// A lost datagram ends the program: it does not wait for it for ever.
const PATIENCE: Duration = Duration::from_secs(10);

impl Ends {
    /// Two sockets on loopback, ready for this work.
    pub fn new(work: Work) -> io::Result<Self> {
        Self::between(PacketConn::bind("[::1]:0")?, PacketConn::bind("[::1]:0")?, work)
    }

    /// One that sends to itself.
    pub fn one(work: Work) -> io::Result<Self> {
        let ends = Self::new(work)?;
        Ok(Self { sender: Arc::clone(&ends.receiver), from: ends.to, ..ends })
    }

    /// Whether all of it fits into the receive buffer at once.
    pub fn has_room(&self, work: Work) -> io::Result<bool> {
        // The kernel counts what a datagram takes in memory: up to so much for small ones that were cut.
        const EACH: usize = 1_280;
        Ok(socket2::SockRef::from(self.sockets().1).recv_buffer_size()? >= work.count * (EACH + work.size))
    }

    fn between(sender: PacketConn, receiver: PacketConn, work: Work) -> io::Result<Self> {
        let (from, to) = (sender.local_addr()?, receiver.local_addr()?);
        if work.way == Way::Connected {
            sender.get_ref().connect(to)?;
            sender.set_traffic_class(CLASS)?;
            sender.set_hop_limit(HOPS)?;
        }
        let loopback = ipv6_std::Interface::by_name("lo")?.index();
        Self::with(sender, receiver, from, to, loopback, work.control)
    }

    /// Two sockets, of which the receiver is to tell these control messages.
    pub fn with(
        sender: PacketConn,
        receiver: PacketConn,
        from: SocketAddrV6,
        to: SocketAddrV6,
        interface: InterfaceIndex,
        control: ControlFlags,
    ) -> io::Result<Self> {
        receiver.get_ref().set_read_timeout(Some(PATIENCE))?;
        // Large batches need more than is usual: as much as it takes for root, and for others as the system allows.
        // `has_room` says what came of it.
        if nix::sys::socket::setsockopt(receiver.get_ref(), RcvBufForce, &BUFFER).is_err() {
            socket2::SockRef::from(receiver.get_ref()).set_recv_buffer_size(BUFFER)?;
        }
        if !control.is_empty() {
            receiver.set_control_flags(control, true)?;
        }
        Ok(Self { sender: Arc::new(sender), receiver: Arc::new(receiver), from, to, interface })
    }

    /// The sockets as the standard library has them.
    pub fn sockets(&self) -> (&UdpSocket, &UdpSocket) {
        (self.sender.get_ref(), self.receiver.get_ref())
    }

    /// Their descriptors.
    pub fn descriptors(&self) -> (RawFd, RawFd) {
        let (sender, receiver) = self.sockets();
        (sender.as_raw_fd(), receiver.as_raw_fd())
    }
}
