//! Completeness of the documentation: pages that list names have all of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ipv6_std::abi::{Abi, Linux64, Platform};

const FROM_C: &str = include_str!("../docs/from_c.md");
const FROM_GO: &str = include_str!("../docs/from_go.md");
const SCARS: &str = include_str!("SCARS.md");

/// What RFC 3493 defines: functions, structures and their fields, constants, macros.
const RFC_3493: &str = "
    AF_INET6 PF_INET6 in6_addr s6_addr
    sockaddr_in6 sin6_family sin6_port sin6_flowinfo sin6_addr sin6_scope_id sin6_len SIN6_LEN
    sockaddr_storage ss_family ss_len sa_family_t in_port_t
    in6addr_any IN6ADDR_ANY_INIT in6addr_loopback IN6ADDR_LOOPBACK_INIT
    socket bind connect accept sendmsg sendto recvmsg recvfrom getpeername getsockname getsockopt setsockopt
    if_nametoindex if_indextoname if_nameindex if_index if_name if_freenameindex IF_NAMESIZE
    IPPROTO_IPV6 IPV6_UNICAST_HOPS IPV6_MULTICAST_IF IPV6_MULTICAST_HOPS IPV6_MULTICAST_LOOP
    IPV6_JOIN_GROUP IPV6_LEAVE_GROUP ipv6_mreq ipv6mr_multiaddr ipv6mr_interface IPV6_V6ONLY
    getaddrinfo freeaddrinfo gai_strerror getnameinfo
    addrinfo ai_flags ai_family ai_socktype ai_protocol ai_addrlen ai_addr ai_canonname ai_next
    AI_PASSIVE AI_CANONNAME AI_NUMERICHOST AI_NUMERICSERV AI_V4MAPPED AI_ALL AI_ADDRCONFIG
    EAI_AGAIN EAI_BADFLAGS EAI_FAIL EAI_FAMILY EAI_MEMORY EAI_NONAME EAI_SERVICE EAI_SOCKTYPE EAI_SYSTEM
    EAI_OVERFLOW NI_NOFQDN NI_NUMERICHOST NI_NAMEREQD NI_NUMERICSERV NI_NUMERICSCOPE NI_DGRAM
    inet_pton inet_ntop INET_ADDRSTRLEN INET6_ADDRSTRLEN
    IN6_IS_ADDR_UNSPECIFIED IN6_IS_ADDR_LOOPBACK IN6_IS_ADDR_MULTICAST IN6_IS_ADDR_LINKLOCAL
    IN6_IS_ADDR_SITELOCAL IN6_IS_ADDR_V4MAPPED IN6_IS_ADDR_V4COMPAT IN6_IS_ADDR_MC_NODELOCAL
    IN6_IS_ADDR_MC_LINKLOCAL IN6_IS_ADDR_MC_SITELOCAL IN6_IS_ADDR_MC_ORGLOCAL IN6_IS_ADDR_MC_GLOBAL";

