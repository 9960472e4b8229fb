//! Answers multicast DNS queries for a host name and a service, or sends such a query (RFC 6762).
//!
//! ```text
//! mdns respond --interface eth0 --name camera.local --address 2001:db8:1::2 \
//!     --service "Door Camera._rtsp._tcp.local" --port 554 --txt path=/live
//! mdns query camera.local --interface eth0
//! ```

mod answer;
#[path = "../common/mod.rs"]
mod common;
mod link;
mod options;
mod probe;
mod query;
mod records;
mod respond;
mod responder;
mod served;
mod watcher;

use std::process::ExitCode;

use common::task::in_event_loop;
use common::{Output, arguments};
use options::{Command, Options};

fn main() -> ExitCode {
    let Options { command, json } = arguments();
    Output::new("mdns", json).run(|output| match command {
        Command::Respond(options) => in_event_loop(respond::respond(&options, output)),
        Command::Query(options) => in_event_loop(query::query(&options, output)),
    })
}
