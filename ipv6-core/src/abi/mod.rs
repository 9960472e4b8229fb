//! The differences between systems, as data: one [`Abi`] for each platform.
//!
//! A platform is a type without values that has one constant. Codecs are generic over it and read `P::ABI` in their own
//! bodies, so that the compiler folds the tables away.
//!
//! ```
//! use ipv6_core::abi::{Linux32, Linux64, Platform};
//!
//! // The bytes of one traffic class message: the width of the header differs.
//! assert_eq!(Linux64::ABI.cmsg.space(4), 24);
//! assert_eq!(Linux32::ABI.cmsg.space(4), 16);
//! ```
//!
//! [`with`] finds a platform by name at run time, and [`NAMES`] lists them.
//!
//! # Describe an unknown system
//!
//! A program describes another system with the same types, and every codec of this crate reads and writes its bytes. The facts
//! are in the system's headers:
//!
//! 1. The byte order, and of `struct cmsghdr` the width of `cmsg_len` and the alignments in `CMSG_NXTHDR` (headers) and
//!    `CMSG_DATA` (data): [`CmsgLayout`].
//! 2. The number of `AF_INET6` and the fields of `struct sockaddr_in6`: [`SockaddrLayout`]. Its constructor has the fields of
//!    RFC 3493; the other functions move or remove them.
//! 3. Level, type and size of each control message: [`ControlNumbers`]. What the table lacks is an error when it is encoded,
//!    and unknown when it is decoded.
//! 4. If the program needs them: socket options ([`OptionNumbers`]), group requests ([`GroupReqLayout`]), the ICMPv6 filter
//!    ([`FilterPolarity`]), and how dual-stack sockets exchange datagrams with IPv4 peers ([`Mapped`]).
//!
//! This system has the structures of Zephyr on 32-bit ARM (`include/zephyr/net/net_ip.h`): `struct sockaddr_in6` has no flow
//! information, and a scope of one byte. The numbers of the two messages are those of Linux, as an example.
//!
//! ```
//! use ipv6_core::abi::{Abi, CmsgLayout, ControlNumber, ControlNumbers, Endian, Platform, SockaddrLayout, Width};
//! use ipv6_core::cmsg::RawMessages;
//! use ipv6_core::message::{Decoded, HopLimit};
//! use ipv6_core::{RecvControl, SendControl, sockaddr};
//!
//! enum Zephyr {}
//!
//! impl Platform for Zephyr {
//!     const ABI: Abi = Abi::new(
//!         Endian::Little,
//!         // cmsg_len has 32 bits. Headers and data are aligned to eight.
//!         CmsgLayout::new(Width::Four, 8, 8),
//!         // AF_INET6 is 2. The address is at offset 4, the scope at 20; the size is 24.
//!         SockaddrLayout::new(2, false, 24).with_address(4).with_flow_info(None).with_scope(Some(20), 1),
//!     )
//!     .with_control(
//!         ControlNumbers::NONE
//!             .with_hop_limit(ControlNumber::new(41, 52, 4))
//!             .with_traffic_class(ControlNumber::new(41, 67, 4)),
//!     );
//! }
//!
//! // Encode: a header of 16 bytes with its padding, and four bytes of data with theirs.
//! let sent = SendControl::new().with_hop_limit(9);
//! let mut control = [0; 24];
//! assert_eq!(sent.encode::<Zephyr>(&mut control), Ok(24));
//! assert_eq!(control, [20, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
//!
//! // Decode: as fields, as what was sent, and message by message.
//! assert_eq!(RecvControl::decode::<Zephyr>(&control)?.hop_limit, Some(9));
//! assert_eq!(SendControl::decode::<Zephyr>(&control)?, sent);
//! let mut messages = RawMessages::<Zephyr>::new(&control).decoded();
//! assert_eq!(messages.next(), Some(Ok(Decoded::HopLimit(HopLimit(9)))));
//!
//! // Addresses.
//! let address = "[fe80::1%3]:53".parse()?;
//! let bytes = sockaddr::encode::<Zephyr>(&address);
//! assert_eq!(bytes[..6], [2, 0, 0, 53, 0xfe, 0x80]);
//! assert_eq!(bytes[20..24], [3, 0, 0, 0]);
//! assert_eq!(sockaddr::decode::<Zephyr>(&bytes[..24]), Some(address));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

// Only the compiler evaluates the functions that return tables. They are `#[inline]`, so that they are not compiled:
// otherwise a quarter of the code that the compiler optimises would be theirs.
mod aix;
mod apple;
mod bsd;
mod dragonfly;
mod freebsd;
mod layout;
mod linux;
mod mapped;
mod netbsd;
mod number;
mod openbsd;
mod solaris;
mod windows;

