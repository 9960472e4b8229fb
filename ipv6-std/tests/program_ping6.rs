//! The example `ping6`, compared with ping of iputils, across a router and with other traffic.

mod programs;

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use ipv6_std::{FlowLabel, Header, Icmp6Filter, Icmp6Type, RawConn, SendControl};
use ipv6_testnet::{Line, Pair, link};
use programs::*;

ipv6_testnet::tests! {
    [] help_lists_the_options;
    [Namespace] invalid_arguments_are_refused;
    [RawSocket] a_destination_that_cannot_be_reached_is_explained;
    [RawSocket, PingSocket] many_hosts_are_asked_at_once;
    [RawSocket] an_interface_that_disappears_is_named;
    [RawSocket] listening_outlasts_its_interface_and_ends_with_a_summary;
    [RawSocket] listening_on_an_interface_without_ipv6_reports_that_once;
    [Namespace, Strace] a_forbidden_socket_is_an_error_that_names_the_sysctl;
    [RawSocket] each_reply_and_a_summary_are_printed;
    [RawSocket, Program("ping")] requests_of_iputils_are_printed;
    [RawSocket, Program("ping")] the_summary_matches_that_of_iputils;
    [RawSocket, PingSocket, Program("dumpcap"), Program("tshark")] requests_have_the_header_fields_of_the_options;
    [RawSocket, PingSocket] errors_are_printed_with_the_router_that_reported_them;
    [RawSocket, PingSocket] packet_too_big_is_printed_and_then_fragments_are_sent;
    [RawSocket, Program("traceroute")] requests_of_traceroute_arrive_with_their_remaining_hops;
    [RawSocket] lost_requests_are_counted;
    [RawSocket] foreign_replies_are_ignored;
    [RawSocket] forged_errors_are_ignored;
    [RawSocket] further_replies_of_a_group_are_counted_separately;
    [RawSocket] interval_0_sends_after_each_reply;
    [RawSocket] an_interrupt_ends_it_with_a_summary;
    [Namespace] an_interrupt_ends_the_wait_for_the_file;
    [RawSocket] a_closed_pipe_ends_it_without_an_error;
    [RawSocket, Strace, Program("ping")] the_filter_keeps_other_messages_from_waking_it;
    [PingSocket] it_works_without_privilege;
}

fn ping6(arguments: &str) -> Command {
    example("ping6").typed(arguments)
}

fn help_lists_the_options() {
    helps("ping6", &["Usage: ping6", "--listen", "--flow-label", "--traffic-class", "--json"]);
}

fn invalid_arguments_are_refused() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    refuses(&a, ping6("::1 --interface nosuch0"), "ping6: no interface nosuch0\n");
    refuses(&a, ping6("192.0.2.1"), "ping6: 192.0.2.1 has no IPv6 address\n");
    refuses(&a, ping6("::1 --flow-label 0x100000"), "longer than 20 bits");
    refuses(&a, ping6("--interface eth0"), "required");
    refuses(&a, ping6("::1 --source 2001:db8::bad"), "ping6: cannot send from 2001:db8::bad: ");
    refuses(&a, ping6("::1 --interval=-1"), "--interval");
    refuses(&a, unprivileged(&ping6("--listen")), "ping6: a raw socket needs root or CAP_NET_RAW");
    refuses(&a, ping6("--file /nosuch"), "ping6: /nosuch: No such file or directory");
    refuses(&a, ping6("--file /dev/null"), "ping6: /dev/null names no host");
}

