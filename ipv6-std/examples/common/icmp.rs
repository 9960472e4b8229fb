//! ICMPv6 echo messages, and ICMPv6 errors about packets that the program sent (RFC 4443).

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};

use etherparse::icmpv6::DestUnreachableCode;
use etherparse::{IcmpEchoHeader, Icmpv6Header, Icmpv6Slice, Icmpv6Type};
use ipv6_std::{Header, Icmp6Type, QueuedError, parse_scoped};

use super::Outcome;

/// Resolves a host name, or an address such as `fe80::1%eth0` or `[fe80::1%eth0]`, to the first IPv6 address.
pub fn resolve(host: &str) -> Outcome<SocketAddrV6> {
    // The system's resolver knows zones too, but does not say which interface is missing.
    if host.contains([':', '%', '[']) {
        return Ok(parse_scoped(host)?);
    }
    let addresses = (host, 0).to_socket_addrs().map_err(|error| format!("{host}: {error}"))?;
    let mut of_v6 = addresses.filter_map(|address| match address {
        SocketAddr::V6(address) => Some(address),
        SocketAddr::V4(_) => None,
    });
    of_v6.next().ok_or_else(|| format!("{host} has no IPv6 address").into())
}

/// Adds the remedy to the error of an ICMPv6 socket that is not permitted.
pub fn not_allowed(error: io::Error) -> Box<dyn std::error::Error> {
    match error.kind() {
        ErrorKind::PermissionDenied => format!(
            "an ICMPv6 socket needs root, CAP_NET_RAW, or on Linux a group in net.ipv4.ping_group_range: {error}"
        )
        .into(),
        _ => error.into(),
    }
}

/// An echo request. The kernel writes the checksum.
pub fn echo_request(id: u16, seq: u16, data: &[u8]) -> Vec<u8> {
    let header = Icmpv6Header::new(Icmpv6Type::EchoRequest(IcmpEchoHeader { id, seq }));
    [&header.to_bytes()[..], data].concat()
}

/// Eight random bytes that distinguish the probes of this process from those of others with the same numbers.
pub fn nonce() -> [u8; 8] {
    RandomState::new().hash_one(std::process::id()).to_be_bytes()
}

/// A received ICMPv6 message.
pub enum Message<'a> {
    Request { id: u16, seq: u16, bytes: usize },
    Reply { id: u16, seq: u16, data: &'a [u8] },
    Error(Report),
    Other,
}

/// An ICMPv6 error about a packet that was sent.
pub struct Report {
    kind: Icmpv6Type,
    /// The destination of that packet.
    pub destination: Ipv6Addr,
    /// The contents of that packet.
    pub quoted: Quoted,
}

/// The packet that an error quotes.
pub enum Quoted {
    /// `data`: the first bytes of its data. A report may end before them.
    Echo {
        id: u16,
        seq: u16,
        data: Option<[u8; 8]>,
    },
    Udp {
        source: u16,
        destination: u16,
    },
    Other,
}

impl<'a> Message<'a> {
    pub fn read(message: &'a [u8]) -> Self {
        let Ok(message) = Icmpv6Slice::from_slice(message) else { return Self::Other };
        let (kind, rest) = (message.icmp_type(), message.payload());
        match kind {
            Icmpv6Type::EchoRequest(IcmpEchoHeader { id, seq }) => {
                Self::Request { id, seq, bytes: message.slice().len() }
            }
            Icmpv6Type::EchoReply(IcmpEchoHeader { id, seq }) => Self::Reply { id, seq, data: rest },
            _ if message.type_u8() >= 128 => Self::Other,
            // An error quotes the start of the packet, beginning with its IPv6 header (RFC 4443 section 3).
            kind => match Header::parse(rest) {
                Ok((header, packet)) => Self::Error(Report {
                    kind,
                    destination: header.destination,
                    quoted: Quoted::read(header.next_header, packet),
                }),
                Err(_) => Self::Other,
            },
        }
    }
}

impl Quoted {
    fn read(protocol: u8, packet: &[u8]) -> Self {
        const UDP: u8 = 17;
        const ICMPV6: u8 = 58;
        const FRAGMENT: u8 = 44;
        match (protocol, packet) {
            // The first fragment (RFC 8200 section 4.5): the next header follows the fragment header.
            (FRAGMENT, [next, _, 0, 0..=7, _, _, _, _, rest @ ..]) if *next != FRAGMENT => {
                Self::read(*next, rest)
            }
            (UDP, [s0, s1, d0, d1, ..]) => Self::Udp {
                source: u16::from_be_bytes([*s0, *s1]),
                destination: u16::from_be_bytes([*d0, *d1]),
            },
            (ICMPV6, [128, 0, _, _, i0, i1, s0, s1, rest @ ..]) => Self::Echo {
                id: u16::from_be_bytes([*i0, *i1]),
                seq: u16::from_be_bytes([*s0, *s1]),
                data: rest.first_chunk().copied(),
            },
            _ => Self::Other,
        }
    }
}

impl Report {
    /// The same from the error queue of an unprivileged ICMPv6 socket, which quotes the packet from its ICMPv6 header
    /// on. `None`: an error of this host, not of ICMPv6.
    pub fn queued(error: &QueuedError, destination: Ipv6Addr, quoted: &[u8]) -> Option<Self> {
        let (kind, code) = error.icmp6?;
        let [m0, m1, m2, m3] = error.mtu.unwrap_or(0).to_be_bytes();
        let message = [kind.0, code, 0, 0, m0, m1, m2, m3];
        let kind = Icmpv6Slice::from_slice(&message).ok()?.icmp_type();
        Some(Self { kind, destination, quoted: Quoted::read(Icmp6Type::PROTOCOL, quoted) })
    }

    /// The type and the code of the message.
    pub fn type_and_code(&self) -> (u8, u8) {
        (self.kind.type_u8(), self.kind.code_u8())
    }

    /// The MTU in a "packet too big".
    pub fn mtu(&self) -> Option<u32> {
        match self.kind {
            Icmpv6Type::PacketTooBig { mtu } => Some(mtu),
            _ => None,
        }
    }

    /// Whether the packet reached its destination, and no socket had the port.
    pub fn is_port_unreachable(&self) -> bool {
        matches!(self.kind, Icmpv6Type::DestinationUnreachable(DestUnreachableCode::Port))
    }

    /// Whether the hop limit of the packet expired.
    pub fn is_time_exceeded(&self) -> bool {
        matches!(self.kind, Icmpv6Type::TimeExceeded(_))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Icmpv6Type::PacketTooBig { mtu } => return write!(f, "packet too big: MTU {mtu}"),
            Icmpv6Type::TimeExceeded(_) => "time exceeded",
            Icmpv6Type::ParameterProblem(_) => "parameter problem",
            Icmpv6Type::DestinationUnreachable(code) => match code {
                DestUnreachableCode::NoRoute => "destination unreachable: no route",
                DestUnreachableCode::Prohibited => "destination unreachable: prohibited",
                DestUnreachableCode::BeyondScope => "destination unreachable: beyond the source's scope",
                DestUnreachableCode::Address => "destination unreachable: address",
                DestUnreachableCode::Port => "destination unreachable: port",
                DestUnreachableCode::SourceAddressFailedPolicy => "destination unreachable: policy",
                DestUnreachableCode::RejectRoute => "destination unreachable: rejected",
            },
            kind => return write!(f, "ICMPv6 type {}", kind.type_u8()),
        })
    }
}
