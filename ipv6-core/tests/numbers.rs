//! Compares the tables of all platforms with independent data, entry by entry, and checks that they are complete: what the
//! data has for a system, and the lists of messages and options have a row for, is in the system's table.

// Constants are compared with constants: Miri would find nothing, and take minutes.
#![cfg(not(miri))]

use ipv6_core::abi::*;
use ipv6_core::group;

/// Numbers of Unix systems by architecture, as Go's syscall package has them.
const CONSTANTS: &str = include_str!("data/constants.tsv");
/// Numbers of options and messages by system, from headers.
const OPTIONS: &str = include_str!("data/options.tsv");
const SIZES: &str = include_str!("data/struct_sizes.tsv");

/// A platform's name in the data: the system, and the architectures that have the platform.
type System = (&'static str, &'static str, &'static [&'static str]);

const SYSTEMS: &[System] = &[
    ("Linux64", "linux", &["amd64", "arm64", "riscv64", "loong64", "ppc64le"]),
    ("Linux64Be", "linux", &["s390x", "ppc64"]),
    ("Linux32", "linux", &["386", "arm"]),
    ("Linux32Be", "linux", &["ppc"]),
    ("LinuxMips64", "linux", &["mips64le"]),
    ("LinuxMips64Be", "linux", &["mips64"]),
    ("LinuxSparc64", "linux", &["sparc64"]),
    ("LinuxSparc32", "linux", &["sparc"]),
    ("LinuxMips32", "linux", &["mipsle"]),
    ("LinuxMips32Be", "linux", &["mips"]),
    ("Apple", "darwin", &["amd64", "arm64"]),
    ("FreeBsd64", "freebsd", &["amd64", "arm64", "riscv64"]),
    ("FreeBsd32", "freebsd", &["386"]),
    ("FreeBsdArm", "freebsd", &["arm"]),
    ("DragonFly", "dragonfly", &["amd64"]),
    ("NetBsd64", "netbsd", &["amd64"]),
    ("NetBsdAarch64", "netbsd", &["arm64"]),
    ("NetBsd32", "netbsd", &["386"]),
    ("NetBsdArm", "netbsd", &["arm"]),
    ("OpenBsd64", "openbsd", &["amd64", "arm64", "riscv64"]),
    ("OpenBsd64Be", "openbsd", &["ppc64", "mips64"]),
    ("OpenBsd32", "openbsd", &["386"]),
    ("OpenBsdArm", "openbsd", &["arm"]),
    ("Solaris", "solaris", &["amd64"]),
    ("Aix", "aix", &["ppc64"]),
    // No sizes and layouts: windows-sys and the headers of mingw-w64 have them (ipv6-sys, src/proofs and tests/golden.rs).
    ("Windows64", "windows", &["*"]),
    ("Windows32", "windows", &["*"]),
];

/// Platforms without lines of their own in the data, the platform with the same numbers, and the reason.
const LIKE: &[(&str, &str, &str)] = &[
    ("FreeBsd64Be", "FreeBsd64", "Go does not run on FreeBSD for powerpc64"),
    ("FreeBsd32On64", "FreeBsd32", "a program finds out at run time that it runs on this one"),
    ("SolarisSparc", "Solaris", "Go does not run on Solaris for SPARC"),
];

/// Systems of the data without a platform, and the reason.
const NO_PLATFORM: &[(&str, &str)] = &[("zos", "Rust does not run on z/OS")];

/// Systems whose sockets of `AF_INET6` have no options of the level `IPPROTO_IP`, and the reason. The data has those of IPv4
/// sockets.
const NO_IPV4_OPTIONS: &[(&str, &str)] = &[
    ("darwin", "EINVAL"),
    ("freebsd", "ip6_ctloutput in sys/netinet6/ip6_output.c answers EINVAL"),
    ("dragonfly", "ip6_ctloutput in sys/netinet6/ip6_output.c answers EINVAL"),
    ("netbsd", "ip6_ctloutput in sys/netinet6/ip6_output.c answers EINVAL"),
    ("openbsd", "has no dual-stack sockets"),
    ("solaris", "not known"),
    ("aix", "not known"),
];

