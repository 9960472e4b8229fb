//! Routes of a multicast router (Linux, `include/uapi/linux/mroute6.h`).
//!
//! ```text
//!  struct mif6ctl                                  struct mf6cctl
//!  +-----+-------+-----------+-------+---+------+  +--------+-------+----------+---+----------+
//!  | mif | flags | threshold | index | 0 | rate |  | source | group | incoming | 0 | outgoing |
//!  +-----+-------+-----------+-------+---+------+  +--------+-------+----------+---+----------+
//!  0     2       3           4       6   8      12 0        28      56         58  60         92
//! ```
//!
//! Source and group are `struct sockaddr_in6`; the outgoing interfaces are 256 bits, of which the kernel uses 32.

use core::fmt;
use core::net::{Ipv6Addr, SocketAddrV6};

use crate::abi::{Platform, Width};
use crate::interface::InterfaceIndex;
use crate::{sockaddr, wire};

const MIF6CTL: usize = 12;
const MF6CCTL: usize = 92;
/// `sizeof(struct sockaddr_in6)` on Linux.
const NAME: usize = 28;
/// `sizeof(struct sioc_sg_req6)`, and `sizeof(struct sioc_mif_req6)`, with longs of 8 bytes.
const ROUTE_REQUEST: usize = 80;
const INTERFACE_REQUEST: usize = 40;

/// The number of an interface of a multicast router, 0 to 31 (`mifi_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[doc(alias = "mifi_t", alias = "MAXMIFS")]
pub struct Mif(u8);

impl Mif {
    /// How many interfaces a router can have (`MAXMIFS`).
    pub const COUNT: u8 = 32;

    /// Creates the number; `None` from 32 on.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < Self::COUNT { Some(Self(number)) } else { None }
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// A set of interfaces of a multicast router (`struct if_set`).
///
/// ```
/// use ipv6_core::{Mif, MifSet};
/// let (first, second) = (Mif::new(0).unwrap(), Mif::new(1).unwrap());
/// let set = MifSet::EMPTY.with(first);
/// assert!(set.contains(first) && !set.contains(second));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "if_set", alias = "IF_SET", alias = "IF_ISSET")]
pub struct MifSet(u32);

impl MifSet {
    /// No interface.
    pub const EMPTY: Self = Self(0);

    /// Returns the set with one more interface.
    #[must_use]
    pub const fn with(self, mif: Mif) -> Self {
        Self(self.0 | 1 << mif.0)
    }

    /// Returns the set without an interface.
    #[must_use]
    pub const fn without(self, mif: Mif) -> Self {
        Self(self.0 & !(1 << mif.0))
    }

    /// Returns whether the interface is in the set.
    #[must_use]
    pub const fn contains(self, mif: Mif) -> bool {
        self.0 & 1 << mif.0 != 0
    }
}

/// Encodes the `struct mif6ctl` that makes a network interface one of the router's. `None` for an index over 65,535, which has
/// no place in the structure.
#[doc(alias = "mif6ctl", alias = "MRT6_ADD_MIF")]
#[must_use]
pub fn encode_mif<P: Platform>(mif: Mif, on: InterfaceIndex) -> Option<[u8; MIF6CTL]> {
    let mut bytes = [0; MIF6CTL];
    wire::put(&mut bytes, 0, wire::bytes_of_u16::<P>(mif.0.into()))?;
    // The smallest hop limit with which a packet is forwarded. Linux ignores it.
    wire::put(&mut bytes, 3, [1])?;
    wire::put(&mut bytes, 4, wire::bytes_of_u16::<P>(on.get().try_into().ok()?))?;
    Some(bytes)
}

/// A route: packets of a source to a group that arrive on one interface are sent on others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "mf6cctl", alias = "MRT6_ADD_MFC")]
pub struct MulticastRoute {
    /// The source; `None`: any (`MRT6_ADD_MFC_PROXY`).
    #[doc(alias = "mf6cc_origin")]
    pub source: Option<Ipv6Addr>,
    /// The group; [`Ipv6Addr::UNSPECIFIED`]: any, without a source only.
    #[doc(alias = "mf6cc_mcastgrp")]
    pub group: Ipv6Addr,
    /// The interface on which packets arrive. Packets that arrive on another are not forwarded.
    #[doc(alias = "mf6cc_parent")]
    pub incoming: Mif,
    /// The interfaces on which packets are sent.
    #[doc(alias = "mf6cc_ifset")]
    pub outgoing: MifSet,
}

impl MulticastRoute {
    /// Encodes the route as `struct mf6cctl`.
    #[must_use]
    pub fn encode<P: Platform>(&self) -> [u8; MF6CCTL] {
        let mut bytes = [0; MF6CCTL];
        let source = self.source.unwrap_or(Ipv6Addr::UNSPECIFIED);
        // Every field is within the array: no write fails.
        let _ = wire::put(&mut bytes, 0, name::<P>(source));
        let _ = wire::put(&mut bytes, NAME, name::<P>(self.group));
        let _ = wire::put(&mut bytes, 56, wire::bytes_of_u16::<P>(self.incoming.0.into()));
        let _ = wire::put(&mut bytes, 60, wire::bytes_of_u32::<P>(self.outgoing.0));
        bytes
    }
}

impl fmt::Display for MulticastRoute {
    /// The source and the group, as `2001:db8::1 > ff3e::1`; `any` for none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Some(source) => write!(f, "{source} > {}", self.group),
            None => write!(f, "any > {}", self.group),
        }
    }
}

