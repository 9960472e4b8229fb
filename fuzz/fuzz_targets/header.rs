//! Fuzzes the parsing of IPv6 headers.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::header(input));
