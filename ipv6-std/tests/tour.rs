//! The example `tour`, run as a user runs it.

mod programs;

use std::process::{Command, Output, Stdio};

use ipv6_testnet::Pair;
use programs::{example, objects};

ipv6_testnet::tests! {
    [Namespace] every_step_is_as_expected;
    [Namespace] the_tour_runs_on_a_real_interface;
    [Namespace] without_namespaces_the_tour_runs_on_loopback;
    [Namespace] a_failed_step_is_reported;
    [Namespace] a_closed_pipe_is_not_an_error;
    [Namespace] an_unknown_interface_is_an_error;
}

fn tour() -> Command {
    example("tour")
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

fn every_step_is_as_expected() {
    let output = run(tour().arg("--json"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let steps = objects(&output);
    assert_eq!(steps.len(), 10);
    assert!(steps.iter().all(|step| step["ok"] == true));
    let text = String::from_utf8(run(&mut tour()).stdout).unwrap();
    assert_eq!(text.matches('✓').count(), 10, "{text}");
    assert!(text.ends_with("10 steps as expected, 0 not, 0 left out\n"), "{text}");
}

fn the_tour_runs_on_a_real_interface() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    let output = a.run(|| run(tour().args(["--json", "--interface", "eth0"])));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(objects(&output).iter().filter(|step| step["ok"] == true).count(), 10);
}

fn without_namespaces_the_tour_runs_on_loopback() {
    // In a user namespace that may not create others, without its privileges.
    let script = "echo 0 > /proc/sys/user/max_user_namespaces
        echo 0 > /proc/sys/user/max_net_namespaces
        exec setpriv --bounding-set -all --inh-caps -all -- \"$0\" --json";
    let output = run(Command::new("unshare").args(["-Ur", "sh", "-c", script]).arg(tour().get_program()));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
    let steps = objects(&output);
    assert_eq!(steps.iter().filter(|step| step["ok"] == true).count(), 2);
    let left_out: Vec<_> = steps.iter().filter_map(|step| step["left_out"].as_str()).collect();
    assert_eq!(left_out.len(), 8, "{left_out:?}");
    assert_eq!(left_out.last(), Some(&"a raw socket that receives echo replies only"));
    assert!(steps.iter().all(|step| step["ok"] == true || step["reason"].is_string()));
}

fn a_failed_step_is_reported() {
    const STEP: &str = "a raw socket that receives echo replies only";
    let Pair { a, b: _b } = Pair::new().unwrap();
    // Without replies to echo requests, the ICMPv6 step fails.
    a.set("net/ipv6/icmp/echo_ignore_all", "1").unwrap();
    let output = a.run(|| run(tour().args(["--json", "--interface", "eth0"])));
    assert_eq!(output.status.code(), Some(1));
    let steps = objects(&output);
    let failed: Vec<_> = steps.iter().filter(|step| step["ok"] == false).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["step"], STEP);
    assert_eq!(failed[0]["arrived"], "error: the read deadline has passed");
    assert_eq!(steps.len(), 10);

    let output = a.run(|| run(tour().args(["--interface", "eth0"])));
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("✗ {STEP}\n")), "{text}");
    assert!(text.ends_with("9 steps as expected, 1 not, 0 left out\n"), "{text}");
}

fn a_closed_pipe_is_not_an_error() {
    for arguments in [&["--json"][..], &[]] {
        let mut command = tour();
        let mut child =
            command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{}: {said}", output.status);
    }
}

fn an_unknown_interface_is_an_error() {
    let output = run(tour().args(["--interface", "nosuch0"]));
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "tour: no interface nosuch0\n");
}
