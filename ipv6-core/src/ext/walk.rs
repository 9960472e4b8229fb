//! The walk over the extension headers of a packet.

use core::iter::FusedIterator;

use super::options::{DestinationOptions, HopByHop};
use super::routing::RoutingHeader;
use super::{ExtensionError, split};

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;
const MOBILITY: u8 = 135;
const HIP: u8 = 139;
const SHIM6: u8 = 140;
/// RFC 3692-style experiments (RFC 4727), which have the common form of extension headers (RFC 6564).
const EXPERIMENTS: [u8; 2] = [253, 254];

/// One extension header of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ExtensionHeader<'a> {
    /// Hop-by-Hop Options, type 0.
    HopByHop(#[cfg_attr(feature = "serde", serde(borrow))] HopByHop<'a>),
    /// A routing header, type 43.
    Routing(#[cfg_attr(feature = "serde", serde(borrow))] RoutingHeader<'a>),
    /// A fragment header, type 44.
    Fragment(Fragment),
    /// Destination Options, type 60.
    DestinationOptions(#[cfg_attr(feature = "serde", serde(borrow))] DestinationOptions<'a>),
    /// An authentication header (51, RFC 4302), or one of mobility (135), HIP (139), Shim6 (140) and experiments (253, 254).
    Other {
        /// The type of this header.
        kind: u8,
        /// Its bytes.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serde_impls::bytes"))]
        bytes: &'a [u8],
    },
}

/// A fragment header (RFC 8200 section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "ip6_frag")]
#[non_exhaustive]
pub struct Fragment {
    /// Where the fragment's bytes are in the original packet, a multiple of 8.
    #[doc(alias = "ip6f_offlg")]
    pub offset: u16,
    /// Whether more fragments follow.
    #[doc(alias = "IP6F_MORE_FRAG")]
    pub more: bool,
    /// The identification that all fragments of a packet share.
    #[doc(alias = "ip6f_ident")]
    pub identification: u32,
}

impl Fragment {
    /// Creates a fragment header. For tests.
    #[must_use]
    pub const fn new(offset: u16, more: bool, identification: u32) -> Self {
        Self { offset, more, identification }
    }

    /// Returns whether the packet is complete in one fragment (an atomic fragment, RFC 6946).
    #[must_use]
    pub const fn is_atomic(&self) -> bool {
        self.offset == 0 && !self.more
    }
}

/// What follows the extension headers of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Upper<'a> {
    /// The upper-layer protocol: 17 is UDP, 58 ICMPv6. 59 is "no next header", and 50 an encrypted payload (ESP).
    ///
    /// In a fragment with an offset other than 0, it is the protocol of the first fragment's payload, or another extension
    /// header.
    pub protocol: u8,
    /// The bytes that follow the headers.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serde_impls::bytes"))]
    pub payload: &'a [u8],
    /// Where they start, counted from the first header of the walk.
    pub offset: usize,
    /// The fragment header, if the packet is a fragment.
    pub fragment: Option<Fragment>,
}

/// An iterator over the extension headers of a packet, in order (RFC 8200 section 4).
///
/// It ends before the upper-layer protocol, after the header of a fragment that is not the first (what follows is not a
/// header), and after an error. It never takes more steps than there are headers of 8 bytes.
///
/// ```
/// use ipv6_core::Header;
/// use ipv6_core::ext::{ExtensionHeader, Walk};
///
/// let mut packet = [0; 56];
/// packet[0] = 0x60;
/// packet[6] = 0; // a hop-by-hop header follows
/// packet[40..48].copy_from_slice(&[58, 0, 5, 2, 0, 0, 1, 0]);
/// packet[48] = 143; // an MLD report
///
/// let (header, rest) = Header::parse(&packet)?;
/// let mut walk = Walk::new(header.next_header, rest);
/// assert!(matches!(walk.next(), Some(Ok(ExtensionHeader::HopByHop(_)))));
/// assert!(walk.next().is_none());
///
/// let upper = Walk::new(header.next_header, rest).upper()?;
/// assert_eq!((upper.protocol, upper.offset, upper.payload[0]), (58, 8, 143));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "iterators are lazy"]
pub struct Walk<'a> {
    next: u8,
    rest: &'a [u8],
    offset: usize,
    fragment: Option<Fragment>,
    is_over: bool,
}

