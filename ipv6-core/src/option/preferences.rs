//! `IPV6_ADDR_PREFERENCES`: which source address the kernel prefers (RFC 5014).

use crate::abi::{OptionNumber, Platform};

crate::flag_set! {
    /// Which source addresses the kernel prefers when it chooses one (RFC 5014 section 5). At most one of each pair:
    /// `TEMPORARY` or `PUBLIC`, `HOME` or `CARE_OF`, `CGA` or `NON_CGA`. Of a pair of which none is set, the system's own
    /// preference applies.
    ///
    /// The BSDs and Apple have the first pair only (`IPV6_PREFER_TEMPADDR`), Linux the first two: the option returns
    /// `Unsupported` for a flag that the system lacks. Linux takes `CARE_OF` without effect in kernels without Mobile IPv6.
    #[doc(alias = "IPV6_ADDR_PREFERENCES", alias = "IPV6_SRC_PREFERENCES", alias = "IPV6_PREFER_TEMPADDR")]
    pub struct AddressPreferences: u32 {
        /// Temporary addresses (RFC 8981), which change with time.
        #[doc(alias = "IPV6_PREFER_SRC_TMP")]
        const TEMPORARY = 1 << 0;
        /// Public addresses, which do not.
        #[doc(alias = "IPV6_PREFER_SRC_PUBLIC")]
        const PUBLIC = 1 << 1;
        /// Home addresses of a mobile node (RFC 6275).
        #[doc(alias = "IPV6_PREFER_SRC_HOME")]
        const HOME = 1 << 2;
        /// Care-of addresses of a mobile node.
        #[doc(alias = "IPV6_PREFER_SRC_COA")]
        const CARE_OF = 1 << 3;
        /// Cryptographically generated addresses (RFC 3972).
        #[doc(alias = "IPV6_PREFER_SRC_CGA")]
        const CGA = 1 << 4;
        /// Other than cryptographically generated addresses.
        #[doc(alias = "IPV6_PREFER_SRC_NONCGA")]
        const NON_CGA = 1 << 5;
    }
}

/// The numbers of the six flags, in their order.
type Flags = [i32; 6];

/// `linux/in6.h`.
const LINUX: Flags = [0x1, 0x2, 0x400, 0x4, 0x8, 0x800];
/// `IPV6_PREFER_SRC_PUBTMP_DEFAULT` of Linux: neither temporary nor public.
const LINUX_NO_PREFERENCE: i32 = 0x100;
/// `netinet/in.h` of Solaris.
const SOLARIS: Flags = [0x8, 0x4, 0x1, 0x2, 0x20, 0x10];
/// `netinet/in.h` of AIX.
const AIX: Flags = [0x8, 0x4, 0x1, 0x2, 0x10, 0x20];

/// The forms of the option.
enum Form {
    /// Flags.
    Flags(Flags),
    /// `IPV6_PREFER_TEMPADDR`: 1 for temporary, 0 for public addresses, -1 for the system's preference.
    Temporary,
}

const fn form<P: Platform>() -> Option<Form> {
    match P::ABI.options.address_preferences {
        Some(OptionNumber { name: 72, .. }) => Some(Form::Flags(LINUX)),
        Some(OptionNumber { name: 35, .. }) => Some(Form::Flags(SOLARIS)),
        Some(OptionNumber { name: 74, .. }) => Some(Form::Flags(AIX)),
        Some(OptionNumber { name: 63, .. }) => Some(Form::Temporary),
        _ => None,
    }
}

impl AddressPreferences {
    /// Returns the value of the option on platform `P`; `None` when `P` has no such option, or not these preferences.
    ///
    /// On Linux, no flag of the first pair is the flag `IPV6_PREFER_SRC_PUBTMP_DEFAULT`: without it, the kernel would keep
    /// an earlier choice.
    #[must_use]
    pub fn number<P: Platform>(self) -> Option<i32> {
        match form::<P>()? {
            Form::Flags(flags) => {
                let set = Self::all().iter().zip(flags).filter(|(flag, _)| self.contains(*flag));
                let number = set.fold(0, |all, (_, flag)| all | flag);
                let no_preference = flags == LINUX && !self.intersects(Self::TEMPORARY | Self::PUBLIC);
                Some(if no_preference { number | LINUX_NO_PREFERENCE } else { number })
            }
            Form::Temporary => match self {
                Self::TEMPORARY => Some(1),
                Self::PUBLIC => Some(0),
                preferences if preferences.is_empty() => Some(-1),
                _ => None,
            },
        }
    }

    /// Returns the preferences with this value of the option on platform `P`; `None` for another value.
    #[must_use]
    pub fn from_number<P: Platform>(number: i32) -> Option<Self> {
        match form::<P>()? {
            Form::Flags(flags) => {
                let set = Self::all().iter().zip(flags).filter(|(_, flag)| number & flag != 0);
                Some(set.map(|(flag, _)| flag).collect())
            }
            Form::Temporary => match number {
                1 => Some(Self::TEMPORARY),
                0 => Some(Self::PUBLIC),
                -1 => Some(Self::empty()),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Aix, Apple, FreeBsd64, Linux64, OpenBsd64, Solaris};

    #[test]
    fn preferences_have_the_numbers_of_each_system() {
        let temporary_home = AddressPreferences::TEMPORARY | AddressPreferences::HOME;
        assert_eq!(temporary_home.number::<Linux64>(), Some(0x401));
        assert_eq!(temporary_home.number::<Solaris>(), Some(9));
        assert_eq!(temporary_home.number::<Aix>(), Some(9));
        assert_eq!(temporary_home.number::<Apple>(), None);
        let cga = AddressPreferences::CGA;
        let numbers = [cga.number::<Linux64>(), cga.number::<Solaris>(), cga.number::<Aix>()];
        assert_eq!(numbers, [Some(0x108), Some(0x20), Some(0x10)]);
        for (preferences, number) in [
            (AddressPreferences::TEMPORARY, 1),
            (AddressPreferences::PUBLIC, 0),
            (AddressPreferences::empty(), -1),
        ] {
            assert_eq!(preferences.number::<FreeBsd64>(), Some(number));
            assert_eq!(AddressPreferences::from_number::<Apple>(number), Some(preferences));
        }
        assert_eq!(AddressPreferences::all().number::<FreeBsd64>(), None);
        assert_eq!(AddressPreferences::TEMPORARY.number::<OpenBsd64>(), None);
    }

    #[test]
    fn what_is_written_is_read() {
        for preferences in (0..64).map(AddressPreferences::from_bits_retain) {
            let number = preferences.number::<Linux64>().unwrap();
            assert_eq!(AddressPreferences::from_number::<Linux64>(number), Some(preferences));
            let number = preferences.number::<Aix>().unwrap();
            assert_eq!(AddressPreferences::from_number::<Aix>(number), Some(preferences));
        }
        // The default of Linux.
        assert_eq!(AddressPreferences::from_number::<Linux64>(0x100), Some(AddressPreferences::empty()));
    }
}
