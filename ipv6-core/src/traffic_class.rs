//! The two fields of a traffic class: DSCP and ECN.
//!
//! ```text
//!    0   1   2   3   4   5   6   7
//!  +---+---+---+---+---+---+---+---+
//!  |         DSCP          |  ECN  |     RFC 2474 section 3, RFC 3168 section 5
//!  +---+---+---+---+---+---+---+---+
//! ```

use core::fmt;

/// Explicit congestion notification: the low two bits of a traffic class (RFC 3168 section 5,
/// RFC 8311). As a control message (`IPV6_ECN`): Windows.
#[doc(alias = "IPTOS_ECN_MASK", alias = "INET_ECN_MASK")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum Ecn {
    /// `00`: the sender's transport does not support ECN.
    #[doc(alias = "IPTOS_ECN_NOTECT", alias = "IPTOS_ECN_NOT_ECT")]
    NotEct = 0b00,
    /// `01`: ECN-capable transport, the codepoint that L4S uses (RFC 9331).
    #[doc(alias = "IPTOS_ECN_ECT1")]
    Ect1 = 0b01,
    /// `10`: ECN-capable transport.
    #[doc(alias = "IPTOS_ECN_ECT0")]
    Ect0 = 0b10,
    /// `11`: a router on the path experienced congestion.
    #[doc(alias = "IPTOS_ECN_CE")]
    Ce = 0b11,
}

impl Ecn {
    /// Returns the ECN field of a traffic class.
    #[must_use]
    pub const fn from_traffic_class(traffic_class: u8) -> Self {
        match traffic_class & 0b11 {
            0b00 => Self::NotEct,
            0b01 => Self::Ect1,
            0b10 => Self::Ect0,
            _ => Self::Ce,
        }
    }

    /// Returns `traffic_class` with its ECN field replaced by this value. The DSCP does not change.
    ///
    /// ```
    /// use ipv6_core::Ecn;
    /// // AF11 becomes AF11 and ECN-capable.
    /// assert_eq!(Ecn::Ect0.mark(0x28), 0x2a);
    /// ```
    #[must_use]
    pub const fn mark(self, traffic_class: u8) -> u8 {
        traffic_class & !0b11 | self.bits()
    }

    /// Returns the two bits, 0 to 3.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::NotEct => 0b00,
            Self::Ect1 => 0b01,
            Self::Ect0 => 0b10,
            Self::Ce => 0b11,
        }
    }
}

impl fmt::Display for Ecn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotEct => "Not-ECT",
            Self::Ect1 => "ECT(1)",
            Self::Ect0 => "ECT(0)",
            Self::Ce => "CE",
        })
    }
}

/// Returns the differentiated services codepoint of a traffic class: its high six bits, 0 to 63
/// (RFC 2474 section 3). Example: the traffic class 0x28 has the DSCP 10, AF11 (RFC 2597 section 6).
#[doc(alias = "IPTOS_DSCP_MASK")]
#[must_use]
pub const fn dscp(traffic_class: u8) -> u8 {
    traffic_class >> 2
}

/// Returns the traffic class with this DSCP, 0 to 63, and this ECN field. `None` if the DSCP exceeds 63.
///
/// ```
/// use ipv6_core::{Ecn, traffic_class};
/// assert_eq!(traffic_class(46, Ecn::NotEct), Some(0xb8)); // expedited forwarding
/// assert_eq!(traffic_class(64, Ecn::NotEct), None);
/// ```
#[doc(alias = "IPV6_TCLASS")]
#[must_use]
pub const fn traffic_class(dscp: u8, ecn: Ecn) -> Option<u8> {
    if dscp < 64 { Some(dscp << 2 | ecn.bits()) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_traffic_class_is_split_and_joined() {
        for class in 0..=u8::MAX {
            let ecn = Ecn::from_traffic_class(class);
            assert_eq!(traffic_class(dscp(class), ecn), Some(class));
            assert_eq!(ecn.mark(class), class);
            for other in [Ecn::NotEct, Ecn::Ect1, Ecn::Ect0, Ecn::Ce] {
                assert_eq!(Some(other.mark(class)), traffic_class(dscp(class), other));
            }
            assert_eq!(traffic_class(class, ecn).is_some(), class <= 63);
        }
    }

    #[test]
    fn codepoints_of_rfc_3168() {
        let names = [0b00, 0b01, 0b10, 0b11].map(|bits| Ecn::from_traffic_class(bits).to_string());
        assert_eq!(names, ["Not-ECT", "ECT(1)", "ECT(0)", "CE"]);
        // Expedited forwarding is 46 (RFC 3246 section 2.7).
        assert_eq!(dscp(0xb8), 46);
    }
}
