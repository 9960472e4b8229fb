//! What all example programs have in common: errors, output that cannot be written, and addresses.

mod programs;

use std::fs::File;
use std::process::{Command, Stdio};

use ipv6_testnet::Host;
use programs::*;

ipv6_testnet::tests! {
    [Namespace] errors_are_objects_with_the_option_json;
    [Namespace] a_closed_or_full_standard_error_panics_no_program;
    [Namespace] a_closed_standard_output_is_no_error;
    [Namespace] programs_without_ipv4_say_why;
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
