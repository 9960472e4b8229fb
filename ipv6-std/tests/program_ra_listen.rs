//! The example `ra_listen`, with radvd and rdisc6, and with advertisements that break each rule.

mod programs;

use std::net::{Ipv6Addr, SocketAddrV6};
use std::process::Command;

use ipv6_std::{FlowLabel, Header, InterfaceIndex, RawConn, SendControl};
use ipv6_testnet::{Host, Pair};
use programs::*;
use serde_json::{Value, json};

ipv6_testnet::tests! {
    [] help_lists_the_options;
    [Namespace] invalid_arguments_are_refused;
    [RawSocket, Program("radvd")] an_advertisement_of_radvd_is_printed;
    [RawSocket, Program("radvd"), Program("rdisc6")] the_fields_match_those_of_rdisc6;
    [RawSocket] each_broken_rule_is_named;
    [RawSocket] a_wrong_checksum_is_ignored;
    [RawSocket] every_field_is_printed;
    [RawSocket] other_interfaces_are_ignored;
    [RawSocket] fragmented_advertisements_are_rejected;
    [RawSocket] options_that_hosts_ignore_are_ignored_with_the_reason;
    [RawSocket] a_lost_interface_is_reported_and_used_again_when_it_returns;
    [RawSocket] a_lost_interface_ends_it_with_the_option_once;
    [RawSocket] an_interrupt_ends_it_with_a_summary;
}

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

fn ra_listen(arguments: &str) -> Command {
    example("ra_listen").typed(&format!("--interface eth0 {arguments}"))
}

/// Starts the program on a host, and waits until it is a member of its group. (So is the kernel.)
fn start(host: &Host, arguments: &str) -> Running {
    let running = Running::start(host, ra_listen(arguments));
    joined_by(host, &ALL_NODES.to_string(), 2);
    running
}

/// Starts radvd on a host. Returns the daemon and the folder of its files.
fn radvd(host: &Host) -> (Running, Folder) {
    let folder = Folder::new(&format!("radvd-{}", host.index("eth0").unwrap()));
    let file = folder.write(
        "radvd.conf",
        "interface eth0 {\n AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; AdvLinkMTU 1400;\n \
         AdvDefaultPreference low; AdvOtherConfigFlag on; AdvCurHopLimit 61; AdvReachableTime 5000;\n \
         AdvRetransTimer 700;\n \
         prefix 2001:db8:1::/64 { AdvValidLifetime infinity; AdvPreferredLifetime 300; };\n \
         prefix 2001:db8:2::/48 { AdvOnLink off; AdvAutonomous off; AdvValidLifetime 50;\n \
         AdvPreferredLifetime 20; };\n route 2001:db8:9::/48 { };\n \
         RDNSS 2001:db8:1::53 2001:db8:1::54 { AdvRDNSSLifetime 8; };\n};\n",
    );
    host.set("net/ipv6/conf/all/forwarding", "1").unwrap();
    let pid = format!("{}/pid", folder.path());
    let log = ["-n", "-m", "stderr", "-C", &file, "-p", &pid];
    let mut daemon = Running::start(host, command("radvd", log));
    daemon.line("started");
    (daemon, folder)
}

fn help_lists_the_options() {
    helps(
        "ra_listen",
        &["It believes", "it ignores", "--once", "Usage: ra_listen", "--interface", "--solicit", "--json"],
    );
}

fn invalid_arguments_are_refused() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    refuses(&a, example("ra_listen").typed("--interface nosuch0"), "ra_listen: no interface nosuch0\n");
    refuses(
        &a,
        example("ra_listen").typed("--interface lo"),
        "ra_listen: interface lo does not support multicast\n",
    );
    let mut empty = example("ra_listen");
    empty.args(["--interface", ""]);
    refuses(&a, empty, "the name of the interface is empty");
    let says = "ra_listen: a raw socket needs root or CAP_NET_RAW: Operation not permitted";
    refuses(&a, unprivileged(&ra_listen("")), says);
    let silent = output(&a, ra_listen("--solicit --count 1 --timeout 0.3"));
    assert_eq!((silent.status.code(), text(&silent).as_str()), (Some(1), ""));
}

