//! The control messages that a socket delivers.

use crate::abi::Platform;
use crate::message::{self, Ecn, FlowLabel, HopLimit, PacketInfo, PathMtu, TrafficClass};

crate::flag_set! {
    /// Which control messages a socket delivers with each received datagram.
    ///
    /// On a dual-stack socket (`IPV6_V6ONLY` is off), each flag stands for the message of IPv4 too, where there is one.
    ///
    /// ```
    /// use ipv6_core::{ControlFlags, abi::Linux64};
    /// let flags = ControlFlags::TRAFFIC_CLASS | ControlFlags::DESTINATION | ControlFlags::INTERFACE;
    /// // Destination and interface arrive in one message.
    /// assert_eq!(flags.space::<Linux64>(), 24 + 40);
    /// ```
    #[doc(alias = "NewControlMessage")]
    pub struct ControlFlags: u32 {
        /// The traffic class (`IPV6_RECVTCLASS`, RFC 3542 section 6.5). All systems.
        #[doc(alias = "IPV6_RECVTCLASS", alias = "FlagTrafficClass")]
        const TRAFFIC_CLASS = 1 << 0;
        /// The hop limit (`IPV6_RECVHOPLIMIT`, RFC 3542 section 6.3). All systems.
        #[doc(alias = "IPV6_RECVHOPLIMIT", alias = "FlagHopLimit")]
        const HOP_LIMIT = 1 << 1;
        /// The destination address (`IPV6_RECVPKTINFO`, RFC 3542 section 6.1). All systems.
        #[doc(alias = "IPV6_RECVPKTINFO", alias = "FlagDst")]
        const DESTINATION = 1 << 2;
        /// The interface that received the datagram (`IPV6_RECVPKTINFO`, RFC 3542 section 6.1). All systems.
        #[doc(alias = "IPV6_RECVPKTINFO", alias = "FlagInterface")]
        const INTERFACE = 1 << 3;
        /// Changes of a path MTU (`IPV6_RECVPATHMTU`, RFC 3542 section 11.3). Each arrives as a message of its own, with
        /// an empty payload. All systems except Windows. OpenBSD accepts the option and never delivers the message. There
        /// is no such message for IPv4: a queued error (`IP_RECVERR`, Linux) has the path MTU.
        #[doc(alias = "IPV6_RECVPATHMTU", alias = "FlagPathMTU")]
        const PATH_MTU = 1 << 4;
        /// The flow label (`IPV6_FLOWINFO`, RFC 6437). Linux only.
        #[doc(alias = "IPV6_FLOWINFO")]
        const FLOW_LABEL = 1 << 5;
    }
}

/// The mark in [`ControlFlags::SUPPORTED`].
const AS_SUPPORTED: u32 = 1 << 31;

/// Generates the functions of the flags from the rows of deliveries.
macro_rules! deliveries {
    ($($OPTION:ident: $($FLAG:ident)|+ => $($Message:ident),+;)*) => {
        impl ControlFlags {
            /// Returns the bytes of control buffer that the messages of these flags take on platform `P`.
            ///
            /// These messages always fit in a buffer of this size, aligned to the platform's headers: those of a
            /// datagram over IPv4 take no more room than those over IPv6. Messages that other options enable need
            /// room of their own.
            #[doc(alias = "NewControlMessage", alias = "CMSG_SPACE")]
            #[must_use]
            pub const fn space<P: Platform>(self) -> usize {
                let mut space = 0_usize;
                $(if self.intersects(Self::empty()$(.union(Self::$FLAG))+) {
                    $(space = space.saturating_add(message::space_of::<$Message, P>());)+
                })*
                space
            }

            /// Returns the flags whose messages platform `P` has.
            #[must_use]
            pub const fn supported_by<P: Platform>() -> Self {
                let mut supported = Self::empty();
                $(
                    let flags = Self::empty()$(.union(Self::$FLAG))+;
                    if flags.space::<P>() != 0 {
                        supported = supported.union(flags);
                    }
                )*
                supported
            }
        }

        const _: () = {
            let delivered = ControlFlags::empty()$($(.union(ControlFlags::$FLAG))+)*;
            assert!(delivered.is_all(), "a flag has no row in ipv6-core/src/rows.rs");
        };
    };
}

for_each_delivery!(deliveries);

impl ControlFlags {
    /// All flags that the system supports. Enabling them is not an error on a system that lacks some;
    /// `ipv6_std::Conn::control_flags` then returns those that are enabled.
    ///
    /// (This crate has no `cfg` on an operating system. So this value is all flags and a mark, which
    /// [`as_supported_by`](Self::as_supported_by) resolves for a platform. Because of the mark it is not equal to the flags
    /// that are enabled: compare those with [`supported_by`](Self::supported_by).)
    pub const SUPPORTED: Self = Self::all().union(Self::from_bits_retain(AS_SUPPORTED));

    /// Returns these flags on platform `P`: if they contain the mark of [`SUPPORTED`](Self::SUPPORTED), the flags that
    /// `P` lacks are removed.
    ///
    /// ```
    /// use ipv6_core::ControlFlags;
    /// use ipv6_core::abi::{Linux64, Windows64};
    /// let flags = ControlFlags::SUPPORTED;
    /// assert_eq!(flags.as_supported_by::<Linux64>(), ControlFlags::all());
    /// assert!(!flags.as_supported_by::<Windows64>().contains(ControlFlags::PATH_MTU));
    /// assert_eq!(ControlFlags::all().as_supported_by::<Windows64>(), ControlFlags::all());
    /// ```
    #[must_use]
    pub const fn as_supported_by<P: Platform>(self) -> Self {
        let named = Self::from_bits_truncate(self.bits());
        if self.bits() & AS_SUPPORTED == 0 { named } else { named.intersection(Self::supported_by::<P>()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Apple, Linux64, Windows64};

    // Scar 3 (noq#778): a buffer that did not grow with the enabled messages lost the ECN.
    #[test]
    fn each_flag_reserves_room_for_its_messages() {
        let all = ControlFlags::all();
        assert_eq!(all.space::<Linux64>(), 24 + 24 + 40 + 48 + 24);
        assert_eq!(ControlFlags::empty().space::<Linux64>(), 0);
        for flags in [ControlFlags::from_bits_retain(u32::MAX), ControlFlags::SUPPORTED] {
            assert_eq!(flags.space::<Linux64>(), all.space::<Linux64>());
        }
        for flag in all.iter() {
            assert!(flag.space::<Linux64>() > 0, "{flag:?}");
        }
    }

    #[test]
    fn the_supported_flags_are_those_whose_messages_the_platform_has() {
        assert!(ControlFlags::supported_by::<Linux64>().is_all());
        let apple = ControlFlags::all() - ControlFlags::FLOW_LABEL;
        assert_eq!(ControlFlags::supported_by::<Apple>(), apple);
        assert_eq!(ControlFlags::SUPPORTED.as_supported_by::<Apple>(), apple);
        assert_eq!(ControlFlags::supported_by::<Windows64>(), apple - ControlFlags::PATH_MTU);
        // Without the mark, the flags stay.
        assert_eq!(ControlFlags::all().as_supported_by::<Apple>(), ControlFlags::all());
    }
}
