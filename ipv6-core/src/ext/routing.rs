//! Views of routing headers (RFC 8200 section 4.4).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Next Header  |  Hdr Ext Len  |  Routing Type | Segments Left |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                      type-specific data                       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use core::fmt;
use core::net::Ipv6Addr;

use super::segment_routing::SegmentRouting;
use super::{ExtensionError, whole};

/// The type of a routing header (IANA's registry "Routing Types").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct RoutingType(pub u8);

impl RoutingType {
    /// Source routing, which RFC 5095 deprecates: nodes discard a packet whose header has segments left.
    #[doc(alias = "IPV6_RTHDR_TYPE_0")]
    pub const SOURCE_ROUTE: Self = Self(0);
    /// The home address of a mobile node (RFC 6275 section 6.4).
    #[doc(alias = "IPV6_SRCRT_TYPE_2")]
    pub const HOME_ADDRESS: Self = Self(2);
    /// Source routes of RPL, whose addresses are compressed (RFC 6554).
    #[doc(alias = "IPV6_SRCRT_TYPE_3")]
    pub const RPL_SOURCE_ROUTE: Self = Self(3);
    /// Segment routing (RFC 8754).
    #[doc(alias = "IPV6_SRCRT_TYPE_4")]
    pub const SEGMENT_ROUTING: Self = Self(4);
}

impl fmt::Display for RoutingType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::SOURCE_ROUTE => f.write_str("source route"),
            Self::HOME_ADDRESS => f.write_str("home address"),
            Self::RPL_SOURCE_ROUTE => f.write_str("RPL source route"),
            Self::SEGMENT_ROUTING => f.write_str("segment routing"),
            Self(other) => write!(f, "routing type {other}"),
        }
    }
}

/// A routing header of any type (RFC 8200 section 4.4).
///
/// Received as the control message `IPV6_RTHDR` (option `IPV6_RECVRTHDR`), and sent as that message or as a sticky option.
///
/// ```
/// use ipv6_core::ext::{RoutingBuilder, RoutingHeader, RoutingType};
/// let home = "2001:db8::1".parse().unwrap();
/// let built = RoutingBuilder::<24>::new(RoutingType::HOME_ADDRESS).with(home)?;
/// let header = RoutingHeader::parse(built.as_bytes())?;
/// assert_eq!((header.kind(), header.segments_left()), (RoutingType::HOME_ADDRESS, 1));
/// assert!(header.addresses()?.eq([home]));
/// # Ok::<(), ipv6_core::ext::ExtensionError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[doc(alias = "ip6_rthdr", alias = "ip6_rthdr0", alias = "IPV6_RTHDR")]
pub struct RoutingHeader<'a>(&'a [u8]);

impl<'a> RoutingHeader<'a> {
    /// Parses the header that `bytes` are, without bytes after it.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::TooShort`] and [`ExtensionError::TooLong`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ExtensionError> {
        whole(bytes).map(Self)
    }

    /// The header of these bytes, whose length was checked.
    pub(super) const fn from_whole(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn byte(&self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or_default()
    }

    /// Returns the bytes: a multiple of 8, from 8 to 2,048.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Returns the type of the next header, from IANA's registry "Protocol Numbers". In a header to send, the system sets
    /// it.
    #[doc(alias = "ip6r_nxt")]
    #[must_use]
    pub fn next_header(&self) -> u8 {
        self.byte(0)
    }

    /// Returns the type of the routing header.
    #[doc(alias = "ip6r_type")]
    #[must_use]
    pub fn kind(&self) -> RoutingType {
        RoutingType(self.byte(2))
    }

    /// Returns how many nodes the packet has still to visit.
    #[doc(alias = "ip6r_segleft")]
    #[must_use]
    pub fn segments_left(&self) -> u8 {
        self.byte(3)
    }

    /// Returns the type-specific data: what follows the first four bytes.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.0.get(4..).unwrap_or_default()
    }

    /// Returns the addresses of a source route or of a home address, in the order of the header. For a segment routing
    /// header, use [`segment_routing`](Self::segment_routing).
    ///
    /// # Errors
    ///
    /// [`ExtensionError::RoutingType`] for other types.
    #[doc(alias = "inet6_rth_segments", alias = "inet6_rth_getaddr", alias = "ip6r0_segleft")]
    pub fn addresses(&self) -> Result<impl DoubleEndedIterator<Item = Ipv6Addr> + use<'a>, ExtensionError> {
        match self.kind() {
            RoutingType::SOURCE_ROUTE | RoutingType::HOME_ADDRESS => {
                Ok(addresses(self.0.get(8..).unwrap_or_default()))
            }
            RoutingType(kind) => {
                Err(ExtensionError::RoutingType { kind, needed: RoutingType::SOURCE_ROUTE.0 })
            }
        }
    }

    /// Returns this header as a segment routing header.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::RoutingType`] for another type, and [`ExtensionError::Addresses`] when the segments do not fit
    /// into the header.
    pub fn segment_routing(&self) -> Result<SegmentRouting<'a>, ExtensionError> {
        SegmentRouting::from_header(*self)
    }
}

