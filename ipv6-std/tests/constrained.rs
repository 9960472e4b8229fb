//! The programs for constrained Linux, which use neither std nor an allocator: with each other and with this library.

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use common::*;
use ipv6_std::*;
use ipv6_testnet::{Host, Pair, constrained};

ipv6_testnet::tests! {
    [Namespace, Constrained] the_programs_receive_each_others_datagrams;
    [Namespace, Constrained] the_programs_work_with_this_library;
    [Namespace, Constrained] the_responder_answers_on_the_interface_of_the_request;
    [RawSocket, Constrained] advertisements_with_another_hop_limit_are_ignored;
    [Namespace, Constrained] failures_are_reported_on_standard_error;
}

fn program(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(constrained(name).unwrap());
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(host: &Host, command: &mut Command) -> Output {
    host.run(|| command.output()).unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Starts `listen` for one datagram, and waits until it listens.
fn listen(host: &Host) -> (Child, BufReader<std::process::ChildStdout>) {
    start(host, "listen", &["ff02::114", "5000", "eth0", "1"])
}

/// Starts a program, and waits until it listens.
fn start(host: &Host, name: &str, arguments: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = host.spawn(&mut program(name, arguments)).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    assert_eq!(first, "listening\n");
    (child, lines)
}

fn received_line((mut child, mut lines): (Child, BufReader<std::process::ChildStdout>)) -> String {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert!(child.wait().unwrap().success());
    line
}

/// Two hosts whose interfaces have different indexes, so that a wrong index fails the test.
fn pair() -> Pair {
    let (a, b) = (Host::new("host").unwrap(), Host::new("host").unwrap());
    b.ip("link add spare type veth peer name other").unwrap();
    ipv6_testnet::link(&a, "eth0", &b, "eth0").unwrap();
    assert_ne!(a.index("eth0").unwrap(), b.index("eth0").unwrap());
    Pair { a, b }
}

fn the_programs_receive_each_others_datagrams() {
    let Pair { a, b } = pair();
    let listener = listen(&b);
    let arguments = ["ff02::114", "5000", "eth0", "two words", "7", "0xe2"];
    let output = run(&a, &mut program("send", &arguments));
    assert!(output.status.success());
    let by = a.index("eth0").unwrap();
    let sent =
        format!("sent 9 bytes to [ff02::114%{by}]:5000: traffic class 0xe2, hop limit 7, interface {by}\n");
    assert_eq!(stdout(&output), sent);

    let line = received_line(listener);
    let (source, on) = (a.link_local("eth0").unwrap(), b.index("eth0").unwrap());
    assert!(line.starts_with(&format!("from [{source}%{on}]:")), "{line}");
    let expected = format!(
        ": 9 bytes, destination ff02::114, interface {on}, hop limit 7, traffic class 0xe2, text \"two words\"\n"
    );
    assert!(line.ends_with(&expected), "{line}");
}

fn the_programs_work_with_this_library() {
    let Pair { a, b } = pair();
    let listener = listen(&b);
    let conn = on(&a);
    let control =
        SendControl::new().with_traffic_class(0x28).with_hop_limit(3).with_interface(index(&a, "eth0"));
    conn.send_to(b"hello", &control, at(GROUP, 5000)).unwrap();
    let line = received_line(listener);
    let expected = "5 bytes, destination ff02::114, interface ";
    assert!(line.contains(expected) && line.contains(", hop limit 3, traffic class 0x28,"), "{line}");

    conn.join_group(GROUP, index(&a, "eth0")).unwrap();
    let port = port(&conn).to_string();
    assert!(run(&b, &mut program("send", &["ff02::114", &port, "eth0", "hello", "9", "4"])).status.success());
    let (text, got) = receive(&conn);
    assert_eq!(text, b"hello");
    assert_eq!((got.control.hop_limit, got.control.traffic_class), (Some(9), Some(4)));
    assert_eq!(*got.source.ip(), b.link_local("eth0").unwrap());
}

fn the_responder_answers_on_the_interface_of_the_request() {
    let Pair { a, b } = pair();
    // A second link between both. The routing table would prefer the first for the group's answer.
    ipv6_testnet::link(&a, "eth1", &b, "eth1").unwrap();
    let (mut child, mut lines) = start(&b, "responder", &["5683", "eth1", "2"]);
    let conn = on(&a);
    // Not confirmable, for the group: the token comes back, from the link-local address of eth1.
    let request = [0x52, 0x01, 0x12, 0x34, 0xab, 0xcd];
    let through = SendControl::new().with_interface(index(&a, "eth1"));
    let group = "ff02::fd".parse().unwrap();
    conn.send_to(&request, &through, at(group, 5683)).unwrap();
    let (answer, got) = receive(&conn);
    assert_eq!(answer, b"\x52\x45\x12\x34\xab\xcd\xffhello");
    assert_eq!(*got.source.ip(), b.link_local("eth1").unwrap());
    assert_eq!(got.source.scope_id(), a.index("eth1").unwrap());
    // Not a request: no answer. Confirmable, for its address: acknowledged.
    let address = b.link_local("eth1").unwrap();
    let to = std::net::SocketAddrV6::new(address, 5683, 0, a.index("eth1").unwrap());
    conn.send_to(&[0x42, 0x45, 0, 1, 0xab, 0xcd], &SendControl::new(), to).unwrap();
    conn.send_to(&[0x41, 0x01, 0, 2, 0xef], &SendControl::new(), to).unwrap();
    assert_eq!(receive(&conn).0, b"\x61\x45\x00\x02\xef\xffhello");
    let from = a.link_local("eth1").unwrap();
    for way in ["group", "unicast"] {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert_eq!(line, format!("answered {from} on interface {} ({way})\n", b.index("eth1").unwrap()));
    }
    assert!(child.wait().unwrap().success());
}

fn advertisements_with_another_hop_limit_are_ignored() {
    let Pair { a, b } = pair();
    let (mut child, mut lines) = start(&b, "advertisements", &["eth0", "1"]);
    let router = a.run(|| RawConn::open(Icmp6Type::PROTOCOL)).unwrap();
    // Type, code, checksum, hop limit, flags, lifetime, two timers.
    let advertisement = [134, 0, 0, 0, 64, 0x80, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0];
    let all_nodes = at("ff02::1".parse().unwrap(), 0);
    let control = SendControl::new().with_interface(index(&a, "eth0"));
    let send = |bytes: &[u8], hop_limit| {
        router.send_to(bytes, &control.with_hop_limit(hop_limit), all_nodes).unwrap();
    };
    send(&advertisement, 254);
    // An option of length 0.
    send(&[&advertisement[..], &[1, 0, 0, 0, 0, 0, 0, 0]].concat(), 255);
    send(&[&advertisement[..], &[1, 1, 2, 0, 0, 0, 0, 1]].concat(), 255);
    let from = a.link_local("eth0").unwrap();
    let expected = [
        format!("ignored: hop limit 254 instead of 255, from {from}\n"),
        format!("ignored: source or options, from {from}\n"),
        format!("router {from}: lifetime 1800 s, hop limit 64, managed true, other false\n"),
    ];
    for expected in expected {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert_eq!(line, expected);
    }
    assert!(child.wait().unwrap().success());
}

fn failures_are_reported_on_standard_error() {
    let host = Host::new("host").unwrap();
    let cases: [(&str, &[&str], i32, &str); 4] = [
        ("listen", &[], 2, "usage: listen"),
        ("listen", &["::1", "5000", "lo"], 2, "::1 is not a multicast address"),
        ("listen", &["ff02::1", "5000", "nosuch0"], 1, "nosuch0"),
        ("send", &["ff02::1", "5000", "lo", "text", "256"], 2, "hop limit"),
    ];
    for (name, arguments, status, text) in cases {
        let output = run(&host, &mut program(name, arguments));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{name} {arguments:?}: {stderr}");
        assert!(stderr.contains(text), "{name} {arguments:?}: {stderr}");
    }
}