/// A `struct sockaddr_in6` of 28 bytes.
fn name<P: Platform>(address: Ipv6Addr) -> [u8; NAME] {
    let encoded = sockaddr::encode::<P>(&SocketAddrV6::new(address, 0, 0, 0));
    wire::chunk(&encoded, 0).unwrap_or([0; NAME])
}

/// What the kernel reports to the router: a packet that it cannot forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "mrt6msg")]
#[non_exhaustive]
pub struct MulticastUpcall {
    /// What happened.
    #[doc(alias = "im6_msgtype")]
    pub kind: UpcallKind,
    /// The interface on which the packet arrived.
    #[doc(alias = "im6_mif")]
    pub mif: Mif,
    /// The source of the packet.
    #[doc(alias = "im6_src")]
    pub source: Ipv6Addr,
    /// The group that the packet was sent to.
    #[doc(alias = "im6_dst")]
    pub group: Ipv6Addr,
}

/// What a [`MulticastUpcall`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum UpcallKind {
    /// There is no route for the packet. The kernel keeps a few of them for 10 seconds, and forwards them if a route is added.
    #[doc(alias = "MRT6MSG_NOCACHE")]
    NoRoute,
    /// The packet arrived on another interface than that of its route.
    #[doc(alias = "MRT6MSG_WRONGMIF", alias = "MRT6MSG_WRMIFWHOLE")]
    WrongInterface,
    /// The packet is to be encapsulated for PIM's rendezvous point; the packet follows.
    #[doc(alias = "MRT6MSG_WHOLEPKT")]
    WholePacket,
}

impl MulticastUpcall {
    /// The size of `struct mrt6msg` in bytes.
    pub const LEN: usize = 40;

    /// Creates an upcall. For tests of programs that handle upcalls.
    #[must_use]
    pub const fn new(kind: UpcallKind, mif: Mif, source: Ipv6Addr, group: Ipv6Addr) -> Self {
        Self { kind, mif, source, group }
    }

    /// Decodes what a raw ICMPv6 socket received. `None` for an ICMPv6 message: the first byte of an upcall is 0, which is no
    /// type of ICMPv6.
    #[must_use]
    pub fn decode<P: Platform>(payload: &[u8]) -> Option<Self> {
        let [0, kind, rest @ ..] = payload else { return None };
        let kind = match kind {
            1 => UpcallKind::NoRoute,
            2 | 4 => UpcallKind::WrongInterface,
            3 => UpcallKind::WholePacket,
            _ => return None,
        };
        let mif = wire::read_u16::<P>(rest.get(..2)?)?;
        Some(Self {
            kind,
            mif: Mif::new(u8::try_from(mif).ok()?)?,
            source: Ipv6Addr::from(wire::chunk::<16>(payload, 8)?),
            group: Ipv6Addr::from(wire::chunk::<16>(payload, 24)?),
        })
    }
}

/// The counters of a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "sioc_sg_req6", alias = "SIOCGETSGCNT_IN6")]
#[non_exhaustive]
pub struct RouteCounters {
    /// Packets that arrived for it, also on another interface.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packets that arrived on another interface, and were not forwarded.
    pub wrong_interface: u64,
}

