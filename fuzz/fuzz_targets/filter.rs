//! Fuzzes ICMPv6 filters.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::filter(input));
