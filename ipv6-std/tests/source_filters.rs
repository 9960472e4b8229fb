//! Source filters: what a socket receives from a group, and what the host tells its routers.

mod common;
mod programs;

use std::io::ErrorKind;
use std::net::Ipv6Addr;

use common::*;
use ipv6_std::*;
use ipv6_testnet::Pair;
use programs::Capture;

ipv6_testnet::tests! {
    [Namespace] only_the_sources_of_the_filter_are_received;
    [Namespace] the_kernel_has_the_filter_that_was_set;
    [Namespace] what_single_calls_set_is_read_as_a_filter;
    [Namespace] a_filter_without_sources_that_includes_ends_the_membership;
    [Namespace] filters_that_cannot_be_set_are_an_error;
    [RawSocket, Program("dumpcap"), Program("tshark")] a_change_of_the_filter_is_reported_to_routers;
}

const OTHER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x11);

/// Two hosts; the first has a second address.
fn hosts() -> Pair {
    let pair = Pair::new().unwrap();
    pair.a.add_address(OTHER, "eth0").unwrap();
    pair
}

/// A socket of the second host that has joined the group.
fn member(pair: &Pair) -> (PacketConn, InterfaceIndex) {
    let conn = on(&pair.b);
    let eth0 = index(&pair.b, "eth0");
    conn.join_group(SOURCE_GROUP, eth0).unwrap();
    (conn, eth0)
}

fn only_the_sources_of_the_filter_are_received() {
    let pair = hosts();
    let (member, eth0) = member(&pair);
    let sender = on(&pair.a);
    sender.set_multicast_interface(index(&pair.a, "eth0")).unwrap();
    let to = at(SOURCE_GROUP, port(&member));
    let send = |source: Ipv6Addr, text: &[u8]| {
        sender.send_to(text, &SendControl::new().with_source(source), to).unwrap();
    };
    for (filter, passing, blocked) in [
        (SourceFilter::<4>::include(&[OTHER]).unwrap(), OTHER, Pair::A),
        (SourceFilter::exclude(&[OTHER]).unwrap(), Pair::A, OTHER),
        (SourceFilter::include(&[Pair::A]).unwrap(), Pair::A, OTHER),
    ] {
        member.set_source_filter(SOURCE_GROUP, eth0, &filter).unwrap();
        assert!(filter.passes(passing) && !filter.passes(blocked));
        send(blocked, b"blocked");
        send(passing, b"passes");
        let (text, got) = receive(&member);
        assert_eq!((text.as_slice(), *got.source.ip()), (&b"passes"[..], passing), "{filter}");
    }
}

fn the_kernel_has_the_filter_that_was_set() {
    let pair = hosts();
    let (member, eth0) = member(&pair);
    let filter = SourceFilter::<3>::exclude(&[OTHER, Pair::A]).unwrap();
    member.set_source_filter(SOURCE_GROUP, eth0, &filter).unwrap();
    let mut excluded = filters_on(&pair.b, "eth0", SOURCE_GROUP);
    excluded.sort();
    assert_eq!(excluded, [(digits(Pair::A), 0, 1), (digits(OTHER), 0, 1)]);
    assert_eq!(member.source_filter::<3>(SOURCE_GROUP, eth0).unwrap(), filter);
    // Too little room is an error, not a shorter filter.
    refused(member.source_filter::<1>(SOURCE_GROUP, eth0), "has 2 sources: SourceFilter<1>");

    let filter = SourceFilter::<3>::include(&[OTHER]).unwrap();
    member.set_source_filter(SOURCE_GROUP, eth0, &filter).unwrap();
    assert_eq!(filters_on(&pair.b, "eth0", SOURCE_GROUP), [(digits(OTHER), 1, 0)]);
    assert_eq!(member.source_filter::<3>(SOURCE_GROUP, eth0).unwrap(), filter);
}

fn what_single_calls_set_is_read_as_a_filter() {
    let pair = hosts();
    let (member, eth0) = member(&pair);
    assert_eq!(member.source_filter::<4>(SOURCE_GROUP, eth0).unwrap(), SourceFilter::exclude(&[]).unwrap());
    member.exclude_source(SOURCE_GROUP, OTHER, eth0).unwrap();
    assert_eq!(
        member.source_filter::<4>(SOURCE_GROUP, eth0).unwrap(),
        SourceFilter::exclude(&[OTHER]).unwrap()
    );
    let specific = on(&pair.b);
    specific.join_source_group(SOURCE_GROUP, Pair::A, eth0).unwrap();
    specific.join_source_group(SOURCE_GROUP, OTHER, eth0).unwrap();
    let filter = specific.source_filter::<4>(SOURCE_GROUP, eth0).unwrap();
    assert_eq!((filter.mode, filter.sources.len()), (FilterMode::Include, 2));
    assert!(filter.passes(Pair::A) && filter.passes(OTHER));
}

