//! Fuzzes control messages, decoded as every platform has them.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::decode(input));
