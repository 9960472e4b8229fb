//! Fuzzes constructors, conversions and texts of errors.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::api(input));
