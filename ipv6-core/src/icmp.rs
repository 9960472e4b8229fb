//! ICMP message types (RFC 792 and the IANA registry "ICMP Type Numbers"): those that report errors about datagrams.

use core::fmt;

/// The type byte of an ICMP message, which is about IPv4. [`Icmp6Type`](crate::Icmp6Type) is that of IPv6.
///
/// There is a constant for each type that is about a sent packet. Every other value, 0 to 255, is valid too.
///
/// ```
/// use ipv6_core::IcmpType;
/// assert_eq!(IcmpType::DESTINATION_UNREACHABLE.to_string(), "ICMP destination unreachable");
/// assert_eq!(IcmpType(99).to_string(), "ICMP type 99");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[doc(alias = "icmp_type", alias = "ICMPType")]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct IcmpType(pub u8);

impl IcmpType {
    /// The protocol number of ICMP: 1.
    #[doc(alias = "IPPROTO_ICMP", alias = "Protocol")]
    pub const PROTOCOL: u8 = 1;
    /// Type 3: destination unreachable (RFC 792). Code 4 is that the datagram is too long and must not be fragmented (RFC
    /// 1191 section 4).
    #[doc(alias = "ICMP_DEST_UNREACH", alias = "ICMP_UNREACH")]
    pub const DESTINATION_UNREACHABLE: Self = Self(3);
    /// Type 4: source quench (RFC 792), which RFC 6633 deprecates.
    #[doc(alias = "ICMP_SOURCE_QUENCH", alias = "ICMP_SOURCEQUENCH")]
    pub const SOURCE_QUENCH: Self = Self(4);
    /// Type 5: redirect (RFC 792).
    #[doc(alias = "ICMP_REDIRECT")]
    pub const REDIRECT: Self = Self(5);
    /// Type 11: time exceeded (RFC 792).
    #[doc(alias = "ICMP_TIME_EXCEEDED", alias = "ICMP_TIMXCEED")]
    pub const TIME_EXCEEDED: Self = Self(11);
    /// Type 12: parameter problem (RFC 792).
    #[doc(alias = "ICMP_PARAMETERPROB", alias = "ICMP_PARAMPROB")]
    pub const PARAMETER_PROBLEM: Self = Self(12);

    /// Returns the name in IANA's registry, in lower case, of the types that have a constant.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::DESTINATION_UNREACHABLE => Some("destination unreachable"),
            Self::SOURCE_QUENCH => Some("source quench"),
            Self::REDIRECT => Some("redirect"),
            Self::TIME_EXCEEDED => Some("time exceeded"),
            Self::PARAMETER_PROBLEM => Some("parameter problem"),
            _ => None,
        }
    }
}

impl fmt::Display for IcmpType {
    /// `ICMP` and the name, or `ICMP type 99` if the type has no constant.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "ICMP {name}"),
            None => write!(f, "ICMP type {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_iana() {
        let names = [
            (3, "destination unreachable"),
            (4, "source quench"),
            (5, "redirect"),
            (11, "time exceeded"),
            (12, "parameter problem"),
        ];
        for (kind, name) in names {
            assert_eq!(IcmpType(kind).name(), Some(name));
            assert_eq!(IcmpType(kind).to_string(), format!("ICMP {name}"));
        }
        assert_eq!(IcmpType(99).to_string(), "ICMP type 99");
    }
}
