//! Compares the programs, records what it finds, and draws it.
//!
//! ```text
//! cargo run --release --manifest-path benches/Cargo.toml -- compare            # prints ratios
//! cargo run --release --manifest-path benches/Cargo.toml -- growth
//! cargo run --release --manifest-path benches/Cargo.toml -- charts
//! cargo run --release --manifest-path benches/Cargo.toml -- run one ipv6-std 1000    # for callgrind
//! ```
//!
//! `--quick` after the first two does a few rounds, and records nothing. `scripts/bench` runs all.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use ipv6_benches::growth::{self, Axis};
use ipv6_benches::peers;
use ipv6_benches::work;

mod charts;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["compare"] => compare(31, 6_400, true),
        ["compare", "--quick"] => compare(1, 640, false),
        ["growth"] => grow(15, 3_200, true),
        ["growth", "--quick"] => grow(1, 320, false),
        ["charts"] => charts::draw(&record()),
        ["run", work, peer, count] => run(work, peer, count.parse()?),
        _ => Err("one of: compare, growth, charts, run WORK PEER COUNT".into()),
    }
}

/// Where results are kept.
fn record() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("record")
}

fn run(work: &str, peer: &str, count: usize) -> Outcome {
    let work = *work::ALL.iter().find(|known| known.to_string() == work).ok_or("no such work")?;
    let mut peers = peers::all()?;
    let peer = peers.iter_mut().find(|known| known.name() == peer).ok_or("no such program")?;
    (0..count).for_each(|_| peer.run(work));
    Ok(())
}

/// Nanoseconds for a datagram by work and program, and how many times that of the first.
fn compare(rounds: usize, datagrams: usize, keep: bool) -> Outcome {
    let mut peers = peers::all()?;
    let mut table = "work,program,ns a datagram,ratio to hand-written\n".to_string();
    for work in work::ALL {
        println!("{work}");
        let times = work::compare(&mut peers, work, rounds, datagrams);
        let first = times.first().copied().flatten().ok_or("the first program does all")?;
        for (peer, time) in peers.iter().zip(times) {
            let Some(time) = time else { continue };
            println!("  {:<34} {time:7.0} ns a datagram  {:.3}", peer.name(), time / first);
            table += &format!("{work},\"{}\",{time:.1},{:.4}\n", peer.name(), time / first);
        }
    }
    write(keep, "time.csv", &table)
}

/// What a datagram costs, and what a hand-written one does, along each axis.
fn grow(rounds: usize, datagrams: usize, keep: bool) -> Outcome {
    let mut table = "axis,value,ipv6-std ns,hand-written ns,ratio\n".to_string();
    for axis in Axis::ALL {
        println!("{axis}");
        for point in growth::along(axis, rounds, datagrams)? {
            let ratio = point.ours / point.by_hand;
            println!(
                "  {:>6}  {:8.0} ns  {:8.0} ns by hand  {ratio:.3}",
                point.value, point.ours, point.by_hand
            );
            table += &format!("{axis},{},{:.1},{:.1},{ratio:.4}\n", point.value, point.ours, point.by_hand);
        }
    }
    write(keep, "growth.csv", &table)
}

fn write(keep: bool, name: &str, table: &str) -> Outcome {
    if keep {
        fs::create_dir_all(record())?;
        fs::write(record().join(name), table)?;
    }
    Ok(())
}
