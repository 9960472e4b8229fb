//! The example `mdns` with queriers and responders that the tests write: unusual, wrong and forged messages.

mod common;
#[path = "programs/mdns.rs"]
mod mdns;
mod programs;

use std::net::{Ipv6Addr, SocketAddrV6};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use ipv6_std::{RawConn, SendControl};
use ipv6_testnet::{Pair, link};
use mdns::*;
use programs::*;
use simple_dns::rdata::{AAAA, NULL, RData, SRV};
use simple_dns::{CLASS, Name, OPCODE, Packet, PacketFlag, QTYPE, Question, RCODE, ResourceRecord, TYPE};

ipv6_testnet::tests! {
    [Namespace] answers_follow_the_kind_of_query;
    [Namespace] known_answers_are_not_repeated;
    [Namespace] a_recent_multicast_answer_is_not_repeated;
    [Namespace] a_conflict_is_answered_by_probing_again;
    [Namespace] forged_responses_are_ignored;
    [Namespace] forged_responses_to_probes_are_ignored;
    [Namespace] a_forged_goodbye_is_corrected;
    [Namespace] only_answers_are_printed;
    [Namespace] an_interface_that_disappears_is_named_and_served_again;
    [Namespace] interfaces_that_appear_are_served;
    [Namespace] a_name_that_is_taken_on_one_link_is_used_on_the_other;
    [Namespace] an_interrupted_query_ends_with_a_summary;
    [Namespace] simultaneous_probes_are_decided_by_the_order_of_records;
    [Namespace] probes_that_keep_it_waiting_are_reported;
    [Namespace] an_interface_is_served_once_also_by_an_alternative_name;
    [Namespace] invalid_responses_are_ignored;
    [Namespace] unicast_queries_from_other_links_are_ignored;
    [RawSocket] a_querier_that_cannot_be_answered_does_not_end_the_program;
    [Namespace] malformed_messages_do_not_end_the_program;
    [Namespace] control_and_format_characters_in_records_are_escaped;
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

/// RFC 6762 section 9: a conflict makes the program probe again, whatever comes, and never ends it.
fn a_conflict_is_answered_by_probing_again() {
    let Pair { a, b } = Pair::new().unwrap();
    let full = Querier::new(&b, 5353);
    let mut camera = camera(&a);
    full.announcements();
    let mut conflict = Packet::new_reply(0);
    conflict.answers.push(address(Pair::B, 120));
    full.send(&conflict);
    let event = object(camera.line("conflict"));
    assert_eq!((&event["name"], &event["interface"]), (&"camera.local".into(), &"eth0".into()));
    let other = event["other"].as_str().unwrap();
    assert!(other.starts_with("[fe80::") && other.ends_with("AAAA 2001:db8:1::2"), "{other}");
    let probes: Vec<bool> = [(); 4].iter().map(|()| full.next().0.name_servers.is_empty()).collect();
    assert_eq!(probes, [false, false, false, true], "three probes and an announcement");
    camera.line("announced");
    one_more_conflict(&full, &conflict);
    camera.line("conflict");
    // The other host has the name: it answers the probes, once. Then it is gone.
    full.next();
    full.send(&conflict);
    camera.line("conflict");
    camera.line("announced");
    Querier::new(&b, 0).is_answered();
}

/// Waits for the second announcement, and sends another conflict.
fn one_more_conflict(full: &Querier, conflict: &Packet<'_>) {
    assert!(full.next().0.has_flags(PacketFlag::RESPONSE));
    full.send(conflict);
}

/// RFC 6762 section 11: responses come from this link, and unicast ones only after a probe.
fn forged_responses_are_ignored() {
    let Pair { a, b } = Pair::new().unwrap();
    const FAR: &str = "2001:db8:77::7";
    b.add_address(FAR.parse().unwrap(), "eth0").unwrap();
    a.ip("-6 route add 2001:db8:77::/64 via 2001:db8:1::2").unwrap();
    let full = Querier::new(&b, 5353);
    let mut camera = camera(&a);
    full.announcements();
    let mut conflict = Packet::new_reply(0);
    conflict.answers.push(address(Pair::B, 120));
    let bytes = conflict.build_bytes_vec().unwrap();
    let control = SendControl::new().with_interface(full.on);
    let far = control.with_source(FAR.parse().unwrap());
    for (control, to) in [
        (far, GROUP),
        (far.with_hop_limit(255), GROUP),
        (far.with_hop_limit(255), Pair::A),
        (far.with_hop_limit(9), Pair::A),
        (control.with_source(Pair::B).with_hop_limit(9), Pair::A),
        (control.with_source(Pair::B).with_hop_limit(255), Pair::A),
    ] {
        full.conn.send_to(&bytes, &control, SocketAddrV6::new(to, 5353, 0, 0)).unwrap();
    }
    // A goodbye for another address is no conflict either.
    conflict.answers[0].ttl = 0;
    full.send(&conflict);
    Querier::new(&b, 0).is_answered();
    camera.interrupt();
    camera.line("\"ignored\":6");
    assert!(camera.seen.iter().all(|line| !line.contains("\"event\":\"conflict\"")), "{:#?}", camera.seen);
    assert!(camera.end().0.success());
}

/// While it probes, the program expects unicast responses, but only from hosts of the link.
fn forged_responses_to_probes_are_ignored() {
    let Pair { a, b } = Pair::new().unwrap();
    let full = Querier::new(&b, 5353);
    let respond = format!("respond --interface eth0 --name camera.local --address {}", Pair::A);
    let mut camera = Running::start(&a, mdns(&respond));
    let mut conflict = Packet::new_reply(0);
    conflict.answers.push(address(Pair::B, 120));
    let bytes = conflict.build_bytes_vec().unwrap();
    let (_, probe) = full.next();
    let control = SendControl::new().with_interface(full.on);
    full.conn.send_to(&bytes, &control.with_hop_limit(9), probe.source).unwrap();
    camera.line("announced camera.local on eth0");
    drop((camera, full));
    let full = Querier::new(&b, 5353);
    let camera = Running::start(&a, mdns(&respond));
    let (_, probe) = full.next();
    full.conn.send_to(&bytes, &control.with_hop_limit(255), probe.source).unwrap();
    let (status, lines) = camera.end();
    assert_eq!(status.code(), Some(2));
    assert!(lines.last().unwrap().starts_with("mdns: camera.local is taken: ["), "{lines:#?}");
}

/// RFC 6762 section 6.6: a response that asks to forget our record is corrected.
fn a_forged_goodbye_is_corrected() {
    let Pair { a, b } = Pair::new().unwrap();
    let full = Querier::new(&b, 5353);
    let _camera = camera(&a);
    full.announcements();
    std::thread::sleep(Duration::from_millis(1100));
    let mut goodbye = Packet::new_reply(0);
    goodbye.answers.push(address(Pair::A, 0));
    full.send(&goodbye);
    let (packet, _) = full.answer();
    assert_eq!((packet.answers.len(), packet.answers[0].ttl), (1, 120));
    assert_eq!(packet.answers, [address(Pair::A, 120)]);
}

/// Goodbyes are no answers, names to which no answer refers are not printed, and unknown types are readable.
fn only_answers_are_printed() {
    let Pair { a, b } = Pair::new().unwrap();
    let full = Querier::new(&b, 5353);
    let query = "query camera.local --type any --interface eth0 --port 5353 --timeout 30";
    for options in ["", "--json"] {
        let mut query = Running::start(&a, mdns(&format!("{query} {options}")));
        full.next();
        let named = |name: &'static str, data: RData<'static>| {
            ResourceRecord::new(Name::new_unchecked(name), CLASS::IN, 120, data)
        };
        let aaaa = |last: u16| RData::AAAA(AAAA::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last)));
        let mut goodbye = Packet::new_reply(0);
        goodbye.answers.push(address(Pair::B, 0));
        goodbye.answers.push(named("unrelated.local", aaaa(1)));
        full.send(&goodbye);
        let mut unrelated = Packet::new_reply(0);
        unrelated.answers.push(named("unrelated.local", aaaa(2)));
        unrelated.additional_records.push(address(Pair::B, 120));
        full.send(&unrelated);
        let mut answer = Packet::new_reply(0);
        let unknown = RData::NULL(65_280, NULL::new(&[0x0a, 0, 0xff]).unwrap());
        let place = SRV { priority: 0, weight: 0, port: 7, target: Name::new_unchecked("target.local") };
        answer.answers.push(named("unrelated.local", aaaa(3)));
        answer.answers.push(named("camera.local", unknown));
        answer.answers.push(named("camera.local", RData::SRV(place)));
        answer.answers.push(address(Pair::B, 0));
        answer.additional_records.push(named("target.local", aaaa(4)));
        answer.additional_records.push(named("other.local", aaaa(5)));
        full.send(&answer);
        query.line(if options.is_empty() { "target.local AAAA 2001:db8::4, 120 s" } else { "2001:db8::4" });
        let seen = std::mem::take(&mut query.seen);
        let (status, rest) = query.end();
        assert!(status.success() && rest.is_empty(), "{rest:#?}");
        assert_eq!(seen.len(), 3, "{seen:#?}");
        if options.is_empty() {
            assert!(
                seen[0].starts_with("camera.local TYPE65280 \\# 3 0a00ff, 120 s, by multicast"),
                "{seen:#?}"
            );
        } else {
            let record = object(&seen[0]);
            assert_eq!([&record["type"], &record["data"]], ["TYPE65280", "\\# 3 0a00ff"]);
        }
    }
}

