//! Creates the table of instructions from gungraun's output.

use std::io::{self, BufRead};

use ipv6_benches::peers::{Does, Program};
use ipv6_benches::work::{SIZE, Work};

use crate::record::Table;

pub const NAME: &str = "instructions";
/// The column with the counts.
pub const EACH: &str = "instructions a datagram";
pub const ENCODE: &str = "encode three control messages";
pub const PARSE: &str = "parse three control messages, in the kernel's order";
pub const PARSE_OTHER: &str = "parse three control messages, in another order";
/// This library, if the compiler does not know which messages are encoded.
pub const ANY_VALUE: &str = "ipv6-std, any value";
pub const HARNESS: &str = "nothing: what the harness takes";

/// Reads the output of `cargo bench --bench instructions` and writes the table.
pub fn run(printed: impl BufRead) -> io::Result<()> {
    let (mut case, mut cases) = (None, Vec::new());
    for line in printed.lines() {
        let line = line?;
        // The line of a case has its module, function, name and arguments. The lines with its counts are indented.
        if let Some((function, name)) =
            line.strip_prefix("instructions::").and_then(|rest| rest.split_once(' '))
        {
            let function = function.rsplit("::").next().unwrap_or_default();
            case = named(function, name.split(':').next().unwrap_or_default());
        }
        let Some(figures) = line.trim_start().strip_prefix("Instructions:") else { continue };
        let Some(case) = case.take() else { continue };
        // The counts of this run and of the previous one.
        let figure = figures.split('|').next().unwrap_or_default().trim();
        let figure: f64 = figure
            .parse()
            .map_err(|_| io::Error::other(format!("gungraun printed no number of instructions: {line}")))?;
        cases.push((case, figure));
    }
    if cases.is_empty() {
        return Err(io::Error::other("gungraun printed no instructions"));
    }
    let head = ["work", "datagrams", "program", EACH, "to hand-written", "note"];
    let mut table = Table::new(NAME, &head);
    while let Some((first, by_hand)) = cases.first().cloned() {
        for (case, figure) in cases.extract_if(.., |(case, _)| case.work == first.work) {
            let each = figure / case.datagrams as f64;
            let each = if case.datagrams > 1 { format!("{each:.1}") } else { format!("{each:.0}") };
            let ratio = format!("{:.3}", figure / by_hand);
            table.push(vec![
                case.work,
                case.datagrams.to_string(),
                case.program.into(),
                each,
                ratio,
                case.note.into(),
            ]);
        }
    }
    println!();
    table.save()
}

/// A row of the table.
#[derive(Clone, Debug)]
struct Case {
    work: String,
    datagrams: usize,
    program: &'static str,
    note: &'static str,
}

/// Returns what a case of `benches/instructions.rs` measures.
fn named(function: &str, case: &str) -> Option<Case> {
    let parse = |case| if case == "reversed" { PARSE_OTHER } else { PARSE };
    let codec = |work: &str, program| Some(Case { work: work.into(), datagrams: 1, program, note: "" });
    let work = match function {
        "one" => Work::single(Work::THREE, SIZE),
        "info" => Work::single(Work::INFO, SIZE),
        "plain" => Work::single(Work::NONE, SIZE),
        "connected" => Work::connected(),
        "batch" => Work::batch(32),
        "segments" => Work::segments(32, SIZE),
        "together" => Work::together(128, 1_200),
        "encode_by_hand" => return codec(ENCODE, "hand-written"),
        "encode_ours" => return codec(ENCODE, "ipv6-std"),
        "encode_any" => return codec(ENCODE, ANY_VALUE),
        "parse_by_hand" => return codec(parse(case), "hand-written"),
        "parse_with_macros" => return codec(parse(case), "hand-written, CMSG_ macros"),
        "parse_ours" => return codec(parse(case), "ipv6-std"),
        "nothing" => return codec(HARNESS, "none"),
        _ => return None,
    };
    let program = match case {
        "by_hand" => Program::ByHand,
        "each_by_itself" => Program::EachByItself,
        "ours" => Program::Ours,
        "coalescing" => Program::Coalescing,
        "together" => Program::Together,
        "nix" => Program::Nix,
        "quinn" => Program::Quinn,
        "socket2" => Program::Socket2,
        "std" => Program::Std,
        _ => return None,
    };
    let note = match program.does(work) {
        Does::But(note) => note,
        Does::All | Does::Nothing => "",
    };
    Some(Case { work: work.to_string(), datagrams: work.count, program: program.name(), note })
}
