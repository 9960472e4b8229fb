//! The IPv6 header (RFC 8200 section 3).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |Version| Traffic Class |              Flow Label               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |        Payload Length         |  Next Header  |   Hop Limit   |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                  Source Address (16 bytes)                    |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                Destination Address (16 bytes)                 |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use core::fmt;
use core::net::Ipv6Addr;

use zerocopy::byteorder::network_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::flow_label::FlowLabel;
use crate::traffic_class::{Ecn, dscp};

/// The header as on the wire.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Wire {
    version_class_flow: U32,
    payload_len: U16,
    next_header: u8,
    hop_limit: u8,
    source: [u8; 16],
    destination: [u8; 16],
}

const VERSION: u8 = 6;

/// An IPv6 header (RFC 8200 section 3), without extension headers.
///
/// ```
/// use ipv6_core::{Header, HeaderError};
///
/// let mut packet = [0; 48];
/// packet[0] = 0x62; // version 6, traffic class 0x2a
/// packet[1] = 0xa0;
/// packet[5] = 8;
/// packet[6] = 17;
/// let (header, payload) = Header::parse(&packet)?;
/// assert_eq!((header.traffic_class, header.dscp(), payload.len()), (0x2a, 10, 8));
/// assert_eq!(header.encode(), packet[..40]);
///
/// assert_eq!(Header::parse(&[0x45; 40]), Err(HeaderError::Version(4)));
/// # Ok::<(), HeaderError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "ip6_hdr", alias = "ip6_vfc")]
pub struct Header {
    /// The traffic class: DSCP in the high six bits, ECN in the low two.
    #[doc(alias = "ip6_flow", alias = "TrafficClass")]
    pub traffic_class: u8,
    /// The flow label.
    #[doc(alias = "ip6_flow", alias = "FlowLabel")]
    pub flow_label: FlowLabel,
    /// The number of bytes after this header, extension headers included. 0 for a jumbogram (RFC 2675 section 3).
    #[doc(alias = "ip6_plen", alias = "PayloadLen")]
    pub payload_len: u16,
    /// The type of the next header, from IANA's registry "Protocol Numbers": 17 is UDP, 58 is ICMPv6.
    #[doc(alias = "ip6_nxt", alias = "NextHeader")]
    pub next_header: u8,
    /// The hop limit. Each router decrements it and discards the packet when it reaches 0.
    #[doc(alias = "ip6_hlim", alias = "ip6_hops", alias = "HopLimit")]
    pub hop_limit: u8,
    /// The source address.
    #[doc(alias = "ip6_src", alias = "Src")]
    pub source: Ipv6Addr,
    /// The destination address. With a routing header this is the next address to visit.
    #[doc(alias = "ip6_dst", alias = "Dst")]
    pub destination: Ipv6Addr,
}

impl Header {
    /// The size of the header in bytes.
    #[doc(alias = "HeaderLen")]
    pub const LEN: usize = 40;

    /// Parses the header at the start of a packet and returns it with the bytes that follow it.
    ///
    /// These can be more or fewer than `payload_len`. This function does not compare the two, because only the caller
    /// knows whether the packet is complete.
    ///
    /// # Errors
    ///
    /// - [`HeaderError::TooShort`] if the packet has fewer than 40 bytes.
    /// - [`HeaderError::Version`] if the version is not 6.
    #[doc(alias = "ParseHeader")]
    pub fn parse(packet: &[u8]) -> Result<(Self, &[u8]), HeaderError> {
        let too_short = HeaderError::TooShort { len: packet.len() };
        let (wire, payload) = Wire::ref_from_prefix(packet).map_err(|_| too_short)?;
        let [first, second, third, fourth] = wire.version_class_flow.to_bytes();
        let version = first >> 4;
        if version != VERSION {
            return Err(HeaderError::Version(version));
        }
        let header = Self {
            traffic_class: first << 4 | second >> 4,
            flow_label: FlowLabel::from_low_bits(u32::from_be_bytes([0, second, third, fourth])),
            payload_len: wire.payload_len.get(),
            next_header: wire.next_header,
            hop_limit: wire.hop_limit,
            source: Ipv6Addr::from(wire.source),
            destination: Ipv6Addr::from(wire.destination),
        };
        Ok((header, payload))
    }

    /// Encodes the header, with version 6.
    #[must_use]
    pub fn encode(&self) -> [u8; 40] {
        let Self { traffic_class, flow_label, payload_len, next_header, hop_limit, source, destination } =
            *self;
        let [_, second, third, fourth] = flow_label.get().to_be_bytes();
        let first = VERSION << 4 | traffic_class >> 4;
        let wire = Wire {
            version_class_flow: U32::from_bytes([first, traffic_class << 4 | second, third, fourth]),
            payload_len: payload_len.into(),
            next_header,
            hop_limit,
            source: source.octets(),
            destination: destination.octets(),
        };
        zerocopy::transmute!(wire)
    }

