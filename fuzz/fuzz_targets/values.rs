//! Fuzzes the texts and the numbers of every value.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::values(input));
