//! Fuzzes the walk over control messages of this host, in comparison with the macros of C and of the crate `libc`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::macros(input));
