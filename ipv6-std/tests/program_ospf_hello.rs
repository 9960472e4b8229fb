//! The example `ospf_hello`, with the OSPFv3 daemon of FRR.

mod programs;

use std::net::{Ipv6Addr, SocketAddrV6};
use std::process::Command;

use ipv6_std::{InterfaceIndex, RawConn, SendControl};
use ipv6_testnet::{Host, Pair};
use programs::*;
use serde_json::{Value, json};

ipv6_testnet::tests! {
    [] help_lists_the_options;
    [Namespace] invalid_arguments_are_refused;
    [RawSocket, Program("ospf6d"), Program("zebra"), Program("vtysh")] frr_lists_it_as_two_way_until_it_stops;
    [RawSocket, Program("ospf6d"), Program("zebra"), Program("vtysh")] it_reports_frr_as_down_after_the_dead_interval;
    [RawSocket, Program("ospf6d"), Program("zebra"), Program("vtysh")] a_router_with_other_intervals_is_ignored;
    [RawSocket] two_instances_become_two_way;
    [RawSocket] other_areas_and_instances_are_ignored;
    [RawSocket] malformed_packets_are_ignored;
    [RawSocket] mismatched_hellos_are_ignored_with_the_reason;
    [RawSocket] forged_neighbours_make_room_for_others_and_do_not_displace_a_real_one;
    [RawSocket] a_real_neighbour_finds_room_among_forged_ones;
    [RawSocket] a_known_router_id_from_a_second_address_is_ignored;
    [RawSocket] unusual_hellos_are_reported;
    [RawSocket] a_hello_that_cannot_be_sent_does_not_end_it;
    [RawSocket] a_lost_interface_is_the_reason_for_its_end;
    [RawSocket] an_interrupt_ends_it_with_a_summary;
    [RawSocket, Program("dumpcap"), Program("tshark")] tshark_decodes_the_hellos;
}

const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 5);
const INTERVALS: &str = "--hello-interval 1 --dead-interval 4";

fn hello(arguments: &str) -> Command {
    example("ospf_hello").typed(&format!("--interface eth0 --json {arguments}"))
}

/// FRR's OSPFv3 on a host, as router 10.0.0.2 in area 0.
struct Frr {
    folder: Folder,
    _zebra: Running,
    ospf6d: Running,
}

impl Frr {
    fn start(host: &Host, hello: u32, dead: u32) -> Self {
        let folder = Folder::new(&format!("frr-{hello}-{dead}-{}", host.index("eth0").unwrap()));
        folder.write("zebra.conf", "");
        // Priority 0: without a designated router the state does not go beyond Two-Way.
        folder.write(
            "ospf6d.conf",
            &format!(
                "interface eth0\n ipv6 ospf6 area 0.0.0.0\n ipv6 ospf6 hello-interval {hello}\n \
                 ipv6 ospf6 dead-interval {dead}\n ipv6 ospf6 priority 0\n!\nrouter ospf6\n \
                 ospf6 router-id 10.0.0.2\n!\n"
            ),
        );
        let zebra = frr_daemon(host, &folder, "zebra");
        until("zebra's socket", || std::path::Path::new(folder.path()).join("zserv.api").exists());
        let ospf6d = frr_daemon(host, &folder, "ospf6d");
        Self { folder, _zebra: zebra, ospf6d }
    }

    /// The neighbours that FRR shows.
    fn neighbours(&self, host: &Host) -> Vec<Value> {
        let path = self.folder.path();
        let question = "show ipv6 ospf6 neighbor json";
        let vtysh = command("vtysh", ["--vty_socket", path, "--config_dir", path, "-c", question]);
        let output = output(host, vtysh);
        let answer: Value = serde_json::from_str(&text(&output)).unwrap_or_default();
        answer["neighbors"].as_array().cloned().unwrap_or_default()
    }
}

fn help_lists_the_options() {
    helps(
        "ospf_hello",
        &[
            "It believes",
            "It ignores",
            "Usage: ospf_hello",
            "--router-id",
            "--area",
            "--hello-interval",
            "--json",
        ],
    );
}

