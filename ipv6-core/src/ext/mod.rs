//! Extension headers (RFC 8200 section 4): views of received headers, and builders for those to send.
//!
//! A view borrows the bytes of one header and checks its length: [`HopByHop`], [`DestinationOptions`], [`RoutingHeader`],
//! [`SegmentRouting`]. A builder has a buffer of fixed size and needs no allocator: [`OptionsBuilder`], [`RoutingBuilder`],
//! [`SegmentRoutingBuilder`]. Views are also control messages ([`message`](crate::message)) and values of sticky options.
//! [`Walk`] iterates over the extension headers of a packet up to the upper-layer protocol.
//!
//! The bytes of extension headers are the same on every system.
//!
//! | RFC 3542 | here |
//! |---|---|
//! | `inet6_opt_init`, `inet6_opt_append`, `inet6_opt_finish`, `inet6_opt_set_val` | [`OptionsBuilder`] |
//! | `inet6_opt_next`, `inet6_opt_get_val` | [`Options`], [`Opt::data`] |
//! | `inet6_opt_find` | [`Options::find`] |
//! | `inet6_rth_space`, `inet6_rth_init`, `inet6_rth_add` | [`RoutingBuilder`] |
//! | `inet6_rth_reverse` | [`RoutingBuilder::reversed`] |
//! | `inet6_rth_segments`, `inet6_rth_getaddr` | [`RoutingHeader::addresses`] |
//!
//! ```
//! use ipv6_core::ext::{HopByHop, OptionType, OptionsBuilder};
//!
//! // The router alert of MLD (RFC 2711), as a hop-by-hop options header.
//! let built = OptionsBuilder::<8>::new().with(OptionType::ROUTER_ALERT, &[0, 0])?;
//! assert_eq!(built.hop_by_hop().as_bytes(), [0, 0, 5, 2, 0, 0, 1, 0]);
//!
//! let received = HopByHop::parse(&[58, 0, 5, 2, 0, 0, 1, 0])?;
//! assert_eq!(received.next_header(), 58);
//! let alert = received.options().find(OptionType::ROUTER_ALERT)?.expect("the header has a router alert");
//! assert_eq!(alert.data, [0, 0]);
//! # Ok::<(), ipv6_core::ext::ExtensionError>(())
//! ```

use core::fmt;

mod builder;
mod option_type;
mod options;
mod routing;
mod routing_builder;
mod segment_routing;
mod walk;

pub use builder::OptionsBuilder;
pub use option_type::{Align, OptionType, Unrecognized};
pub use options::{DestinationOptions, HopByHop, Opt, Options};
pub use routing::{RoutingHeader, RoutingType};
pub use routing_builder::RoutingBuilder;
pub use segment_routing::{SegmentRouting, SegmentRoutingBuilder, Tlv, TlvType, Tlvs};
pub use walk::{ExtensionHeader, Fragment, Upper, Walk};

/// The number of bytes of the largest extension header: a length field of 255 (RFC 8200 section 4).
pub const MAX_LEN: usize = 2048;

/// The most bytes of data in an option or a TLV: their length fields have one byte. No header has this length.
const MAX_DATA: usize = 255;

/// Why the bytes are not an extension header, or why one cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ExtensionError {
    /// The bytes end before the header does.
    TooShort {
        /// Where the header starts, counted from the first header.
        offset: usize,
        /// Bytes of the header.
        needed: usize,
        /// Bytes that there are.
        available: usize,
    },
    /// More bytes follow the header.
    TooLong {
        /// Bytes of the header.
        header: usize,
        /// Bytes that there are.
        available: usize,
    },
    /// An option or a TLV does not end within the header.
    Overrun {
        /// Where the option or TLV starts, counted from the start of the header.
        offset: usize,
        /// Its type.
        kind: u8,
    },
    /// A routing header of another type.
    RoutingType {
        /// The type of the header.
        kind: u8,
        /// The type that is needed.
        needed: u8,
    },
    /// The addresses of a routing header do not fit in it, or a header to build has none.
    Addresses {
        /// How many the header claims to have; 0 in a builder.
        claimed: usize,
        /// How many there is room for.
        room: usize,
    },
    /// An option, an address or a TLV does not fit in the builder or in the length field of the header; or the data does not
    /// fit in the length field of the option or TLV.
    Full {
        /// Bytes that the header would have; of an option or a TLV, those of the data.
        needed: usize,
        /// Bytes that there is room for; 255 in an option or a TLV.
        available: usize,
    },
    /// An alignment that is not `xn+y` with x of 1, 2, 4 or 8, and y below x.
    Align {
        /// x.
        x: u8,
        /// y.
        y: u8,
    },
    /// Padding cannot be added as an option: the builder adds it.
    Padding,
}

