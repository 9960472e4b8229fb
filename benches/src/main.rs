//! Datagrams of 15 bytes on loopback: this library against hand-written libc and others, all doing the same checked
//! work.
//!
//! ```text
//! cargo run --release --manifest-path benches/Cargo.toml
//! cargo run --release --manifest-path benches/Cargo.toml -- batch ipv6-std 1000    # for callgrind
//! ```
//!
//! Rounds of the programs alternate, and ratios of their medians are printed: on a busy machine the times wander, and
//! the ratios do not.

use std::io;
use std::time::Instant;

mod peers;

use peers::Peer;

const ROUNDS: usize = 15;
/// Datagrams in one round of one program.
const DATAGRAMS: usize = 6_400;
const PAYLOAD: &[u8; 15] = b"HELLO-R-U-THERE";
const CLASS: u8 = 0x28;
const HOPS: u8 = 42;

/// What is done, with how many datagrams at once, and how.
type Work = (&'static str, usize, fn(&mut dyn Peer));

const WORK: [Work; 5] = [
    ("one, three control messages each way", 1, |peer| peer.one()),
    ("one, no control messages", 1, |peer| peer.plain()),
    ("batches of 8", 8, |peer| peer.batch(8)),
    ("batches of 32", 32, |peer| peer.batch(32)),
    ("batches of 64", 64, |peer| peer.batch(64)),
];

fn main() -> io::Result<()> {
    let mut peers = peers::all()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [work, name, count] = &arguments[..] {
        let (_, _, work) = WORK.iter().find(|(what, ..)| what.contains(work.as_str())).expect("such work");
        let peer = peers.iter_mut().find(|peer| peer.name() == name).expect("such a program");
        (0..count.parse().expect("a number")).for_each(|_| work(peer.as_mut()));
        return Ok(());
    }
    for (what, at_once, work) in WORK {
        let mut times = vec![Vec::new(); peers.len()];
        for _ in 0..ROUNDS {
            for (peer, times) in peers.iter_mut().zip(&mut times) {
                times.push(time(|| work(peer.as_mut()), DATAGRAMS / at_once) / at_once as f64);
            }
        }
        println!("{what}");
        let medians: Vec<f64> = times.into_iter().map(median).collect();
        for (peer, time) in peers.iter().zip(&medians) {
            println!("  {:<32} {time:7.0} ns a datagram  {:.3}", peer.name(), time / medians[0]);
        }
    }
    Ok(())
}

/// Nanoseconds for one piece of work.
fn time(mut work: impl FnMut(), count: usize) -> f64 {
    let start = Instant::now();
    (0..count).for_each(|_| work());
    start.elapsed().as_nanos() as f64 / count as f64
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
