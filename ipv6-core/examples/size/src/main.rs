//! Encodes and decodes control messages, and nothing else: what remains of the core in a small program.
//!
//! It takes the ways that clear and copy nothing. With a buffer that is cleared, or a result that is moved
//! ([`RecvControl::decode`]), there are the compiler's functions for that beside it, of 174 and of 756 bytes, if the program
//! has none of them yet.

#![no_std]
#![no_main]

use core::hint::{black_box, spin_loop};
use core::mem::MaybeUninit;
use core::panic::PanicInfo;

use ipv6_core::abi::Linux32;
use ipv6_core::{RecvControl, SendControl};

/// Bytes for any control messages to send.
const SPACE: usize = SendControl::max_space::<Linux32>();

// Where the linker starts. No other function has this name.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    // Any message may be there or not: nothing is known of either value.
    let mut bytes = [MaybeUninit::uninit(); SPACE];
    let encoded = black_box(&SendControl::new()).encode_to::<Linux32, _>(&mut bytes);
    black_box(&bytes);
    black_box(&encoded.is_ok());
    let mut received = RecvControl::default();
    let decoded = received.decode_more::<Linux32>(black_box(&[0; SPACE]));
    black_box(&decoded.is_ok());
    black_box(&received);
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
