//! Segment routing headers (SRH, RFC 8754 section 2).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Next Header  |  Hdr Ext Len  | Routing Type 4| Segments Left |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Last Entry   |     Flags     |              Tag              |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |    Segment List[0], the last segment of the path (16 bytes)   |
//! |                              ...                              |
//! |     Segment List[n], the first segment (16 bytes)             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                   TLV objects, of any length                  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use core::fmt;
use core::iter::FusedIterator;
use core::net::Ipv6Addr;

use super::routing::{RoutingHeader, RoutingType, addresses};
use super::{ExtensionError, data_length_field, is_len, length_field, pad, split_option};

/// A segment routing header (SRH, RFC 8754).
///
/// Linux sends it only as a sticky option, and replaces the last segment by the destination of each packet. The segments
/// left that a receiver sees are those after its own node has decremented them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[doc(alias = "ipv6_sr_hdr")]
pub struct SegmentRouting<'a> {
    header: RoutingHeader<'a>,
    segments: &'a [u8],
    tlvs: &'a [u8],
}

impl<'a> SegmentRouting<'a> {
    /// Parses the header that `bytes` are, without bytes after it.
    ///
    /// # Errors
    ///
    /// Those of [`RoutingHeader::parse`] and [`RoutingHeader::segment_routing`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ExtensionError> {
        Self::from_header(RoutingHeader::parse(bytes)?)
    }

    pub(super) fn from_header(header: RoutingHeader<'a>) -> Result<Self, ExtensionError> {
        if header.kind() != RoutingType::SEGMENT_ROUTING {
            let needed = RoutingType::SEGMENT_ROUTING.0;
            return Err(ExtensionError::RoutingType { kind: header.kind().0, needed });
        }
        let rest = header.data().get(4..).unwrap_or_default();
        let claimed = header.data().first().map_or(0, |last| usize::from(*last)).saturating_add(1);
        let split = rest.split_at_checked(claimed.saturating_mul(16));
        let (segments, tlvs) = split.ok_or(ExtensionError::Addresses { claimed, room: rest.len() / 16 })?;
        Ok(Self { header, segments, tlvs })
    }

    /// Returns the header.
    #[must_use]
    pub const fn header(&self) -> RoutingHeader<'a> {
        self.header
    }

    /// Returns the bytes: a multiple of 8, from 24 to 2,048.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.header.as_bytes()
    }

    /// Returns the segments in the order in which a packet visits them. (The header has them in reverse.)
    #[must_use]
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = Ipv6Addr> + ExactSizeIterator + use<'a> {
        addresses(self.segments).rev()
    }

    /// Returns the index of the active segment, counted from the last of the path: 0 is the last.
    #[must_use]
    pub fn segments_left(&self) -> u8 {
        self.header.segments_left()
    }

    /// Returns the flags. RFC 8754 defines none.
    #[must_use]
    pub fn flags(&self) -> u8 {
        self.header.data().get(1).copied().unwrap_or_default()
    }

    /// Returns the tag of the packet's class.
    #[must_use]
    pub fn tag(&self) -> u16 {
        let tag = self.header.data().get(2..).and_then(|rest| rest.first_chunk());
        tag.map_or(0, |tag| u16::from_be_bytes(*tag))
    }

    /// Returns an iterator over the TLV objects, without padding.
    pub fn tlvs(&self) -> Tlvs<'a> {
        Tlvs { bytes: self.tlvs, offset: self.as_bytes().len().saturating_sub(self.tlvs.len()) }
    }
}

impl fmt::Debug for SegmentRouting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentRouting")
            .field("next_header", &self.header.next_header())
            .field("segments_left", &self.segments_left())
            .field("flags", &self.flags())
            .field("tag", &self.tag())
            .field("segments", &Segments(self))
            .field("tlvs", &self.tlvs())
            .finish()
    }
}

/// The segments, for `Debug`.
struct Segments<'s, 'a>(&'s SegmentRouting<'a>);

