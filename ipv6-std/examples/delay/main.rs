//! Measures one-way and round-trip times between two hosts, from timestamps that both kernels take.
//!
//! ```text
//! delay serve [::]:7007
//! delay [2001:db8::1]:7007 --count 100 --interval 10
//! ```

#[path = "../common/mod.rs"]
mod common;
mod exchange;
mod histogram;
mod measure;
mod options;
mod packet;
mod report;
mod serve;
mod stamped;

use std::process::ExitCode;

use common::{Output, arguments};
use options::{Command, Options};

fn main() -> ExitCode {
    let options: Options = arguments();
    Output::new("delay", options.json).run(|output| match (&options.command, &options.server) {
        (Some(Command::Serve(serve)), None) => serve::serve(serve, output),
        (None, Some(server)) => measure::measure(server, &options, output),
        _ => Err("give either a server or the command `serve`".into()),
    })
}
