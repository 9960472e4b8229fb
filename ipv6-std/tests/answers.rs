//! Answers of sockets: what they return is what the kernel did, with several threads, streams, interfaces of one host,
//! and sockets that lack options. `SCARS.md` in this folder explains the numbers.

mod common;

use std::thread;
use std::time::{Duration, Instant};

use common::*;
use ipv6_std::*;

ipv6_testnet::tests! {
    [Namespace] dscp_and_ecn_are_set_by_two_threads_at_once;
}

// Scar 68: both share one option. Each thread is the only one that changes its field, so it must read what it set.
fn dscp_and_ecn_are_set_by_two_threads_at_once() {
    let conn = loopback();
    let end = Instant::now() + Duration::from_millis(500);
    thread::scope(|scope| {
        scope.spawn(|| {
            for dscp in (0..64).cycle().take_while(|_| Instant::now() < end) {
                conn.set_dscp(dscp).unwrap();
                assert_eq!(conn.dscp().unwrap(), dscp);
            }
        });
        for ecn in [Ecn::NotEct, Ecn::Ect0, Ecn::Ect1, Ecn::Ce].into_iter().cycle() {
            conn.set_ecn(ecn).unwrap();
            assert_eq!(conn.ecn().unwrap(), ecn);
            if Instant::now() > end {
                break;
            }
        }
    });
}