/// Each text names what the user can do.
fn a_destination_that_cannot_be_reached_is_explained() {
    let Pair { a, b } = Pair::new().unwrap();
    link(&a, "eth1", &b, "eth1").unwrap();
    a.ip("link set eth1 down").unwrap();
    a.ip("-6 route add prohibit 2001:db8:9::/64").unwrap();
    for (arguments, says) in [
        ("fe80::1", "ping6: fe80::1 is link-local: name its interface, as in fe80::1%eth0\n"),
        ("fe80::1%nosuch0", "ping6: fe80::1%nosuch0: no interface nosuch0\n"),
        ("[fe80::1%nosuch0]:7", "ping6: [fe80::1%nosuch0]:7: no interface nosuch0\n"),
        ("fe80::1%eth1", "ping6: interface eth1 is down\n"),
        ("ff02::1%eth1", "ping6: interface eth1 is down\n"),
        ("2001:db8:1::2 --interface eth1", "ping6: interface eth1 is down\n"),
        ("--listen --interface eth1", "ping6: interface eth1 is down\n"),
        ("fe80::1%eth0 --interface eth1", "ping6: fe80::1%eth0 is on another interface than eth1\n"),
        ("::1 --source fe80::1", "ping6: fe80::1 is link-local: name the interface too\n"),
        (
            "::1 --source fe80::1%eth0 --interface lo",
            "ping6: the source address is on eth0, another interface than lo\n",
        ),
        ("ff02::1%lo", "ping6: interface lo does not support multicast\n"),
    ] {
        refuses(&a, ping6(arguments), says);
    }
    for arguments in [["::1", "--interface"], ["--listen", "--interface"]] {
        let mut ping = ping6("");
        ping.args(arguments).arg("");
        refuses(&a, ping, "ping6: the name of the interface is empty; use one such as eth0\n");
    }
    let link_local = b.link_local("eth0").unwrap();
    let ours = a.link_local("eth0").unwrap();
    for arguments in [
        format!("{link_local}%eth0"),
        format!("[{link_local}%eth0]"),
        format!("{link_local}%eth0 --source {ours}%eth0"),
        format!("{link_local} --source {ours}%eth0"),
    ] {
        let got = output(&a, ping6(&format!("{arguments} --count 1")));
        assert!(got.status.success(), "{got:?}");
    }
    let got = output(&a, ping6("2001:db8:9::1 --count 1"));
    assert_eq!(got.status.code(), Some(1));
    let says =
        "not sent: a route or a firewall of this host prohibits packets to 2001:db8:9::1: Permission denied";
    assert!(text(&got).contains(says), "{got:?}");
}

/// Two hundred hosts, most of them from a file. Two do not reply, and one is not known.
fn many_hosts_are_asked_at_once() {
    let Pair { a, b } = Pair::new().unwrap();
    // `b` has all addresses of the first prefix, and none of the second.
    b.ip("-6 route add local 2001:db8:7::/64 dev lo").unwrap();
    for prefix in ["2001:db8:7::/64", "2001:db8:8::/64"] {
        a.ip(&format!("-6 route add {prefix} via {}", Pair::B)).unwrap();
    }
    let folder = Folder::new("hosts");
    let hosts: String = (1..=196).map(|host| format!("2001:db8:7::{host:x} # host {host}\n\n")).collect();
    let file = folder.write("hosts", &format!("# hosts\n{hosts}2001:db8:1::dead\nfe80::1%nosuch0\n"));
    let options = "--count 2 --interval 0.5 --timeout 2 --json";
    let ping = ping6(&format!("2001:db8:7::ffff 2001:db8:8::9 {options} --file {file}"));
    for ping in [unprivileged(&ping), ping] {
        let got = output(&a, ping);
        assert_eq!(got.status.code(), Some(1), "{got:?}");
        let objects = objects(&got);
        let last = objects.last().unwrap();
        assert_eq!((&last["hosts"], &last["replied"]), (&200.into(), &197.into()), "{last}");
        for host in ["2001:db8:7::1", "2001:db8:7::c4", "2001:db8:7::ffff"] {
            let lines: Vec<_> = objects.iter().filter(|object| object["host"] == host).collect();
            let numbers = [&lines[0]["sequence"], &lines[1]["sequence"]];
            assert_eq!((numbers, &lines[0]["from"]), ([&0.into(), &1.into()], &host.into()));
            assert_eq!((lines.len(), &lines[2]["received"]), (3, &2.into()), "{lines:?}");
        }
        for silent in ["2001:db8:1::dead", "2001:db8:8::9"] {
            let summary = objects.iter().rfind(|object| object["host"] == silent).unwrap();
            assert_eq!((&summary["sent"], &summary["received"]), (&2.into(), &0.into()));
        }
        let unknown = objects.iter().find(|object| object["host"] == "fe80::1%nosuch0").unwrap();
        assert_eq!(unknown["error"], "fe80::1%nosuch0: no interface nosuch0");
    }
    let got = text(&output(&a, ping6("2001:db8:7::1 2001:db8:7::2 --count 1")));
    assert!(got.contains("2001:db8:7::2: number 0: 64 bytes from 2001:db8:7::2: "), "{got}");
    assert!(got.contains("2001:db8:7::1: 1 sent, 1 received, 0 % lost; "), "{got}");
    assert!(got.ends_with("2 hosts, 2 replied\n"), "{got}");
}

