//! What both programs need and `std` would provide: arguments, output, errors with context, and a panic handler.
//! Nothing here allocates: texts are formatted into buffers of a fixed size.

#![no_std]

use core::ffi::{CStr, c_char, c_int};
use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::slice;
use core::str::{self, FromStr};

use ipv6_sys::fd::BorrowedFd;
use ipv6_sys::{Errno, Error};

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

/// Why a program ends early. The error is printed where it occurs, so that its text need not be stored.
#[derive(Clone, Copy, Debug)]
pub enum Failure {
    /// The arguments are wrong. The program prints the usage text too.
    Arguments,
    /// The arguments are valid, and an operation failed.
    Failed,
}

impl Failure {
    /// Prints an error about the arguments.
    #[cold]
    pub fn arguments(text: fmt::Arguments<'_>) -> Self {
        print_error(text);
        Self::Arguments
    }

    /// Prints an error.
    #[cold]
    pub fn failed(text: fmt::Arguments<'_>) -> Self {
        print_error(text);
        Self::Failed
    }
}

/// Adds to an error what the program was doing.
pub trait Context<T> {
    /// Prints the error after `doing`.
    fn context(self, doing: fmt::Arguments<'_>) -> Result<T, Failure>;
}

impl<T, E: Into<Error>> Context<T> for Result<T, E> {
    fn context(self, doing: fmt::Arguments<'_>) -> Result<T, Failure> {
        self.map_err(|error| failed(&error.into(), doing))
    }
}

/// One function for every type of error.
#[cold]
fn failed(error: &Error, doing: fmt::Arguments<'_>) -> Failure {
    Failure::failed(format_args!("{doing}: {error}"))
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
        let word = word.to_bytes();
        // Not `is_ascii` of the slice, which has more code, for long texts.
        if !word.iter().all(u8::is_ascii) {
            return Err(Failure::arguments(format_args!("an argument is not ASCII")));
        }
        // SAFETY: ASCII is UTF-8. (`to_str` has more code, which checks all of UTF-8.)
        let word = unsafe { str::from_utf8_unchecked(word) };
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

/// Prints an error on standard error. Ignores a failure, because there is no other place to report it.
fn print_error(line: fmt::Arguments<'_>) {
    // SAFETY: as for standard output.
    let stderr = unsafe { rustix::stdio::stderr() };
    let _ = write_line(stderr, format_args!("error: {line}"));
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

/// Returns the exit status: 0 for success, 2 for wrong arguments, 1 for any other error. Prints the usage text if the
/// arguments are wrong.
pub fn status(outcome: Result<(), Failure>, usage: &str) -> c_int {
    match outcome {
        Ok(()) => 0,
        Err(Failure::Failed) => 1,
        Err(Failure::Arguments) => {
            // SAFETY: as for standard output.
            let stderr = unsafe { rustix::stdio::stderr() };
            let _ = write_line(stderr, format_args!("{usage}"));
            2
        }
    }
}

/// Ends the program with status 134, as a shell reports SIGABRT. Without `std`, the program must define this. It
/// ignores the message and the place of the panic, so the linker removes the texts of all panics and the code that
/// formats them.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    print_error(format_args!("panic"));
    // Not `abort`, which needs 500 bytes of locks and signals.
    // SAFETY: `_exit` has no preconditions.
    unsafe { libc::_exit(134) }
}
