//! The tables against an independent source of numbers and sizes, name by name.

// Constants against constants: there is nothing that Miri could see, and it would take minutes.
#![cfg(not(miri))]

use ipv6_core::abi::*;

const CONSTANTS: &str = include_str!("data/constants.tsv");
const SIZES: &str = include_str!("data/struct_sizes.tsv");

/// A table, and what it is called in the data.
struct System {
    name: &'static str,
    abi: Abi,
    /// In `constants.tsv`.
    os: &'static str,
    arch: &'static [&'static str],
}

const SYSTEMS: [System; 4] = [
    System {
        name: "Linux64",
        abi: Linux64::ABI,
        os: "linux",
        arch: &["amd64", "arm64", "riscv64", "loong64", "ppc64le"],
    },
    System { name: "Linux64Be", abi: Linux64Be::ABI, os: "linux", arch: &["s390x", "ppc64"] },
    System { name: "Linux32", abi: Linux32::ABI, os: "linux", arch: &["386", "arm"] },
    System { name: "Linux32Be", abi: Linux32Be::ABI, os: "linux", arch: &["ppc"] },
];

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

fn size(platform: &str, structure: &str) -> Option<usize> {
    SIZES.lines().find_map(|line| {
        let rest = line.strip_prefix(platform)?.strip_prefix('\t')?.strip_prefix(structure)?;
        rest.strip_prefix('\t')?.parse().ok()
    })
}

/// Each option with the name of its level and its own in the data. The pattern has no `..`: a new option
/// does not compile without a line here.
fn options(options: OptionNumbers) -> Vec<(Option<OptionNumber>, &'static str, &'static str)> {
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
        attach_filter,
        detach_filter,
    } = options;
    vec![
        (traffic_class, "SOL_IPV6", "IPV6_TCLASS"),
        (unicast_hops, "SOL_IPV6", "IPV6_UNICAST_HOPS"),
        (multicast_interface, "SOL_IPV6", "IPV6_MULTICAST_IF"),
        (multicast_hops, "SOL_IPV6", "IPV6_MULTICAST_HOPS"),
        (multicast_loopback, "SOL_IPV6", "IPV6_MULTICAST_LOOP"),
        (receive_traffic_class, "SOL_IPV6", "IPV6_RECVTCLASS"),
        (receive_hop_limit, "SOL_IPV6", "IPV6_RECVHOPLIMIT"),
        (receive_packet_info, "SOL_IPV6", "IPV6_RECVPKTINFO"),
        (receive_path_mtu, "SOL_IPV6", "IPV6_RECVPATHMTU"),
        (path_mtu, "SOL_IPV6", "IPV6_PATHMTU"),
        (dont_fragment, "SOL_IPV6", "IPV6_DONTFRAG"),
        (v6_only, "SOL_IPV6", "IPV6_V6ONLY"),
        // RFC 3542 section 3.1 has this one at IPPROTO_IPV6; Linux documents SOL_RAW.
        (checksum, "SOL_RAW", "IPV6_CHECKSUM"),
        (header_included, "SOL_IPV6", "IPV6_HDRINCL"),
        // RFC 3542's ICMP6_FILTER by the name that Linux has for it.
        (icmp6_filter, "SOL_ICMPV6", "ICMPV6_FILTER"),
        (stream_control, "SOL_IPV6", "IPV6_2292PKTOPTIONS"),
        (join_group, "SOL_IPV6", "MCAST_JOIN_GROUP"),
        (leave_group, "SOL_IPV6", "MCAST_LEAVE_GROUP"),
        (join_source_group, "SOL_IPV6", "MCAST_JOIN_SOURCE_GROUP"),
        (leave_source_group, "SOL_IPV6", "MCAST_LEAVE_SOURCE_GROUP"),
        (block_source, "SOL_IPV6", "MCAST_BLOCK_SOURCE"),
        (unblock_source, "SOL_IPV6", "MCAST_UNBLOCK_SOURCE"),
        (attach_filter, "SOL_SOCKET", "SO_ATTACH_FILTER"),
        (detach_filter, "SOL_SOCKET", "SO_DETACH_FILTER"),
    ]
}

/// Each control message with its name and the size of its structure in the data.
fn messages(control: ControlNumbers) -> Vec<(Option<ControlNumber>, &'static str, Option<&'static str>)> {
    let ControlNumbers { traffic_class, hop_limit, packet_info, next_hop, path_mtu } = control;
    vec![
        (traffic_class, "IPV6_TCLASS", None),
        (hop_limit, "IPV6_HOPLIMIT", None),
        (packet_info, "IPV6_PKTINFO", Some("Inet6Pktinfo")),
        (next_hop, "IPV6_NEXTHOP", Some("SockaddrInet6")),
        (path_mtu, "IPV6_PATHMTU", Some("IPv6Mtuinfo")),
    ]
}

