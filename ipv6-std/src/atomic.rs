//! The atomic types of the state that threads share: those of the standard library, or those of `loom`, which runs a test
//! once for each interleaving of its threads (`scripts/loom`).

#[cfg(not(all(test, ipv6_loom)))]
mod types {
    #[cfg(target_has_atomic = "64")]
    pub(crate) use std::sync::atomic::AtomicU64;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU16, AtomicU32, Ordering};

    // 32-bit MIPS and PowerPC have no 64-bit atomic instructions.
    #[cfg(not(target_has_atomic = "64"))]
    pub(crate) use portable_atomic::AtomicU64;
}

#[cfg(all(test, ipv6_loom))]
mod types {
    pub(crate) use loom::sync::atomic::{
        AtomicBool, AtomicI32, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering,
    };
}

pub(crate) use types::*;
