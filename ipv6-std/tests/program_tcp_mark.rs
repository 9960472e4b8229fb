//! The example `tcp_mark`, with ss and socat, and its packets in a capture.

mod programs;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ipv6_testnet::{Host, Pair};
use nix::fcntl::{FcntlArg, fcntl};
use programs::*;

ipv6_testnet::tests! {
    [] help_lists_the_options;
    [Namespace] invalid_arguments_are_refused;
    [Namespace] the_client_prints_the_servers_traffic_class_and_hop_limit;
    [Namespace, Ipv4] header_fields_that_no_segment_had_are_not_printed;
    [Namespace, Program("ss"), Program("socat")] ss_shows_the_traffic_class;
    [RawSocket, Program("dumpcap"), Program("tshark")] packets_have_the_traffic_class_and_hop_limit;
    [Namespace] a_reset_connection_does_not_end_the_server;
    [Namespace] a_silent_client_does_not_block_others;
    [Namespace, Program("socat")] a_server_that_closes_the_connection_is_an_error;
    [Namespace] control_characters_in_the_echo_are_escaped;
    [Namespace] at_the_descriptor_limit_it_reports_and_continues;
    [Namespace, Strace] errors_of_accept_do_not_end_the_server;
    [Namespace] a_reader_that_stops_reading_does_not_stop_the_server;
    [Namespace] a_server_without_a_reader_still_reports;
    [Namespace] an_idle_connection_is_closed;
    [Namespace] after_an_empty_text_the_fields_are_unknown;
    [Namespace] a_slow_or_silent_server_does_not_hold_the_client;
    [Namespace] an_interrupt_ends_it_with_a_summary;
    [Namespace] zones_work_in_both_directions;
    [RawSocket, Ipv4, Program("dumpcap"), Program("tshark")] ipv4_peers_get_the_traffic_class_and_hop_limit;
}

fn tcp_mark(arguments: &str) -> Command {
    example("tcp_mark").typed(arguments)
}

fn help_lists_the_options() {
    helps("tcp_mark", &["Usage: tcp_mark", "serve", "connect", "--json"]);
}

fn invalid_arguments_are_refused() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    refuses(&a, tcp_mark("serve --traffic-class 256"), "--traffic-class");
    refuses(&a, tcp_mark("serve --listen [2001:db8:9::1]:0"), "(os error 99)");
    refuses(&a, tcp_mark("connect [2001:db8:1::2]:7"), "tcp_mark: [2001:db8:1::2]:7: Connection refused");
    refuses(
        &a,
        tcp_mark("connect 192.0.2.1:7"),
        "tcp_mark: 192.0.2.1:7: this host has no route to 192.0.2.1: ",
    );
    refuses(&a, tcp_mark("connect [::1]"), "tcp_mark: [::1] has no port\n");
    refuses(&a, tcp_mark("connect ::1:7"), "write the address in brackets: [::1]:7\n");
    refuses(
        &a,
        tcp_mark("connect [fe80::1]:7"),
        "fe80::1 is link-local: name its interface, as in fe80::1%eth0\n",
    );
    refuses(&a, tcp_mark("connect [fe80::1%]:7"), "no interface after the %");
    refuses(&a, tcp_mark("serve --listen [fe80::1]:7"), "fe80::1 is link-local: name its interface");
    refuses(&a, tcp_mark("serve --listen [fe80::1%nosuch0]:7"), "no interface nosuch0");
    refuses(&a, tcp_mark("serve --listen ::1"), "not of the form [address]:port");
    a.ip("-6 route add prohibit 2001:db8:7::/64").unwrap();
    refuses(
        &a,
        tcp_mark("connect [2001:db8:7::1]:7"),
        "a route or a firewall of this host prohibits packets to 2001:db8:7::1",
    );
    refuses(&a, tcp_mark("connect [2001:db8:8::1]:7"), "this host has no route to 2001:db8:8::1");
}

