//! The tables that compare all programs at the same work.

use std::io;

use ipv6_benches::peers::go::Go;
use ipv6_benches::peers::{Does, Program};
use ipv6_benches::work::{SIZE, Way, Work};

use crate::record::Table;
use crate::timer::{self, Effort, Runner};

/// The table for one datagram per call.
pub const SINGLE: &str = "single";
/// The table for many datagrams per call.
pub const BATCHES: &str = "batches";
/// The table for batches whose messages are made for each call, and for batches to several destinations.
pub const BATCHES_AS_WRITTEN: &str = "batches-as-written";
/// The table for many datagrams per payload.
pub const SEGMENTS: &str = "segments";
/// The table for many payloads of many datagrams per call.
pub const TOGETHER: &str = "together";
/// The table for work in tokio's event loop.
pub const TOKIO: &str = "tokio";

/// The numbers of datagrams per batch.
pub const BATCH_SIZES: [usize; 3] = [8, 32, 64];
/// The number of segments per payload and their size in bytes.
pub const SEGMENT_SIZES: [(usize, usize); 6] =
    [(10, 15), (32, 15), (64, 15), (10, 1_200), (32, 1_200), (52, 1_200)];
/// The numbers of datagrams that are received combined, and their size in bytes: one payload of 32 datagrams, and four.
pub const TOGETHER_SIZES: [(usize, usize); 2] = [(32, 1_200), (128, 1_200)];

/// The numbers of datagrams per batch that is built for each call, and their size in bytes.
pub const BUILT: [(usize, usize); 2] = [(32, SIZE), (32, 1_200)];
/// The numbers of destinations of a batch of 256 datagrams of 1,200 bytes.
pub const DESTINATIONS: [usize; 4] = [2, 3, 8, 32];
const HEAD: [&str; 6] = ["work", "datagrams", "program", "ns a datagram", "to hand-written", "note"];

/// Returns the work of each table.
pub fn all() -> [(&'static str, Vec<Work>); 6] {
    let single = vec![
        Work::single(Work::THREE, SIZE),
        Work::single(Work::INFO, SIZE),
        Work::single(Work::NONE, SIZE),
        Work::connected(),
    ];
    let batches = BATCH_SIZES.map(Work::batch).to_vec();
    let built = BUILT.map(|(count, size)| Work::built(count, size));
    let as_written = built.into_iter().chain(DESTINATIONS.map(|to| Work::mixed(256, 1_200, to))).collect();
    let segments = SEGMENT_SIZES.map(|(count, size)| Work::segments(count, size)).to_vec();
    let together = TOGETHER_SIZES.map(|(count, size)| Work::together(count, size)).to_vec();
    let tokio = [Work::single(Work::THREE, SIZE), Work::single(Work::NONE, SIZE), Work::batch(32)];
    let tokio = tokio.map(Work::on_tokio).to_vec();
    [
        (SINGLE, single),
        (BATCHES, batches),
        (BATCHES_AS_WRITTEN, as_written),
        (SEGMENTS, segments),
        (TOGETHER, together),
        (TOKIO, tokio),
    ]
}

/// Measures all tables and writes them.
pub fn run(effort: Effort) -> io::Result<()> {
    let go = Go::build();
    for (name, works) in all() {
        let mut table = Table::new(name, &HEAD);
        for work in works {
            one(effort, work, go.as_ref().map_err(ToString::to_string), &mut table)?;
        }
        table.save()?;
        println!();
    }
    Ok(())
}

/// Measures all programs at one piece of work and prints the results.
pub fn compare(effort: Effort, work: Work) -> io::Result<()> {
    let go = Go::build();
    one(effort, work, go.as_ref().map_err(ToString::to_string), &mut Table::new(SINGLE, &HEAD))
}

fn one(effort: Effort, work: Work, go: Result<&Go, String>, table: &mut Table) -> io::Result<()> {
    let (mut programs, mut runners, mut absent) = (Vec::new(), Vec::<Runner>::new(), None);
    for program in Program::ALL {
        let note = match program.does(work) {
            Does::Nothing => continue,
            Does::But(note) => note,
            Does::All => "",
        };
        if program == Program::Go {
            match &go {
                Ok(go) => runners.push(Box::new(|times| go.time(work, times))),
                Err(why) => {
                    absent = Some((program, why));
                    continue;
                }
            }
        } else if let Some(peer) = program.peer(work)? {
            runners.push(match work.way {
                Way::Together => timer::receiving(peer),
                Way::Mixed(_) => timer::sending(peer),
                _ => timer::working(peer),
            });
        }
        programs.push((program, note));
    }
    let figures = timer::interleave(effort, &mut runners)?;
    let row = |program: Program, time, ratio, note: &str| {
        vec![work.to_string(), work.count.to_string(), program.name().into(), time, ratio, note.into()]
    };
    for ((program, note), figure) in programs.into_iter().zip(figures) {
        let time = format!("{:.1}", figure.nanoseconds / work.count as f64);
        table.push(row(program, time, format!("{:.3}", figure.ratio), note));
    }
    if let Some((program, why)) = absent {
        table.push(row(program, String::new(), String::new(), &format!("skipped: {why}")));
    }
    Ok(())
}