impl fmt::Debug for Segments<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.segments()).finish()
    }
}

impl fmt::Display for SegmentRouting<'_> {
    /// The header, as `segment routing: 1 left of 2001:db8::1 > 2001:db8::2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "segment routing: {} left of", self.segments_left())?;
        let mut separator = " ";
        for segment in self.segments() {
            write!(f, "{separator}{segment}")?;
            separator = " > ";
        }
        Ok(())
    }
}

/// The type of a TLV object (IANA's registry "Segment Routing Header TLVs").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct TlvType(pub u8);

impl TlvType {
    /// One byte of padding, without a length.
    pub const PAD1: Self = Self(0);
    /// Two or more bytes of padding.
    pub const PADN: Self = Self(4);
    /// An authentication code (RFC 8754 section 2.1.2).
    pub const HMAC: Self = Self(5);

    /// Returns whether routers may change the data (the highest bit).
    #[must_use]
    pub const fn may_change(self) -> bool {
        self.0 & 0x80 != 0
    }
}

/// One TLV object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Tlv<'a> {
    /// The type.
    pub kind: TlvType,
    /// The data.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serde_impls::bytes"))]
    pub data: &'a [u8],
    /// Where the type is, counted from the start of the header.
    pub offset: usize,
}

/// An iterator over the TLV objects of a segment routing header, in order, without padding. An object that does not end
/// within the header is an error, which ends the iteration.
#[derive(Clone)]
#[must_use = "iterators are lazy"]
pub struct Tlvs<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = Result<Tlv<'a>, ExtensionError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (offset, all) = (self.offset, self.bytes);
            let kind = TlvType(*all.first()?);
            let Some((data, rest)) = split_option(all) else {
                self.bytes = &[];
                return Some(Err(ExtensionError::Overrun { offset, kind: kind.0 }));
            };
            (self.bytes, self.offset) = (rest, offset.saturating_add(all.len().saturating_sub(rest.len())));
            if kind != TlvType::PAD1 && kind != TlvType::PADN {
                return Some(Ok(Tlv { kind, data, offset }));
            }
        }
    }
}

impl FusedIterator for Tlvs<'_> {}

impl fmt::Debug for Tlvs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// Builds a segment routing header in `N` bytes of its own memory: 8, 16 for each segment, and the TLV objects.
///
/// ```
/// use ipv6_core::ext::SegmentRoutingBuilder;
/// let path = ["2001:db8::a", "2001:db8::b"].map(|segment| segment.parse().unwrap());
/// let built = SegmentRoutingBuilder::<40>::new(&path)?.with_tag(7);
/// let header = built.header();
/// assert_eq!(header.as_bytes()[..8], [0, 4, 4, 1, 1, 0, 0, 7]);
/// assert_eq!(header.to_string(), "segment routing: 1 left of 2001:db8::a > 2001:db8::b");
/// # Ok::<(), ipv6_core::ext::ExtensionError>(())
/// ```
#[derive(Clone)]
pub struct SegmentRoutingBuilder<const N: usize> {
    bytes: [u8; N],
    segments: usize,
    /// Where the next TLV object may start.
    end: usize,
}

impl<const N: usize> SegmentRoutingBuilder<N> {
    /// Creates a header for a path: the segments in the order in which a packet visits them, with all of them left but the
    /// first. Linux replaces the last by the destination of each packet, so any address can take its place.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Full`] when the segments do not fit, and [`ExtensionError::Addresses`] for an empty path.
    pub fn new(path: &[Ipv6Addr]) -> Result<Self, ExtensionError> {
        const {
            assert!(is_len(N) && N >= 24, "such a header has 24 to 2,048 bytes, a multiple of 8");
        }
        let end = path.len().saturating_mul(16).saturating_add(8);
        let full = ExtensionError::Full { needed: end, available: N };
        let last = path.len().checked_sub(1).ok_or(ExtensionError::Addresses { claimed: 0, room: 1 })?;
        let (last, len) = (u8::try_from(last).map_err(|_| full)?, length_field(end).ok_or(full)?);
        let mut bytes = [0; N];
        let list = bytes.get_mut(8..end).ok_or(full)?;
        for (place, segment) in list.chunks_exact_mut(16).zip(path.iter().rev()) {
            place.copy_from_slice(&segment.octets());
        }
        if let Some(fixed) = bytes.first_chunk_mut::<5>() {
            *fixed = [0, len, RoutingType::SEGMENT_ROUTING.0, last, last];
        }
        Ok(Self { bytes, segments: path.len(), end })
    }

