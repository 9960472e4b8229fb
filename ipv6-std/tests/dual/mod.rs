//! Two hosts with IPv6 and IPv4, and observers that know nothing of dual-stack sockets: sockets of one family, and a
//! packet socket.

#![allow(dead_code, reason = "each test program uses some of the helpers")]

use std::io::{IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use ipv6_std::{Interface, InterfaceIndex, PacketConn, mapped};
use ipv6_testnet::{Host, Pair, acquaint, link};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, LinkAddr, MsgFlags, SockaddrStorage, recvfrom, recvmsg, sendmsg,
    setsockopt, sockopt,
};
use socket2::{Domain, Protocol, Socket, Type};

use crate::common::{at, soon};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Ipv6,
    /// IPv4, with mapped addresses.
    Mapped,
}

pub use Family::{Ipv6, Mapped};

pub const FAMILIES: [Family; 2] = [Ipv6, Mapped];

/// Hosts `a` and `b` with the links `eth0` and `eth1`. The dual-stack sockets are on `a`. Packets to the addresses of `b`
/// use `eth0`, unless they ask for `eth1`.
pub struct Net {
    pub a: Host,
    pub b: Host,
}

impl Net {
    pub fn new() -> Self {
        let Pair { a, b } = Pair::new().unwrap();
        link(&a, "eth1", &b, "eth1").unwrap();
        for (host, number) in [(&a, 1), (&b, 2)] {
            host.ip(&format!("addr add 192.0.2.{number}/24 dev eth0")).unwrap();
            host.ip(&format!("addr add 198.51.100.{number}/24 dev eth1")).unwrap();
            host.ip(&format!("addr add 2001:db8:2::{number}/64 dev eth1")).unwrap();
            // No limits for the errors of several tests.
            host.set("net/ipv4/icmp_ratelimit", "0").unwrap();
            host.set("net/ipv6/icmp/ratelimit", "0").unwrap();
            // Accept what arrives on the other link.
            for interface in ["all", "eth0", "eth1"] {
                host.set(&format!("net/ipv4/conf/{interface}/rp_filter"), "0").unwrap();
            }
        }
        a.ip("addr add 192.0.2.3/24 dev eth0").unwrap();
        // Deprecated: not the default source.
        a.ip(&format!("addr add {}/64 dev eth0 preferred_lft 0", Ipv6.other())).unwrap();
        a.ip("route add 192.0.2.2 dev eth0 metric 1").unwrap();
        a.ip("route add 192.0.2.2 via 198.51.100.2 dev eth1 metric 9 src 192.0.2.1").unwrap();
        let (to, from) = (Pair::B, Pair::A);
        a.ip(&format!("-6 route add {to} dev eth0 metric 1")).unwrap();
        a.ip(&format!("-6 route add {to} via 2001:db8:2::2 dev eth1 metric 9 src {from}")).unwrap();
        acquaint(&a, &b, at(Mapped.b(), 0)).unwrap();
        Self { a, b }
    }

    /// A dual-stack socket on `a`.
    pub fn conn(&self) -> PacketConn {
        self.conn_at("[::]:0")
    }

    pub fn conn_at(&self, address: &str) -> PacketConn {
        let conn = self.a.run(|| PacketConn::builder().only_v6(false).bind(address)).unwrap();
        conn.set_deadline(soon());
        conn
    }

    /// An interface of `a`.
    pub fn interface(&self, name: &str) -> InterfaceIndex {
        self.a.run(|| Interface::by_name(name)).unwrap().index()
    }
}

impl Family {
    /// The address of `a`, in the form for dual-stack sockets.
    pub fn a(self) -> Ipv6Addr {
        match self {
            Ipv6 => Pair::A,
            Mapped => Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped(),
        }
    }

