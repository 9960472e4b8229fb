//! The tables against an independent source of numbers and sizes, name by name.

// Constants against constants: there is nothing that Miri could see, and it would take minutes.
#![cfg(not(miri))]

use ipv6_core::abi::*;
use ipv6_core::group;

const CONSTANTS: &str = include_str!("data/constants.tsv");
const SIZES: &str = include_str!("data/struct_sizes.tsv");

/// A table, and what it is called in the data.
struct System {
    name: &'static str,
    abi: Abi,
    os: &'static str,
    arch: &'static [&'static str],
}

macro_rules! systems {
    ($($name:ident: $os:literal $arch:tt,)*) => {
        &[$(System { name: stringify!($name), abi: $name::ABI, os: $os, arch: &$arch },)*]
    };
}

const SYSTEMS: &[System] = systems! {
    Linux64: "linux" ["amd64", "arm64", "riscv64", "loong64", "ppc64le"],
    Linux64Be: "linux" ["s390x", "ppc64"],
    Linux32: "linux" ["386", "arm"],
    Linux32Be: "linux" ["ppc"],
    LinuxMips64: "linux" ["mips64le"],
    LinuxMips64Be: "linux" ["mips64", "sparc64"],
    LinuxMips32: "linux" ["mipsle"],
    LinuxMips32Be: "linux" ["mips"],
    Apple: "darwin" ["amd64", "arm64"],
    FreeBsd64: "freebsd" ["amd64", "arm64", "riscv64"],
    FreeBsd32: "freebsd" ["386"],
    FreeBsdArm: "freebsd" ["arm"],
    DragonFly: "dragonfly" ["amd64"],
    NetBsd64: "netbsd" ["amd64"],
    NetBsdAarch64: "netbsd" ["arm64"],
    NetBsd32: "netbsd" ["386"],
    NetBsdArm: "netbsd" ["arm"],
    OpenBsd64: "openbsd" ["amd64", "arm64", "riscv64"],
    OpenBsd64Be: "openbsd" ["ppc64", "mips64"],
    OpenBsd32: "openbsd" ["386"],
    OpenBsdArm: "openbsd" ["arm"],
    Solaris: "solaris" ["amd64"],
    Aix: "aix" ["ppc64"],
};

/// Tables that the data has no line for, with the one whose numbers they have.
const OTHERS: &[(&str, Abi, Abi, &str)] = &[
    ("FreeBsd64Be", FreeBsd64Be::ABI, FreeBsd64::ABI, "Go does not run on FreeBSD for powerpc64"),
    ("FreeBsd32On64", FreeBsd32On64::ABI, FreeBsd32::ABI, "a program learns at run time that it is there"),
    ("SolarisSparc", SolarisSparc::ABI, Solaris::ABI, "Go does not run on Solaris for SPARC"),
];

/// Systems of the data without a table, with the reason.
const NO_TABLE: &[(&str, &str)] = &[("zos", "Rust does not run on z/OS")];

// Windows64 and Windows32 have no counterpart in the data, which is of Unix systems. They are compared with
// windows-sys by ipv6-sys (src/proofs), and with the C headers of mingw-w64 (tests/golden.rs there).

/// The fields of each line: system, architecture (`*` is all of them), name, value.
fn constants() -> impl Iterator<Item = [&'static str; 4]> {
    let lines = CONSTANTS.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split('\t').collect::<Vec<_>>().try_into().unwrap())
}

fn constant(os: &str, arch: &str, name: &str) -> Option<i32> {
    let [.., value] = constants().find(|line| {
        let [of_os, of_arch, of_name, _] = *line;
        of_os == os && (of_arch == "*" || of_arch == arch) && of_name == name
    })?;
    value.parse().ok()
}

/// The size of a structure: of the system on one architecture, or on all.
fn size(os: &str, arch: &str, structure: &str) -> Option<usize> {
    let of = |platform: &str| {
        SIZES.lines().find_map(|line| {
            let rest = line.strip_prefix(platform)?.strip_prefix('\t')?.strip_prefix(structure)?;
            rest.strip_prefix('\t')?.parse().ok()
        })
    };
    of(&format!("{os}_{arch}")).or_else(|| of(os))
}

