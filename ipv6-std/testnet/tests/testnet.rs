//! Tests of the hosts, the links and the harness.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use ipv6_testnet::{Host, Line, Pair, link};

ipv6_testnet::tests! {
    [] a_test_without_needs_can_use_loopback,
    [Ipv4] a_test_with_ipv4_can_use_its_loopback,
    [Namespace] each_test_runs_in_its_own_network,
    [Namespace] the_hosts_of_a_pair_reach_each_other,
    [Namespace] a_router_forwards_between_two_links,
    [Namespace] a_smaller_mtu_at_the_router_limits_the_path,
    [Namespace] multicast_crosses_a_link,
    [Namespace] a_link_is_ready_at_once,
    [Namespace] dropped_hosts_leave_no_file_descriptor,
    [Namespace] a_panic_on_a_host_returns_the_thread,
    [Namespace] programs_and_threads_stay_on_their_host,
    [Namespace] errors_name_the_host_and_the_cause,
    [Namespace, PingSocket, RawSocket, Capture] each_test_may_open_ping_sockets,
    [Namespace] a_test_whose_need_is_not_met_is_ignored_or_fails,
    [] a_test_that_hangs_ends_after_the_limit,
    [CCompiler] the_c_compiler_runs,
    [Strace] strace_prints_system_calls,
}

const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x114);

fn socket(host: &Host) -> UdpSocket {
    let socket = host.run(|| UdpSocket::bind("[::]:0")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket
}

fn port(socket: &UdpSocket) -> u16 {
    socket.local_addr().unwrap().port()
}

fn reaches(from: &UdpSocket, to: &UdpSocket, address: Ipv6Addr, scope: u32) {
    from.send_to(b"hello", SocketAddrV6::new(address, port(to), 0, scope)).unwrap();
    let mut payload = [0; 16];
    assert_eq!(to.recv(&mut payload).unwrap(), 5);
}

fn here() -> std::path::PathBuf {
    fs::read_link("/proc/thread-self/ns/net").unwrap()
}

fn a_test_without_needs_can_use_loopback() {
    let (a, b) = (UdpSocket::bind("[::1]:0").unwrap(), UdpSocket::bind("[::1]:0").unwrap());
    reaches(&a, &b, Ipv6Addr::LOCALHOST, 0);
}

fn a_test_with_ipv4_can_use_its_loopback() {
    UdpSocket::bind("127.0.0.1:0").unwrap();
}

fn each_test_runs_in_its_own_network() {
    let main = fs::read_link("/proc/self/ns/net").unwrap();
    assert_ne!(here(), main);
    a_test_without_needs_can_use_loopback();
}

fn the_hosts_of_a_pair_reach_each_other() {
    let pair = Pair::new().unwrap();
    let (a, b) = (socket(&pair.a), socket(&pair.b));
    reaches(&a, &b, Pair::B, 0);
    reaches(&b, &a, Pair::A, 0);
    reaches(&b, &a, pair.a.link_local("eth0").unwrap(), pair.b.index("eth0").unwrap());
}

fn a_router_forwards_between_two_links() {
    let line = Line::new().unwrap();
    let (a, b) = (socket(&line.a), socket(&line.b));
    reaches(&a, &b, Line::B, 0);
    reaches(&b, &a, Line::A, 0);
}

fn a_smaller_mtu_at_the_router_limits_the_path() {
    let line = Line::new().unwrap();
    line.router.ip("link set right mtu 1300").unwrap();
    let (a, b) = (socket(&line.a), socket(&line.b));
    b.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let send = || a.send_to(&[0; 1400], (Line::B, port(&b))).unwrap();
    // The first packet is dropped with "packet too big"; after that the sender sends fragments.
    let mut payload = [0; 2000];
    send();
    assert_eq!(b.recv(&mut payload).unwrap_err().kind(), ErrorKind::WouldBlock);
    b.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    send();
    assert_eq!(b.recv(&mut payload).unwrap(), 1400);
}

fn multicast_crosses_a_link() {
    let pair = Pair::new().unwrap();
    let (a, b) = (socket(&pair.a), socket(&pair.b));
    b.join_multicast_v6(&GROUP, pair.b.index("eth0").unwrap()).unwrap();
    assert!(pair.b.proc_net("igmp6").unwrap().contains("ff020000000000000000000000000114"));
    reaches(&a, &b, GROUP, pair.a.index("eth0").unwrap());
}

fn a_link_is_ready_at_once() {
    let (a, b) = (Host::new("a").unwrap(), Host::new("b").unwrap());
    link(&a, "one", &b, "two").unwrap();
    // Duplicate address detection would take two seconds.
    for (host, interface) in [(&a, "one"), (&b, "two")] {
        let detection = host.read(&format!("/proc/sys/net/ipv6/conf/{interface}/accept_dad"));
        assert_eq!(detection.unwrap().trim(), "0");
    }
    let (from, to) = (socket(&a), socket(&b));
    reaches(&from, &to, b.link_local("two").unwrap(), a.index("one").unwrap());
    // A second link between the same hosts.
    link(&a, "three", &b, "four").unwrap();
}

/// A command that runs one test of this program.
fn again(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test]);
    command
}

