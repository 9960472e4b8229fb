//! Compile-time proofs that the table of this system agrees with its C library: `cargo check --target T` fails when a
//! number or a layout is wrong for `T`.
//!
//! Each system's file compares the table with libc (on Windows, with windows-sys) entry by entry. An entry for which the
//! library has no constant is in the file's list of gaps, with the header that it was taken from: a test compares the gaps
//! with the headers of this system through a C compiler, and `ipv6-core/tests/numbers.rs` compares all tables with
//! independent data.

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
mod system; // Not found? Add the system's file and its line above.

pub use system::GAPS;

use ipv6_core::abi::{Abi, Endian, Platform};

use crate::host::Host;

#[cfg(all(unix, not(any(target_os = "android", all(target_os = "linux", target_arch = "mips64")))))]
use libc as library;
/// On 64-bit MIPS, libc 0.2.191 has 1 (its `new/linux_uapi/asm/mod.rs` lists the 32-bit architectures twice). The kernel
/// has 0xffff (`arch/mips/include/uapi/asm/socket.h`).
#[cfg(all(target_os = "linux", target_arch = "mips64"))]
mod library {
    pub use libc::*;
    pub const SOL_SOCKET: c_int = 0xffff;
}
/// On Android, libc 0.2.191 lacks these. The kernel's `include/uapi/asm-generic/socket.h` has them.
#[cfg(target_os = "android")]
mod library {
    pub use libc::*;
    pub const SO_LOCK_FILTER: c_int = 44;
    pub const SO_SELECT_ERR_QUEUE: c_int = 45;
    pub const SO_MAX_PACING_RATE: c_int = 47;
    pub const SO_INCOMING_CPU: c_int = 49;
    pub const SO_ATTACH_BPF: c_int = 50;
    pub const SO_MEMINFO: c_int = 55;
    pub const SO_INCOMING_NAPI_ID: c_int = 56;
    pub const SO_COOKIE: c_int = 57;
    pub const SO_ZEROCOPY: c_int = 60;
    pub const SO_TXTIME: c_int = 61;
    pub const SCM_TXTIME: c_int = 61;
    pub const SO_PREFER_BUSY_POLL: c_int = 69;
    pub const SO_BUSY_POLL_BUDGET: c_int = 70;
    pub const SO_RCVMARK: c_int = 75;
}
#[cfg(windows)]
use windows_sys::Win32::Networking::WinSock as library;

const ABI: Abi = Host::ABI;

/// Byte order.
const _: () = {
    let big = matches!(ABI.endian, Endian::Big);
    assert!(big == cfg!(target_endian = "big"));
};

/// Arrays for addresses of any platform hold those of this one.
const _: () = assert!(ABI.sockaddr.size <= ipv6_core::sockaddr::MAX_SIZE);

/// Proves the options of the table. A row is the table's field with the level and the name of the system's library; after
/// `gaps`, a field for which the library has no constant. An entry of the table without a row is an error.
macro_rules! options_are {
    ({ $($field:ident: $level:ident $name:ident,)* } gaps { $($gap:ident,)* }) => {
        const _: () = {
            let table = $crate::proofs::ABI.options;
            $($crate::proofs::is_in!(table $field);)*
            $(assert!(
                matches!(table.$field, Some(number) if number.level == $crate::proofs::library::$level as i32
                    && number.name == $crate::proofs::library::$name as i32),
                concat!(
                    "the option `", stringify!($field), "` of the table is not ", stringify!($name), " of level ",
                    stringify!($level), " in the system's library: correct the system's table in ipv6-core/src/abi"
                )
            );)*
            $($crate::proofs::is_in!(table $gap);)*
            $crate::proofs::are_listed!(GAPS { $($gap: $crate::proofs::name(table.$gap),)* });
            $crate::proofs::nothing_else!(OptionNumbers table { $($field,)* $($gap,)* });
        };
    };
}

