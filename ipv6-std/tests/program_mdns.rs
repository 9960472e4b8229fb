//! The example `mdns`, with Avahi, dig and tshark.

#[path = "programs/mdns.rs"]
mod mdns;
mod programs;

use std::process::Command;

use ipv6_testnet::{Host, Pair, link};
use mdns::*;
use programs::*;
use serde_json::json;
use simple_dns::QTYPE;

ipv6_testnet::tests! {
    [] help_lists_the_options;
    [Namespace] invalid_arguments_are_refused;
    [Namespace, Program("avahi-daemon"), Program("avahi-resolve"), Program("dbus-daemon")] avahi_resolves_name_and_service;
    [Namespace, Program("avahi-daemon"), Program("dbus-daemon")] a_query_finds_the_name_of_avahi;
    [Namespace, Program("avahi-daemon"), Program("dbus-daemon")] a_name_that_avahi_uses_is_refused;
    [Namespace, Program("avahi-daemon"), Program("dbus-daemon")] avahi_chooses_another_name;
    [Namespace, Program("dig")] dig_gets_answers_as_from_a_plain_server;
    [RawSocket, Program("dumpcap"), Program("tshark")] tshark_decodes_the_packets;
    [Namespace] only_queries_on_the_chosen_interface_are_answered;
    [Namespace] a_goodbye_is_sent_at_the_end;
}

/// Avahi on a host, with its own message bus.
struct Avahi {
    _bus: Running,
    _folder: Folder,
    daemon: Running,
}

/// The address of the bus: an abstract name, which belongs to the network namespace of the host.
const BUS: &str = "unix:abstract=ipv6-testnet-avahi";

impl Avahi {
    fn start(host: &Host, name: &str) -> Self {
        let folder = Folder::new(&format!("avahi-{name}-{}", host.name()));
        let bus = folder.write(
            "bus.conf",
            &format!(
                "<busconfig><listen>{BUS}</listen><auth>EXTERNAL</auth><policy context=\"default\">\
                 <allow user=\"*\"/><allow own=\"*\"/><allow send_destination=\"*\"/>\
                 <allow send_type=\"method_call\"/><allow receive_sender=\"*\"/></policy></busconfig>"
            ),
        );
        let bus =
            command("dbus-daemon", ["--config-file", &bus, "--nofork", "--nopidfile", "--print-address"]);
        let mut bus = Running::start(host, bus);
        bus.line("unix:abstract=");
        let file = folder.write(
            "avahi.conf",
            &format!(
                "[server]\nhost-name={name}\nuse-ipv4=no\nallow-interfaces=eth0\ncheck-response-ttl=yes\n\
                 [wide-area]\nenable-wide-area=no\n[publish]\npublish-workstation=no\n"
            ),
        );
        let arguments = ["-f", &file, "--no-drop-root", "--no-chroot", "--no-rlimits"];
        // The user `avahi` becomes root under another name: IDs 0.
        let mut daemon = daemon(&folder, "avahi-daemon", &arguments, |line| {
            let mut fields: Vec<&str> = line.split(':').collect();
            if fields[0] == "avahi" {
                // Name, password, user or group ID, and for a user the group ID.
                let numbers = if fields.len() > 4 { 2..4 } else { 2..3 };
                fields[numbers].fill("0");
            }
            fields.join(":")
        });
        daemon.env("DBUS_SYSTEM_BUS_ADDRESS", BUS);
        let daemon = Running::start(host, daemon);
        Self { _bus: bus, _folder: folder, daemon }
    }

    /// Waits until it has chosen its name. Returns the log line with it.
    fn ready(&mut self) -> String {
        self.daemon.line("Server startup complete")
    }
}

/// Runs a client of Avahi.
fn ask_avahi(host: &Host, mut client: Command) -> String {
    client.env("DBUS_SYSTEM_BUS_ADDRESS", BUS);
    let output = output(host, client);
    assert!(output.status.success(), "{output:?}");
    text(&output)
}

fn help_lists_the_options() {
    helps("mdns", &["Usage: mdns", "respond", "query", "--json"]);
}

