//! Selects the platform for the target. Besides [`os`](crate::os), only this file depends on the target.

/// Linux, by the socket numbers of its first ports.
#[cfg(not(any(
    target_arch = "mips",
    target_arch = "mips32r6",
    target_arch = "mips64",
    target_arch = "mips64r6",
    target_arch = "sparc",
    target_arch = "sparc64"
)))]
mod linux {
    #![allow(unused_imports, reason = "one of them is the host")]
    pub use ipv6_core::abi::{Linux32, Linux32Be, Linux64, Linux64Be};
}

/// Linux, where it has the socket numbers of SunOS.
#[cfg(any(target_arch = "sparc", target_arch = "sparc64"))]
mod linux {
    #![allow(unused_imports, reason = "one of them is the host")]
    pub use ipv6_core::abi::{Linux32, Linux64, LinuxSparc32 as Linux32Be, LinuxSparc64 as Linux64Be};
}

/// Linux, where it has the socket numbers of IRIX.
#[cfg(any(target_arch = "mips", target_arch = "mips32r6", target_arch = "mips64", target_arch = "mips64r6"))]
mod linux {
    #![allow(unused_imports, reason = "one of them is the host")]
    pub use ipv6_core::abi::{
        LinuxMips32 as Linux32, LinuxMips32Be as Linux32Be, LinuxMips64 as Linux64,
        LinuxMips64Be as Linux64Be,
    };
}

/// One line for each platform: when it is the host.
macro_rules! hosts {
    ($($platform:ident: $cfg:meta;)*) => {
        $(
            /// The platform that this crate was compiled for.
            #[cfg($cfg)]
            pub type Host = platforms::$platform;
        )*

        #[cfg(not(any($($cfg),*)))]
        compile_error!(
            "ipv6-sys does not know this system yet: add a line to host.rs and a table to ipv6-core/src/abi/"
        );
    };
}

mod platforms {
    #![allow(unused_imports, reason = "one of them is the host")]
    pub use super::linux::*;
    pub use ipv6_core::abi::{
        Aix, Apple, DragonFly, FreeBsd32, FreeBsd64, FreeBsd64Be, FreeBsdArm, NetBsd32, NetBsd64,
        NetBsdAarch64, NetBsdArm, OpenBsd32, OpenBsd64, OpenBsd64Be, OpenBsdArm, Solaris, SolarisSparc,
        Windows32, Windows64,
    };
}

hosts! {
    Linux64: all(any(target_os = "linux", target_os = "android"), target_pointer_width = "64", target_endian = "little");
    Linux64Be: all(any(target_os = "linux", target_os = "android"), target_pointer_width = "64", target_endian = "big");
    Linux32: all(any(target_os = "linux", target_os = "android"), target_pointer_width = "32", target_endian = "little");
    Linux32Be: all(any(target_os = "linux", target_os = "android"), target_pointer_width = "32", target_endian = "big");
    Apple: target_vendor = "apple";
    FreeBsd64: all(target_os = "freebsd", target_pointer_width = "64", target_endian = "little");
    FreeBsd64Be: all(target_os = "freebsd", target_pointer_width = "64", target_endian = "big");
    FreeBsd32: all(target_os = "freebsd", target_arch = "x86");
    FreeBsdArm: all(target_os = "freebsd", target_arch = "arm");
    DragonFly: target_os = "dragonfly";
    NetBsd64: all(target_os = "netbsd", target_arch = "x86_64");
    NetBsdAarch64: all(target_os = "netbsd", any(target_arch = "aarch64", target_arch = "riscv64"), target_endian = "little");
    NetBsd32: all(target_os = "netbsd", target_arch = "x86");
    NetBsdArm: all(target_os = "netbsd", target_arch = "arm", target_endian = "little");
    OpenBsd64: all(target_os = "openbsd", target_pointer_width = "64", target_endian = "little");
    OpenBsd64Be: all(target_os = "openbsd", any(target_arch = "powerpc64", target_arch = "mips64"), target_endian = "big");
    OpenBsd32: all(target_os = "openbsd", target_arch = "x86");
    OpenBsdArm: all(target_os = "openbsd", target_arch = "arm");
    Solaris: all(any(target_os = "illumos", target_os = "solaris"), target_arch = "x86_64");
    SolarisSparc: all(target_os = "solaris", target_arch = "sparc64");
    Aix: target_os = "aix";
    Windows64: all(windows, target_pointer_width = "64");
    Windows32: all(windows, target_pointer_width = "32");
}

/// Whether the system is Linux or Android: for what no table has, such as the name of a privilege.
pub const IS_LINUX: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// The platform of a 64-bit kernel. Linux writes its own layout into some values of 32-bit programs
/// (`IPV6_2292PKTOPTIONS`).
#[cfg(all(any(target_os = "linux", target_os = "android"), target_endian = "little"))]
pub(crate) type Kernel = linux::Linux64;

/// The platform of a 64-bit kernel. Linux writes its own layout into some values of 32-bit programs
/// (`IPV6_2292PKTOPTIONS`).
#[cfg(all(any(target_os = "linux", target_os = "android"), target_endian = "big"))]
pub(crate) type Kernel = linux::Linux64Be;

/// Other kernels write the layout of the program.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) type Kernel = Host;

/// The platform of this program on a 64-bit kernel that reads some structures in its own layout:
/// [`os::kernel_reads_as_64`](crate::os::kernel_reads_as_64) returns whether this is such a kernel.
#[cfg(all(target_os = "freebsd", target_arch = "x86"))]
pub(crate) type HostOn64 = ipv6_core::abi::FreeBsd32On64;

/// Other kernels read all structures in the layout of the program.
#[cfg(not(all(target_os = "freebsd", target_arch = "x86")))]
pub(crate) type HostOn64 = Host;
