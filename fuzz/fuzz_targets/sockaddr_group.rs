//! Fuzzes socket addresses, path MTU structures and group requests.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::sockaddr_group(input));
