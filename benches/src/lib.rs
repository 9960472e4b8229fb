//! What the benchmarks share: pieces of work, and programs that do them.

pub mod ends;
pub mod peers;
pub mod work;
