//! The program `traceroute6`, with Debian's traceroute, across two routers.

mod programs;

use std::process::Command;

use ipv6_testnet::Pair;
use programs::*;
use serde_json::Value;

ipv6_testnet::tests! {
    [] explains_itself;
    [Namespace] refuses_what_cannot_be;
    [RawSocket] it_ends_where_nobody_listens;
    [RawSocket] it_ends_with_an_echo_reply;
    [RawSocket, Program("traceroute")] it_finds_what_traceroute_finds;
    [RawSocket, Program("traceroute")] what_others_probe_is_not_its_own;
    [RawSocket, Program("dumpcap"), Program("tshark")] probes_have_the_hops_that_they_should;
    [RawSocket] a_way_that_ends_early;
    [RawSocket] routers_that_say_nothing;
    [RawSocket] routers_that_send_it_in_circles;
}

fn traceroute6(arguments: &str) -> Command {
    example("traceroute6").typed(arguments)
}

fn explains_itself() {
    helps("traceroute6", &["Usage: traceroute6", "--max-hops", "--queries", "--wait", "--icmp", "--json"]);
}

fn refuses_what_cannot_be() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    refuses(&a, traceroute6("192.0.2.1"), "traceroute6: 192.0.2.1 has no IPv6 address\n");
    refuses(&a, traceroute6("::1 --queries 0"), "--queries");
    refuses(&a, unprivileged(&traceroute6("::1")), "traceroute6: a raw socket needs root or CAP_NET_RAW");
}

/// Who answered at each hop, and what: of the first line that is a hop on.
fn hops(objects: &[Value]) -> Vec<Vec<(String, String)>> {
    let field = |answer: &Value, name: &str| answer[name].as_str().unwrap_or("").to_string();
    let hop = |hop: &Value| {
        let answers = hop["answers"].as_array().unwrap();
        answers.iter().map(|answer| (field(answer, "from"), field(answer, "what"))).collect()
    };
    objects[1..].iter().map(hop).collect()
}

fn answers(from: &str, what: &str, count: usize) -> Vec<(String, String)> {
    vec![(from.into(), what.into()); count]
}

fn finds_all(options: &str, end: &str, numbers: [u8; 2]) {
    let chain = Chain::new();
    let got = output(&chain.a, traceroute6(&format!("{} --queries 2 --json {options}", Chain::B)));
    assert!(got.status.success(), "{got:?}");
    let expected = [
        answers(Chain::NEAR, "time exceeded", 2),
        answers(Chain::FAR, "time exceeded", 2),
        answers(Chain::B, end, 2),
    ];
    let objects = objects(&got);
    assert_eq!(hops(&objects), expected);
    for (hop, numbers) in objects[1..].iter().zip([[3, 0], [3, 0], numbers]) {
        let answer = &hop["answers"][0];
        assert_eq!([&answer["type"], &answer["code"]], numbers);
        assert!(answer["ms"].as_f64().unwrap() > 0.0);
    }
}

fn it_ends_where_nobody_listens() {
    finds_all("", "destination unreachable: port", [1, 4]);
}

fn it_ends_with_an_echo_reply() {
    finds_all("--icmp", "echo reply", [129, 0]);
}

fn it_finds_what_traceroute_finds() {
    let chain = Chain::new();
    let there = (&chain.a, Chain::B, [Chain::NEAR, Chain::FAR, Chain::B]);
    let back = (&chain.b, Chain::A, ["2001:db8:3::1", "2001:db8:2::1", Chain::A]);
    for ((host, to, way), (theirs, ours)) in [there, back]
        .into_iter()
        .flat_map(|way| [("-6 -n -q 1", ""), ("-6 -n -q 1 -I", "--icmp")].map(|options| (way, options)))
    {
        let theirs = text(&output(host, installed("traceroute").typed(&format!("{theirs} {to}"))));
        let theirs: Vec<&str> =
            theirs.lines().skip(1).map(|line| line.split_whitespace().nth(1).unwrap()).collect();
        let ours = output(host, traceroute6(&format!("{to} --queries 1 --json {ours}")));
        let ours: Vec<String> = hops(&objects(&ours)).into_iter().map(|hop| hop[0].0.clone()).collect();
        assert_eq!(ours, theirs);
        assert_eq!(ours, way);
    }
}

