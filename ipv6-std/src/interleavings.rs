//! What threads that share a socket may observe of its state, in every interleaving. `scripts/loom` runs these tests.

use std::net::SocketAddrV6;
use std::time::{Duration, Instant};

use ipv6_sys::Errno;
use ipv6_sys::batch::Coalesce;
use ipv6_sys::wait::Ready;
use loom::sync::Arc;
use loom::thread;

use crate::coalesce::Coalescing;
use crate::deadline::Limit;
use crate::paths::Paths;

/// Runs three threads in all interleavings, then `after`.
fn explore<T: Send + Sync + 'static>(
    new: impl Fn() -> T + Send + Sync + 'static,
    one: fn(&T),
    other: fn(&T),
    here: impl Fn(&T) + Send + Sync + 'static,
    after: impl Fn(&T) + Send + Sync + 'static,
) {
    loom::model(move || {
        let shared = Arc::new(new());
        let handles = [one, other].map(|work| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || work(&shared))
        });
        here(&shared);
        handles.into_iter().for_each(|handle| handle.join().unwrap());
        after(&shared);
    });
}

const SHORT: Duration = Duration::from_secs(3);
const LONG: Duration = Duration::from_secs(5);

#[test]
fn a_timeout_is_one_that_was_set() {
    explore(
        || Limit::none(Ready::Receive),
        |limit| limit.set_timeout(Some(SHORT)).unwrap(),
        |limit| {
            limit.set_timeout(None).unwrap();
            limit.set_timeout(Some(LONG)).unwrap();
        },
        |limit| assert!(matches!(limit.timeout(), None | Some(SHORT | LONG)), "{:?}", limit.timeout()),
        |limit| assert!(matches!(limit.timeout(), Some(SHORT | LONG)), "{:?}", limit.timeout()),
    );
}

#[test]
fn a_deadline_and_a_timeout_are_independent() {
    explore(
        || Limit::none(Ready::Send),
        |limit| limit.set_deadline(Some(Instant::now() + LONG)),
        |limit| limit.set_timeout(Some(SHORT)).unwrap(),
        |limit| assert!(matches!(limit.timeout(), None | Some(SHORT))),
        |limit| {
            assert!(limit.deadline().unwrap() > Instant::now());
            assert_eq!(limit.timeout(), Some(SHORT));
        },
    );
}

// Of several errors about earlier datagrams, the last is kept. None is reported twice.
#[test]
fn a_late_error_is_reported_once() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    struct Shared {
        limit: Limit,
        reported: AtomicUsize,
    }
    impl Shared {
        fn take(&self) {
            if self.limit.take_late().is_err() {
                self.reported.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
    explore(
        || Shared { limit: Limit::none(Ready::Send), reported: AtomicUsize::new(0) },
        |shared| shared.limit.keep_late(Errno::MSGSIZE),
        |shared| shared.take(),
        |shared| shared.take(),
        |shared| {
            shared.take();
            assert_eq!(shared.reported.load(Ordering::SeqCst), 1);
            assert!(!shared.limit.is_set());
        },
    );
    explore(
        || Shared { limit: Limit::none(Ready::Send), reported: AtomicUsize::new(0) },
        |shared| shared.limit.keep_late(Errno::MSGSIZE),
        |shared| shared.limit.keep_late(Errno::AGAIN),
        |shared| shared.take(),
        |shared| {
            shared.take();
            shared.take();
            assert!((1..=2).contains(&shared.reported.load(Ordering::SeqCst)));
            assert!(!shared.limit.is_set());
        },
    );
}

// A socket that another thread connects must not look as if its peer were of IPv6.
#[test]
fn the_family_of_the_peer_is_one_that_was_set() {
    explore(
        || Limit::none(Ready::Send),
        |limit| limit.set_mapped_peer(Some(true)),
        |limit| limit.set_mapped_peer(None),
        |limit| limit.set_timeout(Some(SHORT)).unwrap(),
        |limit| {
            assert!(limit.peer_is_mapped() != limit.peer_is_unknown());
            assert_eq!(limit.timeout(), Some(SHORT));
        },
    );
}

fn to(last: u16) -> SocketAddrV6 {
    SocketAddrV6::new([0x2001, 0xdb8, 0, 0, 0, 0, 0, last].into(), 1, 0, 0)
}

#[test]
fn the_limit_of_a_path_is_one_that_was_learned_for_it() {
    explore(
        Paths::new,
        |paths| paths.learn(Some(&to(1)), 1000),
        |paths| paths.learn(Some(&to(2)), 1200),
        |paths| {
            assert!(matches!(paths.max_size(Some(&to(1)), 1400, 1), 1000 | usize::MAX));
            assert!(matches!(paths.max_size(Some(&to(2)), 1400, 1), 1200 | usize::MAX));
        },
        |_| {},
    );
}

// What a send counts down must not bring back a limit that was forgotten, or replace a newer one.
#[test]
fn a_count_changes_no_other_limit() {
    let learned = || {
        let paths = Paths::new();
        paths.learn(Some(&to(1)), 1000);
        paths
    };
    explore(
        learned,
        |paths| paths.forget(Some(&to(1))),
        |paths| _ = paths.max_size(Some(&to(1)), 1400, 1),
        |_| {},
        |paths| assert_eq!(paths.max_size(Some(&to(1)), 1400, 1), usize::MAX),
    );
    explore(
        learned,
        |paths| paths.learn(Some(&to(1)), 900),
        |paths| _ = paths.max_size(Some(&to(1)), 1400, 1),
        |_| {},
        |paths| assert_eq!(paths.max_size(Some(&to(1)), 1400, 1), 900),
    );
}

#[test]
fn a_batch_never_exceeds_what_the_system_accepts() {
    explore(
        || Coalescing::new(Some(false)),
        |state| state.learn(Coalesce::new(64, usize::MAX), Some(&to(1)), 1200, false),
        |state| state.learn(Coalesce::new(1, usize::MAX), Some(&to(1)), 1200, true),
        |state| assert!(matches!(state.max_segments(), 1 | 64 | 128)),
        |state| {
            assert_eq!(state.max_segments(), 1);
            assert_eq!(state.refused(), 2);
        },
    );
}
