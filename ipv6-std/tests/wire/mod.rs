//! Two hosts with three links, and packet sockets that see the packets between them.

pub mod fields;

use std::fmt::Write as _;
use std::io::IoSliceMut;
use std::net::Ipv6Addr;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use ipv6_std::{InterfaceIndex, option};
use ipv6_testnet::{Host, Pair, link};
use nix::sys::socket::{ControlMessageOwned, LinkAddr, MsgFlags, recvmsg};
use socket2::{Domain, Protocol, Socket, Type};

const LINKS: [&str; 3] = ["eth0", "eth1", "eth2"];

/// Hosts `a`, which sends, and `b`. Packets to the addresses of `b` use `eth0`, unless they ask for another link, or have the
/// mark 1 (`eth1`) or 2 (`eth2`).
pub struct Net {
    pub a: Host,
    pub b: Host,
    /// Whether the kernel delivers the priority of packets (Linux 6.14).
    pub sees_priorities: bool,
    sent: Sniffer,
    received: Sniffer,
}

impl Net {
    /// Addresses of `a` that are not the default source.
    pub const SOURCES: [Ipv6Addr; 2] =
        [Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 3), Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 4)];
    /// Addresses of `b` on `eth0`, as segments.
    pub const SEGMENTS: [Ipv6Addr; 2] =
        [Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 5), Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 6)];

    pub fn new() -> Self {
        let Pair { a, b } = Pair::new().unwrap();
        let (to, from) = (Pair::B, Pair::A);
        for source in Self::SOURCES {
            // Deprecated: not the default source.
            a.ip(&format!("addr add {source}/64 dev eth0 preferred_lft 0")).unwrap();
        }
        for segment in Self::SEGMENTS {
            b.add_address(segment, "eth0").unwrap();
        }
        a.ip(&format!("-6 route add {to} dev eth0 metric 1")).unwrap();
        for (number, name) in [(1, "eth1"), (2, "eth2")] {
            link(&a, name, &b, name).unwrap();
            let gateway = format!("2001:db8:{}::2", number + 1);
            a.ip(&format!("addr add 2001:db8:{}::1/64 dev {name}", number + 1)).unwrap();
            b.ip(&format!("addr add {gateway}/64 dev {name}")).unwrap();
            let route = format!("-6 route add {to} via {gateway} dev {name} src {from}");
            a.ip(&format!("{route} metric 9{number}")).unwrap();
            a.ip(&format!("{route} table 10{number}")).unwrap();
            a.ip(&format!("-6 rule add fwmark {number} table 10{number}")).unwrap();
        }
        // Labels are chosen for the sockets that ask for it.
        a.set("net/ipv6/auto_flowlabels", "2").unwrap();
        let (sent, received) = (Sniffer::new(&a, ETH_P_ALL), Sniffer::new(&b, ETH_P_IPV6));
        let sees_priorities = option::RECEIVE_PRIORITY.set(&sent.0, true).is_ok();
        Self { a, b, sees_priorities, sent, received }
    }

    /// A link of `a`.
    pub fn link(&self, number: usize) -> InterfaceIndex {
        InterfaceIndex::new(self.a.index(LINKS[number]).unwrap()).unwrap()
    }

    /// Waits for a packet from `a` with this text, and returns it as `b` receives it.
    pub fn arrived(&self, text: &[u8]) -> Packet {
        let from_a = |packet: &Packet| packet.destination != Pair::A && packet.contains(text);
        let priority = self.sent.packet(from_a).priority;
        Packet { priority, ..self.received.packet(from_a) }
    }

    /// The name of the link on which `b` received a packet.
    pub fn link_of(&self, packet: &Packet) -> String {
        let name = LINKS.into_iter().find(|name| self.b.index(name).unwrap() == packet.interface);
        name.unwrap_or("another link").to_string()
    }
}

/// A packet, as a packet socket sees it (RFC 8200).
#[derive(Clone, Debug)]
pub struct Packet {
    pub class: u8,
    pub label: u32,
    pub hop_limit: u8,
    pub source: Ipv6Addr,
    pub destination: Ipv6Addr,
    /// The index on the host of the packet socket.
    pub interface: u32,
    /// The priority in the queue of `a`, if the kernel delivers it.
    pub priority: Option<u32>,
    /// The extension headers in their order, as text.
    pub headers: String,
    body: Vec<u8>,
}

impl Packet {
    fn parse(bytes: &[u8], interface: u32, priority: Option<u32>) -> Option<Self> {
        let header: &[u8; 40] = bytes.first_chunk().filter(|header| header[0] >> 4 == 6)?;
        let address = |at: usize| Ipv6Addr::from(*header[at..].first_chunk::<16>().unwrap());
        let (mut headers, mut next, mut rest) = (String::new(), header[6], &bytes[40..]);
        loop {
            let len = match next {
                0 | 43 | 60 => 8 * (usize::from(*rest.get(1)?) + 1),
                44 => 8,
                _ => break,
            };
            let (extension, after) = rest.split_at_checked(len)?;
            // The first option of these tests has one byte of data.
            match next {
                0 => write!(headers, "hop-by-hop {} ", extension[4]).unwrap(),
                60 => write!(headers, "destination {} ", extension[4]).unwrap(),
                43 => write!(headers, "routing type {} ", extension[2]).unwrap(),
                _ => headers += "fragment ",
            }
            (next, rest) = (extension[0], after);
        }
        Some(Self {
            class: header[0] << 4 | header[1] >> 4,
            label: u32::from_be_bytes([0, header[1] & 15, header[2], header[3]]),
            hop_limit: header[7],
            source: address(8),
            destination: address(24),
            interface,
            priority,
            headers: if headers.is_empty() { "no header".into() } else { headers.trim_end().to_string() },
            body: rest.to_vec(),
        })
    }

    fn contains(&self, text: &[u8]) -> bool {
        self.body.windows(text.len()).any(|window| window == text)
    }
}

const ETH_P_ALL: u16 = 3;
/// Received packets only.
const ETH_P_IPV6: u16 = 0x86dd;

struct Sniffer(Socket);

impl Sniffer {
    fn new(host: &Host, protocol: u16) -> Self {
        let protocol = Protocol::from(i32::from(protocol.to_be()));
        let socket = host.run(|| Socket::new(Domain::PACKET, Type::DGRAM, Some(protocol))).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self(socket)
    }

    fn packet(&self, is_wanted: impl Fn(&Packet) -> bool) -> Packet {
        let deadline = Instant::now() + Duration::from_secs(60);
        let (mut bytes, mut control) = (vec![0; 65_536], vec![0; 256]);
        loop {
            let mut parts = [IoSliceMut::new(&mut bytes)];
            let fd = self.0.as_raw_fd();
            let got = recvmsg::<LinkAddr>(fd, &mut parts, Some(&mut control), MsgFlags::empty()).unwrap();
            let interface = u32::try_from(got.address.unwrap().ifindex()).unwrap();
            let priority = got.cmsgs().unwrap().find_map(|message| match message {
                // nix has no name for it: SOL_SOCKET, SO_PRIORITY.
                ControlMessageOwned::Unknown(message) if message.cmsg_header.cmsg_type == 12 => {
                    Some(u32::from_ne_bytes(message.data_bytes.try_into().unwrap()))
                }
                _ => None,
            });
            let len = got.bytes;
            match Packet::parse(&bytes[..len], interface, priority) {
                Some(packet) if is_wanted(&packet) => return packet,
                _ => assert!(Instant::now() < deadline, "no such packet"),
            }
        }
    }
}