/// What RFC 3542 defines, in the order of its sections 2 to 16.
const RFC_3542: &str = "
    ip6_hdr ip6_flow ip6_plen ip6_nxt ip6_hlim ip6_hops ip6_vfc ip6_src ip6_dst
    IPPROTO_HOPOPTS IPPROTO_ROUTING IPPROTO_FRAGMENT IPPROTO_ESP IPPROTO_AH IPPROTO_ICMPV6 IPPROTO_NONE
    IPPROTO_DSTOPTS
    ip6_hbh ip6_dest ip6_rthdr ip6_rthdr0 ip6_frag IP6F_OFF_MASK IP6F_RESERVED_MASK IP6F_MORE_FRAG
    ip6_opt IP6OPT_TYPE IP6OPT_TYPE_SKIP IP6OPT_TYPE_DISCARD IP6OPT_TYPE_FORCEICMP IP6OPT_TYPE_ICMP
    IP6OPT_MUTABLE IP6OPT_PAD1 IP6OPT_PADN IP6OPT_JUMBO IP6OPT_NSAP_ADDR IP6OPT_TUNNEL_LIMIT
    IP6OPT_ROUTER_ALERT ip6_opt_jumbo IP6OPT_JUMBO_LEN ip6_opt_nsap ip6_opt_tunnel ip6_opt_router
    IP6_ALERT_MLD IP6_ALERT_RSVP IP6_ALERT_AN
    icmp6_hdr icmp6_type icmp6_code icmp6_cksum icmp6_data32 icmp6_data16 icmp6_data8 icmp6_pptr icmp6_mtu
    icmp6_id icmp6_seq icmp6_maxdelay
    ICMP6_DST_UNREACH ICMP6_PACKET_TOO_BIG ICMP6_TIME_EXCEEDED ICMP6_PARAM_PROB ICMP6_INFOMSG_MASK
    ICMP6_ECHO_REQUEST ICMP6_ECHO_REPLY ICMP6_DST_UNREACH_NOROUTE ICMP6_DST_UNREACH_ADMIN
    ICMP6_DST_UNREACH_BEYONDSCOPE ICMP6_DST_UNREACH_ADDR ICMP6_DST_UNREACH_NOPORT ICMP6_TIME_EXCEED_TRANSIT
    ICMP6_TIME_EXCEED_REASSEMBLY ICMP6_PARAMPROB_HEADER ICMP6_PARAMPROB_NEXTHEADER ICMP6_PARAMPROB_OPTION
    ND_ROUTER_SOLICIT ND_ROUTER_ADVERT ND_NEIGHBOR_SOLICIT ND_NEIGHBOR_ADVERT ND_REDIRECT
    nd_router_solicit nd_rs_type nd_rs_code nd_rs_cksum nd_rs_reserved
    nd_router_advert nd_ra_type nd_ra_code nd_ra_cksum nd_ra_curhoplimit nd_ra_flags_reserved
    nd_ra_router_lifetime nd_ra_reachable nd_ra_retransmit ND_RA_FLAG_MANAGED ND_RA_FLAG_OTHER
    nd_neighbor_solicit nd_ns_type nd_ns_code nd_ns_cksum nd_ns_reserved nd_ns_target
    nd_neighbor_advert nd_na_type nd_na_code nd_na_cksum nd_na_flags_reserved nd_na_target
    ND_NA_FLAG_ROUTER ND_NA_FLAG_SOLICITED ND_NA_FLAG_OVERRIDE
    nd_redirect nd_rd_type nd_rd_code nd_rd_cksum nd_rd_reserved nd_rd_target nd_rd_dst
    nd_opt_hdr ND_OPT_SOURCE_LINKADDR ND_OPT_TARGET_LINKADDR ND_OPT_PREFIX_INFORMATION
    ND_OPT_REDIRECTED_HEADER ND_OPT_MTU nd_opt_prefix_info ND_OPT_PI_FLAG_ONLINK ND_OPT_PI_FLAG_AUTO
    nd_opt_rd_hdr nd_opt_mtu
    MLD_LISTENER_QUERY MLD_LISTENER_REPORT MLD_LISTENER_REDUCTION mld_hdr mld_icmp6_hdr mld_addr mld_type
    mld_code mld_cksum mld_maxdelay mld_reserved
    ICMP6_ROUTER_RENUMBERING icmp6_router_renum rr_type rr_code rr_cksum rr_seqnum rr_pco_match rr_pco_use
    rr_result ICMP6_RR_FLAGS_TEST ICMP6_RR_FLAGS_REQRESULT ICMP6_RR_FLAGS_FORCEAPPLY ICMP6_RR_FLAGS_SPECSITE
    ICMP6_RR_FLAGS_PREVDONE ICMP6_RR_PCOUSE_RAFLAGS_ONLINK ICMP6_RR_PCOUSE_RAFLAGS_AUTO
    ICMP6_RR_PCOUSE_FLAGS_DECRVLTIME ICMP6_RR_PCOUSE_FLAGS_DECRPLTIME ICMP6_RR_RESULT_FLAGS_OOB
    ICMP6_RR_RESULT_FLAGS_FORBIDDEN
    IN6_ARE_ADDR_EQUAL SOCK_RAW IPV6_CHECKSUM ICMP6_FILTER icmp6_filter ICMP6_FILTER_SETPASSALL
    ICMP6_FILTER_SETBLOCKALL ICMP6_FILTER_SETPASS ICMP6_FILTER_SETBLOCK ICMP6_FILTER_WILLPASS
    ICMP6_FILTER_WILLBLOCK
    msghdr cmsghdr cmsg_len cmsg_level cmsg_type CMSG_FIRSTHDR CMSG_NXTHDR CMSG_DATA CMSG_SPACE CMSG_LEN
    IPV6_PKTINFO IPV6_RECVPKTINFO in6_pktinfo ipi6_addr ipi6_ifindex IPV6_HOPLIMIT IPV6_RECVHOPLIMIT
    IPV6_NEXTHOP IPV6_TCLASS IPV6_RECVTCLASS
    IPV6_RTHDR IPV6_RECVRTHDR IPV6_RTHDR_TYPE_0 inet6_rth_space inet6_rth_init inet6_rth_add inet6_rth_reverse
    inet6_rth_segments inet6_rth_getaddr IPV6_HOPOPTS IPV6_RECVHOPOPTS IPV6_DSTOPTS IPV6_RECVDSTOPTS
    IPV6_RTHDRDSTOPTS inet6_opt_init inet6_opt_append inet6_opt_finish inet6_opt_set_val inet6_opt_next
    inet6_opt_find inet6_opt_get_val
    IPV6_USE_MIN_MTU IPV6_DONTFRAG IPV6_RECVPATHMTU IPV6_PATHMTU ip6_mtuinfo ip6m_addr ip6m_mtu
    rresvport_af rcmd_af rexec_af";