fn invalid_arguments_are_refused() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    let rest = "--router-id 10.0.0.1 --area 0";
    for (command, says) in [
        (format!("--interface nosuch0 {rest}"), "ospf_hello: no interface nosuch0\n"),
        (format!("--interface lo {rest}"), "ospf_hello: interface lo does not support multicast\n"),
        (format!("--interface eth0 {rest} --hello-interval 0"), "0 is not in 1..=65535"),
        ("--interface eth0 --router-id 0.0.0.0 --area 0".into(), "0.0.0.0 is not a valid router ID"),
        ("--interface eth0 --router-id 10.0.0.1 --area x".into(), "not a number and not of the form 0.0.0.0"),
    ] {
        refuses(&a, example("ospf_hello").typed(&command), says);
    }
    let without = unprivileged(&example("ospf_hello").typed(&format!("--interface eth0 {rest}")));
    refuses(&a, without, "ospf_hello: a raw socket needs root or CAP_NET_RAW: Operation not permitted");
}

fn frr_lists_it_as_two_way_until_it_stops() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut ours = Running::start(&a, hello(&format!("--router-id 10.0.0.1 --area 0 {INTERVALS}")));
    let frr = Frr::start(&b, 1, 4);
    until("Two-Way", || {
        let neighbours = frr.neighbours(&b);
        neighbours.iter().any(|of| of["neighborId"] == "10.0.0.1" && of["state"] == "Twoway")
    });
    let printed = object(ours.line("Two-Way"));
    for (field, value) in [
        ("router_id", json!("10.0.0.2")),
        ("address", json!(b.link_local("eth0").unwrap().to_string())),
        ("priority", json!(0)),
        ("designated", json!("0.0.0.0")),
        ("interface", json!("eth0")),
    ] {
        assert_eq!(printed[field], value, "{field}");
    }
    // The neighbour stays for longer than the dead interval.
    std::thread::sleep(std::time::Duration::from_secs(5));
    assert_eq!(frr.neighbours(&b).len(), 1);
    assert!(!ours.stop().iter().any(|line| line.contains("Down")));
    until("no neighbour", || frr.neighbours(&b).is_empty());
}

fn it_reports_frr_as_down_after_the_dead_interval() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut ours = Running::start(&a, hello(&format!("--router-id 10.0.0.1 --area 0.0.0.0 {INTERVALS}")));
    let frr = Frr::start(&b, 1, 4);
    ours.line("Two-Way");
    frr.ospf6d.stop();
    let printed = object(ours.line("Down"));
    assert_eq!((&printed["router_id"], &printed["state"]), (&json!("10.0.0.2"), &json!("Down")));
}

fn a_router_with_other_intervals_is_ignored() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut ours = Running::start(&a, hello(&format!("--router-id 10.0.0.1 --area 0 {INTERVALS}")));
    let frr = Frr::start(&b, 1, 5);
    let printed = object(ours.line("Ignored"));
    assert_eq!(printed["address"], b.link_local("eth0").unwrap().to_string());
    assert_eq!(printed["reason"], "Hello and dead intervals (1, 5), not (1, 4)");
    assert!(frr.neighbours(&b).is_empty());
    assert!(ours.stop().is_empty());
}

fn two_instances_become_two_way() {
    let Pair { a, b } = Pair::new().unwrap();
    let first = format!("--router-id 1.1.1.1 --area 7 {INTERVALS} --priority 9 --instance 3");
    let mut first = Running::start(&a, hello(&first));
    let second = format!("--router-id 2.2.2.2 --area 0.0.0.7 {INTERVALS} --instance 3");
    let mut second = Running::start(&b, hello(&second));
    assert_eq!(object(second.line("Two-Way"))["priority"], 9);
    assert_eq!(object(first.line("Two-Way"))["router_id"], "2.2.2.2");
    first.stop();
    assert_eq!(object(second.line("Down"))["router_id"], "1.1.1.1");
    let short = output(&a, hello(&format!("--router-id 1.1.1.1 --area 9 {INTERVALS} --timeout 0.1")));
    assert!(short.status.success() && text(&short).is_empty(), "{short:?}");
}

