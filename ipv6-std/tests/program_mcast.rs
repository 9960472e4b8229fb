//! The program `mcast`, with socat and iperf, and what its memberships look like on the wire.

mod programs;

use std::net::SocketAddrV6;
use std::process::Command;
use std::time::Duration;

use ipv6_std::{InterfaceIndex, PacketConn, SendControl};
use ipv6_testnet::{Host, Pair};
use programs::*;
use serde_json::json;

ipv6_testnet::tests! {
    [] explains_itself;
    [Namespace] refuses_what_cannot_be;
    [Namespace, Program("socat")] socat_hears_it;
    [Namespace, Program("socat")] it_hears_socat;
    [Namespace, Program("iperf")] iperf_hears_it_from_one_source;
    [Namespace, Program("iperf")] it_hears_iperf_from_one_source;
    [Namespace] excluded_sources_are_not_heard;
    [Namespace] what_is_lost_is_counted;
    [Namespace] local_listeners_hear_it_on_demand;
    [Namespace, Program("script")] progress_is_for_people;
    [RawSocket, Program("dumpcap"), Program("tshark")] datagrams_are_as_they_were_asked_for;
    [RawSocket, Program("dumpcap"), Program("tshark")] each_operation_has_its_record;
}

const GROUP: &str = "ff3e::8000:1";
/// A second address of host `a`.
const OTHER: &str = "2001:db8:1::aa";

/// A pair, `a` with two addresses.
fn pair() -> Pair {
    let pair = Pair::new().unwrap();
    pair.a.add_address(OTHER.parse().unwrap(), "eth0").unwrap();
    pair
}

fn mcast(arguments: &str) -> Command {
    example("mcast").typed(arguments)
}

/// Sends a few datagrams from host `a`, fast.
fn send(a: &Host, arguments: &str) {
    let sent = output(a, mcast(&format!("send --interface eth0 --interval 0.01 --json {arguments}")));
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
}

fn index(host: &Host) -> u32 {
    host.index("eth0").unwrap()
}

fn explains_itself() {
    helps("mcast", &["Usage: mcast", "send", "recv", "--json"]);
}

fn refuses_what_cannot_be() {
    let Pair { a, b: _b } = pair();
    for (command, says) in [
        ("recv --group ff02::1 --interface nosuch0 --port 7000", "mcast: no interface nosuch0\n"),
        ("send --group ff02::1 --interface nosuch0 --port 7000", "mcast: no interface nosuch0\n"),
        ("recv --group ff02::1 --interface lo --port 7000", "mcast: interface lo carries no multicast\n"),
        ("recv --group fe80::1 --interface eth0 --port 7000", "not a multicast address"),
        (
            "recv --group ff02::1 --source ::1 --exclude ::2 --interface eth0 --port 7000",
            "cannot be used with",
        ),
        (
            "recv --group ff02::1 --source ff02::2 --interface eth0 --port 7000",
            "ff02::2 is a multicast address",
        ),
        ("recv --group ff02::1 --timeout -1 --interface eth0 --port 7000", "unexpected argument"),
        ("send --group ff02::1 --interface eth0 --port 7000 --size 8", "8 is not in 32..=65527"),
        ("send --group ff02::1 --interface eth0 --port 7000 --traffic-class 256", "too large"),
        (
            "send --group ff02::1 --interface eth0 --port 7000 --source 2001:db8::bad",
            "mcast: Invalid argument",
        ),
    ] {
        refuses(&a, mcast(command), says);
    }
    a.ip("link set eth0 down").unwrap();
    refuses(
        &a,
        mcast("recv --group ff02::1 --interface eth0 --port 7000"),
        "mcast: interface eth0 is down\n",
    );
}

fn socat_hears_it() {
    let Pair { a, b } = pair();
    let socat = installed("socat").typed("-u UDP6-RECV:7000,ipv6-join-group=[ff02::114]:eth0 -");
    let mut socat = Running::start(&b, socat);
    joined(&b, "ff02::114");
    send(&a, "--group ff02::114 --port 7000 --count 3 --size 40");
    for number in 0..3 {
        assert_eq!(socat.line("mcast"), format!("mcast {number} {}", ".".repeat(31)));
    }
}

