//! Errors about datagrams that were sent, as Linux queues them (`include/uapi/linux/errqueue.h`).
//!
//! ```text
//!  0               4      5      6      7      8              12             16
//!  +---------------+------+------+------+------+--------------+--------------+-----------------+
//!  |     errno     |origin| type | code |  0   |     info     |     data     | sockaddr of the |
//!  |               |      |      |      |      |              |              | one who reports |
//!  +---------------+------+------+------+------+--------------+--------------+-----------------+
//! ```
//!
//! That is the control message `IPV6_RECVERR`. `info` is the MTU where something was too big.

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

/// What went wrong with a datagram that was sent, as an ICMPv6 message or this host itself reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedError {
    /// The system's number for it, as in `EHOSTUNREACH`.
    pub errno: i32,
    /// Type and code of the ICMPv6 message (RFC 4443 section 3); `None` of what another reports.
    pub icmp6: Option<(Icmp6Type, u8)>,
    /// The greatest packet that would have fit, where this one did not.
    pub mtu: Option<u32>,
    /// Who reports it: a router, the destination, or nobody where this host does.
    pub reporter: Option<Ipv6Addr>,
}

impl QueuedError {
    /// Decodes the data of a control message `IPV6_RECVERR`; `None` when it is too short for one. Without an address
    /// behind it, or with one of another family, there is no reporter.
    ///
    /// ```
    /// use ipv6_core::abi::Linux64;
    /// use ipv6_core::{Icmp6Type, QueuedError};
    /// // EHOSTUNREACH, by ICMPv6 type 1 code 3, and nothing of who says so.
    /// let data = [113, 0, 0, 0, 3, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    /// let error = QueuedError::decode::<Linux64>(&data).unwrap();
    /// assert_eq!(error.icmp6, Some((Icmp6Type::DESTINATION_UNREACHABLE, 3)));
    /// assert_eq!((error.errno, error.mtu, error.reporter), (113, None, None));
    /// ```
    pub fn decode<P: Platform>(data: &[u8]) -> Option<Self> {
        let errno = wire::read_i32::<P>(data, 0)?;
        let (origin, kind, code) = (*data.get(ORIGIN)?, Icmp6Type(*data.get(TYPE)?), *data.get(CODE)?);
        let info = wire::read_u32::<P>(data, INFO)?;
        let behind = data.get(REPORTER..)?;
        let icmp6 = if origin == ICMP6 { Some((kind, code)) } else { None };
        let is_too_big = match icmp6 {
            Some((kind, _)) => kind == Icmp6Type::PACKET_TOO_BIG,
            None => origin == LOCAL && info != 0,
        };
        let reporter = sockaddr::decode::<P>(behind).map(|address| *address.ip());
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
            write!(f, ", at most {mtu} bytes")?;
        }
        match self.reporter {
            Some(reporter) => write!(f, ", says {reporter}"),
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

    /// A packet too big at 2001:db8::1, which takes 1400 bytes: EMSGSIZE is 90.
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
        assert_eq!(error.to_string(), "packet too big, code 0, at most 1400 bytes, says 2001:db8::1");
    }

    #[test]
    fn of_this_host() {
        let mut data = LITTLE;
        (data[4], data[5]) = (LOCAL, 0);
        data[16..].fill(0);
        let error = QueuedError::decode::<Linux64>(&data).unwrap();
        assert_eq!((error.icmp6, error.mtu, error.reporter), (None, Some(1400), None));
        assert_eq!(error.to_string(), "error 90, at most 1400 bytes");
    }

    #[test]
    fn scar_10_an_error_without_an_offender_has_no_reporter() {
        // Neither behind the structure, nor of this family, nor any address in it.
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
