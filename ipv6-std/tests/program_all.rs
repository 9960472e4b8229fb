//! What all example programs have in common: errors, output that cannot be written, and addresses.

mod programs;

use std::fs::File;
use std::process::{Command, Stdio};

use ipv6_testnet::{Host, Pair};
use programs::*;

ipv6_testnet::tests! {
    [Namespace] errors_are_objects_with_the_option_json;
    [Namespace] a_closed_or_full_standard_error_panics_no_program;
    [Namespace] a_closed_standard_output_is_no_error;
    [Namespace] a_server_whose_output_is_full_ends_with_the_error;
    [Namespace] programs_without_ipv4_say_why;
    [Namespace] each_missing_argument_is_named;
    [RawSocket] addresses_that_cannot_be_used_are_refused_with_the_reason;
    [RawSocket, Strace] a_lack_of_memory_ends_no_program;
}

/// Each program with arguments that it refuses.
const REFUSED: &[(&str, &str)] = &[
    ("delay", "[fe80::1%nosuch0]:7"),
    ("mcast", "recv --group ff02::114 --interface nosuch0 --port 7000"),
    ("mdns", "query host.local --interface nosuch0"),
    ("ospf_hello", "--interface nosuch0 --router-id 1.1.1.1 --area 0"),
    ("ping6", "::1 --interface nosuch0"),
    ("pmtu", "fe80::1%nosuch0"),
    // Elsewhere the program says that it needs these (examples/quic/main.rs).
    #[cfg(all(target_pointer_width = "64", target_env = "gnu"))]
    ("quic", "fetch [fe80::1%nosuch0]:4433 --certificate /dev/null"),
    ("ra_listen", "--interface nosuch0"),
    ("tcp_mark", "connect [fe80::1%nosuch0]:7"),
    ("traceroute6", "fe80::1%nosuch0"),
];

fn errors_are_objects_with_the_option_json() {
    let host = Host::new("host").unwrap();
    for (name, arguments) in REFUSED {
        for (command, says) in
            [(format!("{arguments} --json"), "nosuch0"), ("--json --nosuch-option".into(), "--nosuch-option")]
        {
            let got = output(&host, example(name).typed(&command));
            assert_eq!(got.status.code(), Some(2), "{got:?}");
            let stderr = String::from_utf8(got.stderr).unwrap();
            assert_eq!(stderr.lines().count(), 1, "{name}: {stderr}");
            let error = object(stderr.trim_end())["error"].as_str().unwrap().to_string();
            assert!(error.contains(says), "{name}: {error}");
        }
    }
}

fn each_missing_argument_is_named() {
    let host = Host::new("host").unwrap();
    for json in ["", " --json"] {
        for name in ["--group", "--port"] {
            refuses(&host, example("mcast").typed(&format!("recv{json}")), name);
        }
    }
}

fn addresses_that_cannot_be_used_are_refused_with_the_reason() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    for (name, arguments, says) in [
        ("delay", "[::]:7", ":: is no address of a host"),
        ("delay", "serve [ff02::1%eth0]:7", "a group; a server needs an address of this host"),
        ("mcast", "send --group ff02::114%eth0 --port 7 --source 192.0.2.1", "are not of one family"),
        ("mcast", "send --group ff02::114%eth0 --port 7 --source ff02::1", "ff02::1: it is a group"),
        ("mdns", "respond --name a.local --address ff02::1", "not the address of a host"),
        ("mdns", "respond --name a.local --address ::1 --interface=", "use one such as eth0"),
        ("mdns", "query a..local --interface eth0", "has an empty label"),
        ("mdns", "query local --interface eth0", "does not end in .local"),
        ("ping6", "::ffff:192.0.2.1", "is the IPv4 address 192.0.2.1; an IPv6 address is needed"),
        ("ping6", "::1 --source ::ffff:192.0.2.1", "an IPv6 address is needed"),
        ("ping6", "::1 --source ff02::1", "ff02::1: it is a group"),
        ("pmtu", "[::ffff:192.0.2.1]", "an IPv6 address is needed"),
        ("pmtu", "::", ":: is no address of a host"),
        ("tcp_mark", "serve --listen [ff02::1%eth0]:7", "a group; a server needs an address of this host"),
        ("tcp_mark", "connect [ff02::1%eth0]:7", "ff02::1 is a group"),
        ("tcp_mark", "connect :7", "the name of the host is empty"),
        ("traceroute6", "::ffff:192.0.2.1", "an IPv6 address is needed"),
        ("traceroute6", "::", ":: is no address of a host"),
    ] {
        refuses(&a, example(name).typed(arguments), says);
    }
}

