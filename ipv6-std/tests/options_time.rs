//! Options and messages of time, by their effect.

mod common;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::*;
use ipv6_std::message::{Timestamp, TimestampId, TimestampNs, TimestampRequest, Timestamping, TxTime};
use ipv6_std::option::{PacingRate, SendTimes, TimestampingFlags};
use ipv6_std::*;
use ipv6_testnet::Pair;

ipv6_testnet::tests! {
    [] received_packets_have_their_time_in_each_form;
    [] sent_packets_have_timestamps_with_identifiers;
    [] a_batch_keeps_the_times_of_its_datagrams;
    [] each_message_of_a_batch_gets_the_timestamp_that_it_requests;
    [] requested_timestamps_are_numbered_in_the_given_order;
    [] flags_of_timestamps_are_read_as_they_were_set;
    [Namespace] a_send_time_needs_the_option;
    [Namespace, Program("tc")] a_packet_is_sent_at_its_time;
    [Namespace, Program("tc")] a_socket_sends_at_its_pacing_rate;
}

/// The message of type `M` that comes with a datagram from the socket to itself, and the times before and after.
fn sent_to_itself<M: for<'a> ControlMessage<ipv6_std::Host, Value<'a> = M>>(
    conn: &PacketConn,
) -> (Option<M>, [Duration; 2]) {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let before = now();
    conn.send_to(b"x", &SendControl::new(), conn.local_addr().unwrap()).unwrap();
    let (mut payload, mut control) = ([0; 16], [0; 512]);
    let message = conn.recv_message(&mut payload, &mut control).unwrap();
    assert!(!message.control_truncated);
    (message.get::<M>().unwrap(), [before, now()])
}

fn received_packets_have_their_time_in_each_form() {
    // The kernel rounds down to a microsecond.
    let within = |time: Option<Duration>, [before, after]: [Duration; 2]| {
        let time = time.unwrap();
        assert!(time + Duration::from_micros(1) >= before && time <= after, "{before:?} {time:?} {after:?}");
    };
    let conn = loopback();
    assert_eq!(sent_to_itself::<Timestamp>(&conn).0, None);
    let _times = takes_times();
    conn.set_option(&option::RECEIVE_TIMESTAMP, true).unwrap();
    let (time, around) = sent_to_itself::<Timestamp>(&conn);
    within(time.and_then(Timestamp::since_epoch), around);
    assert!(conn.option(&option::RECEIVE_TIMESTAMP).unwrap());

    conn.set_option(&option::RECEIVE_TIMESTAMP_NS, true).unwrap();
    let (time, around) = sent_to_itself::<TimestampNs>(&conn);
    within(time.and_then(TimestampNs::since_epoch), around);
    assert_eq!(sent_to_itself::<Timestamp>(&conn).0, None);
    conn.set_option(&option::RECEIVE_TIMESTAMP_NS, false).unwrap();
    assert_eq!(sent_to_itself::<TimestampNs>(&conn).0, None);

    let flags = TimestampingFlags::RX_SOFTWARE | TimestampingFlags::SOFTWARE;
    conn.set_option(&option::TIMESTAMPING, flags).unwrap();
    let (times, around) = sent_to_itself::<Timestamping>(&conn);
    let times = times.unwrap();
    within(times.software.and_then(TimestampNs::since_epoch), around);
    assert_eq!(times.hardware, None);
    // The fields of flags are beside the times, in any order of the kernel.
    conn.set_control_flags(ControlFlags::SUPPORTED, true).unwrap();
    conn.send_to(b"x", &SendControl::new().with_hop_limit(9), conn.local_addr().unwrap()).unwrap();
    assert_eq!(receive(&conn).1.control.hop_limit, Some(9));
}

/// The next entry of the error queue: the length of what it quotes, the stage, the identifier, and the times.
fn reported(conn: &PacketConn) -> (usize, u32, u32, Timestamping) {
    let entry = common::reported(conn, &mut [0; 64]);
    let ReportedKind::Timestamp { stage, id, .. } = entry.kind else { panic!("{entry:?}") };
    (entry.len, stage, id, entry.kind.times().unwrap())
}