impl fmt::Display for ExtensionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { offset, needed, available } => {
                write!(f, "extension header at offset {offset} has {needed} bytes, {available} are there")
            }
            Self::TooLong { header, available } => {
                write!(f, "extension header has {header} bytes, the data {available}")
            }
            Self::Overrun { offset, kind } => {
                write!(f, "option of type {kind:#04x} at offset {offset} does not end within its header")
            }
            Self::RoutingType { kind, needed } => write!(f, "routing header of type {kind}, not {needed}"),
            // Only a builder has room for addresses and none to add.
            Self::Addresses { claimed: 0, .. } => {
                f.write_str("routing header needs at least one address: the path is empty")
            }
            Self::Addresses { claimed, room } => {
                write!(f, "routing header claims {claimed} addresses and has room for {room}")
            }
            Self::Full { needed, available: MAX_DATA } => {
                write!(f, "an option or TLV has {needed} bytes of data: use at most {MAX_DATA}")
            }
            Self::Full { needed, available } => {
                write!(f, "extension header too long: {needed} bytes needed, {available} available")
            }
            Self::Align { x, y } => write!(f, "alignment {x}n+{y}: x is 1, 2, 4 or 8, and y is below x"),
            Self::Padding => f.write_str("padding is added by the builder, not as an option"),
        }
    }
}

impl core::error::Error for ExtensionError {}

/// Returns the header at the start of `bytes`, whose second byte is its length in units of 8 bytes without the first 8, and
/// what follows it. `offset` is where `bytes` start, for the error.
fn split(bytes: &[u8], offset: usize) -> Result<(&[u8], &[u8]), ExtensionError> {
    let available = bytes.len();
    let units = bytes.get(1).map_or(0, |units| usize::from(*units));
    let needed = units.saturating_add(1).saturating_mul(8);
    bytes.split_at_checked(needed).ok_or(ExtensionError::TooShort { offset, needed, available })
}

/// Returns the header that `bytes` are, without bytes after it.
fn whole(bytes: &[u8]) -> Result<&[u8], ExtensionError> {
    match split(bytes, 0)? {
        (header, []) => Ok(header),
        (header, _) => Err(ExtensionError::TooLong { header: header.len(), available: bytes.len() }),
    }
}

/// Whether a header can have this many bytes.
const fn is_len(len: usize) -> bool {
    len >= 8 && len.is_multiple_of(8) && len <= MAX_LEN
}

/// Splits off the option or TLV object at the start of `bytes`: its data, and what follows. Both kinds have one form: type 0 is
/// one byte of padding, and all other types have a length (RFC 8200 section 4.2, RFC 8754 section 2.1). `None`: it does not
/// end within `bytes`.
fn split_option(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match bytes {
        [0, rest @ ..] => Some((&[], rest)),
        [_, len, rest @ ..] => rest.split_at_checked(usize::from(*len)),
        _ => None,
    }
}

/// Fills `bytes`, 0 to 7, with padding: Pad1, or PadN, whose type is `padn`.
fn pad(bytes: &mut [u8], padn: u8) {
    match bytes {
        [] => {}
        [pad1] => *pad1 = 0,
        [kind, len, zeros @ ..] => {
            *kind = padn;
            *len = u8::try_from(zeros.len()).unwrap_or_default();
            zeros.fill(0);
        }
    }
}

/// The length field of an option or a TLV with this data.
fn data_length_field(data: &[u8]) -> Result<u8, ExtensionError> {
    let needed = data.len();
    u8::try_from(needed).map_err(|_| ExtensionError::Full { needed, available: MAX_DATA })
}

/// The length field of a header of `len` bytes, a multiple of 8 from 8 to 2,048.
fn length_field(len: usize) -> Option<u8> {
    u8::try_from((len / 8).checked_sub(1)?).ok()
}
