//! Output: lines for people or objects for programs on standard output, and reports on standard error.

use std::error::Error;
use std::fmt::{self, Display};
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::Parser;
use serde_json::{Value, json};

use super::wait::is_ending;

pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// The reader of standard output has closed the pipe, as in `mcast recv | head`.
#[derive(Debug)]
struct OutputClosed;

impl Error for OutputClosed {}

impl Display for OutputClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("standard output is closed")
    }
}

/// Parses the arguments of the program. Ends it if they are invalid, with status 2, and for `--help`.
pub fn arguments<T: Parser>() -> T {
    T::try_parse().unwrap_or_else(|error| {
        if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
            let text = error.render().to_string();
            // The first paragraph: of several missing arguments, each has a line. The usage follows.
            let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
            let text = lines.collect::<Vec<_>>().join(" ");
            report_object("error", text.strip_prefix("error: ").unwrap_or(&text));
            std::process::exit(2);
        }
        error.exit()
    })
}

/// Prints lines for people, or objects for programs.
#[derive(Clone, Copy)]
pub struct Output {
    program: &'static str,
    json: bool,
}

impl Output {
    pub const fn new(program: &'static str, json: bool) -> Self {
        Self { program, json }
    }

    /// Runs the work of the program. The exit status is 0 for `true`, 1 for `false`, 130 for `false` after Ctrl-C, and 2
    /// for an error.
    pub fn run(self, work: impl FnOnce(&Self) -> Outcome<bool>) -> ExitCode {
        match work(&self) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) if is_ending() => ExitCode::from(130),
            Ok(false) => ExitCode::FAILURE,
            Err(error) if error.is::<OutputClosed>() => ExitCode::SUCCESS,
            Err(error) => {
                self.report("error", &error.to_string());
                ExitCode::from(2)
            }
        }
    }

    /// Prints a line of text, or an object.
    pub fn print(&self, text: impl Display, object: Value) -> Outcome<()> {
        let line = if self.json { printable_json(&object) } else { escaped(&text.to_string(), &['\n']) };
        // Not `println!`, which panics when it cannot write.
        writeln!(io::stdout().lock(), "{line}").map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => OutputClosed.into(),
            _ => format!("standard output: {error}").into(),
        })
    }

    /// Reports on standard error something that does not end the program.
    pub fn warn(&self, text: impl Display) {
        self.report("warning", &text.to_string());
    }

    fn report(&self, kind: &str, text: &str) {
        if self.json {
            report_object(kind, text);
        } else {
            report_line(&format!("{}: {}", self.program, escaped(text, &['\n'])));
        }
    }
}

fn report_object(kind: &str, text: &str) {
    report_line(&printable_json(&json!({ kind: text })));
}

/// Scar 83: `eprintln!` panics when standard error is closed or full. Nobody reads a report that cannot be written.
fn report_line(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Received text, with characters escaped that have no glyph, as in `\u{1b}`: control characters would control the
/// terminal, and format characters such as U+202E would reorder the text.
pub fn printable(text: &str) -> String {
    escaped(text, &[])
}

fn escaped(text: &str, keep: &[char]) -> String {
    let mut safe = String::new();
    for character in text.chars() {
        if has_glyph(character) || keep.contains(&character) {
            safe.push(character);
        } else {
            safe.extend(character.escape_default());
        }
    }
    safe
}

/// JSON, with the same characters escaped. They occur in strings only, and `serde_json` escapes only some of them.
fn printable_json(object: &Value) -> String {
    let mut safe = String::new();
    for character in object.to_string().chars() {
        if has_glyph(character) {
            safe.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            safe += &format!("\\u{unit:04x}");
        }
    }
    safe
}

fn has_glyph(character: char) -> bool {
    // The debug text of std escapes everything that is not printable; of the rest, only these three. A combining mark is
    // printable after another character.
    matches!(character, '"' | '\'' | '\\')
        || ['x', character].iter().collect::<String>().escape_debug().count() == 2
}
