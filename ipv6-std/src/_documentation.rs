//! Longer documentation: design, platforms, comparison, and tables for readers who know another API.
//!
//! These modules contain no code.
//!
//! - [`from_c`]: every name of RFC 3493, RFC 3542, RFC 3678 and RFC 5014, and its name here.
//! - [`from_go`]: every name of `golang.org/x/net/ipv6`, and its name here.
//! - [`from_crates`]: names of `std`, `socket2`, `nix`, `rustix` and `quinn-udp`, and their names here.
//! - [`comparison`]: what this crate and others can do.
//! - [`platforms`]: what each system supports, and how that is checked.
//! - [`event_loop`]: programs with tokio, async-io and mio, and what an event loop cannot observe.
//! - [`errors`]: what each call does with each error of the system.
//! - [`design`]: why the crates are divided as they are.

pub mod comparison {
    #![doc = include_str!("../docs/comparison.md")]
    #[allow(unused_imports)] // for the links
    use crate::*;
}

pub mod design {
    #![doc = include_str!("../docs/DESIGN.md")]
}

pub mod errors {
    //! Errors of system calls.
    //!
    #![doc = include_str!("../docs/errors.md")]
}

pub mod event_loop {
    //! In an event loop.
    //!
    #![doc = include_str!("../docs/event_loop.md")]
    #[allow(unused_imports)] // for the links
    use crate::*;
}

