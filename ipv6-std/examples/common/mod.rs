//! Shared by the example programs: arguments, output, waiting, addresses and interfaces.

#![allow(dead_code, unused_imports, reason = "each program uses some of it")]

mod address;
pub mod icmp;
mod link;
mod output;
mod parse;
pub mod task;
mod wait;

pub use address::{has_interface, is_one_host, not_sent, plain, resolve, resolve_with_port};
pub use link::{ALL_NODES, SEND_LIMIT, Watch, cannot_send, interface, lost, own_address, raw, receives};
pub use output::{Outcome, Output, arguments, printable};
pub use parse::{address, address_of_both, byte, group, listen_address, seconds};
pub use wait::{
    PAUSE, after, earlier, end_on_interrupt, is_ending, lacks_memory, receive, receive_datagram,
    receive_message,
};