pub use layout::{
    CmsgLayout, Endian, FilterPolarity, GroupReqLayout, SockaddrLayout, SourceFilterLayout, SourcePointer,
    SourceRequests, Width,
};
pub use mapped::{Mapped, MulticastInterface, PacketInfoMessage};
pub use number::{ControlNumber, ControlNumbers, OptionNumber, OptionNumbers};

/// A system whose bytes the codecs read and write. It has no values: name it as a type.
pub trait Platform {
    /// The numbers and layouts of the system.
    const ABI: Abi;
}

/// Everything that the codecs need to know about a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Abi {
    /// Byte order of the integers that are not in network order.
    pub endian: Endian,
    /// Layout of a control message's header.
    pub cmsg: CmsgLayout,
    /// Layout of `struct sockaddr_in6`.
    pub sockaddr: SockaddrLayout,
    /// Level, type and size of each control message.
    pub control: ControlNumbers,
    /// Level and name of each socket option.
    pub options: OptionNumbers,
    /// Layout of `struct group_source_req` (RFC 3678 section 5.1); `None` on a system without it.
    pub group_req: Option<GroupReqLayout>,
    /// Layout of a source filter, whole (RFC 3678 section 5.2); `None` on a system without it.
    pub source_filter: Option<SourceFilterLayout>,
    /// The meaning of a set bit in `struct icmp6_filter`; `None` on a system without it.
    pub icmp6_filter: Option<FilterPolarity>,
    /// How a dual-stack socket exchanges datagrams with IPv4-mapped peers; `None` if the system has no dual-stack
    /// sockets, or this crate has no facts about them.
    pub mapped: Option<Mapped>,
}

impl Abi {
    /// Creates a system without control messages and options, with these layouts.
    #[must_use]
    pub const fn new(endian: Endian, cmsg: CmsgLayout, sockaddr: SockaddrLayout) -> Self {
        let (control, options) = (ControlNumbers::NONE, OptionNumbers::NONE);
        Self {
            endian,
            cmsg,
            sockaddr,
            control,
            options,
            group_req: None,
            source_filter: None,
            icmp6_filter: None,
            mapped: None,
        }
    }

    /// Returns the system with these control messages.
    #[must_use]
    pub const fn with_control(mut self, control: ControlNumbers) -> Self {
        self.control = control;
        self
    }

    /// Returns the system with these socket options.
    #[must_use]
    pub const fn with_options(mut self, options: OptionNumbers) -> Self {
        self.options = options;
        self
    }

    /// Returns the system with this layout of `struct group_source_req`.
    #[must_use]
    pub const fn with_group_req(mut self, group_req: GroupReqLayout) -> Self {
        self.group_req = Some(group_req);
        self
    }

    /// Returns the system with this layout of source filters.
    #[must_use]
    pub const fn with_source_filter(mut self, source_filter: SourceFilterLayout) -> Self {
        self.source_filter = Some(source_filter);
        self
    }

    /// The description of dual-stack sockets. Without one, the system decides about `IPV6_PKTINFO` with a mapped source.
    pub(crate) const fn mapped_or_usual(&self) -> Mapped {
        match self.mapped {
            Some(mapped) => mapped,
            None => Mapped::IPV6_PACKET_INFO,
        }
    }

    /// Returns the system with this description of dual-stack sockets.
    #[must_use]
    pub const fn with_mapped(mut self, mapped: Mapped) -> Self {
        self.mapped = Some(mapped);
        self
    }

    /// Returns the system with this meaning of a set bit in `struct icmp6_filter`.
    #[must_use]
    pub const fn with_icmp6_filter(mut self, icmp6_filter: FilterPolarity) -> Self {
        self.icmp6_filter = Some(icmp6_filter);
        self
    }
}

/// Does something with a platform that is chosen by name at run time: [`with`] calls it.
pub trait Visitor {
    /// The result.
    type Output;

    /// Does it for platform `P`.
    fn visit<P: Platform>(self) -> Self::Output;
}