/// Entries of the data that are not in the system's table, and the reason.
const LEFT_OUT: &[(&str, Kind, &str, &str)] = &[
    ("linux", Kind::Message, "IPV6_NEXTHOP", "the kernel answers EINVAL"),
    (
        "openbsd",
        Kind::Message,
        "IPV6_NEXTHOP",
        "ip6_setpktopt in sys/netinet6/ip6_output.c answers ENOPROTOOPT",
    ),
    ("darwin", Kind::Option, "IPV6_2292PKTOPTIONS", "xnu always returns nothing"),
    ("solaris", Kind::Option, "SO_ATTACH_FILTER", "for packet sockets only"),
    ("solaris", Kind::Option, "SO_DETACH_FILTER", "for packet sockets only"),
    ("darwin", Kind::Option, "IPV6_UNICAST_IF", "IPV6_BOUND_IF has a row: it limits receiving too"),
    ("solaris", Kind::Option, "IPV6_UNICAST_IF", "IPV6_BOUND_IF has a row: it limits receiving too"),
    ("darwin", Kind::Option, "SO_BINDTODEVICE", "IPV6_BOUND_IF has a row"),
    ("solaris", Kind::Option, "SO_BINDTODEVICE", "IPV6_BOUND_IF has a row"),
    ("freebsd", Kind::Option, "SO_ATTACH_REUSEPORT_CBPF", "SO_REUSEPORT_LB has a row: it selects by a hash"),
    ("darwin", Kind::Option, "SO_BINDTOIFINDEX", "IPV6_BOUND_IF has a row"),
    ("solaris", Kind::Option, "SO_BINDTOIFINDEX", "IPV6_BOUND_IF has a row"),
    ("darwin", Kind::Option, "SO_PRIORITY", "SO_NET_SERVICE_TYPE has a row"),
    ("freebsd", Kind::Option, "SO_PRIORITY", "IPV6_VLAN_PCP is the priority in the tag of a VLAN, -1 to 7"),
    ("freebsd", Kind::Option, "SO_RXQ_OVFL", "SO_RERROR reports a full buffer as an error, without a number"),
    ("netbsd", Kind::Option, "SO_RXQ_OVFL", "SO_RERROR reports a full buffer as an error, without a number"),
    ("freebsd", Kind::Option, "SO_TIMESTAMPNS", "SO_TS_CLOCK has a row"),
    ("openbsd", Kind::Option, "SO_MARK", "SO_RTABLE has a row"),
    ("linux", Kind::Option, "IPV6_NEXTHOP", "the kernel answers ENOPROTOOPT"),
    (
        "openbsd",
        Kind::Option,
        "IPV6_NEXTHOP",
        "ip6_setpktopt in sys/netinet6/ip6_output.c answers ENOPROTOOPT",
    ),
    ("windows", Kind::Option, "IPV6_PKTINFO", "the number is that of the switch IPV6_RECVPKTINFO"),
    ("openbsd", Kind::Option, "IPV6_RECVORIGDSTADDR", "IPV6_RECVDSTPORT delivers the port only"),
    (
        "freebsd",
        Kind::Message,
        "SO_RXQ_OVFL",
        "SO_RERROR reports a full buffer as an error, without a number",
    ),
    ("netbsd", Kind::Message, "SO_RXQ_OVFL", "SO_RERROR reports a full buffer as an error, without a number"),
    ("freebsd", Kind::Message, "SO_MARK", "SO_USER_COOKIE is an option only"),
    ("openbsd", Kind::Message, "SO_MARK", "SO_RTABLE is an option only"),
    ("darwin", Kind::Message, "SO_PRIORITY", "SO_NET_SERVICE_TYPE is an option"),
    ("freebsd", Kind::Message, "SO_PRIORITY", "IPV6_VLAN_PCP is the priority in the tag of a VLAN, -1 to 7"),
    ("openbsd", Kind::Message, "IPV6_ORIGDSTADDR", "IPV6_RECVDSTPORT delivers the port only"),
    ("windows", Kind::Message, "IPV6_RECVERR", "an option only: Windows has no error queue"),
    ("windows", Kind::Message, "IPV6_DONTFRAG", "not among the control data of WSASendMsg"),
    ("windows", Kind::Option, "UDP_GRO", "a size and not a switch: UDP_RECV_MAX_COALESCED_SIZE has a row"),
    ("linux", Kind::Option, "IP_PKTINFO", "IPV6_RECVPKTINFO delivers it, with mapped addresses"),
    ("windows", Kind::Option, "IP_ADD_MEMBERSHIP", "not known for sockets of AF_INET6"),
    ("windows", Kind::Option, "MCAST_JOIN_SOURCE_GROUP (IPPROTO_IP)", "not known for sockets of AF_INET6"),
    ("windows", Kind::Option, "MCAST_LEAVE_SOURCE_GROUP (IPPROTO_IP)", "not known for sockets of AF_INET6"),
    ("windows", Kind::Option, "MCAST_BLOCK_SOURCE (IPPROTO_IP)", "not known for sockets of AF_INET6"),
    ("windows", Kind::Option, "MCAST_UNBLOCK_SOURCE (IPPROTO_IP)", "not known for sockets of AF_INET6"),
];