impl<'a> Walk<'a> {
    /// Starts at the bytes that follow the IPv6 header, whose next header field is `next_header`
    /// ([`Header::parse`](crate::Header::parse) returns both).
    pub const fn new(next_header: u8, bytes: &'a [u8]) -> Self {
        Self { next: next_header, rest: bytes, offset: 0, fragment: None, is_over: false }
    }

    /// Passes over the remaining extension headers, and returns what follows them.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::TooShort`] when the bytes end within a header, for example in a fragment or in the part of a packet
    /// that an ICMPv6 error quotes.
    pub fn upper(mut self) -> Result<Upper<'a>, ExtensionError> {
        for header in self.by_ref() {
            header?;
        }
        let Self { next: protocol, rest: payload, offset, fragment, .. } = self;
        Ok(Upper { protocol, payload, offset, fragment })
    }

    /// Moves behind a header of `len` bytes and returns it.
    fn step(&mut self) -> Option<Result<ExtensionHeader<'a>, ExtensionError>> {
        let kind = self.next;
        let taken = match kind {
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | MOBILITY | HIP | SHIM6 => {
                split(self.rest, self.offset)
            }
            kind if EXPERIMENTS.contains(&kind) => split(self.rest, self.offset),
            FRAGMENT => self.cut(8),
            // Its length is in units of 4 bytes, without the first 8 (RFC 4302 section 2.2).
            AUTHENTICATION => {
                let units = self.rest.get(1).map_or(0, |units| usize::from(*units));
                self.cut(units.saturating_add(2).saturating_mul(4))
            }
            _ => return None,
        };
        let (bytes, rest) = match taken {
            Ok(taken) => taken,
            Err(error) => return Some(Err(error)),
        };
        self.next = bytes.first().copied().unwrap_or_default();
        self.rest = rest;
        self.offset = self.offset.saturating_add(bytes.len());
        Some(Ok(match kind {
            HOP_BY_HOP => ExtensionHeader::HopByHop(HopByHop::from_whole(bytes)),
            ROUTING => ExtensionHeader::Routing(RoutingHeader::from_whole(bytes)),
            DESTINATION_OPTIONS => ExtensionHeader::DestinationOptions(DestinationOptions::from_whole(bytes)),
            FRAGMENT => {
                let fragment = fragment(bytes);
                self.fragment = Some(fragment);
                self.is_over = fragment.offset != 0;
                ExtensionHeader::Fragment(fragment)
            }
            kind => ExtensionHeader::Other { kind, bytes },
        }))
    }

    fn cut(&self, needed: usize) -> Result<(&'a [u8], &'a [u8]), ExtensionError> {
        let available = self.rest.len();
        let error = ExtensionError::TooShort { offset: self.offset, needed, available };
        self.rest.split_at_checked(needed).ok_or(error)
    }
}

fn fragment(bytes: &[u8]) -> Fragment {
    match bytes {
        [_, _, high, low, identification @ ..] => {
            let word = u16::from_be_bytes([*high, *low]);
            let identification = identification.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
            Fragment { offset: word & !7, more: word & 1 != 0, identification }
        }
        _ => Fragment { offset: 0, more: false, identification: 0 },
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<ExtensionHeader<'a>, ExtensionError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let step = self.step();
        self.is_over |= !matches!(step, Some(Ok(_)));
        step
    }
}

