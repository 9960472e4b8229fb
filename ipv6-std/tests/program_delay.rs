//! The example `delay`, between namespaces on one machine, where the clocks of both hosts are the same.

#[path = "../examples/delay/histogram.rs"]
mod histogram;
mod programs;

use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use histogram::Histogram;
use ipv6_testnet::{Host, Pair};
use programs::*;
use serde_json::Value;

ipv6_testnet::tests! {
    [] help_lists_the_options;
    [] a_histogram_has_all_values_in_order;
    [Namespace] invalid_arguments_are_refused;
    [Namespace] the_four_times_of_an_exchange_agree;
    [RawSocket, Program("dumpcap"), Program("tshark")] the_times_of_arrival_are_those_of_a_capture;
    [Namespace] text_has_a_histogram;
    [Namespace] the_time_in_the_server_is_no_part_of_the_round_trip;
    [Namespace] ipv4_and_link_local_servers_are_measured;
    [Namespace, Strace] a_kernel_that_counts_is_enough;
    [Namespace] a_closed_port_is_reported_with_status_1;
    [Namespace] forged_replies_are_counted_and_change_nothing;
    [Namespace] contradictory_and_missing_times_are_no_results;
    [Namespace] late_replies_stay_lost;
    [Namespace] the_server_answers_requests_only;
    [Namespace] an_interrupt_prints_the_summary;
}

fn delay(arguments: &str) -> Command {
    example("delay").typed(arguments)
}

fn help_lists_the_options() {
    let says = ["It believes", "It counts and ignores", "--count", "--interval", "--wait", "--json", "clock"];
    helps("delay", &says);
    helps("delay", &["serve", "IPv4", "Linux only", "no limit"]);
}

fn a_histogram_has_all_values_in_order() {
    let values = [
        0,
        1,
        -1,
        15,
        16,
        17,
        31,
        32,
        33,
        1000,
        -1000,
        123_456_789,
        i64::MAX,
        i64::MIN,
        i64::MIN + 1,
        i64::MAX - 1,
    ];
    let sizes = (0..63).flat_map(|power| [-1, 0, 1].map(|more| (1_i64 << power) + more));
    let mut all = Histogram::default();
    let mut count = 0;
    for value in values.into_iter().chain(sizes) {
        let mut one = Histogram::default();
        one.add(value);
        for percent in [0, 1, 50, 100] {
            assert_eq!(one.percentile(percent), Some(value));
        }
        let rows = one.rows();
        assert_eq!(rows.len(), 1);
        let (from, to) = (rows[0].from, rows[0].to);
        assert!(from <= value && (value < to || to == i64::MAX), "{from} {value} {to}");
        // A bucket is at most 1/16 of its values wide.
        let width = i128::from(to) - i128::from(from);
        assert!(width == 1 || width * 15 <= i128::from(value).abs(), "{from} {value} {to}");
        all.add(value);
        count += 1;
    }
    let rows = all.rows();
    assert!(rows.len() <= 12);
    assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), count);
    assert!(rows.windows(2).all(|two| two[0].to == two[1].from && two[0].from < two[0].to));
    assert_eq!((all.percentile(0), all.percentile(100)), (all.least(), all.most()));
    assert_eq!(Histogram::default().percentile(50), None);
    assert!(Histogram::default().rows().is_empty());
}

fn invalid_arguments_are_refused() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    refuses(&a, delay(""), "HOST:PORT");
    refuses(&a, delay("[::1]"), "delay: [::1] has no port");
    refuses(&a, delay("[::1]:0"), "delay: port 0");
    refuses(&a, delay("[::1]:7 --interval 0"), "--interval");
    refuses(&a, delay("[fe80::1]:7"), "fe80::1 is link-local: name its interface, as in fe80::1%eth0\n");
    refuses(&a, delay("[ff0e::1]:7"), "delay: ff0e::1 is a group");
    refuses(&a, delay("239.0.0.1:7"), "delay: 239.0.0.1 is a group");
    refuses(&a, delay("[2001:db8:9::1]:7"), "delay: this host has no route to 2001:db8:9::1");
    refuses(&a, delay("serve ::1"), "not of the form [address]:port");
    refuses(&a, delay("serve [2001:db8:9::1]:7"), "delay: [2001:db8:9::1]:7: ");
    refuses(&a, delay("[::1]:7 serve [::1]:7"), "either a server or the command `serve`");
}

