//! Compares the targets of this library with the recorded results.

use std::io;

use ipv6_benches::peers::Program;
use ipv6_benches::work::{SIZE, Work};

use crate::record::Table;
use crate::{growth, instructions, quic, tables};

pub const NAME: &str = "reach";

/// The column of the tables with the ratios.
const RATIO: &str = "to hand-written";

/// Compares, prints and writes the table. It has no rows for results that were not recorded.
pub fn run() -> io::Result<()> {
    let mut reach =
        Reach { table: Table::new(NAME, &["work", "what", "at most", "is", "reached", "trusted to"]) };
    let (single, batches) = (Table::load(tables::SINGLE)?, Table::load(tables::BATCHES)?);
    let (segments, instructions) = (Table::load(tables::SEGMENTS)?, Table::load(instructions::NAME)?);
    let as_written = Table::load(tables::BATCHES_AS_WRITTEN)?;
    let (together, tokio) = (Table::load(tables::TOGETHER)?, Table::load(tables::TOKIO)?);

    for work in [Work::single(Work::THREE, SIZE), Work::single(Work::NONE, SIZE)] {
        reach.ratio(&single, work, Program::Ours, 1.01);
        reach.dual_stack(&single, work);
    }
    for count in tables::BATCH_SIZES {
        reach.ratio(&batches, Work::batch(count), Program::EachByItself, 1.01);
        reach.dual_stack(&batches, Work::batch(count));
    }
    // Small batches gain less, because the cost of each call is a larger part of the whole.
    for count in tables::BATCH_SIZES.into_iter().filter(|count| *count >= 32) {
        reach.ratio(&batches, Work::batch(count), Program::Ours, 0.42);
        reach.ratio(&batches, Work::batch(count), Program::Coalescing, 0.06);
    }
    for (count, size) in tables::BUILT {
        reach.ratio(&as_written, Work::built(count, size), Program::EachByItself, 1.01);
    }
    for destinations in tables::DESTINATIONS {
        reach.ratio(&as_written, Work::mixed(256, 1_200, destinations), Program::Ours, 0.35);
    }
    for (count, size) in tables::SEGMENT_SIZES {
        let work = Work::segments(count, size);
        reach.ratio(&segments, work, Program::Ours, 1.01);
        if let Some(quinn) = find(&segments, &work.to_string(), Program::Quinn.name(), RATIO) {
            reach.ratio_named(&segments, work, Program::Ours, "no more than quinn-udp", quinn);
        }
    }

    let one = Work::single(Work::THREE, SIZE).on_tokio();
    reach.ratio(&tokio, one, Program::Ours, 1.02);
    let plain = Work::single(Work::NONE, SIZE).on_tokio();
    if let Some(socket) = find(&tokio, &plain.to_string(), Program::Tokio.name(), RATIO) {
        reach.ratio_named(&tokio, plain, Program::Ours, "no more than tokio's socket", socket);
    }
    let batch = Work::batch(32).on_tokio();
    for (program, most) in [(Program::EachByItself, 1.01), (Program::Ours, 0.42), (Program::Coalescing, 0.06)]
    {
        reach.ratio(&tokio, batch, program, most);
    }
    for (count, size) in tables::TOGETHER_SIZES {
        reach.ratio(&together, Work::together(count, size), Program::Together, 1.02);
    }
    let transfer = Table::load(quic::NAME)?;
    if let Some(ratio) = find(&transfer, quic::WORK, Program::Ours.name(), quic::RATIO) {
        let again = find(&transfer, quic::WORK, quic::AGAIN, quic::RATIO);
        let trusted = again.map_or(0.0, |again| (again - 1.0).abs());
        reach.row(
            quic::WORK,
            &format!("{}, CPU time {}", Program::Ours.name(), quic::RATIO),
            1.0,
            ratio,
            trusted,
        );
    }

    let harness = find(&instructions, instructions::HARNESS, "none", instructions::EACH).unwrap_or(0.0);
    for (work, program, most, harness) in [
        (instructions::ENCODE, Program::Ours.name(), 28.0, harness),
        (instructions::ENCODE, instructions::ANY_VALUE, 28.0, harness),
        (instructions::PARSE, Program::Ours.name(), 60.0, harness),
        (instructions::PARSE_OTHER, Program::Ours.name(), 105.0, harness),
    ] {
        if let Some(count) = find(&instructions, work, program, instructions::EACH) {
            reach.row(work, &format!("{program}, instructions"), most, count - harness, 0.0);
        }
    }

    for (name, program) in [
        (growth::CONTROL, Program::Ours),
        (growth::BATCH, Program::EachByItself),
        (growth::PAYLOAD, Program::Ours),
        (growth::THREADS, Program::Ours),
        (growth::CORES, Program::EachByItself),
        (growth::RECEIVERS, Program::Ours),
        (growth::GROUPS, Program::Ours),
        (growth::JOINS, Program::Ours),
    ] {
        if let Some(table) = Table::load(name)? {
            reach.growth(&table, program);
        }
    }
    reach.table.save()
}