/// Proves the control messages of the table in the same way. A row has the size of the C type that carries the message.
macro_rules! messages_are {
    ({ $($field:ident: $level:ident $name:ident $size:expr,)* } gaps { $($gap:ident: $gap_size:expr,)* }) => {
        const _: () = {
            let table = $crate::proofs::ABI.control;
            $($crate::proofs::is_in!(table $field);)*
            $(assert!(
                matches!(table.$field, Some(number) if number.level == $crate::proofs::library::$level as i32
                    && number.kind == $crate::proofs::library::$name as i32),
                concat!(
                    "the message `", stringify!($field), "` of the table is not ", stringify!($name), " of level ",
                    stringify!($level), " in the system's library: correct the system's table in ipv6-core/src/abi"
                )
            );)*
            $($crate::proofs::is_in!(table $gap);)*
            $($crate::proofs::has_size!(table $field $size);)*
            $($crate::proofs::has_size!(table $gap $gap_size);)*
            $crate::proofs::are_listed!(GAPS { $($gap: $crate::proofs::kind(table.$gap),)* });
            $crate::proofs::nothing_else!(ControlNumbers table { $($field,)* $($gap,)* });
        };
    };
}

/// Fails with the name of an entry that the proof has and the table lacks.
macro_rules! is_in {
    ($table:ident $field:ident) => {
        assert!(
            $table.$field.is_some(),
            concat!(
                "`",
                stringify!($field),
                "` is in the proof and not in the system's table: add the number to the table in ipv6-core/src/abi, or ",
                "delete the line of the proof"
            )
        );
    };
}

/// Fails with the name of a gap whose number is not in the file's list of gaps, which a test compares with the headers.
macro_rules! are_listed {
    ($gaps:ident { $($gap:ident: $number:expr,)* }) => {
        $(assert!(
            $crate::proofs::has($gaps, $number),
            concat!(
                "`", stringify!($gap), "` is a gap of the proof and not in GAPS: add the C expression and its header to ",
                "GAPS in the same file"
            )
        );)*
    };
}

/// Fails with the name of a message that has another size than its C type.
macro_rules! has_size {
    ($table:ident $field:ident $size:expr) => {
        assert!(
            matches!($table.$field, Some(number) if number.size == $size),
            concat!(
                "the message `", stringify!($field), "` of the table does not have the size ", stringify!($size),
                ": correct the system's table in ipv6-core/src/abi, or the size in the proof"
            )
        );
    };
}

/// Fails with the name of an entry that the table has and the proof lacks.
macro_rules! nothing_else {
    ($Numbers:ident $table:ident { $($field:ident,)* }) => {
        let mut rest = $table;
        $(rest.$field = None;)*
        if let Some(message) = ipv6_core::abi::$Numbers::without_proof(&rest) {
            panic!("{}", message);
        }
    };
}

use {are_listed, has_size, is_in, messages_are, nothing_else, options_are};

/// A fact for which the library has no constant.
#[derive(Debug)]
pub struct Gap {
    /// The macro that a header lacks if it is older than the expression. `None`: every header has the expression.
    pub newer: Option<&'static str>,
    /// A C expression for it.
    pub c: &'static str,
    /// The headers that the expression needs.
    pub headers: &'static [&'static str],
    /// The value in our table.
    pub ours: i64,
}

const fn gap(c: &'static str, headers: &'static [&'static str], ours: i64) -> Gap {
    Gap { newer: None, c, headers, ours }
}

/// A fact that the headers of many machines do not have yet.
#[allow(dead_code, reason = "not every system has such a gap")]
const fn newer_gap(c: &'static str, headers: &'static [&'static str], ours: i64) -> Gap {
    Gap { newer: Some(c), c, headers, ours }
}

/// Whether a gap has this value.
#[allow(dead_code, reason = "not every system has such a gap")]
const fn has(gaps: &[Gap], value: i64) -> bool {
    match gaps {
        [first, rest @ ..] => first.ours == value || has(rest, value),
        [] => false,
    }
}

/// A layout that the table has.
#[allow(dead_code, reason = "not every system has such a gap")]
const fn present<T: Copy>(layout: Option<T>) -> T {
    match layout {
        Some(layout) => layout,
        None => panic!("the table has no such layout"),
    }
}

/// The name of an option that the table has.
#[allow(dead_code, reason = "not every system has such a gap")]
const fn name(option: Option<ipv6_core::abi::OptionNumber>) -> i64 {
    match option {
        Some(number) => number.name as i64,
        None => panic!("the table has no such option"),
    }
}

/// The type of a control message that the table has.
#[allow(dead_code, reason = "not every system has such a gap")]
const fn kind(message: Option<ipv6_core::abi::ControlNumber>) -> i64 {
    match message {
        Some(number) => number.kind as i64,
        None => panic!("the table has no such message"),
    }
}