/// Starts a server on a host.
fn serve(host: &Host) -> Running {
    let mut server = Running::start(host, delay("serve [::]:7007 --json"));
    server.line("listening");
    server
}

/// The exchanges, and the summary.
fn results(mut objects: Vec<Value>) -> (Vec<Value>, Value) {
    assert!(objects.remove(0)["address"].is_string());
    let summary = objects.pop().unwrap();
    (objects, summary)
}

fn number(object: &Value, name: &str) -> i64 {
    object[name].as_i64().unwrap_or_else(|| panic!("{name}: {object}"))
}

/// Asserts that an exchange is complete, and that its times follow from its timestamps.
fn agrees(exchange: &Value) {
    let stamps = &exchange["stamps_ns"];
    let [one, two, three, four] =
        ["request_sent", "request_received", "reply_sent", "reply_received"].map(|name| number(stamps, name));
    assert!(one <= two && two <= three && three <= four, "{exchange}");
    let expected = [two - one, four - three, (four - one) - (three - two), three - two];
    assert_eq!(
        ["there_ns", "back_ns", "round_trip_ns", "server_ns"].map(|name| number(exchange, name)),
        expected
    );
}

fn the_four_times_of_an_exchange_agree() {
    let Pair { a, b } = Pair::new().unwrap();
    let server = serve(&b);
    let start = i64::try_from(now()).unwrap();
    let got = output(&a, delay("[2001:db8:1::2]:7007 --count 40 --interval 2 --wait 20 --json"));
    assert!(got.status.success(), "{got:?}");
    let (exchanges, summary) = results(objects(&got));
    assert_eq!(exchanges.len(), 40);
    exchanges.iter().for_each(agrees);
    let mut numbers: Vec<i64> = exchanges.iter().map(|exchange| number(exchange, "number")).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..40));
    assert!(exchanges.iter().all(|exchange| number(&exchange["stamps_ns"], "request_sent") >= start));
    let zero = ["lost", "late", "open", "duplicates", "incomplete", "contradictory", "ignored"];
    assert_eq!(["sent", "answered"].map(|name| number(&summary, name)), [40, 40]);
    assert_eq!(zero.map(|name| number(&summary, name)), [0; 7]);
    for (name, of_one) in [("round_trip", "round_trip_ns"), ("there", "there_ns"), ("back", "back_ns")] {
        let (results, all) = (&summary[name], exchanges.iter().map(|exchange| number(exchange, of_one)));
        let rows = results["histogram"].as_array().unwrap();
        assert_eq!(rows.iter().map(|row| row[2].as_u64().unwrap()).sum::<u64>(), 40);
        let order = ["min_ns", "p50_ns", "p90_ns", "p95_ns", "p99_ns", "max_ns"];
        let order = order.map(|name| number(results, name));
        assert!(order.is_sorted(), "{results}");
        assert_eq!([order[0], order[5]], [all.clone().min().unwrap(), all.clone().max().unwrap()]);
        for row in rows {
            let [from, to, count] = [0, 1, 2].map(|index| row[index].as_i64().unwrap());
            assert_eq!(all.clone().filter(|value| (from..to).contains(value)).count() as i64, count);
        }
    }
    // The clocks do not differ.
    let ahead = &summary["clock_ahead_ns"];
    assert!(ahead[0].as_i64().unwrap() <= 0 && ahead[1].as_i64().unwrap() >= 0, "{ahead}");
    server.interrupt();
    let (status, lines) = server.end();
    assert!(status.success());
    let answered = object(&lines[0]);
    assert_eq!(["requests", "questions", "ignored"].map(|name| number(&answered, name)), [40, 40, 0]);
}

