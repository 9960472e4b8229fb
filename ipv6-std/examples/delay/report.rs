//! The summary: counts, percentiles, histograms, and the difference of the clocks.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::common::{Outcome, Output};
use crate::exchange::{Flaw, Times};
use crate::histogram::{Histogram, Row};

#[derive(Default)]
pub struct Results {
    pub sent: u64,
    /// Requests with a reply in time.
    pub answered: u64,
    /// Without one.
    pub lost: u64,
    /// Lost, but a reply came later.
    pub late: u64,
    pub duplicates: u64,
    /// Packets and reports that are about no request.
    pub ignored: u64,
    /// Answered, but a timestamp is missing.
    incomplete: u64,
    /// Answered, but the timestamps contradict each other.
    contradictory: u64,
    round_trip: Histogram,
    there: Histogram,
    back: Histogram,
    /// Of the exchange with the shortest round trip: it limits the difference of the clocks best.
    best: Option<Times>,
    /// Exchanges with results.
    pub measured: u64,
}

/// Nanoseconds in microseconds, exactly.
pub fn microseconds(time: i64) -> String {
    let sign = if time < 0 { "-" } else { "" };
    let time = time.unsigned_abs();
    format!("{sign}{}.{:03}", time / 1000, time % 1000)
}

impl Results {
    pub fn add(&mut self, times: Times) {
        self.measured += 1;
        self.round_trip.add(times.round_trip);
        self.there.add(times.there);
        self.back.add(times.back);
        if self.best.as_ref().is_none_or(|best| times.round_trip < best.round_trip) {
            self.best = Some(times);
        }
    }

    pub fn flawed(&mut self, flaw: Flaw) {
        match flaw {
            Flaw::Incomplete => self.incomplete += 1,
            Flaw::Contradictory => self.contradictory += 1,
        }
    }

    /// Prints the summary. `open`: requests that still waited for a reply when the program was interrupted.
    pub fn print(&self, open: usize, output: &Output) -> Outcome<()> {
        output.print(self.text(open), self.object(open))
    }

    fn histograms(&self) -> [(&'static str, &Histogram); 3] {
        [("round trip", &self.round_trip), ("there", &self.there), ("back", &self.back)]
    }

    /// The most that the clock of the server can be behind that of this host, negative, and ahead: no packet arrives before
    /// it was sent.
    fn clocks(&self) -> Option<(i64, i64)> {
        self.best.as_ref().map(|best| (best.back.saturating_neg(), best.there))
    }

    fn text(&self, open: usize) -> String {
        let Self { sent, answered, lost, late, duplicates, ignored, incomplete, contradictory, .. } = self;
        let mut text = format!("{sent} sent, {answered} answered, {lost} lost");
        for (count, what) in [
            (*late, "of these late"),
            (open as u64, "not awaited"),
            (*duplicates, "duplicates"),
            (*incomplete, "without all timestamps"),
            (*contradictory, "with contradictory timestamps"),
            (*ignored, "packets or reports ignored"),
        ] {
            if count > 0 {
                let _ = write!(text, ", {count} {what}");
            }
        }
        for (name, histogram) in self.histograms() {
            let (Some(least), Some(most)) = (histogram.least(), histogram.most()) else { continue };
            let _ = write!(text, "\n{name}: min {}", microseconds(least));
            for percent in PERCENTS {
                let value = histogram.percentile(percent).unwrap_or(most);
                let _ = write!(text, ", {percent} % {}", microseconds(value));
            }
            let _ = write!(text, ", max {} us", microseconds(most));
            draw(&mut text, &histogram.rows());
        }
        if let Some((behind, ahead)) = self.clocks() {
            let [behind, ahead] = [behind, ahead].map(microseconds);
            let _ = write!(
                text,
                "\nthe clock of the server is between {behind} and {ahead} us ahead of this one"
            );
        }
        text
    }

    fn object(&self, open: usize) -> Value {
        let Self { sent, answered, lost, late, duplicates, ignored, incomplete, contradictory, .. } = self;
        let mut object = json!({
            "sent": sent, "answered": answered, "lost": lost, "late": late, "open": open,
            "duplicates": duplicates, "incomplete": incomplete, "contradictory": contradictory,
            "ignored": ignored,
        });
        for (name, histogram) in self.histograms() {
            let rows = histogram.rows();
            let rows = rows.iter().map(|Row { from, to, count }| json!([from, to, count]));
            let mut of_one = json!({
                "min_ns": histogram.least(), "max_ns": histogram.most(), "histogram": rows.collect::<Vec<_>>(),
            });
            for percent in PERCENTS {
                of_one[format!("p{percent}_ns")] = json!(histogram.percentile(percent));
            }
            object[name.replace(' ', "_")] = of_one;
        }
        object["clock_ahead_ns"] = json!(self.clocks().map(|(behind, ahead)| [behind, ahead]));
        object
    }
}

const PERCENTS: [u64; 4] = [50, 90, 95, 99];

/// Appends a bar for each row.
fn draw(text: &mut String, rows: &[Row]) {
    const WIDTH: u128 = 40;
    let most = rows.iter().map(|row| row.count).max().unwrap_or(1).max(1);
    for Row { from, to, count } in rows {
        let bar = (u128::from(*count) * WIDTH).div_ceil(u128::from(most)) as usize;
        let [from, to] = [*from, *to].map(microseconds);
        let _ = write!(text, "\n  {from:>13} to {to:>13} {:40} {count}", "#".repeat(bar));
    }
}
