//! The example `mcast`, with socat and iperf, and the MLD reports of memberships in a capture.

mod programs;

use std::net::SocketAddrV6;
use std::process::Command;
use std::time::{Duration, Instant};

use ipv6_std::{InterfaceIndex, PacketConn, RawConn, SendControl};
use ipv6_testnet::{Host, Pair};
use programs::*;
use serde_json::json;

ipv6_testnet::tests! {
    [] help_lists_the_options;
    [Namespace] invalid_arguments_are_refused;
    [Namespace, Program("socat")] socat_receives_its_datagrams;
    [Namespace, Program("socat")] datagrams_of_socat_are_printed;
    [Namespace, Program("iperf")] iperf_receives_its_datagrams_from_one_source;
    [Namespace, Program("iperf")] datagrams_of_iperf_are_printed_from_one_source_only;
    [Namespace] datagrams_from_excluded_sources_are_not_printed;
    [Namespace] lost_datagrams_are_counted;
    [Namespace] local_listeners_receive_with_the_option_loop_only;
    [Namespace, Program("script")] progress_is_shown_on_a_terminal_only;
    [RawSocket, Program("dumpcap"), Program("tshark")] datagrams_have_the_header_fields_of_the_options;
    [RawSocket, Program("dumpcap"), Program("tshark")] each_membership_operation_sends_its_mld_record;
    [RawSocket, Program("dumpcap"), Program("tshark")] the_program_sends_mld_records_when_it_starts_and_ends;
    [Namespace] an_interrupt_ends_it_with_a_summary;
    [Namespace] forged_numbers_do_not_count_as_lost;
    [RawSocket] forged_senders_do_not_displace_a_real_one;
    [Namespace] a_lost_interface_is_reported_and_used_again_when_it_returns;
    [Namespace] an_interface_with_its_old_index_is_joined_again;
    [Namespace] an_interface_that_loses_ipv6_for_a_moment_is_joined_again;
    [Namespace, Ipv4] an_interface_that_is_replaced_at_once_is_joined_again_for_ipv4;
    [Namespace] a_lost_interface_ends_it_with_the_option_once;
    [Namespace] send_names_the_interface_that_is_lost;
    [Namespace] zones_name_the_interface;
    [Namespace, Ipv4] groups_of_ipv4_work_in_both_directions;
}

const GROUP: &str = "ff3e::8000:1";
/// A second address of host `a`.
const OTHER: &str = "2001:db8:1::aa";

/// A pair whose host `a` has two addresses.
fn pair() -> Pair {
    let pair = Pair::new().unwrap();
    pair.a.add_address(OTHER.parse().unwrap(), "eth0").unwrap();
    pair
}

fn mcast(arguments: &str) -> Command {
    example("mcast").typed(arguments)
}

/// Sends datagrams from host `a`, 10 ms apart.
fn send(a: &Host, arguments: &str) {
    let sent = output(a, mcast(&format!("send --interface eth0 --interval 0.01 --json {arguments}")));
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
}

fn index(host: &Host) -> u32 {
    host.index("eth0").unwrap()
}

fn help_lists_the_options() {
    helps("mcast", &["recv believes", "Usage: mcast", "send", "recv", "--json"]);
}

