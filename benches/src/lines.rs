//! Where the instructions of a call go: by the line of the source that each was compiled from.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use ipv6_benches::peers::Program;
use ipv6_benches::work::{SIZE, Work};

use crate::record::Table;

/// Calls of the shorter run. The longer has twice as many: what a program does once is in both.
const TIMES: u64 = 100;

/// A line of a file of the source.
type Line = (String, u64);

pub fn run() -> io::Result<()> {
    let head = ["work", "program", "lines of", "instructions a datagram"];
    let mut parts = Table::new("parts", &head);
    let head = ["work", "program", "lines of", "file", "line", "instructions a datagram"];
    let mut lines = Table::new("lines", &head);
    let works = [
        (Work::single(Work::THREE, SIZE), [Program::ByHand, Program::Ours]),
        (Work::batch(32), [Program::ByHand, Program::EachByItself]),
    ];
    for (work, programs) in works {
        for program in programs {
            let once = counted(program, work, TIMES)?;
            let mut each = counted(program, work, 2 * TIMES)?;
            each.retain(|line, count| {
                *count = count.saturating_sub(once.get(line).copied().unwrap_or(0));
                // What a program does once is not always done in as many steps.
                *count >= TIMES * work.count as u64 / 50
            });
            let datagrams = TIMES as f64 * work.count as f64;
            let figure = |count: u64| format!("{:.1}", count as f64 / datagrams);
            let mut sums = BTreeMap::new();
            for ((file, line), count) in each {
                let (part, file) = part(&file);
                *sums.entry(part).or_insert(0) += count;
                let row = [work.to_string(), program.name().into(), part.into(), file.into()];
                lines.rows.push([row.as_slice(), &[line.to_string(), figure(count)]].concat());
            }
            for (part, count) in sums {
                parts.push(vec![work.to_string(), program.name().into(), part.into(), figure(count)]);
            }
        }
    }
    println!();
    parts.save()?;
    lines.save()
}

/// The instructions of each line when the program does the work so many times.
fn counted(program: Program, work: Work, times: u64) -> io::Result<BTreeMap<Line, u64>> {
    let out = std::env::temp_dir().join(format!("ipv6-benches.{}", std::process::id()));
    let mut option = std::ffi::OsString::from("--callgrind-out-file=");
    option.push(&out);
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--compress-strings=no", "--compress-pos=no"])
        .arg(option)
        .arg(std::env::current_exe()?)
        .args(["run", program.name(), &work.to_string(), &times.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    let profile = fs::read_to_string(&out);
    fs::remove_file(&out).or_else(|error| if status.success() { Err(error) } else { Ok(()) })?;
    if !status.success() {
        return Err(io::Error::other(format!("valgrind: {status}")));
    }
    read(&profile?)
}

/// Reads a profile: https://valgrind.org/docs/manual/cl-format.html.
fn read(profile: &str) -> io::Result<BTreeMap<Line, u64>> {
    let mut counts = BTreeMap::new();
    let (mut file, mut of_callee) = ("", false);
    for text in profile.lines() {
        if let Some((key, value)) = text.split_once('=') {
            match key {
                // Of a function, of what is inlined in it, and back again.
                "fl" | "fi" | "fe" => file = value,
                "calls" => of_callee = true,
                _ => {}
            }
        } else if text.starts_with(|character: char| character.is_ascii_digit()) {
            // What a call has taken is the callee's.
            if std::mem::take(&mut of_callee) {
                continue;
            }
            let figures = text.split_once(' ').and_then(|(line, count)| Some((line, count.parse().ok()?)));
            let (line, count): (_, u64) =
                figures.ok_or_else(|| io::Error::other(format!("no figures: {text}")))?;
            let line = line.parse().map_err(|_| io::Error::other(format!("no line: {text}")))?;
            *counts.entry((file.to_owned(), line)).or_insert(0) += count;
        }
    }
    Ok(counts)
}

/// Whose a file is, and what it is called there.
fn part(file: &str) -> (&'static str, &str) {
    const OURS: [(&str, &str); 4] = [
        ("benches", "the caller"),
        ("ipv6-core", "ipv6-core"),
        ("ipv6-sys", "ipv6-sys"),
        ("ipv6-std", "ipv6-std"),
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/"));
    if let Ok(within) = Path::new(file).strip_prefix(root) {
        let of = |(folder, _): &&(&str, &str)| within.starts_with(folder);
        let part = OURS.iter().find(of).map_or("others", |(_, part)| part);
        return (part, within.to_str().unwrap_or(file));
    }
    match file.split_once("/library/") {
        Some((_, within)) => ("Rust's standard library", within),
        None => ("the C library", file.trim_start_matches("./")),
    }
}
