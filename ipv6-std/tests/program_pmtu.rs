//! The example `pmtu`, compared with tracepath of iputils, across routers with smaller MTUs.

mod programs;

use std::net::{SocketAddr, SocketAddrV6, UdpSocket};
use std::process::Command;

use ipv6_testnet::Pair;
use programs::*;
use serde_json::json;

ipv6_testnet::tests! {
    [] help_lists_the_options;
    [Namespace] invalid_arguments_are_refused;
    [RawSocket] each_smaller_mtu_is_reported_with_its_router;
    [RawSocket, Program("tracepath")] the_mtus_match_those_of_tracepath;
    [RawSocket, Program("dumpcap"), Program("tshark")] probes_are_not_fragmented;
    [Namespace] routers_are_named_without_privilege_too;
    [Namespace] a_host_without_an_answer_is_reported_with_status_1;
    [Namespace] an_answer_of_the_port_ends_the_search;
    [RawSocket] reports_that_do_not_lower_the_mtu_are_ignored;
    [Namespace] a_link_local_host_has_a_zone;
    [RawSocket] a_flood_of_reports_ends_after_the_tries;
    [RawSocket] only_the_host_itself_proves_that_it_was_reached;
    [Namespace] an_interrupt_ends_it_with_a_summary;
    [Namespace, Strace] repeated_emsgsize_without_a_smaller_mtu_is_an_error;
}

fn pmtu(arguments: &str) -> Command {
    example("pmtu").typed(arguments)
}

/// A path with two smaller MTUs.
fn narrow() -> Chain {
    let chain = Chain::new();
    chain.near.ip("link set right mtu 1400").unwrap();
    chain.far.ip("link set left mtu 1400").unwrap();
    chain.far.ip("link set right mtu 1300").unwrap();
    chain.b.ip("link set eth0 mtu 1300").unwrap();
    chain
}

fn help_lists_the_options() {
    helps("pmtu", &["It believes", "It ignores", "Usage: pmtu", "--wait", "--tries", "--port", "--json"]);
}

fn invalid_arguments_are_refused() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    refuses(&a, pmtu("192.0.2.1"), "pmtu: 192.0.2.1 has no IPv6 address\n");
    refuses(&a, pmtu("2001:db8:9::1"), "(os error 101)");
    refuses(&a, pmtu("::1 --tries 0"), "--tries");
    refuses(&a, pmtu("::1 --port 0"), "--port");
    refuses(&a, pmtu("2001:db8:9::1"), "pmtu: this host has no route to 2001:db8:9::1");
    refuses(&a, pmtu("fe80::1"), "pmtu: fe80::1 is link-local: name its interface, as in fe80::1%eth0\n");
    refuses(&a, pmtu("fe80::1%eth9"), "pmtu: fe80::1%eth9: no interface eth9\n");
    refuses(&a, pmtu("ff0e::1"), "pmtu: ff0e::1 is a group");
    for (kind, says) in [
        ("prohibit", "a route or a firewall of this host prohibits packets to 2001:db8:8::1"),
        ("unreachable", "no host answers for 2001:db8:8::1 on the link, or a route rejects it"),
        ("blackhole", "a blackhole route of this host may discard packets to 2001:db8:8::1"),
    ] {
        a.ip(&format!("-6 route add {kind} 2001:db8:8::/64")).unwrap();
        refuses(&a, pmtu("2001:db8:8::1"), says);
        a.ip(&format!("-6 route del {kind} 2001:db8:8::/64")).unwrap();
    }
}

fn each_smaller_mtu_is_reported_with_its_router() {
    let chain = narrow();
    let got = output(&chain.a, pmtu(&format!("{} --json", Chain::B)));
    assert!(got.status.success(), "{got:?}");
    let expected = [
        json!({"mtu": 1500, "from": "this host"}),
        json!({"mtu": 1400, "from": Chain::NEAR}),
        json!({"mtu": 1300, "from": Chain::FAR}),
        json!({"mtu": 1300, "reached": true, "host": Chain::B}),
    ];
    assert_eq!(objects(&got), expected);
    // The kernel has cached the path MTU.
    let again = text(&output(&chain.a, pmtu(Chain::B)));
    assert_eq!(again, format!("MTU 1300, reported by this host\npath MTU 1300: reached {}\n", Chain::B));
}

