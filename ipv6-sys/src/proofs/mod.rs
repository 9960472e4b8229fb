//! Proofs that the host's table is what the C library has, made by the compiler: `cargo check --target T`
//! fails when a number or a layout is wrong for `T`.
//!
//! Each system's file compares the table with libc (on Windows, windows-sys) name by name. What these have no
//! word for stands in its list of gaps, each with the header it was taken from: a test compiles the headers
//! of the host with a C compiler and compares, and `ipv6-core/tests/numbers.rs` has another source for all.

#[cfg(unix)]
mod unix;

#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "linux.rs")]
#[cfg_attr(target_vendor = "apple", path = "apple.rs")]
#[cfg_attr(target_os = "freebsd", path = "freebsd.rs")]
#[cfg_attr(target_os = "dragonfly", path = "dragonfly.rs")]
#[cfg_attr(target_os = "netbsd", path = "netbsd.rs")]
#[cfg_attr(target_os = "openbsd", path = "openbsd.rs")]
#[cfg_attr(any(target_os = "illumos", target_os = "solaris"), path = "solaris.rs")]
#[cfg_attr(target_os = "aix", path = "aix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod system;

pub use system::GAPS;

use ipv6_core::abi::{Abi, Endian, Platform};

use crate::host::Host;

#[cfg(all(unix, not(all(target_os = "linux", target_arch = "mips64"))))]
use libc as library;
/// libc 0.2.191 takes 64-bit MIPS for one of the processors where this is 1 (its `new/linux_uapi/asm/mod.rs` lists
/// the 32-bit ones twice). It is in `arch/mips/include/uapi/asm/socket.h`.
#[cfg(all(target_os = "linux", target_arch = "mips64"))]
mod library {
    pub use libc::*;
    pub const SOL_SOCKET: c_int = 0xffff;
}
#[cfg(windows)]
use windows_sys::Win32::Networking::WinSock as library;

const ABI: Abi = Host::ABI;

/// Byte order.
const _: () = {
    let big = matches!(ABI.endian, Endian::Big);
    assert!(big == cfg!(target_endian = "big"));
};

/// What is greater than what has to hold it.
const _: () = assert!(ABI.sockaddr.size <= ipv6_core::sockaddr::MAX_SIZE);

/// Each option of the table, by name: what the system's library says, or one of its gaps, or nothing where
/// the system has none. Nothing is left out: the pattern has no `..`.
macro_rules! options_are {
    (
        { $($field:ident: $level:ident $name:ident,)* }
        gaps { $($gap:ident,)* }
        none { $($none:ident,)* }
    ) => {
        const _: () = {
            use ipv6_core::abi::{OptionNumber, OptionNumbers};
            const fn is_option(number: Option<OptionNumber>, level: i32, name: i32) -> bool {
                matches!(number, Some(number) if number.level == level && number.name == name)
            }
            let OptionNumbers { $($field,)* $($gap,)* $($none,)* } = $crate::proofs::ABI.options;
            $(assert!(
                is_option($field, $crate::proofs::library::$level as i32, $crate::proofs::library::$name as i32),
                stringify!($name)
            );)*
            $(assert!($gap.is_some(), stringify!($gap));)*
            $(assert!($none.is_none(), stringify!($none));)*
        };
    };
}

/// Control messages, likewise; each with its width, that of the C type that carries it.
macro_rules! messages_are {
    (
        { $($field:ident: $name:ident $size:expr,)* }
        gaps { $($gap:ident: $gap_size:expr,)* }
        none { $($none:ident,)* }
    ) => {
        const _: () = {
            use ipv6_core::abi::ControlNumbers;
            let ControlNumbers { $($field,)* $($gap,)* $($none,)* } = $crate::proofs::ABI.control;
            $(assert!(
                matches!($field, Some(number) if number.level == $crate::proofs::library::IPPROTO_IPV6 as i32
                    && number.kind == $crate::proofs::library::$name as i32 && number.size == $size),
                stringify!($name)
            );)*
            $(assert!(matches!($gap, Some(number) if number.size == $gap_size), stringify!($gap));)*
            $(assert!($none.is_none(), stringify!($none));)*
        };
    };
}

use {messages_are, options_are};

/// Something that the library has no word for.
#[derive(Debug)]
pub struct Gap {
    /// A C expression for it.
    pub c: &'static str,
    /// The headers that the expression needs.
    pub headers: &'static [&'static str],
    /// What our table says.
    pub ours: i64,
}

const fn gap(c: &'static str, headers: &'static [&'static str], ours: i64) -> Gap {
    Gap { c, headers, ours }
}

/// The name of an option that the table has.
#[allow(dead_code, reason = "some systems have no gap among them")]
const fn name(option: Option<ipv6_core::abi::OptionNumber>) -> i64 {
    match option {
        Some(number) => number.name as i64,
        None => panic!("the table has no such option"),
    }
}

/// The type of a control message that the table has.
#[allow(dead_code, reason = "some systems have no gap among them")]
const fn kind(message: Option<ipv6_core::abi::ControlNumber>) -> i64 {
    match message {
        Some(number) => number.kind as i64,
        None => panic!("the table has no such message"),
    }
}
