//! Encodes and decodes control messages, to measure the code size of the core in a small program.
//!
//! It uses the functions that do not clear or copy values. A cleared buffer links the compiler's `memset`, 174 bytes, and a
//! moved result ([`RecvControl::decode`]) links its `memcpy`, 756 bytes, unless the program contains them already.

#![no_std]
#![no_main]

use core::hint::{black_box, spin_loop};
use core::mem::MaybeUninit;
use core::panic::PanicInfo;

use ipv6_core::abi::Linux32;
use ipv6_core::{RecvControl, SendControl};

/// Space for any control messages to send, in bytes.
const SPACE: usize = SendControl::max_space::<Linux32>();

// The linker's entry point. No other function has this name.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    // `black_box` hides both values from the compiler, so that it keeps the code for every message.
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