fn invalid_arguments_are_refused() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    for (command, says) in [
        ("query camera.local --interface nosuch0", "mdns: no interface nosuch0\n"),
        ("query camera.example --interface eth0", "does not end in .local"),
        ("query camera.local --interface lo", "mdns: interface lo does not support multicast\n"),
        ("respond --interface eth0 --name camera.local", "--address"),
        ("respond --interface eth0 --name camera.local --address ::1 --service x._y._udp.local", "--port"),
        ("respond --interface eth0 --name camera.local --address ::1 --port 7", "--service"),
        ("respond --interface eth0 --name camera.local --address ::1 --txt a=b", "--service"),
        (
            "respond --interface eth0 --name camera.local --address ::1 --port 7 --service _rtsp._tcp.local",
            "not of the form NAME._KIND._tcp.local",
        ),
    ] {
        refuses(&a, mdns(command), says);
    }
}

fn avahi_resolves_name_and_service() {
    let Pair { a, b } = Pair::new().unwrap();
    let full = Querier::new(&b, 5353);
    let mut camera = camera(&a);
    // Avahi starts after the announcements, so that it must send a query.
    full.announcements();
    drop(full);
    let mut avahi = Avahi::start(&b, "other");
    avahi.ready();
    let resolved = ask_avahi(&b, installed("avahi-resolve").typed("-6 -n camera.local"));
    assert_eq!(resolved.trim_end(), format!("camera.local\t{}", Pair::A));
    let event = object(camera.line("camera.local AAAA"));
    assert_eq!(event["way"], "multicast");
    assert_eq!(event["port"], 5353);

    let found = ask_avahi(&b, installed("avahi-browse").typed("-rpt _rtsp._tcp"));
    let line = found.lines().find(|line| line.starts_with('=')).unwrap_or_else(|| panic!("{found}"));
    let fields: Vec<&str> = line.split(';').skip(2).collect();
    let address = Pair::A.to_string();
    let expected = [
        "IPv6",
        "Door\\032Camera",
        "RTSP Realtime Streaming Server",
        "local",
        "camera.local",
        &address,
        "554",
        "\"path=/live\"",
    ];
    assert_eq!(fields, expected);
    assert!(ask_avahi(&b, installed("avahi-browse").typed("-apt")).contains("RTSP"));
}

fn a_query_finds_the_name_of_avahi() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut avahi = Avahi::start(&b, "other");
    avahi.ready();
    // First a one-shot query from another port, which Avahi answers as for a plain resolver.
    for (options, ways, ttl, flush) in [
        ("", &["unicast"][..], 10, false),
        ("--port 5353", &["multicast"], 120, true),
        ("--port 5353 --unicast", &["unicast", "multicast"], 120, true),
    ] {
        let query = mdns(&format!("query other.local --interface eth0 --json {options}"));
        let output = output(&a, query);
        assert!(output.status.success(), "{options}: {output:?}");
        let answers = objects(&output);
        let answer = answers.iter().find(|answer| answer["type"] == "AAAA" && answer["ttl"] != 0).unwrap();
        assert!(ways.contains(&answer["way"].as_str().unwrap()), "{options}: {answer}");
        for (field, value) in [
            ("name", json!("other.local")),
            ("data", json!(Pair::B.to_string())),
            ("port", json!(5353)),
            ("hop_limit", json!(255)),
            ("ttl", json!(ttl)),
            ("cache_flush", json!(flush)),
        ] {
            assert_eq!(answer[field], value, "{options}: {field}");
        }
    }
    let unanswered = output(&a, mdns("query nobody.local --interface eth0 --timeout 0.5"));
    assert_eq!((unanswered.status.code(), text(&unanswered).as_str()), (Some(1), ""));
}

fn a_name_that_avahi_uses_is_refused() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut avahi = Avahi::start(&b, "other");
    avahi.ready();
    let respond = "respond --interface eth0 --name Other.local --timeout 30 --address";
    refuses(&a, mdns(&format!("{respond} {}", Pair::A)), "other.local is taken: [");
    // The same records are no conflict.
    let respond =
        mdns(&format!("respond --interface eth0 --name other.local --timeout 1.5 --address {}", Pair::B));
    assert!(output(&a, respond).status.success());
}

fn avahi_chooses_another_name() {
    let Pair { a, b } = Pair::new().unwrap();
    let _camera = camera(&a);
    let mut avahi = Avahi::start(&b, "camera");
    assert!(avahi.ready().contains("camera-2.local"));
}