fn invalid_arguments_are_refused() {
    let Pair { a, b: _b } = pair();
    for (command, says) in [
        ("recv --group ff02::1 --interface nosuch0 --port 7000", "mcast: no interface nosuch0\n"),
        ("send --group ff02::1 --interface nosuch0 --port 7000", "mcast: no interface nosuch0\n"),
        (
            "recv --group ff02::1 --interface lo --port 7000",
            "mcast: interface lo does not support multicast\n",
        ),
        ("recv --group fe80::1 --interface eth0 --port 7000", "not a multicast address"),
        (
            "recv --group ff02::1 --port 7000",
            "mcast: ff02::1 needs an interface, as in --interface eth0 or ff02::1%eth0\n",
        ),
        ("recv --group ff02::1%nosuch0 --port 7000", "no interface nosuch0"),
        (
            "recv --group ff02::1%lo --interface eth0 --port 7000",
            "mcast: ff02::1%1 is on another interface than eth0\n",
        ),
        ("recv --group ff02::1%lo --port 7000", "mcast: interface lo does not support multicast\n"),
        (
            "recv --group ff02::1 --source fe80::1%lo --interface eth0 --port 7000",
            "is on another interface than eth0",
        ),
        (
            "recv --group 239.1.2.3 --port 7000",
            "mcast: 239.1.2.3 needs an interface, as in --interface eth0\n",
        ),
        ("recv --group 192.0.2.1 --interface eth0 --port 7000", "not a multicast address"),
        ("recv --group 239.1.2.3 --source ::1 --interface eth0 --port 7000", "mcast: source ::1: "),
        ("send --group ff02::1%lo --interface eth0 --port 7000", "is on another interface than eth0"),
        (
            "recv --group ff02::1 --source ::1 --exclude ::2 --interface eth0 --port 7000",
            "cannot be used with",
        ),
        (
            "recv --group ff02::1 --source ff02::2 --interface eth0 --port 7000",
            "ff02::2 is a multicast address",
        ),
        (
            "recv --group ff02::1 --source ::1 --source ::1 --interface eth0 --port 7000",
            "mcast: source ::1: ",
        ),
        ("recv --group ff02::1 --timeout -1 --interface eth0 --port 7000", "unexpected argument"),
        ("send --group ff02::1 --interface eth0 --port 7000 --size 8", "8 is not in 32..=65527"),
        ("send --group ff02::1 --interface eth0 --port 7000 --traffic-class 256", "too large"),
        (
            "send --group ff02::1 --interface eth0 --port 7000 --source 2001:db8::bad",
            "mcast: cannot send from 2001:db8::bad: ",
        ),
        ("send --group ff02::1 --interface eth0 --port 0", "0 is not in 1..=65535"),
    ] {
        refuses(&a, mcast(command), says);
    }
    let mut empty = mcast("send --group ff02::1 --port 7000 --interface");
    empty.arg("");
    refuses(&a, empty, "mcast: the name of the interface is empty; use one such as eth0\n");
    let privileged = mcast("recv --group ff02::1 --interface eth0 --port 7");
    a.set("net/ipv4/ip_unprivileged_port_start", "1024").unwrap();
    refuses(&a, unprivileged(&privileged), "mcast: port 7: Permission denied");
    a.ip("link set eth0 down").unwrap();
    refuses(
        &a,
        mcast("recv --group ff02::1 --interface eth0 --port 7000"),
        "mcast: interface eth0 is down\n",
    );
}

fn socat_receives_its_datagrams() {
    let Pair { a, b } = pair();
    let socat = installed("socat").typed("-u UDP6-RECV:7000,ipv6-join-group=[ff02::114]:eth0 -");
    let mut socat = Running::start(&b, socat);
    joined(&b, "ff02::114");
    send(&a, "--group ff02::114 --port 7000 --count 3 --size 40");
    for number in 0..3 {
        assert_eq!(socat.line("mcast"), format!("mcast {number} {}", ".".repeat(31)));
    }
}

fn datagrams_of_socat_are_printed() {
    let Pair { a, b } = pair();
    let recv = "recv --group ff02::114 --interface eth0 --port 7000 --count 2 --json";
    let recv = Running::start(&b, mcast(recv));
    joined(&b, "ff02::114");
    // Another program of the host joins another group: the port then receives that group too.
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
        let got = object(line);
        assert!(got["port"].as_u64().is_some_and(|port| port > 0));
        for (field, value) in [
            ("bytes", json!(bytes)),
            ("source", json!(source)),
            ("sequence", json!(null)),
            ("traffic_class", json!(0xe2)),
            ("hop_limit", json!(1)),
            ("destination", json!("ff02::114")),
            ("interface", json!("eth0")),
        ] {
            assert_eq!(got[field], value, "{field}");
        }
    }
    assert_eq!(object(&lines[2]), json!({"received": 2, "lost": 0}));
    assert_eq!(lines.len(), 3);
}

fn iperf_receives_its_datagrams_from_one_source() {
    let Pair { a, b } = pair();
    let server = format!("-s -u -V -B {GROUP}%eth0 --ssm-host {A} -p 7000", A = Pair::A);
    let mut server = Running::start(&b, installed("iperf").typed(&server));
    joined(&b, GROUP);
    send(&a, &format!("--group {GROUP} --port 7000 --count 3 --source {OTHER}"));
    send(&a, &format!("--group {GROUP} --port 7000 --count 3 --source {A}", A = Pair::A));
    let line = server.line("connected with");
    assert!(line.contains(&format!("connected with {} port", Pair::A)), "{line}");
}