    /// The other address of `a`.
    pub fn other(self) -> Ipv6Addr {
        match self {
            Ipv6 => Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 3),
            Mapped => Ipv4Addr::new(192, 0, 2, 3).to_ipv6_mapped(),
        }
    }

    /// The address of `b`.
    pub fn b(self) -> Ipv6Addr {
        match self {
            Ipv6 => Pair::B,
            Mapped => Ipv4Addr::new(192, 0, 2, 2).to_ipv6_mapped(),
        }
    }

    /// A group, in the form for dual-stack sockets.
    pub fn group(self) -> Ipv6Addr {
        match self {
            Ipv6 => Ipv6Addr::new(0xff0e, 0, 0, 0, 0, 0, 0, 0x114),
            Mapped => Ipv4Addr::new(239, 1, 2, 3).to_ipv6_mapped(),
        }
    }

    pub fn any(self) -> IpAddr {
        match self {
            Ipv6 => Ipv6Addr::UNSPECIFIED.into(),
            Mapped => Ipv4Addr::UNSPECIFIED.into(),
        }
    }

    pub fn remaining(self) -> Self {
        match self {
            Ipv6 => Mapped,
            Mapped => Ipv6,
        }
    }
}

/// What an observer received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub payload: Vec<u8>,
    /// Traffic class or type of service.
    pub class: u8,
    /// Hop limit or time to live.
    pub hop_limit: u8,
    /// In the form for dual-stack sockets.
    pub source: Ipv6Addr,
    pub destination: Ipv6Addr,
    pub interface: u32,
}

/// A socket of one family, `AF_INET` or `AF_INET6`, which receives all header fields with the messages of its family.
pub struct Observer {
    pub family: Family,
    pub socket: UdpSocket,
}

impl Observer {
    pub fn new(host: &Host, family: Family) -> Self {
        let socket = host.run(|| {
            let socket = match family {
                Ipv6 => Socket::new(Domain::IPV6, Type::DGRAM, None).unwrap(),
                Mapped => Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap(),
            };
            if family == Ipv6 {
                socket.set_only_v6(true).unwrap();
            }
            socket.bind(&SocketAddr::new(family.any(), 0).into()).unwrap();
            UdpSocket::from(socket)
        });
        match family {
            Ipv6 => {
                setsockopt(&socket, sockopt::Ipv6RecvTClass, &true).unwrap();
                setsockopt(&socket, sockopt::Ipv6RecvHopLimit, &true).unwrap();
                setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true).unwrap();
            }
            Mapped => {
                setsockopt(&socket, sockopt::IpRecvTos, &true).unwrap();
                setsockopt(&socket, sockopt::Ipv4RecvTtl, &true).unwrap();
                setsockopt(&socket, sockopt::Ipv4PacketInfo, &true).unwrap();
            }
        }
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { family, socket }
    }

    pub fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }

    /// Where a dual-stack socket of `a` reaches an observer on `b`.
    pub fn address(&self) -> SocketAddrV6 {
        SocketAddrV6::new(self.family.b(), self.port(), 0, 0)
    }

    /// Waits for a datagram.
    pub fn seen(&self) -> Seen {
        let mut payload = vec![0; 65_536];
        let mut control = vec![0; 256];
        let (mut class, mut hop_limit, mut info) = (None, None, None);
        let (len, source) = {
            let mut parts = [IoSliceMut::new(&mut payload)];
            let fd = self.socket.as_raw_fd();
            let got =
                recvmsg::<SockaddrStorage>(fd, &mut parts, Some(&mut control), MsgFlags::empty()).unwrap();
            for message in got.cmsgs().unwrap() {
                match message {
                    ControlMessageOwned::Ipv6TClass(value) => class = Some(u8::try_from(value).unwrap()),
                    ControlMessageOwned::Ipv4Tos(value) => class = Some(value),
                    ControlMessageOwned::Ipv6HopLimit(value) | ControlMessageOwned::Ipv4Ttl(value) => {
                        hop_limit = Some(u8::try_from(value).unwrap());
                    }
                    ControlMessageOwned::Ipv6PacketInfo(value) => {
                        info = Some((Ipv6Addr::from(value.ipi6_addr.s6_addr), value.ipi6_ifindex));
                    }
                    ControlMessageOwned::Ipv4PacketInfo(value) => {
                        let address = Ipv4Addr::from(value.ipi_addr.s_addr.to_ne_bytes());
                        info = Some((address.to_ipv6_mapped(), value.ipi_ifindex.cast_unsigned()));
                    }
                    other => panic!("{other:?}"),
                }
            }
            let source = got.address.unwrap();
            let v4 = source.as_sockaddr_in().map(|address| address.ip().to_ipv6_mapped());
            (got.bytes, v4.or_else(|| source.as_sockaddr_in6().map(|address| address.ip())).unwrap())
        };
        payload.truncate(len);
        let (destination, interface) = info.unwrap();
        Seen { payload, class: class.unwrap(), hop_limit: hop_limit.unwrap(), source, destination, interface }
    }

    /// Sends a datagram with these header fields; with a segment size, as several datagrams.
    pub fn send(&self, payload: &[u8], class: u8, hop_limit: u8, segments: Option<u16>, to: SocketAddrV6) {
        let (class_int, hop_limit) = (i32::from(class), i32::from(hop_limit));
        let mut messages = match self.family {
            Ipv6 => vec![ControlMessage::Ipv6TClass(&class_int), ControlMessage::Ipv6HopLimit(&hop_limit)],
            Mapped => vec![ControlMessage::Ipv4Tos(&class), ControlMessage::Ipv4Ttl(&hop_limit)],
        };
        if let Some(size) = &segments {
            messages.push(ControlMessage::UdpGsoSegments(size));
        }
        let to: SocketAddr = match to.ip().to_ipv4_mapped() {
            Some(ip) => SocketAddr::new(ip.into(), to.port()),
            None => to.into(),
        };
        let (fd, parts) = (self.socket.as_raw_fd(), [IoSlice::new(payload)]);
        let to = SockaddrStorage::from(to);
        assert_eq!(sendmsg(fd, &parts, &messages, MsgFlags::empty(), Some(&to)).unwrap(), payload.len());
    }
}

