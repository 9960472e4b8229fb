//! Encodes and decodes control messages, and nothing else: what remains of the core in a small program.

#![no_std]
#![no_main]

use core::hint::{black_box, spin_loop};
use core::panic::PanicInfo;

use ipv6_core::abi::Linux32;
use ipv6_core::{RecvControl, SendControl};

/// Bytes for any control messages to send.
const SPACE: usize = SendControl::max_space::<Linux32>();

// Where the linker starts. No other function has this name.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mut bytes = [0; SPACE];
    // Any message may be there or not: nothing is known of either value.
    if let Ok(used) = black_box(SendControl::new()).encode::<Linux32>(&mut bytes) {
        let received = bytes.get(..used).map(|control| RecvControl::decode::<Linux32>(black_box(control)));
        black_box(received);
    }
    loop {
        spin_loop();
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        spin_loop();
    }
}
