//! Raw sockets, for protocols without ports such as ICMPv6.

use std::io;
use std::ops::Deref;

use ipv6_core::Icmp6Filter;
use ipv6_sys::socket::{self, Kind};
use ipv6_sys::{IS_LINUX, option};

use crate::error;
use crate::fd::{AsFd, OwnedFd, lends_socket};
use crate::packet::PacketConn;

/// A raw IPv6 socket of one protocol (RFC 3542 section 3).
///
/// **A raw IPv6 socket receives the payload without the IPv6 header**, and without extension headers. Fields
/// of the header arrive as control messages instead. This differs from raw sockets of IPv4.
///
/// It dereferences to [`PacketConn`], which sends and receives, joins groups and has deadlines, and through it to
/// [`Conn`](crate::Conn), which has the header options. Ports of destinations are ignored; those of sources are 0.
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
    /// Opens a raw socket for a protocol: 58 is ICMPv6, 89 OSPF, 47 GRE. [`builder`](Self::builder) opens
    /// one with other options, [`bind`](Self::bind) one that is bound to an address.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` without the privilege: `CAP_NET_RAW` on Linux, root or an administrator elsewhere;
    /// `InvalidInput` for protocol 0.
    #[doc(alias = "SOCK_RAW", alias = "NewRawConn")]
    #[inline]
    pub fn open(protocol: u8) -> io::Result<Self> {
        Self::builder(protocol).open()
    }

    /// Opens an ICMPv6 socket that sends and receives echo messages without privilege. The
    /// system chooses the identifier of sent requests, and delivers only replies to them. The socket has no
    /// ICMPv6 filter and no checksum option. Linux ignores [`SendControl::source`](crate::SendControl::source) on it, and
    /// extension headers. Sending these is `Unsupported`: bind the socket to the source.
    ///
    /// Systems: Linux, Android and Apple's systems.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` on Linux when the group of the process is not in `net.ipv4.ping_group_range`; the
    /// system's error elsewhere (`EPROTONOSUPPORT`).
    #[doc(alias = "IPPROTO_ICMPV6", alias = "SOCK_DGRAM")]
    #[inline]
    pub fn open_icmp6_unprivileged() -> io::Result<Self> {
        let socket = socket::icmp6_datagram().map_err(|errno| {
            error::privileged(errno.into(), "the group of the process is not in net.ipv4.ping_group_range")
        });
        Self::new(socket?)
    }
}

/// A raw socket that is not bound.
pub(crate) fn open(protocol: u8) -> io::Result<OwnedFd> {
    const NEEDS: &str = match () {
        () if IS_LINUX => "a raw socket needs CAP_NET_RAW",
        () if cfg!(windows) => "a raw socket needs an administrator",
        () => "a raw socket needs root",
    };
    if protocol == 0 {
        return Err(error::invalid("protocol 0: a raw socket needs a protocol from 1 to 255"));
    }
    socket::raw(protocol).map_err(|errno| error::privileged(errno.into(), NEEDS))
}

impl<S: AsFd> RawConn<S> {
    /// Wraps a raw IPv6 socket, or an ICMPv6 socket without privilege.
    ///
    /// Systems: all.
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

    /// Returns the offset in the payload at which the kernel writes the checksum of sent packets and checks that of
    /// received ones, in bytes; `None` when it does neither (RFC 3542 section 3.1). It is 2 on ICMPv6 sockets.
    ///
    /// Systems: all.
    #[doc(alias = "IPV6_CHECKSUM", alias = "Checksum")]
    pub fn checksum_offset(&self) -> io::Result<Option<u16>> {
        Ok(option::CHECKSUM.get(self)?)
    }

    /// Makes the kernel write the checksum at this offset, in bytes, into the payload of sent packets, and drop
    /// received packets with a wrong one; `None` disables it (RFC 3542 section 3.1). The checksum covers the
    /// pseudo-header. A payload that ends before the offset is refused.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an odd offset, and on ICMPv6 sockets, where the kernel always writes the checksum.
    #[doc(alias = "IPV6_CHECKSUM", alias = "SetChecksum")]
    pub fn set_checksum_offset(&self, offset: Option<u16>) -> io::Result<()> {
        // RFC 3542 section 3.1. Linux refuses it at level IPPROTO_IPV6 only (net/ipv6/raw.c).
        if self.is_icmp6 {
            return Err(error::invalid(
                "the kernel always writes the checksum of ICMPv6, at offset 2: remove the call",
            ));
        }
        if let Some(offset) = offset.filter(|offset| offset % 2 != 0) {
            return Err(error::invalid(format!(
                "checksum offset {offset} is odd: the checksum is a 16-bit word of the payload"
            )));
        }
        Ok(option::CHECKSUM.set(self, offset)?)
    }

    /// Returns the ICMPv6 types that are received (RFC 3542 section 3.2).
    ///
    /// Systems: all except Windows.
    ///
    /// # Errors
    ///
    /// As [`set_icmp6_filter`](Self::set_icmp6_filter).
    #[doc(alias = "ICMP6_FILTER", alias = "ICMPV6_FILTER", alias = "ICMPFilter")]
    pub fn icmp6_filter(&self) -> io::Result<Icmp6Filter> {
        Ok(option::ICMP6_TYPE_FILTER.get(self)?)
    }

    /// Sets the ICMPv6 types that are received (RFC 3542 section 3.2).
    ///
    /// Systems: all except Windows.
    ///
    /// # Errors
    ///
    /// `Unsupported` on Windows; `EOPNOTSUPP` on Linux when the socket is of another protocol than ICMPv6.
    #[doc(alias = "ICMP6_FILTER", alias = "ICMPV6_FILTER", alias = "SetICMPFilter")]
    pub fn set_icmp6_filter(&self, filter: &Icmp6Filter) -> io::Result<()> {
        Ok(option::ICMP6_TYPE_FILTER.set(self, *filter)?)
    }

    /// Returns whether the payload of sent packets starts with the IPv6 header.
    ///
    /// Systems: Linux, Android and Windows.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other systems.
    #[doc(alias = "IPV6_HDRINCL")]
    pub fn header_included(&self) -> io::Result<bool> {
        Ok(option::HEADER_INCLUDED.get(self)?)
    }

    /// Sets whether the payload of sent packets starts with the IPv6 header
    /// ([`Header::encode`](crate::Header::encode)). The payload of received packets never does. No RFC defines
    /// this option.
    ///
    /// Systems: Linux, Android and Windows.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other systems.
    #[doc(alias = "IPV6_HDRINCL")]
    pub fn set_header_included(&self, on: bool) -> io::Result<()> {
        Ok(option::HEADER_INCLUDED.set(self, on)?)
    }
}

impl<S> RawConn<S> {
    /// As [`PacketConn::map`].
    pub(crate) fn map<T>(self, convert: impl FnOnce(S) -> io::Result<T>) -> io::Result<RawConn<T>> {
        let Self { packets, is_icmp6 } = self;
        Ok(RawConn { packets: packets.map(convert)?, is_icmp6 })
    }

    /// Returns the socket. Do not replace it with another socket: this value caches options of this one.
    #[must_use]
    pub fn get_mut(&mut self) -> &mut S {
        self.packets.get_mut()
    }

    /// Returns the socket with its options as they are.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.packets.into_inner()
    }
}

/// All methods of [`PacketConn`].
impl<S> Deref for RawConn<S> {
    type Target = PacketConn<S>;

    fn deref(&self) -> &PacketConn<S> {
        &self.packets
    }
}

lends_socket!(RawConn: packets);
