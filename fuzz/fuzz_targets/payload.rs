//! Fuzzes segments and checksums.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::payload(input));
