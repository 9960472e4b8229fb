//! The program `pmtu`, with iputils' tracepath, across routers that lower the MTU.

mod programs;

use std::process::Command;

use ipv6_testnet::Pair;
use programs::*;
use serde_json::json;

ipv6_testnet::tests! {
    [] explains_itself;
    [Namespace] refuses_what_cannot_be;
    [RawSocket] each_lowering_is_told;
    [RawSocket, Program("tracepath")] it_finds_what_tracepath_finds;
    [RawSocket, Program("dumpcap"), Program("tshark")] nothing_goes_in_fragments;
    [Namespace] without_privilege_nobody_is_named;
    [Namespace] a_host_that_says_nothing;
    [Namespace] a_host_where_somebody_listens;
    [Namespace, Strace] a_system_that_sends_nothing;
}

fn pmtu(arguments: &str) -> Command {
    example("pmtu").typed(arguments)
}

/// A way that is lowered twice.
fn narrow() -> Chain {
    let chain = Chain::new();
    chain.near.ip("link set right mtu 1400").unwrap();
    chain.far.ip("link set left mtu 1400").unwrap();
    chain.far.ip("link set right mtu 1300").unwrap();
    chain.b.ip("link set eth0 mtu 1300").unwrap();
    chain
}

fn explains_itself() {
    helps("pmtu", &["Usage: pmtu", "--wait", "--tries", "--port", "--json"]);
}

fn refuses_what_cannot_be() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    refuses(&a, pmtu("192.0.2.1"), "pmtu: 192.0.2.1 has no IPv6 address\n");
    refuses(&a, pmtu("2001:db8:9::1"), "(os error 101)");
    refuses(&a, pmtu("::1 --tries 0"), "--tries");
}

fn each_lowering_is_told() {
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
    // The system remembers.
    let again = text(&output(&chain.a, pmtu(Chain::B)));
    assert_eq!(again, format!("1300 bytes, says this host\n1300 bytes reach {}\n", Chain::B));
}

fn it_finds_what_tracepath_finds() {
    let chain = narrow();
    let theirs = text(&output(&chain.a, installed("tracepath").typed(&format!("-6 -n {}", Chain::B))));
    for mtu in ["pmtu 1500", "pmtu 1400", "pmtu 1300"] {
        assert!(theirs.contains(mtu), "{mtu}: {theirs}");
    }
    // Each in a place of its own: this one knows nothing of what the other has learnt.
    let chain = narrow();
    let ours = text(&output(&chain.a, pmtu(Chain::B)));
    for mtu in ["1500 bytes, says", "1400 bytes, says", "1300 bytes, says", "1300 bytes reach"] {
        assert!(ours.contains(mtu), "{mtu}: {ours}");
    }
}

fn nothing_goes_in_fragments() {
    let chain = narrow();
    let capture = Capture::start(&chain.near, "left");
    assert!(output(&chain.a, pmtu(Chain::B)).status.success());
    let packets = capture.fields("ipv6.src == 2001:db8:1::a && udp && !icmpv6", ["ipv6.plen", "ipv6.nxt"]);
    let sizes: Vec<u64> = packets.iter().map(|[len, _]| number(len) + 40).collect();
    assert_eq!(sizes, [1500, 1400, 1300]);
    assert!(packets.iter().all(|[_, protocol]| protocol == "17"), "{packets:?}");
}

fn without_privilege_nobody_is_named() {
    let chain = narrow();
    let got = text(&output(&chain.a, unprivileged(&pmtu(Chain::B))));
    let expected = "1500 bytes, says this host\n1400 bytes, says a router, or this host\n\
                    1300 bytes, says a router, or this host\n1300 bytes reach 2001:db8:3::b\n";
    assert_eq!(got, expected);
}

fn a_host_that_says_nothing() {
    let Pair { a, b } = Pair::new().unwrap();
    a.ip("-6 route add 2001:db8:7::/64 via 2001:db8:1::2").unwrap();
    b.set("net/ipv6/conf/all/forwarding", "1").unwrap();
    b.ip("-6 route add blackhole 2001:db8:7::/64").unwrap();
    let got = output(&a, pmtu("2001:db8:7::1 --tries 2 --wait 0.2"));
    assert_eq!(got.status.code(), Some(1));
    let expected = "1500 bytes, says this host\n1500 bytes at most: 2001:db8:7::1 answers nothing\n";
    assert_eq!(text(&got), expected);
}

fn a_host_where_somebody_listens() {
    let Pair { a, b } = Pair::new().unwrap();
    let echo = b.run(|| std::net::UdpSocket::bind("[::]:44444")).unwrap();
    std::thread::spawn(move || {
        let mut room = [0; 2048];
        while let Ok((len, from)) = echo.recv_from(&mut room) {
            let _ = echo.send_to(&room[..len.min(1)], from);
        }
    });
    let got = output(&a, pmtu("2001:db8:1::2"));
    assert_eq!(text(&got), "1500 bytes, says this host\n1500 bytes reach 2001:db8:1::2\n");
}

/// One that calls everything too long, and has nothing better to say.
fn a_system_that_sends_nothing() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    let calls = "sendto,sendmsg";
    let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:error=EMSGSIZE"));
    let mut strace = command("strace", ["-o", "/dev/null", "-e", &trace, "-e", &inject]);
    let pmtu = pmtu("2001:db8:1::2");
    strace.arg(pmtu.get_program()).args(pmtu.get_args());
    refuses(&a, strace, "pmtu: 1500 bytes are too long, and nobody says what is not");
}