/// The kernel takes one time of an arriving packet, for the socket and for the capture.
fn the_times_of_arrival_are_those_of_a_capture() {
    let Pair { a, b } = Pair::new().unwrap();
    let _server = serve(&b);
    let captures = [&b, &a].map(|host| Capture::start(host, "eth0"));
    let got = output(&a, delay("[2001:db8:1::2]:7007 --count 5 --interval 1 --wait 20 --json"));
    let (exchanges, _) = results(objects(&got));
    assert_eq!(exchanges.len(), 5);
    let arrived = ["request_received", "reply_received"];
    // In the packet, the kind has 4 bytes after the mark.
    let filters =
        ["udp.dstport == 7007 && udp.payload[7] == 1", "udp.srcport == 7007 && udp.payload[7] == 2"];
    for ((capture, filter), name) in captures.into_iter().zip(filters).zip(arrived) {
        let times = capture.fields(filter, ["frame.time_epoch"]);
        // Seconds with 9 digits after the point.
        let times: Vec<i64> = times.iter().map(|[time]| time.replace('.', "").parse().unwrap()).collect();
        let ours = exchanges.iter().map(|exchange| number(&exchange["stamps_ns"], name));
        let mut ours: Vec<i64> = ours.collect();
        // Exchanges may end in another order.
        ours.sort_unstable();
        assert_eq!(ours, times, "{name}");
    }
}

fn text_has_a_histogram() {
    let Pair { a, b } = Pair::new().unwrap();
    let _server = serve(&b);
    let got = text(&output(&a, delay("[2001:db8:1::2]:7007 --count 3 --interval 1 --wait 20")));
    let lines: Vec<&str> = got.lines().collect();
    assert!(lines[0].starts_with("to [2001:db8:1::2]:7007"), "{got}");
    assert!(lines[1].starts_with("number 0: ") && lines[1].ends_with(" us in the server"), "{got}");
    assert_eq!(lines[4], "3 sent, 3 answered, 0 lost");
    for name in ["round trip: min ", "there: min ", "back: min "] {
        let at =
            lines.iter().position(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {got}"));
        let rows = lines[at + 1..].iter().take_while(|line| line.starts_with("  "));
        let counts = rows.map(|row| row.rsplit(' ').next().unwrap().parse::<u32>().unwrap());
        assert_eq!(counts.sum::<u32>(), 3);
    }
    assert!(lines.last().unwrap().starts_with("the clock of the server is between "), "{got}");
}

fn signal(name: &str, running: &Running) {
    let pid = running.id().to_string();
    assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
}

fn the_time_in_the_server_is_no_part_of_the_round_trip() {
    const PAUSE: Duration = Duration::from_millis(500);
    let Pair { a, b } = Pair::new().unwrap();
    let server = serve(&b);
    signal("-STOP", &server);
    let ours = Running::start(&a, delay("[2001:db8:1::2]:7007 --count 1 --wait 50 --json"));
    until("a request in the queue of the server", || {
        let table = b.proc_net("udp6").unwrap();
        // The fifth field has the bytes in the queues.
        let queues = table.lines().nth(1).and_then(|line| line.split_whitespace().nth(4));
        queues.is_some_and(|queues| !queues.ends_with(":00000000"))
    });
    thread::sleep(PAUSE);
    signal("-CONT", &server);
    let (status, lines) = ours.end();
    assert!(status.success(), "{lines:?}");
    let (exchanges, _) = results(lines.iter().map(object).collect());
    agrees(&exchanges[0]);
    let in_server = number(&exchanges[0], "server_ns");
    assert!(in_server >= PAUSE.as_nanos() as i64, "{exchanges:?}");
    assert!(number(&exchanges[0], "round_trip_ns") < in_server, "{exchanges:?}");
}

fn ipv4_and_link_local_servers_are_measured() {
    let Pair { a, b } = Pair::new().unwrap();
    a.ip("address add 192.0.2.1/24 dev eth0").unwrap();
    b.ip("address add 192.0.2.2/24 dev eth0").unwrap();
    let _server = serve(&b);
    let near = format!("[{}%eth0]:7007", b.link_local("eth0").unwrap());
    for server in ["192.0.2.2:7007", &near] {
        let got = output(&a, delay(&format!("{server} --count 2 --interval 1 --wait 20 --json")));
        assert!(got.status.success(), "{got:?}");
        let (exchanges, _) = results(objects(&got));
        assert_eq!(exchanges.len(), 2);
        exchanges.iter().for_each(agrees);
    }
}

/// Before Linux 6.13, a send with an identifier fails, and the kernel counts.
fn a_kernel_that_counts_is_enough() {
    let Pair { a, b } = Pair::new().unwrap();
    let _server = serve(&b);
    // The first call sends the datagram that waits for timestamps.
    let strace = "-o /dev/null -e trace=sendmsg -e inject=sendmsg:error=EINVAL:when=1";
    let ours = delay("[2001:db8:1::2]:7007 --count 3 --interval 1 --wait 20 --json");
    let got = output(&a, wrapped(installed("strace").typed(strace), &ours));
    assert!(got.status.success(), "{got:?}");
    let (exchanges, _) = results(objects(&got));
    assert_eq!(exchanges.len(), 3);
    exchanges.iter().for_each(agrees);
}

fn a_closed_port_is_reported_with_status_1() {
    let Pair { a, b } = Pair::new().unwrap();
    b.set("net/ipv6/icmp/ratelimit", "0").unwrap();
    let got = output(&a, delay("[2001:db8:1::2]:7007 --count 3 --interval 1 --wait 5 --json"));
    assert_eq!(got.status.code(), Some(1), "{got:?}");
    let (errors, summary) = results(objects(&got));
    let expected =
        ("destination unreachable: port, reported by 2001:db8:1::2".into(), Pair::B.to_string().into());
    assert_eq!(errors.len(), 3);
    for (number, error) in errors.iter().enumerate() {
        assert_eq!((&error["error"], &error["from"]), (&expected.0, &expected.1));
        assert_eq!(error["number"], number);
    }
    assert_eq!(["sent", "answered", "lost", "ignored"].map(|name| number(&summary, name)), [3, 0, 3, 0]);
}

/// Nanoseconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos().try_into().unwrap()
}

