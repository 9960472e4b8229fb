//! The types of hop-by-hop and destination options, and their alignment.

use core::fmt;

use super::ExtensionError;

/// The type of a hop-by-hop or destination option (RFC 8200 section 4.2; IANA's registry "Destination Options and Hop-by-Hop
/// Options").
///
/// ```
/// use ipv6_core::ext::{OptionType, Unrecognized};
/// assert_eq!(OptionType::HOME_ADDRESS.unrecognized(), Unrecognized::ReportUnlessMulticast);
/// assert_eq!(OptionType(0x1e).to_string(), "0x1e");
/// assert_eq!(OptionType::ROUTER_ALERT.to_string(), "router alert");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct OptionType(pub u8);

/// Generates the constants, their names and their alignments. A row is: the documentation, the constant, the number, the
/// alignment and the name in `Display`.
macro_rules! option_types {
    ($($(#[$doc:meta])* $NAME:ident = $number:literal, $x:literal $y:literal, $text:literal;)*) => {
        impl OptionType {
            $($(#[$doc])* pub const $NAME: Self = Self($number);)*

            /// Returns the alignment that the option's RFC requires; that of unknown types is [`Align::NONE`].
            #[must_use]
            pub const fn align(self) -> Align {
                match self.0 {
                    $($number => Align { x: $x, y: $y },)*
                    _ => Align::NONE,
                }
            }
        }

        impl fmt::Display for OptionType {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {
                    $($number => f.write_str($text),)*
                    other => write!(f, "{other:#04x}"),
                }
            }
        }
    };
}

option_types! {
    /// One byte of padding (RFC 8200 section 4.2).
    #[doc(alias = "IP6OPT_PAD1")]
    PAD1 = 0x00, 1 0, "Pad1";
    /// Two or more bytes of padding (RFC 8200 section 4.2).
    #[doc(alias = "IP6OPT_PADN")]
    PADN = 0x01, 1 0, "PadN";
    /// The limit of nested tunnels (RFC 2473 section 4.1.1).
    TUNNEL_ENCAPSULATION_LIMIT = 0x04, 1 0, "tunnel encapsulation limit";
    /// Routers examine the packet (RFC 2711). Two bytes of data: 0 is MLD, 1 RSVP.
    #[doc(alias = "IP6OPT_ROUTER_ALERT", alias = "IP6OPT_RTALERT")]
    ROUTER_ALERT = 0x05, 2 0, "router alert";
    /// A security label (CALIPSO, RFC 5570).
    CALIPSO = 0x07, 4 2, "CALIPSO";
    /// Duplicate detection of simplified multicast forwarding (RFC 6621).
    SMF_DPD = 0x08, 1 0, "SMF duplicate detection";
    /// Performance and diagnostic metrics (RFC 8250).
    PDM = 0x0f, 1 0, "performance and diagnostic metrics";
    /// In-situ operations, administration and maintenance (RFC 9486).
    IOAM = 0x11, 4 0, "IOAM";
    /// Alternate marking (RFC 9343).
    ALT_MARK = 0x12, 4 2, "alternate marking";
    /// The RPL option of an instance (RFC 9008).
    RPL = 0x23, 2 0, "RPL";
    /// Quick-Start (RFC 4782).
    QUICK_START = 0x26, 4 0, "Quick-Start";
    /// The smallest MTU on the path (RFC 9268).
    MINIMUM_PATH_MTU = 0x30, 2 0, "minimum path MTU";
    /// IOAM whose data changes on the way (RFC 9486).
    IOAM_MUTABLE = 0x31, 4 0, "IOAM, mutable";
    /// The RPL option with the type of RFC 6553, which RFC 9008 replaced.
    RPL_OLD = 0x63, 2 0, "RPL (RFC 6553)";
    /// Multicast forwarding in low-power networks (MPL, RFC 7731).
    MPL = 0x6d, 1 0, "MPL";
    /// The nonce of ILNPv6 (RFC 6744).
    ILNP_NONCE = 0x8b, 1 0, "ILNP nonce";
    /// The line of a subscriber (RFC 6788).
    LINE_IDENTIFICATION = 0x8c, 1 0, "line identification";
    /// The payload length of a jumbogram (RFC 2675). Four bytes of data.
    #[doc(alias = "IP6OPT_JUMBO")]
    JUMBO_PAYLOAD = 0xc2, 4 2, "jumbo payload";
    /// The home address of a mobile node (RFC 6275 section 6.3). 16 bytes of data.
    #[doc(alias = "IP6OPT_HOME_ADDRESS")]
    HOME_ADDRESS = 0xc9, 8 6, "home address";
    /// Depth-first forwarding (RFC 6971).
    IP_DFF = 0xee, 1 0, "depth-first forwarding";
}

impl OptionType {
    /// Returns what a node does with a packet whose option of this type it does not recognize (the two high bits).
    #[doc(alias = "IP6OPT_TYPE")]
    #[must_use]
    pub const fn unrecognized(self) -> Unrecognized {
        match self.0 >> 6 {
            0 => Unrecognized::Skip,
            1 => Unrecognized::Discard,
            2 => Unrecognized::Report,
            _ => Unrecognized::ReportUnlessMulticast,
        }
    }

    /// Returns whether routers may change the data of the option (the third-highest bit).
    #[doc(alias = "IP6OPT_MUTABLE")]
    #[must_use]
    pub const fn may_change(self) -> bool {
        self.0 & 0x20 != 0
    }

    /// Returns whether this is padding, Pad1 or PadN.
    #[must_use]
    pub const fn is_padding(self) -> bool {
        matches!(self, Self::PAD1 | Self::PADN)
    }
}

/// What a node does with a packet whose option it does not recognize (RFC 8200 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Unrecognized {
    /// Skips the option and processes the rest of the header.
    #[doc(alias = "IP6OPT_TYPE_SKIP")]
    Skip,
    /// Discards the packet.
    #[doc(alias = "IP6OPT_TYPE_DISCARD")]
    Discard,
    /// Discards the packet and reports it to the source (ICMPv6 parameter problem, code 2).
    #[doc(alias = "IP6OPT_TYPE_FORCEICMP")]
    Report,
    /// The same, but reports it only if the destination was not a multicast address.
    #[doc(alias = "IP6OPT_TYPE_ICMP")]
    ReportUnlessMulticast,
}

/// The alignment `xn+y` of an option: its type is at a multiple of x, plus y, from the start of the header (RFC 8200
/// section 4.2).
///
/// ```
/// use ipv6_core::ext::Align;
/// assert!(Align::new(4, 2).is_ok());
/// assert_eq!(Align::new(3, 0).unwrap_err().to_string(), "alignment 3n+0: x is 1, 2, 4 or 8, and y is below x");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Align {
    x: u8,
    y: u8,
}

impl Align {
    /// Any offset.
    pub const NONE: Self = Self { x: 1, y: 0 };

    /// Creates the alignment `xn+y`.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Align`] unless x is 1, 2, 4 or 8, and y below x.
    pub const fn new(x: u8, y: u8) -> Result<Self, ExtensionError> {
        match x {
            1 | 2 | 4 | 8 if y < x => Ok(Self { x, y }),
            _ => Err(ExtensionError::Align { x, y }),
        }
    }

    /// Returns x.
    #[must_use]
    pub const fn x(self) -> u8 {
        self.x
    }

    /// Returns y.
    #[must_use]
    pub const fn y(self) -> u8 {
        self.y
    }

    /// The bytes of padding between `offset` and the next aligned offset, 0 to 7.
    pub(super) fn padding(self, offset: usize) -> usize {
        let (x, y) = (usize::from(self.x), usize::from(self.y));
        // x is a power of two, so the difference modulo x is right even when it wraps.
        y.wrapping_sub(offset) & x.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_bits_are_what_rfc_8200_says() {
        for (kind, unrecognized, may_change) in [
            (OptionType::ROUTER_ALERT, Unrecognized::Skip, false),
            (OptionType::RPL, Unrecognized::Skip, true),
            (OptionType::MPL, Unrecognized::Discard, true),
            (OptionType::ILNP_NONCE, Unrecognized::Report, false),
            (OptionType::JUMBO_PAYLOAD, Unrecognized::ReportUnlessMulticast, false),
        ] {
            assert_eq!((kind.unrecognized(), kind.may_change()), (unrecognized, may_change), "{kind}");
        }
    }

    // RFC 9486 section 3: 4n. Linux writes two bytes of padding before the option (`struct ioam6_lwt_encap` in
    // `net/ipv6/ioam6_iptunnel.c`). The reserved byte and the type after the length keep the data aligned.
    #[test]
    fn ioam_is_aligned_to_4n() {
        for kind in [OptionType::IOAM, OptionType::IOAM_MUTABLE] {
            let built = crate::ext::OptionsBuilder::<16>::new().with(kind, &[0, 3, 1, 2]).unwrap();
            let expected = [0, 1, 1, 0, kind.0, 4, 0, 3, 1, 2, 1, 4, 0, 0, 0, 0];
            assert_eq!(built.hop_by_hop().as_bytes(), expected);
        }
    }

    #[test]
    fn an_alignment_is_the_smallest_padding_to_it() {
        for x in [1, 2, 4, 8] {
            for y in 0..x {
                let align = Align::new(x, y).unwrap();
                for offset in 0..64 {
                    let padding = align.padding(offset);
                    assert!(padding < usize::from(x));
                    assert_eq!((offset + padding) % usize::from(x), usize::from(y), "{x}n+{y} at {offset}");
                }
            }
        }
        for (x, y) in [(0, 0), (3, 0), (16, 0), (4, 4), (1, 1)] {
            assert_eq!(Align::new(x, y), Err(ExtensionError::Align { x, y }));
        }
    }
}
