//! Fuzzes extensions of ICMPv6 errors.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::icmp(input));
