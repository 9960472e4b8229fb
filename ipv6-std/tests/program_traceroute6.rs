//! The example `traceroute6`, compared with Debian's traceroute, across two routers.

mod programs;

use std::net::{SocketAddr, SocketAddrV6, UdpSocket};
use std::process::Command;

use ipv6_testnet::Pair;
use programs::*;
use serde_json::{Value, json};

ipv6_testnet::tests! {
    [] help_lists_the_options;
    [Namespace] invalid_arguments_are_refused;
    [RawSocket] udp_probes_end_with_port_unreachable;
    [RawSocket] icmpv6_probes_end_with_an_echo_reply;
    [RawSocket, Program("traceroute")] the_routers_match_those_of_traceroute;
    [RawSocket, Program("traceroute")] answers_to_other_programs_are_ignored;
    [RawSocket, Program("dumpcap"), Program("tshark")] the_hop_limit_and_port_of_probes_increase;
    [RawSocket] an_unreachable_host_ends_the_trace_with_status_1;
    [RawSocket] silent_routers_are_printed_as_stars;
    [RawSocket] a_routing_loop_is_traced_to_the_last_hop;
    [RawSocket] a_link_local_host_has_a_zone;
    [RawSocket] forged_errors_do_not_end_the_trace;
    [RawSocket] only_the_host_itself_proves_that_it_was_reached;
    [RawSocket] an_interrupt_ends_it_with_a_summary;
    [RawSocket] mpls_labels_and_interfaces_are_printed;
    [RawSocket, Program("traceroute")] traceroute_reads_the_same_labels;
    [RawSocket] extensions_of_an_unreachable_are_printed;
    [RawSocket] invalid_extensions_are_ignored;
    [RawSocket] many_objects_and_long_names_are_bounded_and_escaped;
}

fn traceroute6(arguments: &str) -> Command {
    example("traceroute6").typed(arguments)
}

fn help_lists_the_options() {
    helps(
        "traceroute6",
        &[
            "It believes",
            "It ignores",
            "Usage: traceroute6",
            "--max-hops",
            "--queries",
            "--wait",
            "--icmp",
            "--json",
        ],
    );
}

fn invalid_arguments_are_refused() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    refuses(&a, traceroute6("192.0.2.1"), "traceroute6: 192.0.2.1 has no IPv6 address\n");
    refuses(&a, traceroute6("::1 --queries 0"), "--queries");
    refuses(&a, traceroute6("fe80::1"), "fe80::1 is link-local: name its interface, as in fe80::1%eth0\n");
    refuses(&a, traceroute6("ff0e::1"), "traceroute6: ff0e::1 is a group");
    refuses(&a, traceroute6("2001:db8:9::1"), "traceroute6: this host has no route to 2001:db8:9::1");
    a.ip("-6 route add prohibit 2001:db8:8::/64").unwrap();
    for how in ["", "--icmp"] {
        let command = traceroute6(&format!("2001:db8:8::1 {how}"));
        refuses(&a, command, "a route or a firewall of this host prohibits packets to 2001:db8:8::1");
    }
    refuses(&a, unprivileged(&traceroute6("::1")), "traceroute6: a raw socket needs root or CAP_NET_RAW");
}

/// The address and the text of each answer at each hop. The first object is not a hop.
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

fn udp_probes_end_with_port_unreachable() {
    finds_all("", "destination unreachable: port", [1, 4]);
}

fn icmpv6_probes_end_with_an_echo_reply() {
    finds_all("--icmp", "echo reply", [129, 0]);
}

