//! System calls that fail as they please: `strace` makes them, in a child process that is this program again.

mod common;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use common::*;
use ipv6_std::*;
use ipv6_testnet::{Need, Test};

/// musl sends a batch message by message on 64-bit machines.
const IS_ONE_BY_ONE: bool = cfg!(all(target_env = "musl", target_pointer_width = "64"));
/// The system call of a batch that is sent.
const SEND_BATCH: &str = if IS_ONE_BY_ONE { "^sendmsg$" } else { "^sendmmsg" };

const CHILD: &str = "IPV6_FAULTS_CHILD";

fn main() {
    if let Ok(part) = std::env::var(CHILD) {
        return child(&part);
    }
    let needs = &[Need::Namespace, Need::Strace];
    ipv6_testnet::main(&[
        Test { name: "a_signal_never_surfaces", needs, run: a_signal_never_surfaces },
        Test { name: "an_error_is_told_and_passes", needs, run: an_error_is_told_and_passes },
        Test { name: "a_flag_that_fails_stays_as_it_was", needs, run: a_flag_that_fails_stays_as_it_was },
        Test { name: "scar_43_one_call_is_one_system_call", needs, run: scar_43_one_call_is_one_system_call },
        Test { name: "the_cheap_paths_are_taken", needs, run: the_cheap_paths_are_taken },
        Test { name: "scar_30_what_is_refused_goes_singly", needs, run: scar_30_what_is_refused_goes_singly },
        Test { name: "what_is_refused_goes_with_fewer", needs, run: what_is_refused_goes_with_fewer },
        Test { name: "an_error_of_another_kind_is_told", needs, run: an_error_of_another_kind_is_told },
        #[cfg(one_by_one)]
        Test { name: "an_error_within_a_batch_is_kept", needs, run: an_error_within_a_batch_is_kept },
    ])
}

/// What a child does, by name.
fn child(part: &str) {
    let conn = loopback();
    let to = conn.local_addr().unwrap();
    let send = || conn.send_to(b"x", &SendControl::new().with_hop_limit(3), to);
    // Without control messages it is another system call.
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
                assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 2);
                assert_eq!(errno(conn.recv_batch(&mut batch, &mut payloads)), Some(ENOBUFS));
                assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 2);
            }
            // It is not another socket's, nor this one's for ever.
            let other = loopback();
            assert_eq!(conn.send_batch(&mut SendBatch::new(4), &messages).unwrap(), 4);
            assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 2);
            for _ in 0..2 {
                conn.send_to(b"x", &SendControl::new(), other.local_addr().unwrap()).unwrap();
            }
            assert_eq!(other.recv_batch(&mut batch, &mut payloads).unwrap(), 2);
            assert_eq!(conn.recv_batch(&mut batch, &mut payloads).unwrap(), 2);
            // Nor is this error that of a new socket with the old one's number.
            let number = conn.get_ref().as_fd().as_raw_fd();
            drop(conn);
            let new = loopback();
            assert_eq!(new.get_ref().as_fd().as_raw_fd(), number);
            new.send_to(b"x", &SendControl::new(), new.local_addr().unwrap()).unwrap();
            assert_eq!(new.recv_batch(&mut batch, &mut payloads).unwrap(), 1);
        }
        "flags" => {
            // The second of the options that it sets is refused.
            let flags = ControlFlags::TRAFFIC_CLASS | ControlFlags::HOP_LIMIT;
            conn.set_control_flags(flags, true).unwrap_err();
            assert_eq!(conn.control_flags(), ControlFlags::TRAFFIC_CLASS);
            conn.set_control_flags(flags, true).unwrap();
            assert_eq!(conn.control_flags(), flags);
        }
        "refused, 8" => refused(&conn, 8, 15, 1, &[1; 8]),
        "refused, 100" => refused(&conn, 100, 15, 64, &[64, 36]),
        "refused twice, 100" => refused(&conn, 100, 15, 1, &[1; 100]),
        // They may have been too long for a packet: others still go together.
        "refused, long" => {
            let most = conn.max_segments();
            refused(&conn, 4, 1400, most, &[1; 4]);
            assert_eq!(sent_as(&conn, 4, 1399), [4]);
        }
        // That was not it, then.
        "refused again, long" => {
            assert_eq!(sent_as(&conn, 4, 1400), [1; 4]);
            assert_eq!(sent_as(&conn, 4, 1300), [1; 4]);
            assert_eq!((conn.max_segments(), conn.coalescing_refused()), (1, 2));
            assert_eq!(sent_as(&conn, 4, 15), [1; 4]);
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

/// Sends a batch of so many datagrams of this size, and says how many went together each time.
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
    // Whatever was refused: each once, whole, in order.
    assert!(received == texts);
    together
}