fn an_interface_that_disappears_is_named() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut ours = Running::start(
        &a,
        ping6(&format!("{}%eth0 --count 0 --interval 0.05", b.link_local("eth0").unwrap())),
    );
    ours.line("number 0");
    a.ip("link set eth0 down").unwrap();
    ours.line("not sent: interface eth0 is down");
    b.ip("link del eth0").unwrap();
    ours.line("not sent: interface eth0 has disappeared");
    ours.interrupt();
    assert!(ours.end().0.success());
}

fn listening_outlasts_its_interface_and_ends_with_a_summary() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut ours = Running::start(&a, ping6("--listen --interface eth0"));
    opened_raw_socket(&a);
    assert!(output(&b, ping6(&format!("{} --count 1", Pair::A))).status.success());
    ours.line(" 64 bytes from 2001:db8:1::2");
    b.ip("link del eth0").unwrap();
    ours.line("interface eth0 has disappeared; waiting for it");
    link(&a, "eth0", &b, "eth0").unwrap();
    ours.line("interface eth0 is back");
    let again = ping6(&format!("{}%eth0 --count 1", a.link_local("eth0").unwrap()));
    assert!(output(&b, again).status.success());
    ours.line(" 64 bytes from fe80:");
    ours.interrupt();
    let (status, lines) = ours.end();
    assert!(status.success());
    assert_eq!(lines, ["2 requests received"]);
}

/// IPv6 needs an MTU of 1,280. The program looks twice a second.
fn listening_on_an_interface_without_ipv6_reports_that_once() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    a.ip("link set eth0 mtu 1000").unwrap();
    let mut ours = Running::start(&a, ping6("--listen --interface eth0"));
    ours.line("interface eth0 has left its groups");
    thread::sleep(Duration::from_millis(1200));
    a.ip("link set eth0 mtu 1500").unwrap();
    ours.line("interface eth0 is back");
    ours.interrupt();
    let (status, lines) = ours.end();
    assert!(status.success());
    assert_eq!(lines, ["0 requests received"]);
}

fn a_forbidden_socket_is_an_error_that_names_the_sysctl() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    // The hosts of tests allow everyone to open one, so strace injects the error.
    let strace =
        command("strace", ["-o", "/dev/null", "-e", "trace=socket", "-e", "inject=socket:error=EACCES"]);
    refuses(&a, wrapped(strace, &ping6("::1")), "net.ipv4.ping_group_range: Permission denied");
}

fn each_reply_and_a_summary_are_printed() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    let got = output(&a, ping6("2001:db8:1::2 --count 3 --interval 0.05 --size 100 --json"));
    assert!(got.status.success(), "{got:?}");
    let objects = objects(&got);
    assert_eq!(objects.len(), 4);
    for (number, reply) in objects[..3].iter().enumerate() {
        assert_eq!((&reply["sequence"], &reply["bytes"]), (&number.into(), &108.into()));
        assert_eq!((&reply["from"], &reply["interface"]), (&"2001:db8:1::2".into(), &"eth0".into()));
        assert_eq!((&reply["hop_limit"], &reply["traffic_class"]), (&64.into(), &0.into()));
        assert!(reply["ms"].as_f64().unwrap() > 0.0);
    }
    let summary = &objects[3];
    assert_eq!((&summary["sent"], &summary["received"]), (&3.into(), &3.into()));
    let times = ["min_ms", "avg_ms", "max_ms"].map(|name| summary[name].as_f64().unwrap());
    assert!(times.is_sorted(), "{times:?}");

    let text = text(&output(&a, ping6("2001:db8:1::2 --count 1")));
    let says = "number 0: 64 bytes from 2001:db8:1::2: hop limit 64, traffic class 0x00, by eth0, ";
    assert!(text.starts_with(says), "{text}");
    assert!(text.contains("1 sent, 1 received, 0 % lost; min/avg/max "), "{text}");
}