/// A message or an option, by name.
type Entry = (Kind, &'static str);

/// Systems that take few or no entries of level `IPPROTO_IP` on a socket of `AF_INET6`: those in the list are in the table,
/// all others are not.
const IPV4_ENTRIES: &[(&str, &[Entry], &str)] = &[
    ("freebsd", &[(Kind::Message, "IP_TOS")], "EINVAL to options, ENOPROTOOPT to IP_TTL"),
    ("darwin", &[(Kind::Message, "IP_TOS"), (Kind::Message, "IP_PKTINFO")], "EINVAL to options"),
    ("netbsd", &[], "no facts about its dual-stack sockets"),
    ("openbsd", &[], "it has no dual-stack sockets"),
    ("dragonfly", &[], "no facts about its dual-stack sockets"),
    ("solaris", &[], "no facts about its dual-stack sockets"),
    ("aix", &[], "no facts about its dual-stack sockets"),
];

/// Entries of the tables that the data lacks, and where they are compared instead.
const NO_DATA: &[(&str, Kind, &str, &str)] = &[
    ("linux", Kind::Message, "IP_ORIGDSTADDR", "libc, in ipv6-sys/src/proofs/linux.rs"),
    ("windows", Kind::Message, "IPV6_ECN", "windows-sys, in ipv6-sys/src/proofs/windows.rs"),
    ("windows", Kind::Option, "IPV6_RECVECN", "windows-sys, in ipv6-sys/src/proofs/windows.rs"),
    ("windows", Kind::Message, "IP_ECN", "windows-sys, in ipv6-sys/src/proofs/windows.rs"),
    ("windows", Kind::Option, "IP_RECVECN", "windows-sys, in ipv6-sys/src/proofs/windows.rs"),
    ("linux", Kind::Option, "TCP_MD5SIG", "libc, in ipv6-sys/src/proofs/linux.rs"),
    ("linux", Kind::Option, "TCP_AO_ADD_KEY", "linux/tcp.h, a gap in ipv6-sys/src/proofs/linux.rs"),
    ("linux", Kind::Option, "TCP_AO_DEL_KEY", "linux/tcp.h, a gap in ipv6-sys/src/proofs/linux.rs"),
    ("linux", Kind::Option, "TCP_AO_INFO", "linux/tcp.h, a gap in ipv6-sys/src/proofs/linux.rs"),
    ("linux", Kind::Option, "TCP_MD5SIG_EXT", "linux/tcp.h, a gap in ipv6-sys/src/proofs/linux.rs"),
    (
        "windows",
        Kind::Option,
        "UDP_RECV_MAX_COALESCED_SIZE",
        "windows-sys, in ipv6-sys/src/proofs/windows.rs",
    ),
    ("linux", Kind::Option, "IP_PKTOPTIONS", "libc, in ipv6-sys/src/proofs/linux.rs"),
    ("linux", Kind::Option, "IP_RECVERR_RFC4884", "linux/in.h, a gap in ipv6-sys/src/proofs/linux.rs"),
    ("linux", Kind::Option, "IP_DROP_MEMBERSHIP", "libc, in ipv6-sys/src/proofs/linux.rs"),
    ("windows", Kind::Option, "IP_DONTFRAG", "windows-sys, in ipv6-sys/src/proofs/windows.rs"),
];

/// Facts of the headers for which the data has no number: the system, whether its `sockaddr_in6` starts with `sin6_len`,
/// and what a set bit in its `icmp6_filter` does (`ICMP6_FILTER_WILLPASS`; Linux drops when the bit is set, in
/// `net/ipv6/raw.c`). `None`: no such filter.
const HEADERS: &[(&str, bool, Option<FilterPolarity>)] = &[
    ("linux", false, Some(FilterPolarity::SetBlocks)),
    ("darwin", true, Some(FilterPolarity::SetPasses)),
    ("freebsd", true, Some(FilterPolarity::SetPasses)),
    ("dragonfly", true, Some(FilterPolarity::SetPasses)),
    ("netbsd", true, Some(FilterPolarity::SetPasses)),
    ("openbsd", true, Some(FilterPolarity::SetPasses)),
    ("solaris", false, Some(FilterPolarity::SetPasses)),
    ("aix", true, Some(FilterPolarity::SetPasses)),
    ("windows", false, None),
];

/// Names in C that the data has for one of ours, by system (`*` is any).
const OTHER_NAMES: &[(&str, &str, &str)] = &[
    ("*", "IPV6_JOIN_GROUP", "IPV6_ADD_MEMBERSHIP"),
    ("*", "IPV6_LEAVE_GROUP", "IPV6_DROP_MEMBERSHIP"),
    ("linux", "ICMP6_FILTER", "ICMPV6_FILTER"),
    ("windows", "IPV6_PATHMTU", "IPV6_MTU"),
    ("dragonfly", "IPV6_ADDR_PREFERENCES", "IPV6_PREFER_TEMPADDR"),
];

/// Which list a name is from: a message and an option may share one.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Message,
    Option,
}

