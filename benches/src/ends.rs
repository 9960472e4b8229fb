//! The two sockets of a program.

use std::io;
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use ipv6_std::{ControlFlags, InterfaceIndex, PacketConn};
use nix::sys::socket::sockopt::RcvBufForce;

use crate::work::{CLASS, HOPS, Way, Work};

/// The sender and the receiver of the datagrams. Every program has its own two sockets, with the same options.
#[derive(Clone, Debug)]
pub struct Ends {
    pub sender: Arc<PacketConn>,
    pub receiver: Arc<PacketConn>,
    /// The sender's address, as the receiver sees it.
    pub from: SocketAddrV6,
    /// The address that the sender sends to.
    pub to: SocketAddrV6,
    /// Further receivers, and their addresses ([`Way::Mixed`]).
    pub others: Vec<(Arc<PacketConn>, SocketAddrV6)>,
    /// The interface on which datagrams arrive.
    pub interface: InterfaceIndex,
}

/// The size of the receive buffer, in bytes.
const BUFFER: usize = 1 << 20;
/// The time limit of each receive call, so that a lost datagram ends the program.
const TIMEOUT: Duration = Duration::from_secs(10);

impl Ends {
    /// Creates two sockets on loopback for this work.
    pub fn new(work: Work) -> io::Result<Self> {
        let bind = || PacketConn::bind("[::1]:0");
        let mut ends = Self::between(bind()?, bind()?, work)?;
        if let Way::Mixed(destinations) = work.way {
            for _ in 1..destinations {
                let receiver = bind()?;
                let to = receiver.local_addr()?;
                let other = Self::with(bind()?, receiver, to, to, ends.interface, work.control)?;
                ends.others.push((other.receiver, to));
            }
        }
        Ok(ends)
    }

    /// Creates two sockets that are bound to the wildcard address, and exchange IPv6 datagrams. Linux makes a socket that is
    /// bound to an address of IPv6 one of IPv6 only, so dual-stack sockets are bound to this one. The system then selects
    /// the source of each datagram that has none.
    pub fn wildcard(work: Work, only_v6: bool) -> io::Result<Self> {
        let builder = PacketConn::builder().only_v6(only_v6);
        let ends = Self::between(builder.bind("[::]:0")?, builder.bind("[::]:0")?, work)?;
        assert_eq!((ends.sender.only_v6()?, ends.receiver.only_v6()?), (only_v6, only_v6));
        Ok(ends)
    }

    /// Creates one socket that sends to itself.
    pub fn one(work: Work) -> io::Result<Self> {
        let ends = Self::new(work)?;
        Ok(Self { sender: Arc::clone(&ends.receiver), from: ends.to, ..ends })
    }

    /// Returns whether the receive buffer holds all datagrams of the work at once.
    pub fn has_room(&self, work: Work) -> io::Result<bool> {
        // The kernel counts the memory that a datagram occupies: at most this many bytes beside the payload, for
        // small datagrams split from one payload.
        const EACH: usize = 1_280;
        Ok(socket2::SockRef::from(self.sockets().1).recv_buffer_size()? >= work.count * (EACH + work.size))
    }

    fn between(sender: PacketConn, receiver: PacketConn, work: Work) -> io::Result<Self> {
        let at = |conn: &PacketConn| {
            let mut address = conn.local_addr()?;
            address.set_ip(Ipv6Addr::LOCALHOST);
            io::Result::Ok(address)
        };
        let (from, to) = (at(&sender)?, at(&receiver)?);
        if work.way == Way::Connected {
            sender.get_ref().connect(to)?;
            sender.set_traffic_class(CLASS)?;
            sender.set_hop_limit(HOPS)?;
        }
        let loopback = ipv6_std::Interface::by_name("lo")?.index();
        Self::with(sender, receiver, from, to, loopback, work.control)
    }

    /// Prepares two sockets. Enables these control messages on the receiver.
    pub fn with(
        sender: PacketConn,
        receiver: PacketConn,
        from: SocketAddrV6,
        to: SocketAddrV6,
        interface: InterfaceIndex,
        control: ControlFlags,
    ) -> io::Result<Self> {
        receiver.get_ref().set_read_timeout(Some(TIMEOUT))?;
        // Large batches need more than the default. Only root can exceed the system's limit; `has_room` checks the
        // resulting size.
        if nix::sys::socket::setsockopt(receiver.get_ref(), RcvBufForce, &BUFFER).is_err() {
            socket2::SockRef::from(receiver.get_ref()).set_recv_buffer_size(BUFFER)?;
        }
        if !control.is_empty() {
            receiver.set_control_flags(control, true)?;
        }
        Ok(Self {
            sender: Arc::new(sender),
            receiver: Arc::new(receiver),
            from,
            to,
            others: Vec::new(),
            interface,
        })
    }

    /// Returns the two sockets, sender first, as types of the standard library.
    pub fn sockets(&self) -> (&UdpSocket, &UdpSocket) {
        (self.sender.get_ref(), self.receiver.get_ref())
    }

    /// Returns the two descriptors, sender first.
    pub fn descriptors(&self) -> (RawFd, RawFd) {
        let (sender, receiver) = self.sockets();
        (sender.as_raw_fd(), receiver.as_raw_fd())
    }
}
