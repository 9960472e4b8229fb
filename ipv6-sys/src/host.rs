//! The one place that asks which system this is compiled for.

/// The platform that this crate was compiled for.
#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    target_pointer_width = "64",
    target_endian = "little"
))]
pub type Host = ipv6_core::abi::Linux64;

/// The platform that this crate was compiled for.
#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    target_pointer_width = "64",
    target_endian = "big"
))]
pub type Host = ipv6_core::abi::Linux64Be;

/// The platform that this crate was compiled for.
#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    target_pointer_width = "32",
    target_endian = "little"
))]
pub type Host = ipv6_core::abi::Linux32;

/// The platform that this crate was compiled for.
#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    target_pointer_width = "32",
    target_endian = "big"
))]
pub type Host = ipv6_core::abi::Linux32Be;

/// The platform of a 64-bit kernel below this program, where the kernel lets it show.
#[cfg(target_endian = "little")]
pub(crate) type Kernel = ipv6_core::abi::Linux64;

/// The platform of a 64-bit kernel below this program, where the kernel lets it show.
#[cfg(target_endian = "big")]
pub(crate) type Kernel = ipv6_core::abi::Linux64Be;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
compile_error!(
    "ipv6-sys does not know this system yet: add an arm to host.rs and a table to ipv6-core/src/abi/"
);