/// The fields of RFC 3542's structures, in the order of its sections 2, 3 and 20.
const RFC_3542_FIELDS: &str = "
    ip6_ctlun ip6_hdrctl ip6_un1 ip6_un1_flow ip6_un1_plen ip6_un1_nxt ip6_un1_hlim ip6_un2_vfc
    ip6h_nxt ip6h_len ip6d_nxt ip6d_len ip6r_nxt ip6r_len ip6r_type ip6r_segleft
    ip6r0_nxt ip6r0_len ip6r0_type ip6r0_segleft ip6r0_reserved ip6f_nxt ip6f_reserved ip6f_offlg ip6f_ident
    ip6o_type ip6o_len ip6oj_type ip6oj_len ip6oj_jumbo_len ip6on_type ip6on_len ip6on_src_nsap_len
    ip6on_dst_nsap_len ip6ot_type ip6ot_len ip6ot_encap_limit ip6or_type ip6or_len ip6or_value
    icmp6_dataun icmp6_un_data32 icmp6_un_data16 icmp6_un_data8
    nd_rs_hdr nd_ra_hdr nd_ns_hdr nd_na_hdr nd_rd_hdr nd_opt_type nd_opt_len
    nd_opt_pi_type nd_opt_pi_len nd_opt_pi_prefix_len nd_opt_pi_flags_reserved nd_opt_pi_valid_time
    nd_opt_pi_preferred_time nd_opt_pi_reserved2 nd_opt_pi_prefix nd_opt_rh_type nd_opt_rh_len
    nd_opt_rh_reserved1 nd_opt_rh_reserved2 nd_opt_mtu_type nd_opt_mtu_len nd_opt_mtu_reserved nd_opt_mtu_mtu
    rr_hdr rr_segnum rr_flags rr_maxdelay rr_reserved rpm_code rpm_len rpm_ordinal rpm_matchlen rpm_minlen
    rpm_maxlen rpm_reserved rpm_prefix rpu_uselen rpu_keeplen rpu_ramask rpu_raflags rpu_vltime rpu_pltime
    rpu_flags rpu_prefix rrr_flags rrr_ordinal rrr_matchedlen rrr_ifid rrr_prefix
    icmp6_filt msg_name msg_namelen msg_iov msg_iovlen msg_control msg_controllen msg_flags";

/// What RFC 3678 defines.
const RFC_3678: &str = "
    IP_ADD_MEMBERSHIP IP_BLOCK_SOURCE IP_UNBLOCK_SOURCE IP_DROP_MEMBERSHIP IP_ADD_SOURCE_MEMBERSHIP
    IP_DROP_SOURCE_MEMBERSHIP ip_mreq imr_multiaddr imr_interface ip_mreq_source imr_sourceaddr
    MCAST_JOIN_GROUP MCAST_BLOCK_SOURCE MCAST_UNBLOCK_SOURCE MCAST_LEAVE_GROUP MCAST_JOIN_SOURCE_GROUP
    MCAST_LEAVE_SOURCE_GROUP group_req gr_interface gr_group group_source_req gsr_interface gsr_group gsr_source
    setipv4sourcefilter getipv4sourcefilter ip_msfilter imsf_multiaddr imsf_interface imsf_fmode imsf_numsrc
    imsf_slist IP_MSFILTER_SIZE SIOCSIPMSFILTER SIOCGIPMSFILTER
    setsourcefilter getsourcefilter group_filter gf_interface gf_group gf_fmode gf_numsrc gf_slist
    GROUP_FILTER_SIZE SIOCSMSFILTER SIOCGMSFILTER MCAST_INCLUDE MCAST_EXCLUDE";

