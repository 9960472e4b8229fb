//! The example `quic`: quinn on `ipv6_std::tokio::PacketConn`, on loopback and between hosts.

// The example exists for these systems (examples/quic/main.rs).
#![cfg_attr(
    not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")),
    allow(dead_code, unused_imports)
)]

mod programs;

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use ipv6_testnet::{Host, Pair};
use programs::*;
use serde_json::Value;

#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
ipv6_testnet::tests! {
    [] help_lists_the_options;
    [Namespace] twenty_megabytes_on_loopback;
    [Namespace] twenty_megabytes_between_hosts_from_the_address_that_was_asked;
    [Namespace, Ipv4] ipv4_clients_reach_the_dual_stack_server;
    [Namespace] link_local_servers_have_a_zone;
    [Namespace] several_clients_are_served_at_once;
    [Namespace] failures_are_explained;
    [Namespace, Strace] a_lack_of_memory_does_not_end_the_server;
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
fn main() {}

fn quic(arguments: &str) -> Command {
    example("quic").typed(arguments)
}

/// A server that stops after `count` connections, and the file with its certificate.
struct Server {
    running: Running,
    certificate: String,
    _folder: Folder,
}

impl Server {
    fn start(host: &Host, listen: &str, count: u32) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let folder = Folder::new(&format!("quic-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        let certificate = format!("{}/server.der", folder.path());
        let serve = format!("serve --listen {listen} --certificate {certificate} --count {count} --json");
        let mut running = Running::start(host, quic(&serve));
        running.line("listening");
        Self { running, certificate, _folder: folder }
    }

    /// Fetches from it. Returns what the client printed.
    fn fetch(&self, client: &Host, server: &str, bytes: u64) -> [Value; 2] {
        let got = output(client, self.client(server, bytes));
        assert!(got.status.success(), "{got:?}");
        objects(&got).try_into().unwrap()
    }

    fn client(&self, server: &str, bytes: u64) -> Command {
        quic(&format!(
            "fetch {server} --certificate {} --bytes {bytes} --json --timeout 60",
            self.certificate
        ))
    }

    /// Waits for its end. Returns what it printed about connections, and the summary.
    fn end(self) -> (Vec<Value>, Value) {
        let (status, lines) = self.running.end();
        assert!(status.success(), "{lines:?}");
        let mut objects: Vec<Value> = lines.iter().map(object).collect();
        let summary = objects.pop().unwrap();
        (objects, summary)
    }
}

const BYTES: u64 = 20_000_000;

/// ECN on all datagrams, and several of them in a call in both directions.
fn is_offloaded(client: &Value, server: &Value) {
    let (sent, received) = (&server["sent"], &client["received"]);
    for (way, what) in [(sent, "sent"), (received, "received")] {
        let [datagrams, payloads, most] =
            ["datagrams", "payloads", "most"].map(|field| way[field].as_u64().unwrap());
        assert!(datagrams > BYTES / 1500, "{what}: {way}");
        assert!(most > 1 && payloads < datagrams / 2, "{what}: {way}");
    }
    assert_eq!(client["ecn"]["ect0"], received["datagrams"], "{client}");
    assert_eq!(server["ecn"]["ect0"], server["received"]["datagrams"], "{server}");
}

fn help_lists_the_options() {
    helps("quic", &["Usage: quic", "serve", "fetch", "--json", "What it believes"]);
}

fn twenty_megabytes_on_loopback() {
    let host = Host::new("host").unwrap();
    let server = Server::start(&host, "[::1]:4433", 1);
    let [fetched, client] = server.fetch(&host, "[::1]:4433", BYTES);
    assert_eq!(fetched["bytes"], BYTES);
    let (served, server) = server.end();
    assert_eq!((&served[0]["bytes"], &served[0]["at"]), (&BYTES.into(), &"::1".into()));
    is_offloaded(&client, &server);
}

/// The server has two addresses and listens on all. It answers from the one that the client asked, which the system
/// would not choose.
fn twenty_megabytes_between_hosts_from_the_address_that_was_asked() {
    const OTHER: &str = "2001:db8:1::b2";
    let Pair { a, b } = Pair::new().unwrap();
    b.add_address(OTHER.parse().unwrap(), "eth0").unwrap();
    let chosen = b.ip(&format!("-6 route get {}", Pair::A)).unwrap();
    let asked = if chosen.contains(OTHER) { Pair::B.to_string() } else { OTHER.to_string() };
    let server = Server::start(&b, "[::]:4433", 1);
    let [fetched, client] = server.fetch(&a, &format!("[{asked}]:4433"), BYTES);
    assert_eq!((&fetched["bytes"], &fetched["from"]), (&BYTES.into(), &asked.as_str().into()));
    let (served, server) = server.end();
    assert_eq!((&served[0]["to"], &served[0]["at"]), (&Pair::A.to_string().into(), &asked.into()));
    is_offloaded(&client, &server);
}

fn ipv4_clients_reach_the_dual_stack_server() {
    let Pair { a, b } = Pair::new().unwrap();
    a.ip("address add 192.0.2.1/24 dev eth0").unwrap();
    for address in ["192.0.2.2/24", "192.0.2.3/24"] {
        b.ip(&format!("address add {address} dev eth0")).unwrap();
    }
    let server = Server::start(&b, "[::]:4433", 1);
    // Not the first address, which the system would answer from.
    let [fetched, client] = server.fetch(&a, "192.0.2.3:4433", BYTES);
    assert_eq!(fetched["bytes"], BYTES);
    let (served, server) = server.end();
    assert_eq!(
        (&served[0]["to"], &served[0]["at"]),
        (&"::ffff:192.0.2.1".into(), &"::ffff:192.0.2.3".into())
    );
    is_offloaded(&client, &server);
}

fn link_local_servers_have_a_zone() {
    let Pair { a, b } = Pair::new().unwrap();
    let server = Server::start(&b, "[::]:4433", 1);
    let address = b.link_local("eth0").unwrap();
    let [fetched, _] = server.fetch(&a, &format!("[{address}%eth0]:4433"), 1_000_000);
    assert_eq!((&fetched["bytes"], &fetched["from"]), (&1_000_000.into(), &address.to_string().into()));
    server.end();
}

fn several_clients_are_served_at_once() {
    let Pair { a, b } = Pair::new().unwrap();
    let server = Server::start(&b, "[::]:4433", 4);
    let to = format!("[{}]:4433", Pair::B);
    let clients = [(); 4].map(|()| Running::start(&a, server.client(&to, 3_000_000)));
    for client in clients {
        let (status, lines) = client.end();
        assert!(status.success(), "{lines:?}");
        assert_eq!(object(&lines[0])["bytes"], 3_000_000);
    }
    assert_eq!(server.end().0.len(), 4);
}

fn failures_are_explained() {
    let Pair { a, b } = Pair::new().unwrap();
    let server = Server::start(&b, "[::]:4433", 100);
    let other = Server::start(&a, "[::]:4433", 100);
    refuses(&a, server.client(&format!("[{}]:4433", Pair::A), 1), "\"error\":");
    let mut silent = quic(&format!("fetch [{}]:4434 --timeout 0.3 --certificate", Pair::B));
    silent.arg(&other.certificate);
    refuses(&a, silent, "quic: not complete after 0.3 s\n");
    refuses(&a, quic("fetch [::1]:1 --certificate /nosuch"), "quic: /nosuch: No such file or directory");
    refuses(&a, quic("fetch [fe80::1%nosuch0]:1 --certificate x"), "no interface nosuch0");
    refuses(&a, server.client("[fe80::1]:1", 1), "fe80::1 is link-local: name its interface");
    refuses(&a, server.client("[ff02::1%eth0]:1", 1), "ff02::1 is a group");
    refuses(&a, server.client("[2001:db8:99::1]:1", 1), "this host has no route to 2001:db8:99::1");
    refuses(&a, quic("serve --listen [2001:db8::7]:1 --certificate x"), "[2001:db8::7]:1: ");
    // A client that waits for a host that does not answer, and the server.
    let mut waiting = quic(&format!("fetch [{}]:4434 --json --certificate", Pair::B));
    waiting.arg(&server.certificate);
    let waiting = Running::start(&a, waiting);
    until("a socket", || a.proc_net("udp6").unwrap().lines().count() > 2);
    // The handler of the signal exists before the socket.
    waiting.interrupt();
    let (status, lines) = waiting.end();
    assert_eq!((status.code(), &object(&lines[0])["interrupted"]), (Some(130), &true.into()), "{lines:?}");
    server.running.interrupt();
    let (_, summary) = server.end();
    assert_eq!(summary["interrupted"], true);
}

fn a_lack_of_memory_does_not_end_the_server() {
    let host = Host::new("host").unwrap();
    let folder = Folder::new("quic-memory");
    let certificate = format!("{}/server.der", folder.path());
    let fault = Fault::new("recvmmsg", "error=ENOMEM:when=2..4");
    let serve = quic(&format!("serve --listen [::1]:4433 --certificate {certificate} --count 2 --json"));
    let mut server = Running::start(&host, fault.inject(&serve));
    server.line("listening");
    for _ in 0..2 {
        let fetch = format!("fetch [::1]:4433 --certificate {certificate} --bytes 100000 --timeout 60");
        let got = output(&host, quic(&fetch));
        assert!(got.status.success(), "{got:?}");
    }
    assert!(server.end().0.success());
    fault.was_injected();
}