fn other_areas_and_instances_are_ignored() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut all: Vec<Running> = [("1.1.1.1", "7", "0"), ("2.2.2.2", "8", "0"), ("3.3.3.3", "7", "1")]
        .iter()
        .map(|(id, area, instance)| {
            let of = format!("--router-id {id} --area {area} --instance {instance} {INTERVALS}");
            Running::start(&a, hello(&of))
        })
        .collect();
    let mut other = Running::start(&b, hello(&format!("--router-id 9.9.9.9 --area 7 {INTERVALS}")));
    all[0].line("Two-Way");
    other.line("Two-Way");
    // After two Hello intervals, every program has sent a Hello.
    std::thread::sleep(std::time::Duration::from_secs(2));
    for running in all.drain(1..) {
        assert_eq!(running.stop(), [""; 0]);
    }
    assert!(other.stop().iter().all(|line| line.contains("1.1.1.1")));
}

/// Sends arbitrary OSPF packets from a host.
struct Forger {
    conn: RawConn,
    on: InterfaceIndex,
}

impl Forger {
    fn new(host: &Host) -> Self {
        let conn = host.run(|| RawConn::open(89)).unwrap();
        conn.set_checksum_offset(Some(12)).unwrap();
        Self { conn, on: InterfaceIndex::new(host.index("eth0").unwrap()).unwrap() }
    }

    fn send(&self, packet: &[u8], source: Option<Ipv6Addr>) {
        let mut control = SendControl::new().with_interface(self.on).with_hop_limit(1);
        control.source = source;
        self.conn.send_to(packet, &control, SocketAddrV6::new(GROUP, 0, 0, 0)).unwrap();
    }
}

/// A Hello of a router in area 7, with the intervals of `INTERVALS`, that lists 1.1.1.1 as a neighbour.
fn hello_of(id: [u8; 4]) -> Vec<u8> {
    let mut packet = vec![3, 1, 0, 40];
    packet.extend(id);
    packet.extend([0, 0, 0, 7, 0, 0, 0, 0]);
    packet.extend([0, 0, 0, 1, 5, 0, 0, 0x13, 0, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]);
    packet
}

fn malformed_packets_are_ignored() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut ours = Running::start(&a, hello(&format!("--router-id 1.1.1.1 --area 7 {INTERVALS}")));
    joined(&a, &GROUP.to_string());
    let forger = Forger::new(&b);
    let packet = |id: u8| hello_of([2, 2, 2, id]);
    // Without the checksum of the kernel, the packet has a wrong one.
    forger.conn.set_checksum_offset(None).unwrap();
    forger.send(&packet(1), None);
    forger.conn.set_checksum_offset(Some(12)).unwrap();
    forger.send(&packet(2)[..38], None);
    forger.send(&packet(3)[..16], None);
    let changed = |id: u8, at: usize, value: u8| {
        let mut packet = packet(id);
        packet[at] = value;
        packet
    };
    forger.send(&changed(4, 0, 2), None); // version 2
    forger.send(&changed(5, 1, 2), None); // not a Hello
    forger.send(&changed(6, 3, 41), None); // a length longer than the packet
    forger.send(&changed(7, 3, 35), None); // a length shorter than the fixed part
    forger.send(&packet(8), Some(Pair::B)); // not link-local
    forger.send(&packet(9), None);
    let printed = object(ours.line("{"));
    assert_eq!((&printed["router_id"], &printed["state"]), (&json!("2.2.2.9"), &json!("Two-Way")));
}