/// Sends a batch that is refused as a whole: it goes with so many together, and from then on too, without being
/// refused again.
fn refused(conn: &PacketConn, count: usize, size: usize, max_segments: usize, together: &[usize]) {
    for _ in 0..2 {
        assert_eq!(sent_as(conn, count, size), together);
        assert_eq!((conn.max_segments(), conn.coalescing_refused()), (max_segments, 1));
    }
    // Until it is to be tried again. (Kernels before 6.9 take no more than 64.)
    conn.set_send_coalescing(true);
    assert_eq!(conn.coalescing_refused(), 1);
    assert!(sent_as(conn, count, size)[0] > together[0] || together[0] == 64);
}

/// Runs a part of `child` under `strace` with these options.
fn strace(part: &str, options: &[&str]) {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq"]).args(options).arg(std::env::current_exe().unwrap()).env(CHILD, part);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{part} {options:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a part with a fault injected into the system calls whose names match, and makes sure that there were
/// such calls: strace says nothing when it injects nothing.
fn inject(part: &str, calls: &str, fault: &str) {
    let log = std::env::temp_dir().join(format!("ipv6-faults-{}-{part}-{}", std::process::id(), calls.len()));
    let (trace, inject) = (format!("trace=/{calls}"), format!("inject=/{calls}:{fault}"));
    strace(part, &["-o", log.to_str().unwrap(), "-e", &trace, "-e", &inject]);
    let said = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    assert!(said.contains("(INJECTED)"), "{part} {calls}: nothing was injected:\n{said}");
}

fn a_signal_never_surfaces() {
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

fn an_error_is_told_and_passes() {
    inject("errors", "^(sendmsg|recvmsg)$", "error=ENOBUFS:when=1");
}

fn a_flag_that_fails_stays_as_it_was() {
    // The first setsockopt is V6ONLY, for the new socket; then come the flags.
    inject("flags", "^setsockopt$", "error=EPERM:when=3");
}

fn scar_43_one_call_is_one_system_call() {
    let calls = |count: usize| {
        let log = std::env::temp_dir().join(format!("ipv6-calls-{}-{count}", std::process::id()));
        strace(&count.to_string(), &["-o", log.to_str().unwrap()]);
        let lines = fs::read_to_string(&log).unwrap().lines().count();
        fs::remove_file(&log).unwrap();
        lines
    };
    // Of whatever else a program does at its start and end, both do the same.
    assert_eq!(calls(30) - calls(10), 2 * 20);
}

fn the_cheap_paths_are_taken() {
    let log = std::env::temp_dir().join(format!("ipv6-cheap-{}", std::process::id()));
    strace("cheap", &["-o", log.to_str().unwrap(), "-e", "trace=/^(send|recv)"]);
    let said = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    let call = |what: &str| said.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{said}"));
    // Without the padding, in which Linux has no interest, a packet info has room on its stack.
    let len = if cfg!(target_pointer_width = "64") { 36 } else { 32 };
    for text in ["\"with info\"", "\"in a batch\""] {
        assert!(call(text).contains(&format!("msg_controllen={len}")), "{said}");
    }
    assert!(call("\"with nothing\"").contains(" sendto("), "{said}");
    assert_eq!(said.lines().filter(|line| line.contains(" recvfrom(")).count(), 3, "{said}");
}

/// `EIO` is of a device that cannot.
fn scar_30_what_is_refused_goes_singly() {
    inject("refused, 8", SEND_BATCH, "error=EIO:when=1");
    // Fewer of them are no use.
    inject("refused twice, 100", SEND_BATCH, "error=EIO:when=1");
}

/// `EINVAL` may be for their number, or for their size, or for anything.
fn what_is_refused_goes_with_fewer() {
    inject("refused, 8", SEND_BATCH, "error=EINVAL:when=1");
    inject("refused, 100", SEND_BATCH, "error=EINVAL:when=1");
    inject("refused twice, 100", SEND_BATCH, "error=EINVAL:when=1..2");
    inject("refused, long", SEND_BATCH, "error=EINVAL:when=1");
    // The first call, and the first after the datagrams have gone singly.
    let again = if IS_ONE_BY_ONE { "error=EINVAL:when=1..6+5" } else { "error=EINVAL:when=1..3+2" };
    inject("refused again, long", SEND_BATCH, again);
}

fn an_error_of_another_kind_is_told() {
    inject("no buffers", SEND_BATCH, "error=ENOBUFS:when=1");
}

#[cfg(one_by_one)]
fn an_error_within_a_batch_is_kept() {
    // Of six calls for four messages the third: two of them, the error, the two others, and nothing more.
    inject("within a batch", "^recvmsg$", "error=ENOBUFS:when=3..21+6");
}
