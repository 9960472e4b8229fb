//! Prints the control messages in a buffer that a kernel of any system wrote, or that a program passed to it.
//!
//! ```text
//! cmsg --platform macos|freebsd|linux|…|all [--sent] [--json] [HEX …]
//! ```
//!
//! ```console
//! $ cargo run -p ipv6-core --example cmsg -- --platform linux 1400000000000000 29000000 34000000 40000000 00000000
//! Linux64
//!   0  IPV6_HOPLIMIT  40 00 00 00  HopLimit(64)
//! ```
//!
//! Without HEX, the program reads standard input. Spaces, newlines, colons, commas and `0x` may separate bytes.
//! `--platform all`, the default, prints which systems could have written the buffer, and what each wrote then: those on
//! which every message has a valid form, and at least one is known, if there are such systems.

use std::io::{self, Read, Write};
use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let input = || {
        let mut text = String::new();
        io::stdin()
            .read_to_string(&mut text)
            .map(|_| text)
            .map_err(|error| format!("standard input: {error}"))
    };
    match cli::run(&arguments, input) {
        // Errors of the output, as of a closed pipe, end the program too.
        Ok(output) if io::stdout().write_all(output.text.as_bytes()).is_ok() && output.is_valid => {
            ExitCode::SUCCESS
        }
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cmsg: {error}");
            ExitCode::from(2)
        }
    }
}