/// Level, and type or name.
type Number = (i32, i32);

/// The table of a platform.
fn table(platform: &str) -> Abi {
    let found = PLATFORMS.iter().find(|(name, _)| *name == platform);
    found
        .unwrap_or_else(|| {
            panic!(
                "{platform} is in SYSTEMS or LIKE and not in the list of platforms (ipv6-core/src/rows.rs)"
            )
        })
        .1
}

/// Every row of both lists: its name, and its number in a table.
fn rows(abi: &Abi) -> Vec<(Kind, &'static str, Option<Number>)> {
    let messages =
        abi.control.rows().map(|(name, number)| (Kind::Message, name, number.map(|n| (n.level, n.kind))));
    let options =
        abi.options.rows().map(|(name, number)| (Kind::Option, name, number.map(|n| (n.level, n.name))));
    messages.into_iter().chain(options).collect()
}

/// The lines of a table of data, split into fields.
fn lines(data: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    data.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

/// A constant of Go's: system, architecture (`*` is all of them), name, value.
fn constant(os: &str, arch: &str, name: &str) -> Option<i32> {
    let of = |line: &Vec<&str>| line[0] == os && (line[1] == "*" || line[1] == arch) && line[2] == name;
    lines(CONSTANTS).find(of)?[3].parse().ok()
}

/// A number from the headers: the system's column of the row with this name, and the name that the system has for it.
fn in_headers(os: &str, kind: Kind, name: &'static str) -> Option<(&'static str, i32)> {
    let header = lines(OPTIONS).next()?;
    let column = header.iter().position(|column| *column == if os == "darwin" { "macos" } else { os })?;
    let kind = if kind == Kind::Message { "cmsg" } else { "option" };
    let row = lines(OPTIONS).find(|row| row[0] == name && row[1] == kind)?;
    let (name, number) = match row[column] {
        // The row is about this system only: the column of Linux has the number.
        "here" => (name, row[3]),
        _ if os == "linux" && !row[2].starts_with(char::is_numeric) => return None,
        cell => cell.split_once('=').unwrap_or((name, cell)),
    };
    Some((name, number.parse().ok()?))
}

/// Level, and type or name, of a message or an option in the data; the two sources agree where both have it.
fn expected(os: &str, arch: &str, kind: Kind, name: &'static str) -> Option<Number> {
    // The same option at the level of IPv4.
    let (name, of_ipv4) = match name.strip_suffix(" (IPPROTO_IP)") {
        Some(name) => (name, true),
        None => (name, name.starts_with("IP_")),
    };
    if of_ipv4 && kind == Kind::Option && NO_IPV4_OPTIONS.iter().any(|(of, _)| *of == os) {
        return None;
    }
    let others = OTHER_NAMES.iter().filter(|(of, ours, _)| (*of == os || *of == "*") && *ours == name);
    // The first numbers of these have times of 32 bits in 32-bit programs (include/uapi/asm-generic/socket.h).
    let of_32_bits = os == "linux" && ["386", "arm", "ppc", "mips", "mipsle", "sparc"].contains(&arch);
    let name = match name {
        "SO_TIMESTAMP" | "SCM_TIMESTAMP" if of_32_bits => "SO_TIMESTAMP_NEW",
        "SO_TIMESTAMPNS" | "SCM_TIMESTAMPNS" if of_32_bits => "SO_TIMESTAMPNS_NEW",
        "SO_TIMESTAMPING" if of_32_bits && kind == Kind::Option => "SO_TIMESTAMPING_NEW",
        "SCM_TIMESTAMPING" if of_32_bits => "SO_TIMESTAMPING_NEW",
        name => name,
    };
    let names: Vec<&str> = [name].into_iter().chain(others.map(|(.., other)| *other)).collect();
    let go = names.iter().find_map(|name| constant(os, arch, name));
    let headers = names.iter().find_map(|name| in_headers(os, kind, name));
    // The headers are those of x86: MIPS and SPARC have other numbers at level SOL_SOCKET.
    let other = os == "linux" && (arch.starts_with("mips") || arch.starts_with("sparc"));
    let agree = other || go.zip(headers).is_none_or(|(go, (_, headers))| go == headers);
    assert!(agree, "{os} {name}: {go:?} and {headers:?}");
    // The level is that of the option that the system has, such as SO_BINDANY for IPV6_FREEBIND.
    let level = match headers.map_or(name, |(name, _)| name) {
        // RFC 3542 section 3.1 has it at IPPROTO_IPV6; Linux documents SOL_RAW.
        "IPV6_CHECKSUM" if os == "linux" => constant(os, arch, "SOL_RAW"),
        name if name.starts_with("SO_") || name.starts_with("SCM_") => match os {
            "windows" => Some(0xffff),
            _ => constant(os, arch, "SOL_SOCKET"),
        },
        _ if of_ipv4 => Some(0),
        name if name.starts_with("TCP_") => Some(6),
        name if name.starts_with("UDP_") => Some(17),
        name if name.starts_with("IP_") => Some(0),
        name if name.starts_with("ICMP6_") || name.starts_with("ICMPV6_") => Some(58),
        name if name.starts_with("IPV6_") || name.starts_with("MCAST_") || name.starts_with("IP6T_") => {
            Some(41)
        }
        name => panic!("add the level of {name} to this match in {}", file!()),
    };
    level.zip(go.or(headers.map(|(_, number)| number)))
}

/// The file with the table of a system of the data.
fn file(os: &str) -> String {
    format!("ipv6-core/src/abi/{}.rs", if os == "darwin" { "apple" } else { os })
}

/// Whether the data's entry must not be in the system's table.
fn is_left_out(os: &str, kind: Kind, name: &str) -> bool {
    let of_ipv4 = name.starts_with("IP_");
    let mut systems = IPV4_ENTRIES.iter();
    is_in(LEFT_OUT, os, kind, name)
        || of_ipv4 && systems.any(|(of, has, _)| *of == os && !has.contains(&(kind, name)))
}

/// Whether a list of exceptions has the entry.
fn is_in(list: &[(&str, Kind, &str, &str)], os: &str, kind: Kind, name: &str) -> bool {
    list.iter().any(|(of, what, which, _)| (*of, *what, *which) == (os, kind, name))
}

#[test]
fn every_platform_is_compared_with_data() {
    for (platform, _) in PLATFORMS {
        let compared = SYSTEMS.iter().filter(|(name, ..)| name == platform).count();
        let like = LIKE.iter().filter(|(name, ..)| name == platform).count();
        assert_eq!(
            compared + like,
            1,
            "{platform} is in the list of platforms (ipv6-core/src/rows.rs): add it to SYSTEMS or to LIKE in {}",
            file!()
        );
    }
    // Windows has its numbers in options.tsv, and no sizes (see SYSTEMS). sparc64 has no sizes either.
    for (platform, os, arches) in SYSTEMS.iter().filter(|(_, os, _)| *os != "windows") {
        for arch in *arches {
            let numbers = constant(os, arch, "AF_INET6").is_some();
            let sizes = *arch == "sparc64" || size(os, arch, "SockaddrInet6").is_some();
            assert!(
                numbers && sizes,
                "{platform} is in SYSTEMS, and the data lacks lines for {os} {arch}: add them to ipv6-core/tests/data \
                 (constants.tsv: {numbers}, struct_sizes.tsv: {sizes})"
            );
        }
    }
}

#[test]
fn every_system_of_the_data_has_a_platform_or_a_reason() {
    let named = lines(CONSTANTS).map(|line| (line[0], line[1]));
    let sized = lines(SIZES).map(|line| line[0].split_once('_').unwrap_or((line[0], "*")));
    for (os, arch) in named.chain(sized) {
        let with =
            SYSTEMS.iter().filter(|(_, of, arches)| *of == os && (arch == "*" || arches.contains(&arch)));
        let without = NO_PLATFORM.iter().filter(|(of, _)| *of == os);
        match (with.count(), without.count()) {
            (1, 0) | (0, 1) => {}
            (2.., 0) if arch == "*" => {}
            (with, without) => panic!(
                "{os} {arch} is in ipv6-core/tests/data: add it to one line of SYSTEMS, or {os} to NO_PLATFORM with the \
                 reason ({with} and {without} lines have it)"
            ),
        }
    }
}

#[test]
fn every_entry_of_the_data_is_in_the_table_and_every_entry_of_the_table_is_in_the_data() {
    // Most architectures of a platform have the same numbers: one line for all of them.
    let mut wrong: Vec<(String, String)> = Vec::new();
    for (platform, os, arches) in SYSTEMS {
        for arch in *arches {
            for (kind, name, ours) in rows(&table(platform)) {
                let data = expected(os, arch, kind, name);
                let what = match (ours, data) {
                    (Some(_), _) if is_left_out(os, kind, name) => {
                        "is in the table and in LEFT_OUT or IPV4_ENTRIES: remove it from one of them"
                            .to_string()
                    }
                    (None, None) if is_in(LEFT_OUT, os, kind, name) => {
                        "is in LEFT_OUT and not in the data: remove it from LEFT_OUT".to_string()
                    }
                    (None, None) if is_in(NO_DATA, os, kind, name) => {
                        "is in NO_DATA and not in the table: add it to the table, or remove it from NO_DATA"
                            .to_string()
                    }
                    (None, None) => continue,
                    (Some(ours), Some(data)) if ours == data => continue,
                    (None, Some(_)) if is_left_out(os, kind, name) => continue,
                    (Some(_), None) if is_in(NO_DATA, os, kind, name) => continue,
                    (None, Some(data)) => {
                        format!(
                            "is missing, and {data:?} in the data: add it to the table, or to LEFT_OUT with the reason"
                        )
                    }
                    (Some(ours), None) => format!(
                        "is {ours:?}, and not in the data: remove it, add it to the data, or to NO_DATA with another source"
                    ),
                    (Some(ours), Some(data)) => {
                        format!("is {ours:?}, and {data:?} in the data: correct the table")
                    }
                };
                let line = format!("{platform} ({}): {kind:?} {name} {what}", file(os));
                match wrong.iter_mut().find(|(other, _)| *other == line) {
                    Some((_, of)) => of.extend([", ", arch]),
                    None => wrong.push((line, (*arch).to_string())),
                }
            }
        }
    }
    let wrong: Vec<String> = wrong.into_iter().map(|(line, of)| format!("{line} [{of}]")).collect();
    assert!(
        wrong.is_empty(),
        "(level, number), data in ipv6-core/tests/data, LEFT_OUT and NO_DATA in {}:\n{}",
        file!(),
        wrong.join("\n")
    );
}

#[test]
fn every_row_of_the_lists_is_on_some_platform_and_every_exception_is_a_row() {
    let named = |kind, name| move |row: &(Kind, &'static str, Option<Number>)| (row.0, row.1) == (kind, name);
    for (kind, name, _) in rows(&table("Linux64")) {
        let on = PLATFORMS.iter().flat_map(|(_, abi)| rows(abi)).filter(named(kind, name));
        assert!(
            on.filter(|row| row.2.is_some()).count() > 0,
            "{kind:?} {name} is in a list of ipv6-core/src/rows.rs and in no table: add its number to a table in ipv6-core/src/abi"
        );
    }
    for (os, kind, name, _) in LEFT_OUT.iter().chain(NO_DATA) {
        assert!(
            SYSTEMS.iter().any(|system| system.1 == *os),
            "an exception is for {os}, which is not in SYSTEMS"
        );
        assert!(
            rows(&table("Linux64")).iter().any(named(*kind, name)),
            "{os} has an exception for {kind:?} {name}, which is in no list of ipv6-core/src/rows.rs: remove the exception"
        );
    }
    // The lists are what the functions above look in: an empty one would agree with every table.
    assert!(rows(&table("Linux64")).iter().filter(|row| row.2.is_some()).count() >= 30);
}

/// The size of a structure: of the system on one architecture, or on all.
fn size(os: &str, arch: &str, structure: &str) -> Option<usize> {
    let of = |platform: &str| lines(SIZES).find(|line| line[0] == platform && line[1] == structure);
    of(&format!("{os}_{arch}")).or_else(|| of(os))?[2].parse().ok()
}

/// The bytes of a message's data.
fn size_of_message(os: &str, arch: &str, name: &str, of: impl Fn(&str) -> usize) -> usize {
    match name {
        // The note of the row in options.tsv; xnu's so_tos_from_control() takes an int.
        "IP_TOS" if ["linux", "freebsd"].contains(&os) => 1,
        // struct in_pktinfo: an int and two addresses.
        "IP_PKTINFO" => 12,
        "IPV6_PKTINFO" => of("Inet6Pktinfo"),
        "IPV6_NEXTHOP" | "IPV6_ORIGDSTADDR" => of("SockaddrInet6"),
        "IP_ORIGDSTADDR" => 16,
        // The seconds have 32 bits on FreeBSD for i386 only, and the fraction that of a long. On i386, 64 bits are aligned
        // to 4 bytes.
        "SCM_TIMESTAMP" | "SCM_TIMESTAMPNS" => match (os, arch) {
            ("freebsd", "386") => 8,
            ("netbsd" | "openbsd", "386") => 12,
            _ => 16,
        },
        "SCM_MONOTONIC" => {
            if arch == "386" {
                8
            } else {
                16
            }
        }
        "SCM_BINTIME" => {
            if arch == "386" {
                12
            } else {
                16
            }
        }
        "SCM_TIMESTAMP_MONOTONIC" => 8,
        "IPV6_RECVDSTPORT" => 2,
        "SCM_TIMESTAMPING" => 48,
        "SCM_TIMESTAMPING_PKTINFO" => 16,
        "SCM_TXTIME" => 8,
        "IPV6_PATHMTU" => of("IPv6Mtuinfo"),
        // The note of the row in options.tsv.
        "IPV6_RECVERR" => 16 + of("SockaddrInet6"),
        "UDP_SEGMENT" => 2,
        // Of any multiple of 8: the shortest.
        "IPV6_HOPOPTS" | "IPV6_DSTOPTS" | "IPV6_RTHDRDSTOPTS" | "IPV6_RTHDR" => 8,
        // An int, or another integer of four bytes.
        _ => 4,
    }
}

#[test]
fn sizes_and_layouts_are_those_of_the_data() {
    for (platform, os, arches) in SYSTEMS {
        let Abi { endian, cmsg, sockaddr, control, group_req, icmp6_filter, .. } = table(platform);
        let file = file(os);
        let headers = HEADERS.iter().find(|(of, ..)| of == os);
        let (_, length_byte, polarity) =
            headers.unwrap_or_else(|| panic!("add {os} to HEADERS in {}", file!()));
        assert_eq!(
            sockaddr.length_byte, *length_byte,
            "{platform} ({file}), sin6_len: correct the table or HEADERS"
        );
        assert_eq!(
            icmp6_filter, *polarity,
            "{platform} ({file}), icmp6_filter: correct the table or HEADERS"
        );

        // The data has numbers of sparc64, and no sizes.
        for arch in arches.iter().filter(|arch| *os != "windows" && **arch != "sparc64") {
            let find = |structure: &str| size(os, arch, structure);
            let of = |structure: &str| {
                find(structure).unwrap_or_else(|| {
                    panic!(
                        "add the size of {structure} on {os}_{arch} to ipv6-core/tests/data/struct_sizes.tsv"
                    )
                })
            };
            let at = format!("{platform} ({file}), {os} {arch}: correct the table");
            assert_eq!(Some(i32::from(sockaddr.af_inet6)), constant(os, arch, "AF_INET6"), "{at}: AF_INET6");
            assert_eq!(sockaddr.size, of("SockaddrInet6"), "{at}: sockaddr_in6");
            for (name, message) in control.rows() {
                let Some(message) = message else { continue };
                assert_eq!(
                    message.size,
                    size_of_message(os, arch, name, of),
                    "{at}, or size_of_message: {name}"
                );
            }
            assert_eq!(group::MREQ_SIZE, of("IPv6Mreq"), "{platform}");
            assert_eq!(group_req.map(|layout| layout.source), find("GroupReq"), "{at}: group_req");
            assert_eq!(group_req.map(|layout| layout.size), find("GroupSourceReq"), "{at}: group_source_req");
            if let Some(GroupReqLayout { group, source, .. }) = group_req {
                // In a struct group_req, everything except the sockaddr_storage precedes it.
                let storage = find("SockaddrStorage").unwrap_or_else(|| of("KernelSockaddrStorage"));
                assert_eq!(group, source - storage, "{at}: gr_group");
            }
            assert!(icmp6_filter.is_none() || of("ICMPv6Filter") == 32, "{platform}");
            // struct iovec is a pointer and a size_t.
            let long = of("Iovec") / 2;
            let (cmsg_len, align) = match (*os, *arch) {
                ("linux", _) => (long, long),
                ("netbsd", "arm64") => (4, 16),
                ("netbsd" | "openbsd", "arm") => (4, 8),
                ("darwin" | "solaris", _) => (4, 4),
                ("aix", _) => (4, 1),
                _ => (4, long),
            };
            let aligns = (cmsg.header_align, cmsg.data_align);
            assert_eq!(
                (cmsg.len.bytes(), aligns),
                (cmsg_len, (align, align)),
                "{at}, or the alignments of this test: cmsghdr"
            );
            let big = ["s390x", "ppc64", "ppc", "mips", "mips64", "sparc"].contains(arch);
            assert_eq!(endian, if big { Endian::Big } else { Endian::Little }, "{at}: byte order");
        }
    }
}

#[test]
fn a_platform_without_data_differs_from_its_like_in_byte_order_alignment_or_group_requests_only() {
    for (platform, like, reason) in LIKE {
        let (abi, like) = (table(platform), table(like));
        assert_eq!((abi.options, abi.control), (like.options, like.control), "{platform}: {reason}");
        assert_eq!((abi.sockaddr, abi.icmp6_filter), (like.sockaddr, like.icmp6_filter), "{platform}");
        assert_ne!(abi, like, "{platform}");
    }
    assert_eq!(FreeBsd64Be::ABI.cmsg, FreeBsd64::ABI.cmsg);
    assert_eq!(FreeBsd32On64::ABI.group_req, FreeBsd64::ABI.group_req);
    // What Solaris packs to four bytes starts at multiples of eight here.
    assert_eq!(Solaris::ABI.group_req, Some(GroupReqLayout::new(4, 4 + 256, 4 + 2 * 256)));
    assert_eq!(SolarisSparc::ABI.group_req, Some(GroupReqLayout::new(8, 8 + 256, 8 + 2 * 256)));
}