/// A server on a host, and its port.
fn server(host: &Host, options: &str) -> (Running, u16) {
    let mut server = Running::start(host, tcp_mark(&format!("serve --listen [::]:0 --json {options}")));
    let at = object(server.line("listening"));
    let port = at["listening"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
    (server, port)
}

fn the_client_prints_the_servers_traffic_class_and_hop_limit() {
    let Pair { a, b } = Pair::new().unwrap();
    let (mut server, port) = server(&b, "--traffic-class 0xb8 --hop-limit 9 --count 1");
    let got = output(&a, tcp_mark(&format!("connect [2001:db8:1::2]:{port} --text marked --json")));
    assert!(got.status.success(), "{got:?}");
    let seen = &objects(&got)[0];
    assert_eq!((&seen["text"], &seen["traffic_class"]), (&"marked".into(), &0xb8.into()));
    assert_eq!(seen["hop_limit"], 9);
    let printed = object(server.line("traffic_class"));
    assert_eq!((&printed["traffic_class"], &printed["hop_limit"]), (&0xb8.into(), &9.into()));
    assert_eq!(printed["path_mtu"], 1500);
    assert!(server.end().0.success());
}

// Scar 73: of an IPv4 server the kernel records no segment. The socket's own values are hop limit 1 and traffic class 0.
fn header_fields_that_no_segment_had_are_not_printed() {
    let host = Host::new("host").unwrap();
    let (_server, port) = server(&host, "--hop-limit 9");
    let got = output(&host, tcp_mark(&format!("connect [::ffff:127.0.0.1]:{port} --json")));
    assert!(got.status.success(), "{got:?}");
    let seen = &objects(&got)[0];
    assert_eq!(seen["text"], "hello");
    assert!(seen["traffic_class"].is_null() && seen["hop_limit"].is_null(), "{seen}");
    let got = output(&host, tcp_mark(&format!("connect [::ffff:127.0.0.1]:{port}")));
    assert!(text(&got).ends_with(": header fields unknown\n"), "{got:?}");
}

fn ss_shows_the_traffic_class() {
    let Pair { a, b } = Pair::new().unwrap();
    let (mut server, port) = server(&b, "--traffic-class 0xb8 --hop-limit 9");
    // A connection of another program that stays open.
    let to = format!("TCP6:[2001:db8:1::2]:{port}");
    let _socat = Running::start(&a, command("socat", ["EXEC:sleep 60", &to]));
    server.line("traffic_class");
    let printed = text(&output(
        &b,
        installed("ss").typed(&format!("-6 -t -n -e --tos state established sport = :{port}")),
    ));
    assert!(printed.contains("tclass:0xb8"), "{printed}");
}

fn packets_have_the_traffic_class_and_hop_limit() {
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

fn a_reset_connection_does_not_end_the_server() {
    let Pair { a, b } = Pair::new().unwrap();
    let (server, port) = server(&b, "--count 2");
    // Reset the first connection.
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

fn a_silent_client_does_not_block_others() {
    let Pair { a, b } = Pair::new().unwrap();
    let (mut server, port) = server(&b, "--traffic-class 0xb8");
    let _silent = a.run(|| std::net::TcpStream::connect(("2001:db8:1::2", port))).unwrap();
    server.line("traffic_class");
    let near = b.link_local("eth0").unwrap();
    let got = output(&a, tcp_mark(&format!("connect [{near}%eth0]:{port}")));
    assert!(text(&got).contains("traffic class 0xb8"), "{got:?}");
}

fn a_server_that_closes_the_connection_is_an_error() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut socat = Running::start(&b, installed("socat").typed("-d -d TCP6-LISTEN:7007 EXEC:true"));
    socat.line("listening on");
    refuses(&a, tcp_mark("connect [2001:db8:1::2]:7007"), "tcp_mark: the server closed the connection\n");
}

fn control_characters_in_the_echo_are_escaped() {
    let Pair { a, b } = Pair::new().unwrap();
    let listener = b.run(|| std::net::TcpListener::bind("[::]:7007")).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b" \x1b[2J").unwrap();
        // Wait until the client closes the connection.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let got = output(&a, tcp_mark("connect [2001:db8:1::2]:7007 --text hello"));
    assert!(text(&got).starts_with(" \\u{1b}[2J from "), "{got:?}");
}

/// Clients that connect and say nothing.
fn idle(host: &Host, port: u16, count: usize) -> Vec<TcpStream> {
    (0..count).map(|_| host.run(|| TcpStream::connect(("2001:db8:1::2", port))).unwrap()).collect()
}

fn at_the_descriptor_limit_it_reports_and_continues() {
    let Pair { a, b } = Pair::new().unwrap();
    let serve = with_few_descriptors(&tcp_mark("serve --listen [::]:7007 --json"), 24);
    let mut server = Running::start(&b, serve);
    server.line("listening");
    for _ in 0..2 {
        let clients = idle(&a, 7007, 40);
        let warning = object(server.line("cannot accept"))["warning"].as_str().unwrap().to_string();
        assert!(warning.contains("(os error 24)"), "{warning}");
        drop(clients);
        server.line("accepting connections again");
        let got = output(&a, tcp_mark("connect [2001:db8:1::2]:7007"));
        assert!(got.status.success(), "{got:?}");
    }
    // Each time is reported once, and not each attempt.
    let reports = server.seen.iter().filter(|line| line.contains("cannot accept")).count();
    assert!(reports <= 10, "{:#?}", server.seen);
}

fn errors_of_accept_do_not_end_the_server() {
    let Pair { a, b } = Pair::new().unwrap();
    for error in ["ENFILE", "ENOBUFS", "ENOMEM", "EPERM", "EPROTO", "ENETDOWN", "EHOSTUNREACH"] {
        let fault = Fault::new("accept4", format!("error={error}:when=1..2"));
        let serve = fault.inject(&tcp_mark("serve --listen [::]:7007 --count 2 --json"));
        let mut server = Running::start(&b, serve);
        server.line("cannot accept a connection");
        let connect = || {
            let got = output(&a, tcp_mark("connect [2001:db8:1::2]:7007"));
            assert!(got.status.success(), "{error}: {got:?}");
        };
        connect();
        server.line("accepting connections again");
        connect();
        assert!(server.end().0.success());
        fault.was_injected();
    }
}

/// A program that is killed when the value is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Its output fills the pipe, and the queue of 256 lines twice.
fn a_reader_that_stops_reading_does_not_stop_the_server() {
    let host = Host::new("host").unwrap();
    let (pipe, output) = std::io::pipe().unwrap();
    // Rounded up to a page.
    let size = fcntl(&pipe, FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
    // Each prints more than 50 bytes.
    let connections = size / 50 + 512;
    let mut serve = tcp_mark("serve --listen [::1]:7007");
    serve.stdin(Stdio::null()).stderr(output.try_clone().unwrap()).stdout(output);
    let mut server = Killed(host.spawn(&mut serve).unwrap());
    drop(serve);
    let mut lines = BufReader::new(pipe).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "listening on [::1]:7007");
    for number in 0..connections {
        let mut client = host.run(|| TcpStream::connect("[::1]:7007")).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        client.write_all(b"hello").unwrap();
        client.read_exact(&mut [0; 5]).unwrap_or_else(|error| panic!("{number}: {error}"));
    }
    assert!(Command::new("kill").args(["-INT", &server.0.id().to_string()]).status().unwrap().success());
    until("the end of the server", || server.0.try_wait().unwrap().is_some());
    assert!(server.0.wait().unwrap().success());
}

fn a_server_without_a_reader_still_reports() {
    let host = Host::new("host").unwrap();
    let mut serve = tcp_mark("serve --listen [::1]:7007 --idle 0.2");
    serve.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = Killed(host.spawn(&mut serve).unwrap());
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "listening on [::1]:7007\n");
    // Standard output is closed now.
    let mut reports = BufReader::new(server.0.stderr.take().unwrap()).lines();
    for _ in 0..2 {
        let _idle = host.run(|| TcpStream::connect("[::1]:7007")).unwrap();
        let report = reports.next().unwrap().unwrap();
        assert!(report.contains("closed after 0.2 s without data"), "{report}");
    }
}