fn an_advertisement_of_radvd_is_printed() {
    let Pair { a, b } = Pair::new().unwrap();
    let _radvd = radvd(&b);
    let printed = output(&a, ra_listen("--solicit --count 1 --timeout 60 --json"));
    assert!(printed.status.success(), "{printed:?}");
    let address = b.ip("-br link show dev eth0").unwrap();
    let address = address.split_whitespace().nth(2).unwrap();
    let expected = json!({
        "source": b.link_local("eth0").unwrap().to_string(),
        "interface": "eth0",
        "advertisement": {
            "lifetime": 12, "preference": "low", "hop_limit": 61, "managed": false, "other": true,
            "reachable_ms": 5000, "retransmit_ms": 700, "mtu": 1400, "link_address": address,
            "prefixes": [
                {"prefix": "2001:db8:1::/64", "on_link": true, "autonomous": true, "valid": u32::MAX,
                 "preferred": 300},
                {"prefix": "2001:db8:2::/48", "on_link": false, "autonomous": false, "valid": 50,
                 "preferred": 20},
            ],
            "dns_servers": [
                {"address": "2001:db8:1::53", "lifetime": 8}, {"address": "2001:db8:1::54", "lifetime": 8},
            ],
            "other_options": [{"type": 24, "bytes": 24}],
        },
    });
    assert_eq!(objects(&printed), [expected]);
}

fn the_fields_match_those_of_rdisc6() {
    let Pair { a, b } = Pair::new().unwrap();
    let (_daemon, _folder) = radvd(&b);
    let mut ours = start(&a, "");
    let theirs = output(&a, installed("rdisc6").typed("-1 -w 20000 eth0"));
    assert!(theirs.status.success(), "{theirs:?}");
    // The last option of radvd.
    ours.line("link-layer address");
    let (theirs, ours) = (text(&theirs), ours.seen.join("\n"));
    for (theirs_says, ours_says) in [
        (
            format!("from {}", b.link_local("eth0").unwrap()),
            format!("{} on eth0:", b.link_local("eth0").unwrap()),
        ),
        ("Router preference         :          low".into(), "preference low".into()),
        ("Hop limit                 :           61".into(), "hop limit 61".into()),
        ("Stateful other conf.      :          Yes".into(), "other configuration".into()),
        ("Router lifetime           :           12".into(), "router for 12 s".into()),
        (
            "Prefix                   : 2001:db8:1::/64".into(),
            "prefix 2001:db8:1::/64, on-link, autonomous".into(),
        ),
        ("Valid time              :     infinite".into(), "valid for ever, preferred for 300 s".into()),
        (
            "Prefix                   : 2001:db8:2::/48".into(),
            "prefix 2001:db8:2::/48, valid for 50 s".into(),
        ),
        ("Recursive DNS server     : 2001:db8:1::54".into(), "DNS server 2001:db8:1::54 for 8 s".into()),
        ("MTU                      :         1400 bytes".into(), "MTU 1400".into()),
    ] {
        assert!(theirs.contains(&theirs_says), "{theirs_says}: {theirs}");
        assert!(ours.contains(&ours_says), "{ours_says}: {ours}");
    }
}

/// A router played by the test. It sends arbitrary advertisements.
struct Router {
    conn: RawConn,
    on: InterfaceIndex,
    link_local: Ipv6Addr,
}

impl Router {
    fn new(host: &Host, interface: &str) -> Self {
        let conn = host.run(|| RawConn::open(58)).unwrap();
        let on = InterfaceIndex::new(host.index(interface).unwrap()).unwrap();
        Self { conn, on, link_local: host.link_local(interface).unwrap() }
    }

    fn advertise(&self, packet: &[u8], hop_limit: u8, source: Ipv6Addr) {
        let control =
            SendControl::new().with_interface(self.on).with_hop_limit(hop_limit).with_source(source);
        self.conn.send_to(packet, &control, SocketAddrV6::new(ALL_NODES, 0, 0, 0)).unwrap();
    }
}

