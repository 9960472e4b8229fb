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
    let mut child = host.spawn(&mut program("listen", &["ff02::114", "5000", "eth0", "1"])).unwrap();
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
