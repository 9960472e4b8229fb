//! What both programs need beside sockets, and `std` would have: arguments, output, errors with context,
//! and an end for panics. Nothing here allocates: texts are put together in buffers of a fixed size.

#![no_std]

use core::ffi::{CStr, c_char, c_int};
use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::slice;
use core::str::FromStr;

use ipv6_sys::Errno;
use ipv6_sys::fd::BorrowedFd;

// `std` would ask the linker for the C library. Its start code calls `main`, and ipv6-sys calls the rest.
#[link(name = "c")]
unsafe extern "C" {}

/// Bytes of payload that both programs deal with: what is left of the 1,280 bytes that every path carries
/// (RFC 8200 section 5) after the headers of IPv6 and UDP.
pub const MAX_PAYLOAD: usize = 1280 - 40 - 8;

/// A line of output: the longest payload and all that is said about it.
type Line = heapless::String<{ MAX_PAYLOAD + 304 }>;

/// The words on the command line, without the program's name.
pub type Words = heapless::Vec<&'static str, 8>;

/// Why a program ends early.
#[derive(Debug)]
pub enum Failure {
    /// It was started with arguments that it does not understand: the usage text will help.
    Arguments(Reason),
    /// It was told what to do, and could not.
    Failed(Reason),
}

/// What went wrong, in words. What does not fit is left out.
pub type Reason = heapless::String<192>;

fn reason(text: fmt::Arguments<'_>) -> Reason {
    let mut reason = Reason::new();
    // An error means that it is full, and the words that it has then are better than none.
    let _ = reason.write_fmt(text);
    reason
}

impl Failure {
    /// The arguments are wrong, for this reason.
    pub fn arguments(text: fmt::Arguments<'_>) -> Self {
        Self::Arguments(reason(text))
    }
}

/// Says what the program was doing when an error came.
pub trait Context<T> {
    /// The same result, with `doing` before the error's own text.
    fn context(self, doing: fmt::Arguments<'_>) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> Context<T> for Result<T, E> {
    fn context(self, doing: fmt::Arguments<'_>) -> Result<T, Failure> {
        self.map_err(|error| Failure::Failed(reason(format_args!("{doing}: {error}"))))
    }
}

/// The words on the command line.
///
/// # Safety
///
/// `argc` and `argv` are those with which the C library called `main`.
pub unsafe fn words(argc: c_int, argv: *const *const c_char) -> Result<Words, Failure> {
    let argc = usize::try_from(argc).unwrap_or(0);
    // SAFETY: `main` is called with `argc` pointers at `argv`, which stay for as long as the program runs
    // and which nobody changes.
    let pointers: &'static [*const c_char] = unsafe { slice::from_raw_parts(argv, argc) };
    let mut words = Words::new();
    for &pointer in pointers.iter().skip(1) {
        // SAFETY: each of them is a C string, which stays for as long as the program runs.
        let word: &'static CStr = unsafe { CStr::from_ptr(pointer) };
        let word = word.to_str().map_err(|_| Failure::arguments(format_args!("an argument is not UTF-8")))?;
        words.push(word).map_err(|_| Failure::arguments(format_args!("too many arguments")))?;
    }
    Ok(words)
}

/// The value that a word on the command line stands for; `what` says what it should have been.
pub fn parse<T: FromStr>(word: &str, what: &str) -> Result<T, Failure> {
    word.parse().map_err(|_| Failure::arguments(format_args!("\"{word}\" is not {what}")))
}

/// Prints a line on standard output, in one piece: programs that share it do not mix their lines.
pub fn print(line: fmt::Arguments<'_>) -> Result<(), Failure> {
    // SAFETY: who starts a program opens its standard output, as `std` takes for granted as well, and
    // nothing here closes it.
    let stdout = unsafe { rustix::stdio::stdout() };
    write_line(stdout, line).context(format_args!("writing to standard output"))
}

/// Prints a line on standard error. Should that fail, there is nobody left to tell.
fn complain(line: fmt::Arguments<'_>) {
    // SAFETY: as with standard output.
    let stderr = unsafe { rustix::stdio::stderr() };
    let _ = write_line(stderr, line);
}

fn write_line(to: BorrowedFd<'_>, text: fmt::Arguments<'_>) -> Result<(), Errno> {
    let mut line = Line::new();
    if writeln!(line, "{text}").is_err() {
        return Err(Errno::MSGSIZE);
    }
    let mut left = line.as_bytes();
    while !left.is_empty() {
        // The system may take a part only, and a signal may come before it has taken any.
        let taken = rustix::io::retry_on_intr(|| rustix::io::write(to, left))?;
        left = left.get(taken..).unwrap_or_default();
    }
    Ok(())
}

/// The exit status for how a program ended, after a word about it on standard error where it failed: 2 for
/// wrong arguments, 1 for all else.
pub fn status(outcome: Result<(), Failure>, usage: &str) -> c_int {
    match outcome {
        Ok(()) => 0,
        Err(Failure::Failed(reason)) => {
            complain(format_args!("error: {reason}"));
            1
        }
        Err(Failure::Arguments(reason)) => {
            complain(format_args!("error: {reason}\n{usage}"));
            2
        }
    }
}

/// Without `std`, the program decides what a panic does: say where, and end with SIGABRT.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    complain(format_args!("{info}"));
    // SAFETY: it takes nothing and does not return.
    unsafe { libc::abort() }
}