impl Router {
    /// Sends a packet with this next header, which the test has written except for its IPv6 header.
    fn send_whole(&self, host: &Host, next_header: u8, packet: &[u8]) {
        let conn = host.run(|| RawConn::open(58)).unwrap();
        conn.set_header_included(true).unwrap();
        conn.set_multicast_interface(self.on).unwrap();
        let header = Header {
            traffic_class: 0,
            flow_label: FlowLabel::ZERO,
            payload_len: packet.len() as u16,
            next_header,
            hop_limit: 255,
            source: self.link_local,
            destination: ALL_NODES,
        };
        let whole = [&header.encode()[..], packet].concat();
        let to = SocketAddrV6::new(ALL_NODES, 0, 0, self.on.get());
        conn.send_to(&whole, &SendControl::new(), to).unwrap();
    }
}

/// An advertisement without options.
fn plain() -> Vec<u8> {
    vec![134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]
}

fn with(at: usize, value: u8) -> Vec<u8> {
    let mut packet = plain();
    packet[at] = value;
    packet
}

fn with_option(option: &[u8]) -> Vec<u8> {
    [&plain(), option].concat()
}

fn each_broken_rule_is_named() {
    let Pair { a, b } = Pair::new().unwrap();
    let ours = start(&a, "--count 1 --json");
    let router = Router::new(&b, "eth0");
    let near = router.link_local;
    for (packet, hop_limit, source) in [
        (plain(), 255, Pair::B),
        (plain(), 64, near),
        (with(1, 1), 255, near),
        (plain()[..12].to_vec(), 255, near),
        (with_option(&[5, 0, 0, 0, 0, 0, 5, 220]), 255, near),
        (with_option(&[5, 2, 0, 0, 0, 0, 5, 220]), 255, near),
        (with_option(&[1]), 255, near),
        (with(1, 9), 1, Pair::B),
        (plain(), 255, near),
    ] {
        router.advertise(&packet, hop_limit, source);
    }
    let (status, lines) = ours.end();
    assert!(status.success());
    let rejected = lines.iter().map(|line| object(line)["rejected"].clone()).collect::<Vec<_>>();
    assert_eq!(rejected[0], json!(["the source is not link-local"]));
    assert_eq!(rejected[1], json!(["the hop limit is 64, not 255"]));
    assert_eq!(rejected[2], json!(["the code is 1, not 0"]));
    assert_eq!(rejected[3], json!(["the length is 12, less than 16"]));
    assert_eq!(rejected[4], json!(["an option (type 5) has the length 0"]));
    assert_eq!(rejected[5], json!(["an option (type 5) is longer than the rest of the message"]));
    assert_eq!(rejected[6], json!(["an option has no length"]));
    let all = ["the source is not link-local", "the hop limit is 1, not 255", "the code is 9, not 0"];
    assert_eq!(rejected[7], json!(all));
    // The last advertisement is valid.
    assert_eq!(object(&lines[8])["advertisement"]["lifetime"], 0x0708);
    assert_eq!(lines.len(), 9);
}

fn a_wrong_checksum_is_ignored() {
    let Pair { a, b } = Pair::new().unwrap();
    let ours = start(&a, "--count 1 --json");
    let router = Router::new(&b, "eth0");
    // With the IPv6 header included, the kernel does not write the checksum.
    let send = |packet: &[u8]| router.send_whole(&b, 58, packet);
    let mut right = plain();
    right[7] = 9;
    let sum = checksum(router.link_local, ALL_NODES, &right);
    right[2..4].copy_from_slice(&sum.to_be_bytes());
    let mut wrong = right.clone();
    wrong[7] = 10;
    send(&wrong);
    send(&right);
    let (_, lines) = ours.end();
    assert_eq!(object(&lines[0])["advertisement"]["lifetime"], 0x0709, "{lines:#?}");
}

/// The checksum of ICMPv6 (RFC 4443 section 2.3).
fn checksum(source: Ipv6Addr, destination: Ipv6Addr, packet: &[u8]) -> u16 {
    let mut bytes = [source.octets(), destination.octets()].concat();
    bytes.extend((packet.len() as u32).to_be_bytes());
    bytes.extend([0, 0, 0, 58]);
    bytes.extend(packet);
    let sum: u32 = bytes.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    !((sum & 0xffff) + (sum >> 16)) as u16
}