/// The start of a packet, as a packet socket sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub class: u8,
    pub hop_limit: u8,
    pub source: Ipv6Addr,
    pub destination: Ipv6Addr,
    pub protocol: u8,
    /// The DF bit of IPv4; `true` for IPv6, whose routers never fragment.
    pub dont_fragment: bool,
    /// On which the packet was sent or received.
    pub interface: u32,
    /// The transport header and the payload.
    pub body: Vec<u8>,
}

/// All packets of a host: its own and those of others.
pub struct Sniffer(Socket);

impl Sniffer {
    pub fn new(host: &Host) -> Self {
        const ETH_P_ALL: u16 = 3;
        let protocol = Protocol::from(i32::from(ETH_P_ALL.to_be()));
        let socket = host.run(|| Socket::new(Domain::PACKET, Type::DGRAM, Some(protocol))).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self(socket)
    }

    /// Waits for a packet.
    pub fn packet(&self, is_wanted: impl Fn(&Packet) -> bool) -> Packet {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let mut bytes = vec![0; 65_536];
            let (len, from) = recvfrom::<LinkAddr>(self.0.as_raw_fd(), &mut bytes).unwrap();
            let interface = u32::try_from(from.unwrap().ifindex()).unwrap();
            match packet(&bytes[..len], interface) {
                Some(packet) if is_wanted(&packet) => return packet,
                _ => assert!(Instant::now() < deadline, "no such packet"),
            }
        }
    }
}

/// Parses an IPv4 header without options (RFC 791) or an IPv6 header (RFC 8200).
fn packet(bytes: &[u8], interface: u32) -> Option<Packet> {
    match bytes.first()? >> 4 {
        4 => {
            let header: [u8; 20] = bytes.get(..20)?.try_into().ok()?;
            let address = |at: usize| Ipv4Addr::from([0, 1, 2, 3].map(|i| header[at + i])).to_ipv6_mapped();
            Some(Packet {
                class: header[1],
                hop_limit: header[8],
                source: address(12),
                destination: address(16),
                protocol: header[9],
                dont_fragment: header[6] & 0x40 != 0,
                interface,
                body: bytes[usize::from(header[0] & 15) * 4..].to_vec(),
            })
        }
        6 => {
            let header: [u8; 40] = bytes.get(..40)?.try_into().ok()?;
            let address = |at: usize| Ipv6Addr::from(*header[at..].first_chunk::<16>().unwrap());
            Some(Packet {
                class: header[0] << 4 | header[1] >> 4,
                hop_limit: header[7],
                source: address(8),
                destination: address(24),
                protocol: header[6],
                dont_fragment: true,
                interface,
                body: bytes[40..].to_vec(),
            })
        }
        _ => None,
    }
}

/// An address without port, in the form of a dual-stack socket.
pub fn ip(address: SocketAddr) -> Ipv6Addr {
    *mapped(address).ip()
}
