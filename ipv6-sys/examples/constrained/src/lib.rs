//! What both programs need and `std` would provide: arguments, output, errors with context, and a panic handler.
//! Nothing here allocates: texts are formatted into buffers of a fixed size.

#![no_std]

use core::ffi::{CStr, c_char, c_int};
use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::slice;
use core::str::FromStr;

use ipv6_sys::Errno;
use ipv6_sys::fd::BorrowedFd;

// `std` would link the C library. Its start code calls `main`; ipv6-sys calls its functions.
#[link(name = "c")]
unsafe extern "C" {}

/// The maximum payload of both programs, in bytes: the minimum link MTU of 1,280 bytes (RFC 8200 section 5) minus the
/// IPv6 and UDP headers.
pub const MAX_PAYLOAD: usize = 1280 - 40 - 8;

/// A line of output: the longest payload and its description.
type Line = heapless::String<{ MAX_PAYLOAD + 304 }>;

/// The words on the command line, without the program's name.
pub type Words = heapless::Vec<&'static str, 8>;

/// The error of a program.
#[derive(Debug)]
pub enum Failure {
    /// The arguments are wrong. The program prints the usage text too.
    Arguments(Reason),
    /// The arguments are valid, and an operation failed.
    Failed(Reason),
}

/// The text of an error. It is truncated if it does not fit.
pub type Reason = heapless::String<192>;

fn reason(text: fmt::Arguments<'_>) -> Reason {
    let mut reason = Reason::new();
    // An error means that the buffer is full. A truncated text is better than none.
    let _ = reason.write_fmt(text);
    reason
}

impl Failure {
    /// Creates an error about the arguments.
    pub fn arguments(text: fmt::Arguments<'_>) -> Self {
        Self::Arguments(reason(text))
    }
}

/// Adds to an error what the program was doing.
pub trait Context<T> {
    /// Puts `doing` before the text of the error.
    fn context(self, doing: fmt::Arguments<'_>) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> Context<T> for Result<T, E> {
    fn context(self, doing: fmt::Arguments<'_>) -> Result<T, Failure> {
        self.map_err(|error| Failure::Failed(reason(format_args!("{doing}: {error}"))))
    }
}

/// Returns the words on the command line, without the program's name.
///
/// # Safety
///
/// `argc` and `argv` must be the arguments with which the C library called `main`.
pub unsafe fn words(argc: c_int, argv: *const *const c_char) -> Result<Words, Failure> {
    let argc = usize::try_from(argc).unwrap_or(0);
    // SAFETY: by the contract of this function, `argv` points to `argc` pointers, which are valid and unchanged until
    // the program ends.
    let pointers: &'static [*const c_char] = unsafe { slice::from_raw_parts(argv, argc) };
    let mut words = Words::new();
    for &pointer in pointers.iter().skip(1) {
        // SAFETY: each of them points to a C string, which is valid and unchanged until the program ends.
        let word: &'static CStr = unsafe { CStr::from_ptr(pointer) };
        let word = word.to_str().map_err(|_| Failure::arguments(format_args!("an argument is not UTF-8")))?;
        words.push(word).map_err(|_| Failure::arguments(format_args!("too many arguments")))?;
    }
    Ok(words)
}

/// Parses a word of the command line. `what` describes the expected value in the error.
pub fn parse<T: FromStr>(word: &str, what: &str) -> Result<T, Failure> {
    word.parse().map_err(|_| Failure::arguments(format_args!("\"{word}\" is not {what}")))
}

/// Prints a line on standard output with one write, so that lines of several programs do not mix.
pub fn print(line: fmt::Arguments<'_>) -> Result<(), Failure> {
    // SAFETY: the descriptor is open when the program starts, as `std` assumes too, and the program does not close it.
    let stdout = unsafe { rustix::stdio::stdout() };
    write_line(stdout, line).context(format_args!("writing to standard output"))
}

/// Prints a line on standard error. Ignores a failure, because there is no other place to report it.
fn print_error(line: fmt::Arguments<'_>) {
    // SAFETY: as for standard output.
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
        // The system can write a part of the line, and a signal can interrupt it before it writes any.
        let written = rustix::io::retry_on_intr(|| rustix::io::write(to, left))?;
        left = left.get(written..).unwrap_or_default();
    }
    Ok(())
}

/// Prints an error on standard error and returns the exit status: 0 for success, 2 for wrong arguments, 1 for any other
/// error.
pub fn status(outcome: Result<(), Failure>, usage: &str) -> c_int {
    match outcome {
        Ok(()) => 0,
        Err(Failure::Failed(reason)) => {
            print_error(format_args!("error: {reason}"));
            1
        }
        Err(Failure::Arguments(reason)) => {
            print_error(format_args!("error: {reason}\n{usage}"));
            2
        }
    }
}

/// Prints the place of the panic and ends the program with SIGABRT. Without `std`, the program must define this.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    print_error(format_args!("{info}"));
    // SAFETY: `abort` has no preconditions.
    unsafe { libc::abort() }
}
