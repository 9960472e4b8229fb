//! Counts the instructions of a call by source line and one by one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use ipv6_benches::peers::Program;
use ipv6_benches::work::{SIZE, Work};

use crate::record::Table;

/// The calls of the shorter run. The longer run has twice as many. Both contain the setup, so their difference does not.
const TIMES: u64 = 100;

/// A source file and a line in it.
type Line = (String, u64);
/// An instruction: its address in the program (`None` if it is in a library), and the line that it was compiled from.
type Instruction = (Option<u64>, Line);

pub fn run() -> io::Result<()> {
    let head = ["work", "program", "lines of", "instructions a datagram"];
    let mut parts = Table::new("parts", &head);
    let head = ["work", "program", "lines of", "file", "line", "instructions a datagram"];
    let mut lines = Table::new("lines", &head);
    let head = ["work", "program", "lines of", "file", "line", "instruction", "times a datagram"];
    let mut assembly = Table::new("assembly", &head);
    let disassembly = disassembly()?;
    let works = [
        (Work::single(Work::THREE, SIZE), [Program::ByHand, Program::Ours]),
        (Work::batch(32), [Program::ByHand, Program::EachByItself]),
    ];
    for (work, programs) in works {
        for program in programs {
            let once = counted(program, work, TIMES)?;
            let mut each = counted(program, work, 2 * TIMES)?;
            each.retain(|instruction, count| {
                *count = count.saturating_sub(once.get(instruction).copied().unwrap_or(0));
                // The setup does not always take the same number of instructions: ignore small counts.
                *count >= TIMES * work.count as u64 / 50
            });
            let datagrams = TIMES as f64 * work.count as f64;
            let figure = |count: u64| format!("{:.1}", count as f64 / datagrams);
            let (mut sums, mut of_lines) = (BTreeMap::new(), BTreeMap::new());
            for ((address, (file, line)), count) in each {
                let (part, file) = part(&file);
                *sums.entry(part).or_insert(0) += count;
                let row =
                    [work.to_string(), program.name().into(), part.into(), file.into(), line.to_string()];
                let text = address.and_then(|address| disassembly.get(&address));
                let text = text.map_or("in a library", String::as_str);
                assembly.rows.push([row.as_slice(), &[text.into(), figure(count)]].concat());
                *of_lines.entry((part, file.to_owned(), line)).or_insert(0) += count;
            }
            for ((part, file, line), count) in of_lines {
                let row = [work.to_string(), program.name().into(), part.into(), file, line.to_string()];
                lines.rows.push([row.as_slice(), &[figure(count)]].concat());
            }
            for (part, count) in sums {
                parts.push(vec![work.to_string(), program.name().into(), part.into(), figure(count)]);
            }
        }
    }
    println!();
    parts.save()?;
    lines.save()?;
    assembly.save()
}

/// Returns the instructions of this program by address. Empty without objdump.
fn disassembly() -> io::Result<BTreeMap<u64, String>> {
    let mut objdump = Command::new("objdump");
    objdump.args(["--disassemble", "--demangle", "--no-show-raw-insn"]).arg(std::env::current_exe()?);
    if cfg!(target_arch = "x86_64") {
        objdump.args(["-M", "intel"]);
    }
    let output = match objdump.stderr(Stdio::null()).output() {
        Ok(output) if output.status.success() => output.stdout,
        _ => {
            println!("objdump is missing: the table contains no text of instructions");
            return Ok(BTreeMap::new());
        }
    };
    let instruction = |line: &str| {
        let (address, text) = line.split_once(":\t")?;
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Some((u64::from_str_radix(address.trim(), 16).ok()?, text))
    };
    Ok(String::from_utf8_lossy(&output).lines().filter_map(instruction).collect())
}

/// Counts how often each instruction runs when the program does the work this many times.
fn counted(program: Program, work: Work, times: u64) -> io::Result<BTreeMap<Instruction, u64>> {
    let out = std::env::temp_dir().join(format!("ipv6-benches.{}", std::process::id()));
    let mut option = std::ffi::OsString::from("--callgrind-out-file=");
    option.push(&out);
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--dump-instr=yes", "--compress-strings=no", "--compress-pos=no"])
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
    read(&profile?, &std::env::current_exe()?.to_string_lossy())
}

/// Reads a callgrind profile of a program. Format: <https://valgrind.org/docs/manual/cl-format.html>.
fn read(profile: &str, program: &str) -> io::Result<BTreeMap<Instruction, u64>> {
    let mut counts = BTreeMap::new();
    let (mut object, mut file, mut of_callee) = ("", "", false);
    for text in profile.lines() {
        if let Some((key, value)) = text.split_once('=') {
            match key {
                "ob" => object = value,
                // The file of a function, of code inlined into it, and of the function again.
                "fl" | "fi" | "fe" => file = value,
                "calls" => of_callee = true,
                _ => {}
            }
        } else if let Some(figures) = text.strip_prefix("0x") {
            // The line after `calls=` has the cost of the callee, which is counted there.
            if std::mem::take(&mut of_callee) {
                continue;
            }
            let mut figures = figures.split(' ');
            let mut read = |radix| u64::from_str_radix(figures.next()?, radix).ok();
            let read = (read(16), read(10), read(10));
            let (Some(address), Some(line), Some(count)) = read else {
                return Err(io::Error::other(format!("callgrind's profile has an unexpected line: {text}")));
            };
            let address = (object == program).then_some(address);
            *counts.entry((address, (file.to_owned(), line))).or_insert(0) += count;
        }
    }
    Ok(counts)
}

/// Returns the part of the program that a file belongs to, and its name within that part.
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
