//! Extensions of ICMPv6 and ICMP errors: MPLS labels and interfaces (RFC 4884, RFC 4950, RFC 5837).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |Version|      (Reserved)       |           Checksum            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |    Length of the object       |   Class-Num   |   C-Type      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                        object payload                         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use core::fmt;
use core::iter::FusedIterator;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::checksum::sum;
use crate::interface::InterfaceIndex;

const VERSION: u8 = 2;
const HEADER: usize = 4;
/// Bytes of an ICMPv6 header before the quoted packet.
const ICMP6_HEADER: usize = 8;
/// The shortest quoted packet that extensions can follow (RFC 4884 section 5.4).
const SHORTEST: usize = 128;

/// The extensions of an ICMPv6 or ICMP error: an iterator over their objects.
///
/// Any node on the path can send any extension. Treat them as hints.
///
/// ```
/// use ipv6_core::{IcmpExtensions, IcmpObject};
/// // Version 2, no checksum; one object of 8 bytes, class 1 (MPLS), type 1: label 100, TTL 1, bottom of the stack.
/// let bytes = [0x20, 0, 0, 0, 0, 8, 1, 1, 0, 6, 0x41, 1];
/// let mut objects = IcmpExtensions::parse(&bytes).expect("these are extensions");
/// let object = objects.next().expect("there is an object");
/// let label = object.mpls().next().expect("there is a label");
/// assert_eq!((label.label, label.ttl, label.is_bottom), (100, 1, true));
/// ```
#[derive(Clone, Debug)]
#[must_use = "iterators are lazy"]
pub struct IcmpExtensions<'a> {
    rest: &'a [u8],
}

impl<'a> IcmpExtensions<'a> {
    /// Parses the extension structure that `bytes` are. `None` if the version is not 2, or the checksum is wrong. (A checksum
    /// of 0 means that there is none.)
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let ([version, _, high, low], rest) = bytes.split_first_chunk()?;
        let has_checksum = (*high, *low) != (0, 0);
        if version >> 4 != VERSION || (has_checksum && sum(bytes) != 0) {
            return None;
        }
        Some(Self { rest })
    }

    /// Finds the extensions of an ICMPv6 error, from its type on: those behind the quoted packet, whose length the message
    /// has in units of 8 bytes (RFC 4884 section 5.1). `None` if it has none.
    #[must_use]
    pub fn of_icmp6(message: &'a [u8]) -> Option<Self> {
        let (kind, units) = (message.first()?, message.get(4)?);
        // Destination unreachable and time exceeded have the length; in packet too big these bytes are the MTU.
        let has_length = matches!(kind, 1 | 3);
        let quoted = usize::from(*units).checked_mul(8)?;
        if !has_length || quoted < SHORTEST {
            return None;
        }
        Self::parse(message.get(ICMP6_HEADER.checked_add(quoted)?..)?)
    }
}

impl<'a> Iterator for IcmpExtensions<'a> {
    type Item = IcmpObject<'a>;

    /// Ends at the first object that does not fit.
    fn next(&mut self) -> Option<IcmpObject<'a>> {
        let [high, low, class, kind] = *self.rest.first_chunk()?;
        let len = usize::from(u16::from_be_bytes([high, low]));
        let Some((object, rest)) = self.rest.split_at_checked(len).filter(|_| len >= HEADER) else {
            self.rest = &[];
            return None;
        };
        self.rest = rest;
        Some(IcmpObject { class, kind, data: object.get(HEADER..).unwrap_or_default() })
    }
}

impl FusedIterator for IcmpExtensions<'_> {}

/// One object of the extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct IcmpObject<'a> {
    /// The class (IANA's registry "ICMP Extension Object Classes"): 1 is MPLS, 2 interface information.
    pub class: u8,
    /// The type within the class.
    pub kind: u8,
    /// The payload.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serde_impls::bytes"))]
    pub data: &'a [u8],
}