fn the_routers_match_those_of_traceroute() {
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

/// Other programs probe the same host at the same time. Errors about their probes are not answers.
fn answers_to_other_programs_are_ignored() {
    let chain = Chain::new();
    // The host sends nothing back, so that our program waits at the third hop. The other probes have the numbers of
    // that hop.
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

fn the_hop_limit_and_port_of_probes_increase() {
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

fn an_unreachable_host_ends_the_trace_with_status_1() {
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

fn silent_routers_are_printed_as_stars() {
    let chain = Chain::new();
    // A blackhole route drops packets without an error.
    chain.near.ip("-6 route add blackhole 2001:db8:3::d/128").unwrap();
    let got = output(&chain.a, traceroute6("2001:db8:3::d --queries 2 --wait 0.2 --max-hops 2"));
    assert_eq!(got.status.code(), Some(1));
    let text = text(&got);
    assert_eq!(text.lines().last(), Some(" 2  *  *"), "{text}");
}

/// More than 1,000 probes, with consecutive numbers.
fn a_routing_loop_is_traced_to_the_last_hop() {
    let chain = Chain::new();
    chain.near.ip("-6 route add 2001:db8:9::/64 via 2001:db8:2::2").unwrap();
    chain.far.ip("-6 route add 2001:db8:9::/64 via 2001:db8:2::1").unwrap();
    for how in ["", "--icmp"] {
        let options = format!("2001:db8:9::1 --queries 10 --max-hops 110 --wait 0.2 --json {how}");
        let got = output(&chain.a, traceroute6(&options));
        assert_eq!(got.status.code(), Some(1));
        let hops = hops(&objects(&got));
        assert_eq!(hops.len(), 110);
        // The routers drop some probes.
        let mut beyond_a_thousand = hops[100..].iter().flatten();
        assert!(beyond_a_thousand.any(|(from, what)| from == Chain::FAR && what == "time exceeded"), "{how}");
    }
}

fn a_link_local_host_has_a_zone() {
    let Pair { a, b } = Pair::new().unwrap();
    let near = b.link_local("eth0").unwrap().to_string();
    for (how, end) in [("", "destination unreachable: port"), ("--icmp", "echo reply")] {
        let got = output(&a, traceroute6(&format!("{near}%eth0 --queries 1 --json {how}")));
        assert!(got.status.success(), "{got:?}");
        assert_eq!(hops(&objects(&got)), [answers(&near, end, 1)]);
    }
}

/// A host behind `b` that never answers, and a forger on `b`. The program sends one probe for each hop, and prints the
/// hop after 20 seconds, or when it is answered.
fn hostile() -> (Pair, Running, Forger) {
    let pair = Pair::new().unwrap();
    let Pair { a, b } = &pair;
    a.ip("-6 route add 2001:db8:7::/64 via 2001:db8:1::2").unwrap();
    // A blackhole route drops the probes, whatever their hop limit.
    b.set("net/ipv6/conf/all/forwarding", "1").unwrap();
    b.ip("-6 route add blackhole 2001:db8:7::/64").unwrap();
    let mut ours = Running::start(a, traceroute6("2001:db8:7::1 --queries 1 --wait 20 --json"));
    ours.line("max_hops");
    let forger = Forger::new(b, &Pair::B.to_string());
    (pair, ours, forger)
}

fn forged_errors_do_not_end_the_trace() {
    let (Pair { a, b: _b }, mut ours, forger) = hostile();
    let from = SocketAddrV6::new(Pair::A, udp_port(&a), 0, 0);
    let to = |hop: u16| SocketAddrV6::new("2001:db8:7::1".parse().unwrap(), 33_433 + hop, 0, 0);
    // Of another port, and with other data than the probe had.
    forger.report((3, 0, 0), SocketAddrV6::new(Pair::A, from.port() ^ 1, 0, 0), to(1), &[]);
    forger.report((3, 0, 0), from, to(1), &[7; 32]);
    // A packet too big about 80 bytes, and an error of a type that RFC 4443 does not have, which the filter drops.
    for error in [(2, 0, 1280), (2, 0, 1280), (2, 0, 0), (99, 3, 0)] {
        forger.report(error, from, to(1), &[]);
    }
    for (hop, code, what) in [
        (1, 0, "time exceeded"),
        (2, 1, "time exceeded: fragment reassembly"),
        (3, 77, "time exceeded: unknown code 77"),
        (4, 255, "time exceeded: unknown code 255"),
    ] {
        forger.report((3, code, 0), from, to(hop), &[]);
        let line = object(ours.line(&format!("\"hop\":{hop}")));
        assert_eq!((&line["answers"][0]["what"], &line["answers"][0]["code"]), (&what.into(), &code.into()));
        let ignored: Vec<&str> = line["ignored"]
            .as_array()
            .map(|all| all.iter().map(|one| one["what"].as_str().unwrap()).collect())
            .unwrap_or_default();
        let expected = ["packet too big: MTU 1280", "packet too big: MTU 0"];
        assert_eq!(ignored, if hop == 1 { &expected[..] } else { &[] });
    }
    // A destination unreachable of a router ends the path.
    forger.report((1, 0, 0), from, to(5), &[]);
    assert_eq!(ours.end().0.code(), Some(1));
}

fn only_the_host_itself_proves_that_it_was_reached() {
    let (Pair { a, b: _b }, ours, forger) = hostile();
    let from = SocketAddrV6::new(Pair::A, udp_port(&a), 0, 0);
    let to = SocketAddrV6::new("2001:db8:7::1".parse().unwrap(), 33_434, 0, 0);
    forger.report((1, 4, 0), from, to, &[]);
    let (status, lines) = ours.end();
    assert_eq!(status.code(), Some(1));
    assert_eq!(object(&lines[0])["answers"][0]["what"], "destination unreachable: port");
}

fn an_interrupt_ends_it_with_a_summary() {
    let (_pair, ours, _forger) = hostile();
    ours.interrupt();
    let (status, lines) = ours.end();
    assert_eq!(status.code(), Some(130));
    assert_eq!(object(&lines[1]), serde_json::json!({"interrupted": true, "hop": 1, "reached": false}));
}

/// Answers the probes to host `b` as a router would. The sockets take the probes, so that nobody else answers.
struct Router {
    sockets: Vec<UdpSocket>,
    forger: Forger,
    ours: Running,
    next: usize,
    _pair: Pair,
}

impl Router {
    fn new(options: &str) -> Self {
        let mut router = Self::of(traceroute6(&format!("{} --queries 1 --wait 50 {options}", Pair::B)));
        router.ours.line(&Pair::B.to_string());
        router
    }

    /// Starts a program that traces the path to host `b`, one probe at a time.
    fn of(program: Command) -> Self {
        let pair = Pair::new().unwrap();
        let bind = |port| pair.b.run(|| UdpSocket::bind((Pair::B, port))).unwrap();
        let sockets: Vec<UdpSocket> = (33_434..33_450).map(bind).collect();
        let ours = Running::start(&pair.a, program);
        let forger = Forger::new(&pair.b, &Pair::B.to_string());
        Self { sockets, forger, ours, next: 0, _pair: pair }
    }

    /// Receives the next probe, and reports an error of this type and code with these extensions.
    fn send(&mut self, (kind, code): (u8, u8), extensions: &[u8]) {
        let mut payload = [0; 80];
        let (_, from) = self.sockets[self.next].recv_from(&mut payload).unwrap();
        let SocketAddr::V6(from) = from else { panic!("{from}") };
        let to = SocketAddrV6::new(Pair::B, 33_434 + self.next as u16, 0, 0);
        self.next += 1;
        // The length of the quoted packet in units of 8 bytes: headers of 48 bytes, and the payload with zeros.
        self.forger.report((kind, code, 16 << 24), from, to, &[&payload[..], extensions].concat());
    }

    /// The same. Returns the line that the program prints.
    fn report(&mut self, error: (u8, u8), extensions: &[u8]) -> String {
        self.send(error, extensions);
        self.ours.line_where("a hop", |_| true)
    }

    /// The same with `--json`: the extensions of the answer.
    fn objects(&mut self, error: (u8, u8), extensions: &[u8]) -> Value {
        object(self.report(error, extensions))["answers"][0]["extensions"].clone()
    }
}

/// Extensions of these objects (class, type and data), with their checksum.
fn extensions(objects: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0x20, 0, 0, 0];
    for (class, kind, data) in objects {
        bytes.extend(u16::try_from(data.len() + 4).unwrap().to_be_bytes());
        bytes.extend([*class, *kind]);
        bytes.extend_from_slice(data);
    }
    let low = |word: &[u8]| word.get(1).map_or(0, |low| u32::from(*low));
    let mut sum: u32 = bytes.chunks(2).map(|word| (u32::from(word[0]) << 8) + low(word)).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    bytes[2..4].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    bytes
}

/// The label 100 with class 5, and the label 1,048,575 at the bottom of the stack.
const LABELS: [u8; 8] = [0, 6, 0x4a, 255, 0xff, 0xff, 0xf1, 1];

/// The data of an interface object (RFC 5837): index 7, this address, this name and the MTU 1400.
fn interface(address: &[u8], name: &str) -> Vec<u8> {
    let mut data = vec![0, 0, 0, 7, 0, if address.len() == 4 { 1 } else { 2 }, 0, 0];
    data.extend(address);
    // The length counts its own byte, and is a multiple of 4.
    let len = (name.len() + 1).next_multiple_of(4);
    data.push(len as u8);
    data.extend(name.as_bytes());
    data.resize(data.len() + len - 1 - name.len(), 0);
    data.extend(1400_u32.to_be_bytes());
    data
}

fn mpls_labels_and_interfaces_are_printed() {
    let v6 = interface(&Pair::A.octets(), "eth0.7");
    let v4 = interface(&[192, 0, 2, 1], "eth1");
    let labels = extensions(&[(1, 1, &LABELS)]);
    let others = extensions(&[(3, 1, &[9; 4]), (2, 0, &[]), (2, 0x08, &[0, 0, 0, 9])]);
    let mut router = Router::new("--json");
    let mpls = json!({"mpls": [
        {"label": 100, "traffic_class": 5, "bottom": false, "ttl": 255},
        {"label": 1_048_575, "traffic_class": 0, "bottom": true, "ttl": 1},
    ]});
    assert_eq!(router.objects((3, 0), &labels), json!([mpls]));
    for (role, text) in [
        (0x0f, "incoming interface"),
        (0x4f, "incoming sub-interface"),
        (0x8f, "outgoing interface"),
        (0xcf, "next hop"),
    ] {
        let got = router.objects((3, 0), &extensions(&[(2, role, &v6), (1, 1, &LABELS), (2, role, &v4)]));
        let expected = json!([
            {"interface": text, "name": "eth0.7", "index": 7, "address": Pair::A, "mtu": 1400},
            mpls,
            {"interface": text, "name": "eth1", "index": 7, "address": "192.0.2.1", "mtu": 1400},
        ]);
        assert_eq!(got, expected);
    }
    let none = Value::Null;
    let expected = json!([
        {"class": 3, "type": 1, "bytes": 4},
        {"interface": "incoming interface", "name": none, "index": none, "address": none, "mtu": none},
        {"interface": "incoming interface", "name": none, "index": 9, "address": none, "mtu": none},
    ]);
    assert_eq!(router.objects((3, 0), &others), expected);
    // The same as text.
    let mut router = Router::new("");
    let line = router.report((3, 0), &labels);
    let start = format!(
        " 1  {}, time exceeded [MPLS label 100, class 5, TTL 255; label 1048575, class 0, TTL 1]:  ",
        Pair::B
    );
    assert!(line.starts_with(&start), "{line}");
    let line = router.report((3, 0), &extensions(&[(2, 0x8f, &v4)]));
    let text = "time exceeded [outgoing interface \"eth1\", index 7, address 192.0.2.1, MTU 1400]:  ";
    assert!(line.contains(text), "{line}");
    let line = router.report((3, 0), &others);
    let text =
        "time exceeded [class 3, type 1, 4 bytes] [incoming interface] [incoming interface index 9]:  ";
    assert!(line.contains(text), "{line}");
}

/// The forged message is one that another program understands.
fn traceroute_reads_the_same_labels() {
    let options = format!("-6 -n -e -q 1 -N 1 -m 1 -w 50 {}", Pair::B);
    let mut router = Router::of(installed("traceroute").typed(&options));
    router.send((3, 0), &extensions(&[(1, 1, &LABELS)]));
    router.ours.line("<MPLS:L=100,E=5,S=0,T=255/L=1048575,E=0,S=1,T=1>");
}

fn extensions_of_an_unreachable_are_printed() {
    let mut router = Router::new("--json");
    let got = router.objects((1, 1), &extensions(&[(1, 1, &LABELS[4..])]));
    assert_eq!(got[0]["mpls"][0]["label"], 1_048_575);
    assert!(router.ours.end().0.success(), "the host itself reports it");
}

fn invalid_extensions_are_ignored() {
    let mut router = Router::new("--json");
    let invalid = json!([{"invalid": true}]);
    let mut wrong = extensions(&[(1, 1, &LABELS)]);
    wrong[2] ^= 1;
    assert_eq!(router.objects((3, 0), &wrong), invalid);
    // Another version, and a header that is cut.
    assert_eq!(router.objects((3, 0), &[0x30, 0, 0, 0]), invalid);
    assert_eq!(router.objects((3, 0), &[0x20, 0, 0]), invalid);
    // Without any.
    assert_eq!(router.objects((3, 0), &[]), Value::Null);
    // Objects that are cut, or with the length 0 or 3, end the list.
    for len in [9_u16, 0, 3, 0xffff] {
        let mut cut = vec![0x20, 0, 0, 0, 0, 8, 1, 1];
        cut.extend(&LABELS[..4]);
        cut.extend(len.to_be_bytes());
        cut.extend([1, 1, 0, 6, 0x40, 1]);
        let got = router.objects((3, 0), &cut);
        assert_eq!((got.as_array().unwrap().len(), &got[0]["mpls"][0]["label"]), (1, &json!(100)), "{len}");
    }
    // An interface without its last byte, and labels without theirs.
    let short = interface(&[192, 0, 2, 1], "eth0");
    let got =
        router.objects((3, 0), &extensions(&[(2, 0x0f, &short[..short.len() - 1]), (1, 1, &LABELS[..7])]));
    let mpls = json!([{"label": 100, "traffic_class": 5, "bottom": false, "ttl": 255}]);
    assert_eq!(got, json!([{"class": 2, "type": 15, "bytes": short.len() - 1}, {"mpls": mpls}]));
}

fn many_objects_and_long_names_are_bounded_and_escaped() {
    let hostile = "\x1b[2J\n 2  ::1\u{202e}\"]";
    let objects: Vec<(u8, u8, &[u8])> = vec![(1, 1, &LABELS[..4]); 200];
    let stack = LABELS.repeat(100);
    let long = "x".repeat(251);
    let hostiles = extensions(&[(2, 0x0f, &interface(&[192, 0, 2, 1], hostile))]);
    let longs = extensions(&[(2, 0x0f, &interface(&[192, 0, 2, 1], &long))]);

    let mut router = Router::new("--json");
    let empty: Vec<(u8, u8, &[u8])> = vec![(1, 1, &[]); 400];
    for (objects, omitted) in [(&objects, 192), (&empty, 392)] {
        let got = router.objects((3, 0), &extensions(objects));
        let got = got.as_array().unwrap();
        assert_eq!((got.len(), &got[8]), (9, &json!({"omitted": omitted})));
    }
    let got = router.objects((3, 0), &extensions(&[(1, 1, &stack)]));
    assert_eq!((got[0]["mpls"].as_array().unwrap().len(), &got[0]["omitted"]), (16, &json!(184)));
    let line = router.report((3, 0), &hostiles);
    assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
    assert_eq!(object(line)["answers"][0]["extensions"][0]["name"], hostile);
    assert_eq!(router.objects((3, 0), &longs)[0]["name"], *long);

    let mut router = Router::new("");
    let line = router.report((3, 0), &extensions(&objects));
    assert!(line.contains(" [192 more]:") && line.matches("MPLS").count() == 8, "{line}");
    let line = router.report((3, 0), &extensions(&[(1, 1, &stack)]));
    assert!(line.contains("; 184 more]:") && line.matches("label").count() == 16, "{line}");
    let line = router.report((3, 0), &hostiles);
    assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
    assert!(line.contains(r#"interface "\u{1b}[2J\n 2  ::1\u{202e}\"]", index 7"#), "{line}");
}
