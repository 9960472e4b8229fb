//! Compares this library with hand-written libc code and other libraries, which all do the same checked work.
//! `benches/README.md` explains how to run it and how to read the results.

use std::io;

use ipv6_benches::peers::Program;
use ipv6_benches::work::Work;

mod charts;
mod growth;
mod instructions;
mod lines;
mod quic;
mod reach;
mod record;
mod tables;
mod timer;

use timer::Effort;

const USAGE: &str = "usage: ipv6-benches tables|growth|groups|quic|instructions|lines|reach|charts [--quick]
       ipv6-benches compare WORK [--quick]    (all programs at one piece of work, not recorded)
       ipv6-benches run PROGRAM WORK TIMES    (one program alone, for callgrind or perf)";

fn main() -> io::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let effort =
        if arguments.iter().any(|argument| argument == "--quick") { Effort::QUICK } else { Effort::FULL };
    arguments.retain(|argument| argument != "--quick");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["tables"] => tables::run(effort),
        ["charts"] => charts::draw().map_err(|error| io::Error::other(error.to_string())),
        ["growth"] => growth::run(effort),
        ["groups"] => growth::groups(effort),
        ["quic"] => quic::run(effort),
        ["instructions"] => instructions::run(io::stdin().lock()),
        ["lines"] => lines::run(),
        ["reach"] => reach::run(),
        ["compare", work] => tables::compare(effort, named(work)?),
        ["run", program, work, times] => alone(program, work, times),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, USAGE)),
    }
}

fn unknown(what: &str, name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("unknown {what}: {name}\n{USAGE}"))
}

/// Finds a piece of work by its name in the tables.
fn named(work: &str) -> io::Result<Work> {
    let mut works = tables::all().into_iter().flat_map(|(_, works)| works);
    works.find(|known| known.to_string() == work).ok_or_else(|| unknown("work", work))
}

/// Runs one program at one piece of work, by their names in the tables.
fn alone(program: &str, work: &str, times: &str) -> io::Result<()> {
    let count: usize = times.parse().map_err(|_| unknown("number", times))?;
    if work == quic::WORK {
        return quic::alone(program, count)?.ok_or_else(|| unknown("program for this work", program));
    }
    let work = named(work)?;
    let known = Program::ALL.into_iter().find(|known| known.name() == program);
    let peer = known.map(|program| program.peer(work)).transpose()?.flatten();
    let mut peer = peer.ok_or_else(|| unknown("program for this work", program))?;
    peer.repeat(count);
    Ok(())
}