fn every_field_is_printed() {
    let Pair { a, b } = Pair::new().unwrap();
    let ours = start(&a, "--count 6 --json");
    let router = Router::new(&b, "eth0");
    // Preferences high, low and reserved; managed; an RDNSS option without a server; options with a wrong size, which
    // do not invalidate the advertisement.
    for packet in [
        with(5, 0b0000_1000),
        with(5, 0b0001_1000),
        with(5, 0b1001_0000),
        with_option(&[25, 1, 0, 0, 0, 0, 0, 9]),
        with_option(
            &[
                [5, 2, 0, 0, 0, 0, 5, 220, 0, 0, 0, 0, 0, 0, 0, 0],
                [1, 2, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            ]
            .concat(),
        ),
        with_option(&[3, 1, 255, 0, 0, 0, 0, 0]),
    ] {
        router.advertise(&packet, 255, router.link_local);
    }
    let (_, lines) = ours.end();
    let said: Vec<Value> = lines.iter().map(|line| object(line)["advertisement"].clone()).collect();
    let preferences: Vec<&Value> = said.iter().map(|said| &said["preference"]).collect();
    assert_eq!(preferences, ["high", "low", "medium", "medium", "medium", "medium"]);
    assert_eq!(
        (&said[4]["mtu"], &said[4]["other_options"]),
        (&json!(null), &json!([{"type": 5, "bytes": 16}]))
    );
    assert_eq!(said[4]["link_address"], "02:00:00:00:00:01:00:00:00:00:00:00:00:00");
    assert_eq!(said[5]["other_options"], json!([{"type": 3, "bytes": 8}]));
    assert_eq!((&said[2]["managed"], &said[1]["managed"]), (&json!(true), &json!(false)));
    assert_eq!(said[3]["dns_servers"], json!([]));
    assert_eq!(said[3]["other_options"], json!([{"type": 25, "bytes": 8}]));
    assert_eq!((&said[0]["mtu"], &said[0]["link_address"]), (&json!(null), &json!(null)));
}

fn other_interfaces_are_ignored() {
    let Pair { a, b } = Pair::new().unwrap();
    ipv6_testnet::link(&a, "eth1", &b, "eth1").unwrap();
    let ours = start(&a, "--count 1 --json");
    for interface in ["eth1", "eth0"] {
        let router = Router::new(&b, interface);
        router.advertise(&plain(), 255, router.link_local);
    }
    let (_, lines) = ours.end();
    assert_eq!(object(&lines[0])["source"], json!(b.link_local("eth0").unwrap().to_string()));
}

// RFC 6980 section 5: also a packet that is whole and has a fragment header (RFC 6946).
fn fragmented_advertisements_are_rejected() {
    let Pair { a, b } = Pair::new().unwrap();
    let ours = start(&a, "--count 1 --json");
    let router = Router::new(&b, "eth0");
    // An option of 2,040 bytes, which does not fit in the MTU.
    let mut long = vec![0; 2040];
    long[..2].copy_from_slice(&[250, 255]);
    router.advertise(&with_option(&long), 255, router.link_local);
    let mut whole = plain();
    let sum = checksum(router.link_local, ALL_NODES, &whole);
    whole[2..4].copy_from_slice(&sum.to_be_bytes());
    router.send_whole(&b, 44, &[&[58, 0, 0, 0, 1, 2, 3, 4], &whole[..]].concat());
    router.send_whole(&b, 58, &whole);
    let (status, lines) = ours.end();
    assert!(status.success());
    assert_eq!(object(&lines[0])["rejected"], json!(["it came in fragments of up to 1496 bytes"]));
    assert_eq!(object(&lines[1])["rejected"], json!(["it came in fragments of up to 64 bytes"]));
    assert_eq!(object(&lines[2])["advertisement"]["lifetime"], 0x0708);
}

fn options_that_hosts_ignore_are_ignored_with_the_reason() {
    let Pair { a, b } = Pair::new().unwrap();
    let ours = start(&a, "--count 1 --json");
    let router = Router::new(&b, "eth0");
    let prefix = |prefix: &str, length: u8| {
        let mut option = vec![3, 4, length, 0xc0, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 0];
        option.extend(prefix.parse::<Ipv6Addr>().unwrap().octets());
        option
    };
    let mtu = |mtu: u32| [&[5, 1, 0, 0][..], &mtu.to_be_bytes()].concat();
    let mut dns = vec![25, 9, 0, 0, 0, 0, 0, 9];
    for server in ["ff02::1", "::", "::1", "2001:db8::53"] {
        dns.extend(server.parse::<Ipv6Addr>().unwrap().octets());
    }
    let all = [
        prefix("2001:db8::", 129),
        prefix("2001:db8::", 255),
        prefix("ff0e::", 64),
        prefix("fe80::", 64),
        mtu(1280),
        mtu(0),
        mtu(1279),
        mtu(65_536),
        mtu(u32::MAX),
        dns,
        prefix("2001:db8:1::", 128),
    ];
    router.advertise(&with_option(&all.concat()), 255, router.link_local);
    let (status, lines) = ours.end();
    assert!(status.success());
    let said = object(&lines[0])["advertisement"].clone();
    let ignored = [
        "prefix 2001:db8::/129: longer than 128 bits",
        "prefix 2001:db8::/255: longer than 128 bits",
        "prefix ff0e::/64: multicast",
        "prefix fe80::/64: link-local",
        "MTU 0: not from 1280 to 65535",
        "MTU 1279: not from 1280 to 65535",
        "MTU 65536: not from 1280 to 65535",
        "MTU 4294967295: not from 1280 to 65535",
        "DNS server ff02::1: not the unicast address of a host",
        "DNS server ::: not the unicast address of a host",
        "DNS server ::1: not the unicast address of a host",
    ];
    assert_eq!(said["ignored"], json!(ignored));
    assert_eq!(said["mtu"], 1280);
    assert_eq!(said["dns_servers"], json!([{"address": "2001:db8::53", "lifetime": 9}]));
    assert_eq!(said["prefixes"].as_array().unwrap().len(), 1);
    assert_eq!(said["prefixes"][0]["prefix"], "2001:db8:1::/128");
}

fn a_lost_interface_is_reported_and_used_again_when_it_returns() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut ours = start(&a, "--count 1 --json");
    a.ip("link set eth0 down").unwrap();
    assert_eq!(object(ours.line("interface lost"))["error"], "interface eth0 is down");
    a.ip("link set eth0 up").unwrap();
    ours.line("interface back");
    // Linux removes IPv6 from an interface with such an MTU, with the memberships.
    a.ip("link set eth0 mtu 1200").unwrap();
    assert_eq!(object(ours.line("interface lost"))["error"], "interface eth0 has no IPv6 address");
    a.ip("link set eth0 mtu 1500").unwrap();
    ours.line("interface back");
    joined(&a, &ALL_NODES.to_string());
    let router = Router::new(&b, "eth0");
    router.advertise(&plain(), 1, router.link_local);
    ours.line("rejected");
    a.ip("link del eth0").unwrap();
    assert_eq!(object(ours.line("interface lost"))["error"], "interface eth0 has disappeared");
    ipv6_testnet::link(&a, "eth0", &b, "eth0").unwrap();
    ours.line("interface back");
    joined(&a, &ALL_NODES.to_string());
    let router = Router::new(&b, "eth0");
    router.advertise(&plain(), 255, router.link_local);
    let (status, lines) = ours.end();
    assert!(status.success() && lines.len() == 1, "{lines:#?}");
    assert_eq!(object(&lines[0])["interface"], "eth0");
}

fn a_lost_interface_ends_it_with_the_option_once() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    let ours = start(&a, "--once");
    a.ip("link del eth0").unwrap();
    let (status, lines) = ours.end();
    assert_eq!(status.code(), Some(2));
    assert_eq!(lines, ["ra_listen: interface eth0 has disappeared"]);
}

fn an_interrupt_ends_it_with_a_summary() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut ours = start(&a, "");
    let router = Router::new(&b, "eth0");
    router.advertise(&plain(), 255, router.link_local);
    router.advertise(&plain(), 1, router.link_local);
    ours.line("rejected");
    ours.interrupt();
    let (status, lines) = ours.end();
    assert!(status.success());
    assert_eq!(lines, ["1 valid advertisements, 1 rejected"]);
}