/// What RFC 5014 defines.
const RFC_5014: &str = "
    IPV6_ADDR_PREFERENCES IPV6_PREFER_SRC_HOME IPV6_PREFER_SRC_COA IPV6_PREFER_SRC_TMP IPV6_PREFER_SRC_PUBLIC
    IPV6_PREFER_SRC_CGA IPV6_PREFER_SRC_NONCGA AI_EXTFLAGS ai_eflags EAI_BADEXTFLAGS inet6_is_srcaddr";

/// Methods, types and constants of `golang.org/x/net/ipv6`.
const GO: &str = "
    NewConn NewPacketConn TrafficClass SetTrafficClass HopLimit SetHopLimit PathMTU SetControlMessage
    FlagTrafficClass FlagHopLimit FlagSrc FlagDst FlagInterface FlagPathMTU ReadFrom WriteTo ReadBatch
    WriteBatch Message SetDeadline SetReadDeadline SetWriteDeadline Close MulticastHopLimit
    SetMulticastHopLimit MulticastInterface SetMulticastInterface MulticastLoopback SetMulticastLoopback
    JoinGroup LeaveGroup JoinSourceSpecificGroup LeaveSourceSpecificGroup ExcludeSourceSpecificGroup
    IncludeSourceSpecificGroup Checksum SetChecksum ICMPFilter SetICMPFilter Block SetAll WillBlock
    SetBPF ControlMessage NewControlMessage Header ParseHeader HeaderLen Version ICMPType";

/// The words in backticks of a page.
fn quoted(page: &str) -> BTreeSet<&str> {
    let odd = page.split('`').skip(1).step_by(2);
    odd.flat_map(|code| code.split(|c: char| !c.is_alphanumeric() && c != '_')).collect()
}

fn missing<'a>(names: &'a str, page: &str) -> Vec<&'a str> {
    let quoted = quoted(page);
    names.split_whitespace().filter(|name| !quoted.contains(name)).collect()
}

#[test]
fn from_c_has_every_name_of_the_rfcs() {
    let names = [RFC_3493, RFC_3542, RFC_3542_FIELDS, RFC_3678, RFC_5014];
    for (rfc, names) in ["3493", "3542", "3542", "3678", "5014"].into_iter().zip(names) {
        let missing = missing(names, FROM_C);
        assert!(missing.is_empty(), "docs/from_c.md lacks these names of RFC {rfc}: {missing:?}");
    }
}

/// The names in the documentation's search: aliases, and the rows and lists that macros make aliases of.
fn aliases() -> BTreeSet<String> {
    let (root, mut files) = (Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), Vec::new());
    for name in ["ipv6-core", "ipv6-sys", "ipv6-std"] {
        sources(&root.join(name).join("src"), &mut files);
    }
    let mut found = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let is_list = ["rows.rs", "icmp6.rs", "sticky.rs"].iter().any(|list| file.ends_with(list));
        let attributes = text.split("doc(").skip(1).filter_map(|rest| rest.split(']').next());
        let aliases = attributes.filter(|attribute| attribute.contains("alias"));
        let parts: Vec<_> = if is_list { vec![text.as_str()] } else { aliases.collect() };
        found.extend(parts.iter().flat_map(|part| part.split('"').skip(1).step_by(2)).map(String::from));
    }
    found
}

/// A search in the documentation finds each name of the page: an item, or the page itself.
#[test]
fn every_name_of_from_c_is_an_alias() {
    let aliases = aliases();
    let rows = FROM_C.lines().filter(|line| line.starts_with("| `"));
    let firsts: Vec<_> = rows.filter_map(|row| row.split('|').nth(1)).collect();
    let names = firsts.iter().flat_map(|first| first.split('`').skip(1).step_by(2));
    let names: BTreeSet<_> = names.map(|name| name.trim_start_matches("struct ")).collect();
    assert!(names.len() > 500);
    let missing: Vec<_> = names.into_iter().filter(|name| !aliases.contains(*name)).collect();
    assert!(missing.is_empty(), "no #[doc(alias)], add them to _documentation::from_c: {missing:?}");
}

#[test]
fn from_c_has_every_row() {
    let Abi { control, options, .. } = Linux64::ABI;
    let messages = control.rows().map(|(name, _)| name);
    let names = [
        messages.join(" "),
        options.rows().map(|(name, _)| name.trim_end_matches(" (IPPROTO_IP)")).join(" "),
    ]
    .join(" ");
    let missing = missing(&names, FROM_C);
    assert!(missing.is_empty(), "docs/from_c.md lacks these rows of ipv6-core/src/rows.rs: {missing:?}");
}

