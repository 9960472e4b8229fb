//! Fuzzes control messages that are almost valid, on one platform.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::received(input));
