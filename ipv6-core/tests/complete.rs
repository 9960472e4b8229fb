//! Compares the lists of messages and options with the independent data: whatever the data calls of use has a row, or is in
//! the list of what has none, with the reason.

// Nothing here runs code of the crate that Miri could examine.
#![cfg(not(miri))]

#[path = "common/constants.rs"]
mod constants;

use std::collections::BTreeSet;

use constants::CONSTANTS;
use ipv6_core::Control;
use ipv6_core::abi::{Linux64, Platform};

/// Numbers by system, with the priority of each row.
const DATA: &str = include_str!("data/options.tsv");

/// What has no row, and the reason.
const WITHOUT_ROW: &[(&str, &[&str])] = &[
    (
        "the option of RFC 3493 has the row, and joins for any source too",
        &["MCAST_JOIN_GROUP", "MCAST_LEAVE_GROUP"],
    ),
    ("the name of RFC 3493 has the row, IPV6_JOIN_GROUP", &["IPV6_ADD_MEMBERSHIP"]),
    ("the name of RFC 3493 has the row, IPV6_LEAVE_GROUP", &["IPV6_DROP_MEMBERSHIP"]),
    ("the message IPV6_RECVERR", &["zerocopy notice"]),
    ("the message SO_TIMESTAMPING", &["SO_TIMESTAMPING (per packet)"]),
    ("the message SO_MARK", &["SO_MARK (received)"]),
    ("it makes the socket one of IPv4, which this API does not have", &["IPV6_ADDRFORM"]),
    ("policies of IPsec have the structures of another interface, that of netlink", &["IPV6_XFRM_POLICY"]),
    ("the row of UDP_SEGMENT has the number of Windows", &["UDP_SEND_MSG_SIZE"]),
    (
        "the option UDP_RECV_MAX_COALESCED_SIZE and the message UDP_GRO",
        &["UDP_RECV_MAX_COALESCED_SIZE / UDP_COALESCED_INFO"],
    ),
    (
        "multicast routing is state of the host, with its own structures and calls: ipv6_std::MulticastRouter",
        &[
            "MRT6_INIT",
            "MRT6_DONE",
            "MRT6_ADD_MIF",
            "MRT6_DEL_MIF",
            "MRT6_ADD_MFC",
            "MRT6_DEL_MFC",
            "MRT6_VERSION",
            "MRT6_ASSERT",
            "MRT6_PIM",
            "MRT6_TABLE",
            "MRT6_ADD_MFC_PROXY",
            "MRT6_DEL_MFC_PROXY",
            "MRT6_FLUSH",
        ],
    ),
    ("the message IPV6_PKTINFO with a mapped address does it, or the system refuses it", &["IP_SENDSRCADDR"]),
    ("MCAST_JOIN_SOURCE_GROUP of level IPPROTO_IP does the same", &["IP_ADD_SOURCE_MEMBERSHIP"]),
    ("a request of WSAIoctl, not an option: ipv6_sys::socket sets it", &["SIO_UDP_CONNRESET"]),
    ("a request of WSAIoctl, not an option, on Windows 11 only; not run by us", &["SIO_TIMESTAMPING"]),
    (
        "a function: types of ipv6_core::ext do it",
        &[
            "inet6_opt_init/append/finish/set_val",
            "inet6_opt_next/find/get_val",
            "inet6_rth_space/init/add/reverse/segments/getaddr",
        ],
    ),
    ("a function: IPV6_PORTRANGE has a row, and elsewhere a program binds to such a port", &["rresvport_af"]),
    ("a function that only AIX has, and that libc does not declare", &["inet6_is_srcaddr"]),
    ("functions around MCAST_MSFILTER", &["setsourcefilter/getsourcefilter"]),
    (
        "flags of calls are no options: ipv6_sys::message::MessageFlags",
        &[
            "MSG_CONFIRM",
            "MSG_DONTROUTE",
            "MSG_PROBE",
            "MSG_MORE",
            "MSG_ZEROCOPY",
            "MSG_ERRQUEUE",
            "MSG_TRUNC (in)",
        ],
    ),
    ("not in Apple's public headers", &["sendmsg_x/recvmsg_x"]),
];

