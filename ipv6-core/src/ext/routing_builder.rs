//! Building routing headers whose data are addresses.

use core::fmt;
use core::net::Ipv6Addr;

use super::routing::{RoutingHeader, RoutingType};
use super::{ExtensionError, is_len, length_field};

/// Bytes of a header with the home address of a mobile node.
const HOME_ADDRESS_LEN: usize = 24;

/// Builds a routing header whose data are addresses, in `N` bytes of its own memory: 8, and 16 for each address.
///
/// [`RoutingType::HOME_ADDRESS`] has one address. [`RoutingType::SOURCE_ROUTE`] has up to 127; it is what the functions of
/// RFC 3542 section 7 build, and nodes ignore it since RFC 5095. For segment routing, whose addresses have another order and
/// a field for their number, use [`SegmentRoutingBuilder`](super::SegmentRoutingBuilder).
#[derive(Clone)]
#[doc(alias = "inet6_rth_init", alias = "inet6_rth_space")]
pub struct RoutingBuilder<const N: usize> {
    bytes: [u8; N],
    end: usize,
}

impl<const N: usize> RoutingBuilder<N> {
    /// Creates a header without addresses. An `N` that no header can have does not compile.
    #[must_use]
    pub const fn new(kind: RoutingType) -> Self {
        const {
            assert!(is_len(N), "a header has 8 to 2,048 bytes, a multiple of 8");
        }
        let mut bytes = [0; N];
        let header: &mut [u8] = &mut bytes;
        if let [_, _, byte, ..] = header {
            *byte = kind.0;
        }
        Self { bytes, end: 8 }
    }

    /// Appends an address. The header has one segment more left.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Full`] when the address does not fit, also for a second one of [`RoutingType::HOME_ADDRESS`], and
    /// [`ExtensionError::RoutingType`] for [`RoutingType::SEGMENT_ROUTING`]. The addresses appended before stay.
    #[doc(alias = "inet6_rth_add")]
    pub fn push(&mut self, address: Ipv6Addr) -> Result<(), ExtensionError> {
        let end = self.end.saturating_add(16);
        match self.header().kind() {
            RoutingType::SEGMENT_ROUTING => {
                let (kind, needed) = (RoutingType::SEGMENT_ROUTING.0, RoutingType::SOURCE_ROUTE.0);
                return Err(ExtensionError::RoutingType { kind, needed });
            }
            // RFC 6275 section 6.4.1: the length is 2 units, and one segment is left.
            RoutingType::HOME_ADDRESS if end > HOME_ADDRESS_LEN => {
                return Err(ExtensionError::Full { needed: end, available: HOME_ADDRESS_LEN });
            }
            _ => {}
        }
        let full = ExtensionError::Full { needed: end, available: N };
        let field = length_field(end).ok_or(full)?;
        let place = self.bytes.get_mut(self.end..end).ok_or(full)?;
        place.copy_from_slice(&address.octets());
        if let [_, len, _, segments_left, ..] = self.bytes.as_mut_slice() {
            (*len, *segments_left) = (field, segments_left.saturating_add(1));
        }
        self.end = end;
        Ok(())
    }

    /// Returns this header with one more address.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn with(mut self, address: Ipv6Addr) -> Result<Self, ExtensionError> {
        self.push(address)?;
        Ok(self)
    }

    /// Creates a header with the addresses of a received one, in reverse order and all of them left: the way back
    /// (RFC 3542 section 7.4).
    ///
    /// # Errors
    ///
    /// Those of [`RoutingHeader::addresses`], and [`ExtensionError::Full`].
    #[doc(alias = "inet6_rth_reverse")]
    pub fn reversed(header: RoutingHeader<'_>) -> Result<Self, ExtensionError> {
        let mut reversed = Self::new(header.kind());
        for address in header.addresses()?.rev() {
            reversed.push(address)?;
        }
        Ok(reversed)
    }

    /// Returns the bytes of the header.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.end).unwrap_or_default()
    }

    /// Returns the header.
    #[must_use]
    pub fn header(&self) -> RoutingHeader<'_> {
        RoutingHeader::from_whole(self.as_bytes())
    }
}

impl<const N: usize> fmt::Debug for RoutingBuilder<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RoutingBuilder").field(&self.header()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_with_another_layout_takes_no_addresses() {
        let mut built = RoutingBuilder::<40>::new(RoutingType::SEGMENT_ROUTING);
        let error = ExtensionError::RoutingType { kind: 4, needed: 0 };
        assert_eq!(built.push(Ipv6Addr::LOCALHOST), Err(error));
        assert_eq!(built.as_bytes(), [0, 0, 4, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_home_address_is_one() {
        let mut built =
            RoutingBuilder::<40>::new(RoutingType::HOME_ADDRESS).with(Ipv6Addr::LOCALHOST).unwrap();
        let before = built.as_bytes().to_vec();
        let error = ExtensionError::Full { needed: 40, available: 24 };
        assert_eq!(built.push(Ipv6Addr::LOCALHOST), Err(error));
        assert_eq!(built.as_bytes(), before);
        assert_eq!(before[..4], [0, 2, 2, 1]);
    }
}
