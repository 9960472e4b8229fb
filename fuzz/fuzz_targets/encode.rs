//! Fuzzes controls made of the input, encoded and decoded again.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::encode(input));