/// The interface and the reason are printed, and the records are announced again when it is back.
fn an_interface_that_disappears_is_named_and_served_again() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut camera = camera(&a);
    b.ip("link del eth0").unwrap();
    let event = object(camera.line("interface lost"));
    assert_eq!(
        (&event["interface"], &event["error"]),
        (&"eth0".into(), &"interface eth0 has disappeared".into())
    );
    link(&a, "eth0", &b, "eth0").unwrap();
    camera.line("interface back");
    camera.line("announced");
    Querier::new(&b, 0).is_answered();
    a.ip("link set eth0 down").unwrap();
    let event = object(camera.line("interface lost"));
    assert_eq!(event["error"], "interface eth0 is down");
    camera.interrupt();
    camera.line("conflicts");
    assert!(camera.end().0.success());
}

/// A host of one link that has the name does not keep the program from serving the other link.
fn a_name_that_is_taken_on_one_link_is_used_on_the_other() {
    let Pair { a, b } = Pair::new().unwrap();
    link(&a, "eth1", &b, "eth1").unwrap();
    let full = Querier::new(&b, 5353);
    let respond = "respond --interface eth0 --interface eth1 --name camera.local --json --address";
    let mut camera = Running::start(&a, mdns(&format!("{respond} {}", Pair::A)));
    full.next();
    let mut conflict = Packet::new_reply(0);
    conflict.answers.push(address(Pair::B, 120));
    full.send(&conflict);
    let event = object(camera.line("\"taken\""));
    assert_eq!((&event["interface"], &event["name"]), (&"eth0".into(), &"camera.local".into()));
    assert_eq!(object(camera.line("announced"))["interface"], "eth1");
    // The other host leaves.
    assert_eq!(object(camera.line("announced"))["interface"], "eth0");
}