fn a_filter_without_sources_that_includes_ends_the_membership() {
    let pair = hosts();
    let (member, eth0) = member(&pair);
    assert!(is_member(&pair.b, SOURCE_GROUP));
    member.set_source_filter(SOURCE_GROUP, eth0, &SourceFilter::<1>::include(&[]).unwrap()).unwrap();
    assert!(!is_member(&pair.b, SOURCE_GROUP));
    let error = member.source_filter::<1>(SOURCE_GROUP, eth0).unwrap_err();
    assert_eq!(cause(&error), Some(EADDRNOTAVAIL), "{error}");
}

fn filters_that_cannot_be_set_are_an_error() {
    let pair = hosts();
    let (member, eth0) = member(&pair);
    let not_joined = on(&pair.b);
    let filter = SourceFilter::<100>::exclude(&[OTHER]).unwrap();
    // The text says what to do. The system's error is the source.
    let errors = [
        (
            not_joined.source_filter::<1>(SOURCE_GROUP, eth0).map(drop),
            EADDRNOTAVAIL,
            ErrorKind::AddrNotAvailable,
        ),
        (not_joined.set_source_filter(SOURCE_GROUP, eth0, &filter), EINVAL, ErrorKind::InvalidInput),
    ];
    for (error, errno, kind) in errors.map(|(result, errno, kind)| (result.unwrap_err(), errno, kind)) {
        assert_eq!((cause(&error), error.kind()), (Some(errno), kind), "{error}");
        let text = format!("the socket has not joined {SOURCE_GROUP} on interface {eth0}: join_group first");
        assert!(error.to_string().contains(&text), "{error}");
    }
    let nowhere = InterfaceIndex::new(9_999).unwrap();
    let error = member.set_source_filter(SOURCE_GROUP, nowhere, &filter).unwrap_err();
    assert_eq!((cause(&error), error.kind()), (Some(ENODEV), ErrorKind::NotFound), "{error}");
    refused(member.source_filter::<1>(Pair::A, eth0), "is not a multicast address");
    refused(member.set_source_filter(Pair::A, eth0, &filter), "is not a multicast address");
    let of_ipv4 = "::ffff:232.1.2.3".parse().unwrap();
    refused(member.source_filter::<1>(of_ipv4, eth0), "this socket carries IPv6 only");
    refused(member.set_source_filter(of_ipv4, eth0, &filter), "this socket carries IPv6 only");
    let group = SourceFilter::<1>::include(&[GROUP]).unwrap();
    refused(member.set_source_filter(SOURCE_GROUP, eth0, &group), "ff02::114");

    let many: Vec<_> = (1..=65).map(|last| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last)).collect();
    let filter = SourceFilter::<100>::include(&many).unwrap();
    assert_eq!(errno(member.set_source_filter(SOURCE_GROUP, eth0, &filter)), Some(ENOBUFS));
    let filter = SourceFilter::<100>::include(&many[..64]).unwrap();
    member.set_source_filter(SOURCE_GROUP, eth0, &filter).unwrap();
    assert_eq!(member.source_filter::<64>(SOURCE_GROUP, eth0).unwrap().sources, filter.sources);
}

fn a_change_of_the_filter_is_reported_to_routers() {
    let pair = hosts();
    let (member, eth0) = member(&pair);
    let capture = Capture::start(&pair.a, "eth0");
    let filter = SourceFilter::<2>::include(&[OTHER]).unwrap();
    member.set_source_filter(SOURCE_GROUP, eth0, &filter).unwrap();
    // The first report comes at once, its repetition later.
    programs::until("the membership report", || {
        filters_on(&pair.b, "eth0", SOURCE_GROUP) == [(digits(OTHER), 1, 0)]
    });
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let rows = capture.fields(
        "icmpv6.type == 143",
        [
            "icmpv6.mldr.mar.record_type",
            "icmpv6.mldr.mar.multicast_address",
            "icmpv6.mldr.mar.source_address",
        ],
    );
    // RFC 3810 section 5.2.12: 3 is a change to include mode.
    let (group, source) = (SOURCE_GROUP.to_string(), OTHER.to_string());
    let change =
        |row: &[String; 3]| row[0].contains('3') && row[1].contains(&group) && row[2].contains(&source);
    assert!(rows.iter().any(change), "{rows:?}");
}
