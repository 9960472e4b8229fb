//! Errors about datagrams that a socket sent, from its error queue (Linux).

use core::fmt;
use core::net::Ipv6Addr;

use crate::abi::Platform;
use crate::{ExtendedError, Icmp6Type, IcmpType};

/// The code of an ICMP message "destination unreachable": the datagram is too long for its path (RFC 1191 section 4).
const FRAGMENTATION_NEEDED: u8 = 4;

/// An error about a datagram that the socket sent, reported by an ICMPv6 message, by an ICMP message or by this host (Linux:
/// ipv6(7), `IPV6_RECVERR`; ip(7), `IP_RECVERR`).
///
/// ```
/// use ipv6_core::{Icmp6Type, QueuedError};
/// // What a test passes to the code that handles errors: EMSGSIZE of Linux, reported by a router.
/// let router = "2001:db8::1".parse().unwrap();
/// let error = QueuedError::new(90).with_icmp6(Icmp6Type::PACKET_TOO_BIG, 0).with_mtu(1400).with_reporter(router);
/// assert_eq!(error.to_string(), "packet too big, code 0, MTU 1400, reported by 2001:db8::1");
/// ```
#[doc(alias = "sock_extended_err", alias = "IPV6_RECVERR", alias = "MSG_ERRQUEUE")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct QueuedError {
    /// The error number of the system that wrote it, such as 113 for `EHOSTUNREACH` on most architectures of Linux.
    #[doc(alias = "ee_errno")]
    pub errno: i32,
    /// Type and code of the ICMPv6 message (RFC 4443 section 3). `None` if the error does not come from ICMPv6:
    /// [`origin`](Self::origin) has all cases.
    #[doc(alias = "ee_origin", alias = "ee_type", alias = "ee_code")]
    pub icmp6: Option<(Icmp6Type, u8)>,
    /// Type and code of the ICMP message (RFC 792), if the datagram was sent over IPv4 by a dual-stack socket. `None` if the
    /// error does not come from ICMP.
    #[doc(alias = "ee_origin", alias = "ee_type", alias = "ee_code")]
    #[cfg_attr(feature = "serde", serde(default))]
    pub icmp: Option<(IcmpType, u8)>,
    /// The path MTU in bytes, if the datagram exceeded it. The whole packet counts, with the IPv6 or the IPv4 header.
    #[doc(alias = "ee_info")]
    pub mtu: Option<u32>,
    /// The address of the router or host that sent the ICMPv6 or ICMP message; an IPv4 address is IPv4-mapped. `None` if this
    /// host reports the error.
    #[doc(alias = "SO_EE_OFFENDER")]
    pub reporter: Option<Ipv6Addr>,
}

/// The origin of a [`QueuedError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ErrorOrigin {
    /// This host. The datagram did not leave it, for example.
    #[doc(alias = "SO_EE_ORIGIN_LOCAL")]
    Host,
    /// An ICMPv6 message with this type and code (RFC 4443 section 3).
    #[doc(alias = "SO_EE_ORIGIN_ICMP6")]
    Icmp6(Icmp6Type, u8),
    /// An ICMP message, over IPv4, with this type and code (RFC 792).
    #[doc(alias = "SO_EE_ORIGIN_ICMP")]
    Icmp(IcmpType, u8),
}

impl QueuedError {
    /// Creates an error with this number, which this host reports. For tests of code that handles errors.
    #[must_use]
    pub const fn new(errno: i32) -> Self {
        Self { errno, icmp6: None, icmp: None, mtu: None, reporter: None }
    }

    /// Sets type and code of the ICMPv6 message.
    #[must_use]
    pub const fn with_icmp6(self, kind: Icmp6Type, code: u8) -> Self {
        Self { icmp6: Some((kind, code)), icmp: None, ..self }
    }

    /// Sets type and code of the ICMP message.
    #[must_use]
    pub const fn with_icmp(self, kind: IcmpType, code: u8) -> Self {
        Self { icmp: Some((kind, code)), icmp6: None, ..self }
    }

    /// Sets the path MTU, in bytes.
    #[must_use]
    pub const fn with_mtu(self, mtu: u32) -> Self {
        Self { mtu: Some(mtu), ..self }
    }

