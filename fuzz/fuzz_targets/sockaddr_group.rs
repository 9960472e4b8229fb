//! Fuzzes socket addresses, path MTU structures, queued errors and group requests of every platform.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::sockaddr_group(input));