impl RouteCounters {
    /// Encodes the request for the counters of a route, `struct sioc_sg_req6`. The structure has at most as many bytes.
    #[doc(hidden)]
    #[must_use]
    pub fn request<P: Platform>(source: Ipv6Addr, group: Ipv6Addr) -> [u8; ROUTE_REQUEST] {
        let mut bytes = [0; ROUTE_REQUEST];
        let _ = wire::put(&mut bytes, 0, name::<P>(source));
        let _ = wire::put(&mut bytes, NAME, name::<P>(group));
        bytes
    }

    /// Reads the counters that the kernel has written.
    #[doc(hidden)]
    #[must_use]
    pub fn decode<P: Platform>(bytes: &[u8]) -> Option<Self> {
        let [packets, bytes, wrong_interface] = longs::<P, 3>(bytes, 56)?;
        Some(Self { packets, bytes, wrong_interface })
    }
}

/// The counters of an interface of the router.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "sioc_mif_req6", alias = "SIOCGETMIFCNT_IN6")]
#[non_exhaustive]
pub struct MifCounters {
    /// Packets that arrived.
    pub packets_in: u64,
    /// Packets that were sent.
    pub packets_out: u64,
    /// Bytes that arrived.
    pub bytes_in: u64,
    /// Bytes that were sent.
    pub bytes_out: u64,
}

impl MifCounters {
    /// Encodes the request for the counters of an interface, `struct sioc_mif_req6`. The structure has at most as many bytes.
    #[doc(hidden)]
    #[must_use]
    pub fn request<P: Platform>(mif: Mif) -> [u8; INTERFACE_REQUEST] {
        let mut bytes = [0; INTERFACE_REQUEST];
        let _ = wire::put(&mut bytes, 0, wire::bytes_of_u16::<P>(mif.0.into()));
        bytes
    }

    /// Reads the counters that the kernel has written.
    #[doc(hidden)]
    #[must_use]
    pub fn decode<P: Platform>(bytes: &[u8]) -> Option<Self> {
        let first = long::<P>();
        let [packets_in, packets_out, bytes_in, bytes_out] = longs::<P, 4>(bytes, first)?;
        Some(Self { packets_in, packets_out, bytes_in, bytes_out })
    }
}

/// The size of a long.
const fn long<P: Platform>() -> usize {
    match P::ABI.cmsg.len {
        Width::Eight => 8,
        Width::Four => 4,
    }
}

