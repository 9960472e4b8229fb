//! Errors about datagrams that a socket sent, from its error queue (Linux, `include/uapi/linux/errqueue.h`).
//!
//! ```text
//!  0               4      5      6      7      8              12             16
//!  +---------------+------+------+------+------+--------------+--------------+-----------------+
//!  |     errno     |origin| type | code |  0   |     info     |     data     |   sockaddr of   |
//!  |               |      |      |      |      |              |              |  the reporter   |
//!  +---------------+------+------+------+------+--------------+--------------+-----------------+
//! ```
//!
//! This is the data of the control message `IPV6_RECVERR`. `info` is the MTU if the datagram was too big.

use core::fmt;
use core::net::Ipv6Addr;

use crate::Icmp6Type;
use crate::abi::Platform;
use crate::{sockaddr, wire};

const ORIGIN: usize = 4;
const TYPE: usize = 5;
const CODE: usize = 6;
const INFO: usize = 8;
const REPORTER: usize = 16;

/// `SO_EE_ORIGIN_LOCAL`.
const LOCAL: u8 = 1;
/// `SO_EE_ORIGIN_ICMP6`.
const ICMP6: u8 = 3;

/// An error about a datagram that the socket sent, reported by an ICMPv6 message or by this host (Linux: ipv6(7),
/// `IPV6_RECVERR`).
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
    /// Type and code of the ICMPv6 message (RFC 4443 section 3). `None` if the error does not come from ICMPv6.
    #[doc(alias = "ee_origin", alias = "ee_type", alias = "ee_code")]
    pub icmp6: Option<(Icmp6Type, u8)>,
    /// The path MTU in bytes, if the datagram exceeded it. The whole packet counts, with the IPv6 header.
    #[doc(alias = "ee_info")]
    pub mtu: Option<u32>,
    /// The address of the router or host that sent the ICMPv6 message. `None` if this host reports the error.
    #[doc(alias = "SO_EE_OFFENDER")]
    pub reporter: Option<Ipv6Addr>,
}

impl QueuedError {
    /// Creates an error with this number, which this host reports. For tests of code that handles errors.
    #[must_use]
    pub const fn new(errno: i32) -> Self {
        Self { errno, icmp6: None, mtu: None, reporter: None }
    }

    /// Sets type and code of the ICMPv6 message.
    #[must_use]
    pub const fn with_icmp6(self, kind: Icmp6Type, code: u8) -> Self {
        Self { icmp6: Some((kind, code)), ..self }
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
        let errno = wire::read_i32::<P>(data, 0)?;
        let (origin, kind, code) = (*data.get(ORIGIN)?, Icmp6Type(*data.get(TYPE)?), *data.get(CODE)?);
        let info = wire::read_u32::<P>(data, INFO)?;
        let address = data.get(REPORTER..)?;
        let icmp6 = if origin == ICMP6 { Some((kind, code)) } else { None };
        let is_too_big = match icmp6 {
            Some((kind, _)) => kind == Icmp6Type::PACKET_TOO_BIG,
            None => origin == LOCAL && info != 0,
        };
        let reporter = sockaddr::decode::<P>(address).map(|address| *address.ip());
        Some(Self {
            errno,
            icmp6,
            mtu: if is_too_big { Some(info) } else { None },
            reporter: reporter.filter(|address| !address.is_unspecified()),
        })
    }
}

impl fmt::Display for QueuedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.icmp6 {
            Some((kind, code)) => write!(f, "{kind}, code {code}")?,
            None => write!(f, "error {}", self.errno)?,
        }
        if let Some(mtu) = self.mtu {
            write!(f, ", MTU {mtu}")?;
        }
        match self.reporter {
            Some(reporter) => write!(f, ", reported by {reporter}"),
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

    #[test]
    fn an_error_reported_by_this_host() {
        let mut data = LITTLE;
        (data[4], data[5]) = (LOCAL, 0);
        data[16..].fill(0);
        let error = QueuedError::decode::<Linux64>(&data).unwrap();
        assert_eq!((error.icmp6, error.mtu, error.reporter), (None, Some(1400), None));
        assert_eq!(error, QueuedError::new(90).with_mtu(1400));
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
}
