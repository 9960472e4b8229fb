//! Fuzzes socket addresses and group requests.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::address(input));