fn the_mtus_match_those_of_tracepath() {
    let chain = narrow();
    let theirs = text(&output(&chain.a, installed("tracepath").typed(&format!("-6 -n {}", Chain::B))));
    for mtu in ["pmtu 1500", "pmtu 1400", "pmtu 1300"] {
        assert!(theirs.contains(mtu), "{mtu}: {theirs}");
    }
    // In new namespaces, without the path MTU that tracepath found.
    let chain = narrow();
    let ours = text(&output(&chain.a, pmtu(Chain::B)));
    for mtu in ["MTU 1500, ", "MTU 1400, ", "MTU 1300, ", "path MTU 1300: reached"] {
        assert!(ours.contains(mtu), "{mtu}: {ours}");
    }
}

fn probes_are_not_fragmented() {
    let chain = narrow();
    let capture = Capture::start(&chain.near, "left");
    assert!(output(&chain.a, pmtu(Chain::B)).status.success());
    let packets = capture.fields("ipv6.src == 2001:db8:1::a && udp && !icmpv6", ["ipv6.plen", "ipv6.nxt"]);
    let sizes: Vec<u64> = packets.iter().map(|[len, _]| number(len) + 40).collect();
    assert_eq!(sizes, [1500, 1400, 1300]);
    assert!(packets.iter().all(|[_, protocol]| protocol == "17"), "{packets:?}");
}

fn routers_are_named_without_privilege_too() {
    let chain = narrow();
    let got = text(&output(&chain.a, unprivileged(&pmtu(Chain::B))));
    let expected = format!(
        "MTU 1500, reported by this host\nMTU 1400, reported by {}\nMTU 1300, reported by {}\n\
         path MTU 1300: reached {}\n",
        Chain::NEAR,
        Chain::FAR,
        Chain::B
    );
    assert_eq!(got, expected);
}

fn a_host_without_an_answer_is_reported_with_status_1() {
    let Pair { a, b } = Pair::new().unwrap();
    a.ip("-6 route add 2001:db8:7::/64 via 2001:db8:1::2").unwrap();
    b.set("net/ipv6/conf/all/forwarding", "1").unwrap();
    b.ip("-6 route add blackhole 2001:db8:7::/64").unwrap();
    let got = output(&a, pmtu("2001:db8:7::1 --tries 2 --wait 0.2"));
    assert_eq!(got.status.code(), Some(1));
    let expected = "MTU 1500, reported by this host\nMTU 1500: no answer from 2001:db8:7::1\n";
    assert_eq!(text(&got), expected);
}

fn an_answer_of_the_port_ends_the_search() {
    let Pair { a, b } = Pair::new().unwrap();
    let echo = b.run(|| std::net::UdpSocket::bind("[::]:44444")).unwrap();
    std::thread::spawn(move || {
        let mut room = [0; 2048];
        while let Ok((len, from)) = echo.recv_from(&mut room) {
            let _ = echo.send_to(&room[..len.min(1)], from);
        }
    });
    let got = output(&a, pmtu("2001:db8:1::2"));
    assert_eq!(text(&got), "MTU 1500, reported by this host\npath MTU 1500: reached 2001:db8:1::2\n");
}

/// Every send fails with EMSGSIZE, and the path MTU stays the same.
fn repeated_emsgsize_without_a_smaller_mtu_is_an_error() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    let calls = "sendto,sendmsg";
    let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:error=EMSGSIZE"));
    let strace = command("strace", ["-o", "/dev/null", "-e", &trace, "-e", &inject]);
    refuses(
        &a,
        wrapped(strace, &pmtu("2001:db8:1::2")),
        "pmtu: packets of 1500 bytes are too long, but no smaller MTU is reported",
    );
}

/// The address of a router that forges reports, on host `b`.
const STRANGER: &str = "2001:db8:1::666";

/// A host with a socket on the port of the probes, so that nothing answers them, and a forger.
fn hostile() -> (Pair, UdpSocket, Forger) {
    let pair = Pair::new().unwrap();
    pair.b.add_address(STRANGER.parse().unwrap(), "eth0").unwrap();
    let socket = pair.b.run(|| UdpSocket::bind((Pair::B, 44_444))).unwrap();
    let forger = Forger::new(&pair.b, STRANGER);
    (pair, socket, forger)
}

/// Receives a probe. Returns its sender, its destination and the size of the packet.
fn probe(socket: &UdpSocket) -> (SocketAddrV6, SocketAddrV6, usize) {
    let (len, from) = socket.recv_from(&mut [0; 2000]).unwrap();
    let SocketAddr::V6(from) = from else { panic!("{from}") };
    (from, SocketAddrV6::new(Pair::B, 44_444, 0, 0), len + 48)
}