/// What a table does not have although the data has a number, with the reason.
const LEFT_OUT: &[(&str, &str)] =
    &[("IPV6_NEXTHOP", "Linux has the number and refuses the message with EINVAL")];

/// Architectures of Linux without a table, with the reason.
const NO_TABLE: &[(&str, &str)] = &[
    ("mips", "SOL_SOCKET is 65535"),
    ("mipsle", "SOL_SOCKET is 65535"),
    ("mips64", "SOL_SOCKET is 65535"),
    ("mips64le", "SOL_SOCKET is 65535"),
    ("sparc64", "SOL_SOCKET is 65535"),
];

#[test]
fn every_architecture_has_a_table_or_a_reason() {
    for [os, arch, ..] in constants().filter(|[os, arch, ..]| *os == "linux" && *arch != "*") {
        let with_table = SYSTEMS.iter().filter(|system| system.os == os && system.arch.contains(&arch));
        let without = NO_TABLE.iter().filter(|(of, _)| *of == arch);
        assert_eq!(with_table.count() + without.count(), 1, "{arch}");
    }
    for (arch, reason) in NO_TABLE {
        assert_eq!(constant("linux", arch, "SOL_SOCKET"), Some(65535), "{arch}: {reason}");
    }
}

#[test]
fn options_and_messages() {
    for System { name: system, abi, os, arch } in SYSTEMS {
        for arch in arch {
            let number = |name: &str| constant(os, arch, name);
            let mut seen = 0;
            for (option, level, name) in options(abi.options) {
                let expected = number(level).zip(number(name));
                assert_eq!(
                    option.map(|option| (option.level, option.name)),
                    expected,
                    "{system} {arch} {name}"
                );
                seen += usize::from(expected.is_some());
            }
            for (message, name, _) in messages(abi.control) {
                if LEFT_OUT.iter().any(|(left_out, _)| *left_out == name) {
                    assert!(message.is_none() && number(name).is_some(), "{system} {name} is not left out");
                    continue;
                }
                let expected = number("SOL_IPV6").zip(number(name));
                assert_eq!(message.map(|message| (message.level, message.kind)), expected, "{system} {name}");
                seen += usize::from(expected.is_some());
            }
            assert_eq!(Some(i32::from(abi.sockaddr.af_inet6)), number("AF_INET6"), "{system}");
            // A search that finds nothing would agree with a table that has nothing.
            assert_eq!(seen, 24 + 4, "{system} {arch}");
        }
    }
}

#[test]
fn sizes() {
    for System { name: system, abi, os, arch } in SYSTEMS {
        // Without `..`, here and below: what is added to a table has to be looked at.
        let Abi { endian, cmsg, sockaddr, control, options: _, group_req, icmp6_filter } = abi;
        let SockaddrLayout { af_inet6: _, length_byte, size: sockaddr_size } = sockaddr;
        let CmsgLayout { len, header_align, data_align } = cmsg;
        for arch in arch {
            let of = |structure: &str| {
                size(&format!("{os}_{arch}"), structure).unwrap_or_else(|| panic!("{os}_{arch} {structure}"))
            };
            assert_eq!(sockaddr_size, of("SockaddrInet6"), "{system}");
            for (message, name, structure) in messages(control) {
                let expected = structure.map_or(4, &of);
                assert!(message.is_none_or(|message| message.size == expected), "{system} {name}");
            }
            let GroupReqLayout { group, source, size } = group_req.unwrap();
            assert_eq!((source, size), (of("GroupReq"), of("GroupSourceReq")), "{system}");
            // What a struct group_req has beside its sockaddr_storage lies before it.
            assert_eq!(group, of("GroupReq") - of("KernelSockaddrStorage"), "{system}");
            assert_eq!(of("ICMPv6Filter"), 32);
            // struct iovec is a pointer and a size_t, as cmsg_len is; CMSG_ALIGN is to a long.
            let long = of("Iovec") / 2;
            assert_eq!((len.bytes(), header_align, data_align), (long, long, long), "{system} {arch}");
            let big = ["s390x", "ppc64", "ppc"].contains(arch);
            assert_eq!(endian, if big { Endian::Big } else { Endian::Little }, "{system} {arch}");
        }
        // These two have no number to compare: sockaddr_in6 in the kernel's in6.h has no length, and
        // icmpv6_filter in net/ipv6/raw.c drops where the bit is set.
        assert_eq!((length_byte, icmp6_filter), (false, Some(FilterPolarity::SetBlocks)), "{system}");
    }
}