fn it_hears_socat() {
    let Pair { a, b } = pair();
    let recv = "recv --group ff02::114 --interface eth0 --port 7000 --count 2 --json";
    let recv = Running::start(&b, mcast(recv));
    joined(&b, "ff02::114");
    // A program of the same host is a member of another group: the port gets that, too.
    let _other = Running::start(&b, mcast("recv --group ff02::115 --interface eth0 --port 7000"));
    joined(&b, "ff02::115");
    for (to, bytes) in
        [("[ff02::115%eth0]", 1), ("[2001:db8:1::2]", 2), ("[ff02::114%eth0]", 3), ("[ff02::114%eth0]", 4)]
    {
        let from = format!("SYSTEM:printf %{bytes}s");
        let to = format!("UDP6-SENDTO:{to}:7000,ipv6-tclass=0xe2");
        assert!(output(&a, command("socat", ["-u", &from, &to])).status.success());
    }
    let (status, lines) = recv.end();
    assert!(status.success());
    let source = a.link_local("eth0").unwrap().to_string();
    for (line, bytes) in lines.iter().zip([3, 4]) {
        let told = object(line);
        assert!(told["port"].as_u64().is_some_and(|port| port > 0));
        for (field, value) in [
            ("bytes", json!(bytes)),
            ("source", json!(source)),
            ("sequence", json!(null)),
            ("traffic_class", json!(0xe2)),
            ("hop_limit", json!(1)),
            ("destination", json!("ff02::114")),
            ("interface", json!("eth0")),
        ] {
            assert_eq!(told[field], value, "{field}");
        }
    }
    assert_eq!(object(&lines[2]), json!({"received": 2, "lost": 0}));
    assert_eq!(lines.len(), 3);
}

fn iperf_hears_it_from_one_source() {
    let Pair { a, b } = pair();
    let server = format!("-s -u -V -B {GROUP}%eth0 --ssm-host {A} -p 7000", A = Pair::A);
    let mut server = Running::start(&b, installed("iperf").typed(&server));
    joined(&b, GROUP);
    send(&a, &format!("--group {GROUP} --port 7000 --count 3 --source {OTHER}"));
    send(&a, &format!("--group {GROUP} --port 7000 --count 3 --source {A}", A = Pair::A));
    let line = server.line("connected with");
    assert!(line.contains(&format!("connected with {} port", Pair::A)), "{line}");
}

fn it_hears_iperf_from_one_source() {
    let Pair { a, b } = pair();
    let recv = "--interface eth0 --port 7000 --count 5 --json";
    let recv = Running::start(&b, mcast(&format!("recv --group {GROUP} --source {} {recv}", Pair::A)));
    joined(&b, GROUP);
    for source in [OTHER, &Pair::A.to_string()] {
        let client = format!("-c {GROUP}%eth0 -B {source} -u -V -p 7000 -T 9 -S 0x28 -t 1 -b 200k -l 200");
        output(&a, installed("iperf").typed(&client));
    }
    let (status, lines) = recv.end();
    assert!(status.success());
    assert_eq!(lines.len(), 6);
    for line in &lines[..5] {
        let told = object(line);
        assert_eq!(told["source"], Pair::A.to_string());
        let fields = (&told["bytes"], &told["hop_limit"], &told["traffic_class"]);
        assert_eq!(fields, (&json!(200), &json!(9), &json!(0x28)));
    }
}

fn excluded_sources_are_not_heard() {
    let Pair { a, b } = pair();
    let recv = "--interface eth0 --port 7000 --count 2";
    let recv = Running::start(&b, mcast(&format!("recv --group {GROUP} --exclude {OTHER} {recv}")));
    joined(&b, GROUP);
    until("a filter", || b.proc_net("mcfilter6").unwrap().contains("eth0"));
    send(&a, &format!("--group {GROUP} --port 7000 --count 1 --source {OTHER}"));
    let rest = "--hop-limit 7 --traffic-class 0xe0";
    send(&a, &format!("--group {GROUP} --port 7000 --count 2 --source {} {rest}", Pair::A));
    let (status, lines) = recv.end();
    assert!(status.success());
    assert_eq!(lines.len(), 3, "{lines:#?}");
    let start = format!("number 0, 64 bytes from [{}]:", Pair::A);
    let told = format!("traffic class 0xe0, hop limit 7, destination {GROUP}, interface {}", index(&b));
    assert!(lines[0].starts_with(&start) && lines[0].ends_with(&told), "{}", lines[0]);
    assert!(lines[1].starts_with("number 1, "), "{}", lines[1]);
    assert_eq!(lines[2], "2 received, 0 lost");
}

fn what_is_lost_is_counted() {
    let Pair { a, b } = pair();
    let recv = "recv --group ff02::114 --interface eth0 --port 7000";
    let short = Running::start(&b, mcast(&format!("{recv} --count 6 --timeout 2")));
    let long = Running::start(&b, mcast(&format!("{recv} --timeout 2 --json")));
    joined_by(&b, "ff02::114", 2);
    let conns = [(); 2].map(|()| a.run(|| PacketConn::bind("[::]:0")).unwrap());
    let to = SocketAddrV6::new("ff02::114".parse().unwrap(), 7000, 0, a.index("eth0").unwrap());
    // Of the first 2 and 4 are lost, and 3 comes late; of the second none.
    for (conn, number) in [(0, 1), (0, 5), (1, 70), (0, 3), (1, 71)] {
        let text = format!("{:<32}", format!("mcast {number} "));
        conns[conn].send_to(text.as_bytes(), &SendControl::new(), to).unwrap();
    }
    let (status, lines) = short.end();
    assert_eq!(status.code(), Some(1), "fewer than were asked for: {lines:#?}");
    assert_eq!(lines.last().unwrap(), "5 received, 2 lost");
    let (status, lines) = long.end();
    assert!(status.success());
    assert_eq!(object(lines.last().unwrap()), json!({"received": 5, "lost": 2}));
}

