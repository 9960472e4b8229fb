//! ICMPv6 echo messages, and ICMPv6 errors about packets that the program sent (RFC 4443).

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::net::Ipv6Addr;

use etherparse::{IcmpEchoHeader, Icmpv6Header, Icmpv6Type};
use ipv6_std::{Header, Icmp6Type, QueuedError};

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
    kind: Icmp6Type,
    code: u8,
    /// The four bytes after the checksum.
    word: u32,
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
    /// `data`: the same.
    Udp {
        source: u16,
        destination: u16,
        data: Option<[u8; 8]>,
    },
    Other,
}

impl<'a> Message<'a> {
    pub fn read(message: &'a [u8]) -> Self {
        let [kind, code, _, _, w0, w1, w2, w3, rest @ ..] = message else { return Self::Other };
        let (kind, code) = (Icmp6Type(*kind), *code);
        let (id, seq) = (u16::from_be_bytes([*w0, *w1]), u16::from_be_bytes([*w2, *w3]));
        match kind {
            Icmp6Type::ECHO_REQUEST if code == 0 => Self::Request { id, seq, bytes: message.len() },
            Icmp6Type::ECHO_REPLY if code == 0 => Self::Reply { id, seq, data: rest },
            // Errors have the types below 128. They quote the start of the packet, beginning with its IPv6 header
            // (RFC 4443 section 3).
            Icmp6Type(0..128) => match Header::parse(rest) {
                Ok((header, packet)) => Self::Error(Report {
                    kind,
                    code,
                    word: u32::from_be_bytes([*w0, *w1, *w2, *w3]),
                    destination: header.destination,
                    quoted: Quoted::read(header.next_header, packet),
                }),
                Err(_) => Self::Other,
            },
            _ => Self::Other,
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
            (UDP, [s0, s1, d0, d1, rest @ ..]) => Self::Udp {
                source: u16::from_be_bytes([*s0, *s1]),
                destination: u16::from_be_bytes([*d0, *d1]),
                // After the length and the checksum.
                data: rest.get(4..).and_then(|data| data.first_chunk().copied()),
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
        let (word, quoted) = (error.mtu.unwrap_or(0), Quoted::read(Icmp6Type::PROTOCOL, quoted));
        Some(Self { kind, code, word, destination, quoted })
    }

    /// The type and the code of the message.
    pub fn type_and_code(&self) -> (u8, u8) {
        (self.kind.0, self.code)
    }

    /// The MTU in a "packet too big".
    pub fn mtu(&self) -> Option<u32> {
        (self.kind == Icmp6Type::PACKET_TOO_BIG).then_some(self.word)
    }

    /// Whether the packet reached its destination, and no socket had the port.
    pub fn is_port_unreachable(&self) -> bool {
        (self.kind, self.code) == (Icmp6Type::DESTINATION_UNREACHABLE, 4)
    }

    /// Whether a router or the host could not deliver the packet.
    pub fn is_unreachable(&self) -> bool {
        self.kind == Icmp6Type::DESTINATION_UNREACHABLE
    }

    /// Whether a node did not understand a field of the packet.
    pub fn is_parameter_problem(&self) -> bool {
        self.kind == Icmp6Type::PARAMETER_PROBLEM
    }

    /// Whether the packet expired: by its hop limit, or with another code of the same type.
    pub fn is_time_exceeded(&self) -> bool {
        self.kind == Icmp6Type::TIME_EXCEEDED
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, code, word, .. } = self;
        // The codes of RFC 4443 section 3 and of RFC 8883.
        f.write_str(match (*kind, *code) {
            // The code has no meaning (section 3.2).
            (Icmp6Type::PACKET_TOO_BIG, _) => return write!(f, "packet too big: MTU {word}"),
            (Icmp6Type::TIME_EXCEEDED, 0) => "time exceeded",
            (Icmp6Type::TIME_EXCEEDED, 1) => "time exceeded: fragment reassembly",
            (Icmp6Type::TIME_EXCEEDED, _) => return write!(f, "time exceeded: unknown code {code}"),
            (Icmp6Type::PARAMETER_PROBLEM, 0..=2) => "parameter problem",
            (Icmp6Type::PARAMETER_PROBLEM, _) => return write!(f, "parameter problem: code {code}"),
            (Icmp6Type::DESTINATION_UNREACHABLE, 0) => "destination unreachable: no route",
            (Icmp6Type::DESTINATION_UNREACHABLE, 1) => "destination unreachable: prohibited",
            (Icmp6Type::DESTINATION_UNREACHABLE, 2) => "destination unreachable: beyond the source's scope",
            (Icmp6Type::DESTINATION_UNREACHABLE, 3) => "destination unreachable: address",
            (Icmp6Type::DESTINATION_UNREACHABLE, 4) => "destination unreachable: port",
            (Icmp6Type::DESTINATION_UNREACHABLE, 5) => "destination unreachable: policy",
            (Icmp6Type::DESTINATION_UNREACHABLE, 6) => "destination unreachable: rejected",
            (Icmp6Type::DESTINATION_UNREACHABLE, _) => {
                return write!(f, "destination unreachable: unknown code {code}");
            }
            _ => return write!(f, "unknown ICMPv6 error of type {} and code {code}", kind.0),
        })
    }
}
