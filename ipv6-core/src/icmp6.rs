//! ICMPv6 message types (RFC 4443 section 2.1 and the IANA registry "ICMPv6 'type' Numbers").

use core::fmt;

/// The type byte of an ICMPv6 message. Types 0 to 127 are error messages, 128 to 255 informational messages
/// (RFC 4443 section 2.1).
///
/// There is a constant for each type that IANA has assigned. Every other value, 0 to 255, is a valid `Icmp6Type` too.
///
/// ```
/// use ipv6_core::Icmp6Type;
/// assert_eq!(Icmp6Type::ECHO_REQUEST.to_string(), "echo request");
/// assert_eq!(Icmp6Type(99).to_string(), "type 99");
/// assert!(Icmp6Type::PACKET_TOO_BIG.is_error());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[doc(alias = "icmp6_type", alias = "ICMPType")]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Icmp6Type(pub u8);

impl Icmp6Type {
    /// The protocol number of ICMPv6: 58.
    #[doc(alias = "IPPROTO_ICMPV6", alias = "Protocol")]
    pub const PROTOCOL: u8 = 58;

    /// Returns [`PROTOCOL`](Self::PROTOCOL), whatever the type.
    #[doc(alias = "Protocol")]
    #[must_use]
    pub const fn protocol(self) -> u8 {
        Self::PROTOCOL
    }

    /// Returns whether this is the type of an error message, 0 to 127 (RFC 4443 section 2.1).
    #[doc(alias = "ICMP6_INFOMSG_MASK")]
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 < 128
    }
}

impl fmt::Display for Icmp6Type {
    /// The name, or `type 99` if the type is not assigned.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "type {}", self.0),
        }
    }
}