    /// Sets the tag.
    #[must_use]
    pub fn with_tag(mut self, tag: u16) -> Self {
        if let Some(place) = self.bytes.get_mut(6..8) {
            place.copy_from_slice(&tag.to_be_bytes());
        }
        self
    }

    /// Sets the flags. RFC 8754 defines none.
    #[must_use]
    pub fn with_flags(mut self, flags: u8) -> Self {
        if let Some(byte) = self.bytes.get_mut(5) {
            *byte = flags;
        }
        self
    }

    /// Appends a TLV object with up to 255 bytes of data.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Full`] when it does not fit, and [`ExtensionError::Padding`] for padding, which the builder adds.
    /// The objects appended before stay.
    pub fn push_tlv(&mut self, kind: TlvType, data: &[u8]) -> Result<(), ExtensionError> {
        if kind == TlvType::PAD1 || kind == TlvType::PADN {
            return Err(ExtensionError::Padding);
        }
        let len = data_length_field(data)?;
        let end = self.end.saturating_add(2).saturating_add(data.len());
        let padded = end.next_multiple_of(8);
        let full = ExtensionError::Full { needed: padded, available: N };
        let field = length_field(padded).ok_or(full)?;
        let place = self.bytes.get_mut(self.end..padded).ok_or(full)?;
        let ([kind_byte, len_byte], rest) = place.split_first_chunk_mut().ok_or(full)?;
        let (value, padding) = rest.split_at_mut_checked(data.len()).ok_or(full)?;
        (*kind_byte, *len_byte) = (kind.0, len);
        value.copy_from_slice(data);
        pad(padding, TlvType::PADN.0);
        if let Some(byte) = self.bytes.get_mut(1) {
            *byte = field;
        }
        self.end = end;
        Ok(())
    }

    /// Returns the bytes of the header.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.end.next_multiple_of(8)).unwrap_or_default()
    }

    /// Returns the header.
    #[must_use]
    pub fn header(&self) -> SegmentRouting<'_> {
        let bytes = self.as_bytes();
        let lists = bytes.get(8..).unwrap_or_default();
        let (segments, tlvs) = lists.split_at_checked(self.segments.saturating_mul(16)).unwrap_or_default();
        SegmentRouting { header: RoutingHeader::from_whole(bytes), segments, tlvs }
    }
}

