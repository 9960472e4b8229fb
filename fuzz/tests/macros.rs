//! Compares the walk with the macros of the C library and of `libc`, for generated buffers: a short form of the fuzz target.
#![cfg(target_os = "linux")]

use ipv6_core::abi::{Linux32, Linux64, Platform};
use ipv6_core::cmsg::Writer;

/// xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Valid messages, of which some bytes are changed, cut anywhere.
fn buffer<P: Platform>(random: &mut Random) -> Vec<u8> {
    let mut bytes = vec![0xa5; 256];
    let mut writer = Writer::<P>::new(&mut bytes);
    for _ in 0..random.below(5) {
        let data = vec![7; random.below(40)];
        writer.push(41, random.below(70) as i32, &data).unwrap();
    }
    let used = writer.finish();
    bytes.truncate(used);
    for _ in 0..random.below(4) {
        let lengths = [0, 1, 12, 15, 16, 17, 20, 24, 33, 0x7f, 0x80, 0xf8, 0xff];
        if let Some(byte) = used.checked_sub(1).and_then(|last| bytes.get_mut(random.below(last + 1))) {
            *byte = lengths[random.below(lengths.len())];
        }
        // A length, of which there are few among all bytes.
        let start = random.below(used / 8 + 1) * 8;
        let width = if size_of::<usize>() == 8 { 8 } else { 4 };
        if let Some(len) = bytes.get_mut(start..start + width).filter(|_| start.is_multiple_of(24)) {
            let top = [usize::MAX, usize::MAX - 7, usize::MAX - 8, usize::MAX >> 1, 1 << 31, 16, 12, 0];
            len.copy_from_slice(&top[start / 8 % top.len()].to_ne_bytes());
        }
    }
    bytes.truncate(random.below(used + 1));
    bytes
}

#[test]
fn the_walk_is_that_of_the_macros() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..20_000 {
        let bytes = if size_of::<usize>() == 8 {
            buffer::<Linux64>(&mut random)
        } else {
            buffer::<Linux32>(&mut random)
        };
        ipv6_fuzz::macros(&bytes);
    }
}

#[test]
fn any_bytes_are_walked_as_by_the_macros() {
    let mut random = Random(1);
    for _ in 0..2_000 {
        let len = random.below(100);
        let bytes: Vec<u8> = (0..len).map(|_| random.next() as u8 & 0x1f).collect();
        ipv6_fuzz::macros(&bytes);
    }
}
