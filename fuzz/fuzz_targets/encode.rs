//! Fuzzes the encoding of control messages of every platform.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::encode(input));