/// Another program's probes of the same host end at routers meanwhile: that is not taken for an answer.
fn what_others_probe_is_not_its_own() {
    let chain = Chain::new();
    // Nothing comes back from the host, so that ours waits for it. The others have the numbers that ours has at its
    // third hop.
    chain.b.ip("-6 route add blackhole 2001:db8:1::/64 metric 1").unwrap();
    for ours in ["--icmp", ""] {
        let options = format!("{} --json --wait 4 --max-hops 3 {ours}", Chain::B);
        let mut ours = Running::start(&chain.a, traceroute6(&options));
        ours.line("\"hop\":2");
        for theirs in ["-6 -n -m 2 -q 5 -p 33440", "-6 -n -m 2 -q 5 -I"] {
            let theirs = output(&chain.a, installed("traceroute").typed(&format!("{theirs} {}", Chain::B)));
            assert!(text(&theirs).contains(Chain::FAR), "{theirs:?}");
        }
        let last = object(ours.line("\"hop\":3"));
        assert_eq!(last["answers"], serde_json::json!([null, null, null]));
        assert_eq!(ours.end().0.code(), Some(1));
    }
}

fn probes_have_the_hops_that_they_should() {
    let chain = Chain::new();
    let capture = Capture::start(&chain.near, "left");
    let got = output(&chain.a, traceroute6(&format!("{} --queries 1", Chain::B)));
    assert!(got.status.success(), "{got:?}");
    let first = text(&got);
    let first = first.lines().nth(1).unwrap();
    assert!(first.starts_with(&format!(" 1  {}, time exceeded:  ", Chain::NEAR)), "{first}");
    let probes = capture.fields("udp && !icmpv6", ["ipv6.src", "ipv6.dst", "ipv6.hlim", "udp.dstport"]);
    let expected = |hop: u16| [Chain::A.into(), Chain::B.into(), hop.to_string(), (33_433 + hop).to_string()];
    assert_eq!(probes, [expected(1), expected(2), expected(3)]);
}

fn a_way_that_ends_early() {
    let chain = Chain::new();
    chain.far.ip("-6 route add prohibit 2001:db8:3::c/128").unwrap();
    let got = output(&chain.a, traceroute6("2001:db8:3::c --queries 1 --json"));
    assert_eq!(got.status.code(), Some(1), "the host was not reached");
    let expected = [
        answers(Chain::NEAR, "time exceeded", 1),
        answers(Chain::FAR, "destination unreachable: prohibited", 1),
    ];
    assert_eq!(hops(&objects(&got)), expected);
}

fn routers_that_say_nothing() {
    let chain = Chain::new();
    // A host that drops what it gets: nothing of the kind is routed back.
    chain.near.ip("-6 route add blackhole 2001:db8:3::d/128").unwrap();
    let got = output(&chain.a, traceroute6("2001:db8:3::d --queries 2 --wait 0.2 --max-hops 2"));
    assert_eq!(got.status.code(), Some(1));
    let text = text(&got);
    assert_eq!(text.lines().last(), Some(" 2  *  *"), "{text}");
}

/// More hops and probes than any way has: their numbers go on.
fn routers_that_send_it_in_circles() {
    let chain = Chain::new();
    chain.near.ip("-6 route add 2001:db8:9::/64 via 2001:db8:2::2").unwrap();
    chain.far.ip("-6 route add 2001:db8:9::/64 via 2001:db8:2::1").unwrap();
    for how in ["", "--icmp"] {
        let options = format!("2001:db8:9::1 --queries 10 --max-hops 110 --wait 0.2 --json {how}");
        let got = output(&chain.a, traceroute6(&options));
        assert_eq!(got.status.code(), Some(1));
        let hops = hops(&objects(&got));
        assert_eq!(hops.len(), 110);
        // The routers drop some.
        let mut beyond_a_thousand = hops[100..].iter().flatten();
        assert!(beyond_a_thousand.any(|(from, what)| from == Chain::FAR && what == "time exceeded"), "{how}");
    }
}