fn requests_of_iputils_are_printed() {
    let Pair { a, b } = Pair::new().unwrap();
    let ours = Running::start(&b, ping6("--listen --interface eth0 --count 2 --json"));
    opened_raw_socket(&b);
    let theirs = output(&a, installed("ping").typed("-6 -c 2 -i 0.2 -t 9 -Q 0x28 -s 40 2001:db8:1::2"));
    assert!(theirs.status.success(), "{theirs:?}");
    let (status, lines) = ours.end();
    assert!(status.success());
    assert_eq!(lines.len(), 2);
    for (number, line) in (1..).zip(lines) {
        let printed = object(line);
        assert_eq!((&printed["sequence"], &printed["bytes"]), (&number.into(), &48.into()));
        assert_eq!((&printed["from"], &printed["interface"]), (&"2001:db8:1::1".into(), &"eth0".into()));
        assert_eq!((&printed["hop_limit"], &printed["traffic_class"]), (&9.into(), &0x28.into()));
        assert_eq!(printed["destination"], "2001:db8:1::2");
    }
}

fn the_summary_matches_that_of_iputils() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    let theirs = text(&output(&a, installed("ping").typed("-6 -c 2 -i 0.2 2001:db8:1::2")));
    let ours = text(&output(&a, ping6("2001:db8:1::2 --count 2 --interval 0.2")));
    assert!(theirs.contains("2 packets transmitted, 2 received, 0% packet loss"), "{theirs}");
    assert!(ours.contains("2 sent, 2 received, 0 % lost"), "{ours}");
    assert_eq!(theirs.matches("ttl=64").count(), ours.matches("hop limit 64").count());
}

fn requests_have_the_header_fields_of_the_options() {
    let Pair { a, b } = Pair::new().unwrap();
    a.ip("address add 2001:db8:1::aa/64 dev eth0 nodad").unwrap();
    let capture = Capture::start(&b, "eth0");
    let options = "--count 1 --hop-limit 7 --traffic-class 0xb8 --source 2001:db8:1::aa --interface eth0";
    let got = output(&a, ping6(&format!("2001:db8:1::2 {options}")));
    assert!(got.status.success(), "{got:?}");
    let flow = "--count 1 --flow-label 0x12345 --traffic-class 4 --hop-limit 9 --source 2001:db8:1::1";
    let flow = ping6(&format!("2001:db8:1::2 {flow}"));
    for ping in [unprivileged(&flow), flow] {
        let got = output(&a, ping);
        assert!(got.status.success(), "{got:?}");
    }
    let fields = ["ipv6.src", "ipv6.hlim", "ipv6.tclass", "ipv6.flow", "icmpv6.checksum.status"];
    let requests = capture.fields("icmpv6.type == 128", fields);
    assert_eq!(requests.len(), 3);
    let [source, hops, class, _, checksum] = &requests[0];
    assert_eq!([source, hops, checksum], ["2001:db8:1::aa", "7", "1"]);
    assert_eq!(number(class), 0xb8);
    for [source, hops, class, flow, checksum] in &requests[1..] {
        assert_eq!([source, hops, checksum], ["2001:db8:1::1", "9", "1"]);
        assert_eq!((number(class), number(flow)), (4, 0x12345));
    }
}