    /// Sets the address of the router or host that reports the error.
    #[must_use]
    pub const fn with_reporter(self, reporter: Ipv6Addr) -> Self {
        Self { reporter: Some(reporter), ..self }
    }

    /// Decodes the data of a control message `IPV6_RECVERR`. `None` if it has fewer than 16 bytes.
    ///
    /// [`reporter`](Self::reporter) is `None` if no address follows the structure, or an address of another family.
    ///
    /// ```
    /// use ipv6_core::abi::Linux64;
    /// use ipv6_core::{Icmp6Type, QueuedError};
    /// // EHOSTUNREACH, from ICMPv6 type 1 code 3, without the address of the reporter.
    /// let data = [113, 0, 0, 0, 3, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    /// let error = QueuedError::decode::<Linux64>(&data).unwrap();
    /// assert_eq!(error.icmp6, Some((Icmp6Type::DESTINATION_UNREACHABLE, 3)));
    /// assert_eq!((error.errno, error.mtu, error.reporter), (113, None, None));
    /// ```
    #[must_use]
    pub fn decode<P: Platform>(data: &[u8]) -> Option<Self> {
        ExtendedError::decode::<P>(data).map(Self::from)
    }

    /// Returns who reports the error, with type and code of the message.
    ///
    /// ```
    /// use ipv6_core::{ErrorOrigin, IcmpType, QueuedError};
    /// let error = QueuedError::new(111).with_icmp(IcmpType::DESTINATION_UNREACHABLE, 3);
    /// assert_eq!(error.origin(), ErrorOrigin::Icmp(IcmpType::DESTINATION_UNREACHABLE, 3));
    /// ```
    #[doc(alias = "ee_origin")]
    #[must_use]
    pub const fn origin(&self) -> ErrorOrigin {
        match (self.icmp6, self.icmp) {
            (Some((kind, code)), _) => ErrorOrigin::Icmp6(kind, code),
            (None, Some((kind, code))) => ErrorOrigin::Icmp(kind, code),
            (None, None) => ErrorOrigin::Host,
        }
    }
}

impl From<ExtendedError> for QueuedError {
    /// Interprets an entry of the queue that is an error.
    fn from(entry: ExtendedError) -> Self {
        let ExtendedError { errno, origin, kind, code, info, data: _, extensions: _, reporter } = entry;
        let mut error = Self { reporter, ..Self::new(errno) };
        let is_too_big = match origin {
            ExtendedError::ICMP6 => {
                error.icmp6 = Some((Icmp6Type(kind), code));
                Icmp6Type(kind) == Icmp6Type::PACKET_TOO_BIG
            }
            ExtendedError::ICMP => {
                error.icmp = Some((IcmpType(kind), code));
                IcmpType(kind) == IcmpType::DESTINATION_UNREACHABLE && code == FRAGMENTATION_NEEDED
            }
            ExtendedError::LOCAL => info != 0,
            _ => false,
        };
        error.mtu = is_too_big.then_some(info);
        error
    }
}