/// Each option with the name of its level and its own in the data. The pattern has no `..`: a new option
/// does not compile without a line here.
fn options(os: &str, options: OptionNumbers) -> Vec<(Option<OptionNumber>, &'static str, &'static str)> {
    let OptionNumbers {
        traffic_class,
        unicast_hops,
        multicast_interface,
        multicast_hops,
        multicast_loopback,
        receive_traffic_class,
        receive_hop_limit,
        receive_packet_info,
        receive_path_mtu,
        receive_ecn,
        path_mtu,
        dont_fragment,
        v6_only,
        checksum,
        header_included,
        icmp6_filter,
        stream_control,
        join_group,
        leave_group,
        join_source_group,
        leave_source_group,
        block_source,
        unblock_source,
        coalesce,
        queue_errors,
        attach_filter,
        detach_filter,
    } = options;
    // RFC 3542 section 3.1 has IPV6_CHECKSUM at IPPROTO_IPV6; Linux documents SOL_RAW. It has ICMP6_FILTER
    // by another name, too.
    let (raw, icmp6) =
        if os == "linux" { ("SOL_RAW", "ICMPV6_FILTER") } else { ("IPPROTO_IPV6", "ICMP6_FILTER") };
    vec![
        (traffic_class, "IPPROTO_IPV6", "IPV6_TCLASS"),
        (unicast_hops, "IPPROTO_IPV6", "IPV6_UNICAST_HOPS"),
        (multicast_interface, "IPPROTO_IPV6", "IPV6_MULTICAST_IF"),
        (multicast_hops, "IPPROTO_IPV6", "IPV6_MULTICAST_HOPS"),
        (multicast_loopback, "IPPROTO_IPV6", "IPV6_MULTICAST_LOOP"),
        (receive_traffic_class, "IPPROTO_IPV6", "IPV6_RECVTCLASS"),
        (receive_hop_limit, "IPPROTO_IPV6", "IPV6_RECVHOPLIMIT"),
        (receive_packet_info, "IPPROTO_IPV6", "IPV6_RECVPKTINFO"),
        (receive_path_mtu, "IPPROTO_IPV6", "IPV6_RECVPATHMTU"),
        (receive_ecn, "IPPROTO_IPV6", "IPV6_RECVECN"),
        (path_mtu, "IPPROTO_IPV6", "IPV6_PATHMTU"),
        (dont_fragment, "IPPROTO_IPV6", "IPV6_DONTFRAG"),
        (v6_only, "IPPROTO_IPV6", "IPV6_V6ONLY"),
        (checksum, raw, "IPV6_CHECKSUM"),
        (header_included, "IPPROTO_IPV6", "IPV6_HDRINCL"),
        (icmp6_filter, "IPPROTO_ICMPV6", icmp6),
        (stream_control, "IPPROTO_IPV6", "IPV6_2292PKTOPTIONS"),
        (join_group, "IPPROTO_IPV6", "IPV6_JOIN_GROUP"),
        (leave_group, "IPPROTO_IPV6", "IPV6_LEAVE_GROUP"),
        (join_source_group, "IPPROTO_IPV6", "MCAST_JOIN_SOURCE_GROUP"),
        (leave_source_group, "IPPROTO_IPV6", "MCAST_LEAVE_SOURCE_GROUP"),
        (block_source, "IPPROTO_IPV6", "MCAST_BLOCK_SOURCE"),
        (unblock_source, "IPPROTO_IPV6", "MCAST_UNBLOCK_SOURCE"),
        (coalesce, "IPPROTO_UDP", "UDP_GRO"),
        (queue_errors, "IPPROTO_IPV6", "IPV6_RECVERR"),
        (attach_filter, "SOL_SOCKET", "SO_ATTACH_FILTER"),
        (detach_filter, "SOL_SOCKET", "SO_DETACH_FILTER"),
    ]
}