const REQUEST: u32 = 1;
const REPLY: u32 = 2;
const QUESTION: u32 = 3;
const ANSWER: u32 = 4;

/// A packet of the program: kind, session, number, time and ticket.
fn packet(kind: u32, session: &[u8], number: u64, time: u64, ticket: u32) -> Vec<u8> {
    let mut packet = b"IPv6".to_vec();
    packet.extend(kind.to_be_bytes());
    packet.extend(session);
    packet.extend(number.to_be_bytes());
    packet.extend(time.to_be_bytes());
    packet.extend(ticket.to_be_bytes());
    packet.resize(48, 0);
    packet
}

/// A server that does what a test wants, on the port 7007 of a host.
struct Fake(UdpSocket);

impl Fake {
    fn new(host: &Host) -> Self {
        let socket = host.run(|| UdpSocket::bind("[::]:7007")).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self(socket)
    }

    /// Receives a packet of this kind: its session, its number, and the client.
    fn next(&self, kind: u32) -> (Vec<u8>, u64, SocketAddr) {
        let (got, session, number, from) = self.any();
        assert_eq!(got, kind);
        (session, number, from)
    }

    /// Receives a packet: its kind, its session, its number, and the client.
    fn any(&self) -> (u32, Vec<u8>, u64, SocketAddr) {
        let mut bytes = [0; 100];
        let (len, from) = self.0.recv_from(&mut bytes).unwrap();
        assert_eq!(len, 48);
        let kind = u32::from_be_bytes(bytes[4..8].try_into().unwrap());
        (kind, bytes[8..16].to_vec(), u64::from_be_bytes(bytes[16..24].try_into().unwrap()), from)
    }

    fn send(&self, bytes: &[u8], to: SocketAddr) {
        self.0.send_to(bytes, to).unwrap();
    }
}

