//! System calls that fail: `strace` injects errors into a child process, which is this program again.

mod common;

use std::fs;
use std::net::SocketAddrV6;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::*;
use ipv6_std::*;
use ipv6_testnet::{Need, Test};

/// musl sends a batch message by message on 64-bit machines.
const IS_ONE_BY_ONE: bool = cfg!(all(target_env = "musl", target_pointer_width = "64"));
/// The system call that sends a batch.
const SEND_BATCH: &str = if IS_ONE_BY_ONE { "^sendmsg$" } else { "^sendmmsg" };

const CHILD: &str = "IPV6_FAULTS_CHILD";

fn main() {
    if let Ok(part) = std::env::var(CHILD) {
        return child(&part);
    }
    let needs = &[Need::Namespace, Need::Strace];
    ipv6_testnet::main(&[
        Test { name: "an_interrupted_call_is_repeated", needs, run: an_interrupted_call_is_repeated },
        Test { name: "an_error_is_returned_once", needs, run: an_error_is_returned_once },
        Test {
            name: "a_flag_that_cannot_be_set_stays_unset",
            needs,
            run: a_flag_that_cannot_be_set_stays_unset,
        },
        Test { name: "one_call_makes_one_system_call", needs, run: one_call_makes_one_system_call },
        Test { name: "the_cheapest_system_calls_are_used", needs, run: the_cheapest_system_calls_are_used },
        Test {
            name: "a_batch_refused_with_eio_is_sent_singly",
            needs,
            run: a_batch_refused_with_eio_is_sent_singly,
        },
        Test {
            name: "a_batch_refused_with_einval_is_sent_with_fewer_segments",
            needs,
            run: a_batch_refused_with_einval_is_sent_with_fewer_segments,
        },
        Test {
            name: "an_error_that_does_not_come_again_is_about_an_earlier_datagram",
            needs,
            run: an_error_that_does_not_come_again_is_about_an_earlier_datagram,
        },
        Test {
            name: "errors_that_come_again_are_not_about_a_datagram_that_fits_every_path",
            needs,
            run: errors_that_come_again_are_not_about_a_datagram_that_fits_every_path,
        },
        Test {
            name: "a_momentary_error_does_not_disable_coalescing",
            needs,
            run: a_momentary_error_does_not_disable_coalescing,
        },
        Test {
            name: "an_error_that_is_no_refusal_is_returned",
            needs,
            run: an_error_that_is_no_refusal_is_returned,
        },
        Test {
            name: "segments_refused_with_eio_are_sent_singly",
            needs,
            run: segments_refused_with_eio_are_sent_singly,
        },
        #[cfg(one_by_one)]
        Test {
            name: "an_error_within_a_batch_is_returned_by_the_next_call",
            needs,
            run: an_error_within_a_batch_is_returned_by_the_next_call,
        },
    ])
}