// RFC 8201 section 4: a report does not raise the MTU, and one below 1,280 is discarded.
fn reports_that_do_not_lower_the_mtu_are_ignored() {
    let (Pair { a, b: _b }, socket, forger) = hostile();
    let mut ours = Running::start(&a, pmtu("2001:db8:1::2 --wait 20 --json"));
    let (from, to, size) = probe(&socket);
    assert_eq!(size, 1500);
    let report = |mtu: u32| forger.report((2, 0, mtu), from, to, &[0; 1000]);
    for (mtu, reason) in [
        (9000, "not less than 1500"),
        (u32::MAX, "not less than 1500"),
        (1500, "not less than 1500"),
        (1279, "less than 1280, the minimum"),
        (0, "less than 1280, the minimum"),
    ] {
        for _ in 0..3 {
            report(mtu);
        }
        let ignored = object(ours.line("ignored"));
        assert_eq!(ignored["mtu"], mtu);
        assert_eq!((&ignored["from"], &ignored["reason"]), (&json!(STRANGER), &json!(reason)));
    }
    report(1400);
    assert_eq!(object(ours.line("1400")), json!({"mtu": 1400, "from": STRANGER}));
    let (_, _, size) = probe(&socket);
    assert_eq!(size, 1400);
    // A repetition of the report, which does not lower the MTU any more.
    report(1400);
    assert_eq!(object(ours.line("ignored"))["reason"], "not less than 1400");
    report(1280);
    assert_eq!(object(ours.line("\"from\"")), json!({"mtu": 1280, "from": STRANGER}));
    assert_eq!(probe(&socket).2, 1280);
    socket.send_to(b"x", from).unwrap();
    let (status, lines) = ours.end();
    assert!(status.success(), "{lines:#?}");
    assert_eq!(object(lines.last().unwrap()), json!({"mtu": 1280, "reached": true, "host": Pair::B}));
}

fn a_link_local_host_has_a_zone() {
    let Pair { a, b } = Pair::new().unwrap();
    let near = b.link_local("eth0").unwrap();
    for host in
        [format!("{near}%eth0"), format!("[{near}%eth0]"), format!("{near}%{}", a.index("eth0").unwrap())]
    {
        let got = text(&output(&a, pmtu(&host)));
        assert_eq!(got, format!("MTU 1500, reported by this host\npath MTU 1500: reached {near}\n"));
    }
}

fn a_flood_of_reports_ends_after_the_tries() {
    let (Pair { a, b: _b }, socket, forger) = hostile();
    let ours = Running::start(&a, pmtu("2001:db8:1::2 --wait 0.5 --tries 2 --json"));
    let (from, to, _) = probe(&socket);
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                // Some do not fit into the queue of the receiving processor.
                let _ = forger.try_report((2, 0, 9000), from, to, &[0; 1000]);
            }
        });
        let (status, lines) = ours.end();
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(status.code(), Some(1), "{lines:#?}");
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert_eq!(object(&lines[2]), json!({"mtu": 1500, "reached": false, "host": Pair::B}));
    });
}

fn only_the_host_itself_proves_that_it_was_reached() {
    let (Pair { a, b }, socket, forger) = hostile();
    let mut ours = Running::start(&a, pmtu("2001:db8:1::2 --wait 20 --json"));
    let (from, to, _) = probe(&socket);
    for (code, text) in [(4, "port"), (0, "no route"), (1, "prohibited"), (9, "unknown code 9")] {
        forger.report((1, code, 0), from, to, &[0; 1000]);
        let ignored = object(ours.line("ignored"));
        assert_eq!(ignored["ignored"], format!("destination unreachable: {text}"));
        assert_eq!(ignored["reason"], "not from the host");
    }
    Forger::new(&b, &Pair::B.to_string()).report((1, 4, 0), from, to, &[0; 1000]);
    assert_eq!(object(ours.line("reached"))["reached"], true);
    assert!(ours.end().0.success());
}

fn an_interrupt_ends_it_with_a_summary() {
    let Pair { a, b } = Pair::new().unwrap();
    let socket = b.run(|| UdpSocket::bind("[::]:44444")).unwrap();
    let ours = Running::start(&a, pmtu("2001:db8:1::2 --wait 60"));
    probe(&socket);
    ours.interrupt();
    let (status, lines) = ours.end();
    assert_eq!(status.code(), Some(130));
    assert_eq!(lines.last().unwrap(), "MTU 1500: interrupted before an answer from 2001:db8:1::2");
}