fn forged_replies_are_counted_and_change_nothing() {
    let Pair { a, b } = Pair::new().unwrap();
    let server = Fake::new(&b);
    let ours = Running::start(&a, delay("[2001:db8:1::2]:7007 --count 1 --wait 50 --json"));
    let (session, number_, to) = server.next(REQUEST);
    assert_eq!(number_, 0);
    let other: Vec<u8> = session.iter().map(|byte| !byte).collect();
    let time = now();
    let valid = packet(REPLY, &session, 0, time, 5);
    let with = |at: usize, value: u8| {
        let mut other = valid.clone();
        other[at] = value;
        other
    };
    let ignored = [
        Vec::new(),
        vec![0; 48],
        valid[..47].to_vec(),
        [&valid[..], &[0]].concat(),
        vec![0xff; 1400],
        with(0, 0),
        with(4, 1),
        with(7, 5),
        // A byte that has to be zero.
        with(47, 1),
        packet(REPLY, &other, 0, time, 5),
        packet(REPLY, &session, 1, time, 5),
        packet(REPLY, &session, u64::MAX, time, 5),
        packet(REQUEST, &session, 0, 0, 0),
        packet(QUESTION, &session, 0, 0, 5),
        packet(ANSWER, &session, 0, time, 5),
    ];
    ignored.iter().for_each(|bytes| server.send(bytes, to));
    server.send(&valid, to);
    server.send(&valid, to);
    assert_eq!(server.next(QUESTION), (session.clone(), 0, to));
    // For the ticket of another reply.
    server.send(&packet(ANSWER, &session, 0, time + 9, 6), to);
    server.send(&packet(ANSWER, &session, 0, time, 5), to);
    let (status, lines) = ours.end();
    assert!(status.success(), "{lines:?}");
    let (exchanges, summary) = results(lines.iter().map(object).collect());
    assert_eq!(exchanges.len(), 1);
    agrees(&exchanges[0]);
    assert_eq!(number(&exchanges[0], "server_ns"), 0);
    assert_eq!(number(&summary, "ignored"), ignored.len() as i64 + 1);
    let names = ["sent", "answered", "lost", "duplicates", "contradictory"];
    assert_eq!(names.map(|name| number(&summary, name)), [1, 1, 0, 1, 0]);
}

fn contradictory_and_missing_times_are_no_results() {
    let Pair { a, b } = Pair::new().unwrap();
    let server = Fake::new(&b);
    let ours = Running::start(&a, delay("[2001:db8:1::2]:7007 --count 5 --interval 1 --wait 50 --json"));
    let hour = 3_600_000_000_000;
    let time = now();
    // The times 2 and 3 of each exchange.
    let times = [(time, time - 1), (time, time + hour), (1, u64::MAX), (0, time), (time, 0)];
    // The requests and the questions may come in any order.
    for _ in 0..2 * times.len() {
        let (kind, session, number, to) = server.any();
        let (arrived, left) = times[number as usize];
        let (kind, time) = if kind == REQUEST { (REPLY, arrived) } else { (ANSWER, left) };
        server.send(&packet(kind, &session, number, time, 0), to);
    }
    let (status, lines) = ours.end();
    assert_eq!(status.code(), Some(1), "{lines:?}");
    let (exchanges, summary) = results(lines.iter().map(object).collect());
    assert!(exchanges.iter().all(|exchange| exchange["error"].is_string()), "{exchanges:?}");
    let names = ["answered", "contradictory", "incomplete"];
    assert_eq!(names.map(|name| number(&summary, name)), [5, 3, 2]);
    assert!(summary["round_trip"]["min_ns"].is_null());
}

fn late_replies_stay_lost() {
    let Pair { a, b } = Pair::new().unwrap();
    let server = Fake::new(&b);
    let mut ours =
        Running::start(&a, delay("[2001:db8:1::2]:7007 --count 2 --interval 3000 --wait 0.1 --json"));
    let (session, _, to) = server.next(REQUEST);
    ours.line("\"lost\":true");
    for _ in 0..2 {
        server.send(&packet(REPLY, &session, 0, now(), 0), to);
    }
    server.next(REQUEST);
    let (status, lines) = ours.end();
    assert_eq!(status.code(), Some(1));
    let summary = object(lines.last().unwrap());
    let names = ["sent", "answered", "lost", "late", "duplicates"];
    assert_eq!(names.map(|name| number(&summary, name)), [2, 0, 2, 1, 1]);
}