fn dropped_hosts_leave_no_file_descriptor() {
    const ALONE: &str = "IPV6_TESTNET_ALONE";
    if env::var_os(ALONE).is_none() {
        // In a process of its own: other tests of this program open files at the same time.
        let output = again("dropped_hosts_leave_no_file_descriptor").env(ALONE, "1").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
    let before = descriptors();
    let hosts: Vec<Host> = (0..50).map(|_| Host::new("one of fifty").unwrap()).collect();
    assert_eq!(descriptors(), before + 50);
    drop(hosts);
    assert_eq!(descriptors(), before);
}

fn a_panic_on_a_host_returns_the_thread() {
    let (host, other) = (Host::new("host").unwrap(), Host::new("other").unwrap());
    let before = here();
    // `resume_unwind` panics without a message, which would look like a failure in the output.
    let panics = || resume_unwind(Box::new("on purpose"));
    let result = catch_unwind(AssertUnwindSafe(|| host.run(|| other.run(panics))));
    assert!(result.is_err());
    assert_eq!(here(), before);
    assert_ne!(host.run(here), before);
}

fn programs_and_threads_stay_on_their_host() {
    let host = Host::new("host").unwrap();
    let place = host.run(here);
    let thread = host.run(|| thread::spawn(here));
    assert_eq!(thread.join().unwrap(), place);
    let child = host.spawn(Command::new("readlink").arg("/proc/self/ns/net").stdout(Stdio::piped())).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), place.to_str().unwrap());
}

fn errors_name_the_host_and_the_cause() {
    let host = Host::new("alpha").unwrap();
    let text = |error: std::io::Error| {
        let text = error.to_string();
        assert!(text.contains("alpha"), "{text}");
        text
    };
    let error = text(host.ip("link set eth7 up").unwrap_err());
    assert!(error.contains("`ip link set eth7 up`") && error.contains("Cannot find device"), "{error}");
    assert!(text(host.index("eth7").unwrap_err()).contains("eth7"));
    assert!(text(host.set("net/ipv6/nothing", "1").unwrap_err()).contains("/proc/sys/net/ipv6/nothing"));
    assert!(text(host.read("/proc/nothing").unwrap_err()).contains("/proc/nothing"));
}

fn each_test_may_open_ping_sockets() {
    // The probe opened such sockets in another namespace. This one has the same setting.
    let range = fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").unwrap();
    assert_eq!(range.split_whitespace().collect::<Vec<_>>(), ["0", "0"]);
}

/// Runs one test of this program where namespaces are forbidden.
fn forbidden(test: &str, require_all: &str) -> Output {
    // Root of a user namespace that allows no further ones, without capabilities.
    const SCRIPT: &str = "echo 0 >/proc/sys/user/max_user_namespaces && \
                          exec setpriv --bounding-set=-all --inh-caps=-all \"$0\" --exact \"$1\"";
    let mut command = Command::new("unshare");
    command.args(["-U", "-r", "sh", "-c", SCRIPT]).arg(env::current_exe().unwrap()).arg(test);
    command.env("IPV6_REQUIRE_ALL", require_all).output().unwrap()
}

fn a_test_whose_need_is_not_met_is_ignored_or_fails() {
    const REASON: &str = "this machine forbids user namespaces: unshare: ENOSPC";
    let text = |output: &Output| {
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    let skipped = forbidden("the_hosts_of_a_pair_reach_each_other", "");
    let said = text(&skipped);
    assert!(skipped.status.success(), "{said}");
    assert!(said.contains("0 passed; 0 failed; 1 ignored"), "{said}");
    assert!(said.contains(&format!("skipped the_hosts_of_a_pair_reach_each_other: {REASON}")), "{said}");

    let failed = forbidden("the_hosts_of_a_pair_reach_each_other", "1");
    let said = text(&failed);
    assert!(!failed.status.success(), "{said}");
    assert!(said.contains("0 passed; 1 failed; 0 ignored") && said.contains(REASON), "{said}");

    // A test without needs still runs.
    let passed = forbidden("a_test_without_needs_can_use_loopback", "1");
    assert!(passed.status.success(), "{}", text(&passed));
}

fn the_c_compiler_runs() {
    assert!(ipv6_testnet::cc().arg("--version").output().unwrap().status.success());
}

fn strace_prints_system_calls() {
    let output = Command::new("strace").args(["-e", "trace=execve", "true"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("execve("));
}

fn a_test_that_hangs_ends_after_the_limit() {
    const ASLEEP: &str = "IPV6_TESTNET_ASLEEP";
    if let Ok(seconds) = env::var(ASLEEP) {
        return thread::sleep(Duration::from_secs(seconds.parse().unwrap()));
    }
    let run = |asleep, limit| {
        let mut command = again("a_test_that_hangs_ends_after_the_limit");
        command.env(ASLEEP, asleep).env("IPV6_TEST_SECONDS", limit).output().unwrap()
    };
    let hung = run("600", "1");
    assert!(!hung.status.success());
    assert!(String::from_utf8_lossy(&hung.stderr).contains("hangs: still running after 1 s"));
    // Longer than that of this program.
    assert!(run("0", "100000").status.success());
}