impl<const N: usize> fmt::Debug for SegmentRoutingBuilder<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SegmentRoutingBuilder").field(&self.header()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> [Ipv6Addr; 2] {
        ["2001:db8::a", "2001:db8::b"].map(|segment| segment.parse().unwrap())
    }

    #[test]
    fn segments_are_stored_in_reverse() {
        let built = SegmentRoutingBuilder::<40>::new(&path()).unwrap();
        let bytes = built.as_bytes();
        assert_eq!(bytes.len(), 40);
        assert_eq!((bytes[8 + 15], bytes[24 + 15]), (0xb, 0xa));
        let parsed = SegmentRouting::parse(bytes).unwrap();
        assert_eq!(parsed, built.header());
        assert!(parsed.segments().eq(path()));
    }

    #[test]
    fn tlvs_are_padded_and_read_back() {
        let mut built = SegmentRoutingBuilder::<64>::new(&path()).unwrap();
        built.push_tlv(TlvType(0x80), &[1, 2, 3]).unwrap();
        assert_eq!(built.as_bytes()[40..], [0x80, 3, 1, 2, 3, 4, 1, 0]);
        built.push_tlv(TlvType::HMAC, &[9; 5]).unwrap();
        assert_eq!(built.as_bytes()[40..], [0x80, 3, 1, 2, 3, 5, 5, 9, 9, 9, 9, 9, 4, 2, 0, 0]);
        let parsed = SegmentRouting::parse(built.as_bytes()).unwrap();
        let tlvs: Vec<_> =
            parsed.tlvs().map(|tlv| tlv.map(|tlv| (tlv.kind.0, tlv.data, tlv.offset)).unwrap()).collect();
        assert_eq!(tlvs, [(0x80, &[1, 2, 3][..], 40), (5, &[9; 5], 45)]);
        let error = ExtensionError::Full { needed: 72, available: 64 };
        assert_eq!(built.push_tlv(TlvType(6), &[0; 11]), Err(error));
        assert_eq!(built.header().tlvs().count(), 2);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert_eq!(
            SegmentRoutingBuilder::<24>::new(&path()).err(),
            Some(ExtensionError::Full { needed: 40, available: 24 })
        );
        let empty = SegmentRoutingBuilder::<24>::new(&[]).unwrap_err();
        assert_eq!(empty, ExtensionError::Addresses { claimed: 0, room: 1 });
        assert_eq!(empty.to_string(), "routing header needs at least one address: the path is empty");
        // The header claims three segments and has room for two.
        let mut bytes = SegmentRoutingBuilder::<40>::new(&path()).unwrap().as_bytes().to_vec();
        bytes[4] = 2;
        assert_eq!(SegmentRouting::parse(&bytes), Err(ExtensionError::Addresses { claimed: 3, room: 2 }));
        bytes[2] = 0;
        assert_eq!(SegmentRouting::parse(&bytes), Err(ExtensionError::RoutingType { kind: 0, needed: 4 }));
    }

    #[test]
    fn a_tlv_that_overruns_is_an_error_and_the_last_item() {
        let mut built = SegmentRoutingBuilder::<48>::new(&path()).unwrap();
        built.push_tlv(TlvType(6), &[1, 2, 3, 4]).unwrap();
        let mut bytes = built.as_bytes().to_vec();
        bytes[41] = 7;
        let tlvs: Vec<_> = SegmentRouting::parse(&bytes).unwrap().tlvs().collect();
        assert_eq!(tlvs, [Err(ExtensionError::Overrun { offset: 40, kind: 6 })]);
    }

    #[test]
    fn fields_are_those_of_the_builder() {
        let mut built = SegmentRoutingBuilder::<48>::new(&path()).unwrap().with_tag(0x0203).with_flags(4);
        built.push_tlv(TlvType::HMAC, &[9]).unwrap();
        assert_eq!(built.header().segments_left(), 1);
        assert_eq!(SegmentRoutingBuilder::<24>::new(&path()[..1]).unwrap().header().segments_left(), 0);
        let header = built.header();
        assert_eq!((header.flags(), header.tag()), (4, 0x0203));
        assert_eq!(header.to_string(), "segment routing: 1 left of 2001:db8::a > 2001:db8::b");
        let text = format!("{built:?}");
        for part in
            ["segments_left: 1", "flags: 4", "tag: 515", "[2001:db8::a, 2001:db8::b]", "kind: TlvType(5)"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn the_highest_bit_of_a_type_allows_changes() {
        for (kind, may_change) in [(0, false), (0x7f, false), (0x80, true), (0xff, true)] {
            assert_eq!(TlvType(kind).may_change(), may_change);
        }
    }

    #[test]
    fn padding_is_not_an_object() {
        let mut built = SegmentRoutingBuilder::<64>::new(&path()).unwrap();
        for kind in [TlvType::PAD1, TlvType::PADN] {
            assert_eq!(built.push_tlv(kind, &[]), Err(ExtensionError::Padding));
        }
        assert_eq!(built.as_bytes().len(), 40);
    }
}