/// The rows of the data: name, kind, priority.
fn data() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let mut lines = DATA.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t'));
    let priority = lines.next().unwrap().position(|column| column == "priority").unwrap();
    lines.map(move |line| {
        let fields: Vec<_> = line.collect();
        (fields[0], fields[1], fields[priority])
    })
}

/// The names of the rows of one of our lists.
fn rows(kind: &str) -> BTreeSet<&'static str> {
    match kind {
        "option" => Linux64::ABI.options.rows().map(|(name, _)| name).into(),
        "cmsg" => Linux64::ABI.control.rows().map(|(name, _)| name).into(),
        _ => BTreeSet::new(),
    }
}

fn has_reason(name: &str) -> bool {
    WITHOUT_ROW.iter().any(|(_, names)| names.contains(&name))
}

#[test]
fn everything_of_use_has_a_row_or_a_reason() {
    let of_use: Vec<_> = data().filter(|(.., priority)| *priority != "D").collect();
    let forgotten: Vec<_> = of_use
        .iter()
        .filter(|(name, kind, _)| !rows(kind).contains(name) && !has_reason(name))
        .map(|(name, kind, priority)| format!("{name} ({kind}, priority {priority})"))
        .collect();
    assert!(
        forgotten.is_empty(),
        "add a row to ipv6-core/src/rows.rs, or a reason to WITHOUT_ROW in {}: {forgotten:#?}",
        file!()
    );
    assert!(of_use.len() > 150, "the data has {} rows", of_use.len());
}

#[test]
fn a_reason_is_only_for_what_has_no_row() {
    for (reason, names) in WITHOUT_ROW {
        for name in *names {
            let row = data().find(|(of, ..)| of == name);
            let (_, _, priority) = row.unwrap_or_else(|| {
                panic!("{name} is not in the data: remove it from WITHOUT_ROW ({reason})")
            });
            assert_ne!(priority, "D", "{name} is left out already: remove it from WITHOUT_ROW");
            let kinds = data().filter(|(of, ..)| of == name);
            let without = kinds.filter(|(_, kind, _)| !rows(kind).contains(name)).count();
            assert!(without > 0, "{name} has a row: remove it from WITHOUT_ROW");
        }
    }
}

#[test]
fn every_row_is_in_the_data_or_is_another_name() {
    // Messages and options that the data lists under another name, or not.
    let others = [
        "IPV6_JOIN_GROUP",
        "IPV6_LEAVE_GROUP",
        "IPV6_RECVECN",
        "IPV6_ECN",
        "TCP_AO_ADD_KEY",
        "TCP_AO_DEL_KEY",
        "TCP_AO_INFO",
        "TCP_MD5SIG",
        "TCP_MD5SIG_EXT",
        "UDP_RECV_MAX_COALESCED_SIZE",
    ];
    let names: BTreeSet<_> = data().map(|(name, ..)| name).collect();
    for name in rows("option").into_iter().chain(rows("cmsg")) {
        let known = names.contains(name) || others.contains(&name);
        // The data has one family of each pair.
        let of_ipv4 = name.starts_with("IP_") || name.ends_with("(IPPROTO_IP)");
        assert!(known || of_ipv4, "{name} has a row and is not in ipv6-core/tests/data/options.tsv");
    }
}

