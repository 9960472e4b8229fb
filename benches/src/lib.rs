//! The parts that all benchmarks share: pieces of work, and the programs that do them.

pub mod ends;
pub mod peers;
pub mod work;

/// Compiles the example of the README at the top of the repository. (A crate that is published cannot include it.)
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
