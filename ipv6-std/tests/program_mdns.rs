//! The example `mdns`, with Avahi and dig.

mod programs;

use std::net::{Ipv6Addr, SocketAddrV6};
use std::process::Command;
use std::time::{Duration, Instant};

use ipv6_std::{ControlFlags, InterfaceIndex, PacketConn, RawConn, Received, SendControl};
use ipv6_testnet::{Host, Pair, link};
use programs::*;
use serde_json::json;
use simple_dns::rdata::{AAAA, RData};
use simple_dns::{CLASS, Name, OPCODE, Packet, PacketFlag, QTYPE, Question, RCODE, ResourceRecord, TYPE};

ipv6_testnet::tests! {
    [] help_lists_the_options;
    [Namespace] invalid_arguments_are_refused;
    [Namespace, Program("avahi-daemon"), Program("avahi-resolve"), Program("dbus-daemon")] avahi_resolves_name_and_service;
    [Namespace, Program("avahi-daemon"), Program("dbus-daemon")] a_query_finds_the_name_of_avahi;
    [Namespace, Program("avahi-daemon"), Program("dbus-daemon")] a_name_that_avahi_uses_is_refused;
    [Namespace, Program("avahi-daemon"), Program("dbus-daemon")] avahi_chooses_another_name;
    [Namespace, Program("dig")] dig_gets_answers_as_from_a_plain_server;
    [RawSocket, Program("dumpcap"), Program("tshark")] tshark_decodes_the_packets;
    [Namespace] answers_follow_the_kind_of_query;
    [Namespace] known_answers_are_not_repeated;
    [Namespace] a_recent_multicast_answer_is_not_repeated;
    [Namespace] a_later_conflict_ends_the_program;
    [Namespace] simultaneous_probes_are_decided_by_the_order_of_records;
    [Namespace] invalid_responses_are_ignored;
    [Namespace] unicast_queries_from_other_links_are_ignored;
    [RawSocket] a_querier_that_cannot_be_answered_does_not_end_the_program;
    [Namespace] malformed_messages_do_not_end_the_program;
    [Namespace] control_characters_in_records_are_escaped;
    [Namespace] only_queries_on_the_chosen_interface_are_answered;
    [Namespace] a_goodbye_is_sent_at_the_end;
}

const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);

fn mdns(arguments: &str) -> Command {
    example("mdns").typed(arguments)
}

/// Runs `mdns respond` for `camera.local` and a service on host `a`, until the value is dropped.
fn camera(a: &Host) -> Running {
    let mut camera = mdns("respond --interface eth0 --name camera.local --json --port 554 --txt path=/live");
    camera.args(["--address", &Pair::A.to_string(), "--service", "Door Camera._rtsp._tcp.local"]);
    let mut camera = Running::start(a, camera);
    camera.line("announced");
    camera
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

/// A querier on a host, from port 5353 or another.
struct Querier {
    conn: PacketConn,
    on: InterfaceIndex,
}

impl Querier {
    fn new(host: &Host, port: u16) -> Self {
        let any = SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0);
        let conn = host.run(|| PacketConn::bind_reusable(any)).unwrap();
        let on = InterfaceIndex::new(host.index("eth0").unwrap()).unwrap();
        conn.set_control_flags(ControlFlags::all(), true).unwrap();
        conn.set_multicast_loopback(false).unwrap();
        if port == 5353 {
            conn.join_group(GROUP, on).unwrap();
        }
        Self { conn, on }
    }

    /// Sends a question for a name to the group.
    fn ask(&self, kind: TYPE, unicast: bool, known: Option<ResourceRecord<'_>>) {
        let mut query = query(kind, unicast);
        query.answers.extend(known);
        self.send(&query);
    }

    fn send(&self, packet: &Packet<'_>) {
        let control = SendControl::new().with_interface(self.on);
        let bytes = packet.build_bytes_vec().unwrap();
        self.conn.send_to(&bytes, &control, SocketAddrV6::new(GROUP, 5353, 0, 0)).unwrap();
    }

    /// Sends a query for the address, and waits until it is answered.
    fn is_answered(&self) {
        self.ask(TYPE::AAAA, false, None);
        assert_eq!(types(&self.answer().0.answers), ["AAAA"]);
    }

    /// Receives the next message.
    fn next(&self) -> (Packet<'static>, Received) {
        self.conn.set_read_deadline(Some(Instant::now() + Duration::from_secs(20)));
        let payload = Box::leak(Box::new([0; 9000]));
        let got = self.conn.recv_from(payload).unwrap();
        let packet = Packet::parse(&payload[..got.len]).unwrap();
        assert_eq!(got.control.hop_limit, Some(255));
        assert_eq!(got.source.port(), 5353);
        (packet, got)
    }

    /// Receives the next message, which must be a response.
    fn answer(&self) -> (Packet<'static>, Received) {
        let (packet, got) = self.next();
        assert!(packet.has_flags(PacketFlag::RESPONSE), "{packet:?}");
        (packet, got)
    }

    /// Waits for both announcements, which are sent a second apart.
    fn announcements(&self) {
        let mut announcements = 0;
        while announcements < 2 {
            announcements += usize::from(self.next().0.has_flags(PacketFlag::RESPONSE));
        }
    }
}