fn an_interrupted_query_ends_with_a_summary() {
    let Pair { a, b } = Pair::new().unwrap();
    let full = Querier::new(&b, 5353);
    let query = "query nobody.local --interface eth0 --port 5353 --json --timeout 50";
    let asking = Running::start(&a, mdns(query));
    full.next();
    asking.interrupt();
    let (status, lines) = asking.end();
    assert_eq!((status.code(), &object(&lines[0])["records"]), (Some(130), &0.into()), "{lines:?}");
    // A query that can no longer be sent says why.
    let asking = Running::start(&a, mdns(query));
    full.next();
    b.ip("link del eth0").unwrap();
    let (status, lines) = asking.end();
    assert_eq!(
        (status.code(), object(&lines[0])["error"].clone()),
        (Some(2), "interface eth0 has disappeared".into())
    );
}

/// Without an option, all interfaces are served, also one that appears later.
fn interfaces_that_appear_are_served() {
    let Pair { a, b } = Pair::new().unwrap();
    let respond = format!("respond --name camera.local --json --address {}", Pair::A);
    let mut camera = Running::start(&a, mdns(&respond));
    assert_eq!(object(camera.line("announced"))["interface"], "eth0");
    link(&a, "eth1", &b, "eth1").unwrap();
    assert_eq!(object(camera.line("announced"))["interface"], "eth1");
    for interface in ["eth1", "eth0"] {
        let query = mdns(&format!("query camera.local --interface {interface}"));
        assert!(output(&b, query).status.success(), "{interface}");
        assert_eq!(object(camera.line("\"answer\""))["interface"], interface);
    }
    b.ip("link del eth0").unwrap();
    camera.line("interface lost");
    let query = mdns("query camera.local --interface eth1");
    assert!(output(&b, query).status.success());
}