/// One row per assigned type: number, constant, name, source, and the names in C and Go.
macro_rules! types {
    ($($number:literal $constant:ident $name:literal $source:literal [$($alias:literal),*];)*) => {
        impl Icmp6Type {
            $(
                #[doc = concat!("Type ", stringify!($number), ": ", $name, " (", $source, ").")]
                $(#[doc(alias = $alias)])*
                pub const $constant: Self = Self($number);
            )*

            /// All types that IANA has assigned, in ascending order.
            pub const ASSIGNED: &'static [Self] = &[$(Self::$constant),*];

            /// Returns the name in IANA's registry, in lower case. `None` if the type is not assigned.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

types! {
    0 RESERVED "reserved" "RFC 4443" [];
    1 DESTINATION_UNREACHABLE "destination unreachable" "RFC 4443 section 3.1" ["ICMPTypeDestinationUnreachable", "ICMP6_DST_UNREACH"];
    2 PACKET_TOO_BIG "packet too big" "RFC 4443 section 3.2" ["ICMPTypePacketTooBig", "ICMP6_PACKET_TOO_BIG"];
    3 TIME_EXCEEDED "time exceeded" "RFC 4443 section 3.3" ["ICMPTypeTimeExceeded", "ICMP6_TIME_EXCEEDED"];
    4 PARAMETER_PROBLEM "parameter problem" "RFC 4443 section 3.4" ["ICMPTypeParameterProblem", "ICMP6_PARAM_PROB"];
    100 PRIVATE_EXPERIMENTATION_100 "private experimentation 100" "RFC 4443" [];
    101 PRIVATE_EXPERIMENTATION_101 "private experimentation 101" "RFC 4443" [];
    127 RESERVED_ERROR_EXPANSION "reserved for expansion of error messages" "RFC 4443" [];
    128 ECHO_REQUEST "echo request" "RFC 4443 section 4.1" ["ICMPTypeEchoRequest", "ICMP6_ECHO_REQUEST"];
    129 ECHO_REPLY "echo reply" "RFC 4443 section 4.2" ["ICMPTypeEchoReply", "ICMP6_ECHO_REPLY"];
    130 MULTICAST_LISTENER_QUERY "multicast listener query" "RFC 2710, RFC 9777" ["ICMPTypeMulticastListenerQuery", "MLD_LISTENER_QUERY"];
    131 MULTICAST_LISTENER_REPORT "multicast listener report" "RFC 2710" ["ICMPTypeMulticastListenerReport", "MLD_LISTENER_REPORT"];
    132 MULTICAST_LISTENER_DONE "multicast listener done" "RFC 2710" ["ICMPTypeMulticastListenerDone", "MLD_LISTENER_REDUCTION"];
    133 ROUTER_SOLICITATION "router solicitation" "RFC 4861 section 4.1" ["ICMPTypeRouterSolicitation", "ND_ROUTER_SOLICIT"];
    134 ROUTER_ADVERTISEMENT "router advertisement" "RFC 4861 section 4.2" ["ICMPTypeRouterAdvertisement", "ND_ROUTER_ADVERT"];
    135 NEIGHBOR_SOLICITATION "neighbor solicitation" "RFC 4861 section 4.3" ["ICMPTypeNeighborSolicitation", "ND_NEIGHBOR_SOLICIT"];
    136 NEIGHBOR_ADVERTISEMENT "neighbor advertisement" "RFC 4861 section 4.4" ["ICMPTypeNeighborAdvertisement", "ND_NEIGHBOR_ADVERT"];
    137 REDIRECT "redirect" "RFC 4861 section 4.5" ["ICMPTypeRedirect", "ND_REDIRECT"];
    138 ROUTER_RENUMBERING "router renumbering" "RFC 2894" ["ICMPTypeRouterRenumbering", "ICMP6_ROUTER_RENUMBERING"];
    139 NODE_INFORMATION_QUERY "node information query" "RFC 4620" ["ICMPTypeNodeInformationQuery"];
    140 NODE_INFORMATION_RESPONSE "node information response" "RFC 4620" ["ICMPTypeNodeInformationResponse"];
    141 INVERSE_NEIGHBOR_DISCOVERY_SOLICITATION "inverse neighbor discovery solicitation" "RFC 3122" ["ICMPTypeInverseNeighborDiscoverySolicitation"];
    142 INVERSE_NEIGHBOR_DISCOVERY_ADVERTISEMENT "inverse neighbor discovery advertisement" "RFC 3122" ["ICMPTypeInverseNeighborDiscoveryAdvertisement"];
    143 MULTICAST_LISTENER_REPORT_V2 "version 2 multicast listener report" "RFC 9777" ["ICMPTypeVersionTwoMulticastListenerReport", "MLDV2_LISTENER_REPORT"];
    144 HOME_AGENT_ADDRESS_DISCOVERY_REQUEST "home agent address discovery request" "RFC 6275" ["ICMPTypeHomeAgentAddressDiscoveryRequest"];
    145 HOME_AGENT_ADDRESS_DISCOVERY_REPLY "home agent address discovery reply" "RFC 6275" ["ICMPTypeHomeAgentAddressDiscoveryReply"];
    146 MOBILE_PREFIX_SOLICITATION "mobile prefix solicitation" "RFC 6275" ["ICMPTypeMobilePrefixSolicitation"];
    147 MOBILE_PREFIX_ADVERTISEMENT "mobile prefix advertisement" "RFC 6275" ["ICMPTypeMobilePrefixAdvertisement"];
    148 CERTIFICATION_PATH_SOLICITATION "certification path solicitation" "RFC 3971" ["ICMPTypeCertificationPathSolicitation"];
    149 CERTIFICATION_PATH_ADVERTISEMENT "certification path advertisement" "RFC 3971" ["ICMPTypeCertificationPathAdvertisement"];
    150 EXPERIMENTAL_MOBILITY "experimental mobility" "RFC 4065" [];
    151 MULTICAST_ROUTER_ADVERTISEMENT "multicast router advertisement" "RFC 4286" ["ICMPTypeMulticastRouterAdvertisement"];
    152 MULTICAST_ROUTER_SOLICITATION "multicast router solicitation" "RFC 4286" ["ICMPTypeMulticastRouterSolicitation"];
    153 MULTICAST_ROUTER_TERMINATION "multicast router termination" "RFC 4286" ["ICMPTypeMulticastRouterTermination"];
    154 FMIPV6 "FMIPv6 message" "RFC 5568" ["ICMPTypeFMIPv6"];
    155 RPL_CONTROL "RPL control message" "RFC 6550" ["ICMPTypeRPLControl"];
    156 ILNPV6_LOCATOR_UPDATE "ILNPv6 locator update" "RFC 6743" ["ICMPTypeILNPv6LocatorUpdate"];
    157 DUPLICATE_ADDRESS_REQUEST "duplicate address request" "RFC 6775" ["ICMPTypeDuplicateAddressRequest"];
    158 DUPLICATE_ADDRESS_CONFIRMATION "duplicate address confirmation" "RFC 6775" ["ICMPTypeDuplicateAddressConfirmation"];
    159 MPL_CONTROL "MPL control message" "RFC 7731" ["ICMPTypeMPLControl"];
    160 EXTENDED_ECHO_REQUEST "extended echo request" "RFC 8335 section 2" ["ICMPTypeExtendedEchoRequest"];
    161 EXTENDED_ECHO_REPLY "extended echo reply" "RFC 8335 section 3" ["ICMPTypeExtendedEchoReply"];
    200 PRIVATE_EXPERIMENTATION_200 "private experimentation 200" "RFC 4443" [];
    201 PRIVATE_EXPERIMENTATION_201 "private experimentation 201" "RFC 4443" [];
    255 RESERVED_INFORMATIONAL_EXPANSION "reserved for expansion of informational messages" "RFC 4443" [];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_names_are_unique() {
        assert!(Icmp6Type::ASSIGNED.windows(2).all(|pair| pair[0] < pair[1]));
        for (position, kind) in Icmp6Type::ASSIGNED.iter().enumerate() {
            let name = kind.name().unwrap();
            assert!(Icmp6Type::ASSIGNED[..position].iter().all(|other| other.name() != Some(name)), "{name}");
        }
    }

    #[test]
    fn names_are_lower_case_except_acronyms() {
        let acronyms = ["FMIPv6", "ILNPv6", "MPL", "RPL"];
        for name in Icmp6Type::ASSIGNED.iter().filter_map(|kind| kind.name()) {
            for word in name.split(' ') {
                assert!(word == word.to_lowercase() || acronyms.contains(&word), "{name}");
            }
        }
    }

    #[test]
    fn every_byte_is_a_valid_type() {
        for kind in (0..=u8::MAX).map(Icmp6Type) {
            assert_eq!(kind.name().is_some(), Icmp6Type::ASSIGNED.contains(&kind), "{kind}");
            assert_eq!((kind.is_error(), kind.protocol()), (kind.0 < 128, 58));
        }
    }

    #[test]
    fn text_of_the_first_the_last_and_an_unassigned_type() {
        assert_eq!(Icmp6Type(0).to_string(), "reserved");
        assert_eq!(Icmp6Type(255).to_string(), "reserved for expansion of informational messages");
        assert_eq!(Icmp6Type(199).to_string(), "type 199");
        assert_eq!(Icmp6Type(161).name(), Some("extended echo reply"));
    }
}