/// The work of a child process, by name.
fn child(part: &str) {
    let conn = loopback();
    let to = conn.local_addr().unwrap();
    let send = || conn.send_to(b"x", &SendControl::new().with_hop_limit(3), to);
    // With control messages the library uses other system calls.
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
        "segments" => {
            for _ in 0..2 {
                assert_eq!(conn.send_segments(&[7; 80], 10, &SendControl::new(), to).unwrap(), 80);
                for _ in 0..8 {
                    assert_eq!(receive(&conn).0, [7; 10]);
                }
                assert_eq!(conn.coalescing_refused(), 1);
                assert_eq!((conn.max_segments_to(to, 10), conn.max_segments() > 1), (1, true));
            }
        }
        "segments, late" => {
            assert_eq!(conn.send_segments(&[7; 80], 10, &SendControl::new(), to).unwrap(), 80);
            late(conn.send_segments(&[7; 80], 10, &SendControl::new(), to));
            assert_eq!(conn.send_segments(&[7; 80], 10, &SendControl::new(), to).unwrap(), 80);
            assert_eq!((conn.max_segments() > 1, conn.coalescing_refused()), (true, 0));
            for _ in 0..16 {
                assert_eq!(receive(&conn).0, [7; 10]);
            }
        }
        "single, late" => {
            assert_eq!(send().unwrap(), 1);
            late(send());
            assert_eq!(send().unwrap(), 1);
            for _ in 0..2 {
                assert_eq!(receive(&conn).0, b"x");
            }
        }
        "late" => {
            let most = conn.max_segments();
            assert_eq!(sent_as(&conn, 8, 15), [8]);
            let text = [7; 15];
            let messages = [Outgoing::new(&text, SendControl::new(), Some(to)); 8];
            late(conn.send_batch(&mut SendBatch::new(8), &messages));
            assert_eq!(sent_as(&conn, 8, 15), [8]);
            assert_eq!((conn.max_segments(), conn.coalescing_refused()), (most, 0));
        }
        "late, all to 1" | "late, all to 2" => {
            let other = loopback();
            let to = [to, other.local_addr().unwrap()];
            let to = if part.ends_with('1') { &to[..1] } else { &to };
            // More than one system call takes.
            let (text, mut batch) = ([7; 15], SendBatch::new(3));
            let message = |to: &SocketAddrV6| Outgoing::new(&text, SendControl::new(), Some(*to));
            let messages: Vec<_> = to.iter().cycle().take(12).map(message).collect();
            conn.send_batch_all(&mut batch, &messages).unwrap();
            late(conn.send_batch_all(&mut batch, &messages).map_err(SendAllError::into_error));
            conn.send_batch_all(&mut batch, &messages).unwrap();
            for _ in 0..24 / to.len() {
                assert_eq!(receive(&conn).0, text);
            }
        }
        "momentary" => {
            let most = conn.max_segments();
            for size in [15, 1400] {
                assert_eq!(sent_as(&conn, 8, size), [8]);
                assert_eq!((conn.max_segments(), conn.coalescing_refused()), (most, 0));
            }
        }
        "momentary, longer" => {
            let most = conn.max_segments();
            assert_eq!(sent_as(&conn, 100, 15), [1; 100]);
            // The refusals concern the destination. That 64 were refused too shows that 100 were not too many.
            assert_eq!((conn.max_segments(), conn.max_segments_to(to, 15)), (most, 1));
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
            delivered();
            assert_eq!(conn.recv_batch(&mut RecvBatch::new(4), &mut [[0; 8]; 4]).unwrap(), 4);
        }
        "errors" => {
            conn.set_deadline(None);
            assert_eq!(errno(send()), Some(ENOBUFS));
            send().unwrap();
            assert_eq!(errno(conn.recv_from(&mut [0; 8])), Some(ENOBUFS));
            assert_eq!(receive(&conn).0, b"x");
        }
        #[cfg(one_by_one)]
        "within a batch" => {
            use std::os::fd::{AsFd, AsRawFd};
            let messages = [Outgoing::new(b"x", SendControl::new(), Some(to)); 4];
            let (mut batch, mut payloads) = (RecvBatch::new(4), [[0; 8]; 4]);
            for deadline in [None, soon()] {
                conn.set_deadline(deadline);
                assert_eq!(conn.send_batch(&mut SendBatch::new(4), &messages).unwrap(), 4);
                delivered();
                assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 2);
                assert_eq!(errno(conn.recv_batch(&mut batch, &mut payloads)), Some(ENOBUFS));
                assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 2);
            }
            // The kept error is not returned for another socket, and only once for this one.
            let other = loopback();
            assert_eq!(conn.send_batch(&mut SendBatch::new(4), &messages).unwrap(), 4);
            delivered();
            assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 2);
            for _ in 0..2 {
                conn.send_to(b"x", &SendControl::new(), other.local_addr().unwrap()).unwrap();
            }
            delivered();
            assert_eq!(other.recv_batch(&mut batch, &mut payloads).unwrap(), 2);
            assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 2);
            // It is not returned for a new socket that has the number of the old one.
            let number = conn.get_ref().as_fd().as_raw_fd();
            drop(conn);
            let new = loopback();
            assert_eq!(new.get_ref().as_fd().as_raw_fd(), number);
            new.send_to(b"x", &SendControl::new(), new.local_addr().unwrap()).unwrap();
            assert_eq!(new.recv_batch(&mut batch, &mut payloads).unwrap(), 1);
        }
        "flags" => {
            // The second option fails.
            let flags = ControlFlags::TRAFFIC_CLASS | ControlFlags::HOP_LIMIT;
            conn.set_control_flags(flags, true).unwrap_err();
            assert_eq!(conn.control_flags(), ControlFlags::TRAFFIC_CLASS);
            conn.set_control_flags(flags, true).unwrap();
            assert_eq!(conn.control_flags(), flags);
        }
        "refused, 8" => refused(&conn, 8, 15, 128, &[1; 8]),
        "refused, 100" => refused(&conn, 100, 15, 64, &[64, 36]),
        // The datagrams may have been too long for a packet: shorter ones are still coalesced.
        "refused, long" => {
            let most = conn.max_segments();
            refused(&conn, 4, 1400, most, &[1; 4]);
            assert_eq!(sent_as(&conn, 4, 1399), [4]);
        }
        "no buffers" => {
            let (to, text) = (conn.local_addr().unwrap(), [7; 15]);
            let messages = [Outgoing::new(&text, SendControl::new(), Some(to)); 8];
            let most = conn.max_segments();
            assert_eq!(errno(conn.send_batch(&mut SendBatch::new(8), &messages)), Some(ENOBUFS));
            assert_eq!((conn.max_segments(), conn.coalescing_refused()), (most, 0));
            assert_eq!(sent_as(&conn, 8, 15), [8]);
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

/// Asserts that a call returned the report about an earlier datagram.
fn late<T: std::fmt::Debug>(result: std::io::Result<T>) {
    let error = result.unwrap_err();
    assert!(!is_too_long(&error), "{error}");
    assert_eq!(cause(&error), Some(EMSGSIZE), "{error}");
}

/// Sends a batch of `count` datagrams of `size` bytes, and returns how many each kernel message held.
fn sent_as(conn: &PacketConn, count: usize, size: usize) -> Vec<usize> {
    conn.set_receive_coalescing(true).unwrap();
    let texts = texts(&vec![size; count]);
    let messages = outgoing(&texts, conn.local_addr().unwrap());
    assert_eq!(conn.send_batch(&mut SendBatch::new(128), &messages).unwrap(), count);
    let (mut payload, mut received, mut together) = (vec![0; 65_535], Vec::new(), Vec::new());
    while received.len() < count {
        let got = conn.recv_from(&mut payload).unwrap();
        let segments = Segments::new(&payload[..got.len], got.control.segment_size);
        together.push(segments.len());
        received.extend(segments.map(<[u8]>::to_vec));
    }
    // After any refusal, every datagram arrives once, whole and in order.
    assert!(received == texts);
    together
}

/// Sends a batch that is refused as a whole. It is then sent as `together` says, with `max_segments` as the new limit,
/// and so is the next batch, without another refusal.
fn refused(conn: &PacketConn, count: usize, size: usize, max_segments: usize, together: &[usize]) {
    for _ in 0..2 {
        assert_eq!(sent_as(conn, count, size), together);
        assert_eq!((conn.max_segments(), conn.coalescing_refused()), (max_segments, 1));
    }
    // `set_send_coalescing` restores the limit. (Kernels before 6.9 take at most 64.)
    conn.set_send_coalescing(true);
    assert_eq!(conn.coalescing_refused(), 1);
    assert!(sent_as(conn, count, size)[0] > together[0] || together[0] == 64);
}

/// Runs a part of [`child`] under `strace` with these options.
fn strace(part: &str, options: &[&str]) {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq"]).args(options).arg(std::env::current_exe().unwrap()).env(CHILD, part);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{part} {options:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a part with a fault injected into the system calls whose names match, and asserts that there were such calls:
/// strace does not report that it injected nothing.
fn inject(part: &str, calls: &str, fault: &str) {
    // Tests run at the same time, also with the same part and calls.
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let log = std::env::temp_dir().join(format!("ipv6-faults-{}-{run}", std::process::id()));
    let (trace, inject) = (format!("trace=/{calls}"), format!("inject=/{calls}:{fault}"));
    strace(part, &["-o", log.to_str().unwrap(), "-e", &trace, "-e", &inject]);
    let traced = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    assert!(traced.contains("(INJECTED)"), "{part} {calls}: nothing was injected:\n{traced}");
}

fn an_interrupted_call_is_repeated() {
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
    inject("batches", SEND_BATCH, thrice);
}

fn an_error_is_returned_once() {
    inject("errors", "^(sendmsg|recvmsg)$", "error=ENOBUFS:when=1");
}

fn a_flag_that_cannot_be_set_stays_unset() {
    // The first setsockopt sets IPV6_V6ONLY on the new socket; the next ones set the flags.
    inject("flags", "^setsockopt$", "error=EPERM:when=3");
}

// Scar 43: Go's ReadFrom asks the kernel for SO_PROTOCOL on every receive.
fn one_call_makes_one_system_call() {
    let calls = |count: usize| {
        let log = std::env::temp_dir().join(format!("ipv6-calls-{}-{count}", std::process::id()));
        strace(&count.to_string(), &["-o", log.to_str().unwrap()]);
        let lines = fs::read_to_string(&log).unwrap().lines().count();
        fs::remove_file(&log).unwrap();
        lines
    };
    // Both runs make the same calls at their start and end.
    assert_eq!(calls(30) - calls(10), 2 * 20);
}

fn the_cheapest_system_calls_are_used() {
    let log = std::env::temp_dir().join(format!("ipv6-cheap-{}", std::process::id()));
    strace("cheap", &["-o", log.to_str().unwrap(), "-e", "trace=/^(send|recv)"]);
    let traced = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    let call =
        |what: &str| traced.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{traced}"));
    // Without trailing padding, Linux copies a packet info to its stack instead of allocating (net/socket.c).
    let len = if cfg!(target_pointer_width = "64") { 36 } else { 32 };
    for text in ["\"with info\"", "\"in a batch\""] {
        assert!(call(text).contains(&format!("msg_controllen={len}")), "{traced}");
    }
    assert!(call("\"with nothing\"").contains(" sendto("), "{traced}");
    assert_eq!(traced.lines().filter(|line| line.contains(" recvfrom(")).count(), 3, "{traced}");
}

/// `EIO`: the device does not support segmentation.
// Scar 31 (quinn#2718): a device refuses segmentation with EIO.
fn a_batch_refused_with_eio_is_sent_singly() {
    inject("refused, 8", SEND_BATCH, "error=EIO:when=1..2");
}

/// Scar 55: a send with an explicit segment size never learned that the socket refuses it.
fn segments_refused_with_eio_are_sent_singly() {
    inject("segments", "^sendmsg$", "error=EIO:when=1..2");
}

/// `EINVAL` has many causes: the number of segments, their size, or something else.
fn a_batch_refused_with_einval_is_sent_with_fewer_segments() {
    inject("refused, 8", SEND_BATCH, "error=EINVAL:when=1..2");
    inject("refused, 100", SEND_BATCH, "error=EINVAL:when=1..2");
    inject("refused, long", SEND_BATCH, "error=EINVAL:when=1..2");
}

/// Scar 47 (quinn#2736, curl#18505): Linux returns the report about an earlier datagram from any later call.
fn an_error_that_does_not_come_again_is_about_an_earlier_datagram() {
    inject("late", SEND_BATCH, "error=EMSGSIZE:when=1");
    inject("segments, late", "^sendmsg$", "error=EMSGSIZE:when=1");
    for part in ["late, all to 1", "late, all to 2"] {
        inject(part, SEND_BATCH, "error=EMSGSIZE:when=1");
    }
}

/// Somebody who forges reports as fast as the calls are made must not stop short datagrams, or their coalescing.
fn errors_that_come_again_are_not_about_a_datagram_that_fits_every_path() {
    let often = "error=EMSGSIZE:when=1..40";
    inject("single, late", "^sendmsg$", often);
    inject("late", SEND_BATCH, often);
    inject("segments, late", "^sendmsg$", often);
}

/// Scar 75 (firezone#13770): for example, the source address was gone for a moment.
fn a_momentary_error_does_not_disable_coalescing() {
    for error in ["EINVAL", "EIO"] {
        inject("momentary", SEND_BATCH, &format!("error={error}:when=1"));
    }
    // As one, and in two groups, each twice.
    inject("momentary, longer", SEND_BATCH, "error=EINVAL:when=1..4");
}

fn an_error_that_is_no_refusal_is_returned() {
    inject("no buffers", SEND_BATCH, "error=ENOBUFS:when=1");
}

#[cfg(one_by_one)]
fn an_error_within_a_batch_is_returned_by_the_next_call() {
    // The third of six calls for four messages: two messages, the error, the two others, and "nothing there".
    inject("within a batch", "^recvmsg$", "error=ENOBUFS:when=3..21+6");
}