impl<'a> IcmpObject<'a> {
    /// The stack of MPLS labels of the packet when it arrived at the node (RFC 4950).
    pub const MPLS: u8 = 1;
    /// An interface of the node (RFC 5837).
    pub const INTERFACE: u8 = 2;

    /// Creates an object. For tests.
    #[must_use]
    pub const fn new(class: u8, kind: u8, data: &'a [u8]) -> Self {
        Self { class, kind, data }
    }

    /// Returns an iterator over the MPLS labels, the top of the stack first; empty for objects of another class.
    pub fn mpls(&self) -> impl Iterator<Item = MplsLabel> + use<'a> {
        let data = if (self.class, self.kind) == (Self::MPLS, 1) { self.data } else { &[] };
        data.chunks_exact(4).map(|entry| {
            let word = entry.first_chunk().map_or(0, |entry| u32::from_be_bytes(*entry));
            let [.., low, ttl] = word.to_be_bytes();
            MplsLabel { label: word >> 12, traffic_class: low >> 1 & 7, is_bottom: low & 1 != 0, ttl }
        })
    }

    /// Returns the interface; `None` for objects of another class, and for one whose fields do not fit in it.
    #[must_use]
    pub fn interface(&self) -> Option<IcmpInterface<'a>> {
        if self.class != Self::INTERFACE {
            return None;
        }
        let (mut found, mut rest) = (IcmpInterface::new(InterfaceRole::of(self.kind)), self.data);
        if self.kind & 8 != 0 {
            let (index, after) = rest.split_first_chunk()?;
            // Index 0 is none.
            (found.index, rest) = (InterfaceIndex::new(u32::from_be_bytes(*index)).ok(), after);
        }
        if self.kind & 4 != 0 {
            let ([high, low, _, _], after) = rest.split_first_chunk()?;
            (found.address, rest) = match u16::from_be_bytes([*high, *low]) {
                1 => {
                    let (octets, after) = after.split_first_chunk::<4>()?;
                    (Some(IpAddr::V4(Ipv4Addr::from(*octets))), after)
                }
                2 => {
                    let (octets, after) = after.split_first_chunk::<16>()?;
                    (Some(IpAddr::V6(Ipv6Addr::from(*octets))), after)
                }
                _ => return None,
            };
        }
        if self.kind & 2 != 0 {
            // The length counts its own byte; the name is padded with zeros.
            let len = usize::from(*rest.first()?);
            let (name, after) = rest.split_at_checked(len).filter(|_| len != 0)?;
            let name = core::str::from_utf8(name.get(1..)?).ok();
            (found.name, rest) = (name.map(|name| name.trim_end_matches('\0')), after);
        }
        if self.kind & 1 != 0 {
            found.mtu = Some(u32::from_be_bytes(*rest.first_chunk()?));
        }
        Some(found)
    }
}

/// One entry of an MPLS label stack (RFC 3032 section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MplsLabel {
    /// The label, 0 to 1,048,575.
    pub label: u32,
    /// The traffic class, 0 to 7 (RFC 5462).
    pub traffic_class: u8,
    /// Whether this is the last entry of the stack.
    pub is_bottom: bool,
    /// The time to live.
    pub ttl: u8,
}

impl MplsLabel {
    /// Creates the last entry of a stack, of traffic class 0. For tests.
    #[must_use]
    pub const fn new(label: u32, ttl: u8) -> Self {
        Self { label, traffic_class: 0, is_bottom: true, ttl }
    }
}

impl fmt::Display for MplsLabel {
    /// The entry, as `label 100, TTL 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "label {}, TTL {}", self.label, self.ttl)
    }
}

/// The role of an interface for the packet (RFC 5837 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum InterfaceRole {
    /// The packet arrived on it.
    Incoming,
    /// The packet arrived on a component of it.
    SubInterface,
    /// The packet would have been sent on it.
    Outgoing,
    /// The next hop to which the packet would have been sent.
    NextHop,
}

