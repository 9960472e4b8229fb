//! The fields that a socket sends, each with what is observed.

use std::io;
use std::net::{Ipv6Addr, SocketAddrV6};
use std::ops::Deref;

use ipv6_std::ext::{OptionType, OptionsBuilder, SegmentRoutingBuilder};
use ipv6_std::message::{DontFragment, FirstDestinationOptions, MinMtu, NextHop, Priority, TxTime};
use ipv6_std::option::{PacketInfo, SendTimes, UnicastInterface};
use ipv6_std::*;
use ipv6_testnet::Pair;
use socket2::{Domain, Protocol, Socket, Type};

use super::{Net, Packet};
use crate::common::at;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Udp,
    /// An ICMPv6 socket without privilege.
    Ping,
    Raw,
}

use Kind::{Ping, Raw, Udp};

pub type Conn = dyn Deref<Target = PacketConn<Socket>>;

impl Kind {
    /// A socket of this kind on `a`, not bound.
    pub fn open(self, net: &Net) -> Box<Conn> {
        let (kind, protocol) = match self {
            Udp => (Type::DGRAM, Protocol::UDP),
            Ping => (Type::DGRAM, Protocol::ICMPV6),
            Raw => (Type::RAW, Protocol::ICMPV6),
        };
        let socket = net.a.run(|| Socket::new(Domain::IPV6, kind, Some(protocol))).unwrap();
        match self {
            Udp => Box::new(Box::new(PacketConn::new(socket).unwrap())),
            Ping | Raw => Box::new(RawConn::new(socket).unwrap()),
        }
    }

    /// A payload with this text: of ICMPv6, an echo request.
    pub fn payload(self, text: &[u8], len: usize) -> Vec<u8> {
        let header: &[u8] = if self == Udp { &[] } else { &[128, 0, 0, 0, 0, 0, 0, 1] };
        let mut payload = [header, text].concat();
        payload.resize(len.max(payload.len()), 0);
        payload
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    Sticky,
    Message,
    Equal,
    Different,
}

use Case::{Different, Equal, Message, Sticky};

pub const CASES: [Case; 4] = [Sticky, Message, Equal, Different];

impl Case {
    /// Whether the sticky option is set, to the first value.
    pub fn is_sticky(self) -> bool {
        self != Message
    }

