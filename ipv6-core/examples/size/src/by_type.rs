//! Encodes and decodes three control messages by type: traffic class, hop limit and packet info.
//!
//! This needs less code than `SendControl` and `RecvControl`, which contain every field. Like `values`, the program does not
//! clear its buffer; `Messages::new` does, and links the compiler's `memclr`.

#![no_std]
#![no_main]

use core::hint::{black_box, spin_loop};
use core::mem::MaybeUninit;
use core::net::Ipv6Addr;
use core::panic::PanicInfo;

use ipv6_core::abi::Linux32;
use ipv6_core::cmsg::{RawMessages, Writer};
use ipv6_core::message::{HopLimit, PacketInfo, TrafficClass, space_of};

/// Space for the three messages, in bytes.
const SPACE: usize =
    space_of::<TrafficClass, Linux32>() + space_of::<HopLimit, Linux32>() + space_of::<PacketInfo, Linux32>();

type Buffer<'a> = Writer<'a, Linux32, MaybeUninit<u8>>;

// The linker's entry point. No other function has this name.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    // `black_box` hides all values from the compiler, so that it encodes and decodes nothing in advance.
    let source = black_box(Ipv6Addr::LOCALHOST);
    let mut bytes = [MaybeUninit::uninit(); SPACE];
    let mut buffer = Buffer::new(&mut bytes);
    black_box(&buffer.push_message(&TrafficClass(black_box(0x28))).is_ok());
    black_box(&buffer.push_message(&HopLimit(black_box(1))).is_ok());
    black_box(&buffer.push_message(&PacketInfo { address: source, interface: None }).is_ok());
    black_box(&bytes);

    for message in RawMessages::<Linux32>::new(black_box(&[0; SPACE])) {
        let Ok(message) = message else { break };
        black_box(&message.get::<TrafficClass, Linux32>());
        black_box(&message.get::<HopLimit, Linux32>());
        black_box(&message.get::<PacketInfo, Linux32>());
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