/// The addresses in `bytes`, without what remains after the last.
pub(super) fn addresses(
    bytes: &[u8],
) -> impl DoubleEndedIterator<Item = Ipv6Addr> + ExactSizeIterator + use<'_> {
    bytes.chunks_exact(16).map(|octets| {
        // Each chunk has 16 bytes.
        <[u8; 16]>::try_from(octets).map_or(Ipv6Addr::UNSPECIFIED, Ipv6Addr::from)
    })
}

impl fmt::Debug for RoutingHeader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoutingHeader")
            .field("next_header", &self.next_header())
            .field("kind", &self.kind())
            .field("segments_left", &self.segments_left())
            .field("data", &self.data())
            .finish()
    }
}

impl fmt::Display for RoutingHeader<'_> {
    /// The header, as `routing header: home address, 1 segments left`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.segment_routing() {
            Ok(segments) => segments.fmt(f),
            Err(_) => {
                write!(f, "routing header: {}, {} segments left", self.kind(), self.segments_left())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::RoutingBuilder;

    #[test]
    fn addresses_of_other_types_are_an_error() {
        let bytes = [17, 0, 3, 0, 0, 0, 0, 0];
        let header = RoutingHeader::parse(&bytes).unwrap();
        assert_eq!(header.addresses().err(), Some(ExtensionError::RoutingType { kind: 3, needed: 0 }));
        assert_eq!(header.to_string(), "routing header: RPL source route, 0 segments left");
        assert_eq!((header.next_header(), header.data()), (17, [0; 4].as_slice()));
    }

    #[test]
    fn a_route_is_reversed() {
        let route =
            ["2001:db8::1", "2001:db8::2", "2001:db8::3"].map(|text| text.parse::<Ipv6Addr>().unwrap());
        let mut built = RoutingBuilder::<56>::new(RoutingType::SOURCE_ROUTE);
        for address in route {
            built.push(address).unwrap();
        }
        let header = built.header();
        assert_eq!((header.as_bytes().len(), header.segments_left()), (56, 3));
        let reversed = RoutingBuilder::<56>::reversed(header).unwrap();
        assert!(reversed.header().addresses().unwrap().eq(route.into_iter().rev()));
        assert_eq!(built.push(route[0]), Err(ExtensionError::Full { needed: 72, available: 56 }));
        assert!(built.header().addresses().unwrap().eq(route));
    }

    #[test]
    fn debug_text_has_the_fields() {
        let built = RoutingBuilder::<8>::new(RoutingType(3));
        let text =
            "RoutingHeader { next_header: 0, kind: RoutingType(3), segments_left: 0, data: [0, 0, 0, 0] }";
        assert_eq!(format!("{:?}", built.header()), text);
        assert_eq!(format!("{built:?}"), format!("RoutingBuilder({text})"));
    }
}