fn datagrams_of_iperf_are_printed_from_one_source_only() {
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
        let got = object(line);
        assert_eq!(got["source"], Pair::A.to_string());
        let fields = (&got["bytes"], &got["hop_limit"], &got["traffic_class"]);
        assert_eq!(fields, (&json!(200), &json!(9), &json!(0x28)));
    }
}

fn datagrams_from_excluded_sources_are_not_printed() {
    let Pair { a, b } = pair();
    let recv = "--interface eth0 --port 7000 --count 2";
    let recv = Running::start(&b, mcast(&format!("recv --group {GROUP} --exclude {OTHER} {recv}")));
    joined(&b, GROUP);
    until("a source filter", || b.proc_net("mcfilter6").unwrap().contains("eth0"));
    send(&a, &format!("--group {GROUP} --port 7000 --count 1 --source {OTHER}"));
    let rest = "--hop-limit 7 --traffic-class 0xe0";
    send(&a, &format!("--group {GROUP} --port 7000 --count 2 --source {} {rest}", Pair::A));
    let (status, lines) = recv.end();
    assert!(status.success());
    assert_eq!(lines.len(), 3, "{lines:#?}");
    let start = format!("number 0, 64 bytes from [{}]:", Pair::A);
    // A received flow label follows.
    let fields = format!("traffic class 0xe0, hop limit 7, destination {GROUP}, interface {}", index(&b));
    assert!(lines[0].starts_with(&start) && lines[0].contains(&fields), "{}", lines[0]);
    assert!(lines[1].starts_with("number 1, "), "{}", lines[1]);
    assert_eq!(lines[2], "2 received, 0 lost");
}

fn lost_datagrams_are_counted() {
    let Pair { a, b } = pair();
    let recv = "recv --group ff02::114 --interface eth0 --port 7000";
    let short = Running::start(&b, mcast(&format!("{recv} --count 6 --timeout 5")));
    let long = Running::start(&b, mcast(&format!("{recv} --count 5 --json")));
    joined_by(&b, "ff02::114", 2);
    let conns = [(); 2].map(|()| a.run(|| PacketConn::bind("[::]:0")).unwrap());
    let to = SocketAddrV6::new("ff02::114".parse().unwrap(), 7000, 0, a.index("eth0").unwrap());
    // From the first sender, 2 and 4 are lost and 3 arrives late; from the second none is lost.
    for (conn, number) in [(0, 1), (0, 5), (1, 70), (0, 3), (1, 71)] {
        let text = format!("{:<32}", format!("mcast {number} "));
        conns[conn].send_to(text.as_bytes(), &SendControl::new(), to).unwrap();
    }
    let (status, lines) = short.end();
    assert_eq!(status.code(), Some(1), "fewer datagrams than --count: {lines:#?}");
    assert_eq!(lines.last().unwrap(), "5 received, 2 lost");
    let (status, lines) = long.end();
    assert!(status.success());
    assert_eq!(object(lines.last().unwrap()), json!({"received": 5, "lost": 2}));
}

fn local_listeners_receive_with_the_option_loop_only() {
    let Pair { a, b: _b } = pair();
    let recv = "recv --group ff02::114 --interface eth0 --port 7000 --count 1 --json";
    let recv = Running::start(&a, mcast(recv));
    joined(&a, "ff02::114");
    send(&a, "--group ff02::114 --port 7000 --count 1 --size 50");
    send(&a, "--group ff02::114 --port 7000 --count 1 --size 60 --loop");
    let (_, lines) = recv.end();
    assert_eq!(object(&lines[0])["bytes"], 60);
}

fn progress_is_shown_on_a_terminal_only() {
    let Pair { a, b } = pair();
    let recv = mcast("recv --group ff02::114 --interface eth0 --port 7000");
    let mut plain = Running::start(&b, example("mcast").args(recv.get_args()));
    // A second one on a pseudo-terminal.
    let line = format!("{recv:?}").replace('"', "");
    let mut terminal = Running::start(&b, command("script", ["-qec", &line, "/dev/null"]));
    joined_by(&b, "ff02::114", 2);
    let send = mcast("send --group ff02::114 --interface eth0 --port 7000 --interval 0.1 --json");
    let _send = Running::start(&a, send);
    // The progress line and the escape code that erases it precede the line of the next datagram.
    terminal.line_where("progress", |line| {
        line.contains("\x1b[K") && line.contains(" received, 0 lost, ") && !line.contains("K0 received")
    });
    // The other one has run for at least as long.
    plain.line("number 10,");
    plain.interrupt();
    let seen = plain.seen.clone();
    let (_, lines) = plain.end();
    assert!(seen.iter().chain(&lines).all(|line| !line.contains("per second")), "{lines:#?}");
}