fn the_server_answers_requests_only() {
    let Pair { a, b } = Pair::new().unwrap();
    let server = serve(&b);
    let client = a.run(|| UdpSocket::bind("[::]:0")).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let session = [7; 8];
    let send = |bytes: &[u8]| client.send_to(bytes, (Pair::B, 7007)).unwrap();
    let ignored = [
        Vec::new(),
        vec![0; 48],
        vec![0xff; 1400],
        packet(REQUEST, &session, 0, 0, 0)[..47].to_vec(),
        [&packet(REQUEST, &session, 0, 0, 0)[..], &[0]].concat(),
        packet(REQUEST, &session, 0, 1, 0),
        packet(REQUEST, &session, 0, 0, 1),
        packet(REPLY, &session, 0, 0, 0),
        packet(ANSWER, &session, 0, 0, 0),
        packet(QUESTION, &session, 0, 0, 0),
        packet(QUESTION, &session, 0, 0, u32::MAX),
    ];
    for bytes in &ignored {
        send(bytes);
    }
    // To the group of all nodes.
    let all_nodes = format!("[ff02::1%{}]:7007", a.index("eth0").unwrap());
    client.send_to(&packet(REQUEST, &session, 0, 0, 0), &all_nodes[..]).unwrap();
    // The first answer is the one to a valid request, and has its size.
    send(&packet(REQUEST, &session, 42, 0, 0));
    let mut reply = [0; 100];
    let receive = |reply: &mut [u8]| {
        let len = client.recv(reply).unwrap();
        assert_eq!(len, 48);
        (reply[7], u64::from_be_bytes(reply[16..24].try_into().unwrap()))
    };
    assert_eq!(receive(&mut reply), (2, 42));
    let ticket = u32::from_be_bytes(reply[32..36].try_into().unwrap());
    // Of another session, and with another number.
    send(&packet(QUESTION, &[8; 8], 42, 0, ticket));
    send(&packet(QUESTION, &session, 41, 0, ticket));
    // Of another client.
    let other = a.run(|| UdpSocket::bind("[::]:0")).unwrap();
    other.send_to(&packet(QUESTION, &session, 42, 0, ticket), (Pair::B, 7007)).unwrap();
    send(&packet(QUESTION, &session, 42, 0, ticket));
    assert_eq!(receive(&mut reply), (4, 42));
    server.interrupt();
    let (status, lines) = server.end();
    assert!(status.success());
    let summary = object(&lines[0]);
    let expected = [1, 1, ignored.len() as i64 + 4, 0];
    assert_eq!(["requests", "questions", "ignored", "not_sent"].map(|name| number(&summary, name)), expected);
}

fn an_interrupt_prints_the_summary() {
    let Pair { a, b } = Pair::new().unwrap();
    let server = serve(&b);
    let mut ours = Running::start(&a, delay("[2001:db8:1::2]:7007 --count 0 --interval 1000 --json"));
    ours.line("round_trip_ns");
    ours.interrupt();
    let (status, lines) = ours.end();
    assert!(status.success(), "{lines:?}");
    assert!(number(&object(lines.last().unwrap()), "sent") >= 1);
    drop(server);

    let silent = Fake::new(&b);
    let ours = Running::start(&a, delay("[2001:db8:1::2]:7007 --wait 50 --json"));
    silent.next(REQUEST);
    ours.interrupt();
    let (status, lines) = ours.end();
    assert_eq!(status.code(), Some(130), "{lines:?}");
    let summary = object(lines.last().unwrap());
    assert_eq!((number(&summary, "answered"), number(&summary, "lost")), (0, 0));
    assert!(number(&summary, "open") >= 1);

    // A server that was to answer more.
    drop(silent);
    let mut server = Running::start(&b, delay("serve [::]:7007 --count 5"));
    server.line("listening");
    server.interrupt();
    let (status, lines) = server.end();
    assert_eq!((status.code(), lines.len()), (Some(130), 1), "{lines:?}");
}
