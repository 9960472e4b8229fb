//! Fuzzes requests to the kernel, queued errors, and what kernels answer.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ipv6_fuzz::requests(input));