/// One receive fails; the program goes on.
fn a_lack_of_memory_ends_no_program() {
    let Pair { a, b } = Pair::new().unwrap();
    let fault = || Fault::new("recvmsg", "error=ENOMEM:when=2");
    let of_listener = fault();
    let listen = of_listener.inject(&example("ping6").typed("--listen --count 3"));
    let mut listener = Running::start(&b, listen);
    opened_raw_socket(&b);
    for (name, arguments) in [("ping6", "--count 3 --interval 0.1"), ("traceroute6", "--wait 20")] {
        let fault = fault();
        let got = output(&a, fault.inject(&example(name).typed(&format!("{} {arguments}", Pair::B))));
        assert!(got.status.success(), "{got:?}");
        fault.was_injected();
    }
    listener.line("number 2");
    assert!(listener.end().0.success());
    of_listener.was_injected();
}

// delay, mcast, tcp_mark and quic accept IPv4.
fn programs_without_ipv4_say_why() {
    let host = Host::new("host").unwrap();
    for name in ["mdns", "mroute", "ospf_hello", "ping6", "pmtu", "ra_listen", "tour", "traceroute6"] {
        let help = output(&host, example(name).typed("--help"));
        let help = String::from_utf8(help.stdout).unwrap();
        assert!(help.contains("IPv4"), "{name}: {help}");
    }
}

/// Runs a program with these files as its output. Returns its status.
fn status(
    host: &Host,
    mut command: Command,
    stdout: impl Into<Stdio>,
    stderr: impl Into<Stdio>,
) -> Option<i32> {
    command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
    host.run(|| command.status()).unwrap().code()
}

/// A pipe whose reader has gone.
fn closed() -> Stdio {
    std::io::pipe().unwrap().1.into()
}

/// A file that is always full.
fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

// Scar 83. A panic ends a program with the status 101.
fn a_closed_or_full_standard_error_panics_no_program() {
    let host = Host::new("host").unwrap();
    for (name, arguments) in REFUSED {
        for more in ["", " --json", " --nosuch-option"] {
            let command = || example(name).typed(&format!("{arguments}{more}"));
            for stderr in [closed(), full()] {
                assert_eq!(status(&host, command(), Stdio::null(), stderr), Some(2), "{name}");
            }
        }
    }
}

fn a_closed_standard_output_is_no_error() {
    let host = Host::new("host").unwrap();
    for arguments in ["serve --count 1", "--help"] {
        let command = || example("tcp_mark").typed(arguments);
        assert_eq!(status(&host, command(), closed(), closed()), Some(0), "{arguments}");
    }
    assert_eq!(status(&host, example("tcp_mark").typed("serve --count 1"), full(), full()), Some(2));
}

/// A server writes in a thread of its own.
fn a_server_whose_output_is_full_ends_with_the_error() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    let respond = || {
        let arguments = "respond --interface eth0 --name camera.local --address ::1 --json --timeout 3";
        let mut command = example("mdns").typed(arguments);
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        command
    };
    let full = a.spawn(respond().stdout(full())).unwrap().wait_with_output().unwrap();
    let stderr = String::from_utf8(full.stderr).unwrap();
    assert_eq!(full.status.code(), Some(2), "{stderr}");
    let error = object(stderr.trim_end())["error"].as_str().unwrap().to_string();
    assert!(error.starts_with("standard output: ") && error.contains("(os error 28)"), "{error}");
    let closed = a.spawn(respond().stdout(closed())).unwrap().wait_with_output().unwrap();
    assert!(closed.status.success() && closed.stderr.is_empty(), "{closed:?}");
}