fn an_idle_connection_is_closed() {
    let Pair { a, b } = Pair::new().unwrap();
    let (mut server, port) = server(&b, "--idle 0.2");
    let mut client = idle(&a, port, 1).remove(0);
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    server.line("closed after 0.2 s without data");
}

// Scar 73: before a segment arrives, the socket has values of its own: hop limit 1. The kernel of the server may also
// confirm the connection before the server sets the fields.
fn after_an_empty_text_the_fields_are_unknown() {
    let Pair { a, b } = Pair::new().unwrap();
    let (_server, port) = server(&b, "--traffic-class 0xb8 --hop-limit 9");
    for _ in 0..20 {
        let mut connect = tcp_mark(&format!("connect [2001:db8:1::2]:{port} --json --text"));
        connect.arg("");
        let got = output(&a, connect);
        assert!(got.status.success(), "{got:?}");
        let seen = &objects(&got)[0];
        assert_eq!(seen["text"], "");
        assert!(seen["hop_limit"].is_null() && seen["traffic_class"].is_null(), "{seen}");
    }
}

fn a_slow_or_silent_server_does_not_hold_the_client() {
    let Pair { a, b } = Pair::new().unwrap();
    let listener = b.run(|| std::net::TcpListener::bind("[::]:7007")).unwrap();
    std::thread::spawn(move || {
        let (_silent, _) = listener.accept().unwrap();
        let (mut slow, _) = listener.accept().unwrap();
        while slow.write_all(b"x").is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    });
    let text = "x".repeat(10_000);
    for text in ["hello", &text] {
        let connect = tcp_mark(&format!("connect [2001:db8:1::2]:7007 --timeout 0.5 --text {text}"));
        refuses(&a, connect, "tcp_mark: [2001:db8:1::2]:7007: no answer within 0.5 s\n");
    }
}