impl fmt::Display for QueuedError {
    /// For example `packet too big, code 0, MTU 1400, reported by 2001:db8::1`. An IPv4-mapped reporter is written as IPv4.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.origin() {
            ErrorOrigin::Icmp6(kind, code) => write!(f, "{kind}, code {code}")?,
            ErrorOrigin::Icmp(kind, code) => write!(f, "{kind}, code {code}")?,
            ErrorOrigin::Host => write!(f, "error {}", self.errno)?,
        }
        if let Some(mtu) = self.mtu {
            write!(f, ", MTU {mtu}")?;
        }
        match self.reporter {
            Some(reporter) => write!(f, ", reported by {}", reporter.to_canonical()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;
    use crate::abi::{Linux64, Linux64Be};

    /// Packet too big, reported by 2001:db8::1, MTU 1400. EMSGSIZE is 90.
    const LITTLE: [u8; 44] = [
        90, 0, 0, 0, 3, 2, 0, 0, 0x78, 5, 0, 0, 0, 0, 0, 0, //
        10, 0, 0, 0, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,
    ];

    #[test]
    fn golden() {
        let error = QueuedError {
            errno: 90,
            icmp6: Some((Icmp6Type::PACKET_TOO_BIG, 0)),
            icmp: None,
            mtu: Some(1400),
            reporter: "2001:db8::1".parse().ok(),
        };
        assert_eq!(QueuedError::decode::<Linux64>(&LITTLE), Some(error));
        let mut big = LITTLE;
        big[..4].reverse();
        big[8..12].reverse();
        big[16..18].reverse();
        assert_eq!(QueuedError::decode::<Linux64Be>(&big), Some(error));
        assert_eq!(error.to_string(), "packet too big, code 0, MTU 1400, reported by 2001:db8::1");
    }

    // Scar 56: the kernel writes IPV6_RECVERR for IPv4 too, with the type and the code of ICMP, and a mapped address.
    #[test]
    fn an_error_of_icmp_is_not_read_as_icmpv6() {
        let mut data = LITTLE;
        // EMSGSIZE, ICMP, type 3 code 4: fragmentation needed, MTU 1400, reported by ::ffff:192.0.2.1.
        data[4..7].copy_from_slice(&[ExtendedError::ICMP, 3, 4]);
        data[24..40].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1]);
        let error = QueuedError::decode::<Linux64>(&data).unwrap();
        let reporter = "::ffff:192.0.2.1".parse().unwrap();
        let expected = QueuedError::new(90).with_icmp(IcmpType::DESTINATION_UNREACHABLE, 4).with_mtu(1400);
        assert_eq!(error, expected.with_reporter(reporter));
        assert_eq!((error.icmp6, error.origin()), (None, ErrorOrigin::Icmp(IcmpType(3), 4)));
        let text = "ICMP destination unreachable, code 4, MTU 1400, reported by 192.0.2.1";
        assert_eq!(error.to_string(), text);
        // ICMPv6 type 3 is time exceeded. Of other codes and types of ICMP, the word is no MTU.
        for (kind, code) in [(3, 1), (11, 0), (12, 0), (2, 0)] {
            data[5..7].copy_from_slice(&[kind, code]);
            let error = QueuedError::decode::<Linux64>(&data).unwrap();
            assert_eq!((error.mtu, error.origin()), (None, ErrorOrigin::Icmp(IcmpType(kind), code)));
        }
    }

    #[test]
    fn an_error_reported_by_this_host() {
        let mut data = LITTLE;
        (data[4], data[5]) = (ExtendedError::LOCAL, 0);
        data[16..].fill(0);
        let error = QueuedError::decode::<Linux64>(&data).unwrap();
        assert_eq!((error.icmp6, error.mtu, error.reporter), (None, Some(1400), None));
        assert_eq!(error, QueuedError::new(90).with_mtu(1400));
        assert_eq!(error.origin(), ErrorOrigin::Host);
        assert_eq!(error.to_string(), "error 90, MTU 1400");
    }

    // Scar 10 (nix#1514): the address of the reporter was read without checking that it is there.
    #[test]
    fn an_error_without_an_address_has_no_reporter() {
        // The address is missing, truncated, unspecified, or of another family.
        let mut none = LITTLE;
        none[24..].fill(0);
        let mut ipv4 = LITTLE;
        ipv4[16] = 2;
        for data in [&LITTLE[..16], &LITTLE[..43], &none, &ipv4] {
            let error = QueuedError::decode::<Linux64>(data).unwrap();
            assert_eq!((error.mtu, error.reporter), (Some(1400), None));
        }
        let short: Vec<_> = (0..16).map(|len| QueuedError::decode::<Linux64>(&LITTLE[..len])).collect();
        assert!(short.iter().all(Option::is_none));
    }

    #[test]
    fn an_error_has_the_type_of_one_protocol() {
        let error = QueuedError::new(90).with_icmp6(Icmp6Type::PACKET_TOO_BIG, 1);
        let icmp = error.with_icmp(IcmpType::DESTINATION_UNREACHABLE, 4);
        assert_eq!((icmp.icmp6, icmp.icmp), (None, Some((IcmpType::DESTINATION_UNREACHABLE, 4))));
        assert_eq!(icmp.with_icmp6(Icmp6Type::PACKET_TOO_BIG, 1), error);
    }
}
