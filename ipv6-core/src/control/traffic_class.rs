//! `IPV6_TCLASS`: the traffic class, an `int` of which 0 to 255 have a meaning (RFC 3542 section 6.5).
//!
//! ```text
//!  0               4
//!  +---------------+
//!  | traffic class |   int, host order; macOS has sent a single byte
//!  +---------------+
//! ```

use super::{Control, DecodeError, int};
use crate::abi::Platform;

pub(super) fn decode<P: Platform>(data: &[u8]) -> Result<u8, DecodeError> {
    match data {
        [byte] => Ok(*byte),
        _ => int::decode::<P>(Control::TrafficClass, data),
    }
}

pub(super) use super::int::encode;