struct Reach {
    table: Table,
}

impl Reach {
    fn ratio(&mut self, of: &Option<Table>, work: Work, program: Program, most: f64) {
        self.ratio_named(of, work, program, RATIO, most);
    }

    fn ratio_named(&mut self, of: &Option<Table>, work: Work, program: Program, what: &str, most: f64) {
        let work = work.to_string();
        let Some(ratio) = find(of, &work, program.name(), RATIO) else { return };
        // The difference between the two runs of the hand-written program.
        let again = find(of, &work, Program::Again.name(), RATIO).map_or(0.0, |again| (again - 1.0).abs());
        self.row(&work, &format!("{}, {what}", program.name()), most, ratio, again);
    }

    /// Checks that IPv6 datagrams of dual-stack sockets take at most 1 % more time than those of IPv6-only sockets that are
    /// bound to the same address.
    fn dual_stack(&mut self, of: &Option<Table>, work: Work) {
        if let Some(only_v6) = find(of, &work.to_string(), Program::Wildcard.name(), RATIO) {
            self.ratio_named(of, work, Program::DualStack, "1.01 of IPv6-only sockets", only_v6 * 1.01);
        }
    }

    /// Checks that the library's cost does not grow faster than the kernel's: the ratio at the end of the table must not
    /// exceed the ratio at its start, or the target for one datagram.
    fn growth(&mut self, table: &Table, program: Program) {
        let (by, column) = (table.column("program"), table.column(RATIO));
        let ratios = |program: Program| -> Vec<f64> {
            let of = table.rows.iter().filter(|row| row[by] == program.name());
            of.filter_map(|row| row[column].parse().ok()).collect()
        };
        let (ours, again) = (ratios(program), ratios(Program::Again));
        let (Some(start), Some(end)) = (ours.first(), ours.last()) else { return };
        let (work, what) = (format!("{}, by {}", table.head[2], table.head[0]), program.name());
        let what = format!("{what}, {RATIO}, last row");
        let trusted = again.iter().map(|again| (again - 1.0).abs()).fold(0.0, f64::max);
        self.row(&work, &what, start.max(1.01), *end, trusted);
    }

    fn row(&mut self, work: &str, what: &str, most: f64, is: f64, trusted: f64) {
        let reached = match is {
            _ if is <= most => "yes",
            _ if is - trusted <= most => "cannot tell",
            _ => "no",
        };
        self.table.push(vec![
            work.into(),
            what.into(),
            rounded(most),
            rounded(is),
            reached.into(),
            format!("{trusted:.3}"),
        ]);
    }
}

/// With the digits of the tables.
fn rounded(figure: f64) -> String {
    ((figure * 1e3).round() / 1e3).to_string()
}

/// Returns the result of this work and program.
fn find(table: &Option<Table>, work: &str, program: &str, column: &str) -> Option<f64> {
    let table = table.as_ref()?;
    let (of, by, column) = (table.column("work"), table.column("program"), table.column(column));
    let row = table.rows.iter().find(|row| row[of] == work && row[by] == program)?;
    row[column].parse().ok()
}