fn local_listeners_hear_it_on_demand() {
    let Pair { a, b: _b } = pair();
    let recv = "recv --group ff02::114 --interface eth0 --port 7000 --count 1 --json";
    let recv = Running::start(&a, mcast(recv));
    joined(&a, "ff02::114");
    send(&a, "--group ff02::114 --port 7000 --count 1 --size 50");
    send(&a, "--group ff02::114 --port 7000 --count 1 --size 60 --loop");
    let (_, lines) = recv.end();
    assert_eq!(object(&lines[0])["bytes"], 60);
}

fn progress_is_for_people() {
    let Pair { a, b } = pair();
    let recv = mcast("recv --group ff02::114 --interface eth0 --port 7000 --timeout 3");
    let plain = Running::start(&b, example("mcast").args(recv.get_args()));
    // On a terminal of its own.
    let line = format!("{recv:?}").replace('"', "");
    let mut terminal = Running::start(&b, command("script", ["-qec", &line, "/dev/null"]));
    joined_by(&b, "ff02::114", 2);
    send(&a, "--group ff02::114 --port 7000 --count 2");
    let progress = terminal.line("a second");
    assert!(progress.contains("2 received, 0 lost, "), "{progress:?}");
    let (_, lines) = plain.end();
    assert!(lines.iter().all(|line| !line.contains("a second")), "{lines:#?}");
}

fn datagrams_are_as_they_were_asked_for() {
    let Pair { a, b } = pair();
    let capture = Capture::start(&b, "eth0");
    send(
        &a,
        &format!("--group {GROUP} --port 7000 --hop-limit 4 --traffic-class 0xe0 --source {OTHER} --count 3"),
    );
    let fields = ["ipv6.src", "ipv6.dst", "ipv6.hlim", "ipv6.tclass", "udp.dstport"];
    let seen = capture.fields("udp.port == 7000", fields);
    assert_eq!(seen.len(), 3);
    for [source, destination, hops, class, port] in &seen {
        assert_eq!([source, destination, hops, port], [OTHER, GROUP, "4", "7000"]);
        assert_eq!(number(class), 0xe0);
    }
}

/// What a listener reports of each operation (RFC 3810 section 5.2.12).
fn each_operation_has_its_record() {
    const TO_INCLUDE: &str = "3";
    const TO_EXCLUDE: &str = "4";
    const ALLOW_NEW: &str = "5";
    const BLOCK_OLD: &str = "6";
    let Pair { a, b } = pair();
    let conn = b.run(|| PacketConn::bind("[::]:0")).unwrap();
    let on = InterfaceIndex::new(index(&b)).unwrap();
    let (any, one) = ("ff3e::8000:2".parse().unwrap(), GROUP.parse().unwrap());
    let (first, second) = (Pair::A, OTHER.parse().unwrap());
    // Reports are sent twice, and those that follow at once become one.
    let wait = || std::thread::sleep(Duration::from_millis(1500));
    let capture = Capture::start(&a, "eth0");
    type Operation<'a> = &'a dyn Fn() -> std::io::Result<()>;
    let operations: [(Operation<'_>, &str, &str); 7] = [
        (&|| conn.join_group(any, on), "ff3e::8000:2", TO_EXCLUDE),
        (&|| conn.exclude_source(any, first, on), "ff3e::8000:2", BLOCK_OLD),
        (&|| conn.include_source(any, first, on), "ff3e::8000:2", ALLOW_NEW),
        (&|| conn.leave_group(any, on), "ff3e::8000:2", TO_INCLUDE),
        (&|| conn.join_source_group(one, first, on), GROUP, ALLOW_NEW),
        (&|| conn.join_source_group(one, second, on), GROUP, ALLOW_NEW),
        (&|| conn.leave_source_group(one, first, on), GROUP, BLOCK_OLD),
    ];
    for (operation, _, _) in &operations {
        operation().unwrap();
        wait();
    }
    let fields = [
        "icmpv6.mldr.mar.multicast_address",
        "icmpv6.mldr.mar.record_type",
        "ipv6.hlim",
        "icmpv6.checksum.status",
    ];
    let reports = capture.fields("icmpv6.type == 143", fields);
    // Those of these groups, each change once.
    let mut seen: Vec<(String, String)> = Vec::new();
    for [groups, kinds, hops, checksum] in &reports {
        assert_eq!([hops, checksum], ["1", "1"]);
        for (group, kind) in groups.split(',').zip(kinds.split(',')) {
            let record = (group.to_string(), kind.to_string());
            if operations.iter().any(|(_, of, _)| group == *of) && seen.last() != Some(&record) {
                seen.push(record);
            }
        }
    }
    let mut expected: Vec<(String, String)> =
        operations.iter().map(|(_, group, kind)| (group.to_string(), kind.to_string())).collect();
    // Two of the same kind, one after the other, cannot be told apart here.
    expected.dedup();
    assert_eq!(seen, expected, "{reports:?}");
}
