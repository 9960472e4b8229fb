//! `struct sock_extended_err`: an entry of a socket's error queue (Linux, `include/uapi/linux/errqueue.h`).
//!
//! ```text
//!  0               4      5      6      7      8              12             16
//!  +---------------+------+------+------+------+--------------+--------------+-----------------+
//!  |     errno     |origin| type | code |  0   |     info     |     data     |   sockaddr of   |
//!  |               |      |      |      |      |              |              |  the reporter   |
//!  +---------------+------+------+------+------+--------------+--------------+-----------------+
//! ```
//!
//! This is the data of the control message `IPV6_RECVERR`, on a dual-stack socket for IPv4 too: the address of the reporter
//! is then IPv4-mapped (`ipv6_recv_error` in `net/ipv6/datagram.c`).

use core::net::Ipv6Addr;

use crate::abi::Platform;
use crate::{sockaddr, wire};

const ORIGIN: usize = 4;
const INFO: usize = 8;
const DATA: usize = 12;
const FLAGS: usize = 14;
const REPORTER: usize = 16;

/// An entry of the error queue (Linux), as the kernel wrote it: an error, a timestamp, or a zero-copy notice. For an error,
/// [`QueuedError::from`](crate::QueuedError) interprets it.
#[doc(alias = "sock_extended_err", alias = "IPV6_RECVERR", alias = "IP_RECVERR")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ExtendedError {
    /// The error number of the system that wrote it.
    #[doc(alias = "ee_errno")]
    pub errno: i32,
    /// Who wrote the entry: one of the constants here, or another number.
    #[doc(alias = "ee_origin")]
    pub origin: u8,
    /// The type of the ICMP or ICMPv6 message; the meaning for other origins is theirs.
    #[doc(alias = "ee_type")]
    pub kind: u8,
    /// The code of the ICMP or ICMPv6 message; the meaning for other origins is theirs.
    #[doc(alias = "ee_code")]
    pub code: u8,
    /// The meaning depends on the origin and the type. It is the path MTU if the datagram was too big.
    #[doc(alias = "ee_info")]
    pub info: u32,
    /// The meaning depends on the origin.
    #[doc(alias = "ee_data")]
    pub data: u32,
    /// Where the extensions of the message start in the quoted payload (RFC 4884), which
    /// [`IcmpExtensions`](crate::IcmpExtensions) reads. `None` without the option `IPV6_RECVERR_RFC4884`, if there are none,
    /// and if the kernel found them invalid.
    #[doc(alias = "ee_rfc4884", alias = "sock_ee_data_rfc4884")]
    pub extensions: Option<u16>,
    /// The address that follows the structure, which is that of the node that sent the message. `None` if there is none, or
    /// one of another family than `AF_INET6`.
    #[doc(alias = "SO_EE_OFFENDER")]
    pub reporter: Option<Ipv6Addr>,
}

impl ExtendedError {
    /// `SO_EE_ORIGIN_LOCAL`: this host.
    #[doc(alias = "SO_EE_ORIGIN_LOCAL")]
    pub const LOCAL: u8 = 1;
    /// `SO_EE_ORIGIN_ICMP`: an ICMP message, over IPv4.
    #[doc(alias = "SO_EE_ORIGIN_ICMP")]
    pub const ICMP: u8 = 2;
    /// `SO_EE_ORIGIN_ICMP6`: an ICMPv6 message.
    #[doc(alias = "SO_EE_ORIGIN_ICMP6")]
    pub const ICMP6: u8 = 3;
    /// `SO_EE_ORIGIN_TIMESTAMPING`: the time at which a datagram was sent.
    #[doc(alias = "SO_EE_ORIGIN_TIMESTAMPING", alias = "SO_EE_ORIGIN_TXSTATUS")]
    pub const TIMESTAMPING: u8 = 4;
    /// `SO_EE_ORIGIN_ZEROCOPY`: the end of sends with `MSG_ZEROCOPY`.
    #[doc(alias = "SO_EE_ORIGIN_ZEROCOPY")]
    pub const ZEROCOPY: u8 = 5;

    /// Creates an entry with this error number and this origin, and zeros otherwise. For tests of code that handles entries.
    #[must_use]
    pub const fn new(errno: i32, origin: u8) -> Self {
        Self { errno, origin, kind: 0, code: 0, info: 0, data: 0, extensions: None, reporter: None }
    }

    /// Decodes the data of a control message `IPV6_RECVERR`. `None` if it has fewer than 16 bytes.
    #[must_use]
    pub fn decode<P: Platform>(data: &[u8]) -> Option<Self> {
        let address = data.get(REPORTER..)?;
        let [origin, kind, code] = wire::chunk::<3>(data, ORIGIN)?;
        let reporter = sockaddr::decode::<P>(address).map(|address| *address.ip());
        // The word of `data`, for ICMP and ICMPv6: an offset of two bytes, and flags of which the lowest is "invalid".
        let is_icmp = matches!(origin, Self::ICMP | Self::ICMP6);
        let offset = wire::read_u16::<P>(data.get(DATA..FLAGS)?)?;
        let is_valid = data.get(FLAGS)? & 1 == 0;
        Some(Self {
            extensions: Some(offset).filter(|offset| is_icmp && is_valid && *offset != 0),
            errno: wire::read_i32::<P>(data, 0)?,
            origin,
            kind,
            code,
            info: wire::read_u32::<P>(data, INFO)?,
            data: wire::read_u32::<P>(data, DATA)?,
            reporter: reporter.filter(|address| !address.is_unspecified()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_those_of_icmp_that_the_kernel_found_valid() {
        use crate::abi::Linux64;

        //              errno       origin type code       info        offset, flags
        let bytes = [111, 0, 0, 0, 3, 1, 4, 0, 0, 0, 0, 0, 0x80, 0, 0, 0];
        let extensions = |changes: &[(usize, u8)]| {
            let mut bytes = bytes;
            for (at, value) in changes {
                bytes[*at] = *value;
            }
            ExtendedError::decode::<Linux64>(&bytes).unwrap().extensions
        };
        assert_eq!(extensions(&[]), Some(128));
        assert_eq!(extensions(&[(ORIGIN, ExtendedError::ICMP)]), Some(128));
        // Of the flags, only the lowest is "invalid".
        assert_eq!(extensions(&[(FLAGS, 0xfe)]), Some(128));
        assert_eq!(extensions(&[(FLAGS, 1)]), None);
        assert_eq!(extensions(&[(DATA, 0)]), None);
        // Timestamps and zero-copy notices have other data there.
        assert_eq!(extensions(&[(ORIGIN, 4)]), None);
        assert_eq!(extensions(&[(ORIGIN, 5), (FLAGS, 1)]), None);
    }
}