fn errors_are_printed_with_the_router_that_reported_them() {
    let line = Line::new().unwrap();
    line.router.set("net/ipv6/icmp/ratelimit", "0").unwrap();
    line.router.ip("route add unreachable 2001:db8:3::/64").unwrap();
    // With a raw socket, then with an unprivileged one.
    for run in [|ping| ping, |ping| unprivileged(&ping)] as [fn(Command) -> Command; 2] {
        let ping = "2001:db8:2::b --count 3 --interval 0.05 --hop-limit 1 --json";
        let got = output(&line.a, run(ping6(ping)));
        assert_eq!(got.status.code(), Some(1), "{got:?}");
        let objects_of = objects(&got);
        for (number, error) in objects_of[..3].iter().enumerate() {
            assert_eq!((&error["sequence"], &error["error"]), (&number.into(), &"time exceeded".into()));
            assert_eq!(error["from"], "2001:db8:1::1");
        }
        assert_eq!((&objects_of[3]["sent"], &objects_of[3]["received"]), (&3.into(), &0.into()));

        let got = text(&output(&line.a, run(ping6("2001:db8:3::1 --count 1"))));
        assert!(
            got.starts_with("number 0: destination unreachable: no route, reported by 2001:db8:1::1\n"),
            "{got}"
        );
    }
    // An error about a fragmented request quotes the first fragment.
    let got = output(&line.a, ping6("2001:db8:3::1 --count 1 --size 3000 --json"));
    let objects_of = objects(&got);
    assert_eq!(objects_of[0]["error"], "destination unreachable: no route", "{got:?}");
    assert_eq!((&objects_of[0]["sequence"], &objects_of[0]["from"]), (&0.into(), &"2001:db8:1::1".into()));
    // Without a route, the error comes from this host.
    line.a.ip("-6 route del default").unwrap();
    let got = output(&line.a, ping6("2001:db8:4::1 --count 1"));
    assert_eq!(got.status.code(), Some(1));
    assert!(text(&got).contains("(os error 101)"), "{got:?}");
}

fn packet_too_big_is_printed_and_then_fragments_are_sent() {
    too_big(|ping| ping);
    too_big(|ping| unprivileged(&ping));
}

fn too_big(run: fn(Command) -> Command) {
    let line = Line::new().unwrap();
    line.router.ip("link set right mtu 1300").unwrap();
    line.b.ip("link set eth0 mtu 1300").unwrap();
    let got = output(&line.a, run(ping6("2001:db8:2::b --count 2 --interval 0.3 --size 1400 --json")));
    let objects = objects(&got);
    assert_eq!(objects[0]["error"], "packet too big: MTU 1300");
    assert_eq!((&objects[0]["mtu"], &objects[0]["from"]), (&1300.into(), &"2001:db8:1::1".into()));
    // The kernel has cached the MTU and sends fragments.
    assert_eq!((&objects[1]["sequence"], &objects[1]["bytes"]), (&1.into(), &1408.into()));
}

fn lost_requests_are_counted() {
    let Pair { a, b } = Pair::new().unwrap();
    b.set("net/ipv6/icmp/echo_ignore_all", "1").unwrap();
    let got = output(&a, ping6("2001:db8:1::2 --count 2 --interval 0.05 --timeout 0.2"));
    assert_eq!(got.status.code(), Some(1));
    assert_eq!(text(&got), "2 sent, 0 received, 100 % lost\n");
}

/// The requests of a real traceroute arrive with the hop limit that is left.
fn requests_of_traceroute_arrive_with_their_remaining_hops() {
    let chain = Chain::new();
    let ours = Running::start(&chain.b, ping6("--listen --interface eth0 --count 3 --json"));
    opened_raw_socket(&chain.b);
    let theirs = installed("traceroute").typed(&format!("-6 -n -I -q 1 -N 1 -m 5 {}", Chain::B));
    assert!(text(&output(&chain.a, theirs)).contains(Chain::B));
    // The first traceroute ended with one request; the second sends two more.
    let theirs = installed("traceroute").typed(&format!("-6 -n -I -q 2 -N 1 -f 4 -m 4 {}", Chain::B));
    output(&chain.a, theirs);
    let (_, lines) = ours.end();
    let printed: Vec<_> = lines.iter().map(object).collect();
    assert!(printed.iter().all(|printed| printed["from"] == Chain::A && printed["destination"] == Chain::B));
    assert_eq!([&printed[0]["hop_limit"], &printed[1]["hop_limit"]], [1, 2]);
}

