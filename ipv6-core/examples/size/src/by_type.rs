//! Encodes and decodes three control messages by type: traffic class, hop limit and packet info.
//!
//! This needs less code than `SendControl` and `RecvControl`, which contain every field. Like `values`, the program does not
//! clear its buffer: `Messages::new` does, and links the compiler's `memclr`.

#![no_std]
#![no_main]

use core::hint::{black_box, spin_loop};
use core::mem::MaybeUninit;
use core::net::Ipv6Addr;
use core::panic::PanicInfo;

use ipv6_core::abi::Linux32;
use ipv6_core::cmsg::{RawMessages, Writer};
use ipv6_core::message::{ControlMessage, HopLimit, PacketInfo, SendMessage, TrafficClass, space_of};

/// Space for the three messages, in bytes.
const SPACE: usize =
    space_of::<TrafficClass, Linux32>() + space_of::<HopLimit, Linux32>() + space_of::<PacketInfo, Linux32>();

type Buffer<'a> = Writer<'a, Linux32, MaybeUninit<u8>>;

/// Appends a message. Returns `false` if it does not fit, or if the platform lacks it.
fn push<M: SendMessage<Linux32>>(buffer: &mut Buffer<'_>, message: &M) -> bool {
    let Some(number) = <M as ControlMessage<Linux32>>::NUMBER else { return false };
    push_bytes(buffer, number.level, number.kind, message.encode().as_ref())
}

/// Not inlined, so that the program contains this code once and not for each type.
#[inline(never)]
fn push_bytes(buffer: &mut Buffer<'_>, level: i32, kind: i32, data: &[u8]) -> bool {
    buffer.push(level, kind, data).is_ok()
}

// The linker's entry point. No other function has this name.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    // `black_box` hides all values from the compiler, so that it encodes and decodes nothing in advance.
    let source = black_box(Ipv6Addr::LOCALHOST);
    let mut bytes = [MaybeUninit::uninit(); SPACE];
    let mut buffer = Buffer::new(&mut bytes);
    let encoded = push(&mut buffer, &TrafficClass(black_box(0x28)))
        && push(&mut buffer, &HopLimit(black_box(1)))
        && push(&mut buffer, &PacketInfo { address: source, interface: None });
    black_box(encoded);
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