fn sent_packets_have_timestamps_with_identifiers() {
    let (conn, nobody) = (loopback(), loopback());
    let to = nobody.local_addr().unwrap();
    let flags = TimestampingFlags::SOFTWARE | TimestampingFlags::OPT_ID | TimestampingFlags::OPT_TSONLY;
    conn.set_option(&option::TIMESTAMPING, flags).unwrap();
    let request = TimestampRequest(TimestampingFlags::TX_SOFTWARE);
    let requested = Messages::<64>::new().with(request).unwrap();
    // Only the packets with the message get a timestamp, and only they are counted.
    for (text, control) in [
        (b"first", SendControl::new().with_messages(&requested)),
        (b"other", SendControl::new()),
        (b"third", SendControl::new().with_messages(&requested)),
    ] {
        conn.send_to(text, &control, to).unwrap();
    }
    for id in [0, 1] {
        let (len, stage, of, times) = reported(&conn);
        // OPT_TSONLY: without the payload. The stage is that of the device.
        assert_eq!((len, stage, of), (0, 0, id));
        assert!(times.software.is_some() && times.hardware.is_none());
    }
    let numbered = Messages::<64>::new().with(request).unwrap().with(TimestampId(77)).unwrap();
    match conn.send_to(b"77", &SendControl::new().with_messages(&numbered), to) {
        // Before Linux 6.13 the kernel does not know the message.
        Err(error) => assert_eq!(error.raw_os_error().or_else(|| cause(&error)), Some(EINVAL)),
        Ok(_) => assert_eq!(reported(&conn).2, 77),
    }
}

fn each_message_of_a_batch_gets_the_timestamp_that_it_requests() {
    let (conn, nobody) = (loopback(), loopback());
    let to = nobody.local_addr().unwrap();
    let flags = TimestampingFlags::SOFTWARE | TimestampingFlags::OPT_ID | TimestampingFlags::OPT_TSONLY;
    conn.set_option(&option::TIMESTAMPING, flags).unwrap();
    let request = Messages::<64>::new().with(TimestampRequest(TimestampingFlags::TX_SOFTWARE)).unwrap();
    let control = SendControl::new().with_messages(&request);
    let batch = [b"1", b"2", b"3"].map(|text| Outgoing::new(text, control, Some(to)));
    assert_eq!(conn.send_batch(&mut SendBatch::new(4), &batch).unwrap(), 3);
    // Over loopback they are there when the call returns.
    let mut ids = Vec::new();
    let each = |entry: Reported, _: &[u8]| {
        if let ReportedKind::Timestamp { id, .. } = entry.kind {
            ids.push(id);
        }
    };
    conn.drain_errors(each).unwrap();
    assert_eq!(ids, [0, 1, 2]);
}

/// The system numbers the timestamps in the order of sending.
fn requested_timestamps_are_numbered_in_the_given_order() {
    let (conn, others) = (loopback(), [loopback(), loopback()]);
    let to = others.each_ref().map(|other| other.local_addr().unwrap());
    // The report quotes the packet. Its last byte is the number of the message.
    let flags = TimestampingFlags::SOFTWARE | TimestampingFlags::OPT_ID;
    conn.set_option(&option::TIMESTAMPING, flags).unwrap();
    let request = Messages::<64>::new().with(TimestampRequest(TimestampingFlags::TX_SOFTWARE)).unwrap();
    let control = SendControl::new().with_messages(&request);
    let numbers: Vec<_> = (0..12).map(|number| [number]).collect();
    let messages: Vec<_> = numbers
        .iter()
        .zip(to.iter().cycle())
        .map(|(number, to)| Outgoing::new(number, control, Some(*to)))
        .collect();
    let mut batch = SendBatch::new(16);
    for call in 0..2 {
        conn.send_batch_all(&mut batch, &messages).unwrap();
        let mut reported = Vec::new();
        let each = |entry: Reported, packet: &[u8]| {
            if let ReportedKind::Timestamp { id, .. } = entry.kind {
                reported.push((id, packet[entry.len - 1]));
            }
        };
        conn.drain_errors(each).unwrap();
        assert!(reported.into_iter().eq((0..12).map(|number| (call * 12 + u32::from(number), number))));
    }
}

fn a_batch_keeps_the_times_of_its_datagrams() {
    let _times = takes_times();
    let (sender, receiver) = (loopback(), loopback());
    receiver.set_option(&option::RECEIVE_TIMESTAMP_NS, true).unwrap();
    for text in [b"1", b"2", b"3"] {
        sender.send_to(text, &SendControl::new(), receiver.local_addr().unwrap()).unwrap();
    }
    holds(&receiver, 3);
    let mut payloads = [[0; 16]; 3];
    let mut payloads: Vec<&mut [u8]> = payloads.iter_mut().map(|payload| &mut payload[..]).collect();
    let mut batch = RecvBatch::new(3);
    receiver.recv_batch(&mut batch, &mut payloads).unwrap();
    let times: Vec<_> =
        batch.messages().map(|message| message.get::<TimestampNs>().unwrap().unwrap()).collect();
    assert_eq!(times.len(), 3);
    assert!(times.is_sorted(), "{times:?}");
}