/// A reply with the numbers of a request and other data belongs to another program.
fn foreign_replies_are_ignored() {
    let Pair { a, b } = Pair::new().unwrap();
    b.set("net/ipv6/icmp/echo_ignore_all", "1").unwrap();
    let conn = b.run(|| RawConn::open(Icmp6Type::PROTOCOL)).unwrap();
    conn.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::ECHO_REQUEST)).unwrap();
    let ours = Running::start(&a, ping6("2001:db8:1::2 --count 1 --timeout 20 --json"));
    let mut packet = [0; 128];
    let got = conn.recv_from(&mut packet).unwrap();
    let reply = &mut packet[..got.len];
    reply[0] = Icmp6Type::ECHO_REPLY.0;
    let other = [&reply[..got.len - 1], &[reply[got.len - 1] ^ 1]].concat();
    for (message, hop_limit) in [(&other[..], 7), (&other[..20], 8), (reply, 9)] {
        conn.send_to(message, &SendControl::new().with_hop_limit(hop_limit), got.source).unwrap();
    }
    let (status, lines) = ours.end();
    assert!(status.success());
    assert_eq!((lines.len(), &object(&lines[0])["hop_limit"]), (2, &9.into()), "{lines:#?}");
}

/// Errors are believed only if they quote a request of the program and can be true.
fn forged_errors_are_ignored() {
    let Pair { a, b } = Pair::new().unwrap();
    b.set("net/ipv6/icmp/echo_ignore_all", "1").unwrap();
    let conn = b.run(|| RawConn::open(Icmp6Type::PROTOCOL)).unwrap();
    conn.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::ECHO_REQUEST)).unwrap();
    for believed in [None, Some(1280)] {
        let ours = Running::start(&a, ping6("2001:db8:1::2 --count 1 --timeout 20 --size 1400 --json"));
        let mut packet = [0; 2000];
        let got = conn.recv_from(&mut packet).unwrap();
        let request = &packet[..got.len];
        let mut other_data = request.to_vec();
        other_data[8] ^= 1;
        let mut other_id = request.to_vec();
        other_id[4] ^= 1;
        // Type, code, MTU, destination, and what is quoted.
        let (of, elsewhere) = (Pair::B, Pair::A);
        for (kind, mtu, to, quoted) in [
            (2, 9000, of, request),
            (2, 1448, of, request),
            (2, 1279, of, request),
            (2, 0, of, request),
            (2, u32::MAX, of, request),
            (1, 0, elsewhere, request),
            (1, 0, of, &other_data),
            (1, 0, of, &other_id),
            (1, 0, of, &request[..7]),
        ]
        .into_iter()
        .chain(believed.map(|mtu| (2, mtu, of, request)))
        {
            let header = Header {
                traffic_class: 0,
                flow_label: FlowLabel::ZERO,
                payload_len: request.len() as u16,
                next_header: 58,
                hop_limit: 64,
                source: Pair::A,
                destination: to,
            };
            let [m0, m1, m2, m3] = u32::to_be_bytes(mtu);
            let quoted = &quoted[..quoted.len().min(1000)];
            let message = [&[kind, 0, 0, 0, m0, m1, m2, m3], &header.encode()[..], quoted].concat();
            conn.send_to(&message, &SendControl::new(), got.source).unwrap();
        }
        let mut reply = request.to_vec();
        reply[0] = Icmp6Type::ECHO_REPLY.0;
        if believed.is_none() {
            conn.send_to(&reply, &SendControl::new(), got.source).unwrap();
        }
        let (status, lines) = ours.end();
        let lines: Vec<_> = lines.iter().map(object).collect();
        let summary = &lines[lines.len() - 1];
        assert_eq!((lines.len(), &summary["ignored_reports"]), (2, &5.into()), "{lines:#?}");
        match believed {
            None => assert!(status.success() && lines[0]["bytes"] == 1408, "{lines:#?}"),
            Some(mtu) => {
                assert_eq!((&lines[0]["mtu"], &lines[0]["from"]), (&mtu.into(), &"2001:db8:1::2".into()))
            }
        }
    }
}