/// Makes the type of each platform, the list of all, and the function that finds one by name. The aliases of a platform are
/// those of its documentation.
macro_rules! platforms {
    ($(
        $(#[doc = $doc:literal])*
        $(#[doc($(alias = $alias:literal),*)])?
        $Platform:ident = $table:expr;
    )*) => {
        $(
            $(#[doc = $doc])*
            $(#[doc($(alias = $alias),*)])?
            #[derive(Clone, Copy, Debug)]
            pub enum $Platform {}

            impl Platform for $Platform {
                const ABI: Abi = $table;
            }
        )*

        /// Each platform by the name of its type.
        pub const PLATFORMS: &[(&str, Abi)] = &[$((stringify!($Platform), $Platform::ABI),)*];

        /// The name of each platform: that of its type.
        pub const NAMES: &[&str] = &[$(stringify!($Platform),)*];

        /// The names of each platform for [`with`], its own first.
        #[cfg(test)]
        const ALIASES: &[&[&str]] = &[$(&[stringify!($Platform), $($($alias),*)?],)*];

        /// Calls a visitor for the platform with this name, and returns its result. `None` if no platform has the name.
        ///
        /// The name is one of [`NAMES`] or an alias, in upper or lower case. Rust's name of each system
        /// (`target_os`) is among them; the platform is then the most common one of the system. `bsd` is not: the
        /// systems of that family have different numbers.
        ///
        /// | platform | aliases |
        /// |---|---|
        $($(#[doc = concat!("| [`", stringify!($Platform), "`] | ", $("`", $alias, "` ",)* "|")])?)*
        ///
        /// ```
        /// use ipv6_core::RecvControl;
        /// use ipv6_core::abi::{self, Platform, Visitor};
        ///
        /// /// Describes control messages in words.
        /// struct Describe<'a>(&'a [u8]);
        ///
        /// impl Visitor for Describe<'_> {
        ///     type Output = Option<String>;
        ///
        ///     fn visit<P: Platform>(self) -> Option<String> {
        ///         RecvControl::decode::<P>(self.0).ok().map(|control| control.to_string())
        ///     }
        /// }
        ///
        /// let control = [16, 0, 0, 0, 41, 0, 0, 0, 47, 0, 0, 0, 64, 0, 0, 0];
        /// assert_eq!(abi::with("macos", Describe(&control)), Some(Some("hop limit 64".into())));
        /// assert_eq!(abi::with("plan9", Describe(&control)), None);
        ///
        /// // Which systems write this message as a hop limit?
        /// let describes = |name: &&&str| {
        ///     abi::with(name, Describe(&control)).flatten().is_some_and(|text| text == "hop limit 64")
        /// };
        /// assert!(abi::NAMES.iter().filter(describes).any(|name| *name == "FreeBsd32"));
        /// ```
        pub fn with<V: Visitor>(name: &str, visitor: V) -> Option<V::Output> {
            $(if is_among(name, &[stringify!($Platform), $($($alias),*)?]) {
                return Some(visitor.visit::<$Platform>());
            })*
            None
        }
    };
}

#[inline]
fn is_among(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| other.eq_ignore_ascii_case(name))
}

for_each_platform!(platforms);

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the table.
    struct Table;

    impl Visitor for Table {
        type Output = Abi;

        fn visit<P: Platform>(self) -> Abi {
            P::ABI
        }
    }

    #[test]
    fn each_name_and_alias_is_that_of_one_platform_in_any_case() {
        let all: Vec<_> =
            ALIASES.iter().flat_map(|names| names.iter()).map(|name| name.to_lowercase()).collect();
        for name in &all {
            assert_eq!(all.iter().filter(|other| *other == name).count(), 1, "{name}");
        }
        assert_eq!(NAMES.len(), PLATFORMS.len());
        for ((name, abi), aliases) in PLATFORMS.iter().zip(ALIASES) {
            assert!(NAMES.contains(name));
            for alias in *aliases {
                assert_eq!(with(alias, Table), Some(*abi), "{alias}");
                assert_eq!(with(&alias.to_uppercase(), Table), Some(*abi), "{alias}");
            }
        }
        for (alias, abi) in [
            ("linux", Linux64::ABI),
            ("macos", Apple::ABI),
            ("darwin", Apple::ABI),
            ("freebsd", FreeBsd64::ABI),
            ("netbsd", NetBsd64::ABI),
            ("openbsd", OpenBsd64::ABI),
            ("dragonfly", DragonFly::ABI),
            ("illumos", Solaris::ABI),
            ("aix", Aix::ABI),
            ("solaris", Solaris::ABI),
            ("windows", Windows64::ABI),
            ("win64", Windows64::ABI),
            ("win32", Windows32::ABI),
        ] {
            assert_eq!(with(alias, Table), Some(abi), "{alias}");
        }
        for none in ["", "linux ", "haiku", "bsd"] {
            assert_eq!(with(none, Table), None, "{none}");
        }
    }
}
