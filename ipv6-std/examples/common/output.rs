//! Output: lines for people or objects for programs on standard output, and reports on standard error.

use std::error::Error;
use std::fmt::{self, Display};
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::thread;
use std::time::{Duration, Instant};

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
        let result = work(&self);
        // The thread may still have lines, which it fails to write.
        flush();
        let code = match result.and_then(|done| is_open().map(|()| done)) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) if is_ending() => ExitCode::from(130),
            Ok(false) => ExitCode::FAILURE,
            Err(error) if error.is::<OutputClosed>() => ExitCode::SUCCESS,
            Err(error) => {
                self.report("error", &error.to_string());
                ExitCode::from(2)
            }
        };
        flush();
        code
    }

    /// Prints a line of text, or an object.
    pub fn print(&self, text: impl Display, object: Value) -> Outcome<()> {
        match WRITER.get() {
            // After other lines of the server.
            Some(Some(writer)) => self.queue(writer, text, &object, LIMIT),
            _ => written(&self.line(text, &object)).map_err(|error| failed(reason(error))),
        }
    }

    /// As [`print`](Self::print), for servers: does not wait for a reader that has stopped reading. If too many lines wait
    /// for it, further ones are left out, and the next one tells how many.
    pub fn log(&self, text: impl Display, object: Value) -> Outcome<()> {
        match WRITER.get_or_init(writer) {
            Some(writer) => self.queue(writer, text, &object, Duration::ZERO),
            None => self.print(text, object),
        }
    }

    /// Passes a line to the thread. If the queue has no room within the limit, counts the line as left out.
    fn queue(
        &self,
        writer: &SyncSender<Task>,
        text: impl Display,
        object: &Value,
        limit: Duration,
    ) -> Outcome<()> {
        static LEFT_OUT: AtomicU64 = AtomicU64::new(0);
        is_open()?;
        let before = LEFT_OUT.swap(0, Ordering::Relaxed);
        let note = || self.line(format_args!("{before} lines left out"), &json!({ "left_out": before }));
        if before > 0 && !sent(writer, Task::Print(note()), limit) {
            LEFT_OUT.fetch_add(before + 1, Ordering::Relaxed);
        } else if !sent(writer, Task::Print(self.line(text, object)), limit) {
            LEFT_OUT.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn line(&self, text: impl Display, object: &Value) -> String {
        if self.json { printable_json(object) } else { escaped(&text.to_string(), &['\n']) }
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

/// What the thread does that writes for a server.
enum Task {
    Print(String),
    Report(String),
    /// Tell that all before it is written.
    Flush(SyncSender<()>),
}

/// The thread that writes for a server. `Some(None)`: it could not be started.
static WRITER: OnceLock<Option<SyncSender<Task>>> = OnceLock::new();

/// Set when the thread could not write to standard output. `None`: the reader closed the pipe. `Some`: the error.
static ENDED: OnceLock<Option<String>> = OnceLock::new();

/// How many lines wait for the thread at most.
const WAITING: usize = 256;

/// How long to wait for room in the queue, and for the thread at the end.
const LIMIT: Duration = Duration::from_secs(1);

fn writer() -> Option<SyncSender<Task>> {
    let (to, tasks) = mpsc::sync_channel(WAITING);
    let write = move || {
        for task in tasks {
            match task {
                // Standard error may still work, so the thread does not end.
                Task::Print(_) if ENDED.get().is_some() => {}
                Task::Print(line) => {
                    if let Err(error) = written(&line) {
                        let _ = ENDED.set(reason(error));
                    }
                }
                Task::Report(line) => {
                    let _ = writeln!(io::stderr().lock(), "{line}");
                }
                Task::Flush(done) => {
                    let _ = done.send(());
                }
            }
        }
    };
    thread::Builder::new().spawn(write).is_ok().then_some(to)
}

/// Passes a task to the thread. Waits until the limit for room in the queue. Returns whether there was some.
fn sent(writer: &SyncSender<Task>, mut task: Task, limit: Duration) -> bool {
    let start = Instant::now();
    loop {
        match writer.try_send(task) {
            Err(TrySendError::Full(back)) if start.elapsed() < limit => task = back,
            result => return result.is_ok(),
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits a moment until the thread has written everything.
fn flush() {
    let Some(Some(writer)) = WRITER.get() else { return };
    let (done, is_done) = mpsc::sync_channel(1);
    if sent(writer, Task::Flush(done), LIMIT) {
        let _ = is_done.recv_timeout(LIMIT);
    }
}

/// The error of the thread, if it could not write.
fn is_open() -> Outcome<()> {
    ENDED.get().map_or(Ok(()), |why| Err(failed(why.clone())))
}

fn written(line: &str) -> io::Result<()> {
    // Not `println!`, which panics when it cannot write.
    writeln!(io::stdout().lock(), "{line}")
}

/// Why standard output failed. `None`: its reader closed the pipe.
fn reason(error: io::Error) -> Option<String> {
    (error.kind() != ErrorKind::BrokenPipe).then(|| format!("standard output: {error}"))
}

fn failed(reason: Option<String>) -> Box<dyn Error> {
    reason.map_or_else(|| OutputClosed.into(), Into::into)
}

fn report_object(kind: &str, text: &str) {
    report_line(&printable_json(&json!({ kind: text })));
}

/// Scar 83: `eprintln!` panics when standard error is closed or full. Nobody reads a report that cannot be written.
fn report_line(line: &str) {
    if let Some(Some(writer)) = WRITER.get() {
        // Standard error may be the same pipe as standard output.
        let _ = writer.try_send(Task::Report(line.into()));
        return;
    }
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
