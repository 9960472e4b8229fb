//! Programs that do the same checked work on loopback: this library, hand-written libc and others.

pub mod growth;
pub mod peers;
pub mod work;
