//! `IPV6_HOPLIMIT`: the hop limit, an `int` of which 0 to 255 have a meaning (RFC 3542 section 6.3).
//!
//! ```text
//!  0               4
//!  +---------------+
//!  |   hop limit   |   int, host order
//!  +---------------+
//! ```

use super::{Control, DecodeError, int};
use crate::abi::Platform;

pub(super) fn decode<P: Platform>(data: &[u8]) -> Result<u8, DecodeError> {
    int::decode::<P>(Control::HopLimit, data)
}

pub(super) use super::int::encode;
