//! Fuzzes control messages of every platform, walked and decoded.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::walk(input));