fn flags_of_timestamps_are_read_as_they_were_set() {
    let conn = loopback();
    assert_eq!(conn.option(&option::TIMESTAMPING).unwrap(), TimestampingFlags::empty());
    let flags = TimestampingFlags::TX_SOFTWARE | TimestampingFlags::SOFTWARE | TimestampingFlags::OPT_CMSG;
    conn.set_option(&option::TIMESTAMPING, flags).unwrap();
    assert_eq!(conn.option(&option::TIMESTAMPING).unwrap(), flags);
    let times = SendTimes { report_errors: true, ..SendTimes::new(SendTimes::MONOTONIC) };
    conn.set_option(&option::SEND_TIMES, times).unwrap();
    assert_eq!(conn.option(&option::SEND_TIMES).unwrap(), times);
    assert_eq!(conn.option(&option::MAX_PACING_RATE).unwrap(), PacingRate::UNLIMITED);
    let long = [PacingRate(u32::MAX.into()), PacingRate(20_000_000_000)];
    for rate in [PacingRate(1), PacingRate(1_000_000), long[0], long[1], PacingRate::UNLIMITED] {
        if size_of::<usize>() == 8 || !long.contains(&rate) {
            conn.set_option(&option::MAX_PACING_RATE, rate).unwrap();
            assert_eq!(conn.option(&option::MAX_PACING_RATE).unwrap(), rate);
        }
    }
}

fn a_send_time_needs_the_option() {
    let conn = loopback();
    let to = conn.local_addr().unwrap();
    let messages = Messages::<64>::new().with(TxTime(1)).unwrap();
    let send = || conn.send_to(b"x", &SendControl::new().with_messages(&messages), to);
    for error in [send().unwrap_err(), conn.send_messages(b"x", &messages, to).unwrap_err()] {
        assert_eq!((error.kind(), cause(&error)), (std::io::ErrorKind::InvalidInput, Some(EINVAL)));
        assert!(error.to_string().contains("needs the option SO_TXTIME: set option::SEND_TIMES"), "{error}");
    }
    // Another cause of the same error, without such a message.
    let nowhere = std::net::SocketAddrV6::new(*to.ip(), 0, 0, 0);
    assert_eq!(errno(conn.send_to(b"x", &SendControl::new(), nowhere)), Some(EINVAL));
    conn.set_option(&option::SEND_TIMES, SendTimes::new(SendTimes::MONOTONIC)).unwrap();
    // Without a queueing discipline that obeys the time, the packet is sent at once.
    send().unwrap();
    assert_eq!(receive(&conn).0, b"x");
}

/// Replaces the queueing discipline of `eth0` of the first host by `fq`; `false` if the kernel lacks it. (The kernels of
/// `scripts/test-in-kernel` have it.)
fn with_fq(pair: &Pair) -> bool {
    let mut command = std::process::Command::new(ipv6_testnet::program("tc").unwrap());
    command.args(["qdisc", "replace", "dev", "eth0", "root", "fq"]).stderr(std::process::Stdio::piped());
    let output = pair.a.spawn(&mut command).unwrap().wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    let is_missing = error.contains("qdisc kind is unknown");
    assert!(output.status.success() || is_missing, "{error}");
    !is_missing
}

fn a_packet_is_sent_at_its_time() {
    let pair = Pair::new().unwrap();
    if !with_fq(&pair) {
        return eprintln!("this kernel has no fq");
    }
    let (sender, receiver) = (on(&pair.a), on(&pair.b));
    sender.set_option(&option::SEND_TIMES, SendTimes::new(SendTimes::MONOTONIC)).unwrap();
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let now = now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64;
    let later = now + 300_000_000;
    let messages = Messages::<64>::new().with(TxTime(later)).unwrap();
    let to = at(Pair::B, port(&receiver));
    sender.send_to(b"later", &SendControl::new().with_messages(&messages), to).unwrap();
    receive(&receiver);
    let arrived = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    assert!(arrived.tv_sec as u64 * 1_000_000_000 + arrived.tv_nsec as u64 >= later);
}

fn a_socket_sends_at_its_pacing_rate() {
    let pair = Pair::new().unwrap();
    if !with_fq(&pair) {
        return eprintln!("this kernel has no fq");
    }
    let (sender, receiver) = (on(&pair.a), on(&pair.b));
    // 20 packets of 1,000 bytes at 50,000 bytes per second take 0.38 seconds. At more than 68,750 bytes per second, `fq` would send
    // the first 15 packets at once (its `low_rate_threshold` and `initial_quantum`).
    sender.set_option(&option::MAX_PACING_RATE, PacingRate(50_000)).unwrap();
    let start = std::time::Instant::now();
    for _ in 0..20 {
        sender.send_to(&[7; 952], &SendControl::new(), at(Pair::B, port(&receiver))).unwrap();
    }
    for _ in 0..20 {
        receive(&receiver);
    }
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
}