fn mismatched_hellos_are_ignored_with_the_reason() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut ours = Running::start(&a, hello(&format!("--router-id 1.1.1.1 --area 7 {INTERVALS}")));
    joined(&a, &GROUP.to_string());
    let forger = Forger::new(&b);
    let mut stub = hello_of([2, 2, 2, 2]);
    stub[23] = 0x11; // without bit E
    for (packet, id, reason) in [
        (stub, "2.2.2.2", "its area accepts no external routes"),
        (hello_of([1, 1, 1, 1]), "1.1.1.1", "it has our router ID"),
    ] {
        forger.send(&packet, None);
        let printed = object(ours.line("{"));
        assert_eq!(
            (&printed["state"], &printed["router_id"], &printed["reason"]),
            (&json!("Ignored"), &json!(id), &json!(reason))
        );
    }
}

/// A Hello of a router in area 7 with this number, and with these intervals.
fn numbered(id: u16, dead_interval: u16) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    let mut packet = hello_of([9, 9, high, low]);
    packet[26..28].copy_from_slice(&dead_interval.to_be_bytes());
    packet
}

/// A Hello lists the neighbours, and must fit into a packet of the minimum MTU.
fn forged_neighbours_make_room_for_others_and_do_not_displace_a_real_one() {
    const MOST: u16 = 301;
    let Pair { a, b } = Pair::new().unwrap();
    let options = "--area 7 --hello-interval 1 --dead-interval 400";
    let mut ours = Running::start(&a, hello(&format!("--router-id 1.1.1.1 {options}")));
    joined(&a, &GROUP.to_string());
    let forger = Forger::new(&b);
    forger.conn.set_multicast_loopback(false).unwrap();
    forger.conn.join_group(GROUP, forger.on).unwrap();
    let mut real = Running::start(&b, hello(&format!("--router-id 2.2.2.2 {options}")));
    ours.line("2.2.2.2");
    // It has sent two Hellos.
    real.line("Two-Way");
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let send = |id: u16| {
        forger.send(&numbered(id, 400), None);
        format!("\"9.9.{}.{}\",\"state\":\"Two-Way\"", id / 256, id % 256)
    };
    for id in 0..2 * MOST {
        let printed = send(id);
        ours.line(&printed);
    }
    // Those that made room were printed, the oldest first.
    let down: Vec<Value> = ours.seen.iter().map(object).filter(|line| line["state"] == "Down").collect();
    assert_eq!(down.len(), usize::from(MOST) + 1);
    assert_eq!((&down[0]["router_id"], &down[0]["displaced_by"]), (&json!("9.9.0.0"), &json!("9.9.1.44")));
    let full = 36 + 4 * usize::from(MOST);
    forger.conn.set_read_deadline(Some(std::time::Instant::now() + std::time::Duration::from_secs(60)));
    let mut payload = [0; 2048];
    let is_listed = loop {
        let got = forger.conn.recv_from(&mut payload).unwrap();
        if got.len == full {
            break payload[36..full].chunks(4).any(|id| id == [2, 2, 2, 2]);
        }
        assert!(got.len < full);
    };
    assert!(is_listed);
    // Neighbours that stay do not make room for others.
    for id in MOST + 1..2 * MOST {
        send(id);
        if id % 50 == 0 {
            read_all(&a, "raw6");
        }
    }
    send(5000);
    let ignored = object(ours.line("9.9.19.136"));
    assert_eq!(ignored["reason"], "301 neighbours are known, more than a Hello can list");
    // The real one was never lost.
    let lines = ours.stop();
    assert!(lines.iter().all(|line| !line.contains("2.2.2.2")), "{lines:#?}");
    assert!(real.stop().is_empty());
}

