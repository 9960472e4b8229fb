//! The program `tcp_mark`, with ss and socat, and what its packets look like.

mod programs;

use std::io::{Read, Write};
use std::process::Command;

use ipv6_testnet::{Host, Pair};
use programs::*;

ipv6_testnet::tests! {
    [] explains_itself;
    [Namespace] refuses_what_cannot_be;
    [Namespace] the_client_sees_the_marks;
    [Namespace, Program("ss"), Program("socat")] the_system_says_so_too;
    [RawSocket, Program("dumpcap"), Program("tshark")] packets_are_marked;
    [Namespace] a_connection_that_ends_is_one_connection;
    [Namespace] who_says_nothing_keeps_nobody_waiting;
    [Namespace, Program("socat")] a_server_that_hangs_up_is_an_error;
    [Namespace] what_is_received_does_not_drive_the_terminal;
}

fn tcp_mark(arguments: &str) -> Command {
    example("tcp_mark").typed(arguments)
}

fn explains_itself() {
    helps("tcp_mark", &["Usage: tcp_mark", "serve", "connect", "--json"]);
}

fn refuses_what_cannot_be() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    refuses(&a, tcp_mark("serve --traffic-class 256"), "--traffic-class");
    refuses(&a, tcp_mark("serve --listen [2001:db8:9::1]:0"), "(os error 99)");
    refuses(&a, tcp_mark("connect [2001:db8:1::2]:7"), "tcp_mark: [2001:db8:1::2]:7: Connection refused");
    refuses(&a, tcp_mark("connect 192.0.2.1:7"), "tcp_mark: 192.0.2.1 has no IPv6 address\n");
    refuses(&a, tcp_mark("connect [::1]"), "tcp_mark: [::1] has no port\n");
}

/// A server on a host, and its port.
fn server(host: &Host, options: &str) -> (Running, u16) {
    let mut server = Running::start(host, tcp_mark(&format!("serve --listen [::]:0 --json {options}")));
    let at = object(server.line("listening"));
    let port = at["listening"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
    (server, port)
}

fn the_client_sees_the_marks() {
    let Pair { a, b } = Pair::new().unwrap();
    let (mut server, port) = server(&b, "--traffic-class 0xb8 --hop-limit 9 --count 1");
    let got = output(&a, tcp_mark(&format!("connect [2001:db8:1::2]:{port} --text marked --json")));
    assert!(got.status.success(), "{got:?}");
    let seen = &objects(&got)[0];
    assert_eq!((&seen["text"], &seen["traffic_class"]), (&"marked".into(), &0xb8.into()));
    assert_eq!(seen["hop_limit"], 9);
    let told = object(server.line("traffic_class"));
    assert_eq!((&told["traffic_class"], &told["hop_limit"]), (&0xb8.into(), &9.into()));
    assert_eq!(told["path_mtu"], 1500);
    assert!(server.end().0.success());
}

fn the_system_says_so_too() {
    let Pair { a, b } = Pair::new().unwrap();
    let (mut server, port) = server(&b, "--traffic-class 0xb8 --hop-limit 9");
    // One that stays open, of a program that is not ours.
    let to = format!("TCP6:[2001:db8:1::2]:{port}");
    let _socat = Running::start(&a, command("socat", ["EXEC:sleep 60", &to]));
    server.line("traffic_class");
    let said = text(&output(
        &b,
        installed("ss").typed(&format!("-6 -t -n -e --tos state established sport = :{port}")),
    ));
    assert!(said.contains("tclass:0xb8"), "{said}");
}

fn packets_are_marked() {
    let Pair { a, b } = Pair::new().unwrap();
    let (_server, port) = server(&b, "--traffic-class 0xb8 --hop-limit 9");
    let capture = Capture::start(&a, "eth0");
    let got = output(&a, tcp_mark(&format!("connect [2001:db8:1::2]:{port}")));
    assert!(got.status.success(), "{got:?}");
    assert!(text(&got).contains("traffic class 0xb8, hop limit 9"), "{got:?}");
    let echoes = capture.fields("ipv6.src == 2001:db8:1::2 && tcp.len > 0", ["ipv6.tclass", "ipv6.hlim"]);
    assert_eq!(echoes.len(), 1);
    assert_eq!((number(&echoes[0][0]), echoes[0][1].as_str()), (0xb8, "9"));
}

fn a_connection_that_ends_is_one_connection() {
    let Pair { a, b } = Pair::new().unwrap();
    let (server, port) = server(&b, "--count 2");
    // The first is reset in the middle.
    a.run(|| {
        let stream = std::net::TcpStream::connect(("2001:db8:1::2", port)).unwrap();
        nix::sys::socket::setsockopt(
            &stream,
            nix::sys::socket::sockopt::Linger,
            &nix::libc::linger { l_onoff: 1, l_linger: 0 },
        )
        .unwrap();
    });
    let got = output(&a, tcp_mark(&format!("connect [2001:db8:1::2]:{port}")));
    assert!(got.status.success(), "{got:?}");
    assert!(server.end().0.success());
}

fn who_says_nothing_keeps_nobody_waiting() {
    let Pair { a, b } = Pair::new().unwrap();
    let (mut server, port) = server(&b, "--traffic-class 0xb8");
    let _silent = a.run(|| std::net::TcpStream::connect(("2001:db8:1::2", port))).unwrap();
    server.line("traffic_class");
    let near = b.link_local("eth0").unwrap();
    let got = output(&a, tcp_mark(&format!("connect [{near}%eth0]:{port}")));
    assert!(text(&got).contains("traffic class 0xb8"), "{got:?}");
}

fn a_server_that_hangs_up_is_an_error() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut socat = Running::start(&b, installed("socat").typed("-d -d TCP6-LISTEN:7007 EXEC:true"));
    socat.line("listening on");
    refuses(&a, tcp_mark("connect [2001:db8:1::2]:7007"), "tcp_mark: the server hung up\n");
}

fn what_is_received_does_not_drive_the_terminal() {
    let Pair { a, b } = Pair::new().unwrap();
    let listener = b.run(|| std::net::TcpListener::bind("[::]:7007")).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b" \x1b[2J").unwrap();
        // Until the other has had enough.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let got = output(&a, tcp_mark("connect [2001:db8:1::2]:7007 --text hello"));
    assert!(text(&got).starts_with(" \\u{1b}[2J from "), "{got:?}");
}