/// Longs without a sign, one after the other.
fn longs<P: Platform, const N: usize>(bytes: &[u8], at: usize) -> Option<[u64; N]> {
    let mut values = [0; N];
    let mut offset = at;
    for value in &mut values {
        *value = match P::ABI.cmsg.len {
            Width::Eight => wire::read_u64::<P>(bytes, offset)?,
            Width::Four => wire::read_u32::<P>(bytes, offset)?.into(),
        };
        offset = offset.checked_add(long::<P>())?;
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux32Be, Linux64};

    const GROUP: Ipv6Addr = Ipv6Addr::new(0xff3e, 0, 0, 0, 0, 0, 0x8000, 1);
    const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

    fn mif(number: u8) -> Mif {
        Mif::new(number).unwrap()
    }

    #[test]
    fn requests_have_the_layout_of_linux() {
        let on = InterfaceIndex::new(0x0102).unwrap();
        assert_eq!(encode_mif::<Linux64>(mif(3), on), Some([3, 0, 0, 1, 2, 1, 0, 0, 0, 0, 0, 0]));
        assert_eq!(encode_mif::<Linux32Be>(mif(3), on), Some([0, 3, 0, 1, 1, 2, 0, 0, 0, 0, 0, 0]));
        assert_eq!(encode_mif::<Linux64>(mif(3), InterfaceIndex::new(65_536).unwrap()), None);

        let outgoing = MifSet::EMPTY.with(mif(0)).with(mif(9));
        let route = MulticastRoute { source: Some(SOURCE), group: GROUP, incoming: mif(2), outgoing };
        let bytes = route.encode::<Linux64>();
        assert_eq!((&bytes[..2], &bytes[8..24]), (&[10, 0][..], &SOURCE.octets()[..]));
        assert_eq!((&bytes[28..30], &bytes[36..52]), (&[10, 0][..], &GROUP.octets()[..]));
        assert_eq!(bytes[56..64], [2, 0, 0, 0, 1, 2, 0, 0]);
        assert_eq!(route.encode::<Linux32Be>()[56..64], [0, 2, 0, 0, 0, 0, 2, 1]);
        assert_eq!(route.to_string(), "2001:db8::1 > ff3e::8000:1");
        let any = MulticastRoute { source: None, ..route };
        assert_eq!(
            (any.encode::<Linux64>()[8..24].to_vec(), any.to_string()),
            (vec![0; 16], "any > ff3e::8000:1".into())
        );
    }

    #[test]
    fn upcalls_are_told_from_messages() {
        let mut bytes = [0; 40];
        bytes[1..4].copy_from_slice(&[1, 5, 0]);
        bytes[8..24].copy_from_slice(&SOURCE.octets());
        bytes[24..40].copy_from_slice(&GROUP.octets());
        let upcall = MulticastUpcall { kind: UpcallKind::NoRoute, mif: mif(5), source: SOURCE, group: GROUP };
        assert_eq!(MulticastUpcall::decode::<Linux64>(&bytes), Some(upcall));
        for (at, value) in [(0, 128), (1, 0), (1, 5), (2, 32), (3, 1)] {
            let mut other = bytes;
            other[at] = value;
            assert_eq!(MulticastUpcall::decode::<Linux64>(&other), None);
        }
        for len in 0..40 {
            assert_eq!(MulticastUpcall::decode::<Linux64>(&bytes[..len]), None);
        }
    }

    #[test]
    fn counters_are_longs() {
        let mut bytes = RouteCounters::request::<Linux64>(SOURCE, GROUP);
        for (at, value) in [(56, 7), (64, 8), (72, 9)] {
            bytes[at] = value;
        }
        let counters = RouteCounters { packets: 7, bytes: 8, wrong_interface: 9 };
        assert_eq!(RouteCounters::decode::<Linux64>(&bytes), Some(counters));
        let mut bytes = [0; INTERFACE_REQUEST];
        for (at, value) in [(7, 1), (11, 2), (15, 3), (19, 4)] {
            bytes[at] = value;
        }
        let counters = MifCounters { packets_in: 1, packets_out: 2, bytes_in: 3, bytes_out: 4 };
        assert_eq!(MifCounters::decode::<Linux32Be>(&bytes), Some(counters));
        assert_eq!(MifCounters::decode::<Linux64>(&bytes[..39]), None);
    }

    #[test]
    fn an_interface_can_be_added_twice() {
        let set = MifSet::EMPTY.with(mif(9)).with(mif(9));
        assert_eq!(set, MifSet::EMPTY.with(mif(9)));
    }

    #[test]
    fn kinds_of_upcalls_are_those_of_linux() {
        let kinds = [
            (1, UpcallKind::NoRoute),
            (2, UpcallKind::WrongInterface),
            (3, UpcallKind::WholePacket),
            (4, UpcallKind::WrongInterface),
        ];
        for (number, kind) in kinds {
            let mut bytes = [0; 40];
            bytes[1] = number;
            assert_eq!(MulticastUpcall::decode::<Linux64>(&bytes).map(|upcall| upcall.kind), Some(kind));
        }
    }

    #[test]
    fn a_request_for_counters_names_the_route() {
        let bytes = RouteCounters::request::<Linux64>(SOURCE, GROUP);
        assert_eq!((&bytes[..2], &bytes[8..24]), (&[10, 0][..], &SOURCE.octets()[..]));
        assert_eq!((&bytes[28..30], &bytes[36..52]), (&[10, 0][..], &GROUP.octets()[..]));
        assert_eq!(bytes[56..], [0; 24]);
    }

    #[test]
    fn a_set_has_what_was_added_and_not_taken_away() {
        let set = MifSet::EMPTY.with(mif(0)).with(mif(9)).with(mif(31)).without(mif(9)).without(mif(5));
        for number in 0..32 {
            assert_eq!((mif(number).get(), set.contains(mif(number))), (number, [0, 31].contains(&number)));
        }
    }

    #[test]
    fn a_request_for_counters_of_an_interface_has_its_number() {
        assert_eq!(MifCounters::request::<Linux64>(mif(3))[..4], [3, 0, 0, 0]);
        assert_eq!(MifCounters::request::<Linux32Be>(mif(3))[..4], [0, 3, 0, 0]);
    }
}