/// One address with 301 router IDs, each of which sends Hellos again and again.
fn a_real_neighbour_finds_room_among_forged_ones() {
    let Pair { a, b } = Pair::new().unwrap();
    let bad: Ipv6Addr = "fe80::bad".parse().unwrap();
    // A deprecated address, which the real one does not choose as its source.
    b.ip("address add fe80::bad/64 dev eth0 nodad preferred_lft 0").unwrap();
    let options = "--area 7 --hello-interval 1 --dead-interval 400";
    let mut ours = Running::start(&a, hello(&format!("--router-id 1.1.1.1 {options}")));
    joined(&a, &GROUP.to_string());
    let forger = Forger::new(&b);
    let forge = || {
        for id in 0..301 {
            forger.send(&numbered(id, 400), Some(bad));
            if id % 50 == 0 {
                read_all(&a, "raw6");
            }
        }
    };
    forge();
    ours.line("9.9.1.44");
    forge();
    let mut real = Running::start(&b, hello(&format!("--router-id 2.2.2.2 {options}")));
    real.line("1.1.1.1");
    ours.line_where("the real one", |line| line.contains("2.2.2.2") && line.contains("Two-Way"));
    forge();
    forge();
    std::thread::sleep(std::time::Duration::from_secs(2));
    let lines = ours.stop();
    let is_lost = |line: &&String| line.contains("\"router_id\":\"2.2.2.2\"");
    assert_eq!(lines.iter().find(is_lost), None);
    assert!(lines.iter().any(|line| line.contains("9.9.1.44") || line.contains("Ignored")), "{lines:#?}");
}

fn a_known_router_id_from_a_second_address_is_ignored() {
    let Pair { a, b } = Pair::new().unwrap();
    let real = b.link_local("eth0").unwrap();
    b.add_address("fe80::bad".parse().unwrap(), "eth0").unwrap();
    let mut ours = Running::start(&a, hello(&format!("--router-id 1.1.1.1 --area 7 {INTERVALS}")));
    joined(&a, &GROUP.to_string());
    let forger = Forger::new(&b);
    let packet = hello_of([2, 2, 2, 2]);
    forger.send(&packet, Some(real));
    ours.line("Two-Way");
    // A Hello that does not list us would make the real neighbour Init.
    let mut changed = packet.clone();
    changed.truncate(36);
    changed[3] = 36;
    for _ in 0..3 {
        forger.send(&changed, Some("fe80::bad".parse().unwrap()));
        forger.send(&packet, Some(real));
    }
    let ignored = object(ours.line("Ignored"));
    assert_eq!((&ignored["router_id"], &ignored["address"]), (&json!("2.2.2.2"), &json!("fe80::bad")));
    assert_eq!(ignored["reason"], format!("the router ID belongs to {real}, which is not Down"));
    // When the first is silent for the dead interval, the second one counts.
    ours.line("Down");
    forger.send(&changed, Some("fe80::bad".parse().unwrap()));
    assert_eq!(object(ours.line("Init"))["address"], "fe80::bad");
}

fn unusual_hellos_are_reported() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut ours = Running::start(&a, hello(&format!("--router-id 1.1.1.1 --area 7 {INTERVALS}")));
    joined(&a, &GROUP.to_string());
    let forger = Forger::new(&b);
    forger.send(&hello_of([0, 0, 0, 0]), None);
    let ignored = object(ours.line("Ignored"));
    assert_eq!(
        (&ignored["router_id"], &ignored["reason"]),
        (&json!("0.0.0.0"), &json!("0.0.0.0 is not a valid router ID"))
    );
    // Hellos in fragments, with up to 65,000 bytes, whose last neighbour is this router.
    for (id, neighbours) in [(1, 400), (2, 16_000)] {
        let mut packet = hello_of([2, 2, 2, id]);
        packet.truncate(36);
        packet.extend([7; 4].repeat(neighbours));
        packet.extend([1, 1, 1, 1]);
        let length = packet.len() as u16;
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        forger.send(&packet, None);
        let printed = object(ours.line("router_id"));
        assert_eq!(
            (&printed["router_id"], &printed["state"]),
            (&json!(format!("2.2.2.{id}")), &json!("Two-Way"))
        );
    }
}

fn a_hello_that_cannot_be_sent_does_not_end_it() {
    let Pair { a, b } = Pair::new().unwrap();
    let _other = Running::start(&b, hello(&format!("--router-id 2.2.2.2 --area 7 {INTERVALS}")));
    // The first rule, before that of the local table.
    a.ip("-6 rule add pref 100 table local").unwrap();
    a.ip("-6 rule del pref 0").unwrap();
    a.ip("-6 rule add pref 1 to ff02::5 prohibit").unwrap();
    let mut ours = Running::start(&a, hello(&format!("--router-id 1.1.1.1 --area 7 {INTERVALS}")));
    let warning = object(ours.line("no Hello sent"))["warning"].as_str().unwrap().to_string();
    let says =
        "no Hello sent: interface eth0: a route or a firewall of this host prohibits packets to ff02::5";
    assert!(warning.starts_with(says), "{warning}");
    a.ip("-6 rule del pref 1").unwrap();
    ours.line("Two-Way");
}

