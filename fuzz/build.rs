//! Compiles the C code with the macros of the C library.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=c/cmsg.c");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        cc::Build::new().file("c/cmsg.c").std("c99").warnings_into_errors(true).compile("ipv6_fuzz_cmsg");
    }
}