/// Each control message with its name and the size of its structure in the data.
fn messages(control: ControlNumbers) -> Vec<(Option<ControlNumber>, &'static str, Option<&'static str>)> {
    let ControlNumbers {
        traffic_class,
        hop_limit,
        packet_info,
        next_hop,
        path_mtu,
        ecn,
        segment_size,
        coalesced,
    } = control;
    vec![
        (traffic_class, "IPV6_TCLASS", None),
        (hop_limit, "IPV6_HOPLIMIT", None),
        (packet_info, "IPV6_PKTINFO", Some("Inet6Pktinfo")),
        (next_hop, "IPV6_NEXTHOP", Some("SockaddrInet6")),
        (path_mtu, "IPV6_PATHMTU", Some("IPv6Mtuinfo")),
        (ecn, "IPV6_ECN", None),
        (segment_size, "UDP_SEGMENT", None),
        (coalesced, "UDP_GRO", None),
    ]
}

/// What the tables of a system do not have although the data has a number, with the reason.
const LEFT_OUT: &[(&str, &str, &str)] = &[
    ("linux", "IPV6_NEXTHOP", "the message is refused with EINVAL"),
    ("darwin", "IPV6_2292PKTOPTIONS", "xnu answers with nothing, always"),
    ("solaris", "SO_ATTACH_FILTER", "it is for packet sockets"),
    ("solaris", "SO_DETACH_FILTER", "it is for packet sockets"),
];

fn left_out(os: &str, name: &str) -> bool {
    LEFT_OUT.iter().any(|left_out| (left_out.0, left_out.1) == (os, name))
}

#[test]
fn every_system_has_a_table_or_a_reason() {
    let named = constants().map(|[os, arch, ..]| (os, arch));
    let sized = SIZES.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let platform = line.split('\t').next().unwrap();
        platform.split_once('_').unwrap_or((platform, "*"))
    });
    for (os, arch) in named.chain(sized) {
        let with_table =
            SYSTEMS.iter().filter(|system| system.os == os && (arch == "*" || system.arch.contains(&arch)));
        let without = NO_TABLE.iter().filter(|(of, _)| *of == os);
        match (with_table.count(), without.count()) {
            (1, 0) | (0, 1) => {}
            (2.., 0) if arch == "*" => {}
            counts => panic!("{os} {arch}: {counts:?} tables and reasons"),
        }
    }
}

#[test]
fn options_and_messages() {
    for System { name: system, abi, os, arch } in SYSTEMS {
        for arch in *arch {
            let number = |name: &str| constant(os, arch, name);
            let mut seen = 0;
            for (option, level, name) in options(os, abi.options) {
                if left_out(os, name) {
                    assert!(option.is_none() && number(name).is_some(), "{system} {name} is not left out");
                    continue;
                }
                let expected = number(level).zip(number(name));
                let ours = option.map(|option| (option.level, option.name));
                assert_eq!(ours, expected, "{system} {arch} {name}");
                seen += usize::from(expected.is_some());
            }
            for (message, name, _) in messages(abi.control) {
                if left_out(os, name) {
                    assert!(message.is_none() && number(name).is_some(), "{system} {name} is not left out");
                    continue;
                }
                let level = if name.starts_with("UDP") { "IPPROTO_UDP" } else { "IPPROTO_IPV6" };
                let expected = number(level).zip(number(name));
                assert_eq!(message.map(|message| (message.level, message.kind)), expected, "{system} {name}");
                seen += usize::from(expected.is_some());
            }
            assert_eq!(Some(i32::from(abi.sockaddr.af_inet6)), number("AF_INET6"), "{system}");
            // A search that finds nothing would agree with a table that has nothing.
            let expected = match *os {
                "linux" => 26 + 6,
                // Without header inclusion, control messages of streams, and packet filters.
                "darwin" | "freebsd" | "solaris" | "aix" => 20 + 5,
                // Without source filters, too.
                _ => 16 + 5,
            };
            assert_eq!(seen, expected, "{system} {arch}");
        }
    }
}