impl FusedIterator for Walk<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    // Hop-by-hop, destination options of 16 bytes, fragment (first), authentication of 12 bytes, UDP.
    const HEADERS: [u8; 48] = [
        60, 0, 1, 4, 0, 0, 0, 0, // hop-by-hop
        44, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // destination options
        51, 0, 0, 1, 0, 0, 0, 7, // fragment: offset 0, more, identification 7
        17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // authentication: 12 bytes
        1, 2, 3, 4,
    ];

    #[test]
    fn headers_are_returned_in_order_up_to_the_upper_layer() {
        let kinds: Vec<_> = Walk::new(0, &HEADERS).map(Result::unwrap).collect();
        assert!(matches!(
            kinds[..],
            [
                ExtensionHeader::HopByHop(_),
                ExtensionHeader::DestinationOptions(_),
                ExtensionHeader::Fragment(Fragment { offset: 0, more: true, identification: 7 }),
                ExtensionHeader::Other { kind: 51, bytes: [17, 1, ..] },
            ]
        ));
        let upper = Walk::new(0, &HEADERS).upper().unwrap();
        assert_eq!((upper.protocol, upper.payload, upper.offset), (17, &[1, 2, 3, 4][..], 44));
        assert!(upper.fragment.is_some_and(|fragment| !fragment.is_atomic()));
    }

    #[test]
    fn the_payload_of_a_later_fragment_is_not_read_as_a_header() {
        // 0x05a9: offset 1448, more.
        let bytes = [60, 0, 0x05, 0xa9, 0, 0, 0, 1, 0xff, 0xff];
        let mut walk = Walk::new(44, &bytes);
        let fragment = Fragment { offset: 1448, more: true, identification: 1 };
        assert_eq!(walk.next(), Some(Ok(ExtensionHeader::Fragment(fragment))));
        assert_eq!(walk.next(), None);
        let upper = Walk::new(44, &bytes).upper().unwrap();
        assert_eq!((upper.protocol, upper.payload, upper.fragment), (60, &[0xff, 0xff][..], Some(fragment)));
    }

    #[test]
    fn every_cut_is_an_error_at_its_header_and_the_last_item() {
        let starts = [0, 8, 24, 32, 44];
        for len in 0..44 {
            let items: Vec<_> = Walk::new(0, &HEADERS[..len]).collect();
            let at = *starts.iter().rev().find(|start| **start <= len).unwrap();
            assert!(
                matches!(items.last(), Some(Err(ExtensionError::TooShort { offset, .. })) if *offset == at),
                "{len}: {items:?}"
            );
            assert_eq!(items.iter().filter(|item| item.is_err()).count(), 1);
            assert!(Walk::new(0, &HEADERS[..len]).upper().is_err());
        }
    }

    #[test]
    fn a_packet_without_extension_headers_has_its_protocol_at_once() {
        for protocol in [6, 17, 50, 58, 59, 89] {
            assert_eq!(Walk::new(protocol, b"x").next(), None);
            let upper = Walk::new(protocol, b"x").upper().unwrap();
            assert_eq!((upper.protocol, upper.offset, upper.fragment), (protocol, 0, None));
        }
    }

    #[test]
    fn a_long_chain_of_headers_ends() {
        let bytes = [60, 0, 1, 4, 0, 0, 0, 0].repeat(8000);
        assert_eq!(Walk::new(60, &bytes).filter(|header| header.is_ok()).count(), 8000);
    }

    #[test]
    fn a_fragment_without_offset_and_without_more_is_atomic() {
        let upper = Walk::new(44, &[17, 0, 0, 0, 0, 0, 0, 9]).upper().unwrap();
        assert_eq!(upper.fragment, Some(Fragment::new(0, false, 9)));
        for (offset, more, is_atomic) in
            [(0, false, true), (0, true, false), (8, false, false), (8, true, false)]
        {
            assert_eq!(Fragment::new(offset, more, 9).is_atomic(), is_atomic);
        }
        // The two reserved bits.
        let upper = Walk::new(44, &[17, 0, 0, 6, 0, 0, 0, 9]).upper().unwrap();
        assert_eq!(upper.fragment, Some(Fragment::new(0, false, 9)));
    }

    #[test]
    fn headers_of_experiments_have_a_length() {
        for kind in [253, 254] {
            let bytes = [17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5];
            let upper = Walk::new(kind, &bytes).upper().unwrap();
            assert_eq!((upper.protocol, upper.payload), (17, &[5][..]));
        }
        assert_eq!(Walk::new(255, &[0; 8]).upper().unwrap().protocol, 255);
    }
}