/// The program waits for further members of a group, and counts their replies separately.
fn further_replies_of_a_group_are_counted_separately() {
    let Pair { a, b } = Pair::new().unwrap();
    let got = output(&a, ping6("ff02::1%eth0 --count 1 --timeout 2 --json"));
    assert!(got.status.success(), "{got:?}");
    let objects = objects(&got);
    let mut from: Vec<String> =
        objects[..2].iter().map(|reply| reply["from"].as_str().unwrap().to_string()).collect();
    let mut members = [&a, &b].map(|host| host.link_local("eth0").unwrap().to_string());
    from.sort();
    members.sort();
    assert_eq!(from, members);
    assert_eq!([&objects[0]["again"], &objects[1]["again"]], [false, true]);
    assert_eq!((&objects[2]["received"], &objects[2]["again"]), (&1.into(), &1.into()));
    assert_eq!(objects[2]["lost_percent"], 0.0);
}

fn interval_0_sends_after_each_reply() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    let got = text(&output(&a, ping6("2001:db8:1::2 --count 500 --interval 0 --timeout 20")));
    assert!(got.contains("500 sent, 500 received, 0 % lost; "), "{got}");
    // An interval that exceeds the range of the clock.
    let got = text(&output(&a, ping6("2001:db8:1::2 --count 1 --interval 1.8e19")));
    assert!(got.contains("1 sent, 1 received, 0 % lost; "), "{got}");
}

fn an_interrupt_ends_it_with_a_summary() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    let mut ours = Running::start(&a, ping6("2001:db8:1::2 --count 0 --interval 1e9 --json"));
    ours.line("sequence");
    ours.interrupt();
    let (status, lines) = ours.end();
    assert!(status.success());
    assert_eq!((lines.len(), &object(&lines[0])["received"]), (1, &1.into()), "{lines:#?}");
}

fn an_interrupt_ends_the_wait_for_the_file() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    let folder = Folder::new("ping6-file");
    let file = format!("{}/hosts", folder.path());
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    let ours = Running::start(&a, ping6(&format!("--file {file}")));
    // Opened: the program has read its arguments, and handles signals.
    let mut writer = std::fs::File::create(&file).unwrap();
    std::io::Write::write_all(&mut writer, b"::1\n").unwrap();
    ours.interrupt();
    assert_eq!(ours.end().0.code(), Some(130));
}

fn a_closed_pipe_ends_it_without_an_error() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    let mut ping = ping6("2001:db8:1::2 --count 0 --interval 0.05");
    let mut ours = a.spawn(ping.stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap();
    drop(ours.stdout.take());
    let said = ours.wait_with_output().unwrap();
    assert!(said.status.success() && said.stderr.is_empty(), "{said:?}");
}

/// The ICMPv6 filter of the kernel drops all other messages.
fn the_filter_keeps_other_messages_from_waking_it() {
    let Pair { a, b } = Pair::new().unwrap();
    let folder = Folder::new("wake");
    let log = format!("{}/log", folder.path());
    // Echo requests and neighbour solicitations to this host are ICMPv6 too.
    let strace = command("strace", ["-f", "-o", &log, "-e", "trace=recvmsg"]);
    let mut ours = Running::start(&a, wrapped(strace, &ping6("2001:db8:1::2 --count 2 --interval 1")));
    // The filter is set by now. Before, a neighbour message may have arrived.
    ours.line("number 0");
    let theirs = output(&b, installed("ping").typed("-6 -c 20 -i 0.02 2001:db8:1::1"));
    assert!(text(&theirs).contains("20 received"), "{theirs:?}");
    assert!(ours.end().0.success());
    let said = std::fs::read_to_string(&log).unwrap();
    let received = |kind: &str| said.matches(&format!("iov_base=\"\\{kind}")).count();
    // Types 129 and 128, in octal as strace prints them.
    assert_eq!((received("201"), received("200")), (2, 0), "{said}");
}

fn it_works_without_privilege() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    let ping = ping6("2001:db8:1::2 --count 2 --interval 0.05 --hop-limit 5 --json");
    let got = output(&a, unprivileged(&ping));
    assert!(got.status.success(), "{got:?}");
    let objects = objects(&got);
    assert_eq!((objects.len(), &objects[1]["sequence"]), (3, &1.into()));
    assert_eq!((&objects[0]["hop_limit"], &objects[0]["interface"]), (&64.into(), &"eth0".into()));
}