#[test]
fn sizes() {
    for System { name: system, abi, os, arch } in SYSTEMS {
        // Without `..`, here and below: what is added to a table has to be looked at.
        let Abi { endian, cmsg, sockaddr, control, options: _, group_req, icmp6_filter } = *abi;
        let SockaddrLayout { af_inet6: _, length_byte, size: sockaddr_size } = sockaddr;
        let CmsgLayout { len, header_align, data_align } = cmsg;
        // The data has numbers of sparc64, and no sizes.
        for arch in arch.iter().filter(|arch| **arch != "sparc64") {
            let find = |structure: &str| size(os, arch, structure);
            let of = |structure: &str| find(structure).unwrap_or_else(|| panic!("{os}_{arch} {structure}"));
            assert_eq!(sockaddr_size, of("SockaddrInet6"), "{system}");
            for (message, name, structure) in messages(control) {
                // An int, but for the one that is a __u16.
                let expected = structure.map_or(if name == "UDP_SEGMENT" { 2 } else { 4 }, &of);
                assert!(message.is_none_or(|message| message.size == expected), "{system} {name}");
            }
            assert_eq!(group::MREQ_SIZE, of("IPv6Mreq"), "{system}");
            assert_eq!(group_req.map(|layout| layout.source), find("GroupReq"), "{system}");
            assert_eq!(group_req.map(|layout| layout.size), find("GroupSourceReq"), "{system}");
            if let Some(GroupReqLayout { group, source, .. }) = group_req {
                // What a struct group_req has beside its sockaddr_storage lies before it.
                let storage = find("SockaddrStorage").unwrap_or_else(|| of("KernelSockaddrStorage"));
                assert_eq!(group, source - storage, "{system}");
            }
            assert_eq!(of("ICMPv6Filter"), 32);
            // struct iovec is a pointer and a size_t.
            let long = of("Iovec") / 2;
            let align = |bytes| (bytes, bytes);
            let (cmsg_len, aligns) = match (*os, *arch) {
                ("linux", _) => (long, align(long)),
                ("netbsd", "arm64") => (4, align(16)),
                ("netbsd" | "openbsd", "arm") => (4, align(8)),
                ("darwin" | "solaris", _) => (4, align(4)),
                ("aix", _) => (4, align(1)),
                _ => (4, align(long)),
            };
            assert_eq!((len.bytes(), (header_align, data_align)), (cmsg_len, aligns), "{system} {arch}");
            let big = ["s390x", "ppc64", "ppc", "mips", "mips64"].contains(arch);
            assert_eq!(endian, if big { Endian::Big } else { Endian::Little }, "{system} {arch}");
        }
        // These two have no number to compare: whether the system's sockaddr_in6 starts with sin6_len, and
        // what ICMP6_FILTER_WILLPASS does in its headers (Linux: net/ipv6/raw.c drops where the bit is set).
        let bsd = !["linux", "solaris"].contains(os);
        let polarity = if *os == "linux" { FilterPolarity::SetBlocks } else { FilterPolarity::SetPasses };
        assert_eq!((length_byte, icmp6_filter), (bsd, Some(polarity)), "{system}");
    }
}

/// A table without data has what another has, but for byte order, alignment and group requests.
#[test]
fn tables_without_data() {
    for (name, abi, like, reason) in OTHERS {
        assert_eq!((abi.options, abi.control), (like.options, like.control), "{name}: {reason}");
        assert_eq!((abi.sockaddr, abi.icmp6_filter), (like.sockaddr, like.icmp6_filter), "{name}");
        assert_ne!(abi, like, "{name}");
    }
    assert_eq!(FreeBsd64Be::ABI.cmsg, FreeBsd64::ABI.cmsg);
    assert_eq!(FreeBsd32On64::ABI.group_req, FreeBsd64::ABI.group_req);
    assert_eq!(SolarisSparc::ABI.group_req, Solaris::ABI.group_req);
}