fn a_lost_interface_is_the_reason_for_its_end() {
    for (command, says) in [("link del eth0", "has disappeared"), ("link set eth0 down", "is down")] {
        let Pair { a, b: _b } = Pair::new().unwrap();
        let ours = Running::start(&a, hello(&format!("--router-id 1.1.1.1 --area 7 {INTERVALS}")));
        joined(&a, &GROUP.to_string());
        a.ip(command).unwrap();
        let (status, lines) = ours.end();
        assert_eq!(status.code(), Some(2));
        let error = object(lines.last().unwrap())["error"].as_str().unwrap().to_string();
        assert!(error.starts_with(&format!("interface eth0 {says}")), "{error}");
    }
}

fn an_interrupt_ends_it_with_a_summary() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut ours = Running::start(&a, hello(&format!("--router-id 1.1.1.1 --area 7 {INTERVALS}")));
    joined(&a, &GROUP.to_string());
    Forger::new(&b).send(&hello_of([2, 2, 2, 2]), None);
    ours.line("Two-Way");
    ours.interrupt();
    let (status, lines) = ours.end();
    assert!(status.success());
    assert_eq!(object(&lines[0]), json!({"neighbours": 1, "two_way": 1}));
}

fn tshark_decodes_the_hellos() {
    let Pair { a, b } = Pair::new().unwrap();
    let _other = Running::start(&b, hello(&format!("--router-id 10.0.0.2 --area 3 {INTERVALS}")));
    let capture = Capture::start(&b, "eth0");
    let mut ours =
        Running::start(&a, hello(&format!("--router-id 10.0.0.1 --area 3 {INTERVALS} --priority 7")));
    ours.line("Two-Way");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    // A packet with a wrong checksum, to see that tshark reports it.
    let forger = Forger::new(&a);
    forger.conn.set_checksum_offset(None).unwrap();
    let mut wrong = hello_of([9, 9, 9, 9]);
    wrong[12..14].copy_from_slice(&[0xba, 0xad]);
    forger.send(&wrong, None);
    let fields = [
        "ipv6.dst",
        "ipv6.hlim",
        "ipv6.tclass",
        "ospf.version",
        "ospf.area_id",
        "ospf.hello.router_priority",
        "ospf.hello.router_dead_interval",
        "ospf.hello.active_neighbor",
    ];
    let captured = capture.end();
    let hellos = captured.fields("ospf.srcrouter == 10.0.0.1 && ospf.msg.hello", fields);
    assert!(hellos.len() >= 2, "{hellos:?}");
    for [group, hops, class, version, area, priority, dead, _] in &hellos {
        assert_eq!([group, hops, version, area, priority], ["ff02::5", "1", "3", "0.0.0.3", "7"]);
        assert_eq!((number(class), number(dead)), (0xc0, 4));
    }
    // tshark has no field for the status of this checksum.
    let statuses = |filter: &str| -> Vec<String> {
        let printed = captured.described(filter, "ospf");
        let lines = printed.lines().filter(|line| line.trim_start().starts_with("Checksum: "));
        lines.map(|line| line[line.find('[').unwrap_or(line.len())..].to_string()).collect()
    };
    assert_eq!(statuses("ospf.srcrouter == 10.0.0.1 && ospf.msg.hello"), vec!["[correct]"; hellos.len()]);
    let wrong = statuses("ospf.srcrouter == 9.9.9.9");
    assert!(wrong.len() == 1 && wrong[0].starts_with("[incorrect"), "{wrong:?}");
    assert_eq!(hellos.last().unwrap()[7], "10.0.0.2");
}
