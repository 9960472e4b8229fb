//! Building routing headers whose data are addresses.

use core::fmt;
use core::net::Ipv6Addr;

use super::routing::{RoutingHeader, RoutingType};
use super::{ExtensionError, is_len, length_field};

/// Builds a routing header whose data are addresses, in `N` bytes of its own memory: 8, and 16 for each address.
///
/// [`RoutingType::HOME_ADDRESS`] has one address. [`RoutingType::SOURCE_ROUTE`] has up to 127; it is what the functions of
/// RFC 3542 section 7 build, and nodes ignore it since RFC 5095. For segment routing use
/// [`SegmentRoutingBuilder`](super::SegmentRoutingBuilder).
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
    /// [`ExtensionError::Full`] when the address does not fit. Those appended before stay.
    #[doc(alias = "inet6_rth_add")]
    pub fn push(&mut self, address: Ipv6Addr) -> Result<(), ExtensionError> {
        let end = self.end.saturating_add(16);
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