/// The options that deliver messages with received packets, and the types of these messages. An option is in the list if its
/// constant has `RECEIVE_` in its name, or if its row says that it delivers something.
const DELIVERED: &[(&str, &[Control])] = &[
    ("RECEIVE_TRAFFIC_CLASS", &[Control::TrafficClass]),
    ("RECEIVE_HOP_LIMIT", &[Control::HopLimit]),
    ("RECEIVE_PACKET_INFO", &[Control::PacketInfo]),
    ("RECEIVE_PATH_MTU", &[Control::PathMtu]),
    ("RECEIVE_FLOW_LABEL", &[Control::FlowLabel]),
    ("RECEIVE_FRAGMENT_SIZE", &[Control::FragmentSize]),
    ("RECEIVE_ECN", &[Control::Ecn]),
    ("RECEIVE_ORIGINAL_DESTINATION", &[Control::OriginalDestination]),
    ("RECEIVE_HOP_BY_HOP", &[Control::HopByHop]),
    ("RECEIVE_DESTINATION_OPTIONS", &[Control::DestinationOptions]),
    ("RECEIVE_FIRST_DESTINATION_OPTIONS", &[Control::FirstDestinationOptions]),
    ("RECEIVE_ROUTING_HEADER", &[Control::RoutingHeader]),
    ("RECEIVE_DESTINATION_PORT", &[Control::DestinationPort]),
    ("RECEIVE_TIMESTAMP", &[Control::Timestamp]),
    ("RECEIVE_TIMESTAMP_NS", &[Control::TimestampNs]),
    ("RECEIVE_TIMESTAMP_MONOTONIC", &[Control::MachTime]),
    ("TIMESTAMPING", &[Control::Timestamping, Control::TimestampPacketInfo]),
    ("TIMESTAMP_CLOCK", &[Control::Timestamp, Control::BinaryTime, Control::TimestampNs, Control::Uptime]),
    ("RECEIVE_DROPPED", &[Control::Dropped]),
    ("RECEIVE_MARK", &[Control::Mark]),
    ("RECEIVE_PRIORITY", &[Control::Priority]),
    ("RECEIVE_FLOW_ID", &[Control::FlowId, Control::FlowType]),
    ("COALESCE", &[Control::Coalesced]),
    ("IPV4_RECEIVE_TRAFFIC_CLASS", &[Control::TypeOfService]),
    ("IPV4_RECEIVE_ECN", &[Control::Ipv4Ecn]),
    ("IPV4_RECEIVE_TIME_TO_LIVE", &[Control::TimeToLive]),
    ("IPV4_RECEIVE_PACKET_INFO", &[Control::Ipv4PacketInfo]),
    ("IPV4_RECEIVE_ORIGINAL_DESTINATION", &[Control::Ipv4OriginalDestination]),
    ("IPV4_RECEIVE_FRAGMENT_SIZE", &[Control::Ipv4FragmentSize]),
];

/// Options named like those, which deliver no message.
const NO_MESSAGE: &[(&str, &str)] = &[
    ("RECEIVE_BUFFER", "a size"),
    ("FORCED_RECEIVE_BUFFER", "a size"),
    ("RECEIVE_WITHOUT_CHECKSUM", "it decides which packets are received"),
    ("ROUTER_ALERT", "it delivers packets"),
    ("ROUTER_ALERT_ISOLATE", "it decides which packets are received"),
];

#[test]
fn every_option_that_delivers_messages_has_their_types() {
    let known = |name: &str| {
        DELIVERED.iter().any(|(of, _)| *of == name) || NO_MESSAGE.iter().any(|(of, _)| *of == name)
    };
    let delivers =
        |name: &str, row: &str| name.contains("RECEIVE_") || row.to_lowercase().contains("delivers");
    let forgotten: Vec<_> = CONSTANTS
        .iter()
        .filter(|(name, row, _)| delivers(name, row) && !known(name))
        .map(|(name, ..)| name)
        .collect();
    assert!(
        forgotten.is_empty(),
        "add the type of the message to DELIVERED in {}, or the reason to NO_MESSAGE: {forgotten:?}",
        file!()
    );
    let of_an_option: Vec<_> =
        DELIVERED.iter().map(|(name, _)| name).chain(NO_MESSAGE.iter().map(|(name, _)| name)).collect();
    for name in of_an_option {
        assert!(
            CONSTANTS.iter().any(|(of, ..)| of == name),
            "{name} is no option: remove it from {}",
            file!()
        );
    }
    // The types are rows of the list of messages, which every table has.
    for (name, messages) in DELIVERED {
        for message in *messages {
            assert!(rows("cmsg").contains(message.name()), "{name} delivers {message}, which has no row");
        }
    }
}
