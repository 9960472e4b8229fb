//! The example `pmtu`, compared with tracepath of iputils, across routers with smaller MTUs.

mod programs;

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
    [Namespace] without_privilege_routers_are_not_named;
    [Namespace] a_host_without_an_answer_is_reported_with_status_1;
    [Namespace] an_answer_of_the_port_ends_the_search;
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
    helps("pmtu", &["Usage: pmtu", "--wait", "--tries", "--port", "--json"]);
}

fn invalid_arguments_are_refused() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    refuses(&a, pmtu("192.0.2.1"), "pmtu: 192.0.2.1 has no IPv6 address\n");
    refuses(&a, pmtu("2001:db8:9::1"), "(os error 101)");
    refuses(&a, pmtu("::1 --tries 0"), "--tries");
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

fn without_privilege_routers_are_not_named() {
    let chain = narrow();
    let got = text(&output(&chain.a, unprivileged(&pmtu(Chain::B))));
    let expected = "MTU 1500, reported by this host\nMTU 1400, reported by a router, or this host\n\
                    MTU 1300, reported by a router, or this host\npath MTU 1300: reached 2001:db8:3::b\n";
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