    /// The value of the message: the first or the second one.
    pub fn message(self) -> Option<usize> {
        match self {
            Sticky => None,
            Equal => Some(0),
            Message | Different => Some(1),
        }
    }
}

/// A field that can be sent. `sticky` and `message` set it; the message wins.
pub struct Field {
    pub name: &'static str,
    /// What is observed with the sticky option alone, and with the two values as a message.
    pub sticky_is: &'static str,
    pub messages_are: [&'static str; 2],
    pub sticky: fn(&Net, &PacketConn<Socket>) -> io::Result<()>,
    pub message: fn(&Net, usize, &mut Messages<256>) -> Result<SendControl<'static>, EncodeError>,
    /// The destination; `true` with the sticky option.
    pub to: fn(bool) -> SocketAddrV6,
    pub len: usize,
    pub observe: fn(&Net, &Packet) -> String,
    pub special: &'static [Special],
}

/// Cells in which Linux does something else: the kinds of sockets, the cases, what is observed, and why.
pub struct Special(pub &'static [Kind], pub &'static [Case], pub &'static str, pub &'static str);

const ALL: &[Kind] = &[Udp, Ping, Raw];
const WITH_MESSAGE: &[Case] = &[Message, Equal, Different];

/// Reasons of several fields. Each names the function of the kernel.
const PING_LEAVES_OUT: &str =
    "ping_v6_sendmsg: \"Changes to txoptions and flow info are not implemented, yet. Drop the options\"";
const PING_SOURCE: &str =
    "ping_v6_sendmsg takes the bound address, or that of the route: this API refuses another";
const ANOTHER_INTERFACE: &str =
    "ip6_datagram_send_ctl refuses an interface other than the one found before the messages";

const TO_B: fn(bool) -> SocketAddrV6 = |_| at(Pair::B, 9);
const TO_GROUP: fn(bool) -> SocketAddrV6 = |_| at(Ipv6Addr::new(0xff0e, 0, 0, 0, 0, 0, 0, 0x114), 9);
const LINK: fn(&Net, &Packet) -> String = |net, packet| net.link_of(packet);
const HEADERS: fn(&Net, &Packet) -> String = |_, packet| packet.headers.clone();

/// An options header with one option that nodes skip (RFC 4727), of one byte: the number of the value and 1.
fn options(value: usize) -> OptionsBuilder<8> {
    OptionsBuilder::new().with(OptionType(0x1e), &[value as u8 + 1]).unwrap()
}

/// Encodes a message by type.
fn by_type<M: SendMessage<Host>>(
    messages: &mut Messages<256>,
    message: &M,
) -> Result<SendControl<'static>, EncodeError> {
    messages.push(message).map(|()| SendControl::new())
}

fn set_route(conn: &PacketConn<Socket>) -> io::Result<()> {
    let path = SegmentRoutingBuilder::<40>::new(&[Net::SEGMENTS[0], Ipv6Addr::UNSPECIFIED]).unwrap();
    conn.set_routing_header(path.header().header())
}

/// A field without differences between kinds of sockets.
pub const PLAIN: Field = Field {
    name: "",
    sticky_is: "",
    messages_are: ["", ""],
    sticky: |_, _| Ok(()),
    message: |_, _, _| Ok(SendControl::new()),
    to: TO_B,
    len: 0,
    observe: HEADERS,
    special: &[],
};

pub static FIELDS: [Field; 23] = [
    Field {
        name: "hop limit",
        sticky_is: "30",
        messages_are: ["30", "40"],
        sticky: |_, conn| conn.set_hop_limit(30),
        message: |_, value, _| Ok(SendControl::new().with_hop_limit([30, 40][value])),
        observe: |_, packet| packet.hop_limit.to_string(),
        ..PLAIN
    },
    Field {
        name: "hop limit to a group",
        sticky_is: "30",
        messages_are: ["30", "40"],
        sticky: |_, conn| conn.set_multicast_hop_limit(30),
        message: |_, value, _| Ok(SendControl::new().with_hop_limit([30, 40][value])),
        to: TO_GROUP,
        observe: |_, packet| packet.hop_limit.to_string(),
        ..PLAIN
    },
    Field {
        name: "traffic class",
        sticky_is: "28",
        messages_are: ["28", "b8"],
        sticky: |_, conn| conn.set_traffic_class(0x28),
        message: |_, value, _| Ok(SendControl::new().with_traffic_class([0x28, 0xb8][value])),
        observe: |_, packet| format!("{:x}", packet.class),
        ..PLAIN
    },
    Field {
        name: "flow label of the address",
        sticky_is: "11111",
        messages_are: ["11111", "22222"],
        sticky: |_, conn| conn.set_option(&option::SEND_FLOW_INFO, true),
        message: |_, value, _| Ok(SendControl::new().with_flow_label(label(value))),
        to: |sticky| SocketAddrV6::new(Pair::B, 9, if sticky { label(0).get().to_be() } else { 0 }, 0),
        observe: |_, packet| format!("{:x}", packet.label),
        ..PLAIN
    },
    Field {
        name: "automatic flow label",
        sticky_is: "automatic",
        // The kernel chooses in place of 0.
        messages_are: ["automatic", "22222"],
        sticky: |_, conn| conn.set_option(&option::AUTO_FLOW_LABEL, true),
        message: |_, value, _| Ok(SendControl::new().with_flow_label([FlowLabel::ZERO, label(1)][value])),
        observe: |_, packet| match packet.label {
            0 => "0".into(),
            0x22222 => "22222".into(),
            _ => "automatic".into(),
        },
        ..PLAIN
    },
    Field {
        name: "don't fragment",
        sticky_is: "EMSGSIZE",
        messages_are: ["EMSGSIZE", "fragment"],
        sticky: |_, conn| conn.set_dont_fragment(true),
        message: |_, value, messages| by_type(messages, &DontFragment([true, false][value])),
        len: 2000,
        ..PLAIN
    },
    Field {
        name: "do fragment",
        sticky_is: "fragment",
        messages_are: ["fragment", "EMSGSIZE"],
        sticky: |_, conn| conn.set_dont_fragment(false),
        message: |_, value, messages| by_type(messages, &DontFragment([false, true][value])),
        len: 2000,
        ..PLAIN
    },
    Field {
        name: "source in packet info",
        sticky_is: "2001:db8:1::3",
        messages_are: ["2001:db8:1::3", "2001:db8:1::4"],
        sticky: |_, conn| {
            let info = PacketInfo { address: Net::SOURCES[0], interface: None };
            conn.set_option(&option::PACKET_INFO, info)
        },
        message: |_, value, _| Ok(SendControl::new().with_source(Net::SOURCES[value])),
        observe: |_, packet| packet.source.to_string(),
        special: &[
            Special(
                ALL,
                &[Sticky],
                "2001:db8:1::1",
                "the kernel stores the address and no function reads it",
            ),
            Special(&[Ping], WITH_MESSAGE, "no IPV6_PKTINFO", PING_SOURCE),
        ],
        ..PLAIN
    },
    Field {
        name: "bound source",
        sticky_is: "2001:db8:1::3",
        messages_are: ["2001:db8:1::3", "2001:db8:1::4"],
        sticky: |_, conn| conn.get_ref().bind(&at(Net::SOURCES[0], 0).into()),
        message: |_, value, _| Ok(SendControl::new().with_source(Net::SOURCES[value])),
        observe: |_, packet| packet.source.to_string(),
        special: &[Special(&[Ping], &[Message, Different], "no IPV6_PKTINFO", PING_SOURCE)],
        ..PLAIN
    },
    Field {
        name: "interface in packet info",
        sticky_is: "eth1",
        messages_are: ["eth1", "eth2"],
        sticky: |net, conn| {
            let info = PacketInfo { address: Ipv6Addr::UNSPECIFIED, interface: Some(net.link(1)) };
            conn.set_option(&option::PACKET_INFO, info)
        },
        message: |net, value, _| Ok(SendControl::new().with_interface(net.link(value + 1))),
        observe: LINK,
        special: &[
            Special(&[Udp, Ping], &[Different], "EINVAL", ANOTHER_INTERFACE),
            Special(&[Raw], &[Sticky], "eth0", "rawv6_sendmsg does not read the option"),
        ],
        ..PLAIN
    },
    Field {
        name: "interface of unicast packets",
        sticky_is: "eth1",
        messages_are: ["eth1", "eth2"],
        sticky: |net, conn| conn.set_option(&option::UNICAST_INTERFACE, UnicastInterface(Some(net.link(1)))),
        message: |net, value, _| Ok(SendControl::new().with_interface(net.link(value + 1))),
        observe: LINK,
        special: &[Special(&[Ping], &[Different], "EINVAL", ANOTHER_INTERFACE)],
        ..PLAIN
    },
    Field {
        name: "interface of multicast packets",
        sticky_is: "eth1",
        messages_are: ["eth1", "eth2"],
        sticky: |net, conn| conn.set_multicast_interface(net.link(1)),
        message: |net, value, _| Ok(SendControl::new().with_interface(net.link(value + 1))),
        to: TO_GROUP,
        observe: LINK,
        special: &[Special(&[Ping], &[Different], "EINVAL", ANOTHER_INTERFACE)],
        ..PLAIN
    },
    Field {
        name: "device",
        sticky_is: "eth1",
        messages_are: ["eth1", "eth2"],
        sticky: |net, conn| conn.set_option(&option::DEVICE_INDEX, Some(net.link(1))),
        message: |net, value, _| Ok(SendControl::new().with_interface(net.link(value + 1))),
        observe: LINK,
        special: &[Special(ALL, &[Different], "EINVAL", ANOTHER_INTERFACE)],
        ..PLAIN
    },
    Field {
        name: "mark",
        sticky_is: "eth1",
        messages_are: ["eth1", "eth2"],
        sticky: |_, conn| conn.set_option(&option::MARK, 1),
        message: |_, value, messages| by_type(messages, &message::Mark(value as u32 + 1)),
        observe: LINK,
        ..PLAIN
    },
    Field {
        name: "priority",
        sticky_is: "3",
        messages_are: ["3", "5"],
        sticky: |_, conn| conn.set_option(&option::PRIORITY, 3),
        message: |_, value, messages| by_type(messages, &Priority([3, 5][value])),
        observe: |_, packet| match packet.priority {
            Some(priority) => priority.to_string(),
            None => "no priority delivered".into(),
        },
        ..PLAIN
    },
    Field {
        name: "hop-by-hop options",
        sticky_is: "hop-by-hop 1",
        messages_are: ["hop-by-hop 1", "hop-by-hop 2"],
        sticky: |_, conn| conn.set_hop_by_hop_options(options(0).hop_by_hop()),
        message: |_, value, messages| by_type(messages, &options(value).hop_by_hop()),
        special: &[Special(&[Ping], &CASES, "no IPV6_HOPOPTS", PING_LEAVES_OUT)],
        ..PLAIN
    },
    Field {
        name: "destination options",
        sticky_is: "destination 1",
        messages_are: ["destination 1", "destination 2"],
        sticky: |_, conn| conn.set_destination_options(options(0).destination_options()),
        message: |_, value, messages| by_type(messages, &options(value).destination_options()),
        special: &[Special(&[Ping], &CASES, "no IPV6_DSTOPTS", PING_LEAVES_OUT)],
        ..PLAIN
    },
    Field {
        name: "destination options before a routing header",
        sticky_is: "destination 1 routing type 4",
        messages_are: ["destination 1", "destination 2"],
        sticky: |_, conn| {
            set_route(conn)?;
            conn.set_first_destination_options(options(0).destination_options())
        },
        message: |_, value, messages| {
            by_type(messages, &FirstDestinationOptions(options(value).destination_options()))
        },
        special: &[
            Special(&[Ping], &[Message], "no IPV6_RTHDRDSTOPTS", PING_LEAVES_OUT),
            Special(&[Ping], &[Sticky, Equal, Different], "no IPV6_RTHDR", PING_LEAVES_OUT),
            Special(
                &[Udp, Raw],
                WITH_MESSAGE,
                "no header",
                "ipv6_push_nfrag_opts: only with a routing header, which the message replaces",
            ),
        ],
        ..PLAIN
    },
    Field {
        name: "hop-by-hop options, and destination options as the message",
        sticky_is: "hop-by-hop 1",
        messages_are: ["destination 1", "destination 2"],
        sticky: |_, conn| conn.set_hop_by_hop_options(options(0).hop_by_hop()),
        message: |_, value, messages| by_type(messages, &options(value).destination_options()),
        special: &[
            Special(&[Ping], &[Message], "no IPV6_DSTOPTS", PING_LEAVES_OUT),
            Special(&[Ping], &[Sticky, Equal, Different], "no IPV6_HOPOPTS", PING_LEAVES_OUT),
        ],
        ..PLAIN
    },
    Field {
        name: "routing header",
        sticky_is: "routing type 4 to 2001:db8:1::5",
        messages_are: ["routing type 4 to 2001:db8:1::5", "routing type 4 to 2001:db8:1::6"],
        sticky: |_, conn| set_route(conn),
        message: |_, value, messages| {
            let path = [Net::SEGMENTS[value], Ipv6Addr::UNSPECIFIED];
            by_type(messages, &SegmentRoutingBuilder::<40>::new(&path).unwrap().header().header())
        },
        observe: |_, packet| format!("{} to {}", packet.headers, packet.destination),
        special: &[
            Special(&[Ping], &CASES, "no IPV6_RTHDR", PING_LEAVES_OUT),
            Special(
                &[Udp, Raw],
                WITH_MESSAGE,
                "EINVAL",
                "ip6_datagram_send_ctl takes routing headers of type 2 only",
            ),
        ],
        ..PLAIN
    },
    Field {
        name: "send time",
        sticky_is: "sent",
        messages_are: ["sent", "sent"],
        sticky: |_, conn| conn.set_option(&option::SEND_TIMES, SendTimes::new(SendTimes::MONOTONIC)),
        message: |_, value, messages| by_type(messages, &TxTime(value as u64 + 1)),
        observe: |_, _| "sent".into(),
        special: &[Special(
            ALL,
            &[Message],
            "EINVAL",
            "__sock_cmsg_send: the option enables the message, and names its clock",
        )],
        ..PLAIN
    },
    Field {
        name: "next hop",
        sticky_is: "no IPV6_NEXTHOP",
        messages_are: ["no IPV6_NEXTHOP"; 2],
        sticky: |_, conn| conn.set_option(&option::NEXT_HOP, NextHop(at(Pair::B, 0))),
        message: |_, _, _| Ok(SendControl::new().with_next_hop(at(Pair::B, 0))),
        ..PLAIN
    },
    Field {
        name: "minimum MTU",
        sticky_is: "no IPV6_USE_MIN_MTU",
        messages_are: ["no IPV6_USE_MIN_MTU"; 2],
        sticky: |_, conn| conn.set_option(&option::USE_MIN_MTU, MinMtu::Always),
        message: |_, value, messages| by_type(messages, &[MinMtu::Always, MinMtu::Never][value]),
        ..PLAIN
    },
];

/// The flow label of a message.
pub fn label(value: usize) -> FlowLabel {
    FlowLabel::new([0x11111, 0x22222][value]).unwrap()
}
