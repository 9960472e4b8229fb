//! Fuzzes the builders of extension headers.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::builders(input));
