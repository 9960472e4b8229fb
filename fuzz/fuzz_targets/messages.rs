//! Fuzzes the decoding of control messages by type, on every platform.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::messages(input));