/// The summary counts the datagrams until then.
fn an_interrupt_ends_it_with_a_summary() {
    let Pair { a, b } = pair();
    let mut recv = Running::start(&b, mcast("recv --group ff02::114 --interface eth0 --port 7000"));
    joined(&b, "ff02::114");
    let send =
        Running::start(&a, mcast("send --group ff02::114 --interface eth0 --port 7000 --interval 1e9"));
    recv.line("number 0, ");
    for (running, says) in [(recv, "1 received, 0 lost"), (send, "1 sent to [ff02::114]:7000")] {
        running.interrupt();
        let (status, lines) = running.end();
        assert!(status.success() && lines.len() == 1 && lines[0].starts_with(says), "{lines:#?}");
    }
}

fn datagrams_have_the_header_fields_of_the_options() {
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

const TO_INCLUDE: &str = "3";
const TO_EXCLUDE: &str = "4";
const ALLOW_NEW: &str = "5";
const BLOCK_OLD: &str = "6";

/// A record of an MLD report: group, type and sources (RFC 3810 section 5.2.12).
type Record = [String; 3];

/// The records of these groups in a capture. Repetitions are removed, because every report is sent twice.
fn records(capture: Capture<'_>, groups: &[&str]) -> Vec<Record> {
    let fields = [
        "icmpv6.mldr.mar.multicast_address",
        "icmpv6.mldr.mar.record_type",
        "icmpv6.mldr.mar.nb_sources",
        "icmpv6.mldr.mar.source_address",
        "ipv6.hlim",
        "icmpv6.checksum.status",
    ];
    let mut seen: Vec<Record> = Vec::new();
    for [of, kinds, counts, sources, hops, checksum] in capture.fields("icmpv6.type == 143", fields) {
        assert_eq!([hops, checksum], ["1", "1"]);
        let mut sources = sources.split(',');
        for ((group, kind), count) in of.split(',').zip(kinds.split(',')).zip(counts.split(',')) {
            let sources: Vec<&str> = sources.by_ref().take(count.parse().unwrap()).collect();
            let record = [group.to_string(), kind.to_string(), sources.join(" ")];
            if groups.contains(&group) && seen.last() != Some(&record) {
                seen.push(record);
            }
        }
    }
    seen
}

/// Each operation and the record of its report.
fn each_membership_operation_sends_its_mld_record() {
    let Pair { a, b } = pair();
    let conn = b.run(|| PacketConn::bind("[::]:0")).unwrap();
    let on = InterfaceIndex::new(index(&b)).unwrap();
    let (any, one) = ("ff3e::8000:2".parse().unwrap(), GROUP.parse().unwrap());
    let (first, second) = (Pair::A, OTHER.parse().unwrap());
    // Reports are repeated within a second, and changes in quick succession share one report.
    let wait = || std::thread::sleep(Duration::from_millis(1500));
    let capture = Capture::start(&a, "eth0");
    type Operation<'a> = &'a dyn Fn() -> std::io::Result<()>;
    let a_first = &*Pair::A.to_string();
    let operations: [(Operation<'_>, [&str; 3]); 8] = [
        (&|| conn.join_group(any, on), ["ff3e::8000:2", TO_EXCLUDE, ""]),
        (&|| conn.exclude_source(any, first, on), ["ff3e::8000:2", BLOCK_OLD, a_first]),
        (&|| conn.include_source(any, first, on), ["ff3e::8000:2", ALLOW_NEW, a_first]),
        (&|| conn.leave_group(any, on), ["ff3e::8000:2", TO_INCLUDE, ""]),
        (&|| conn.join_source_group(one, first, on), [GROUP, ALLOW_NEW, a_first]),
        (&|| conn.join_source_group(one, second, on), [GROUP, ALLOW_NEW, OTHER]),
        (&|| conn.leave_source_group(one, first, on), [GROUP, BLOCK_OLD, a_first]),
        (&|| conn.leave_source_group(one, second, on), [GROUP, BLOCK_OLD, OTHER]),
    ];
    for (operation, _) in &operations {
        operation().unwrap();
        wait();
    }
    let expected: Vec<[&str; 3]> = operations.iter().map(|(_, record)| *record).collect();
    assert_eq!(records(capture, &["ff3e::8000:2", GROUP]), expected);
}

/// The reports from the start of the program to its end.
fn the_program_sends_mld_records_when_it_starts_and_ends() {
    let Pair { a, b } = pair();
    let capture = Capture::start(&a, "eth0");
    let source = Pair::A.to_string();
    for (group, options) in [("ff3e::8000:3", ""), ("ff3e::8000:4", &*format!("--source {source}"))] {
        let recv = Running::start(
            &b,
            mcast(&format!("recv --group {group} {options} --interface eth0 --port 7000")),
        );
        joined(&b, group);
        std::thread::sleep(Duration::from_millis(1500));
        recv.interrupt();
        assert!(recv.end().0.success());
        std::thread::sleep(Duration::from_millis(1500));
    }
    let expected = [
        ["ff3e::8000:3", TO_EXCLUDE, ""],
        ["ff3e::8000:3", TO_INCLUDE, ""],
        ["ff3e::8000:4", ALLOW_NEW, &source],
        ["ff3e::8000:4", BLOCK_OLD, &source],
    ];
    assert_eq!(records(capture, &["ff3e::8000:3", "ff3e::8000:4"]), expected);
}

/// Sends a datagram with this number.
fn send_number(conn: &PacketConn, to: SocketAddrV6, number: u64) {
    let text = format!("{:<32}", format!("mcast {number} "));
    conn.send_to(text.as_bytes(), &SendControl::new(), to).unwrap();
}

/// The summary of `mcast recv` after datagrams with these numbers from one sender.
fn summary_of(numbers: &[u64]) -> serde_json::Value {
    let Pair { a, b } = pair();
    let recv =
        format!("recv --group ff02::114 --interface eth0 --port 7000 --json --count {}", numbers.len());
    let recv = Running::start(&b, mcast(&recv));
    joined(&b, "ff02::114");
    let conn = a.run(|| PacketConn::bind("[::]:0")).unwrap();
    let to = SocketAddrV6::new("ff02::114".parse().unwrap(), 7000, 0, index(&a));
    for number in numbers {
        send_number(&conn, to, *number);
    }
    let (status, lines) = recv.end();
    assert!(status.success());
    object(lines.last().unwrap())["lost"].clone()
}

fn forged_numbers_do_not_count_as_lost() {
    for (numbers, lost) in [
        // A single number far ahead, also the largest, and far behind.
        (&[0, 1, 18_446_744_073_709_551_611, 2, u64::MAX, 3, 5][..], 1),
        (&[u64::MAX, 0, u64::MAX, 1, 2], 0),
        (&[7000, 7001, 3, 7002, 7002, 7001], 0),
        // Confirmed by the next number: lost up to a million, else a new start.
        (&[0, 6000, 6001, 6002], 5999),
        (&[0, 2_000_000, 2_000_001, 2_000_003], 1),
        (&[5000, 5001, 0, 1, 3], 1),
        // Late ones fill a gap once.
        (&[10, 14, 12, 12, 9, 8], 2),
    ] {
        assert_eq!(summary_of(numbers), lost, "{numbers:?}");
    }
}

fn forged_senders_do_not_displace_a_real_one() {
    const FORGED: u16 = 3000;
    let Pair { a, b } = pair();
    let recv = "recv --group ff02::114 --interface eth0 --port 7000 --json";
    let mut recv = Running::start(&b, mcast(&format!("{recv} --count {}", FORGED + 3)));
    joined(&b, "ff02::114");
    let conn = a.run(|| PacketConn::bind("[::]:0")).unwrap();
    let to = SocketAddrV6::new("ff02::114".parse().unwrap(), 7000, 0, index(&a));
    send_number(&conn, to, 0);
    send_number(&conn, to, 1);
    recv.line("\"sequence\":1");
    // UDP datagrams from other ports, whose checksum the kernel writes.
    let forger = a.run(|| RawConn::open(17)).unwrap();
    forger.set_checksum_offset(Some(6)).unwrap();
    let group = SocketAddrV6::new(*to.ip(), 0, 0, to.scope_id());
    for port in 1..=FORGED {
        let mut packet = [port.to_be_bytes(), 7000_u16.to_be_bytes(), 40_u16.to_be_bytes(), [0, 0]].concat();
        packet.extend(format!("{:<32}", format!("mcast {port} ")).bytes());
        forger.send_to(&packet, &SendControl::new(), group).unwrap();
        recv.line(&format!("\"sequence\":{port},"));
    }
    send_number(&conn, to, 4);
    let (status, lines) = recv.end();
    assert!(status.success());
    assert_eq!(object(lines.last().unwrap()), json!({"received": FORGED + 3, "lost": 2}));
}

fn a_lost_interface_is_reported_and_used_again_when_it_returns() {
    let Pair { a, b } = pair();
    let recv =
        format!("recv --group {GROUP} --exclude {OTHER} --interface eth0 --port 7000 --count 1 --json");
    let mut recv = Running::start(&b, mcast(&recv));
    joined(&b, GROUP);
    b.ip("link set eth0 down").unwrap();
    assert_eq!(object(recv.line("interface lost"))["error"], "interface eth0 is down");
    b.ip("link set eth0 up").unwrap();
    recv.line("interface back");
    b.ip("link del eth0").unwrap();
    assert_eq!(object(recv.line("interface lost"))["error"], "interface eth0 has disappeared");
    ipv6_testnet::link(&a, "eth0", &b, "eth0").unwrap();
    recv.line("interface back");
    joined(&b, GROUP);
    until("a source filter", || b.proc_net("mcfilter6").unwrap().contains("eth0"));
    send(&a, &format!("--group {GROUP} --port 7000 --count 1"));
    let (status, lines) = recv.end();
    assert!(status.success());
    assert_eq!(object(&lines[0])["destination"], GROUP);
}

/// Makes the interface eth0, which always has the same index.
fn make_with_its_index(host: &Host) {
    host.ip("link add eth0 index 500 type veth peer name eth1").unwrap();
    host.ip("link set eth1 up").unwrap();
    host.ip("link set eth0 up").unwrap();
}

// Scar 61.
fn an_interface_with_its_old_index_is_joined_again() {
    let host = Host::new("host").unwrap();
    let make = || {
        make_with_its_index(&host);
        host.link_local("eth0").unwrap();
    };
    make();
    let recv = "recv --group ff02::114 --interface eth0 --port 7000 --count 1 --json";
    let mut recv = Running::start(&host, mcast(recv));
    joined(&host, "ff02::114");
    host.ip("link del eth0").unwrap();
    make();
    recv.line("interface back");
    send(&host, "--group ff02::114 --port 7000 --count 1 --loop");
    let (status, lines) = recv.end();
    assert!(status.success() && lines.len() == 2, "{lines:#?}");
}

/// Its address is the same afterwards, and the program looks twice a second only.
fn an_interface_that_loses_ipv6_for_a_moment_is_joined_again() {
    let Pair { a, b } = pair();
    let recv = "recv --group ff02::114 --interface eth0 --port 7000 --count 1 --json";
    let mut recv = Running::start(&b, mcast(recv));
    joined(&b, "ff02::114");
    b.ip("link set eth0 mtu 1000").unwrap();
    b.ip("link set eth0 mtu 1500").unwrap();
    recv.line("interface lost");
    recv.line("interface back");
    joined(&b, "ff02::114");
    send(&a, "--group ff02::114 --port 7000 --count 1");
    let (status, lines) = recv.end();
    assert!(status.success() && lines.len() == 2, "{lines:#?}");
}

/// Its index is the same afterwards, and it has no IPv4 address.
fn an_interface_that_is_replaced_at_once_is_joined_again_for_ipv4() {
    let host = Host::new("host").unwrap();
    make_with_its_index(&host);
    let recv = "recv --group 239.1.2.3 --interface eth0 --port 7000 --timeout 60 --json";
    let mut recv = Running::start(&host, mcast(recv));
    let joined = || until("239.1.2.3", || host.proc_net("igmp").unwrap().contains(GROUP_IN_IGMP));
    joined();
    host.ip("link del eth0").unwrap();
    make_with_its_index(&host);
    recv.line("interface lost");
    recv.line("interface back");
    joined();
    recv.interrupt();
    assert!(recv.end().0.success());
}

/// 239.1.2.3, as the kernel prints it.
const GROUP_IN_IGMP: &str = if cfg!(target_endian = "little") { "030201EF" } else { "EF010203" };

fn a_lost_interface_ends_it_with_the_option_once() {
    let Pair { a: _a, b } = pair();
    let recv = Running::start(&b, mcast("recv --group ff02::114%eth0 --port 7000 --once"));
    joined(&b, "ff02::114");
    b.ip("link del eth0").unwrap();
    let (status, lines) = recv.end();
    assert_eq!(status.code(), Some(2));
    assert_eq!(lines.last().unwrap(), "mcast: interface eth0 has disappeared");
}

fn send_names_the_interface_that_is_lost() {
    for (command, says) in [
        ("link del eth0", "mcast: interface eth0 has disappeared: "),
        ("link set eth0 down", "mcast: interface eth0 is down: "),
    ] {
        let Pair { a, b } = pair();
        let listener = b.run(|| PacketConn::bind("[::]:7000")).unwrap();
        let on = InterfaceIndex::new(index(&b)).unwrap();
        listener.join_group("ff02::114".parse().unwrap(), on).unwrap();
        listener.set_deadline(Some(Instant::now() + Duration::from_secs(60)));
        let send = Running::start(&a, mcast("send --group ff02::114%eth0 --port 7000 --interval 0.05"));
        listener.recv_from(&mut [0; 2048]).unwrap();
        a.ip(command).unwrap();
        let (status, lines) = send.end();
        assert_eq!(status.code(), Some(2));
        assert!(lines.last().unwrap().starts_with(says), "{lines:#?}");
    }
}

fn zones_name_the_interface() {
    let Pair { a, b } = pair();
    let near = a.link_local("eth0").unwrap();
    let recv = format!("recv --group ff02::114%eth0 --source {near}%eth0 --port 7000 --count 1 --json");
    let recv = Running::start(&b, mcast(&recv));
    joined(&b, "ff02::114");
    let send = format!("send --group ff02::114%eth0 --source {near}%eth0 --port 7000 --count 1");
    assert!(output(&a, mcast(&send)).status.success());
    let (status, lines) = recv.end();
    assert!(status.success());
    assert_eq!(object(&lines[0])["source"], json!(near));
}

fn groups_of_ipv4_work_in_both_directions() {
    let Pair { a, b } = pair();
    for (host, addresses) in [(&a, &["192.0.2.1/24", "192.0.2.7/24"][..]), (&b, &["192.0.2.2/24"])] {
        for address in addresses {
            host.ip(&format!("address add {address} dev eth0")).unwrap();
        }
    }
    let recv = "recv --group 239.1.2.3 --interface eth0 --port 7000 --json --count 2";
    let filtered = "--source 192.0.2.7";
    let mut all = Running::start(&b, mcast(recv));
    let some = Running::start(&b, mcast(&format!("{recv} {filtered}")));
    until("the membership and a filter", || {
        // The address in hexadecimal, in the order of the host.
        let users = |line: &str| line.split_whitespace().nth(1).and_then(|users| users.parse::<u32>().ok());
        let group = format!("{:08X}", u32::from_ne_bytes([239, 1, 2, 3]));
        let table = b.proc_net("igmp").unwrap();
        table.lines().any(|line| line.contains(&group) && users(line).is_some_and(|users| users >= 2))
    });
    // A sender of IPv4 only.
    let socket = a.run(|| std::net::UdpSocket::bind("192.0.2.1:0")).unwrap();
    nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::IpMulticastTtl, &5).unwrap();
    socket.send_to(b"from IPv4", "239.1.2.3:7000").unwrap();
    let got = object(all.line("bytes"));
    for (field, value) in [
        ("source", json!("192.0.2.1")),
        ("destination", json!("239.1.2.3")),
        ("interface", json!("eth0")),
        ("hop_limit", json!(5)),
        ("bytes", json!(9)),
    ] {
        assert_eq!(got[field], value, "{field}");
    }
    let options = "--hop-limit 9 --traffic-class 0x28 --source 192.0.2.7 --count 2";
    send(&a, &format!("--group 239.1.2.3 --port 7000 {options}"));
    for (running, seen) in [(all, 2), (some, 3)] {
        let (status, lines) = running.end();
        assert!(status.success() && lines.len() == seen, "{lines:#?}");
        let got = object(&lines[0]);
        assert_eq!((&got["source"], &got["sequence"]), (&json!("192.0.2.7"), &json!(0)));
        assert_eq!((&got["hop_limit"], &got["traffic_class"]), (&json!(9), &json!(0x28)));
        assert_eq!(object(&lines[seen - 1])["lost"], 0);
    }
}
