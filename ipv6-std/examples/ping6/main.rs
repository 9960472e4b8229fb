//! Sends echo requests and prints the replies, or prints the echo requests that arrive (RFC 4443 section 4).
//!
//! ```text
//! ping6 2001:db8::1 --count 3 --hop-limit 5 --traffic-class 0x28
//! ping6 --file hosts --count 1 --json
//! ping6 --listen --interface eth0
//! ```
//!
//! Without the privilege for a raw socket it uses an unprivileged ICMPv6 socket, which reports errors in a queue.

#[path = "../common/mod.rs"]
mod common;
mod echo;
mod listen;
mod options;
mod ping;
mod tally;
mod target;

use std::process::ExitCode;
use std::sync::Arc;

use common::task::in_event_loop;
use common::{Output, arguments};
use ipv6_std::{Interface, Received};
use options::Options;

fn main() -> ExitCode {
    let options: Options = arguments();
    Output::new("ping6", options.json).run(|output| match options.listen {
        true => listen::listen(&options, output),
        false => in_event_loop(ping::ping(&Arc::new(options), output)),
    })
}

fn interface_name(got: &Received) -> Option<String> {
    Interface::name_of(got.control.interface?).ok()
}
