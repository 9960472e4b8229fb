//! Every platform of the crate, and one that is described outside of it. The fuzz targets include this file too.

use ipv6_core::abi::{
    Abi, CmsgLayout, ControlNumber, ControlNumbers, Endian, Platform, SockaddrLayout, Width,
};

/// Calls a function for every platform: those of the crate's list, and the one described here.
#[allow(unused_macros, reason = "not every crate that includes this file uses it")]
macro_rules! on_every_platform {
    ($function:ident $arguments:tt) => {
        ipv6_core::for_each_platform!(call_for_each [$function $arguments]);
        $function::<$crate::common::Bare> $arguments;
    };
}

/// Calls a function for each platform of the list.
#[allow(unused_macros, reason = "not every crate that includes this file uses it")]
macro_rules! call_for_each {
    ([$function:ident $arguments:tt] $($(#[$doc:meta])* $Platform:ident = $table:expr;)*) => {
        $($function::<ipv6_core::abi::$Platform> $arguments;)*
    };
}

/// The lowest `width` bytes of an integer, in the platform's byte order.
pub fn integer<P: Platform>(value: u64, width: usize) -> Vec<u8> {
    match P::ABI.endian {
        Endian::Little => value.to_le_bytes()[..width].to_vec(),
        Endian::Big => value.to_be_bytes()[8 - width..].to_vec(),
    }
}

/// A system that has only the hop limit, and no padding anywhere.
pub enum Bare {}

impl Platform for Bare {
    const ABI: Abi =
        Abi::new(Endian::Big, CmsgLayout::new(Width::Four, 1, 1), SockaddrLayout::new(24, true, 28))
            .with_control(ControlNumbers::NONE.with_hop_limit(ControlNumber::new(41, 40, 4)));
}