// The names of the page that are no alias of an item, so that a search finds the page.
#[rustfmt::skip] // it writes one name per line
#[doc(alias(
    "in6_addr", "s6_addr", "sin6_port", "sa_family_t", "in_port_t", "sockaddr_storage", "ss_family",
    "ss_len", "__ss_pad1", "__ss_pad2", "__ss_align", "_SS_MAXSIZE", "_SS_ALIGNSIZE", "_SS_PAD1SIZE",
    "_SS_PAD2SIZE", "in6addr_any", "IN6ADDR_ANY_INIT", "in6addr_loopback", "IN6ADDR_LOOPBACK_INIT",
    "IN6_IS_ADDR_UNSPECIFIED", "IN6_IS_ADDR_LOOPBACK", "IN6_IS_ADDR_MULTICAST", "IN6_IS_ADDR_LINKLOCAL",
    "IN6_IS_ADDR_SITELOCAL", "IN6_IS_ADDR_V4COMPAT", "IN6_IS_ADDR_MC_NODELOCAL",
    "IN6_IS_ADDR_MC_LINKLOCAL", "IN6_IS_ADDR_MC_SITELOCAL", "IN6_IS_ADDR_MC_ORGLOCAL",
    "IN6_IS_ADDR_MC_GLOBAL", "IN6_ARE_ADDR_EQUAL", "inet_ntop", "INET_ADDRSTRLEN", "INET6_ADDRSTRLEN",
    "freeaddrinfo", "addrinfo", "ai_flags", "ai_family", "ai_socktype", "ai_protocol", "ai_addrlen",
    "ai_addr", "ai_canonname", "ai_next", "gai_strerror", "AI_PASSIVE", "AI_CANONNAME", "AI_NUMERICHOST",
    "AI_NUMERICSERV", "AI_ALL", "AI_ADDRCONFIG", "EAI_AGAIN", "EAI_BADFLAGS", "EAI_FAIL", "EAI_FAMILY",
    "EAI_MEMORY", "EAI_NONAME", "EAI_SERVICE", "EAI_SOCKTYPE", "EAI_SYSTEM", "EAI_OVERFLOW", "getnameinfo",
    "NI_NOFQDN", "NI_NUMERICHOST", "NI_NAMEREQD", "NI_NUMERICSERV", "NI_NUMERICSCOPE", "NI_DGRAM",
    "NI_MAXHOST", "NI_MAXSERV", "getipnodebyname", "getipnodebyaddr", "if_index", "if_name",
    "if_freenameindex", "IF_NAMESIZE", "socket", "bind", "accept", "msg_namelen", "msg_iov", "msg_iovlen",
    "msg_control", "msg_controllen", "msg_flags", "rcmd_af", "rexec_af", "IPPROTO_IPV6", "ip6r_len",
    "icmp6_filt", "IPPROTO_HOPOPTS", "IPPROTO_ROUTING", "IPPROTO_FRAGMENT", "IPPROTO_ESP", "IPPROTO_AH",
    "IPPROTO_NONE", "IPPROTO_DSTOPTS", "ip6_ctlun", "ip6_hdrctl", "ip6_un1", "ip6_un1_flow",
    "ip6_un1_plen", "ip6_un1_nxt", "ip6_un1_hlim", "ip6_un2_vfc", "ip6_opt_jumbo", "ip6oj_type",
    "ip6oj_len", "ip6oj_jumbo_len", "ip6_opt_nsap", "ip6on_type", "ip6on_len", "ip6on_src_nsap_len",
    "ip6on_dst_nsap_len", "ip6_opt_tunnel", "ip6ot_type", "ip6ot_len", "ip6ot_encap_limit",
    "ip6_opt_router", "ip6or_type", "ip6or_len", "ip6or_value", "ip6r0_nxt", "ip6r0_len", "ip6r0_type",
    "ip6r0_reserved", "ip6f_nxt", "ip6f_reserved", "IP6F_OFF_MASK", "IP6F_RESERVED_MASK",
    "IP6OPT_JUMBO_LEN", "IP6OPT_NSAP_ADDR", "IP6OPT_TUNNEL_LIMIT", "IP6_ALERT_MLD", "IP6_ALERT_RSVP",
    "IP6_ALERT_AN", "icmp6_hdr", "icmp6_code", "icmp6_cksum", "icmp6_dataun", "icmp6_un_data32",
    "icmp6_un_data16", "icmp6_un_data8", "icmp6_data32", "icmp6_data16", "icmp6_data8", "icmp6_pptr",
    "icmp6_mtu", "icmp6_id", "icmp6_seq", "icmp6_maxdelay", "ICMP6_DST_UNREACH_NOROUTE",
    "ICMP6_DST_UNREACH_ADMIN", "ICMP6_DST_UNREACH_BEYONDSCOPE", "ICMP6_DST_UNREACH_ADDR",
    "ICMP6_DST_UNREACH_NOPORT", "ICMP6_TIME_EXCEED_TRANSIT", "ICMP6_TIME_EXCEED_REASSEMBLY",
    "ICMP6_PARAMPROB_HEADER", "ICMP6_PARAMPROB_NEXTHEADER", "ICMP6_PARAMPROB_OPTION", "mld_hdr",
    "mld_icmp6_hdr", "mld_addr", "mld_type", "mld_code", "mld_cksum", "mld_maxdelay", "mld_reserved",
    "nd_router_solicit", "nd_router_advert", "nd_neighbor_solicit", "nd_neighbor_advert", "nd_redirect",
    "nd_rs_hdr", "nd_ra_hdr", "nd_ns_hdr", "nd_na_hdr", "nd_rd_hdr", "nd_rs_type", "nd_rs_code",
    "nd_rs_cksum", "nd_rs_reserved", "nd_ra_type", "nd_ra_code", "nd_ra_cksum", "nd_ra_curhoplimit",
    "nd_ra_flags_reserved", "nd_ra_router_lifetime", "nd_ra_reachable", "nd_ra_retransmit", "nd_ns_type",
    "nd_ns_code", "nd_ns_cksum", "nd_ns_reserved", "nd_ns_target", "nd_na_type", "nd_na_code",
    "nd_na_cksum", "nd_na_flags_reserved", "nd_na_target", "nd_rd_type", "nd_rd_code", "nd_rd_cksum",
    "nd_rd_reserved", "nd_rd_target", "nd_rd_dst", "ND_RA_FLAG_MANAGED", "ND_RA_FLAG_OTHER",
    "ND_NA_FLAG_ROUTER", "ND_NA_FLAG_SOLICITED", "ND_NA_FLAG_OVERRIDE", "nd_opt_hdr", "nd_opt_prefix_info",
    "nd_opt_rd_hdr", "nd_opt_mtu", "nd_opt_type", "nd_opt_len", "nd_opt_pi_type", "nd_opt_pi_len",
    "nd_opt_pi_prefix_len", "nd_opt_pi_flags_reserved", "nd_opt_pi_valid_time", "nd_opt_pi_preferred_time",
    "nd_opt_pi_reserved2", "nd_opt_pi_prefix", "nd_opt_rh_type", "nd_opt_rh_len", "nd_opt_rh_reserved1",
    "nd_opt_rh_reserved2", "nd_opt_mtu_type", "nd_opt_mtu_len", "nd_opt_mtu_reserved", "nd_opt_mtu_mtu",
    "ND_OPT_SOURCE_LINKADDR", "ND_OPT_TARGET_LINKADDR", "ND_OPT_PREFIX_INFORMATION",
    "ND_OPT_REDIRECTED_HEADER", "ND_OPT_MTU", "ND_OPT_PI_FLAG_ONLINK", "ND_OPT_PI_FLAG_AUTO",
    "icmp6_router_renum", "rr_type", "rr_code", "rr_cksum", "rr_seqnum", "rr_hdr", "rr_segnum", "rr_flags",
    "rr_maxdelay", "rr_reserved", "rr_pco_match", "rr_pco_use", "rr_result", "rpm_code", "rpm_len",
    "rpm_ordinal", "rpm_matchlen", "rpm_minlen", "rpm_maxlen", "rpm_reserved", "rpm_prefix", "rpu_uselen",
    "rpu_keeplen", "rpu_ramask", "rpu_raflags", "rpu_vltime", "rpu_pltime", "rpu_flags", "rpu_prefix",
    "rrr_flags", "rrr_ordinal", "rrr_matchedlen", "rrr_ifid", "rrr_prefix", "ICMP6_RR_FLAGS_TEST",
    "ICMP6_RR_FLAGS_REQRESULT", "ICMP6_RR_FLAGS_FORCEAPPLY", "ICMP6_RR_FLAGS_SPECSITE",
    "ICMP6_RR_FLAGS_PREVDONE", "ICMP6_RR_PCOUSE_RAFLAGS_ONLINK", "ICMP6_RR_PCOUSE_RAFLAGS_AUTO",
    "ICMP6_RR_PCOUSE_FLAGS_DECRVLTIME", "ICMP6_RR_PCOUSE_FLAGS_DECRPLTIME", "ICMP6_RR_RESULT_FLAGS_OOB",
    "ICMP6_RR_RESULT_FLAGS_FORBIDDEN", "gf_interface", "gf_group", "IP_ADD_SOURCE_MEMBERSHIP",
    "IP_DROP_SOURCE_MEMBERSHIP", "IP_BLOCK_SOURCE", "IP_UNBLOCK_SOURCE", "ip_mreq", "imr_interface",
    "ip_mreq_source", "imr_sourceaddr", "setipv4sourcefilter", "getipv4sourcefilter", "ip_msfilter",
    "imsf_multiaddr", "imsf_interface", "imsf_fmode", "imsf_numsrc", "imsf_slist", "IP_MSFILTER_SIZE",
    "SIOCSIPMSFILTER", "SIOCGIPMSFILTER", "EAI_BADEXTFLAGS", "AI_EXTFLAGS", "ai_eflags",
    "inet6_is_srcaddr", "IPPROTO_IP", "IPV6_2292PKTINFO", "IPV6_2292HOPLIMIT", "IPV6_2292HOPOPTS",
    "IPV6_2292DSTOPTS", "IPV6_2292RTHDR", "MRT6_VERSION", "MRT6_ASSERT", "MRT6_PIM", "MRT6_FLUSH",
    "TCP_AO_GET_KEYS", "TCP_AO_REPAIR", "IP_SENDSRCADDR", "IPV6_ADDRFORM", "IPV6_XFRM_POLICY",
    "SIO_UDP_CONNRESET", "SIO_UDP_NETRESET", "SIO_TIMESTAMPING", "sendmsg_x", "recvmsg_x",
    "IPV6_IPSEC_POLICY", "SCM_TIMESTAMPING_OPT_STATS", "SO_BPF_EXTENSIONS", "SO_NETNS_COOKIE",
    "SO_BUF_LOCK", "SO_RESERVE_MEM", "SO_PEEK_OFF", "SO_CNX_ADVICE", "SO_TXREHASH", "SO_DEVMEM_LINEAR",
    "SO_DEVMEM_DMABUF", "SO_DEVMEM_DONTNEED", "SO_WIFI_STATUS", "SO_NO_CHECK", "SO_BROADCAST",
    "IP_CHECKSUM", "SO_DONTROUTE", "SO_PASSRIGHTS", "UDP_CORK", "IPV6_PORTALGO", "IPV6_RECVIF",
    "IPV6_RECVDSTADDR", "IPV6_UNSPEC_SRC"
))]
pub mod from_c {
    #![doc = include_str!("../docs/from_c.md")]
    #[allow(unused_imports)] // for the links
    use crate::*;
}

pub mod from_crates {
    #![doc = include_str!("../docs/from_crates.md")]
    #[allow(unused_imports)] // for the links
    use crate::*;
}

pub mod from_go {
    #![doc = include_str!("../docs/from_go.md")]
    #[allow(unused_imports)] // for the links
    use crate::*;
}

pub mod platforms {
    #![doc = include_str!("../docs/PLATFORM.md")]
}
