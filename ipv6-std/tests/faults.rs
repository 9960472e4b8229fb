//! System calls that fail as they please: `strace` makes them, in a child process that is this program again.

mod common;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use common::*;
use ipv6_std::*;
use ipv6_testnet::{Need, Test};

const CHILD: &str = "IPV6_FAULTS_CHILD";

fn main() {
    if let Ok(part) = std::env::var(CHILD) {
        return child(&part);
    }
    let needs = &[Need::Namespace, Need::Strace];
    ipv6_testnet::main(&[
        Test { name: "a_signal_never_surfaces", needs, run: a_signal_never_surfaces },
        Test { name: "an_error_is_told_and_passes", needs, run: an_error_is_told_and_passes },
        Test { name: "a_flag_that_fails_stays_as_it_was", needs, run: a_flag_that_fails_stays_as_it_was },
        Test { name: "scar_43_one_call_is_one_system_call", needs, run: scar_43_one_call_is_one_system_call },
        Test { name: "the_cheap_paths_are_taken", needs, run: the_cheap_paths_are_taken },
    ])
}

/// What a child does, by name.
fn child(part: &str) {
    let conn = loopback();
    let to = conn.local_addr().unwrap();
    let send = || conn.send_to(b"x", &SendControl::new().with_hop_limit(3), to);
    // Without control messages it is another system call.
    if !matches!(part, "plain" | "flags") {
        conn.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    }
    match part {
        "plain" => {
            conn.set_deadline(None);
            conn.send_to(b"x", &SendControl::new(), to).unwrap();
            assert_eq!(receive(&conn).0, b"x");
        }
        "cheap" => {
            conn.set_deadline(None);
            conn.set_control_flags(ControlFlags::HOP_LIMIT, false).unwrap();
            conn.send_to(b"with info", &SendControl::new().with_source(*to.ip()), to).unwrap();
            conn.send_to(b"with nothing", &SendControl::new(), to).unwrap();
            assert_eq!(receive(&conn).0, b"with info");
            assert_eq!(receive(&conn).0, b"with nothing");
            let batch = [Outgoing::new(b"in a batch", SendControl::new().with_source(*to.ip()), Some(to))];
            assert_eq!(conn.send_batch(&mut SendBatch::new(1), &batch).unwrap(), 1);
            assert_eq!(receive(&conn).0, b"in a batch");
        }
        "messages" => {
            conn.set_deadline(None);
            send().unwrap();
            assert_eq!(receive(&conn).0, b"x");
        }
        "deadlines" => {
            send().unwrap();
            assert_eq!(receive(&conn).0, b"x");
            conn.set_read_deadline(Some(Instant::now() + Duration::from_millis(10)));
            assert_eq!(conn.recv_from(&mut [0; 8]).unwrap_err().kind(), std::io::ErrorKind::TimedOut);
        }
        "batches" => {
            conn.set_deadline(None);
            let messages = [Outgoing::new(b"x", SendControl::new(), Some(to)); 4];
            assert_eq!(conn.send_batch(&mut SendBatch::new(4), &messages).unwrap(), 4);
            assert_eq!(conn.recv_batch(&mut RecvBatch::new(4), &mut [[0; 8]; 4]).unwrap(), 4);
        }
        "errors" => {
            conn.set_deadline(None);
            assert_eq!(errno(send()), Some(ENOBUFS));
            send().unwrap();
            assert_eq!(errno(conn.recv_from(&mut [0; 8])), Some(ENOBUFS));
            assert_eq!(receive(&conn).0, b"x");
        }
        "flags" => {
            // The second of the options that it sets is refused.
            let flags = ControlFlags::TRAFFIC_CLASS | ControlFlags::HOP_LIMIT;
            conn.set_control_flags(flags, true).unwrap_err();
            assert_eq!(conn.control_flags(), ControlFlags::TRAFFIC_CLASS);
            conn.set_control_flags(flags, true).unwrap();
            assert_eq!(conn.control_flags(), flags);
        }
        count => {
            conn.set_deadline(None);
            let mut payload = [0; 8];
            for _ in 0..count.parse().unwrap() {
                send().unwrap();
                conn.recv_from(&mut payload).unwrap();
            }
        }
    }
}

/// Runs a part of `child` under `strace` with these options.
fn strace(part: &str, options: &[&str]) {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq"]).args(options).arg(std::env::current_exe().unwrap()).env(CHILD, part);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{part} {options:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a part with a fault injected into the system calls whose names match, and makes sure that there were
/// such calls: strace says nothing when it injects nothing.
fn inject(part: &str, calls: &str, fault: &str) {
    let log = std::env::temp_dir().join(format!("ipv6-faults-{}-{part}-{}", std::process::id(), calls.len()));
    let (trace, inject) = (format!("trace=/{calls}"), format!("inject=/{calls}:{fault}"));
    strace(part, &["-o", log.to_str().unwrap(), "-e", &trace, "-e", &inject]);
    let said = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    assert!(said.contains("(INJECTED)"), "{part} {calls}: nothing was injected:\n{said}");
}

fn a_signal_never_surfaces() {
    let thrice = "error=EINTR:when=1..3";
    for call in ["^recvmsg$", "^sendmsg$"] {
        inject("messages", call, thrice);
        inject("deadlines", call, thrice);
    }
    for call in ["^recvfrom$", "^sendto$"] {
        inject("plain", call, thrice);
    }
    inject("deadlines", "^p?poll", thrice);
    inject("batches", "^recvmmsg", thrice);
    // musl sends a batch message by message on 64-bit machines.
    inject(
        "batches",
        if cfg!(all(target_env = "musl", target_pointer_width = "64")) { "^sendmsg$" } else { "^sendmmsg" },
        thrice,
    );
}

fn an_error_is_told_and_passes() {
    inject("errors", "^(sendmsg|recvmsg)$", "error=ENOBUFS:when=1");
}

fn a_flag_that_fails_stays_as_it_was() {
    // The first setsockopt is V6ONLY, for the new socket; then come the flags.
    inject("flags", "^setsockopt$", "error=EPERM:when=3");
}

fn scar_43_one_call_is_one_system_call() {
    let calls = |count: usize| {
        let log = std::env::temp_dir().join(format!("ipv6-calls-{}-{count}", std::process::id()));
        strace(&count.to_string(), &["-o", log.to_str().unwrap()]);
        let lines = fs::read_to_string(&log).unwrap().lines().count();
        fs::remove_file(&log).unwrap();
        lines
    };
    // Of whatever else a program does at its start and end, both do the same.
    assert_eq!(calls(30) - calls(10), 2 * 20);
}

fn the_cheap_paths_are_taken() {
    let log = std::env::temp_dir().join(format!("ipv6-cheap-{}", std::process::id()));
    strace("cheap", &["-o", log.to_str().unwrap(), "-e", "trace=/^(send|recv)"]);
    let said = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    let call = |what: &str| said.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{said}"));
    // Without the padding, in which Linux has no interest, a packet info has room on its stack.
    let len = if cfg!(target_pointer_width = "64") { 36 } else { 32 };
    for text in ["\"with info\"", "\"in a batch\""] {
        assert!(call(text).contains(&format!("msg_controllen={len}")), "{said}");
    }
    assert!(call("\"with nothing\"").contains(" sendto("), "{said}");
    assert_eq!(said.lines().filter(|line| line.contains(" recvfrom(")).count(), 3, "{said}");
}
