//! Fuzzes extension headers and the walk over them.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::extension(input));