impl InterfaceRole {
    fn of(kind: u8) -> Self {
        match kind >> 6 {
            0 => Self::Incoming,
            1 => Self::SubInterface,
            2 => Self::Outgoing,
            _ => Self::NextHop,
        }
    }
}

/// An interface of the node that sent the error (RFC 5837).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct IcmpInterface<'a> {
    /// Its role for the packet.
    pub role: InterfaceRole,
    /// Its index on that node.
    pub index: Option<InterfaceIndex>,
    /// Its address.
    pub address: Option<IpAddr>,
    /// Its name on that node; `None` also if it is not UTF-8. It comes from the network: escape it before you print it.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub name: Option<&'a str>,
    /// Its MTU in bytes.
    pub mtu: Option<u32>,
}

impl IcmpInterface<'_> {
    /// Creates an interface of which only the role is known. For tests.
    #[must_use]
    pub const fn new(role: InterfaceRole) -> Self {
        Self { role, index: None, address: None, name: None, mtu: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Version 2 without checksum, and these objects.
    fn extensions(objects: &[(u8, u8, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0x20, 0, 0, 0];
        for (class, kind, data) in objects {
            bytes.extend(u16::try_from(data.len() + 4).unwrap().to_be_bytes());
            bytes.extend([*class, *kind]);
            bytes.extend_from_slice(data);
        }
        bytes
    }

    fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
        let sum = sum(&bytes);
        bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        bytes
    }

    #[test]
    fn labels_are_those_of_rfc_3032() {
        // Label 0xfffff, class 5, not the bottom, TTL 255; label 16, class 0, the bottom, TTL 1.
        let stack = [0xff, 0xff, 0xfa, 255, 0, 1, 1, 1];
        let bytes = with_checksum(extensions(&[(1, 1, &stack)]));
        let labels: Vec<_> =
            IcmpExtensions::parse(&bytes).unwrap().flat_map(|object| object.mpls()).collect();
        let expected = [
            MplsLabel { label: 0xfffff, traffic_class: 5, is_bottom: false, ttl: 255 },
            MplsLabel { label: 16, traffic_class: 0, is_bottom: true, ttl: 1 },
        ];
        assert_eq!(labels, expected);
        assert_eq!(labels[1].to_string(), "label 16, TTL 1");
    }

    #[test]
    fn interfaces_are_those_of_rfc_5837() {
        // Incoming, with index 7, the address 192.0.2.1, the name "eth0" padded to 8 bytes, and the MTU 1500.
        let mut data = vec![0, 0, 0, 7, 0, 1, 0, 0, 192, 0, 2, 1, 8];
        data.extend_from_slice(b"eth0\0\0\0");
        data.extend(1500_u32.to_be_bytes());
        let bytes = extensions(&[(2, 0x0f, &data), (2, 0x84, &[0, 2, 0, 0])]);
        let mut objects = IcmpExtensions::parse(&bytes).unwrap();
        let interface = objects.next().unwrap().interface().unwrap();
        let expected = IcmpInterface {
            role: InterfaceRole::Incoming,
            index: InterfaceIndex::new(7).ok(),
            address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
            name: Some("eth0"),
            mtu: Some(1500),
        };
        assert_eq!(interface, expected);
        // The rest of an interface whose name is not UTF-8.
        data[13] = 0xff;
        let unnamed = extensions(&[(2, 0x0f, &data)]);
        let unnamed = IcmpExtensions::parse(&unnamed).unwrap().next().unwrap().interface().unwrap();
        assert_eq!(unnamed, IcmpInterface { name: None, ..expected });
        // An address of a family whose low byte is that of IPv4 (16385 is EIGRP's).
        assert_eq!(IcmpObject::new(2, 4, &[0x40, 1, 0, 0, 192, 0, 2, 1]).interface(), None);
        // An address that is cut.
        assert_eq!(objects.next().unwrap().interface(), None);
        // Every cut of the first object.
        for len in 0..data.len() {
            let bytes = extensions(&[(2, 0x0f, &data[..len])]);
            assert_eq!(IcmpExtensions::parse(&bytes).unwrap().next().unwrap().interface(), None, "{len}");
        }
    }

    #[test]
    fn a_wrong_version_or_checksum_is_no_extension() {
        let bytes = with_checksum(extensions(&[(1, 1, &[0, 6, 0x41, 1])]));
        assert!(IcmpExtensions::parse(&bytes).is_some());
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 0x10;
            assert!(IcmpExtensions::parse(&wrong).is_none(), "{at}");
        }
        for len in 0..4 {
            assert!(IcmpExtensions::parse(&bytes[..len]).is_none());
        }
    }

    #[test]
    fn an_object_that_does_not_fit_ends_the_list() {
        for len in [[0, 0], [0, 3], [0, 9], [0xff, 0xff]] {
            let mut bytes = extensions(&[(1, 1, &[0, 6, 0x41, 1])]);
            bytes[4..6].copy_from_slice(&len);
            assert_eq!(IcmpExtensions::parse(&bytes).unwrap().count(), 0, "{len:?}");
        }
    }

    #[test]
    fn extensions_of_a_message_follow_the_quoted_packet() {
        let mut message = vec![3, 0, 0, 0, 16, 0, 0, 0];
        message.extend([0; 128]);
        message.extend(extensions(&[(1, 1, &[0, 6, 0x41, 1])]));
        assert_eq!(IcmpExtensions::of_icmp6(&message).unwrap().count(), 1);
        // Without a length, with one below 128 bytes, and in a message whose fifth byte is the MTU.
        for (at, value) in [(4, 0), (4, 15), (0, 2)] {
            let mut other = message.clone();
            other[at] = value;
            assert!(IcmpExtensions::of_icmp6(&other).is_none());
        }
        for len in 0..140 {
            assert!(IcmpExtensions::of_icmp6(&message[..len]).is_none());
        }
    }

    #[test]
    fn the_kind_of_an_interface_announces_its_role_and_its_fields() {
        let mut address = vec![0, 2, 0, 0];
        address.extend(Ipv6Addr::LOCALHOST.octets());
        let empty = IcmpInterface::new(InterfaceRole::Incoming);
        let expected: [(u8, &[u8], IcmpInterface<'_>); 8] = [
            (0, &[], empty),
            (1, &[0, 0, 5, 0xdc], IcmpInterface { mtu: Some(1500), ..empty }),
            (2, &[4, b'l', b'o', 0], IcmpInterface { name: Some("lo"), ..empty }),
            (4, &address, IcmpInterface { address: Some(IpAddr::V6(Ipv6Addr::LOCALHOST)), ..empty }),
            (8, &[0, 0, 0, 7], IcmpInterface { index: InterfaceIndex::new(7).ok(), ..empty }),
            (1 << 6, &[], IcmpInterface::new(InterfaceRole::SubInterface)),
            (2 << 6, &[], IcmpInterface::new(InterfaceRole::Outgoing)),
            (3 << 6, &[], IcmpInterface::new(InterfaceRole::NextHop)),
        ];
        for (kind, data, interface) in expected {
            let bytes = extensions(&[(2, kind, data)]);
            let object = IcmpExtensions::parse(&bytes).unwrap().next().unwrap();
            assert_eq!(object.interface(), Some(interface), "{kind:#x}");
        }
    }

    #[test]
    fn a_quoted_packet_has_at_least_128_bytes() {
        for (units, found) in [(15, false), (16, true), (17, true), (255, true)] {
            let mut message = vec![3, 0, 0, 0, units, 0, 0, 0];
            message.resize(8 + 8 * usize::from(units), 0);
            message.extend(extensions(&[(1, 1, &[0, 6, 0x41, 1])]));
            assert_eq!(IcmpExtensions::of_icmp6(&message).is_some(), found, "{units}");
        }
    }
}
