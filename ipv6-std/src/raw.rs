//! Raw sockets: protocols without ports, ICMPv6 first.

use std::io;
use std::ops::Deref;

use ipv6_core::Icmp6Filter;
use ipv6_sys::option;
use ipv6_sys::socket::{self, Kind};

use crate::error;
use crate::fd::{AsFd, OwnedFd, lends_socket};
use crate::packet::PacketConn;

/// A raw IPv6 socket of one protocol (RFC 3542 section 3).
///
/// **A raw IPv6 socket receives the payload without the IPv6 header**, and without extension headers:
/// what a program would read in the header comes as control messages instead. This differs from raw
/// sockets of IPv4.
///
/// Sending and receiving, groups and deadlines are those of [`PacketConn`], to which it dereferences, and
/// header options those of [`Conn`](crate::Conn). Ports of destinations are ignored, those of sources 0.
///
/// ```no_run
/// use ipv6_std::{ControlFlags, Icmp6Filter, Icmp6Type, RawConn, SendControl};
///
/// let conn = RawConn::open(Icmp6Type::PROTOCOL)?;
/// let mut filter = Icmp6Filter::block_all();
/// conn.set_icmp6_filter(filter.pass(Icmp6Type::ECHO_REPLY))?;
/// conn.set_control_flags(ControlFlags::HOP_LIMIT, true)?;
///
/// // An echo request: type, code, checksum (the kernel's work), identifier, sequence, data.
/// let request = [128, 0, 0, 0, 0, 1, 0, 1, b'h', b'i'];
/// conn.send_to(&request, &SendControl::new(), "[::1]:0".parse().unwrap())?;
///
/// let mut reply = [0; 1500];
/// let got = conn.recv_from(&mut reply)?;
/// assert_eq!((reply[0], got.len), (129, 10));
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct RawConn<S = OwnedFd> {
    packets: PacketConn<S>,
    is_icmp6: bool,
}

impl RawConn<OwnedFd> {
    /// Opens a raw socket for a protocol: 58 is ICMPv6, 89 OSPF, 47 GRE.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` without the privilege that the system wants (`CAP_NET_RAW` on Linux);
    /// `InvalidInput` for protocol 0.
    #[doc(alias = "SOCK_RAW", alias = "NewRawConn")]
    pub fn open(protocol: u8) -> io::Result<Self> {
        if protocol == 0 {
            return Err(error::invalid("protocol 0 has no raw socket"));
        }
        Self::new(socket::raw(protocol)?)
    }

    /// Opens an ICMPv6 socket that sends and receives echo messages without privilege, where the system
    /// lets it. The system chooses the identifier of what it sends, and delivers only replies to that;
    /// there are no filter and no checksum option.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` where the system does not let it (on Linux, the group of the process is not in
    /// `net.ipv4.ping_group_range`).
    #[doc(alias = "IPPROTO_ICMPV6", alias = "SOCK_DGRAM")]
    pub fn open_icmp6_unprivileged() -> io::Result<Self> {
        Self::new(socket::icmp6_datagram()?)
    }
}

impl<S: AsFd> RawConn<S> {
    /// Wraps a raw IPv6 socket, or an ICMPv6 socket without privilege.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for any other socket.
    pub fn new(socket: S) -> io::Result<Self> {
        let packets = PacketConn::new(socket)?;
        let is_icmp6 = socket::is_icmp6(&packets)?;
        match socket::kind(&packets)? {
            Kind::Raw => {}
            Kind::Datagram if is_icmp6 => {}
            _ => return Err(error::invalid("not a raw socket: use PacketConn")),
        }
        Ok(Self { packets, is_icmp6 })
    }

    /// Where in the payload the kernel writes the checksum of what is sent, and checks that of what is
    /// received; `None` where it does not (RFC 3542 section 3.1). ICMPv6 has one, at 2.
    #[doc(alias = "IPV6_CHECKSUM", alias = "Checksum")]
    pub fn checksum_offset(&self) -> io::Result<Option<u16>> {
        Ok(option::CHECKSUM.get(self)?)
    }

    /// Makes the kernel write the checksum at this offset into the payload of what is sent, and drop what
    /// is received with a wrong one; `None` stops it (RFC 3542 section 3.1). The checksum covers the
    /// pseudo-header. A payload that ends before it is refused.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an odd offset, and on ICMPv6 sockets, whose checksum is always the kernel's.
    #[doc(alias = "IPV6_CHECKSUM", alias = "SetChecksum")]
    pub fn set_checksum_offset(&self, offset: Option<u16>) -> io::Result<()> {
        // Linux would let a raw ICMPv6 socket do without its checksum (net/ipv6/raw.c refuses it at level
        // IPPROTO_IPV6 only); RFC 3542 section 3.1 does not.
        if self.is_icmp6 {
            return Err(error::invalid("the checksum of ICMPv6 is always the kernel's, at offset 2"));
        }
        if let Some(offset) = offset.filter(|offset| offset % 2 != 0) {
            return Err(error::invalid(format!("checksum offset {offset} is odd")));
        }
        Ok(option::CHECKSUM.set(self, offset)?)
    }

    /// The ICMPv6 types that are received (RFC 3542 section 3.2).
    #[doc(alias = "ICMP6_FILTER", alias = "ICMPV6_FILTER", alias = "ICMPFilter")]
    pub fn icmp6_filter(&self) -> io::Result<Icmp6Filter> {
        Ok(option::ICMPV6_FILTER.get(self)?)
    }

    /// Sets the ICMPv6 types that are received (RFC 3542 section 3.2).
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` on Linux when the socket is of another protocol than ICMPv6.
    #[doc(alias = "ICMP6_FILTER", alias = "ICMPV6_FILTER", alias = "SetICMPFilter")]
    pub fn set_icmp6_filter(&self, filter: &Icmp6Filter) -> io::Result<()> {
        Ok(option::ICMPV6_FILTER.set(self, *filter)?)
    }

    /// Whether the payload of what is sent starts with the IPv6 header.
    #[doc(alias = "IPV6_HDRINCL")]
    pub fn header_included(&self) -> io::Result<bool> {
        Ok(option::HEADER_INCLUDED.get(self)?)
    }

    /// Sets whether the payload of what is sent starts with the IPv6 header
    /// ([`Header::encode`](crate::Header::encode)). What is received never does. Not in any RFC; Linux
    /// has it.
    #[doc(alias = "IPV6_HDRINCL")]
    pub fn set_header_included(&self, on: bool) -> io::Result<()> {
        Ok(option::HEADER_INCLUDED.set(self, on)?)
    }
}

impl<S> RawConn<S> {
    /// Gives the socket back, as it is.
    pub fn into_inner(self) -> S {
        self.packets.into_inner()
    }
}

/// Everything that [`PacketConn`] has.
impl<S> Deref for RawConn<S> {
    type Target = PacketConn<S>;

    fn deref(&self) -> &PacketConn<S> {
        &self.packets
    }
}

lends_socket!(RawConn: packets);
