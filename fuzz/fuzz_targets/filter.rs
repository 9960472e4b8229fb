//! Fuzzes the ICMPv6 filters of every platform.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::filter(input));