    /// Returns the differentiated services codepoint, 0 to 63 (RFC 2474 section 3).
    #[must_use]
    pub const fn dscp(&self) -> u8 {
        dscp(self.traffic_class)
    }

    /// Returns the ECN field (RFC 3168 section 5).
    #[must_use]
    pub const fn ecn(&self) -> Ecn {
        Ecn::from_traffic_class(self.traffic_class)
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { traffic_class, flow_label, payload_len, next_header, hop_limit, source, destination } =
            self;
        write!(f, "{source} > {destination}, traffic class {traffic_class:#04x}, flow label {flow_label}, ")?;
        write!(f, "payload length {payload_len}, next header {next_header}, hop limit {hop_limit}")
    }
}

/// The error of [`Header::parse`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum HeaderError {
    /// The packet has fewer than 40 bytes.
    TooShort {
        /// The number of bytes that the packet has.
        len: usize,
    },
    /// The version is not 6. The value is the version, 0 to 15; 4 is IPv4.
    Version(u8),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { len } => {
                write!(f, "packet too short: an IPv6 header has 40 bytes, the packet {len}")
            }
            Self::Version(version) => write!(f, "not an IPv6 header: the version is {version}, not 6"),
        }
    }
}

impl core::error::Error for HeaderError {}

#[cfg(test)]
mod tests {
    use super::*;

    //  version 6, class 0x28, label 0xbeef   payload 8, next 58, hops 255
    //  fe80::1, ff02::1
    const PACKET: [u8; 48] = [
        0x62, 0x80, 0xbe, 0xef, 0, 8, 58, 255, //
        0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, //
        0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, //
        1, 2, 3, 4, 5, 6, 7, 8,
    ];

    fn header() -> Header {
        Header {
            traffic_class: 0x28,
            flow_label: FlowLabel::new(0xbeef).unwrap(),
            payload_len: 8,
            next_header: 58,
            hop_limit: 255,
            source: "fe80::1".parse().unwrap(),
            destination: "ff02::1".parse().unwrap(),
        }
    }

    #[test]
    fn golden() {
        assert_eq!(Header::parse(&PACKET), Ok((header(), &PACKET[40..])));
        assert_eq!(header().encode(), PACKET[..40]);
        assert_eq!((header().dscp(), header().ecn()), (10, Ecn::NotEct));
    }

    // Scar 36: Go's ParseHeader accepts version 0.
    #[test]
    fn other_versions_are_an_error() {
        for version in (0..16).filter(|version| *version != 6) {
            let mut packet = PACKET;
            packet[0] = version << 4 | 2;
            assert_eq!(Header::parse(&packet), Err(HeaderError::Version(version)));
        }
    }

    #[test]
    fn fewer_than_40_bytes_are_an_error() {
        for len in 0..40 {
            assert_eq!(Header::parse(&PACKET[..len]), Err(HeaderError::TooShort { len }));
        }
        assert_eq!(Header::parse(&PACKET[..40]), Ok((header(), [].as_slice())));
    }

    #[test]
    fn the_payload_length_is_not_compared_with_the_payload() {
        // It is 0 in a jumbogram (RFC 2675 section 3), and exceeds the payload of a truncated packet.
        for payload_len in [0, 9, u16::MAX] {
            let header = Header { payload_len, ..header() };
            let packet = [&header.encode()[..], &PACKET[40..]].concat();
            assert_eq!(Header::parse(&packet), Ok((header, &PACKET[40..])));
        }
    }

    #[test]
    fn text() {
        let error = "packet too short: an IPv6 header has 40 bytes, the packet 39";
        assert_eq!(HeaderError::TooShort { len: 39 }.to_string(), error);
        let error = "not an IPv6 header: the version is 4, not 6";
        assert_eq!(HeaderError::Version(4).to_string(), error);
        let header = header().to_string();
        assert_eq!(
            header,
            "fe80::1 > ff02::1, traffic class 0x28, flow label 0x0beef, payload length 8, next header 58, hop limit 255"
        );
    }

    #[test]
    fn class_and_label_share_a_byte() {
        for (traffic_class, label) in [(0, FlowLabel::MAX), (0xff, 0), (0x0f, 0xf0000), (0xf0, 0x0ffff)] {
            let header = Header { traffic_class, flow_label: FlowLabel::new(label).unwrap(), ..header() };
            assert_eq!(Header::parse(&header.encode()), Ok((header, [].as_slice())));
        }
        assert_eq!((FlowLabel::new(FlowLabel::MAX + 1), FlowLabel::new(u32::MAX)), (None, None));
        assert_eq!(FlowLabel::new(0xbeef).unwrap().to_string(), "0x0beef");
    }
}