fn an_interrupt_ends_it_with_a_summary() {
    let Pair { a, b } = Pair::new().unwrap();
    for (count, status) in [("", 0), ("--count 2", 130)] {
        let (mut server, port) = server(&b, count);
        let got = output(&a, tcp_mark(&format!("connect [2001:db8:1::2]:{port}")));
        assert!(got.status.success(), "{got:?}");
        server.line("traffic_class");
        // A client that is still connected.
        let _idle = idle(&a, port, 1);
        server.line("traffic_class");
        server.interrupt();
        let (ended, lines) = server.end();
        assert_eq!(ended.code(), Some(status), "{lines:#?}");
        let summary = object(lines.last().unwrap());
        assert_eq!((&summary["connections"], &summary["bytes"]), (&2.into(), &5.into()));
    }
    let listener = b.run(|| std::net::TcpListener::bind("[::]:7007")).unwrap();
    let client = Running::start(&a, tcp_mark("connect [2001:db8:1::2]:7007"));
    let _stream = listener.accept().unwrap();
    client.interrupt();
    let (ended, lines) = client.end();
    assert_eq!(ended.code(), Some(130), "{lines:#?}");
    assert_eq!(lines, ["tcp_mark: interrupted before the echo of [2001:db8:1::2]:7007"]);
}

fn zones_work_in_both_directions() {
    let Pair { a, b } = Pair::new().unwrap();
    let near = b.link_local("eth0").unwrap();
    let mut server =
        Running::start(&b, tcp_mark(&format!("serve --listen [{near}%eth0]:7007 --count 1 --json")));
    server.line("listening");
    let got = output(&a, tcp_mark(&format!("connect [{near}%eth0]:7007")));
    assert!(got.status.success(), "{got:?}");
    assert!(server.end().0.success());
}

fn ipv4_peers_get_the_traffic_class_and_hop_limit() {
    let Pair { a, b } = Pair::new().unwrap();
    a.ip("address add 192.0.2.1/24 dev eth0").unwrap();
    b.ip("address add 192.0.2.2/24 dev eth0").unwrap();
    // Even if the default of the system is IPv6 only.
    b.set("net/ipv6/bindv6only", "1").unwrap();
    let (mut server, port) = server(&b, "--traffic-class 0xb8 --hop-limit 9");
    let capture = Capture::start(&a, "eth0");
    let got = output(&a, tcp_mark(&format!("connect 192.0.2.2:{port} --json")));
    assert!(got.status.success(), "{got:?}");
    let seen = &objects(&got)[0];
    assert_eq!((&seen["text"], &seen["from"]), (&"hello".into(), &format!("192.0.2.2:{port}").into()));
    // Linux records no segment of IPv4.
    assert!(seen["traffic_class"].is_null() && seen["hop_limit"].is_null(), "{seen}");
    let printed = object(server.line("traffic_class"));
    assert!(printed["from"].as_str().unwrap().starts_with("192.0.2.1:"), "{printed}");
    let echoes = capture.fields("ip.src == 192.0.2.2 && tcp.len > 0", ["ip.dsfield", "ip.ttl"]);
    assert_eq!(echoes.len(), 1);
    assert_eq!((number(&echoes[0][0]), echoes[0][1].as_str()), (0xb8, "9"));
}