/// The rows that the independent data marks as left out, and those of use.
#[test]
fn from_c_has_every_name_of_the_independent_data() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ipv6-core/tests/data/options.tsv");
    let data = fs::read_to_string(data).unwrap();
    let names: Vec<_> = data
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .map(|line| line.split(['\t', '/', ' ']).next().unwrap())
        .filter(|name| *name != "zerocopy")
        .collect();
    assert!(names.len() > 200);
    let names = names.join(" ");
    let missing = missing(&names, FROM_C);
    assert!(
        missing.is_empty(),
        "docs/from_c.md lacks these names of ipv6-core/tests/data/options.tsv: {missing:?}"
    );
}

#[test]
fn from_go_has_every_name() {
    let missing = missing(GO, FROM_GO);
    assert!(missing.is_empty(), "docs/from_go.md lacks: {missing:?}");
}

/// Packages contain files of their own folder only, so the documentation modules have copies.
#[test]
fn the_copies_of_design_and_platform_are_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["DESIGN.md", "PLATFORM.md"] {
        let read = |path: PathBuf| fs::read_to_string(path).unwrap();
        let same = read(folder.join("docs").join(name)) == read(folder.join("..").join(name));
        assert!(same, "copy {name} to ipv6-std/docs/{name}");
    }
}

/// The files with tests, of all crates.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The numbers behind each `word` in `text`.
fn numbers<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = u32> + 'a {
    text.match_indices(word).filter_map(move |(at, _)| {
        let rest = &text[at + word.len()..];
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok()
    })
}

/// The numbers in "Scar 11", "Scars 18 and 41" and "scar_11".
fn scars(text: &str) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for word in ["scar_", "scar ", "scars ", "Scar ", "Scars "] {
        for (at, _) in text.match_indices(word) {
            list(&text[at + word.len()..], &mut found);
        }
    }
    found
}

/// Adds the numbers of a list at the start of `text`: "11, 18 and 41".
fn list(mut text: &str, found: &mut BTreeSet<u32>) {
    loop {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let Ok(number) = text[..end].parse() else { return };
        found.insert(number);
        text = &text[end..];
        text = text.strip_prefix(", ").or_else(|| text.strip_prefix(" and ")).unwrap_or_default();
    }
}

#[test]
fn each_scar_of_a_test_is_in_the_list() {
    let (listed, mut open): (BTreeSet<u32>, _) = (numbers(SCARS, "\n| ").collect(), BTreeSet::new());
    let (_, rest) = SCARS.split_once("Not fixed yet: ").unwrap();
    list(rest, &mut open);
    let mut named = BTreeSet::new();
    assert_eq!(listed.iter().copied().collect::<Vec<_>>(), (1..=listed.len() as u32).collect::<Vec<_>>());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for folder in ["ipv6-core", "ipv6-sys", "ipv6-std", "fuzz"] {
        sources(&root.join(folder), &mut files);
    }
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for number in scars(&text) {
            assert!(listed.contains(&number), "{}: scar {number} is not in SCARS.md", file.display());
            named.insert(number);
        }
    }
    let since_45 = listed.range(45..).copied();
    let without_test: Vec<_> = since_45.filter(|number| !named.contains(number)).collect();
    assert_eq!(
        without_test,
        open.into_iter().collect::<Vec<_>>(),
        "rows that no test names, and \"Not fixed yet\""
    );
}

#[test]
fn the_tests_that_security_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let code = page.split('`').skip(1).step_by(2);
    let names: BTreeSet<_> = code
        .filter(|name| name.starts_with("scripts/") || name.starts_with("ipv6-") && name.contains('/'))
        .collect();
    assert!(names.len() > 20);
    for name in names {
        assert!(root.join(name).exists(), "SECURITY.md names {name}, which does not exist");
    }
}

#[test]
fn programs_for_event_loops_are_short() {
    const CHAPTER: &str = include_str!("../docs/event_loop.md");
    let programs: Vec<_> =
        CHAPTER.split("```no_run\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(programs.len(), 3);
    for program in programs {
        assert!(
            program.contains("fn main()")
                && !program.lines().any(|line| line.starts_with('#') && !line.starts_with("#["))
        );
        assert!(program.lines().count() <= 25, "{} lines:\n{program}", program.lines().count());
    }
}
