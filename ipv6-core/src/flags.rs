//! Sets of flags, for the three crates.

use core::fmt;

use bitflags::Flags;
use bitflags::parser::{WriteHex, to_writer};

/// Defines a set of flags as `bitflags!` does, with the names in `Debug`.
///
/// `bitflags!` with a `struct` also generates an internal type with all methods a second time, a parser and six formats,
/// and the compiler generates code for them in each crate. The form with `impl` does not.
#[doc(hidden)]
#[macro_export]
macro_rules! flag_set {
    ($(#[$attribute:meta])* pub struct $Set:ident: $bits:ty { $($flags:tt)* }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
        pub struct $Set($bits);

        bitflags::bitflags! {
            impl $Set: $bits { $($flags)* }
        }

        impl core::fmt::Debug for $Set {
            #[inline]
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                $crate::fmt_flags(self, stringify!($Set), f)
            }
        }
    };
}

/// Writes the name of the type, and those of the flags.
#[doc(hidden)]
pub fn fmt_flags<F: Flags<Bits: WriteHex>>(set: &F, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_tuple(name).field(&Names(set)).finish()
}

/// The names of flags, such as `TRAFFIC_CLASS | HOP_LIMIT`. No flags are `0x0`.
struct Names<'a, F>(&'a F);

impl<F: Flags<Bits: WriteHex>> fmt::Debug for Names<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("0x0") } else { to_writer(self.0, f) }
    }
}

#[cfg(test)]
mod tests {
    use crate::ControlFlags;

    #[test]
    fn debug_has_the_names() {
        let text = |flags: ControlFlags| format!("{flags:?}");
        assert_eq!(text(ControlFlags::empty()), "ControlFlags(0x0)");
        assert_eq!(
            text(ControlFlags::TRAFFIC_CLASS | ControlFlags::HOP_LIMIT),
            "ControlFlags(TRAFFIC_CLASS | HOP_LIMIT)"
        );
        let more = ControlFlags::from_bits_retain(ControlFlags::HOP_LIMIT.bits() | 1 << 31);
        assert_eq!(text(more), "ControlFlags(HOP_LIMIT | 0x80000000)");
    }
}