/// A query for the name of the camera.
fn query(kind: TYPE, unicast: bool) -> Packet<'static> {
    let mut query = Packet::new_query(7);
    query.questions.push(Question::new(camera_name(), kind.into(), CLASS::IN.into(), unicast));
    query
}

fn camera_name() -> Name<'static> {
    Name::new_unchecked("camera.local")
}

fn address(address: Ipv6Addr, ttl: u32) -> ResourceRecord<'static> {
    ResourceRecord::new(camera_name(), CLASS::IN, ttl, RData::AAAA(AAAA::from(address)))
}

fn types(records: &[ResourceRecord<'_>]) -> Vec<String> {
    records.iter().map(|record| format!("{:?}", record.rdata.type_code())).collect()
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

fn answers_follow_the_kind_of_query() {
    let Pair { a, b } = Pair::new().unwrap();
    let (full, one_shot) = (Querier::new(&b, 5353), Querier::new(&b, 0));
    let _camera = camera(&a);
    full.announcements();

    one_shot.ask(TYPE::AAAA, false, None);
    let (packet, got) = one_shot.answer();
    assert_eq!((packet.id(), packet.questions.len()), (7, 1));
    assert_eq!(got.control.destination, Some(b.link_local("eth0").unwrap()));
    assert_eq!(packet.answers, [address(Pair::A, 10)]);
    assert_eq!((packet.answers[0].ttl, packet.answers[0].cache_flush), (10, false));

    // The record was just announced, so a request for unicast is answered by unicast.
    full.ask(TYPE::AAAA, true, None);
    let (packet, got) = full.answer();
    assert_eq!((packet.id(), packet.questions.len()), (7, 0));
    assert_eq!(got.control.destination, Some(b.link_local("eth0").unwrap()));
    assert_eq!((packet.answers[0].ttl, packet.answers[0].cache_flush), (120, true));

    // An NSEC record says that there is no IPv4 address.
    std::thread::sleep(Duration::from_millis(1100));
    full.ask(TYPE::A, false, None);
    let (packet, got) = full.answer();
    assert_eq!((packet.id(), packet.questions.len()), (0, 0));
    assert_eq!(got.control.destination, Some(GROUP));
    assert_eq!(types(&packet.answers), ["NSEC"]);
    let RData::NSEC(nsec) = &packet.answers[0].rdata else { panic!("{packet:?}") };
    // Only the bit of AAAA (28) is set.
    assert_eq!(nsec.type_bit_maps[0].bitmap, [0, 0, 0, 0x08].as_slice());
}

fn known_answers_are_not_repeated() {
    let Pair { a, b } = Pair::new().unwrap();
    let _camera = camera(&a);
    let one_shot = Querier::new(&b, 0);
    one_shot.ask(TYPE::AAAA, false, Some(address(Pair::A, 60)));
    one_shot.ask(TYPE::A, false, None);
    assert_eq!(types(&one_shot.answer().0.answers), ["NSEC"], "the first needs no answer");
    // Another address, and a record with less than half of its lifetime, are not known answers.
    for known in [address(Pair::B, 60), address(Pair::A, 59)] {
        one_shot.ask(TYPE::AAAA, false, Some(known));
        assert_eq!(types(&one_shot.answer().0.answers), ["AAAA"]);
    }
}

fn a_recent_multicast_answer_is_not_repeated() {
    let Pair { a, b } = Pair::new().unwrap();
    let full = Querier::new(&b, 5353);
    let _camera = camera(&a);
    full.announcements();
    std::thread::sleep(Duration::from_millis(1100));
    full.ask(TYPE::AAAA, false, None);
    full.ask(TYPE::AAAA, false, None);
    full.ask(TYPE::A, false, None);
    assert_eq!(types(&full.answer().0.answers), ["AAAA"]);
    assert_eq!(types(&full.answer().0.answers), ["NSEC"]);
}

fn a_later_conflict_ends_the_program() {
    let Pair { a, b } = Pair::new().unwrap();
    let camera = camera(&a);
    let mut packet = Packet::new_reply(0);
    packet.answers.push(address(Pair::B, 120));
    Querier::new(&b, 5353).send(&packet);
    let (status, lines) = camera.end();
    assert_eq!(status.code(), Some(2));
    let last = lines.last().unwrap();
    assert!(last.starts_with("mdns: camera.local is taken: [") && last.ends_with("2001:db8:1::2"), "{last}");
}

/// The host whose records order later gets the name (RFC 6762 section 8.2); the other starts probing again.
fn simultaneous_probes_are_decided_by_the_order_of_records() {
    // The camera's address is 2001:db8:1::1.
    for (theirs, probes) in [("2001:db8:1::", 3..4), ("2001:db8:1::2", 4..9)] {
        let Pair { a, b } = Pair::new().unwrap();
        let full = Querier::new(&b, 5353);
        let respond = format!("respond --interface eth0 --name camera.local --address {}", Pair::A);
        let _camera = Running::start(&a, mdns(&respond));
        let mut seen = 0;
        while !full.next().0.has_flags(PacketFlag::RESPONSE) {
            seen += 1;
            if seen == 1 {
                let mut probe = Packet::new_query(0);
                probe.questions.push(Question::new(camera_name(), QTYPE::ANY, CLASS::IN.into(), false));
                probe.name_servers.push(address(theirs.parse().unwrap(), 120));
                full.send(&probe);
            }
        }
        assert!(probes.contains(&seen), "{theirs}: {seen}");
    }
}

/// A response comes from port 5353 (RFC 6762 section 6), with opcode and response code 0 (sections 18.3 and 18.11).
fn invalid_responses_are_ignored() {
    let Pair { a, b } = Pair::new().unwrap();
    let (full, one_shot) = (Querier::new(&b, 5353), Querier::new(&b, 0));
    let camera = camera(&a);
    let mut query =
        Running::start(&a, mdns("query other.local --interface eth0 --port 5353 --timeout 60 --json"));
    joined_by(&a, &GROUP.to_string(), 2);
    // Invalid responses for both names: `respond` keeps its name, and `query` finds nothing.
    fn response(address: &str, name: &'static str) -> Packet<'static> {
        let mut packet = Packet::new_reply(0);
        let data = RData::AAAA(AAAA::from(address.parse::<Ipv6Addr>().unwrap()));
        packet.answers.push(ResourceRecord::new(Name::new_unchecked(name), CLASS::IN, 120, data));
        packet
    }
    for name in ["camera.local", "other.local"] {
        let mut packet = response("2001:db8::bad", name);
        one_shot.send(&packet);
        *packet.opcode_mut() = OPCODE::Notify;
        full.send(&packet);
        *packet.opcode_mut() = OPCODE::StandardQuery;
        *packet.rcode_mut() = RCODE::Refused;
        full.send(&packet);
    }
    // A record of another type is no conflict either.
    let mut other = response("2001:db8::bad", "camera.local");
    other.answers[0].rdata = RData::A(std::net::Ipv4Addr::LOCALHOST.into());
    full.send(&other);
    full.send(&response("2001:db8::900d", "other.local"));
    assert_eq!(object(query.line("other.local"))["data"], "2001:db8::900d");
    one_shot.is_answered();
    drop(camera);
}

/// A query to the group comes from the link, whatever its source; a unicast query may come from anywhere (RFC 6762
/// section 11).
fn unicast_queries_from_other_links_are_ignored() {
    let Pair { a, b } = Pair::new().unwrap();
    const FAR: &str = "2001:db8:77::7";
    b.add_address(FAR.parse().unwrap(), "eth0").unwrap();
    a.ip("-6 route add 2001:db8:77::/64 via 2001:db8:1::2").unwrap();
    let mut camera = camera(&a);
    let one_shot = Querier::new(&b, 0);
    let bytes = query(TYPE::AAAA, false).build_bytes_vec().unwrap();
    let far = SendControl::new().with_interface(one_shot.on).with_source(FAR.parse().unwrap());
    for (to, control) in [(Pair::A, far), (Pair::A, SendControl::new().with_source(Pair::B)), (GROUP, far)] {
        one_shot.conn.send_to(&bytes, &control, SocketAddrV6::new(to, 5353, 0, 0)).unwrap();
    }
    let asked = [(); 2].map(|()| object(camera.line("answer"))["asked"].clone());
    assert_eq!(asked, [Pair::B.to_string(), FAR.to_string()]);
}

fn a_querier_that_cannot_be_answered_does_not_end_the_program() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut camera = camera(&a);
    let one_shot = Querier::new(&b, 0);
    let query = query(TYPE::AAAA, false).build_bytes_vec().unwrap();
    // A query from port 0, which cannot be answered. The test writes the UDP header.
    let raw = b.run(|| RawConn::open(17)).unwrap();
    raw.set_checksum_offset(Some(6)).unwrap();
    let len = (8 + query.len() as u16).to_be_bytes();
    let header = [0, 0, 0x14, 0xe9, len[0], len[1], 0, 0];
    let control = SendControl::new().with_interface(one_shot.on);
    raw.send_to(&[&header[..], &query].concat(), &control, SocketAddrV6::new(GROUP, 0, 0, 0)).unwrap();
    camera.line("]:0: ");
    one_shot.is_answered();
}

/// Sends queries and responses with a few changed bytes, and some with random contents.
fn malformed_messages_do_not_end_the_program() {
    let Pair { a, b } = Pair::new().unwrap();
    let _camera = camera(&a);
    let query = mdns("query other.local --type any --interface eth0 --port 5353 --timeout 60");
    let mut query = Running::start(&a, query);
    joined_by(&a, &GROUP.to_string(), 2);
    let (full, one_shot) = (Querier::new(&b, 5353), Querier::new(&b, 0));
    let mut right = Packet::new_query(0);
    right.questions.push(Question::new(camera_name(), QTYPE::ANY, CLASS::IN.into(), true));
    right.answers.push(ResourceRecord { name: Name::new_unchecked("other.local"), ..address(Pair::B, 9) });
    let right = right.build_bytes_vec_compressed().unwrap();
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % below
    };
    let control = SendControl::new().with_interface(full.on);
    for round in 0..3000 {
        let mut bytes = right.clone();
        for _ in 0..1 + random(3) {
            let at = 2 + random(bytes.len() - 2);
            bytes[at] = random(256) as u8;
        }
        bytes.truncate(if round % 4 == 0 { random(bytes.len()) } else { bytes.len() });
        if round % 16 == 0 {
            bytes.iter_mut().for_each(|byte| *byte = random(256) as u8);
        }
        // Do not create a valid conflict for its name by chance.
        if bytes.windows(6).any(|six| six == b"camera") && bytes.get(2).is_some_and(|flags| flags & 0x80 != 0)
        {
            continue;
        }
        if round % 50 == 0 {
            // Wait, so that the receive buffer does not overflow.
            Querier::new(&b, 0).is_answered();
        }
        let from = if round % 2 == 0 { &full } else { &one_shot };
        from.conn.send_to(&bytes, &control, SocketAddrV6::new(GROUP, 5353, 0, 0)).unwrap();
    }
    let mut answer = Packet::new_reply(0);
    answer.answers.push(ResourceRecord { name: Name::new_unchecked("other.local"), ..address(Pair::B, 7) });
    full.send(&answer);
    query.line("AAAA 2001:db8:1::2, 7 s");
}

fn control_characters_in_records_are_escaped() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut respond = mdns("respond --interface eth0 --name camera.local --address ::1 --port 1");
    respond.args(["--service", "\x1b[2J._x._udp.local", "--txt", "a=\x07\nb"]);
    let mut respond = Running::start(&a, respond);
    respond.line("announced");
    let got = output(&b, mdns("query _x._udp.local --interface eth0 --type ptr"));
    let said = text(&got);
    assert!(
        said.contains("PTR \\u{1b}[2J._x._udp.local, ") && said.contains("TXT a=\\u{7}\\nb, "),
        "{said:?}"
    );
    assert!(!said.contains(['\x1b', '\x07']));
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
