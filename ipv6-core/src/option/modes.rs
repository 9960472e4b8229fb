//! Option values that are one of several modes. Each is an `int`, whose meaning may differ between systems.

use crate::abi::{OptionNumber, Platform};

/// How the kernel uses path MTU discovery (RFC 8201) for sent packets (`IPV6_MTU_DISCOVER`). The path MTU of a
/// destination is what the kernel has learnt from ICMPv6 messages (Packet Too Big), at most the MTU of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
#[doc(alias = "IPV6_MTU_DISCOVER", alias = "IP_MTU_DISCOVER")]
pub enum PathMtuDiscovery {
    /// Packets that are larger than the path MTU are fragmented. IPv6 has no other way to ignore the path MTU; for IPv4, the
    /// packets have no DF bit.
    #[doc(alias = "IPV6_PMTUDISC_DONT", alias = "IP_PMTUDISC_DONT")]
    Off,
    /// The default of Linux: packets that are larger than the path MTU are fragmented. On Windows, the system's setting.
    #[doc(alias = "IPV6_PMTUDISC_WANT", alias = "IP_PMTUDISC_WANT", alias = "IP_PMTUDISC_NOT_SET")]
    Want,
    /// Packets that are larger than the path MTU are refused, on Linux with `EMSGSIZE`.
    #[doc(alias = "IPV6_PMTUDISC_DO", alias = "IP_PMTUDISC_DO")]
    Require,
    /// The path MTU is ignored: packets are limited by the MTU of the interface only, and larger ones are refused. For
    /// programs that probe the path, such as QUIC (RFC 8899).
    #[doc(alias = "IPV6_PMTUDISC_PROBE", alias = "IP_PMTUDISC_PROBE")]
    Probe,
    /// As `Probe`, and the kernel does not learn a path MTU from the ICMPv6 messages about these packets, which anybody could
    /// forge. Linux only.
    #[doc(alias = "IPV6_PMTUDISC_INTERFACE", alias = "IP_PMTUDISC_INTERFACE")]
    Interface,
    /// As `Interface`, and packets that are larger than the MTU of the interface are fragmented. Linux only.
    #[doc(alias = "IPV6_PMTUDISC_OMIT", alias = "IP_PMTUDISC_OMIT")]
    Omit,
}

impl PathMtuDiscovery {
    /// Each mode, with its numbers on Linux (`linux/in6.h`) and on Windows (`ws2ipdef.h`).
    const MODES: [(Self, i32, Option<i32>); 6] = [
        (Self::Off, 0, Some(2)),
        (Self::Want, 1, Some(0)),
        (Self::Require, 2, Some(1)),
        (Self::Probe, 3, Some(3)),
        (Self::Interface, 4, None),
        (Self::Omit, 5, None),
    ];

    /// The number of a mode on `P`. The systems that number the option as Windows does number its modes so.
    const fn on<P: Platform>(linux: i32, windows: Option<i32>) -> Option<i32> {
        match P::ABI.options.path_mtu_discovery {
            Some(OptionNumber { name: 71, .. }) => windows,
            Some(_) => Some(linux),
            None => None,
        }
    }

    /// Returns the number of the mode on platform `P`; `None` when `P` has no such mode.
    #[must_use]
    pub fn number<P: Platform>(self) -> Option<i32> {
        let (_, linux, windows) = Self::MODES.into_iter().find(|(mode, ..)| *mode == self)?;
        Self::on::<P>(linux, windows)
    }

    /// Returns the mode with a number on platform `P`; `None` for a number without a mode.
    #[must_use]
    pub fn from_number<P: Platform>(number: i32) -> Option<Self> {
        let has =
            |(_, linux, windows): &(Self, i32, Option<i32>)| Self::on::<P>(*linux, *windows) == Some(number);
        Self::MODES.iter().find(|mode| has(mode)).map(|(mode, ..)| *mode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Apple, Linux32Be, Linux64, Windows64};

    #[test]
    fn modes_have_the_numbers_of_the_headers() {
        use PathMtuDiscovery::*;
        let numbers =
            |of: fn(PathMtuDiscovery) -> Option<i32>| [Off, Want, Require, Probe, Interface, Omit].map(of);
        let linux = [0, 1, 2, 3, 4, 5].map(Some);
        assert_eq!(numbers(PathMtuDiscovery::number::<Linux64>), linux);
        assert_eq!(numbers(PathMtuDiscovery::number::<Linux32Be>), linux);
        assert_eq!(
            numbers(PathMtuDiscovery::number::<Windows64>),
            [Some(2), Some(0), Some(1), Some(3), None, None]
        );
        assert_eq!(numbers(PathMtuDiscovery::number::<Apple>), [None; 6]);
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for number in -2..8 {
            let mode = PathMtuDiscovery::from_number::<Linux64>(number);
            assert_eq!(mode.and_then(|mode| mode.number::<Linux64>()), mode.map(|_| number));
            assert_eq!(mode.is_some(), (0..6).contains(&number));
            let mode = PathMtuDiscovery::from_number::<Windows64>(number);
            assert_eq!(mode.and_then(|mode| mode.number::<Windows64>()), mode.map(|_| number));
            assert_eq!(mode.is_some(), (0..4).contains(&number));
        }
    }
}
