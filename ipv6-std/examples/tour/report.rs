//! The output of the tour: lines of text, or JSON objects.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::process::{self, ExitCode};

use serde_json::json;

/// The result of a step.
pub struct Outcome {
    pub sent: String,
    pub arrived: String,
    pub ok: bool,
}

/// Prints a line.
fn print(line: impl fmt::Display) {
    match writeln!(io::stdout(), "{line}") {
        // The reader may close the pipe (`tour | head -1`). The exit status still reports the result.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("tour: standard output: {error}");
            process::exit(2);
        }
        _ => {}
    }
}

/// The steps so far.
pub struct Report {
    json: bool,
    section: String,
    passed: u32,
    failed: u32,
    left_out: u32,
}

impl Report {
    pub fn new(json: bool) -> Self {
        Self { json, section: String::new(), passed: 0, failed: 0, left_out: 0 }
    }

    pub fn note(&self, text: &str) {
        if !self.json {
            print(format_args!("A tour of ipv6-std, {text}."));
        }
    }

    pub fn section(&mut self, name: &str) {
        self.section = name.into();
        if !self.json {
            print(format_args!("\n{name}"));
        }
    }

    /// Runs a step and prints its result. An error counts as a failed step.
    pub fn step(&mut self, name: &str, step: impl FnOnce() -> Result<Outcome, Box<dyn Error>>) {
        let Outcome { sent, arrived, ok } = step().unwrap_or_else(|error| Outcome {
            sent: String::new(),
            arrived: format!("error: {error}"),
            ok: false,
        });
        if ok {
            self.passed += 1
        } else {
            self.failed += 1
        }
        if self.json {
            let section = &self.section;
            print(json!({"section": section, "step": name, "sent": sent, "arrived": arrived, "ok": ok}));
        } else {
            let mark = if ok { '✓' } else { '✗' };
            print(format_args!("  {mark} {name}\n      sent     {sent}\n      arrived  {arrived}"));
        }
    }

    /// Prints which step is left out, and why.
    pub fn left_out(&mut self, what: &str, why: &str) {
        self.left_out += 1;
        if self.json {
            print(json!({"section": self.section, "left_out": what, "reason": why}));
        } else {
            print(format_args!("  – left out: {what} ({why})"));
        }
    }

    /// Prints the totals. The exit status is 0 if every step gave the expected result.
    pub fn finish(self) -> ExitCode {
        let Self { json, section: _, passed, failed, left_out } = self;
        if !json {
            print(format_args!("\n{passed} steps as expected, {failed} not, {left_out} left out"));
        }
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