/// The host whose records order later gets the name (RFC 6762 section 8.2); the other starts probing again.
fn simultaneous_probes_are_decided_by_the_order_of_records() {
    // The camera's address is 2001:db8:1::1.
    for (theirs, probes) in [("2001:db8:1::", 3..4), ("2001:db8:1::2", 4..9)] {
        let Pair { a, b } = Pair::new().unwrap();
        let full = Querier::new(&b, 5353);
        let respond = format!("respond --interface eth0 --name camera.local --address {}", Pair::A);
        let _camera = Running::start(&a, mdns(&respond));
        // The probes before the first response, or the first of them.
        let count = |most| (0..most).take_while(|_| !full.next().0.has_flags(PacketFlag::RESPONSE)).count();
        let mut seen = forged_probes(&full, theirs, || count(4));
        if seen == 4 {
            seen += count(9);
        }
        assert!(probes.contains(&seen), "{theirs}: {seen}");
    }
}

/// Sends probes for the name with another address, until a function returns: one counts only if it comes while the
/// program probes.
fn forged_probes<T>(full: &Querier, theirs: &str, end: impl FnOnce() -> T) -> T {
    let mut probe = Packet::new_query(0);
    probe.questions.push(Question::new(camera_name(), QTYPE::ANY, CLASS::IN.into(), false));
    probe.name_servers.push(address(theirs.parse().unwrap(), 120));
    thread::scope(|scope| {
        let (_ends, is_end) = mpsc::channel::<()>();
        scope.spawn(move || {
            while is_end.recv_timeout(Duration::from_millis(50)) == Err(RecvTimeoutError::Timeout) {
                full.send(&probe);
            }
        });
        end()
    })
}

/// Each forged probe orders after ours, so the program waits, and probes again.
fn probes_that_keep_it_waiting_are_reported() {
    let Pair { a, b } = Pair::new().unwrap();
    let full = Querier::new(&b, 5353);
    let respond = format!("respond --interface eth0 --name camera.local --json --address {}", Pair::A);
    let mut camera = Running::start(&a, mdns(&respond));
    let event = object(forged_probes(&full, "2001:db8:1::ffff", || camera.line("deferred")));
    assert_eq!((&event["name"], &event["interface"]), (&"camera.local".into(), &"eth0".into()));
    assert_eq!(event["other"], b.link_local("eth0").unwrap().to_string());
    camera.line("announced");
    let reports = camera.seen.iter().filter(|line| line.contains("deferred")).count();
    assert_eq!(reports, 1, "{:#?}", camera.seen);
}

fn an_interface_is_served_once_also_by_an_alternative_name() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    a.ip("link property add dev eth0 altname another0").unwrap();
    let respond = "respond --interface another0 --interface eth0 --name camera.local --json --address ::1";
    let mut camera = Running::start(&a, mdns(respond));
    camera.line("announced");
    assert_eq!(camera.seen.len(), 1, "{:#?}", camera.seen);
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
            Querier::new(&b, 0).is_answered();
            read_all(&a, "udp6");
        }
        let from = if round % 2 == 0 { &full } else { &one_shot };
        from.conn.send_to(&bytes, &control, SocketAddrV6::new(GROUP, 5353, 0, 0)).unwrap();
    }
    let mut answer = Packet::new_reply(0);
    answer.answers.push(ResourceRecord { name: Name::new_unchecked("other.local"), ..address(Pair::B, 7) });
    read_all(&a, "udp6");
    full.send(&answer);
    query.line("AAAA 2001:db8:1::2, 7 s");
}

/// Control characters, and format characters that reorder text (U+202E), reach the terminal neither as text nor in JSON.
fn control_and_format_characters_in_records_are_escaped() {
    let Pair { a, b } = Pair::new().unwrap();
    let mut respond = mdns("respond --interface eth0 --name camera.local --address ::1 --port 1");
    respond.args(["--service", "\x1b[2J._x._udp.local", "--txt", "a=\x07\nb\u{202e}\u{9b}\u{e0041}é"]);
    let mut respond = Running::start(&a, respond);
    respond.line("announced");
    let query = "query _x._udp.local --interface eth0 --type ptr";
    let said = text(&output(&b, mdns(query)));
    assert!(
        said.contains("PTR \\u{1b}[2J._x._udp.local, ")
            && said.contains("TXT a=\\u{7}\\nb\\u{202e}\\u{9b}\\u{e0041}é, "),
        "{said:?}"
    );
    let json = output(&b, mdns(&format!("{query} --json")));
    let records = objects(&json);
    let of_text = records.iter().find(|record| record["type"] == "TXT").unwrap();
    assert_eq!(of_text["data"], "a=\u{7}\nb\u{202e}\u{9b}\u{e0041}é");
    for said in [said, text(&json)] {
        assert!(!said.contains(['\x1b', '\x07', '\u{202e}', '\u{9b}', '\u{e0041}']), "{said:?}");
    }
}
