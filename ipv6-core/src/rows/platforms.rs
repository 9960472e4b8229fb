//! Platforms.

/// Hands over the platforms. A row is: the documentation, the type in [`abi`](crate::abi), and the expression of its
/// table, in the scope of that module. With arguments, they precede the rows.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_platform {
    ($callback:ident $($arguments:tt)*) => {
        $callback! {
            $($arguments)*
            /// Linux with 64-bit programs, little-endian: x86_64, aarch64, riscv64, loongarch64, powerpc64le.
            Linux64 = linux::table(Endian::Little, Width::Eight, 1);
            /// Linux with 64-bit programs, big-endian: s390x, powerpc64.
            Linux64Be = linux::table(Endian::Big, Width::Eight, 1);
            /// Linux with 32-bit programs, little-endian: i686, armv7.
            Linux32 = linux::table(Endian::Little, Width::Four, 1);
            /// Linux with 32-bit programs, big-endian: powerpc.
            Linux32Be = linux::table(Endian::Big, Width::Four, 1);
            /// Linux on 64-bit MIPS, little-endian.
            LinuxMips64 = linux::table(Endian::Little, Width::Eight, 0xffff);
            /// Linux on 64-bit MIPS, big-endian, and on 64-bit SPARC.
            LinuxMips64Be = linux::table(Endian::Big, Width::Eight, 0xffff);
            /// Linux on 32-bit MIPS, little-endian.
            LinuxMips32 = linux::table(Endian::Little, Width::Four, 0xffff);
            /// Linux on 32-bit MIPS, big-endian.
            LinuxMips32Be = linux::table(Endian::Big, Width::Four, 0xffff);
            /// macOS, iOS, tvOS, watchOS and visionOS, on x86_64 and arm64.
            Apple = apple::TABLE;
            /// FreeBSD with 64-bit programs, little-endian: amd64, arm64, riscv64, powerpc64le.
            FreeBsd64 = freebsd::table(Endian::Little, 8, GroupReqLayout::ALIGNED_TO_8);
            /// FreeBSD with 64-bit programs, big-endian: powerpc64.
            FreeBsd64Be = freebsd::table(Endian::Big, 8, GroupReqLayout::ALIGNED_TO_8);
            /// FreeBSD on i386.
            FreeBsd32 = freebsd::table(Endian::Little, 4, GroupReqLayout::ALIGNED_TO_4);
            /// FreeBSD with i386 programs on an amd64 kernel, which reads their group requests as its own.
            FreeBsd32On64 = freebsd::table(Endian::Little, 4, GroupReqLayout::ALIGNED_TO_8);
            /// FreeBSD with 32-bit ARM programs: armv6, armv7.
            FreeBsdArm = freebsd::table(Endian::Little, 4, GroupReqLayout::ALIGNED_TO_8);
            /// DragonFly BSD on x86_64.
            DragonFly = dragonfly::TABLE;
            /// NetBSD on x86_64.
            NetBsd64 = netbsd::table(8);
            /// NetBSD on aarch64 and riscv64, where control messages are aligned to 16.
            NetBsdAarch64 = netbsd::table(16);
            /// NetBSD on i386.
            NetBsd32 = netbsd::table(4);
            /// NetBSD with 32-bit ARM programs, where control messages are aligned to 8.
            NetBsdArm = netbsd::table(8);
            /// OpenBSD with 64-bit programs, little-endian: amd64, arm64, riscv64.
            OpenBsd64 = openbsd::table(Endian::Little, 8);
            /// OpenBSD with 64-bit programs, big-endian: powerpc64, mips64.
            OpenBsd64Be = openbsd::table(Endian::Big, 8);
            /// OpenBSD on i386.
            OpenBsd32 = openbsd::table(Endian::Little, 4);
            /// OpenBSD with 32-bit ARM programs, where control messages are aligned to 8.
            OpenBsdArm = openbsd::table(Endian::Little, 8);
            /// illumos and Solaris on x86_64.
            Solaris = solaris::table(Endian::Little, 4);
            /// Solaris on SPARC.
            SolarisSparc = solaris::table(Endian::Big, 8);
            /// AIX with 64-bit programs, big-endian: powerpc64.
            Aix = aix::TABLE;
            /// Windows with 64-bit programs: x86_64, aarch64.
            Windows64 = windows::table(Width::Eight);
            /// Windows with 32-bit programs: i686.
            Windows32 = windows::table(Width::Four);
        }
    };
}
