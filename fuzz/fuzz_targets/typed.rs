//! Fuzzes control messages by type: encoded, decoded and encoded again.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::typed(input));