fn dig_gets_answers_as_from_a_plain_server() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut camera = camera(&a);
    let at = format!("@{}%eth0", a.link_local("eth0").unwrap());
    let address = Pair::A.to_string();
    for (at, question, answer) in [
        (at.as_str(), "camera.local AAAA", vec![address.as_str()]),
        (&at, "CAMERA.local ANY", vec![&address]),
        (&at, "_rtsp._tcp.local PTR", vec!["Door\\032Camera._rtsp._tcp.local."]),
        (&format!("@{address}"), "camera.local AAAA", vec![&address]),
    ] {
        let dig = output(
            &b,
            installed("dig").typed(&format!("{at} -p 5353 +notcp +noall +answer +question {question}")),
        );
        assert!(dig.status.success(), "{dig:?}");
        let printed = text(&dig);
        // The answer repeats the question; without that a resolver would reject it.
        let name = question.split(' ').next().unwrap();
        assert!(printed.lines().any(|line| line.starts_with(&format!(";{name}."))), "{printed}");
        let lines = printed.lines().filter(|line| !line.starts_with(';') && !line.is_empty());
        let lines: Vec<Vec<&str>> = lines.map(|line| line.split_whitespace().collect()).collect();
        let data: Vec<String> = lines.iter().map(|line| line[4..].join(" ")).collect();
        assert!(answer.iter().all(|answer| data.iter().any(|data| data == answer)), "{printed}");
        // The class is IN: the cache-flush bit is not set.
        assert!(lines.iter().all(|line| (line[1], line[2]) == ("10", "IN")), "{printed}");
        assert_eq!(object(camera.line("answer"))["way"], "legacy unicast");
    }
}

fn only_queries_on_the_chosen_interface_are_answered() {
    let Pair { a, b } = Pair::new().unwrap();
    link(&a, "eth1", &b, "eth1").unwrap();
    let camera = camera(&a);
    // Another socket of the host joins the group there, so that the host receives the query.
    let other = format!("respond --interface eth1 --name other.local --address {}", Pair::A);
    let mut other = Running::start(&a, mdns(&other));
    other.line("announced other.local");
    let query = |name: &str, interface: &str| {
        output(&b, mdns(&format!("query {name} --interface {interface} --timeout 3"))).status.code()
    };
    assert_eq!(query("camera.local", "eth1"), Some(1));
    assert_eq!(query("other.local", "eth1"), Some(0));
    assert_eq!(query("other.local", "eth0"), Some(1));
    assert_eq!(query("camera.local", "eth0"), Some(0));
    let answers = camera.stop();
    assert_eq!(answers.len(), 1, "{answers:#?}");
}

fn a_goodbye_is_sent_at_the_end() {
    goodbye_is_sent("--timeout 0.1", false);
    goodbye_is_sent("", true);
}

fn goodbye_is_sent(options: &str, asked: bool) {
    let Pair { a, b } = Pair::new().unwrap();
    let full = Querier::new(&b, 5353);
    let respond = format!("respond --interface eth0 --name camera.local {options} --address {}", Pair::A);
    // The probes come first. No host answers them.
    let mut respond = Running::start(&a, mdns(&respond));
    if asked {
        respond.line("announced");
        respond.interrupt();
    }
    let mut seen = Vec::new();
    while seen.last() != Some(&"goodbye") {
        let (packet, _) = full.next();
        let is_probe = packet.questions.iter().any(|question| question.qtype == QTYPE::ANY);
        seen.push(match packet.answers.first() {
            None if is_probe && !packet.name_servers.is_empty() => "probe",
            Some(record) if record.ttl > 0 => "announcement",
            Some(_) => "goodbye",
            None => panic!("{packet:?}"),
        });
    }
    // It may have sent the second announcement as well.
    seen.dedup_by(|one, other| one == other && *one == "announcement");
    assert_eq!(seen, ["probe", "probe", "probe", "announcement", "goodbye"]);
    assert!(respond.end().0.success());
}

fn tshark_decodes_the_packets() {
    let Pair { a, b } = Pair::new().unwrap();
    let capture = Capture::start(&b, "eth0");
    let _camera = camera(&a);
    let asked = output(&b, mdns("query camera.local --interface eth0"));
    assert!(asked.status.success(), "{asked:?}");
    let packets =
        capture.fields("mdns", ["ipv6.dst", "ipv6.hlim", "udp.srcport", "udp.dstport", "dns.flags.response"]);
    let is =
        |packet: &[String; 5], source: &str, response: &str| packet[2] == source && packet[4] == response;
    // Probes and announcements from port 5353, and a query from another port.
    assert!(packets.iter().any(|packet| is(packet, "5353", "1")), "{packets:?}");
    assert!(packets.iter().any(|packet| packet[2] != "5353" && packet[4] == "0"), "{packets:?}");
    assert!(packets.iter().all(|[_, hops, ..]| hops == "255"), "{packets:?}");
}
